"""Where a person's results go: a slope whose spread is known beforehand, and a robust one beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import TrendRule
from cbc_screen.serial.counts import AnalyteValues
from cbc_screen.serial.formulas import mann_kendall_of
from cbc_screen.serial.segments import Bools, Floats, Ints, begins, ends, sizes, summed
from cbc_screen.vocabulary import Trend

NONE, RISING, FALLING, CANNOT_TELL, NOT_ASSESSED = range(len(Trend))
# Every pair of a series is looked at: of a longer one its last results, so that memory stays bounded.
MOST_PAIRED = 60
_PAIRS_AT_ONCE = 1 << 21  # that stay in the cache
DAYS = 30  # for which a slope is shown


@dataclass(frozen=True)
class Slopes:
    """Of each series: whose it is, how many results it has, the slope of the logarithm a day, and its standard error.

    The slope lies between `low` and `high`, as the results do.
    """

    owner: Ints
    results: Ints
    low: Floats
    high: Floats
    error: Floats


def slopes(owner: Ints, time: Floats, values: AnalyteValues, sigma: float) -> Slopes:
    """Fit a line to the logarithm of each person's results by least squares.

    Parameters
    ----------
    owner : array of int
        The person of each result, sorted.
    time : array of float
        Days.
    values : Values
        What each result can be, in any one unit.
    sigma : float
        Standard deviation of the logarithm of a result around a person's own middle.
    """
    starts = begins(owner)
    many = sizes(starts, len(owner))
    middle = summed(time, starts) / many
    away = time - np.repeat(middle, many)
    spread = summed(away**2, starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = away / np.repeat(spread, many)
        low, high = np.log(values.low), np.log(values.high)
        ends = (np.where(weight > 0, low, high), np.where(weight > 0, high, low))
        # The middle of a series says nothing of its slope, whatever its result may be.
        least, most = (summed(np.where(weight == 0, 0.0, weight * end), starts) for end in ends)
        error = sigma / np.sqrt(spread)
    return Slopes(owner[starts], many, least, most, error)


def verdicts(found: Slopes, rule: TrendRule) -> NDArray[np.int8]:
    """Return a code of `Trend` for each series: both ends of its slope must agree."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = found.low / found.error, found.high / found.error
    code = np.full(len(low), CANNOT_TELL, dtype=np.int8)
    code[(low >= -rule.z) & (high <= rule.z)] = NONE
    code[low > rule.z] = RISING
    code[high < -rule.z] = FALLING
    code[np.isnan(low) | np.isnan(high)] = CANNOT_TELL
    code[found.results < rule.counts] = NOT_ASSESSED
    return code


def unsteady(owner: Ints, time: Floats, values: AnalyteValues, sigma: float, rule: TrendRule) -> tuple[Ints, Bools]:
    """Tell of which series the results vary around their slope far more than is known beforehand.

    Asked of series of numbers that have enough results for a robust slope; the limit is the chi-square quantile of the
    trend's own probability (approximation of Wilson and Hilferty).
    """
    found = slopes(owner, time, values, sigma)
    starts = begins(owner)
    exact = (found.low == found.high) & np.isfinite(found.low) & (found.results >= rule.robust_counts)
    many = found.results
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.log(values.low)
        away = time - np.repeat(summed(time, starts) / many, many)
        rest = y - np.repeat(summed(y, starts) / many, many) - np.repeat(found.low, many) * away
        freedom = np.maximum(many - 2, 1).astype(np.float64)
        part = 2 / (9 * freedom)
        limit = freedom * (1 - part + rule.z * np.sqrt(part)) ** 3
        wide = summed(rest**2, starts) > limit * sigma**2
    return found.owner, exact & wide


def shown(found: Slopes) -> Floats:
    """Return the change in percent over 30 days, where the slope is known."""
    same = (found.low == found.high) & np.isfinite(found.low)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(same & (found.results > 1), np.round(100 * np.expm1(DAYS * found.low), 1), np.nan)


@dataclass(frozen=True)
class Robust:
    """Of each series of points: the median slope of all its pairs a day, and the exact p of its order."""

    owner: Ints
    slope: Floats
    p: Floats


def robust_slopes(owner: Ints, time: Floats, values: Floats, fewest: int) -> Robust:
    """Return the median of the slopes of all pairs of each series that has enough results.

    Parameters
    ----------
    owner : array of int
        The person of each result, sorted by person and time.
    time, values : array of float
        Days, and finite numbers in any one unit.
    fewest : int
        Results that a series must have.
    """
    starts = begins(owner)
    many = np.minimum(sizes(starts, len(owner)), MOST_PAIRED)
    final = ends(starts, len(owner))
    told = np.flatnonzero(many >= fewest)
    middle, score = np.full(len(starts), np.nan), np.zeros(len(starts), dtype=np.int64)
    for length in np.unique(many[told]):
        same = told[many[told] == length]
        at_once = max(_PAIRS_AT_ONCE // int(length) ** 2, 1)
        for part in range(0, len(same), at_once):
            these = same[part : part + at_once]
            rows = final[these, None] - np.arange(length - 1, -1, -1)
            middle[these], score[these] = _of_pairs(time[rows], values[rows])
    return Robust(owner[starts][told], middle[told], mann_kendall_of(score[told], many[told]))


def _of_pairs(time: Floats, values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the median slope of the pairs of each row, and how many of them rise less how many fall."""
    first, second = np.triu_indices(time.shape[1], 1)
    rise = values[:, second] - values[:, first]
    slope = rise / (time[:, second] - time[:, first])
    pairs = slope.shape[1]
    low, high = (pairs - 1) // 2, pairs // 2
    slope.partition((low, high), axis=1)
    return (slope[:, low] + slope[:, high]) / 2, np.sign(rise).sum(axis=1).astype(np.int64)
