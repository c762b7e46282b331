"""The part of a result that a service asks of every record; texts wait until they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cbc_screen.kernel.one import One
from cbc_screen.result import ScreeningResult
from cbc_screen.vocabulary import NOTICE, Pattern, Severity, Urgency

_PATTERNS, _SEVERITIES, _URGENCIES = tuple(Pattern), tuple(Severity), tuple(Urgency)


def answer(
    one: One, rest: Callable[[], dict[str, Any]], columns: Callable[[], dict[str, str | int | None]]
) -> ScreeningResult:
    """Return the result of one record; `columns` is called for the flags, `rest` for any other field."""
    conclusions = one.conclusions
    now = {
        "notice": NOTICE,
        "pattern": _PATTERNS[conclusions["pattern"]],
        "lines_low_min": conclusions["lines_low_min"],
        "lines_low_max": conclusions["lines_low_max"],
        "severity": _SEVERITIES[conclusions["severity"]],
        "severity_min": _SEVERITIES[conclusions["severity_min"]],
        "urgency": _URGENCIES[conclusions["urgency"]],
    }
    return ScreeningResult.later(now, rest, columns)
