"""Frames in and out: pandas, pyarrow, polars, relations of DuckDB, and whatever else gives an Arrow stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cbc_screen.arrays import beyond_years, with_days_as_texts, without_dictionaries, without_view
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.ingest.source import name_or_place
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, LineState, Pattern, Severity, State, Urgency, WhiteBasis

if TYPE_CHECKING:
    import pyarrow as pa


_VOCABULARY = frozenset({"", NOTICE, *map(str, (*Pattern, *Severity, *Urgency, *LineState, *State, *WhiteBasis))})
_ORDERS = {"pattern": Pattern, "severity": Severity, "severity_min": Severity, "urgency": Urgency}
_STREAM, _BATCH = "__arrow_c_stream__", "__arrow_c_array__"  # the Arrow PyCapsule interface
# What these libraries have besides frames, and what to do with it.
_NO_FRAMES = {
    "Series": "a series is one column, or one row; give a frame, or screen(record) for one person",
    "ChunkedArray": "an array is one column; give a table",
}
# Frames that lie elsewhere, and would have to be brought here as a whole.
_ELSEWHERE = {
    "pyspark": "a frame of Spark is screened where it lies: cbc_screen.spark.screen(frame) (docs/spark.md)",
    "dask": "a frame of Dask is screened a partition at a time: frame.map_partitions(...) (docs/recipes.md)",
    "ray": "a dataset of Ray is screened a batch at a time: dataset.map_batches(...) (docs/recipes.md)",
}
_WIDE = ("Int128", "UInt128")
_TAKEN = (
    "screen_frame takes a frame of pandas or polars, a table, batch or reader of pyarrow, a relation of DuckDB, or what "
    "gives an Arrow stream (__arrow_c_stream__)"
)


class FrameKind(StrEnum):
    """What a frame is, and so what comes out."""

    PANDAS = "pandas.DataFrame"
    POLARS = "polars.DataFrame"
    LAZY = "polars.LazyFrame"
    TABLE = "pyarrow.Table"
    BATCH = "pyarrow.RecordBatch"
    READER = "pyarrow.RecordBatchReader"
    RELATION = "duckdb.DuckDBPyRelation"
    STREAM = "another producer of an Arrow stream"  # a pyarrow.Table comes out: each library takes one


_KNOWN = {
    ("pandas", "DataFrame"): FrameKind.PANDAS,
    ("polars", "DataFrame"): FrameKind.POLARS,
    ("polars", "LazyFrame"): FrameKind.LAZY,
    ("pyarrow", "Table"): FrameKind.TABLE,
    ("pyarrow", "RecordBatch"): FrameKind.BATCH,
    ("pyarrow", "RecordBatchReader"): FrameKind.READER,
    ("duckdb", "DuckDBPyRelation"): FrameKind.RELATION,
    ("_duckdb", "DuckDBPyRelation"): FrameKind.RELATION,
}


def frame_kind(frame: Any) -> FrameKind:
    """Say what a frame is, without importing any library."""
    for own in type(frame).__mro__:  # a frame of somebody's own class is a frame
        module = own.__module__.partition(".")[0]
        if (kind := _KNOWN.get((module, own.__name__))) is not None:
            return kind
        if own.__name__ in _NO_FRAMES:
            raise UsageError(_NO_FRAMES[own.__name__])
        if module in _ELSEWHERE:
            raise UsageError(_ELSEWHERE[module])
    if hasattr(frame, _STREAM) or hasattr(frame, _BATCH):
        return FrameKind.STREAM
    raise UsageError(_TAKEN)


def plain_frame(frame: Any) -> Any:
    """Return a frame as one of pandas or polars, or as a pyarrow.Table, with the same rows in the same order.

    A lazy frame is collected and a stream is read to its end: letters for sex and doubtful units are told from all rows.
    """
    kind = frame_kind(frame)
    if kind in (FrameKind.PANDAS, FrameKind.POLARS, FrameKind.TABLE):
        return frame
    if kind is FrameKind.LAZY:
        return _of_library(frame.collect, frame)
    import pyarrow as pa

    if kind is FrameKind.BATCH:
        return pa.Table.from_batches([frame])
    if kind is FrameKind.STREAM and not hasattr(frame, _STREAM):
        return _of_library(lambda: pa.Table.from_batches([pa.record_batch(frame)]), frame)
    reader = _of_library(lambda: pa.RecordBatchReader.from_stream(frame), frame)
    return _of_library(reader.read_all, frame)


def _of_library(make: Callable[[], Any], frame: Any) -> Any:
    """Return what a frame's own library makes of it; what that says goes wrong may quote a cell."""
    try:
        return make()
    except CBCScreenError:
        raise
    except Exception as error:
        name = type(error).__name__
    # Outside the except block: nothing of the first error is attached.
    raise UsageError(
        f"the rows of the {type(frame).__name__} cannot be had ({name}); collect it, or read it, yourself to see why"
    )


