"""What a kernel is configured with, and what its inputs are: shared by facts and conclusions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cbc_screen.knowledge.adjustments import Adjustment
from cbc_screen.knowledge.definitions import Definition
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.knowledge.grading import Scheme
from cbc_screen.knowledge.intervals import Weeks
from cbc_screen.knowledge.ordering import Ordering
from cbc_screen.knowledge.printed_limits import PrintedLimits
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.knowledge.rules import BloodCriteria, Condition, Rule
from cbc_screen.knowledge.white_parts import WhiteParts
from cbc_screen.vocabulary import Adjust, Line, Setting, Severity

LINES = (Line.RED, Line.WHITE, Line.PLATELET)
LINE_ANALYTE = {Line.RED: "hemoglobin", Line.WHITE: "neutrophils", Line.PLATELET: "platelets"}
SEVERITIES = tuple(Severity)


@dataclass(frozen=True, eq=False)
class MovedTiers:
    """What a stated setting does to the order: by how much tiers move, by condition, and the order without it."""

    setting: tuple[Setting, ...]
    shifts: Mapping[str, int]
    without: Ordering


@dataclass(frozen=True, eq=False)
class Rules:
    """What one screener is configured with, as tables."""

    analytes: Mapping[str, Analyte]
    ranged: frozenset[str]
    differing: frozenset[str]  # of which sets of equal standing differ at some age
    definitions: Mapping[str, Definition]
    definition: str
    scheme: Scheme
    conditions: tuple[Condition, ...]
    ordering: Ordering
    moved: MovedTiers | None  # where a setting is stated
    guards: tuple[Rule, ...]
    triggers: tuple[Rule, ...]
    cutoffs: tuple[Rule, ...]
    urgency: tuple[Rule, ...]
    criteria: BloodCriteria
    printed_limits: PrintedLimits
    white_parts: WhiteParts
    stated_finding: str | None  # the finding that switches to the stated ranges
    stated: frozenset[str]  # the analytes that have one
    preterm_finding: str  # present: no range applies below that age
    preterm_below: AgeEdge
    gestation: str  # the analyte that states the gestation at birth
    term_from: float  # its weeks from which a birth is at term
    preterm_set: str  # the name of a chosen set by gestation
    by_gestation: Mapping[str, tuple[Weeks, ...]]  # of the analytes of a chosen set by gestation, its spans
    adjust: frozenset[Adjust]  # what hemoglobin is adjusted for, where a table says how
    adjustments: Mapping[str, Adjustment]  # by grading scheme
    findings: frozenset[str]  # every finding that some rule asks for
    limit_columns: Mapping[str, float | None]  # None, or the number where it is one for everybody

    @property
    def adjusts_line(self) -> bool:
        """Whether the red line is judged on adjusted hemoglobin."""
        return self.definitions[self.definition].red.scheme in self.adjustments

    @property
    def adjusts_grade(self) -> bool:
        """Whether the grade of hemoglobin is that of adjusted hemoglobin."""
        return self.scheme.id in self.adjustments


@dataclass(frozen=True)
class Given:
    """Which inputs a program has; the others are absent, and their steps fold away.

    `inexact` lists the analytes whose low and high ends may differ; `unsent` says that neutrophils
    may not have been sent where other white cells were.
    """

    analytes: frozenset[str]
    inexact: frozenset[str]
    findings: frozenset[str]
    reported: frozenset[str]
    method: bool
    uncorrected: bool
    unsent: bool
