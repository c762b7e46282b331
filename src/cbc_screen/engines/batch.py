"""One batch of a file: normalized, screened, and its rejected rows set apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen.engines.frames import Engine, result_mask
from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import RejectedRow, SourceBatch
from cbc_screen.normalize.columns import Normalized
from cbc_screen.normalize.plan import Plan
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa

ROW, FILE = "row", "file"


@dataclass(frozen=True, slots=True)
class Layout:
    """What the output has besides the flags: columns kept, details, and the file of a row."""

    keep: tuple[str, ...]
    detail: bool
    file: bool


@dataclass(frozen=True)
class Screened:
    """What became of one batch: its flags, its rejected rows in order, and its counts."""

    rows_in: int
    table: pa.Table | None
    rejected: list[RejectedRow]
    results: Mapping[str, tuple[int, int]]  # results given, and those not used
    share: float
    file: str


def screen_batch(engine: Engine, layout: Layout, plan: Plan, batch: SourceBatch, file: str) -> Screened:
    """Screen one batch; rows without any result are rejected."""
    rows = len(batch.lines)
    rejected = list(batch.rejected)
    columns, lines = batch.columns, batch.lines
    normalized = engine.normalize(columns, rows, plan)
    has_result = result_mask(normalized)
    if not has_result.all():
        empty = np.flatnonzero(~has_result)
        rejected += [RejectedRow(int(lines[i]), Reason.NO_RESULT, batch.content(int(i))) for i in empty]
        rejected.sort(key=lambda row: row.line)
        chosen = np.flatnonzero(has_result)
        columns = {name: array.take(chosen) for name, array in columns.items()}
        lines = lines[chosen]
        normalized = engine.normalize(columns, len(chosen), plan)
    table = None
    if len(lines):
        table = with_keys(engine.flags(normalized, detail=layout.detail), lines, columns, layout, file)
    return Screened(rows + len(batch.rejected), table, rejected, _result_counts(normalized), batch.share, file)


def _result_counts(normalized: Normalized) -> dict[str, tuple[int, int]]:
    high = normalized.batch.high
    return {
        analyte: (int((low == low).sum()), int(((low == 0) & np.isinf(high[analyte])).sum()))
        for analyte, low in normalized.batch.low.items()
    }


def with_keys(
    table: pa.Table, lines: np.ndarray[Any, Any], columns: Mapping[str, Any], layout: Layout, file: str
) -> pa.Table:
    """Put the line of each row, the columns kept, and the file (where there are several) before the flags."""
    import pyarrow as pa

    taken = {ROW, FILE, *table.column_names} if layout.file else {ROW, *table.column_names}
    for place, name in enumerate(layout.keep):
        if name in taken:
            raise UsageError(f"keep: {name!r} is the name of a column of the output; rename it in the source")
        table = table.add_column(place, name, columns[name])
    table = table.add_column(0, ROW, pa.array(lines, type=pa.int64()))
    if layout.file:
        codes = pa.array(np.zeros(len(lines), dtype=np.int32))
        table = table.add_column(0, FILE, pa.DictionaryArray.from_arrays(codes, pa.array([file])))
    return table


def empty_table(engine: Engine, layout: Layout, plan: Plan, wanted: list[str]) -> pa.Table:
    """Return the columns of the output without a row, so that a reader finds what it expects."""
    import pyarrow as pa

    columns = {name: pa.array([], type=pa.string()) for name in wanted}
    flags = engine.flags(engine.normalize(columns, 0, plan), detail=layout.detail)
    return with_keys(flags, np.zeros(0, dtype=np.int64), columns, layout, "")
