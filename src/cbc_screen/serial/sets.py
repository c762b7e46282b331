"""Count sets with their durations, elapsed time, and what several lines show together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import CountSet, StableBand
from cbc_screen.serial import trend
from cbc_screen.serial.context import ScreenedBlock
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN, AnalyteValues, Codes, CountBlock, surely_from
from cbc_screen.serial.lines import ANALYTE, LineCourse
from cbc_screen.serial.persistence import any_answer, bounds_of, elapsed, lasts
from cbc_screen.serial.segments import Bools, begins, sizes, spread
from cbc_screen.vocabulary import Answer, Line

_NO, _YES, _UNSURE, _NOT_ASKED = range(len(Answer))


def counts_under(counts: CountBlock, analyte: str, limit: float) -> Codes:
    """Return in which rows a result is below a limit (canonical unit).

    Where it was not sent, a bound from another result may make it low, and never makes it unknown.
    """
    values = counts.values.get(analyte)
    if values is None:
        return np.full(len(counts.rows), ABSENT, dtype=np.int8)
    state = np.full(len(counts.rows), UNKNOWN, dtype=np.int8)
    state[values.low >= limit] = NOT_LOW
    state[~values.there] = ABSENT
    state[values.high < limit] = LOW
    return state


def met(screened: ScreenedBlock, rule: CountSet) -> NDArray[np.int8]:
    """Ask of each person, as codes of `Answer`, whether any line lasts under a count set."""
    counts = screened.counts
    answers = []
    for line in rule.lines:
        if rule.definition is not None:
            answers.append(lasts(screened.spells(line, rule.definition), rule.days))
            continue
        rows = counts_under(counts, ANALYTE[line], rule.limits[line])
        if rule.age_from is not None:
            old, young = surely_from(counts.batch, rule.age_from)
            rows = np.where(young, ABSENT, np.where(~old & (rows == LOW), UNKNOWN, rows)).astype(np.int8)
        answers.append(lasts(bounds_of(counts, rows), rule.days))
    return any_answer(answers)


def elapsed_of(screened: ScreenedBlock) -> NDArray[np.int16]:
    """Return the place of the name of the days since a line was first below the limit of the rules."""
    rule, counts = screened.context.rules.elapsed, screened.counts
    rows = counts_under(counts, ANALYTE[rule.line], rule.below)
    return elapsed(bounds_of(counts, rows), rule)


def stable(screened: ScreenedBlock, values: AnalyteValues, lines: Mapping[Line, LineCourse]) -> NDArray[np.int8]:
    """Ask of each person whether an analyte stays in a band for long, while other lines are not low."""
    rule, counts = screened.context.rules.stable, screened.counts
    there = np.flatnonzero(values.there)
    owner = counts.owner[there]
    starts = begins(owner)
    many = sizes(starts, len(there))
    inside = (values.low >= rule.at_least) & (values.high < rule.below)
    outside = (values.high < rule.at_least) | (values.low >= rule.below)
    whose = owner[starts]
    last = there[starts + many - 1] if len(starts) else there
    long = _long_enough(counts, rule, there[starts], last, many)
    every, none = np.zeros(counts.people, dtype=np.bool_), np.zeros(counts.people, dtype=np.bool_)
    if len(starts):
        every[whose] = np.logical_and.reduceat(inside[there], starts) & long
        none[whose] = np.logical_or.reduceat(outside[there], starts)
    for line, own in lines.items():
        if ANALYTE[line] == rule.analyte:
            every &= own.course.trend == trend.NONE
            none |= np.isin(own.course.trend, [trend.RISING, trend.FALLING])
        else:
            quiet = own.spells.most
            every &= quiet.measured & (quiet.first < 0) & (quiet.over < 0)
            none |= _ever_low(counts, own.spells.states)
    untold = _has_untimed(counts)
    code = np.where(none, _NO, np.where(every & ~untold, _YES, _UNSURE))
    measured: NDArray[np.bool_] = spread(counts.people, whose, np.ones(len(whose), dtype=np.bool_), False)
    return np.where(measured, code, _NOT_ASKED).astype(np.int8)


def _long_enough(
    counts: CountBlock, rule: StableBand, first: NDArray[np.intp], last: NDArray[np.intp], many: NDArray[np.int64]
) -> Bools:
    enough: Bools = (many >= rule.counts) & (counts.day_first[last] - counts.day_last[first] >= rule.days)
    return enough


def _ever_low(counts: CountBlock, states: Codes) -> Bools:
    found = np.zeros(counts.people, dtype=np.bool_)
    found[counts.owner[states == LOW]] = True
    return found


def _has_untimed(counts: CountBlock) -> Bools:
    found = np.zeros(counts.people, dtype=np.bool_)
    found[counts.person[counts.untimed]] = True
    return found


def lines_falling(lines: Mapping[Line, LineCourse], fewest: int) -> NDArray[np.int8]:
    """Ask of each person whether so many lines fall over the last counts."""
    codes = np.stack([own.course.lately for own in lines.values()])
    surely = (codes == trend.FALLING).sum(axis=0)
    possibly = surely + np.isin(codes, [trend.CANNOT_TELL, trend.NOT_ASSESSED]).sum(axis=0)
    code = np.where(surely >= fewest, _YES, np.where(possibly >= fewest, _UNSURE, _NO))
    return np.where((codes == trend.NOT_ASSESSED).all(axis=0), _NOT_ASKED, code).astype(np.int8)


def lines_together(lines: Mapping[Line, LineCourse], fewest: int) -> Codes:
    """Return whether so many lines are low in one count, of every row, as states of a line.

    A line that was not sent may be low.
    """
    codes = np.stack([own.spells.rows for own in lines.values()])
    surely = (codes == LOW).sum(axis=0)
    possibly = surely + ((codes == UNKNOWN) | (codes == ABSENT)).sum(axis=0)
    state = np.where(surely >= fewest, LOW, np.where(possibly >= fewest, UNKNOWN, NOT_LOW))
    return np.where((codes == ABSENT).all(axis=0), ABSENT, state).astype(np.int8)
