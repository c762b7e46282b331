"""The printed range of a result as one text: beside a column of a table, or in a record; it stands before the range of a set.

Hemoglobin 11.0 g/dL of a woman of 40: low by the default range (from 11.7), and not low where the printed range begins at 10.5.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cbc_screen as cbc

# What cannot be read is not used, and told: the range of the set stands.
RANGES = [
    # text, sex, the red line, its reason
    ("10.5-15.0", "F", "not_low", ""),
    ("12.0 - 15.5", "F", "low", ""),
    ("10.5-15.0 g/dL", "F", "not_low", ""),
    ("(10.5 to 15.0)", "F", "not_low", ""),
    (">=10.5", "F", "not_low", ""),
    ("F: 10.5-15.0 M: 13.0-17.0", "F", "not_low", ""),
    ("F: 10.5-15.0 M: 13.0-17.0", "M", "low", ""),
    ("F: 10.5-15.0 M: 13.0-17.0", "", "low", "hemoglobin:RANGE_UNREADABLE"),
    ("see comment", "F", "low", ""),  # it sets none: the range of the set is used
    ("", "F", "low", ""),
    ("12.5", "F", "low", "hemoglobin:RANGE_UNREADABLE"),
    ("105-150 g/L", "F", "low", "hemoglobin:RANGE_UNREADABLE"),  # in another unit than the result
    ("1.05-1.5", "F", "low", "hemoglobin:RANGE_INSANE"),
]


def red(flags: Any, row: int = 0) -> tuple[str, str]:
    """Return the red line, and why it is unknown."""
    own = [reason for reason in flags["reasons"][row].split(";") if reason.startswith("hemoglobin")]
    return flags["red_line"][row], ";".join(own)


@pytest.mark.parametrize(("text", "sex", "line", "reason"), RANGES)
def test_a_text_in_a_column_and_in_a_record(tmp_path: Path, text: str, sex: str, line: str, reason: str) -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": [sex], "HGB (g/dL)": ["11.0"], "HGB Ref Range": [text]})
    assert red(cbc.screen_frame(frame)) == (line, reason)
    record = {"age": "40 y", "sex": sex, "hemoglobin": {"value": "11.0", "unit": "g/dL", "range": text}}
    result = cbc.screen(record)
    assert (
        result.flags()["red_line"],
        ";".join(f"{about}:{why}" for about, why in result.reasons if about == "hemoglobin"),
    ) == (line, reason)
    file = tmp_path / "counts.csv"
    frame.to_csv(file, index=False)
    [counted] = cbc.Screener().screen_each(str(file)).counts  # each row alone must be what it is in its batch
    assert counted.result.flags()["red_line"] == line


@pytest.mark.parametrize(
    "header",
    [
        "HGB reference range", "HGB_ref_range", "Hemoglobin (g/dL) Reference Range", "Normal range HGB", "Reference interval for hemoglobin",
        "Hb Referenzbereich", "hemoglobin_reference_range", "HGB Ref Range (g/dL)", "HGB (Ref. Range)", "Reference Range: HGB",
    ],
)  # fmt: skip
def test_how_such_a_column_is_called(header: str) -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "HGB (g/dL)": [11.0], header: ["10.5-15.0"]})
    assert red(cbc.screen_frame(frame)) == ("not_low", "")


@pytest.mark.parametrize("header", ["HGB range", "HGB ref", "Reference range", "HGB (citrate) reference range"])
def test_what_is_not_called_so_is_not_read(header: str) -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "HGB (g/dL)": [11.0], header: ["10.5-15.0"]})
    assert red(cbc.screen_frame(frame)) == ("low", "")


def test_limits_of_their_own_stand_before_the_text() -> None:
    frame = pd.DataFrame(
        {
            "age": ["40 y"] * 3, "sex": ["F"] * 3, "HGB (g/dL)": [11.0] * 3, "hemoglobin_lower": [12.0, None, 10.0],
            "HGB reference range": ["10.5-15.0"] * 3,
        }
    )  # fmt: skip
    assert list(cbc.screen_frame(frame)["red_line"]) == ["low", "not_low", "not_low"]


def test_a_unit_in_each_row_and_a_decimal_comma() -> None:
    frame = pd.DataFrame(
        {
            "age": ["40 y"] * 3, "sex": ["F"] * 3, "HGB": ["11,0", "110", "110"], "HGB unit": ["g/dL", "g/L", "g/L"],
            "HGB reference range": ["10,5-15,0 g/dL", "105-150 g/L", "10,5-15,0 g/dL"],
        }
    )  # fmt: skip
    flags = cbc.screen_frame(frame, decimal=",")
    assert [red(flags, row) for row in range(3)] == [
        ("not_low", ""),
        ("not_low", ""),
        ("low", "hemoglobin:RANGE_UNREADABLE"),
    ]


def test_what_was_read_says_the_same_again(tmp_path: Path) -> None:
    file = tmp_path / "counts.csv"
    file.write_text(
        "age,sex,HGB (g/dL),HGB Ref Range\n40 y,F,11.0,10.5-15.0\n40 y,F,11.0,12.0-15.0\n", encoding="utf-8"
    )
    assert list(cbc.screen_frame(cbc.read(str(file)))["red_line"]) == ["not_low", "low"]


def test_the_ranges_of_a_set_alone_may_be_asked_for() -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "HGB (g/dL)": [11.0], "HGB Ref Range": ["10.5-15.0"]})
    assert red(cbc.screen_frame(frame, prefer_reported_ranges=False)) == ("low", "")


def test_a_flag_is_held_against_the_text(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"age": ["40 y"], "sex": ["F"], "HGB (g/dL)": [11.0], "HGB flag": ["L"], "HGB Ref Range": ["10.5-15.0"]}
    )
    assert list(cbc.audit(frame).findings["finding"]) == ["flag_low_not_low"]


@pytest.mark.parametrize(
    ("header", "cell", "line"),
    [
        ("HGB (g/dL) lower limit", "10.5", "not_low"), ("HGB lower limit (g/dL)", "10.5", "not_low"),
        ("HGB (g/L) lower limit", "105", "low"), ("HGB Ref Range (g/L)", "105-150", "low"), ("HGB (mmol/L) reference range", "6.5-9.6", "low"),
    ],
)  # fmt: skip
def test_limits_in_another_unit_than_their_results_are_not_used_and_named(
    tmp_path: Path, header: str, cell: str, line: str
) -> None:
    file = tmp_path / "counts.csv"
    file.write_text(f"age,sex,HGB (g/dL),{header}\n40 y,F,11.0,{cell}\n", encoding="utf-8")
    summary = cbc.scan(file, tmp_path / "flags.parquet").to_dict()
    assert list(cbc.read_flags(tmp_path / "flags.parquet")["red_line"]) == [line]
    assert (header in {*summary["refused_columns"], *summary["ignored_columns"]}) is (line == "low")


def test_limits_that_state_a_unit_beside_results_that_state_theirs_row_by_row() -> None:
    """Whether it is theirs is not known of every row."""
    frame = pd.DataFrame(
        {"age": ["40 y"], "sex": ["F"], "HGB": ["11.0"], "HGB unit": ["g/dL"], "HGB Ref Range (g/dL)": ["10.5-15.0"]}
    )
    assert red(cbc.screen_frame(frame)) == ("low", "")
    plain = frame.rename(columns={"HGB Ref Range (g/dL)": "HGB Ref Range"})
    assert red(cbc.screen_frame(plain)) == ("not_low", "")


def test_limits_in_the_unit_that_is_declared_for_their_results() -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "HGB": ["11.0"], "HGB Ref Range (g/dL)": ["10.5-15.0"]})
    assert red(cbc.screen_frame(frame, units="us")) == ("not_low", "")
    assert red(cbc.screen_frame(frame, units={"hemoglobin": "g/L"}))[0] != "not_low"
