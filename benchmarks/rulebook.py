"""The rules of the default screen, written for any engine of columns: the body of plans.py.

It is a second writing of `cbc_screen.kernel`, for exact values, known ages, sexes and stages
of pregnancy. An engine is a few primitives (`Engine`); a predicate is a pair of flags, surely
true and surely false (`Pairs`), or one flag that may be null (`Nulls`), as an engine likes.
Constants fold, and every number comes from the knowledge tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cbc_screen.kernel.rules import LINE_ANALYTE, LINES, SEVERITIES
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge.definitions import Cutoff, Definition
from cbc_screen.knowledge.predicates import (
    TRIMESTERS,
    AgeIs,
    BeyondRange,
    Borderline,
    Compare,
    Count,
    FindingIs,
    LineIs,
    LinesLow,
    MethodIs,
    Not,
    Possible,
    Postpartum,
    Predicate,
    Pregnant,
    Sent,
    SexIs,
    StageIs,
    StateIs,
)  # fmt: skip
from cbc_screen.knowledge.rules import Rule
from cbc_screen.vocabulary import (
    Criteria,
    Line,
    LineState,
    Pattern,
    ReticulocyteMethod,
    Severity,
    Sex,
    State,
    Urgency,
    WhiteBasis,
)  # fmt: skip

CELLS = ("neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils")
UNGRADED = -1
Expr = Any  # of the engine
Flag = Any  # an Expr, or a bool that is known beforehand
Code = Any  # an Expr, or an int
Truth = Any  # of the logic


class Engine(Protocol):
    """What an engine can do with its expressions; a comparison with null (or NaN) is null (or false)."""

    def define(self, expr: Expr) -> Expr:
        """Name a result, so that it is worked out once."""

    def column(self, name: str) -> Expr: ...
    def number(self, value: float) -> Expr: ...
    def code(self, value: int) -> Expr: ...
    def flag(self, value: bool | None) -> Expr: ...
    def compare(self, sign: str, a: Expr, b: Expr) -> Expr: ...
    def opposite_compare(self, compared: Expr, sign: str, a: Expr, b: Expr) -> Expr:
        """Return whether a comparison is surely false."""

    def surely(self, flag: Expr) -> Expr:
        """Return a flag with false for null."""

    def arithmetic(self, sign: str, a: Expr, b: Expr) -> Expr: ...
    def absolute(self, a: Expr) -> Expr: ...
    def present(self, a: Expr) -> Expr: ...
    def coalesce(self, a: Expr, b: Expr) -> Expr: ...
    def both(self, a: Expr, b: Expr) -> Expr: ...
    def either(self, a: Expr, b: Expr) -> Expr: ...
    def negate(self, a: Expr) -> Expr: ...
    def count(self, flags: Sequence[Expr]) -> Expr: ...
    def pick(self, condition: Expr, a: Expr, b: Expr) -> Expr: ...
    def larger(self, a: Expr, b: Expr) -> Expr: ...


@dataclass(frozen=True)
class Number:
    """A number of each row, and whether it is there; `value` None is nowhere there."""

    value: Expr | float | None
    there: Flag


NOWHERE = Number(None, False)


class Flags:
    """Two-valued logic and small codes, with constants folded."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def keep(self, flag: Flag) -> Flag:
        return flag if isinstance(flag, bool | int) else self.engine.define(flag)

    def negate(self, a: Flag) -> Flag:
        return not a if isinstance(a, bool) else self.engine.negate(a)

    def all(self, flags: Iterable[Flag]) -> Flag:
        result: Flag = True
        for flag in flags:
            if flag is False or result is False:
                return False
            if flag is not True:
                result = flag if result is True else self.engine.both(result, flag)
        return result

    def any(self, flags: Iterable[Flag]) -> Flag:
        result: Flag = False
        for flag in flags:
            if flag is True or result is True:
                return True
            if flag is not False:
                result = flag if result is False else self.engine.either(result, flag)
        return result

    def count(self, flags: Sequence[Flag]) -> Code:
        fixed = sum(flag is True for flag in flags)
        rest = [flag for flag in flags if not isinstance(flag, bool)]
        if not rest:
            return fixed
        counted = self.engine.count(rest)
        return self.engine.arithmetic("+", counted, self.engine.code(fixed)) if fixed else counted

    def lift(self, code: Code) -> Expr:
        return self.engine.code(code) if isinstance(code, int) else code

    def subtract(self, a: Code, b: Code) -> Code:
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        return self.engine.arithmetic("-", self.lift(a), self.lift(b))

    def at_least(self, code: Code, least: int) -> Flag:
        return code >= least if isinstance(code, int) else self.engine.compare(">=", code, self.engine.code(least))

    def equal(self, a: Code, b: Code) -> Flag:
        if isinstance(a, int) and isinstance(b, int):
            return a == b
        return self.engine.compare("==", self.lift(a), self.lift(b))

    def larger(self, a: Code, b: Code) -> Code:
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        return self.engine.larger(self.lift(a), self.lift(b))

    def pick(self, condition: Flag, a: Code, b: Code) -> Code:
        if isinstance(condition, bool):
            return a if condition else b
        return self.engine.pick(condition, self.lift(a), self.lift(b))

    def choose(self, cases: Sequence[tuple[Flag, int]], otherwise: int) -> Code:
        result: Code = otherwise
        for condition, code in reversed(cases):
            result = self.pick(condition, code, result)
        return result


