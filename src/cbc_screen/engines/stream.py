"""scan: files of any size, batch by batch, with an account of every row."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbc_screen._version import __version__
from cbc_screen.arrays import release_unused
from cbc_screen.engines.account import Account
from cbc_screen.engines.batch import Layout, ScreenedBatch, empty_table, screen_batch, with_beside
from cbc_screen.engines.beside_flags import BesideFlags, no_rows, placed
from cbc_screen.engines.fingerprint import described_options
from cbc_screen.engines.frames import Engine
from cbc_screen.engines.inputs import Input, expand, files_of, open_inputs
from cbc_screen.engines.journal import JOURNAL, Journal
from cbc_screen.engines.manifest import manifest_text
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.pipeline import Background, in_order, worker_count
from cbc_screen.engines.request import ScanRequest
from cbc_screen.engines.scan_summary import collected_source, summary_of
from cbc_screen.engines.screened_with import UNIT_SUSPECT, chosen, screened_with
from cbc_screen.engines.sex_watch import look_ahead, settled
from cbc_screen.engines.unchanged import InputHashes, require_unchanged
from cbc_screen.engines.unit_watch import Suspect, UnitWatch
from cbc_screen.errors import UsageError, one_line_errors
from cbc_screen.ingest.source import ReadOptions, SourceBatch
from cbc_screen.ingest.spool import is_pipe
from cbc_screen.logs import LOG
from cbc_screen.normalize.columns import number_columns
from cbc_screen.normalize.received import SOURCE_FILE
from cbc_screen.private_files import LOCK, Lock
from cbc_screen.report.fhir_observation import HowScreened, observation_of_row
from cbc_screen.report.flags import with_lists
from cbc_screen.report.layout import layout_of
from cbc_screen.report.table_writer import TableWriter
from cbc_screen.report.writers import FHIR, PART, AtomicFile, FlagWriter, RejectWriter, check_output
from cbc_screen.summary import ScanSummary
from cbc_screen.vocabulary import STANDARD_STREAM

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = ".manifest.json"
Progress = Callable[[int, float], None]
_FORCED = "unit_suspect"  # of a journal: what the scan was run again with


@one_line_errors("the scan")
def scan_file(
    engine: Engine,
    request: ScanRequest,
    opening: Opening,
    progress: Progress | None,
    workers: int | None = None,
    beside: BesideFlags | None = None,
) -> ScanSummary:
    """Scan; see `Screener.scan`. `beside` works out columns that stand beside the flags."""
    began = time.monotonic()
    workers = worker_count() if workers is None else workers
    if workers < 1:
        raise UsageError("workers: give 1 or more, or leave it out")
    # Words take memory: half as many rows in hand take 15 MB less, for a tenth of the time (measured).
    opening = replace(opening, reading=replace(opening.reading, small_batches=not request.packed))
    engine = engine.of(opening)
    names = expand(request.sources)
    _check_paths(request, opening.reading, names)
    with ExitStack() as undo:
        folder = request.file.parent if request.file is not None else None
        notice = partial(progress, 0) if progress is not None else None
        inputs = open_inputs(names, folder, undo, opening, request.keep, notice)
        if not request.received:
            inputs = [replace(entry, numbers=number_columns(entry.plan, engine.knowledge)) for entry in inputs]
        if len(inputs) == 1 and len(inputs[0].files) > 1:
            request = replace(request, keep=tuple(dict.fromkeys([SOURCE_FILE, *request.keep])))
        layout = Layout(request.keep, request.detail, len(inputs) > 1, request.packed, request.received)
        if request.detail and len({frozenset([*entry.plan.analytes, *entry.plan.possible]) for entry in inputs}) > 1:
            raise UsageError("detail: the sources have different results; scan them one by one")
        if beside is not None:
            inputs = beside.choose(engine, inputs)
        ahead = request.resume or request.to_standard_output or beside is not None
        if ahead:
            inputs = look_ahead(engine.knowledge, inputs)
        watch = UnitWatch(engine.knowledge, inputs, opening.accept_units, _forced_before(request))
        if request.to_standard_output or beside is not None:
            watch.look_ahead(frozenset(request.keep))
        run = partial(_run, engine, layout=layout, progress=progress, workers=workers, began=began, beside=beside)
        described = described_options(engine, request, opening, inputs)
        found = run(request, inputs, described, watch=watch, begin=not ahead)
        while not isinstance(found, ScanSummary):  # all rows together say something else than the first ones
            request = replace(request, resume=False)
            if found is not inputs:
                inputs, watch = found, UnitWatch(engine.knowledge, found, opening.accept_units)
            described = described_options(engine, request, opening, inputs)
            found = run(request, inputs, described, watch=watch)
    return found


def _forced_before(request: ScanRequest) -> list[Suspect] | None:
    """Return what a broken scan to the same output had been run again with."""
    if not request.resume or request.file is None:
        return None
    noted = Journal.fingerprint(request.file).get(_FORCED)
    return None if noted is None else [{name: tuple(files) for name, files in own.items()} for own in noted]


def _run(
    engine: Engine,
    request: ScanRequest,
    inputs: list[Input],
    described: Mapping[str, Any],
    layout: Layout,
    progress: Progress | None,
    workers: int,
    began: float,
    watch: UnitWatch,
    begin: bool = False,
    beside: BesideFlags | None = None,
) -> ScanSummary | list[Input]:
    """Scan once; or return how the inputs are to be read, and no output has its name.

    Where it is to `begin`, it gives up after one batch already that says otherwise.
    """
    with ExitStack() as undo:
        outputs = _Outputs(engine, request, inputs, described, watch, undo)
        account = Account()
        if beside is not None:
            account.files[inputs[0].name] = beside.read(engine, watch.batches(frozenset(request.keep)))
        for screened in _screened(engine, request, layout, watch, outputs, workers, beside):
            account.add(screened)
            if begin and (again := settled(engine.knowledge, inputs, account.sex_letters)):
                return again
            begin = False
            outputs.write(screened)
            if progress is not None:
                progress(account.rows_in, screened.share)
        account.check()
        if (again := settled(engine.knowledge, inputs, account.sex_letters)) is not None:
            return again
        if not watch.settle():
            return inputs
        outputs.write_set_aside()
        if account.screened == 0:
            nothing = empty_table(engine, layout, inputs[0].plan, inputs[0].wanted)
            outputs.write_table(with_beside(nothing, None if beside is None else beside.columns, no_rows()))
        summary = summary_of(engine, request, inputs, account, watch, time.monotonic() - began)
        outputs.commit(summary)
    _log(summary)
    return summary


def _log(summary: ScanSummary) -> None:
    """Leave the account in the log: counts alone."""
    LOG.info(
        "scan: %d rows in, %d screened, %d rejected; %d results read, %d used; %.1f s",
        *(summary.rows_in, summary.screened, summary.rejected, summary.results["read"], summary.results["used"]),
        summary.seconds,
    )
    doubts = len(summary.alarms), len(summary.vanished), len(summary.unit_suspect)
    if any(doubts):
        LOG.warning("scan: %d alarms; %d analytes vanished; %d analytes whose unit is doubted", *doubts)


def _screened(
    engine: Engine,
    request: ScanRequest,
    layout: Layout,
    watch: UnitWatch,
    outputs: _Outputs,
    workers: int,
    beside: BesideFlags | None,
) -> Iterator[ScreenedBatch]:
    """Yield what the journal holds of a broken scan, then screen the rest."""
    done = 0
    for screened in outputs.go_on():
        done += 1
        yield screened

    def work(item: tuple[Input, SourceBatch, int]) -> ScreenedBatch:
        entry, batch, first = item
        told = None if beside is None else lambda rows: beside.columns(first + rows)
        screened = screen_batch(engine, layout, entry.plan, batch, entry.name, told)
        if not layout.packed:
            release_unused()  # 45 MB less; a packed scan is small enough, and would take a fifth longer (measured)
        return screened

    rest = islice(placed(watch.batches(frozenset(request.keep))), done, None)
    for screened in in_order(rest, work, workers):
        outputs.note(screened)
        yield screened


def _check_paths(request: ScanRequest, options: ReadOptions, names: list[str]) -> None:
    outputs = [path for path in (request.file, request.rejects, request.summary) if path is not None]
    if not all(path.name for path in outputs):
        raise UsageError("out, rejects and summary must be files, and not a folder")
    if not all(_is_text(str(path)) for path in outputs):
        raise UsageError("out, rejects and summary must have names that are text")
    made = [*outputs, *(path.with_name(path.name + end) for path in outputs for end in (PART, LOCK))]
    if request.file is not None:
        made += [request.file.with_name(request.file.name + end) for end in (JOURNAL, MANIFEST, MANIFEST + PART)]
    read = [*names, *([options.persons] if options.persons is not None else [])]
    named = [os.path.realpath(path) for path in (*map(str, made), *read) if path != STANDARD_STREAM]
    if len(set(named)) != len(named):
        raise UsageError(
            "source, out, rejects and summary must be different files, and none of them one that is written beside out"
        )
    if request.to_standard_output and request.out_format not in ("csv", "ndjson", FHIR):
        raise UsageError("standard output takes out_format csv, ndjson or fhir (--out-format)")
    if request.out_format == FHIR and (request.detail or request.received):
        raise UsageError("FHIR has no place for detail and received; leave them out, or write .parquet")
    if request.follow and (request.packed or request.out_format == FHIR):
        raise UsageError("follow goes with words of flags: leave packed and FHIR out")
    if request.out_table is not None and (request.packed or request.out_format is not None):
        raise UsageError("flags go to a database as readable columns: without packed and out_format")
    if request.packed and (request.detail or request.file is None or request.file.suffix.lower() != ".parquet"):
        raise UsageError("packed flags go to a .parquet file, and without detail")
    if request.resume and request.file is None:
        raise UsageError(
            "resume needs an output file, beside which its journal lies; of a scan to a database that was broken off nothing is "
            "left, so run it again"
        )
    if request.resume and any(name == STANDARD_STREAM or is_pipe(Path(name)) for name in read):
        # What comes through a stream comes once.
        raise UsageError("resume cannot go on with standard input or a named pipe; save it to a file")


def _is_text(name: str) -> bool:
    """Tell whether a name can be written in UTF-8: one of other bytes cannot stand in a manifest."""
    return not any("\ud800" <= character <= "\udfff" or character == "\0" for character in name)


class _Outputs:
    """Every output of a scan; none has its name until all are whole."""

    def __init__(
        self,
        engine: Engine,
        request: ScanRequest,
        inputs: list[Input],
        described: Mapping[str, Any],
        watch: UnitWatch,
        undo: ExitStack,
    ) -> None:
        self._request, self._inputs, self._described, self._watch = request, inputs, described, watch
        self._engine, self._rules = engine, engine.kernel.rules
        self._files = files_of(inputs)
        self._writer: FlagWriter | TableWriter | None = None
        self._rejects: RejectWriter | None = None
        self.summary_of: AtomicFile | None = None
        self._manifest: AtomicFile | None = None
        self._journal: Journal | None = None
        self._hashes: InputHashes | None = None
        metadata = {"cbc_screen": __version__, "data_version": engine.knowledge.data_version, **chosen(engine)}
        if request.received:
            metadata |= screened_with(engine, inputs)
        if request.file is not None:
            names = [[file.name for file in entry.files] for entry in inputs]
            self._journal = Journal(request.file, {"inputs": names, "options": described, _FORCED: watch.forced})
        # A scan broken off between the names of two outputs goes on over the first.
        force = request.force or (request.resume and self._journal is not None and self._journal.exists)
        for output in filter(None, (request.file, request.rejects, request.summary)):
            check_output(output, force=force)
            undo.callback(Lock(output).release)
        undo.push(self._leave_journal)
        self._open(metadata, force, undo)
        self._background = Background()
        undo.callback(self._background.abandon)

    def _open(self, metadata: Mapping[str, str], force: bool, undo: ExitStack) -> None:
        request = self._request
        if request.out is not None:
            words = None if request.packed else partial(with_lists, layout_of(self._rules))
            form = None
            if request.out_format == FHIR:
                own, scheme = self._engine.knowledge, self._rules.scheme
                how = HowScreened(
                    self._engine.ranges, self._rules.definition, scheme.id, scheme.version, own.data_version
                )
                form = partial(observation_of_row, names=own.fhir, how=how, kept=request.keep)
            self._writer = FlagWriter(
                request.out, metadata, words, force=force, out_format=request.out_format, form=form
            )
            undo.callback(self._writer.discard)
        if request.out_table is not None:
            words = partial(with_lists, layout_of(self._rules))
            self._writer = TableWriter(request.out_table, metadata, words)
            undo.callback(self._writer.discard)
        if request.rejects is not None:
            several = sum(len(entry.files) for entry in self._inputs) > 1
            self._rejects = RejectWriter(request.rejects, force=force, file=several)
            undo.callback(self._rejects.discard)
        if request.summary is not None:
            self.summary_of = AtomicFile(request.summary, force=force)
            undo.callback(self.summary_of.close)
        if request.file is not None:
            self._manifest = AtomicFile(request.file.with_name(request.file.name + MANIFEST), force=force)
            undo.callback(self._manifest.close)
        if request.file is not None or request.out_table is not None:
            self._hashes = InputHashes(self._files)
            undo.callback(self._hashes.abandon)

    def _leave_journal(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._journal is not None:
            self._journal.leave(error)

    def go_on(self) -> Iterator[ScreenedBatch]:
        """Yield what the journal holds of a broken scan, or begin one."""
        if self._journal is None or self._hashes is None:
            return
        if self._request.resume:
            yield from self._journal.resume(self._hashes.wait)
        else:
            self._journal.begin()

    def note(self, screened: ScreenedBatch) -> None:
        """Add a batch to the journal, once it is sure of what it was read from."""
        if self._journal is None or self._hashes is None:
            require_unchanged(self._files)  # a file that grows would be read without end
            return
        if not self._journal.knows_inputs and self._hashes.soon:
            self._journal.note_inputs(self._hashes.wait())
        else:
            require_unchanged(self._files)
        self._journal.append(screened)

    def write(self, screened: ScreenedBatch) -> None:
        """Write a batch, the flags in a thread of their own."""
        if self._rejects is not None:
            self._rejects.write(screened.rejected, screened.file)
        if screened.table is not None:
            self.write_table(screened.table, screened.share)

    def write_set_aside(self) -> None:
        """Write the single results that could not be placed: rows of no count, and not lost."""
        if self._rejects is not None:
            for source in filter(None, map(collected_source, self._inputs)):
                self._rejects.write(source.set_aside())

    def write_table(self, table: pa.Table, share: float = 1.0) -> None:
        """Write flags; `share` of all inputs is then read."""
        if self._writer is not None:
            self._background.submit(partial(self._writer.write, table, share))

    def commit(self, summary: ScanSummary) -> None:
        """Finish every output, then give each its name."""
        self._background.finish()
        if self._hashes is None:
            require_unchanged(self._files)
        else:
            self._hashes.check()
        if self._writer is not None and self._watch.metadata:
            self._writer.note({UNIT_SUSPECT: json.dumps(self._watch.metadata)})
        if self._hashes is not None:
            self._write_manifest(manifest_text(self._files, self._hashes.wait(), self._described, summary))
        if self.summary_of is not None:
            self.summary_of.write_text(json.dumps(summary.to_dict(), indent=2) + "\n")
        for output in (self._rejects, self._writer):
            if output is not None:
                output.close()
        rejects = self._rejects.file if self._rejects is not None else None
        flags = self._writer.file if self._writer is not None else None
        whole = [file for file in (rejects, self._manifest, self.summary_of, flags) if file is not None]
        # A database may refuse at the end, and files that are written do not.
        whole.sort(key=lambda file: not isinstance(file, TableWriter))
        for file in whole:
            file.finish()
        for file in whole:
            file.commit()
        if self._journal is not None:
            self._journal.remove()

    def _write_manifest(self, text: str) -> None:
        """Write the manifest beside the flags: a file, or a table."""
        if self._manifest is not None:
            self._manifest.write_text(text)
        elif isinstance(self._writer, TableWriter):
            self._writer.write_manifest(text)
