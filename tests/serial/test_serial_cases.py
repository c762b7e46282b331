"""The cases under tests/cases/serial/, which a clinician can read and correct without Python."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import cbc_screen as cbc

FOLDER = Path(__file__).resolve().parents[1] / "cases" / "serial"
KEYS = {"name", "why", "person", "counts", "expect", "contains", "lacks", "changes", "checks"}
UNITS = {"hemoglobin": "g/L", "neutrophils": "10^9/L", "wbc": "10^9/L", "platelets": "10^9/L", "mcv": "fL"}
WOMAN = {"age": "40 y", "sex": "F"}


def read_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]:
            yield f"{path.stem}: {case['name']}", case


CASES = dict(read_cases())


def frame_of(case: dict[str, Any]) -> pd.DataFrame:
    """Return the counts of a case as one frame; a person's fields stand in each row unless the row says otherwise."""
    rows = []
    for count in case["counts"]:
        row = {"person": "p", **case.get("person", WOMAN), **count}
        row["collected_at"] = row.pop("at", None)
        for analyte, unit in UNITS.items():
            if analyte in row:
                row.setdefault(f"{analyte}_unit", unit)
        rows.append({name: None if cell is None else str(cell) for name, cell in row.items()})
    return pd.DataFrame(rows).astype("object")


def plain(cell: object) -> object:
    if isinstance(cell, datetime.date | str | bool):
        return cell
    if cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return None
    return round(float(cell), 3)  # type: ignore[arg-type]


def items(cell: object) -> set[str]:
    return set(str(cell).split(";"))


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    frame = frame_of(case)
    person = cbc.follow(frame).iloc[0]
    expected = case.get("expect", {})
    assert {column: plain(person[column]) for column in expected} == expected
    for column, wanted in case.get("contains", {}).items():
        assert set(wanted) <= items(person[column]), column
    for column, unwanted in case.get("lacks", {}).items():
        assert not set(unwanted) & items(person[column]), column
    if "changes" in case or "checks" in case:
        rows = cbc.follow(frame, each_count=True)
        for analyte, words in case.get("changes", {}).items():
            assert list(rows[f"{analyte}_change"]) == words
        if "checks" in case:
            assert list(rows["identity_checks"]) == case["checks"]


def test_cases_are_well_formed_and_many() -> None:
    assert len(CASES) >= 60
    assert len(list(read_cases())) == len(CASES)
    for name, case in CASES.items():
        assert set(case) <= KEYS, name
        assert case["why"], name
        assert {"expect", "contains", "lacks", "changes", "checks"} & set(case), name
