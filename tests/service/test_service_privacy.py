"""Names, identifiers and values of a request stand in its answer only: in no log, error, metric or header."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

import httpx
from served import JSON, post, serving, wait_until

from cbc_screen.service.feedback import card_id
from cbc_screen.vocabulary import Pattern

NAME, NUMBER, VALUE = "CANARYNAME7Q", "4711000815", "7.123456"
BUNDLE = {
    "resourceType": "Bundle",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": NUMBER, "name": [{"family": NAME}], "gender": "female"}},
        {
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}], "text": NAME},
                "subject": {"reference": f"Patient/{NUMBER}", "display": NAME},
                "effectiveDateTime": "2024-03-01",
                "valueQuantity": {"value": float(VALUE), "unit": NAME},
            }
        },
        {"resource": NAME},
    ],
}


def ask_everything(client: httpx.Client) -> list[httpx.Response]:
    """Send the canary in every place in which it can stand; return the refusals."""
    text = json.dumps({"hemoglobin": f"{VALUE} g/dL", "sex": NAME})
    hook = {"hook": "patient-view", "hookInstance": NAME, "context": {"patientId": NUMBER}}
    refused = [
        post(client, "/screen", {NAME: NUMBER}),
        post(client, "/screen", {"hemoglobin": {NAME: VALUE}}),
        post(client, "/screen", text.encode()[:-1]),
        post(client, "/screen", b'{"' + NAME.encode() + b'": 1, "' + NAME.encode() + b'": 2}'),
        post(client, "/screen", f'{{"{NAME}": NaN}}'.encode()),
        post(client, "/screen", b"\xff" + NAME.encode()),
        post(client, f"/screen?detail={NAME}", text.encode()),
        post(client, "/screen/fhir", {"resourceType": NAME}),
        post(client, f"/cds-services/{NAME}", hook),
        post(client, "/cds-services/cbc-screen-patient-view", hook),
        post(client, "/cds-services/cbc-screen-patient-view/feedback", {"feedback": [{"card": NAME}]}),
        client.get(f"/{NAME}/{NUMBER}?{VALUE}"),
        client.get(f"/schemas/{NAME}"),
        client.request(NAME, "/screen"),
        client.post("/screen", content=text, headers={"content-type": NAME}),
        client.post("/screen", content=text[:-1], headers={**JSON, "accept": f"application/fhir+json, {NAME}"}),
        client.post("/screen", content=json.dumps({NAME: NUMBER}), headers={**JSON, "accept": "application/fhir+json"}),
        client.get("/health", headers={"x-patient": NAME, "cookie": NUMBER, "user-agent": NAME, "host": "x"}),
    ]
    post(client, "/screen", text.encode())
    post(client, "/screen", {"age": NAME, "platelets": NAME, "specimen": NAME, "collected_at": NAME})
    post(client, "/screen/batch", [{"sex": NAME}, {NAME: VALUE}])
    post(client, "/screen/fhir", BUNDLE)
    client.post(f"/{NAME}", content=text, headers=JSON)
    return refused


def test_nothing_of_a_request_is_in_a_log_an_error_or_a_metric(tmp_path: Path) -> None:
    with serving("--log-seconds", "0.2", cwd=tmp_path) as served:
        with httpx.Client(base_url=served.url, timeout=60) as client:
            refused = ask_everything(client)
            metrics = client.get("/metrics").text
        wait_until(lambda: any(line["event"] == "served" for line in served.log))
        assert served.stop() == 0
        log = json.dumps(served.log)
    for word in (NAME, NUMBER, VALUE, NAME.lower()):
        for answer in refused:
            assert word not in answer.text + str(answer.headers), answer.request.url.path
        assert word not in metrics
        assert word not in log
    assert not list(tmp_path.iterdir())
    assert served.log[0]["event"] == "started"
    assert served.log[-1]["event"] == "stopped"
    assert all(isinstance(value, str | int) for line in served.log for value in line.values())


def test_the_labels_of_metrics_are_words_of_the_service(client: httpx.Client) -> None:
    post(client, "/screen", {"sex": NAME})
    client.get(f"/{NAME}")
    card = {
        "card": str(card_id(Pattern.PANCYTOPENIA, uuid.uuid4())),
        "outcome": "overridden",
        "outcomeTimestamp": "2026-11-01T00:00:00Z",
    }
    told = {**card, "overrideReason": {"reason": {"code": NAME, "system": NAME}, "userComment": NAME}}
    post(client, "/cds-services/cbc-screen-patient-view/feedback", {"feedback": [told]})
    text = client.get("/metrics").text
    labels = set(re.findall(r'(\w+)="([^"]*)"', text))
    assert {name for name, _ in labels} == {"route", "status", "outcome", "answer", "le", "version", "data_version"}
    assert {value for name, value in labels if name == "answer"} <= {"agree", "disagree", "none"}
    routes = {value for name, value in labels if name == "route"}
    assert routes <= {
        *("/screen", "/screen/history", "/screen/batch", "/screen/fhir", "/version", "/health"),
        *("/schemas", "/schemas/{name}", "other"),
        *("/openapi.json", "/metrics", "/cds-services", "/cds-services/{name}", "/cds-services/{name}/feedback"),
    }
    assert re.search(r'cbc_screen_requests_total\{route="other",status="404"\} [1-9]', text)
    assert re.search(r'cbc_screen_records_total\{outcome="used"\} [1-9]', text)


def test_answers_are_not_kept_by_caches(client: httpx.Client) -> None:
    for answer in (post(client, "/screen", {}), post(client, "/screen", {"x": 1}), client.get("/nothing")):
        assert answer.headers["cache-control"] == "no-store"
