"""Bodies that are meant to hurt: each is refused with 4xx and its path, never with its content, never with 500."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from served import JSON, SICK, Served, post, serving

CANARY = "CANARYX7Q"
LIMIT = 4 << 20


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


@pytest.mark.parametrize("path", ["/screen", "/screen/batch", "/cds-services/cbc-screen-patient-view"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "NOT_JSON"),
        (b"{", 400, "NOT_JSON"),
        (b'{"age": 54,}', 400, "NOT_JSON"),
        (b"age=54", 400, "NOT_JSON"),
        (b'{"age": "54 y"} {"age": "54 y"}', 400, "NOT_JSON"),
        (b"\x00", 400, "NOT_JSON"),
        (b"\xff\xfe{\x00}\x00", 400, "NOT_TEXT"),
        (b'{"sex": "\xc3\x28"}', 400, "NOT_TEXT"),
        (b'{"sex": "\\ud800"}', 400, "NOT_TEXT"),
        (b'{"\\uD800": 1}', 400, "NOT_TEXT"),
        (b'{"age": NaN}', 400, "NOT_FINITE"),
        (b'{"age": [-Infinity]}', 400, "NOT_FINITE"),
        (b'{"age": 1, "age": 1}', 400, "KEY_TWICE"),
        (b'{"hemoglobin": {"value": 1, "value": 2}}', 400, "KEY_TWICE"),
        (b"[" * 65 + b"]" * 65, 400, "TOO_DEEP"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, 400, "TOO_DEEP"),
        (b"[" * 1_000_000 + b"]" * 1_000_000, 400, "TOO_DEEP"),
        (b"[" * 3_000_000, 400, "TOO_DEEP"),
        (b'{"age": ' + b"9" * 1_000_000, 400, "NOT_JSON"),
        (b" " * (LIMIT + 1), 413, "BODY_TOO_LARGE"),
        (b"7", 422, "MALFORMED"),
        (b"null", 422, "MALFORMED"),
        (b'"text"', 422, "MALFORMED"),
        (b"true", 422, "MALFORMED"),
    ],
)  # fmt: skip
def test_a_body_that_is_none(client: httpx.Client, path: str, body: bytes, status: int, code: str) -> None:
    assert code_of(post(client, path, body)) == (status, code)


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ([1], []),
        ({CANARY: 1}, []),
        ({"hemoglobine": CANARY}, []),
        ({"hemoglobin": [CANARY]}, ["hemoglobin"]),
        ({"hemoglobin": True}, ["hemoglobin"]),
        ({"hemoglobin": {"value": {"a": CANARY}}}, ["hemoglobin", "value"]),
        ({"hemoglobin": {"value": 9, "units": CANARY}}, ["hemoglobin"]),
        ({"hemoglobin": {"value": 9, CANARY: CANARY}}, ["hemoglobin"]),
        ({"hemoglobin": {"value": 9, "comparator": CANARY}}, ["hemoglobin", "comparator"]),
        ({"platelets": {"value": 9, "range": {"lower": [CANARY]}}}, ["platelets", "range", "lower"]),
        ({"platelets": {"value": 9, "range": [1, 2, 3]}}, ["platelets", "range"]),
        ({"film": {"blasts_on_film": CANARY}}, ["film"]),
        ({"film": [CANARY]}, ["film"]),
        ({"film": {CANARY: "present"}}, ["film"]),
        ({"context": {CANARY: "absent"}}, ["context"]),
        ({"age": {"years": 54}}, ["age"]),
        ({"sex": 1}, ["sex"]),
        ({"birth_date": [CANARY]}, ["birth_date"]),
        ({"sex": "F" * 10_001}, ["sex"]),
        ({"reticulocyte_method": CANARY}, ["reticulocyte_method"]),
    ],
)  # fmt: skip
def test_a_malformed_record_has_its_path_and_no_value(client: httpx.Client, record: Any, path: list[str]) -> None:
    answer = post(client, "/screen", record)
    assert code_of(answer) == (422, "MALFORMED")
    assert answer.json()["errors"][0]["path"] == path
    assert CANARY not in answer.text


def test_every_fault_of_a_record_is_told(client: httpx.Client) -> None:
    errors = post(client, "/screen", {"sex": 1, "age": [], "hemoglobin": {"unit": 5}, CANARY: 1}).json()["errors"]
    assert sorted(map(tuple, (error["path"] for error in errors))) == [(), ("age",), ("hemoglobin", "unit"), ("sex",)]


@pytest.mark.parametrize(
    "number", ["1e999", "-1e999", "9" * 200, "9" * 400, "-" + "9" * 5000, "1e-400", "0." + "0" * 5000 + "1"]
)
def test_a_number_out_of_reach_is_unknown_or_refused(client: httpx.Client, number: str) -> None:
    for field in ("hemoglobin", "age"):
        answer = post(client, "/screen?detail=compact", f'{{"{field}": {number}}}'.encode())
        assert answer.status_code == 200
        assert answer.json()["lines"]["red"]["state"] == "cannot_tell"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
                     "application/json; charset=utf-16", "json", "application/json-patch+json", CANARY],
)  # fmt: skip
def test_another_content_type_is_refused(client: httpx.Client, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = client.post("/screen", content=json.dumps(SICK), headers=headers)
    assert code_of(answer) == (415, "CONTENT_TYPE")
    assert CANARY not in answer.text


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", CANARY])
def test_a_packed_body_is_refused_by_what_it_says(client: httpx.Client, encoding: str) -> None:
    headers = {**JSON, "content-encoding": encoding}
    answer = client.post("/screen", content=gzip.compress(json.dumps(SICK).encode()), headers=headers)
    assert code_of(answer) == (415, "CONTENT_TYPE")
    assert "Content-Encoding" in answer.text
    assert CANARY not in answer.text
    plain = client.post("/screen", content=json.dumps(SICK), headers={**JSON, "content-encoding": "identity"})
    assert plain.status_code == 200


def test_a_byte_order_mark_is_told_of(client: httpx.Client) -> None:
    answer = client.post("/screen", content=b"\xef\xbb\xbf" + json.dumps(SICK).encode(), headers=JSON)
    assert answer.status_code == 400
    assert "byte order mark" in answer.text


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/fhir+json;charset=utf-8",
        'application/fhir+json; fhirVersion=4.0; charset="UTF-8"',
        "application/fhir+json; charset=utf-8; fhirVersion=4.0",
    ],
)
def test_json_is_taken_in_each_of_its_names(client: httpx.Client, content_type: str) -> None:
    answer = client.post("/screen", content=json.dumps(SICK), headers={"content-type": content_type})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/screen", 405), ("PUT", "/screen", 405), ("DELETE", "/health", 405), ("POST", "/version", 405),
        ("GET", f"/{CANARY}", 404), ("POST", f"/screen/{CANARY}", 404), ("GET", f"/schemas/{CANARY}", 404),
        ("POST", f"/cds-services/{CANARY}", 404), ("POST", f"/cds-services/{CANARY}/feedback", 404),
        ("GET", "/docs", 404), ("GET", "/redoc", 404), ("GET", "/screen/", 404), ("GET", "/%00", 404),
        ("POST", f"/screen?detail={CANARY}", 422), ("GET", "/" + "a" * 20_000, 404),
    ],
)  # fmt: skip
def test_another_path_or_method(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path, headers=JSON, content=b"{}" if method == "POST" else None)
    assert answer.status_code == status
    assert CANARY not in answer.text
    assert CANARY.lower() not in answer.text.lower()
    assert ("allow" in answer.headers) is (status == 405)  # what is there instead


def test_ten_megabytes_are_refused_whether_their_length_is_told_or_not(client: httpx.Client) -> None:
    body = b'{"sex": "' + b"F" * 10_000_000 + b'"}'

    def parts() -> Iterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    assert code_of(post(client, "/screen", body)) == (413, "BODY_TOO_LARGE")
    assert code_of(client.post("/screen", content=parts(), headers=JSON)) == (413, "BODY_TOO_LARGE")
    assert post(client, "/screen", SICK).status_code == 200


def test_a_length_that_is_a_lie_costs_nothing(service: Served) -> None:
    """A stated length is believed only where it is too large."""
    for length in ("99999999999999999999999999", str(1 << 60)):
        answer = raw(
            service,
            f"POST /screen HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{".encode(),
        )
        assert re.match(rb"HTTP/1.1 4(00|13) ", answer), length


def test_more_records_than_a_request_may_have(client: httpx.Client) -> None:
    assert code_of(post(client, "/screen/batch", [{}] * 501)) == (413, "TOO_MANY")
    assert post(client, "/screen/batch?detail=compact", [SICK] * 500).json()["used"] == 500
    assert code_of(post(client, "/screen/batch", {"records": [], CANARY: 1})) == (422, "MALFORMED")
    assert code_of(post(client, "/screen/batch", {"records": {}})) == (422, "MALFORMED")


def test_a_body_whose_length_is_told_twice_is_refused(service: Served) -> None:
    """Behind another server the rest of it could pass for a request of somebody else."""
    head = "POST /screen HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    sent = f"{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
    answer = raw(service, sent.encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"NOT_HTTP" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_an_option_that_is_given_twice_is_refused(client: httpx.Client) -> None:
    assert code_of(post(client, "/screen?detail=full&detail=compact", b"{}")) == (422, "MALFORMED")


def raw(service: Served, sent: bytes, seconds: float = 10) -> bytes:
    """Send bytes, and return all that comes until the server closes, or until nothing more comes."""
    with socket.create_connection((service.host, service.port), timeout=seconds) as connection:
        with suppress(OSError):  # the server may close before all is sent
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        found = b""
        with suppress(ConnectionResetError):  # what was sent was not read to its end
            while part := connection.recv(65_536):
                found += part
    return found


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00",
        b"POST /screen HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /screen HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET /" + CANARY.encode() + b"\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http(service: Served, sent: bytes) -> None:
    answer = raw(service, sent)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert CANARY.encode() not in answer
    assert b"Not a diagnosis" in answer or answer == b""
    with httpx.Client(base_url=service.url) as other:
        assert other.get("/health").status_code == 200


@pytest.fixture(scope="module")
def hasty() -> Iterator[Served]:
    """A service that waits for half a second."""
    with serving("--timeout", "0.5") as served:
        yield served


HEAD = b"POST /screen HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parts  # it waits for the clock
@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", b""),
        (b"GET /health HTTP/1.1\r\nHo", b""),
        (HEAD + b"Content-Length: 100\r\n\r\n{", b"HTTP/1.1 408 "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"HTTP/1.1 408 "),
        (HEAD + b"Content-Length: 99999999\r\n\r\n{", b"HTTP/1.1 413 "),
    ],
)
def test_a_slow_client_is_not_waited_for(hasty: Served, sent: bytes, answered: bytes) -> None:
    began, found = time.monotonic(), b""
    with socket.create_connection((hasty.host, hasty.port), timeout=20) as connection:
        connection.sendall(sent)
        while part := connection.recv(65_536):
            found += part
    assert found.startswith(answered)
    assert bool(found) is bool(answered)
    assert time.monotonic() - began < 15


@pytest.mark.parts  # it waits for the clock
def test_a_client_that_sends_a_byte_now_and_then_is_cut(hasty: Served) -> None:
    began = time.monotonic()
    with socket.create_connection((hasty.host, hasty.port), timeout=20) as connection:
        connection.sendall(b"GET /")

        def go_on() -> None:
            while time.monotonic() - began < 15:
                connection.sendall(b"x")
                time.sleep(0.1)

        with pytest.raises(OSError, match=r"[Bb]roken pipe|reset"):
            go_on()


def test_others_are_served_beside_slow_and_hostile_clients(hasty: Served) -> None:
    slow = [socket.create_connection((hasty.host, hasty.port)) for _ in range(50)]
    for place, connection in enumerate(slow):
        connection.sendall((b"", b"GET /hea", HEAD + b"Content-Length: 100\r\n\r\n{")[place % 3])
    deep = b"[" * 1_000_000

    def ask(place: int) -> int:
        with httpx.Client(base_url=hasty.url, timeout=30) as client:
            if place % 2:
                return post(client, "/screen", deep).status_code
            return post(client, "/screen?detail=compact", SICK).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(24))) == [200, 400] * 12
    for connection in slow:
        connection.close()
