"""What CDS Hooks says of its bodies: names, how often each stands, types, codes and rules, as facts for the tests.

From the logical models of HL7 that let the FHIR validator check these bodies: CDSHooksServices, CDSHooksRequest, CDSHooksResponse and
CDSHooksFeedback, https://github.com/HL7/cds-hooks (input/fsh/logicals, commit fb10ca7, 3.0.0-ballot), with the contexts of patient-view
and order-sign and the codes of https://github.com/FHIR/fhir-tools-ig (input/resources, commit bac23b3).
`tools/cds_hooks_elements.py` holds this table against a copy of those models. The codes of `indicator` are those of the text (info,
warning, critical): the code system of the tools has "error" in the place of "critical".
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

MANY = "*"
# path: (at least, at most, type)
Elements = Mapping[str, tuple[int, str, str]]

SERVICES: Elements = {
    "services": (0, MANY, "object"),
    "services.hook": (1, "1", "string"),
    "services.title": (0, "1", "string"),
    "services.description": (1, "1", "string"),
    "services.id": (1, "1", "string"),
    "services.prefetch": (0, MANY, "map"),
    "services.prefetch.key": (1, "1", "code"),
    "services.prefetch.value": (1, "1", "string"),
    "services.usageRequirements": (0, "1", "string"),
    "services.version": (0, "1", "string"),
}
REQUEST: Elements = {
    "hook": (1, "1", "string"),
    "hookInstance": (1, "1", "uuid"),
    "fhirServer": (0, "1", "url"),
    "fhirAuthorization": (0, "1", "object"),
    "fhirAuthorization.accessToken": (1, "1", "string"),
    "fhirAuthorization.tokenType": (1, "1", "code"),
    "fhirAuthorization.expiresIn": (1, "1", "integer"),
    "fhirAuthorization.scope": (1, "1", "string"),
    "fhirAuthorization.subject": (1, "1", "string"),
    "fhirAuthorization.patient": (0, "1", "id"),
    "context": (1, "1", "object"),
    "prefetch": (0, MANY, "map"),
    "prefetch.key": (1, "1", "code"),
    "prefetch.value": (1, "1", "Resource"),
}
JSON_NAMES = {"accessToken": "access_token", "tokenType": "token_type", "expiresIn": "expires_in"}
CONTEXTS: Mapping[str, Elements] = {
    "patient-view": {
        "userId": (1, "1", "url"),
        "patientId": (1, "1", "id"),
        "encounterId": (0, "1", "id"),
    },
    "order-sign": {
        "userId": (1, "1", "url"),
        "patientId": (1, "1", "id"),
        "encounterId": (0, "1", "id"),
        "draftOrders": (1, "1", "Bundle"),
    },
}
RESPONSE: Elements = {
    "cards": (0, MANY, "object"),
    "cards.uuid": (0, "1", "uuid"),
    "cards.summary": (1, "1", "string"),
    "cards.detail": (0, "1", "markdown"),
    "cards.indicator": (1, "1", "code"),
    "cards.source": (1, "1", "object"),
    "cards.source.label": (1, "1", "string"),
    "cards.source.url": (0, "1", "url"),
    "cards.source.icon": (0, "1", "url"),
    "cards.source.topic": (0, "1", "Coding"),
    "cards.suggestions": (0, MANY, "object"),
    "cards.suggestions.label": (1, "1", "string"),
    "cards.suggestions.uuid": (0, "1", "uuid"),
    "cards.suggestions.isRecommended": (0, "1", "boolean"),
    "cards.suggestions.actions": (0, MANY, "object"),
    "cards.suggestions.actions.type": (1, "1", "code"),
    "cards.suggestions.actions.description": (0, "1", "string"),
    "cards.suggestions.actions.resource": (0, "1", "Resource"),
    "cards.suggestions.actions.resourceId": (0, "1", "string"),
    "cards.suggestions.actionSelectionBehavior": (0, "1", "code"),
    "cards.selectionBehavior": (0, "1", "code"),
    "cards.overrideReasons": (0, MANY, "Coding"),
    "cards.links": (0, MANY, "object"),
    "cards.links.label": (1, "1", "string"),
    "cards.links.url": (1, "1", "url"),
    "cards.links.type": (1, "1", "code"),
    "cards.links.appContext": (0, "1", "string"),
    "cards.links.autolaunchable": (0, "1", "boolean"),
    "systemActions": (0, MANY, "object"),
}
FEEDBACK: Elements = {
    "feedback": (0, MANY, "object"),
    "feedback.card": (1, "1", "uuid"),
    "feedback.outcome": (1, "1", "code"),
    "feedback.acceptedSuggestions": (0, MANY, "object"),
    "feedback.acceptedSuggestions.id": (1, "1", "uuid"),
    "feedback.overrideReason": (0, "1", "object"),
    "feedback.overrideReason.reason": (0, "1", "Coding"),
    "feedback.overrideReason.userComment": (0, "1", "string"),
    "feedback.outcomeTimestamp": (1, "1", "instant"),
}
CODES: Mapping[str, frozenset[str]] = {
    "cards.indicator": frozenset(("info", "warning", "critical")),
    "cards.selectionBehavior": frozenset(("at-most-one", "any")),
    "cards.suggestions.actions.type": frozenset(("create", "update", "delete")),
    "cards.links.type": frozenset(("absolute", "smart")),
    "feedback.outcome": frozenset(("accepted", "overridden")),
}
ALWAYS = frozenset(("services", "cards", "feedback"))  # the list is there, empty or not (json-empty-behavior: present)
LONGEST_SUMMARY = 139  # "<140-character summary message"

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_CODE = re.compile(r"\S+( \S+)*")
_CODING = frozenset(("system", "version", "code", "display", "userSelected"))


def faults(body: Mapping[str, Any], elements: Elements, within: str = "") -> list[str]:
    """Say what of a body the elements do not allow; extensions may stand in every object."""
    return [*_object(body, elements, within), *_rules(body)]


def _object(given: Mapping[str, Any], elements: Elements, within: str) -> Iterator[str]:
    own = {path.removeprefix(within): entry for path, entry in elements.items() if path.startswith(within)}
    direct = {JSON_NAMES.get(path, path): (path, entry) for path, entry in own.items() if "." not in path}
    yield from (f"{within}{name}: is no element" for name in given.keys() - direct.keys() - {"extension"})
    if not isinstance(given.get("extension", {}), dict):
        yield f"{within}extension: is no object"
    for name, (path, (least, most, kind)) in direct.items():
        if name not in given:
            if least or (within + path) in ALWAYS:
                yield f"{within}{path}: is missing"
            continue
        yield from _element(given[name], elements, within + path, (most, kind))


def _element(value: Any, elements: Elements, path: str, allowed: tuple[str, str]) -> Iterator[str]:
    most, kind = allowed
    if kind == "map":
        yield from (f"{path}: {name!r} is no key" for name in value if not _CODE.fullmatch(name))
        inner = elements[f"{path}.value"][2]
        yield from (f"{path}.{name}: is no {inner}" for name, own in value.items() if not _is(own, inner))
        return
    values = value if most == MANY else [value]
    if not isinstance(values, list):
        yield f"{path}: is no list"
        return
    if not values and path not in ALWAYS:
        yield f"{path}: is an empty list"
    for own in values:
        if not _is(own, kind):
            yield f"{path}: is no {kind}"
        elif kind == "object":
            yield from _object(own, elements, f"{path}.") if any(one.startswith(f"{path}.") for one in elements) else ()
        elif path in CODES and own not in CODES[path]:
            yield f"{path}: {own!r} is no code of it"


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "string" | "markdown":
            return isinstance(value, str) and bool(value.strip())
        case "code":
            return isinstance(value, str) and _CODE.fullmatch(value) is not None
        case "id":
            return isinstance(value, str) and _ID.fullmatch(value) is not None
        case "url":
            return isinstance(value, str) and bool(value) and not re.search(r"\s", value)
        case "uuid":
            return isinstance(value, str) and str(uuid.UUID(value)) == value
        case "instant":
            return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "Coding":
            return isinstance(value, dict) and value.keys() <= _CODING
        case "Resource" | "Bundle":
            return value is None or (isinstance(value, dict) and isinstance(value.get("resourceType"), str))
    return isinstance(value, dict)


def _rules(body: Mapping[str, Any]) -> Iterator[str]:
    """Say which rules a body breaks (cds-r-1, cds-resp-1 to -6, cds-fb-2 and -3, and the length of a summary)."""
    if "fhirAuthorization" in body and "fhirServer" not in body:
        yield "cds-r-1: fhirAuthorization without fhirServer"
    for card in body.get("cards", ()):
        suggestions = card.get("suggestions", ())
        if len(card.get("summary", "")) > LONGEST_SUMMARY:
            yield "cards.summary: is longer than 139 characters"
        if suggestions and "selectionBehavior" not in card:
            yield "cds-resp-6: suggestions without selectionBehavior"
        if (
            card.get("selectionBehavior") == "at-most-one"
            and sum(one.get("isRecommended", False) for one in suggestions) > 1
        ):
            yield "cds-resp-1: several are recommended"
        if not all(reason.get("display") for reason in card.get("overrideReasons", ())):
            yield "cds-resp-4: an override reason without display"
        if any(link.get("type") != "smart" and "appContext" in link for link in card.get("links", ())):
            yield "cds-resp-3: appContext of a link that is no SMART app"
    for one in body.get("feedback", ()):
        if one.get("outcome") == "accepted" and not one.get("acceptedSuggestions"):
            yield "cds-fb-2: accepted, and no suggestion"
        if "overrideReason" in one and not one["overrideReason"].keys() & {"reason", "userComment"}:
            yield "cds-fb-3: neither reason nor comment"
