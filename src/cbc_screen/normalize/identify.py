"""Which analyte a result is of: by the source's own codes, by LOINC, else by exact name.

A code decides and a name does not (LOINC renames its terms), but a name that exactly reads
as another analyte contradicts the code, and a contradiction is not a result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from cbc_screen.ingest.results import Code, LabResult
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import Factor, has_check_digit
from cbc_screen.normalize.names import NameReader, Role, plain_name
from cbc_screen.vocabulary import Reason

_LOINC_SHAPE = re.compile(r"\d{1,7}-\d")
_LOINC_SYSTEMS = ("ln", "loinc", "http://loinc.org", "urn:oid:2.16.840.1.113883.6.1", "2.16.840.1.113883.6.1")
_BEHIND = re.compile(r"\s*[<>=]*\s*[0-9.]+\s*([^\s0-9].{0,30})")
_NO_CODE = ("", "0")  # a concept of 0 is OMOP's word for none
_REMEMBERED = 50_000
_LONGEST_NAME = 256
# An analyte, or why the result is set aside; neither is no part of a blood count.
Identity = tuple[str | None, Reason | None]
NOT_A_COUNT: Identity = (None, None)


class Identifier:
    """Says of results what they are; equal questions are worked out once."""

    def __init__(self, knowledge: Knowledge, codes: Mapping[str, str]) -> None:
        self._knowledge, self._codes = knowledge, codes
        self._names = NameReader(knowledge)
        self._by_loinc = {code: analyte.id for analyte in knowledge.analytes.values() for code in analyte.loinc}
        self._known: dict[tuple[object, ...], Identity] = {}

    def identify(self, result: LabResult) -> Identity:
        """Return the analyte of a result."""
        unit = result.unit or unit_in(result.value)
        question = (result.codes, result.specimen, result.panel, unit, bool(result.value))
        found = self._known.get(question)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[question] = self._identify(replace(result, unit=unit))
        return found

    def _identify(self, result: LabResult) -> Identity:
        if not any(code.code or code.name for code in result.codes):
            # A value of nobody knows what.
            return None, Reason.KEY_MISSING if result.value else None
        if self._codes and result.codes[0].code not in _NO_CODE:
            if self._not_blood(result.specimen, result.panel):
                return NOT_A_COUNT
            codes = [code.code.casefold() for code in result.codes]
            return self._one({self._codes[code] for code in codes if code in self._codes})
        loincs = [code for code in result.codes if _is_loinc(code)]
        analytes = {self._by_loinc[code.code] for code in loincs if code.code in self._by_loinc}
        if loincs:
            return self._by_code(analytes, result) if analytes else self._by_another_code(result)
        return self._by_name(result)

    @staticmethod
    def _one(analytes: set[str]) -> Identity:
        if len(analytes) > 1:
            return None, Reason.CODE_CONFLICT
        return (analytes.pop(), None) if analytes else NOT_A_COUNT

    def _by_code(self, analytes: set[str], result: LabResult) -> Identity:
        if len(analytes) != 1:
            return self._one(analytes)
        (analyte,) = analytes
        named = {self._read(code.name, "") for code in result.codes} - {None}
        if any(not self._same_cell(analyte, other) for other in named if other) or self._not_blood(result.specimen):
            # What was ordered is no contradiction: a marrow report quotes the blood count.
            return None, Reason.CODE_CONFLICT
        return analyte, None

    def _by_another_code(self, result: LabResult) -> Identity:
        """Look at a result whose code is of no count: one called and measured like a count is set aside.

        Some laboratories send the morphology code with a number; dropping it in silence would
        lose the result.
        """
        if self._not_blood(result.specimen, result.panel):
            return NOT_A_COUNT
        for code in result.codes:
            analyte = self._read(code.name, result.unit)
            if analyte is None or not result.unit:
                continue
            units = self._knowledge.analytes[analyte].units
            tries = [units.find(result.unit), *(units.find(result.unit, convention) for convention in units.declared)]
            if any(isinstance(found, Factor) for found in tries):
                return None, Reason.CODE_CONFLICT
        return NOT_A_COUNT

    def _same_cell(self, analyte: str, other: str) -> bool:
        """Tell whether two analytes are one, or a count and its percentage: names do not tell these apart."""
        pairs = {analyte: self._knowledge.analytes[analyte].percent, other: self._knowledge.analytes[other].percent}
        return analyte == other or pairs[analyte] == other or pairs[other] == analyte

    def _by_name(self, result: LabResult) -> Identity:
        texts = [text for code in result.codes for text in (code.name, code.code) if text]
        found = {self._read(text, result.unit) for text in texts} - {None}
        if not found:
            ambiguous = any(self._is_ambiguous(text) for text in texts) and not self._not_blood(
                result.specimen, result.panel
            )
            return (None, Reason.UNIT_MISSING) if ambiguous else NOT_A_COUNT
        if self._not_blood(result.specimen, result.panel):
            return NOT_A_COUNT
        return self._one({analyte for analyte in found if analyte})

    def _read(self, name: str, unit: str) -> str | None:
        """Read a name; a unit beside it tells a count from a percentage."""
        if not name or len(name) > _LONGEST_NAME:
            return None
        # A percentage is told from a count by its unit, where the name leaves it open.
        tries = [f"{name} ({unit})", name] if unit and len(unit) <= _LONGEST_NAME else [name]
        for text in tries:
            meaning = self._names.read(text)
            if meaning.role is Role.ANALYTE and self._knowledge.analytes[meaning.name].counted:
                return meaning.name
            if meaning.role is Role.REFUSED and self._friend_is_another(text):
                return None
        return None

    def _friend_is_another(self, text: str) -> bool:
        friend = self._knowledge.false_friends.get(plain_name(text))
        return friend is not None and friend.count is None

    def _is_ambiguous(self, text: str) -> bool:
        friend = self._knowledge.false_friends.get(plain_name(text)) if len(text) <= _LONGEST_NAME else None
        return friend is not None and friend.count is not None

    def _not_blood(self, *texts: str) -> bool:
        words = set(plain_name(" ".join(text[:_LONGEST_NAME] for text in texts)).split())
        return bool(words & self._knowledge.not_blood)


def unit_in(value: str) -> str:
    """Return what stands behind the number of a value: its unit, or a remark."""
    found = _BEHIND.fullmatch(value) if value[-1:].isalpha() or value.endswith("%") else None
    return found[1] if found is not None else ""


def _is_loinc(code: Code) -> bool:
    """Tell whether a code is a LOINC code: by its check digit, whatever the system is called.

    Some sources name another system for LOINC codes, and some call their own codes LOINC.
    """
    called_so = code.system.casefold() in _LOINC_SYSTEMS
    return _LOINC_SHAPE.fullmatch(code.code) is not None and (called_so or has_check_digit(code.code))
