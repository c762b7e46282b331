"""The range that a person's own earlier results make for the last one; beside the reference range, never in its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import BaselineRule, Variation
from cbc_screen.serial.counts import AnalyteValues
from cbc_screen.serial.formulas import interval_of_own, interval_of_population
from cbc_screen.serial.segments import Floats, Ints, all_of, begins, ends, sizes, summed
from cbc_screen.vocabulary import Standing

WITHIN, BELOW, ABOVE, CANNOT_TELL, NOT_ASSESSED = range(len(Standing))


@dataclass(frozen=True)
class Baselines:
    """Of each person with results: a code of `Standing` of the last one, and the range; NaN where there is none."""

    owner: Ints
    code: NDArray[np.int8]
    low: Floats
    high: Floats


def baselines(owner: Ints, values: AnalyteValues, variation: Variation, rule: BaselineRule) -> Baselines:
    """Hold the last result of each person against all earlier ones.

    A range needs every earlier result as a number; where one is a bound or unknown it cannot be told.
    """
    starts = begins(owner)
    if not len(starts):
        none = np.zeros(0)
        return Baselines(owner, none.astype(np.int8), none, none)
    final = ends(starts, len(owner))
    many = sizes(starts, len(owner))
    earlier = np.ones(len(owner), dtype=np.bool_)
    earlier[final] = False
    points = all_of(~earlier | ((values.low == values.high) & np.isfinite(values.low)), starts)
    own = np.where(earlier & np.repeat(points, many), values.low, 0.0)
    before = many - 1
    few = np.maximum(before, 1)
    mean = summed(own, starts) / few
    squares = np.where(earlier, (own - np.repeat(mean, many)) ** 2, 0.0)
    deviation = np.sqrt(summed(squares, starts) / np.maximum(before - 1, 1))
    low, high = interval_of_population(mean, few.astype(np.float64), variation.within, variation.measurement, rule.z)
    enough = before >= rule.own_spread_from
    if enough.any():
        low[enough], high[enough] = interval_of_own(mean[enough], deviation[enough], before[enough], rule.quantile)
    return _standing(owner[starts], values.take(final), (low, high), points, before)


def _standing(
    owner: Ints, last: AnalyteValues, own: tuple[Floats, Floats], points: NDArray[np.bool_], before: Ints
) -> Baselines:
    low, high = own
    code = np.full(len(owner), CANNOT_TELL, dtype=np.int8)
    code[(low <= last.low) & (last.high <= high)] = WITHIN
    code[last.high < low] = BELOW
    code[last.low > high] = ABOVE
    code[~points] = CANNOT_TELL
    code[before == 0] = NOT_ASSESSED
    told = points & (before > 0)
    return Baselines(owner, code, np.where(told, low, np.nan), np.where(told, high, np.nan))
