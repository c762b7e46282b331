"""One analyte of one person over time: results, the range of each moment, severity bands, own range and events."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np

from cbc_screen.errors import UsageError
from cbc_screen.serial.context import ScreenedBlock, SerialContext
from cbc_screen.serial.counts import CountBlock, read_counts
from cbc_screen.serial.lines import ANALYTE, line_courses
from cbc_screen.serial.person_frame import PersonFrame
from cbc_screen.serial.segments import Bools
from cbc_screen.serial.series import Followed, follow_block
from cbc_screen.time_course import SeverityBand, TimeEvent, Timeline, TimePoint
from cbc_screen.vocabulary import LineState, Persistence, Severity, State, Trend

_EPOCH = datetime.datetime(1970, 1, 1)
_STATES = [*map(str, LineState), State.NOT_ASSESSED.value]


def timeline_of(
    source: PersonFrame, context: SerialContext, key: object, analyte: str, analytes: list[str]
) -> Timeline:
    """Return the timeline of an analyte of the person of a key."""
    if analyte not in analytes:
        raise UsageError(f"a timeline is of one of {', '.join(analytes)}")
    names = [str(name) for name in source.names.to_pylist()]
    if str(key) not in names:
        raise UsageError("no row is of this person")
    code = names.index(str(key))
    rows = np.flatnonzero(source.person == code)
    rows = rows[np.argsort(source.times.first[rows], kind="stable")]
    counts = read_counts(source, rows, np.full(len(rows), code), context.kernels[context.definition])
    if counts.conflict.any():
        raise UsageError("rows under this key differ in sex, birth date or age; there is no timeline across them")
    followed = follow_block(counts, source, context.rules, analytes, np.array([code]))
    known = source.ready.engine.knowledge.analytes[analyte]
    own, verdict = _of_line(followed, ScreenedBlock(context, counts), analyte)
    return Timeline(
        analyte=analyte,
        label=known.label,
        unit=known.unit,
        points=_points(counts, analyte),
        events=tuple(_events(followed, analyte)),
        bands=_bands(counts, analyte),
        own=own,
        verdict=verdict,
        undated=int(counts.untimed.sum()),
    )


def _when(counts: CountBlock, moment: int) -> datetime.datetime:
    """Return the first second of a moment: of a day, its beginning."""
    first = counts.times.first[counts.first_row[moment]]
    return _EPOCH + datetime.timedelta(seconds=int(first))


def _points(counts: CountBlock, analyte: str) -> tuple[TimePoint, ...]:
    values, used = counts.of_moments(analyte), counts.kernel.numbers_used(counts.batch)
    limits = []
    for side in ("lower", "upper"):
        least, most = (used[f"{analyte}.{side}.{end}"][counts.first_row] for end in ("min", "max"))
        limits.append(np.where(least == most, least, np.nan))
    there = np.flatnonzero(values.there)
    return tuple(
        TimePoint(
            _when(counts, moment),
            _told(values.low[moment], nothing=0.0),
            _told(values.high[moment]),
            _told(limits[0][moment]),
            _told(limits[1][moment]),
        )
        for moment in there.tolist()
    )


def _told(value: Any, nothing: float | None = None) -> float | None:
    return None if not math.isfinite(value) or value == nothing else float(value)


def _events(followed: Followed, analyte: str) -> list[TimeEvent]:
    """Return what breaks the series or keeps its results from being compared."""
    counts = followed.counts
    found: list[tuple[str, Bools]] = [
        ("laboratory changed", followed.laboratory),
        ("printed range changed", followed.ranges[analyte]),
        ("unit changed", followed.units[analyte]),
    ]
    for rule, rows in followed.quiet.items():
        own = np.zeros(counts.moments, dtype=np.bool_)
        own[counts.moment[rows & (counts.moment >= 0)]] = True
        found.append((rule, own))
    return [TimeEvent(_when(counts, place), text) for text, own in found for place in np.flatnonzero(own).tolist()]


def _bands(counts: CountBlock, analyte: str) -> tuple[SeverityBand, ...]:
    """Return the bands of the grade at the last moment, where the person has one key."""
    rows = counts.kernel.limits.grade_rows.get((counts.kernel.rules.scheme.id, analyte))
    if rows is None or not counts.moments:
        return ()
    keys, unsure = counts.kernel.keys(counts.batch)
    last = int(counts.first_row[-1])
    if last in unsure:
        return ()
    return tuple(
        SeverityBand(row.severity, row.lower, row.upper)
        for row in rows[keys[last]]
        if row.severity is not Severity.NONE and not row.relative
    )


def _of_line(followed: Followed, screened: ScreenedBlock, analyte: str) -> tuple[tuple[float, float] | None, str]:
    """Return the own range, and what is told of the line that is judged on an analyte."""
    for line, own in line_courses(followed, screened).items():
        if ANALYTE[line] == analyte:
            words = (
                f"{line} line: {_STATES[own.last[0]]}",
                f"persistence: {list(Persistence)[own.lasting[0]].value}",
                f"trend: {list(Trend)[own.course.trend[0]].value}",
            )
            low, high = float(own.course.own_low[0]), float(own.course.own_high[0])
            return (low, high) if math.isfinite(low) else None, "; ".join(words).replace("_", " ")
    return None, ""
