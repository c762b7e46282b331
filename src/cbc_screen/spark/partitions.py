"""What a worker does with one partition: the batches of a local scan, and an account of every row at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cbc_screen._version import __version__
from cbc_screen.arrays import from_numpy, without_view
from cbc_screen.engines.account import Account
from cbc_screen.engines.batch import ROW, Layout, ScreenedBatch, screen_batch
from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.frames import Engine
from cbc_screen.engines.inputs import open_inputs
from cbc_screen.engines.opening import Opening, opening_of
from cbc_screen.engines.outcomes import RowOutcome, rejected_rows, screened_rows
from cbc_screen.errors import UsageError
from cbc_screen.ingest.parquet import content_of
from cbc_screen.ingest.repeated_header import without_repeated_header
from cbc_screen.ingest.source import SourceBatch
from cbc_screen.normalize.declared import parse_adjust
from cbc_screen.normalize.people import with_sex_letters
from cbc_screen.normalize.plan import Plan
from cbc_screen.report.flags import with_lists
from cbc_screen.report.layout import layout_of
from cbc_screen.screener import Screener
from cbc_screen.source import Source
from cbc_screen.spark.columns import account_row

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 65_536  # screened at once: Spark's own batches are of 10,000
RESULTS, PERSONS, TAG = "results.parquet", "persons.parquet", "cbc_screen_table"
OF_PERSON = "cbc_screen_person "  # before the columns of the persons, in a union with the results
CARRIED = ("person", "collected_at")  # of a count that was collected
_PROFILE = "profile.yaml"


@dataclass(frozen=True)
class Work:
    """What every worker is told.

    `schema` are the columns of the output. `profile` is the text of a profile file of the caller's: its path means nothing elsewhere. `letters` are those for
    sex in all rows, `suspect` the analytes whose unit is doubted: both are questions to the whole source.
    """

    screener: Screener
    source: Source
    plan: Plan | None  # of one count a row; that of results is found where they are collected
    letters: frozenset[str]
    suspect: Mapping[str, tuple[str, ...]]
    described: str
    schema: pa.Schema
    keep: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()  # of the whole frame
    profile: str | None = None

    def engine(self) -> Engine:
        """Return what tables are screened with, the same as where the work was given out."""
        engine = _engine_of(self.screener)
        if described(engine) != self.described:
            raise UsageError(
                "a worker has another version of cbc-screen, of its tables, or of your own files than the driver; install the "
                "same wheel everywhere, and put your own ranges and rules under one path on every machine"
            )
        return engine

    def opening(self, folder: Path) -> Opening:
        """Return how the source is opened; a profile of the caller's is written to a folder, to be read there."""
        source = self.source
        if self.profile is not None:
            named = folder / _PROFILE
            named.write_text(self.profile, encoding="utf-8")
            source = replace(source, profile=str(named))
        return opening_for(self.screener, source)


def opening_for(screener: Screener, source: Source) -> Opening:
    """Return how a source is opened with the units of a screener."""
    return opening_of(
        source, screener.engine.knowledge, units=screener.units, adjust=parse_adjust(screener.adjust_hemoglobin)
    )


def described(engine: Engine) -> str:
    """Say which code and which tables answer, in words that two machines can compare."""
    return f"{__version__} {engine.knowledge.data_version} {engine.described['own_files']}"


@lru_cache(maxsize=4)
def _engine_of(screener: Screener) -> Engine:
    # A worker process serves many partitions: the tables are read once.
    return screener.engine


# One count a row ------------------------------------------------------------------------------


