"""What the statement of `cbc_screen.sql` answers in a database, and what the kernel answers for the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

import cbc_screen as cbc
from count_tables import LINES, Row, arrow, differing, record_of

Answers = list[dict[str, Any]]


def in_duckdb(statement: str, rows: Sequence[Row] | pa.Table) -> Answers:
    table = rows if isinstance(rows, pa.Table) else arrow(rows)
    with duckdb.connect() as database:
        database.register("given", table)
        database.execute("CREATE TABLE counts AS SELECT * FROM given")
        found: Answers = database.sql(statement).to_arrow_table().to_pylist()
        return found


def by_kernel(rows: Sequence[Row], age_unit: str, **options: Any) -> Answers:
    screener = cbc.Screener(**options)
    return [screener.screen(record_of(row, age_unit), compact=True).flags(checklist=False) for row in rows]


def columns_of(rows: Sequence[Row]) -> dict[str, str]:
    return {name: name for name in dict.fromkeys(name for row in rows for name in row)}


def assert_equal(rows: Sequence[Row], found: Answers, age_unit: str = "y", **options: Any) -> None:
    unequal = differing(rows, by_kernel(rows, age_unit, **options), found)
    assert not unequal, f"{len(unequal)} rows differ:\n" + "\n".join(unequal[:3])


def whole(row: Mapping[str, Any]) -> Row:
    """Return a row with what it does not say: a woman of 54, no result."""
    return {"age": 54.0, "sex": "F", "pregnancy": None, **dict.fromkeys(LINES), **row}


def one(row: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Return the answers for one row, a woman of 54 where nothing else is said."""
    given = whole(row)
    found = in_duckdb(cbc.sql(keep=["id"], columns=columns_of([given]), **options), [given])
    assert len(found) == 1
    return found[0]
