"""What the reviewer's view costs: cells as received, and the page, in one run.

Usage: python benchmarks/worklist.py [ROWS]

Synthetic low counts, so that nearly every row is listed. Prints the scan with and without
`received`, the time, the size and the peak memory of a page of 1,000 counts and of all, and when Chromium shows its
first row.
"""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
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
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
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
        for listed in sorted({min(rows, 1_000), rows}):
            spent, cpu, peak = _worklist(flags, page, listed)
            size = page.stat().st_size
            print(
                f"worklist of {listed:,} counts: {spent:.1f} s ({cpu:.1f} s of a core), {1000 * cpu / listed:.2f} ms and "
                f"{size / listed:.0f} bytes each, {size / 1e6:.1f} MB; peak memory {peak:.0f} MB"
            )
        if browser := _first_row(page):
            print(f"in Chromium: first row after {browser[0]:.2f} s, search and filters after {browser[1]:.2f} s")


def _worklist(flags: Path, page: Path, most: int) -> tuple[float, float, float]:
    """Write the page in a process of its own; return seconds, seconds of a core and peak memory."""
    code = (
        "import resource, sys, time; import cbc_screen as cbc; began = time.perf_counter();"
        "cbc.worklist(sys.argv[1], sys.argv[2], person='MRN', most=int(sys.argv[3]), force=True);"
        "print(time.perf_counter() - began, time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)"
    )
    arguments = [sys.executable, "-c", code, str(flags), str(page), str(most)]
    spent, cpu, peak = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.split()
    return float(spent), float(cpu), float(peak)


def _first_row(page: Path) -> tuple[float, float] | None:
    """Return when Chromium shows the first row, and when the whole list is read; None where there is no Chromium."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        return None
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    driver = webdriver.Chrome(service=webdriver.ChromeService(chromedriver), options=options)
    try:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        driver.get(page.as_uri())
        while not (found := driver.execute_script("return window.whole && [window.first, window.whole]")):
            time.sleep(0.1)
        return found[0] / 1000, found[1] / 1000
    finally:
        driver.quit()


_WATCH = """
new MutationObserver(() => {
  if (!window.first && document.querySelector("#rows button.open")) window.first = performance.now();
  if (!window.whole && document.body && document.body.dataset.ready) window.whole = performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


if __name__ == "__main__":
    main()
