"""The table of hazards: every control is a file that is there, and every test one that would fail."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
sys.path.insert(0, str(ROOT / "tools"))

import write_hazards  # noqa: E402

HAZARDS = write_hazards.hazards()
IDS = [str(one["id"]) for one in HAZARDS]
KEYS = {"id", "hazard", "cause", "control", "files", "tests"}


@cache
def asserting(path: Path) -> frozenset[str]:
    """Return the test functions of a file that assert something, and are not skipped."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = " ".join(ast.unparse(mark) for mark in node.decorator_list)
            body = list(ast.walk(node))
            asserts = any(isinstance(part, ast.Assert | ast.Raise) for part in body)
            asks = any(isinstance(part, ast.Call) for part in body)  # a helper asserts, or an error is expected
            if (asserts or asks) and "mark.skip" not in marks and "mark.xfail" not in marks:
                found.add(node.name)
    return frozenset(found)


def missing(one: dict[str, Any]) -> list[str]:
    """Return what a hazard names and is not there."""
    found = [name for name in one["files"] if not (ROOT / name).is_file()]
    for name in one["tests"]:
        file, _, function = name.partition("::")
        if not (TESTS / file).is_file() or function not in asserting(TESTS / file):
            found.append(name)
    return found


@pytest.mark.parametrize("one", HAZARDS, ids=IDS)
def test_every_control_and_every_test_is_there(one: dict[str, Any]) -> None:
    assert missing(one) == []


@pytest.mark.parametrize("one", HAZARDS, ids=IDS)
def test_a_hazard_says_what_by_what_and_what_stands_against_it(one: dict[str, Any]) -> None:
    assert set(one) == KEYS
    assert all(one[key] for key in KEYS)
    assert "|" not in f"{one['hazard']}{one['cause']}{one['control']}"


def test_hazards_are_told_once() -> None:
    assert len(IDS) == len(set(IDS)) >= 20
    causes = [one["cause"] for one in HAZARDS]
    assert len(causes) == len(set(causes))


def test_a_name_that_is_not_there_is_found() -> None:
    one = {
        "files": ["src/cbc_screen/gone.py", "CHANGELOG.md"],
        "tests": ["test_cases.py::test_gone", "test_gone.py::test_x"],
    }
    assert missing(one) == ["src/cbc_screen/gone.py", "test_cases.py::test_gone", "test_gone.py::test_x"]


def test_the_page_is_what_the_data_say() -> None:
    """Stale? Run python tools/write_hazards.py."""
    assert write_hazards.PAGE.read_text(encoding="utf-8") == write_hazards.page()
