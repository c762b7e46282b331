"""One program, its runners: packed bits over columns, as arrays or as integers, and a printed function over one record (one file: one subject, whose cases share what they build).

The law is tested on random small programs, not on the screen itself, so that a step which
the screen uses in one place only is held to the law in every place.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbc_screen.kernel import columns
from cbc_screen.kernel.arithmetic import quantity
from cbc_screen.kernel.columns import ColumnProgram, LimitTable
from cbc_screen.kernel.program import Builder, Interval, Op, Program
from cbc_screen.kernel.scalar import compile_scalar

ROW_COUNTS = (0, 1, 7, 8, 9, 64, 1000)
CHUNKS = (8, 16, 304)
# No number of these is below zero; a quotient is made of them only, so that a zero has no sign.
POSITIVE = (nan, 0.0, 0.1, 0.3, 1.0, 2.0, 2.5, 1e300, inf)
ANY = (*POSITIVE, -inf, -2.0, -0.1)
FLOATS = {"p": POSITIVE, "q": POSITIVE, "x": ANY, "y": ANY}
FLAGS = ("f", "g")
CODES = ("c", "d")
LIMITS = ("varied", "gaps", "gaps_too", "constant", "constant_gaps", "nobody", "negative")
TRAITS = tuple(f"trait{number}" for number in range(11))


def limit_table(seed: int, keys: int) -> LimitTable:
    """Return limits of every kind: varied, constant, missing for some, for all, and traits."""
    chance = np.random.default_rng(seed)
    some = chance.random(keys) < 0.5
    rows: dict[str, Any] = {
        "varied": chance.choice(POSITIVE[1:], keys),
        "gaps": np.where(some, chance.choice(POSITIVE[1:], keys), nan),
        "gaps_too": np.where(some, chance.choice(POSITIVE[1:], keys), nan),
        "constant": np.full(keys, 2.0),
        "constant_gaps": np.where(chance.random(keys) < 0.5, 0.3, nan),
        "nobody": np.full(keys, nan),
        "negative": chance.choice((-2.0, -0.1, 0.0, nan), keys),
    }
    rows |= {name: (chance.random(keys) < 0.5).astype(np.float64) for name in TRAITS}
    return LimitTable({name: place for place, name in enumerate(rows)}, np.stack(list(rows.values())))


def records(seed: int, rows: int) -> dict[str, Any]:
    """Return inputs of every kind for so many rows."""
    chance = np.random.default_rng(seed)
    found: dict[str, Any] = {name: chance.choice(values, rows) for name, values in FLOATS.items()}
    found |= {name: chance.random(rows) < 0.5 for name in FLAGS}
    return found | {name: chance.integers(0, 16, rows).astype(np.int8) for name in CODES}


@dataclass
class Pool:
    """The steps made so far, by kind; codes with how deep their arithmetic is."""

    positive: list[int]
    floats: list[int]
    bools: list[int]
    codes: list[tuple[int, int]]


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program over the inputs and limits above, folded by the builder or left as it is."""
    b = Builder()
    folded = draw(st.booleans())
    positive = [b.step(Op.INPUT, value=name) for name in ("p", "q")]
    positive += [b.step(Op.LIMIT, value=name) for name in LIMITS if name != "negative"]
    positive += [b.number(value) for value in (0.0, 0.3, 2.0, inf)] + [b.nan()]
    free = [b.step(Op.INPUT, value=name) for name in ("x", "y")]
    free += [b.step(Op.LIMIT, value="negative"), b.number(-0.1), b.number(-inf)]
    bools = [b.step(Op.FLAG, value=name) for name in FLAGS] + [b.step(Op.TRAIT, value=name) for name in TRAITS]
    bools += [b.boolean(True), b.boolean(False)]
    codes = [(b.step(Op.CODE_INPUT, value=name), 0) for name in CODES]
    codes += [(b.code(value), 0) for value in (-3, 0, 1, 7)]
    pool = Pool(positive, positive + free, bools, codes)
    for op in draw(st.lists(st.sampled_from(MADE), min_size=3, max_size=40)):
        _make(b, op, pool, draw, folded)
    every = [*pool.floats, *pool.bools, *(node for node, _ in pool.codes)]
    recent = st.sampled_from(every[::-1])
    chosen = draw(st.lists(recent, min_size=1, max_size=12))
    last = [pool.floats[-1], pool.bools[-1], pool.codes[-1][0]]
    return b.program({f"out{place}": node for place, node in enumerate([*chosen, *last])})


