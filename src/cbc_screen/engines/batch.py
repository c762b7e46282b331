"""One batch of a file: normalized, screened, and its rejected rows set apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen.arrays import dictionary, from_numpy, from_texts, with_wide_codes
from cbc_screen.engines.frames import Engine, refused_rows
from cbc_screen.engines.notation import Cells, count_cells
from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import RejectedRow, SourceBatch
from cbc_screen.kernel.answers import Answers
from cbc_screen.normalize.arrow import as_text, distinct
from cbc_screen.normalize.codes import NO_REASON, REASONS
from cbc_screen.normalize.columns import Normalized
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.received import RECEIVED, SOURCE_FILE, received_rows
from cbc_screen.report.flags import flag_counts
from cbc_screen.report.layout import layout_of
from cbc_screen.report.packed import pack

if TYPE_CHECKING:
    import pyarrow as pa

ROW, FILE = "row", "file"
Beside = Callable[[Any], Any]  # places of rows to an Arrow table


@dataclass(frozen=True, slots=True)
class Layout:
    """What the output is: columns kept, details, the file of a row, its cells as received, packed or not."""

    keep: tuple[str, ...]
    detail: bool
    file: bool
    packed: bool = False
    received: bool = False


@dataclass(frozen=True)
class ScreenedBatch:
    """What became of one batch: its flags, its rejected rows in order, and its counts."""

    rows_in: int
    table: pa.Table | None
    rejected: list[RejectedRow]
    cells: Mapping[str, Cells]  # by file
    counts: Mapping[str, Mapping[str, int]]  # rows by pattern, severity, urgency and reason
    share: float
    file: str
    sex_letters: frozenset[str] = frozenset()  # letters for sex that its rows have


def screen_batch(
    engine: Engine, layout: Layout, plan: Plan, batch: SourceBatch, file: str, beside: Beside | None = None
) -> ScreenedBatch:
    """Screen one batch; rows without any result, or of another specimen than a patient's blood, are rejected.

    `beside` gives the columns that stand beside the flags of some of its rows.
    """
    rows = len(batch.lines)
    rejected = list(batch.rejected)
    columns, lines = batch.columns, batch.lines
    normalized = engine.normalize(columns, rows, plan)
    letters = normalized.sex_letters
    refused, chosen = refused_rows(normalized), np.arange(rows)
    if refused is not None:
        some = np.flatnonzero(refused != NO_REASON).tolist()
        rejected += [RejectedRow(int(lines[i]), REASONS[refused[i]], batch.content(i)) for i in some]
        rejected.sort(key=lambda row: row.line)
        chosen = np.flatnonzero(refused == NO_REASON)
        places = from_numpy(chosen)
        columns = {name: array.take(places) for name, array in columns.items()}
        lines = lines[chosen]
        normalized = engine.normalize(columns, len(chosen), plan)
    table, counts = None, {}
    if len(lines):
        answers = engine.kernel.screen(normalized.batch)
        counts = flag_counts(layout_of(engine.kernel.rules), answers, normalized.reasons)
        table = _table(engine, layout, normalized, answers, key_columns(lines, columns, layout, plan, file))
        table = with_beside(table, beside, chosen)
    cells = _cells(normalized, columns, file)
    return ScreenedBatch(rows + len(batch.rejected), table, rejected, cells, counts, batch.share, file, letters)


def with_beside(table: pa.Table, beside: Beside | None, rows: np.ndarray[Any, Any]) -> pa.Table:
    """Return a table of flags with the columns that stand beside them."""
    if beside is None:
        return table
    columns = beside(rows)
    for name in columns.column_names:
        if name in table.column_names:
            raise UsageError(f"keep: {name!r} is the name of a column of the output; rename it in the source")
        table = table.append_column(name, columns.column(name))
    return table


def _cells(normalized: Normalized, columns: Mapping[str, Any], file: str) -> dict[str, Cells]:
    """Count the cells of each file that the rows are of."""
    if SOURCE_FILE not in columns:
        return {file: count_cells(normalized)}
    files, places = distinct(as_text(columns[SOURCE_FILE]))
    return {name: count_cells(normalized, places == place) for place, name in enumerate(files)}


def _table(engine: Engine, layout: Layout, normalized: Normalized, answers: Answers, keys: pa.Table) -> pa.Table:
    taken = layout_of(engine.kernel.rules).column_names
    flags = None if layout.packed else engine.table(normalized, answers, detail=layout.detail, lists=False)
    for name in keys.column_names:
        if name in taken or (flags is not None and name in flags.column_names):
            raise UsageError(f"keep: {name!r} is the name of a column of the output; rename it in the source")
    if flags is None:
        return pack(layout_of(engine.kernel.rules), answers, normalized.reasons, keys)
    for place, name in enumerate(keys.column_names):
        flags = flags.add_column(place, name, keys.column(name))
    return flags


def key_columns(
    lines: np.ndarray[Any, Any], columns: Mapping[str, Any], layout: Layout, plan: Plan, file: str
) -> pa.Table:
    """Return what stands before the flags: the file (of several), the line, the columns kept, the row as received."""
    import pyarrow as pa

    keys: dict[str, pa.Array] = {}
    if layout.file:
        keys[FILE] = dictionary(np.zeros(len(lines), dtype=np.int32), [file])
    keys[ROW] = from_numpy(lines)
    for name in layout.keep:
        if name in keys or name == FILE:
            raise UsageError(f"keep: {name!r} is the name of a column of the output; rename it in the source")
        keys[name] = with_wide_codes(columns[name])
    if layout.received:
        if RECEIVED in keys:
            raise UsageError(f"keep: {RECEIVED!r} is the name of a column of the output; rename it in the source")
        keys[RECEIVED] = from_texts(received_rows(columns, plan))
    return pa.table(keys)


def empty_table(engine: Engine, layout: Layout, plan: Plan, wanted: list[str]) -> pa.Table:
    """Return the columns of the output without a row, so that a reader finds what it expects."""
    columns = {name: from_texts([]) for name in wanted}
    normalized = engine.normalize(columns, 0, plan)
    keys = key_columns(np.zeros(0, dtype=np.int64), columns, layout, plan, "")
    return _table(engine, layout, normalized, engine.kernel.screen(normalized.batch), keys)
