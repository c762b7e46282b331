"""What a kernel is configured with, and what its inputs are: shared by facts and conclusions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cbc_screen.knowledge.definitions import Definition
from cbc_screen.knowledge.grading import Scheme
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.knowledge.rules import BloodCriteria, Condition, Rule
from cbc_screen.vocabulary import Line, Severity

LINES = (Line.RED, Line.WHITE, Line.PLATELET)
LINE_ANALYTE = {Line.RED: "hemoglobin", Line.WHITE: "neutrophils", Line.PLATELET: "platelets"}
SEVERITIES = tuple(Severity)


@dataclass(frozen=True, eq=False)
class Rules:
    """What one screener is configured with, as tables."""

    analytes: Mapping[str, Analyte]
    ranged: frozenset[str]
    definitions: Mapping[str, Definition]
    definition: str
    scheme: Scheme
    conditions: tuple[Condition, ...]
    guards: tuple[Rule, ...]
    triggers: tuple[Rule, ...]
    urgency: tuple[Rule, ...]
    criteria: BloodCriteria
    reported_range_factor: float
    stated_finding: str | None  # the finding that switches to the stated ranges
    stated: frozenset[str]  # the analytes that have one
    findings: frozenset[str]  # every finding that some rule asks for
    limit_columns: Mapping[str, float | None]  # None, or the number where it is one for everybody


@dataclass(frozen=True)
class Given:
    """Which inputs a program has; the others are absent, and their steps fold away.

    `inexact` lists the analytes whose low and high ends may differ.
    """

    analytes: frozenset[str]
    inexact: frozenset[str]
    findings: frozenset[str]
    reported: frozenset[str]
    method: bool
    uncorrected: bool
