"""read: any supported file as one count a row, with names and units that screening reads."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc

WIDE = {
    # file: options, rows, analytes read (with how many cells are filled), what is not read
    "ehr_indonesia_lab/data-ori.csv": (
        {"units": "us", "age_unit": "y"}, 4_412, {"hemoglobin": 4_412, "platelets": 4_412}, {"SOURCE"},
    ),
    "labelled_anemia_types_v4/diagnosed_cbc_data_v4_original1281_clean.csv": (
        {"units": "us"}, 1_281, {"hemoglobin": 1_281, "neutrophils": 1_281}, {"PDW", "PCT", "Diagnosis"},
    ),
    "labelled_anemia_types_v4/diagnosed_cbc_data_v4_semicolon_excelmangled.csv": (
        {"units": "us"}, 1_281, {"hemoglobin": 1_281, "platelets": 1_281}, {"PDW", "PCT", "Diagnosis"},
    ),
    "labelled_anemia_types_v4/FABRICATED_extra_200_rows_do_not_score.csv": (
        {"units": "us"}, 200, {"hemoglobin": 200}, {"Diagnosis"},
    ),
    "labelled_anemia_dhaka_aalok/Anemia_Dataset.xlsx": (
        {"units": "us", "age_unit": "y"}, 1_000, {"hemoglobin": 1_000, "hematocrit": 1_000}, {"Decision_Class"},
    ),
    "nhanes_cbc/nhanes_cbc_demo_2015-2016.csv.gz": ({}, 9_165, {"hemoglobin": 8_117}, {"SEQN", "CYCLE"}),
    "r_package_sets/OncoDataSets__SuspectedCancer_df.csv": (
        {"units": "si", "age_unit": "y"}, 750, {"hemoglobin": 750}, {"albumin", "calcium", "whitebloodcell"},
    ),
    "r_package_sets/survival__mgus2.csv": ({"units": "us", "age_unit": "y"}, 1_384, {"hemoglobin": 1_371}, {"creat"}),
    "r_package_sets/survival__pbc.csv": (
        {"units": "us", "age_unit": "y"}, 418, {"platelets": 407}, {"albumin", "status"},
    ),
}  # fmt: skip


def filled(path: Path, column: str) -> int:
    """Count the filled cells of a CSV column with the csv module alone."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = csv.DictReader(text.decode().splitlines())
    return sum(1 for row in rows if row[column].strip() not in ("", "NA"))


@pytest.mark.parametrize("name", WIDE)
def test_a_real_table_is_read_as_it_stands(name: str, shared: Path) -> None:
    options, rows, analytes, not_known = WIDE[name]
    frame = cbc.read(shared / "data" / name, **options)
    assert (len(frame), frame.attrs["rejected"]) == (rows, [])
    for analyte, many in analytes.items():
        cells = frame[analyte].astype("string").str.strip()
        assert int((cells.notna() & ~cells.isin(["", "NA", "nan"])).sum()) == many
        assert f"{analyte}_unit" in frame
    assert not_known <= set(frame.columns)


def test_the_counts_above_are_those_of_the_csv_module(shared: Path) -> None:
    data = shared / "data"
    assert filled(data / "nhanes_cbc/nhanes_cbc_demo_2015-2016.csv.gz", "LBXHGB") == 8_117
    assert filled(data / "r_package_sets/survival__mgus2.csv", "hgb") == 1_371
    assert filled(data / "r_package_sets/survival__pbc.csv", "platelet") == 407


