"""Age at collection: as a text with its unit, or from two dates."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from cbc_screen.ages import MONTHS_IN_YEAR, AgeSpan, fewest_days, most_days, span_of_days, span_of_months
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.normalize.dates import DateSpan
from cbc_screen.normalize.person import CONTRADICTED
from cbc_screen.normalize.value import LONGEST_CELL, fold
from cbc_screen.vocabulary import Reason

_AGE = re.compile(
    r"(<=|>=|<|>)?\s*([0-9]{1,6}(?:\.[0-9]+)?)\s*(\+)?\s*([^\W\d_](?:[\w/.]*\w)?)?\.?(?:\s+(?:old|of age))?(\s+and over)?"
)
_BETWEEN = re.compile(
    r"([0-9]{1,4}(?:\.[0-9]+)?)\s*(?:-|\u2013|\u2014|to)\s*([0-9]{1,4}(?:\.[0-9]+)?)\s*([^\W\d_]+)?\.?"
)
# "3 months 23 days", "1y 2m 3w": numbers with a unit each, the longest first.
_PART = re.compile(r"([0-9]{1,3})\s*([^\W\d_]+)\.?\s*(?:,|\+|&|and)?\s*")
_PLURAL = re.compile(r"\(s\)")
_HYPHENS = re.compile(r"(?<=[0-9])-(?=[^\W\d_])|(?<=[^\W\d_])-(?=old\b)")  # "54-year-old"
# A duration of ISO 8601: "P54Y", "P3M", "P1Y6M", "PT36H"; months stand before the T, minutes behind it.
_DURATION = re.compile(
    r"p(?:([0-9]{1,3})y)?(?:([0-9]{1,4})m)?(?:([0-9]{1,4})w)?(?:([0-9]{1,6})d)?(?:t(?:([0-9]{1,6})h)?(?:[0-9]+m)?(?:[0-9.]+s)?)?"
)
_LENGTHS = ("y", "mo", "wk", "d", "h")
_SHORT_MONTH = "m"  # beside years, weeks or days; alone it may be anything
DAYS_IN_WEEK = 7


def parse_age_unit(text: str | None) -> str | None:
    """Return the closed age unit of a word, or None."""
    return None if text is None else _unit_of(text.strip().lower().rstrip("."))


def _unit_of(word: str) -> str | None:
    """Return the unit of a word, in whatever language."""
    return load_measures().words.age_units.get(plain_name(word))


def parse_age(value: str | float | int | None, unit: str | None, oldest: int) -> tuple[AgeSpan | None, Reason | None]:
    """Read an age; `unit` is the unit beside it. An age in completed years is a year wide."""
    if value is None or (isinstance(value, float) and value != value):
        return None, None
    cell = str(value)
    return _parse_age_text(cell if len(cell) <= LONGEST_CELL else "?", unit, oldest)


# A file has few different ages, and many batches.
@lru_cache(maxsize=65_536)
def _parse_age_text(cell: str, unit: str | None, oldest: int) -> tuple[AgeSpan | None, Reason | None]:
    text = fold(cell).lower()
    if text in ("", "-", "na", "n/a", "nan", "none", "null", "."):
        return None, None
    if text == CONTRADICTED:
        return None, Reason.PERSON_CONFLICT
    text = _HYPHENS.sub(" ", _PLURAL.sub("s", text))
    parts = _of_duration(text) or _of_parts(text)
    if parts is not None:
        return _checked(parts, oldest)
    if text.startswith("-"):
        return None, Reason.AGE_NEGATIVE
    between = _BETWEEN.fullmatch(text)
    if between is not None:
        return _between(float(between[1]), float(between[2]), between[3] or unit, oldest)
    match = _AGE.fullmatch(text)
    if match is None:
        return None, Reason.AGE_UNREADABLE
    if match[4] is not None and _unit_of(match[4]) is None:
        return None, Reason.AGE_UNREADABLE
    chosen = _unit_of(match[4]) if match[4] else parse_age_unit(unit)
    if chosen is None:
        return None, Reason.AGE_UNIT_MISSING
    sign = match[1] or (">=" if match[3] or match[5] else None)
    low, high = _ends(float(match[2]), chosen)
    if sign in (">", ">="):
        high = span_of_months(oldest * MONTHS_IN_YEAR - 1, oldest * MONTHS_IN_YEAR - 1)
    elif sign in ("<", "<="):
        if sign == "<" and low.days_low == 0:
            return None, Reason.AGE_NEGATIVE
        if sign == "<":
            high = _ends(math.ceil(float(match[2])) - 1, chosen)[1]
        low = AgeSpan(0, 0, 0, 0)
    span = AgeSpan(low.days_low, high.days_high, low.months_low, high.months_high)
    checked, reason = _checked(span, oldest)
    return checked, reason or (Reason.AGE_APPROXIMATE if sign else None)


def _of_duration(text: str) -> AgeSpan | None:
    """Read a duration of ISO 8601; None for any other text."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    parts = {unit: int(count) for unit, count in zip(_LENGTHS, found.groups(), strict=True) if count is not None}
    if len(parts) == 1:
        unit, count = next(iter(parts.items()))
        return _ends(count, unit)[0]
    return _together(parts) if parts else None


