"""Rows whose person allows several keys: the facts for each key, joined (a fact is known where all keys agree)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.answers import AnswerPlace
from cbc_screen.kernel.bits import TRUE
from cbc_screen.kernel.columns import ColumnProgram, Inputs, PackedFlags
from cbc_screen.kernel.fact_table import Join, join_of

_AT_ONCE = 65_536  # rows, each for some of its keys: fewer cost their dispatch, more their memory (measured)
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


def join_packed(runner: ColumnProgram, inputs: Inputs, group: Unsure) -> Joined:
    """Run the facts for every key of every row, and join them without unpacking."""
    if len(group.keys) == 1 and len(group.rows) > 1:
        return _key_after_key(runner, inputs, group)
    many, count = group.keys.shape
    padded = np.concatenate([np.arange(many), np.zeros(-many % 8, dtype=np.intp)])
    # Laid out key by key and padded to whole bytes: joining is one operation on the planes of all facts.
    expanded = np.tile(group.rows[padded], count)
    facts = runner.run(_taken(inputs, expanded), group.keys[padded].T.ravel())
    planes = facts.planes.reshape(len(facts.planes), count, len(padded) // 8)
    everywhere, anywhere = np.bitwise_and.reduce(planes, axis=1), np.bitwise_or.reduce(planes, axis=1)
    codes = {name: _joined_codes(name, facts[name], count, many) for name in _codes_of(facts.places)}
    return _together(facts.places, everywhere, anywhere, codes)


def _key_after_key(runner: ColumnProgram, inputs: Inputs, group: Unsure) -> Joined:
    """Run the facts for some keys after others: rows of the same keys are laid out once for all of them."""
    many, keys = len(group.rows), runner.distinct(group.keys[0])
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
    size = everywhere.shape[1]
    always = [PackedFlags(np.full(size, bits, dtype=np.uint8)) for bits in (0, 255)]
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
