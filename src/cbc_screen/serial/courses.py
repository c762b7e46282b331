"""What earlier counts show of the last one of each person: the courses that rules of the checklist ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.courses import (
    Begun,
    CourseBand,
    CourseRule,
    Cycles,
    Difference,
    Lasts,
    LineFalling,
    LineFellFast,
    LineLasts,
    LinesFalling,
    New,
    Recovering,
    Steady,
)
from cbc_screen.serial import trend
from cbc_screen.serial.change import CANNOT_TELL, DOWN, NONE, UP, compare, pairs_within
from cbc_screen.serial.context import ScreenedBlock
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN, Codes
from cbc_screen.serial.formulas import reference_change
from cbc_screen.serial.lines import ANALYTE, LineCourse
from cbc_screen.serial.persistence import Bounds, bounds_of, lasts
from cbc_screen.serial.segments import Bools, Ints, Places, any_of, begins, ends, last_known, sizes, spread
from cbc_screen.serial.series import Followed
from cbc_screen.serial.sets import counts_under, lines_falling, stable
from cbc_screen.vocabulary import Answer, Line, Onset

_NO, _YES, _UNSURE, _NOT_ASKED = range(len(Answer))
_NEW = list(Onset).index(Onset.NEW)
_DIGITS = 6  # of a difference, beyond which two are the same
Asked = NDArray[np.int8]


@dataclass(frozen=True)
class Histories:
    """The persons of a block, followed: what the courses of their last counts are told from."""

    followed: Followed
    screened: ScreenedBlock
    lines: Mapping[Line, LineCourse]
    _lasting: dict[tuple[Line, int], Asked] = field(default_factory=dict)
    _under: dict[tuple[Line, float], Bounds] = field(default_factory=dict)

    @cached_property
    def last(self) -> Places:
        """The last moment of each person who has one."""
        starts = begins(self.followed.counts.owner)
        return ends(starts, self.followed.counts.moments)

    @cached_property
    def of(self) -> Ints:
        """The persons who have a moment."""
        return self.followed.counts.owner[self.last]

    @cached_property
    def several(self) -> Bools:
        """Which persons have an earlier count, and are one person."""
        counts = self.followed.counts
        found: Bools = (np.bincount(counts.owner, minlength=counts.people) > 1) & ~counts.conflict
        return found

    def tell(self, rule: CourseRule) -> Asked:
        """Ask of each person, as codes of `Answer`, whether a course is there."""
        found = _TELLERS[type(rule)](self, rule)
        return np.where(self.several, found, _NOT_ASKED).astype(np.int8)

    # States of lines at the last count ----------------------------------------------------

    @cached_property
    def now(self) -> Mapping[Line, Codes]:
        """The state of each line in the last count of each person."""
        return {line: self._now(line) for line in self.lines}

    @cached_property
    def within(self) -> Mapping[Line, Ints]:
        """Within how many days a line that is low now surely became so; a large number where it is not known."""
        return {line: self._days_since(own.spells) for line, own in self.lines.items()}

    def lasting(self, line: Line, days: int) -> Asked:
        """Ask whether a line lasts so long. Each is worked out once."""
        if (line, days) not in self._lasting:
            self._lasting[line, days] = self.spell_lasts(self.lines[line].spells, days)
        return self._lasting[line, days]

    def spell_lasts(self, found: Bounds, days: int) -> Asked:
        """Ask whether the spell at the last count lasts so long; no where it is over, or surely began later.

        The first count that is known is no beginning: before it the line may have been low.
        """
        code = lasts(found, days)
        over = (code == _NO) & (self.states_now(found) == NOT_LOW)
        later = over | (self._days_since(found) <= days)
        return np.where(code == _YES, _YES, np.where(later, _NO, _UNSURE)).astype(np.int8)

    def under(self, line: Line, limit: float) -> Bounds:
        """Return the spells of a line below a limit of its own. Each is worked out once."""
        if (line, limit) not in self._under:
            counts = self.followed.counts
            self._under[line, limit] = bounds_of(counts, counts_under(counts, ANALYTE[line], limit))
        return self._under[line, limit]

    def _now(self, line: Line) -> Codes:
        spells = self.lines[line].spells
        found = self.states_now(spells)
        return np.where(spells.open & (found != ABSENT), UNKNOWN, found).astype(np.int8)

    def states_now(self, found: Bounds) -> Codes:
        """Return the state of each person's last count in spells."""
        states: Codes = spread(self.followed.counts.people, self.of, found.states[self.last], ABSENT)
        return states

    def _days_since(self, found: Bounds) -> Ints:
        """Return the most days since the last count that was surely not low; a large number where none was."""
        counts, states = self.followed.counts, found.states
        never = np.iinfo(np.int64).max
        if not counts.moments:
            return np.full(counts.people, never)
        before = last_known(states == NOT_LOW, counts.owner)[self.last]
        days = counts.day_last[self.last] - counts.day_first[np.maximum(before, 0)]
        since: Ints = spread(counts.people, self.of, np.where(before >= 0, days, never), never)
        return np.where(found.open, never, since)

    def of_low(self, tell: Callable[[Line], Asked], *, every: bool) -> Asked:
        """Join what is told of each low line: of every one, or of any."""
        now = np.stack([self.now[line] for line in self.lines])
        codes = np.stack([tell(line) for line in self.lines])
        low, open_ = now == LOW, now == UNKNOWN
        yes, no = low & (codes == _YES), (low | open_) & (codes == _NO)
        silent = ~(low | open_)
        if every:
            surely = (yes | silent).all(axis=0) & low.any(axis=0)
            surely_not = (low & no).any(axis=0)
        else:
            surely = yes.any(axis=0)
            surely_not = (no | silent).all(axis=0)
        code = np.where(surely, _YES, np.where(surely_not, _NO, _UNSURE))
        return np.where(silent.all(axis=0), _NOT_ASKED, code).astype(np.int8)


