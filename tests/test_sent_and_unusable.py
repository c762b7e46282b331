"""Sent and not usable is not the same as not sent: neutrophils that were sent never fall back on WBC (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc

HEAD = "MSH|^~\\&|LAB|X|R|Y|20240301120000||ORU^R01|M1|P|2.5.1\rPID|1||T1||||19700504|F\rOBR|1|A1|B1|58410-2^CBC^LN|||20240301090000\r"
HB = "OBX|1|NM|718-7^Hgb^LN||13.9|g/dL|||||F\r"
WBC = "OBX|2|NM|6690-2^WBC^LN||6.5|10*3/uL|||||F\r"
PLT = "OBX|3|NM|777-3^PLT^LN||250|10*3/uL|||||F\r"


def flags_of_message(tmp_path: Path, *segments: str) -> dict[str, object]:
    (tmp_path / "in.hl7").write_text(HEAD + HB + WBC + PLT + "\r".join(segments), encoding="utf-8", newline="")
    cbc.scan(tmp_path / "in.hl7", tmp_path / "flags.parquet", tmp_path / "rejects.csv", force=True)
    (row,) = cbc.read_flags(tmp_path / "flags.parquet").to_dict("records")
    return dict(row)


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        ("OBX|4|NM|751-8^ANC^LN|||10*3/uL|||||F", "neutrophils:VALUE_MISSING"),  # an empty value
        ("OBX|4|NM|751-8^ANC^LN||N/A|10*3/uL|||||F", "neutrophils:VALUE_MISSING"),
        ("OBX|4|NM|751-8^ANC^LN||0.3|cells/drop|||||F", "neutrophils:UNIT_UNKNOWN"),  # a unit in no list
        ("OBX|4|NM|751-8^ANC^LN||0.3||||||F", "neutrophils:UNIT_MISSING"),
        ("OBX|4|NM|751-8^ANC^LN||31|%|||||F", "neutrophils:UNIT_CONFUSABLE"),  # a percentage under the count's code
        ("OBX|4|NM|751-8^Lymphocytes^LN||0.3|10*3/uL|||||F", "neutrophils:CODE_CONFLICT"),  # a name against its code
        (
            "OBX|4|NM|30451-9^Neutrophils^LN||0.3|10*3/uL|||||F",
            "neutrophils:CODE_CONFLICT",
        ),  # the code of the segmented ones
        ("OBX|4|NM|30449-3^Neutrophils^LN||0.3|10*3/uL|||||F", "neutrophils:CODE_CONFLICT"),  # a code not known
        ("OBX|4|NM|30451-9^Neutrophils^LN||0.3||||||F", "neutrophils:CODE_CONFLICT"),
        ("OBX|4|NM|X77^Neutrophils manual^L||0.3|10*3/uL|||||F", "neutrophils:CODE_UNKNOWN"),  # a local name
        ("OBX|4|NM|X77^ABS NEUTROPHILS AUTO X^L||0.3|10*3/uL|||||F", "neutrophils:CODE_UNKNOWN"),
        ("OBX|4|NM|N^Neut^L||0.3||||||F", "neutrophils:UNIT_MISSING"),  # a count or a percentage
        ("OBX|4|NM|751-8^ANC^LN||0.3|10*3/uL|||||P", "neutrophils:STATUS_NOT_FINAL"),
        ("OBX|4|TX|751-8^ANC^LN||see comment|10*3/uL|||||F", "neutrophils:TEXT_RESULT"),
    ],
)
def test_neutrophils_of_a_message_that_cannot_be_used(tmp_path: Path, segment: str, reason: str) -> None:
    row = flags_of_message(tmp_path, segment)
    assert row["white_line"] == "cannot_tell"
    assert reason in str(row["reasons"]).split(";")
    assert row["urgency"] == "cannot_tell"


@pytest.mark.parametrize(
    "segment",
    [
        "OBX|4|NM|2823-3^Potassium^LN||4.1|mmol/L|||||F",
        "OBX|4|TX|X^Neutrophils comment^L||toxic granulation|||||F",
        "OBX|4|NM|X^Neutrophil lymphocyte ratio^L||3.1||||||F",
        "OBX|4|NM|X^Hypersegmented neutrophils^L||2|%|||||F",
    ],
)
def test_what_is_something_else_voids_nothing(tmp_path: Path, segment: str) -> None:
    row = flags_of_message(tmp_path, segment)
    assert (row["white_line"], row["white_line_basis"], row["urgency"]) == ("not_low", "wbc", "none")


def test_a_result_set_aside_is_named_in_summary_and_manifest_and_kept_in_the_rejects(tmp_path: Path) -> None:
    flags_of_message(
        tmp_path, "OBX|4|NM|X77^Neutrophils manual^L||0.3|10*3/uL|||||F", "OBX|5|NM|NA^Sodium^L||140|mmol/L|||||F"
    )
    manifest = json.loads((tmp_path / "flags.parquet.manifest.json").read_text(encoding="utf-8"))["counts"]
    assert manifest["set_aside"] == {"X77 Neutrophils manual: CODE_UNKNOWN (possibly neutrophils)": 1}
    assert manifest["left_out"] == {"NA Sodium": 1}
    assert manifest["results"]["rejected"] == {"CODE_UNKNOWN": 1}
    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as file:
        (rejected,) = csv.DictReader(file)
    assert (rejected["reason"], rejected["content"].startswith("OBX|4|NM|X77")) == ("CODE_UNKNOWN", True)


def test_a_result_of_another_quantity_harms_nothing(tmp_path: Path) -> None:
    """Plateletcrit under the platelets' code, hepatitis B under "HB", ethanol under "ALC"."""
    row = flags_of_message(
        tmp_path,
        "OBX|4|NM|777-3^PLT^LN||0.03|%|||||F",
        "OBX|5|NM|HB^Hepatitis B surface antigen^L||0.12|S/CO|||||F",
        "OBX|6|NM|ALC^Ethanol^L||12|mg/dL|||||F",
    )
    assert (row["pattern"], row["red_line"], row["platelet_line"]) == ("none", "not_low", "not_low")


