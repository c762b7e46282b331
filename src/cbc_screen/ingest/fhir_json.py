"""FHIR: JSON with bounds, its numbers as they are written, and parts of it by type."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cbc_screen.ingest.source import LONGEST_CONTENT

Resource = dict[str, Any]
DEEPEST = 64
MOST_MARKS = 1 << 25  # brackets and commas: two to three times those of a real document of the largest size
_MOST_NAMES = 8
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


# Types of resources that are read; of others it is only said what they are.
READ = frozenset(("Observation", "Patient", "Specimen", "DiagnosticReport", "Bundle"))


class Twice(dict[str, Any]):
    """An object with keys given twice: which value is meant is unknown."""

    keys_twice: frozenset[str] = frozenset()


_CONTAINERS = frozenset((dict, list, Twice))


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed text: its object, or None; its resource type, or ""; whether all of it can be trusted."""

    resource: Resource | None
    kind: str
    sound: bool


class Parser:
    """Parses texts; numbers stay the texts they are."""

    def __init__(self) -> None:
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_float=str, parse_int=str, parse_constant=str
        )
        self._twice = False

    def _object(self, pairs: list[tuple[str, Any]]) -> Resource:
        record = dict(pairs)
        if len(record) == len(pairs):
            return record
        self._twice = True
        twice = Twice(record)
        twice.keys_twice = frozenset(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        return twice

    def parse_part(self, text: str) -> Resource:
        """Parse an object within a document; a ValueError where it cannot be trusted."""
        self._twice = False
        found = self._decoder.decode(text)
        brackets = text.count("{") + text.count("[")
        if not isinstance(found, dict) or self._twice or not (brackets <= DEEPEST - 2 or is_sound(found, DEEPEST - 2)):
            raise ValueError
        return found

    def parse(self, text: str) -> Document:
        """Parse a text."""
        self._twice = False
        try:
            resource = self._decoder.decode(text)
        except (ValueError, RecursionError):
            resource = None
        if not isinstance(resource, dict):
            return Document(None, "", False)
        # Most texts have too few brackets to be too deep.
        sound = not self._twice and (text.count("{") + text.count("[") <= DEEPEST or is_sound(resource, DEEPEST))
        return Document(resource, as_text(resource.get("resourceType")), sound)


def is_sound(resource: Resource, deepest: int) -> bool:
    """Tell whether no object in a resource has a key twice, and it is not too deep."""
    level: list[Any] = [resource]
    for _ in range(deepest):
        if Twice in set(map(type, level)):
            return False
        level = [
            child
            for parent in level
            for child in (parent if type(parent) is list else parent.values())
            if type(child) in _CONTAINERS
        ]
        if not level:
            return True
    return False


def marks_in(text: bytes) -> int:
    """Count brackets and commas: each may become an object."""
    return text.count(b"{") + text.count(b"[") + text.count(b",")


def decoded(line: bytes) -> str:
    """Return a line as text; bytes that are not UTF-8 become replacement characters."""
    return line.decode("utf-8", "replace").strip()


def as_text(value: Any) -> str:
    """Return a text, or "" for anything else; a lone surrogate becomes a replacement character."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def as_object(value: Any) -> Resource:
    """Return an object, or an empty one where something else stands."""
    return value if isinstance(value, dict) else {}


def as_objects(value: Any) -> list[Resource]:
    """Return the objects of a list, or of an element that a release of FHIR has once and another in a list."""
    if isinstance(value, list):
        return [element for element in value if isinstance(element, dict)]
    return [value] if isinstance(value, dict) else []


def as_json(value: Any) -> str:
    """Write compact JSON, cut at the longest content; numbers are written as the texts they were kept as."""
    try:
        return as_text(_ENCODER.encode(value)[:LONGEST_CONTENT])
    except (ValueError, RecursionError):
        return ""


def joined_texts(texts: Iterable[str]) -> str:
    """Return different texts as one: any of them may hold the word that counts, such as "urine"."""
    return "; ".join(islice(dict.fromkeys(filter(None, texts)), _MOST_NAMES))
