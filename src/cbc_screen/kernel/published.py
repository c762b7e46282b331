"""Each line held against every published set alone: programs of their own, over the values that the screen itself uses.

They answer beside the screen and change nothing of it: another table of limits, with classes of age of its own, so that
not even a remark on the person differs. A set is compared by its own rows, never laid over another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from cbc_screen.kernel.compiled import Compiled
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.definition import Programs
from cbc_screen.kernel.fact_table import Facts
from cbc_screen.kernel.limits import STATED, KernelLimits, at_gestation, build_set_limits, spans_of
from cbc_screen.kernel.program import Builder, Truth
from cbc_screen.kernel.rules import LINE_ANALYTE, LINES, Given, Rules
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel.truths import Truths
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.intervals import IntervalRow, IntervalSet, SetKind
from cbc_screen.vocabulary import Line, SetAnswer

_DEFINITION = "reference"  # a line is low where it is below the set's own range
_WITHOUT_NEUTROPHILS = "wbc"
_ANALYTES = frozenset((*LINE_ANALYTE.values(), _WITHOUT_NEUTROPHILS))
_ANSWERS = tuple(SetAnswer)


def answer_of(line: Line, name: str) -> str:
    """Return the name of the code for a line and a set."""
    return f"{line} {name}"


@dataclass(frozen=True)
class _Set:
    """One set: its rows by the prefix of their limits, and the rules under which they are used."""

    rules: Rules
    tables: Mapping[str, tuple[IntervalRow, ...]]


class PublishedSets(Kernel):
    """The comparison of one configuration, compiled. `names` are the sets, in their order."""

    def __init__(self, rules: Rules, limits: KernelLimits, sets: Mapping[str, _Set]) -> None:
        super().__init__(rules, limits)
        self._sets = sets
        self.names = tuple(sets)

    def _compile(self, given: Given) -> Compiled:
        return Compiled(self._programs(replace(given, reported=frozenset())), self.limits.table)

    def _programs(self, given: Given) -> Programs:
        builder = Builder()
        whole = Truths(builder, self.rules, given)
        facts = Facts()
        for name, own in self._sets.items():
            facts |= _facts(_OfSet(whole, own.rules, name), name)
        apart, nothing = Builder(), builder.program({})
        joined = Facts.coming_in(apart, facts.columns)
        fused = builder.program(self._codes(builder, facts))
        concluded = apart.program(self._codes(apart, joined))
        return Programs(fused, builder.program(facts.columns), concluded, *(nothing,) * 6)

    def _codes(self, b: Builder, facts: Facts) -> dict[str, int]:
        """Return the code of each line and set."""
        place = {answer: number for number, answer in enumerate(_ANSWERS)}
        names = [answer_of(line, name) for line in LINES for name in self.names]
        return {
            name: b.choose(
                [
                    (b.negate(facts.mark(f"{name}.covered")), place[SetAnswer.NOT_COVERED]),
                    (b.negate(facts.mark(f"{name}.sent")), place[SetAnswer.NOT_ASSESSED]),
                    (facts.yes(name), place[SetAnswer.LOW]),
                    (facts.no(name), place[SetAnswer.NOT_LOW]),
                ],
                place[SetAnswer.CANNOT_TELL],
            )
            for name in names
        }


class _OfSet(Truths):
    """The lines of a record under the limits of one set; its values are those of the screen."""

    def __init__(self, whole: Truths, rules: Rules, name: str) -> None:
        super().__init__(whole.b, rules, whole.given)
        self._whole, self._name = whole, name
        self.sent, self.effective = whole.sent, whole.effective  # type: ignore[method-assign]

    def limit(self, name: str) -> int:
        """Return a limit of this set."""
        side, _, rest = name.partition(":")
        return super().limit(f"{side}:{self._name} {rest}")

    def has(self, analyte: str) -> int:
        """Return whether the set has a lower limit for the person."""
        return self.b.present(self.limits(analyte)[0])


def _facts(own: _OfSet, name: str) -> Facts:
    """Return, for each line, whether it is low or not, whether something was sent, and whether the set covers the person."""
    b = own.b
    found = Facts()
    counted = b.present(own.effective(LINE_ANALYTE[Line.WHITE]).low)
    sent = {line: b.present(own.effective(analyte).low) for line, analyte in LINE_ANALYTE.items()}
    # White cells stand in for neutrophils that were not sent.
    sent[Line.WHITE] = b.either(counted, b.present(own.effective(_WITHOUT_NEUTROPHILS).low))
    either = b.either(own.has(LINE_ANALYTE[Line.WHITE]), own.has(_WITHOUT_NEUTROPHILS))
    white = b.either(b.both(counted, own.has(LINE_ANALYTE[Line.WHITE])), b.both(b.negate(counted), either))
    for line, truth in own.lines(_DEFINITION).items():
        covered = white if line is Line.WHITE else own.has(LINE_ANALYTE[line])
        told = Truth(b.both(covered, truth.yes), b.both(covered, truth.no))
        fact = answer_of(line, name)
        found.put_truth(fact, told)
        found.put_mark(f"{fact}.covered", covered)
        found.put_mark(f"{fact}.sent", sent[line])
    return found


@lru_cache(maxsize=4)
def build_published(knowledge: Knowledge, chosen: Configuration) -> PublishedSets:
    """Build the comparison beside one configuration (once a process)."""
    rules = build_kernel(knowledge, chosen).rules
    rules = replace(rules, definition=_DEFINITION, ranged=_ANALYTES, stated=frozenset(), by_gestation={})
    rules = replace(rules, stated_finding=None, definitions={_DEFINITION: knowledge.definition(_DEFINITION)})
    compared = [own for own in knowledge.interval_sets.values() if own.compared]
    sets = {own.id: _set(own, rules, knowledge) for own in compared}
    sets = {name: own for name, own in sets.items() if any(own.tables.values())}
    limits = build_set_limits(
        {f"{name} {prefix}": rows for name, own in sets.items() for prefix, rows in own.tables.items()},
        knowledge.words.preterm_below,
        knowledge.words.pregnancy_ages,
        knowledge.age_implausible_from,
    )
    columns = dict.fromkeys(limits.columns)
    sets = {name: replace(own, rules=replace(own.rules, limit_columns=columns)) for name, own in sets.items()}
    return PublishedSets(replace(rules, limit_columns=columns), limits, sets)


def _set(own: IntervalSet, rules: Rules, knowledge: Knowledge) -> _Set:
    """Return a set with the rules under which it is used: where a phenotype or a gestation must be stated, only there."""
    rows = tuple(row for row in own.rows if row.analyte in _ANALYTES)
    if own.kind is SetKind.DUFFY_NULL:
        stated = frozenset(row.analyte for row in rows)
        return _Set(replace(rules, stated=stated, stated_finding=knowledge.duffy_finding), {STATED: rows})
    if own.kind is SetKind.PRETERM:
        spans = spans_of(rows)
        places = range(max(map(len, spans.values()), default=0))
        tables = {
            at_gestation("", place): tuple(
                row for row in rows if place < len(spans[row.analyte]) and row.gestation == spans[row.analyte][place]
            )
            for place in places
        }
        return _Set(replace(rules, by_gestation=spans), tables)
    return _Set(rules, {"": rows})
