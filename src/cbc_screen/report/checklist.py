"""The checklist of a count: its order, its groups, how many stand before the fold, the tests that would settle it.

One definition for columns and for one record: a row of small numbers for each count (`cells`), worded once for
equal rows. Points order and go no further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, from_texts, to_numpy
from cbc_screen.kernel.answers import Answers
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
_MARK_BITS, _MARKS, _OPEN = (
    2,
    3,
    2,
)  # the lowest bits of a cell: below `_OPEN` it stands before the fold whatever else does
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
        borderline_test=ordering.borderline_test,
        fits_least=ordering.fits_least,
        fits_within=ordering.fits_within,
        fits_most=ordering.fits_most,
        not_to_miss_most=ordering.not_to_miss_most,
        possible_least=ordering.possible_least,
        tests_most=ordering.tests_most,
    )


def cells_of(layout: ListLayout, rows: int, code: Callable[[str], Any]) -> Cells:
    """Return a row of cells for each count, a column for each condition."""
    cells = np.empty((rows, len(layout.conditions)), dtype=np.int16)
    for place, name in enumerate(layout.conditions):
        cells[:, place] = code(f"{CELL}.{name}")
    return cells


def grouped(layout: ListLayout, cells: Cells) -> tuple[Bytes, Bytes]:
    """Return the groups of each row in their order, and the place of each condition among all.

    Conditions that are not listed come last, in a group of their own.
    """
    parts = [_grouped(layout, cells[at : at + _AT_ONCE]) for at in range(0, max(len(cells), 1), _AT_ONCE)]
    groups, places = zip(*parts, strict=True)
    return np.concatenate(groups), np.concatenate(places)


def _grouped(layout: ListLayout, cells: Cells) -> tuple[Bytes, Bytes]:
    index = np.arange(cells.shape[1], dtype=np.int32)
    # The marks of a cell go along and do not order: equal cells stand in the fixed order of their conditions.
    whole = cells.astype(np.int32)
    keys = (whole >> _MARK_BITS << _PLACE_BITS | index) << _MARK_BITS | whole & _MARKS
    keys.sort(axis=1)
    own = keys >> _PLACE_BITS  # without its marks
    hidden = own >= 1 << HIDDEN_AT
    points = MOST_POINTS - (own >> POINTS_AT)  # of what is listed
    fits = np.less(index, layout.fits_most) & ~hidden
    fits &= points >= np.maximum(layout.fits_least, points[:, :1] - layout.fits_within)
    mark = keys & _MARKS
    rest = ~(hidden | fits)
    must = rest & (mark < _OPEN)
    miss = rest & (mark == _OPEN)  # which only what is time-critical is
    room = layout.not_to_miss_most - must.sum(axis=1, keepdims=True, dtype=np.int8)
    miss &= miss.cumsum(axis=1, dtype=np.int8) <= room
    groups = np.where(points >= layout.possible_least, np.int32(_POSSIBLE), np.int32(_UNLIKELY))
    groups[fits], groups[miss | must], groups[hidden] = _FITS, _NOT_TO_MISS, _HIDDEN
    order = (groups << _PLACE_BITS | index) << _PLACE_BITS | keys >> _MARK_BITS & _LAST
    order.sort(axis=1)
    return (order >> 2 * _PLACE_BITS).astype(np.uint8), (order & _LAST).astype(np.uint8)


def list_of_codes(layout: ListLayout, codes: Mapping[str, int]) -> Listed:
    """Return the list of one record from its codes."""
    groups, places = grouped(layout, cells_of(layout, 1, codes.__getitem__))
    sizes = tuple(int((groups == group).sum()) for group in range(_HIDDEN))
    answered = bytes(codes[f"answered.{test}"] for test in layout.tests)
    borderline = bool(codes["borderline"])
    own = tuple(places[0, : sum(sizes)].tolist())
    shown = shown_of(sizes, borderline)
    return Listed(
        tuple(layout.conditions[place] for place in own),
        group_names(sizes),
        shown,
        next_tests(layout, own[:shown], answered, borderline),
    )


def shown_of(sizes: Sequence[int], borderline: bool) -> int:
    """Return how many entries stand before the fold."""
    return 0 if borderline else sizes[_FITS] + sizes[_NOT_TO_MISS]


def group_names(sizes: Sequence[int]) -> tuple[CheckGroup, ...]:
    """Return the group of each entry."""
    return tuple(group for group, size in zip(GROUPS, sizes, strict=True) for _ in range(size))


def next_tests(
    layout: ListLayout, shown: tuple[int, ...], answered: bytes, borderline: bool
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the tests for a count, each with the conditions it would settle; a borderline one is repeated first."""
    return ((layout.borderline_test, ()),) if borderline else _next_tests(layout, shown, answered)


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
    groups, places = grouped(layout, cells_of(layout, answers.rows, answers.__getitem__))
    sizes = np.stack([(groups == group).sum(axis=1) for group in range(_HIDDEN)], axis=1).astype(np.uint8)
    borderline = answers["borderline"].astype(np.bool_)
    shown = np.where(borderline, 0, sizes[:, _FITS] + sizes[:, _NOT_TO_MISS]).astype(np.int8)
    every = np.where(groups < _HIDDEN, places, _LAST).astype(np.uint8)
    most = max(int(shown.max(initial=0)), 1)
    before = np.where(np.arange(most) < shown[:, None], every[:, :most], _LAST).astype(np.uint8)
    known = [answers[f"answered.{test}"].view(np.uint8) for test in layout.tests]
    asked = np.column_stack([borderline.view(np.uint8), *known, before])

    def tests(row: bytes) -> str:
        own = tuple(place for place in row[1 + len(known) :] if place < _LAST)
        return SEPARATOR.join([t for t, _ in next_tests(layout, own, row[1 : 1 + len(known)], bool(row[0]))])

    codes, lists = distinct(every)
    grouped_as, group_words = worded(sizes, lambda row: SEPARATOR.join(group_names(row)))
    tested, test_words = worded(asked, tests)
    return ListColumns(
        (codes, _joined_names(layout.conditions, lists)),
        (grouped_as, from_texts(group_words)),
        (tested, from_texts(test_words)),
        shown,
        borderline,
    )


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
