"""Several units beside one result: alike, known and unknown, or contradicting, by one rule for every source."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.stated_units import StatedUnits, differing

UNITS = StatedUnits(load_knowledge())
SETTLED = [
    # analyte, units as stated, the unit of the result (None: they contradict)
    ("platelets", ("10*3/uL", "/uL"), None),
    ("platelets", ("/uL", "10*3/uL"), None),
    ("platelets", ("10*3/uL", "K/uL"), "10*3/uL"),
    ("platelets", ("10*9/L", "10^3/uL", "Thousand/uL"), "10*9/L"),
    ("platelets", ("10*3/uL", "cells"), "10*3/uL"),  # a remark
    ("platelets", ("Thousand per microliter of blood", "10*3/uL"), "10*3/uL"),  # only one is known
    ("platelets", ("10*3/uL", "g/dL"), None),  # of another quantity
    ("platelets", ("nobody", "knows"), "nobody"),
    ("hemoglobin", ("g/dL", "g/L"), None),
    ("hemoglobin", ("g/dL", "mmol/L"), None),
    ("hemoglobin", ("mmol/L", "mmol/L of monomers"), "mmol/L"),
    ("neutrophils", ("10*9/L", "%"), None),
    ("neutrophils_percent", ("%", "% of leukocytes"), "%"),
    ("hematocrit", ("%", "L/L"), None),
    ("mcv", ("fL", "fl"), "fL"),
]


@pytest.mark.parametrize(("analyte", "stated", "settled"), SETTLED)
def test_which_unit_a_result_has(analyte: str, stated: tuple[str, ...], settled: str | None) -> None:
    assert UNITS.settled(analyte, stated) == settled


def test_units_that_are_spelled_alike_are_one() -> None:
    assert differing(("10^9/L", " 10⁹/L", "", " ")) == ("10^9/L",)
    assert differing(("g/dL", "G/DL")) == ("g/dL", "G/DL")  # case counts


def flags_of(path: Path, folder: Path, **options: Any) -> dict[str, str]:
    cbc.scan(path, folder / "flags.csv", force=True, **options)
    with (folder / "flags.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    return row


WAYS = [
    # the two units of platelets of 250, the state, the reason
    ("10*3/uL", "10*3/uL", "within", ""),
    ("10*3/uL", "K/uL", "within", ""),
    ("10*3/uL", "/uL", "cannot_tell", "platelets:CODE_CONFLICT"),
    ("/uL", "10*9/L", "cannot_tell", "platelets:CODE_CONFLICT"),
    ("10*3/uL", "platelets", "within", ""),
    ("10*3/uL", "fL", "cannot_tell", "platelets:CODE_CONFLICT"),
]


def fhir(code: str, unit: str, folder: Path) -> Path:
    def one(loinc: str, value: float, own: str, shown: str) -> dict[str, Any]:
        quantity = {"value": value, "unit": shown, "system": "http://unitsofmeasure.org", "code": own}
        return {
            "resourceType": "Observation", "id": loinc, "status": "final", "subject": {"reference": "Patient/p"},
            "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]}, "effectiveDateTime": "2024-03-01",
            "valueQuantity": quantity,
        }  # fmt: skip

    (folder / "source.ndjson").write_text(
        json.dumps(one("777-3", 250, code, unit)) + "\n" + json.dumps(one("718-7", 140, "g/L", "g/L")) + "\n",
        encoding="utf-8",
    )
    return folder / "source.ndjson"


def hl7(code: str, unit: str, folder: Path) -> Path:
    (folder / "feed.hl7").write_bytes(
        "MSH|^~\\&|LAB|H|||20240102||ORU^R01|1|P|2.5\rPID|1||1^^^H\rOBR|1||1|CBC^CBC|||202401020800\r"
        "OBX|1|NM|718-7^Hb^LN||140|g/L^gram per liter^UCUM|||||F\r"
        f"OBX|2|NM|777-3^PLT^LN||250|{code}^^UCUM^{unit}^^L|||||F\r".encode()
    )
    return folder / "feed.hl7"


def hl7_text(code: str, unit: str, folder: Path) -> Path:
    text = hl7(code, unit, folder).read_bytes().decode().replace(f"{code}^^UCUM^{unit}^^L", f"{code}^{unit}^UCUM")
    (folder / "feed.hl7").write_bytes(text.encode())
    return folder / "feed.hl7"


@pytest.mark.parametrize("write", [fhir, hl7, hl7_text])
@pytest.mark.parametrize(("code", "unit", "state", "reason"), WAYS)
def test_a_unit_that_contradicts_is_never_believed(
    write: Any, code: str, unit: str, state: str, reason: str, tmp_path: Path
) -> None:
    row = flags_of(write(code, unit, tmp_path), tmp_path)
    reasons = [one for one in row["reasons"].split(";") if one.startswith("platelets:")]
    assert (row["platelets_state"], reasons) == (state, [reason] if reason else [])
    assert row["hemoglobin_state"] != "cannot_tell" or "hemoglobin" not in row["reasons"]


def test_a_long_table_with_a_coded_unit_and_one_of_its_own(tmp_path: Path) -> None:
    head = "measurement_id,person_id,measurement_concept_id,measurement_date,operator_concept_id,value_as_number,"
    head += "unit_concept_id,value_source_value,unit_source_value\n"
    for own, state in (
        ("10*3/uL", "within"),
        ("K/uL", "within"),
        ("/uL", "cannot_tell"),
        ("cells", "within"),
        ("", "within"),
    ):
        (tmp_path / "m.csv").write_text(head + f"1,7,3024929,2024-01-02,0,250,8848,250,{own}\n", encoding="utf-8")
        row = flags_of(tmp_path / "m.csv", tmp_path)
        assert row["platelets_state"] == state, own
        assert ("platelets:CODE_CONFLICT" in row["reasons"]) == (state == "cannot_tell")


def test_neutrophils_whose_units_contradict_do_not_fall_back_on_the_white_cells(tmp_path: Path) -> None:
    (tmp_path / "feed.hl7").write_bytes(
        b"MSH|^~\\&|LAB|H|||20240102||ORU^R01|1|P|2.5\rPID|1||1^^^H\rOBR|1||1|CBC^CBC|||202401020800\r"
        b"OBX|1|NM|6690-2^WBC^LN||6.7|10*9/L|||||F\rOBX|2|NM|751-8^ANC^LN||4|10*9/L^^UCUM^/uL^^L|||||F\r"
    )
    row = flags_of(tmp_path / "feed.hl7", tmp_path)
    assert row["white_line"] == "cannot_tell"
    assert "neutrophils:CODE_CONFLICT" in row["reasons"]


def test_the_contradiction_of_a_public_report(shared: Path, tmp_path: Path) -> None:
    row = flags_of(shared / "field/reports/f26b_fhir_unit_conflict.json", tmp_path)
    assert (row["red_line"], row["white_line"], row["platelet_line"]) == ("not_low", "not_low", "cannot_tell")
    assert "platelets:CODE_CONFLICT" in row["reasons"]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("f07_value_type_empty.hl7", ("low", "low", "low")),
        ("f31_fhir_corrected.json", ("not_low", "not_low", "not_low")),
        ("f42_repetition_tx.hl7", ("cannot_tell", "cannot_tell", "cannot_tell")),
        ("f51_anc_percent_unit.hl7", ("not_low", "cannot_tell", "not_low")),
        ("f56_unit_in_range.hl7", ("not_low", "cannot_tell", "low")),
    ],
)
def test_other_messages_of_public_reports(name: str, lines: tuple[str, str, str], shared: Path, tmp_path: Path) -> None:
    row = flags_of(shared / "field/reports" / name, tmp_path)
    assert (row["red_line"], row["white_line"], row["platelet_line"]) == lines
