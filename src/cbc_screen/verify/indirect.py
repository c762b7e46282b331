"""The limits of the healthy, estimated from routine results in which healthy and sick are mixed.

Every transformation and every composition that is tried gets a weight: by its likelihood, less what its components
cost, plus what speaks for many healthy people. The limits are weighted medians over all of them, so that no single
choice decides. The interval is that of the same medians over histograms drawn again. `benchmarks/ribench.py` measures all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from cbc_screen.knowledge.verification import IndirectMethod
from cbc_screen.verify.mixture import (
    HEALTHY,
    LEFT,
    RIGHT,
    Fitting,
    Histogram,
    Mixtures,
    Numbers,
    histogram,
    repeated,
    starts,
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimated limits with their intervals, and the shares of the results that are sick below, healthy, sick above.

    Attributes
    ----------
    lower, upper : float
        In the unit of the results.
    lower_interval, upper_interval : pair of float
        From histograms drawn again; the width is that of chance, and not that of a wrong model.
    sick_below, healthy, sick_above : float
        Shares; what is left are stray results.
    """

    lower: float
    upper: float
    lower_interval: tuple[float, float]
    upper_interval: tuple[float, float]
    sick_below: float
    healthy: float
    sick_above: float


def estimate_limits(
    values: Numbers,
    method: IndirectMethod,
    percentiles: tuple[float, float] = (2.5, 97.5),
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate | None:
    """Estimate the limits of the healthy; None where nothing that is tried describes the results.

    Parameters
    ----------
    values : array of float
        Results of one analyte, sex and band of ages, 0 or more, in one unit.
    method : IndirectMethod
        From reference_ranges/verification.yaml.
    percentiles : pair of float
        Of the healthy, that the limits are to be.
    confidence : float
        Of the intervals.
    seed : int
        Of the histograms that are drawn again: the same results give the same interval.
    """
    found = histogram(values, method.bins)
    shares = found.counts / found.results
    fits = Fitting(found, shares, starts(found, method), method).after(method.first_steps)
    best = np.argsort(-_scores(fits, found.results, method), kind="stable")[: method.fits]
    fits = Fitting(found, shares, fits.take(best), method).after(method.steps)
    weights = _weights(_scores(fits, found.results, method), method)
    if weights is None:
        return None
    z = tuple(NormalDist().inv_cdf(share / 100) for share in percentiles)
    lowest = float(found.edges[0])
    lower, upper = (np.maximum(np.nan_to_num(fits.healthy_at(own), posinf=0.0), lowest) for own in z)
    drawn = _drawn_again(found, fits, weights, method, seed)
    outer = (1 - confidence) / 2

    def interval(own: float) -> tuple[float, float]:
        if not drawn:
            return lowest, float("inf")
        values = np.concatenate([np.nan_to_num(again.healthy_at(own), posinf=0.0) for again, _ in drawn])
        every = np.concatenate([by for _, by in drawn])
        low, high = (max(_quantile(values, every, part), lowest) for part in (outer, 1 - outer))
        return low, high

    share = (weights[:, None] * fits.weight).sum(axis=0)
    return Estimate(
        _quantile(lower, weights, 0.5),
        _quantile(upper, weights, 0.5),
        interval(z[0]),
        interval(z[1]),
        float(share[LEFT]),
        float(share[HEALTHY]),
        float(share[RIGHT]),
    )


def _scores(fits: Mixtures, results: float, method: IndirectMethod) -> Numbers:
    """Return how well each mixture stands: minus infinity where it is none of healthy people with sick beside them."""
    healthy = fits.weight[:, HEALTHY]
    score = (
        2 * fits.likelihood
        - method.component_cost * fits.components(method.component_there) * np.log(results)
        + method.healthy_weight * np.log(np.maximum(healthy, method.fewest_healthy))
    )
    sound = fits.ordered(method.component_there) & (healthy >= method.fewest_healthy) & np.isfinite(score)
    return np.asarray(np.where(sound, score, -np.inf), dtype=np.float64)


def _weights(scores: Numbers, method: IndirectMethod) -> Numbers | None:
    best = scores.max(initial=-np.inf)
    if not np.isfinite(best):
        return None
    weights = np.exp((scores - best) / (2 * method.flattening))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _quantile(values: Numbers, weights: Numbers, part: float) -> float:
    """Return a weighted quantile; a half is the median."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][min(int(np.searchsorted(reached, part * reached[-1])), len(values) - 1)])


def _drawn_again(
    found: Histogram, fits: Mixtures, weights: Numbers, method: IndirectMethod, seed: int
) -> list[tuple[Mixtures, Numbers]]:
    """Draw the histogram again and again, and go on from the fits that count to those of each."""
    kept = fits.take(np.argsort(-weights, kind="stable")[: method.replicate_fits])
    many = len(kept.power)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(int(found.results), found.counts / found.results, size=method.replicates)
    shares = np.repeat(counts / found.results, many, axis=0)
    again = Fitting(found, shares, repeated(kept, method.replicates), method).after(method.replicate_steps)
    drawn = []
    for begin in range(0, many * method.replicates, many):
        own = again.take(np.arange(begin, begin + many))
        own_weights = _weights(_scores(own, found.results, method), method)
        if own_weights is not None:
            drawn.append((own, own_weights))
    return drawn
