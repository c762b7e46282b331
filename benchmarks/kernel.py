"""Rows a second of the kernel, in one run on this machine (record.py times one record).

Usage: python benchmarks/kernel.py [--rows 2000000]

Prints medians of several runs and the ratios that matter: machines are noisy, so quote
the ratios, and the absolute numbers only with the machine.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from cbc_screen.kernel.configure import Configuration, build_kernel
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.knowledge import load_knowledge
from cbc_screen.vocabulary import Pregnancy, Sex

# Mean and spread of synthetic counts: numbers to fall on both sides of limits.
SHAPES = {
    "hemoglobin": (130, 25), "hematocrit": (0.4, 0.08), "rbc": (4.5, 0.8), "mcv": (90, 9), "mch": (30, 3),
    "mchc": (335, 12), "rdw_cv": (14, 1.5), "wbc": (7, 3), "neutrophils": (4, 2), "lymphocytes": (2, 0.8),
    "monocytes": (0.5, 0.2), "eosinophils": (0.2, 0.1), "basophils": (0.05, 0.02), "platelets": (240, 90), "mpv": (9, 1),
}  # fmt: skip
SLICE = 262_144


def batch(rows: int, unsure_cells: float = 0.0, unknown_sex: float = 0.0) -> Batch:
    """Make full counts of 15 analytes; of the unsure cells half are "<x" and half are missing."""
    chance = np.random.default_rng(1)
    low = {name: np.abs(chance.normal(*shape, rows)).round(2) for name, shape in SHAPES.items()}
    high = dict(low)
    if unsure_cells:
        for name, values in low.items():
            lot = chance.random(rows)
            missing, censored = lot < unsure_cells / 2, lot < unsure_cells
            high[name] = np.where(missing, np.nan, values)
            low[name] = np.where(missing, np.nan, np.where(censored, 0.0, values))
    months = chance.integers(12, 12 * 90, rows)
    sex = chance.integers(0, 2, rows).astype(np.int8)
    sex[chance.random(rows) < unknown_sex] = SEXES.index(Sex.UNKNOWN)
    return Batch(
        rows, low, high, {}, {}, None, None, months * 30, months * 30 + 31, months, months,
        np.ones(rows, dtype=np.bool_), sex, np.full(rows, PREGNANCIES.index(Pregnancy.NOT_STATED), dtype=np.int8),
    )  # fmt: skip


def median_seconds(works: Sequence[Callable[[], object]], runs: int = 15) -> list[float]:
    """Time each work in turns, after one warm-up: a busy moment meets all of them."""
    times: list[list[float]] = [[] for _ in works]
    for run in range(runs + 1):
        for work, own in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            if run:
                own.append(time.perf_counter() - start)
    return [statistics.median(own) for own in times]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_048_576)
    rows = parser.parse_args().rows
    kernel = build_kernel(load_knowledge(), Configuration())
    part = min(SLICE, rows)
    batches = {
        "exact values": batch(part),
        "5 % of cells are intervals": batch(part, unsure_cells=0.05),
        "sex unknown in 2 % of rows": batch(part, unknown_sex=0.02),
    }
    repeats = max(1, rows // part)
    works = [partial(screen_often, kernel, own, repeats) for own in batches.values()]
    seconds = median_seconds(works)
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, one core")
    for kind, taken in zip(batches, seconds, strict=True):
        rate = part * repeats / taken / 1e6
        print(f"kernel, {kind:28} {rate:6.2f} M counts/s   {seconds[0] / taken:.2f} of exact")


def screen_often(kernel: Kernel, counts: Batch, repeats: int) -> None:
    """Screen the same counts several times."""
    for _ in range(repeats):
        kernel.screen(counts)


if __name__ == "__main__":
    main()
