"""Counts of messages that are collected in columns, and those of which something is in doubt."""

from __future__ import annotations

import json
from pathlib import Path

from collected_files import cells_of, collected, in_columns


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
