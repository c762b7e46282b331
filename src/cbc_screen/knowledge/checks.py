"""Guards, review triggers and published cut-offs: the shipped ones, and a laboratory's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cbc_screen.errors import UsageError
from cbc_screen.knowledge.rules import Rule, RuleReader
from cbc_screen.knowledge.strict import YamlNode

GROUPS = ("guards", "triggers", "cutoffs")
ORDER = "checklist"


@dataclass(frozen=True, slots=True)
class Policy:
    """A published or local list of review triggers, used as a whole."""

    id: str
    title: str
    default: bool


@dataclass(frozen=True, eq=False)
class Checks:
    """What is checked besides the ranges; of the triggers the `active` ones are used."""

    guards: tuple[Rule, ...]
    triggers: tuple[Rule, ...]
    cutoffs: tuple[Rule, ...]
    active: tuple[Rule, ...]
    policies: Mapping[str, Policy]
    chosen: tuple[str, ...]


def load_checks(reader: RuleReader, guards: YamlNode, triggers: YamlNode, cutoffs: YamlNode) -> Checks:
    """Load the shipped files."""
    guards.check_keys(["guards"])
    triggers.check_keys(["policies", "triggers"])
    cutoffs.check_keys(["cutoffs"])
    policies: dict[str, Policy] = {}
    for entry in triggers.nodes("policies"):
        entry.check_keys(["id", "title", "default"])
        if entry.text("id") in policies:
            raise entry.error("id", "is given twice")
        policies[entry.text("id")] = Policy(entry.text("id"), entry.text("title"), entry.flag("default"))
    found = _read(reader, triggers, "triggers")
    for place, rule in enumerate(found):
        if rule.policy not in policies:
            raise triggers.nodes("triggers")[place].error("policy", "is not one of the policies")
    for name in policies:
        if name not in {rule.policy for rule in found}:
            raise triggers.error("policies", f"{name} has no trigger")
    chosen = tuple(name for name, policy in policies.items() if policy.default)
    rules = {"guards": _read(reader, guards, "guards"), "triggers": found, "cutoffs": _read(reader, cutoffs, "cutoffs")}
    _check_ids(triggers, rules)
    active = tuple(rule for rule in found if rule.policy in chosen)
    return Checks(**rules, active=active, policies=policies, chosen=chosen)


def own_checks(reader: RuleReader, node: YamlNode, shipped: Checks) -> Checks:
    """Lay a laboratory's own file over the shipped checks.

    `policies` chooses lists of triggers; a rule with a shipped id takes its place, another
    is added, and `off` switches rules off.
    """
    node.check_keys([], ["policies", "off", *GROUPS, ORDER])  # own_order.py reads the last
    chosen = list(shipped.chosen)
    if "policies" in node:
        chosen = node.texts("policies")
        for name in chosen:
            if name not in shipped.policies:
                raise node.error("policies", f"{name} is none of {', '.join(shipped.policies)}")
    own = {group: _read(reader, node, group, own=True) for group in GROUPS}
    for rule in own["triggers"]:
        if rule.policy and rule.policy not in shipped.policies:
            raise node.error("triggers", f"{rule.id}: {rule.policy} is none of {', '.join(shipped.policies)}")
    merged = {group: _laid_over(own[group], getattr(shipped, group)) for group in GROUPS}
    _check_ids(node, merged)
    off = set(node.texts("off"))
    known = {rule.id for rules in merged.values() for rule in rules}
    for name in sorted(off - known):
        raise node.error("off", f"{name} is not the id of a guard, a trigger or a cut-off")
    kept = {group: tuple(rule for rule in rules if rule.id not in off) for group, rules in merged.items()}
    # A rule of one's own is in use whatever its policy says.
    names = {rule.id for rule in own["triggers"]}
    active = tuple(rule for rule in kept["triggers"] if rule.policy in chosen or rule.id in names)
    return Checks(**kept, active=active, policies=shipped.policies, chosen=tuple(chosen))


def _check_ids(node: YamlNode, groups: Mapping[str, Sequence[Rule]]) -> None:
    """Refuse an id in two groups: `off` would not know which is meant."""
    seen: set[str] = set()
    for group, rules in groups.items():
        for rule in rules:
            if rule.id in seen:
                raise node.error(group, f"{rule.id} is the id of rules in two groups")
        seen |= {rule.id for rule in rules}


def _laid_over(own: Sequence[Rule], shipped: Sequence[Rule]) -> tuple[Rule, ...]:
    mine = {rule.id: rule for rule in own}
    kept = [mine.pop(rule.id, rule) for rule in shipped]
    return (*kept, *mine.values())


def _read(reader: RuleReader, node: YamlNode, group: str, *, own: bool = False) -> tuple[Rule, ...]:
    if group == "guards":
        return reader.rules(node, group, ["contradicts", "leaves"])
    if group == "triggers":
        required = ["id", "kind"] if own else ["id", "kind", "policy"]
        return reader.rules(node, group, ["urgency", "policy"] if own else ["urgency"], required)
    return reader.rules(node, group)


def is_shipped(rules: str) -> bool:
    """Tell whether a choice of rules is the shipped one; else it must be a YAML file."""
    if rules != "default" and not rules.lower().endswith((".yaml", ".yml")):
        raise UsageError('rules: must be "default", or a path that ends in .yaml')
    return rules == "default"
