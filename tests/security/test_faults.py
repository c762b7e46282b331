"""Scans that are killed go on to the same bytes: the short form of tools/faults.py, and what it would find."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests")]

import faults  # noqa: E402

from test_hazards import missing  # noqa: E402

FEW = {kind.name: 300 for kind in faults.KINDS} | {"wide_csv": 3_000, "wide_csv_packed": 6_000, "wide_parquet": 2_000}


@pytest.mark.parametrize("kind", faults.KINDS, ids=lambda kind: kind.name)
def test_a_killed_scan_goes_on_to_the_same_bytes(tmp_path: Path, kind: faults.Kind) -> None:
    told = faults.run([kind], tmp_path, kills=1, seconds=60, rows=FEW, passes=1)[kind.name]
    assert told.faults == []
    assert (told.kills, told.same) == (1, 1)


def test_a_run_goes_on_from_where_it_was(tmp_path: Path) -> None:
    kind, state = faults.KINDS[0], tmp_path / "kills.json"
    faults.run([kind], tmp_path, 1, 60, FEW, state, passes=1)
    told = faults.run([kind], tmp_path, 2, 60, FEW, state, passes=1)[kind.name]
    assert (told.kills, told.same, told.faults) == (2, 2, [])
    assert faults.run([kind], tmp_path, 2, 60, FEW, state, passes=1)[kind.name] == told


def test_another_byte_and_a_file_that_is_left_are_found(tmp_path: Path) -> None:
    bench = faults.Bench(faults.KINDS[0], tmp_path, 300, passes=1)
    bench.whole = {**bench.whole, "flags.csv": "another digest"}
    (tmp_path / "temporary" / "spool").touch()
    told, number = faults.Told(), 0
    while not bench.once(number, told):
        number += 1
    assert told.same == 0
    assert any("flags.csv differs" in fault for fault in told.faults)
    assert any("a temporary file was left: spool" in fault for fault in told.faults)


def test_the_table_counts_every_kill(tmp_path: Path) -> None:
    told = {
        "one": faults.Told(kills=3, same=2, late=1, faults=["one kill 7: flags.csv differs"]),
        "two": faults.Told(4, same=4),
    }
    lines = faults.table(told).splitlines()
    assert lines[1].split() == ["one", "3", "2", "0", "0", "0", "1"]
    assert lines[3].split() == ["all", "7", "6", "0", "0", "0", "1"]
    assert lines[4] == "one kill 7: flags.csv differs"


def test_every_attack_has_tests_that_are_there() -> None:
    assert list(faults.ATTACKS) == [f"T{number}" for number in range(1, 12)]
    for name, (_, tests) in faults.ATTACKS.items():
        assert tests, name
        assert missing({"files": [], "tests": list(tests)}) == [], name