def _of_parts(text: str) -> AgeSpan | None:
    """Read an age of several parts, each with its unit; None for any other text."""
    found: list[tuple[int, str]] = []
    place = 0
    while place < len(text):
        part = _PART.match(text, place)
        if part is None:
            return None
        unit = "mo" if part[2] == _SHORT_MONTH else _unit_of(part[2])
        if unit is None or (found and _LENGTHS.index(unit) <= _LENGTHS.index(found[-1][1])):
            return None
        found.append((int(part[1]), unit))
        place = part.end()
    return _together({unit: count for count, unit in found}) if len(found) > 1 else None


def _together(parts: dict[str, int]) -> AgeSpan:
    """Return the span of an age in years, months, weeks and days, as fine as its shortest part."""
    months = parts.get("y", 0) * MONTHS_IN_YEAR + parts.get("mo", 0)
    if not {"wk", "d", "h"} & parts.keys():
        # "3 y" and no months would be a year wide; with months it is a month wide.
        return span_of_months(months, months)
    least = parts.get("wk", 0) * DAYS_IN_WEEK + parts.get("d", 0) + parts.get("h", 0) // 24
    most = least + (DAYS_IN_WEEK - 1 if not {"d", "h"} & parts.keys() else 0)
    if not months:
        return span_of_days(least, most)
    low, high = fewest_days(months) + least, most_days(months) + most
    extra = span_of_days(least, most)
    return AgeSpan(low, high, months + extra.months_low, months + extra.months_high)


def _between(first: float, last: float, unit: str | None, oldest: int) -> tuple[AgeSpan | None, Reason | None]:
    """Return the span from one age to another: "10-12 y" is any age from 10 to under 13 years."""
    chosen = parse_age_unit(unit)
    if chosen is None:
        return None, Reason.AGE_UNREADABLE if unit else Reason.AGE_UNIT_MISSING
    if first > last:
        return None, Reason.AGE_UNREADABLE
    low, high = _ends(first, chosen)[0], _ends(last, chosen)[1]
    span, reason = _checked(AgeSpan(low.days_low, high.days_high, low.months_low, high.months_high), oldest)
    return span, reason or Reason.AGE_APPROXIMATE


