"""New tables of flags: what cannot be made is told before a row is screened, and what cannot be held with the first rows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from door_counts import rows
from door_databases import Door

import cbc_screen as cbc
from cbc_screen.databases.address import address_of
from cbc_screen.databases.writing import FlagTable
from cbc_screen.errors import UsageError
from postgres import Server


def refused(tmp_path: Path, out: str) -> tuple[str, list[int]]:
    """Scan to a table that cannot be made; return what is said, and how many rows were screened before."""
    (tmp_path / "one.csv").write_text("age,sex,HGB (g/dL)\n40 y,F,7.9\n", encoding="utf-8")
    done: list[int] = []
    with pytest.raises(UsageError) as caught:
        cbc.scan(tmp_path / "one.csv", out, progress=lambda rows_done, share: done.append(rows_done))
    return str(caught.value), done


def test_a_table_without_a_schema_is_refused_before_the_scan(door: Door, tmp_path: Path) -> None:
    said, done = refused(tmp_path, door.table("elsewhere.flags"))
    assert "there is no schema for elsewhere.flags; CREATE SCHEMA, or name another one" in said
    assert done == []


def test_a_schema_that_is_there_takes_a_table(door: Door, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("age,sex,HGB (g/dL)\n40 y,F,7.9\n", encoding="utf-8")
    door.run('CREATE SCHEMA "Own"')
    cbc.scan(tmp_path / "one.csv", door.table("Own.flags"))
    assert door.rows('SELECT red_line FROM "Own"."flags"') == [{"red_line": "low"}]
    said, done = refused(tmp_path, door.table("Own.flags"))
    assert "a table Own.flags exists" in said
    assert done == []
    door.run('DROP SCHEMA "Own" CASCADE')


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("f" * 54, None),  # with _manifest 63 bytes
        ("f" * 55, f"the name {'f' * 55}_manifest takes 64 bytes, of which the database keeps 63"),
        ("f" * 64, f"the name {'f' * 64} takes 64 bytes, of which the database keeps 63"),
        ("\u00e9" * 28, "takes 65 bytes, of which the database keeps 63"),
        (f"{'s' * 64}.flags", f"the name {'s' * 64} takes 64 bytes, of which the database keeps 63"),
    ],
)
def test_a_name_that_postgresql_would_cut(postgresql: Door, tmp_path: Path, table: str, said: str | None) -> None:
    if said is None:
        pq.write_table(rows(), tmp_path / "counts.parquet")
        cbc.scan(tmp_path / "counts.parquet", postgresql.table(table))
        assert len(postgresql.rows(f'SELECT manifest FROM "{table}_manifest"')) == 1
    else:
        told, done = refused(tmp_path, postgresql.table(table))
        assert said in told
        assert done == []


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("CREATE TYPE letters AS ENUM ('F')", "a table (or a type) of that name exists"),
        ("CREATE SEQUENCE letters", "letters exists, and none is overwritten"),
        ("CREATE INDEX letters ON counts (age)", "letters exists, and none is overwritten"),
        ("ALTER ROLE screener SET default_transaction_read_only = on", "read only"),
    ],
)
def test_what_postgresql_would_refuse_at_the_end_is_refused_before(
    postgresql: Door, tmp_path: Path, before: str, said: str
) -> None:
    postgresql.run(before)
    try:
        told, done = refused(tmp_path, postgresql.table("letters"))
    finally:
        postgresql.run(
            "SET default_transaction_read_only = off", "ALTER ROLE screener RESET default_transaction_read_only",
            *(f"DROP {kind} IF EXISTS letters" for kind in [before.split()[1]] if kind != "ROLE"),
        )  # fmt: skip
    assert said in told
    assert done == []


def test_a_user_of_postgresql_who_may_not_create(server: Server, tmp_path: Path) -> None:
    server.run("CREATE ROLE reader LOGIN PASSWORD 'CANARY7Q'", "CREATE SCHEMA closed")
    address = server.url.replace(server.url.partition("@")[0], "postgresql://reader:CANARY7Q")
    said, done = refused(tmp_path, f"{address}&table=closed.flags")
    assert "this user has no permission for it; GRANT" in said
    assert (done, "7Q" in said) == ([], False)
    server.run("DROP SCHEMA closed", "DROP ROLE reader")


@pytest.mark.parametrize("schema", ["temp", "system", "pg_catalog", "information_schema", "laboratory"])
def test_a_schema_of_duckdbs_own_takes_no_table(duckdb_file: Door, tmp_path: Path, schema: str) -> None:
    """A table "temp.flags" would be gone with the connection."""
    said, done = refused(tmp_path, duckdb_file.table(f"{schema}.flags"))
    assert f"there is no schema for {schema}.flags" in said
    assert done == []


def test_a_new_file_of_duckdb_has_one_schema(tmp_path: Path) -> None:
    said, done = refused(tmp_path, f"{tmp_path}/new.duckdb?table=own.flags")
    assert "there is no schema for own.flags" in said
    assert (done, (tmp_path / "new.duckdb").exists()) == ([], False)
    cbc.scan(tmp_path / "one.csv", f"{tmp_path}/new.duckdb?table=main.flags")
    with duckdb.connect(str(tmp_path / "new.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall() == [
            ("main", "flags"),
            ("main", "flags_manifest"),
        ]


def test_a_link_to_no_file_makes_none(tmp_path: Path) -> None:
    (tmp_path / "link.duckdb").symlink_to(tmp_path / "absent.duckdb")
    said, done = refused(tmp_path, f"{tmp_path}/link.duckdb?table=flags")
    assert "is a link to no file" in said
    assert (done, (tmp_path / "absent.duckdb").exists()) == ([], False)


def test_a_file_of_duckdb_that_cannot_be_written_is_told_before_the_scan(duckdb_file: Door, tmp_path: Path) -> None:
    with duckdb.connect(duckdb_file.address, read_only=True) as connection:
        connection.execute("SELECT 1")
        said, done = refused(tmp_path, duckdb_file.table("flags"))
    assert "has the file open" in said
    assert done == []


# What is told with the first rows ---------------------------------------------------------------


def kept(tmp_path: Path, **columns: Any) -> dict[str, Any]:
    """Write three counts with columns of one's own; return what scans them."""
    counts = {"age": ["40 y"] * 3, "sex": ["F"] * 3, "HGB (g/dL)": [7.9] * 3}
    pq.write_table(pa.table({**counts, **columns}), tmp_path / "kept.parquet")
    return {"source": tmp_path / "kept.parquet", "keep": list(columns)}


