"""The cases under tests/cases/history/: one count with the earlier ones of its person, through both doors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge

FOLDER = Path(__file__).resolve().parents[1] / "cases" / "history"
KEYS = {
    "name",
    "why",
    "person",
    "counts",
    "expect",
    "alone",
    "reasons",
    "shown",
    "not_shown",
    "open",
    "silent",
    "order",
    "unused",
}
UNITS = {"hemoglobin": "g/L", "neutrophils": "10^9/L", "wbc": "10^9/L", "platelets": "10^9/L"}
WOMAN = {"age": "40 y", "sex": "F"}
# Columns of `follow` that say what those of a scan say.
FLAGS = (
    "pattern",
    "severity",
    "urgency",
    "urgency_reasons",
    "checklist",
    "checklist_groups",
    "checklist_shown",
    "next_tests",
)


def read_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]:
            yield case["name"], case


CASES = dict(read_cases())


def rows_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for count in case["counts"]:
        row = {**case.get("person", WOMAN), **count}
        row["collected_at"] = row.pop("at", None)
        rows.append({name: None if cell is None else str(cell) for name, cell in row.items()})
    return rows


def frame_of(case: dict[str, Any]) -> pd.DataFrame:
    rows = rows_of(case)
    for row in rows:
        row["person"] = "p"
        for analyte, unit in UNITS.items():
            if analyte in row:
                row.setdefault(f"{analyte}_unit", unit)
    return pd.DataFrame(rows).astype("object")


def records_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    findings = load_knowledge().findings
    records = []
    for row in rows_of(case):
        record: dict[str, Any] = {"context": {name: row.pop(name) for name in list(row) if name in findings}}
        for analyte, unit in UNITS.items():
            if analyte in row:
                record[analyte] = f"{row.pop(analyte)} {row.pop(f'{analyte}_unit', unit)}".strip()
        records.append({**record, **row})
    return records


def answers(result: cbc.ScreeningResult) -> dict[str, str]:
    assert result.history is not None
    return {course.id: course.answer.value for course in result.history.courses}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    *earlier, record = records_of(case)
    alone = cbc.Screener().screen(record)
    result = cbc.Screener().screen(record, history=earlier)
    flags = result.flags()
    assert {column: flags[column] for column in case.get("expect", {})} == case.get("expect", {})
    assert {column: alone.flags()[column] for column in case.get("alone", {})} == case.get("alone", {})
    assert set(case.get("reasons", ())) <= set(str(flags["urgency_reasons"]).split(";"))
    if earlier:
        told = answers(result)
        for key, word in (("shown", "yes"), ("not_shown", "no"), ("open", "cannot_tell"), ("silent", None)):
            assert {course: told.get(course) for course in case.get(key, ())} == dict.fromkeys(case.get(key, ()), word)
        assert set(case.get("unused", ())) <= set(result.history.reasons)  # type: ignore[union-attr]
    if "order" in case:
        listed = str(flags["checklist"]).split(";")
        assert listed.index(case["order"]["first"]) < listed.index(case["order"]["then"])


def of_one_order(case: dict[str, Any]) -> bool:
    """Tell whether a frame has the order of a history: `unused` counts have none, and one without a time may be the last."""
    return "unused" not in case and all("at" in count for count in case["counts"])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if of_one_order(case)])
def test_a_frame_followed_says_the_same_of_the_last_count(name: str) -> None:
    case = CASES[name]
    *earlier, record = records_of(case)
    result = cbc.Screener().screen(record, history=earlier)
    person = cbc.follow(frame_of(case)).iloc[0]
    flags = result.flags()
    assert {flag: person[f"last_{flag}"] for flag in FLAGS} == {flag: flags[flag] for flag in FLAGS}
    assert person["last_row"] == len(case["counts"]) - 1
    if earlier:
        told = answers(result)
        assert set(filter(None, person["course"].split(";"))) == {own for own, word in told.items() if word == "yes"}
        open_ = {own for own, word in told.items() if word == "cannot_tell"}
        assert set(filter(None, person["course_cannot_tell"].split(";"))) == open_


def test_cases_are_well_formed_and_many() -> None:
    assert len(CASES) >= 25
    assert len(list(read_cases())) == len(CASES)
    for name, case in CASES.items():
        assert set(case) <= KEYS, name
        assert case["why"], name
