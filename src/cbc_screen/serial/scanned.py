"""The rows of a scan with what changed since the person's count before, in bounded memory.

Every row is read once before it is screened: its columns go to the part of its person, on the disk where they are many.
Part by part persons are followed as in a frame, and what is told of each row is kept in a file without a name, in the order
of the rows: codes of some thirty bytes a row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, to_numpy
from cbc_screen.collect.spill import Spill
from cbc_screen.engines.frames import Engine, Prepared
from cbc_screen.engines.inputs import Input
from cbc_screen.engines.notation import Notation
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.ingest.source import SourceBatch
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge.serial import load_serial
from cbc_screen.normalize.arrow import as_text, distinct
from cbc_screen.normalize.plan import Plan
from cbc_screen.serial.context import SerialContext
from cbc_screen.serial.follow import analytes_of, context_of, follow_blocks
from cbc_screen.serial.person_frame import PersonFrame, columns_besides, person_frame
from cbc_screen.serial.rows import CountRows, row_columns
from cbc_screen.serial.times import Times, all_at_midnight, as_days, dates_in, no_times, read_clocks

if TYPE_CHECKING:
    import pyarrow as pa

_LINE, _PLACE = "\0line", "\0place"
_TIMES = ("first", "last", "day", "known", "zoned", "to_the_day")
_A_PART = 24 << 20  # bytes of the files for one part of the persons
_FEWEST, _MOST = 4, 512
REASONS = "follow_reasons"


@dataclass
class FollowedRows:
    """What is told of each row of a scan; see `engines.beside_flags`."""

    kernels: Mapping[str, Kernel]
    definition: str
    person: str | None = None
    laboratory: str | None = None
    _besides: tuple[str, str | None, dict[str, str]] | None = field(default=None, init=False)
    _plan: Plan | None = field(default=None, init=False)
    _kept: _Kept | None = field(default=None, init=False)

    def choose(self, engine: Engine, inputs: Sequence[Input]) -> list[Input]:
        """Also read whose each row is, the laboratory, and what keeps changes from being assessed."""
        if len(inputs) != 1:
            raise UsageError(
                "follow goes with one table, or with messages and single results; put tables of the same columns into one"
            )
        [entry] = inputs
        headers = [header for header in entry.source.headers if header]
        self._besides = columns_besides(engine, entry.plan, headers, load_serial(), self.person, self.laboratory)
        self._plan = entry.plan
        column, laboratory, stated = self._besides
        wanted = [*entry.wanted, column, *filter(None, [laboratory]), *stated.values()]
        return [replace(entry, wanted=list(dict.fromkeys(wanted)))]

    def read(self, engine: Engine, batches: Iterable[tuple[Input, SourceBatch]]) -> Notation:
        """Follow every person of the input."""
        parts = _Parts(self._columns)
        try:
            for entry, batch in batches:
                parts.add(entry, batch)
            self._follow(engine, parts)
        finally:
            parts.close()
        return parts.dates

    @property
    def _columns(self) -> tuple[str, str | None, dict[str, str]]:
        assert self._besides is not None
        return self._besides

    def _follow(self, engine: Engine, parts: _Parts) -> None:
        rules = load_serial()
        context = context_of(engine, self.kernels, self.definition)
        assert self._plan is not None
        analytes, told = analytes_of(self._plan, rules), 0
        self._kept = _Kept(parts.rows, analytes, context)
        for number in range(parts.number):
            frame, lines, places = parts.frame(engine, number)
            if frame is None:
                continue
            rows = CountRows(frame, analytes, rules)
            follow_blocks(frame, context, rows.add)
            self._kept.put(places, lines, rows)
            told += len(places)
        if told != parts.rows:
            raise CBCScreenError("rows that were followed are not the rows that were read; nothing was written")

    def columns(self, rows: NDArray[Any]) -> pa.Table:
        """Return what is told of some rows."""
        assert self._kept is not None
        return self._kept.columns(rows)


class _Parts:
    """Rows by the part that their person is in."""

    def __init__(self, besides: tuple[str, str | None, dict[str, str]]) -> None:
        self._person, self._laboratory, self._stated = besides
        self._spill = Spill()
        self.rows, self.number = 0, 0
        self.dates = Notation()  # of collection
        self.plan: Plan | None = None
        self._clocked = False

    def add(self, entry: Input, batch: SourceBatch) -> None:
        """Keep the rows of a batch."""
        import pyarrow as pa

        if self.plan is None:
            self.plan = entry.plan
            self.number = min(max(entry.size // _A_PART, _FEWEST), _MOST)
        rows = len(batch.lines)
        names = [*self.plan.columns, self._person, *filter(None, [self._laboratory]), *self._stated.values()]
        table = {name: _plain(batch.columns[name]) for name in dict.fromkeys(names)}
        times = self._times(table, rows)
        self._clocked |= not all_at_midnight(times)
        words, places = distinct(as_text(table[self._person]))
        part = np.array([*(crc32(str(word).encode("utf-8", "replace")) % self.number for word in words), 0])[places]
        table |= {f"\0{name}": from_numpy(getattr(times, name)) for name in _TIMES}
        table[_LINE] = from_numpy(np.asarray(batch.lines, dtype=np.int64))
        table[_PLACE] = from_numpy(np.arange(self.rows, self.rows + rows, dtype=np.int64))
        whole = pa.record_batch(table)
        order = np.argsort(part, kind="stable")
        ends = np.searchsorted(part[order], np.arange(self.number + 1))
        for own in range(self.number):
            these = order[ends[own] : ends[own + 1]]
            if len(these):
                self._spill.add(own, whole.take(from_numpy(these.astype(np.int64))))
        self.rows += rows

    def _times(self, table: Mapping[str, pa.Array], rows: int) -> Times:
        assert self.plan is not None
        name = self.plan.people.get("collected_at")
        if name is None:
            return no_times(rows)
        date_format = self.plan.declared.date_format_of("collected_at")
        times = read_clocks(table[name], date_format)
        self.dates.add({"collected_at": dates_in(table[name], times, date_format)})
        return times

    def frame(self, engine: Engine, number: int) -> tuple[PersonFrame | None, NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of a part as a frame understood, with their lines and their places; lets go of them."""
        import pyarrow as pa

        none = np.zeros(0, dtype=np.int64)
        batches = self._spill.take(number)
        if not batches or self.plan is None:
            return None, none, none
        table = _together(batches)
        arrays = {name: table.column(name).combine_chunks() for name in table.column_names}
        arrays = {n: a.chunk(0) if isinstance(a, pa.ChunkedArray) else a for n, a in arrays.items()}
        times = Times(*(to_numpy(arrays[f"\0{name}"])[0] for name in _TIMES))
        ready = Prepared(engine, self.plan, {name: arrays[name] for name in self.plan.columns}, len(table))
        source = person_frame(
            ready,
            arrays[self._person],
            times if self._clocked else as_days(times),
            {own: arrays[name] for own, name in self._stated.items()},
            arrays[self._laboratory] if self._laboratory else None,
        )
        return source, to_numpy(arrays[_LINE])[0], to_numpy(arrays[_PLACE])[0]

    def close(self) -> None:
        self._spill.close()


