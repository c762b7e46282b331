"""How far a limit may be off, and how far the set's own limit is known."""

from __future__ import annotations

import math
from statistics import NormalDist

from cbc_screen.knowledge.verification import Uncertainty


def permissible(
    lower: float | None, upper: float | None, percentiles: tuple[float, float], constants: Uncertainty
) -> tuple[float | None, float | None]:
    """Return the permissible uncertainty of the lower and of the upper limit, in their unit.

    Without an upper limit there is none. Without a lower one, or with one of 0, a share of the upper stands in its place.
    Source: the formulas of reference_ranges/verification.yaml.
    """
    if upper is None or upper <= 0:
        return None, None
    below = lower if lower is not None and lower > 0 else constants.missing_lower * upper
    if below >= upper:
        return None, None
    spread = (math.log(upper) - math.log(below)) / width(percentiles)
    variation = 100 * math.sqrt(math.expm1(spread**2))
    if variation <= constants.cv_less:
        return None, None
    factor, middle = math.sqrt(variation - constants.cv_less), math.sqrt(below * upper)

    def of(limit: float) -> float:
        return factor * (constants.of_limit * limit + constants.of_middle * middle) / 100

    return of(below) if lower == below else None, of(upper)


def width(percentiles: tuple[float, float]) -> float:
    """Return how many standard deviations lie between two percentiles of a normal distribution."""
    low, high = (NormalDist().inv_cdf(share / 100) for share in percentiles)
    return high - low


def known_to(
    lower: float | None, upper: float | None, people: int, percentiles: tuple[float, float], constants: Uncertainty
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Return about which interval each limit of a set lies in, from the number of people it was made of.

    None where the people are too few for the approximation, or a limit is missing or 0.
    """
    if lower is None or upper is None or not 0 < lower < upper or people < constants.people:
        return None, None
    root, spread = math.sqrt(people), (math.log(upper) - math.log(lower)) / width(percentiles)
    away = math.exp(spread * constants.outer / (root + constants.outer_more))
    towards = math.exp(spread * constants.inner / (root - constants.inner_less))
    return (lower / away, lower * towards), (upper / towards, upper * away)