def _lasts(own: Histories, rule: Lasts) -> Asked:
    # "Every line lasts" is refused only where each surely began later: a new line beside an old one leaves it open.
    if not rule.every:
        return own.of_low(lambda line: own.lasting(line, rule.days), every=False)
    lasting = own.of_low(lambda line: own.lasting(line, rule.days), every=True)
    short = own.of_low(lambda line: _short(own, line, rule.days), every=True)
    return _either(lasting, short)


def _short(own: Histories, line: Line, days: int) -> Asked:
    code = own.lasting(line, days)
    short = np.where(own.within[line] <= days, _YES, np.where(code == _YES, _NO, _UNSURE))
    return short.astype(np.int8)


def _either(yes: Asked, no: Asked) -> Asked:
    """Return yes where the one holds, no where the other does, and else that it cannot be told."""
    code = np.where(yes == _YES, _YES, np.where(no == _YES, _NO, _UNSURE))
    return np.where(yes == _NOT_ASKED, _NOT_ASKED, code).astype(np.int8)


def _begun(own: Histories, rule: Begun) -> Asked:
    short = own.of_low(lambda line: _short(own, line, rule.days), every=True)
    return _either(short, own.of_low(lambda line: own.lasting(line, rule.days), every=True))


def _new(own: Histories, _: New) -> Asked:
    """Say yes where every low line is new; never no: before the first count there is nothing."""

    def told(line: Line) -> Asked:
        return np.where(own.lines[line].onset == _NEW, _YES, _UNSURE).astype(np.int8)

    return own.of_low(told, every=True)


def _line_lasts(own: Histories, rule: LineLasts) -> Asked:
    found = own.under(rule.line, rule.below)
    code = own.spell_lasts(found, rule.days)
    return np.where(own.states_now(found) == ABSENT, _NOT_ASKED, code).astype(np.int8)


