"""Count again what likelihoods.csv has from public case series and public files, and compare it with its rows.

Usage: python tools/series_ratios.py SERIES SHARED

SERIES has the public tables of four series of cases, as their authors publish them, written as CSV where they are R data:

* aipal.csv: the tables of six hospitals in github.com/VincentAlcazer/AIPAL (data/221003_AI_PAL_processed_data_list.rds:
  lyon, nantes, grenoble, clermont, cochin, mondor), one below another;
* aml.csv: clinicalData of github.com/gerstung-lab/AML-multistage (data/AMLSG_Clinical_Anon.RData);
* mds.tsv: data/dd_clinical_cyto_chr17.tsv of github.com/papaemmelab/MDS-TP53-state;
* mpn.csv: MPNinput of github.com/gerstung-lab/MPN-multistage (mpn-multistage/www/MPNmultistate.RData).

Further public tables are those of tools/series_more.py, which says what they are. SHARED has data/nhanes_intervals, data/mimic3_demo, data/ehr_indonesia_lab and knowledge/ordering/mimic_codes.csv.

Beside a series of cases stand people with a low line of a hospital that treats everything; where that file lacks a
result, those of the survey, or of the intensive care units. Where a finding asks for low lines, both are those
with these lines low, for the starting tiers tell how common a condition is by low lines. Of acute promyelocytic leukemia
the other acute leukemias of the same series are the comparison. A low line here: hemoglobin below 130 g/L (men) or
120 (women), platelets below 150, neutrophils below 1.5 or, where they were not counted, white cells below 4.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks"), str(ROOT / "tools")]

import admissions  # noqa: E402
import likelihood_ratios as survey  # noqa: E402

from cbc_screen.knowledge import load_knowledge  # noqa: E402

Frame = pd.DataFrame
Test = Callable[[Frame], "pd.Series[bool]"]
CORE = ["hemoglobin", "platelets", "wbc"]
SEXES = {1: "M", 2: "F"}
CHEMISTRY = {"50954": "ldh", "50912": "creatinine", "51237": "inr"}
INFECTION = "infection"


@dataclass(frozen=True)
class Count:
    """How many had a finding: with the condition, and without it."""

    condition: str
    finding: str
    counts: tuple[int, int, int, int]


# What is read ------------------------------------------------------------------------------


def lined(table: Frame) -> Frame:
    """Add which lines are low; results are in g/L and 10^9/L."""
    found = table.copy()
    for name in ("neutrophils", "monocytes", "ldh", "prothrombin", "fibrinogen"):
        if name not in found:
            found[name] = np.nan
    found["red"] = found["hemoglobin"] < found["sex"].map({"M": 130, "F": 120})
    found["platelet"] = found["platelets"] < 150
    few = found["neutrophils"] < 1.5
    found["white"] = np.where(found["neutrophils"].notna(), few, found["wbc"] < 4)
    found["low"] = found[["red", "white", "platelet"]].sum(axis=1)
    return found


def leukemia(folder: Path) -> Frame:
    """Return the adults of a series of acute myeloid leukemia."""
    raw = pd.read_csv(folder / "aml.csv")
    return lined(
        pd.DataFrame(
            {"age": raw["AOD"], "sex": raw["gender"].map(SEXES), "hemoglobin": raw["HB"] * 10,
             "platelets": raw["platelet"], "wbc": raw["wbc"], "ldh": raw["LDH"]}
        )
    )  # fmt: skip


def dysplasia(folder: Path) -> Frame:
    """Return those of a series of myelodysplastic neoplasms, with its diagnosis."""
    raw = pd.read_csv(folder / "mds.tsv", sep="\t")
    names = {"AGE": "age", "PLT": "platelets", "WBC": "wbc", "ANC": "neutrophils", "MONOCYTES": "monocytes"}
    found = raw[list(names)].apply(pd.to_numeric, errors="coerce").rename(columns=names)
    return lined(found.assign(sex=raw["SEX"], hemoglobin=pd.to_numeric(raw["HB"], errors="coerce") * 10)).assign(
        diagnosis=raw["WHO_2016_SIMPLIFY"].fillna("")
    )


def proliferation(folder: Path) -> Frame:
    """Return those of a series of myeloproliferative neoplasms, whose numbers are scaled in the table."""
    raw = pd.read_csv(folder / "mpn.csv")
    return lined(
        pd.DataFrame(
            {"age": raw["Age"] * 10, "sex": raw["Gender"], "hemoglobin": raw["Hb"] * 100, "platelets": raw["Pl"] * 1000,
             "wbc": raw["WCC"] * 100}
        )
    ).assign(diagnosis=raw["Diag"])  # fmt: skip


def hospital(shared: Path) -> Frame:
    """Return the people of a hospital."""
    raw = pd.read_csv(shared / "data/ehr_indonesia_lab/data-ori.csv")
    return lined(
        pd.DataFrame(
            {"age": raw["AGE"], "sex": raw["SEX"], "hemoglobin": raw["HAEMOGLOBINS"] * 10,
             "platelets": raw["THROMBOCYTE"], "wbc": raw["LEUCOCYTE"], "mcv": raw["MCV"]}
        )
    )  # fmt: skip


def surveyed(people: Frame) -> Frame:
    """Return the people of the survey in the same columns."""
    names = {
        "RIDAGEYR": "age",
        "LBXPLTSI": "platelets",
        "LBXWBCSI": "wbc",
        "LBDNENO": "neutrophils",
        "LBDMONO": "monocytes",
    }
    found = people[list(names)].rename(columns=names)
    return lined(found.assign(sex=people["RIAGENDR"].map(SEXES), hemoglobin=people["LBXHGB"] * 10))


def number(value: object) -> float:
    """Read a result; what is no number is none."""
    try:
        return float(str(value).strip().lstrip("<>"))
    except ValueError:
        return float("nan")


def admitted(shared: Path) -> Frame:
    """Return the first count of each admission, its first chemistry, and whether an infection was coded."""
    demo = shared / "data/mimic3_demo"
    sexes, _ = admissions.people(demo)
    chemistry: dict[str, dict[str, tuple[str, float]]] = {}
    for row in admissions.rows_of(demo / "LABEVENTS_labelled.csv.gz"):
        name, value = CHEMISTRY.get(row["ITEMID"]), number(row["VALUE"])
        if name and row["HADM_ID"] and not np.isnan(value):
            own = chemistry.setdefault(row["HADM_ID"].removesuffix(".0"), {})
            own[name] = min(own.get(name, (row["CHARTTIME"], value)), (row["CHARTTIME"], value), key=lambda one: one[0])
    codes = admissions.coded_causes(demo, shared / "knowledge/ordering/mimic_codes.csv")
    rows = []
    for admission, count in admissions.first_counts(demo).items():
        got = {name: number(one["value"]) for name, one in count.items()}  # type: ignore[index]
        bands = 0.0 if np.isnan(got.get("bands_percent", np.nan)) else got["bands_percent"]
        rows.append(
            {"sex": sexes[admission], "hemoglobin": got.get("hemoglobin", np.nan) * 10, "platelets": got.get("platelets"),
             "wbc": got.get("wbc"), INFECTION: INFECTION in codes.get(admission, set()),
             "neutrophils": got.get("wbc", np.nan) * (got.get("neutrophils_percent", np.nan) + bands) / 100,
             **{name: value for name, (_, value) in chemistry.get(admission, {}).items()}}
        )  # fmt: skip
    return lined(pd.DataFrame(rows))


# What is counted ---------------------------------------------------------------------------


def pair(condition: str, finding: str, cases: Frame, others: Frame, test: Test) -> Count:
    """Count a finding in those with the condition and in the others."""
    with_it, without = test(cases), test(others)
    return Count(condition, finding, (int(with_it.sum()), len(cases), int(without.sum()), len(others)))


def of_series(series: Path, shared: Path, people: Frame) -> Iterator[Count]:
    """Count what the series of cases have."""
    everybody, units = hospital(shared), admitted(shared)
    adults = everybody[(everybody["age"] >= 18) & (everybody["low"] > 0)]
    ill = leukemia(series).dropna(subset=CORE)
    ill = ill[ill["low"] > 0]

    def leukemic(finding: str, lines: Test, test: Test) -> Count:
        return pair("acute_leukemia", finding, ill[lines(ill)], adults[lines(adults)], test)

    two = "very_low_white_count_with_another_low_line"
    yield leukemic("very_high_white_count", lambda t: t["red"] | t["platelet"], lambda t: t["wbc"] > 30)
    yield leukemic(two, lambda t: t["low"] >= 2, lambda t: t["wbc"] < 2)
    mild = "all_low_lines_only_mildly_low"
    yield leukemic(mild, lambda t: t["low"] >= 2, lambda t: (t["platelets"] >= 100) & (t["hemoglobin"] >= 100))
    measured = units[(units["low"] > 0) & units["ldh"].notna()]
    yield pair("acute_leukemia", "raised_ldh_or_bone_pain", ill[ill["ldh"].notna()], measured, lambda t: t["ldh"] > 250)
    sick = units[units["low"] > 0]
    coded = sick[INFECTION]
    organ: Test = lambda t: (t["inr"] > 1.5) | (t["creatinine"] > 1.5)  # noqa: E731
    yield pair("infection", "organ_signs", sick[coded], sick[~coded], organ)
    marrow = dysplasia(series)
    of_mds = marrow[marrow["diagnosis"].str.startswith("MDS-")].dropna(subset=CORE)
    yield pair("mds", "white_count_above_20", of_mds[of_mds["low"] > 0], adults, lambda t: t["wbc"] > 20)
    told = surveyed(people).dropna(subset=["monocytes"])
    told = told[(told["age"] >= 18) & (told["low"] > 0)]
    cmml = marrow[marrow["diagnosis"] == "CMML"].dropna(subset=["monocytes", "age"])
    young: Test = lambda t: (t["age"] < 50) | (t["monocytes"] < 0.5)  # noqa: E731
    yield pair("cmml", "young_or_monocytes_not_raised", cmml, told, young)
    yield from of_proliferation(proliferation(series), everybody, adults)


def of_proliferation(cases: Frame, everybody: Frame, adults: Frame) -> Iterator[Count]:
    """Count what the series of myeloproliferative neoplasms has."""
    yield pair("mpn", "child", cases.dropna(subset=["age"]), everybody, lambda t: t["age"] < 18)
    fibrosis = cases[(cases["diagnosis"] == "MF") & (cases["low"] > 0)]
    aged, counted = fibrosis.dropna(subset=["age"]), fibrosis.dropna(subset=CORE)
    yield pair("myelofibrosis", "older_age", aged, adults, lambda t: t["age"] >= 60)
    yield pair("myelofibrosis", "age_below_40", aged, adults, lambda t: t["age"] < 40)
    many: Test = lambda t: t["platelets"] > 450  # noqa: E731
    yield pair("myelofibrosis", "raised_platelets_with_anemia", counted[counted["red"]], adults[adults["red"]], many)


def of_promyelocytes(series: Path) -> Iterator[Count]:
    """Count what tells acute promyelocytic leukemia from other acute leukemia."""
    raw = pd.read_csv(series / "aipal.csv")
    fibrinogen, prothrombin = "Fibrinogen_g_L", "PT_percent"
    abnormal: Test = lambda t: (t[prothrombin] < 70) | (t[fibrinogen] < 2)  # noqa: E731
    findings: list[tuple[str, list[str], Test]] = [
        ("fibrinogen_low", [fibrinogen], lambda t: t[fibrinogen] < 2),
        ("abnormal_coagulation_with_several_low_lines", [fibrinogen, prothrombin], abnormal),
        ("usual_age", ["age"], lambda t: (t["age"] >= 10) & (t["age"] < 60)),
    ]
    for finding, needed, test in findings:
        known = raw.dropna(subset=needed)
        own = known["Response"] == "APL"
        yield pair("apl", finding, known[own], known[~own], test)


def of_survey(people: Frame) -> Iterator[Count]:
    """Count what the survey tells of stated kidney disease and of inflammation."""
    anemic, age, volume = people["anemic"], people["RIDAGEYR"], "LBXMCVSI"
    asked = people[anemic & people["KIQ022"].isin([1, 2]) & (age >= 20)]
    told = asked["KIQ022"] == 1
    for finding, test in (
        ("older_age", survey.at_least("RIDAGEYR", 60)),
        ("young_age", survey.below("RIDAGEYR", 30)),
        ("mcv_outside_the_usual_range_of_it", survey.either(survey.below(volume, 76), survey.above(volume, 104))),
    ):
        yield pair("ckd_anemia", finding, asked[told], asked[~told], test)
    known = people[anemic & people["LBXHSCRP"].notna() & people["LBXFER"].notna() & (age >= 18)]
    inflamed = (known["LBXHSCRP"] > 10) & (known["LBXFER"] >= 100)
    outside = survey.either(survey.below(volume, 70), survey.above(volume, 102))
    yield pair("inflammation_anemia", "mcv_outside_the_usual_range_of_it", known[inflamed], known[~inflamed], outside)


def main() -> int:
    """Count, compare, and print what differs."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    import series_more

    series, shared = Path(sys.argv[1]), Path(sys.argv[2])
    people = survey.read(shared / "data/nhanes_intervals")
    found = [*of_series(series, shared, people), *of_promyelocytes(series), *of_survey(people)]
    found += series_more.of_more(series, shared, people)
    written = {(row.condition, row.finding): row.counts for row in load_knowledge().likelihoods}
    differ = [one for one in found if written.get((one.condition, one.finding)) != one.counts]
    for one in found:
        print(f"{one.condition:<20} {one.finding:<45} {'{} of {}, {} of {}'.format(*one.counts)}")
    for one in differ:
        print(f"differs: {one.condition} {one.finding}: {written.get((one.condition, one.finding))}")
    print(f"{len(found) - len(differ)} of {len(found)} rows are the same")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
