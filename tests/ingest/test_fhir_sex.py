"""FHIR: a record that tells two sexes tells none, unless it says which is meant for clinical use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.ingest.fhir import FHIRSource
from cbc_screen.ingest.results import StatedPerson

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
HL7 = "http://hl7.org/fhir/StructureDefinition/"


def recorded(code: str, **more: Any) -> dict[str, Any]:
    value = {"url": "value", "valueCodeableConcept": {"coding": [{"code": code}]}}
    kind = {"url": "type", "valueCodeableConcept": {"coding": [{"code": "76689-9"}]}}
    return {"url": f"{HL7}individual-recordedSexOrGender", "extension": [value, kind], **more}


def clinical(code: str) -> dict[str, Any]:
    value = {"url": "value", "valueCodeableConcept": {"coding": [{"code": code}]}}
    return {"url": f"{HL7}patient-sexParameterForClinicalUse", "extension": [value]}


BIRTH_SEX = {"url": f"{US_CORE}us-core-birthsex", "valueCode": "M"}
# Gender, extensions, the red line of 12.5 g/dL (a woman's limit is 117 g/L, a man's 130), and the reason.
PATIENTS = [
    ("female", [], "not_low", ""),
    ("male", [], "low", ""),
    ("female", [BIRTH_SEX], "cannot_tell", "sex:PERSON_CONFLICT"),
    ("female", [BIRTH_SEX | {"valueCode": "F"}], "not_low", ""),
    ("male", [BIRTH_SEX], "low", ""),
    ("male", [BIRTH_SEX | {"valueCode": "UNK"}], "low", ""),
    ("male", [BIRTH_SEX | {"valueCode": "F"}], "cannot_tell", "sex:PERSON_CONFLICT"),
    ("female", [recorded("male")], "cannot_tell", "sex:PERSON_CONFLICT"),
    ("female", [recorded("248153007")], "cannot_tell", "sex:PERSON_CONFLICT"),
    ("female", [recorded("M")], "cannot_tell", "sex:PERSON_CONFLICT"),
    ("female", [recorded("248152002"), recorded("F")], "not_low", ""),
    ("female", [recorded("F"), recorded("M")], "cannot_tell", "sex:PERSON_CONFLICT"),
    ("female", [{"url": f"{US_CORE}us-core-sex", "valueCode": "248153007"}], "cannot_tell", "sex:PERSON_CONFLICT"),
    (
        "female",
        [{"url": f"{US_CORE}us-core-sex", "valueCoding": {"code": "248153007", "display": "Male"}}],
        "cannot_tell",
        "sex:PERSON_CONFLICT",
    ),
    (
        "male",
        [{"url": "http://fhir.org/guides/argonaut/StructureDefinition/argo-birthsex", "valueCode": "F"}],
        "cannot_tell",
        "sex:PERSON_CONFLICT",
    ),
    ("female", [BIRTH_SEX, clinical("female-typical")], "not_low", ""),
    ("female", [BIRTH_SEX, clinical("male-typical")], "low", ""),
    ("female", [BIRTH_SEX, clinical("unknown")], "cannot_tell", "sex:SEX_MISSING"),
    ("other", [BIRTH_SEX], "cannot_tell", "sex:SEX_MISSING"),
    (None, [BIRTH_SEX], "cannot_tell", "sex:SEX_MISSING"),
    ("female", [{"url": f"{HL7}individual-genderIdentity", "valueCode": "male"}], "not_low", ""),
]


def resources(gender: str | None, extensions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    patient: dict[str, Any] = {
        "resourceType": "Patient",
        "id": "p1",
        "birthDate": "1980-01-01",
        "extension": extensions,
    }
    if gender is not None:
        patient["gender"] = gender
    hemoglobin = {
        "resourceType": "Observation", "id": "o1", "status": "final", "effectiveDateTime": "2024-05-01",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}, "subject": {"reference": "Patient/p1"},
        "valueQuantity": {"value": 12.5, "unit": "g/dL"},
    }  # fmt: skip
    return [patient, hemoglobin]


def bundle(entries: list[dict[str, Any]]) -> str:
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in entries]})


@pytest.mark.parametrize(("gender", "extensions", "line", "reason"), PATIENTS)
@pytest.mark.parametrize("kind", ["bundle", "lines", "turned"])
def test_the_red_line(
    tmp_path: Path, gender: str | None, extensions: list[dict[str, Any]], line: str, reason: str, kind: str
) -> None:
    own = resources(gender, extensions)
    path = tmp_path / ("in.ndjson" if kind == "lines" else "in.json")
    lines = "".join(json.dumps(one) + "\n" for one in own)
    path.write_text(lines if kind == "lines" else bundle(own[:: -1 if kind == "turned" else 1]), encoding="utf-8")
    cbc.scan(path, tmp_path / "flags.csv")
    [row] = pd.read_csv(tmp_path / "flags.csv").to_dict("records")
    told = [own for own in str(row["reasons"]).split(";") if own.startswith("sex:")]
    assert (row["red_line"], told) == (line, [reason] if reason else [])
    [again] = cbc.screen_frame(cbc.read(path)).to_dict("records")
    assert again["red_line"] == line


def test_the_careful_way_and_the_brief_one_tell_both(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text(bundle(resources("female", [BIRTH_SEX])), encoding="utf-8")
    both = [StatedPerson("Patient/p1", "1980-01-01", sex) for sex in ("female", "male")]
    for items in (FHIRSource(path).items(), FHIRSource(path).in_brief()):
        assert [one for one in items if isinstance(one, StatedPerson)] == both