@pytest.mark.parametrize(
    "code", ["ALC^Ethanol^L", "LYM^Lyme antibody^L", "EOS^Ethosuximide level^L", "MONO^Heterophile antibody^L"]
)
def test_a_code_that_is_a_white_cell_to_others_harms_nothing_under_another_name_and_unit(
    tmp_path: Path, code: str
) -> None:
    row = flags_of_message(tmp_path, f"OBX|4|NM|{code}||12|mg/dL|||||F")
    assert (row["pattern"], row["white_line"]) == ("none", "not_low")


@pytest.mark.parametrize("code", ["^Lymphocytes^L", "LYM^^L", "731-0^Lymphocytes^LN"])
def test_a_white_cell_in_the_unit_of_another_quantity_may_leave_no_room_for_neutrophils(
    tmp_path: Path, code: str
) -> None:
    row = flags_of_message(tmp_path, f"OBX|4|NM|{code}||12|mg/dL|||||F")
    assert (row["pattern"], row["white_line"], row["lymphocytes_state"]) == (
        "cannot_tell",
        "cannot_tell",
        "cannot_tell",
    )


@pytest.mark.parametrize(
    ("value", "limits", "percent", "white_line"),
    [
        (
            "1.95",
            "2.15-8.6",
            "30",
            "cannot_tell",
        ),  # both lie above our 1.79, and below the limit that came with a result in doubt
        ("3.25", "2.15-8.6", "50", "not_low"),  # above either limit
        ("1.3", "2.15-8.6", "20", "low"),  # below either limit
        ("1.3", "1.0-8.6", "20", "cannot_tell"),  # above the one that came, and below ours
        ("1.95", "2.15-8.6", "40", "cannot_tell"),  # the percentage says 2.6, above it
        ("1.95", "", "30", "not_low"),  # no limit came
        ("1.95", "normal", "30", "not_low"),
    ],
)
def test_limits_of_a_result_in_doubt_are_in_doubt_with_it(
    tmp_path: Path, value: str, limits: str, percent: str, white_line: str
) -> None:
    row = flags_of_message(
        tmp_path,
        f"OBX|4|NM|X77^Neutrophils manual^L||{value}|10*3/uL|{limits}||||F",
        f"OBX|5|NM|770-8^Neutrophils/100 leukocytes^LN||{percent}|%|||||F",
    )
    assert row["white_line"] == white_line