def _steady(own: Histories, rule: Steady) -> Asked:
    """Say yes where every low line lasts and has no trend, and none of the others falls."""

    def told(line: Line) -> Asked:
        course = own.lines[line].course
        lasting = own.lasting(line, rule.days)
        moves = np.isin(course.trend, [trend.RISING, trend.FALLING])
        code = np.where((lasting == _YES) & (course.trend == trend.NONE), _YES, _UNSURE)
        return np.where((lasting == _NO) | moves, _NO, code).astype(np.int8)

    falls = np.stack([_line_falls(line_course) for line_course in own.lines.values()])
    code = own.of_low(told, every=True)
    code = np.where((code == _YES) & (falls == _UNSURE).any(axis=0), _UNSURE, code)
    return np.where((falls == _YES).any(axis=0) & (code != _NOT_ASKED), _NO, code).astype(np.int8)


def _line_falls(line: LineCourse) -> Asked:
    """Ask whether a line falls, over all of its counts or over the last ones."""
    codes = np.stack([line.course.trend, line.course.lately])
    code = np.where((codes == trend.CANNOT_TELL).any(axis=0), _UNSURE, _NO)
    code = np.where((codes == trend.FALLING).any(axis=0), _YES, code)
    return np.where((codes == trend.NOT_ASSESSED).all(axis=0), _NOT_ASKED, code).astype(np.int8)


def _of_now(own: Histories, lines: tuple[Line, ...], code: Asked) -> Asked:
    """Take back what is told of lines of which the last count has no result."""
    there = np.logical_or.reduce([own.now[line] != ABSENT for line in lines])
    return np.where(there, code, _NOT_ASKED).astype(np.int8)


def _lines_falling(own: Histories, rule: LinesFalling) -> Asked:
    return _of_now(own, tuple(own.lines), lines_falling(own.lines, rule.lines))


def _line_falling(own: Histories, rule: LineFalling) -> Asked:
    return _of_now(own, (rule.line,), _line_falls(own.lines[rule.line]))


def _fell_fast(own: Histories, rule: LineFellFast) -> Asked:
    line = own.lines[rule.line]
    return _of_now(own, (rule.line,), np.where(line.instead, _NOT_ASKED, line.course.fall).astype(np.int8))


def _band(own: Histories, rule: CourseBand) -> Asked:
    band = own.screened.context.rules.stable
    if band.analyte not in own.followed.series:
        return np.full(own.followed.counts.people, _NOT_ASKED, dtype=np.int8)
    return stable(own.screened, own.followed.series[band.analyte].values, own.lines)


def _pairs(own: Histories, analyte: str) -> tuple[Places, Places] | None:
    """Return the moments of an analyte and, of each, the last of its person; persons whose last count lacks it are left out."""
    series = own.followed.series.get(analyte)
    if series is None:
        return None
    counts = own.followed.counts
    last = np.full(counts.people, -1, dtype=np.intp)
    last[own.of] = np.where(series.values.there[own.last], own.last, -1)
    there = np.flatnonzero(series.values.there & (last[counts.owner] >= 0))
    return there, last[counts.owner[there]]


def _difference(own: Histories, rule: Difference) -> Asked:
    counts = own.followed.counts
    code = np.full(counts.people, _NOT_ASKED, dtype=np.int8)
    found = _pairs(own, rule.analyte)
    if found is None:
        return code
    there, last = found
    pairs = pairs_within(counts, there, last, rule.days)
    values = own.followed.series[rule.analyte].values
    before, now = values.take(there), values.take(last)
    with np.errstate(invalid="ignore", over="ignore"):
        if rule.up:
            least, most = _beyond(now.low, before.high, rule), _beyond(now.high, before.low, rule)
        else:
            least, most = _beyond(before.low, now.high, rule), _beyond(before.high, now.low, rule)
    code[counts.owner[there[pairs.starts]]] = pairs.ask(least, most)
    untold = own.followed.series[rule.analyte].undated & (code != _NOT_ASKED)
    code[untold] = _UNSURE
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


