"""A row of units under the header: its units go with the names, and it is no row of a person."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc

HEADER = "ID,age,sex,HGB,WBC,PLT"
ROWS = ["1,54 y,F,9.1,2.3,12", "2,54 y,F,13.1,5.3,250"]
UNITS = [
    ",,,g/dL,10^9/L,10^9/L",
    "Units,,,g/dL,10^9/L,10^9/L",
    "Unit:,,,g/dL,10^9/L,10^9/L",
    "UOM,years,,g/dL,10^9/L,10^9/L",
    "(Units),(y),-,(g/dL),(10^9/L),(10^9/L)",
    ",,,[g/dL],[10^9/L],[10^9/L]",
    ",,,(g/dL),(10^9/L),(10^9/L)",
    ",,,{g/dL},{10^9/L},{10^9/L}",
    "Einheit,Jahre,,g/dL,10^9/L,10^9/L",
    "单位,,,（g/dL）,【10^9/L】,10^9/L",
    "Unidades,[años],,[g/dL],[10*3{cells}/uL],[10^3/uL]",
    ",[units],,[g/dL],[10^9/L],[K/uL]",
]


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_units_go_with_the_names(tmp_path: Path, units: str, kind: str) -> None:
    path = tmp_path / f"units.{kind}"
    lines = [HEADER, units, *ROWS]
    if kind == "csv":
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        pd.DataFrame([line.split(",") for line in lines]).to_excel(path, header=False, index=False)
    found = cbc.scan(path, tmp_path / "flags.csv")
    assert (found.rows_in, found.screened, found.rejects) == (2, 2, {})
    assert list(pd.read_csv(tmp_path / "flags.csv")["pattern"]) == ["pancytopenia", "none"]


@pytest.mark.parametrize(
    "row",
    [
        "Units,54 y,F,9.1 g/dL,2.3 10^9/L,12 10^9/L",
        "Units,Unit,,g/dL,10^9/L,10^9/L",  # two words that call it so: it may be a header of another table
        "Ward 3,,,g/dL,10^9/L,10^9/L",
        "Units,,,g/dL,2.3,12",
        "Units,,,(9.1),(2.3),(12)",
        "[1],,,[9.1],[2.3],[12]",
    ],
)
def test_a_row_with_anything_else_is_none(tmp_path: Path, row: str) -> None:
    path = tmp_path / "units.csv"
    path.write_text("\n".join([HEADER, row, *ROWS]) + "\n", encoding="utf-8")
    found = cbc.scan(path, tmp_path / "flags.csv", units="us")
    assert found.rows_in == 3
    assert list(pd.read_csv(tmp_path / "flags.csv")["pattern"])[-2:] == ["pancytopenia", "none"]


def test_a_word_for_units_stays_out_of_the_names(tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text("\n".join([HEADER, UNITS[1], *ROWS]) + "\n", encoding="utf-8")
    frame = cbc.read(path)
    assert "ID" in frame.columns
    assert list(frame["hemoglobin_unit"]) == ["g/dL", "g/dL"]
