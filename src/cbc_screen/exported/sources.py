"""The columns of a table of counts that an exported definition reads, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cbc_screen.errors import UsageError
from cbc_screen.exported.asked import answering_inputs
from cbc_screen.exported.cells import Columns
from cbc_screen.kernel.rules import Given
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.normalize.agreement import partners

PERSON = ("age", "sex", "pregnancy")
COMPARATOR, SIDES = "comparator", ("lower", "upper")
UNCORRECTED = "wbc_uncorrected"
LINES = ("hemoglobin", "wbc", "neutrophils", "platelets")
# What a table has where nothing is said: a table of four results, under the names of this project.
USUAL = {name: name for name in (*PERSON, *LINES)}


@dataclass(frozen=True)
class TableOfCounts:
    """What a table has: the column of each field that is read, sorted by what it is."""

    person: Mapping[str, str]
    results: Mapping[str, str]
    comparators: Mapping[str, str]
    reported: Mapping[str, Mapping[str, str]]  # analyte, side
    findings: Mapping[str, str]
    uncorrected: str | None
    analytes: Mapping[str, Analyte]

    @property
    def columns(self) -> Columns:
        """What the cells are read with."""
        reported = {name: frozenset(sides) for name, sides in self.reported.items()}
        return Columns(self.analytes, frozenset(self.comparators), reported)

    @property
    def given(self) -> Given:
        """What the kernel's programs are made for."""
        names = frozenset(self.analytes)
        return Given(
            analytes=names,
            inexact=names,
            findings=frozenset(self.findings),
            reported=frozenset(self.reported),
            method=False,
            uncorrected=self.uncorrected is not None,
            unsent=True,
        )


def source_of(knowledge: Knowledge, kernel: Kernel, columns: Mapping[str, str] | None) -> TableOfCounts:
    """Sort the columns that a caller names; refuse those that change no answer here.

    Raises
    ------
    UsageError
        If a field is not known, changes no answer, or has no column.
    """
    given = dict(USUAL if columns is None else columns)
    known, findings = _fields(knowledge, kernel)
    for name in given:
        if name not in known:
            raise UsageError(f"columns: {name!r} changes no answer here; there are {', '.join(known)}")
    results = {name: given[name] for name in knowledge.analytes if name in given}
    if not results:
        raise UsageError(f"columns: name at least one result: {', '.join(LINES)}")
    return TableOfCounts(
        person={name: given[name] for name in PERSON if name in given},
        results=results,
        comparators=_comparators(given, results),
        reported={
            name: {side: given[f"{name}_{side}"] for side in SIDES if f"{name}_{side}" in given}
            for name in results
            if any(f"{name}_{side}" in given for side in SIDES)
        },
        findings={name: given[name] for name in findings if name in given},
        uncorrected=given.get(UNCORRECTED),
        analytes={name: knowledge.analytes[name] for name in results},
    )


def _comparators(given: Mapping[str, str], results: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of signs; refuse what stands beside a result that has no column."""
    named = {name: given[f"{name}_{COMPARATOR}"] for name in results if f"{name}_{COMPARATOR}" in given}
    for field in given:
        about, _, kind = field.rpartition("_")
        if kind in (COMPARATOR, *SIDES) and about not in results:
            raise UsageError(f"columns: {field} stands beside {about}, which has no column")
    return named


def _fields(knowledge: Knowledge, kernel: Kernel) -> tuple[list[str], list[str]]:
    """Return every field that can change an answer, and those of them that are findings."""
    analytes = frozenset(knowledge.analytes)
    everything = Given(analytes, analytes, kernel.rules.findings, kernel.rules.ranged, True, True, unsent=True)
    inputs = answering_inputs(kernel, everything)
    used = [name for name in analytes if f"{name}.low" in inputs or f"{name}.high" in inputs]
    used += [other for name in used for other in partners(knowledge.agreement.get(name, ()))]
    results = [name for name in knowledge.analytes if name in used]
    ranged = [name for name in results if f"{name}.reported_lower" in inputs]
    findings = [name for name in knowledge.findings if f"{name}.present" in inputs]
    fields = [*PERSON, *results, *(f"{name}_{COMPARATOR}" for name in results)]
    fields += [f"{name}_{side}" for name in ranged for side in SIDES]
    return [*fields, *findings, *([UNCORRECTED] if UNCORRECTED in inputs else [])], findings
