"""What a scan costs over the number of rows, and the kernel over the number of conditions.

Usage: python benchmarks/curves.py [--rows 8000000]

Rows: Parquet to Parquet, each size in a process of its own that has scanned a few rows
before, so that compiling is not in the times but is in the memory. Conditions: parts of the
checklist, then the checklist with copies under new ids whose numbers are each a little
different, so that a copy shares no comparison with its original.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rows import ANALYTES, counts, default_kernel, to_batch, to_export
from scan import peak_bytes

import cbc_screen as cbc
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.predicates import BeyondRange, Compare, HowMany, Not, Predicate
from cbc_screen.knowledge.rules import Condition, Rule

SMALLEST, PIECE, WARM = 100_000, 250_000, 1_000
PARTS, COPIES = (4, 2), (1, 2, 4)
APART = 0.001  # by which the numbers of a copy differ
BATCH, RUNS = 131_072, 3


# Rows ------------------------------------------------------------------------------------


def sizes(most: int) -> list[int]:
    """Return the numbers of rows: doubled from the smallest, up to the most."""
    found = [SMALLEST]
    while found[-1] * 2 < most:
        found.append(found[-1] * 2)
    return [*found, most]


def make(folder: Path, rows: int) -> Path:
    """Write a file piece by piece: it need not fit the memory."""
    knowledge, kernel = load_knowledge(), default_kernel()
    path = folder / f"{rows}.parquet"
    writer = None
    for start in range(0, rows, PIECE):
        piece = to_export(counts(min(PIECE, rows - start), kernel, knowledge, seed=start + 1), knowledge)
        writer = writer or pq.ParquetWriter(path, piece.schema, compression="zstd")
        writer.write_table(piece)
    assert writer is not None
    writer.close()
    return path


def run_child(source: Path, packed: bool) -> None:
    """Scan a few rows, then the file; print the seconds and the peak of memory."""
    analytes = load_knowledge().analytes
    screener = cbc.Screener(units={analyte: analytes[analyte].unit for analyte in ANALYTES})
    taken = 0.0
    for path in (source.with_name(f"{WARM}.parquet"), source):
        began = time.perf_counter()
        screener.scan(path, path.with_suffix(".flags.parquet"), force=True, packed=packed, age_unit="mo")
        taken = time.perf_counter() - began
    print(json.dumps([taken, peak_bytes()]))


def scanned(source: Path, packed: bool) -> tuple[float, int]:
    """Return the median seconds of a scan, and its peak of memory."""
    command = [sys.executable, str(Path(__file__).resolve()), "--child", str(source), *(["--packed"] if packed else [])]
    runs: list[Any] = [
        json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
        for _ in range(RUNS)
    ]
    return statistics.median(run[0] for run in runs), max(run[1] for run in runs)


def show_rows(folder: Path, most: int) -> None:
    """Print the cost of a scan over the number of rows."""
    make(folder, WARM)
    sources = {rows: make(folder, rows) for rows in sizes(most)}
    for packed in (False, True):
        print(f"\nscan, Parquet to Parquet{', packed' if packed else ''}, medians of {RUNS} processes")
        print(f"{'rows':>10}{'seconds':>10}{'us a row':>10}{'of smallest':>13}{'peak MB':>9}")
        first = None
        for rows, source in sources.items():
            seconds, peak = scanned(source, packed)
            first = first or seconds / rows
            ratio = seconds / rows / first
            print(
                f"{rows:>10}{seconds:>10.2f}{seconds / rows * 1e6:>10.3f}{ratio:>13.2f}{peak / 1e6:>9.0f}", flush=True
            )


# Conditions ------------------------------------------------------------------------------


def kernels(kernel: Kernel) -> dict[int, Kernel]:
    """Return kernels with parts of the checklist, and with copies of it."""
    every = kernel.rules.conditions
    chosen = [every[: len(every) // part] for part in PARTS]
    chosen += [tuple(_copy(condition, number) for number in range(many) for condition in every) for many in COPIES]
    return {len(own): Kernel(dataclasses.replace(kernel.rules, conditions=own), kernel.limits) for own in chosen}


def _copy(condition: Condition, number: int) -> Condition:
    """Return a condition under another id, with numbers of its own; the first copy is itself."""
    if number == 0:
        return condition

    def moved(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(dataclasses.replace(rule, when=_moved(rule.when, 1 + APART * number)) for rule in rules)

    return dataclasses.replace(
        condition,
        id=f"{condition.id}_{number}",
        findings_for=moved(condition.findings_for),
        findings_against=moved(condition.findings_against),
        urgency=moved(condition.urgency),
    )


def _moved(predicate: Predicate, factor: float) -> Predicate:
    """Return a predicate with other numbers."""
    match predicate:
        case Compare():
            return dataclasses.replace(predicate, value=predicate.value * factor)
        case BeyondRange():
            return dataclasses.replace(predicate, distance=predicate.distance * factor)
        case Not(of):
            return Not(_moved(of, factor))
        case HowMany(at_least, of):
            return HowMany(at_least, tuple(_moved(part, factor) for part in of))
    return predicate


def show_conditions() -> None:
    """Print the cost of the kernel over the number of conditions; the runs take turns."""
    knowledge, kernel = load_knowledge(), default_kernel()
    batch = to_batch(counts(BATCH, kernel, knowledge), knowledge)
    own = kernels(kernel)
    times: dict[int, list[float]] = {number: [] for number in own}
    for _ in range(4 * RUNS):  # the first compiles
        for number, one in own.items():
            began = time.perf_counter()
            one.screen(batch)
            times[number].append(time.perf_counter() - began)
    print(f"\nkernel, {batch.rows} rows, medians of {4 * RUNS - 1} runs in turns")
    print(f"{'conditions':>10}{'ns a row':>10}{'of fewest':>11}{'ns a row for each condition more':>34}")
    first = before = None
    for number, runs in times.items():
        cost = statistics.median(runs[1:]) / batch.rows * 1e9
        first = first or cost
        more = f"{(cost - before[1]) / (number - before[0]):.2f}" if before else ""
        print(f"{number:>10}{cost:>10.1f}{cost / first:>11.2f}{more:>34}")
        before = number, cost


def main() -> None:
    """Print both curves, or scan one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--packed", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        run_child(given.child, given.packed)
        return
    show_conditions()
    with tempfile.TemporaryDirectory() as folder:
        show_rows(Path(folder), given.rows)


if __name__ == "__main__":
    main()
