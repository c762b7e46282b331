"""The facts of a record for one choice of age class, sex and pregnancy.

Where a person allows several choices, facts are worked out for each and joined; the
conclusions (`conclusions.py`) are drawn from the joined facts.
"""

from __future__ import annotations

from math import inf

from cbc_screen.kernel.answers import MAY_LIST
from cbc_screen.kernel.conclusions import ALONE, OPEN
from cbc_screen.kernel.fact_table import UNCOVERED, Facts
from cbc_screen.kernel.limits import BESIDE, at_gestation
from cbc_screen.kernel.program import Builder, Interval, Truth
from cbc_screen.kernel.ranking import telling_findings
from cbc_screen.kernel.rules import LINES, Given, Rules
from cbc_screen.kernel.truths import Truths
from cbc_screen.knowledge.definitions import PARTS, Cutoff
from cbc_screen.knowledge.predicates import alone_in
from cbc_screen.vocabulary import Line, ReticulocyteMethod, Urgency


class FactBuilder(Truths):
    """Writes the facts of a record for one demographic key."""

    def __init__(self, builder: Builder, rules: Rules, given: Given) -> None:
        super().__init__(builder, rules, given)
        self.listing = Facts()  # facts that only the checklist needs

    def build(self) -> Facts:
        """Write every fact and return the table of them."""
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
            undecided = self._undecided(self.facts.truth(f"{group}.{rule.id}"))
            for leaf in alone_in(rule.when):
                value = self.sent(leaf.subject) if leaf.subject in self.rules.analytes else None
                if value is not None and value.low != value.high:
                    open_ones.append(b.all([b.present(value.low), undecided, self._undecided(self.truth(leaf))]))
        self.facts.put_mark(OPEN, b.any(open_ones))

    def _undecided(self, truth: Truth) -> int:
        return self.b.negate(self.b.decided(truth))

    def _build_alone(self) -> None:
        """Write what is so without the limits that are tried beside others: there everything may be true."""
        beside = self.trait(BESIDE).yes
        for name in (f"{analyte}.{side}" for analyte in sorted(self.rules.differing) for side in ("low", "high")):
            own = self.facts.truth(name)
            self.put(f"{ALONE}{name}", Truth(self.b.either(own.yes, beside), self.b.either(own.no, beside)))

    def put(self, name: str, truth: Truth, *, listing: bool = False) -> None:
        """Record a three-valued fact."""
        (self.listing if listing else self.facts).put_truth(name, truth)

    def _build_states(self) -> None:
        b = self.b
        for analyte in sorted(self.rules.ranged):
            value, (lower, upper) = self.effective(analyte), self.limits(analyte)
            low, high = self.states(analyte)
            self.put(f"{analyte}.low", low)
            self.put(f"{analyte}.high", high)
            there = b.present(value.low)
            self.facts.put_mark(f"{analyte}.value", there)
            least = self.rules.analytes[analyte].zero_below
            if least is not None:
                none, some = b.at_most(value.low, b.number(0.0)), b.less(b.number(0.0), value.high)
                zero = b.all([none, some, b.less(value.high, b.number(least))])
                self.facts.put_mark(f"{analyte}.zero", zero if value.low != value.high else b.boolean(False))
            self.facts.put_mark(f"{analyte}.assessed", b.both(there, b.either(b.present(lower), b.present(upper))))

    def _build_lines(self) -> None:
        lines = self.lines(self.rules.definition)
        for line in LINES:
            self.put(f"line.{line}", lines[line])
            sent, unlimited = self._judged_on(line)
            self.facts.put_mark(f"sent.{line}", sent)
            self.facts.put_mark(f"unlimited.{line}", unlimited)
            self.facts.put_mark(f"unclear.{line}", self.b.both(sent, self._is_unclear(line)))
        if self.rules.stated_finding is not None:
            self.put("line.white_unadjusted", self._white_unadjusted())
        if self.rules.adjusts_line:
            red = self.rules.definitions[self.rules.definition].red
            self.put("line.red_unadjusted", self._line(red, f"cut:{self.rules.definition}:red"))
        self.facts.put_codes("lines", *self.counts(self.rules.definition))

    def _is_unclear(self, line: Line) -> int:
        """Return whether what a line is judged on is not one number."""
        b, part = self.b, getattr(self.rules.definitions[self.rules.definition], line.value)

        def is_open(value: Interval) -> int:
            return b.boolean(False) if value.low == value.high else b.less(value.low, value.high)

        own = self.effective(part.analyte)
        if line is not Line.WHITE:
            return is_open(own)
        return b.either(is_open(own), b.both(b.negate(b.present(own.low)), is_open(self.effective("wbc"))))

    def _build_grades(self) -> None:
        b = self.b
        lows, highs = [], []
        if self.rules.adjusts_grade:
            plain = self._grade("hemoglobin")
            self.facts.put_codes("grade.red_unadjusted", *plain[:2])
        for line in LINES:
            severity_low, severity_high = self.severities(line)
            lows.append(severity_low)
            highs.append(severity_high)
        worst = [b.code_larger(b.code_larger(own[0], own[1]), own[2]) for own in (lows, highs)]
        self.facts.put_codes("severity", *worst)

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
        self.facts.put_mark(MAY_LIST, self._may_list())

    def build_listing(self) -> Facts:
        """Write the facts that only the checklist needs, and return the table of them."""
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
                self.listing.put_mark(f"shown_when.{condition.id}", shown.yes)
            if condition.shown_unless_decided is not None:
                self.put(
                    f"shown_unless_decided.{condition.id}", self.truth(condition.shown_unless_decided), listing=True
                )
        for name, age in self.rules.ordering.ages:
            self.put(f"age.{name}", b.opposite(self.trait(f"age:{age.unit}:{age.count}")), listing=True)
        asked = {name: None for condition in self.rules.conditions for name in condition.settled_by}
        for name in asked:
            question = self.rules.ordering.questions[name]
            if question.may_be_left:
                known = [self._is_known(answer) for answer in question.done_by]
                self.listing.put_mark(f"answered.{name}", b.any(known))
            if question.asked_when is not None:
                # At one possible age or stage of pregnancy is enough to ask.
                self.listing.put_mark(f"asked.{name}", self.truth(question.asked_when).yes)
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
            return self.b.decided(self._finding(answer))
        value = self.effective(answer)
        return self.b.both(self.b.present(value.low), self.b.less(value.high, self.b.number(inf)))

    def limits_used(self) -> dict[str, int]:
        """Return the limits behind the answers, for the explanation; they agree where the least is the most."""
        used, preterm = Facts(), self.born_preterm()
        used.put_mark(UNCOVERED, preterm)
        found: dict[str, int] = {}
        for analyte, spans in self.rules.by_gestation.items():
            for place, span in enumerate(spans):
                found[at_gestation(analyte, place)] = self.b.both(preterm, self.in_span(span))
        for analyte in sorted(self.rules.ranged):
            found[f"{analyte}.by_report"] = self._by_report.get(analyte, self.b.boolean(False))
            for side, limit in zip(("lower", "upper"), self.limits(analyte), strict=True):
                used.put_codes(f"{analyte}.{side}", limit, limit)
        rule = self.rules.definitions[self.rules.definition]
        for part in PARTS:
            cutoff: Cutoff | None = getattr(rule, part)
            if cutoff is not None:
                cut = self._cut(cutoff, f"cut:{rule.id}:{part}")
                used.put_codes(f"cut.{part}", cut, cut)
        return {**used.columns, **found}
