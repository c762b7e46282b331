"""Sets of reference ranges for people: lists, bands by age, and the check of a user's own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.table import Table
from rich.text import Text

from cbc_screen.errors import KnowledgeError, UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.intervals import IntervalRow, load_interval_set
from cbc_screen.report.words import number


def set_table() -> Table:
    """Return the sets with rows, analytes, verification and populations."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("set", "rows", "analytes", "A/B/C", "ages and stages", "sources"):
        table.add_column(name, overflow="fold", justify="right" if name == "rows" else "left")
    for name, rows in load_knowledge().interval_sets.items():
        grades = Counter(row.verification for row in rows)
        stages = sorted({row.pregnancy for row in rows} - {"none"})
        oldest = "no upper limit" if any(row.age_high is None for row in rows) else "see bands"
        table.add_row(
            Text(name),
            str(len(rows)),
            str(len({row.analyte for row in rows})),
            "/".join(str(grades[g]) for g in "ABC"),
            ", ".join(stages) if stages else f"birth to {oldest}",
            Text(", ".join(sorted({row.source for row in rows}))),
        )
    return table


def band_table(analyte: str, name: str, sex: str | None) -> Table:
    """Return the bands of one analyte by age, with a bar that shows the limits."""
    knowledge = load_knowledge()
    if analyte not in knowledge.analytes:
        raise UsageError(f"ranges show: no analyte is named {analyte!r}")
    rows = [r for r in knowledge.intervals(name) if r.analyte == analyte and (sex is None or r.sex in ("any", sex))]
    if not rows:
        raise UsageError(f"ranges show: {name} has no row for {analyte}")
    top = max(row.upper or row.lower or 0.0 for row in rows)
    table = Table(
        box=None, padding=(0, 2, 0, 0), header_style="dim", title=f"{knowledge.analytes[analyte].label}, {rows[0].unit}"
    )
    for heading in ("age", "sex", "stage", "lower", "upper", "", "confidence", "set", "source"):
        table.add_column(heading, justify="right" if heading in ("lower", "upper") else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            row.age_text,
            row.sex,
            row.pregnancy,
            "" if row.lower is None else number(row.lower),
            "" if row.upper is None else number(row.upper),
            Text(_bar(row, top), style="green"),
            row.confidence,
            row.set,
            row.source,
        )
    return table


def _bar(row: IntervalRow, top: float, width: int = 24) -> str:
    start = round(width * (row.lower or 0.0) / top)
    end = max(start + 1, round(width * (row.upper if row.upper is not None else top) / top))
    return " " * start + "=" * (end - start)


def check_set(file: Path) -> tuple[int, list[str]]:
    """Check a user's set; return its rows and what a person should look at again."""
    knowledge = load_knowledge()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise KnowledgeError(file.name, None, "file", "cannot be read as UTF-8 text") from None
    rows = load_interval_set(text, file.name, knowledge.analytes, knowledge.sources)
    factor = knowledge.reported_range_factor
    remarks = []
    for row in rows:
        for other in knowledge.intervals("default"):
            same = (other.analyte, other.pregnancy, other.age_low) == (row.analyte, row.pregnancy, row.age_low)
            if not same or (other.sex not in ("any", row.sex) and row.sex != "any"):
                continue
            for side in ("lower", "upper"):
                mine, theirs = getattr(row, side), getattr(other, side)
                if mine and theirs and not 1 / factor <= mine / theirs <= factor:
                    remarks.append(
                        f"line {row.line}: {row.analyte} {side} is more than {number(factor)} times off {other.set}"
                    )
    return len(rows), list(dict.fromkeys(remarks))
