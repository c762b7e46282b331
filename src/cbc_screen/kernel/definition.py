"""The definition of the screen, lowered: from numbers and limits to facts, to conclusions.

Facts and conclusions are each written once; the columns and the scalar function are
printed from what is built here.
"""

from __future__ import annotations

from dataclasses import dataclass

from cbc_screen.kernel.conclusions import REASON, SHARED, build_conclusions, build_lists
from cbc_screen.kernel.fact_table import Facts
from cbc_screen.kernel.facts import FactBuilder
from cbc_screen.kernel.keys import AGES, STAGES
from cbc_screen.kernel.program import Builder, Program
from cbc_screen.kernel.ranking import SUPPORT
from cbc_screen.kernel.rules import Given, Rules

# The name of hemoglobin lowered for elevation and smoking, among the numbers derived.
ADJUSTED = "hemoglobin_adjusted"
ROOM = "neutrophils_room"  # what the other white cells leave


@dataclass(frozen=True)
class Programs:
    """The one definition, lowered: in one piece, and in its two halves."""

    fused: Program
    facts: Program
    conclusions: Program
    lists: Program  # what the checklist is made from, likewise in one piece and in halves
    list_cells: Program  # the same without what columns have no use for
    unlisted: Program  # of the lists, what flags have without the checklist
    list_facts: Program
    list_conclusions: Program
    values: Program  # the derived and corrected numbers, for the explanation
    limits: Program  # the limits behind the answers, for the explanation


def build_programs(rules: Rules, given: Given) -> Programs:
    """Lower the definition for one set of inputs."""
    builder = Builder()
    writer = FactBuilder(builder, rules, given)
    facts = writer.build()
    derived = {a: writer.effective(a) for a in rules.analytes if facts.has_mark(f"{a}.derived") or a == "wbc"}
    derived = {a: interval for a, interval in derived.items() if not builder.absent(interval.low)}
    lowered = writer.adjusted_hemoglobin(rules.scheme.id) or writer.adjusted_hemoglobin(
        rules.definitions[rules.definition].red.scheme
    )
    if lowered is not None:
        derived[ADJUSTED] = lowered
    values = {f"{a}.{end}": getattr(interval, end) for a, interval in derived.items() for end in ("low", "high")}
    values[ROOM] = writer.room()
    conclusions = build_conclusions(builder, rules, facts)
    listing = facts.of(SHARED) | writer.build_listing()
    lists = build_lists(builder, rules, listing)
    cells = {name: node for name, node in lists.items() if not name.startswith(f"{SUPPORT}.")}
    apart, lists_apart = Builder(), Builder()
    return Programs(
        fused=builder.program(conclusions),
        facts=builder.program(facts.columns),
        conclusions=apart.program(
            build_conclusions(apart, rules, Facts.coming_in(apart, [*facts.columns, AGES, STAGES]), several=True)
        ),
        lists=builder.program(lists),
        list_cells=builder.program(cells),
        unlisted=builder.program(
            {name: node for name, node in lists.items() if name == "borderline" or name.startswith(REASON)}
        ),
        list_facts=builder.program(listing.columns),
        list_conclusions=lists_apart.program(
            build_lists(lists_apart, rules, Facts.coming_in(lists_apart, listing.columns))
        ),
        values=builder.program(values),
        limits=builder.program(writer.limits_used()),
    )
