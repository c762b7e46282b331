"""Results that tell of the person: an age beside the count, as some analyzers send it, or the gestation at birth."""

from __future__ import annotations

from functools import lru_cache

from cbc_screen.ingest.results import LabResult, ResultCode
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import fold_code
from cbc_screen.knowledge.person_codes import AGE, GESTATION, PREGNANCY, PRETERM
from cbc_screen.normalize.age import parse_age_unit
from cbc_screen.normalize.names import Role, name_reader
from cbc_screen.normalize.people import presence_of
from cbc_screen.vocabulary import Presence

_LONGEST_NAME = 80


class AboutPerson:
    """Finds what a result tells of the person."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._codes = knowledge.person_codes
        self.gestation, self._words = knowledge.words.gestation, knowledge.words
        self._names = name_reader(knowledge)
        self._field = lru_cache(maxsize=65_536)(self._field_of)

    def tells_gestation(self, result: LabResult) -> bool:
        """Tell whether a result says at what gestation the person was born; an empty one was not stated."""
        field, _ = self._field(result.codes)
        return field == GESTATION and (bool(result.value.strip()) or result.fault is not None)

    def tells_pregnancy(self, result: LabResult) -> bool:
        """Tell whether a result says something of a pregnancy."""
        return self._field(result.codes)[0] == PREGNANCY and bool(result.value.strip())

    def read(self, result: LabResult) -> tuple[str, str] | None:
        """Return the field and its text, with the unit of an age; None for any other result."""
        field, by_name = self._field(result.codes)
        if field in ("", GESTATION) or not result.value.strip():
            return None
        if field == PRETERM:
            seen = presence_of(result.value, self._words, counted=False)
            return None if seen is Presence.UNKNOWN else (field, seen.value)
        if field != AGE:
            return field, result.value
        unit = parse_age_unit(result.unit)
        if by_name and unit is None:
            return None  # a name alone may mean the age of a specimen
        return field, f"{result.value} {unit or result.unit}".strip()

    def _field_of(self, codes: tuple[ResultCode, ...]) -> tuple[str, bool]:
        for code in codes:
            if (field := self._codes.fields.get(fold_code(code.code))) is not None:
                return field, False
        names = [text for code in codes for text in (code.name, code.code) if text and len(text) <= _LONGEST_NAME]
        if any(" ".join(name.casefold().split()) in self._codes.age_names for name in names):
            return AGE, True
        meant = {(meaning.role, meaning.name) for meaning in map(self._names.of_header, names)}
        if (Role.FINDING, self._words.preterm_finding) in meant:
            return PRETERM, True
        return (GESTATION, True) if (Role.ANALYTE, self.gestation) in meant else ("", False)
