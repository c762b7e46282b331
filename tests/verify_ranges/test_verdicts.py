"""The verdict on one limit: tolerance 113 to 121, and every number around it."""

from __future__ import annotations

import pytest

from cbc_screen.knowledge.verification import load_verification
from cbc_screen.verification import ShareOutside
from cbc_screen.verify.indirect import Estimate
from cbc_screen.verify.samples import sample_rule
from cbc_screen.verify.verdicts import Side, of_reference, of_routine
from cbc_screen.vocabulary import RangeReason, RangeVerdict

RULES = load_verification()
TOLERANCE = (113.0, 121.0)


def estimate(low: float, high: float, shares: tuple[float, float, float] = (0.0, 1.0, 0.0)) -> Estimate:
    return Estimate((low + high) / 2, 153, (low, high), (150, 156), *shares)


def routine(found: Estimate | RangeReason, side: Side | None = None, *, lower: bool = True) -> tuple[str, str]:
    verdict, reasons = of_routine(side or Side(117, TOLERANCE, None), found, lower=lower, rules=RULES)
    return verdict.value, reasons[0].value


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (113, 121, ("adopt", "estimate_agrees")),
        (112.9, 121, ("cannot_tell", "interval_across")),
        (113, 121.1, ("cannot_tell", "interval_across")),
        (100, 113, ("cannot_tell", "interval_across")),  # it touches
        (100, 112.9, ("investigate", "estimate_differs")),
        (121, 130, ("cannot_tell", "interval_across")),
        (121.1, 130, ("investigate", "estimate_differs")),
        (100, 130, ("cannot_tell", "interval_across")),
    ],
)
def test_an_interval_against_the_tolerance(low: float, high: float, verdict: tuple[str, str]) -> None:
    assert routine(estimate(low, high)) == verdict


@pytest.mark.parametrize(
    ("shares", "lower", "upper"),
    [
        ((0.20, 0.80, 0.00), "estimate_agrees", "estimate_agrees"),  # 80 of 100
        ((0.21, 0.79, 0.00), "healthy_share_low", "estimate_agrees"),  # hospital hemoglobin: the low side alone is sick
        ((0.00, 0.79, 0.21), "estimate_agrees", "healthy_share_low"),
        ((0.14, 0.60, 0.25), "estimate_agrees", "healthy_share_low"),  # 60 of 74 and 60 of 85
        ((0.25, 0.50, 0.25), "healthy_share_low", "healthy_share_low"),
        ((0.49, 0.49, 0.00), "few_healthy", "few_healthy"),  # neither side, however few are sick above
    ],
)
def test_a_side_with_too_many_sick_is_refused_by_itself(
    shares: tuple[float, float, float], lower: str, upper: str
) -> None:
    found = estimate(115, 119, shares)
    assert routine(found)[1] == lower
    assert routine(found, Side(153, (149, 157), None), lower=False)[1] == upper


def test_what_cannot_be_estimated_says_why() -> None:
    assert routine(RangeReason.TOO_FEW_FOR_ESTIMATE) == ("cannot_tell", "too_few_for_estimate")
    assert routine(estimate(115, 119), Side(None, None, None)) == ("cannot_tell", "no_limit")
    assert routine(estimate(115, 119), Side(117, None, None)) == ("cannot_tell", "no_tolerance")


def outside(least: int, most: int, of: int, high: float = 1.0) -> ShareOutside:
    return ShareOutside(least, most, of, 0.025, (0.0, high), (0.0, 1.0))


def reference(
    side: ShareOutside, both: tuple[int, int], direct: tuple[float, float, float] | None = None
) -> tuple[str, list[str]]:
    rule = sample_rule(RULES.rule, side.of, both, 0.05)
    verdict, reasons = of_reference(Side(117, TOLERANCE, side), rule, direct, RULES)
    return verdict.value, [why.value for why in reasons]


@pytest.mark.parametrize(
    ("side", "both", "verdict", "reasons"),
    [
        (outside(0, 0, 20), (0, 0), "adopt", ["rule_kept"]),
        (outside(2, 2, 20), (2, 2), "adopt", ["rule_kept"]),
        (outside(2, 2, 20), (3, 3), "investigate", ["rule_repeat"]),
        (outside(3, 3, 20), (3, 3), "investigate", ["side_crowded", "rule_repeat"]),
        (outside(4, 4, 20), (4, 4), "investigate", ["side_crowded", "rule_repeat"]),
        (outside(0, 0, 20), (5, 5), "investigate", ["rule_refused"]),
        (outside(1, 3, 20), (1, 3), "cannot_tell", ["outside_unsure"]),  # bounds lie across the limit
        (outside(0, 0, 19), (0, 0), "cannot_tell", ["too_few"]),
        # 0 of 200: the exact interval ends at 1.83 %, below the 2.5 % that a right limit leaves outside
        (outside(0, 0, 200, 0.0183), (5, 5), "investigate", ["side_empty"]),
    ],
)
def test_the_rule_of_samples_on_one_side(
    side: ShareOutside, both: tuple[int, int], verdict: str, reasons: list[str]
) -> None:
    assert reference(side, both) == (verdict, reasons)


def test_the_percentile_of_120_people_is_held_against_the_tolerance() -> None:
    side = outside(3, 3, 120)
    assert reference(side, (6, 6), (110, 108, 112.9)) == ("investigate", ["direct_differs"])
    assert reference(side, (6, 6), (112, 108, 113)) == ("adopt", ["rule_kept"])


def test_every_verdict_and_reason_has_its_words() -> None:
    assert set(RULES.verdicts) == set(RangeVerdict)
    assert set(RULES.reasons) == set(RangeReason)
