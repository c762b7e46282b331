"""The closed vocabulary of conditions that a rule may state. No expressions, no eval (one file: every predicate and how it is read)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cbc_screen.knowledge.edges import AgeEdge, read_edge
from cbc_screen.knowledge.quantities import Analyte, Factor
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.vocabulary import Line, Pregnancy, ReticulocyteMethod, Sex, State

_BEYOND = {"above_upper_limit_by": State.HIGH, "below_lower_limit_by": State.LOW}
TRIMESTERS = (Pregnancy.T1, Pregnancy.T2, Pregnancy.T3)


class Comparing(StrEnum):
    """How a value is held against a number."""

    BELOW = "below"
    AT_MOST = "at_most"
    ABOVE = "above"
    AT_LEAST = "at_least"


# Arithmetic over the counts of one record; the kernel holds the formulas, which have
# no clinical number in them.
QUANTITIES: Mapping[str, str] = {
    "mentzer_index": "1",
    "rule_of_three_gap": "%",
    "mcv_gap": "fL",
    "mchc_from_counts": "g/L",
    "differential_percent_sum": "%",
    "differential_excess": "%",
    "neutrophils_excess": "%",
    "lymphocytes_excess": "%",
    "neutrophils_gap": "10^9/L",
    "neutrophils_gap_share": "%",
    "differential_sum": "10^9/L",
    "differential_missing": "10^9/L",
    "differential_missing_share": "%",
    "differential_excess_count": "10^9/L",
}


@dataclass(frozen=True, slots=True)
class Compare:
    """An analyte or a quantity against a number in the canonical unit."""

    subject: str
    comparison: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class StateIs:
    """An analyte's state against its reference range."""

    analyte: str
    state: State


@dataclass(frozen=True, slots=True)
class Sent:
    """A result of an analyte was sent, usable or not."""

    analyte: str


@dataclass(frozen=True, slots=True)
class BeyondRange:
    """An analyte by more than so much above its upper, or below its lower, reference limit."""

    analyte: str
    side: State
    distance: float
    unit: str


@dataclass(frozen=True, slots=True)
class LineIs:
    """A line is low (or not low), under the screener's or under a named definition."""

    line: Line
    low: bool
    definition: str | None = None


@dataclass(frozen=True, slots=True)
class LinesLow:
    """How many lines are low."""

    comparison: str
    count: int


@dataclass(frozen=True, slots=True)
class SexIs:
    """Sex for the choice of range."""

    sex: Sex


@dataclass(frozen=True, slots=True)
class Pregnant:
    """In any trimester."""


@dataclass(frozen=True, slots=True)
class Postpartum:
    """After delivery."""


@dataclass(frozen=True, slots=True)
class StageIs:
    """In one trimester."""

    stage: Pregnancy


@dataclass(frozen=True, slots=True)
class Borderline:
    """Low lines whose grade is none, each near its limit."""


@dataclass(frozen=True, slots=True)
class AgeIs:
    """Age at collection, in completed units."""

    at_least: bool
    age: AgeEdge
    text: str


@dataclass(frozen=True, slots=True)
class MethodIs:
    """How reticulocytes were counted."""

    method: ReticulocyteMethod


@dataclass(frozen=True, slots=True)
class FindingIs:
    """A film finding or a piece of context is present (or absent)."""

    finding: str
    present: bool


@dataclass(frozen=True, slots=True)
class CourseIs:
    """What earlier counts of the person show; without an earlier count no rule that asks for it exists."""

    course: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    of: Predicate


@dataclass(frozen=True, slots=True)
class Possible:
    """Not surely false: what is not stated is possible."""

    of: Predicate


@dataclass(frozen=True, slots=True)
class HowMany:
    """At least `at_least` of several; `all` and `any` are its ends."""

    at_least: int
    of: tuple[Predicate, ...]


