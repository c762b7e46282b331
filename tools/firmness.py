"""How firm the order of the checklist is: every judged point moved by one, at random, many times.

Usage: python tools/firmness.py FOLDER [--draws 200] [--seed 20] [--tiers]

In each draw every point whose basis is judgment goes up or down by one; a finding keeps its side (a point for never
becomes one against). With --tiers the starting tiers that no series gives (`project`) move as well. Points
that were measured or derived stay. The counts are those of benchmarks/order.py: presentations, published cases, first
counts of admissions and people of the general population, with a line low under the definition "clinical".

Printed for each kind of count: in what share of draws and counts the first entry is another, the first five are
other ones (and how many of the five), those not to be missed are other ones, and one of those is no longer
before the fold. Then which counts and
conditions move most. FOLDER has the shared material.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

import admissions  # noqa: E402
import checklist as published  # noqa: E402
import population  # noqa: E402
from answers import FIRST, Answer, answer_of, any_low, heading  # noqa: E402

import cbc_screen as cbc  # noqa: E402
from cbc_screen.kernel.configuration import Configuration  # noqa: E402
from cbc_screen.kernel.configure import build_kernel  # noqa: E402
from cbc_screen.knowledge import Knowledge, load_knowledge  # noqa: E402
from cbc_screen.knowledge.rules import Condition, Rule  # noqa: E402

DEFINITION = "clinical"
NOT_TO_MISS = "not_to_miss"
JUDGMENT, PROJECT = "judgment", "project"
EVERY_NTH_PERSON = 4  # of the general population: 1,100 people would outweigh the rest
MOST_TIER = 5
PERSON = ("age", "sex", "pregnancy", "reticulocyte_method")


# The counts --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Count:
    """A count, where it comes from, and what to call it."""

    kind: str
    name: str
    record: Mapping[str, Any]


def counts(shared: Path) -> Iterator[Count]:
    """Yield the counts; of people, one in so many."""
    ordering, data = shared / "knowledge" / "ordering", shared / "data"
    for entry in yaml.safe_load((ordering / "presentations.yaml").read_text(encoding="utf-8")):
        yield Count("presentations", entry["name"], entry["record"])
    for line in (data / "published_cases" / "cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        yield Count("published cases", case["id"], published.record_of(case))
    demo = data / "mimic3_demo"
    sexes, _ = admissions.people(demo)
    for admission, count in sorted(admissions.first_counts(demo).items()):
        person = {"age": f"{admissions.HIDDEN} y", "sex": sexes[admission]}
        yield Count("admissions", admission, {**count, **person})
    people = population.read_cycle(data / "nhanes_cbc" / "nhanes_cbc_demo_2015-2016.csv.gz").to_pylist()
    for number, row in enumerate(people[::EVERY_NTH_PERSON]):
        yield Count("general population", str(number), _person(row))


def _person(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the survey as a record."""
    columns = population.COLUMNS
    record: dict[str, Any] = {"age": f"{row[columns['age']]} y", "sex": population.SEXES[row[columns["sex"]]]}
    if row[columns["pregnancy"]] is not None:
        record["pregnancy"] = population.PREGNANCIES[row[columns["pregnancy"]]]
    results = {name: row[columns[name]] for name in population.UNITS}
    return record | {n: {"value": v, "unit": population.UNITS[n]} for n, v in results.items() if v is not None}


def table_of(some: Sequence[Count]) -> pa.Table:
    """Return the records as columns, each result beside its unit."""
    rows = [_cells(count.record) for count in some]
    names = sorted({name for row in rows for name in row})
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})


