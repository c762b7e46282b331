"""The formulas: reference change value, prediction interval, slopes and the exact test of a trend."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HALVINGS = 200
_LARGE = 2_000  # degrees of freedom from which the t distribution is taken as normal
_MEDIAN_OF_TWO = 2


def reference_change(within: float, measurement: float, z: float) -> tuple[float, float]:
    """Return the log-normal reference change value: the fractions of a rise and of a fall.

    Parameters
    ----------
    within, measurement : float
        Coefficients of variation within a person and of the measurement, as fractions.
    z : float
        Two-sided normal quantile.

    Examples
    --------
    >>> up, down = reference_change(0.0722, 0.018, 1.96)
    >>> round(100 * up, 3), round(100 * down, 3)
    (22.875, -18.617)
    """
    sigma = math.sqrt(math.log1p(within**2) + math.log1p(measurement**2))
    return math.expm1(z * math.sqrt(2) * sigma), math.expm1(-z * math.sqrt(2) * sigma)


def symmetric_change(within: float, measurement: float, z: float) -> float:
    """Return the symmetric reference change value, as a fraction.

    Examples
    --------
    >>> round(100 * symmetric_change(0.0274, 0.0058, 1.96), 3)
    7.763
    """
    return z * math.sqrt(2) * math.hypot(within, measurement)


def interval_of_population(
    mean: Floats, results: Floats, within: float, measurement: float, z: float
) -> tuple[Floats, Floats]:
    """Return the range of the next result around a person's mean, with the variation of the population.

    Examples
    --------
    >>> low, high = interval_of_population(np.array([13.1]), np.array([1.0]), 0.0274, 0.0058, 1.96)
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (12.083, 14.117)
    """
    half = z * mean * math.hypot(within, measurement) * np.sqrt((results + 1) / results)
    return mean - half, mean + half


def interval_of_own(mean: Floats, spread: Floats, results: NDArray[np.int64], quantile: float) -> tuple[Floats, Floats]:
    """Return the range of the next result around a person's mean, with the person's own standard deviation.

    Examples
    --------
    >>> low, high = interval_of_own(np.array([13.2]), np.array([0.158114]), np.array([5]), 0.975)
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (12.7191, 13.6809)
    """
    freedom, place = np.unique(results - 1, return_inverse=True)
    factors = np.array([t_quantile(quantile, int(own)) for own in freedom])[place]
    half = factors * spread * np.sqrt(1 + 1 / results)
    return mean - half, mean + half


@lru_cache(maxsize=4_096)
def t_quantile(probability: float, freedom: int) -> float:
    """Return a quantile of the t distribution; the probability is above one half.

    Examples
    --------
    >>> round(t_quantile(0.975, 4), 6)
    2.776445
    """
    if freedom > _LARGE:
        return NormalDist().inv_cdf(probability)
    low, high = 0.0, 1.0
    while _t_below(high, freedom) < probability:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_below(middle, freedom) < probability else (low, middle)
    return (low + high) / 2


def _t_below(t: float, freedom: int) -> float:
    """Return how much of the t distribution lies below a positive t: the finite series in the angle."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = total = cosine if odd else 1.0
    if freedom == 1:
        total = 0.0
    for step in range(2 + odd, freedom, 2):
        term *= cosine**2 * (step - 1) / step
        total += term
    both = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return (1 + both) / 2


@lru_cache(maxsize=256)
def _inversions(results: int) -> Floats:
    """Return how probable each number of inversions is where every order of `results` is as likely."""
    chances: Floats = np.ones(1)
    for own in range(2, results + 1):
        chances = np.convolve(chances, np.full(own, 1 / own))
    return chances


@lru_cache(maxsize=256)
def _two_sided(results: int) -> Floats:
    """Return the exact two-sided p of Mann and Kendall, by the number of pairs out of order."""
    chances = _inversions(results)
    pairs = len(chances) - 1
    below = np.cumsum(chances)
    fewer = np.minimum(np.arange(pairs + 1), pairs - np.arange(pairs + 1))
    both: Floats = np.minimum(2 * below[fewer], 1.0)
    return both


def mann_kendall(score: int, results: int) -> float:
    """Return the exact two-sided p of a Mann-Kendall score (pairs that rise less pairs that fall).

    Examples
    --------
    >>> round(mann_kendall(6, 4), 6), round(mann_kendall(-10, 5), 6)
    (0.083333, 0.016667)
    """
    pairs = results * (results - 1) // 2
    return float(_two_sided(results)[(pairs - abs(score)) // _MEDIAN_OF_TWO])


def mann_kendall_of(score: NDArray[np.int64], results: NDArray[np.int64]) -> Floats:
    """Return `mann_kendall` of many series; a series of fewer than two has a p of 1."""
    p: Floats = np.ones(len(score))
    for own in np.unique(results[results > 1]):
        these = results == own
        pairs = int(own) * (int(own) - 1) // 2
        p[these] = _two_sided(int(own))[(pairs - np.abs(score[these])) // 2]
    return p
