"""Work out the NHANES rows of a set of reference ranges again, from the public files, and compare.

Usage: python tools/derive_default_set.py FOLDER [--set default_v1] [--table TABLE] [--reading READING]

FOLDER has the files of 2013-2014 (H), 2015-2016 (I) and 2017 to March 2020 (P), as CSV (.csv.xz): CBC, DEMO, DIQ,
FERTIN, HSCRP, HSQ, HUQ, KIQ_U, MCQ, SMQ, UCPREG. Healthy people are those whom no exclusion names; a row of red-cell
quantities takes, of children of 1 to 5 years and women of 12 to 49, only those whose ferritin was measured. Limits
are the survey-weighted 2.5th and 97.5th centile (middle of each person's own weight, straight lines between), their
90 % limits those of Rao and Wu's bootstrap: of each stratum of k sampling units k - 1 are drawn with replacement.

Printed is a line for each row: people, lower and upper limit as shipped and as recomputed, the difference, the
bootstrap limits, and whether the shipped number lies inside them. TABLE gets the same as CSV. READING is another way
to read the words of the exclusions (docs/default_set.md): `angina` leaves out people told of angina too, `copd` those
told of COPD in 2013-16 too, `both` both. The rows that are not from NHANES name the set that they were taken from:
they are compared with it, and a band that is wider than the published one is said.
"""

from __future__ import annotations

import argparse
import csv
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

Frame = pd.DataFrame
Marks = np.ndarray
INTERVALS = Path(__file__).resolve().parents[1] / "reference_ranges" / "intervals"
CYCLES = ("H", "I", "P")
YEARS = {"H": 2.0, "I": 2.0, "P": 3.2}  # of collection that the weights of a cycle stand for
CENTILES = (0.025, 0.975)
OF_REPLICATES = (0.05, 0.95)
REPLICATES, SEED = 400, 20260101
DAYS = {"d": 1.0, "mo": 30.4375, "y": 365.25}  # to compare bands only
# Each quantity: a column, what one of its units is in the unit of the set, and the decimals of the set.
MEASURED = {
    "hemoglobin": ("LBXHGB", 10.0, 0), "hematocrit": ("LBXHCT", 0.01, 3), "rbc": ("LBXRBCSI", 1.0, 2),
    "mcv": ("LBXMCVSI", 1.0, 1), "mch": ("LBXMCHSI", 1.0, 1), "mchc": ("LBXMC", 10.0, 0), "rdw_cv": ("LBXRDW", 1.0, 1),
    "wbc": ("LBXWBCSI", 1.0, 1), "platelets": ("LBXPLTSI", 1.0, 0), "mpv": ("LBXMPSI", 1.0, 1),
}  # fmt: skip
# Of white cells: the published absolute counts have one decimal, so the percentage of the count is taken.
PERCENTAGES = {
    "neutrophils": "LBXNEPCT", "lymphocytes": "LBXLYPCT", "monocytes": "LBXMOPCT", "eosinophils": "LBXEOPCT",
    "basophils": "LBXBAPCT",
}  # fmt: skip
WHITE, WHITE_DECIMALS = "LBXWBCSI", 2
RED_CELL = ("hemoglobin", "hematocrit", "rbc", "mcv", "mch", "mchc", "rdw_cv")
FILES = ("CBC", "DEMO", "DIQ", "FERTIN", "HSCRP", "HSQ", "HUQ", "KIQ_U", "MCQ", "SMQ", "UCPREG")
ANSWERS = (
    "RIDEXPRG", "URXPREG", "HUQ010", "MCQ053", "MCQ160B", "MCQ160C", "MCQ160D", "MCQ160E", "MCQ160F", "MCQ170L",
    "MCQ220", "MCQ160G", "MCQ170K", "MCQ160O", "MCQ160P", "MCQ195", "KIQ022", "DIQ010", "SMQ040", "HSQ500", "HSQ510",
    "HSQ520",
)  # fmt: skip
DESIGN = ("RIAGENDR", "RIDAGEYR", "SDMVSTRA", "SDMVPSU", "WTMEC2YR", "WTMECPRP", "LBXHSCRP", "LBXFER")


class FilesMissing(Exception):
    """A file of the folder is not there."""


@dataclass(frozen=True)
class Limit:
    """One limit of one row."""

    shipped: float
    recomputed: float
    boot_low: float
    boot_high: float

    @property
    def difference(self) -> float:
        """Return recomputed less shipped."""
        return round(self.recomputed - self.shipped, 6)

    @property
    def inside(self) -> bool:
        """Say whether the shipped number lies inside the bootstrap limits, which belong to it."""
        return self.boot_low <= self.shipped <= self.boot_high


