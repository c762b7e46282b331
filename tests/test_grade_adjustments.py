"""Hemoglobin graded after WHO's adjustments for elevation and smoking, at every step (one file: one subject, whose cases share what they build).

The numbers are worked out by hand from the published amounts (shared/knowledge/
who_adjustments.csv) and the cut-offs 130 g/L for men and 120, 110, 80 g/L for women; none is
read from reference_ranges/.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc

MAN = {"age": "40 y", "sex": "M"}
WOMAN = {"age": "40 y", "sex": "F"}


def graded(value: Any, scheme: str = "who_2024", **stated: Any) -> Any:
    """Grade a woman's hemoglobin in g/L."""
    return cbc.grade("hemoglobin", value, "g/L", scheme=scheme, **{**WOMAN, **stated})


# Elevation -------------------------------------------------------------------------------

# An elevation, and a man's measured hemoglobin that is 130 g/L after the adjustment: with it
# he has no anemia, and a tenth of a gram below it he has mild anemia.
STEPS_2024 = [
    ("0 m", 130, 129.9), ("0.9 m", 130, 129.9), ("1 m", 130, 129.9), ("1.1 m", 130, 129.9),
    ("499 m", 130, 129.9), ("499.9 m", 130, 129.9), ("500 m", 134, 133.9), ("501 m", 134, 133.9),
    ("999 m", 134, 133.9), ("999.9 m", 134, 133.9), ("1000 m", 138, 137.9), ("1001 m", 138, 137.9),
    ("1499 m", 138, 137.9), ("1499.9 m", 138, 137.9), ("1500 m", 141, 140.9), ("1501 m", 141, 140.9),
    ("1999 m", 141, 140.9), ("1999.9 m", 141, 140.9), ("2000 m", 144, 143.9), ("2001 m", 144, 143.9),
    ("2499 m", 144, 143.9), ("2499.9 m", 144, 143.9), ("2500 m", 148, 147.9), ("2501 m", 148, 147.9),
    ("2999 m", 148, 147.9), ("2999.9 m", 148, 147.9), ("3000 m", 151, 150.9), ("3001 m", 151, 150.9),
    ("3499 m", 151, 150.9), ("3499.9 m", 151, 150.9), ("3500 m", 155, 154.9), ("3501 m", 155, 154.9),
    ("3999 m", 155, 154.9), ("3999.9 m", 155, 154.9), ("4000 m", 159, 158.9), ("4001 m", 159, 158.9),
    ("4499 m", 159, 158.9), ("4499.9 m", 159, 158.9), ("4500 m", 163, 162.9), ("4501 m", 163, 162.9),
    ("4999 m", 163, 162.9), ("4999.9 m", 163, 162.9),
    # A foot is 0.3048 m: 1640 ft is 499.872 m and 1641 ft is 500.1768 m, and so on.
    ("0 ft", 130, 129.9), ("1250 ft", 130, 129.9),  # 381 m exactly
    ("1640 ft", 130, 129.9), ("1641 ft", 134, 133.9), ("3280 ft", 134, 133.9), ("3281 ft", 138, 137.9),
    ("4921 ft", 138, 137.9), ("4922 ft", 141, 140.9), ("6561 ft", 141, 140.9), ("6562 ft", 144, 143.9),
    ("8202 ft", 144, 143.9), ("8203 ft", 148, 147.9), ("9842 ft", 148, 147.9), ("9843 ft", 151, 150.9),
    ("11482 ft", 151, 150.9), ("11483 ft", 155, 154.9), ("13123 ft", 155, 154.9), ("13124 ft", 159, 158.9),
    ("14763 ft", 159, 158.9), ("14764 ft", 163, 162.9), ("16404 ft", 163, 162.9),
    ("0.999 km", 134, 133.9), ("1 km", 138, 137.9), ("2.5 km", 148, 147.9),
]  # fmt: skip
STEPS_2011 = [
    ("0 m", 130, 129.9), ("500 m", 130, 129.9), ("999 m", 130, 129.9), ("1000 m", 132, 131.9), ("1001 m", 132, 131.9),
    ("1499 m", 132, 131.9), ("1500 m", 135, 134.9), ("1501 m", 135, 134.9),
    ("1999 m", 135, 134.9), ("2000 m", 138, 137.9), ("2001 m", 138, 137.9),
    ("2499 m", 138, 137.9), ("2500 m", 143, 142.9), ("2501 m", 143, 142.9),
    ("2999 m", 143, 142.9), ("3000 m", 149, 148.9), ("3001 m", 149, 148.9),
    ("3499 m", 149, 148.9), ("3500 m", 157, 156.9), ("3501 m", 157, 156.9),
    ("3999 m", 157, 156.9), ("4000 m", 165, 164.9), ("4001 m", 165, 164.9),
    ("4499 m", 165, 164.9), ("4500 m", 175, 174.9), ("4501 m", 175, 174.9), ("6000 m", 175, 174.9),
    ("3280 ft", 130, 129.9), ("3281 ft", 132, 131.9), ("14763 ft", 165, 164.9), ("14764 ft", 175, 174.9),
]  # fmt: skip
STEPS = [
    *(("who_2024", *step) for step in STEPS_2024),
    *(("clinical", *step) for step in STEPS_2024),
    *(("who_2011", *step) for step in STEPS_2011),
]


