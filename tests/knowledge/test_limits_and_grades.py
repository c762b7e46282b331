"""Ages, ranges, grades, definitions and what guidelines subtract: small tables as the loaders read or refuse them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_tables import analytes, table

from cbc_screen.errors import KnowledgeError, SeveralFaults
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.adjustments import COLUMNS, Adjustment, AdjustmentStep, load_adjustment
from cbc_screen.knowledge.definitions import Cutoff, Definition, load_definitions
from cbc_screen.knowledge.edges import AgeEdge, read_age
from cbc_screen.knowledge.grading import COLUMNS as GRADE_COLUMNS
from cbc_screen.knowledge.grading import Scheme, load_grade_table, load_schemes
from cbc_screen.knowledge.intervals import load_own_set
from cbc_screen.knowledge.strict import Row
from cbc_screen.vocabulary import Verification


def ages(low: str, low_unit: str, high: str, high_unit: str) -> Row:
    return Row("rows.csv", 2, {"age_low": low, "age_low_unit": low_unit, "age_high": high, "age_high_unit": high_unit})


def test_thirty_days_are_less_than_a_month() -> None:
    assert read_age(ages("30", "d", "1", "mo")) == (AgeEdge("d", 30), AgeEdge("mo", 1), "30 d to under 1 mo")


@pytest.mark.parametrize(
    "row",
    [
        ages("31", "d", "1", "mo"),  # a month is 30.4375 days
        ages("12", "mo", "1", "y"),
        ages("5", "d", "5", "d"),
        ages("6", "d", "5", "d"),
    ],
)
def test_an_age_that_ends_where_it_begins_or_before_is_refused(row: Row) -> None:
    with pytest.raises(KnowledgeError, match="age_high: must be more than age_low"):
        read_age(row)


def own_set(lower: str, upper: str) -> str:
    return f"analyte,sex,age_low,age_high,lower,upper,unit\nhemoglobin,any,18 y,,{lower},{upper},g/L\n"


def test_a_range_needs_a_lower_limit_under_its_upper_one() -> None:
    [row] = load_own_set(own_set("1", "2"), "own.csv", analytes(), ["own_laboratory"])
    assert (row.lower, row.upper) == (1.0, 2.0)
    for upper in ("1", "0.5"):
        with pytest.raises(SeveralFaults, match="lower: must be 0 or more and less than upper"):
            load_own_set(own_set("1", upper), "own.csv", analytes(), ["own_laboratory"])


# Adjustments ------------------------------------------------------------------------------


def adjustments(*elevation: str) -> str:
    rows = ["made_up,smoker,,,,7,g/L,own,verified,", "made_up,non_smoker,,,,0,g/L,own,verified,"]
    elevated = [f"made_up,elevation,{step},g/L,own,project," for step in elevation]
    return "\n".join([",".join(COLUMNS), *elevated, *rows]) + "\n"


def made_up_adjustment() -> Adjustment:
    return load_adjustment(adjustments("0,,m,5"), "adjustments/made_up.csv", ["own"], ["made_up"])


def test_one_step_for_every_elevation_is_enough() -> None:
    assert made_up_adjustment() == Adjustment(
        table="made_up",
        elevation=(AdjustmentStep(0.0, 5.0, Verification.PROJECT),),
        cigarettes=(),
        smoker=AdjustmentStep(0.0, 7.0, Verification.VERIFIED),
        non_smoker=AdjustmentStep(0.0, 0.0, Verification.VERIFIED),
        source="own",
    )


@pytest.mark.parametrize("steps", [["0,,m,"], ["0,,m,-5"], ["0,9,m,-5", "9,,m,5"]])
def test_the_first_step_subtracts_a_number_that_is_not_negative(steps: list[str]) -> None:
    with pytest.raises(KnowledgeError, match=r"made_up\.csv:2: subtract: must be a number, 0 or more"):
        load_adjustment(adjustments(*steps), "adjustments/made_up.csv", ["own"], ["made_up"])


def test_a_scheme_whose_hemoglobin_has_one_grade_has_its_adjustment() -> None:
    cells = {
        **dict.fromkeys(GRADE_COLUMNS, ""),
        "scheme": "made_up",
        "analyte": "hemoglobin",
        "sex": "any",
        "pregnancy": "any",
        "age_low": "0",
        "age_low_unit": "d",
        "grade": "1",
        "label": "low",
        "severity": "mild",
        "upper": "9",
        "unit": "g/L",
        "source": "own",
        "verification": "project",
    }
    text = f"{','.join(GRADE_COLUMNS)}\n{','.join(cells.values())}\n"
    rows = load_grade_table(text, "grading/made_up.csv", analytes(), ["own"])
    assert len(rows["hemoglobin"]) == 1
    schemes = {"of_one": Scheme("of_one", "1", "Made up", rows), "of_none": Scheme("of_none", "1", "Made up", {})}
    found = made_up_adjustment()
    knowledge = replace(load_knowledge(), schemes=schemes, adjustments={"made_up": found})
    assert knowledge.adjustment("of_one") is found
    assert knowledge.adjustment("of_none") is None


# Schemes ----------------------------------------------------------------------------------

SCHEME = "{id: made_up, version: '1', title: Made up, tables: {hemoglobin: own}}"


def test_a_scheme_takes_the_rows_of_the_tables_that_it_names() -> None:
    found = load_schemes(table(f"schemes: [{SCHEME}]\n"), {"own": {"hemoglobin": (), "wbc": ()}})
    assert found == {"made_up": Scheme("made_up", "1", "Made up", {"hemoglobin": ()}, {}, {})}


@pytest.mark.parametrize(
    ("schemes", "told"),
    [
        (f"[{SCHEME}, {SCHEME}]", "id: is given twice"),
        (f"[{SCHEME.replace('hemoglobin', 'wbc')}]", "wbc: the table named here does not grade this analyte"),
        (f"[{SCHEME.replace('own', 'other')}]", "hemoglobin: the table named here does not grade this analyte"),
    ],
)
def test_what_a_scheme_may_not_say(schemes: str, told: str) -> None:
    with pytest.raises(KnowledgeError, match=told):
        load_schemes(table(f"schemes: {schemes}\n"), {"own": {"hemoglobin": ()}})


# Definitions ------------------------------------------------------------------------------


def definition(red: str = "hemoglobin", white: str = "neutrophils", platelet: str = "platelets", more: str = "") -> str:
    number = "below: 1, unit: 10^9/L, source: own, verification: project"
    return (
        "definitions:\n  - id: made_up\n    label: Made up\n    sources: [own]\n"
        f"    red: {{analyte: {red}, reference_range: true}}\n"
        f"    white: {{analyte: {white}, {number}}}\n"
        f"    platelet: {{analyte: {platelet}, {number}, age_from: {{value: 2, unit: y}}}}\n{more}"
    )


def test_a_definition_by_the_range_and_by_numbers() -> None:
    by_sex, own = {"F": 1.0, "M": 1.0}, ("own", Verification.PROJECT)
    assert load_definitions(table(definition()), analytes(), {}, ["own"]) == {
        "made_up": Definition(
            id="made_up",
            label="Made up",
            red=Cutoff("hemoglobin", None, None, None, 0, True, "", Verification.VERIFIED),
            white=Cutoff("neutrophils", by_sex, None, None, 0, False, *own),
            without_neutrophils=None,
            platelet=Cutoff("platelets", by_sex, AgeEdge("mo", 24), None, 0, False, *own),
            sources=("own",),
        )
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (definition(red="hematocrit"), "analyte: must be hemoglobin"),
        (definition(white="wbc"), "analyte: must be neutrophils"),
        (definition(platelet="wbc"), "analyte: must be platelets"),
        (definition(red="no_such"), r"analyte: is not in analytes\.yaml"),
        (
            definition(more="    without_neutrophils: {analyte: neutrophils, reference_range: true}\n"),
            "analyte: must be wbc",
        ),
    ],
)
def test_each_line_is_defined_by_its_own_analyte(text: str, told: str) -> None:
    with pytest.raises(KnowledgeError, match=told):
        load_definitions(table(text), analytes(), {}, ["own"])