@pytest.mark.parametrize("names", [("ID", "id"), ("PATTERN",), ("Row",), ("\u00c9tat", "\u00e9tat")])
def test_names_that_are_one_to_duckdb_are_refused(duckdb_file: Door, tmp_path: Path, names: tuple[str, ...]) -> None:
    """It would give the second another name: `pattern` would be the column that was kept, and not the answer."""
    with pytest.raises(UsageError, match="are one name to DuckDB"):
        cbc.scan(out=duckdb_file.table("flags"), **kept(tmp_path, **{name: ["x"] * 3 for name in names}))
    with duckdb.connect(duckdb_file.address, read_only=True) as connection:
        assert connection.execute("SELECT table_name FROM information_schema.tables").fetchall() == [("counts",)]


def test_postgresql_tells_capitals_apart(postgresql: Door, tmp_path: Path) -> None:
    cbc.scan(out=postgresql.table("flags"), **kept(tmp_path, PATTERN=["x"] * 3))
    assert postgresql.rows('SELECT DISTINCT "PATTERN", pattern FROM flags') == [
        {"PATTERN": "x", "pattern": "cannot_tell"}
    ]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("n" * 63,), None),
        (("n" * 64,), "takes 64 bytes, of which the database keeps 63; leave it out of keep"),
        (("\u00e9" * 32,), "takes 64 bytes"),
        (("n" * 63 + "a", "n" * 63 + "b"), "takes 64 bytes"),
    ],
)
def test_a_column_whose_name_postgresql_would_cut(
    postgresql: Door, tmp_path: Path, names: tuple[str, ...], said: str | None
) -> None:
    asked = kept(tmp_path, **{name: ["x"] * 3 for name in names})
    if said is None:
        cbc.scan(out=postgresql.table("flags"), **asked)
        assert postgresql.rows(f'SELECT DISTINCT "{names[0]}" AS x FROM flags') == [{"x": "x"}]
    else:
        with pytest.raises(UsageError, match=said):
            cbc.scan(out=postgresql.table("flags"), **asked)
        assert postgresql.rows("SELECT to_regclass('flags')::text AS found") == [{"found": None}]


