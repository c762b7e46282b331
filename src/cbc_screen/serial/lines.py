"""A line of each person: its state at the last count, since when it is low, for how long, and its course."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.serial.context import ScreenedBlock
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN, CountBlock
from cbc_screen.serial.course import PersonCourse, course_of, nothing
from cbc_screen.serial.onset import onsets
from cbc_screen.serial.persistence import Bounds, lasting
from cbc_screen.serial.segments import Bools, Codes, Ints, begins, chosen, largest, smallest, spread
from cbc_screen.serial.series import Followed
from cbc_screen.vocabulary import Line

ANALYTE = {Line.RED: "hemoglobin", Line.WHITE: "neutrophils", Line.PLATELET: "platelets"}
INSTEAD = "wbc"  # of neutrophils, where they are not counted
_GRADES = 4
_NO_GRADE = 127  # beyond every one
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class LineCourse:
    """One line of each person; days are days since 1970, `NEVER` where there is none."""

    line: Line
    spells: Bounds
    last: Codes  # its state at the last result
    lasting: NDArray[np.int8]
    since: Ints
    gap: Ints  # the longest between two results of the spell, in days
    onset: NDArray[np.int8]
    course: PersonCourse
    instead: Bools  # whose course is that of the white cells
    graded: list[Ints]  # the day of the first result of each grade or a higher one


def line_courses(followed: Followed, screened: ScreenedBlock) -> dict[Line, LineCourse]:
    """Work out every line."""
    courses = {
        name: course_of(followed.counts, own, followed.changes[name], screened.context.rules)
        for name, own in followed.series.items()
        if name in {*ANALYTE.values(), INSTEAD}
    }
    return {line: _line(screened, line, courses) for line in Line}


def _line(screened: ScreenedBlock, line: Line, courses: dict[str, PersonCourse]) -> LineCourse:
    counts = screened.counts
    found = screened.spells(line, screened.context.definition)
    last = _last(counts, found)
    first = found.fewest.first
    begun = (first >= 0) & (last == LOW)
    since = np.where(begun, counts.day_first[np.maximum(first, 0)], NEVER) if counts.moments else first * 0 + NEVER
    course, instead = _course(counts, line, courses)
    return LineCourse(
        line=line,
        spells=found,
        last=last,
        lasting=lasting(found, screened.context.rules.durations),
        since=since,
        gap=_gap(counts, found, begun),
        onset=onsets(counts, line, found, last),
        course=course,
        instead=instead,
        graded=_graded(counts, line, found.rows),
    )


def _last(counts: CountBlock, found: Bounds) -> Codes:
    """Return the state at the last result of each person; counts without a time may be later, and must agree."""
    rows = counts.among(found.states != ABSENT)
    last: Codes = spread(counts.people, rows.whose, found.states.take(rows.last), ABSENT)
    if not found.open.any():
        return last
    agree = np.where(last == LOW, found.untimed.always, np.where(last == NOT_LOW, found.untimed.never, False))
    return chosen(found.open & ~agree, UNKNOWN, last)


def _gap(counts: CountBlock, found: Bounds, begun: Bools) -> Ints:
    """Return the longest time between two results of the spell that goes on, in days; -1 where there is none."""
    there, own = found.states != ABSENT, counts.owner
    gaps = np.full(counts.people, -1, dtype=np.int64)
    since = np.where(begun, found.fewest.first, counts.moments)  # of the others no moment is within
    within = np.flatnonzero(there & (counts.every.places > since.take(own)))
    before = counts.last_known(there).take(within)
    within, before = within[before >= 0], before[before >= 0]
    whose = own.take(within)
    starts = begins(whose)
    apart = counts.day_first.take(within) - counts.day_first.take(before)
    gaps[whose.take(starts)] = np.maximum(largest(apart, starts), -1)
    return gaps


def _course(counts: CountBlock, line: Line, courses: dict[str, PersonCourse]) -> tuple[PersonCourse, Bools]:
    """Return the course of a line's analyte; of the white cells where a person has more results of these alone."""
    none = nothing(counts.people)
    own = courses.get(ANALYTE[line], none)
    if line is not Line.WHITE or INSTEAD not in courses:
        return own, np.zeros(counts.people, dtype=np.bool_)
    other = courses[INSTEAD]
    instead = own.results == 0
    return other.where(instead, own), instead & (other.results > 0)


def _graded(counts: CountBlock, line: Line, rows: Codes) -> list[Ints]:
    """Return for each grade the day of the first result that surely has it, or a higher one."""
    grades = counts.answers[f"grade.{line}"].astype(np.int8, copy=False)
    graded = counts.of_used(chosen((grades < 0) | (rows == ABSENT), _NO_GRADE, grades))
    least = smallest(graded, counts.starts)
    days = []
    # Few results are graded, and those of a higher grade are among those of a lower one.
    at = np.flatnonzero((least > 0) & (least < _NO_GRADE))
    for grade in range(1, _GRADES + 1):
        at = at[least.take(at) >= grade]
        whose = counts.owner.take(at)
        starts = begins(whose)
        day = np.full(counts.people, NEVER, dtype=np.int64)
        day[whose.take(starts)] = smallest(counts.day_first.take(at), starts)
        days.append(day)
    return days
