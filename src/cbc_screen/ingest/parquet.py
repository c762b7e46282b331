"""Parquet, in batches of bounded size."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cbc_screen.arrays import is_text, without_view
from cbc_screen.errors import UsageError
from cbc_screen.ingest.repeated_header import without_repeated_header
from cbc_screen.ingest.source import SourceBatch, check_headers

if TYPE_CHECKING:
    import pyarrow as pa

# Steps on bits cost their dispatch: with twice as many rows a packed scan takes a sixth less (measured); readable flags
# take four times as much memory a row.
BATCH_ROWS = 131_072
_SMALL_BATCH_ROWS = 32_768
_READ_AT_ONCE = 65_536  # bytes of a column


class ParquetSource:
    """A Parquet file; the line of a row is its number, from 1."""

    def __init__(self, path: Path, small_batches: bool = False) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            # Without pre_buffer, and with a buffer, the memory is the same for a row group of any size
            # (measured; docs/performance.md).
            self._file = pq.ParquetFile(
                path, pre_buffer=False, buffer_size=_READ_AT_ONCE, page_checksum_verification=True
            )
        except (pa.ArrowException, OSError):
            self._file = None
        if self._file is None:
            raise UsageError("the source is not a readable Parquet file")
        self.headers = list(self._file.schema_arrow.names)
        self._batch_rows = _SMALL_BATCH_ROWS if small_batches else BATCH_ROWS

    def batches(
        self, columns: Sequence[str], plain: Container[str] = (), numbers: Container[str] = ()
    ) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches; see `SourceBatch`."""
        import pyarrow as pa

        check_headers(self.headers, columns)
        done, total = 0, self._file.metadata.num_rows
        try:
            # Arrow's own threads would each keep the memory that they have freed.
            for batch in self._file.iter_batches(batch_size=self._batch_rows, columns=list(columns), use_threads=False):
                lines = np.arange(done + 1, done + len(batch) + 1, dtype=np.int64)
                done += len(batch)
                arrays = {name: without_view(batch.column(name)) for name in columns}
                for array in arrays.values():
                    if is_text(array):
                        array.validate(full=True)  # damage may leave bytes that are no text

                def content(row: int, batch: pa.RecordBatch = batch) -> str:
                    return content_of({name: batch.column(name) for name in batch.schema.names}, row)

                share = done / total if total else 1.0
                yield without_repeated_header(SourceBatch(arrays, lines, content, (), share), self.headers)
        except (pa.ArrowException, OSError):
            failed = True
        else:
            failed = False
        if failed:
            # Outside the except block: an Arrow error may quote the data.
            raise UsageError(f"the Parquet file is damaged after row {done}")


def content_of(columns: Mapping[str, pa.Array], row: int) -> str:
    """Return a row as received."""
    cells = {name: _cell(column[row]) for name, column in columns.items()}
    return json.dumps(cells, default=str, ensure_ascii=False)


def _cell(scalar: pa.Scalar) -> object:
    """Return a cell as Python's own kind; a time that Python cannot hold as text."""
    import pyarrow as pa

    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        pass
    return scalar.cast(pa.string()).as_py()
