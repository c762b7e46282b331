"""Synthetic messages and resources for benchmarks, made without the library: nothing in them is of a person.

A count has fifteen results. Persons, moments and values differ; codes, names, units and limits are those of one
laboratory, as in a feed.
"""

from __future__ import annotations

import datetime
import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Test(NamedTuple):
    """A test of a count: its code, name and unit, where its values lie, and its limits."""

    loinc: str
    name: str
    unit: str
    mean: float
    spread: float
    digits: int
    low: float
    high: float


TESTS = (
    Test("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 13.5, 2.0, 1, 11.7, 15.5),
    Test("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count", "%", 40, 6, 1, 35, 46),
    Test("789-8", "Erythrocytes [#/volume] in Blood by Automated count", "10*6/uL", 4.6, 0.6, 2, 3.9, 5.2),
    Test("787-2", "MCV [Entitic volume] by Automated count", "fL", 89, 7, 1, 81, 100),
    Test("785-6", "MCH [Entitic mass] by Automated count", "pg", 30, 2, 1, 27, 34),
    Test("786-4", "MCHC [Mass/volume] by Automated count", "g/dL", 33.5, 1, 1, 31, 36),
    Test("788-0", "Erythrocyte distribution width [Ratio] by Automated count", "%", 13.6, 1.2, 1, 11.5, 15),
    Test("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL", 7, 2.5, 2, 4, 11),
    Test("751-8", "Neutrophils [#/volume] in Blood by Automated count", "10*3/uL", 4, 1.7, 2, 1.8, 7.7),
    Test("731-0", "Lymphocytes [#/volume] in Blood by Automated count", "10*3/uL", 2, 0.7, 2, 1, 4),
    Test("742-7", "Monocytes [#/volume] in Blood by Automated count", "10*3/uL", 0.5, 0.2, 2, 0.2, 1),
    Test("711-2", "Eosinophils [#/volume] in Blood by Automated count", "10*3/uL", 0.2, 0.1, 2, 0, 0.5),
    Test("704-7", "Basophils [#/volume] in Blood by Automated count", "10*3/uL", 0.05, 0.02, 2, 0, 0.2),
    Test("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", 240, 80, 0, 150, 400),
    Test("32623-1", "Platelet mean volume [Entitic volume] in Blood by Automated count", "fL", 9.5, 1, 1, 7.5, 11.5),
)
MESSAGES_OF_ONE = 4
_FIRST = datetime.datetime(2015, 1, 1)
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def _moment(chance: random.Random) -> datetime.datetime:
    return _FIRST + datetime.timedelta(minutes=chance.randrange(10 * 365 * 24 * 60))


def _value(test: Test, chance: random.Random) -> str:
    return f"{abs(chance.gauss(test.mean, test.spread)):.{test.digits}f}"


def _id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


# HL7 v2 ----------------------------------------------------------------------------------


def write_hl7(path: Path, messages: int) -> None:
    """Write a feed of ORU messages: one count each, four for a person."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        for number in range(messages):
            file.write("\r".join(_message(number, chance)) + "\r")


def _message(number: int, chance: random.Random) -> Iterator[str]:
    person = number // MESSAGES_OF_ONE
    taken = _moment(chance).strftime("%Y%m%d%H%M%S")
    born, sex = f"{1930 + person % 75}0{1 + person % 9}1{person % 9}", "FM"[person % 2]
    yield f"MSH|^~\\&|LIS|LAB|EHR|HOSP|{taken}||ORU^R01^ORU_R01|M{number}|P|2.5.1|||||||||"
    yield f"PID|1||{1_000_000 + person}^^^HOSP^MR||DOE^{person}||{born}|{sex}|||{person} ELM ST^^TOWN^ST^00000"
    yield f"PV1|1|I|3W^{person % 30}^1|||||||||||||||V{number}"
    yield f"ORC|RE|P{number}^EHR|F{number}^LIS||CM||||{taken}"
    yield (
        f"OBR|1|P{number}^EHR|F{number}^LIS|58410-2^CBC W Auto Differential panel^LN|||{taken}|||||||{taken}|BLD^Blood^HL70070|"
        f"1234^SMITH|||||||{taken}||LAB|F"
    )
    for place, test in enumerate(TESTS, start=1):
        value = _value(test, chance)
        flag = "L" if float(value) < test.low else "H" if float(value) > test.high else "N"
        yield (
            f"OBX|{place}|NM|{test.loinc}^{test.name}^LN||{value}|{test.unit}^{test.unit}^UCUM|{test.low}-{test.high}|{flag}|||F|||"
            f"{taken}||TECH^{person % 12}"
        )


# FHIR ------------------------------------------------------------------------------------


def _patient(name: str, chance: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": name,
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00.000Z"},
        "identifier": [{"system": "urn:hospital:mrn", "value": name}],
        "name": [{"family": "Doe", "given": [name[:5]]}],
        "gender": chance.choice(("female", "male")),
        "birthDate": f"{chance.randrange(1930, 2006)}-0{chance.randrange(1, 10)}-1{chance.randrange(10)}",
    }


def _observation(
    name: str, test: Test, person: str, visit: str, when: datetime.datetime, chance: random.Random
) -> dict[str, Any]:
    coding = {"system": _LOINC, "code": test.loinc, "display": test.name}
    unit = {"unit": test.unit, "system": _UCUM, "code": test.unit}
    return {
        "resourceType": "Observation",
        "id": name,
        "meta": {"versionId": "1", "lastUpdated": when.isoformat() + ".000Z"},
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORY, "code": "laboratory", "display": "Laboratory"}]}],
        "code": {"coding": [coding], "text": test.name},
        "subject": {"reference": person},
        "encounter": {"reference": visit},
        "effectiveDateTime": when.isoformat() + "+00:00",
        "issued": (when + datetime.timedelta(hours=1)).isoformat() + ".123+00:00",
        "valueQuantity": {"value": _Number(_value(test, chance)), **unit},
        "referenceRange": [{"low": {"value": test.low, **unit}, "high": {"value": test.high, **unit}}],
    }


class _Number(float):
    """A number that is written with the digits it has: 13.50 is not 13.5."""

    def __new__(cls, text: str) -> _Number:
        own = super().__new__(cls, text)
        own.text = text
        return own

    text: str

    def __repr__(self) -> str:
        return self.text


def _compact(resource: dict[str, Any]) -> str:
    return _written(resource, None)


def _written(resource: dict[str, Any], indent: int | None) -> str:
    """Write JSON; the encoder writes a float as `float.__repr__` does, so numbers are put in afterwards."""
    numbers: list[str] = []

    def marked(value: Any) -> Any:
        if isinstance(value, _Number):
            numbers.append(value.text)
            return "\u0001"
        if isinstance(value, dict):
            return {key: marked(one) for key, one in value.items()}
        return [marked(one) for one in value] if isinstance(value, list) else value

    separators = (",", ":") if indent is None else (",", ": ")
    parts = json.dumps(marked(resource), indent=indent, separators=separators).split('"\\u0001"')
    return "".join(text for pair in zip(parts, [*numbers, ""], strict=True) for text in pair)


def write_fhir_lines(path: Path, observations: int) -> None:
    """Write a bulk export: the persons, then their results, four counts for each."""
    chance = random.Random(2)
    counts = max(1, observations // len(TESTS))
    persons = [_id(chance) for _ in range(max(1, counts // 4))]
    with path.open("w", encoding="utf-8") as file:
        for person in persons:
            file.write(_compact(_patient(person, chance)) + "\n")
        for count in range(counts):
            person, visit, when = persons[count % len(persons)], _id(chance), _moment(chance)
            for test in TESTS:
                own = _observation(_id(chance), test, f"Patient/{person}", f"Encounter/{visit}", when, chance)
                file.write(_compact(own) + "\n")


def write_fhir_bundles(folder: Path, bundles: int, counts: int, claims: int) -> None:
    """Write Bundles of one person each, indented as exports of whole records are: counts with their reports, and claims."""
    chance = random.Random(3)
    for number in range(bundles):
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(_entries(counts, claims, chance))}
        (folder / f"{number}.json").write_text(_written(bundle, 2), encoding="utf-8")


def _entries(counts: int, claims: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    person = _id(chance)
    yield _entry(_patient(person, chance), person)
    for count in range(counts):
        visit, when = _id(chance), _moment(chance)
        yield _entry(_encounter(visit, person, when), visit)
        names = [_id(chance) for _ in TESTS]
        for name, test in zip(names, TESTS, strict=True):
            own = _observation(name, test, f"urn:uuid:{person}", f"urn:uuid:{visit}", when, chance)
            yield _entry(own, name)
        report = _id(chance)
        yield _entry(_report(report, person, visit, when, names), report)
        for _ in range(claims * (count + 1) // counts - claims * count // counts):
            claim = _id(chance)
            yield _entry(_claim(claim, person, visit, when, chance), claim)


def _entry(resource: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        "fullUrl": f"urn:uuid:{name}",
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]},
    }


def _encounter(name: str, person: str, when: datetime.datetime) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": name,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"urn:uuid:{person}", "display": "Doe"},
        "period": {"start": when.isoformat() + "+00:00", "end": when.isoformat() + "+00:00"},
    }


def _report(name: str, person: str, visit: str, when: datetime.datetime, results: list[str]) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": name,
        "status": "final",
        "code": {"coding": [{"system": _LOINC, "code": "58410-2", "display": "CBC panel - Blood by Automated count"}]},
        "subject": {"reference": f"urn:uuid:{person}"},
        "encounter": {"reference": f"urn:uuid:{visit}"},
        "effectiveDateTime": when.isoformat() + "+00:00",
        "issued": when.isoformat() + ".123+00:00",
        "result": [
            {"reference": f"urn:uuid:{one}", "display": test.name} for one, test in zip(results, TESTS, strict=True)
        ],
    }


def _claim(name: str, person: str, visit: str, when: datetime.datetime, chance: random.Random) -> dict[str, Any]:
    def amount(value: float) -> dict[str, Any]:
        return {"value": _Number(f"{value:.2f}"), "currency": "USD"}

    def concept(code: str, display: str) -> dict[str, Any]:
        return {
            "coding": [{"system": "http://snomed.info/sct", "code": code, "display": display}],
            "text": display,
        }

    period = {"start": when.isoformat() + "+00:00", "end": when.isoformat() + "+00:00"}
    items = [
        {
            "sequence": place,
            "productOrService": concept(
                str(chance.randrange(10**8, 10**9)), "Measurement of something in a sample (procedure)"
            ),
            "servicedPeriod": period,
            "locationCodeableConcept": concept("21", "Inpatient Hospital"),
            "encounter": [{"reference": f"urn:uuid:{visit}"}],
            "net": amount(chance.uniform(1, 900)),
            "adjudication": [
                {
                    "category": concept(code, "Line Beneficiary Coinsurance Amount"),
                    "amount": amount(chance.uniform(1, 99)),
                }
                for code in ("1001", "1002", "1003")
            ],
        }
        for place in range(1, 6)
    ]
    return {
        "resourceType": "ExplanationOfBenefit",
        "id": name,
        "identifier": [{"system": "https://bluebutton.cms.gov/resources/variables/clm_id", "value": name}],
        "status": "active",
        "type": concept("professional", "Professional"),
        "use": "claim",
        "patient": {"reference": f"urn:uuid:{person}"},
        "billablePeriod": period,
        "created": when.isoformat() + "+00:00",
        "insurer": {"display": "Somebody"},
        "provider": {"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999999999"},
        "outcome": "complete",
        "item": items,
        "total": [{"category": concept("submitted", "Submitted Amount"), "amount": amount(chance.uniform(1, 900))}],
        "payment": {"amount": amount(chance.uniform(1, 900))},
    }
