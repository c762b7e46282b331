"""Columns of words: each distinct row of bytes is worded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, from_texts, to_numpy

if TYPE_CHECKING:
    import pyarrow as pa

Bytes = NDArray[np.uint8]


def distinct(matrix: Bytes) -> tuple[NDArray[np.int32], Bytes]:
    """Return the place of each row among the distinct rows, and those."""
    import pyarrow as pa

    if not len(matrix):
        return np.zeros(0, dtype=np.int32), matrix
    width = matrix.shape[1]
    rows = pa.Array.from_buffers(pa.binary(width), len(matrix), [None, pa.py_buffer(np.ascontiguousarray(matrix))])
    encoded = rows.dictionary_encode()
    buffer = encoded.dictionary.buffers()[1]
    unique = np.frombuffer(buffer, dtype=np.uint8)[: len(encoded.dictionary) * width].reshape(-1, width)
    return to_numpy(encoded.indices)[0], unique


def worded(matrix: Bytes, words: Callable[[bytes], str]) -> tuple[NDArray[np.int32], pa.StringArray]:
    """Word each distinct row once; return the place of each row among the words."""
    codes, unique = distinct(matrix)
    texts = [words(bytes(row)) for row in unique]
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return np.array([places[text] for text in texts], dtype=np.int32)[codes], from_texts(list(places))


def of_some(count: int, rows: NDArray[np.intp], codes: NDArray[np.int32], words: pa.StringArray) -> pa.DictionaryArray:
    """Return a column of words of some rows; the word of every other row is empty, as some of theirs may be."""
    import pyarrow as pa

    if not len(words):
        return pa.DictionaryArray.from_arrays(from_numpy(np.zeros(count, dtype=np.int32)), from_texts([""]))
    ends = np.frombuffer(words.buffers()[1], dtype=np.int32)[words.offset : words.offset + len(words) + 1]
    empty = np.flatnonzero(ends[1:] == ends[:-1])
    parts, places = [words], np.arange(1, len(words) + 1, dtype=np.int32)
    if len(empty):
        at = int(empty[0])
        parts = [words.slice(0, at), words.slice(at + 1)]
        places[at:] -= 1
        places[at] = 0
    every = np.zeros(count, dtype=np.int32)
    every[rows] = places[codes] if len(codes) else 0
    return pa.DictionaryArray.from_arrays(from_numpy(every), pa.concat_arrays([from_texts([""]), *parts]))
