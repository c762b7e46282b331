"""How the checklist is ordered: starting tiers, groups, and the questions that would settle it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.edges import AgeEdge, read_edge
from cbc_screen.knowledge.predicates import (
    AgeIs,
    BeyondRange,
    Compare,
    FindingIs,
    MethodIs,
    Postpartum,
    Predicate,
    Pregnant,
    SexIs,
    StageIs,
    StateIs,
    Vocabulary,
    parse_predicate,
    walk,
)  # fmt: skip
from cbc_screen.knowledge.rules import Condition
from cbc_screen.knowledge.strict import Row, YamlNode, parse_csv
from cbc_screen.vocabulary import Threshold

TIERS_FILE = "starting_tiers.csv"
SIZES = ("red_microcytic", "red_normocytic", "red_macrocytic", "red_mcv_unknown")
COMBINATIONS = (*SIZES, "white", "platelet", "red_white", "red_platelet", "white_platelet", "pancytopenia")
TIER_COLUMNS = ("condition", "ages", *COMBINATIONS, "threshold", "source", "notes")
ANY_AGE = "any"
MOST_TIER = 5
# What a question may be about, besides analytes and findings.
PERSON_QUESTIONS = ("age", "sex", "pregnancy", "reticulocyte_method")


class QuestionKind(StrEnum):
    """How a question is answered."""

    TEST = "test"
    RESULT = "result"
    EXAMINATION = "examination"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person can answer or a laboratory can test, and the facts it answers.

    `done_by` are those of the facts of which one that is known says that the test was done. A test with `asked_when`
    is asked only where that surely holds: one for malaria after exposure.
    """

    id: str
    kind: QuestionKind
    text: str
    answers: tuple[str, ...]
    done_by: tuple[str, ...]
    asked_when: Predicate | None = None

    @property
    def may_be_left(self) -> bool:
        """Whether there are counts for which the test is not asked."""
        return bool(self.done_by) or self.asked_when is not None

    def is_answered(self, known: Container[str]) -> bool:
        """Tell whether what is known answers it: age, sex and pregnancy by themselves, others by what they were found by."""
        return self.id in known or any(fact in known for fact in self.done_by)


@dataclass(frozen=True, slots=True)
class StartingTier:
    """How common a condition is for each combination of low lines, in one class of ages."""

    tiers: Mapping[str, int]
    threshold: Threshold
    source: str


@dataclass(frozen=True, eq=False)
class Ordering:
    """The table of tiers, the sizes of the groups, and the questions."""

    ages: tuple[tuple[str, AgeEdge], ...]  # class and the age below which it is, youngest first
    tiers: Mapping[str, Mapping[str, StartingTier]]  # by condition and class of ages
    fits_least: int
    fits_within: int
    fits_most: int
    not_to_miss_least: int
    not_to_miss_most: int
    possible_least: int
    tests_most: int
    first_test: str
    unsent_test: str  # where a line was not sent
    unclear_test: str  # where it was, and cannot be judged
    anemia_test: str  # where the red line is low
    without_tier: int
    uncertain_less: int
    together_plus: int
    borderline_within: float
    borderline_test: str
    no_line_low: frozenset[str]
    decisive_counts: frozenset[str]
    low_line: Mapping[str, float]  # below these every count with the line low lies
    questions: Mapping[str, Question]
    question_of: Mapping[str, str]  # by analyte or finding


def load_ordering(
    node: YamlNode,
    tiers: str,
    questions: YamlNode,
    known: Iterable[str],
    findings: Iterable[str],
    sources: Iterable[str],
    words: Vocabulary,
) -> Ordering:
    """Load ordering.yaml, starting_tiers.csv and questions.yaml; `known` are analytes and findings."""
    node.check_keys(
        ["ages", "fits", "not_to_miss", "also_possible", "next_tests", "without_tier", "uncertain_lines", "together",
         "borderline", "no_line_low", "decisive_counts", "low_line", "threshold", "source"],
    )  # fmt: skip
    ages = []
    for entry in node.nodes("ages"):
        entry.check_keys(["id", "below", "unit"])
        ages.append((entry.text("id"), read_edge(entry, "below")))
    node.node("fits").check_keys(["least", "within", "most"])
    node.node("not_to_miss").check_keys(["least", "most"])
    for key, inner in (("also_possible", "least"), ("without_tier", "least"), ("uncertain_lines", "less"),
                       ("together", "plus")):  # fmt: skip
        node.node(key).check_keys([inner])
    node.node("borderline").check_keys(["within", "test"])
    node.node("next_tests").check_keys(["most", "first", "unsent_line", "unclear_line", "red_line_low"])
    if node.text("source") not in set(sources):
        raise node.error("source", "is not in sources.csv")
    node.choice("threshold", Threshold)
    asked, question_of = _load_questions(questions, set(known), findings, set(sources), words)
    for key, inner in (("next_tests", "first"), ("next_tests", "unsent_line"), ("next_tests", "unclear_line"), ("next_tests", "red_line_low"),
                       ("borderline", "test")):  # fmt: skip
        if node.node(key).text(inner) not in asked:
            raise node.node(key).error(inner, "is not in questions.yaml")
    return Ordering(
        ages=tuple(ages),
        tiers=_load_tiers(tiers, [name for name, _ in ages], set(sources)),
        fits_least=node.node("fits").whole("least"),
        fits_within=node.node("fits").whole("within"),
        fits_most=node.node("fits").whole("most"),
        not_to_miss_least=node.node("not_to_miss").whole("least"),
        not_to_miss_most=node.node("not_to_miss").whole("most"),
        possible_least=node.node("also_possible").whole("least"),
        tests_most=node.node("next_tests").whole("most"),
        first_test=node.node("next_tests").text("first"),
        unsent_test=node.node("next_tests").text("unsent_line"),
        unclear_test=node.node("next_tests").text("unclear_line"),
        anemia_test=node.node("next_tests").text("red_line_low"),
        without_tier=node.node("without_tier").whole("least"),
        uncertain_less=node.node("uncertain_lines").whole("less"),
        together_plus=node.node("together").whole("plus"),
        borderline_within=node.node("borderline").number("within"),
        borderline_test=node.node("borderline").text("test"),
        no_line_low=frozenset(node.texts("no_line_low")),
        decisive_counts=frozenset(node.texts("decisive_counts")),
        low_line={name: node.node("low_line").number(name) for name in node.node("low_line")},
        questions=asked,
        question_of=question_of,
    )


