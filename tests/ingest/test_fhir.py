"""What the reader of FHIR takes from resources, one rule at a time, and from the real files it was made for (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cbc_screen.errors import UsageError
from cbc_screen.ingest import fhir
from cbc_screen.ingest.fhir import FHIRSource, looks_like_fhir
from cbc_screen.ingest.results import Item, LabResult, NotResults, ResultCode, StatedPerson
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.vocabulary import Reason, ResultStatus

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
HEMOGLOBIN = {"coding": [{"system": LOINC, "code": "718-7", "display": "Hemoglobin"}]}
BASE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": HEMOGLOBIN,
    "subject": {"reference": "Patient/a"},
    "effectiveDateTime": "2024-03-01T08:15:00+01:00",
    "valueQuantity": {"value": 9.1, "unit": "g/dL", "system": UCUM, "code": "g/dL"},
}
NORMAL = {"coding": [{"code": "normal"}], "text": "Normal Range"}
CLINICAL_SEX = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"


def observation(**changes: Any) -> dict[str, Any]:
    """An observation of hemoglobin; None takes a field away."""
    return {key: value for key, value in (BASE | changes).items() if value is not None}


def text_only(**changes: Any) -> dict[str, Any]:
    return observation(valueQuantity=None, **changes)


def bundle(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]} | more


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Read a text, or objects as JSON: one as a document, a list as NDJSON."""

    def items(content: Any, name: str = "source.json") -> list[Item]:
        if isinstance(content, dict):
            content = json.dumps(content, indent=2)
        elif isinstance(content, list):
            content = "".join(json.dumps(one) + "\n" for one in content)
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return list(FHIRSource(path).items())

    return items


@pytest.fixture
def result(read: Any) -> Any:
    """Read one observation into its one result."""

    def one(resource: Any) -> LabResult:
        (item,) = read(resource)
        assert isinstance(item, LabResult)
        return item

    return one


# One observation


def test_an_observation_is_one_result_with_all_it_says(result: Any) -> None:
    found = result(observation(note=[{"text": "Platelet clumps seen."}]))
    assert json.loads(found.content)["id"] == "o1"
    assert "\n" not in found.content
    assert found == LabResult(
        line=1,
        person="Patient/a",
        group="",
        collected_at="2024-03-01T08:15:00+01:00",
        codes=(ResultCode("718-7", "Hemoglobin", LOINC),),
        value="9.1",
        unit="g/dL",
        status=ResultStatus.FINAL,
        notes=("Platelet clumps seen.",),
        content=found.content,
    )


@pytest.mark.parametrize("text", ["0.12345678901234567890", "7.0", "100", "1E3", "-0", "9" * 5000, "NaN"])
def test_numbers_keep_their_text(result: Any, text: str) -> None:
    source = json.dumps(observation(valueQuantity={"value": "@", "unit": "g/dL"})).replace('"@"', text)
    assert result(source).value == text


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            {"coding": [{"code": "718-7", "system": LOINC}, {"code": "HB", "display": "Hb", "system": "urn:local"}]},
            (ResultCode("718-7", "", LOINC), ResultCode("HB", "Hb", "urn:local")),
        ),
        # What the source calls it may say another thing than its code.
        (
            {"coding": [{"code": "718-7", "system": LOINC}], "text": "Hb"},
            (ResultCode("718-7", "", LOINC), ResultCode("", "Hb", "")),
        ),
        ({"coding": [{"code": "HB", "display": "Hb"}], "text": "Hb"}, (ResultCode("HB", "Hb", ""),)),
        ({"text": "Hb"}, (ResultCode("", "Hb", ""),)),
        ({"coding": [], "text": "Hb"}, (ResultCode("", "Hb", ""),)),
        ({"coding": [{}, "x", {"userSelected": True}], "text": "Hb"}, (ResultCode("", "Hb", ""),)),
        ({}, ()),
        ("718-7", ()),
    ],
)
def test_codes(result: Any, code: Any, expected: tuple[ResultCode, ...]) -> None:
    assert result(observation(code=code)).codes == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("final", ResultStatus.FINAL),
        ("corrected", ResultStatus.CORRECTED),
        ("amended", ResultStatus.AMENDED),
        ("preliminary", ResultStatus.PRELIMINARY),
        ("registered", ResultStatus.PENDING),
        ("cancelled", ResultStatus.CANCELLED),
        ("entered-in-error", ResultStatus.DELETED),
        ("unknown", ResultStatus.OTHER),
        ("specimen-in-process", ResultStatus.PENDING),
        ("Final", ResultStatus.FINAL),
        ("", ResultStatus.OTHER),
        (None, ResultStatus.OTHER),
        (["final"], ResultStatus.OTHER),
    ],
)
def test_status(result: Any, status: Any, expected: ResultStatus) -> None:
    assert result(observation(status=status)).status is expected


def test_a_modifier_that_is_not_known_may_change_the_meaning(result: Any) -> None:
    modifier = [{"url": "http://example.org/not", "valueBoolean": True}]
    assert result(observation(modifierExtension=modifier)).status is ResultStatus.OTHER
    component = [{"code": HEMOGLOBIN, "valueInteger": 1}]
    assert result(text_only(modifierExtension=modifier, component=component)).status is ResultStatus.OTHER
    deleted = observation(modifierExtension=modifier, status="entered-in-error")
    assert result(deleted).status is ResultStatus.DELETED


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("valueQuantity", {"value": 9.1, "unit": "g/dL", "comparator": "<"}, ("<9.1", "g/dL")),
        ("valueQuantity", {"value": 9.1, "unit": "g/dL", "comparator": ">="}, (">=9.1", "g/dL")),
        ("valueQuantity", {"value": 9.1, "unit": "g/dL", "comparator": "ad"}, ("ad 9.1", "g/dL")),
        ("valueQuantity", {"value": 9.1, "unit": "g/dL", "comparator": ["<"]}, None),
        ("valueQuantity", {"value": [9.1], "unit": "g/dL"}, None),
        ("valueQuantity", {"value": True}, None),
        ("valueQuantity", {"unit": "g/dL"}, ("", "g/dL")),
        ("valueQuantity", {}, ("", "")),
        ("valueQuantity", "9.1", None),
        ("valueQuantity", [{"value": 9.1}], None),
        ("valueString", "CLUMPED", ("CLUMPED", "")),
        ("valueString", " <5 ", (" <5 ", "")),
        ("valueString", {"value": 5}, None),
        ("valueInteger", 5, ("5", "")),
        ("valueBoolean", True, ("true", "")),
        ("valueDateTime", "2024-01-01", ("2024-01-01", "")),
        ("valueCodeableConcept", {"text": "Clumps", "coding": [{"display": "x"}]}, ("Clumps", "")),
        ("valueCodeableConcept", {"coding": [{"code": "1", "display": "Positive"}]}, ("Positive", "")),
        ("valueCodeableConcept", {"coding": [{"code": "POS"}]}, ("POS", "")),
        ("valueRange", {"low": {"value": 4}, "high": {"value": 10, "unit": "/L"}}, ("4-10", "/L")),
        ("valueRange", {"low": {"value": 4, "unit": "/L"}}, (">=4", "/L")),
        ("valueRange", {"high": {"value": 10, "unit": "/L"}}, ("<=10", "/L")),
        ("valueRange", {"low": {"value": 4, "unit": "/L"}, "high": {"value": 10, "unit": "/uL"}}, None),
        ("valueRatio", {"numerator": {"value": 1}, "denominator": {"value": 128}}, ("1:128", "")),
        ("valueRatio", {"numerator": {"value": {}}, "denominator": {"value": 128}}, None),
        ("valueSampledData", {"period": 10, "data": "1 2 3"}, None),
        ("valuePeriod", {"start": "2024-01-01"}, None),
    ],
)
def test_values(result: Any, field: str, value: Any, expected: tuple[str, str] | None) -> None:
    """What has no form as a text, and what is of a wrong type, is given as JSON: no number, and not nothing."""
    found = result(text_only() | {field: value})
    if expected is None:
        assert found.value[0] in '{["'
        json.loads(found.value)
    else:
        assert (found.value, found.unit) == expected


