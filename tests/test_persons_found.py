"""Whose results they are: ages sent beside a count, persons named by identifier, and how many were found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.vocabulary import Reason

UUID = "0f3d3a52-7c1e-4b3e-9d0a-2b1c3d4e5f60"
SYSTEM = "urn:oid:1.2.3"
PATIENT = {
    "resourceType": "Patient", "id": UUID, "gender": "female", "birthDate": "1960-03-04",
    "identifier": [{"system": SYSTEM, "value": "900001"}, {"value": "77"}],
}  # fmt: skip


def flags(source: Any, folder: Path, **options: Any) -> tuple[cbc.ScanSummary, list[dict[str, Any]]]:
    summary = cbc.scan(source, folder / "flags.ndjson", force=True, **options)
    return summary, [json.loads(line) for line in (folder / "flags.ndjson").read_text(encoding="utf-8").splitlines()]


# An age beside the count


def message(folder: Path, *observations: str, person: str = "PID|1||900^^^H||X|||F") -> Path:
    """Write a message about a woman without a birth date, with hemoglobin 119 g/L."""
    segments = [
        "MSH|^~\\&|L|H|||20240102||ORU^R01|1|P|2.5", person, "OBR|1||1|CBC|||20240102",
        *observations, "OBX|9|NM|718-7^Hb^LN||119|g/L|||||F",
    ]  # fmt: skip
    (folder / "a.hl7").write_text("\r".join(segments) + "\r", encoding="utf-8")
    return folder / "a.hl7"


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        ("OBX|1|NM|30525-0^Age^LN||31|yr|||||F", ""),
        ("OBX|1|NM|30525-0^Age^LN||31|a|||||F", ""),
        ("OBX|1|NM|21612-7^^LN||31|years|||||F", ""),
        ("OBX|1|NM|29553-5^Age calculated^LN||372|mo|||||F", ""),
        ("OBX|1|NM|35659-2^Age at specimen collection^LN||31|y|||||F", ""),
        ("OBX|1|NM|01001^Age^99MRC||31|yr|||||F", ""),  # a name alone, with a unit of age
        ("OBX|1|ST|30525-0^Age^LN||31 y||||||F", ""),
        ("OBX|1|NM|30525-0^Age^LN||31||||||F", "age:AGE_UNIT_MISSING"),
        ("OBX|1|NM|30525-0^Age^LN||thirty|yr|||||F", "age:AGE_UNREADABLE"),
        ("OBX|1|NM|30525-0^Age^LN|||yr|||||F", "age:AGE_MISSING"),
        ("OBX|1|NM|01001^Age^99MRC||31|h|||||F", ""),
        ("OBX|1|NM|01001^Age^99MRC||31||||||F", "age:AGE_MISSING"),  # the age of a specimen, perhaps
        ("OBX|1|NM|99999-9^Gestational age^LN||31|wk|||||F", "age:AGE_MISSING"),
    ],
)
def test_an_age_beside_the_count_is_that_of_the_person(tmp_path: Path, observation: str, reason: str) -> None:
    summary, (row,) = flags(message(tmp_path, observation), tmp_path)
    found = [reason for reason in row["reasons"].split(";") if reason.startswith("age:")]
    assert found == ([reason] if reason else [])
    assert (summary.results["read"], summary.results["not_count"]) == (2, 1)


def test_the_age_is_that_of_its_own_collection_and_two_that_differ_are_none(tmp_path: Path) -> None:
    first = message(tmp_path, "OBX|1|NM|30525-0^Age^LN||5|yr|||||F").read_text(encoding="utf-8")
    later = first.replace("20240102", "20340102").replace("||5|yr", "||15|yr")
    (tmp_path / "two.hl7").write_text(first + later, encoding="utf-8")
    _, rows = flags(tmp_path / "two.hl7", tmp_path)
    assert ["age:" in row["reasons"] for row in rows] == [False, False]
    twice = message(tmp_path, "OBX|1|NM|30525-0^Age^LN||5|yr|||||F", "OBX|2|NM|30525-0^Age^LN||50|yr|||||F")
    _, (row,) = flags(twice, tmp_path)
    assert "age:PERSON_CONFLICT" in row["reasons"]


def test_a_birth_date_stands_over_an_age_beside_the_count(tmp_path: Path) -> None:
    source = message(tmp_path, "OBX|1|NM|30525-0^Age^LN||31|yr|||||F", person="PID|1||900^^^H||X||19930301|F")
    cbc.scan(source, tmp_path / "flags.parquet", received=True)
    assert cbc.screen_again(tmp_path / "flags.parquet", 5).person.years == (30, 30)
    source = message(tmp_path, "OBX|1|NM|30525-0^Age^LN||5|yr|||||F", person="PID|1||900^^^H||X||19930301|F")
    cbc.scan(source, tmp_path / "flags.parquet", received=True, force=True)
    result = cbc.screen_again(tmp_path / "flags.parquet", 5)
    assert result.person.years == (5, 30), "it may be either"
    assert "age:PERSON_CONFLICT" in result.flags()["reasons"]


@pytest.mark.parametrize(("code", "value"), [("46098-0", "Female"), ("76689-9", "F"), ("21840-4", "female")])
def test_a_sex_and_a_birth_date_as_results(tmp_path: Path, code: str, value: str) -> None:
    source = message(
        tmp_path,
        f"OBX|1|ST|{code}^^LN||{value}||||||F",
        "OBX|2|DT|21112-8^^LN||19930301||||||F",
        person="PID|1||900^^^H",
    )
    _, (row,) = flags(source, tmp_path)
    assert not any(field in row["reasons"] for field in ("sex:", "age:"))


def test_an_age_in_a_table_of_single_results(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "id: own\ntitle: t\nshape: long\nsource: s\n"
        "columns: {person: id, name: test, value: value, unit: unit, collected_at: at}\n",
        encoding="utf-8",
    )
    rows = ("Age,54,years", "Hemoglobin,119,g/L", "Platelets,250,10^9/L")
    (tmp_path / "long.csv").write_text(
        "id,at,test,value,unit\n" + "".join(f"a,Visit 1,{row}\n" for row in rows), encoding="utf-8"
    )
    _, (row,) = flags(tmp_path / "long.csv", tmp_path, profile=str(tmp_path / "own.yaml"))
    assert "age:" not in row["reasons"]


def test_the_analyzer_that_sends_the_age_beside_its_count(shared: Path, tmp_path: Path) -> None:
    _, (row,) = flags(shared / "field/exports/mindray_bc5150_age_in_obx.hl7", tmp_path)
    assert (row["pattern"], "age:" in row["reasons"], "sex:" in row["reasons"]) == ("pancytopenia", False, False)


# A person named in another way


def observation(subject: Any, code: str = "718-7", value: float = 119, unit: str = "g/L") -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": subject, "effectiveDateTime": "2024-05-01T08:00:00Z", "valueQuantity": {"value": value, "unit": unit},
    }  # fmt: skip


NAMED = (
    {"reference": f"Patient/{UUID}"},
    {"reference": f"urn:uuid:{UUID}"},
    {"reference": f"Patient/{UUID}/_history/2"},
    {"identifier": {"system": SYSTEM, "value": "900001"}},
    {"identifier": {"value": "77"}},
    {"reference": f"Patient?identifier={SYSTEM}|900001"},
    {"reference": f"Patient?identifier={SYSTEM}%7C900001"},
)
NOT_NAMED = (
    {"reference": "Patient/other"},
    {"reference": f"https://other.org/fhir/Patient/{UUID}"},
    {"identifier": {"system": "urn:oid:9.9", "value": "900001"}},  # the number of another hospital
    {"identifier": {"value": "900001"}},
    {"identifier": {"system": SYSTEM, "value": "900002"}},
    {"display": "Somebody"},
)


@pytest.mark.parametrize(("subject", "found"), [*((one, True) for one in NAMED), *((one, False) for one in NOT_NAMED)])
def test_a_person_in_the_same_bundle_and_in_a_file_of_persons(tmp_path: Path, subject: Any, found: bool) -> None:
    entries = [{"resource": PATIENT}, {"resource": observation(subject)}]
    (tmp_path / "bundle.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}), encoding="utf-8")
    _, (within,) = flags(tmp_path / "bundle.json", tmp_path)
    assert ("age:" not in within["reasons"]) is found
    (tmp_path / "Observation.ndjson").write_text(json.dumps(observation(subject)) + "\n", encoding="utf-8")
    (tmp_path / "Patient.ndjson").write_text(json.dumps(PATIENT) + "\n", encoding="utf-8")
    _, (beside,) = flags(tmp_path / "Observation.ndjson", tmp_path, persons=tmp_path / "Patient.ndjson")
    assert ("age:" not in beside["reasons"]) is found


def test_every_way_of_naming_one_person_in_a_bundle_is_one_person(tmp_path: Path) -> None:
    codes = (("718-7", 70, "g/L"), ("6690-2", 1.1, "10*9/L"), ("777-3", 9, "10*9/L"), ("751-8", 0.3, "10*9/L"))
    entries = [{"resource": PATIENT, "fullUrl": f"urn:uuid:{UUID}"}]
    ways = (NAMED[0], NAMED[1], NAMED[3], NAMED[5])
    entries += [{"resource": observation(way, *one)} for way, one in zip(ways, codes, strict=True)]
    (tmp_path / "bundle.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}), encoding="utf-8")
    _, (row,) = flags(tmp_path / "bundle.json", tmp_path)
    assert (row["pattern"], "age:" in row["reasons"]) == ("pancytopenia", False)


def test_an_identifier_of_two_persons_is_of_neither(tmp_path: Path) -> None:
    other = {**PATIENT, "id": "other", "gender": "male", "birthDate": "2020-01-01"}
    entries = [{"resource": one} for one in (PATIENT, other, observation(NAMED[3]))]
    (tmp_path / "bundle.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}), encoding="utf-8")
    _, (row,) = flags(tmp_path / "bundle.json", tmp_path)
    assert {"age:PERSON_CONFLICT", "sex:PERSON_CONFLICT"} <= set(row["reasons"].split(";"))


def test_a_logical_reference_as_received(shared: Path, tmp_path: Path) -> None:
    _, (row,) = flags(shared / "field/exports/fhir_logical_reference.json", tmp_path)
    assert (row["pattern"], row["reasons"]) == ("pancytopenia", "")


# How many were found


def tables(folder: Path, persons: str) -> tuple[Path, Path]:
    (folder / "labevents.csv").write_text(
        "subject_id,itemid,charttime,value,valueuom\n"
        + "".join(
            f"{number},51222,2150-01-02,14.0,g/dL\n{number},51265,2150-01-02,20,K/uL\n{number},51301,2150-01-02,6,K/uL\n"
            for number in (7, 8, 9)
        ),
        encoding="utf-8",
    )
    (folder / "patients.csv").write_text(f"subject_id,gender,anchor_age,anchor_year\n{persons}", encoding="utf-8")
    return folder / "labevents.csv", folder / "patients.csv"


@pytest.mark.parametrize(
    ("persons", "found"),
    [
        ("7,F,50,2150\n8,M,50,2150\n9,M,50,2150\n", 3),
        ("7,F,50,2150\n", 1),
        ("S7,F,50,2150\nS8,M,50,2150\n", 0),
        ("", 0),
        ("7,,,\n", 0),
    ],
)
def test_how_many_persons_of_the_results_were_found(tmp_path: Path, persons: str, found: int) -> None:
    results, people = tables(tmp_path, persons)
    summary, _ = flags(results, tmp_path, persons=people)
    assert summary.persons == {"in_results": 3, "found": found}
    done = CliRunner().invoke(main, ["scan", str(results), "--persons", str(people)])
    assert f"{found} of 3 persons found" in done.output
    assert (done.exit_code == 3) is (found == 0)
    assert ("is its key the one that the results have?" in done.stderr) is (found == 0)


def test_without_a_table_of_persons_nothing_is_said_of_them(tmp_path: Path) -> None:
    results, _ = tables(tmp_path, "")
    summary, _ = flags(results, tmp_path)
    assert summary.persons == {}


def test_the_manifest_has_how_many_were_found(tmp_path: Path) -> None:
    results, people = tables(tmp_path, "S7,F,50,2150\n")
    cbc.scan(results, tmp_path / "flags.csv", persons=people)
    counts = json.loads((tmp_path / "flags.csv.manifest.json").read_text(encoding="utf-8"))["counts"]
    assert counts["persons"] == {"in_results": 3, "found": 0}
    assert counts["alarms"][0].startswith("0 of 3 persons found")


@pytest.mark.parametrize(
    "header",
    ["patient_id,birth_date,sex", "PatientID;Geburtsdatum;Geschlecht", "MRN,DOB,Gender", "patient_id,age (y),sex"],
)
def test_a_plain_table_of_persons_is_read_by_its_names(tmp_path: Path, header: str) -> None:
    """Hemoglobin 119 g/L is low in a man and not in a woman."""
    mark, age = (";" if ";" in header else ","), ("40" if "age" in header else "1960-01-01")
    people = "".join(f"{mark.join((person, age, sex))}\n" for person, sex in (("A1", "F"), ("A2", "M")))
    (tmp_path / "persons.csv").write_text(f"{header}\n{people}", encoding="utf-8")
    rows = [("HGB", "119", "g/L"), ("PLT", "250", "10^9/L"), ("NEUT", "4", "10^9/L")]
    table = "".join(f"{person},2024-01-02,{','.join(own)}\n" for person in ("A1", "A2") for own in rows)
    (tmp_path / "results.csv").write_text(f"patient_id,collected_at,test,result,unit\n{table}", encoding="utf-8")
    summary, found = flags(tmp_path / "results.csv", tmp_path, persons=str(tmp_path / "persons.csv"))
    assert summary.persons == {"in_results": 2, "found": 2}
    assert [row["pattern"] for row in found] == ["none", "single_line"]


def test_a_table_of_persons_without_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "persons.csv").write_text("birth_date,sex\n1960-01-01,F\n", encoding="utf-8")
    (tmp_path / "results.csv").write_text("patient_id,test,result,unit\nA1,HGB,119,g/L\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match=r"persons\.csv: no column says who each row is of"):
        cbc.scan(tmp_path / "results.csv", persons=str(tmp_path / "persons.csv"))


# An age in the unit of its own header ------------------------------------------------------------

LOW_IN_A_CHILD = (("HGB", "110", "g/L"), ("PLT", "250", "10^9/L"), ("NEUT", "4", "10^9/L"))  # and not in an infant


def of_age(folder: Path, name: str, header: str, age: str) -> Path:
    rows = "".join(f"{name},2024-01-02,{age},F,{','.join(own)}\n" for own in LOW_IN_A_CHILD)
    (folder / f"{name}.csv").write_text(
        f"patient_id,collected_at,{header},sex,test,result,unit\n{rows}", encoding="utf-8"
    )
    return folder / f"{name}.csv"


@pytest.mark.parametrize("reverse", [False, True])
def test_the_unit_of_an_age_is_that_of_its_own_table(tmp_path: Path, reverse: bool) -> None:
    """Three years in one file and three months in the other; a unit in the cell stands before that of the header."""
    files = [
        of_age(tmp_path, "years", "age (y)", "3"),
        of_age(tmp_path, "months", "age (months)", "3"),
        of_age(tmp_path, "cell", "age (y)", "3 mo"),
    ]
    found = cbc.Screener().screen_each([str(file) for file in (files[::-1] if reverse else files)]).counts
    assert {one.person: one.result.pattern for one in found} == {
        "years": "single_line",
        "months": "none",
        "cell": "none",
    }


def test_the_unit_of_an_age_is_that_of_the_table_of_persons(tmp_path: Path) -> None:
    (tmp_path / "persons.csv").write_text("patient_id,age (months),sex\nfirst,3,F\nsecond,36,F\n", encoding="utf-8")
    for name in ("first", "second"):
        rows = "".join(f"{name},2024-01-02,{','.join(own)}\n" for own in LOW_IN_A_CHILD)
        (tmp_path / f"{name}.csv").write_text(f"patient_id,collected_at,test,result,unit\n{rows}", encoding="utf-8")
    _, rows = flags([tmp_path / "first.csv", tmp_path / "second.csv"], tmp_path, persons=str(tmp_path / "persons.csv"))
    assert [row["pattern"] for row in rows] == ["none", "single_line"]


def test_a_header_and_a_declared_unit_of_age_must_not_differ(tmp_path: Path) -> None:
    file = of_age(tmp_path, "months", "age (months)", "3")
    with pytest.raises(cbc.UsageError, match="states its unit, and age_unit= declares another"):
        cbc.scan(file, age_unit="y")
    assert cbc.scan(file, age_unit="mo").patterns["none"] == 1
    (tmp_path / "persons.csv").write_text("patient_id,age (y),sex\nmonths,3,F\n", encoding="utf-8")
    results = of_age(tmp_path, "months", "ward", "A")
    with pytest.raises(cbc.UsageError, match=r"persons\.csv: a column states the unit of the age"):
        cbc.scan(results, persons=str(tmp_path / "persons.csv"), age_unit="mo")


@pytest.mark.parametrize("kind", ["simple", "careful"])
def test_rows_that_contradict_one_another_about_a_person_say_so(kind: str, tmp_path: Path) -> None:
    """A laboratory result is of somebody: whose sex and birth date two rows tell differently, nobody knows."""
    rows = ["7,1980-01-01,F,2024-03-01,HGB,125,g/L", "7,1990-01-01,M,2024-03-01,PLT,200,10^9/L"]
    rows += ["7,,M,2024-03-01,ANC,1.2,10^9/L", "8,1980-01-01,F,2024-03-01,HGB,125,g/L"]
    rows += ["7,1980-01-01,F,2024-03-01,HGB,125,g/L"] if kind == "careful" else []  # the same result twice
    text = "\n".join(["Patient ID,DOB,Sex,Collected,Test,Result,Unit", *rows])
    (tmp_path / "results.csv").write_text(text + "\n", encoding="utf-8")
    _, found = flags(tmp_path / "results.csv", tmp_path)
    assert [{"age:PERSON_CONFLICT", "sex:PERSON_CONFLICT"} <= set(row["reasons"].split(";")) for row in found] == [
        True,
        False,
    ]
    assert found[0]["red_line"] == "cannot_tell"  # 125 g/L is low in a man alone


@pytest.mark.parametrize("word", ["contradicted", "Contradicted"])
def test_an_age_in_years_and_a_sex_that_a_source_calls_contradicted_are_unknown(word: str) -> None:
    result = cbc.screen({"age": word, "sex": word, "hemoglobin": "125 g/L"})
    assert {("age", Reason.PERSON_CONFLICT), ("sex", Reason.PERSON_CONFLICT)} <= set(result.reasons)
    assert result.flags()["red_line"] == "cannot_tell"
