"""CDS Hooks held against the elements, codes and rules of HL7's logical models (cds_hooks_elements.py)."""

from __future__ import annotations

import copy
import json
import uuid
from typing import Any

import httpx
import pytest
from cds_hooks_elements import CONTEXTS, FEEDBACK, REQUEST, RESPONSE, SERVICES, Elements, faults
from served import Served, post, wait_until
from test_hooks import LOW, PATIENT, SIGN, USUAL, VIEW, feedback, request_of

import cbc_screen as cbc
from cbc_screen.service.cards import card_of
from cbc_screen.service.feedback import card_id
from cbc_screen.vocabulary import Pattern
from test_cases import CASES

TOKEN = "CANARYTOKEN4711"
HOOKS = {VIEW: "patient-view", SIGN: "order-sign"}


def called(client: httpx.Client, path: str, **changes: Any) -> dict[str, Any]:
    """Call a hook with a body that the model allows; return its answer, which the model allows too."""
    counts = changes.pop("counts", {"2024-06-20": LOW})
    body = request_of(counts, HOOKS[path], **changes)
    body["context"] = {name: own for name, own in body["context"].items() if name in CONTEXTS[HOOKS[path]]}
    assert faults(body, REQUEST) == []
    assert faults(body["context"], CONTEXTS[HOOKS[path]]) == []
    answer = post(client, path, body)
    assert answer.status_code == 200, answer.text
    assert faults(answer.json(), RESPONSE) == []
    return answer.json()  # type: ignore[no-any-return]


def test_the_discovery(client: httpx.Client) -> None:
    found = client.get("/cds-services").json()
    assert faults(found, SERVICES) == []
    assert len(found["services"]) == 2


@pytest.mark.parametrize("path", HOOKS)
@pytest.mark.parametrize(
    "counts", [{"2024-06-20": LOW}, {"2024-06-20": USUAL}, {"2024-06-20": {"hemoglobin": "13.5 g/dL"}}, {}]
)
def test_answers_to_a_hook(client: httpx.Client, path: str, counts: dict[str, dict[str, str]]) -> None:
    cards = called(client, path, counts=counts)["cards"]
    assert len(cards) == (0 if counts in ({}, {"2024-06-20": USUAL}) else 1)


def test_a_request_with_everything_that_a_client_may_send_is_taken_and_its_token_is_nowhere(
    service: Served, client: httpx.Client
) -> None:
    authorization = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "user/Patient.read",
        "subject": "cds",
    }
    more = {
        "fhirServer": "https://records.example/fhir",
        "fhirAuthorization": authorization,
        "extension": {"com.example": 1},
    }
    before = len(service.log)
    assert len(called(client, VIEW, **more)["cards"]) == 1
    refused = post(client, VIEW, request_of({"2024-06-20": LOW}, **more, context={}))
    assert (refused.status_code, TOKEN in refused.text) == (422, False)
    wait_until(lambda: len(service.log) > before)
    assert TOKEN not in json.dumps(service.log) + "".join(service.plain)


def test_every_card_of_the_case_set() -> None:
    patterns = set()
    for case in CASES.values():
        if not case.get("screener"):
            result = cbc.screen(case["record"])
            assert faults({"cards": [card_of(result)]}, RESPONSE) == []
            patterns.add(result.pattern)
    assert patterns == set(Pattern)


def test_no_observation_is_null_and_one_that_cannot_be_looked_for_is_left_out(client: httpx.Client) -> None:
    """ "If the CDS Client has no data to populate a template prefetch key" its value is null (2.0, Prefetch Template)."""
    none = called(client, VIEW, prefetch={"patient": PATIENT, "counts": None})
    assert (none["cards"], none["extension"]["cbc-screen"]["received"]) == ([], 0)
    assert post(client, VIEW, request_of({}, prefetch={"patient": PATIENT})).status_code == 412


REQUIRED = [
    *((VIEW, path) for path in ("hook", "hookInstance", "context", "context.patientId")),
    *((f"{VIEW}/feedback", f"feedback.0.{name}") for name in ("card", "outcome", "outcomeTimestamp")),
]


@pytest.mark.parametrize(("path", "element"), REQUIRED)
def test_what_a_body_must_have_and_is_read_is_asked_for(client: httpx.Client, path: str, element: str) -> None:
    whole = (
        {"feedback": [feedback(str(uuid.uuid4()), code="agree")]}
        if "feedback" in path
        else request_of({"2024-06-20": LOW})
    )
    body = copy.deepcopy(whole)
    part: Any = body
    *above, last = (int(name) if name.isdigit() else name for name in element.split("."))
    for name in above:
        part = part[name]
    del part[last]
    assert post(client, path, whole).status_code == 200
    answer = post(client, path, body)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, [*above, last])


