"""Plant wrong numbers in the tables, one at a time, and report how many a test catches.

Usage: python tools/plant_numbers.py [HOW_MANY]

Digits changed, bounds swapped, rows dropped, sexes flipped, in intervals/, and in grading/
with adjustments/, on copies. The hash of the file is listed anew with each fault, so that the comparison must find
it and not the hash. Exits with 1 below 100 % in grading or 98 % in intervals.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ("tests/knowledge/test_tables_match_sources.py",)
# The tables that a grade is made of belong together: its bands, and what is subtracted first.
GROUPS = {"grading": ("grading", "adjustments"), "intervals": ("intervals",)}
NUMBERS = ("lower", "upper", "subtract")
FLIPPED = {"F": "M", "M": "F", "any": "F"}


def plant(text: str, chance: random.Random) -> tuple[str, str]:
    """Return the text with one fault, and what was done."""
    rows = list(csv.reader(io.StringIO(text)))
    header, body = rows[0], rows[1:]
    row = chance.choice(body)
    lower, upper = header.index("lower"), header.index("upper")
    kinds = ("digit", "digit", "digit", "swap", "drop", *(["sex"] if "sex" in header else []))
    kind = chance.choice(kinds)
    places = [header.index(name) for name in NUMBERS if name in header]
    numbers = [place for place in places if any(c.isdigit() for c in row[place])]
    if kind == "swap" and row[lower] != row[upper]:
        row[lower], row[upper] = row[upper], row[lower]
    elif kind == "drop":
        body.remove(row)
    elif kind == "sex":
        sex = header.index("sex")
        row[sex] = FLIPPED[row[sex]]
    else:
        kind = "digit"
        place = chance.choice(numbers)
        digits = [position for position, c in enumerate(row[place]) if c.isdigit()]
        position = chance.choice(digits)
        other = chance.choice([d for d in "0123456789" if d != row[place][position]])
        row[place] = row[place][:position] + other + row[place][position + 1 :]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *body])
    return out.getvalue(), kind


def digest(text: str) -> str:
    """Return the hash of a file as the manifest lists it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def main() -> int:
    """Plant the faults and print the shares."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    chance = random.Random(20261123)
    files = {
        group: [file for folder in folders for file in sorted((ROOT / "reference_ranges" / folder).glob("*.csv"))]
        for group, folders in GROUPS.items()
    }
    environment = {**os.environ, "CBC_SCREEN_SHARED": os.environ.get("CBC_SCREEN_SHARED", str(ROOT.parent / "shared"))}
    planted: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("src", "tests", "reference_ranges"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        manifest = copy / "reference_ranges" / "manifest.yaml"
        listed = manifest.read_text(encoding="utf-8")
        environment["PYTHONPATH"] = str(copy / "src")
        for number in range(many):
            group = tuple(GROUPS)[number % 2]
            file = copy / chance.choice(files[group]).relative_to(ROOT)
            whole = file.read_text(encoding="utf-8")
            if digest(whole) not in listed:
                sys.exit(f"{file.name}: the manifest lists another hash; run tools/update_manifest.py first")
            wrong, kind = plant(whole, chance)
            file.write_text(wrong, encoding="utf-8")
            manifest.write_text(listed.replace(digest(whole), digest(wrong)), encoding="utf-8")
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS]
            done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
            file.write_text(whole, encoding="utf-8")
            manifest.write_text(listed, encoding="utf-8")
            planted[group] += 1
            caught[group] += done.returncode == 1
            if done.returncode != 1:
                print(f"NOT CAUGHT: {kind} in {file.name}", flush=True)
    for group in planted:
        print(f"{group}: {caught[group]} of {planted[group]} caught, {100 * caught[group] / planted[group]:.1f} %")
    enough = caught["grading"] == planted["grading"] and caught["intervals"] >= 0.98 * planted["intervals"]
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
