"""Lines above the header of an export: a title, the hospital, a comment."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence

LOOKED_AT = 60
_ROWS_AFTER = 2
_FEWEST_COLUMNS = 3
_COMMENT = "#"
_SEPARATOR_TOLD = re.compile(r"\ufeff?\"?sep=.?\"?", re.IGNORECASE)
_NUMBER = re.compile(r"[-+<>=]*\s*\d+(?:[.,]\d+)?")


def preamble_lines(start: Sequence[str], delimiter: str) -> int:
    """Return how many of the first lines stand above the header.

    They are told by their shape alone: at most half as wide as the table below, padded to its width, or
    comments. In doubt there is none, and the first line is the header.

    >>> preamble_lines(["Export 2024", "", "age,sex,HGB,PLT", "54,F,9,10", "30,M,15,250"], ",")
    2
    """
    if start and _SEPARATOR_TOLD.fullmatch(start[0].strip()):  # what Excel is told, however short the table
        return 1 + preamble_lines(start[1:], delimiter)
    widths = [_width(line, delimiter) for line in start]
    usual = Counter(width for width in widths if width >= _FEWEST_COLUMNS).most_common(1)
    if not usual:
        return 0
    width = usual[0][0]
    header = widths.index(width)
    if (padded := _padded(start, delimiter, width)) is not None:
        header = padded
    above = list(zip(start[:header], widths[:header], strict=True))
    # A line with a mark may be the begin of a header record of several lines.
    narrow = all(
        '"' not in line and (2 * own <= width or line.lstrip().startswith(_COMMENT) or padded is not None)
        for line, own in above
    )
    if not narrow or widths[header + 1 :].count(width) < _ROWS_AFTER:
        return 0
    return header


def rows_above(rows: Sequence[Sequence[str]]) -> int:
    """Return how many of the first rows of a sheet stand above the header: a title, a date, in doubt none.

    >>> rows_above([["Report", "", ""], ["age", "sex", "HGB"], ["54", "F", "9"], ["30", "M", "15"]])
    1
    """
    filled = [[cell for cell in row if cell.strip()] for row in rows]
    usual = Counter(len(own) for own in filled if len(own) >= _FEWEST_COLUMNS).most_common(1)
    if not usual:
        return 0
    place = next(place for place, own in enumerate(filled) if 2 * len(own) > usual[0][0])
    return 0 if any(_NUMBER.fullmatch(cell.strip()) for cell in filled[place]) else place


def _padded(start: Sequence[str], delimiter: str, width: int) -> int | None:
    """Return the place of the header where all lines above it are as wide as the table and nearly empty.

    Spreadsheets fill a title up with delimiters. A header has a name in most of its columns, and no bare number.
    """
    for place, line in enumerate(start):
        cells = _cells(line, delimiter)
        filled = [cell for cell in cells if cell.strip()]
        if 2 * len(filled) > width:
            is_header = place > 0 and not any(_NUMBER.fullmatch(cell.strip()) for cell in filled)
            return place if is_header else None
        if len(cells) not in (0, width) and 2 * len(cells) > width:
            return None
    return None


def _width(line: str, delimiter: str) -> int:
    return len(_cells(line, delimiter)) if line.strip() else 0


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
