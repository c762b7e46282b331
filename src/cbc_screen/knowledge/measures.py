"""What is needed to read results: analytes, units, words and findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cbc_screen.knowledge.agreement import Way
from cbc_screen.knowledge.moments import MomentWords
from cbc_screen.knowledge.quantities import Analyte, UnitTable
from cbc_screen.knowledge.specimens import Specimens
from cbc_screen.knowledge.statuses import Statuses
from cbc_screen.knowledge.words import Words


@dataclass(frozen=True, eq=False)
class Measures:
    """The tables by which results and persons are read; `Knowledge` has the others too."""

    data_version: str
    analytes: Mapping[str, Analyte]
    agreement: Mapping[str, tuple[Way, ...]]
    units: Mapping[str, UnitTable]
    unit_systems: Mapping[str, Mapping[str, str]]
    words: Words
    statuses: Statuses
    moments: MomentWords
    specimens: Specimens
    age_implausible_from: int
    findings: Mapping[str, str]
