"""Texts of one length as rows of their signs, and the numbers that digits are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, to_numpy
from cbc_screen.ingest.texts import bytes_of, no_text

if TYPE_CHECKING:
    import pyarrow as pa

_TEN = np.uint8(10)
_LONGEST = 18  # digits of a number that surely fits
NO_NUMBER = -1


def signs_by_length(
    values: pa.StringArray, lengths: Sequence[int]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8]]]:
    """Yield the places of the texts of each of these lengths, and their signs: one row for each place in a text."""
    starts, data = bytes_of(values)
    own = np.diff(starts)
    for length in lengths:
        places = np.flatnonzero(own == length)
        if not len(places):
            continue
        if len(places) == len(own):  # they follow each other, and there is nothing else
            signs = data[starts[0] : starts[-1]].reshape(len(places), length)
        else:
            signs = data[starts[places][:, np.newaxis] + np.arange(length)]
        yield places, np.ascontiguousarray(signs.T)


def are_digits(signs: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which signs are digits."""
    found: NDArray[np.bool_] = (signs - np.uint8(ord("0"))) < _TEN  # what is less wraps around, and is more
    return found


def number(signs: NDArray[np.uint8], places: Sequence[int]) -> NDArray[np.int64]:
    """Return the number that some digits are."""
    found = np.zeros(signs.shape[1], dtype=np.int64)
    for place in places:
        found = found * 10 + (signs[place].astype(np.int64) - ord("0"))
    return found


def whole_numbers(values: pa.StringArray) -> NDArray[np.int64]:
    """Return the number that each text is, written in the one way in which programs write it; else `NO_NUMBER`."""
    found = np.full(len(values), NO_NUMBER, dtype=np.int64)
    for places, signs in signs_by_length(values, range(1, _LONGEST + 1)):
        good = np.logical_and.reduce(are_digits(signs))
        if len(signs) > 1:
            good &= signs[0] != ord("0")
        found[places[good]] = number(signs, range(len(signs)))[good]
    return found


def without_numbers(values: pa.StringArray, numbers: NDArray[np.int64]) -> pa.StringArray:
    """Return the texts that are not numbers; the others become empty."""
    import pyarrow.compute as pc

    return pc.if_else(from_numpy(numbers >= 0), no_text(), values)


def as_written(numbers: pa.Array, texts: pa.StringArray) -> pa.StringArray:
    """Return texts as they were before `without_numbers`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(from_numpy(to_numpy(numbers)[0] < 0), texts, numbers.cast(pa.string()))