def to_arrow(frame: Any, columns: list[str], decimal: str = ".") -> dict[str, pa.Array]:
    """Return the wanted columns as Arrow arrays; numbers among texts are written with the decimal mark of those."""
    kind = frame_kind(frame)
    times = Counter(frame.column_names if kind is FrameKind.TABLE else frame.columns)
    if repeated := [name for name in columns if times[name] > 1]:
        own = name_or_place(repeated[0], list(times))
        raise UsageError(f"two columns of the frame are named {own}; remove or rename one of them")
    own = frame.column if kind is FrameKind.TABLE else frame.__getitem__
    return {name: _array(own(name), kind, decimal) for name in columns}


def headers(frame: Any) -> list[str]:
    """Return the column names as texts."""
    kind = frame_kind(frame)
    names = list(frame.column_names) if kind is FrameKind.TABLE else list(frame.columns)
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _array(column: Any, kind: FrameKind, decimal: str) -> pa.Array:
    import pyarrow as pa

    if kind is FrameKind.PANDAS:
        try:
            array = pa.array(column, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeError):
            array = None
        if array is None or _is_of_pandas(array.type):
            # Outside the except block: the Arrow error quotes the cell.
            null = column.isna().tolist()
            cells = zip(column.tolist(), null, strict=True)
            array = pa.array([None if no else _text_of(v, decimal) for v, no in cells], type=pa.string())
    elif kind is FrameKind.POLARS:
        array = _of_polars(column)
    else:
        array = column
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return without_view(array)


def _is_of_pandas(kind: pa.DataType) -> bool:
    """Tell whether cells are of a type that pandas alone has: intervals, or categories of them."""
    import pyarrow as pa

    return isinstance(kind.value_type if pa.types.is_dictionary(kind) else kind, pa.BaseExtensionType)


def _text_of(cell: object, decimal: str) -> str:
    """Return a cell as text; what UTF-8 cannot write is a sign that no result has."""
    if isinstance(cell, float | Decimal):
        return str(cell).replace(".", decimal)
    return str(cell).encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _of_polars(column: Any) -> Any:
    """Return a series as Arrow; whole numbers of 128 bits, for which Arrow has no type, as texts."""
    import polars as pl

    if str(column.dtype) in _WIDE:  # an older polars has no such types
        column = column.cast(pl.String)
    return _of_library(column.to_arrow, column)


def from_arrow(table: pa.Table, like: Any, *, same_rows: bool = True) -> Any:
    """Return a table as the same kind of frame; with the same index where it has the same rows."""
    kind = frame_kind(like)
    match kind:
        case FrameKind.PANDAS:
            return _to_pandas(table, like if same_rows else None)
        case FrameKind.POLARS | FrameKind.LAZY:
            made = to_polars(table)
            return made.lazy() if kind is FrameKind.LAZY else made
        case FrameKind.BATCH:
            import pyarrow as pa

            columns = [column.combine_chunks() for column in table.unify_dictionaries().columns]
            return pa.RecordBatch.from_arrays(columns, schema=table.schema)
        case FrameKind.READER:
            return table.unify_dictionaries().to_reader()
        case FrameKind.RELATION:
            return _to_relation(table, like)
        case _:
            own = {"notice": NOTICE, "schema_version": SCHEMA_VERSION}
            return table.replace_schema_metadata({**(table.schema.metadata or {}), **own})


