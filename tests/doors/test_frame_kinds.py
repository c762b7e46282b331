"""Frames of every kind: what comes out is of the kind that went in, in its order and with its index, and says what the oracle says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from door_counts import OPTIONS, differences, rows, said

import cbc_screen as cbc
from cbc_screen.errors import UsageError

HOW_MANY = 60
CANARY = "CANARY_NAME_7Q"


class Producer:
    """A frame of a library that this one has never heard of: it gives an Arrow stream, and nothing else."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class BatchProducer:
    """One batch, as nanoarrow gives it."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: object | None = None) -> object:
        return self._batch.__arrow_c_array__(requested_schema)


class OwnFrame(pd.DataFrame):
    """A frame of somebody's own class."""


def some() -> pa.Table:
    return rows().slice(0, HOW_MANY)


def in_parts(table: pa.Table) -> pa.Table:
    """Return the same rows in uneven parts, one of them empty."""
    return pa.concat_tables([table.slice(0, 7), table.slice(7, 0), table.slice(7)])


def relation(table: pa.Table) -> duckdb.DuckDBPyRelation:
    return duckdb.from_arrow(table)


# Kind -> how it is made, and what comes out.
KINDS: dict[str, tuple[Callable[[pa.Table], Any], type]] = {
    "pandas": (lambda table: table.to_pandas(), pd.DataFrame),
    "pandas of Arrow types": (lambda table: table.to_pandas(types_mapper=pd.ArrowDtype), pd.DataFrame),
    "pandas, own class": (lambda table: OwnFrame(table.to_pandas()), pd.DataFrame),
    "polars": (pl.from_arrow, pl.DataFrame),
    "polars, lazy": (lambda table: pl.from_arrow(table).lazy(), pl.LazyFrame),
    "table": (in_parts, pa.Table),
    "batch": (lambda table: table.combine_chunks().to_batches()[0], pa.RecordBatch),
    "reader": (lambda table: in_parts(table).to_reader(), pa.RecordBatchReader),
    "relation of DuckDB": (relation, duckdb.DuckDBPyRelation),
    "producer of a stream": (lambda table: Producer(in_parts(table)), pa.Table),
    "producer of a batch": (lambda table: BatchProducer(table.combine_chunks().to_batches()[0]), pa.Table),
}


