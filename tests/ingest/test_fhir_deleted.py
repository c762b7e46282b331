"""FHIR: what a Bundle deletes is gone, unless it was put back later; where that cannot be told it is unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.ingest.fhir import FHIRSource
from cbc_screen.ingest.results import LabResult

PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-01-01", "gender": "female"}
TESTS = {"o1": ("718-7", 13.5, "g/dL"), "o2": ("6690-2", 6.1, "10*9/L"), "o3": ("777-3", 12, "10*9/L")}


def put(name: str, *, method: str = "PUT", moment: str = "", version: int = 0, **more: Any) -> dict[str, Any]:
    code, value, unit = TESTS[name]
    resource: dict[str, Any] = {
        "resourceType": "Observation", "id": name, "status": "final", "effectiveDateTime": "2024-05-01",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "subject": {"reference": "Patient/p1"},
        "valueQuantity": {"value": value, "unit": unit},
    }  # fmt: skip
    meta = {key: text for key, text in (("lastUpdated", moment), ("versionId", str(version or ""))) if text}
    url = "Observation" if method == "POST" else f"Observation/{name}"
    return {"resource": resource | ({"meta": meta} if meta else {}), "request": {"method": method, "url": url}} | more


def gone(name: str = "o3", *, moment: str = "", version: int = 0, base: str = "", **more: Any) -> dict[str, Any]:
    told = {
        key: text for key, text in (("lastModified", moment), ("etag", f'W/"{version}"' if version else "")) if text
    }
    found: dict[str, Any] = {"request": {"method": "DELETE", "url": f"{base}Observation/{name}"}}
    return found | ({"response": told} if told else {}) | more


EARLY, LATE = "2024-05-01T10:00:00Z", "2024-05-02T08:00:00+02:00"
O3 = put("o3")
# Type of the Bundle, its entries behind those of o1 and o2, and the platelet line.
BUNDLES = {
    "no deletion": ("history", [O3], "low"),
    "later by its moment": ("history", [put("o3", moment=EARLY), gone(moment=LATE)], "cannot_tell"),
    "later by its moment, first": ("history", [gone(moment=LATE), put("o3", moment=EARLY)], "cannot_tell"),
    "later by its version": ("history", [gone(version=3), put("o3", version=2)], "cannot_tell"),
    "before, by its version": ("history", [gone(version=2), put("o3", version=3)], "low"),
    "before, by its moment": ("history", [put("o3", moment=LATE), gone(moment=EARLY)], "low"),
    "between two": ("history", [put("o3", version=1), gone(version=2), put("o3", version=3)], "low"),
    "nothing says when": ("history", [O3, gone()], "cannot_tell"),
    "nothing says when, first": ("history", [gone(), O3], "cannot_tell"),
    "of another result": ("history", [O3, gone("o9")], "low"),
    "transaction": ("transaction", [O3, gone()], "cannot_tell"),
    "batch": ("batch", [O3, gone()], "cannot_tell"),
    "batch, put back": ("batch", [gone(), O3], "low"),
    "created": ("transaction", [put("o3", method="POST"), gone()], "low"),
    "by its address": ("batch", [O3, gone(base="https://a.org/fhir/")], "cannot_tell"),
    "of its server": (
        "batch",
        [O3 | {"fullUrl": "https://a.org/fhir/Observation/o3"}, gone(base="https://a.org/fhir/")],
        "cannot_tell",
    ),
    "of another server": (
        "batch",
        [O3 | {"fullUrl": "https://a.org/fhir/Observation/o3"}, gone(base="https://b.org/fhir/")],
        "low",
    ),
    "with what it deletes": ("history", [gone(resource=O3["resource"])], "cannot_tell"),
    "in lower case": ("batch", [O3, {"request": {"method": "delete", "url": "Observation/o3"}}], "cannot_tell"),
    "another kind": ("batch", [O3, {"request": {"method": "DELETE", "url": "Condition/o3"}}], "low"),
}


def bundle(kind: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    first = {"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/p1"}}
    return {"resourceType": "Bundle", "type": kind, "entry": [first, put("o1"), put("o2"), *entries]}


def flags(path: Path, tmp_path: Path) -> list[dict[str, Any]]:
    cbc.scan(path, tmp_path / "flags.csv", tmp_path / "rejects.csv", force=True)
    return pd.read_csv(tmp_path / "flags.csv").to_dict("records")


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("form", ["document", "line"])
def test_the_platelets(tmp_path: Path, name: str, form: str) -> None:
    kind, entries, line = BUNDLES[name]
    path = tmp_path / "in.json"
    text = json.dumps(bundle(kind, entries), indent=None if form == "line" else 1)
    path.write_text(f"{text}\n{json.dumps(PATIENT)}\n" if form == "line" else text, encoding="utf-8")
    [row] = flags(path, tmp_path)
    assert (row["platelet_line"], row["red_line"], row["white_line"]) == (line, "not_low", "not_low")
    result = [one for one in FHIRSource(path).items() if isinstance(one, LabResult) and "777-3" in str(one.codes)]
    assert len(result) <= entries.count(O3) + 2


def test_what_was_deleted_is_gone_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text(json.dumps(bundle("history", BUNDLES["later by its moment"][1])), encoding="utf-8")
    found = cbc.scan(path, tmp_path / "flags.csv")
    assert (found.results["read"], found.results["used"], found.results["rejected"]) == (2, 2, {})
    assert found.results["without_results"]["deleted"] == 1
    path.write_text(json.dumps(bundle("history", BUNDLES["nothing says when"][1])), encoding="utf-8")
    found = cbc.scan(path, tmp_path / "flags.csv", force=True)
    assert found.results["read"] == 3
    [row] = pd.read_csv(tmp_path / "flags.csv").to_dict("records")
    assert "platelets:STATUS_NOT_FINAL" in row["reasons"]


@pytest.mark.parametrize("last", [0, 29])
def test_one_of_many_that_are_read_by_a_pattern(tmp_path: Path, last: int) -> None:
    """Observations that are told from each other by their texts alone: the one that was deleted is found."""
    entries = []
    for number in range(30):
        one = put("o3")
        one["resource"] |= {"id": f"n{number}", "effectiveDateTime": f"2024-04-{number + 1:02}"}
        one["request"]["url"] = f"Observation/n{number}"
        entries.append(one)
    path = tmp_path / "in.json"
    made = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": PATIENT}, *entries, gone(f"n{last}")]}
    path.write_text(json.dumps(made), encoding="utf-8")
    assert len(flags(path, tmp_path)) == 29
    careful = [one.collected_at for one in FHIRSource(path).items() if isinstance(one, LabResult)]
    assert (len(careful), f"2024-04-{last + 1:02}" in careful) == (29, False)


@pytest.mark.parametrize("order", ["before", "behind", "apart"])
def test_a_deletion_on_another_line_or_in_another_file(tmp_path: Path, order: str) -> None:
    """As bulk exports tell it: what was deleted stands in a Bundle of its own."""
    lines = [json.dumps(one) for one in (PATIENT, *(put(name)["resource"] for name in TESTS))]
    deletion = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [gone()]})
    own = {"before": [deletion, *lines], "behind": [*lines, deletion], "apart": lines}[order]
    (tmp_path / "a.ndjson").write_text("\n".join(own) + "\n", encoding="utf-8")
    names = [tmp_path / "a.ndjson"]
    if order == "apart":
        (tmp_path / "b.ndjson").write_text(f"{deletion}\n{json.dumps(PATIENT)}\n", encoding="utf-8")
        names.append(tmp_path / "b.ndjson")
    cbc.scan(names, tmp_path / "flags.csv")
    [row] = pd.read_csv(tmp_path / "flags.csv").to_dict("records")
    assert (row["platelet_line"], row["red_line"]) == ("cannot_tell", "not_low")
