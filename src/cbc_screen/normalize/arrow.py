"""Arrow columns as numpy arrays and distinct values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa


def is_number(column: pa.Array) -> bool:
    """Tell whether a column holds plain numbers."""
    import pyarrow.types as types

    return bool(types.is_floating(column.type) or types.is_integer(column.type))


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as texts."""
    import pyarrow as pa
    import pyarrow.types as types

    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if types.is_string(column.type) or types.is_large_string(column.type):
        return column
    return column.cast(pa.string())


def floats(column: pa.Array) -> NDArray[np.float64]:
    """Return a column of numbers as floats, with NaN for null."""
    import pyarrow as pa

    values: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(values, dtype=np.float64)


def distinct(column: pa.Array) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the distinct values of a column and the place of each row's (-1: null).

    Numbers that came as text stay text; a float is written as Python writes it.
    """
    import pyarrow as pa
    import pyarrow.types as types

    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if types.is_null(column.type):
        return [], np.full(len(column), -1, dtype=np.int64)
    if types.is_decimal(column.type):
        column = column.cast(pa.string())
    encoded = column.dictionary_encode()
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary.to_pylist(), places