@pytest.mark.parametrize(
    ("results", "is_said"),
    [
        ({"lymphocytes": "hemolyzed"}, True),
        ({"lymphocytes": "<5.5 10^9/L"}, True),
        ({"monocytes": "0,2 10^9/L", "lymphocytes": "3 10^9/L"}, True),
        ({"lymphocytes": "<2 10^9/L"}, False),
        ({"lymphocytes": "2 10^9/L"}, False),
        ({"lymphocytes": "hemolyzed", "neutrophils": "3 10^9/L"}, False),
    ],
)
def test_why_another_white_cell_leaves_the_line_unknown_is_said(results: dict[str, str], is_said: bool) -> None:
    record = {
        "age": "50 y",
        "sex": "F",
        "hemoglobin": "126 g/L",
        "platelets": "240 10^9/L",
        "wbc": "6 10^9/L",
        **results,
    }
    notes = cbc.screen(record).notes
    assert (
        any(note.startswith("The white cells or another kind of them are not known exactly") for note in notes)
        is is_said
    )


@pytest.mark.parametrize("note", ["called to nurse", "PLT CALLED TO DR X AND READ BACK", "result verified"])
def test_a_text_under_the_code_of_a_number_in_one_message_is_a_remark(tmp_path: Path, note: str) -> None:
    low = PLT.replace("250", "8")
    (tmp_path / "in.hl7").write_text(
        HEAD + HB + WBC + low + f"OBX|4|TX|777-3^PLT^LN||{note}||||||F", encoding="utf-8", newline=""
    )
    cbc.scan(tmp_path / "in.hl7", tmp_path / "flags.parquet")
    (row,) = cbc.read_flags(tmp_path / "flags.parquet").to_dict("records")
    assert (row["platelet_line"], row["platelets_grade"]) == ("low", 4)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Absolute Neutrophil Count (cells/drop)", "UNIT_UNKNOWN"),
        ("ANC [cells per chamber]", "UNIT_UNKNOWN"),
        ("Neutrophils x10e3/mcl blood", "UNIT_UNKNOWN"),
        ("NEUT", "UNIT_MISSING"),
        ("Neutrophils manual", "CODE_UNKNOWN"),
        ("ANC final result", "CODE_UNKNOWN"),
    ],
)
def test_a_column_that_may_be_neutrophils_counts_as_sent(header: str, reason: str) -> None:
    frame = pd.DataFrame(
        {
            "age": ["40 y"] * 2,
            "sex": "F",
            "HGB (g/dL)": 14.0,
            "WBC (10^9/L)": 6.9,
            header: ["300", None],
            "PLT (10^9/L)": 250,
        }
    )
    flags = cbc.screen_frame(frame)
    assert list(flags["white_line"].astype(str)) == ["cannot_tell", "not_low"]
    assert list(flags["reasons"].astype(str)) == [f"neutrophils:{reason}", ""]
    assert list(flags["urgency"].astype(str)) == ["cannot_tell", "none"]


def test_segmented_cells_of_an_unknown_unit_count_as_sent() -> None:
    columns = {"age": "40 y", "sex": "F", "HGB (g/dL)": 14.0, "WBC (10^9/L)": 6.9, "PLT (10^9/L)": 250}
    flags = cbc.screen_frame(pd.DataFrame({**columns, "Segs": ["300", None]}))
    assert list(flags["white_line"].astype(str)) == ["cannot_tell", "not_low"]
    assert list(flags["reasons"].astype(str)) == ["segmented:UNIT_MISSING", ""]
    assert list(flags["urgency"].astype(str)) == ["cannot_tell", "none"]


