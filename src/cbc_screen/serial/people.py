"""One row a person: each line's state, since when, how long, where it goes, with the rows that show it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import dictionary, from_numpy
from cbc_screen.serial.context import ScreenedBlock, SerialContext
from cbc_screen.serial.counts import CountBlock
from cbc_screen.serial.histories import Histories
from cbc_screen.serial.last_counts import last_columns
from cbc_screen.serial.lines import ANALYTE, INSTEAD, NEVER, LineCourse, line_courses
from cbc_screen.serial.persistence import bounds_of, days_of, elapsed_names, lasting, rows_of
from cbc_screen.serial.person_frame import NOBODY, PersonFrame
from cbc_screen.serial.reasons import bits_of, labels_of, of_people, row_reasons, words_of
from cbc_screen.serial.segments import Bools, Floats, Ints, begins, ends, sizes, spread
from cbc_screen.serial.series import Followed
from cbc_screen.serial.sets import elapsed_of, lines_falling, lines_together, met, stable
from cbc_screen.vocabulary import (
    NOTICE,
    Answer,
    Change,
    Line,
    LineState,
    Onset,
    Persistence,
    SerialReason,
    Standing,
    State,
    Trend,
)

if TYPE_CHECKING:
    import pyarrow as pa

_YES, _UNSURE = list(Answer).index(Answer.YES), list(Answer).index(Answer.CANNOT_TELL)
_TOGETHER = {"two_lines": 2, "three_lines": 3}
_DIGITS = 4  # of a number that is worked out


def person_table(followed: Followed, context: SerialContext, source: PersonFrame) -> pa.Table:
    """Return the rows of the persons of a block."""
    import pyarrow as pa

    counts, rules = followed.counts, context.rules
    screened = ScreenedBlock(context, counts)
    lines = line_courses(followed, screened)
    codes = followed.codes.astype(np.int64)
    columns: dict[str, pa.Array] = {"person": source.names.take(from_numpy(codes, codes == NOBODY))}
    starts = begins(counts.person)
    columns["counts"] = from_numpy(sizes(starts, len(counts.rows)))
    columns["counts_used"] = from_numpy(np.bincount(counts.owner, minlength=counts.people).astype(np.int64))
    columns |= _span(counts)
    for line in lines.values():
        columns |= _of_line(counts, line)
    words = _Words(counts)
    for name, fewest in _TOGETHER.items():
        own = lasting(bounds_of(counts, lines_together(lines, fewest)), rules.durations)
        columns[f"{name}_persistence"] = words.of(Persistence, own)
    columns["lines_falling"] = words.of(Answer, lines_falling(lines, rules.fast_fall.lines))
    columns |= _sets(followed, screened, lines)
    columns |= last_columns(Histories(followed, screened, lines), source.ready.engine, context.with_history)
    checks = {name: _any_moment(counts, own == _YES) for name, own in followed.checks.items()}
    names = [rule.id for rule in rules.delta_checks]
    columns["identity_checks"] = words_of(names, bits_of(names, checks, counts.people))
    labels = labels_of(list(followed.series), [rule.id for rule in rules.suppressions], [*ANALYTE.values(), INSTEAD])
    reasons = of_people(counts, row_reasons(followed))
    for own_line in lines.values():
        for analyte, these in ((ANALYTE[own_line.line], ~own_line.instead), (INSTEAD, own_line.instead)):
            label = f"{analyte}:{SerialReason.UNSTEADY}"
            reasons[label] = reasons.get(label, False) | (own_line.course.unsteady & these)
    columns["reasons"] = words_of(labels, bits_of(labels, reasons, counts.people))
    columns["notice"] = dictionary(np.zeros(counts.people, dtype=np.int8), [NOTICE])
    return pa.table(columns)


class _Words:
    """Writes codes as words; of rows that are not of one person nothing can be told."""

    def __init__(self, counts: CountBlock) -> None:
        self._conflict = counts.conflict

    def of(self, words: type[StrEnum] | list[str], codes: NDArray[np.generic]) -> pa.Array:
        """Return a column of words from their codes."""
        every = [str(word) for word in words]
        cannot_tell = every.index(Answer.CANNOT_TELL.value)
        return dictionary(np.where(self._conflict, cannot_tell, codes).astype(np.int8), every)


def _dates(days: Ints) -> pa.Array:
    import pyarrow as pa

    none = days == NEVER
    return from_numpy(days.astype(np.int32), none).cast(pa.date32())  # of `NEVER` that is 0, and null


def _numbers(values: Floats) -> pa.Array:
    return from_numpy(np.round(values, _DIGITS), ~np.isfinite(values))


def _span(counts: CountBlock) -> dict[str, pa.Array]:
    """Return the days of the first and of the last count that takes part."""
    starts = begins(counts.owner)
    final = ends(starts, counts.moments)
    own = counts.owner[starts]
    first, last = (spread(counts.people, own, counts.day_first[place], NEVER) for place in (starts, final))
    return {"first_at": _dates(first), "last_at": _dates(last)}


def _of_line(counts: CountBlock, own: LineCourse) -> dict[str, pa.Array]:
    """Return the columns of one line."""
    words, line, course = _Words(counts), own.line, own.course
    spell, (fewest, most) = own.spells.fewest, days_of(own.spells)
    low = own.last == list(LineState).index(LineState.LOW)
    evidence = [rows_of(counts, np.where(low, place, -1)) for place in (spell.first, spell.last)]
    nadir = rows_of(counts, course.nadir_moment)
    nadir_day = counts.day_first[np.maximum(course.nadir_moment, 0)] if counts.moments else course.nadir_moment
    columns = {
        "line": words.of([*map(str, LineState), State.NOT_ASSESSED.value], own.last),
        "since": _dates(own.since),
        "persistence": words.of(Persistence, own.lasting),
        "days_min": from_numpy(fewest, ~low),
        "days_max": from_numpy(most, most < 0),
        "longest_gap_days": from_numpy(own.gap, own.gap < 0),
        "onset": words.of(Onset, own.onset),
        "change": words.of(Change, course.change),
        "trend": words.of(Trend, course.trend),
        "slope_30_days": _numbers(course.slope),
        "robust_trend": words.of(Trend, course.robust),
        "robust_slope_30_days": _numbers(course.robust_slope),
        "fast_fall": words.of(Answer, course.fall),
        "own_range": words.of(Standing, course.standing),
        "own_low": _numbers(course.own_low),
        "own_high": _numbers(course.own_high),
        "nadir": _numbers(course.nadir),
        "nadir_at": _dates(np.where(course.nadir_moment < 0, NEVER, nadir_day)),
        "since_nadir": words.of(Change, course.from_nadir),
        **{f"grade_{grade}_since": _dates(day) for grade, day in enumerate(own.graded, start=1)},
        "evidence_first_row": from_numpy(evidence[0].astype(np.int64), evidence[0] < 0),
        "evidence_last_row": from_numpy(evidence[1].astype(np.int64), evidence[1] < 0),
        "nadir_row": from_numpy(nadir.astype(np.int64), nadir < 0),
    }
    found = {f"{line}_{name}": column for name, column in columns.items()}
    if line is Line.WHITE:
        found["white_followed_on"] = dictionary(own.instead.astype(np.int8), [ANALYTE[line], INSTEAD])
    return found


def _sets(followed: Followed, screened: ScreenedBlock, lines: dict[Line, LineCourse]) -> dict[str, pa.Array]:
    """Return which count sets last, for which it cannot be told, and the time since platelets were first low."""
    counts, rules = followed.counts, screened.context.rules
    answers = {rule.id: met(screened, rule) for rule in rules.count_sets}
    if rules.stable.analyte in followed.series:
        answers[rules.stable.id] = stable(screened, followed.series[rules.stable.analyte].values, lines)
    names = [*(rule.id for rule in rules.count_sets), rules.stable.id]
    sure = {name: (own == _YES) & ~counts.conflict for name, own in answers.items()}
    unsure = {name: (own == _UNSURE) | counts.conflict for name, own in answers.items()}
    since = f"{ANALYTE[rules.elapsed.line]}_under_{rules.elapsed.below:g}"
    return {
        "lasting_definitions": words_of(names, bits_of(names, sure, counts.people)),
        "lasting_cannot_tell": words_of(names, bits_of(names, unsure, counts.people)),
        since: _Words(counts).of(elapsed_names(rules.elapsed), elapsed_of(screened)),
    }


def _any_moment(counts: CountBlock, truths: Bools) -> Bools:
    found = np.zeros(counts.people, dtype=np.bool_)
    found[counts.owner[truths]] = True
    return found
