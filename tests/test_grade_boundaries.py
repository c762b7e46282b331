"""Every cut-off of every grading scheme: just below, at, and just above, in two units (one file: one subject, whose cases share what they build).

The numbers are written out by hand from the published bands (shared/knowledge/grading.csv
and grading_notes.md); none is read from reference_ranges/.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import cbc_screen as cbc

# One entry: value in the first unit, the same value in the second unit, grade.
Steps = list[tuple[float, float, int]]

# Hemoglobin, g/L and g/dL ----------------------------------------------------------------

HB_95_105: Steps = [
    (69.9, 6.99, 3), (70, 7.0, 2), (70.1, 7.01, 2),
    (94.9, 9.49, 2), (95, 9.5, 1), (95.1, 9.51, 1),
    (104.9, 10.49, 1), (105, 10.5, 0), (105.1, 10.51, 0),
]  # fmt: skip
HB_100_110: Steps = [
    (69.9, 6.99, 3), (70, 7.0, 2), (70.1, 7.01, 2),
    (99.9, 9.99, 2), (100, 10.0, 1), (100.1, 10.01, 1),
    (109.9, 10.99, 1), (110, 11.0, 0), (110.1, 11.01, 0),
]  # fmt: skip
HB_110_115: Steps = [
    (79.9, 7.99, 3), (80, 8.0, 2), (80.1, 8.01, 2),
    (109.9, 10.99, 2), (110, 11.0, 1), (110.1, 11.01, 1),
    (114.9, 11.49, 1), (115, 11.5, 0), (115.1, 11.51, 0),
]  # fmt: skip
HB_110_120: Steps = [
    (79.9, 7.99, 3), (80, 8.0, 2), (80.1, 8.01, 2),
    (109.5, 10.95, 2), (109.9, 10.99, 2), (110, 11.0, 1), (110.1, 11.01, 1),
    (119.5, 11.95, 1), (119.9, 11.99, 1), (120, 12.0, 0), (120.1, 12.01, 0),
]  # fmt: skip
HB_110_130: Steps = [
    (79.9, 7.99, 3), (80, 8.0, 2), (80.1, 8.01, 2),
    (109.9, 10.99, 2), (110, 11.0, 1), (110.1, 11.01, 1),
    (129.9, 12.99, 1), (130, 13.0, 0), (130.1, 13.01, 0),
]  # fmt: skip

WOMAN = {"age": "40 y", "sex": "F"}
MAN = {"age": "40 y", "sex": "M"}
WHO_BOTH: list[tuple[str, dict[str, str], Steps]] = [
    ("2 years", {"age": "2 y", "sex": "F"}, HB_100_110),
    ("59 months", {"age": "59 mo", "sex": "M"}, HB_100_110),
    ("5 years", {"age": "5 y", "sex": "F"}, HB_110_115),
    ("11 years", {"age": "11 y", "sex": "M"}, HB_110_115),
    ("12 years", {"age": "12 y", "sex": "F"}, HB_110_120),
    ("14 years", {"age": "14 y", "sex": "M"}, HB_110_120),
    ("15 years, girl", {"age": "15 y", "sex": "F"}, HB_110_120),
    ("15 years, boy", {"age": "15 y", "sex": "M"}, HB_110_130),
    ("woman", WOMAN, HB_110_120),
    ("man", MAN, HB_110_130),
    ("woman of 65", {"age": "65 y", "sex": "F"}, HB_110_120),
    ("man of 66", {"age": "66 y", "sex": "M"}, HB_110_130),
    ("woman of 90", {"age": "90 y", "sex": "F"}, HB_110_120),
    ("first trimester", {**WOMAN, "pregnancy": "T1"}, HB_100_110),
    ("third trimester", {**WOMAN, "pregnancy": "T3"}, HB_100_110),
    ("pregnant at 14", {"age": "14 y", "sex": "F", "pregnancy": "T1"}, HB_100_110),
]
WHO_2024 = [
    *WHO_BOTH,
    ("6 months", {"age": "6 mo", "sex": "F"}, HB_95_105),
    ("23 months", {"age": "23 mo", "sex": "M"}, HB_95_105),
    ("second trimester", {**WOMAN, "pregnancy": "T2"}, HB_95_105),
]
WHO_2011 = [
    *WHO_BOTH,
    ("6 months", {"age": "6 mo", "sex": "F"}, HB_100_110),
    ("23 months", {"age": "23 mo", "sex": "M"}, HB_100_110),
    ("second trimester", {**WOMAN, "pregnancy": "T2"}, HB_100_110),
    ("trimester unknown", {**WOMAN, "pregnancy": "pregnant"}, HB_100_110),
]

# Cell counts, 10^9/L and /uL -------------------------------------------------------------

NEUTROPENIA: Steps = [
    (0, 0, 4), (0.099, 99, 4), (0.1, 100, 3), (0.101, 101, 3), (0.499, 499, 3), (0.5, 500, 2), (0.501, 501, 2),
    (0.999, 999, 2), (1.0, 1000, 1), (1.001, 1001, 1),
    (1.499, 1499, 1), (1.5, 1500, 0), (1.501, 1501, 0),
]  # fmt: skip
THROMBOCYTOPENIA: Steps = [
    (0, 0, 4), (19.9, 19900, 4), (20, 20000, 3), (20.1, 20100, 3),
    (49.9, 49900, 3), (50, 50000, 2), (50.1, 50100, 2),
    (99.9, 99900, 2), (100, 100000, 1), (100.1, 100100, 1),
    (149.9, 149900, 1), (149.999, 149999, 1), (150, 150000, 0), (150.1, 150100, 0),
]  # fmt: skip
# CTCAE with a lower limit of 120 g/L, 150, 1.8, 4.0 and 1.0 x 10^9/L.
CTCAE_HB: Steps = [
    (20, 2.0, 3), (79.9, 7.99, 3), (80, 8.0, 2), (80.1, 8.01, 2),
    (99.9, 9.99, 2), (100, 10.0, 1), (100.1, 10.01, 1),
    (119.9, 11.99, 1), (120, 12.0, 0), (120.1, 12.01, 0),
]  # fmt: skip
CTCAE_PLATELETS: Steps = [
    (0, 0, 4), (24.9, 24900, 4), (25, 25000, 3), (25.1, 25100, 3),
    (49.9, 49900, 3), (50, 50000, 2), (50.1, 50100, 2),
    (74.9, 74900, 2), (75, 75000, 1), (75.1, 75100, 1),
    (149.9, 149900, 1), (150, 150000, 0), (150.1, 150100, 0),
]  # fmt: skip
CTCAE_NEUTROPHILS: Steps = [
    (0, 0, 4), (0.499, 499, 4), (0.5, 500, 3), (0.501, 501, 3),
    (0.999, 999, 3), (1.0, 1000, 2), (1.001, 1001, 2),
    (1.499, 1499, 2), (1.5, 1500, 1), (1.501, 1501, 1),
    (1.799, 1799, 1), (1.8, 1800, 0), (1.801, 1801, 0),
]  # fmt: skip
CTCAE_WBC: Steps = [
    (0, 0, 4), (0.999, 999, 4), (1.0, 1000, 3), (1.001, 1001, 3),
    (1.999, 1999, 3), (2.0, 2000, 2), (2.001, 2001, 2),
    (2.999, 2999, 2), (3.0, 3000, 1), (3.001, 3001, 1),
    (3.999, 3999, 1), (4.0, 4000, 0), (4.001, 4001, 0),
]  # fmt: skip
CTCAE_LYMPHOCYTES: Steps = [
    (0, 0, 4), (0.199, 199, 4), (0.2, 200, 3), (0.201, 201, 3),
    (0.499, 499, 3), (0.5, 500, 2), (0.501, 501, 2),
    (0.799, 799, 2), (0.8, 800, 1), (0.801, 801, 1),
    (0.999, 999, 1), (1.0, 1000, 0), (1.001, 1001, 0),
]  # fmt: skip
CTCAE_6_PLATELETS: Steps = [
    (0, 0, 4), (9.9, 9900, 4), (10, 10000, 3), (10.1, 10100, 3),
    (49.9, 49900, 3), (50, 50000, 2), (50.1, 50100, 2),
    (74.9, 74900, 2), (75, 75000, 1), (75.1, 75100, 1),
    (149.9, 149900, 1), (150, 150000, 0), (150.1, 150100, 0),
]  # fmt: skip
CTCAE_6_NEUTROPHILS: Steps = [
    (0, 0, 4), (0.099, 99, 4), (0.1, 100, 3), (0.101, 101, 3),
    (0.499, 499, 3), (0.5, 500, 2), (0.501, 501, 2),
    (0.999, 999, 2), (1.0, 1000, 1), (1.001, 1001, 1),
    (1.499, 1499, 1), (1.5, 1500, 0), (1.501, 1501, 0),
]  # fmt: skip

GRAMS, COUNTS = ("g/L", "g/dL"), ("10^9/L", "/uL")
Table = tuple[str, str, str, tuple[str, str], tuple[float, float] | None, dict[str, str], Steps]


def tables() -> list[Table]:
    """List (scheme, analyte, population, units, lower limit in both units, person, steps)."""
    found: list[Table] = []
    for scheme in ("clinical", "who_2024"):
        found += [(scheme, "hemoglobin", name, GRAMS, None, person, steps) for name, person, steps in WHO_2024]
    found += [("who_2011", "hemoglobin", name, GRAMS, None, person, steps) for name, person, steps in WHO_2011]
    for name, person in (("1 year", {"age": "1 y"}), ("adult", {"age": "40 y"})):
        found.append(("clinical", "neutrophils", name, COUNTS, None, person, NEUTROPENIA))
    for name, person in (("day of birth", {"age": "0 d"}), ("adult", {"age": "40 y"}), ("nothing known", {})):
        found.append(("clinical", "platelets", name, COUNTS, None, person, THROMBOCYTOPENIA))
    for scheme in ("ctcae_v4", "ctcae_v5", "ctcae_v6"):
        six = scheme == "ctcae_v6"
        found += [
            (scheme, "hemoglobin", "any", GRAMS, (120, 12.0), {}, CTCAE_HB),
            (scheme, "platelets", "any", COUNTS, (150, 150000), {}, CTCAE_6_PLATELETS if six else CTCAE_PLATELETS),
            (scheme, "neutrophils", "any", COUNTS, (1.8, 1800), {}, CTCAE_6_NEUTROPHILS if six else CTCAE_NEUTROPHILS),
            (scheme, "wbc", "any", COUNTS, (4.0, 4000), {}, CTCAE_WBC),
        ]
        if not six:
            found.append((scheme, "lymphocytes", "any", COUNTS, (1.0, 1000), {}, CTCAE_LYMPHOCYTES))
    return found


TABLES = tables()
IDS = [f"{scheme} {analyte} {name}" for scheme, analyte, name, *_ in TABLES]
CTCAE = ("ctcae_v4", "ctcae_v5", "ctcae_v6")


@pytest.mark.parametrize("table", TABLES, ids=IDS)
@pytest.mark.parametrize("place", [0, 1], ids=["first unit", "second unit"])
def test_every_cut_off(table: Table, place: int) -> None:
    scheme, analyte, _, units, limits, person, steps = table
    limit = None if limits is None else limits[place]
    for step in steps:
        found = cbc.grade(analyte, step[place], units[place], scheme=scheme, lower_limit=limit, **person)
        assert found.grade == step[2], (step[place], units[place], found)
        assert found.reason is None


@pytest.mark.parametrize("table", TABLES, ids=IDS)
@pytest.mark.parametrize("place", [0, 1], ids=["first unit", "second unit"])
def test_an_array_equals_its_scalars(table: Table, place: int) -> None:
    """Numbers, texts and a frame's column all give the literal grades."""
    scheme, analyte, _, units, limits, person, steps = table
    limit = None if limits is None else limits[place]
    wanted = [step[2] for step in steps]
    values = [step[place] for step in steps]
    for form in (np.array(values, dtype=float), pd.Series(values, dtype="float64"), [repr(float(v)) for v in values]):
        found = cbc.grade(analyte, form, units[place], scheme=scheme, lower_limit=limit, **person)
        assert found.grade.tolist() == wanted
        assert list(found.reason) == [None] * len(wanted)


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_severity_words_follow_the_grades(table: Table) -> None:
    scheme, analyte, _, units, limits, person, steps = table
    # Grade 3 of a scheme without a grade 4 is "severe" all the same.
    words = {0: "none", 1: "mild", 2: "moderate", 3: "severe", 4: "very_severe"}
    for value, _, grade in steps:
        found = cbc.grade(analyte, value, units[0], scheme=scheme, lower_limit=limits and limits[0], **person)
        assert found.severity == words[grade]


