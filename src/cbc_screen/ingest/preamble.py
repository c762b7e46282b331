"""Lines above the header of an export: a title, the hospital, a comment."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence

LOOKED_AT = 60
_ROWS_AFTER = 2
_FEWEST_COLUMNS = 3
_COMMENT = "#"


def preamble_lines(start: Sequence[str], delimiter: str) -> int:
    """Return how many of the first lines stand above the header.

    They are told by their shape alone: at most half as wide as the table below, or
    comments. In doubt there is none, and the first line is the header.

    >>> preamble_lines(["Export 2024", "", "age,sex,HGB,PLT", "54,F,9,10", "30,M,15,250"], ",")
    2
    """
    widths = [_width(line, delimiter) for line in start]
    usual = Counter(width for width in widths if width >= _FEWEST_COLUMNS).most_common(1)
    if not usual:
        return 0
    width = usual[0][0]
    header = widths.index(width)
    above = list(zip(start[:header], widths[:header], strict=True))
    # A line with a mark may be the begin of a header record of several lines.
    narrow = all('"' not in line and (2 * own <= width or line.lstrip().startswith(_COMMENT)) for line, own in above)
    if not narrow or widths[header + 1 :].count(width) < _ROWS_AFTER:
        return 0
    return header


def _width(line: str, delimiter: str) -> int:
    if not line.strip():
        return 0
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0
