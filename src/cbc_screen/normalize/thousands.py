"""Marks that group the thousands of a number, taken off where they cannot be anything else."""

from __future__ import annotations

import re
from functools import lru_cache

_APOSTROPHES = str.maketrans("\u2019\u02bc", "''")
# The same mark twice or more parts no decimals: "1,250,000" is one number, declared or not.
_TWICE = re.compile(r"(?<![\d.,'])[1-9]\d{0,2}([.,'])\d{3}(?:\1\d{3})+(?![\d.,'])", re.ASCII)


def straight(text: str) -> str:
    """Write the apostrophes of a text as the plain one."""
    return text if text.isascii() else text.translate(_APOSTROPHES)


def without_marks(text: str, thousands: str, decimal: str) -> str:
    """Take the marks of thousands off the numbers of a text; `thousands` is the declared mark, if any.

    What nobody groups so ("0,250", "1234,567") keeps its mark: who wrote it means something else by it.

    >>> without_marks("2,50,000", ",", "."), without_marks("0,250", ",", "."), without_marks("1.250.000", "", ".")
    ('250000', '0,250', '1250000')
    """
    if thousands:
        return _grouped(thousands).sub(lambda number: number[0].replace(thousands, ""), text)
    return _TWICE.sub(
        lambda number: number[0] if number[1] == decimal != "." else number[0].replace(number[1], ""), text
    )


@lru_cache(maxsize=8)
def _grouped(mark: str) -> re.Pattern[str]:
    """Return what finds a number grouped by a mark: in threes, or with a comma as India groups lakhs."""
    each = re.escape(mark)
    ways = rf"[1-9]\d{{0,2}}(?:{each}\d{{3}})+"
    if mark == ",":
        ways += rf"|[1-9]\d?(?:{each}\d\d)+{each}\d{{3}}"
    # Another number may stand behind a blank, and no digits behind any other mark.
    more = r"\d" if mark == " " else rf"\d|{each}\d"
    return re.compile(rf"(?<![\d.,'])(?<!\d{each})(?:{ways})(?!{more})", re.ASCII)
