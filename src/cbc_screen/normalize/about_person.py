"""Results that tell of the person: an age beside the count, as some analyzers send it."""

from __future__ import annotations

from functools import lru_cache

from cbc_screen.ingest.results import LabResult, ResultCode
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.person_codes import AGE
from cbc_screen.normalize.age import parse_age_unit

_LONGEST_NAME = 40


class AboutPerson:
    """Finds what a result tells of the person."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._codes = knowledge.person_codes
        self._field = lru_cache(maxsize=65_536)(self._field_of)

    def read(self, result: LabResult) -> tuple[str, str] | None:
        """Return the field and its text, with the unit of an age; None for any other result."""
        field, by_name = self._field(result.codes)
        if not field or not result.value.strip():
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
        names = (text for code in codes for text in (code.name, code.code) if len(text) <= _LONGEST_NAME)
        return (
            (AGE, True)
            if any(" ".join(name.casefold().split()) in self._codes.age_names for name in names)
            else ("", False)
        )