MADE = (
    Op.LESS, Op.AT_MOST, Op.PRESENT, Op.AND, Op.OR, Op.NOT, Op.SELECT, Op.SMALLER, Op.LARGER, Op.ADD, Op.SUBTRACT,
    Op.MULTIPLY, Op.DIVIDE, Op.SUM, Op.CODE_SUBTRACT, Op.CODE_SELECT, Op.CODE_LARGER, Op.CODE_AT_LEAST, Op.CODE_EQUAL,
)  # fmt: skip
_DEEPEST = 3  # deeper, and a code could leave the eight bits it is given


def _make(b: Builder, op: Op, pool: Pool, draw: st.DrawFn, folded: bool) -> None:
    def one_of(nodes: list[Any]) -> Any:
        # The newest first: small choices make deep programs.
        return nodes[-1 - draw(st.integers(0, len(nodes) - 1))]

    if op in (Op.LESS, Op.AT_MOST):
        x, y = one_of(pool.floats), one_of(pool.floats)
        pool.bools.append((b.less if op is Op.LESS else b.at_most)(x, y) if folded else b.step(op, x, y))
    elif op is Op.PRESENT:
        x = one_of(pool.floats)
        pool.bools.append(b.present(x) if folded else b.step(op, x))
    elif op in (Op.AND, Op.OR):
        x, y = one_of(pool.bools), one_of(pool.bools)
        pool.bools.append((b.both if op is Op.AND else b.either)(x, y) if folded else b.step(op, x, y))
    elif op is Op.NOT:
        x = one_of(pool.bools)
        pool.bools.append(b.negate(x) if folded else b.step(op, x))
    elif op is Op.DIVIDE:
        x, y = one_of(pool.positive), one_of(pool.positive)
        made = b.arithmetic(op, x, y) if folded else b.step(op, x, y)
        pool.positive.append(made)
        pool.floats.append(made)
    elif op in (Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.SMALLER, Op.LARGER):
        positive = op is not Op.SUBTRACT and draw(st.booleans())
        nodes = pool.positive if positive else pool.floats
        x, y = one_of(nodes), one_of(nodes)
        made = b.arithmetic(op, x, y) if folded else b.step(op, x, y)
        pool.floats.append(made)
        if positive:
            pool.positive.append(made)
    elif op is Op.SELECT:
        condition, x, y = one_of(pool.bools), one_of(pool.floats), one_of(pool.floats)
        pool.floats.append(b.select(condition, x, y) if folded else b.step(op, condition, x, y))
    elif op is Op.SUM:
        bits = [one_of(pool.bools) for _ in range(draw(st.integers(1, 7)))]
        fixed = draw(st.integers(0, 3))
        pool.codes.append((b.sum(bits) if folded else b.step(op, *bits, value=fixed), 0))
    elif op is Op.CODE_AT_LEAST:
        (x, _), threshold = one_of(pool.codes), draw(st.integers(-20, 20))
        pool.bools.append(b.code_at_least(x, threshold) if folded else b.step(op, x, value=threshold))
    else:
        (x, deep), (y, as_deep) = one_of(pool.codes), one_of(pool.codes)
        deepest = max(deep, as_deep) + 1
        if op is Op.CODE_EQUAL:
            pool.bools.append(b.code_equal(x, y) if folded else b.step(op, x, y))
        elif deepest > _DEEPEST:
            return
        elif op is Op.CODE_SELECT:
            condition = one_of(pool.bools)
            pool.codes.append((b.code_select(condition, x, y) if folded else b.step(op, condition, x, y), deepest))
        elif op is Op.CODE_SUBTRACT:
            pool.codes.append((b.code_subtract(x, y) if folded else b.step(op, x, y), deepest))
        else:
            assert op is Op.CODE_LARGER
            pool.codes.append((b.code_larger(x, y) if folded else b.step(op, x, y), deepest))


def by_columns(
    program: Program, table: LimitTable, inputs: dict[str, Any], keys: Any, chunk: int, few: int
) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "CHUNK", chunk)
        patch.setattr(columns, "FEW", few)
        answers = ColumnProgram(program, table).run(inputs, keys)
    assert set(answers) == set(program.outputs)
    assert len(answers) == len(program.outputs)
    return {name: answers[name] for name in program.outputs}


