"""The recipes of docs/recipes.md, run as they stand there on the counts of this folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from door_counts import OPTIONS, rows

import cbc_screen as cbc

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
FILE = "counts.parquet"


def code_of(section: str) -> str:
    """Return the Python of a section of the page; "" is what stands above the first."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    sections = {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    return "\n".join(re.findall(r"```python\n(.*?)```", sections[section], re.DOTALL))


def run(section: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a recipe beside a file of the counts, each of whose analytes may stand in odd units, and return its names."""
    pq.write_table(rows(), folder / FILE)
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(code_of(""), names)  # noqa: S102
    assert isinstance(names["lab"], cbc.Source)
    names["lab"] = names["lab"].with_options(**OPTIONS)
    exec(code_of(section), names)  # noqa: S102
    return names
