"""Reference ranges that came as one text: what is a range, for whom, and what is none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.normalize.range_text import UNREADABLE, limits_of_text, of_sex
from cbc_screen.vocabulary import Sex


@pytest.mark.parametrize(
    ("text", "unit", "limits"),
    [
        ("4.0-11.0", "", ("4.0", "11.0")), ("[150 - 400]", "", ("150", "400")), ("(150 - 400)", "", ("150", "400")),
        ("1.8 - 7.7 10*3/uL", "10*3/uL", ("1.8", "7.7")), ("4.5 10*3/uL - 11.0 10*3/uL", "10*3/uL", ("4.5", "11.0")),
        ("<0.50 10*3/uL", "10*3/uL", ("", "0.50")), ("&lt;5", "", ("", "5")), ("4,0÷9,0", "", ("4,0", "9,0")),
        ("between 4 and 11", "", ("4", "11")), ("0-0.5", "", ("0", "0.5")), ("4.2-5.4 M/uL", "M/uL", ("4.2", "5.4")),
        ("Not Estab.", "", ("", "")),
        # another unit than the result's, an age, a range left open
        ("4.2-5.4 M/uL", "10*6/uL", (UNREADABLE, "")), ("Adult: 4-11", "", (UNREADABLE, "")), ("150-", "", (UNREADABLE, "")),
    ],
)  # fmt: skip
def test_a_text(text: str, unit: str, limits: tuple[str, str]) -> None:
    assert limits_of_text(text, unit) == limits


@pytest.mark.parametrize(
    "text",
    [
        "F: 11.7-15.5 M: 13.2-17.1", "11.7-15.5 (F); 13.2-17.1 (M)", "Male 13.2-17.1, Female 11.7-15.5", "♂ 13.2-17.1 ♀ 11.7-15.5",
        "Frauen: 11.7-15.5 Männer: 13.2-17.1", "М 13.2-17.1 Ж 11.7-15.5",
    ],
)  # fmt: skip
def test_a_range_for_each_sex(text: str) -> None:
    lower, upper = limits_of_text(text)
    assert (of_sex(lower, Sex.FEMALE), of_sex(upper, Sex.FEMALE)) == ("11.7", "15.5")
    assert (of_sex(lower, Sex.MALE), of_sex(upper, Sex.MALE)) == ("13.2", "17.1")
    assert of_sex(lower, Sex.UNKNOWN) == UNREADABLE


def test_a_range_for_one_sex_says_nothing_of_the_other() -> None:
    lower, _ = limits_of_text("F: 11.7-15.5")
    assert (of_sex(lower, Sex.FEMALE), of_sex(lower, Sex.MALE)) == ("11.7", UNREADABLE)


@pytest.mark.parametrize("limit", ["F=1|x", "=150", "F=", "150|400", "a=b=c", "F=1|M=2|F=3", "|"])
def test_what_was_sent_as_a_limit_is_no_range_for_each_sex(limit: str, tmp_path: Path) -> None:
    """Such a text comes out unreadable, as any other text that is no number."""
    assert of_sex(limit, Sex.MALE) in (limit, UNREADABLE)
    (tmp_path / "in.csv").write_text(
        f"Patient,Sex,Age,Date,Test,Result,Unit,Min\nA,F,40 y,2024-03-01,Platelets,250,10^9/L,{limit}\n",
        encoding="utf-8",
    )
    cbc.scan(tmp_path / "in.csv", tmp_path / "flags.csv")
    assert "platelets:RANGE_UNREADABLE" in pd.read_csv(tmp_path / "flags.csv")["reasons"][0]


@pytest.mark.parametrize(
    ("letters", "codes", "state"),
    [("MH", None, "cannot_tell"), ("M", {"M": "F"}, "within"), ("M", None, "low")],
)
def test_a_letter_that_is_in_doubt_chooses_no_range(
    letters: str, codes: dict[str, str] | None, state: str, tmp_path: Path
) -> None:
    """M beside H may be a woman (mujer); a letter that was declared means what was declared."""
    text = "".join(
        "MSH|^~\\&|LAB|X|R|Y|20240301120000||ORU^R01|M1|P|2.5.1\r"
        f"PID|1||T{letter}||||19700504|{letter}\rOBR|1|A{letter}|B1|58410-2^CBC^LN|||20240301090000\r"
        "OBX|1|NM|718-7^Hgb^LN||12.4|g/dL|F: 11.7-15.5 M: 13.2-17.1||||F\r"
        for letter in letters
    )
    (tmp_path / "in.hl7").write_text(text, encoding="utf-8", newline="")
    cbc.scan(tmp_path / "in.hl7", tmp_path / "flags.csv", sex_codes=codes)
    assert set(pd.read_csv(tmp_path / "flags.csv")["hemoglobin_state"]) == {state}


@pytest.mark.parametrize(("sex", "state"), [("F", "within"), ("M", "low")])
def test_the_person_decides_in_a_message(sex: str, state: str, tmp_path: Path) -> None:
    (tmp_path / "in.hl7").write_text(
        "MSH|^~\\&|LAB|X|R|Y|20240301120000||ORU^R01|M1|P|2.5.1\r"
        f"PID|1||T1||||19700504|{sex}\rOBR|1|A1|B1|58410-2^CBC^LN|||20240301090000\r"
        "OBX|1|NM|718-7^Hgb^LN||12.4|g/dL|F: 11.7-15.5 M: 13.2-17.1||||F\r",
        encoding="utf-8", newline="",
    )  # fmt: skip
    cbc.scan(tmp_path / "in.hl7", tmp_path / "flags.csv")
    assert pd.read_csv(tmp_path / "flags.csv")["hemoglobin_state"][0] == state


@pytest.mark.parametrize("text", ["11.7-15.5 F 13.2-17.1 M adult", "F: abc M: 13.2-17.1"])
def test_a_range_for_each_sex_with_something_else_is_none(text: str) -> None:
    assert limits_of_text(text) == (UNREADABLE, "")


def test_a_side_that_neither_sex_has_is_open() -> None:
    assert limits_of_text("F: <5 M: <6") == ("", "F=5|M=6")
