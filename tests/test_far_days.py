"""Days outside the years 1 to 9999, which a database has ("infinity", years before our era) and Python has not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.arrays import beyond_years
from cbc_screen.cli import main


def days(*counts: int | None) -> pa.Array:
    return pa.array(counts, pa.int32()).cast(pa.date32())


def moments(unit: str, *counts: int, zone: str | None = None) -> pa.Array:
    return pa.array(counts, pa.int64()).cast(pa.timestamp(unit, zone))


FAR = {
    "date32": days(2_147_483_647, 0),
    "before our era": days(-719_529, 0),
    "date64": pa.array([86_400_000 * 2_932_897, 0], pa.int64()).cast(pa.date64()),
    "seconds": moments("s", 253_402_300_800, 0),
    "microseconds": moments("us", 2**63 - 1, 0),
    "at the edge of a zone": moments("s", 253_402_300_799, 0, zone="Asia/Tokyo"),
    "with a zone": moments("us", 2**63 - 1, 0, zone="Europe/Berlin"),
    "coded": days(2_147_483_647, 0).dictionary_encode(),
}
NESTED = {
    "list": pa.array([[2_147_483_647], [0]], pa.list_(pa.int32())).cast(pa.list_(pa.date32())),
    "record": pa.StructArray.from_arrays([days(2_147_483_647, 0)], ["day"]),
    "map": pa.array([[("a", 2_147_483_647)], [("a", 0)]], pa.map_(pa.string(), pa.int32())).cast(
        pa.map_(pa.string(), pa.date32())
    ),
}


def written(path: Path, **more: Any) -> Path:
    counts = {"age": ["40 y", "5 y"], "sex": ["F", "M"], "HGB (g/dL)": [7.9, 12.0], "PLT (10^9/L)": [9, 250]}
    pq.write_table(pa.table({**counts, **more}), path)
    return path


@pytest.mark.parametrize(
    ("column", "beyond"),
    [
        (days(-719_162), False),  # 0001-01-01
        (days(-719_163), True),
        (days(2_932_896), False),  # 9999-12-31
        (days(2_932_897), True),
        (days(), False),
        (days(None), False),
        (moments("s", 253_402_300_799), False),  # 9999-12-31 23:59:59
        (moments("s", 253_402_300_800), True),
        (moments("ms", -62_135_596_800_000), False),  # 0001-01-01 00:00
        (moments("ms", -62_135_596_800_001), True),
        (moments("ns", 2**63 - 1), False),  # 2262
        (moments("s", 253_402_300_799, zone="UTC"), True),  # east of it 10000-01-01
        (moments("s", 253_402_214_399, zone="Asia/Tokyo"), False),  # 9999-12-30 23:59:59 UTC
        (moments("s", -62_135_596_800, zone="UTC"), True),  # west of it a day that is none
        (moments("s", -62_135_510_400, zone="UTC"), False),  # 0001-01-02
        (pa.array(["infinity"]), False),
        (pa.array([2**60]), False),
    ],
)
def test_which_days_are_beyond_the_years(column: pa.Array, beyond: bool) -> None:
    assert beyond_years(pa.chunked_array([days(0) if pa.types.is_date32(column.type) else column, column])) is beyond


@pytest.mark.parametrize("as_received", [False, True])
@pytest.mark.parametrize("kind", FAR)
def test_read_gives_a_column_with_such_a_day_as_text(tmp_path: Path, kind: str, as_received: bool) -> None:
    frame = cbc.read(written(tmp_path / "far.parquet", x=FAR[kind]), as_received=as_received)
    assert len(frame) == 2
    assert [type(cell) for cell in frame["x"]] == [str, str]
    assert frame["x"][1].startswith("1970-01-01")


@pytest.mark.parametrize("as_received", [False, True])
@pytest.mark.parametrize("kind", NESTED)
def test_read_gives_lists_and_records_with_such_a_day(tmp_path: Path, kind: str, as_received: bool) -> None:
    frame = cbc.read(written(tmp_path / "far.parquet", x=NESTED[kind]), as_received=as_received)
    assert len(frame) == 2
    assert "1970-01-01" in str(frame["x"][1])


def test_days_within_the_years_stay_days(tmp_path: Path) -> None:
    frame = cbc.read(written(tmp_path / "near.parquet", x=days(0, None), y=moments("us", 0, 1)))
    assert str(frame["x"][0]) == "1970-01-01"
    assert not isinstance(frame["x"][0], str)
    assert pd.api.types.is_datetime64_any_dtype(frame["y"])


@pytest.mark.parametrize("kind", [*FAR, *NESTED])
@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson"])
def test_a_scan_carries_such_a_day_into_every_kind_of_file(tmp_path: Path, kind: str, ending: str) -> None:
    """And its answers are those of the same rows without it."""
    source = written(tmp_path / "far.parquet", x={**FAR, **NESTED}[kind])
    plain = written(tmp_path / "plain.parquet")
    out = tmp_path / f"flags.{ending}"
    found, own = (cbc.scan(path, out, keep=keep, force=True) for path, keep in ((plain, []), (source, ["x"])))
    assert (found.patterns, found.reasons) == (own.patterns, own.reasons)
    if ending == "ndjson":
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        assert [row["red_line"] for row in rows] == ["low", "not_low"]
        assert "1970-01-01" in json.dumps(rows[1]["x"])
    elif ending == "csv":
        assert "1970-01-01" in out.read_text(encoding="utf-8").splitlines()[2]
    else:
        assert "x" in pq.read_schema(out).names


@pytest.mark.parametrize(
    "day", ["'infinity'::DATE", "'-infinity'::DATE", "'0044-03-15 (BC)'::DATE", "'infinity'::TIMESTAMP"]
)
@pytest.mark.parametrize("as_received", [False, True])
def test_such_a_day_of_a_database_is_an_age_that_is_unknown(tmp_path: Path, day: str, as_received: bool) -> None:
    with duckdb.connect(str(tmp_path / "lab.duckdb")) as connection:
        connection.execute(
            f"CREATE TABLE counts AS SELECT {day} AS birth_date, DATE '2024-01-01' AS collected_at, 'F' AS sex, 7.9 AS \"HGB (g/dL)\""
        )
    source = str(tmp_path / "lab.duckdb")
    summary = cbc.scan(source, table="counts")
    assert summary.reasons["age:DATE_UNREADABLE"] == 1
    frame = cbc.read(source, table="counts", as_received=as_received)
    again = cbc.screen_frame(frame)
    assert again["reasons"].str.contains("age:DATE_UNREADABLE").all()


def test_files_of_which_one_has_such_a_day_are_read_together(tmp_path: Path) -> None:
    first, second = (
        written(tmp_path / "a.parquet", x=days(0, 1)),
        written(tmp_path / "b.parquet", x=days(2_147_483_647, 0)),
    )
    for as_received in (False, True):
        frame = cbc.read([first, second], as_received=as_received)
        assert frame["x"].tolist()[:2] == ["1970-01-01", "1970-01-02"]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [*FAR, *NESTED])
def test_flags_with_such_a_day_are_read_and_shown(tmp_path: Path, kind: str, packed: bool) -> None:
    source = written(tmp_path / "far.parquet", x={**FAR, **NESTED}[kind])
    flags = tmp_path / "flags.parquet"
    cbc.scan(source, flags, keep=["x"], packed=packed)
    frame = cbc.read_flags(flags)
    assert frame["red_line"].tolist() == ["low", "not_low"]
    assert "1970-01-01" in str(frame["x"][1])
    assert cbc.read_flags(flags, kind="pyarrow").num_rows == 2


@pytest.mark.parametrize("kind", [*FAR, *NESTED])
def test_a_list_of_such_people_is_written_and_one_is_explained(tmp_path: Path, kind: str) -> None:
    source = written(tmp_path / "far.parquet", x={**FAR, **NESTED}[kind])
    flags, page = tmp_path / "flags.parquet", tmp_path / "list.html"
    cbc.scan(source, flags, keep=["x"], received=True, report=page)
    assert "For clinician review. Not a diagnosis." in page.read_text(encoding="utf-8")
    done = CliRunner().invoke(main, ["explain", str(flags), "--row", "1"])
    assert (done.exit_code, "Traceback" in done.output) == (0, False)


@pytest.mark.parametrize("column", ["HGB (g/dL)", "age"])
def test_a_duration_that_python_cannot_hold_is_no_result(column: str) -> None:
    counts = {"age": ["40 y"] * 2, "sex": ["F"] * 2, "HGB (g/dL)": [7.9] * 2}
    given = pa.table({**counts, column: pa.array([2**60, 12], pa.duration("s"))})
    found = cbc.screen_frame(given).to_pylist()
    own = "hemoglobin" if column != "age" else "age"
    assert all(f"{own}:" in row["reasons"] for row in found)


def test_an_omop_cohort_has_no_person_of_such_a_day(tmp_path: Path) -> None:
    source = written(tmp_path / "far.parquet", x=FAR["date32"], person=[1, 2])
    cbc.scan(source, tmp_path / "flags.parquet", keep=["x", "person"])
    flags = cbc.read_flags(tmp_path / "flags.parquet").assign(pattern="pancytopenia")
    found = cbc.omop_cohorts(flags, {1: "pancytopenia"}, collected_at="x").cohort.to_pylist()
    assert [(row["subject_id"], str(row["cohort_start_date"])) for row in found] == [(2, "1970-01-01")]
