"""From knowledge and a choice of set, definition and scheme to a compiled kernel."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.limits import Limits, build_limits
from cbc_screen.kernel.rules import Rules
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.intervals import edge
from cbc_screen.knowledge.predicates import AgeIs, FindingIs, LineIs, Predicate, walk


@lru_cache(maxsize=32)
def build_kernel(knowledge: Knowledge, ranges: str, definition: str, grading: str, stamp: str = "") -> Kernel:
    """Build the kernel of one configuration (once a process).

    `stamp` tells the contents of a user's own file apart, so that a changed file is read.
    """
    intervals = knowledge.intervals(ranges)
    predicates = list(_predicates(knowledge))
    used = {definition} | {p.definition for p in predicates if isinstance(p, LineIs) and p.definition}
    definitions = {name: knowledge.definition(name) for name in sorted(used)}
    scheme = knowledge.scheme(grading)
    stated = knowledge.stated_intervals(ranges)
    youngest, oldest = knowledge.words.pregnancy_ages
    limits: Limits = build_limits(
        intervals,
        stated,
        scheme,
        definitions,
        knowledge.schemes,
        [p.age for p in predicates if isinstance(p, AgeIs)],
        knowledge.words.unchanged_in_pregnancy,
        (edge(youngest, "y"), edge(oldest, "y")),
        knowledge.age_implausible_from,
    )
    rules = Rules(
        analytes=knowledge.analytes,
        ranged=frozenset(row.analyte for row in intervals),
        definitions=definitions,
        definition=definition,
        scheme=scheme,
        conditions=knowledge.conditions,
        guards=knowledge.guards,
        triggers=knowledge.triggers,
        urgency=knowledge.urgency,
        criteria=knowledge.criteria,
        reported_range_factor=knowledge.reported_range_factor,
        stated_finding=knowledge.duffy_finding if stated else None,
        stated=frozenset(row.analyte for row in stated),
        findings=frozenset(p.finding for p in predicates if isinstance(p, FindingIs))
        | ({knowledge.duffy_finding} if stated else set()),
        limit_columns={name: _fixed(limits.table.column(name)) for name in limits.table.columns},
    )
    return Kernel(rules, limits)


def _fixed(column: NDArray[np.float64]) -> float | None:
    """Return the number of a limit that is the same for every person."""
    return float(column[0]) if (column == column[0]).all() else None


def _predicates(knowledge: Knowledge) -> Iterator[Predicate]:
    roots = [rule.when for rule in (*knowledge.guards, *knowledge.triggers, *knowledge.urgency)]
    for condition in knowledge.conditions:
        roots += [r.when for r in (*condition.findings_for, *condition.findings_against, *condition.urgency)]
        if condition.also_when is not None:
            roots.append(condition.also_when)
    criteria = knowledge.criteria
    roots += [rule.when for rule in (*criteria.items, *criteria.by_method.values(), criteria.very_severe)]
    for root in roots:
        yield from walk(root)