def table_of(found: Any) -> pa.Table:
    """Return the rows of what came out."""
    if isinstance(found, pl.LazyFrame):
        found = found.collect()
    if isinstance(found, pd.DataFrame):
        found = pa.Table.from_pandas(found, preserve_index=False)
    return pa.table(found) if not isinstance(found, pa.RecordBatchReader) else found.read_all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_out_is_what_went_in_with_the_answers_of_the_oracle(kind: str) -> None:
    make, made = KINDS[kind]
    found = cbc.screen_frame(make(some()), **OPTIONS)
    assert type(found) is made
    assert differences(table_of(found).to_pylist(), said()[:HOW_MANY]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_is_a_frame_of_no_row(kind: str) -> None:
    make, made = KINDS[kind]
    table = some().slice(0, 0)
    given = pa.RecordBatch.from_pylist([], schema=table.schema) if kind.endswith("batch") else make(table)
    found = cbc.screen_frame(BatchProducer(given) if kind == "producer of a batch" else given, **OPTIONS)
    assert type(found) is made
    assert table_of(found).num_rows == 0
    assert table_of(found).column_names == cbc.screen_frame(table, **OPTIONS).column_names


INDEXES: dict[str, pd.Index[Any]] = {
    "texts": pd.Index([f"S{place}" for place in range(HOW_MANY)], name="sample"),
    "backwards": pd.Index(range(HOW_MANY, 0, -1)),
    "all the same": pd.Index(["a"] * HOW_MANY),
    "missing labels": pd.Index([None, np.nan] * (HOW_MANY // 2)),
    "moments": pd.date_range("2024-03-31", periods=HOW_MANY, freq="h", tz="Europe/Berlin"),
    "two levels": pd.MultiIndex.from_product([range(HOW_MANY // 2), ["a", "b"]], names=["person", "visit"]),
    "categories": pd.CategoricalIndex(["b", "a"] * (HOW_MANY // 2)),
    "intervals": pd.interval_range(0, HOW_MANY),
}


@pytest.mark.parametrize("name", INDEXES)
def test_the_index_stays_whatever_it_is(name: str) -> None:
    frame = some().to_pandas().set_index(INDEXES[name])
    found = cbc.screen_frame(frame, **OPTIONS)
    pd.testing.assert_index_equal(found.index, INDEXES[name])
    assert differences(found, said()[:HOW_MANY]) == []


def test_a_frame_in_another_order_has_its_answers_in_that_order() -> None:
    order = np.random.default_rng(3).permutation(HOW_MANY)
    wanted = [said()[place] for place in order]
    shuffled = some().take(pa.array(order))
    for make, _ in KINDS.values():
        assert differences(table_of(cbc.screen_frame(make(shuffled), **OPTIONS)).to_pylist(), wanted) == []


def test_a_relation_can_be_joined_with_its_flags() -> None:
    """Both are of one connection; a table of that name in the database is not taken for the flags."""
    connection = duckdb.connect()
    counts = connection.sql(
        "SELECT * FROM (VALUES ('a', '40 y', 'F', 7.9), ('b', '40 y', 'F', 13.5)) AS t(sample, age, sex, \"HGB (g/dL)\")"
    )
    connection.sql("CREATE TABLE table_1 AS SELECT 'nothing' AS red_line")
    flags = cbc.screen_frame(counts)
    joined = connection.sql("SELECT sample, red_line FROM counts POSITIONAL JOIN flags")
    assert joined.fetchall() == [("a", "low"), ("b", "not_low")]
    assert flags.filter("severity = 'severe'").fetchall() == []


def test_numbers_of_a_database_are_the_numbers_they_are_elsewhere() -> None:
    """Decimals, small floats and whole numbers: 7.9 g/dL is 79 g/L in each."""
    relation = duckdb.sql(
        "SELECT 40 AS age, 'y' AS age_unit, 'F' AS sex, CAST(7.9 AS DECIMAL(4, 1)) AS \"HGB (g/dL)\", "
        'CAST(0.3 AS FLOAT) AS "ANC (10^9/L)", CAST(9 AS HUGEINT) AS "PLT (10^9/L)"'
    )
    [found] = table_of(cbc.screen_frame(relation)).to_pylist()
    wanted = cbc.screen(
        {"age": "40 y", "sex": "F", "hemoglobin": "7.9 g/dL", "neutrophils": "0.3 10^9/L", "platelets": "9 10^9/L"}
    )
    assert differences([found], [wanted.flags()]) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (pd.Series([7.9]), "a series is one column"),
        (pl.Series([7.9]), "a series is one column"),
        (pa.chunked_array([[7.9]]), "an array is one column"),
        ([{"HGB (g/dL)": 7.9}], "__arrow_c_stream__"),
        ({"HGB (g/dL)": [7.9]}, "__arrow_c_stream__"),
        (Producer(pa.chunked_array([[7.9]])), "cannot be had"),
        (pa.array([7.9]), "cannot be had"),
    ],
)
def test_what_is_no_frame_is_one_line_that_says_what_to_give(given: object, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        cbc.screen_frame(given)  # type: ignore[call-overload]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("library", "what"), [("pyspark", "cbc_screen.spark"), ("dask", "map_partitions"), ("ray", "map_batches")]
)
def test_a_frame_that_lies_elsewhere_is_not_brought_here(library: str, what: str) -> None:
    elsewhere = type("DataFrame", (), {"__module__": f"{library}.dataframe", "__arrow_c_stream__": None})
    with pytest.raises(UsageError, match=what):
        cbc.screen_frame(elsewhere())


def test_what_goes_wrong_in_a_frames_own_library_quotes_no_cell() -> None:
    lazy = pl.LazyFrame({"age": [CANARY], "HGB (g/dL)": [7.9]}).with_columns(pl.col("age").cast(pl.Int64))
    broken = duckdb.sql(f"SELECT CAST('{CANARY}' AS INTEGER) AS age, 7.9 AS \"HGB (g/dL)\"")
    for frame in (lazy, broken):
        with pytest.raises(UsageError, match="cannot be had") as caught:
            cbc.screen_frame(frame)
        assert CANARY not in repr(caught.value) + repr(caught.value.__context__) + repr(caught.value.__cause__)


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_doors_for_frames_take_every_kind(kind: str) -> None:
    """`explain`, `follow`, `audit` and `summarize`, each as of a table."""
    make, made = KINDS[kind]
    table = pa.table(
        {
            "person": ["a"] * 3,
            "age": ["54 y"] * 3,
            "sex": ["F"] * 3,
            "collected_at": ["2024-01-05", "2024-03-01", "2024-06-20"],
            "PLT (10^9/L)": [140, 120, 90],
            "platelets_flag": ["L", "L", "H"],
            "platelets_lower": [150] * 3,
            "platelets_upper": [400] * 3,
        }
    )
    assert cbc.explain(make(table), 2).flags() == cbc.explain(table, 2).flags()
    followed = cbc.follow(make(table))
    assert type(followed) is made
    assert table_of(followed)["platelet_trend"].to_pylist() == ["falling"]
    each = cbc.follow(make(table), each_count=True)
    assert (
        table_of(each)["platelets_change"].to_pylist()
        == cbc.follow(table, each_count=True)["platelets_change"].to_pylist()
    )
    assert list(cbc.audit(make(table)).findings["finding"]) == list(cbc.audit(table).findings["finding"]) != []
    assert cbc.summarize(cbc.screen_frame(make(table))).lines["platelet"] == {"not_low": 0, "low": 3, "cannot_tell": 0}


def whole(kind: Any) -> pl.DataFrame:
    """Counts whose results are whole numbers, in a type."""
    results = {"HGB (g/L)": [79, 135, None, 0], "PLT (10^9/L)": [9, 250, 1_000, 149]}
    return pl.DataFrame({"age": ["40 y"] * 4, "sex": ["F", "M", "F", "F"]}).with_columns(
        pl.Series(name, cells, dtype=pl.Int64).cast(kind) for name, cells in results.items()
    )


@pytest.mark.parametrize("kind", [kind for kind in ("Int128", "UInt128") if hasattr(pl, kind)])
@pytest.mark.parametrize("lazy", [False, True])
def test_whole_numbers_of_128_bits_have_the_answers_of_smaller_ones(kind: str, lazy: bool) -> None:
    """Arrow has no type for them."""
    given = whole(getattr(pl, kind))
    expected = cbc.screen_frame(whole(pl.Int64))
    found = cbc.screen_frame(given.lazy() if lazy else given)
    assert (found.collect() if isinstance(found, pl.LazyFrame) else found).equals(expected)
    assert expected["red_line"].to_list()[:3] == ["low", "not_low", "cannot_tell"]
    assert expected["platelet_line"].to_list() == ["low", "not_low", "not_low", "low"]


def test_a_number_of_128_bits_that_no_other_type_holds_is_unknown() -> None:
    given = whole(pl.Int64).with_columns(pl.lit(2**100).cast(pl.Int128).alias("HGB (g/L)"))
    assert set(cbc.screen_frame(given)["red_line"].to_list()) == {"cannot_tell"}


@pytest.mark.parametrize("name", ["person", "note"])
def test_a_column_of_128_bits_that_is_no_result_is_carried(name: str) -> None:
    given = whole(pl.Int64).with_columns(pl.lit(7).cast(pl.Int128).alias(name))
    assert cbc.screen_frame(given).equals(cbc.screen_frame(whole(pl.Int64)))


def test_a_series_that_arrow_cannot_take_is_one_line() -> None:
    given = whole(pl.Int64).with_columns(pl.concat_list(pl.lit(7).cast(pl.Int128)).alias("HGB (g/L)"))
    with pytest.raises(UsageError, match="cannot be had") as caught:
        cbc.screen_frame(given)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("cells", "lines"),
    [
        ([10**30, 7.9], ["cannot_tell", "low"]),
        ([-(10**30), 7.9], ["cannot_tell", "low"]),
        (["7.9\ud800", "7.9"], ["cannot_tell", "low"]),  # half of a sign, which UTF-8 cannot write
    ],
)
def test_a_cell_of_pandas_that_arrow_cannot_take_is_unknown(cells: list[Any], lines: list[str]) -> None:
    given = pd.DataFrame({"age": ["40 y"] * 2, "sex": ["F"] * 2, "HGB (g/dL)": pd.Series(cells, dtype=object)})
    assert cbc.screen_frame(given)["red_line"].tolist() == lines
