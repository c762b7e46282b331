"""A synthetic, seeded, messy laboratory export: every trap of the README in one file.

Nothing in it is of a person. The numbers are made to fall on both sides of limits; they
are not clinical thresholds and none is used by the screen.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SEED = 20261123
HEADER = [
    "Sample", "Age", "Age unit", "Sex", "Pregnancy", "HGB", "HGB unit", "WBC (10^9/L)", "Neutrophils (10^9/L)",
    "Neutrophils %", "PLT", "PLT unit", "MCV (fL)", "Hct (%)", "RBC (10^12/L)", "HbA1c", "PCT", "Comment",
]  # fmt: skip
# One row a trap: sample, age, age unit, sex, pregnancy, hemoglobin + unit, WBC,
# neutrophils, neutrophils %, platelets + unit, MCV, Hct, RBC, and what it shows.
TRAPS = [
    ["T01", "54", "y", "F", "", "7.1", "g/dL", "1.1", "0.2", "", "<10", "10^9/L", "104", "21", "2.0", "", "", "the sickest row: a censored count"],
    ["T02", "61", "y", "M", "", "68", "g/L", "0.9", "0", "", "0", "10^9/L", "99", "20", "2.0", "", "", "true zeros"],
    ["T03", "35", "y", "F", "", "13.2", "g/dL", "6.1", "3.9", "", "CLUMPED", "10^9/L", "88", "40", "4.5", "", "", "a word where a number is expected"],
    ["T04", "47", "y", "M", "", "14.9", "", "7.0", "4.4", "", "240", "10^9/L", "90", "45", "5.0", "", "", "unit missing"],
    ["T05", "47", "y", "M", "", "9.0", "mg/dL", "7.0", "4.4", "", "240", "10^9/L", "90", "45", "5.0", "", "", "a look-alike unit"],
    ["T06", "29", "y", "", "", "12.5", "g/dL", "5.0", "2.9", "", "150", "10^9/L", "91", "38", "4.2", "", "", "sex unknown: one line is low either way, and not the same one"],
    ["T07", "29", "y", "X?", "", "8.4", "g/dL", "2.1", "0.9", "", "40", "10^9/L", "101", "25", "2.5", "", "", "sex unreadable: the two ranges agree"],
    ["T08", "", "", "F", "", "11.9", "g/dL", "5.6", "3.3", "", "210", "10^9/L", "86", "36", "4.2", "", "", "age missing"],
    ["T09", "3", "d", "M", "", "14.0", "g/dL", "12.0", "5.0", "", "180", "10^9/L", "108", "43", "4.0", "", "", "a newborn"],
    ["T10", "7", "mo", "F", "", "10.0", "g/dL", "8.0", "", "30", "300", "10^9/L", "76", "31", "4.1", "", "", "an infant; neutrophils as a percentage"],
    ["T11", "31", "y", "F", "T2", "10.7", "g/dL", "9.5", "7.0", "", "160", "10^9/L", "88", "32", "3.7", "", "", "second trimester"],
    ["T12", "31", "y", "F", "pregnant", "10.7", "g/dL", "9.5", "7.0", "", "160", "10^9/L", "88", "32", "3.7", "", "", "trimester unknown"],
    ["T13", "70", "y", "M", "", "-9.1", "g/dL", "5.0", "3.0", "", "200", "10^9/L", "92", "40", "4.4", "", "", "a negative number"],
    ["T14", "70", "y", "M", "", "45", "g/dL", "5.0", "3.0", "", "200", "10^9/L", "92", "40", "4.4", "", "", "an absurd number"],
    ["T15", "-2", "y", "F", "", "12.9", "g/dL", "5.0", "3.0", "", "265", "10^9/L", "92", "40", "4.4", "", "", "an age before birth"],
    ["T16", "66", "y", "F", "", "10,4", "g/dL", "5.0", "3.0", "", "1,200", "10^9/L", "92", "32", "3.5", "", "", "a decimal comma nobody declared"],
    ["T17", "58", "y", "M", "", "9.9", "g/dL", "250", "1.2", "", "31", "10^9/L", "94", "30", "3.2", "", "", "white cells of 250 are not divided by a thousand"],
    ["T18", "58", "y", "F", "", "12.6", "g/dL", "4.6", "", "", "265000", "/uL", "90", "38", "4.2", "5.4", "0.21", "platelets per microliter; HbA1c and PCT are not blood counts"],
    ["T19", "> 89", "y", "F", "", "11.0", "g/dL", "3.2", "1.9", "", "130", "10^9/L", "99", "33", "3.4", "", "", "age known only from below"],
    ["T20", "45", "y", "F", "", "8.8", "g/dL", "3.0", "1.2", "", "", "", "103", "26", "2.5", "", "", "a line missing: at least two low, three not excluded"],
    ["T21", "45", "y", "M", "", "15.0", "g/dL", "6.2", "4.0", "", "240", "K", "90", "36", "5.0", "", "", "a bare K is no unit; hemoglobin and hematocrit disagree"],
    ["T22", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "no result at all"],
]  # fmt: skip
ORDINARY_ROWS, SAMPLE_ROWS = 480, 120


def write_demo(path: Path, *, ordinary: int = ORDINARY_ROWS, seed: int = SEED) -> None:
    """Write the export; the same seed gives the same file."""
    rows = _rows(ordinary, seed)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for place, row in enumerate(rows):
            writer.writerow(row)
            if place == len(rows) // 2:
                file.write("T23,a line,cut short\r\n")  # ragged, on purpose


def sample(*, ordinary: int = SAMPLE_ROWS, seed: int = SEED) -> pd.DataFrame:
    """Return a small synthetic frame to try things on: every trap of the demo among ordinary counts, as texts.

    Parameters
    ----------
    ordinary : int
        How many ordinary counts stand among the traps.
    seed : int
        The same seed gives the same frame.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> counts = cbc.sample()
    >>> int(cbc.screen_frame(counts)["pattern"].value_counts()["none"])
    89
    """
    import pandas as pd

    return pd.DataFrame(_rows(ordinary, seed), columns=HEADER)


def _rows(ordinary: int, seed: int) -> list[list[str]]:
    chance = random.Random(seed)
    rows = [[str(cell) for cell in row] for row in TRAPS] + [_ordinary(chance, number) for number in range(ordinary)]
    chance.shuffle(rows)
    return rows


def _ordinary(chance: random.Random, number: int) -> list[str]:
    sex, age = chance.choice("FM"), chance.randint(1, 92)
    hemoglobin = max(3.0, chance.gauss(13.4 if sex == "F" else 14.8, 1.6))
    wbc = max(0.3, chance.gauss(6.8, 2.1))
    neutrophils = wbc * chance.uniform(0.4, 0.7)
    platelets = max(2, round(chance.gauss(255, 75)))
    mcv = chance.gauss(89, 5)
    hematocrit = hemoglobin * chance.uniform(2.9, 3.05)
    return [
        f"S{number:04d}", str(age), "y", sex, "", f"{hemoglobin:.1f}", "g/dL", f"{wbc:.1f}", f"{neutrophils:.1f}", "",
        str(platelets), chance.choice(["10^9/L", "K/uL", "10*3/uL"]), f"{mcv:.1f}", f"{hematocrit:.1f}",
        f"{hematocrit * 10 / mcv:.2f}", "", "", "",
    ]  # fmt: skip
