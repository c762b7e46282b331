"""What every reader of files gives: headers, then batches of cells with line numbers."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from cbc_screen.errors import UsageError
from cbc_screen.vocabulary import AUTO, Reason

if TYPE_CHECKING:
    import pyarrow as pa


LONGEST_ROW = 65_536
LONGEST_CONTENT = 4_096  # of what is kept of a result, a message or a resource for the file of rejects


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that could not be screened, with its place and its content as received.

    `file` says which of several files it is of, where the rows of a table came from several.
    """

    line: int
    reason: Reason
    content: str
    file: str = ""


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

    def batches(
        self, columns: Sequence[str], plain: Container[str] = (), numbers: Container[str] = ()
    ) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches, in the order of the file.

        Columns named in `plain` are of the same type in every batch. Those named in `numbers` may be of numbers in a
        batch in which every cell is one, or empty: their texts would say nothing else.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is read."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    format: str = AUTO
    profile: str | None = None
    persons: str | None = None
    skip_lines: int | None = None
    query: str | None = None  # of a database
    table: str | None = None
    decimal: str = "."  # the mark of the texts of a file; numbers that are no texts are written with it
    small_batches: bool = False  # of Parquet: a quarter as many rows


def check_headers(headers: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse to read a column that has the name of another."""
    for name in columns:
        if list(headers).count(name) > 1:
            raise UsageError(f"two columns are named {name_or_place(name, headers)}; remove or rename one of them")


def name_or_place(name: str, headers: Sequence[str]) -> str:
    """Return a name in quotation marks, or only its place where it has a digit: a row without a header has values."""
    return repr(name) if not any(map(str.isdigit, name)) else f"alike (column {list(headers).index(name) + 1})"
