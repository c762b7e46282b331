"""The checklist of a count: its order, its groups, how many stand before the fold, the tests that would settle it.

One definition for columns and for one record: a row of small numbers for each count (`cells`), worded once for
equal rows. Points order and go no further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, from_texts, to_numpy
from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.conclusions import UNSENT
from cbc_screen.kernel.ranking import CELL, HIDDEN_AT, MOST_POINTS, POINTS_AT
from cbc_screen.knowledge.ordering import Ordering
from cbc_screen.knowledge.rules import Condition
from cbc_screen.vocabulary import CheckGroup, Tier

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR = ";"
GROUPS = tuple(CheckGroup)
_FITS, _NOT_TO_MISS, _POSSIBLE, _UNLIKELY = range(len(GROUPS))
_HIDDEN = len(GROUPS)
_PLACE_BITS = 7  # conditions are fewer than these bits count
_LAST = (1 << _PLACE_BITS) - 1
# The lowest bits of a cell: below `_OPEN` it stands before the fold whatever else does.
_MARK_BITS, _MARKS, _OPEN = 2, 3, 2
_AT_ONCE = 4_096  # rows that stay in the cache
Cells = NDArray[np.int16]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class ListLayout:
    """What lists are made from: conditions in their fixed order, the sizes of the groups, the tests."""

    conditions: tuple[str, ...]
    critical: tuple[str, ...]
    settled_by: tuple[tuple[str, ...], ...]  # of each condition, the best first
    tests: tuple[str, ...]  # that a count may already answer
    first_test: str
    unsent_test: str
    borderline_test: str
    fits_least: int
    fits_within: int
    fits_most: int
    not_to_miss_most: int
    possible_least: int
    tests_most: int

    def __hash__(self) -> int:
        # Asked with every list: hashing every name took more time than the list.
        return hash(self.conditions[:1])


@dataclass(frozen=True, slots=True)
class Listed:
    """The list of one count."""

    ids: tuple[str, ...]
    groups: tuple[CheckGroup, ...]
    shown: int
    next_tests: tuple[tuple[str, tuple[str, ...]], ...]  # each with the conditions it would settle

    @property
    def words(self) -> tuple[str, str, int, str]:
        """The cells of the columns: conditions, their groups, how many are shown, next tests."""
        joined = SEPARATOR.join
        return joined(self.ids), joined(self.groups), self.shown, joined(test for test, _ in self.next_tests)


def list_layout(ordering: Ordering, conditions: Sequence[Condition]) -> ListLayout:
    """Return what the lists of a kernel are made from."""
    asked = {test: None for condition in conditions for test in condition.settled_by}
    return ListLayout(
        conditions=tuple(condition.id for condition in conditions),
        critical=tuple(condition.id for condition in conditions if condition.tier is Tier.TIME_CRITICAL),
        settled_by=tuple(condition.settled_by for condition in conditions),
        tests=tuple(test for test in asked if ordering.questions[test].answers),
        first_test=ordering.first_test,
        unsent_test=ordering.unsent_test,
        borderline_test=ordering.borderline_test,
        fits_least=ordering.fits_least,
        fits_within=ordering.fits_within,
        fits_most=ordering.fits_most,
        not_to_miss_most=ordering.not_to_miss_most,
        possible_least=ordering.possible_least,
        tests_most=ordering.tests_most,
    )


def cell_names(layout: ListLayout) -> list[str]:
    """Return the names of the codes that a list is made from, a cell for each condition."""
    return [f"{CELL}.{name}" for name in layout.conditions]


def grouped(layout: ListLayout, cells: Cells) -> tuple[Bytes, Bytes]:
    """Return the places of the conditions of each count in the order of its list, and the size of each group.

    What is not listed comes last, as `_LAST`.
    """
    parts = [_grouped(layout, cells[at : at + _AT_ONCE]) for at in range(0, max(len(cells), 1), _AT_ONCE)]
    places, sizes = zip(*parts, strict=True)
    return np.concatenate(places), np.concatenate(sizes)


def _grouped(layout: ListLayout, cells: Cells) -> tuple[Bytes, Bytes]:
    index = np.arange(cells.shape[1], dtype=np.int32)
    keys = _in_order_of_points(cells, index)
    listed = keys < 1 << HIDDEN_AT + _PLACE_BITS
    possible = keys < MOST_POINTS + 1 - layout.possible_least << POINTS_AT + _PLACE_BITS
    first = keys[:, : layout.fits_most] >> POINTS_AT + _PLACE_BITS  # lowest for the most points
    fits = listed[:, : layout.fits_most] & (
        first <= np.minimum(MOST_POINTS - layout.fits_least, first[:, :1] + layout.fits_within)
    )
    miss = _not_to_miss(layout, keys, listed, fits)
    groups = np.full(keys.shape, _HIDDEN, dtype=np.int32)
    groups -= listed
    groups -= possible & listed
    groups[:, : layout.fits_most][fits] = _FITS
    groups[miss] = _NOT_TO_MISS
    few, much, many = _ones(fits), _ones(miss), _ones(listed)
    likely = _ones(groups == _POSSIBLE)
    sizes = np.stack([few, much, likely, many - few - much - likely], axis=1)
    order = (groups << _PLACE_BITS | index) << _PLACE_BITS | keys >> _MARK_BITS & _LAST
    order.sort(axis=1)
    places = (order & _LAST).astype(np.uint8)
    places[index >= many[:, None]] = _LAST
    return places, sizes


def _in_order_of_points(cells: Cells, index: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the cells of each row sorted, each with the place of its condition above its marks.

    The marks go along and do not order: equal cells stand in the fixed order of their conditions.
    """
    keys = cells.astype(np.int32)
    marks = keys & _MARKS
    keys ^= marks
    keys <<= _PLACE_BITS
    keys |= marks
    keys |= index << _MARK_BITS
    keys.sort(axis=1)
    return keys


