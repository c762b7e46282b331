"""How many days so many months can be, over all birth dates of the calendar.

Band edges are given in days and in months (a year is 12 months), and the two cannot be
put on one axis: two months are 59 to 62 days. An age is therefore a pair, completed
days and completed months, and an inexact age is a range of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Four years with one leap year: every run of months occurs in it, up to the 400-year rule.
_CYCLE = _MONTHS * 3 + (31, 29, *_MONTHS[2:])
_EXACT = 48
_DAYS_IN_MONTH = 30.436875
MONTHS_IN_YEAR = 12


_SINCE = tuple(accumulate(_CYCLE * 2, initial=0))


def _runs(months: int) -> list[int]:
    return [_SINCE[start + months] - _SINCE[start] for start in range(_EXACT)]


_FEWEST = [min(_runs(m)) for m in range(_EXACT + 1)]
_MOST = [max(_runs(m)) for m in range(_EXACT + 1)]


def fewest_days(months: int) -> int:
    """Return the fewest days that so many completed months can be."""
    if months <= _EXACT:
        return _FEWEST[months]
    return int(months * _DAYS_IN_MONTH) - 3


def most_days(months: int) -> int:
    """Return the most days after which so many months are surely completed."""
    if months <= _EXACT:
        return _MOST[months]
    return int(months * _DAYS_IN_MONTH) + 4


@dataclass(frozen=True, slots=True)
class AgeSpan:
    """What an age can be: inclusive ranges of completed days and of completed months."""

    days_low: int
    days_high: int
    months_low: int
    months_high: int


def span_of_months(low: int, high: int) -> AgeSpan:
    """Return the span of an age known in completed months, both ends included."""
    return AgeSpan(fewest_days(low), most_days(high + 1) - 1, low, high)


def span_of_days(low: int, high: int) -> AgeSpan:
    """Return the span of an age known in completed days, both ends included."""
    months_low = max(0, int(low / _DAYS_IN_MONTH) - 2)
    while most_days(months_low + 1) <= low:
        months_low += 1
    months_high = months_low
    while fewest_days(months_high + 1) <= high:
        months_high += 1
    return AgeSpan(low, high, months_low, months_high)
