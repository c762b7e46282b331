"""Arrow arrays from numpy and back, by their buffers.

pyarrow's own conversions import pandas where it is installed: 0.35 s and 45 MB that a scan
has no use for.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH = 719_163  # 1970-01-01 as days from the first one of the year 1, as `datetime` counts them
_LAST = 3_652_059  # 9999-12-31
_A_DAY = {"D": 1, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_KINDS = {"i": "int", "u": "uint", "f": "float"}


def to_numpy(column: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Return the numbers of a column, and which are not null (None where all are)."""
    import pyarrow.types as types

    valid, data = column.buffers()
    part = slice(column.offset, column.offset + len(column))
    there = None
    if column.null_count and valid is not None:
        there = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")[part].view(np.bool_)
    if data is None:
        return np.zeros(len(column)), there
    if types.is_boolean(column.type):
        bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder="little")[part]
        return bits.view(np.bool_), there
    kind = "f" if types.is_floating(column.type) else "u" if types.is_unsigned_integer(column.type) else "i"
    return np.frombuffer(data, dtype=np.dtype(f"{kind}{column.type.bit_width // 8}"))[part], there


def null_of(kind: pa.DataType) -> pa.Scalar[Any]:
    """Return a cell of a type that is not there."""
    import pyarrow as pa

    return pa.nulls(1, kind)[0]


def to_bools(column: pa.BooleanArray) -> NDArray[np.bool_]:
    """Return which are true; a null is not."""
    values, valid = to_numpy(column)
    truths: NDArray[np.bool_] = values.astype(np.bool_) if valid is None else values.astype(np.bool_) & valid
    return truths


def from_numpy(values: NDArray[Any], null: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return numbers (null where `null` says so) or truths as an Arrow array of the same type."""
    import pyarrow as pa

    if values.dtype == np.bool_:
        bits = np.packbits(values, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])
    kind = getattr(pa, f"{_KINDS[values.dtype.kind]}{values.dtype.itemsize * 8}")()
    valid = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])


def from_bytes(cells: Sequence[bytes | NDArray[np.uint8]]) -> pa.BinaryArray:
    """Return pieces of bytes as an Arrow array; a single piece is not copied."""
    import pyarrow as pa

    views = [_bytes_of(cell) for cell in cells]
    ends = np.zeros(len(cells) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, views), dtype=np.int32, count=len(cells)), out=ends[1:])
    whole = pa.py_buffer(views[0] if len(views) == 1 else b"".join(views))
    return pa.Array.from_buffers(pa.binary(), len(cells), [None, pa.py_buffer(ends.tobytes()), whole])


def _bytes_of(cell: bytes | NDArray[np.uint8]) -> bytes | memoryview:
    if isinstance(cell, bytes):
        return cell  # a view of each of many texts would take more memory than they do
    # A view of nothing cannot be cast.
    return cell.data.cast("B") if cell.nbytes else b""


def from_texts(cells: Sequence[str]) -> pa.StringArray:
    """Return texts as an Arrow array; what UTF-8 cannot write is a question mark."""
    import pyarrow as pa

    # Not `pa.array`, which imports pandas. Plain letters are bytes as they are: one text of all, in a third of the time.
    whole = "".join(cells)
    if not whole.isascii():
        return from_bytes([cell.encode(errors="replace") for cell in cells]).view(pa.string())
    ends = np.zeros(len(cells) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, cells), dtype=np.int32, count=len(cells)), out=ends[1:])
    return pa.Array.from_buffers(pa.string(), len(cells), [None, pa.py_buffer(ends), pa.py_buffer(whole.encode())])


def dictionary(codes: NDArray[Any], words: Sequence[str]) -> pa.DictionaryArray:
    """Return words by their place in a list."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(from_numpy(codes), from_texts(words))


def is_text(column: pa.Array | pa.ChunkedArray) -> bool:
    """Tell whether a column is of texts, plain or coded."""
    import pyarrow.types as types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def with_wide_codes(array: pa.Array) -> pa.Array:
    """Return a coded column with codes of 32 bits: batches together may have more words than their own codes count."""
    import pyarrow as pa

    if not pa.types.is_dictionary(array.type):
        return array
    return pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), array.dictionary, ordered=array.type.ordered)


def one_dictionary(table: pa.Table) -> pa.Table:
    """Return a table of which each coded column has one dictionary; codes within lists stay as they are."""
    import pyarrow as pa

    coded = [name for name in table.column_names if pa.types.is_dictionary(table.schema.field(name).type)]
    one = table.select(coded).unify_dictionaries()
    for name in coded:
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), one.column(name))
    return table


def release_unused() -> None:
    """Give back what Arrow has freed in this thread: it keeps that for each thread by itself."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def without_dictionaries(table: pa.Table) -> pa.Table:
    """Write coded columns out: their codes differ between batches."""
    import pyarrow as pa

    fields = [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))


def without_view(column: pa.Array) -> pa.Array:
    """Return texts and bytes that are views into others as they are elsewhere: Arrow cannot take some of a view."""
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_string_view(column.type):
        return column.cast(pa.string())
    return column.cast(pa.binary()) if types.is_binary_view(column.type) else column


def beyond_years(column: pa.ChunkedArray) -> bool:
    """Tell whether a column has a day outside the years 1 to 9999 ("infinity" of a database), which Python cannot hold."""
    import pyarrow.compute as pc
    import pyarrow.types as types

    for chunk in column.chunks:
        values, margin = chunk.dictionary if types.is_dictionary(chunk.type) else chunk, 0
        if types.is_date32(values.type):
            unit, counts = "D", pc.min_max(values.view("int32"))
        elif types.is_date64(values.type):
            unit, counts = "ms", pc.min_max(values.view("int64"))
        elif types.is_timestamp(values.type):
            # Where a zone is told, the day there may be the one before or behind.
            unit, counts, margin = values.type.unit, pc.min_max(values.view("int64")), int(values.type.tz is not None)
        else:
            return False
        least, most = counts["min"].as_py(), counts["max"].as_py()
        a_day = _A_DAY[unit]
        if least is not None and (least // a_day + _EPOCH < 1 + margin or most // a_day + _EPOCH > _LAST - margin):
            return True
    return False


def with_days_as_texts(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a column with its days and moments as texts, those in lists and records too; a duration with its unit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_duration(column.type):
        return pc.binary_join_element_wise(column.cast(pa.string()), column.type.unit, " ")
    return column.cast(_with_texts(column.type))


def _with_texts(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_date(kind) or types.is_timestamp(kind):
        return pa.string()
    if types.is_dictionary(kind):
        return _with_texts(kind.value_type)
    if types.is_map(kind):
        return pa.map_(_with_texts(kind.key_type), _with_texts(kind.item_type))
    if types.is_struct(kind):
        return pa.struct([pa.field(field.name, _with_texts(field.type)) for field in kind])
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return (pa.large_list if types.is_large_list(kind) else pa.list_)(_with_texts(kind.value_type))
    return kind


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows as objects of Python; a column with a day that it cannot hold as texts."""
    with suppress(ValueError, OverflowError):
        return list(table.to_pylist())  # which is three times as fast
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*map(cells_of, table.columns), strict=True)]


def cells_of(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return the cells as objects of Python; days that it cannot hold, and those beside them, as texts."""
    with suppress(ValueError, OverflowError):
        return list(column.to_pylist())
    return list(with_days_as_texts(column).to_pylist())
