"""Hold that tests reach every line and every branch of the rooms that decide: kernel, normalize, collect, knowledge.

    python tools/branch_coverage.py --state /tmp/coverage --within 60    # again with the same --state: goes on from where it was
    python tools/branch_coverage.py --state /tmp/coverage tests/ingest   # these beside those that have run

What is not reached is named by file and line, a branch by the line that it comes from and the one that it would go to; then, or
where a test fails, it ends with 1. Files of tests run apart, two at a time, the fewest that reach everything. What is kept of the
tables and of the lowered screen beside Python's bytecode is thrown away before each: a test that finds it there does not run the
code that makes it. A change of the code or of a test begins anew what it concerns.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("kernel", "normalize", "collect", "knowledge")
# The fewest files found: each reaches something that no other does.
TESTS = (
    "knowledge/test_checklist_order.py", "knowledge/test_false_friends.py", "knowledge/test_files.py", "knowledge/test_loader_faults.py",
    "knowledge/test_locators.py", "knowledge/test_names.py", "knowledge/test_range_faults.py", "knowledge/test_rule_faults.py",
    "knowledge/test_unit_spellings.py", "knowledge/test_word_faults.py", "properties/test_doors_agree.py",
    "properties/test_received_again.py", "properties/test_runners_agree.py", "properties/test_scopes_agree.py",
    "properties/test_settings.py", "security/test_yaml.py", "serial/test_history_cases.py", "serial/test_serial_knowledge.py",
    "ingest/test_astm.py", "ingest/test_specimen_condition.py", "verify_ranges/test_covered_people.py",
    "verify_ranges/test_verification_rules.py", "test_ages.py", "test_alarms.py", "test_beside_results.py", "test_cases.py",
    "test_cell_edges.py", "test_chains.py", "test_cli.py", "test_collect.py", "test_collect_in_columns.py", "test_dates.py", "test_each_count.py",
    "test_exports.py", "test_grade_adjustments.py", "test_grouping.py", "test_options.py", "test_own_order.py", "test_own_rules.py",
    "test_persons_found.py", "test_plain_results.py", "test_presence.py", "test_preterm.py", "test_profiles.py", "test_range_text.py",
    "test_ranges.py", "test_readme.py", "test_recipes.py", "test_red_list.py", "test_repeated_headers.py", "test_result_status.py",
    "test_scan.py", "test_screener.py", "test_sender_flags.py", "test_sent_and_unusable.py", "test_setting.py", "test_source.py",
    "test_specimen_kinds.py", "test_stated_units.py", "test_symptoms.py", "test_unit_suspicion.py", "test_validate.py",
    "knowledge/test_first_letters_of_specimens.py", "knowledge/test_language_names.py", "knowledge/test_likelihoods.py",
    "knowledge/test_remarks_that_take_back.py", "properties/test_several_keys.py", "ingest/test_units_row.py", "test_age_beside_dates.py",
    "test_ages_and_days_as_written.py", "test_bounds_and_counts_of_collecting.py", "test_chains.py", "test_marks_of_thousands.py",
    "test_messages_in_columns.py", "test_names_of_panels.py", "test_names_that_are_values.py", "test_remarks_of_the_whole_sample.py",
    "test_runs_without_a_patient.py", "test_short_years.py", "test_gestation_as_a_result.py", "test_range_columns.py",
    "test_columns_that_take_results_back.py",
)  # fmt: skip
# Of parts of these rooms: every file.
FOLDERS = ("kernel_parts", "collect_parts")
_EXAMPLES = "10"  # of a property: what they reach is reached by few


def digest(paths: list[Path]) -> str:
    """Hash files with their names."""
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(f"{path}\0".encode() + path.read_bytes())
    return found.hexdigest()


def data_of(test: Path, code: str, state: Path) -> Path:
    """Return where the coverage of a file of tests is kept: apart for each content of it and of the code."""
    name = test.relative_to(ROOT / "tests").with_suffix("").as_posix().replace("/", "+")
    return state / f"{name}.{digest([test])[:12]}.{code[:12]}.coverage"


def run_apart(command: list[str], own: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command on the package of this folder, whatever other copy is installed."""
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def run(test: Path, data: Path, state: Path) -> bool:
    """Run one file of tests, and keep its coverage where all of them pass."""
    for kept in (state / "pycache").rglob("*.kept"):
        kept.unlink(missing_ok=True)
    own = {
        "COVERAGE_FILE": f"{data}.begun",
        "CBC_SCREEN_EXAMPLES": _EXAMPLES,
        "PYTHONPYCACHEPREFIX": str(state / "pycache"),
    }
    command = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        "-m",
        "pytest",
        "-n",
        "0",
        "-o",
        "addopts=",
        "-q",
        "--no-header",
    ]
    command += ["-p", "no:cacheprovider", "-m", "not outside and not parts", str(test)]
    began = time.monotonic()
    done = run_apart(command, own)
    said = done.stdout.strip().splitlines() or [done.stderr.strip()]
    print(f"{test.relative_to(ROOT)}: {said[-1]} ({time.monotonic() - began:.0f} s)", flush=True)
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-2000:], flush=True)
        return False
    os.replace(f"{data}.begun", data)
    return True