def by_rows(program: Program, table: LimitTable, inputs: dict[str, Any], keys: Any) -> dict[str, list[float]]:
    function, names = compile_scalar(program, table.columns)
    found: dict[str, list[float]] = {name: [] for name in names}
    for row, key in enumerate(keys.tolist()):
        record = {name: column[row].item() for name, column in inputs.items()}
        for name, value in zip(names, function(record, table.values[:, key].tolist()), strict=True):
            found[name].append(value)
    return found


def assert_same(program: Program, table: LimitTable, inputs: dict[str, Any], keys: Any, chunk: int) -> None:
    """Hold the logic of arrays and that of integers, which is for few rows, against each record alone."""
    for_rows = by_rows(program, table, inputs, keys)
    for few in (0, columns.FEW):
        same_as_rows(program, by_columns(program, table, inputs, keys, chunk, few), for_rows, len(keys))


def same_as_rows(program: Program, for_columns: dict[str, Any], for_rows: dict[str, list[float]], rows: int) -> None:
    for name, column in for_columns.items():
        assert len(column) == rows
        for row, (ours, theirs) in enumerate(zip(column.tolist(), for_rows[name], strict=True)):
            same = ours == theirs or (isnan(ours) and isnan(theirs))
            assert same, (name, row, ours, theirs, program.steps)


@given(
    program=programs(),
    rows=st.sampled_from(ROW_COUNTS),
    chunk=st.sampled_from(CHUNKS),
    keys=st.sampled_from((1, 2, 7)),
    seed=st.integers(0, 2**32 - 1),
)
def test_columns_and_one_record_give_the_same_answers(
    program: Program, rows: int, chunk: int, keys: int, seed: int
) -> None:
    chosen = np.random.default_rng(seed + 1).integers(0, keys, rows).astype(np.intp)
    assert_same(program, limit_table(seed, keys), records(seed, rows), chosen, chunk)


@given(program=programs(), seed=st.integers(0, 2**32 - 1))
def test_the_answer_to_a_row_does_not_depend_on_the_chunk_it_is_in(program: Program, seed: int) -> None:
    table, inputs = limit_table(seed, 5), records(seed, 311)
    keys = np.random.default_rng(seed).integers(0, 5, 311).astype(np.intp)
    whole = by_columns(program, table, inputs, keys, 32_768, columns.FEW)
    for chunk in (*CHUNKS, 1, 310):
        for name, column in by_columns(program, table, inputs, keys, chunk, 0).items():
            np.testing.assert_array_equal(column, whole[name])


CHUNK = 16
LARGE = CHUNK * columns.CHUNKS_TOGETHER
BOUNDARIES = (0, 1, 7, 8, 9, CHUNK - 1, CHUNK, CHUNK + 1, LARGE - 1, LARGE, LARGE + 1, LARGE + CHUNK + 3, 2 * LARGE + 5)


@given(program=programs(), rows=st.sampled_from(BOUNDARIES), paired=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_rows_beside_every_boundary_of_chunks_and_of_chunks_together(
    program: Program, rows: int, paired: bool, seed: int
) -> None:
    """With limits looked up row by row, and for two rows at once."""
    chosen = np.random.default_rng(seed).integers(0, 5, rows).astype(np.intp)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "_ROWS_A_PAIR", 0 if paired else rows + 1)
        assert_same(program, limit_table(seed, 5), records(seed, rows), chosen, CHUNK)


