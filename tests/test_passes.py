"""The passes of the compiler, one by one, on a program of a few steps; and the table of facts.

The program: hemoglobin below the limit of the person, hemoglobin below 80 and platelets below 100, how many of two lines
are low, low in women, and how far hemoglobin lies from its limit. The limit is 117 for key 0 and 133 for key 1.
"""

from __future__ import annotations

import numpy as np
import pytest

from cbc_screen.kernel.bits import Bit
from cbc_screen.kernel.columns import CHUNK, ColumnProgram, LimitTable
from cbc_screen.kernel.fact_table import Facts, Join, join_of, least, mark, most, no, yes
from cbc_screen.kernel.passes import PASSES, Compilation
from cbc_screen.kernel.program import Builder, Op, Program, Truth
from cbc_screen.kernel.step_plan import CALL, PACK, SELECT, TAKE

NAMES = [own.name for own in PASSES]


def small_program() -> Program:
    b = Builder()
    hemoglobin, platelets = b.step(Op.INPUT, value="hemoglobin.low"), b.step(Op.INPUT, value="platelets.low")
    limit, female = b.step(Op.LIMIT, value="lower:hemoglobin"), b.step(Op.TRAIT, value="female")
    low, few = b.less(hemoglobin, limit), b.less(platelets, b.number(100.0))
    return b.program(
        {
            "low": low,
            "deep_and_few": b.both(b.less(hemoglobin, b.number(80.0)), few),
            "lines": b.sum([low, few]),
            "female_low": b.both(female, low),
            "gap": b.arithmetic(Op.SUBTRACT, limit, hemoglobin),
        }
    )


TABLE = LimitTable({"lower:hemoglobin": 0, "female": 1}, np.array([[117.0, 133.0], [1.0, 0.0]]))


def compiled_until(name: str) -> Compilation:
    compilation = Compilation(small_program(), TABLE)
    for own in PASSES[: NAMES.index(name) + 1]:
        own.run(compilation)
    return compilation


def nodes_of(c: Compilation, op: Op | Bit) -> list[int]:
    return [number for number, node in enumerate(c.lowered.nodes) if node.op is op]


def test_every_pass_has_a_name_of_its_own_and_says_what_it_makes() -> None:
    assert len(set(NAMES)) == len(NAMES) == 8
    assert all(own.makes for own in PASSES)


def test_lower_shares_what_is_the_same_and_splits_a_count_into_its_bits() -> None:
    lowered = compiled_until("lower").lowered
    assert [node.op for node in lowered.nodes].count(Bit.LESS) == 3  # "low" is one comparison, used three times
    assert set(lowered.flags) == {"low", "deep_and_few", "female_low"}
    assert list(lowered.floats) == ["gap"]
    # Of two bits the sum is 0, 1 or 2: the ones are their exclusive or, the twos their and.
    assert [lowered.nodes[plane].op for plane in lowered.codes["lines"].planes] == [Bit.XOR, Bit.AND]


def test_place_answers_gives_each_bit_that_goes_out_one_row() -> None:
    c = compiled_until("place answers")
    assert sorted(c.rows_of_planes.values()) == [0, 1, 2, 3, 4]  # three flags, and two bits of the count
    assert c.places["low"].base is None
    assert c.places["lines"].base == 0
    assert len(c.places["lines"].planes) == 2


def test_fold_by_key_keeps_what_age_and_sex_alone_decide() -> None:
    c = compiled_until("fold by key")
    assert {n: column.tolist() for n, column in c.folded.numbers.items()} == {nodes_of(c, Op.LIMIT)[0]: [117, 133]}
    assert {n: bits.tolist() for n, bits in c.folded.bits.items()} == {nodes_of(c, Bit.TRAIT)[0]: [1, 0]}


def test_find_homes_tells_the_last_quantity_that_a_node_needs() -> None:
    c = compiled_until("find homes")
    hemoglobin, platelets = nodes_of(c, Op.INPUT)
    assert (c.homes[hemoglobin], c.homes[platelets]) == ((1, 0), (2, 0))
    assert c.homes[c.lowered.flags["low"]] == (1, 0)
    assert c.homes[c.lowered.flags["deep_and_few"]] == (2, 0)
    assert c.homes[nodes_of(c, Op.LIMIT)[0]] == (0, 0)


