"""Distinct combinations of columns, and of what stands beside values, have numbers."""

from __future__ import annotations

import numpy as np
import pytest

from cbc_screen.collect import besides
from cbc_screen.collect.besides import Besides, BesideValue
from cbc_screen.collect.combine import combine
from cbc_screen.collect.errors import NotInColumnsError


def test_rows_of_which_nothing_is_told_are_one_combination() -> None:
    found = combine(3, [])
    assert (found.codes.tolist(), found.first.tolist()) == ([0, 0, 0], [0])


def test_a_column_of_one_word_tells_no_rows_apart() -> None:
    found = combine(3, [(np.zeros(3, dtype=np.int32), 1)])
    assert (found.codes.tolist(), found.first.tolist()) == ([0, 0, 0], [0])


def test_no_rows_are_no_combination() -> None:
    found = combine(0, [])
    assert (found.codes.tolist(), found.first.tolist()) == ([], [])


@pytest.mark.parametrize("many", [3, 2_000_000])
def test_each_combination_has_its_first_row(many: int) -> None:
    """The same holds of few combinations that could be, and of very many."""
    one, other = np.array([1, 0, 1, 0], dtype=np.int32), np.array([2, 0, 2, 1], dtype=np.int32)
    found = combine(4, [(one, 2), (other, many)])
    assert (found.codes.tolist(), found.first.tolist()) == ([2, 0, 2, 1], [1, 3, 0])


def test_as_many_words_beside_values_are_numbered_as_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(besides, "_MOST", 2)
    found = Besides()
    units = [BesideValue(unit, "", "", "") for unit in ("g/dL", "g/L", "%")]
    assert [found.number(units[0]), found.number(units[1]), found.number(units[0])] == [0, 1, 0]
    with pytest.raises(NotInColumnsError):
        found.number(units[2])
