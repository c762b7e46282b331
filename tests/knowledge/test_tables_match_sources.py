"""The tables under reference_ranges/ against the cited tables, cell by cell and row by row (one file: one subject, whose cases share what they build).

The two sides are read as texts with different names for the same things; every renaming
is written out here, so that a changed digit, a dropped row or a swapped bound fails.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

import cbc_screen as cbc

TABLES = Path(__file__).resolve().parents[2] / "reference_ranges"
ANALYTES = {
    "HGB": "hemoglobin", "HCT": "hematocrit", "RBC": "rbc", "MCV": "mcv", "MCH": "mch", "MCHC": "mchc", "RDW": "rdw_cv",
    "WBC": "wbc", "NEUT": "neutrophils", "LYMPH": "lymphocytes", "MONO": "monocytes", "EOS": "eosinophils",
    "BASO": "basophils", "PLT": "platelets", "MPV": "mpv",
    "RETIC_ABS": "reticulocytes", "RETIC_PCT": "reticulocytes_percent",
}  # fmt: skip
AGE_UNITS = {"days": "d", "months": "mo", "years": "y"}
# American spelling is the only change of words.
SPELLING = (
    ("haemoglobin", "hemoglobin"),
    ("haematology", "hematology"),
    ("Haematology", "Hematology"),
    ("analyser", "analyzer"),
)
# Ages are in completed days: bands published in hours keep the whole days inside them, and
# a band within one day has none.
WHOLE_DAYS = {("neo_cui_plt", "0.5", "3.5"): ("1", "3"), ("neo_manroe_neut", "0.5", "1"): None}
Cells = dict[str, str]


def rows_of(path: Path) -> list[Cells]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ends(interval: str) -> tuple[str, str]:
    """Split "108..110" into its ends; an empty cell has none."""
    return tuple(interval.split("..")) if interval else ("", "")  # type: ignore[return-value]


# Reference intervals ---------------------------------------------------------------------


def spelled(text: str) -> str:
    for british, american in SPELLING:
        text = text.replace(british, american)
    return text


def in_whole_days(row: Cells) -> Cells | None:
    """Return a cited row with ages in whole days, or None where it has no whole day."""
    key = (row["set_id"], row["age_low"], row["age_high"])
    if key not in WHOLE_DAYS:
        return row
    days = WHOLE_DAYS[key]
    if days is None:
        return None
    derivation = "; ".join(part for part in (row["derivation"], "whole days inside the published hours") if part)
    return {**row, "age_low": days[0], "age_high": days[1], "derivation": derivation}


def expected_interval(row: Cells) -> Cells:
    endless = (row["age_high"], row["age_high_unit"]) == ("150", "years")
    lower_ci, upper_ci = ends(row["lower_ci90"]), ends(row["upper_ci90"])
    return {
        "set": row["set_id"],
        "analyte": ANALYTES[row["analyte"]],
        "sex": row["sex"],
        "pregnancy": row["pregnancy"],
        "age_low": row["age_low"],
        "age_low_unit": AGE_UNITS[row["age_low_unit"]],
        "age_high": "" if endless else row["age_high"],
        "age_high_unit": "" if endless else AGE_UNITS[row["age_high_unit"]],
        "lower": row["lower"],
        "upper": row["upper"],
        "unit": row["unit"],
        "lower_ci90_low": lower_ci[0],
        "lower_ci90_high": lower_ci[1],
        "upper_ci90_low": upper_ci[0],
        "upper_ci90_high": upper_ci[1],
        "percentile_basis": row["percentile_basis"],
        "n": row["n"],
        "population": spelled(row["population"]),
        "analyzer": row["analyser_method"].replace("SLS haemoglobin", "SLS hemoglobin"),
        "source": row["source_id"].removeprefix("S_").lower(),
        "locator": row["page_table"],
        "verification": row["verify_grade"],
        "confidence": row["confidence"],
        "derivation": row["derivation"],
        "notes": spelled(row["notes"]),
    }


def test_every_cell_of_every_interval_set(shared: Path) -> None:
    """Every row graded A, B or C is shipped, cell by cell; a row graded D is not."""
    cited: dict[str, list[Cells]] = {}
    for row in rows_of(shared / "knowledge" / "reference_intervals.csv"):
        assert row["age_bounds"] == "[low,high) low inclusive, high exclusive"
        assert (row["verify_grade"] == "D") == row["verified"].startswith("no")
        whole = in_whole_days(row)
        if row["verify_grade"] in ("A", "B", "C") and whole is not None:
            cited.setdefault(row["set_id"], []).append(whole)
    shipped = {path.stem: rows_of(path) for path in (TABLES / "intervals").glob("*.csv") if path.stem not in ADDED}
    assert set(shipped) == set(cited)
    assert (len(cited), len(cited["default_v1"]), len(cited["default_pregnancy_v1"])) == (48, 246, 31)
    assert sum(map(len, cited.values())) == 1566
    for name, rows in cited.items():
        assert len(shipped[name]) == len(rows), name
        for line, (found, source) in enumerate(zip(shipped[name], rows, strict=True), start=2):
            assert found == expected_interval(source), f"{name}.csv:{line}"


def test_interval_sources_are_cited_as_in_the_source_table(shared: Path) -> None:
    cited = {
        row["source_id"].removeprefix("S_").lower(): row
        for row in rows_of(shared / "knowledge" / "interval_sources.csv")
    }
    shipped = {row["id"]: row for row in rows_of(TABLES / "sources.csv")}
    files = [path for path in (TABLES / "intervals").glob("*.csv") if path.stem not in ADDED]
    used = {row["source"] for path in files for row in rows_of(path)}
    assert len(used) == 43
    for source in used:
        assert shipped[source]["citation"] == cited[source]["citation"], source
        assert shipped[source]["url"] == cited[source]["url_doi"], source


# Sets of the later table, with how many of its rows are shipped. Of 68 rows 60 are: eight are graded D, and one is read
# in a unit that its table does not print.
ADDED = {
    "preterm_ochiai2016": 14, "japan_jccls2022": 7, "uk_biobank_t6": 6, "uk_wakeman2007": 6, "uk_durham_darlington": 6,
    "uk_oseibimpong2011": 15, "brazil_pns2019": 6,
}  # fmt: skip
WEEKS = {"lt28w": ("", "28"), "28_32w": ("28", "32"), "32_37w": ("32", "37"), "lt37w": ("", "37")}
COMPARED = ("sex", "pregnancy", "lower", "upper", "unit")


def added_rows(shared: Path) -> dict[tuple[str, ...], Cells]:
    """Return the rows of the later table by set, analyte, sex and weeks of gestation."""
    found = {}
    for row in rows_of(shared / "knowledge" / "more" / "reference_intervals_additions.csv"):
        name, weeks = row["set_id"], ("", "")
        if name.startswith("preterm_ochiai2016_"):
            weeks, name = WEEKS[name.removeprefix("preterm_ochiai2016_")], "preterm_ochiai2016"
        found[name, ANALYTES[row["analyte"]], row["sex"], *weeks] = row
    return found


def test_every_row_of_the_sets_added_later(shared: Path) -> None:
    cited = added_rows(shared)
    for name, count in ADDED.items():
        rows = rows_of(TABLES / "intervals" / f"{name}.csv")
        assert len(rows) == count
        for row in rows:
            weeks = row.get("gestation_low", ""), row.get("gestation_high", "")
            source = cited.pop((name, row["analyte"], row["sex"], *weeks))
            assert {key: row[key] for key in COMPARED} == {key: source[key] for key in COMPARED}
            assert (row["age_low"], row["age_high"]) == (source["age_low"], source["age_high"])
            for side in ("lower", "upper"):
                ends = tuple(source[f"{side}_ci90"].split("-")) if source[f"{side}_ci90"] else ("", "")
                assert (row[f"{side}_ci90_low"], row[f"{side}_ci90_high"]) == ends
            # What is quoted in another paper was seen in a transcription.
            assert row["verification"] == ("C" if name == "uk_wakeman2007" else source["verify_grade"])
            assert row["confidence"] == {"medium": "moderate"}.get(source["confidence"], source["confidence"])
    left = {key[0] for key, row in cited.items() if row["verify_grade"] == "D"}
    assert left == {"preg_china2020_t2"}
    assert [key[:2] for key in cited if key[0] not in left] == [("uk_oseibimpong2011", "mchc")]
    assert len(cited) == 9


def age_text(row: Cells) -> str:
    """Return an age at the start of a cited band."""
    return f"{row['age_low']} {AGE_UNITS[row['age_low_unit']]}"


def test_reference_range_gives_the_cited_numbers(shared: Path) -> None:
    """The public door too: at the first day of each band (where the age has one range) the cited limits come out."""
    asked = 0
    for row in rows_of(shared / "knowledge" / "reference_intervals.csv"):
        if row["set_id"] not in ("default_v1", "default_pregnancy_v1") or row["age_low_unit"] == "months":
            continue  # an age in months beside edges in days has several ranges
        for sex in ("F", "M") if row["sex"] == "any" else (row["sex"],):
            stage = None if row["pregnancy"] == "none" else row["pregnancy"]
            found = cbc.reference_range(ANALYTES[row["analyte"]], age_text(row), sex=sex, pregnancy=stage)
            assert found.lower == (float(row["lower"]) if row["lower"] else None), row
            assert found.upper == (float(row["upper"]) if row["upper"] else None), row
            assert (found.unit, found.set) == (row["unit"], row["set_id"])
            asked += 1
    assert asked > 300


# Grading ---------------------------------------------------------------------------------

WORDS = {"none": 0, "mild": 1, "moderate": 2, "severe": 3}
SEVERITY = {0: "none", 1: "mild", 2: "moderate", 3: "severe", 4: "very_severe"}
AGE_WORD = re.compile(r"age=([\[(])(\d+)(mo|y|d),(?:(\d+)(mo|y|d)|inf)([\])])")
TRIMESTERS = {"1": ("T1",), "2": ("T2",), "3": ("T3",), "any": ("T1", "T2", "T3")}
ANY_AGE = ("0", "d", "", "")


def age_columns(population: str) -> tuple[str, str, str, str]:
    """Read "age=[15y,65y]"; a closed or passed year of 65 is [15, 66) and [66, )."""
    found = AGE_WORD.search(population)
    if found is None:
        return ANY_AGE
    opening, low, low_unit, high, high_unit, closing = found.groups()
    if opening == "(":
        low = str(int(low) + 1)
    if high and closing == "]":
        high = str(int(high) + 1)
    return low, low_unit, high or "", high_unit or ""


def who_rows(row: Cells) -> list[Cells]:
    """Return the shipped rows of one WHO row: a row for any trimester becomes three."""
    population = row["population"]
    pregnant = "pregnant=yes" in population
    stages = TRIMESTERS[re.search(r"trimester=(\w+)", population)[1]] if pregnant else ("none",)  # type: ignore[index]
    sex = "F" if pregnant else re.search(r"sex=(\w+)", population)[1]  # type: ignore[index]
    return [banded(row, WORDS[row["grade"]], row["grade"], sex, stage, age_columns(population)) for stage in stages]


def banded(row: Cells, grade: int, label: str, sex: str, stage: str, age: tuple[str, str, str, str]) -> Cells:
    # Half-open bands: "yes" for a lower bound, "no" for an upper one except in DAIDS grade 1.
    assert row["lower_inclusive"] == ("yes" if row["lower_bound"] else "")
    assert row["upper_inclusive"] in (("no", "yes") if row["upper_bound"] else ("",))
    return {
        "analyte": {"haemoglobin": "hemoglobin"}.get(row["analyte"], row["analyte"]),
        "sex": sex,
        "pregnancy": stage,
        "age_low": age[0],
        "age_low_unit": age[1],
        "age_high": age[2],
        "age_high_unit": age[3],
        "grade": str(grade),
        "label": label,
        "severity": SEVERITY[grade],
        "lower": row["lower_bound"],
        "upper": {"LLN": "lower_limit"}.get(row["upper_bound"], row["upper_bound"]),
        "upper_inclusive": "yes" if row["upper_inclusive"] == "yes" else "",
        "unit": row["unit"],
    }


def cited_grades(shared: Path, scheme: str, *versions: str) -> list[Cells]:
    return [
        r for r in rows_of(shared / "knowledge" / "grading.csv") if r["scheme"] == scheme and r["version"] in versions
    ]


def shipped_grades(name: str) -> tuple[list[Cells], list[Cells]]:
    """Return the shipped rows without, and with, the columns that name the source."""
    rows = rows_of(TABLES / "grading" / f"{name}.csv")
    assert {row["scheme"] for row in rows} == {name}
    naming = ("scheme", "source", "verification", "notes")
    return [{key: value for key, value in row.items() if key not in naming} for row in rows], rows


def same_rows(found: list[Cells], wanted: list[Cells]) -> None:
    """Compare as multisets, for the order of the bands carries nothing."""
    count = Counter(tuple(row.items()) for row in found)
    count.subtract(Counter(tuple(row.items()) for row in wanted))
    assert {row: times for row, times in count.items() if times} == {}


@pytest.mark.parametrize(
    ("name", "versions", "source", "count"),
    [("who_2024", ("2024", "2024-extension"), "who2024", 44), ("who_2011", ("2011",), "who2011", 32)],
)
def test_who_hemoglobin(shared: Path, name: str, versions: tuple[str, ...], source: str, count: int) -> None:
    found, full = shipped_grades(name)
    cited = cited_grades(shared, "WHO_HB", *versions)
    same_rows(found, [row for cell in cited for row in who_rows(cell)])
    assert len(found) == count
    assert {row["source"] for row in full} == {source}


def test_the_extension_past_65_says_so(shared: Path) -> None:
    """The published table stops at 65; the rows past it carry a note and the project's own mark."""
    _, full = shipped_grades("who_2024")
    past = [row for row in full if row["age_low"] == "66"]
    assert len(past) == len(cited_grades(shared, "WHO_HB", "2024-extension")) == 8
    for row in full:
        assert (row["verification"] == "project") == (row in past)
        assert bool(row["notes"]) == (row in past)


