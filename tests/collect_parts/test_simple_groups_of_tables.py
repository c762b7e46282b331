"""Counts of a table that are collected in columns, and what sends a table or some of its rows the careful way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from collected_files import HEADER, cells_of, collected, in_columns, table

from cbc_screen.collect import in_columns as columns_of_tables
from cbc_screen.collect.grouping import _sorted
from cbc_screen.ingest.long import LongSource, ResultColumns
from cbc_screen.ingest.results import LabResult
from cbc_screen.normalize.judging import Judge, Judgement

A, B = "A,2024-01-02 08:00", "B,2024-01-02 08:00"
HEMOGLOBIN, PLATELETS = "718-7,9.1,g/dL", "777-3,250,10*3/uL"
# Two counts: one of two results, whose rows do not follow each other, and one of a single result.
TWO_COUNTS = (f"{A},{HEMOGLOBIN}", f"{B},718-7,9.3,g/dL", f"{A},{PLATELETS}")


def test_each_person_and_moment_is_a_count(tmp_path: Path) -> None:
    with collected(table(tmp_path / "t.csv", *TWO_COUNTS)) as source:
        assert in_columns(source) == 2
        assert cells_of(source, "person", "hemoglobin", "platelets") == [("A", "9.1", "250"), ("B", "9.3", "")]


@pytest.mark.parametrize("other", ["2024-01-02 8:00 AM", "2024-01-02 8:00", "2024-01-02 08:00:00 am"])
@pytest.mark.parametrize("behind", ["", "A,2024-01-02 8:00 AM,718-7,9.1,g/dL"])
def test_a_moment_by_a_clock_of_twelve_hours_is_of_the_same_count(tmp_path: Path, other: str, behind: str) -> None:
    """In columns, and, where a result repeats, in the careful way."""
    rows = [f"{A},{HEMOGLOBIN}", f"A,{other},{PLATELETS}", *filter(None, [behind])]
    with collected(table(tmp_path / "t.csv", *rows)) as source:
        assert in_columns(source) == (0 if behind else 1)
        assert cells_of(source, "person", "hemoglobin", "platelets") == [("A", "9.1", "250")]


def test_counts_of_one_result_are_named_where_a_person_has_several_analytes(tmp_path: Path) -> None:
    with collected(table(tmp_path / "t.csv", *TWO_COUNTS)) as source:
        cells_of(source)
        assert source.grouping == {
            "counts": 2, "by_words": 0, "by_period": 0, "results": 3, "not_placed": 0, "of_one_result": 1,
        }  # fmt: skip


def test_results_of_one_person_on_different_days_may_have_lost_others_of_their_counts(tmp_path: Path) -> None:
    rows = [f"A,2024-01-02,{HEMOGLOBIN}", f"A,2024-01-03,{PLATELETS}"]
    with collected(table(tmp_path / "t.csv", *rows)) as source:
        cells_of(source)
        assert source.grouping == {
            "counts": 2, "by_words": 0, "by_period": 0, "results": 2, "not_placed": 0, "of_one_result": 2,
        }  # fmt: skip


def test_counts_of_one_result_are_not_named_where_each_person_has_one_analyte(tmp_path: Path) -> None:
    with collected(table(tmp_path / "t.csv", f"{A},{HEMOGLOBIN}", f"{B},{PLATELETS}")) as source:
        cells_of(source)
        assert source.grouping == {"counts": 2, "by_words": 0, "by_period": 0, "results": 2, "not_placed": 0}


def test_of_some_persons_more_is_known(tmp_path: Path) -> None:
    rows = [f"{A},{HEMOGLOBIN},F", f"{B},718-7,9.3,g/dL,"]
    with collected(table(tmp_path / "t.csv", *rows, header=f"{HEADER},sex")) as source:
        assert in_columns(source) == 2
        assert source.people == {"in_results": 2, "found": 1}


def test_units_are_counted_once_for_each_result(tmp_path: Path) -> None:
    with collected(table(tmp_path / "t.csv", *TWO_COUNTS)) as source:
        assert source.units_seen["hemoglobin"] == {"g/dL": 2}
        assert source.units_seen["platelets"] == {"10*3/uL": 1}


def test_a_count_has_its_rows_as_they_were_received(tmp_path: Path) -> None:
    with collected(table(tmp_path / "t.csv", *TWO_COUNTS)) as source:
        (batch,) = source.batches(["hemoglobin"])
        assert json.loads(batch.content(0)) == [TWO_COUNTS[0], TWO_COUNTS[2]]
        assert json.loads(batch.content(1)) == [TWO_COUNTS[1]]


def test_a_row_that_cannot_be_read_is_set_aside_with_the_name_of_its_file(tmp_path: Path) -> None:
    with collected(table(tmp_path / "t.csv", "B,2024", f"{A},{HEMOGLOBIN}")) as source:
        assert in_columns(source) == 1
        assert [(Path(row.file or "").name, row.line, row.content) for row in source.set_aside(whole=True)] == [
            ("t.csv", 2, "B,2024")
        ]


def test_reading_is_half_of_collecting_and_reading_doubtful_rows_again_the_other_half(tmp_path: Path) -> None:
    """Collecting is six tenths of a scan."""
    told: list[float] = []
    with collected(table(tmp_path / "t.csv", f"{A},{HEMOGLOBIN}", f"{A},718-7,9.3,g/dL"), told.append) as source:
        assert in_columns(source) == 0
    assert told == pytest.approx([0.3, 0.6])


def test_the_other_rows_of_a_doubtful_result_go_the_careful_way(tmp_path: Path) -> None:
    rows = [*TWO_COUNTS, f"{B},777-3,251,10*3/uL", f"{B},777-3,252,10*3/uL"]
    with collected(table(tmp_path / "t.csv", *rows)) as source:
        assert in_columns(source) == 1
        assert cells_of(source, "person", "hemoglobin", "platelets") == [
            ("A", "9.1", "250"),
            ("B", "9.3", "CONFLICTING RESULTS"),
        ]


def test_plain_limits_stay_in_columns_and_those_that_depend_on_the_sex_do_not(tmp_path: Path) -> None:
    rows = [f"{A},{HEMOGLOBIN},11.7-15.5", f"{B},{HEMOGLOBIN},F: 11.7-15.5 M: 13.2-17.3"]
    with collected(table(tmp_path / "t.csv", *rows, header=f"{HEADER},range")) as source:
        assert in_columns(source) == 1
        lower, upper = "hemoglobin lower", "hemoglobin upper"
        assert cells_of(source, "person", lower, upper) == [("A", "11.7", "15.5"), ("B", "?", "?")]


@pytest.mark.parametrize("lines", [[2, 2, 3], [3, 2, 4], [0, 1, 2]])
def test_rows_whose_lines_do_not_rise_from_one_go_the_careful_way(
    lines: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LongSource.in_columns

    def renumbered(source: LongSource) -> Iterator[ResultColumns]:
        return (replace(batch, lines=np.array(lines, dtype=np.int64)) for batch in real(source))

    monkeypatch.setattr(LongSource, "in_columns", renumbered)
    with collected(table(tmp_path / "t.csv", *TWO_COUNTS)) as source:
        assert in_columns(source) is None
        assert cells_of(source, "person") == [("A",), ("B",)]


def test_a_table_goes_the_careful_way_with_as_many_words_for_sex_as_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A further one would not have been kept."""
    path = table(tmp_path / "t.csv", f"{A},{HEMOGLOBIN},F", f"{B},718-7,9.3,g/dL,M", header=f"{HEADER},sex")
    for kept, found in ((3, 2), (2, None)):
        monkeypatch.setattr(columns_of_tables, "KINDS", kept)
        with collected(path) as source:
            assert in_columns(source) == found