class Pairs:
    """Kleene logic as two flags: surely true, surely false."""

    unknown: Truth = (False, False)

    def __init__(self, flags: Flags) -> None:
        self.f, self.engine = flags, flags.engine

    def keep(self, truth: Truth) -> Truth:
        return self.f.keep(truth[0]), self.f.keep(truth[1])

    def known(self, flag: Flag) -> Truth:
        return flag, self.f.negate(flag)

    def pair(self, yes: Flag, no: Flag) -> Truth:
        return yes, no

    def yes(self, truth: Truth) -> Flag:
        return truth[0]

    def no(self, truth: Truth) -> Flag:
        return truth[1]

    def is_known(self, truth: Truth) -> Flag:
        return self.f.any(truth)

    def compare(self, sign: str, a: Expr, b: Expr) -> Truth:
        compared = self.engine.compare(sign, a, b)
        return self.engine.surely(compared), self.engine.opposite_compare(compared, sign, a, b)

    def opposite(self, truth: Truth) -> Truth:
        return truth[1], truth[0]

    def all(self, truths: Sequence[Truth]) -> Truth:
        return self.f.all(t[0] for t in truths), self.f.any(t[1] for t in truths)

    def any(self, truths: Sequence[Truth]) -> Truth:
        return self.f.any(t[0] for t in truths), self.f.all(t[1] for t in truths)


class Nulls:
    """Kleene logic as one flag that may be null, as polars and SQL have it."""

    unknown: Truth = None

    def __init__(self, flags: Flags) -> None:
        self.f, self.engine = flags, flags.engine

    def keep(self, truth: Truth) -> Truth:
        return truth if truth is None else self.f.keep(truth)

    def known(self, flag: Flag) -> Truth:
        return flag

    def pair(self, yes: Flag, no: Flag) -> Truth:
        if no is False and yes is False:
            return None
        inner = self.engine.flag(None) if no is False else self._picked(no, False, None)
        return inner if yes is False else self._picked(yes, True, inner)

    def _picked(self, condition: Flag, value: bool, otherwise: Expr) -> Expr:
        if isinstance(condition, bool):
            return value if condition else otherwise
        if otherwise is None or isinstance(otherwise, bool):
            otherwise = self.engine.flag(otherwise)
        return self.engine.pick(condition, self.engine.flag(value), otherwise)

    def yes(self, truth: Truth) -> Flag:
        return bool(truth) if truth is None or isinstance(truth, bool) else self.engine.surely(truth)

    def no(self, truth: Truth) -> Flag:
        return self.yes(self.opposite(truth))

    def is_known(self, truth: Truth) -> Flag:
        return truth is not None if truth is None or isinstance(truth, bool) else self.engine.present(truth)

    def compare(self, sign: str, a: Expr, b: Expr) -> Truth:
        return self.engine.compare(sign, a, b)

    def opposite(self, truth: Truth) -> Truth:
        return None if truth is None else self.f.negate(truth)

    def all(self, truths: Sequence[Truth]) -> Truth:
        return self._with_unknown(self.f.all(t for t in truths if t is not None), truths, self.engine.both, False)

    def any(self, truths: Sequence[Truth]) -> Truth:
        return self._with_unknown(self.f.any(t for t in truths if t is not None), truths, self.engine.either, True)

    def _with_unknown(self, result: Truth, truths: Sequence[Truth], join: Any, decided: bool) -> Truth:
        if all(t is not None for t in truths) or result is decided:
            return result
        return None if isinstance(result, bool) else join(result, self.engine.flag(None))


