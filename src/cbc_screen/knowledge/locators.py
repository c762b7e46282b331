"""Where each number stands in its source, and a fault for every number of which that is not said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cbc_screen.knowledge.adjustments import Adjustment
from cbc_screen.knowledge.checks import Checks
from cbc_screen.knowledge.definitions import PARTS, Cutoff, Definition
from cbc_screen.knowledge.grading import GradeRow
from cbc_screen.knowledge.rules import BloodCriteria, Rule
from cbc_screen.knowledge.scores import Scores
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.vocabulary import Threshold, Verification

NOT_KNOWN = "not_known"
_EVERY = "every"  # number of a source


class Area(StrEnum):
    """Which numbers: the name of a part of locators.yaml."""

    GRADING = "grading"
    ADJUSTMENTS = "adjustments"
    DEFINITIONS = "definitions"
    BLOOD_CRITERIA = "blood_criteria"
    PUBLISHED_CUTOFFS = "published_cutoffs"
    REVIEW_TRIGGERS = "review_triggers"
    SCORES = "scores"
    INDICES = "indices"


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or several of one row: where it is in the tables, and its source."""

    area: Area
    group: str
    item: str
    source: str


@dataclass(frozen=True, slots=True)
class Locator:
    """A number, and its place in the source; None where it was not read."""

    number: Number
    place: str | None


@dataclass(frozen=True)
class Numbered:
    """The tables whose numbers have a place."""

    grading: Mapping[str, Mapping[str, Sequence[GradeRow]]]
    adjustments: Iterable[Adjustment]
    definitions: Iterable[Definition]
    criteria: BloodCriteria
    checks: Checks
    scores: Scores


def load_locators(node: YamlNode, tables: Numbered) -> tuple[Locator, ...]:
    """Load locators.yaml: a place, or that it is not known, for each number of the tables, and for nothing else."""
    node.check_keys(list(Area))
    numbers = list(dict.fromkeys(_numbers(tables)))
    known = {(number.area, number.group, number.item) for number in numbers}
    for area in Area:
        for group in node.node(area):
            for item in node.node(area).node(group):
                if (area, group, item) not in known:
                    raise (
                        node.node(area)
                        .node(group)
                        .error(item, "has no number: its table or rule is gone, or is this project's")
                    )
    return tuple(Locator(number, _place(node, number)) for number in numbers)


def _place(node: YamlNode, number: Number) -> str | None:
    area = node.node(number.area)
    if number.group not in area or number.item not in area.node(number.group):
        told = f"{number.group}, {number.item}: has no place in its source; give one, or not_known"
        raise node.error(number.area, told)
    place = area.node(number.group).text(number.item)
    return None if place == NOT_KNOWN else place


def _numbers(tables: Numbered) -> Iterator[Number]:
    """Yield every number that is not this project's own."""
    for name, graded in tables.grading.items():
        for analyte, rows in graded.items():
            cited = [row.source for row in rows if row.verification is not Verification.PROJECT]
            if cited:
                yield Number(Area.GRADING, name, analyte, ", ".join(dict.fromkeys(cited)))
    for adjustment in tables.adjustments:
        for item in ("elevation", "smoking"):
            yield Number(Area.ADJUSTMENTS, adjustment.table, item, adjustment.source)
    for definition in tables.definitions:
        for part in PARTS:
            cutoff: Cutoff | None = getattr(definition, part)
            if cutoff is not None and cutoff.by_sex is not None:
                yield Number(Area.DEFINITIONS, definition.id, part, cutoff.source)
    yield from _of_rules(tables)
    for score in tables.scores.scores.values():
        items = [*(["cutoffs"] if score.cutoffs else []), *(item.id for item in score.items)]
        for name in items:
            yield Number(Area.SCORES, score.id, name, score.source)
    for index in tables.scores.indices:
        yield Number(Area.INDICES, "of_small_red_cells", index.id, tables.scores.indices_source)


def _of_rules(tables: Numbered) -> Iterator[Number]:
    criteria = tables.criteria
    for rule in criteria.items:
        yield Number(Area.BLOOD_CRITERIA, "severe", rule.id, rule.source)
    for method, rule in criteria.by_method.items():
        yield Number(Area.BLOOD_CRITERIA, "severe", f"reticulocytes_{method}", rule.source)
    yield Number(Area.BLOOD_CRITERIA, "very_severe", criteria.very_severe.id, criteria.very_severe.source)
    for area, rules in (
        (Area.PUBLISHED_CUTOFFS, tables.checks.cutoffs),
        (Area.REVIEW_TRIGGERS, tables.checks.triggers),
    ):
        for source in dict.fromkeys(rule.source for rule in rules if _is_cited(rule)):
            yield Number(area, source, _EVERY, source)


def _is_cited(rule: Rule) -> bool:
    return rule.threshold in (Threshold.SOURCED, Threshold.UNVERIFIED)
