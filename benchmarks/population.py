"""What the checklist says of people of the general population who have a low line.

Usage: python benchmarks/population.py FILE

FILE is a joined NHANES cycle (nhanes_cbc_demo_2015-2016.csv.gz): counts with demographics. Everybody
with a low line under the definition "clinical" is counted, unweighted. Rare diseases that stand among
the first five of most of them say that the order does not know how rare they are.
"""

from __future__ import annotations

import gzip
import statistics
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from answers import FIRST, Answer, any_low, heading, percent, screen_table

import cbc_screen as cbc

# The columns of a cycle, as NHANES documents them.
COLUMNS = {
    "sex": "RIAGENDR", "age": "RIDAGEYR", "pregnancy": "RIDEXPRG", "wbc": "LBXWBCSI", "neutrophils": "LBDNENO",
    "lymphocytes": "LBDLYMNO", "monocytes": "LBDMONO", "eosinophils": "LBDEONO", "basophils": "LBDBANO",
    "neutrophils_percent": "LBXNEPCT", "lymphocytes_percent": "LBXLYPCT", "monocytes_percent": "LBXMOPCT",
    "eosinophils_percent": "LBXEOPCT", "basophils_percent": "LBXBAPCT", "rbc": "LBXRBCSI", "hemoglobin": "LBXHGB",
    "hematocrit": "LBXHCT", "mcv": "LBXMCVSI", "mch": "LBXMCHSI", "mchc": "LBXMC", "rdw_cv": "LBXRDW",
    "platelets": "LBXPLTSI", "mpv": "LBXMPSI",
}  # fmt: skip
UNITS = {
    **dict.fromkeys(("wbc", "neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils"), "10^9/L"),
    **{name: "%" for name in COLUMNS if name.endswith("_percent")},
    "rbc": "10^12/L", "hemoglobin": "g/dL", "hematocrit": "%", "mcv": "fL", "mch": "pg", "mchc": "g/dL",
    "rdw_cv": "%", "platelets": "10^9/L", "mpv": "fL",
}  # fmt: skip
SEXES = {"1": "M", "2": "F"}
PREGNANCIES = {"1": "trimester_unknown", "2": "none", "3": "unknown"}
# The shares asked for, at most, in percent.
RARE = {"mds": 25, "hiv": 10, "myelofibrosis": 10, "acute_leukemia": 10}


def read_cycle(path: Path) -> pa.Table:
    """Read people with blood drawn; codes without a decimal point."""
    with gzip.open(path) as file:
        table = arrow_csv.read_csv(file).select(list(COLUMNS.values()))
    table = table.filter(pc.is_valid(table["LBXHGB"]))
    for name in ("RIAGENDR", "RIDEXPRG"):
        codes = table[name].cast(pa.float64()).cast(pa.int64()).cast(pa.string())
        table = table.set_column(table.column_names.index(name), name, codes)
    return table


def low_answers(path: Path) -> list[Answer]:
    """Return the answers of everybody with a low line."""
    screener = cbc.Screener(definition="clinical", units=UNITS)
    declared = {"columns": COLUMNS, "age_unit": "y", "sex_codes": SEXES, "pregnancy_codes": PREGNANCIES}
    return [answer for answer in screen_table(screener, read_cycle(path), **declared) if any_low(answer)]


def report(answers: list[Answer]) -> None:
    """Print the shares."""
    print(f"{len(answers)} people with a low line")
    first = Counter(answer.listed[0] for answer in answers if answer.listed)
    among = Counter(name for answer in answers for name in answer.listed[:FIRST])
    for name, most in RARE.items():
        print(f"{name:<24}{percent(among[name], len(answers))} among the first five (at most {most} %)")
    print("most often among the first five:")
    for name, count in among.most_common(12):
        print(f"  {name:<22}{percent(count, len(answers))}   first {100 * first[name] / len(answers):5.1f} %")
    shown = [answer.shown for answer in answers]
    print(f"lines shown: median {statistics.median(shown):g}, at most {max(shown)} (asked: 5 and 8)")
    for name in ("urgency", "borderline"):
        words = Counter(str(answer.flags.get(name)) for answer in answers)
        print(f"{name}: {', '.join(f'{word} {100 * n / len(answers):.1f} %' for word, n in words.most_common())}")


def main() -> None:
    """Print the shares of a cycle."""
    heading("General population")
    report(low_answers(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
