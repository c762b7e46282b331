"""A result against the one before it: the reference change value, and guards of identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import DeltaCheck, Variation
from cbc_screen.serial.counts import AnalyteValues, CountBlock
from cbc_screen.serial.formulas import reference_change
from cbc_screen.serial.segments import Bools, Ints, Places, chosen, counted, put
from cbc_screen.serial.timed_rows import TimedRows
from cbc_screen.vocabulary import Answer, Change

NONE, UP, DOWN, CANNOT_TELL, NOT_ASSESSED = range(len(Change))
_NO, _YES, _UNSURE, _NOT_ASKED = range(len(Answer))


@dataclass(frozen=True)
class Changes:
    """Of each moment: a code of `Change`, against the moment before that has a result."""

    code: NDArray[np.int8]


def compare(now: AnalyteValues, before: AnalyteValues, limits: tuple[float, float]) -> NDArray[np.int8]:
    """Compare results with others; every value that both can have must agree. Limits are fractions up and down."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        least = now.low / before.high
        most = least if now.exact and before.exact else now.high / before.low
    up, down = 1 + limits[0], 1 + limits[1]
    code = np.full(len(least), CANNOT_TELL, dtype=np.int8)
    put(code, (least >= down) & (most <= up), NONE)
    put(code, least > up, UP)
    put(code, most < down, DOWN)
    # A printed zero is some number below what is printed: nothing is told of a rise from it.
    put(code, before.high == 0, CANNOT_TELL)
    put(code, np.isnan(now.low) | np.isnan(before.low), NOT_ASSESSED)
    return code


def changes(
    counts: CountBlock, values: AnalyteValues, variation: Variation, z: float, quiet: Bools, breaks: Bools
) -> Changes:
    """Compare each moment with the one before that has a result.

    `quiet` are moments at which changes are not assessed; `breaks` are those from which on another method counts.
    """
    before = counts.last_known(values.there)
    limits = reference_change(variation.within, variation.measurement, z)
    code = compare(values, values.take(before), limits) if len(before) else np.zeros(0, dtype=np.int8)
    if breaks.any():
        series = counted(breaks)
        put(code, (series != series[before]) & (code != NOT_ASSESSED), CANNOT_TELL)
    none = before < 0
    if quiet.any():
        none |= quiet | quiet[before]
    put(code, none, NOT_ASSESSED)
    return Changes(code)


def _by_bits() -> NDArray[np.int8]:
    """Return the answer for each set of bits: a pair may lie within the days, one surely does, one may be so, one surely is."""
    bits = np.arange(16)
    possible, sure, may, yes = (bits & (1 << place) > 0 for place in range(4))
    code = np.where(possible, _UNSURE, _NOT_ASKED)
    return np.where(yes, _YES, np.where(sure & ~may, _NO, code)).astype(np.int8)


_BY_BITS = _by_bits()


@dataclass(frozen=True)
class Pairs:
    """Earlier moments, each with the last one of its person (`starts`: where a person begins), and which lie within days.

    Days may be known to a span alone: `sure` lie within the days whatever the days are, `possible` may.
    """

    starts: Places
    sure: Bools
    possible: Bools

    def ask(self, yes: Bools, may: Bools) -> NDArray[np.int8]:
        """Ask of each person, as codes of `Answer`, whether a pair is so; `yes` are so surely, `may` perhaps.

        No needs a pair that surely lies within the days, and none that may lie there and may be so.
        """
        # The four that are asked of each person are joined in one pass, as the bits of a byte.
        bits = self.possible.view(np.uint8) | (self.sure.view(np.uint8) << 1)
        bits |= (self.possible & (yes | may)).view(np.uint8) << 2
        bits |= (self.sure & yes).view(np.uint8) << 3
        every = bits if len(self.starts) == len(bits) else np.bitwise_or.reduceat(bits, self.starts)
        code: NDArray[np.int8] = _BY_BITS.take(every)
        return code


def pairs_within(counts: CountBlock, rows: TimedRows, last: Places, days: int, asked: Bools | None = None) -> Pairs:
    """Return which of some moments (`rows`; of these those that are `asked`) lie within days before the `last` of their person."""
    earlier = rows.places != last if asked is None else asked & (rows.places != last)
    first_day, last_day = rows.take(counts.day_first), rows.take(counts.day_last)
    sure = earlier & (counts.day_last.take(last) - first_day <= days)
    if counts.to_the_day:
        return Pairs(rows.starts, sure, sure)
    return Pairs(rows.starts, sure, earlier & (counts.day_first.take(last) - last_day <= days))


def delta_check(
    counts: CountBlock,
    rule: DeltaCheck,
    values: Mapping[str, AnalyteValues],
    found: Mapping[str, Changes],
    quiet: Bools,
) -> NDArray[np.int8]:
    """Ask of each moment, as codes of `Answer`, whether it differs from the one before as two persons do."""
    own = values[rule.analyte]
    before = counts.last_known(own.there)
    asked = own.there & (before >= 0) & ~quiet & ~quiet[before] if len(before) else own.there
    earlier = own.take(before) if len(before) else own
    least = np.maximum(own.low - earlier.high, earlier.low - own.high)
    most = np.maximum(own.high - earlier.low, earlier.high - own.low)
    surely, possibly = least > rule.difference_above, most > rule.difference_above
    if rule.at_least:
        none = np.full(len(own.low), NOT_ASSESSED, dtype=np.int8)
        codes = np.stack([none, *(found[name].code for name in rule.changes if name in found)])
        differ = ((codes == UP) | (codes == DOWN)).sum(axis=0)
        surely &= differ >= rule.at_least
        possibly &= differ + (codes == CANNOT_TELL).sum(axis=0) >= rule.at_least
    return chosen(asked, chosen(surely, _YES, chosen(possibly, _UNSURE, _NO)), _NOT_ASKED)


# Breaks ----------------------------------------------------------------------------------


def differs_from_before(counts: CountBlock, marks: Ints) -> Bools:
    """Tell at which moments a mark (-1: not said) differs from the last one that is said of the person."""
    known = marks >= 0
    if not known.any():
        return known
    before = counts.last_known(known)
    found: Bools = known & (before >= 0) & (marks != marks[before])
    return found


def since_last(counts: CountBlock, events: Bools) -> Bools:
    """Tell which moments lie at or behind the last event of their person; all of them where there is none."""
    if not events.any():
        return np.ones(len(events), dtype=np.bool_)
    reached = counted(events)
    found: Bools = reached == counts.every.repeat(reached.take(counts.every.ends))
    return found
