"""What a number format of a spreadsheet shows beside a number: a sign, a unit, a percentage, a scale.

A cell that shows "<200" may hold the number 200 and a format that writes the sign. What the
reader of the sheet saw is what was sent.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_PARTS = re.compile(
    r'"([^"]*)"|\\(.)|\[[^\]]*\]|[_*].|([0#?][0#?.,\s]*(?:E[+-]?0+)?)|([<>=%≤≥±~a-zA-ZµμΜ/^]+)|.', re.DOTALL
)
_GENERAL = frozenset(("GENERAL", "@"))
_HUNDRED = 100
_DIGITS = 12  # of a percentage: more are the dust of binary numbers


class Shown(NamedTuple):
    """What stands before and behind the number, and whether it is shown in percent, or in thousands."""

    before: str
    behind: str
    percent: bool
    scaled: bool


@lru_cache(maxsize=512)
def shown_by(number_format: str) -> Shown | None:
    """Return what a format shows beside a positive number; None where that is nothing.

    >>> shown_by('"<"0'), shown_by("0.0"), shown_by('0,"K"')
    (Shown(before='<', behind='', percent=False, scaled=False), None, Shown(before='', behind='K', percent=False, scaled=True))
    """
    section = number_format.partition(";")[0]
    if section.upper() in _GENERAL:
        return None
    texts, scaled, place = ["", ""], False, 0
    for quoted, escaped, digits, word in _PARTS.findall(section):
        if digits:
            place = 1
            scaled = scaled or digits.rstrip().endswith(",")
        else:
            texts[place] += quoted or escaped or word
    percent = "%" in texts[1] or "%" in texts[0]
    before, behind = (text.replace("%", "").strip(" /") for text in texts)
    if not (before or behind or percent or scaled) or place == 0:
        return None
    return Shown(before, behind, percent, scaled)


def number_text(number: object, decimal: str) -> str:
    """Write a number that is no text with the decimal mark that the texts beside it have.

    >>> number_text(12.6, ","), number_text(250.0, ",")
    ('12,6', '250')
    """
    if isinstance(number, float) and number.is_integer():
        return str(int(number))
    return str(number).replace(".", decimal)


def as_shown(number: float, number_format: str, decimal: str = ".") -> str | float:
    """Return a number as its cell shows it; a number where that says no more.

    >>> as_shown(200, '"<"0'), as_shown(0.45, "0%"), as_shown(13.5, "0.0"), as_shown(200000, '0,"K"')
    ('<200', '45%', 13.5, '200000 (shown in thousands) K')
    """
    shown = shown_by(number_format)
    if shown is None:
        return number
    value = float(f"{number * _HUNDRED:.{_DIGITS}g}") if shown.percent else number
    text = number_text(float(value), decimal)
    text += "%" if shown.percent else ""
    behind = f"(shown in thousands) {shown.behind}".strip() if shown.scaled else shown.behind
    return f"{shown.before}{text}" + (f" {behind}" if behind else "")
