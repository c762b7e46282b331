"""Keys of persons that are whole numbers are kept as numbers, and are written as they were."""

from __future__ import annotations

import numpy as np
import pytest

from cbc_screen.arrays import from_numpy, from_texts
from cbc_screen.collect.digits import NO_NUMBER, as_written, whole_numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("12", 12), ("305", 305), ("999999999999999999", 999_999_999_999_999_999)],
)
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole_numbers(from_texts([text])).tolist() == [number]


@pytest.mark.parametrize("text", ["", "007", "00", ":", "1:", "/", "1.0", "-1", "A1"])
def test_other_texts_are_no_number(text: str) -> None:
    assert whole_numbers(from_texts([text])).tolist() == [NO_NUMBER]


@pytest.mark.parametrize("text", ["1000000000000000000", "9999999999999999999"])
def test_more_than_eighteen_digits_are_no_number(text: str) -> None:
    assert whole_numbers(from_texts([text])).tolist() == [NO_NUMBER]


def test_texts_of_several_lengths_keep_their_places() -> None:
    assert whole_numbers(from_texts(["10", "x", "3", "", "42"])).tolist() == [10, -1, 3, -1, 42]


def test_a_number_is_written_in_its_digits_and_any_other_key_is_its_text() -> None:
    numbers = from_numpy(np.array([0, 1, -1], dtype=np.int64))
    assert as_written(numbers, from_texts(["", "", "A1"])).to_pylist() == ["0", "1", "A1"]
