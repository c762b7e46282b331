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


def test_people_of_a_clinic_and_of_a_liver_table(
    series: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = importlib.import_module("series_more")
    (tmp_path / "collagen_a.csv").write_text(
        "ID,SEX,Birthday,Description,First Date,Admission,Diagnosis\n"
        "1,F,1960/1/1,,90.01.01,+,SLE\n"  # 30 years
        '2,F,1921/1/1,,90.01.01,+,"SLE, SJS"\n'  # 69 years
        "3,M,1960/1/1,,90.01.01,+,SLE susp\n"  # not sure
        "4,F,1960/1/1,,,+,SLE\n",  # no date
        encoding="latin-1",
    )
    (tmp_path / "collagen_b.csv").write_text(
        "ID,ANA,Diagnosis,Thrombosis\n1,0,APS,0\n2,256,APS,1\n3,0,SLE,0\n4,16,RA,0\n5,16,RA,\n", encoding="latin-1"
    )
    low = pd.DataFrame({"age": [20, 70, 5, 30], "sex": ["F", "F", "M", "M"]})
    found = {(one.condition, one.finding): one.counts for one in more.of_collagen(tmp_path, low)}
    assert found == {
        ("sle", "woman_of_12_to_54"): (1, 2, 1, 4),
        ("sle", "age"): (1, 2, 2, 4),
        ("antiphospholipid", "thrombosis_with_low_platelets"): (1, 2, 0, 2),
        ("antiphospholipid", "no_thrombosis_and_no_antinuclear_antibodies"): (1, 2, 1, 2),
    }
    names = [
        "Age at diagnosis", "Gender", "Haemoglobin (g/dL)", "Platelets\t(G/L)", "Leukocytes(G/L)",
        "Mean Corpuscular Volume\t (fl)", "Aspartate transaminase (U/L)", "Alanine transaminase (U/L)",
        "Gamma glutamyl transferase (U/L)", "Alcohol", "Cirrhosis\t",
    ]  # fmt: skip
    rows = ["60,1,12.9,99000,5200,101,90,40,70,1,1", "60,0,12.0,150,4,90,20,20,?,0,1", "60,1,9,60,3,90,20,20,20,1,0"]
    (tmp_path / "liver.csv").write_text(",".join(names) + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    people = more.livers(tmp_path)
    # Counts in single cells are divided; who has no cirrhosis is left out.
    assert people[["platelets", "wbc", "low"]].to_numpy().tolist() == [[99.0, 5.2, 2.0], [150.0, 4.0, 0.0]]
    assert people["alcohol"].tolist() == [True, False]
