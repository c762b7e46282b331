"""Kinds of HL7 messages that carry results: sent unasked, asked for, and with the specimen before its orders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main

PID = "PID|1||900^^^H||X||19700102|F"
QRD = "QRD|20240103|R|I|Q1|||10^RD|900^X|RES"
ORDER = "OBR|1||1|CBC|||20240102"
COUNT = (
    "OBX|1|NM|718-7^Hb^LN||70|g/L|||||F", "OBX|2|NM|6690-2^WBC^LN||1.1|10*9/L|||||F", "OBX|3|NM|777-3^Plt^LN||9|10*9/L|||||F",
    "OBX|4|NM|751-8^Neut^LN||0.3|10*9/L|||||F",
)  # fmt: skip


def header(kind: str, number: int = 1) -> str:
    return f"MSH|^~\\&|L|H|||20240103||{kind}|{number}|P|2.5"


def flags(folder: Path, *segments: str) -> tuple[cbc.ScanSummary, list[dict[str, Any]]]:
    (folder / "a.hl7").write_text("\r".join(segments) + "\r", encoding="utf-8")
    summary = cbc.scan(folder / "a.hl7", folder / "flags.ndjson", force=True, keep=["person"])
    return summary, [json.loads(line) for line in (folder / "flags.ndjson").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    "segments",
    [
        (header("ORU^R01"), PID, ORDER, *COUNT),
        (header("ORF^R04"), "MSA|AA|Q1", QRD, PID, ORDER, *COUNT),
        (header("ORF^R04^ORF_R04"), "MSA|AA|Q1", QRD, "QRF|LAB", PID, "ORC|RE|1|1", ORDER, *COUNT),
        (header("OUL^R21"), PID, ORDER, *COUNT),
        (header("OUL^R22^OUL_R22"), PID, "SPM|1|S1||BLD|||||||||||||20240102", "OBR|1||1|CBC", "ORC|OK|1|1", *COUNT),
        (header("OUL^R22"), PID, "SPM|1|S1||BLD|||||||||||||20240102", "OBR|1||1|CBC", *COUNT[:3], "OBR|2||2|DIFF", COUNT[3]),
        (header("OUL^R23"), PID, "SPM|1|S1||BLD", ORDER, *COUNT),
        (header("OUL^R24"), PID, ORDER, *COUNT),
    ],
)  # fmt: skip
def test_a_count_in_any_kind_of_message_of_results(tmp_path: Path, segments: tuple[str, ...]) -> None:
    summary, (row,) = flags(tmp_path, *segments)
    assert (row["pattern"], row["person"]) == ("pancytopenia", "900^H")
    assert (summary.results["used"], summary.results["without_results"]) == (4, {})
    assert "age:" not in row["reasons"]


def test_an_answer_without_a_person_is_about_the_one_who_was_asked_for(tmp_path: Path) -> None:
    _, (row,) = flags(tmp_path, header("ORF^R04"), QRD, ORDER, *COUNT)
    assert (row["person"], row["pattern"]) == ("900", "pancytopenia")
    two = QRD.replace("900^X", "900^X~901^Y")
    _, (nobody,) = flags(tmp_path, header("ORF^R04"), two, ORDER, *COUNT)
    assert nobody["person"] == ""


def test_the_same_results_asked_for_again_are_duplicates(tmp_path: Path) -> None:
    summary, (row,) = flags(
        tmp_path, header("ORU^R01"), PID, ORDER, *COUNT, header("ORF^R04", 2), QRD, PID, ORDER, *COUNT
    )
    assert (row["pattern"], summary.results["used"], summary.results["duplicates"]) == ("pancytopenia", 4, 4)


def test_specimens_before_their_orders_are_not_that_of_the_order_before(tmp_path: Path) -> None:
    urine = ("SPM|1|S1||UR^Urine", "OBR|1||1|URINE", "OBX|1|NM|WBC^WBC^L||900|10*9/L|||||F")
    blood = ("SPM|2|S2||BLD^Blood", ORDER.replace("||1|", "||2|"), *COUNT)
    summary, (row,) = flags(tmp_path, header("OUL^R22"), PID, *urine, *blood)
    assert (row["pattern"], summary.results["used"]) == ("pancytopenia", 4)


@pytest.mark.parametrize("kind", ["ORM^O01", "OML^O21", "QRY^R02", "ORF^R02", "OUL^R99", "ADT^A08"])
def test_orders_and_queries_are_counted_by_kind_and_not_read(tmp_path: Path, kind: str) -> None:
    summary, rows = flags(tmp_path, header(kind), PID, ORDER, *COUNT)
    assert (rows, dict(summary.results["without_results"])) == ([], {kind: 1})
    done = CliRunner().invoke(main, ["scan", str(tmp_path / "a.hl7")])
    assert kind in done.output


def test_a_name_of_which_bytes_were_lost_is_set_aside_and_not_dropped(tmp_path: Path) -> None:
    name = "Hämoglobin".encode("latin-1")
    message = "\r".join([header("ORU^R01"), PID, ORDER, "OBX|1|NM|HB^NAME^L||70|g/L|||||F", COUNT[2]]).encode()
    (tmp_path / "a.hl7").write_bytes(message.replace(b"HB^NAME", b"^" + name))
    summary = cbc.scan(tmp_path / "a.hl7", tmp_path / "flags.csv", tmp_path / "rejects.csv")
    assert summary.results["rejected"] == {"ENCODING": 1}
    assert "ENCODING" in (tmp_path / "rejects.csv").read_text(encoding="utf-8")
    declared = cbc.scan(tmp_path / "a.hl7", encoding="latin-1")
    assert declared.results["rejected"] == {}
