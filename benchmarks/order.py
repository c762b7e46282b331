"""All that is measured about the order of the checklist, in one go.

Usage: python benchmarks/order.py FOLDER

FOLDER has the shared material (`knowledge/ordering`, `data/published_cases`, `data/nhanes_cbc`, `data/mimic3_demo`).
Run it with the Python of an earlier version for the numbers before, and with this checkout's for those after.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run the scripts one after another."""
    shared = Path(sys.argv[1])
    ordering, data = shared / "knowledge" / "ordering", shared / "data"
    for script, *given in (
        ("presentations.py", ordering / "presentations.yaml"),
        ("checklist.py", data / "published_cases" / "cases.jsonl"),
        ("population.py", data / "nhanes_cbc" / "nhanes_cbc_demo_2015-2016.csv.gz"),
        ("admissions.py", data / "mimic3_demo", ordering / "mimic_codes.csv"),
        ("leukemia.py",),
    ):
        subprocess.run([sys.executable, str(HERE / script), *map(str, given)], check=True)
        print(flush=True)


if __name__ == "__main__":
    main()
