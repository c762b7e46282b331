"""Files of a reviewer's answers, CSV or JSON: every line with its number."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cbc_screen.errors import UsageError
from cbc_screen.ingest.fhir_json import Twice
from cbc_screen.labels import OPTIONAL, REQUIRED, LabelFault, RawLine
from cbc_screen.regular import open_regular
from cbc_screen.spreadsheet import unescaped

LARGEST = 1 << 28  # bytes; a million answers are about a third of it
_LONGEST_HEADER = 65_536
_COLUMNS = (*REQUIRED, *OPTIONAL)
_DELIMITERS = (",", ";", "\t")  # a spreadsheet writes the second where the comma is the decimal sign
_EXPECTED = f"a CSV file with the columns {', '.join(REQUIRED)}, or a JSON list of objects with these keys"


def read_label_lines(path: str | Path) -> list[RawLine]:
    """Read the lines of a file of answers; a JSON file has a line for each object of its list."""
    text = _text(Path(path))
    return _json_lines(text) if text.lstrip()[:1] in ("[", "{") else _csv_lines(text)


def _text(path: Path) -> str:
    """Return the whole file as text."""
    content: bytes | None = None
    # Raised after the block: the error of the system or of the decoder may quote the file.
    with suppress(OSError, ValueError), open_regular(path) as file:
        content = file.read(LARGEST + 1)
    if content is None:
        raise UsageError(f"the answers {path.name!r} cannot be opened: not there, or not readable; give {_EXPECTED}")
    if len(content) > LARGEST:
        raise UsageError(f"the answers are larger than {LARGEST:,} bytes; give them in parts")
    text: str | None = None
    with suppress(UnicodeDecodeError):
        text = content.decode("utf-8-sig")
    if text is None:
        raise UsageError("the answers are not UTF-8 text; save them as UTF-8")
    return text


def _csv_lines(text: str) -> list[RawLine]:
    # Strict: an open quotation mark would else take the rest of the file into one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    places: dict[str, int] = {}
    lines: list[RawLine] = []
    width, begin, broken = 0, 1, False
    try:
        for cells in reader:
            number, begin = begin, reader.line_num + 1
            if not cells:
                continue  # an empty line
            if not places:
                places, width = _places(cells), len(cells)
            else:
                lines.append(_csv_line(number, cells, places, width))
    except csv.Error:
        broken = True
    if broken:
        raise UsageError(
            f"the answers cannot be read as CSV at line {begin}: a quotation mark out of place or never closed, "
            f"or a cell of more than {csv.field_size_limit():,} characters; mend this line"
        )
    if not places:
        raise UsageError(f"the answers are empty; give {_EXPECTED}")
    return lines


def _delimiter(text: str) -> str:
    """Return the delimiter that stands between the columns of the header."""
    header = text.lstrip("\r\n")[:_LONGEST_HEADER].splitlines()[:1]
    for delimiter in _DELIMITERS:
        if header and set(REQUIRED) <= {name.strip('"') for name in header[0].split(delimiter)}:
            return delimiter
    return _DELIMITERS[0]


def _places(header: Sequence[str]) -> dict[str, int]:
    """Return where the columns are."""
    times = Counter(header)
    missing = [name for name in REQUIRED if name not in times]
    if missing:
        raise UsageError(f"the answers have no column {', '.join(missing)} in their first line; give {_EXPECTED}")
    twice = [name for name in _COLUMNS if times[name] > 1]
    if twice:
        raise UsageError(f"the answers have the column {', '.join(twice)} twice; keep the one that is meant")
    return {name: header.index(name) for name in _COLUMNS if name in times}


def _csv_line(number: int, cells: Sequence[str], places: dict[str, int], width: int) -> RawLine:
    # A spreadsheet may leave out empty cells at the end of a line; one that must be filled is no such cell.
    if len(cells) > width or any(places[name] >= len(cells) for name in REQUIRED):
        return RawLine(number, fault=LabelFault.RAGGED)
    return RawLine(number, {name: unescaped(cells[place]) for name, place in places.items() if place < len(cells)})


def _json_lines(text: str) -> list[RawLine]:
    found: Any = None
    # Numbers stay the texts they are: a row of a million digits is no number to compute with.
    with suppress(ValueError, RecursionError):
        found = json.loads(text, object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=str)
    if isinstance(found, dict) and not isinstance(found, Twice):
        found = found.get("answers")
    if not isinstance(found, list):
        raise UsageError(f'the answers are no JSON that can be used; give {_EXPECTED}, alone or under "answers"')
    return [_json_line(number, entry) for number, entry in enumerate(found, start=1)]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    return record if len(record) == len(pairs) else Twice(record)


def _json_line(number: int, entry: Any) -> RawLine:
    if not isinstance(entry, dict):
        return RawLine(number, fault=LabelFault.NOT_AN_OBJECT)
    if isinstance(entry, Twice):
        return RawLine(number, fault=LabelFault.KEY_TWICE)
    cells = {name: "" if entry.get(name) is None else entry[name] for name in _COLUMNS}
    for name, value in cells.items():
        if not isinstance(value, str):
            return RawLine(number, fault=LabelFault.NOT_A_TEXT, column=name)
    return RawLine(number, cells)