@dataclass(frozen=True)
class Row:
    """What is printed of one row of the set."""

    set: str
    analyte: str
    sex: str
    ages: str
    n_shipped: int
    n_recomputed: int
    lower: Limit
    upper: Limit


# Who is healthy ---------------------------------------------------------------------------


def read(folder: Path) -> Frame:
    """Return everybody with a count, of every cycle."""
    return pd.concat([read_cycle(folder, cycle) for cycle in CYCLES], ignore_index=True)


def read_cycle(folder: Path, cycle: str) -> Frame:
    """Join the files of a cycle by person. Ferritin and CRP were not measured in 2013-14."""
    wanted = {"SEQN", WHITE, *DESIGN, *ANSWERS, *(of[0] for of in MEASURED.values()), *PERCENTAGES.values()}
    joined: Frame | None = None
    for text in FILES:
        path = folder / (f"P_{text}.csv.xz" if cycle == "P" else f"{text}_{cycle}.csv.xz")
        if cycle == "H" and text in ("FERTIN", "HSCRP"):
            continue
        if not path.exists():
            raise FilesMissing(f"{path} is not there: the files of NHANES 2013 to March 2020 are needed, as CSV (.xz)")
        frame = pd.read_csv(path, usecols=lambda name: name in wanted)
        joined = frame if joined is None else joined.merge(frame, on="SEQN", how="left")
    assert joined is not None
    people = joined[joined["LBXHGB"].notna()]
    weight = people["WTMECPRP" if cycle == "P" else "WTMEC2YR"] * YEARS[cycle] / sum(YEARS.values())
    return people.reindex(columns=sorted(wanted)).assign(weight=weight)


def yes(people: Frame, *names: str) -> Marks:
    """Return those who said yes to one of the questions."""
    return (people[list(names)] == 1).any(axis=1).to_numpy()


def exclusions(people: Frame) -> dict[str, Marks]:
    """Return who is left out, by reason."""
    iron = np.where(people["RIDAGEYR"] < 5, 12, 15)
    return {
        "pregnant": yes(people, "RIDEXPRG", "URXPREG"),
        "fair or poor health": people["HUQ010"].isin([4, 5]).to_numpy(),
        "treated for anemia in 3 months": yes(people, "MCQ053"),
        "heart failure, coronary disease, heart attack or stroke": yes(
            people, "MCQ160B", "MCQ160C", "MCQ160E", "MCQ160F"
        ),
        "a liver condition now": yes(people, "MCQ170L"),
        "a cancer": yes(people, "MCQ220"),
        # 2017-20 asks of the three together; 2013-16 of each, chronic bronchitis as still there.
        "emphysema, chronic bronchitis now, or COPD (2017-20)": yes(people, "MCQ160G", "MCQ170K", "MCQ160P"),
        "rheumatoid arthritis": (people["MCQ195"] == 2).to_numpy(),
        "weak or failing kidneys": yes(people, "KIQ022"),
        "diabetes": yes(people, "DIQ010"),
        "smokes now": people["SMQ040"].isin([1, 2]).to_numpy(),
        "CRP above 10 mg/L": (people["LBXHSCRP"] > 10).to_numpy(),
        "ferritin below 12 ug/L under 5 years, below 15 from then on": (people["LBXFER"] < iron).to_numpy(),
        "a cold, stomach illness, flu, pneumonia or ear infection in 30 days": yes(
            people, "HSQ500", "HSQ510", "HSQ520"
        ),
    }


# Another way to read the words: whom it leaves out besides.
READINGS: Mapping[str, Callable[[Frame], Marks]] = {
    "shipped": lambda people: np.zeros(len(people), dtype=bool),
    "angina": lambda people: yes(people, "MCQ160D"),
    "copd": lambda people: yes(people, "MCQ160O"),
    "both": lambda people: yes(people, "MCQ160D", "MCQ160O"),
}


def healthy(people: Frame, reading: str = "shipped") -> Frame:
    """Return those whom no exclusion names."""
    left_out = np.logical_or.reduce([*exclusions(people).values(), READINGS[reading](people)])
    return people[~left_out]


