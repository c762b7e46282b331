"""What was assumed for an answer, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from cbc_screen.kernel.limits import at_gestation
from cbc_screen.kernel.one_record import One
from cbc_screen.kernel.rules import LINE_ANALYTE
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge.answer_texts import AnswerTexts, Note
from cbc_screen.normalize.record import NormalizedRecord
from cbc_screen.report.wording import words
from cbc_screen.report.words import joined
from cbc_screen.result import AnalyteResult
from cbc_screen.vocabulary import LineState, Pregnancy, Reason, Sex, WhiteBasis

_BASES, _LINE_STATES = tuple(WhiteBasis), tuple(LineState)
_BASIS = {
    WhiteBasis.WBC: Note.JUDGED_ON_WBC,
    WhiteBasis.WBC_LESS_OTHERS: Note.JUDGED_ON_WBC_LESS_OTHERS,
    WhiteBasis.WBC_X_PERCENT: Note.DERIVED_FROM_PERCENTAGE,
    WhiteBasis.SEGMENTED_AND_BANDS: Note.SUM_OF_SEGMENTED_AND_BANDS,
}


def notes_of(
    kernel: Kernel, normalized: NormalizedRecord, one: One, texts: AnswerTexts, *, uncovered: bool
) -> list[str]:
    """Say what was made of neutrophils, of the person, and of settings; `uncovered` is an infant whom no set covers."""
    of_person = _of_person(kernel, normalized, one, texts)
    return [
        *_of_neutrophils(one, texts),
        *of_person,
        *_of_settings(kernel, normalized, one, texts, uncovered=uncovered),
    ]


def _of_neutrophils(one: One, texts: AnswerTexts) -> list[str]:
    basis = _BASES[one.codes["white_basis"]]
    notes = [texts.note(_BASIS[basis])] if basis in _BASIS else []
    if one.codes["white.open_room"]:
        notes.append(texts.note(Note.TOO_FEW_MAY_BE_NEUTROPHILS))
    return notes


def _of_person(kernel: Kernel, normalized: NormalizedRecord, one: One, texts: AnswerTexts) -> list[str]:
    rules, person, notes = kernel.rules, normalized.person, []
    if rules.stated and normalized.inputs.get(f"{rules.stated_finding}.present"):
        state = _LINE_STATES[one.codes["line.white_unadjusted"]].replace("_", " ")
        notes.append(texts.note(Note.DUFFY_NULL_RANGE, state=state))
    if person.sex is Sex.UNKNOWN:
        notes.append(texts.note(Note.SEX_UNKNOWN))
    own = [key for key in one.keys if not kernel.limits.is_beside(key)]
    if len(own) > 1 and person.sex is not Sex.UNKNOWN:
        notes.append(texts.note(Note.AGE_OR_PREGNANCY_NOT_EXACT))
    if len(own) < len(one.keys):
        notes.append(texts.note(Note.SETS_DIFFER))
    unstated = person.pregnancy is Pregnancy.NOT_STATED and person.sex is not Sex.MALE
    if unstated and kernel.limits.may_be_pregnant(one.keys):
        notes.append(texts.note(Note.PREGNANCY_NOT_STATED))
    if person.pregnancy is Pregnancy.POSTPARTUM:
        notes.append(texts.note(Note.AFTER_DELIVERY))
    return notes


def _of_settings(
    kernel: Kernel, normalized: NormalizedRecord, one: One, texts: AnswerTexts, *, uncovered: bool
) -> list[str]:
    """Say what was made of prematurity, elevation and smoking."""
    rules, notes = kernel.rules, []
    weeks = normalized.inputs.get(f"{rules.gestation}.low")
    at_term = weeks is not None and weeks >= rules.term_from
    stated = at_term or normalized.inputs.get(f"{rules.preterm_finding}.absent")
    young = kernel.limits.may_be_younger(one.keys, rules.preterm_below)
    names = [at_gestation(analyte, place) for analyte, own in rules.by_gestation.items() for place in range(len(own))]
    by_weeks = bool(names) and any(used[name] for used in one.limits for name in names)
    if uncovered and by_weeks:
        notes.append(texts.note(Note.PRETERM_SET_USED, set=rules.preterm_set))
    elif uncovered:
        before_term = normalized.inputs.get(f"{rules.gestation}.high", inf) < rules.term_from
        known = before_term or normalized.inputs.get(f"{rules.preterm_finding}.present")
        notes.append(texts.note(Note.PRETERM if known else Note.GESTATION_NOT_AT_TERM))
    elif not stated and young:
        notes.append(texts.note(Note.TERM_NOT_STATED))
    if names and young and not at_term and not by_weeks:
        notes.append(texts.note(Note.GESTATION_NOT_STATED, set=rules.preterm_set))
    if rules.adjust:
        marks = {mark for a in rules.adjustments.values() for mark in a.marks(rules.adjust)}
        what, read_as = joined(sorted(rules.adjust)), joined(sorted(marks))
        notes.append(texts.note(Note.HEMOGLOBIN_ADJUSTED, what=what, marks=read_as))
    return notes


def notes_of_ranges(analytes: Sequence[AnalyteResult], texts: AnswerTexts) -> list[str]:
    """Say what to keep in mind of the ranges that were used."""
    notes = []
    if any(used.confidence == "low" for analyte in analytes for used in analyte.ranges):
        notes.append(texts.note(Note.LOW_CONFIDENCE))
    if any(analyte.analyte == "mpv" and analyte.ranges for analyte in analytes):
        notes.append(texts.note(Note.MPV_OF_ONE_MODEL))
    return notes


def remarks_of(reasons: Sequence[tuple[str, Reason]], labels: Mapping[str, str], texts: AnswerTexts) -> tuple[str, ...]:
    """Say why something is unknown or to be read with care: each reason once, with all that it is about."""
    return tuple(f"{said} ({reason})" for reason, said in _remarks(reasons, labels, texts).items())


def unused_results(
    reasons: Sequence[tuple[str, Reason]], labels: Mapping[str, str], texts: AnswerTexts
) -> tuple[str, ...]:
    """Say why what was sent for a line and judged could not be used."""
    judged = {"wbc", *LINE_ANALYTE.values()}
    of_lines = [pair for pair in reasons if pair[0] in judged and pair[1] is not Reason.NO_RESULT]
    return tuple(_remarks(of_lines, labels, texts).values())


def _remarks(reasons: Sequence[tuple[str, Reason]], labels: Mapping[str, str], texts: AnswerTexts) -> dict[Reason, str]:
    about: dict[Reason, list[str]] = {}
    for field, reason in reasons:
        about.setdefault(reason, []).append(labels.get(field) or words(field))
    return {reason: f"{joined(names)}: {texts.reason(reason)}" for reason, names in about.items()}
