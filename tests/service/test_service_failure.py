"""An error of this program: 500 without a trace, and a line of the log that says where, and nothing of the request."""

from __future__ import annotations

import json
import logging
from typing import Any

import anyio
import httpx
import pytest
from served import JSON

import cbc_screen as cbc
from cbc_screen.service import Limits, make_app
from cbc_screen.service.guard import Guard
from cbc_screen.service.logs import JSONFormatter

CANARY = "CANARYX7Q"


async def _post(app: Guard, path: str, body: bytes) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.post(path, content=body, headers=JSON)


def ask(app: Guard, path: str, body: bytes) -> httpx.Response:
    return anyio.run(_post, app, path, body)


def formatted(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(JSONFormatter().format(record) for record in caplog.records)


@pytest.mark.parametrize(
    ("path", "body"), [("/screen", b"{}"), ("/screen/batch", b"[{}]"), ("/screen/fhir", b'{"resourceType": "Bundle"}')]
)
def test_an_error_says_where_it_arose_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str, body: bytes
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(cbc.Screener, "screen", fail)
    monkeypatch.setattr(cbc.Screener, "screen_each", fail)
    answer = ask(make_app(), path, body)
    assert answer.status_code == 500
    assert answer.json()["errors"] == [
        {"code": "INTERNAL", "message": "an error of this program; please report it", "path": []}
    ]
    log = formatted(caplog)
    assert CANARY not in log + answer.text
    event = json.loads(log.splitlines()[-1])
    assert (event["event"], event["kind"]) == ("failed", "RuntimeError")
    assert event["where"].startswith("test_service_failure.py:")


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr(cbc.Screener, "screen_each", lambda *_, **__: time.sleep(1))
    answer = ask(make_app(limits=Limits(seconds=0.05)), "/screen/fhir", b'{"resourceType": "Bundle"}')
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "TOO_LONG")


def test_too_many_requests_at_once_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    app = make_app(limits=Limits(connections=1))
    monkeypatch.setattr(cbc.Screener, "screen_each", lambda *_, **__: time.sleep(0.5))
    codes: list[int] = []

    async def both() -> None:
        async def one() -> None:
            codes.append((await _post(app, "/screen/fhir", b'{"resourceType": "Bundle"}')).status_code)

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await anyio.sleep(0.1)
            answer = await _post(app, "/screen", b"{}")
            codes.append(answer.status_code)
            assert answer.json()["errors"][0]["code"] == "BUSY"

    anyio.run(both)
    assert codes[0] == 503


def test_a_log_of_a_library_shows_its_template_only() -> None:
    record = logging.LogRecord("uvicorn.error", logging.WARNING, "x", 1, "bad %s", (CANARY,), None)
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    line = JSONFormatter().format(record)
    assert CANARY not in line
    assert json.loads(line)["event"] == "bad %s"