@pytest.mark.parametrize(
    "header", ["Neutrophils comment", "ANC date", "Neutrophil lymphocyte ratio", "Urine neutrophils"]
)
def test_a_column_beside_neutrophils_is_none(header: str) -> None:
    frame = pd.DataFrame(
        {"age": ["40 y"], "sex": "F", "HGB (g/dL)": 14.0, "WBC (10^9/L)": 6.9, header: ["5"], "PLT (10^9/L)": 250}
    )
    assert cbc.screen_frame(frame)["white_line_basis"].astype(str)[0] == "wbc"


def test_a_further_column_fills_what_the_known_one_leaves_open_and_must_not_contradict_it() -> None:
    frame = pd.DataFrame(
        {
            "age": ["40 y"] * 3,
            "sex": "F",
            "HGB (g/dL)": 14.0,
            "WBC (10^9/L)": 6.9,
            "ANC (10^9/L)": [4.0, None, 4.0],
            "Neutrophils manual": ["4.0", "0.3", "0.3"],
            "PLT (10^9/L)": 250,
        }
    )
    assert list(cbc.screen_frame(frame)["white_line"].astype(str)) == ["not_low", "cannot_tell", "cannot_tell"]


def test_a_percentage_still_tells_where_the_bare_name_does_not() -> None:
    frame = pd.DataFrame(
        {
            "age": ["40 y"],
            "sex": "F",
            "HGB (g/dL)": 14.0,
            "WBC (10^9/L)": 6.9,
            "NEUT": ["4.1"],
            "NEUT%": [60.0],
            "PLT (10^9/L)": 250,
        }
    )
    flags = cbc.screen_frame(frame)
    assert (str(flags["white_line"][0]), str(flags["white_line_basis"][0])) == ("not_low", "wbc_x_percent")


def test_a_file_says_which_columns_it_could_not_use_and_explains_the_row(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(
        "id,age,sex,HGB (g/dL),WBC (10^9/L),ANC (cells/drop),PLT (10^9/L)\n1,40,F,14,6.9,300,250\n", encoding="utf-8"
    )
    summary = cbc.scan(tmp_path / "in.csv", tmp_path / "flags.parquet", age_unit="y", received=True)
    assert "ANC (cells/drop)" in summary.refused_columns
    neutrophils = summary.analytes["neutrophils"]
    assert (neutrophils.results, neutrophils.used, neutrophils.not_used) == (1, 0, 1)
    again = cbc.screen_again(tmp_path / "flags.parquet", 2)  # a row is named by its line
    assert again.flags()["reasons"] == "neutrophils:UNIT_UNKNOWN"


@pytest.mark.parametrize(
    "header",
    [
        "Platelets (zz)", "Platelets [zz]", "Platelets zz", "Platelets thou", "PLT_zz", "PLT/zz", "Platelets - zz", "Platelets: zz",
        "Platelets 「zz」", "Platelets （zz）", "PLT est",
    ],
)  # fmt: skip
def test_a_name_with_anything_short_behind_it_is_the_analyte_in_an_unknown_unit(header: str) -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "Neutrophils (10^9/L)": [3.0], header: ["5"]})
    (row,) = cbc.screen_frame(frame).to_dict("records")
    assert "platelets:UNIT_UNKNOWN" in row["reasons"].split(";")
    assert (row["platelet_line"], row["urgency"]) == ("cannot_tell", "cannot_tell")


@pytest.mark.parametrize("header", ["Platelets date", "PLT comment", "Platelet IgG", "Platelet distribution width"])
def test_a_name_of_something_else_is_no_platelet_count(header: str) -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "Neutrophils (10^9/L)": [3.0], header: ["5"]})
    (row,) = cbc.screen_frame(frame).to_dict("records")
    assert "platelets:NO_RESULT" in row["reasons"].split(";")


def test_beside_a_count_such_a_name_changes_nothing() -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "Platelets (10^9/L)": [250.0]})
    whole = cbc.screen_frame(frame).to_dict("records")
    assert cbc.screen_frame(frame.assign(**{"Platelets zz": "5"})).to_dict("records") == whole


