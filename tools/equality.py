"""The same answers one by one, as a frame, in slices of 1, 7 and 10^5, in chunks, and in several threads.

Usage: python tools/equality.py [ROWS [FROM]]

Rows come from the generator of tests/properties/test_doors_agree.py: every analyte, unit and
oddity of cells, ages and sexes. Exits with 1 if any row differs. One core does
about 200 rows a second; 10,000 are in the tests. A run that was stopped goes on FROM the rows it
had reached.
"""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / part) for part in ("src", "tests", "tests/properties")]

from test_doors_agree import Rows, records_that_differ, texts  # noqa: E402

import cbc_screen as cbc  # noqa: E402
from cbc_screen.engines import frames  # noqa: E402
from cbc_screen.ingest import parquet  # noqa: E402
from cbc_screen.kernel import columns  # noqa: E402

BLOCK = 20_000
FEW, FEWEST = 500, 200  # a slice of one row costs as much as one of thousands


def parted(screener: cbc.Screener, table: pa.Table, module: Any, size: str, rows: int) -> list[dict[str, Any]]:
    """Screen a table with another size of its slices or chunks."""
    whole = getattr(module, size)
    setattr(module, size, rows)
    try:
        return list(screener.screen_frame(table).to_pylist())
    finally:
        setattr(module, size, whole)


def scanned(screener: cbc.Screener, table: pa.Table, workers: int) -> pa.Table:
    """Scan a table as a file, in many batches."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "rows.parquet", Path(folder) / "flags.parquet"
        pq.write_table(table, source)
        screener.scan(source, out, workers=workers)
        return cbc.read_flags(out, kind="pyarrow")


def compare(start: int, many: int) -> list[str]:
    """Screen some rows in every way, and say what differs."""
    parquet.BATCH_ROWS = 1_024
    screener, source = cbc.Screener(), Rows(1_000_000 + start)
    rows = [source.row() for _ in range(many)]
    table = texts(rows)
    whole = screener.screen_frame(table).to_pylist()
    wrong = records_that_differ(screener, rows, whole)
    for size in (7, 100_000):
        if parted(screener, table, columns, "CHUNK", size) != whole:
            wrong.append(f"chunks of {size}")
        if parted(screener, table.slice(0, FEW), frames, "SLICE", size) != whole[:FEW]:
            wrong.append(f"slices of {size}")
    if parted(screener, table.slice(0, FEWEST), frames, "SLICE", 1) != whole[:FEWEST]:
        wrong.append("slices of 1")
    one, three = scanned(screener, table, 1), scanned(screener, table, 3)
    if not one.equals(three):
        wrong.append("three workers")
    places = [number - 1 for number in one.column("row").to_pylist()]
    if one.drop_columns(["row"]).to_pylist() != [whole[place] for place in places]:
        wrong.append("a file")
    return wrong


def main() -> int:
    """Compare block by block, in a process for each core, and print what differs."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    done = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if done % BLOCK:
        sys.exit(f"FROM must be a multiple of {BLOCK}: rows are made block by block")
    blocks = [(start, min(BLOCK, many - start)) for start in range(done, many, BLOCK)]
    differ = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for (_, rows), wrong in zip(blocks, pool.map(compare, *zip(*blocks, strict=True)), strict=True):
            differ, done = differ + len(wrong), done + rows
            print("\n".join(wrong[:2]), end="\n" if wrong else "")
            print(f"{done:,} rows, {differ} differences", flush=True)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
