"""Attack the product with any number of garbled rows, through every door, against an oracle.

Usage: python tools/attack.py [ROWS] [--state FILE] [--seed N] [--doors arrow,csv,...] [--show N]

Rows are made slice by slice (tests/oracle): cells garbled, censored, without a unit or not usable,
unknown persons, remarks. The oracle knows what is true of a row and works out, from the data files
alone, which answers are possible. An answer that is definite where possibilities differ is a
violation, and the exit status is 1 if there is any. An answer that is withheld where all
possibilities agree is counted: completeness. With --state a run that was stopped goes on from
where it was; the same file with more ROWS goes on as well. One core does a million rows in about
20 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from oracle.doors import DOORS, attack  # noqa: E402
from oracle.law import CAUSES, WHITE, Count  # noqa: E402
from oracle.rows import Row, RowMaker  # noqa: E402
from oracle.tables import read_tables  # noqa: E402

SLICE = 4_000
# Frames are what millions of rows come in; a record or a message costs ten times as much.
SCHEDULE = (
    *("arrow", "pandas", "arrow", "csv", "arrow", "long", "arrow", "pandas", "hl7", "arrow", "fhir", "arrow", "record"),
    *("polars", "arrow", "parquet", "pandas", "ndjson", "arrow"),
)
SHARE = {"long": 4, "hl7": 8, "fhir": 8, "record": 20}  # of a slice, the part that a slower door takes


@dataclass
class Progress:
    """How far a run has come, as its state file has it."""

    seed: int
    slices: int = 0
    rows: int = 0
    answers: int = 0
    definite: int = 0
    possible: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    shown: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | None, seed: int) -> Progress:
        """Go on from a state file, if there is one."""
        if path is None or not path.exists():
            return cls(seed)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["seed"] != seed:
            sys.exit(f"{path} is of a run with --seed {found['seed']}: give that seed, or another file")
        return cls(**{**found, "violations": Counter(found["violations"]), "withheld": Counter(found["withheld"])})

    def write(self, path: Path | None) -> None:
        """Write the state under another name first, so that a run can be stopped at any time."""
        if path is None:
            return
        part = path.with_suffix(path.suffix + ".part")
        part.write_text(json.dumps(self.__dict__, ensure_ascii=False), encoding="utf-8")
        os.replace(part, path)

    def add(self, count: Count, where: str) -> None:
        self.slices += 1
        for name in ("rows", "answers", "definite", "possible"):
            setattr(self, name, getattr(self, name) + getattr(count, name))
        self.violations += count.violations
        self.withheld += count.withheld
        for kind, examples in count.examples.items():
            if kind not in self.shown:
                self.shown[kind] = [where, *describe(*examples[0], kind)]


def describe(row: Row, answer: dict[str, Any], truth: dict[str, Any], kind: str) -> list[str]:
    """Return the part of a row that a violation comes from, and both answers."""
    named = kind.rpartition(" -> ")[2].split(":")[0].split("_")[0]
    wanted = CAUSES.get(named, (named,) if named in row.cells else ("hemoglobin", *WHITE, "platelets"))
    cells = {
        name: " | ".join(
            part for part in (c.text, c.unit and f"unit {c.unit}", c.status and f"status {c.status}") if part
        )
        for name, c in row.cells.items()
        if name in wanted and c.text is not None
    }
    ranges = {name: limits for name, limits in row.ranges.items() if name in wanted}
    person = {name: value for name, value in row.written.fields.items() if value is not None}
    differ = {name: (answer.get(name), value) for name, value in truth.items() if answer.get(name) != value}
    return [
        f"cells {cells}" + (f" ranges {ranges}" if ranges else ""),
        f"person {person}",
        f"(answer, possible) {differ}",
        f"reasons {answer.get('reasons')}, urgency {answer.get('urgency')}",
    ]


def plan(number: int, doors: list[str]) -> tuple[str, str, str]:
    """Return the door, the definition and the grading of a slice."""
    tables = read_tables()
    chosen = [door for door in SCHEDULE if door in doors]
    definitions, schemes = list(tables.definitions), list(tables.schemes)
    return chosen[number % len(chosen)], definitions[number % len(definitions)], schemes[number % len(schemes)]


def report(progress: Progress, show: int) -> None:
    """Print what was found."""
    kept = sum(progress.withheld.values())
    print(f"{progress.rows:,} rows, {progress.answers:,} answers, {progress.definite:,} definite")
    print(f"completeness {1 - kept / max(1, progress.possible):.4f}: {kept:,} of {progress.possible:,} withheld")
    causes: Counter[str] = Counter()
    for kind, many in progress.withheld.items():
        causes[kind.partition(" -> ")[0]] += many
    for cause, many in causes.most_common(show):
        print(f"  withheld {many:>7,}  {cause}")
    print(f"violations {sum(progress.violations.values()):,} of {len(progress.violations):,} kinds")
    for kind, many in progress.violations.most_common(show):
        print(f"  {many:>7,}  {kind}")
        for line in progress.shown.get(kind, []):
            print(f"             {line}")


def main() -> int:
    """Attack slice by slice, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--doors", default=",".join(DOORS))
    parser.add_argument("--show", type=int, default=40)
    given = parser.parse_args()
    doors = given.doors.split(",")
    if not set(doors) <= set(DOORS):
        parser.error(f"doors are {', '.join(DOORS)}")
    progress, started, before = Progress.read(given.state, given.seed), time.monotonic(), 0
    first = progress.rows
    while progress.rows < given.rows:
        door, definition, scheme = plan(progress.slices, doors)
        many = min(SLICE // SHARE.get(door, 1), given.rows - progress.rows)
        maker = RowMaker(read_tables(), given.seed * 1_000_003 + progress.slices)
        count = attack(maker, many, definition, scheme, door)
        progress.add(count, f"slice {progress.slices}: {door}, definition {definition}, grading {scheme}")
        progress.write(given.state)
        if progress.rows // 50_000 > before:
            before = progress.rows // 50_000
            rate = (progress.rows - first) / (time.monotonic() - started)
            violations = sum(progress.violations.values())
            print(f"{progress.rows:,} rows, {violations:,} violations, {rate:,.0f} rows a second", flush=True)
    report(progress, given.show)
    return 1 if progress.violations else 0


if __name__ == "__main__":
    sys.exit(main())