@pytest.mark.parametrize(("scheme", "elevation", "at", "below"), STEPS)
def test_elevation_moves_the_cut_off_by_the_published_amount(
    scheme: str, elevation: str, at: float, below: float
) -> None:
    for value, grade, unadjusted in ((at, 0, 0), (below, 1, 1 if below < 130 else 0)):
        found = cbc.grade("hemoglobin", value, "g/L", scheme=scheme, elevation=elevation, **MAN)
        assert (found.grade, found.unadjusted, found.reason) == (grade, unadjusted, None), found


@pytest.mark.parametrize(
    ("value", "grade", "unadjusted"),
    [
        (97.9, 3, 2), (98, 2, 2), (98.1, 2, 2), (127.9, 2, 0), (128, 1, 0), (128.1, 1, 0),
        (137.9, 1, 0), (138, 0, 0), (138.1, 0, 0), (79.9, 3, 3), (80, 3, 2), (109.9, 2, 2), (119.9, 2, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["who_2024", "clinical"])
def test_every_band_moves_by_the_same_amount(scheme: str, value: float, grade: int, unadjusted: int) -> None:
    """At 2600 m a woman's 80, 110 and 120 g/L are met by 98, 128 and 138 g/L."""
    found = graded(value, scheme, elevation="2600 m")
    assert (found.grade, found.unadjusted) == (grade, unadjusted)
    assert found.severity == {0: "none", 1: "mild", 2: "moderate", 3: "severe"}[grade]


@pytest.mark.parametrize(("value", "grade"), [(13.79, 1), (13.8, 0), (13.81, 0)])
def test_the_amount_is_subtracted_after_the_unit_is_converted(value: float, grade: int) -> None:
    assert cbc.grade("hemoglobin", value, "g/dL", scheme="who_2024", elevation="2600 m", **WOMAN).grade == grade


def test_the_table_of_each_year_is_its_own() -> None:
    """At 2600 m the 2011 table takes 13 g/L and the 2024 table 18 g/L."""
    assert [graded(135, scheme, elevation="2600 m").grade for scheme in ("who_2011", "who_2024", "clinical")] == [
        0,
        1,
        1,
    ]


# Smoking ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "cigarettes", "at", "below"),
    [
        ("who_2024", "0", 120, 119.9), ("who_2024", 0, 120, 119.9),
        ("who_2024", "0.5", 123, 122.9), ("who_2024", "1", 123, 122.9), ("who_2024", "9", 123, 122.9),
        ("who_2024", "9.9", 123, 122.9), ("who_2024", "10", 125, 124.9), ("who_2024", 10, 125, 124.9),
        ("who_2024", "11", 125, 124.9), ("who_2024", "19", 125, 124.9), ("who_2024", "19.9", 125, 124.9),
        ("who_2024", "20", 126, 125.9), ("who_2024", "21", 126, 125.9), ("who_2024", "60 /day", 126, 125.9),
        ("clinical", "9", 123, 122.9), ("clinical", "10", 125, 124.9), ("clinical", "20", 126, 125.9),
        # 2011 knows by number only that there are some.
        ("who_2011", "0", 120, 119.9), ("who_2011", "1", 123, 122.9), ("who_2011", "10", 123, 122.9),
        ("who_2011", "20", 123, 122.9), ("who_2011", "40", 123, 122.9),
    ],
)  # fmt: skip
def test_cigarettes_move_the_cut_off_by_the_published_amount(
    scheme: str, cigarettes: Any, at: float, below: float
) -> None:
    assert (
        graded(at, scheme, cigarettes_per_day=cigarettes).grade,
        graded(below, scheme, cigarettes_per_day=cigarettes).grade,
    ) == (0, 1)
    assert graded(at, scheme, cigarettes_per_day=cigarettes).unadjusted == 0


@pytest.mark.parametrize("scheme", ["who_2024", "clinical", "who_2011"])
def test_a_smoker_of_unknown_quantity_is_adjusted_by_three(scheme: str) -> None:
    assert [graded(value, scheme, smoker="present").grade for value in (122.9, 123, 123.1)] == [1, 0, 0]
    assert [graded(value, scheme, smoker="absent").grade for value in (119.9, 120, 120.1)] == [1, 0, 0]


def test_a_stated_number_is_more_exact_than_the_word_smoker() -> None:
    """20 a day are 6 g/L, whatever the word beside them says."""
    for smoker in ("present", "unknown"):
        found = [graded(value, cigarettes_per_day="20", smoker=smoker).grade for value in (125.9, 126)]
        assert found == [1, 0]


def test_an_unreadable_number_does_not_hide_the_word_smoker() -> None:
    """A smoker of an unknown quantity: 3 g/L."""
    found = [graded(value, cigarettes_per_day="many", smoker="present").grade for value in (122.9, 123)]
    assert found == [1, 0]


def test_a_smoker_of_no_cigarettes_is_a_contradiction() -> None:
    """Either may be right: 0 or 3 g/L."""
    found = [graded(value, cigarettes_per_day="0", smoker="present").grade for value in (119.9, 120, 122.9, 123)]
    assert found == [1, None, None, 0]
    found = [graded(value, cigarettes_per_day="20", smoker="absent").grade for value in (119.9, 120, 125.9, 126)]
    assert found == [1, None, None, 0]


@pytest.mark.parametrize("unit", ["20 packs/day", "1 pack/day", "1 packs", "20 pack-years"])
def test_a_pack_is_not_a_number_of_cigarettes(unit: str) -> None:
    found = graded(123, cigarettes_per_day=unit)
    assert (found.grade, found.unadjusted, found.reason) == (None, 0, "UNIT_CONFUSABLE")


# Both together ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "elevation", "smoking", "at", "below"),
    [
        ("who_2024", "0 m", {"cigarettes_per_day": "0"}, 120, 119.9),
        ("who_2024", "999 m", {"cigarettes_per_day": "9"}, 127, 126.9),  # 4 + 3
        ("who_2024", "1000 m", {"cigarettes_per_day": "10"}, 133, 132.9),  # 8 + 5
        ("who_2024", "2600 m", {"cigarettes_per_day": "20"}, 144, 143.9),  # 18 + 6
        ("who_2024", "2600 m", {"smoker": "present"}, 141, 140.9),  # 18 + 3
        ("who_2024", "2600 m", {"smoker": "absent"}, 138, 137.9),
        ("who_2024", "4999 m", {"cigarettes_per_day": "20"}, 159, 158.9),  # 33 + 6, the most there is
        ("clinical", "3500 m", {"cigarettes_per_day": "19"}, 150, 149.9),  # 25 + 5
        ("who_2011", "1000 m", {"smoker": "present"}, 125, 124.9),  # 2 + 3
        ("who_2011", "4500 m", {"cigarettes_per_day": "40"}, 168, 167.9),  # 45 + 3
    ],
)
def test_the_amounts_are_summed(scheme: str, elevation: str, smoking: dict[str, str], at: float, below: float) -> None:
    assert graded(at, scheme, elevation=elevation, **smoking).grade == 0
    assert graded(below, scheme, elevation=elevation, **smoking).grade == 1


