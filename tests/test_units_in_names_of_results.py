"""A unit in the name of a test, in a table of one result a row and in a message: it is stated, as in the name of a column."""

from __future__ import annotations

from pathlib import Path

import pytest

import cbc_screen as cbc


@pytest.mark.parametrize(
    ("name", "value", "unit", "line"),
    [
        ("Hemoglobin g/dL", "9.1", "", "low"), ("HGB (g/L)", "91", "", "low"), ("HGB (g/L)", "9.1", "g/dL", "low"), ("HGB [g/dL]", "13.5", "", "not_low"),
        ("HGB", "13.5", "", "cannot_tell"), ("HGB (g/L)", "13.5", "", "cannot_tell"),  # 1.35 g/dL is no hemoglobin
    ],
)  # fmt: skip
def test_a_unit_in_a_name(tmp_path: Path, name: str, value: str, unit: str, line: str) -> None:
    table, feed = tmp_path / "long.csv", tmp_path / "feed.hl7"
    table.write_text(f"patient_id,date,age,sex,test,value,unit\n1,2024-01-01,40 y,F,{name},{value},{unit}\n")
    feed.write_text(
        "MSH|^~\\&|LAB|H|X|Y|20260101101010||ORU^R01|1|P|2.5.1\rPID|1||7||Doe^J||19800101|F\rOBR|1||1|CBC|||20260101120000\r"
        f"OBX|1|NM|X77^{name}^L||{value}|{unit}|||||F"
    )
    for path in (table, feed):
        [count] = cbc.Screener().screen_each(str(path)).counts
        assert count.result.flags()["red_line"] == line, path.name


def test_the_unit_of_the_name_stands_before_one_that_is_declared_for_the_source(tmp_path: Path) -> None:
    table = tmp_path / "long.csv"
    table.write_text(
        "patient_id,date,age,sex,test,value\n1,2024-01-01,40 y,F,HGB (g/L),135\n1,2024-01-01,40 y,F,PLT,250\n"
    )
    flags = cbc.Screener().screen_each(str(table), units="us").counts[0].result.flags()
    assert (flags["red_line"], flags["platelet_line"]) == ("not_low", "not_low")
