"""OMOP cohorts of flags: persons and days worked out by hand, and real data whose steps add up."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cbc_screen as cbc
from cbc_screen.errors import UsageError

FLAGS = pa.table(
    {
        "person": ["7", "7", "8", "8", "MRN-9", "10", "11", None],
        "collected_at": [
            "2024-03-01 08:00", "2024-02-29", "2024-01-05", "2024-01-06", "2024-01-01", "2024", "2024-05-05", "2024-05-05",
        ],
        "pattern": ["pancytopenia"] * 2 + ["cannot_tell", "pancytopenia"] + ["pancytopenia"] * 2 + ["bicytopenia", "none"],
    }
)  # fmt: skip


def test_one_row_a_person_on_the_day_of_the_first_count_of_the_pattern() -> None:
    found = cbc.omop_cohorts(FLAGS, {1: "pancytopenia", 2: "bicytopenia"})
    assert found.cohort.column_names == ["cohort_definition_id", "subject_id", "cohort_start_date", "cohort_end_date"]
    days = {7: datetime.date(2024, 2, 29), 8: datetime.date(2024, 1, 6), 11: datetime.date(2024, 5, 5)}
    assert [tuple(row.values()) for row in found.cohort.to_pylist()] == [
        (1, 7, days[7], days[7]),
        (1, 8, days[8], days[8]),
        (2, 11, days[11], days[11]),
    ]
    assert found.settings.to_pylist()[0] == {
        "cohort_definition_id": 1,
        "cohort_name": "pancytopenia",
        "notice": cbc.NOTICE,
    }


def test_the_attrition_says_where_each_count_was_left() -> None:
    steps = cbc.omop_cohorts(FLAGS, {1: "pancytopenia"}).attrition.to_pylist()
    assert [(row["reason"], row["number_records"], row["excluded_records"]) for row in steps] == [
        ("counts that were screened", 8, 0),
        ("the person is a person_id", 6, 2),
        ("the day of collection is known", 5, 1),
        ("the pattern can be told", 4, 1),
        ("the pattern is pancytopenia", 3, 1),
        ("the first count of the person", 2, 1),
    ]
    assert steps[0]["number_records"] == steps[-1]["number_records"] + sum(row["excluded_records"] for row in steps)


@pytest.mark.parametrize(
    ("flags", "cohorts", "said"),
    [
        (FLAGS.drop_columns(["person"]), {1: "pancytopenia"}, "no column 'person'"),
        (FLAGS, {1: "cannot_tell"}, "one of the patterns"),
        (FLAGS, {1: "anemia"}, "one of the patterns"),
    ],
)
def test_what_makes_no_cohort_is_one_line(flags: pa.Table, cohorts: dict[int, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cbc.omop_cohorts(flags, cohorts)


def test_real_measurements_become_cohorts_of_their_persons(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data/omop_synthea27nj"
    summary = cbc.scan(
        folder / "measurement.parquet", tmp_path / "flags.parquet", persons=folder / "person.parquet",
        keep=["person", "collected_at"],
    )  # fmt: skip
    flags = cbc.read_flags(tmp_path / "flags.parquet", kind="pyarrow")
    found = cbc.omop_cohorts(flags, {1: "single_line", 2: "bicytopenia", 3: "pancytopenia"})
    persons = set(pq.read_table(folder / "person.parquet")["person_id"].to_pylist())
    rows = found.cohort.to_pylist()
    assert {row["subject_id"] for row in rows} <= persons
    assert {row["cohort_definition_id"] for row in rows} == {1, 2}
    for number, pattern in ((1, "single_line"), (2, "bicytopenia"), (3, "pancytopenia")):
        steps = [row for row in found.attrition.to_pylist() if row["cohort_definition_id"] == number]
        assert steps[0]["number_records"] == summary.screened
        assert steps[-2]["number_records"] == summary.patterns[pattern]
        assert steps[-1]["number_records"] == len([row for row in rows if row["cohort_definition_id"] == number])