@pytest.mark.parametrize(
    ("name", "version", "count"), [("ctcae_v4", "4.03", 19), ("ctcae_v5", "5.0", 19), ("ctcae_v6", "6.0", 15)]
)
def test_ctcae(shared: Path, name: str, version: str, count: int) -> None:
    found, full = shipped_grades(name)
    cited = cited_grades(shared, "NCI_CTCAE", version)
    # A grade without a number (anemia 4 and 5, lymphopenia in version 6) is never shipped.
    numbered = [row for row in cited if row["lower_bound"] or row["upper_bound"]]
    unnumbered = {(row["analyte"], row["grade"]) for row in cited if row not in numbered}
    assert {("haemoglobin", "4"), ("haemoglobin", "5")} <= unnumbered
    wanted = [banded(row, int(row["grade"]), f"grade {row['grade']}", "any", "any", ANY_AGE) for row in numbered]
    same_rows(found, wanted)
    assert len(found) == count
    assert {row["source"] for row in full} == {name}


def test_daids(shared: Path) -> None:
    """Lymphocyte rows ask for the HIV status, which no record has: they are not shipped."""
    found, full = shipped_grades("daids_v2_1")
    cited = [r for r in cited_grades(shared, "DAIDS", "2.1-corrected") if "hiv=" not in r["population"]]
    wanted = [
        banded(
            row,
            int(row["grade"]),
            f"grade {row['grade']}",
            re.search(r"sex=(\w+)", row["population"])[1],  # type: ignore[index]
            "any",
            age_columns(row["population"]),
        )
        for row in cited
    ]
    same_rows(found, wanted)
    assert len(found) == 52
    assert {row["source"] for row in full} == {"daids_v2_1"}


