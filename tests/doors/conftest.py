"""Databases: a server of PostgreSQL and a file of DuckDB with the table `counts`, and Spark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from door_counts import rows
from door_databases import Door

import local_spark
from postgres import Server, running

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        server.put("counts", rows())
        yield server


@pytest.fixture
def postgresql(server: Server) -> Iterator[Door]:
    before = {
        row["name"] for row in server.rows("SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'")
    }
    yield Door(server.url, server.put, server.run, server.rows)
    after = server.rows("SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'")
    server.run(*(f'DROP TABLE "{row["name"]}"' for row in after if row["name"] not in before))


@pytest.fixture
def duckdb_file(tmp_path: Path) -> Door:
    path = tmp_path / "laboratory.duckdb"

    def put(name: str, given: pa.Table) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')

    def run(*statements: str) -> None:
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)

    def found(query: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(path), read_only=True) as connection:
            return list(connection.sql(query).to_arrow_table().to_pylist())

    put("counts", rows())
    return Door(str(path), put, run, found)


@pytest.fixture(params=["postgresql", "duckdb_file"])
def door(request: pytest.FixtureRequest) -> Door:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with local_spark.session() as session:
        yield session


@pytest.fixture
def ranges_of_own(tmp_path: Path) -> Path:
    """A set of one range, in a file with a name that could end a text."""
    path = tmp_path / "it's \\ own '; --.csv"
    path.write_text(
        "analyte,sex,age_low,age_high,lower,upper,unit\nplatelets,any,18 y,,171.5,402,10^9/L\n", encoding="utf-8"
    )
    return path
