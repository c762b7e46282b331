"""What is said of a column whose unit is doubted, and what to do."""

from __future__ import annotations

from math import isclose

from cbc_screen.engines.unit_suspicion import Doubt, Suspicion
from cbc_screen.engines.unit_values import PERCENTAGES
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import Factor, UnitTable
from cbc_screen.normalize.plan import Plan

_CLOSE = 0.01


def sentence(knowledge: Knowledge, plan: Plan, analyte: str, doubt: Suspicion, *, accepted: bool) -> str:
    """Say in one sentence why a unit is doubted, what became of the results, and what to do."""
    stated = plan.analytes[analyte].unit if analyte in plan.analytes else None
    in_rows = analyte in plan.analytes and plan.analytes[analyte].unit_column is not None
    declared = plan.declared.unit(knowledge, analyte)
    unit = stated or (None if in_rows else declared)
    fits = _fits(knowledge.analytes[analyte].units, unit, doubt)
    why = f"{_why(doubt, unit or 'the unit beside them')}{f'; they would fit {fits[0]}' if fits else ''}"
    if accepted:
        return f"{why}; they are used, since the unit is accepted"
    if doubt.beside == PERCENTAGES:
        partner = knowledge.analytes[analyte].percent
        remedy = f"name the column as {partner} (columns=, --columns {partner}=COLUMN)"
    elif stated or in_rows:
        remedy = "correct the unit in the source"
    else:
        remedy = f"declare the unit (units=, --units {analyte}={fits[0] if fits and fits[1] else 'UNIT'})"
    return f"{why}. None of the results is used: {remedy}, or accept them (accept_units=, --accept-units {analyte})"


def _why(doubt: Suspicion, unit: str) -> str:
    many = f"{doubt.many:,} of {doubt.rows:,}"
    match doubt.doubt:
        case Doubt.IMPLAUSIBLE:
            return f"{many} results cannot be believed in {unit}"
        case Doubt.REPORTED:
            return f"the ranges printed with {many} results are not in {unit}"
        case Doubt.MIDDLE:
            return f"no group of patients has a middle value like that of the {doubt.rows:,} results in {unit}"
        case Doubt.RELATION:
            return f"{doubt.beside} contradict each other in {many} rows"
        case Doubt.SUM:
            return f"in {many} rows the differential adds up as {doubt.beside} do, and not as {unit}"
        case Doubt.PARTS:
            return f"{doubt.beside} of the same rows are in doubt, and neutrophils may be in the same unit"
        case Doubt.VALUES:
            return f"{many} results of people whose other results look healthy are not usual in {unit}"


def _fits(units: UnitTable, unit: str | None, doubt: Suspicion) -> tuple[str, bool] | None:
    """Return what the results would fit, and whether it is a unit that can be declared."""
    if doubt.off is None:
        return (doubt.beside, False) if doubt.doubt is Doubt.VALUES and doubt.beside else None
    if unit is not None:
        factor = units.find(unit)
        if isinstance(factor, Factor):
            wanted = factor.numerator / factor.denominator / doubt.off
            for spelling, other in _spellings(units):
                if isclose(other.numerator / other.denominator, wanted, rel_tol=_CLOSE):
                    return spelling, True
    if doubt.doubt in (Doubt.IMPLAUSIBLE, Doubt.MIDDLE):
        return None  # these say what it is not
    times = f"{max(doubt.off, 1 / doubt.off):,.3g}"
    return f"a unit {times} times {'smaller' if doubt.off > 1 else 'larger'}", False


def _spellings(units: UnitTable) -> list[tuple[str, Factor]]:
    """Return the accepted units, then those that take a declaration of their own."""
    own = [pair for group in units.declared.values() for pair in group.items()]
    return [(units.canonical, Factor(1, 1)), *units.accepted.items(), *own]
