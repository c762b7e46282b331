"""The rule of samples and exact intervals of shares, against numbers worked out by hand."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from cbc_screen.errors import UsageError
from cbc_screen.knowledge.verification import RuleOfSamples, load_verification
from cbc_screen.verify.samples import allowed, allowed_beyond_one, at_most, exact_interval, percentile, sample_rule

RULE = RuleOfSamples(20, 2, 4, 0.05, (0.05, 0.10, 0.15, 0.20, 0.25))


@pytest.mark.parametrize(
    ("share", "adopted", "again", "refused"),
    [  # the binomial distribution for 20: at most 2; 3 or 4; 5 or more
        (0.05, 0.925, 0.073, 0.003),
        (0.10, 0.677, 0.280, 0.043),
        (0.15, 0.405, 0.425, 0.170),
        (0.20, 0.206, 0.424, 0.370),
        (0.25, 0.091, 0.324, 0.585),
    ],
)
def test_the_chances_of_twenty_samples(share: float, adopted: float, again: float, refused: float) -> None:
    found = sample_rule(RULE, 20, (0, 0), 0.05)
    assert found is not None
    (own,) = [chance for chance in found.chances if chance.share == share]
    assert (round(own.adopt, 3), round(own.repeat, 3), round(own.refuse, 3)) == (adopted, again, refused)


def test_the_shipped_rule_is_the_published_one() -> None:
    assert load_verification().rule == RULE


@pytest.mark.parametrize(
    ("people", "adopt", "repeat"),
    [
        (20, 2, 4),  # a right range (5 % outside) fails in 7.55 of 100, and is refused in 0.257
        (21, 2, 4),  # more than 2 in 8.49 of 100, more than 3 in 1.89; more than 4 in 0.324, more than 5 in 0.044
        (24, 2, 4),  # more than 2 in 11.59, more than 3 in 2.98; more than 4 in 0.597, more than 5 in 0.096
        (40, 3, 6),  # more than 3 in 13.81, more than 4 in 4.80; more than 6 in 0.339, more than 7 in 0.071
        (120, 9, 13),  # more than 9 in 7.86, more than 10 in 3.84; more than 13 in 0.277, more than 14 in 0.099
    ],
)
def test_the_rule_for_other_numbers_takes_the_largest_counts_that_fail_no_less_often(
    people: int, adopt: int, repeat: int
) -> None:
    found = sample_rule(RULE, people, (0, 0), 0.05)
    assert found is not None
    assert (found.adopt_at_most, found.repeat_at_most) == (adopt, repeat)


@pytest.mark.parametrize(("people", "adopted"), [(20, 0.677), (21, 0.648), (24, 0.564), (40, 0.423), (120, 0.229)])
def test_a_range_with_ten_percent_outside_is_caught_more_often_by_more_people(people: int, adopted: float) -> None:
    found = sample_rule(RULE, people, (0, 0), 0.05)
    assert found is not None
    assert round(found.chances[1].adopt, 3) == adopted


def test_nineteen_are_too_few() -> None:
    assert sample_rule(RULE, 19, (0, 0), 0.05) is None


def test_no_range_is_adopted_more_often_or_refused_less_often_than_by_twenty() -> None:
    of_twenty = sample_rule(RULE, 20, (0, 0), 0.05)
    assert of_twenty is not None
    for people in (*range(21, 200), 1000, 40_000):
        found = sample_rule(RULE, people, (0, 0), 0.05)
        assert found is not None
        for own, least in zip(found.chances, of_twenty.chances, strict=True):
            assert own.adopt <= least.adopt + 1e-9, (people, own.share)
            assert own.refuse >= least.refuse - 1e-9, (people, own.share)


@pytest.mark.parametrize("people", [20, 21, 57, 120, 1000, 40_000])
def test_one_more_would_fail_a_right_range_less_often(people: int) -> None:
    count = allowed(RULE, people, 2, 0.05)
    fails = 1 - at_most(2, 20, 0.05)
    assert 1 - at_most(count, people, 0.05) >= fails - 1e-9
    assert 1 - at_most(count + 1, people, 0.05) < fails


def test_of_a_range_with_one_limit_half_as_many_are_expected() -> None:
    # Of 20 with 2.5 % outside more than 1 in 8.8 of 100, more than 2 in 1.3.
    assert allowed(RULE, 20, 2, 0.025) == 1


def test_beyond_one_limit_twenty_are_asked_nothing_more_than_by_the_rule() -> None:
    # The published rule adopts with 2 outside on whichever side. Of 100 more than 5 lie beyond one limit in 3.8 of 100.
    assert allowed_beyond_one(RULE, 20, 0.025) == 2
    assert allowed_beyond_one(RULE, 100, 0.025) == 5


def test_the_binomial_distribution_is_that_of_the_sum() -> None:
    for number in (1, 5, 20, 57, 200):
        for count in range(0, number, max(1, number // 7)):
            for share in (0.001, 0.025, 0.05, 0.3, 0.7, 0.99):
                exactly = sum(comb(number, k) * share**k * (1 - share) ** (number - k) for k in range(count + 1))
                assert at_most(count, number, share) == pytest.approx(exactly, abs=1e-12)


@pytest.mark.parametrize(
    ("count", "number", "low", "high"),
    [
        (0, 20, 0.0, 0.16843),  # 1 - 0.025^(1/20)
        (20, 20, 0.83157, 1.0),
        (2, 20, 0.01235, 0.31698),
        (0, 0, 0.0, 1.0),
        (1, 1, 0.025, 1.0),
    ],
)
def test_exact_intervals(count: int, number: int, low: float, high: float) -> None:
    assert exact_interval(count, number, 0.95) == pytest.approx((low, high), abs=5e-6)


@pytest.mark.parametrize(("count", "number"), [(3, 2), (-1, 5)])
def test_a_share_of_more_than_all_is_refused(count: int, number: int) -> None:
    with pytest.raises(UsageError, match="0 <= count <= number"):
        exact_interval(count, number, 0.95)


def test_a_percentile_by_its_rank() -> None:
    values = np.arange(1.0, 121.0)  # 120 people: rank 0.025 x 121 is 3.025, and 0.975 x 121 is 117.975
    low, below, above = percentile(values, 0.025, 0.90)
    assert low == pytest.approx(3.025)
    # The 90 % interval of 120 people: ranks 1 and 7, as published for the nonparametric method.
    assert (below, above) == (1.0, 7.0)
    high, below, above = percentile(values, 0.975, 0.90)
    assert high == pytest.approx(117.975)
    assert (below, above) == (114.0, 120.0)
