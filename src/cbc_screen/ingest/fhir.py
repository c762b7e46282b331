"""FHIR as JSON: one resource or Bundle a file, or one a line (NDJSON, as in a bulk export).

DSTU2, STU3, R4, R4B and R5 are read alike. `group` of a result is the key of its specimen
where one is named, else "": an encounter may hold several counts, so results are to be
grouped by person and time of collection first.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from cbc_screen.errors import UsageError
from cbc_screen.ingest.compressed import not_packed, unpacked
from cbc_screen.ingest.results import Code, Item, LabResult, NotResults, Person, ResultStatus
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.vocabulary import Reason

Resource = dict[str, Any]

LONGEST_DOCUMENT = 256 << 20
LONGEST_LINE = 1 << 20
LONGEST_BUNDLE_LINE = 16 << 20
LONGEST_CONTENT = 4096
DEEPEST = 64
START_BYTES = 65_536
_BLOCK = 1 << 20
_MOST_MARKS = 1 << 25  # brackets and commas: two to three times those of a real document of the largest size
_FIRST_LINES = 100  # looked at where the first line of an NDJSON file may be damaged
_HIGHEST_PANEL = 4  # a panel in a panel in a report
_MOST_PARENTS = 100
_MOST_NAMES = 8

_BOM = b"\xef\xbb\xbf"
_UCUM = "http://unitsofmeasure.org"
_CLINICAL_SEX = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
_SURROGATE = re.compile("[\ud800-\udfff]")
_RESOURCE_TYPE = re.compile(rb'"resourceType"\s*:\s*"[A-Za-z]')
_REFERENCE = re.compile(r"(?:https?://.*/)?([A-Z][A-Za-z]{0,39})/([^/?#|\s]+)(?:/_history/[^/]*)?")
_KIND = re.compile("[A-Za-z]{1,40}")

_STATUSES = {
    "final": ResultStatus.FINAL,
    "corrected": ResultStatus.CORRECTED,
    "amended": ResultStatus.AMENDED,
    "preliminary": ResultStatus.PRELIMINARY,
    "registered": ResultStatus.PENDING,
    "cancelled": ResultStatus.CANCELLED,
    "entered-in-error": ResultStatus.DELETED,
}
_NOT_DONE = frozenset(("not-performed", "error", "not-applicable"))
_NORMAL = frozenset(("n", "normal", "normal range"))
_SEXES = {"male-typical": "male", "female-typical": "female"}
_COMPARATORS = frozenset(("<", "<=", ">=", ">"))
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


def looks_like_fhir(start: bytes) -> bool:
    """Tell from the first 64 kB whether a text is FHIR, as one JSON document or as NDJSON."""
    return _begin(start).startswith(b"{") and _RESOURCE_TYPE.search(start[:START_BYTES]) is not None


def _begin(start: bytes) -> bytes:
    return start.removeprefix(_BOM).lstrip()


class FHIRSource:
    """A file of FHIR resources: one JSON document, or one a line."""

    def __init__(self, path: Path) -> None:
        self._path, self._size = path, path.stat().st_size
        self._file: IO[bytes] | None = None
        self._share = 0.0
        self._parser = _Parser()
        self._check_start()
        self._by_line = self._is_by_line()
        self._file = None

    def _check_start(self) -> None:
        try:
            with self._path.open("rb") as file:
                start = _begin(unpacked(file, self._path).read(START_BYTES))
        except (OSError, EOFError, zlib.error):
            problem = not_packed(self._path)
        else:
            problem = _problem_of(start)
        # Outside the except block: nothing of the first error is attached.
        if problem:
            raise UsageError(problem)

    def _is_by_line(self) -> bool:
        """Tell NDJSON from one document: its first line is a whole object, and more lines follow.

        Where the first line is damaged, a later one that is a whole resource tells as much,
        unless all lines together are a document.
        """
        with closing(self._lines()) as numbered:
            lines = (line for _, line in numbered if line.strip())
            first, second = next(lines, b""), next(lines, b"")
            if not second:
                return False
            if self._parser.parse(_decode(first[:LONGEST_BUNDLE_LINE])).resource is not None:
                return True
            whole = any(
                line.startswith(b"{") and self._parser.parse(_decode(line[:LONGEST_LINE])).kind
                for line in chain([second], islice(lines, _FIRST_LINES))
            )
        return whole and not self._is_document()

    def _is_document(self) -> bool:
        try:
            text = _decode(self._whole().removeprefix(_BOM))
        except UsageError:  # too large for a document; damage is met again
            return False
        return self._parser.parse(text).resource is not None

    @property
    def share(self) -> float:
        """How much of the file has been read, 0 to 1."""
        if self._file is not None and not self._file.closed and self._size:
            self._share = min(self._file.tell() / self._size, 1.0)
        return self._share

    def items(self) -> Iterator[Item]:
        """Yield results, persons, what carries no results, and what could not be read, in order.

        `line` is the line of an NDJSON file, or the number of the entry in a document.
        """
        yield from self._read_lines() if self._by_line else self._read_document()
        self._share = 1.0

    def _lines(self) -> Generator[tuple[int, bytes], None, None]:
        """Yield numbered lines; of one that is too long for anything, only its first bytes."""
        number = 0
        try:
            with self._path.open("rb") as self._file:
                raw = unpacked(self._file, self._path)
                while line := raw.readline(LONGEST_BUNDLE_LINE + 1):
                    number += 1
                    yield number, line.removeprefix(_BOM) if number == 1 else line
                    while len(line) > LONGEST_BUNDLE_LINE and not line.endswith(b"\n"):
                        line = raw.readline(LONGEST_BUNDLE_LINE + 1)
            return
        except (OSError, EOFError, zlib.error):
            message = f"the source is cut short or damaged after line {number}"
        raise UsageError(message)

    def _read_lines(self) -> Iterator[Item]:
        for number, line in self._lines():
            if not line.strip():
                continue
            content = _decode(line[: 4 * LONGEST_CONTENT])[:LONGEST_CONTENT]
            if len(line) > LONGEST_BUNDLE_LINE or (len(line) > LONGEST_LINE and b'"Bundle"' not in line):
                yield RejectedRow(number, Reason.OVERSIZE, content)
                continue
            document = self._parser.parse(_decode(line))
            if len(line) > LONGEST_LINE and document.kind != "Bundle":
                yield RejectedRow(number, Reason.OVERSIZE, content)
            else:
                yield from _read(document, number, content, entries_are_lines=False)

    def _read_document(self) -> Iterator[Item]:
        text = _decode(self._whole().removeprefix(_BOM))
        self._share = 1.0
        document = self._parser.parse(text)
        content = "" if document.sound else text[:LONGEST_CONTENT]
        del text  # as large as the file
        yield from _read(document, 1, content, entries_are_lines=True)

    def _whole(self) -> bytes:
        """Read the whole file, unless its objects would not fit into memory."""
        blocks: list[bytes] = []
        length = marks = 0
        problem = ""
        try:
            with self._path.open("rb") as self._file:
                raw = unpacked(self._file, self._path)
                while length <= LONGEST_DOCUMENT and marks <= _MOST_MARKS and (block := raw.read(_BLOCK)):
                    blocks.append(block)
                    length += len(block)
                    marks += block.count(b"{") + block.count(b"[") + block.count(b",")
        except (OSError, EOFError, zlib.error):
            problem = "the source is cut short or damaged"
        if length > LONGEST_DOCUMENT or marks > _MOST_MARKS:
            problem = "the document is too large to be read whole; split the bundle, or export NDJSON"
        if problem:
            raise UsageError(problem)
        return b"".join(blocks)


def _problem_of(start: bytes) -> str:
    """Say why a text that begins like this is not read, or ""."""
    if not start:
        return "the source is empty"
    if start.startswith(b"<"):
        return "FHIR as XML is not read; export it as JSON"
    if not start.startswith(b"{"):
        return "the source is not FHIR: it does not begin with a JSON object; export it as JSON in UTF-8"
    return ""


# Texts to objects


class _Twice(dict[str, Any]):
    """An object with a key given twice: which value is meant is unknown."""


_CONTAINERS = frozenset((dict, list, _Twice))


@dataclass(frozen=True, slots=True)
class _Document:
    """A parsed text: its object, or None; its resource type, or ""; whether all of it can be trusted."""

    resource: Resource | None
    kind: str
    sound: bool


class _Parser:
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
        return _Twice(record)

    def parse(self, text: str) -> _Document:
        """Parse a text."""
        self._twice = False
        try:
            resource = self._decoder.decode(text)
        except (ValueError, RecursionError):
            resource = None
        if not isinstance(resource, dict):
            return _Document(None, "", False)
        # Most texts have too few brackets to be too deep.
        sound = not self._twice and (text.count("{") + text.count("[") <= DEEPEST or _is_sound(resource, DEEPEST))
        return _Document(resource, _text(resource.get("resourceType")), sound)


def _is_sound(resource: Resource, deepest: int) -> bool:
    """Tell whether no object in a resource has a key twice, and it is not too deep."""
    level: list[Any] = [resource]
    for _ in range(deepest):
        if _Twice in set(map(type, level)):
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


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()


def _text(value: Any) -> str:
    """Return a text, or "" for anything else; lone surrogates cost themselves only."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def _dict(value: Any) -> Resource:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[Resource]:
    """Return the objects of a list, or of an element that a release of FHIR has once and another in a list."""
    if isinstance(value, list):
        return [element for element in value if isinstance(element, dict)]
    return [value] if isinstance(value, dict) else []


