"""How fast scan is, what it holds in memory, and that it reports every bad cell and line.

Usage: python benchmarks/scan.py [--rows 1000000]

Every figure is of a process of its own, over the same synthetic file of 15 analytes. Beside
scan stand the reading and writing alone, and the polars plan of plans.py writing the same
columns in words, but for the lists. Then a CSV with 1 bad cell in 1,000 and 1 ragged line in 10,000: what scan
says of them is compared with a pass of the csv module that shares nothing with it. Then files of which a whole
column is bad: ages that nobody reaches, sexes and hemoglobin that cannot be read, platelets "<5".
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from rows import ANALYTES, PEOPLE, counts, default_kernel, to_export
from workloads import write_files

import cbc_screen as cbc
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import load_knowledge
from cbc_screen.report.layout import layout_of
from cbc_screen.vocabulary import LIST_COLUMNS, NOTICE, Reason, Sex

SLICE = 65_536
BAD_COLUMNS = {
    "ages.csv": ("Age", "5000"),
    "sexes.csv": ("Sex", "Q"),
    "texts.csv": ("hemoglobin", "abc"),
    "below.csv": ("platelets", "<5"),
}
# Cells that are no number, and why.
BAD_TEXTS = {
    "abc": Reason.TEXT_RESULT,
    "(7)": Reason.NUMBER_UNREADABLE,
    "1,2": Reason.NUMBER_AMBIGUOUS,
    "-5": Reason.NUMBER_NEGATIVE,
}
PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?(e-?[0-9]+)?")
RUNS = 3


# What is timed -------------------------------------------------------------------------


def work_make(folder: Path, rows: int) -> None:
    """Write the files."""
    knowledge = load_knowledge()
    export = to_export(counts(rows, default_kernel(), knowledge), knowledge)
    write_files(folder, export)
    for name, (column, text) in BAD_COLUMNS.items():
        spoiled = export.set_column(export.column_names.index(column), column, pa.array([text] * len(export)))
        arrow_csv.write_csv(spoiled, folder / name)


def scan(folder: Path, name: str, *, packed: bool = False) -> None:
    """Scan a file to Parquet, with an account of its rejected rows."""
    analytes = load_knowledge().analytes
    screener = cbc.Screener(units={analyte: analytes[analyte].unit for analyte in ANALYTES})
    out = folder / f"{name}.{'packed' if packed else 'flags'}.parquet"
    screener.scan(folder / name, out, folder / f"{name}.rejects.csv", force=True, packed=packed, age_unit="mo")


def bare(folder: Path) -> None:
    """Read the columns of the input and write them again."""
    _rewrite(folder / "1.parquet", folder / "bare.parquet")


def bare_csv(folder: Path) -> None:
    """Read the clean CSV, typed, and write it as Parquet."""
    with arrow_csv.open_csv(folder / "clean.csv") as reader:
        kinds = {"compression": "zstd", "write_statistics": False}
        with pq.ParquetWriter(folder / "bare.csv.parquet", reader.schema, **kinds) as writer:
            for batch in reader:
                writer.write_batch(batch)


def words_again(folder: Path) -> None:
    """Read the input, read what scan wrote, and write that again."""
    for _ in pq.ParquetFile(folder / "1.parquet").iter_batches(SLICE):
        pass
    _rewrite(folder / "1.parquet.flags.parquet", folder / "again.parquet")


def csv_words_again(folder: Path) -> None:
    """Read the clean CSV, read what scan made of it, and write that again."""
    with arrow_csv.open_csv(folder / "clean.csv") as reader:
        for _ in reader:
            pass
    _rewrite(folder / "clean.csv.flags.parquet", folder / "csv_again.parquet")


def _rewrite(source: Path, out: Path) -> None:
    file = pq.ParquetFile(source, read_dictionary=_words_of(source))
    with pq.ParquetWriter(out, file.schema_arrow, compression="zstd", write_statistics=False) as writer:
        for batch in file.iter_batches(SLICE):
            writer.write_batch(batch)


def _words_of(source: Path) -> list[str]:
    return [field.name for field in pq.read_schema(source) if pa.types.is_dictionary(field.type)]


def polars_words(folder: Path) -> None:
    """Write the columns of scan in words, but those of the lists, by the polars plan."""
    plan = polars_readable(folder / "1.parquet")
    plan.sink_parquet(folder / "polars.parquet", compression="zstd", statistics=False)


def polars_readable(source: Path) -> Any:
    """Return a lazy frame of every column of scan but the lists; the reasons are empty for clean rows."""
    import polars as pl
    from plans import polars_lazy  # with pandas, which is no part of a scan

    knowledge, kernel = load_knowledge(), default_kernel()
    frame = pl.scan_parquet(source).rename({"Age": "months"}).with_row_index("row", offset=1)
    frame = frame.with_columns(stage=pl.lit(0, dtype=pl.Int8), male=(pl.col("Sex") == Sex.MALE.value).cast(pl.Int8))
    plan = polars_lazy(frame, [*PEOPLE, *ANALYTES], kernel, knowledge)
    return plan.select("row", **_words(kernel))


def _words(kernel: Kernel) -> dict[str, Any]:
    import polars as pl

    layout = layout_of(kernel.rules)
    columns = [name for name in layout.column_names if name not in LIST_COLUMNS]
    found: dict[str, Any] = {name: pl.lit("") for name in columns} | {"notice": pl.lit(NOTICE)}
    for name, (code, words) in layout.word_columns.items():
        found[name] = pl.col(code).replace_strict(
            list(range(len(words))), list(words), return_dtype=pl.Enum(list(words))
        )
    found |= {name: pl.col(name) for name in ("lines_low_min", "lines_low_max")}
    for name, code in layout.grade_columns.items():
        found[name] = pl.when(pl.col(code) >= 0).then(pl.col(code))
    for name, group, ids in (*layout.rule_columns, ("urgency_reasons", "reason", layout.urgencies)):
        fired = [pl.when(pl.col(f"{group}.{rule}")).then(pl.lit(rule)) for rule in ids]
        found[name] = pl.concat_str(fired, separator=";", ignore_nulls=True)
    return {**found, "borderline": pl.col("borderline")}


# The account of bad cells and lines -------------------------------------------------------


def expected(source: Path) -> tuple[set[tuple[int, str]], set[tuple[int, str]], int]:
    """Find the bad cells (line, "analyte:REASON") and the ragged lines (line, content) with the csv module."""
    with source.open(encoding="utf-8", newline="") as file:
        lines = file.read().splitlines()
    header = next(csv.reader(lines[:1]))
    cells: set[tuple[int, str]] = set()
    ragged: set[tuple[int, str]] = set()
    for line, row in enumerate(csv.reader(lines[1:]), start=2):
        if len(row) != len(header):
            ragged.add((line, lines[line - 1]))
            continue
        for column, cell in zip(header, row, strict=True):
            if column in ANALYTES and not PLAIN.fullmatch(cell):
                cells.add((line, f"{column}:{BAD_TEXTS[cell]}"))
    return cells, ragged, len(lines) - 1


def reported(folder: Path) -> tuple[set[tuple[int, str]], set[tuple[int, str]], int]:
    """Return the same, as scan reported it."""
    flags = pq.read_table(folder / "bad.csv.flags.parquet", columns=["row", "reasons"])
    said = zip(flags["row"].to_pylist(), flags["reasons"].to_pylist(), strict=True)
    cells = {
        (row, reason)
        for row, reasons in said
        for reason in filter(None, reasons.split(";"))
        if reason.partition(":")[2] in BAD_TEXTS.values()  # a result may also contradict another one
    }
    with (folder / "bad.csv.rejects.csv").open(encoding="utf-8", newline="") as file:
        rejects = list(csv.DictReader(file))
    assert all(entry["reason"] == Reason.ROW_RAGGED for entry in rejects)
    return cells, {(int(entry["line"]), entry["content"]) for entry in rejects}, len(flags) + len(rejects)


def check_bad(folder: Path) -> str:
    """Compare the two; say what differs."""
    ours, theirs = expected(folder / "bad.csv"), reported(folder)
    differ = [len(a ^ b) for a, b in zip(ours[:2], theirs[:2], strict=True)]
    if any(differ) or ours[2] != theirs[2]:
        examples = [sorted(a ^ b)[:3] for a, b in zip(ours[:2], theirs[:2], strict=True)]
        return f"DIFFERS: {differ[0]} cells, {differ[1]} lines, {ours[2]} and {theirs[2]} rows; {examples}"
    return f"all {len(ours[0])} bad cells and {len(ours[1])} ragged lines of {ours[2]} rows reported, and no other"


def check_words(folder: Path) -> str:
    """Compare what scan and the polars plan wrote."""
    import polars as pl

    own, theirs = pl.read_parquet(folder / "1.parquet.flags.parquet"), pl.read_parquet(folder / "polars.parquet")
    wrong = [
        name
        for name in theirs.columns
        if not (own[name].cast(pl.String).eq_missing(theirs[name].cast(pl.String))).all()
    ]
    return (
        f"DIFFERS in {', '.join(wrong)}"
        if wrong
        else f"all {theirs.width} columns of the polars plan are equal to those of scan"
    )


# Processes -------------------------------------------------------------------------------


def peak_bytes() -> int:
    """Return the most memory this process has held; not that of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024  # type: ignore[index]
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


