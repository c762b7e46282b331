"""The definition of the screen, lowered: from numbers and limits to facts, to conclusions.

Facts and conclusions are each written once; the columns and the scalar function are
printed from what is built here.
"""

from __future__ import annotations

from dataclasses import dataclass

from cbc_screen.kernel.conclusions import build_conclusions
from cbc_screen.kernel.facts import FactBuilder
from cbc_screen.kernel.program import Builder, Op, Program
from cbc_screen.kernel.rules import Given, Rules

# The name of hemoglobin lowered for elevation and smoking, among the numbers derived.
ADJUSTED = "hemoglobin_adjusted"


@dataclass(frozen=True)
class Programs:
    """The one definition, lowered: in one piece, and in its two halves."""

    fused: Program
    facts: Program
    conclusions: Program
    values: Program  # the derived and corrected numbers, for the explanation
    limits: Program  # the limits behind the answers, for the explanation


def build_programs(rules: Rules, given: Given) -> Programs:
    """Lower the definition for one set of inputs."""
    builder = Builder()
    writer = FactBuilder(builder, rules, given)
    facts = writer.build()
    derived = {a: writer.effective(a) for a in rules.analytes if f"{a}.derived.any" in facts or a == "wbc"}
    derived = {a: interval for a, interval in derived.items() if not builder.absent(interval.low)}
    lowered = writer.adjusted_hemoglobin(rules.scheme.id) or writer.adjusted_hemoglobin(
        rules.definitions[rules.definition].red.scheme
    )
    if lowered is not None:
        derived[ADJUSTED] = lowered
    values = {f"{a}.{end}": getattr(interval, end) for a, interval in derived.items() for end in ("low", "high")}
    conclusions = build_conclusions(builder, rules, facts)
    apart = Builder()
    inputs = {
        name: apart.step(Op.CODE_INPUT if name.endswith((".min", ".max")) else Op.FLAG, value=name) for name in facts
    }
    return Programs(
        fused=builder.program(conclusions),
        facts=builder.program(facts),
        conclusions=apart.program(build_conclusions(apart, rules, inputs)),
        values=builder.program(values),
        limits=builder.program(writer.limits_used()),
    )
