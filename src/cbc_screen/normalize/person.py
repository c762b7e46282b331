"""Age at collection, sex and pregnancy of a record."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from cbc_screen.ages import MONTHS_IN_YEAR, AgeSpan, span_of_days, span_of_months
from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.words import Words
from cbc_screen.normalize.dates import DateSpan
from cbc_screen.normalize.value import LONGEST_CELL, fold
from cbc_screen.vocabulary import Pregnancy, Reason, Sex

_UNITS = {
    **dict.fromkeys(("y", "yr", "yrs", "year", "years", "yo", "a"), "y"),
    **dict.fromkeys(("mo", "mos", "mon", "month", "months", "mth", "mths"), "mo"),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), "wk"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
}
_AGE = re.compile(r"(<=|>=|<|>)?\s*(\d{1,6}(?:\.\d+)?)\s*(\+)?\s*([a-z]+)?\.?(?:\s+old)?(\s+and over)?", re.ASCII)
_YEARS_MONTHS = re.compile(r"(\d{1,3})\s*(?:y|yr|yrs|years?)\s*,?\s*(\d{1,2})\s*(?:m|mo|mos|months?)", re.ASCII)
_BETWEEN = re.compile(r"(\d{1,4}(?:\.\d+)?)\s*(?:-|\u2013|\u2014|to)\s*(\d{1,4}(?:\.\d+)?)\s*([a-z]+)?\.?", re.ASCII)


def parse_age_unit(text: str | None) -> str | None:
    """Return the closed age unit of a word, or None."""
    return None if text is None else _UNITS.get(text.strip().lower().rstrip("."))


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
    both = _YEARS_MONTHS.fullmatch(text)
    if both is not None:
        months = int(both[1]) * MONTHS_IN_YEAR + int(both[2])
        return _checked(span_of_months(months, months), oldest)
    if text.startswith("-"):
        return None, Reason.AGE_NEGATIVE
    between = _BETWEEN.fullmatch(text)
    if between is not None:
        return _between(float(between[1]), float(between[2]), between[3] or unit, oldest)
    match = _AGE.fullmatch(text)
    if match is None:
        return None, Reason.AGE_UNREADABLE
    if match[4] is not None and match[4] not in _UNITS:
        return None, Reason.AGE_UNREADABLE
    chosen = _UNITS[match[4]] if match[4] else parse_age_unit(unit)
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


def parse_sex(
    value: object, words: Words, codes: dict[str, str] | None = None, doubt: Collection[str] = ()
) -> tuple[Sex, Reason | None]:
    """Read a sex; an undeclared code (1, 2) is unknown with a reason, never a guess.

    `doubt` are letters that, beside the others of the source, may mean the other sex.
    """
    text = _word(value)
    if codes is not None and text in codes:
        found: str | None = codes[text]
    else:
        found = words.sex.get(text) if text not in doubt else None
    if found is None:
        return Sex.UNKNOWN, Reason.SEX_UNREADABLE
    return Sex(found), (Reason.SEX_MISSING if found == Sex.UNKNOWN else None)


def sex_letters(values: Iterable[object], words: Words) -> frozenset[str]:
    """Return the letters for sex among the cells of a column; `words.sex_letters` says what they are worth together."""
    return words.sex_letters.seen(map(_word, values))


def parse_pregnancy(
    value: object, words: Words, codes: dict[str, str] | None = None
) -> tuple[Pregnancy, Reason | None]:
    """Read a pregnancy; an unreadable text is unknown, an empty one is not stated."""
    text = _word(value)
    found = codes[text] if codes is not None and text in codes else words.pregnancy.get(text)
    if found is None:
        return Pregnancy.UNKNOWN, Reason.PREGNANCY_UNREADABLE
    stage = Pregnancy(found)
    if stage is Pregnancy.UNKNOWN:
        return stage, Reason.PREGNANCY_UNKNOWN
    return stage, (Reason.TRIMESTER_UNKNOWN if stage is Pregnancy.TRIMESTER_UNKNOWN else None)


def _word(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if len(str(value)) > LONGEST_CELL:
        return "too long"
    text = fold_word(str(value))
    # A code column with missing cells is often written as 1.0, 2.0.
    return re.sub(r"^(\d+)\.0+$", r"\1", text) if text.endswith("0") else text
