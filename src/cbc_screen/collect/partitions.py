"""Rows apart by their persons, so that each part fits in memory, in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, to_numpy
from cbc_screen.collect.spill import Spill
from cbc_screen.ingest.texts import bytes_of, taken

if TYPE_CHECKING:
    import pyarrow as pa

ROWS, FACTS = "rows", "facts"
AT_ONCE = 1 << 19  # rows that are parted at once
PART_ROWS = 1_000_000  # of one part, as far as can be foreseen
_MOST_PARTS = 512
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # an odd number: numbers near each other go to all parts


@dataclass
class Partitions:
    """Rows of two kinds, of results and of what is known of persons; both are parted alike."""

    spill: Spill = field(default_factory=Spill)
    part_rows: int = field(default_factory=lambda: PART_ROWS)
    parts: int = 0  # none as long as everything may fit in one
    _waiting: dict[str, list[pa.RecordBatch]] = field(default_factory=lambda: {ROWS: [], FACTS: []})
    rows: int = 0

    def add(self, kind: str, batch: pa.RecordBatch, share: float) -> None:
        """Take some rows; `share` says how much of the source has been read, 0 to 1."""
        own = self._waiting[kind]
        own.append(batch)
        self.rows += len(batch) if kind == ROWS else 0
        held = sum(map(len, own))
        if held >= (min(AT_ONCE, self.part_rows) if self.parts else self.part_rows):
            if not self.parts:
                foreseen = self.rows / max(share, 0.001)
                self.parts = min(max(2, int(foreseen / self.part_rows) + 1), _MOST_PARTS)
            self._part(kind)

    def _part(self, kind: str) -> None:
        """Put the rows that wait into their parts."""
        import pyarrow as pa

        waiting = self._waiting[kind]
        if not waiting:
            return
        batch = pa.Table.from_batches(waiting).combine_chunks().to_batches()[0]
        waiting.clear()
        parts = _parts_of(batch, self.parts)
        order = np.argsort(parts, kind="stable")
        ends = np.cumsum(np.bincount(parts, minlength=self.parts)).tolist()
        for part, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            if end > start:
                self.spill.add((kind, part), _rows_of(batch, order[start:end]))

    def each(self) -> Iterator[tuple[pa.Table | None, list[pa.RecordBatch]]]:
        """Yield the rows of each part and what is known of its persons, and let go of them."""
        import pyarrow as pa

        if not self.parts:
            rows, facts = self._waiting[ROWS], self._waiting[FACTS]
            yield pa.Table.from_batches(rows) if rows else None, facts
            return
        self._part(ROWS)
        self._part(FACTS)
        for part in range(self.parts):
            rows = self.spill.take((ROWS, part))
            yield pa.Table.from_batches(rows) if rows else None, self.spill.take((FACTS, part))
        self.spill.close()


def _rows_of(batch: pa.RecordBatch, rows: NDArray[np.intp]) -> pa.RecordBatch:
    """Return some rows; of columns without nulls, of numbers and texts."""
    import pyarrow as pa

    columns = [
        taken(column, rows) if pa.types.is_string(column.type) else from_numpy(to_numpy(column)[0][rows])
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _parts_of(batch: pa.RecordBatch, parts: int) -> NDArray[np.uint16]:
    """Return the part of each row: that of its person, by its number or, where it is none, by its text."""
    numbers = to_numpy(batch.column("number"))[0].view(np.uint64)
    found: NDArray[np.uint16] = (((numbers * _SPREAD) >> np.uint64(32)).astype(np.uint32) % np.uint32(parts)).astype(
        np.uint16
    )
    starts, _ = bytes_of(batch.column("text"))
    if starts[0] != starts[-1]:
        coded = batch.column("text").dictionary_encode()
        # `hash` of a text differs from run to run, and not within one.
        own = np.fromiter((hash(text) % parts for text in coded.dictionary.to_pylist()), dtype=np.uint16)
        found = np.where(to_numpy(batch.column("number"))[0] < 0, own[to_numpy(coded.indices)[0]], found)
    return found