Predicate = (
    Compare
    | StateIs
    | Sent
    | BeyondRange
    | LineIs
    | LinesLow
    | SexIs
    | Pregnant
    | Postpartum
    | StageIs
    | Borderline
    | AgeIs
    | MethodIs
    | FindingIs
    | CourseIs
    | Not
    | Possible
    | HowMany
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The ids a predicate may use."""

    analytes: Mapping[str, Analyte]
    findings: Mapping[str, str]
    definitions: frozenset[str]
    courses: frozenset[str] = frozenset()


def parse_predicate(node: YamlNode, words: Vocabulary) -> Predicate:
    """Read one predicate; anything outside the vocabulary names file, line and key."""
    for key, reader in _READERS.items():
        if key in node:
            return reader(node, words)
    raise node.error("when", f"is none of the known forms: {', '.join(_READERS)}")


def walk(predicate: Predicate) -> Iterator[Predicate]:
    """Yield a predicate and all its parts."""
    yield predicate
    if isinstance(predicate, Not | Possible):
        yield from walk(predicate.of)
    elif isinstance(predicate, HowMany):
        for part in predicate.of:
            yield from walk(part)


def of_history(predicate: Predicate) -> bool:
    """Tell whether a predicate asks for what earlier counts show."""
    return any(isinstance(part, CourseIs) for part in walk(predicate))


def alone_in(predicate: Predicate) -> list[Compare]:
    """Return the comparisons by which results alone, whatever else is stated, may make a predicate true.

    >>> high, fever = Compare("wbc", "above", 30.0, "10^9/L"), FindingIs("fever", present=True)
    >>> alone_in(HowMany(2, (high, fever))), alone_in(HowMany(1, (high, fever))) == [high]
    ([], True)
    """
    match predicate:
        case Compare():
            return [predicate]
        case HowMany(1, of):
            return [leaf for part in of for leaf in alone_in(part)]
        case HowMany(many, of) if many == len(of):
            parts = [alone_in(part) for part in of if not isinstance(part, AgeIs | SexIs | Possible)]
            return [leaf for part in parts for leaf in part] if all(parts) else []
    return []


def _compare(node: YamlNode, words: Vocabulary) -> Predicate:
    key = "analyte" if "analyte" in node else "quantity"
    subject = node.text(key)
    if key == "analyte" and subject not in words.analytes and subject not in QUANTITIES:
        raise node.error(key, "is not in analytes.yaml")
    if key == "quantity" and subject not in QUANTITIES:
        raise node.error(key, f"is not one of {', '.join(QUANTITIES)}")
    if key == "analyte" and subject in QUANTITIES and not node.keys().isdisjoint(["state", *_BEYOND]):
        raise node.error(key, f"{subject} has no reference range; compare it with a number")
    if "state" in node:
        node.check_keys(["analyte", "state"])
        if node.text("state") not in ("low", "within", "high"):
            raise node.error("state", "must be low, within or high")
        return StateIs(subject, State(node.text("state")))
    beyond = next((c for c in _BEYOND if c in node), None)
    if beyond is not None:
        node.check_keys(["analyte", beyond, "unit"])
        return BeyondRange(
            subject, _BEYOND[beyond], _distance(node, beyond, words.analytes[subject]), node.text("unit")
        )
    comparison = next((c for c in Comparing if c in node), None)
    if comparison is None:
        raise node.error(key, f"needs one of {', '.join([*Comparing, 'state'])}")
    node.check_keys([key, comparison, "unit"])
    value, unit = node.number(comparison), node.text("unit")
    if subject in QUANTITIES:
        if unit != QUANTITIES[subject]:
            raise node.error("unit", f"must be {QUANTITIES[subject]}")
        return Compare(subject, comparison, value, unit)
    factor = words.analytes[subject].units.find(unit)
    if not isinstance(factor, Factor):
        raise node.error("unit", factor[1])
    value = round(value * factor.numerator / factor.denominator, 9)
    return Compare(subject, comparison, value, words.analytes[subject].unit)


def _distance(node: YamlNode, key: str, analyte: Analyte) -> float:
    if node.text("unit") != analyte.unit:
        raise node.error("unit", f"must be the canonical unit {analyte.unit}")
    if node.number(key) < 0:
        raise node.error(key, "must not be negative")
    return node.number(key)


def _line(node: YamlNode, words: Vocabulary) -> Predicate:
    if "definition" in node:
        node.check_keys(["definition", "line"])
        if node.text("definition") not in words.definitions:
            raise node.error("definition", "is not in definitions.yaml")
        return LineIs(node.choice("line", Line), True, node.text("definition"))
    node.check_keys(["line", "is"])
    if node.text("is") not in ("low", "not_low"):
        raise node.error("is", "must be low or not_low")
    return LineIs(node.choice("line", Line), node.text("is") == "low")


def _lines_low(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["lines_low"])
    inner = node.node("lines_low")
    comparison = "at_least" if "at_least" in inner else "exactly"
    inner.check_keys([comparison])
    if not 1 <= inner.whole(comparison) <= len(Line):
        raise inner.error(comparison, f"must lie between 1 and {len(Line)}")
    return LinesLow(comparison, inner.whole(comparison))


def _sex(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["sex"])
    sex = node.choice("sex", Sex)
    if sex is Sex.UNKNOWN:
        raise node.error("sex", "must be F or M")
    return SexIs(sex)


def _pregnant(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["pregnant"])
    return Pregnant() if node.flag("pregnant") else Not(Pregnant())


def _postpartum(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["postpartum"])
    return Postpartum() if node.flag("postpartum") else Not(Postpartum())


def _stage(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["pregnancy"])
    stage = node.choice("pregnancy", Pregnancy)
    if stage not in TRIMESTERS:
        raise node.error("pregnancy", f"must be one of {', '.join(TRIMESTERS)}")
    return StageIs(stage)


def _borderline(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["borderline"])
    return Borderline() if node.flag("borderline") else Not(Borderline())


def _age(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["age"])
    inner = node.node("age")
    comparison = "at_least" if "at_least" in inner else "below"
    inner.check_keys([comparison, "unit"])
    age = read_edge(inner, comparison)
    return AgeIs(comparison == "at_least", age, f"{inner.whole(comparison)} {inner.text('unit')}")


def _method(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["reticulocyte_method"])
    return MethodIs(node.choice("reticulocyte_method", ReticulocyteMethod))


def _finding(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["finding"], ["is"])
    if node.text("finding") not in words.findings:
        raise node.error("finding", "is not in findings.yaml")
    if node.get("is", "present") not in ("present", "absent"):
        raise node.error("is", "must be present or absent")
    return FindingIs(node.text("finding"), node.get("is", "present") == "present")


def _course(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["course"])
    if not words.courses:
        raise node.error("course", "is asked for by findings and urgency rules alone")
    if node.text("course") not in words.courses:
        raise node.error("course", "is not in serial/courses.yaml")
    return CourseIs(node.text("course"))


def _sent(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["sent"])
    if node.text("sent") not in words.analytes:
        raise node.error("sent", "is not in analytes.yaml")
    return Sent(node.text("sent"))


def _many(key: str) -> Callable[[YamlNode, Vocabulary], Predicate]:
    def read(node: YamlNode, words: Vocabulary) -> Predicate:
        node.check_keys([key])
        parts = tuple(parse_predicate(part, words) for part in node.nodes(key))
        if not parts:
            raise node.error(key, "must not be empty")
        return HowMany(len(parts) if key == "all" else 1, parts)

    return read


def _not(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["not"])
    return Not(parse_predicate(node.node("not"), words))


def _possible(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["possible"])
    return Possible(parse_predicate(node.node("possible"), words))


def _count(node: YamlNode, words: Vocabulary) -> Predicate:
    node.check_keys(["count"])
    inner = node.node("count")
    inner.check_keys(["at_least", "of"])
    parts = tuple(parse_predicate(part, words) for part in inner.nodes("of"))
    if not 1 <= inner.whole("at_least") <= len(parts):
        raise inner.error("at_least", "must lie between 1 and the number of parts")
    return HowMany(inner.whole("at_least"), parts)


_READERS: Mapping[str, Callable[[YamlNode, Vocabulary], Predicate]] = {
    "analyte": _compare,
    "quantity": _compare,
    "definition": _line,
    "line": _line,
    "lines_low": _lines_low,
    "sex": _sex,
    "pregnant": _pregnant,
    "postpartum": _postpartum,
    "pregnancy": _stage,
    "borderline": _borderline,
    "age": _age,
    "reticulocyte_method": _method,
    "finding": _finding,
    "course": _course,
    "sent": _sent,
    "all": _many("all"),
    "any": _many("any"),
    "not": _not,
    "possible": _possible,
    "count": _count,
}