@pytest.mark.parametrize(
    ("scheme", "value", "unit", "grade"),
    [
        ("who_2024", 109.5, "g/L", 2), ("who_2024", 10.95, "g/dL", 2), ("who_2024", "10.95", "g/dL", 2),
        ("who_2024", 119.5, "g/L", 1), ("who_2024", 11.95, "g/dL", 1), ("who_2024", "119.5 g/L", None, 1),
        ("who_2011", 109.5, "g/L", 2), ("who_2011", 119.5, "g/L", 1),
        ("clinical", 109.5, "g/L", 2), ("clinical", 119.5, "g/L", 1),
        ("who_2024", 119.99999, "g/L", 1), ("who_2024", 120.0, "g/L", 0),
    ],
)  # fmt: skip
def test_a_value_is_not_rounded_to_the_printed_integers(scheme: str, value: Any, unit: str | None, grade: int) -> None:
    assert cbc.grade("hemoglobin", value, unit, scheme=scheme, **WOMAN).grade == grade


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "cut", "above", "below"),
    [
        ("hemoglobin", 110.0, "g/L", 110, 1, 2),
        ("hemoglobin", 11.0, "g/dL", 11, 1, 2),
        ("hemoglobin", 120.0, "g/L", 120, 0, 1),
    ],
)
def test_one_step_of_a_float_below_a_cut_off(
    analyte: str, value: float, unit: str, cut: float, above: int, below: int
) -> None:
    """The nearest number below a cut-off is below it: conversion never lifts it to the cut-off."""
    assert cbc.grade(analyte, value, unit, scheme="who_2024", **WOMAN).grade == above
    assert cbc.grade(analyte, np.nextafter(cut, 0), unit, scheme="who_2024", **WOMAN).grade == below


