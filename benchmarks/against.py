"""How fast this checkout is beside another version of the library, both in one run.

Usage: python benchmarks/against.py --other /path/to/the/other/environment/bin/python

Each side is a process of its own that runs against_worker.py. The sides take turns, and who
begins changes with every round, so that a busy moment of the machine meets both. Each kind is
measured in several pairs of processes: where its memory happens to lie makes one process up to
a quarter faster than another of the same version. Compiling and a warm-up are left out.

Printed is how many times as fast this checkout is as the other: the ratio of the medians of all rounds,
then the least and the most of a round. Below 1 this checkout is the slower one. The ratio of
processor seconds stands beside it, for machines that others use too.

The files are made once; they and the counts are those of workloads.py. Of the counts of "scan" three in five have a low
line, of those of "hospital" one in five: a count with a checklist costs more than one without. Messages are those of
message_files.py; "alone" is without screening.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from message_files import TESTS, write_fhir_bundles, write_fhir_lines, write_hl7
from workloads import NARROW, export, write_files

WORKER = Path(__file__).resolve().parent / "against_worker.py"
KINDS = {
    "kernel exact": "kernel, exact values",
    "kernel unsure": "kernel, 5 % of cells intervals",
    "kernel wild": "kernel, numbers that contradict",
    "record flags": "one record, its flags read",
    "record texts": "one record, every text",
    "scan clean": "scan, clean CSV",
    "scan bad": "scan, CSV with bad cells",
    "scan packed": "scan, Parquet, packed",
    "hospital clean": "hospital's scan, clean CSV",
    "hospital bad": "hospital's scan, bad cells",
    "hospital packed": "hospital's scan, packed",
    "messages hl7": "scan, HL7 v2 messages",
    "messages lines": "scan, FHIR as NDJSON",
    "messages bundles": "scan, FHIR Bundles with claims",
    "collect hl7": "HL7 v2 to counts alone",
    "collect lines": "FHIR as NDJSON to counts alone",
    "collect bundles": "FHIR Bundles to counts alone",
}


BUNDLES, COUNTS_OF_ONE, CLAIMS_OF_ONE = 20, 120, 600


@dataclass(frozen=True)
class Spent:
    """Seconds of one piece of work: on the clock, and of the processor."""

    clock: float
    processor: float


class Side:
    """A version of the library in a process of its own."""

    def __init__(self, python: str, folder: Path, sizes: dict[str, int], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [python, str(WORKER), str(folder), json.dumps(sizes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        said = json.loads(self._answer())
        self.version, self.place = said["version"], said["place"]

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("against.py: one side ended early; what it said is above")
        return line

    def work(self, name: str) -> Spent:
        """Do a piece of work."""
        assert self._process.stdin is not None
        print(name, file=self._process.stdin, flush=True)
        return Spent(*json.loads(self._answer()))

    def end(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def in_turns(new: Side, old: Side, kind: str, rounds: int) -> list[tuple[Spent, Spent]]:
    """Let both sides do the same work in turns, after one warm-up of each."""
    found: list[tuple[Spent, Spent]] = []
    for number in range(rounds + 1):
        first, second = (new, old) if number % 2 else (old, new)
        spent = {first: first.work(kind), second: second.work(kind)}
        if number:
            found.append((spent[new], spent[old]))
    return found


def ratios(new: Sequence[float], old: Sequence[float]) -> tuple[float, float, float]:
    """Return the ratio of the rates: of the medians, the least and the most of a round."""
    each = [theirs / ours for ours, theirs in zip(new, old, strict=True)]
    return statistics.median(old) / statistics.median(new), min(each), max(each)


def rate(kind: str, sizes: dict[str, int], seconds: float) -> str:
    """Say how fast that is, in the measure that other scripts use for it."""
    if kind.startswith("record"):
        count = sizes["records"] // (20 if kind == "record texts" else 1)
        return f"{seconds / count * 1e6:.0f} us"
    if kind.startswith(("messages", "collect")):
        results = {
            "hl7": sizes["messages"] * len(TESTS),
            "lines": sizes["observations"],
            "bundles": BUNDLES * COUNTS_OF_ONE * len(TESTS),
        }
        return f"{results[kind.split()[1]] / seconds:,.0f} results/s"
    rows = sizes["kernel" if kind.startswith("kernel") else "scan"]
    return f"{rows / seconds / 1e6:.2f} M/s"


def sides(other: str, folder: Path, sizes: dict[str, int]) -> tuple[Side, Side]:
    """Start this checkout and the other version."""
    # The other environment has its own library: a path meant for this checkout must not reach it.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    new, old = Side(sys.executable, folder, sizes, dict(os.environ)), Side(other, folder, sizes, clean)
    if new.place == old.place:
        raise SystemExit("against.py: both sides import the same library; --other must have its own installed")
    return new, old


def measure(other: str, folder: Path, sizes: dict[str, int], rounds: int, pairs: int, kind: str) -> str:
    """Measure a kind of work, and say how it went."""
    spent: list[tuple[Spent, Spent]] = []
    for _ in range(pairs):
        new, old = sides(other, folder, sizes)
        spent += in_turns(new, old, kind, rounds)
        new.end()
        old.end()
    clock = ratios([ours.clock for ours, _ in spent], [theirs.clock for _, theirs in spent])
    processor = ratios([ours.processor for ours, _ in spent], [theirs.processor for _, theirs in spent])
    spread = "".join(f"{middle:>9.2f} ({low:.2f}-{high:.2f})  " for middle, low, high in (clock, processor))
    medians = [rate(kind, sizes, statistics.median(pair[side].clock for pair in spent)) for side in (0, 1)]
    return f"{KINDS[kind]:34}{spread} {medians[0]} beside {medians[1]}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", required=True, help="the Python of an environment with the other version")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each pair of processes")
    parser.add_argument("--pairs", type=int, default=8, help="pairs of processes for each kind of work")
    parser.add_argument("--rows", type=int, default=500_000, help="rows of the scanned files")
    parser.add_argument("--kernel-rows", type=int, default=1_048_576)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--observations", type=int, default=150_000)
    parser.add_argument("--only", choices=KINDS, nargs="+", default=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    given = parser.parse_args()
    sizes = {"scan": given.rows, "kernel": given.kernel_rows, "records": given.records}
    sizes |= {"messages": given.messages, "observations": given.observations}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new, old = sides(given.other, folder, sizes)
        print(f"{platform.machine()}, {os.cpu_count()} cores; this checkout {new.version}, the other {old.version}")
        new.end()
        old.end()
        for name, spread in (("scan", 1.0), ("hospital", NARROW)):
            (folder / name).mkdir()
            if any(kind.startswith(name) for kind in given.only):
                write_files(folder / name, export(sizes["scan"], spread))
        if any(kind.startswith(("messages", "collect")) for kind in given.only):
            (folder / "messages" / "bundles").mkdir(parents=True)
            write_hl7(folder / "messages" / "feed.hl7", sizes["messages"])
            write_fhir_lines(folder / "messages" / "bulk.ndjson", sizes["observations"])
            write_fhir_bundles(folder / "messages" / "bundles", BUNDLES, COUNTS_OF_ONE, CLAIMS_OF_ONE)
        print(f"{'times as fast as the other':34}{'clock':>18}{'processor':>22}{'rates':>26}", flush=True)
        for kind in given.only:
            print(measure(given.other, folder, sizes, given.rounds, given.pairs, kind), flush=True)


if __name__ == "__main__":
    main()
