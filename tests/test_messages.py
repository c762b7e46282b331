"""HL7 v2 and FHIR from the file to the flags: real files with their counts, and the traps of message feeds."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

import cbc_screen as cbc
from cbc_screen.normalize.moment import instant

HL7_FILES = {
    # file: counts, results read, used, unusable, superseded, no part of a count, rejected
    "misc/aidbox_hl7v2_example__multiple_obr.hl7": (1, 4, 2, 0, 0, 2, 0),
    "misc/hapi_hl7v2__example_oml_o21.hl7": (1, 21, 3, 0, 0, 18, 0),  # orders in the file are no results; 16 of glucose
    "misc/hl7__oru_r01.hl7": (1, 3, 3, 0, 0, 0, 0),
    "misc/hl7__oru_r01_lab.hl7": (1, 3, 3, 0, 0, 0, 0),
    "misc/hl7v2_rs__full_oru.hl7": (1, 5, 5, 0, 0, 0, 0),
    "misc/prime_reportstream__elims_2_72_3029198209_5121_NoPII_expected.hl7": (0, 10, 0, 0, 0, 10, 0),
    "misc/trusted_intermediary__001_TN_ORU_R01_LRI.hl7": (0, 96, 0, 0, 0, 96, 0),  # newborn screening
    "ms_fhir_converter/LAB-ORU-1.hl7": (
        1,
        10,
        0,
        6,
        0,
        1,
        3,
    ),  # white cells under the code of morphology; what may be neutrophils
    "ms_fhir_converter/LAB-ORU-2.hl7": (1, 10, 5, 1, 0, 0, 4),  # and platelets
    "ms_fhir_converter/LRI_2.0-NG_CBC_Typ_Message.hl7": (1, 28, 17, 2, 0, 9, 0),
    "ms_fhir_converter/ORU-R01-01.hl7": (0, 5, 0, 0, 0, 4, 1),  # one text under no code
    "open_o_canada/CC63171.hl7": (1, 53, 10, 0, 1, 42, 0),  # 10 of the counter, and "PLATELETS NORMAL" of the film
    "open_o_canada/HT05038.hl7": (0, 3, 0, 0, 0, 3, 0),
    "renalware_uk/kings_fbc.hl7": (1, 17, 1, 15, 0, 1, 0),  # no units, but "<0.2%" of nucleated red cells has its own
    "transcribed/labcorp_dclab_cbc.hl7": (1, 12, 11, 0, 0, 1, 0),
    "transcribed/meditech_bc_pclocd.hl7": (1, 14, 14, 0, 0, 0, 0),
    "transcribed/quest_cbc_dnr.hl7": (1, 12, 9, 2, 0, 1, 0),
}


# Sent for training (T) or debugging (D): what they hold is read, and nobody is screened for it.
SENT_AS_TESTS = {
    # file: results that are or may be part of a count
    "misc/hapi_hl7v2__example_oml_o21.hl7": 3,
    "misc/trusted_intermediary__001_TN_ORU_R01_LRI.hl7": 0,
    "ms_fhir_converter/LAB-ORU-1.hl7": 9,
    "ms_fhir_converter/LAB-ORU-2.hl7": 10,
    "ms_fhir_converter/LRI_2.0-NG_CBC_Typ_Message.hl7": 19,
    "ms_fhir_converter/ORU-R01-01.hl7": 1,
    "transcribed/meditech_bc_pclocd.hl7": 14,
}


def as_production(path: Path, folder: Path) -> Path:
    """Copy a file as if its messages had been sent in earnest (MSH-11 is P)."""
    copy = folder / path.name
    headers = re.sub(rb"(MSH(?:\|[^|\r\n]*){9}\|)[TD]\|", rb"\1P|", path.read_bytes())
    copy.write_bytes(headers)
    return copy


@pytest.mark.parametrize("name", SENT_AS_TESTS)
def test_a_real_message_of_training_or_debugging_is_no_patients(name: str, shared: Path, tmp_path: Path) -> None:
    summary = cbc.scan(shared / "data/hl7v2_oru" / name, tmp_path / "flags.csv", tmp_path / "rejects.csv")
    many = SENT_AS_TESTS[name]
    assert (summary.rows_in, summary.results["used"]) == (0, 0)
    assert summary.results["rejected"] == ({"SPECIMEN_TRAINING": many} if many else {})
    assert summary.specimens == ({"training": many} if many else {})
    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as file:
        assert [row["reason"] for row in csv.DictReader(file)] == ["SPECIMEN_TRAINING"] * many


@pytest.mark.parametrize("name", HL7_FILES)
def test_every_result_of_a_real_message_is_accounted_for(name: str, shared: Path, tmp_path: Path) -> None:
    rows, read, used, unusable, superseded, not_count, rejected = HL7_FILES[name]
    path = as_production(shared / "data/hl7v2_oru" / name, tmp_path)
    summary = cbc.scan(path, tmp_path / "flags.csv", tmp_path / "rejects.csv")
    results = summary.results
    assert (summary.rows_in, results["read"], results["used"], results["unusable"]) == (rows, read, used, unusable)
    assert (results["superseded"], results["not_count"]) == (superseded, not_count)
    assert sum(results["rejected"].values()) == rejected
    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as file:
        contents = [row["content"] for row in csv.DictReader(file)]
    assert len(contents) == rejected
    assert all(content.startswith("OBX|") for content in contents)


def read_one(path: Path, **options: object) -> dict[str, object]:
    (row,) = cbc.read(path, **options, as_received=True).to_dict("records")
    return dict(row)


def test_a_meditech_count_as_it_stands_in_the_message(shared: Path, tmp_path: Path) -> None:
    found = read_one(as_production(shared / "data/hl7v2_oru/transcribed/meditech_bc_pclocd.hl7", tmp_path))
    assert (found["wbc"], found["wbc_unit"], found["wbc_lower"], found["wbc_upper"]) == ("10.1", "10^9/L", "3.1", "9.7")
    assert (found["platelets"], found["platelets_lower"]) == ("125", "147")
    assert (found["birth_date"], found["sex"], found["collected_at"]) == ("1967-02-02", "F", "2014-11-13T09:14:00")


def test_a_quest_count_as_it_stands_in_the_message(shared: Path) -> None:
    found = read_one(shared / "data/hl7v2_oru/transcribed/quest_cbc_dnr.hl7")
    assert (found["neutrophils"], found["neutrophils_unit"]) == ("4083", "cells/uL")
    assert (found["bands"], found["bands_status"]) == ("DNR", "X")


def test_a_partial_report_is_completed_by_the_final_one(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data/hl7v2_oru/ms_fhir_converter"
    files = [as_production(folder / name, tmp_path) for name in ("LAB-ORU-1.hl7", "LAB-ORU-2.hl7")]
    summary = cbc.scan(files, tmp_path / "flags.csv", keep=["person"])
    assert (summary.rows_in, summary.results["superseded"]) == (1, 6)
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["source_file"] == "LAB-ORU-1.hl7"
    assert "STATUS_NOT_FINAL" not in row["reasons"]


# Traps -------------------------------------------------------------------------------------

HEAD = "MSH|^~\\&|LAB|H|||20240102||ORU^R01|{0}|P|2.5\rPID|1||{1}^^^H||X^Y||19700102|F\rOBR|1||{0}|CBC^CBC|||202401020800\r"


def message(*segments: str, person: str = "7", number: str = "1") -> str:
    return HEAD.format(number, person) + "".join(f"{segment}\r" for segment in segments)


def flags_of(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / "feed.hl7").write_bytes(text.encode())
    cbc.scan(tmp_path / "feed.hl7", tmp_path / "flags.csv", tmp_path / "rejects.csv", force=True)
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    return row


HB = "OBX|1|NM|718-7^Hemoglobin^LN||140|g/L|||||F"
ANC = "OBX|2|NM|751-8^Neutrophils^LN||4|10*9/L|||||F"
LOW = "OBX|3|NM|777-3^Platelets^LN||42|10*9/L|150-400||||F"


def test_a_low_platelet_count(tmp_path: Path) -> None:
    row = flags_of(tmp_path, message(HB, ANC, LOW))
    assert (row["pattern"], row["platelets_state"]) == ("single_line", "low")


def test_a_correction_to_clumped_takes_the_low_count_back(tmp_path: Path) -> None:
    correction = message(
        "OBX|1|TX|777-3^Platelets^LN||Clumped||||||C", "NTE|1||Corrected from 42", number="2"
    )  # fmt: skip
    row = flags_of(tmp_path, message(HB, ANC, LOW) + correction)
    assert (row["pattern"], row["platelets_state"]) == ("cannot_tell", "cannot_tell")
    assert "platelets:SPECIMEN_SUSPECT" in row["reasons"]


@pytest.mark.parametrize(
    ("note", "suspected"),
    [("Platelet clumps seen", True), ("Platelet clumps not seen", False), ("Slide reviewed", False)],
)
def test_a_note_about_clumps_counts_unless_it_denies_them(tmp_path: Path, note: str, suspected: bool) -> None:
    row = flags_of(tmp_path, message(HB, ANC, LOW, f"NTE|1||{note}"))
    assert row["platelets_state"] == "low"
    assert ("platelet_clumps" in row["guards"]) is suspected


def test_a_percentage_and_a_count_in_one_field_is_no_number(tmp_path: Path) -> None:
    row = flags_of(tmp_path, message(HB, "OBX|2|NM|751-8^Neutrophils^LN||55.0%  4.40|10*9/L|||||F", LOW))
    assert row["neutrophils_state"] == "cannot_tell"


def test_the_units_of_white_and_red_cells_swapped(tmp_path: Path) -> None:
    row = flags_of(
        tmp_path,
        message("OBX|1|NM|6690-2^Leukocytes^LN||7.5|10*12/L|||||F", "OBX|2|NM|789-8^Erythrocytes^LN||4.8|10*9/L|||||F"),
    )
    assert (row["wbc_state"], row["rbc_state"]) == ("cannot_tell", "cannot_tell")
    reasons = row["reasons"].split(";")
    assert {reason.split(":")[0] for reason in reasons if ":UNIT_" in reason} == {"wbc", "rbc"}


def test_the_code_of_red_cells_on_platelets_is_set_aside_and_not_read_as_either(tmp_path: Path) -> None:
    row = flags_of(tmp_path, message(HB, ANC, "OBX|3|NM|789-8^Platelets^LN||42|10*9/L|||||F"))
    assert (row["platelets_state"], row["rbc_state"]) == ("cannot_tell", "cannot_tell")
    assert row["reasons"] == "rbc:CODE_CONFLICT;platelets:CODE_CONFLICT"
    assert row["pattern"] == "cannot_tell"
    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as file:
        (rejected,) = csv.DictReader(file)
    assert (rejected["line"], rejected["reason"]) == ("6", "CODE_CONFLICT")
    assert rejected["content"].startswith("OBX|3|NM|789-8^Platelets")


@pytest.mark.parametrize("marks", ["^~\\&", "^~\\$", "^~\\&#", "@~\\&", "^!\\&"])
def test_any_legal_encoding_characters(tmp_path: Path, marks: str) -> None:
    text = message(HB, ANC, LOW).replace("^~\\&", "MARKS").replace("^", marks[0]).replace("MARKS", marks)
    assert flags_of(tmp_path, text)["pattern"] == "single_line"


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n"])
def test_any_end_of_segments(tmp_path: Path, ending: str) -> None:
    assert flags_of(tmp_path, message(HB, ANC, LOW).replace("\r", ending))["pattern"] == "single_line"


def test_a_female_range_on_a_man_is_used_as_it_came_and_never_mixed_between_persons(tmp_path: Path) -> None:
    man = message(HB, ANC, LOW, person="8", number="2").replace("|F\rOBR", "|M\rOBR")
    (tmp_path / "feed.hl7").write_bytes((message(HB, ANC, LOW) + man).encode())
    frame = cbc.read(tmp_path / "feed.hl7", as_received=True)
    assert list(zip(frame["person"], frame["sex"], strict=True)) == [("7^H", "F"), ("8^H", "M")]


def test_messages_that_cannot_be_read_are_rejected_and_harm_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "feed.hl7").write_bytes(
        (message(HB, ANC, LOW) + "MSH|^^^^\r" + message(HB, ANC, LOW, person="8")).encode()
    )
    summary = cbc.scan(tmp_path / "feed.hl7", tmp_path / "flags.csv", tmp_path / "rejects.csv")
    assert (summary.rows_in, summary.screened, summary.rejected) == (3, 2, 1)
    assert summary.rejects == {"MESSAGE_UNREADABLE": 1}


# FHIR --------------------------------------------------------------------------------------


def test_the_csv_and_the_fhir_form_of_one_population_give_the_same_answers(shared: Path, tmp_path: Path) -> None:
    """22 counts as CSV, 19 of them as FHIR; CSV rounds, which moves one MCH and one MCHC over a limit."""
    folder = shared / "data/synthea_csv_fhir_pair"
    keep = ["person", "collected_at"]
    cbc.scan(folder / "csv/observations.csv", tmp_path / "a.parquet", persons=folder / "csv/patients.csv", keep=keep)
    cbc.scan(sorted((folder / "fhir").glob("*.json.gz")), tmp_path / "b.parquet", keep=keep)
    tables = []
    for name in ("a.parquet", "b.parquet"):
        frame = cbc.read_flags(tmp_path / name)
        persons = frame["person"].astype(str).str.removeprefix("Patient/")
        frame.index = persons + " " + frame["collected_at"].astype(str).map(instant)
        tables.append(frame.drop(columns=["row", "person", "collected_at", "source_file"], errors="ignore").astype(str))
    as_csv, as_fhir = tables
    assert (len(as_csv), len(as_fhir)) == (22, 19)
    different = as_csv.loc[as_fhir.index].compare(as_fhir[as_csv.columns])
    assert {name: different[name].dropna().shape[0] for name, _ in different.columns} == {
        "mch_state": 1,
        "mchc_state": 1,
    }


def test_two_panels_of_one_moment_that_differ_are_a_conflict(shared: Path, tmp_path: Path) -> None:
    """28 panels of 9 analytes that are read (RDW-SD is not): 252 results, one moment twice."""
    folder = shared / "data/fhir_pathling_synthea"
    summary = cbc.scan([folder / "Observation.ndjson", folder / "Patient.ndjson"], tmp_path / "flags.csv")
    assert summary.rows_in == 27
    assert (summary.results["used"], summary.results["unusable"], summary.results["superseded"]) == (234, 9, 9)
    assert summary.reasons["hemoglobin:RESULT_CONFLICT"] == 1


def test_a_marrow_report_keeps_the_blood_count_it_quotes(shared: Path) -> None:
    found = read_one(shared / "data/fhir_hl7_examples/r4/Bundle-report.json")
    assert (found["wbc"], found["hematocrit"], found["platelets"]) == ("31.9", "27", "84")


def test_the_wrong_example_of_the_standard_is_carried_with_its_own_range(shared: Path) -> None:
    """7.2 "g/dL" with a range of 7.5 to 10: surely mmol/L, and not for this program to say."""
    found = read_one(shared / "data/fhir_hl7_examples/r4/Observation-f005.json")
    assert (found["hemoglobin"], found["hemoglobin_unit"]) == ("7.2", "g/dL")
    assert (found["hemoglobin_lower"], found["hemoglobin_upper"]) == ("7.5", "10")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fhir_hl7_examples/ch_lab_report_fsh/1-tvt.fsh", "FHIR Shorthand"),
        ("fhir_hl7_examples/cz_lab_fsh/lab-bundle-example-complex.fsh", "FHIR Shorthand"),
        ("omop_synthea27nj/CONCEPT.csv", "no column reads as a blood count"),
        ("r_package_sets/causaldata__nhefs.csv", "no column reads as a blood count"),
    ],
)
def test_what_is_not_read_is_refused_with_its_reason(name: str, message: str, shared: Path) -> None:
    path = shared / "data" / name
    with pytest.raises(cbc.UsageError, match=message):
        cbc.read(next(path.glob("*.xml")) if path.is_dir() else path, as_received=True)


def test_a_declared_format_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "export.txt"
    path.write_text('{"resourceType": "Patient", "id": "7"}\n', encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="format must be auto or one of"):
        cbc.read(path, format="hl8", as_received=True)
    frame = cbc.read(path, format="fhir", as_received=True)
    assert (len(frame), frame.attrs["rejected"]) == (0, [])


def test_a_fhir_observation_without_patient_or_time_is_a_count_of_its_own(tmp_path: Path) -> None:
    lines = [
        {"resourceType": "Observation", "status": "final", "valueQuantity": {"value": value, "unit": "g/L"},
         "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}}
        for value in (91, 140)
    ]  # fmt: skip
    (tmp_path / "bulk.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    frame = cbc.read(tmp_path / "bulk.ndjson", as_received=True)
    assert list(frame["hemoglobin"]) == ["91", "140"]


def test_a_value_of_nobody_knows_what_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "feed.hl7").write_bytes(message(HB, "OBX|2|NM|||5|10*3/uL|150-400|L|||F").encode())
    summary = cbc.scan(tmp_path / "feed.hl7", tmp_path / "flags.csv", tmp_path / "rejects.csv")
    assert (summary.results["read"], summary.results["rejected"]) == (2, {"KEY_MISSING": 1})


def test_the_same_number_on_two_servers_is_two_persons(tmp_path: Path) -> None:
    lines = [
        {"resourceType": "Observation", "status": "final", "valueQuantity": {"value": value, "unit": unit},
         "effectiveDateTime": "2024-01-02T08:00:00Z", "subject": {"reference": f"https://{server}/fhir/Patient/1"},
         "code": {"coding": [{"system": "http://loinc.org", "code": code}]}}
        for server, code, value, unit in (("a", "777-3", 5, "10*3/uL"), ("b", "777-3", 300, "10*3/uL"))
    ]  # fmt: skip
    (tmp_path / "bulk.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    frame = cbc.read(tmp_path / "bulk.ndjson", as_received=True)
    assert list(frame["platelets"]) == ["5", "300"]


def test_an_unused_column_that_stands_twice_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text("note,note,HGB (g/dL)\na,b,9\n", encoding="utf-8")
    assert list(cbc.read(tmp_path / "wide.csv", as_received=True)["hemoglobin"]) == ["9"]
