"""The order of the checklist under a laboratory's own file: points, starting tiers and the sizes of the groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cbc_screen.knowledge.ordering import COMBINATIONS, MOST_TIER, Ordering, StartingTier
from cbc_screen.knowledge.rules import Condition, Rule
from cbc_screen.knowledge.settings import Settings, TierShift, check_shift
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.knowledge.weighing import check_points
from cbc_screen.vocabulary import Basis, Setting, Threshold

# What a file may set of each group, and where the ordering has it.
GROUPS = {
    "fits": {"least": "fits_least", "within": "fits_within", "most": "fits_most"},
    "not_to_miss": {"least": "not_to_miss_least", "most": "not_to_miss_most"},
    "also_possible": {"least": "possible_least"},
}
MOST_SHOWN = 8  # lines before the fold, in every form
LOCAL = "local"


@dataclass(frozen=True, eq=False)
class Order:
    """The conditions with their weights, and how they are ordered."""

    conditions: tuple[Condition, ...]
    ordering: Ordering
    settings: Settings


def own_order(node: YamlNode, shipped: Order) -> Order:
    """Lay the part `checklist` of a laboratory's own file over the shipped order.

    `points` gives a finding of a condition another weight, `tiers` a condition another starting tier (null for
    none), `groups` other sizes, `settings` a setting other shifts (0 for none). Which findings there are, and which are decisive, stays as shipped.
    """
    node.check_keys([], ["groups", "points", "settings", "tiers"])
    conditions = {condition.id: condition for condition in shipped.conditions}
    for name in _conditions(node, "points", conditions):
        conditions[name] = _weighed(node.node("points").node(name), conditions[name])
    tiers = dict(shipped.ordering.tiers)
    for name in _conditions(node, "tiers", conditions):
        tiers[name] = _started(node.node("tiers").node(name), tiers[name])
    sizes: dict[str, Any] = _sizes(node)
    ordering = replace(shipped.ordering, tiers=tiers, **sizes)
    if ordering.fits_most + ordering.not_to_miss_most > MOST_SHOWN:
        raise node.error("groups", f"more than {MOST_SHOWN} lines would stand before the fold")
    return Order(tuple(conditions.values()), ordering, _settings(node, conditions, ordering, shipped.settings))


def _conditions(node: YamlNode, key: str, known: Mapping[str, Condition]) -> Sequence[str]:
    if key not in node:
        return []
    own = node.node(key)
    for name in own:
        if name not in known:
            raise own.error(name, "is not a condition of the checklist")
    return list(own)


def _weighed(node: YamlNode, condition: Condition) -> Condition:
    """Return a condition with other points; what is one's own is judgment, and says so."""
    names = {rule.id for rule in condition.findings}
    for name in node:
        if name not in names:
            raise node.error(name, f"is not a finding of {condition.id}")

    def weighed(rules: Sequence[Rule], side: str) -> tuple[Rule, ...]:
        found = []
        for rule in rules:
            if rule.id in node:
                rule = replace(rule, points=node.whole(rule.id), basis=Basis.JUDGMENT)
                check_points(node, rule, side, key=rule.id)
            found.append(rule)
        return tuple(found)

    return replace(
        condition,
        findings_for=weighed(condition.findings_for, "findings_for"),
        findings_against=weighed(condition.findings_against, "findings_against"),
    )


def _started(node: YamlNode, rows: Mapping[str, StartingTier]) -> dict[str, StartingTier]:
    """Return the rows of a condition with other starting tiers."""
    found = dict(rows)
    for ages in node:
        if ages not in rows:
            raise node.error(ages, f"is none of the classes of ages it has: {', '.join(rows)}")
        row = node.node(ages)
        tiers = dict(rows[ages].tiers)
        for name in row:
            if name not in COMBINATIONS:
                raise row.error(name, f"is none of {', '.join(COMBINATIONS)}")
            tiers.pop(name, None)
            if row[name] is None:
                continue
            tiers[name] = row.whole(name)
            if not 0 <= tiers[name] <= MOST_TIER:
                raise row.error(name, f"must lie between 0 and {MOST_TIER}, or be null")
        found[ages] = StartingTier(tiers, Threshold.LOCAL, LOCAL)
    return found


def _settings(node: YamlNode, conditions: Mapping[str, Condition], ordering: Ordering, shipped: Settings) -> Settings:
    """Return the settings with other shifts; what is one's own is local, and says so."""
    if "settings" not in node:
        return shipped
    own, found = node.node("settings"), dict(shipped)
    own.check_keys([], list(Setting))
    for name in own:
        row, setting = own.node(name), Setting(name)
        shifts = dict(found[setting].shifts)
        for condition in row:
            check_shift(row, condition, condition, ordering, tuple(conditions.values()), key_of_name=condition)
            shifts.pop(condition, None)
            if row.whole(condition):
                shifts[condition] = TierShift(condition, row.whole(condition), Threshold.LOCAL, LOCAL)
        found[setting] = replace(found[setting], shifts=shifts)
    return found


def _sizes(node: YamlNode) -> dict[str, int]:
    """Return what a file says of the groups, by the names that the ordering has for it."""
    if "groups" not in node:
        return {}
    groups = node.node("groups")
    groups.check_keys([], list(GROUPS))
    found: dict[str, int] = {}
    for group in groups:
        own = groups.node(group)
        own.check_keys([], list(GROUPS[group]))
        for key in own:
            number = own.whole(key)
            if number < 0:
                raise own.error(key, "must not be below 0")
            found[GROUPS[group][key]] = number
    return found
