"""A record with earlier counts over the socket: the answers of the library, and refusals with their place."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from served import post, without_data_version

import cbc_screen as cbc

BEFORE = {"age": "54 y", "sex": "F", "collected_at": "2026-10-28", "hemoglobin": "11.8 g/dL", "platelets": "230 10^9/L"}
LONG_BEFORE = {**BEFORE, "collected_at": "2026-05-01", "hemoglobin": "12.9 g/dL", "platelets": "210 10^9/L"}
NOW = {**BEFORE, "collected_at": "2026-11-01", "hemoglobin": "9.1 g/dL", "platelets": "220 10^9/L"}


def test_earlier_counts_take_part_in_any_order(client: httpx.Client) -> None:
    """118 g/L, and 91 four days later: a fall by 20 g/L in a week is prompt."""
    expected = cbc.screen(NOW, history=[LONG_BEFORE, BEFORE]).to_dict()
    assert (cbc.screen(NOW).urgency.value, expected["urgency"]) == ("routine", "prompt")
    for history in ([LONG_BEFORE, BEFORE], [BEFORE, LONG_BEFORE]):
        answer = post(client, "/screen/history", {"record": NOW, "history": history})
        assert answer.status_code == 200
        found = without_data_version(answer.json())
        assert found["urgency"] == "prompt"
        assert found["history"]["summary"] == expected["history"]["summary"]
    compact = post(client, "/screen/history?detail=compact", {"record": NOW, "history": [BEFORE]}).json()
    assert compact["urgency"] == "prompt"


def test_without_earlier_counts_it_is_the_record_alone(client: httpx.Client) -> None:
    answer = post(client, "/screen/history", {"record": NOW, "history": []})
    assert without_data_version(answer.json()) == cbc.screen(NOW).to_dict()


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (NOW, 422, []),
        ({"record": NOW}, 422, []),
        ({"record": NOW, "history": NOW}, 422, []),
        ({"record": NOW, "history": [], "person": "Doe"}, 422, []),
        ({"record": {"hemoglobine": "9.1 g/dL"}, "history": []}, 422, ["record"]),
        ({"record": NOW, "history": [BEFORE, {"hemoglobine": "9.1 g/dL"}]}, 422, ["history", 1]),
        ({"record": NOW, "history": [BEFORE, 7]}, 422, ["history", 1]),
        ({"record": NOW, "history": [{**BEFORE, "context": {"no_such_finding": "present"}}]}, 422, ["history", 0]),
        ({"record": NOW, "history": [BEFORE] * 1_001}, 413, ["history"]),
    ],
)
def test_a_malformed_body_is_refused_with_its_place(
    client: httpx.Client, body: Any, status: int, path: list[Any]
) -> None:
    answer = post(client, "/screen/history", body)
    assert answer.status_code == status
    [fault] = answer.json()["errors"]
    assert fault["path"][: len(path)] == path
    assert "Doe" not in answer.text