def test_group_predicates_puts_comparisons_of_one_column_with_constants_in_one_call() -> None:
    c = compiled_until("group predicates")
    hemoglobin, platelets = nodes_of(c, Op.INPUT)
    below = {unit for unit in c.units.values() if unit[0] == "below"}
    assert below == {("below", hemoglobin, 0), ("below", platelets, 0)}
    assert c.units[nodes_of(c, Bit.TRAIT)[0]] == ("traits", 0)


def test_order_steps_takes_compares_and_packs_every_truth_once() -> None:
    plan = compiled_until("order steps").plan
    kinds = [kind for kind, *_ in plan.small]
    assert kinds.count(TAKE) == 2  # the trait and the limit
    assert kinds.count(PACK) == 1
    assert kinds.count(CALL) == 5  # the trait's bit, three comparisons, the difference
    assert plan.large == []
    assert sorted(row for row in plan.bits.values() if isinstance(row, int)) == [0, 1, 2, 3]


def test_assign_numbers_gives_rows_of_memory() -> None:
    c = compiled_until("assign numbers")
    (limit,), gap = nodes_of(c, Op.LIMIT), c.lowered.floats["gap"]
    assert c.plan.number_rows == 2
    assert {c.plan.numbers[limit], c.plan.numbers[gap]} == {0, 1}


def test_plan_logic_makes_every_bit_that_goes_out() -> None:
    c = compiled_until("plan logic")
    assert sorted(c.plan.planes.values()) == [0, 1, 2, 3, 4]
    assert len(c.plan.large) == 5  # one copy, three ands, one exclusive or


def chosen_by_a_flag() -> Program:
    """Twice hemoglobin where a flag stands, else a tenth of platelets; of both nothing else is needed."""
    b = Builder()
    hemoglobin, platelets = b.step(Op.INPUT, value="hemoglobin.low"), b.step(Op.INPUT, value="platelets.low")
    twice, tenth = (
        b.arithmetic(Op.MULTIPLY, hemoglobin, b.number(2.0)),
        b.arithmetic(Op.DIVIDE, platelets, b.number(10.0)),
    )
    of_one = b.select(b.step(Op.FLAG, value="first"), twice, tenth)
    other = b.select(b.step(Op.FLAG, value="second"), of_one, twice)  # here `twice` stands on a side of its own
    return b.program({"one": of_one, "other": other, "shared": b.less(other, b.number(150.0))})


def test_what_one_side_of_a_choice_alone_needs_is_made_where_that_is_chosen() -> None:
    plan = Compilation(chosen_by_a_flag(), TABLE)
    for own in PASSES:
        own.run(plan)
    choices = [call for kind, call, *_ in plan.plan.small if kind == SELECT]
    assert [(len(c.for_first), len(c.for_second)) for c in choices] == [(0, 1), (0, 0)]  # only the tenth has one user


@pytest.mark.parametrize("first", [[True] * 9, [False] * 9, [True, False, True] * 3])
@pytest.mark.parametrize("second", [[True] * 9, [False] * 9, [False, True, True] * 3])
def test_a_choice_is_right_row_by_row_whatever_most_rows_choose(first: list[bool], second: list[bool]) -> None:
    hemoglobin, platelets = np.linspace(60.0, 140.0, 9), np.linspace(1000.0, 200.0, 9)
    hemoglobin[4], platelets[5] = np.nan, np.nan
    inputs = {
        "hemoglobin.low": hemoglobin,
        "platelets.low": platelets,
        "first": np.array(first),
        "second": np.array(second),
    }
    answers = ColumnProgram(chosen_by_a_flag(), TABLE).run(inputs, np.zeros(9, dtype=np.intp))
    one = [2 * h if flag else p / 10 for h, p, flag in zip(hemoglobin, platelets, first, strict=True)]
    other = [x if flag else 2 * h for x, h, flag in zip(one, hemoglobin, second, strict=True)]
    np.testing.assert_array_equal(answers["one"], one)
    np.testing.assert_array_equal(answers["other"], other)
    assert answers["shared"].tolist() == [x < 150 for x in other]


