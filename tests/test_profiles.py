"""Source profiles: the shipped ones are sound, one's own are checked, and what is declared stands."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.profiles import load_profiles, recognized

KNOWLEDGE = load_knowledge()
ROOT = Path(__file__).resolve().parents[1]


def test_the_shipped_profiles() -> None:
    names = {
        "generic_us",
        "generic_si",
        "nhanes",
        "omop_5_4",
        "mimic_iv",
        "meds",
        "cdisc_lb",
        "synthea",
        "sysmex_xn",
        "eicu_crd",
    }
    assert set(load_profiles(KNOWLEDGE)) == names
    assert {path.stem for path in (ROOT / "reference_ranges/profiles").glob("*.yaml")} == names


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("nhanes_cbc/nhanes_cbc_demo_2015-2016.csv.gz", "nhanes"),
        ("omop_synthea27nj/MEASUREMENT.csv", "omop_5_4"),
        ("omop_synthea27nj/measurement.parquet", "omop_5_4"),
        ("mimic3_demo/LABEVENTS_labelled.csv.gz", "mimic_iv"),
        ("cdisc_pilot_lb/adlb.csv.gz", "cdisc_lb"),
        ("synthea_csv_fhir_pair/csv/observations.csv", "synthea"),
        ("synthea_csv_fhir_pair/csv/conditions.csv", None),
        ("ehr_indonesia_lab/data-ori.csv", None),
    ],
)
def test_a_known_table_is_recognized_by_its_columns(file: str, expected: str | None, shared: Path) -> None:
    from cbc_screen.ingest.open import format_of, open_table
    from cbc_screen.ingest.source import ReadOptions

    path = shared / "data" / file
    table = open_table(path, format_of(path, ReadOptions()), ReadOptions())
    found = recognized(table.headers, KNOWLEDGE)
    assert (found.id if found is not None else None) == expected


def test_a_profile_states_units_codes_and_columns(shared: Path) -> None:
    frame = cbc.read(shared / "data/nhanes_cbc/nhanes_cbc_demo_2015-2016.csv.gz")
    first = frame.iloc[0]
    # SEQN 83732: RIAGENDR 1, RIDAGEYR 62, LBXHGB 15.2, LBXPLTSI 181
    assert (first["sex"], first["age"], first["age_unit"]) == ("M", 62, "y")
    assert (first["hemoglobin"], first["hemoglobin_unit"]) == (15.2, "g/dL")
    assert (first["platelets"], first["platelets_unit"]) == (181, "10^9/L")
    assert len(frame) == 9_165


def test_what_the_caller_declares_stands_against_a_profile(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "id: own\ntitle: t\nshape: wide\nsource: s\ncolumns: {hemoglobin: H}\nunits: {hemoglobin: g/dL}\nage_unit: mo\n",
        encoding="utf-8",
    )
    (tmp_path / "wide.csv").write_text("age,sex,H\n54,F,9.1\n", encoding="utf-8")
    options = {"profile": str(tmp_path / "own.yaml")}
    frame = cbc.read(tmp_path / "wide.csv", **options)
    assert (frame["hemoglobin_unit"][0], frame["age_unit"][0]) == ("g/dL", "mo")
    frame = cbc.read(
        tmp_path / "wide.csv", units={"hemoglobin": "mmol/L", "hemoglobin_mmol": "monomer"}, age_unit="y", **options
    )
    assert (frame["hemoglobin_unit"][0], frame["age_unit"][0]) == ("mmol/L", "y")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("units: {hemoglobin: mg/dL}", "hemoglobin: is not a unit of that analyte"),
        ("units: {hemoglobins: g/dL}", "is not a unit of that analyte"),
        ("expected: [thrombocytes]", "thrombocytes is not an analyte"),
        ("codes: {'1': plt}", "plt is not an analyte"),
        ("sex_codes: {'1': male}", "must be one of"),
        ("operators: {'1': '~'}", "must be one of"),
        ("colums: {}", "is not a known key"),
        ("unit_codes: {'8713': gram}", "own.yaml:5: 8713: is not a unit of any table"),
        ("codes_of: omap", "own.yaml:5: codes_of: is no shipped profile"),
        (
            "code_forms: [{starts: L, parts: [unit]}]",
            r"own.yaml:5: parts: must be \[code\], or \[code, unit\] with a sep",
        ),
        ("sex_codes: {w: F, W: M}", "own.yaml:5: W: is the same code as another that means something else"),
    ],
)
def test_a_fault_in_ones_own_profile_names_file_line_and_key(tmp_path: Path, change: str, message: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"id: own\ntitle: t\nshape: wide\nsource: s\n{change}\n", encoding="utf-8")
    (tmp_path / "wide.csv").write_text("HGB (g/dL)\n9\n", encoding="utf-8")
    with pytest.raises(cbc.KnowledgeError, match=message) as caught:
        cbc.scan(tmp_path / "wide.csv", profile=str(path))
    assert "own.yaml" in str(caught.value)
    assert "5" in str(caught.value)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("shape: long\ncolumns: {value: Result}", "own.yaml:5: columns: a long table needs code or name"),
        ("shape: long\ncolumns: {code: Test}", "own.yaml:5: columns: a long table needs value or number"),
        (
            "shape: messages\ncolumns: {code: Test}",
            "own.yaml:5: columns: messages have no columns; give codes and names",
        ),
    ],
)
def test_the_columns_of_a_profile_are_those_of_its_shape(tmp_path: Path, said: str, message: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"id: own\ntitle: t\nsource: s\n{said}\n", encoding="utf-8")
    (tmp_path / "table.csv").write_text("Test,Result\nHGB,9\n", encoding="utf-8")
    with pytest.raises(cbc.KnowledgeError, match=message):
        cbc.read(tmp_path / "table.csv", profile=str(path))


def test_each_date_of_a_profile_has_its_own_format(tmp_path: Path) -> None:
    """03/04/2024 is the third of April for a birth and 04/05/2024 the fifth of April for a count, where the profile says so."""
    (tmp_path / "own.yaml").write_text(
        "id: own\ntitle: t\nshape: wide\nsource: s\ndate_format: {birth_date: '%d/%m/%Y', collected_at: '%m/%d/%Y'}\n",
        encoding="utf-8",
    )

    def flags(birth: str, collected: str, **options: str) -> str:
        table, out = tmp_path / "wide.csv", tmp_path / "flags.csv"
        table.write_text(f"DOB,Collected,Sex,HGB (g/dL)\n{birth},{collected},F,14\n", encoding="utf-8")
        cbc.scan(table, out, force=True, **options)
        return out.read_text(encoding="utf-8")

    as_said = flags("03/04/2024", "04/05/2024", profile=str(tmp_path / "own.yaml"))
    assert as_said == flags("2024-04-03", "2024-04-05")  # two days old: 14 g/dL is low
    assert as_said != flags("2024-03-04", "2024-05-04")


def test_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text("HGB (g/dL)\n9\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="cdisc_lb, eicu_crd, generic_si, generic_us"):
        cbc.scan(tmp_path / "wide.csv", profile="epic")


# The command -------------------------------------------------------------------------------


def test_an_unknown_wide_table_is_inspected_and_a_draft_is_written(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("Age,Sex,HGB,HbA1c,ward\n54,F,91,5,A\n,M,,6,B\n", encoding="utf-8")
    draft = tmp_path / "export.yaml"
    done = CliRunner().invoke(main, ["profile", str(tmp_path / "export.csv"), "-o", str(draft)])
    assert done.exit_code == 0, done.output
    assert "For clinician review. Not a diagnosis." in done.output
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert "hemoglobin HGB 1 results, no unit; 1 UNIT_MISSING" in lines
    assert "HbA1c: glycated hemoglobin is not the hemoglobin concentration" in lines
    assert "ward" in lines
    assert "54" not in done.output
    assert "91" not in done.output
    draft.write_text(
        draft.read_text(encoding="utf-8").replace("units: {}", "units: {hemoglobin: g/L}"), encoding="utf-8"
    )
    summary = cbc.scan(tmp_path / "export.csv", profile=str(draft), age_unit="y")
    assert summary.analytes["hemoglobin"].used == 1


def test_an_unknown_long_table_gives_a_draft_that_reads_it(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text(
        "Patient ID,Test Name,Result,Units,Reference Range,Collection Date\n"
        "a,Hemoglobin,9.1,g/dL,12-16,2024-01-02\na,PLT,<10,10^9/L,150-400,2024-01-02\na,Sodium,140,mmol/L,,2024-01-02\n",
        encoding="utf-8",
    )
    draft = tmp_path / "long.yaml"
    done = CliRunner().invoke(main, ["profile", str(tmp_path / "long.csv"), "-o", str(draft)])
    assert done.exit_code == 0, done.output
    summary = cbc.scan(tmp_path / "long.csv", profile=str(draft))
    assert summary.results == {
        "read": 3, "used": 2, "superseded": 0, "not_count": 1, "rejected": {}, "duplicates": 0, "without_results": {},
        "unusable": 0,
    }  # fmt: skip


def test_a_draft_is_not_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("HGB (g/dL)\n9\n", encoding="utf-8")
    (tmp_path / "own.yaml").write_text("mine", encoding="utf-8")
    done = CliRunner().invoke(main, ["profile", str(tmp_path / "export.csv"), "-o", str(tmp_path / "own.yaml")])
    assert (done.exit_code, (tmp_path / "own.yaml").read_text(encoding="utf-8")) == (2, "mine")


def test_a_table_without_a_row_is_inspected(tmp_path: Path) -> None:
    from test_read import transport

    (tmp_path / "empty.xpt").write_bytes(transport([("SEX", 2, 8), ("HGB", 1, 8)], []))
    (tmp_path / "empty.csv").write_text("sex,HGB\n", encoding="utf-8")
    for name in ("empty.xpt", "empty.csv"):
        done = CliRunner().invoke(main, ["profile", str(tmp_path / name)])
        assert (done.exit_code, done.exception) == (0, None), name


def test_codes_of_sex_and_pregnancy_are_read_as_words(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("sex,pregnancy,HGB (g/dL)\n2.0,1,9\n1,2,9\n3,,9\n", encoding="utf-8")
    frame = cbc.read(tmp_path / "own.csv", sex_codes={"1": "M", "2": "F"}, pregnancy_codes={"1": "T1", "2": "none"})
    assert list(frame["sex"]) == ["F", "M", "3"]
    assert list(frame["pregnancy"])[:2] == ["T1", "none"]


# A column that a profile names -------------------------------------------------------------------

OWN_LONG = """id: lab
title: t
shape: long
source: d
columns: {person: PAT, name: TEST, collected_at: TAKEN, operator: OPX, value: VAL, unit: UNIT, status: STATUS, note: REMARK}
persons: {person: PAT, birth_date: [DOB], sex: SEX}
"""
ROWS = "PAT,TAKEN,TEST,OPX,VAL,UNIT,STATUS,REMARK\nA1,2026-03-01 08:00,HGB,,131,g/L,D,\nA1,2026-03-01 08:00,PLT,,250,10^9/L,P,\n"


def scan_own(folder: Path, profile: str, rows: str, persons: str = "PAT,DOB,SEX\nA1,1960-01-01,F\n") -> cbc.ScanSummary:
    for name, text in (("lab.yaml", profile), ("rows.csv", rows), ("persons.csv", persons)):
        (folder / name).write_text(text, encoding="utf-8")
    return cbc.scan(folder / "rows.csv", profile=str(folder / "lab.yaml"), persons=str(folder / "persons.csv"))


@pytest.mark.parametrize("name", ["PAT", "OPX", "UNIT", "STATUS", "REMARK", "TAKEN", "TEST", "VAL"])
def test_a_column_that_was_renamed_is_missed(tmp_path: Path, name: str) -> None:
    """Without its status a result that was deleted would be final, and without its sign "<400" would be 400."""
    assert scan_own(tmp_path, OWN_LONG, ROWS).patterns["cannot_tell"] == 1
    with pytest.raises(cbc.UsageError, match=f"{name}"):
        scan_own(tmp_path, OWN_LONG, ROWS.replace(name, f"THE_{name}", 1))


def test_columns_in_brackets_may_be_missing(tmp_path: Path) -> None:
    profile = OWN_LONG.replace("note: REMARK", "note: [REMARK]")
    assert (
        scan_own(
            tmp_path, profile, ROWS.replace(",REMARK", "").replace(",D,\n", ",D\n").replace(",P,\n", ",P\n")
        ).screened
        == 1
    )


def test_a_table_of_persons_has_the_columns_that_are_named(tmp_path: Path) -> None:
    with pytest.raises(cbc.UsageError, match=r"persons\.csv has no column 'SEX'.*was it renamed\?.*sex: \[SEX\]"):
        scan_own(tmp_path, OWN_LONG, ROWS, "PAT,DOB,GENDER\nA1,1960-01-01,F\n")
    assert scan_own(tmp_path, OWN_LONG, ROWS, "PAT,SEX\nA1,F\n").persons["found"] == 1


def test_a_table_of_counts_has_the_columns_that_are_named(tmp_path: Path) -> None:
    profile = "id: w\ntitle: t\nshape: wide\nsource: d\ncolumns: {hemoglobin: HB, age: ALTER, platelets_status: PST}\nunits: {hemoglobin: g/dL, platelets: 10^9/L}\n"
    (tmp_path / "w.yaml").write_text(profile, encoding="utf-8")
    frame = pd.DataFrame({"HB": [9.1], "ALTER": ["40 y"], "sex": ["F"], "PLT": [250]})
    with pytest.raises(cbc.UsageError, match="'ALTER'"):
        cbc.screen_frame(frame.rename(columns={"ALTER": "AGE_NOW"}), profile=str(tmp_path / "w.yaml"))


def test_a_pattern_of_names_is_one_file_or_said_to_be_several(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("age,sex,HGB (g/dL)\n40 y,F,9.1\n", encoding="utf-8")
    one = CliRunner().invoke(main, ["profile", str(tmp_path / "a*.csv")])
    assert (one.exit_code, "HGB (g/dL)" in one.output) == (0, True)
    several = CliRunner().invoke(main, ["profile", str(tmp_path / "*.csv")])
    assert (several.exit_code, "profile looks at one file, and 2 match" in several.output) == (2, True)


def test_what_can_be_kept_of_single_results_is_said(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("patient_id,order_id,test,result,unit\nA1,7,HGB,119,g/L\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match=r"no column 'order_id'.*there are person and collected_at"):
        cbc.scan(tmp_path / "r.csv", keep=["order_id"])
