"""Where each condition of the checklist stands: whether it is listed, how common it is, what its findings weigh.

Points are whole doublings. They order the list (`report/checklist.py`) and go no further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from cbc_screen.kernel.fact_table import Facts
from cbc_screen.kernel.program import Builder, Truth
from cbc_screen.kernel.rules import LINES, Rules
from cbc_screen.knowledge.ordering import ANY_AGE, MOST_TIER, SIZES, Ordering, StartingTier
from cbc_screen.knowledge.predicates import (
    AgeIs,
    BeyondRange,
    Compare,
    CourseIs,
    FindingIs,
    MethodIs,
    SexIs,
    StateIs,
    walk,
)
from cbc_screen.knowledge.rules import Condition, Rule
from cbc_screen.knowledge.weighing import ways
from cbc_screen.vocabulary import Line, Support, Tier, Urgency

Weighed = tuple[int, int]  # a boolean and what it weighs
# A condition's cell is one number by which a list is sorted, lowest first. From its highest bit: whether it is
# not listed; its points, the most first; whether no finding speaks for it, of what is time-critical; its starting
# tier, the highest first; whether it does not stand before the fold, or with what must not be missed.
CELL, SUPPORT = "cell", "support"
BASE = "base"  # the cell without the setting, where one is stated
_OPEN_AT, _MUST_AT, _START_AT, _SPEAKS_AT, POINTS_AT, HIDDEN_AT = 0, 1, 2, 5, 6, 14
MOST_POINTS = 126  # above the points of any condition
# The counts that every blood count has: where one is unknown, a time-critical condition is not set aside for it.
LEADING = frozenset({"hemoglobin", "wbc", "neutrophils", "platelets"})


class Ranking:
    """Writes what the order of the checklist needs, from (joined) facts."""

    def __init__(self, builder: Builder, rules: Rules, facts: Facts) -> None:
        self.b, self.rules, self.ordering, self.facts = builder, rules, rules.ordering, facts

    def build(self) -> dict[str, int]:
        """Return the steps by name, all conditions together."""
        found: dict[str, int] = {}
        for condition in self.rules.conditions:
            found |= {f"{name}.{condition.id}": node for name, node in self._condition(condition).items()}
        return found

    def _condition(self, condition: Condition) -> dict[str, int]:
        b, ordering = self.b, self.ordering
        weighed = [pair for side in ("for", "against") for pair in self._side(condition, side)]
        findings = b.weighted(weighed)
        has_tier, steps = self._start(condition, ordering)
        points = self._points(weighed, steps)
        enough = b.code_at_least(findings, ordering.without_tier)
        listed = b.both(self.some_line_low, b.either(has_tier, enough))
        if condition.id in ordering.no_line_low:
            listed = b.either(listed, enough)
        must = self._must(condition)
        listed = b.both(self.possible(condition), b.either(listed, must))
        speaks, critical = self._speaks(condition), condition.tier is Tier.TIME_CRITICAL
        code = b.flag_code

        def cell(points: int, steps: Sequence[int]) -> int:
            return b.code_pack(
                [
                    (code(b.negate(self._open(condition, points))), _OPEN_AT),
                    (code(b.negate(must)), _MUST_AT),
                    (b.weighted([(b.negate(step), 1) for step in steps]), _START_AT),
                    (code(b.negate(speaks) if critical else b.boolean(True)), _SPEAKS_AT),
                    (b.code_subtract(b.code(MOST_POINTS), points), POINTS_AT),
                    (code(b.negate(listed)), HIDDEN_AT),
                ]
            )

        found = {CELL: cell(points, steps), SUPPORT: self._support(condition, listed, points, speaks)}
        if self.rules.moved is not None:
            # A setting moves tiers and makes none: what is listed is the same without it.
            plain = self._start(condition, self.rules.moved.without)[1]
            found[BASE] = cell(self._points(weighed, plain), plain)
        return found

    def _points(self, weighed: Sequence[Weighed], steps: Sequence[int]) -> int:
        start = [(step, 1) for step in steps]
        start.append((self.b.negate(self._lines_known), -self.ordering.uncertain_less))
        return self.b.weighted([*weighed, *start])

    def possible(self, condition: Condition) -> int:
        """Return whether a condition is possible for this person: unknown is possible."""
        if condition.only_when is None:
            return self.b.boolean(True)
        return self.b.negate(self.facts.no(f"only.{condition.id}"))

    @cached_property
    def some_line_low(self) -> int:
        """Whether at least one line is certainly low, or has no limit (an infant born preterm) and something asks for a look soon."""
        b, soon = self.b, (Urgency.IMMEDIATE, Urgency.PROMPT)
        unlimited = b.any(self.facts.mark(f"unlimited.{line}") for line in LINES)
        named = [f"trigger.{rule.id}" for rule in self.rules.triggers if rule.urgency is Urgency.IMMEDIATE]
        named += [f"urgency.{rule.id}" for rule in self.rules.urgency if rule.urgency in soon]
        deep = b.any(self.facts.yes(name) for name in named)
        return b.either(b.code_at_least(self.facts.codes("lines")[0], 1), b.both(unlimited, deep))

    # Findings ------------------------------------------------------------------------

    def _truth(self, condition: Condition, side: str, rule: Rule) -> Truth:
        name = f"{side}.{condition.id}.{rule.id}"
        return self.facts.truth(name)

    def _side(self, condition: Condition, side: str) -> Iterable[Weighed]:
        """Yield what the findings of a side weigh; those that go together count as the largest and one more."""
        rules = condition.findings_for if side == "for" else condition.findings_against
        groups: dict[str, list[Rule]] = {}
        for rule in rules:
            if rule.points and rule.together:
                groups.setdefault(rule.together, []).append(rule)
            elif rule.points:
                yield self._truth(condition, side, rule).yes, rule.points
        for group in groups.values():
            yield from self._together(condition, side, group)

    def _together(self, condition: Condition, side: str, group: Sequence[Rule]) -> Iterable[Weighed]:
        b = self.b
        plus = self.ordering.together_plus * (1 if side == "for" else -1)
        before = another = b.boolean(False)
        for size in sorted({abs(rule.points) for rule in group}, reverse=True):
            own = [rule for rule in group if abs(rule.points) == size]
            here = b.boolean(False)
            for rule in own:
                holds = self._truth(condition, side, rule).yes
                another = b.either(another, b.both(holds, b.either(before, here)))
                here = b.either(here, holds)
            yield b.both(here, b.negate(before)), own[0].points
            before = b.either(before, here)
        yield another, plus

    def _speaks(self, condition: Condition) -> int:
        return self.b.any(self._truth(condition, "for", rule).yes for rule in condition.findings_for)

    def _open(self, condition: Condition, points: int) -> int:
        """Return whether a time-critical condition stands with those not to be missed, or could by what is unknown.

        Unknown is here what every count and every person has: the leading counts, the lines, age, sex, pregnancy.
        """
        b = self.b
        if condition.tier is not Tier.TIME_CRITICAL:
            return b.boolean(False)
        least = self.ordering.not_to_miss_least
        found = self._may_reach(points, least)
        for rule in condition.findings_for:
            if _is_leading(rule):
                truth = self._truth(condition, "for", rule)
                unknown = b.negate(b.decided(truth))
                found = b.either(found, b.both(unknown, self._may_reach(points, least - rule.points)))
        return found

    def _may_reach(self, points: int, least: int) -> int:
        """Return whether points are so many, or are so without what they are lowered by where a line is unknown."""
        b = self.b
        lowered = b.both(b.negate(self._lines_known), b.code_at_least(points, least - self.ordering.uncertain_less))
        return b.either(b.code_at_least(points, least), lowered)

    def _must(self, condition: Condition) -> int:
        """Return whether a condition stands before the fold whatever else does."""
        b = self.b
        found = b.boolean(False)
        if condition.shown_when is not None:
            # Where what is unknown of the person could change it, what is time-critical stays in the higher group.
            told = self.facts.mark if condition.tier is Tier.TIME_CRITICAL else self.facts.yes
            found = told(f"shown_when.{condition.id}")
        if condition.shown_unless_decided is not None:
            decided = b.any(self._decided(other) for other in self.rules.conditions if other is not condition)
            open_question = self.facts.yes(f"shown_unless_decided.{condition.id}")
            found = b.either(found, b.both(open_question, b.negate(decided)))
        return found

    def _decided(self, condition: Condition) -> int:
        """Return whether a finding that is decisive for a condition holds, and none that is decisive against it."""
        b = self.b
        for_it = b.any(self._truth(condition, "for", r).yes for r in condition.findings_for if r.decisive)
        return b.both(for_it, b.negate(self._refuted(condition)))

    def _refuted(self, condition: Condition) -> int:
        return self.b.any(self._truth(condition, "against", r).yes for r in condition.findings_against if r.decisive)

    def _support(self, condition: Condition, listed: int, points: int, speaks: int) -> int:
        b, code = self.b, {support: number for number, support in enumerate(Support)}
        spoken_against = b.any(self._truth(condition, "against", rule).yes for rule in condition.findings_against)
        return b.choose(
            [
                (b.negate(listed), code[Support.NOT_LISTED]),
                (self._decided(condition), code[Support.SUPPORTED]),
                (self._refuted(condition), code[Support.LESS_LIKELY]),
                (b.negate(b.code_at_least(points, self.ordering.possible_least)), code[Support.LESS_LIKELY]),
                (b.negate(b.either(speaks, spoken_against)), code[Support.CANNOT_ASSESS]),
            ],
            code[Support.CONSIDER],
        )

    # Starting tiers --------------------------------------------------------------------

    def _start(self, condition: Condition, ordering: Ordering) -> tuple[int, list[int]]:
        """Return whether a condition has a starting tier for this count, and whether it reaches each tier."""
        b = self.b
        rows = ordering.tiers[condition.id]
        cells = [
            (tier, self._cell(combination, name, rows))
            for name, row in rows.items()
            for combination, tier in row.tiers.items()
        ]
        reached = [b.any(cell for tier, cell in cells if tier >= least) for least in range(MOST_TIER + 1)]
        return reached[0], reached[1:]

    def _cell(self, combination: str, ages: str, rows: Mapping[str, StartingTier]) -> int:
        """Return whether a combination of low lines is possible at an age that a row of tiers is for."""
        return self.b.both(self._combinations[combination], self._age_possible(ages, frozenset(rows)))

    def _age_possible(self, ages: str, rows: frozenset[str]) -> int:
        """Tell whether a row of tiers may apply: that of the youngest class that has one, but never `any` to newborns."""
        b, facts = self.b, self.facts
        names = [name for name, _ in self.ordering.ages]
        younger = names if ages == ANY_AGE else names[: names.index(ages)]
        passed = [b.negate(facts.yes(f"age.{name}")) for name in younger if name in rows or name == names[0]]
        own = [] if ages == ANY_AGE else [b.negate(facts.no(f"age.{ages}"))]
        return b.all([*passed, *own])

    @cached_property
    def _lines_known(self) -> int:
        b = self.b
        return b.all(b.decided(self.facts.truth(f"line.{line}")) for line in LINES)

    @cached_property
    def _combinations(self) -> dict[str, int]:
        """Whether each combination of low lines is possible; the red line alone by the size of the cells."""
        b, facts = self.b, self.facts
        may = {line: b.negate(facts.no(f"line.{line}")) for line in LINES}
        spared = {line: b.negate(facts.yes(f"line.{line}")) for line in LINES}

        def only(*low: Line) -> int:
            return b.all(may[line] if line in low else spared[line] for line in LINES)

        red = only(Line.RED)
        sizes = self._sizes()
        return {
            **{name: b.both(red, size) for name, size in zip(SIZES, sizes, strict=True)},
            "white": only(Line.WHITE),
            "platelet": only(Line.PLATELET),
            "red_white": only(Line.RED, Line.WHITE),
            "red_platelet": only(Line.RED, Line.PLATELET),
            "white_platelet": only(Line.WHITE, Line.PLATELET),
            "pancytopenia": only(*LINES),
        }

    def _sizes(self) -> tuple[int, int, int, int]:
        """Return red cells small, of normal size, large, of unknown size, by the range of the person's age."""
        b, facts = self.b, self.facts
        is_low, is_high = facts.truth("mcv.low"), facts.truth("mcv.high")
        small, large = is_low.yes, is_high.yes
        normal = b.both(is_low.no, is_high.no)
        return small, normal, large, b.negate(b.any([small, normal, large]))


def telling_findings(condition: Condition, enough: int) -> list[Rule]:
    """Return the findings of which one at least holds where those for a condition reach so many points."""
    # What a person alone may bring is left out first, then the lightest, as long as those left out are too few.
    telling = sorted(condition.findings_for, key=lambda rule: (not _by_person_alone(rule), rule.points))
    left = 0
    while telling and left + telling[0].points < enough:
        left += telling.pop(0).points
    return telling


def _by_person_alone(rule: Rule) -> bool:
    """Tell whether a finding may hold for what the person is, whatever the count."""
    return any(all(isinstance(part, AgeIs | SexIs) for part in way) for way in ways(rule.when))


def _is_leading(rule: Rule) -> bool:
    """Tell whether a finding asks only for the leading counts, the lines and the person."""
    for part in walk(rule.when):
        match part:
            case CourseIs() | FindingIs() | MethodIs():
                return False
            case Compare(subject) | StateIs(subject) | BeyondRange(subject) if subject not in LEADING:
                return False
    return True
