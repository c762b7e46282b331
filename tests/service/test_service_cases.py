"""The case set through every door of the service: its answers are those of the library."""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpx
import pytest
from served import JSON, as_json, post, without_data_version

import cbc_screen as cbc
from cbc_screen.service import make_app
from cbc_screen.service.limits import Limits
from test_cases import CASES, screener_of

DEFAULT = [name for name, case in CASES.items() if not case.get("screener")]
OTHERS = [name for name, case in CASES.items() if case.get("screener")]
RECORDS = {name: json.loads(as_json(case["record"])) for name, case in CASES.items()}


def require_compact(answer: dict[str, Any], flags: dict[str, Any]) -> None:
    lines = {"red": "hemoglobin_grade", "white": "white_grade", "platelet": "platelets_grade"}
    for line, grade in lines.items():
        assert answer["lines"][line] == {"state": flags[f"{line}_line"], "grade": flags[grade]}
    for name in ("pattern", "lines_low_min", "lines_low_max", "severity", "severity_min", "urgency", "notice"):
        assert answer[name] == flags[name], name
    for name in ("urgency_reasons", "guards"):
        assert ";".join(answer[name]) == flags[name], name
    assert ";".join(":".join(pair) for pair in answer["reasons"]) == flags["reasons"]


def test_the_case_set_is_all_here() -> None:
    assert len(DEFAULT) >= 200
    assert len(OTHERS) >= 20


def test_one_record_gives_the_whole_result(client: httpx.Client) -> None:
    for name in DEFAULT:
        answer = post(client, "/screen", RECORDS[name])
        assert answer.status_code == 200, name
        assert without_data_version(answer.json()) == cbc.screen(RECORDS[name]).to_dict(), name


def test_a_record_of_the_case_set_as_json_is_that_record(client: httpx.Client) -> None:
    for name in DEFAULT:
        assert cbc.screen(RECORDS[name]).flags() == cbc.screen(CASES[name]["record"]).flags(), name


def test_compact_answers_have_the_flags(client: httpx.Client) -> None:
    for name in DEFAULT:
        answer = post(client, "/screen?detail=compact", RECORDS[name])
        assert answer.status_code == 200, name
        require_compact(answer.json(), cbc.screen(RECORDS[name]).flags())


def test_a_batch_gives_each_its_result(client: httpx.Client) -> None:
    for start in range(0, len(DEFAULT), Limits().counts):
        part = DEFAULT[start : start + Limits().counts]
        answer = post(client, "/screen/batch?detail=compact", [RECORDS[name] for name in part]).json()
        assert (answer["received"], answer["used"], answer["rejected"]) == (len(part), len(part), 0)
        for place, name in enumerate(part):
            assert answer["answers"][place]["index"] == place
            require_compact(answer["answers"][place]["result"], cbc.screen(RECORDS[name]).flags())
    some = DEFAULT[:20]
    whole = post(client, "/screen/batch", {"records": [RECORDS[name] for name in some]}).json()
    assert [one["result"] for one in whole["answers"]] == [cbc.screen(RECORDS[name]).to_dict() for name in some]


def test_a_batch_keeps_what_it_refuses(client: httpx.Client) -> None:
    records = [RECORDS[DEFAULT[0]], {"hemoglobine": "9 g/dL"}, 7, None, [], {"platelets": {"value": [1]}}, {}]
    answer = post(client, "/screen/batch?detail=compact", records).json()
    assert (answer["received"], answer["used"], answer["rejected"]) == (7, 2, 5)
    assert [one["index"] for one in answer["answers"]] == list(range(7))
    assert ["result" in one for one in answer["answers"]] == [True, False, False, False, False, False, True]
    assert all(one["errors"][0]["code"] == "MALFORMED" for one in answer["answers"] if "result" not in one)
    assert answer["answers"][5]["errors"][0]["path"] == ["platelets", "value"]


@pytest.mark.parametrize("name", OTHERS)
def test_a_service_of_another_configuration(name: str) -> None:
    screener = screener_of(CASES[name])

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=make_app(screener))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.post("/screen", content=as_json(RECORDS[name]), headers=JSON)

    answer = anyio.run(ask)
    assert answer.status_code == 200
    assert without_data_version(answer.json()) == screener.screen(RECORDS[name]).to_dict()


def test_every_answer_has_notice_and_versions(client: httpx.Client) -> None:
    answers = [
        *(client.get(path) for path in ("/health", "/version", "/schemas", "/nothing", "/schemas/nothing")),
        *(post(client, f"/screen?detail={detail}", RECORDS[DEFAULT[0]]) for detail in ("full", "compact", "none")),
        post(client, "/screen/batch", []),
        post(client, "/screen/fhir", {"resourceType": "Bundle"}),
        post(client, "/screen", b"["),
    ]
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["notice"] == cbc.NOTICE
        assert answer.json()["schema_version"] == "1.1"
        assert answer.json()["data_version"] == cbc.__data_version__
