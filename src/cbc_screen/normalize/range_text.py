"""Reference ranges that came as one text: "4.0-11.0", "<5", ">=150", "4.3 to 6.2"."""

from __future__ import annotations

import re
from functools import lru_cache

from cbc_screen.normalize.value import LONGEST_CELL, fold

_NUMBER = r"\d+(?:[.,]\d+)?"
_BOTH = re.compile(rf"\(?\s*({_NUMBER})\s*(?:-|–|—|to|a|bis|~)\s*({_NUMBER})\s*\)?", re.IGNORECASE)
_UPPER = re.compile(rf"\(?\s*(?:<=?|≤|=<|up to|less than|below)\s*({_NUMBER})\s*\)?", re.IGNORECASE)
_LOWER = re.compile(rf"\(?\s*(?:>=?|≥|=>|greater than|more than|above|from)\s*({_NUMBER})\s*\)?", re.IGNORECASE)
UNREADABLE = "?"


@lru_cache(maxsize=4_096)
def limits_of_text(text: str, unit: str = "") -> tuple[str, str]:
    """Return the lower and the upper limit of a range text, as texts; "" where it sets none.

    A text without a digit ("Not Estab.") sets none. One with digits that is no range is
    `UNREADABLE`, so that it is told apart from a range that was never given. The unit of the
    result may be repeated behind the range; another unit makes it unreadable.

    >>> limits_of_text("4.0-11.0"), limits_of_text("<5"), limits_of_text("See targets")
    (('4.0', '11.0'), ('', '5'), ('', ''))
    """
    plain = fold(text[: LONGEST_CELL + 1])
    if not any(character.isdigit() for character in plain):
        return "", ""
    if unit and plain.casefold().endswith(unit.casefold()):
        plain = plain[: -len(unit)].rstrip()
    both = _BOTH.fullmatch(plain)
    if both:
        return both[1], both[2]
    upper, lower = _UPPER.fullmatch(plain), _LOWER.fullmatch(plain)
    if upper:
        return "", upper[1]
    if lower:
        return lower[1], ""
    return UNREADABLE, ""
