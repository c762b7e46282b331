"""How fast tables of one result a row are collected to counts, beside the careful way, DuckDB and reading alone.

Usage: python benchmarks/long.py [--rows 2000000] [--careful-rows 100000] [--big 10000000]

Every figure is of a process of its own, on one core (CPU seconds), over one synthetic OMOP
table: ten results a count, sorted by count or in any order, Parquet and CSV. The careful way
takes the first rows only. DuckDB's pivot takes the first value of each analyte by person and
moment: once the values alone, once with unit and limits, which the counts here have too. It
judges nothing: no unit, status, specimen or repeat is looked at. --big collects so many
results in any order and prints what was held in memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

CODES = np.array([3000963, 3010813, 3007461, 3013650, 3019198, 3001604, 3013115, 3006315, 3023314, 3020416])
UNITS = np.array([8713, 8848, 8848, 8848, 8848, 8848, 8848, 8848, 8554, 8815])
UNIT_NAMES = np.array(["g/dL", *["10*3/uL"] * 7, "%", "10*6/uL"])
MEANS = np.array([13, 7, 250, 4, 2, 0.5, 0.2, 0.05, 40, 4.5])
EACH, SLICE = len(CODES), 1 << 18
SPREAD = np.uint64(0x9E3779B97F4A7C15)
FIRST_DAY, DAYS = 14_610, 3_650
BESIDE = ("unit_source_value", "range_low", "range_high")


def mixed(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Make numbers that look like chance of numbers that follow each other."""
    with np.errstate(over="ignore"):
        found = (numbers.astype(np.uint64) + np.uint64(seed)) * SPREAD
        found ^= found >> np.uint64(29)
        return (found * SPREAD) >> np.uint64(20)


