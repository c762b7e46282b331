"""Many mixtures at once, fitted to one histogram: the healthy, the sick below and above them, and stray results.

Of each mixture the healthy are normal after a Box-Cox transformation. The sick are normal on the same scale, or as
they are: which of the two is not known, so both are tried. A result may also be stray, anywhere in the range of all,
with a share that is capped. The fit is the exact expectation-maximization for grouped data (McLachlan and Jones,
Biometrics 1988;44:571): a bin has the moments of a truncated normal, so that rounded results are no lie.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.verification import IndirectMethod

Numbers = NDArray[np.float64]
Truths = NDArray[np.bool_]
LEFT, HEALTHY, RIGHT = range(3)
_REACH = 9.0  # standard deviations beyond which nothing is left of a normal distribution
_SMALLEST = 1e-300  # of a share: its logarithm is still a number
_EMPTY = 1e-6  # of a component: as good as not there


@dataclass(frozen=True)
class Histogram:
    """How many results lie in each bin; `edges` has one more than `counts`, and none is below 0."""

    edges: Numbers
    counts: Numbers

    @property
    def results(self) -> float:
        """How many results there are."""
        return float(self.counts.sum())


def histogram(values: Numbers, most: int) -> Histogram:
    """Return at most `most` bins of about equal counts; no edge divides results that are written alike."""
    distinct, counts = np.unique(np.round(values, 9), return_counts=True)
    reached = np.cumsum(counts)
    last = np.arange(len(distinct))
    if len(distinct) > most:
        wanted = np.searchsorted(reached, np.arange(1, most) * len(values) / most)
        last = np.unique(np.append(wanted, len(distinct) - 1))
    between = (distinct[last[:-1]] + distinct[last[:-1] + 1]) / 2
    step = float(np.diff(distinct).min()) if len(distinct) > 1 else 1.0
    edges = np.concatenate([[max(distinct[0] - step / 2, 0.0)], between, [distinct[-1] + step / 2]])
    begins = np.append(0, last[:-1] + 1)
    return Histogram(edges, np.add.reduceat(counts, begins).astype(np.float64))


@dataclass(frozen=True)
class Mixtures:
    """Fitted mixtures, one a row: left, healthy and right component.

    `power` is the exponent of the transformation of the healthy, `alike` tells whether the sick are on its scale.
    `likelihood` is the logarithm of that of the histogram.
    """

    power: Numbers
    alike: Truths
    mean: Numbers
    spread: Numbers
    weight: Numbers
    stray: Numbers
    likelihood: Numbers

    def take(self, rows: NDArray[np.intp]) -> Mixtures:
        """Return some of them, in this order."""
        return Mixtures(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def healthy_at(self, z: float) -> Numbers:
        """Return the value that lies z standard deviations above the middle of the healthy."""
        return untransformed(self.mean[:, HEALTHY] + z * self.spread[:, HEALTHY], self.power)

    def ordered(self, least: float) -> Truths:
        """Tell whether the sick below are below the healthy, and those above them above; `least` is a share that is there."""
        middle = untransformed(self.mean[:, HEALTHY], self.power)
        own = np.where(self.alike, self.power, 1.0)
        right = np.ones(len(self.power), dtype=np.bool_)
        for side, sign in ((LEFT, 1.0), (RIGHT, -1.0)):
            there = self.weight[:, side] > least
            right &= ~there | (sign * (middle - untransformed(self.mean[:, side], own)) >= 0)
        return right

    def components(self, least: float) -> Numbers:
        """Return how many components have more than the least share."""
        return np.asarray((self.weight > least).sum(axis=1), dtype=np.float64)


def transformed(values: Numbers, power: float) -> Numbers:
    """Return the Box-Cox transformation of numbers from 0 on."""
    if power:
        return np.asarray((values**power - 1) / power, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values), dtype=np.float64)


def untransformed(values: Numbers, power: Numbers) -> Numbers:
    """Return what was transformed; 0 where nothing is."""
    safe = np.where(power == 0, 1.0, power)
    with np.errstate(all="ignore"):
        found = np.where(power == 0, np.exp(np.clip(values, -300, 300)), np.maximum(values * safe + 1, 0) ** (1 / safe))
    return np.asarray(found, dtype=np.float64)


@lru_cache(maxsize=1)
def _normal() -> tuple[Numbers, Numbers]:
    """Return the normal distribution function on a grid: numpy has none, and its error here is below 1e-6."""
    grid = np.linspace(-_REACH, _REACH, 3601)
    return grid, np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in grid.tolist()])


class Fitting:
    """Mixtures on their way to their likelihood's maximum, a row each."""

    def __init__(self, found: Histogram, shares: Numbers, start: Mixtures, method: IndirectMethod) -> None:
        """Begin at `start`; `shares` has the share of each bin, for all mixtures or in a row for each."""
        self._results, self._shares, self._method, self._now = found.results, shares, method, start
        own = np.where(start.alike, start.power, 1.0)
        scales = {power: transformed(found.edges, power) for power in {*start.power.tolist(), 1.0}}
        self._edges = np.stack(
            [
                np.stack([scales[sick], scales[healthy], scales[sick]])
                for healthy, sick in zip(start.power.tolist(), own.tolist(), strict=True)
            ]
        )
        self._width = np.diff(found.edges) / (found.edges[-1] - found.edges[0])

    def after(self, steps: int) -> Mixtures:
        """Return the mixtures after some steps."""
        for _ in range(steps):
            self._step()
        return self._now

    def _step(self) -> None:
        now, method = self._now, self._method
        z = np.clip((self._edges - now.mean[:, :, None]) / now.spread[:, :, None], -_REACH, _REACH)
        inside = np.maximum(np.diff(np.interp(z, *_normal()), axis=2), _SMALLEST)
        density = np.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))
        stray = now.stray[:, None] * self._width
        total = (now.weight[:, :, None] * inside).sum(axis=1) + stray
        rate = self._shares / total
        own = now.weight[:, :, None] * rate[:, None, :]
        mass = (own * inside).sum(axis=2)
        there = mass > _EMPTY
        held = np.where(there, mass, 1.0)
        shift = -(own * np.diff(density, axis=2)).sum(axis=2) / held
        second = 1 - (own * np.diff(z * density, axis=2)).sum(axis=2) / held - shift * shift
        mean = np.where(there, now.mean + now.spread * shift, now.mean)
        spread = np.where(there, now.spread * np.sqrt(np.maximum(second, 1e-4)), now.spread)
        left = np.minimum((stray * rate).sum(axis=1), method.stray_at_most)
        weight = np.where(there, mass, 0.0)
        weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), _EMPTY) * (1 - left)[:, None]
        self._now = Mixtures(
            now.power,
            now.alike,
            mean,
            np.maximum(spread, _least_spread(now, mean, spread, method)),
            weight,
            left,
            self._results * (self._shares * np.log(total)).sum(axis=-1),
        )


