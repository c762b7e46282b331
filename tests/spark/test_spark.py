"""Spark gives, row by row, what a scan of the same rows gives, however they are divided; nothing is lost."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import cbc_screen as cbc
import cbc_screen.spark as cbc_spark
from cbc_screen.demo import HEADER, write_demo
from cbc_screen.engines.outcomes import OUTCOME
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.spark.columns import BESIDE
from cbc_screen.spark.partitions import Work, described
from cbc_screen.spark.screened import added
from test_collect_in_columns import FIELDS, OMOP, rows_of
from test_unit_suspicion import HEALTHY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of PySpark's own sockets
]
Row = dict[str, Any]


def frame_of(spark: SparkSession, rows: Sequence[Row], partitions: int = 3) -> DataFrame:
    """Return rows of texts as a Spark frame in so many partitions."""
    from pyspark.sql.types import StringType, StructField, StructType

    schema = StructType([StructField(name, StringType()) for name in rows[0]])
    return spark.createDataFrame([tuple(row.values()) for row in rows], schema).repartition(partitions)


def rows_in(frame: DataFrame) -> list[Row]:
    return [row.asDict() for row in frame.collect()]


def scanned(
    folder: Path, rows: Sequence[Row], keep: Sequence[str], **options: Any
) -> tuple[cbc.ScanSummary, list[Row]]:
    """Scan the same rows in a file; the flags without their lines."""
    source, out = folder / "rows.parquet", folder / "flags.parquet"
    pq.write_table(pa.Table.from_pylist(list(rows), pa.schema([(name, pa.string()) for name in rows[0]])), source)
    screener = options.pop("screener", cbc.Screener())
    summary = screener.scan(source, out, keep=list(keep), force=True, **options)
    flags = pq.read_table(out).to_pylist()
    return summary, [{name: value for name, value in row.items() if name != "row"} for row in flags]


def in_order(rows: Sequence[Row]) -> list[str]:
    """Return rows as comparable texts, in an order of their own."""
    return sorted(repr(sorted(row.items())) for row in rows)


def without_words_of_time(rows: Sequence[Row]) -> list[Row]:
    """Leave out how the moment of a count is written: of one moment written in several ways, that of the first row.

    Rows of Spark have no order.
    """
    return [{name: value for name, value in row.items() if name != "collected_at"} for row in rows]


def demo_rows(folder: Path) -> list[Row]:
    """Return the demo's rows, every trap among them, as texts."""
    write_demo(folder / "demo.csv", ordinary=150)
    with (folder / "demo.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(HEADER)]
    return [{"id": str(place), **dict(zip(HEADER, row, strict=True))} for place, row in enumerate(rows[1:])]


# One count a row ------------------------------------------------------------------------------


@pytest.mark.parametrize("partitions", [1, 4])
def test_rows_have_the_flags_of_a_scan_however_they_are_divided(
    spark: SparkSession, tmp_path: Path, partitions: int
) -> None:
    rows = demo_rows(tmp_path)
    summary, wanted = scanned(tmp_path, rows, ["id"])
    found = cbc_spark.screen(frame_of(spark, rows, partitions), keep=["id"])
    account = found.write(str(tmp_path / "out"))
    written = spark.read.parquet(str(tmp_path / "out" / "outcome=screened")).drop(*BESIDE)
    assert in_order(rows_in(written)) == in_order(wanted)
    assert (account.rows_in, account.screened, account.rejected) == (
        summary.rows_in,
        summary.screened,
        summary.rejected,
    )
    assert summary.rejected >= 1
    for name in ("patterns", "severities", "urgencies", "reasons", "rejects"):
        own = {word: many for word, many in getattr(summary, name).items() if many}
        assert dict(getattr(account, name)) == own, name


def test_every_row_says_that_it_is_no_diagnosis_and_has_the_declared_columns(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = demo_rows(tmp_path)[:40]
    found = cbc_spark.screen(frame_of(spark, rows), keep=["id"])
    flags = cbc.screen_frame(pa.Table.from_pylist(rows))
    assert found.flags.columns == ["id", *flags.column_names]
    assert {row["notice"] for row in rows_in(found.flags)} == {"For clinician review. Not a diagnosis."}


def test_few_flags_may_be_asked_for_and_the_notice_stays(spark: SparkSession) -> None:
    frame = frame_of(spark, [{"id": "1", "age": "50 y", "sex": "F", "Hb": "9.1 g/dL"}])
    found = cbc_spark.screen(frame, keep=["id"], flags=["urgency", "pattern"])
    assert found.flags.columns == ["id", "pattern", "urgency", "notice"]
    assert found.account().check().screened == 1
    with pytest.raises(UsageError, match="flags: 'urgencyy' is no column of flags; did you mean urgency"):
        cbc_spark.screen(frame, keep=["id"], flags=["urgencyy"])


def test_a_row_without_any_result_is_rejected_with_its_reason_and_what_is_kept(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [
        {"id": "1", "age": "50 y", "sex": "F", "Hb": "9.1 g/dL", "PLT": "100 10^9/L"},
        {"id": "2", "age": "50 y", "sex": "F", "Hb": "", "PLT": ""},
    ]
    found = cbc_spark.screen(frame_of(spark, rows))
    [rejected] = rows_in(found.rejected)
    assert (rejected["outcome"], rejected["id"], rejected["rejected_reason"]) == ("rejected", "2", "NO_RESULT")
    assert found.account().rejects == {"NO_RESULT": 1}
    assert [row["id"] for row in rows_in(found.flags)] == ["1"]


def test_a_header_among_the_rows_is_rejected_as_in_a_file(spark: SparkSession, tmp_path: Path) -> None:
    own = {"age": "50 y", "sex": "F", "Hb (g/L)": "91", "PLT (10^9/L)": "100"}
    rows = [{"id": "1", **own}, {name: name for name in ("id", *own)}, {"id": "2", **own}]
    summary, wanted = scanned(tmp_path, rows, ["id"])
    found = cbc_spark.screen(frame_of(spark, rows, 1), keep=["id"])
    assert in_order(rows_in(found.flags)) == in_order(wanted)
    assert found.account().rejects == {"HEADER_REPEATED": 1} == dict(summary.rejects)
    [rejected] = rows_in(found.rejected)
    assert (rejected["id"], rejected["rejected_reason"]) == ("id", "HEADER_REPEATED")


def test_columns_that_are_no_texts_are_read_as_those_of_a_file(spark: SparkSession, tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2, 3]),
            "age": pa.array([50, 60, None]),
            "sex": ["F", "M", "F"],
            "HGB (g/dL)": pa.array([9.1, 15.0, None]),
            "WBC (10^9/L)": pa.array([2.3, 6.0, 5.0], pa.float32()),
            "PLT (10^9/L)": pa.array([40, 250, 200], pa.int32()),
            "notes_of": [["a"], [], ["b"]],
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    frame = spark.read.parquet(str(tmp_path / "in.parquet"))
    found = rows_in(cbc_spark.screen(frame, age_unit="y").flags)
    wanted = cbc.screen_frame(table.drop_columns(["notes_of"]), age_unit="y").to_pylist()
    assert [{name: row[name] for name in wanted[0]} for row in sorted(found, key=lambda row: row["id"])] == wanted
    assert [row["notes_of"] for row in sorted(found, key=lambda row: row["id"])] == [["a"], [], ["b"]]


def test_a_letter_for_sex_means_what_all_rows_together_say(spark: SparkSession, tmp_path: Path) -> None:
    """M stands with F in one partition, and with V in another: in the whole it is in doubt everywhere."""
    own = {"age": "50 y", "Hb": "125 g/L", "PLT": "200 10^9/L"}
    rows = [{"id": str(place), "sex": "FMMV"[place % 4], **own} for place in range(40)]
    rows.sort(key=lambda row: row["sex"])
    _, wanted = scanned(tmp_path, rows, ["id"])
    found = cbc_spark.screen(frame_of(spark, rows, 5), keep=["id"])
    assert in_order(rows_in(found.flags)) == in_order(wanted)
    assert {row["red_line"] for row in wanted if rows[int(row["id"])]["sex"] == "M"} == {"cannot_tell"}


def test_a_unit_that_is_doubted_is_doubted_in_every_partition(spark: SparkSession, tmp_path: Path) -> None:
    rows = [
        {"id": str(place), "age": "50 y", "sex": "F", "Hb (g/dL)": str(hb), "WBC (10^9/L)": str(wbc),
         "PLT (10^9/L)": f"{plt / 10:.1f}"}
        for place, (hb, wbc, _, plt) in enumerate(HEALTHY * 3)
    ]  # fmt: skip
    _, wanted = scanned(tmp_path, rows, ["id"])
    found = cbc_spark.screen(frame_of(spark, rows, 4), keep=["id"])
    assert in_order(rows_in(found.flags)) == in_order(wanted)
    assert all("UNIT_SUSPECT" in row["reasons"] for row in wanted)
    accepted = cbc_spark.screen(frame_of(spark, rows, 4), keep=["id"], accept_units=["platelets"])
    assert {row["severity"] for row in rows_in(accepted.flags)} != {row["severity"] for row in wanted}


def test_a_profile_of_ones_own_needs_to_lie_on_the_driver_alone(spark: SparkSession, tmp_path: Path) -> None:
    profile = tmp_path / "ours.yaml"
    columns = {"hemoglobin": ["A"], "platelets": ["B"], "age": ["C"], "sex": ["D"]}
    text = {
        "id": "ours", "title": "ours", "shape": "wide", "source": "a test", "columns": columns, "age_unit": "y",
        "units": {"hemoglobin": "g/dL", "platelets": "10^9/L"}, "sex_codes": {"1": "M", "2": "F"},
    }  # fmt: skip
    profile.write_text(yaml.safe_dump(text), encoding="utf-8")
    frame = frame_of(spark, [{"A": "9.1", "B": "40", "C": "50", "D": "2"}])
    found = cbc_spark.screen(frame, profile=str(profile))
    profile.unlink()
    [row] = rows_in(found.flags)
    assert (row["red_line"], row["platelet_line"]) == ("low", "low")


# One result a row -----------------------------------------------------------------------------


def long_rows(seed: int, many: int, fields: Sequence[str]) -> list[Row]:
    return [dict(zip(fields, row, strict=True)) for row in rows_of(random.Random(seed), fields, many)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_results_are_collected_as_a_scan_collects_them(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    """Corrections, remarks, clumps, statuses, odd moments and results of nobody; each person in one partition."""
    rows = long_rows(seed, 400, FIELDS)
    summary, wanted = scanned(tmp_path, rows, ["person", "collected_at"])
    found = cbc_spark.collect(frame_of(spark, rows))
    account = found.write(str(tmp_path / "out"))
    written = spark.read.parquet(str(tmp_path / "out" / "outcome=screened")).drop(*BESIDE)
    assert in_order(without_words_of_time(rows_in(written))) == in_order(without_words_of_time(wanted))
    assert (account.rows_in, account.screened, account.rejected) == (
        summary.rows_in,
        summary.screened,
        summary.rejected,
    )
    for name in ("read", "superseded", "not_count", "duplicates", "rejected"):
        assert account.results[name] == summary.results[name], name
    assert account.results["used"] == summary.results["used"] + summary.results["unusable"]
    reasons = Counter(row["rejected_reason"] for row in rows_in(found.rejected) if row["outcome"] == "set_aside")
    assert reasons == Counter(summary.results["rejected"])


def test_persons_come_from_a_frame_of_their_own(spark: SparkSession, tmp_path: Path) -> None:
    blank = dict.fromkeys(OMOP, "")
    rows = [
        {**blank, "person_id": str(key), "measurement_datetime": "2024-01-02 08:00:00", "value_as_number": str(value),
         "measurement_concept_id": concept, "unit_concept_id": unit}
        for key in range(1, 21)
        for concept, unit, value in (("3000963", "8713", 9.1 + key % 7), ("3024929", "8848", 90 + 20 * key))
    ]  # fmt: skip
    people = [
        {"person_id": f"{key}.0", "gender_concept_id": "8532" if key % 2 else "8507", "year_of_birth": str(1940 + key),
         "month_of_birth": "5", "day_of_birth": "1", "birth_datetime": ""}
        for key in range(1, 19)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(people), tmp_path / "person.parquet")
    _, wanted = scanned(tmp_path, rows, ["person", "collected_at"], persons=tmp_path / "person.parquet")
    found = cbc_spark.collect(frame_of(spark, rows), persons_frame=frame_of(spark, people))
    assert in_order(without_words_of_time(rows_in(found.flags))) == in_order(without_words_of_time(wanted))
    assert {row["red_line"] for row in wanted} == {"low", "not_low", "cannot_tell"}
    alone = cbc_spark.collect(frame_of(spark, rows))
    assert in_order(rows_in(alone.flags)) != in_order(wanted)


def test_one_person_with_very_many_results_is_survived(spark: SparkSession) -> None:
    from pyspark.sql import functions

    many = 30_000
    own = {"person": "'one'", "sex": "'F'", "age": "'50 y'", "code": "'718-7'", "unit": "'g/dL'"}
    frame = spark.range(many).select(
        *(functions.expr(text).alias(name) for name, text in own.items()),
        functions.expr("cast(9 + id % 7 as string)").alias("value"),
        functions.expr("date_format(timestamp_seconds(1700000000 + id * 3600), 'yyyy-MM-dd HH:mm:ss')").alias(
            "collected_at"
        ),
    )
    account = cbc_spark.collect(frame).account().check()
    assert (account.rows_in, account.screened, account.results["used"]) == (many, many, many)


# What is refused ------------------------------------------------------------------------------


def test_what_cannot_be_done_is_said_on_the_driver(spark: SparkSession) -> None:
    wide = frame_of(spark, [{"id": "1", "age": "50 y", "sex": "F", "Hb": "9.1 g/dL", "pattern": "x"}])
    with pytest.raises(UsageError, match="keep: there is no column 'idd'"):
        cbc_spark.screen(wide, keep=["idd"])
    with pytest.raises(UsageError, match="'pattern' is the name of a column of the output"):
        cbc_spark.screen(wide)
    with pytest.raises(UsageError, match="for one count a row use screen"):
        cbc_spark.collect(wide)
    with pytest.raises(UsageError, match="no column reads as a blood count result"):
        cbc_spark.screen(frame_of(spark, [{"id": "1", "color": "red"}]))
    with pytest.raises(UsageError, match="persons_frame"):
        cbc_spark.collect(wide, persons="persons.csv")


def test_results_of_nobody_in_particular_are_refused(spark: SparkSession) -> None:
    rows = [{"code": "718-7", "value": "9.1", "unit": "g/dL", "specimen_key": "s1"}]
    with pytest.raises(UsageError, match="no column says whose a result is"):
        cbc_spark.collect(frame_of(spark, rows))


def test_a_worker_with_other_tables_does_not_answer() -> None:
    screener = cbc.Screener()
    work = Work(screener, cbc.Source(), None, frozenset(), {}, described(screener.engine), pa.schema([]))
    assert work.engine() is screener.engine
    with pytest.raises(UsageError, match="install the same wheel everywhere"):
        replace(work, described="0.4.0 2026.1.1 {}").engine()


def test_an_account_that_does_not_add_up_is_refused() -> None:
    empty = {name: {} for name in ("patterns", "severities", "urgencies", "reasons")}
    whole = {"rows_in": 3, "screened": 2, "rejected": 1, "rejects": {"NO_RESULT": 1}, "results": {}, **empty}
    assert added([whole, whole]).check().rows_in == 6
    with pytest.raises(CBCScreenError, match="do not use the output"):
        added([whole, {**whole, "rows_in": 4}]).check()
    results = {"read": 5, "used": 4, "superseded": 0, "not_count": 0, "duplicates": 0, "rejected": {}}
    with pytest.raises(CBCScreenError, match="do not use the output"):
        added([{**whole, "results": results}]).check()


def test_the_outcome_of_a_row_stands_first(spark: SparkSession) -> None:
    frame = frame_of(spark, [{"id": "1", "age": "50 y", "sex": "F", "Hb": "9.1 g/dL"}])
    assert cbc_spark.screen(frame).everything.columns[0] == OUTCOME
