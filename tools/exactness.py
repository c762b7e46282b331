"""Values on, just below and just above every limit, in every accepted unit, against exact decimals.

Usage: python tools/exactness.py [ROWS]

Each row is one result of one person: a limit of that person's age and sex, moved by a few
thousandths, written in an accepted unit that can hold it. The state and the grade are worked
out with decimals from the tables and compared with `screen_frame`, which takes the number
once as text and once as a float. Prints how many were wrong, and exits with 1 if any was.
"""

from __future__ import annotations

import random
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

import cbc_screen as cbc  # noqa: E402
from cbc_screen.knowledge import load_knowledge  # noqa: E402
from cbc_screen.knowledge.grading import GradeRow  # noqa: E402
from cbc_screen.knowledge.intervals import IntervalRow  # noqa: E402

KNOWLEDGE = load_knowledge()
DEFAULT = KNOWLEDGE.interval_sets[KNOWLEDGE.default_sets[0]].rows
STEPS = [Decimal(step) / 1000 for step in (-100, -10, -1, 0, 1, 10, 100)]
FINE = [Decimal(step) / 1_000_000 for step in (-1, 1)]
AGES = {"54 y": 54 * 12, "9 y": 9 * 12, "16 y": 16 * 12, "3 y": 36, "80 y": 80 * 12}
GRADES = {"hemoglobin": "hemoglobin_grade", "neutrophils": "white_grade", "platelets": "platelets_grade"}


def covers(row: IntervalRow | GradeRow, months: int, sex: str) -> bool:
    """Tell whether a row is for an age in months and a sex, outside pregnancy."""
    low = row.age_low.count if row.age_low.unit == "mo" else row.age_low.count / 30.4
    high = 10**6 if row.age_high is None else row.age_high.count if row.age_high.unit == "mo" else 0
    return low <= months < high and row.sex in ("any", sex) and row.pregnancy in ("any", "none")


def state_of(value: Decimal, row: IntervalRow) -> str:
    """Return the state of a value by exact comparison; a value on a limit is within."""
    if row.lower is not None and value < Decimal(repr(row.lower)):
        return "low"
    return "high" if row.upper is not None and value > Decimal(repr(row.upper)) else "within"


def grade_of(value: Decimal, rows: list[GradeRow]) -> int:
    """Return the highest grade whose upper bound the value lies below."""
    bounds = [(row.grade, Decimal(repr(row.upper))) for row in rows if row.upper is not None and row.grade > 0]
    return max((grade for grade, upper in bounds if value < upper), default=0)


def make_rows(many: int) -> list[dict[str, Any]]:
    """Make rows with what is expected of each."""
    pick = random.Random(7)
    scheme = KNOWLEDGE.scheme("clinical")
    choices = []
    for name in dict.fromkeys(row.analyte for row in DEFAULT):
        units = list(KNOWLEDGE.analytes[name].units.accepted.items())
        for age, months in AGES.items():
            for sex in ("F", "M"):
                interval = next(r for r in DEFAULT if r.analyte == name and covers(r, months, sex))
                bands = [r for r in scheme.tables.get(name, ()) if covers(r, months, sex)]
                limits = [interval.lower, interval.upper, *(band.upper for band in bands)]
                choices.append((name, units, age, sex, interval, bands, [v for v in limits if v is not None]))
    rows: list[dict[str, Any]] = []
    while len(rows) < many:
        name, units, age, sex, interval, bands, limits = pick.choice(choices)
        unit, factor = pick.choice(units)
        value = Decimal(repr(pick.choice(limits))) + pick.choice(STEPS) * pick.choice((1, 1, 1, Decimal("0.1")))
        value += pick.choice(FINE) if pick.random() < 0.2 else 0
        written = value * factor.denominator / factor.numerator
        plausible = KNOWLEDGE.analytes[name].plausible or (0, 10**9)
        exact = written * factor.numerator / factor.denominator == value and len(written.as_tuple().digits) <= 15
        if exact and max(0, plausible[0]) < value <= plausible[1]:
            grade = grade_of(value, bands) if bands else None
            rows.append(
                {"analyte": name, "unit": unit, "age": age, "sex": sex, "text": format(written.normalize(), "f"),
                 "state": state_of(value, interval), "grade": grade}
            )  # fmt: skip
    return rows


def main() -> int:
    """Compare and print."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rows = pd.DataFrame(make_rows(many))
    wrong: dict[str, int] = {}
    for name, group in rows.groupby("analyte"):
        frame = pd.DataFrame({"age": group["age"], "sex": group["sex"], f"{name}_unit": group["unit"]})
        for form, values in (("text", group["text"]), ("float", group["text"].astype(float))):
            found = cbc.screen_frame(frame.assign(**{str(name): values}).reset_index(drop=True))
            bad = np.asarray(found[f"{name}_state"].astype(str)) != group["state"].to_numpy()
            if name in GRADES:
                bad |= np.asarray(found[GRADES[str(name)]]).astype(float) != group["grade"].to_numpy().astype(float)
            wrong[f"{name}, {form}"] = int(bad.sum())
            for example in group[bad].head(2).to_dict("records"):
                print("WRONG", form, example)
    print(
        f"{len(rows):,} values of {rows['analyte'].nunique()} analytes in {rows['unit'].nunique()} units, as text and as float"
    )
    print(f"wrong: {sum(wrong.values())}")
    return 1 if sum(wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
