"""Arithmetic on sorted arrays whose rows belong to groups that lie together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]
Codes = NDArray[np.int8]


def chosen(truths: Bools, yes: Codes | int, no: Codes | int) -> Codes:
    """Return one code where it is true and another elsewhere.

    Bits are masked, and nothing branches: `np.where`, `code[truths] = yes` and `values[truths]` take ten times as long where
    truths come in no order (1.7 to 5 ns a row).
    """
    code: Codes = no ^ ((yes ^ no) & -truths.view(np.int8))
    return code


def put(codes: Codes, truths: Bools, code: Codes | int) -> None:
    """Write a code where it is true; see `chosen`."""
    codes ^= (codes ^ code) & -truths.view(np.int8)


def is_one_of(codes: NDArray[Any], *wanted: int) -> Bools:
    """Tell which codes are among a few: `np.isin` takes a hundred times as long."""
    found: Bools = codes == wanted[0]
    for code in wanted[1:]:
        found |= codes == code
    return found


def counted(truths: Bools) -> NDArray[np.int32]:
    """Return how many rows up to each one are true; without the type each row is converted by itself."""
    return np.cumsum(truths.view(np.int8), dtype=np.int32)


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
    if len(starts) == len(truths):
        return truths.copy()
    if not truths.any():
        return np.zeros(len(starts), dtype=np.bool_)
    # As bytes: logical_or takes twice as long.
    found: Bools = np.bitwise_or.reduceat(truths.view(np.uint8), starts).view(np.bool_)
    return found


def all_of(truths: Bools, starts: Places) -> Bools:
    """Tell of which groups every row is true."""
    if len(starts) == len(truths):
        return truths.copy()
    if truths.all():
        return np.ones(len(starts), dtype=np.bool_)
    found: Bools = np.bitwise_and.reduceat(truths.view(np.uint8), starts).view(np.bool_)
    return found


def largest(values: NDArray[Any], starts: Places) -> NDArray[Any]:
    """Return the largest of each group, where not all are NaN."""
    return np.fmax.reduceat(values, starts) if len(starts) < len(values) else values.copy()


def smallest(values: NDArray[Any], starts: Places) -> NDArray[Any]:
    """Return the smallest of each group, where not all are NaN."""
    return np.fmin.reduceat(values, starts) if len(starts) < len(values) else values.copy()


def last_known(known: Bools, starts: Places) -> Places:
    """Return for each row the nearest row before it of the same group that is known, or -1."""
    rows = len(known)
    if known.all():
        before = np.arange(-1, rows - 1, dtype=np.intp)
        before[starts] = -1
        return before
    places = np.append(np.intp(-1), np.flatnonzero(known))
    before = places.take(counted(known) - known.view(np.int8))
    before[np.flatnonzero(before < np.repeat(starts, sizes(starts, rows)))] = -1
    return before


def spread(groups: int, of: NDArray[Any], values: NDArray[Any], otherwise: Any) -> NDArray[Any]:
    """Return one value for each of all groups: `values` for the groups `of`, and `otherwise` for the others."""
    if len(of) == groups:  # sorted, and each once: all of them
        return values.copy()
    every = np.full(groups, otherwise, dtype=values.dtype)
    every[of] = values
    return every


@dataclass(frozen=True, eq=False)
class PersonRows:
    """Some of all rows, those of each person together; where persons begin is looked for once.

    `places` are their places among all, and `every` tells that they are all of them: nothing is then copied.
    """

    places: Places
    owner: Ints
    every: bool = False

    @cached_property
    def starts(self) -> Places:
        """The first row of each person."""
        return begins(self.owner)

    @cached_property
    def ends(self) -> Places:
        """The last row of each person."""
        return ends(self.starts, len(self.owner))

    @cached_property
    def sizes(self) -> Ints:
        """How many rows each person has."""
        return sizes(self.starts, len(self.owner))

    @cached_property
    def whose(self) -> Ints:
        """The persons."""
        return self.owner.take(self.starts)

    @cached_property
    def first(self) -> Places:
        """The places of the first rows of persons."""
        return self.places.take(self.starts)

    @cached_property
    def last(self) -> Places:
        """The places of the last rows of persons."""
        return self.places.take(self.ends)

    def take(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return these of the values of all rows."""
        return values if self.every else values.take(self.places)

    def repeat(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a value of each person for each of its rows."""
        return np.repeat(values, self.sizes)
