"""An OBX whose fields are out of their places: nothing is moved back, and what was measured is unknown."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import cbc_screen as cbc
from cbc_screen.ingest.hl7_shifted import shifted
from cbc_screen.vocabulary import Reason

PLT = "777-3^Platelets^LN"
HEAD = "MSH|^~\\&|LAB|H|||20240102||ORU^R01|1|P|2.5\rPID|1||1^^^H||X^Y||19700102|F\rOBR|1||1|CBC^CBC|||202401020800\r"
REST = (
    "OBX|1|NM|718-7^Hemoglobin^LN||140|g/L|||||F\rOBX|2|NM|751-8^Neutrophils^LN||4|10*9/L|||||F\r"
    "OBX|3|NM|6690-2^WBC^LN||7|10*9/L|||||F\r"
)


def fields(segment: str) -> list[str]:
    found = segment.split("|")
    return found + [""] * (15 - len(found))


@pytest.mark.parametrize(
    ("segment", "reason", "code"),
    [
        # A field too many before the value.
        (f"OBX|4|NM|{PLT}|PLT||12|10^3/uL|150-450||||F", Reason.VALUE_MISSING, PLT),
        (f"OBX|4|NM|{PLT}|||12|10*9/L||||||F", Reason.VALUE_MISSING, PLT),
        (f"OBX|4|NM|{PLT}|||<10|10*9/L||||||F", Reason.VALUE_MISSING, PLT),
        (f"OBX|4|NM|{PLT}|||12,5|10*9/L||||||F", Reason.VALUE_MISSING, PLT),
        (f"OBX|4|1|NM|{PLT}||12|10*9/L||||||F", Reason.NUMBER_UNREADABLE, PLT),
        # A field too few: the unit stands where the value should.
        (f"OBX|4|NM|{PLT}|12|10*3/uL|150-450|||||F", Reason.NUMBER_UNREADABLE, PLT),
        (f"OBX|4|NM|{PLT}|12|10^9/L||||||F", Reason.NUMBER_UNREADABLE, PLT),
        (f"OBX|4|NM|{PLT}|12|K/uL|150-450|||||F", Reason.NUMBER_UNREADABLE, PLT),
        (f"OBX|4|NM|{PLT}||cells/uL|12|||||F", Reason.NUMBER_UNREADABLE, PLT),
        ("OBX|4|NM|718-7^Hb^LN|8.1|g/dL||||||F", Reason.NUMBER_UNREADABLE, "718-7^Hb^LN"),
        ("OBX|4|NM|787-2^MCV^LN|88|fL||||||F", Reason.NUMBER_UNREADABLE, "787-2^MCV^LN"),
        ("OBX|4|NM|4544-3^Hct^LN|40|%||||||F", Reason.NUMBER_UNREADABLE, "4544-3^Hct^LN"),
        (f"OBX|4|{PLT}||12|10*9/L||||||F", Reason.NUMBER_UNREADABLE, PLT),
        # The code beside its place.
        (f"OBX|4|NM||{PLT}|12|10*9/L||||||F", Reason.NUMBER_UNREADABLE, PLT),
        (f"OBX|4|NM||{PLT}||12|10*9/L|||||F", Reason.VALUE_MISSING, PLT),
    ],
)
def test_what_cannot_stand_where_it_stands(segment: str, reason: Reason, code: str) -> None:
    found = shifted(fields(segment), "^")
    assert found is not None
    assert (found.reason, found.code) == (reason, code)


@pytest.mark.parametrize(
    "segment",
    [
        f"OBX|4|NM|{PLT}||12|10*9/L|150-450|L|||F",
        f"OBX|4|NM|{PLT}|1|12|10*9/L|150-450|L|||F",  # a sub-id
        f"OBX|4|NM|{PLT}|1||10*9/L||||||F",  # sent without a value
        f"OBX|4||{PLT}||12|10*9/L||||||F",  # without a type
        f"OBX|4|ST|{PLT}||<10|10*9/L||||||F",
        f"OBX|4|SN|{PLT}||<^10|10*9/L||||||F",
        f"OBX|4|TX|{PLT}||Clumped||||||F",
        f"OBX|4|TX|{PLT}||N/A|10*9/L||||||F",
        f"OBX|4|TX|{PLT}||n/a||||||F",
        f"OBX|4|ST|{PLT}||12 K/uL||140-400 K/uL||||F",
        f"OBX|4|ST|{PLT}||55.0%  4.40|%|||||F",
        f"OBX|4|ST|{PLT}||120/80|mmHg|||||F",
        f"OBX|4|NM|{PLT}||12||150-450 10*9/L||||F",
        f"OBX|4|CE|{PLT}||12^12^L|10*9/L|||||F",
        "OBX|4|NM|PLT||12|10*9/L|||||F",
        "OBX|4|CE|NM^not measured^L||LL^low^L||||||F",
        "OBX|4|ST|||remark without a code||||||F",
        f"OBX|4|NM|{PLT}||12|10^9/L||||||F",
        f"OBX|4|NM|{PLT}|||10^9/L||||||F",
    ],
)
def test_what_may_stand_where_it_stands(segment: str) -> None:
    assert shifted(fields(segment), "^") is None


def flags_of(tmp_path: Path, *segments: str, **options: object) -> tuple[dict[str, str], list[dict[str, str]]]:
    (tmp_path / "feed.hl7").write_bytes((HEAD + REST + "".join(f"{one}\r" for one in segments)).encode())
    cbc.scan(tmp_path / "feed.hl7", tmp_path / "flags.csv", tmp_path / "rejects.csv", force=True, **options)  # type: ignore[arg-type]
    read = []
    for name in ("flags.csv", "rejects.csv"):
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            read.append(list(csv.DictReader(file)))
    (row,) = read[0]
    return row, read[1]


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        (f"OBX|4|NM|{PLT}|PLT||250|10^3/uL|150-450||||F", "VALUE_MISSING"),
        (f"OBX|4|NM|{PLT}|250|10*3/uL|150-450|||||F", "NUMBER_UNREADABLE"),
        (f"OBX|4|{PLT}||250|10*9/L||||||F", "NUMBER_UNREADABLE"),
        (f"OBX|4|NM||{PLT}|250|10*9/L||||||F", "NUMBER_UNREADABLE"),
        (f"OBX|4|1|NM|{PLT}||250|10*9/L||||||F", "NUMBER_UNREADABLE"),
    ],
)
def test_its_analyte_is_unknown_with_the_reason(segment: str, reason: str, tmp_path: Path) -> None:
    for units in ({}, {"units": "us"}):
        row, _ = flags_of(tmp_path, segment)
        assert (row["platelet_line"], row["platelets_state"], row["pattern"]) == (
            "cannot_tell",
            "cannot_tell",
            "cannot_tell",
        )
        assert f"platelets:{reason}" in row["reasons"], units
        assert (row["red_line"], row["white_line"]) == ("not_low", "not_low")


def test_neutrophils_out_of_place_do_not_fall_back_on_the_white_cells(tmp_path: Path) -> None:
    (tmp_path / "feed.hl7").write_bytes(
        (
            HEAD + "OBX|1|NM|6690-2^WBC^LN||6.7|10*9/L|||||F\rOBX|2|NM|751-8^ANC^LN|ANC||0.4|10*9/L|1.5-7.8||||F\r"
        ).encode()
    )
    cbc.scan(tmp_path / "feed.hl7", tmp_path / "flags.csv")
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["white_line"] == "cannot_tell"
    assert "neutrophils:VALUE_MISSING" in row["reasons"]


def test_a_value_whose_code_is_nowhere_is_rejected_with_its_content(tmp_path: Path) -> None:
    row, rejects = flags_of(tmp_path, f"OBX|4|NM|{PLT}||250|10*9/L|||||F", "OBX|5|NM||||5.4|10*9/L|||||F")
    assert row["platelet_line"] == "not_low"
    assert [(one["reason"], one["content"]) for one in rejects] == [("KEY_MISSING", "OBX|5|NM||||5.4|10*9/L|||||F")]


def test_the_shifted_message_of_a_public_report(shared: Path, tmp_path: Path) -> None:
    summary = cbc.scan(shared / "field/reports/f40_shifted_fields.hl7", tmp_path / "flags.csv")
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["red_line"], row["white_line"], row["platelet_line"]) == ("cannot_tell",) * 3
    assert {"hemoglobin:VALUE_MISSING", "neutrophils:VALUE_MISSING", "platelets:VALUE_MISSING"} <= {
        *row["reasons"].split(";")
    }
    assert summary.results["read"] == 4
