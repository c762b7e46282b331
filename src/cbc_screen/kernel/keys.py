"""A person becomes an integer key: age class, sex and pregnancy.

An inexact person (an approximate age, unknown sex, unknown trimester) has several keys,
and every one is tried. Nothing here needs numpy: one record is screened without it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from cbc_screen.ages import MONTHS_IN_YEAR, AgeSpan, fewest_days, most_days
from cbc_screen.kernel_inputs import Person
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.vocabulary import Pregnancy, Sex

# What comes in beside the facts: whether the age leaves several classes, or else the sex and the pregnancy do.
AGES, STAGES = "person.ages", "person.stages"
Band = tuple[AgeEdge, AgeEdge | None]  # of ages, the second edge not included
Places = tuple[int, int, int, int]  # first and last day place, first and last month place
# Sex and pregnancy of a key. After delivery no set has every row: the postpartum row is
# used where there is one, else the non-pregnant and the third-trimester row are both tried.
SITUATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("M", ("none",)),
    ("F", ("none",)),
    ("F", ("T1",)),
    ("F", ("T2",)),
    ("F", ("T3",)),
    ("F", ("postpartum", "none")),
    ("F", ("postpartum", "T3")),
    ("F", ("none",)),
)
_MALE, _FEMALE, _T1, _T2, _T3, _POST_NONE, _POST_T3, _FEMALE_UNSTATED = range(8)
# Not stated is read as the non-pregnant row, and answers no rule that asks about pregnancy.
UNSTATED = _FEMALE_UNSTATED
_STATED: Mapping[Pregnancy, tuple[int, ...]] = {
    Pregnancy.NONE: (_FEMALE,),
    Pregnancy.NOT_STATED: (_FEMALE_UNSTATED,),
    Pregnancy.T1: (_T1,),
    Pregnancy.T2: (_T2,),
    Pregnancy.T3: (_T3,),
    Pregnancy.TRIMESTER_UNKNOWN: (_T1, _T2, _T3),
    Pregnancy.POSTPARTUM: (_POST_NONE, _POST_T3),
}


class AgeGrid:
    """The age classes made by a set of band edges."""

    def __init__(self, edges: Iterable[AgeEdge], oldest_years: int) -> None:
        unique = {e for e in edges if e.count > 0}
        self.day_edges = sorted(e.count for e in unique if e.unit == "d")
        self.month_edges = sorted(e.count for e in unique if e.unit == "mo")
        self._oldest = oldest_years * MONTHS_IN_YEAR
        self.width = len(self.month_edges) + 1
        self.class_of: dict[tuple[int, int], int] = {}
        for day_place in range(len(self.day_edges) + 1):
            for month_place in range(self.width):
                if self._possible(day_place, month_place):
                    self.class_of[day_place, month_place] = len(self.class_of)
        self.places = list(self.class_of)
        # The classes that are tried beside a class, and what is tried in each: bands of limits that differ.
        self.beside: dict[int, tuple[int, ...]] = {}
        self.tried: dict[int, frozenset[Band]] = {}

    @property
    def last_day(self) -> int:
        """The largest day edge."""
        return self.day_edges[-1] if self.day_edges else 0

    @property
    def last_month(self) -> int:
        """The largest month edge."""
        return self.month_edges[-1] if self.month_edges else 0

    def _possible(self, day_place: int, month_place: int) -> bool:
        """Tell whether some birth date passes just these edges."""
        days_low = self.day_edges[day_place - 1] if day_place else 0
        days_high = self.day_edges[day_place] - 1 if day_place < len(self.day_edges) else None
        months_low = self.month_edges[month_place - 1] if month_place else 0
        months_high = self.month_edges[month_place] - 1 if month_place < len(self.month_edges) else self._oldest
        return (days_high is None or fewest_days(months_low) <= days_high) and days_low < most_days(months_high + 1)

    def add_beside(self, bands: Sequence[Band]) -> None:
        """Give every class that lies in some bands others beside it, in which other limits are tried too.

        The limits of two bands may differ each by itself: a class has one beside it for each choice of them.
        """
        for number, place in enumerate(tuple(self.places)):
            own = [band for band in dict.fromkeys(bands) if self.covers(place, *band)]
            for size in range(1, len(own) + 1):
                for some in combinations(own, size):
                    self.tried[len(self.places)] = frozenset(some)
                    self.beside[number] = (*self.beside.get(number, ()), len(self.places))
                    self.places.append(place)

    def passed(self, place: tuple[int, int], edge: AgeEdge) -> bool:
        """Tell whether a class has reached an edge."""
        if edge.count <= 0:
            return True
        edges, reached = (self.day_edges, place[0]) if edge.unit == "d" else (self.month_edges, place[1])
        return bisect_right(edges, edge.count) <= reached

    def covers(self, place: tuple[int, int], low: AgeEdge, high: AgeEdge | None) -> bool:
        """Tell whether a class lies in the band [low, high)."""
        return self.passed(place, low) and not (high is not None and self.passed(place, high))

    def span_places(self, age: AgeSpan | None) -> Places:
        """Return the ranges of places an age can have."""
        if age is None:
            return 0, len(self.day_edges), 0, len(self.month_edges)
        return (
            bisect_right(self.day_edges, age.days_low),
            bisect_right(self.day_edges, age.days_high),
            bisect_right(self.month_edges, age.months_low),
            bisect_right(self.month_edges, age.months_high),
        )

    def classes(self, places: Places) -> tuple[int, ...]:
        """Return every class in ranges of places (both ends included), and what is tried beside them."""
        days, months = range(places[0], places[1] + 1), range(places[2], places[3] + 1)
        found = [self.class_of[d, m] for d in days for m in months if (d, m) in self.class_of]
        return (*found, *(beside for number in found for beside in self.beside.get(number, ())))


@dataclass(frozen=True, eq=False)
class KeyedLimits:
    """The limits of every key, and which keys a person has.

    `columns` gives the place of each limit by name in a row of `by_key`; NaN is no limit.
    """

    grid: AgeGrid
    columns: Mapping[str, int]
    by_key: tuple[tuple[float, ...], ...]
    pregnancy_ages: tuple[AgeEdge, AgeEdge]

    def row(self, key: int) -> tuple[float, ...]:
        """Return all limits of one key, for the scalar kernel."""
        return self.by_key[key]

    def keys(self, person: Person) -> tuple[int, ...]:
        """Return every key the person can have: every applicable row is tried."""
        return self.keys_of(self.grid.span_places(person.age), person.sex, person.pregnancy)

    def keys_of(self, places: Places, sex: Sex, pregnancy: Pregnancy) -> tuple[int, ...]:
        """Return every key for ranges of age places, a sex and a pregnancy."""
        keys: list[int] = []
        for number in self.grid.classes(places):
            situations = self._situations(sex, pregnancy, self.grid.places[number])
            keys += [number * len(SITUATIONS) + situation for situation in situations]
        return tuple(keys)

    def is_beside(self, key: int) -> bool:
        """Tell whether a key is tried beside another, with limits of sets that differ."""
        return key // len(SITUATIONS) in self.grid.tried

    def left_open(self, keys: Sequence[int]) -> dict[str, int]:
        """Tell what leaves several keys, apart from those that are tried beside others."""
        own = [key for key in keys if not self.is_beside(key)]
        ages = len({key // len(SITUATIONS) for key in own}) > 1
        return {AGES: ages, STAGES: len(own) > 1 and not ages}

    def may_be_pregnant(self, keys: Iterable[int]) -> bool:
        """Tell whether some key is of a woman of an age at which pregnancy is possible."""
        youngest, oldest = self.pregnancy_ages
        return any(
            SITUATIONS[key % len(SITUATIONS)][0] == "F"
            and self.grid.covers(self.grid.places[key // len(SITUATIONS)], youngest, oldest)
            for key in keys
        )

    def may_be_younger(self, keys: Iterable[int], age: AgeEdge) -> bool:
        """Tell whether some key is of a person below an age."""
        return any(not self.grid.passed(self.grid.places[key // len(SITUATIONS)], age) for key in keys)

    def _situations(self, sex: Sex, pregnancy: Pregnancy, place: tuple[int, int]) -> list[int]:
        if pregnancy is Pregnancy.UNKNOWN:
            possible = self.grid.covers(place, *self.pregnancy_ages)
            female: tuple[int, ...] = (_FEMALE, _T1, _T2, _T3, _POST_NONE, _POST_T3) if possible else (_FEMALE,)
        else:
            female = _STATED[pregnancy]
        if sex is Sex.FEMALE:
            return list(female)
        if sex is Sex.MALE:
            # A man stated to be pregnant: one of the two is wrong, and which is unknown.
            return [_MALE, *female] if pregnancy.claimed else [_MALE]
        return list(female) if pregnancy.claimed else [_MALE, *female]