def _json(value: Any) -> str:
    """Write compact JSON, cut at the longest content; numbers are written as the texts they were kept as."""
    try:
        return _text(_ENCODER.encode(value)[:LONGEST_CONTENT])
    except (ValueError, RecursionError):
        return ""


# Documents to resources


@dataclass(frozen=True, slots=True)
class _Member:
    """A resource and where it stands: as an entry, contained in another, or by itself.

    `place` is the line with the numbers of the entries within it: "#p1" names another person
    in each entry.
    """

    line: int
    place: str
    resource: Resource
    kind: str
    key: str
    url: str = ""
    content: str = ""


@dataclass(slots=True)
class _Scope:
    """What the resources of one Bundle, or of one resource and those it contains, say of one another."""

    keys: dict[str, str] = field(default_factory=dict)  # by full URL; "" where it stands for two resources
    specimens: dict[str, list[Resource]] = field(default_factory=dict)
    parents: dict[str, list[_Member]] = field(default_factory=dict)  # reports and panels that list a resource

    def add(self, members: Iterable[_Member]) -> None:
        """Learn what is there before anything is read: the order of entries has no meaning."""
        listing = []
        for member in members:
            if member.url and self.keys.setdefault(member.url, member.key) != member.key:
                self.keys[member.url] = ""
            if member.kind == "Specimen" and member.key:
                self.specimens.setdefault(member.key, []).append(member.resource)
            elif member.kind in ("DiagnosticReport", "Observation"):
                listing.append(member)
        for member in listing:
            for reference in _listed(member):
                self.parents.setdefault(self.key(reference, member.place), []).append(member)

    def key(self, reference: Resource, place: str) -> str:
        """Return one key for every way to refer to the same resource; "" for no reference."""
        text = _text(reference.get("reference"))
        if text.startswith("#"):
            return f"line {place}{text}"
        if text:
            return self.keys.get(text) or _shortened(text)
        identifier = _dict(reference.get("identifier"))
        value, system = _text(identifier.get("value")), _text(identifier.get("system"))
        # With its system: the same number is another person in another hospital.
        return f"identifier {system}|{value}" if value and system else f"identifier {value}" if value else ""

    def above(self, member: _Member) -> Iterator[list[_Member]]:
        """Yield the reports and panels that list a resource, then those that list these, and so on."""
        level = [member]
        for _ in range(_HIGHEST_PANEL):
            parents = (parent for child in level if child.key for parent in self.parents.get(child.key, ()))
            level = list(islice(parents, _MOST_PARENTS))
            if not level:
                return
            yield level

    def inherited(self, member: _Member, read: Callable[[_Member], str]) -> str:
        """Return what the nearest reports that list a resource say, else the panels; "" if they differ."""
        for level in self.above(member):
            for kind in ("DiagnosticReport", "Observation"):
                found = {text for parent in level if parent.kind == kind and (text := read(parent))}
                if found:
                    return _only(found)
        return ""