def test_of_two_values_none_is_chosen(result: Any) -> None:
    assert json.loads(result(observation(valueString="CLUMPED")).value)["valueString"] == "CLUMPED"


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        ({"unit": "x10*12/L", "system": UCUM, "code": "10*12/L"}, "10*12/L"),
        ({"unit": "g/dl", "system": UCUM, "code": "g/dL"}, "g/dL"),
        ({"unit": "L/L", "system": UCUM, "code": "1"}, "L/L"),
        ({"system": UCUM, "code": "1"}, "1"),
        ({"unit": "K/ul"}, "K/ul"),
        ({"unit": "K/ul", "code": "258954000"}, "K/ul"),
        ({"unit": "K/ul", "system": "http://snomed.info/sct", "code": "258954000"}, "K/ul"),
        ({"unit": "%", "system": UCUM, "code": ""}, "%"),
        ({"code": "g/L"}, "g/L"),
        ({"unit": ["g/L"]}, ""),
        ({}, ""),
    ],
)
def test_the_unit_is_the_ucum_code_or_else_as_shown(result: Any, quantity: Any, unit: str) -> None:
    assert result(observation(valueQuantity={"value": 1} | quantity)).unit == unit


@pytest.mark.parametrize(
    ("reason", "status", "expected"),
    [
        ("not-performed", "final", ResultStatus.CANCELLED),
        ("error", "final", ResultStatus.FINAL),  # measured, and nothing usable came of it
        ("not-applicable", "preliminary", ResultStatus.CANCELLED),
        ("unknown", "final", ResultStatus.FINAL),
        ("masked", "corrected", ResultStatus.CORRECTED),
        (["error"], "final", ResultStatus.FINAL),
        ("error", "entered-in-error", ResultStatus.DELETED),
    ],
)
def test_an_absent_value(result: Any, reason: Any, status: str, expected: ResultStatus) -> None:
    found = result(text_only(status=status, dataAbsentReason={"coding": [{"code": reason}]}))
    assert (found.value, found.status) == ("", expected)


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "registered", "final"])
def test_an_observation_without_anything_still_tells_its_status(result: Any, status: str) -> None:
    found = result(text_only(status=status))
    assert (found.value, found.codes[0].code) == ("", "718-7")


@pytest.mark.parametrize(
    "members",
    [
        {"hasMember": [{"reference": "Observation/x"}]},
        {"related": [{"type": "has-member", "target": {"reference": "Observation/x"}}]},
    ],
)
def test_a_panel_carries_no_result_of_its_own(read: Any, members: dict[str, Any]) -> None:
    assert read(text_only(**members)) == [NotResults(1, "panel")]
    assert [item.value for item in read(observation(**members))] == ["9.1"]


def test_each_component_is_a_result(read: Any) -> None:
    parts = [
        {"code": {"text": "A"}, "valueQuantity": {"value": 1, "unit": "g/L"}},
        {"code": {"text": "B"}, "valueString": "x", "dataAbsentReason": {"coding": [{"code": "error"}]}},
        {"code": {"text": "C"}, "valueQuantity": {"value": 3}, "referenceRange": [{"low": {"value": 2}}]},
        {"code": {"text": "D"}, "modifierExtension": [{}], "valueInteger": 1},
    ]
    # A value, and the reason why there is none: neither is believed.
    both = '{"valueString":"x","dataAbsentReason":{"coding":[{"code":"error"}]}}'
    found = read(text_only(component=parts, referenceRange=[{"text": "of the whole"}]))
    assert [(item.codes[0].name, item.value, item.status.value, item.lower, item.range_text) for item in found] == [
        ("A", "1", "F", "", ""),
        ("B", both, "F", "", ""),
        ("C", "3", "F", "2", ""),
        ("D", "1", "O", "", ""),
    ]
    assert {(item.person, item.collected_at) for item in found} == {("Patient/a", "2024-03-01T08:15:00+01:00")}
    assert [item.value for item in read(observation(component=parts))] == ["9.1", "1", both, "3", "1"]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"effectiveDateTime": "2024"}, "2024"),
        ({"effectivePeriod": {"start": "2024-01-02", "end": "2024-01-03"}}, "2024-01-02"),
        ({"effectivePeriod": {"end": "2024-01-03"}}, ""),
        ({"effectiveInstant": "2024-01-02T03:04:05.678Z"}, "2024-01-02T03:04:05.678Z"),
        ({"issued": "2024-01-02T03:04:05Z"}, ""),
        ({"effectiveDateTime": {"value": "2024"}}, ""),
    ],
)
def test_time_of_collection(result: Any, times: dict[str, Any], expected: str) -> None:
    assert result(observation(effectiveDateTime=None) | times).collected_at == expected


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([{"low": {"value": 12.0, "unit": "g/dL"}, "high": {"value": 16, "code": "g/dL"}}], ("12.0", "16", "")),
        ([{"low": {"value": 12}}], ("12", "", "")),
        ([{"high": {"value": 16, "unit": "g/dl", "system": UCUM, "code": "g/dL"}}], ("", "16", "")),
        ([{"low": {"value": 120, "unit": "g/L"}, "high": {"value": 160, "unit": "g/L"}}], ("", "", "")),
        ([{"low": {"value": 12, "unit": "g/dL"}, "high": {"value": 160, "unit": "g/L"}}], ("", "", "")),
        ([{"text": "12-16 g/dL"}], ("", "", "12-16 g/dL")),
        ([{"low": {"value": 12}, "text": "12 and more"}], ("12", "", "")),
        ([{"low": {"value": 12}, "type": NORMAL}], ("12", "", "")),
        ([{"low": {"value": 12}, "meaning": {"coding": [{"code": "N"}]}}], ("12", "", "")),
        ([{"low": {"value": 7}, "meaning": {"coding": [{"code": "treatment"}]}}], ("", "", "")),
        ([{"low": {"value": 12}, "appliesTo": [NORMAL]}], ("12", "", "")),
        ([{"low": {"value": 12}, "appliesTo": [{"text": "Female"}]}], ("", "", "")),
        ([{"low": {"value": 12}, "age": {"low": {"value": 18}}}], ("", "", "")),
        ([{"low": {"value": 7}, "type": {"coding": [{"code": "critical"}]}}], ("", "", "")),
        ([{"low": {"value": 12}}, {"low": {"value": 7}, "type": {"text": "critical"}}], ("12", "", "")),
        ([{"low": {"value": 12}}, {"low": {"value": 13}, "appliesTo": [{"text": "Male"}]}], ("", "", "")),
        ([{"low": {"value": 12}}, {"low": {"value": 13}}], ("", "", "")),
        ([{"low": {"value": 12}, "modifierExtension": [{}]}], ("", "", "")),
        ([{"low": {"value": [12]}}], ("", "", "")),
        ([{}], ("", "", "")),
        ("12-16", ("", "", "")),
    ],
)
def test_the_range_for_everybody_in_the_unit_of_the_value(result: Any, ranges: Any, expected: tuple[str, ...]) -> None:
    found = result(observation(referenceRange=ranges))
    assert (found.lower, found.upper, found.range_text) == expected


