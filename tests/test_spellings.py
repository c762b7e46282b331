"""Spellings of units of one's own: wherever a unit is read, and again when a row is screened again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc

OWN = {"je Feld": "10^9/L"}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text("age,sex,HGB (g/L),ANC,ANC unit,PLT (10^9/L)\n40 y,F,130,0.4,je Feld,250\n", encoding="utf-8")
    return path


@pytest.fixture
def profile(tmp_path: Path) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(
        "id: own\ntitle: own\nshape: wide\nsource: s\nunit_spellings: {je Feld: 10^9/L}\n", encoding="utf-8"
    )
    return str(path)


def test_a_spelling_of_the_caller_is_read_again(export: Path, tmp_path: Path) -> None:
    flags = tmp_path / "flags.parquet"
    cbc.scan(export, flags, received=True, unit_spellings=OWN)
    assert list(cbc.read_flags(flags)["white_line"]) == ["low"]
    assert cbc.screen_again(flags, 2).flags()["white_line"] == "low"


def test_a_spelling_of_a_profile_is_read_again(export: Path, profile: str, tmp_path: Path) -> None:
    flags = tmp_path / "flags.parquet"
    cbc.scan(export, flags, received=True, profile=profile)
    assert list(cbc.read_flags(flags)["white_line"]) == ["low"]
    assert cbc.screen_again(flags, 2).flags()["white_line"] == "low"


def test_a_spelling_of_a_profile_is_read_in_frames(export: Path, profile: str) -> None:
    frame = pd.read_csv(export)
    assert list(cbc.screen_frame(frame)["white_line"]) == ["cannot_tell"]
    assert list(cbc.screen_frame(frame, profile=profile)["white_line"]) == ["low"]


def test_suspected_clumps_are_read_again(tmp_path: Path) -> None:
    """They stand in no column of the source, and are kept beside the row all the same."""
    (tmp_path / "in.hl7").write_text(
        "MSH|^~\\&|LAB|X|R|Y|20240301120000||ORU^R01|M1|P|2.5.1\rPID|1||T1||||19700504|F\r"
        "OBR|1|A1|B1|58410-2^CBC^LN|||20240301090000\rOBX|1|NM|777-3^PLT^LN||44|10*9/L|||||F\rNTE|1||PLT clumps?\r",
        encoding="utf-8", newline="",
    )  # fmt: skip
    flags = tmp_path / "flags.parquet"
    cbc.scan(tmp_path / "in.hl7", flags, received=True)
    (row,) = cbc.read_flags(flags).to_dict("records")
    assert row["guards"] == "platelet_clumps_suspected"
    assert cbc.screen_again(flags, int(row["row"])).flags()["guards"] == row["guards"]
    stated = cbc.screen(
        {"platelets": {"value": 44, "unit": "10^9/L"}, "film": {"platelet_clumps_suspected": "present"}}
    )
    assert stated.flags()["guards"] == row["guards"]
