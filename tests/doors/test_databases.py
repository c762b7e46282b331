"""PostgreSQL and DuckDB, in and out: the answers of the oracle and of a file with the same rows, or one line that says what to do (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import datetime
import json
import logging
import re
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from door_counts import OPTIONS, differences, rows
from door_databases import CANARY, Door

import cbc_screen as cbc
import cbc_screen.polars as cbc_polars
from cbc_screen.cli import main
from cbc_screen.databases import reading
from cbc_screen.engines.journal import Journal
from cbc_screen.errors import UsageError
from postgres import PASSWORD, Server

NOTICE = "For clinician review. Not a diagnosis."


def command(*arguments: object) -> tuple[int, str]:
    """Run the command; return its exit code and what it says."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return done.exit_code, done.output


def flags_of(path: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(path).to_pylist())


def everything_about(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + repr(error.__context__)


# In --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{"table": "counts"}, {"query": "SELECT * FROM counts -- all of them"}])
def test_rows_of_a_database_have_the_answers_of_the_oracle(door: Door, tmp_path: Path, asked: dict[str, str]) -> None:
    summary = cbc.scan(door.address, tmp_path / "flags.parquet", keep=["sample_id"], **asked, **OPTIONS)
    found = flags_of(tmp_path / "flags.parquet")
    assert differences(found) == []
    assert [row["sample_id"] for row in found] == rows()["sample_id"].to_pylist()
    assert [row["row"] for row in found] == list(range(1, len(found) + 1))
    assert summary.rows_in == summary.screened + summary.rejected == len(rows())


def test_the_command_reads_a_query_and_a_table_behind_the_address(door: Door, tmp_path: Path) -> None:
    accepted = [word for name in OPTIONS["accept_units"] for word in ("--accept-units", name)]
    query = "SELECT * FROM counts WHERE sample_id = 'S3';  "
    assert command("scan", door.address, "--query", query, "-o", tmp_path / "one.ndjson", *accepted)[0] == 0
    assert len((tmp_path / "one.ndjson").read_text(encoding="utf-8").splitlines()) == 1
    assert command("scan", door.table("counts"), "-o", tmp_path / "all.parquet", *accepted)[0] == 0
    assert differences(flags_of(tmp_path / "all.parquet")) == []


def typed() -> pa.Table:
    """Counts in the types that a laboratory's database has."""
    return pa.table(
        {
            "id": pa.array([str(uuid.UUID(int=place)) for place in range(4)]),
            "birth_date": pa.array(
                [datetime.date(1984, 2, 29), datetime.date(2020, 5, 1), None, datetime.date(1950, 1, 1)]
            ),
            "collected_at": pa.array([datetime.datetime(2024, 2, 28, 23, 30)] * 4, pa.timestamp("us")),
            "sex": pa.array(["F", "M", "F", None]),
            "HGB (g/dL)": pa.array([Decimal("7.90"), None, Decimal("11.75"), Decimal("13.00")], pa.decimal128(8, 2)),
            "PLT (10^9/L)": pa.array([9, 250, 0, 149], pa.int16()),
            "ANC (10^9/L)": pa.array([0.3, 4.1, 1.79, None], pa.float32()),
            "WBC (10^9/L)": pa.array(["<0.5", "6.2", "QNS", " 5.0 "]),
        }
    )


def test_types_of_columns_change_no_answer(door: Door, tmp_path: Path) -> None:
    """The same rows as CSV and Parquet: numeric, small floats, whole numbers, dates, moments, identifiers, enumerations."""
    door.put("typed", typed())
    if door.address.startswith("postgresql"):
        door.run("CREATE TYPE letter AS ENUM ('F', 'M')")
    pq.write_table(typed(), tmp_path / "typed.parquet")
    pa_csv.write_csv(typed(), tmp_path / "typed.csv")
    letter = "letter" if door.address.startswith("postgresql") else "ENUM('F', 'M')"
    query = f"SELECT * FROM (SELECT id::uuid AS key, sex::{letter} AS sex_, * FROM typed) AS t"
    query = query.replace(
        "SELECT *",
        'SELECT key, birth_date, collected_at, sex_ AS sex, "HGB (g/dL)", "PLT (10^9/L)", "ANC (10^9/L)", "WBC (10^9/L)"',
        1,
    )
    cbc.scan(door.address, tmp_path / "door.parquet", query=query, keep=["key"])
    found = flags_of(tmp_path / "door.parquet")
    assert [row.pop("key") for row in found] == typed()["id"].to_pylist()
    for name in ("typed.parquet", "typed.csv"):
        cbc.scan(tmp_path / name, tmp_path / "file.parquet", force=True)
        own = flags_of(tmp_path / "file.parquet")
        assert [{**row, "row": 0} for row in found] == [{**row, "row": 0} for row in own]
    assert [row["red_line"] for row in found] == ["low", "cannot_tell", "cannot_tell", "cannot_tell"]


def test_a_number_that_is_none_is_unknown_as_in_a_file(door: Door, tmp_path: Path) -> None:
    """NaN and Infinity of a numeric and of a float: never low, never normal."""
    # A decimal of DuckDB has no such values.
    kinds = ("numeric", "real", "double precision") if door.address.startswith("postgresql") else ("real", "double")
    union = " UNION ALL ".join(
        f"SELECT '{value}'::{kind}::text AS id, '40 y' AS age, 'F' AS sex, '{value}'::{kind} AS \"HGB (g/dL)\", 250 AS \"PLT (10^9/L)\""
        for kind in kinds
        for value in ("NaN", "Infinity", "-Infinity")
    )
    if kinds[0] == "numeric":  # of a type of its own, which a union would make a float
        union = union.partition(" UNION ALL SELECT 'NaN'::real")[0]
    cbc.scan(door.address, tmp_path / "flags.parquet", query=f"SELECT * FROM ({union}) AS t ORDER BY id")
    found = flags_of(tmp_path / "flags.parquet")
    assert {row["red_line"] for row in found} == {"cannot_tell"}
    assert {row["platelet_line"] for row in found} == {"not_low"}
    assert all("hemoglobin:" in row["reasons"] for row in found)


LONG = pa.table(
    {
        "patient": ["a", "a", "a", "b", "b", None],
        "test": ["Hemoglobin", "Platelets", "ANC", "Hemoglobin", "Shoe size", "Hemoglobin"],
        "value": ["7.9", "<10", "0.3", "CLOTTED", "43", "9.0"],
        "unit": ["g/dL", "10^9/L", "10^9/L", "g/dL", "EU", "g/dL"],
        "collected_at": ["2024-03-01 08:00"] * 6,
        "sex": ["F", "F", "F", "M", "M", "F"],
        "birth_date": ["1984-02-29"] * 6,
    }
)


def test_single_results_are_collected_as_from_a_file(door: Door, tmp_path: Path) -> None:
    door.put("results", LONG)
    pa_csv.write_csv(LONG, tmp_path / "results.csv")
    own = cbc.scan(tmp_path / "results.csv", tmp_path / "file.parquet", tmp_path / "file.csv")
    summary = cbc.scan(door.address, tmp_path / "door.parquet", tmp_path / "door.csv", table="results")
    assert [{**row, "row": 0} for row in flags_of(tmp_path / "door.parquet")] == [
        {**row, "row": 0} for row in flags_of(tmp_path / "file.parquet")
    ]
    assert summary.results == own.results
    assert summary.rows_in == summary.screened + summary.rejected
    assert (summary.patterns, summary.left_out) == (own.patterns, own.left_out)
    assert summary.patterns["pancytopenia"] == 1


def test_a_table_of_persons_may_lie_in_the_database_too(door: Door, tmp_path: Path, shared: Path) -> None:
    """OMOP: measurement and person."""
    folder = shared / "data/omop_synthea27nj"
    for name in ("measurement", "person"):
        table = pq.read_table(folder / f"{name}.parquet")
        nothing = [field.name for field in table.schema if pa.types.is_null(field.type)]
        door.put(name, table.drop_columns(nothing))
    own = cbc.scan(folder / "measurement.parquet", tmp_path / "file.parquet", persons=folder / "person.parquet")
    summary = cbc.scan(door.address, tmp_path / "door.parquet", table="measurement", persons=door.table("person"))
    assert summary.results == own.results
    assert summary.persons == own.persons == {"in_results": 28, "found": 28} or summary.persons == own.persons
    answers = [[{**row, "row": 0} for row in flags_of(tmp_path / name)] for name in ("door.parquet", "file.parquet")]
    assert answers[0] == answers[1]
    assert summary.screened > 100


def test_the_other_doors_read_a_database_too(door: Door) -> None:
    asked = {"table": "counts", **OPTIONS}
    assert len(cbc.read(door.address, table="counts")) == len(rows())
    assert differences(cbc_polars.scan(door.address, **asked).collect().to_dicts()) == []
    code, said = command("profile", door.address, "--table", "counts")
    assert code == 0
    assert "hemoglobin" in said


def test_a_profile_may_name_the_query(door: Door, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "id: own\ntitle: nightly\nshape: wide\nsource: our schema\ncolumns: {hemoglobin: hemoglobin}\n"
        "query: SELECT age, sex, hemoglobin FROM counts WHERE sample_id = 'S0'\n",
        encoding="utf-8",
    )
    assert cbc.scan(door.address, profile=str(tmp_path / "own.yaml")).rows_in == 1


# Out -------------------------------------------------------------------------------------------


def test_flags_go_to_a_new_table_with_notice_and_manifest(door: Door, tmp_path: Path) -> None:
    pq.write_table(rows(), tmp_path / "counts.parquet")
    code, said = command(
        "scan", tmp_path / "counts.parquet", "-o", door.table("flags"), "--keep", "sample_id", "--rejects", tmp_path / "r.csv",
        *[word for name in OPTIONS["accept_units"] for word in ("--accept-units", name)],
    )  # fmt: skip
    assert code == 0, said
    found = door.rows("SELECT * FROM flags ORDER BY row")
    assert differences(found) == []
    assert [row["sample_id"] for row in found] == rows()["sample_id"].to_pylist()
    assert {row["notice"] for row in found} == {NOTICE}
    [manifest] = door.rows("SELECT manifest FROM flags_manifest")
    told = json.loads(manifest["manifest"])
    assert told["notice"] == NOTICE
    assert told["counts"]["rows_in"] == told["counts"]["screened"] + told["counts"]["rejected"] == len(rows())
    assert [entry["name"] for entry in told["inputs"]] == ["counts.parquet"]
    remark = (
        "SELECT obj_description('flags'::regclass) AS said"
        if door.address.startswith("postgresql")
        else "SELECT comment AS said FROM duckdb_tables() WHERE table_name = 'flags'"
    )
    assert door.rows(remark)[0]["said"].startswith(NOTICE)
    assert (tmp_path / "r.csv").exists()


def test_flags_go_back_to_the_database_they_came_from(door: Door) -> None:
    summary = cbc.scan(door.address, door.table("flags"), table="counts", **OPTIONS)
    assert differences(door.rows("SELECT * FROM flags ORDER BY row")) == []
    assert summary.out is not None
    assert summary.out.endswith(": flags")


def test_no_table_is_overwritten(door: Door) -> None:
    """Neither by --force, nor where only the manifest's name is taken, nor one of other letters that the database takes as the same."""
    before = door.rows("SELECT count(*) AS n FROM counts")
    for force in ([], ["--force"]):
        code, said = command("scan", door.table("counts"), "-o", door.table("counts"), *force)
        assert (code, said.count("\n")) == (2, 1)
        assert "exists, and none is overwritten" in said
    assert door.rows("SELECT count(*) AS n FROM counts") == before
    door.put("own_manifest", pa.table({"a": [1]}))
    with pytest.raises(UsageError, match="own_manifest exists"):
        cbc.scan(door.address, door.table("own"), table="counts")


def test_a_scan_that_fails_leaves_no_table(door: Door, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("age,sex,HGB (g/dL)\n" + "40 y,F,7.9\n" * 10, encoding="utf-8")

    def changed(rows_done: int, share: float) -> None:
        (tmp_path / "bad.csv").write_text("age,sex,HGB (g/dL)\n40 y,F,7.9\n", encoding="utf-8")

    with pytest.raises(UsageError, match="while it was read"):
        cbc.scan(tmp_path / "bad.csv", door.table("flags"), progress=changed)
    with pytest.raises(UsageError, match="no table of that name"):
        cbc.scan(door.address, table="flags")


def test_a_source_without_a_row_that_can_be_screened_makes_an_empty_table(door: Door, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("age,sex,HGB (g/dL)\n40 y,F,\n", encoding="utf-8")
    summary = cbc.scan(tmp_path / "none.csv", door.table("flags"))
    assert (summary.rows_in, summary.rejected) == (1, 1)
    assert door.rows("SELECT count(*) AS n FROM flags") == [{"n": 0}]


def test_a_new_file_of_duckdb_is_its_owners_and_goes_where_a_scan_fails(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("age,sex,HGB (g/dL)\n40 y,F,7.9\n", encoding="utf-8")
    cbc.scan(tmp_path / "a.csv", f"{tmp_path}/new.duckdb?table=flags")
    assert (tmp_path / "new.duckdb").stat().st_mode & 0o777 == 0o600
    (tmp_path / "b.csv").write_text("age,sex,nothing\n40 y,F,7.9\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no column reads"):
        cbc.scan(tmp_path / "b.csv", f"{tmp_path}/other.duckdb?table=flags")
    with pytest.raises(UsageError, match="keep: there is no column"):
        cbc.scan(tmp_path / "a.csv", f"{tmp_path}/other.duckdb?table=flags", keep=["ward"])
    assert not list(tmp_path.glob("other.*"))


# One line, and exit 2 --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM nowhere", "no table of that name"),
        ("SELECT nothing FROM counts", "names a column that is not there"),
        ("SELEC 1", "not one SELECT"),
        ("SELECT 1 AS a; SELECT 2 AS b", "not one SELECT"),
        ("SELECT * FROM counts LIMIT 0", "there is no row"),
        (f"SELECT CAST('{CANARY}' AS INTEGER) AS hemoglobin", "cannot convert"),
        (f"SELECT CAST(sample_id || '{CANARY}' AS INTEGER) AS hemoglobin FROM counts", "cannot convert|went away"),
        ("SELECT CAST('{}' AS JSON) AS note, hemoglobin FROM counts", "column 'note' .*json"),
        ("SELECT ARRAY[1, 2] AS note, hemoglobin FROM counts", "column 'note' .*list"),
        ("SELECT INTERVAL '1' DAY AS age, hemoglobin FROM counts", "column 'age' .*interval"),
        ("DELETE FROM counts", "would change the database|not one SELECT"),
        ("CREATE TABLE own AS SELECT 1 AS a", "would change the database|not one SELECT"),
        ("", "name what is read"),
    ],
)
def test_what_cannot_be_read_is_one_line(door: Door, tmp_path: Path, query: str, said: str) -> None:
    before = door.rows("SELECT count(*) AS n FROM counts")
    code, told = command("scan", door.address, "--query", query, "-o", tmp_path / "flags.parquet")
    assert code == 2, told
    assert told.count("\n") == 1
    assert told.startswith("cbc-screen: ")
    assert re.search(said, told), told
    assert CANARY not in told
    assert PASSWORD not in told
    assert "CANARY" not in told
    assert list(tmp_path.glob("flags*")) == []
    assert door.rows("SELECT count(*) AS n FROM counts") == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name what is read"),
        (["--table", "nowhere"], "no table of that name"),
        (["--table", "a.b.c"], "NAME or SCHEMA.NAME"),
        (["--table", "counts", "--query", "SELECT 1"], "give one of them"),
        (["--table", "counts", "--resume"], "resume needs an output file"),
        (["--table", "counts", "--keep", "ward"], "keep: there is no column"),
    ],
)
def test_what_is_asked_wrongly_is_one_line(door: Door, arguments: list[str], said: str) -> None:
    code, told = command(
        "scan", door.address, *arguments, *(["-o", door.table("flags")] if "--resume" in arguments else [])
    )
    assert (code, told.count("\n")) == (2, 1), told
    assert said in told
    assert PASSWORD not in told


