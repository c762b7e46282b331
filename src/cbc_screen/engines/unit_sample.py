"""Rows of a source that are looked at for its units: some of all, and the same ones however it is batched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy
from cbc_screen.engines.unit_suspicion import Rows, rows_of, together
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.columns import normalize_table
from cbc_screen.normalize.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # an odd number: places become numbers that lie evenly in 64 bits


def chosen(rows: int, size: int) -> NDArray[np.intp]:
    """Return the places of the rows that are looked at, of so many rows."""
    if rows <= size:
        return np.arange(rows)
    return np.sort(np.argpartition(_numbers(0, rows), size)[:size])


def _numbers(first: int, rows: int) -> NDArray[np.uint64]:
    """Give rows numbers by their places so that the smallest ones are spread over all of them."""
    with np.errstate(over="ignore"):
        return np.arange(first + 1, first + rows + 1, dtype=np.uint64) * _SPREAD


@dataclass
class _Piece:
    numbers: NDArray[np.uint64]
    columns: dict[str, pa.Array]


class RowSample:
    """The rows of smallest numbers, as they are read: at most `size` of them, twice as many in between."""

    def __init__(self, size: int) -> None:
        self._size, self._limit = size, np.iinfo(np.uint64).max
        self._pieces: list[_Piece] = []
        self._held = 0
        self.rows = 0

    def add(self, columns: Mapping[str, Any], rows: int) -> None:
        """Look at some rows, the next ones of the source."""
        numbers = _numbers(self.rows, rows)
        self.rows += rows
        places = np.flatnonzero(numbers <= self._limit)
        if not len(places):
            return
        if len(places) > self._size:  # more than can be kept of all: the others are not copied
            places = np.sort(places[np.argpartition(numbers[places], self._size - 1)[: self._size]])
        index = from_numpy(places)
        part = {name: _plain(array.take(index)) for name, array in columns.items()}
        self._pieces.append(_Piece(numbers[places], part))
        self._held += len(places)
        if self._held > 2 * self._size:
            self._drop()

    def _drop(self) -> None:
        """Let go of all but the smallest numbers."""
        if self._held <= self._size:
            return
        numbers = np.concatenate([piece.numbers for piece in self._pieces])
        self._limit = int(np.partition(numbers, self._size - 1)[self._size - 1])
        left = []
        for piece in self._pieces:
            places = np.flatnonzero(piece.numbers <= self._limit)
            if len(places):
                index = from_numpy(places)
                columns = {name: array.take(index) for name, array in piece.columns.items()}
                left.append(_Piece(piece.numbers[places], columns))
        self._pieces, self._held = _joined(left), self._size

    def pieces(self) -> list[_Piece]:
        """Return the rows that were kept."""
        self._drop()
        return self._pieces


def read_samples(samples: Sequence[RowSample], plan: Plan, knowledge: Knowledge) -> list[Rows]:
    """Read the rows that were kept of each sample, in the order of their numbers.

    Rows of all samples are read together: reading a few costs as much as reading thousands.
    """
    own = [(number, piece) for number, sample in enumerate(samples) for piece in sample.pieces()]
    parts: list[list[tuple[_Piece, Rows]]] = [[] for _ in samples]
    for alike in _alike([piece for _, piece in own]):
        of = [own[place] for place in alike]
        whole = _together([piece for _, piece in of])
        rows, end = numbers_of(whole.columns, len(whole.numbers), plan, knowledge), 0
        for number, piece in of:
            begin, end = end, end + len(piece.numbers)
            parts[number].append((piece, rows.ordered(np.arange(begin, end))))
    return [_in_order(found) for found in parts]


def _in_order(parts: list[tuple[_Piece, Rows]]) -> Rows:
    if not parts:
        return Rows({}, {}, {})
    # One order, however the source is batched: the last bits of a sum depend on it.
    order = np.argsort(np.concatenate([piece.numbers for piece, _ in parts]))
    return together([rows for _, rows in parts]).ordered(order)


def _alike(pieces: Sequence[_Piece]) -> list[list[int]]:
    """Return the places of the pieces whose columns are of the same types, group by group."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, piece in enumerate(pieces):
        groups.setdefault(tuple(str(array.type) for array in piece.columns.values()), []).append(place)
    return list(groups.values())


def _together(pieces: list[_Piece]) -> _Piece:
    import pyarrow as pa

    if len(pieces) == 1:
        return pieces[0]
    return _Piece(
        np.concatenate([piece.numbers for piece in pieces]),
        {name: pa.concat_arrays([piece.columns[name] for piece in pieces]) for name in pieces[0].columns},
    )


def _joined(pieces: list[_Piece]) -> list[_Piece]:
    """Put pieces together whose columns are of the same types."""
    return [_together([pieces[place] for place in alike]) for alike in _alike(pieces)]


def _plain(array: Any) -> Any:
    """Write a column without its dictionary: each batch may have another one."""
    import pyarrow as pa

    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


def numbers_of(columns: Mapping[str, Any], rows: int, plan: Plan, knowledge: Knowledge) -> Rows:
    """Read the numbers of some rows, and nothing about their persons."""
    results = replace(plan, people={}, findings={}, possible={}, suspect={})
    return rows_of(normalize_table(columns, rows, results, knowledge, use_reported=True), knowledge)


def columns_of(plan: Plan) -> tuple[str, ...]:
    """Return the columns that `numbers_of` reads."""
    return replace(plan, people={}, findings={}, possible={}, suspect={}).columns
