"""Read all of reference_ranges/, check it and freeze it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import TypedDict

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.adjustments import Adjustment, load_adjustment
from cbc_screen.knowledge.agreement import load_ways
from cbc_screen.knowledge.answer_texts import load_answer_texts
from cbc_screen.knowledge.audit_texts import load_audit
from cbc_screen.knowledge.beside_results import load_beside_results, load_rejections
from cbc_screen.knowledge.checks import Checks, load_checks
from cbc_screen.knowledge.courses import CHANGE, COURSES, PERSISTENCE, Course, load_courses, serial_names
from cbc_screen.knowledge.definitions import Definition, load_definitions
from cbc_screen.knowledge.fhir_names import load_fhir_names
from cbc_screen.knowledge.files import read_text, sha256, walk
from cbc_screen.knowledge.film_names import load_film_names
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.friends import load_friends
from cbc_screen.knowledge.glossary import load_glossary
from cbc_screen.knowledge.grading import Scheme, load_grade_table, load_schemes
from cbc_screen.knowledge.languages import load_languages
from cbc_screen.knowledge.library import CitedSource, Knowledge
from cbc_screen.knowledge.likelihoods import LIKELIHOODS_FILE, Likelihood, load_likelihoods
from cbc_screen.knowledge.locators import Locator, Numbered, load_locators
from cbc_screen.knowledge.moments import load_moments
from cbc_screen.knowledge.names import load_names
from cbc_screen.knowledge.ordering import TIERS_FILE, Ordering, check_ordering, load_ordering
from cbc_screen.knowledge.parse import parse_table
from cbc_screen.knowledge.person_codes import load_person_codes
from cbc_screen.knowledge.predicates import Vocabulary
from cbc_screen.knowledge.printed_limits import PrintedLimits, load_printed_limits
from cbc_screen.knowledge.quantities import (
    SMOKER_FINDING,
    Analyte,
    FalseFriend,
    UnitTable,
    load_analytes,
    load_units,
    normalize_unit,
)
from cbc_screen.knowledge.result_tables import load_result_tables
from cbc_screen.knowledge.rules import BloodCriteria, Condition, Rule, RuleReader, check_rank, in_rank
from cbc_screen.knowledge.scores import Scores, load_scores
from cbc_screen.knowledge.sets import load_sets
from cbc_screen.knowledge.settings import Settings, load_settings
from cbc_screen.knowledge.specimens import load_specimens
from cbc_screen.knowledge.statuses import load_statuses
from cbc_screen.knowledge.strict import YamlNode, parse_csv
from cbc_screen.knowledge.symptoms import load_symptoms
from cbc_screen.knowledge.unit_suspect import load_unit_suspect
from cbc_screen.knowledge.weighing import check_weights
from cbc_screen.knowledge.white_parts import load_white_parts
from cbc_screen.knowledge.words import Words, load_words
from cbc_screen.knowledge.world_words import WorldWords, load_world_words
from cbc_screen.vocabulary import Verification

SOURCE_COLUMNS = ("id", "citation", "url", "licence", "verification", "notes")
MANIFEST = "manifest.yaml"


def build_knowledge(root: Traversable, *, check_hashes: bool = True, every_set: bool = True) -> Knowledge:
    """Load a tree laid out like reference_ranges/; every fault names file, line and key.

    Without `every_set`, sets of ranges that are not the default's are read when they are
    asked for; their hashes are checked now all the same.
    """
    version = check_manifest(root) if check_hashes else "unchecked"

    def node(name: str) -> YamlNode:
        return parse_table(read_text(root, name), name)

    ground = _load_ground(root, node)
    analytes, sources, words, findings = ground.analytes, ground.sources, ground.words, ground.findings
    friends = load_friends(
        node("specimens.yaml"), node("false_friends.yaml"), node("agreeing_names.yaml"), analytes, ground.ambiguous
    )
    _check_references(node, analytes, words, findings, sources)
    names = load_names(root, analytes, friends, words.columns, sources)
    interval_sets, default_ranges, duffy_finding = load_sets(root, analytes, sources, findings)
    for name in interval_sets if every_set else default_ranges.sets:
        interval_sets[name]
    beside = node("beside_results.yaml")
    rejections = load_rejections(beside.node("rejections"))
    if not words.takes_back(rejections.means):
        raise beside.node("rejections").error("means", "takes no result back (text_results.yaml, taken_back)")
    result_tables = load_result_tables(node("result_tables.yaml"), root, rejections.columns)
    return Knowledge(
        data_version=version,
        analytes=analytes,
        units=ground.units,
        unit_systems=ground.unit_systems,
        friends=friends,
        names=names,
        languages=load_languages(node("languages.yaml"), root, words),
        agreement=load_ways(node("analytes.yaml").node("agreement"), analytes),
        unit_suspect=load_unit_suspect(node("analytes.yaml").node("unit_suspect"), analytes),
        not_results=frozenset(map(plain_name, node("analytes.yaml").texts("not_results"))),
        person_codes=load_person_codes(node("person_codes.yaml")),
        specimens=load_specimens(node("specimens.yaml"), sources, friends.specimens),
        words=words,
        statuses=load_statuses(node("result_status.yaml"), words.missing),
        answer_texts=load_answer_texts(node("answer_texts.yaml")),
        audit=load_audit(node("audit.yaml"), sources),
        glossary=load_glossary(node("glossary.yaml")),
        fhir=load_fhir_names(node("fhir.yaml"), sources),
        result_tables=result_tables,
        film=load_film_names(node("film_names.yaml"), ground.groups["film"]),
        beside=load_beside_results(beside, result_tables.names, analytes),
        moments=load_moments(node("moments.yaml"), words.missing, ground.world.months),
        age_implausible_from=ground.age_implausible_from,
        printed_limits=ground.printed_limits,
        white_parts=load_white_parts(node("analytes.yaml").node("white_parts"), analytes),
        findings=findings,
        finding_groups={group: tuple(ground.groups[group]) for group in ("film", "context")},
        interval_sets=interval_sets,
        default_ranges=default_ranges,
        duffy_finding=duffy_finding,
        symptoms=load_symptoms(node("symptoms.yaml"), sources),
        sources=sources,
        **_load_rules(root, node, ground),
    )


@dataclass(frozen=True)
class _Ground:
    """The tables that the others are read with."""

    world: WorldWords
    units: Mapping[str, UnitTable]
    unit_systems: Mapping[str, Mapping[str, str]]
    analytes: dict[str, Analyte]
    ambiguous: Mapping[str, FalseFriend]
    age_implausible_from: int
    printed_limits: PrintedLimits
    sources: dict[str, CitedSource]
    words: Words
    groups: dict[str, dict[str, str]]

    @property
    def findings(self) -> dict[str, str]:
        """The text of every finding."""
        return {name: text for group in self.groups.values() for name, text in group.items()}


class _RuleTables(TypedDict):
    """The fields of `Knowledge` that are definitions, schemes and rules."""

    schemes: dict[str, Scheme]
    definitions: dict[str, Definition]
    courses: Mapping[str, Course]
    shown_findings: Mapping[str, Course]
    conditions: tuple[Condition, ...]
    ordering: Ordering
    settings: Settings
    checks: Checks
    adjustments: dict[str, Adjustment]
    urgency: tuple[Rule, ...]
    urgency_unknown: str
    criteria: BloodCriteria
    scores: Scores
    locators: tuple[Locator, ...]
    likelihoods: tuple[Likelihood, ...]


def _load_ground(root: Traversable, node: Callable[[str], YamlNode]) -> _Ground:
    world = load_world_words(root, normalize_unit)
    units, systems = load_units(node("units.yaml"), world.units)
    analytes, ambiguous, age_cap = load_analytes(node("analytes.yaml"), units)
    printed = load_printed_limits(node("analytes.yaml").node("reported_range"), analytes)
    return _Ground(
        world=world,
        units=units,
        unit_systems=systems,
        analytes=analytes,
        ambiguous=ambiguous,
        age_implausible_from=age_cap,
        printed_limits=printed,
        sources=_load_sources(root),
        words=load_words(node("text_results.yaml"), node("demographics.yaml"), world),
        groups=_load_findings(node("findings.yaml")),
    )


def _load_rules(root: Traversable, node: Callable[[str], YamlNode], ground: _Ground) -> _RuleTables:
    analytes, sources, findings, groups = ground.analytes, ground.sources, ground.findings, ground.groups
    tables = {
        name.removeprefix("grading/").removesuffix(".csv"): load_grade_table(
            read_text(root, name), name, analytes, sources
        )
        for name, _ in walk(root)
        if name.startswith("grading/") and name.endswith(".csv")
    }
    schemes = load_schemes(node("grading/schemes.yaml"), tables)
    definitions = load_definitions(node("definitions.yaml"), analytes, schemes, sources)
    courses, shown = load_courses(
        node(COURSES), analytes, findings, sources, serial_names(node(PERSISTENCE), node(CHANGE))
    )
    reader = RuleReader(Vocabulary(analytes, findings, frozenset(definitions)), sources)
    timed = RuleReader(Vocabulary(analytes, findings, frozenset(definitions), frozenset(courses)), sources)
    ordering = load_ordering(
        node("ordering.yaml"),
        read_text(root, TIERS_FILE),
        node("questions.yaml"),
        [*analytes, *findings],
        {name: text for group in ("film", "context") for name, text in groups[group].items()},
        sources,
        Vocabulary(analytes, findings, frozenset(definitions)),
    )
    scores = load_scores(node("scores.yaml"), analytes, sources)
    checks = load_checks(reader, node("guards.yaml"), node("review_triggers.yaml"), node("published_cutoffs.yaml"))
    adjustments = _load_adjustments(root, sources, tables)
    criteria = reader.criteria(node("blood_criteria.yaml"))
    conditions = _load_conditions(root, timed, ordering, analytes)
    numbered = Numbered(tables, adjustments.values(), definitions.values(), criteria, checks, scores)
    return _RuleTables(
        schemes=schemes,
        definitions=definitions,
        courses=courses,
        shown_findings=shown,
        conditions=conditions,
        ordering=ordering,
        settings=load_settings(node("settings.yaml"), ordering, conditions, sources),
        checks=checks,
        adjustments=adjustments,
        urgency=timed.rules(_urgency(node), "rules", extra=("id", "level")),
        urgency_unknown=_urgency(node).text("unknown"),
        criteria=criteria,
        scores=scores,
        locators=load_locators(node("locators.yaml"), numbered),
        likelihoods=load_likelihoods(read_text(root, LIKELIHOODS_FILE), conditions, sources),
    )


def _urgency(node: Callable[[str], YamlNode]) -> YamlNode:
    found = node("urgency.yaml")
    found.check_keys(["unknown", "rules"])
    return found


def _check_references(
    node: Callable[[str], YamlNode],
    analytes: Mapping[str, Analyte],
    words: Words,
    findings: Mapping[str, str],
    sources: Mapping[str, CitedSource],
) -> None:
    """Refuse an id that names nothing, where the file alone could not tell."""
    people, texts, numbers = node("demographics.yaml"), node("text_results.yaml"), node("analytes.yaml")
    unchanged = people.node("unchanged_in_pregnancy")
    for analyte in words.unchanged_in_pregnancy:
        if analyte not in analytes:
            raise unchanged.error("analytes", f"{analyte} is not in analytes.yaml")
    for entry in texts.nodes("texts"):
        if "finding" in entry and entry.text("finding") not in findings:
            raise entry.error("finding", "is not in findings.yaml")
    if words.preterm_finding not in findings:
        raise people.node("preterm").error("finding", "is not in findings.yaml")
    term = people.node("term")
    if words.gestation not in analytes:
        raise term.error("analyte", "is not in analytes.yaml")
    if term.text("unit") != analytes[words.gestation].unit:
        raise term.error("unit", "must be that of the analyte")
    if SMOKER_FINDING not in findings:
        raise node("findings.yaml").error("context", f"{SMOKER_FINDING} is missing; adjustments ask for it")
    cited = [
        unchanged,
        people.node("preterm"),
        term,
        people.node("pregnancy_ages"),
        people.node("short_years"),
        people.node("sex_letters"),
        node("languages.yaml"),
        numbers.node("age").node("implausible_from"),
        numbers.node("reported_range"),
        numbers.node("unit_suspect"),
        numbers.node("agreement"),
    ]
    cited += [entry.node("plausible") for entry in numbers.nodes("analytes")]
    friends, agreeing = node("false_friends.yaml"), node("agreeing_names.yaml")
    cited += [entry for key in ("specimens", "qualifiers", "names") for entry in friends.nodes(key)]
    cited += [*agreeing.nodes("agreeing"), agreeing.node("blood"), agreeing.node("may_be_neutrophils")]
    for entry in cited:
        if entry.text("source") not in sources:
            raise entry.error("source", "is not in sources.csv")


def check_manifest(root: Traversable) -> str:
    """Compare every file with manifest.yaml and return the data version."""
    manifest = parse_table(read_text(root, MANIFEST), MANIFEST)
    manifest.check_keys(["data_version", "files"])
    files = manifest.node("files")
    expected, version = {name: files.text(name) for name in files}, manifest.text("data_version")
    present = {name: entry for name, entry in walk(root) if name != MANIFEST}
    for name in sorted(expected.keys() | present.keys()):
        if name not in present:
            raise KnowledgeError(name, None, "manifest", "is listed and does not exist")
        if name not in expected:
            raise KnowledgeError(name, None, "manifest", "is not listed; run tools/update_manifest.py after a review")
        if sha256(present[name].read_bytes()) != expected[name]:
            raise KnowledgeError(
                name, None, "manifest", "differs from its released hash; run tools/update_manifest.py after a review"
            )
    return version


def _load_sources(root: Traversable) -> dict[str, CitedSource]:
    sources: dict[str, CitedSource] = {}
    for row in parse_csv(read_text(root, "sources.csv"), "sources.csv", SOURCE_COLUMNS):
        name = row.text("id")
        if name in sources:
            raise row.error("id", "is given twice")
        mark = Verification(row.choice("verification", [v.value for v in Verification]))
        sources[name] = CitedSource(
            name, row.text("citation"), row.cells["url"], row.cells["licence"], mark, row.cells["notes"]
        )
    return sources


def _load_findings(node: YamlNode) -> dict[str, dict[str, str]]:
    node.check_keys(["film", "context", "sender"])
    groups = {group: {name: node.node(group).text(name) for name in node.node(group)} for group in node}
    names = [name for group in groups.values() for name in group]
    if len(set(names)) != len(names):
        raise node.error("film", "a finding is listed in two groups")
    return groups


def _load_adjustments(
    root: Traversable, sources: Mapping[str, CitedSource], tables: Iterable[str]
) -> dict[str, Adjustment]:
    names = [name for name, _ in walk(root) if name.startswith("adjustments/")]
    found = [load_adjustment(read_text(root, name), name, sources, tables) for name in names]
    return {adjustment.table: adjustment for adjustment in found}


def _load_conditions(
    root: Traversable, reader: RuleReader, ordering: Ordering, analytes: Mapping[str, Analyte]
) -> tuple[Condition, ...]:
    conditions: list[Condition] = []
    nodes: dict[str, tuple[YamlNode, Condition]] = {}
    for name, _ in walk(root):
        if name.startswith("checklist/"):
            node = parse_table(read_text(root, name), name)
            condition = reader.condition(node)
            if name != f"checklist/{condition.id}.yaml":
                raise node.error("id", "must be the file's name")
            check_rank(node, condition, conditions)
            check_weights(node, condition, analytes, ordering.low_line, ordering.decisive_counts)
            conditions.append(condition)
            nodes[condition.id] = node, condition
    check_ordering(parse_table(read_text(root, "ordering.yaml"), "ordering.yaml"), ordering, nodes)
    return tuple(sorted(conditions, key=in_rank))
