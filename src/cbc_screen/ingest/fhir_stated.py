"""FHIR: what resources say of the kind of specimen: a control, a body fluid, an animal, test data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from cbc_screen.ingest.fhir_json import Resource, as_object, as_objects, as_text
from cbc_screen.ingest.fhir_scope import MOST_PARENTS, Member, ResourceScope
from cbc_screen.ingest.results import Stated, StatedSpecimen

_ANIMAL = "http://hl7.org/fhir/StructureDefinition/patient-animal"
_MOST = 64
_NO_SPECIMEN = frozenset(("unsatisfactory", "unavailable", "entered-in-error"))


def labels(resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield the security labels and tags of a resource, each with its system."""
    meta = as_object(resource.get("meta"))
    for coding in as_objects(meta.get("security")) + as_objects(meta.get("tag")):
        system, code = as_text(coding.get("system")), as_text(coding.get("code"))
        if system and code:
            yield "security", f"{system} {code}"


def of_patient(patient: Resource) -> Stated:
    """Return what a patient's record says: an animal, or a patient of a test."""
    animals = [one for one in as_objects(patient.get("extension")) if one.get("url") == _ANIMAL]
    # Until STU3 it was an element of its own.
    species = [as_object(one.get("species")) for one in as_objects(patient.get("animal"))]
    for animal in animals:
        parts = [part for part in as_objects(animal.get("extension")) if part.get("url") == "species"]
        species += [as_object(part.get("valueCodeableConcept")) for part in parts] or [{}]
    said = (("animal", " ".join(["animal", *_concept_texts(concept)])) for concept in species)
    return _some(chain(labels(patient), said))


def of_observation(member: Member, scope: ResourceScope) -> Stated:
    """Return what an observation, the reports that list it and its specimen say."""
    resource = member.resource
    said: list[Iterable[tuple[str, str]]] = [scope.stated, labels(resource)]
    said.append(_subject(as_object(resource.get("subject")), member.place, scope))
    if scope.parents:
        said += [labels(parent.resource) for level in scope.above(member) for parent in level]
    return _some(chain.from_iterable(said))


def of_specimens(
    display: str, specimens: Iterable[Resource], place: str, scope: ResourceScope
) -> Iterator[tuple[str, str]]:
    """Yield what the specimens of an observation say: type, role, number, and whom they were taken from."""
    if display:
        yield "type", display
    for specimen in specimens:
        yield from (("type", text) for text in _concept_texts(specimen.get("type")))
        for role in as_objects(specimen.get("role")):
            yield from (("role", text) for text in _concept_texts(role))
        number = as_text(as_object(specimen.get("accessionIdentifier")).get("value"))
        if number:
            yield "number", number
        yield from labels(specimen)
        yield from _subject(as_object(specimen.get("subject")), place, scope)


def stated_specimen(key: str, specimen: Resource, place: str) -> StatedSpecimen:
    """Return what a specimen by itself says, for results on other lines or in other files."""
    stated = tuple(of_specimens("", [specimen], place, ResourceScope()))
    return StatedSpecimen(key, stated, tuple(conditions_of([specimen])), is_unusable(specimen))


def is_unusable(specimen: Resource) -> bool:
    """Tell whether a specimen could not be used, or whether something changes what is said of it."""
    return as_text(specimen.get("status")) in _NO_SPECIMEN or changes_meaning(specimen)


def changes_meaning(resource: Resource) -> bool:
    """Tell whether an extension or rules change what a resource means: nobody here knows how."""
    return any(resource.get(name) for name in ("modifierExtension", "implicitRules"))


def conditions_of(specimens: Iterable[Resource]) -> Iterator[str]:
    """Yield what is said of the condition of specimens: it is said of each result of theirs."""
    for specimen in specimens:
        yield from notes_of(specimen)
        for condition in as_objects(specimen.get("condition")):
            yield from filter(None, _concept_texts(condition))


def notes_of(resource: Resource) -> tuple[str, ...]:
    """Return the remarks of a resource."""
    texts = [as_text(note.get("text")) for note in as_objects(resource.get("note"))]
    texts += [as_text(resource.get(name)) for name in ("comment", "comments", "conclusion")]  # STU3, DSTU2; of a report
    return tuple(text for text in texts if text)


def _subject(reference: Resource, place: str, scope: ResourceScope) -> Iterator[tuple[str, str]]:
    kind = scope.type_of(reference, place) if reference else ""
    if kind and kind != "Patient":
        yield "subject", kind


def _concept_texts(concept: Any) -> list[str]:
    """Return every code and text of a concept."""
    found = [as_text(as_object(concept).get("text"))]
    for coding in as_objects(as_object(concept).get("coding"))[:MOST_PARENTS]:
        found += [as_text(coding.get("code")), as_text(coding.get("display"))]
    return list(dict.fromkeys(filter(None, found)))


def _some(said: Iterable[tuple[str, str]]) -> Stated:
    return tuple(dict.fromkeys(said))[:_MOST]
