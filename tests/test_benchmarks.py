"""The plans of benchmarks/ answer as the kernel does, or their times mean nothing."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import cbc_screen

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("compare")


def test_the_plans_agree_with_the_kernel_and_the_frame_on_every_output(compare: ModuleType) -> None:
    assert compare.installed("polars"), "polars is part of the extra `test`"
    # `compare.py --check` takes full counts through every plan; their rules are those of the rows at every limit.
    assert compare.check(2000, also_easy=["polars", "polars, by hand"]) == []


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


@pytest.fixture
def against(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("against")


def test_a_side_that_takes_half_the_time_is_twice_as_fast(against: ModuleType) -> None:
    assert against.ratios(new=[1.0, 2.0, 1.0], old=[2.0, 2.0, 3.0]) == (2.0, 1.0, 3.0)


def test_the_worker_of_two_versions_does_each_kind_of_work_that_is_asked_for(
    against: ModuleType, tmp_path: Path
) -> None:
    workloads = importlib.import_module("workloads")
    for name in ("scan", "hospital"):
        (tmp_path / name).mkdir()
        workloads.write_files(tmp_path / name, workloads.export(300))
    message_files = importlib.import_module("message_files")
    (tmp_path / "messages" / "bundles").mkdir(parents=True)
    message_files.write_hl7(tmp_path / "messages" / "feed.hl7", 8)
    message_files.write_fhir_lines(tmp_path / "messages" / "bulk.ndjson", 60)
    message_files.write_fhir_bundles(tmp_path / "messages" / "bundles", 2, 2, 3)
    sizes = {"kernel": 300, "records": 40, "scan": 300}
    done = subprocess.run(
        [sys.executable, str(against.WORKER), str(tmp_path), json.dumps(sizes)],
        input="\n".join(against.KINDS), capture_output=True, text=True, check=True,
    )  # fmt: skip
    said, *times = map(json.loads, done.stdout.splitlines())
    assert said["version"] == cbc_screen.__version__
    assert len(times) == len(against.KINDS)
    assert all(clock > 0 for clock, _ in times)
