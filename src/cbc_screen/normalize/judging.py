"""What one result is worth by itself, before it meets the others of its count.

Nothing here depends on the person, the moment or the rows around it: results that say the
same of themselves are judged once, whoever they are of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from cbc_screen.ingest.results import LabResult, ResultCode, Stated, StatedSpecimen
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import LOST, plain_name
from cbc_screen.knowledge.person_codes import GESTATION, PREGNANCY
from cbc_screen.knowledge.quantities import has_check_digit
from cbc_screen.normalize.about_person import AboutPerson
from cbc_screen.normalize.film import FilmReader
from cbc_screen.normalize.identify import Identifier, unit_in
from cbc_screen.normalize.names import Role, name_reader
from cbc_screen.normalize.range_text import limits_of_text
from cbc_screen.normalize.remarks import (
    CLUMPS,
    CLUMPS_SUSPECTED,
    clumps_as_result,
    is_raised,
    mentions_clumps,
    platelet_clumps,
    suspects_clumps,
)
from cbc_screen.normalize.specimen import SpecimenReader
from cbc_screen.normalize.stated_units import StatedUnits, differing
from cbc_screen.normalize.value import unusable
from cbc_screen.vocabulary import Presence, Reason, ResultStatus, SpecimenKind

SPECIMEN = "specimen"  # of which a remark that is a result of its own takes all results back
OF_ALL = "of all "  # begins what a remark beside a result of an analyte says of its whole sample
SUSPECTED = "suspected"  # of clumps, beside the words of `Presence`
_PANEL = "panel"
_UNREADABLE = "?"  # of a pregnancy: no word for one
_TYPE = "type"  # of a specimen, as specimens.yaml calls this field
_FINAL = frozenset({ResultStatus.FINAL, ResultStatus.CORRECTED, ResultStatus.AMENDED})
_LONGEST_LABEL = 80
_REMARKS = 4_096
_SPECIMENS = 1_024  # the results of one specimen follow one another


class Judgement(NamedTuple):
    """What a result is: of an analyte, set aside for a reason, a remark, or no part of a count.

    `possible` are the analytes that a result set aside may be of; it is `again` where it is then a further
    result of one; `about` is what it tells of the person (a field and its text), where it
    is no part of a count.
    """

    analyte: str | None
    reason: Reason | None = None
    possible: tuple[str, ...] = ()
    clumps: str = Presence.UNKNOWN.value
    value: str = ""
    unit: str = ""
    about: tuple[str, str] | None = None
    film: tuple[str, Presence] | None = None  # a finding of the film, seen or not seen
    again: bool = False
    of_all: bool = False  # a remark beside it takes back all that was measured

    @property
    def is_left_out(self) -> bool:
        """Whether the result is no part of a count, and says nothing of one."""
        unsaid = self.clumps == Presence.UNKNOWN.value and self.about is None and self.film is None
        return self.analyte is None and self.reason is None and unsaid


class Judge:
    """Judges results; equal questions are worked out once by what it asks."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._stated_units, self._about, self._film = (
            StatedUnits(knowledge),
            AboutPerson(knowledge),
            FilmReader(knowledge),
        )
        self.specimens = SpecimenReader(knowledge.specimens)
        self._of_what_was_taken = knowledge.specimens.is_of_what_was_taken
        self._names_blood = lru_cache(_SPECIMENS)(knowledge.specimens.names_blood)
        self._names, self._unit_of_name = name_reader(knowledge), lru_cache(_REMARKS)(self._unit_in_name)
        self._spoils = lru_cache(_SPECIMENS)(knowledge.words.spoils)
        self._says_of_all = lru_cache(_REMARKS)(knowledge.words.takes_back_all)
        self._counted = frozenset(name for name, own in knowledge.analytes.items() if own.counted)
        self._takes_back = lru_cache(_REMARKS)(knowledge.words.takes_back)
        self._remark_names, self._remark_in = knowledge.beside.row_notes, knowledge.beside.remark_in
        self._is_remark = lru_cache(_REMARKS)(self._names_remark)
        self._other_specimen = lru_cache(_SPECIMENS)(self._told_of_specimen)

    def says_more(self, remark: str) -> bool:
        """Tell whether a remark beside a result says something that changes what the result is worth."""
        return mentions_clumps(remark) or self._takes_back(remark)

    def suspects(self, sample: StatedSpecimen) -> bool:
        """Tell whether nothing that was measured in a specimen is to be believed."""
        return sample.unusable or any(map(self._takes_back, sample.notes))

    def of(self, result: LabResult, identifier: Identifier, units: Mapping[str, str]) -> Judgement:
        """Judge a result; `units` are declared for its source, by analyte."""
        ordered = ((_PANEL, result.panel),) if result.panel and not self._is_of_blood(result.panel) else ()
        other, is_told = self._other_specimen((*result.stated, *ordered), result.specimen)
        analyte, reason, possible, again = identifier.identify(result, "" if is_told else result.specimen)
        if other is not None and (analyte is not None or reason is not None):
            # It makes nothing unknown of the blood that was taken beside it; and what is only
            # called like a count is no part of one where another fluid was taken.
            reason = other if analyte is not None or other is not Reason.SPECIMEN_BODY_FLUID else None
            possible = ()
            analyte = analyte if reason is None else None
        if reason is not None:
            return Judgement(None, reason, possible, value=result.value, unit=result.unit, again=again)
        clumps = _clumps(result, analyte) if other is None else Presence.UNKNOWN.value
        if analyte is None and clumps == Presence.ABSENT and not self._stands(result):
            clumps = Presence.UNKNOWN.value
        if analyte == self._about.gestation or (analyte is None and self._about.tells_gestation(result)):
            # The specimen beside it says nothing of a birth.
            value, unit = self._value_and_unit(replace(result, specimen="", stated=()), self._about.gestation)
            return Judgement(None, about=(GESTATION, ""), value=value, unit=unit, clumps=clumps)
        if analyte is None and (told := self._told_of_person(result)) is not None:
            return Judgement(None, about=told, clumps=clumps)
        if analyte is None:
            return self._of_no_analyte(result, clumps, is_blood=other is None)
        value, unit = self._value_and_unit(result, analyte)
        if not unit and not unit_in(value):
            unit = self._unit_of_name(result.codes, analyte) or units.get(analyte, "")
        of_all = analyte in self._counted and result.status in _FINAL and any(map(self._says_of_all, result.remarks))
        return Judgement(analyte, clumps=clumps, value=value, unit=unit, of_all=of_all)

    def _unit_in_name(self, codes: tuple[ResultCode, ...], analyte: str) -> str:
        """Return the unit that the name of a result states: "PLT [10^9/L]"."""
        meanings = (self._names.of_header(code.name) for code in codes if 0 < len(code.name) <= _LONGEST_LABEL)
        return next((own.unit for own in meanings if own.unit and (own.role, own.name) == (Role.ANALYTE, analyte)), "")

    def _of_no_analyte(self, result: LabResult, clumps: str, *, is_blood: bool) -> Judgement:
        """Judge what is no result of a count: a finding of the film, a remark on all, or nothing; a remark tells of clumps beside."""
        if clumps == Presence.UNKNOWN and _name_is_lost(result):
            return Judgement(None, Reason.ENCODING)
        if not self._stands(result) or not is_blood:
            return Judgement(None, clumps=clumps)  # it tells neither that something was seen, nor that it was not
        if clumps == Presence.UNKNOWN and self._is_remark(result.codes) and self._takes_back_all(result):
            return Judgement(None, about=(SPECIMEN, SUSPECTED))
        film = self._film.read(result)
        is_clumps = film is not None and film[0] in (CLUMPS, CLUMPS_SUSPECTED) and clumps != Presence.UNKNOWN
        return Judgement(None, film=None if is_clumps else film, clumps=clumps)

    def _told_of_person(self, result: LabResult) -> tuple[str, str] | None:
        """Return what a result tells of the person; a pregnancy that is not final is sent and unknown."""
        if self._stands(result):
            return self._about.read(result)
        is_open = result.status is not ResultStatus.DELETED and not any(map(self._takes_back, result.remarks))
        return (PREGNANCY, _UNREADABLE) if is_open and self._about.tells_pregnancy(result) else None

    def _is_of_blood(self, panel: str) -> bool:
        """Tell whether a panel that names another fluid names a count of blood too: "Hematology and pleural fluid"."""
        return self._names_blood(panel) and self.specimens.kind(_PANEL, panel) is SpecimenKind.BODY_FLUID

    def _taken(self, stated: Stated) -> Iterator[str]:
        """Yield what is said of what was taken: "clotted" stands there in place of blood."""
        return (text for field, text in stated if self._of_what_was_taken(field))

    def _takes_back_all(self, result: LabResult) -> bool:
        """Tell whether a remark that is a result takes back what was measured beside it."""
        names = (name for code in result.codes for name in (code.name, code.code))
        return any(self._takes_back(self._remark_in(name, result.value)) for name in names)

    def _names_remark(self, codes: tuple[ResultCode, ...]) -> bool:
        """Tell whether a result is a remark on all that was measured beside it: "Comment", "Specimen condition"."""
        return any(plain_name(text) in self._remark_names for code in codes for text in (code.name, code.code))

    def _stands(self, result: LabResult) -> bool:
        """Tell whether a result that is no count is final, could be used, and is not taken back."""
        is_usable = result.status in _FINAL and result.fault is None
        return is_usable and not any(map(self._takes_back, result.remarks))

    def _told_of_specimen(self, stated: Stated, specimen: str) -> tuple[Reason | None, bool]:
        """Return the reason why a result is of no patient's blood, if it is; also whether its specimen is told by this.

        What is blood by its type is so whatever else its words say of where it was taken.
        """
        types = tuple(pair for pair in stated if pair[0] == _TYPE)
        if specimen and not types:
            types = ((_TYPE, specimen),)
            stated = (*stated, *types)
        if not stated:
            return None, False
        kind = self.specimens.of(stated)
        reason = None if kind is None else kind.reason
        return reason, reason is not None or self.specimens.of(types) is SpecimenKind.BLOOD

    def _value_and_unit(self, result: LabResult, analyte: str) -> tuple[str, str]:
        """Return the value and the unit of a result, or what says why they are not to be believed."""
        if result.fault is not None:
            return unusable(result.fault), ""
        spoiled = any(map(self._spoils, (result.specimen, *self._taken(result.stated))))
        if spoiled or any(map(self._takes_back, result.remarks)):
            return unusable(Reason.SPECIMEN_SUSPECT), ""
        if not result.other_units:
            return result.value, result.unit
        stated = differing((result.unit, *result.other_units))
        unit = self._stated_units.settled(analyte, stated) if stated else ""
        return (result.value, unit) if unit is not None else (unusable(Reason.CODE_CONFLICT), "")


