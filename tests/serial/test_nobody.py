"""What stands in place of a person's key and is nobody's makes no person of several, through any door."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc

NOBODY = ["NULL", "N/A", "-", "None", "unknown", "Unknown ", "?", "anonymous", "XXX", "不明"]
HEAD = "MSH|^~\\&|A|B|C|D|20260301||ORU^R01|{number}|P|2.5\rPID|1||{key}^^^H^MR||D^J||19850101|M\rOBR|1||{order}|CBC|||202603010930\r"


@pytest.mark.parametrize("key", NOBODY)
def test_follow_takes_it_for_nobody(key: str) -> None:
    frame = pd.DataFrame(
        {
            "MRN": [key, key, "A", "A"],
            "age": "50 y",
            "sex": "M",
            "collected_at": ["2024-01-01", "2024-06-01"] * 2,
            "PLT (10^9/L)": [90.0, 80.0, 90.0, 80.0],
        }
    )
    found = cbc.follow(frame)
    assert list(found["person"].dropna()) == ["A"]
    (nobody,) = found[found["person"].isna()].to_dict("records")
    assert ("PERSON_MISSING" in nobody["reasons"], nobody["platelet_persistence"]) == (True, "not_assessed")


@pytest.mark.parametrize("key", NOBODY)
def test_results_of_two_orders_are_two_counts(key: str, tmp_path: Path) -> None:
    rows = ["ORDER ID,MRN,SEX,AGE,COLLECTED,TEST,RESULT,UNITS"]
    for order, results in (
        ("O1", [("HGB", 9.1, "g/dL"), ("WBC", 2.3, "10*3/uL")]),
        ("O2", [("PLT", 40, "10*3/uL"), ("ANC", 3, "10*3/uL")]),
    ):
        rows += [f"{order},{key},F,50 y,2026-01-02,{test},{value},{unit}" for test, value, unit in results]
    (tmp_path / "in.csv").write_text("\n".join(rows), encoding="utf-8")
    cbc.scan(tmp_path / "in.csv", tmp_path / "flags.parquet", tmp_path / "rejects.csv")
    flags = cbc.read_flags(tmp_path / "flags.parquet")
    # Each order is a count of its own, or its results stand alone: hemoglobin of one never stands beside platelets of the other.
    assert not ((flags["red_line"] == "low") & (flags["platelet_line"] == "low")).any()


@pytest.mark.parametrize("key", ["UNKNOWN", "?", "N/A"])
def test_two_messages_are_two_counts(key: str, tmp_path: Path) -> None:
    text = HEAD.format(number=1, key=key, order="O1") + "OBX|1|NM|HGB||9.1|g/dL|||||F\r"
    text += HEAD.format(number=2, key=key, order="O2") + "OBX|1|NM|PLT||250|10*3/uL|||||F\r"
    (tmp_path / "in.hl7").write_text(text)
    cbc.scan(tmp_path / "in.hl7", tmp_path / "flags.parquet", tmp_path / "rejects.csv")
    assert len(cbc.read_flags(tmp_path / "flags.parquet")) == 2
