"""The rules of an answer in words: findings that were met, and the entries of the checklist."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

from cbc_screen.ages import AgeSpan
from cbc_screen.kernel.one_record import One
from cbc_screen.kernel.rules import Rules
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.ordering import QuestionKind, questions_in
from cbc_screen.knowledge.predicates import LineIs, LinesLow, Predicate, walk
from cbc_screen.knowledge.rules import Condition, Item, Rule
from cbc_screen.normalize.record import NormalizedRecord
from cbc_screen.report.checklist import Listed
from cbc_screen.report.units import TextUnits
from cbc_screen.report.words import describe, place_reason
from cbc_screen.result import (
    ConditionResult,
    FindingResult,
    LineResult,
    NextTest,
)  # fmt: skip
from cbc_screen.vocabulary import (
    CheckGroup,
    Line,
    LineState,
    Pregnancy,
    Sex,
    Support,
)  # fmt: skip

_SUPPORTS = tuple(Support)
_DECISIVE_FIRST = 100
# The half of a pregnancy is told by these stages; the second trimester is of both.
_FIRST_HALF, _STAGES_OF_A_HALF = "first_half_of_pregnancy", (Pregnancy.T1, Pregnancy.T3, Pregnancy.POSTPARTUM)


@dataclass(frozen=True, slots=True)
class _Template:
    """A condition, the names of the facts about its findings (yes, no, yes, no ...), and their texts."""

    condition: Condition
    names: tuple[str, ...]
    findings: tuple[FindingResult, ...]


class RuleTexts:
    """Words the rules of one screener; the texts of each are made once and shared."""

    def __init__(self, knowledge: Knowledge, rules: Rules, units: TextUnits) -> None:
        self.knowledge, self.rules, self._units = knowledge, rules, units
        # By identity: a rule lives as long as the knowledge, and hashing one by its fields costs more than making its text.
        self._findings: dict[int, FindingResult] = {}
        self._templates = {condition.id: self._template(condition) for condition in rules.conditions}
        self._conditions = lru_cache(maxsize=8192)(self._make_condition)

    def finding(self, rule: Rule) -> FindingResult:
        """Return a rule in words."""
        found = self._findings.get(id(rule))
        if found is None:
            condition = describe(rule.when, self.knowledge, self._units)
            found = self._findings[id(rule)] = FindingResult(
                id=rule.id,
                text=rule.text,
                condition=condition,
                threshold=rule.threshold,
                source=rule.source,
                basis=rule.basis,
                decisive=rule.decisive,
            )
        return found

    def looked_at(self, predicate: Predicate, lines: Sequence[LineResult]) -> tuple[str, ...]:
        """Return the analytes that a predicate is about; for lines, what those that are low are judged on."""
        low = {line.line: line.analyte for line in lines if line.state is LineState.LOW}
        return looked_at(predicate, self.knowledge.analytes, low)

    def fired(self, group: str, rules: Sequence[Rule], conclusions: Mapping[str, int]) -> tuple[FindingResult, ...]:
        """Return the rules of a group that are met, in words."""
        return tuple(self.finding(rule) for rule in rules if conclusions[f"{group}.{rule.id}"])

    def next_test(self, name: str, settles: tuple[str, ...]) -> NextTest:
        """Return a test to consider, with the entries that it would settle."""
        text = self.rules.ordering.questions[name].text
        return NextTest(id=name, text=text, settles=settles)

    def checklist(
        self, listed: Listed, normalized: NormalizedRecord, one: One, compact: bool
    ) -> tuple[ConditionResult, ...]:
        """Return the entries of a list; `compact` leaves their texts out."""
        known = frozenset[str]() if compact else self._known(normalized, one)
        groups = zip(listed.ids, listed.groups, strict=True)
        return tuple(self._condition(name, group, known, one, compact) for name, group in groups)

    def _condition(
        self, name: str, group: CheckGroup, known: frozenset[str], one: One, compact: bool
    ) -> ConditionResult:
        template = self._templates[name]
        holds = () if compact else tuple([one.findings[fact] for fact in template.names])
        return self._conditions(
            name,
            group,
            one.list_codes[f"support.{name}"],
            holds,
            known,
            self._settled_by(template.condition, one),
            compact,
        )

    def _settled_by(self, condition: Condition, one: One) -> str:
        """Return the best test that is left to do, in words; where none is, the best that was done, and that it was."""
        questions, tests = self.rules.ordering.questions, condition.settled_by
        left = next((test for test in tests if not one.list_codes.get(f"answered.{test}")), None)
        if left is not None:
            return questions[left].text
        return f"{questions[next((test for test in tests if questions[test].done_by), tests[0])].text}, done"

    def _known(self, normalized: NormalizedRecord, one: One) -> frozenset[str]:
        """Return what the record answers: analytes, findings, and what is known of the person."""
        person = normalized.person
        known = {name for name, reading in normalized.readings.items() if isfinite(reading.high)}
        known |= {name for name in ("neutrophils", "reticulocytes") if is_worked_out(name, one)}
        known |= {name.rpartition(".")[0] for name in normalized.inputs if name.endswith((".present", ".absent"))}
        known |= {"age"} if person.age is not None else set()
        known |= {"sex"} if person.sex is not Sex.UNKNOWN else set()
        stated = person.pregnancy not in (Pregnancy.UNKNOWN, Pregnancy.NOT_STATED)
        known |= {"pregnancy"} if stated or person.sex is Sex.MALE or self._is_too_young(person.age) else set()
        known |= {_FIRST_HALF} if person.pregnancy in _STAGES_OF_A_HALF else set()
        return frozenset(known)

    def _is_too_young(self, age: AgeSpan | None) -> bool:
        """Tell whether a person is surely younger than anybody who is asked about a pregnancy."""
        return age is not None and age.months_high < 12 * self.knowledge.words.pregnancy_ages[0]

    def _make_condition(
        self,
        name: str,
        group: CheckGroup,
        support: int,
        answers: tuple[float, ...],
        known: frozenset[str],
        settled_by: str,
        compact: bool,
    ) -> ConditionResult:
        """Make an entry of the checklist from what is known of its findings.

        Kept for the next record with the same answers: most entries of a list say the
        same of everybody whose film and history nobody has stated.
        """
        template = self._templates[name]
        condition = template.condition
        parts: dict[str, Any] = {
            "id": name,
            "name": condition.name,
            "group": group,
            "support": _SUPPORTS[support],
            "place_reason": place_reason(condition, group, _SUPPORTS[support]),
            "summary": "",
            "findings_for": (),
            "findings_against": (),
            "missing": (),
            "settled_by": settled_by,
            "next_tests": (),
            "not_decidable": "",
            "limits": "",
        }
        if not compact:
            yes, no = answers[0::2], answers[1::2]
            sides = len(condition.findings_for)
            holds = [place for place, is_true in enumerate(yes) if is_true]
            unknown = [place for place, (t, f) in enumerate(zip(yes, no, strict=True)) if not t and not f]
            strongest = sorted(holds, key=lambda place: -_strength(condition.findings[place]))
            parts |= {
                "summary": condition.summary,
                "findings_for": tuple(template.findings[place] for place in strongest if place < sides),
                "findings_against": tuple(template.findings[place] for place in strongest if place >= sides),
                "missing": self._missing(condition, unknown, known),
                "next_tests": self._left(condition.next_tests, known),
                "not_decidable": condition.not_decidable,
                "limits": condition.limits,
            }
        return ConditionResult(**parts)

    def _missing(self, condition: Condition, unknown: Sequence[int], known: frozenset[str]) -> tuple[str, ...]:
        """Return the questions that unknown findings leave open, the weightiest first, then what no count shows."""
        ordering = self.rules.ordering
        found: dict[str, None] = {}
        for place in sorted(unknown, key=lambda place: -_strength(condition.findings[place])):
            for part in questions_in(condition.findings[place].when):
                question = ordering.questions[ordering.question_of.get(part, part)]
                is_done = question.kind is QuestionKind.TEST and question.is_answered(known)
                if part not in known and not is_done:
                    # Of results that were sent in part, what was not: MCV is not missing where RDW is.
                    in_part = question.kind is QuestionKind.RESULT and question.is_answered(known)
                    found[self.knowledge.analytes[part].label if in_part else question.text] = None
        return (*found, *self._left(condition.missing, known, found))

    def _left(self, items: Sequence[Item], known: frozenset[str], said: Container[str] = ()) -> tuple[str, ...]:
        """Return the texts of items, but for those of which every question is answered, or said already."""
        questions = self.rules.ordering.questions

        def is_over(name: str) -> bool:
            return questions[name].is_answered(known) or questions[name].text in said

        done = (bool(item.about) and all(map(is_over, item.about)) for item in items)
        return tuple(item.text for item, is_done in zip(items, done, strict=True) if not is_done)

    def _template(self, condition: Condition) -> _Template:
        sides = (("for", condition.findings_for), ("against", condition.findings_against))
        facts = [f"{side}.{condition.id}.{rule.id}" for side, rules in sides for rule in rules]
        findings = [self.finding(rule) for _, rules in sides for rule in rules]
        return _Template(
            condition, tuple(f"{fact}.{answer}" for fact in facts for answer in ("yes", "no")), tuple(findings)
        )


def looked_at(predicate: Predicate, analytes: Container[str], low: Mapping[Line, str]) -> tuple[str, ...]:
    """Return the analytes that a predicate is about; `low` says of each line that is low what it is judged on."""
    found = [name for name in questions_in(predicate) if name in analytes]
    for part in walk(predicate):
        if isinstance(part, LinesLow):
            found += low.values()
        elif isinstance(part, LineIs) and part.line in low:
            found.append(low[part.line])
    return tuple(dict.fromkeys(found))


def is_worked_out(analyte: str, one: One) -> bool:
    """Tell whether the value of an analyte comes from others: a percentage, or segmented cells and bands."""
    return bool(one.codes.get(f"{analyte}.derived") or one.codes.get(f"{analyte}.by_parts"))


def _strength(rule: Rule) -> int:
    """Return what findings are shown by, strongest first: a decisive one before all others."""
    return abs(rule.points) + (_DECISIVE_FIRST if rule.decisive else 0)
