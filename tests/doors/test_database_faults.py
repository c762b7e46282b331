"""What an error of a database means, and which types would come as another one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from door_databases import CANARY, Door

import cbc_screen as cbc
from cbc_screen.databases import faults
from cbc_screen.errors import UsageError
from postgres import Server, running


class DriverError(Exception):
    """An error as the driver gives it, with its status and no SQLSTATE."""

    sqlstate = None

    def __init__(self, status: str, text: str = CANARY) -> None:
        from adbc_driver_manager import AdbcStatusCode

        super().__init__(text)
        self.status_code = AdbcStatusCode[status]


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (DriverError("NOT_FOUND"), "there is no schema, or no table, of that name"),
        (DriverError("ALREADY_EXISTS"), "exists, and none is overwritten"),
        (DriverError("UNAUTHORIZED"), "no permission for it; GRANT"),
        (DriverError("UNAUTHENTICATED"), "refused the password; give it in PGPASSWORD"),
        (DriverError("INVALID_DATA"), "cannot convert"),
        (DriverError("INTERNAL"), "does not carry a type of one of the columns; cast it"),
        (DriverError("TIMEOUT"), "canceled the query"),
        (DriverError("UNKNOWN"), "the database refused (UNKNOWN); try"),
        (DriverError("IO", "ERROR:  tables can have at most 1600 columns"), "more columns"),
        (DriverError("IO", "FATAL:  terminating connection"), "the database went away; nothing was written"),
        (DriverError("IO", "no connection to the server"), "the database went away; nothing was written"),
        (OSError("ERROR:  canceling statement due to statement timeout"), "canceled the query"),
        (OSError(f"ERROR:  division by {CANARY}"), "the database went away; nothing was written"),
        (OSError("server closed the connection unexpectedly"), "the database went away; nothing was written"),
    ],
)
def test_only_a_lost_connection_is_called_one(error: Exception, meant: str) -> None:
    said = faults.said(error)
    assert meant in said
    assert CANARY not in said
    assert ("went away" in said) == meant.startswith("the database went away")


@pytest.mark.parametrize("words", [faults.said, faults.not_written])
def test_where_the_server_still_answers_it_did_not_go_away(words: Any) -> None:
    said = words(OSError(f"FEHLER:  Division durch {CANARY}"), answers=True)
    assert "ended the statement with an error" in said
    assert CANARY not in said


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server whose errors are in German, where its translations are installed."""
    monkeypatch.setenv("LANGUAGE", "de")
    with running() as server:
        server.run("ALTER SYSTEM SET lc_messages = 'C.utf8'")
        server.stop()
        server.start()
        yield server