def _to_pandas(table: pa.Table, like: Any) -> Any:
    import pandas as pd
    import pyarrow as pa

    ordered, own = dict(_ordered(table)), {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            own[name] = _categorical(column, ordered.get(name))
        else:
            own[name] = column.to_pandas(types_mapper={pa.int8(): pd.Int8Dtype()}.get)
    frame = pd.DataFrame(own, copy=False)
    if like is not None:
        frame.index = like.index
    frame.attrs.update(notice=NOTICE, schema_version=SCHEMA_VERSION)
    return frame


def pandas_of(table: pa.Table) -> Any:
    """Return a table as a frame; days outside the range of pandas become texts, and an error names a column that it cannot hold."""
    import pyarrow as pa

    for place, name in enumerate(table.column_names):
        column = table.column(name)
        if not beyond_years(column) and (not pa.types.is_nested(column.type) or _has_frame(column)):
            continue
        with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
            column = with_days_as_texts(column)
        # Outside of what is suppressed: nothing of the first error is attached, which quotes the cell.
        if not _has_frame(column):
            raise UsageError(
                f"column {name!r} holds what a frame of pandas cannot; leave it out, or have it as a table of pyarrow"
            )
        table = table.set_column(place, name, column)
    return table.to_pandas()


def flags_of(table: pa.Table) -> Any:
    """Return flags as a frame of pandas in which words that have an order can be compared."""
    import pandas as pd

    frame = pandas_of(table)
    for name, words in _ordered(table):
        if set(frame[name].dropna()) <= set(words):  # else it is a column of the source's own
            frame[name] = pd.Categorical(frame[name], categories=list(words), ordered=True)
    return frame


def _has_frame(column: pa.ChunkedArray) -> bool:
    with suppress(Exception):
        column.to_pandas()
        return True
    return False


def _categorical(column: pa.ChunkedArray, order: tuple[str, ...] | None) -> Any:
    """Return a coded column as a categorical, in the order of its words where they have one.

    Column by column: pandas looks the words of each over, which was a quarter of the time of a small frame (measured),
    and most columns have the words of others.
    """
    import numpy as np
    import pandas as pd

    whole = column.combine_chunks()
    words = tuple(whole.dictionary.to_pylist())
    coded = whole.indices.fill_null(-1) if whole.null_count else whole.indices
    codes = coded.to_numpy(zero_copy_only=False)
    if order is not None:
        places = np.array([*map(order.index, words), -1], dtype=np.int8)  # -1 is the last: what is not there stays so
        return pd.Categorical.from_codes(places[codes], dtype=_categories(order, ordered=True))
    known = _VOCABULARY.issuperset(words)
    return pd.Categorical.from_codes(codes, dtype=_categories(words) if known else pd.CategoricalDtype(list(words)))


@lru_cache(maxsize=128)
def _categories(words: tuple[str, ...], *, ordered: bool = False) -> Any:
    """Return the type of a column of words of the vocabulary: no cell of a frame is kept here."""
    import pandas as pd

    return pd.CategoricalDtype(list(words), ordered=ordered)


def to_polars(table: pa.Table) -> Any:
    """Return a table as a frame of polars, its words of pattern, severity and urgency in their order."""
    import polars as pl

    made = pl.DataFrame(pl.from_arrow(table))
    return made.with_columns(pl.col(name).cast(pl.Enum(list(words))) for name, words in _ordered(table))


def _to_relation(table: pa.Table, like: Any) -> Any:
    """Return a relation of the same connection, so that the two can be joined (POSITIONAL JOIN).

    DuckDB finds the table under the name of a variable of this function, where no table of the database has that name.
    """

    def queried() -> Any:
        cbc_screen_made_of_a_relation = without_dictionaries(table)
        made = like.query("cbc_screen_relation", "SELECT * FROM cbc_screen_made_of_a_relation")
        return made, cbc_screen_made_of_a_relation

    return _of_library(queried, like)[0]


def _ordered(table: pa.Table) -> list[tuple[str, tuple[str, ...]]]:
    """Return the columns of words that have an order, and those in it.

    What cannot be told stands above every severity and pattern: a filter by "at least" keeps it.
    """
    return [(name, tuple(map(str, words))) for name, words in _ORDERS.items() if name in table.column_names]
