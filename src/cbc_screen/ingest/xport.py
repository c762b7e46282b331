"""SAS transport files (.xpt), as pandas reads them."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import SourceBatch, check_headers

BATCH_ROWS = 50_000
MAGIC = b"HEADER RECORD*******LIB"


class XportSource:
    """A SAS transport file of one table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.headers: list[str] = []
        with path.open("rb") as file:
            self.headers = [str(name) for name in self._open(file).columns]

    def _open(self, file: IO[bytes]) -> Any:
        import pandas as pd

        try:
            return pd.read_sas(file, format="xport", encoding="utf-8", chunksize=BATCH_ROWS)
        except Exception as problem:  # pandas raises many kinds for a damaged file
            kind = type(problem).__name__
        raise UsageError(f"the SAS transport file cannot be read ({kind})")

    def batches(
        self, columns: Sequence[str], plain: Container[str] = (), numbers: Container[str] = ()
    ) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches; see `SourceBatch`."""
        check_headers(self.headers, columns)
        with self._path.open("rb") as file:
            reader, done = self._open(file), 0
            while True:
                frame = self._next(reader, done)
                if frame is None or not len(frame):
                    return
                yield _batch(frame, columns, done)
                done += len(frame)

    @staticmethod
    def _next(reader: Any, done: int) -> Any:
        try:
            return reader.read(BATCH_ROWS)
        except StopIteration:
            return None
        except Exception as problem:  # as above
            kind = type(problem).__name__
        raise UsageError(f"the SAS transport file is damaged after row {done} ({kind})")


def _batch(frame: Any, columns: Sequence[str], done: int) -> SourceBatch:
    import pyarrow as pa

    arrays = {name: pa.array(frame[name], from_pandas=True) for name in columns}

    def content(row: int) -> str:
        return json.dumps({str(name): value for name, value in frame.iloc[row].items()}, default=str)

    lines = np.arange(done + 1, done + len(frame) + 1, dtype=np.int64)
    return SourceBatch(arrays, lines, content, (), 1.0)
