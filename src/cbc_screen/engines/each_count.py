"""Each count of a source, screened as `scan` does it, with its whole result in place of flags in a file.

Messages of one request are few: nothing is written, and every result is at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from cbc_screen.arrays import rows_of
from cbc_screen.engines.batch import ROW, Layout, screen_batch
from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.frames import Engine
from cbc_screen.engines.inputs import Input, files_of, open_inputs
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.rescreen import Screening
from cbc_screen.engines.sex_watch import look_ahead
from cbc_screen.engines.unchanged import require_unchanged
from cbc_screen.engines.unit_watch import UnitWatch
from cbc_screen.errors import CBCScreenError, one_line_errors
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.normalize.received import RECEIVED, SOURCE_FILE, declared_again, declared_of, record_of
from cbc_screen.normalize.record import RecordNormalizer
from cbc_screen.report.flags import with_lists
from cbc_screen.report.layout import layout_of
from cbc_screen.result import ScreeningResult

_WITH_CELLS = Layout(keep=(), detail=False, file=False, received=True)


@dataclass(frozen=True, slots=True)
class ScreenedCount:
    """One count of a source: its line, whose it is ("" where nothing says so), and the result."""

    line: int
    person: str = field(repr=False)
    result: ScreeningResult


@dataclass(frozen=True, slots=True)
class ScreenedCounts:
    """What became of a source: `rows_in == len(counts) + rejected_rows`.

    Attributes
    ----------
    counts : tuple of ScreenedCount
        In the order of the source.
    rejected : tuple of RejectedRow
        Rows that could not be screened, and single results that belong to no count, with their reasons.
    rejected_rows : int
        How many of `rejected` are whole rows.
    results : mapping
        The account of single results, where the source is one of them.
    suspect_units : mapping of analyte to why its unit is doubted
        Their results were not used.
    """

    counts: tuple[ScreenedCount, ...]
    rejected: tuple[RejectedRow, ...] = field(repr=False)
    rows_in: int
    rejected_rows: int
    results: Mapping[str, Any]
    suspect_units: Mapping[str, str]


@one_line_errors("the screening")
def screen_counts(screener: Screening, engine: Engine, names: tuple[str, ...], opening: Opening) -> ScreenedCounts:
    """Screen every count of files; see `Screener.screen_each`."""
    engine = engine.of(opening)
    counts: list[ScreenedCount] = []
    rejected: list[RejectedRow] = []
    rows_in, results = 0, {}
    with ExitStack() as undo:
        inputs = look_ahead(engine.knowledge, open_inputs(names, None, undo, opening))
        watch = UnitWatch(engine.knowledge, inputs, opening.accept_units)
        watch.look_ahead(frozenset())  # a whole result cannot be taken back either
        for entry, batch in watch.batches(frozenset()):
            require_unchanged(files_of(inputs))
            screened = screen_batch(engine, _WITH_CELLS, entry.plan, batch, entry.name)
            rows_in += screened.rows_in
            rejected += screened.rejected
            if screened.table is not None:
                counts += _whole_results(screener, engine, entry, screened.table)
        rejected_rows = len(rejected)
        for entry in inputs:
            if isinstance(entry.source, CollectedSource):
                rejected += entry.source.set_aside()
                results = entry.source.result_counts.to_dict()
        watch.settle()
        suspect = watch.sentences(accepted=False)
    if rows_in != len(counts) + rejected_rows:
        raise CBCScreenError("rows read are not rows screened and rejected; please report this")
    return ScreenedCounts(tuple(counts), tuple(rejected), rows_in, rejected_rows, results, suspect)


def _whole_results(screener: Screening, engine: Engine, entry: Input, table: Any) -> Iterator[ScreenedCount]:
    """Screen the rows of a batch from their cells as received; the flags must be those of the batch."""
    declared = declared_again(declared_of(entry.plan))
    normalizers: dict[frozenset[str], RecordNormalizer] = {}
    for row in rows_of(with_lists(layout_of(engine.kernel.rules), table)):
        record, person = record_of(row[RECEIVED], engine.knowledge)
        files = entry.plan.suspect.items()
        suspect = frozenset(analyte for analyte, own in files if not own or row.get(SOURCE_FILE) in own)
        if suspect not in normalizers:
            normalizers[suspect] = RecordNormalizer(engine.knowledge, declared, suspect)
        result = screener.screen_declared(record, normalizers[suspect])
        if any(row[name] != flag for name, flag in result.flags().items()):
            raise CBCScreenError(f"row {row[ROW]}: alone it is not what it is among the others; please report this")
        yield ScreenedCount(row[ROW], person, result)
