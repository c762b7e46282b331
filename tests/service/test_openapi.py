"""The description of the service: every field has a description and an example, and every example is true."""

from __future__ import annotations

from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks
from served import Served, post

import cbc_screen as cbc
from cbc_screen.field_texts import TEXTS
from cbc_screen.model_schema import RECORD
from cbc_screen.service import schemas
from cbc_screen.vocabulary import SCHEMA_VERSION
from effort import share

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
MODELS = {"CBCRecord", "Measurement", "ReportedRange", "ScreeningResult", "Versions", "LineResult", "AnalyteResult"}


@pytest.fixture(scope="module")
def described(client: httpx.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


FEEDBACK = {"feedback": [{"card": "x", "outcome": "accepted", "outcomeTimestamp": "2026-11-27T10:00:00Z"}]}


def hook_request() -> dict[str, Any]:
    patient = {"resourceType": "Patient", "id": "7", "gender": "female", "birthDate": "1970-03-02"}
    count = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": {"reference": "Patient/7"},
        "effectiveDateTime": "2024-06-20",
        "valueQuantity": {"value": 6.1, "unit": "g/dL"},
    }
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "7"},
        "prefetch": {
            "patient": patient,
            "counts": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": count}]},
        },
    }


def objects(described: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in described["components"]["schemas"].items() if "properties" in one}


def test_every_field_has_a_description_and_an_example(described: dict[str, Any]) -> None:
    found = objects(described)
    assert found.keys() >= MODELS | set(TEXTS)
    assert sum(len(one["properties"]) for one in found.values()) >= 200
    for name, one in found.items():
        assert one.get("description"), name
        for field, own in one["properties"].items():
            assert own.get("description"), (name, field)
    for name in TEXTS:
        for field, own in found[name]["properties"].items():
            assert own["examples"][0] not in (None, [], {}, ""), (name, field)


def test_every_text_is_of_a_field() -> None:
    schema = cbc.ScreeningResult.model_json_schema(mode="serialization")
    parts = {**schema["$defs"], "ScreeningResult": schema, "CBCRecord": cbc.CBCRecord.model_json_schema()}
    parts |= parts["CBCRecord"]["$defs"]
    for name, texts in TEXTS.items():
        assert texts.keys() <= parts[name]["properties"].keys(), name


def test_every_example_is_of_its_field(described: dict[str, Any]) -> None:
    checked = 0
    for name, one in objects(described).items():
        for field, own in one["properties"].items():
            schema = {**own, "components": described["components"]}
            for example in own.get("examples", ()):
                assert jsonschema_rs.is_valid(schema, example), (name, field)
                checked += 1
    assert checked >= 200


def test_the_example_of_a_record_has_every_field_and_is_screened(client: httpx.Client) -> None:
    assert set(RECORD) == set(cbc.CBCRecord.model_fields)
    answer = post(client, "/screen", dict(RECORD))
    assert answer.status_code == 200
    assert answer.json()["pattern"] == "pancytopenia"
    refused = {"UNIT_UNKNOWN", "UNIT_MISSING", "UNIT_CONFUSABLE", "NUMBER_UNREADABLE"}
    assert not refused & {reason for _, reason in answer.json()["reasons"]}


@pytest.mark.parametrize("field", ["hemoglobin", "platelets", "crp", "elevation"])
def test_texts_with_their_unit_can_be_sent_by_generated_clients(described: dict[str, Any], field: str) -> None:
    own = described["components"]["schemas"]["CBCRecord"]["properties"][field]
    forms = [form.get("type") or form["$ref"].rpartition("/")[2] for form in own["anyOf"]]
    assert forms == ["string", "number", "Measurement", "null"]
    assert isinstance(own["examples"][0], str)


def test_every_route_is_described(client: httpx.Client, described: dict[str, Any]) -> None:
    routes = {
        *(
            "/screen",
            "/screen/history",
            "/screen/batch",
            "/screen/fhir",
            "/version",
            "/health",
            "/schemas",
            "/schemas/{name}",
        ),
        *("/metrics", "/cds-services", "/cds-services/{name}", "/cds-services/{name}/feedback"),
    }
    assert set(described["paths"]) == routes
    assert described["info"]["version"] == cbc.__version__
    assert cbc.NOTICE in described["info"]["description"]


@pytest.mark.parametrize("name", schemas.NAMED)
def test_a_schema_is_that_of_its_answers(client: httpx.Client, name: str) -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": 7}]}
    answers = {
        "record": lambda: dict(RECORD),
        "result": lambda: cbc.screen(RECORD).to_dict(),
        "answer": lambda: post(client, "/screen", dict(RECORD)).json(),
        "compact": lambda: post(client, "/screen?detail=compact", dict(RECORD)).json(),
        "batch": lambda: post(client, "/screen/batch", [dict(RECORD), {"x": 1}, {}]).json(),
        "fhir": lambda: post(client, "/screen/fhir", bundle).json(),
        "problem": lambda: client.get("/nothing").json(),
        "records": lambda: {"records": [dict(RECORD)]},
        "record_in_time": lambda: {"record": dict(RECORD), "history": [dict(RECORD)]},
        "hook_request": hook_request,
        "feedback_request": lambda: FEEDBACK,
        "discovery": lambda: client.get("/cds-services").json(),
        "cards": lambda: post(client, "/cds-services/cbc-screen-patient-view", hook_request()).json(),
        "feedback": lambda: post(client, "/cds-services/cbc-screen-patient-view/feedback", FEEDBACK).json(),
        "version": lambda: client.get("/version").json(),
        "health": lambda: client.get("/health").json(),
        "schemas": lambda: client.get("/schemas").json(),
    }
    schema = client.get(f"/schemas/{name}").json()
    assert schema["$schema"].endswith("2020-12/schema")
    answer = answers[name]()
    jsonschema_rs.validate(schema, answer)
    if name not in ("record", "records", "record_in_time", "hook_request", "feedback_request", "discovery", "cards"):
        assert answer["schema_version"] == SCHEMA_VERSION


def test_every_schema_of_the_library_is_served(client: httpx.Client) -> None:
    assert client.get("/schemas").json()["schemas"] == list(cbc.schema_names())
    for name in cbc.schema_names():
        assert client.get(f"/schemas/{name}").json() == cbc.schema(name)
    assert client.get("/schemas/nothing").status_code == 404


def test_answers_that_cannot_be_told_are_of_the_schema(client: httpx.Client) -> None:
    schema = client.get("/schemas/answer").json()
    for record in (
        {},
        {"hemoglobin": 1e999},
        {"hemoglobin": "CLOTTED", "sex": "?"},
        {"age": "> 89 y", "wbc": ">500 10^9/L"},
    ):
        body = str(record).replace("'", '"').replace("inf", "1e999").encode()
        jsonschema_rs.validate(schema, post(client, "/screen", body).json())


@pytest.mark.parametrize(
    "path", ["/screen", "/screen/batch", "/screen/fhir", "/cds-services/{name}", "/cds-services/{name}/feedback"]
)
@pytest.mark.parametrize("mode", GenerationMode)
def test_what_the_description_allows_and_forbids_is_never_an_error_of_the_program(
    service: Served, described: dict[str, Any], path: str, mode: GenerationMode
) -> None:
    """Bodies made from the description, good and bad: never 500, and every answer is as described."""
    operation = schemathesis.openapi.from_dict(described)[path]["POST"]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=share(100), deadline=None, suppress_health_check=list(HealthCheck))
    def run(case: schemathesis.Case) -> None:
        response = case.call(base_url=service.url)
        case.validate_response(response, checks=CHECKS)

    run()