@pytest.mark.parametrize("name", ["ehr_indonesia_lab/data-ori.csv", "nhanes_cbc/nhanes_cbc_demo_2015-2016.csv.gz"])
def test_what_is_read_gives_the_answers_of_a_scan(name: str, shared: Path, tmp_path: Path) -> None:
    options = WIDE[name][0]
    cbc.scan(shared / "data" / name, tmp_path / "flags.parquet", **options)
    scanned = cbc.read_flags(tmp_path / "flags.parquet").set_index("row")
    read = cbc.read(shared / "data" / name, **options)
    screened = cbc.screen_frame(read).set_index(pd.Index(read["row"], name="row"))
    for column in ("pattern", "severity", "hemoglobin_state", "platelets_state", "checklist", "reasons"):
        both = pd.concat([scanned[column].astype(str), screened.loc[scanned.index, column].astype(str)], axis=1)
        assert (both.iloc[:, 0] == both.iloc[:, 1]).all(), column


def test_rows_that_could_not_be_read_are_listed(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("age,HGB (g/dL)\n54 y,9.1\n54 y\n54 y,9.2\n", encoding="utf-8")
    frame = cbc.read(tmp_path / "export.csv")
    assert list(frame["row"]) == [2, 4]
    assert frame.attrs["rejected"] == [{"line": 3, "reason": "ROW_RAGGED", "content": "54 y", "file": ""}]


def test_a_sas_transport_file_is_read(tmp_path: Path) -> None:
    """Written by hand from the published layout: one member, two columns, two observations."""
    (tmp_path / "lab.xpt").write_bytes(transport([("SEX", 2, 8), ("LBXHGB", 1, 8)], [("F", 14.5), ("M", 9.0)]))
    frame = cbc.read(tmp_path / "lab.xpt", columns={"hemoglobin": "LBXHGB"}, units="us")
    assert list(frame["hemoglobin"]) == [14.5, 9.0]
    assert list(frame["sex"]) == ["F", "M"]
    assert list(frame["hemoglobin_unit"]) == ["g/dL", "g/dL"]


@pytest.mark.parametrize("cut", [100, 900, 1_300])
def test_a_damaged_sas_transport_file_is_one_clear_line(tmp_path: Path, cut: int) -> None:
    whole = transport([("SEX", 2, 8), ("LBXHGB", 1, 8)], [("F", 14.5)])
    (tmp_path / "lab.xpt").write_bytes(whole[:cut])
    with pytest.raises(cbc.UsageError, match=r"SAS transport|no column reads") as caught:
        cbc.read(tmp_path / "lab.xpt")
    assert caught.value.__context__ is None


def transport(columns: list[tuple[str, int, int]], rows: list[tuple[str, float]]) -> bytes:
    """Write a SAS transport file (version 5) of text (2) and number (1) columns."""
    when = b"01JAN24:00:00:00"
    out = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!" + b"0" * 30 + b"  "
    out += b"SAS     SAS     SASLIB  9.4     Linux   ".ljust(64) + when + when.ljust(80)
    out += b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!" + b"000000000000000001600000000140  "
    out += b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!" + b"0" * 30 + b"  "
    out += b"SAS     LAB     SASDATA 9.4     Linux   ".ljust(64) + when + when.ljust(80)
    out += b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!" + b"000000" + b"%04d" % len(columns) + b"0" * 20 + b"  "
    names = b""
    for number, (name, kind, width) in enumerate(columns):
        field = kind.to_bytes(2, "big") + b"\0\0" + width.to_bytes(2, "big") + (number + 1).to_bytes(2, "big")
        field += name.encode().ljust(8) + b" " * 40 + b" " * 8 + b"\0" * 8 + b" " * 8 + b"\0" * 4
        names += field + (number * 8).to_bytes(4, "big") + b"\0" * 52
    out += names.ljust(-(-len(names) // 80) * 80)
    out += b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!" + b"0" * 30 + b"  "
    data = b"".join(text.encode().ljust(8) + ibm(number) for text, number in rows)
    return out + data.ljust(-(-len(data) // 80) * 80)


def ibm(number: float) -> bytes:
    """Write a positive number as IBM hexadecimal floating point."""
    exponent = 64
    while number >= 1:
        number, exponent = number / 16, exponent + 1
    return bytes([exponent]) + int(number * 2**56).to_bytes(7, "big")