def ferritin_known_where_asked(people: Frame) -> Marks:
    """Return who may stand in a red-cell row."""
    age = people["RIDAGEYR"]
    asked = (age < 6) | ((people["RIAGENDR"] == 2) & age.between(12, 49))
    return (people["LBXFER"].notna() | ~asked).to_numpy()


# Centiles ---------------------------------------------------------------------------------


def centiles(values: Marks, weights: Marks) -> Marks:
    """Return both limits. `values` ascend; people of weight zero do not count."""
    there = weights > 0
    values, weights = values[there], weights[there]
    place = (np.cumsum(weights) - weights / 2) / weights.sum()
    return np.interp(CENTILES, place, values)


def factors(people: Frame, replicates: int, seed: int) -> tuple[Marks, Marks]:
    """Return the factor of each sampling unit in each replicate, and the unit of each person."""
    units = people[["SDMVSTRA", "SDMVPSU"]].drop_duplicates().sort_values(["SDMVSTRA", "SDMVPSU"])
    place = {unit: i for i, unit in enumerate(units.itertuples(index=False, name=None))}
    drawn = np.zeros((replicates, len(units)))
    random = np.random.default_rng(seed)
    for stratum in units["SDMVSTRA"].unique():
        own = np.array([i for unit, i in place.items() if unit[0] == stratum])
        size = len(own)
        if size < 2:
            raise SystemExit(f"derive_default_set.py: stratum {stratum} has one sampling unit; two are needed")
        chosen = random.integers(0, size, (replicates, size - 1))
        for i, unit in enumerate(own):
            drawn[:, unit] = (chosen == i).sum(axis=1) * size / (size - 1)
    of_person = np.array([place[u] for u in people[["SDMVSTRA", "SDMVPSU"]].itertuples(index=False, name=None)])
    return drawn, of_person


def quantity(people: Frame, analyte: str) -> tuple[pd.Series[float], int]:
    """Return values in the unit of the set, and its decimals."""
    if analyte in PERCENTAGES:
        return people[WHITE] * people[PERCENTAGES[analyte]] / 100, WHITE_DECIMALS
    column, factor, decimals = MEASURED[analyte]
    return people[column] * factor, decimals


# Rows -------------------------------------------------------------------------------------


def of_row(people: Frame, entry: Mapping[str, str]) -> Marks:
    """Return who belongs to a row."""
    age, first = people["RIDAGEYR"], int(entry["age_low"])
    taken = age >= first
    if entry["age_high"]:
        taken &= age < int(entry["age_high"])
    if entry["sex"] != "any":
        taken &= people["RIAGENDR"] == {"M": 1, "F": 2}[entry["sex"]]
    if entry["analyte"] in RED_CELL:
        taken &= ferritin_known_where_asked(people)
    return (taken & quantity(people, entry["analyte"])[0].notna()).to_numpy()


def derive(
    folder: Path, name: str, reading: str = "shipped", replicates: int = REPLICATES, seed: int = SEED
) -> list[Row]:
    """Return every row of a set that comes from NHANES, shipped and recomputed."""
    everybody = read(folder)
    drawn, units = factors(everybody, replicates, seed)  # of the whole sample, healthy or not
    everybody = everybody.assign(unit=units)
    people = healthy(everybody, reading)
    return [row_of(people, drawn, entry) for entry in entries_of(name) if entry["source"] == "nhanes"]


def row_of(people: Frame, drawn: Marks, entry: Mapping[str, str]) -> Row:
    """Work out one row."""
    own = people[of_row(people, entry)]
    values, decimals = quantity(own, entry["analyte"])
    order = np.argsort(values.to_numpy(), kind="stable")
    ascending, weights = values.to_numpy()[order], own["weight"].to_numpy()[order]
    units = own["unit"].to_numpy()[order]
    found = centiles(ascending, weights)
    replicated = np.array([centiles(ascending, weights * factor[units]) for factor in drawn])
    low, high = np.quantile(replicated, OF_REPLICATES, axis=0)
    lower, upper = (
        Limit(float(entry[side]), *(round(float(x[i]), decimals) for x in (found, low, high)))
        for i, side in enumerate(("lower", "upper"))
    )
    until = f"{entry['age_low']} to {entry['age_high']} y" if entry["age_high"] else f"{entry['age_low']} y and over"
    return Row(entry["set"], entry["analyte"], entry["sex"], until, int(entry["n"]), len(own), lower, upper)


# Rows from other sets -----------------------------------------------------------------------


def days(value: str, unit: str) -> float:
    """Return an age in days; no end is the end of the world."""
    return float(value) * DAYS[unit] if value else math.inf


