"""Likelihood ratios of what a count shows, from public NHANES files (one file: one command).

Usage: python tools/likelihood_ratios.py FOLDER [--table TABLE] [--out OUT]

FOLDER has the files of 2013-2014 (H), 2015-2016 (I) and 2017 to March 2020 (P), as CSV (.csv.xz):
CBC, DEMO, FERTIN, HSCRP, HIV, UCPREG, MCQ, KIQ_U, HSQ. Of people with a low count, each finding is counted in those
with a target (ferritin below a limit, a stated condition) and in those without. Nothing is weighted; pregnant women
are left out; anemia is by WHO 2011. The interval is the usual one of the logarithm, 95 %.

TABLE is a table of the same columns (likelihood_ratios_nhanes.csv): each row is compared, and what differs or cannot
be found is printed. OUT gets every row, those of the table and those that it lacks: kidney, liver, cancer, HIV,
thyroid and recent infection. A stated condition is what people said they had been told: it is mild and old
more often than in a clinic, so these ratios are near 1 more often than those of a hospital would be.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import pandas as pd

Frame = pd.DataFrame
Test = Callable[[Frame], "pd.Series[bool]"]
IRON = ("I", "P")  # cycles with ferritin
EVERY = ("H", "I", "P")
HIV_TESTED, ILLNESS_ASKED = ("H", "I"), ("H", "I")
YEARS = {"I": "2015-16", "P": "2017-March 2020", "H": "2013-14"}
# Kinds of cancer named (MCQ230A to D): blood, leukemia, lymphoma; skin other than melanoma, and of unknown kind.
CANCERS = ("MCQ230A", "MCQ230B", "MCQ230C", "MCQ230D")
OF_BLOOD, OF_SKIN = (11, 21, 24), (32, 33)
# What is read of each file; not every cycle has every file and column.
COLUMNS_READ = {
    "CBC": (
        "LBXWBCSI", "LBDLYMNO", "LBDMONO", "LBDNENO", "LBDEONO", "LBXRBCSI", "LBXHGB", "LBXMCVSI", "LBXMCHSI", "LBXRDW",
        "LBXPLTSI",
    ),
    "DEMO": ("RIAGENDR", "RIDAGEYR", "RIDEXPRG"),
    "FERTIN": ("LBXFER",),
    "HSCRP": ("LBXHSCRP",),
    "HIV": ("LBDHI", "LBXHIVC"),
    "UCPREG": ("URXPREG",),
    "MCQ": ("MCQ160L", "MCQ170L", "MCQ220", *CANCERS, "MCQ160M", "MCQ170M"),
    "KIQ_U": ("KIQ022", "KIQ025"),
    "HSQ": ("HSQ500", "HSQ510", "HSQ520"),
}  # fmt: skip
Z95 = 1.959964
LEAST = 2  # of those with the finding, on each side: below that a ratio says nothing


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    source: str
    target: str
    finding: str
    population: str
    n_with: int
    n_without: int
    sensitivity: float
    specificity: float
    ratio: float
    ratio_low: float
    ratio_high: float
    doublings: float
    verification: str = "computed by tools/likelihood_ratios.py"


@dataclass(frozen=True)
class Study:
    """Whose counts are taken, what is told apart in them, and by which findings."""

    population: str
    people: Test
    target: str
    known: Test
    has: Test
    findings: Sequence[tuple[str, Test]]
    cycles: tuple[str, ...]


# What is read ------------------------------------------------------------------------------


def read_cycle(folder: Path, cycle: str) -> Frame:
    """Join the files of a cycle by person."""
    joined: Frame | None = None
    for text, columns in COLUMNS_READ.items():
        path = folder / (f"P_{text}.csv.xz" if cycle == "P" else f"{text}_{cycle}.csv.xz")
        if path.exists():
            frame = pd.read_csv(path, usecols=lambda name, own=columns: name in ("SEQN", *own))
            joined = frame if joined is None else joined.merge(frame, on="SEQN", how="left")
    if joined is None:
        raise SystemExit(f"likelihood_ratios.py: {folder} has no files of cycle {cycle}")
    return joined.assign(cycle=cycle)


def read(folder: Path) -> Frame:
    """Return everybody with a hemoglobin who is not known to be pregnant."""
    people = pd.concat([read_cycle(folder, cycle) for cycle in EVERY], ignore_index=True)
    pregnant = (people["RIDEXPRG"] == 1) | (people["URXPREG"] == 1)
    people = people[people["LBXHGB"].notna() & ~pregnant].copy()
    people["mentzer"] = people["LBXMCVSI"] / people["LBXRBCSI"]
    people["hiv"] = people["LBDHI"].fillna(people["LBXHIVC"])
    return people.assign(anemic=people["LBXHGB"] < anemia_limit(people))


def anemia_limit(people: Frame) -> pd.Series[float]:
    """Return the hemoglobin of WHO 2011 in g/dL, outside pregnancy."""
    age, man = people["RIDAGEYR"], people["RIAGENDR"] == 1
    limit = pd.Series(12.0, index=people.index)
    limit[age < 12] = 11.5
    limit[age < 5] = 11.0
    limit[man & (age >= 15)] = 13.0
    return limit


# What is asked -----------------------------------------------------------------------------


def below(name: str, limit: float) -> Test:
    return lambda people: people[name] < limit


def above(name: str, limit: float) -> Test:
    return lambda people: people[name] > limit


def within(name: str, low: float, high: float) -> Test:
    """Return low <= value < high."""
    return lambda people: (people[name] >= low) & (people[name] < high)


def at_least(name: str, limit: float) -> Test:
    return lambda people: people[name] >= limit


def both(a: Test, b: Test) -> Test:
    return lambda people: a(people) & b(people)


def either(a: Test, b: Test) -> Test:
    return lambda people: a(people) | b(people)


def answered(*names: str) -> Test:
    """Return those who said yes or no to each question."""
    return lambda people: people[list(names)].isin([1, 2]).all(axis=1)


def yes(name: str) -> Test:
    return lambda people: people[name] == 1


def a_cancer(of: Callable[[Frame], Frame]) -> Test:
    """Return those who named a kind of cancer."""
    return lambda people: of(people[list(CANCERS)]).any(axis=1)


def there(*names: str) -> Test:
    return lambda people: people[list(names)].notna().all(axis=1)


def aged(low: int, high: int = 200) -> Test:
    return within("RIDAGEYR", low, high)


def women(test: Test) -> Test:
    return lambda people: (people["RIAGENDR"] == 2) & test(people)


def anemic(test: Test) -> Test:
    return lambda people: people["anemic"] & test(people)


def any_line_low(test: Test) -> Test:
    return lambda people: (people["anemic"] | (people["LBDNENO"] < 1.5) | (people["LBXPLTSI"] < 150)) & test(people)


FERRITIN, CRP = "LBXFER", "LBXHSCRP"
CRP_RAISED = ("CRP > 10 mg/L", above(CRP, 10))
OF_IRON: Sequence[tuple[str, Test]] = [
    ("MCV < 70 fL", below("LBXMCVSI", 70)),
    ("MCV 70-74.9 fL", within("LBXMCVSI", 70, 75)),
    ("MCV 75-79.9 fL", within("LBXMCVSI", 75, 80)),
    ("MCV 80-84.9 fL", within("LBXMCVSI", 80, 85)),
    ("MCV 85-89.9 fL", within("LBXMCVSI", 85, 90)),
    ("MCV >= 90 fL", at_least("LBXMCVSI", 90)),
    ("RDW < 13 %", below("LBXRDW", 13)),
    ("RDW 13-14.4 %", within("LBXRDW", 13, 14.5)),
    ("RDW 14.5-15.9 %", within("LBXRDW", 14.5, 16)),
    ("RDW 16-17.9 %", within("LBXRDW", 16, 18)),
    ("RDW >= 18 %", at_least("LBXRDW", 18)),
    ("platelets > 400 10^9/L", above("LBXPLTSI", 400)),
    ("platelets > 350 10^9/L", above("LBXPLTSI", 350)),
    ("MCH < 26 pg", below("LBXMCHSI", 26)),
    ("hemoglobin < 100 g/L", below("LBXHGB", 10)),
    ("MCV < 80 with Mentzer index > 13", both(below("LBXMCVSI", 80), above("mentzer", 13))),
    ("MCV < 80 with Mentzer index <= 13", both(below("LBXMCVSI", 80), lambda people: people["mentzer"] <= 13)),
    CRP_RAISED,
]
OF_INFLAMMATION: Sequence[tuple[str, Test]] = [
    ("MCV 80-95 fL", lambda people: people["LBXMCVSI"].between(80, 95)),
    ("platelets > 400 10^9/L", above("LBXPLTSI", 400)),
    ("WBC > 11 10^9/L", above("LBXWBCSI", 11)),
    ("hemoglobin < 100 g/L", below("LBXHGB", 10)),
    ("RDW > 15 %", above("LBXRDW", 15)),
    ("neutrophils > 7 10^9/L", above("LBDNENO", 7)),
    ("lymphocytes < 1.0 10^9/L", below("LBDLYMNO", 1.0)),
]
# Findings of a whole count, for conditions that are only stated.
OF_COUNT: Sequence[tuple[str, Test]] = [
    ("hemoglobin < 100 g/L", below("LBXHGB", 10)),
    ("MCV < 80 fL", below("LBXMCVSI", 80)),
    ("MCV 80-100 fL", lambda people: people["LBXMCVSI"].between(80, 100)),
    ("MCV > 100 fL", above("LBXMCVSI", 100)),
    ("RDW > 15 %", above("LBXRDW", 15)),
    ("platelets < 150 10^9/L", below("LBXPLTSI", 150)),
    ("platelets < 100 10^9/L", below("LBXPLTSI", 100)),
    ("platelets > 400 10^9/L", above("LBXPLTSI", 400)),
    ("WBC < 4 10^9/L", below("LBXWBCSI", 4)),
    ("WBC > 11 10^9/L", above("LBXWBCSI", 11)),
    ("neutrophils < 1.5 10^9/L", below("LBDNENO", 1.5)),
    ("neutrophils > 7 10^9/L", above("LBDNENO", 7)),
    ("lymphocytes < 1.0 10^9/L", below("LBDLYMNO", 1.0)),
    ("lymphocytes > 4 10^9/L", above("LBDLYMNO", 4)),
    ("monocytes >= 1.0 10^9/L", at_least("LBDMONO", 1.0)),
    ("eosinophils > 0.5 10^9/L", above("LBDEONO", 0.5)),
    ("age >= 60 y", at_least("RIDAGEYR", 60)),
]
ANEMIC_TOO = ("anemia with platelets < 150 10^9/L", lambda people: people["anemic"] & (people["LBXPLTSI"] < 150))
ANEMIC_GROUPS: Sequence[tuple[str, Test]] = [
    ("anemic women 15-49 y", women(anemic(aged(15, 50)))),
    ("anemic adults 18 y and over", anemic(aged(18))),
    ("anemic adults 60 y and over", anemic(aged(60))),
    ("anemic children 1-11 y", anemic(aged(1, 12))),
]
LOW_ADULTS = ("adults 20 y and over with a low line", any_line_low(aged(20)))
ANEMIC_ADULTS = ("anemic adults 20 y and over", anemic(aged(20)))
LOW_PLATELETS = ("adults 20 y and over, platelets < 150", both(below("LBXPLTSI", 150), aged(20)))
LOW_ALL = ("people 1 y and over with a low line", any_line_low(aged(1)))
LOW_CHILDREN = ("children 1-17 y with a low line", any_line_low(aged(1, 18)))


def iron_studies() -> Iterator[Study]:
    """Yield those of the table."""
    for population, people in ANEMIC_GROUPS:
        limits = (30,) if "children" in population else (15, 30)
        for limit in limits:
            yield Study(
                population, people, f"ferritin < {limit} ug/L", there(FERRITIN), below(FERRITIN, limit), OF_IRON, IRON
            )
        if "adults" in population:
            yield Study(
                population, people, "inflammation: CRP > 10 mg/L and ferritin >= 100 ug/L", there(FERRITIN, CRP),
                both(above(CRP, 10), at_least(FERRITIN, 100)), OF_INFLAMMATION, IRON,
            )  # fmt: skip


def stated_studies() -> Iterator[Study]:
    """Yield those that the table lacks."""
    stated: Sequence[tuple[str, Test, Test, tuple[str, ...], Sequence[tuple[str, Test]]]] = [
        ("told of weak or failing kidneys", answered("KIQ022"), yes("KIQ022"), EVERY, (ANEMIC_ADULTS, LOW_ADULTS)),
        (
            "dialysis in the past year",
            either(both(answered("KIQ022"), lambda people: people["KIQ022"] == 2), answered("KIQ025")),
            yes("KIQ025"), EVERY, (ANEMIC_ADULTS,),
        ),
        (
            "a liver condition now",
            either(both(answered("MCQ160L"), lambda people: people["MCQ160L"] == 2), answered("MCQ170L")),
            yes("MCQ170L"), EVERY, (LOW_ADULTS, LOW_PLATELETS, ANEMIC_ADULTS),
        ),
        (
            "told of cancer, that of the skin left out but melanoma",
            answered("MCQ220"), a_cancer(lambda kinds: kinds.notna() & ~kinds.isin(OF_SKIN)), EVERY,
            (LOW_ADULTS, ANEMIC_ADULTS),
        ),
        (
            "told of leukemia, lymphoma or another cancer of the blood",
            answered("MCQ220"), a_cancer(lambda kinds: kinds.isin(OF_BLOOD)), EVERY, (LOW_ADULTS,),
        ),
        (
            "a thyroid problem now",
            either(both(answered("MCQ160M"), lambda people: people["MCQ160M"] == 2), answered("MCQ170M")),
            yes("MCQ170M"), EVERY, (ANEMIC_ADULTS,),
        ),
        ("HIV test positive", lambda people: people["hiv"].isin([1, 2]), yes("hiv"), HIV_TESTED, (
            ("people 18-59 y with a low line", any_line_low(aged(18, 60))),
        )),
        (
            "a cold, stomach illness, flu, pneumonia or ear infection in 30 days",
            answered("HSQ500", "HSQ510", "HSQ520"), either(yes("HSQ500"), either(yes("HSQ510"), yes("HSQ520"))),
            ILLNESS_ASKED, (LOW_ALL, LOW_CHILDREN),
        ),
        (
            "flu, pneumonia or ear infection in 30 days",
            answered("HSQ520"), yes("HSQ520"), ILLNESS_ASKED, (LOW_ALL, LOW_CHILDREN),
        ),
        ("CRP > 10 mg/L", there(CRP), above(CRP, 10), IRON, (LOW_ALL, LOW_ADULTS)),
    ]  # fmt: skip
    for target, known, has, cycles, populations in stated:
        for population, people in populations:
            more = () if population.startswith("anemic") else (ANEMIC_TOO,)
            yield Study(population, people, target, known, has, (*OF_COUNT, *more), cycles)


# What is counted ---------------------------------------------------------------------------


def source_of(cycles: Sequence[str]) -> str:
    """Say where the people come from."""
    years = " and ".join(YEARS[cycle] for cycle in cycles)
    return f"NHANES {years} (public domain), unweighted, pregnant left out, anemia by WHO 2011"


def rows_of(study: Study, everybody: Frame) -> Iterator[Row]:
    """Count each finding of a study."""
    people = everybody[everybody["cycle"].isin(study.cycles)]
    people = people[study.people(people) & study.known(people)]
    ill = study.has(people)
    for finding, test in study.findings:
        counted = people[there(CRP)(people)] if finding == CRP_RAISED[0] else people
        row = ratio(study, finding, test(counted), ill[counted.index])
        if row is not None:
            yield row


def ratio(study: Study, finding: str, found: pd.Series[bool], ill: pd.Series[bool]) -> Row | None:
    """Return the ratio of a finding, or nothing where too few have it."""
    n_with, n_without = int(ill.sum()), int((~ill).sum())
    a, b = int((found & ill).sum()), int((found & ~ill).sum())
    if a < LEAST or b < 1 or bool(found.all()):  # what everybody has follows from who was taken
        return None
    positive = (a / n_with) / (b / n_without)
    error = math.sqrt(1 / a - 1 / n_with + 1 / b - 1 / n_without)
    return Row(
        source_of(study.cycles), study.target, finding, study.population, n_with, n_without,
        round(100 * a / n_with, 1), round(100 * (1 - b / n_without), 1), round(positive, 2),
        round(positive * math.exp(-Z95 * error), 2), round(positive * math.exp(Z95 * error), 2),
        round(math.log2(positive), 1),
    )  # fmt: skip


def measured(folder: Path) -> list[Row]:
    """Return every row."""
    everybody = read(folder)
    return [row for study in (*iron_studies(), *stated_studies()) for row in rows_of(study, everybody)]


# What is said ------------------------------------------------------------------------------

# The columns of a table, and the numbers that are compared.
COLUMNS = (
    "source", "target", "finding", "population", "n_with", "n_without", "sensitivity", "specificity", "LR_positive",
    "LR_low95", "LR_high95", "log2_LR", "verification",
)  # fmt: skip
NUMBERS = COLUMNS[4:-1]


def differences(rows: Sequence[Row], table: Path) -> Iterator[str]:
    """Compare with a table, row by row."""
    ours = {(row.target, row.finding, row.population): row for row in rows}
    with table.open(encoding="utf-8", newline="") as file:
        theirs = list(csv.DictReader(file))
    same = 0
    seen = set()
    for line, entry in enumerate(theirs, start=2):
        key = (entry["target"], entry["finding"], entry["population"])
        seen.add(key)
        row = ours.get(key)
        if row is None:
            yield f"line {line}: {' | '.join(key)}: not found"
            continue
        found = dict(zip(COLUMNS, astuple(row), strict=True))
        wrong = [f"{name} {found[name]}, not {entry[name]}" for name in NUMBERS if found[name] != float(entry[name])]
        same += not wrong
        if wrong:
            yield f"line {line}: {' | '.join(key)}: {', '.join(wrong)}"
    more = [key for key, row in ours.items() if key not in seen and row.source == source_of(IRON)]
    yield f"{same} of {len(theirs)} rows of the table are the same"
    yield f"{len(ours) - len(seen & set(ours))} rows are not in the table"
    for key in more:
        if key[0].startswith(("ferritin", "inflammation")):
            yield f"  of the same studies, and not in the table: {' | '.join(key)}"


def main() -> None:
    """Print differences, and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", type=Path, help="a table to compare with")
    parser.add_argument("--out", type=Path, help="where to write every row; standard output where not given")
    given = parser.parse_args()
    rows = measured(given.folder)
    if given.table:
        for text in differences(rows, given.table):
            print(text, file=sys.stderr)
    with given.out.open("w", encoding="utf-8", newline="") if given.out else sys.stdout as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(row) for row in rows)


if __name__ == "__main__":
    main()
