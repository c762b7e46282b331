"""Damaged FHIR: items or one clear error, whatever stands in the file.

A long run: CBC_SCREEN_FUZZ=100000 python -m pytest tests/security
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cbc_screen import UsageError
from cbc_screen.ingest.fhir import FHIRSource, looks_like_fhir
from cbc_screen.ingest.results import LabResult, NotResults, PlainResult, StatedPerson, StatedSpecimen
from cbc_screen.ingest.source import LONGEST_CONTENT, RejectedRow

RUNS = int(os.environ.get("CBC_SCREEN_FUZZ", "150"))

PIECES = [
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r\n", b"\x00", b"\\", b"\\ud800", b"\\u0000", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\xed\xa0\x80", b"null", b"true", b"NaN", b"Infinity", b"1e999", b"-", b"9" * 1000, b"<",
    b'"id": "x",', b'"resourceType": "Bundle",', b'"reference": "#",', b'"contained": [{}],', b'"value": "<5",',
    b'"entry": {},', b"[" * 70, b"]" * 70, b'{"a":' * 70, b"{" * 1200, b"\xe2\x80\xa8",
]  # fmt: skip
NODES: list[Any] = [
    None, True, False, 0, -1.5, 10**40, "", "x", "#", "#p1", "Patient/a", "\ud800", "\x00", [], {}, [[]], [None], [1],
    ["x"], [{}], {"a": 1}, {"value": []}, {"coding": [[]]}, {"coding": "x"}, {"reference": {}}, {"reference": "#s"},
    {"identifier": {"value": 1}}, {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]},
]  # fmt: skip


def seeds() -> list[dict[str, Any]]:
    """Resources that use everything the reader looks at."""
    concept = {"coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hb"}], "text": "Hb"}
    quantity = {"value": 9.1, "comparator": "<", "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"}
    patient: dict[str, Any] = {"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01", "gender": "male"}
    patient["extension"] = [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse",
            "extension": [{"url": "value", "valueCodeableConcept": {"coding": [{"code": "male-typical"}]}}],
        }
    ]
    specimen = {
        "resourceType": "Specimen",
        "id": "s",
        "type": concept,
        "collection": {"collectedPeriod": {"start": "2024-01-01"}},
    }
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": concept,
        "subject": {"reference": "#p1"},
        "specimen": {"reference": "#s", "display": "EDTA"},
        "valueQuantity": quantity,
        "referenceRange": [{"low": quantity, "high": quantity, "type": concept, "appliesTo": [concept]}],
        "note": [{"text": "clumps"}],
        "contained": [patient, specimen],
        "component": [
            {"code": concept, "valueRange": {"low": quantity, "high": quantity}},
            {"code": concept, "valueRatio": {"numerator": quantity, "denominator": quantity}},
            {"code": concept, "dataAbsentReason": concept},
        ],
    }
    panel = {
        "resourceType": "Observation",
        "id": "p",
        "code": concept,
        "effectivePeriod": {"start": "2024-01-01"},
        "hasMember": [{"reference": "Observation/o"}],
        "related": [{"type": "has-member", "target": {"reference": "Observation/o"}}],
        "focus": [{"reference": "Patient/p1"}],
    }
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "code": concept,
        "subject": {"identifier": {"system": "x", "value": "1"}},
        "effectiveDateTime": "2024-01-01",
        "result": [{"reference": "Observation/p"}, {"reference": "urn:uuid:1"}],
    }
    resources = [observation, panel, report, patient, specimen]
    entries = [{"fullUrl": f"urn:uuid:{number}", "resource": one} for number, one in enumerate(resources)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return [*resources, bundle, {"resourceType": "Bundle", "entry": [{"resource": bundle}, *entries]}]


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree, as a container and a key."""
    found: list[tuple[Any, Any]] = []
    waiting = [node]
    while waiting:
        parent = waiting.pop()
        keys = list(parent) if isinstance(parent, dict) else range(len(parent))
        for key in keys:
            found.append((parent, key))
            if isinstance(parent[key], (dict, list)):
                waiting.append(parent[key])
    return found


