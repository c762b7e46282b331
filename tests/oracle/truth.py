"""What is true of a row, as far as what was sent can say: intervals and sets, never one guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

ONE = 10**9  # numbers are counted in billionths of the canonical unit
Number = int | Fraction


def exact(text: str) -> int:
    """Return a decimal text in billionths; it must go out."""
    scaled = Decimal(text).scaleb(9)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError("more than nine decimals")
    return whole


class Interval(NamedTuple):
    """Every value that can be true; `high` is None where nothing bounds it."""

    low: Number
    high: Number | None
    low_open: bool = False
    high_open: bool = False


ANYTHING = Interval(0, None)  # sent and not usable
HUNDRED = 100 * ONE


def point(value: Number) -> Interval:
    return Interval(value, value)


def below(value: Number, *, inclusive: bool = False) -> Interval:
    return Interval(0, value, False, not inclusive)


def above(value: Number, *, inclusive: bool = False) -> Interval:
    return Interval(value, None, not inclusive)


def divided(value: Number, by: int) -> Number:
    """Divide, and stay with integers where that is exact."""
    found = Fraction(value) / by
    return found.numerator if found.denominator == 1 else found


def times(one: Interval, two: Interval, scale: int) -> Interval:
    """Multiply two quantities; `scale` is what the product of their billionths is divided by."""
    low = divided(one.low * two.low, scale)
    low_open = low > 0 and (one.low_open or two.low_open)
    if one.high == 0 or two.high == 0:
        return Interval(low, 0, low_open)
    if one.high is None or two.high is None:
        return Interval(low, None, low_open)
    return Interval(low, divided(one.high * two.high, scale), low_open, one.high_open or two.high_open)


def corrected(wbc: Interval, nucleated: Interval) -> Interval:
    """Take nucleated red cells, given for 100 white cells, out of a count of white cells."""
    low: Number = 0
    if nucleated.high is not None:
        low = Fraction(wbc.low * HUNDRED) / (HUNDRED + nucleated.high)
    high = None if wbc.high is None else Fraction(wbc.high * HUNDRED) / (HUNDRED + nucleated.low)
    return Interval(
        low,
        high,
        low > 0 and (wbc.low_open or nucleated.high_open),
        high is not None and (wbc.high_open or nucleated.low_open),
    )


def summed(one: Interval, two: Interval) -> Interval:
    """Add two quantities."""
    high = None if one.high is None or two.high is None else one.high + two.high
    return Interval(
        one.low + two.low, high, one.low_open or two.low_open, high is not None and (one.high_open or two.high_open)
    )


def at_most(value: Interval, top: Number | None, *, top_open: bool = False) -> Interval:
    """Bound a quantity from above."""
    if top is None or (value.high is not None and (value.high < top or (value.high == top and value.high_open))):
        return value
    return Interval(value.low, top, value.low_open, top_open)


def both(one: Interval, two: Interval) -> Interval:
    """Return what two statements of one number leave; where they leave nothing, the first stands."""
    low, low_open = max((one.low, one.low_open), (two.low, two.low_open))
    high, high_open = one.high, one.high_open
    if high is None or (two.high is not None and (two.high, not two.high_open) < (high, not high_open)):
        high, high_open = two.high, two.high_open
    empty = high is not None and (low > high or (low == high and (low_open or high_open)))
    return one if empty else Interval(low, high, low_open, high_open)


@dataclass(frozen=True, slots=True)
class Person:
    """Who it can be: classes of age, sexes, and the pregnancy as it was stated."""

    ages: frozenset[int]
    sexes: str  # "F", "M" or "FM"
    stage: str = "not_stated"


@dataclass(slots=True)
class Truth:
    """What is true of one row.

    `values` has what was sent; what is absent was not sent. `neutrophil_worlds` replaces the
    neutrophils where results of one count contradict each other: any of them may be the right one.
    """

    person: Person
    values: dict[str, Interval] = field(default_factory=dict)
    reported: Mapping[str, tuple[Number | None, Number | None]] = field(default_factory=dict)
    methods: frozenset[str] = frozenset(("automated", "manual"))
    uncorrected: bool = False
    neutrophil_worlds: Sequence[Interval] | None = None
