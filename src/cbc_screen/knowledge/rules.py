"""Rules as data: conditions of the checklist, guards, review triggers, urgency, blood criteria."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cbc_screen.knowledge.predicates import Predicate, Vocabulary, of_history, parse_predicate
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.vocabulary import Basis, Contradiction, Line, ReticulocyteMethod, Threshold, Tier, TriggerKind, Urgency

_TIERS = tuple(Tier)

WITNESS_FIELDS = ("age", "sex", "pregnancy", "reticulocyte_method", "wbc_uncorrected", "film", "context")


@dataclass(frozen=True, slots=True)
class Rule:
    """A named predicate with its text, the mark of its number and its source."""

    id: str
    text: str
    when: Predicate
    threshold: Threshold
    source: str
    points: int = 0
    basis: Basis | None = None
    together: str = ""
    decisive: bool = False
    urgency: Urgency = Urgency.NONE
    kind: TriggerKind | None = None
    contradicts: Line | None = None
    leaves: Contradiction | None = None  # of the neutrophils, where the rule contradicts the white line
    policy: str = ""


WEIGHED = ("id", "points", "basis")


@dataclass(frozen=True, slots=True)
class Item:
    """Something a blood count cannot show, or a test a clinician may want to look at."""

    id: str
    text: str
    source: str
    about: tuple[str, ...] = ()  # questions: where each of them is answered, it is not said


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of the checklist."""

    id: str
    name: str
    summary: str
    tier: Tier
    rank: int
    only_when: Predicate | None
    shown_when: Predicate | None  # stands before the fold
    shown_unless_decided: Predicate | None  # likewise, where no other condition is supported
    findings_for: tuple[Rule, ...]
    findings_against: tuple[Rule, ...]
    settled_by: tuple[str, ...]
    missing: tuple[Item, ...]
    next_tests: tuple[Item, ...]
    urgency: tuple[Rule, ...]
    not_decidable: str
    limits: str
    facts: tuple[Item, ...]  # how often and whom: for its page, never beside a person
    sources: tuple[str, ...]
    approved_by: tuple[str, ...]
    witnesses: Mapping[str, Mapping[str, Any]]

    @property
    def findings(self) -> tuple[Rule, ...]:
        """The findings for it, then those against it."""
        return (*self.findings_for, *self.findings_against)


@dataclass(frozen=True, slots=True)
class BloodCriteria:
    """The peripheral-blood items of the aplastic anemia severity criteria."""

    at_least: int
    items: tuple[Rule, ...]
    by_method: Mapping[ReticulocyteMethod, Rule]
    very_severe: Rule
    missing: str


def _urgency(node: YamlNode, key: str) -> Urgency:
    """Return what a rule raises the urgency to: a trigger may leave it alone, a rule of urgency may not."""
    level = node.choice(key, Urgency)
    none = [Urgency.NONE] if key == "urgency" else []
    levels = [*none, Urgency.ROUTINE, Urgency.PROMPT, Urgency.IMMEDIATE]
    if level not in levels:
        raise node.error(key, f"must be one of {', '.join(levels)}")
    return level


def _contradicted(node: YamlNode) -> Line | None:
    """Return the line that a check contradicts; only of the neutrophils is it known what is left then."""
    if "contradicts" not in node:
        return None
    if node.choice("contradicts", Line) is not Line.WHITE:
        raise node.error("contradicts", "must be white: no other line has two results that can contradict")
    if "leaves" not in node:
        raise node.error("leaves", f"is missing: one of {', '.join(Contradiction)}")
    return Line.WHITE