# What is not known -----------------------------------------------------------------------

SCHEME_ANALYTES = [
    ("clinical", "hemoglobin"), ("clinical", "neutrophils"), ("clinical", "platelets"),
    ("who_2024", "hemoglobin"), ("who_2011", "hemoglobin"),
    *[(scheme, analyte) for scheme in CTCAE for analyte in ("hemoglobin", "neutrophils", "platelets", "wbc")],
    ("ctcae_v4", "lymphocytes"), ("ctcae_v5", "lymphocytes"),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "analyte"), SCHEME_ANALYTES)
@pytest.mark.parametrize(
    ("unit", "reason"), [("furlongs", "UNIT_UNKNOWN"), (None, "UNIT_MISSING"), ("fL", None), ("%", "UNIT_CONFUSABLE")]
)
@pytest.mark.parametrize("value", [0.05, 100.0, 5000.0])
def test_an_unknown_unit_is_never_a_grade(
    scheme: str, analyte: str, unit: str | None, reason: str | None, value: float
) -> None:
    found = cbc.grade(analyte, value, unit, scheme=scheme, lower_limit=1, **WOMAN)
    assert found.grade is None
    assert found.severity == "cannot_tell"
    assert found.reason is not None
    if reason is not None:
        assert found.reason == reason
    several = cbc.grade(analyte, [value, value], unit, scheme=scheme, lower_limit=1, **WOMAN)
    assert several.grade.tolist() == [None, None]


