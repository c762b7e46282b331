"""The inputs of a scan: one file or several, a pattern of names, or standard input."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cbc_screen.engines.frames import require_analyte
from cbc_screen.errors import UsageError
from cbc_screen.ingest.open import open_source
from cbc_screen.ingest.source import ReadOptions, SourceBatch, TableSource
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.plan import Declared, Plan, make_plan
from cbc_screen.vocabulary import STANDARD_STREAM


@dataclass(frozen=True)
class Input:
    """One input: where it lies, what it is called, and what its columns mean."""

    path: Path
    name: str
    size: int
    source: TableSource
    plan: Plan
    wanted: list[str]


def expand(sources: Sequence[str | Path]) -> list[str]:
    """Expand patterns of names, in sorted order; a name that exists is taken as it is."""
    found: list[str] = []
    for source in map(str, sources):
        if source == STANDARD_STREAM or os.path.exists(source) or not glob.has_magic(source):
            found.append(source)
            continue
        names = sorted(glob.glob(source, recursive=True))
        if not names:
            raise UsageError("the source is a pattern that no file matches")
        found += names
    if len(set(found)) != len(found):
        raise UsageError("a source is named twice")
    return found


def spool_standard_input(folder: Path | None, undo: ExitStack) -> Path:
    """Write standard input to a file of its owner only, removed at the end.

    A header is read before the rows, which a stream does not allow.
    """
    handle, name = tempfile.mkstemp(prefix="cbc-screen-", suffix=".input", dir=folder)
    undo.callback(Path(name).unlink, missing_ok=True)
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
    return Path(name)


def open_inputs(
    names: Sequence[str],
    folder: Path | None,
    undo: ExitStack,
    knowledge: Knowledge,
    declared: Declared,
    options: ReadOptions,
    columns: Mapping[str, str],
    keep: Sequence[str],
) -> list[Input]:
    """Open every input and read its header, so that a fault of the last one is told now."""
    inputs = []
    for name in names:
        path = spool_standard_input(folder, undo) if name == STANDARD_STREAM else Path(name)
        try:
            inputs.append(_open(path, name, knowledge, declared, options, columns, keep))
            continue
        except UsageError as problem:
            message = str(problem) if len(names) == 1 else f"{Path(name).name}: {problem}"
        # Outside the except block: nothing of the first error is attached.
        raise UsageError(message)
    return inputs


def _open(
    path: Path,
    name: str,
    knowledge: Knowledge,
    declared: Declared,
    options: ReadOptions,
    columns: Mapping[str, str],
    keep: Sequence[str],
) -> Input:
    source = open_source(path, options)
    plan = make_plan(knowledge, [header for header in source.headers if header], declared, columns)
    require_analyte(plan)
    for column in keep:
        if column not in source.headers:
            raise UsageError(f"keep: there is no column {column!r}")
    wanted = list(dict.fromkeys([*plan.columns, *keep]))
    called = "standard input" if name == STANDARD_STREAM else path.name
    return Input(path, called, path.stat().st_size, source, plan, wanted)


def all_batches(inputs: Sequence[Input], keep: frozenset[str]) -> Iterator[tuple[Input, SourceBatch]]:
    """Yield the batches of every input in order; `share` is that of all inputs together."""
    total = sum(entry.size for entry in inputs) or 1
    before = 0
    for entry in inputs:
        for batch in entry.source.batches(entry.wanted, keep):
            share = (before + batch.share * entry.size) / total
            yield entry, SourceBatch(batch.columns, batch.lines, batch.content, batch.rejected, share)
        before += entry.size