WORKS: dict[str, Callable[[Path, int], object]] = {
    "make": work_make,
    "packed": lambda folder, rows: scan(folder, "1.parquet", packed=True),
    "bare": lambda folder, rows: bare(folder),
    "again": lambda folder, rows: words_again(folder),
    "polars": lambda folder, rows: polars_words(folder),
    "clean.csv": lambda folder, rows: scan(folder, "clean.csv"),
    "packed.csv": lambda folder, rows: scan(folder, "clean.csv", packed=True),
    "bare.csv": lambda folder, rows: bare_csv(folder),
    "again.csv": lambda folder, rows: csv_words_again(folder),
    "bad.csv": lambda folder, rows: scan(folder, "bad.csv"),
    "ages.csv": lambda folder, rows: scan(folder, "ages.csv"),
    "sexes.csv": lambda folder, rows: scan(folder, "sexes.csv"),
    "texts.csv": lambda folder, rows: scan(folder, "texts.csv"),
    "below.csv": lambda folder, rows: scan(folder, "below.csv"),
    "check bad": lambda folder, rows: check_bad(folder),
    "check words": lambda folder, rows: check_words(folder),
    "1.parquet": lambda folder, rows: scan(folder, "1.parquet"),
}


def child(name: str, folder: Path, rows: int) -> tuple[float, int, Any]:
    """Do some work in a process of its own; return seconds without imports, peak memory, and the answer."""
    command = [
        sys.executable,
        str(Path(__file__).resolve()),
        "--child",
        name,
        "--folder",
        str(folder),
        "--rows",
        str(rows),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def run_child(name: str, folder: Path, rows: int) -> None:
    """Do the work and print how it went."""
    began = time.perf_counter()
    answer = WORKS[name](folder, rows)
    print(json.dumps([time.perf_counter() - began, peak_bytes(), answer]))


def show(rows: int, folder: Path) -> None:
    """Print the figures."""
    child("make", folder, rows)
    titles = {
        "1.parquet": "scan, Parquet to Parquet",
        "packed": "scan, Parquet to Parquet, packed",
        "bare": "read and write the input alone",
        "again": "read the input, rewrite scan's output",
        "polars": "polars plan, the words but the lists",
        "clean.csv": "scan, clean CSV to Parquet",
        "bad.csv": "scan, CSV with bad cells and lines",
        "packed.csv": "scan, clean CSV, packed",
        "bare.csv": "read the clean CSV, write it as Parquet",
        "again.csv": "read the clean CSV, rewrite scan's output",
        "ages.csv": "scan, CSV, every age impossible",
        "sexes.csv": "scan, CSV, every sex unreadable",
        "texts.csv": "scan, CSV, every hemoglobin a text",
        "below.csv": "scan, CSV, all platelets below 5",
    }
    if importlib.util.find_spec("polars") is None:
        del titles["polars"]
    print(f"{rows} rows of {len(ANALYTES)} analytes, medians of {RUNS} processes, compiling included")
    base = None
    for name, title in titles.items():
        runs = [child(name, folder, rows) for _ in range(RUNS)]
        rate, peak = rows / statistics.median(run[0] for run in runs), max(run[1] for run in runs)
        base = base or rate
        print(f"{title:<40}{rate / 1e6:>7.2f} M/s{rate / base:>8.2f} of the first {peak / 1e6:>7.0f} MB", flush=True)
    if "polars" in titles:
        print(child("check words", folder, rows)[2])
    print(child("check bad", folder, rows)[2])


def main() -> None:
    """Print the figures, or do one piece of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        run_child(given.child, given.folder, given.rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        show(given.rows, Path(folder))


if __name__ == "__main__":
    main()