@pytest.mark.parametrize(
    ("scheme", "analyte"),
    [("who_2024", "platelets"), ("who_2024", "neutrophils"), ("who_2011", "platelets"), ("clinical", "wbc"),
     ("clinical", "lymphocytes"), ("ctcae_v6", "lymphocytes"), ("ctcae_v5", "monocytes")],
)  # fmt: skip
def test_an_analyte_outside_the_scheme_is_not_graded(scheme: str, analyte: str) -> None:
    for value in (0.01, 1.0, 300.0):
        found = cbc.grade(analyte, value, "10^9/L", scheme=scheme, lower_limit=150, **WOMAN)
        assert (found.grade, found.severity) == (None, "cannot_tell")


@pytest.mark.parametrize("scheme", ["clinical", "who_2024", "who_2011"])
@pytest.mark.parametrize(
    "person", [{"age": "5 mo", "sex": "F"}, {"age": "0 d", "sex": "M"}, {"age": "180 d", "sex": "F"}]
)
def test_who_says_nothing_below_six_months(scheme: str, person: dict[str, str]) -> None:
    for value in (60, 100, 200):
        assert cbc.grade("hemoglobin", value, "g/L", scheme=scheme, **person).grade is None


def test_neutropenia_bands_begin_at_one_year() -> None:
    for value in (0.1, 1.2, 3.0):
        assert cbc.grade("neutrophils", value, "10^9/L", age="11 mo").grade is None
        assert cbc.grade("neutrophils", value, "10^9/L", age="12 mo").grade is not None