def _plain(column: pa.Array) -> pa.Array:
    """Return a column without a dictionary, which a batch on the disk does not bring along."""
    import pyarrow as pa

    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column


def _together(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Put batches together; a column that is of two types is written as texts."""
    import pyarrow as pa

    kinds: dict[str, set[pa.DataType]] = {}
    for batch in batches:
        for own in batch.schema:
            kinds.setdefault(own.name, set()).add(own.type)
    tables = []
    for batch in batches:
        columns = {
            name: as_text(batch.column(name)) if len(kinds[name]) > 1 else batch.column(name)
            for name in batch.schema.names
        }
        tables.append(pa.table(columns))
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()


class _Kept:
    """What is told of each row, by its place: codes in a file that has no name."""

    def __init__(self, rows: int, analytes: Sequence[str], context: SerialContext) -> None:
        self._analytes, self._context = analytes, context
        kinds = [(f"change{place}", "i1") for place in range(len(analytes))]
        kinds += [("reasons", "u8"), ("checks", "u8"), ("before", "i8")]
        with tempfile.TemporaryFile(prefix="cbc-screen-") as file:  # it lives as long as it is mapped
            self._rows = np.memmap(file, dtype=np.dtype(kinds), mode="w+", shape=max(rows, 1))

    def put(self, places: NDArray[np.int64], lines: NDArray[np.int64], rows: CountRows) -> None:
        """Keep what was told of the rows of a part; the count before is known by its line."""
        for number, name in enumerate(self._analytes):
            self._rows[f"change{number}"][places] = rows.changes[name]
        self._rows["reasons"][places], self._rows["checks"][places] = rows.reasons, rows.guards
        self._rows["before"][places] = np.where(rows.before < 0, -1, lines[np.maximum(rows.before, 0)])

    def columns(self, rows: NDArray[Any]) -> pa.Table:
        """Return the columns of some rows, as `follow` words them."""
        own = self._rows[rows]
        changes = {name: own[f"change{number}"].copy() for number, name in enumerate(self._analytes)}
        parts = (own["before"].copy(), changes, own["checks"].copy(), own["reasons"].copy())
        return row_columns(*parts, self._analytes, self._context.rules, reasons_name=REASONS)
