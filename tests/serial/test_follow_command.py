"""cbc-screen follow: reads as cbc.read does, prints no value and no name, and writes whole files."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.vocabulary import NOTICE

COUNTS = """MRN,age,sex,collected_at,HGB (g/dL),PLT (10*3/uL),WBC (10^9/L)
=HARM-771,54 y,F,2024-01-01,9.13,<17,1.37
=HARM-771,54 y,F,2024-06-01,9.03,<17,1.31
QUELL-9,33 y,M,2024-06-01,15.1,253,6.03
ragged
,54 y,M,2024-06-01,15,250,6
"""
SECRETS = ("HARM", "771", "QUELL", "9.13", "9.03", "1.37", "253", "2024-01-01", "2024-06-01")


def run(*arguments: str) -> object:
    return CliRunner().invoke(main, ["follow", *arguments])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(COUNTS)
    return path


def test_persons_are_written_and_counted(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "persons.csv"
    result = run(str(source), "-o", str(out))
    assert result.exit_code == 0, result.output
    assert NOTICE in result.output
    assert "2 persons of 4 counts, 3 moments; 1 rows rejected" in result.output
    assert not [word for word in SECRETS if word in result.output]
    rows = pd.read_csv(out)
    assert list(rows["platelet_persistence"]) == ["persistent_4_months", "not_low", "not_assessed"]
    assert rows["person"][0] == "'=HARM-771"  # a cell that a spreadsheet would run is kept from it
    assert list(rows["notice"].unique()) == [NOTICE]


def test_counts_are_written_in_their_order(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "counts.ndjson"
    result = run(str(source), "--each-count", "-o", str(out))
    assert result.exit_code == 0, result.output
    assert not [word for word in SECRETS if word in result.output]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["row"] for row in rows] == [2, 3, 4, 6]
    assert [row["hemoglobin_change"] for row in rows] == ["not_assessed", "none", "not_assessed", "not_assessed"]
    assert rows[-1]["reasons"] == "person:PERSON_MISSING"


def test_an_output_that_is_there_is_kept(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "persons.parquet"
    out.write_text("mine")
    result = run(str(source), "-o", str(out))
    assert result.exit_code == 2
    assert out.read_text() == "mine"
    assert run(str(source), "-o", str(out), "--force").exit_code == 0
    assert len(pd.read_parquet(out)) == 3


def test_files_and_the_frame_that_read_makes_of_them_agree(source: Path) -> None:
    frame, files = cbc.follow(cbc.read(source)), cbc.follow(source)
    rows = [name for name in frame.columns if name.endswith("_row")]  # places in the frame, and lines of the file
    pd.testing.assert_frame_equal(frame.drop(columns=rows), files.drop(columns=rows))
    assert [row["line"] for row in files.attrs["rejected"]] == [5]


def test_a_file_split_in_two_is_followed_as_one(source: Path, tmp_path: Path) -> None:
    head, *lines = COUNTS.splitlines()
    parts = []
    for place, own in enumerate((lines[:1], lines[1:])):
        parts.append(tmp_path / f"part{place}.csv")
        parts[-1].write_text("\n".join([head, *own]) + "\n")
    whole, split = cbc.follow(source), cbc.follow(parts)
    own = [name for name in split.columns if name.endswith(("_row", "_file"))]  # lines, and of several files the file
    whole, split = whole.drop(columns=own, errors="ignore"), split.drop(columns=own)
    pd.testing.assert_frame_equal(whole.astype(object), split.astype(object), check_dtype=False)


def test_single_results_are_followed(tmp_path: Path) -> None:
    """One result a row: counts come together by person and moment, as in a scan."""
    rows = ["patient_id,sex,birth_date,test,result,unit,collected_at"]
    for day, platelets in (("2024-01-01", 90), ("2024-05-01", 85)):
        rows.append(f"p1,F,1970-05-05,Platelets,{platelets},10^9/L,{day}")
        rows.append(f"p1,F,1970-05-05,Hemoglobin,13.0,g/dL,{day}")
    path = tmp_path / "results.csv"
    path.write_text("\n".join(rows) + "\n")
    found = cbc.follow(path)
    assert list(found["platelet_persistence"]) == ["persistent_4_months"]
    assert list(found["red_persistence"]) == ["not_low"]


def test_no_person_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("age,sex,PLT (10^9/L)\n54 y,F,90\n")
    result = run(str(path))
    assert result.exit_code == 2
    assert result.output.strip().splitlines()[-1].startswith("cbc-screen: no column says whose each row is")


def test_help_has_an_example() -> None:
    assert "Example: cbc-screen follow" in " ".join(run("--help").output.split())
