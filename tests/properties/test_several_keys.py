"""A person who may be of several keys: however the facts are joined, each is what all of these keys agree on.

The law is tested on random small programs over a small table of limits, against the printed function for one record.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.kernel import joining
from cbc_screen.kernel.columns import ColumnProgram, LimitTable, PackedFlags
from cbc_screen.kernel.joining import Joiner, Unsure
from cbc_screen.kernel.program import Builder, Op, Program
from cbc_screen.kernel.unrolled import unroll
from properties.test_runners_agree import by_rows, limit_table, programs, records

TRUTHS = frozenset((
    Op.FLAG, Op.TRAIT, Op.LESS, Op.AT_MOST, Op.PRESENT, Op.AND, Op.OR, Op.NOT, Op.CODE_AT_LEAST, Op.CODE_EQUAL,
))  # fmt: skip
CODES = frozenset((Op.CODE_INPUT, Op.CODE_CONST, Op.SUM, Op.CODE_SUBTRACT, Op.CODE_SELECT, Op.CODE_LARGER))
JOINED = {"yes": all, "no": all, "any": any, "min": min, "max": max}


def facts_of(program: Program) -> Program:
    """Name what a program gives as facts: each truth in every way of joining one, each code in both."""
    outputs: dict[str, int] = {}
    for name, node in program.outputs.items():
        step = program.steps[node]
        truth = step.op in TRUTHS or isinstance(step.value, bool)
        kinds = ("yes", "no", "any") if truth else ("min", "max") if step.op in CODES else ()
        outputs |= {f"{name}.{kind}": node for kind in kinds}
    return Program(program.steps, outputs)


def told(joined: joining.Joined, rows: int) -> dict[str, list[int]]:
    """Return joined facts as numbers."""
    return {
        name: (np.unpackbits(own.bits, count=rows) if isinstance(own, PackedFlags) else own).astype(int).tolist()
        for name, own in joined.items()
    }


def by_hand(program: Program, table: LimitTable, inputs: dict[str, Any], keys: list[list[int]]) -> dict[str, list[int]]:
    """Work each row out under each of its keys, one record at a time, and join."""
    found: dict[str, list[int]] = {name: [] for name in program.outputs}
    for row, own in enumerate(keys):
        alone = {name: np.repeat(column[row : row + 1], len(own)) for name, column in inputs.items()}
        each = by_rows(program, table, alone, np.array(own, dtype=np.intp))
        for name, values in each.items():
            found[name].append(int(JOINED[name.rpartition(".")[2]](values)))
    return found


@given(
    program=programs().map(facts_of),
    rows=st.sampled_from((1, 2, 7, 8, 9, 40)),
    keys=st.lists(st.integers(0, 8), min_size=1, max_size=9, unique=True),
    worth=st.sampled_from((0, 10**9)),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_of_the_same_keys(program: Program, rows: int, keys: list[int], worth: int, seed: int) -> None:
    """Key after key, and by a program that has all of the keys in it."""
    table, inputs = limit_table(seed, 9), records(seed, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "_WORTH_UNROLLING", worth)
        joiner = Joiner(program, table, ColumnProgram(program, table))
        group = Unsure(np.arange(rows), np.array([keys], dtype=np.intp))
        joined = joiner.join(inputs, group)
    assert told(joined, rows) == by_hand(program, table, inputs, [keys] * rows)


@given(
    program=programs().map(facts_of),
    keys=st.integers(1, 4).flatmap(
        lambda many: st.lists(
            st.lists(st.integers(0, 8), min_size=many, max_size=many, unique=True), min_size=2, max_size=17
        )
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_that_each_have_keys_of_their_own(program: Program, keys: list[list[int]], seed: int) -> None:
    table, inputs = limit_table(seed, 9), records(seed, len(keys))
    joiner = Joiner(program, table, ColumnProgram(program, table))
    joined = joiner.join(inputs, Unsure(np.arange(len(keys)), np.array(keys, dtype=np.intp)))
    assert told(joined, len(keys)) == by_hand(program, table, inputs, keys)


def test_what_depends_on_no_key_is_written_out_once() -> None:
    """Hemoglobin below the limit of each of three keys, of which two are equal, and platelets below 100."""
    b = Builder()
    hemoglobin, platelets = (b.step(Op.INPUT, value=f"{name}.low") for name in ("hemoglobin", "platelets"))
    low, few = b.less(hemoglobin, b.step(Op.LIMIT, value="lower:hemoglobin")), b.less(platelets, b.number(100.0))
    program = b.program({"low.yes": low, "both.yes": b.both(low, few)})
    table = LimitTable({"lower:hemoglobin": 0}, np.array([[117.0, 130.0, 117.0]]))
    found = unroll(program, table, (0, 1, 2)).program
    assert sorted(
        (str(step.op), step.value) for step in found.steps if step.op is not Op.AND
    ) == [("const", 100.0), ("const", 117.0), ("const", 130.0), ("input", "hemoglobin.low"), ("input", "platelets.low"),
          ("less", None), ("less", None), ("less", None)]  # fmt: skip


def joiner_of_a_limit(monkeypatch: pytest.MonkeyPatch) -> tuple[Joiner, list[tuple[int, ...]]]:
    """What joins "x is below the limit" over keys whose limits are 1, 2 and 3; and the keys of every program made for them."""
    made: list[tuple[int, ...]] = []
    monkeypatch.setattr(
        joining, "unroll", lambda program, table, keys: made.append(keys) or unroll(program, table, keys)
    )
    b = Builder()
    program = b.program({"low.yes": b.less(b.step(Op.INPUT, value="x"), b.step(Op.LIMIT, value="limit"))})
    table = LimitTable({"limit": 0}, np.array([[1.0, 2.0, 3.0]]))
    return Joiner(program, table, ColumnProgram(program, table)), made


def test_a_program_is_unrolled_when_enough_rows_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows are no reason, twenty are; another set of keys is counted by itself."""
    monkeypatch.setattr(joining, "_WORTH_UNROLLING", 20)
    joiner, made = joiner_of_a_limit(monkeypatch)
    inputs = {"x": np.arange(10.0)}
    found = [
        told(joiner.join(inputs, Unsure(np.arange(10), np.array([keys], dtype=np.intp))), 10)["low.yes"]
        for keys in ((0, 1), (0, 2), (0, 1), (0, 1))
    ]
    assert found == [[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]] * 4
    assert made == [(0, 1)]