@pytest.mark.parametrize("keys", [1, 2, 127, 128, 129, 300])
def test_every_key_has_its_own_limits_and_traits_in_a_pair_with_any_other(
    keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_ROWS_A_PAIR", 0)
    values = np.stack([np.arange(keys) * 1.5, np.arange(keys) % 3 == 0])
    table = LimitTable({"limit": 0, "trait": 1}, values)
    b = Builder()
    limit, x = b.step(Op.LIMIT, value="limit"), b.step(Op.INPUT, value="x")
    outputs = {"limit": limit, "trait": b.step(Op.TRAIT, value="trait"), "below": b.less(x, limit)}
    chosen = np.concatenate([np.arange(keys), np.arange(keys)[::-1], np.zeros(keys, dtype=np.intp), [keys - 1]])
    inputs = {"x": np.full(len(chosen), 30.0)}
    found = ColumnProgram(b.program(outputs), table).run(inputs, chosen)
    assert found["limit"].tolist() == [key * 1.5 for key in chosen]
    assert found["trait"].tolist() == [key % 3 == 0 for key in chosen]
    assert found["below"].tolist() == [key * 1.5 > 30 for key in chosen]


def test_a_choice_may_wait_for_a_limit_that_is_compared_with_what_is_chosen() -> None:
    b = Builder()
    low, high = (b.step(Op.INPUT, value=name) for name in ("x.low", "x.high"))
    limit, other = (b.step(Op.LIMIT, value=name) for name in ("limit", "other"))
    chosen = b.select(b.less(low, limit), high, low)
    again = b.select(b.less(chosen, other), low, chosen)
    outputs = {"above": b.less(limit, chosen), "below": b.less(again, limit), "other": b.less(other, again)}
    table = LimitTable({"limit": 0, "other": 1}, np.array([[2.0, 4.0], [3.0, 1.0]]))
    inputs = {"x.low": np.array([1.0, 1.0, 5.0, 5.0]), "x.high": np.array([2.5, 6.0, 5.0, nan])}
    assert_same(b.program(outputs), table, inputs, np.array([0, 1, 0, 1], dtype=np.intp), 8)


def test_many_constants_and_limits_of_one_column_are_each_compared() -> None:
    b = Builder()
    x = b.step(Op.INPUT, value="x")
    limits = {f"limit{number}": [float(number), 40.0 - number] for number in range(21)}
    table = LimitTable({name: place for place, name in enumerate(limits)}, np.array(list(limits.values())))
    outputs = {}
    for number, name in enumerate(limits):
        limit = b.step(Op.LIMIT, value=name)
        outputs |= {f"below{number}": b.less(x, limit), f"above{number}": b.less(limit, x)}
        outputs |= {f"under{number}": b.less(x, b.number(number)), f"over{number}": b.less(b.number(number), x)}
    inputs = {"x": np.array([0.0, 3.5, 20.0, 21.5, nan, inf] * 3)}
    assert_same(b.program(outputs), table, inputs, np.tile([0, 1, 1], 6), 8)


@pytest.mark.parametrize("bound", [0.0, 3.0, -1.0])
def test_a_bound_below_the_larger_of_two_numbers(bound: float) -> None:
    numbers = [nan, -inf, -3.5, -3.0, 0.0, 1.0, 3.0, 3.5, inf]
    pairs = [(x, y) for x in numbers for y in numbers]
    b = Builder()
    x, y = (b.step(Op.INPUT, value=name) for name in ("x", "y"))
    apart = b.step(Op.LARGER, b.arithmetic(Op.SUBTRACT, x, y), b.arithmetic(Op.SUBTRACT, y, x))
    outputs = {
        "apart": b.less(b.number(bound), apart),
        "apart_or_none": b.less(b.number(bound), b.step(Op.LARGER, apart, b.number(0.0))),
        "larger": b.less(b.number(bound), b.step(Op.LARGER, x, y)),
        "larger_than_three": b.less(b.number(bound), b.step(Op.LARGER, b.number(3.0), x)),
    }
    inputs = {"x": np.array([x for x, _ in pairs]), "y": np.array([y for _, y in pairs])}
    assert_same(b.program(outputs), NO_LIMITS, inputs, np.zeros(len(pairs), dtype=np.intp), 8)


# What single steps give, in literals -------------------------------------------------------

NO_LIMITS = LimitTable({}, np.empty((0, 1)))


def answers(outputs: dict[str, int], b: Builder, inputs: dict[str, Any], table: LimitTable = NO_LIMITS) -> Any:
    rows = len(next(iter(inputs.values())))
    return ColumnProgram(b.program(outputs), table).run(inputs, np.zeros(rows, dtype=np.intp))


def test_every_pair_of_codes_is_counted_as_python_counts_it() -> None:
    pairs = [(c, d) for c in range(16) for d in range(16)]
    inputs = {
        "c": np.array([c for c, _ in pairs], dtype=np.int8),
        "d": np.array([d for _, d in pairs], dtype=np.int8),
    }
    b = Builder()
    c, d = (b.step(Op.CODE_INPUT, value=name) for name in ("c", "d"))
    minus = b.code_subtract(c, d)
    outputs = {
        "minus": minus,
        "back": b.code_subtract(c, minus),
        "larger": b.code_larger(c, d),
        "larger_than_minus": b.code_larger(minus, d),
        "equal": b.code_equal(c, d),
        "minus_is_d": b.code_equal(minus, d),
        "chosen": b.code_select(b.code_equal(c, d), b.code(-7), d),
        **{f"minus_at_least_{n}": b.code_at_least(minus, n) for n in (-16, -15, -14, -1, 0, 1, 14, 15, 16)},
    }
    expected: dict[str, list[int]] = {
        "minus": [c - d for c, d in pairs],
        "back": [d for _, d in pairs],
        "larger": [max(c, d) for c, d in pairs],
        "larger_than_minus": [max(c - d, d) for c, d in pairs],
        "equal": [c == d for c, d in pairs],
        "minus_is_d": [c == 2 * d for c, d in pairs],
        "chosen": [-7 if c == d else d for c, d in pairs],
        **{f"minus_at_least_{n}": [c - d >= n for c, d in pairs] for n in (-16, -15, -14, -1, 0, 1, 14, 15, 16)},
    }
    found = answers(outputs, b, inputs)
    assert {name: found[name].tolist() for name in outputs} == expected


@pytest.mark.parametrize("many", range(1, 18))
def test_a_sum_of_any_number_of_flags_is_their_count(many: int) -> None:
    chance = np.random.default_rng(many)
    inputs = {f"f{number}": chance.random(70) < 0.7 for number in range(many)}
    b = Builder()
    flags = [b.step(Op.FLAG, value=name) for name in inputs]
    doubled = b.step(Op.SUM, *flags, *flags, value=3)
    found = answers({"once": b.sum(flags), "doubled": doubled}, b, inputs)
    counted = [sum(bool(column[row]) for column in inputs.values()) for row in range(70)]
    assert found["once"].tolist() == counted
    assert found["doubled"].tolist() == [2 * count + 3 for count in counted]


def test_a_sum_counts_the_flags_that_are_always_set() -> None:
    b = Builder()
    flag = b.step(Op.FLAG, value="f")
    outputs = {
        "folded": b.sum([flag, b.boolean(True), b.boolean(False), b.boolean(True)]),
        "left": b.step(Op.SUM, flag, b.boolean(True), b.boolean(False), b.boolean(True), value=0),
    }
    found = answers(outputs, b, {"f": np.array([True, False])})
    assert {name: found[name].tolist() for name in outputs} == {"folded": [3, 2], "left": [3, 2]}


def test_more_traits_than_a_byte_holds_are_kept_apart() -> None:
    names = [f"t{number}" for number in range(17)]
    values = np.array([[float(key == number) for key in range(17)] for number in range(17)])
    table = LimitTable({name: place for place, name in enumerate(names)}, values)
    b = Builder()
    program = b.program({name: b.step(Op.TRAIT, value=name) for name in names})
    found = ColumnProgram(program, table).run({}, np.arange(17, dtype=np.intp)[::-1].copy())
    for number, name in enumerate(names):
        assert found[name].tolist() == [key == number for key in range(16, -1, -1)]


def test_an_absent_number_is_neither_below_nor_above_nor_equal() -> None:
    numbers = [nan, -inf, -1.0, 0.0, 1.0, inf]
    pairs = [(x, y) for x in numbers for y in numbers]
    b = Builder()
    x, y = (b.step(Op.INPUT, value=name) for name in ("x", "y"))
    outputs = {"less": b.less(x, y), "at_most": b.at_most(x, y), "not_less": b.negate(b.less(x, y))}
    found = answers(outputs, b, {"x": np.array([x for x, _ in pairs]), "y": np.array([y for _, y in pairs])})
    order = {-inf: 0, -1.0: 1, 0.0: 2, 1.0: 3, inf: 4}
    there = [x in order and y in order for x, y in pairs]
    less = [known and order[x] < order[y] for known, (x, y) in zip(there, pairs, strict=True)]
    assert found["less"].tolist() == less
    assert found["not_less"].tolist() == [not answer for answer in less]
    assert found["at_most"].tolist() == [k and order[x] <= order[y] for k, (x, y) in zip(there, pairs, strict=True)]


@pytest.mark.parametrize(
    ("column", "below", "at_most", "there"),
    [
        ([2.0, 2.0, 2.0], [True, False, False], [True, True, False], [True, True, True]),
        ([2.0, nan, 2.0], [True, False, False], [True, False, False], [True, False, True]),
        ([nan, nan, nan], [False, False, False], [False, False, False], [False, False, False]),
        ([1.0, 2.0, inf], [False, False, True], [True, True, True], [True, True, True]),
        ([nan, 2.5, 2.5], [False, True, False], [False, True, False], [False, True, True]),
    ],
)
def test_a_limit_that_somebody_lacks_decides_nothing_for_them(
    column: list[float], below: list[bool], at_most: list[bool], there: list[bool]
) -> None:
    """The numbers are 1, 2 and 3, one for each of three persons."""
    b = Builder()
    limit, x = b.step(Op.LIMIT, value="limit"), b.step(Op.INPUT, value="x")
    outputs = {"below": b.less(x, limit), "at_most": b.at_most(x, limit), "there": b.present(limit), "limit": limit}
    table = LimitTable({"limit": 0}, np.array([column]))
    program, inputs, keys = b.program(outputs), {"x": np.array([1.0, 2.0, 3.0])}, np.arange(3, dtype=np.intp)
    found = ColumnProgram(program, table).run(inputs, keys)
    assert found["below"].tolist() == below
    assert found["at_most"].tolist() == at_most
    assert found["there"].tolist() == there
    np.testing.assert_array_equal(found["limit"], column)
    assert_same(program, table, inputs, keys, 8)


def test_a_step_may_have_two_names_and_an_output_may_be_what_came_in() -> None:
    b = Builder()
    x, limit, code = b.step(Op.INPUT, value="x"), b.step(Op.LIMIT, value="limit"), b.step(Op.CODE_INPUT, value="c")
    below = b.less(x, limit)
    outputs = {
        "x": x, "x_again": x, "limit": limit, "limit_again": limit, "below": below, "below_again": below,
        "not_below": b.negate(below), "code": code, "code_again": code, "sum": b.arithmetic(Op.ADD, x, limit),
    }  # fmt: skip
    table = LimitTable({"limit": 0}, np.array([[1.5, 0.5]]))
    inputs = {"x": np.array([1.0, 1.0, nan]), "c": np.array([0, 15, 9], dtype=np.int8)}
    found = ColumnProgram(b.program(outputs), table).run(inputs, np.array([0, 1, 0], dtype=np.intp))
    for ending in ("", "_again"):
        np.testing.assert_array_equal(found[f"x{ending}"], [1.0, 1.0, nan])
        assert found[f"limit{ending}"].tolist() == [1.5, 0.5, 1.5]
        assert found[f"below{ending}"].tolist() == [True, False, False]
        assert found[f"code{ending}"].tolist() == [0, 15, 9]
    assert found["not_below"].tolist() == [False, True, True]
    np.testing.assert_array_equal(found["sum"], [2.5, 1.5, nan])


@pytest.mark.parametrize("rows", ROW_COUNTS)
def test_a_constant_output_has_a_value_and_a_type_for_every_row(rows: int) -> None:
    b = Builder()
    outputs = {"yes": b.boolean(True), "no": b.boolean(False), "code": b.code(-4), "number": b.number(2.5)}
    outputs["absent"] = b.nan()
    found = ColumnProgram(b.program(outputs), NO_LIMITS).run({}, np.zeros(rows, dtype=np.intp))
    assert {name: found[name].dtype.name for name in found} == {
        "yes": "bool", "no": "bool", "code": "int8", "number": "float64", "absent": "float64",
    }  # fmt: skip
    assert {name: found[name].tolist() for name in ("yes", "no", "code", "number")} == {
        "yes": [True] * rows,
        "no": [False] * rows,
        "code": [-4] * rows,
        "number": [2.5] * rows,
    }
    assert np.isnan(found["absent"]).tolist() == [True] * rows


def test_two_runs_of_one_program_do_not_share_their_answers() -> None:
    b = Builder()
    x = b.step(Op.INPUT, value="x")
    outputs = {"doubled": b.arithmetic(Op.ADD, x, x), "small": b.less(x, b.number(2.0))}
    runner = ColumnProgram(b.program(outputs), NO_LIMITS)
    keys = np.zeros(2, dtype=np.intp)
    first = runner.run({"x": np.array([1.0, 3.0])}, keys)
    runner.run({"x": np.array([3.0, 1.0])}, keys)
    assert first["doubled"].tolist() == [2.0, 6.0]
    assert first["small"].tolist() == [True, False]


def test_the_answers_leave_the_columns_that_came_in_as_they_were() -> None:
    b = Builder()
    x = b.step(Op.INPUT, value="x")
    inputs = {"x": np.array([1.0, 2.0])}
    found = answers({"x": x, "halved": b.step(Op.DIVIDE, x, b.number(2.0))}, b, inputs)
    found["x"][:] = 9.0
    assert inputs["x"].tolist() == [1.0, 2.0]


def test_a_code_that_comes_in_and_does_not_fit_is_refused() -> None:
    b = Builder()
    outputs = {"code": b.step(Op.CODE_INPUT, value="c")}
    assert answers(outputs, b, {"c": np.array([15], dtype=np.int8)})["code"].tolist() == [15]
    with pytest.raises(AssertionError, match="fit"):
        answers(outputs, b, {"c": np.array([3, 16], dtype=np.int8)})


@pytest.mark.parametrize(
    ("x", "y", "quotient"),
    [
        (1.0, 0.0, inf), (inf, 0.0, inf), (0.0, 0.0, nan), (nan, 0.0, nan), (1.0, nan, nan), (0.0, inf, 0.0),
        (inf, inf, nan), (3.0, 2.0, 1.5), (1e300, 1e-300, inf),
    ],
)  # fmt: skip
def test_a_quotient_is_that_of_ieee_754_where_python_would_raise(x: float, y: float, quotient: float) -> None:
    b = Builder()
    outputs = {"quotient": b.step(Op.DIVIDE, b.step(Op.INPUT, value="x"), b.step(Op.INPUT, value="y"))}
    inputs = {"x": np.array([x]), "y": np.array([y])}
    function, _ = compile_scalar(b.program(outputs), {})
    np.testing.assert_array_equal(answers(outputs, b, inputs)["quotient"], [quotient])
    np.testing.assert_array_equal(function({"x": x, "y": y}, ()), [quotient])


@pytest.mark.parametrize(("x", "y", "quotient"), [(-1.0, 0.0, -inf), (-inf, 0.0, -inf), (1.0, -0.0, -inf)])
def test_the_sign_of_an_infinite_quotient(x: float, y: float, quotient: float) -> None:
    b = Builder()
    outputs = {"quotient": b.step(Op.DIVIDE, b.step(Op.INPUT, value="x"), b.step(Op.INPUT, value="y"))}
    function, _ = compile_scalar(b.program(outputs), {})
    assert answers(outputs, b, {"x": np.array([x]), "y": np.array([y])})["quotient"].tolist() == [quotient]
    assert function({"x": x, "y": y}, ()) == (quotient,)


def test_a_choice_within_a_choice_by_the_same_flag_is_one_choice() -> None:
    b = Builder()
    flag, c, d = b.step(Op.FLAG, value="f"), b.step(Op.CODE_INPUT, value="c"), b.step(Op.CODE_INPUT, value="d")
    within = b.code_select(flag, c, b.code_select(flag, b.code(7), d))
    assert within == b.code_select(flag, c, d)


def test_a_flag_and_what_it_denies_are_one_of_two() -> None:
    b = Builder()
    flag = b.step(Op.FLAG, value="f")
    outputs = {"sum": b.weighted([(flag, 1), (b.negate(flag), 1), (b.step(Op.FLAG, value="g"), 2)])}
    inputs = {"f": np.array([True, False, True]), "g": np.array([False, False, True])}
    assert answers(outputs, b, inputs)["sum"].tolist() == [1, 1, 3]


def test_to_a_program_that_asks_for_no_limit_all_keys_are_the_same() -> None:
    b = Builder()
    program = b.program({"out": b.step(Op.FLAG, value="f")})
    assert ColumnProgram(program, LimitTable({}, np.empty((0, 3)))).distinct(np.array([2, 1])) == [0]


def test_a_quantity_of_no_name_is_never_another_one() -> None:
    b = Builder()
    with pytest.raises(AssertionError, match="mcv_gaps"):
        quantity(b, "mcv_gaps", lambda name: Interval(b.nan(), b.nan()))
