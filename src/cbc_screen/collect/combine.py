"""Distinct combinations of columns that are coded each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LARGEST_TABLE = 1 << 20  # of combinations that could be, beyond which sorting is cheaper


class Combined(NamedTuple):
    """The combination of each row, and the first row of each."""

    codes: NDArray[np.int64]
    first: NDArray[np.int64]


def combine(rows: int, columns: Sequence[tuple[NDArray[np.int32] | NDArray[np.int64], int]]) -> Combined:
    """Return the combinations of columns, each given as codes and how many different ones there may be."""
    codes, size = np.zeros(rows, dtype=np.int64), min(rows, 1)
    for own, many in columns:
        if many == 1:
            continue
        codes = codes * many + own
        size *= many
        if size <= _LARGEST_TABLE:
            used = np.zeros(size, dtype=np.bool_)
            used[codes] = True
            codes, size = (np.cumsum(used) - 1)[codes], int(used.sum())
        else:
            distinct, codes = np.unique(codes, return_inverse=True)
            codes, size = codes.ravel().astype(np.int64), len(distinct)
    first = np.zeros(size, dtype=np.int64)
    first[codes[::-1]] = np.arange(rows - 1, -1, -1)  # what is written last stays: the first row
    return Combined(codes, first)
