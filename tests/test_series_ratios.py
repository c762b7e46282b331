"""The counts of findings in public case series: who is taken, and what is compared, by hand."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def series(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("series_ratios")


def test_which_lines_are_low(series: ModuleType) -> None:
    people = pd.DataFrame(
        {
            "sex": ["M", "F", "F", "M"],
            "hemoglobin": [129, 125, 119, 140],
            "platelets": [150, 149, 149, 300],
            "wbc": [3.9, 3.9, 3.9, 3.9],
            "neutrophils": [1.5, float("nan"), 1.4, 2.0],
        }
    )
    found = series.lined(people)
    assert found["red"].tolist() == [True, False, True, False]
    assert found["platelet"].tolist() == [False, True, True, False]
    # Neutrophils tell of the white line where they were counted, white cells where they were not.
    assert found["white"].tolist() == [False, True, True, False]
    assert found["low"].tolist() == [1, 2, 3, 0]


def test_promyelocytic_leukemia_beside_other_leukemia(series: ModuleType, tmp_path: Path) -> None:
    pd.DataFrame(
        {
            "Response": ["APL", "APL", "APL", "AML", "ALL", "AML"],
            "age": [9, 10, 59, 60, 30, None],
            "PT_percent": [69, 70, None, 90, 50, 90],
            "Fibrinogen_g_L": [2.0, 1.9, 1.0, 1.9, 3.0, 4.0],
        }
    ).to_csv(tmp_path / "aipal.csv", index=False)
    found = {one.finding: one.counts for one in series.of_promyelocytes(tmp_path)}
    assert found == {
        "fibrinogen_low": (2, 3, 1, 3),
        "abnormal_coagulation_with_several_low_lines": (2, 2, 2, 3),  # where both were measured
        "usual_age": (2, 3, 1, 2),
    }
