"""Elevation, smoking and birth before term: both doors agree, and three laws hold.

A record says its setting in fields and findings, a frame in columns.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from functools import cache
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from strategies import answers

ROWS = 400
ELEVATIONS = (
    *("0", "0.5", "1", "499", "499.9", "500", "999", "999.9", "1000", "1500", "1999", "2600", "3000", "3500", "4200"),
    *("4999", "4999.9", "5000", "5001", "8000", "<500", "<=500", "<1000", ">2500", ">= 5000", "high", "-5", "?", "", None),
)  # fmt: skip
CIGARETTES = (
    "0",
    "0.5",
    "1",
    "9",
    "9.9",
    "10",
    "19.9",
    "20",
    "40",
    "<10",
    "<=10",
    ">0",
    ">= 20",
    "many",
    "-1",
    "",
    None,
)
PRESENCES = ("present", "absent", "unknown", None)
HEMOGLOBINS = (
    "7",
    "79.9",
    "80",
    "97.9",
    "104.9",
    "109.9",
    "119.9",
    "120",
    "125.9",
    "126",
    "137.9",
    "138",
    "143.9",
    "144",
)
AGES = ("0 d", "5 mo", "11 mo", "12 mo", "23 mo", "4 y", "13 y", "40 y", "70 y", "", "> 89 y")
SETTING_COLUMNS = ("elevation (m)", "cigarettes_per_day", "smoker")
CONFIGURATIONS = [
    ("reference", "clinical", ()),
    ("reference", "clinical", ("elevation", "smoking")),
    ("clinical", "clinical", ("elevation",)),
    ("clinical", "who_2011", ("elevation", "smoking")),
    ("clinical", "ctcae_v5", ("smoking",)),
    ("mds", "who_2024", ("elevation", "smoking")),
]  # fmt: skip


@cache
def screener(definition: str, grading: str, adjust: tuple[str, ...]) -> cbc.Screener:
    return cbc.Screener(definition=definition, grading=grading, adjust_hemoglobin=adjust)


def setting_rows(seed: int, count: int) -> list[dict[str, str | None]]:
    pick = random.Random(seed)
    return [
        {
            "age": pick.choice(AGES),
            "sex": pick.choice(("F", "M", "F", "M", None)),
            "pregnancy": pick.choice((None, None, None, "T2", "unknown")),
            "hemoglobin": f"{pick.choice(HEMOGLOBINS)} g/L",
            "wbc": pick.choice(("2 10^9/L", "6 10^9/L", None)),
            "neutrophils": pick.choice(("0.4 10^9/L", "4 10^9/L", "<1 10^9/L", None)),
            "platelets": pick.choice(("9 10^9/L", "250 10^9/L", "CLUMPED", None)),
            "elevation (m)": pick.choice(ELEVATIONS),
            "cigarettes_per_day": pick.choice(CIGARETTES),
            "smoker": pick.choice(PRESENCES),
            "born_preterm": pick.choice(PRESENCES),
        }
        for _ in range(count)
    ]


def record_of(row: dict[str, str | None]) -> dict[str, Any]:
    """Write a row as the record it stands for; the header states the unit of the elevation."""
    record: dict[str, Any] = {name: row[name] for name in ("age", "sex", "pregnancy")}
    for name in ("hemoglobin", "wbc", "neutrophils", "platelets", "cigarettes_per_day"):
        if row[name] is not None:
            record[name] = row[name]
    if row["elevation (m)"] is not None:
        record["elevation"] = {"value": row["elevation (m)"], "unit": "m"}
    record["context"] = {name: row[name] for name in ("smoker", "born_preterm") if row[name] is not None}
    return record


def columns_of(rows: Sequence[dict[str, str | None]], *, without: Sequence[str] = ()) -> dict[str, list[str | None]]:
    return {name: [row[name] for row in rows] for name in rows[0] if name not in without}


@pytest.mark.parametrize(("definition", "grading", "adjust"), CONFIGURATIONS)
def test_settings_through_both_doors(definition: str, grading: str, adjust: tuple[str, ...]) -> None:
    chosen, rows = screener(definition, grading, adjust), setting_rows(20_261_123, ROWS)
    alone = [chosen.screen(record_of(row), compact=True).flags() for row in rows]
    for frame in (pa.table(columns_of(rows)), pd.DataFrame(columns_of(rows)), pl.DataFrame(columns_of(rows))):
        assert answers(chosen.screen_frame(frame)) == alone


def test_the_rows_reach_each_kind_of_answer() -> None:
    """Without this, all rows might be alike and the doors agree about nothing."""
    rows = setting_rows(20_261_123, ROWS)
    found = answers(screener("clinical", "clinical", ("elevation",)).screen_frame(pa.table(columns_of(rows))))
    assert {row["red_line"] for row in found} == {"low", "not_low", "cannot_tell"}
    assert {row["hemoglobin_grade"] for row in found} == {None, 0, 1, 2, 3}
    assert any(row["red_line"] != row["red_line_unadjusted"] for row in found)
    assert any(row["hemoglobin_state"] == "not_assessed" for row in found)
    reasons = ";".join(row["reasons"] for row in found)
    for reason in ("elevation:CENSORED_LOW", "elevation:TEXT_RESULT", "elevation:NUMBER_NEGATIVE"):
        assert reason in reasons
    assert "cigarettes_per_day" not in reasons


@pytest.mark.parametrize(("definition", "grading"), [("reference", "clinical"), ("clinical", "who_2011")])
def test_a_setting_nobody_asked_for_changes_nothing(definition: str, grading: str) -> None:
    rows = setting_rows(7, ROWS)
    chosen = screener(definition, grading, ())
    stated = answers(chosen.screen_frame(pa.table(columns_of(rows))))
    assert stated == answers(chosen.screen_frame(pa.table(columns_of(rows, without=SETTING_COLUMNS))))
    assert not any("elevation" in row["reasons"] or "cigarettes" in row["reasons"] for row in stated)
    assert not any("unadjusted" in name for name in stated[0])


def test_numbers_and_texts_in_setting_columns_are_the_same() -> None:
    """A column of numbers takes the arithmetic on arrays, a column of texts the reader of texts."""
    elevations = [0.0, 499.9, 500.0, 999.9, 1000.0, 2600.0, 4999.9, 5000.0, float("nan")]
    cigarettes = [0.0, 1.0, 9.0, 10.0, 19.0, 20.0, 40.0, float("nan"), 0.0]
    people = {"age": ["40 y"] * 9, "sex": ["F"] * 9, "hemoglobin": ["126 g/L"] * 9}
    chosen = screener("clinical", "clinical", ("elevation", "smoking"))
    numbers = pd.DataFrame({**people, "elevation (m)": elevations, "cigarettes_per_day": cigarettes})
    texts = {name: [None if n != n else repr(n) for n in numbers[name]] for name in SETTING_COLUMNS[:2]}
    assert answers(chosen.screen_frame(numbers)) == answers(chosen.screen_frame(pd.DataFrame({**people, **texts})))
    # 126; 126 - 3; 126 - 4 - 3; 126 - 4 - 5; 126 - 8 - 5; 126 - 18 - 6; 126 - 33 - 6; the rest is not told.
    grades = [0, 0, 1, 1, 1, 2, 2, None, None]
    assert [row["hemoglobin_grade"] for row in answers(chosen.screen_frame(numbers))] == grades


@pytest.mark.parametrize(
    ("header", "value", "line"),
    [
        ("elevation (m)", "2500", "low"), ("elevation (ft)", "8203", "low"), ("elevation (ft)", "8202", "not_low"),
        ("Altitude (m)", "2500", "low"), ("elevation", "2500 m", "low"), ("elevation", "2500", "cannot_tell"),
    ],
)  # fmt: skip
def test_the_header_states_the_unit_of_an_elevation(header: str, value: str, line: str) -> None:
    """135 less 18 is low for a woman, 135 less 14 is not."""
    frame = pd.DataFrame([{"age": "40 y", "sex": "F", "hemoglobin": "135 g/L", header: value}])
    assert answers(screener("clinical", "clinical", ("elevation",)).screen_frame(frame))[0]["red_line"] == line


# Laws ------------------------------------------------------------------------------------

SEVERER = {"not_low": 0, "cannot_tell": None, "low": 1}
PEOPLE = st.sampled_from(
    [
        {"age": "40 y", "sex": "F"},
        {"age": "40 y", "sex": "M"},
        {"age": "40 y"},
        {"age": "8 mo", "sex": "F"},
        {"age": "120 d", "sex": "M"},
        {"age": "30 y", "sex": "F", "pregnancy": "T2"},
    ]
)
NUMBERS = st.integers(200, 2400).map(lambda tenths: {"hemoglobin": f"{tenths / 10} g/L"})
COUNTS = {"neutrophils": "4 10^9/L", "platelets": "250 10^9/L"}
DEFINITIONS = st.sampled_from([("clinical", "clinical"), ("clinical", "who_2011"), ("reference", "who_2024")])
STATED = st.fixed_dictionaries(
    {
        "elevation": st.sampled_from(["0 m", "250 m", "750 m", "2600 m", "4999 m", "5000 m", "<1000 m", ">2500 m", ""]),
        "cigarettes_per_day": st.sampled_from(["0", "5", "15", "30", "<10", ""]),
    }
)


@given(DEFINITIONS, PEOPLE, NUMBERS, STATED)
def test_an_adjustment_makes_nothing_milder(
    names: tuple[str, str], person: dict[str, str], value: dict[str, str], stated: dict[str, str]
) -> None:
    record = {**person, **value, **COUNTS, **stated}
    plain = screener(*names, ()).screen(record, compact=True).flags()
    found = screener(*names, ("elevation", "smoking")).screen(record, compact=True).flags()
    assert found["hemoglobin_grade_unadjusted"] == plain["hemoglobin_grade"]
    if None not in (found["hemoglobin_grade"], plain["hemoglobin_grade"]):
        assert found["hemoglobin_grade"] >= plain["hemoglobin_grade"]
    if None not in (SEVERER[found["red_line"]], SEVERER[plain["red_line"]]):
        assert SEVERER[found["red_line"]] >= SEVERER[plain["red_line"]]
    if plain["red_line"] == "low":
        assert found["red_line"] == "low"
    ranges = [name for name in plain if name.endswith("_state")]
    assert [found[name] for name in ranges] == [plain[name] for name in ranges]


@given(DEFINITIONS, PEOPLE, NUMBERS, st.sampled_from([{"cigarettes_per_day": "0"}, {"context": {"smoker": "absent"}}]))
def test_the_sea_and_no_cigarettes_change_nothing(
    names: tuple[str, str], person: dict[str, str], value: dict[str, str], smoking: dict[str, Any]
) -> None:
    record = {**person, **value, **COUNTS}
    plain = screener(*names, ()).screen({**record, **smoking}, compact=True).flags()
    found = screener(*names, ("elevation", "smoking")).screen({**record, "elevation": "0 m", **smoking}).flags()
    assert {name: found[name] for name in plain} == plain
    assert found["hemoglobin_grade_unadjusted"] == plain["hemoglobin_grade"]


EVERY_ELEVATION = [f"{meters} m" for meters in (0, 250, *range(750, 5000, 500), 5500)]
EVERY_SMOKING = ["0", "5", "15", "30"]


def told(found: Sequence[dict[str, Any]], column: str, unknown: object) -> object:
    """Return the answer that all rows share, or the word for what cannot be told."""
    words = {row[column] for row in found}
    return words.pop() if len(words) == 1 else unknown


@given(DEFINITIONS, PEOPLE, NUMBERS)
def test_an_unstated_setting_is_every_stated_one(
    names: tuple[str, str], person: dict[str, str], value: dict[str, str]
) -> None:
    """The line and the grade are told where every step of both tables agrees, and only there."""
    record = {**person, **value, **COUNTS}
    chosen = screener(*names, ("elevation", "smoking"))
    pairs = list(itertools.product(EVERY_ELEVATION, EVERY_SMOKING))
    rows = [{**record, "elevation": meters, "cigarettes_per_day": count} for meters, count in pairs]
    each = answers(chosen.screen_frame(pa.Table.from_pylist(rows)))
    some = [row for row, pair in zip(each, pairs, strict=True) if pair[0] == "750 m"]
    for stated, given_rows in (({}, each), ({"elevation": "750 m"}, some)):
        found = chosen.screen({**record, **stated}, compact=True).flags()
        assert found["red_line"] == told(given_rows, "red_line", "cannot_tell")
        assert found["hemoglobin_grade"] == told(given_rows, "hemoglobin_grade", None)
        assert found["lines_low_min"] == min(row["lines_low_min"] for row in given_rows)
        assert found["lines_low_max"] == max(row["lines_low_max"] for row in given_rows)


# Notes -----------------------------------------------------------------------------------

INFANT = {"sex": "F", "hemoglobin": "100 g/L", **COUNTS}
NOT_STATED = "Whether the infant was born preterm is not stated: the ranges are of infants born at term."
PRETERM = (
    "Born preterm: the ranges are of infants born at term and were not used; a range that was sent with a result was. "
    "A set by gestation at birth can be chosen where the weeks are stated (docs/sets.md)."
)


@pytest.mark.parametrize(
    ("age", "stated", "note"),
    [
        ("0 d", "present", PRETERM), ("11 mo", "present", PRETERM), ("12 mo", "present", None),
        ("0 d", "unknown", NOT_STATED), ("11 mo", "unknown", NOT_STATED), ("12 mo", "unknown", None),
        ("0 d", None, NOT_STATED), ("11 mo", None, NOT_STATED), ("12 mo", None, None), ("40 y", None, None),
        ("0 d", "absent", None), ("11 mo", "absent", None), ("12 mo", "absent", None),
    ],
)  # fmt: skip
def test_the_notes_say_what_was_made_of_prematurity(age: str, stated: str | None, note: str | None) -> None:
    context = {} if stated is None else {"born_preterm": stated}
    result = cbc.screen({**INFANT, "age": age, "context": context})
    assert [n for n in result.notes if n in (PRETERM, NOT_STATED)] == ([] if note is None else [note])
    assert all(bool(analyte.ranges) == (note != PRETERM) for analyte in result.analytes)


def test_a_result_shows_the_adjusted_interval_and_both_answers() -> None:
    chosen = screener("clinical", "clinical", ("elevation", "smoking"))
    woman = {"age": "40 y", "sex": "F", "hemoglobin": "144 g/L", **COUNTS}
    for stated, interval, state, grade in (
        ({"elevation": "2600 m", "cigarettes_per_day": "20"}, (120.0, 120.0), "not_low", 0),
        ({"elevation": "3000 m", "cigarettes_per_day": "20"}, (117.0, 117.0), "low", 1),
        ({"elevation": "2600 m"}, (120.0, 126.0), "not_low", 0),
        ({"cigarettes_per_day": "20"}, (None, 138.0), "cannot_tell", None),
        ({"elevation": "5000 m", "cigarettes_per_day": "0"}, (None, 111.0), "low", None),
    ):
        red = chosen.screen({**woman, **stated}).lines[0]
        assert (red.adjusted, red.state, red.grade) == (interval, state, grade), stated
        assert (red.state_unadjusted, red.grade_unadjusted) == ("not_low", 0)
    plain = screener("clinical", "clinical", ()).screen(woman).lines[0]
    assert (plain.adjusted, plain.state_unadjusted, plain.grade_unadjusted) == (None, None, None)


@pytest.mark.parametrize(
    ("definition", "grading"), [("reference", "ctcae_v5"), ("mds", "daids_v2_1"), ("strict", "ctcae_v6")]
)
def test_an_adjustment_of_no_effect_is_refused_at_once(definition: str, grading: str) -> None:
    with pytest.raises(cbc.UsageError, match=r"^adjust_hemoglobin: .*who_2011, who_2024$"):
        cbc.Screener(definition=definition, grading=grading, adjust_hemoglobin=("elevation",))


@pytest.mark.parametrize("given_words", [("altitude",), ("elevation", "smoker"), "altitude", ("",)])
def test_an_adjustment_that_does_not_exist_is_refused(given_words: Any) -> None:
    with pytest.raises(cbc.UsageError, match=r"^adjust_hemoglobin must be some of elevation, smoking$"):
        cbc.Screener(adjust_hemoglobin=given_words)


def test_the_order_of_the_adjustments_is_of_no_account() -> None:
    one = cbc.Screener(adjust_hemoglobin=("elevation", "smoking"))
    assert cbc.Screener(adjust_hemoglobin=("smoking", "elevation")) == one
    assert one.screen({"hemoglobin": "120 g/L"}).versions.adjust_hemoglobin == ("elevation", "smoking")
