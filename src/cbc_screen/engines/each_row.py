"""What became of each row of a source, batch by batch and as it is asked for, for whoever filters it on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen.arrays import dictionary, from_numpy, from_texts
from cbc_screen.engines.account import Account
from cbc_screen.engines.batch import FILE, ROW, Layout, ScreenedBatch, screen_batch
from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.frames import Engine, screen_frame
from cbc_screen.engines.inputs import Input, files_of, open_inputs, sheets_left
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.outcomes import RowOutcome, rejected_rows, schema_of, screened_rows
from cbc_screen.engines.pipeline import in_order, worker_count
from cbc_screen.engines.sex_watch import doubts, look_ahead
from cbc_screen.engines.unchanged import require_unchanged
from cbc_screen.engines.unit_watch import UnitWatch
from cbc_screen.errors import one_line_errors
from cbc_screen.ingest.source import RejectedRow, SourceBatch
from cbc_screen.logs import warn
from cbc_screen.normalize.columns import number_columns
from cbc_screen.normalize.received import SOURCE_FILE
from cbc_screen.report.flags import with_lists
from cbc_screen.report.layout import layout_of
from cbc_screen.vocabulary import LIST_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class RowsAsked:
    """Which files, and which of their columns go along with the flags."""

    names: tuple[str, ...]
    keep: tuple[str, ...] = ()


def row_schema(engine: Engine, asked: RowsAsked, opening: Opening) -> pa.Schema:
    """Return the columns: file, row, those kept (as texts), the flags, and why a row has none."""
    import pyarrow as pa

    places = [pa.field(FILE, pa.string()), pa.field(ROW, pa.int64())]
    kept = [pa.field(name, pa.string()) for name in asked.keep]
    none = pa.table({"hemoglobin": pa.array([], pa.string())})
    bare = replace(opening, columns={}, reading=replace(opening.reading, profile=None))
    return schema_of(pa.schema([*places, *kept]), screen_frame(engine, none, bare, detail=False).schema)


def each_row(
    engine: Engine, asked: RowsAsked, opening: Opening, schema: pa.Schema, wanted: Collection[str]
) -> Iterator[pa.Table]:
    """Yield what became of every row in the order of the source, in the columns of `schema` that are wanted.

    The source is read ahead for its letters for sex and doubtful units, as where a scan writes to standard output:
    what is given cannot be taken back. Where all of it is asked for, every row is accounted for.
    """
    import pyarrow as pa

    own = pa.schema([field for field in schema if field.name in wanted])
    batches = _screened(engine.of(opening), asked, opening)
    listed = not set(LIST_COLUMNS).isdisjoint(own.names)
    layout = layout_of(engine.kernel.rules)
    while (screened := _next(batches)) is not None:
        if screened.table is not None:
            # Words for the checklist cost more than all others.
            table = with_lists(layout, screened.table) if listed else screened.table
            yield screened_rows(own, _with_file(table, screened.file))
        for outcome, rows in ((RowOutcome.REJECTED, screened.rejected), (RowOutcome.SET_ASIDE, screened.aside)):
            if rows:
                yield rejected_rows(own, outcome, rows, _places(rows, screened.file))


@dataclass(frozen=True)
class _Outcome:
    """What became of a batch; `aside` are single results that could not be placed."""

    file: str
    table: pa.Table | None
    rejected: Sequence[RejectedRow] = ()
    aside: Sequence[RejectedRow] = ()


@one_line_errors("the scan")
def _next(batches: Iterator[_Outcome]) -> _Outcome | None:
    return next(batches, None)


def _screened(engine: Engine, asked: RowsAsked, opening: Opening) -> Iterator[_Outcome]:
    with ExitStack() as undo:
        opening = replace(opening, reading=replace(opening.reading, small_batches=True))
        inputs = [
            replace(entry, numbers=number_columns(entry.plan, engine.knowledge))
            for entry in open_inputs(asked.names, None, undo, opening, asked.keep)
        ]
        if any(len(entry.files) > 1 for entry in inputs):
            asked = replace(asked, keep=(*asked.keep, SOURCE_FILE))
        inputs = look_ahead(engine.knowledge, inputs)
        watch = UnitWatch(engine.knowledge, inputs, opening.accept_units)
        keep = frozenset(asked.keep)
        watch.look_ahead(keep)
        for name, text in {**doubts(inputs), **watch.sentences(accepted=False)}.items():
            warn(f"{name}: {text}")
        account, work = Account(), partial(_work, engine, asked)
        for screened in in_order(watch.batches(keep), work, worker_count()):
            require_unchanged(files_of(inputs))
            account.add(screened)
            yield _Outcome(screened.file, screened.table, screened.rejected)
        for entry in inputs:
            if isinstance(entry.source, CollectedSource):
                yield _Outcome(entry.name, None, aside=list(entry.source.set_aside()))
        account.check()
        for text in (*account.otherwise(inputs), *account.worse_files(inputs), *sheets_left(inputs)):
            warn(text)
        require_unchanged(files_of(inputs))


def _work(engine: Engine, asked: RowsAsked, item: tuple[Input, SourceBatch]) -> ScreenedBatch:
    entry, batch = item
    keep = tuple(name for name in asked.keep if name != SOURCE_FILE or len(entry.files) > 1)
    return screen_batch(engine, Layout(keep, detail=False, file=False), entry.plan, batch, entry.name)


def _with_file(table: pa.Table, file: str) -> pa.Table:
    """Say of each row which file it is of; of collected results each has its own."""
    if SOURCE_FILE in table.column_names:
        places = [FILE if name == SOURCE_FILE else name for name in table.column_names]
        return table.rename_columns(places)
    return table.append_column(FILE, dictionary(np.zeros(len(table), dtype=np.int32), [file]))


def _places(rows: Sequence[RejectedRow], file: str) -> dict[str, Any]:
    lines = np.array([row.line for row in rows], dtype=np.int64)
    return {FILE: from_texts([row.file or file for row in rows]), ROW: from_numpy(lines)}
