"""OMOP cohorts of flags: persons and days worked out by hand, and real data whose steps add up."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cbc_screen as cbc
from cbc_screen.errors import UsageError
from cbc_screen.vocabulary import SCHEMA_VERSION

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
        "schema_version": SCHEMA_VERSION,
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
        (FLAGS, {}, "name at least one cohort"),
        (FLAGS, {"a": "pancytopenia"}, "a cohort_definition_id is a whole number"),
        (FLAGS, {True: "pancytopenia"}, "a cohort_definition_id is a whole number"),
        (FLAGS, {2**63: "pancytopenia"}, "a cohort_definition_id is a whole number"),
    ],
)
def test_what_makes_no_cohort_is_one_line(flags: pa.Table, cohorts: dict[int, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cbc.omop_cohorts(flags, cohorts)


def of_persons(persons: pa.Array, days: list[str] | None = None) -> pa.Table:
    many = len(persons)
    return pa.table(
        {"person": persons, "collected_at": days or ["2024-01-01"] * many, "pattern": ["pancytopenia"] * many}
    )


@pytest.mark.parametrize(
    ("persons", "subjects"),
    [
        (pa.array([7, 8], pa.int64()).cast(pa.decimal128(21, 2)), [7, 8]),
        (pa.array([Decimal("7"), Decimal("8")], pa.decimal128(20, 0)), [7, 8]),
        (pa.array([Decimal("7.50"), Decimal("8.00")], pa.decimal128(20, 2)), [8]),
        (pa.array([7.0, float("nan"), 1e7]), [7, 10_000_000]),
        (pa.array([float("inf"), 7.5, 2.0**60]), []),
        # From here on two whole numbers may be one float.
        (pa.array([2.0**53 - 1, 2.0**53]), [2**53 - 1]),
        (pa.array([16_777_215, 16_777_216], pa.float32()), [16_777_215]),
        (pa.array([np.float16(2_047), np.float16(2_048)]), [2_047]),
        (pa.array([Decimal(10**40), Decimal(7)], pa.decimal256(60, 0)), [7]),
        (pa.array([2**63 - 1, -1]), [2**63 - 1]),
        (pa.array([2**64 - 1, 7], pa.uint64()), [7]),
        (pa.array(["9223372036854775807", "9223372036854775808"]), [2**63 - 1]),
        (pa.array(["7", "8"]).dictionary_encode(), [7, 8]),
        (pa.array([b"7", b"8"]), [7, 8]),
        (pa.array([True, False]), []),
        (pa.array([[7], [8]]), []),
        (pa.array(["0", "7 ", "+7", "7.0", "\u0667"]), [0]),
    ],
)
def test_a_person_is_a_whole_number_in_whatever_type(persons: pa.Array, subjects: list[int]) -> None:
    found = cbc.omop_cohorts(of_persons(persons), {1: "pancytopenia"})
    assert found.cohort["subject_id"].to_pylist() == subjects
    steps = found.attrition.to_pylist()
    assert steps[0]["number_records"] == len(persons)
    assert steps[1]["number_records"] == len(subjects)


@pytest.mark.parametrize(
    ("persons", "said"),
    [
        (["7", "007"], "1 of 2 rows"),
        (["007", "00", "8", "007", None], "3 of 5 rows"),
        (["01"] * 1_200, "1,200 of 1,200 rows"),
    ],
)
def test_persons_with_leading_zeros_are_refused_for_two_might_become_one(persons: list[str], said: str) -> None:
    with pytest.raises(UsageError, match="leading zeros") as caught:
        cbc.omop_cohorts(of_persons(pa.array(persons)), {1: "pancytopenia"})
    assert f"column 'person': {said} have a person written with leading zeros" in str(caught.value)
    assert "00" not in str(caught.value).replace("1,200", "")


def test_a_day_that_is_none_is_not_known() -> None:
    days = ["2024-02-30", "0000-01-01", "20240101", "2024-01-01T10:00+02:00", "9999-12-31"]
    found = cbc.omop_cohorts(of_persons(pa.array([1, 2, 3, 4, 5]), days), {1: "pancytopenia"})
    assert [(row["subject_id"], row["cohort_start_date"]) for row in found.cohort.to_pylist()] == [
        (4, datetime.date(2024, 1, 1)),
        (5, datetime.date(9999, 12, 31)),
    ]


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


# Measurement rows ---------------------------------------------------------------------------

TOLD = FLAGS.append_column("platelets_grade", pa.array([4, 3, None, 0, 4, 4, 2, 0], pa.int8()))
CONCEPTS = {"pattern": 2_000_000_001, "platelets_grade": 2_000_000_002}


def test_words_are_concepts_and_grades_are_numbers() -> None:
    made = cbc.omop_measurements(TOLD, CONCEPTS, 2_000_000_009, values={"pancytopenia": 2_000_000_101}, first_id=50)
    rows = made.measurement.to_pylist()
    assert [(row["measurement_id"], row["person_id"], row["value_as_concept_id"], row["value_source_value"]) for row in rows[:4]] == [
        (50, 7, 2_000_000_101, "pancytopenia"),
        (51, 7, 2_000_000_101, "pancytopenia"),
        (52, 8, 2_000_000_101, "pancytopenia"),
        (53, 11, 0, "bicytopenia"),  # no concept was given for it
    ]  # fmt: skip
    assert [(row["person_id"], row["value_as_number"], row["value_as_concept_id"]) for row in rows[4:]] == [
        (7, 4.0, None), (7, 3.0, None), (8, 0.0, None), (11, 2.0, None),
    ]  # fmt: skip
    assert {row["measurement_type_concept_id"] for row in rows} == {2_000_000_009}
    assert rows[0]["measurement_date"] == datetime.date(2024, 3, 1)


def test_what_cannot_be_told_makes_no_row_and_is_counted() -> None:
    """Of 8 counts two have no person_id, one no day, one no pattern; the same one has no grade."""
    for row in cbc.omop_measurements(TOLD, CONCEPTS, 1).account.to_pylist():
        assert (row["counts"], row["no_person_id"], row["no_day"], row["cannot_tell"], row["rows"]) == (8, 2, 1, 1, 4)
        assert row["notice"] == cbc.NOTICE


@pytest.mark.parametrize(
    ("concepts", "values", "kind", "said"),
    [
        ({}, None, 1, "at least one"),
        ({"reasons": 1}, None, 1, "'reasons' is none of"),
        ({"hemoglobin_grade": 1}, None, 1, "no column 'hemoglobin_grade'"),
        ({"pattern": -1}, None, 1, "measurement_concept_id"),
        ({"pattern": True}, None, 1, "measurement_concept_id"),
        ({"pattern": 1}, {"none": 1.5}, 1, "value_as_concept_id"),
        ({"pattern": 1}, None, "32880", "type_concept"),
    ],
)
def test_numbers_that_are_none_and_columns_that_are_not_there(concepts, values, kind, said) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=said):
        cbc.omop_measurements(TOLD, concepts, kind, values=values)


def test_a_screened_frame_of_real_answers_goes_in() -> None:
    frame = cbc.sample(ordinary=20)
    flags = cbc.screen_frame(frame)
    flags["person"], flags["collected_at"] = range(len(flags)), "2024-05-01"
    made = cbc.omop_measurements(flags, {"pattern": 1, "urgency": 2, "white_grade": 3}, 4)
    told = (flags["pattern"] != "cannot_tell").sum() + (flags["urgency"] != "cannot_tell").sum()
    assert made.measurement.num_rows == told + flags["white_grade"].notna().sum()