@pytest.mark.parametrize(
    ("value", "grade"),
    [
        (69.9, 3),
        (70, 2),
        (94.9, 2),
        (95, None),
        (99.9, None),
        (100, 1),
        (104.9, 1),
        (105, None),
        (107, None),
        (109.9, None),
        (110, 0),
    ],
)
def test_trimester_unknown_is_graded_where_the_trimesters_agree(value: float, grade: int | None) -> None:
    found = cbc.grade("hemoglobin", value, "g/L", scheme="who_2024", age="30 y", sex="F", pregnancy="pregnant")
    assert found.grade == grade
    assert (found.reason is None) == (grade is not None)


@pytest.mark.parametrize(
    ("value", "grade"), [(79.9, 3), (80, 2), (109.9, 2), (110, 1), (119.9, 1), (120, None), (129.9, None), (130, 0)]
)
def test_unknown_sex_is_graded_where_the_sexes_agree(value: float, grade: int | None) -> None:
    assert cbc.grade("hemoglobin", value, "g/L", scheme="who_2024", age="30 y").grade == grade


@pytest.mark.parametrize(
    ("value", "grade"), [(69.9, 3), (70, None), (79.9, None), (80, 2), (94.9, 2), (95, None), (131, 0)]
)
def test_unknown_age_and_sex(value: float, grade: int | None) -> None:
    """From 6 months up; below that WHO has no grade, so an unknown age has none unless it is stated."""
    ages = ["6 mo", "24 mo", "5 y", "12 y", "15 y", "80 y"]
    each = {
        cbc.grade("hemoglobin", value, "g/L", scheme="who_2024", age=age, sex=sex).grade for age in ages for sex in "FM"
    }
    assert (each == {grade}) == (grade is not None)
    assert cbc.grade("hemoglobin", value, "g/L", scheme="who_2024").grade is None


