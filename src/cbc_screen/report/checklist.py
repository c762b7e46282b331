"""The checklist of a count: its order, its groups, how many stand before the fold, the tests that would settle it.

One definition for columns (`list_columns.py`) and for one record: a row of small numbers for each count (`cells`). Points order and go no further.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.conclusions import ANEMIC, UNCLEAR, UNSENT
from cbc_screen.kernel.ranking import BASE, CELL, HIDDEN_AT, MOST_POINTS, POINTS_AT
from cbc_screen.knowledge.ordering import Ordering
from cbc_screen.knowledge.rules import Condition
from cbc_screen.vocabulary import CheckGroup, Tier

SEPARATOR = ";"
GROUPS = tuple(CheckGroup)
ABOUT = ("borderline", UNSENT, UNCLEAR, ANEMIC)  # what the next tests ask of a count as a whole
FITS, NOT_TO_MISS, _POSSIBLE, _UNLIKELY = range(len(GROUPS))
_PLACE_BITS = 7  # conditions are fewer than these bits count
LAST = (1 << _PLACE_BITS) - 1
# The lowest bits of a cell: below `_OPEN` it stands before the fold whatever else does.
_MARK_BITS, _MARKS, _OPEN = 2, 3, 2
_MUST = np.int16(2)  # not set where a condition must stand before the fold
_AT_ONCE = 4_096  # rows that stay in the cache
Cells = NDArray[np.int16]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class ListLayout:
    """What lists are made from: conditions in their fixed order, the sizes of the groups, the tests."""

    conditions: tuple[str, ...]
    critical: tuple[str, ...]
    settled_by: tuple[tuple[str, ...], ...]  # of each condition, the best first
    tests: tuple[str, ...]  # that a count may already answer, or that is not asked of every count
    first_test: str
    unsent_test: str
    unclear_test: str
    anemia_test: str
    borderline_test: str
    fits_least: int
    fits_within: int
    fits_most: int
    not_to_miss_most: int
    possible_least: int
    tests_most: int
    shifted: bool = False  # a setting is stated: each condition has a cell without it too

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


def list_layout(ordering: Ordering, conditions: Sequence[Condition], *, shifted: bool = False) -> ListLayout:
    """Return what the lists of a kernel are made from."""
    asked = {test: None for condition in conditions for test in condition.settled_by}
    return ListLayout(
        conditions=tuple(condition.id for condition in conditions),
        critical=tuple(condition.id for condition in conditions if condition.tier is Tier.TIME_CRITICAL),
        settled_by=tuple(condition.settled_by for condition in conditions),
        tests=tuple(test for test in asked if ordering.questions[test].may_be_left),
        first_test=ordering.first_test,
        unsent_test=ordering.unsent_test,
        unclear_test=ordering.unclear_test,
        anemia_test=ordering.anemia_test,
        borderline_test=ordering.borderline_test,
        fits_least=ordering.fits_least,
        fits_within=ordering.fits_within,
        fits_most=ordering.fits_most,
        not_to_miss_most=ordering.not_to_miss_most,
        possible_least=ordering.possible_least,
        tests_most=ordering.tests_most,
        shifted=shifted,
    )


def cell_names(layout: ListLayout) -> list[str]:
    """Return the names of the codes that a list is made from: a cell for each condition, then those without the setting."""
    kinds = (CELL, BASE) if layout.shifted else (CELL,)
    return [f"{kind}.{name}" for kind in kinds for name in layout.conditions]


def grouped(layout: ListLayout, cells: Cells) -> tuple[Bytes, Bytes]:
    """Return the places of the conditions of each count in the order of its list, and the size of each group.

    What is not listed comes last, as `LAST`.
    """
    if layout.shifted:
        cells, plain = np.hsplit(cells, 2)
        cells = _kept_in_front(layout, cells, plain)
    places = np.full(cells.shape, LAST, dtype=np.uint8)
    sizes = np.empty((len(cells), len(GROUPS)), dtype=np.uint8)
    for at in range(0, len(cells), _AT_ONCE):
        part = slice(at, at + _AT_ONCE)
        _group(layout, cells[part], places[part], sizes[part])
    return places, sizes


def _kept_in_front(layout: ListLayout, cells: Cells, plain: Cells) -> Cells:
    """Return cells in which all that is time-critical and stands in front without the setting must stand in front with it."""
    places, sizes = grouped(replace(layout, shifted=False), plain)
    front = np.arange(places.shape[1]) < (sizes[:, FITS] + sizes[:, NOT_TO_MISS])[:, None]
    critical = np.isin(layout.conditions, layout.critical)
    rows, at = np.nonzero(front)
    found = places[rows, at]
    keep = critical[found]
    cells = cells.copy()
    cells[rows[keep], found[keep]] &= ~_MUST
    return cells


def _group(layout: ListLayout, cells: Cells, places: Bytes, sizes: Bytes) -> None:
    """Write the places and the sizes of some counts.

    In the order of points those that fit come first and the unlikely ones last: only what must not be missed moves.
    """
    at = np.arange(cells.shape[1], dtype=np.int32)
    keys = _in_order_of_points(cells, at)
    listed = keys < 1 << HIDDEN_AT + _PLACE_BITS
    many = _ones(listed)
    possible = keys < MOST_POINTS + 1 - layout.possible_least << POINTS_AT + _PLACE_BITS
    likely = _ones(possible)
    first = keys[:, : layout.fits_most] >> POINTS_AT + _PLACE_BITS  # lowest for the most points
    fits = first <= np.minimum(MOST_POINTS - layout.fits_least, first[:, :1] + layout.fits_within)
    fits &= listed[:, : layout.fits_most]
    listed[:, : layout.fits_most] &= ~fits
    miss = _not_to_miss(layout, keys, listed)
    if layout.shifted:
        fits &= ~_crowded_out(layout, keys, fits, miss)
    few = _ones(fits)
    # Three classes, and in each the order of points: those that fit, those not to be missed, the others.
    order = keys >> _MARK_BITS
    order &= LAST
    order |= (at | 2 << _PLACE_BITS) << _PLACE_BITS
    order[:, : layout.fits_most] -= fits.astype(np.int32) << 2 * _PLACE_BITS + 1
    order -= miss.astype(np.int32) << 2 * _PLACE_BITS
    keys >>= HIDDEN_AT + _PLACE_BITS
    keys *= LAST
    order |= keys
    order.sort(axis=1)
    np.copyto(places, order, casting="unsafe")
    places &= LAST
    much = _ones(miss)
    miss &= possible
    likely -= np.minimum(few, likely) + _ones(miss)
    sizes[:] = np.stack([few, much, likely, many - few - much - likely], axis=1)


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


def _not_to_miss(layout: ListLayout, keys: NDArray[np.int32], rest: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell what must not be missed: all that must stand, then the first of what is time-critical as far as there is room."""
    marks = keys.astype(np.uint8)
    marks &= np.uint8(_MARKS)
    must = (marks < _OPEN) & rest
    miss: NDArray[np.bool_] = (marks == _OPEN) & rest
    room = layout.not_to_miss_most - _ones(must).astype(np.int8)
    crowded = np.flatnonzero(_ones(miss).view(np.int8) > room)
    miss[crowded] &= miss[crowded].cumsum(axis=1, dtype=np.int8) <= room[crowded, None]
    miss |= must
    return miss


