"""What was assumed for an answer, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from cbc_screen.kernel.limits import at_gestation
from cbc_screen.kernel.one_record import One
from cbc_screen.kernel.screen import Kernel
from cbc_screen.normalize.record import NormalizedRecord
from cbc_screen.report.words import joined
from cbc_screen.result import (
    AnalyteResult,
)  # fmt: skip
from cbc_screen.vocabulary import (
    Line,
    LineState,
    Pregnancy,
    Sex,
    WhiteBasis,
)  # fmt: skip

_BASES, _LINE_STATES = tuple(WhiteBasis), tuple(LineState)
_BASIS = {
    WhiteBasis.WBC: "The white line was judged on WBC: neutrophils are neither given nor derivable.",
    WhiteBasis.WBC_LESS_OTHERS: (
        "Neutrophils are neither given nor derivable; the white cells without the other kinds that were given leave too few."
    ),
    WhiteBasis.WBC_X_PERCENT: "Neutrophils were derived from WBC and the percentage.",
    WhiteBasis.SEGMENTED_AND_BANDS: (
        "Neutrophils were not given: they are the sum of segmented cells and bands; without bands they are at least the segmented cells."
    ),
}
_OPEN_ROOM = (
    "The white cells or another kind of them are not known exactly: there may be too few neutrophils among them, so the white "
    "line is unknown."
)
_DUFFY = "The stated Duffy-null phenotype chose the range; by the default range the white line is {state}."
_SEX = "Sex is unknown: every range was tried, and an answer is given where all agree."
_AGE = "Age or pregnancy is not exact: every range was tried, and an answer is given where all agree."
_SETS = "At this age sets of equal standing differ: both were tried, and an answer is given where they agree."
_PREGNANCY = "Pregnancy is not stated: the non-pregnant range was used."
_POSTPARTUM = "After delivery, analytes without a row of their own were tried against the non-pregnant and third-trimester ranges."
_PRETERM = (
    "Born preterm: the ranges are of infants born at term and were not used; a range that was sent with a result was. "
    "A set by gestation at birth can be chosen where the weeks are stated (docs/sets.md)."
)
_GESTATION = (
    "Born preterm: the ranges of {set} for the stated gestation were used where it has one, and no other of a set."
)
_GESTATION_OPEN = (
    "The gestation at birth was sent, and does not show that the infant was born at term: no range of a set was used; "
    "a range that was sent with a result was."
)
_GESTATION_UNSTATED = (
    "The set {set} is used only where the gestation at birth is stated (gestation_at_birth, in weeks): it was not used."
)
_TERM = "Whether the infant was born preterm is not stated: the ranges are of infants born at term."
_ADJUSTED = (
    "Hemoglobin was adjusted for {what} before the WHO cut-offs, and the answer without it is given beside "
    "(rows read as {marks}). What is not stated of it counts as any amount of the table."
)
_NO_GRADE = "The grading scheme {scheme} does not grade {analyte} for this person, so the low {line} line has no grade."
_LOW_CONFIDENCE = "Some of the ranges used are of low confidence (see ranges): mostly those under one year."
_MPV = "MPV depends on the manufacturer; the range used is of one analyzer model."


def notes_of(kernel: Kernel, normalized: NormalizedRecord, one: One, *, uncovered: bool) -> list[str]:
    """Say what was made of neutrophils, of the person, and of settings; `uncovered` is an infant whom no set covers."""
    rules, person = kernel.rules, normalized.person
    basis = _BASES[one.codes["white_basis"]]
    notes = [_BASIS[basis]] if basis in _BASIS else []
    if one.codes["white.open_room"]:
        notes.append(_OPEN_ROOM)
    if rules.stated and normalized.inputs.get(f"{rules.stated_finding}.present"):
        state = _LINE_STATES[one.codes["line.white_unadjusted"]].replace("_", " ")
        notes.append(_DUFFY.format(state=state))
    if person.sex is Sex.UNKNOWN:
        notes.append(_SEX)
    own = [key for key in one.keys if not kernel.limits.is_beside(key)]
    if len(own) > 1 and person.sex is not Sex.UNKNOWN:
        notes.append(_AGE)
    if len(own) < len(one.keys):
        notes.append(_SETS)
    unstated = person.pregnancy is Pregnancy.NOT_STATED and person.sex is not Sex.MALE
    if unstated and kernel.limits.may_be_pregnant(one.keys):
        notes.append(_PREGNANCY)
    if person.pregnancy is Pregnancy.POSTPARTUM:
        notes.append(_POSTPARTUM)
    return [*notes, *_of_settings(kernel, normalized, one, uncovered=uncovered)]


def _of_settings(kernel: Kernel, normalized: NormalizedRecord, one: One, *, uncovered: bool) -> list[str]:
    """Say what was made of prematurity, elevation and smoking."""
    rules, notes = kernel.rules, []
    weeks = normalized.inputs.get(f"{rules.gestation}.low")
    at_term = weeks is not None and weeks >= rules.term_from
    stated = at_term or normalized.inputs.get(f"{rules.preterm_finding}.absent")
    young = kernel.limits.may_be_younger(one.keys, rules.preterm_below)
    names = [at_gestation(analyte, place) for analyte, own in rules.by_gestation.items() for place in range(len(own))]
    by_weeks = bool(names) and any(used[name] for used in one.limits for name in names)
    if uncovered and by_weeks:
        notes.append(_GESTATION.format(set=rules.preterm_set))
    elif uncovered:
        before_term = normalized.inputs.get(f"{rules.gestation}.high", inf) < rules.term_from
        known = before_term or normalized.inputs.get(f"{rules.preterm_finding}.present")
        notes.append(_PRETERM if known else _GESTATION_OPEN)
    elif not stated and young:
        notes.append(_TERM)
    if names and young and not at_term and not by_weeks:
        notes.append(_GESTATION_UNSTATED.format(set=rules.preterm_set))
    if rules.adjust:
        marks = {mark for a in rules.adjustments.values() for mark in a.marks(rules.adjust)}
        notes.append(_ADJUSTED.format(what=joined(sorted(rules.adjust)), marks=joined(sorted(marks))))
    return notes


def note_of_grade(scheme: str, analyte: str, line: Line) -> str:
    """Say why a low line has no grade: the scheme has none at this age, or none of what was sent."""
    return _NO_GRADE.format(scheme=scheme, analyte=analyte, line=line)


def notes_of_ranges(analytes: Sequence[AnalyteResult]) -> list[str]:
    """Say what to keep in mind of the ranges that were used."""
    notes = []
    if any(used.confidence == "low" for analyte in analytes for used in analyte.ranges):
        notes.append(_LOW_CONFIDENCE)
    if any(analyte.analyte == "mpv" and analyte.ranges for analyte in analytes):
        notes.append(_MPV)
    return notes
