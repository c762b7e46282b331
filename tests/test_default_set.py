"""The default set comes out again from the public files: the arithmetic by hand, and every row."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        return importlib.import_module("derive_default_set")


def test_a_weighted_centile_by_hand(tool: ModuleType) -> None:
    # Weights 1, 2, 1 of 10, 20, 30: places 0.125, 0.5, 0.875. Below the first place nothing is made up.
    assert tool.centiles(np.array([10.0, 20.0, 30.0]), np.array([1.0, 2.0, 1.0])).tolist() == [10.0, 30.0]
    # 100 people of equal weight, 1 to 100: places 0.005, 0.015 and so on; 0.025 is 3, 0.975 is 98.
    assert tool.centiles(np.arange(1.0, 101), np.ones(100)) == pytest.approx([3.0, 98.0])


def test_people_of_weight_zero_do_not_count(tool: ModuleType) -> None:
    values, weights = np.array([1.0, *range(1, 101), 500.0]), np.array([0.0, *np.ones(100), 0.0])
    assert tool.centiles(values, weights) == pytest.approx([3.0, 98.0])


def test_a_replicate_takes_one_of_two_units_twice_and_two_of_three_by_one_and_a_half(tool: ModuleType) -> None:
    units = [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]
    people = pd.DataFrame([units[i] for i in (0, 0, 1, 2, 3, 4)], columns=["SDMVSTRA", "SDMVPSU"])
    factors, of_person = tool.factors(people, replicates=50, seed=1)
    assert of_person.tolist() == [0, 0, 1, 2, 3, 4]
    assert set(map(tuple, factors[:, :2])) == {(2.0, 0.0), (0.0, 2.0)}
    assert set(factors[:, 2:].ravel()) == {0.0, 1.5, 3.0}
    assert (factors[:, 2:].sum(axis=1) == 3).all()


def test_a_stratum_of_one_unit_is_said(tool: ModuleType) -> None:
    with pytest.raises(SystemExit, match="stratum 7 has one sampling unit"):
        tool.factors(pd.DataFrame({"SDMVSTRA": [7], "SDMVPSU": [1]}), 1, 1)


def test_a_folder_without_the_files_is_said(tool: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(tool.FilesMissing, match=r"CBC_H.csv.xz is not there"):
        tool.read(tmp_path)


def test_a_shipped_limit_outside_the_bootstrap_limits_is_said(tool: ModuleType) -> None:
    limit = tool.Limit(shipped=117, recomputed=120, boot_low=118, boot_high=121)
    assert (limit.difference, limit.inside) == (3, False)
    assert replace(limit, shipped=118).inside
    row = tool.Row("a_set", "hemoglobin", "F", "18 y and over", 10, 11, limit, replace(limit, shipped=118))
    *_, printed, total = tool.lines([row])
    assert printed.count("OUTSIDE") == 1
    assert total == (
        "1 rows, 2 limits: 0 come out as shipped, 1 of the shipped lie inside the bootstrap limits; "
        "people as shipped in 0 rows"
    )


ENTRY = {
    "analyte": "wbc", "sex": "any", "pregnancy": "none", "lower": "5", "upper": "15", "unit": "10^9/L", "source": "s",
    "age_low_unit": "mo", "age_high_unit": "mo",
}  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "place"),
    [("2", "4", "same"), ("2", "3", "part"), ("2", "5", "wider"), ("1", "4", "wider"), ("4", "5", "absent")],
)
def test_a_band_beside_that_of_its_source(tool: ModuleType, low: str, high: str, place: str) -> None:
    published = {**ENTRY, "age_low": "2", "age_high": "4"}
    assert tool.place_in({**ENTRY, "age_low": low, "age_high": high}, [published]) == place
    assert tool.place_in({**published, "lower": "4"}, [published]) == "absent"


def test_four_rows_of_the_default_are_wider_than_what_was_published(tool: ModuleType) -> None:
    places = list(tool.taken_from("default_v1"))
    assert len(places) == 246
    assert [words for place, words in places if place == "wider"] == [
        "platelets any 2 mo: from hinchliffe_infant",
        "platelets any 5 mo: from hinchliffe_infant",
        "reticulocytes any 0 d: from mayo",
        "reticulocytes_percent any 0 d: from mayo",
    ]
    assert not [words for place, words in places if place == "absent"]


# With the files -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "data" / "nhanes_intervals"


@pytest.mark.outside
def test_every_row_comes_out_as_shipped(tool: ModuleType, folder: Path) -> None:
    rows = tool.derive(folder, "default_v1")
    assert list(tool.lines(rows))[-1] == (
        "135 rows, 270 limits: 270 come out as shipped, 270 of the shipped lie inside the bootstrap limits; "
        "people as shipped in 135 rows"
    )
    women = next(row for row in rows if (row.analyte, row.sex, row.ages) == ("hemoglobin", "F", "18 y and over"))
    assert (women.n_recomputed, women.lower.recomputed, women.upper.recomputed) == (2831, 117, 153)
    of_a_year = next(row for row in rows if (row.analyte, row.ages) == ("neutrophils", "1 to 2 y"))
    assert (of_a_year.n_recomputed, of_a_year.lower.recomputed, of_a_year.upper.recomputed) == (337, 0.93, 7.73)


@pytest.mark.outside
@pytest.mark.parametrize(("name", "rows", "limits"), [("nhanes_dxh800", 135, 270), ("nhanes_dxh800_agefine", 225, 450)])
def test_the_sets_that_a_user_may_name_come_out_too(
    tool: ModuleType, folder: Path, name: str, rows: int, limits: int
) -> None:
    said = list(tool.lines(tool.derive(folder, name, replicates=100)))[-1]
    assert said.startswith(f"{rows} rows, {limits} limits: {limits} come out as shipped")
    assert said.endswith(f"people as shipped in {rows} rows")


@pytest.mark.outside
def test_who_is_left_out(tool: ModuleType, folder: Path) -> None:
    people = tool.read(folder)
    assert len(people) == 28817
    left_out = {reason: int(marks.sum()) for reason, marks in tool.exclusions(people).items()}
    assert left_out["pregnant"] == 197
    assert left_out["ferritin below 12 ug/L under 5 years, below 15 from then on"] == 1082
    counts = {reading: len(tool.healthy(people, reading)) for reading in tool.READINGS}
    assert counts == {"shipped": 14139, "angina": 14125, "copd": 14134, "both": 14120}


@pytest.mark.outside
def test_no_lower_limit_depends_on_how_the_words_are_read(tool: ModuleType, folder: Path) -> None:
    moved = {
        (row.analyte, row.sex, row.upper.shipped, row.upper.recomputed)
        for row in tool.derive(folder, "default_v1", reading="both", replicates=2)
        if row.lower.difference or row.upper.difference
    }
    assert moved == {
        ("wbc", "F", 11.6, 11.7),
        ("neutrophils", "M", 7.26, 7.18),
        ("lymphocytes", "F", 3.73, 3.72),
        ("mpv", "F", 10.3, 10.4),
    }
    lower = [row.lower.difference for row in tool.derive(folder, "default_v1", reading="both", replicates=2)]
    assert lower == [0] * 135