def band(entry: Mapping[str, str]) -> tuple[float, float]:
    """Return the ages of a row, in days."""
    return days(entry["age_low"], entry["age_low_unit"]), days(entry["age_high"], entry["age_high_unit"])


def entries_of(name: str) -> list[dict[str, str]]:
    """Return the rows of a set as they are written."""
    with (INTERVALS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def taken_from(name: str) -> Iterator[tuple[str, str]]:
    """Yield, of each row that names another set, what it is there ("same", "part", "wider", "absent") and its words."""
    for entry in entries_of(name):
        told = re.match(r"from set (\w+)", entry["notes"])
        if told is None:
            continue
        of = f"{entry['analyte']} {entry['sex']} {entry['age_low']} {entry['age_low_unit']}"
        yield place_in(entry, entries_of(told[1])), f"{of}: from {told[1]}"


def place_in(entry: Mapping[str, str], others: Sequence[Mapping[str, str]]) -> str:
    """Say how a row stands in the set that it was taken from."""
    same = ("analyte", "sex", "pregnancy", "lower", "upper", "unit", "source")
    low, high = band(entry)
    found = [band(other) for other in others if all(other[key] == entry[key] for key in same)]
    if (low, high) in found:
        return "same"
    if any(start <= low and high <= end for start, end in found):
        return "part"
    return "wider" if any(start < high and low < end for start, end in found) else "absent"


# What is said -----------------------------------------------------------------------------


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Word each row, and the sum."""
    yield (
        f"{'analyte':12}{'sex':4} {'ages':14}{'people':>13}   "
        f"{'lower: shipped, recomputed, difference, 90 % limits':54}upper: the same"
    )
    for row in rows:
        people = f"{row.n_shipped}/{row.n_recomputed}"
        sides = "".join(f"{side(of):54}" for of in (row.lower, row.upper)).rstrip()
        yield f"{row.analyte:12}{row.sex:4} {row.ages:14}{people:>13}   {sides}"
    limits = [limit for row in rows for limit in (row.lower, row.upper)]
    yield (
        f"{len(rows)} rows, {len(limits)} limits: {sum(limit.difference == 0 for limit in limits)} come out as "
        f"shipped, {sum(limit.inside for limit in limits)} of the shipped lie inside the bootstrap limits; "
        f"people as shipped in {sum(row.n_shipped == row.n_recomputed for row in rows)} rows"
    )


def side(limit: Limit) -> str:
    """Word one limit."""
    where = "inside" if limit.inside else "OUTSIDE"
    low, high = f"{limit.boot_low:g}", f"{limit.boot_high:g}"
    return f"{limit.shipped:8g}{limit.recomputed:9g}{limit.difference:+9g}  {low:>6} to {high:<6} {where}"


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the same as CSV."""
    sides = [(name, of) for name in ("lower", "upper") for of in (*(f.name for f in fields(Limit)), "difference")]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        plain = [field.name for field in fields(Row)][:6]
        header = [*plain, *(f"{name}_{of}" for name, of in sides), "lower_inside", "upper_inside"]
        writer.writerow(header)
        for row in rows:
            texts = [asdict(row)[name] for name in plain]
            numbers = [getattr(getattr(row, name), of) for name, of in sides]
            writer.writerow([*texts, *numbers, row.lower.inside, row.upper.inside])


def main() -> None:
    """Print the table; end with 1 where a shipped limit lies outside."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", default="default_v1", help="default_v1, nhanes_dxh800 or nhanes_dxh800_agefine")
    parser.add_argument("--table", type=Path, help="where to write the table as CSV")
    parser.add_argument("--reading", choices=list(READINGS), default="shipped")
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    try:
        rows = derive(given.folder, given.set, given.reading, given.replicates, given.seed)
    except FilesMissing as missing:
        raise SystemExit(f"derive_default_set.py: {missing}") from None
    print("\n".join(lines(rows)))
    places = list(taken_from(given.set))
    if places:
        counted = ", ".join(f"{count} {place}" for place, count in Counter(place for place, _ in places).most_common())
        print(f"{len(places)} rows name the set that they were taken from; their bands there: {counted}")
        for place, words in places:
            if place in ("wider", "absent"):
                print(f"  {words}: {place} there")
    if given.table:
        write(rows, given.table)
    sys.exit(0 if all(row.lower.inside and row.upper.inside for row in rows) else 1)


if __name__ == "__main__":
    main()
