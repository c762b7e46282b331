"""Faults in rules, in the order of the checklist and in its settings (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from faulty import APLASTIC, TRIPLE, Fault, assert_named, copy_tables

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.load import build_knowledge

GUARDS = "guards.yaml"
ORDER = "ordering.yaml"
QUESTIONS = "questions.yaml"
SETTINGS = "settings.yaml"
SCORES = "scores.yaml"
TIERS = "starting_tiers.csv"
CML = "checklist/cml.yaml"
DADA2 = "checklist/dada2.yaml"
DECISIVE = "    decisive: true\n"


def predicate(name: str, written: str, key: str, says: str = "") -> Fault:
    """A finding that asks for what cannot be asked."""
    return Fault(name, APLASTIC, TRIPLE, f"    when: {written}", key, f"    when: {written}", says=says)


FAULTS = [
    # What a rule asks for.
    predicate("a quantity in another unit", "{quantity: mcv_gap, above: 3, unit: pg}", "unit", "must be fL"),
    predicate(
        "a distance below zero",
        "{analyte: mcv, above_upper_limit_by: -1, unit: fL}",
        "above_upper_limit_by",
        "must not be negative",
    ),
    predicate("a distance in another unit", "{analyte: mcv, above_upper_limit_by: 1, unit: pg}", "unit", "fL"),
    predicate(
        "a distance from the range of what has none",
        "{analyte: mentzer_index, above_upper_limit_by: 1, unit: fL}",
        "analyte",
        "has no reference range",
    ),
    predicate(
        "low by the range of what has none", "{analyte: mentzer_index, state: low}", "analyte", "has no reference range"
    ),
    predicate("a line that is high", "{line: red, is: high}", "is", "must be low or not_low"),
    predicate("a sex that is not known", "{sex: unknown}", "sex", "must be F or M"),
    predicate("a pregnancy without its stage", "{pregnancy: none}", "pregnancy", "must be one of T1, T2, T3"),
    predicate("what was sent of no analyte", "{sent: thrombos}", "sent", "is not in analytes.yaml"),
    predicate("all of nothing", "{all: []}", "all", "must not be empty"),
    predicate("two of one", "{count: {at_least: 2, of: [{pregnant: true}]}}", "at_least", "between 1 and the number"),
    predicate("a method of counting that is none", "{reticulocyte_method: guessed}", "reticulocyte_method"),
    Fault(
        "a finding that no question is asked for",
        APLASTIC,
        TRIPLE,
        "    when: {analyte: elevation, above: 1500, unit: m}",
        "findings_for",
        "findings_for:",
        says="no question is answered by elevation",
    ),
    # What a rule says.
    Fault(
        "a rule that raises to no urgency", "urgency.yaml", "level: immediate", "level: none", "level", "level: none"
    ),
    Fault(
        "a guard that is a word",
        GUARDS,
        "guards:\n",
        "guards:\n  - none\n",
        "guards",
        "guards:",
        says="list of mappings",
    ),
    Fault(
        "a guard that contradicts hemoglobin",
        GUARDS,
        "contradicts: white, leaves: up_to_larger",
        "contradicts: red, leaves: up_to_larger",
        "contradicts",
        "contradicts: red",
        says="must be white",
    ),
    Fault(
        "a guard that contradicts and leaves nothing said",
        GUARDS,
        "contradicts: white, leaves: up_to_larger, ",
        "contradicts: white, ",
        "leaves",
        "contradicts: white, threshold",
        says="is missing",
    ),
    Fault(
        "a condition that is shown after a course",
        CML,
        "settled_by:",
        "shown_when: {course: recovering}\nsettled_by:",
        "shown_when",
        "shown_when: {course",
        says="which nobody knows without earlier counts",
    ),
    Fault(
        "a witness with a finding that is none",
        APLASTIC,
        "film: {blasts_on_film: present}}",
        "film: {blast_on_film: present}}",
        "blast_on_film",
        "film: {blast_on_film",
    ),
    # What a condition is weighed by.
    Fault(
        "a condition that is decided and cannot be",
        CML,
        "    when: {all: [{analyte: basophils, above: 0.5, unit: 10^9/L}, {analyte: wbc, above: 20, unit: 10^9/L}]}\n",
        "    when: {finding: spleen_enlarged}\n    decisive: true\n",
        "not_decidable",
        "not_decidable:",
        says="a finding for it is decisive",
    ),
    Fault(
        "a condition that nothing decides",
        DADA2,
        DECISIVE,
        "",
        "findings_for",
        "findings_for:",
        says="none is decisive",
    ),
    Fault(
        "a further test that asks for what is no question",
        "checklist/acute_leukemia.yaml",
        "about: [coagulation], source: nice_ng12",
        "about: [coagulations], source: nice_ng12",
        "next_tests",
        "next_tests:",
        says="coagulations is not in questions.yaml",
    ),
    # The order of the checklist.
    Fault("an order without a source", ORDER, "source: project", "source: nobody", "source", "source: nobody"),
    Fault("questions without a source", QUESTIONS, "source: project", "source: nobody", "source", "source: nobody"),
    Fault(
        "a test of what is borderline that is none",
        ORDER,
        "test: repeat_count",
        "test: repeat_counts",
        "test",
        "test: repeat_counts",
        says="is not in questions.yaml",
    ),
    Fault(
        "a test done by what it does not answer",
        QUESTIONS,
        "done_by: [coagulation_abnormal]",
        "done_by: [fever]",
        "done_by",
        "done_by: [fever]",
        says="must be some of answers",
    ),
    Fault("two questions with one id", QUESTIONS, "{id: sex, kind", "{id: age, kind", "id", "{id: age, kind", nth=2),
    Fault(
        "a question answered by nothing known",
        QUESTIONS,
        "answers: [copper_low]",
        "answers: [copper]",
        "answers",
        "answers: [copper]",
        says="copper is neither an analyte nor a finding",
    ),
    Fault(
        "no question for the sex",
        QUESTIONS,
        "{id: sex, kind",
        "{id: gender, kind",
        "questions",
        "questions:",
        says="sex is missing; rules ask for it",
    ),
    Fault(
        "a starting tier twice",
        TIERS,
        "acute_leukemia,newborn,",
        "acute_leukemia,any,",
        "ages",
        "acute_leukemia,any,",
        nth=2,
        says="is given twice",
    ),
    Fault(
        "a starting tier without a source",
        TIERS,
        "apl,any,,,,,0,0,1,1,2,2,project,project,",
        "apl,any,,,,,0,0,1,1,2,2,project,nobody,",
        "source",
        "apl,any,",
    ),
    Fault("a starting tier of 6", TIERS, "apl,any,,,,,0,", "apl,any,,,,,6,", "white", "apl,any,", says="from 0 to 5"),
    Fault(
        "half a starting tier", TIERS, "apl,any,,,,,0,", "apl,any,,,,,0.5,", "white", "apl,any,", says="whole number"
    ),
    Fault(
        "a starting tier of no condition",
        TIERS,
        "apl,any,",
        "aml,any,",
        "condition",
        "",
        says="aml needs one file in checklist/ and rows here",
    ),
    Fault(
        "a condition that no test settles",
        CML,
        "settled_by: [film, bcr_abl1]",
        "settled_by: []",
        "settled_by",
        "settled_by: []",
        says="must name at least one test",
    ),
    # Where a count comes from.
    Fault("a setting twice", SETTINGS, "id: ward", "id: primary_care", "id", "id: primary_care", nth=2, says="twice"),
    Fault(
        "a condition moved twice",
        SETTINGS,
        "{condition: lymphoma_marrow, shift: -1",
        "{condition: mds, shift: -1",
        "condition",
        "{condition: mds, shift: -1",
        nth=2,
        says="is given twice",
    ),
    Fault(
        "a condition moved by nothing",
        SETTINGS,
        "{condition: lymphoma_marrow, shift: -1",
        "{condition: lymphoma_marrow, shift: 0",
        "shift",
        "{condition: lymphoma_marrow, shift: 0",
        says="leave the condition out",
    ),
    Fault(
        "a condition moved by two",
        SETTINGS,
        "{condition: lymphoma_marrow, shift: -1",
        "{condition: lymphoma_marrow, shift: -2",
        "shift",
        "{condition: lymphoma_marrow, shift: -2",
        says="between -1 and 1",
    ),
    Fault(
        "a condition moved that is none",
        SETTINGS,
        "{condition: lymphoma_marrow, shift: -1",
        "{condition: lymphoma, shift: -1",
        "condition",
        "{condition: lymphoma, shift: -1",
        says="is not a condition of the checklist",
    ),
    Fault(
        "a condition moved that cannot wait",
        SETTINGS,
        "{condition: infection, shift: 1",
        "{condition: apl, shift: -1",
        "shift",
        "{condition: apl, shift: -1",
        says="time-critical",
    ),
    Fault(
        "a shift without a source",
        SETTINGS,
        "source: fountain_2017",
        "source: nobody",
        "source",
        "source: nobody",
    ),
    # Published scores.
    Fault("a score without a source", SCORES, "source: hscore_2014", "source: nobody", "source", "source: nobody"),
    Fault(
        "an item of two kinds",
        SCORES,
        "choices: {none: 0, liver_or_spleen: 23, both: 38}",
        "choices: {none: 0}\n        bands: [{points: 0}]",
        "id",
        "- id: organomegaly",
        says="must have one of: of, bands, choices",
    ),
    Fault(
        "points for fewer than all", SCORES, "points: [0, 0, 24, 34]", "points: [0, 0, 24]", "points", "points: [0, 0"
    ),
    Fault(
        "bands without an end",
        SCORES,
        "          - {points: 49}\n",
        "",
        "bands",
        "        bands:",
        says="the last one none",
    ),
    Fault(
        "bands out of order",
        SCORES,
        "{points: 33, at_most: 39.4}",
        "{points: 33, at_most: 37}",
        "bands",
        "        bands:",
        says="must stand in order",
    ),
    Fault(
        "a number that is believed between nothing",
        SCORES,
        "believed: {lower: 25, upper: 45}",
        "believed: {lower: 45, upper: 45}",
        "upper",
        "believed: {lower: 45",
        says="must lie above lower",
    ),
    Fault("an item of no analyte", SCORES, "analyte: ferritin", "analyte: iron", "analyte", "analyte: iron"),
    Fault(
        "a criterion of two things",
        SCORES,
        "{stated: no_haptoglobin}",
        "{stated: no_haptoglobin, analyte: mcv}",
        "analyte",
        "{stated: no_haptoglobin, analyte",
        says="and not both",
    ),
    Fault(
        "a criterion of no analyte",
        SCORES,
        "{analyte: hemoglobin, at_most: 92}",
        "{analyte: haemoglobin, at_most: 92}",
        "analyte",
        "{analyte: haemoglobin",
        says="is not in analytes.yaml",
    ),
    Fault(
        "a criterion without a limit",
        SCORES,
        "{analyte: hemoglobin, at_most: 92}",
        "{analyte: hemoglobin}",
        "analyte",
        "{analyte: hemoglobin}",
        says="must have a limit",
    ),
    Fault(
        "a criterion with two limits",
        SCORES,
        "{analyte: hemoglobin, at_most: 92}",
        "{analyte: hemoglobin, below: 100, at_most: 92}",
        "at_most",
        "{analyte: hemoglobin, below: 100",
        says="is a second limit",
    ),
    Fault(
        "a limit in words", SCORES, "at_most: 92}", "at_most: low}", "at_most", "at_most: low}", says="must be a number"
    ),
    Fault("points in words", SCORES, "{points: 0, below: 38.4}", "{points: no, below: 38.4}", "points", "{points: no"),
    Fault("a broken formula", SCORES, "formula: mcv / rbc", "formula: mcv /", "formula", "formula: mcv /,"),
    Fault(
        "a formula that calls",
        SCORES,
        "formula: mcv / rbc",
        "formula: abs(mcv)",
        "formula",
        "abs(mcv)",
        says="arithmetic",
    ),
    Fault("a formula with one analyte twice", SCORES, "mcv / rbc", "mcv / mcv", "formula", "mcv / mcv", says="once"),
    Fault("a formula of no analyte", SCORES, "mcv / rbc", "mcv / rcb", "formula", "mcv / rcb", says="rcb is not in"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_in_the_rules_is_named(fault: Fault, tmp_path: Path) -> None:
    assert_named(fault, tmp_path)


def test_every_setting_that_can_be_stated_is_there(tmp_path: Path) -> None:
    root = copy_tables(tmp_path)
    path = root / SETTINGS
    path.write_text(
        re.sub(r"  - id: endemic_area\n.*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL), encoding="utf-8"
    )
    with pytest.raises(KnowledgeError, match=r"settings: must be primary_care, ward, marrow_clinic, endemic_area$"):
        build_knowledge(root, check_hashes=False)