def _least_spread(now: Mixtures, mean: Numbers, spread: Numbers, method: IndirectMethod) -> Numbers:
    """Return the smallest spread of each component: a share of that of the healthy, on the component's own scale."""
    least = method.smallest_spread * spread[:, [HEALTHY]]
    middle = untransformed(mean[:, HEALTHY], now.power)
    slope = np.where(now.alike, 1.0, np.maximum(middle, _EMPTY) ** (1 - now.power))
    return np.asarray(np.where(np.arange(3) == HEALTHY, 0.0, least * slope[:, None]), dtype=np.float64)


def starts(found: Histogram, method: IndirectMethod) -> Mixtures:
    """Return where the fits begin: each transformation with shares of sick cut off below and above."""
    shares = found.counts / found.results
    places = np.cumsum(shares) - shares / 2
    middles = np.maximum((found.edges[1:] + found.edges[:-1]) / 2, _EMPTY)
    every = [
        (power, alike, cut)
        for power in method.powers
        for alike in (True, False)
        for cut in method.cuts
        if alike or (power != 1 and any(cut))
    ]
    mean, spread, weight = np.zeros((len(every), 3)), np.ones((len(every), 3)), np.zeros((len(every), 3))
    for row, (power, alike, (low, high)) in enumerate(every):
        for side, (begin, end) in enumerate(((0.0, low), (low, 1 - high), (1 - high, 1.0))):
            if end <= begin:
                continue
            own = transformed(middles, power if alike or side == HEALTHY else 1.0)
            mean[row, side], spread[row, side] = _moments(own, shares, _between(places, begin, end))
            weight[row, side] = end - begin
    stray = np.full(len(every), method.stray_at_first)
    return Mixtures(
        np.array([power for power, _, _ in every], dtype=np.float64),
        np.array([alike for _, alike, _ in every], dtype=np.bool_),
        mean,
        spread,
        weight * (1 - method.stray_at_first),
        stray,
        np.full(len(every), -np.inf),
    )


def _between(places: Numbers, begin: float, end: float) -> Truths:
    """Return the bins of a part of the results; the nearest one where it has none."""
    found = (places >= begin) & (places <= end)
    if not found.any():
        off = np.abs(places - (begin + end) / 2)
        found = off == off.min()
    return np.asarray(found, dtype=np.bool_)


def _moments(scale: Numbers, shares: Numbers, rows: Truths) -> tuple[float, float]:
    own = shares[rows] / shares[rows].sum()
    mean = float((own * scale[rows]).sum())
    wide = float(np.sqrt((own * (scale[rows] - mean) ** 2).sum()))
    return mean, max(wide, 1e-3 * float(np.ptp(scale[rows])) + 1e-6)


def repeated(found: Mixtures, times: int) -> Mixtures:
    """Return the mixtures again and again, all of them each time."""
    return found.take(np.tile(np.arange(len(found.power)), times))