def test_limits_as_shown_alike_but_coded_otherwise_are_not_used(result: Any) -> None:
    limit = {"value": 120, "unit": "g/dL", "system": UCUM, "code": "g/L"}
    assert result(observation(referenceRange=[{"low": limit}])).lower == ""
    shown = observation(valueQuantity={"value": 9, "unit": "g/dl"}, referenceRange=[{"low": limit | {"unit": "g/dl"}}])
    assert result(shown).lower == "120"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"note": [{"text": "a"}, {"text": "b"}, {}]}, ("a", "b")),
        ({"comment": "STU3"}, ("STU3",)),
        ({"comments": "DSTU2"}, ("DSTU2",)),
        ({"interpretation": [{"text": "low"}], "note": "a"}, ()),
    ],
)
def test_notes(result: Any, field: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert result(observation(**field)).notes == expected


# Whom it is about


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"reference": "Patient/a"}, "Patient/a"),
        ({"reference": "Patient/a/_history/3"}, "Patient/a"),
        ({"reference": "https://example.org/fhir/Patient/a"}, "https://example.org/fhir/Patient/a"),
        ({"reference": "https://example.org/fhir/Patient/a/_history/3"}, "https://example.org/fhir/Patient/a"),
        ({"reference": "https://other.org/fhir/Patient/a"}, "https://other.org/fhir/Patient/a"),
        ({"reference": "urn:uuid:1-2"}, "urn:uuid:1-2"),
        (
            {"reference": "urn:uuid:0f3d3a52-7c1e-4b3e-9d0a-2b1c3d4e5f60"},
            "Patient/0f3d3a52-7c1e-4b3e-9d0a-2b1c3d4e5f60",
        ),
        ({"reference": "Patient?identifier=x|1"}, "identifier x|1"),
        ({"reference": "Patient?identifier=urn:oid:1.2%7C123"}, "identifier urn:oid:1.2|123"),
        ({"reference": "#p1"}, "line 1#p1"),
        ({"reference": "Group/g"}, "Group/g"),
        ({"identifier": {"value": "123"}}, "identifier 123"),
        ({"identifier": {"system": "urn:oid:1.2", "value": "123"}}, "identifier urn:oid:1.2|123"),
        ({"display": "Somebody"}, ""),
        ({"reference": ["Patient/a"]}, ""),
        (None, ""),
        ("Patient/a", ""),
    ],
)
def test_the_key_of_a_person(result: Any, subject: Any, expected: str) -> None:
    assert result(observation(subject=subject)).person == expected


def test_the_focus_is_whom_it_is_about_if_not_the_subject(result: Any) -> None:
    """A count of an unborn child or a donor stands in the record of the mother or of the recipient."""
    assert result(observation(focus=[{"reference": "Patient/child"}])).person == "Patient/child"
    assert result(observation(focus=[{"display": "donor"}])).person == ""
    assert result(observation(focus=[{"reference": "Patient/b"}, {"reference": "Patient/c"}])).person == ""
    assert result(observation(focus=[])).person == "Patient/a"


def test_a_patient_is_a_person(read: Any) -> None:
    patient = {"resourceType": "Patient", "id": "a", "birthDate": "1970-02", "gender": "female"}
    assert read(patient) == [StatedPerson("Patient/a", "1970-02", "female")]
    assert read([patient, {"resourceType": "Patient", "id": "b"}]) == [
        StatedPerson("Patient/a", "1970-02", "female"),
        StatedPerson("Patient/b"),
    ]
    assert read({"resourceType": "Patient", "gender": "male"}) == [NotResults(1, "Patient")]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["male-typical"], "male"),
        (["female-typical"], "female"),
        (["specified"], "unknown"),
        (["unknown"], "unknown"),
        (["male-typical", "female-typical"], "unknown"),
        (["male-typical", "male-typical"], "male"),
        ([["male-typical"]], "unknown"),
        ([], "other"),
    ],
)
def test_the_sex_for_clinical_use_is_preferred_to_gender(read: Any, codes: list[Any], expected: str) -> None:
    extension = [
        {
            "url": CLINICAL_SEX,
            "extension": [{"url": "value", "valueCodeableConcept": {"coding": [{"code": code}]}}],
        }
        for code in codes
    ]
    (person,) = read({"resourceType": "Patient", "id": "a", "gender": "other", "extension": extension})
    assert person.sex == expected


# Bundles and contained resources


def test_one_person_has_one_key_in_a_bundle(read: Any) -> None:
    patient = {"resourceType": "Patient", "id": "a", "birthDate": "1970-02-03", "gender": "male"}
    source = bundle(observation(subject={"reference": "urn:uuid:7"}), patient)
    source["entry"][1]["fullUrl"] = "urn:uuid:7"
    found = read(source)
    assert found[0].person == "Patient/a"
    assert found[1:] == [
        StatedPerson("Patient/a", "1970-02-03", "male"),
        StatedPerson("urn:uuid:7", "1970-02-03", "male"),
    ]
    source["entry"][1]["fullUrl"] = "https://example.org/Patient/a"
    keys = ["Patient/a", "https://example.org/Patient/a"]  # as resources of other bundles may name it
    assert read(source)[1:] == [StatedPerson(key, "1970-02-03", "male") for key in keys]


def test_a_url_that_stands_for_two_persons_stands_for_neither(read: Any) -> None:
    patients = [{"resourceType": "Patient", "id": name} for name in "ab"]
    source = bundle(*patients, observation(subject={"reference": "urn:uuid:7"}))
    for entry in source["entry"][:2]:
        entry["fullUrl"] = "urn:uuid:7"
    assert read(source)[-1].person == "urn:uuid:7"


def test_a_patient_of_a_transaction_has_no_identity_but_its_url(read: Any) -> None:
    source = bundle({"resourceType": "Patient"}, observation(subject={"reference": "urn:uuid:7"}))
    source["entry"][0]["fullUrl"] = "urn:uuid:7"
    person, found = read(source)
    assert person == StatedPerson("urn:uuid:7")
    assert found.person == person.key


def contained_patient(name: str) -> dict[str, Any]:
    patient = {"resourceType": "Patient", "id": "p1", "birthDate": name}
    return observation(contained=[patient], subject={"reference": "#p1"})


def test_a_contained_patient_is_another_one_in_each_resource(read: Any) -> None:
    """Else the counts of two people would be put together."""
    first, second = contained_patient("1950"), contained_patient("1960")
    expected = [("line 1#p1", "1950"), ("line 2#p1", "1960")]
    for source in (bundle(first, second), [first, second]):
        found = read(source)
        assert [(item.key, item.birth_date) for item in found if isinstance(item, StatedPerson)] == expected
        assert [item.person for item in found if isinstance(item, LabResult)] == ["line 1#p1", "line 2#p1"]
    deep = read([bundle(first, bundle(first, second)), first])
    keys = [item.person for item in deep if isinstance(item, LabResult)]
    assert keys == ["line 1.1#p1", "line 1.2.1#p1", "line 1.2.2#p1", "line 2#p1"]
    assert [item.line for item in deep if isinstance(item, LabResult)] == [1, 1, 1, 2]


SPECIMEN = {
    "resourceType": "Specimen",
    "id": "s",
    "type": {"coding": [{"code": "BLD", "display": "Whole blood"}]},
    "collection": {"collectedDateTime": "2024-03-01T07:55:00Z"},
}


def test_the_specimen_gives_the_group_its_name_and_the_time(read: Any) -> None:
    plain = observation(effectiveDateTime=None, specimen={"reference": "Specimen/s"})
    for source in (bundle(SPECIMEN, plain), bundle(plain, SPECIMEN)):
        (found,) = [item for item in read(source) if isinstance(item, LabResult)]
        assert (found.group, found.specimen, found.collected_at) == (
            "Specimen/s",
            "Whole blood",
            "2024-03-01T07:55:00Z",
        )
    named = observation(specimen={"reference": "Specimen/s", "display": "EDTA tube"})
    (_, found) = read(bundle(SPECIMEN, named))
    assert (found.specimen, found.collected_at) == ("EDTA tube; Whole blood", BASE["effectiveDateTime"])
    inside = observation(
        effectiveDateTime=None,
        specimen={"reference": "#s"},
        contained=[SPECIMEN | {"collection": {"collectedPeriod": {"start": "2024-03-02"}}, "type": {"text": "Blood"}}],
    )
    found, other = read(inside)
    assert (found.group, found.specimen, found.collected_at) == ("line 1#s", "Blood", "2024-03-02")
    assert other == NotResults(1, "Specimen")
    (alone,) = read(named)
    assert (alone.group, alone.specimen) == ("Specimen/s", "EDTA tube")


