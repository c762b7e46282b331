"""Checks of what findings weigh: bands, marks, and what every count of a pattern has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import inf

from cbc_screen.knowledge.predicates import (
    Compare,
    FindingIs,
    HowMany,
    LineIs,
    LinesLow,
    Not,
    Possible,
    Postpartum,
    Predicate,
    Pregnant,
    StageIs,
    StateIs,
)  # fmt: skip
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.knowledge.rules import Condition, Rule
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.vocabulary import AnalyteGroup

Band = tuple[str, frozenset[Predicate], float, float]  # an analyte, what else is asked, from, to
SIDES = ("findings_for", "findings_against")
_MOST_POINTS = 8


def check_weights(
    node: YamlNode,
    condition: Condition,
    analytes: Mapping[str, Analyte],
    usual: Mapping[str, float],
    seen: frozenset[str],
) -> None:
    """Refuse weights that do not hold together, naming the key of the finding.

    `usual` gives the highest limit of each count below which a line is low; `seen` the counts that are
    findings of the film, and may be decisive.
    """
    for side in SIDES:
        rules: Sequence[Rule] = getattr(condition, side)
        for entry, rule in zip(node.nodes(side), rules, strict=True):
            check_points(entry, rule, side)
            if rule.points == 0 and not rule.decisive:
                raise entry.error("points", "must not be 0, except for a decisive combination")
            if rule.decisive and not decides(rule.when, analytes, seen):
                raise entry.error("decisive", f"{rule.id}: a cut-off of one count never is decisive")
            if side == SIDES[0] and rule.points > 0 and follows(rule.when, usual):
                raise entry.error("when", f"{rule.id}: every count with that line low has it, so it orders nothing")
        names = [rule.together for rule in rules if rule.together]
        for entry, rule in zip(node.nodes(side), rules, strict=True):
            if rule.together and names.count(rule.together) == 1:
                raise entry.error("together", f"{rule.id}: no other finding of this side is named {rule.together}")
    _check_bands(node, condition)
    decidable = any(rule.decisive for rule in condition.findings_for)
    if decidable and condition.not_decidable:
        raise node.error("not_decidable", "a finding for it is decisive")
    if not decidable and not condition.not_decidable:
        raise node.error("findings_for", "none is decisive; mark one, or say in not_decidable why none can be")


def check_points(entry: YamlNode, rule: Rule, side: str, key: str = "points") -> None:
    """Refuse points that are too many, or of the wrong sign for their side; `key` is where they stand."""
    if abs(rule.points) > _MOST_POINTS:
        raise entry.error(key, f"must lie between -{_MOST_POINTS} and {_MOST_POINTS}")
    if (rule.points < 0) != (side == SIDES[1]) and rule.points != 0:
        raise entry.error(key, "must be above 0 for a finding for, below 0 for one against")


def _check_bands(node: YamlNode, condition: Condition) -> None:
    """Refuse two bands of one analyte that overlap, all else equal: a number would be counted twice."""
    entries = [*node.nodes(SIDES[0]), *node.nodes(SIDES[1])]
    bands = [(entry, rule, band) for entry, rule in zip(entries, condition.findings, strict=True)
             if rule.points for band in plain_bands(rule.when)]  # fmt: skip
    for (_, first, a), (entry, second, b) in combinations(bands, 2):
        if a[:2] == b[:2] and max(a[2], b[2]) < min(a[3], b[3]):
            raise entry.error("when", f"{second.id}: its band of {a[0]} overlaps that of {first.id}")


def plain_bands(predicate: Predicate) -> Iterator[Band]:
    """Yield the band of each analyte that a predicate compares, with what else it asks."""
    parts = predicate.of if isinstance(predicate, HowMany) else (predicate,)
    if isinstance(predicate, HowMany) and predicate.at_least != len(parts):
        return
    for subject in {part.subject for part in parts if isinstance(part, Compare)}:
        low, high = 0.0, inf
        rest: list[Predicate] = []
        for part in parts:
            if not isinstance(part, Compare) or part.subject != subject:
                rest.append(part)
            elif part.comparison in ("below", "at_most"):
                high = min(high, part.value)
            else:
                low = max(low, part.value)
        yield subject, frozenset(rest), low, high


def decides(predicate: Predicate, analytes: Mapping[str, Analyte], seen: frozenset[str]) -> bool:
    """Tell whether every way to hold rests on more than cut-offs of one count."""
    return all(_more_than_one_count(way, analytes, seen) for way in ways(predicate))


def _more_than_one_count(way: Sequence[Predicate], analytes: Mapping[str, Analyte], seen: frozenset[str]) -> bool:
    counts: set[str] = set()
    stated = False
    for part in way:
        inner = part.of if isinstance(part, Not | Possible) else part
        if isinstance(inner, Compare | StateIs):
            subject = inner.subject if isinstance(inner, Compare) else inner.analyte
            if subject in seen or (subject in analytes and analytes[subject].group is not AnalyteGroup.COUNT):
                return True
            counts.add(subject.removesuffix("_percent"))
        elif isinstance(inner, FindingIs):
            return True
        elif isinstance(inner, LineIs):
            counts.add(f"line {inner.line}")
        elif isinstance(inner, Pregnant | Postpartum | StageIs):
            stated = True
    return len({name for name in counts if not name.startswith("line ")}) > 1 or (stated and bool(counts))


def ways(predicate: Predicate) -> Iterator[tuple[Predicate, ...]]:
    """Yield the ways in which a predicate can hold: the parts that each needs."""
    if not isinstance(predicate, HowMany):
        yield (predicate,)
        return
    for chosen in combinations(predicate.of, predicate.at_least):
        partial: list[tuple[Predicate, ...]] = [()]
        for part in chosen:
            partial = [(*before, *own) for before in partial for own in ways(part)]
        yield from partial


def follows(predicate: Predicate, usual: Mapping[str, float]) -> bool:
    """Tell whether a predicate holds for every count in which the line it asks about is low."""
    match predicate:
        case LineIs(_, low, _):
            return low
        case LinesLow():
            return True
        case Compare(subject, comparison, value):
            return comparison in ("below", "at_most") and value >= usual.get(subject, inf)
        case HowMany(at_least, of):
            return sum(follows(part, usual) for part in of) >= at_least
        case _:
            return False
