"""FHIR: a Bundle parsed entry by entry: of resources that are not read, only what other entries may need is kept.

What is passed over is checked like all else: it is JSON, no key stands twice in it, and it is not too deep. Where
anything is out of the ordinary there is no answer, and the document is parsed as a whole.
"""

from __future__ import annotations

import json
import re
from typing import Any

from cbc_screen.ingest.fhir_json import DEEPEST, Document, Parser, Resource
from cbc_screen.ingest.fhir_matched import MatchedObservation
from cbc_screen.ingest.fhir_patterns import Patterns

READ = frozenset(("Observation", "Patient", "Specimen", "DiagnosticReport", "Bundle"))
_START_LETTERS = 65_536  # in which the entries begin
_ENTRIES = re.compile(r'"entry"[ \t\r\n]*:[ \t\r\n]*\[')
_BLANKS = re.compile(r"[ \t\r\n]*")
_TEXT = r'"([^"\\\x00-\x1f]*)"'
_PASSED_OVER = re.compile(
    rf'\{{\s*"fullUrl"\s*:\s*{_TEXT}\s*,\s*"resource"\s*:\s*\{{\s*"resourceType"\s*:\s*"([A-Za-z]+)"\s*,\s*"id"\s*:\s*{_TEXT}'
)
_BLANK_SIGNS = b" \t\r\n"
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_MARK = "\ue000entry "  # stands for an entry while what is around them all is parsed


class EntryParser:
    """Parses Bundles."""

    def __init__(self, parser: Parser, patterns: Patterns) -> None:
        self._parser, self._patterns = parser, patterns
        self._objects: list[Resource] = []
        # Of what is passed over the objects are gathered by C, and their numbers are what C makes of them: a third of
        # the time that pairs of texts take (measured).
        self._gathering = json.JSONDecoder(object_hook=self._objects.append)

    def parse(self, text: str) -> tuple[Document, list[str]] | None:
        """Return a Bundle and the text of each entry; None where it must be parsed as a whole."""
        start = _ENTRIES.search(text, 0, _START_LETTERS)
        if start is None or _MARK in text:
            return None
        place, entries, texts = start.end(), list[Any](), list[str]()
        try:
            while True:
                place = _end_of_blanks(text, place)
                entry, end = self._entry(text, place)
                entries.append(entry)
                texts.append(text[place:end])
                place = _end_of_blanks(text, end)
                if text[place] != ",":
                    break
                place += 1
        except (ValueError, RecursionError, IndexError):
            return None
        marks = [f"{_MARK}{number}" for number in range(len(entries))]
        around = self._parser.parse(f"{text[: start.end()]}{json.dumps(marks)[1:-1]}{text[place:]}")
        if (
            not around.sound
            or around.resource is None
            or around.kind != "Bundle"
            or around.resource.get("entry") != marks
        ):
            return None
        return Document({**around.resource, "entry": entries}, around.kind, True), texts

    def _entry(self, text: str, place: int) -> tuple[Resource | MatchedObservation, int]:
        """Return an entry, or what of it tells it from others, and where it ends; a ValueError where it cannot be trusted."""
        plain = self._patterns.find(text, place)
        if plain is not None:
            return plain, plain.end
        found = _PASSED_OVER.match(text, place)
        if found is not None and found[2] not in READ:
            self._objects.clear()
            end = self._gathering.raw_decode(text, place)[1]
            if self._is_sound(text[place:end].encode()):
                own = {"resourceType": found[2], "id": found[3]}
                return {"fullUrl": found[1], "resource": own}, end
        return self._parser.parse_part(text, place)

    def _is_sound(self, entry: bytes) -> bool:
        """Tell whether an entry has each key once, contains no other resource, and is not nested too deeply."""
        if b"\\" in entry or b'"contained"' in entry:  # a key may be written with escapes
            return False
        objects = self._objects
        # Behind every key stands a colon. Nothing else has one behind a quote but a text that begins with a colon.
        if entry.translate(None, _BLANK_SIGNS).count(b'":') != sum(map(len, objects)):
            return False
        brackets = entry.translate(None, _NO_BRACKETS)
        # Every brace is one of an object, and none stands in a text.
        if not len(objects) == brackets.count(b"{") == brackets.count(b"}"):
            return False
        braces, lists = brackets.translate(None, b"[]"), brackets.count(b"[")
        for depth in range(DEEPEST - 2 - lists):
            if not braces:
                return depth + lists <= DEEPEST - 2
            braces = braces.replace(b"{}", b"")
        return False


def _end_of_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    assert found is not None
    return found.end()
