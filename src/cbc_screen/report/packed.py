"""Flags as the kernel has them, eight rows to a byte: for the largest scans.

A packed file is Parquet with one row for each batch: bits, reasons and kept columns. It
carries its layout, so that `read_flags` words it as it was screened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_bytes, from_numpy, from_texts, rows_of
from cbc_screen.databases.address import require_file
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.ingest.frames import flags_of, to_polars
from cbc_screen.kernel.answers import AnswerPlace, Answers
from cbc_screen.regular import open_regular, unreadable
from cbc_screen.report.flags import flags_table
from cbc_screen.report.layout import FlagLayout

if TYPE_CHECKING:
    import pyarrow as pa

LAYOUT = b"cbc_screen.layout"

_PARQUET = b"PAR1"  # how a Parquet file begins


def pack(layout: FlagLayout, answers: Answers, reasons: Mapping[str, NDArray[np.int8]], keys: pa.Table) -> pa.Table:
    """Return one row that holds a batch; `keys` are the columns that stand before the flags."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, keys.schema) as stream:
        stream.write_table(keys)
    rows, lists = answers.lists
    codes = {
        "field": from_texts(list(reasons)),
        "codes": from_bytes([codes.tobytes() for codes in reasons.values()]),
    }
    columns = {
        **_packed_answers([answers]),
        "others": _one_list(_packed_others(answers.others)),
        "lists": _one_list(_packed_others([(rows, lists)])),
        "list_others": _one_list(_packed_others(lists.others)),
        "reasons": _one_list(codes),
        "keys": from_bytes([sink.getvalue().to_pybytes()]),
    }
    return pa.table(columns).replace_schema_metadata({LAYOUT: layout.to_json().encode()})


def _one_list(columns: Mapping[str, pa.Array]) -> pa.ListArray:
    """Return a single cell that holds every row of some columns."""
    import pyarrow as pa

    rows = pa.StructArray.from_arrays(list(columns.values()), list(columns))
    return pa.ListArray.from_arrays(from_numpy(np.array([0, len(rows)], dtype=np.int32)), rows)


def _packed_answers(parts: Sequence[Answers]) -> dict[str, pa.Array]:
    places = [{name: [place.base, list(place.planes)] for name, place in own.places.items()} for own in parts]
    return {
        "rows": from_numpy(np.array([own.rows for own in parts], dtype=np.int32)),
        "places": from_texts([json.dumps(own) for own in places]),
        "planes": from_bytes([own.planes for own in parts]),
    }


def _packed_others(others: Sequence[tuple[NDArray[np.intp], Answers]]) -> dict[str, pa.Array]:
    """Return the answers of some rows, with the places of those rows."""
    return {
        **_packed_answers([own for _, own in others]),
        "at": from_bytes([rows.astype(np.int32).tobytes() for rows, _ in others]),
    }


def _unpacked_others(found: Sequence[Mapping[str, Any]]) -> list[tuple[NDArray[np.intp], Answers]]:
    return [(np.frombuffer(own["at"], dtype=np.int32).astype(np.intp), _unpacked_answers(own)) for own in found]


