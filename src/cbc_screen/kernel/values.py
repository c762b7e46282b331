"""The numbers of a record for one demographic key: as sent, derived, corrected, and the limits they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from cbc_screen.kernel.arithmetic import added, decimal, divided, multiplied, scaled
from cbc_screen.kernel.fact_table import Facts
from cbc_screen.kernel.limits import STATED, at_gestation
from cbc_screen.kernel.program import Builder, Interval, Op, Truth
from cbc_screen.kernel.rules import Given, Rules
from cbc_screen.knowledge.intervals import Weeks

_WHOLE = 100.0  # percent


@dataclass(frozen=True)
class OtherEnd:
    """One end of a kind of white cell: a count, and where it was worked out from a percentage, that."""

    count: int
    by_share: int
    share: int


@dataclass(frozen=True)
class OtherCells:
    """The least and the most that another kind of white cell may be."""

    least: OtherEnd
    most: OtherEnd


class RecordValues:
    """Writes the numbers and the limits of a record."""

    def __init__(self, builder: Builder, rules: Rules, given: Given) -> None:
        self.b, self.rules, self.given = builder, rules, given
        self.facts = Facts()
        self._measured = {name: self._measure(name) for name in rules.analytes}
        self._sent: dict[str, Interval] = {}
        self._whole_neutrophils = Interval(builder.nan(), builder.nan())  # as sent, or from a percentage
        self._limits: dict[str, tuple[int, int]] = {}
        self._by_report: dict[str, int] = {}
        self._counts_of_shares = {own.percent: name for name, own in rules.analytes.items() if own.percent is not None}

    def _measure(self, analyte: str) -> Interval:
        b = self.b
        if analyte not in self.given.analytes:
            return Interval(b.nan(), b.nan())
        low = b.step(Op.INPUT, value=f"{analyte}.low")
        return Interval(low, b.step(Op.INPUT, value=f"{analyte}.high") if analyte in self.given.inexact else low)

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
            self.facts.put_mark(f"{analyte}.derived", b.boolean(False))
            return given
        # A result that says nothing ("CLUMPED", an unknown unit) does not hide a
        # percentage that does.
        void = b.both(b.at_most(given.low, b.number(0.0)), b.at_most(b.number(inf), given.high))
        use_given = b.both(b.present(given.low), b.negate(b.both(void, b.present(derived.low))))
        low = b.select(use_given, given.low, derived.low)
        high = b.select(use_given, given.high, derived.high)
        self.facts.put_mark(f"{analyte}.derived", b.both(b.negate(use_given), b.present(derived.low)))
        return Interval(low, high)

    def _with_parts(self, whole: Interval) -> Interval:
        """Return the neutrophils; where they were not sent, or say nothing, as the sum of segmented and band cells."""
        b, segmented, bands = self.b, self.sent("segmented"), self.sent("bands")
        self._whole_neutrophils = whole
        if b.absent(segmented.low):
            for fact in ("neutrophils.by_parts", "neutrophils.without_bands"):
                self.facts.put_mark(fact, b.boolean(False))
            return whole
        parts = self._parts()
        void = b.both(b.at_most(whole.low, b.number(0.0)), b.at_most(b.number(inf), whole.high))
        asked = b.both(b.either(b.negate(b.present(whole.low)), void), b.present(segmented.low))
        self.facts.put_mark("neutrophils.by_parts", asked)
        told = b.negate(b.at_most(b.number(inf), segmented.high))  # else they themselves say nothing
        self.facts.put_mark("neutrophils.without_bands", b.all((asked, told, b.negate(b.present(bands.low)))))
        return Interval(b.select(asked, parts.low, whole.low), b.select(asked, parts.high, whole.high))

    def _parts(self) -> Interval:
        """Return the neutrophils as segmented and band cells.

        Without the bands the segmented cells are the least that neutrophils can be, and what the other white cells
        leave is the most.
        """
        b, segmented, bands = self.b, self.sent("segmented"), self.sent("bands")
        total = decimal(b, added(b, segmented, bands))
        both, fits = b.present(bands.low), b.at_most(segmented.low, self.room())
        most = b.select(fits, self.room(), b.number(inf))
        return Interval(b.select(both, total.low, segmented.low), b.select(both, total.high, most))

    def told_twice(self) -> tuple[Interval, Interval]:
        """Return the neutrophils as they were sent, and as their parts, or else their percentage, say."""
        b = self.b
        self.sent("neutrophils")
        derived = self._derived("neutrophils")
        assert derived is not None
        if b.absent(self.sent("segmented").low):
            return self._whole_neutrophils, derived
        parts, there = self._parts(), b.present(self.sent("segmented").low)
        beside = Interval(b.select(there, parts.low, derived.low), b.select(there, parts.high, derived.high))
        return self._whole_neutrophils, beside

    def room(self) -> int:
        """Return the most that neutrophils can be which were not sent: the white cells without those that are none.

        Other cells that are more than the white cells contradict them, and say nothing.
        """
        wbc, others = self.sent("wbc").high, self._others()
        if not others or not self.given.unsent or self.b.absent(wbc):
            return wbc
        left = self._left_of(wbc, [other.least for other in others])
        return self.b.select(self.b.at_most(self.b.number(0.0), left), self._no_more(left, wbc), wbc)

    def least_room(self) -> int:
        """Return that most where the white cells are the fewest, and the other cells the most, that they may be.

        It is the same number where all of them are exact, and where the others surely contradict the white cells.
        """
        b, wbc, others = self.b, self.sent("wbc"), self._others()
        if not others or not self.given.unsent or b.absent(wbc.low):
            return wbc.low
        if wbc.low == wbc.high and all(other.least == other.most for other in others):
            return self.room()
        nothing = b.number(0.0)
        ends = [(wbc.low, wbc.high), *((other.least.count, other.most.count) for other in others)]
        inexact = b.any(b.less(low, high) for low, high in ends)
        may_fit = b.at_most(nothing, self._left_of(wbc.high, [other.least for other in others]))
        left = self._left_of(wbc.low, [other.most for other in others])
        least = b.select(b.at_most(nothing, left), self._no_more(left, wbc.low), nothing)
        return b.select(b.both(inexact, may_fit), least, self.room())

    def _no_more(self, left: int, wbc: int) -> int:
        return self.b.arithmetic(Op.SMALLER, left, wbc)

    def _others(self) -> list[OtherCells]:
        """Return the other white cells that were sent, each with the share of the white cells that it was worked out from."""
        found = []
        for name in self.rules.white_parts.others:
            sent, percent = self.sent(name), self.rules.analytes[name].percent
            if self.b.absent(sent.low):
                continue
            none = self.b.nan()
            by_share, share = self.b.boolean(False), Interval(none, none)
            if percent is not None and self.facts.has_mark(f"{name}.derived"):
                # A count that was sent and cannot be used may be any number: no percentage says more than one that can.
                counted, was_sent = self._measured[name], self.b.present(self._measured[name].low)
                by_share = self.b.both(self.facts.mark(f"{name}.derived"), self.b.negate(was_sent))
                share = self._measured[percent]
                sent = Interval(
                    *(
                        self.b.select(was_sent, own, end)
                        for own, end in ((counted.low, sent.low), (counted.high, sent.high))
                    )
                )
            found.append(OtherCells(OtherEnd(sent.low, by_share, share.low), OtherEnd(sent.high, by_share, share.high)))
        return found

    def _left_of(self, wbc: int, others: Sequence[OtherEnd]) -> int:
        """Return what other cells leave of so many white cells, below 0 where they are more.

        Where the white cells are not exact, a share of them is one of this very number.
        """
        b, nothing, allowance = self.b, self.b.number(0.0), self.rules.white_parts.allowance
        left = b.arithmetic(Op.MULTIPLY, wbc, b.number(1.0 + allowance))
        counted, shares = nothing, b.number(_WHOLE * (1.0 + allowance))
        for other in others:
            left = b.arithmetic(Op.SUBTRACT, left, b.select(b.present(other.count), other.count, nothing))
            if not b.absent(other.share):
                own = b.arithmetic(Op.SMALLER, b.number(_WHOLE), other.share)
                shares = b.arithmetic(Op.SUBTRACT, shares, b.select(other.by_share, own, nothing))
            count = b.select(b.both(b.present(other.count), b.negate(other.by_share)), other.count, nothing)
            counted = b.arithmetic(Op.ADD, counted, count)
        if self.sent("wbc").low != self.sent("wbc").high:
            # The larger part of what is left grows with the white cells: it is not one end less the other.
            part = b.arithmetic(Op.DIVIDE, b.arithmetic(Op.MULTIPLY, wbc, shares), b.number(_WHOLE))
            moving = b.arithmetic(Op.SUBTRACT, part, counted)
            left = b.select(b.less(self.sent("wbc").low, self.sent("wbc").high), moving, left)
        return decimal(b, Interval(left, left)).high

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
        share = decimal(b, share)
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

        # 2.03 with 1.5 nucleated red cells to a hundred is 2, and no less.
        own = decimal(b, Interval(corrected(given.low, nrbc.high), corrected(given.high, nrbc.low)))
        return Interval(b.select(apply, own.low, given.low), b.select(apply, own.high, given.high))

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
        preterm = self.born_preterm()
        if preterm != b.boolean(False):
            lower, upper = self._limits_by_gestation(analyte)
            own = b.select(preterm, lower, own[0]), b.select(preterm, upper, own[1])
        if analyte not in self.given.reported:
            return own
        reported = tuple(b.step(Op.INPUT, value=f"{analyte}.reported_{side}") for side in ("lower", "upper"))
        printed = self.rules.printed_limits
        factor = b.number(printed.of(analyte))
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
            if analyte in printed.few and theirs is reported[0]:
                comparable = b.both(comparable, b.less(b.number(0.0), theirs))
            wrong = b.either(wrong, b.both(comparable, b.negate(near)))
        sane = b.negate(wrong)
        # Of a person of several ages it is told where it is so at every one: a printed range is of the age that nobody told us.
        self.facts.put_truth(f"{analyte}.range_insane", Truth(wrong, sane))
        self._by_report[analyte] = b.both(sane, b.any(b.present(r) for r in reported))
        used = [b.select(b.both(sane, b.present(r)), r, o) for r, o in zip(reported, own, strict=True)]
        return used[0], used[1]

    def born_preterm(self) -> int:
        """Return whether the person is an infant who was, or may have been, born preterm: no set of the default covers it.

        It is stated as a finding, or as a gestation that is not surely at term. What states neither is read as born at term.
        """
        b, below = self.b, self.rules.preterm_below
        told = []
        if self.rules.preterm_finding in self.given.findings:
            told.append(b.step(Op.FLAG, value=f"{self.rules.preterm_finding}.present"))
        weeks = self.sent(self.rules.gestation)
        if not b.absent(weeks.low):
            at_term = b.at_most(b.number(self.rules.term_from), weeks.low)
            told.append(b.both(b.present(weeks.low), b.negate(at_term)))
        if not told:
            return b.boolean(False)
        young = b.negate(b.step(Op.TRAIT, value=f"age:{below.unit}:{below.count}"))
        return b.both(b.any(told), young)

    def in_span(self, span: Weeks) -> int:
        """Return whether the stated gestation lies in a span of weeks, and nothing stated contradicts it."""
        b, weeks = self.b, self.sent(self.rules.gestation)
        if b.absent(weeks.low):
            return b.boolean(False)
        inside = b.both(b.at_most(b.number(span.low), weeks.low), b.less(weeks.high, b.number(span.high)))
        if self.rules.preterm_finding not in self.given.findings:
            return inside
        return b.both(inside, b.negate(b.step(Op.FLAG, value=f"{self.rules.preterm_finding}.absent")))

    def _limits_by_gestation(self, analyte: str) -> tuple[int, int]:
        """Return the limits of the chosen set by gestation; none where it has no row, or the weeks are not in one span."""
        b = self.b
        lower = upper = b.nan()
        for place, span in enumerate(self.rules.by_gestation.get(analyte, ())):
            inside, own = self.in_span(span), self.set_limits(at_gestation(analyte, place))
            lower, upper = b.select(inside, own[0], lower), b.select(inside, own[1], upper)
        return lower, upper

    def _finding(self, finding: str) -> Truth:
        if finding not in self.given.findings:
            return self.b.unknown()
        return Truth(self.b.step(Op.FLAG, value=f"{finding}.present"), self.b.step(Op.FLAG, value=f"{finding}.absent"))
