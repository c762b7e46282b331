"""The part of a result that a service asks of every record; texts wait until they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cbc_screen.kernel.one_record import One
from cbc_screen.result import ScreeningResult
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, Pattern, Severity, Urgency

_PATTERNS, _SEVERITIES, _URGENCIES = tuple(Pattern), tuple(Severity), tuple(Urgency)
_NOW = ("pattern", "lines_low_min", "lines_low_max", "severity", "severity_min", "urgency")


def answer(
    one: One, rest: Callable[[], dict[str, Any]], columns: Callable[[bool], dict[str, str | bool | int | None]]
) -> ScreeningResult:
    """Return the result of one record; `columns` is called for the flags, `rest` for any other field."""
    pattern, least, most, severity, severity_min, urgency = one.conclusions.some(_NOW)
    now = {
        "notice": NOTICE,
        "schema_version": SCHEMA_VERSION,
        "pattern": _PATTERNS[pattern],
        "lines_low_min": least,
        "lines_low_max": most,
        "severity": _SEVERITIES[severity],
        "severity_min": _SEVERITIES[severity_min],
        "urgency": _URGENCIES[urgency],
    }
    return ScreeningResult._later(now, rest, columns)
