"""Faults in units, analytes, sets of ranges, definitions, courses and adjustments (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from faulty import INTERVALS, TABLES, Fault, assert_named, copy_tables

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.grading import load_grade_table
from cbc_screen.knowledge.load import build_knowledge

ANALYTES = "analytes.yaml"
COURSES = "serial/courses.yaml"
DEFINITIONS = "definitions.yaml"
SETS = "intervals/sets.yaml"
UNITS = "units.yaml"
CYCLES = "{analyte: neutrophils, below: 0.5, between: 1.0, unit: 10^9/L, troughs: 3, at_least: 18, at_most: 24}"
FIRST = "default_v1,hemoglobin,any,none,0,d,1,d,135,195,g/L"


def cycles(name: str, old: str, new: str, key: str, says: str) -> Fault:
    """A course of cycles that cannot be."""
    return Fault(name, COURSES, CYCLES, CYCLES.replace(old, new), key, "    cycles:", says=says)


def ages(name: str, written: str, key: str, says: str) -> Fault:
    """A row of ranges whose ages cannot be."""
    changed = FIRST.replace("0,d,1,d", written)
    return Fault(name, INTERVALS, FIRST, changed, key, changed, says=says)


FAULTS = [
    # Units and analytes.
    Fault(
        "a unit of a count that is one of something else",
        UNITS,
        "other_quantities: [S/CO,",
        "other_quantities: [fL, S/CO,",
        "accepted",
        "    accepted:\n      - {factor: [1, 1], spellings: [fL,",
        says="'fL' is also listed under other_quantities",
    ),
    Fault(
        "a guard of plausible values in another unit",
        ANALYTES,
        "plausible: {lower: 20, upper: 250, unit: g/L",
        "plausible: {lower: 2, upper: 25, unit: g/dL",
        "unit",
        "plausible: {lower: 2, upper: 25",
        says="must be the canonical unit g/L",
    ),
    Fault(
        "a printed zero in another unit",
        ANALYTES,
        "zero_below: {value: 0.05, unit: 10^9/L",
        "zero_below: {value: 50, unit: /uL",
        "unit",
        "zero_below: {value: 50",
        says="must be the canonical unit 10^9/L",
    ),
    Fault(
        "a printed zero below nothing",
        ANALYTES,
        "zero_below: {value: 0.05,",
        "zero_below: {value: 0,",
        "value",
        "zero_below: {value: 0,",
        says="must be more than 0",
    ),
    Fault(
        "a name that its unit tells apart, and that names an analyte",
        ANALYTES,
        "{names: [segs,",
        "{names: [hct,",
        "names",
        "{names: [hct,",
        says="'hct' also names hematocrit",
    ),
    Fault(
        "a name that may be a count of nothing",
        ANALYTES,
        "count: segmented, percent",
        "count: segs, percent",
        "count",
        "count: segs, percent",
        says="names no analyte",
    ),
    Fault("a few cells of a line", ANALYTES, "few: [monocytes,", "few: [neutrophils,", "few", "few: [neutrophils,"),
    Fault(
        "a printed limit that is the set's own",
        ANALYTES,
        "  factor: 2\n",
        "  factor: 1\n",
        "factor",
        "  factor: 1\n",
        says="must be more than 1",
    ),
    Fault(
        "another white cell that is none",
        ANALYTES,
        "others: [lymphocytes,",
        "others: [lymphs,",
        "others",
        "others: [lymphs,",
    ),
    Fault(
        "an allowance of all white cells",
        ANALYTES,
        "allowance: 2\n",
        "allowance: 100\n",
        "allowance",
        "allowance: 100",
        says="must be a percentage",
    ),
    Fault("a whole column of no row", ANALYTES, "implausible: {rows: 2,", "implausible: {rows: 0,", "rows", "rows: 0,"),
    # Ages of a row.
    ages("an age that begins nowhere", ",d,1,d", "age_low", "must be a whole number, 0 or more"),
    ages("an age that begins before birth", "-1,d,1,d", "age_low", "must be a whole number, 0 or more"),
    ages("half a day at the beginning", "0.5,d,1,d", "age_low", "must be a whole number, 0 or more"),
    ages("half a day at the end", "0,d,0.5,d", "age_high", "must be a whole number"),
    ages("an age that ends without a unit", "0,d,1,", "age_high_unit", "must be given with age_high, and only then"),
    ages("a unit of an age that does not end", "0,d,,d", "age_high_unit", "must be given with age_high, and only then"),
    # Sets of ranges.
    Fault(
        "a finding that names no set",
        SETS,
        "duffy_null_finding: duffy_null_phenotype",
        "duffy_null_finding: duffy_null",
        "duffy_null_finding",
        "duffy_null_finding: duffy_null",
    ),
    Fault("a set twice", SETS, "{id: ummc,", "{id: ucsf_diff,", "id", "{id: ucsf_diff,", nth=2, says="is given twice"),
    Fault(
        "a set without a file",
        SETS,
        "{id: ummc,",
        "{id: ummcc,",
        "id",
        "{id: ummcc,",
        says="intervals/ummcc.csv does not exist",
    ),
    Fault(
        "a file of no set",
        SETS,
        '  - {id: ummc, kind: general, title: "University of Mississippi Medical Center laboratory handbook"}\n',
        "",
        "sets",
        "sets:\n  - {id: arup",
        says="intervals/ummc.csv is not listed",
    ),
    Fault(
        "a default of no set",
        SETS,
        "default: [default_v1,",
        "default: [default_v0,",
        "default",
        "default: [default_v0,",
        says="default_v0 is not one of the sets",
    ),
    Fault(
        "a closer set that is none",
        SETS,
        "set: dls_hawaii, from",
        "set: dls, from",
        "set",
        "set: dls, from",
        says="is not one of the sets",
    ),
    Fault(
        "a closer set without these ages",
        SETS,
        "set: dls_hawaii, from",
        "set: japan_jccls2022, from",
        "set",
        "set: japan_jccls2022, from",
        says="has no row of this analyte between these ages",
    ),
    Fault(
        "a set whose rows are another's",
        "intervals/ummc.csv",
        "\nummc,",
        "\ndefault_v1,",
        "set",
        "default_v1,",
        times=-1,
        says="must be the file's name",
    ),
    Fault(
        "a general set by weeks of gestation",
        SETS,
        "{id: preterm_ochiai2016, kind: preterm",
        "{id: preterm_ochiai2016, kind: general",
        "kind",
        "{id: preterm_ochiai2016",
        says="preterm is for a set with weeks of gestation",
    ),
    # Definitions of a low line.
    Fault(
        "a red line judged on the hematocrit",
        DEFINITIONS,
        "red: {analyte: hemoglobin, reference_range: true}",
        "red: {analyte: hematocrit, reference_range: true}",
        "analyte",
        "red: {analyte: hematocrit",
        says="must be hemoglobin",
    ),
    Fault(
        "a line judged on no analyte",
        DEFINITIONS,
        "red: {analyte: hemoglobin, reference_range: true}",
        "red: {analyte: haemoglobin, reference_range: true}",
        "analyte",
        "red: {analyte: haemoglobin",
        says="is not in analytes.yaml",
    ),
    Fault(
        "a grade or else nothing",
        DEFINITIONS,
        "otherwise: reference_range",
        "otherwise: not_low",
        "otherwise",
        "otherwise: not_low",
    ),
    Fault(
        "a limit of a line without a source",
        DEFINITIONS,
        "below: 50, unit: 10^9/L, source: bsh_2016",
        "below: 50, unit: 10^9/L, source: nobody",
        "source",
        "below: 50",
    ),
    # Courses.
    Fault(
        "a finding shown by two courses",
        COURSES,
        "{id: cytopenia_under_4_weeks, begun",
        "{id: previously_normal_counts, begun",
        "id",
        "{id: previously_normal_counts, begun",
        says="is there twice",
    ),
    Fault("a course that is not new", COURSES, "new: true", "new: false", "new", "new: false", says="must be true"),
    cycles("cycles between lower counts", "between: 1.0", "between: 0.4", "between", "must not lie under below"),
    cycles("cycles that end before they begin", "at_most: 24", "at_most: 17", "at_least", "no more than at_most"),
    cycles("cycles of no analyte", "neutrophils", "granulocytes", "analyte", "is not in analytes.yaml"),
    cycles("cycles below nothing", "below: 0.5", "below: 0", "below", "must be above 0"),
    # What is subtracted for elevation and smoking.
    Fault(
        "adjustments of two sources",
        "adjustments/who_2024.csv",
        "who_2024,smoker,,,,3,g/L,who2024_adjustments",
        "who_2024,smoker,,,,3,g/L,project",
        "source",
        "who_2024,smoker",
        says="must be the same in the whole file",
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_in_the_ranges_is_named(fault: Fault, tmp_path: Path) -> None:
    assert_named(fault, tmp_path)


def test_adjustments_without_elevation_are_refused(tmp_path: Path) -> None:
    root = copy_tables(tmp_path)
    path = root / "adjustments" / "who_2011.csv"
    path.write_text(re.sub("who_2011,elevation,.*\n", "", path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"^adjustments/who_2011\.csv: quantity: needs rows for elevation$"):
        build_knowledge(root, check_hashes=False)


def test_a_set_without_a_row_is_refused(tmp_path: Path) -> None:
    root = copy_tables(tmp_path)
    path = root / "intervals" / "ummc.csv"
    path.write_text(path.read_text(encoding="utf-8").partition("\n")[0] + "\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"^intervals/ummc\.csv: rows: the set is empty$"):
        build_knowledge(root, check_hashes=False)


def test_a_scheme_of_one_grade_has_no_lower_bound_either() -> None:
    header = (TABLES / "grading" / "who_2024.csv").read_text(encoding="utf-8").splitlines()[0]
    row = "mine,hemoglobin,any,none,18,y,,,1,mild,mild,95,105,,g/L,who2024,secondary,"
    with pytest.raises(KnowledgeError, match=r"mine\.csv:2: lower: the highest grade must have no lower bound"):
        load_grade_table(f"{header}\n{row}\n", "mine.csv", load_knowledge().analytes, ["who2024"])
