"""Every file of the field material comes out as its right answer says, with no option or those its owner may give.

The files lie outside the repository (`CBC_SCREEN_SHARED`); a list of answers is the beginning of what a file holds.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cbc_screen.cli import main
from places import SHARED

FIELD = SHARED / "field"
LINES = ("red_line", "white_line", "platelet_line")
# The owner's options in expected.yaml do not say in what unit the counts are, and nothing guesses one.
UNITS_TO_DECLARE = {
    "exports/pt_hemograma.csv": ["--units", "per_ul", "--thousands", ".", "--decimal", ",", "--age-unit", "y"],
    "exports/astm_horiba_pentra_framed.txt": ["--units", "us"],
}


def cases() -> list[dict[str, Any]]:
    path = FIELD / "expected.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []


def scanned(name: str, options: Sequence[str], folder: Path) -> tuple[int, str, list[dict[str, str]] | None]:
    """Return the exit code, what was said, and the flags."""
    out, rejects = folder / "flags.csv", folder / "rejects.csv"
    given = [str(FIELD / option) if (FIELD / option).is_file() else option for option in options]
    command = ["scan", str(FIELD / name), "-o", str(out), "--rejects", str(rejects), "--force", *given]
    result = CliRunner().invoke(main, command)
    if not out.exists():
        return result.exit_code, result.output, None
    with out.open(encoding="utf-8", newline="") as file:
        return result.exit_code, result.output, list(csv.DictReader(file))


def faults(wanted: Mapping[str, Any], row: Mapping[str, str]) -> list[str]:
    """Return what of one row is not as it must be."""
    found = []
    for column, value in wanted.items():
        cell, rule = row[column], value if isinstance(value, dict) else {"one_of": [value]}
        wrong = (
            ("one_of" in rule and cell not in rule["one_of"])
            or ("not" in rule and cell == rule["not"])
            or ("has" in rule and not (cell if rule["has"] == "a reason" else rule["has"] in cell))
            or ("lacks" in rule and rule["lacks"] in cell)
        )
        if wrong:
            found.append(f"{column}: {cell} ({row['reasons']})")
    return found


def judged(case: Mapping[str, Any], rows: list[dict[str, str]] | None, said: str) -> list[str]:
    """Return what of a file is not as it must be."""
    counts = case["counts"]
    if isinstance(counts, str):
        if counts.startswith("read, or refused"):
            return [] if rows is not None or said.count("\n") == 1 else [said]
        return [] if rows == [] else ["something of no person was screened"]
    if rows is None:
        return [said]
    if len(rows) < len(counts):
        return [f"{len(rows)} rows"]
    found = []
    for wanted, row in zip(counts, rows, strict=False):
        if isinstance(wanted, str):
            found += [] if any(row[line] != "cannot_tell" for line in LINES) else [f"no line judged: {row['reasons']}"]
        else:
            found += faults(wanted, row)
    return found


@pytest.mark.parametrize("case", [pytest.param(case, id=case["file"]) for case in cases()])
def test_a_file_of_the_field(case: dict[str, Any], tmp_path: Path) -> None:
    name = case["file"]
    owners = UNITS_TO_DECLARE.get(name, case.get("options_an_owner_may_give", []))
    tries = [[], owners] if owners else [case.get("options", [])]
    found: list[str] = []
    for options in tries:
        code, said, rows = scanned(name, options, tmp_path)
        assert code in (0, 2, 3), said
        assert "Traceback" not in said
        found = judged(case, rows, said)
        if not found:
            return
    raise AssertionError("; ".join(found))


def test_the_field_has_its_files(shared: Path) -> None:
    assert len(cases()) == 68
    assert all((shared / "field" / case["file"]).is_file() for case in cases())