def test_what_is_no_database_has_no_query(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("age,sex,HGB (g/dL)\n40 y,F,7.9\n", encoding="utf-8")
    with pytest.raises(UsageError, match="query and table are of a database"):
        cbc.scan(tmp_path / "a.csv", query="SELECT 1")
    with pytest.raises(UsageError, match="name the new table"):
        cbc.scan(tmp_path / "a.csv", f"{tmp_path}/new.duckdb")
    with pytest.raises(UsageError, match=r"\?table=NAME and nothing else"):
        cbc.scan(tmp_path / "a.csv", f"{tmp_path}/new.duckdb?schema=a")
    with pytest.raises(UsageError, match="does not exist"):
        cbc.scan(tmp_path / "absent.duckdb", table="counts")
    (tmp_path / "odd.duckdb").write_text("no database", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be opened as a file of DuckDB"):
        cbc.scan(tmp_path / "odd.duckdb", table="counts")


def test_types_of_postgresql_that_would_be_read_as_something_else(postgresql: Door) -> None:
    """5.00 of money comes as 500; an address of the network as bytes."""
    for kind in ("5::money", "'1.2.3.4'::inet", "point(1, 2)", "'[1,3)'::int4range", "B'101'", "'a'::bytea"):
        with pytest.raises(UsageError, match="column 'odd' is of a type that has no place"):
            cbc.scan(postgresql.address, query=f"SELECT {kind} AS odd, hemoglobin FROM counts")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace("CANARY", "WRONG"), "refused the password"),
        (lambda url: url.replace("/laboratory?", "/elsewhere?"), "does not exist on this server"),
        (lambda url: url.replace("cbc-pg-", "cbc-no-"), "nothing answers there"),
        (lambda url: url.replace("/laboratory?", "/laboratory?nothing=1&"), "address of the database"),
        (lambda url: url.replace("@/", "@127.0.0.1:1/").split("?")[0], "nothing answers there"),
        (lambda url: url.replace("@/", "@127.0.0.1:x/").split("?")[0], "address of a database"),
    ],
)
def test_a_database_that_lets_nobody_in_is_one_line_without_the_password(
    server: Server, change: Callable[[str], str], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        cbc.scan(change(server.url), table="counts")
    about = everything_about(caught.value)
    assert "\n" not in str(caught.value)
    assert not any(secret in str(caught.value) for secret in (PASSWORD, "CANARY", "WRONG", "7Q"))
    assert "7Q" not in repr(caught.value.__context__) + repr(vars(caught.value))
    assert "Failed to connect" not in about


@pytest.mark.parametrize(
    ("module", "address", "extra"),
    [("adbc_driver_postgresql", "postgresql://h/d", "postgresql"), ("duckdb", "a.duckdb", "duckdb")],
)
def test_without_the_library_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str, address: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=rf"pip install 'cbc-screen\[{extra}\]'"):
        cbc.scan(address, table="counts")


