"""Tables joined end to end: the header stands among the rows, in the same order or in another."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc

HEADER = "age,sex,HGB (g/L),WBC (10^9/L),PLT (10^9/L)"
SWAPPED = "age,sex,HGB (g/L),PLT (10^9/L),WBC (10^9/L)"


def table(folder: Path, *lines: str, name: str = "counts.csv") -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("again", [HEADER, HEADER.replace(",", " , ")])
def test_a_header_in_its_own_order_is_rejected_as_one(tmp_path: Path, again: str) -> None:
    path = table(tmp_path, HEADER, "40 y,F,130,6,200", again, "41 y,F,70,1,20", again)
    summary = cbc.Screener().scan(path, tmp_path / "flags.csv", rejects=tmp_path / "rejects.csv")
    assert (summary.rows_in, summary.screened) == (4, 2)
    assert summary.rejects == {"HEADER_REPEATED": 2}
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        found = [(row["row"], row["pattern"]) for row in csv.DictReader(file)]
    assert found == [("2", "none"), ("4", "pancytopenia")]
    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as file:
        assert [(row["line"], row["reason"], row["content"]) for row in csv.DictReader(file)] == [
            ("3", "HEADER_REPEATED", again),
            ("5", "HEADER_REPEATED", again),
        ]


@pytest.mark.parametrize("before", [1, 5_000])
def test_a_header_in_another_order_is_refused_with_its_line(tmp_path: Path, before: int) -> None:
    """Behind it 200 would be a white count and 6 a count of platelets."""
    path = table(tmp_path, HEADER, *["40 y,F,130,6,200"] * before, SWAPPED, "41 y,F,130,200,6")
    with pytest.raises(cbc.UsageError, match=rf"^line {before + 2} holds the names of the columns in another order"):
        cbc.Screener().scan(path, tmp_path / "flags.csv")
    assert not (tmp_path / "flags.csv").exists()


def test_a_header_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, HEADER, "40 y,F,130,6,200", "age,sex,HGB (g/L),Ferritin,PLT (10^9/L)", "41 y,F,130,6,200")
    with pytest.raises(cbc.UsageError, match=r"^line 3 holds the names"):
        cbc.read(path)


def test_a_table_of_results_is_looked_at_too(tmp_path: Path) -> None:
    lines = ["person,collected_at,test,value,unit", "p1,2024-01-02,Hemoglobin,130,g/L"]
    path = table(tmp_path, *lines, "person,collected_at,value,test,unit", "p2,2024-01-02,70,Hemoglobin,g/L")
    with pytest.raises(cbc.UsageError, match=r"^line 3 holds the names"):
        cbc.read(path)
    summary = cbc.Screener().scan(
        table(tmp_path, *lines, lines[0], name="same.csv"), tmp_path / "flags.csv", rejects=tmp_path / "rejects.csv"
    )
    assert summary.rejects == {"HEADER_REPEATED": 1}
    assert summary.screened == 1


def test_a_frame_is_refused_with_its_row(tmp_path: Path) -> None:
    frame = pd.read_csv(table(tmp_path, HEADER, "40 y,F,130,6,200", SWAPPED, "41 y,F,130,200,6"))
    with pytest.raises(cbc.UsageError, match=r"^row 1 of the frame holds the names"):
        cbc.screen_frame(frame)


def test_a_cell_that_is_the_name_of_a_column_is_a_cell(tmp_path: Path) -> None:
    path = table(tmp_path, f"ward,{HEADER}", "sex,40 y,F,130,6,200", "age,41 y,F,130,6,200")
    frame = cbc.read(path)
    assert len(frame) == 2
    assert frame.attrs["rejected"] == []


def test_a_text_that_stands_in_every_cell_is_no_header(tmp_path: Path) -> None:
    path = table(tmp_path, f"ward,bed,note,{HEADER}", "note,note,note,40 y,F,,,", "note,note,note,40 y,F,130,6,200")
    summary = cbc.Screener().scan(path, tmp_path / "flags.csv", keep=["ward", "bed", "note"])
    assert summary.rejects == {"NO_RESULT": 1}


@pytest.mark.parametrize("again", [HEADER.lower(), f"\ufeff{HEADER}", "age,sex,HGB (g/L),WBC (10^9/L),"])
def test_its_case_a_mark_that_begins_a_file_and_a_column_less_change_nothing(tmp_path: Path, again: str) -> None:
    path = table(tmp_path, HEADER, "40 y,F,130,6,200", again, "41 y,F,70,1,20")
    summary = cbc.Screener().scan(path, tmp_path / "flags.csv")
    assert (summary.screened, summary.rejects) == (2, {"HEADER_REPEATED": 1})


@pytest.mark.parametrize("kind", ["csv.gz", "csv;", "xlsx", "parquet"])
def test_every_kind_of_table_is_looked_at(tmp_path: Path, kind: str) -> None:
    lines = [line.split(",") for line in (HEADER, "40 y,F,130,6,200", HEADER, SWAPPED, "41 y,F,130,200,6")]

    def written(rows: list[list[str]], name: str) -> Path:
        frame = pd.DataFrame(rows[1:], columns=rows[0])
        path = tmp_path / f"{name}.{kind.rstrip(';')}"
        if kind == "xlsx":
            frame.to_excel(path, index=False)
        elif kind == "parquet":
            frame.to_parquet(path, index=False)
        else:
            frame.to_csv(path, index=False, sep=";" if kind.endswith(";") else ",")
        return path

    summary = cbc.Screener().scan(written(lines[:3], "same"), tmp_path / "flags.csv")
    assert (summary.screened, summary.rejects) == (1, {"HEADER_REPEATED": 1})
    with pytest.raises(cbc.UsageError, match=r"^line \d holds the names of the columns in another order"):
        cbc.Screener().scan(written(lines, "other"), tmp_path / "others.csv")