def _crowded_out(
    layout: ListLayout, keys: NDArray[np.int32], fits: NDArray[np.bool_], miss: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell what leaves what fits, last first, so that no more stands before the fold than without a setting."""
    room = layout.fits_most + layout.not_to_miss_most
    excess = np.maximum(_ones(fits).astype(np.int16) + _ones(miss) - room, 0)
    free = fits & (keys[:, : layout.fits_most] & _MARKS >= _OPEN)
    behind = free[:, ::-1].cumsum(axis=1)[:, ::-1]
    found: NDArray[np.bool_] = free & (behind <= excess[:, None])
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
    about = bytes(codes[name] for name in ABOUT)
    own = tuple(places[0, : sum(sizes)].tolist())
    shown = shown_of(sizes, bool(codes["borderline"]))
    return Listed(
        tuple(layout.conditions[place] for place in own),
        group_names(sizes),
        shown,
        next_tests(layout, own[:shown], answered, about),
    )


def shown_of(sizes: Sequence[int], borderline: bool) -> int:
    """Return how many entries stand before the fold."""
    return 0 if borderline else sizes[FITS] + sizes[NOT_TO_MISS]


def group_names(sizes: Sequence[int]) -> tuple[CheckGroup, ...]:
    """Return the group of each entry."""
    return tuple(group for group, size in zip(GROUPS, sizes, strict=True) for _ in range(size))


def next_tests(
    layout: ListLayout, shown: tuple[int, ...], answered: bytes, about: bytes
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the tests for a count, each with the conditions it would settle.

    A borderline count is repeated, and one of which a line was not sent, or cannot be judged, is completed, before anything else.
    """
    borderline, unsent, unclear, anemic = about
    if borderline:
        return ((layout.borderline_test, ()),)
    rest = [(test, ()) for test, asked in ((layout.unsent_test, unsent), (layout.unclear_test, unclear)) if asked]
    return (*rest, *_next_tests(layout, shown, answered, bool(anemic)))[: layout.tests_most]


@lru_cache(maxsize=65_536)
def _next_tests(
    layout: ListLayout, shown: tuple[int, ...], answered: bytes, anemic: bool
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the tests that would settle what is shown: the film first, then the best test of each, then the others."""
    known = {test for test, is_known in zip(layout.tests, answered, strict=True) if is_known}
    own = [[test for test in layout.settled_by[place] if test not in known] for place in shown]
    # What leads the list is settled first: its best test beside the film, then the best of each, the next two of the
    # leading one, the second of each, and so on; of those that are not done. Of every anemia it is asked whether it is
    # made up for, behind the test of what leads.
    made_up_for = [layout.anemia_test] if anemic and layout.anemia_test not in known else []
    leading = [test for test in own[0] if test != layout.first_test] if own else []
    best = [tests[0] for tests in own if tests]
    rounds = (test for tests in zip_longest(*own) for test in tests if test is not None)
    wanted: dict[str, list[str]] = {test: [] for test in (*leading[:1], *made_up_for, *best, *leading[1:3], *rounds)}
    for place, tests in zip(shown, own, strict=True):
        for test in tests:
            wanted[test].append(layout.conditions[place])
    order = sorted(wanted, key=lambda test: test != layout.first_test)
    return tuple((test, tuple(wanted[test])) for test in order[: layout.tests_most])
