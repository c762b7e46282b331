"""FHIR: resources and bundles to persons, results, and what carries none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from cbc_screen.ingest.fhir_brief import BundleKinds
from cbc_screen.ingest.fhir_deleted import deleted_keys, deletions_in
from cbc_screen.ingest.fhir_json import (
    DEEPEST,
    READ,
    Document,
    Resource,
    Twice,
    as_json,
    as_object,
    as_text,
    is_sound,
)
from cbc_screen.ingest.fhir_matched import MatchedObservation, PassedOver
from cbc_screen.ingest.fhir_observations import is_answer, results_of, speaks_against
from cbc_screen.ingest.fhir_scope import (
    Member,
    ResourceScope,
    as_person,
    identifiers,
    listed_members,
    unversioned,
)
from cbc_screen.ingest.fhir_sex import sexes_of
from cbc_screen.ingest.fhir_stated import labels, of_patient, stated_specimen
from cbc_screen.ingest.results import Item, NotResults, PlainResult, Stated, StatedPerson
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.vocabulary import Reason

# Stands for the report of a result that was deleted elsewhere: it takes the result back.
_TAKEN_OUT: Resource = {"resourceType": "DiagnosticReport", "status": "entered-in-error"}
_KIND = re.compile("[A-Za-z]{1,40}")
_TOLD = frozenset(("resource", "resourceType"))  # what tells that a resource is not read


Listing = dict[str, list[Member]]  # reports and panels by the key of a result that they list


def note_listing(document: Document, line: int, listing: Listing) -> None:
    """Note a report or panel by itself that takes the results back that it lists: they are on other lines, or in other files."""
    resource = document.resource
    if resource is None or not document.sound or document.kind not in ("DiagnosticReport", "Observation", "Bundle"):
        return
    if document.kind == "Bundle":
        for key in deleted_keys(resource):  # as bulk exports say what was deleted: in a Bundle of its own
            listing.setdefault(key, []).append(Member(line, str(line), _TAKEN_OUT, "DiagnosticReport", ""))
        return
    if speaks_against(resource):
        member, scope = (
            Member(line, str(line), resource, document.kind, _own_key(resource, document.kind)),
            ResourceScope(),
        )
        for reference in listed_members(member):
            if key := scope.key(reference, member.place):
                listing.setdefault(key, []).append(member)


def read_document(
    document: Document,
    line: int,
    content: str,
    listing: Mapping[str, list[Member]] = MappingProxyType({}),
    *,
    entries_are_lines: bool,
    brief: Brief | None = None,
) -> Iterator[Item | PlainResult]:
    """Read a document: a Bundle, or a resource with those it contains; `content` may be "" of a sound one.

    With `brief`, plain results of a Bundle are given in brief.

    `listing` has what takes a result back by itself, on another line or in another file.
    """
    resource = document.resource
    if resource is None or not document.kind or type(resource) is Twice:
        yield RejectedRow(line, Reason.MESSAGE_UNREADABLE, content or as_json(resource))
    elif document.kind == "Bundle":
        place = "" if entries_are_lines else str(line)
        yield from _read_bundle(resource, line, place, content, brief, sound=document.sound)
    elif document.kind == "Parameters" and (entries := list(_parameters(resource))):  # the answer of an operation
        place = "" if entries_are_lines else str(line)
        yield from _read_bundle({"entry": entries}, line, place, content, sound=document.sound)
    elif not document.sound:
        yield RejectedRow(line, Reason.MESSAGE_UNREADABLE, content)
    else:
        key = _own_key(resource, document.kind)
        if document.kind == "Specimen" and key:  # of results on other lines, or in other files
            yield stated_specimen(key, resource, str(line))
        found = _with_contained(Member(line, str(line), resource, document.kind, key, "", content))
        yield from _read_members(found, above=listing.get(key, ()))


class Brief(NamedTuple):
    """How results of a Bundle are given in brief: their kinds, and the text of each entry."""

    kinds: BundleKinds
    texts: list[bytes]


def _read_bundle(
    bundle: Resource, line: int, place: str, content: str, brief: Brief | None = None, *, sound: bool
) -> Iterator[Item | PlainResult]:
    """Read the entries of a Bundle; `place` is where it stands, "" where its entries are the lines.

    Where something in the Bundle cannot be trusted, only the entries that hold it are rejected.
    """
    entries = bundle.get("entry")
    if not entries:
        yield NotResults(line, "Bundle")
        return
    if not isinstance(entries, list):
        yield RejectedRow(line, Reason.MESSAGE_UNREADABLE, content or as_json(bundle))
        return
    found: list[_Found] = []

    def whole(at: int) -> Resource:
        entry = entries[at]
        return entry if isinstance(entry, dict) or brief is None else brief.kinds.entry(brief.texts[at])

    deleted = deletions_in(bundle, entries, whole)
    for number, entry in enumerate(entries, start=1):
        raw = brief.texts[number - 1] if brief is not None else b""
        own_line, own_place = (line, f"{place}.{number}") if place else (number, str(number))
        if number - 1 in deleted.gone:
            found.append(NotResults(own_line, "deleted"))
        elif number - 1 in deleted.unsure:
            found += _read_entry(_in_doubt(whole(number - 1)), own_line, own_place, sound=sound)
        else:
            found += _read_entry(entry, own_line, own_place, raw, sound=sound)
    yield from _read_members(found, tuple(labels(bundle)), kinds=brief.kinds if brief is not None else None)


def _in_doubt(entry: Resource) -> Resource:
    """Return an entry of which it is not known whether it was deleted: nobody knows how far its result has come."""
    resource = entry.get("resource")
    if type(entry) is Twice or type(resource) is not dict or resource.get("resourceType") != "Observation":
        return entry
    return {**entry, "resource": {**resource, "status": "unknown"}}


def _parameters(resource: Resource) -> Iterator[Resource]:
    """Yield what Parameters hold, part by part, as entries of a Bundle."""
    for key in ("parameter", "part"):
        listed = resource.get(key)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict):
                if "resource" in one:
                    yield {"resource": one["resource"]}
                yield from _parameters(one)


_Found = Member | NotResults | RejectedRow


def _read_entry(entry: Any, line: int, place: str, raw: bytes = b"", *, sound: bool) -> list[_Found]:
    """Return the resource of an entry and those it contains, or why there is none."""
    if isinstance(entry, MatchedObservation):  # nothing but an observation
        key, url = entry.key, entry.url
        own = f"Observation/{key}" if key else url
        return [Member(line, place, {}, "Observation", own, url, "", raw, entry)]
    if isinstance(entry, PassedOver):
        return [Member(line, place, {}, entry.kind, entry.key, entry.url)]
    if not isinstance(entry, dict) or not (sound or _is_passed_over(entry) or is_sound(entry, DEEPEST - 2)):
        return [RejectedRow(line, Reason.MESSAGE_UNREADABLE, as_json(entry))]
    resource = entry.get("resource")
    if resource is None:  # a deletion, or a response without a body
        return [NotResults(line, "entry")]
    kind = as_text(as_object(resource).get("resourceType"))
    if not kind:
        return [RejectedRow(line, Reason.MESSAGE_UNREADABLE, as_json(entry))]
    url = as_text(entry.get("fullUrl"))
    return _with_contained(Member(line, place, resource, kind, _own_key(resource, kind) or url, url, raw=raw))


def _is_passed_over(entry: Resource) -> bool:
    """Tell whether an entry is known to be none that is read: what else is within it is nobody's business."""
    resource = entry.get("resource")
    if not isinstance(resource, dict) or as_text(resource.get("resourceType")) in {*READ, ""}:
        return False
    doubled = set[str]()
    for one in (entry, resource):
        if isinstance(one, Twice):
            doubled |= one.keys_twice
    return "contained" not in resource and doubled.isdisjoint(_TOLD)


