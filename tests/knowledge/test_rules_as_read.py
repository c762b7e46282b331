"""Rules, predicates, criteria and scores as they are read, and what is told of a finding that orders nothing."""

from __future__ import annotations

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.predicates import (
    BeyondRange,
    Compare,
    FindingIs,
    HowMany,
    LineIs,
    LinesLow,
    Predicate,
    Vocabulary,
    parse_predicate,
)
from cbc_screen.knowledge.rules import RuleReader
from cbc_screen.knowledge.scores import Scores, load_scores
from cbc_screen.knowledge.weighing import follows
from cbc_screen.vocabulary import Line, ReticulocyteMethod, State

FINDINGS = Vocabulary({}, {"fever": "fever", "cough": "cough"}, frozenset())


def test_a_rule_has_the_points_it_is_given_and_none_otherwise() -> None:
    text = "text: fever\nwhen: {finding: fever}\nthreshold: sourced\nsource: made_up\n"
    reader = RuleReader(FINDINGS, ["made_up"])
    assert reader.rule(parse_yaml(text, "guards.yaml")).points == 0
    assert reader.rule(parse_yaml(f"{text}points: 3\n", "guards.yaml"), ["points"]).points == 3


@pytest.mark.parametrize(("key", "side"), [("above_upper_limit_by", State.HIGH), ("below_lower_limit_by", State.LOW)])
def test_a_distance_from_the_range_is_read(key: str, side: State) -> None:
    words = Vocabulary(load_knowledge().analytes, {}, frozenset())
    found = parse_predicate(parse_yaml(f"analyte: mcv\n{key}: 4\nunit: fL\n", "guards.yaml"), words)
    assert found == BeyondRange("mcv", side, 4.0, "fL")


def test_the_blood_criteria_have_items_and_one_by_the_method_of_counting() -> None:
    mark = "threshold: sourced, source: made_up"
    text = (
        "severe:\n  at_least: 2\n  items:\n"
        f"    - {{id: a, text: item a, when: {{finding: fever}}, {mark}}}\n"
        "    - id: b\n      text: item b\n      by_method:\n"
        f"        automated: {{when: {{finding: fever}}, {mark}}}\n"
        f"        manual: {{when: {{finding: cough}}, {mark}}}\n"
        f"very_severe: {{id: c, text: item c, when: {{finding: cough}}, {mark}}}\n"
        "missing: what is not in it\n"
    )
    found = RuleReader(FINDINGS, ["made_up"]).criteria(parse_yaml(text, "blood_criteria.yaml"))
    assert (found.at_least, found.missing) == (2, "what is not in it")
    assert [(rule.id, rule.when) for rule in found.items] == [("a", FindingIs("fever", True))]
    assert {method: rule.when for method, rule in found.by_method.items()} == {
        ReticulocyteMethod.AUTOMATED: FindingIs("fever", True),
        ReticulocyteMethod.MANUAL: FindingIs("cough", True),
    }
    assert (found.very_severe.id, found.very_severe.when) == ("c", FindingIs("cough", True))


def scores(item: str) -> Scores:
    text = (
        "scores:\n  - id: made_up\n    name: made up\n    about: nothing\n    source: made_up\n"
        f"    cutoffs: [{{points: 1, text: one}}]\n    items:\n      - {{id: one, text: one, {item}}}\n"
        "indices:\n  only_when_low: mcv\n  sides: {thalassemia: below it, iron: not below it}\n  source: made_up\n"
        "  formulas: [{id: quotient, name: quotient, formula: mcv / rbc, below: 13}]\n"
    )
    return load_scores(parse_yaml(text, "scores.yaml"), ["mcv", "rbc"], ["made_up"])


def test_scores_and_indices_are_read() -> None:
    found = scores("analyte: mcv, unit: fL, bands: [{points: 0, below: 1}, {points: 2, below: 5}, {points: 4}]")
    assert (found.only_when_low, found.sides, found.indices_source) == ("mcv", ("below it", "not below it"), "made_up")
    assert [index.analytes for index in found.indices] == [("mcv", "rbc")]
    [item] = found.scores["made_up"].items
    assert [(band.points, band.comparison, band.limit) for band in item.bands] == [
        (0, "below", 1),
        (2, "below", 5),
        (4, None, 0),
    ]


@pytest.mark.parametrize("points", ["[0, 1]", "[0, 1, 2, 3]", "[]"])
def test_points_are_those_of_none_one_and_all_of_the_conditions(points: str) -> None:
    with pytest.raises(KnowledgeError, match=r"^scores\.yaml:8: points: must give the points for none, one, "):
        scores(f"points: {points}, of: [{{stated: a}}, {{stated: b}}]")


@pytest.mark.parametrize("points", ["2", "two"])
def test_points_of_conditions_are_a_list(points: str) -> None:
    with pytest.raises(KnowledgeError, match=r"^scores\.yaml:8: points: must give the points for none, one, "):
        scores(f"points: {points}, of: [{{stated: a}}, {{stated: b}}]")


def test_the_limits_of_bands_rise_to_the_last_one() -> None:
    with pytest.raises(KnowledgeError, match=r"^scores\.yaml:8: bands: must stand in order$"):
        scores(
            "analyte: mcv, bands: [{points: 0, below: 1}, {points: 1, below: 7}, {points: 2, below: 5}, {points: 4}]"
        )


LOW_RED, FEVER = LineIs(Line.RED, True), FindingIs("fever", True)
BELOW_USUAL = Compare("hemoglobin", "below", 9.0, "g/L")


@pytest.mark.parametrize(
    "predicate",
    [
        LOW_RED,
        LinesLow("at_least", 1),
        Compare("hemoglobin", "at_most", 10.0, "g/L"),
        HowMany(1, (LOW_RED, FEVER)),
        HowMany(2, (LOW_RED, LinesLow("at_least", 1), FEVER)),
    ],
)
def test_a_finding_that_every_count_with_a_low_line_has_follows(predicate: Predicate) -> None:
    assert follows(predicate, {"hemoglobin": 10.0}) is True


@pytest.mark.parametrize(
    "predicate",
    [
        LineIs(Line.RED, False),
        FEVER,
        BELOW_USUAL,
        Compare("hemoglobin", "above", 12.0, "g/L"),
        HowMany(2, (LOW_RED, FEVER)),
    ],
)
def test_a_finding_that_only_some_of_them_have_does_not(predicate: Predicate) -> None:
    assert follows(predicate, {"hemoglobin": 10.0}) is False
