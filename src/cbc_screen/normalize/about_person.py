"""Results that tell of the person: an age beside the count, as some analyzers send it, or the gestation at birth."""

from __future__ import annotations

from functools import lru_cache

from cbc_screen.ingest.results import LabResult, ResultCode
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.person_codes import AGE, GESTATION
from cbc_screen.normalize.age import parse_age_unit
from cbc_screen.normalize.names import Role, name_reader

_LONGEST_NAME = 40


class AboutPerson:
    """Finds what a result tells of the person."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._codes = knowledge.person_codes
        self.gestation = knowledge.words.gestation
        self._names = name_reader(knowledge)
        self._field = lru_cache(maxsize=65_536)(self._field_of)

    def tells_gestation(self, result: LabResult) -> bool:
        """Tell whether a result says at what gestation the person was born; an empty one was not stated."""
        field, _ = self._field(result.codes)
        return field == GESTATION and (bool(result.value.strip()) or result.fault is not None)

    def read(self, result: LabResult) -> tuple[str, str] | None:
        """Return the field and its text, with the unit of an age; None for any other result."""
        field, by_name = self._field(result.codes)
        if field in ("", GESTATION) or not result.value.strip():
            return None
        if field != AGE:
            return field, result.value
        unit = parse_age_unit(result.unit)
        if by_name and unit is None:
            return None  # a name alone may mean the age of a specimen
        return field, f"{result.value} {unit or result.unit}".strip()

    def _field_of(self, codes: tuple[ResultCode, ...]) -> tuple[str, bool]:
        for code in codes:
            if code.code in self._codes.fields:
                return self._codes.fields[code.code], False
        names = [text for code in codes for text in (code.name, code.code) if text and len(text) <= _LONGEST_NAME]
        if any(" ".join(name.casefold().split()) in self._codes.age_names for name in names):
            return AGE, True
        return (GESTATION, True) if any(map(self._names_gestation, names)) else ("", False)

    def _names_gestation(self, name: str) -> bool:
        meaning = self._names.of_header(name)
        return meaning.role is Role.ANALYTE and meaning.name == self.gestation