def _unpacked_answers(row: Mapping[str, Any]) -> Answers:
    places = {name: AnswerPlace(base, tuple(planes)) for name, (base, planes) in json.loads(row["places"]).items()}
    count = 1 + max((plane for place in places.values() for plane in place.planes), default=-1)
    planes = np.frombuffer(row["planes"], dtype=np.uint8).reshape(count, (row["rows"] + 7) // 8)
    return Answers(row["rows"], places, planes, {})


def unpack(layout: FlagLayout, row: Mapping[str, Any]) -> pa.Table:
    """Word one batch: the key columns, then the flags."""
    import pyarrow as pa

    answers = _unpacked_answers(row)
    answers.others += _unpacked_others(row["others"])
    [(rows, lists)] = _unpacked_others(row["lists"])
    lists.others += _unpacked_others(row["list_others"])
    answers.lists = rows, lists
    reasons = {entry["field"]: np.frombuffer(entry["codes"], dtype=np.int8) for entry in row["reasons"]}
    table = pa.ipc.open_stream(row["keys"]).read_all()
    for name, column in zip(layout.column_names, flags_table(layout, answers, reasons).columns, strict=True):
        table = table.append_column(name, column)
    return table


def _open(path: Path) -> tuple[Any, dict[bytes, bytes]]:
    """Open a file of flags; return it with its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    require_file(path)
    problem, parquet = None, True
    try:
        with open_regular(path) as opened:  # a pipe would be waited for without end
            parquet = opened.read(len(_PARQUET)) == _PARQUET
        file = pq.ParquetFile(path, pre_buffer=False)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        told = (
            unreadable(path, error) if parquet else f"{path.name} is no Parquet file; scan again with -o NAME.parquet"
        )
        problem = UsageError(f"{told} (flags are read from a Parquet file that scan wrote)")
    # Outside the except block: nothing of the first error is attached.
    if problem is not None:
        raise problem
    metadata = {**(file.metadata.metadata or {}), **(file.schema_arrow.metadata or {})}
    if b"notice" not in metadata:
        raise UsageError(f"{path.name} does not hold flags that scan wrote")
    return file, metadata


def read_metadata(path: Path) -> dict[str, str]:
    """Return what stands in a file of flags about the file as a whole."""
    return {name.decode(): text.decode() for name, text in _open(path)[1].items()}


def read_batches(path: Path, *, threads: bool = True) -> Iterator[pa.Table]:
    """Yield what scan wrote to a Parquet file, packed or not, in readable columns, batch by batch.

    Without `threads` columns are read one after the other, which takes less memory.
    """
    import pyarrow as pa

    problem = None
    try:
        yield from _batches(path, threads)
    except (CBCScreenError, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError) as error:
        # Packed bytes that are damaged end wherever they are unpacked.
        problem = UsageError(unreadable(path, error))
    # Outside the except block: the first error may quote a cell.
    if problem is not None:
        raise problem


def _batches(path: Path, threads: bool) -> Iterator[pa.Table]:
    import pyarrow as pa

    file, metadata = _open(path)
    if LAYOUT in metadata:
        layout = FlagLayout.from_json(metadata[LAYOUT].decode())
        for batch in file.iter_batches(batch_size=1):
            for row in rows_of(pa.Table.from_batches([batch])):
                yield unpack(layout, row)
        return
    if file.metadata.num_rows == 0:
        yield file.schema_arrow.empty_table()
    for batch in file.iter_batches(use_threads=threads):
        yield pa.Table.from_batches([batch])


def read_flags(path: str | Path, *, kind: str = "pandas") -> Any:
    """Read what `scan` wrote, packed or not, in readable columns.

    Parameters
    ----------
    path : path
        A Parquet file that `scan` wrote.
    kind : "pandas", "polars" or "pyarrow"
        What to return; patterns, severities and urgencies can be compared as those of `screen_frame` can.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table

    Raises
    ------
    UsageError
        If the file is none that scan wrote, or is packed by another version.

    Examples
    --------
    >>> import tempfile
    >>> import cbc_screen as cbc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cbc.sample().to_csv(f"{folder}/counts.csv", index=False)
    ...     _ = cbc.scan(f"{folder}/counts.csv", f"{folder}/flags.parquet")
    ...     flags = cbc.read_flags(f"{folder}/flags.parquet")
    >>> bool((flags["severity"] >= "severe").any())
    True
    """
    import pyarrow as pa

    if kind not in ("pandas", "polars", "pyarrow"):
        raise UsageError('kind must be "pandas", "polars" or "pyarrow"')
    tables = [table.replace_schema_metadata(None) for table in read_batches(Path(path))]
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    if kind == "polars":
        return to_polars(table)
    return table if kind == "pyarrow" else flags_of(table)
