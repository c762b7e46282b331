"""FHIR Bundles through the service: the counts, flags and rejects of a scan of the same Bundle."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import post

import cbc_screen as cbc
from oracle.feeds import write_fhir
from oracle.results import counts_of
from oracle.rows import RowMaker
from oracle.tables import read_tables

FEW = 40


def scanned(bundle: Path, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Scan a Bundle as a file; return flags and reasons of rejects."""
    out, rejects = folder / "flags.parquet", folder / "rejects.csv"
    cbc.scan(bundle, out, rejects, keep=["person"], force=True)
    refused = rejects.read_text(encoding="utf-8").splitlines()[1:]
    return cbc.read_flags(out, kind="pyarrow").to_pylist(), refused


def require_same(answer: dict[str, Any], flags: list[dict[str, Any]]) -> None:
    assert answer["received"] == answer["used"] + answer["rejected"]
    assert answer["used"] == len(answer["counts"]) == len(flags)
    for count, row in zip(answer["counts"], flags, strict=True):
        assert (count["entry"], count["person"]) == (row["row"], row["person"])
        result = count["result"]
        for name in ("pattern", "lines_low_min", "lines_low_max", "severity", "severity_min", "urgency"):
            assert result[name] == row[name], name
        for line, grade in (("red", "hemoglobin_grade"), ("white", "white_grade"), ("platelet", "platelets_grade")):
            assert result["lines"][line] == {"state": row[f"{line}_line"], "grade": row[grade]}
        assert ";".join(":".join(pair) for pair in result["reasons"]) == row["reasons"]


def as_bundle(lines: str) -> dict[str, Any]:
    entries = [{"resource": json.loads(line)} for line in lines.splitlines()]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


@pytest.mark.parametrize("seed", range(3))
def test_a_made_up_bundle_of_many_people(client: httpx.Client, tmp_path: Path, seed: int) -> None:
    made = RowMaker(read_tables(), seed).slice(FEW, "beside", dated=True)
    lines = write_fhir(counts_of(made, seed, coded=True), tmp_path, random.Random(seed))
    bundle = tmp_path / "bundle.json"
    bundle.write_text(json.dumps(as_bundle(lines.read_text(encoding="utf-8"))), encoding="utf-8")
    response = post(client, "/screen/fhir?detail=compact", bundle.read_bytes())
    assert response.status_code == 200, response.text
    answer = response.json()
    flags, refused = scanned(bundle, tmp_path)
    assert answer["used"] > FEW // 2
    require_same(answer, flags)
    assert len(answer["rejections"]) == len(refused)


def test_real_bundles(client: httpx.Client, shared: Path, tmp_path: Path) -> None:
    files = [
        *sorted((shared / "data/fhir_pathling_synthea/bundles").glob("*.json"))[:4],
        *sorted((shared / "data/fhir_hl7_examples/r4").glob("Bundle-*.json")),
    ]
    counts = 0
    for file in files:
        response = post(client, "/screen/fhir?detail=compact", file.read_bytes())
        assert response.status_code == 200, file.name
        require_same(response.json(), scanned(file, tmp_path)[0])
        counts += response.json()["used"]
    assert counts > 10


def test_a_whole_result_is_that_of_the_row_of_a_scan(client: httpx.Client, shared: Path, tmp_path: Path) -> None:
    file = min((shared / "data/fhir_pathling_synthea/bundles").glob("*.json"), key=lambda path: path.stat().st_size)
    answer = post(client, "/screen/fhir", file.read_bytes()).json()
    cbc.scan(file, tmp_path / "flags.parquet", received=True)
    assert answer["counts"]
    for count in answer["counts"]:
        assert count["result"] == cbc.screen_again(tmp_path / "flags.parquet", count["entry"]).to_dict()


def test_nothing_disappears(client: httpx.Client) -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Patient", "id": "a", "gender": "female", "birthDate": "1970-01-01"}},
            {"resource": 7},
            "text",
            {"resource": {"id": "no type"}},
            {"resource": {"resourceType": "Immunization"}},
        ],
    }
    answer = post(client, "/screen/fhir", bundle).json()
    assert (answer["received"], answer["used"], answer["rejected"]) == (3, 0, 3)
    assert [one["entry"] for one in answer["rejections"]] == [2, 3, 4]
    assert {one["reason"] for one in answer["rejections"]} == {"MESSAGE_UNREADABLE"}
    assert answer["results"]["without_results"] == {"Immunization": 1}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{}", 422, "NOT_FHIR"),
        (b"[]", 422, "NOT_FHIR"),
        (b'{"resourceType": "Patient"}', 422, "NOT_FHIR"),
        (b'{"resourceType": ["Bundle"]}', 422, "NOT_FHIR"),
        (b"MSH|^~\\&|", 400, "NOT_JSON"),
        (b"<Bundle xmlns='http://hl7.org/fhir'/>", 400, "NOT_JSON"),
        (b'{"resourceType": "Bundle", "entry": ' + b"[" * 100_000, 400, "NOT_JSON"),
        (b'{"resourceType": "Bundle", "entry": "\xff"}', 400, "NOT_TEXT"),
        *(
            (b'{"resourceType": "Bundle", "entry": %s}' % own, 422, "NOT_FHIR")
            for own in (b'"x"', b"5", b"true", b'{"a": 1}', b"null")
        ),
        (b"", 400, "NOT_JSON"),
    ],
)
def test_what_is_no_bundle_is_refused(client: httpx.Client, body: bytes, status: int, code: str) -> None:
    answer = post(client, "/screen/fhir", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


def test_what_cannot_be_trusted_in_a_bundle_costs_its_entry(client: httpx.Client) -> None:
    twice = b'{"resource": {"resourceType": "Observation", "status": "final", "status": "final"}}'
    deep = b'{"resource": {"resourceType": "Observation", "extension": ' + b"[" * 80 + b"]" * 80 + b"}}"
    body = b'{"resourceType": "Bundle", "entry": [' + twice + b"," + deep + b"]}"
    answer = post(client, "/screen/fhir", body).json()
    assert (answer["received"], answer["used"], answer["rejected"]) == (2, 0, 2)
