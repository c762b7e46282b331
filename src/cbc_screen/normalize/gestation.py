"""Gestation as it is written: completed weeks, and days beside them."""

from __future__ import annotations

import re

WEEKS = "gestation"  # the dimension that is counted so
_DAYS = 7
_WEEKS_AND_DAYS = re.compile(
    r"(\d{1,2})\s*(?:\+\s*([0-6])(?:/7)?|\s([0-6])/7|(?:w|wk|wks|weeks?)\s*(?:\+\s*)?([0-6])\s*(?:d|days?))\s*(?:w|wk|wks|weeks?)?",
    re.ASCII | re.IGNORECASE,
)


def in_weeks(text: str) -> str:
    """Write weeks and days as weeks; any other text as it is.

    >>> in_weeks("28+0"), in_weeks("27w"), in_weeks("> 32")
    ('28.00 wk', '27w', '> 32')
    """
    found = _WEEKS_AND_DAYS.fullmatch(text)
    if found is None:
        return text
    days = next(days for days in found.groups()[1:] if days is not None)
    return f"{int(found[1]) + int(days) / _DAYS:.2f} wk"