def _ends(count: float, unit: str) -> tuple[AgeSpan, AgeSpan]:
    whole = int(count)
    if unit == "y":
        if count != whole:
            # A fraction of a year is a division by some length of year: a tenth of a
            # month either way covers them all.
            months = count * MONTHS_IN_YEAR
            span = span_of_months(max(whole * MONTHS_IN_YEAR, int(months - 0.1)), int(months + 0.1))
        else:
            span = span_of_months(whole * MONTHS_IN_YEAR, whole * MONTHS_IN_YEAR + MONTHS_IN_YEAR - 1)
    elif unit == "mo":
        span = span_of_months(whole, whole)
    elif unit == "wk":
        span = span_of_days(whole * 7, whole * 7 + 6)
    elif unit == "d":
        span = span_of_days(whole, whole)
    else:
        span = span_of_days(whole // 24, whole // 24)
    return span, span


def _checked(span: AgeSpan, oldest: int) -> tuple[AgeSpan | None, Reason | None]:
    if span.months_low >= oldest * MONTHS_IN_YEAR:
        return None, Reason.AGE_IMPLAUSIBLE
    return span, None


def age_beside(
    stated: AgeSpan | None, birth: DateSpan, collected: DateSpan, oldest: int
) -> tuple[AgeSpan | None, Reason | None]:
    """Return the age at collection by the calendar, which a stated age must not contradict.

    Of a birth without its century, each is tried: nobody is born after collection, or older than people become. Where two
    fit, and no stated age tells which is meant, the age is any between them; so it is where a stated age contradicts the dates.
    """
    # Another century is tried where somebody can be so old: a child is not a hundred years older.
    below = min(oldest, load_measures().words.short_years_below) if birth.short_year else oldest
    found = [age_at(born, collected, below) for born in birth.in_each_century()]
    fit = [span for span, _ in found if span is not None]
    if not fit:
        early = all(reason is Reason.AGE_NEGATIVE for _, reason in found)
        return None, Reason.AGE_NEGATIVE if early else Reason.AGE_IMPLAUSIBLE
    ages = [span for span in fit if stated is None or not contradicts(stated, span)]
    if len(ages) == 1:
        return ages[0], None
    if stated is None or ages:
        return _any_of(ages), Reason.AGE_APPROXIMATE
    return _any_of([stated, *fit]), Reason.PERSON_CONFLICT


def _any_of(ages: Sequence[AgeSpan]) -> AgeSpan:
    """Return the span from the least of ages to the most."""
    return AgeSpan(
        min(own.days_low for own in ages), max(own.days_high for own in ages),
        min(own.months_low for own in ages), max(own.months_high for own in ages),
    )  # fmt: skip


class _Ends(Protocol):
    """The ends of an age, or of many in columns."""

    @property
    def days_low(self) -> Any: ...
    @property
    def days_high(self) -> Any: ...
    @property
    def months_low(self) -> Any: ...
    @property
    def months_high(self) -> Any: ...


def contradicts(stated: _Ends, dated: _Ends) -> Any:
    """Tell whether a stated age is another one than that of two dates: more apart than rounding makes it.

    An age is as exact as the largest unit that it fills, or in which it is told: one unit either way is rounding, or another
    moment than that of collection ("54 y" beside dates of 53 or 55 years; "3 wk" beside four weeks). One rule for an age and
    for columns of them: it is written in operators that both have.

    >>> contradicts(span_of_months(648, 659), span_of_months(671, 671)), contradicts(span_of_days(3, 3), span_of_days(5, 5))
    (False, True)
    """
    width = stated.days_high - stated.days_low + 1
    years = (stated.months_low >= MONTHS_IN_YEAR) | (stated.months_high - stated.months_low >= MONTHS_IN_YEAR - 1)
    months = years | (stated.months_low > 0) | (width >= fewest_days(1))
    weeks = months | (stated.days_low >= DAYS_IN_WEEK) | (width >= DAYS_IN_WEEK)

    def months_apart(most: int) -> Any:
        return (stated.months_low - dated.months_high > most) | (dated.months_low - stated.months_high > most)

    def days_apart(most: int) -> Any:
        return (stated.days_low - dated.days_high > most) | (dated.days_low - stated.days_high > most)

    below = (weeks ^ months) & days_apart(DAYS_IN_WEEK) | (weeks ^ True) & days_apart(1)
    return years & months_apart(MONTHS_IN_YEAR) | (months ^ years) & months_apart(1) | below


def months_between(birth: datetime.date, collected: datetime.date) -> int:
    """Return completed months by the calendar; 29 February turns on 1 March."""
    months = (collected.year - birth.year) * MONTHS_IN_YEAR + collected.month - birth.month
    return months - (collected.day < birth.day)


def age_at(birth: DateSpan, collected: DateSpan, oldest: int) -> tuple[AgeSpan | None, Reason | None]:
    """Return the age at collection by the calendar."""
    if collected.last < birth.first:
        return None, Reason.AGE_NEGATIVE
    youngest, eldest = (birth.last, collected.first), (birth.first, collected.last)
    span = AgeSpan(
        max(0, (youngest[1] - youngest[0]).days),
        (eldest[1] - eldest[0]).days,
        max(0, months_between(*youngest)),
        months_between(*eldest),
    )
    return _checked(span, oldest)
