"""From knowledge and a choice of set, definition, scheme and checks to a compiled kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cbc_screen.errors import UsageError
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.limits import KernelLimits, build_limits, spans_of
from cbc_screen.kernel.rules import MovedTiers, Rules
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.adjustments import Adjustment
from cbc_screen.knowledge.checks import Checks
from cbc_screen.knowledge.definitions import PARTS, Cutoff, Definition
from cbc_screen.knowledge.edges import edge
from cbc_screen.knowledge.own_order import Order
from cbc_screen.knowledge.predicates import AgeIs, CourseIs, FindingIs, LineIs, Predicate, of_history, walk
from cbc_screen.knowledge.quantities import SMOKER_FINDING
from cbc_screen.knowledge.rules import Condition, Rule
from cbc_screen.knowledge.settings import shifted, shifts_of
from cbc_screen.vocabulary import Adjust


@lru_cache(maxsize=32)
def build_kernel(knowledge: Knowledge, chosen: Configuration) -> Kernel:
    """Build the kernel of one configuration (once a process)."""
    intervals = knowledge.intervals(chosen.ranges)
    checks = knowledge.checks_of(chosen.rules)
    order = knowledge.order_of(chosen.rules)
    moved = _moved(order, chosen)
    conditions, urgency = _of_history(order.conditions, knowledge.urgency, chosen)
    predicates = list(_predicates(knowledge, checks, conditions, urgency))
    used = {chosen.definition} | {p.definition for p in predicates if isinstance(p, LineIs) and p.definition}
    definitions = {name: knowledge.definition(name) for name in sorted(used)}
    scheme = knowledge.scheme(chosen.grading)
    stated, preterm = knowledge.stated_intervals(chosen.ranges), knowledge.preterm_intervals(chosen.ranges)
    youngest, oldest = knowledge.words.pregnancy_ages
    ages = [p.age for p in predicates if isinstance(p, AgeIs)] + [knowledge.words.preterm_below]
    ages += [age for _, age in knowledge.ordering.ages]
    differing = knowledge.differing_intervals(chosen.ranges)
    limits: KernelLimits = build_limits(
        intervals,
        differing,
        stated,
        preterm,
        scheme,
        definitions,
        knowledge.schemes,
        ages,
        knowledge.words.unchanged_in_pregnancy,
        (edge(youngest, "y"), edge(oldest, "y")),
        knowledge.age_implausible_from,
    )
    adjustments = _adjustments(knowledge, chosen, definitions)
    asked = _asked(knowledge, predicates, chosen, stated=bool(stated))
    rules = Rules(
        analytes=knowledge.analytes,
        ranged=frozenset(row.analyte for row in intervals),
        differing=frozenset(row.analyte for row in differing),
        definitions=definitions,
        definition=chosen.definition,
        scheme=scheme,
        conditions=conditions,
        ordering=order.ordering if moved is None else shifted(order.ordering, moved.shifts),
        moved=moved,
        guards=checks.guards,
        triggers=checks.active,
        cutoffs=checks.cutoffs,
        urgency=urgency,
        criteria=knowledge.criteria,
        printed_limits=knowledge.printed_limits,
        white_parts=knowledge.white_parts,
        stated_finding=knowledge.duffy_finding if stated else None,
        stated=frozenset(row.analyte for row in stated),
        preterm_finding=knowledge.words.preterm_finding,
        preterm_below=knowledge.words.preterm_below,
        gestation=knowledge.words.gestation,
        term_from=knowledge.words.term_from,
        preterm_set=preterm[0].set if preterm else "",
        by_gestation=spans_of(preterm),
        adjust=frozenset(chosen.adjust),
        adjustments=adjustments,
        findings=asked,
        limit_columns={name: _fixed(limits.table.column(name)) for name in limits.table.columns},
    )
    return Kernel(rules, limits)


def _moved(order: Order, chosen: Configuration) -> MovedTiers | None:
    """Return what the stated setting does to an order, or None where none is stated."""
    if not chosen.setting:
        return None
    return MovedTiers(chosen.setting, shifts_of(order.settings, chosen.setting), order.ordering)


def _asked(
    knowledge: Knowledge, predicates: Sequence[Predicate], chosen: Configuration, *, stated: bool
) -> frozenset[str]:
    """Return the findings and courses that some rule asks for."""
    asked = {p.finding for p in predicates if isinstance(p, FindingIs)} | {knowledge.words.preterm_finding}
    asked |= {p.course for p in predicates if isinstance(p, CourseIs)}
    asked |= {knowledge.duffy_finding} if stated else set()
    asked |= {SMOKER_FINDING} if Adjust.SMOKING in chosen.adjust else set()
    return frozenset(asked)


def _adjustments(
    knowledge: Knowledge, chosen: Configuration, definitions: dict[str, Definition]
) -> dict[str, Adjustment]:
    """Return the adjustment of each scheme in use; asked for and of no effect is an error."""
    if not chosen.adjust:
        return {}
    cutoffs: list[Cutoff | None] = [getattr(rule, part) for rule in definitions.values() for part in PARTS]
    names = {chosen.grading} | {cutoff.scheme for cutoff in cutoffs if cutoff is not None and cutoff.scheme}
    found = {name: adjustment for name in names if (adjustment := knowledge.adjustment(name)) is not None}
    own = {chosen.grading, knowledge.definition(chosen.definition).red.scheme}
    if not own & set(found):
        raise UsageError(
            "adjust_hemoglobin: neither the grading scheme nor the definition uses a hemoglobin table with an "
            f"adjustment; tables that have one: {', '.join(sorted(knowledge.adjustments))}"
        )
    return found


def _fixed(column: NDArray[np.float64]) -> float | None:
    """Return the number of a limit that is the same for every person."""
    return float(column[0]) if (column == column[0]).all() else None


def _of_history(
    conditions: Sequence[Condition], urgency: Sequence[Rule], chosen: Configuration
) -> tuple[tuple[Condition, ...], tuple[Rule, ...]]:
    """Drop the rules about earlier counts when no history is given, so that they are not reported as unknown."""
    if chosen.history:
        return tuple(conditions), tuple(urgency)

    def kept(rules: Sequence[Rule]) -> tuple[Rule, ...]:
        return tuple(rule for rule in rules if not of_history(rule.when))

    return tuple(
        replace(
            own,
            findings_for=kept(own.findings_for),
            findings_against=kept(own.findings_against),
            urgency=kept(own.urgency),
        )
        for own in conditions
    ), kept(urgency)


def _predicates(
    knowledge: Knowledge, checks: Checks, conditions: Sequence[Condition], urgency: Sequence[Rule]
) -> Iterator[Predicate]:
    rules = (*checks.guards, *checks.active, *checks.cutoffs, *urgency)
    roots = [rule.when for rule in rules]
    for condition in conditions:
        roots += [r.when for r in (*condition.findings, *condition.urgency)]
        own = (condition.only_when, condition.shown_when, condition.shown_unless_decided)
        roots += [predicate for predicate in own if predicate is not None]
    criteria = knowledge.criteria
    roots += [rule.when for rule in (*criteria.items, *criteria.by_method.values(), criteria.very_severe)]
    roots += [own.asked_when for own in knowledge.ordering.questions.values() if own.asked_when is not None]
    for root in roots:
        yield from walk(root)
