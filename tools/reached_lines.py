"""Note which test reaches which line of the rooms that decide, for tools/mutants.py: a mutant is tried by those that reach it.

    python tools/reached_lines.py --state /tmp/mutants --within 60    # again with the same --state: goes on from where it was

Each file of tests runs apart, without what is kept of the lowered screen. Kept of each line: the tests that reach it, whether it
runs before the first test (with an import, or while tests are collected), and whether it runs once a process: the first test
of every function runs twice, and what only its first time reaches is done once for all that follow. What was noted holds for the
content of the file of tests; a line of the code that has moved since is found again by its text.
"""

from __future__ import annotations

import argparse
import difflib
import gzip
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from branch_coverage import ROOMS, TESTS, run_apart  # noqa: E402

# Beside the fewest that reach everything: those that look most closely at what is decided.
MORE = (
    "test_ceilings.py", "test_grade_boundaries.py", "test_long_tables.py", "properties/test_metamorphic.py", "properties/test_oracle.py",
    "knowledge/test_likelihoods.py", "knowledge/test_loinc.py", "knowledge/test_fold.py", "test_scores.py", "test_grade_daids.py",
    "test_film_results.py", "test_words.py", "test_encodings.py", "serial/test_serial_cases.py",
    "serial/test_vectors.py", "test_explain.py", "test_messages.py", "test_messages_in_columns.py",
    "test_published_sets.py", "test_published_cases.py", "test_series_ratios.py", "test_spellings.py", "test_sex_letters.py", "test_default_set.py",
    "test_report_forms.py", "test_likelihood_ratios.py", "test_far_days.py", "serial/test_serial_edges.py", "serial/test_history.py",
    "serial/test_trend_characteristics.py", "verify_ranges/test_local_inputs.py", "verify_ranges/test_verdicts.py",
    "verify_ranges/test_tolerance.py", "properties/test_exact_products.py", "properties/test_believed.py",
    "properties/test_parts_of_neutrophils.py", "test_passes.py", "test_fhir_out.py", "properties/test_several_keys.py", "properties/test_no_other_specimen.py",
    "test_ages_and_days_as_written.py", "test_what_is_said_of_a_person.py", "test_what_texts_beside_results_tell.py",
    "test_a_record_in_numbers.py", "test_bounds_and_counts_of_collecting.py", "test_names_and_columns_of_tables.py",
    "test_remarks_of_clumps.py",
)  # fmt: skip
# Of parts of these rooms: every file.
FOLDERS = ("kernel_parts", "collect_parts", "knowledge")
MARKS = "not outside and not parts"
OPTIONS = ("-p", "no:xdist", "-p", "no:cacheprovider", "-o", "addopts=", "-q", "--no-header", "--no-summary", "-s")
_TWICE = 2.0  # seconds of a test that runs a second time


def test_files() -> list[str]:
    """Return the files of tests by which mutants are tried."""
    of_parts = {f"{folder}/{path.name}" for folder in FOLDERS for path in (ROOT / "tests" / folder).glob("test_*.py")}
    return [f"tests/{name}" for name in sorted({*TESTS, *MORE, *of_parts}) if (ROOT / "tests" / name).is_file()]


def short(content: bytes) -> str:
    """Return a name for a content."""
    return hashlib.sha256(content).hexdigest()[:16]


@dataclass
class File:
    """What is known of a file of the code: by line the tests that reach it, as a number with a bit for each; what runs before all, or once."""

    tests: dict[int, int] = field(default_factory=dict)
    before: set[int] = field(default_factory=set)
    once: set[int] = field(default_factory=set)


@dataclass
class Notes:
    """What has been noted of all files of tests."""

    names: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)

    def add(self, told: dict[str, Any], state: Path) -> None:
        """Add what was noted of one file of tests."""
        first = len(self.names)
        self.names += told["tests"]
        self.seconds += told["seconds"]
        for name, of in told["files"].items():
            if not (ROOT / name).is_file():
                continue
            file, moved = self.files.setdefault(name, File()), _moved(name, of["text"], state)
            for line, mask in of["tests"].items():
                if (now := moved(int(line))) is not None:
                    file.tests[now] = file.tests.get(now, 0) | int(mask, 16) << first
            for kept, lines in ((file.before, of["before"]), (file.once, of["once"])):
                kept.update(now for line in lines if (now := moved(line)) is not None)

    def tests(self, mask: int) -> list[int]:
        """Return the tests whose bits are set."""
        return [place for place in range(mask.bit_length()) if mask >> place & 1]


def load(state: Path) -> Notes:
    """Read what has been noted of the files of tests as they are."""
    notes = Notes()
    for test in test_files():
        path = name_of(test, state)
        if path.exists():
            notes.add(json.loads(gzip.decompress(path.read_bytes())), state)
    return notes


@lru_cache(maxsize=1024)
def _moved(name: str, text: str, state: Path) -> Callable[[int], int | None]:
    """Return what tells where a line of an earlier text is now; None of one that is gone."""
    now = (ROOT / name).read_bytes()
    if short(now) == text:
        return lambda line: line
    before = (state / "texts" / text).read_text(encoding="utf-8").splitlines()
    same = difflib.SequenceMatcher(None, before, now.decode().splitlines(), autojunk=False)
    moved = {
        block.a + place + 1: block.b + place + 1 for block in same.get_matching_blocks() for place in range(block.size)
    }
    return moved.get


