"""How often a column is taken for one in another unit: in right units, which is wrong, and in wrong ones.

Usage: python tools/unit_suspicion.py [SUBSETS [SEED]]

Draws random subsets of 8 to 30 rows of real files (CBC_SCREEN_SHARED) and of made-up clinics, and
prints false alarms in right units and how often a column in a wrong unit is found. A made-up clinic
says what a group of patients may look like and is no source of anything.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.engines.inputs import open_inputs  # noqa: E402
from cbc_screen.engines.unit_suspicion import Rows, rows_of, suspicions, together  # noqa: E402
from cbc_screen.ingest.source import ReadOptions  # noqa: E402
from cbc_screen.knowledge import load_knowledge  # noqa: E402
from cbc_screen.screener import Screener  # noqa: E402

SHARED = Path(os.environ.get("CBC_SCREEN_SHARED", ROOT.parent / "shared")) / "data"
KNOWLEDGE = load_knowledge()
FEWEST, MOST = 8, 30
LINES = ("hemoglobin", "wbc", "neutrophils", "platelets")
CASES = {"hb_g_L": "hemoglobin", "wbc_10e9_L": "wbc", "anc_10e9_L": "neutrophils", "plt_10e9_L": "platelets", "mcv_fL": "mcv"}  # fmt: skip
ERRORS = (0.001, 0.01, 0.1, 10.0, 100.0, 1000.0)
PERCENT = "percent for absolute"
Columns = dict[str, NDArray[np.float64]]


def of_columns(values: Columns) -> Rows:
    """Make rows of canonical numbers."""
    spans = {name: KNOWLEDGE.analytes[name].plausible for name in values}
    beyond = {name: (own < spans[name][0]) | (own > spans[name][1]) for name, own in values.items()}
    return Rows(values, beyond, {})


def real_sets() -> dict[str, Columns]:
    """Read the real files."""
    nhanes = sorted((SHARED / "nhanes_cbc").glob("*.gz"))
    found = {
        "NHANES (healthy)": _read(nhanes),
        "hospital, Indonesia": _read([SHARED / "ehr_indonesia_lab" / "data-ori.csv"], units="us"),
        "MIMIC-III demo (intensive care)": _read([SHARED / "mimic3_demo" / "LABEVENTS_labelled.csv.gz"]),
    }
    text = (SHARED / "published_cases" / "cases.jsonl").read_text(encoding="utf-8")
    cases = [json.loads(line)["si"] for line in text.splitlines() if line.strip()]
    columns = {name: np.array([case.get(key, np.nan) for case in cases], dtype=float) for key, name in CASES.items()}
    return {**found, "published cases (sick)": columns}


def _read(files: list[Path], units: str | None = None) -> Columns:
    screener, parts = Screener(units=units), []
    with ExitStack() as undo:
        declared = screener._declare()
        for entry in open_inputs([str(file) for file in files], None, undo, KNOWLEDGE, declared, ReadOptions(), {}, ()):
            for batch in entry.source.batches(entry.wanted):
                normalized = screener.engine.normalize(batch.columns, len(batch.lines), entry.plan)
                parts.append(rows_of(normalized, KNOWLEDGE))
    values = together(parts).values
    some = ~np.all([np.isnan(values[name]) for name in LINES if name in values], axis=0)
    return {name: own[some] for name, own in values.items()}


def clinics(chance: np.random.Generator) -> dict[str, Callable[[int], Columns]]:
    """Return groups of patients whose values are made up: middle, and spread in powers of ten."""

    def group(
        hemoglobin: tuple[float, float] = (138, 15),
        wbc: tuple[float, float] = (6.8, 0.13),
        neutrophils: tuple[float, float] = (0.55, 0.08),
        platelets: tuple[float, float] = (250, 0.12),
    ) -> Callable[[int], Columns]:
        def scattered(middle: float, spread: float, many: int) -> NDArray[np.float64]:
            return middle * np.asarray(10 ** (spread * chance.standard_normal(many)))

        def make(many: int) -> Columns:
            white = scattered(*wbc, many)
            return {
                "hemoglobin": np.round(np.maximum(chance.normal(*hemoglobin, many), 30)),
                "wbc": np.round(white, 1),
                "neutrophils": np.round(white * np.minimum(scattered(*neutrophils, many), 0.97), 2),
                "platelets": np.round(scattered(*platelets, many)),
            }

        return make

    return {
        "immune thrombocytopenia": group(platelets=(25, 0.45)),
        "immune thrombocytopenia, alike": group(platelets=(25, 0.3)),
        "mild thrombocytopenia": group(platelets=(80, 0.2)),
        "essential thrombocythemia": group(platelets=(800, 0.17), wbc=(9, 0.15)),
        "polycythemia vera": group((185, 15), wbc=(12, 0.2), platelets=(500, 0.25)),
        "chronic lymphocytic leukemia": group((125, 18), (40, 0.4), (0.12, 0.25), (180, 0.2)),
        "chronic myeloid leukemia": group((110, 18), (110, 0.35), (0.5, 0.1), (420, 0.3)),
        "acute leukemia": group((90, 17), (12, 0.7), (0.15, 0.4), (50, 0.35)),
        "aplastic anemia": group((72, 17), (1.9, 0.2), (0.25, 0.25), (18, 0.35)),
        "chemotherapy ward": group((88, 11), (0.8, 0.4), (0.3, 0.4), (28, 0.3)),
        "agranulocytosis": group(wbc=(2.0, 0.2), neutrophils=(0.1, 0.5)),
        "severe chronic neutropenia": group(wbc=(4.0, 0.15), neutrophils=(0.08, 0.4)),
        "newborns": group((165, 22), (14, 0.18), (0.5, 0.12), (260, 0.15)),
        "newborns, alloimmune": group((165, 22), (14, 0.18), (0.5, 0.12), (30, 0.35)),
        "thalassemia": group((85, 15), platelets=(330, 0.2)),
        "cirrhosis": group((115, 20), (4, 0.2), platelets=(75, 0.22)),
        "dengue": group((140, 18), (3.2, 0.18), platelets=(55, 0.33)),
    }


def main() -> None:
    """Print both tables."""
    subsets = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    chance = np.random.default_rng(seed)
    real, made = real_sets(), clinics(chance)

    def subset(columns: Columns, many: int | None = None) -> Columns:
        rows = len(next(iter(columns.values())))
        drawn = int(chance.integers(FEWEST, MOST + 1)) if many is None else many
        chosen = chance.choice(rows, min(drawn, rows), replace=False)
        found = {name: own[chosen] for name, own in columns.items()}
        return {name: own for name, own in found.items() if (own == own).any()}

    print(f"subsets {subsets}, seed {seed}\n\nfalse alarms in right units")
    for name, columns in real.items():
        many = subsets * (10 if name.startswith("NHANES") else 2)
        alarms = sum(bool(suspicions(KNOWLEDGE, of_columns(subset(columns)))) for _ in range(many))
        lines = sum(bool(suspicions(KNOWLEDGE, of_columns(_lines(subset(columns))))) for _ in range(many))
        print(f"  {name:<36}{alarms:>4} of {many}, lines only {lines} of {many}")
    for name, make in made.items():
        alarms = {many: sum(bool(suspicions(KNOWLEDGE, of_columns(make(many)))) for _ in range(subsets)) for many in (6, 15, 30, 200)}  # fmt: skip
        print(f"  {name:<36}" + ", ".join(f"{found} of {subsets} ({many} rows)" for many, found in alarms.items()))
    print(
        "\nfound in a wrong unit (share of subsets), all columns / hemoglobin, white cells, neutrophils, platelets only"
    )
    for name, columns in real.items():
        draw = partial(subset, columns)
        for analyte in ("wbc", "neutrophils", "platelets"):
            for error in ERRORS if analyte in columns else ():
                print(f"  {name:<36}{analyte:<14}x {error:<8g}", _found(draw, analyte, error, subsets))
        if "neutrophils_percent" in columns:
            print(f"  {name:<36}{PERCENT:<24}", _found(draw, "neutrophils", None, subsets))


def _lines(values: Columns) -> Columns:
    return {name: own for name, own in values.items() if name in LINES}


def _found(subset: Callable[[], Columns], analyte: str, error: float | None, subsets: int) -> str:
    shares: list[Any] = []
    for only in (False, True):
        found = given = 0
        for _ in range(subsets):
            values = subset()
            if error is None:
                changed = {**values, **_percents(values)}
            else:
                changed = {**values, analyte: values.get(analyte, np.zeros(0)) * error}
            changed = _lines(changed) if only else changed
            if not (changed.get(analyte, np.zeros(0)) > 0).any():
                continue
            given += 1
            found += analyte in suspicions(KNOWLEDGE, of_columns(changed))
        shares.append(f"{found / given:.2f}" if given else "-")
    return " / ".join(shares)


def _percents(values: Columns) -> Columns:
    """Put percentages under the names of counts, and leave none under their own."""
    parts = {analyte.id: analyte.percent for analyte in KNOWLEDGE.analytes.values() if analyte.percent in values}
    nothing = {str(name): np.full(len(values[str(name)]), np.nan) for name in parts.values()}
    return {**nothing, **{name: values[str(percent)] for name, percent in parts.items()}}


if __name__ == "__main__":
    main()