def test_a_file_of_duckdb_that_is_open_elsewhere(duckdb_file: Door) -> None:
    with duckdb.connect(duckdb_file.address) as connection:
        connection.execute("SELECT 1")
        with pytest.raises(UsageError, match="has the file open"):
            cbc.scan(duckdb_file.address, table="counts")


# What goes away, and what goes on --------------------------------------------------------------


def test_a_database_that_goes_away_while_it_is_read(postgresql: Door, tmp_path: Path) -> None:
    """Another one ends the connection in the middle of the rows."""
    slow = (
        "SELECT 'g' || g AS sample_id, '40 y' AS age, 'F' AS sex, 79 AS \"HGB (g/L)\", pg_sleep(0.001)::text AS wait "
        "FROM generate_series(1, 20000) AS g"
    )
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.001)%' AND pid <> pg_backend_pid()"

    def ended() -> None:
        for _ in range(100):
            time.sleep(0.1)
            if postgresql.rows(end):
                return

    other = threading.Thread(target=ended)
    other.start()
    code, said = command("scan", postgresql.address, "--query", slow, "-o", tmp_path / "flags.parquet")
    other.join()
    assert (code, said.count("\n")) == (2, 1), said
    assert "went away" in said
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_goes_away_while_it_is_written(postgresql: Door, tmp_path: Path) -> None:
    pq.write_table(rows(), tmp_path / "counts.parquet")

    def end(done: int, share: float) -> None:
        postgresql.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'laboratory'"
        )

    with pytest.raises(UsageError, match=r"went away|database refused") as caught:
        cbc.scan(tmp_path / "counts.parquet", postgresql.table("flags"), progress=end, summary=tmp_path / "s.json")
    assert "7Q" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counts.parquet"]
    assert postgresql.rows("SELECT count(*) AS n FROM pg_tables WHERE tablename LIKE 'flags%'") == [{"n": 0}]


