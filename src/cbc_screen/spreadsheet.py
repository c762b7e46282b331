"""Cells of CSV files that a spreadsheet may open: none of them runs as a formula, and all come back as they were.

An apostrophe is put before what a spreadsheet would take for a formula: at the start of a
cell, whatever invisible or blank characters come first, and after a mark at which a program
that expects other delimiters would part the cell. `unescaped` takes exactly these away.
The two patterns are written so that Python and the script of the worklist read them alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_BREAKS = "\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029"
_MARKS = f";|{_BREAKS}"  # where another program may part a cell
_BLANK = (  # what is not seen before a sign: controls, blanks, invisible and directional characters, fillers
    "\x00-\x08\x0e-\x1b\x1f \x7f-\x84\x86-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200f\u202a-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_QUOTES = "\"'"
_EQUALS = "=@＝＠﹦﹫⁼₌"
_PLUS = "+＋﹢⁺₊﬩\\-－﹣⁻₋−"
_BEFORE = f"[{_BLANK}{_QUOTES}]*"
# "; -5" and "; ++" are results and no formulas.
_NO_NUMBER = f"(?![{_PLUS}]*[ 0-9.,]*(?:[{_MARKS}]|(?![\\s\\S])))"
_START = f"(?='*[\\t\\r\\n]|[{_BLANK}{_QUOTES}{_MARKS},]*[{_EQUALS}{_PLUS}])"
_INSIDE = f"(?={_BEFORE}(?:[{_EQUALS}]|[{_PLUS}]{_NO_NUMBER}))"
START = f"^{_START}"
INSIDE = f"([{_MARKS}]){_INSIDE}"

_MAY_BE = re.compile(f"[{_EQUALS}{_PLUS}]|^'*[\\t\\r\\n]")
_ESCAPE = re.compile(START), re.compile(INSIDE)
_UNESCAPE = re.compile(f"^'{_START}"), re.compile(f"([{_MARKS}])'{_INSIDE}")
_QUOTED = re.compile(f"[\",{_BREAKS}]|^'")


def escaped(text: str) -> str:
    """Put an apostrophe before whatever a spreadsheet would run as a formula.

    >>> escaped("=1"), escaped(" +1"), escaped("aniso;=1"), escaped("aniso; 1+"), escaped("9.1")
    ("'=1", "' +1", "aniso;'=1", 'aniso; 1+', '9.1')
    """
    if _MAY_BE.search(text) is None:
        return text
    start, inside = _ESCAPE
    return start.sub("'", inside.sub(r"\1'", text), count=1)


def unescaped(text: str) -> str:
    """Take away the apostrophes of `escaped`."""
    if "'" not in text:
        return text
    start, inside = _UNESCAPE
    return inside.sub(r"\1", start.sub("", text, count=1))


def csv_cell(text: str) -> str:
    """Return a text as a cell of a CSV file, escaped, and quoted where it must be."""
    safe = escaped(text)
    return '"' + safe.replace('"', '""') + '"' if _QUOTED.search(safe) else safe


def csv_line(cells: Iterable[str]) -> str:
    """Return texts as a line of a CSV file."""
    return ",".join(map(csv_cell, cells)) + "\n"
