"""A user's own set of reference ranges, rules or condition: its check, and a set to fill in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.knowledge.edges import AgeEdge, approximate_days
from cbc_screen.knowledge.intervals import SHORT, IntervalRow
from cbc_screen.knowledge.ordering import TIERS_FILE
from cbc_screen.report.units import number


def uncovered(rows: Sequence[IntervalRow]) -> list[str]:
    """Say which ages each analyte of a set leaves out, for each sex, outside pregnancy."""
    found: list[str] = []
    for analyte in sorted({row.analyte for row in rows}):
        for sex in ("F", "M"):
            bands = [r for r in rows if r.analyte == analyte and r.sex in ("any", sex) and r.pregnancy == "none"]
            bands.sort(key=lambda row: approximate_days(row.age_low))
            reached: AgeEdge | None = AgeEdge("d", 0)
            for band in bands:
                if reached is not None and approximate_days(reached) < approximate_days(band.age_low):
                    found.append(
                        f"{analyte}, {sex}: {edge_text(reached)} to under {edge_text(band.age_low)} is not covered"
                    )
                reached = band.age_high
            if bands and reached is not None:
                found.append(f"{analyte}, {sex}: {edge_text(reached)} and over is not covered")
    return found


def edge_text(age: AgeEdge) -> str:
    """Write an age edge in its largest whole unit."""
    if age.unit == "mo" and age.count % 12 == 0 and age.count:
        return f"{age.count // 12} y"
    return f"{age.count} {age.unit}"


def check_set(file: Path) -> tuple[int, list[str]]:
    """Check a set; return its rows and what a person should look at again."""
    knowledge = load_knowledge()
    rows = knowledge.read_set(file)
    remarks = []
    for row in rows:
        factor = knowledge.printed_limits.of(row.analyte)
        for other in knowledge.intervals("default"):
            for side in ("lower", "upper"):
                mine, theirs = getattr(row, side), getattr(other, side)
                if _overlap(row, other) and mine and theirs and not 1 / factor <= mine / theirs <= factor:
                    far = f"more than {number(factor)} times off {other.set} ({other.age_text})"
                    remarks.append(f"line {row.line}: {row.analyte} {side} is {far}")
    return len(rows), [*dict.fromkeys(remarks), *uncovered(rows)]


def template() -> str:
    """Return a laboratory's own set to fill in: the short form, with a row for each result of a count and sex, for adults."""
    knowledge = load_knowledge()
    lines = [",".join(SHORT)]
    for analyte in knowledge.analytes.values():
        stated = [
            row for row in knowledge.intervals("default") if row.analyte == analyte.id and row.pregnancy == "none"
        ]
        if analyte.counted and stated:
            sexes = ("any",) if {row.sex for row in stated} == {"any"} else ("F", "M")
            lines += [f"{analyte.id},{sex},18 y,,,,{analyte.unit}" for sex in sexes]
    return "\n".join(lines) + "\n"


def _overlap(row: IntervalRow, other: IntervalRow) -> bool:
    """Tell whether two rows can apply to one person."""
    if (row.analyte, row.pregnancy) != (other.analyte, other.pregnancy) or {row.sex, other.sex} == {"F", "M"}:
        return False
    ends = [approximate_days(r.age_high) if r.age_high is not None else inf for r in (row, other)]
    return approximate_days(row.age_low) < ends[1] and approximate_days(other.age_low) < ends[0]


def _changed_order(knowledge: Knowledge, file: Path) -> str:
    """Say for which conditions the order is a laboratory's own, and whether the sizes of the groups are."""
    order, shipped = knowledge.order_of(str(file)), knowledge.ordering
    own = {c.id for c, before in zip(order.conditions, knowledge.conditions, strict=True) if c != before}
    own |= {name for name, rows in order.ordering.tiers.items() if rows != shipped.tiers[name]}
    sizes = replace(order.ordering, tiers=shipped.tiers)
    changed = [*sorted(own), *(["the sizes of the groups"] if vars(sizes) != vars(shipped) else [])]
    return f"own for {', '.join(changed)}" if changed else "as shipped"


def check_rules(file: Path) -> str:
    """Check a laboratory's own rules, and say what is then in use; or a condition of the checklist."""
    knowledge = load_knowledge()
    if knowledge.is_condition(file):
        return _check_condition(file, knowledge)
    checks, shipped = knowledge.read_rules(file), knowledge.checks
    before = {rule.id: rule for rule in (*shipped.guards, *shipped.active, *shipped.cutoffs)}
    after = {rule.id: rule for rule in (*checks.guards, *checks.active, *checks.cutoffs)}
    changed = [name for name, rule in after.items() if name in before and before[name] != rule]
    lines = [
        "format, vocabulary, units and sources are sound",
        f"  policies in use: {', '.join(checks.chosen) or 'none of the shipped ones'}",
        f"  added: {', '.join(name for name in after if name not in before) or 'none'}",
        f"  changed: {', '.join(changed) or 'none'}",
        f"  switched off: {', '.join(name for name in before if name not in after) or 'none'}",
        f"  order of the checklist: {_changed_order(knowledge, file)}",
    ]
    return "\n".join(lines)


def _check_condition(file: Path, knowledge: Knowledge) -> str:
    """Check one condition beside the shipped ones, and say what it weighs and what else it needs."""
    condition = knowledge.read_condition(file)
    lines = [
        "format, vocabulary, units, points and sources are sound",
        f"  {condition.id}, {condition.tier}, rank {condition.rank}",
        f"  findings for: {', '.join(f'{rule.id} {rule.points:+d}' for rule in condition.findings_for) or 'none'}",
        f"  findings against: {', '.join(f'{rule.id} {rule.points:+d}' for rule in condition.findings_against) or 'none'}",
    ]
    if condition.id not in knowledge.ordering.tiers:
        lines.append(f"  it needs a row in {TIERS_FILE} (docs/knowledge.md) before it is listed")
    if file.stem != condition.id:
        lines.append(f"  the file must be called {condition.id}.yaml")
    return "\n".join(lines)
