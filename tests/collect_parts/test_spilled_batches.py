"""What is kept of a table stays in memory up to a budget, and beyond it in a file."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from no_files import FileWantedError

from cbc_screen.arrays import from_numpy
from cbc_screen.collect.spill import Spill


def batch_of(*numbers: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([from_numpy(np.array(numbers, dtype=np.int64))], names=["line"])


def lines_of(batches: list[pa.RecordBatch]) -> list[list[int]]:
    return [batch.column("line").to_pylist() for batch in batches]


def bytes_of(many: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([from_numpy(np.zeros(many, dtype=np.uint8))], names=["byte"])


@pytest.mark.usefixtures("no_file")
def test_what_fills_the_budget_stays_in_memory() -> None:
    kept = Spill(budget=16)
    kept.add("a", batch_of(1, 2))
    assert lines_of(kept.batches("a")) == [[1, 2]]


@pytest.mark.usefixtures("no_file")
def test_what_is_more_than_the_budget_wants_a_file() -> None:
    kept = Spill(budget=16)
    with pytest.raises(FileWantedError):
        kept.add("a", batch_of(1, 2, 3))


@pytest.mark.usefixtures("no_file")
def test_what_is_taken_makes_room() -> None:
    kept = Spill(budget=16)
    kept.add("a", batch_of(1, 2))
    assert lines_of(kept.take("a")) == [[1, 2]]
    kept.add("b", batch_of(3, 4))
    assert lines_of(kept.batches("b")) == [[3, 4]]


@pytest.mark.usefixtures("no_file")
def test_ninety_six_megabytes_are_kept_in_memory_and_no_more() -> None:
    """As the page on performance says, where a megabyte is 1,048,576 bytes."""
    Spill().add("a", bytes_of(100_663_296))
    with pytest.raises(FileWantedError):
        Spill().add("a", bytes_of(100_663_297))


def test_a_file_is_read_between_what_is_written_to_it() -> None:
    kept = Spill(budget=0)
    kept.add("a", batch_of(1, 2))
    assert lines_of(kept.batches("a")) == [[1, 2]]
    kept.add("a", batch_of(3))
    kept.add("b", batch_of(4, 5))
    assert lines_of(kept.batches("a")) == [[1, 2], [3]]
    assert lines_of(kept.take("b")) == [[4, 5]]
    kept.close()