def test_two_versions_of_a_specimen_that_differ_give_no_time(read: Any) -> None:
    other = SPECIMEN | {"collection": {"collectedDateTime": "2024-03-09"}}
    plain = observation(effectiveDateTime=None, specimen={"reference": "Specimen/s"})
    assert read(bundle(SPECIMEN, other, plain))[-1].collected_at == ""
    silent = {key: value for key, value in SPECIMEN.items() if key != "collection"}
    for second in (SPECIMEN, silent):
        assert read(bundle(SPECIMEN, second, plain))[-1].collected_at == "2024-03-01T07:55:00Z"


def test_a_specimen_without_an_id_is_nobodys(read: Any) -> None:
    nameless = {key: value for key, value in SPECIMEN.items() if key != "id"}
    found = read(bundle(nameless, observation(effectiveDateTime=None)))[-1]
    assert (found.group, found.specimen, found.collected_at) == ("", "", "")


def report(*results: str, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"text": "Full blood count"},
        "subject": {"reference": "Patient/b"},
        "effectiveDateTime": "2024-05-06",
        "result": [{"reference": name} for name in results],
    } | changes


def test_a_report_lends_its_time_and_subject_to_what_it_lists(read: Any) -> None:
    bare = observation(effectiveDateTime=None, subject=None)
    for source in (
        bundle(report("Observation/o1"), bare),
        bundle(bare, report("https://example.org/Observation/o1")),
        report("#o1", contained=[bare]),
        [report("#o1", contained=[bare])],
    ):
        (found,) = [item for item in read(source) if isinstance(item, LabResult)]
        assert (found.person, found.collected_at, found.panel) == ("Patient/b", "2024-05-06", "Full blood count")
        assert [item.kind for item in read(source) if isinstance(item, NotResults)] == ["DiagnosticReport"]
    period = report("Observation/o1", effectiveDateTime=None, effectivePeriod={"start": "2024-05-07"})
    assert read(bundle(period, bare))[1].collected_at == "2024-05-07"
    own = read(bundle(report("Observation/o1"), observation()))[1]
    assert (own.person, own.collected_at) == ("Patient/a", BASE["effectiveDateTime"])
    unlisted = read(bundle(report("Observation/other"), bare))[1]
    assert (unlisted.person, unlisted.collected_at, unlisted.panel) == ("", "", "")


def test_reports_that_differ_lend_nothing(read: Any) -> None:
    bare = observation(effectiveDateTime=None, subject=None)
    second = report("Observation/o1", subject={"reference": "Patient/c"}, effectiveDateTime="2024-05-08")
    found = read(bundle(report("Observation/o1"), second, bare))[-1]
    assert (found.person, found.collected_at, found.panel) == ("", "", "Full blood count")
    focused = observation(subject=None, focus=[{"display": "donor"}])
    assert read(bundle(report("Observation/o1"), focused))[-1].person == ""


def test_a_panel_lends_time_subject_and_specimen_to_its_members(read: Any) -> None:
    panel = text_only(id="p", hasMember=[{"reference": "Observation/o1"}], specimen={"reference": "Specimen/s"})
    bare = observation(effectiveDateTime=None, subject=None)
    found = read(bundle(bare, panel, report("Observation/p"), SPECIMEN))
    assert [type(item) for item in found] == [LabResult, NotResults, NotResults, NotResults]
    first = found[0]
    assert (first.person, first.collected_at) == ("Patient/a", BASE["effectiveDateTime"])
    assert first.panel == "Hemoglobin; Full blood count"
    assert (first.group, first.specimen) == ("Specimen/s", "Whole blood")
    (both, *_) = read(bundle(bare, panel, report("Observation/p", "Observation/o1", subject=None), SPECIMEN))
    assert (both.person, both.collected_at, both.panel) == ("Patient/a", "2024-05-06", "Hemoglobin; Full blood count")
    assert both.group == "Specimen/s"
    without = text_only(id="p", hasMember=[{"reference": "Observation/o1"}], effectiveDateTime=None, subject=None)
    above = read(bundle(bare, without, report("Observation/p")))[0]
    assert (above.person, above.collected_at) == ("Patient/b", "2024-05-06")


def test_panels_in_a_circle_end(read: Any) -> None:
    ring = [
        text_only(
            id=a, hasMember=[{"reference": f"Observation/{b}"}], subject=None, effectiveDateTime=None, valueInteger=1
        )
        for a, b in ("ab", "bc", "ca", "aa")
    ]
    assert [item.person for item in read(bundle(*ring))] == [""] * 4


def test_the_line_is_the_number_of_the_entry_or_the_line(read: Any) -> None:
    assert [item.line for item in read(bundle(observation(), observation(), observation()))] == [1, 2, 3]
    lines = [observation(), bundle(observation(), observation()), observation()]
    assert [item.line for item in read(lines)] == [1, 2, 2, 3]
    assert [item.line for item in read(bundle(observation(), bundle(observation(), observation())))] == [1, 2, 2]
    assert [item.line for item in read("\n\n" + json.dumps(observation()) + "\n\n" + json.dumps(observation()))] == [
        3,
        5,
    ]


def test_the_same_resource_twice_is_read_twice(read: Any) -> None:
    assert len(read(bundle(observation(), observation()))) == 2


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"resource": {"resourceType": "Encounter"}}, NotResults(1, "Encounter")),
        ({"resource": {"resourceType": "A B"}}, NotResults(1, "unknown")),
        ({"resource": {"resourceType": "x" * 41}}, NotResults(1, "unknown")),
        ({"resource": {"resourceType": "Bundle"}}, NotResults(1, "Bundle")),
        ({"request": {"method": "DELETE"}}, NotResults(1, "entry")),
        ({"resource": {}}, Reason.MESSAGE_UNREADABLE),
        ({"resource": {"resourceType": ["Observation"]}}, Reason.MESSAGE_UNREADABLE),
        ({"resource": "x"}, Reason.MESSAGE_UNREADABLE),
        ({"resource": {"resourceType": "Bundle", "entry": {"a": 1}}}, Reason.MESSAGE_UNREADABLE),
        ("x", Reason.MESSAGE_UNREADABLE),
        (None, Reason.MESSAGE_UNREADABLE),
    ],
)
def test_every_entry_is_accounted_for(read: Any, entry: Any, expected: NotResults | Reason) -> None:
    first, second = read(bundle(observation(), entry=[entry, {"resource": observation()}]))
    assert isinstance(second, LabResult)
    if isinstance(expected, Reason):
        assert isinstance(first, RejectedRow)
        assert (first.line, first.reason) == (1, expected)
        assert first.content
    else:
        assert first == expected


def test_contained_resources_are_accounted_for(read: Any) -> None:
    order = {"resourceType": "ServiceRequest", "contained": [{"resourceType": "Patient", "id": "#p"}, {"id": "q"}, 5]}
    found = read(order)
    assert found[:2] == [NotResults(1, "ServiceRequest"), StatedPerson("line 1#p")]
    assert [item.reason for item in found[2:]] == [Reason.MESSAGE_UNREADABLE] * 2


@pytest.mark.parametrize("empty", [{}, {"entry": []}, {"entry": None}])
def test_an_empty_bundle_is_no_result(read: Any, empty: dict[str, Any]) -> None:
    assert read({"resourceType": "Bundle"} | empty) == [NotResults(1, "Bundle")]


# Files


def twice() -> str:
    return json.dumps(observation()).replace('"id": "o1"', '"id": "o1", "id": "o2"')


def nested(depth: int) -> str:
    """An observation with that many levels."""
    return json.dumps(observation()).replace('"id": "o1"', '"x": ' + "[" * (depth - 1) + "]" * (depth - 1))


