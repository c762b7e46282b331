"""Counts that were collected in columns and others, together in the order of the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy
from cbc_screen.collect.simple_groups import Segment, as_texts
from cbc_screen.normalize.gathered import CollectedCount

if TYPE_CHECKING:
    import pyarrow as pa

Placed = tuple[int, CollectedCount]  # a count, and the line that decides its place


@dataclass(frozen=True)
class Piece:
    """Some of the groups of a segment that follow each other."""

    segment: Segment
    start: int
    end: int

    @property
    def lines(self) -> NDArray[np.int64]:
        """The first line of each group."""
        return self.segment.lines[self.start : self.end]

    def person(self, name: str) -> pa.Array:
        """Return a column about the persons, or when the results were taken."""
        return self._cut(self.segment.person(name))

    def of_analyte(self, analyte: int, part: str) -> pa.Array:
        """Return the values of an analyte, or what stands beside them."""
        return self._cut(self.segment.column(analyte, part))

    def _cut(self, column: pa.Array) -> pa.Array:
        return column.slice(self.start, self.end - self.start)

    def cut(self, place: int) -> tuple[Piece, Piece]:
        """Part it in two."""
        return Piece(self.segment, self.start, self.start + place), Piece(self.segment, self.start + place, self.end)


@dataclass(frozen=True)
class Mixed:
    """Some counts in order: those collected in columns, the others, and the lines that decide their places."""

    simple: Piece | None
    placed: list[Placed]

    @property
    def counts(self) -> list[CollectedCount]:
        """Those that were not collected in columns."""
        return [count for _, count in self.placed]

    def __len__(self) -> int:
        return len(self.placed) + (len(self.simple.lines) if self.simple is not None else 0)

    def _order(self) -> NDArray[np.int64] | None:
        """Return the order of the two, one behind the other; None where there is but one of them."""
        if self.simple is None or not self.placed:
            return None
        lines = np.append([line for line, _ in self.placed], self.simple.lines)
        return np.argsort(lines, kind="stable")

    def together(
        self, careful: Callable[[list[CollectedCount]], pa.Array], simple: Callable[[Piece], pa.Array]
    ) -> pa.Array:
        """Put a column of both in order; each is made by its own function."""
        import pyarrow as pa

        if self.simple is None:
            return careful(self.counts)
        order = self._order()
        if order is None:
            return simple(self.simple)
        both = careful(self.counts), simple(self.simple)
        return pa.concat_arrays([both[0], as_texts(both[1])]).take(from_numpy(order))

    def lines(self, of_simple: Callable[[Piece], NDArray[np.int64]] | None = None) -> NDArray[np.int64]:
        """Return the line of each count; of those collected in columns it is what decides their places, or `of_simple`."""
        own = np.array([count.line for _, count in self.placed], dtype=np.int64)
        if self.simple is None:
            return own
        order = self._order()
        both = np.append(own, self.simple.lines if of_simple is None else of_simple(self.simple))
        return both if order is None else both[order]

    def which(self, row: int) -> CollectedCount | list[int]:
        """Return a count, or the lines of the results of one that was collected in columns."""
        order = self._order()
        place = row if order is None else int(order[row])
        if place < len(self.placed):
            return self.placed[place][1]
        assert self.simple is not None
        return self.simple.segment.lines_of(self.simple.start + place - len(self.placed))


def mixed(segments: Iterator[Segment], placed: Iterator[Placed], at_once: int) -> Iterator[Mixed]:
    """Yield all counts in order, at most twice as many at once, and at least one part, which may be empty."""
    waiting: list[Placed] = list(islice(placed, at_once))
    given = False
    for piece in _pieces(segments, at_once):
        rest = piece
        while len(rest.lines):
            last = int(rest.lines[-1])
            own = [one for one in waiting if one[0] < last]
            if len(own) == len(waiting) == at_once:
                now, rest = rest.cut(int(np.searchsorted(rest.lines, own[-1][0])))
            else:
                now, rest = rest.cut(len(rest.lines))
            waiting = [*waiting[len(own) :], *islice(placed, len(own))]
            yield Mixed(now if len(now.lines) else None, own)
            given = True
    while waiting:
        yield Mixed(None, waiting)
        given = True
        waiting = list(islice(placed, at_once))
    if not given:
        yield Mixed(None, [])


def _pieces(segments: Iterator[Segment], at_once: int) -> Iterator[Piece]:
    for segment in segments:
        for start in range(0, len(segment.lines), at_once):
            yield Piece(segment, start, min(start + at_once, len(segment.lines)))