def test_feedback_of_every_form_that_the_model_allows(client: httpx.Client) -> None:
    cards = [str(card_id(Pattern.BICYTOPENIA, uuid.uuid4())) for _ in range(4)]
    coding = {"system": "urn:cbc-screen:answer", "code": "disagree", "display": "Disagree"}
    said: list[dict[str, Any]] = [
        {"outcome": "overridden"},
        {"outcome": "overridden", "overrideReason": {"reason": coding}},
        {"outcome": "overridden", "overrideReason": {"userComment": "known"}},
        {"outcome": "accepted", "acceptedSuggestions": [{"id": str(uuid.uuid4())}]},
    ]
    body = {
        "feedback": [
            {"card": card, "outcomeTimestamp": "2026-11-27T10:00:00Z", **own}
            for card, own in zip(cards, said, strict=True)
        ]
    }
    assert faults(body, FEEDBACK) == []
    answer = post(client, f"{VIEW}/feedback", body).json()
    assert [one["answer"] for one in answer["answers"]] == ["", "disagree", "", "agree"]
    assert [answer[name] for name in ("received", "used", "unanswered", "rejected")] == [4, 2, 2, 0]


# The check itself ------------------------------------------------------------------------------------

CARD = {"summary": "pancytopenia", "indicator": "critical", "source": {"label": "cbc-screen"}}
SUGGESTED = {"label": "x", "isRecommended": True}


@pytest.mark.parametrize(
    ("body", "elements", "said"),
    [
        ({}, RESPONSE, "cards: is missing"),
        ({"cards": {}}, RESPONSE, "cards: is no list"),
        ({"cards": [{**CARD, "title": "x"}]}, RESPONSE, "cards.title: is no element"),
        ({"cards": [{**CARD, "indicator": "error"}]}, RESPONSE, "cards.indicator: 'error' is no code of it"),
        ({"cards": [{"summary": "x", "source": {"label": "x"}}]}, RESPONSE, "cards.indicator: is missing"),
        ({"cards": [{**CARD, "source": {"label": ""}}]}, RESPONSE, "cards.source.label: is no string"),
        ({"cards": [{**CARD, "summary": "x" * 139}]}, RESPONSE, ""),
        ({"cards": [{**CARD, "summary": "x" * 140}]}, RESPONSE, "cards.summary: is longer than 139 characters"),
        ({"cards": [{**CARD, "overrideReasons": []}]}, RESPONSE, "cards.overrideReasons: is an empty list"),
        ({"cards": [{**CARD, "overrideReasons": [{"code": "x"}]}]}, RESPONSE, "cds-resp-4: an override reason without display"),
        ({"cards": [{**CARD, "suggestions": [SUGGESTED]}]}, RESPONSE, "cds-resp-6: suggestions without selectionBehavior"),
        ({"cards": [{**CARD, "suggestions": [SUGGESTED] * 2, "selectionBehavior": "at-most-one"}]}, RESPONSE, "cds-resp-1: several are recommended"),
        ({"cards": [{**CARD, "extension": []}]}, RESPONSE, "cards.extension: is no object"),
        ({"services": [{"hook": "x", "id": "x", "description": "x", "prefetch": {"a b c": "x"}}]}, SERVICES, ""),
        ({"services": [{"hook": "x", "id": "x", "description": "x", "prefetch": {"a": 7}}]}, SERVICES, "services.prefetch.a: is no string"),
        ({"services": [{"hook": "x", "id": "x"}]}, SERVICES, "services.description: is missing"),
        ({"feedback": [feedback(str(uuid.uuid4()), outcome="accepted")]}, FEEDBACK, "cds-fb-2: accepted, and no suggestion"),
        ({"feedback": [{**feedback(str(uuid.uuid4())), "overrideReason": {}}]}, FEEDBACK, "cds-fb-3: neither reason nor comment"),
        ({**request_of({}), "fhirAuthorization": None}, REQUEST, "fhirAuthorization: is no object"),
    ],
)  # fmt: skip
def test_what_the_models_do_not_allow_is_found(body: dict[str, Any], elements: Elements, said: str) -> None:
    assert [own for own in faults(body, elements) if not own.startswith("cds-r-1")] == ([said] if said else [])
