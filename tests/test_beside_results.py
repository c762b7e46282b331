"""What stands in further columns beside a result is read in every table (tests/cases/beside_results.yaml)."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from properties.test_received_again import screened_again

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "beside_results.yaml").read_text(encoding="utf-8"))
WIDE = {"age": "40 y", "sex": "F", "HGB (g/L)": "135", "ANC (10^9/L)": "4"}
LONG = {"PatientID": "7", "DOB": "1984-01-01", "Sex": "F", "Collected": "2024-03-01"}


def text_of(header: list[str], rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue()


def flags_of(path: Path, **options: Any) -> list[dict[str, str]]:
    cbc.scan(path, path.with_suffix(".flags.csv"), force=True, **options)
    with path.with_suffix(".flags.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("case", CASES["wide"], ids=lambda case: case["name"])
def test_beside_a_result_of_a_wide_table(case: dict[str, Any], tmp_path: Path) -> None:
    own = WIDE | case["columns"]
    (path := tmp_path / "wide.csv").write_text(text_of(list(own), [list(own.values())]), encoding="utf-8")
    (scanned,) = flags_of(path)
    assert (scanned["platelet_line"], scanned["reasons"]) == (case["platelet_line"], case["reason"])
    frame = cbc.screen_frame(pd.read_csv(path, keep_default_na=False))
    assert (frame["platelet_line"][0], frame["reasons"][0]) == (case["platelet_line"], case["reason"])
    table = pa.table({name: pa.array([text], pa.string_view()) for name, text in own.items()})
    pq.write_table(table, tmp_path / "wide.parquet")
    (again,) = flags_of(tmp_path / "wide.parquet")
    assert (again["platelet_line"], again["reasons"]) == (case["platelet_line"], case["reason"])


@pytest.mark.parametrize("case", CASES["wide"], ids=lambda case: case["name"])
def test_the_row_as_received_says_the_same_as_a_record(case: dict[str, Any], tmp_path: Path) -> None:
    own = WIDE | case["columns"]
    (path := tmp_path / "wide.csv").write_text(text_of(list(own), [list(own.values())]), encoding="utf-8")
    (result,) = screened_again(path, tmp_path)  # compares every flag with that of the file
    assert result.flags()["platelet_line"] == case["platelet_line"]


@pytest.mark.parametrize("case", CASES["long"], ids=lambda case: case["name"])
def test_beside_a_result_of_a_long_table(case: dict[str, Any], tmp_path: Path) -> None:
    header = [*LONG, "Test", *case["columns"]]
    rows = [[*LONG.values(), "Platelet Count", *case["columns"].values()]]
    number = next(name for name in case["columns"] if name in ("Result", "Value"))
    for test, value, unit in (("Hemoglobin", "135", "g/L"), ("Absolute Neutrophils", "4", "10^9/L")):
        others = dict.fromkeys(case["columns"], "") | {number: value, "Units": unit}
        rows.append([*LONG.values(), test, *others.values()])
    (path := tmp_path / "long.csv").write_text(text_of(header, rows), encoding="utf-8")
    (scanned,) = flags_of(path)
    assert (scanned["platelet_line"], scanned["reasons"]) == (case["platelet_line"], case["reason"])


def test_a_number_format_that_shows_a_sign_is_part_of_the_result(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["age", "sex", "HGB (g/L)", "ANC (10^9/L)", "PLT (10^9/L)"])
    for row, shown in enumerate(('"<"0', "#,##0", '0,"K"', '0.0" 10^9/L"'), start=2):
        sheet.append(["40 y", "F", 135, 4, 200])
        sheet.cell(row, 5).number_format = shown
    book.save(tmp_path / "formats.xlsx")
    lines = [row["platelet_line"] for row in flags_of(tmp_path / "formats.xlsx")]
    assert lines == ["cannot_tell", "not_low", "cannot_tell", "not_low"]


def test_one_day_in_several_spellings_is_one_count(tmp_path: Path) -> None:
    header = [*LONG, "Test", "Result", "Units"]
    days = ("2024-03-01", "01-Mar-2024", "2024/03/01")
    tests = (("Hemoglobin", "70", "g/L"), ("Absolute Neutrophils", ".3", "10^9/L"), ("Platelet Count", "8", "10^9/L"))
    rows = [["7", "1984-01-01", "F", day, *test] for day, test in zip(days, tests, strict=True)]
    (path := tmp_path / "long.csv").write_text(text_of(header, rows), encoding="utf-8")
    (scanned,) = flags_of(path)
    assert scanned["pattern"] == "pancytopenia"


def test_a_pregnancy_in_a_long_table_is_true_of_its_own_moment(tmp_path: Path) -> None:
    header = ["PatientID", "DOB", "Sex", "Pregnant", "Collected", "Test", "Result", "Units"]
    rows = [
        ["7", "1994-01-01", "F", "T3", "2024-03-01", "Hemoglobin", "112", "g/L"],
        ["7", "1994-01-01", "F", "no", "2024-09-01", "Hemoglobin", "112", "g/L"],
    ]
    (path := tmp_path / "long.csv").write_text(text_of(header, rows), encoding="utf-8")
    assert [row["red_line"] for row in flags_of(path)] == ["not_low", "low"]


@pytest.mark.parametrize("empty", [None, "", " ", "NA"])
@pytest.mark.parametrize("finding", ["schistocytes_on_film", "blasts_on_film", "Schistocytes"])
def test_an_empty_cell_of_a_finding_says_nothing(finding: str, empty: str | None) -> None:
    count = {
        "age": "36 y",
        "sex": "F",
        "hemoglobin": "79 g/L",
        "wbc": "8.2 10^9/L",
        "neutrophils": "5.5 10^9/L",
        "platelets": "35 10^9/L",
    }
    without = cbc.screen_frame(pd.DataFrame([count], dtype=object))
    with_cell = cbc.screen_frame(pd.DataFrame([{**count, finding: empty}], dtype=object))
    assert without["urgency"][0] == "immediate"
    pd.testing.assert_frame_equal(without, with_cell)


CHANNELS = [
    # Sysmex: the channels that were ordered, reticulocytes in percent, and what is known of them.
    ("CBC+DIFF", "0.00", "not_assessed"),  # not counted: the zero says nothing
    ("CBC", "0.00", "not_assessed"),
    ("CBC+DIFF+RET", "0.00", "low"),  # counted, and none found
    ("CBC+DIFF", "1.2", "within"),  # a number was counted, whatever the list says
    ("see below", "0.00", "low"),  # no list of channels
    ("", "0.00", "low"),
]


@pytest.mark.parametrize(("ordered", "percent", "state"), CHANNELS)
def test_a_zero_of_a_channel_that_was_not_ordered_was_not_measured(
    ordered: str, percent: str, state: str, tmp_path: Path
) -> None:
    row = {**WIDE, "Discrete": ordered, "RET% (%)": percent, "PLT (10^9/L)": "250"}
    (path := tmp_path / "xn.csv").write_text(text_of(list(row), [list(row.values())]), encoding="utf-8")
    (scanned,) = flags_of(path)
    assert scanned["reticulocytes_percent_state"] == state
    for frame in (pd.DataFrame([row]), cbc.read(path)):
        assert cbc.screen_frame(frame)["reticulocytes_percent_state"][0] == state


# A range in place of a number ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit", "decimal", "line", "reason"),
    [
        # Both ends have their comma.
        ("1,5-2,5", "10^9/L", ",", "low", "platelets:NUMBER_RANGE"),
        ("20,5 to 30,5", "10^9/L", ",", "low", "platelets:NUMBER_RANGE"),
        ("100,5–300,5", "10^9/L", ",", "cannot_tell", "platelets:NUMBER_RANGE"),
        ("30,5-20,5", "10^9/L", ",", "cannot_tell", "platelets:NUMBER_UNREADABLE"),
        ("20,5-30,5", "10^9/L", ".", "cannot_tell", "platelets:NUMBER_AMBIGUOUS"),
        # "30.000" cells in a microliter: 30, or 30 thousand?
        ("30.000-40.000", "/uL", ".", "cannot_tell", "platelets:NUMBER_AMBIGUOUS"),
        ("30.5-40.5", "/uL", ".", "low", "platelets:NUMBER_RANGE"),
        ("30000-40000", "/uL", ".", "low", "platelets:NUMBER_RANGE"),
    ],
)
def test_a_range_is_read_with_the_decimal_mark_of_its_table(
    text: str, unit: str, decimal: Any, line: str, reason: str
) -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], f"platelets ({unit})": [text]})
    flags = cbc.screen_frame(frame, decimal=decimal).iloc[0]
    assert flags["platelet_line"] == line
    assert reason in flags["reasons"].split(";")


def test_a_word_beside_reticulocytes_says_how_they_were_counted() -> None:
    """Of other analytes "manual" makes a further result."""
    beside = load_knowledge().beside
    assert beside.says_again("platelets", "manual")
    assert not beside.says_again("reticulocytes", "manual")
