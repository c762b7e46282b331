"""The plans of benchmarks/ answer as the kernel does, or their times mean nothing."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("compare")


def test_the_plans_agree_with_the_kernel_and_the_frame_on_every_output(compare: ModuleType) -> None:
    assert compare.installed("polars"), "polars is part of the extra `test`"
    assert compare.check(2000) == []


def test_the_check_names_a_rule_that_a_plan_has_wrong(compare: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    rulebook = importlib.import_module("rulebook")
    right = rulebook.RuleBook.compare

    def wrong(book: object, sign: str, a: object, b: object) -> object:
        return right(book, "<=" if sign == "<" else sign, a, b)

    monkeypatch.setattr(rulebook.RuleBook, "compare", wrong)
    monkeypatch.setattr(compare, "PLANS", {"pandas, merge_asof": ("pandas", {})})
    found = compare.check(2000)
    assert any("state.hemoglobin" in text for text in found)
    assert any("screen_frame review_triggers" in text for text in found)