@pytest.mark.parametrize(
    ("remark", "line", "red_line"),
    [
        # What is said of the patient or the sample is said of the hemoglobin in it too.
        ("RESULT CANCELLED: WRONG PATIENT", "cannot_tell", "cannot_tell"),
        ("Specimen clotted, please repeat.", "cannot_tell", "cannot_tell"),
        ("Probe geronnen", "cannot_tell", "cannot_tell"),
        ("Do not use", "cannot_tell", "not_low"),
        ("Disregard previous result.", "low", "not_low"),
        ("Called to nurse at 09:30", "low", "not_low"),
        ("Sample not clotted", "low", "not_low"),
    ],
)
def test_a_remark_that_takes_a_result_back_makes_it_unknown(
    remark: str, line: str, red_line: str, tmp_path: Path
) -> None:
    (tmp_path / "in.hl7").write_text(
        "MSH|^~\\&|LAB|X|R|Y|20240301120000||ORU^R01|M1|P|2.5.1\rPID|1||T1||||19700504|F\r"
        "OBR|1|A1|B1|58410-2^CBC^LN|||20240301090000\rOBX|1|NM|718-7^HGB^LN||135|g/L|||||F\r"
        f"OBX|2|NM|777-3^PLT^LN||44|10*9/L|||||F\rNTE|1||{remark}\r",
        encoding="utf-8", newline="",
    )  # fmt: skip
    cbc.scan(tmp_path / "in.hl7", tmp_path / "flags.parquet")
    (row,) = cbc.read_flags(tmp_path / "flags.parquet").to_dict("records")
    assert (row["platelet_line"], row["red_line"]) == (line, red_line)
    assert ("SPECIMEN_SUSPECT" in row["reasons"]) is (line == "cannot_tell")


@pytest.mark.parametrize(
    ("segment", "unknown", "known"),
    [
        # The code of white cells and the name of platelets: it may be either, and says something else than both.
        ("OBX|4|NM|6690-2^Platelet count^LN||20|10*3/uL|||||F", {"white_line", "platelet_line"}, {"red_line"}),
        # It may be the platelets again, and says what they say; the white cells it may be are others.
        ("OBX|4|NM|777-3^WBC^LN||250|10*3/uL|||||F", {"white_line"}, {"red_line", "platelet_line"}),
        # In g/dL it is no platelet count, whatever its code says.
        ("OBX|4|NM|777-3^Hemoglobin^LN||7.1|g/dL|||||F", {"red_line"}, {"white_line", "platelet_line"}),
    ],
)
def test_a_result_that_may_be_a_second_one_of_an_analyte_contradicts_the_first(
    tmp_path: Path, segment: str, unknown: set[str], known: set[str]
) -> None:
    row = flags_of_message(tmp_path, segment)
    assert {line for line in unknown | known if row[line] == "cannot_tell"} == unknown
    assert {row[line] for line in known} == {"not_low"}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("0.4", "cannot_tell"),  # 0.4, if it is the neutrophils, and 60 % of 6.5 is 3.9, if it is not
        ("3.9", "not_low"),  # whichever it is
        ("5.1", "not_low"),  # 5.1 or 3.9
    ],
)
@pytest.mark.parametrize("name", ["X77^Neutrophils manual^L", "30449-3^Neutrophils^LN", "704-7^Neutrophils^LN"])
def test_neutrophils_under_a_doubtful_name_beside_their_percentage_are_either(
    tmp_path: Path, name: str, value: str, line: str
) -> None:
    percent = "OBX|4|NM|770-8^Neutrophils^LN||60|%|||||F"
    row = flags_of_message(tmp_path, percent, f"OBX|5|NM|{name}||{value}|10*3/uL|||||F")
    assert row["white_line"] == line
    assert "neutrophils:CODE_" in str(row["reasons"])


