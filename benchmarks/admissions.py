"""Whether a coded cause of an admission stands among the first five, where its first count has a low line.

Usage: python benchmarks/admissions.py FOLDER CODES

FOLDER is the MIMIC-III clinical demo (LABEVENTS_labelled.csv.gz, PATIENTS, ADMISSIONS, DIAGNOSES_ICD);
CODES names the conditions that a prefix of ICD-9 codes stands for (mimic_codes.csv). The first count of
each admission is taken, if a line is low in it under the definition "clinical" and the admission
has a code that may explain it. Codes are those of an intensive care unit at discharge: a cause
that is coded need not be the cause of the count.

Ages: the demo shifts its dates. Everybody is taken to be 68, then 45; then by the two-digit years
of birth and admission, with 68 for those over 89, whose age the demo hides.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from answers import FIRST, Answer, any_low, heading, percent, screen

import cbc_screen as cbc

# Items of a count as the laboratory has them, with the unit that it means (it writes % for MCHC).
ITEMS = {
    "51222": ("hemoglobin", "g/dL"), "51221": ("hematocrit", "%"), "51279": ("rbc", "10^6/uL"),
    "51250": ("mcv", "fL"), "51248": ("mch", "pg"), "51249": ("mchc", "g/dL"), "51277": ("rdw_cv", "%"),
    "51265": ("platelets", "10^3/uL"), "51301": ("wbc", "10^3/uL"), "51256": ("neutrophils_percent", "%"),
    "51144": ("bands_percent", "%"), "51244": ("lymphocytes_percent", "%"), "51254": ("monocytes_percent", "%"),
    "51200": ("eosinophils_percent", "%"), "51146": ("basophils_percent", "%"), "51148": ("blasts_percent", "%"),
    "51283": ("reticulocytes_percent", "%"),
}  # fmt: skip
LINE_RESULTS = {"hemoglobin", "wbc", "platelets"}
HIDDEN = 68
Codes = Mapping[str, set[str]]
Record = dict[str, object]


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Read a CSV."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def coded_causes(folder: Path, codes: Path) -> Codes:
    """Return the conditions that each admission has a code for."""
    prefixes = [(row["icd9_prefix"], row["condition"]) for row in rows_of(codes)]
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows_of(folder / "DIAGNOSES_ICD.csv"):
        found[row["HADM_ID"]] |= {name for prefix, name in prefixes if row["ICD9_CODE"].startswith(prefix)}
    return found


def first_counts(folder: Path) -> dict[str, Record]:
    """Return the first count of each admission that has a result of a line."""
    found: dict[str, dict[str, Record]] = defaultdict(lambda: defaultdict(dict))
    for row in rows_of(folder / "LABEVENTS_labelled.csv.gz"):
        if row["ITEMID"] in ITEMS and row["HADM_ID"] and row["VALUE"]:
            name, unit = ITEMS[row["ITEMID"]]
            found[row["HADM_ID"].removesuffix(".0")][row["CHARTTIME"]][name] = {"value": row["VALUE"], "unit": unit}
    return {
        admission: next(counts[moment] for moment in sorted(counts) if counts[moment].keys() & LINE_RESULTS)
        for admission, counts in found.items()
        if any(count.keys() & LINE_RESULTS for count in counts.values())
    }


def two_digits(date: str) -> int | None:
    """Return the two digits of the year, or none of a date whose year is given in full (over 89)."""
    found = re.match(r"\d+/\d+/(\d\d) ", date)
    return int(found[1]) if found else None


def people(folder: Path) -> tuple[dict[str, str], dict[str, int]]:
    """Return sex and age of each admission."""
    patients = {row["SUBJECT_ID"]: row for row in rows_of(folder / "PATIENTS.csv")}
    sexes: dict[str, str] = {}
    ages: dict[str, int] = {}
    for row in rows_of(folder / "ADMISSIONS.csv"):
        patient = patients[row["SUBJECT_ID"]]
        sexes[row["HADM_ID"]] = patient["GENDER"]
        born, admitted = two_digits(patient["DOB"]), two_digits(row["ADMITTIME"])
        ages[row["HADM_ID"]] = HIDDEN if born is None or admitted is None else (admitted - born) % 100
    return sexes, ages


def report(title: str, answers: list[tuple[set[str], Answer]]) -> None:
    """Print the shares for one choice of ages."""
    print(f"{title}: {len(answers)} admissions with a low line and a coded possible cause")
    for most in (3, FIRST, 10):
        found = sum(1 for causes, answer in answers if causes & set(answer.listed[:most]))
        print(f"  a coded cause in the first {most:<3}{percent(found, len(answers))}")
    shown = sum(1 for causes, answer in answers if causes & set(answer.before_fold))
    print(f"  a coded cause shown        {percent(shown, len(answers))}")
    coded = Counter(name for causes, _ in answers for name in causes)
    caught = Counter(name for causes, answer in answers for name in causes & set(answer.listed[:FIRST]))
    print("  coded, and of those in the first five: ", end="")
    print(", ".join(f"{name} {count}/{caught[name]}" for name, count in coded.most_common()))
    first = Counter(answer.listed[0] for _, answer in answers if answer.listed)
    print(f"  first entry: {', '.join(f'{name} {count}' for name, count in first.most_common(6))}")


def main() -> None:
    """Print the shares."""
    folder, codes = Path(sys.argv[1]), Path(sys.argv[2])
    screener = cbc.Screener(definition="clinical")
    causes, counts, (sexes, ages) = coded_causes(folder, codes), first_counts(folder), people(folder)
    heading("Admissions")
    for title, age in (("68 years", 68), ("45 years", 45), ("years by the dates, 68 where hidden", None)):
        found = []
        for admission in sorted(counts):
            if not causes.get(admission):
                continue
            years = ages[admission] if age is None else age
            answer = screen(screener, {**counts[admission], "age": f"{years} y", "sex": sexes[admission]})
            if any_low(answer):
                found.append((causes[admission], answer))
        report(title, found)


if __name__ == "__main__":
    main()
