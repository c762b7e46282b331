"""The person of a result: what was received, and what was used of it."""

from __future__ import annotations

from cbc_screen.ages import MONTHS_IN_YEAR, AgeSpan
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.record import NormalizedRecord
from cbc_screen.record import CBCRecord
from cbc_screen.result import PersonResult, StatedFinding
from cbc_screen.vocabulary import Presence

_IN_MONTHS_BELOW = 2 * MONTHS_IN_YEAR


def person_result(knowledge: Knowledge, record: CBCRecord, normalized: NormalizedRecord) -> PersonResult:
    """Return what the result says of the person."""
    person = normalized.person
    stated = {name: presence for group in (record.film, record.context) for name, presence in group.items()}
    return PersonResult(
        age_received=_age_received(record),
        years=None
        if person.age is None
        else (person.age.months_low // MONTHS_IN_YEAR, person.age.months_high // MONTHS_IN_YEAR),
        birth_date=_text(record.birth_date),
        collected_at=_text(record.collected_at),
        age=age_words(person.age, knowledge.age_implausible_from),
        sex_received=record.sex,
        sex=person.sex,
        pregnancy_received=record.pregnancy,
        pregnancy=person.pregnancy,
        reticulocyte_method=record.reticulocyte_method,
        wbc_uncorrected=bool(record.wbc_uncorrected),
        stated=tuple(
            StatedFinding(id=name, text=knowledge.findings[name], presence=presence)
            for name, presence in stated.items()
            if presence is not Presence.UNKNOWN
        ),
    )


def _age_received(record: CBCRecord) -> str | None:
    if record.age is None or record.age != record.age:
        return None
    age = f"{record.age:g}" if isinstance(record.age, float) else record.age
    return " ".join(part for part in (age, record.age_unit) if part)


def _text(value: object) -> str | None:
    return None if value is None or value != value else str(value)


def age_words(age: AgeSpan | None, oldest: int) -> str:
    """Say an age in completed years, in months below two years, in days below a month."""
    if age is None:
        return "unknown"
    if age.months_high >= oldest * MONTHS_IN_YEAR - 1:
        return f"{age.months_low // MONTHS_IN_YEAR} y and over"
    if age.months_low >= _IN_MONTHS_BELOW:
        return _span(age.months_low // MONTHS_IN_YEAR, age.months_high // MONTHS_IN_YEAR, "y")
    if age.months_low >= 1:
        return _span(age.months_low, age.months_high, "mo")
    return _span(age.days_low, age.days_high, "d")


def _span(low: int, high: int, unit: str) -> str:
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"
