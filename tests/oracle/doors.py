"""The doors of the product: each takes a slice and gives its answers, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

import cbc_screen as cbc
from oracle.cells import QUANTITIES
from oracle.judge import Judge
from oracle.law import WORDS
from oracle.rows import Slice, columns_of, header
from oracle.tables import read_tables

NEEDED = ("lines_low_min", "lines_low_max", "severity_min", "white_line_basis", "urgency", "reasons")


@cache
def judge_of(definition: str, scheme: str) -> Judge:
    return Judge(read_tables(), definition, scheme)


@cache
def screener_of(definition: str, scheme: str, units: tuple[tuple[str, str], ...] = ()) -> cbc.Screener:
    return cbc.Screener(definition=definition, grading=scheme, units=dict(units) or None)


def options_of(made: Slice) -> dict[str, Any]:
    return {"decimal": ","} if made.decimal == "," else {}


def declared_of(made: Slice) -> tuple[tuple[str, str], ...]:
    """Return the units that are declared for the whole slice, where headers do not have them."""
    if made.layout in ("declared", "comma"):
        return tuple((a, unit) for a, (unit, _) in made.units.items())
    return ()


def plain(table: pa.Table) -> list[dict[str, Any]]:
    """Return the columns that the law looks at, row by row."""
    names = [n for n in table.column_names if n in (*WORDS, *NEEDED) or n.endswith("_state")]
    columns = [table.column(n).to_pylist() for n in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def by_arrow(screener: cbc.Screener, made: Slice) -> list[dict[str, Any]]:
    columns = columns_of(made)
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return plain(screener.screen_frame(table, **options_of(made)))


def by_pandas(screener: cbc.Screener, made: Slice) -> list[dict[str, Any]]:
    """Screen as pandas has it: numbers as numbers where the layout says so, mixed with texts where it must."""
    frame = pd.DataFrame(columns_of(made), dtype=object)
    if made.layout == "numbers":
        for analyte in QUANTITIES:
            name = header(analyte, made)
            if name not in frame:
                continue
            kinds = [row.cells[analyte].kind for row in made.rows]
            plain_cells = np.array([kind in ("plain", "beyond belief") for kind in kinds])
            texts = frame[name]
            frame[name] = [float(t) if p and _is_number(t) else t for t, p in zip(texts, plain_cells, strict=True)]
    return plain(pa.Table.from_pandas(screener.screen_frame(frame, **options_of(made)), preserve_index=False))


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return str(text).isascii()


def answers_of(made: Slice, definition: str, scheme: str, door: str) -> tuple[list[Any], list[dict[str, Any]]]:
    """Judge a slice, and screen it through a door."""
    judge = judge_of(definition, scheme)
    expected = [judge.answers(row.truth) for row in made.rows]
    screener = screener_of(definition, scheme, declared_of(made))
    return expected, DOORS[door](screener, made)


DOORS: dict[str, Any] = {"arrow": by_arrow, "pandas": by_pandas}
Answers = Sequence[dict[str, Any]]
