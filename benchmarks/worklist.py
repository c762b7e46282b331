"""What the reviewer's view costs: cells as received, and the page, in one run.

Usage: python benchmarks/worklist.py [ROWS]

Synthetic low counts, so that nearly every row is listed. Prints the scan with and without
`received`, the time and the size of the page for each count listed, and peak memory.
"""

from __future__ import annotations

import csv
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import cbc_screen as cbc

HEADER = ["MRN", "age", "sex", "HGB (g/dL)", "WBC (10^9/L)", "NEUT (10^9/L)", "PLT (10^9/L)", "MCV (fL)", "Hct (%)"]


def write_export(path: Path, rows: int) -> None:
    """Write counts of which nearly all have something low; three to a person."""
    chance = random.Random(20261123)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            hemoglobin, wbc = max(3.0, chance.gauss(9.5, 2)), max(0.3, chance.gauss(3, 1.2))
            platelets = chance.choice(["<10", "CLUMPED", ""]) if chance.random() < 0.1 else str(chance.randint(1, 200))
            cells = [f"P{number // 3:06d}", f"{chance.randint(1, 92)} y", chance.choice("FM"), f"{hemoglobin:.1f}"]
            cells += [f"{wbc:.1f}", f"{wbc * chance.uniform(0.3, 0.7):.2f}", platelets, f"{chance.gauss(95, 8):.1f}"]
            writer.writerow([*cells, f"{hemoglobin * 3:.1f}"])


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, flags, page = folder / "export.csv", folder / "flags.parquet", folder / "worklist.html"
        write_export(source, rows)
        cbc.scan(source, flags)  # compiles the rules
        times = {}
        for received in (False, True):
            began = time.perf_counter()
            cbc.scan(source, flags, keep=["MRN"], received=received, force=True)
            times[received] = time.perf_counter() - began
        print(
            f"scan of {rows:,} rows: {times[False]:.2f} s; with the cells as received {times[True] / times[False]:.2f} times"
        )
        began = time.perf_counter()
        listed = min(cbc.worklist(flags, page, person="MRN"), 100_000)
        spent = time.perf_counter() - began
        print(
            f"worklist of {listed:,} counts: {spent:.1f} s, {1000 * spent / listed:.2f} ms and {page.stat().st_size / listed:.0f} bytes each"
        )
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


if __name__ == "__main__":
    main()