def test_neutropenia_bands(shared: Path) -> None:
    found, full = shipped_grades("neutropenia_bands")
    cited = [row for row in cited_grades(shared, "NEUTROPENIA_BANDS", "convention") if row["grade"] in WORDS]
    assert {row["population"] for row in cited} == {"age=[1y,inf);sex=any"}
    wanted = [banded(row, WORDS[row["grade"]], row["grade"], "any", "any", ("1", "y", "", "")) for row in cited]
    [profound] = [row for row in cited_grades(shared, "NEUTROPENIA_BANDS", "IDSA-2010") if row["grade"] == "profound"]
    wanted.append(banded(profound, 4, "profound", "any", "any", ("1", "y", "", "")))
    severe = next(row for row in wanted if row["label"] == "severe")
    assert severe["lower"] == ""
    severe["lower"] = profound["upper_bound"]
    same_rows(found, wanted)
    assert len(found) == 4
    assert {row["source"] for row in full} == {"neutropenia_convention", "idsa_2010"}


def test_thrombocytopenia_bands(shared: Path) -> None:
    """The extended band "very severe" ends the severe band at its own upper bound."""
    found, full = shipped_grades("thrombocytopenia_bands")
    cited = cited_grades(shared, "THROMBOCYTOPENIA_BANDS", "convention")
    extended = cited_grades(shared, "THROMBOCYTOPENIA_BANDS", "convention-extended")
    assert [row["grade"] for row in extended] == ["very_severe"]
    wanted = [banded(row, WORDS[row["grade"]], row["grade"], "any", "any", ANY_AGE) for row in cited]
    wanted.append(banded(extended[0], 4, "very_severe", "any", "any", ANY_AGE))
    severe = next(row for row in wanted if row["label"] == "severe")
    assert severe["lower"] == ""
    severe["lower"] = extended[0]["upper_bound"]
    same_rows(found, wanted)
    assert len(found) == 4
    assert {row["source"] for row in full} == {"thrombocytopenia_convention"}


