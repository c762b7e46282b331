"""scan: files of any size, batch by batch, with an account of every row."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbc_screen._version import __version__
from cbc_screen.arrays import release_unused
from cbc_screen.engines.account import Account
from cbc_screen.engines.batch import Layout, Screened, empty_table, screen_batch
from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.frames import Engine
from cbc_screen.engines.inputs import Input, expand, open_inputs
from cbc_screen.engines.journal import Journal
from cbc_screen.engines.manifest import InputHashes, manifest_text
from cbc_screen.engines.monitor import vanished
from cbc_screen.engines.pipeline import Background, in_order, worker_count
from cbc_screen.engines.rescreen import UNIT_SUSPECT, screened_with
from cbc_screen.engines.unit_watch import Suspect, UnitWatch
from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import ReadOptions, SourceBatch
from cbc_screen.normalize.collect import ResultCounts
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.received import SOURCE_FILE
from cbc_screen.report.writers import AtomicFile, FlagWriter, RejectWriter
from cbc_screen.summary import AnalyteCount, ScanSummary
from cbc_screen.vocabulary import STANDARD_STREAM

if TYPE_CHECKING:
    import pyarrow as pa

_NAMED = 100  # names that a summary lists, the most frequent ones
Progress = Callable[[int, float], None]
_FORCED = "unit_suspect"  # of a journal: what the scan was run again with


@dataclass(frozen=True)
class ScanRequest:
    """What to scan and where to write; `sources` may hold patterns and "-", `out` may be "-"."""

    sources: tuple[str, ...]
    out: Path | None
    rejects: Path | None
    force: bool
    columns: Mapping[str, str]
    keep: tuple[str, ...]
    detail: bool
    summary: Path | None = None
    out_format: str | None = None
    resume: bool = False
    packed: bool = False
    received: bool = False
    previous: Mapping[str, int] | None = None  # results by analyte of the scan before
    accept_units: frozenset[str] = frozenset()  # analytes whose unit is believed as it is read

    @property
    def to_standard_output(self) -> bool:
        """Whether the flags go to standard output."""
        return self.out is not None and str(self.out) == STANDARD_STREAM

    @property
    def file(self) -> Path | None:
        """The file of flags, where there is one."""
        return None if self.to_standard_output else self.out


def scan_file(
    engine: Engine,
    request: ScanRequest,
    declared: Declared,
    options: ReadOptions,
    progress: Progress | None,
    workers: int | None = None,
) -> ScanSummary:
    """Scan; see `Screener.scan`."""
    began = time.monotonic()
    workers = worker_count() if workers is None else workers
    if workers < 1:
        raise UsageError("workers: give 1 or more, or leave it out")
    # Words take memory: half as many rows in hand take 15 MB less, for a tenth of the time (measured).
    options = replace(options, small_batches=not request.packed)
    names = expand(request.sources)
    _check_paths(request, names)
    with ExitStack() as undo:
        folder = request.file.parent if request.file is not None else None
        notice = partial(progress, 0) if progress is not None else None
        inputs = open_inputs(
            names, folder, undo, engine.knowledge, declared, options, request.columns, request.keep, notice
        )
        if len(inputs) == 1 and len(inputs[0].files) > 1:
            request = replace(request, keep=tuple(dict.fromkeys([SOURCE_FILE, *request.keep])))
        layout = Layout(request.keep, request.detail, len(inputs) > 1, request.packed, request.received)
        if request.detail and len({frozenset([*entry.plan.analytes, *entry.plan.possible]) for entry in inputs}) > 1:
            raise UsageError("detail: the sources have different results; scan them one by one")
        watch = UnitWatch(engine.knowledge, inputs, request.accept_units, _forced_before(request))
        if request.to_standard_output:
            watch.look_ahead(frozenset(request.keep))
        run = partial(_run, engine, layout=layout, inputs=inputs, declared=declared, watch=watch, progress=progress)
        summary = run(request, workers=workers, began=began)
        while summary is None:  # all rows together say something else of a unit than the first ones
            request = replace(request, resume=False)
            summary = run(request, workers=workers, began=began)
    return summary


def _forced_before(request: ScanRequest) -> list[Suspect] | None:
    """Return what a broken scan to the same output had been run again with."""
    if not request.resume or request.file is None:
        return None
    noted = Journal.fingerprint(request.file).get(_FORCED)
    return None if noted is None else [{name: tuple(files) for name, files in own.items()} for own in noted]


def _run(
    engine: Engine,
    request: ScanRequest,
    layout: Layout,
    inputs: list[Input],
    declared: Declared,
    watch: UnitWatch,
    progress: Progress | None,
    workers: int,
    began: float,
) -> ScanSummary | None:
    """Scan once; None, and no output has its name, where the units of all rows together look otherwise."""
    with ExitStack() as undo:
        outputs = _Outputs(engine, request, inputs, declared, watch, undo)
        account = Account()
        for screened in _screened(engine, request, layout, watch, outputs.journal, workers):
            account.add(screened)
            outputs.write(screened)
            if progress is not None:
                progress(account.rows_in, screened.share)
        account.check()
        if not watch.settle():
            return None
        outputs.write_set_aside()
        if account.screened == 0:
            outputs.write_table(empty_table(engine, layout, inputs[0].plan, inputs[0].wanted))
        summary = _summary(engine, request, inputs, account, watch, time.monotonic() - began)
        outputs.commit(summary)
    return summary


def _screened(
    engine: Engine, request: ScanRequest, layout: Layout, watch: UnitWatch, journal: Journal | None, workers: int
) -> Iterator[Screened]:
    """Yield what the journal holds of a broken scan, then screen the rest."""
    done = 0
    if journal is not None and request.resume:
        for screened in journal.resume():
            done += 1
            yield screened
    elif journal is not None:
        journal.begin()

    def work(item: tuple[Input, SourceBatch]) -> Screened:
        entry, batch = item
        screened = screen_batch(engine, layout, entry.plan, batch, entry.name)
        if not layout.packed:
            release_unused()  # 45 MB less; a packed scan is small enough, and would take a fifth longer (measured)
        return screened

    rest = islice(watch.batches(frozenset(request.keep)), done, None)
    for screened in in_order(rest, work, workers):
        if journal is not None:
            journal.append(screened)
        yield screened


def _check_paths(request: ScanRequest, names: list[str]) -> None:
    given = [*names, request.out, request.rejects, request.summary]
    named = [Path(path).resolve() for path in given if path is not None and str(path) != STANDARD_STREAM]
    if len(set(named)) != len(named):
        raise UsageError("source, out, rejects and summary must be different files")
    if not all(_is_text(str(path)) for path in (request.out, request.rejects, request.summary)):
        raise UsageError("out, rejects and summary must have names that are text")
    if request.to_standard_output and request.out_format not in ("csv", "ndjson"):
        raise UsageError("standard output takes out_format csv or ndjson (--out-format)")
    if request.packed and (request.detail or request.file is None or request.file.suffix.lower() != ".parquet"):
        raise UsageError("packed flags go to a .parquet file, and without detail")
    if request.resume and request.file is None:
        raise UsageError("resume needs an output file: its journal lies beside it")
    if request.resume and STANDARD_STREAM in names:
        # Another stream of the same length could not be told from the first.
        raise UsageError("resume cannot go on with standard input; save it to a file")


def _is_text(name: str) -> bool:
    """Tell whether a name can be written in UTF-8: one of other bytes cannot stand in a manifest."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


