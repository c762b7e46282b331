"""Whom a set is for, and what is read of a person that is not stated: gestation, phenotype, preterm birth, pregnancy."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

import cbc_screen as cbc
from cbc_screen.errors import UsageError
from cbc_screen.report.verified import print_verification

DUFFY = "duffy_null_uk"  # white cells 3.1 to 8.8, neutrophils 1.185 to 5.462


def frame_of(many: int, **columns: Any) -> pd.DataFrame:
    """Return newborn girls with white cells of 8 to 12 x 10^9/L, which is within every range here."""
    own = {
        "age": ["0 d"] * many,
        "sex": ["F"] * many,
        "WBC (10^9/L)": [round(8 + 4 * n / many, 1) for n in range(many)],
    }
    return pd.DataFrame({**own, **columns})


def verified(frame: pd.DataFrame, ranges: str, **options: Any) -> cbc.RangeVerification:
    return cbc.verify_ranges(frame, ranges, results_of="reference", analytes=["wbc"], **options)


def test_fifty_newborns_without_a_gestation_are_not_compared_with_a_set_by_gestation() -> None:
    with pytest.raises(UsageError, match=r"no result lies in a band of preterm_ochiai2016 \(50 results: .* gestation"):
        verified(frame_of(50), "preterm_ochiai2016")


def test_beside_newborns_who_state_it_those_fifty_are_set_aside_with_the_reason() -> None:
    """20 of 27 weeks and 21 of 28+0 lie in two rows; 2 of "<32 wk" may lie in either, 3 of 37 weeks lie in none."""
    weeks = ["27 wk"] * 20 + ["28+0"] * 21 + ["<32 wk"] * 2 + ["37 wk"] * 3 + [""] * 50
    found = verified(frame_of(96, gestation_at_birth=weeks), "preterm_ochiai2016")
    assert [(band.gestation, band.results) for band in found.bands] == [("<28 wk", 20), ("28 to <32 wk", 21)]
    account = found.accounts["wbc"]
    assert (account.rows, account.used, account.set_aside) == (96, 41, {"gestation_unsure": 55})


def test_weeks_that_contradict_a_finding_are_not_sure() -> None:
    stated = {"gestation_at_birth": ["27 wk"] * 25, "born_preterm": ["absent"] * 5 + [""] * 20}
    found = verified(frame_of(25, **stated), "preterm_ochiai2016")
    assert (found.accounts["wbc"].used, found.accounts["wbc"].set_aside) == (20, {"gestation_unsure": 5})


@pytest.mark.parametrize("ranges", ["default", "dls_hawaii"])
def test_infants_born_preterm_are_left_out_of_every_other_set(ranges: str) -> None:
    """Of 27 weeks, of 36 to 38, and with the finding; 37 weeks, and nothing stated, are read as born at term."""
    stated = {
        "gestation_at_birth": ["27 wk", "36-38 wk", ""] + ["37 wk"] * 20 + [""] * 20,
        "born_preterm": ["", "", "present"] + [""] * 40,
    }
    options: dict[str, Any] = {"stated_people": 240, "stated_percentiles": (2.5, 97.5)}
    account = verified(frame_of(43, **stated), ranges, **options).accounts["wbc"]
    assert (account.rows, account.used, account.set_aside) == (43, 40, {"born_preterm": 3})


def test_a_preterm_birth_is_asked_in_the_first_year_alone() -> None:
    ages = ["11 mo"] * 4 + ["12 mo"] * 25
    frame = frame_of(29, gestation_at_birth=["27 wk"] * 29).assign(age=ages)
    account = verified(frame, "default", stated_people=240, stated_percentiles=(2.5, 97.5)).accounts["wbc"]
    assert (account.used, account.set_aside) == (25, {"born_preterm": 4})


def test_a_set_of_a_phenotype_is_compared_only_with_people_of_whom_it_is_stated() -> None:
    frame = frame_of(45).assign(age="40 y", duffy_null_phenotype=["present"] * 20 + ["absent"] * 15 + [""] * 10)
    found = verified(frame, DUFFY, stated_people=240)
    account = found.accounts["wbc"]
    assert (account.rows, account.used, account.set_aside) == (45, 20, {"phenotype_not_stated": 25})
    assert [band.results for band in found.bands] == [20]


# What is shown --------------------------------------------------------------------------------


def shown(found: cbc.RangeVerification, folder: Path) -> dict[str, str]:
    """Return what a terminal, CSV, JSON and the page show."""
    terminal = StringIO()
    print_verification(Console(file=terminal, width=300), found)
    texts = {"terminal": terminal.getvalue()}
    for ending in ("csv", "json", "html"):
        found.write(folder / f"found.{ending}")
        texts[ending] = (folder / f"found.{ending}").read_text(encoding="utf-8")
    return texts


def test_a_band_by_gestation_says_so_everywhere(tmp_path: Path) -> None:
    found = verified(frame_of(20, gestation_at_birth=["28+0"] * 20), "preterm_ochiai2016")
    texts = shown(found, tmp_path)
    assert "female, 0 d to under 1 d, born at 28 to <32 wk: 20 results" in texts["terminal"]
    assert texts["html"].count("born at 28 to &lt;32 wk") >= 2  # in the first table, and above its own
    assert json.loads(texts["json"])["bands"][0]["gestation"] == "28 to <32 wk"
    rows = list(csv.DictReader(texts["csv"].splitlines()))
    assert [row["gestation"] for row in rows] == ["28 to <32 wk"] * 2


def test_pregnancy_that_is_not_stated_is_counted_where_it_is_read_as_none(tmp_path: Path) -> None:
    """Of 14 women of 40, 3 say that they are not pregnant, and 2 more say nothing: 13. Men and women of 70 need not."""
    frame = frame_of(23).assign(
        age=["40 y"] * 18 + ["70 y"] * 5, sex=["F"] * 14 + ["M"] * 4 + ["F"] * 5, pregnancy=["no"] * 3 + [""] * 20
    )
    frame = pd.concat([frame, frame.iloc[3:5]])  # two more of the 40-year-old women
    found = verified(frame, "nhanes_dxh800")
    assert found.accounts["wbc"].pregnancy_not_stated == 13
    assert {(band.sex, band.pregnancy_not_stated) for band in found.bands} == {("F", 13), ("M", 0)}
    texts = shown(found, tmp_path)
    said = "13 of them of women of an age for a pregnancy that is not stated, read as not pregnant"
    assert said in texts["terminal"]
    assert said in texts["html"]
    assert json.loads(texts["json"])["accounts"]["wbc"]["pregnancy_not_stated"] == 13
    rows = list(csv.DictReader(texts["csv"].splitlines()))
    assert {(row["sex"], row["pregnancy_not_stated"]) for row in rows} == {("F", "13"), ("M", "0")}


# Results that the library derives --------------------------------------------------------------


def derived(share: list[Any], wbc: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"age": "40 y", "sex": "M", "WBC (10^9/L)": wbc, "neutrophils %": share})


def test_neutrophils_are_worked_out_as_the_screen_does(tmp_path: Path) -> None:
    """nhanes_dxh800 has 1.76 to 7.26 for men: 4.0 x 43.9 % is 1.756, below; 4.0 x 44 % is 1.76, and is not."""
    frame = derived([43.9, 44.0, *[50.0] * 20], [4.0] * 22)
    found = cbc.verify_ranges(frame, "nhanes_dxh800", results_of="reference", analytes=["neutrophils"])
    (band,) = found.bands
    assert (band.analyte, band.results, band.lower.limit) == ("neutrophils", 22, 1.76)
    assert band.lower.outside is not None
    assert (band.lower.outside.least, band.lower.outside.most) == (1, 1)
    assert found.not_verified == {}


def test_a_percentage_that_cannot_be_used_is_no_result_and_no_bound() -> None:
    frame = derived(["pending", *[50.0] * 20, None], [4.0] * 22)
    found = cbc.verify_ranges(frame, "nhanes_dxh800", results_of="reference", analytes=["neutrophils"])
    account = found.accounts["neutrophils"]
    assert (account.rows, account.used) == (22, 20)
    assert account.set_aside == {"unusable:TEXT_RESULT": 1, "no_result": 1}
    assert found.bands[0].bounds == 0


def test_white_cells_in_several_units_are_no_one_source_of_neutrophils_either() -> None:
    frame = derived([50.0] * 20, [4.0] * 10 + [4000] * 10).rename(columns={"WBC (10^9/L)": "wbc"})
    frame["wbc_unit"] = ["10^9/L"] * 10 + ["/uL"] * 10
    with pytest.raises(UsageError, match="wbc: results are stated in several units"):
        cbc.verify_ranges(frame, "nhanes_dxh800", results_of="reference", analytes=["neutrophils"])


# What the words of a basis say ------------------------------------------------------------------


def test_a_limit_that_was_worked_out_says_so(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": "40 y", "sex": "F", "HGB (g/L)": range(121, 141)})
    found = cbc.verify_ranges(frame, "dallman_nathanoski", results_of="reference", stated_people=240)
    assert found.bands[0].percentiles == (2.5, 97.5)
    note = "the upper limit was not published: it is worked out as twice the mean less the lower limit (derived)"
    assert found.bands[0].basis_note == note
    assert all(note in text for text in shown(found, tmp_path).values())