class _Notes:
    """Told by pytest which test runs; tells coverage."""

    def __init__(self, coverage: Any) -> None:
        self.coverage, self.seconds, self.failed = coverage, dict[str, float](), set[str]()
        self.functions, self.twice = set[str](), set[str]()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        self.coverage.switch_context(item.nodeid)
        began = time.perf_counter()
        try:
            result = yield
        finally:
            self.coverage.switch_context("between")
        self.seconds[item.nodeid] = time.perf_counter() - began
        function = item.nodeid.split("[")[0]
        if function not in self.functions and self.seconds[item.nodeid] < _TWICE and nextitem is not None:
            self.functions.add(function)
            self.twice.add(item.nodeid)
            self._once_more(item, nextitem)
        return result

    def _once_more(self, item: Any, nextitem: pytest.Item) -> None:
        from _pytest.runner import runtestprotocol

        self.coverage.switch_context(f"again {item.nodeid}")
        try:
            item._initrequest()
            runtestprotocol(item, nextitem=nextitem, log=False)
        finally:
            self.coverage.switch_context("between")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)


def note(test: str, path: Path) -> int:
    """Run one file of tests and write what it reaches; in a process of its own."""
    import coverage

    sources = [str(ROOT / "src" / "cbc_screen" / room) for room in ROOMS]
    measure = coverage.Coverage(data_file=None, config_file=False, branch=False, source=sources, context="before")
    measure.start()
    notes = _Notes(measure)
    code = pytest.main([*OPTIONS, "-m", MARKS, test], plugins=[notes])
    measure.stop()
    told = _told(measure.get_data(), notes)
    part = path.with_suffix(".part")
    part.write_bytes(gzip.compress(json.dumps(told).encode(), 3))
    if code not in (0, 1, 5):
        return 1
    if notes.failed:
        print("left out, as they fail:", *sorted(notes.failed))
    os.replace(part, path)
    return 0


def _told(data: Any, notes: _Notes) -> dict[str, Any]:
    names = sorted(set(notes.seconds) - notes.failed)
    place = {name: number for number, name in enumerate(names)}
    files = {}
    for file in sorted(data.measured_files()):
        masks, before, once = dict[int, int](), [], []
        for line, contexts in data.contexts_by_lineno(file).items():
            # coverage joins its own context and that of the moment: "before|test".
            moments = {context.partition("|")[2] for context in contexts}
            masks[line] = sum(1 << place[moment] for moment in moments if moment in place)
            if "" in moments or "between" in moments:
                before.append(line)
            if any(name in moments and f"again {name}" not in moments for name in _twice(moments, notes)):
                once.append(line)
        own = Path(file).resolve().relative_to(ROOT).as_posix()
        files[own] = {
            "text": short(Path(file).read_bytes()),
            "tests": {line: f"{mask:x}" for line, mask in masks.items() if mask},
            "before": before,
            "once": once,
        }
    return {"tests": names, "seconds": [round(notes.seconds[name], 4) for name in names], "files": files}


def _twice(moments: set[str], notes: _Notes) -> list[str]:
    return [name for name in moments if name in notes.twice]


def name_of(test: str, state: Path) -> Path:
    """Return where the notes of a file of tests are."""
    name = test.removeprefix("tests/").removesuffix(".py").replace("/", "+")
    return state / f"{name}.{short((ROOT / test).read_bytes())}.lines"


def record(tests: list[str], state: Path, within: float, together: int) -> bool:
    """Note what has not been noted yet; tell whether all is."""
    state.mkdir(parents=True, exist_ok=True)
    for path in (ROOT / "src" / "cbc_screen").rglob("*.py"):
        kept = state / "texts" / short(path.read_bytes())
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(path.read_bytes())
    until = time.monotonic() + 60 * within

    def one(test: str) -> bool:
        if time.monotonic() > until:
            return False
        began = time.monotonic()
        with_own = {"PYTHONPYCACHEPREFIX": str(state / "pycache" / Path(test).stem), "CBC_SCREEN_EXAMPLES": "20"}
        for kept in Path(with_own["PYTHONPYCACHEPREFIX"]).rglob("*.kept"):
            kept.unlink(missing_ok=True)
        command = [sys.executable, str(Path(__file__).resolve()), "--note", test, "--state", str(state)]
        done = run_apart(command, with_own)
        print(
            f"{test}: {'noted' if not done.returncode else done.stdout[-2000:] + done.stderr[-2000:]} ({time.monotonic() - began:.0f} s)",
            flush=True,
        )
        return not done.returncode

    with ThreadPoolExecutor(together) as pool:
        return all(list(pool.map(one, [test for test in tests if not name_of(test, state).exists()])))


def main() -> int:
    """Note which tests reach which lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, default=Path("/tmp/cbc-screen-mutants"))
    parser.add_argument("--within", type=float, default=60, help="minutes after which no further file begins")
    parser.add_argument("--together", type=int, default=2, help="files that run at a time")
    parser.add_argument("--note", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.note:
        return note(given.note, name_of(given.note, given.state.resolve()))
    return int(not record(test_files(), given.state.resolve(), given.within, given.together))


if __name__ == "__main__":
    raise SystemExit(main())
