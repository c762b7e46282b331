"""A specimen that was rejected, has clotted, or whose report was taken back: its results are sent and not usable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cbc_screen as cbc

COUNTS = [("718-7", 13.5, "g/dL"), ("751-8", 4, "10*9/L"), ("777-3", 250, "10*9/L")]
UNKNOWN = ("cannot_tell", "cannot_tell")


def told(path: Path) -> tuple[str, str]:
    [count] = cbc.Screener().screen_each(str(path)).counts
    return count.result.pattern.value, count.result.urgency.value


def bundle(path: Path, *, specimen: dict[str, Any] | None = None, report: str = "", **observed: Any) -> Path:
    entries: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "a", "gender": "female", "birthDate": "1970-01-01"}
    ]
    for place, (code, value, unit) in enumerate(COUNTS):
        entries.append(
            {
                "resourceType": "Observation",
                "id": f"o{place}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "subject": {"reference": "Patient/a"},
                "effectiveDateTime": "2024-01-01T08:00:00Z",
                "valueQuantity": {"value": value, "unit": unit},
                **({"specimen": {"reference": "Specimen/s"}} if specimen else {}),
                **observed,
            }
        )
    if specimen:
        entries.append({"resourceType": "Specimen", "id": "s", "subject": {"reference": "Patient/a"}, **specimen})
    if report:
        results = [{"reference": f"Observation/o{place}"} for place in range(len(COUNTS))]
        entries.append({"resourceType": "DiagnosticReport", "id": "r", "status": report, "result": results})
    urls = [f"http://x/{own['resourceType']}/{own['id']}" for own in entries]
    wrapped = [{"fullUrl": url, "resource": own} for url, own in zip(urls, entries, strict=True)]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": wrapped}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "specimen",
    [
        {"status": "unsatisfactory"},
        {"status": "unavailable"},
        {"status": "entered-in-error"},
        {"condition": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0493", "code": "CLOT"}]}]},
        {"condition": [{"text": "clotted"}]},
        {"note": [{"text": "Specimen clotted"}]},
    ],
)
def test_results_of_a_specimen_that_could_not_be_used_are_unknown(tmp_path: Path, specimen: dict[str, Any]) -> None:
    assert told(bundle(tmp_path / "b.json", specimen=specimen)) == UNKNOWN


@pytest.mark.parametrize(
    "specimen", [None, {"status": "available"}, {"type": {"text": "blood"}}, {"note": [{"text": "not clotted"}]}]
)
def test_a_sound_specimen_is_blood_as_ever(tmp_path: Path, specimen: dict[str, Any] | None) -> None:
    assert told(bundle(tmp_path / "b.json", specimen=specimen)) == ("none", "none")


@pytest.mark.parametrize(
    ("status", "expected"), [("final", ("none", "none")), ("cancelled", UNKNOWN), ("entered-in-error", UNKNOWN)]
)
def test_a_report_that_was_taken_back_takes_its_results_with_it(
    tmp_path: Path, status: str, expected: tuple[str, str]
) -> None:
    assert told(bundle(tmp_path / "b.json", report=status)) == expected


def test_rules_that_change_what_an_observation_means_leave_it_unknown(tmp_path: Path) -> None:
    assert told(bundle(tmp_path / "b.json", implicitRules="http://x/rules")) == UNKNOWN


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("none", "none")),
        ({4: "BLD^Blood^HL70487"}, ("none", "none")),
        ({21: "RC^Clotting^HL70490"}, UNKNOWN),  # rejected
        ({21: "QS^Quantity not sufficient^HL70490"}, UNKNOWN),
        ({24: "CLOT^Clotted^HL70493"}, UNKNOWN),  # its condition
        ({24: "HEM^Hemolyzed^HL70493"}, ("none", "none")),
    ],
)
def test_an_hl7_specimen_that_was_rejected_or_clotted(
    tmp_path: Path, fields: dict[int, str], expected: tuple[str, str]
) -> None:
    results = [f"OBX|{n}|NM|{code}^x^LN||{value}|{unit}|||||F" for n, (code, value, unit) in enumerate(COUNTS, 1)]
    specimen = "SPM|" + "|".join(fields.get(n, "") for n in range(1, 25))
    head = [
        "MSH|^~\\&|L|H|E|H|20240101||ORU^R01^ORU_R01|1|P|2.5.1",
        "PID|1||P1||||19700101|F",
        "OBR|1|O|F|58410-2^CBC^LN|||20240101080000",
    ]
    path = tmp_path / "m.hl7"
    path.write_text("\r".join([*head, *results, specimen]) + "\r", encoding="utf-8")
    assert told(path) == expected