class _Outputs:
    """Every output of a scan; none has its name until all are whole."""

    def __init__(
        self,
        engine: Engine,
        request: ScanRequest,
        inputs: list[Input],
        declared: Declared,
        watch: UnitWatch,
        undo: ExitStack,
    ) -> None:
        self._engine, self._request, self._inputs, self._declared = engine, request, inputs, declared
        self._watch = watch
        self._writer: FlagWriter | None = None
        self._rejects: RejectWriter | None = None
        self._summary: AtomicFile | None = None
        self._manifest: AtomicFile | None = None
        self.journal: Journal | None = None
        metadata = {"cbc_screen": __version__, "data_version": engine.knowledge.data_version}
        if request.received:
            metadata |= screened_with(engine, inputs)
        if request.file is not None:
            self.journal = Journal(request.file, self._fingerprint())
            undo.push(self._leave_journal)
        # A scan broken off between the names of two outputs goes on over the first.
        force = request.force or (request.resume and self.journal is not None and self.journal.exists)
        if request.out is not None:
            self._writer = FlagWriter(request.out, metadata, force=force, out_format=request.out_format)
            undo.callback(self._writer.discard)
        if request.rejects is not None:
            self._rejects = RejectWriter(
                request.rejects, force=force, file=sum(len(entry.files) for entry in inputs) > 1
            )
            undo.callback(self._rejects.discard)
        if request.summary is not None:
            self._summary = AtomicFile(request.summary, force=force)
            undo.callback(self._summary.discard)
        if request.file is not None:
            self._manifest = AtomicFile(request.file.with_name(request.file.name + ".manifest.json"), force=force)
            undo.callback(self._manifest.discard)
            self._hashes = InputHashes(inputs)
            undo.callback(self._hashes.abandon)
        self._background = Background()
        undo.callback(self._background.abandon)

    def _leave_journal(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Keep the journal of a scan that was interrupted or had no room; another error would come again."""
        if self.journal is None:
            return
        if kind is not None and issubclass(kind, Exception) and not issubclass(kind, OSError):
            self.journal.remove()
        else:
            self.journal.close()

    def _fingerprint(self) -> dict[str, Any]:
        inputs = [
            [file.name, file.size, file.path.stat().st_mtime_ns] for entry in self._inputs for file in entry.files
        ]
        return {"inputs": inputs, "options": self._options(), _FORCED: self._watch.forced}

    def _options(self) -> dict[str, Any]:
        """Return what decides the answers, in words."""
        return {
            "cbc_screen": __version__,
            "data_version": self._engine.knowledge.data_version,
            **self._engine.described,
            "declared": {**asdict(self._declared), "settings": sorted(self._declared.settings)},
            "columns": dict(self._request.columns),
            "keep": list(self._request.keep),
            "detail": self._request.detail,
            "packed": self._request.packed,
            "received": self._request.received,
            "rejects": self._request.rejects is not None,
            "accept_units": sorted(self._request.accept_units),
        }

    def write(self, screened: Screened) -> None:
        """Write a batch, the flags in a thread of their own."""
        if self._rejects is not None:
            self._rejects.write(screened.rejected, screened.file)
        if screened.table is not None:
            self.write_table(screened.table)

    def write_set_aside(self) -> None:
        """Write the single results that could not be placed: rows of no count, and not lost."""
        if self._rejects is not None:
            for source in filter(None, map(_collected, self._inputs)):
                self._rejects.write(source.set_aside())

    def write_table(self, table: pa.Table) -> None:
        """Write flags."""
        if self._writer is not None:
            self._background.submit(partial(self._writer.write, table))

    def commit(self, summary: ScanSummary) -> None:
        """Finish every output, then give each its name."""
        self._background.finish()
        if self._writer is not None and self._watch.metadata:
            self._writer.note({UNIT_SUSPECT: json.dumps(self._watch.metadata)})
        if self._manifest is not None:
            text = manifest_text(self._inputs, self._hashes.wait(), self._options(), summary)
            self._manifest.part.write_text(text, encoding="utf-8")
        if self._summary is not None:
            self._summary.part.write_text(json.dumps(summary.to_dict(), indent=2) + "\n", encoding="utf-8")
        for output in (self._rejects, self._writer):
            if output is not None:
                output.close()
        for part in (self._rejects, self._manifest, self._summary, self._writer):
            if part is not None:
                part.commit()
        if self.journal is not None:
            self.journal.remove()


def _collected(entry: Input) -> CollectedSource | None:
    return entry.source if isinstance(entry.source, CollectedSource) else None


def _most(counters: Iterable[Counter[str]]) -> dict[str, int]:
    """Return the most frequent names of all."""
    return dict(sum(counters, Counter[str]()).most_common(_NAMED))


def _results(inputs: list[Input], account: Account) -> dict[str, Any]:
    """Return the account of single results: those of tables are the filled cells of their columns."""
    collected = [source.result_counts for source in map(_collected, inputs) if source is not None]
    counts = collected[0] if collected else ResultCounts()
    cells = sum(account.cells[entry.name] for entry in inputs if _collected(entry) is None)
    used = account.results.total() - account.unused.total()
    found = {"read": counts.read + cells, "used": used, "unusable": counts.used + cells - used}
    return {**counts.to_dict(), **found}


def _summary(
    engine: Engine, request: ScanRequest, inputs: list[Input], account: Account, watch: UnitWatch, seconds: float
) -> ScanSummary:
    plan = inputs[0].plan
    for entry in inputs[1:]:
        plan = plan.together(entry.plan)
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
    for analyte, possible in plan.possible.items():
        columns = ", ".join(one.column for one in possible)
        analytes.setdefault(
            analyte,
            AnalyteCount(
                columns,
                "not known",
                account.results[analyte],
                account.results[analyte] - account.unused[analyte],
                account.unused[analyte],
            ),
        )
    expected = {analyte for entry in inputs for analyte in entry.expected}
    return ScanSummary(
        source=", ".join(file.name for entry in inputs for file in entry.files),
        out=request.file.name if request.file else None,
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
        results=_results(inputs, account),
        unit_suspect=watch.sentences(accepted=False),
        unit_accepted=watch.sentences(accepted=True),
        vanished=vanished(expected, account.results, request.previous),
        set_aside=_most(source.possible for source in map(_collected, inputs) if source is not None),
        left_out=_most(source.left_out for source in map(_collected, inputs) if source is not None),
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