def _shortened(reference: str) -> str:
    """Return "Patient/x" of a URL that ends so, with or without a version; any other reference as it is."""
    match = _REFERENCE.fullmatch(reference)
    return f"{match[1]}/{match[2]}" if match else reference


def _only(texts: Iterable[str]) -> str:
    """Return the one text there is; "" where there is none, or they differ."""
    found = set(texts)
    return found.pop() if len(found) == 1 else ""


def _joined(texts: Iterable[str]) -> str:
    """Return different texts as one: any of them may hold the word that counts, such as "urine"."""
    return "; ".join(islice(dict.fromkeys(filter(None, texts)), _MOST_NAMES))


def _listed(member: _Member) -> list[Resource]:
    """Return the references to the results of a report, or to the members of a panel."""
    resource = member.resource
    if member.kind == "DiagnosticReport":
        return _dicts(resource.get("result"))
    related = [one for one in _dicts(resource.get("related")) if one.get("type") == "has-member"]  # until STU3
    return _dicts(resource.get("hasMember")) + [_dict(one.get("target")) for one in related]


def _read(document: _Document, line: int, content: str, *, entries_are_lines: bool) -> Iterator[Item]:
    """Read a document: a Bundle, or a resource with those it contains; `content` may be "" of a sound one."""
    resource = document.resource
    if resource is None or not document.kind or type(resource) is _Twice:
        yield RejectedRow(line, Reason.MESSAGE_UNREADABLE, content or _json(resource))
    elif document.kind == "Bundle":
        place = "" if entries_are_lines else str(line)
        yield from _read_bundle(resource, line, place, content, sound=document.sound)
    elif not document.sound:
        yield RejectedRow(line, Reason.MESSAGE_UNREADABLE, content)
    else:
        key = _own_key(resource, document.kind)
        yield from _read_members(_with_contained(_Member(line, str(line), resource, document.kind, key, "", content)))


