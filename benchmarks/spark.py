"""What Spark adds to a local scan of the same rows, over the number of partitions, and whether every flag is the same.

Usage: python benchmarks/spark.py [--rows 1000000] [--results 1000000] [--partitions 1 2 4 8 16] [--cores 2]

Needs `pip install 'cbc-screen[spark]'` and Java 17. Everything is done in one run, on this machine: a scan of files, then
Spark in local mode with so many workers, each kind of work after a warm-up of its workers. "few flags" gives pattern, severity
and urgency alone. "carried" is Spark alone: the same rows to Python and back, and written as Parquet, without a screen. The flags of every row are compared with those of the
scan, column by column; a difference ends the script with 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import long
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from workloads import NARROW, SHAPES, export

import cbc_screen as cbc
import cbc_screen.spark as cbc_spark

CANONICAL = dict.fromkeys(SHAPES, "10^9/L") | {
    "hemoglobin": "g/L", "mchc": "g/L", "hematocrit": "L/L", "rbc": "10^12/L", "mcv": "fL", "mpv": "fL", "mch": "pg",
    "rdw_cv": "%",
}  # fmt: skip
OPTIONS: dict[str, Any] = {"units": CANONICAL, "age_unit": "mo"}
SET_ASIDE = ("outcome", "rejected_reason", "rejected_content", "account", "row")


def started(cores: int) -> Any:
    """Start Spark on this machine."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.log.level": "OFF",
                "spark.ui.showConsoleProgress": "false", "spark.sql.session.timeZone": "UTC"}  # fmt: skip
    return SparkSession.builder.master(f"local[{cores}]").config(map=settings).getOrCreate()


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of some work on the clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def carried(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give rows back as they came."""
    yield from batches


def plain(table: pa.Table) -> pa.Table:
    """Return the columns that both have, their words as texts."""
    names = sorted(name for name in table.column_names if name not in SET_ASIDE)
    columns = [table.column(name) for name in names]
    words = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in columns]
    return pa.table(dict(zip(names, words, strict=True)))


def differing(one: pa.Table, other: pa.Table, keys: list[str]) -> list[str]:
    """Return the columns in which some row is not the same."""
    one, other = (plain(table).sort_by([(key, "ascending") for key in keys]) for table in (one, other))
    if one.column_names != other.column_names or len(one) != len(other):
        return ["the rows or the columns"]
    found = []
    for name in one.column_names:
        ours, theirs = one.column(name), other.column(name).cast(one.column(name).type)
        same = pc.or_(pc.and_(pc.is_null(ours), pc.is_null(theirs)), pc.fill_null(pc.equal(ours, theirs), False))
        if not pc.all(same).as_py():
            found.append(name)
    return found


def counts(spark: Any, folder: Path, rows: int, partitions: list[int]) -> list[str]:
    """Measure one count a row; return the columns that differ."""
    table = export(rows, NARROW).append_column("id", pa.array(range(rows)))
    source = folder / "counts.parquet"
    pq.write_table(table, source, row_group_size=max(1, rows // 32))
    screener = cbc.Screener()
    screener.scan(source, folder / "warm.parquet", keep=["id"], **OPTIONS)
    local = timed(lambda: screener.scan(source, folder / "flags.parquet", keep=["id"], **OPTIONS))
    print(f"one count a row: {rows:,} rows; a local scan {rows / local / 1e6:.2f} M rows/s", flush=True)
    print(f"{'partitions':>12}{'Spark':>12}{'of local':>10}{'few flags':>12}{'carried':>12}", flush=True)
    frame = spark.read.parquet(str(source))
    for many in partitions:
        parted = frame.repartition(many).cache()
        parted.count()
        found = cbc_spark.screen(parted, keep=["id"], **OPTIONS)
        own = timed(lambda found=found: found.write(str(folder / "spark"), mode="overwrite"))
        few = cbc_spark.screen(parted, keep=["id"], flags=["pattern", "severity", "urgency"], **OPTIONS)
        short = timed(lambda few=few: few.write(str(folder / "few"), mode="overwrite"))
        alone = timed(
            lambda parted=parted: (
                parted.mapInArrow(carried, parted.schema).write.mode("overwrite").parquet(str(folder / "carried"))
            )
        )
        parted.unpersist()
        print(
            f"{many:>12}{rows / own / 1e6:>9.2f} M/s{local / own:>10.2f}{rows / short / 1e6:>9.2f} M/s"
            f"{rows / alone / 1e6:>9.2f} M/s",
            flush=True,
        )
    written = pq.read_table(folder / "spark" / "outcome=screened")
    return differing(written, pq.read_table(folder / "flags.parquet"), ["id"])


def results(spark: Any, folder: Path, many: int, partitions: list[int]) -> list[str]:
    """Measure one result a row in any order; return the columns that differ."""
    source = folder / "measurement.parquet"
    long.work_make(source, many, "any")
    screener = cbc.Screener()
    keep = ["person", "collected_at"]
    local = timed(lambda: screener.scan(source, folder / "collected.parquet", keep=keep))
    print(f"one result a row: {many:,} results; a local scan {many / local / 1e6:.2f} M results/s", flush=True)
    print(f"{'partitions':>12}{'Spark':>12}{'of local':>10}", flush=True)
    frame = spark.read.parquet(str(source))
    for number in partitions:
        found = cbc_spark.collect(frame, partitions=number)
        own = timed(lambda found=found: found.write(str(folder / "grouped"), mode="overwrite"))
        print(f"{number:>12}{many / own / 1e6:>9.2f} M/s{local / own:>10.2f}", flush=True)
    written = pq.read_table(folder / "grouped" / "outcome=screened")
    return differing(written, pq.read_table(folder / "collected.parquet"), keep)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--results", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    spark = started(given.cores)
    with tempfile.TemporaryDirectory() as name:
        wrong = counts(spark, Path(name), given.rows, given.partitions)
        wrong += results(spark, Path(name), given.results, given.partitions[1:])
    spark.stop()
    print("columns that differ: " + (", ".join(wrong) or "none"))
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
