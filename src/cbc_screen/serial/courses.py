"""What earlier counts show of the last one of each person: the courses that rules of the checklist ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

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
    NotRepeated,
    Recovering,
    Steady,
)
from cbc_screen.serial import trend
from cbc_screen.serial.counts import ABSENT
from cbc_screen.serial.course_numbers import cycles, difference, not_repeated, recovering
from cbc_screen.serial.histories import Asked, Histories
from cbc_screen.serial.lines import LineCourse
from cbc_screen.serial.segments import (
    chosen,
    is_one_of,
)
from cbc_screen.serial.sets import lines_falling, stable
from cbc_screen.vocabulary import Answer, Line, Onset

_NO, _YES, _UNSURE, _NOT_ASKED = range(len(Answer))
_NEW = list(Onset).index(Onset.NEW)


def tell(own: Histories, rule: CourseRule) -> Asked:
    """Ask of each person, as codes of `Answer`, whether a course is there."""
    return chosen(own.several, _TELLERS[type(rule)](own, rule), _NOT_ASKED)


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
        return own.asked_of_nobody()
    return stable(own.screened, own.followed.series[band.analyte].values, own.lines)


_TELLERS: Mapping[type, Callable[..., Asked]] = {
    Difference: difference,
    NotRepeated: not_repeated,
    Lasts: _lasts,
    LineLasts: _line_lasts,
    Begun: _begun,
    New: _new,
    Steady: _steady,
    LinesFalling: _lines_falling,
    LineFalling: _line_falling,
    LineFellFast: _fell_fast,
    Recovering: recovering,
    Cycles: cycles,
    CourseBand: _band,
}
