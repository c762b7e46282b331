"""FHIR as XML: elements to the objects that its JSON has; texts stay texts, as numbers do in JSON here."""

from __future__ import annotations

from typing import Any

from cbc_screen.ingest.fhir_json import DEEPEST, Document, Resource, Twice, is_sound
from cbc_screen.ingest.xml_tree import Element

NAMESPACE = "http://hl7.org/fhir"
# Lists in JSON however many there are; of others the reader takes one or several.
_LISTS = frozenset(
    ("entry", "contained", "extension", "modifierExtension", "coding", "identifier", "component", "referenceRange")
)
# Elements that stand once, and where: which of two is meant would be unknown, as of a key that JSON has twice.
_ONCE = frozenset(
    (
        "code",
        "status",
        "subject",
        "dataAbsentReason",
        "gender",
        "birthDate",
        "value",
        "unit",
        "comparator",
        "system",
        "text",
        "specimen",
        "bodySite",
        "reference",
        "method",
    )
)
_CHOICES = ("value", "effective")  # valueQuantity, effectiveDateTime
_HOLDERS = frozenset(
    (
        "Observation",
        "Patient",
        "subject",
        "component",
        "code",
        "coding",
        "identifier",
        "valueQuantity",
        "valueCodeableConcept",
        "low",
        "high",
    )
)
_RESOURCES = frozenset(("contained", "resource"))  # what holds a resource under its own name


def document_of(root: Element) -> Document:
    """Return a document of FHIR."""
    if root.namespace != NAMESPACE:
        return Document(None, "", False)
    resource = _resource(root)
    return Document(resource, root.name, is_sound(resource, DEEPEST))


def _resource(element: Element) -> Resource:
    members = _members(element)
    members["resourceType"] = element.name
    return members


def _members(element: Element) -> Resource:
    """Return the members of an element: its attributes, then its children by name, in lists where a name repeats."""
    found: dict[str, Any] = {name: text for name, text in element.attributes.items() if name in ("id", "url")}
    for child in element.children:
        if child.namespace != NAMESPACE:
            continue  # the narrative, which is XHTML
        value = _value(child)
        known = found.get(child.name)
        if isinstance(known, list):
            known.append(value)
        elif known is not None and child.name not in ("id", "url"):
            found[child.name] = [known, value]
        else:
            found[child.name] = [value] if child.name in _LISTS else value
    return Twice(found) if _has_twice(element) else found


def _has_twice(element: Element) -> bool:
    """Tell whether an element repeats a child that FHIR allows only once, or has a value of two types."""
    if element.name not in _HOLDERS:
        return False
    names = [child.name for child in element.children if child.namespace == NAMESPACE]
    once = [name for name in names if name in _ONCE or name.startswith(_CHOICES)]
    return len(set(once)) < len(once)


def _value(element: Element) -> Any:
    if element.name in _RESOURCES:
        inner = [child for child in element.children if child.namespace == NAMESPACE]
        if len(inner) > 1:
            return Twice({"resourceType": inner[0].name})
        return _resource(inner[0]) if inner else {}
    if "value" in element.attributes:
        return element.attributes["value"]
    return _members(element)