def test_results_of_the_same_words_are_judged_once_whoever_they_are_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []
    real = Judge.of

    def noted(self: Judge, result: LabResult, *given: object) -> Judgement:
        judged.append(result.codes[0].code)
        return real(self, result, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Judge, "of", noted)
    rows = [
        f"A,2024-01-02 08:00,{HEMOGLOBIN},11.7,L",
        "B,2024-01-03 09:00,718-7,9.3,g/dL,11.8,N",
        f"B,2024-01-03 09:00,{PLATELETS},150,N",
        "C,2024-01-04 10:00,718-7,9.5,g/dL,11.9,H",
    ]
    with collected(table(tmp_path / "t.csv", *rows, header=f"{HEADER},lower,flag")) as source:
        assert in_columns(source) == 3
    assert judged == ["718-7", "777-3"]


def test_equal_numbers_stay_as_they_came_however_large_they_are() -> None:
    """The first of the equal ones comes first: places, not numbers, are told."""
    assert _sorted(np.array([1, 0, 1, 0], dtype=np.int32)).tolist() == [1, 3, 0, 2]
    numbers = np.array([65_537, 65_536, 1, 131_072, 65_536, 0], dtype=np.int32)
    assert _sorted(numbers).tolist() == [5, 2, 1, 4, 0, 3]
