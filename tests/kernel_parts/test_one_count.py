"""What one count comes to: lines, grades, the urgency, what is told beside them, and the checklist."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.facts import FactBuilder
from cbc_screen.kernel.program import Builder
from cbc_screen.kernel.scalar import compile_scalar
from cbc_screen.kernel_inputs import Person
from cbc_screen.vocabulary import CheckGroup, LineState, Pregnancy, Severity, Sex, Urgency, WhiteBasis
from kernel_parts.counts import WOMAN, given_exactly, kernel_of, screened

NORMAL = {"hemoglobin": 130.0, "neutrophils": 4.0, "platelets": 250.0}
CANNOT_TELL = -1  # in place of a grade


def urgency(numbers: dict[str, float | tuple[float, float]]) -> Urgency:
    return tuple(Urgency)[screened(numbers).codes["urgency"]]


# Lines and grades --------------------------------------------------------------------------------


def test_a_line_of_which_nothing_was_sent_has_no_grade() -> None:
    codes = screened({"hemoglobin": 130.0}).codes
    assert [codes[f"grade.{line}"] for line in ("red", "white", "platelet")] == [0, CANNOT_TELL, CANNOT_TELL]


def test_many_other_white_cells_leave_few_neutrophils() -> None:
    """Of 5 white cells 4.5 are lymphocytes: at most 0.5 are left, and a fiftieth of 5 that a sum may be off."""
    one = screened({"wbc": 5.0, "lymphocytes": 4.5})
    assert tuple(LineState)[one.codes["line.white"]] is LineState.LOW
    assert tuple(WhiteBasis)[one.codes["white_basis"]] is WhiteBasis.WBC_LESS_OTHERS
    assert one.values["neutrophils_room"] == 0.6


def test_more_neutrophils_than_white_cells_contradict_them() -> None:
    one = screened({"wbc": 3.0, "neutrophils": 6.0})
    assert one.codes["neutrophils.contradicted"] == 1
    assert tuple(LineState)[one.codes["line.white"]] is LineState.CANNOT_TELL
    assert screened({"wbc": 8.0, "neutrophils": 6.0}).codes["neutrophils.contradicted"] == 0


def test_the_grade_of_white_cells_is_a_grade_and_not_its_severity() -> None:
    """A made-up table in which every grade is severe: white cells of the second grade, no neutrophils sent."""
    rules = kernel_of(Configuration(grading="ctcae_v5")).rules
    severe = {
        analyte: tuple(replace(row, severity=Severity.SEVERE) for row in rows)
        for analyte, rows in rules.scheme.tables.items()
    }
    rules = replace(rules, scheme=replace(rules.scheme, tables=severe), limit_columns=LIMITS_OF_GRADES)
    b = Builder()
    facts = FactBuilder(b, rules, given_exactly("wbc")).build()
    grade, severity = facts.codes("grade.white"), facts.codes("severity.white")
    names = {"grade": grade[0], "severity": severity[0]}
    call, outputs = compile_scalar(b.program(names), {})
    assert dict(zip(outputs, call({"wbc.low": 25.0, "wbc.high": 25.0}, ()), strict=True)) == {"grade": 2, "severity": 3}


LIMITS_OF_GRADES: dict[str, float | None] = {
    **{f"grade:ctcae_v5:wbc:{grade}": bound for grade, bound in ((1, 40.0), (2, 30.0), (3, 20.0), (4, 10.0))},
    **{f"grade:ctcae_v5:neutrophils:{grade}": bound for grade, bound in ((1, 4.0), (2, 3.0), (3, 2.0), (4, 1.0))},
    "lower:wbc": 40.0,
    "lower:neutrophils": 4.0,
}


# Ranges ------------------------------------------------------------------------------------------


def test_a_range_that_came_with_a_result_is_refused_where_it_is_far_from_ours_however_small_that_is() -> None:
    """Our limits of hematocrit are fractions of 1; an upper limit of 4.5 is ten times ours."""
    far = screened({"hematocrit": 0.40}, limits={"hematocrit.reported_lower": nan, "hematocrit.reported_upper": 4.5})
    near = screened({"hematocrit": 0.40}, limits={"hematocrit.reported_lower": nan, "hematocrit.reported_upper": 0.45})
    assert (far.codes["hematocrit.range_insane"], far.limits[0]["hematocrit.by_report"]) == (1, 0)
    assert (near.codes["hematocrit.range_insane"], near.limits[0]["hematocrit.by_report"]) == (0, 1)


def test_limits_are_those_of_the_set_where_none_came_with_a_result() -> None:
    limits = screened(NORMAL).limits[0]
    assert {limits[f"{analyte}.by_report"] for analyte in ("hemoglobin", "neutrophils", "platelets", "mcv")} == {False}


def test_a_zero_that_may_be_a_little_more_is_a_number_rounded() -> None:
    codes = screened({**NORMAL, "basophils": (0.0, 0.04)}).codes
    assert codes["basophils.rounded"] == 1
    assert screened({**NORMAL, "basophils": (0.0, 0.0)}).codes["basophils.rounded"] == 0
    assert screened({**NORMAL, "basophils": (0.0, 0.05)}).codes["basophils.rounded"] == 0


def test_hemoglobin_far_above_its_range_asks_for_a_film() -> None:
    """More than 20 g/L above 153, the upper limit of a woman of 40."""
    assert screened({"hemoglobin": 173.0}).codes["trigger.islh_hemoglobin"] == 0
    assert screened({"hemoglobin": 174.0}).codes["trigger.islh_hemoglobin"] == 1
    assert screened({"hemoglobin": 100.0}).codes["trigger.islh_hemoglobin"] == 0


# Persons of several keys ----------------------------------------------------------------------------


def test_an_age_that_leaves_a_line_unknown_is_told_and_one_that_is_known_is_not() -> None:
    no_age = screened({"hemoglobin": 118.0}, Person(None, Sex.FEMALE, Pregnancy.NONE)).codes
    assert (no_age["person.several"], no_age["person.several_stages"]) == (1, 0)
    no_sex = screened({"hemoglobin": 125.0}, Person(WOMAN.age, Sex.UNKNOWN, Pregnancy.NONE)).codes
    assert (no_sex["person.several"], no_sex["person.several_stages"]) == (0, 1)
    known = screened({"hemoglobin": 118.0}).codes
    assert (known["person.several"], known["person.several_stages"]) == (0, 0)


# Urgency -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("analyte", "number", "expected"),
    [
        ("wbc", (0.0, inf), Urgency.CANNOT_TELL),  # it may be above the limit for a telephone call
        ("blasts_percent", (0.0, 5.0), Urgency.CANNOT_TELL),  # any blasts are reported at once
        ("basophils", (0.0, 1.0), Urgency.NONE),  # it may ask for a film, which has no urgency
        ("blasts_percent", 0.0, Urgency.NONE),
    ],
)
def test_a_result_that_may_be_urgent_is_never_none(
    analyte: str, number: float | tuple[float, float], expected: Urgency
) -> None:
    assert urgency({**NORMAL, analyte: number}) is expected


# The checklist ----------------------------------------------------------------------------------------


def test_without_limits_for_the_age_only_a_count_for_immediate_review_has_a_checklist() -> None:
    """The limits of `mds` begin at 18 years; platelets of 99 ask for a film, those of 15 for a call."""
    boy = {"age": "16 y", "sex": "M", "hemoglobin": "135 g/L", "wbc": "6.8 10^9/L", "neutrophils": "4 10^9/L"}
    screener = cbc.Screener(definition="mds")
    assert screener.screen({**boy, "platelets": "99 10^9/L"}).checklist == ()
    assert screener.screen({**boy, "platelets": "99 10^9/L"}).urgency == "cannot_tell"
    listed = screener.screen({**boy, "platelets": "15 10^9/L"}).checklist
    assert "acute_leukemia" in {entry.id for entry in listed}


def test_acute_leukemia_stays_before_the_fold_until_another_diagnosis_is_decided() -> None:
    man = {"age": "70 y", "sex": "M", "wbc": "5.6 10^9/L", "neutrophils": "3.1 10^9/L"}
    two_lines_low = {**man, "hemoglobin": "103 g/L", "platelets": "139 10^9/L"}
    promyelocytes = {**two_lines_low, "context": {"promyelocytes_on_film": "present"}}
    groups = {entry.id: entry.group for entry in cbc.screen(two_lines_low).checklist}
    assert (groups["acute_leukemia"], groups["apl"]) == (CheckGroup.NOT_TO_MISS, CheckGroup.UNLIKELY)
    groups = {entry.id: entry.group for entry in cbc.screen(promyelocytes).checklist}
    assert (groups["acute_leukemia"], groups["apl"]) == (CheckGroup.ALSO_POSSIBLE, CheckGroup.FITS)


def test_a_line_that_only_may_be_low_is_enough_for_what_must_not_be_missed() -> None:
    """Platelets of 60 are not low by `aplastic`, and hemoglobin was not sent: with anemia it may be HELLP."""
    row = {"age": "30 y", "sex": "F", "WBC (10^9/L)": 6.0, "NEUT (10^9/L)": 4.0, "PLT (10^9/L)": 60.0}
    answer = cbc.Screener(definition="aplastic").screen_frame(pd.DataFrame([row])).iloc[0]
    assert (answer["lines_low_min"], answer["lines_low_max"], answer["urgency"]) == (0, 1, "none")
    assert answer["checklist"] == "hellp"


# Published sets -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def comparing() -> cbc.Screener:
    return cbc.Screener(published_sets=True)


def sets_of(screener: cbc.Screener, line: str, **record: str) -> dict[str, str]:
    """Return what each published set says of a line."""
    (found,) = [own for own in screener.screen(record).published_sets if own.line == line]
    return {
        name: answer for answer in ("low", "not_low", "cannot_tell", "not_covered") for name in getattr(found, answer)
    }


def test_a_set_with_a_lower_limit_alone_covers_a_line(comparing: cbc.Screener) -> None:
    """neo_wiedmeier_plt has 123.1 as the lower limit of platelets below 90 days, and no upper one."""
    newborn = {"age": "5 d", "sex": "F"}
    assert sets_of(comparing, "platelet", **newborn, platelets="123 10^9/L")["neo_wiedmeier_plt"] == "low"
    assert sets_of(comparing, "platelet", **newborn, platelets="124 10^9/L")["neo_wiedmeier_plt"] == "not_low"


@pytest.mark.parametrize(
    ("weeks", "neutrophils", "expected"),
    [
        ("27", "0.63", "low"), ("27", "0.65", "not_low"),  # below 28 weeks: 0.64
        ("28", "0.36", "low"), ("28", "0.38", "not_low"),  # 28 to 31 weeks: 0.37
        ("32", "1.18", "low"), ("36", "1.20", "not_low"),  # 32 to 36 weeks: 1.19
        ("38", "0.2", "not_covered"),
    ],
)  # fmt: skip
def test_a_set_by_gestation_is_held_against_the_stated_weeks(
    comparing: cbc.Screener, weeks: str, neutrophils: str, expected: str
) -> None:
    newborn = {"age": "0 d", "sex": "F", "gestation_at_birth": f"{weeks} wk"}
    found = sets_of(comparing, "white", **newborn, neutrophils=f"{neutrophils} 10^9/L")
    assert found["preterm_ochiai2016"] == expected