class Broken(BaseException):
    """A break that nothing handles, as a kill would be."""


def broken(out: Path, monkeypatch: pytest.MonkeyPatch, source: str, **options: Any) -> None:
    """Begin a scan and break it off after its first batch."""
    whole, seen = Journal.append, []

    def append(self: Journal, screened: Any) -> None:
        if seen:
            raise Broken
        seen.append(1)
        whole(self, screened)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", append)
        with pytest.raises(Broken):
            cbc.scan(source, out, **options)


def many(door: Door, name: str = "many") -> dict[str, Any]:
    """Make a table of several batches."""
    place = pa.array(range(70_000))
    door.put(
        name,
        pa.table({"id": place, "age": ["40 y"] * 70_000, "sex": ["F"] * 70_000, "HGB (g/dL)": [7.9, 13.5] * 35_000}),
    )
    return {"query": f'SELECT * FROM "{name}" ORDER BY id', "keep": ["id"]}


def test_resume_asks_again_and_goes_on_where_the_rows_are_the_same(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = many(door)
    cbc.scan(door.address, tmp_path / "whole.parquet", **asked)
    out = tmp_path / "flags.parquet"
    broken(out, monkeypatch, door.address, **asked)
    journal = out.with_name("flags.parquet.journal")
    assert PASSWORD.encode() not in journal.read_bytes()
    assert b"CANARY" not in journal.read_bytes()
    cbc.scan(door.address, out, resume=True, **asked)
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_resume_refuses_rows_that_have_changed(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, out = many(door), tmp_path / "flags.parquet"
    broken(out, monkeypatch, door.address, **asked)
    door.run('UPDATE many SET "HGB (g/dL)" = 9.9 WHERE id = 69999')
    with pytest.raises(UsageError, match="the content of a source has changed since"):
        cbc.scan(door.address, out, resume=True, **asked)


def test_the_same_rows_are_the_same_bytes_however_they_come(tmp_path: Path) -> None:
    """Parts of other sizes from the database make the same file, by which a scan knows them again."""
    table = pa.table({"a": range(150_000)})
    made = []
    for size in (7_000, 65_536, 150_000):
        groups = list(reading._groups(iter(table.to_batches(size)), table.schema))
        assert [len(group) for group in groups] == [65_536, 65_536, 18_928]
        made.append(pa.concat_tables(groups).combine_chunks())
    assert made[0].equals(made[1])
    assert made[1].equals(made[2])
    assert made[2]["a"].to_pylist() == list(range(150_000))


# The password ----------------------------------------------------------------------------------


def test_no_password_and_no_query_in_anything_that_is_left(
    postgresql: Door, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    query = f"SELECT * FROM counts WHERE sample_id <> '{CANARY}'"
    with caplog.at_level(logging.DEBUG):
        summary = cbc.scan(
            postgresql.address, tmp_path / "flags.parquet", tmp_path / "rejects.csv", summary=tmp_path / "s.json",
            query=query, received=True, **OPTIONS,
        )  # fmt: skip
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    said = caplog.text + "".join(capsys.readouterr()) + repr(summary) + json.dumps(summary.to_dict())
    for secret in (PASSWORD, "CANARY", "screener", "%2F"):
        assert secret not in said
        assert secret.encode() not in left
    manifest = json.loads((tmp_path / "flags.parquet.manifest.json").read_text(encoding="utf-8"))
    assert [entry["name"] for entry in manifest["inputs"]] == ["laboratory: query"]
    assert len(manifest["inputs"][0]["sha256"]) == 64
    assert summary.source == "laboratory: query"


def test_no_password_of_the_table_of_persons_in_anything_that_is_left(
    postgresql: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address stands among the options, which manifest and journal hold."""
    postgresql.put("results", LONG.drop_columns(["sex", "birth_date"]))
    postgresql.put("persons", LONG.select(["patient", "sex", "birth_date"]).slice(0, 1))
    asked = {"table": "results", "persons": postgresql.table("persons")}
    broken_off = tmp_path / "broken.parquet"

    def stop(self: Journal, screened: Any) -> None:
        raise Broken

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", stop)
        with pytest.raises(Broken):
            cbc.scan(postgresql.address, broken_off, **asked)
    assert broken_off.with_name("broken.parquet.journal").exists()
    cbc.scan(postgresql.address, tmp_path / "flags.parquet", summary=tmp_path / "s.json", **asked)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (PASSWORD, "CANARY", "screener", "%2F"):
        assert secret.encode() not in left
