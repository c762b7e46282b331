"""What every reader of files gives: headers, then batches of cells with line numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from cbc_screen.errors import UsageError
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that could not be screened, with its place and its content as received."""

    line: int
    reason: Reason
    content: str


@dataclass(frozen=True)
class SourceBatch:
    """Some rows of a file: wanted columns, the line of each row, and rows rejected on the way.

    `content(i)` gives row i of the batch as received; `share` is how much of the file has
    been read.
    """

    columns: Mapping[str, pa.Array]
    lines: NDArray[np.int64]
    content: Callable[[int], str]
    rejected: Sequence[RejectedRow]
    share: float


class TableSource(Protocol):
    """A file of one blood count a row."""

    headers: list[str]

    def batches(self, columns: Sequence[str]) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches, in the order of the file."""
        ...


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is read."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


def open_source(path: Path, options: ReadOptions) -> TableSource:
    """Open a file by what it holds; an ending that says otherwise is an error."""
    from cbc_screen.ingest.csv import CSVSource
    from cbc_screen.ingest.excel import ExcelSource
    from cbc_screen.ingest.parquet import ParquetSource

    if path.is_dir():
        raise UsageError("the source is a folder; name a file")
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        raise UsageError("the source does not exist") from None
    except OSError as problem:
        raise UsageError(f"the source cannot be opened ({problem.strerror})") from None
    if not start:
        raise UsageError("the source is empty")
    ending = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    is_parquet, is_zip = start.startswith(b"PAR1"), start.startswith(b"PK\x03\x04")
    if is_parquet or ending in (".parquet", ".pq"):
        if not is_parquet:
            raise UsageError("the source is named .parquet and is not a Parquet file")
        return ParquetSource(path)
    if ending == ".xlsx":
        if not is_zip:
            raise UsageError("the source is named .xlsx and is not an Excel workbook")
        return ExcelSource(path, options.sheet)
    if is_zip:
        raise UsageError("the source is a zip archive or a workbook; unpack it, or name it .xlsx")
    if start.startswith((b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"SQLite f")):
        raise UsageError("the source is not a table of text; export it as CSV, Parquet or .xlsx")
    return CSVSource(path, options)


def check_headers(headers: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse to read a column whose name stands twice."""
    for name in columns:
        if list(headers).count(name) > 1:
            raise UsageError(f"column {name!r} stands twice; remove or rename one of them")