def test_every_grading_table_is_compared_here() -> None:
    compared = {
        "who_2024",
        "who_2011",
        "ctcae_v4",
        "ctcae_v5",
        "ctcae_v6",
        "daids_v2_1",
        "neutropenia_bands",
        "thrombocytopenia_bands",
    }
    assert {path.stem for path in (TABLES / "grading").glob("*.csv")} == compared


def test_grading_sources_name_their_version(shared: Path) -> None:
    """The cited document and its version are what the shipped citation names."""
    shipped = {row["id"]: row["citation"] for row in rows_of(TABLES / "sources.csv")}
    marks = {"ctcae_v4": "v4.03", "ctcae_v5": "v5.0", "ctcae_v6": "v6.0", "who2024": "2024", "who2011": "2011"}
    cited = {
        row["version"]: row["source"]
        for row in rows_of(shared / "knowledge" / "grading.csv")
        if row["scheme"] in ("WHO_HB", "NCI_CTCAE")
    }
    for source, mark in marks.items():
        assert mark in shipped[source]
        assert mark in cited[mark.removeprefix("v")]


# Adjustments of hemoglobin ---------------------------------------------------------------

# What the cited table calls a row, and what the shipped one does. A count of cigarettes and
# an elevation carry bounds; a word alone (smoker, non-smoker) carries none.
QUANTITIES = {
    "1-499 m": "elevation", "500-999 m": "elevation", "1000-1499 m": "elevation", "1500-1999 m": "elevation",
    "2000-2499 m": "elevation", "2500-2999 m": "elevation", "3000-3499 m": "elevation", "3500-3999 m": "elevation",
    "4000-4499 m": "elevation", "4500-4999 m": "elevation", ">=5000 m": "elevation",
    "<1000 m": "elevation", "1000 m": "elevation", "1500 m": "elevation", "2000 m": "elevation", "2500 m": "elevation",
    "3000 m": "elevation", "3500 m": "elevation", "4000 m": "elevation", ">=4500 m": "elevation",
    "<10 cigarettes/day": "cigarettes_per_day", "10-19 cigarettes/day": "cigarettes_per_day",
    ">=20 cigarettes/day": "cigarettes_per_day",
    "non-smoker": "non_smoker", "smoker, quantity unknown": "smoker", "smoker, all": "smoker",
}  # fmt: skip
ADJUSTMENT_UNITS = {"elevation": "m", "cigarettes_per_day": "1/d", "smoker": "", "non_smoker": ""}
# A pack is not a stated number of cigarettes, and "none" is what WHO does not adjust for.
NOT_SHIPPED = {
    "0.5-1 pack/day", "1-2 packs/day", ">=2 packs/day",
    "inflammation / CRP", "ancestry / ethnicity", "specimen",
}  # fmt: skip
POINTS_2011 = "printed at point altitudes; the bins are a reading of them; amounts also read in the micronutr package"
ADJUSTMENT_NOTES = {
    ("2024", ">=5000 m"): "not tabulated; never extrapolated",
    ("2024", "smoker, quantity unknown"): "quantity not known",
    ("2024", "<10 cigarettes/day"): "more than none",
    ("2011", "smoker, all"): "smokers of any quantity; the rows by packs a day are left out, for a pack is not a stated number",
}  # fmt: skip
# Rows that the cited table does not print: below 1 m nothing is subtracted, and the cut-offs
# of 2011 are those of non-smokers.
ADDED_ADJUSTMENTS = {
    "2024": {
        "table": "who_2024", "quantity": "elevation", "lower": "0", "upper": "1", "unit": "m", "subtract": "0",
        "subtract_unit": "g/L", "source": "who2024_adjustments", "verification": "secondary",
        "notes": "the cut-offs are those of sea level",
    },
    "2011": {
        "table": "who_2011", "quantity": "non_smoker", "lower": "", "upper": "", "unit": "", "subtract": "0",
        "subtract_unit": "g/L", "source": "who2011_adjustments", "verification": "unverified",
        "notes": "the cut-offs are those of non-smokers",
    },
}  # fmt: skip