def _cells(record: Mapping[str, Any]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, given in record.items():
        if name in ("film", "context"):
            cells |= dict(given)
        elif name in PERSON:
            cells[name] = str(given)
        elif isinstance(given, Mapping):
            cells |= {name: str(given["value"]), f"{name}_unit": given["unit"]}
        else:
            value, _, unit = str(given).partition(" ")
            cells |= {name: value, f"{name}_unit": unit}
    return cells


# The draws ---------------------------------------------------------------------------------


def moved_rule(rule: Rule, chance: random.Random) -> Rule:
    """Return a finding with its judged points one up or down; nothing else is moved."""
    if rule.basis != JUDGMENT or not rule.points:
        return rule
    size = max(0, abs(rule.points) + chance.choice((-1, 1)))
    return replace(rule, points=size if rule.points > 0 else -size)


def moved_condition(condition: Condition, chance: random.Random) -> Condition:
    """Return a condition with its judged points moved."""
    return replace(
        condition,
        findings_for=tuple(moved_rule(rule, chance) for rule in condition.findings_for),
        findings_against=tuple(moved_rule(rule, chance) for rule in condition.findings_against),
    )


def moved_tiers(knowledge: Knowledge, chance: random.Random) -> Any:
    """Return the ordering with the starting tiers that no series gives one up or down."""
    ordering = knowledge.ordering

    def move(tier: int) -> int:
        return min(MOST_TIER, max(0, tier + chance.choice((-1, 1))))

    return replace(
        ordering,
        tiers={
            condition: {
                ages: replace(row, tiers={name: move(tier) for name, tier in row.tiers.items()})
                if row.threshold == PROJECT
                else row
                for ages, row in rows.items()
            }
            for condition, rows in ordering.tiers.items()
        },
    )


def moved(knowledge: Knowledge, chance: random.Random, *, tiers: bool) -> Knowledge:
    """Return the knowledge of one draw."""
    found = replace(knowledge, conditions=tuple(moved_condition(own, chance) for own in knowledge.conditions))
    return replace(found, ordering=moved_tiers(knowledge, chance)) if tiers else found


def answers(knowledge: Knowledge, table: pa.Table) -> list[Answer]:
    """Screen the table by some knowledge."""
    screener = cbc.Screener(definition=DEFINITION)
    screener.__dict__["kernel"] = build_kernel.__wrapped__(knowledge, Configuration(definition=DEFINITION))
    return [answer_of(row) for row in screener.screen_frame(table).to_pylist()]


# What moves --------------------------------------------------------------------------------


@dataclass
class Moves:
    """How often something of some counts was another, over all draws."""

    looked: int = 0
    first: int = 0
    five: int = 0
    replaced: list[int] = field(default_factory=list)
    not_to_miss: int = 0
    folded: int = 0

    def add(self, before: Answer, after: Answer) -> None:
        five, now = set(before.listed[:FIRST]), set(after.listed[:FIRST])
        self.looked += 1
        self.first += before.listed[:1] != after.listed[:1]
        self.five += five != now
        self.replaced.append(len(five - now))
        self.not_to_miss += critical(before) != critical(after)
        self.folded += not critical(before) <= set(after.before_fold)

    def line(self, title: str) -> str:
        shares = (100 * part / self.looked for part in (self.first, self.five, self.not_to_miss, self.folded))
        first, five, missed, folded = (f"{share:5.1f} %" for share in shares)
        return f"{title:<22}{first:>10}{five:>12} ({statistics.mean(self.replaced):.2f} of 5){missed:>12}{folded:>18}"


def critical(answer: Answer) -> frozenset[str]:
    """Return those that must not be missed."""
    return frozenset(name for name, group in answer.groups.items() if group == NOT_TO_MISS)


def main() -> None:
    """Draw, and print what moves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--tiers", action="store_true", help="move the starting tiers of this project too")
    given = parser.parse_args()
    knowledge, chance = load_knowledge(), random.Random(given.seed)
    every = list(counts(given.folder))
    listed = [a for a in zip(every, answers(knowledge, table_of(every)), strict=True) if any_low(a[1]) or a[1].listed]
    some, shipped = [count for count, _ in listed], [answer for _, answer in listed]
    table = table_of(some)
    kinds: dict[str, Moves] = defaultdict(Moves)
    single: dict[str, Moves] = defaultdict(Moves)
    entered: Counter[str] = Counter()
    for _ in range(given.draws):
        for count, before, after in zip(
            some, shipped, answers(moved(knowledge, chance, tiers=given.tiers), table), strict=True
        ):
            kinds[count.kind].add(before, after)
            if count.kind != "general population":
                single[f"{count.kind}: {count.name}"].add(before, after)
            entered.update(set(before.listed[:FIRST]) ^ set(after.listed[:FIRST]))
    report(knowledge, kinds, single, entered, given)


def report(
    knowledge: Knowledge, kinds: Mapping[str, Moves], single: Mapping[str, Moves], entered: Counter[str], given: Any
) -> None:
    """Print the shares, and what moves most."""
    rules = [rule for condition in knowledge.conditions for rule in condition.findings if rule.points]
    bases = Counter(str(rule.basis) for rule in rules)
    heading(f"{given.draws} draws, seed {given.seed}, {'points and starting tiers' if given.tiers else 'points alone'}")
    print("weighed findings: " + ", ".join(f"{name} {n} ({100 * n / len(rules):.0f} %)" for name, n in bases.items()))
    print(f"{'another, by kind':<22}{'first':>10}{'first five':>24}{'not to miss':>12}{'one of them folded':>20}")
    for kind, moves in kinds.items():
        print(moves.line(kind))
    print("counts whose first entry is most often another:")
    for name, moves in sorted(single.items(), key=lambda pair: -pair[1].first)[:12]:
        print(f"  {100 * moves.first / moves.looked:5.1f} %  {name}")
    print("counts whose entries not to be missed are most often others:")
    for name, moves in sorted(single.items(), key=lambda pair: -pair[1].not_to_miss)[:12]:
        print(f"  {100 * moves.not_to_miss / moves.looked:5.1f} %  {name}")
    total = sum(moves.looked for moves in kinds.values())
    print("conditions that most often come into the first five, or leave them:")
    for name, often in entered.most_common(12):
        print(f"  {100 * often / total:5.1f} %  {name}")


if __name__ == "__main__":
    main()