def _recovering(own: Histories, rule: Recovering) -> Asked:
    """Ask whether a low line has risen from a lower result, and has not fallen since the count before."""
    return own.of_low(lambda line: _rises(own, line, rule), every=False)


def _rises(own: Histories, line: Line, rule: Recovering) -> Asked:
    counts, rules = own.followed.counts, own.screened.context.rules
    code = np.full(counts.people, _UNSURE, dtype=np.int8)
    found = _pairs(own, ANALYTE[line])
    if found is None:
        return code
    there, last = found
    series, states = own.followed.series[ANALYTE[line]], own.lines[line].spells.states
    variation = rules.variation[series.analyte]
    limits = reference_change(variation.within, variation.measurement, rules.change_z)
    change = compare(series.values.take(last), series.values.take(there), limits)
    method = np.cumsum(series.breaks)
    change[method[last] != method[there]] = CANNOT_TELL
    apart, anywhere = _lies_between(own, rule.not_across, there, last)
    change[apart] = CANNOT_TELL
    pairs = pairs_within(counts, there, last, rule.days, states[there] != NOT_LOW)
    starts, many = pairs.starts, sizes(pairs.starts, len(there))
    up, unsure = change == UP, change == CANNOT_TELL
    told = pairs.ask(up & (states[there] == LOW), up | unsure)
    # No result of the days before is a lower one; a line that has one result alone has nothing to rise from.
    told[(many > 1) & ~any_of(pairs.possible & (up | unsure), starts)] = _NO
    told[many == 1] = _UNSURE
    # The result before the last one: a line that has just fallen does not rise.
    before = np.maximum(ends(starts, len(there)) - 1, 0) if len(starts) else starts
    lately = np.where(many > 1, change[before], NONE) if len(starts) else told
    told[(told == _YES) & (lately == CANNOT_TELL)] = _UNSURE
    told[lately == DOWN] = _NO
    code[counts.owner[there[starts]]] = told
    code[(series.undated | anywhere) & (code == _YES)] = _UNSURE
    code[series.undated] = _UNSURE
    return code


def _lies_between(own: Histories, rules: tuple[str, ...], there: Places, last: Places) -> tuple[Bools, Bools]:
    """Tell which moments are parted from the last one by what suppressions state, and in whom it is stated without a place."""
    counts = own.followed.counts
    stated = np.zeros(len(counts.rows), dtype=np.bool_)
    for name in rules:
        stated |= own.followed.quiet.get(name, False)
    moments = any_of(stated[counts.used], counts.starts)
    reached = np.cumsum(moments)
    apart: Bools = (reached[last] - reached[there] > 0) | moments[there]
    anywhere = np.zeros(counts.people, dtype=np.bool_)
    anywhere[counts.person[stated & (counts.moment < 0)]] = True
    return apart, anywhere


def _cycles(own: Histories, rule: Cycles) -> Asked:
    """Say yes where the last troughs lie a cycle apart, the last no further back; never no: counts may lie between."""
    counts = own.followed.counts
    code = np.full(counts.people, _NOT_ASKED, dtype=np.int8)
    series = own.followed.series.get(rule.analyte)
    if series is None:
        return code
    values = series.values
    code[counts.owner[values.there]] = _UNSURE
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


_TELLERS: Mapping[type, Callable[..., Asked]] = {
    Difference: _difference,
    Lasts: _lasts,
    LineLasts: _line_lasts,
    Begun: _begun,
    New: _new,
    Steady: _steady,
    LinesFalling: _lines_falling,
    LineFalling: _line_falling,
    LineFellFast: _fell_fast,
    Recovering: _recovering,
    Cycles: _cycles,
    CourseBand: _band,
}