@pytest.mark.parametrize(
    "line",
    [
        "{", "{}", "[]", "5", '"x"', "null", '{"resourceType": 5.5}x', '{"id": "x"}', "\x00", '{"resourceType": "}',
        twice(), nested(65), nested(5000), "{" * 5000, json.dumps(observation())[:-9],
        '{"resourceType": {"a": 1}}',
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_a_reject_of_its_own(read: Any, line: str) -> None:
    first, rejected, last = read("\n".join([json.dumps(observation()), line, json.dumps(observation())]))
    assert isinstance(first, LabResult)
    assert isinstance(last, LabResult)
    assert rejected == RejectedRow(2, Reason.MESSAGE_UNREADABLE, line[: fhir.LONGEST_CONTENT])


def test_sixty_four_levels_are_read(read: Any) -> None:
    assert [type(item) for item in read(nested(64))] == [LabResult]
    assert [type(item) for item in read(nested(65))] == [RejectedRow]


@pytest.mark.parametrize("bad", [twice(), nested(63)])
def test_in_a_bundle_only_the_entry_that_cannot_be_trusted_is_rejected(read: Any, bad: str) -> None:
    source = json.dumps(bundle(observation(), {"x": "@"}, observation())).replace('{"x": "@"}', bad)
    for content, lines in ((source, [1, 2, 3]), (source + "\n" + source, [1] * 3 + [2] * 3)):
        found = read(content)
        assert [type(item) for item in found][:3] == [LabResult, RejectedRow, LabResult]
        assert [item.line for item in found] == lines
    whole = source.replace('"type"', '"resourceType": "Bundle", "type"')
    assert [(item.line, item.reason) for item in read(whole)] == [(1, Reason.MESSAGE_UNREADABLE)]


def test_a_first_line_that_is_damaged_does_not_cost_the_others(read: Any) -> None:
    good = json.dumps(observation())
    found = read("\n".join([good[:-5], good[:-4], good, good]))
    assert [type(item) for item in found] == [RejectedRow, RejectedRow, LabResult, LabResult]
    assert [item.line for item in found] == [1, 2, 3, 4]


def test_a_document_with_a_resource_on_a_line_is_a_document(read: Any) -> None:
    source = '{"resourceType": "Bundle", "entry": [{"resource":\n' + json.dumps(observation()) + "\n}]}"
    assert [type(item) for item in read(source)] == [LabResult]


def test_a_document_that_is_damaged_is_one_reject(read: Any) -> None:
    source = json.dumps(bundle(observation()), indent=2)[:-2]
    assert read(source) == [RejectedRow(1, Reason.MESSAGE_UNREADABLE, source)]


def test_content_is_cut(read: Any) -> None:
    long = observation(note=[{"text": "é" * 5000}])
    for source in (long, [long, long], bundle(long)):
        assert {len(item.content) for item in read(source)} == {fhir.LONGEST_CONTENT}
    assert [len(item.content) for item in read("{" + "é" * 5000)] == [fhir.LONGEST_CONTENT]


def test_an_oversize_line_is_rejected_unless_it_is_a_bundle(read: Any) -> None:
    long = observation(note=[{"text": "x" * fhir.LONGEST_LINE}])
    first, second, third, fourth, fifth = read(
        "\n".join(json.dumps(one) for one in (observation(), long, bundle(long), long | {"id": "Bundle"})) + "\n{}"
    )
    assert isinstance(first, LabResult)
    assert isinstance(third, LabResult)
    assert [(item.line, item.reason) for item in (second, fourth)] == [(2, Reason.OVERSIZE), (4, Reason.OVERSIZE)]
    assert second.content == json.dumps(long)[: fhir.LONGEST_CONTENT]
    assert fifth.line == 5


def test_a_bundle_line_too_long_for_anything_is_passed_over_in_pieces(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fhir, "LONGEST_BUNDLE_LINE", 2000)
    monkeypatch.setattr(fhir, "LONGEST_LINE", 1500)
    long = json.dumps(bundle(*[observation()] * 100))
    good = json.dumps(observation())
    for end in ("\n", ""):
        found = read(f"{good}\n{long}\n{good}\n{long}{end}")
        assert [type(item) for item in found] == [LabResult, RejectedRow, LabResult, RejectedRow]
        assert [item.line for item in found] == [1, 2, 3, 4]
    found = read(f"{long}\n{good}\n")
    assert [type(item) for item in found] == [RejectedRow, LabResult]


def test_a_document_too_large_is_refused(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = bundle(*[observation()] * 20)
    monkeypatch.setattr(fhir, "LONGEST_DOCUMENT", 2000)
    with pytest.raises(UsageError, match="split the bundle, or export NDJSON"):
        read(source)
    assert len(read([observation()] * 20)) == 20
    monkeypatch.setattr(fhir, "LONGEST_DOCUMENT", 1 << 20)
    monkeypatch.setattr("cbc_screen.ingest.fhir.MOST_MARKS", 50)
    with pytest.raises(UsageError, match="split the bundle, or export NDJSON"):
        read(source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b'<?xml version="1.0"?><Bundle/>', "the source is XML and not FHIR"),
        (b"\xef\xbb\xbf\n<Bundle/>", "the source is XML and not FHIR"),
        (b"Instance: x\nInstanceOf: Observation", "does not begin with a JSON object"),
        (b"[{}]", "does not begin with a JSON object"),
        ('{"resourceType": "Patient"}'.encode("utf-16"), "does not begin with a JSON object"),
    ],
)
def test_other_text_is_refused(read: Any, content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read(content)
    assert caught.value.__context__ is None


def test_packed_files(read: Any) -> None:
    import pyarrow as pa

    source = "".join(json.dumps(observation(id=str(number))) + "\r\n" for number in range(50)).encode()
    assert len(read(gzip.compress(source), "a.ndjson.gz")) == 50
    assert len(read(pa.Codec("zstd").compress(source, asbytes=True), "a.ndjson.zst")) == 50
    found = read(gzip.compress(b"\xef\xbb\xbf" + source), "a.json.gz")
    assert [type(item) for item in found] == [LabResult] * 50
    for name in ("a.ndjson.gz", "a.ndjson.zst"):
        with pytest.raises(UsageError, match="is named") as caught:
            read(source, name)
        assert caught.value.__context__ is None


def test_a_packed_file_that_is_cut_short_is_read_up_to_there(tmp_path: Path) -> None:
    import random

    chance = random.Random(1)
    lines = [json.dumps(observation(id=str(chance.random()))) + "\n" for _ in range(20_000)]
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(gzip.compress("".join(lines).encode())[:-5000])
    found = []
    with pytest.raises(UsageError, match="cut short or damaged after line") as caught:
        found.extend(FHIRSource(path).items())
    assert caught.value.__context__ is None
    path.write_bytes(
        gzip.compress(json.dumps(bundle(*[json.loads(line) for line in lines]), indent=1).encode())[:-5000]
    )
    with pytest.raises(UsageError, match="cut short or damaged") as caught:
        list(FHIRSource(path).items())
    assert caught.value.__context__ is None


def test_share_grows_to_one(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text((json.dumps(observation()) + "\n") * 2000)
    source = FHIRSource(path)
    assert source.share == 0
    shares = [source.share for _ in source.items()]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1
    assert source.share == 1
    assert len(list(source.items())) == 2000
    path.write_text(json.dumps(bundle(observation())))
    source = FHIRSource(path)
    assert [source.share for _ in source.items()] == [1]


def test_what_cannot_be_decoded_costs_only_itself(read: Any) -> None:
    line = json.dumps(text_only(valueString="@", note=[{"text": r"#"}]))
    bad = line.replace("@", r"\ud800x").replace("#", r"\ud83d\ude00").encode()
    (found,) = read(bad)
    assert (found.value, found.notes) == ("\ufffdx", ("\U0001f600",))
    (found,) = read(line.encode().replace(b"@", b"\xe9\xff"))
    assert found.value == "\ufffd\ufffd"
    (found,) = read(bundle(json.loads(bad)))
    assert found.value == "\ufffdx"
    found.content.encode()


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b'{"resourceType": "Observation"}', True),
        (b'\xef\xbb\xbf\n {\n "entry": [{"resource": {"resourceType" : "Patient"', True),
        (b'{"id": "a"}\n{"resourceType":"Patient"}', True),
        (b'{"id": "a", "hb": 9.1}', False),
        (b'{"note": "\\"resourceType\\": \\"x\\""}', False),
        (b'[{"resourceType": "Observation"}]', False),
        (b"<Observation/>", False),
        (b"resourceType,hb\n", False),
        (b"", False),
        (b'{"a": "' + b"x" * 70_000 + b'", "resourceType": "Patient"}', False),
    ],
)
def test_looks_like_fhir(start: bytes, expected: bool) -> None:
    assert looks_like_fhir(start) is expected