def rows(many: int, any_order: bool) -> Iterator[pa.Table]:
    """Yield the table in slices; any order is a walk with a step that meets every row once."""
    step = int(many * 0.618034) | 1
    while np.gcd(step, many) != 1:
        step += 2
    for start in range(0, many, SLICE):
        places = np.arange(start, min(start + SLICE, many), dtype=np.int64)
        own = places * step % many if any_order else places
        count, kind = own // EACH, own % EACH
        seconds = (FIRST_DAY + mixed(count, 2) % DAYS) * 86_400 + mixed(count, 3) % 86_400
        values = np.round(MEANS[kind] * (0.6 + 0.8 * (mixed(own, 5) % 10_000) / 10_000), 1)
        yield pa.table(
            {
                "measurement_id": places,
                "person_id": (mixed(count, 1) % max(many // EACH // 4, 1)).astype(np.int64),
                "measurement_concept_id": CODES[kind],
                "measurement_date": pa.array((seconds // 86_400).astype(np.int32)).cast(pa.date32()),
                "measurement_datetime": pa.array(seconds.astype(np.int64) * 1_000_000, pa.timestamp("us")),
                "value_as_number": values,
                "unit_concept_id": UNITS[kind],
                "unit_source_value": pa.array(UNIT_NAMES[kind].tolist()),
                "range_low": np.round(MEANS[kind] * 0.7, 1),
                "range_high": np.round(MEANS[kind] * 1.4, 1),
            }
        )


def work_make(path: Path, many: int, order: str) -> int:
    """Write a table."""
    first = next(rows(EACH, False))
    open_writer = pq.ParquetWriter if path.suffix == ".parquet" else arrow_csv.CSVWriter
    with open_writer(str(path), first.schema) as writer:
        for table in rows(many, order == "any"):
            writer.write_table(table)
    return many


# What is timed ---------------------------------------------------------------------------


def collect(path: Path, *, in_columns: bool) -> int:
    """Collect a table to counts, as a scan does before it screens."""
    from cbc_screen.engines import collected
    from cbc_screen.engines.inputs import open_inputs
    from cbc_screen.engines.opening import Opening
    from cbc_screen.ingest.source import ReadOptions
    from cbc_screen.knowledge import load_knowledge
    from cbc_screen.knowledge.profiles import load_profiles
    from cbc_screen.normalize.declared import Declared

    knowledge = load_knowledge()
    load_profiles(knowledge)
    collected.IN_COLUMNS = in_columns
    begin()
    with ExitStack() as undo:
        (entry,) = open_inputs([str(path)], None, undo, Opening(knowledge, Declared(), ReadOptions()))
        given = sum(len(batch.lines) for batch in entry.source.batches(entry.wanted))
        assert isinstance(entry.source, collected.CollectedSource)
        account = entry.source.result_counts
    assert account.balanced()
    assert given > 0
    return account.read


def work_columns(path: Path) -> int:
    """Collect in columns."""
    return collect(path, in_columns=True)


def work_careful(path: Path) -> int:
    """Collect row by row."""
    return collect(path, in_columns=False)


def work_read(path: Path) -> int:
    """Read the columns, and do nothing with them."""
    from cbc_screen.ingest.csv import CSVSource
    from cbc_screen.ingest.parquet import ParquetSource
    from cbc_screen.ingest.source import ReadOptions

    source = ParquetSource(path) if path.suffix == ".parquet" else CSVSource(path, ReadOptions())
    begin()
    return sum(len(batch.lines) for batch in source.batches(source.headers[1:]))


def pivot(path: Path, beside: tuple[str, ...]) -> int:
    """Take the first value of each analyte by person and moment, in DuckDB on one core."""
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    table = f"read_csv('{path}')" if path.suffix == ".csv" else f"read_parquet('{path}')"
    taken = ", ".join(
        f"first({name}) FILTER (measurement_concept_id = {code})"
        for code in CODES
        for name in ("value_as_number", *beside)
    )
    begin()
    found = connection.sql(f"SELECT person_id, measurement_datetime, {taken} FROM {table} GROUP BY ALL")
    assert found.to_arrow_table().num_rows > 0
    return int(connection.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def work_duckdb_values(path: Path) -> int:
    """Pivot the values alone."""
    return pivot(path, ())


def work_duckdb_beside(path: Path) -> int:
    """Pivot values, units and limits."""
    return pivot(path, BESIDE)


WORKS: dict[str, Callable[..., int]] = {
    name.removeprefix("work_"): work for name, work in list(globals().items()) if name.startswith("work_")
}
BEGUN = [0.0]


def begin() -> None:
    """Begin to count the time: what is loaded once is left out."""
    BEGUN[0] = time.process_time()


def worker(name: str, path: Path, *given: str) -> None:
    """Do one work and print its figures."""
    begin()
    done = WORKS[name](path, *(int(one) if one.isdecimal() else one for one in given))
    seconds = time.process_time() - BEGUN[0]
    print(json.dumps([done, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10]))


def measured(name: str, path: Path, *given: object) -> tuple[int, float, int] | None:
    """Do one work in a process of its own; None where it cannot be done here."""
    command = [sys.executable, __file__, "--work", name, str(path), *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"    {name}: not measured ({done.stderr.strip().splitlines()[-1]})")
        return None
    many, seconds, held = json.loads(done.stdout.splitlines()[-1])
    return many, seconds, held


def compare(folder: Path, kind: str, order: str, many: int, careful_rows: int) -> None:
    """Print the rates of all ways over one table, and what the columns are of each other one."""
    path, small = folder / f"{order}.{kind}", folder / f"{order}_small.{kind}"
    measured("make", path, many, order)
    measured("make", small, careful_rows, order)
    print(f"\n{kind}, {order} order, {many:,} results; the careful way {careful_rows:,}")
    rates: dict[str, float] = {}
    for name in ("read", "duckdb_values", "duckdb_beside", "careful", "columns"):
        found = measured(name, small if name == "careful" else path)
        if found is not None:
            rates[name] = found[0] / found[1]
            print(f"    {name:<15}{rates[name]:>12,.0f} results a second{found[2]:>8,} MB")
    for name, rate in rates.items():
        if name != "columns" and "columns" in rates:
            print(f"    columns are {rates['columns'] / rate:.2f} of {name}")
    path.unlink()


def main() -> None:
    """Measure everything, or do one work."""
    if sys.argv[1:2] == ["--work"]:
        worker(sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--careful-rows", type=int, default=100_000)
    parser.add_argument("--big", type=int, help="only this: so many results in any order, and the memory it takes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.big:
            path = folder / "big.parquet"
            measured("make", path, given.big, "any")
            found = measured("columns", path)
            assert found is not None
            print(f"{found[0]:,} results: {found[0] / found[1]:,.0f} a second, {found[2]:,} MB held at most")
            return
        for kind in ("parquet", "csv"):
            for order in ("any", "sorted"):
                compare(folder, kind, order, given.rows, given.careful_rows)


if __name__ == "__main__":
    main()
