"""One record with the earlier counts of its person: the answers of a screen, and what the earlier counts show."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen.earlier_counts import CountInTime, CourseResult, Ends, HistoryResult, LineInTime
from cbc_screen.kernel.one_record import RecordKernel
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_inputs import InputScope
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.serial import load_serial
from cbc_screen.normalize.record import NormalizedRecord, RecordNormalizer
from cbc_screen.record import CBCRecord
from cbc_screen.report.answer import answer
from cbc_screen.report.build import ResultBuilder
from cbc_screen.report.history import summary_of
from cbc_screen.result import ScreeningResult
from cbc_screen.serial.context import SerialContext
from cbc_screen.serial.histories import Asked, Histories
from cbc_screen.serial.last_counts import courses_of, with_courses
from cbc_screen.serial.lines import ANALYTE, INSTEAD, NEVER, LineCourse
from cbc_screen.serial.persistence import days_of
from cbc_screen.serial.reasons import labels_of, row_reasons
from cbc_screen.serial.records import History, ReceivedCounts, batch_of, history_of
from cbc_screen.vocabulary import Answer, Change, Line, LineState, Onset, Persistence, SerialReason, Trend

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = ("hemoglobin", "neutrophils", "wbc", "platelets")
_EPOCH = datetime.date(1970, 1, 1)
_DIGITS = 4


@dataclass(frozen=True)
class Screens:
    """What a record is screened with: alone, and (true) with earlier counts."""

    knowledge: Knowledge
    definition: str
    alone: Kernel
    timed: Kernel
    record_kernel: Callable[[bool], RecordKernel]
    builder: Callable[[bool], ResultBuilder]
    use_reported: bool


def screen_with_history(
    given: Sequence[tuple[CBCRecord, RecordNormalizer]], screens: Screens, *, compact: bool
) -> ScreeningResult:
    """Screen the last of the records with the others as earlier counts; see `Screener.screen`."""
    normalized = [reader.normalize(record, use_reported=screens.use_reported) for record, reader in given]
    rules = load_serial()
    context = SerialContext(
        rules, {screens.definition: screens.alone}, screens.definition, screens.knowledge.definitions, screens.timed
    )
    records = [record for record, _ in given]
    found = history_of(
        ReceivedCounts(normalized, _texts(records, "collected_at"), _texts(records, "birth_date")), context
    )
    told = courses_of(found.histories, screens.knowledge)
    own = _with_inputs(normalized[-1], told, screens.knowledge) if found.known else normalized[-1]
    builder = screens.builder(found.known)
    one = screens.record_kernel(found.known).screen_one(own.inputs, own.person, own.scope, own.reported)

    def rest() -> dict[str, Any]:
        history = _history(found, records, told, screens)
        return {**builder.rest(records[-1], own, one, compact=compact), "history": history}

    return answer(one, rest, lambda checklist: builder.columns(own, one, checklist=checklist))


def _texts(records: Sequence[CBCRecord], name: str) -> pa.Array:
    import pyarrow as pa

    return pa.array([_text(getattr(record, name)) for record in records], pa.string())


def _text(value: object) -> str | None:
    return value.isoformat() if isinstance(value, datetime.date) else None if value is None else str(value)


def _with_inputs(normalized: NormalizedRecord, told: Mapping[str, Asked], knowledge: Knowledge) -> NormalizedRecord:
    """Return a record with what earlier counts show of it, as `last_counts` has it for many."""
    batch = with_courses(batch_of([normalized]), told, knowledge)
    inputs = {name: value for name, value in normalized.inputs.items() if not name.endswith((".present", ".absent"))}
    for name, (present, absent) in batch.findings.items():
        for word, truth in (("present", present[0]), ("absent", absent[0])):
            if truth:
                inputs[f"{name}.{word}"] = True
    return replace(normalized, inputs=inputs, scope=InputScope.ALL)


# What was used, as data ---------------------------------------------------------------------


def _history(
    found: History, records: Sequence[CBCRecord], told: Mapping[str, Asked], screens: Screens
) -> HistoryResult:
    knowledge = screens.knowledge
    every = {**knowledge.courses, **knowledge.shown_findings}
    words = list(Answer)
    courses = tuple(
        CourseResult(
            id=name, text=own.text, answer=words[int(told[name][0])], threshold=own.threshold, source=own.source
        )
        for name, own in every.items()
        if found.known and words[int(told[name][0])] is not Answer.NOT_ASSESSED
    )
    lines = tuple(_line(found.histories, line) for line in Line) if found.known else ()
    counts, reasons = _counts(found, records), _reasons(found)
    told_in_words = summary_of(counts, courses, reasons, load_serial().reasons, used=found.known)
    return HistoryResult(
        used=found.known, summary=told_in_words, counts=counts, lines=lines, courses=courses, reasons=reasons
    )


def _counts(found: History, records: Sequence[CBCRecord]) -> tuple[CountInTime, ...]:
    counts = found.histories.followed.counts
    place_of = {int(place): own for own, place in enumerate(found.places)}
    order = sorted(
        range(len(records)),
        key=lambda place: (
            (0, 0, place)
            if place in place_of and not counts.times.known[place_of[place]]
            else (1, int(counts.times.first[place_of[place]]), place)
            if place in place_of
            else (2, 0, place)
        ),
    )
    return tuple(_count(found, records, place, place_of.get(place)) for place in order)


def _count(found: History, records: Sequence[CBCRecord], place: int, own: int | None) -> CountInTime:
    counts, screened = found.histories.followed.counts, place == len(records) - 1
    why = SerialReason.LATER_COUNT if own is None else None
    if own is not None and not screened:
        if bool(counts.conflict[0]):
            why = SerialReason.PERSON_CONFLICT
        elif bool(counts.refused[own]):
            why = SerialReason.NOT_BLOOD
        elif not bool(counts.times.known[own]):
            why = SerialReason.TIME_MISSING
    timed = own is not None and bool(counts.times.known[own])
    ends = {name: None if own is None else _ends(found, name, own) for name in _SHOWN}
    return CountInTime(
        collected_at=_text(records[place].collected_at),
        day=_day(int(counts.times.day[own])) if timed and own is not None else None,
        screened=screened,
        used=screened or (why is None and found.known),
        why="" if why is None else why.value,
        **ends,
    )


def _ends(found: History, name: str, row: int) -> Ends | None:
    values = found.histories.followed.counts.values.get(name)
    if values is None or not values.there[row]:
        return None
    low, high = float(values.low[row]), float(values.high[row])
    return round(low, _DIGITS), round(high, _DIGITS) if math.isfinite(high) else None


def _day(days: int) -> datetime.date | None:
    return None if days == NEVER else _EPOCH + datetime.timedelta(days=days)


def _line(histories: Histories, line: Line) -> LineInTime:
    own: LineCourse = histories.lines[line]
    course, fewest = own.course, int(days_of(own.spells)[0][0])
    state = int(own.last[0])
    nadir, moment = float(course.nadir[0]), int(course.nadir_moment[0])
    return LineInTime(
        line=line,
        followed_on=INSTEAD if own.instead[0] else ANALYTE[line],
        state=list(LineState)[state] if state < len(LineState) else None,
        since=_day(int(own.since[0])),
        persistence=list(Persistence)[int(own.lasting[0])],
        days_min=fewest if state == list(LineState).index(LineState.LOW) else None,
        onset=list(Onset)[int(own.onset[0])],
        change=list(Change)[int(course.change[0])],
        trend=list(Trend)[int(course.trend[0])],
        fast_fall=list(Answer)[int(course.fall[0])],
        nadir=round(nadir, _DIGITS) if math.isfinite(nadir) else None,
        nadir_at=_day(int(histories.followed.counts.day_first[moment])) if moment >= 0 else None,
        since_nadir=list(Change)[int(course.from_nadir[0])],
    )


def _reasons(found: History) -> tuple[str, ...]:
    """Return what was in the way, in the words of `follow`."""
    followed = found.histories.followed
    rules = load_serial()
    told = {label for label, rows in row_reasons(followed).items() if bool(np.any(rows))}
    order = labels_of(list(followed.series), [rule.id for rule in rules.suppressions])
    later = [f"count:{SerialReason.LATER_COUNT}"] if bool(found.later.any()) else []
    return (*later, *(label for label in order if label in told))
