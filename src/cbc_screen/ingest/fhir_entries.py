"""FHIR: a Bundle taken apart into its entries: of resources that are not read, only what other entries may need is kept.

A Bundle of a clinic is for the most part claims and notes. They must be JSON, for what follows them would not be found
otherwise; what is within them is nobody's business. Where anything is out of the ordinary there is no answer, and the document
is parsed as a whole.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cbc_screen.ingest.fhir_json import MOST_MARKS, READ, Document, Parser, Resource, marks_in
from cbc_screen.ingest.fhir_matched import MatchedObservation, PassedOver
from cbc_screen.ingest.fhir_patterns import Patterns

if TYPE_CHECKING:
    import msgspec

_START_BYTES = 65_536  # in which the entries begin
_ENTRIES = re.compile(rb'"entry"[ \t\r\n]*:[ \t\r\n]*\[')
_BLANKS = re.compile(rb"[ \t\r\n]*")
_BETWEEN = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_TEXT = rb'"([^"\\\x00-\x1f]+)"'
_PLAIN = re.compile(
    rb'\{\s*"fullUrl"\s*:\s*%s\s*,\s*"resource"\s*:\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"\s*,\s*"id"\s*:\s*%s'
    % (_TEXT, _TEXT)
)
_RESOURCE = b'"resource'  # begins "resource" and "resourceType", and is in none but those two
_MARK = "\ue000entry "  # stands for an entry while what is around them all is parsed


class EntryParser:
    """Parses Bundles."""

    def __init__(self, parser: Parser, patterns: Patterns) -> None:
        self._parser, self._patterns = parser, patterns
        self._marks = 0

    def parse(self, document: bytes) -> tuple[Document, list[bytes]] | None:
        """Return a Bundle and each of its entries that is read, as received; None where it must be parsed as a whole."""
        spans = spans_of(document)
        if spans is None:
            return None
        self._marks = 0
        texts, entries = [b""] * len(spans.starts), list[Resource | MatchedObservation | PassedOver]()
        may_escape = b"\\" in document
        try:
            for number, (start, end) in enumerate(zip(spans.starts, spans.ends, strict=True)):
                one = passed_over(document, start, end, may_escape=may_escape)
                if one is None:
                    texts[number] = document[start:end]
                    entries.append(self._entry(texts[number]))
                else:
                    entries.append(one)
        except (ValueError, RecursionError):
            return None
        marks = [f"{_MARK}{number}" for number in range(len(entries))]
        before, after = document[: spans.begin].decode(), document[spans.end :].decode()
        around = self._parser.parse(f"{before}{json.dumps(marks)[1:-1]}{after}")
        if (
            not around.sound
            or around.resource is None
            or around.kind != "Bundle"
            or around.resource.get("entry") != marks
        ):
            return None
        return Document({**around.resource, "entry": entries}, around.kind, True), texts

    def _entry(self, text: bytes) -> Resource | MatchedObservation:
        """Return an entry, or what of it tells it from others; a ValueError where it cannot be trusted."""
        letters = text.decode()
        plain = self._patterns.find(letters)
        if plain is not None:
            return plain
        self._marks += marks_in(text)
        if self._marks > MOST_MARKS:
            raise ValueError
        return self._parser.parse_part(letters)


class Spans(NamedTuple):
    """Where the list of entries begins in a document, where each of them stands, and where the last ends."""

    begin: int
    starts: list[int]
    ends: list[int]
    end: int


def spans_of(document: bytes) -> Spans | None:
    """Say where the entries of a Bundle stand; None where that is not plain.

    That the whole is JSON, and how long each entry is, is told by a library written in C, which makes no objects of them: a
    tenth of the time that parsing takes (measured). No entry is copied either.
    """
    import msgspec

    begin = _ENTRIES.search(document, 0, _START_BYTES)
    if begin is None:
        return None
    try:
        if not document.isascii():
            document.decode()  # what is passed over is not looked at for it
        raw = _decoder().decode(document).entry
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    starts, ends, place = list[int](), list[int](), begin.end()
    for text in raw:
        blanks = (_BETWEEN if starts else _BLANKS).match(document, place)
        if blanks is None:
            return None
        starts.append(blanks.end())
        place = blanks.end() + memoryview(text).nbytes
        ends.append(place)
    # Another "entry" than the one that was found may stand deeper, or twice.
    if raw and any(document[starts[at] : ends[at]] != bytes(raw[at]) for at in (0, -1)):
        return None
    return Spans(begin.end(), starts, ends, place)


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    import msgspec

    form = msgspec.defstruct("Entries", [("entry", list[msgspec.Raw])])
    return msgspec.json.Decoder(form)


def passed_over(document: bytes, start: int, end: int, *, may_escape: bool) -> PassedOver | None:
    """Return what an entry is that says once, and plainly, that it is not read, and contains no other resource."""
    found = _PLAIN.match(document, start, end)
    if found is None or (kind := found[2].decode()) in READ:
        return None
    if document.count(_RESOURCE, start, end) != 2 or document.find(b'"contained"', start, end) >= 0:
        return None
    if may_escape and document.find(b"\\u", start, end) >= 0:  # a key may be written with escapes
        return None
    return PassedOver(kind, f"{kind}/{found[3].decode()}", found[1].decode())
