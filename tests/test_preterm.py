"""Gestation at birth: what it changes, what a set by gestation is used for, and that every door says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.intervals import Weeks
from effort import EXAMPLES, LONG

SET = "preterm_ochiai2016"
NEWBORN = {"age": "0 d", "sex": "F"}


def lines(record: dict[str, Any], **configuration: Any) -> tuple[str, str, str]:
    flags = cbc.screen(record, **configuration).flags()
    return tuple(str(flags[f"{line}_line"]) for line in ("red", "white", "platelet"))


def test_weeks_in_words() -> None:
    assert [Weeks(0, 28).text, Weeks(1, 28).text, Weeks(28, 32).text] == ["<28 wk", "1 to <28 wk", "28 to <32 wk"]


# The set: under 28 weeks neutrophils from 0.64, 28 to under 32 from 0.37, 32 to under 37 from 1.19; hemoglobin from
# 127 g/L and platelets from 114 at every gestation under 37 weeks; all of the first day.
@pytest.mark.parametrize(
    ("weeks", "neutrophils", "state"),
    [
        ("27 wk", "0.63", "low"), ("27 wk", "0.64", "not_low"), ("27+6", "0.63", "low"),
        ("28+0", "0.63", "not_low"), ("28 wk", "0.36", "low"), ("28 wk", "0.37", "not_low"), ("31+6", "0.37", "not_low"),
        ("32 wk", "1.18", "low"), ("32 wk", "1.19", "not_low"), ("36+6", "1.18", "low"),
        ("196 d", "0.37", "not_low"), ("195 d", "0.37", "low"),
    ],
)  # fmt: skip
def test_the_stated_weeks_choose_the_row(weeks: str, neutrophils: str, state: str) -> None:
    record = {**NEWBORN, "gestation_at_birth": weeks, "neutrophils": f"{neutrophils} 10^9/L"}
    assert lines(record, ranges=SET)[1] == state


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        ("<32 wk", ("low", "cannot_tell", "low")),  # two spans of weeks for neutrophils, one for the others
        ("26-29 wk", ("low", "cannot_tell", "low")),
        ("<37 wk", ("low", "cannot_tell", "low")),
        ("36-38 wk", ("cannot_tell", "cannot_tell", "cannot_tell")),  # at term, or not
        ("30", ("cannot_tell", "cannot_tell", "cannot_tell")),  # weeks or days: no unit is guessed
        ("pending", ("cannot_tell", "cannot_tell", "cannot_tell")),
        ("7 mo", ("cannot_tell", "cannot_tell", "cannot_tell")),
    ],
)
def test_weeks_that_leave_several_rows_give_no_answer(weeks: str, expected: tuple[str, str, str]) -> None:
    record = {
        **NEWBORN, "gestation_at_birth": weeks,
        "hemoglobin": "126 g/L", "neutrophils": "0.5 10^9/L", "platelets": "113 10^9/L",
    }  # fmt: skip
    assert lines(record, ranges=SET) == expected


@pytest.mark.parametrize("age", ["1 d", "3 d", "11 mo"])
def test_an_age_that_the_set_leaves_out_is_not_assessed(age: str) -> None:
    record = {"age": age, "sex": "F", "gestation_at_birth": "30 wk", "hemoglobin": "40 g/L"}
    result = cbc.screen(record, ranges=SET)
    assert result.flags()["red_line"] == "cannot_tell"
    assert ("hemoglobin", "RANGE_ABSENT") in result.reasons


@pytest.mark.parametrize("weeks", ["27 wk", "42 wk", "pending"])
def test_from_one_year_on_the_gestation_changes_nothing(weeks: str) -> None:
    record = {"age": "1 y", "sex": "F", "hemoglobin": "107 g/L", "platelets": "203 10^9/L"}
    with_weeks = {**record, "gestation_at_birth": weeks}
    for ranges in ("default", SET):
        assert lines(with_weeks, ranges=ranges) == lines(record, ranges=ranges) == lines(record)


# The default ---------------------------------------------------------------------------------


@pytest.mark.parametrize("weeks", ["36+6", "27 wk", "<32 wk", "36-38 wk", "30", "pending"])
def test_no_range_of_the_default_is_used_for_weeks_that_are_not_surely_at_term(weeks: str) -> None:
    record = {**NEWBORN, "gestation_at_birth": weeks, "hemoglobin": "90 g/L", "platelets": "20 10^9/L"}
    result = cbc.screen(record)
    assert lines(record) == ("cannot_tell", "cannot_tell", "cannot_tell")
    assert not any(analyte.ranges for analyte in result.analytes)
    assert any("a range that was sent with a result was." in note for note in result.notes)


def test_at_term_the_default_is_used_and_nothing_is_left_to_say() -> None:
    record = {**NEWBORN, "hemoglobin": "134 g/L", "platelets": "150 10^9/L"}
    at_term = cbc.screen({**record, "gestation_at_birth": "37 wk"})
    assert lines({**record, "gestation_at_birth": "37 wk"}) == lines(record)
    assert any("is not stated" in note for note in cbc.screen(record).notes if "preterm" in note)
    assert not any("preterm" in note for note in at_term.notes)


def test_a_range_that_came_with_the_result_is_used_whatever_the_weeks() -> None:
    hemoglobin = {"value": 126, "unit": "g/L", "range": [130, 200]}
    assert lines({**NEWBORN, "gestation_at_birth": "27 wk", "hemoglobin": hemoglobin})[0] == "low"


def test_weeks_and_finding_that_contradict_are_no_answer() -> None:
    record = {**NEWBORN, "hemoglobin": "90 g/L"}
    at_term_and_preterm = {**record, "gestation_at_birth": "40 wk", "context": {"born_preterm": "present"}}
    preterm_and_not = {**record, "gestation_at_birth": "27 wk", "context": {"born_preterm": "absent"}}
    for contradicted in (at_term_and_preterm, preterm_and_not):
        for ranges in ("default", SET):
            assert lines(contradicted, ranges=ranges)[0] == "cannot_tell"


# What is said --------------------------------------------------------------------------------


def test_without_stated_weeks_the_set_is_not_used_and_says_so() -> None:
    record = {**NEWBORN, "hemoglobin": "134 g/L"}
    result = cbc.screen(record, ranges=SET)
    assert lines(record, ranges=SET) == lines(record)
    unused = f"The set {SET} is used only where the gestation at birth is stated (gestation_at_birth, in weeks): it was not used."
    assert unused in result.notes
    assert unused not in cbc.screen({**record, "age": "54 y"}, ranges=SET).notes


def test_the_range_of_the_stated_weeks_is_shown() -> None:
    result = cbc.screen({**NEWBORN, "gestation_at_birth": "27+3", "neutrophils": "0.5 10^9/L"}, ranges=SET)
    (neutrophils,) = (found for found in result.analytes if found.analyte == "neutrophils")
    (used,) = neutrophils.ranges
    assert (used.set, used.lower, used.upper, used.confidence) == (SET, 0.64, 17.0, "low")
    assert (
        f"Born preterm: the ranges of {SET} for the stated gestation were used where it has one, and no other of a set."
        in (result.notes)
    )
    assert "not a diagnosis" in result.explain().lower()


def test_the_row_of_a_range_is_asked_for_with_the_weeks() -> None:
    with pytest.raises(cbc.RangeNotFound, match="by gestation at birth"):
        cbc.reference_range("neutrophils", "0 d", ranges=SET)
    assert cbc.reference_range("neutrophils", "54 y", "F", ranges=SET).set == "default_v1"


# Doors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ranges", ["default", SET])
def test_a_frame_gives_what_records_give(ranges: str) -> None:
    weeks = ["27 wk", "27+6", "28", "<32 wk", "36-38 wk", "37 wk", "", "pending", "224 d", ">36 wk", "41w2d"]
    ages, sexes = ["0 d", "2 d", "6 mo", "2 y", ""], ["F", "M", ""]
    rows = [
        {"age": age, "sex": sex, "gestation_at_birth": week, "born_preterm": finding,
         "hemoglobin": f"{hemoglobin} g/L", "neutrophils": "0.5 10^9/L", "platelets": "113 10^9/L"}
        for age in ages for sex in sexes for week in weeks for finding in ("present", "absent", "")
        for hemoglobin in (126, 180)
    ][:: 1 if EXAMPLES >= LONG else 3]  # fmt: skip
    screener = cbc.Screener(ranges=ranges)
    table = screener.screen_frame(pa.Table.from_pylist(rows), detail=True, accept_units=("neutrophils",))
    used: set[str] = set()
    for row, flags in zip(rows, table.to_pylist(), strict=True):
        finding = {"context": {"born_preterm": row["born_preterm"]}} if row["born_preterm"] else {}
        record = {name: value for name, value in row.items() if value and name != "born_preterm"} | finding
        result = screener.screen(record)
        assert {name: flags[name] for name in result.flags()} == result.flags()
        sets = {own.set for analyte in result.analytes if analyte.analyte == "platelets" for own in analyte.ranges}
        used.add(flags["platelets_range_set"] or "")
        if flags["platelets_range_set"]:
            assert sets == {flags["platelets_range_set"]}
    assert used == ({"", "default_v1"} if ranges == "default" else {"", "default_v1", SET})


def test_a_column_of_weeks_is_found_by_its_name_and_another_gestation_is_not() -> None:
    counts = {"age": ["0 d"], "sex": ["F"], "HGB (g/dL)": [9.0]}
    named = pd.DataFrame({**counts, "Gestational age at birth (weeks)": [28]})
    assert list(cbc.screen_frame(named)["red_line"]) == ["cannot_tell"]
    # Of a mother, or of whoever: the weeks of a pregnancy are not those of this person's birth.
    other = pd.DataFrame({**counts, "Gestational age (weeks)": [28]})
    assert list(cbc.screen_frame(other)["red_line"]) == ["low"]


def test_weeks_alone_are_no_result() -> None:
    assert ("record", "NO_RESULT") in cbc.screen({**NEWBORN, "gestation_at_birth": "28 wk"}).reasons


# Sets of one's own ---------------------------------------------------------------------------

HEADER = (
    "set,analyte,sex,pregnancy,age_low,age_low_unit,age_high,age_high_unit,lower,upper,unit,lower_ci90_low,lower_ci90_high,"
    "upper_ci90_low,upper_ci90_high,percentile_basis,n,population,analyzer,source,locator,verification,confidence,derivation,"
    "notes,gestation_low,gestation_high\n"
)


def row(low: str, high: str, limit: int) -> str:
    return f"ours,platelets,any,none,0,d,28,d,{limit},400,10^9/L,,,,,2.5-97.5,,infants,,own_laboratory,,C,,,,{low},{high}\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "ours.csv"


def test_a_set_of_ones_own_by_weeks(own: Path) -> None:
    own.write_text(HEADER + row("", "32", 90) + row("32", "37", 120), encoding="utf-8")
    assert CliRunner().invoke(main, ["ranges", "check", str(own)]).exit_code == 0
    record = {"age": "5 d", "sex": "F", "platelets": "100 10^9/L"}
    found = {
        weeks: lines({**record, "gestation_at_birth": f"{weeks} wk"}, ranges=str(own))[2] for weeks in (31, 32, 37)
    }
    assert found == {31: "not_low", 32: "low", 37: "low"}  # at term the default has 144


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            row("", "32", 90) + row("31", "37", 120),
            "ours.csv:3: gestation_low: platelets: shares weeks with another row",
        ),
        (row("", "", 90), "more than gestation_low; only gestation_low may be empty"),
        (row("32", "32", 90), "ours.csv:2: gestation_high: must be weeks, more than gestation_low"),
    ],
)
def test_faults_of_weeks_are_told(own: Path, rows: str, told: str) -> None:
    own.write_text(HEADER + rows, encoding="utf-8")
    done = CliRunner().invoke(main, ["ranges", "check", str(own)])
    assert done.exit_code != 0
    assert told in done.output


# The other sets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "analyte", "sex", "lower", "upper", "verification"),
    [
        ("japan_jccls2022", "hemoglobin", "M", 137, 168, "C"),
        ("japan_jccls2022", "platelets", "F", 158, 348, "C"),
        ("uk_biobank_t6", "neutrophils", "F", 1.47, 7.06, "B"),
        ("uk_durham_darlington", "lymphocytes", "M", 1.5, 4.5, "B"),
        ("uk_wakeman2007", "wbc", "M", 3.6, 9.2, "C"),
        ("uk_oseibimpong2011", "platelets", "F", 120, 410, "B"),
        ("brazil_pns2019", "wbc", "F", 2.883, 9.969, "B"),
    ],
)
def test_a_set_that_a_user_chooses(
    name: str, analyte: str, sex: str, lower: float, upper: float, verification: str
) -> None:
    found = cbc.reference_range(analyte, "40 y", sex, ranges=name)
    assert (found.set, found.lower, found.upper, found.verification) == (name, lower, upper, verification)


def test_a_row_whose_unit_is_misprinted_is_not_shipped() -> None:
    rows = load_knowledge().interval_sets["uk_oseibimpong2011"].rows
    assert "mchc" not in {own.analyte for own in rows}
    assert cbc.reference_range("mchc", "40 y", "F", ranges="uk_oseibimpong2011").set == "default_v1"


def test_the_commands_show_the_sets() -> None:
    listed = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["ranges", "list"]).output
    for name in (SET, "japan_jccls2022", "brazil_pns2019", "uk_wakeman2007"):
        assert name in listed
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["ranges", "show", "wbc", "--ranges", SET]).output
    assert "28 to" in shown
