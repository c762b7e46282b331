"""`scan(follow=True)`: the flags of a scan with what `follow(each_count=True)` says of each row, in parts of persons."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from test_history import persons

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.collect import spill
from cbc_screen.errors import UsageError
from cbc_screen.ingest import csv as csv_reader
from cbc_screen.serial import scanned

RESULTS = ("HGB (g/L)", "NEUT (10^9/L)", "PLT (10^9/L)")


def export(many: int, seed: int = 3) -> pd.DataFrame:
    """Return counts of many persons in no order, with what exports have: clots, no times, nobody, nothing."""
    rng = random.Random(seed)
    rows = persons(rng, many)
    rng.shuffle(rows)
    for place, row in enumerate(rows):
        if place % 50 == 0:
            row["PLT (10^9/L)"] = "clumped"
        if place % 97 == 0:
            row["collected_at"] = None
        if place % 131 == 0:
            row["person"] = None
        if place % 151 == 0:
            row["sex"] = "M" if row["sex"] == "F" else "F"
        if place % 301 == 0:
            row.update(dict.fromkeys(RESULTS))
    return pd.DataFrame(rows)


def hold_equal(flags: pd.DataFrame, followed: pd.DataFrame) -> None:
    """Fail where a row of the scan says something else than the row of `follow`."""
    own, other = flags.set_index("row"), followed.set_index("row").loc[flags["row"]]
    changes = [name for name in other.columns if name.endswith("_change")]
    assert len(changes) >= 3
    assert [name for name in own.columns if name.endswith("_change")] == changes
    for name in (*changes, "identity_checks"):
        assert list(own[name].astype(str)) == list(other[name].astype(str)), name
    assert list(own["follow_reasons"].astype(str)) == list(other["reasons"].astype(str))
    before = [None if pd.isna(line) else int(line) for line in other["previous_row"]]
    assert [None if pd.isna(line) else int(line) for line in own["previous_row"]] == before


def test_rows_of_a_file_are_named_by_their_lines(tmp_path: Path) -> None:
    """Line 2 is rejected, and lines 3 and 5 are of one person."""
    text = "MRN,age,sex,collected_at,PLT (10^9/L)\nbad,row\nA,50 y,M,2024-01-01,200\nB,60 y,F,2024-01-01,140\nA,50 y,M,2024-06-01,100\n"
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(text if name == "one.csv" else text.replace("A,", "C,").replace("B,", "D,"))
    each = cbc.follow(tmp_path / "one.csv", each_count=True)
    assert list(each["row"]) == [3, 4, 5]
    assert [None if pd.isna(line) else line for line in each["previous_row"]] == [None, None, 3]
    persons = cbc.follow(tmp_path / "one.csv").set_index("person")
    assert persons["last_row"].to_dict() == {"A": 5, "B": 4}
    both = cbc.follow([tmp_path / "one.csv", tmp_path / "two.csv"], each_count=True)
    told = both[both["previous_row"].notna()]
    assert list(zip(told["file"], told["previous_file"], told["previous_row"], strict=True)) == [
        ("one.csv", "one.csv", 3),
        ("two.csv", "two.csv", 3),
    ]


@pytest.mark.parametrize("small", [False, True])
def test_a_scan_says_what_follow_says(tmp_path: Path, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if small:  # many batches, many parts, and every part on the disk
        monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 8_192)
        monkeypatch.setattr(scanned, "_A_PART", 1_000)
        monkeypatch.setattr(spill.Spill, "__init__", _without_memory(spill.Spill.__init__))
    source, out = tmp_path / "export.csv", tmp_path / "flags.parquet"
    export(700).to_csv(source, index=False)
    summary = cbc.Screener().scan(source, out, tmp_path / "rejects.csv", follow=True)
    flags = pd.read_parquet(out)
    assert summary.rows_in == summary.screened + summary.rejected
    assert summary.rejected > 0
    assert len(flags) == summary.screened
    hold_equal(flags, cbc.follow(source, each_count=True))
    alone = tmp_path / "alone.parquet"
    cbc.Screener().scan(source, alone)
    pd.testing.assert_frame_equal(flags[pd.read_parquet(alone).columns], pd.read_parquet(alone))


def _without_memory(begin: Any) -> Any:
    return lambda self, budget=0: begin(self, 0)


def test_clocks_and_days_are_told_apart_on_all_rows(tmp_path: Path) -> None:
    """One clock among midnights makes the midnights clocks: in which part it lies says nothing."""
    rows = [{"person": n % 40, "age": "50 y", "sex": "F", "collected_at": f"2024-01-{1 + n // 40:02d} 00:00", "PLT (10^9/L)": 100 + n}
            for n in range(400)]  # fmt: skip
    rows[399]["collected_at"] = "2024-01-10 07:30"
    source, out = tmp_path / "export.csv", tmp_path / "flags.parquet"
    pd.DataFrame(rows).to_csv(source, index=False)
    cbc.Screener().scan(source, out, follow=True)
    hold_equal_one(pd.read_parquet(out), cbc.follow(source, each_count=True), "platelets_change")


def hold_equal_one(flags: pd.DataFrame, followed: pd.DataFrame, name: str) -> None:
    other = followed.set_index("row").loc[flags["row"]]
    assert list(flags[name].astype(str)) == list(other[name].astype(str))
    assert list(flags["follow_reasons"].astype(str)) == list(other["reasons"].astype(str))


def test_single_results_are_collected_and_followed(tmp_path: Path) -> None:
    lines = ["patient_id,sample_time,test,value,unit,sex,age"]
    for day, value in ((1, 240), (8, 110), (15, 118)):
        lines += [f"p{own},2024-03-{day:02d},PLT,{value + own},10^9/L,F,50 y" for own in range(30)]
    source, out = tmp_path / "results.csv", tmp_path / "flags.parquet"
    source.write_text("\n".join(lines))
    columns = {"person": "patient_id", "collected_at": "sample_time", "name": "test", "value": "value", "unit": "unit"}
    cbc.Screener().scan(source, out, follow=True, columns=columns)
    flags = pd.read_parquet(out)
    assert len(flags) == 90
    assert dict(Counter(flags["platelets_change"])) == {"not_assessed": 30, "down": 30, "none": 30}


def test_broken_off_and_gone_on_with(tmp_path: Path) -> None:
    """The journal of a scan without it is no beginning of a scan with it."""
    source, out = tmp_path / "export.csv", tmp_path / "flags.csv"
    export(60).to_csv(source, index=False)
    cbc.Screener().scan(source, out, follow=True)
    whole = out.read_bytes()
    cbc.Screener().scan(source, out, follow=True, resume=True, force=True)
    assert out.read_bytes() == whole


def test_no_row_at_all(tmp_path: Path) -> None:
    source, out = tmp_path / "export.csv", tmp_path / "flags.csv"
    source.write_text("person,age,sex,collected_at,PLT (10^9/L)\n")
    summary = cbc.Screener().scan(source, out, follow=True)
    assert summary.rows_in == 0
    assert "platelets_change" in out.read_text()


def test_what_it_does_not_go_with(tmp_path: Path) -> None:
    source, out = tmp_path / "export.csv", tmp_path / "flags.parquet"
    export(20).to_csv(source, index=False)
    other = tmp_path / "other.csv"
    export(20).to_csv(other, index=False)
    with pytest.raises(UsageError, match="packed"):
        cbc.Screener().scan(source, out, follow=True, packed=True)
    with pytest.raises(UsageError, match="one table"):
        cbc.Screener().scan([source, other], out, follow=True)
    with pytest.raises(UsageError, match="follow=True"):
        cbc.Screener().scan(source, out, person="person")
    with pytest.raises(UsageError, match="there is no such column"):
        cbc.Screener().scan(source, out, follow=True, person="nobody")
    assert not out.exists()


def test_the_command(tmp_path: Path) -> None:
    source, out = tmp_path / "export.csv", tmp_path / "flags.csv"
    export(40).to_csv(source, index=False)
    done = CliRunner().invoke(main, ["scan", str(source), "--follow", "--person", "person", "-o", str(out)])
    assert done.exit_code == 0, done.output
    hold_equal(
        pd.read_csv(out, keep_default_na=False, na_values={"previous_row": [""]}), cbc.follow(source, each_count=True)
    )