def test_chunks_that_choose_alike_and_chunks_that_do_not_follow_one_another() -> None:
    """The result of one chunk is the number itself, that of the next is mixed: it must not be written into the number."""
    rows = 3 * CHUNK
    hemoglobin = np.arange(rows, dtype=np.float64)
    first = np.zeros(rows, dtype=np.bool_)
    first[CHUNK : 2 * CHUNK : 2] = True  # the second chunk is mixed
    inputs = {
        "hemoglobin.low": hemoglobin,
        "platelets.low": 10 * hemoglobin,
        "first": first,
        "second": np.ones(rows, dtype=np.bool_),
    }
    answers = ColumnProgram(chosen_by_a_flag(), TABLE).run(inputs, np.zeros(rows, dtype=np.intp))
    np.testing.assert_array_equal(answers["other"], np.where(first, 2 * hemoglobin, hemoglobin))
    np.testing.assert_array_equal(inputs["hemoglobin.low"], np.arange(rows))  # what came in is as it was


def test_a_pass_does_not_run_before_what_it_needs() -> None:
    compilation = Compilation(small_program(), TABLE)
    with pytest.raises(AttributeError, match="lowered"):
        PASSES[NAMES.index("fold by key")].run(compilation)


def test_the_compiled_program_says_what_a_reader_of_its_steps_would() -> None:
    """Women of 116 and 117, a man of 117, and a woman of 79 with platelets of 99."""
    inputs = {
        "hemoglobin.low": np.array([116.0, 117.0, 117.0, 79.0]),
        "platelets.low": np.array([100.0, 100.0, 99.0, 99.0]),
    }
    answers = ColumnProgram(small_program(), TABLE).run(inputs, np.array([0, 0, 1, 0]))
    assert answers["low"].tolist() == [True, False, True, True]
    assert answers["deep_and_few"].tolist() == [False, False, False, True]
    assert answers["lines"].tolist() == [1, 0, 2, 2]
    assert answers["female_low"].tolist() == [True, False, False, True]
    assert answers["gap"].tolist() == [1, 0, 16, 38]


@pytest.mark.parametrize(
    ("column", "join"),
    [
        (yes("line.white"), Join.EVERY),
        (no("line.white"), Join.EVERY),
        (least("grade.white"), Join.LEAST),
        (most("grade.white"), Join.MOST),
        (mark("neutrophils.derived"), Join.SOME),
        ("wbc.by_report", Join.EVERY),
    ],
)
def test_a_fact_of_several_keys_becomes_one_by_its_kind(column: str, join: Join) -> None:
    assert join_of(column) is join


def test_the_table_of_facts_gives_back_what_was_put_in() -> None:
    facts = Facts()
    facts.put_truth("line.red", Truth(1, 2))
    facts.put_codes("lines", 3, 4)
    facts.put_mark("white.none", 5)
    assert (facts.truth("line.red"), facts.codes("lines"), facts.mark("white.none")) == (Truth(1, 2), (3, 4), 5)
    assert dict(facts.marks()) == {"white.none": 5}
    assert (facts.has_truth("line.red"), facts.has_truth("white.none"), facts.has_mark("line.red")) == (
        True,
        False,
        False,
    )
    assert facts.of(("line.",)).columns.keys() == {yes("line.red"), no("line.red")}


def test_joined_facts_come_into_the_next_program_as_booleans_and_codes() -> None:
    b = Builder()
    facts = Facts.coming_in(b, [yes("line.red"), no("line.red"), least("lines"), most("lines")])
    ops = [b.steps[node].op for node in (*facts.codes("lines"), facts.yes("line.red"), facts.no("line.red"))]
    assert ops == [Op.CODE_INPUT, Op.CODE_INPUT, Op.FLAG, Op.FLAG]
