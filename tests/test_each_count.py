"""Each count of a source with its whole result: the rows, flags and rejects of a scan of the same file."""

from __future__ import annotations

from pathlib import Path

import pytest

import cbc_screen as cbc
from cbc_screen.demo import write_demo


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    write_demo(path, ordinary=40)
    return path


def test_it_is_what_a_scan_writes(export: Path, tmp_path: Path) -> None:
    found = cbc.Screener().screen_each(export)
    summary = cbc.scan(export, tmp_path / "flags.parquet", tmp_path / "rejects.csv")
    flags = cbc.read_flags(tmp_path / "flags.parquet", kind="pyarrow").to_pylist()
    assert found.rows_in == summary.rows_in == len(found.counts) + found.rejected_rows
    assert [count.line for count in found.counts] == [row["row"] for row in flags]
    for count, row in zip(found.counts, flags, strict=True):
        assert {name: row[name] for name in count.result.flags()} == count.result.flags()
    refused = (tmp_path / "rejects.csv").read_text(encoding="utf-8").splitlines()
    assert len(found.rejected) == len(refused) - 1
    assert "CLUMPED" not in repr(found)


def test_flags_without_the_checklist_are_the_others(export: Path) -> None:
    for count in cbc.Screener().screen_each(export).counts[:20]:
        short = count.result.flags(checklist=False)
        assert short == {n: f for n, f in count.result.flags().items() if n in short}
        assert set(count.result.flags()) - set(short) == {
            *("checklist", "checklist_groups", "checklist_shown", "next_tests"),
        }
        count.result.to_dict()
        assert short == count.result.flags(checklist=False)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cbc.UsageError, match="does not exist"):
        cbc.Screener().screen_each(tmp_path / "nothing.csv")
