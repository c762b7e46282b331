"""The rules of the default screen, written for any engine of columns: the body of plans.py (one file: one body of rules).

It is a second writing of `cbc_screen.kernel`, for exact values, known ages, sexes and stages
of pregnancy. An engine is a few primitives (`Engine`); a predicate is a pair of flags, surely
true and surely false (`Pairs`), or one flag that may be null (`Nulls`), as an engine likes.
Constants fold, and every number comes from the knowledge tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rows import STAGES

from cbc_screen.kernel.conclusions import ANEMIC, NOT_JUDGED, UNCLEAR, UNSENT, urgency_rules
from cbc_screen.kernel.ranking import CELL, HIDDEN_AT, LEADING, MOST_POINTS, POINTS_AT
from cbc_screen.kernel.rules import LINE_ANALYTE, LINES, SEVERITIES
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge.definitions import Cutoff, Definition
from cbc_screen.knowledge.ordering import ANY_AGE, MOST_TIER, SIZES
from cbc_screen.knowledge.predicates import (
    AgeIs,
    BeyondRange,
    Borderline,
    Compare,
    FindingIs,
    HowMany,
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
    alone_in,
    walk,
)  # fmt: skip
from cbc_screen.knowledge.rules import Condition, Rule
from cbc_screen.vocabulary import (
    Contradiction,
    Criteria,
    Line,
    LineState,
    Pattern,
    ReticulocyteMethod,
    Severity,
    Sex,
    State,
    Tier,
    Urgency,
    WhiteBasis,
)  # fmt: skip

_ROUNDS = float.fromhex("0x1.8p52")
CELLS = ("neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils")
RARER = ("bands", "immature_granulocytes", "blasts")
UNGRADED = -1
SIGNS = {"below": "<", "at_most": "<=", "above": ">", "at_least": ">="}
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
    def wide_code(self, value: int) -> Expr:
        """Return a number of 16 bits."""

    def wide(self, a: Expr) -> Expr:
        """Return a code as a number of 16 bits."""

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


@dataclass(frozen=True)
class Span:
    """What a value can be, from its low end to its high end: one number, but for some neutrophils."""

    low: Number
    high: Number


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
        self._checks: dict[Predicate, Truth] = {}
        self._neutrophils: Span | None = None
        self._shares = frozenset(own.percent for own in self.rules.analytes.values() if own.percent is not None)
        self._numbers: dict[str, Number] = {}
        self._lines: dict[str, dict[Line, Truth]] = {}
        self._counts: tuple[Code, Code] | None = None
        self._severities: dict[Line, tuple[Code, Code]] = {}
        self._combined: dict[str, Flag] = {}
        self._decisions: dict[str, Flag] = {}

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

    def used(self, analyte: str) -> Span:
        """Return the result of an analyte as it is judged; neutrophils are part of the white cells."""
        if analyte != "neutrophils":
            return Span(self.value(analyte), self.value(analyte))
        if self._neutrophils is None:
            self._neutrophils = self._part_of_white_cells(self.value("neutrophils"), self.value("wbc"))
        return self._neutrophils

    def _part_of_white_cells(self, sent: Number, wbc: Number) -> Span:
        """Widen neutrophils by the checks that contradict them; where none were sent WBC is an upper bound."""
        if sent.value is None:
            return Span(NOWHERE, self._room())
        f, checks = self.f, [guard for guard in self.rules.guards if guard.contradicts is Line.WHITE]
        fired = {
            kind: f.keep(f.any(self.logic.yes(self.check(guard.when)) for guard in checks if guard.leaves is kind))
            for kind in (Contradiction.UP_TO_WBC, Contradiction.UP_TO_LARGER, Contradiction.ANYTHING)
        }
        nothing_known = fired[Contradiction.ANYTHING]
        from_zero = f.any([fired[Contradiction.UP_TO_LARGER], nothing_known])
        to_larger = f.any([fired[Contradiction.UP_TO_WBC], fired[Contradiction.UP_TO_LARGER]])
        low = self._picked(f.all([from_zero, sent.there]), Number(0.0, True), sent)
        high = sent
        if wbc.value is not None:
            larger = Number(self.engine.larger(self._lift(sent), self._lift(wbc)), True)
            high = self._picked(f.all([to_larger, sent.there]), larger, sent)
        high = self._picked(f.all([nothing_known, sent.there]), Number(math.inf, True), high)
        high = self._picked(sent.there, high, self._room())
        return Span(
            Number(self.engine.define(self._lift(low)), sent.there),
            Number(self.engine.define(self._lift(high)), f.any([sent.there, wbc.there])),
        )

    def _room(self) -> Number:
        """Return what the other white cells leave, where they are not more than the white cells."""
        wbc, parts, f = self.value("wbc"), self.rules.white_parts, self.f
        others = [own for own in map(self.value, parts.others) if own.value is not None]
        if wbc.value is None or not others:
            return wbc
        left = self._scaled(wbc, "*", 1.0 + parts.allowance)
        for own in others:
            part = self._picked(own.there, own, Number(0.0, True))
            left = Number(self.engine.arithmetic("-", self._lift(left), self._lift(part)), wbc.there)
        left = self._defined(self._decimal(left))
        fits = [self.compare(">=", left, Number(0.0, True)), self.compare("<", left, wbc)]
        return self._defined(self._picked(f.all(map(self.logic.yes, fits)), left, wbc), wbc.there)

    def _defined(self, number: Number, there: Flag | None = None) -> Number:
        return Number(self.engine.define(self._lift(number)), number.there if there is None else there)

    def _decimal(self, number: Number) -> Number:
        """Round to nine places, as the kernel does."""
        whole = self._scaled(number, "*", 1e9)
        whole = self._scaled(self._scaled(whole, "+", _ROUNDS), "-", _ROUNDS)
        return self._scaled(whole, "/", 1e9)

    def _share(self, percent: str) -> Number:
        """Return a percentage of the white cells as worked out from its count."""
        if percent not in self._numbers:
            names = [name for name, own in self.rules.analytes.items() if own.percent == percent]
            ratio = self._scaled(self._arithmetic("/", self.value(names[0]), self.value("wbc")), "*", 100.0)
            if ratio.value is not None:
                ratio, whole = self._defined(ratio), Number(100.0, True)
                more = self.logic.yes(self.compare(">", ratio, whole))
                ratio = self._defined(self._decimal(self._picked(more, whole, ratio)), ratio.there)
            self._numbers[percent] = ratio
        return self._numbers[percent]

    def _picked(self, condition: Flag, a: Number, b: Number) -> Number:
        if isinstance(condition, bool):
            return a if condition else b
        if b.value is None or a.value is None:
            return a if b.value is None else b
        return Number(self.engine.pick(condition, self._lift(a), self._lift(b)), True)

    def compare_used(self, sign: str, analyte: str, limit: Number) -> Truth:
        """Compare what a value can be with a limit: true or false where all of it agrees."""
        span = self.used(analyte)
        if span.low is span.high:
            return self.compare(sign, span.low, limit)
        sure, excluded = (span.high, span.low) if sign in ("<", "<=") else (span.low, span.high)
        return self.logic.pair(
            self.logic.yes(self.compare(sign, sure, limit)), self.logic.no(self.compare(sign, excluded, limit))
        )

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
        number = self._decimal(self._quantity(name))
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
                return self._excess(self._differential(), value("wbc"))
            case "neutrophils_excess":
                return self._excess(value("neutrophils"), value("wbc"))
            case "lymphocytes_excess":
                return self._excess(value("lymphocytes"), value("wbc"))
            case "differential_sum":
                return self._differential()
            case "differential_missing":
                return self._arithmetic("-", value("wbc"), self._counted())
            case "differential_missing_share":
                missing = self._arithmetic("-", value("wbc"), self._counted())
                return self._arithmetic("/", self._scaled(missing, "*", 100.0), value("wbc"))
            case "differential_excess_count":
                return self._arithmetic("-", self._differential(), value("wbc"))
            case "neutrophils_gap" | "neutrophils_gap_share":
                return NOWHERE  # there are no percentages to derive them from
        raise KeyError(name)

    def _counted(self) -> Number:
        """Return the sum of all white cells that were told apart."""
        if self.given & set(RARER):
            raise ValueError("the plans hold no rarer cells")
        return self._differential()

    def _differential(self) -> Number:
        """Return the sum of the kinds of a differential; basophils that were not sent are none."""
        total = self._sum([self.value(cell) for cell in CELLS if cell != "basophils"])
        basophils = self.value("basophils")
        if basophils.value is None:
            return total
        filled = self.engine.coalesce(self._lift(basophils), self.engine.number(0.0))
        return self._arithmetic("+", total, Number(filled, True))

    # States and lines --------------------------------------------------------------

    def range(self, analyte: str) -> tuple[Number, Number]:
        """Return the lower and upper reference limit."""
        return self.limit(f"lower:{analyte}"), self.limit(f"upper:{analyte}")

    def state(self, analyte: str, high: bool) -> Truth:
        """Return whether a result lies below (above) its range; an open side never flags."""
        lower, upper = self.range(analyte)
        own, other = (upper, lower) if high else (lower, upper)
        told = self.compare_used(">" if high else "<", analyte, own)
        open_side = self.f.all([self.used(analyte).low.there, other.there, self.f.negate(own.there)])
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
        return self.logic.keep(self.compare_used("<", cutoff.analyte, self._cut(cutoff, f"cut:{rule.id}:{part}")))

    def _white(self, rule: Definition) -> Truth:
        f, yes, no = self.f, self.logic.yes, self.logic.no
        counted = self.compare_used("<", "neutrophils", self._cut(rule.white, f"cut:{rule.id}:white"))
        if rule.without_neutrophils is None:
            return counted
        sent, instead = self.value("neutrophils").there, self._line(rule, "without_neutrophils")
        return self.logic.pair(
            f.any([yes(counted), f.all([f.negate(sent), yes(instead)])]),
            f.any([no(counted), f.all([f.negate(sent), f.negate(yes(counted)), no(instead)])]),
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

    def check(self, predicate: Predicate) -> Truth:
        """Translate the predicate of a check, which compares results as they were sent."""
        match predicate:
            case Compare(subject, comparison, value) if subject == "neutrophils":
                return self.compare(SIGNS[comparison], self.value(subject), Number(float(value), True))
            case Not(of):
                return self.logic.opposite(self.check(of))
            case HowMany(at_least, of):
                if predicate not in self._checks:
                    self._checks[predicate] = self.logic.keep(self._count(at_least, [self.check(part) for part in of]))
                return self._checks[predicate]
        return self.truth(predicate)

    def _translate(self, predicate: Predicate) -> Truth:
        logic = self.logic
        match predicate:
            case Compare(subject, comparison, value):
                limit = Number(float(value), True)
                if subject in self._shares:
                    return self.compare(SIGNS[comparison], self._share(subject), limit)
                if subject in self.rules.analytes:
                    return self.compare_used(SIGNS[comparison], subject, limit)
                return self.compare(SIGNS[comparison], self.quantity(subject), limit)
            case Sent(analyte):
                return logic.known(self.value(analyte).there)
            case StateIs(analyte, State.WITHIN):
                sides = [self.truth(StateIs(analyte, side)) for side in (State.LOW, State.HIGH)]
                return logic.all([logic.opposite(side) for side in sides])
            case StateIs(analyte, state):
                return self.state(analyte, state is State.HIGH)
            case BeyondRange(analyte, side, distance):
                lower, upper = self.range(analyte)
                if side is State.HIGH:
                    return self.compare_used(">", analyte, self._scaled(upper, "+", distance))
                return self.compare_used("<", analyte, self._scaled(lower, "-", distance))
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
                stages = self.engine.column("stage")
                return logic.known(self.engine.compare("==", stages, self.engine.code(STAGES.index(stage))))
            case Postpartum():
                return logic.known(False)  # nobody is (rows.py)
            case Borderline():
                return self.borderline()
            case Possible(of):
                surely_false = logic.no(self.truth(of))
                return logic.pair(self.f.negate(surely_false), surely_false)
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
            case HowMany(at_least, of):
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
        for rule in self.rules.guards:
            self.put(f"guard.{rule.id}", self.logic.yes(self.check(rule.when)))
        for group, found in (("trigger", self.rules.triggers), ("cutoff", self.rules.cutoffs)):
            for rule in found:
                self.put(f"{group}.{rule.id}", self._fired(rule))
        for condition in self.rules.conditions:
            self.put(f"{CELL}.{condition.id}", self._cell(condition))
        self._write_answered()
        f, (soon, routine) = self.f, self._write_urgency()
        high = f.any(self._fired(rule) for rule in self.rules.urgency if alone_in(rule.when))
        near = self.logic.yes(self.truth(Borderline()))
        self.put("borderline", f.all([near, f.negate(f.any([soon, high]))]))
        self.put(UNSENT, f.all([self._unsent(), f.any([soon, routine])]))
        self.put(UNCLEAR, self._unclear())
        self.put(ANEMIC, self.logic.yes(self.lines(self.rules.definition)[Line.RED]))
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
        rule = self.rules.definitions[self.rules.definition]
        cut = self._cut(rule.white, f"cut:{rule.id}:white")
        counted, whole = self.compare_used("<", "neutrophils", cut), self.compare("<", self.value("wbc"), cut)
        by_room = f.all([f.negate(neutrophils), self.logic.yes(counted), f.negate(self.logic.yes(whole))])
        cases = [
            (by_room, WhiteBasis.WBC_LESS_OTHERS),
            (f.all([f.negate(neutrophils), wbc]), WhiteBasis.WBC),
            (f.negate(neutrophils), WhiteBasis.NONE),
        ]
        self.put("white_basis", self._coded(WhiteBasis, cases, WhiteBasis.NEUTROPHILS))

    def _write_states(self) -> None:
        for analyte in sorted(self.rules.ranged):
            value, limits = self.value(analyte), self.range(analyte)
            assessed = self.f.all([value.there, self.f.any(limit.there for limit in limits)])
            below, above = (self.truth(StateIs(analyte, side)) for side in (State.LOW, State.HIGH))
            low, high = self.logic.yes(below), self.logic.yes(above)
            cases = [(low, State.LOW), (high, State.HIGH), (assessed, State.WITHIN)]
            otherwise = State.NOT_ASSESSED
            if analyte == "neutrophils":  # which may be an interval
                within = self.f.all([self.logic.no(below), self.logic.no(above)])
                cases = [(self.f.negate(assessed), State.NOT_ASSESSED), *cases[:2], (within, State.WITHIN)]
                otherwise = State.CANNOT_TELL
            self.put(f"state.{analyte}", self._coded(State, cases, otherwise))

    def _grade(self, analyte: str) -> tuple[Code, Code, Code, Code, Flag]:
        """Return the grade (or UNGRADED), the least grade, the least and the most severity, and whether there is no band."""
        f, scheme = self.f, self.rules.scheme
        table, top = scheme.tables.get(analyte), SEVERITIES.index(Severity.VERY_SEVERE)
        if table is None:
            return UNGRADED, 0, 0, top, True
        if any(row.relative for row in table):
            raise ValueError("the plans hold no bands that end at the lower limit")
        severity = {row.grade: SEVERITIES.index(row.severity) for row in table if row.grade}
        span, cut = self.used(analyte), NOWHERE
        least_grade, least, most_grade, most = 0, 0, 0, 0
        for number in sorted(severity):
            cut = self.limit(f"grade:{scheme.id}:{analyte}:{number}")
            below = f.keep(self.logic.yes(self.compare("<", span.high, cut)))
            may = f.keep(f.negate(self.logic.yes(self.compare(">=", span.low, cut))))
            least_grade, least = f.pick(below, number, least_grade), f.pick(below, severity[number], least)
            most_grade, most = f.pick(may, number, most_grade), f.pick(may, severity[number], most)
        grade = f.pick(f.equal(least_grade, most_grade), least_grade, UNGRADED)
        return grade, f.keep(least_grade), f.keep(least), most, f.negate(cut.there)

    def severities(self, line: Line) -> tuple[Code, Code]:
        """Return the least and the most severity of a line, and write its grade."""
        if line not in self._severities:
            f = self.f
            grade, low_grade, low, high, ungraded = self._grade(LINE_ANALYTE[line])
            if line is Line.WHITE:
                if "wbc" in self.rules.scheme.tables:
                    raise ValueError("the plans hold no schemes that grade the white cells")
                # Where the white cells are only a bound, depth that is surely severe is the grade.
                bounded = f.all(
                    [f.negate(self.value("neutrophils").there), f.at_least(low, SEVERITIES.index(Severity.SEVERE))]
                )
                grade, high = f.pick(bounded, low_grade, grade), f.pick(bounded, low, high)
                ungraded = f.any([f.negate(self.value("neutrophils").there), ungraded])
            excluded = self.logic.no(self.lines(self.rules.definition)[line])
            self.put(f"grade.{line}", grade)
            self._severities[line] = f.keep(low), f.keep(f.pick(f.all([ungraded, excluded]), 0, high))
        return self._severities[line]

    def _write_grades(self) -> None:
        f = self.f
        lows, highs = zip(*(self.severities(line) for line in LINES), strict=True)
        least = f.keep(f.larger(f.larger(lows[0], lows[1]), lows[2]))
        most = f.keep(f.larger(f.larger(highs[0], highs[1]), highs[2]))
        self.put("severity_min", least)
        self.put("severity", f.pick(f.equal(least, most), least, SEVERITIES.index(Severity.CANNOT_TELL)))

    def borderline(self) -> Truth:
        """Return whether lines are low that all have no grade and lie near their limits."""
        f, logic, lines = self.f, self.logic, self.lines(self.rules.definition)
        least, most = self.counts()
        graded = [f.any(f.at_least(self.severities(line)[end], 1) for line in LINES) for end in (0, 1)]
        near = [logic.any([logic.opposite(lines[line]), self._near(line)]) for line in LINES]
        some = logic.pair(f.at_least(least, 1), f.negate(f.at_least(most, 1)))
        return logic.keep(logic.all([some, logic.pair(f.negate(graded[1]), graded[0]), *near]))

    def _near(self, line: Line) -> Truth:
        """Return whether a line's value is not far below its limit."""
        rule = self.rules.definitions[self.rules.definition]
        part = {Line.RED: "red", Line.WHITE: "white", Line.PLATELET: "platelet"}[line]
        near = self._near_cut(rule, part)
        if line is not Line.WHITE or rule.without_neutrophils is None:
            return near
        f, logic, counted = self.f, self.logic, self.value("neutrophils").there
        by_wbc = self._near_cut(rule, "without_neutrophils")
        both = [(near, counted), (by_wbc, f.negate(counted))]
        yes, no = (f.any(f.all([there, told(truth)]) for truth, there in both) for told in (logic.yes, logic.no))
        return logic.pair(yes, no)

    def _near_cut(self, rule: Definition, part: str) -> Truth:
        cutoff: Cutoff = getattr(rule, part)
        nearest = 1.0 - self.rules.ordering.borderline_within
        limit = self._scaled(self._cut(cutoff, f"cut:{rule.id}:{part}"), "*", nearest)
        return self.logic.opposite(self.compare_used("<", cutoff.analyte, limit))

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

    # The checklist -----------------------------------------------------------------

    def _cell(self, condition: Condition) -> Code:
        """Return the number that a list is sorted by, from its parts (kernel/ranking.py)."""
        f, ordering = self.f, self.rules.ordering
        weighed = [pair for side in (condition.findings_for, condition.findings_against) for pair in self._side(side)]
        reached = self._tiers(condition)
        start = [*((step, 1) for step in reached[1:]), (f.negate(self._lines_known()), -ordering.uncertain_less)]
        points = f.keep(self._weighted([*weighed, *start]))
        enough = f.keep(f.at_least(self._weighted(weighed), ordering.without_tier))
        listed = f.all([self._some_line_low(), f.any([reached[0], enough])])
        if condition.id in ordering.no_line_low:
            listed = f.any([listed, enough])
        must = f.keep(self._must(condition))
        listed = f.all([self._possible(condition), f.any([listed, must])])
        speaks: Flag = False
        if condition.tier is Tier.TIME_CRITICAL:
            speaks = f.any(self._fired(rule) for rule in condition.findings_for)
        marks = f.count([f.negate(self._open(condition, points))])
        marks = self._plus(marks, f.count([f.negate(must)]), 2)
        marks = self._plus(marks, f.count([f.negate(step) for step in reached[1:]]), 4)
        marks = self._plus(marks, f.count([f.negate(speaks)]), 32)
        e = self.engine
        down = e.arithmetic("-", e.wide_code(MOST_POINTS), e.wide(f.lift(points)))
        cell = e.arithmetic("*", down, e.wide_code(1 << POINTS_AT))
        cell = e.arithmetic("+", cell, e.wide(f.lift(marks)))
        hidden = f.negate(listed)
        if isinstance(hidden, bool):
            return e.arithmetic("+", cell, e.wide_code(hidden << HIDDEN_AT))
        return e.arithmetic("+", cell, e.pick(hidden, e.wide_code(1 << HIDDEN_AT), e.wide_code(0)))

    def _plus(self, a: Code, b: Code, times: int) -> Code:
        """Return a + b times a factor."""
        if isinstance(b, int):
            return a + b * times if isinstance(a, int) else self.engine.arithmetic("+", a, self.f.lift(b * times))
        scaled = self.engine.arithmetic("*", b, self.engine.code(times))
        return scaled if a == 0 and isinstance(a, int) else self.engine.arithmetic("+", self.f.lift(a), scaled)

    def _weighted(self, weighed: Sequence[tuple[Flag, int]]) -> Code:
        """Return the sum of what those that hold weigh."""
        total: Code = 0
        for weight in sorted({weight for _, weight in weighed}):
            total = self._plus(total, self.f.count([flag for flag, own in weighed if own == weight]), weight)
        return total

    def _side(self, rules: Sequence[Rule]) -> Iterable[tuple[Flag, int]]:
        """Yield what findings weigh; those that go together count as the largest and one more."""
        groups: dict[str, list[Rule]] = {}
        for rule in (rule for rule in rules if rule.points):
            if rule.together:
                groups.setdefault(rule.together, []).append(rule)
            else:
                yield self._fired(rule), rule.points
        f = self.f
        for group in groups.values():
            group.sort(key=lambda rule: -abs(rule.points))
            fired = [f.keep(self._fired(rule)) for rule in group]
            for place, rule in enumerate(group):
                yield f.all([fired[place], f.negate(f.any(fired[:place]))]), rule.points
            sign = 1 if group[0].points > 0 else -1
            another = f.any(f.all([one, f.any(fired[:place])]) for place, one in enumerate(fired))
            yield another, sign * self.rules.ordering.together_plus

    def _tiers(self, condition: Condition) -> list[Flag]:
        """Return whether the starting tier of a condition reaches each number, from 0 on."""
        f, rows = self.f, self.rules.ordering.tiers[condition.id]
        cells = [
            (tier, f.all([self._combinations()[name], self._age_possible(ages, rows)]))
            for ages, row in rows.items()
            for name, tier in row.tiers.items()
        ]
        return [f.keep(f.any(cell for tier, cell in cells if tier >= least)) for least in range(MOST_TIER + 1)]

    def _age_possible(self, ages: str, rows: Iterable[str]) -> Flag:
        """Return whether a row of tiers is that of the person's age: never `any` for a newborn."""
        edges = dict(self.rules.ordering.ages)
        names = list(edges)
        of_age = {name: self.truth(AgeIs(False, edge, "")) for name, edge in edges.items()}
        younger = names if ages == ANY_AGE else names[: names.index(ages)]
        passed = [self.f.negate(self.logic.yes(of_age[name])) for name in younger if name in rows or name == names[0]]
        own = [] if ages == ANY_AGE else [self.f.negate(self.logic.no(of_age[ages]))]
        return self.f.all([*passed, *own])

    def _combinations(self) -> dict[str, Flag]:
        """Return which combinations of low lines are possible; the red line alone by the size of its cells."""
        if not self._combined:
            f, logic, lines = self.f, self.logic, self.lines(self.rules.definition)

            def only(*low: Line) -> Flag:
                return f.keep(f.all(f.negate((logic.no if n in low else logic.yes)(lines[n])) for n in LINES))

            small, large = (self.truth(StateIs("mcv", side)) for side in (State.LOW, State.HIGH))
            sizes = [logic.yes(small), f.all([logic.no(small), logic.no(large)]), logic.yes(large)]
            red = only(Line.RED)
            self._combined = {
                **{n: f.keep(f.all([red, s])) for n, s in zip(SIZES, [*sizes, f.negate(f.any(sizes))], strict=True)},
                "white": only(Line.WHITE), "platelet": only(Line.PLATELET), "red_white": only(Line.RED, Line.WHITE),
                "red_platelet": only(Line.RED, Line.PLATELET), "white_platelet": only(Line.WHITE, Line.PLATELET),
                "pancytopenia": only(*LINES),
            }  # fmt: skip
        return self._combined

    def _lines_known(self) -> Flag:
        return self.f.all(self.logic.is_known(told) for told in self.lines(self.rules.definition).values())

    def _some_line_low(self) -> Flag:
        f = self.f
        named = [rule for rule in self.rules.triggers if rule.urgency is Urgency.IMMEDIATE]
        named += [rule for rule in self.rules.urgency if rule.urgency in (Urgency.IMMEDIATE, Urgency.PROMPT)]
        deep = f.any(self._fired(rule) for rule in named)
        return f.any([f.at_least(self.counts()[0], 1), f.all([f.any(self._unlimited()), deep])])

    def _unlimited(self) -> list[Flag]:
        """Return which lines were sent and have no limit."""
        f, rule = self.f, self.rules.definitions[self.rules.definition]
        parts = [(rule.red, "red"), (rule.white, "white"), (rule.platelet, "platelet")]
        found = [
            f.all([self.value(part.analyte).there, f.negate(self._cut(part, f"cut:{rule.id}:{name}").there)])
            for part, name in parts
        ]
        if rule.without_neutrophils is not None:
            cut = self._cut(rule.without_neutrophils, f"cut:{rule.id}:without_neutrophils")
            without = [f.negate(self.value("neutrophils").there), self.value("wbc").there]
            found.append(f.all([*without, f.negate(cut.there)]))
        return found

    def _possible(self, condition: Condition) -> Flag:
        """Return whether a condition is possible for the person."""
        if condition.only_when is None:
            return True
        return self.f.negate(self.logic.no(self.truth(condition.only_when)))

    def _open(self, condition: Condition, points: Code) -> Flag:
        """Return whether it stands with those not to be missed, or could by a leading count or a line that is unknown."""
        if condition.tier is not Tier.TIME_CRITICAL:
            return False
        f, ordering = self.f, self.rules.ordering
        least, lines_unknown = ordering.not_to_miss_least, f.negate(self._lines_known())

        def may_reach(enough: int) -> Flag:
            without_less = f.all([lines_unknown, f.at_least(points, enough - ordering.uncertain_less)])
            return f.any([f.at_least(points, enough), without_less])

        unknown = [
            f.all([f.negate(self.logic.is_known(self.truth(rule.when))), may_reach(least - rule.points)])
            for rule in condition.findings_for
            if all(_asks_for_leading(part) for part in walk(rule.when))
        ]
        return f.any([may_reach(least), *unknown])

    def _must(self, condition: Condition) -> Flag:
        """Return whether a condition stands before the fold whatever else does."""
        f, found = self.f, []
        if condition.shown_when is not None:
            found.append(self.logic.yes(self.truth(condition.shown_when)))
        if condition.shown_unless_decided is not None:
            decided = f.any(self._decided(other) for other in self.rules.conditions if other is not condition)
            question = self.logic.yes(self.truth(condition.shown_unless_decided))
            found.append(f.all([question, f.negate(decided)]))
        return f.any(found)

    def _decided(self, condition: Condition) -> Flag:
        """Return whether a decisive finding is for a condition, and none against it."""
        if condition.id not in self._decisions:
            f = self.f
            sides = (condition.findings_for, condition.findings_against)
            yes, no = (f.any(self._fired(rule) for rule in side if rule.decisive) for side in sides)
            self._decisions[condition.id] = f.keep(f.all([yes, f.negate(no)]))
        return self._decisions[condition.id]

    def _write_answered(self) -> None:
        """Write which tests a count has the answer of, or is not asked for."""
        asked = {test for condition in self.rules.conditions for test in condition.settled_by}
        for test in sorted(asked):
            question = self.rules.ordering.questions[test]
            left = [self._is_known(answer) for answer in question.done_by]
            if question.asked_when is not None:
                left.append(self.f.negate(self.logic.yes(self.truth(question.asked_when))))
            if left:
                self.put(f"answered.{test}", self.f.any(left))

    def _is_known(self, answer: str) -> Flag:
        if answer not in self.rules.analytes:
            return self.logic.is_known(self._finding(answer))
        span = self.used(answer)
        if span.low is span.high:
            return span.low.there
        return self.f.all([span.low.there, self.logic.yes(self.compare("<", span.high, Number(math.inf, True)))])

    # Urgency -----------------------------------------------------------------------

    def _write_urgency(self) -> tuple[Flag, Flag]:
        """Write the urgency, and which rules it rests on; return whether it is soon, and whether it is routine."""
        f = self.f
        fired: dict[str, list[tuple[Urgency, Flag]]] = {}
        for name, own in urgency_rules(self.rules):
            fired[name] = []
            for rule, _, condition in own:
                holds = self._fired(rule)
                if condition is not None:
                    holds = f.all([holds, self._some_line_low(), self._possible(condition)])
                fired[name].append((rule.urgency, f.keep(holds)))
        fired[NOT_JUDGED] = [(Urgency.CANNOT_TELL, f.keep(self._unjudged()))]
        above: Flag = False
        reasons: dict[str, list[Flag]] = {name: [] for name in fired}
        cases: list[tuple[Flag, Urgency]] = []
        for level in (Urgency.IMMEDIATE, Urgency.PROMPT, Urgency.ROUTINE, Urgency.CANNOT_TELL):
            reached = f.keep(f.any(flag for own in fired.values() for at, flag in own if at is level))
            for name, own in fired.items():
                reasons[name] += [f.all([flag, f.negate(above)]) for at, flag in own if at is level]
            cases.append((reached, level))
            above = f.keep(f.any([above, reached]))
        self.put("urgency", self._coded(Urgency, cases, Urgency.NONE))
        for name, flags in reasons.items():
            self.put(f"reason.{name}", f.any(flags))
        reached = {level: flag for flag, level in cases}
        return f.any([reached[Urgency.IMMEDIATE], reached[Urgency.PROMPT]]), reached[Urgency.ROUTINE]

    def _unknown_lines(self) -> tuple[dict[Line, Flag], dict[Line, Flag]]:
        """Return which lines are unknown, and of which anything was sent."""
        f, lines = self.f, self.lines(self.rules.definition)
        unknown = {line: f.keep(f.negate(self.logic.is_known(lines[line]))) for line in LINES}
        there = {line: self.value(analyte).there for line, analyte in LINE_ANALYTE.items()}
        there[Line.WHITE] = f.any([there[Line.WHITE], self.value("wbc").there])
        return unknown, there

    def _unsent(self) -> Flag:
        """Return whether a line is unknown for want of any result."""
        unknown, there = self._unknown_lines()
        return self.f.any(self.f.all([unknown[line], self.f.negate(there[line])]) for line in LINES)

    def _unclear(self) -> Flag:
        """Return whether a line is unknown though something was sent for it, which is no one number."""
        unknown, there = self._unknown_lines()
        return self.f.any(self.f.all([unknown[line], there[line], self._is_open(line)]) for line in LINES)

    def _is_open(self, line: Line) -> Flag:
        span = self.used(getattr(self.rules.definitions[self.rules.definition], line.value).analyte)
        return False if span.low is span.high else self.logic.yes(self.compare("<", span.low, span.high))

    def _unjudged(self) -> Flag:
        """Return whether a line that was sent, or no line at all, could be judged."""
        f = self.f
        unknown, there = self._unknown_lines()
        return f.any([*(f.all([unknown[line], there[line]]) for line in LINES), f.all(unknown.values())])


def _asks_for_leading(part: Predicate) -> bool:
    """Tell whether a part of a rule asks for a leading count, a line or the person."""
    if isinstance(part, FindingIs | MethodIs):
        return False
    asked = {Compare: "subject", StateIs: "analyte", BeyondRange: "analyte"}.get(type(part))
    return asked is None or getattr(part, asked) in LEADING
