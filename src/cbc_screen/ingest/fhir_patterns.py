"""FHIR: lines of one observation that differ from one that was read in a few texts alone, and so need not be parsed.

A line that was read the careful way gives a pattern: everything in it as it is, but for the texts and the number at
known paths. A text stands there for any other without a quote, a backslash or a control character, a number for another
number, so that a line which matches is the same JSON with other leaves: the results differ in nothing but these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from cbc_screen.ingest.fhir_json import Resource, decoded
from cbc_screen.ingest.fhir_scope import Member, as_person
from cbc_screen.ingest.results import PLAIN_NUMBER, LabResult, PlainResult, ResultKind
from cbc_screen.ingest.source import LONGEST_CONTENT

LONGEST_LINE = 1 << 16
KEPT_BYTES = 4 * LONGEST_CONTENT  # of a line, as its content
_MOST, _MOST_ALIKE = 2_000, 24
_FREELY = 200  # patterns are learned, and then as long as lines match them
_PATH = tuple[str, ...]
_ANY = rb'[^"\\\x00-\x1f]*'
_ID = rb"[A-Za-z0-9.\-]{1,64}"
_DAY = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]{5,18}(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
_NUMBER = rb"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?"
_PERSONS = (
    rb"(?:https?://[A-Za-z0-9.:/_-]+/)?Patient/" + _ID,
    rb"urn:uuid:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
)
_ID_AT, _PERSON_AT, _TIME_AT, _SPECIMEN_AT = (
    ("id",),
    ("subject", "reference"),
    ("effectiveDateTime",),
    ("specimen", "reference"),
)
_VALUE_AT = ("valueQuantity", "value")
_READ: Mapping[_PATH, tuple[bytes, ...]] = {
    _ID_AT: (_ID,),
    _PERSON_AT: _PERSONS,
    _TIME_AT: (_DAY,),
    _SPECIMEN_AT: (rb"Specimen/" + _ID,),
}
_NEEDED = frozenset((_PERSON_AT, _TIME_AT, _VALUE_AT))
# Nobody reads these of a result that says who it is of and when it was taken.
_PASSED_OVER = frozenset((
    ("meta", "versionId"), ("meta", "lastUpdated"), ("meta", "source"), ("subject", "display"), ("encounter", "reference"),
    ("encounter", "display"), ("context", "reference"), ("issued",), ("performer", "*", "reference"), ("performer", "*", "display"),
    ("basedOn", "*", "reference"), ("basedOn", "*", "display"), ("identifier", "*", "value"),
))  # fmt: skip
# Where one of these stands, more than the texts at known paths decides what a result is.
_NOT_PLAIN = frozenset((
    "component", "focus", "contained", "effectivePeriod", "effectiveTiming", "effectiveInstant", "hasMember", "related",
    "dataAbsentReason",
))  # fmt: skip
_TOKEN = re.compile(rb'"([^"]*)"(\s*:)?|(-?[0-9][0-9.eE+\-]*)')
_CODES = (b'"code":{', b'"code": {')


class _Pattern(NamedTuple):
    """What a line is held against, where its read texts stand among those found, and the kind of its result."""

    match: Any  # of a compiled pattern
    places: tuple[int, int, int, int, int]  # id, person, time, specimen, value; -1 where there is none
    sign: str  # before the value
    kind: ResultKind


def shown(content: bytes) -> str:
    """Return the content of a line."""
    return decoded(content)[:LONGEST_CONTENT]


class LinePatterns:
    """The patterns of a file; `listing` has what is said elsewhere of results, by their keys."""

    def __init__(self, listing: Mapping[str, list[Member]]) -> None:
        self._listing = listing
        self._by_code: dict[bytes, list[_Pattern]] = {}
        self._learned = self._matched = 0
        self._person = lru_cache(maxsize=8_192)(_person_of)

    def read(self, line: bytes, number: int) -> PlainResult | None:
        """Return the result of a line that matches a pattern."""
        patterns = self._by_code.get(_code_of(line))
        if patterns is None or len(line) > LONGEST_LINE:
            return None
        for place, (match, (key, person, time, specimen, value), sign, kind) in enumerate(patterns):
            found = match(line)
            if found is None:
                continue
            if place:  # what was met last is met again
                patterns[0], patterns[place] = patterns[place], patterns[0]
            texts = found.groups()
            if self._listing and key >= 0 and f"Observation/{texts[key].decode()}" in self._listing:
                return None
            self._matched += 1
            group = texts[specimen].decode() if specimen >= 0 else ""
            return PlainResult(
                kind, number, self._person(texts[person]), group, texts[time].decode(), sign + texts[value].decode(),
                line[:KEPT_BYTES],
            )  # fmt: skip
        return None

    def learn(self, line: bytes, number: int, resource: Resource, result: LabResult) -> PlainResult | None:
        """Make a pattern of a line that was read, if it can be one, and return its result in brief."""
        if not self._may_learn(line) or not _NOT_PLAIN.isdisjoint(resource):
            return None
        patterns = self._by_code.setdefault(_code_of(line), [])
        pattern = _pattern_of(line, result) if len(patterns) < _MOST_ALIKE else None
        if pattern is None:
            return None
        self._learned += 1
        patterns.insert(0, pattern)
        plain = self.read(line, number)
        if plain is None or plain.whole() != result:  # something of it is said elsewhere
            patterns.remove(pattern)
            return None
        return plain

    def _may_learn(self, line: bytes) -> bool:
        """Tell whether a pattern is worth its making: not where every line is of a kind of its own."""
        if self._learned >= _MOST or (self._learned >= _FREELY and self._matched < 4 * self._learned):
            return False
        return len(line) <= LONGEST_LINE and b"\\" not in line


def _code_of(line: bytes) -> bytes:
    """Return some of what is measured, by which patterns are found; any bytes would do."""
    for start in _CODES:
        place = line.find(start)
        if place >= 0:
            return line[place : line.find(b"]", place)]
    return b""


def _person_of(reference: bytes) -> str:
    return as_person(reference.decode())


def _pattern_of(line: bytes, result: LabResult) -> _Pattern | None:
    """Make the pattern of a line without backslashes."""
    tokens = [token for token in _TOKEN.finditer(line) if token[2] is None]
    paths = _paths(line, tokens)
    parts, places, sign, end, found = [b""], dict[_PATH, int](), None, 0, 0
    for token, path in zip(tokens, paths, strict=True):
        is_number = token[3] is not None
        free = _free(path, token[3] if is_number else token[1], is_number=is_number)
        if not free:
            continue
        start, stop = token.span(3) if is_number else token.span(1)
        parts[-1] += re.escape(line[end:start])
        end = stop
        if path in _PASSED_OVER:
            parts.append(free)
        else:
            parts.append(b"(" + free + b")")
            places[path], found = found, found + 1
        if path == _VALUE_AT:
            sign = result.value.removesuffix(token[3].decode())
        parts.append(b"")
    parts[-1] += re.escape(line[end:])
    if not places.keys() >= _NEEDED or sign is None or PLAIN_NUMBER.fullmatch(result.value) is None:
        return None
    common = replace(result, line=0, person="", group="", collected_at="", value="", content="")
    own = tuple(places.get(path, -1) for path in (_ID_AT, _PERSON_AT, _TIME_AT, _SPECIMEN_AT, _VALUE_AT))
    return _Pattern(re.compile(b"".join(parts)).fullmatch, own, sign, ResultKind(common, shown))  # type: ignore[arg-type]


def _free(path: _PATH, text: bytes, *, is_number: bool) -> bytes:
    """Return what may stand at a path in place of what stands there; b"" where nothing else may."""
    if is_number:
        return _NUMBER if path == _VALUE_AT and re.fullmatch(_NUMBER, text) else b""
    if path in _PASSED_OVER:
        return _ANY
    return next((form for form in _READ.get(path, ()) if re.fullmatch(form, text)), b"")


def _paths(line: bytes, tokens: list[re.Match[bytes]]) -> list[_PATH]:
    """Return the path of each text and number of a line: each is replaced by its own number, and looked for in what is parsed."""
    parts, end = [], 0
    for number, token in enumerate(tokens):
        parts += [line[end : token.start()], b'"%d"' % number]
        end = token.end()
    marked = json.loads(b"".join([*parts, line[end:]]).decode("utf-8", "replace"))
    found: dict[int, _PATH] = {int(leaf): path for path, leaf in _leaves(marked, ()) if isinstance(leaf, str)}
    return [found[number] for number in range(len(tokens))]


def _leaves(value: Any, path: _PATH) -> Iterator[tuple[_PATH, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child, (*path, "*"))
    else:
        yield path, value
