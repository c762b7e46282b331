"""Databases with the table `counts`: a server of PostgreSQL, and a file of DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from door_counts import rows
from door_databases import Door

from postgres import Server, running


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
