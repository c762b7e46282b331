"""Counts of messages that are collected in columns, and those of which something is in doubt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from collected_files import cells_of, collected, in_columns

from cbc_screen.collect import messages
from cbc_screen.normalize import collect as collecting


def feed(path: Path, *messages: tuple[str, str, list[str]]) -> Path:
    """Write messages of HL7 version 2: a person of the hospital H, when the sample was taken, and observations."""
    lines = []
    for number, (person, taken, observations) in enumerate(messages):
        lines += [f"MSH|^~\\&|L|L|E|E|20240102||ORU^R01|{number}|P|2.5.1", f"PID|1||{person}^^^H^MR"]
        lines += [f"OBR|1||F{number}|CBC^CBC^L|||{taken}", *observations]
    path.write_text("\r".join(lines) + "\r", encoding="utf-8")
    return path


HEMOGLOBIN = "OBX|1|NM|718-7^Hemoglobin^LN||9.1|g/dL|||||F"
PLATELETS = "OBX|2|NM|777-3^Platelets^LN||250|10*3/uL|||||F"
GLUCOSE = "OBX|3|NM|2345-7^Glucose^LN||90|mg/dL|||||F"


def test_final_results_of_a_person_and_moment_are_a_count_in_columns(tmp_path: Path) -> None:
    path = feed(tmp_path / "m.hl7", ("A", "20240102080000", [HEMOGLOBIN, PLATELETS]))
    with collected(path) as source:
        assert in_columns(source) == 1
        assert cells_of(source, "person", "hemoglobin", "platelets") == [("A^H", "9.1", "250")]


def test_a_count_has_its_segments_as_they_were_received(tmp_path: Path) -> None:
    path = feed(tmp_path / "m.hl7", ("A", "20240102080000", [HEMOGLOBIN, PLATELETS]))
    with collected(path) as source:
        (batch,) = source.batches(["hemoglobin"])
        assert json.loads(batch.content(0)) == [HEMOGLOBIN, PLATELETS]


def test_a_result_that_is_no_part_of_a_count_is_left_out(tmp_path: Path) -> None:
    path = feed(tmp_path / "m.hl7", ("A", "20240102080000", [HEMOGLOBIN, GLUCOSE]))
    with collected(path) as source:
        assert in_columns(source) == 1
        assert cells_of(source, "hemoglobin") == [("9.1",)]
        assert (source.result_counts.read, source.result_counts.not_count) == (2, 1)


def test_a_moment_that_is_no_day_goes_the_careful_way(tmp_path: Path) -> None:
    path = feed(
        tmp_path / "m.hl7", ("A", "202401", [HEMOGLOBIN, PLATELETS]), ("B", "20240102080000", [HEMOGLOBIN, PLATELETS])
    )
    with collected(path) as source:
        assert in_columns(source) == 1
        assert cells_of(source, "person") == [("A^H",), ("B^H",)]


def test_more_analytes_than_have_a_place_go_the_careful_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MOST_ANALYTES", 3)
    path = feed(tmp_path / "m.hl7", ("A", "20240102080000", [HEMOGLOBIN, PLATELETS]))
    with collected(path) as source:
        assert in_columns(source) is None
        assert cells_of(source, "hemoglobin", "platelets") == [("9.1", "250")]


def test_of_many_kinds_of_results_only_so_many_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And of waiting rows only so many wait."""
    monkeypatch.setattr(messages, "_REMEMBERED", 1)
    monkeypatch.setattr(messages, "CHUNK", 1)
    path = feed(
        tmp_path / "m.hl7",
        ("A", "20240102080000", [HEMOGLOBIN, PLATELETS, GLUCOSE]),
        ("B", "20240103080000", [HEMOGLOBIN, PLATELETS]),
    )
    with collected(path) as source:
        assert in_columns(source) == 2
        assert cells_of(source, "person", "hemoglobin", "platelets") == [("A^H", "9.1", "250"), ("B^H", "9.1", "250")]
        assert (source.result_counts.read, source.result_counts.not_count) == (5, 1)


def test_of_many_units_only_so_many_are_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "KINDS", 1)
    other = HEMOGLOBIN.replace("9.1|g/dL", "91|g/L")
    path = feed(tmp_path / "m.hl7", ("A", "20240102080000", [HEMOGLOBIN]), ("B", "20240103080000", [other]))
    with collected(path) as source:
        assert in_columns(source) == 2
        assert cells_of(source, "hemoglobin") == [("9.1",), ("91",)]
        assert (source.result_counts.read, source.result_counts.used) == (2, 2)


def test_a_result_in_doubt_behind_many_plain_ones_finds_their_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain results that meet one in doubt are placed a few at a time, and so are those that wait."""
    monkeypatch.setattr(collecting, "_AT_ONCE", 1)
    doubt = "OBX|3|ST|718-7^Hemoglobin^LN||see note|g/dL|||||C"
    path = feed(
        tmp_path / "m.hl7",
        ("A", "20240102080000", [HEMOGLOBIN, PLATELETS]),
        ("B", "20240103080000", [HEMOGLOBIN, PLATELETS]),
        ("A", "20240102080000", [doubt]),
        ("B", "20240103080000", [doubt]),
    )
    with collected(path) as source:
        assert cells_of(source, "person", "platelets") == [("A^H", "250"), ("B^H", "250")]
        assert source.result_counts.read == 6