def test_no_library_of_fhir_models_is_loaded() -> None:
    code = "import sys, cbc_screen.ingest.fhir; print([name for name in sys.modules if name.startswith('fhir')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Real files

# Path, results, persons (twice in a bundle with urn:uuid), what carries no results. Counted with another tool.
# fmt: off
COUNTS: list[tuple[str, int, int, dict[str, int]]] = [
    ("fhir_hl7_examples/dstu2/Bundle-2763c3ea-6bce-4f15-bdc9-4b41aaceee03.json", 0, 0, {"DiagnosticOrder": 216, "DiagnosticReport": 333}),
    ("fhir_hl7_examples/dstu2/Bundle-conceptmaps.json", 0, 0, {"ConceptMap": 22}),
    ("fhir_hl7_examples/dstu2/Bundle-extensions.json", 0, 0, {"StructureDefinition": 285}),
    ("fhir_hl7_examples/dstu2/Bundle-v2-valuesets.json", 0, 0, {"ValueSet": 432}),
    ("fhir_hl7_examples/dstu2/DiagnosticReport-101.json", 17, 0, {"DiagnosticReport": 1}),
    ("fhir_hl7_examples/dstu2/DiagnosticReport-f001.json", 0, 0, {"DiagnosticOrder": 1, "DiagnosticReport": 1}),
    ("fhir_hl7_examples/dstu2/DiagnosticReport-ghp.json", 48, 0, {"DiagnosticReport": 1, "Specimen": 3, "panel": 3}),
    ("fhir_hl7_examples/dstu2/Observation-f004.json", 1, 0, {}),
    ("fhir_hl7_examples/dstu2/Observation-f005.json", 1, 0, {}),
    ("fhir_hl7_examples/dstu2/Patient-example.json", 0, 1, {}),
    ("fhir_hl7_examples/dstu2/Patient-f001.json", 0, 1, {}),
    ("fhir_hl7_examples/dstu2/Patient-f201.json", 0, 1, {}),
    ("fhir_hl7_examples/r4/Bundle-101.json", 17, 0, {"DiagnosticReport": 1}),
    ("fhir_hl7_examples/r4/Bundle-conceptmaps.json", 0, 0, {"ConceptMap": 19}),
    ("fhir_hl7_examples/r4/Bundle-f001.json", 0, 0, {"DiagnosticReport": 1, "ServiceRequest": 1}),
    ("fhir_hl7_examples/r4/Bundle-ghp.json", 48, 0, {"DiagnosticReport": 1, "Specimen": 3, "panel": 3}),
    ("fhir_hl7_examples/r4/Bundle-report.json", 13, 0, {"DiagnosticReport": 1}),
    ("fhir_hl7_examples/r4/Observation-f004.json", 1, 0, {}),
    ("fhir_hl7_examples/r4/Observation-f005.json", 1, 0, {}),
    ("fhir_hl7_examples/r4/Patient-example.json", 0, 1, {}),
    ("fhir_hl7_examples/r4/Patient-f001.json", 0, 1, {}),
    ("fhir_hl7_examples/r4/Patient-f201.json", 0, 1, {}),
    ("fhir_hl7_examples/stu3/Bundle-conceptmaps.json", 0, 0, {"ConceptMap": 23}),
    ("fhir_hl7_examples/stu3/DiagnosticReport-101.json", 17, 0, {"DiagnosticReport": 1}),
    ("fhir_hl7_examples/stu3/DiagnosticReport-f001.json", 0, 0, {"DiagnosticReport": 1, "ProcedureRequest": 1}),
    ("fhir_hl7_examples/stu3/DiagnosticReport-ghp.json", 48, 0, {"DiagnosticReport": 1, "Specimen": 3, "panel": 3}),
    ("fhir_hl7_examples/stu3/DiagnosticReport-report.json", 13, 0, {"DiagnosticReport": 1}),
    ("fhir_hl7_examples/stu3/Observation-f004.json", 1, 0, {}),
    ("fhir_hl7_examples/stu3/Observation-f005.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore3/DiagnosticReport-cbc.json", 0, 0, {"DiagnosticReport": 1}),
    ("fhir_hl7_examples/uscore3/DiagnosticReport-urinalysis.json", 0, 0, {"DiagnosticReport": 1}),
    ("fhir_hl7_examples/uscore3/Observation-erythrocytes.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore3/Observation-hemoglobin.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore3/Observation-neutrophils.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore3/Observation-urine-hemoglobin.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore3/Observation-urine-leukocyte-esterase.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore3/Observation-urine-rbcs.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore3/Observation-urine-wbcs.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore3/Patient-example.json", 0, 1, {}),
    ("fhir_hl7_examples/uscore_current/diagnosticreport-cbc.json", 0, 0, {"DiagnosticReport": 1}),
    ("fhir_hl7_examples/uscore_current/observation-cbc-erythrocytes.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore_current/observation-cbc-hematocrit.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore_current/observation-cbc-hemoglobin.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore_current/observation-cbc-leukocytes.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore_current/observation-cbc-mch.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore_current/observation-cbc-mchc.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore_current/observation-cbc-mcv.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore_current/observation-cbc-platelets.json", 1, 0, {}),
    ("fhir_hl7_examples/uscore_current/patient-example.json", 0, 1, {}),
    ("fhir_hl7_examples/uscore_current/servicerequest-cbc.json", 0, 0, {"ServiceRequest": 1}),
    ("fhir_pathling_synthea/Observation.ndjson", 1585, 0, {}),
    ("fhir_pathling_synthea/Patient.ndjson", 0, 9, {}),
    ("fhir_pathling_synthea/bundles/Alfonzo975_Hickle134_cd3d3588-94fc-b980-9e94-0390d989d921.json", 153, 2, {"CarePlan": 1, "CareTeam": 1, "Claim": 8, "Condition": 13, "Coverage": 8, "DiagnosticReport": 11, "Encounter": 8, "ExplanationOfBenefit": 8, "Immunization": 7, "Organization": 2, "Practitioner": 2, "Procedure": 23, "ServiceRequest": 8}),
    ("fhir_pathling_synthea/bundles/Burt293_Fisher429_7291401a-85f0-6ad1-b417-e5ea86b6e353.json", 133, 2, {"CarePlan": 1, "CareTeam": 1, "Claim": 18, "Condition": 5, "Coverage": 16, "DiagnosticReport": 12, "Encounter": 16, "ExplanationOfBenefit": 16, "Immunization": 17, "MedicationRequest": 2, "Organization": 3, "Practitioner": 3, "Procedure": 33, "ServiceRequest": 16}),
    ("fhir_pathling_synthea/bundles/Dung738_Ruecker817_6dff1468-d6cf-804a-a3ed-a69896daf073.json", 201, 2, {"Claim": 25, "Condition": 3, "Coverage": 20, "DiagnosticReport": 2, "Encounter": 20, "ExplanationOfBenefit": 20, "Immunization": 35, "MedicationRequest": 5, "Organization": 2, "Practitioner": 2, "Procedure": 7, "ServiceRequest": 20}),
    ("fhir_pathling_synthea/bundles/Harry448_Botsford977_42122517-c732-08c7-d5a3-adeffb7ea4bd.json", 357, 2, {"CarePlan": 4, "CareTeam": 4, "Claim": 33, "Condition": 33, "Coverage": 30, "DiagnosticReport": 28, "Encounter": 30, "ExplanationOfBenefit": 30, "Immunization": 14, "MedicationRequest": 3, "Organization": 3, "Practitioner": 3, "Procedure": 55, "ServiceRequest": 30}),
    ("fhir_pathling_synthea/bundles/Judi176_Sawayn19_cd5a6b35-2a1f-1f73-048e-c205f88f61bb.json", 441, 2, {"CarePlan": 1, "CareTeam": 1, "Claim": 60, "Condition": 53, "Coverage": 47, "DiagnosticReport": 29, "Encounter": 47, "ExplanationOfBenefit": 47, "Immunization": 15, "MedicationRequest": 13, "Organization": 2, "Practitioner": 2, "Procedure": 60, "ServiceRequest": 47}),
    ("fhir_pathling_synthea/bundles/Melinda114_Thiel172_d1376fd1-810a-3a17-b510-3a1b4cd399b2.json", 152, 2, {"CarePlan": 2, "CareTeam": 2, "Claim": 30, "Condition": 11, "Coverage": 25, "DiagnosticReport": 10, "Encounter": 25, "ExplanationOfBenefit": 25, "Immunization": 11, "MedicationRequest": 5, "Organization": 3, "Practitioner": 3, "Procedure": 74, "ServiceRequest": 25}),
    ("fhir_pathling_synthea/bundles/Randal152_Goyette777_04c82381-c5e3-f79e-ac61-a4ec63d2a381.json", 177, 2, {"CarePlan": 1, "CareTeam": 1, "Claim": 18, "Condition": 9, "Coverage": 15, "DiagnosticReport": 14, "Encounter": 15, "ExplanationOfBenefit": 15, "Immunization": 16, "MedicationRequest": 3, "Organization": 3, "Practitioner": 3, "Procedure": 31, "ServiceRequest": 15}),
    ("fhir_pathling_synthea/bundles/Tuyet839_Boyle917_3fc4d5b0-9e46-4307-8c05-e4cef7602e7f.json", 128, 2, {"CarePlan": 2, "CareTeam": 2, "Claim": 12, "Condition": 8, "Coverage": 12, "DiagnosticReport": 3, "Encounter": 12, "ExplanationOfBenefit": 12, "Immunization": 24, "Organization": 2, "Practitioner": 2, "Procedure": 3, "ServiceRequest": 12}),
    ("fhir_pathling_synthea/bundles/Wynona930_Bradtke547_6cc4fff2-8a24-ecef-2f2d-1067473532cd.json", 373, 2, {"CarePlan": 5, "CareTeam": 5, "Claim": 140, "Condition": 50, "Coverage": 97, "DiagnosticReport": 25, "Encounter": 97, "ExplanationOfBenefit": 97, "Immunization": 15, "MedicationRequest": 43, "Organization": 3, "Practitioner": 3, "Procedure": 176, "ServiceRequest": 97}),
    ("fhir_pathling_synthea/bundles/Yang129_Eichmann909_6b01025b-43b4-a9e4-525b-872995031987.json", 678, 2, {"CarePlan": 5, "CareTeam": 5, "Claim": 131, "Condition": 61, "Coverage": 102, "DiagnosticReport": 57, "Encounter": 102, "ExplanationOfBenefit": 102, "ImagingStudy": 1, "Immunization": 13, "MedicationAdministration": 2, "MedicationRequest": 29, "Organization": 3, "Practitioner": 3, "Procedure": 69, "ServiceRequest": 102}),
    ("synthea_csv_fhir_pair/fhir/Barney639_Cormier289_9808a1c3-5354-de5f-bfe5-7fdbd39bb426.json.gz", 189, 2, {"CarePlan": 2, "CareTeam": 2, "Claim": 52, "Condition": 16, "Coverage": 52, "DiagnosticReport": 65, "DocumentReference": 51, "Encounter": 51, "ExplanationOfBenefit": 52, "Immunization": 6, "MedicationRequest": 1, "Procedure": 52, "Provenance": 1, "ServiceRequest": 52}),
    ("synthea_csv_fhir_pair/fhir/Chasidy481_Lakin515_6fc4436c-20cc-50f7-cabc-a19442b5837e.json.gz", 194, 2, {"CarePlan": 3, "CareTeam": 3, "Claim": 38, "Condition": 20, "Coverage": 38, "DiagnosticReport": 43, "DocumentReference": 27, "Encounter": 27, "ExplanationOfBenefit": 38, "ImagingStudy": 1, "Immunization": 11, "Medication": 2, "MedicationAdministration": 2, "MedicationRequest": 11, "Procedure": 61, "Provenance": 1, "ServiceRequest": 38}),
    ("synthea_csv_fhir_pair/fhir/Christeen33_Beier427_edcd074e-b20a-2826-ff28-4677579314b1.json.gz", 166, 2, {"CarePlan": 6, "CareTeam": 6, "Claim": 32, "Condition": 20, "Coverage": 32, "Device": 1, "DiagnosticReport": 45, "DocumentReference": 27, "Encounter": 27, "ExplanationOfBenefit": 32, "ImagingStudy": 1, "Immunization": 4, "Medication": 2, "MedicationAdministration": 2, "MedicationRequest": 5, "Procedure": 47, "Provenance": 1, "ServiceRequest": 32, "SupplyDelivery": 7}),
    ("synthea_csv_fhir_pair/fhir/Jennie425_Hae300_Heaney114_4237be97-a13d-18b8-6e01-df3ee076675f.json.gz", 336, 2, {"AllergyIntolerance": 1, "CarePlan": 3, "CareTeam": 3, "Claim": 35, "Condition": 27, "Coverage": 35, "Device": 2, "DiagnosticReport": 53, "DocumentReference": 21, "Encounter": 21, "ExplanationOfBenefit": 35, "Immunization": 12, "MedicationRequest": 14, "Procedure": 41, "Provenance": 1, "ServiceRequest": 35, "SupplyDelivery": 13}),
    ("synthea_csv_fhir_pair/fhir/Leonie332_Rosanne862_Jacobs452_49abcfcc-8abb-9781-d49e-cab0cd9f5c40.json.gz", 457, 2, {"CarePlan": 3, "CareTeam": 3, "Claim": 48, "Condition": 28, "Coverage": 48, "Device": 2, "DiagnosticReport": 73, "DocumentReference": 29, "Encounter": 29, "ExplanationOfBenefit": 48, "ImagingStudy": 1, "Immunization": 15, "Medication": 1, "MedicationAdministration": 1, "MedicationRequest": 19, "Procedure": 117, "Provenance": 1, "ServiceRequest": 48, "SupplyDelivery": 16}),
    ("synthea_csv_fhir_pair/fhir/Margorie48_Graciela518_Cormier289_515991e2-40dd-22c1-c377-e0b71ad973b9.json.gz", 128, 2, {"CarePlan": 1, "CareTeam": 1, "Claim": 38, "Condition": 15, "Coverage": 38, "DiagnosticReport": 44, "DocumentReference": 33, "Encounter": 33, "ExplanationOfBenefit": 38, "Immunization": 4, "Medication": 1, "MedicationAdministration": 1, "MedicationRequest": 5, "Procedure": 89, "Provenance": 1, "ServiceRequest": 38}),
    ("synthea_csv_fhir_pair/fhir/Nestor901_Carroll471_7aa9e024-e01b-a999-b719-cdbc94a84250.json.gz", 363, 2, {"AllergyIntolerance": 8, "CarePlan": 4, "CareTeam": 4, "Claim": 58, "Condition": 26, "Coverage": 58, "Device": 2, "DiagnosticReport": 62, "DocumentReference": 32, "Encounter": 32, "ExplanationOfBenefit": 58, "Immunization": 12, "MedicationRequest": 26, "Procedure": 55, "Provenance": 1, "ServiceRequest": 58, "SupplyDelivery": 1}),
    ("synthea_csv_fhir_pair/fhir/Rodrigo242_Grady603_9f39bf35-ea79-4383-4eb1-36c43280dff2.json.gz", 259, 2, {"CarePlan": 3, "CareTeam": 3, "Claim": 30, "Condition": 24, "Coverage": 30, "DiagnosticReport": 45, "DocumentReference": 26, "Encounter": 26, "ExplanationOfBenefit": 30, "ImagingStudy": 7, "Immunization": 11, "MedicationRequest": 4, "Procedure": 46, "Provenance": 1, "ServiceRequest": 30}),
    ("synthea_csv_fhir_pair/fhir/Rosetta750_Hilll811_920e3c45-f754-686a-a312-a070f4258dee.json.gz", 360, 2, {"CarePlan": 3, "CareTeam": 3, "Claim": 63, "Condition": 36, "Coverage": 63, "DiagnosticReport": 75, "DocumentReference": 48, "Encounter": 48, "ExplanationOfBenefit": 63, "Immunization": 14, "MedicationRequest": 15, "Procedure": 161, "Provenance": 1, "ServiceRequest": 63}),
    ("synthea_csv_fhir_pair/fhir/Temika453_Wuckert783_b37f7960-7e9e-f3f7-f891-79ae4f632406.json.gz", 169, 2, {"CarePlan": 4, "CareTeam": 4, "Claim": 30, "Condition": 25, "Coverage": 30, "DiagnosticReport": 30, "DocumentReference": 23, "Encounter": 23, "ExplanationOfBenefit": 30, "ImagingStudy": 1, "Immunization": 20, "MedicationRequest": 7, "Procedure": 20, "Provenance": 1, "ServiceRequest": 30}),
    ("synthea_csv_fhir_pair/fhir/hospitalInformation1714182814995.json.gz", 0, 0, {"Location": 48, "Organization": 47}),
    ("synthea_csv_fhir_pair/fhir/practitionerInformation1714182814995.json.gz", 0, 0, {"Practitioner": 47, "PractitionerRole": 47}),
]
# fmt: on


