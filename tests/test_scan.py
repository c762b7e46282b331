"""Files: every row is accounted for, every bad one says where and why, and none is lost (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import csv
import gzip
import json
import os
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cbc_screen as cbc
from cbc_screen.vocabulary import NOTICE

HEADER = "id,age,sex,HGB (g/dL),PLT (10^9/L),WBC (10^9/L)\n"
SICK = "a,54 y,F,7.1,<10,1.1\n"
WELL = "b,30 y,M,15.0,250,6.0\n"


def scan(path: Path, **options: object) -> tuple[cbc.ScanSummary, list[dict[str, str]], list[dict[str, str]]]:
    out, rejects = path.parent / "flags.csv", path.parent / "rejects.csv"
    summary = cbc.scan(path, out, rejects, force=True, **options)
    with out.open(encoding="utf-8", newline="") as file:
        flags = list(csv.DictReader(file))
    with rejects.open(encoding="utf-8", newline="") as file:
        rejected = list(csv.DictReader(file))
    assert summary.rows_in == summary.screened + summary.rejected
    assert (len(flags), len(rejected)) == (summary.screened, summary.rejected)
    return summary, flags, rejected


@pytest.fixture
def export(tmp_path: Path):
    def write(content: str | bytes, name: str = "export.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_one_sick_and_one_well_row(export) -> None:
    _, flags, _ = scan(export(HEADER + SICK + WELL), keep=["id"])
    assert [(row["row"], row["id"], row["pattern"]) for row in flags] == [
        ("2", "a", "pancytopenia"),
        ("3", "b", "none"),
    ]
    assert all(row["notice"] == NOTICE for row in flags)


@pytest.mark.parametrize("line", ["c,40 y,F,9.0", "c,40 y,F,9.0,100,3.0,extra,cells", "only"])
def test_a_ragged_line_is_rejected_with_its_number_and_content(export, line: str) -> None:
    _, flags, rejected = scan(export(HEADER + SICK + line + "\n" + WELL))
    assert [(row["line"], row["reason"], row["content"]) for row in rejected] == [("3", "ROW_RAGGED", line)]
    assert [row["row"] for row in flags] == ["2", "4"]


def test_empty_cells_beyond_the_header_are_no_fault(export) -> None:
    summary, _, _ = scan(export(HEADER + SICK.rstrip("\n") + ",,\n"))
    assert summary.rejected == 0


def test_a_row_without_any_result_is_rejected_with_a_reason(export) -> None:
    _, _, rejected = scan(export(HEADER + SICK + "c,40 y,F,,,\n"))
    assert [(row["line"], row["reason"]) for row in rejected] == [("3", "NO_RESULT")]


def test_a_stray_quotation_mark_costs_its_own_line_and_not_the_lines_after(export) -> None:
    _, flags, rejected = scan(export(HEADER + 'c,"40 y,F,9.0,100,3.0\n' + SICK + WELL))
    assert [row["line"] for row in rejected] == ["2"]
    assert [row["row"] for row in flags] == ["3", "4"]


def test_a_quoted_cell_may_hold_delimiters_and_line_breaks(export) -> None:
    _, flags, rejected = scan(export(HEADER + '"a, b\nc",54 y,F,7.1,<10,1.1\n' + WELL), keep=["id"])
    assert rejected == []
    assert [(row["row"], row["id"]) for row in flags] == [("2", "a, b\nc"), ("4", "b")]


def test_a_line_longer_than_64_kilobytes_without_end_is_rejected(export) -> None:
    long = 'c,"' + "x" * 70_000 + "\n"
    _, flags, rejected = scan(export(HEADER + SICK + long + WELL))
    assert [(row["line"], row["reason"]) for row in rejected] in ([("3", "ROW_RAGGED")], [("3", "OVERSIZE")])
    assert [row["row"] for row in flags] == ["2", "4"]


@pytest.mark.parametrize(
    ("content", "name", "options"),
    [
        (("\ufeff" + HEADER + SICK).encode(), "export.csv", {}),
        ((HEADER + SICK).encode("utf-16"), "export.csv", {}),
        ((HEADER + SICK).encode("latin-1"), "export.csv", {"encoding": "latin-1"}),
        ((HEADER + SICK).replace("\n", "\r\n").encode(), "export.csv", {}),
        ((HEADER + SICK).replace("\n", "\r").encode(), "export.csv", {}),
        ((HEADER + SICK).replace(",", ";").encode(), "export.csv", {}),
        ((HEADER + SICK).replace(",", "\t").encode(), "export.tsv", {}),
        ((HEADER + SICK).replace(",", "|").encode(), "export.txt", {}),
        (
            (HEADER + SICK).replace(",", ";").replace("7.1", "7,1").replace("1.1", "1,1").encode(),
            "e.csv",
            {"decimal": ","},
        ),
        (gzip.compress((HEADER + SICK).encode()), "export.csv.gz", {}),
    ],
    ids=["utf-8 bom", "utf-16", "latin-1", "crlf", "cr", "semicolon", "tab", "bar", "decimal comma", "gzip"],
)
def test_every_way_of_writing_the_same_table_gives_the_same_answer(
    export, content: bytes, name: str, options: dict[str, str]
) -> None:
    _, flags, rejected = scan(export(content, name), **options)
    assert rejected == []
    assert [(row["pattern"], row["severity"]) for row in flags] == [("pancytopenia", "very_severe")]


def test_a_decimal_comma_that_nobody_declared_is_refused_in_its_cell(export) -> None:
    _, flags, _ = scan(export((HEADER + SICK).replace(",", ";").replace("7.1", "7,1")))
    assert flags[0]["red_line"] == "cannot_tell"
    assert "hemoglobin:NUMBER_AMBIGUOUS" in flags[0]["reasons"]


def test_undecodable_bytes_cost_their_cell_only(export) -> None:
    bad_name = (HEADER + SICK).encode().replace(b"a,54", b"M\xfcller,54")
    _, flags, _ = scan(export(bad_name), keep=["id"])
    assert flags[0]["pattern"] == "pancytopenia"
    bad_result = (HEADER + SICK).encode().replace(b"7.1", b"7\xfc1")
    _, flags, _ = scan(export(bad_result))
    assert "hemoglobin:ENCODING" in flags[0]["reasons"]
    assert (flags[0]["red_line"], flags[0]["platelet_line"]) == ("cannot_tell", "low")


def test_parquet_with_numbers_gives_the_answers_of_csv_with_texts(tmp_path: Path, export) -> None:
    _, from_text, _ = scan(export(HEADER + SICK.replace("<10", "9") + WELL))
    table = pa.table(
        {
            "age": ["54 y", "30 y"],
            "sex": pa.array(["F", "M"]).dictionary_encode(),
            "HGB (g/dL)": [7.1, 15.0],
            "PLT (10^9/L)": pa.array([9, 250], type=pa.int32()),
            "WBC (10^9/L)": [1.1, 6.0],
        }
    )
    path = tmp_path / "export.parquet"
    pq.write_table(table, path)
    _, from_numbers, _ = scan(path)
    for text, numbers in zip(from_text, from_numbers, strict=True):
        assert {k: v for k, v in text.items() if k != "row"} == {k: v for k, v in numbers.items() if k != "row"}


def test_excel_is_read_like_csv(tmp_path: Path, export) -> None:
    _, from_text, _ = scan(export(HEADER + SICK + WELL))
    frame = pd.DataFrame(
        {
            "age": ["54 y", "30 y"],
            "sex": ["F", "M"],
            "HGB (g/dL)": [7.1, 15.0],
            "PLT (10^9/L)": ["<10", 250],
            "WBC (10^9/L)": [1.1, 6],
        }
    )
    path = tmp_path / "export.xlsx"
    frame.to_excel(path, index=False)
    _, from_sheet, _ = scan(path)
    assert from_sheet == from_text


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.parquet", b"not parquet", "not a Parquet file"),
        ("a.xlsx", b"not a workbook", "not an Excel workbook"),
        ("a.csv", b"PK\x03\x04zip", "zip archive"),
        ("a.csv", b"%PDF-1.7 ...", "not a table of text"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n\n", "no header line"),
        ("a.csv", b"a\x00b,c\x00\n1,2\n", "NUL"),
        ("a.csv.gz", b"hello", "not a gzip file"),
        ("a.csv", b"name,address\nx,y\n", "no column reads as a blood count result"),
        ("a.csv", b"HbA1c,PCT\n5,6\n", "glycated hemoglobin"),
        ("a.csv", b"HGB (g/dL),Hb\n5,6\n", "both read as hemoglobin"),
        ("a.csv", b"HGB,HGB\n5,6\n", "two columns are named"),
    ],
)
def test_a_file_that_is_not_what_it_says_gets_one_clear_line(
    export, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    with pytest.raises(cbc.UsageError, match=says) as caught:
        cbc.scan(export(content, name), tmp_path / "flags.parquet")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "flags.parquet").exists()


def test_a_gzip_cut_short_is_one_clear_line_and_leaves_nothing(export, tmp_path: Path) -> None:
    whole = gzip.compress(
        (HEADER + "".join(f"{i},54 y,F,{7 + i % 9}.1,{i % 300},1.1\n" for i in range(5_000))).encode()
    )
    with pytest.raises(cbc.UsageError, match="cut short"):
        cbc.scan(export(whole[: len(whole) // 2], "cut.csv.gz"), tmp_path / "flags.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.csv.gz"]


def test_an_existing_output_is_kept_without_force(export, tmp_path: Path) -> None:
    out = tmp_path / "flags.csv"
    out.write_text("mine")
    with pytest.raises(cbc.UsageError, match="--force"):
        cbc.scan(export(HEADER + SICK), out)
    assert out.read_text() == "mine"
    cbc.scan(export(HEADER + SICK), out, force=True)
    assert "pancytopenia" in out.read_text()


def test_an_interrupted_scan_leaves_no_file_under_the_final_name(export, tmp_path: Path) -> None:
    """What is left is the journal, from which --resume goes on."""

    def interrupt(rows: int, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cbc.scan(export(HEADER + SICK), tmp_path / "flags.parquet", tmp_path / "rejects.csv", progress=interrupt)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["export.csv", "flags.parquet.journal"]
    assert (tmp_path / "flags.parquet.journal").stat().st_mode & 0o777 == 0o600
    cbc.scan(export(HEADER + SICK), tmp_path / "flags.parquet", tmp_path / "rejects.csv")
    assert not (tmp_path / "flags.parquet.journal").exists()


def test_outputs_are_readable_by_their_owner_only(export, tmp_path: Path) -> None:
    cbc.scan(export(HEADER + SICK), tmp_path / "flags.parquet", tmp_path / "rejects.csv")
    for name in ("flags.parquet", "rejects.csv"):
        assert os.stat(tmp_path / name).st_mode & 0o077 == 0


def test_the_three_output_formats_hold_the_same_flags_and_the_notice(export, tmp_path: Path) -> None:
    source = export(HEADER + SICK + WELL)
    for ending in ("parquet", "csv", "ndjson"):
        cbc.scan(source, tmp_path / f"flags.{ending}", keep=["id"])
    table = pq.read_table(tmp_path / "flags.parquet")
    parquet = table.to_pylist()
    ndjson = [json.loads(line) for line in (tmp_path / "flags.ndjson").read_text(encoding="utf-8").splitlines()]
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        text = list(csv.DictReader(file))
    assert parquet == ndjson
    assert [{k: "" if v is None else str(v) for k, v in row.items()} for row in parquet] == text
    assert table.schema.metadata[b"notice"].decode() == NOTICE
    assert {row["notice"] for row in parquet} == {NOTICE}


def test_a_formula_in_a_kept_cell_or_a_rejected_line_stays_text(export) -> None:
    evil = "=cmd|' /C calc'!A0"
    _, flags, rejected = scan(export(HEADER + f'"{evil}",54 y,F,7.1,<10,1.1\n' + "@SUM(A1),ragged\n"), keep=["id"])
    assert flags[0]["id"] == "'" + evil
    assert rejected[0]["content"].startswith("'@SUM")


def test_a_file_without_rows_gives_a_file_without_rows(export, tmp_path: Path) -> None:
    summary = cbc.scan(export(HEADER), tmp_path / "flags.parquet")
    assert (summary.rows_in, summary.screened) == (0, 0)
    assert "pattern" in pq.read_table(tmp_path / "flags.parquet").column_names


def test_scan_and_frame_agree_row_by_row_across_batches(tmp_path: Path) -> None:
    rows = [f"{20 + i % 70} y,{'FM'[i % 2]},{6 + i % 90 / 10:.1f},{i % 400},{i % 97 / 10:.1f}" for i in range(60_000)]
    path = tmp_path / "many.csv"
    path.write_text("age,sex,HGB (g/dL),PLT (10^9/L),WBC (10^9/L)\n" + "\n".join(rows) + "\n")
    summary = cbc.scan(path, tmp_path / "flags.parquet")
    flags = pq.read_table(tmp_path / "flags.parquet").to_pandas()
    frame = cbc.screen_frame(pd.read_csv(path, dtype=str))
    assert summary.screened == 60_000
    assert flags["row"].tolist() == list(range(2, 60_002))
    for name in frame.columns:
        assert (
            flags[name].astype(object).where(flags[name].notna(), None).tolist()
            == frame[name].astype(object).where(frame[name].notna(), None).tolist()
        ), name


NHANES = {
    "hemoglobin": "LBXHGB", "hematocrit": "LBXHCT", "rbc": "LBXRBCSI", "mcv": "LBXMCVSI", "mch": "LBXMCHSI", "mchc": "LBXMC",
    "rdw_cv": "LBXRDW", "wbc": "LBXWBCSI", "platelets": "LBXPLTSI", "neutrophils": "LBDNENO", "mpv": "LBXMPSI",
    "neutrophils_percent": "LBXNEPCT", "age": "RIDAGEYR", "sex": "RIAGENDR", "pregnancy": "RIDEXPRG",
}  # fmt: skip
NHANES_OPTIONS = {
    "columns": NHANES,
    "units": "us",
    "age_unit": "y",
    "sex_codes": {"1": "M", "2": "F"},
    "pregnancy_codes": {"1": "trimester_unknown", "2": "none", "3": "unknown"},
}


@pytest.mark.parametrize(
    ("name", "options", "rows", "rejected"),
    [
        ("nhanes_cbc/nhanes_cbc_demo_1999-2000.csv.gz", NHANES_OPTIONS, 8_832, 850),
        ("nhanes_cbc/nhanes_cbc_demo_2001-2002.csv.gz", NHANES_OPTIONS, 9_929, 977),
        ("nhanes_cbc/nhanes_cbc_demo_2003-2004.csv.gz", NHANES_OPTIONS, 9_179, 795),
        ("nhanes_cbc/nhanes_cbc_demo_2005-2006.csv.gz", NHANES_OPTIONS, 9_440, 1_040),
        ("nhanes_cbc/nhanes_cbc_demo_2007-2008.csv.gz", NHANES_OPTIONS, 9_307, 1_040),
        ("nhanes_cbc/nhanes_cbc_demo_2009-2010.csv.gz", NHANES_OPTIONS, 9_835, 1_036),
        ("nhanes_cbc/nhanes_cbc_demo_2011-2012.csv.gz", NHANES_OPTIONS, 8_956, 1_003),
        ("nhanes_cbc/nhanes_cbc_demo_2013-2014.csv.gz", NHANES_OPTIONS, 9_422, 878),
        ("nhanes_cbc/nhanes_cbc_demo_2015-2016.csv.gz", NHANES_OPTIONS, 9_165, 1_018),
        ("ehr_indonesia_lab/data-ori.csv", {"units": "us", "age_unit": "y"}, 4_412, 0),
        ("labelled_anemia_dhaka_aalok/Anemia_Dataset.xlsx", {"units": "us", "age_unit": "y"}, 1_000, 0),
        ("labelled_anemia_types_v4/diagnosed_cbc_data_v4_original1281_clean.csv", {"units": "us"}, 1_281, 0),
        ("labelled_anemia_types_v4/diagnosed_cbc_data_v4_semicolon_excelmangled.csv", {"units": "us"}, 1_281, 0),
        ("labelled_anemia_types_v4/FABRICATED_extra_200_rows_do_not_score.csv", {"units": "us"}, 200, 0),
        ("r_package_sets/survival__mgus2.csv", {"units": "us", "age_unit": "y"}, 1_384, 13),
        ("r_package_sets/survival__pbc.csv", {"units": "us", "age_unit": "y"}, 418, 11),
        (
            "r_package_sets/OncoDataSets__SuspectedCancer_df.csv",
            {"units": "si", "age_unit": "y", "columns": {"wbc": "whitebloodcell"}},
            750,
            0,
        ),
    ],
)
def test_real_files_are_accounted_for(
    shared: Path, tmp_path: Path, name: str, options: dict[str, object], rows: int, rejected: int
) -> None:
    summary = cbc.scan(shared / "data" / name, tmp_path / "flags.parquet", tmp_path / "rejects.csv", **options)
    assert (summary.rows_in, summary.rejected) == (rows, rejected)
    assert summary.rows_in == summary.screened + summary.rejected
    assert set(summary.rejects) <= {"NO_RESULT"}
    assert pq.read_metadata(tmp_path / "flags.parquet").num_rows == summary.screened
    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == summary.rejected


def test_a_real_file_without_a_blood_count_says_so(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(cbc.UsageError, match="no column reads as a blood count result"):
        cbc.scan(shared / "data/r_package_sets/causaldata__nhefs.csv", tmp_path / "flags.parquet")


def test_a_header_cell_may_go_over_two_lines_and_costs_no_row(export) -> None:
    summary, flags, rejected = scan(export('id,"HGB\n(g/dL)",PLT (10^9/L)\n' + "a,7.1,<10\nb,15.0,250\n"))
    assert summary.rows_in == 2
    assert ([row["row"] for row in flags], rejected) == (["3", "4"], [])


@pytest.mark.parametrize("header", ["HGB (g/dL)," + "x" * 200_000, 'HGB (g/dL),"open' + "x" * 200_000])
def test_a_header_that_cannot_be_read_is_one_clear_line(export, header: str) -> None:
    with pytest.raises(cbc.UsageError, match=r"^export.csv: the header line is too long, or a quotation mark"):
        cbc.scan(export(header + "\n9.1,3.0\n"))


def test_a_header_longer_than_a_row_may_be_is_never_traded_for_a_row(export) -> None:
    with pytest.raises(cbc.UsageError, match=r"^the header line cannot be read as a row"):
        cbc.scan(export('HGB (g/dL),"' + "x" * 66_000 + '\n"\n9.1,3.0\n'))


@pytest.mark.parametrize("name", ["pattern", "row", "neutrophils_lower_limit"])
def test_a_kept_column_cannot_stand_in_for_an_answer(export, tmp_path: Path, name: str) -> None:
    path = export(f"{name},HGB (g/dL),neutrophils (10^9/L)\n7,9.1,3.0\n")
    with pytest.raises(cbc.UsageError, match=f"^keep: '{name}' is the name of a column of the output"):
        cbc.scan(
            path, tmp_path / "flags.ndjson", keep=[name], columns={"neutrophils": "neutrophils (10^9/L)"}, detail=True
        )
    assert not (tmp_path / "flags.ndjson").exists()


def test_a_column_named_twice_to_keep_is_kept_once(export) -> None:
    _, flags, _ = scan(export(HEADER + SICK), keep=["id", "id"])
    assert list(flags[0])[:3] == ["row", "id", "pattern"]


# Column kinds that Parquet can hold and no blood count should have.
@pytest.mark.parametrize(
    ("kind", "cells", "reason"),
    [
        (pa.binary(), [b"7.1", b"\xff7.1"], "hemoglobin:ENCODING"),
        (pa.list_(pa.float64()), [[7.1], [7.1]], "hemoglobin:NUMBER_UNREADABLE"),
        (pa.bool_(), [True, False], "hemoglobin:TEXT_RESULT"),
        (pa.date32(), [7, 7], "hemoglobin:DATE_IN_RESULT"),
    ],
    ids=str,
)
def test_a_column_of_an_odd_kind_costs_its_cells_and_not_the_file(
    tmp_path: Path, kind: pa.DataType, cells: list[object], reason: str
) -> None:
    table = pa.table({"HGB (g/dL)": pa.array(cells, type=kind), "age": pa.array([[1], [2]]), "sex": [b"F", b"M"]})
    pq.write_table(table, tmp_path / "export.parquet")
    _, flags, _ = scan(tmp_path / "export.parquet")
    assert [row["row"] for row in flags] == ["1", "2"]
    assert all("age:AGE_UNREADABLE" in row["reasons"] and "sex:" not in row["reasons"] for row in flags)
    assert reason in flags[1]["reasons"].split(";")
    assert flags[1]["hemoglobin_state"] == "cannot_tell"


def test_a_time_beyond_the_calendar_costs_its_cell_and_not_the_file(tmp_path: Path) -> None:
    far = pa.array([2**62, 2**62], type=pa.timestamp("us"))
    table = pa.table({"HGB (g/dL)": [7.1, None], "birth_date": far, "collected_at": ["2020-01-01", "2020-01-01"]})
    pq.write_table(table, tmp_path / "export.parquet")
    _, flags, rejected = scan(tmp_path / "export.parquet")
    assert "age:DATE_UNREADABLE" in flags[0]["reasons"]
    assert [(row["line"], row["reason"]) for row in rejected] == [("2", "NO_RESULT")]


def test_a_workbook_number_beyond_all_numbers_is_not_finite(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["HGB (g/dL)", "PLT (10^9/L)"])
    book.active.append([7.1, 123456789])
    book.save(tmp_path / "whole.xlsx")
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as whole, zipfile.ZipFile(tmp_path / "export.xlsx", "w") as export:
        for name in whole.namelist():
            export.writestr(name, whole.read(name).replace(b">123456789<", b">1e400<"))
    _, flags, _ = scan(tmp_path / "export.xlsx")
    assert "platelets:NUMBER_NOT_FINITE" in flags[0]["reasons"].split(";")


def test_the_summary_file_is_kept_apart_and_written_like_the_other_outputs(export, tmp_path: Path) -> None:
    path, summary = export(HEADER + SICK), tmp_path / "summary.json"
    with pytest.raises(cbc.UsageError, match="must be different files"):
        cbc.scan(path, summary=path, force=True)
    assert path.read_text() == HEADER + SICK
    counted = cbc.scan(path, summary=summary)
    assert json.loads(summary.read_text())["rows_in"] == counted.rows_in == 1
    with pytest.raises(cbc.UsageError, match=r"^summary\.json exists"):
        cbc.scan(path, summary=summary)


def test_a_pair_of_stray_marks_swallows_no_row(export, tmp_path: Path) -> None:
    """The lines between them are somebody's results; a remark of several lines is none."""
    header = "id,age,sex,HGB (g/dL),PLT (10^9/L),remark\n"
    lines = [
        'a,54 y,F,9.1,100,"odd\n', "b,54 y,F,6.0,9,x\n", 'c,54 y,F,9.1,100,odd"\n', 'd,54 y,F,7.0,30,"two\n', 'lines"\n',
    ]  # fmt: skip
    summary = cbc.scan(export(header + "".join(lines)), tmp_path / "flags.csv", tmp_path / "rejects.csv", keep=["id"])
    with (tmp_path / "flags.csv").open(newline="", encoding="utf-8") as file:
        assert [(row["id"], row["row"]) for row in csv.DictReader(file)] == [("b", "3"), ("c", "4"), ("d", "5")]
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as file:
        assert [(row["line"], row["reason"]) for row in csv.DictReader(file)] == [("2", "ROW_RAGGED")]
    assert (summary.rows_in, summary.screened, summary.rejected) == (4, 3, 1)


