"""The facts of a record for one choice of age class, sex and pregnancy.

Where a person allows several choices, facts are worked out for each and joined; the
conclusions (`conclusions.py`) are drawn from the joined facts.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from cbc_screen.kernel.adjust import adjusted
from cbc_screen.kernel.answers import MAY_LIST
from cbc_screen.kernel.arithmetic import added, decimal, divided, gap, multiplied, quantity, scaled
from cbc_screen.kernel.conclusions import ALONE, OPEN
from cbc_screen.kernel.grades import grade_cuts, ladder
from cbc_screen.kernel.limits import BESIDE, STATED
from cbc_screen.kernel.program import Builder, Interval, Op, Truth
from cbc_screen.kernel.ranking import telling_findings
from cbc_screen.kernel.rules import LINE_ANALYTE, LINES, SEVERITIES, Given, Rules
from cbc_screen.knowledge.definitions import PARTS, Cutoff, Definition
from cbc_screen.knowledge.predicates import (
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
    alone_in,
)
from cbc_screen.knowledge.quantities import SMOKER_FINDING
from cbc_screen.vocabulary import Contradiction, Line, ReticulocyteMethod, Severity, Sex, State, Urgency

_TOP_SEVERITY = SEVERITIES.index(Severity.VERY_SEVERE)

_WHOLE = 100.0  # percent


class FactBuilder:
    """Writes the facts of a record for one demographic key."""

    def __init__(self, builder: Builder, rules: Rules, given: Given) -> None:
        self.b, self.rules, self.given = builder, rules, given
        self.facts: dict[str, int] = {}
        self.listing: dict[str, int] = {}  # facts that only the checklist needs
        self._measured = {name: self._measure(name) for name in rules.analytes}
        self._sent: dict[str, Interval] = {}
        self._effective: dict[str, Interval] = {}
        self._limits: dict[str, tuple[int, int]] = {}
        self._by_report: dict[str, int] = {}
        self._lines: dict[str, dict[Line, Truth]] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self._severities: dict[Line, tuple[int, int]] = {}
        self._borderline: Truth | None = None
        self._counts_of_shares = {own.percent: name for name, own in rules.analytes.items() if own.percent is not None}
        self._none_low = False

    # Numbers ---------------------------------------------------------------------

    def _measure(self, analyte: str) -> Interval:
        b = self.b
        if analyte not in self.given.analytes:
            return Interval(b.nan(), b.nan())
        low = b.step(Op.INPUT, value=f"{analyte}.low")
        return Interval(low, b.step(Op.INPUT, value=f"{analyte}.high") if analyte in self.given.inexact else low)

    def effective(self, analyte: str) -> Interval:
        """Return the value interval used: as sent, with neutrophils never more than the white cells."""
        if analyte not in self._effective:
            sent = self.sent(analyte)
            self._effective[analyte] = self._neutrophils(sent) if analyte == "neutrophils" else sent
        return self._effective[analyte]

    def sent(self, analyte: str) -> Interval:
        """Return the value interval as given, or derived from WBC and a percentage: what checks compare."""
        if analyte not in self._sent:
            self._sent[analyte] = self._sent_interval(analyte)
        return self._sent[analyte]

    def _sent_interval(self, analyte: str) -> Interval:
        given = self._measured[analyte]
        if analyte == "wbc":
            return self._corrected_wbc(given)
        whole = self._given_or_derived(analyte, given)
        return self._with_parts(whole) if analyte == "neutrophils" else whole

    def _given_or_derived(self, analyte: str, given: Interval) -> Interval:
        """Return a result as given; where it says nothing, as derived from a percentage."""
        b, derived = self.b, self._derived(analyte)
        if derived is None:
            return given
        if b.absent(derived.low) and b.absent(derived.high):
            self.facts[f"{analyte}.derived.any"] = b.boolean(False)
            return given
        # A result that says nothing ("CLUMPED", an unknown unit) does not hide a
        # percentage that does.
        void = b.both(b.at_most(given.low, b.number(0.0)), b.at_most(b.number(inf), given.high))
        use_given = b.both(b.present(given.low), b.negate(b.both(void, b.present(derived.low))))
        low = b.select(use_given, given.low, derived.low)
        high = b.select(use_given, given.high, derived.high)
        self.facts[f"{analyte}.derived.any"] = b.both(b.negate(use_given), b.present(derived.low))
        return Interval(low, high)

    def _with_parts(self, whole: Interval) -> Interval:
        """Return the neutrophils, where they were not sent as the sum of segmented and band cells.

        Without the bands the segmented cells are the least that neutrophils can be, and what the other white cells
        leave is the most.
        """
        b, segmented, bands = self.b, self.sent("segmented"), self.sent("bands")
        if b.absent(segmented.low):
            self.facts["neutrophils.by_parts.any"] = b.boolean(False)
            return whole
        total = decimal(b, added(b, segmented, bands), 1.0)
        both, fits = b.present(bands.low), b.at_most(segmented.low, self.room())
        most = b.select(fits, self.room(), b.number(inf))
        parts = Interval(b.select(both, total.low, segmented.low), b.select(both, total.high, most))
        asked = b.both(b.negate(b.present(whole.low)), b.present(segmented.low))
        self.facts["neutrophils.by_parts.any"] = asked
        self.facts["neutrophils.without_bands.any"] = b.both(asked, b.negate(both))
        return Interval(b.select(asked, parts.low, whole.low), b.select(asked, parts.high, whole.high))

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
        self.facts["neutrophils.contradicted.any"] = wrong
        return Interval(low, b.select(b.present(sent.low), high, self.room()))

    def room(self) -> int:
        """Return the most that neutrophils can be which were not sent: the white cells without those that are none.

        Other cells that are more than the white cells contradict them, and say nothing.
        """
        b, wbc, parts = self.b, self.sent("wbc").high, self.rules.white_parts
        others = [self.sent(name).low for name in parts.others]
        told = [low for low in others if not b.absent(low)]
        if not told or not self.given.unsent or b.absent(wbc):
            return wbc
        nothing = b.number(0.0)
        left = b.arithmetic(Op.MULTIPLY, wbc, b.number(1.0 + parts.allowance))
        for low in told:
            left = b.arithmetic(Op.SUBTRACT, left, b.select(b.present(low), low, nothing))
        left = decimal(b, Interval(left, left), 1.0).high
        return b.select(b.at_most(nothing, left), b.arithmetic(Op.SMALLER, left, wbc), wbc)

    def _left(self, leaves: Contradiction, sent: Interval) -> Interval:
        """Return what a check that contradicts the neutrophils leaves of them."""
        b, wbc = self.b, self.sent("wbc").high
        match leaves:
            case Contradiction.BETWEEN:
                given, derived = self._measured["neutrophils"], self._derived("neutrophils")
                assert derived is not None
                return Interval(
                    b.arithmetic(Op.SMALLER, given.low, derived.low), b.arithmetic(Op.LARGER, given.high, derived.high)
                )
            case Contradiction.UP_TO_WBC:
                return Interval(sent.low, wbc)
            case Contradiction.UP_TO_LARGER:
                return Interval(b.number(0.0), b.arithmetic(Op.LARGER, sent.high, wbc))
            case Contradiction.ANYTHING:
                return Interval(b.number(0.0), b.number(inf))

    def _share(self, percent: str, given: Interval) -> Interval:
        """Return a percentage of the white cells as it is compared: as sent, else worked out from the count."""
        b, count = self.b, self._counts_of_shares.get(percent)
        if count is None:
            return given
        part, wbc = self._measured[count], self.sent("wbc")
        if b.absent(part.low) or b.absent(wbc.low):
            return given
        share = scaled(b, divided(b, part, wbc), Op.MULTIPLY, _WHOLE)
        share = Interval(*(b.arithmetic(Op.SMALLER, b.number(_WHOLE), end) for end in (share.low, share.high)))
        share = decimal(b, share, 1.0)
        if b.absent(given.low) and b.absent(given.high):
            return share
        sent = b.present(given.low)
        return Interval(b.select(sent, given.low, share.low), b.select(sent, given.high, share.high))

    def _corrected_wbc(self, given: Interval) -> Interval:
        b, nrbc = self.b, self._measured["nrbc"]
        if not self.given.uncorrected or b.absent(nrbc.low) or b.absent(given.low):
            return given
        hundred = b.number(100.0)
        apply = b.both(b.step(Op.FLAG, value="wbc_uncorrected"), b.present(nrbc.low))

        def corrected(wbc: int, nucleated: int) -> int:
            return b.step(Op.DIVIDE, b.step(Op.MULTIPLY, wbc, hundred), b.step(Op.ADD, nucleated, hundred))

        return Interval(
            b.select(apply, corrected(given.low, nrbc.high), given.low),
            b.select(apply, corrected(given.high, nrbc.low), given.high),
        )

    def _derived(self, analyte: str) -> Interval | None:
        b = self.b
        if analyte == "reticulocytes":
            product = multiplied(b, self._measured["rbc"], self._measured["reticulocytes_percent"])
            return decimal(b, product, 0.1)
        name = self.rules.analytes[analyte].percent
        if name is None:
            return None
        percent = self._measured[name]
        if analyte == "neutrophils":
            bands = self._measured["bands_percent"]
            if not b.absent(bands.low):
                # Beside segmented cells the neutrophils are all of them, and the bands among them.
                has = b.both(b.present(bands.low), b.negate(b.present(self._measured["segmented_percent"].low)))
                percent = Interval(
                    b.select(has, b.arithmetic(Op.ADD, percent.low, bands.low), percent.low),
                    b.select(has, b.arithmetic(Op.ADD, percent.high, bands.high), percent.high),
                )
        # A part is at most the whole.
        whole = b.number(_WHOLE)
        percent = Interval(b.arithmetic(Op.SMALLER, whole, percent.low), b.arithmetic(Op.SMALLER, whole, percent.high))
        # 2.4 x 75 / 100 is 1.8 and not less.
        return decimal(b, multiplied(b, self.sent("wbc"), percent), 100.0)

    def limit(self, name: str) -> int:
        """Return a limit of the person's key, or the absent number where no table has it."""
        if name not in self.rules.limit_columns:
            return self.b.nan()
        fixed = self.rules.limit_columns[name]
        return self.b.step(Op.LIMIT, value=name) if fixed is None else self.b.number(fixed)

    def trait(self, name: str) -> Truth:
        """Return a property of the person's key, which is always known."""
        return self.b.known(self.b.step(Op.TRAIT, value=name))

    def limits(self, analyte: str) -> tuple[int, int]:
        """Return the lower and upper limit used: reported with the result if sane, else the set's."""
        if analyte not in self._limits:
            self._limits[analyte] = self._limits_of(analyte)
        return self._limits[analyte]

    def set_limits(self, analyte: str) -> tuple[int, int]:
        """Return the limits of the set alone."""
        return self.limit(f"lower:{analyte}"), self.limit(f"upper:{analyte}")

    def _limits_of(self, analyte: str) -> tuple[int, int]:
        b = self.b
        own = self.set_limits(analyte)
        if analyte in self.rules.stated and self.rules.stated_finding in self.given.findings:
            stated = b.step(Op.FLAG, value=f"{self.rules.stated_finding}.present")
            lower, upper = self.set_limits(f"{STATED}{analyte}")
            own = b.select(stated, lower, own[0]), b.select(stated, upper, own[1])
        if self.rules.preterm_finding in self.given.findings:
            own = b.select(self._uncovered(), b.nan(), own[0]), b.select(self._uncovered(), b.nan(), own[1])
        if analyte not in self.given.reported:
            return own
        reported = tuple(b.step(Op.INPUT, value=f"{analyte}.reported_{side}") for side in ("lower", "upper"))
        factor = b.number(self.rules.reported_range_factor)
        # A limit that came alone is laid beside the other one of the set, and must leave room between.
        laid = [b.select(b.present(r), r, o) for r, o in zip(reported, own, strict=True)]
        wrong = b.at_most(laid[1], laid[0])
        for theirs, ours in zip(reported, own, strict=True):
            near = b.both(
                b.at_most(ours, b.arithmetic(Op.MULTIPLY, theirs, factor)),
                b.at_most(theirs, b.arithmetic(Op.MULTIPLY, ours, factor)),
            )
            # A limit of 0 has no factor, and an absent one nothing to compare with.
            comparable = b.both(b.present(theirs), b.less(b.number(0.0), ours))
            wrong = b.either(wrong, b.both(comparable, b.negate(near)))
        sane = b.negate(wrong)
        self.facts[f"{analyte}.range_insane.any"] = wrong
        self._by_report[analyte] = b.both(sane, b.any(b.present(r) for r in reported))
        used = [b.select(b.both(sane, b.present(r)), r, o) for r, o in zip(reported, own, strict=True)]
        return used[0], used[1]

    def _uncovered(self) -> int:
        """Return whether the person is an infant born preterm, whom no set covers."""
        b, below = self.b, self.rules.preterm_below
        if self.rules.preterm_finding not in self.given.findings:
            return b.boolean(False)
        young = b.negate(b.step(Op.TRAIT, value=f"age:{below.unit}:{below.count}"))
        return b.both(b.step(Op.FLAG, value=f"{self.rules.preterm_finding}.present"), young)

    def limits_used(self) -> dict[str, int]:
        """Return the limits behind the answers, for the explanation; they agree where min is max."""
        found: dict[str, int] = {"preterm.any": self._uncovered()}
        for analyte in sorted(self.rules.ranged):
            found[f"{analyte}.by_report"] = self._by_report.get(analyte, self.b.boolean(False))
            for side, limit in zip(("lower", "upper"), self.limits(analyte), strict=True):
                found[f"{analyte}.{side}.min"] = found[f"{analyte}.{side}.max"] = limit
        rule = self.rules.definitions[self.rules.definition]
        for part in PARTS:
            cutoff: Cutoff | None = getattr(rule, part)
            if cutoff is not None:
                found[f"cut.{part}.min"] = self._cut(cutoff, f"cut:{rule.id}:{part}")
        return found

    def adjusted_hemoglobin(self, scheme: str | None) -> Interval | None:
        """Return hemoglobin as the guideline of a scheme adjusts it, or None where it does not."""
        adjustment = self.rules.adjustments.get(scheme or "")
        if adjustment is None:
            return None
        smoker = self._finding(SMOKER_FINDING)
        elevation, cigarettes = self._measured["elevation"], self._measured["cigarettes_per_day"]
        hemoglobin = self.effective("hemoglobin")
        return adjusted(self.b, hemoglobin, adjustment, self.rules.adjust, elevation, cigarettes, smoker)

    # Lines -----------------------------------------------------------------------

    def lines(self, definition: str) -> dict[Line, Truth]:
        """Return, for each line, whether it is low under a definition."""
        if definition not in self._lines:
            rule = self.rules.definitions[definition]
            self._lines[definition] = {
                Line.RED: self._red(rule),
                Line.WHITE: self._white(rule),
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

    def _white(self, rule: Definition) -> Truth:
        b = self.b
        neutrophils, wbc = self.effective("neutrophils"), self.effective("wbc")
        cut = self._cut(rule.white, f"cut:{rule.id}:white")
        counted = b.below(neutrophils, cut)
        has_neutrophils = b.present(neutrophils.low)
        whole = b.below(Interval(b.nan(), wbc.high), cut)  # by the white cells alone
        by_room = b.both(b.both(b.negate(has_neutrophils), counted.yes), b.negate(whole.yes))
        if rule.id == self.rules.definition:
            self.facts["white.by_room.any"] = by_room
            self.facts["white.none.any"] = b.negate(b.either(has_neutrophils, b.present(wbc.low)))
            self.facts["white.by_wbc.any"] = b.both(b.negate(has_neutrophils), b.present(wbc.low))
        if rule.without_neutrophils is None:
            # Neutrophils are part of the white cells: fewer white cells than the limit
            # are fewer neutrophils than the limit. Nothing else is known.
            return counted
        instead = self._line(rule.without_neutrophils, f"cut:{rule.id}:without_neutrophils")
        without = b.negate(has_neutrophils)
        # Few white cells that may be neutrophils are few neutrophils, however many white cells there are.
        return Truth(
            b.either(counted.yes, b.both(without, instead.yes)),
            b.either(counted.no, b.both(b.both(without, b.negate(counted.yes)), instead.no)),
        )

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
        plain = self._white(self.rules.definitions[self.rules.definition])
        self._limits = used
        return plain

    def counts(self, definition: str) -> tuple[int, int]:
        """Return how many lines are surely low, and how many may be."""
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
            derived = self._derived("neutrophils")
            assert derived is not None
            return gap(self.b, subject, self._measured["neutrophils"], derived)
        return quantity(self.b, subject, value)

    def truth(self, predicate: Predicate, number: Callable[[str], Interval] | None = None) -> Truth:
        """Translate a rule's predicate; `number` gives the value of an analyte, the one used by default."""
        b = self.b
        match predicate:
            case Compare(subject, comparison, value):
                interval = self._share(subject, self._quantity(subject, number or self.effective))
                limit = b.number(value)
                match comparison:
                    case "below":
                        return b.below(interval, limit)
                    case "at_least":
                        return b.opposite(b.below(interval, limit))
                    case "above":
                        return b.above(interval, limit)
                    case _:
                        return b.opposite(b.above(interval, limit))
            case StateIs(analyte, state):
                low, high = self.states(analyte)
                return {State.LOW: low, State.HIGH: high}.get(state, b.truth_all([b.opposite(low), b.opposite(high)]))
            case Sent(analyte):
                return b.known(b.present(self._measured[analyte].low))
            case BeyondRange(analyte, side, distance):
                lower, upper = self.limits(analyte) if analyte in self.rules.ranged else (b.nan(), b.nan())
                if side is State.HIGH:
                    return b.above(self.effective(analyte), b.arithmetic(Op.ADD, upper, b.number(distance)))
                return b.below(self.effective(analyte), b.arithmetic(Op.SUBTRACT, lower, b.number(distance)))
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
            case Not(of):
                return b.opposite(self.truth(of, number))
            case Possible(of):
                surely_false = self.truth(of, number).no
                return Truth(b.negate(surely_false), surely_false)
            case Count(at_least, of):
                return b.truth_count(at_least, [self.truth(part, number) for part in of])

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
        nearest = b.number(1.0 - self.rules.ordering.borderline_within)
        limit = b.arithmetic(Op.MULTIPLY, self._cut(cutoff, name), nearest)
        return b.opposite(b.below(self.effective(cutoff.analyte), limit))

    def _lines_low(self, comparison: str, count: int) -> Truth:
        b = self.b
        sure, possible = self.counts(self.rules.definition)
        at_least = Truth(b.code_at_least(sure, count), b.negate(b.code_at_least(possible, count)))
        if comparison == "at_least":
            return at_least
        more = Truth(b.code_at_least(sure, count + 1), b.negate(b.code_at_least(possible, count + 1)))
        return b.truth_all([at_least, b.opposite(more)])

    def _finding(self, finding: str) -> Truth:
        if finding not in self.given.findings:
            return self.b.unknown()
        return Truth(self.b.step(Op.FLAG, value=f"{finding}.present"), self.b.step(Op.FLAG, value=f"{finding}.absent"))

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

    # The facts ---------------------------------------------------------------------

    def build(self) -> dict[str, int]:
        """Write every fact and return their steps by name."""
        self._build_states()
        self._build_lines()
        self._build_grades()
        self._build_criteria()
        self._build_rules()
        self._build_alone()
        self._build_open()
        return self.facts

    def _build_open(self) -> None:
        """Write whether a result that was sent leaves open a rule by which it alone would ask for a look."""
        b = self.b
        triggers = [(rule, "trigger") for rule in self.rules.triggers if rule.urgency is not Urgency.NONE]
        open_ones = []
        for rule, group in [*triggers, *((rule, "urgency") for rule in self.rules.urgency)]:
            undecided = self._undecided(Truth(*(self.facts[f"{group}.{rule.id}.{end}"] for end in ("yes", "no"))))
            for leaf in alone_in(rule.when):
                value = self.sent(leaf.subject) if leaf.subject in self.rules.analytes else None
                if value is not None and value.low != value.high:
                    open_ones.append(b.all([b.present(value.low), undecided, self._undecided(self.truth(leaf))]))
        self.facts[OPEN] = b.any(open_ones)

    def _undecided(self, truth: Truth) -> int:
        return self.b.negate(self.b.either(truth.yes, truth.no))

    def _build_alone(self) -> None:
        """Write what is so without the limits that are tried beside others: there everything may be true."""
        beside = self.trait(BESIDE).yes
        for name in (f"{analyte}.{side}" for analyte in sorted(self.rules.differing) for side in ("low", "high")):
            for end in ("yes", "no"):
                self.facts[f"{ALONE}{name}.{end}"] = self.b.either(self.facts[f"{name}.{end}"], beside)

    def put(self, name: str, truth: Truth, *, listing: bool = False) -> None:
        """Record a three-valued fact."""
        facts = self.listing if listing else self.facts
        facts[f"{name}.yes"], facts[f"{name}.no"] = truth.yes, truth.no

    def _build_states(self) -> None:
        b = self.b
        for analyte in sorted(self.rules.ranged):
            value, (lower, upper) = self.effective(analyte), self.limits(analyte)
            low, high = self.states(analyte)
            self.put(f"{analyte}.low", low)
            self.put(f"{analyte}.high", high)
            there = b.present(value.low)
            self.facts[f"{analyte}.value.any"] = there
            least = self.rules.analytes[analyte].zero_below
            if least is not None:
                none, some = b.at_most(value.low, b.number(0.0)), b.less(b.number(0.0), value.high)
                zero = b.all([none, some, b.less(value.high, b.number(least))])
                self.facts[f"{analyte}.zero.any"] = zero if value.low != value.high else b.boolean(False)
            self.facts[f"{analyte}.assessed.any"] = b.both(there, b.either(b.present(lower), b.present(upper)))

    def _build_lines(self) -> None:
        lines = self.lines(self.rules.definition)
        for line in LINES:
            self.put(f"line.{line}", lines[line])
            self.facts[f"sent.{line}.any"], self.facts[f"unlimited.{line}.any"] = self._judged_on(line)
        if self.rules.stated_finding is not None:
            self.put("line.white_unadjusted", self._white_unadjusted())
        if self.rules.adjusts_line:
            red = self.rules.definitions[self.rules.definition].red
            self.put("line.red_unadjusted", self._line(red, f"cut:{self.rules.definition}:red"))
        self.facts["lines.min"], self.facts["lines.max"] = self.counts(self.rules.definition)

    def _build_grades(self) -> None:
        b = self.b
        lows, highs = [], []
        if self.rules.adjusts_grade:
            plain = self._grade("hemoglobin")
            self.facts["grade.red_unadjusted.min"], self.facts["grade.red_unadjusted.max"] = plain[:2]
        for line in LINES:
            severity_low, severity_high = self.severities(line)
            lows.append(severity_low)
            highs.append(severity_high)
        self.facts["severity.min"] = b.code_larger(b.code_larger(lows[0], lows[1]), lows[2])
        self.facts["severity.max"] = b.code_larger(b.code_larger(highs[0], highs[1]), highs[2])

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
        highs = [b.code_select(sent, own[n], b.code_larger(own[n - 1], by_wbc[n])) for n in (1, 3)]
        ungraded = b.either(b.both(sent, own[4]), b.both(b.negate(sent), by_wbc[4]))
        return lows[0], highs[0], lows[1], highs[1], ungraded

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
        self.facts[f"grade.{line}.min"], self.facts[f"grade.{line}.max"] = grade_low, grade_high
        self.facts[f"severity.{line}.min"], self.facts[f"severity.{line}.max"] = severity_low, severity_high
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

    def _build_criteria(self) -> None:
        b, criteria = self.b, self.rules.criteria
        items = {rule.id: self.truth(rule.when) for rule in criteria.items}
        automated = self.truth(criteria.by_method[ReticulocyteMethod.AUTOMATED].when)
        manual = self.truth(criteria.by_method[ReticulocyteMethod.MANUAL].when)
        method = self._method(ReticulocyteMethod.AUTOMATED)
        # Method unknown: low by both limits, or by neither, is still an answer.
        items[criteria.by_method[ReticulocyteMethod.AUTOMATED].id] = Truth(
            b.any(
                [b.both(method.yes, automated.yes), b.both(method.no, manual.yes), b.both(automated.yes, manual.yes)]
            ),
            b.any([b.both(method.yes, automated.no), b.both(method.no, manual.no), b.both(automated.no, manual.no)]),
        )
        for name, truth in items.items():
            self.put(f"criteria.{name}", truth)
        severe = b.truth_count(criteria.at_least, list(items.values()))
        self.put("criteria", severe)
        self.put("criteria.very_severe", b.truth_all([severe, self.truth(criteria.very_severe.when)]))

    def _build_rules(self) -> None:
        for rule in self.rules.guards:
            self.put(f"guard.{rule.id}", self.truth(rule.when, self.sent))
        for rule in self.rules.triggers:
            self.put(f"trigger.{rule.id}", self.truth(rule.when))
        for rule in self.rules.cutoffs:
            self.put(f"cutoff.{rule.id}", self.truth(rule.when))
        for rule in self.rules.urgency:
            self.put(f"urgency.{rule.id}", self.truth(rule.when))
        for condition in self.rules.conditions:
            for number, rule in enumerate(condition.urgency):
                self.put(f"urgent.{condition.id}.{number}", self.truth(rule.when))
            if condition.only_when is not None:
                self.put(f"only.{condition.id}", self.truth(condition.only_when))
        self.put("borderline", self.borderline())
        self.facts[f"{MAY_LIST}.any"] = self._may_list()

    def build_listing(self) -> dict[str, int]:
        """Write the facts that only the checklist needs, and return their steps by name."""
        b = self.b
        for condition in self.rules.conditions:
            for rule in condition.findings_for:
                self.put(f"for.{condition.id}.{rule.id}", self.truth(rule.when), listing=True)
            for rule in condition.findings_against:
                self.put(f"against.{condition.id}.{rule.id}", self.truth(rule.when), listing=True)
            if condition.shown_when is not None:
                # For one possible age, sex or stage of pregnancy is enough for what must not be missed.
                shown = self.truth(condition.shown_when)
                self.put(f"shown_when.{condition.id}", shown, listing=True)
                self.listing[f"shown_when.{condition.id}.any"] = shown.yes
            if condition.shown_unless_decided is not None:
                self.put(
                    f"shown_unless_decided.{condition.id}", self.truth(condition.shown_unless_decided), listing=True
                )
        for name, age in self.rules.ordering.ages:
            self.put(f"age.{name}", b.opposite(self.trait(f"age:{age.unit}:{age.count}")), listing=True)
        asked = {name: None for condition in self.rules.conditions for name in condition.settled_by}
        for name in asked:
            known = [self._is_known(answer) for answer in self.rules.ordering.questions[name].done_by]
            if known:
                self.listing[f"answered.{name}.any"] = b.any(known)
        return self.listing

    def _may_list(self) -> int:
        """Return whether a count may have a checklist, as a quick look: a low line, or a finding that needs none."""
        b, found = self.b, [self.b.code_at_least(self.counts(self.rules.definition)[1], 1)]
        self._none_low = True  # else the first of these says so
        for condition in self.rules.conditions:
            always = [p for p in (condition.shown_when, condition.shown_unless_decided) if p is not None]
            found += [self.truth(predicate).yes for predicate in always]
            if condition.id in self.rules.ordering.no_line_low:
                telling = telling_findings(condition, self.rules.ordering.without_tier)
                found += [self.truth(rule.when).yes for rule in telling]
        self._none_low = False
        return b.any(found)

    def _is_known(self, answer: str) -> int:
        if answer not in self.rules.analytes:
            truth = self._finding(answer)
            return self.b.either(truth.yes, truth.no)
        value = self.effective(answer)
        return self.b.both(self.b.present(value.low), self.b.less(value.high, self.b.number(inf)))
