"""One side of against.py: does named pieces of work with the `cbc_screen` of its own Python.

The same file is run by both sides, so it uses what every version has: `Screener`, its
`screen`, `scan` and `kernel`. A line on standard input names a piece of work; the answer is
one line of JSON: seconds on the clock, and seconds of the processor.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import typing
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from workloads import SHAPES, SLICE, numbers, people, records

import cbc_screen as cbc

# Where the codes of sex and pregnancy live, in one version or another.
PERSON_MODULES = ("cbc_screen.kernel_inputs", "cbc_screen.model.person")
CANONICAL = dict.fromkeys(SHAPES, "10^9/L") | {
    "hemoglobin": "g/L", "mchc": "g/L", "hematocrit": "L/L", "rbc": "10^12/L", "mcv": "fL", "mpv": "fL", "mch": "pg",
    "rdw_cv": "%",
}  # fmt: skip


def _codes(name: str) -> list[str]:
    for module in PERSON_MODULES:
        try:
            return [str(code.value) for code in getattr(importlib.import_module(module), name)]
        except (ImportError, AttributeError):
            continue
    raise SystemExit(
        f"against_worker.py: {name} is in none of {', '.join(PERSON_MODULES)}; add the module it is in now"
    )


@cache
def batch(rows: int, unsure_cells: float, agree: bool) -> Any:
    """Make the columns that the kernel of this version takes."""
    kind = typing.get_type_hints(type(screener().kernel).screen)["batch"]
    low, high = numbers(rows, unsure_cells, agree=agree)
    months, male = people(rows)
    sexes = np.array([_codes("SEXES").index("F"), _codes("SEXES").index("M")], dtype=np.int8)
    none = np.full(rows, _codes("PREGNANCIES").index("none"), dtype=np.int8)
    return kind(
        rows, low, high, {}, {}, None, None, months * 30, months * 30 + 31, months, months,
        np.ones(rows, dtype=np.bool_), sexes[male], none,
    )  # fmt: skip


@cache
def screener() -> cbc.Screener:
    """Return a screener that knows the units of the synthetic files."""
    return cbc.Screener(units=CANONICAL)


@cache
def given(count: int) -> list[dict[str, Any]]:
    """Return the records of record.py."""
    return records(count)


def screen_batches(rows: int, unsure_cells: float, *, agree: bool = True) -> None:
    """Screen the same columns until so many counts are screened."""
    part = min(SLICE, rows)
    for _ in range(max(1, rows // part)):
        screener().kernel.screen(batch(part, unsure_cells, agree))


def screen_records(count: int) -> None:
    """Screen records, and read what a service branches on."""
    for record in given(count):
        result = screener().screen(record)
        _ = result.pattern, result.severity, result.urgency, result.lines_low_min, result.lines_low_max


def write_records(count: int) -> None:
    """Screen records, and work out every text."""
    for record in given(count):
        screener().screen(record).to_dict()


def scan(folder: Path, name: str, *, packed: bool = False) -> None:
    """Scan a file to Parquet, with an account of its rejected rows."""
    out = folder / f"{os.getpid()}.parquet"
    rejects = folder / f"{os.getpid()}.rejects.csv"
    screener().scan(folder / name, out, rejects, force=True, packed=packed, age_unit="mo")


MESSAGES = {"hl7": "feed.hl7", "lines": "bulk.ndjson", "bundles": "bundles/*.json"}


def scan_messages(folder: Path, kind: str) -> None:
    """Scan messages to flags."""
    out = folder / f"{os.getpid()}.parquet"
    screener().scan(sorted(folder.glob(MESSAGES[kind])), out, force=True)


def collect_messages(folder: Path, kind: str) -> None:
    """Read messages and collect their results to counts, as a scan does before it screens."""
    from cbc_screen.engines.inputs import open_inputs
    from cbc_screen.ingest.source import ReadOptions
    from cbc_screen.knowledge import load_knowledge
    from cbc_screen.normalize.declared import Declared

    paths = [str(path) for path in sorted(folder.glob(MESSAGES[kind]))]
    with ExitStack() as undo:
        own: tuple[Any, ...] = load_knowledge(), Declared(), ReadOptions()
        try:
            opening = importlib.import_module("cbc_screen.engines.opening").Opening
        except ImportError:  # until 0.4.1 each of them was given by itself
            (entry,) = cast(Any, open_inputs)(paths, None, undo, *own, {}, ())
        else:
            (entry,) = open_inputs(paths, None, undo, opening(*own))
        assert sum(len(batch.lines) for batch in entry.source.batches(entry.wanted)) > 0


def works(folder: Path, size: dict[str, int]) -> dict[str, Callable[[], object]]:
    """Name the pieces of work."""
    return (
        {
            "kernel exact": lambda: screen_batches(size["kernel"], 0.0),
            "kernel wild": lambda: screen_batches(size["kernel"], 0.0, agree=False),
            "kernel unsure": lambda: screen_batches(size["kernel"], 0.05),
            "record flags": lambda: screen_records(size["records"]),
            "record texts": lambda: write_records(size["records"] // 20),
        }
        | {
            f"{place} {kind}": partial(scan, folder / place, name, packed=kind == "packed")
            for place in ("scan", "hospital")
            for kind, name in (("clean", "clean.csv"), ("bad", "bad.csv"), ("packed", "1.parquet"))
        }
        | {
            f"{work} {kind}": partial(do, folder / "messages", kind)
            for work, do in (("messages", scan_messages), ("collect", collect_messages))
            for kind in MESSAGES
        }
    )


def main() -> None:
    """Say which version this is, then do what standard input names."""
    named = works(Path(sys.argv[1]), json.loads(sys.argv[2]))
    print(json.dumps({"version": cbc.__version__, "place": str(Path(cbc.__file__).parent)}), flush=True)
    for line in sys.stdin:
        work = named[line.strip()]
        clock, processor = time.perf_counter(), time.process_time()
        work()
        print(json.dumps([time.perf_counter() - clock, time.process_time() - processor]), flush=True)


if __name__ == "__main__":
    main()