def expected_adjustment(row: Cells) -> Cells:
    quantity, bounded = QUANTITIES[row["category"]], row["category"] not in ("non-smoker", "smoker, all")
    # Half-open steps: the lower end belongs to a step (but "more than none" is not none), the upper does not.
    assert row["lower_inclusive"] == ("yes" if row["lower"] not in ("", ">0") else "")
    assert row["upper_inclusive"] == ("no" if row["upper"] and bounded else "")
    point_2011 = (row["version"], quantity) == ("2011", "elevation")
    return {
        "table": f"who_{row['version']}",
        "quantity": quantity,
        "lower": row["lower"].removeprefix(">") if bounded else "",
        "upper": row["upper"] if bounded else "",
        "unit": ADJUSTMENT_UNITS[quantity],
        "subtract": row["subtract_from_hb_g_per_L"],
        "subtract_unit": "g/L",
        "source": f"who{row['version']}_adjustments",
        "verification": "unverified" if (row["version"], quantity) == ("2011", "smoker") else "secondary",
        "notes": POINTS_2011 if point_2011 else ADJUSTMENT_NOTES.get((row["version"], row["category"]), ""),
    }


@pytest.mark.parametrize(("version", "count", "left_out"), [("2024", 17, 3), ("2011", 11, 3)])
def test_adjustments_of_hemoglobin(shared: Path, version: str, count: int, left_out: int) -> None:
    """Every step of elevation and smoking, cell by cell; what is left out or added is named above."""
    cited = [r for r in rows_of(shared / "knowledge" / "who_adjustments.csv") if r["version"] == version]
    kept = [row for row in cited if row["category"] not in NOT_SHIPPED]
    assert len(cited) - len(kept) == left_out
    shipped = rows_of(TABLES / "adjustments" / f"who_{version}.csv")
    same_rows(shipped, [ADDED_ADJUSTMENTS[version], *map(expected_adjustment, kept)])
    assert len(shipped) == count