def screen_partition(work: Work, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Screen the rows of a partition, in their order."""
    with TemporaryDirectory(prefix="cbc-screen-") as folder:
        engine = work.engine().of(work.opening(Path(folder)))
    assert work.plan is not None
    plan, account = replace(work.plan, suspect=work.suspect), Account()
    layout = Layout((), detail=False, file=False)
    for table in _together(batches):
        kept = table.select(list(work.keep))
        source = without_repeated_header(_source_batch(table, plan), work.headers)
        screened = screen_batch(engine, layout, plan, source, "")
        account.add(screened)
        yield from _written(engine, work.schema, screened, kept)
    account.check()
    yield from account_row(work.schema, plain_account(account)).to_batches()


def _together(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Put batches together until they are worth their dispatch."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= ROWS:
            yield pa.Table.from_batches(held).combine_chunks()
            held = []
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def _source_batch(table: pa.Table, plan: Plan) -> SourceBatch:
    """Return rows as a reader of files gives them; a line is the place in the table."""
    columns = {name: without_view(whole_column(table.column(name))) for name in plan.columns}
    return SourceBatch(columns, np.arange(len(table), dtype=np.int64), lambda row: content_of(columns, row), (), 1.0)


def whole_column(column: pa.ChunkedArray) -> pa.Array:
    """Return the chunks of a column as one array."""
    import pyarrow as pa

    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def _written(
    engine: Engine, schema: pa.Schema, screened: ScreenedBatch, kept: pa.Table | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield what became of a batch; `kept` are the columns to carry of its rows, by their lines."""
    if screened.table is not None:
        table = with_lists(layout_of(engine.kernel.rules), screened.table)
        if kept is not None:
            for name in kept.column_names:
                table = table.append_column(name, kept.column(name).take(table.column(ROW)))
        yield from screened_rows(schema, table.drop_columns([ROW])).to_batches()
    if screened.rejected:
        lines = from_numpy(np.array([row.line for row in screened.rejected], dtype=np.int64))
        own = {} if kept is None else {name: kept.column(name).take(lines) for name in kept.column_names}
        yield from rejected_rows(schema, RowOutcome.REJECTED, screened.rejected, own).to_batches()


def plain_account(account: Account, results: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an account as plain numbers."""
    counted = {
        name: dict(getattr(account, name)) for name in ("patterns", "severities", "urgencies", "reasons", "rejects")
    }
    whole = {"rows_in": account.rows_in, "screened": account.screened, "rejected": account.rejected}
    return {**whole, **counted, "results": dict(results or {})}


# One result a row -----------------------------------------------------------------------------


def collect_partition(work: Work, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Collect the results of a partition, which has every result of its persons, and screen the counts.

    The rows are kept in a file of the worker's own while they are read, twice where something is doubtful: the
    memory does not depend on them, nor on those of one person.
    """
    with TemporaryDirectory(prefix="cbc-screen-") as name, ExitStack() as undo:
        folder = Path(name)
        opening = work.opening(folder)
        if not write_tables(batches, folder):
            return
        engine = work.engine().of(opening)
        entry = open_collected(opening, folder, undo)
        collected = entry.source
        assert isinstance(collected, CollectedSource)
        plan = replace(with_sex_letters(entry.plan, work.letters, engine.knowledge), suspect=work.suspect)
        layout, account = Layout(CARRIED, detail=False, file=False), Account()
        for batch in collected.batches(list(dict.fromkeys([*plan.columns, *CARRIED])), frozenset(CARRIED)):
            screened = screen_batch(engine, layout, plan, batch, "")
            account.add(screened)
            yield from _written(engine, work.schema, screened)
        aside = list(collected.set_aside())
        if aside:
            yield from rejected_rows(work.schema, RowOutcome.SET_ASIDE, aside).to_batches()
        account.check()
        results = collected.result_counts.to_dict()
        yield from account_row(work.schema, plain_account(account, results)).to_batches()


def open_collected(opening: Opening, folder: Path, undo: ExitStack) -> Any:
    """Open the results of a folder, with the persons that lie beside them."""
    persons = folder / PERSONS
    reading = replace(opening.reading, persons=str(persons) if persons.exists() else None)
    [entry] = open_inputs([str(folder / RESULTS)], None, undo, replace(opening, reading=reading))
    if not isinstance(entry.source, CollectedSource):
        raise UsageError(
            "collect takes a frame of one result a row, with columns for the person, the test and its value; name them with "
            'columns={"person": ..., "name": ..., "value": ...} or a profile; for one count a row use screen'
        )
    return entry


def write_tables(batches: Iterator[pa.RecordBatch], folder: Path) -> bool:
    """Write the results of a partition, and the persons among them, to files; tell whether there are results."""
    with _Table(folder / RESULTS) as results, _Table(folder / PERSONS) as persons:
        for batch in batches:
            if TAG not in batch.schema.names:
                results.write(batch)
                continue
            of_persons = batch.column(batch.schema.names.index(TAG))
            for table, own in ((results, False), (persons, True)):
                names = [name for name in batch.schema.names if name != TAG and name.startswith(OF_PERSON) is own]
                part = batch.filter(_is(of_persons, own)).select(names)
                table.write(part.rename_columns([name.removeprefix(OF_PERSON) for name in names]))
        return results.begun


class _Table:
    """A Parquet file that is there once it has a row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    @property
    def begun(self) -> bool:
        """Whether it has a row."""
        return self._writer is not None

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        import pyarrow.parquet as pq

        if not len(batch):
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, batch.schema, compression="lz4")
        self._writer.write_batch(batch)


def _is(column: pa.Array, value: bool) -> pa.Array:
    import pyarrow.compute as pc

    return pc.equal(column, value)
