"""scan: a file of any size, batch by batch, with an account of every row."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen._version import __version__
from cbc_screen.engines.frames import Engine, require_analyte, result_mask
from cbc_screen.engines.pipeline import Background, in_order, worker_count
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.ingest.open import open_source
from cbc_screen.ingest.source import ReadOptions, RejectedRow, SourceBatch
from cbc_screen.normalize.columns import Normalized
from cbc_screen.normalize.plan import Declared, Plan, make_plan
from cbc_screen.report.writers import AtomicFile, FlagWriter, RejectWriter
from cbc_screen.summary import AnalyteCount, ScanSummary
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa

ROW = "row"
Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class ScanRequest:
    """What to scan and where to write."""

    source: Path
    out: Path | None
    rejects: Path | None
    force: bool
    columns: Mapping[str, str]
    keep: tuple[str, ...]
    detail: bool
    summary: Path | None = None


@dataclass
class _Account:
    """The counts of a scan as it goes."""

    rows_in: int = 0
    screened: int = 0
    rejected: int = 0
    patterns: Counter[str] = field(default_factory=Counter)
    severities: Counter[str] = field(default_factory=Counter)
    urgencies: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)

    def add(self, screened: _Screened) -> None:
        """Count a batch."""
        self.rows_in += screened.rows_in
        self.rejected += len(screened.rejected)
        for row in screened.rejected:
            self.rejects[row.reason.value] += 1
        for analyte, (given, unused) in screened.results.items():
            self.results[analyte] += given
            self.unused[analyte] += unused
        table = screened.table
        if table is None:
            return
        self.screened += len(table)
        for name, counter in (("pattern", self.patterns), ("severity", self.severities), ("urgency", self.urgencies)):
            counter.update(_word_counts(table, name))
        for text, count in _word_counts(table, "reasons").items():
            for reason in filter(None, text.split(";")):
                self.reasons[reason] += count


def _word_counts(table: pa.Table, name: str) -> dict[str, int]:
    """Count the words of a dictionary-coded column; a word that does not occur counts 0."""
    counts: Counter[str] = Counter()
    for chunk in table.column(name).chunks:
        words = chunk.dictionary.to_pylist()
        found = np.bincount(chunk.indices.to_numpy(zero_copy_only=False), minlength=len(words))
        counts.update(dict(zip(words, found.tolist(), strict=True)))
    return dict(counts)


def scan_file(
    engine: Engine,
    request: ScanRequest,
    declared: Declared,
    options: ReadOptions,
    progress: Progress | None,
    workers: int | None = None,
) -> ScanSummary:
    """Scan a file; see `Screener.scan`."""
    began = time.monotonic()
    _check_paths(request)
    source = open_source(request.source, options)
    plan = make_plan(engine.knowledge, [h for h in source.headers if h], declared, request.columns)
    require_analyte(plan)
    for name in request.keep:
        if name not in source.headers:
            raise UsageError(f"keep: there is no column {name!r}")
    wanted = list(dict.fromkeys([*plan.columns, *request.keep]))
    account = _Account()
    with ExitStack() as undo:
        metadata = {"cbc_screen": __version__, "data_version": engine.knowledge.data_version}
        writer = FlagWriter(request.out, metadata, force=request.force) if request.out else None
        rejects = None
        if writer is not None:
            undo.callback(writer.discard)
        if request.rejects is not None:
            rejects = RejectWriter(request.rejects, force=request.force)
            undo.callback(rejects.discard)
        summary_file = None
        if request.summary is not None:
            summary_file = AtomicFile(request.summary, force=request.force)
            undo.callback(summary_file.discard)
        background = Background()
        undo.callback(background.abandon)

        def work(batch: SourceBatch) -> _Screened:
            return _screen_batch(engine, request, plan, batch)

        for screened in in_order(source.batches(wanted, frozenset(request.keep)), work, workers or worker_count()):
            account.add(screened)
            if rejects is not None:
                rejects.write(screened.rejected)
            if writer is not None and screened.table is not None:
                background.submit(partial(writer.write, screened.table))
            if progress is not None:
                progress(account.rows_in, screened.share)
        background.finish()
        if account.rows_in != account.screened + account.rejected:
            raise CBCScreenError("rows in are not rows screened plus rows rejected; nothing was written")
        if writer is not None and account.screened == 0:
            _write_empty(engine, request, plan, wanted, writer)
        for output in (rejects, writer):
            if output is not None:
                output.close()
                output.commit()
        summary = _summary(engine, request, plan, account, time.monotonic() - began)
        if summary_file is not None:
            summary_file.part.write_text(json.dumps(summary.to_dict(), indent=2) + "\n", encoding="utf-8")
            summary_file.commit()
        undo.pop_all()
    return summary


def _check_paths(request: ScanRequest) -> None:
    given = (request.source, request.out, request.rejects, request.summary)
    named = [path.resolve() for path in given if path is not None]
    if len(set(named)) != len(named):
        raise UsageError("source, out, rejects and summary must be different files")


@dataclass(frozen=True)
class _Screened:
    """What became of one batch: its flags, its rejected rows in order, and its counts."""

    rows_in: int
    table: pa.Table | None
    rejected: list[RejectedRow]
    results: Mapping[str, tuple[int, int]]  # results given, and those not used
    share: float


def _screen_batch(engine: Engine, request: ScanRequest, plan: Plan, batch: SourceBatch) -> _Screened:
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
        table = _with_keys(engine.flags(normalized, detail=request.detail), lines, columns, request.keep)
    return _Screened(rows + len(batch.rejected), table, rejected, _result_counts(normalized), batch.share)


def _result_counts(normalized: Normalized) -> dict[str, tuple[int, int]]:
    high = normalized.batch.high
    return {
        analyte: (int((low == low).sum()), int(((low == 0) & np.isinf(high[analyte])).sum()))
        for analyte, low in normalized.batch.low.items()
    }


def _with_keys(
    table: pa.Table, lines: np.ndarray[Any, Any], columns: Mapping[str, Any], keep: tuple[str, ...]
) -> pa.Table:
    import pyarrow as pa

    taken = {ROW, *table.column_names}
    for place, name in enumerate(keep):
        if name in taken:
            raise UsageError(f"keep: {name!r} is the name of a column of the output; rename it in the source")
        table = table.add_column(place, name, columns[name])
    return table.add_column(0, ROW, pa.array(lines, type=pa.int64()))


def _write_empty(engine: Engine, request: ScanRequest, plan: Plan, wanted: list[str], writer: FlagWriter) -> None:
    """Write a file with the columns and no row, so that a reader finds what it expects."""
    import pyarrow as pa

    columns = {name: pa.array([], type=pa.string()) for name in wanted}
    normalized = engine.normalize(columns, 0, plan)
    table = engine.flags(normalized, detail=request.detail)
    writer.write(_with_keys(table, np.zeros(0, dtype=np.int64), columns, request.keep))


def _summary(engine: Engine, request: ScanRequest, plan: Plan, account: _Account, seconds: float) -> ScanSummary:
    analytes = {
        analyte: AnalyteCount(
            column=entry.column,
            unit=entry.unit
            or (f"in column {entry.unit_column}" if entry.unit_column else None)
            or plan.declared.unit(engine.knowledge, analyte)
            or "in the cell, or missing",
            results=account.results[analyte],
            used=account.results[analyte] - account.unused[analyte],
            not_used=account.unused[analyte],
        )
        for analyte, entry in plan.analytes.items()
    }
    return ScanSummary(
        source=request.source.name,
        out=request.out.name if request.out else None,
        rejects_file=request.rejects.name if request.rejects else None,
        rows_in=account.rows_in,
        screened=account.screened,
        rejected=account.rejected,
        patterns=dict(account.patterns),
        severities=dict(account.severities),
        urgencies=dict(account.urgencies),
        reasons=dict(account.reasons.most_common()),
        rejects=dict(account.rejects.most_common()),
        analytes=analytes,
        people=dict(plan.people),
        refused_columns=dict(plan.refused),
        ignored_columns=plan.ignored,
        definition=engine.kernel.rules.definition,
        grading=engine.kernel.rules.scheme.id,
        ranges=engine.ranges,
        data_version=engine.knowledge.data_version,
        code_version=__version__,
        seconds=seconds,
    )
