"""FHIR: observations that differ from one that was read in a few texts alone, and so need not be parsed.

An observation that was read the careful way gives a pattern: everything in it as it is, but for the texts and the number
at known paths. A text stands there for any other without a quote, a backslash or a control character, a number for
another number, so that what matches is the same JSON with other leaves: the results differ in nothing but these.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from cbc_screen.ingest.fhir_json import Resource, as_object, decoded
from cbc_screen.ingest.fhir_matched import MatchedObservation, ObservationPattern, TextPlaces
from cbc_screen.ingest.fhir_scope import Member, as_person
from cbc_screen.ingest.results import PLAIN_NUMBER, LabResult, PlainResult, ResultKind
from cbc_screen.ingest.source import LONGEST_CONTENT

LONGEST = 1 << 16  # letters
KEPT_BYTES = 4 * LONGEST_CONTENT  # of a line, as its content
_MOST, _MOST_ALIKE = 2_000, 24
MET_BEFORE = 16  # times; making a pattern takes as long as reading fifty observations
_FREELY = 200  # patterns are learned, and then as long as lines match them
_PATH = tuple[str, ...]
_ANY = r'[^"\\\x00-\x1f]*+'
_ID = r"[A-Za-z0-9.\-]{1,64}"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]{5,18}(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
_NUMBER = r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?"
_PERSONS = (
    r"(?:https?://[A-Za-z0-9.:/_-]+/)?Patient/" + _ID,
    r"urn:uuid:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
)
_ID_AT, _PERSON_AT, _TIME_AT, _SPECIMEN_AT = (
    ("id",),
    ("subject", "reference"),
    ("effectiveDateTime",),
    ("specimen", "reference"),
)
_VALUE_AT, _URL_AT = ("valueQuantity", "value"), ("entry", "fullUrl")
_READ: Mapping[_PATH, tuple[str, ...]] = {
    _ID_AT: (_ID,),
    _PERSON_AT: _PERSONS,
    _TIME_AT: (_DAY,),
    _SPECIMEN_AT: (r"Specimen/" + _ID,),
    _URL_AT: (r"[A-Za-z0-9:/._\-]{1,256}",),
}
_NEEDED = frozenset((_PERSON_AT, _TIME_AT, _VALUE_AT))
# Nobody reads these of a result that says who it is of and when it was taken.
_PASSED_OVER = frozenset((
    ("meta", "versionId"), ("meta", "lastUpdated"), ("meta", "source"), ("subject", "display"), ("encounter", "reference"),
    ("encounter", "display"), ("context", "reference"), ("issued",), ("performer", "*", "reference"), ("performer", "*", "display"),
    ("basedOn", "*", "reference"), ("basedOn", "*", "display"), ("identifier", "*", "value"), ("entry", "request", "url"),
))  # fmt: skip
# Where one of these stands, more than the texts at known paths decides what a result is.
_NOT_PLAIN = frozenset((
    "component", "focus", "contained", "effectivePeriod", "effectiveTiming", "effectiveInstant", "hasMember", "related",
    "dataAbsentReason",
))  # fmt: skip
_TOKEN = re.compile(r'"([^"]*)"(\s*:)?|(-?[0-9][0-9.eE+\-]*)')
_CODES = ('"code":{', '"code": {')
_CODE_WITHIN = 4_096  # letters from the beginning


def shown(content: bytes) -> str:
    """Return the content of a line."""
    return decoded(content)[:LONGEST_CONTENT]


class Patterns:
    """The patterns of a file: of whole resources, or of entries, which have theirs under "resource"."""

    def __init__(self, *, of_entries: bool) -> None:
        self._of_entries = of_entries
        self._by_code: dict[str, list[ObservationPattern]] = {}
        self._met: Counter[str] = Counter()
        self._after: dict[int, ObservationPattern] = {}  # what came after each, by its identity
        self._last = 0
        self._learned = self._matched = 0

    def find(self, text: str) -> MatchedObservation | None:
        """Return what a text is, if it matches a pattern."""
        # A laboratory sends the tests of a count in the same order.
        guess = self._after.get(self._last)
        found = guess.match(text) if guess is not None else None
        if guess is None or found is None:
            guess, found = self._first(text)
            if guess is None or found is None:
                return None
            self._after[self._last] = guess
        self._last = id(guess)
        self._matched += 1
        return MatchedObservation(guess, found.groups())

    def _first(self, text: str) -> tuple[ObservationPattern | None, re.Match[str] | None]:
        """Look for a pattern by what is measured."""
        patterns = self._by_code.get(_code_of(text), [])
        for number, pattern in enumerate(patterns):
            found = pattern.match(text)
            if found is not None:
                if number:  # what was met last is met again
                    patterns[0], patterns[number] = pattern, patterns[0]
                return pattern, found
        return None, None

    def learn(self, text: str, resource: Resource, result: LabResult) -> ObservationPattern | None:
        """Make a pattern of what was read, if it can be one."""
        if not self._may_learn(text) or not _NOT_PLAIN.isdisjoint(resource):
            return None
        if self._of_entries and "specimen" in resource:  # of which other entries tell
            return None
        code = _code_of(text)
        if len(self._met) < _MOST:
            self._met[code] += 1
        if self._met[code] < MET_BEFORE:
            return None
        patterns = self._by_code.setdefault(code, [])
        pattern = _pattern_of(text, resource, result, self._of_entries) if len(patterns) < _MOST_ALIKE else None
        if pattern is not None:
            self._learned += 1
            patterns.insert(0, pattern)
        return pattern

    def forget(self, pattern: ObservationPattern) -> None:
        """Let go of a pattern that does not say what was read."""
        for patterns in self._by_code.values():
            patterns[:] = [one for one in patterns if one is not pattern]
        self._after = {before: one for before, one in self._after.items() if one is not pattern}

    def _may_learn(self, text: str) -> bool:
        """Tell whether a pattern is worth its making: not where every text is of a kind of its own."""
        if self._learned >= _MOST or (self._learned >= _FREELY and self._matched < 4 * self._learned):
            return False
        return len(text) <= LONGEST and "\\" not in text


class LinePatterns:
    """Reads lines by patterns; `listing` has what is said elsewhere of results, by their keys."""

    def __init__(self, listing: Mapping[str, list[Member]]) -> None:
        self._listing, self._patterns = listing, Patterns(of_entries=False)
        self._kinds: dict[int, tuple[ObservationPattern, ResultKind]] = {}  # by the identity of patterns
        self._person = lru_cache(maxsize=8_192)(as_person)

    def read(self, text: str, number: int, line: bytes) -> PlainResult | None:
        """Return the result of a line that matches a pattern."""
        found = self._patterns.find(text)
        if found is None or (self._listing and f"Observation/{found.key}" in self._listing):
            return None
        pattern, texts = found.pattern, found.texts
        own = self._kinds.get(id(pattern))
        if own is None:
            own = self._kinds[id(pattern)] = pattern, ResultKind(pattern.common, shown)
        at = pattern.at
        group = texts[at.specimen] if at.specimen >= 0 else ""
        person = self._person(texts[at.person])
        return PlainResult(own[1], number, person, group, texts[at.time], found.value, line[:KEPT_BYTES])

    def learn(self, text: str, number: int, line: bytes, resource: Resource, result: LabResult) -> PlainResult | None:
        """Make a pattern of a line that was read, if it can be one, and return its result in brief."""
        if f"Observation/{resource.get('id')}" in self._listing:  # something of it is said elsewhere
            return None
        pattern = self._patterns.learn(text, resource, result)
        plain = self.read(text, number, line) if pattern is not None else None
        if pattern is not None and (plain is None or plain.whole() != result):
            self._patterns.forget(pattern)
            return None
        return plain


def _code_of(text: str) -> str:
    """Return some of what is measured, by which patterns are found; any letters would do."""
    for start in _CODES:
        found = text.find(start, 0, _CODE_WITHIN)
        if found >= 0:
            return text[found : text.find("]", found)]
    return ""


def _pattern_of(text: str, resource: Resource, result: LabResult, of_entry: bool) -> ObservationPattern | None:
    """Make the pattern of a text without backslashes."""
    tokens = [token for token in _TOKEN.finditer(text) if token[2] is None]
    parts, places, sign, end = [""], dict[_PATH, int](), None, 0
    for token, path in zip(tokens, _paths(text, tokens, of_entry), strict=True):
        is_number = token[3] is not None
        start, stop = token.span(3) if is_number else token.span(1)
        free = _free(path, text[start:stop], is_number=is_number)
        if not free:
            continue
        parts[-1] += re.escape(text[end:start])
        end = stop
        parts.append(free if path in _PASSED_OVER else f"({free})")
        parts.append("")
        if path not in _PASSED_OVER:
            places[path] = len(places)
        if path == _VALUE_AT:
            sign = result.value.removesuffix(text[start:stop])
    parts[-1] += re.escape(text[end:])
    if not places.keys() >= _NEEDED or sign is None or PLAIN_NUMBER.fullmatch(result.value) is None:
        return None
    common = replace(result, line=0, person="", group="", collected_at="", value="", content="")
    at = TextPlaces(
        *(places.get(path, -1) for path in (_ID_AT, _PERSON_AT, _TIME_AT, _SPECIMEN_AT, _VALUE_AT, _URL_AT))
    )
    return ObservationPattern(
        re.compile("".join(parts)).fullmatch, at, sign, common, as_object(resource.get("subject"))
    )


def _free(path: _PATH, text: str, *, is_number: bool) -> str:
    """Return what may stand at a path in place of what stands there; "" where nothing else may."""
    if is_number:
        return _NUMBER if path == _VALUE_AT and re.fullmatch(_NUMBER, text) else ""
    if path in _PASSED_OVER:
        return _ANY
    return next((form for form in _READ.get(path, ()) if re.fullmatch(form, text)), "")


def _paths(text: str, tokens: list[re.Match[str]], of_entry: bool) -> list[_PATH]:
    """Return the path of each text and number: each is replaced by its own number, and looked for in what is parsed."""
    parts, end = [], 0
    for number, token in enumerate(tokens):
        parts += [text[end : token.start()], f'"{number}"']
        end = token.end()
    marked = json.loads("".join([*parts, text[end:]]))
    found: dict[int, _PATH] = {int(leaf): path for path, leaf in _leaves(marked, ()) if isinstance(leaf, str)}
    if not of_entry:
        return [found[number] for number in range(len(tokens))]
    # Of an entry, the paths within its resource; beside it, its full URL, and what is said of a request.
    own = {number: path[1:] if path[:1] == ("resource",) else ("entry", *path) for number, path in found.items()}
    return [own[number] for number in range(len(tokens))]


def _leaves(value: Any, path: _PATH) -> Iterator[tuple[_PATH, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child, (*path, "*"))
    else:
        yield path, value