@dataclass
class RuleBook:
    """Writes every output of the screen for one engine; `outputs` has the kernel's names."""

    kernel: Kernel
    engine: Engine
    logic: Any
    given: frozenset[str]
    findings: frozenset[str]
    limits: dict[str, Number]  # by the names of the kernel's limit table
    shared: bool = True  # equal predicates are worked out once; else each rule is written out, but for states and lines
    outputs: dict[str, Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rules, self.f = self.kernel.rules, Flags(self.engine)
        derived = {analyte.percent for analyte in self.rules.analytes.values()} | {"reticulocytes_percent", "nrbc"}
        if self.given & derived or self.rules.preterm_finding in self.findings:
            raise ValueError("the plans hold no derived results and no infants born preterm")
        self._truths: dict[Predicate, Truth] = {}
        self._numbers: dict[str, Number] = {}
        self._lines: dict[str, dict[Line, Truth]] = {}
        self._counts: tuple[Code, Code] | None = None

    # Numbers ---------------------------------------------------------------------

    def value(self, analyte: str) -> Number:
        """Return the result of an analyte."""
        if analyte not in self.given:
            return NOWHERE
        if analyte not in self._numbers:
            column = self.engine.column(analyte)
            there = self.engine.present(column)
            self._numbers[analyte] = Number(column, self.engine.define(there) if self.shared else there)
        return self._numbers[analyte]

    def limit(self, name: str) -> Number:
        """Return a limit of the person."""
        return self.limits.get(name, NOWHERE)

    def compare(self, sign: str, a: Number, b: Number) -> Truth:
        """Compare two numbers."""
        if a.value is None or b.value is None:
            return self.logic.unknown
        return self.logic.compare(sign, self._lift(a), self._lift(b))

    def _lift(self, number: Number) -> Expr:
        return self.engine.number(number.value) if isinstance(number.value, float) else number.value

    def _arithmetic(self, sign: str, a: Number, b: Number) -> Number:
        if a.value is None or b.value is None:
            return NOWHERE
        return Number(self.engine.arithmetic(sign, self._lift(a), self._lift(b)), self.f.all([a.there, b.there]))

    def _scaled(self, a: Number, sign: str, factor: float) -> Number:
        return self._arithmetic(sign, a, Number(factor, True))

    def _apart(self, a: Number, b: Number) -> Number:
        found = self._arithmetic("-", a, b)
        return found if found.value is None else Number(self.engine.absolute(found.value), found.there)

    def _sum(self, parts: Sequence[Number]) -> Number:
        total = parts[0]
        for part in parts[1:]:
            total = self._arithmetic("+", total, part)
        return total

    def _excess(self, part: Number, whole: Number) -> Number:
        ratio = self._scaled(self._arithmetic("/", part, whole), "*", 100.0)
        return self._scaled(ratio, "-", 100.0)

    def quantity(self, name: str) -> Number:
        """Return a piece of arithmetic of docs/knowledge.md; its numbers convert units."""
        if name in self._numbers:
            return self._numbers[name]
        number = self._quantity(name)
        if number.value is not None:
            number = Number(self.engine.define(number.value), number.there)
        self._numbers[name] = number
        return number

    def _quantity(self, name: str) -> Number:
        value = self.value
        match name:
            case "mentzer_index":
                return self._arithmetic("/", value("mcv"), value("rbc"))
            case "mchc_from_counts":
                return self._arithmetic("/", value("hemoglobin"), value("hematocrit"))
            case "rule_of_three_gap":
                tripled = self._scaled(self._scaled(value("hemoglobin"), "*", 3.0), "/", 10.0)
                return self._apart(tripled, self._scaled(value("hematocrit"), "*", 100.0))
            case "mcv_gap":
                expected = self._arithmetic("/", self._scaled(value("hematocrit"), "*", 1000.0), value("rbc"))
                return self._apart(expected, value("mcv"))
            case "differential_percent_sum":
                return self._sum([value(f"{cell}_percent") for cell in CELLS])
            case "differential_excess":
                return self._excess(self._sum([value(cell) for cell in CELLS]), value("wbc"))
            case "neutrophils_excess":
                return self._excess(value("neutrophils"), value("wbc"))
        raise KeyError(name)

    # States and lines --------------------------------------------------------------

    def range(self, analyte: str) -> tuple[Number, Number]:
        """Return the lower and upper reference limit."""
        return self.limit(f"lower:{analyte}"), self.limit(f"upper:{analyte}")

    def state(self, analyte: str, high: bool) -> Truth:
        """Return whether a result lies below (above) its range; an open side never flags."""
        value, (lower, upper) = self.value(analyte), self.range(analyte)
        own, other = (upper, lower) if high else (lower, upper)
        told = self.compare(">" if high else "<", value, own)
        open_side = self.f.all([value.there, other.there, self.f.negate(own.there)])
        if open_side is False:
            return told
        return self.logic.pair(self.logic.yes(told), self.f.any([self.logic.no(told), open_side]))

    def _cut(self, cutoff: Cutoff, name: str) -> Number:
        lower = self.limit(f"lower:{cutoff.analyte}")
        if cutoff.by_sex is None and cutoff.scheme is None:
            return lower
        own = self.limit(name)
        if not cutoff.otherwise_range or own.there is True or lower.value is None:
            return own
        if own.value is None:
            return lower
        return Number(self.engine.coalesce(self._lift(own), self._lift(lower)), self.f.any([own.there, lower.there]))

    def lines(self, name: str) -> dict[Line, Truth]:
        """Return, for each line, whether it is low under a definition."""
        if name not in self._lines:
            rule = self.rules.definitions[name]
            self._lines[name] = {
                Line.RED: self._line(rule, "red"),
                Line.WHITE: self.logic.keep(self._white(rule)),
                Line.PLATELET: self._line(rule, "platelet"),
            }
        return self._lines[name]

    def _line(self, rule: Definition, part: str) -> Truth:
        cutoff: Cutoff = getattr(rule, part)
        told = self.compare("<", self.value(cutoff.analyte), self._cut(cutoff, f"cut:{rule.id}:{part}"))
        return self.logic.keep(told)

    def _white(self, rule: Definition) -> Truth:
        f, yes, no = self.f, self.logic.yes, self.logic.no
        cut = self._cut(rule.white, f"cut:{rule.id}:white")
        counted = self.compare("<", self.value("neutrophils"), cut)
        few_white_cells = yes(self.compare("<", self.value("wbc"), cut))
        guards = [guard.when for guard in self.rules.guards if guard.contradicts is Line.WHITE]
        wrong = f.any(yes(self.truth(guard)) for guard in guards)
        is_low = f.any([f.all([yes(counted), f.negate(wrong)]), f.all([wrong, yes(counted), few_white_cells])])
        is_not = f.all([no(counted), f.negate(wrong)])
        without = f.negate(self.value("neutrophils").there)
        if rule.without_neutrophils is None:
            return self.logic.pair(f.any([is_low, f.all([without, few_white_cells])]), is_not)
        instead = self._line(rule, "without_neutrophils")
        return self.logic.pair(
            f.any([is_low, f.all([without, yes(instead)])]), f.any([is_not, f.all([without, no(instead)])])
        )

    def counts(self) -> tuple[Code, Code]:
        """Return how many lines are surely low, and how many may be."""
        if self._counts is None:
            lines = self.lines(self.rules.definition)
            sure = self.f.count([self.logic.yes(lines[line]) for line in LINES])
            excluded = self.f.count([self.logic.no(lines[line]) for line in LINES])
            self._counts = self.f.keep(sure), self.f.keep(self.f.subtract(len(LINES), excluded))
        return self._counts

    # Predicates --------------------------------------------------------------------

    def truth(self, predicate: Predicate) -> Truth:
        """Translate a predicate; equal predicates are translated once."""
        if predicate not in self._truths:
            told = self._translate(predicate)
            named = self.shared or isinstance(predicate, StateIs)
            self._truths[predicate] = self.logic.keep(told) if named else told
        return self._truths[predicate]

    def _translate(self, predicate: Predicate) -> Truth:
        logic = self.logic
        match predicate:
            case Compare(subject, comparison, value):
                number = self.value(subject) if subject in self.rules.analytes else self.quantity(subject)
                sign = {"below": "<", "at_most": "<=", "above": ">", "at_least": ">="}[comparison]
                return self.compare(sign, number, Number(float(value), True))
            case StateIs(analyte, State.WITHIN):
                sides = [self.truth(StateIs(analyte, side)) for side in (State.LOW, State.HIGH)]
                return logic.all([logic.opposite(side) for side in sides])
            case StateIs(analyte, state):
                return self.state(analyte, state is State.HIGH)
            case BeyondRange(analyte, side, distance):
                lower, upper = self.range(analyte)
                if side is State.HIGH:
                    return self.compare(">", self.value(analyte), self._scaled(upper, "+", distance))
                return self.compare("<", self.value(analyte), self._scaled(lower, "-", distance))
            case LineIs(line, is_low, definition):
                told = self.lines(definition or self.rules.definition)[line]
                return told if is_low else logic.opposite(told)
            case LinesLow(comparison, count):
                return self._lines_low(comparison, count)
            case SexIs(sex):
                return logic.known(
                    self.engine.compare("==", self.engine.column("male"), self.engine.code(sex is Sex.MALE))
                )
            case Pregnant():
                return logic.known(self.engine.compare(">=", self.engine.column("stage"), self.engine.code(1)))
            case StageIs(stage):
                number = 1 + TRIMESTERS.index(stage)
                return logic.known(self.engine.compare("==", self.engine.column("stage"), self.engine.code(number)))
            case Postpartum():
                return logic.known(False)  # no row of rows.py is
            case Borderline():
                return self._borderline()
            case Sent(analyte):
                return logic.known(self.value(analyte).there)
            case Possible(of):
                return logic.known(self.f.negate(logic.no(self.truth(of))))
            case AgeIs(at_least, age):
                # Everybody is past the last edge in days (rows.py).
                reached = True
                if age.unit == "mo":
                    reached = self.engine.compare(">=", self.engine.column("months"), self.engine.number(age.count))
                return logic.known(reached if at_least else self.f.negate(reached))
            case MethodIs():
                return logic.unknown
            case FindingIs(finding, present):
                told = self._finding(finding)
                return told if present else logic.opposite(told)
            case Not(of):
                return logic.opposite(self.truth(of))
            case Count(at_least, of):
                return self._count(at_least, [self.truth(part) for part in of])
        raise KeyError(predicate)

    def _finding(self, finding: str) -> Truth:
        """Return a finding from its column: true, false or null."""
        if finding not in self.findings:
            return self.logic.unknown
        return self.logic.compare("==", self.engine.column(finding), self.engine.code(1))

    def _count(self, at_least: int, parts: Sequence[Truth]) -> Truth:
        if at_least == len(parts):
            return self.logic.all(parts)
        if at_least == 1:
            return self.logic.any(parts)
        yes = self.f.count([self.logic.yes(part) for part in parts])
        no = self.f.count([self.logic.no(part) for part in parts])
        enough, too_many = self.f.at_least(yes, at_least), self.f.at_least(no, len(parts) - at_least + 1)
        return self.logic.pair(enough, too_many)

    def _lines_low(self, comparison: str, count: int) -> Truth:
        sure, possible = self.counts()

        def reached(number: int) -> Truth:
            return self.logic.pair(self.f.at_least(sure, number), self.f.negate(self.f.at_least(possible, number)))

        if comparison == "at_least":
            return reached(count)
        return self.logic.all([reached(count), self.logic.opposite(reached(count + 1))])

    # Outputs -----------------------------------------------------------------------

    def write(self) -> dict[str, Expr]:
        """Write every output."""
        self._write_lines()
        self._write_states()
        self._write_grades()
        self._write_criteria()
        for group, found in (
            ("guard", self.rules.guards),
            ("trigger", self.rules.triggers),
            ("cutoff", self.rules.cutoffs),
        ):
            for rule in found:
                self.put(f"{group}.{rule.id}", self._fired(rule))
        self._write_urgency()
        return self.outputs

    def put(self, name: str, answer: Code | Flag) -> None:
        """Record an output; a constant becomes a column too."""
        if isinstance(answer, bool):
            answer = self.engine.flag(answer)
        self.outputs[name] = self.f.lift(answer)

    def _fired(self, rule: Rule) -> Flag:
        return self.logic.yes(self.truth(rule.when))

    def _coded(self, kind: type[Any], cases: Sequence[tuple[Flag, Any]], otherwise: Any) -> Code:
        codes = list(kind)
        return self.f.choose([(flag, codes.index(word)) for flag, word in cases], codes.index(otherwise))

    def _write_lines(self) -> None:
        f, lines = self.f, self.lines(self.rules.definition)
        for line in LINES:
            cases = [(self.logic.yes(lines[line]), LineState.LOW), (self.logic.no(lines[line]), LineState.NOT_LOW)]
            self.put(f"line.{line}", self._coded(LineState, cases, LineState.CANNOT_TELL))
        low, high = self.counts()
        self.put("lines_low_min", low)
        self.put("lines_low_max", high)
        self.put("pattern", f.pick(f.equal(low, high), low, list(Pattern).index(Pattern.CANNOT_TELL)))
        neutrophils, wbc = self.value("neutrophils").there, self.value("wbc").there
        cases = [
            (f.all([f.negate(neutrophils), wbc]), WhiteBasis.WBC),
            (f.negate(neutrophils), WhiteBasis.NONE),
        ]
        self.put("white_basis", self._coded(WhiteBasis, cases, WhiteBasis.NEUTROPHILS))

    def _write_states(self) -> None:
        for analyte in sorted(self.rules.ranged):
            value, limits = self.value(analyte), self.range(analyte)
            assessed = self.f.all([value.there, self.f.any(limit.there for limit in limits)])
            low, high = (self.logic.yes(self.truth(StateIs(analyte, side))) for side in (State.LOW, State.HIGH))
            cases = [(low, State.LOW), (high, State.HIGH), (assessed, State.WITHIN)]
            self.put(f"state.{analyte}", self._coded(State, cases, State.NOT_ASSESSED))

    def _grade(self, analyte: str) -> tuple[Code, Code, Code, Flag]:
        """Return the grade (or UNGRADED), the least and the most severity, and whether there is no band."""
        f, scheme = self.f, self.rules.scheme
        table, top = scheme.tables.get(analyte), SEVERITIES.index(Severity.VERY_SEVERE)
        if table is None:
            return UNGRADED, 0, top, True
        if any(row.relative for row in table):
            raise ValueError("the plans hold no bands that end at the lower limit")
        severity = {row.grade: SEVERITIES.index(row.severity) for row in table if row.grade}
        value, grade, least = self.value(analyte), 0, 0
        cut = NOWHERE
        for number in sorted(severity):
            cut = self.limit(f"grade:{scheme.id}:{analyte}:{number}")
            below = f.keep(self.logic.yes(self.compare("<", value, cut)))
            grade, least = f.pick(below, number, grade), f.pick(below, severity[number], least)
        told = f.all([value.there, cut.there])
        last = severity[max(severity)]
        return f.pick(told, grade, UNGRADED), f.pick(told, least, 0), f.pick(told, least, last), f.negate(cut.there)

    def _write_grades(self) -> None:
        f, lows, highs = self.f, [], []
        lines = self.lines(self.rules.definition)
        for line in LINES:
            grade, low, high, ungraded = self._grade(LINE_ANALYTE[line])
            if line is Line.WHITE:
                counted = self.value("neutrophils").there
                by_wbc = self._grade("wbc")
                grade, low, high = (
                    f.pick(counted, own, other) for own, other in zip((grade, low, high), by_wbc[:3], strict=True)
                )
                ungraded = f.any([f.all([counted, ungraded]), f.all([f.negate(counted), by_wbc[3]])])
            high = f.pick(f.all([ungraded, self.logic.no(lines[line])]), 0, high)
            self.put(f"grade.{line}", grade)
            lows.append(f.keep(low))
            highs.append(f.keep(high))
        least = f.keep(f.larger(f.larger(lows[0], lows[1]), lows[2]))
        most = f.keep(f.larger(f.larger(highs[0], highs[1]), highs[2]))
        self._severities = least, most
        self.put("severity_min", least)
        self.put("severity", f.pick(f.equal(least, most), least, SEVERITIES.index(Severity.CANNOT_TELL)))

    def _write_criteria(self) -> None:
        logic, criteria = self.logic, self.rules.criteria
        items = [self.truth(rule.when) for rule in criteria.items]
        # The method is not known: what both limits say is still an answer.
        told = [
            self.truth(criteria.by_method[m].when) for m in (ReticulocyteMethod.AUTOMATED, ReticulocyteMethod.MANUAL)
        ]
        items.append(logic.pair(self.f.all(map(logic.yes, told)), self.f.all(map(logic.no, told))))
        met = logic.keep(self._count(criteria.at_least, items))
        cases = [(logic.yes(met), Criteria.MET), (logic.no(met), Criteria.NOT_MET)]
        self.put("blood_criteria", self._coded(Criteria, cases, Criteria.CANNOT_TELL))

    def _write_urgency(self) -> None:
        f, some_low = self.f, self.f.at_least(self.counts()[0], 1)
        fired = [(rule.urgency, self._fired(rule)) for rule in (*self.rules.urgency, *self.rules.triggers)]
        for condition in self.rules.conditions:
            possible: Flag = True
            if condition.only_when is not None:
                possible = f.negate(self.logic.no(self.truth(condition.only_when)))
            for rule in condition.urgency:
                fired.append((rule.urgency, f.all([some_low, possible, self._fired(rule)])))
        levels = (Urgency.IMMEDIATE, Urgency.PROMPT, Urgency.ROUTINE)
        cases = [(f.any(flag for own, flag in fired if own is level), level) for level in levels]
        cases.append((self._unjudged(), Urgency.CANNOT_TELL))
        self.put("urgency", self._coded(Urgency, cases, Urgency.NONE))

    def _unjudged(self) -> Flag:
        f, lines = self.f, self.lines(self.rules.definition)
        unknown = [f.negate(self.logic.is_known(lines[line])) for line in LINES]
        sent = [self.value(LINE_ANALYTE[line]).there for line in LINES]
        sent[1] = f.any([sent[1], self.value("wbc").there])
        judged = [f.all([own, there]) for own, there in zip(unknown, sent, strict=True)]
        return f.any([*judged, f.all(unknown)])

    def _borderline(self) -> Truth:
        """Tell whether lines are low that all have no grade and lie near their limits."""
        logic, f, rule = self.logic, self.f, self.rules.definitions[self.rules.definition]
        lines, (sure, most) = self.lines(self.rules.definition), self.counts()
        near = [
            logic.any([logic.opposite(lines[line]), self._near(rule, part)])
            for line, part in ((Line.RED, "red"), (Line.WHITE, "white"), (Line.PLATELET, "platelet"))
        ]
        least, highest = self._severities
        ungraded = logic.pair(f.negate(f.at_least(highest, 1)), f.at_least(least, 1))
        some = logic.pair(f.at_least(sure, 1), f.negate(f.at_least(most, 1)))
        return logic.all([some, ungraded, *near])

    def _near(self, rule: Definition, part: str) -> Truth:
        cutoff: Cutoff = getattr(rule, part)
        cut = self._scaled(self._cut(cutoff, f"cut:{rule.id}:{part}"), "*", 1 - self.rules.ordering.borderline_within)
        near = self.compare(">=", self.value(cutoff.analyte), cut)
        if part != "white" or rule.without_neutrophils is None:
            return near
        counted, by_wbc = self.value("neutrophils").there, self._near(rule, "without_neutrophils")
        yes, no = self.logic.yes, self.logic.no
        return self.logic.pair(
            self.f.any([self.f.all([counted, yes(near)]), self.f.all([self.f.negate(counted), yes(by_wbc)])]),
            self.f.any([self.f.all([counted, no(near)]), self.f.all([self.f.negate(counted), no(by_wbc)])]),
        )
