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
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN
from cbc_screen.serial.formulas import reference_change
from cbc_screen.serial.lines import ANALYTE, LineCourse
from cbc_screen.serial.persistence import Bounds, lasts
from cbc_screen.serial.segments import (
    Bools,
    Codes,
    Ints,
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
from cbc_screen.serial.series import Followed
from cbc_screen.serial.sets import lines_falling, stable
from cbc_screen.serial.timed_rows import TimedRows
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
    _since: dict[int, Ints] = field(default_factory=dict)
    _pairs: dict[str, tuple[TimedRows, Places] | None] = field(default_factory=dict)

    @cached_property
    def last(self) -> Places:
        """The last moment of each person who has one."""
        return self.followed.counts.every.last

    @cached_property
    def of(self) -> Ints:
        """The persons who have a moment."""
        return self.followed.counts.every.whose

    @cached_property
    def several(self) -> Bools:
        """Which persons have an earlier count, and are one person."""
        counts = self.followed.counts
        many: Ints = spread(counts.people, self.of, counts.every.sizes, 0)
        return (many > 1) & ~counts.conflict

    def tell(self, rule: CourseRule) -> Asked:
        """Ask of each person, as codes of `Answer`, whether a course is there."""
        return chosen(self.several, _TELLERS[type(rule)](self, rule), _NOT_ASKED)

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
        return chosen(code == _YES, _YES, chosen(later, _NO, _UNSURE))

    def under(self, line: Line, limit: float) -> Bounds:
        """Return the spells of a line below a limit of its own."""
        return self.screened.under(ANALYTE[line], limit)

    def _now(self, line: Line) -> Codes:
        spells = self.lines[line].spells
        found = self.states_now(spells)
        return chosen(spells.open & (found != ABSENT), UNKNOWN, found)

    def states_now(self, found: Bounds) -> Codes:
        """Return the state of each person's last count in spells."""
        states: Codes = spread(self.followed.counts.people, self.of, found.states.take(self.last), ABSENT)
        return states

    def _days_since(self, found: Bounds) -> Ints:
        """Return the most days since the last count that was surely not low; a large number where none was."""
        if id(found) not in self._since:  # spells are kept as long as the block is
            self._since[id(found)] = self._most_days_since(found)
        return self._since[id(found)]

    def _most_days_since(self, found: Bounds) -> Ints:
        counts, never = self.followed.counts, np.iinfo(np.int64).max
        since = np.full(counts.people, never)
        before = counts.last_known(found.states == NOT_LOW).take(self.last)
        these = np.flatnonzero(before >= 0)
        days = counts.day_last.take(self.last.take(these)) - counts.day_first.take(before.take(these))
        since[self.of.take(these)] = days
        since[found.open] = never
        return since

    @cached_property
    def _states(self) -> tuple[Bools, Bools, Bools]:
        """Which lines (one after another) are low in whom, which may be, and which say nothing."""
        now = np.stack([self.now[line] for line in self.lines])
        low, open_ = now == LOW, now == UNKNOWN
        return low, open_, ~(low | open_)

    def pairs(self, analyte: str) -> tuple[TimedRows, Places] | None:
        """Return the moments of an analyte and, of each, the last of its person.

        Persons whose last count lacks the analyte are left out.
        """
        if analyte not in self._pairs:
            self._pairs[analyte] = self._pairs_of(analyte)
        return self._pairs[analyte]

    def _pairs_of(self, analyte: str) -> tuple[TimedRows, Places] | None:
        series, counts = self.followed.series.get(analyte), self.followed.counts
        if series is None:
            return None
        truths = series.values.there
        if not truths.all():
            has_last = np.zeros(counts.people, dtype=np.bool_)
            has_last[self.of] = truths.take(self.last)
            truths = truths & has_last.take(counts.owner)
        rows = counts.among(truths)
        # The last of these is the last of all, which is there.
        return rows, rows.repeat(rows.last)

    def of_low(self, tell: Callable[[Line], Asked], *, every: bool) -> Asked:
        """Join what is told of each low line: of every one, or of any."""
        low, open_, silent = self._states
        codes = np.stack([tell(line) for line in self.lines])
        if every:
            surely = ((low & (codes == _YES)) | silent).all(axis=0) & low.any(axis=0)
            surely_not = (low & (codes == _NO)).any(axis=0)
        else:
            surely = (low & (codes == _YES)).any(axis=0)
            surely_not = (((low | open_) & (codes == _NO)) | silent).all(axis=0)
        code = chosen(surely, _YES, chosen(surely_not, _NO, _UNSURE))
        return chosen(np.logical_and.reduce(silent), _NOT_ASKED, code)


def _lasts(own: Histories, rule: Lasts) -> Asked:
    # "Every line lasts" is refused only where each surely began later: a new line beside an old one leaves it open.
    if not rule.every:
        return own.of_low(lambda line: own.lasting(line, rule.days), every=False)
    lasting = own.of_low(lambda line: own.lasting(line, rule.days), every=True)
    short = own.of_low(lambda line: _short(own, line, rule.days), every=True)
    return _either(lasting, short)


def _short(own: Histories, line: Line, days: int) -> Asked:
    code = own.lasting(line, days)
    return chosen(own.within[line] <= days, _YES, chosen(code == _YES, _NO, _UNSURE))


def _either(yes: Asked, no: Asked) -> Asked:
    """Return yes where the one holds, no where the other does, and else that it cannot be told."""
    code = chosen(yes == _YES, _YES, chosen(no == _YES, _NO, _UNSURE))
    return chosen(yes == _NOT_ASKED, _NOT_ASKED, code)


def _begun(own: Histories, rule: Begun) -> Asked:
    short = own.of_low(lambda line: _short(own, line, rule.days), every=True)
    return _either(short, own.of_low(lambda line: own.lasting(line, rule.days), every=True))


def _new(own: Histories, _: New) -> Asked:
    """Say yes where every low line is new; never no: before the first count there is nothing."""

    def told(line: Line) -> Asked:
        return chosen(own.lines[line].onset == _NEW, _YES, _UNSURE)

    return own.of_low(told, every=True)


def _line_lasts(own: Histories, rule: LineLasts) -> Asked:
    found = own.under(rule.line, rule.below)
    code = own.spell_lasts(found, rule.days)
    return chosen(own.states_now(found) == ABSENT, _NOT_ASKED, code)


def _steady(own: Histories, rule: Steady) -> Asked:
    """Say yes where every low line lasts and has no trend, and none of the others falls."""

    def told(line: Line) -> Asked:
        course = own.lines[line].course
        lasting = own.lasting(line, rule.days)
        moves = is_one_of(course.trend, trend.RISING, trend.FALLING)
        code = chosen((lasting == _YES) & (course.trend == trend.NONE), _YES, _UNSURE)
        return chosen((lasting == _NO) | moves, _NO, code)

    falls = np.stack([_line_falls(line_course) for line_course in own.lines.values()])
    code = own.of_low(told, every=True)
    code = chosen((code == _YES) & (falls == _UNSURE).any(axis=0), _UNSURE, code)
    return chosen((falls == _YES).any(axis=0) & (code != _NOT_ASKED), _NO, code)


def _line_falls(line: LineCourse) -> Asked:
    """Ask whether a line falls, over all of its counts or over the last ones."""
    codes = np.stack([line.course.trend, line.course.lately])
    code = chosen((codes == trend.CANNOT_TELL).any(axis=0), _UNSURE, _NO)
    code = chosen((codes == trend.FALLING).any(axis=0), _YES, code)
    return chosen((codes == trend.NOT_ASSESSED).all(axis=0), _NOT_ASKED, code)


def _of_now(own: Histories, lines: tuple[Line, ...], code: Asked) -> Asked:
    """Take back what is told of lines of which the last count has no result."""
    there = np.logical_or.reduce([own.now[line] != ABSENT for line in lines])
    return chosen(there, code, _NOT_ASKED)


def _lines_falling(own: Histories, rule: LinesFalling) -> Asked:
    return _of_now(own, tuple(own.lines), lines_falling(own.lines, rule.lines))


def _line_falling(own: Histories, rule: LineFalling) -> Asked:
    return _of_now(own, (rule.line,), _line_falls(own.lines[rule.line]))


def _fell_fast(own: Histories, rule: LineFellFast) -> Asked:
    line = own.lines[rule.line]
    return _of_now(own, (rule.line,), chosen(line.instead, _NOT_ASKED, line.course.fall))


def _band(own: Histories, rule: CourseBand) -> Asked:
    band = own.screened.context.rules.stable
    if band.analyte not in own.followed.series:
        return np.full(own.followed.counts.people, _NOT_ASKED, dtype=np.int8)
    return stable(own.screened, own.followed.series[band.analyte].values, own.lines)


def _difference(own: Histories, rule: Difference) -> Asked:
    counts = own.followed.counts
    code = np.full(counts.people, _NOT_ASKED, dtype=np.int8)
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


def _cycles(own: Histories, rule: Cycles) -> Asked:
    """Say yes where the last troughs lie a cycle apart, the last no further back; never no: counts may lie between."""
    counts = own.followed.counts
    code = np.full(counts.people, _NOT_ASKED, dtype=np.int8)
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
