"""A column of texts as its distinct ones and the place of each row's: what is asked of a text is asked once.

Texts without odd characters are cleaned by Arrow, all others one by one; both give the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import cells_of, from_numpy, from_texts, null_of, to_bools, to_numpy

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = re.compile(r"(-?\d+)\.0+")
_BLANK, _ASCII = 0x20, 0x80


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts (which may repeat, and may be of no row), and the place of each row's among them."""

    values: pa.StringArray
    codes: NDArray[np.int32]

    def empty(self) -> NDArray[np.bool_]:
        """Tell which of the texts are empty."""
        starts, _ = bytes_of(self.values)
        found: NDArray[np.bool_] = np.diff(starts) == 0
        return found

    def list(self) -> list[str]:
        """Return the texts as Python has them."""
        texts: list[str] = self.values.to_pylist()
        return texts

    def of(self, rows: NDArray[np.intp]) -> pa.StringArray:
        """Return the texts of some rows."""
        return taken(self.values, self.codes[rows])

    def each(self, change: Callable[[str], str]) -> Texts:
        """Return the texts changed one by one."""
        return Texts(from_texts([change(text) for text in self.list()]), self.codes)

    def ask(self, question: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Ask something of each of the texts."""
        return np.fromiter(map(question, self.list()), dtype=np.bool_, count=len(self.values))


def taken(values: pa.StringArray, places: NDArray[Any]) -> pa.StringArray:
    """Return the texts at some places; where all are empty, none is looked at."""
    starts, _ = bytes_of(values)
    return values.take(from_numpy(places)) if starts[0] != starts[-1] else empties(len(places))


def no_text() -> pa.StringScalar:
    """Return an empty text as Arrow has it; made of Python's own, it would import pandas where that is installed."""
    return from_texts([""])[0]


def empties(rows: int) -> pa.StringArray:
    """Return so many empty texts."""
    import pyarrow as pa

    ends = pa.py_buffer(np.zeros(rows + 1, dtype=np.int32))
    return pa.StringArray.from_buffers(rows, ends, pa.py_buffer(b""))


def constant(text: str, rows: int) -> Texts:
    """Return one text for every row."""
    return Texts(from_texts([text]), np.zeros(rows, dtype=np.int32))


def bytes_of(values: pa.StringArray) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return where each text begins and ends, and the bytes of all."""
    _, starts, data = values.buffers()
    places = np.frombuffer(starts, dtype=np.int32)[values.offset : values.offset + len(values) + 1]
    return places, np.frombuffer(data if data is not None else b"", dtype=np.uint8)


def as_strings(column: pa.Array) -> pa.StringArray:
    """Return the cells of a column as texts: whole numbers without the fraction that a type added."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), null_of(column.type), column)
        with suppress(pa.ArrowInvalid):
            column = column.cast(pa.int64())  # 1e10 is 10000000000
    if not pa.types.is_string(column.type):
        try:
            column = column.cast(pa.string())
        except pa.ArrowException:  # lists and the like
            return pa.array([None if cell is None else str(cell) for cell in cells_of(column)], type=pa.string())
    return column


def texts_of(column: pa.Array) -> Texts:
    """Return the texts of a column without blanks around them; a cell that is not there is empty."""
    values, codes = _distinct(column)
    texts = values.fill_null(no_text()) if values.null_count else values
    starts, data = bytes_of(texts)
    ends = np.array([], dtype=np.uint8)
    there = np.flatnonzero(np.diff(starts))
    if len(there):
        ends = np.concatenate([data[starts[there]], data[starts[there + 1] - 1]])
    if ((ends <= _BLANK) | (ends >= _ASCII)).any():
        texts = from_texts([text.strip() for text in texts.to_pylist()])
    return Texts(texts, codes)


def _distinct(column: pa.Array) -> tuple[pa.StringArray, NDArray[np.int32]]:
    """Return the distinct cells of a column as texts, and the place of each row's."""
    import pyarrow as pa
    import pyarrow.types as types

    kind = column.type
    if not types.is_dictionary(kind):
        try:
            column = column.dictionary_encode()
        except pa.ArrowException:  # of a kind that cannot be compared
            column = as_strings(column).dictionary_encode()
        values = as_strings(column.dictionary)
        codes, there = to_numpy(column.indices)
        return (values, codes) if there is None else _with_empty(values, codes, there)
    if types.is_string(kind.value_type):
        values = column.dictionary
    else:
        column = as_strings(column).dictionary_encode()
        values = column.dictionary
    codes, there = to_numpy(column.indices)
    codes = codes.astype(np.int32, copy=False)
    return _used(values, codes) if there is None else _used(*_with_empty(values, codes, there))


def _with_empty(
    values: pa.StringArray, codes: NDArray[np.int32], there: NDArray[np.bool_]
) -> tuple[pa.StringArray, NDArray[np.int32]]:
    """Give the rows that are not there an empty text."""
    import pyarrow as pa

    codes = np.where(there, codes, np.int32(len(values))).astype(np.int32)
    return pa.concat_arrays([values, from_texts([""])]), codes


def _used(values: pa.StringArray, codes: NDArray[np.int32]) -> tuple[pa.StringArray, NDArray[np.int32]]:
    """Drop the texts that no row uses, so that a column is described by its own rows only."""
    used = np.bincount(codes, minlength=len(values)) > 0
    if used.all():
        return values, codes
    places = (np.cumsum(used) - 1).astype(np.int32)
    return values.take(from_numpy(np.flatnonzero(used))), places[codes]


def without(texts: Texts, nothing: Collection[str]) -> Texts:
    """Return texts of which those that are a word for nothing, in any case, are empty."""
    import pyarrow.compute as pc

    values = texts.values
    _, data = bytes_of(values)
    if data.max(initial=0) >= _ASCII:
        return Texts(from_texts(["" if text.upper() in nothing else text for text in texts.list()]), texts.codes)
    is_nothing = pc.is_in(pc.ascii_upper(values), value_set=from_texts(sorted(nothing)))
    if not to_bools(is_nothing).any():
        return texts
    return Texts(pc.if_else(is_nothing, no_text(), values), texts.codes)


def first_of(columns: Sequence[Texts]) -> Texts:
    """Return for each row the first of several texts that is not empty."""
    import pyarrow as pa

    first = columns[0]
    for other in columns[1:]:
        instead = first.empty()[first.codes]
        if not instead.any():
            continue
        codes = np.where(instead, other.codes + np.int32(len(first.values)), first.codes)
        first = Texts(*_used(pa.concat_arrays([first.values, other.values]), codes))
    return first


def of_both(one: Texts, other: Texts, said: Callable[[str, str], str]) -> Texts:
    """Return what two texts of a row say together; each different pair is asked once."""
    pairs = one.codes.astype(np.int64) * len(other.values) + other.codes
    found, places = np.unique(pairs, return_inverse=True)
    first, second = one.list(), other.list()
    texts = [said(first[pair // len(second)], second[pair % len(second)]) for pair in found.tolist()]
    return Texts(from_texts(texts), places.astype(np.int32).ravel())


def keys(texts: Texts) -> Texts:
    """Take off the fraction that some tool's column type added, where all texts have one."""
    import pyarrow.compute as pc

    some = next((text for text in texts.values if text.as_py()), None)
    if some is None or WHOLE.fullmatch(some.as_py()) is None:
        return texts
    own = texts.list()
    if all(not text or WHOLE.fullmatch(text) for text in own):
        return Texts(pc.replace_substring_regex(texts.values, r"\..*", ""), texts.codes)
    return texts


def of_rows(columns: dict[str, Texts], rows: NDArray[Any]) -> dict[str, list[str]]:
    """Return the texts of some rows of several columns, as Python has them."""
    return {name: texts.of(rows).to_pylist() for name, texts in columns.items()}
