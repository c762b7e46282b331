"""The keys of a person: which classes of age, sex and pregnancy stay possible, in columns as for one record."""

from __future__ import annotations

import numpy as np
import pytest

from cbc_screen.kernel.keys import AGES, SITUATIONS, STAGES, AgeGrid, KeyedLimits
from cbc_screen.kernel.screen import given_inputs
from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES, Person
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.vocabulary import Pregnancy, Sex
from kernel_parts.counts import kernel_of

# Two classes of age, below 12 months and from there on; pregnancy is possible from 12 months on.
GRID = AgeGrid([AgeEdge("mo", 12)], 2)
LIMITS = KeyedLimits(GRID, {}, ((),) * 16, (AgeEdge("mo", 12), AgeEdge("mo", 24)))


def batch_of_one(days: tuple[int, int], months: tuple[int, int], *, age_known: bool = True) -> Batch:
    """Return a woman who is not pregnant; an end that is the other end is the same column, as in a batch that is read."""
    (days_low, days_high), (months_low, months_high) = (
        (low, low if ends[0] == ends[1] else np.array([ends[1]]))
        for ends in (days, months)
        for low in [np.array([ends[0]])]
    )
    no_result = np.array([np.nan])
    return Batch(
        1, {"mcv": no_result}, {"mcv": no_result}, {}, {}, None, None, days_low, days_high, months_low, months_high,
        np.array([age_known]), np.array([SEXES.index(Sex.FEMALE)], dtype=np.int8),
        np.array([PREGNANCIES.index(Pregnancy.NONE)], dtype=np.int8),
    )  # fmt: skip


def test_a_grid_without_edges_has_no_last_day_or_month() -> None:
    empty = AgeGrid([], 2)
    assert (empty.last_day, empty.last_month) == (0, 0)
    assert (GRID.last_day, GRID.last_month) == (0, 12)
    assert AgeGrid([AgeEdge("d", 3), AgeEdge("d", 28)], 2).last_day == 28


def test_it_is_told_whether_the_age_leaves_several_keys_or_the_sex_and_pregnancy() -> None:
    of_any_age = LIMITS.keys_of((0, 0, 0, 1), Sex.FEMALE, Pregnancy.NONE)
    of_any_sex = LIMITS.keys_of((0, 0, 1, 1), Sex.UNKNOWN, Pregnancy.NONE)
    of_one = LIMITS.keys_of((0, 0, 1, 1), Sex.FEMALE, Pregnancy.NONE)
    assert (of_any_age, of_any_sex, of_one) == ((1, 9), (8, 9), (9,))
    assert LIMITS.left_open(of_any_age) == {AGES: True, STAGES: False}
    assert LIMITS.left_open(of_any_sex) == {AGES: False, STAGES: True}
    assert LIMITS.left_open(of_one) == {AGES: False, STAGES: False}


def test_keys_that_are_tried_beside_others_leave_nothing_open() -> None:
    grid = AgeGrid([AgeEdge("mo", 12)], 2)
    grid.add_beside([(AgeEdge("mo", 12), None)])  # other limits from 12 months on
    limits = KeyedLimits(grid, {}, ((),) * 24, (AgeEdge("mo", 12), AgeEdge("mo", 24)))
    keys = limits.keys_of((0, 0, 1, 1), Sex.FEMALE, Pregnancy.NONE)
    assert keys == (9, 17)
    assert [limits.is_beside(key) for key in keys] == [False, True]
    assert limits.left_open(keys) == {AGES: False, STAGES: False}


@pytest.mark.parametrize(
    ("trait", "situations"),
    [
        ("female", [("F",)]),
        ("pregnant", [("T1",), ("T2",), ("T3",)]),
        ("stage:T1", [("T1",)]),
        ("stage:T2", [("T2",)]),
        ("stage:T3", [("T3",)]),
        ("postpartum", [("postpartum", "none"), ("postpartum", "T3")]),
    ],
)
def test_what_rules_ask_of_a_person_is_told_for_every_situation(trait: str, situations: list[tuple[str, ...]]) -> None:
    column = kernel_of().limits.table.trait(trait).tolist()
    one_class = [int((sex,) in situations or stages in situations) for sex, stages in SITUATIONS]
    assert column == one_class * (len(column) // 8)


def test_an_age_known_in_months_and_not_to_the_day_has_several_keys() -> None:
    """A newborn of at most 10 days lies on both sides of edges of days, whatever else is known to the month."""
    kernel = kernel_of()
    keys, several = kernel.keys(batch_of_one((0, 10), (0, 0)))
    assert (keys.tolist(), several.tolist()) == ([0], [0])
    keys, several = kernel.keys(batch_of_one((0, 0), (0, 0)))
    assert keys.tolist() == [1]  # the first class, a woman who is not pregnant
    assert several.tolist() == []


def test_where_the_age_is_unknown_every_class_from_the_first_day_on_is_tried() -> None:
    kernel = kernel_of()
    batch = batch_of_one((5_000, 5_000), (164, 164), age_known=False)
    ((rows, repeated, keys, firsts),) = kernel.expand(batch, np.array([0]))
    assert keys.tolist() == list(kernel.limits.keys(Person(None, Sex.FEMALE, Pregnancy.NONE)))
    assert keys[0] == 1
    assert (rows.tolist(), firsts.tolist()) == ([0], [0])
    assert len(repeated) == len(keys)


def test_a_batch_says_whether_it_tells_how_reticulocytes_were_counted() -> None:
    batch = batch_of_one((0, 0), (0, 0))
    said = np.array([True])
    assert not given_inputs(batch).method
    with_method = Batch(
        **{name: getattr(batch, name) for name in Batch.__dataclass_fields__} | {"method": (said, ~said)}
    )
    assert given_inputs(with_method).method
    assert given_inputs(with_method).analytes == {"mcv"}
