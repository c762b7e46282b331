"""Answers of the service as FHIR: valid, with the answers of the library, refusals as OperationOutcome, and nothing lost."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.operationoutcome import OperationOutcome as OutcomeR5
from fhir.resources.R4B.bundle import Bundle as BundleR4B
from fhir.resources.R4B.operationoutcome import OperationOutcome as OutcomeR4B
from served import SICK, as_json

import cbc_screen as cbc
from cbc_screen.service.fhir_answers import _TYPES, wants_fhir
from cbc_screen.service.problems import ProblemCode
from effort import share
from oracle.feeds import write_fhir
from oracle.results import counts_of
from oracle.rows import RowMaker
from oracle.tables import read_tables
from test_cases import CASES
from test_fhir_out import ANSWERS, component, derived, of_the_count, resources, word

FHIR = {"content-type": "application/fhir+json", "accept": "application/fhir+json"}
NOTICE = "For clinician review. Not a diagnosis."


def ask(client: httpx.Client, path: str, body: Any, **headers: str) -> dict[str, Any]:
    """Return what comes as FHIR: valid as R4B and R5, with notice and versions as tags."""
    content = body if isinstance(body, bytes) else as_json(body)
    response = client.post(path, content=content, headers={**FHIR, **headers})
    assert response.headers["content-type"] == "application/fhir+json"
    found: dict[str, Any] = response.json()
    for model in (BundleR4B, BundleR5) if found["resourceType"] == "Bundle" else (OutcomeR4B, OutcomeR5):
        model.model_validate(found)
    tags = {tag["system"].rpartition(":")[2]: tag for tag in found["meta"]["tag"]}
    assert tags["notice"]["display"] == NOTICE
    assert (tags["schema-version"]["code"], tags["data-version"]["code"]) == ("1.1", cbc.__data_version__)
    assert ("issue" in found) == (response.status_code != 200)
    return found


def without_names(value: Any) -> Any:
    """Return FHIR without the names of entries, which are new each time, and without tags."""
    if isinstance(value, dict):
        return {name: without_names(own) for name, own in value.items() if name not in ("fullUrl", "meta")}
    if isinstance(value, list):
        return [without_names(own) for own in value]
    return "urn" if isinstance(value, str) and value.startswith("urn:uuid:") else value


def deriveds(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in resources(bundle, "Observation") if "derivedFrom" in one]


def flags_of(observation: dict[str, Any]) -> dict[str, Any]:
    """Return the answers of a derived Observation under the names of the flags; None where there is no value."""
    found: dict[str, Any] = {"pattern": word(observation)}
    for name in ANSWERS[1:]:
        part = component(observation, name)
        found[name] = part.get("valueInteger", word(part))
    return found


# One record ------------------------------------------------------------------------------------------


def test_a_record_gives_the_bundle_of_the_library(client: httpx.Client) -> None:
    bundle = ask(client, "/screen", SICK)
    assert without_names(bundle) == without_names(cbc.fhir_bundle(cbc.screen(SICK)))
    assert word(derived(bundle)) == "pancytopenia"


@pytest.mark.parametrize(
    ("accept", "fhir"),
    [
        ("application/fhir+json", True),
        ("application/fhir+json; fhirVersion=4.0", True),
        ("Application/FHIR+JSON", True),
        ("application/fhir+json, application/json", True),
        ("application/json;q=0.9, application/fhir+json", True),
        ("application/json, application/fhir+json", False),
        ("application/fhir+json;q=0.5, application/json", False),
        ("application/fhir+json;q=0", False),
        ("application/fhir+json;q=high", False),
        ("application/json", False),
        ("*/*", False),
        ("application/fhir+xml", False),
        ("", False),
    ],
)
def test_what_a_client_accepts(client: httpx.Client, accept: str, fhir: bool) -> None:
    assert wants_fhir(accept) == fhir
    answer = client.post("/screen", content=as_json(SICK), headers={**FHIR, "accept": accept})
    assert ("resourceType" in answer.json()) == fhir
    assert answer.headers["content-type"] == ("application/fhir+json" if fhir else "application/json")


def test_what_cannot_be_told_has_no_value(client: httpx.Client) -> None:
    bundle = ask(client, "/screen", {"hemoglobin": "8.8 g/dL", "platelets": "CLUMPED"})
    assert "valueCodeableConcept" not in derived(bundle)
    [guidance] = resources(bundle, "GuidanceResponse")
    assert guidance["status"] == "data-required"


# Several records -------------------------------------------------------------------------------------


def test_a_batch_is_answered_in_its_order_and_nothing_disappears(client: httpx.Client) -> None:
    bundle = ask(client, "/screen/batch", [SICK, {"hemoglobine": "9.1 g/dL"}, {"hemoglobin": {"unitt": "g/L"}}, {}])
    assert bundle["type"] == "batch-response"
    assert [entry["response"]["status"] for entry in bundle["entry"]] == ["200", "422", "422", "200"]
    outcome = bundle["entry"][2]["response"]["outcome"]
    OutcomeR4B.model_validate(outcome)
    assert outcome["issue"][0]["expression"] == ["records[2].hemoglobin"]
    assert word(derived(bundle["entry"][0]["resource"])) == "pancytopenia"
    assert word(derived(bundle["entry"][3]["resource"])) is None


def test_a_batch_of_no_record_is_a_bundle_without_entries(client: httpx.Client) -> None:
    assert "entry" not in ask(client, "/screen/batch", [])


# Bundles ---------------------------------------------------------------------------------------------


def test_a_bundle_goes_in_and_comes_out_under_the_clients_own_names(client: httpx.Client) -> None:
    patients = [{"id": "a"}, {"id": "b"}, {"identifier": [{"system": "urn:mrn", "value": "7"}]}]
    entries: list[dict[str, Any]] = [
        {"resource": {"resourceType": "Patient", "gender": "female", "birthDate": "1970-03-02", **own}}
        for own in patients
    ]
    entries[1]["fullUrl"] = "https://records.example/Patient/b"
    named = [{"reference": "Patient/a"}, {"reference": "https://records.example/Patient/b"}]
    named += [{"identifier": patients[2]["identifier"][0]}, {"reference": "https://other.example/Patient/c"}]
    entries += [{"resource": observed(7.0, subject, f"2024-06-0{day}")} for subject in named for day in (1, 2)]
    bundle = ask(client, "/screen/fhir", {"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert [one["effectiveDateTime"] for one in deriveds(bundle)] == ["2024-06-01", "2024-06-02"] * 4
    subjects = [one["subject"]["reference"] for one in deriveds(bundle)]
    assert subjects[:4] == ["Patient/a"] * 2 + ["Patient/b"] * 2  # b is in this Bundle, whatever its server
    assert subjects[6:] == ["https://other.example/Patient/c"] * 2
    told = resources(bundle, "Patient")
    assert [(one.get("id"), one.get("birthDate"), one["gender"]) for one in told] == [
        ("a", "1970-03-02", "female"),
        ("b", "1970-03-02", "female"),
        (None, "1970-03-02", "female"),
        ("c", None, "unknown"),
    ]
    assert told[2]["identifier"] == [{"system": "urn:mrn", "value": "7"}]
    [own] = [entry["fullUrl"] for entry in bundle["entry"] if entry["resource"] is told[2]]
    assert subjects[4:6] == [own] * 2


def observed(value: float, subject: dict[str, Any], day: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": subject,
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": "g/dL"},
    }


def test_what_could_not_be_used_is_an_issue_with_its_place(client: httpx.Client) -> None:
    entries = [{"resource": observed(7.0, {"reference": "Patient/a"}, "2024-06-01")}, {"resource": 7}, "text"]
    bundle = ask(client, "/screen/fhir", {"resourceType": "Bundle", "entry": entries})
    [outcome] = resources(bundle, "OperationOutcome")
    said = [(one["severity"], one["details"]["coding"][0]["code"], one.get("expression")) for one in outcome["issue"]]
    assert said == [
        ("information", "counts", None),
        ("information", "results", None),
        ("error", "MESSAGE_UNREADABLE", ["Bundle.entry[1]"]),
        ("error", "MESSAGE_UNREADABLE", ["Bundle.entry[2]"]),
    ]
    assert outcome["issue"][0]["details"]["text"] == "received 3, used 1, rejected 2"
    assert "read 1; used 1" in outcome["issue"][1]["details"]["text"]
    assert NOTICE in outcome["text"]["div"]


@pytest.mark.parametrize("seed", range(2))
def test_fhir_in_and_fhir_out_have_the_answers_of_plain_json(client: httpx.Client, tmp_path: Path, seed: int) -> None:
    made = RowMaker(read_tables(), seed).slice(30, "beside", dated=True)
    lines = write_fhir(counts_of(made, seed, coded=True), tmp_path, random.Random(seed)).read_text(encoding="utf-8")
    body = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": json.loads(line)} for line in lines.splitlines()],
    }
    plain = client.post("/screen/fhir", content=as_json(body), headers={"content-type": "application/fhir+json"}).json()
    bundle = ask(client, "/screen/fhir", body)
    assert len(deriveds(bundle)) == plain["used"] > 10
    for observation, count in zip(deriveds(bundle), plain["counts"], strict=True):
        flags = {name: None if flag == "cannot_tell" else flag for name, flag in count["result"]["columns"].items()}
        assert flags_of(observation) == {name: flags[name] for name in ANSWERS}
    [outcome] = resources(bundle, "OperationOutcome")
    assert sum(issue["severity"] == "error" for issue in outcome["issue"]) == len(plain["rejections"])


def cases() -> list[str]:
    """Return some of the cases that an Observation can hold, of a screener without options."""
    names = [name for name in of_the_count() if not CASES[name].get("screener")]
    return names[:: max(1, len(names) // share(400))]


def test_what_goes_out_is_sent_in_again_to_the_same_answers(client: httpx.Client) -> None:
    """Record to Bundle, Bundle to Bundle: through the service twice, and never another definite answer."""
    same = checked = 0
    for name in cases():
        first = ask(client, "/screen", CASES[name]["record"])
        again = ask(client, "/screen/fhir", first)
        (second,) = deriveds(again)
        one, two = flags_of(derived(first)), flags_of(second)
        assert all(two[key] in (None, one[key], "none", 0, 3) for key in ANSWERS), name
        if one["pattern"] is None:
            assert two["pattern"] is None, name
        third = ask(client, "/screen/fhir", again)
        assert [flags_of(own) for own in deriveds(third)] == [two], name
        same, checked = same + (one == two), checked + 1
    assert checked >= 20
    assert same >= 0.97 * checked


def test_a_batch_response_is_read_in_again(client: httpx.Client) -> None:
    batch = ask(client, "/screen/batch", [SICK, {"age": "30 y", "sex": "M", "hemoglobin": "150 g/L"}])
    again = ask(client, "/screen/fhir", batch)
    firsts = [derived(entry["resource"]) for entry in batch["entry"]]
    assert [flags_of(own) for own in deriveds(again)] == [flags_of(own) for own in firsts]


# Refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "kind", "expression"),
    [
        ("/screen", {"hemoglobin": {"unitt": "g/dL"}}, 422, "MALFORMED", "invalid", ["hemoglobin"]),
        ("/screen", b"{", 400, "NOT_JSON", "structure", None),
        ("/screen", b"\xff", 400, "NOT_TEXT", "structure", None),
        ("/screen", b'{"age": NaN}', 400, "NOT_FINITE", "value", None),
        ("/screen?detail=compact", SICK, 422, "MALFORMED", "invalid", ["query.detail"]),
        ("/screen/fhir", {"resourceType": "Patient"}, 422, "NOT_FHIR", "invalid", ["resourceType"]),
        ("/screen/batch", [{}] * 501, 413, "TOO_MANY", "too-costly", None),
        ("/screen", b"[" * 5_000_000, 413, "BODY_TOO_LARGE", "too-long", None),
        ("/nothing", SICK, 404, "NOT_FOUND", "not-found", None),
        ("/version", SICK, 405, "METHOD", "not-supported", None),
    ],
)
def test_a_refusal_is_an_outcome_with_the_path(
    client: httpx.Client, path: str, body: Any, status: int, code: str, kind: str, expression: list[str] | None
) -> None:
    outcome = ask(client, path, body)
    (issue,) = outcome["issue"]
    assert (issue["severity"], issue["code"], issue.get("expression")) == ("error", kind, expression)
    assert issue["details"]["coding"] == [{"system": "urn:cbc-screen:problem", "code": code}]
    assert (
        client.post(path, content=body if isinstance(body, bytes) else as_json(body), headers=FHIR).status_code
        == status
    )


def test_a_body_of_another_kind(client: httpx.Client) -> None:
    outcome = ask(client, "/screen", b"<x/>", **{"content-type": "application/fhir+xml"})
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "CONTENT_TYPE"


def test_every_refusal_has_a_type_of_hl7s_value_set() -> None:
    """http://hl7.org/fhir/ValueSet/issue-type, of R4."""
    types = {
        *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden"),
        *("suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long"),
        *("code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store"),
        *("exception", "timeout", "incomplete", "throttled", "informational"),
    }  # fmt: skip
    assert set(_TYPES) == set(ProblemCode)
    assert set(_TYPES.values()) <= types