def rewritten(resource: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Put nodes of other types, or of other places, into a resource."""
    result = copy.deepcopy(resource)
    for _ in range(chance.randrange(1, 6)):
        found = places(result)
        if not found:
            break
        parent, key = chance.choice(found)
        kind = chance.random()
        if kind < 0.6:
            parent[key] = copy.deepcopy(chance.choice(NODES))
        elif kind < 0.8:
            other, other_key = chance.choice(found)
            parent[key] = copy.deepcopy(other[other_key])
        elif isinstance(parent, dict):
            del parent[key]
        else:
            parent.insert(key, copy.deepcopy(chance.choice(NODES)))
    return result


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Cut, insert, change and repeat pieces of a text."""
    result = bytearray(content[: chance.randrange(len(content) // 2, len(content) + 1)])
    for _ in range(chance.randrange(6)):
        place, kind = chance.randrange(len(result)), chance.random()
        if kind < 0.5:
            result[place:place] = chance.choice(PIECES)
        elif kind < 0.7 and len(result) > 100:
            del result[place : place + chance.randrange(1, 20)]
        elif kind < 0.9:
            result[place] = chance.randrange(256)
        else:
            result[place:place] = result[place : place + chance.randrange(1, 200)]
    return bytes(result)


def written(resources: list[dict[str, Any]], chance: random.Random) -> bytes:
    """Write resources as a document or as NDJSON, sound or damaged."""
    some = [chance.choice(resources) for _ in range(chance.choice((1, 1, 3)))]
    if chance.random() < 0.7:
        some = [rewritten(one, chance) for one in some]
    indent = chance.choice((None, 1)) if len(some) == 1 else None
    content = "\n".join(json.dumps(one, indent=indent) for one in some).encode("utf-8", "surrogatepass")
    return damaged(content, chance) if chance.random() < 0.5 else content


def check(path: Path) -> str:
    """Read a file; return the message of its refusal, or ""."""
    looks_like_fhir(path.read_bytes()[:65_536])
    try:
        source = FHIRSource(path)
        for item in source.items():
            if isinstance(item, LabResult):
                texts = (item.person, item.group, item.value, item.unit, item.specimen, item.panel, item.content)
                texts += (item.collected_at, item.lower, item.upper, item.range_text, *item.notes)
                texts += tuple(text for code in item.codes for text in (code.code, code.name, code.system))
                assert item.line > 0
            elif isinstance(item, StatedPerson):
                texts = (item.key, item.birth_date, item.sex)
                assert item.key
            elif isinstance(item, NotResults):
                texts = (item.kind,)
                assert len(item.kind) <= 40
            elif isinstance(item, StatedSpecimen):
                texts = (item.key, *(text for pair in item.stated for text in pair))
            else:
                assert isinstance(item, RejectedRow)
                texts = (item.content,)
            "".join(texts).encode()  # no lone surrogates, nothing but texts
            assert len(texts[-1]) <= LONGEST_CONTENT or isinstance(item, LabResult)
            assert 0 <= source.share <= 1
    except UsageError as problem:
        refusal = problem
    else:
        return ""
    assert refusal.__context__ is None
    return str(refusal)


def test_damaged_resources_never_end_in_an_uncaught_exception(tmp_path: Path) -> None:
    chance, resources, path = random.Random(20261123), seeds(), tmp_path / "source.json"
    messages = []
    for _ in range(RUNS):
        path.write_bytes(written(resources, chance))
        messages.append(check(path))
    assert sum(map(bool, messages)) < len(messages) // 4
    assert not [message for message in messages if "\n" in message]


def clinic(chance: random.Random) -> dict[str, Any]:
    """A Bundle as a clinic sends it: many plain observations of one person, and claims between them."""
    entries: list[dict[str, Any]] = [{"fullUrl": "urn:uuid:p", "resource": {"resourceType": "Patient", "id": "p"}}]
    for number in range(40):
        claim = {"resourceType": "Claim", "id": f"c{number}", "item": [{"sequence": number}], "total": {"value": 1.50}}
        observation = {
            "resourceType": "Observation",
            "id": f"o{number}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}], "text": "Hb"},
            "subject": {"reference": "Patient/p"},
            "effectiveDateTime": f"2024-01-{number % 28 + 1:02}T08:00:00Z",
            "valueQuantity": {"value": round(chance.uniform(4, 18), 1), "unit": "g/dL"},
        }
        for one in (observation, claim) if chance.random() < 0.8 else (observation,):
            entries.append({"fullUrl": f"urn:uuid:{one['id']}", "resource": one})
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def told(path: Path, *, brief: bool) -> list[Any] | str:
    """Read a file one way; what it gives without the originals, or its refusal."""
    try:
        source = FHIRSource(path)
        items = [one.whole() if isinstance(one, PlainResult) else one for one in source.in_brief()] if brief else []
        items = items if brief else list(source.items())
    except UsageError as problem:
        return str(problem)
    return [replace(one, content="") if hasattr(one, "content") else one for one in items]


def test_both_ways_of_reading_say_the_same_of_damaged_bundles(tmp_path: Path) -> None:
    """What is read in brief, and what is not parsed at all, is what the careful way reads."""
    chance, path = random.Random(20261128), tmp_path / "source.json"
    in_brief = 0
    for _ in range(RUNS):
        bundle = clinic(chance)
        content = json.dumps(rewritten(bundle, chance) if chance.random() < 0.5 else bundle).encode(
            "utf-8", "surrogatepass"
        )
        if chance.random() < 0.7:
            content = patched(content, chance)
        path.write_bytes(content)
        careful = told(path, brief=False)
        assert told(path, brief=True) == careful
        in_brief += isinstance(careful, list) and len(careful) > 40
    assert in_brief > RUNS // 4


def patched(content: bytes, chance: random.Random) -> bytes:
    """Put pieces in that leave many documents JSON: keys again, escapes, blanks, other numbers."""
    result = content
    for _ in range(chance.randrange(1, 4)):
        piece = chance.choice(PATCHES)
        place = chance.choice([at for at in range(len(result)) if result.startswith(piece[0], at)] or [0])
        result = result[:place] + piece[1] + result[place + len(piece[0]) :]
    return result


PATCHES = (
    (b'"id": ', b'"id": "twice", "id": '), (b'"resourceType": ', b'"resourceType": "Claim", "resourceType": '),
    (b'"resource": ', b'"resource": {}, "resource": '), (b'"status": ', b'"status": "amended", "status": '),
    (b'"sequence": ', b'"sequence": 1, "sequence": '), (b'"item": ', b'"contained": [{}], "item": '),
    (b'"item": ', b'"contained": [{"resourceType": "Observation", "id": "o1"}], "item": '),
    (b'"item"', b'"\\u0069tem"'), (b'"resourceType"', b'"resource\\u0054ype"'), (b'"value": ', b'"value":\n '),
    (b", {", b"\n,{"), (b"}, {", b"},, {"), (b"}, {", b"}, null, {"), (b'"entry": [', b'"entry": [], "entry": ['),
    (b'"type": ', b'"meta": {"entry": [1]}, "type": '), (b'"Hb"', b'"H\xffb"'), (b'"Hb"', b'"H\xc3\xa4"'), (b'"g/dL"', b'"g\\/dL"'),
    (b"1.5", b"NaN"), (b'"Observation"', b'"Claim"'), (b'"Claim"', b'"Observation"'), (b'"urn:uuid:o', b'"urn:uuid:c'),
    (b'"Patient/p"', b'"#p"'), (b'"Patient/p"', b'"urn:uuid:p"'), (b'"Patient/p"', b'"Claim/c1"'), (b"[{", b"[" * 70 + b"{"), (b'"final"', b'"entered-in-error"'),
)  # fmt: skip


def test_real_resources_with_nodes_of_other_types(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "fhir_hl7_examples"
    names = ["r4/Bundle-ghp.json", "stu3/DiagnosticReport-report.json", "dstu2/DiagnosticReport-ghp.json"]
    names += ["uscore_current/observation-cbc-hematocrit.json", "uscore_current/patient-example.json"]
    resources = [json.loads((folder / name).read_bytes()) for name in names]
    chance, path = random.Random(20261124), tmp_path / "source.json"
    for _ in range(max(RUNS // 10, 20)):
        path.write_bytes(written(resources, chance))
        check(path)


def test_damaged_packing(tmp_path: Path) -> None:
    chance, path = random.Random(20261125), tmp_path / "source.json.gz"
    whole = gzip.compress("\n".join(map(json.dumps, seeds())).encode())
    for _ in range(max(RUNS // 10, 50)):
        path.write_bytes(damaged(whole, chance))
        check(path)


@pytest.mark.parametrize(
    "value",
    ["9" * 10**6, "1." + "9" * 10**6, "1e" + "9" * 10**6, "[" * 10**5, '{"a":' * 10**5, '"' + "x" * 10**6 + '"',
     '"' + r"\ud800" * 10**5 + '"', "[" + "[]," * 10**5 + "[]]", '{"a":1,"a":' * 500 + "1" + "}" * 500],
    ids=lambda value: value[:6],
)  # fmt: skip
@pytest.mark.parametrize("field", ["valueQuantity.value", "id", "subject.reference", "component", "x"])
def test_one_monstrous_value(tmp_path: Path, value: str, field: str) -> None:
    name, _, inner = field.partition(".")
    placed = f'{{"{inner}":{value}}}' if inner else value
    text = f'{{"resourceType":"Observation","code":{{"text":"Hb"}},"{name}":{placed}}}'
    path = tmp_path / "source.json"
    for content in (
        text,
        f'{text}\n{{"resourceType":"Patient","id":"a"}}',
        f'{{"resourceType":"Bundle","entry":[{text}]}}',
    ):
        path.write_text(content)
        assert check(path) == ""


@pytest.mark.parametrize(
    "reference",
    ["https://" + "A/" * 10**5, "https://" + ("A/" + "x" * 100) * 10**4 + "?", "A" * 10**6, "Patient/" + "x/" * 10**5,
     "https://x/Patient/a" + "/_history/" * 10**5],
    ids=lambda value: value[:12],
)  # fmt: skip
def test_long_references_take_no_long_time(tmp_path: Path, reference: str) -> None:
    resource = {"resourceType": "Observation", "subject": {"reference": reference}}
    path = tmp_path / "source.json"
    path.write_text(json.dumps(resource))
    assert check(path) == ""


def test_results_listed_by_everything_take_no_long_time(tmp_path: Path) -> None:
    """Each of many panels lists all the results, none of which has a time or a person."""
    size = 300
    members = [{"reference": f"Observation/{number}"} for number in range(size)]
    resources = [
        {"resourceType": "Observation", "id": str(number), "valueInteger": 1, "hasMember": members}
        for number in range(size)
    ]
    path = tmp_path / "source.json"
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}))
    assert check(path) == ""