@pytest.mark.parametrize(
    ("value", "grade"),
    [("<10", 4), ("<20", 4), ("<21", None), ("<=20", None), (">150", 0), (">=150", 0), (">149", None)],
)
def test_a_comparator_is_graded_where_it_is_sure(value: str, grade: int | None) -> None:
    assert cbc.grade("platelets", value, "10^9/L").grade == grade
    assert cbc.grade("platelets", [value], "10^9/L").grade.tolist() == [grade]


@pytest.mark.parametrize("value", [float("nan"), "", "CLUMPED", "QNS", "9,1", -5.0, float("inf")])
def test_what_is_no_number_is_not_graded(value: Any) -> None:
    for scheme in ("clinical", *CTCAE):
        assert cbc.grade("platelets", value, "10^9/L", scheme=scheme, lower_limit=150).grade is None


# CTCAE grade 1 is relative to the lower limit --------------------------------------------


@pytest.mark.parametrize("scheme", CTCAE)
@pytest.mark.parametrize(
    ("analyte", "unit", "limit", "value", "grade"),
    [
        ("hemoglobin", "g/L", 135, 134.9, 1), ("hemoglobin", "g/L", 135, 135, 0),
        ("hemoglobin", "g/dL", 13.5, 13.49, 1),
        ("hemoglobin", "g/dL", 13.5, 13.5, 0),
        ("platelets", "10^9/L", 140, 139.9, 1), ("platelets", "10^9/L", 140, 140, 0),
        ("wbc", "/uL", 3500, 3499, 1), ("wbc", "/uL", 3500, 3500, 0),
    ],
)  # fmt: skip
def test_grade_1_with_the_limit_given(
    scheme: str, analyte: str, unit: str, limit: float, value: float, grade: int
) -> None:
    assert cbc.grade(analyte, value, unit, scheme=scheme, lower_limit=limit).grade == grade
    # The stated limit wins over the set's own for the person.
    assert cbc.grade(analyte, value, unit, scheme=scheme, lower_limit=limit, **WOMAN).grade == grade


@pytest.mark.parametrize("scheme", CTCAE)
@pytest.mark.parametrize(
    ("analyte", "unit", "person", "value", "grade"),
    [
        # Limits of the default set: hemoglobin 117 F, 132 M; platelets 157 F, 141 M; WBC 3.9.
        ("hemoglobin", "g/L", WOMAN, 116.9, 1), ("hemoglobin", "g/L", WOMAN, 117, 0),
        ("hemoglobin", "g/L", MAN, 131.9, 1), ("hemoglobin", "g/L", MAN, 132, 0),
        ("platelets", "10^9/L", WOMAN, 156.9, 1), ("platelets", "10^9/L", WOMAN, 157, 0),
        ("platelets", "/uL", MAN, 140900, 1), ("platelets", "/uL", MAN, 141000, 0),
        ("wbc", "10^9/L", WOMAN, 3.89, 1), ("wbc", "10^9/L", WOMAN, 3.9, 0),
        # Sex unknown: 125 g/L lies between the two limits.
        ("hemoglobin", "g/L", {"age": "40 y"}, 116.9, 1), ("hemoglobin", "g/L", {"age": "40 y"}, 125, None),
        ("hemoglobin", "g/L", {"age": "40 y"}, 132, 0),
        # In pregnancy the pregnancy row: 106 in the second trimester.
        ("hemoglobin", "g/L", {**WOMAN, "pregnancy": "T2"}, 105.9, 1),
        ("hemoglobin", "g/L", {**WOMAN, "pregnancy": "T2"}, 106, 0),
    ],
)  # fmt: skip
def test_grade_1_with_the_limit_looked_up(
    scheme: str, analyte: str, unit: str, person: dict[str, str], value: float, grade: int | None
) -> None:
    assert cbc.grade(analyte, value, unit, scheme=scheme, **person).grade == grade


