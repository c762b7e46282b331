"""Courses of numbers: falls and rises between two counts, recovery of a low line, and troughs that come again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.courses import Cycles, Difference, NotRepeated, Recovering
from cbc_screen.serial.change import CANNOT_TELL, DOWN, NONE, UP, compare, pairs_within
from cbc_screen.serial.counts import LOW, NOT_LOW, UNKNOWN
from cbc_screen.serial.formulas import reference_change
from cbc_screen.serial.histories import Asked, Histories
from cbc_screen.serial.lines import ANALYTE
from cbc_screen.serial.segments import (
    Bools,
    Places,
    any_of,
    begins,
    chosen,
    counted,
    ends,
    is_one_of,
    put,
    spread,
)
from cbc_screen.vocabulary import Answer, Line

_NO, _YES, _UNSURE, _NOT_ASKED = range(len(Answer))
_DIGITS = 6  # of a difference, beyond which two are the same


def difference(own: Histories, rule: Difference) -> Asked:
    """Ask whether the last result lies so far below, or above, one of the days before it."""
    counts = own.followed.counts
    code = own.asked_of_nobody()
    found = own.pairs(rule.analyte)
    if found is None:
        return code
    # Few counts lie within the days before the last one; what lies further back is asked nothing.
    rows, last = found
    near = np.flatnonzero(pairs_within(counts, rows, last, rule.days).possible)
    rows, last = counts.rows_at(rows.places.take(near)), last.take(near)
    pairs = pairs_within(counts, rows, last, rule.days)
    values = own.followed.series[rule.analyte].values
    before, now = values.take(rows.places), values.take(last)
    with np.errstate(invalid="ignore", over="ignore"):
        if rule.up:
            least, most = _beyond(now.low, before.high, rule), _beyond(now.high, before.low, rule)
        else:
            least, most = _beyond(before.low, now.high, rule), _beyond(before.high, now.low, rule)
    code[rows.whose] = pairs.ask(least, most)
    put(code, own.followed.series[rule.analyte].undated & (code != _NOT_ASKED), _UNSURE)
    return code


def not_repeated(own: Histories, rule: NotRepeated) -> Asked:
    """Ask whether what the last count does not tell lay below a limit when it was last told, so few days before."""
    counts = own.followed.counts
    code = own.asked_of_nobody()
    series = own.followed.series.get(rule.analyte)
    if series is None:
        return code
    values = series.values
    with np.errstate(invalid="ignore"):
        told = values.there & ~((values.low <= 0) & np.isinf(values.high))  # sent and unusable tells nothing
    before = counts.last_known(told).take(own.last)
    these = np.flatnonzero((before >= 0) & ~told.take(own.last))
    last, seen = own.last.take(these), before.take(these)
    low, high = values.low.take(seen), values.high.take(seen)
    most_days = counts.day_last.take(last) - counts.day_first.take(seen)
    least_days = counts.day_first.take(last) - counts.day_last.take(seen)
    may_be = (low < rule.below) & (least_days <= rule.days)
    is_so = (high < rule.below) & (most_days <= rule.days)
    code[own.of.take(these)] = chosen(is_so, _YES, chosen(may_be, _UNSURE, _NO))
    put(code, series.undated & (code != _NOT_ASKED), _UNSURE)
    return code


def _beyond(larger: NDArray[np.float64], smaller: NDArray[np.float64], rule: Difference) -> Bools:
    """Tell where the larger lies over the smaller by what the rule asks; a printed zero is no number to compare with."""
    if rule.by is not None:
        by_distance: Bools = np.round(larger - smaller, _DIGITS) >= rule.by
        return by_distance
    share = rule.share or 0.0
    factor = (1 + share) if rule.up else 1 / (1 - share)
    by_share: Bools = np.round(larger - factor * smaller, _DIGITS) >= 0
    return by_share & (larger > 0)


def recovering(own: Histories, rule: Recovering) -> Asked:
    """Ask whether a low line has risen from a lower result, and has not fallen since the count before."""
    return own.of_low(lambda line: _rises(own, line, rule), every=False)


def _rises(own: Histories, line: Line, rule: Recovering) -> Asked:
    counts, rules = own.followed.counts, own.screened.context.rules
    code = np.full(counts.people, _UNSURE, dtype=np.int8)
    found = own.pairs(ANALYTE[line])
    if found is None:
        return code
    rows, last = found
    # Asked of a line that is low now or may be; the others rise to nothing.
    asked = np.flatnonzero(is_one_of(own.now[line], LOW, UNKNOWN).take(rows.owner))
    rows, last = counts.rows_at(rows.places.take(asked)), last.take(asked)
    there = rows.places
    series, states = own.followed.series[ANALYTE[line]], own.lines[line].spells.states.take(there)
    variation = rules.variation[series.analyte]
    limits = reference_change(variation.within, variation.measurement, rules.change_z)
    change = compare(series.values.take(last), series.values.take(there), limits)
    method = counted(series.breaks)
    put(change, method[last] != method[there], CANNOT_TELL)
    apart, anywhere = _lies_between(own, rule.not_across, there, last)
    put(change, apart, CANNOT_TELL)
    pairs = pairs_within(counts, rows, last, rule.days, states != NOT_LOW)
    up, unsure = change == UP, change == CANNOT_TELL
    told = pairs.ask(up & (states == LOW), up | unsure)
    # No result of the days before is a lower one; a line that has one result alone has nothing to rise from.
    put(told, (rows.sizes > 1) & ~any_of(pairs.possible & (up | unsure), rows.starts), _NO)
    put(told, rows.sizes == 1, _UNSURE)
    # The result before the last one: a line that has just fallen does not rise.
    before = np.maximum(rows.ends - 1, 0)
    lately = chosen(rows.sizes > 1, change.take(before), NONE)
    put(told, (told == _YES) & (lately == CANNOT_TELL), _UNSURE)
    put(told, lately == DOWN, _NO)
    code[rows.whose] = told
    put(code, (series.undated | anywhere) & (code == _YES), _UNSURE)
    put(code, series.undated, _UNSURE)
    return code


def _lies_between(own: Histories, rules: tuple[str, ...], there: Places, last: Places) -> tuple[Bools, Bools]:
    """Tell which moments are parted from the last one by what suppressions state, and in whom it is stated without a place."""
    counts = own.followed.counts
    stated = np.zeros(len(counts.rows), dtype=np.bool_)
    for name in rules:
        stated |= own.followed.quiet.get(name, False)
    anywhere = np.zeros(counts.people, dtype=np.bool_)
    if not stated.any():
        return np.zeros(len(there), dtype=np.bool_), anywhere
    moments = any_of(counts.of_used(stated), counts.starts)
    reached = counted(moments)
    apart: Bools = (reached[last] - reached[there] > 0) | moments[there]
    anywhere[counts.person[stated & (counts.moment < 0)]] = True
    return apart, anywhere


def cycles(own: Histories, rule: Cycles) -> Asked:
    """Say yes where the last troughs lie a cycle apart, the last no further back; never no: counts may lie between."""
    counts = own.followed.counts
    code = own.asked_of_nobody()
    series = own.followed.series.get(rule.analyte)
    if series is None:
        return code
    values = series.values
    code[counts.among(values.there).whose] = _UNSURE
    deep, high = values.high < rule.below, values.low >= rule.between
    there = np.flatnonzero(deep | high)
    owner = counts.owner[there]
    runs = begins(owner, deep[there])
    troughs = there[runs[deep[there[runs]]]]
    owner, day = counts.owner[troughs], counts.day_first[troughs]
    apart = np.diff(day, prepend=day[:1])
    same = np.diff(owner, prepend=-1) == 0
    regular = same & (apart >= rule.at_least) & (apart <= rule.at_most)
    if not counts.to_the_day:
        return code
    # So many distances in a row, up to the last trough.
    starts = begins(owner)
    irregular = np.maximum.accumulate(np.where(regular, -1, np.arange(len(troughs)))) if len(troughs) else troughs
    final = ends(starts, len(troughs))
    enough = final - irregular[final] >= rule.troughs - 1 if len(final) else final > 0
    # Cycles that ended are told of no later count.
    last = spread(counts.people, own.of, own.last, -1)[owner[final]]
    enough &= values.there[last] & (counts.day_last[last] - day[final] <= rule.at_most)
    code[owner[final][enough]] = _YES
    code[series.undated & (code == _YES)] = _UNSURE
    return code
