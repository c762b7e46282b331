"""Earlier counts in words: what was used of them, what they show, and the table of a person's counts over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cbc_screen.earlier_counts import CountInTime, CourseResult, Ends, HistoryResult, LineInTime
from cbc_screen.report.units import TextUnits, readable
from cbc_screen.report.wording import ends_words, words
from cbc_screen.vocabulary import Answer, Change, Persistence, SerialReason, Threshold, Trend

_ANALYTES = {"hemoglobin": "hemoglobin", "neutrophils": "neutrophils", "wbc": "WBC", "platelets": "platelets"}
_NOTHING = "–"
_WIDE, _HIGH = 1000, 100
_LEAST_DAYS = 2


@dataclass(frozen=True)
class HistoryWords:
    """Earlier counts as a form shows them: the heads and rows of a table, what is told of lines, courses, what is open."""

    summary: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]
    shown: tuple[str, ...]
    not_shown: tuple[str, ...]
    open: tuple[str, ...]


def summary_of(
    counts: Sequence[CountInTime],
    courses: Sequence[CourseResult],
    reasons: Sequence[str],
    texts: Mapping[SerialReason, str],
    *,
    used: bool,
) -> str:
    """Say in a few sentences what earlier counts show, or why they were not used."""
    earlier = [count for count in counts if count.used and not count.screened]
    if not used:
        why = [texts[SerialReason(label.partition(":")[2])] for label in reasons if _hinders(label)]
        because = f": {'; '.join(dict.fromkeys(why))}" if why else ""
        return f"No earlier count takes part, and the answers are those of this count alone{because}."
    first = f"{len(earlier)} earlier count{'s' if len(earlier) > 1 else ''} take{'' if len(earlier) > 1 else 's'} part."
    shown = [course.text for course in courses if course.answer is Answer.YES]
    told = f"Earlier counts show: {'; '.join(shown)}." if shown else "They show nothing that a rule asks for."
    left = len(counts) - len(earlier) - 1
    out = f" {left} given and not used." if left else ""
    return f"{first}{out} {told}"


def _hinders(label: str) -> bool:
    return label.partition(":")[2] in (
        SerialReason.PERSON_CONFLICT,
        SerialReason.TIME_MISSING,
        SerialReason.LATER_COUNT,
        SerialReason.NOT_BLOOD,
        SerialReason.TIMES_MEET,
        SerialReason.COUNT_REPEATED,
        SerialReason.ONE_COUNT,
    )


def history_words(history: HistoryResult, units: TextUnits) -> HistoryWords:
    """Return earlier counts in words, in the units of a result's texts."""
    names = [name for name in _ANALYTES if any(getattr(count, name) is not None for count in history.counts)]
    heads = ("collected", *(f"{_ANALYTES[name]}, {readable(units.unit(name))}" for name in names), "")
    rows = tuple(
        (
            count.collected_at or "no time",
            *(_number(getattr(count, name), name, units) for name in names),
            "this count" if count.screened else words(count.why).lower() or ("" if count.used else "not used"),
        )
        for count in history.counts
    )
    by_answer = {
        answer: tuple(course.text for course in history.courses if course.answer is answer) for answer in Answer
    }
    shown = tuple(_course(course) for course in history.courses if course.answer is Answer.YES)
    return HistoryWords(
        history.summary,
        heads,
        rows,
        tuple(_line(line, units) for line in history.lines if line.state is not None),
        shown,
        by_answer[Answer.NO],
        by_answer[Answer.CANNOT_TELL],
    )


@dataclass(frozen=True)
class Drawn:
    """One analyte over time, on a field of 1000 by 100: marks (place, low, high, whether screened) and what they span."""

    label: str
    marks: tuple[tuple[int, int, int, bool], ...]
    top: str
    first: str
    last: str


def drawn_counts(history: HistoryResult, units: TextUnits) -> tuple[Drawn, ...]:
    """Return the counts with a day as figures, one for each analyte that has two of them or more; from 0, linear."""
    found = []
    days = [count.day for count in history.counts if count.day is not None and (count.used or count.screened)]
    if len(set(days)) < _LEAST_DAYS:
        return ()
    first, span = min(days), (max(days) - min(days)).days
    for name, label in _ANALYTES.items():
        own = [
            (count, ends)
            for count in history.counts
            if count.day is not None and (count.used or count.screened) and (ends := getattr(count, name)) is not None
        ]
        top = max((end for _, ends in own for end in ends if end is not None), default=0.0)
        if len(own) < _LEAST_DAYS or not top:
            continue
        marks = tuple(
            (
                round(_WIDE * (count.day - first).days / span),
                round(_HIGH - _HIGH * (ends[0] or 0.0) / top),
                0 if ends[1] is None else round(_HIGH - _HIGH * ends[1] / top),
                count.screened,
            )
            for count, ends in own
            if count.day is not None
        )
        unit = readable(units.unit(name))
        found.append(
            Drawn(f"{label}, {unit}", marks, units.number(name, top), first.isoformat(), max(days).isoformat())
        )
    return tuple(found)


def _course(course: CourseResult) -> str:
    mark = "" if course.threshold is Threshold.NONE else f" [{words(course.threshold)}; {course.source}]"
    return f"{course.text}{mark}"


def _number(ends: Ends | None, name: str, units: TextUnits) -> str:
    if ends is None:
        return _NOTHING
    low, high = ends
    if low == high and low is not None:
        return units.number(name, low)
    if high is None and not low:
        return "unknown"
    return ends_words(None if not low else units.value(name, low), None if high is None else units.value(name, high))


def _line(line: LineInTime, units: TextUnits) -> str:
    """Say the course of a line in one sentence."""
    assert line.state is not None
    parts = [f"{words(line.state)} in the last result"]
    if line.since is not None:
        parts.append(f"low at least since {line.since.isoformat()} ({line.days_min} days)")
    if line.persistence not in (Persistence.NOT_ASSESSED, Persistence.NOT_LOW):
        parts.append(words(line.persistence))
    if line.trend is not Trend.NOT_ASSESSED:
        parts.append(f"trend {words(line.trend)}")
    if line.change is not Change.NOT_ASSESSED:
        parts.append(f"change from the result before: {words(line.change)}")
    if line.fast_fall is Answer.YES:
        parts.append("fell fast")
    if line.nadir is not None and line.nadir_at is not None:
        unit = readable(units.unit(line.followed_on))
        since = f", {words(line.since_nadir)} since then" if line.since_nadir in (Change.UP, Change.DOWN) else ""
        parts.append(
            f"lowest {units.number(line.followed_on, line.nadir)} {unit} on {line.nadir_at.isoformat()}{since}"
        )
    return f"{line.line} line ({_ANALYTES[line.followed_on]}): {'; '.join(parts)}"