@pytest.mark.parametrize("scheme", CTCAE)
def test_without_any_limit_grade_1_and_0_are_not_told(scheme: str) -> None:
    """A pregnant person past the rows of the set has no limit; grades 2 and above stand without one."""
    nobody = {"age": "61 y", "sex": "F", "pregnancy": "T2"}
    steps = [(79.9, 3), (80, 2), (99.9, 2), (100, None), (118, None), (200, None)]
    for value, grade in steps:
        assert cbc.grade("hemoglobin", value, "g/L", scheme=scheme, **nobody).grade == grade
    counts = [(49.9, 3), (50, 2), (74.9, 2), (75, None), (400, None)]
    for value, grade in counts:
        assert cbc.grade("platelets", value, "10^9/L", scheme=scheme, **nobody).grade == grade


@pytest.mark.parametrize("scheme", CTCAE)
@pytest.mark.parametrize("limit", [90, 95, 100])
def test_grade_2_stands_where_the_lower_limit_is_lower(scheme: str, limit: float) -> None:
    """An infant's 98 g/L is grade 2 though it lies inside its range; grade 1 is then empty."""
    for value, grade in [(79.9, 3), (80, 2), (98, 2), (99.9, 2), (100, 0), (100.1, 0)]:
        assert cbc.grade("hemoglobin", value, "g/L", scheme=scheme, lower_limit=limit).grade == grade
    infant = {"age": "75 d", "sex": "M"}  # the default set's lower limit is 90 g/L
    assert cbc.grade("hemoglobin", 98, "g/L", scheme=scheme, **infant).grade == 2
    assert cbc.grade("hemoglobin", 100, "g/L", scheme=scheme, **infant).grade == 0


@pytest.mark.parametrize("scheme", ["ctcae_v4", "ctcae_v5"])
def test_neutrophil_grade_2_stands_where_the_lower_limit_is_lower(scheme: str) -> None:
    for value, grade in [(0.99, 3), (1.0, 2), (1.2, 2), (1.499, 2), (1.5, 0)]:
        assert cbc.grade("neutrophils", value, "10^9/L", scheme=scheme, lower_limit=1.0).grade == grade


def test_version_6_neutrophils_do_not_use_the_lower_limit() -> None:
    for limit in (None, 0.8, 1.8, 3.7):
        assert cbc.grade("neutrophils", 1.49, "10^9/L", scheme="ctcae_v6", lower_limit=limit, **WOMAN).grade == 1
        assert cbc.grade("neutrophils", 1.7, "10^9/L", scheme="ctcae_v6", lower_limit=limit, **WOMAN).grade == 0


@pytest.mark.parametrize("scheme", CTCAE)
def test_anemia_grade_4_is_never_inferred(scheme: str) -> None:
    for value in (20, 25, 40, 64.9):
        assert cbc.grade("hemoglobin", value, "g/L", scheme=scheme, lower_limit=120).grade == 3


def test_a_limit_for_each_value_of_an_array() -> None:
    found = cbc.grade("platelets", [139, 139, 139], "10^9/L", scheme="ctcae_v5", lower_limit=[150, 139, 100])
    assert found.grade.tolist() == [1, 0, 0]


def test_a_person_for_each_value_of_an_array() -> None:
    found = cbc.grade("hemoglobin", [125, 125, 125], "g/L", scheme="who_2024", age=["40 y"] * 3, sex=["F", "M", None])
    assert found.grade.tolist() == [0, 1, None]


@pytest.mark.parametrize(
    ("scheme", "version"),
    [
        ("clinical", "2"),
        ("who_2024", "2024"),
        ("who_2011", "2011"),
        ("ctcae_v4", "4.03"),
        ("ctcae_v5", "5.0"),
        ("ctcae_v6", "6.0"),
    ],
)
def test_the_version_is_part_of_every_grade(scheme: str, version: str) -> None:
    found = cbc.grade("hemoglobin", 95, "g/L", scheme=scheme, **WOMAN)
    assert (found.scheme, found.version) == (scheme, version)
    assert found.source