class RuleReader:
    """Reads rules against one vocabulary and one list of sources."""

    def __init__(self, words: Vocabulary, sources: Iterable[str]) -> None:
        self._words, self._sources = words, set(sources)

    def source(self, node: YamlNode) -> str:
        """Return the source id of an entry, which must be listed in sources.csv."""
        if node.text("source") not in self._sources:
            raise node.error("source", "is not in sources.csv")
        return node.text("source")

    def rule(self, node: YamlNode, extra: Iterable[str] = (), optional: Iterable[str] = ()) -> Rule:
        """Read one rule."""
        node.check_keys(["text", "when", "threshold", "source", *extra], list(optional))
        level = next((key for key in ("level", "urgency") if key in node), None)
        return Rule(
            id=node.text("id") if "id" in node else node.text("text"),
            text=node.text("text"),
            when=parse_predicate(node.node("when"), self._words),
            threshold=node.choice("threshold", Threshold),
            source=self.source(node),
            points=node.whole("points") if "points" in node else 0,
            basis=node.choice("basis", Basis) if "basis" in node else None,
            together=node.text("together") if "together" in node else "",
            decisive=node.flag("decisive"),
            urgency=_urgency(node, level) if level is not None else Urgency.NONE,
            kind=node.choice("kind", TriggerKind) if "kind" in node else None,
            contradicts=_contradicted(node),
            leaves=node.choice("leaves", Contradiction) if "leaves" in node else None,
            policy=node.text("policy") if "policy" in node else "",
        )

    def rules(
        self, node: YamlNode, key: str, optional: Iterable[str] = (), extra: Iterable[str] = ("id",)
    ) -> tuple[Rule, ...]:
        """Read a list of rules with unique ids."""
        found = tuple(self.rule(entry, extra, optional) for entry in node.nodes(key))
        if len({rule.id for rule in found}) != len(found):
            raise node.error(key, "two entries have the same id")
        return found

    def condition(self, node: YamlNode) -> Condition:
        """Read one file of checklist/."""
        node.check_keys(
            ["id", "name", "summary", "tier", "rank", "findings_for", "findings_against", "settled_by", "missing",
             "next_tests", "urgency", "limits", "sources", "approved_by", "witnesses"],
            ["only_when", "shown_when", "shown_unless_decided", "not_decidable", "facts"],
        )  # fmt: skip
        condition = Condition(
            id=node.text("id"),
            name=node.text("name"),
            summary=node.text("summary"),
            tier=node.choice("tier", Tier),
            rank=node.whole("rank"),
            only_when=self._optional(node, "only_when"),
            shown_when=self._optional(node, "shown_when"),
            shown_unless_decided=self._optional(node, "shown_unless_decided"),
            findings_for=self.rules(node, "findings_for", ["together", "decisive"], WEIGHED),
            findings_against=self.rules(node, "findings_against", ["together", "decisive"], WEIGHED),
            settled_by=tuple(node.texts("settled_by")),
            missing=self._items(node, "missing", ["id", "text", "source"]),
            next_tests=self._items(node, "next_tests", ["text", "source"]),
            urgency=self.rules(node, "urgency", extra=("level",)),
            not_decidable=node.text("not_decidable") if "not_decidable" in node else "",
            limits=node.text("limits"),
            facts=self._items(node, "facts", ["text", "source"]) if "facts" in node else (),
            sources=tuple(node.texts("sources")),
            approved_by=tuple(node.texts("approved_by")),
            witnesses=self._witnesses(node),
        )
        self._check_sources(node, condition)
        return condition

    def _optional(self, node: YamlNode, key: str) -> Predicate | None:
        if key not in node:
            return None
        found = parse_predicate(node.node(key), self._words)
        if of_history(found):
            raise node.error(key, "may not ask for a course, which nobody knows without earlier counts")
        return found

    def _items(self, node: YamlNode, key: str, keys: list[str]) -> tuple[Item, ...]:
        items = []
        for entry in node.nodes(key):
            entry.check_keys(keys, ["about"])
            about = tuple(entry.texts("about")) if "about" in entry else ()
            items.append(Item(str(entry.get("id", "")), entry.text("text"), self.source(entry), about))
        return tuple(items)

    def _witnesses(self, node: YamlNode) -> Mapping[str, Mapping[str, Any]]:
        witnesses = node.node("witnesses")
        decidable = [] if "not_decidable" in node else ["supported"]
        witnesses.check_keys(["silent", "contradicted", *decidable])
        for name in witnesses:
            self._check_witness(witnesses.node(name))
        return {name: dict(witnesses.node(name)) for name in witnesses}

    def _check_witness(self, record: YamlNode) -> None:
        for key in record:
            if key not in self._words.analytes and key not in WITNESS_FIELDS:
                raise record.error(key, "is not a field of a record")
        for group in ("film", "context"):
            for finding in record.node(group) if group in record else ():
                if finding not in self._words.findings:
                    raise record.node(group).error(finding, "is not in findings.yaml")

    def _check_sources(self, node: YamlNode, condition: Condition) -> None:
        used = {rule.source for rule in (*condition.findings_for, *condition.findings_against, *condition.urgency)}
        used |= {item.source for item in (*condition.missing, *condition.next_tests, *condition.facts)}
        if used != set(condition.sources):
            raise node.error(
                "sources",
                f"must list exactly the sources used; differs in {', '.join(sorted(used ^ set(condition.sources)))}",
            )

    def criteria(self, node: YamlNode) -> BloodCriteria:
        """Read blood_criteria.yaml."""
        node.check_keys(["severe", "very_severe", "missing"])
        severe = node.node("severe")
        severe.check_keys(["at_least", "items"])
        plain: list[Rule] = []
        methods: dict[ReticulocyteMethod, Rule] = {}
        for entry in severe.nodes("items"):
            if "by_method" not in entry:
                plain.append(self.rule(entry, ["id"]))
                continue
            entry.check_keys(["id", "text", "by_method"])
            entry.node("by_method").check_keys([ReticulocyteMethod.AUTOMATED, ReticulocyteMethod.MANUAL])
            for method in (ReticulocyteMethod.AUTOMATED, ReticulocyteMethod.MANUAL):
                inner = entry.node("by_method").node(method)
                inner.check_keys(["when", "threshold", "source"])
                when = parse_predicate(inner.node("when"), self._words)
                methods[method] = Rule(
                    entry.text("id"),
                    entry.text("text"),
                    when,
                    inner.choice("threshold", Threshold),
                    self.source(inner),
                )
        if not 1 <= severe.whole("at_least") <= len(plain) + bool(methods):
            raise severe.error("at_least", "must lie between 1 and the number of items")
        return BloodCriteria(
            at_least=severe.whole("at_least"),
            items=tuple(plain),
            by_method=methods,
            very_severe=self.rule(node.node("very_severe"), ["id"]),
            missing=node.text("missing"),
        )


def check_rank(node: YamlNode, condition: Condition, others: Iterable[Condition]) -> None:
    """Refuse a rank that another condition of the tier has."""
    if any((condition.tier, condition.rank) == (other.tier, other.rank) for other in others):
        raise node.error("rank", "is the rank of another condition of this tier too")


def in_rank(condition: Condition) -> tuple[int, int]:
    """Return what decides between conditions that are even: the tier, and within it the rank."""
    return _TIERS.index(condition.tier), condition.rank
