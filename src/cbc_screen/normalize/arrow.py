"""Arrow columns as numpy arrays and distinct values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import cells_of, from_numpy, null_of, to_bools, to_numpy

if TYPE_CHECKING:
    import pyarrow as pa

_LONGEST_NUMBER = 24
_THOUSANDS = r"^[0-9]{1,3}\.[0-9]{3}$"
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
    if types.is_timestamp(kind) and kind.unit == "ns":
        # Python has no nanoseconds; as texts they would be told in UTC, perhaps on another day.
        return column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        # Bytes without a declared encoding are read as UTF-8; a bad byte costs its cell.
        texts = [None if cell is None else cell.decode("utf-8", "replace") for cell in column.to_pylist()]
        return pa.array(texts, type=pa.string())
    if types.is_nested(kind) or types.is_duration(kind) or types.is_interval(kind):
        return pa.array([None if cell is None else str(cell) for cell in cells_of(column)], type=pa.string())
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
    if types.is_floating(column.type):  # what is no number is no text either
        import pyarrow.compute as pc

        column = column.cast(pa.float64())
        column = pc.if_else(pc.is_nan(column), null_of(pa.float64()), column)
    return column.cast(pa.string())


def floats(column: pa.Array) -> NDArray[np.float64]:
    """Return a column of numbers as floats, with NaN for null."""
    import pyarrow as pa

    if pa.types.is_float16(column.type) or pa.types.is_float32(column.type):
        column = _widened(column)
    if not pa.types.is_float64(column.type):  # a cast of nothing still lets go of the interpreter, and waits for it
        column = column.cast(pa.float64(), safe=False)
    values, valid = to_numpy(column)
    return np.ascontiguousarray(values if valid is None else np.where(valid, values, np.nan), dtype=np.float64)


def _widened(column: pa.Array) -> pa.Array:
    """Return narrow floats as the decimals they stand for: 1.8 of 32 bits is 1.8, and not a little less."""
    import pyarrow as pa

    encoded = column.dictionary_encode()
    texts = [
        None if value is None else np.format_float_positional(value, unique=True)
        for value in to_numpy(encoded.dictionary)[0]
    ]
    wide = pa.array([None if text is None else float(text) for text in texts], type=pa.float64())
    return wide.take(encoded.indices)


def plain_numbers(column: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read the texts that are plain numbers, or nothing; the mask tells which they are.

    A plain number is not negative, finite, and short; Arrow reads it as Python does.
    """
    encoded = column if _is_text_dictionary(column) else column.dictionary_encode()
    texts = encoded.dictionary
    places = places_of(encoded.indices)
    values, plain = _plain_texts(texts)
    # The last place is that of a null, which a place of -1 reaches.
    return np.append(values, np.nan)[places], np.append(plain, True)[places]


def thousands_shaped(column: pa.Array) -> NDArray[np.bool_]:
    """Tell which texts are written like "250.000", which some write for 250 thousand."""
    import pyarrow.compute as pc

    encoded = column if _is_text_dictionary(column) else column.dictionary_encode()
    shaped = to_bools(pc.fill_null(pc.match_substring_regex(encoded.dictionary, _THOUSANDS), False))
    return np.append(shaped, False)[places_of(encoded.indices)]


def places_of(indices: pa.Array) -> NDArray[np.int64]:
    """Return codes as numbers, -1 for a null."""
    values, valid = to_numpy(indices)
    return (values if valid is None else np.where(valid, values, -1)).astype(np.int64)


def _plain_texts(texts: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths, _ = to_numpy(pc.binary_length(texts))
    empty = to_bools(texts.is_valid()) & (lengths == 0)
    if lengths.max(initial=0) <= _LONGEST_NUMBER:
        try:
            # An empty text is no number to Arrow, and nothing to us.
            values = _cast(texts, ~empty) if empty.any() else floats(texts.cast(pa.float64()))
        except pa.ArrowException:
            pass
        else:
            return values, (np.isfinite(values) & (values >= 0)) | empty
    shaped = to_bools(pc.match_substring_regex(texts, _PLAIN_NUMBER))
    return _cast(texts, shaped), shaped | empty


def _cast(texts: pa.Array, which: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Read some texts as numbers; the others are none."""
    import pyarrow as pa

    values = np.full(len(texts), np.nan)
    values[which] = floats(texts.take(from_numpy(np.flatnonzero(which))).cast(pa.float64()))
    return values


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
    places = places_of(encoded.indices)
    try:
        return encoded.dictionary.to_pylist(), places
    except (OverflowError, ValueError):
        pass  # a time that Python cannot hold
    return encoded.dictionary.cast(pa.string()).to_pylist(), places


def _is_text_dictionary(column: pa.Array) -> bool:
    import pyarrow.types as types

    return bool(types.is_dictionary(column.type) and types.is_string(column.type.value_type))


def _of_dictionary(column: pa.DictionaryArray) -> tuple[list[Any], NDArray[np.int64]]:
    """Take the distinct texts that a coded column has; a null text is a null.

    Texts of the dictionary that no row has are left out: a part of a column keeps the whole.
    """
    places = places_of(column.indices)
    used, own = np.unique(places, return_inverse=True)
    used, own = (used[1:], own.ravel() - 1) if len(used) and used[0] < 0 else (used, own.ravel())
    texts = column.dictionary.take(from_numpy(used)).to_pylist()
    if None in texts:
        null = np.array([text is None for text in texts] + [True])
        own = np.where(null[own], -1, own)
        texts = ["" if text is None else text for text in texts]
    return texts, own.astype(np.int64)
