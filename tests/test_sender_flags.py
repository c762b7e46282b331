"""The sender's own flag is held against the value: it is a check, and changes no answer."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc

NORMAL = {"age": "40 y", "sex": "F", "hemoglobin": "13 g/dL", "neutrophils": "4 10^9/L"}


@pytest.mark.parametrize(
    ("value", "flag", "limits", "fired"),
    [
        (250, "LL", None, "sender_flags_low"),  # no laboratory calls 250 critical
        (250, "L", None, ""),  # low for a laboratory whose limits are not known
        (250, "L", (150, 400), "sender_flags_low"),
        (250, "L", (260, 400), ""),
        (500, "H", (150, 400), ""),
        (250, "H", (150, 400), "sender_flags_high"),
        (250, "HH", None, "sender_flags_high"),
        (100, "N", (150, 400), "sender_flags_normal"),
        (250, "N", (150, 400), ""),
        (100, "N", None, ""),
        (12, "LL", None, ""),
        (250, "A", (150, 400), ""),  # abnormal: neither low nor high is said
        ("<300", "LL", None, ""),  # may be low
    ],
)
def test_a_flag_against_the_value(value: float | str, flag: str, limits: tuple[int, int] | None, fired: str) -> None:
    platelets = {"value": value, "unit": "10^9/L", "flag": flag, **({"range": limits} if limits else {})}
    record = cbc.screen({**NORMAL, "platelets": platelets}).flags()
    plain = cbc.screen({**NORMAL, "platelets": {**platelets, "flag": None}}).flags()
    assert record["guards"] == fired
    assert {**record, "guards": ""} == {**plain, "guards": ""}
    lower, upper = limits or (None, None)
    frame = pd.DataFrame(
        [{"age": "40 y", "sex": "F", "HGB (g/dL)": "13", "ANC (10^9/L)": "4", "PLT (10^9/L)": str(value),
          "platelets flag": flag, "platelets lower": lower, "platelets upper": upper}]
    )  # fmt: skip
    assert str(cbc.screen_frame(frame)["guards"][0]) == fired


def test_a_flag_in_a_message_and_in_its_row_screened_again(tmp_path: Path) -> None:
    (tmp_path / "in.hl7").write_text(
        "MSH|^~\\&|LAB|X|R|Y|20240301120000||ORU^R01|M1|P|2.5.1\rPID|1||T1||||19700504|F\r"
        "OBR|1|A1|B1|58410-2^CBC^LN|||20240301090000\rOBX|1|NM|718-7^Hgb^LN||13.9|g/dL|11.7-15.5|N|||F\r"
        "OBX|2|NM|751-8^ANC^LN||4.0|10*3/uL|||||F\rOBX|3|NM|777-3^PLT^LN||250|10*3/uL|150-400|LL|||F\r",
        encoding="utf-8", newline="",
    )  # fmt: skip
    cbc.scan(tmp_path / "in.hl7", tmp_path / "flags.parquet", received=True)
    (row,) = cbc.read_flags(tmp_path / "flags.parquet").to_dict("records")
    assert row["guards"] == "sender_flags_low"
    again = cbc.screen_again(tmp_path / "flags.parquet", int(row["row"]))
    assert again.flags()["guards"] == "sender_flags_low"


def test_an_interpretation_of_an_observation(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(
        '{"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},'
        '"subject": {"reference": "Patient/1"}, "effectiveDateTime": "2024-01-02T08:00:00Z",'
        '"valueQuantity": {"value": 300, "unit": "10*3/uL", "system": "http://unitsofmeasure.org", "code": "10*3/uL"},'
        '"interpretation": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "LL"}]}]}',
        encoding="utf-8",
    )
    cbc.scan(tmp_path / "in.json", tmp_path / "flags.parquet")
    (row,) = cbc.read_flags(tmp_path / "flags.parquet").to_dict("records")
    # Age and sex are not known, and 300 lies within or above every range of platelets.
    assert row["guards"] == "sender_flags_low"


# A flag that is a remark --------------------------------------------------------------------------------------

TAKEN_BACK = ("Cancelled", "Invalid", "QNS", "do not report", "Clotted", "UNRELIABLE", "Specimen rejected")
OF_ALL = ("Wrong blood in tube", "Sample clotted", "wrong patient")  # said of all that was measured
NO_MORE = ("H", "L", "A", "*", "abnormal", "see note", "Hemolyzed", "R")  # a flag, or nothing that takes a result back


def doors(flag: str, folder: Path) -> list[tuple[str, str]]:
    """Send platelets of 250 with a flag through a record, a frame, a long table and a message: line and reasons."""
    record = cbc.screen({**NORMAL, "platelets": {"value": "250", "unit": "10^9/L", "flag": flag}}).flags()
    wide = pd.DataFrame(
        {"age": ["40 y"], "sex": ["F"], "HGB (g/dL)": [13.0], "NEUT# (10^9/L)": [4.0], "PLT (10^9/L)": [250.0], "PLT Flag": [flag]}
    )  # fmt: skip
    long = "patient_id,sex,age,test,result,flag,unit,collected\n"
    for test, value, unit, own in (
        ("HGB", "13", "g/dL", ""),
        ("ANC", "4", "10^9/L", ""),
        ("PLT", "250", "10^9/L", flag),
    ):
        long += f"1,F,40 y,{test},{value},{own},{unit},2026-03-01\n"
    (folder / "long.csv").write_text(long)
    message = [
        "MSH|^~\\&|A|B|C|D|20260301||ORU^R01|1|P|2.5",
        "PID|1||1||D^J||19850101|F",
        "OBR|1||A|CBC|||202603010930",
    ]
    message += [
        "OBX|1|NM|HGB||13|g/dL|||||F",
        "OBX|2|NM|ANC||4|10*3/uL|||||F",
        f"OBX|3|NM|PLT||250|10*3/uL||{flag}|||F",
    ]
    (folder / "one.hl7").write_text("\r".join(message))
    found = [record, cbc.screen_frame(wide).iloc[0]]
    for name in ("long.csv", "one.hl7"):
        out = folder / f"{name}.parquet"
        cbc.scan(folder / name, out, folder / f"{name}.rejects.csv", force=True)
        found.append(cbc.read_flags(out).iloc[0])
    return [(str(one["platelet_line"]), str(one["reasons"])) for one in found]


@pytest.mark.parametrize("flag", TAKEN_BACK)
def test_a_flag_that_takes_a_result_back_does_so_through_every_door(flag: str, tmp_path: Path) -> None:
    assert doors(flag, tmp_path) == [("cannot_tell", "platelets:SPECIMEN_SUSPECT")] * 4


@pytest.mark.parametrize("flag", OF_ALL)
def test_a_flag_that_is_said_of_the_sample_takes_back_all_through_every_door(flag: str, tmp_path: Path) -> None:
    every = ";".join(f"{name}:SPECIMEN_SUSPECT" for name in ("hemoglobin", "neutrophils", "platelets"))
    assert doors(flag, tmp_path) == [("cannot_tell", every)] * 4


@pytest.mark.parametrize("flag", NO_MORE)
def test_any_other_flag_leaves_the_result_as_it_is(flag: str, tmp_path: Path) -> None:
    assert doors(flag, tmp_path) == [("not_low", "")] * 4


def test_a_flag_of_clumps_is_a_remark_on_clumps() -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "PLT (10^9/L)": [50.0], "PLT Flag": ["Clumps"]})
    flags = cbc.screen(
        {"age": "40 y", "sex": "F", "platelets": {"value": "50", "unit": "10^9/L", "flag": "Clumps"}}
    ).flags()
    for own in (flags, cbc.screen_frame(frame).iloc[0]):
        assert "platelet_clumps" in own["guards"].split(";")
