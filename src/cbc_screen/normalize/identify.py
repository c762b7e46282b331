"""Which analyte a result is of: by the source's own codes, by LOINC, else by exact name.

A code decides and a name does not (LOINC renames its terms), but a name that exactly reads
as another analyte contradicts the code, and a contradiction is not a result.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from cbc_screen.ingest.results import LabResult, ResultCode
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import fold_code, plain_name
from cbc_screen.knowledge.quantities import Factor, has_check_digit
from cbc_screen.normalize.names import Role, name_reader
from cbc_screen.normalize.placing import NEIGHBORS
from cbc_screen.vocabulary import Reason

_LOINC_SHAPE = re.compile(r"\d{1,7}-\d")
_LOINC_SYSTEMS = ("ln", "loinc", "http://loinc.org", "urn:oid:2.16.840.1.113883.6.1", "2.16.840.1.113883.6.1")
_BEHIND = re.compile(r"\s*[<>=]*\s*[0-9.]+\s*(?:\([A-Za-z*!]{1,8}\)\s+)?([^\s0-9].{0,30})")  # a flag may stand between
_NO_CODE = ("", "0")  # a concept of 0 is OMOP's word for none
_REMEMBERED = 50_000
_LONGEST_NAME = 256


class ResultIdentity(NamedTuple):
    """An analyte, or why the result is set aside; neither is no part of a blood count.

    `possible` are the analytes that a result set aside may be of: where a count has no other
    result of them they are unknown, and not absent. One that is `again` is a further result of
    its analyte: beside another that says something else, neither stands.
    """

    analyte: str | None
    reason: Reason | None = None
    possible: tuple[str, ...] = ()
    again: bool = False


NOT_A_COUNT = ResultIdentity(None)


class Identifier:
    """Says of results what they are; equal questions are worked out once."""

    def __init__(
        self,
        knowledge: Knowledge,
        codes: Mapping[str, str],
        other_codes: frozenset[str] = frozenset(),
        *,
        names: Mapping[str, str] = MappingProxyType({}),
        listed_only: bool = True,
    ) -> None:
        self._knowledge, self._codes, self._other_codes = knowledge, codes, other_codes
        self._own_names, self._listed_only = names, listed_only
        self._names = name_reader(knowledge)
        self._by_loinc = {code: analyte.id for analyte in knowledge.analytes.values() for code in analyte.loinc}
        others = knowledge.white_parts.others
        self._bounds_neutrophils = frozenset({*others, *(knowledge.analytes[name].percent for name in others)})
        self._known: dict[tuple[object, ...], ResultIdentity] = {}

    def identify(self, result: LabResult, specimen: str | None = None) -> ResultIdentity:
        """Return the analyte of a result, of its specimen or of this one; what came damaged may be of any that the lines are judged on."""
        if result.fault is Reason.MESSAGE_UNREADABLE and not result.codes:
            return ResultIdentity(None, result.fault, NEIGHBORS)
        own = result.specimen if specimen is None else specimen
        unit = result.unit or unit_in(result.value)
        question = (result.codes, own, result.panel, unit, bool(result.value))
        found = self._known.get(question)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[question] = self._identify(replace(result, unit=unit, specimen=own))
        return found

    def _identify(self, result: LabResult) -> ResultIdentity:
        if not any(code.code or code.name for code in result.codes):
            # A value of nobody knows what.
            return ResultIdentity(None, Reason.KEY_MISSING if result.value else None)
        if (own := self._by_own_name(result)) is not None:
            return own
        if self._codes and result.codes[0].code not in _NO_CODE and (self._listed_only or self._lists(result)):
            return self._by_own_code(result)
        loincs = [code for code in result.codes if _is_loinc(code)]
        analytes = {self._by_loinc[code.code] for code in loincs if code.code in self._by_loinc}
        if loincs:
            return self._by_code(analytes, result) if analytes else self._by_another_code(result)
        return self._by_name(result)

    def _by_own_name(self, result: LabResult) -> ResultIdentity | None:
        """Look a result up by the names of its profile; None where they do not have it."""
        if not self._own_names:
            return None
        names = [plain_name(text[:_LONGEST_NAME]) for code in result.codes for text in (code.name, code.code)]
        found = {self._own_names[name] for name in names if name in self._own_names}
        if not found or self._not_blood(result.specimen):
            return NOT_A_COUNT if found else None
        return self._one(found, result)

    def _lists(self, result: LabResult) -> bool:
        """Tell whether the codes of the profile have one of a result's."""
        codes = {fold_code(code.code) for code in result.codes}
        return not codes.isdisjoint(self._codes.keys() | self._other_codes)

    def _by_own_code(self, result: LabResult) -> ResultIdentity:
        """Look a result up in the codes of its profile; one that they do not list may still be called like a count."""
        codes = [fold_code(code.code) for code in result.codes]
        if self._not_blood(result.specimen, result.panel) or not self._other_codes.isdisjoint(codes):
            return NOT_A_COUNT
        listed = {self._codes[code] for code in codes if code in self._codes}
        if listed:
            return self._unless_named_otherwise(self._one(listed, result), result)
        own = self._by_name(
            replace(result, codes=tuple(ResultCode("", code.name, "") for code in result.codes if code.name))
        )
        possible = (own.analyte,) if own.analyte is not None else own.possible
        return ResultIdentity(None, Reason.CODE_UNKNOWN, possible, own.again) if possible else NOT_A_COUNT

    def _one(self, analytes: Collection[str], result: LabResult) -> ResultIdentity:
        """Return the one analyte that codes or names say; a result in the unit of another quantity is not of it."""
        if len(analytes) > 1:
            return self._one_of(tuple(sorted(analytes)), result)
        (analyte,) = analytes
        if self._is_in_unit_of_another(analyte, result):
            return ResultIdentity(None, Reason.UNIT_CONFUSABLE, (analyte,))
        return ResultIdentity(analyte)

    def _one_of(self, analytes: tuple[str, ...], result: LabResult) -> ResultIdentity:
        """Set aside what may be of several analytes: of each whose unit it may have, it is a further result."""
        possible = tuple(analyte for analyte in analytes if not self._is_in_unit_of_another(analyte, result))
        return ResultIdentity(None, Reason.CODE_CONFLICT, possible or analytes, again=bool(possible))

    def _is_in_unit_of_another(self, analyte: str, result: LabResult) -> bool:
        return self._knowledge.analytes[analyte].units.is_of_another(result.unit, self._knowledge.units)

    def _by_code(self, analytes: Collection[str], result: LabResult) -> ResultIdentity:
        named = {name for code in result.codes if (name := self._read(code.name, "")) is not None}
        if len(analytes) != 1:
            return self._one(analytes, result)
        (analyte,) = analytes
        others = {other for other in named if not self._same_cell(analyte, other)}
        if self._not_blood(result.specimen):
            # What was ordered is no contradiction: a marrow report quotes the blood count.
            return ResultIdentity(None, Reason.CODE_CONFLICT, (analyte, *sorted(others)))
        if others:
            return self._one_of((analyte, *sorted(others)), result)
        return self._unless_named_otherwise(self._one(analytes, result), result)

    def _unless_named_otherwise(self, identity: ResultIdentity, result: LabResult) -> ResultIdentity:
        """Set a result aside whose name is a known name of another thing than its code."""
        analyte = identity.analyte
        if analyte is not None and self._is_called_otherwise(analyte, result):
            return ResultIdentity(None, Reason.CODE_CONFLICT, (analyte,))
        return identity

    def _unless_known_by_its_code_alone(self, identity: ResultIdentity, result: LabResult) -> ResultIdentity:
        """Let a result harm nothing that only a local code calls a kind of white cell, in the unit of another quantity.

        "ALC" is the lymphocytes to one laboratory and ethanol to another: a name that is none of theirs, and a unit
        that is none of theirs, say which. Neutrophils are not let go: nothing may stand in for those that were sent.
        """
        if identity.reason is not Reason.UNIT_CONFUSABLE or not self._bounds_neutrophils.issuperset(identity.possible):
            return identity
        is_called = any(not code.name or self._read(code.name, "") is not None for code in result.codes)
        return identity if is_called else ResultIdentity(None, identity.reason)

    def _is_called_otherwise(self, analyte: str, result: LabResult) -> bool:
        return any(self._is_another(code.name, analyte) for code in result.codes)

    def _by_another_code(self, result: LabResult) -> ResultIdentity:
        """Look at a result whose code is of no count: one called like a count is set aside.

        Some laboratories send the morphology code with a number; dropping it in silence would
        lose the result.
        """
        if self._not_blood(result.specimen, result.panel):
            return NOT_A_COUNT
        found = {self._read(code.name, result.unit) for code in result.codes} - {None}
        named = [name for name in found if name is not None and not self._is_called_otherwise(name, result)]
        possible = tuple(sorted(name for name in named if self._may_be(name, result)))
        return ResultIdentity(None, Reason.CODE_CONFLICT, possible) if possible else NOT_A_COUNT

    def _may_be(self, analyte: str, result: LabResult) -> bool:
        """Tell whether a result under another code, called like an analyte, may be of it.

        One measured like it may; and without a unit one whose line would else be judged on
        another analyte.
        """
        known = self._knowledge.analytes[analyte]
        units = known.units
        if result.unit:
            tries = [units.find(result.unit), *(units.find(result.unit, convention) for convention in units.declared)]
            if any(isinstance(found, Factor) for found in tries):
                return True
        return analyte in self._names.fallible and not units.is_of_another(result.unit, self._knowledge.units)

    def _same_cell(self, analyte: str, other: str) -> bool:
        """Tell whether two analytes are one, or a count and its percentage: names do not tell these apart."""
        pairs = {analyte: self._knowledge.analytes[analyte].percent, other: self._knowledge.analytes[other].percent}
        return analyte == other or pairs[analyte] == other or pairs[other] == analyte

    def _by_name(self, result: LabResult) -> ResultIdentity:
        texts = [text for code in result.codes for text in (code.name, code.code) if text]
        found = {name for text in texts if (name := self._read(text, result.unit)) is not None}
        if self._not_blood(result.specimen, result.panel):
            return NOT_A_COUNT
        if any(self._is_another(text, analyte) for text in texts for analyte in found):
            return NOT_A_COUNT  # "WBC", called "WBC in urine": the longer name says what it is
        if found:
            return self._unless_known_by_its_code_alone(self._one(found, result), result)
        read = [self._names.read(text) for text in texts if len(text) <= _LONGEST_NAME]
        possible = [meaning for meaning in read if meaning.role in (Role.POSSIBLE, Role.AGAIN)]
        if not possible and result.unit and len(result.unit) <= _LONGEST_NAME:
            # The unit beside it tells that "Hemoglobin finger prick" is an amount of hemoglobin.
            beside = [
                self._names.named_within(f"{text} ({result.unit})") for text in texts if len(text) <= _LONGEST_NAME
            ]
            refused = any(meaning.role is Role.REFUSED for meaning in read)
            possible = [meaning for meaning in beside if meaning is not None and not refused]
        counted = [one for one in possible if self._knowledge.analytes[one.name].counted]
        if not counted:
            return NOT_A_COUNT
        names = tuple(dict.fromkeys(one.name for one in counted))
        return ResultIdentity(None, counted[0].reason, names, again=all(one.role is Role.AGAIN for one in counted))

    def _read(self, name: str, unit: str) -> str | None:
        """Read a name; a unit beside it tells a count from a percentage."""
        if not name or len(name) > _LONGEST_NAME:
            return None
        if self._names.read(name).role is Role.REFUSED:
            return None
        # A percentage is told from a count by its unit, where the name leaves it open.
        tries = [f"{name} ({unit})", name] if unit and len(unit) <= _LONGEST_NAME else [name]
        for text in tries:
            meaning = self._names.read(text)
            if meaning.role is Role.ANALYTE and self._knowledge.analytes[meaning.name].counted:
                return meaning.name
        return None

    def _is_another(self, name: str, analyte: str) -> bool:
        """Tell whether a name is known to be of another thing than this analyte."""
        if not name or self._read(name, "") is not None:
            return False
        return self._knowledge.friends.why_not(name[:_LONGEST_NAME], analyte) is not None

    def _not_blood(self, *texts: str) -> bool:
        return self._knowledge.friends.not_blood(*(text[:_LONGEST_NAME] for text in texts))


def unit_in(value: str) -> str:
    """Return what stands behind the number of a value: its unit, or a remark."""
    found = _BEHIND.fullmatch(value) if value[-1:].isalpha() or value.endswith("%") else None
    return found[1] if found is not None else ""


def _is_loinc(code: ResultCode) -> bool:
    """Tell whether a code is a LOINC code: by its check digit, whatever the system is called.

    Some sources name another system for LOINC codes, and some call their own codes LOINC.
    """
    called_so = code.system.casefold() in _LOINC_SYSTEMS
    return _LOINC_SHAPE.fullmatch(code.code) is not None and (called_so or has_check_digit(code.code))
