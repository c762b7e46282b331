"""cbc_screen.polars: every row of the files, the answers of the oracle, and no more work than a query asks for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from door_counts import OPTIONS, counts, differences, rows, said
from recipe_page import run

import cbc_screen as cbc
import cbc_screen.polars as cbc_polars
from cbc_screen.demo import write_demo
from cbc_screen.engines import each_row
from cbc_screen.errors import UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pq.write_table(rows(), tmp_path / "counts.parquet")
    return tmp_path / "counts.parquet"


def test_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = run("polars", tmp_path, monkeypatch)["severe"]
    wanted = [
        (f"S{place}", own["pattern"], own["severity"])
        for place, own in enumerate(said())
        if own["severity"] in ("severe", "very_severe", "cannot_tell")
    ]
    assert found.rows() == wanted
    assert 100 < len(wanted) < len(counts())


def test_every_row_says_what_the_oracle_says(file: Path) -> None:
    flags = cbc_polars.scan(file, keep=["sample_id"], **OPTIONS).collect()
    assert flags["sample_id"].to_list() == rows()["sample_id"].to_pylist()
    assert flags["row"].to_list() == list(range(1, len(counts()) + 1))
    assert differences(flags.to_dicts()) == []
    assert set(flags["outcome"]) == {"screened"}


def test_a_rejected_row_is_a_row_and_every_row_is_there(tmp_path: Path) -> None:
    source, out = tmp_path / "export.csv", tmp_path / "flags.parquet"
    write_demo(source, ordinary=40)
    summary = cbc.scan(source, out, tmp_path / "rejects.csv")
    frame = cbc_polars.scan(source).collect()
    assert Counter(frame["outcome"]) == {"screened": summary.screened, "rejected": summary.rejected}
    assert summary.rejected == 2
    rejected = frame.filter(pl.col("outcome") == "rejected")
    assert Counter(rejected["rejected_reason"]) == summary.rejects
    assert set(rejected["notice"]) == {cbc.NOTICE}
    assert rejected["pattern"].null_count() == len(rejected)
    lines = (tmp_path / "rejects.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert sorted(map(str, rejected["row"])) == sorted(line.split(",")[0] for line in lines)
    screened = frame.filter(pl.col("outcome") == "screened").select(pq.read_schema(out).names)
    wanted = cbc.read_flags(out, kind="pyarrow").to_pylist()
    assert screened.to_dicts() == wanted


def test_single_results_are_collected_and_those_of_no_count_are_rows(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(
        "person,test,value,unit,collected_at,sex,age\n"
        "a,Hemoglobin,79,g/L,2024-03-01,F,40 y\na,Platelets,9,10^9/L,2024-03-01,F,40 y\n",
        encoding="utf-8",
    )
    (tmp_path / "two.csv").write_text(
        "person,test,value,unit,collected_at,sex,age\nb,Hemoglobin,140,g/L,2024-03-01,M,40 y\n", encoding="utf-8"
    )
    found = cbc_polars.scan(str(tmp_path / "*.csv"), keep=["person"]).collect()
    assert found.select("file", "person", "red_line", "platelet_line").rows() == [
        ("one.csv", "a", "low", "low"),
        ("two.csv", "b", "not_low", "cannot_tell"),
    ]


def test_a_projection_words_no_list_that_nobody_asks_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given: Any) -> Any:
        raise AssertionError("the checklist was worded")

    whole = cbc_polars.scan(file, **OPTIONS)
    with monkeypatch.context() as patched:
        patched.setattr(each_row, "with_lists", never)
        assert whole.select("pattern").collect().rows() == [(own["pattern"],) for own in said()]
        assert whole.filter(pl.col("urgency") == "immediate").select(pl.len()).collect().item() == sum(
            own["urgency"] == "immediate" for own in said()
        )
    assert whole.select("checklist").collect().rows() == [(own["checklist"],) for own in said()]


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_filter_may_name_columns_that_are_not_selected(file: Path, engine: Any) -> None:
    whole = cbc_polars.scan(file, keep=["sample_id"], **OPTIONS)
    found = whole.filter(pl.col("red_line") == "low", pl.col("row") > 5).select("sample_id").collect(engine=engine)
    assert found["sample_id"].to_list() == [
        f"S{place}" for place, own in enumerate(said()) if own["red_line"] == "low" and place >= 5
    ]
    first = whole.filter(pl.col("red_line") == "low").select("sample_id").head(3).collect(engine=engine)
    assert first["sample_id"].to_list() == [f"S{p}" for p, own in enumerate(said()) if own["red_line"] == "low"][:3]


def test_a_head_reads_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = pa.table({"age": ["40 y"] * 200_000, "sex": ["F"] * 200_000, "HGB (g/L)": [79] * 200_000})
    pq.write_table(many, tmp_path / "many.parquet", row_group_size=50_000)
    screened: list[int] = []
    own = each_row.screen_batch
    monkeypatch.setattr(each_row, "screen_batch", lambda *given: screened.append(1) or own(*given))
    assert cbc_polars.scan(tmp_path / "many.parquet").head(2).collect()["red_line"].to_list() == ["low", "low"]
    assert len(screened) < 7  # of the batches of 32,768 rows that there are


def test_doubts_of_the_whole_file_are_told(tmp_path: Path) -> None:
    """The letters M and V stand in one file: M is not read as male, in the first row neither."""
    pl.DataFrame({"age": ["40 y"] * 3, "sex": ["M", "M", "V"], "HGB (g/L)": [125.0] * 3}).write_csv(tmp_path / "a.csv")
    with pytest.warns(cbc.CBCScreenWarning) as warned:
        found = cbc_polars.scan(tmp_path / "a.csv").collect()
    assert found["red_line"].to_list() == ["cannot_tell"] * 3
    assert [str(one.message).split(":")[0] for one in warned] == ["sex"]


def test_frames_have_a_screen_of_their_own() -> None:
    frame = pl.from_arrow(rows())
    assert isinstance(frame, pl.DataFrame)
    assert differences(frame.cbc.screen(**OPTIONS)) == []  # type: ignore[attr-defined]
    lazy = frame.lazy().cbc.screen(**OPTIONS)  # type: ignore[attr-defined]
    assert isinstance(lazy, pl.LazyFrame)
    assert differences(lazy.collect()) == []


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("-", {}, "save standard input to a file"),
        ("absent.csv", {}, "does not exist"),
        ("counts.parquet", {"keep": ["row"]}, "is the name of a column of the output"),
        ("counts.parquet", {"keep": ["pattern"]}, "is the name of a column of the output"),
        ("counts.parquet", {"unit": "us"}, "did you mean units"),
    ],
)
def test_what_cannot_be_scanned_is_said_before_the_query(
    file: Path, monkeypatch: pytest.MonkeyPatch, source: str, options: dict[str, Any], said: str
) -> None:
    monkeypatch.chdir(file.parent)
    with pytest.raises(UsageError, match=said):
        cbc_polars.scan(source, **options)


def test_what_goes_wrong_in_a_query_is_one_line_of_this_library(file: Path) -> None:
    """As it is, or (polars 1) within polars' own error."""
    with pytest.raises((UsageError, pl.exceptions.ComputeError), match="keep: there is no column 'ward'") as caught:
        cbc_polars.scan(file, keep=["ward"]).collect()
    assert "\n" not in str(caught.value)
