"""follow: a frame of counts -> one row a person, or one row a count with what changed since the one before."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cbc_screen.engines.frames import Engine, prepare
from cbc_screen.engines.notation import Cells, Notation, count_cells
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.read import opening_of_read
from cbc_screen.engines.read import read_counts as read_files
from cbc_screen.errors import one_line_errors
from cbc_screen.ingest.frames import from_arrow, headers, plain_frame
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge.serial import load_serial
from cbc_screen.knowledge.serial_rules import SerialRules
from cbc_screen.normalize.plan import Plan
from cbc_screen.serial.context import SerialContext
from cbc_screen.serial.counts import read_counts
from cbc_screen.serial.people import person_table
from cbc_screen.serial.person_frame import AT_ONCE, NOBODY, PersonFrame, blocks, read_source
from cbc_screen.serial.rows import CountRows
from cbc_screen.serial.segments import Ints, Places
from cbc_screen.serial.series import Followed, follow_block
from cbc_screen.serial.timeline import timeline_of
from cbc_screen.serial.times import dates_in
from cbc_screen.time_course import Timeline

if TYPE_CHECKING:
    import pyarrow as pa

Made = TypeVar("Made")
WITH_HISTORY = "with_history"  # the kernel of the screen's definition that asks for earlier counts


@dataclass(frozen=True)
class FollowRequest:
    """What is asked of a frame: which columns are whose, and which rows are wanted."""

    person: str | None = None
    laboratory: str | None = None
    each_count: bool = False


def follow_frame(
    engine: Engine, kernels: Mapping[str, Kernel], definition: str, frame: Any, opening: Opening, request: FollowRequest
) -> Any:
    """Follow the persons of a frame; see `Screener.follow`.

    `kernels` has one for each definition that the rules name, and for the screen's own.
    """
    source, context = _understood(engine, kernels, definition, frame, opening, request)
    rules, notation = context.rules, Notation()
    if request.each_count:
        rows = CountRows(source, analytes_of(source.ready.plan, rules), rules)
        follow_blocks(source, context, rows.add, notation)
        found = from_arrow(rows.table(), frame)
    else:
        found = from_arrow(follow_source(source, context, notation), frame, same_rows=False)
    _warn_of_notation(source, notation)
    return found


def _warn_of_notation(source: PersonFrame, notation: Notation) -> None:
    ready = source.ready
    if (name := ready.plan.people.get("collected_at")) is not None:
        date_format = ready.plan.declared.date_format_of("collected_at")
        notation.add({"collected_at": dates_in(ready.arrays[name], source.times, date_format)})
    notation.warn(ready.plan)


def follow_source(source: PersonFrame, context: SerialContext, notation: Notation | None = None) -> pa.Table:
    """Return one row a person of a frame understood; `notation` is told how its cells are written."""
    import pyarrow as pa

    tables = list(_each_block(source, context, lambda followed: person_table(followed, context, source), notation))
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks() if tables else _empty(source, context)


@one_line_errors("following")
def follow_files(
    engine: Engine,
    kernels: Mapping[str, Kernel],
    definition: str,
    names: Sequence[str],
    opening: Opening,
    request: FollowRequest,
) -> Any:
    """Follow the persons of files, which are read as frames; see `Screener.follow`."""
    frame = read_files(names, opening)
    read = opening_of_read(opening)
    found = _with_lines(follow_frame(engine, kernels, definition, frame, read, request), frame)
    if request.each_count:
        for place, name in enumerate(own for own in ("file", "row") if own in frame):
            found.insert(place, name, frame[name])
    found.attrs["rejected"] = frame.attrs["rejected"]
    return found


def _with_lines(found: Any, frame: Any) -> Any:
    """Name rows by their lines (and files, of several), as the rows themselves are: a place in what was read is nobody's."""
    for column in [name for name in found.columns if name.endswith("_row")]:
        there, places = found[column].notna(), found[column].fillna(0).astype("int64")
        if "file" in frame:
            found.insert(
                found.columns.get_loc(column),
                f"{column.removesuffix('row')}file",
                frame["file"].iloc[places].set_axis(found.index).where(there),
            )
        found[column] = frame["row"].iloc[places].set_axis(found.index).astype("Int64").where(there)
    return found