def days(count: int) -> pa.Array:
    return pa.array([0, count, 0], pa.int32()).cast(pa.date32())


def moments(unit: str, count: int) -> pa.Array:
    return pa.array([0, count, 0], pa.timestamp(unit))


NOT_HELD = {
    "a day of DuckDB's end of time": days(2**31 - 1),
    "a day before 4713 BC": days(-2_500_000),
    "such days in a list": pa.array([[2**31 - 1]] * 3, pa.list_(pa.int32())).cast(pa.list_(pa.date32())),
    "seconds": moments("s", 2**50),
    "milliseconds": moments("ms", 2**62),
    "microseconds before 4713 BC": moments("us", -(2**62)),
    "DuckDB's beginning of time": moments("us", -(2**63) + 1),
    "a text with NUL": pa.array(["a", "b\0", "c"]),
}


@pytest.mark.parametrize("what", NOT_HELD)
def test_what_postgresql_cannot_hold_is_no_lost_connection(postgresql: Door, tmp_path: Path, what: str) -> None:
    with pytest.raises(UsageError, match=r"a row has what the database cannot hold .*leave that column out") as caught:
        cbc.scan(out=postgresql.table("flags"), **kept(tmp_path, x=NOT_HELD[what]))
    assert caught.value.__context__ is None
    assert postgresql.rows("SELECT to_regclass('flags')::text AS found") == [{"found": None}]


@pytest.mark.parametrize(
    "value", [pa.array([{"a": 1}] * 3), pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int8()))]
)
def test_what_postgresql_has_no_type_for(postgresql: Door, tmp_path: Path, value: pa.Array) -> None:
    with pytest.raises(UsageError, match="has no type for one of the columns"):
        cbc.scan(out=postgresql.table("flags"), **kept(tmp_path, x=value))


@pytest.mark.parametrize("unit", ["s", "ms"])
def test_a_moment_that_duckdb_cannot_hold_is_told_with_its_rows(duckdb_file: Door, unit: str) -> None:
    """And not when all rows are screened."""
    address = address_of(duckdb_file.table("flags"))
    assert address is not None
    table = FlagTable(address)
    try:
        with pytest.raises(UsageError, match="a row has what the database cannot hold"):
            table.append(pa.table({"row": [1, 2, 3], "x": moments(unit, 2**55)}))
    finally:
        table.close()


def test_duckdb_holds_what_it_has_itself_and_every_digit(duckdb_file: Door, tmp_path: Path) -> None:
    columns = {
        "day": days(2**31 - 1),
        "moment": moments("us", 2**63 - 1),
        "second": moments("s", 1),
        "key": pa.array([Decimal(10**40 + 1)] * 3, pa.decimal256(60, 0)),
    }
    cbc.scan(out=duckdb_file.table("flags"), **kept(tmp_path, **columns))
    with duckdb.connect(duckdb_file.address, read_only=True) as connection:
        statement = "SELECT day::TEXT, moment::TEXT, second::TEXT, key::TEXT FROM flags WHERE row = 2"
        assert connection.execute(statement).fetchall() == [
            ("infinity", "infinity", "1970-01-01 00:00:01", str(10**40 + 1))
        ]
