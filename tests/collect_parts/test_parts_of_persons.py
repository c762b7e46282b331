"""Rows are parted by their persons once there are too many for one part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from cbc_screen.arrays import from_numpy, from_texts
from cbc_screen.collect.partitions import FACTS, ROWS, Partitions


def rows_of(persons: Sequence[int], first: int = 0) -> pa.RecordBatch:
    lines = np.arange(first, first + len(persons), dtype=np.int64)
    columns = [from_numpy(np.array(persons, dtype=np.int64)), from_texts([""] * len(persons)), from_numpy(lines)]
    return pa.RecordBatch.from_arrays(columns, names=["number", "text", "line"])


def tables_of(partitions: Partitions) -> list[list[tuple[int, int]]]:
    """Return the persons and lines of each part that has any."""
    found = []
    for table, _ in partitions.each():
        if table is not None:
            found.append(list(zip(table["number"].to_pylist(), table["line"].to_pylist(), strict=True)))
    return found


def test_few_rows_are_one_part_as_they_came() -> None:
    partitions = Partitions(part_rows=4)
    partitions.add(ROWS, rows_of([5, 6]), 0.5)
    partitions.add(ROWS, rows_of([5], first=2), 1.0)
    assert partitions.parts == 0
    assert tables_of(partitions) == [[(5, 0), (6, 1), (5, 2)]]


@pytest.mark.parametrize(("share", "parts"), [(1.0, 2), (0.5, 3), (0.125, 9)])
def test_as_many_parts_are_made_as_the_rows_to_come_will_fill(share: float, parts: int) -> None:
    """Four rows after so much of the source are 4, 8 and 32 in all; a part takes four."""
    partitions = Partitions(part_rows=4)
    partitions.add(ROWS, rows_of([1, 2, 3, 4]), share)
    assert partitions.parts == parts


def test_there_are_at_most_512_parts() -> None:
    """However little of the source fills one: a thousandth would be a thousand parts."""
    partitions = Partitions(part_rows=1)
    partitions.add(ROWS, rows_of([1]), 0.001)
    assert partitions.parts == 512


def test_every_row_of_a_person_is_in_one_part_in_the_order_in_which_they_came() -> None:
    partitions = Partitions(part_rows=4)
    partitions.add(ROWS, rows_of([1, 2, 1, 2]), 0.5)
    partitions.add(ROWS, rows_of([2, 1, 3], first=4), 1.0)
    tables = tables_of(partitions)
    together = [line for table in tables for line in table]
    assert sorted(together) == [(1, 0), (1, 2), (1, 5), (2, 1), (2, 3), (2, 4), (3, 6)]
    for person, lines in ((1, [0, 2, 5]), (2, [1, 3, 4]), (3, [6])):
        assert [own for table in tables if (own := [line for one, line in table if one == person])] == [lines]


def test_what_is_known_of_a_person_is_in_the_part_of_the_rows() -> None:
    partitions = Partitions(part_rows=2)
    partitions.add(ROWS, rows_of([1, 2]), 1.0)
    partitions.add(FACTS, rows_of([2, 1]), 1.0)
    found = []
    for table, facts in partitions.each():
        if table is not None:
            persons = set(table["number"].to_pylist())
            found += [(number in persons) for batch in facts for number in batch.column("number").to_pylist()]
    assert found == [True, True]
