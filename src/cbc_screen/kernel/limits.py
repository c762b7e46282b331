"""One age grid for all limits: a person becomes an integer key, a limit becomes a column.

The union of all band edges of the sets, schemes, definitions and rules in use makes the
age classes. Class, sex and pregnancy make the key (`keys.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, nextafter

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.columns import LimitTable
from cbc_screen.kernel.keys import AGES, SITUATIONS, STAGES, UNSTATED, AgeGrid, KeyedLimits
from cbc_screen.knowledge.definitions import PARTS, Cutoff, Definition
from cbc_screen.knowledge.edges import AgeEdge, edge
from cbc_screen.knowledge.grading import GradeRow, Scheme
from cbc_screen.knowledge.intervals import IntervalRow, Weeks
from cbc_screen.knowledge.predicates import TRIMESTERS

# Before the name of an analyte: the range used only where a phenotype is stated.
STATED = "stated:"


def at_gestation(analyte: str, place: int) -> str:
    """Return the name of the range of an analyte for one of the spans of gestation of the chosen set."""
    return f"gestation {place}:{analyte}"


# Whether a key is tried beside another, with limits of sets that differ.
BESIDE = "beside"


class GridColumns:
    """The age classes of whole columns of ages."""

    def __init__(self, grid: AgeGrid) -> None:
        self._grid = grid
        self._day_lookup = np.searchsorted(grid.day_edges, np.arange(grid.last_day + 1), side="right").astype(np.int64)
        self._month_lookup = np.searchsorted(grid.month_edges, np.arange(grid.last_month + 1), side="right").astype(
            np.int64
        )
        self.class_lookup = np.full((len(grid.day_edges) + 1) * grid.width, -1, dtype=np.int64)
        for (day_place, month_place), number in grid.class_of.items():
            self.class_lookup[day_place * grid.width + month_place] = number
        self.alone = np.array([number not in grid.beside for number in range(len(grid.places))])
        self._is_beside = np.isin(np.arange(len(grid.places)), list(grid.tried))
        # The class by months alone of those who have passed every day edge.
        self._class_past_days = self.class_lookup[len(grid.day_edges) * grid.width + self._month_lookup]

    def class_at(self, days: NDArray[np.int64], months: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the class of each exact age, or -1 where days and months exclude each other."""
        if self.past_days(days):
            return self._class_past_days.take(months, mode="clip")
        places = self.day_place(days) * self._grid.width + self.month_place(months)
        return self.class_lookup.take(places, mode="clip")

    def past_days(self, days: NDArray[np.int64]) -> bool:
        """Tell whether everybody is past the neonatal bands, so that months alone make the class."""
        return len(days) > 0 and bool(days.min() >= self._grid.last_day)

    def left_open(self, keys: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        """Tell what leaves a row several keys (`KeyedLimits.left_open`); each row begins with one that is not beside."""
        classes = keys // len(SITUATIONS)
        own = ~self._is_beside[classes]
        ages = ((classes != classes[:, :1]) & own).any(axis=1)
        return {AGES: ages, STAGES: (own.sum(axis=1) > 1) & ~ages}

    def day_place(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many day edges each age has passed."""
        if self.past_days(days):
            return np.broadcast_to(np.int64(len(self._grid.day_edges)), days.shape)
        return self._day_lookup.take(days, mode="clip")

    def month_place(self, months: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many month edges each age has passed."""
        return self._month_lookup.take(months, mode="clip")


@dataclass(frozen=True, eq=False)
class KernelLimits(KeyedLimits):
    """The limits of a screener, and the rows their numbers come from."""

    interval_rows: Mapping[str, Sequence[IntervalRow | None]]
    grade_rows: Mapping[tuple[str, str], Sequence[tuple[GradeRow, ...]]]

    @cached_property
    def table(self) -> LimitTable:
        """The limits as columns by key."""
        return LimitTable(self.columns, np.array(self.by_key, dtype=np.float64).T.copy())

    def believed_lower(self, analyte: str, factor: float) -> tuple[float, float] | None:
        """Return the least and the most that a stated lower limit may be, whoever it is of; None where the set has none.

        No further off than so many times from the set's own limits, of every age and sex.
        """
        if f"lower:{analyte}" not in self.columns:
            return None
        own = self.table.column(f"lower:{analyte}")
        return float(np.nanmin(own)) / factor, float(np.nanmax(own)) * factor

    @cached_property
    def grid_columns(self) -> GridColumns:
        """The age classes of columns of ages."""
        return GridColumns(self.grid)


def build_limits(
    intervals: Sequence[IntervalRow],
    differing: Sequence[IntervalRow],
    stated: Sequence[IntervalRow],
    preterm: Sequence[IntervalRow],
    scheme: Scheme,
    definitions: Mapping[str, Definition],
    schemes: Mapping[str, Scheme],
    ages: Iterable[AgeEdge],
    unchanged_in_pregnancy: frozenset[str],
    pregnancy_ages: tuple[AgeEdge, AgeEdge],
    oldest_years: int,
) -> KernelLimits:
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
    rows: list[IntervalRow | GradeRow] = [*intervals, *differing, *stated, *preterm]
    rows += [row for used in used_schemes.values() for table in used.tables.values() for row in table]
    edges = [e for row in rows for e in (row.age_low, row.age_high) if e is not None]
    edges += [c.age_from for c in cutoffs.values() if c.age_from is not None] + list(ages)
    edges += pregnancy_ages
    grid = AgeGrid(edges, oldest_years)
    grid.add_beside([(row.age_low, row.age_high) for row in differing])

    table = _Table(grid, unchanged_in_pregnancy)
    table.add_intervals(intervals, differing)
    table.add_intervals(stated, (), STATED)
    for analyte, spans in spans_of(preterm).items():
        for place, weeks in enumerate(spans):
            own = [row for row in preterm if (row.analyte, row.gestation) == (analyte, weeks)]
            table.add_intervals(own, (), at_gestation("", place))
    for used in used_schemes.values():
        table.add_scheme(used)
    table.add_cutoffs(cutoffs)
    table.add_traits(ages, pregnancy_ages)
    columns = {name: place for place, name in enumerate(table.columns)}
    by_key = tuple(zip(*table.columns.values(), strict=True))
    return KernelLimits(grid, columns, by_key, pregnancy_ages, table.interval_rows, table.grade_rows)


def build_set_limits(
    tables: Mapping[str, Sequence[IntervalRow]], age: AgeEdge, pregnancy_ages: tuple[int, int], oldest_years: int
) -> KernelLimits:
    """Build the grid and the table of several sets side by side; each has the prefix before the names of its limits."""
    within = edge(pregnancy_ages[0], "y"), edge(pregnancy_ages[1], "y")
    edges = {e for rows in tables.values() for row in rows for e in (row.age_low, row.age_high) if e is not None}
    table = _Table(AgeGrid([*edges, age, *within], oldest_years), frozenset())
    for prefix, rows in tables.items():
        table.add_intervals(rows, (), prefix)
    table.add_traits([age], within)
    columns = {name: place for place, name in enumerate(table.columns)}
    by_key = tuple(zip(*table.columns.values(), strict=True))
    return KernelLimits(table.grid, columns, by_key, within, table.interval_rows, {})


def spans_of(preterm: Sequence[IntervalRow]) -> dict[str, tuple[Weeks, ...]]:
    """Return the spans of gestation that each analyte of a set has."""
    analytes = dict.fromkeys(row.analyte for row in preterm)
    return {
        name: tuple(sorted({row.gestation for row in preterm if row.analyte == name and row.gestation is not None}))
        for name in analytes
    }


class _Table:
    """The columns of the limit table, one value a key."""

    def __init__(self, grid: AgeGrid, unchanged_in_pregnancy: frozenset[str]) -> None:
        self.grid, self._unchanged = grid, unchanged_in_pregnancy
        self._keys = [(place, sex, stages) for place in grid.places for sex, stages in SITUATIONS]
        self._unstated = [number == UNSTATED for _ in grid.places for number in range(len(SITUATIONS))]
        self._tried = [grid.tried.get(number, frozenset()) for number in range(len(grid.places)) for _ in SITUATIONS]
        self.columns: dict[str, list[float]] = {}
        self.interval_rows: dict[str, list[IntervalRow | None]] = {}
        self.grade_rows: dict[tuple[str, str], list[tuple[GradeRow, ...]]] = {}

    def add_intervals(
        self, intervals: Sequence[IntervalRow], differing: Sequence[IntervalRow], prefix: str = ""
    ) -> None:
        """Add the lower and upper limit of every analyte, with the differing ones for what is tried beside."""
        for analyte in sorted({row.analyte for row in intervals}):
            own = [row for row in intervals if row.analyte == analyte]
            others = [row for row in differing if row.analyte == analyte]
            unchanged = analyte in self._unchanged
            found = [_interval(self.grid, own, *key, unchanged) for key in self._keys]
            for place, tried in enumerate(self._tried if others else []):
                rows = [row for row in others if (row.age_low, row.age_high) in tried]
                if rows:
                    found[place] = _beside(_interval(self.grid, rows, *self._keys[place], unchanged), found[place])
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

    def add_traits(self, ages: Iterable[AgeEdge], pregnancy_ages: tuple[AgeEdge, AgeEdge]) -> None:
        """Add what rules ask of the person, as 1 and 0."""
        self.columns[BESIDE] = [float(bool(tried)) for tried in self._tried]
        self.columns["female"] = [float(sex == "F") for _, sex, _ in self._keys]
        self.columns["pregnant"] = [float(stages[0] in TRIMESTERS) for _, _, stages in self._keys]
        for stage in TRIMESTERS:
            self.columns[f"stage:{stage}"] = [float(stages[0] == stage) for _, _, stages in self._keys]
        self.columns["postpartum"] = [float(stages[0] == "postpartum") for _, _, stages in self._keys]
        self.columns["pregnancy_unstated"] = [
            float(unstated and self.grid.covers(place, *pregnancy_ages))
            for (place, _, _), unstated in zip(self._keys, self._unstated, strict=True)
        ]
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


def _beside(row: IntervalRow | None, own: IntervalRow | None) -> IntervalRow | None:
    """Return a row that is tried beside another; a side that it leaves open is that of the other."""
    if row is None or own is None:
        return row or own
    lower, upper = (
        mine if mine is not None else theirs for mine, theirs in ((row.lower, own.lower), (row.upper, own.upper))
    )
    return replace(row, lower=lower, upper=upper)


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