def _not_to_miss(
    layout: ListLayout, keys: NDArray[np.int32], listed: NDArray[np.bool_], fits: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell what must not be missed: all that must stand, then the first of what is time-critical as far as there is room."""
    rest = listed.copy()
    rest[:, : layout.fits_most] &= ~fits
    marks = keys.astype(np.uint8) & np.uint8(_MARKS)
    must = rest & (marks < _OPEN)
    miss = rest & (marks == _OPEN)
    room = layout.not_to_miss_most - _ones(must).astype(np.int8)
    crowded = np.flatnonzero(_ones(miss).view(np.int8) > room)
    miss[crowded] &= miss[crowded].cumsum(axis=1, dtype=np.int8) <= room[crowded, None]
    found: NDArray[np.bool_] = miss | must
    return found


def _ones(truths: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Count the truths of each row."""
    # Twice as fast here as a sum along the axis, of which each row costs (measured).
    found: Bytes = np.einsum("ij->i", truths.view(np.uint8))
    return found


def list_of_codes(layout: ListLayout, codes: Mapping[str, int]) -> Listed:
    """Return the list of one record from its codes."""
    cells = np.array([[codes[name] for name in cell_names(layout)]], dtype=np.int16)
    places, (counted,) = grouped(layout, cells)
    sizes = tuple(counted.tolist())
    answered = bytes(codes[f"answered.{test}"] for test in layout.tests)
    borderline, unsent = bool(codes["borderline"]), bool(codes[UNSENT])
    own = tuple(places[0, : sum(sizes)].tolist())
    shown = shown_of(sizes, borderline)
    return Listed(
        tuple(layout.conditions[place] for place in own),
        group_names(sizes),
        shown,
        next_tests(layout, own[:shown], answered, borderline, unsent),
    )


def shown_of(sizes: Sequence[int], borderline: bool) -> int:
    """Return how many entries stand before the fold."""
    return 0 if borderline else sizes[_FITS] + sizes[_NOT_TO_MISS]


def group_names(sizes: Sequence[int]) -> tuple[CheckGroup, ...]:
    """Return the group of each entry."""
    return tuple(group for group, size in zip(GROUPS, sizes, strict=True) for _ in range(size))


def next_tests(
    layout: ListLayout, shown: tuple[int, ...], answered: bytes, borderline: bool, unsent: bool
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the tests for a count, each with the conditions it would settle.

    A borderline count is repeated, and one of which a line was not sent is completed, before anything else.
    """
    if borderline:
        return ((layout.borderline_test, ()),)
    rest = ((layout.unsent_test, ()),) if unsent and shown else ()
    return (*rest, *_next_tests(layout, shown, answered))[: layout.tests_most]


@lru_cache(maxsize=65_536)
def _next_tests(layout: ListLayout, shown: tuple[int, ...], answered: bytes) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the tests that would settle what is shown: the film first, then the best test of each, then the others."""
    known = {test for test, is_known in zip(layout.tests, answered, strict=True) if is_known}
    own = [layout.settled_by[place] for place in shown]
    # The best test of each, then the second of each, and so on.
    rounds = (test for tests in zip_longest(*own) for test in tests if test is not None)
    wanted: dict[str, list[str]] = {test: [] for test in rounds if test not in known}
    for place, tests in zip(shown, own, strict=True):
        for test in tests:
            if test in wanted:
                wanted[test].append(layout.conditions[place])
    order = sorted(wanted, key=lambda test: test != layout.first_test)
    return tuple((test, tuple(wanted[test])) for test in order[: layout.tests_most])


# Columns ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class ListColumns:
    """The lists of many counts: a place among words for each, how many entries are shown, which are borderline."""

    checklist: tuple[NDArray[np.int32], pa.StringArray]
    groups: tuple[NDArray[np.int32], pa.StringArray]
    next_tests: tuple[NDArray[np.int32], pa.StringArray]
    shown: NDArray[np.int8]
    borderline: NDArray[np.bool_]


def list_columns(layout: ListLayout, answers: Answers) -> ListColumns:
    """Return the columns of lists from the codes they are made from."""
    every, sizes = grouped(layout, answers.codes(cell_names(layout)))
    borderline = answers["borderline"].astype(np.bool_)
    shown = np.where(borderline, 0, sizes[:, _FITS] + sizes[:, _NOT_TO_MISS]).astype(np.int8)
    before = every[:, : max(int(shown.max(initial=0)), 1)].copy()
    before[np.arange(before.shape[1]) >= shown[:, None]] = _LAST
    known = [answers[f"answered.{test}"].view(np.uint8) for test in layout.tests]
    unsent = answers[UNSENT].view(np.uint8)
    asked = np.column_stack([borderline.view(np.uint8), unsent, *known, before])
    codes, lists = distinct(every)
    grouped_as, group_words = worded(sizes, _group_cell)
    tested, test_words = worded(asked, lambda row: _test_cell(layout, row))
    return ListColumns(
        (codes, _joined_names(layout.conditions, lists)),
        (grouped_as, from_texts(group_words)),
        (tested, from_texts(test_words)),
        shown,
        borderline,
    )


@lru_cache(maxsize=65_536)
def _group_cell(sizes: bytes) -> str:
    return SEPARATOR.join(group_names(sizes))


@lru_cache(maxsize=65_536)
def _test_cell(layout: ListLayout, asked: bytes) -> str:
    """Word the next tests of a count: whether it is borderline, lacks a line, what it answers, what its list shows."""
    ends = 2 + len(layout.tests)
    own = tuple(place for place in asked[ends:] if place < _LAST)
    found = next_tests(layout, own, asked[2:ends], bool(asked[0]), bool(asked[1]))
    return SEPARATOR.join([test for test, _ in found])


def _joined_names(names: Sequence[str], lists: Bytes) -> pa.StringArray:
    """Join the names of each row of places, up to the first that is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    there = lists < _LAST
    ends = np.zeros(len(lists) + 1, dtype=np.int32)
    np.cumsum(there.sum(axis=1), out=ends[1:])
    words = from_texts(names).take(from_numpy(lists[there].astype(np.int32)))
    # The separator as an Arrow scalar: a text of Python would be converted, which imports pandas.
    return pc.binary_join(pa.ListArray.from_arrays(from_numpy(ends), words), from_texts([SEPARATOR])[0])


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


def worded(matrix: Bytes, words: Callable[[bytes], str]) -> tuple[NDArray[np.int32], list[str]]:
    """Word each distinct row once; return the place of each row among the words."""
    codes, unique = distinct(matrix)
    texts = [words(bytes(row)) for row in unique]
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return np.array([places[text] for text in texts], dtype=np.int32)[codes], list(places)
