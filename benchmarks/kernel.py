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
from workloads import SLICE, numbers, people

from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.knowledge import load_knowledge
from cbc_screen.vocabulary import Pregnancy, Sex


def batch(rows: int, unsure_cells: float = 0.0, unknown_sex: float = 0.0, *, agree: bool = True) -> Batch:
    """Make full counts of 15 analytes; of the unsure cells half are "<x" and half are missing."""
    low, high = numbers(rows, unsure_cells, agree=agree)
    months, male = people(rows)
    sexes = np.array([SEXES.index(Sex.FEMALE), SEXES.index(Sex.MALE)], dtype=np.int8)
    sex = sexes[male]
    sex[np.random.default_rng(3).random(rows) < unknown_sex] = SEXES.index(Sex.UNKNOWN)
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
        "numbers that contradict": batch(part, agree=False),
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
