"""The kernel beside the same rules as plans for polars, DuckDB and pandas, in one run.

Usage: python benchmarks/compare.py [--rows 1000000] [--check]

Each timing is made in a process of its own, over the same synthetic rows in memory: full
counts of 15 analytes, and the same outputs (codes, not words). Everybody's limits are found
within the timing, from age, sex and stage of pregnancy. Quote the ratios: machines are noisy,
and the kernel is timed again beside each plan. `--check` compares every output instead, on rows at and beside every limit, with
a twentieth of the results absent and every finding of the checklist stated or not.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from by_hand import duckdb_by_hand, pandas_by_hand, polars_by_hand
from plans import Run, duckdb_plan, pandas_plan, polars_plan
from rows import (
    STAGES,
    counts,
    default_kernel,
    finding_names,
    hard_counts,
    result_names,
    slices,
    to_batch,
    wrong_limits,
)

import cbc_screen as cbc
from cbc_screen.kernel.answers import MAY_LIST, Answers
from cbc_screen.kernel.ranking import CELL, HIDDEN_AT, MOST_POINTS, POINTS_AT
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.report.checklist import ListLayout
from cbc_screen.report.layout import layout_of
from cbc_screen.vocabulary import CheckGroup, Sex

SLICE = 262_144
RUNS = 3
KERNEL, UNPACKED = "kernel, packed answers", "kernel, unpacked"
TITLES = {
    False: "made by machine from the rule book: equal steps shared",
    True: "written as by hand: an as-of join for each analyte, each rule written out",
}
Plan = Callable[..., Run]
# The plans made by machine join limits on the integer key of age, sex and stage that the library found, and have one
# flag that may be null, unless the name says otherwise; polars streams, which is how it works through more than fits
# the cache.
PLANS: dict[str, tuple[str, dict[str, bool]]] = {
    "polars": ("polars", {}),
    "polars, in memory": ("polars", {"stream": False}),
    "polars, two flags": ("polars", {"pairs": True}),
    "polars, in memory, two flags": ("polars", {"stream": False, "pairs": True}),
    "polars, as-of join": ("polars", {"asof": True}),
    "duckdb": ("duckdb", {}),
    "duckdb, two flags": ("duckdb", {"pairs": True}),
    "duckdb, as-of join": ("duckdb", {"asof": True}),
    "pandas, merge_asof": ("pandas", {}),
    "polars, by hand": ("polars", {"by_hand": True}),
    "polars, by hand, in memory": ("polars", {"by_hand": True, "stream": False}),
    "duckdb, by hand": ("duckdb", {"by_hand": True}),
    "pandas, by hand": ("pandas", {"by_hand": True}),
}
MAKERS: dict[tuple[str, bool], Plan] = {
    ("polars", False): polars_plan, ("duckdb", False): duckdb_plan, ("pandas", False): pandas_plan,
    ("polars", True): polars_by_hand, ("duckdb", True): duckdb_by_hand, ("pandas", True): pandas_by_hand,
}  # fmt: skip


def make_plan(name: str, rows: pa.Table, kernel: Kernel, knowledge: Knowledge, **more: int) -> Run:
    """Return a plan of `PLANS` over some rows."""
    engine, options = PLANS[name]
    options = dict(options)
    return MAKERS[engine, options.pop("by_hand", False)](rows, kernel, knowledge, **options, **more)


# The check -------------------------------------------------------------------------------


def differences(table: pa.Table, rows: pa.Table, kernel: Kernel, knowledge: Knowledge) -> Iterator[str]:
    """Name each output in which a plan differs from the kernel or from screen_frame."""
    table = table.sort_by("row")
    answers = kernel.screen(to_batch(rows, knowledge))
    looked, lists = answers.lists
    for name in table.column_names:
        if name == "row":
            continue
        own = np.asarray(table[name].to_numpy()).astype(np.int16)
        theirs = np.asarray(answers[name]) if name in answers else _spread(name, looked, lists, own)
        wrong = np.flatnonzero(own != theirs.astype(np.int16))
        if len(wrong):
            yield f"{name}: {len(wrong)} rows, first {wrong[0]}: plan {own[wrong[0]]}, kernel {theirs[wrong[0]]}"
    wanted = {name for name in answers if "." not in name or name.split(".")[0] in KINDS} - {MAY_LIST}
    missing = (wanted | set(lists)) - set(table.column_names)
    yield from (f"{name}: not in the plan" for name in sorted(missing))
    flags = screened_frame(rows, knowledge)
    for name, words in readable(table, kernel).items():
        theirs = flags[name].to_pylist()
        wrong_rows = [place for place, (a, b) in enumerate(zip(words, theirs, strict=True)) if a != b]
        if wrong_rows:
            place = wrong_rows[0]
            yield f"screen_frame {name}: {len(wrong_rows)} rows, first {place}: plan {words[place]}, {theirs[place]}"


KINDS = ("line", "state", "grade", "guard", "trigger", "cutoff")


def _spread(name: str, looked: Any, lists: Answers, own: Any) -> Any:
    """Return an answer of the lists for every row; what the kernel has not looked at is not listed, and no reason."""
    theirs = np.zeros(len(own), dtype=np.int16)
    if name.startswith(f"{CELL}."):
        theirs = np.where(own >> HIDDEN_AT, own, -1).astype(np.int16)  # hidden whatever the rest says
    elif name.startswith("answered."):
        theirs = own.copy()  # asked of listed counts only
    theirs[looked] = np.asarray(lists[name])
    return theirs


def screened_frame(rows: pa.Table, knowledge: Knowledge) -> pa.Table:
    """Screen the rows through the door for frames."""
    columns: dict[str, Any] = {"age": rows["months"]}
    columns["sex"] = pa.array(np.where(rows["male"].to_numpy() == 1, Sex.MALE.value, Sex.FEMALE.value))
    columns["pregnancy"] = pa.array(np.array([stage.value for stage in STAGES])[rows["stage"].to_numpy()])
    columns |= {name: rows[name] for name in result_names(rows, knowledge)}
    for name in finding_names(rows, knowledge):
        columns[name] = pa.array(np.array(["unknown", "absent", "present"])[rows[name].fill_null(-1).to_numpy() + 1])
    units = {name: knowledge.analytes[name].unit for name in result_names(rows, knowledge)}
    return cbc.Screener(units=units).screen_frame(pa.table(columns), age_unit="mo")


def readable(table: pa.Table, kernel: Kernel) -> dict[str, list[Any]]:
    """Return the readable columns of a plan's codes, worded row by row."""
    layout = layout_of(kernel.rules)
    found: dict[str, list[Any]] = {}
    for name, (code, words) in layout.word_columns.items():
        found[name] = [words[value] for value in table[code].to_pylist()]
    for name in ("lines_low_min", "lines_low_max"):
        found[name] = table[name].to_pylist()
    for name, code in layout.grade_columns.items():
        found[name] = [None if value < 0 else value for value in table[code].to_pylist()]
    for name, group, ids in (*layout.rule_columns, ("urgency_reasons", "reason", layout.urgencies)):
        fired = [table[f"{group}.{rule}"].to_pylist() for rule in ids]
        found[name] = [
            ";".join(rule for rule, flag in zip(ids, row, strict=True) if flag) for row in zip(*fired, strict=True)
        ]
    found["borderline"] = table["borderline"].to_pylist()
    cells = zip(*(table[f"{CELL}.{name}"].to_pylist() for name in layout.checklist.conditions), strict=True)
    lists = [
        _list(row, borderline, layout.checklist) for row, borderline in zip(cells, found["borderline"], strict=True)
    ]
    for place, name in enumerate(("checklist", "checklist_groups", "checklist_shown")):
        found[name] = [own[place] for own in lists]
    return found