def limits_of(result: LabResult, unit: str) -> tuple[str, str]:
    """Return the limits that came with a result in this unit."""
    if not result.lower and not result.upper and result.range_text:
        return limits_of_text(result.range_text, unit)
    return result.lower, result.upper


def label_of(result: LabResult) -> str:
    """Return what a source calls a result: its first code and name."""
    first = result.codes[0] if result.codes else ResultCode("", "", "")
    return f"{first.code} {first.name}".strip()[:_LONGEST_LABEL]


def _clumps(result: LabResult, analyte: str | None) -> str:
    """Say what a result and its remarks tell of platelet clumps: a `Presence`, or that they are suspected."""
    if analyte is not None and not result.remarks and not mentions_clumps(result.value):
        return Presence.UNKNOWN.value  # nearly every one
    about = analyte == "platelets"
    asked = next((code.name for code in result.codes if mentions_clumps(code.name)), None)
    if analyte is None and asked is not None:
        if asked.rstrip().endswith("?"):
            return SUSPECTED if is_raised(result.value or result.flag) else Presence.UNKNOWN.value
        return clumps_as_result(result.value).value
    remarks = [*result.remarks, result.value]
    said = [platelet_clumps(remark, about_platelets=about) for remark in remarks if remark]
    if Presence.PRESENT in said:
        return Presence.PRESENT.value
    if any(suspects_clumps(remark, about_platelets=about) for remark in remarks if remark):
        return SUSPECTED
    return (Presence.ABSENT if Presence.ABSENT in said else Presence.UNKNOWN).value


def _name_is_lost(result: LabResult) -> bool:
    """Tell whether a result is known only by a name of which bytes could not be read: it may be of a count."""
    lost = any(LOST in text for code in result.codes for text in (code.code, code.name))
    return lost and not any(has_check_digit(code.code) for code in result.codes)