# What is not exact, or not stated --------------------------------------------------------


@pytest.mark.parametrize(
    ("elevation", "value", "grade"),
    [
        # Below 500 m is nothing; below 1000 m may be nothing or 4 g/L.
        ("<500 m", 119.9, 1), ("<500 m", 120, 0),
        ("<=500 m", 120, None), ("<=500 m", 124, 0), ("<=500 m", 119.9, 1),
        ("<1000 m", 119.9, 1), ("<1000 m", 120, None), ("<1000 m", 123.9, None), ("<1000 m", 124, 0),
        ("<1000 m", 113.9, None), ("<1000 m", 114, 1), ("<1000 m", 109.9, 2),
        ("<=1000 m", 127.9, None), ("<=1000 m", 128, 0),
        # From 2500 m on may be 18 g/L or more than any number of the table.
        (">2500 m", 137.9, None), (">2500 m", 138, None), (">2500 m", 97.9, 3), (">2500 m", 98, None),
        (">=5000 m", 112.9, 3), (">=5000 m", 113, None),
    ],
)  # fmt: skip
def test_an_elevation_with_a_comparator_is_used_where_it_is_sure(
    elevation: str, value: float, grade: int | None
) -> None:
    found = graded(value, elevation=elevation)
    assert found.grade == grade
    assert (found.reason is None) == (grade is not None)
    assert found.unadjusted is not None


