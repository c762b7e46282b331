"""What earlier counts show of the last one (reference_ranges/serial/courses.yaml): the courses that rules ask for."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

from cbc_screen.knowledge.quantities import Analyte, Factor
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.vocabulary import Line, Threshold

COURSES, PERSISTENCE, CHANGE = (f"serial/{name}.yaml" for name in ("courses", "persistence", "change"))
_LINE_ANALYTE = {Line.RED: "hemoglobin", Line.WHITE: "neutrophils", Line.PLATELET: "platelets"}
_ANY, _EVERY = "any", "every"
_FEWEST_TROUGHS = 3  # two have one distance, which says nothing of how regular it is


@dataclass(frozen=True, slots=True)
class Difference:
    """The last count lies under (or over) a count of the days before, by a distance or by a share of it."""

    analyte: str
    up: bool
    by: float | None  # canonical unit
    share: float | None
    days: int


@dataclass(frozen=True, slots=True)
class NotRepeated:
    """The last count lacks a result that lay below a limit (canonical unit) when it was last told, so few days before."""

    analyte: str
    below: float
    days: int


@dataclass(frozen=True, slots=True)
class Lasts:
    """Low lines last for so long: every one, or any."""

    every: bool
    days: int


@dataclass(frozen=True, slots=True)
class LineLasts:
    """One line is below a limit (canonical unit) for so long."""

    line: Line
    below: float
    days: int


@dataclass(frozen=True, slots=True)
class Begun:
    """Every low line was not low so many days before, or later."""

    days: int


@dataclass(frozen=True, slots=True)
class New:
    """Every low line was not low in an earlier count."""


@dataclass(frozen=True, slots=True)
class Steady:
    """Every low line lasts for so long, without a trend."""

    days: int


@dataclass(frozen=True, slots=True)
class LinesFalling:
    """So many lines fall over the last counts."""

    lines: int


@dataclass(frozen=True, slots=True)
class LineFalling:
    """One line falls."""

    line: Line


@dataclass(frozen=True, slots=True)
class LineFellFast:
    """One line fell fast, as change.yaml says."""

    line: Line


@dataclass(frozen=True, slots=True)
class Recovering:
    """A low line has risen from a lower result of the days before, and nothing lies between that suppressions name."""

    days: int
    not_across: tuple[str, ...]  # suppressions of change.yaml


@dataclass(frozen=True, slots=True)
class Cycles:
    """So many troughs in a row, each so many days after the one before, with a recovery between (canonical units)."""

    analyte: str
    below: float
    between: float
    troughs: int
    at_least: int
    at_most: int


@dataclass(frozen=True, slots=True)
class CourseBand:
    """The stable band of persistence.yaml."""

    id: str


CourseRule = (
    Difference
    | NotRepeated
    | Lasts
    | LineLasts
    | Begun
    | New
    | Steady
    | LinesFalling
    | LineFalling
    | LineFellFast
    | Recovering
    | Cycles
    | CourseBand
)


@dataclass(frozen=True, slots=True)
class Course:
    """One thing that earlier counts show: a course, or a finding that a person may also state."""

    id: str
    text: str
    rule: CourseRule
    threshold: Threshold
    source: str


@dataclass(frozen=True, slots=True)
class SerialNames:
    """What courses may name of the other tables of serial/: the stable band, and the suppressions."""

    band: str
    suppressions: Container[str]


def serial_names(persistence: YamlNode, change: YamlNode) -> SerialNames:
    """Return what persistence.yaml and change.yaml name; what else they say is checked where they are read."""
    return SerialNames(
        persistence.node("stable_band").text("id"), frozenset(own.text("id") for own in change.nodes("suppressed"))
    )


def load_courses(
    node: YamlNode,
    analytes: Mapping[str, Analyte],
    findings: Mapping[str, str],
    sources: Container[str],
    names: SerialNames,
) -> tuple[dict[str, Course], dict[str, Course]]:
    """Return the courses by id, and the findings that earlier counts show; every fault names file, line and key."""
    node.check_keys(["courses", "findings"])
    reader = _Reader(analytes, names)
    courses: dict[str, Course] = {}
    shown: dict[str, Course] = {}
    for own in node.nodes("courses"):
        found = reader.course(own, own.text("text"), sources, ["text"])
        if found.id in courses or found.id in findings:
            raise own.error("id", "is there twice, or is a finding of findings.yaml")
        courses[found.id] = found
    for own in node.nodes("findings"):
        if own.text("id") not in findings:
            raise own.error("id", "is not in findings.yaml")
        found = reader.course(own, findings[own.text("id")], sources, [])
        if found.id in shown:
            raise own.error("id", "is there twice")
        shown[found.id] = found
    return courses, shown


class _Reader:
    def __init__(self, analytes: Mapping[str, Analyte], names: SerialNames) -> None:
        self._analytes, self._names = analytes, names
        self._forms: Mapping[str, Callable[[YamlNode], CourseRule]] = {
            "fall": lambda node: self._difference(node, "fall"),
            "rise": lambda node: self._difference(node, "rise"),
            "not_repeated": self._not_repeated,
            "lasts": self._lasts,
            "begun": lambda node: Begun(_only_days(node.node("begun"))),
            "new": self._new,
            "steady": lambda node: Steady(_only_days(node.node("steady"))),
            "falling": self._falling,
            "fast_fall": lambda node: LineFellFast(node.choice("fast_fall", Line)),
            "recovering": self._recovering,
            "cycles": self._cycles,
            "band": self._band,
        }

    def course(self, node: YamlNode, text: str, sources: Container[str], extra: list[str]) -> Course:
        forms = [form for form in self._forms if form in node]
        if len(forms) != 1:
            raise node.error("id", f"needs one of {', '.join(self._forms)}")
        node.check_keys(["id", "threshold", "source", *forms, *extra])
        if node.text("source") not in sources:
            raise node.error("source", "is not in sources.csv")
        rule = self._forms[forms[0]](node)
        return Course(node.text("id"), text, rule, node.choice("threshold", Threshold), node.text("source"))

    def _difference(self, node: YamlNode, key: str) -> Difference:
        own = node.node(key)
        by_share = "share" in own
        own.check_keys(["analyte", "share", "days"] if by_share else ["analyte", "by", "unit", "days"])
        analyte = self._analyte(own)
        if not by_share:
            return Difference(analyte, key == "rise", self._in_unit(own, "by", analyte), None, _days(own))
        share = own.number("share")
        if share <= 0 or (key == "fall" and share >= 1):
            raise own.error("share", "must be above 0, and of a fall below 1")
        return Difference(analyte, key == "rise", None, share, _days(own))

    def _not_repeated(self, node: YamlNode) -> NotRepeated:
        own = node.node("not_repeated")
        own.check_keys(["analyte", "below", "unit", "days"])
        analyte = self._analyte(own)
        return NotRepeated(analyte, self._in_unit(own, "below", analyte), _days(own))

    def _lasts(self, node: YamlNode) -> CourseRule:
        own = node.node("lasts")
        if "line" in own:
            own.check_keys(["line", "below", "unit", "days"])
            line = own.choice("line", Line)
            return LineLasts(line, self._in_unit(own, "below", _LINE_ANALYTE[line]), _days(own))
        own.check_keys(["lines", "days"])
        if own.text("lines") not in (_ANY, _EVERY):
            raise own.error("lines", f"must be {_ANY} or {_EVERY}")
        return Lasts(own.text("lines") == _EVERY, _days(own))

    @staticmethod
    def _new(node: YamlNode) -> CourseRule:
        if not node.flag("new"):
            raise node.error("new", "must be true")
        return New()

    @staticmethod
    def _falling(node: YamlNode) -> CourseRule:
        own = node.node("falling")
        if "line" in own:
            own.check_keys(["line"])
            return LineFalling(own.choice("line", Line))
        own.check_keys(["lines"])
        if not 1 <= own.whole("lines") <= len(Line):
            raise own.error("lines", f"must lie between 1 and {len(Line)}")
        return LinesFalling(own.whole("lines"))

    def _recovering(self, node: YamlNode) -> Recovering:
        own = node.node("recovering")
        own.check_keys(["days", "not_across"])
        across = tuple(own.texts("not_across"))
        if any(name not in self._names.suppressions for name in across):
            raise own.error("not_across", f"must be of the suppressions of {CHANGE}")
        return Recovering(_days(own), across)

    def _band(self, node: YamlNode) -> CourseBand:
        if node.text("band") != self._names.band:
            raise node.error("band", f"is not the stable band of {PERSISTENCE}")
        return CourseBand(node.text("band"))

    def _cycles(self, node: YamlNode) -> CourseRule:
        own = node.node("cycles")
        own.check_keys(["analyte", "below", "between", "unit", "troughs", "at_least", "at_most"])
        analyte = self._analyte(own)
        below, between = (self._in_unit(own, key, analyte) for key in ("below", "between"))
        if not below <= between:
            raise own.error("between", "must not lie under below")
        troughs, least, most = (own.whole(key) for key in ("troughs", "at_least", "at_most"))
        if troughs < _FEWEST_TROUGHS:
            raise own.error("troughs", "must be 3 or more")
        if not 1 <= least <= most:
            raise own.error("at_least", "must be a day or more, and no more than at_most")
        return Cycles(analyte, below, between, troughs, least, most)

    def _analyte(self, node: YamlNode) -> str:
        if node.text("analyte") not in self._analytes:
            raise node.error("analyte", "is not in analytes.yaml")
        return node.text("analyte")

    def _in_unit(self, node: YamlNode, key: str, analyte: str) -> float:
        factor = self._analytes[analyte].units.find(node.text("unit"), None)
        if not isinstance(factor, Factor):
            raise node.error("unit", f"is not a unit of {analyte}")
        number = round(node.number(key) * factor.numerator / factor.denominator, 9)
        if number <= 0:
            raise node.error(key, "must be above 0")
        return number


def _days(node: YamlNode) -> int:
    days = node.whole("days")
    if days < 1:
        raise node.error("days", "must be a day or more")
    return days


def _only_days(node: YamlNode) -> int:
    node.check_keys(["days"])
    return _days(node)
