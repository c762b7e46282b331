"""How far a result has come: one table of words, with one meaning at every door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.statuses import load_statuses
from cbc_screen.vocabulary import ResultStatus

STATUSES = load_knowledge().statuses
NOT_FINAL = "platelets:STATUS_NOT_FINAL"
# Platelets 9 beside a sound hemoglobin and WBC: low where the status is final, and unknown where it is not.
FINAL_WORDS = (
    "F", "f", "Final", "FINAL RESULT", "final_result", "Final Results", "Corrected", "C", "corrected result", "A",
    "Amended", "Verified", "Approved", "validated", "Authorised", "Completed", "released", "F - Final", "Final (F)",
    " final ", "Revised", "appended", "Freigegeben", "définitif", "已审核", "Ｆｉｎａｌ",
)  # fmt: skip
OTHER_WORDS = (
    "P", "Preliminary", "prelim", "Preliminary result", "partial", "Not verified", "unverified", "I", "pending", "Registered",
    "In Progress", "in-process", "specimen in lab", "X", "Cancelled", "canceled", "not performed", "Not Done", "rejected",
    "QNS", "D", "W", "entered-in-error", "Entered in error", "deleted", "withdrawn", "O", "unknown", "checked",
    "F - Preliminary", "final?no", "not final", "non-final", "1", "vorläufig", "x" * 500,
)  # fmt: skip


def at_the_record_door(status: str) -> str:
    record = {
        "age": "54 y", "sex": "F", "hemoglobin": "140 g/L", "wbc": "6 10^9/L",
        "platelets": {"value": 9, "unit": "10^9/L", "status": status},
    }  # fmt: skip
    return str(cbc.screen(record).flags()["reasons"])


def at_the_frame_door(status: str) -> str:
    frame = pd.DataFrame(
        {
            "age": ["54 y"],
            "sex": ["F"],
            "HGB (g/L)": [140],
            "WBC (10^9/L)": [6],
            "PLT (10^9/L)": [9],
            "PLT status": [status],
        }
    )
    return str(cbc.screen_frame(frame)["reasons"][0])


def scanned(path: Path, content: str, **options: Any) -> str:
    path.write_text(content, encoding="utf-8")
    cbc.scan(path, path.parent / "flags.ndjson", force=True, **options)
    (line,) = (path.parent / "flags.ndjson").read_text(encoding="utf-8").splitlines()
    return str(json.loads(line)["reasons"])


def at_the_door_of_single_results(status: str, folder: Path) -> str:
    (folder / "own.yaml").write_text(
        "id: own\ntitle: t\nshape: long\nsource: s\n"
        "columns: {person: id, name: test, value: value, unit: unit, collected_at: at, status: status}\n",
        encoding="utf-8",
    )
    rows = ("Hemoglobin,140,g/L,", "WBC,6,10^9/L,", f"Platelets,9,10^9/L,{status}")
    table = "id,at,test,value,unit,status\n" + "".join(f"a,2024-01-02,{row}\n" for row in rows)
    return scanned(folder / "long.csv", table, profile=str(folder / "own.yaml"))


def at_the_door_of_hl7(status: str, folder: Path) -> str:
    message = (
        "MSH|^~\\&|L|H|||20240102||ORU^R01|1|P|2.5\rPID|1||900^^^H||X||19700102|F\rOBR|1||1|CBC|||20240102\r"
        "OBX|1|NM|718-7^Hb^LN||140|g/L|||||F\rOBX|2|NM|6690-2^WBC^LN||6|10*9/L|||||F\r"
        f"OBX|3|NM|777-3^Plt^LN||9|10*9/L|||||{status}\r"
    )
    return scanned(folder / "a.hl7", message)


def at_the_door_of_fhir(status: str, folder: Path) -> str:
    entries = [
        {
            "resource": {
                "resourceType": "Observation", "status": said, "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "subject": {"reference": "Patient/a"}, "effectiveDateTime": "2024-01-02T08:00:00Z",
                "valueQuantity": {"value": value, "unit": unit},
            }
        }
        for code, value, unit, said in (
            ("718-7", 140, "g/L", "final"), ("6690-2", 6, "10*9/L", "final"), ("777-3", 9, "10*9/L", status),
        )
    ]  # fmt: skip
    return scanned(folder / "bundle.json", json.dumps({"resourceType": "Bundle", "entry": entries}))


@pytest.mark.parametrize("status", FINAL_WORDS)
def test_a_word_for_final_is_one_at_every_door(status: str, tmp_path: Path) -> None:
    assert NOT_FINAL not in at_the_record_door(status)
    assert NOT_FINAL not in at_the_frame_door(status)
    assert NOT_FINAL not in at_the_door_of_single_results(status, tmp_path)
    assert NOT_FINAL not in at_the_door_of_hl7(status, tmp_path)
    assert NOT_FINAL not in at_the_door_of_fhir(status, tmp_path)


@pytest.mark.parametrize("status", [word for word in OTHER_WORDS if STATUSES.of(word) is not ResultStatus.DELETED])
def test_any_other_word_is_not_final_at_any_door(status: str, tmp_path: Path) -> None:
    assert NOT_FINAL in at_the_record_door(status)
    assert NOT_FINAL in at_the_frame_door(status)
    assert NOT_FINAL in at_the_door_of_single_results(status, tmp_path)
    assert NOT_FINAL in at_the_door_of_hl7(status, tmp_path)
    assert NOT_FINAL in at_the_door_of_fhir(status, tmp_path)


@pytest.mark.parametrize("status", ["D", "w", "Entered-in-Error", "entered in error", "Deleted", "WITHDRAWN"])
def test_a_deleted_result_beside_its_cell_is_unknown(status: str) -> None:
    assert STATUSES.of(status) is ResultStatus.DELETED
    assert NOT_FINAL in at_the_record_door(status)
    assert NOT_FINAL in at_the_frame_door(status)


@pytest.mark.parametrize("silent", ["", " ", "-", "NA", "N/A", "null", None])
def test_a_source_that_says_nothing_has_final_results(silent: str | None) -> None:
    assert NOT_FINAL not in at_the_frame_door(silent)  # type: ignore[arg-type]
    if silent is not None:
        assert NOT_FINAL not in at_the_record_door(silent)


@pytest.mark.parametrize(
    "status", ["Cancelled", "pending", "X", "I", "P", "in progress", "entered-in-error", "nobody knows"]
)
@pytest.mark.parametrize("value", ["", None, "NA", "-"])
def test_what_was_ordered_and_has_no_value_is_unknown_and_not_absent(status: str, value: str | None) -> None:
    """Neutrophils were ordered: the white line does not fall back on a WBC of 6."""
    record = {"age": "54 y", "sex": "F", "hemoglobin": "140 g/L", "wbc": "6 10^9/L", "platelets": "250 10^9/L"}
    whole = {"age": ["54 y"], "sex": ["F"], "HGB (g/L)": [140], "WBC (10^9/L)": [6], "PLT (10^9/L)": [250]}
    frame = pd.DataFrame({**whole, "ANC (10^9/L)": [value], "ANC status": [status]})
    one = cbc.screen({**record, "neutrophils": {"value": value, "unit": "10^9/L", "status": status}}).flags()
    row = cbc.screen_frame(frame).iloc[0]
    for found in (one, row):
        assert (found["white_line"], found["pattern"]) == ("cannot_tell", "cannot_tell")
        assert "neutrophils:STATUS_NOT_FINAL" in found["reasons"].split(";")
    assert cbc.screen(record).flags()["white_line"] == "not_low"


def test_a_row_where_nothing_was_sent_and_no_status_stands_is_no_count(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "age,sex,HGB (g/L),HGB status\n54 y,F,,\n54 y,F,,Final\n54 y,F,,pending\n", encoding="utf-8"
    )
    summary = cbc.scan(tmp_path / "export.csv", tmp_path / "flags.csv")
    assert (summary.rejects, summary.screened) == ({"NO_RESULT": 2}, 1)
    assert summary.reasons["hemoglobin:STATUS_NOT_FINAL"] == 1


def test_no_word_of_the_table_has_two_meanings_and_none_that_is_not_final_is_used() -> None:
    used = {status for status in ResultStatus if STATUSES.is_used(status.value)}
    assert used == {ResultStatus.FINAL, ResultStatus.CORRECTED, ResultStatus.AMENDED}
    assert len(STATUSES.words) > 150
    assert all(STATUSES.of(word.upper()) is status for word, status in STATUSES.words.items())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("F: [f]\nC: [c]\nA: [a]\nP: [p]\nI: [i]\nX: [x]\nD: [d, F.]\n", "given twice"),
        ("F: [final]\nC: [c]\nA: [a]\nP: [p]\nI: [i]\nX: [x]\nD: [d]\n", "the letter F itself"),
        ("F: [f]\n", "C: is required"),
        ("F: [f]\nC: [c]\nA: [a]\nP: [p]\nI: [i]\nX: [x]\nD: [d]\nO: [o]\n", "is not a known key"),
    ],
)
def test_a_fault_of_the_table_names_its_line(text: str, message: str) -> None:
    with pytest.raises(cbc.KnowledgeError, match=message):
        load_statuses(parse_yaml(text, "result_status.yaml"), frozenset())


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Auth (Verified)", "F"), ("Auth", "F"), ("Verified", "F"), ("Authenticated", "F"),
        ("Final - Edited", "C"), ("Final (Edited)", "C"), ("Edited Result - FINAL", "C"), ("Modified", "C"), ("Altered", "C"),
        ("Final result (edited)", "C"), ("Modified - Final", "C"), ("Amended Final", "A"), ("AUTH_VERIFIED", "F"),
        # The same words of what is not final yet, or of what nobody knows.
        ("Unauth", "P"), ("Not authenticated", "P"), ("Edited Result - PRELIMINARY", "P"), ("Unauthorised", "P"),
        ("Auth (Pending)", "O"), ("Final - Cancelled", "O"), ("Edited - Deleted", "O"),
    ],
)  # fmt: skip
def test_words_of_hospital_systems_are_what_they_say(text: str, status: str) -> None:
    """The words in which Cerner and Epic say how far a result has come."""
    assert STATUSES.of(text) == status
    for door in (at_the_record_door, at_the_frame_door):
        assert (NOT_FINAL in door(text)) is (status not in ("F", "C", "A"))


# One status, or one condition of the specimen, for the whole row ------------------------------

ROW = {"id": ["1"], "age": ["40 y"], "sex": ["F"], "HGB (g/dL)": [13.0], "ANC (10^9/L)": [4.0], "PLT (10^9/L)": [250]}


def row_told(**more: Any) -> tuple[str, str]:
    flags = cbc.screen_frame(pd.DataFrame({**ROW, **{name: [value] for name, value in more.items()}}))
    return flags["pattern"][0], flags["urgency"][0]


@pytest.mark.parametrize("header", ["Result status", "Order status", "Report status", "Befundstatus"])
@pytest.mark.parametrize(
    "word", ["P", "X", "cancelled", "preliminary", "entered in error", "invalid", "pending", "zzz"]
)
def test_a_status_of_the_row_is_that_of_each_result(header: str, word: str) -> None:
    assert row_told(**{header: word}) == ("cannot_tell", "cannot_tell")


@pytest.mark.parametrize("of_row", ["cancelled", "entered in error", "P", "zzz"])
@pytest.mark.parametrize("own", ["", "NA", None, "F", "Final", "P"])
def test_a_status_of_its_own_hides_no_status_of_the_row(tmp_path: Path, own: str | None, of_row: str) -> None:
    """Of two statuses the less final holds, and a silent one says nothing; at every door of a table."""
    frame = pd.DataFrame(
        {**ROW, "Result status": [of_row], **{f"{name} status": [own] for name in ("HGB", "ANC", "PLT")}}
    )
    for table in (frame, frame.drop(columns=["HGB status", "ANC status"])):
        table.to_csv(tmp_path / "in.csv", index=False)
        read = cbc.read(tmp_path / "in.csv")
        cbc.scan(tmp_path / "in.csv", tmp_path / "flags.parquet", force=True, received=True)
        answers = [
            cbc.screen_frame(table).iloc[0], cbc.screen_frame(read).iloc[0], cbc.explain(table, 0).flags(),
            cbc.read_flags(tmp_path / "flags.parquet").iloc[0], cbc.screen_again(tmp_path / "flags.parquet", 2).flags(),
        ]  # fmt: skip
        lines = {answer[f"{line}_line"] for answer in answers for line in ("red", "white", "platelet")}
        assert lines == {"cannot_tell"}


@pytest.mark.parametrize("word", ["F", "Final", "completed", "", None])
def test_a_row_that_is_final_is_used(word: str | None) -> None:
    assert row_told(**{"Result status": word}) == ("none", "none")


def test_a_status_of_an_analyte_stands_before_that_of_the_row_and_a_bare_status_is_declared() -> None:
    """Of the platelets the status is preliminary; "Status" may be that of a person."""
    flags = cbc.screen_frame(pd.DataFrame({**ROW, "PLT status": ["P"], "Result status": ["F"]}))
    assert (flags["platelet_line"][0], flags["red_line"][0]) == ("cannot_tell", "not_low")
    assert row_told(Status="inpatient") == ("none", "none")
    declared = cbc.screen_frame(pd.DataFrame({**ROW, "Status": ["P"]}), columns={"status": "Status"})
    assert declared["pattern"][0] == "cannot_tell"
    assert cbc.explain(pd.DataFrame({**ROW, "Result status": ["P"]}), 0).pattern.value == "cannot_tell"
    with pytest.raises(UsageError, match="--columns status="):
        row_told(**{"Result status": "F", "Order status": "F"})


@pytest.mark.parametrize("header", ["Reject reason", "Specimen condition", "Comment", "Probenqualität"])
@pytest.mark.parametrize(
    "words",
    ["rejected", "QNS", "insufficient", "sample rejected", "CANCELLED", "Entered in error", "ungültig", "test cancelled, redraw"],
)  # fmt: skip
def test_a_remark_by_which_the_row_is_taken_back(header: str, words: str) -> None:
    assert row_told(**{header: words}) == ("cannot_tell", "cannot_tell")


@pytest.mark.parametrize(
    "words", ["ok", "no clots", "slightly lipemic", "not rejected", "previously rejected, redrawn, now fine", ""]
)
def test_a_remark_that_takes_nothing_back(words: str) -> None:
    assert row_told(**{"Specimen condition": words}) == ("none", "none")


def test_a_condition_beside_single_results_is_read_too(tmp_path: Path) -> None:
    lines = ["patient_id,collected_at,test,result,unit,age,sex,specimen_condition"]
    for test, result, unit in (("Hemoglobin", 13, "g/dL"), ("ANC", 4, "10^9/L"), ("Platelets", 250, "10^9/L")):
        lines.append(f"1,2026-01-02,{test},{result},{unit},40,F,clotted")
    file = tmp_path / "long.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    summary = cbc.scan(file, tmp_path / "flags.csv", age_unit="y")
    assert summary.patterns["cannot_tell"] == summary.screened == 1


TAKEN_BACK = yaml.safe_load((Path(__file__).parent / "cases" / "taken_back.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("remark", TAKEN_BACK["taken_back"])
def test_a_remark_that_takes_its_result_back(remark: str) -> None:
    """Beside the platelets it makes them unknown, on the row every line."""
    assert row_told(**{"PLT comment": remark})[0] == "cannot_tell"
    assert row_told(Comment=remark) == ("cannot_tell", "cannot_tell")


@pytest.mark.parametrize("remark", TAKEN_BACK["stands"])
def test_a_remark_that_leaves_its_result_as_it_is(remark: str) -> None:
    assert row_told(**{"PLT comment": remark}) == row_told(Comment=remark) == ("none", "none")


# A reason for a rejection ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["Reject reason", "Rejection_Reason", "Cancellation reason", "Ablehnungsgrund", "Motivo de rechazo"]
)
@pytest.mark.parametrize("text", ["Leaking tube", "old", "7", "Not labelled", "see LIS", "RC"])
def test_whatever_stands_as_a_reason_for_a_rejection_takes_the_row_back(tmp_path: Path, header: str, text: str) -> None:
    """A row of a table of counts, a row beside each result, and a result of its own."""
    wide = pd.DataFrame({**WIDE, header: [text, None]})
    assert list(cbc.screen_frame(wide)["pattern"]) == ["cannot_tell", "none"]
    assert long_pattern(tmp_path, header, text) == "cannot_tell"
    own = LONG + f"{WHO}{header},{text},\n"
    assert pattern_of(tmp_path, own) == "cannot_tell"


@pytest.mark.parametrize("text", ["", "-", "none", "N/A", "No", "0", "0.0", "False", "Not rejected", "OK", "keine"])
def test_where_nothing_was_rejected_the_row_stands(tmp_path: Path, text: str) -> None:
    wide = pd.DataFrame({**WIDE, "Reject reason": [text, text]})
    assert list(cbc.screen_frame(wide)["pattern"]) == ["none", "none"]
    assert long_pattern(tmp_path, "Reject reason", text) == "none"
    assert pattern_of(tmp_path, LONG + f"{WHO}Reject reason,{text},\n") == "none"


@pytest.mark.parametrize("header", ["Reject reason", "Rejected", "PLT comment", "Comment", "Result status"])
@pytest.mark.parametrize("text", ["Leaking tube", "0.0", "1", "Sample clotted", "F"])
def test_a_row_alone_is_what_it_is_among_the_others(tmp_path: Path, header: str, text: str) -> None:
    """Explained, as a whole result, read and screened again, and from its cells as they were received."""
    frame = pd.DataFrame({**WIDE, header: [text, None]})
    frame.to_csv(tmp_path / "wide.csv", index=False)
    patterns = list(cbc.screen_frame(frame)["pattern"])
    assert [cbc.explain(frame, row).pattern for row in (0, 1)] == patterns
    assert [one.result.pattern for one in cbc.Screener().screen_each(str(tmp_path / "wide.csv")).counts] == patterns
    assert list(cbc.screen_frame(cbc.read(tmp_path / "wide.csv"))["pattern"]) == patterns
    cbc.scan(tmp_path / "wide.csv", tmp_path / "flags.parquet", received=True)
    command = ["explain", str(tmp_path / "flags.parquet"), "--row"]
    assert [CliRunner().invoke(main, [*command, row]).exit_code for row in ("2", "3")] == [0, 0]


@pytest.mark.parametrize(
    ("first", "second"), [("F", "Cancelled"), ("Cancelled", "F"), ("F", "P"), ("", "X"), ("X", ""), ("F", "F")]
)
@pytest.mark.parametrize(
    "headers", ["RESULT_STATUS,ORDER_STATUS", "ORDER_STATUS,RESULT_STATUS", "Status,Report status"]
)
def test_of_two_statuses_of_a_single_result_the_less_final_holds(
    tmp_path: Path, headers: str, first: str, second: str
) -> None:
    rows = "".join(f"{WHO}{','.join(one)},{first},{second}\n" for one in COUNTS)
    expected = "none" if {first, second} <= {"F", ""} else "cannot_tell"
    assert pattern_of(tmp_path, f"patient_id,collected_at,age,sex,test,result,unit,{headers}\n{rows}") == expected


def test_a_remark_and_a_reason_stand_side_by_side(tmp_path: Path) -> None:
    wide = pd.DataFrame({**WIDE, "Comment": ["fasting", "clotted"], "Reject reason": ["spilt", ""]})
    assert list(cbc.screen_frame(wide)["pattern"]) == ["cannot_tell", "cannot_tell"]


WIDE = {
    "age": ["40 y"] * 2, "sex": ["F"] * 2, "HGB (g/dL)": [13.5] * 2, "WBC (10^9/L)": [6] * 2, "ANC (10^9/L)": [4] * 2, "PLT (10^9/L)": [250] * 2
}  # fmt: skip
WHO = "p,2024-01-02,40 y,F,"
COUNTS = (
    ("Hemoglobin", "13.5", "g/dL"),
    ("WBC", "6", "10^9/L"),
    ("Neutrophils", "4", "10^9/L"),
    ("Platelets", "250", "10^9/L"),
)
LONG = "patient_id,collected_at,age,sex,test,result,unit\n" + "".join(f"{WHO}{','.join(one)}\n" for one in COUNTS)


def long_pattern(folder: Path, header: str, text: str) -> str:
    rows = "".join(f"{WHO}{','.join(one)},{text}\n" for one in COUNTS)
    return pattern_of(folder, f"patient_id,collected_at,age,sex,test,result,unit,{header}\n{rows}")


def pattern_of(folder: Path, content: str) -> str:
    (folder / "long.csv").write_text(content, encoding="utf-8")
    [pattern] = [name for name, many in cbc.scan(folder / "long.csv").patterns.items() if many]
    return pattern
