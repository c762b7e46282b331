"""One fault at a time in a copy of reference_ranges/: each is refused, by file, line and key (one file: one subject, whose cases share what they build).

Also the checks of what the rules say: every condition behaves on its own witness records,
nobody has signed, and no text gives an order or a diagnosis.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from faulty import APLASTIC, INTERVALS, TABLES, TRIPLE, Fault, assert_named, copy_tables

import cbc_screen as cbc
from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.load import build_knowledge

COURSES = "serial/courses.yaml"
WHO = "grading/who_2024.csv"
ADJUSTMENTS = "adjustments/who_2024.csv"
NEUTROPENIA = "grading/neutropenia_bands.csv"
FIRST = "default_v1,hemoglobin,any,none,0,d,1,d,135,195,g/L"
SECOND = "default_v1,hemoglobin,any,none,1,d,7,d,145,225,g/L"

FAULTS = [
    # Courses.
    Fault(
        "a course that is none",
        "urgency.yaml",
        "{course: two_lines_falling}",
        "{course: three_lines_falling}",
        "course",
        "id: two_lines_fall,",
        says="courses.yaml",
    ),
    Fault(
        "a key beside a course",
        "urgency.yaml",
        "{course: two_lines_falling}",
        "{course: two_lines_falling, is: absent}",
        "is",
        "id: two_lines_fall,",
    ),
    Fault(
        "a course in a guard",
        "guards.yaml",
        "when: {finding: platelet_clumps}",
        "when: {course: recovering}",
        "course",
        "when: {course: recovering}",
        says="urgency rules alone",
    ),
    Fault(
        "a course of two forms",
        COURSES,
        "    fast_fall: platelet\n",
        "    fast_fall: platelet\n    band: x\n",
        "id",
        "  - id: platelets_fell_fast",
    ),
    Fault("a course without a form", COURSES, "    fast_fall: platelet\n", "", "id", "  - id: platelets_fell_fast"),
    Fault(
        "a course with an unknown key",
        COURSES,
        "by: 20, unit: g/L, days: 90}",
        "by: 20, unit: g/L, days: 90, z: 1}",
        "z",
        "days: 90, z: 1}",
    ),
    Fault(
        "a fall in no unit of the analyte",
        COURSES,
        "by: 20, unit: g/L, days: 90}",
        "by: 20, unit: fL, days: 90}",
        "unit",
        "unit: fL",
    ),
    Fault(
        "a fall of the whole",
        COURSES,
        "share: 0.5, days",
        "share: 1.0, days",
        "share",
        "platelets, share: 1.0",
        says="below 1",
    ),
    Fault(
        "a fall of no day", COURSES, "by: 20, unit: g/L, days: 90}", "by: 20, unit: g/L, days: 0}", "days", "days: 0}"
    ),
    Fault(
        "a band that is none",
        COURSES,
        "band: stable_neutrophils",
        "band: stable_neutrophil",
        "band",
        "band: stable_neutrophil",
        says="persistence.yaml",
    ),
    Fault(
        "a rise across what no suppression is",
        COURSES,
        "not_across: [transfusion]",
        "not_across: [transfusions]",
        "not_across",
        "not_across: [transfusions]",
        says="change.yaml",
    ),
    Fault("a rise of no day", COURSES, "{days: 60, not", "{days: 0, not", "days", "{days: 0, not"),
    Fault("two troughs", COURSES, "troughs: 3", "troughs: 2", "troughs", "troughs: 2", says="3 or more"),
    Fault(
        "lines that are neither any nor every",
        COURSES,
        "{lines: any, days: 180}",
        "{lines: most, days: 180}",
        "lines",
        "{lines: most",
    ),
    Fault("four lines", COURSES, "falling: {lines: 2}", "falling: {lines: 4}", "lines", "falling: {lines: 4}"),
    Fault(
        "a course twice",
        COURSES,
        "  - id: platelets_halved",
        "  - id: hemoglobin_fell_20",
        "id",
        "  - id: hemoglobin_fell_20",
        nth=3,
    ),
    Fault("a course named as a finding", COURSES, "  - id: platelets_halved", "  - id: fever", "id", "  - id: fever"),
    Fault(
        "a shown finding that is none",
        COURSES,
        "{id: previously_normal_counts,",
        "{id: normal_before,",
        "id",
        "{id: normal_before,",
    ),
    Fault(
        "a course without a source",
        COURSES,
        "    source: icus_2007",
        "    source: nobody",
        "source",
        "    source: nobody",
    ),
    # Shape of YAML.
    Fault("unknown key", APLASTIC, "rank: 17", "rank: 17\nprobability: 0.9", "probability", "probability: 0.9"),
    Fault(
        "unknown key inside a finding",
        APLASTIC,
        "    decisive: true",
        "    decisive: true\n    weight: 3",
        "weight",
        "    weight: 3",
    ),
    Fault("missing key", APLASTIC, "rank: 17\n", "", "rank", ""),
    Fault("duplicate key", APLASTIC, "rank: 17", "rank: 17\nrank: 18", "rank", "rank: 18", says="twice"),
    Fault(
        "duplicate key deep inside",
        APLASTIC,
        "    decisive: true",
        "    decisive: true\n    decisive: false",
        "decisive",
        "    decisive: false",
        says="twice",
    ),
    Fault("YAML syntax", "guards.yaml", "guards:\n", "guards:\n  - {id: [}\n", "yaml", "  - {id: [}"),
    Fault("a tab as indent", "urgency.yaml", "rules:\n", "rules:\n\t- {}\n", "yaml", "\t- {}"),
    Fault("a list at the top", "findings.yaml", "film:\n", "- film:\n", "yaml", ""),
    Fault("a text where a number belongs", APLASTIC, "rank: 17", "rank: first", "rank", "rank: first"),
    Fault("an empty text", APLASTIC, "name: Aplastic anemia (acquired)", 'name: ""', "name", 'name: ""'),
    # Ids.
    Fault("id not equal to the file name", APLASTIC, "id: aplastic_anemia", "id: aplasia", "id", "id: aplasia"),
    Fault(
        "rank used by another condition", "checklist/mds.yaml", "rank: 18", "rank: 17", "rank", "rank: 17", says="rank"
    ),
    Fault(
        "two findings with one id",
        APLASTIC,
        "id: usual_age_first_peak",
        "id: few_reticulocytes_for_the_anemia",
        "findings_for",
        "findings_for:",
    ),
    Fault("two guards with one id", "guards.yaml", "id: mcv_disagrees", "id: rule_of_three", "guards", "guards:"),
    Fault(
        "a finding that does not exist",
        APLASTIC,
        "{finding: spleen_enlarged}",
        "{finding: spleen_huge}",
        "finding",
        "spleen_huge",
    ),
    Fault(
        "an analyte that does not exist",
        APLASTIC,
        TRIPLE,
        TRIPLE.replace("platelets", "thrombos"),
        "analyte",
        "thrombos",
    ),
    Fault(
        "a quantity that does not exist",
        "guards.yaml",
        "quantity: mcv_gap",
        "quantity: mcv_hole",
        "quantity",
        "mcv_hole",
    ),
    Fault(
        "a definition that does not exist",
        APLASTIC,
        TRIPLE,
        "    when: {line: red, definition: lenient}",
        "definition",
        "lenient",
    ),
    Fault("a line that does not exist", APLASTIC, TRIPLE, "    when: {line: blue, is: low}", "line", "line: blue"),
    Fault(
        "a scheme that does not exist", "definitions.yaml", "scheme: who_2024", "scheme: who_1968", "scheme", "who_1968"
    ),
    Fault(
        "a table that does not grade the analyte",
        "grading/schemes.yaml",
        "platelets: thrombocytopenia_bands",
        "platelets: who_2024",
        "platelets",
        "platelets: who_2024",
    ),
    # Sources.
    Fault(
        "missing source of a finding",
        APLASTIC,
        "    decisive: true\n    threshold: project\n    source: bsh_2016\n",
        "    decisive: true\n    threshold: project\n",
        "source",
        "- id: two_counts_of_the_diagnostic_triple_with_few_reticulocytes_a",
    ),
    Fault(
        "unknown source of a finding",
        APLASTIC,
        "source: bsh_2016\n  - id: few_reticulocytes_for_the_anemia",
        "source: nobody_1999\n  - id: few_reticulocytes_for_the_anemia",
        "source",
        "source: nobody_1999",
    ),
    Fault(
        "a source too many",
        APLASTIC,
        "sources: [bsh_2016,",
        "sources: [bsh_2016, hiv_uganda,",
        "sources",
        "sources: [bsh_2016, hiv_uganda,",
    ),
    Fault(
        "a source too few",
        APLASTIC,
        "sources: [bsh_2016, project,",
        "sources: [bsh_2016,",
        "sources",
        "sources: [bsh_2016,",
    ),
    Fault(
        "missing source of an interval",
        INTERVALS,
        'electronic counters, compiled 1977",dallman',
        'electronic counters, compiled 1977",',
        "source",
        FIRST,
    ),
    Fault(
        "unknown source of an interval",
        INTERVALS,
        'electronic counters, compiled 1977",dallman',
        'electronic counters, compiled 1977",nobody',
        "source",
        FIRST,
    ),
    Fault(
        "unknown source of a grade", NEUTROPENIA, "10^9/L,neutropenia_convention", "10^9/L,nobody", "source", ",nobody,"
    ),
    Fault(
        "a source listed twice",
        "sources.csv",
        "\nabbassi,",
        "\nabbassi,x,,,verified,\nabbassi,",
        "id",
        "abbassi,",
        nth=2,
        says="twice",
    ),
    Fault(
        "a source without a citation",
        "sources.csv",
        "\naccessmedicine_mds,",
        "\nempty_one,,,,verified,\naccessmedicine_mds,",
        "citation",
        "empty_one,",
    ),
    Fault(
        "an unknown mark of a source",
        "sources.csv",
        "\naccessmedicine_mds,",
        "\nodd,x,,,believed,\naccessmedicine_mds,",
        "verification",
        "odd,x",
    ),
    Fault(
        "a definition without a source",
        "definitions.yaml",
        "{analyte: platelets, below: 50, unit: 10^9/L, source: bsh_2016, verification: secondary}",
        "{analyte: platelets, below: 50, unit: 10^9/L, verification: secondary}",
        "source",
        "below: 50",
    ),
    Fault(
        "an unknown source in a definition",
        "definitions.yaml",
        "sources: [ipss_1997]",
        "sources: [ipss_2099]",
        "sources",
        "[ipss_2099]",
    ),
    # Limits and units.
    Fault("an interval without a unit", INTERVALS, FIRST, FIRST.removesuffix("g/L"), "unit", FIRST.removesuffix("g/L")),
    Fault(
        "an interval in a unit of something else", INTERVALS, FIRST, FIRST.replace("g/L", "fL"), "unit", ",135,195,fL"
    ),
    Fault("an interval in mmol/L", INTERVALS, FIRST, FIRST.replace("g/L", "mmol/L"), "unit", ",135,195,mmol/L"),
    Fault("a rule without a unit", APLASTIC, TRIPLE, "    when: {analyte: platelets, below: 50}", "unit", "below: 50}"),
    Fault(
        "a rule in a refused unit",
        APLASTIC,
        TRIPLE,
        "    when: {analyte: platelets, below: 50, unit: K}",
        "unit",
        "unit: K}",
    ),
    Fault(
        "a rule without a number",
        APLASTIC,
        TRIPLE,
        "    when: {analyte: platelets, unit: 10^9/L}",
        "analyte",
        "{analyte: platelets, unit: 10^9/L}",
    ),
    Fault(
        "a rule with two numbers",
        APLASTIC,
        TRIPLE,
        "    when: {analyte: platelets, below: 50, above: 10, unit: 10^9/L}",
        "above",
        "below: 50, above: 10",
    ),
    Fault(
        "a definition in a foreign unit",
        "definitions.yaml",
        "{analyte: hemoglobin, below: 100, unit: g/L, source: ipss",
        "{analyte: hemoglobin, below: 10, unit: g/dL, source: ipss",
        "unit",
        "below: 10, unit: g/dL",
    ),
    Fault("limits swapped", INTERVALS, FIRST, FIRST.replace("135,195", "195,135"), "lower", ",195,135,"),
    Fault("limits equal", INTERVALS, FIRST, FIRST.replace("135,195", "135,135"), "lower", ",135,135,"),
    Fault("a negative limit", INTERVALS, FIRST, FIRST.replace("135,195", "-135,195"), "lower", ",-135,195,"),
    Fault("no limit at all", INTERVALS, FIRST, FIRST.replace("135,195", ","), "lower", "0,d,1,d,,,g/L"),
    Fault("a limit that is no number", INTERVALS, FIRST, FIRST.replace("135,195", "135,19S"), "upper", ",135,19S,"),
    Fault("a limit of nan", INTERVALS, FIRST, FIRST.replace("135,195", "nan,195"), "lower", ",nan,195,"),
    Fault(
        "a confidence interval beside its limit",
        INTERVALS,
        ",108,138,g/L,108,110,",
        ",108,138,g/L,109,110,",
        "lower_ci90_low",
        ",g/L,109,110,",
    ),
    Fault(
        "half a confidence interval",
        INTERVALS,
        ",108,138,g/L,108,110,",
        ",108,138,g/L,,110,",
        "lower_ci90_low",
        ",g/L,,110,",
    ),
    # Bands.
    Fault(
        "bands that overlap", INTERVALS, FIRST, FIRST.replace("0,d,1,d", "0,d,2,d"), "age_low", SECOND, says="overlap"
    ),
    Fault(
        "a gap between bands",
        INTERVALS,
        SECOND,
        SECOND.replace("1,d,7,d", "2,d,7,d"),
        "age_low",
        "any,none,2,d,7,d,145",
        says="gap",
    ),
    Fault(
        "an age that runs backward",
        INTERVALS,
        SECOND,
        SECOND.replace("1,d,7,d", "7,d,1,d"),
        "age_high",
        "any,none,7,d,1,d,145",
    ),
    Fault(
        "an unknown age unit", INTERVALS, FIRST, FIRST.replace("0,d,1,d", "0,days,1,d"), "age_low_unit", "0,days,1,d"
    ),
    Fault("an unknown sex", INTERVALS, FIRST, FIRST.replace(",any,none,", ",both,none,"), "sex", ",both,none,"),
    Fault("an unknown trimester", INTERVALS, FIRST, FIRST.replace(",any,none,", ",any,T4,"), "pregnancy", ",any,T4,"),
    Fault(
        "an unknown analyte in a set",
        INTERVALS,
        FIRST,
        FIRST.replace("hemoglobin", "haemoglobin"),
        "analyte",
        "default_v1,haemoglobin",
    ),
    Fault("two sets in a file", INTERVALS, FIRST, FIRST.replace("default_v1", "default_v2"), "set", ""),
    Fault("a wrong header", INTERVALS, "set,analyte,sex", "set,analyte,gender", "header", "set,analyte,gender"),
    Fault("a header in another order", INTERVALS, "set,analyte,sex", "analyte,set,sex", "header", "analyte,set,sex"),
    Fault("a row too short", INTERVALS, FIRST, "default_v1,hemoglobin\n" + FIRST, "row", "default_v1,hemoglobin\n"),
    Fault(
        "a row too long",
        NEUTROPENIA,
        "\nneutropenia_bands,neutrophils,any,any,1,y,,,1,",
        "\nx,,,,,,,,,,,,,,,,,,,\nneutropenia_bands,neutrophils,any,any,1,y,,,1,",
        "row",
        "x,,,",
    ),
    # Grades.
    Fault(
        "a hole between grades",
        NEUTROPENIA,
        "2,moderate,moderate,0.5,1.0",
        "2,moderate,moderate,0.5,0.9",
        "upper",
        ",0.5,0.9,",
    ),
    Fault(
        "grades that overlap",
        NEUTROPENIA,
        "2,moderate,moderate,0.5,1.0",
        "2,moderate,moderate,0.5,1.1",
        "upper",
        ",0.5,1.1,",
    ),
    Fault(
        "a grade left out",
        NEUTROPENIA,
        "neutropenia_bands,neutrophils,any,any,1,y,,,2,moderate,moderate,0.5,1.0,,10^9/L,"
        "neutropenia_convention,secondary,\n",
        "",
        "grade",
        ",3,severe,",
    ),
    Fault(
        "a grade band swapped",
        NEUTROPENIA,
        "2,moderate,moderate,0.5,1.0",
        "2,moderate,moderate,1.0,0.5",
        "lower",
        ",1.0,0.5,",
    ),
    Fault("a grade outside 0 to 4", NEUTROPENIA, ",3,severe,severe", ",5,severe,severe", "grade", ",5,severe"),
    Fault("an unknown severity", NEUTROPENIA, ",3,severe,severe", ",3,severe,dreadful", "severity", "dreadful"),
    Fault("a grade without an upper bound", NEUTROPENIA, ",mild,1.0,1.5,", ",mild,1.0,,", "upper", ",mild,1.0,,"),
    Fault(
        "the worst grade with a floor", NEUTROPENIA, "very_severe,,0.1", "very_severe,0.05,0.1", "lower", ",0.05,0.1,"
    ),
    Fault(
        "a grade without a unit",
        NEUTROPENIA,
        "severe,severe,0.1,0.5,,10^9/L",
        "severe,severe,0.1,0.5,,",
        "unit",
        "severe,severe,0.1,0.5,,",
    ),
    Fault(
        "ages of a grade that overlap",
        WHO,
        "who_2024,hemoglobin,any,none,6,mo,24,mo,",
        "who_2024,hemoglobin,any,none,6,mo,30,mo,",
        "age_low",
        "",
        says="overlap",
        times=-1,
    ),
    # Rules.
    Fault(
        "an unknown form of predicate",
        APLASTIC,
        TRIPLE,
        "    when: {python: platelets < 50}",
        "when",
        "python: platelets",
    ),
    Fault("an expression as a predicate", APLASTIC, TRIPLE, "    when: platelets < 50", "when", "when: platelets < 50"),
    Fault("an empty predicate", APLASTIC, TRIPLE, "    when: {}", "when", "    when: {}"),
    Fault(
        "an unknown word for a threshold",
        APLASTIC,
        "threshold: none",
        "threshold: guessed",
        "threshold",
        "threshold: guessed",
    ),
    Fault("an unknown urgency", "checklist/apl.yaml", "level: immediate", "level: soonish", "level", "level: soonish"),
    Fault(
        "a presence that is neither",
        APLASTIC,
        "{finding: blasts_on_film, is: absent}",
        "{finding: blasts_on_film, is: maybe}",
        "is",
        "is: maybe",
    ),
    Fault(
        "a state that is none", APLASTIC, TRIPLE, "    when: {analyte: platelets, state: tiny}", "state", "state: tiny"
    ),
    Fault("a condition without a silent witness", APLASTIC, "  silent: {", "  consider: {", "silent", "  supported: {"),
    Fault("a condition that is never supported", APLASTIC, "  supported: {", "  also: {", "supported", "  also: {"),
    # Words and units.
    Fault(
        "a spelling accepted and refused",
        "units.yaml",
        "{spellings: [mm3, uL, ul, L, mL], why",
        "{spellings: [mm3, K/uL, ul, L, mL], why",
        "spellings",
        "[mm3, K/uL, ul, L, mL]",
    ),
    Fault(
        "a spelling with two factors",
        "units.yaml",
        "spellings: [/L, 1/L, cells/L]",
        "spellings: [/L, 1/L, cells/L, /uL]",
        "spellings",
        "cells/L, /uL]",
    ),
    Fault("a factor of zero", "units.yaml", "factor: [1, 1000000000]", "factor: [1, 0]", "factor", "factor: [1, 0]"),
    Fault(
        "a factor that is no pair", "units.yaml", "factor: [1, 1000000000]", "factor: 0.001", "factor", "factor: 0.001"
    ),
    Fault(
        "a canonical unit that is not accepted",
        "units.yaml",
        "canonical: fL",
        "canonical: L",
        "canonical",
        "canonical: L\n",
    ),
    Fault(
        "a system with a refused unit",
        "units.yaml",
        "    hemoglobin: g/dL",
        "    hemoglobin: g",
        "hemoglobin",
        "    hemoglobin: g\n",
    ),
    Fault(
        "a name of two analytes",
        "analytes.yaml",
        "names: [platelets, platelet,",
        "names: [platelets, hgb,",
        "names",
        "names: [platelets, hgb,",
    ),
    Fault(
        "an analyte of an unknown dimension",
        "analytes.yaml",
        "dimension: cell_mass",
        "dimension: weight",
        "dimension",
        "dimension: weight",
    ),
    Fault(
        "a plausible span upside down",
        "analytes.yaml",
        "{lower: 50, upper: 150, unit: fL",
        "{lower: 150, upper: 50, unit: fL",
        "lower",
        "{lower: 150, upper: 50",
    ),
    Fault(
        "a word of both sexes", "demographics.yaml", "  M: [m, male,", "  M: [m, female, male,", "M", "  M: [m, female"
    ),
    Fault(
        "a finding in two groups",
        "findings.yaml",
        "context:\n",
        "context:\n  platelet_clumps: again\n",
        "film",
        "film:",
    ),
    # Codes.
    Fault(
        "a code with a wrong digit",
        "analytes.yaml",
        "loinc: [718-7,",
        "loinc: [719-7,",
        "loinc",
        "loinc: [719-7,",
        says="719-7",
    ),
    Fault(
        "a code with a wrong check digit",
        "analytes.yaml",
        "6690-2, 26464-8,",
        "6690-2, 26464-9,",
        "loinc",
        "26464-9",
        says="26464-9",
    ),
    Fault(
        "a code without a check digit",
        "analytes.yaml",
        "loinc: [32623-1,",
        "loinc: [32623,",
        "loinc",
        "loinc: [32623,",
        says="",
    ),
    Fault(
        "a code of two analytes",
        "analytes.yaml",
        "loinc: [4544-3,",
        "loinc: [718-7, 4544-3,",
        "loinc",
        "loinc: [718-7, 4544-3,",
        says="hemoglobin",
    ),
    Fault(
        "a code of a count given to its percentage",
        "analytes.yaml",
        "loinc: [17849-1,",
        "loinc: [60474-4, 17849-1,",
        "loinc",
        "loinc: [60474-4, 17849-1,",
        says="reticulocytes",
    ),
    # What findings weigh.
    Fault(
        "a cut-off of one count that is decisive",
        "checklist/itp.yaml",
        "    points: -3\n    basis: judgment\n    threshold: project\n    source: project\n  - id: newborn_neonatal",
        "    points: -3\n    basis: judgment\n    decisive: true\n    threshold: project\n    source: project\n"
        "  - id: newborn_neonatal",
        "decisive",
        "decisive: true",
        nth=2,
        says="small_platelets",
    ),
    Fault(
        "two bands that overlap",
        "checklist/iron_deficiency.yaml",
        "at_least: 15, unit: ug/L}, {analyte: ferritin, below: 30",
        "at_least: 10, unit: ug/L}, {analyte: ferritin, below: 30",
        "when",
        "at_least: 10, unit: ug/L}, {analyte: ferritin, below: 30",
        says="overlaps",
    ),
    Fault(
        "a finding that every count with a low line has",
        APLASTIC,
        "when: {all: [{lines_low: {at_least: 3}}, {analyte: wbc, below: 3, unit: 10^9/L}, {analyte: platelets, below: 50,"
        " unit: 10^9/L}]}",
        "when: {any: [{lines_low: {at_least: 2}}, {analyte: platelets, below: 150, unit: 10^9/L}]}",
        "when",
        "{any: [{lines_low: {at_least: 2}}",
        says="every count",
    ),
    Fault(
        "points with a fraction",
        APLASTIC,
        "    points: 2\n",
        "    points: 2.5\n",
        "points",
        "points: 2.5",
        says="whole",
    ),
    Fault("points of nothing", APLASTIC, "    points: 2\n", "    points: 0\n", "points", "points: 0", says="not be 0"),
    Fault("points beyond the scale", APLASTIC, "points: 2\n", "points: 9\n", "points", "points: 9", says="between"),
    Fault("a finding for that speaks against", APLASTIC, "points: 2\n", "points: -2\n", "points", "points: -2"),
    Fault("a basis that is none", APLASTIC, "basis: derived", "basis: hope", "basis", "basis: hope", says="one of"),
    Fault("no points", APLASTIC, "    points: 2\n", "", "points", "- id: two_of_the_three", says="required"),
    Fault(
        "a finding that goes together with none",
        APLASTIC,
        "together: depth",
        "together: deep",
        "together",
        "deep",
        says="no other finding",
    ),
    Fault(
        "nothing decisive and no reason",
        "checklist/itp.yaml",
        "not_decidable: ",
        "summary_too: ",
        "summary_too",
        "summary_too: ",
    ),
    Fault(
        "decidable, and said not to be",
        APLASTIC,
        "limits: ",
        "not_decidable: nothing decides it\nlimits: ",
        "supported",
        "  supported: {",
        says="not a known key",
    ),
    Fault(
        "a condition that is never contradicted",
        APLASTIC,
        "  contradicted: {",
        "  also: {",
        "contradicted",
        "  supported: {",
    ),
    Fault(
        "a test that is no question",
        APLASTIC,
        "settled_by: [marrow",
        "settled_by: [narrow",
        "settled_by",
        "[narrow",
        says="narrow",
    ),
    Fault("a key of the order that is unknown", "ordering.yaml", "no_line_low:", "no_lines:", "no_line_low", ""),
    Fault(
        "a condition in the order that does not exist",
        "ordering.yaml",
        "[acute_leukemia, apl,",
        "[leukemia, apl,",
        "no_line_low",
        "[leukemia",
        says="leukemia",
    ),
    Fault(
        "a question that answers a finding twice",
        "questions.yaml",
        "answers: [ferritin]",
        "answers: [ferritin, crp]",
        "answers",
        "[crp]",
        says="answered by",
    ),
    Fault(
        "a finding without a question",
        "questions.yaml",
        "answers: [copper_low]",
        "answers: []",
        "questions",
        "questions:",
        says="copper_low",
    ),
    # Order of the checklist.
    Fault("an unknown tier", APLASTIC, "tier: serious", "tier: grave", "tier", "tier: grave", says="one of"),
    Fault("no tier", APLASTIC, "tier: serious\n", "", "tier", "", says="required"),
    # Policies of review triggers.
    Fault(
        "a trigger of an unknown policy",
        "review_triggers.yaml",
        "policy: barnsley,",
        "policy: barnsly,",
        "policy",
        "policy: barnsly,",
        says="policies",
    ),
    Fault(
        "two policies with one id", "review_triggers.yaml", "{id: islh, ", "{id: recalled, ", "id", "{id: recalled, ", 2
    ),
    Fault(
        "a policy without a trigger",
        "review_triggers.yaml",
        "  - {id: islh, ",
        "  - {id: nobody, title: none, default: false}\n  - {id: islh, ",
        "policies",
        "policies:",
        says="nobody",
    ),
    Fault(
        "a default that is a text",
        "review_triggers.yaml",
        "default: true}",
        'default: "yes"}',
        "default",
        'default: "yes"}',
        says="true or false",
    ),
    Fault(
        "a distance from a limit in another unit",
        "review_triggers.yaml",
        "above_upper_limit_by: 20, unit: g/L",
        "above_upper_limit_by: 20, unit: fL",
        "unit",
        "above_upper_limit_by: 20, unit: fL",
    ),
    # Adjustments of hemoglobin.
    Fault(
        "a hole between two steps",
        ADJUSTMENTS,
        "elevation,500,1000",
        "elevation,501,1000",
        "lower",
        "elevation,501,1000",
        says="upper end",
    ),
    Fault(
        "steps that overlap",
        ADJUSTMENTS,
        "elevation,500,1000",
        "elevation,500,1001",
        "lower",
        "elevation,1000,1500",
        says="upper end",
    ),
    Fault(
        "an amount that falls",
        ADJUSTMENTS,
        "1500,2000,m,11,",
        "1500,2000,m,7,",
        "subtract",
        "1500,2000,m,7,",
        says="less than",
    ),
    Fault("a smoker who gains", ADJUSTMENTS, "smoker,,,,3", "smoker,,,,-3", "subtract", "smoker,,,,-3"),
    Fault("a non-smoker who loses", ADJUSTMENTS, "non_smoker,,,,0", "non_smoker,,,,4", "subtract", "non_smoker,,,,4"),
    Fault("a smoker with bounds", ADJUSTMENTS, "smoker,,,,3", "smoker,1,,,3", "lower", "smoker,1,,,3"),
    Fault("a table that begins nowhere", ADJUSTMENTS, "elevation,0,1,m", "elevation,,1,m", "lower", "elevation,,1,m"),
    Fault("a code twice", "analytes.yaml", "[718-7, ", "[718-7, 718-7, ", "loinc", "[718-7, 718-7, "),
    Fault(
        "no such finding of preterm birth",
        "demographics.yaml",
        "finding: born_preterm",
        "finding: born_early",
        "finding",
        "born_early",
    ),
    Fault(
        "preterm birth from nobody",
        "demographics.yaml",
        "below: 1, unit: y, source: project",
        "below: 1, unit: y, source: nobody",
        "source",
        "nobody",
    ),
    Fault("no finding of smoking", "findings.yaml", "  smoker: smoker", "  tobacco: smoker", "context", "context:"),
    Fault(
        "a kind of trigger that is none",
        "review_triggers.yaml",
        "kind: film_review",
        "kind: film_revue",
        "kind",
        "film_revue",
    ),
    Fault("an amount below nothing", ADJUSTMENTS, "0,1,m,0,", "0,1,m,-1,", "subtract", "0,1,m,-1,", says="0 or more"),
    Fault("a table that begins above the sea", ADJUSTMENTS, "0,1,m,0,", "0.5,1,m,0,", "lower", "0.5,1,m,0,"),
    Fault("a table that ends", ADJUSTMENTS, "5000,,m,,", "5000,6000,m,,", "upper", "5000,6000,m,,"),
    Fault("an amount missing in the middle", ADJUSTMENTS, "1000,1500,m,8,", "1000,1500,m,,", "subtract", "1500,2000,"),
    Fault("an elevation in feet", ADJUSTMENTS, "500,1000,m,4", "500,1000,ft,4", "unit", "500,1000,ft,4"),
    Fault("an amount in g/dL", ADJUSTMENTS, "m,4,g/L", "m,4,g/dL", "subtract_unit", "m,4,g/dL"),
    Fault("an amount that is a text", ADJUSTMENTS, "m,4,g/L", "m,four,g/L", "subtract", "m,four,g/L"),
    Fault(
        "an adjustment without a known source",
        ADJUSTMENTS,
        "m,4,g/L,who2024_adjustments",
        "m,4,g/L,nobody",
        "source",
        "m,4,g/L,nobody",
        says="sources.csv",
    ),
    Fault(
        "an adjustment of another table", ADJUSTMENTS, "who_2024,smoker", "who_2011,smoker", "table", "who_2011,smoker"
    ),
    Fault("an unknown setting", ADJUSTMENTS, "who_2024,smoker", "who_2024,snuff", "quantity", "who_2024,snuff"),
    Fault("no row for smokers", ADJUSTMENTS, "who_2024,smoker", "who_2024,non_smoker", "quantity", "", says="smoker"),
    # Infants born preterm.
    Fault(
        "an unknown unit of prematurity",
        "demographics.yaml",
        "below: 1, unit: y",
        "below: 1, unit: moon",
        "unit",
        "below: 1, unit: moon",
    ),
]


def test_the_copy_itself_is_sound(tmp_path: Path) -> None:
    """Without this, every fault below might be found in an untouched copy."""
    knowledge = build_knowledge(copy_tables(tmp_path), check_hashes=True)
    assert len(knowledge.conditions) == len(list((TABLES / "checklist").glob("*.yaml")))


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 25
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_is_named(fault: Fault, tmp_path: Path) -> None:
    assert_named(fault, tmp_path)


def test_the_stable_band_is_not_renamed_alone(tmp_path: Path) -> None:
    """A band renamed where it is defined is a fault of the course that names it."""
    root = copy_tables(tmp_path)
    path = root / "serial" / "persistence.yaml"
    text = path.read_text(encoding="utf-8")
    assert "id: stable_neutrophils" in text
    path.write_text(text.replace("id: stable_neutrophils", "id: steady_neutrophils"), encoding="utf-8")
    with pytest.raises(KnowledgeError, match=rf"^{COURSES}:\d+: band: is not the stable band of") as caught:
        build_knowledge(root, check_hashes=False)
    assert caught.value.key == "band"


# Faults that a reader of the file would not see either, with the file that must be named.
# Which key and line is up to the loader.
QUIET_FAULTS: list[tuple[str, str, str, str]] = [
    (
        "an age limit in an unknown unit",
        "definitions.yaml",
        "age_from: {value: 18, unit: y}",
        "age_from: {value: 18, unit: years}",
    ),
    (
        "an age limit below zero",
        "definitions.yaml",
        "age_from: {value: 18, unit: y}",
        "age_from: {value: -18, unit: y}",
    ),
    (
        "a grade that the scheme does not have",
        "definitions.yaml",
        "scheme: who_2024, grade: 1",
        "scheme: who_2024, grade: 7",
    ),
    ("two definitions with one id", "definitions.yaml", "id: aplastic\n", "id: strict\n"),
    (
        "pregnancy ages in another unit",
        "demographics.yaml",
        "{lower: 12, upper: 60, unit: y",
        "{lower: 12, upper: 60, unit: mo",
    ),
    (
        "pregnancy ages upside down",
        "demographics.yaml",
        "{lower: 12, upper: 60, unit: y",
        "{lower: 60, upper: 12, unit: y",
    ),
    (
        "an unknown key in the pregnancy ages",
        "demographics.yaml",
        "{lower: 12, upper: 60, unit: y",
        "{lower: 12, upper: 60, mean: 30, unit: y",
    ),
    ("a sex outside the vocabulary", "demographics.yaml", "  M: [m, male,", "  X: [intersex]\n  M: [m, male,"),
    ("a pregnancy outside the vocabulary", "demographics.yaml", "  T1: [t1,", "  T4: [t4]\n  T1: [t1,"),
    (
        "an unchanged analyte that does not exist",
        "demographics.yaml",
        "[eosinophils, basophils]",
        "[eosinophils, basofils]",
    ),
    (
        "a reason outside the vocabulary",
        "text_results.yaml",
        "{reason: SPECIMEN_SUSPECT, finding: platelet_clumps",
        "{reason: SUSPICIOUS, finding: platelet_clumps",
    ),
    (
        "a word's finding that does not exist",
        "text_results.yaml",
        "finding: platelet_clumps",
        "finding: platelet_lumps",
    ),
    ("a word with two meanings", "text_results.yaml", "words: [CLOTTED, CLOT,", "words: [CLOTTED, QNS, CLOT,"),
    ("a rejection that takes nothing back", "beside_results.yaml", "means: rejected", "means: accepted"),
    ("an unknown word beside a number", "text_results.yaml", "beside_a_number: kept", "beside_a_number: keep"),
    ("an operator with two meanings", "text_results.yaml", 'above: [">", ', 'above: [">", "<", '),
    ("a line of an analyte that does not exist", "analytes.yaml", "line: platelet\n", "line: clotting\n"),
    (
        "a percentage that does not exist",
        "analytes.yaml",
        "percent_of_wbc: bands_percent",
        "percent_of_wbc: band_percent",
    ),
    ("two analytes with one id", "analytes.yaml", "  - id: mpv\n", "  - id: platelets\n"),
    (
        "a plausible span without a known source",
        "analytes.yaml",
        "{lower: 20, upper: 250, unit: g/L, source: project}",
        "{lower: 20, upper: 250, unit: g/L, source: nobody}",
    ),
    (
        "an analyte without a lowest and highest value",
        "analytes.yaml",
        "    plausible: {lower: 3, upper: 30, unit: fL, source: project}\n",
        "",
    ),
    (
        "a negative plausible value",
        "analytes.yaml",
        "{lower: 0, upper: 4000, unit: 10^9/L",
        "{lower: -1, upper: 4000, unit: 10^9/L",
    ),
    (
        "another way to an analyte that does not exist",
        "analytes.yaml",
        "{analyte: mcv, factor: 1000,",
        "{analyte: mcw, factor: 1000,",
    ),
    (
        "another way by itself",
        "analytes.yaml",
        "times: [hematocrit], over: [rbc], within: 0.05}",
        "times: [mcv], over: [rbc], within: 0.05}",
    ),
    (
        "another way over what may be 0",
        "analytes.yaml",
        "times: [hematocrit], over: [rbc], within",
        "times: [hematocrit], over: [wbc], within",
    ),
    (
        "another way that anything is near to",
        "analytes.yaml",
        "over: [rbc], within: 0.05}",
        "over: [rbc], within: 1.5}",
    ),
    ("another way of nothing", "analytes.yaml", "factor: 333, times: [hematocrit]", "factor: 333, times: []"),
    ("ways without a known source", "analytes.yaml", "agreement:\n  source: project", "agreement:\n  source: nobody"),
    (
        "a doubted unit without a known source",
        "analytes.yaml",
        "unit_suspect:\n  source: project",
        "unit_suspect:\n  source: nobody",
    ),
    (
        "a share of more than all",
        "analytes.yaml",
        "implausible: {rows: 2, share: 0.5}",
        "implausible: {rows: 2, share: 1.5}",
    ),
    ("half a row", "analytes.yaml", "implausible: {rows: 2, share: 0.5}", "implausible: {rows: 2.5, share: 0.5}"),
    (
        "printed ranges that are always off",
        "analytes.yaml",
        "reported: {rows: 2, factor: 4, near: 1.4}",
        "reported: {rows: 2, factor: 1, near: 1.4}",
    ),
    (
        "printed ranges that no number lies near",
        "analytes.yaml",
        "reported: {rows: 2, factor: 4, near: 1.4}",
        "reported: {rows: 2, factor: 4, near: 1}",
    ),
    (
        "a middle upside down",
        "analytes.yaml",
        "{analyte: mcv, rows: 3, lower: 55, upper: 125}",
        "{analyte: mcv, rows: 3, lower: 125, upper: 55}",
    ),
    (
        "a middle of an analyte that does not exist",
        "analytes.yaml",
        "{analyte: mcv, rows: 3, lower",
        "{analyte: mcw, rows: 3, lower",
    ),
    (
        "a ratio of an analyte that does not exist",
        "analytes.yaml",
        "over: [rbc], times: [hematocrit], lower: 0.05",
        "over: [rbq], times: [hematocrit], lower: 0.05",
    ),
    (
        "a ratio whose fit is outside its span",
        "analytes.yaml",
        "upper: 1.05, fit: [0.2, 0.95]}",
        "upper: 1.05, fit: [0.2, 1.95]}",
    ),
    ("a fit of one number", "analytes.yaml", "fit: [0.2, 0.95]}", "fit: [0.2]}"),
    ("a factor of less than 1", "analytes.yaml", "factors: [1.61145, 10,", "factors: [0.61145, 10,"),
    ("factors that are words", "analytes.yaml", "factors: [1.61145, 10,", "factors: [a, 10,"),
    (
        "parts of a differential that do not exist",
        "analytes.yaml",
        "absolute: [neutrophils, segmented, bands,",
        "absolute: [neutrophils, segmented, stabs,",
    ),
    ("usual values without a spread", "analytes.yaml", "middle: 250, spread: 0.12", "middle: 250, spread: 0"),
    ("a usual middle that no value has", "analytes.yaml", "middle: 250, spread: 0.12", "middle: 25000, spread: 0.12"),
    ("clinics upside down", "analytes.yaml", "clinics: [5, 1300]", "clinics: [1300, 5]"),
    (
        "who looks healthy by what does not exist",
        "analytes.yaml",
        "{analyte: hemoglobin, group: red,",
        "{analyte: haemoglobin, group: red,",
    ),
    ("a family of what does not exist", "analytes.yaml", "scales: {rbc: 100,", "scales: {rbq: 100,"),
    ("odds of nothing", "analytes.yaml", "    odds: 100\n", "    odds: 0\n"),
    ("a share that is tried of more than all", "analytes.yaml", "scattered: [0.02,", "scattered: [1.02,"),
    (
        "an age cap of zero",
        "analytes.yaml",
        "{value: 150, unit: y, source: project}",
        "{value: 0, unit: y, source: project}",
    ),
    ("two schemes with one id", "grading/schemes.yaml", "id: ctcae_v4\n", "id: ctcae_v5\n"),
    (
        "a scheme of an analyte that does not exist",
        "grading/schemes.yaml",
        "{hemoglobin: who_2011}",
        "{haemoglobin: who_2011}",
    ),
    (
        "an age without a grade between two bands",
        "grading/who_2024.csv",
        "who_2024,hemoglobin,any,none,5,y,12,y,",
        "who_2024,hemoglobin,any,none,6,y,12,y,",
    ),
    ("a mark that is a text", APLASTIC, "    decisive: true", '    decisive: "false"'),
    ("a pregnancy that is a text", APLASTIC, TRIPLE, '    when: {pregnant: "true"}'),
    ("an infinite number", APLASTIC, TRIPLE, "    when: {analyte: platelets, below: .inf, unit: 10^9/L}"),
    ("a rank with a fraction", APLASTIC, "rank: 17", "rank: 17.5"),
    ("four of three lines", APLASTIC, "{lines_low: {exactly: 1}}", "{lines_low: {at_least: 4}}"),
    ("one and a half lines", APLASTIC, "{lines_low: {exactly: 1}}", "{lines_low: {exactly: 1.5}}"),
    (
        "an unknown age unit of a rule",
        "review_triggers.yaml",
        "age: {at_least: 18, unit: y}",
        "age: {at_least: 18, unit: years}",
    ),
    (
        "a threshold outside the vocabulary in the criteria",
        "blood_criteria.yaml",
        "below: 60, unit: 10^9/L}, threshold: sourced",
        "below: 60, unit: 10^9/L}, threshold: known",
    ),
    ("more criteria than items", "blood_criteria.yaml", "at_least: 2", "at_least: 4"),
    ("no criterion at all", "blood_criteria.yaml", "at_least: 2", "at_least: 0"),
    (
        "a witness with an unknown field",
        APLASTIC,
        "  supported: {",
        "  supported: {haemoglobin: 80 g/L, ",
    ),
    ("a tag that makes an object", APLASTIC, "rank: 17", "rank: !!python/name:os.system 20"),
    ("an alias to itself", APLASTIC, "approved_by: []", "approved_by: &loop [*loop]"),
    ("an open quote in a table", INTERVALS, FIRST, '"' + FIRST),
]


@pytest.mark.parametrize(("file", "old", "new"), [f[1:] for f in QUIET_FAULTS], ids=[f[0] for f in QUIET_FAULTS])
def test_a_quiet_fault_is_refused(file: str, old: str, new: str, tmp_path: Path) -> None:
    """A slip that leaves the file readable must not load, nor end in another kind of error."""
    root = copy_tables(tmp_path)
    before = (root / file).read_text(encoding="utf-8")
    assert old in before, "the fault would change nothing"
    (root / file).write_text(before.replace(old, new), encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        build_knowledge(root, check_hashes=False)
    assert caught.value.file == file


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    root = copy_tables(tmp_path)
    path = root / "demographics.yaml"
    path.write_bytes("# año\n".encode("latin-1") + path.read_bytes())
    with pytest.raises(KnowledgeError) as caught:
        build_knowledge(root, check_hashes=False)
    assert caught.value.file == "demographics.yaml"


def change_manifest(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = root / "manifest.yaml"
    manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def spoil_number(root: Path) -> None:
    """Change one digit of a released table: still well-formed, and no longer what was released."""
    path = root / INTERVALS
    path.write_text(path.read_text(encoding="utf-8").replace("135,195", "136,195", 1), encoding="utf-8")


MANIFEST_FAULTS: list[tuple[str, Callable[[Path], object], str]] = [
    ("a digit changed", spoil_number, INTERVALS),
    (
        "a file more",
        lambda root: (root / "intervals" / "mine_v1.csv").write_text("", encoding="utf-8"),
        "intervals/mine_v1.csv",
    ),
    ("a file less", lambda root: (root / APLASTIC).unlink(), APLASTIC),
    ("a file not listed", lambda root: change_manifest(root, lambda m: m["files"].pop("guards.yaml")), "guards.yaml"),
    (
        "a wrong hash",
        lambda root: change_manifest(root, lambda m: m["files"].update({"guards.yaml": "0" * 64})),
        "guards.yaml",
    ),
]


@pytest.mark.parametrize(("spoil", "file"), [f[1:] for f in MANIFEST_FAULTS], ids=[f[0] for f in MANIFEST_FAULTS])
def test_the_manifest_holds_every_file(spoil: Callable[[Path], object], file: str, tmp_path: Path) -> None:
    root = copy_tables(tmp_path)
    spoil(root)
    with pytest.raises(KnowledgeError) as caught:
        build_knowledge(root, check_hashes=True)
    assert (caught.value.file, caught.value.key) == (file, "manifest")
    assert file in str(caught.value)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"data_version": "1"}'])
def test_a_broken_manifest_is_a_knowledge_error(content: str | None, tmp_path: Path) -> None:
    root = copy_tables(tmp_path)
    if content is None:
        (root / "manifest.yaml").unlink()
    else:
        (root / "manifest.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        build_knowledge(root, check_hashes=True)
    assert caught.value.file == "manifest.yaml"


@pytest.mark.parametrize("file", ["units.yaml", "sources.csv", "grading/schemes.yaml", "blood_criteria.yaml"])
def test_a_missing_file_is_named(file: str, tmp_path: Path) -> None:
    root = copy_tables(tmp_path)
    (root / file).unlink()
    with pytest.raises(KnowledgeError) as caught:
        build_knowledge(root, check_hashes=False)
    assert caught.value.file == file


# What the rules say ----------------------------------------------------------------------

CHECKLIST = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((TABLES / "checklist").glob("*.yaml"))
}
WITNESSES = [(name, kind) for name, condition in CHECKLIST.items() for kind in condition["witnesses"]]


@pytest.mark.parametrize(("name", "kind"), WITNESSES, ids=[f"{name} {kind}" for name, kind in WITNESSES])
def test_a_condition_behaves_on_its_witness(name: str, kind: str) -> None:
    found = {c.id: str(c.support) for c in cbc.screen(CHECKLIST[name]["witnesses"][kind]).checklist}
    if kind == "supported":
        assert found.get(name) == "supported"
    elif kind == "contradicted":
        assert found.get(name) in (None, "less_likely")
    else:
        assert kind == "silent"
        assert name not in found


def test_a_contradicted_witness_has_what_would_else_list_it() -> None:
    """Else it would be as silent as the silent one: it differs from it, and mostly is listed as less likely."""
    listed = 0
    for name, condition in CHECKLIST.items():
        witnesses = condition["witnesses"]
        assert witnesses["contradicted"] != witnesses["silent"], name
        found = {c.id for c in cbc.screen(witnesses["contradicted"]).checklist}
        listed += name in found
    assert listed >= 55


def test_every_condition_has_its_witnesses() -> None:
    assert len(CHECKLIST) == 69
    for name, condition in CHECKLIST.items():
        decidable = any(finding.get("decisive") for finding in condition["findings_for"])
        assert set(condition["witnesses"]) == {"silent", "contradicted"} | ({"supported"} if decidable else set()), name
        assert ("not_decidable" in condition) != decidable, name


def entries(node: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield (place, key, value) for every mapping entry of a YAML tree."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield path, str(key), value
            yield from entries(value, f"{path}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from entries(value, f"{path}/{number}")


ALL_YAML = {
    path.relative_to(TABLES).as_posix(): yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted(TABLES.rglob("*.yaml"))
}


def test_nobody_has_signed_yet() -> None:
    """`approved_by` stays empty until a named clinician signs; every condition has the field."""
    signed = [
        (file, value)
        for file, tree in ALL_YAML.items()
        for _, key, value in entries(tree, file)
        if key == "approved_by"
    ]
    assert len(signed) == len(CHECKLIST)
    assert [value for _, value in signed] == [[]] * len(signed)


ORDERS = re.compile(
    r"\b(start|stop|treat|treatment|patient has|diagnosis of|rule out|refer|admit|transfuse"
    r"|give|prescribe|should|must)\b",
    re.IGNORECASE,
)
SAID = {"text", "name", "summary", "limits", "missing", "label", "title"}


def texts() -> list[tuple[str, str]]:
    """List every text that can reach a reader, with its place."""
    found = [
        (f"{place}/{key}", value)
        for file, tree in ALL_YAML.items()
        for place, key, value in entries(tree, file)
        if key in SAID and isinstance(value, str)
    ]
    for group, findings in ALL_YAML["findings.yaml"].items():
        found += [(f"findings.yaml/{group}/{name}", text) for name, text in findings.items()]
    return found


def test_no_text_orders_or_diagnoses() -> None:
    every = texts()
    assert len(every) > 400
    files = {place.split("/")[0] for place, _ in every}
    assert {"checklist", "guards.yaml", "review_triggers.yaml", "urgency.yaml", "findings.yaml"} <= files
    assert [(place, text) for place, text in every if ORDERS.search(text)] == []


def test_the_word_search_itself_finds_orders() -> None:
    for text in ("Start iron", "The patient has MDS", "must be seen", "Rule out leukemia", "Please refer."):
        assert ORDERS.search(text)
    for text in ("startling", "shoulder", "referral", "treated", "Reference", "given"):
        assert not ORDERS.search(text)
