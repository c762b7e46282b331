"""What a message says of a person beside the person's own record: where the two contradict each other, neither is used."""

from __future__ import annotations

from pathlib import Path

import pytest

import cbc_screen as cbc

COUNT = (
    "MSH|^~\\&|LAB|H|X|Y|20260101101010||ORU^R01|1|P|2.5.1\rPID|1||7||Doe^J||19800101|{sex}\rOBR|1||1|CBC|||20260101120000\r"
    "OBX|1|NM|718-7^Hemoglobin^LN||125|g/L|||||F\rOBX|2|NM|777-3^Platelets^LN||250|10*9/L|||||F\r"
    "OBX|3|NM|751-8^Neutrophils^LN||4|10*9/L|||||F\rOBX|4|CWE|46098-0^Sex^LN||{told}||||||F"
)


@pytest.mark.parametrize(
    ("sex", "told", "line"),
    [
        ("F", "Female", "not_low"), ("F", "Male", "cannot_tell"), ("M", "Female", "cannot_tell"), ("M", "male", "low"),
        ("", "Male", "low"), ("F", "unknown", "not_low"),
    ],
)  # fmt: skip
def test_the_sex(tmp_path: Path, sex: str, told: str, line: str) -> None:
    """Hemoglobin 125 g/L is low in a man (from 132) and not in a woman (from 117)."""
    path = tmp_path / "feed.hl7"
    path.write_text(COUNT.format(sex=sex, told=told))
    [count] = cbc.Screener().screen_each(str(path)).counts
    assert count.result.flags()["red_line"] == line
    assert (("sex", "PERSON_CONFLICT") in count.result.reasons) is (line == "cannot_tell")
