"""Synthetic FHIR resources with what stands often and what is odd, for properties of its readers."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

PERSONS = [f"Patient/p{number}" for number in range(12)]
ODD_PERSONS = (
    "", "#p1", "https://a.org/fhir/Patient/p1", "Patient/p1/_history/2", "urn:uuid:0a1b2c3d-0000-4000-8000-000000000001", "Group/p1",
    "Patient?identifier=urn:x|7", "Patient/\u00e4", "patient/p1", "http://b.org/Patient/p1",
)  # fmt: skip
TIMES = [f"2024-01-{day:02}T08:00:00Z" for day in range(1, 15)]
ODD_TIMES = (
    "2024-01-01", "2024-01", "2024", "", "2024-01-01T09:00:00+01:00", "2024-02-30T08:00:00Z", "2024-01-01T08:00:00.000Z",
    "1900-01-01T00:00:00Z", "yesterday", "2024-01-01T24:00:00Z",
)  # fmt: skip
TESTS = (
    ("718-7", "Hemoglobin", "g/dL"), ("777-3", "Platelets", "10*3/uL"), ("6690-2", "Leukocytes", "10*3/uL"),
    ("751-8", "Neutrophils", "10*3/uL"), ("2345-7", "Glucose", "mg/dL"), ("718-7", "Platelets", "g/dL"),
    ("X1", "Platelet clumps", ""), ("30525-0", "Age", "a"), ("X2", "Schistocytes", ""), ("770-8", "Neutrophils %", "%"),
)  # fmt: skip
STATUSES = (
    "final",
    "amended",
    "corrected",
    "preliminary",
    "cancelled",
    "entered-in-error",
    "registered",
    "unknown",
    "",
)
NOTES = ("performed elsewhere", "Platelet clumps seen", "specimen clotted", "disregard", "no platelet clumps")
EXTRA: tuple[dict[str, Any], ...] = (
    {"note": [{"text": "Platelet clumps seen"}]}, {"note": [{"text": "see lab"}]}, {"interpretation": [{"coding": [{"code": "L"}]}]},
    {"modifierExtension": [{"url": "x"}]}, {"focus": [{"reference": "Patient/p9"}]}, {"specimen": {"reference": "Specimen/s1"}},
    {"specimen": {"reference": "Specimen/s2", "display": "Blood"}}, {"specimen": {"display": "Urine"}}, {"implicitRules": "x"},
    {"contained": [{"resourceType": "Specimen", "id": "s", "type": {"text": "Urine"}}], "specimen": {"reference": "#s"}},
    {"effectivePeriod": {"start": "2024-01-01", "end": "2024-01-09"}}, {"dataAbsentReason": {"text": "unknown"}},
    {"bodySite": {"text": "Pleural fluid"}}, {"meta": {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]}},
    {"performer": [{"reference": "Practitioner/7", "display": "Dr. \u00c4"}]}, {"identifier": [{"system": "u", "value": "9.1"}]},
    {"component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]}, "valueQuantity": {"value": 90, "unit": "10*3/uL"}}]},
    {"valueString": "CLUMPED"}, {"hasMember": [{"reference": "Observation/o1"}]}, {"derivedFrom": [{"reference": "Observation/o1"}]},
    {"subject": {"reference": "Patient/p1", "display": "A \"B\""}}, {"encounter": {"reference": "Encounter/e1"}}, {"valueQuantity": None},
    {"referenceRange": [{"low": {"value": 4}, "high": {"value": 11}}]}, {"referenceRange": [{"text": "F: 11.7-15.5 M: 13.2-17.1"}]},
    {"valueQuantity": {"value": "9.1", "unit": "g/dL"}}, {"valueQuantity": {"value": 9.10, "comparator": "<", "unit": "g/dL"}},
    {"valueQuantity": {"value": -1, "unit": "g/dL"}}, {"valueQuantity": {"value": 1e2, "unit": "10*3/uL"}}, {"code": {"text": "Hemoglobin"}},
    {"valueQuantity": {"value": 9.1, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "mmol/L"}}, {"code": {}}, {"id": None},
)  # fmt: skip


def observation(chance: random.Random, odd: float, number: int) -> dict[str, Any]:
    """Make an Observation."""
    code, name, unit = TESTS[number % 4] if chance.random() > odd else chance.choice(TESTS)
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "meta": {"versionId": str(chance.randrange(3)), "lastUpdated": chance.choice(TIMES)},
        "status": "final" if chance.random() > odd / 2 else chance.choice(STATUSES),
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}], "text": name},
        "subject": {"reference": chance.choice(PERSONS) if chance.random() > odd / 2 else chance.choice(ODD_PERSONS)},
        "effectiveDateTime": chance.choice(TIMES) if chance.random() > odd / 2 else chance.choice(ODD_TIMES),
        "issued": chance.choice(TIMES),
        "valueQuantity": {"value": chance.choice((9.1, 4, 250, 7.25, 13.0, 0)), "unit": unit},
    }
    while chance.random() < odd:
        made |= copy.deepcopy(chance.choice(EXTRA))
    return made


def other(chance: random.Random, number: int) -> dict[str, Any]:
    """Make a resource that is no Observation."""
    result = f"Observation/o{chance.randrange(max(number, 1))}"
    return chance.choice(
        (
            {"resourceType": "Specimen", "id": "s1", "type": {"text": chance.choice(("Blood", "Urine", "Control"))}},
            {"resourceType": "Specimen", "id": "s2", "status": chance.choice(("available", "unsatisfactory"))},
            {"resourceType": "DiagnosticReport", "id": "r", "status": chance.choice(("final", "entered-in-error", "cancelled")),
             "code": {"text": "CBC"}, "subject": {"reference": chance.choice(PERSONS)}, "result": [{"reference": result}],
             "conclusion": chance.choice(("", *NOTES))},
            {"resourceType": "Claim", "id": "c", "item": [{"net": {"value": 1.50}, "detail": []}]},
            {"resourceType": "Claim", "id": "d", "contained": [observation(chance, 0.0, number)]},
            {"resourceType": "Encounter", "id": chance.choice(("e1", 7, None)), "text": "\\ \"quoted\" {[]}"},
            {"resourceType": 7}, {"id": "x"}, {"resourceType": "Bundle", "entry": [{"resource": observation(chance, 0.3, number)}]},
            {"resourceType": "Parameters", "parameter": [{"name": "return", "resource": observation(chance, 0.1, number)}]},
            {"resourceType": "Patient", "id": "p3", "animal": {"species": {"text": "dog"}}},
        )
    )  # fmt: skip


def bundle(chance: random.Random, odd: float, many: int) -> str:
    """Make a Bundle, with reports that list results, and much that is not read."""
    entries: list[Any] = [entry(resource, chance, odd) for resource in patients(chance)]
    for number in range(many):
        if chance.random() < 0.3:
            entries.append(entry(claim(chance, number, odd), chance, odd))
        if chance.random() < odd:
            entries.append(entry(other(chance, number), chance, odd))
        own = observation(chance, odd, number)
        if chance.random() < 0.5 and "reference" in own["subject"]:
            own["subject"]["reference"] = own["subject"]["reference"].replace("Patient/", "urn:uuid:Patient-")
        entries.append(entry(own, chance, odd))
        if chance.random() < 0.3:
            listed = [{"reference": f"urn:uuid:Observation-o{number - place}"} for place in range(min(number, 4))]
            status = "final" if chance.random() > odd else chance.choice(("cancelled", "entered-in-error"))
            report: dict[str, Any] = {
                "resourceType": "DiagnosticReport",
                "id": f"r{number}",
                "status": status,
                "result": listed,
            }
            report["code"] = {"text": chance.choice(("CBC", "CBC", "Urinalysis"))}
            report["conclusion"] = chance.choice(("", "", "", "", *NOTES))
            entries.append(entry(report, chance, odd))
        if chance.random() < odd / 3:
            panel = {
                "resourceType": "Observation",
                "id": f"p{number}",
                "status": "final",
                "code": {"text": "CBC panel"},
            }
            members = [{"reference": f"Observation/o{number}"}]
            entries.append(
                entry(
                    {**panel, "hasMember": members, "specimen": {"display": chance.choice(("Blood", "Urine"))}},
                    chance,
                    odd,
                )
            )
        if chance.random() < odd / 6:
            entries.append(
                chance.choice((7, None, {}, {"resource": 5}, [], {"fullUrl": "x", "response": {"status": "204"}}))
            )
    if chance.random() < odd:
        chance.shuffle(entries)
    made: dict[str, Any] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    if chance.random() < odd:
        made["meta"] = {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]}
    if chance.random() < odd:
        made = {"meta": {"extension": [{"entry": [1]}]}, **made}
    text = written(made, chance, odd / 8, chance.choice((None, 2)))
    if chance.random() < odd:
        text = text.replace('"net"', '"net":{"a":"{"},"net"', 1)
    return text


def entry(resource: dict[str, Any], chance: random.Random, odd: float) -> dict[str, Any]:
    """Make the entry of a resource."""
    made = {"fullUrl": f"urn:uuid:{resource.get('resourceType')}-{resource.get('id')}", "resource": resource}
    if chance.random() > odd:
        made["request"] = {"method": "POST", "url": str(resource.get("resourceType"))}
    if chance.random() < odd / 3:
        del made["fullUrl"]
    return made


def claim(chance: random.Random, number: int, odd: float) -> dict[str, Any]:
    """Make a resource that is not read."""
    nested: Any = {"value": chance.choice(("a", "[b", "c}", "\u00e4", "]"))}
    for _ in range(chance.choice((0, 1, 3, 70 if chance.random() < odd else 2))):
        nested = {"part": [nested]} if chance.random() < 0.8 else {"part": nested, "sum": 1.5}
    made = {
        "resourceType": chance.choice(("Claim", "Encounter")),
        "id": f"c{number}",
        "item": [nested, {"net": {"value": 2.50}}],
    }
    if chance.random() < odd:
        made |= {"contained": [observation(chance, odd, number)]}
    return made


def patients(chance: random.Random) -> list[dict[str, Any]]:
    """Make the patients, some of them twice."""
    return [
        {"resourceType": "Patient", "id": reference.partition("/")[2], "gender": chance.choice(("female", "male")), "birthDate": "1960-05-01",
         "identifier": [{"system": "urn:x", "value": "7"}] if reference.endswith("p7") else []}
        for reference in chance.sample(PERSONS, len(PERSONS)) + PERSONS[: chance.choice((0, 0, 3))]
    ]  # fmt: skip


def written(resource: Any, chance: random.Random, odd: float, indent: int | None = None) -> str:
    """Write JSON, now and then damaged."""
    spaced = chance.random() < odd
    separators = (", ", ": ") if spaced else (",", ":" if indent is None else ": ")
    text = json.dumps(resource, ensure_ascii=chance.random() < 0.5, separators=separators, indent=indent)
    lot = chance.random()
    if lot < odd / 6:
        return text[: chance.randrange(len(text))]
    if lot < odd / 3:
        return text.replace('"status"', '"id":"twice","status"', 1)
    if lot < odd / 2:
        place = chance.randrange(len(text))
        return text[:place] + chance.choice(('"', "\\", "\t", "\u00e4", "9", "{", ":", "")) + text[place + 1 :]
    return text