def _read_bundle(bundle: Resource, line: int, place: str, content: str, *, sound: bool) -> Iterator[Item]:
    """Read the entries of a Bundle; `place` is where it stands, "" where its entries are the lines.

    Where something in the Bundle cannot be trusted, only the entries that hold it are rejected.
    """
    entries = bundle.get("entry")
    if not entries:
        yield NotResults(line, "Bundle")
        return
    if not isinstance(entries, list):
        yield RejectedRow(line, Reason.MESSAGE_UNREADABLE, content or _json(bundle))
        return
    found: list[_Found] = []
    for number, entry in enumerate(entries, start=1):
        if place:
            found += _read_entry(entry, line, f"{place}.{number}", sound=sound)
        else:
            found += _read_entry(entry, number, str(number), sound=sound)
    yield from _read_members(found)


_Found = _Member | NotResults | RejectedRow


def _read_entry(entry: Any, line: int, place: str, *, sound: bool) -> list[_Found]:
    """Return the resource of an entry and those it contains, or why there is none."""
    if not isinstance(entry, dict) or not (sound or _is_sound(entry, DEEPEST - 2)):
        return [RejectedRow(line, Reason.MESSAGE_UNREADABLE, _json(entry))]
    resource = entry.get("resource")
    if resource is None:  # a deletion, or a response without a body
        return [NotResults(line, "entry")]
    kind = _text(_dict(resource).get("resourceType"))
    if not kind:
        return [RejectedRow(line, Reason.MESSAGE_UNREADABLE, _json(entry))]
    url = _text(entry.get("fullUrl"))
    return _with_contained(_Member(line, place, resource, kind, _own_key(resource, kind) or url, url))


def _own_key(resource: Resource, kind: str) -> str:
    name = _text(resource.get("id"))
    return f"{kind}/{name}" if name else ""


