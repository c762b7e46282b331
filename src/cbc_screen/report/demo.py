"""What the demo prints beside the summary."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from cbc_screen.report.packed import read_batches


def trap_table(flags: Path, rejects: Path, traps: Sequence[Sequence[str]]) -> Table:
    """Return, for each trap of the demo, the answer and the reasons."""
    answers = {row["Sample"]: row for table in read_batches(flags) for row in table.to_pylist()}
    with rejects.open(encoding="utf-8", newline="") as file:
        rejected = {row["content"].split(",")[0]: row["reason"] for row in csv.DictReader(file)}
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("trap", "what it is", "pattern", "lines low", "reasons"):
        table.add_column(name, overflow="fold", no_wrap=name not in ("what it is", "pattern"))
    for trap in traps:
        sample, row = trap[0], answers.get(trap[0])
        if row is None:
            cells = [sample, trap[-1], "rejected", "", rejected.get(sample, "")]
        else:
            span = str(row["lines_low_min"])
            if row["lines_low_min"] != row["lines_low_max"]:
                span += f" to {row['lines_low_max']}"
            cells = [sample, trap[-1], row["pattern"].replace("_", " "), span, row["reasons"].replace(";", "\n")]
        table.add_row(*[Text(cell) for cell in cells])
    return table
