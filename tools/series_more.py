"""More counts for tools/series_ratios.py: public tables of hospitals and clinics, and what the survey tells of iron.

SERIES also has, as their repositories have them:

* bacteremia.csv: data/Bacteremia_public_S2.csv of github.com/stratosida/ida-regression, 14691 people of a hospital
  in whom bacteremia was suspected, with their chemistry;
* liver.csv: hcc-data.txt of github.com/Mateus-Chou/TCC-hcc-survival, 165 people with liver cancer, 149 with cirrhosis;
* collagen_a.csv, collagen_b.csv: data/TSUMOTO_A.CSV and TSUMOTO_B.CSV of github.com/XiaojingNi/collagen_diseases_eda, the
  people of a clinic for collagen diseases.

The people in whom bacteremia was suspected stand beside a series where chemistry or large cells are counted, which the
hospital that treats everything does not have or hardly has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import series_ratios as series
from series_ratios import Count, Frame, Test, pair

UNITS = {"HGB": "hemoglobin", "PLT": "platelets", "WBC": "wbc", "NEU": "neutrophils", "LYM": "lymphocytes"}
CHEMISTRY = {"MCV": "mcv", "LDH": "ldh", "CA": "calcium", "FIB": "fibrinogen", "TRIG": "triglycerides", "ASAT": "ast",
             "ALAT": "alt", "GGT": "ggt"}  # fmt: skip
SMALL = ((2, 68.8), (6, 72.3), (12, 74.5))  # the lower limit of MCV below each age
FIRST_DATES = ("%y.%m.%d", "%Y/%m/%d", "%m/%d/%y")


# What is read ------------------------------------------------------------------------------


def suspected(folder: Path) -> Frame:
    """Return the people in whom bacteremia was suspected, with their chemistry."""
    raw = pd.read_csv(folder / "bacteremia.csv")
    found = raw[[*UNITS, *CHEMISTRY]].rename(columns=UNITS | CHEMISTRY)
    found = found.assign(
        sex=raw["SEX"].map(series.SEXES), hemoglobin=raw["HGB"] * 10, proven=raw["BloodCulture"] == "yes"
    )
    return series.lined(found)


def livers(folder: Path) -> Frame:
    """Return the people with cirrhosis; counts are in thousands where they are larger than any in their own unit."""
    raw = pd.read_csv(folder / "liver.csv", na_values="?")
    raw.columns = [name.replace("\t", "").strip() for name in raw.columns]
    platelets, white = raw["Platelets(G/L)"], raw["Leukocytes(G/L)"]
    found = pd.DataFrame(
        {"age": raw["Age at diagnosis"], "sex": raw["Gender"].map({1: "M", 0: "F"}),
         "hemoglobin": raw["Haemoglobin (g/dL)"] * 10, "platelets": platelets.where(platelets < 3000, platelets / 1000),
         "wbc": white.where(white < 150, white / 1000), "mcv": raw["Mean Corpuscular Volume (fl)"],
         "ast": raw["Aspartate transaminase (U/L)"], "alt": raw["Alanine transaminase (U/L)"],
         "ggt": raw["Gamma glutamyl transferase (U/L)"], "alcohol": raw["Alcohol"] == 1}
    )  # fmt: skip
    return series.lined(found[raw["Cirrhosis"] == 1])


def lupus(folder: Path) -> Frame:
    """Return the age at the first visit, and the sex, of people with lupus."""
    raw = pd.read_csv(folder / "collagen_a.csv", encoding="latin-1")
    first = raw["First Date"].astype(str).str.strip()
    date = pd.Series(pd.NaT, index=raw.index)
    for form in FIRST_DATES:
        date = date.fillna(pd.to_datetime(first, format=form, errors="coerce"))
    age = (date - pd.to_datetime(raw["Birthday"], errors="coerce")).dt.days / 365.25
    named = raw["Diagnosis"].astype(str).str.replace('"', "").str.match(r"^SLE(,|$| ?$)")
    kept = named & (age > 0) & (age < 100)
    return pd.DataFrame({"age": age[kept], "sex": raw["SEX"][kept]})


def clotted(folder: Path) -> Frame:
    """Return who of the clinic has antiphospholipid syndrome, thrombosis and antinuclear antibodies."""
    raw = pd.read_csv(folder / "collagen_b.csv", encoding="latin-1")
    return pd.DataFrame(
        {"syndrome": raw["Diagnosis"].astype(str).str.contains("APS"), "thrombosis": pd.to_numeric(raw["Thrombosis"], errors="coerce"),
         "antibodies": raw["ANA"]}
    ).dropna(subset=["thrombosis"])  # fmt: skip


# What is counted ---------------------------------------------------------------------------


def of_more(folder: Path, shared: Path, people: Frame) -> Iterator[Count]:
    """Count all of it."""
    everybody = series.hospital(shared)
    low = everybody[everybody["low"] > 0]
    yield from of_leukemia(folder, low)
    yield from of_raised_counts(folder, everybody)
    yield from of_livers(folder, low)
    yield from of_infection(folder, shared, low)
    yield from of_collagen(folder, low)
    yield from of_iron(people)
    yield from of_arthritis(shared, people)


def of_leukemia(folder: Path, low: Frame) -> Iterator[Count]:
    """Count blasts, deep counts, and what speaks against acute promyelocytic leukemia and dysplasia."""
    adults, ill = low[low["age"] >= 18], series.leukemia(folder).dropna(subset=series.CORE)
    deep: Test = lambda t: (t["hemoglobin"] < 90) & (t["platelets"] < 50)  # noqa: E731
    yield pair(
        "acute_leukemia", "hemoglobin_and_platelets_both_deep", red_and_platelet(ill), red_and_platelet(adults), deep
    )
    marrow = pd.read_csv(folder / "mds.tsv", sep="\t")
    blasts = pd.to_numeric(marrow["PB_BLAST"], errors="coerce")
    without = pd.DataFrame({"blasts": blasts[marrow["WHO_2016_SIMPLIFY"].fillna("").str.startswith("MDS-")]}).dropna()
    with_it = pd.DataFrame({"blasts": pd.read_csv(folder / "aml.csv")["PB_Blasts"]}).dropna()
    yield pair("acute_leukemia", "film_read_without_blasts", with_it, without, lambda t: t["blasts"] == 0)
    dysplastic = series.dysplasia(folder)
    dysplastic = dysplastic[dysplastic["diagnosis"].str.startswith("MDS-")].dropna(subset=series.CORE)
    mild: Test = lambda t: (t["platelets"] >= 100) & (t["hemoglobin"] >= 110)  # noqa: E731
    name = "all_low_lines_only_mildly_low_cells_not_large"
    yield pair("mds", name, dysplastic[dysplastic["low"] >= 2], adults[adults["low"] >= 2], mild)
    raw = pd.read_csv(folder / "aipal.csv")
    sound: Test = lambda t: (t["PT_percent"] >= 70) & (t["Fibrinogen_g_L"] >= 2)  # noqa: E731
    known = raw.dropna(subset=["PT_percent", "Fibrinogen_g_L"])
    own = known["Response"] == "APL"
    yield pair("apl", "film_and_coagulation_unremarkable", known[own], known[~own], sound)


def red_and_platelet(table: Frame) -> Frame:
    """Return those whose red cells and platelets are low."""
    return table[table["red"].astype(bool) & table["platelet"].astype(bool)]


def of_raised_counts(folder: Path, everybody: Frame) -> Iterator[Count]:
    """Count what essential thrombocythemia and polycythemia vera have, of people with raised platelets or hemoglobin."""
    cases = series.proliferation(folder)
    cases = cases[cases["diagnosis"].isin(["ET", "PV"])].dropna(subset=series.CORE)
    many: Test = lambda t: t["platelets"] > 450  # noqa: E731
    raised: Test = lambda t: many(t) | (t["hemoglobin"] > np.where(t["sex"] == "M", 170, 165))  # noqa: E731
    yield pair(
        "mpn", "platelets_above_1000", cases[many(cases)], everybody[many(everybody)], lambda t: t["platelets"] > 1000
    )
    own, others = cases[raised(cases)], everybody[raised(everybody)]
    second: Test = lambda t: (t["hemoglobin"] > 165) & (many(t) | (t["wbc"] > 12))  # noqa: E731
    yield pair("mpn", "a_second_raised_line_or_large_spleen", own, others, second)


def of_livers(folder: Path, low: Frame) -> Iterator[Count]:
    """Count what people with cirrhosis have, and those of them who drank."""
    cases, ill = livers(folder), suspected(folder)
    cases, ill, adults = cases[cases["low"] > 0], ill[ill["low"] > 0], low[low["age"] >= 18]
    counted = cases.dropna(subset=series.CORE)
    own, others = counted[counted["platelet"]], adults[adults["platelet"]]
    for finding, least, most in (("platelets_50_to_99", 50, 100), ("platelets_below_50", 20, 50)):
        between: Test = lambda t, a=least, b=most: (t["platelets"] >= a) & (t["platelets"] < b)  # type: ignore[misc]  # noqa: E731
        yield pair("hypersplenism_liver", finding, own, others, between)
    usual: Test = lambda t: (t["age"] >= 40) & (t["age"] < 80)  # noqa: E731
    yield pair("hypersplenism_liver", "usual_age", own, low[low["platelet"]], usual)
    yield pair("hypersplenism_liver", "counts_unusual_for_it", counted, adults, lambda t: t["wbc"] > 11)
    enzymes, measured = cases.dropna(subset=["ggt"]), ill.dropna(subset=["ggt"])
    yield pair("hypersplenism_liver", "target_cells_or_liver_enzymes", enzymes, measured, lambda t: t["ggt"] > 60)
    drank = cases[cases["alcohol"]]
    pattern: Test = lambda t: (t["ggt"] > 60) | (t["ast"] / t["alt"] > 2)  # noqa: E731
    three = ["ggt", "ast", "alt"]
    yield pair("alcohol", "liver_enzyme_pattern", drank.dropna(subset=three), ill.dropna(subset=three), pattern)
    sized, beside = drank.dropna(subset=["mcv", "platelets"]), ill.dropna(subset=["mcv"])
    few: Test = lambda t: (t["mcv"] >= 95) & (t["mcv"] < 112) & (t["platelets"] >= 50) & (t["platelets"] < 150)  # noqa: E731
    found: list[tuple[str, Test]] = [
        ("mcv_100_to_111", lambda t: (t["mcv"] >= 100) & (t["mcv"] < 112)),
        ("large_cells_with_moderately_low_platelets", few),
    ]
    for name, test in found:
        yield pair("alcohol", name, sized, beside, test)
    outside: Test = lambda t: (t["mcv"] < 80) | (t["mcv"] > 115)  # noqa: E731
    yield pair("alcohol", "mcv_outside_the_usual_range_of_it", sized, adults, outside)


def of_infection(folder: Path, shared: Path, low: Frame) -> Iterator[Count]:
    """Count what proven bacteremia has, and what admissions with coded infection and bleeding have."""
    ill = suspected(folder)
    ill = ill[ill["low"] > 0]
    proven, others, adults = ill[ill["proven"]], ill[~ill["proven"]], low[low["age"] >= 18]
    few: Test = lambda t: (t["lymphocytes"] < 1) & (t["platelet"] | (t["wbc"] > 8))  # noqa: E731
    alone: Test = lambda t: (t["low"] == 1) & (t["hemoglobin"] >= 120) & (t["wbc"] >= 4) & (t["wbc"] < 11)  # noqa: E731
    yield pair("infection", "lymphopenia", proven, others, few)
    own = proven.dropna(subset=series.CORE)
    name = "platelets_alone_the_rest_of_the_count_normal"
    yield pair("infection", name, own[own["platelet"]], adults[adults["platelet"]], alone)
    units = series.admitted(shared)
    units = units[units["low"] > 0]
    raised: Test = lambda t: (t["wbc"] > 11) & (t["wbc"] < 50)  # noqa: E731
    coded = units[series.INFECTION]
    name = "raised_white_count_not_lymphocytic_below_50_with_low_platele"
    yield pair("infection", name, units[coded], units[~coded], raised)


def of_collagen(folder: Path, low: Frame) -> Iterator[Count]:
    """Count who lupus befalls, and what tells antiphospholipid syndrome from other collagen diseases."""
    people = lupus(folder)
    woman: Test = lambda t: (t["sex"] == "F") & (t["age"] >= 12) & (t["age"] < 55)  # noqa: E731
    yield pair("sle", "woman_of_12_to_54", people, low, woman)
    yield pair("sle", "age", people, low, lambda t: (t["age"] >= 65) | (t["age"] < 8))
    clinic = clotted(folder)
    own, others = clinic[clinic["syndrome"]], clinic[~clinic["syndrome"]]
    yield pair("antiphospholipid", "thrombosis_with_low_platelets", own, others, lambda t: t["thrombosis"] > 0)
    none: Test = lambda t: (t["thrombosis"] == 0) & t["antibodies"].astype(str).isin(["0", "0.0"])  # noqa: E731
    name = "no_thrombosis_and_no_antinuclear_antibodies"
    yield pair("antiphospholipid", name, own.dropna(), others.dropna(), none)


def of_iron(people: Frame) -> Iterator[Count]:
    """Count the size of the red cells of anemic children with ferritin below 15 and of others."""
    known = people[people["anemic"] & people["LBXFER"].notna()]
    age = "RIDAGEYR"
    empty: Test = lambda t: t["LBXFER"] < 15  # noqa: E731
    children = known[known[age] < 12]

    def small(t: Frame) -> pd.Series[bool]:
        limit = np.select([t[age] < before for before, _ in SMALL], [lowest for _, lowest in SMALL])
        return t["LBXMCVSI"] < limit

    yield pair(
        "iron_deficiency",
        "cells_small_for_the_age_in_a_child",
        children[empty(children)],
        children[~empty(children)],
        small,
    )


def of_arthritis(shared: Path, people: Frame) -> Iterator[Count]:
    """Count who was told of rheumatoid or psoriatic arthritis, of anemic adults with and without inflammation."""
    folder = shared / "data/nhanes_intervals"
    told = pd.concat(
        [pd.read_csv(folder / f"{name}.csv.xz")[["SEQN", "MCQ160A", "MCQ195"]] for name in ("MCQ_I", "P_MCQ")]
    )
    known = people[
        people["anemic"] & people["LBXHSCRP"].notna() & people["LBXFER"].notna() & (people["RIDAGEYR"] >= 20)
    ]
    known = known.merge(told, on="SEQN")
    known = known[known["MCQ160A"].isin([1, 2])]
    inflamed = (known["LBXHSCRP"] > 10) & (known["LBXFER"] >= 100)
    joints: Test = lambda t: t["MCQ195"].isin([2, 3])  # noqa: E731
    yield pair("inflammation_anemia", "chronic_inflammatory_disease", known[inflamed], known[~inflamed], joints)
