"""The header a second time among the rows: what tables joined end to end have."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, from_texts, is_text, to_bools, to_numpy
from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import RejectedRow, SourceBatch
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa

    from cbc_screen.ingest.csv import CSVSource
    from cbc_screen.ingest.excel import ExcelSource

_FEWEST = 2  # cells that are names of columns
_LOOKED_AT = 2  # columns: a header fills every one of them


class WithoutRepeatedHeaders:
    """A table whose rows that repeat the header are rejected.

    Behind a header in another order the cells would be read under the wrong names: such a file
    is refused.
    """

    def __init__(self, source: CSVSource | ExcelSource) -> None:
        self._source, self.headers = source, source.headers
        self.first_cells = source.first_cells
        self.unread = getattr(source, "unread", ())  # further sheets of a workbook
        self.alike = getattr(source, "alike", ())  # those with the same header

    def batches(
        self, columns: Sequence[str], plain: Container[str] = (), numbers: Container[str] = ()
    ) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches; see `SourceBatch`."""
        for batch in self._source.batches(columns, plain, numbers):
            yield without_repeated_header(batch, self.headers)


def without_repeated_header(batch: SourceBatch, headers: Sequence[str]) -> SourceBatch:
    """Return a batch with the rows that are the header again among those rejected."""
    repeated = _repeated(batch.columns, headers)
    _require_own_order(batch.columns, {place: f"line {batch.lines[place]}" for place in repeated})
    return _without(batch, repeated) if repeated else batch


def require_one_order(columns: Mapping[str, pa.Array], headers: Sequence[str]) -> None:
    """Refuse the columns of a frame in which a row holds the header in another order."""
    repeated = _repeated(columns, headers)
    _require_own_order(columns, {place: f"row {place} of the frame" for place in repeated})


def _require_own_order(columns: Mapping[str, pa.Array], repeated: Mapping[int, str]) -> None:
    for place, where in repeated.items():
        # A shorter header leaves cells empty, and those behind it.
        if any(cell not in ("", _folded(name)) for name, cell in _cells(columns, place).items()):
            raise UsageError(
                f"{where} holds the names of the columns in another order: these are several tables; split them there"
            )


def _repeated(columns: Mapping[str, pa.Array], headers: Sequence[str]) -> list[int]:
    """Return the rows of which most cells are names of columns."""
    if len(columns) < _FEWEST or not all(map(is_text, columns.values())):
        return []  # a batch with a column of numbers has none
    names = set(map(_folded, headers)) - {""}
    known = from_texts(sorted(names))
    places = set[int]()
    for array in list(columns.values())[:_LOOKED_AT]:
        places.update(np.flatnonzero(_is_in(array, known)).tolist())
    return sorted(place for place in places if _is_header(columns, place, names))


def _is_in(array: pa.Array, known: pa.Array) -> NDArray[np.bool_]:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = array.dictionary if pa.types.is_dictionary(array.type) else array
    found = to_bools(pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(texts)), known.cast(texts.type)))
    if texts is array:
        return found
    if not found.any():
        return np.zeros(len(array), dtype=np.bool_)
    codes, _ = to_numpy(array.indices.fill_null(0))
    return np.asarray(found[codes] & to_bools(array.is_valid()), dtype=np.bool_)


def _folded(text: str) -> str:
    """Return a name without its case, and without the mark that begins a file."""
    return text.removeprefix("\ufeff").strip().lower()


def _cells(columns: Mapping[str, pa.Array], place: int) -> dict[str, str]:
    return {name: _folded(array[place].as_py() or "") for name, array in columns.items()}


def _is_header(columns: Mapping[str, pa.Array], place: int, names: set[str]) -> bool:
    filled = [cell for cell in _cells(columns, place).values() if cell]
    own = len(names.intersection(filled))  # a header has each name once
    return own >= _FEWEST and 2 * own > len(filled)


def _without(batch: SourceBatch, repeated: list[int]) -> SourceBatch:
    """Return a batch with these rows among those rejected."""
    kept = np.setdiff1d(np.arange(len(batch.lines)), repeated)
    rejected = [RejectedRow(int(batch.lines[row]), Reason.HEADER_REPEATED, batch.content(row)) for row in repeated]
    return SourceBatch(
        {name: array.take(from_numpy(kept)) for name, array in batch.columns.items()},
        batch.lines[kept],
        lambda row: batch.content(int(kept[row])),
        sorted([*batch.rejected, *rejected], key=lambda row: row.line),
        batch.share,
    )
