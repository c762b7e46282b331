"""The cases under tests/cases/, which a clinician can read and correct without Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import cbc_screen as cbc

FOLDER = Path(__file__).parent / "cases"
KEYS = {"name", "why", "screener", "record", "expect", "contains", "lacks", "not", "criteria", "kind", "source"}
# What stands in the checklist only, and not in its flag columns.
LISTED = {"first", "finds", "shown", "not_first", "not_supported", "not_less_likely", "no_finding"}
# What a row of a frame cannot carry: the other door takes the rest of the cases.
RECORD_ONLY = {"film", "context"}


def read_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")).get("cases", ()):  # files are test_red_files.py's
            yield f"{path.stem}: {case['name']}", case


CASES = dict(read_cases())
NAMES = list(CASES)


@cache
def make_screener(options: str) -> cbc.Screener:
    return cbc.Screener(**json.loads(options))


def screener_of(case: dict[str, Any]) -> cbc.Screener:
    """Make one screener for equal options, lists and mappings among them."""
    return make_screener(json.dumps(case.get("screener", {})))


def items(flags: dict[str, Any], column: str) -> list[str]:
    return [word for word in str(flags[column]).split(";") if word]


def check(case: dict[str, Any], flags: dict[str, Any]) -> None:
    found = {column: flags[column] for column in case.get("expect", {})}
    assert found == case.get("expect", {})
    for column, wanted in case.get("contains", {}).items():
        assert set(wanted) <= set(items(flags, column)), column
    for column, unwanted in case.get("lacks", {}).items():
        assert not set(unwanted) & set(items(flags, column)), column
    for column, wrong in case.get("not", {}).items():
        assert flags[column] != wrong, column


def test_cases_are_well_formed() -> None:
    """Names are unique, every case says why and expects something, and there are enough of them."""
    listed = [name for name, _ in read_cases()]
    assert len(listed) == len(set(listed))
    assert len(listed) >= 80
    for name, case in CASES.items():
        assert set(case) <= KEYS | LISTED, name
        assert case["why"], name
        assert ("kind" in case) == ("source" in case), name
        assert any(case.get(key) for key in ("expect", "contains", "lacks", "not", "criteria", "first", "finds")), name


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str) -> None:
    case = CASES[name]
    result = screener_of(case).screen(case["record"])
    check(case, result.flags())
    for item, answer in case.get("criteria", {}).items():
        assert getattr(result.blood_criteria, item) == answer, item
    if LISTED & set(case):
        check_list(case, result)


def check_list(case: dict[str, Any], result: cbc.ScreeningResult) -> None:
    """Check the entries of the checklist, whose support and findings are in no flag column."""
    support = {entry.id: entry.support.value for entry in result.checklist}
    first = next(iter(support), "")
    assert first == case.get("first", first)
    assert first not in case.get("not_first", ())
    found = {entry.id: {one.id for one in entry.findings_for} for entry in result.checklist}
    for name, wanted in case.get("finds", {}).items():
        assert set(wanted) <= found[name], name
    assert set(case.get("shown", ())) <= set(list(support)[: result.checklist_shown])  # before the fold
    for name in case.get("not_supported", ()):
        assert support.get(name) != "supported", name
    for name in case.get("not_less_likely", ()):
        assert support[name] != "less_likely", name
    texts = " ".join(found.text for entry in result.checklist for found in entry.findings_for).lower()
    for word in case.get("no_finding", ()):
        assert word not in texts, word


def as_row(record: dict[str, Any]) -> dict[str, Any] | None:
    """Put a record in one row of a frame, or return None where a row cannot hold it."""
    row: dict[str, Any] = {}
    for field, value in record.items():
        if field in RECORD_ONLY or (isinstance(value, dict) and set(value) - {"value", "unit"}):
            return None
        if isinstance(value, dict):
            row[field], row[f"{field}_unit"] = value["value"], value.get("unit")
        else:
            row[field] = value
    return row


ROWS = {name: row for name, case in CASES.items() if (row := as_row(case["record"])) is not None}
ANALYTES = {"hemoglobin", "hematocrit", "wbc", "neutrophils", "platelets"}


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if ANALYTES & set(row)])
def test_case_as_one_row(name: str) -> None:
    """The same case as a frame of one row gives every flag of the record, not just the expected ones."""
    case = CASES[name]
    screener = screener_of(case)
    flags = screener.screen_frame(pd.DataFrame([ROWS[name]])).iloc[0].to_dict()
    plain = {column: None if pd.isna(value) else value for column, value in flags.items()}
    check(case, plain)
    assert plain == screener.screen(case["record"]).flags()


@pytest.mark.parametrize("dtype", ["object", "string"])
def test_cases_as_one_frame(dtype: str) -> None:
    """All cases of the default screener together, as text columns: no row disturbs another."""
    chosen = {
        n: r
        for n, r in ROWS.items()
        if not CASES[n].get("screener") and not any(isinstance(v, bool) for v in r.values())
    }
    frame = pd.DataFrame(list(chosen.values())).map(lambda v: None if pd.isna(v) else str(v)).astype(dtype)
    flags = cbc.screen_frame(frame)
    assert len(flags) == len(chosen) >= 80
    for place, name in enumerate(chosen):
        row = {column: None if pd.isna(value) else value for column, value in flags.iloc[place].to_dict().items()}
        assert row == cbc.screen(CASES[name]["record"]).flags(), name
