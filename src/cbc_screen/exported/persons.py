"""Ages, sexes and stages of pregnancy as tables: from what a row says to the limits that may be the person's.

The places of an age on the kernel's grid are worked out by the functions that read ages, count by count, and kept as
the counts at which they change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from cbc_screen.ages import MONTHS_IN_YEAR, AgeSpan
from cbc_screen.errors import UsageError
from cbc_screen.kernel.keys import SITUATIONS, KeyedLimits
from cbc_screen.kernel.program import Op, Program
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.normalize.age import parse_age, parse_age_unit
from cbc_screen.vocabulary import Reason

_MOST_COUNTS = {"y": 12, "mo": 12, "wk": 53, "d": 367, "h": 367 * 24}  # in a year, and no fewer
ENDS = ("days_low", "days_high", "months_low", "months_high")


@dataclass(frozen=True)
class AgeSteps:
    """The counts of a unit at which an age reaches the next place of the grid.

    `unit` is that of the counts: ages in years are counted in months. `steps` holds, for each end of `ENDS`, the
    counts from which the place is 1, 2, ...; `implausible` is the count from which no age is believed.
    """

    unit: str
    steps: Mapping[str, tuple[int, ...]]
    last: Mapping[str, int]  # the highest place of each end
    implausible: int

    @property
    def in_years(self) -> bool:
        """Whether the ages are years, which are counted in months."""
        return self.unit == "y"


@dataclass(frozen=True)
class Situation:
    """A sex and a stage of pregnancy that a person may be in; some only at ages at which pregnancy is possible."""

    sex: int
    stage: int
    situation: int
    only_pregnancy_ages: bool


@dataclass(frozen=True)
class AgeClass:
    """A class of ages: its place on the grid, and the number of its row of limits in each situation."""

    number: int
    day_place: int
    month_place: int
    beside: bool  # tried beside another, with limits of sets that differ
    pregnancy_ages: bool
    rows: tuple[int, ...]


@dataclass(frozen=True)
class KeyTables:
    """What a person's keys are worked out from, and the limits under each."""

    classes: tuple[AgeClass, ...]
    situations: tuple[Situation, ...]
    columns: tuple[str, ...]  # names of limits
    limits: tuple[tuple[float | None, ...], ...]


def age_steps(limits: KeyedLimits, unit: str, oldest: int) -> AgeSteps:
    """Return where ages of a unit reach the places of the grid."""
    chosen = parse_age_unit(unit)
    if chosen is None:
        raise UsageError("age_unit must be y, mo, wk, d or h")
    counted = "mo" if chosen == "y" else chosen
    most = _MOST_COUNTS[counted] * (oldest + 1)

    def span(count: int) -> AgeSpan | None:
        return parse_age(count, counted, oldest)[0]

    implausible = _first(most, lambda count: span(count) is None)
    unknown = limits.grid.span_places(None)
    last = dict(zip(ENDS, (unknown[1], unknown[1], unknown[3], unknown[3]), strict=True))

    def place(count: int, end: int) -> int:
        return limits.grid.span_places(span(count))[end]

    steps = {
        name: tuple(
            _first(implausible, lambda count, end=end, own=own: place(count, end) >= own)  # type: ignore[misc]
            for own in range(1, last[name] + 1)
        )
        for end, name in enumerate(ENDS)
    }
    if chosen == "y":
        implausible = oldest * MONTHS_IN_YEAR
    return AgeSteps(chosen, steps, last, implausible)


def _first(most: int, reached: Callable[[int], bool]) -> int:
    """Return the first count at which something is reached that stays so, or `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return low


def key_tables(limits: KeyedLimits, facts: Program) -> KeyTables:
    """Return the classes of age, the situations, and those limits that a program asks for; equal ones once."""
    columns = tuple(dict.fromkeys(str(s.value) for s in facts.steps if s.op in (Op.LIMIT, Op.TRAIT)))
    places = [limits.columns[name] for name in columns]
    numbers: dict[tuple[float | None, ...], int] = {}
    classes = []
    for number, place in enumerate(limits.grid.places):
        rows = []
        for situation in range(len(SITUATIONS)):
            row = limits.row(number * len(SITUATIONS) + situation)
            own = tuple(None if isnan(row[at]) else row[at] for at in places)
            rows.append(numbers.setdefault(own, len(numbers)))
        at_risk = limits.grid.covers(place, *limits.pregnancy_ages)
        classes.append(AgeClass(number, *place, number in limits.grid.tried, at_risk, tuple(rows)))
    return KeyTables(tuple(classes), tuple(_situations(limits, classes)), columns, tuple(numbers))


def _situations(limits: KeyedLimits, classes: Sequence[AgeClass]) -> list[Situation]:
    """Return the situations of every sex and stage, as the kernel finds them in each class."""
    found: list[Situation] = []
    for sex_code, sex in enumerate(SEXES):
        for stage_code, stage in enumerate(PREGNANCIES):
            by_age: dict[bool, set[int]] = {}
            for own in classes:
                keys = limits.keys_of((own.day_place,) * 2 + (own.month_place,) * 2, sex, stage)
                by_age.setdefault(own.pregnancy_ages, set()).update(key % len(SITUATIONS) for key in keys)
            always = by_age[False] & by_age[True]
            if by_age[False] != always:
                raise AssertionError("a situation is possible outside the ages of pregnancy alone")
            found += [
                Situation(sex_code, stage_code, situation, situation not in always)
                for situation in sorted(by_age[True])
            ]
    return found


AGE_REASONS = (Reason.AGE_MISSING, Reason.AGE_NEGATIVE, Reason.AGE_IMPLAUSIBLE, Reason.AGE_UNREADABLE)