def values(path: Path) -> dict[str, tuple[str, str, str, str]]:
    """What a file says, by code."""
    items = [item for item in FHIRSource(path).items() if isinstance(item, LabResult)]
    return {item.codes[0].code: (item.value, item.unit, item.lower, item.upper) for item in items}


@pytest.mark.parametrize(("name", "results", "persons", "others"), COUNTS, ids=[entry[0][-40:] for entry in COUNTS])
def test_counts_of_the_real_files(shared: Path, name: str, results: int, persons: int, others: dict[str, int]) -> None:
    items = list(FHIRSource(shared / "data" / name).items())
    kinds = Counter(type(item) for item in items)
    assert kinds == Counter({LabResult: results, StatedPerson: persons, NotResults: sum(others.values())})
    assert Counter(item.kind for item in items if isinstance(item, NotResults)) == others


def test_every_real_file_is_in_the_table(shared: Path) -> None:
    folders = ("fhir_hl7_examples", "fhir_pathling_synthea", "synthea_csv_fhir_pair/fhir")
    found = {
        str(path.relative_to(shared / "data"))
        for folder in folders
        for path in (shared / "data" / folder).rglob("*")
        if path.name.endswith((".json", ".ndjson", ".json.gz"))
    }
    assert found == {entry[0] for entry in COUNTS}


