"""What the trend verdict promises: few false alarms, and most falls of 30 % found."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from trend_characteristics import LINES, MORE, Line, made, told_changed, told_falling

from cbc_screen.knowledge.serial import load_serial
from cbc_screen.serial.counts import AnalyteValues
from cbc_screen.serial.trend import unsteady

PLATELETS = LINES[-1]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.analyte)
@pytest.mark.parametrize("counts", [3, 4, 5, 8])
def test_false_alarms_are_at_most_one_and_a_half_percent(line: Line, counts: int) -> None:
    told = told_falling(line, counts, 0.0, 1.0, seed=7)
    assert 0.005 < told <= 0.015


@pytest.mark.parametrize(("counts", "least"), [(3, 0.70), (4, 0.80), (8, 0.90)])
def test_falls_of_thirty_percent_are_found(counts: int, least: float) -> None:
    assert told_falling(PLATELETS, counts, 0.3, 1.0, seed=7) >= least


def test_more_variation_than_assumed_gives_more_false_alarms() -> None:
    """It is printed, and not hidden: about four in a hundred."""
    assert 0.02 < told_falling(PLATELETS, 5, 0.0, 1.3, seed=7) < 0.06


@pytest.mark.parametrize(("times", "least", "most"), [(1.0, 0.005, 0.016), (2.0, 0.45, 0.55)])
def test_series_in_a_steady_state_are_seldom_called_unsteady(times: float, least: float, most: float) -> None:
    rules, series, counts = load_serial(), 20_000, 6
    sigma = rules.variation["platelets"].sigma
    values = made(PLATELETS, np.ones((series, counts)), times * sigma, np.random.default_rng(3)).ravel()
    owner, time = np.repeat(np.arange(series), counts), np.tile(np.linspace(0, 300, counts), series)
    _, wide = unsteady(owner, time, AnalyteValues(values, values), sigma, rules.trend)
    assert least < wide.mean() < most


@pytest.mark.parametrize("line", [*LINES, *MORE], ids=lambda line: line.analyte)
def test_two_counts_in_a_steady_state_are_called_changed_in_five_percent(line: Line) -> None:
    assert told_changed(line, 1.0, series=40_000, seed=7) == pytest.approx(0.05, abs=0.007)
