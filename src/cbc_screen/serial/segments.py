"""Arithmetic on sorted arrays whose rows belong to groups that lie together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]


def begins(*keys: NDArray[Any]) -> Places:
    """Return where a new group begins: where any key differs from the row before."""
    rows = len(keys[0])
    if not rows:
        return np.zeros(0, dtype=np.intp)
    new = np.zeros(rows, dtype=np.bool_)
    new[0] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def ends(starts: Places, rows: int) -> Places:
    """Return the last row of each group."""
    return np.append(starts[1:], rows) - 1 if len(starts) else starts


def sizes(starts: Places, rows: int) -> Ints:
    """Return how many rows each group has."""
    return np.diff(np.append(starts, rows)).astype(np.int64)


def summed(values: NDArray[Any], starts: Places) -> NDArray[Any]:
    """Return the sum of each group."""
    if len(starts) == len(values):
        return values.copy()  # each row is a group
    total: NDArray[Any] = np.add.reduceat(values, starts)
    return total


def any_of(truths: Bools, starts: Places) -> Bools:
    """Tell of which groups any row is true."""
    return np.logical_or.reduceat(truths, starts) if len(starts) < len(truths) else truths.copy()


def all_of(truths: Bools, starts: Places) -> Bools:
    """Tell of which groups every row is true."""
    return np.logical_and.reduceat(truths, starts) if len(starts) < len(truths) else truths.copy()


def largest(values: NDArray[Any], starts: Places) -> NDArray[Any]:
    """Return the largest of each group, where not all are NaN."""
    return np.fmax.reduceat(values, starts) if len(starts) < len(values) else values.copy()


def smallest(values: NDArray[Any], starts: Places) -> NDArray[Any]:
    """Return the smallest of each group, where not all are NaN."""
    return np.fmin.reduceat(values, starts) if len(starts) < len(values) else values.copy()


def rank_from_end(starts: Places, rows: int) -> Ints:
    """Return the place of each row in its group counted from the last, from 0."""
    return np.repeat(ends(starts, rows), sizes(starts, rows)) - np.arange(rows, dtype=np.int64)


def last_known(known: Bools, group: NDArray[Any]) -> Places:
    """Return for each row the nearest row before it of the same group that is known, or -1."""
    rows = len(known)
    if not rows:
        return np.zeros(0, dtype=np.intp)
    places = np.where(known, np.arange(rows), -1)
    reached = np.maximum.accumulate(places)
    before = np.append(-1, reached[:-1])
    starts = begins(group)
    first = np.repeat(starts, sizes(starts, rows))
    found: Places = np.where(before >= first, before, -1).astype(np.intp)
    return found


def spread(groups: int, of: NDArray[Any], values: NDArray[Any], otherwise: Any) -> NDArray[Any]:
    """Return one value for each of all groups: `values` for the groups `of`, and `otherwise` for the others."""
    every = np.full(groups, otherwise, dtype=values.dtype)
    every[of] = values
    return every
