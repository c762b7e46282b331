"""The statement that `sql` writes, held against the kernel row by row, in a real database.

Usage: python tools/sql_equality.py duckdb|postgresql|spark [ROWS [FROM]]

Rows come from tests/count_tables.py: four results with signs, every limit, every edge of age, every sex and stage of
pregnancy; every second row has other white cells in place of neutrophils, which leave a limit or a number beside it.
Block by block the ages are in another unit, the definition and the scheme are others. The kernel's answers are
those of `screen_frame` for the same cells (tools/equality.py holds one record against a frame). Exits with 1 if any row
differs. A run that was stopped goes on FROM the rows it had reached.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / part) for part in ("src", "tests")]

import cbc_screen as cbc  # noqa: E402
import local_spark  # noqa: E402
import postgres  # noqa: E402
from count_tables import LINES, OTHER_WHITE, Row, Tables, WhiteTables, arrow  # noqa: E402
from strategies import KNOWLEDGE  # noqa: E402

BLOCK = 50_000
RESULTS = (*LINES, *OTHER_WHITE)
CHOICES = (
    ("y", "reference", "clinical"),
    ("mo", "reference", "ctcae_v6"),
    ("d", "clinical", "ctcae_v5"),
    ("y", "mds", "who_2024"),
    ("wk", "strict", "who_2011"),
    ("h", "aplastic", "daids_v2_1"),
)
Ask = Callable[[str, pa.Table], pa.Table]


def cells(rows: Sequence[Row]) -> pa.Table:
    """Write rows as a frame has them: a text with its sign, in a declared unit."""
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in ("age", "sex", "pregnancy")}
    for name in RESULTS:
        columns[name] = [text(row[name], row[f"{name}_comparator"]) for row in rows]
    return pa.table({name: pa.array(own, type=None if name == "age" else pa.string()) for name, own in columns.items()})


def made(start: int, unit: str, many: int) -> list[Row]:
    """Make the rows of a block, of each kind by turns."""
    kinds = Tables(start, unit), WhiteTables(start, unit)
    nothing = dict.fromkeys([*OTHER_WHITE, *(f"{name}_comparator" for name in OTHER_WHITE)])
    return [{**nothing, **kinds[number % 2].row()} for number in range(many)]


def text(value: float | None, sign: str | None) -> str | None:
    if value is None or value != value:
        return None
    return f"{sign or ''}{value or 0!r}"  # "0.0" would say that it is less than 0.05; a number says no places


@contextmanager
def database(name: str) -> Iterator[Ask]:
    """Yield what runs a statement over a table of counts."""
    if name == "duckdb":
        import duckdb

        with duckdb.connect() as own:

            def ask(statement: str, table: pa.Table) -> pa.Table:
                own.register("given", table)
                own.execute("CREATE OR REPLACE TABLE counts AS SELECT * FROM given")
                return own.sql(statement).to_arrow_table()

            yield ask
    elif name == "postgresql":
        with postgres.running() as server:

            def asked(statement: str, table: pa.Table) -> pa.Table:
                server.put("counts", table, over=True)
                return pa.Table.from_pylist(server.rows(statement))

            yield asked
    else:
        with local_spark.session() as session:

            def ask_spark(statement: str, table: pa.Table) -> pa.Table:
                session.createDataFrame(table).createOrReplaceTempView("counts")
                return session.sql(statement).toArrow()

            yield ask_spark


def compare(ask: Ask, dialect: str, start: int, many: int) -> tuple[list[str], float]:
    """Answer a block in the database and by the kernel; return what differs, and the seconds of the database."""
    unit, definition, grading = CHOICES[start // BLOCK % len(CHOICES)]
    rows = made(start, unit, many)
    table = arrow(rows)
    columns = {name: name for name in rows[0]}
    chosen: dict[str, Any] = {"definition": definition, "grading": grading}
    statement = cbc.sql(keep=["id"], columns=columns, age_unit=unit, dialect=dialect, **chosen)
    began = time.perf_counter()
    found = ask(statement, table).sort_by("id")
    took = time.perf_counter() - began
    if found.column("id").to_pylist() != list(range(many)):
        return ["a row is lost, or there twice"], took
    units = {name: KNOWLEDGE.analytes[name].units.canonical for name in RESULTS}
    screener = cbc.Screener(units=units, **chosen)
    wanted = screener.screen_frame(cells(rows), age_unit=unit, accept_units=list(RESULTS))
    wrong = []
    for name in found.column_names:
        if name in wanted.column_names:
            ours, theirs = found.column(name).to_pylist(), wanted.column(name).to_pylist()
            wrong += [
                f"{name}: database {own!r}, kernel {other!r}, of {rows[place]}"
                for place, (own, other) in enumerate(zip(ours, theirs, strict=True))
                if own != other
            ]
    return wrong, took


def main() -> int:
    """Compare block by block, and print what differs."""
    if len(sys.argv) < 2 or sys.argv[1] not in ("duckdb", "postgresql", "spark"):
        sys.exit(__doc__)
    many = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    done = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    if done % BLOCK:
        sys.exit(f"FROM must be a multiple of {BLOCK}: rows are made block by block")
    differ = 0
    with database(sys.argv[1]) as ask:
        while done < many:
            block = min(BLOCK, many - done)
            wrong, took = compare(ask, sys.argv[1], done, block)
            differ, done = differ + len(wrong), done + block
            print("\n".join(wrong[:2]), end="\n" if wrong else "")
            print(f"{done:,} rows, {differ} differences ({took:.1f} s in the database)", flush=True)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
