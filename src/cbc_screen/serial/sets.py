"""Count sets with their durations, elapsed time, and what several lines show together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import CountSet, StableBand
from cbc_screen.serial import trend
from cbc_screen.serial.context import ScreenedBlock
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN, AnalyteValues, CountBlock
from cbc_screen.serial.lines import ANALYTE, LineCourse
from cbc_screen.serial.persistence import Bounds, any_answer, elapsed, lasts
from cbc_screen.serial.segments import Bools, Codes, all_of, any_of, chosen, is_one_of
from cbc_screen.vocabulary import Answer, Line

_NO, _YES, _UNSURE, _NOT_ASKED = range(len(Answer))


def met(screened: ScreenedBlock, rule: CountSet) -> NDArray[np.int8]:
    """Ask of each person, as codes of `Answer`, whether any line lasts under a count set."""

    def spells(line: Line) -> Bounds:
        if rule.definition is not None:
            return screened.spells(line, rule.definition)
        return screened.under(ANALYTE[line], rule.limits[line], rule.age_from)

    return any_answer([lasts(spells(line), rule.days) for line in rule.lines])


def elapsed_of(screened: ScreenedBlock) -> Codes:
    """Return the place of the name of the days since a line was first below the limit of the rules."""
    rule = screened.context.rules.elapsed
    return elapsed(screened.under(ANALYTE[rule.line], rule.below), rule)


def stable(screened: ScreenedBlock, values: AnalyteValues, lines: Mapping[Line, LineCourse]) -> NDArray[np.int8]:
    """Ask of each person whether an analyte stays in a band for long, while other lines are not low."""
    rule, counts = screened.context.rules.stable, screened.counts
    rows = counts.among(values.there)
    low, high = rows.take(values.low), rows.take(values.high)
    long = _long_enough(counts, rule, rows.first, rows.last, rows.sizes)
    every, none = np.zeros(counts.people, dtype=np.bool_), np.zeros(counts.people, dtype=np.bool_)
    every[rows.whose] = all_of((low >= rule.at_least) & (high < rule.below), rows.starts) & long
    none[rows.whose] = any_of((high < rule.at_least) | (low >= rule.below), rows.starts)
    for line, own in lines.items():
        if ANALYTE[line] == rule.analyte:
            every &= own.course.trend == trend.NONE
            none |= is_one_of(own.course.trend, trend.RISING, trend.FALLING)
        else:
            quiet = own.spells.most
            every &= quiet.measured & (quiet.first < 0) & (quiet.over < 0)
            none |= _ever_low(counts, own.spells.states)
    untold = _has_untimed(counts)
    code = chosen(none, _NO, chosen(every & ~untold, _YES, _UNSURE))
    measured = np.zeros(counts.people, dtype=np.bool_)
    measured[rows.whose] = True
    return chosen(measured, code, _NOT_ASKED)


def _long_enough(
    counts: CountBlock, rule: StableBand, first: NDArray[np.intp], last: NDArray[np.intp], many: NDArray[np.int64]
) -> Bools:
    enough: Bools = (many >= rule.counts) & (counts.day_first[last] - counts.day_last[first] >= rule.days)
    return enough


def _ever_low(counts: CountBlock, states: Codes) -> Bools:
    found = np.zeros(counts.people, dtype=np.bool_)
    found[counts.owner.take(np.flatnonzero(states == LOW))] = True
    return found


def _has_untimed(counts: CountBlock) -> Bools:
    found = np.zeros(counts.people, dtype=np.bool_)
    found[counts.person[counts.untimed]] = True
    return found


def lines_falling(lines: Mapping[Line, LineCourse], fewest: int) -> NDArray[np.int8]:
    """Ask of each person whether so many lines fall over the last counts."""
    codes = np.stack([own.course.lately for own in lines.values()])
    surely = _how_many(codes == trend.FALLING)
    possibly = surely + _how_many(is_one_of(codes, trend.CANNOT_TELL, trend.NOT_ASSESSED))
    code = chosen(surely >= fewest, _YES, chosen(possibly >= fewest, _UNSURE, _NO))
    return chosen((codes == trend.NOT_ASSESSED).all(axis=0), _NOT_ASKED, code)


def lines_together(lines: Mapping[Line, LineCourse], fewest: int) -> Codes:
    """Return whether so many lines are low in one count, of every row, as states of a line.

    A line that was not sent may be low.
    """
    codes = np.stack([own.spells.rows for own in lines.values()])
    surely = _how_many(codes == LOW)
    possibly = surely + _how_many(is_one_of(codes, UNKNOWN, ABSENT))
    state = chosen(surely >= fewest, LOW, chosen(possibly >= fewest, UNKNOWN, NOT_LOW))
    return chosen((codes == ABSENT).all(axis=0), ABSENT, state)


def _how_many(lines: Bools) -> Codes:
    """Return how many of a few lines are so; in bytes, for more are not needed."""
    many: Codes = np.add.reduce(lines.view(np.int8), axis=0, dtype=np.int8)
    return many
