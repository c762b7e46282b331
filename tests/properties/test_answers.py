"""Answers packed to bits say the same in whatever form they are asked."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cbc_screen.kernel.answers import AnswerPlace, Answers
from cbc_screen.kernel.bits import FALSE, TRUE

NAMES = ("a", "b", "c", "always", "never")
PLACES = {name: AnswerPlace(None, (plane,)) for name, plane in zip(NAMES, (0, 1, 2, TRUE, FALSE), strict=True)}


def answers_of(flags: NDArray[np.bool_], padding: int = 0) -> Answers:
    """Pack the flags a, b and c of each row; `padding` fills the bits behind the last row."""
    planes = np.packbits(flags, axis=0).T.copy()
    if len(flags) % 8:
        planes[:, -1] |= np.uint8(padding & (0xFF >> len(flags) % 8))
    return Answers(len(flags), PLACES, planes, {})


@st.composite
def some_answers(draw: st.DrawFn) -> Answers:
    rows = draw(st.integers(1, 40))
    bits = draw(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=rows, max_size=rows))
    answers = answers_of(np.array(bits, dtype=np.bool_), draw(st.sampled_from((0, 0xFF))))
    own = draw(st.lists(st.integers(0, rows - 1), max_size=rows, unique=True))
    if own:
        bits = draw(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=len(own), max_size=len(own)))
        answers.others.append((np.array(own), answers_of(np.array(bits, dtype=np.bool_))))
    return answers


@given(some_answers(), st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
def test_fired_are_the_rows_in_which_a_flag_is_set(answers: Answers, names: list[str]) -> None:
    rows, flags = answers.fired(names)
    columns = np.stack([answers[name] for name in names], axis=1)
    assert rows.tolist() == np.flatnonzero(columns.any(axis=1)).tolist()
    assert (np.unpackbits(flags, axis=1, count=len(names), bitorder="little") == columns[rows]).all()


@given(some_answers(), st.sampled_from(NAMES))
def test_a_flag_that_some_row_has_is_set(answers: Answers, name: str) -> None:
    assert answers.is_set(name) or not answers[name].any()


def test_what_was_not_asked_is_not_set() -> None:
    assert not answers_of(np.ones((3, 3), dtype=np.bool_)).is_set("another")


def test_fired_of_flags_worked_out_by_hand() -> None:
    answers = answers_of(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0]], dtype=np.bool_))
    rows, flags = answers.fired(("a", "b"))
    assert rows.tolist() == [1, 3]
    assert flags.tolist() == [[0b10], [0b11]]  # the first name is the lowest bit