def test_a_doubtful_name_alone_is_unknown_and_a_percentage_alone_is_used(tmp_path: Path) -> None:
    doubtful, percent = "OBX|4|NM|X77^Neutrophils manual^L||3.9|10*3/uL|||||F", "OBX|5|NM|770-8^NE%^LN||60|%|||||F"
    assert flags_of_message(tmp_path, doubtful)["white_line"] == "cannot_tell"
    assert flags_of_message(tmp_path, percent)["white_line"] == "not_low"


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [("0.4", "0.5", "cannot_tell"), ("0.4", "3.9", "cannot_tell"), ("3.6", "3.8", "not_low")],
)
def test_results_of_neutrophils_that_differ_are_not_settled_by_a_percentage(
    tmp_path: Path, first: str, second: str, line: str
) -> None:
    """60 % of 6.5 is 3.9; where all three are the same side of every limit, so is the answer."""
    found = [f"OBX|{n}|NM|751-8^ANC^LN||{value}|10*3/uL|||||F" for n, value in ((5, first), (6, second))]
    row = flags_of_message(tmp_path, "OBX|4|NM|770-8^NE%^LN||60|%|||||F", *found)
    assert row["white_line"] == line
    assert "neutrophils:RESULT_CONFLICT" in str(row["reasons"])


@pytest.mark.parametrize("stands_in", [{"NE %": 60}, {"Segs %": 58, "Bands %": 2}, {"Segs (10^9/L)": 3.8}])
def test_two_columns_of_neutrophils_that_differ_are_not_settled_by_what_stands_in(
    tmp_path: Path, stands_in: dict[str, float]
) -> None:
    columns = {"age": "40 y", "sex": "F", "HGB (g/dL)": 14.0, "WBC (10^9/L)": 6.5, "PLT (10^9/L)": 250, **stands_in}
    twice = {"ANC (10^9/L)": ["0.4", "3.9", "3.9"], "ANC repeat (10^9/L)": ["0.5", "3.9", None]}
    frame = pd.DataFrame({**columns, **twice})
    flags = cbc.screen_frame(frame)
    assert list(flags["white_line"].astype(str)) == ["cannot_tell", "not_low", "not_low"]
    assert "neutrophils:RESULT_CONFLICT" in str(flags["reasons"].iloc[0])
    frame.to_csv(tmp_path / "wide.csv", index=False)
    cbc.scan(tmp_path / "wide.csv", tmp_path / "flags.parquet", received=True)
    for row, line in ((2, "cannot_tell"), (3, "not_low"), (4, "not_low")):  # every flag is compared with the file's
        assert cbc.screen_again(tmp_path / "flags.parquet", str(row)).columns["white_line"] == line


SEGMENTED = "OBX|7|NM|769-0^Segs^LN||58|%|||||F", "OBX|8|NM|764-1^Bands^LN||2|%|||||F"  # of 6.5 they are 3.9


@pytest.mark.parametrize(
    "found",
    [
        ["OBX|5|NM|X77^Neutrophils manual^L||0.4|10*3/uL|||||F"],
        ["OBX|5|NM|30449-3^Neutrophils^LN||0.4|10*3/uL|||||F", "OBX|4|NM|770-8^NE%^LN||60|%|||||F"],
        ["OBX|5|NM|751-8^ANC^LN||0.4|10*3/uL|||||F", "OBX|6|NM|751-8^ANC^LN||0.5|10*3/uL|||||F"],
    ],
)
def test_segmented_cells_do_not_settle_what_is_in_doubt_either(tmp_path: Path, found: list[str]) -> None:
    assert flags_of_message(tmp_path, *SEGMENTED)["white_line"] == "not_low"
    assert flags_of_message(tmp_path, *SEGMENTED, *found)["white_line"] == "cannot_tell"


def test_segmented_cells_are_used_beside_neutrophils_that_say_nothing(tmp_path: Path) -> None:
    row = flags_of_message(tmp_path, *SEGMENTED, "OBX|5|TX|751-8^ANC^LN||see comment|10*3/uL|||||F")
    assert (row["white_line"], row["reasons"]) == ("not_low", "neutrophils:TEXT_RESULT")