@pytest.mark.parametrize(
    ("cigarettes", "value", "grade"),
    [
        ("<10", 119.9, 1), ("<10", 120, None), ("<10", 122.9, None), ("<10", 123, 0),
        ("<=10", 124.9, None), ("<=10", 125, 0),
        (">0", 112.9, 2), (">0", 113, None), (">0", 116, 1), (">0", 122.9, 1), (">0", 123, None), (">0", 126, 0),
        (">=10", 124.9, 1), (">=10", 125, None), (">=10", 126, 0),
        (">20", 125.9, 1), (">20", 126, 0), (">=20", 125.9, 1), (">=20", 126, 0),
    ],
)  # fmt: skip
def test_cigarettes_with_a_comparator_are_used_where_they_are_sure(
    cigarettes: str, value: float, grade: int | None
) -> None:
    assert graded(value, cigarettes_per_day=cigarettes).grade == grade


@pytest.mark.parametrize(
    ("elevation", "reason"),
    [
        ("", "SETTING_MISSING"), ("unknown", "TEXT_RESULT"), ("2600", "UNIT_MISSING"), (2600, "UNIT_MISSING"),
        ("2600 miles", "UNIT_UNKNOWN"), ("2600 '", "UNIT_CONFUSABLE"), ("-400 m", "NUMBER_NEGATIVE"), ("high", "TEXT_RESULT"),
        (float("nan"), "SETTING_MISSING"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("value", "grade", "unadjusted"), [(79.9, 3, 3), (80, None, 2), (119.9, None, 1), (120, None, 0), (240, None, 0)]
)
def test_an_elevation_that_cannot_be_read_counts_as_any(
    elevation: Any, reason: str, value: float, grade: int | None, unadjusted: int
) -> None:
    """It may lie above 5000 m, where the table has no number: only the last grade is sure."""
    found = graded(value, elevation=elevation)
    assert (found.grade, found.unadjusted) == (grade, unadjusted)
    assert (found.severity == "cannot_tell") == (grade is None)
    assert found.reason == (reason if grade is None else None)


@pytest.mark.parametrize(
    ("value", "grade"),
    [(79.9, 3), (80, None), (85.9, None), (86, 2), (109.9, 2), (110, None), (115.9, None), (116, 1), (119.9, 1),
     (120, None), (125.9, None), (126, 0)],
)  # fmt: skip
@pytest.mark.parametrize("stated", [{"smoker": "unknown"}, {"cigarettes_per_day": ""}, {"cigarettes_per_day": "many"}])
def test_smoking_that_is_not_known_takes_from_nothing_to_six(
    value: float, grade: int | None, stated: dict[str, str]
) -> None:
    assert graded(value, **stated).grade == grade


@pytest.mark.parametrize(("value", "grade"), [(119.9, 1), (120, None), (122.9, None), (123, 0)])
def test_smoking_that_is_not_known_takes_at_most_three_in_2011(value: float, grade: int | None) -> None:
    assert graded(value, "who_2011", smoker="unknown").grade == grade


@pytest.mark.parametrize(
    ("value", "grade"), [(79.9, 3), (80, None), (119.9, None), (120, None), (164.9, None), (165, 0)]
)
def test_an_unknown_elevation_of_2011_takes_at_most_45(value: float, grade: int | None) -> None:
    """The table of 2011 has a number for every elevation, 0 to 45 g/L."""
    assert graded(value, "who_2011", elevation="").grade == grade


@pytest.mark.parametrize("elevation", ["5000 m", "5000.1 m", "5001 m", "5300 m", "16405 ft", "6000 m"])
@pytest.mark.parametrize(("value", "grade"), [(112.9, 3), (113, None), (152.9, None), (153, None), (250, None)])
def test_from_5000_m_on_only_the_last_grade_is_sure(elevation: str, value: float, grade: int | None) -> None:
    """At least 33 g/L is subtracted, and no more is known: 112.9 is below 80, and 250 may be."""
    found = graded(value, elevation=elevation)
    assert found.grade == grade
    assert found.unadjusted == (1 if value < 120 else 0)


def test_nobody_lives_at_8000_meters() -> None:
    """An elevation of residence above the highest believable one (analytes.yaml) is unknown, and so is the grade."""
    found = graded(112.9, elevation="8000 m")
    assert (found.grade, found.reason, found.unadjusted) == (None, cbc.Reason.NUMBER_IMPLAUSIBLE, 1)


# Not adjusted ----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["who_2024", "clinical", "who_2011"])
def test_without_a_setting_there_is_no_unadjusted_grade(scheme: str) -> None:
    for stated in ({}, {"elevation": None, "cigarettes_per_day": None, "smoker": None}):
        found = graded(121, scheme, **stated)
        assert (found.grade, found.unadjusted) == (0, None)
    assert graded([121, 119], scheme).unadjusted is None


@pytest.mark.parametrize("scheme", ["who_2024", "clinical", "who_2011"])
@pytest.mark.parametrize("age", ["0 d", "3 mo", "5 mo"])
def test_below_six_months_there_is_nothing_to_adjust(scheme: str, age: str) -> None:
    for value in (60, 100, 200):
        found = graded(value, scheme, age=age, elevation="2600 m")
        assert (found.grade, found.unadjusted) == (None, None)


@pytest.mark.parametrize(
    "stated", [{"elevation": "2600 m"}, {"cigarettes_per_day": "10"}, {"smoker": "present"}, {"smoker": "unknown"}]
)
@pytest.mark.parametrize("analyte", ["platelets", "neutrophils", "wbc", "hematocrit"])
def test_only_hemoglobin_is_adjusted(analyte: str, stated: dict[str, str]) -> None:
    with pytest.raises(cbc.UsageError, match=rf"^grade: {next(iter(stated))}: only hemoglobin is adjusted$"):
        cbc.grade(analyte, 100, "10^9/L", **WOMAN, **stated)


@pytest.mark.parametrize("scheme", ["ctcae_v4", "ctcae_v5", "ctcae_v6", "daids_v2_1"])
@pytest.mark.parametrize(
    "stated", [{"elevation": "2600 m"}, {"cigarettes_per_day": "10"}, {"smoker": "present"}, {"smoker": "unknown"}]
)
def test_a_scheme_without_an_adjustment_refuses_one(scheme: str, stated: dict[str, str]) -> None:
    with pytest.raises(cbc.UsageError, match=r"tables that have one: who_2011, who_2024$"):
        graded(100, scheme, **stated)


@pytest.mark.parametrize("name", ["altitude", "smoking", "packs_per_day"])
def test_another_setting_is_not_known(name: str) -> None:
    with pytest.raises(cbc.UsageError, match=f"^grade: '{name}' is not one of .*elevation, cigarettes_per_day, smoker"):
        graded(100, **{name: "1"})


def test_the_sources_of_an_adjusted_grade_name_the_adjustment() -> None:
    for scheme, mark in (("who_2024", "978-92-4-008854-2"), ("who_2011", "Tables 2 and 3")):
        assert mark in graded(121, scheme, elevation="0 m").source
        assert mark not in graded(121, scheme).source


# Arrays ----------------------------------------------------------------------------------


def test_an_array_equals_its_scalars() -> None:
    values = [79.9, 97.9, 98, 127.9, 128, 137.9, 138, 138.1]
    for form in (np.array(values), pd.Series(values), values, [f"{value}" for value in values]):
        found = graded(form, elevation="2600 m")
        assert found.grade.tolist() == [3, 3, 2, 2, 1, 1, 0, 0]
        assert found.unadjusted.tolist() == [3, 2, 2, 0, 0, 0, 0, 0]
        assert found.severity.tolist() == ["severe", "severe", *["moderate"] * 2, *["mild"] * 2, "none", "none"]
        assert found.reason == (None,) * 8


def test_a_setting_for_each_value_of_an_array() -> None:
    elevations = ["0 m", "999 m", "1000 m", "<500 m", "<1000 m", None, "", "5000 m", "high"]
    found = graded([121] * 9, elevation=elevations)
    assert found.grade.tolist() == [0, 1, 1, 0, None, None, None, None, None]
    assert found.unadjusted.tolist() == [0] * 9
    assert [reason is None for reason in found.reason] == [True] * 4 + [False] * 5
    smokers = graded([121] * 4, smoker=["present", "absent", "unknown", None])
    assert smokers.grade.tolist() == [1, 0, None, None]
    counted = graded([123] * 6, cigarettes_per_day=np.array([0, 1, 9.5, 10, 20, np.nan]))
    assert counted.grade.tolist() == [0, 0, 0, 1, 1, None]


def test_each_row_of_an_array_has_its_own_sum() -> None:
    found = graded(
        [144, 143.9, 138, 137.9, 144],
        elevation=["2600 m", "2600 m", "2600 m", "2600 m", "2600 m"],
        cigarettes_per_day=["20", "20", "0", "0", None],
        smoker=[None, None, None, None, "unknown"],
    )
    assert found.grade.tolist() == [0, 1, 0, 1, 0]


def test_a_setting_of_another_length_is_refused() -> None:
    with pytest.raises(cbc.UsageError, match="elevation must have one value"):
        graded([120, 121, 122], elevation=["0 m", "1000 m"])


# Laws ------------------------------------------------------------------------------------

SCHEMES = st.sampled_from(["who_2024", "clinical", "who_2011"])
PEOPLE = st.sampled_from(
    [
        WOMAN,
        MAN,
        {"age": "40 y"},
        {"age": "6 mo", "sex": "F"},
        {"age": "3 y", "sex": "M"},
        {"age": "30 y", "sex": "F", "pregnancy": "T2"},
        {"age": "30 y", "sex": "F", "pregnancy": "trimester_unknown"},
        {"sex": "M"},
    ]
)
HEMOGLOBIN = st.integers(200, 2500).map(lambda tenths: tenths / 10)
ELEVATIONS = st.one_of(
    st.integers(0, 60).map(lambda hundreds: f"{100 * hundreds} m"),
    st.sampled_from(["499 m", "999 m", "4999 m", "<500 m", "<1000 m", ">2500 m", ">=5000 m", "", "high"]),
)
CIGARETTES = st.one_of(st.integers(0, 60).map(str), st.sampled_from(["<10", "<=10", ">=20", "", "many"]))


@given(SCHEMES, PEOPLE, HEMOGLOBIN, st.none() | ELEVATIONS, st.none() | CIGARETTES)
def test_an_adjustment_never_makes_a_grade_milder(
    scheme: str, person: dict[str, str], value: float, elevation: str | None, cigarettes: str | None
) -> None:
    stated = {"elevation": elevation, "cigarettes_per_day": cigarettes}
    found = cbc.grade("hemoglobin", value, "g/L", scheme=scheme, **person, **stated)
    plain = cbc.grade("hemoglobin", value, "g/L", scheme=scheme, **person)
    if elevation is None and cigarettes is None:
        assert found == plain
    else:
        assert found.unadjusted == plain.grade
        assert found.grade is None or plain.grade is None or found.grade >= plain.grade


@given(SCHEMES, PEOPLE, HEMOGLOBIN, st.sampled_from([{"smoker": "absent"}, {"cigarettes_per_day": "0"}]))
def test_the_sea_and_no_cigarettes_are_no_adjustment(
    scheme: str, person: dict[str, str], value: float, smoking: dict[str, str]
) -> None:
    plain = cbc.grade("hemoglobin", value, "g/L", scheme=scheme, **person)
    for stated in ({"elevation": "0 m"}, smoking, {"elevation": "0 m", **smoking}):
        found = cbc.grade("hemoglobin", value, "g/L", scheme=scheme, **person, **stated)
        assert (found.grade, found.severity, found.reason) == (plain.grade, plain.severity, plain.reason)
        assert found.unadjusted == plain.grade


# One elevation in each step of both tables, and one count of cigarettes in each of theirs.
EVERY_ELEVATION = [f"{metres} m" for metres in (0, 250, *range(750, 5000, 500), 5500)]
EVERY_SMOKING = ["0", "5", "15", "30"]


@given(SCHEMES, PEOPLE, HEMOGLOBIN)
def test_an_unstated_setting_is_every_stated_one(scheme: str, person: dict[str, str], value: float) -> None:
    """The grade is told where all amounts of the table agree, and only there."""

    def told(**stated: list[str | None]) -> list[int | None]:
        rows = len(next(iter(stated.values())))
        return cbc.grade("hemoglobin", [value] * rows, "g/L", scheme=scheme, **person, **stated).grade.tolist()

    pairs = list(itertools.product(EVERY_ELEVATION, EVERY_SMOKING))
    for known, unknown in (
        (told(elevation=EVERY_ELEVATION), told(elevation=[None])),
        (told(cigarettes_per_day=EVERY_SMOKING), told(cigarettes_per_day=[None])),
        (
            told(elevation=[pair[0] for pair in pairs], cigarettes_per_day=[pair[1] for pair in pairs]),
            told(elevation=[None], cigarettes_per_day=[None]),
        ),
    ):
        assert unknown == ([known[0]] if len(set(known)) == 1 else [None])
