"""What the steps on numbers, codes and truths of one record come to, on small made-up programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, isnan, nan

import pytest

from cbc_screen.kernel.adjust import adjusted
from cbc_screen.kernel.arithmetic import differences, gap, quantity
from cbc_screen.kernel.grades import grade_cuts
from cbc_screen.kernel.program import Builder, Interval, Op, Truth
from cbc_screen.kernel.scalar import compile_scalar
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.adjustments import Adjustment, AdjustmentStep
from cbc_screen.vocabulary import Adjust, Verification


def worked_out(b: Builder, outputs: Mapping[str, int], record: Mapping[str, float] | None = None) -> dict[str, float]:
    call, names = compile_scalar(b.program(outputs), {})
    return dict(zip(names, call(record or {}, ()), strict=True))


def interval(b: Builder, low: float, high: float) -> Interval:
    return Interval(b.number(low), b.number(high))


def ends(build: Callable[[Builder], Interval]) -> tuple[float, float]:
    b = Builder()
    found = build(b)
    values = worked_out(b, {"low": found.low, "high": found.high})
    return values["low"], values["high"]


# Arithmetic ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "apart"),
    [
        ((2.0, 5.0), (4.0, 7.0), (0.0, 5.0)),  # they may be equal
        ((2.0, 3.0), (3.5, 4.0), (0.5, 2.0)),
        ((3.5, 4.0), (2.0, 3.0), (0.5, 2.0)),
        ((3.0, 3.0), (3.0, 3.0), (0.0, 0.0)),
    ],
)
def test_how_far_two_intervals_may_lie_apart(
    x: tuple[float, float], y: tuple[float, float], apart: tuple[float, float]
) -> None:
    assert ends(lambda b: differences(b, interval(b, *x), interval(b, *y))) == apart


def test_a_share_of_a_gap_is_in_percent_of_the_larger() -> None:
    """8 and 10 lie 2 apart, which is a fifth of 10."""
    assert ends(lambda b: gap(b, "made_up_gap_share", interval(b, 8, 8), interval(b, 10, 10))) == (20.0, 20.0)
    assert ends(lambda b: gap(b, "made_up_gap", interval(b, 8, 8), interval(b, 10, 10))) == (2.0, 2.0)


@pytest.mark.parametrize(("hemoglobin", "hematocrit", "apart"), [(100, 0.30, 0.0), (100, 0.34, 4.0), (150, 0.44, 1.0)])
def test_the_rule_of_three_holds_hemoglobin_in_g_per_dl_against_hematocrit_in_percent(
    hemoglobin: float, hematocrit: float, apart: float
) -> None:
    """Three times 10 g/dL is 30, three times 15 g/dL is 45."""
    sent = {"hemoglobin": hemoglobin, "hematocrit": hematocrit}
    found = ends(lambda b: quantity(b, "rule_of_three_gap", lambda name: interval(b, sent[name], sent[name])))
    assert found == (apart, apart)


# Adjustment for smoking ------------------------------------------------------------------------


def _step(lower: float, subtract: float) -> AdjustmentStep:
    return AdjustmentStep(lower, subtract, Verification.UNVERIFIED)


# 4 for more than none, 6 from a half a day on, 9 from 20 on; 4 for a smoker who states no number.
MADE_UP = Adjustment(
    "made_up", (_step(0, 0),), (_step(0, 4), _step(0.5, 6), _step(20, 9)), _step(0, 4), _step(0, 0), "made up"
)


def lowered(cigarettes: tuple[float, float]) -> tuple[float, float]:
    """Return hemoglobin of 100 as it is for a person of whom only a number of cigarettes is stated."""

    def build(b: Builder) -> Interval:
        smokes = interval(b, *cigarettes)
        return adjusted(b, interval(b, 100, 100), MADE_UP, [Adjust.SMOKING], interval(b, nan, nan), smokes, b.unknown())

    return ends(build)


@pytest.mark.parametrize(
    ("cigarettes", "hemoglobin"),
    [(0.0, 100.0), (0.1, 96.0), (0.4, 96.0), (0.5, 94.0), (0.6, 94.0), (19.9, 94.0), (20.0, 91.0)],
)
def test_a_step_is_reached_at_its_lower_end_and_the_first_by_more_than_none(
    cigarettes: float, hemoglobin: float
) -> None:
    assert lowered((cigarettes, cigarettes)) == (hemoglobin, hemoglobin)


@pytest.mark.parametrize(
    ("cigarettes", "hemoglobin"),
    [((0.2, inf), (91.0, 96.0)), ((1.0, inf), (91.0, 94.0)), ((0.0, inf), (91.0, 100.0))],
)
def test_a_number_without_an_upper_end_is_a_number_as_long_as_it_says_more_than_nothing(
    cigarettes: tuple[float, float], hemoglobin: tuple[float, float]
) -> None:
    assert lowered(cigarettes) == hemoglobin


# Grades -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower_limit", "first"),
    [(120.0, 120.0), (101.0, 101.0), (100.0, 100.0), (90.0, 100.0)],  # of 100 or less the mildest band is empty
)
def test_the_mildest_band_ends_at_the_lower_limit_and_never_below_the_next_band(
    lower_limit: float, first: float
) -> None:
    bounds = {"grade:ctcae_v5:hemoglobin:2": 100.0, "grade:ctcae_v5:hemoglobin:3": 80.0}
    b, scheme = Builder(), load_knowledge().scheme("ctcae_v5")

    def limit(name: str) -> int:
        return b.number(bounds.get(name, nan))

    cuts = grade_cuts(b, scheme, "hemoglobin", limit, b.number(lower_limit))
    assert [(grade, severity) for grade, severity, _ in cuts] == [(1, 1), (2, 2), (3, 3)]
    values = worked_out(b, {str(grade): cut for grade, _, cut in cuts})
    assert values == {"1": first, "2": 100.0, "3": 80.0}


# Codes and truths ---------------------------------------------------------------------------------


def test_codes_that_are_constant_are_worked_out_at_once() -> None:
    b = Builder()
    two, three = b.code(2), b.code(3)
    assert b.code_add(two, three) == b.code(5)
    assert b.code_subtract(three, two) == b.code(1)
    assert b.code_equal(two, b.code(2)) == b.boolean(True)
    assert b.code_equal(two, three) == b.boolean(False)
    assert b.code_at_least(two, 2) == b.boolean(True)
    assert b.code_at_least(two, 3) == b.boolean(False)


@pytest.mark.parametrize(
    ("truths", "two_hold"),
    [
        ("yes yes no no", "yes"),
        ("yes no no no", "no"),  # three that do not hold leave one
        ("yes unknown no no", "unknown"),
        ("unknown unknown no no", "unknown"),
        ("no unknown no no", "no"),
        ("yes yes unknown unknown", "yes"),
    ],
)
def test_whether_two_of_four_hold(truths: str, two_hold: str) -> None:
    b = Builder()
    known = {"yes": (True, False), "no": (False, True), "unknown": (False, False)}
    names, record = [], {}
    for place, word in enumerate(truths.split()):
        names.append((f"{place}.yes", f"{place}.no"))
        record |= dict(zip(names[-1], known[word], strict=True))
    found = b.truth_count(2, [Truth(b.step(Op.FLAG, value=yes), b.step(Op.FLAG, value=no)) for yes, no in names])
    assert worked_out(b, {"yes": found.yes, "no": found.no}, record) == dict(
        zip(("yes", "no"), known[two_hold], strict=True)
    )


@pytest.mark.parametrize("op", [Op.SMALLER, Op.LARGER])
def test_of_an_absent_number_and_another_the_smaller_and_the_larger_are_absent(op: Op) -> None:
    b = Builder()
    x = b.step(Op.INPUT, value="x")
    found = worked_out(b, {"of_absent": b.step(op, b.nan(), x), "of_one": b.step(op, b.number(1.0), x)}, {"x": 1.0})
    assert isnan(found["of_absent"])
    assert found["of_one"] == 1.0
