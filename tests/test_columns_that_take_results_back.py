"""Columns of a row that say with yes or no whether its results stand: beside platelets of 250, what is taken back is no normal line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc


@pytest.mark.parametrize(
    ("header", "cell", "line"),
    [
        ("Rejected", "Y", "cannot_tell"), ("Invalid", "1", "cannot_tell"), ("Deleted", "1", "cannot_tell"), ("Clotted", "Y", "cannot_tell"),
        ("Haemolysed", "Y", "cannot_tell"), ("Verified", "N", "cannot_tell"), ("Validated", "No", "cannot_tell"), ("Authorised", "false", "cannot_tell"),
        ("Invalid", "0", "not_low"), ("Deleted", "", "not_low"), ("Clotted", "N", "not_low"), ("Verified", "Y", "not_low"), ("Validated", "", "not_low"),
        ("Authorised", "AB", "not_low"),  # by whom
        ("Released", "2024-01-01", "not_low"),  # when
    ],
)  # fmt: skip
def test_yes_and_no(tmp_path: Path, header: str, cell: str, line: str) -> None:
    row = {"age": ["40 y"], "sex": ["F"], "PLT (10^9/L)": ["250"], header: [cell]}
    assert list(cbc.screen_frame(pd.DataFrame(row))["platelet_line"]) == [line]
    file = tmp_path / "long.csv"
    file.write_text(
        f"patient_id,date,age,sex,test,value,unit,{header}\n1,2024-01-01,40 y,F,Platelets,250,10^9/L,{cell}\n"
    )
    [count] = cbc.Screener().screen_each(str(file)).counts
    assert count.result.flags()["platelet_line"] == line


@pytest.mark.parametrize(("cell", "seen"), [("Y", True), ("N", False)])
def test_clumps(cell: str, seen: bool) -> None:
    flags = cbc.screen_frame(pd.DataFrame({"age": ["40 y"], "sex": ["F"], "PLT (10^9/L)": [250], "Clumped": [cell]}))
    assert ("clump" in flags["guards"][0]) is seen


def test_two_of_one_name_are_two_persons_over_time_too() -> None:
    frame = pd.DataFrame(
        {
            "Patient": ["Doe J"] * 2, "MRN": ["1", "2"], "date": ["2024-01-01", "2024-02-01"], "PLT (10^9/L)": [250, 20],
            "age": ["54 y"] * 2, "sex": ["F"] * 2,
        }
    )  # fmt: skip
    assert len(cbc.follow(frame)) == 2


def platelet_lines(file: Path, header: str, *persons: str) -> list[str]:
    """Return the platelet lines of a table with hemoglobin and neutrophils of one person and platelets of 250 of another."""
    results = (("Hemoglobin", "7.1", "g/dL"), ("Neutrophils", "0.6", "10^9/L"), ("Platelets", "250", "10^9/L"))
    rows = [f"{own},2024-01-01,{','.join(result)},54 y,F" for own, result in zip(persons, results, strict=True)]
    file.write_text("\n".join([f"{header},date,Test,Result,Unit,age,sex", *rows]), encoding="utf-8")
    return [count.result.flags()["platelet_line"] for count in cbc.Screener().screen_each(str(file)).counts]


@pytest.mark.parametrize("name", ["MRN", "Study ID", "Hospital number"])
def test_long_tables_with_a_name_and_a_number(tmp_path: Path, name: str) -> None:
    found = platelet_lines(tmp_path / "long.csv", f"Patient,{name}", "Doe J,1", "Doe J,1", "Doe J,2")
    assert found == ["cannot_tell", "not_low"]


@pytest.mark.parametrize("name", ["Patient Name", "Surname", "Last name", "姓名", "ФИО"])
def test_where_no_number_says_whose_a_result_is_a_name_does(tmp_path: Path, name: str) -> None:
    """Else all would be of one person, and platelets of one a normal line of the other."""
    assert platelet_lines(tmp_path / "long.csv", name, "Doe", "Doe", "Roe") == ["cannot_tell", "not_low"]