def _with_contained(member: _Member) -> list[_Found]:
    """Return a resource and those it contains."""
    contained = member.resource.get("contained")
    if not contained:
        return [member]
    found: list[_Found] = [member]
    for resource in contained if isinstance(contained, list) else [contained]:
        kind = _text(_dict(resource).get("resourceType"))
        if not kind:
            found.append(RejectedRow(member.line, Reason.MESSAGE_UNREADABLE, _json(resource)))
            continue
        name = _text(resource.get("id")).removeprefix("#")
        key = f"line {member.place}#{name}" if name else ""
        found.append(_Member(member.line, member.place, resource, kind, key))
    return found


def _read_members(found: list[_Found]) -> Iterator[Item]:
    scope = _Scope()
    scope.add(each for each in found if isinstance(each, _Member))
    for each in found:
        if not isinstance(each, _Member):
            yield each
        elif each.kind == "Observation":
            yield from _results(each, scope)
        elif each.kind == "Patient":
            yield from _persons(each)
        elif each.kind == "Bundle":
            yield from _read_bundle(each.resource, each.line, each.place, "", sound=True)
        else:
            yield NotResults(each.line, each.kind if _KIND.fullmatch(each.kind) else "unknown")


# Resources to items


def _persons(member: _Member) -> Iterator[Item]:
    """Yield a person, under each key that a reference may come to."""
    keys = [key for key in dict.fromkeys((member.key, _shortened(member.url))) if key]
    for key in keys:
        yield Person(key, _text(member.resource.get("birthDate")), _sex(member.resource))
    if not keys:
        yield NotResults(member.line, "Patient")


def _sex(patient: Resource) -> str:
    """Return the sex whose ranges are to be used, if the record says; else the gender."""
    stated = [one for one in _dicts(patient.get("extension")) if one.get("url") == _CLINICAL_SEX]
    if not stated:
        return _text(patient.get("gender"))
    values = [part for one in stated for part in _dicts(one.get("extension")) if part.get("url") == "value"]
    concepts = [_dict(part.get("valueCodeableConcept")) for part in values]
    codes = {_text(coding.get("code")) for concept in concepts for coding in _dicts(concept.get("coding"))}
    return _SEXES.get(_only(codes), "unknown")


@dataclass(frozen=True, slots=True)
class _Common:
    """What the value and the components of an observation have in common."""

    line: int
    person: str
    group: str
    collected_at: str
    specimen: str
    panel: str
    status: ResultStatus
    notes: tuple[str, ...]
    content: str


def _results(member: _Member, scope: _Scope) -> Iterator[Item]:
    """Yield the result of an observation, and one for each of its components."""
    resource = member.resource
    parts = _dicts(resource.get("component"))
    if _value_names(resource) or resource.get("dataAbsentReason"):
        parts.insert(0, resource)
    elif not parts and _listed(member):
        yield NotResults(member.line, "panel")
        return
    elif not parts:  # cancelled or deleted, perhaps; the status says
        parts.append(resource)
    common = _common(member, scope)
    for part in parts:
        yield _result(part, common)


def _common(member: _Member, scope: _Scope) -> _Common:
    resource = member.resource
    person, collected_at = _person(member, scope), _collected_at(member, scope)
    group, specimen = _specimen(member, scope)
    panel = ""
    if scope.parents:
        panel = _joined(_concept_text(one.resource.get("code")) for level in scope.above(member) for one in level)
        if not person and not resource.get("focus"):
            person = scope.inherited(member, lambda parent: _person(parent, scope))
        if not collected_at:
            collected_at = scope.inherited(member, lambda parent: _collected_at(parent, scope))
    status = _STATUSES.get(_text(resource.get("status")), ResultStatus.OTHER)
    if resource.get("modifierExtension") and status is not ResultStatus.DELETED:
        status = ResultStatus.OTHER  # it may say that nothing here means what it seems to
    content = member.content or _json(resource)
    return _Common(member.line, person, group, collected_at, specimen, panel, status, _notes(resource), content)