def _own_key(resource: Resource, kind: str) -> str:
    name = as_text(resource.get("id"))
    return f"{kind}/{name}" if name else ""


def _with_contained(member: Member) -> list[_Found]:
    """Return a resource and those it contains."""
    contained = member.resource.get("contained")
    if not contained:
        return [member]
    found: list[_Found] = [member]
    for resource in contained if isinstance(contained, list) else [contained]:
        kind = as_text(as_object(resource).get("resourceType"))
        if not kind:
            found.append(RejectedRow(member.line, Reason.MESSAGE_UNREADABLE, as_json(resource)))
            continue
        name = as_text(resource.get("id")).removeprefix("#")
        key = f"line {member.place}#{name}" if name else ""
        found.append(Member(member.line, member.place, resource, kind, key))
    return found


def _read_members(
    found: list[_Found], stated: Stated = (), above: Sequence[Member] = (), kinds: BundleKinds | None = None
) -> Iterator[Item | PlainResult]:
    """Read members of one scope; `above` is what lists the first of them elsewhere."""
    scope = ResourceScope(stated=stated)
    scope.add(each for each in found if isinstance(each, Member))
    if above and isinstance(found[0], Member):
        scope.parents.setdefault(found[0].key, []).extend(above)
    for each in found:
        if not isinstance(each, Member):
            yield each
        elif kinds is not None and (plain := each.found or kinds.matched(each)) is not None:
            own = kinds.read(each, plain, scope)
            if own is not None:
                yield own
            else:
                yield from kinds.carefully(each, scope)
        elif each.kind == "Observation" and is_answer(each.resource):
            yield NotResults(each.line, "answer")
        elif each.kind == "Observation":
            results = results_of(each, scope)
            yield from kinds.brief(each, results) if kinds is not None and each.raw else results
        elif each.kind == "Patient":
            yield from _persons(each)
        elif each.kind == "Bundle":
            yield from _read_bundle(each.resource, each.line, each.place, "", sound=True)
        else:
            yield NotResults(each.line, each.kind if _KIND.fullmatch(each.kind) else "unknown")


def _persons(member: Member) -> Iterator[Item]:
    """Yield a person, under each key that a reference may come to."""
    named = tuple(key for key in (as_person(member.url), *identifiers(member.resource)) if key)
    keys = [key for key in dict.fromkeys((member.key, unversioned(member.url))) if key]
    birth_date, sexes = as_text(member.resource.get("birthDate")), sexes_of(member.resource)
    stated = of_patient(member.resource)
    for key in keys or named[:1]:
        for sex in sexes:  # said one after the other: what differs is unknown
            yield StatedPerson(key, birth_date, sex, aliases=named, stated=stated)
    if not keys and not named:
        yield NotResults(member.line, "Patient")
