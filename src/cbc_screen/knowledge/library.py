"""All knowledge tables together, as `load.py` checks and freezes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cbc_screen.errors import KnowledgeError, UsageError, did_you_mean
from cbc_screen.knowledge.adjustments import Adjustment
from cbc_screen.knowledge.answer_texts import AnswerTexts
from cbc_screen.knowledge.audit_texts import AuditText
from cbc_screen.knowledge.beside_results import BesideResults
from cbc_screen.knowledge.checks import ORDER, Checks, is_shipped, own_checks
from cbc_screen.knowledge.courses import Course
from cbc_screen.knowledge.definitions import Definition
from cbc_screen.knowledge.fhir_names import FHIRNames
from cbc_screen.knowledge.files import sha256
from cbc_screen.knowledge.film_names import FilmNames
from cbc_screen.knowledge.friends import Friends
from cbc_screen.knowledge.glossary import Glossary
from cbc_screen.knowledge.grading import Scheme
from cbc_screen.knowledge.intervals import IntervalRow, IntervalSet, SetKind, load_own_set
from cbc_screen.knowledge.languages import Languages
from cbc_screen.knowledge.likelihoods import Likelihood
from cbc_screen.knowledge.locators import Locator
from cbc_screen.knowledge.measures import Measures
from cbc_screen.knowledge.names import WorldNames
from cbc_screen.knowledge.ordering import Ordering
from cbc_screen.knowledge.own_order import Order, own_order
from cbc_screen.knowledge.parse import LARGEST, parse_yaml, read_own_text
from cbc_screen.knowledge.person_codes import PersonCodes
from cbc_screen.knowledge.predicates import Vocabulary
from cbc_screen.knowledge.printed_limits import PrintedLimits
from cbc_screen.knowledge.result_tables import ResultTables
from cbc_screen.knowledge.rules import BloodCriteria, Condition, Rule, RuleReader, check_rank
from cbc_screen.knowledge.scores import Scores
from cbc_screen.knowledge.sets import DefaultRanges, outside
from cbc_screen.knowledge.settings import Settings, check_stated
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.knowledge.symptoms import Symptoms
from cbc_screen.knowledge.unit_suspect import UnitSuspect
from cbc_screen.knowledge.weighing import check_weights
from cbc_screen.knowledge.white_parts import WhiteParts
from cbc_screen.regular import read_regular
from cbc_screen.vocabulary import Setting, Verification


@dataclass(frozen=True, slots=True)
class CitedSource:
    """A cited publication, guideline or laboratory page."""

    id: str
    citation: str
    url: str
    licence: str
    verification: Verification
    notes: str


@dataclass(frozen=True, eq=False)
class Knowledge(Measures):
    """Everything under reference_ranges/, as frozen tables."""

    friends: Friends
    answer_texts: AnswerTexts
    audit: Mapping[str, AuditText]
    glossary: Glossary
    fhir: FHIRNames
    scores: Scores
    result_tables: ResultTables
    beside: BesideResults
    film: FilmNames
    names: WorldNames
    languages: Languages
    person_codes: PersonCodes
    not_results: frozenset[str]  # beside the name of an analyte: what the column holds is no result of it
    unit_suspect: UnitSuspect
    printed_limits: PrintedLimits
    white_parts: WhiteParts
    finding_groups: Mapping[str, tuple[str, ...]]
    courses: Mapping[str, Course]
    shown_findings: Mapping[str, Course]  # findings that earlier counts show
    interval_sets: Mapping[str, IntervalSet]
    default_ranges: DefaultRanges
    duffy_finding: str
    schemes: Mapping[str, Scheme]
    definitions: Mapping[str, Definition]
    conditions: tuple[Condition, ...]
    ordering: Ordering
    checks: Checks
    adjustments: Mapping[str, Adjustment]
    urgency: tuple[Rule, ...]
    urgency_unknown: str  # why a person should look, where that could not be told
    criteria: BloodCriteria
    symptoms: Symptoms
    settings: Settings
    sources: Mapping[str, CitedSource]
    locators: tuple[Locator, ...]  # where each number of grading, decision limits and scores stands in its source
    likelihoods: tuple[Likelihood, ...]  # the frequencies that points were worked out from

    def intervals(self, ranges: str) -> tuple[IntervalRow, ...]:
        """Return the rows of a named set, or of a user's own CSV file.

        "default" is the default set with its pregnancy rows. Any other set is laid over
        it: an analyte that the set has is judged by the set alone, at every age, so that
        an age it leaves out is not assessed; an analyte that it does not have keeps the
        default. Rows in pregnancy and out of it are laid over separately. A Duffy-null set
        is not laid over: see `stated_intervals`; nor is one by gestation: see `preterm_intervals`.
        """
        sets = [row for name in self.default_ranges.sets for row in self.interval_sets[name].rows]
        own, closer = self._laid_over(ranges), self.default_ranges.closer
        return (*own, *_not_covered((*closer, *outside(sets, closer)), own))

    def differing_intervals(self, ranges: str) -> tuple[IntervalRow, ...]:
        """Return the rows that are tried beside those of `intervals`: of the same grade, and different."""
        return _not_covered(self.default_ranges.differing, self._laid_over(ranges))

    def _laid_over(self, ranges: str) -> tuple[IntervalRow, ...]:
        """Return the rows that a choice of ranges lays over the default."""
        chosen = None if ranges == "default" else self.interval_set(ranges)
        return () if chosen is None or chosen.kind in (SetKind.DUFFY_NULL, SetKind.PRETERM) else chosen.rows

    def stamp(self, ranges: str, rules: str) -> str:
        """Return what tells the contents of a user's own files apart ("" where none is used)."""
        files = [] if ranges == "default" or ranges in self.interval_sets else [ranges]
        files += [] if is_shipped(rules) else [rules]
        return " ".join(sha256(read_regular(Path(file), LARGEST)) for file in files)

    def checks_of(self, rules: str) -> Checks:
        """Return the shipped guards, triggers and cut-offs, or them under a laboratory's own file."""
        return self.checks if is_shipped(rules) else self.read_rules(Path(rules))

    def read_rules(self, path: Path) -> Checks:
        """Read and check a laboratory's own rules (docs/knowledge.md gives the format)."""
        words = Vocabulary(self.analytes, self.findings, frozenset(self.definitions))
        node = parse_yaml(read_own_text(path), path.name)
        found = own_checks(RuleReader(words, self.sources), node, self.checks)
        self._order(node)
        return found

    def is_condition(self, path: Path) -> bool:
        """Tell whether a YAML file is a condition of the checklist, and not rules of one's own."""
        return "findings_for" in parse_yaml(read_own_text(path), path.name)

    def read_condition(self, path: Path) -> Condition:
        """Read and check a condition of the checklist, as the loader does, beside the shipped ones."""
        node, ordering = parse_yaml(read_own_text(path), path.name), self.ordering
        reader = RuleReader(
            Vocabulary(self.analytes, self.findings, frozenset(self.definitions), frozenset(self.courses)), self.sources
        )
        condition = reader.condition(node)
        check_rank(node, condition, [other for other in self.conditions if other.id != condition.id])
        check_weights(node, condition, self.analytes, ordering.low_line, ordering.decisive_counts)
        return condition

    def order_of(self, rules: str) -> Order:
        """Return the shipped order of the checklist, or it under a laboratory's own file."""
        if is_shipped(rules):
            return Order(self.conditions, self.ordering, self.settings)
        return self._order(parse_yaml(read_own_text(Path(rules)), Path(rules).name))

    def check_setting(self, stated: Sequence[Setting]) -> None:
        """Refuse settings that exclude each other."""
        check_stated(self.settings, stated)

    def _order(self, node: YamlNode) -> Order:
        shipped = Order(self.conditions, self.ordering, self.settings)
        return own_order(node.node(ORDER), shipped) if ORDER in node else shipped

    def adjustment(self, scheme: str) -> Adjustment | None:
        """Return what the guideline behind a scheme's hemoglobin table subtracts, if it does."""
        rows = self.scheme(scheme).tables.get("hemoglobin", ())
        return self.adjustments.get(rows[0].scheme) if rows else None

    def stated_intervals(self, ranges: str) -> tuple[IntervalRow, ...]:
        """Return the rows that are used only where the record states the phenotype."""
        if ranges == "default" or self.interval_set(ranges).kind is not SetKind.DUFFY_NULL:
            return ()
        return self.interval_set(ranges).rows

    def preterm_intervals(self, ranges: str) -> tuple[IntervalRow, ...]:
        """Return the rows that are used only where the record states a gestation at birth."""
        if ranges == "default" or self.interval_set(ranges).kind is not SetKind.PRETERM:
            return ()
        return self.interval_set(ranges).rows

    def interval_set(self, ranges: str) -> IntervalSet:
        """Return a named set, or read and check a user's own file (a path that ends in .csv)."""
        if ranges in self.interval_sets:
            return self.interval_sets[ranges]
        if not ranges.lower().endswith(".csv"):
            near = did_you_mean(ranges, ["default", *self.interval_sets])
            raise UsageError(
                f"ranges: no set is named {ranges!r}{near or ';'} cbc-screen ranges list names them all, and a set of your "
                f"own is a path that ends in .csv"
            )
        path = Path(ranges)
        rows = self.read_set(path)
        if rows[0].set in self.interval_sets:
            raise KnowledgeError(path.name, rows[0].line, "set", "is the name of a shipped set; choose another")
        kind = SetKind.OWN if rows[0].gestation is None else SetKind.PRETERM
        return IntervalSet(rows[0].set, kind, "a user's own set", True, rows)

    def read_set(self, path: Path) -> tuple[IntervalRow, ...]:
        """Read and check a laboratory's own set: in the format of reference_ranges/intervals/, or its short form."""
        return load_own_set(read_own_text(path), path.name, self.analytes, self.sources)

    def scheme(self, name: str) -> Scheme:
        """Return a grading scheme by name."""
        if name not in self.schemes:
            near = did_you_mean(name, self.schemes) or ";"
            raise UsageError(f"grading: no scheme is named {name!r}{near} known: {', '.join(sorted(self.schemes))}")
        return self.schemes[name]

    def definition(self, name: str) -> Definition:
        """Return a definition of a low line by name."""
        if name not in self.definitions:
            near = did_you_mean(name, self.definitions) or ";"
            raise UsageError(f"definition: none is named {name!r}{near} known: {', '.join(sorted(self.definitions))}")
        return self.definitions[name]


def _not_covered(rows: Sequence[IntervalRow], own: Sequence[IntervalRow]) -> tuple[IntervalRow, ...]:
    """Return the rows whose analyte and stage of pregnancy another set does not have at all."""
    covered = {(row.analyte, row.pregnancy) for row in own}
    return tuple(row for row in rows if (row.analyte, row.pregnancy) not in covered)
