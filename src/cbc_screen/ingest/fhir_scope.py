"""FHIR: what resources of one bundle say of each other, by reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote

from msgspec import Struct

from cbc_screen.ingest.fhir_json import Resource, as_object, as_objects, as_text
from cbc_screen.ingest.fhir_matched import MatchedObservation
from cbc_screen.ingest.results import Stated

_HIGHEST_PANEL = 4  # a panel in a panel in a report
MOST_PARENTS = 100
_REFERENCE = re.compile(r"((?:https?://.*/)?)([A-Z][A-Za-z]{0,39}/[^/?#|\s]+)(?:/_history/[^/]*)?")
_UUID = re.compile(r"urn:uuid:([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})")
_CONDITIONAL = re.compile(r"Patient\?identifier=([^&]+)")


class Member(Struct, frozen=True, gc=False):
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
    raw: bytes = b""  # its entry as received, where its result may be given in brief
    found: MatchedObservation | None = None  # what tells it from others of its pattern; it was not parsed then


@dataclass(slots=True)
class ResourceScope:
    """What the resources of one Bundle, or of one resource and those it contains, say of one another."""

    keys: dict[str, str] = field(default_factory=dict)  # by full URL; "" where it stands for two resources
    addresses: dict[str, str] = field(default_factory=dict)  # the first full URL of each resource, by its key
    other_addresses: dict[str, list[str]] = field(default_factory=dict)  # those of resources that have several
    people: dict[str, str] = field(default_factory=dict)  # by identifier; "" where it stands for two persons
    kinds: dict[str, str] = field(default_factory=dict)  # the type of each resource, by its key
    stated: Stated = ()  # what is said of all of them, as by the labels of their bundle
    specimens: dict[str, list[Resource]] = field(default_factory=dict)
    parents: dict[str, list[Member]] = field(default_factory=dict)  # reports and panels that list a resource

    def add(self, members: Iterable[Member]) -> None:
        """Learn what is there before anything is read: the order of entries has no meaning."""
        listing = []
        for member in members:
            if member.url:
                if self.keys.setdefault(member.url, member.key) != member.key:
                    self.keys[member.url] = ""
                if self.addresses.setdefault(member.key, member.url) != member.url:
                    self.other_addresses.setdefault(member.key, []).append(member.url)
            if member.key:
                self.kinds.setdefault(member.key, member.kind)
            if member.found is not None:  # it lists nothing
                continue
            if member.kind == "Patient":
                for name in identifiers(member.resource):
                    if self.people.setdefault(name, member.key) != member.key:
                        self.people[name] = ""
            elif member.kind == "Specimen" and member.key:
                self.specimens.setdefault(member.key, []).append(member.resource)
            elif member.kind in ("DiagnosticReport", "Observation"):
                listing.append(member)
        for member in listing:
            for reference in listed_members(member):
                self.parents.setdefault(self.key(reference, member.place), []).append(member)

    def person(self, reference: Resource, place: str) -> str:
        """Return the key of a person: Patient/1 of two servers is two persons, unless it is one in this bundle.

        One who is named by an identifier is the person of this bundle who has it.
        """
        key, text = self.key(reference, place), as_text(reference.get("reference"))
        name = _searched(text) or ("" if text else key)
        if name:
            return self.people.get(name) or name
        first = self.addresses.get(key)
        addresses = set() if first is None else set(map(unversioned, (first, *self.other_addresses.get(key, ()))))
        elsewhere = is_absolute(text) and any(map(is_absolute, addresses)) and unversioned(text) not in addresses
        within = text in self.keys or (bool(addresses) and not elsewhere) or text.startswith("#")
        if not within and (named := next(iter(identifiers(reference)), "")) and self.people.get(named):
            return self.people[named]
        return as_person(key if within or not text else text)

    def key(self, reference: Resource, place: str) -> str:
        """Return one key for every way to refer to the same resource; "" for no reference."""
        text = as_text(reference.get("reference"))
        if text.startswith("#"):
            return f"line {place}{text}"
        if text:
            return self.keys.get(text) or shortened(text)
        return next(iter(identifiers(reference)), "")

    def type_of(self, reference: Resource, place: str) -> str:
        """Return the type of the resource that is referred to, as far as it is said or seen; "" if it is not."""
        key = self.key(reference, place)
        if key in self.kinds:
            return self.kinds[key]
        match = _REFERENCE.fullmatch(as_text(reference.get("reference")))
        return as_text(reference.get("type")) or (match[2].partition("/")[0] if match else "")

    def above(self, member: Member) -> Iterator[list[Member]]:
        """Yield the reports and panels that list a resource, then those that list these, and so on."""
        level = [member]
        for _ in range(_HIGHEST_PANEL):
            parents = (parent for child in level if child.key for parent in self.parents.get(child.key, ()))
            level = list(islice(parents, MOST_PARENTS))
            if not level:
                return
            yield level

    def inherited(self, member: Member, read: Callable[[Member], str]) -> str:
        """Return what the nearest reports that list a resource say, else the panels; "" if they differ."""
        for level in self.above(member):
            for kind in ("DiagnosticReport", "Observation"):
                found = {text for parent in level if parent.kind == kind and (text := read(parent))}
                if found:
                    return only_one(found)
        return ""


def shortened(reference: str) -> str:
    """Return "Patient/x" of a URL that ends so, with or without a version; any other reference as it is."""
    match = _REFERENCE.fullmatch(reference)
    return match[2] if match else reference


def unversioned(reference: str) -> str:
    """Return a reference without its version, with the server it names."""
    match = _REFERENCE.fullmatch(reference)
    return f"{match[1]}{match[2]}" if match else reference


def is_absolute(reference: str) -> bool:
    """Tell whether a reference names its server."""
    return reference.startswith(("http://", "https://"))


def as_person(reference: str) -> str:
    """Return one key for every way to refer to a person by address: also the UUID that is the id of the person."""
    uuid = _UUID.fullmatch(reference)
    return f"Patient/{uuid[1]}" if uuid else unversioned(reference)


def identifiers(resource: Resource) -> list[str]:
    """Return a key for each identifier, with its system: the same number is another person in another hospital."""
    pairs = ((as_text(one.get("system")), as_text(one.get("value"))) for one in as_objects(resource.get("identifier")))
    return [f"identifier {system}|{value}" if system else f"identifier {value}" for system, value in pairs if value]


def _searched(reference: str) -> str:
    """Return the key of the identifier that a conditional reference searches for, or ""."""
    found = _CONDITIONAL.fullmatch(reference)
    if found is None:
        return ""
    system, _, value = unquote(found[1]).rpartition("|")
    return f"identifier {system}|{value}" if system else f"identifier {value}"


def only_one(texts: Iterable[str]) -> str:
    """Return the one text there is; "" where there is none, or they differ."""
    found = set(texts)
    return found.pop() if len(found) == 1 else ""


def listed_members(member: Member) -> list[Resource]:
    """Return the references to the results of a report, or to the members of a panel."""
    resource = member.resource
    if member.kind == "DiagnosticReport":
        return as_objects(resource.get("result"))
    related = [one for one in as_objects(resource.get("related")) if one.get("type") == "has-member"]  # until STU3
    return as_objects(resource.get("hasMember")) + [as_object(one.get("target")) for one in related]
