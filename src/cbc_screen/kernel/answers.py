"""The answers of a program for many rows, packed eight rows to a byte, unpacked when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.bits import FALSE, TRUE

Planes = NDArray[np.uint8]
MAY_LIST = "may_list"  # the flag of a row that may have a checklist
_NARROW = np.iinfo(np.int8)
_BYTES_AT_ONCE = 8_192  # of each plane: bounds the memory
# How eight bytes of eight bits are turned over: swap single bits, then pairs, then nibbles.
_TURNS = ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0))


@dataclass(frozen=True, slots=True)
class AnswerPlace:
    """Where an answer lies: rows of the matrix of planes (or FALSE, TRUE), and the code's base.

    `base` is None for a flag.
    """

    base: int | None
    planes: tuple[int, ...]


@dataclass(eq=False)
class Answers(Mapping[str, NDArray[np.generic]]):
    """Answers by name: flags as booleans, codes as small integers, numbers as floats.

    `planes` has a row for each distinct bit. `others` holds rows that were worked out apart,
    with their answers; they take the place of what `planes` says of them. `later` works out the
    checklist of some rows: most rows have none.
    """

    rows: int
    places: Mapping[str, AnswerPlace]
    planes: Planes
    floats: dict[str, NDArray[np.float64]]
    others: list[tuple[NDArray[np.intp], Answers]] = field(default_factory=list)
    later: Callable[[NDArray[np.intp]], Answers] | None = None

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        column = self._own(name)
        for rows, answers in self.others:
            column[rows] = answers[name]
        return column

    def __iter__(self) -> Iterator[str]:
        yield from self.places
        yield from self.floats

    def __len__(self) -> int:
        return len(self.places) + len(self.floats)

    @cached_property
    def lists(self) -> tuple[NDArray[np.intp], Answers]:
        """The rows that may have a checklist, and what it is made from."""
        rows = np.flatnonzero(self[MAY_LIST])
        assert self.later is not None
        return rows, self.later(rows)

    def fired(self, names: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """Return the rows in which some flag is set, in order, and those flags, eight to a byte, the first lowest."""
        flags = self._eights(names)
        found = np.flatnonzero(np.bitwise_or.reduce(flags))
        return found, np.ascontiguousarray(flags[:, found].T)

    def _eights(self, names: Sequence[str]) -> NDArray[np.uint8]:
        """Return flags eight to a byte: a column for each row, a row for each eight flags."""
        eights = np.zeros((-(-len(names) // 8), self.planes.shape[1], 8), dtype=np.uint8)
        for at, name in enumerate(names):
            plane = self.places[name].planes[0]
            if plane != FALSE:
                eights[at >> 3, :, at & 7] = 0xFF if plane == TRUE else self.planes[plane]
        flags = turned(eights)[:, : self.rows]
        for rows, answers in self.others:
            flags[:, rows] = answers._eights(names)
        return flags

    def is_set(self, name: str) -> bool:
        """Tell whether a flag may be set in some row; of what was not asked it is not."""
        place = self.places.get(name)
        plane = FALSE if place is None else place.planes[0]
        own = plane == TRUE if plane < 0 else self._some[plane]
        return own or any(answers.is_set(name) for _, answers in self.others)

    @cached_property
    def _some(self) -> list[bool]:
        """Whether each plane has a bit: one call for all of them, eight rows at once."""
        some: list[bool] = (self.planes.max(axis=1, initial=0) > 0).tolist()
        return some

    def codes(self, names: Sequence[str]) -> NDArray[np.int16]:
        """Return many codes at once, a row for each row and a column for each name."""
        codes = np.empty((self.rows, len(names)), dtype=np.int16)
        for start in range(0, self.rows, 8 * _BYTES_AT_ONCE):
            part = codes[start : start + 8 * _BYTES_AT_ONCE]
            part[:] = self._codes(names, slice(start // 8, start // 8 + _BYTES_AT_ONCE))[:, : len(part)].T
        for rows, answers in self.others:
            codes[rows] = answers.codes(names)
        return codes

    def _codes(self, names: Sequence[str], part: slice) -> NDArray[np.int16]:
        # Eight planes of a code are turned into bytes at once: unpacking plane by plane took twice the time.
        planes = self.planes[:, part]
        bits = np.zeros((2, len(names), planes.shape[1], 8), dtype=np.uint8)
        bases = np.zeros((len(names), 1), dtype=np.int16)
        for row, name in enumerate(names):
            place = self.places[name]
            bases[row] = (place.base or 0) + sum(1 << at for at, plane in enumerate(place.planes) if plane == TRUE)
            for at, plane in enumerate(place.planes):
                if plane >= 0:
                    bits[at >> 3, row, :, at & 7] = planes[plane]
        low, high = turned(bits)
        found: NDArray[np.int16] = high.astype(np.int16)
        found <<= np.int16(8)
        found |= low
        found += bases
        return found

    def _own(self, name: str) -> NDArray[np.generic]:
        if name in self.floats:
            return self.floats[name]
        place = self.places[name]
        if place.base is None:
            return self._bits(place.planes[0]).view(np.bool_)
        most = place.base + (1 << len(place.planes)) - 1
        wide = place.base < _NARROW.min or most > _NARROW.max
        column: NDArray[Any] = np.full(self.rows, place.base, dtype=np.int16 if wide else np.int8)
        for position, plane in enumerate(place.planes):
            bits = self._bits(plane)
            column += bits.astype(np.int16) << position if wide else (bits << np.uint8(position)).view(np.int8)
        return column

    def _bits(self, plane: int) -> NDArray[np.uint8]:
        if plane in (FALSE, TRUE):
            return np.full(self.rows, plane == TRUE, dtype=np.uint8)
        return np.unpackbits(self.planes[plane], count=self.rows)


def turned(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn eight bytes, one of each of eight planes (the last axis, the lowest plane first), into those of eight rows."""
    words = bits.view("<u8")[..., 0]
    moved = np.empty_like(words)
    for shift, mask in _TURNS:
        np.right_shift(words, np.uint64(shift), out=moved)
        moved ^= words
        moved &= np.uint64(mask)
        words ^= moved
        moved <<= np.uint64(shift)
        words ^= moved
    # The highest bit of a packed byte is its first row.
    words.byteswap(inplace=True)
    return words.view(np.uint8)
