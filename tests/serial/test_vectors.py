"""The vectors of the shared knowledge: 23 numbers and 2 sentences."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cbc_screen.knowledge.serial import load_serial
from cbc_screen.serial import formulas
from cbc_screen.serial.counts import AnalyteValues
from cbc_screen.serial.trend import robust_slopes, slopes

Z = 1.96


def vectors(shared: Path) -> list[dict[str, str]]:
    with (shared / "knowledge" / "serial" / "serial_test_vectors.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pairs(text: str) -> dict[str, float]:
    found = (part.split("=") for part in text.split(";"))
    return {name: float(value) for name, value in found}


def near(found: float, told: float, tolerance: str) -> None:
    assert found == pytest.approx(told, abs=float(tolerance))


def series(text: str) -> tuple[np.ndarray, np.ndarray]:
    parts = dict(part.split("=") for part in text.split(";"))
    return tuple(np.array([float(one) for one in parts[name].split(",")]) for name in ("t", "y"))  # type: ignore[return-value]


def test_reference_change_values(shared: Path) -> None:
    checked = 0
    for row in vectors(shared):
        if row["function"] == "rcv_lognormal_95":
            given, told = pairs(row["inputs"]), pairs(row["expected"])
            up, down = formulas.reference_change(given["CVI"], given["CVA"], Z)
            near(100 * up, told["up"], row["tolerance"])
            near(100 * down, told["down"], row["tolerance"])
            checked += 2
        elif row["function"] == "rcv_symmetric_95":
            given = pairs(row["inputs"])
            near(
                100 * formulas.symmetric_change(given["CVI"], given["CVA"], Z), float(row["expected"]), row["tolerance"]
            )
            checked += 1
    assert checked == 12


HEMOGLOBIN = np.array([13.1, 13.4, 13.0, 13.3, 13.2])
CVI, CVA = 0.0274, 0.0058


@pytest.mark.parametrize("case", ["own data, n=5", "population CVI, n=5", "population CVI, n=1"])
def test_prediction_intervals(shared: Path, case: str) -> None:
    row = next(row for row in vectors(shared) if row["case"] == case)
    told = pairs(row["expected"])
    results = HEMOGLOBIN[:1] if case.endswith("n=1") else HEMOGLOBIN
    mean, many = results.mean(), len(results)
    if case.startswith("own"):
        low, high = formulas.interval_of_own(np.array([mean]), np.array([results.std(ddof=1)]), np.array([many]), 0.975)
    else:
        low, high = formulas.interval_of_population(np.array([mean]), np.array([float(many)]), CVI, CVA, Z)
    for found, name in ((mean, "mean"), (low[0], "low"), (high[0], "high")):
        near(float(found), told[name], row["tolerance"])


def test_one_result_makes_the_symmetric_change_value() -> None:
    low, high = formulas.interval_of_population(np.array([13.1]), np.array([1.0]), CVI, CVA, Z)
    value = formulas.symmetric_change(CVI, CVA, Z)
    assert low[0] == pytest.approx(13.1 * (1 - value), rel=1e-12)
    assert high[0] == pytest.approx(13.1 * (1 + value), rel=1e-12)


def test_mann_and_kendall(shared: Path) -> None:
    rows = [row for row in vectors(shared) if row["function"] == "mann_kendall_exact_two_sided"]
    for row in rows:
        results, score = int(row["case"][2]), int(row["inputs"].removeprefix("S="))
        for own in (score, -score):
            near(formulas.mann_kendall(own, results), float(row["expected"]), row["tolerance"])
        many = formulas.mann_kendall_of(np.array([score]), np.array([results]))
        near(float(many[0]), float(row["expected"]), row["tolerance"])
    assert len(rows) == 10


def test_robust_slope(shared: Path) -> None:
    row = next(row for row in vectors(shared) if row["function"] == "theil_sen_slope_per_day")
    time, values = series(row["inputs"])
    found = robust_slopes(np.zeros(len(time), dtype=np.int64), time, values, 2)
    near(float(found.slope[0]), float(row["expected"]), row["tolerance"])


def test_slope_with_known_variation(shared: Path) -> None:
    rows = vectors(shared)
    time, values = series(next(row for row in rows if row["function"] == "theil_sen_slope_per_day")["inputs"])
    row = next(row for row in rows if row["function"] == "known_sigma_log_slope_z")
    told = pairs(row["expected"])
    owner = np.zeros(len(time), dtype=np.int64)
    found = slopes(owner, time, AnalyteValues(values, values), pairs(row["inputs"].removeprefix("same; "))["sigma_log"])
    assert float(found.low[0]) == pytest.approx(told["slope_per_day"], abs=5e-8)
    near(float(found.low[0] / found.error[0]), told["z"], row["tolerance"])


def test_the_rules_say_what_the_two_sentences_say(shared: Path) -> None:
    """Miller 2015: |MCV change| > 3.0 fL; Kim 2023's table could not be read, so nothing of it is shipped."""
    rows = {row["case"]: row for row in vectors(shared)}
    rules = load_serial()
    first = rules.delta_checks[0]
    assert rows["miller2015"]["inputs"] == f"|MCV change| > {first.difference_above:.1f} fL"
    assert (first.analyte, first.mark.source) == ("mcv", "miller_2015")
    assert "criteria table itself not readable" in rows["kim2023"]["origin"]
    assert not any("kim" in rule.mark.source for rule in rules.delta_checks)


def test_t_quantiles_are_those_of_the_tables() -> None:
    """Student's table: 12.7062 (1), 4.3027 (2), 2.7764 (4), 2.2281 (10), 2.0423 (30), 1.9600 (infinite)."""
    told = {1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 10: 2.2281, 30: 2.0423, 5_000: 1.9600}
    for freedom, value in told.items():
        assert formulas.t_quantile(0.975, freedom) == pytest.approx(value, abs=5e-5)


def test_variation_is_that_of_the_sources(shared: Path) -> None:
    """What is shipped stands in the shared tables, and the values that cry wolf do not."""
    told: dict[str, set[float]] = {}
    names = {
        "HGB": "hemoglobin", "HCT": "hematocrit", "RBC": "rbc", "MCV": "mcv", "MCH": "mch", "MCHC": "mchc",
        "WBC": "wbc", "NEUT": "neutrophils", "LYMPH": "lymphocytes", "MONO": "monocytes", "EOS": "eosinophils",
        "PLT": "platelets", "MPV": "mpv",
    }  # fmt: skip
    with (shared / "knowledge" / "biological_variation.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["analyte"] in names:
                told.setdefault(names[row["analyte"]], set()).add(float(row["CVI_pct"]))
    with (shared / "knowledge" / "serial" / "biological_variation_additions.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["analyte"] in names and "CVI" in row["quantity"] + row["design"]) or "week" in row["quantity"]:
                value = row["value_pct"].split("/")[-1].strip()
                told.setdefault(names.get(row["analyte"], ""), set()).add(float(value.split(" ")[0]))
    variation = load_serial().variation
    for analyte, own in variation.items():
        assert round(100 * own.within, 2) in told[analyte], analyte
    assert variation["wbc"].within == pytest.approx(0.1001)
    cries = {"wbc": 0.0796, "neutrophils": 0.116, "eosinophils": 0.1011}
    assert all(variation[name].within > 1.2 * value for name, value in cries.items())
