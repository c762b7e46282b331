"""What a type checker of the user's says, with the package as it is installed: both files are checked in one run."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.parts  # mypy is started

FRAMES = (
    "import cbc_screen as cbc\nimport duckdb, pandas as pd, polars as pl\n"
    "reveal_type(cbc.screen_frame(pd.DataFrame()))\n"
    "reveal_type(cbc.screen_frame(pl.DataFrame()))\n"
    "reveal_type(cbc.screen_frame(pl.LazyFrame()))\n"
    "reveal_type(cbc.screen_frame(duckdb.table('counts')))\n"
    "reveal_type(cbc.Screener().screen_frame(pl.LazyFrame(), units='us'))\n"
    "cbc.screen_frame([1])\n"
    "cbc.screen_frame(pd.DataFrame(), unit='us')\n"
)
OPTIONS = (
    "import cbc_screen as cbc\n"
    "cbc.scan('a.csv', 'b.parquet', age_unit='y', units={'hemoglobin': 'g/dL'}, definition='mds')\n"
    "cbc.scan('a.csv', age_units='y')\n"
    "cbc.scan('a.csv', age_unit='years')\n"
    "cbc.screen({}, definition='strictest')\n"
    "cbc.read('a.csv', decimals=',')\n"
    "cbc.Source('a.csv', format='doc')\n"
)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return what is said of the two files."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "frames.py").write_text(FRAMES, encoding="utf-8")
    (folder / "options.py").write_text(OPTIONS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-incremental", "--follow-imports=silent", "frames.py", "options.py"],
        capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    return done.stdout.splitlines()


def wrong(said: list[str], file: str) -> set[str]:
    """Return the lines of a file that have an error."""
    return {line.split(":")[1] for line in said if line.startswith(f"{file}:") and ": error:" in line}


def test_it_knows_what_comes_out(said: list[str]) -> None:
    """A frame of the kind that went in; pyarrow has no types of its own."""
    told = [line.split('"')[1].rpartition(".")[2] for line in said if "Revealed type" in line]
    assert told == ["DataFrame", "DataFrame", "LazyFrame", "DuckDBPyRelation", "LazyFrame"], said
    assert wrong(said, "frames.py") == {"8", "9"}, said


def test_a_misspelt_option_fails_in_an_editor(said: list[str]) -> None:
    assert wrong(said, "options.py") == {"3", "4", "5", "6", "7"}, said
