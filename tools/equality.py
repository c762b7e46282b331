"""The same answers one by one, as a frame, in slices of 1, 7 and 10^5, in chunks, and in several threads.

Usage: python tools/equality.py [ROWS]

Rows come from the generator of tests/properties/test_doors_agree.py: every analyte, unit and
oddity of cells, ages and sexes. Exits with 1 if any row differs. A million rows take more
than two hours; 10,000 are in the tests.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / part) for part in ("src", "tests", "tests/properties")]

from test_doors_agree import Rows, differences, texts  # noqa: E402

import cbc_screen as cbc  # noqa: E402
from cbc_screen.engines import frames  # noqa: E402
from cbc_screen.ingest import parquet  # noqa: E402
from cbc_screen.kernel import columns  # noqa: E402

BLOCK = 20_000
FEW = 500  # a slice of one row costs as much as one of thousands


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


def main() -> int:
    """Compare block by block and print what differs."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    parquet.BATCH_ROWS = 1_024
    screener, wrong, done = cbc.Screener(), 0, 0
    while done < many:
        source = Rows(1_000_000 + done)
        rows = [source.row() for _ in range(min(BLOCK, many - done))]
        table = texts(rows)
        unequal = differences(screener, rows, table)
        wrong += len(unequal)
        print("\n".join(unequal[:2]), end="\n" if unequal else "")
        whole = screener.screen_frame(table).to_pylist()
        for size in (7, 100_000):
            wrong += parted(screener, table, columns, "CHUNK", size) != whole
            wrong += parted(screener, table.slice(0, FEW), frames, "SLICE", size) != whole[:FEW]
        wrong += parted(screener, table.slice(0, 200), frames, "SLICE", 1) != whole[:200]
        one, three = scanned(screener, table, 1), scanned(screener, table, 3)
        wrong += not one.equals(three)
        places = [number - 1 for number in one.column("row").to_pylist()]
        flags = one.drop_columns(["row"]).to_pylist()
        wrong += flags != [whole[place] for place in places]
        done += len(rows)
        print(f"{done:,} rows, {wrong} differences", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
