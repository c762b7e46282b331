"""The answers of many rows: eight rows to a byte, and what is read out of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cbc_screen.kernel.answers import AnswerPlace, Answers, turned
from cbc_screen.kernel.bits import FALSE, TRUE
from cbc_screen.kernel.columns import ColumnProgram, LimitTable
from cbc_screen.kernel.program import Builder, Op
from cbc_screen.kernel.step_plan import StepPlan


def bits(*rows: str) -> NDArray[np.uint8]:
    """Return planes of eight rows, the first row leftmost."""
    return np.array([[int(row, 2)] for row in rows], dtype=np.uint8)


# Of eight rows: the ones, the twos and the fours of the numbers from 0 to 7.
PLANES = bits("01010101", "00110011", "00001111")


def answers(places: dict[str, AnswerPlace]) -> Answers:
    return Answers(8, places, PLANES, {})


def test_eight_bits_of_eight_planes_become_those_of_eight_rows() -> None:
    """The highest bit of a packed byte is its first row; the lowest plane is the lowest bit of a row."""
    planes = np.array([0b10000000, 0b01000000, 0b00100000, 0b11110000, 0, 0b00000001, 0b10000001, 0b01010101])
    assert turned(planes.astype(np.uint8).reshape(1, 8)).tolist() == [
        0b01001001, 0b10001010, 0b00001100, 0b10001000, 0b00000000, 0b10000000, 0b00000000, 0b11100000
    ]  # fmt: skip


def test_a_code_is_its_base_and_its_planes() -> None:
    found = answers(
        {"code": AnswerPlace(0, (0, 1, 2)), "less": AnswerPlace(-1, (1, 0)), "more": AnswerPlace(3, (2, TRUE))}
    )
    assert found.codes(["code", "less", "more"]).T.tolist() == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [-1, 1, 0, 2, -1, 1, 0, 2],
        [5, 5, 5, 5, 6, 6, 6, 6],
    ]


def test_the_flags_that_are_set_are_told_row_by_row_also_those_that_always_are() -> None:
    places = {"never": FALSE, "odd": 0, "late": 2, "always": TRUE}
    found = answers({name: AnswerPlace(None, (plane,)) for name, plane in places.items()})
    rows, flags = found.fired(["odd", "never", "late"])
    assert rows.tolist() == [1, 3, 4, 5, 6, 7]
    assert flags.tolist() == [[1], [1], [4], [5], [4], [5]]
    rows, flags = found.fired(["always", "odd"])
    assert rows.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert flags.tolist() == [[1], [3], [1], [3], [1], [3], [1], [3]]


@pytest.mark.parametrize(
    ("base", "planes", "size"),
    [(0, 7, 1), (1, 7, 2), (0, 8, 2), (-128, 8, 1), (-129, 8, 2)],  # to 127, to 128, to 255, from -128, from -129
)
def test_a_code_takes_one_byte_where_all_that_it_can_be_fits(base: int, planes: int, size: int) -> None:
    column = answers({"code": AnswerPlace(base, (0,) * planes)})["code"]
    assert column.itemsize == size
    assert column.tolist() == [base, base + 2**planes - 1] * 4


def test_logic_of_many_rows_is_that_of_few() -> None:
    """Neither a nor b, or else c: what is made on the way goes out under no name."""
    b = Builder()
    first, second, third = (b.step(Op.FLAG, value=name) for name in "abc")
    neither = b.negate(b.either(first, second))
    program = b.program({"found": b.either(neither, third), "both": b.both(b.both(first, second), b.negate(third))})
    pattern = {"a": [0, 0, 0, 0, 1, 1, 1, 1], "b": [0, 0, 1, 1, 0, 0, 1, 1], "c": [0, 1, 0, 1, 0, 1, 0, 1]}
    for many in (1, 512, 513, 1_000):  # 8, 4,096, 4,104 and 8,000 rows
        flags = {name: np.array(own * many, dtype=np.bool_) for name, own in pattern.items()}
        runner = ColumnProgram(program, LimitTable({}, np.empty((0, 1))))
        told = runner.run(flags, np.zeros(8 * many, dtype=np.intp))
        assert told["found"].tolist() == [True, True, False, True, False, True, False, True] * many
        assert told["both"].tolist() == [False, False, False, False, False, False, True, False] * many


def test_a_plan_begins_without_rows_and_gives_slots_behind_those_it_has() -> None:
    plan = StepPlan(slots=3)
    assert (plan.number_rows, plan.bit_rows) == (0, 0)
    assert [plan.slot(), plan.slot(), plan.constant(np.array(1.0))] == [3, 4, 5]
    assert plan.slots == 6
