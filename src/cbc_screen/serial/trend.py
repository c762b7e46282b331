"""Where a person's results go: a slope whose spread is known beforehand, and a robust one beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import TrendRule
from cbc_screen.serial.counts import AnalyteValues
from cbc_screen.serial.formulas import mann_kendall_of
from cbc_screen.serial.segments import Bools, Floats, Ints, put, summed
from cbc_screen.serial.timed_rows import TimedRows, timed
from cbc_screen.vocabulary import Trend

NONE, RISING, FALLING, CANNOT_TELL, NOT_ASSESSED = range(len(Trend))
# Every pair of a series is looked at: of a longer one its last results, so that memory stays bounded.
MOST_PAIRED = 60
_PAIRS_AT_ONCE = 1 << 17  # that stay in the cache
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
    return fitted(timed(owner, time), logarithms(values), sigma)


def logarithms(values: AnalyteValues) -> AnalyteValues:
    """Return the logarithms of results."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return values.of(np.log)


def fitted(rows: TimedRows, logs: AnalyteValues, sigma: float) -> Slopes:
    """Fit a line to the logarithms of results; see `slopes`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = sigma / np.sqrt(rows.square)
        if logs.exact:
            least = most = _weighed(rows, logs.low)
        else:
            up = rows.weight > 0
            least, most = (
                _weighed(rows, np.where(up, *ends)) for ends in ((logs.low, logs.high), (logs.high, logs.low))
            )
    return Slopes(rows.whose, rows.sizes, least, most, error)


def _weighed(rows: TimedRows, logs: Floats) -> Floats:
    weighed = rows.weight * logs
    # The middle of a series says nothing of its slope, whatever its result may be.
    weighed[rows.middles] = 0.0
    return summed(weighed, rows.starts)


def verdicts(found: Slopes, rule: TrendRule) -> NDArray[np.int8]:
    """Return a code of `Trend` for each series: both ends of its slope must agree."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = found.low / found.error, found.high / found.error
    code = np.full(len(low), CANNOT_TELL, dtype=np.int8)
    put(code, (low >= -rule.z) & (high <= rule.z), NONE)
    put(code, low > rule.z, RISING)
    put(code, high < -rule.z, FALLING)
    put(code, np.isnan(low) | np.isnan(high), CANNOT_TELL)
    put(code, found.results < rule.counts, NOT_ASSESSED)
    return code


def unsteady(owner: Ints, time: Floats, values: AnalyteValues, sigma: float, rule: TrendRule) -> tuple[Ints, Bools]:
    """Tell of which series the results vary around their slope far more than is known beforehand; see `scattered`."""
    rows, logs = timed(owner, time), logarithms(values)
    found = fitted(rows, logs, sigma)
    return found.owner, scattered(rows, logs, found, sigma, rule)


def scattered(rows: TimedRows, logs: AnalyteValues, found: Slopes, sigma: float, rule: TrendRule) -> Bools:
    """Tell of which series the results vary around their slope far more than is known beforehand.

    Asked of series of numbers that have enough results for a robust slope; the limit is the chi-square quantile of the
    trend's own probability (approximation of Wilson and Hilferty).
    """
    many = found.results
    exact: Bools = (found.low == found.high) & np.isfinite(found.low) & (many >= rule.robust_counts)
    if not exact.any():
        return exact
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = logs.low - rows.repeat(summed(logs.low, rows.starts) / many)
        rest -= rows.repeat(found.low) * rows.away
        freedom = np.maximum(many - 2, 1).astype(np.float64)
        part = 2 / (9 * freedom)
        limit = freedom * (1 - part + rule.z * np.sqrt(part)) ** 3
        wide = summed(np.square(rest, out=rest), rows.starts) > limit * sigma**2
    return exact & wide


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
    return robust(timed(owner, time), values, fewest)


def robust(rows: TimedRows, values: Floats, fewest: int) -> Robust:
    """Return the median of the slopes of all pairs of each series; see `robust_slopes`."""
    many, time = np.minimum(rows.sizes, MOST_PAIRED), rows.take(rows.time)
    told = np.flatnonzero(many >= fewest)
    middle, score = np.full(len(many), np.nan), np.zeros(len(many), dtype=np.int64)
    for length in np.unique(many[told]).tolist():
        same = told[many[told] == length]
        at_once = max(_PAIRS_AT_ONCE // length**2, 1)
        for part in range(0, len(same), at_once):
            these = same[part : part + at_once]
            places = rows.ends.take(these)[:, None] - np.arange(length - 1, -1, -1)
            middle[these], score[these] = _of_pairs(time.take(places), values.take(places))
    return Robust(rows.whose.take(told), middle.take(told), mann_kendall_of(score.take(told), many.take(told)))


def _of_pairs(time: Floats, values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the median slope of the pairs of each row, and how many of them rise less how many fall."""
    first, second = np.triu_indices(time.shape[1], 1)
    slope = values.take(second, axis=1)
    slope -= values.take(first, axis=1)
    score = np.sign(slope).sum(axis=1).astype(np.int64)
    apart = time.take(second, axis=1)
    apart -= time.take(first, axis=1)
    slope /= apart
    # Sorted as a whole: short rows are, by the instructions of the processor, ten times as fast as they are parted.
    slope.sort(axis=1)
    pairs = slope.shape[1]
    return (slope[:, (pairs - 1) // 2] + slope[:, pairs // 2]) / 2, score
