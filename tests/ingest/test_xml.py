"""Documents in XML: C-CDA, and FHIR as its JSON would be read; hardened against what XML can carry."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.errors import UsageError
from cbc_screen.ingest.xml_tree import XMLProblem, parse_xml

RESULTS = [("718-7", "79", "g/L"), ("751-8", "0.4", "10*9/L"), ("777-3", "12", "10*9/L")]


def observation(code: str, value: str, extra: str = "", status: str = "completed") -> str:
    return (
        '<component><observation classCode="OBS" moodCode="EVN">'
        f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="{status}"/>{value}{extra}</observation></component>'
    )


def quantity(value: str, unit: str) -> str:
    return f'<value xsi:type="PQ" value="{value}" unit="{unit}"/>'


def ccda(*components: str, person: str = '<id root="1.2.3" extension="7"/>') -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><recordTarget><patientRole>' + person + "<patient>"
        '<administrativeGenderCode code="F"/><birthTime value="19840101"/></patient></patientRole></recordTarget>'
        "<component><structuredBody><component><section><entry>"
        '<organizer classCode="BATTERY" moodCode="EVN"><id root="1.2.3" extension="B1"/><statusCode code="completed"/>'
        f'<effectiveTime value="20240301091500"/>{"".join(components)}</organizer></entry></section></component></structuredBody>'
        "</component></ClinicalDocument>"
    )


def scan(text: str | bytes, folder: Path) -> tuple[cbc.ScanSummary, list[dict[str, str]]]:
    source = folder / "document.xml"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    summary = cbc.scan(source, folder / "flags.csv", folder / "rejects.csv", force=True)
    with (folder / "flags.csv").open(encoding="utf-8", newline="") as file:
        return summary, list(csv.DictReader(file))


def test_a_clinical_document(tmp_path: Path) -> None:
    text = ccda(*(observation(code, quantity(value, unit)) for code, value, unit in RESULTS))
    for content in (text, text.encode("utf-16"), text.replace("utf-8", "UTF-8")):
        if isinstance(content, bytes):
            content = text.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
        summary, (row,) = scan(content, tmp_path)
        assert (row["pattern"], row["reasons"], summary.results["used"]) == ("pancytopenia", "", 3)


@pytest.mark.parametrize(
    ("platelets", "line", "reason"),
    [
        ('<value xsi:type="IVL_PQ"><high value="10" unit="10*3/uL" inclusive="false"/></value>', "low", "platelets:CENSORED_LOW"),
        ('<value xsi:type="IVL_PQ"><low value="200" unit="10*3/uL"/></value>', "not_low", "platelets:CENSORED_HIGH"),
        ('<value xsi:type="ST">12</value>', "cannot_tell", "platelets:UNIT_MISSING"),
        ('<value xsi:type="ST">CLUMPED</value>', "cannot_tell", "platelets:SPECIMEN_SUSPECT"),
        ('<value xsi:type="PQ" nullFlavor="UNK"/>', "cannot_tell", "platelets:VALUE_MISSING"),
        ('<value xsi:type="PQ" value="12" unit="zz"/>', "cannot_tell", "platelets:UNIT_UNKNOWN"),
    ],
)  # fmt: skip
def test_a_value(platelets: str, line: str, reason: str, tmp_path: Path) -> None:
    text = ccda(
        *(observation(code, quantity(value, unit)) for code, value, unit in RESULTS[:2]),
        observation("777-3", platelets),
    )
    _, (row,) = scan(text, tmp_path)
    assert (row["platelet_line"], row["reasons"]) == (line, reason)


def test_status_negation_and_plans(tmp_path: Path) -> None:
    active = observation("777-3", quantity("12", "10*9/L"), status="active")
    negated = observation("777-3", quantity("12", "10*9/L")).replace(
        'moodCode="EVN"', 'moodCode="EVN" negationInd="true"'
    )
    for one in (active, negated):
        _, (row,) = scan(ccda(observation(*("718-7", quantity("79", "g/L"))), one), tmp_path)
        assert (row["platelet_line"], row["reasons"].split(";")[-1]) == ("cannot_tell", "platelets:STATUS_NOT_FINAL")
    goal = observation("777-3", quantity("12", "10*9/L")).replace('moodCode="EVN"', 'moodCode="GOL"')
    summary, (row,) = scan(ccda(observation("718-7", quantity("79", "g/L")), goal), tmp_path)
    assert (summary.results["read"], row["platelet_line"]) == (1, "cannot_tell")


def test_ranges_and_flags_that_came_along(tmp_path: Path) -> None:
    limits = (
        '<interpretationCode code="LL"/><referenceRange><observationRange><value xsi:type="IVL_PQ"><low value="{}" unit="{}"/>'
        '<high value="{}" unit="{}"/></value></observationRange></referenceRange>'
    )
    own = observation("777-3", quantity("145", "10*9/L"), limits.format(140, "10*9/L", 400, "10*9/L"))
    _, (row,) = scan(ccda(own), tmp_path)
    assert (row["platelets_state"], row["guards"]) == ("within", "sender_flags_low")
    other = observation("777-3", quantity("145", "10*9/L"), limits.format(140000, "/uL", 400000, "/uL"))
    _, (row,) = scan(ccda(other), tmp_path)
    assert "platelets:RANGE_UNREADABLE" in row["reasons"]


def test_a_document_of_two_persons_is_of_nobody(tmp_path: Path) -> None:
    text = ccda(*(observation(code, quantity(value, unit)) for code, value, unit in RESULTS))
    target = text[text.index("<recordTarget>") : text.index("</recordTarget>") + len("</recordTarget>")]
    _, (row,) = scan(text.replace(target, target * 2), tmp_path)
    assert "age:AGE_MISSING" in row["reasons"]


def test_documents_without_a_number_never_share_a_person(tmp_path: Path) -> None:
    """Two documents of the same minute, neither saying whose it is, are of two persons."""
    for name, (code, value, unit) in zip(("one", "two"), (RESULTS[0], RESULTS[2]), strict=True):
        (tmp_path / f"{name}.xml").write_text(
            ccda(observation(code, quantity(value, unit)), person=""), encoding="utf-8"
        )
    cbc.scan([tmp_path / "one.xml", tmp_path / "two.xml"], tmp_path / "flags.csv")
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        found = [(row["red_line"], row["platelet_line"]) for row in csv.DictReader(file)]
    assert found == [("low", "cannot_tell"), ("cannot_tell", "low")]


def test_results_of_a_document_of_several_persons_stand_alone(tmp_path: Path) -> None:
    text = ccda(*(observation(code, quantity(value, unit)) for code, value, unit in RESULTS))
    target = text[text.index("<recordTarget>") : text.index("</recordTarget>") + len("</recordTarget>")]
    loose = text.replace(target, target * 2).replace("<organizer", "<group").replace("</organizer", "</group")
    _, rows = scan(loose, tmp_path)
    assert {row["pattern"] for row in rows} == {"cannot_tell"}


@pytest.mark.parametrize("status", ["aborted", "cancelled", "nullified", "obsolete"])
def test_a_panel_that_was_cancelled_has_no_results(status: str, tmp_path: Path) -> None:
    text = ccda(*(observation(code, quantity(value, unit)) for code, value, unit in RESULTS))
    _, (row,) = scan(
        text.replace('<statusCode code="completed"/><effectiveTime', f'<statusCode code="{status}"/><effectiveTime', 1),
        tmp_path,
    )
    assert (row["pattern"], row["urgency"]) == ("cannot_tell", "cannot_tell")
    assert set(row["reasons"].split(";")) == {
        f"{name}:STATUS_NOT_FINAL" for name in ("hemoglobin", "neutrophils", "platelets")
    }


# FHIR as XML ---------------------------------------------------------------------------------


def bundle() -> dict[str, Any]:
    patient = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1984-01-01"}
    entries: list[dict[str, Any]] = [{"fullUrl": "urn:uuid:p", "resource": patient}]
    for number, (code, value, unit) in enumerate(RESULTS):
        entries.append(
            {
                "resource": {
                    "resourceType": "Observation", "id": str(number), "status": "final",
                    "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "subject": {"reference": "urn:uuid:p"},
                    "effectiveDateTime": "2024-03-01T09:15:00Z",
                    "valueQuantity": {"value": float(value), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
                    "referenceRange": [{"low": {"value": 1, "unit": unit}, "high": {"value": 1000, "unit": unit}}],
                }
            }
        )  # fmt: skip
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def as_xml(name: str, value: Any) -> str:
    """Write JSON as the XML that FHIR has for it."""
    if isinstance(value, list):
        return "".join(as_xml(name, one) for one in value)
    if not isinstance(value, dict):
        return f'<{name} value="{value}"/>'
    inner = "".join(as_xml(own, one) for own, one in value.items() if own != "resourceType")
    kind = value.get("resourceType")
    return f"<{name}><{kind}>{inner}</{kind}></{name}>" if kind else f"<{name}>{inner}</{name}>"


def test_fhir_in_xml_is_what_it_is_in_json(tmp_path: Path) -> None:
    inner = "".join(as_xml(name, value) for name, value in bundle().items() if name != "resourceType")
    summary, rows = scan(f'<?xml version="1.0"?>\n<Bundle xmlns="http://hl7.org/fhir">{inner}</Bundle>', tmp_path)
    (tmp_path / "bundle.json").write_text(json.dumps(bundle()), encoding="utf-8")
    own = cbc.scan(tmp_path / "bundle.json", tmp_path / "json.csv")
    with (tmp_path / "json.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows
    assert [row["pattern"] for row in rows] == ["pancytopenia"]
    assert own.results == summary.results


@pytest.mark.parametrize(
    "twice",
    ['<status value="final"/>', '<unit value="10*9/L"/>', '<value value="12.0"/>', '<code value="777-3"/>'],
)
def test_what_may_stand_once_and_stands_twice_is_believed_in_neither(twice: str, tmp_path: Path) -> None:
    """The entry is rejected, as one of JSON with a key given twice is; the others are read."""
    inner = "".join(as_xml(name, value) for name, value in bundle().items() if name != "resourceType")
    place = inner.index('<Observation><id value="2"/>')
    broken = inner[:place] + inner[place:].replace(twice, twice + twice.replace('value="', 'value="9'), 1)
    assert broken != inner
    summary, (row,) = scan(f'<Bundle xmlns="http://hl7.org/fhir">{broken}</Bundle>', tmp_path)
    assert (row["red_line"], row["white_line"], row["platelet_line"]) == ("low", "low", "cannot_tell")
    assert summary.rejects == {"MESSAGE_UNREADABLE": 1}


def test_bundles_in_xml_are_read_whole(shared: Path) -> None:
    files = sorted((shared / "data/fhir_pathling_synthea/bundles_xml").glob("*.xml"))
    files = [path for path in files if path.stat().st_size]
    assert files
    for path in files:
        summary = cbc.scan(path)
        counted = summary.results
        assert counted["read"] == counted["used"] + counted["superseded"] + counted["not_count"] + counted[
            "unusable"
        ] + sum(counted["rejected"].values())
        assert counted["read"] > 0


# What XML can carry --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><ClinicalDocument xmlns="urn:hl7-org:v3">&a;</ClinicalDocument>', "document type"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><ClinicalDocument xmlns="urn:hl7-org:v3"/>', "document type"),
        ('<ClinicalDocument xmlns="urn:hl7-org:v3">' + "<a>" * 200 + "</a>" * 200 + "</ClinicalDocument>", "too deep"),
        ('<ClinicalDocument xmlns="urn:hl7-org:v3"><a>', "damaged"),
        ('<ClinicalDocument xmlns="urn:hl7-org:v3">&b;</ClinicalDocument>', "damaged"),
        ("<html><body>no</body></html>", "of another kind"),
        ('<Bundle xmlns="http://hl7.org/fhir"><entry>', "damaged"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "in.xml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as problem:
        cbc.scan(tmp_path / "in.xml")
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)


@given(st.text(alphabet='<>/abc="& ', max_size=60))
def test_any_text_is_a_tree_or_a_problem(text: str) -> None:
    root = None
    with suppress(XMLProblem):
        root = parse_xml(text.encode())
    assert root is None or root.name


@pytest.mark.parametrize("encoding", ["UTFF-8", "utf-7", "gb18030", "idna"])
def test_a_document_in_an_encoding_that_is_not_read_is_one_clear_line(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "document.xml"
    path.write_bytes(ccda().replace("UTF-8", encoding, 1).encode())
    with pytest.raises(cbc.UsageError, match="encoding") as caught:
        cbc.scan(path)
    assert caught.value.__context__ is None


def test_of_two_values_of_one_observation_none_is_chosen(tmp_path: Path) -> None:
    path, flags = tmp_path / "document.xml", tmp_path / "flags.parquet"
    results = [
        observation("6690-2", quantity("6.0", "10*9/L")),
        observation("751-8", quantity("4.0", "10*9/L") + quantity("0.3", "10*9/L")),
    ]
    path.write_text(ccda(*results), encoding="utf-8")
    cbc.scan(path, flags)
    assert list(cbc.read_flags(flags)["white_line"]) == ["cannot_tell"]


def test_a_value_beside_a_reason_why_there_is_none_is_not_used(tmp_path: Path) -> None:
    flags = tmp_path / "flags.parquet"
    (tmp_path / "one.json").write_text(
        '{"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},'
        '"subject": {"reference": "Patient/1"}, "effectiveDateTime": "2024-03-01", "valueQuantity": {"value": 250, "unit": "10*9/L"},'
        '"dataAbsentReason": {"coding": [{"code": "error"}]}}',
        encoding="utf-8",
    )
    cbc.scan(tmp_path / "one.json", flags)
    assert list(cbc.read_flags(flags)["platelet_line"]) == ["cannot_tell"]