def test_screen_gives_the_same_grades() -> None:
    """The grade columns of a screen are the literal tables too."""
    for scheme, steps in (("who_2024", HB_110_120), ("who_2011", HB_110_120), ("clinical", HB_110_120)):
        screener = cbc.Screener(grading=scheme)
        for value, other, grade in steps:
            assert screener.screen({**WOMAN, "hemoglobin": f"{value} g/L"}).flags()["hemoglobin_grade"] == grade
            assert screener.screen({**WOMAN, "hemoglobin": f"{other} g/dL"}).flags()["hemoglobin_grade"] == grade
    for value, other, grade in THROMBOCYTOPENIA:
        assert cbc.screen({**WOMAN, "platelets": f"{value} 10^9/L"}).flags()["platelets_grade"] == grade
        assert cbc.screen({**WOMAN, "platelets": f"{other} /uL"}).flags()["platelets_grade"] == grade
    for value, other, grade in NEUTROPENIA:
        assert cbc.screen({**WOMAN, "neutrophils": f"{value} 10^9/L"}).flags()["white_grade"] == grade
        assert cbc.screen({**WOMAN, "neutrophils": f"{other} /uL"}).flags()["white_grade"] == grade


def test_a_low_line_that_the_scheme_does_not_grade_says_so() -> None:
    """Few neutrophils of an infant of 8 months, and few white cells without neutrophils: a severity that cannot be told has a reason."""
    infant = {
        "age": "8 mo",
        "sex": "M",
        "hemoglobin": "120 g/L",
        "neutrophils": "0.42 10^9/L",
        "platelets": "400 10^9/L",
    }
    by_wbc = {"age": "40 y", "sex": "M", "hemoglobin": "150 g/L", "wbc": "1.4 10^9/L", "platelets": "400 10^9/L"}
    adult = {**infant, "age": "40 y", "hemoglobin": "150 g/L"}
    said = "The grading scheme clinical does not grade {} for this person, so the low white line has no grade."
    for record, analyte in ((infant, "neutrophils"), (by_wbc, "white blood cells")):
        result = cbc.screen(record)
        assert result.severity == "cannot_tell"
        assert said.format(analyte) in result.notes
    assert cbc.screen(adult).severity == "severe"
    assert not any("has no grade" in note for note in cbc.screen(adult).notes)


# A lower limit that cannot be one: a grade is told only where it asks for no limit -------------------


@pytest.mark.parametrize(
    ("value", "lower_limit", "grade", "reason"),
    [
        (100, 0, None, "RANGE_INSANE"),
        (100, -5, None, "RANGE_INSANE"),
        (155, float("inf"), None, "RANGE_INSANE"),
        (155, 150_000, None, "RANGE_INSANE"),
        (145, "<150", None, "RANGE_UNREADABLE"),
        (145, "150 10^9/L", None, "RANGE_UNREADABLE"),
        (145, "150-400", None, "RANGE_UNREADABLE"),
        (155, 10**400, None, "RANGE_UNREADABLE"),
        (74, 0, 2, None),  # grade 2 is below 75, whatever the limit
        (24, "<150", 4, None),
        (145, "150", 1, None),
        (145, None, 0, None),  # the set's own: 141
        (145, float("nan"), 0, None),
        (140, None, 1, None),
    ],
)
def test_a_lower_limit_that_cannot_be_one(
    value: float, lower_limit: object, grade: int | None, reason: str | None
) -> None:
    found = cbc.grade("platelets", value, "10^9/L", scheme="ctcae_v5", lower_limit=lower_limit, age="30 y", sex="M")
    assert (found.grade, found.reason) == (grade, reason)
    many = cbc.grade(
        "platelets", [value, 24], "10^9/L", scheme="ctcae_v5", lower_limit=[lower_limit, 150.0], age="30 y", sex="M"
    )
    assert (many.grade.tolist(), many.reason) == ([grade, 4], (reason, None))
