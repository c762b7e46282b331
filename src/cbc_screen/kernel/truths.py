"""What is true of a record for one demographic key: lines, states, and the predicates of rules (one file: a case for every predicate)."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from cbc_screen.kernel.adjust import adjusted
from cbc_screen.kernel.arithmetic import decimal, gap, quantity
from cbc_screen.kernel.grades import grade_cuts, ladder
from cbc_screen.kernel.program import Builder, Interval, Op, Truth
from cbc_screen.kernel.rules import LINE_ANALYTE, LINES, SEVERITIES, Given, Rules
from cbc_screen.kernel.values import RecordValues
from cbc_screen.knowledge.definitions import Cutoff, Definition
from cbc_screen.knowledge.predicates import (
    AgeIs,
    BeyondRange,
    Borderline,
    Compare,
    Comparing,
    CourseIs,
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
)
from cbc_screen.knowledge.quantities import SMOKER_FINDING
from cbc_screen.vocabulary import Contradiction, Line, ReticulocyteMethod, Severity, Sex, State

_TOP_SEVERITY = SEVERITIES.index(Severity.VERY_SEVERE)


class Truths(RecordValues):
    """Writes what the numbers of a record say."""

    def __init__(self, builder: Builder, rules: Rules, given: Given) -> None:
        super().__init__(builder, rules, given)
        self._effective: dict[str, Interval] = {}
        self._lines: dict[str, dict[Line, Truth]] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self._severities: dict[Line, tuple[int, int]] = {}
        self._borderline: Truth | None = None
        self._none_low = False

    # Lines -----------------------------------------------------------------------

    def effective(self, analyte: str) -> Interval:
        """Return the value interval used: as sent, with neutrophils never more than the white cells."""
        if analyte not in self._effective:
            sent = self.sent(analyte)
            self._effective[analyte] = self._neutrophils(sent) if analyte == "neutrophils" else sent
        return self._effective[analyte]

    def _neutrophils(self, sent: Interval) -> Interval:
        """Neutrophils are part of the white cells, and what contradicts them widens them.

        Where none were sent the white cells are an upper bound without a lower one: it may
        make a comparison true, and makes nothing unknown.
        """
        b, wbc = self.b, self.sent("wbc").high
        if b.absent(sent.low) and b.absent(sent.high):
            return Interval(b.nan(), self.room())
        low, high = sent.low, sent.high
        if low != high:
            within = b.both(b.at_most(low, wbc), b.less(wbc, high))
            high = b.select(within, wbc, high)
        wrong = b.boolean(False)
        for guard in self.rules.guards:
            if guard.contradicts is Line.WHITE and guard.leaves is not None:
                fired = b.both(self.truth(guard.when, self.sent).yes, b.present(sent.low))
                left = self._left(guard.leaves, sent)
                low = b.select(fired, b.arithmetic(Op.SMALLER, low, left.low), low)
                high = b.select(fired, b.arithmetic(Op.LARGER, high, left.high), high)
                wrong = b.either(wrong, fired)
        self.facts.put_mark("neutrophils.contradicted", wrong)
        return Interval(low, b.select(b.present(sent.low), high, self.room()))

    def _left(self, leaves: Contradiction, sent: Interval) -> Interval:
        """Return what a check that contradicts the neutrophils leaves of them."""
        b, wbc = self.b, self.sent("wbc").high
        match leaves:
            case Contradiction.BETWEEN:
                one, other = self.told_twice()
                return Interval(
                    b.arithmetic(Op.SMALLER, one.low, other.low), b.arithmetic(Op.LARGER, one.high, other.high)
                )
            case Contradiction.UP_TO_WBC:
                return Interval(sent.low, wbc)
            case Contradiction.UP_TO_LARGER:
                return Interval(b.number(0.0), b.arithmetic(Op.LARGER, sent.high, wbc))
        return Interval(b.number(0.0), b.number(inf))  # anything

    def adjusted_hemoglobin(self, scheme: str | None) -> Interval | None:
        """Return hemoglobin as the guideline of a scheme adjusts it, or None where it does not."""
        adjustment = self.rules.adjustments.get(scheme or "")
        if adjustment is None:
            return None
        smoker = self._finding(SMOKER_FINDING)
        elevation, cigarettes = self._measured["elevation"], self._measured["cigarettes_per_day"]
        hemoglobin = self.effective("hemoglobin")
        return adjusted(self.b, hemoglobin, adjustment, self.rules.adjust, elevation, cigarettes, smoker)

    def lines(self, definition: str) -> dict[Line, Truth]:
        """Return, for each line, whether it is low under a definition."""
        if definition not in self._lines:
            rule = self.rules.definitions[definition]
            white, marks = self._white(rule)
            if definition == self.rules.definition:
                for mark, node in marks.items():
                    self.facts.put_mark(f"white.{mark}", node)
            self._lines[definition] = {
                Line.RED: self._red(rule),
                Line.WHITE: white,
                Line.PLATELET: self._line(rule.platelet, f"cut:{definition}:platelet"),
            }
        return self._lines[definition]

    def _cut(self, cutoff: Cutoff, name: str) -> int:
        lower = self.limits(cutoff.analyte)[0] if cutoff.analyte in self.rules.ranged else self.b.nan()
        if cutoff.by_sex is None and cutoff.scheme is None:
            return lower
        own = self.limit(name)
        return self.b.select(self.b.present(own), own, lower) if cutoff.otherwise_range else own

    def _line(self, cutoff: Cutoff, name: str) -> Truth:
        return self.b.below(self.effective(cutoff.analyte), self._cut(cutoff, name))

    def _red(self, rule: Definition) -> Truth:
        """Judge hemoglobin, adjusted where the limit is a scheme's own and not a reference range."""
        name, value = f"cut:{rule.id}:red", self.effective("hemoglobin")
        lowered = self.adjusted_hemoglobin(rule.red.scheme)
        if lowered is not None:
            own = self.b.present(self.limit(name))
            value = Interval(self.b.select(own, lowered.low, value.low), self.b.select(own, lowered.high, value.high))
        return self.b.below(value, self._cut(rule.red, name))

    def _white(self, rule: Definition) -> tuple[Truth, dict[str, int]]:
        """Return whether the white line is low, and what says how that was found."""
        b = self.b
        neutrophils, wbc = self.effective("neutrophils"), self.effective("wbc")
        cut = self._cut(rule.white, f"cut:{rule.id}:white")
        counted = b.below(neutrophils, cut)
        has_neutrophils = b.present(neutrophils.low)
        whole = b.below(Interval(b.nan(), wbc.high), cut)  # by the white cells alone
        by_room = b.both(b.both(b.negate(has_neutrophils), counted.yes), b.negate(whole.yes))
        marks = {
            "by_room": by_room,
            "none": b.negate(b.either(has_neutrophils, b.present(wbc.low))),
            "by_wbc": b.both(b.negate(has_neutrophils), b.present(wbc.low)),
            "open_room": b.boolean(False),
        }
        if rule.without_neutrophils is None:
            # Neutrophils are part of the white cells: fewer white cells than the limit
            # are fewer neutrophils than the limit. Nothing else is known.
            return counted, marks
        instead = self._line(rule.without_neutrophils, f"cut:{rule.id}:without_neutrophils")
        without = b.negate(has_neutrophils)
        # Few white cells that may be neutrophils are few neutrophils, however many white cells there are; where another
        # kind of cell was sent and is not known exactly, they may be few.
        few = counted.yes if self.least_room() == self.room() else b.less(self.least_room(), cut)
        marks["open_room"] = b.all([without, instead.no, few, b.negate(counted.yes)])
        low = Truth(
            b.either(counted.yes, b.both(without, instead.yes)),
            b.either(counted.no, b.both(b.both(without, b.negate(few)), instead.no)),
        )
        return low, marks

    def _judged_on(self, line: Line) -> tuple[int, int]:
        """Return whether there is anything to judge a line on, and whether there is no limit for it."""
        b, rule = self.b, self.rules.definitions[self.rules.definition]
        part: Cutoff = getattr(rule, line.value)
        sent = b.present(self.effective(part.analyte).low)
        unlimited = b.both(sent, b.negate(b.present(self._cut(part, f"cut:{rule.id}:{line}"))))
        if line is not Line.WHITE:
            return sent, unlimited
        if rule.without_neutrophils is None:
            # White cells that were sent and say nothing could be any number, few ones too.
            wbc = self.effective("wbc")
            sent = b.either(sent, b.both(b.at_most(wbc.low, b.number(0.0)), b.at_most(b.number(inf), wbc.high)))
        else:
            by_wbc = b.both(b.negate(sent), b.present(self.effective("wbc").low))
            cut = self._cut(rule.without_neutrophils, f"cut:{rule.id}:without_neutrophils")
            sent, unlimited = b.either(sent, by_wbc), b.either(unlimited, b.both(by_wbc, b.negate(b.present(cut))))
        return sent, unlimited

    def _white_unadjusted(self) -> Truth:
        """Return the white line by the default range, whatever phenotype is stated."""
        used = dict(self._limits)
        for analyte in self.rules.stated:
            self._limits[analyte] = self.set_limits(analyte)
        plain, _ = self._white(self.rules.definitions[self.rules.definition])
        self._limits = used
        return plain

    def counts(self, definition: str) -> tuple[int, int]:
        """Return how many lines are certainly low, and how many may be."""
        if definition not in self._counts:
            lines = self.lines(definition)
            sure = self.b.sum([lines[line].yes for line in LINES])
            excluded = self.b.sum([lines[line].no for line in LINES])
            self._counts[definition] = sure, self.b.code_subtract(self.b.code(len(LINES)), excluded)
        return self._counts[definition]

    # Predicates --------------------------------------------------------------------

    def _quantity(self, subject: str, value: Callable[[str], Interval]) -> Interval:
        if subject in self.rules.analytes:
            return value(subject)
        if subject in ("neutrophils_gap", "neutrophils_gap_share"):
            return gap(self.b, subject, *self.told_twice())
        return quantity(self.b, subject, value)

    def truth(self, predicate: Predicate, number: Callable[[str], Interval] | None = None) -> Truth:
        """Translate a rule's predicate; `number` gives the value of an analyte, the one used by default."""
        b = self.b
        match predicate:
            case Compare(subject, comparison, value):
                interval = self._share(subject, self._quantity(subject, number or self.effective))
                return self._compared(interval, comparison, b.number(value))
            case StateIs(analyte, state):
                low, high = self.states(analyte)
                return {State.LOW: low, State.HIGH: high}.get(state, b.truth_all([b.opposite(low), b.opposite(high)]))
            case Sent(analyte):
                return b.known(b.present(self._measured[analyte].low))
            case BeyondRange(analyte, side, distance):
                lower, upper = self.limits(analyte) if analyte in self.rules.ranged else (b.nan(), b.nan())
                if side is State.HIGH:
                    return b.above(self.effective(analyte), self._limit(Op.ADD, upper, distance))
                return b.below(self.effective(analyte), self._limit(Op.SUBTRACT, lower, distance))
            case LineIs(line, is_low, definition):
                if self._none_low and definition is None:
                    return b.known(b.boolean(not is_low))
                truth = self.lines(definition or self.rules.definition)[line]
                return truth if is_low else b.opposite(truth)
            case LinesLow(comparison, count):
                if self._none_low:
                    return b.known(b.boolean(False))
                return self._lines_low(comparison, count)
            case SexIs(sex):
                female = self.trait("female")
                return female if sex is Sex.FEMALE else b.opposite(female)
            case Pregnant():
                return self._of_pregnancy("pregnant")
            case Postpartum():
                return self._of_pregnancy("postpartum")
            case StageIs(stage):
                return self._of_pregnancy(f"stage:{stage}")
            case Borderline():
                return self.borderline()
            case AgeIs(at_least, age):
                reached = self.trait(f"age:{age.unit}:{age.count}")
                return reached if at_least else b.opposite(reached)
            case MethodIs(method):
                return self._method(method)
            case FindingIs(finding, present):
                truth = self._finding(finding)
                return truth if present else b.opposite(truth)
            case CourseIs(course):
                return self._finding(course)
            case Not(of):
                return b.opposite(self.truth(of, number))
            case Possible(of):
                surely_false = self.truth(of, number).no
                return Truth(b.negate(surely_false), surely_false)
        return b.truth_count(predicate.at_least, [self.truth(part, number) for part in predicate.of])

    def _compared(self, interval: Interval, comparison: str, limit: int) -> Truth:
        b = self.b
        match comparison:
            case Comparing.BELOW:
                return b.below(interval, limit)
            case Comparing.AT_LEAST:
                return b.opposite(b.below(interval, limit))
            case Comparing.ABOVE:
                return b.above(interval, limit)
            case _:
                return b.opposite(b.above(interval, limit))

    def _of_pregnancy(self, trait: str) -> Truth:
        """Return a property of a pregnancy; where none is stated it is not known, in a woman who may be pregnant."""
        b, known = self.b, self.trait(trait)
        return Truth(known.yes, b.both(known.no, b.negate(b.step(Op.TRAIT, value="pregnancy_unstated"))))

    def borderline(self) -> Truth:
        """Tell whether lines are low that all have no grade and lie near their limits."""
        if self._borderline is None:
            b, lines = self.b, self.lines(self.rules.definition)
            least, most = self.counts(self.rules.definition)
            near = [b.truth_any([b.opposite(lines[line]), self._near(line)]) for line in LINES]
            ungraded = [b.boolean(True)] * 2
            for line in LINES:
                severities = self.severities(line)
                for place, severity in enumerate(severities):
                    ungraded[place] = b.both(ungraded[place], b.negate(b.code_at_least(severity, 1)))
            some = Truth(b.code_at_least(least, 1), b.negate(b.code_at_least(most, 1)))
            self._borderline = b.truth_all([some, Truth(ungraded[1], b.negate(ungraded[0])), *near])
        return self._borderline

    def _near(self, line: Line) -> Truth:
        """Tell whether a line's value is at least nine tenths of its limit (the part is the data's)."""
        b, rule = self.b, self.rules.definitions[self.rules.definition]
        part = {Line.RED: rule.red, Line.WHITE: rule.white, Line.PLATELET: rule.platelet}[line]
        near = self._near_cut(part, f"cut:{rule.id}:{line}")
        if line is not Line.WHITE or rule.without_neutrophils is None:
            return near
        counted = b.present(self.effective("neutrophils").low)
        by_wbc = self._near_cut(rule.without_neutrophils, f"cut:{rule.id}:without_neutrophils")
        return Truth(b.choice(counted, near.yes, by_wbc.yes), b.choice(counted, near.no, by_wbc.no))

    def _near_cut(self, cutoff: Cutoff, name: str) -> Truth:
        b = self.b
        limit = self._limit(Op.MULTIPLY, self._cut(cutoff, name), 1.0 - self.rules.ordering.borderline_within)
        return b.opposite(b.below(self.effective(cutoff.analyte), limit))

    def _limit(self, op: Op, limit: int, constant: float) -> int:
        """Return a limit that is worked out from another: nine tenths of 104 are 93.6, and no more."""
        worked = self.b.arithmetic(op, limit, self.b.number(constant))
        return decimal(self.b, Interval(worked, worked)).low

    def _lines_low(self, comparison: str, count: int) -> Truth:
        b = self.b
        sure, possible = self.counts(self.rules.definition)
        at_least = Truth(b.code_at_least(sure, count), b.negate(b.code_at_least(possible, count)))
        if comparison == "at_least":
            return at_least
        more = Truth(b.code_at_least(sure, count + 1), b.negate(b.code_at_least(possible, count + 1)))
        return b.truth_all([at_least, b.opposite(more)])

    def _method(self, method: ReticulocyteMethod) -> Truth:
        if not self.given.method:
            return self.b.unknown()
        automated = self.b.step(Op.FLAG, value="reticulocytes_automated")
        manual = self.b.step(Op.FLAG, value="reticulocytes_manual")
        return Truth(automated, manual) if method is ReticulocyteMethod.AUTOMATED else Truth(manual, automated)

    def states(self, analyte: str) -> tuple[Truth, Truth]:
        """Return whether an analyte is below and above its range; an open side never flags."""
        b = self.b
        if analyte not in self.rules.ranged:
            return b.unknown(), b.unknown()
        value, (lower, upper) = self.effective(analyte), self.limits(analyte)
        low, high = b.below(value, lower), b.above(value, upper)
        there = b.present(value.low)
        only_upper = b.all([there, b.present(upper), b.negate(b.present(lower))])
        only_lower = b.all([there, b.present(lower), b.negate(b.present(upper))])
        return Truth(low.yes, b.either(low.no, only_upper)), Truth(high.yes, b.either(high.no, only_lower))

    def _white_grade(self, own: tuple[int, int, int, int, int]) -> tuple[int, int, int, int, int]:
        """Return the grade by neutrophils; where none were sent, by WBC, and no less than that bound allows."""
        b = self.b
        sent = b.present(self.effective("neutrophils").low)
        if "wbc" not in self.rules.scheme.tables:
            # The white cells are only a bound: where it makes the depth certain to be severe, that is the grade, and
            # how much deeper the neutrophils may be makes nothing unknown.
            bounded = b.both(b.negate(sent), b.code_at_least(own[2], SEVERITIES.index(Severity.SEVERE)))
            highs = [b.code_select(bounded, own[n - 1], own[n]) for n in (1, 3)]
            return own[0], highs[0], own[2], highs[1], b.either(b.negate(sent), own[4])
        by_wbc = self._grade("wbc")
        lows = [b.code_select(sent, own[n], b.code_larger(own[n], by_wbc[n])) for n in (0, 2)]
        deepest = own if self.least_room() == self.room() else self._grade("neutrophils", self._least_left())
        highs = [
            b.code_select(sent, own[n], b.code_larger(b.code_larger(own[n - 1], deepest[n - 1]), by_wbc[n]))
            for n in (1, 3)
        ]
        ungraded = b.either(b.both(sent, own[4]), b.both(b.negate(sent), by_wbc[4]))
        return lows[0], highs[0], lows[1], highs[1], ungraded

    def _least_left(self) -> Interval:
        """Return, as a bound, the least that other white cells may leave for neutrophils that were not sent."""
        return Interval(self.b.nan(), self.least_room())

    def severities(self, line: Line) -> tuple[int, int]:
        """Return the least and the most a line's severity can be, and note its grade among the facts."""
        if line not in self._severities:
            self._severities[line] = self._graded(line)
        return self._severities[line]

    def _graded(self, line: Line) -> tuple[int, int]:
        b, scheme, lines = self.b, self.rules.scheme, self.lines(self.rules.definition)
        lowered = self.adjusted_hemoglobin(scheme.id) if line is Line.RED else None
        grade_low, grade_high, severity_low, severity_high, ungraded = self._grade(LINE_ANALYTE[line], lowered)
        if line is Line.WHITE:
            own = (grade_low, grade_high, severity_low, severity_high, ungraded)
            grade_low, grade_high, severity_low, severity_high, ungraded = self._white_grade(own)
        # A scheme without a band for this person or analyte says nothing about a line
        # that the definition finds not low: that line adds no severity.
        severity_high = b.code_select(b.both(ungraded, lines[line].no), b.code(0), severity_high)
        self.facts.put_codes(f"grade.{line}", grade_low, grade_high)
        self.facts.put_codes(f"severity.{line}", severity_low, severity_high)
        return severity_low, severity_high

    def _no_grade(self) -> tuple[int, int, int, int, int]:
        b = self.b
        return b.code(0), b.code(1), b.code(0), b.code(_TOP_SEVERITY), b.boolean(True)

    def _grade(self, analyte: str, used: Interval | None = None) -> tuple[int, int, int, int, int]:
        table = self.rules.scheme.tables.get(analyte)
        if table is None:
            return self._no_grade()
        cuts = grade_cuts(self.b, self.rules.scheme, analyte, self.limit, self._lower_limit(analyte))
        value = used or self.effective(analyte)
        grades = ladder(self.b, value, [(grade, cut) for grade, _, cut in cuts])
        severities = ladder(self.b, value, [(severity, cut) for _, severity, cut in cuts])
        return (*grades, *severities, self.b.negate(self.b.present(cuts[-1][2])))

    def _lower_limit(self, analyte: str) -> int:
        return self.limits(analyte)[0] if analyte in self.rules.ranged else self.b.nan()
