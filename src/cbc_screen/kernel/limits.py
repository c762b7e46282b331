"""One age grid for all limits: a person becomes an integer key, a limit becomes a column.

The union of all band edges of the sets, schemes, definitions and rules in use makes the
age classes. Class, sex and pregnancy make the key. An inexact person (an approximate
age, unknown sex, unknown trimester) has several keys, and every one is tried.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nextafter

import numpy as np
from numpy.typing import NDArray

from cbc_screen.ages import MONTHS_IN_YEAR, AgeSpan, fewest_days, most_days
from cbc_screen.kernel.columns import LimitTable
from cbc_screen.kernel_inputs import Person
from cbc_screen.knowledge.definitions import PARTS, Cutoff, Definition
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.knowledge.grading import GradeRow, Scheme
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.vocabulary import Pregnancy, Sex

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
)
_MALE, _FEMALE, _T1, _T2, _T3, _POST_NONE, _POST_T3 = range(7)
_STATED: Mapping[Pregnancy, tuple[int, ...]] = {
    Pregnancy.NONE: (_FEMALE,),
    Pregnancy.NOT_STATED: (_FEMALE,),
    Pregnancy.T1: (_T1,),
    Pregnancy.T2: (_T2,),
    Pregnancy.T3: (_T3,),
    Pregnancy.TRIMESTER_UNKNOWN: (_T1, _T2, _T3),
    Pregnancy.POSTPARTUM: (_POST_NONE, _POST_T3),
}
# Before the name of an analyte: the range used only where a phenotype is stated.
STATED = "stated:"


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
        self._day_lookup = np.searchsorted(self.day_edges, np.arange(self.last_day + 1), side="right").astype(np.int64)
        self._month_lookup = np.searchsorted(self.month_edges, np.arange(self.last_month + 1), side="right").astype(
            np.int64
        )
        self.class_lookup = np.full((len(self.day_edges) + 1) * self.width, -1, dtype=np.int64)
        for (day_place, month_place), number in self.class_of.items():
            self.class_lookup[day_place * self.width + month_place] = number
        # The class by months alone of those who have passed every day edge.
        self._class_past_days = self.class_lookup[len(self.day_edges) * self.width + self._month_lookup]

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
        """Return every class in ranges of places (both ends included)."""
        days, months = range(places[0], places[1] + 1), range(places[2], places[3] + 1)
        return tuple(self.class_of[d, m] for d in days for m in months if (d, m) in self.class_of)

    def class_at(self, days: NDArray[np.int64], months: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the class of each exact age, or -1 where days and months exclude each other."""
        if len(days) and days.min() >= self.last_day:
            return self._class_past_days.take(months, mode="clip")
        return self.class_lookup.take(self.day_place(days) * self.width + self.month_place(months), mode="clip")

    def day_place(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many day edges each age has passed."""
        if len(days) and days.min() >= self.last_day:  # everybody is past the neonatal bands
            return np.broadcast_to(np.int64(len(self.day_edges)), days.shape)
        return self._day_lookup.take(days, mode="clip")

    def month_place(self, months: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many month edges each age has passed."""
        return self._month_lookup.take(months, mode="clip")


@dataclass(frozen=True)
class Limits:
    """The limit table of a screener, and the rows its numbers come from."""

    grid: AgeGrid
    table: LimitTable
    interval_rows: Mapping[str, Sequence[IntervalRow | None]]
    grade_rows: Mapping[tuple[str, str], Sequence[tuple[GradeRow, ...]]]
    pregnancy_ages: tuple[AgeEdge, AgeEdge]

    def row(self, key: int) -> list[float]:
        """Return all limits of one key, for the scalar kernel."""
        return [float(value) for value in self.table.values[:, key]]

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


def build_limits(
    intervals: Sequence[IntervalRow],
    stated: Sequence[IntervalRow],
    scheme: Scheme,
    definitions: Mapping[str, Definition],
    schemes: Mapping[str, Scheme],
    ages: Iterable[AgeEdge],
    unchanged_in_pregnancy: frozenset[str],
    pregnancy_ages: tuple[AgeEdge, AgeEdge],
    oldest_years: int,
) -> Limits:
    """Build the grid and the table for one configuration."""
    used_schemes = {scheme.id: scheme}
    cutoffs: dict[str, Cutoff] = {}
    for definition in definitions.values():
        for part in PARTS:
            cutoff: Cutoff | None = getattr(definition, part)
            if cutoff is not None:
                cutoffs[f"cut:{definition.id}:{part}"] = cutoff
                if cutoff.scheme is not None:
                    used_schemes[cutoff.scheme] = schemes[cutoff.scheme]
    rows: list[IntervalRow | GradeRow] = [*intervals, *stated]
    rows += [row for used in used_schemes.values() for table in used.tables.values() for row in table]
    edges = [e for row in rows for e in (row.age_low, row.age_high) if e is not None]
    edges += [c.age_from for c in cutoffs.values() if c.age_from is not None] + list(ages)
    edges += pregnancy_ages
    grid = AgeGrid(edges, oldest_years)

    table = _Table(grid, unchanged_in_pregnancy)
    table.add_intervals(intervals)
    table.add_intervals(stated, STATED)
    for used in used_schemes.values():
        table.add_scheme(used)
    table.add_cutoffs(cutoffs)
    table.add_traits(ages)
    values = np.array(list(table.columns.values()), dtype=np.float64)
    limit_table = LimitTable({name: place for place, name in enumerate(table.columns)}, values)
    return Limits(grid, limit_table, table.interval_rows, table.grade_rows, pregnancy_ages)


class _Table:
    """The columns of the limit table, one value a key."""

    def __init__(self, grid: AgeGrid, unchanged_in_pregnancy: frozenset[str]) -> None:
        self.grid, self._unchanged = grid, unchanged_in_pregnancy
        self._keys = [(place, sex, stages) for place in grid.places for sex, stages in SITUATIONS]
        self.columns: dict[str, list[float]] = {}
        self.interval_rows: dict[str, list[IntervalRow | None]] = {}
        self.grade_rows: dict[tuple[str, str], list[tuple[GradeRow, ...]]] = {}

    def add_intervals(self, intervals: Sequence[IntervalRow], prefix: str = "") -> None:
        """Add the lower and upper limit of every analyte."""
        for analyte in sorted({row.analyte for row in intervals}):
            own = [row for row in intervals if row.analyte == analyte]
            unchanged = analyte in self._unchanged
            found = [_interval(self.grid, own, *key, unchanged) for key in self._keys]
            self.interval_rows[prefix + analyte] = found
            self.columns[f"lower:{prefix}{analyte}"] = [_or_nan(row.lower if row else None) for row in found]
            self.columns[f"upper:{prefix}{analyte}"] = [_or_nan(row.upper if row else None) for row in found]

    def add_scheme(self, scheme: Scheme) -> None:
        """Add the upper bound of every grade."""
        for analyte, rows in scheme.tables.items():
            bands = [_grades(self.grid, rows, *key) for key in self._keys]
            self.grade_rows[scheme.id, analyte] = bands
            for grade in sorted({row.grade for row in rows} - {0}):
                self.columns[f"grade:{scheme.id}:{analyte}:{grade}"] = [
                    _or_nan(next((_bound(row) for row in band if row.grade == grade), None)) for band in bands
                ]

    def add_cutoffs(self, cutoffs: Mapping[str, Cutoff]) -> None:
        """Add the fixed numbers of the definitions; a cut-off of a scheme is that grade's bound."""
        for name, cutoff in cutoffs.items():
            if cutoff.by_sex is not None:
                self.columns[name] = [_fixed(self.grid, cutoff, place, sex) for place, sex, _ in self._keys]
            elif cutoff.scheme is not None:
                self.columns[name] = self.columns[f"grade:{cutoff.scheme}:{cutoff.analyte}:{cutoff.grade}"]

    def add_traits(self, ages: Iterable[AgeEdge]) -> None:
        """Add what rules ask of the person, as 1 and 0."""
        self.columns["female"] = [float(sex == "F") for _, sex, _ in self._keys]
        self.columns["pregnant"] = [float(stages[0] in ("T1", "T2", "T3")) for _, _, stages in self._keys]
        for age in sorted(set(ages)):
            self.columns[f"age:{age.unit}:{age.count}"] = [
                float(self.grid.passed(place, age)) for place, _, _ in self._keys
            ]


def _bound(row: GradeRow) -> float | None:
    """Return the bound that a value of the grade lies below: just above an inclusive one."""
    return nextafter(row.upper, inf) if row.upper_inclusive and row.upper is not None else row.upper


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _interval(
    grid: AgeGrid,
    rows: Sequence[IntervalRow],
    place: tuple[int, int],
    sex: str,
    stages: tuple[str, ...],
    unchanged: bool,
) -> IntervalRow | None:
    for stage in (*stages, "none") if unchanged else stages:
        for row in rows:
            if row.pregnancy == stage and row.sex in ("any", sex) and grid.covers(place, row.age_low, row.age_high):
                return row
    return None


def _grades(
    grid: AgeGrid, rows: Sequence[GradeRow], place: tuple[int, int], sex: str, stages: tuple[str, ...]
) -> tuple[GradeRow, ...]:
    for stage in (*stages, "any"):
        band = tuple(
            row
            for row in rows
            if row.pregnancy == stage and row.sex in ("any", sex) and grid.covers(place, row.age_low, row.age_high)
        )
        if band:
            return band
    return ()


def _fixed(grid: AgeGrid, cutoff: Cutoff, place: tuple[int, int], sex: str) -> float:
    if cutoff.by_sex is None or (cutoff.age_from is not None and not grid.passed(place, cutoff.age_from)):
        return float("nan")
    return cutoff.by_sex[sex]