def test_a_server_of_another_language_is_understood(german: Server) -> None:
    query = "SELECT 10 / (200000 - g) AS hemoglobin FROM generate_series(1, 300000) AS g"
    with pytest.raises(UsageError, match="ended the statement with an error"):
        cbc.scan(german.url, query=query)
    with pytest.raises(UsageError, match="there is no table of that name"):
        cbc.scan(german.url, table="nowhere")
    for wrong in (german.url.replace("/laboratory?", "/elsewhere?"), german.url.replace("screener:", "nobody:")):
        with pytest.raises(UsageError, match=r"lets nobody in|does not exist|refused the password"):
            cbc.scan(wrong, table="counts")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (
            "failed: FATAL:  Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen",
            "lets nobody in with this address",
        ),
        ('failed: FATAL:  password authentication failed for user "u"', "refused the password"),
        ("failed: FATAL:  Datenbank »d« existiert nicht", "lets nobody in with this address"),
        ("failed: Connection refused\n\tIs the server running on that host?", "nothing answers there"),
        ('could not translate host name "h" to address', "nothing answers there"),
    ],
)
def test_why_there_is_no_connection(text: str, meant: str) -> None:
    assert meant in faults.not_connected(OSError(text))


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (DriverError("IO", "IO: Error occurred writing COPY data: "), "a row has what the database cannot hold"),
        (DriverError("IO", "IO: Error occurred writing COPY data: no connection to the server"), "went away"),
        (DriverError("INVALID_DATA"), "a row has what the database cannot hold"),
        (DriverError("NOT_IMPLEMENTED"), "has no type for one of the columns"),
        (DriverError("ALREADY_EXISTS"), "exists, and none is overwritten"),
        (pa.ArrowInvalid(CANARY), "a row has what the database cannot hold"),
    ],
)
def test_what_an_error_of_writing_means(error: Exception, meant: str) -> None:
    said = faults.not_written(error)
    assert meant in said
    assert CANARY not in said


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "SELECT 1 / (200000 - g) AS hemoglobin FROM generate_series(1, 300000) AS g",
            "ended the statement with an error",
        ),
        ("SELECT g AS hemoglobin, pg_sleep(0.001)::text FROM generate_series(1, 20000) AS g", "canceled the query"),
        ("SELECT hemoglobin FROM counts WHERE age = $1", "not one SELECT|refused"),
    ],
)
def test_a_statement_that_postgresql_ends_is_no_lost_connection(postgresql: Door, query: str, said: str) -> None:
    postgresql.run("ALTER ROLE screener SET statement_timeout = '400ms'")
    try:
        with pytest.raises(UsageError, match=said) as caught:
            cbc.scan(postgresql.address, query=query)
    finally:
        postgresql.run("ALTER ROLE screener RESET statement_timeout")
    assert "went away" not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM read_csv('/nowhere/CANARY.csv')", "cannot read a file that the query names"),
        ("SELECT * FROM counts WHERE age = ?", r"a parameter: \? or \$1"),
        ("SELECT error('CANARY') AS hemoglobin", "ends itself with an error"),
        ("SELECT 9223372036854775807 + hemoglobin::BIGINT FROM counts", "cannot convert"),
    ],
)
def test_what_duckdb_says_of_a_query_has_a_next_step(duckdb_file: Door, query: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        cbc.scan(duckdb_file.address, query=query)
    assert "CANARY" not in str(caught.value)
    assert "; " in str(caught.value) or "try it" in str(caught.value)


def test_every_meaning_of_an_error_says_what_to_do() -> None:
    tables = (faults._STATES, faults._STATUS, faults._CLASSES, dict(faults._IN_THE_MIDDLE), dict(faults._CONNECTING))
    alone = {faults._ENDED, faults._NOT_HELD, faults._NO_TYPE, faults._NO_ANSWER, faults._NOT_LET_IN}
    sentences = alone | {sentence for table in tables for sentence in table.values()}
    assert [sentence for sentence in sentences if not re.search(r"; |: ", sentence)] == []


def test_a_time_with_an_offset_has_no_place(door: Door) -> None:
    """DuckDB gives it without its offset."""
    with pytest.raises(UsageError, match=r"column 'taken' is of a type that has no place .*time"):
        cbc.scan(door.address, query="SELECT CAST('10:00:00+02' AS TIMETZ) AS taken, hemoglobin FROM counts")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("340282366920938463463374607431768211455::UHUGEINT", "uhugeint"),  # would come as -1
        ("79::UHUGEINT", "uhugeint"),
        ("79::BIGNUM", "bignum"),
        ("'101'::BIT", "binary"),
    ],
)
def test_a_number_of_duckdb_that_would_be_another_one_has_no_place(duckdb_file: Door, value: str, kind: str) -> None:
    with pytest.raises(UsageError, match=rf"column 'odd' is of a type that has no place .*{kind}"):
        cbc.scan(duckdb_file.address, query=f"SELECT {value} AS odd, hemoglobin FROM counts")


def test_the_largest_whole_number_of_duckdb_comes_as_it_is(duckdb_file: Door) -> None:
    frame = cbc.read(duckdb_file.address, query=f"SELECT {2**127 - 1}::HUGEINT AS key, * FROM counts LIMIT 1")
    assert int(frame["key"][0]) == 2**127 - 1


def test_a_moment_with_a_zone_comes_in_utc_whatever_the_zone_of_the_machine(door: Door, tmp_path: Path) -> None:
    """In New York it is another day."""
    door.run("CREATE TABLE late AS SELECT CAST('2024-01-02 02:00:00+00' AS TIMESTAMPTZ) AS collected_at")
    script = (
        "import sys, cbc_screen as cbc; query = \"SELECT '40 y' AS age, 7.9 AS hemoglobin, collected_at FROM late\"; "
        "print(cbc.read(sys.argv[1], query=query, as_received=True)['collected_at'][0].isoformat())"
    )
    command = [sys.executable, "-c", script, door.address]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "TZ": "America/New_York"}
    )
    assert (done.stdout, done.stderr) == ("2024-01-02T02:00:00+00:00\n", "")