def _list(cells: Sequence[int], borderline: bool, layout: ListLayout) -> tuple[str, str, int]:
    """Order and group what is listed, row by row: a second writing of report/checklist.py."""
    entries = sorted((cell >> 2, place, cell & 3) for place, cell in enumerate(cells) if not cell >> HIDDEN_AT)
    points = [MOST_POINTS - (key >> POINTS_AT - 2) for key, _, _ in entries]
    groups: list[CheckGroup] = []
    fits = [rank < layout.fits_most and _fits(own, points, layout) for rank, own in enumerate(points)]
    room = layout.not_to_miss_most - sum(entry[2] < 2 and not fit for entry, fit in zip(entries, fits, strict=True))
    for (_, _, mark), own, fit in zip(entries, points, fits, strict=True):
        if fit:
            groups.append(CheckGroup.FITS)
        elif mark < 2 or (mark == 2 and room > 0):
            room -= mark == 2
            groups.append(CheckGroup.NOT_TO_MISS)
        else:
            groups.append(CheckGroup.ALSO_POSSIBLE if own >= layout.possible_least else CheckGroup.UNLIKELY)
    order = sorted(range(len(entries)), key=lambda rank: list(CheckGroup).index(groups[rank]))
    shown = sum(group in (CheckGroup.FITS, CheckGroup.NOT_TO_MISS) for group in groups)
    ids = ";".join(layout.conditions[entries[rank][1]] for rank in order)
    return ids, ";".join(groups[rank] for rank in order), 0 if borderline else shown


