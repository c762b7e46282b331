"""The checklists of many counts as columns, in two steps: bytes of each count, then words.

A scan carries the bytes and words them where it writes: a row group at once, in the thread of the writer. Texts of
every batch, most of them different, were copied four times on the way (measured: half of a scan's time).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_bytes, from_numpy, from_texts
from cbc_screen.kernel.answers import Answers
from cbc_screen.report.checklist import (
    ABOUT,
    FITS,
    GROUPS,
    LAST,
    NOT_TO_MISS,
    SEPARATOR,
    Bytes,
    Cells,
    ListLayout,
    cell_names,
    group_names,
    grouped,
    next_tests,
)
from cbc_screen.report.worded import distinct, of_some, worded

if TYPE_CHECKING:
    import pyarrow as pa

LISTS = "cbc_screen.lists"  # the column of bytes; it stands in no file
_LOOKED_AT, _HARDLY_ALIKE = 1_024, 0.9
_ROOM = 65_536  # wordings that are remembered
_NONE = np.zeros(1, dtype=np.int32)


def list_bytes(layout: ListLayout, rows: int, lists: tuple[NDArray[np.intp], Answers]) -> pa.BinaryArray:
    """Return what the list of each row is worded from; nothing for a row that has none.

    The places of its conditions in their order, the sizes of its groups, and what its next tests depend on.
    """
    import pyarrow as pa

    some, answers = lists
    places, sizes = _in_order(layout, answers.codes(cell_names(layout)))
    flags = [answers[name] for name in (*ABOUT, *(f"answered.{test}" for test in layout.tests))]
    matrix = np.empty((len(some), _width(layout)), dtype=np.uint8)
    ends = np.cumsum([places.shape[1], sizes.shape[1]])
    matrix[:, : ends[0]], matrix[:, ends[0] : ends[1]] = places, sizes
    for place, flag in enumerate(flags, ends[1]):
        matrix[:, place] = flag
    lengths = np.zeros(rows + 1, dtype=np.int32)
    lengths[some + 1] = matrix.shape[1]
    own = pa.py_buffer(lengths.cumsum(dtype=np.int32))
    return pa.Array.from_buffers(pa.binary(), rows, [None, own, pa.py_buffer(matrix)])


def _in_order(layout: ListLayout, cells: Cells) -> tuple[Bytes, Bytes]:
    """Put the list of each row in order; where many have the same cells, each list once.

    Measured: of a hospital's counts that saves a fifth of the time; of a marrow clinic's, nearly all different, it cost a thirtieth.
    """
    some = cells[:_LOOKED_AT]
    if len(distinct(some.view(np.uint8))[1]) > _HARDLY_ALIKE * len(some):
        return grouped(layout, cells)
    codes, unique = distinct(cells.view(np.uint8))
    places, sizes = grouped(layout, unique.view(np.int16))
    return places[codes], sizes[codes]


def _width(layout: ListLayout) -> int:
    return len(layout.conditions) + len(GROUPS) + len(ABOUT) + len(layout.tests)


def list_columns(layout: ListLayout, column: pa.ChunkedArray) -> dict[str, pa.Array]:
    """Word the lists of rows from their bytes: the columns of the list, by name."""
    some = np.flatnonzero(np.concatenate([np.diff(_ends(chunk)) for chunk in [*column.chunks, from_bytes([])]]))
    matrix = np.concatenate([_matrix(chunk, _width(layout)) for chunk in [*column.chunks, from_bytes([])]])
    places, sizes, flags = np.split(matrix, np.cumsum([len(layout.conditions), len(GROUPS)]), axis=1)
    borderline = flags[:, 0].astype(np.bool_)
    shown = np.where(borderline, 0, sizes[:, FITS] + sizes[:, NOT_TO_MISS]).astype(np.int8)
    before = places[:, : max(int(shown.max(initial=0)), 1)].copy()
    before[np.arange(before.shape[1]) >= shown[:, None]] = LAST
    codes, lists = distinct(places)
    words, count = _words_of(layout), len(column)
    return {
        "borderline": from_numpy(_spread(count, some, borderline)),
        "checklist": of_some(count, some, codes, _joined(words.pairs, lists, len(layout.conditions))),
        "checklist_groups": of_some(count, some, *worded(sizes, words.groups)),
        "checklist_shown": from_numpy(_spread(count, some, shown)),
        "next_tests": of_some(count, some, *worded(np.hstack([flags, before]), words.tests)),
    }


def _ends(chunk: pa.BinaryArray) -> NDArray[np.int32]:
    buffer = chunk.buffers()[1]
    return _NONE if buffer is None else np.frombuffer(buffer, dtype=np.int32)[chunk.offset :][: len(chunk) + 1]


def _matrix(chunk: pa.BinaryArray, width: int) -> Bytes:
    """Return the bytes of the rows that have some."""
    ends, buffer = _ends(chunk), chunk.buffers()[2]
    if buffer is None or ends[0] == ends[-1]:
        return np.zeros((0, width), dtype=np.uint8)
    return np.frombuffer(buffer, dtype=np.uint8)[ends[0] : ends[-1]].reshape(-1, width)


def _spread(count: int, rows: NDArray[np.intp], values: NDArray[Any]) -> NDArray[Any]:
    """Return the values of some rows beside the zeros of all others."""
    column = np.zeros(count, dtype=values.dtype)
    column[rows] = values
    return column


@dataclass(frozen=True)
class _Words:
    """The words of lists: of each two conditions that follow each other, of groups, of next tests."""

    pairs: pa.StringArray  # alone, then behind a separator
    groups: Callable[[bytes], str]
    tests: Callable[[bytes], str]


@lru_cache(maxsize=8)
def _words_of(layout: ListLayout) -> _Words:
    ends = len(ABOUT) + len(layout.tests)

    def tests(asked: bytes) -> str:
        """Word the next tests: from what is known of a count as a whole, what it answers, what its list shows."""
        own = tuple(place for place in asked[ends:] if place < LAST)
        found = next_tests(layout, own, asked[len(ABOUT) : ends], asked[: len(ABOUT)])
        return SEPARATOR.join([test for test, _ in found])

    both = [SEPARATOR.join([a, *b]) for a in layout.conditions for b in (*zip(layout.conditions), ())]
    return _Words(
        from_texts([*both, *(SEPARATOR + pair for pair in both)]),
        lru_cache(maxsize=_ROOM)(lambda sizes: SEPARATOR.join(group_names(sizes))),
        lru_cache(maxsize=_ROOM)(tests),
    )


def _joined(pairs: pa.StringArray, lists: Bytes, conditions: int) -> pa.StringArray:
    """Join the names of each row of places, up to the first that is none.

    Two names are one text, which begins with a separator unless it is the first: the texts of a row lie side by side
    as they are taken, and are its words already.
    """
    import pyarrow as pa

    even = np.full((len(lists), lists.shape[1] + lists.shape[1] % 2), LAST, dtype=np.uint8)
    even[:, : lists.shape[1]] = lists
    first, second = even[:, ::2], np.minimum(even[:, 1::2], conditions)
    there = first < LAST
    codes = first.astype(np.int32) * (conditions + 1) + second
    codes[:, 1:] += conditions * (conditions + 1)
    taken = pairs.take(from_numpy(codes[there]))
    ends = np.zeros(len(lists) + 1, dtype=np.int32)
    np.cumsum(there.sum(axis=1), out=ends[1:])
    ends = np.frombuffer(taken.buffers()[1], dtype=np.int32)[ends]
    return pa.Array.from_buffers(pa.string(), len(lists), [None, pa.py_buffer(ends), taken.buffers()[2]])
