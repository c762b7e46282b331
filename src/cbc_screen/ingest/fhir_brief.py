"""FHIR: results of a Bundle in brief, where they are plain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from cbc_screen.ingest.fhir_json import Parser, Resource, as_json, as_object, as_text
from cbc_screen.ingest.fhir_matched import MatchedObservation, ObservationPattern
from cbc_screen.ingest.fhir_observations import TAKEN_BACK, concept_text, is_answer, results_of
from cbc_screen.ingest.fhir_patterns import Patterns
from cbc_screen.ingest.fhir_scope import Member, ResourceScope
from cbc_screen.ingest.fhir_stated import changes_meaning, labels, notes_of
from cbc_screen.ingest.results import PLAIN_NUMBER, Item, LabResult, PlainResult, ResultKind, is_partial

_MOST_KINDS = 20_000


class BundleKinds:
    """The kinds of results in the Bundles of a file, and the patterns of their observations."""

    def __init__(self) -> None:
        self.patterns = Patterns(of_entries=True)
        self._kinds: dict[tuple[object, ...], ResultKind] = {}
        self._of_patterns: dict[tuple[object, ...], ResultKind | None] = {}
        self._parser = Parser()
        self._scope: ResourceScope | None = None
        self._persons: dict[tuple[int, str], tuple[str, str]] = {}  # of that Bundle
        self._last_above: tuple[ResourceScope | None, list[Member], tuple[object, ...] | None] = (None, [], ())

    def shown(self, content: bytes) -> str:
        """Return the content of an entry: its resource."""
        return as_json(self._resource(content))

    def entry(self, raw: bytes) -> Resource:
        """Return the whole of an entry."""
        return as_object(self._parser.parse(raw.decode()).resource)

    def _resource(self, raw: bytes) -> Resource:
        return as_object(self.entry(raw).get("resource"))

    def brief(self, member: Member, found: Iterator[Item]) -> Iterator[Item | PlainResult]:
        """Yield what was read of an entry whose contents were left out, plain results in brief, others with their content."""
        items = list(found)
        for item in items:
            if not isinstance(item, LabResult):
                yield item
            elif not _is_plain(item):
                yield replace(item, content=as_json(member.resource))
            else:
                if len(items) == 1:
                    self.patterns.learn(member.raw.decode(), member.resource, item)
                kind = self._kind_of(item)
                yield PlainResult(kind, item.line, item.person, item.group, item.collected_at, item.value, member.raw)

    def _kind_of(self, item: LabResult) -> ResultKind:
        key = (
            item.codes, item.unit, item.specimen, item.panel, item.lower, item.upper, item.range_text, item.status,
            item.notes, item.flag, item.stated, item.other_units,
        )  # fmt: skip
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            common = replace(item, line=0, person="", group="", collected_at="", value="")
            kind = self._kinds[key] = ResultKind(common, self.shown)
        return kind

    def matched(self, member: Member) -> MatchedObservation | None:
        """Return what tells an observation from others of its pattern, which may have been learned since it was parsed."""
        return self.patterns.find(member.raw.decode()) if member.kind == "Observation" and member.raw else None

    def read(self, member: Member, found: MatchedObservation, scope: ResourceScope) -> PlainResult | None:
        """Return the result of an observation that matches a pattern; None where it must be read carefully.

        Beside its texts it depends on what the pattern says, on its Bundle, on whom it is of, and on the reports that
        list it: the first of those that agree in all of these is read the careful way.
        """
        pattern, texts = found.pattern, found.texts
        person, type_of = self._person(pattern, texts[pattern.at.person], member, scope)
        above = self._said_above(member, scope)
        if not person or above is None:
            return None
        key = (id(pattern), scope.stated, type_of, above)
        if key not in self._of_patterns:
            if len(self._of_patterns) >= _MOST_KINDS:
                self._of_patterns.clear()
            self._of_patterns[key] = self._learned(member, found, person, scope)
        kind = self._of_patterns[key]
        if kind is None:
            return None
        return PlainResult(kind, member.line, person, "", texts[pattern.at.time], found.value, member.raw)

    def _person(
        self, pattern: ObservationPattern, reference: str, member: Member, scope: ResourceScope
    ) -> tuple[str, str]:
        """Return the key and the type of whom an observation is of: the same for all of a pattern that refer to them alike."""
        if scope is not self._scope:
            self._scope = scope
            self._persons.clear()
        found = self._persons.get((id(pattern), reference))
        if found is None:
            subject = {**pattern.subject, "reference": reference}
            found = scope.person(subject, member.place), scope.type_of(subject, member.place)
            self._persons[id(pattern), reference] = found
        return found

    def _said_above(self, member: Member, scope: ResourceScope) -> tuple[object, ...] | None:
        """Return what the reports that list an observation say; those of one report follow one another."""
        parents = scope.parents.get(member.key, [])
        scope_before, parents_before, said = self._last_above
        if scope is not scope_before or parents != parents_before:
            said = said_above(member, scope)
            self._last_above = scope, parents, said
        return said

    def carefully(self, member: Member, scope: ResourceScope) -> Iterator[Item | PlainResult]:
        """Parse an observation that was not parsed, and yield what is read of it."""
        own = msgspec.structs.replace(member, resource=self._resource(member.raw), found=None)
        return self.brief(own, results_of(own, scope))

    def _learned(
        self, member: Member, found: MatchedObservation, person: str, scope: ResourceScope
    ) -> ResultKind | None:
        """Return the kind of a result that is what its texts say, read the careful way; else None."""
        items = list(self.carefully(member, scope))
        own = items[0] if len(items) == 1 else None
        told = ("", found.texts[found.pattern.at.time], found.value, person)
        if isinstance(own, PlainResult) and (own.group, own.collected_at, own.value, own.person) == told:
            return own.kind
        return None


def _is_plain(item: LabResult) -> bool:
    """Tell whether a result is placed by its person and moment alone, and its value is a number in digits."""
    is_placed = bool(item.person) and not (item.until or item.encounter or is_partial(item.collected_at))
    return is_placed and PLAIN_NUMBER.fullmatch(item.value) is not None


def said_above(member: Member, scope: ResourceScope) -> tuple[object, ...] | None:
    """Return all that the reports that list an observation say of it; None where a panel does, which may have its specimen."""
    parents = scope.parents.get(member.key, ()) if scope.parents else ()
    if not parents:
        return ()
    listing = [one for level in scope.above(member) for one in level]
    if any(one.kind == "Observation" for one in listing):
        return None
    said: list[object] = []
    for one in listing:
        resource = one.resource
        doubt = as_text(resource.get("status")) in TAKEN_BACK or changes_meaning(resource)
        notes = () if is_answer(resource) else notes_of(resource)
        said.append((concept_text(resource.get("code")), notes, doubt, tuple(labels(resource))))
    return tuple(said)