def test_adjustment_steps_are_in_ascending_order() -> None:
    """The order of the steps carries meaning: each begins where the one before ends."""
    for name, starts in (
        ("who_2024", ["0", "1", "500", "1000", "1500", "2000", "2500", "3000", "3500", "4000", "4500", "5000"]),
        ("who_2011", ["0", "1000", "1500", "2000", "2500", "3000", "3500", "4000", "4500"]),
    ):
        rows = [row for row in rows_of(TABLES / "adjustments" / f"{name}.csv") if row["quantity"] == "elevation"]
        assert [row["lower"] for row in rows] == starts
        assert [row["upper"] for row in rows] == [*starts[1:], ""]


def test_every_adjustment_table_is_compared_here() -> None:
    assert {path.name for path in (TABLES / "adjustments").iterdir()} == {"who_2024.csv", "who_2011.csv"}


def test_adjustment_sources_name_the_cited_documents(shared: Path) -> None:
    shipped = {row["id"]: row["citation"] for row in rows_of(TABLES / "sources.csv")}
    cited = {
        row["version"]: row["source"]
        for row in rows_of(shared / "knowledge" / "who_adjustments.csv")
        if row["adjustment"] == "altitude"
    }
    for version, mark in (("2024", "978-92-4-008854-2"), ("2011", "WHO/NMH/NHD/MNM/11.1")):
        assert mark in cited[version]
        assert mark in shipped[f"who{version}_adjustments"]


