"""DuckDB: a relation as a frame, and a function within SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from door_counts import rows, said
from recipe_page import run


@pytest.fixture(autouse=True)
def _function_of_one_test() -> Iterator[None]:
    yield
    duckdb.remove_function("flags_of")


def test_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("DuckDB", tmp_path, monkeypatch)
    keys = rows()["sample_id"].to_pylist()
    wanted = [(key, own["pattern"], own["severity"]) for key, own in zip(keys, said(), strict=True)]
    assert names["beside"].fetchall() == wanted
    asked = names["asked"]
    assert asked.columns == ["sample_id", "pattern", "severity", "urgency"]
    assert asked.fetchall() == [
        (key, own["pattern"], own["severity"], own["urgency"]) for key, own in zip(keys, said(), strict=True)
    ]


def test_rows_with_a_null_are_not_left_to_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of nulls is unknown with a reason, and no null."""
    names = run("DuckDB", tmp_path, monkeypatch)
    counts = names["counts"]
    found = duckdb.sql(
        "SELECT unnest(flags_of(n)) FROM (SELECT * REPLACE (NULL::VARCHAR AS hemoglobin, NULL::VARCHAR AS platelets, "
        "NULL::VARCHAR AS neutrophils, NULL::VARCHAR AS wbc) FROM counts LIMIT 1) n"
    )
    assert counts.columns == rows().column_names
    assert found.fetchall() == [("cannot_tell", "cannot_tell", "cannot_tell")]