def test_a_frame_of_unknown_ages_says_what_each_record_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole screen, by the program that has every age in it."""
    chance = np.random.default_rng(7)
    rows = [
        {
            "sex": chance.choice(["F", "M", ""]), "hemoglobin": f"{chance.integers(40, 190)} g/L",
            "wbc": f"{chance.integers(1, 200) / 10} 10^9/L", "neutrophils": f"{chance.integers(0, 90) / 10} 10^9/L",
            "platelets": f"{chance.integers(2, 600)} 10^9/L", "mcv": f"{chance.integers(60, 125)} fL",
        }
        for _ in range(120)
    ]  # fmt: skip
    monkeypatch.setattr(joining, "_WORTH_UNROLLING", 0)
    monkeypatch.setattr("cbc_screen.kernel.screen._ALIKE", 1)
    made: list[int] = []
    monkeypatch.setattr(joining, "unroll", lambda *own: made.append(len(own[2])) or unroll(*own))
    screener = cbc.Screener(definition="strict")
    frame = {name: [row[name] for row in rows] for name in rows[0]}
    flags = screener.screen_frame(pa.table(frame)).to_pylist()
    assert sorted(set(made))[-1] > 32  # a program for every age was made, and asked
    for row, own in zip(rows, flags, strict=True):
        assert screener.screen(row).flags() == own


def test_of_many_sets_of_keys_the_rows_are_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """More sets than are counted at once: the earlier ones are forgotten, and the answers are the same."""
    monkeypatch.setattr(joining, "_WORTH_UNROLLING", 20)
    monkeypatch.setattr(joining, "_COUNTED", 1)
    joiner, made = joiner_of_a_limit(monkeypatch)
    inputs = {"x": np.arange(10.0)}
    for keys in ((0, 1), (0, 2), (0, 1)):
        group = Unsure(np.arange(10), np.array([keys], dtype=np.intp))
        assert told(joiner.join(inputs, group), 10)["low.yes"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert made == []


def test_a_sum_of_weights_is_written_out_with_its_weights() -> None:
    """Two for a hemoglobin below the limit of the key, and three for platelets below 100."""
    b = Builder()
    hemoglobin, platelets = (b.step(Op.INPUT, value=f"{name}.low") for name in ("hemoglobin", "platelets"))
    low, few = b.less(hemoglobin, b.step(Op.LIMIT, value="lower:hemoglobin")), b.less(platelets, b.number(100.0))
    points = b.weighted([(low, 2), (few, 3)])
    program = b.program({"many.yes": b.code_at_least(points, 4), "some.yes": b.code_at_least(points, 2)})
    table = LimitTable({"lower:hemoglobin": 0}, np.array([[117.0, 130.0]]))
    made = unroll(program, table, (0, 1))
    inputs = {
        "hemoglobin.low": np.array([100.0, 100.0, 120.0, 140.0]),
        "platelets.low": np.array([50.0, 200.0, 50.0, 50.0]),
    }
    found = ColumnProgram(made.program, table).run(inputs, np.zeros(4, dtype=np.intp))
    assert {name: found[name].astype(int).tolist() for name in ("many.yes", "some.yes")} == {
        "many.yes": [1, 0, 0, 0],  # at 120 one key alone has it low
        "some.yes": [1, 1, 1, 1],
    }
