"""Limits estimated from mixtures whose truth is known."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from cbc_screen.knowledge.verification import load_verification
from cbc_screen.verify.indirect import Estimate, estimate_limits
from cbc_screen.verify.mixture import histogram

METHOD = load_verification().indirect
MEAN, SPREAD = 140.0, 10.0  # of the healthy: 120.4 to 159.6


@lru_cache(maxsize=8)
def drawn(sick_below: float, seed: int = 1, many: int = 4000) -> np.ndarray:
    generator = np.random.default_rng(seed)
    sick = round(sick_below * many)
    values = np.concatenate([generator.normal(MEAN, SPREAD, many - sick), generator.normal(108, 12, sick)])
    return np.round(values)


@lru_cache(maxsize=8)
def estimated(sick_below: float, seed: int = 1) -> Estimate:
    found = estimate_limits(drawn(sick_below, seed), METHOD)
    assert found is not None
    return found


@pytest.mark.parametrize("sick", [0.0, 0.1, 0.3])
def test_the_limits_of_the_healthy_within_a_third_of_their_spread(sick: float) -> None:
    found = estimated(sick)
    assert found.lower == pytest.approx(120.4, abs=SPREAD / 3)
    assert found.upper == pytest.approx(159.6, abs=SPREAD / 3)
    assert found.lower_interval[0] <= found.lower <= found.lower_interval[1]
    assert found.upper_interval[0] <= found.upper <= found.upper_interval[1]


def test_the_plain_percentiles_of_the_same_results_are_far_off() -> None:
    assert np.quantile(drawn(0.3), 0.025) < 100  # what an estimate is for


def test_the_sick_are_found_on_their_side() -> None:
    found = estimated(0.3)
    assert found.sick_below == pytest.approx(0.3, abs=0.08)
    assert found.healthy + found.sick_below + found.sick_above == pytest.approx(1, abs=0.03)


def test_a_skewed_analyte_without_sick() -> None:
    values = np.round(np.exp(np.random.default_rng(3).normal(np.log(6.8), 0.25, 5000)), 2)  # 4.17 to 11.1
    found = estimate_limits(values, METHOD)
    assert found is not None
    assert (found.lower, found.upper) == (pytest.approx(4.17, rel=0.08), pytest.approx(11.1, rel=0.08))


def test_the_order_of_the_results_and_a_second_run_change_nothing() -> None:
    values = drawn(0.1)
    assert estimate_limits(np.sort(values)[::-1].copy(), METHOD) == estimated(0.1)


def test_another_unit_changes_the_numbers_and_nothing_else() -> None:
    found, tenth = estimated(0.1), estimate_limits(drawn(0.1) / 10, METHOD)
    assert tenth is not None
    assert (10 * tenth.lower, 10 * tenth.upper) == (
        pytest.approx(found.lower, rel=0.005),
        pytest.approx(found.upper, rel=0.005),
    )


def test_other_percentiles_of_the_same_people_lie_inside() -> None:
    narrow = estimate_limits(drawn(0.0), METHOD, (5, 95))
    assert narrow is not None
    assert (narrow.lower, narrow.upper) == (pytest.approx(123.6, abs=2), pytest.approx(156.4, abs=2))


def test_a_histogram_holds_every_result_and_parts_none_that_are_alike() -> None:
    values = drawn(0.1)
    for most in (10, 160, 10_000):
        found = histogram(values, most)
        assert len(found.counts) <= most
        assert found.results == len(values)
        assert len(found.edges) == len(found.counts) + 1
        assert not np.isin(found.edges, values).any()
        assert np.array_equal(np.histogram(values, found.edges)[0], found.counts)
