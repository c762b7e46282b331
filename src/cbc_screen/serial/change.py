"""A result against the one before it: the reference change value, and guards of identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import DeltaCheck, Variation
from cbc_screen.serial.counts import AnalyteValues, CountBlock
from cbc_screen.serial.formulas import reference_change
from cbc_screen.serial.segments import Bools, Ints, Places, any_of, begins, last_known, sizes
from cbc_screen.vocabulary import Answer, Change

NONE, UP, DOWN, CANNOT_TELL, NOT_ASSESSED = range(len(Change))
_NO, _YES, _UNSURE, _NOT_ASKED = range(len(Answer))


@dataclass(frozen=True)
class Changes:
    """Of each moment: a code of `Change`, and the moment it is compared with (-1: none)."""

    code: NDArray[np.int8]
    before: Places


def compare(now: AnalyteValues, before: AnalyteValues, limits: tuple[float, float]) -> NDArray[np.int8]:
    """Compare results with others; every value that both can have must agree. Limits are fractions up and down."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        least, most = now.low / before.high, now.high / before.low
    up, down = 1 + limits[0], 1 + limits[1]
    code = np.full(len(least), CANNOT_TELL, dtype=np.int8)
    code[(least >= down) & (most <= up)] = NONE
    code[least > up] = UP
    code[most < down] = DOWN
    # A printed zero is some number below what is printed: nothing is told of a rise from it.
    code[before.high == 0] = CANNOT_TELL
    code[~now.there | ~before.there] = NOT_ASSESSED
    return code


def changes(
    counts: CountBlock, values: AnalyteValues, variation: Variation, z: float, quiet: Bools, breaks: Bools
) -> Changes:
    """Compare each moment with the one before that has a result.

    `quiet` are moments at which changes are not assessed; `breaks` are those from which on another method counts.
    """
    before = last_known(values.there, counts.owner)
    limits = reference_change(variation.within, variation.measurement, z)
    code = compare(values, values.take(before), limits) if len(before) else np.zeros(0, dtype=np.int8)
    series = np.cumsum(breaks)
    code[(series != series[before]) & (code != NOT_ASSESSED)] = CANNOT_TELL
    code[quiet | quiet[before] | (before < 0)] = NOT_ASSESSED
    return Changes(code, np.where(values.there, before, -1))


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
        code = np.full(len(self.starts), _NOT_ASKED, dtype=np.int8)
        code[any_of(self.possible, self.starts)] = _UNSURE
        code[any_of(self.sure, self.starts) & ~any_of(self.possible & (yes | may), self.starts)] = _NO
        code[any_of(self.sure & yes, self.starts)] = _YES
        return code


def pairs_within(counts: CountBlock, there: Places, last: Places, days: int, asked: Bools | None = None) -> Pairs:
    """Return which of some moments (`there`; of these those that are `asked`) lie within days before the `last` of their person."""
    earlier = there != last if asked is None else asked & (there != last)
    return Pairs(
        starts=begins(counts.owner[there]),
        sure=earlier & (counts.day_last[last] - counts.day_first[there] <= days),
        possible=earlier & (counts.day_first[last] - counts.day_last[there] <= days),
    )


def delta_check(
    counts: CountBlock,
    rule: DeltaCheck,
    values: Mapping[str, AnalyteValues],
    found: Mapping[str, Changes],
    quiet: Bools,
) -> NDArray[np.int8]:
    """Ask of each moment, as codes of `Answer`, whether it differs from the one before as two persons do."""
    own = values[rule.analyte]
    before = last_known(own.there, counts.owner)
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
    code = np.where(surely, _YES, np.where(possibly, _UNSURE, _NO))
    return np.where(asked, code, _NOT_ASKED).astype(np.int8)


# Breaks ----------------------------------------------------------------------------------


def differs_from_before(counts: CountBlock, marks: Ints) -> Bools:
    """Tell at which moments a mark (-1: not said) differs from the last one that is said of the person."""
    known = marks >= 0
    before = last_known(known, counts.owner)
    if not len(before):
        return known
    found: Bools = known & (before >= 0) & (marks != marks[before])
    return found


def since_last(counts: CountBlock, events: Bools) -> Bools:
    """Tell which moments lie at or behind the last event of their person; all of them where there is none."""
    starts = begins(counts.owner)
    reached = np.cumsum(events)
    if not len(starts):
        return events
    final = reached[np.append(starts[1:], len(events)) - 1]
    found: Bools = reached == np.repeat(final, sizes(starts, len(events)))
    return found
