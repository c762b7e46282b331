"""Arrow columns as numpy arrays and distinct values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

_LONGEST_NUMBER = 24
_PLAIN_NUMBER = r"^[0-9]{1,15}(\.[0-9]{1,8})?$"


def is_number(column: pa.Array) -> bool:
    """Tell whether a column holds plain numbers."""
    import pyarrow.types as types

    return bool(types.is_floating(column.type) or types.is_integer(column.type))


def _comparable(column: pa.Array) -> pa.Array:
    """Undo what wraps a column, and write kinds that cannot be compared as texts."""
    import pyarrow as pa
    import pyarrow.types as types

    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    kind = column.type
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        # Bytes without a declared encoding are read as UTF-8; a bad byte costs its cell.
        texts = [None if cell is None else cell.decode("utf-8", "replace") for cell in column.to_pylist()]
        return pa.array(texts, type=pa.string())
    if types.is_nested(kind) or types.is_duration(kind) or types.is_interval(kind):
        return pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], type=pa.string())
    return column.cast(pa.string()) if types.is_decimal(kind) else column


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as texts."""
    import pyarrow as pa
    import pyarrow.types as types

    if _is_text_dictionary(column):
        return column
    column = _comparable(column)
    if types.is_string(column.type) or types.is_large_string(column.type):
        return column
    return column.cast(pa.string())


def floats(column: pa.Array) -> NDArray[np.float64]:
    """Return a column of numbers as floats, with NaN for null."""
    import pyarrow as pa

    values: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(values, dtype=np.float64)


def plain_numbers(column: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read the texts that are plain numbers, or nothing; the mask tells which they are.

    A plain number is not negative, finite, and short; Arrow reads it as Python does.
    """
    encoded = column if _is_text_dictionary(column) else column.dictionary_encode()
    texts = encoded.dictionary
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    values, plain = _plain_texts(texts)
    # The last place is that of a null, which a place of -1 reaches.
    return np.append(values, np.nan)[places], np.append(plain, True)[places]


def _plain_texts(texts: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    empty = pc.equal(texts, "").to_numpy(zero_copy_only=False).astype(np.bool_)
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    if longest <= _LONGEST_NUMBER:
        try:
            whole = pc.if_else(pc.equal(texts, ""), None, texts).cast(pa.float64())
        except pa.ArrowException:
            pass
        else:
            values = whole.to_numpy(zero_copy_only=False)
            return values, (np.isfinite(values) & (values >= 0)) | empty
    shaped = pc.match_substring_regex(texts, _PLAIN_NUMBER)
    values = pc.if_else(shaped, texts, None).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values, shaped.to_numpy(zero_copy_only=False).astype(np.bool_) | empty


def distinct(column: pa.Array) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the distinct values of a column and the place of each row's (-1: null).

    Numbers that came as text stay text; a float is written as Python writes it.
    """
    import pyarrow as pa
    import pyarrow.types as types

    if _is_text_dictionary(column):
        return _of_dictionary(column)
    column = _comparable(column)
    if types.is_null(column.type):
        return [], np.full(len(column), -1, dtype=np.int64)
    encoded = column.dictionary_encode()
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    try:
        return encoded.dictionary.to_pylist(), places
    except (OverflowError, ValueError):
        pass  # a time that Python cannot hold
    return encoded.dictionary.cast(pa.string()).to_pylist(), places


def _is_text_dictionary(column: pa.Array) -> bool:
    import pyarrow.types as types

    return bool(types.is_dictionary(column.type) and types.is_string(column.type.value_type))


def _of_dictionary(column: pa.DictionaryArray) -> tuple[list[Any], NDArray[np.int64]]:
    """Take the distinct texts of a column that is coded already; a null text is a null."""
    texts = column.dictionary.to_pylist()
    places = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    if None in texts:
        null = np.array([text is None for text in texts] + [True])
        places = np.where(null[places], -1, places)
        texts = ["" if text is None else text for text in texts]
    return texts, places
