"""Rows whose person allows several keys: the facts for each key, joined (a fact is known where all keys agree).

Rows of few keys, or few rows, are laid out once for each of their keys. Where very many rows have the same keys, a program
is made that has all of these keys in it (`unrolled.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.answers import AnswerPlace
from cbc_screen.kernel.bits import TRUE
from cbc_screen.kernel.columns import ColumnProgram, Inputs, LimitTable, PackedFlags
from cbc_screen.kernel.fact_table import Join, join_of
from cbc_screen.kernel.program import Program
from cbc_screen.kernel.unrolled import unroll

_AT_ONCE = 65_536  # rows, each for some of its keys: fewer cost their dispatch, more their memory (measured)
# To unroll a program takes as long as so many rows do without it; it is made when that has been spent (measured).
_WORTH_UNROLLING = 16_384
_UNROLLED_KEPT = 16  # of each program, and rows of so many sets of keys are counted
_COUNTED = 1_024
_JOINED: Mapping[Join, np.ufunc] = {
    Join.EVERY: np.logical_and,
    Join.SOME: np.logical_or,
    Join.LEAST: np.minimum,
    Join.MOST: np.maximum,
}
Joined = dict[str, NDArray[np.generic] | PackedFlags]


@dataclass(frozen=True)
class Unsure:
    """Rows of a batch, and their keys: a row of keys for each, or one row where all have the same."""

    rows: NDArray[np.intp]
    keys: NDArray[np.intp]

    def told_of_each(self, told: Mapping[str, NDArray[np.bool_]]) -> Mapping[str, NDArray[np.bool_]]:
        """Return what was told of the keys, for every row."""
        return {name: np.broadcast_to(own, len(self.rows)) for name, own in told.items()}


class Joiner:
    """Runs a program of facts for every key of every row, and joins them without unpacking."""

    def __init__(self, program: Program, table: LimitTable, runner: ColumnProgram) -> None:
        self._program, self._table, self._runner = program, table, runner
        self._rows = Counter[tuple[int, ...]]()  # by their keys
        self._of_keys = lru_cache(maxsize=_UNROLLED_KEPT)(self._unroll)
        self._one_at_a_time = Lock()

    def join(self, inputs: Inputs, group: Unsure) -> Joined:
        """Return the joined facts of some rows by name."""
        if len(group.keys) > 1 or len(group.rows) == 1:
            return _row_by_row(self._runner, inputs, group)
        keys = tuple(self._runner.distinct(group.keys[0]))
        if self._are_many(keys, len(group.rows)):
            with self._one_at_a_time:  # two threads would make the same program twice
                own = self._of_keys(keys)
            return own.join(inputs, group.rows)
        return _key_after_key(self._runner, inputs, group, keys)

    def _are_many(self, keys: tuple[int, ...], rows: int) -> bool:
        """Count rows of these keys, and tell whether a program of their own is worth making."""
        if len(self._rows) >= _COUNTED and keys not in self._rows:
            self._rows.clear()
        self._rows[keys] += rows
        return self._rows[keys] >= _WORTH_UNROLLING

    def _unroll(self, keys: tuple[int, ...]) -> _OfKeys:
        made = unroll(self._program, self._table, keys)
        return _OfKeys(ColumnProgram(made.program, self._table), made.flags, made.codes)


@dataclass(frozen=True)
class _OfKeys:
    """A program with some keys in it."""

    runner: ColumnProgram
    flags: tuple[str, ...]
    codes: Mapping[str, tuple[str, ...]]

    def join(self, inputs: Inputs, rows: NDArray[np.intp]) -> Joined:
        """Return the facts of some rows that have these keys."""
        facts = self.runner.run(_taken(inputs, rows), np.zeros(len(rows), dtype=np.intp))
        joined: Joined = {
            name: reduce(_JOINED[join_of(name)], [facts[one] for one in own]) for name, own in self.codes.items()
        }
        always = _always(facts.planes.shape[1])
        for name in self.flags:
            plane = facts.places[name].planes[0]
            joined[name] = always[plane == TRUE] if plane < 0 else PackedFlags(facts.planes[plane])
        return joined


def _row_by_row(runner: ColumnProgram, inputs: Inputs, group: Unsure) -> Joined:
    """Run the facts for rows that each have keys of their own."""
    many, count = group.keys.shape
    padded = np.concatenate([np.arange(many), np.zeros(-many % 8, dtype=np.intp)])
    # Laid out key by key and padded to whole bytes: joining is one operation on the planes of all facts.
    expanded = np.tile(group.rows[padded], count)
    facts = runner.run(_taken(inputs, expanded), group.keys[padded].T.ravel())
    planes = facts.planes.reshape(len(facts.planes), count, len(padded) // 8)
    everywhere, anywhere = np.bitwise_and.reduce(planes, axis=1), np.bitwise_or.reduce(planes, axis=1)
    codes = {name: _joined_codes(name, facts[name], count, many) for name in _codes_of(facts.places)}
    return _together(facts.places, everywhere, anywhere, codes)


def _key_after_key(runner: ColumnProgram, inputs: Inputs, group: Unsure, keys: tuple[int, ...]) -> Joined:
    """Run the facts for some keys after others: rows of the same keys are laid out once for all of them."""
    many = len(group.rows)
    padded = np.concatenate([np.arange(many), np.zeros(-many % 8, dtype=np.intp)])
    together = min(len(keys), max(1, _AT_ONCE // len(padded)))
    taken = _taken(inputs, np.tile(group.rows[padded], together))
    everywhere = anywhere = np.zeros((0, 0), dtype=np.uint8)
    codes: dict[str, Any] = {}
    for start in range(0, len(keys), together):
        # The last keys are filled up with one of them: facts that are joined with themselves stay.
        own = np.resize(np.array(keys[start : start + together], dtype=np.intp), together)
        facts = runner.run(taken, np.repeat(own, len(padded)))
        planes = facts.planes.reshape(len(facts.planes), together, len(padded) // 8)
        every, some = np.bitwise_and.reduce(planes, axis=1), np.bitwise_or.reduce(planes, axis=1)
        found = {name: _joined_codes(name, facts[name], together, many) for name in _codes_of(facts.places)}
        if start:
            every &= everywhere
            some |= anywhere
            found = {name: _JOINED[join_of(name)](own, codes[name]) for name, own in found.items()}
        everywhere, anywhere, codes = every, some, found
    return _together(facts.places, everywhere, anywhere, codes)


def _joined_codes(name: str, column: NDArray[Any], keys: int, rows: int) -> NDArray[Any]:
    """Join a code over keys, laid out one after another and padded."""
    own = column.reshape(keys, -1)[:, :rows]
    joined: NDArray[Any] = _JOINED[join_of(name)].reduce(own, axis=0)
    return joined


def _taken(inputs: Inputs, rows: NDArray[np.intp]) -> Inputs:
    # An interval's ends are one column where no value is inexact, and stay one.
    taken = {id(column): column[rows] for column in inputs.values()}
    return {name: taken[id(column)] for name, column in inputs.items()}


def _codes_of(places: Mapping[str, AnswerPlace]) -> list[str]:
    return [name for name, place in places.items() if place.base is not None]


def _together(
    places: Mapping[str, AnswerPlace],
    everywhere: NDArray[np.uint8],
    anywhere: NDArray[np.uint8],
    codes: Mapping[str, NDArray[np.generic]],
) -> Joined:
    """Return the joined facts by name."""
    always = _always(everywhere.shape[1])
    joined: Joined = dict(codes)
    for name, place in places.items():
        if place.base is not None:
            continue
        plane = place.planes[0]
        if plane < 0:
            joined[name] = always[plane == TRUE]
        else:
            joined[name] = PackedFlags((anywhere if join_of(name) is Join.SOME else everywhere)[plane])
    return joined


def _always(size: int) -> list[PackedFlags]:
    """Return a flag that no row has, and one that every row has."""
    return [PackedFlags(np.full(size, bits, dtype=np.uint8)) for bits in (0, 255)]


def join_expanded(
    runner: ColumnProgram,
    inputs: Inputs,
    expanded: NDArray[np.intp],
    keys: NDArray[np.intp],
    firsts: NDArray[np.intp],
) -> dict[str, NDArray[np.generic]]:
    """Run a program of facts for every key of every row, and join each row's answers."""
    facts = runner.run({name: column[expanded] for name, column in inputs.items()}, keys)
    return {name: _join_column(name, column, firsts) for name, column in facts.items()}


def _join_column(name: str, column: NDArray[np.generic], firsts: NDArray[np.intp]) -> NDArray[np.generic]:
    joined: NDArray[np.generic] = _JOINED[join_of(name)].reduceat(column, firsts)
    return joined