def _fits(own: int, points: Sequence[int], layout: ListLayout) -> bool:
    return own >= max(layout.fits_least, points[0] - layout.fits_within)


def check(rows: int, also_easy: Sequence[str] = tuple(PLANS)) -> list[str]:
    """Compare every plan whose package is installed, on rows at every limit and these on full counts too; return what differs."""
    knowledge, kernel = load_knowledge(), default_kernel()
    found = wrong_limits(kernel, knowledge)
    for title, (engine, _) in PLANS.items():
        if not installed(engine):
            print(f"{title:<32} not installed, not checked")
            continue
        wrong: list[str] = []
        outputs = 0
        makers = (hard_counts, counts) if title in also_easy else (hard_counts,)
        for make in makers:
            table = make(rows, kernel, knowledge)
            result = make_plan(title, table, kernel, knowledge)()
            outputs = result.num_columns - 1
            wrong += differences(result, table, kernel, knowledge)
        print(
            f"{title:<32} {outputs} outputs of {len(makers) * rows} rows: {'equal' if not wrong else f'{len(wrong)} differ'}"
        )
        found += [f"{title}: {text}" for text in wrong]
    return found


# The timing ------------------------------------------------------------------------------


def installed(package: str) -> bool:
    """Tell whether a package can be imported."""
    return importlib.util.find_spec(package) is not None


def unpack(answers: Answers) -> None:
    """Make an array of every answer, as the plans do."""
    for name in answers:
        answers[name]


def kernel_work(
    rows: pa.Table, kernel: Kernel, knowledge: Knowledge, threads: int, unpacked: bool
) -> Callable[[], Any]:
    """Return the work of the kernel over slices of the rows."""
    batches = [to_batch(part, knowledge) for part in slices(rows, SLICE)]

    def one(batch: Any) -> None:
        answers = kernel.screen(batch)
        if unpacked:
            unpack(answers)

    if threads == 1:
        return lambda: [one(batch) for batch in batches]
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(one, batches))


def run_child(name: str, rows: int, threads: int) -> None:
    """Time one plan, or the kernel, in this process; print the median seconds."""
    knowledge, kernel = load_knowledge(), default_kernel()
    table = counts(rows, kernel, knowledge)
    if name.startswith("kernel"):
        work = kernel_work(table, kernel, knowledge, threads, unpacked="unpacked" in name)
    else:
        work = make_plan(name, table, kernel, knowledge, **({"threads": threads} if name.startswith("duckdb") else {}))
    work()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    print(json.dumps(statistics.median(times)))


def seconds(name: str, rows: int, threads: int) -> float:
    """Time one plan in a process with so many threads."""
    command = [
        sys.executable,
        str(Path(__file__).resolve()),
        "--child",
        name,
        "--threads",
        str(threads),
        "--rows",
        str(rows),
    ]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "POLARS_MAX_THREADS": str(threads)}
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def show(rows: int) -> None:
    """Print each plan's rate, and how many times as fast the kernel is, timed beside it in the same threads."""
    threads = os.cpu_count() or 1
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {rows} rows of 15 analytes, medians of {RUNS} runs"
    )
    print("Kernel / plan: rate of the kernel over that of the plan, its answers left packed, or unpacked to arrays.")
    bases: dict[str, list[float]] = {}
    for many in dict.fromkeys((1, threads)):
        print(
            f"\n{f'{many} thread' + 's' * (many > 1):<32}{'M rows/s':>10}{'packed / plan':>16}{'unpacked / plan':>18}"
        )
        for by_hand, title in TITLES.items():
            print(title)
            for name in _timed(by_hand, many):
                packed, unpacked, own = (rows / seconds(work, rows, many) for work in (KERNEL, UNPACKED, name))
                bases.setdefault(f"{many}, packed", []).append(packed)
                bases.setdefault(f"{many}, unpacked", []).append(unpacked)
                print(f"  {name:<30}{own / 1e6:>10.3f}{packed / own:>16.1f}{unpacked / own:>18.1f}", flush=True)
    for name, rates in bases.items():
        print(f"kernel, threads: {name}: {', '.join(f'{rate / 1e6:.2f}' for rate in rates)} M rows/s")


def _timed(by_hand: bool, threads: int) -> list[str]:
    """Return the plans that can be timed; pandas works in one thread."""
    return [
        name
        for name, (engine, options) in PLANS.items()
        if options.get("by_hand", False) is by_hand and installed(engine) and (threads == 1 or engine != "pandas")
    ]


def main() -> None:
    """Check, or print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        run_child(given.child, given.rows, given.threads)
    elif given.check:
        found = check(given.rows)
        print("\n".join(found))
        sys.exit(bool(found))
    else:
        show(given.rows)


if __name__ == "__main__":
    main()
