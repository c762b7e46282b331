"""Likelihood ratios from public files: the arithmetic by hand, and the table that was computed before."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"


@pytest.fixture
def ratios(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("likelihood_ratios")


def people(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_a_ratio_and_its_interval_by_hand(ratios: ModuleType) -> None:
    # 12 of 20 with the target and 10 of 50 without have the finding: (12/20) / (10/50) = 3.
    # The error of its logarithm is the root of 1/12 - 1/20 + 1/10 - 1/50 = 0.11333, which is 0.33665;
    # 3 / exp(1.96 x 0.33665) = 1.55 and 3 x exp(1.96 x 0.33665) = 5.80; log2 3 = 1.6.
    found = pd.Series([True] * 12 + [False] * 8 + [True] * 10 + [False] * 40)
    ill = pd.Series([True] * 20 + [False] * 50)
    study = next(ratios.iron_studies())
    row = ratios.ratio(study, "something", found, ill)
    assert (row.n_with, row.n_without, row.sensitivity, row.specificity) == (20, 50, 60.0, 80.0)
    assert (row.ratio, row.ratio_low, row.ratio_high, row.doublings) == (3.0, 1.55, 5.8, 1.6)


@pytest.mark.parametrize(("with_it", "without_it"), [(1, 5), (5, 0)])
def test_too_few_with_a_finding_give_no_ratio(ratios: ModuleType, with_it: int, without_it: int) -> None:
    found = pd.Series([i < with_it for i in range(20)] + [i < without_it for i in range(20)])
    assert ratios.ratio(next(ratios.iron_studies()), "x", found, pd.Series([True] * 20 + [False] * 20)) is None


def test_what_everybody_has_gives_no_ratio(ratios: ModuleType) -> None:
    everybody = pd.Series([True] * 40)
    ill = pd.Series([True] * 20 + [False] * 20)
    assert ratios.ratio(next(ratios.iron_studies()), "x", everybody, ill) is None


def test_the_limits_of_anemia_are_those_of_who_2011_in_grams_per_deciliter(ratios: ModuleType) -> None:
    ages = [4, 5, 11, 12, 14, 14, 15, 15, 60]
    sexes = [1, 2, 1, 1, 1, 2, 1, 2, 1]
    limits = ratios.anemia_limit(people(RIDAGEYR=ages, RIAGENDR=sexes)).tolist()
    assert limits == [11.0, 11.5, 11.5, 12.0, 12.0, 12.0, 13.0, 12.0, 13.0]


def test_bands_touch_and_do_not_overlap(ratios: ModuleType) -> None:
    values = people(LBXMCVSI=[69.9, 70, 74.9, 75, 80, 84.95, 85, 89.9, 90])
    bands = [test(values) for name, test in ratios.OF_IRON if name.startswith("MCV") and "Mentzer" not in name]
    assert sum(band.astype(int) for band in bands).tolist() == [1] * 9


def test_an_answer_of_do_not_know_is_no_answer(ratios: ModuleType) -> None:
    assert ratios.answered("KIQ022")(people(KIQ022=[1, 2, 7, 9, float("nan")])).tolist() == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_the_shared_table_comes_out_again(ratios: ModuleType, shared: Path) -> None:
    table = shared / "knowledge" / "ordering" / "likelihood_ratios_nhanes.csv"
    rows = ratios.measured(shared / "data" / "nhanes_intervals")
    said = list(ratios.differences(rows, table))
    assert said[0] == "132 of 132 rows of the table are the same"
    assert len(said) == 2
    kidney = next(r for r in rows if r.target.startswith("told of weak") and r.finding == "lymphocytes < 1.0 10^9/L")
    assert kidney.ratio_low > 1
