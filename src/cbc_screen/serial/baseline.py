"""The range that a person's own earlier results make for the last one; beside the reference range, never in its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import BaselineRule, Variation
from cbc_screen.serial.counts import AnalyteValues
from cbc_screen.serial.formulas import interval_of_own, interval_of_population
from cbc_screen.serial.segments import Floats, Ints, all_of, put, summed
from cbc_screen.serial.timed_rows import TimedRows
from cbc_screen.vocabulary import Standing

WITHIN, BELOW, ABOVE, CANNOT_TELL, NOT_ASSESSED = range(len(Standing))


@dataclass(frozen=True)
class Baselines:
    """Of each person with results: a code of `Standing` of the last one, and the range; NaN where there is none."""

    owner: Ints
    code: NDArray[np.int8]
    low: Floats
    high: Floats


def baselines(rows: TimedRows, values: AnalyteValues, variation: Variation, rule: BaselineRule) -> Baselines:
    """Hold the last result of each person against all earlier ones.

    A range needs every earlier result as a number; where one is a bound or unknown it cannot be told.
    """
    starts, final, many = rows.starts, rows.ends, rows.sizes
    if not len(starts):
        none = np.zeros(0)
        return Baselines(rows.owner, none.astype(np.int8), none, none)
    number = np.isfinite(values.low)
    if not values.exact:
        number &= values.low == values.high
    points = all_of(number | ~rows.earlier, starts)
    own = values.low.copy()
    own[final] = 0.0
    if not points.all():
        own[np.flatnonzero(rows.repeat(~points))] = 0.0
    before = many - 1
    few = np.maximum(before, 1)
    mean = summed(own, starts) / few
    own -= rows.repeat(mean)
    own[final] = 0.0
    deviation = np.sqrt(summed(np.square(own, out=own), starts) / np.maximum(before - 1, 1))
    low, high = interval_of_population(mean, few.astype(np.float64), variation.within, variation.measurement, rule.z)
    enough = np.flatnonzero(before >= rule.own_spread_from)
    if len(enough):
        low[enough], high[enough] = interval_of_own(
            mean.take(enough), deviation.take(enough), before.take(enough), rule.quantile
        )
    return _standing(rows.whose, values.take(final), (low, high), points, before)


def _standing(
    owner: Ints, last: AnalyteValues, own: tuple[Floats, Floats], points: NDArray[np.bool_], before: Ints
) -> Baselines:
    low, high = own
    code = np.full(len(owner), CANNOT_TELL, dtype=np.int8)
    put(code, (low <= last.low) & (last.high <= high), WITHIN)
    put(code, last.high < low, BELOW)
    put(code, last.low > high, ABOVE)
    put(code, ~points, CANNOT_TELL)
    put(code, before == 0, NOT_ASSESSED)
    told = points & (before > 0)
    return Baselines(owner, code, np.where(told, low, np.nan), np.where(told, high, np.nan))
