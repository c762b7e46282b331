"""A comparison of a number that grows with another is one of that other, for every double."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbc_screen.kernel.bits import Bit
from cbc_screen.kernel.chains import first_that, origin
from cbc_screen.kernel.columns import ColumnProgram, LimitTable
from cbc_screen.kernel.passes import compile_columns
from cbc_screen.kernel.printed import divide
from cbc_screen.kernel.program import Builder, Op, Program
from cbc_screen.kernel.scalar import scalar_source
from cbc_screen.kernel.step_plan import COLUMN_UFUNCS

TABLE = LimitTable({}, np.empty((0, 1)))
ARITHMETIC = (Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE, Op.SMALLER, Op.LARGER)
constants = st.one_of(st.sampled_from([0.001, 0.9, 3.0, 100.0, 1e9, 6755399441055744.0]), st.floats(1e-6, 1e6))
chains = st.lists(st.tuples(st.sampled_from(ARITHMETIC), constants), min_size=1, max_size=6)


def compared(chain: list[tuple[Op, float]], limit: float) -> Program:
    """Compare what a chain makes of x with a limit, in every way."""
    b = Builder()
    number = b.step(Op.INPUT, value="x.low")
    for op, constant in chain:
        number = b.arithmetic(op, number, b.number(constant))
    end = b.number(limit)
    return b.program(
        {
            "below": b.less(number, end),
            "above": b.less(end, number),
            "at_most": b.at_most(number, end),
            "at_least": b.at_most(end, number),
            "there": b.present(number),
        }
    )


def near(values: list[float]) -> list[float]:
    """Return values, their neighbors, and the ends of the scale."""
    around = [math.nextafter(value, way) for value in values for way in (-math.inf, math.inf)]
    return [*values, *around, 0.0, -0.0, math.inf, -math.inf, math.nan]


@given(chain=chains, limit=st.one_of(constants, st.floats(-1e6, 1e6)), values=st.lists(st.floats(), max_size=8))
def test_columns_say_what_the_steps_one_by_one_say(
    chain: list[tuple[Op, float]], limit: float, values: list[float]
) -> None:
    program = compared(chain, limit)
    nodes = [(op, constant) for op, constant in chain]
    boundary = [x for x in [_reach(nodes, limit)] if x is not None]
    column = np.array(near([*values, *boundary]))
    answers = ColumnProgram(program, TABLE).run({"x.low": column}, np.zeros(len(column), dtype=np.intp))
    with np.errstate(all="ignore"):
        made = column
        for op, constant in chain:
            made = COLUMN_UFUNCS[op](made, constant)
        expected = {"below": made < limit, "above": made > limit, "at_most": made <= limit, "at_least": made >= limit}
    for name, one in (expected | {"there": ~np.isnan(made)}).items():
        assert answers[name].tolist() == one.tolist(), name


def _reach(chain: list[tuple[Op, float]], limit: float) -> float | None:
    steps = [lambda x, op=op, constant=constant: float(COLUMN_UFUNCS[op](x, constant)) for op, constant in chain]
    with np.errstate(all="ignore"):
        return first_that(steps, lambda x: x >= limit)


def test_a_percentage_rounded_to_nine_decimals_and_held_against_ten_is_one_comparison() -> None:
    """x times 100, rounded to nine decimals: 0.0999999999995 and above become 10.000000000 (a tie goes to the even digit)."""
    rounding = 6755399441055744.0  # 1.5 times 2^52: what is added to it keeps no fraction
    chain = [
        (Op.MULTIPLY, 100.0),
        (Op.MULTIPLY, 1e9),
        (Op.ADD, rounding),
        (Op.SUBTRACT, rounding),
        (Op.DIVIDE, 1e9),
    ]
    program = compared(chain, 10.0)
    nodes = compile_columns(program, TABLE).lowered.nodes
    assert {node.op for node in nodes} <= {Op.INPUT, Op.CONST, Bit.LESS, Bit.PRESENT, Bit.XOR, Bit.NOT, Bit.AND}
    column = np.array([0.099999999995, 0.0999999999949, 0.1, 0.09, np.nan])
    answers = ColumnProgram(program, TABLE).run({"x.low": column}, np.zeros(5, dtype=np.intp))
    assert answers["below"].tolist() == [False, True, False, True, False]
    assert answers["at_least"].tolist() == [True, False, True, False, False]


def test_what_falls_or_has_two_numbers_in_it_is_no_chain() -> None:
    b = Builder()
    x, y = b.step(Op.INPUT, value="x.low"), b.step(Op.INPUT, value="y.low")
    of_two = b.arithmetic(Op.ADD, x, y)
    falling = b.arithmetic(Op.SUBTRACT, b.number(100.0), x)
    turned = b.arithmetic(Op.MULTIPLY, x, b.number(-1.0))
    endless = b.arithmetic(Op.LARGER, x, b.number(math.inf))
    for number in (x, of_two, falling, turned, endless):
        assert origin(b.steps, number) == (number, [])
    grown, steps = origin(b.steps, b.arithmetic(Op.DIVIDE, b.arithmetic(Op.ADD, b.number(1.0), of_two), b.number(2.0)))
    assert grown == of_two
    assert [step(3.0) for step in steps] == [4.0, 1.5]


@pytest.mark.parametrize(
    ("reaches", "first"),
    [
        (lambda x: x >= 0, 0.0),
        (lambda x: x > 0, 5e-324),
        (lambda x: x >= -2.5, -2.5),
        (lambda x: x == math.inf, math.inf),
        (lambda x: True, -math.inf),
        (lambda x: False, None),
    ],
)
def test_the_first_double_that_reaches(reaches, first) -> None:
    assert first_that([], reaches) == first


def test_the_function_for_one_record_makes_every_step() -> None:
    """Its comparisons are the ones that were written: the two doors are held against each other."""
    source = scalar_source(compared([(Op.MULTIPLY, 100.0), (Op.SUBTRACT, 5.0)], 10.0), {})
    assert "* 100.0" in source
    assert "- 5.0" in source


@pytest.mark.parametrize(
    ("number", "zero", "expected"),
    [
        (3.0, 0.0, math.inf),
        (-3.0, 0.0, -math.inf),
        (3.0, -0.0, -math.inf),
        (-3.0, -0.0, math.inf),
        (math.inf, 0.0, math.inf),
    ],
)
def test_a_number_divided_by_zero_is_infinite_as_in_columns(number: float, zero: float, expected: float) -> None:
    assert divide(number, zero) == expected
    with np.errstate(divide="ignore"):
        assert np.float64(number) / np.float64(zero) == expected


@pytest.mark.parametrize("number", [0.0, -0.0, math.nan])
def test_nothing_divided_by_nothing_is_no_number(number: float) -> None:
    assert math.isnan(divide(number, 0.0))


def test_what_every_number_reaches_is_whether_there_is_one() -> None:
    """One more than the larger of x and 5 is at least 6 and never below 3, whatever x is."""
    program = compared([(Op.LARGER, 5.0), (Op.ADD, 1.0)], 3.0)
    nodes = compile_columns(program, TABLE).lowered.nodes
    assert Bit.LESS not in {node.op for node in nodes}
    column = np.array([-math.inf, 0.0, 7.0, math.inf, math.nan])
    answers = ColumnProgram(program, TABLE).run({"x.low": column}, np.zeros(5, dtype=np.intp))
    assert answers["below"].tolist() == [False] * 5
    assert answers["at_least"].tolist() == answers["above"].tolist() == [True] * 4 + [False]


def test_what_no_number_reaches_is_whether_there_is_one() -> None:
    """The smaller of x and 5 is below 7 and never at least 7, whatever x is."""
    program = compared([(Op.SMALLER, 5.0)], 7.0)
    nodes = compile_columns(program, TABLE).lowered.nodes
    assert Bit.LESS not in {node.op for node in nodes}
    column = np.array([-math.inf, 0.0, 7.0, math.inf, math.nan])
    answers = ColumnProgram(program, TABLE).run({"x.low": column}, np.zeros(5, dtype=np.intp))
    assert answers["at_least"].tolist() == answers["above"].tolist() == [False] * 5
    assert answers["below"].tolist() == answers["at_most"].tolist() == [True] * 4 + [False]
