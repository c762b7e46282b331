"""Tables of results, HL7 v2 messages and FHIR resources, written from counts."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oracle.results import LOINC, Count, Result

CDISC = {
    "hemoglobin": "HGB", "hematocrit": "HCT", "rbc": "RBC", "mcv": "MCV", "mch": "MCH", "mchc": "MCHC",
    "rdw_cv": "RDW", "platelets": "PLAT", "mpv": "MPV", "wbc": "WBC", "neutrophils": "NEUT", "lymphocytes": "LYM",
    "monocytes": "MONO", "eosinophils": "EOS", "basophils": "BASO", "neutrophils_percent": "NEUTLE",
    "lymphocytes_percent": "LYMLE", "reticulocytes": "RETI", "reticulocytes_percent": "RETIRBC",
}  # fmt: skip
FHIR_STATUS = {"F": "final", "C": "corrected", "A": "amended", "P": "preliminary", "I": "registered", "X": "cancelled"}
FHIR_STATUS |= {"D": "entered-in-error", "O": "registered", "R": "preliminary", "pending": "registered"}
UCUM = {"10*9/L": "10*9/L", "10*3/uL": "10*3/uL", "/uL": "/uL", "g/dL": "g/dL", "g/L": "g/L", "%": "%", "fL": "fL"}
BOUNDS = (("<=", "<="), (">=", ">="), ("<", "<"), (">", ">"))


# A table of results -------------------------------------------------------------------------


def write_long(counts: Sequence[Count], folder: Path) -> tuple[Path, Path]:
    """Write the two tables of CDISC: results, and persons."""
    results, persons = folder / "lb.csv", folder / "dm.csv"
    with results.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["USUBJID", "LBTESTCD", "LBDTC", "LBORRES", "LBORRESU", "LBORNRLO", "LBORNRHI", "LBSTAT"])
        for count in counts:
            for one in count.results:
                low, high = one.range or ("", "")
                status = "" if one.status == "F" else one.status
                taken = count.row.written.fields["collected_at"] or ""
                writer.writerow([count.number, CDISC[one.analyte], taken, one.text, one.unit, low, high, status])
    with persons.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["USUBJID", "BRTHDTC", "SEX"])
        for count in counts:
            fields = count.row.written.fields
            writer.writerow([count.number, fields["birth_date"] or "", fields["sex"] or ""])
    return results, persons


# HL7 v2 -------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    for mark, code in (("\\", "E"), ("|", "F"), ("^", "S"), ("&", "T"), ("~", "R")):
        text = text.replace(mark, f"\\{code}\\")
    return text


def _day(text: str | None) -> str:
    return (text or "").replace("-", "").replace(":", "").replace("T", "")


def write_hl7(counts: Sequence[Count], folder: Path, pick: random.Random) -> Path:
    """Write a message for each count."""
    path = folder / "feed.hl7"
    messages: list[str] = []
    for count in counts:
        fields = count.row.written.fields
        day = _day(fields["collected_at"])
        segments = [
            f"MSH|^~\\&|LAB|H|||{day}||ORU^R01|{count.number}|P|2.5.1||||||UNICODE UTF-8",
            f"PID|1||{count.number}^^^H||X^Y||{_day(fields['birth_date'])}|{_escaped((fields['sex'] or '').strip())}",
            f"OBR|1||{count.number}|58410-2^CBC^LN|||{day}",
        ]
        for place, one in enumerate(count.results, 1):
            limits = "-".join(one.range) if one.range else ""
            kind = "NM" if one.plain else pick.choice(("ST", "ST", "TX"))
            text = one.text if pick.random() < 0.5 and "&" in one.text else _escaped(one.text)
            code = "^".join(one.identity or (LOINC[one.analyte], one.analyte, "LN"))
            segments.append(f"OBX|{place}|{kind}|{code}||{text}|{_escaped(one.unit)}|{limits}||||{one.status}")
        messages.append("".join(f"{segment}\r" for segment in segments))
    path.write_text("".join(messages), encoding="utf-8", newline="")
    return path


# FHIR ---------------------------------------------------------------------------------------


def write_fhir(counts: Sequence[Count], folder: Path, pick: random.Random) -> Path:
    """Write a patient and observations for each count, one resource a line."""
    path = folder / "feed.ndjson"
    with path.open("w", encoding="utf-8") as file:
        for count in counts:
            fields = count.row.written.fields
            sex = (fields["sex"] or "").strip().lower()
            patient = {"resourceType": "Patient", "id": count.number, "gender": sex or None}
            if fields["birth_date"]:
                patient["birthDate"] = fields["birth_date"]
            file.write(json.dumps({k: v for k, v in patient.items() if v is not None}) + "\n")
            for place, one in enumerate(count.results):
                file.write(json.dumps(_observation(count, one, place, pick)) + "\n")
    return path


def _observation(count: Count, one: Result, place: int, pick: random.Random) -> dict[str, Any]:
    status = one.status if one.status in ("preliminary", "cancelled", "registered", "entered-in-error") else None
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"{count.number}-{place}",
        "status": status or FHIR_STATUS.get(one.status, "preliminary"),
        "code": _code(one),
        "subject": {"reference": f"Patient/{count.number}"},
    }
    if count.row.written.fields["collected_at"]:
        taken = count.row.written.fields["collected_at"]
        found["effectiveDateTime"] = taken + ("Z" if "T" in taken else "")
    found |= _value(one, pick)
    if one.range and "valueQuantity" in found and "unit" in found["valueQuantity"]:
        low, high = (
            {"value": float(limit), "unit": found["valueQuantity"]["unit"]} for limit in one.range
        )  # fmt: skip
        found["referenceRange"] = [{"low": low, "high": high}]
    return found


def _code(one: Result) -> dict[str, Any]:
    if one.identity is None:
        return {"coding": [{"system": "http://loinc.org", "code": LOINC[one.analyte]}]}
    code, name, system = one.identity
    address = "http://loinc.org" if system == "LN" else "urn:oid:1.2.3.4"
    return {"coding": [{"system": address, "code": code, "display": name}], "text": name}


def _value(one: Result, pick: random.Random) -> dict[str, Any]:
    if not one.text:
        return pick.choice(({}, {"dataAbsentReason": {"text": "not performed"}}))
    for sign, comparator in BOUNDS:
        rest = one.text.removeprefix(sign)
        if one.text.startswith(sign) and _number(rest) and one.unit:
            return {"valueQuantity": {"value": float(rest), "comparator": comparator, **_unit(one.unit, pick)}}
    if one.plain and _number(one.text) and one.unit:
        return {"valueQuantity": {"value": float(one.text), **_unit(one.unit, pick)}}
    # A letter and a unit may make another unit ("39 M /uL").
    text = f"{one.text} {one.unit}" if one.unit and (not one.text[-1].isalpha() or "/" in one.text) else one.text
    return {"valueString": text}


def _unit(unit: str, pick: random.Random) -> dict[str, str]:
    if unit in UCUM and pick.random() < 0.5:
        return {"unit": unit, "system": "http://unitsofmeasure.org", "code": UCUM[unit]}
    return {"unit": unit}


def _number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()