def _result(part: Resource, common: _Common) -> LabResult:
    value, unit = _value(part)
    lower, upper, range_text = _limits(part)
    return LabResult(
        line=common.line,
        person=common.person,
        group=common.group,
        collected_at=common.collected_at,
        codes=_codes(_dict(part.get("code"))),
        value=value,
        unit=unit,
        specimen=common.specimen,
        panel=common.panel,
        lower=lower,
        upper=upper,
        range_text=range_text,
        status=_status(part, common.status),
        notes=common.notes,
        content=common.content,
    )


def _person(member: _Member, scope: _Scope) -> str:
    """Return the key of whom an observation or a report is about."""
    focus = member.resource.get("focus")
    if focus and member.kind == "Observation":  # an unborn child or a donor, in the subject's record
        return _only(scope.key(reference, member.place) for reference in _dicts(focus))
    return scope.key(_dict(member.resource.get("subject")), member.place)


def _collected_at(member: _Member, scope: _Scope) -> str:
    """Return when the specimen was taken; `issued` is when the result was given out."""
    resource = member.resource
    own = (
        _text(resource.get("effectiveDateTime"))
        or _text(_dict(resource.get("effectivePeriod")).get("start"))
        or _text(resource.get("effectiveInstant"))
    )
    if own or not scope.specimens:
        return own
    key = scope.key(_dict(resource.get("specimen")), member.place)
    collections = [_dict(specimen.get("collection")) for specimen in scope.specimens.get(key, [])[:_MOST_PARENTS]]
    times = (
        _text(one.get("collectedDateTime")) or _text(_dict(one.get("collectedPeriod")).get("start"))
        for one in collections
    )
    return _only(filter(None, times))


def _specimen(member: _Member, scope: _Scope) -> tuple[str, str]:
    """Return the key of the specimen and all that names it; of the panel's where the observation has none."""
    holders = [member]
    if not member.resource.get("specimen") and member.key in scope.parents:
        panels = (one for one in scope.parents[member.key] if one.kind == "Observation")
        holders = list(islice(panels, _MOST_PARENTS))
    references = [(_dict(one.resource.get("specimen")), one.place) for one in holders]
    named = {(scope.key(reference, place), _text(reference.get("display"))) for reference, place in references}
    if len(named) != 1:
        return "", ""
    key, display = named.pop()
    types = (_concept_text(one.get("type")) for one in scope.specimens.get(key, [])[:_MOST_PARENTS])
    return key, _joined([display, *types])


def _status(part: Resource, status: ResultStatus) -> ResultStatus:
    """Return how far the result or component has come; a deletion stays one."""
    if status is ResultStatus.DELETED:
        return status
    if part.get("modifierExtension"):
        return ResultStatus.OTHER
    reason = part.get("dataAbsentReason")
    if reason and any(_text(coding.get("code")) in _NOT_DONE for coding in _dicts(_dict(reason).get("coding"))):
        return ResultStatus.CANCELLED
    return status


def _notes(resource: Resource) -> tuple[str, ...]:
    texts = [_text(note.get("text")) for note in _dicts(resource.get("note"))]
    texts += [_text(resource.get("comment")), _text(resource.get("comments"))]  # STU3, DSTU2
    return tuple(text for text in texts if text)


def _codes(concept: Resource) -> tuple[Code, ...]:
    codings = concept.get("coding")
    if codings:
        texts = [
            (_text(one.get("code")), _text(one.get("display")), _text(one.get("system"))) for one in _dicts(codings)
        ]
        if found := tuple(Code(*three) for three in texts if any(three)):
            return found
    text = _text(concept.get("text"))
    return (Code("", text, ""),) if text else ()


def _concept_text(concept: Any) -> str:
    """Return the text of a concept, else the name or the code of its first coding."""
    coding = next(iter(_dicts(_dict(concept).get("coding"))), {})
    return _text(_dict(concept).get("text")) or _text(coding.get("display")) or _text(coding.get("code"))


# Values, units and limits


def _value_names(part: Resource) -> list[str]:
    return [name for name in part if name.startswith("value") and part[name] is not None]


