"""The HL7 reader beside python-hl7, which shares nothing with it, on every real message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import hl7

from cbc_screen.ingest.hl7 import HL7Source
from cbc_screen.ingest.results import LabResult

PLAIN = ("NM", "ST")


def messages(path: Path) -> Iterator[str]:
    """Part a file into its result messages, by line, and nothing more."""
    text = path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\r").replace("\n", "\r")
    for part in re.split(r"(?:^|\r)(?=MSH\|)", text):
        header = part.split("\r", 1)[0].split("|")
        if part.startswith("MSH|^~\\&") and len(header) > 8 and header[8].startswith("ORU"):
            yield "\r".join(line for line in part.split("\r") if re.match(r"[A-Z][A-Z0-9]{2}\|", line))


def cell(field: object) -> str:
    """Return the first component of a field."""
    return str(field[0][0] if isinstance(field, hl7.Field) and isinstance(field[0], hl7.Repetition) else field)


def by_library(path: Path) -> list[tuple[str, str, str]]:
    """Return code, value and unit of every plain result that the library reads."""
    found = []
    for text in messages(path):
        message = hl7.parse(text)
        for segment in message.segments("OBX") if "\rOBX|" in text else []:
            fields = [*segment, *[""] * (12 - len(segment))]
            value = str(fields[5])
            plain = str(fields[2]) in PLAIN and value and not set(value) & {"~", "^", "\\", "&"}
            if plain and value != '""' and cell(fields[3]) and str(fields[6]) != '""':
                found.append((cell(fields[3]).strip(), value.strip(), message.unescape(cell(fields[6])).strip()))
    return found


def by_reader(path: Path) -> list[tuple[str, str, str]]:
    results = (item for item in HL7Source(path).items() if isinstance(item, LabResult) and item.codes)
    return [(result.codes[0].code.strip(), result.value, result.unit) for result in results]


def test_every_plain_result_of_every_real_message_is_what_the_library_reads(shared: Path) -> None:
    compared = 0
    for path in sorted((shared / "data/hl7v2_oru").glob("*/*")):
        ours = by_reader(path)
        for code, value, unit in by_library(path):
            units = [found for own, text, found in ours if (own, text) == (code, value)]
            # The caret of 10^9/L is a separator to the library, and a unit may stand in another component.
            same = (found == unit or found.startswith(f"{unit}^") or not unit for found in units)
            assert any(same), (path.name, code, unit, units)
            compared += 1
    assert compared > 200