def follow_blocks(
    source: PersonFrame, context: SerialContext, work: Callable[[Followed], None], notation: Notation | None = None
) -> None:
    """Follow every block, and do something with each; `notation` is told how its cells are written."""
    for _ in _each_block(source, context, work, notation):
        pass


def _each_block(
    source: PersonFrame, context: SerialContext, work: Callable[[Followed], Made], notation: Notation | None
) -> Iterator[Made]:
    """Follow block after block and work on each; what is made comes in the order of the blocks.

    Blocks share no person and no row, so a few are worked on at once; no more of them are in memory.
    """

    def worked(rows: Places, person: Ints) -> tuple[Made, Cells]:
        followed = _block(source, context, rows, person)
        return work(followed), {} if notation is None else count_cells(followed.counts.normalized)

    def done(future: Future[tuple[Made, Cells]]) -> Made:
        made, cells = future.result()
        if notation is not None:
            notation.add(cells)
        return made

    workers = min(AT_ONCE, os.cpu_count() or 1)
    waiting: deque[Future[tuple[Made, Cells]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for rows, person in _blocks(source):
            waiting.append(pool.submit(worked, rows, person))
            if len(waiting) > workers:
                yield done(waiting.popleft())
        while waiting:
            yield done(waiting.popleft())


def timeline_frame(
    engine: Engine, kernels: Mapping[str, Kernel], definition: str, frame: Any, opening: Opening, request: FollowRequest
) -> Callable[[object, str], Timeline]:
    """Return what makes the timeline of a person and an analyte of a frame; see `Screener.timeline`."""
    source, context = _understood(engine, kernels, definition, frame, opening, request)
    return lambda key, analyte: timeline_of(
        source, context, key, analyte, analytes_of(source.ready.plan, context.rules)
    )


def _understood(
    engine: Engine, kernels: Mapping[str, Kernel], definition: str, frame: Any, opening: Opening, request: FollowRequest
) -> tuple[PersonFrame, SerialContext]:
    rules, frame = load_serial(), plain_frame(frame)
    ready = prepare(engine, frame, opening)
    source = read_source(ready, frame, rules, headers(frame), request.person, request.laboratory)
    return source, context_of(ready.engine, kernels, definition)


def context_of(engine: Engine, kernels: Mapping[str, Kernel], definition: str) -> SerialContext:
    """Return what persons are told by, with the kernels of `Screener.follow_kernels`."""
    return SerialContext(load_serial(), kernels, definition, engine.knowledge.definitions, kernels[WITH_HISTORY])


def analytes_of(plan: Plan, rules: SerialRules) -> list[str]:
    """Return the analytes of a plan whose variation is known; neutrophils also where a differential gives them."""
    there = set(plan.analytes)
    if {"wbc", "neutrophils_percent"} <= there:
        there.add("neutrophils")
    return [name for name in rules.variation if name in there]


def _blocks(source: PersonFrame) -> Iterator[tuple[Places, Ints]]:
    """Yield the blocks of persons; the rows that no person is named for come last."""
    yield from blocks(source)
    rows = np.flatnonzero(source.person == NOBODY)
    if len(rows):
        yield rows, np.full(len(rows), NOBODY, dtype=np.int64)


def _block(source: PersonFrame, context: SerialContext, rows: Places, person: Ints) -> Followed:
    nobody = bool(len(person)) and bool(person[0] == NOBODY)
    counts = read_counts(source, rows, person, context.kernels[context.definition], nobody=nobody)
    return follow_block(counts, source, context.rules, analytes_of(source.ready.plan, context.rules), np.unique(person))


def _empty(source: PersonFrame, context: SerialContext) -> pa.Table:
    none = np.zeros(0, dtype=np.int64)
    return person_table(_block(source, context, none.astype(np.intp), none), context, source)
