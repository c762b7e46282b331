"""The benchmark draws what it says, and scores as the paper does, or its numbers mean nothing."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def ribench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("ribench")


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [  # the true limits as published
        ("Hb", 12.0, 16.0),
        ("Ca", 2.15, 2.50),
        ("FT4", 12.0, 22.0),
        ("AST", 14.0, 35.0),
        ("LACT", 0.5, 2.2),
        ("GGT", 10.0, 50.0),
        ("TSH", 0.25, 4.0),
        ("IgE", 1.5, 114.0),
        ("LDH", 135.0, 214.0),
    ],
)
def test_the_true_limits_are_those_published(ribench: ModuleType, name: str, low: float, high: float) -> None:
    (design,) = [own for own in ribench.DESIGNS if own.name == name]
    assert design.truth == (pytest.approx(low, rel=2e-3), pytest.approx(high, rel=2e-3))
    assert design.scale(low) == pytest.approx(-1.96, abs=0.02)
    assert design.scale(high) == pytest.approx(1.96, abs=0.02)


def test_of_crp_the_upper_limit_is_the_95th_percentile(ribench: ModuleType) -> None:
    (design,) = [own for own in ribench.DESIGNS if own.name == "CRP"]
    assert design.truth[1] == pytest.approx(5.0, rel=2e-3)


@pytest.mark.parametrize("skewed", [False, True])
def test_a_drawn_set_has_its_size_its_sick_and_its_decimals(ribench: ModuleType, skewed: bool) -> None:
    (design,) = [own for own in ribench.DESIGNS if own.name == "Hb"]
    values = ribench.drawn(design, design.scenarios[1], (0, 0), 5000, 0.4, np.random.default_rng(1), skewed=skewed)
    # 40 % sick, three below for one above: 30 % around 8.9 and 10 % around 18.1, hardly overlapping.
    assert len(values) == 5000
    assert np.array_equal(values, np.round(values, 1))
    assert (values >= 0).all()
    assert (values < 11.5).mean() == pytest.approx(0.30, abs=0.03)
    assert ((values > 16.5) & (values < 30)).mean() == pytest.approx(0.10, abs=0.02)


def test_a_set_is_scored_by_its_distance_from_the_truth(ribench: ModuleType) -> None:
    (design,) = [own for own in ribench.DESIGNS if own.name == "Hb"]
    values = np.round(design.value(np.random.default_rng(2).normal(design.mean, design.spread, 3000)), 1)
    found = ribench.scored(ribench.Case(design, 3000, 0.0, lambda: values))
    assert found.error < 0.3
    assert [side[1] for side in found.sides] == [True, True]  # nobody is sick: both limits are told


def test_published_sets_are_read_by_their_path(ribench: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "Data" / "Hb").mkdir(parents=True)
    (tmp_path / "Data" / "Hb" / "7_Hb_seed_123.csv").write_text("13.9\n14.1\n", encoding="utf-8")
    table = tmp_path / "table.csv"
    table.write_text(
        "Index,Analyte,startSeed,N,fractionPathol\n7,Hb,123,1000,0.1\n8,Hb,123,1000,0.2\n", encoding="utf-8"
    )
    (case,) = ribench.published_cases(tmp_path, table, (1000,), 1)
    assert (case.design.name, case.results, case.sick) == ("Hb", 1000, 0.1)
    assert case.values().tolist() == [13.9, 14.1]