def test_a_percentage_that_is_not_final_does_not_settle_neutrophils_in_doubt(tmp_path: Path) -> None:
    """4.6 under a local code and 40 % of 11.5 agree, and the percentage is preliminary: nothing is sure."""
    rows = ["person,collected_at,code,name,value,unit,status,age,sex"]
    for code, name, value, unit, status in (
        ("6690-2", "", "11.5", "10*3/uL", "final"),
        ("LOC1", "Neutro abs new", "4.6", "10*3/uL", "final"),
        ("770-8", "", "40", "%", "preliminary"),
    ):
        rows.append(f"p,2024-01-02 08:00,{code},{name},{value},{unit},{status},54 y,F")
    (tmp_path / "long.csv").write_text("\n".join(rows), encoding="utf-8")
    cbc.scan(tmp_path / "long.csv", tmp_path / "flags.ndjson")
    [flags] = map(json.loads, (tmp_path / "flags.ndjson").read_text(encoding="utf-8").splitlines())
    assert flags["white_line"] == "cannot_tell"
    final = (tmp_path / "long.csv").read_text(encoding="utf-8").replace("preliminary", "final")
    (tmp_path / "final.csv").write_text(final, encoding="utf-8")
    cbc.scan(tmp_path / "final.csv", tmp_path / "final.ndjson")
    [flags] = map(json.loads, (tmp_path / "final.ndjson").read_text(encoding="utf-8").splitlines())
    assert flags["white_line"] == "not_low"


def test_a_result_in_doubt_beside_a_percentage_is_counted_once(tmp_path: Path) -> None:
    """Granulocytes are rejected; neutrophils lie between them and what the percentage says, and are none that was sent."""
    more = ["OBX|4|NM|AGC||5.0|10*3/uL|||||F", "OBX|5|NM|NEUT%||10|%|||||F"]
    (tmp_path / "in.hl7").write_text(HEAD + HB + WBC + PLT + "\r".join(more), encoding="utf-8", newline="")
    results = cbc.scan(tmp_path / "in.hl7", tmp_path / "flags.csv", tmp_path / "rejects.csv").results
    assert {name: results[name] for name in ("read", "used", "unusable", "superseded", "not_count")} == {
        "read": 5, "used": 4, "unusable": 0, "superseded": 0, "not_count": 0,
    }  # fmt: skip
    assert results["rejected"] == {"CODE_UNKNOWN": 1}


def test_parameters_are_read_as_a_bundle_is(tmp_path: Path) -> None:
    patient = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1984-01-01"}
    counts = [("718-7", 9.1, "g/dL"), ("6690-2", 2.1, "10*3/uL"), ("777-3", 40, "10*3/uL")]
    observations = [
        {
            "resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2024-03-01T09:15:00Z", "valueQuantity": {"value": value, "unit": unit},
        }
        for code, value, unit in counts
    ]  # fmt: skip
    nested = {"name": "more", "part": [{"name": "one", "resource": one} for one in observations[1:]]}
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "p", "resource": patient}, {"name": "o", "resource": observations[0]}, nested],
    }
    (tmp_path / "in.json").write_text(json.dumps(parameters))
    cbc.scan(tmp_path / "in.json", tmp_path / "flags.parquet", tmp_path / "rejects.csv")
    (row,) = cbc.read_flags(tmp_path / "flags.parquet").to_dict("records")
    assert (row["pattern"], row["reasons"]) == ("pancytopenia", "")


def test_the_separator_that_excel_is_told_is_no_header(tmp_path: Path) -> None:
    for mark, first in ((";", "sep=;"), (",", "sep=,"), (";", "\ufeffSEP=;")):
        lines = [first, "Age;Sex;HGB (g/dL);WBC (10^9/L);PLT (10^9/L)", "54 y;F;9.1;2.1;40"]
        (tmp_path / "in.csv").write_text("\n".join(lines).replace(";", mark), encoding="utf-8")
        cbc.scan(tmp_path / "in.csv", tmp_path / "flags.parquet", tmp_path / "rejects.csv", force=True)
        (row,) = cbc.read_flags(tmp_path / "flags.parquet").to_dict("records")
        assert row["pattern"] == "pancytopenia", first