def _value(part: Resource) -> tuple[str, str]:
    """Return a value and its unit; what has no form as a text is given as JSON, which is no number."""
    names = _value_names(part)
    if len(names) > 1:  # which is meant is unknown
        return _json({name: part[name] for name in names}), ""
    if not names:
        return "", ""
    value = part[names[0]]
    if isinstance(value, bool):
        return str(value).lower(), ""
    if isinstance(value, str) and names[0] not in _READERS:
        return _text(value), ""
    read = _READERS.get(names[0])
    found = read(value) if read is not None and isinstance(value, dict) else None
    return found or (_json(value), "")


def _quantity(quantity: Resource) -> tuple[str, str] | None:
    """Return an amount and its unit, or None for an element of a wrong type."""
    value, comparator = quantity.get("value", ""), quantity.get("comparator", "")
    if not isinstance(value, str) or not isinstance(comparator, str):
        return None
    if comparator and comparator not in _COMPARATORS:
        comparator = f"{comparator} "
    return _text(comparator + value), _unit(quantity)


def _unit(quantity: Resource) -> str:
    """Return the UCUM code, which is written one way; the unit as shown where there is none, or only "1".

    A fraction has the code "1" whether it is shown as "L/L" or in another way.
    """
    unit, code = _text(quantity.get("unit")), _text(quantity.get("code"))
    if code and quantity.get("system") == _UCUM and not (code == "1" and unit):
        return code
    return unit or code


def _concept(concept: Resource) -> tuple[str, str]:
    return _concept_text(concept), ""


def _range(value: Resource) -> tuple[str, str] | None:
    low, high = _quantity(_dict(value.get("low"))), _quantity(_dict(value.get("high")))
    if low is None or high is None or (low[1] and high[1] and low[1] != high[1]):
        return None
    if low[0] and high[0]:
        return f"{low[0]}-{high[0]}", low[1] or high[1]
    return (f">={low[0]}", low[1]) if low[0] else (f"<={high[0]}" if high[0] else "", high[1])


def _ratio(value: Resource) -> tuple[str, str] | None:
    above, below = _quantity(_dict(value.get("numerator"))), _quantity(_dict(value.get("denominator")))
    return None if above is None or below is None else (f"{above[0]}:{below[0]}", "")


_READERS: dict[str, Callable[[Resource], tuple[str, str] | None]] = {
    "valueQuantity": _quantity,
    "valueCodeableConcept": _concept,
    "valueRange": _range,
    "valueRatio": _ratio,
}


def _limits(part: Resource) -> tuple[str, str, str]:
    """Return the limits, or the text, of the one range that is for everybody.

    Ranges of another kind (critical, therapeutic) are passed over. With one for some people
    only, or in another unit than the value, no limits are given.
    """
    plain = []
    for limits in _dicts(part.get("referenceRange")):
        if not all(map(_is_normal, _dicts(limits.get("type")) + _dicts(limits.get("meaning")))):
            continue
        narrowed = limits.get("age") or limits.get("modifierExtension")
        if narrowed or not all(map(_is_normal, _dicts(limits.get("appliesTo")))):
            return "", "", ""
        plain.append(limits)
    if len(plain) != 1:
        return "", "", ""
    low, high = _dict(plain[0].get("low")), _dict(plain[0].get("high"))
    if not low and not high:
        return "", "", _text(plain[0].get("text"))
    value = _dict(part.get("valueQuantity"))
    ends = _quantity(low), _quantity(high)
    if ends[0] is None or ends[1] is None or not (_same_unit(low, value) and _same_unit(high, value)):
        return "", "", ""
    return ends[0][0], ends[1][0], ""


def _is_normal(concept: Resource) -> bool:
    texts = [concept.get("text")]
    for coding in _dicts(concept.get("coding")):
        texts += [coding.get("code"), coding.get("display")]
    return any(_text(text).lower() in _NORMAL for text in texts)


def _same_unit(limit: Resource, value: Resource) -> bool:
    """Tell whether a limit is in the unit of the value, or has none of its own."""
    unit = _unit(limit)
    if not unit or unit == _unit(value):
        return True
    both_coded = bool(limit.get("code") and value.get("code"))
    return not both_coded and bool(limit.get("unit")) and limit.get("unit") == value.get("unit")