def _load_questions(
    node: YamlNode, known: set[str], findings: Iterable[str], sources: set[str], words: Vocabulary
) -> tuple[dict[str, Question], dict[str, str]]:
    node.check_keys(["threshold", "source", "questions"])
    node.choice("threshold", Threshold)
    if node.text("source") not in sources:
        raise node.error("source", "is not in sources.csv")
    questions: dict[str, Question] = {}
    answered: dict[str, str] = {}
    for entry in node.nodes("questions"):
        entry.check_keys(["id", "kind", "text", "answers"], ["done_by", "asked_when"])
        answers = tuple(entry.texts("answers"))
        done_by = tuple(entry.texts("done_by")) if "done_by" in entry else answers
        if not set(done_by) <= set(answers):
            raise entry.error("done_by", "must be some of answers")
        asked_when = parse_predicate(entry.node("asked_when"), words) if "asked_when" in entry else None
        question = Question(
            entry.text("id"), entry.choice("kind", QuestionKind), entry.text("text"), answers, done_by, asked_when
        )
        if question.id in questions:
            raise entry.error("id", "is given twice")
        questions[question.id] = question
        for name in question.answers:
            if name not in known:
                raise entry.error("answers", f"{name} is neither an analyte nor a finding")
            if name in answered:
                raise entry.error("answers", f"{name} is answered by {answered[name]} too")
            answered[name] = question.id
    for name in PERSON_QUESTIONS:
        if name not in questions:
            raise node.error("questions", f"{name} is missing; rules ask for it")
    for name in findings:
        if name not in answered:
            raise node.error("questions", f"no question is answered by the finding {name}")
    return questions, answered


def _load_tiers(text: str, ages: list[str], sources: set[str]) -> dict[str, dict[str, StartingTier]]:
    found: dict[str, dict[str, StartingTier]] = {}
    for row in parse_csv(text, TIERS_FILE, TIER_COLUMNS):
        own = found.setdefault(row.text("condition"), {})
        name = row.choice("ages", [ANY_AGE, *ages])
        if name in own:
            raise row.error("ages", "is given twice for this condition")
        if row.text("source") not in sources:
            raise row.error("source", "is not in sources.csv")
        threshold = Threshold(row.choice("threshold", list(Threshold)))
        own[name] = StartingTier(_tiers(row), threshold, row.text("source"))
    return found


def _tiers(row: Row) -> dict[str, int]:
    tiers: dict[str, int] = {}
    for name in COMBINATIONS:
        tier = row.number(name)
        if tier is None:
            continue
        if tier != int(tier) or not 0 <= tier <= MOST_TIER:
            raise row.error(name, f"must be a whole number from 0 to {MOST_TIER}, or empty")
        tiers[name] = int(tier)
    return tiers


def check_ordering(node: YamlNode, ordering: Ordering, conditions: Mapping[str, tuple[YamlNode, Condition]]) -> None:
    """Refuse ids that name nothing, and conditions without a row or a test."""
    for name in sorted(ordering.no_line_low - conditions.keys()):
        raise node.error("no_line_low", f"{name} is not a condition")
    for name in sorted(ordering.tiers.keys() ^ conditions.keys()):
        raise KnowledgeError(TIERS_FILE, None, "condition", f"{name} needs one file in checklist/ and rows here")
    for own, condition in conditions.values():
        if not condition.settled_by:
            raise own.error("settled_by", "must name at least one test")
        for name in condition.settled_by:
            if name not in ordering.questions:
                raise own.error("settled_by", f"{name} is not in questions.yaml")
        for key, items in (("missing", condition.missing), ("next_tests", condition.next_tests)):
            for name in (name for item in items for name in item.about if name not in ordering.questions):
                raise own.error(key, f"{name} is not in questions.yaml")
        for rule in condition.findings:
            for part in questions_in(rule.when):
                if part not in ordering.questions and part not in ordering.question_of:
                    raise own.error("findings_for", f"{rule.id}: no question is answered by {part}")


def questions_in(predicate: Predicate) -> tuple[str, ...]:
    """Return what a predicate asks for: analytes, findings, or something about the person."""
    found: dict[str, None] = {}
    for part in walk(predicate):
        match part:
            case Compare(subject) | StateIs(subject) | BeyondRange(subject):
                found.update(dict.fromkeys(_PARTS.get(subject, (subject,))))
            case FindingIs(finding):
                found[finding] = None
            case SexIs():
                found["sex"] = None
            case AgeIs():
                found["age"] = None
            case MethodIs():
                found["reticulocyte_method"] = None
            case Pregnant() | Postpartum() | StageIs():
                found["pregnancy"] = None
            case _:
                pass
    return tuple(found)


_PARTS = {"mentzer_index": ("mcv", "rbc")}
