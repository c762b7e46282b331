"""pandas, pyarrow and polars frames in and out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from cbc_screen.arrays import without_view
from cbc_screen.errors import UsageError
from cbc_screen.vocabulary import Pattern, Severity, Urgency

if TYPE_CHECKING:
    import pyarrow as pa


_ORDERS = {"pattern": Pattern, "severity": Severity, "severity_min": Severity, "urgency": Urgency}
# What these libraries have besides frames, and what to do with it.
_NO_FRAMES = {
    "LazyFrame": "a lazy frame has no rows yet; give frame.collect(), or scan its file",
    "Series": "a series is one column, or one row; give a frame, or screen(record) for one person",
    "ChunkedArray": "an array is one column; give a table",
    "RecordBatch": "give a table: pyarrow.Table.from_batches([batch])",
}


def frame_kind(frame: Any) -> str:
    """Say which library a frame is of, without importing any."""
    module, name = type(frame).__module__.partition(".")[0], type(frame).__name__
    if name in _NO_FRAMES:
        raise UsageError(_NO_FRAMES[name])
    if module in ("pandas", "pyarrow", "polars"):
        return module
    raise UsageError("screen_frame takes a pandas, pyarrow or polars frame")


def to_arrow(frame: Any, columns: list[str]) -> dict[str, pa.Array]:
    """Return the wanted columns as Arrow arrays."""
    kind = frame_kind(frame)
    times = Counter(frame.column_names if kind == "pyarrow" else frame.columns)
    if repeated := [name for name in columns if times[name] > 1]:
        raise UsageError(f"column {repeated[0]!r} stands twice in the frame")
    return {name: _array(frame[name] if kind != "pyarrow" else frame.column(name), kind) for name in columns}


def headers(frame: Any) -> list[str]:
    """Return the column names as texts."""
    kind = frame_kind(frame)
    names = list(frame.column_names) if kind == "pyarrow" else list(frame.columns)
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _array(column: Any, kind: str) -> pa.Array:
    import pyarrow as pa

    if kind == "pandas":
        try:
            array = pa.array(column, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            array = None
        if array is None:
            # Outside the except block: the Arrow error quotes the cell.
            null = column.isna().tolist()
            array = pa.array(
                [None if no else str(v) for v, no in zip(column.tolist(), null, strict=True)], type=pa.string()
            )
    elif kind == "polars":
        array = column.to_arrow()
    else:
        array = column
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return without_view(array)


def from_arrow(table: pa.Table, like: Any, *, same_rows: bool = True) -> Any:
    """Return a table as the same kind of frame; with the same index where it has the same rows."""
    kind = frame_kind(like)
    if kind == "pyarrow":
        return table
    if kind == "polars":
        import polars as pl

        made = pl.DataFrame(pl.from_arrow(table))
        return made.with_columns(pl.col(name).cast(pl.Enum(list(words))) for name, words in _ordered(table))
    import pandas as pd
    import pyarrow as pa

    frame = table.to_pandas(types_mapper={pa.int8(): pd.Int8Dtype()}.get)
    if same_rows:
        frame.index = like.index
    for name, words in _ordered(table):
        frame[name] = frame[name].astype(pd.CategoricalDtype(list(words), ordered=True))
    return frame


def _ordered(table: pa.Table) -> list[tuple[str, tuple[str, ...]]]:
    """Return the columns of words that have an order, and those in it.

    What cannot be told stands above every severity and pattern: a filter by "at least" keeps it.
    """
    return [(name, tuple(map(str, words))) for name, words in _ORDERS.items() if name in table.column_names]
