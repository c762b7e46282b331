"""What a result beside the count says of the film or the person is said only while it stands.

Unknown never becomes "not seen", and a result taken back tells nothing of the person.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import cbc_screen as cbc

HEADER = ["PatientID", "DOB", "Sex", "Collected", "Test", "Result", "Units", "Status", "Comment"]
COUNTS = [("Hemoglobin", "80", "g/L"), ("Platelets", "40", "10^9/L")]


def finding_of(tmp_path: Path, finding: str, said: list[tuple[str, str, str]], remark: str = "") -> dict[str, str]:
    person = ["7", "1984-01-01", "F", "2024-03-01"]
    rows = [[*person, *count, "F", remark if count[0] == "Platelets" else ""] for count in COUNTS]
    rows += [[*person, finding, value, "", status, comment] for value, status, comment in said]
    with (path := tmp_path / "long.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    cbc.scan(path, tmp_path / "flags.csv", force=True)
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        (flags,) = csv.DictReader(file)
    return {name: flags[name] for name in flags if name not in ("source_row", "received")}


@pytest.mark.parametrize("finding", ["Schistocytes", "blasts_on_film", "Platelet clumps"])
@pytest.mark.parametrize("value", ["absent", "none seen"])
@pytest.mark.parametrize(
    ("status", "comment"), [("X", ""), ("D", ""), ("P", ""), ("I", ""), ("O", ""), ("F", "wrong patient")]
)
def test_not_seen_is_unknown_where_the_result_does_not_stand(
    finding: str, value: str, status: str, comment: str, tmp_path: Path
) -> None:
    silent = finding_of(tmp_path, finding, [])
    assert finding_of(tmp_path, finding, [(value, status, comment)]) == silent


@pytest.mark.parametrize("status", ["F", "C", "A"])
def test_not_seen_is_told_where_the_result_stands(status: str, tmp_path: Path) -> None:
    assert finding_of(tmp_path, "Schistocytes", [("absent", status, "")]) != finding_of(tmp_path, "Schistocytes", [])


@pytest.mark.parametrize("said", [[], [("absent", "F", "")], [("absent", "X", "")], [("present", "F", "")]])
def test_clumps_that_a_remark_has_seen_are_seen_whatever_the_film_says(
    said: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    flags = finding_of(tmp_path, "Platelet clumps", said, remark="platelet clumps present")
    assert "platelet_clumps" in flags["guards"].split(";")


@pytest.mark.parametrize("said", [[], [("absent", "F", "")]])
def test_clumps_that_nobody_saw_are_no_guard(said: list[tuple[str, str, str]], tmp_path: Path) -> None:
    assert "platelet_clumps" not in finding_of(tmp_path, "Platelet clumps", said)["guards"]


PREGNANCY = ("82810-3", "11449-6")
# A result of the person, by its LOINC code, its value and its unit.
ABOUT = [
    ("82810-3", "pregnant", ""),  # pregnancy status
    ("11449-6", "T2", ""),
    ("46098-0", "F", ""),  # sex
    ("21112-8", "1984-01-01", ""),  # birth date
    ("30525-0", "30", "a"),  # age
]


def told_of(tmp_path: Path, *results: list[str]) -> dict[str, str]:
    header = ["PatientID", "Collected", "LOINC", "Result", "Units", "Status", "Comment"]
    rows = [["7", "2024-03-01", *result] for result in (["718-7", "112", "g/L", "F", ""], *results)]
    with (path := tmp_path / "long.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    cbc.scan(path, tmp_path / "flags.csv", force=True)
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        (flags,) = csv.DictReader(file)
    return {name: flags[name] for name in flags if name not in ("source_row", "received")}


@pytest.mark.parametrize(("code", "value", "unit"), ABOUT)
def test_what_a_result_tells_of_the_person_is_told_while_it_stands(
    code: str, value: str, unit: str, tmp_path: Path
) -> None:
    silent = told_of(tmp_path)
    assert told_of(tmp_path, [code, value, unit, "F", ""])["reasons"] != silent["reasons"]
    for status, comment in [("X", ""), ("D", ""), ("P", ""), ("F", "wrong patient")]:
        told = told_of(tmp_path, [code, value, unit, status, comment])
        if code in PREGNANCY and status in ("X", "P"):  # a pregnancy that was asked about and is open is not none
            assert told["reasons"] == f"{silent['reasons']};pregnancy:PREGNANCY_UNKNOWN"
        else:
            assert told == silent, (status, comment)
