"""Milliseconds to import the package and to give the first answer, in processes of their own.

Usage: python benchmarks/start.py [--runs 15]

The kinds take turns, so that a busy moment meets all of them; each time is a median. A
fresh folder for bytecode shows what a first process costs that finds nothing kept.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping

RECORD = {"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "wbc": "2.3 10^9/L", "platelets": "<10 10^9/L"}
CLOCK = "import time; start = time.perf_counter()\n"
TELL = "\nprint((time.perf_counter() - start) * 1000)"
MODEL = "import pydantic\nclass Count(pydantic.BaseModel):\n    value: float"
KINDS: Mapping[str, tuple[str, str]] = {
    "import cbc_screen": ("", "import cbc_screen"),
    "the first screen, after that": ("import cbc_screen", f"cbc_screen.screen({RECORD!r})"),
    "the first screen, with pydantic imported already": (
        f"import cbc_screen\n{MODEL}",
        f"cbc_screen.screen({RECORD!r})",
    ),
    "pydantic and one model alone": ("", MODEL),
    "numpy alone": ("", "import numpy"),
}


def milliseconds(before: str, work: str, environment: Mapping[str, str]) -> float:
    """Time some work in a new interpreter."""
    code = f"{before}\n{CLOCK}{work}{TELL}"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        milliseconds("import numpy", MODEL, environment)  # their bytecode, and not ours
        nothing_kept = milliseconds(*KINDS["the first screen, after that"], environment)
        times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(runs):
            for kind, (before, work) in KINDS.items():
                times[kind].append(milliseconds(before, work, environment))
    for kind, found in times.items():
        print(f"{kind:50} {statistics.median(found):6.0f} ms   least {min(found):.0f}")
    print(f"{'the first screen where nothing is kept':50} {nothing_kept:6.0f} ms")


if __name__ == "__main__":
    main()