def not_reached(parts: list[Path], state: Path) -> list[str]:
    """Return every line and branch that no test has reached, and the whole in a word."""
    environment = {**os.environ, "COVERAGE_FILE": str(state / "all.coverage")}
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "-q", "--keep", *map(str, parts)], cwd=ROOT, env=environment, check=True)
    done = subprocess.run(
        [*coverage, "json", "-q", "-o", "-"], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    report = json.loads(done.stdout)
    found = []
    for name, file in sorted(report["files"].items()):
        lines = set(file["missing_lines"])
        found += [f"{name}:{line}" for line in sorted(lines)]
        branches = [(a, b) for a, b in file["missing_branches"] if a not in lines and abs(b) not in lines]
        found += [f"{name}:{a} -> {b if b > 0 else 'end'}" for a, b in branches]
    totals = report["totals"]
    covered, there = (
        totals["covered_lines"] + totals["covered_branches"],
        totals["num_statements"] + totals["num_branches"],
    )
    print(f"{len(report['files'])} files, {covered} of {there} lines and branches reached ({covered / there:.2%})")
    return found


def main() -> int:
    """Run what has not passed yet, and tell what is not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", type=Path, help="files or folders of tests, beside those of the list")
    parser.add_argument("--state", type=Path, default=Path("/tmp/cbc-screen-coverage"))
    parser.add_argument("--within", type=float, default=60, help="minutes after which no further file begins")
    parser.add_argument("--together", type=int, default=2, help="files that run at a time")
    given = parser.parse_args()
    more = [path for one in given.tests for path in ([one] if one.is_file() else sorted(one.rglob("test_*.py")))]
    own = [ROOT / "tests" / name for name in TESTS]
    own += [path for folder in FOLDERS for path in sorted((ROOT / "tests" / folder).glob("test_*.py"))]
    tests = list(dict.fromkeys([*own, *(path.resolve() for path in more)]))
    state = given.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    code = digest([path for room in ROOMS for path in (ROOT / "src" / "cbc_screen" / room).rglob("*.py")])
    data = {test: data_of(test, code, state) for test in tests}
    begun, failed, late = time.monotonic(), threading.Event(), threading.Event()

    def one(test: Path) -> None:
        if time.monotonic() - begun > given.within * 60:
            late.set()
        elif not run(test, data[test], state):
            failed.set()

    with ThreadPoolExecutor(given.together) as together:
        list(together.map(one, [test for test in tests if not data[test].exists()]))
    parts = [path for path in data.values() if path.exists()]
    missing = not_reached(parts, state) if parts else ["nothing has run"]
    print("\n".join(missing))
    if late.is_set():
        print("out of time; run it again to go on")
    return int(bool(missing) or failed.is_set() or late.is_set())


if __name__ == "__main__":
    raise SystemExit(main())
