"""What is too high or too low to believe, and what is believed all the same."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge

PERSON = {"age": "40 y", "sex": "F"}
WELL = {"hemoglobin": "130 g/L", "neutrophils": "4.0 10^9/L", "platelets": "250 10^9/L"}


def both_doors(record: dict[str, Any]) -> dict[str, Any]:
    """The flags of a record, which are those of a row of texts too."""
    flags = cbc.screen({**PERSON, **record}).flags()
    row = cbc.screen_frame(pd.DataFrame([{**PERSON, **record}])).iloc[0].to_dict()
    assert {name: str(row[name]) for name in flags if name in row and flags[name] is not None} == {
        name: str(flag) for name, flag in flags.items() if name in row and flag is not None
    }
    return flags


@pytest.mark.parametrize(
    ("analyte", "result", "line"),
    [
        ("platelets", "9000 10^9/L", "platelet_line"),
        ("platelets", "15000 10^9/L", "platelet_line"),
        ("platelets", "1000000000000000000000000000000 10^9/L", "platelet_line"),
        ("platelets", "250000 10^3/uL", "platelet_line"),
        ("neutrophils", "300 10^9/L", "white_line"),
        ("neutrophils", "3500 K/uL", "white_line"),
        ("hemoglobin", "1.9 g/dL", "red_line"),
        ("hemoglobin", "13 g/L", "red_line"),
        ("hemoglobin", "13.0 mg/mL", "red_line"),
    ],
)
def test_a_line_whose_result_cannot_be_believed_is_unknown_with_the_reason(
    analyte: str, result: str, line: str
) -> None:
    flags = both_doors({**WELL, analyte: result})
    assert flags[line] == "cannot_tell"
    assert f"{analyte}:NUMBER_IMPLAUSIBLE" in flags["reasons"].split(";")
    assert flags[f"{'white' if analyte == 'neutrophils' else analyte}_grade"] is None


def test_white_cells_beyond_their_ceiling_are_unknown_without_neutrophils() -> None:
    flags = both_doors({"hemoglobin": "130 g/L", "wbc": "1900 10^9/L", "platelets": "250 10^9/L"})
    assert (flags["white_line"], flags["wbc_state"]) == ("cannot_tell", "cannot_tell")
    assert "wbc:NUMBER_IMPLAUSIBLE" in flags["reasons"].split(";")


@pytest.mark.parametrize(
    ("record", "states"),
    [
        ({"wbc": "250 10^9/L"}, {"wbc_state": "high"}),
        ({"wbc": "600 10^9/L"}, {"wbc_state": "high"}),
        ({"wbc": "800 10^9/L"}, {"wbc_state": "high"}),  # leukemia
        ({"wbc": "480 10^9/L", "neutrophils": "240 10^9/L"}, {"neutrophils_state": "high"}),
        ({"platelets": "3000 10^9/L"}, {"platelets_state": "high"}),  # essential thrombocythemia
        ({"wbc": "130 10^9/L", "eosinophils": "100 10^9/L"}, {"eosinophils_state": "high"}),
        ({"wbc": "500 10^9/L", "lymphocytes": "480 10^9/L"}, {"lymphocytes_state": "high"}),
        ({"hemoglobin": "2.0 g/dL"}, {"hemoglobin_state": "low", "red_line": "low", "urgency": "immediate"}),
        ({"platelets": "0 10^9/L"}, {"platelets_state": "low", "platelet_line": "low"}),
        ({"neutrophils": "0.00 10^9/L"}, {"neutrophils_state": "low", "white_line": "low"}),
        ({"reticulocytes": "900 10^9/L"}, {"reticulocytes_state": "high"}),
        ({"mcv": "50 fL"}, {"mcv_state": "low"}),
        ({"hematocrit": "0.80 L/L"}, {"hematocrit_state": "high"}),
    ],
)
def test_the_extremes_of_disease_are_believed(record: dict[str, str], states: dict[str, str]) -> None:
    flags = both_doors(record)
    assert {name: flags[name] for name in states} == states
    assert "NUMBER_IMPLAUSIBLE" not in flags["reasons"]


@pytest.mark.parametrize(
    ("record", "states"),
    [
        # 1000 x 0.25 / 5.41 is 46.2 fL
        ({"mcv": "46 fL", "hematocrit": "0.25 L/L", "rbc": "5.41 10^12/L"}, {"mcv_state": "low"}),
        ({"mcv": "160 fL", "hematocrit": "24 %", "rbc": "1.5 10^12/L"}, {"mcv_state": "high"}),
        # 0.60 x 29.5 is 17.7 g/L
        ({"hemoglobin": "17.7 g/L", "rbc": "0.60 10^12/L", "mch": "29.5 pg"}, {"red_line": "low"}),
        # 0.60 x 92 x 0.333 is 18.4 g/L
        ({"hemoglobin": "17.7 g/L", "rbc": "0.60 10^12/L", "mcv": "92 fL"}, {"red_line": "low"}),
        # 0.054 x 328 is 17.7 g/L
        ({"hemoglobin": "1.77 g/dL", "hematocrit": "5.4 %", "mchc": "32.8 g/dL"}, {"red_line": "low"}),
        # 8.6 x 30.5 is 262 g/L, and 0.79 x 333 is 263 g/L
        (
            {"hemoglobin": "262 g/L", "rbc": "8.6 10^12/L", "mch": "30.5 pg", "hematocrit": "0.79 L/L"},
            {"red_line": "not_low", "hemoglobin_state": "high"},
        ),
        # 696 g/L of cold agglutinins: 120 / 0.172 is 698
        ({"mchc": "69.6 g/dL", "hemoglobin": "12.0 g/dL", "hematocrit": "17.2 %"}, {"mchc_state": "high"}),
    ],
)
def test_a_red_cell_index_beyond_its_limits_is_believed_where_the_others_agree(
    record: dict[str, str], states: dict[str, str]
) -> None:
    flags = both_doors(record)
    assert {name: flags[name] for name in states} == states
    assert "NUMBER_IMPLAUSIBLE" not in flags["reasons"]


@pytest.mark.parametrize(
    "record",
    [
        {"mcv": "46 fL"},
        {"mcv": "46 fL", "hematocrit": "0.25 L/L"},
        {"mcv": "46 fL", "hematocrit": "0.45 L/L", "rbc": "5.41 10^12/L"},  # 83 fL
        {"hemoglobin": "17.7 g/L", "rbc": "6.0 10^12/L", "mch": "29.5 pg"},  # 177 g/L: grams per dL
        # US units read as SI: 0.53 x 33.4 is 17.7, and 33.4 g/L is implausible itself
        {"hemoglobin": "17.7 g/L", "hematocrit": "0.53 L/L", "mchc": "33.4 g/L"},
        # one way agrees (0.60 x 29.5) and another one does not (0.53 x 333 is 176)
        {"hemoglobin": "17.7 g/L", "rbc": "0.60 10^12/L", "mch": "29.5 pg", "hematocrit": "0.53 L/L"},
        # what agrees is a bound or a range, and no number
        {"mcv": "46 fL", "hematocrit": "0.25-0.26 L/L", "rbc": "5.41 10^12/L"},
        {"mcv": "46 fL", "hematocrit": "0.25 L/L", "rbc": "<5.41 10^12/L"},
        # what agrees is not final
        {"mcv": "46 fL", "hematocrit": {"value": "0.25", "unit": "L/L", "status": "P"}, "rbc": "5.41 10^12/L"},
        # per microliter taken for 10^9/L: parts of the white cells are off together with them, and confirm nothing
        {"wbc": "1900 10^9/L", "neutrophils": "95 10^9/L", "neutrophils_percent": "5 %"},
    ],
)
def test_it_is_not_believed_where_nothing_confirms_it_or_anything_contradicts(record: dict[str, Any]) -> None:
    flags = cbc.screen({**PERSON, **record}).flags()
    implausible = next(iter(record))
    assert f"{implausible}:NUMBER_IMPLAUSIBLE" in flags["reasons"].split(";")
    assert flags[f"{implausible}_state"] == "cannot_tell"


def test_a_believed_result_keeps_the_range_that_came_with_it() -> None:
    """17.7 g/L is within a range of 15 to 160 g/L that nobody would print, and which is not sane."""
    record = {
        **PERSON,
        "mcv": {"value": 46, "unit": "fL", "range": [40, 100]},
        "hematocrit": "0.25 L/L",
        "rbc": "5.41 10^12/L",
    }
    result = cbc.screen(record)
    (mcv,) = [analyte for analyte in result.analytes if analyte.analyte == "mcv"]
    assert (mcv.low, mcv.high, mcv.state) == (46.0, 46.0, "within")


def test_a_row_with_one_implausible_cell_is_the_only_one_that_changes() -> None:
    frame = pd.DataFrame(
        {
            "age": ["40 y"] * 4,
            "sex": ["F"] * 4,
            "MCV (fL)": [88.0, 46.0, 46.0, 90.0],
            "HCT (%)": [40.0, 25.0, 40.0, 41.0],
            "RBC (10^12/L)": [4.5, 5.41, 4.5, 4.6],
        }
    )
    flags = cbc.screen_frame(frame)
    assert flags["mcv_state"].tolist() == ["within", "low", "cannot_tell", "within"]
    assert ["mcv:NUMBER_IMPLAUSIBLE" in reasons for reasons in flags["reasons"]] == [False, False, True, False]


def test_every_analyte_has_a_ceiling_and_a_floor() -> None:
    for analyte in load_knowledge().analytes.values():
        low, high = analyte.plausible
        assert 0 <= low < high


def test_a_grade_is_not_given_for_what_cannot_be_believed() -> None:
    found = cbc.grade("platelets", 9000, "10^3/uL", scheme="ctcae_v5", lower_limit=150)
    assert (found.grade, found.reason) == (None, cbc.Reason.NUMBER_IMPLAUSIBLE)
    assert cbc.grade("platelets", 3000, "10^3/uL", scheme="ctcae_v5", lower_limit=150).grade == 0


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "canonical"),
    [
        ("platelets", "24.2", "x10^4/μL", 242.0),
        ("platelets", "3.1", "10*4/mm3", 31.0),
        ("platelets", "24.2", "万/μL", 242.0),
        ("platelets", "24.2", "×10⁴/µL", 242.0),
        ("platelets", "24.2", "만/㎕", 242.0),
        ("platelets", "250", "千/μL", 250.0),
        ("wbc", "65", "10^2/uL", 6.5),
        ("wbc", "65", "×10²/μL", 6.5),
        ("wbc", "65", "百/μL", 6.5),
        ("rbc", "455", "x10^4/μl", 4.55),
        ("rbc", "455", "万/μL", 4.55),
        ("rbc", "4.55", "百万/μL", 4.55),
        ("reticulocytes", "6.0", "10^4/uL", 60.0),
    ],
)
def test_counts_in_ten_thousands_and_in_hundreds(analyte: str, value: str, unit: str, canonical: float) -> None:
    result = cbc.screen({**PERSON, analyte: {"value": value, "unit": unit}})
    assert [(one.low, one.high) for one in result.analytes if one.analyte == analyte] == [(canonical, canonical)]


@pytest.mark.parametrize("unit", ["万", "10^4", "x10^4", "百", "千", "10^2"])
def test_a_power_of_ten_without_a_volume_is_refused(unit: str) -> None:
    flags = cbc.screen({**PERSON, **WELL, "platelets": {"value": "24.2", "unit": unit}}).flags()
    assert (flags["platelet_line"], flags["reasons"]) == ("cannot_tell", "platelets:UNIT_CONFUSABLE")
