"""The log of the package: silent until a program listens, counts alone, and never something of a person."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main

CANARY = "Canary-4711"
TABLE = f"name,age,sex,HGB (g/dL),PLT (10^9/L)\n{CANARY},54 y,F,7.93,<10\n{CANARY},30 y,M,15.31,238\nragged {CANARY}\n"

BARE = "age,sex,HGB,PLT\n54 y,F,7.93,31\n"  # no unit is stated: no line can be judged


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / f"{CANARY}.csv"
    path.write_text(TABLE)
    return path


def test_a_scan_leaves_its_account_in_counts(export: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="cbc_screen"):
        cbc.scan(export)
    (line,) = [record for record in caplog.records if record.name == "cbc_screen"]
    assert line.levelno == logging.INFO
    assert line.getMessage().startswith("scan: 3 rows in, 2 screened, 1 rejected; 4 results read, 4 used; ")


def test_what_needs_a_look_is_a_warning_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "b.csv").write_text(BARE)
    with caplog.at_level(logging.WARNING, logger="cbc_screen"):
        found = cbc.scan(tmp_path / "b.csv")
    assert (len(found.alarms), len(found.vanished)) == (1, 0)
    assert [record.getMessage() for record in caplog.records] == [
        "scan: 1 alarms; 0 analytes vanished; 0 analytes whose unit is doubted"
    ]


def test_frames_and_files_say_how_many(export: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="cbc_screen"):
        cbc.screen_frame(pd.DataFrame({"age": ["54 y"], "HGB (g/dL)": [7.93]}))
        cbc.read(export)
    assert [record.getMessage() for record in caplog.records] == [
        "frame: 1 rows screened, 1 analytes read",
        "read: 2 rows, 1 rejected",
    ]


def test_nothing_of_a_person_or_of_a_name_of_a_file_is_in_it(export: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        cbc.scan(export)
        cbc.read(export)
        cbc.screen_frame(pd.read_csv(export, on_bad_lines="skip"))
    said = "".join(f"{record.getMessage()}{record.args!r}" for record in caplog.records)
    assert CANARY not in said
    assert "7.93" not in said


SILENT = """
import sys, cbc_screen as cbc
cbc.scan(sys.argv[1])
cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": "7.9 g/dL"})
"""


def test_it_is_silent_until_a_program_listens(export: Path) -> None:
    """Without a handler of its own Python would print warnings of a log that nobody asked for."""
    (export.parent / "b.csv").write_text(BARE)
    done = subprocess.run(
        [sys.executable, "-c", SILENT, str(export.parent / "b.csv")], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_warning_may_be_made_an_error() -> None:
    frame = pd.DataFrame({"age": ["40 y"], "hemoglobin": [79]})
    with pytest.warns(cbc.CBCScreenWarning, match="no column states a unit"):
        cbc.screen_frame(frame)
    code = (
        "import warnings, pandas as pd, cbc_screen as cbc\n"
        "warnings.simplefilter('error', cbc.CBCScreenWarning)\n"
        "cbc.screen_frame(pd.DataFrame({'age': ['40 y'], 'hemoglobin': [79]}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "CBCScreenWarning: no column states a unit" in done.stderr


def test_the_command_says_a_warning_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("person,date,age,sex,HGB (g/L)\na,2024-01-02,40 y,M,125\nb,2024-01-02,40 y,V,125\n")
    done = CliRunner().invoke(main, ["follow", str(tmp_path / "a.csv")])
    assert done.exit_code == 0, done.output
    assert [line for line in done.stderr.splitlines() if not line.startswith("cbc-screen: ")] == []
