"""What the demo prints beside the summary."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from cbc_screen.demo import HEADER


def trap_table(flags: Path, rejects: Path, traps: Sequence[Sequence[str]]) -> Table:
    """Return, for each trap of the demo, the answer and the reasons."""
    with flags.open(encoding="utf-8", newline="") as file:
        answers = {row["Sample"]: row for row in csv.DictReader(file)}
    with rejects.open(encoding="utf-8", newline="") as file:
        rejected = {row["content"].split(",")[0]: row["reason"] for row in csv.DictReader(file)}
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("trap", "what it is", "pattern", "lines low", "reasons"):
        table.add_column(name, overflow="fold")
    for trap in traps:
        sample, row = trap[0], answers.get(trap[0])
        if row is None:
            cells = [sample, trap[-1], "rejected", "", rejected.get(sample, "")]
        else:
            span = row["lines_low_min"]
            if row["lines_low_min"] != row["lines_low_max"]:
                span += f" to {row['lines_low_max']}"
            cells = [sample, trap[-1], row["pattern"].replace("_", " "), span, row["reasons"].replace(";", "\n")]
        table.add_row(*[Text(cell) for cell in cells])
    return table


def worked_record(traps: Sequence[Sequence[str]], sample: str) -> dict[str, Any]:
    """Return a trap row as a record."""
    row = dict(zip(HEADER, next(trap for trap in traps if trap[0] == sample), strict=True))
    record: dict[str, Any] = {"age": f"{row['Age']} {row['Age unit']}", "sex": row["Sex"]}
    for analyte, cell, unit in (
        ("hemoglobin", row["HGB"], row["HGB unit"]),
        ("wbc", row["WBC (10^9/L)"], "10^9/L"),
        ("neutrophils", row["Neutrophils (10^9/L)"], "10^9/L"),
        ("platelets", row["PLT"], row["PLT unit"]),
        ("mcv", row["MCV (fL)"], "fL"),
        ("hematocrit", row["Hct (%)"], "%"),
        ("rbc", row["RBC (10^12/L)"], "10^12/L"),
    ):
        if cell:
            record[analyte] = {"value": cell, "unit": unit}
    return record