# Definitions and criteria ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "version", "definition"),
    [
        ("IPSS", "1997", "strict"),
        ("WHO_HAEM5_CYTOPENIA", "2022", "mds"),
        ("AA_PERIPHERAL", "diagnosis (2 of 3)", "aplastic"),
    ],
)
def test_definitions_use_the_cited_numbers(shared: Path, scheme: str, version: str, definition: str) -> None:
    """At the cited number a line is not low, and just below it is: each line, each sex."""
    screener = cbc.Screener(definition=definition)
    lines = {"haemoglobin": ("hemoglobin", "red_line", "g/L"), "neutrophils": ("neutrophils", "white_line", "10^9/L"),
             "platelets": ("platelets", "platelet_line", "10^9/L")}  # fmt: skip
    cited = cited_grades(shared, scheme, version)
    assert {row["analyte"] for row in cited} == set(lines)
    for row in cited:
        analyte, line, unit = lines[row["analyte"]]
        number = float(row["upper_bound"])
        sexes = re.findall(r"sex=([MF])", row["population"]) or ["M", "F"]
        for sex in sexes:
            person = {"age": "50 y", "sex": sex}
            assert screener.screen({**person, analyte: f"{number} {unit}"}).flags()[line] == "not_low", row
            assert screener.screen({**person, analyte: f"{number - 0.001:.3f} {unit}"}).flags()[line] == "low", row


def test_blood_criteria_use_the_cited_numbers(shared: Path) -> None:
    """Each severe item at and just below the cited number, beside one item that is surely met."""
    severe = cited_grades(shared, "AA_PERIPHERAL", "severe (2 of 3)")
    very = cited_grades(shared, "AA_PERIPHERAL", "very severe")
    assert len(severe) == 4
    for row in severe:
        method = re.search(r"method=(\w+)", row["population"])
        record = {"neutrophils": "5.0 10^9/L", "platelets": "300 10^9/L", "reticulocytes": "300 10^9/L"}
        record["platelets" if row["analyte"] != "platelets" else "neutrophils"] = "0 10^9/L"
        for value, answer in ((float(row["upper_bound"]), "not_met"), (float(row["upper_bound"]) - 0.001, "met")):
            given = {
                **record,
                row["analyte"]: f"{value:.3f} 10^9/L",
                "reticulocyte_method": method[1] if method else "automated",
            }
            assert cbc.screen(given).flags()["blood_criteria"] == answer, row
    for value, answer in ((float(very[0]["upper_bound"]), "not_met"), (float(very[0]["upper_bound"]) - 0.001, "met")):
        found = cbc.screen({"neutrophils": f"{value:.3f} 10^9/L", "platelets": "0 10^9/L"})
        assert found.blood_criteria.very_severe == answer