def test_no_source_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cbc.UsageError, match="no source is named"):
        cbc.scan([], tmp_path / "flags.parquet")


@pytest.mark.parametrize("workers", [0, -1])
def test_fewer_than_one_worker_is_refused(export, workers: int) -> None:
    source = export(HEADER + SICK)
    with pytest.raises(cbc.UsageError, match="workers: give 1 or more"):
        cbc.scan(source, source.parent / "flags.parquet", workers=workers)
    assert not (source.parent / "flags.parquet").exists()


def test_an_output_whose_name_is_no_text_is_refused(export) -> None:
    source = export(HEADER + SICK)
    with pytest.raises(cbc.UsageError, match="must have names that are text"):
        cbc.scan(source, source.parent / "fl\udcff.parquet")


def damaged_at(path: Path, place: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def test_a_workbook_damaged_anywhere_in_its_sheet_is_one_clear_error(tmp_path: Path) -> None:
    """A changed digit would still be a number: the checksum of the sheet is looked at first."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["age", "HGB (g/dL)"])
    for number in range(3_000):
        book.active.append([f"{number % 90} y", 9.1 + number % 7])
    book.save(tmp_path / "whole.xlsx")
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as packed:
        sheet = packed.getinfo("xl/worksheets/sheet1.xml")
    for step in range(1, 12):
        path = tmp_path / "export.xlsx"
        path.write_bytes((tmp_path / "whole.xlsx").read_bytes())
        damaged_at(path, sheet.header_offset + 100 + step * (sheet.compress_size - 200) // 12, step % 8)
        with pytest.raises(cbc.UsageError, match=r"^export.xlsx: the workbook cannot be read \(\w+\)$"):
            cbc.scan(path)
    assert cbc.scan(tmp_path / "whole.xlsx").screened == 3_000


def test_a_workbook_of_a_later_zip_version_is_refused(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["age", "HGB (g/dL)"])
    book.save(tmp_path / "export.xlsx")
    content = (tmp_path / "export.xlsx").read_bytes()
    # "version needed to extract", the fourth field of the first entry of the directory
    damaged_at(tmp_path / "export.xlsx", content.index(b"PK\x01\x02") + 6, 7)
    with pytest.raises(cbc.UsageError, match="the workbook cannot be read"):
        cbc.scan(tmp_path / "export.xlsx")


def test_a_sheet_that_is_no_sheet_from_some_row_on_is_refused_without_its_cells(tmp_path: Path) -> None:
    """Whole as a file, and damaged by the program that wrote it."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["age", "HGB (g/dL)"], ["54 y", 9.1], ["30 y", 15.5]):
        book.active.append(row)
    book.save(tmp_path / "whole.xlsx")
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as whole, zipfile.ZipFile(tmp_path / "export.xlsx", "w") as packed:
        for name in whole.namelist():
            packed.writestr(name, whole.read(name).replace(b"<v>15.5</v>", b"<v>CANARY</v>"))
    with pytest.raises(
        cbc.UsageError, match=r"^export.xlsx: the workbook cannot be read after row 2 \(\w+\)$"
    ) as caught:
        cbc.scan(tmp_path / "export.xlsx")
    assert caught.value.__context__ is None


def test_a_parquet_file_whose_texts_are_no_texts_is_refused(tmp_path: Path) -> None:
    bad = pa.array([b"54 y", b"\xb7\xff"]).view(pa.string())
    pq.write_table(pa.table({"age": bad, "HGB (g/dL)": [9.1, 15.0]}), tmp_path / "export.parquet")
    with pytest.raises(cbc.UsageError, match="the Parquet file is damaged after row"):
        cbc.scan(tmp_path / "export.parquet")


def test_the_checksums_of_a_parquet_file_are_looked_at_where_it_has_some(tmp_path: Path) -> None:
    table = pa.table({"age": ["54 y"] * 2_000, "HGB (g/dL)": [9.0 + number % 60 / 10 for number in range(2_000)]})
    path = tmp_path / "export.parquet"
    pq.write_table(table, path, write_page_checksum=True, compression="none", use_dictionary=False)
    damaged_at(path, path.stat().st_size // 2, 3)
    with pytest.raises(cbc.UsageError, match="the Parquet file is damaged"):
        cbc.scan(path)
