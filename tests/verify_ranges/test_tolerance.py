"""How far a limit may be off, and how far it is known: worked out by hand for hemoglobin of men, 132 to 171 g/L."""

from __future__ import annotations

import pytest

from cbc_screen.knowledge.verification import load_verification
from cbc_screen.verify.tolerance import known_to, permissible

CONSTANTS = load_verification().uncertainty
MIDDLE_95 = (2.5, 97.5)


def test_the_permissible_uncertainty() -> None:
    # g = 150.24, s = 0.06604, CV = 6.611, f = 2.522: 2.522 x (1.024 x 132 + 0.256 x 150.24) / 100, and of 171 alike.
    assert permissible(132, 171, MIDDLE_95, CONSTANTS) == pytest.approx((4.379, 5.386), abs=2e-3)


def test_narrower_percentiles_make_the_same_limits_less_certain() -> None:
    lower, upper = permissible(132, 171, (5, 95), CONSTANTS)
    assert lower is not None
    assert upper is not None
    # s = 0.2589 / 3.290 = 0.07869, CV = 7.881, f = 2.762
    assert (lower, upper) == (pytest.approx(4.796, abs=2e-3), pytest.approx(5.899, abs=2e-3))


@pytest.mark.parametrize("lower", [None, 0.0])
def test_a_lower_limit_of_nothing_has_none_and_the_upper_one_stands_on_15_percent(lower: float | None) -> None:
    # 0.15 x 5 = 0.75: g = 1.9365, s = 0.48397, CV = 51.39, f = 7.151
    assert permissible(lower, 5.0, MIDDLE_95, CONSTANTS) == (None, pytest.approx(0.4016, abs=1e-3))


@pytest.mark.parametrize(("lower", "upper"), [(132.0, None), (None, None), (None, 0.0), (100.0, 100.9)])
def test_no_uncertainty_of_limits_that_do_not_give_one(lower: float | None, upper: float | None) -> None:
    assert permissible(lower, upper, MIDDLE_95, CONSTANTS) == (None, None)


def test_how_far_a_limit_of_120_people_is_known() -> None:
    # s = 0.06604; outer 0.06604 x 5.81 / 11.614 = 0.03304, inner 0.06604 x 7.26 / 5.374 = 0.08921
    lower, upper = known_to(132, 171, 120, MIDDLE_95, CONSTANTS)
    assert lower == pytest.approx((127.71, 144.32), abs=0.02)
    assert upper == pytest.approx((156.40, 176.74), abs=0.02)


def test_below_40_people_nothing_is_said() -> None:
    assert known_to(132, 171, 39, MIDDLE_95, CONSTANTS) == (None, None)
    assert known_to(132, 171, 40, MIDDLE_95, CONSTANTS)[0] is not None
    assert known_to(0, 171, 400, MIDDLE_95, CONSTANTS) == (None, None)


@pytest.mark.parametrize(
    ("basis", "percentiles"),
    [
        ("2.5-97.5 (survey-weighted, nonparametric)", (2.5, 97.5)),
        ("95% (stated)", (2.5, 97.5)),
        ("Approx. 95%", (2.5, 97.5)),
        ("mean +/- 2 SD", (2.5, 97.5)),
        ("5-95 (neonatal convention)", (5, 95)),
        ("not stated", None),
        ("not stated (believed 2.5-97.5)", None),
        ("as the laboratory states", None),
        (">98% of healthy babies", None),
    ],
)
def test_what_the_words_of_a_basis_say(basis: str, percentiles: tuple[float, float] | None) -> None:
    assert load_verification().percentiles(basis) == percentiles
