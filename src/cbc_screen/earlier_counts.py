"""What was used of a person's earlier counts, and what they show of the one that is screened."""

from __future__ import annotations

import datetime

from cbc_screen.result_part import Part
from cbc_screen.vocabulary import Answer, Change, Line, LineState, Onset, Persistence, Threshold, Trend

Ends = tuple[float | None, float | None]


class CountInTime(Part):
    """One count of the person, as used: the least and the most that each result can be, in canonical units.

    `day` is that of the collection, at the place where it was. None stands for a result that was not sent, and an open end for one that is not known. `screened` is the count of the
    result; a count that is not `used` says why in `why`.
    """

    collected_at: str | None
    day: datetime.date | None
    screened: bool
    used: bool
    why: str
    hemoglobin: Ends | None
    neutrophils: Ends | None
    wbc: Ends | None
    platelets: Ends | None


class LineInTime(Part):
    """One line over the counts; `followed_on` is the analyte, in whose canonical unit `nadir` is."""

    line: Line
    followed_on: str
    state: LineState | None
    since: datetime.date | None
    persistence: Persistence
    days_min: int | None
    onset: Onset
    change: Change
    trend: Trend
    fast_fall: Answer
    nadir: float | None
    nadir_at: datetime.date | None
    since_nadir: Change


class CourseResult(Part):
    """What earlier counts show of the last one, as rules ask for it."""

    id: str
    text: str
    answer: Answer
    threshold: Threshold
    source: str


class HistoryResult(Part):
    """Earlier counts of the person. With `used` false the answers are those of the count alone, and `reasons` says why.

    `counts` stand in the order of their times, those without one first; `reasons` are "field:REASON" as in `follow`.
    """

    used: bool
    summary: str
    counts: tuple[CountInTime, ...]
    lines: tuple[LineInTime, ...]
    courses: tuple[CourseResult, ...]
    reasons: tuple[str, ...]
