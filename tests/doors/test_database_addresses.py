"""Addresses of databases: what they are called, and that no part of a password is ever shown, however one is written."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cbc_screen as cbc
import cbc_screen.polars as cbc_polars
from cbc_screen.cli import main
from cbc_screen.databases.address import address_of
from cbc_screen.errors import UsageError

SECRET = "S3CRET"
MALFORMED = "the address of a database cannot be read, and nothing of it is shown here"
# How people write an address with a password wrongly. Each has the password, or a part of it, where another part stands.
WRONG = [
    "postgresql://u:S3CRET/x@h/d",
    "postgresql://u:a/S3CRET@h/d",
    "postgresql://u:a?S3CRET@h/d",
    "postgresql://u:a?b=S3CRET@h/d",
    "postgresql://u:S3CRET?b@h/d",
    "postgresql://u:a@S3CRET@h/d",
    "postgresql://u:a#S3CRET@h/d",
    "postgresql://u:100%S3CRET@h/d",
    "postgresql://u:[S3CRET]@h/d",
    "postgresql://u:S3CRET\n@h/d",
    "postgresql://u:S3CRET",
    "postgresql://h:S3CRET/d",
    "postgresql:///u:S3CRET@h/d",
    "postgresql:/u:S3CRET@h/d",
    "postgresql:u:S3CRET@h/d",
    "POSTGRESQL://u:S3CRET@h/d",
    " postgresql://u:S3CRET@h/d",
    "'postgresql://u:S3CRET@h/d'",
    "postgresql+psycopg2://u:S3CRET@h/d",
    "jdbc:postgresql://h/d?user=u&password=S3CRET",
    "/home/u/postgresql:/u:S3CRET@h",
    "mysql://u:a/S3CRET@h/d",
    "host=h dbname=d password=S3CRET",
    "postgresql://h/a/S3CRET",
    "postgresql://h/d;password=S3CRET",
    "postgresql://h/d&password=S3CRET",
    "postgresql://h/password=S3CRET",
    "postgresql://h/d#S3CRET",
    "postgresql://h/d?S3CRET",
    "postgresql://h/d?table=t;password=S3CRET",
    "postgresql://h/d?table=t?password=S3CRET",
    "postgresql://u:S3CRET word@h/d",
    "postgresql://u:S3CRET%@h/d",
    "postgresql://u:S3CRET%zz@h/d",
    "postgresql://u:x@h:S3CRET/d",
    "postgresql://u:x@[S3CRET/d",
    "postgresql://h/d?password=a@S3CRET",
    "postgresql://h/d?password=a=S3CRET",
    "postgresql://h/d?pass word=S3CRET",
    "Server=h;Uid=u;Pwd=S3CRET",
    "passwd = S3CRET host=h",
    "postgresql://?dbname=postgresql%3A%2F%2Fu%3AS3CRET%40h%2Fd",
    "postgresql://?dbname=postgresql%253A%252F%252Fu%253AS3CRET%2540h",
    "postgresql://?dbname=host%3Dh%20password%3DS3CRET",
    "postgresql:///host%3Dh%20password%3DS3CRET",
]
TABLE = "patient,test,value,unit,collected_at,sex,birth_date\na,Hemoglobin,7.9,g/dL,2024-03-01 08:00,F,1984-02-29\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small file in the folder where everything is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.csv").write_text(TABLE, encoding="utf-8")
    return "one.csv"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("text", "name", "where", "table"),
    [
        ("postgresql://u:p@h:5433/lab?table=counts", "h:5433/lab", "postgresql://u:p@h:5433/lab", "counts"),
        ("postgres:///lab?host=%2Ftmp&table=s.counts", "lab", "postgres:///lab?host=%2Ftmp", "s.counts"),
        ("postgresql://h/lab?sslmode=require", "h/lab", "postgresql://h/lab?sslmode=require", None),
        ("postgresql://?password=secret&dbname=lab", "lab", "postgresql://?password=secret&dbname=lab", None),
        ("folder/lab.duckdb?table=flags", "lab.duckdb", "folder/lab.duckdb", "flags"),
        ("lab.duckdb", "lab.duckdb", "lab.duckdb", None),
    ],
)
def test_an_address_is_called_by_what_is_no_secret(text: str, name: str, where: str, table: str | None) -> None:
    found = address_of(text)
    assert found is not None
    assert (found.name, found.where, found.table) == (name, where, table)
    assert found.where not in repr(found) or "/" not in where


@pytest.mark.parametrize("text", ["export.csv", "2024-*.csv", "-", "export?.csv", "duckdb.csv"])
def test_a_file_is_no_database(text: str) -> None:
    assert address_of(text) is None


@pytest.mark.parametrize("text", WRONG)
def test_an_address_that_cannot_be_read_is_refused_without_a_part_of_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        address_of(text)
    assert str(caught.value).startswith(MALFORMED)
    assert "%2F %3F %40 %23" in str(caught.value)
    assert SECRET not in repr(caught.value) + repr(caught.value.__context__)


DOORS: dict[str, Callable[[str, str], Any]] = {
    "source": lambda file, text: cbc.scan(text, table="t"),
    "one of two sources": lambda file, text: cbc.scan([file, text]),
    "Source": lambda file, text: cbc.scan(cbc.Source(text, table="t")),
    "out": lambda file, text: cbc.scan(file, text),
    "out by force": lambda file, text: cbc.scan(file, text, force=True),
    "rejects": lambda file, text: cbc.scan(file, "flags.parquet", text),
    "summary": lambda file, text: cbc.scan(file, summary=text),
    "persons": lambda file, text: cbc.scan(file, persons=text),
    "read": lambda file, text: cbc.read(text),
    "follow": lambda file, text: cbc.follow(text),
    "audit": lambda file, text: cbc.audit(text),
    "read_flags": lambda file, text: cbc.read_flags(text),
    "compare": lambda file, text: cbc.compare(text, text),
    "report": lambda file, text: cbc.scan(file, "flags.parquet", report=text, force=True),
    "polars": lambda file, text: cbc_polars.scan(text, table="t").collect(),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_shows_a_part_of_a_wrong_address(
    file: str, tmp_path: Path, door: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        for text in WRONG:
            with pytest.raises(UsageError) as caught:
                DOORS[door](file, text)
            assert SECRET not in str(caught.value) + repr(caught.value), text
    assert SECRET not in caplog.text + "".join(capfd.readouterr())
    assert [name for name in names_in(tmp_path) if SECRET in name] == []
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SECRET.encode() not in left


OPTIONS = {
    "source": lambda text: ["scan", text, "-o", "flags.parquet"],
    "-o": lambda text: ["scan", "one.csv", "-o", text],
    "--persons": lambda text: ["scan", "one.csv", "--persons", text, "-o", "flags.parquet"],
    "--rejects": lambda text: ["scan", "one.csv", "-o", "flags.parquet", "--rejects", text],
    "--summary": lambda text: ["scan", "one.csv", "-o", "flags.parquet", "--summary", text],
    "profile": lambda text: ["profile", text],
    "audit": lambda text: ["audit", text],
    "follow": lambda text: ["follow", text],
    "explain": lambda text: ["explain", text, "--row", "1"],
    "compare": lambda text: ["compare", text, text],
    "report": lambda text: ["report", text, "-o", "list.html"],
}


@pytest.mark.parametrize("option", OPTIONS)
def test_no_option_shows_a_part_of_a_wrong_address(file: str, tmp_path: Path, option: str) -> None:
    for text in WRONG:
        done = CliRunner().invoke(main, OPTIONS[option](text))
        assert done.exit_code == 2, (text, done.output)
        assert SECRET not in done.output, text
        assert done.output.count("\n") == 1, done.output


def test_the_process_itself_shows_nothing_of_it(file: str) -> None:
    for text in WRONG[:3]:
        command = [sys.executable, "-m", "cbc_screen", "scan", file, "-o", text]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 2
        assert MALFORMED in done.stderr
        assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:S3CRET@h/d",
        "postgresql://u:S3%2FCRET%40%3F%23@h/d",
        "postgres://u:S3CRET@h:5432,g:5433/d?target_session_attrs=any",
        "postgresql://u:S3CRET@[::1]:5432/d",
        "postgresql://h/d?user=u&password=S3CRET&table=t",
        "postgresql:///d?host=/run/postgresql&password=S3CRET",
        "postgresql://u:S3CRET@/d?host=%2Frun%2Fpostgresql",
        "postgresql://u:S3CRET@h/my%20d?sslmode=verify-full",
        "postgresql://u:S3CRET@h",
        'postgresql://u:S3CRET^{}|\\`"<>$&*@h',
        "postgresql://u:\u00e9S3CRET@h/d",
        "postgresql://u%40x:S3CRET:1@h/d",
        "postgresql://",
    ],
)
def test_what_libpq_reads_is_taken_and_called_without_the_password(text: str) -> None:
    found = address_of(text)
    assert found is not None
    assert SECRET not in found.called + repr(found)
    assert "CRET" not in found.called + repr(found)
    assert (found.table is None) == ("table=" not in text)
    assert "table=" not in found.where


def test_a_file_that_is_there_is_a_file_whatever_it_is_called(file: str, tmp_path: Path) -> None:
    (tmp_path / "password=1.csv").write_text(TABLE, encoding="utf-8")
    assert address_of("password=1.csv") is None
    assert cbc.scan("password=1.csv").screened == 1


@pytest.mark.parametrize("text", ["data/pass=1/*.csv", "compass=2.csv", "x/pwd=3/part.parquet"])
def test_a_folder_named_for_a_part_is_no_setting(text: str) -> None:
    assert address_of(text) is None


def test_a_path_cannot_hold_an_address() -> None:
    with pytest.raises(UsageError, match="give the address of a database as text"):
        address_of(Path("postgresql://u:S3CRET@h/d"))
