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
from collections.abc import Callable

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


def batch(rows: int, censored: float, unknown_sex: float) -> Batch:
    """Make full counts of 15 analytes."""
    chance = np.random.default_rng(1)
    low = {name: np.abs(chance.normal(*shape, rows)).round(2) for name, shape in SHAPES.items()}
    high = dict(low)
    if censored:
        for name, values in low.items():
            cells = chance.random(rows) < censored
            low[name], high[name] = np.where(cells, 0.0, values), values.copy()
    months = chance.integers(12, 12 * 90, rows)
    sex = chance.integers(0, 2, rows).astype(np.int8)
    sex[chance.random(rows) < unknown_sex] = SEXES.index(Sex.UNKNOWN)
    return Batch(
        rows, low, high, {}, {}, None, None, months * 30, months * 30 + 31, months, months,
        np.ones(rows, dtype=np.bool_), sex, np.full(rows, PREGNANCIES.index(Pregnancy.NOT_STATED), dtype=np.int8),
    )  # fmt: skip


def median_seconds(work: Callable[[], object], runs: int = 5) -> float:
    """Time some work after one warm-up."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def kernel_rate(kernel: Kernel, rows: int, censored: float = 0.0, unknown_sex: float = 0.0) -> float:
    """Return full counts a second on one core."""
    part = batch(min(SLICE, rows), censored, unknown_sex)
    repeats = max(1, rows // part.rows)
    return part.rows * repeats / median_seconds(lambda: [kernel.screen(part) for _ in range(repeats)])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_048_576)
    rows = parser.parse_args().rows
    kernel = build_kernel(load_knowledge(), Configuration())
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, one core")
    exact = kernel_rate(kernel, rows)
    print(f"kernel, exact values                 {exact / 1e6:6.2f} M counts/s")
    censored = kernel_rate(kernel, rows, censored=0.05)
    print(f"kernel, 5 % of cells are intervals   {censored / 1e6:6.2f} M counts/s   {censored / exact:.2f} of exact")
    unsure = kernel_rate(kernel, rows, unknown_sex=0.02)
    print(f"kernel, sex unknown in 2 % of rows   {unsure / 1e6:6.2f} M counts/s   {unsure / exact:.2f} of exact")


if __name__ == "__main__":
    main()
