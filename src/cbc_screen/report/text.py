"""Results as plain text: the chain from what was received to each flag."""

from __future__ import annotations

import textwrap
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cbc_screen.report.words import number
from cbc_screen.result import AnalyteResult, LineResult, RangeUsed, ScreeningResult
from cbc_screen.vocabulary import Comparator, LineState, Severity

if TYPE_CHECKING:
    from jinja2 import Environment

WIDTH = 110
_LABELLED = " " * 6
_LABEL = 9
_BIDI = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)))


def clean(text: str) -> str:
    """Strip control and bidirectional characters, which could rewrite a terminal line."""
    return "".join(c for c in text if c == "\n" or (unicodedata.category(c) != "Cc" and c not in _BIDI))


def explain(result: ScreeningResult, *, shown: int = 99, width: int = WIDTH) -> str:
    """Write a result as plain text; the first `shown` conditions are written in full."""
    severity = words(result.severity)
    if result.severity is Severity.CANNOT_TELL and result.severity_min is not Severity.NONE:
        severity = f"at least {words(result.severity_min)}"
    by_name = {analyte.analyte: analyte for analyte in result.analytes}
    text = (
        _environment()
        .get_template("explain.txt.j2")
        .render(
            result=result,
            severity=severity,
            shown=shown,
            lines=_aligned([_line(line, by_name.get(line.analyte)) for line in result.lines]),
            analytes=_aligned([_analyte(analyte) for analyte in result.analytes]) or ["no result was given"],
            checks=(
                ("CHECKS for a spurious result", result.guards),
                ("REVIEW TRIGGERS", result.review_triggers),
                ("PUBLISHED CUT-OFFS crossed, beside the grade", result.published_cutoffs),
            ),
        )
    )
    return "\n".join(_wrapped(line, width) for line in clean(text).split("\n"))


def _wrapped(line: str, width: int) -> str:
    """Wrap a long line under its own text."""
    if len(line) <= width:
        return line
    indent = len(line) - len(line.lstrip())
    labelled = line.startswith(_LABELLED) and line[indent : indent + _LABEL].strip() in (
        "for",
        "against",
        "missing",
        "next",
        "place",
    )
    hang = indent + (_LABEL if labelled else 4)
    # Runs of blanks align columns: textwrap would fold them, so they stay outside.
    head, tail = line[: width // 3], line[width // 3 :]
    return textwrap.fill(
        head.replace(" ", "\xa0") + tail,
        width,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace("\xa0", " ")


def words(code: Any) -> str:
    """Write a code as words."""
    return str(code).replace("_", " ")


def _line(line: LineResult, analyte: AnalyteResult | None) -> list[str]:
    value = _used(analyte) if analyte is not None else "no result"
    if line.adjusted is not None and analyte is not None:
        value = f"{value}, adjusted {_span(*line.adjusted)}"
    limits = " or ".join(number(limit) for limit in line.limits)
    sign = {LineState.LOW: "below", LineState.NOT_LOW: "not below", LineState.CANNOT_TELL: "against"}[line.state]
    against = f"{sign} {limits} {line.unit}" if limits else "no limit for this person"
    grade = f"grade {line.grade}" if line.grade is not None else "grade not told"
    if line.severity is not Severity.CANNOT_TELL:
        severity = words(line.severity)
    else:
        severity = "severity not told" if line.severity_min is Severity.NONE else f"at least {words(line.severity_min)}"
    if line.adjusted is not None:
        plain = "not told" if line.grade_unadjusted is None else str(line.grade_unadjusted)
        state = "" if line.state_unadjusted is None else f", {words(line.state_unadjusted)}"
        severity = f"{severity}; unadjusted: grade {plain}{state}"
    return [str(line.line), words(line.state), line.analyte, value, against, f"{grade}, {severity}"]


def _analyte(analyte: AnalyteResult) -> list[str]:
    received = "derived" if analyte.derived and analyte.received is None else analyte.received or ""
    ranges = " or ".join(_range(used) for used in analyte.ranges) or "no range"
    if analyte.reported_range is not None:
        ranges = f"reported {_ends(*analyte.reported_range)}; set {ranges}"
    reasons = ", ".join(analyte.reasons)
    return [analyte.label, received, _used(analyte), words(analyte.state), ranges, reasons]


def _range(used: RangeUsed) -> str:
    who = " ".join(part for part in (used.sex if used.sex != "any" else "", used.age) if part)
    stage = f", {used.pregnancy}" if used.pregnancy != "none" else ""
    return f"{_ends(used.lower, used.upper)} ({used.set}, {who}{stage}; {used.source})"


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "unknown" if high is None else f"up to {number(high)}"
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def _ends(lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return f"up to {number(upper)}" if upper is not None else f"from {number(lower or 0.0)}"
    return f"{number(lower)} to {number(upper)}"


def _used(analyte: AnalyteResult) -> str:
    low, high = analyte.low, analyte.high
    if low is None:
        return "none"
    if high is None:
        return f"{number(low)} or more {analyte.unit}" if low > 0 else "unknown"
    if analyte.comparator is Comparator.BELOW:
        return f"below {number(high)} {analyte.unit}"
    if low == high:
        return f"{number(low)} {analyte.unit}"
    return f"{number(low)} to {number(high)} {analyte.unit}"


def _aligned(rows: list[list[str]]) -> list[str]:
    """Align columns; the last one keeps its length."""
    if not rows:
        return []
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader

    # Plain text: there is nothing to escape, and `clean` strips what a terminal would act on.
    environment = Environment(
        loader=PackageLoader("cbc_screen.report"),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["words"] = words
    return environment
