"""The tables of reference_ranges/serial/, as frozen data: what several counts of one person are compared by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.vocabulary import Line, Persistence, SerialReason, Threshold, Verification


@dataclass(frozen=True, slots=True)
class Variation:
    """Coefficients of variation of one analyte, as fractions: within a person, and of the measurement."""

    within: float
    measurement: float
    within_source: str
    measurement_source: str
    verification: Verification

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm of one result around a person's own middle."""
        return math.sqrt(math.log1p(self.within**2) + math.log1p(self.measurement**2))


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a number comes from."""

    threshold: Threshold
    source: str


@dataclass(frozen=True, slots=True)
class Duration:
    """So many days between two low results of one spell have a name."""

    id: Persistence
    days: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class CountSet:
    """Limits and a duration that belong together; `definition` or `limits` (canonical units) has the limits."""

    id: str
    label: str
    definition: str | None
    limits: Mapping[Line, float]
    lines: tuple[Line, ...]
    age_from: AgeEdge | None
    days: int
    mark: Mark
    note: str


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Names for the days since a line was first below a limit (canonical unit)."""

    line: Line
    below: float
    up_to: tuple[tuple[str, int], ...]
    beyond: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class StableBand:
    """One analyte that stays in a band while other lines are not low."""

    id: str
    label: str
    analyte: str
    at_least: float
    below: float
    counts: int
    days: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class DeltaCheck:
    """A difference between two counts that asks whether both are of one person."""

    id: str
    analyte: str
    difference_above: float
    changes: tuple[str, ...]
    at_least: int
    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Suppression:
    """Where changes are not assessed: below an age, in pregnancy, or where a finding or a column beside the counts states it."""

    id: str
    text: str
    below_age: AgeEdge | None
    pregnancy: bool
    finding: str | None
    columns: frozenset[str]  # plain names
    mark: Mark


@dataclass(frozen=True, slots=True)
class TrendRule:
    """When a series has a slope: beyond `z` standard errors, from so many counts; a robust slope below its p value."""

    z: float
    counts: int
    robust_counts: int
    robust_p: float
    mark: Mark


@dataclass(frozen=True, slots=True)
class FastFall:
    """A fall by a share within days, or of several lines over the last counts."""

    share: float
    days: int
    counts: int
    lines: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class BaselineRule:
    """The range of a person's own earlier results."""

    z: float
    quantile: float
    own_spread_from: int
    mark: Mark


@dataclass(frozen=True, eq=False)
class SerialRules:
    """Everything that several counts are compared by."""

    variation: Mapping[str, Variation]
    durations: tuple[Duration, ...]
    count_sets: tuple[CountSet, ...]
    elapsed: Elapsed
    stable: StableBand
    change_z: float
    change_mark: Mark
    delta_checks: tuple[DeltaCheck, ...]
    suppressions: tuple[Suppression, ...]
    trend: TrendRule
    fast_fall: FastFall
    baseline: BaselineRule
    laboratory_columns: frozenset[str]
    reasons: Mapping[SerialReason, str]
    data_version: str