def test_the_real_files_look_like_fhir(shared: Path) -> None:
    for name, *_ in COUNTS:
        path = shared / "data" / name
        content = path.read_bytes()
        assert looks_like_fhir((gzip.decompress(content) if name.endswith(".gz") else content)[:65_536]), name


def test_fsh_and_an_empty_file_are_refused(shared: Path) -> None:
    fsh = sorted((shared / "data/fhir_hl7_examples").rglob("*.fsh"))
    assert len(fsh) == 4
    for path in fsh:
        with pytest.raises(UsageError, match="does not begin with a JSON object"):
            FHIRSource(path)
    (empty,) = (shared / "data/fhir_pathling_synthea/bundles_xml").glob("Horacio*.xml")
    with pytest.raises(UsageError, match="the source is empty"):
        FHIRSource(empty)


@pytest.mark.parametrize(
    "name", ["r4/Bundle-ghp.json", "stu3/DiagnosticReport-ghp.json", "dstu2/DiagnosticReport-ghp.json"]
)
def test_the_same_count_in_three_releases(shared: Path, name: str) -> None:
    """By eye: the blood count among the 48 results, whose time and specimen only the panel has."""
    path = shared / "data/fhir_hl7_examples" / name
    found = values(path)
    assert found["718-7"] == ("176", "g/L", "135", "180")
    assert found["789-8"] == ("5.9", "10*12/L", *found["789-8"][2:])
    assert found["4544-3"] == ("55", "%", "38", "52")
    assert found["777-3"] == ("444", "10*9/L", "150", "450")
    assert found["6690-2"][:2] == ("4.6", "10*9/L")
    assert found["704-7"][:3] == ("0.92", "10*9/L", "")
    (hemoglobin,) = [
        item for item in FHIRSource(path).items() if isinstance(item, LabResult) and item.codes[0].code == "718-7"
    ]
    assert (hemoglobin.person, hemoglobin.collected_at) == ("Patient/pat2", "2015-08-16T06:40:17Z")
    assert hemoglobin.specimen == "Lavender Top Tube; Blood specimen with EDTA"


@pytest.mark.parametrize("release", ["r4", "stu3", "dstu2"])
def test_the_hemoglobin_in_the_wrong_unit_is_given_as_it_stands(shared: Path, release: str) -> None:
    path = shared / f"data/fhir_hl7_examples/{release}/Observation-f005.json"
    assert values(path) == {"718-7": ("7.2", "g/dL", "7.5", "10")}
    (item,) = FHIRSource(path).items()
    assert isinstance(item, LabResult)
    day = "02" if release == "dstu2" else "05"
    assert (item.person, item.collected_at) == ("Patient/f001", f"2013-04-{day}T10:30:10+01:00")


def test_a_report_without_times_in_its_results(shared: Path) -> None:
    items = list(FHIRSource(shared / "data/fhir_hl7_examples/r4/Bundle-report.json").items())
    first = items[1]
    assert isinstance(first, LabResult)
    assert (first.value, first.unit, first.line) == ("31.9", "K/ul", 2)
    assert (first.person, first.collected_at) == ("Patient/genetics-example1", "2015-01-02T13:20:10+01:00")


def test_limits_of_us_core(shared: Path) -> None:
    folder = shared / "data/fhir_hl7_examples"
    assert values(folder / "uscore3/Observation-hemoglobin.json") == {"718-7": ("17.0", "g/dL", "16.5", "21.5")}
    # Low above high, as the source has it.
    assert values(folder / "uscore_current/observation-cbc-hematocrit.json") == {"4544-3": ("43", "%", "46", "38")}


def test_a_bulk_export_keeps_every_digit(shared: Path) -> None:
    folder = shared / "data/fhir_pathling_synthea"
    items = [item for item in FHIRSource(folder / "Observation.ndjson").items() if isinstance(item, LabResult)]
    platelets = [item for item in items if item.codes[0].code == "777-3"]
    assert len(platelets) == 28
    assert {item.unit for item in platelets} == {"10*3/uL"}
    assert "0.5754162139974586" in {item.value for item in items}
    persons = {item.key for item in FHIRSource(folder / "Patient.ndjson").items() if isinstance(item, StatedPerson)}
    assert {item.person for item in items} <= persons


def test_a_bundle_of_one_person_is_of_one_person(shared: Path) -> None:
    for path in sorted((shared / "data/fhir_pathling_synthea/bundles").glob("*.json")):
        items = list(FHIRSource(path).items())
        (person,) = {item.person for item in items if isinstance(item, LabResult)}
        keys = [item.key for item in items if isinstance(item, StatedPerson)]
        assert keys == [person, "urn:uuid:" + person.removeprefix("Patient/")]
