"""Blocks of plain delimited lines, parted by Arrow: no odd line end, no odd quotation mark.

Measured: 20 times the csv module. What is not plain is left to the careful reader, which
is the one that says what a line means; a block is read by one of the two and never both.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import to_numpy
from cbc_screen.ingest.source import LONGEST_ROW

if TYPE_CHECKING:
    import pyarrow as pa


_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class FastBlock:
    """A block that was read: wanted columns as texts, coded unless they are to be plain, or numbers, and the lines with another number of cells."""

    columns: list[pa.Array]
    numbers: NDArray[np.int64]
    invalid: list[tuple[int, str]]
    lines_read: int
    first: int
    block: bytes
    ends: NDArray[np.int64]

    def content(self, row: int) -> str:
        """Return row `row` of the columns as received."""
        line = int(self.numbers[row]) - self.first
        start = int(self.ends[line - 1]) + 1 if line else 0
        return self.block[start : int(self.ends[line])].decode("utf-8").rstrip("\r\n")


class FastLane:
    """Reads plain blocks of one file."""

    def __init__(
        self,
        width: int,
        delimiter: str,
        places: Sequence[int],
        plain: Collection[int] = (),
        numbers: Collection[int] = (),
    ) -> None:
        self._names = [f"c{place}" for place in range(width)]
        self._wanted = [self._names[place] for place in places]
        # Coding texts of which nearly each is another costs several times what reading them does (measured).
        self._plain = {self._names[place] for place in plain}
        self._delimiter = delimiter
        # Columns that were numbers so far: one that is read as numbers costs half of one read as texts (measured).
        self._numbers = {self._names[place] for place in numbers}

    def read(self, block: bytes, first: int, header: list[str] | None) -> FastBlock | None:
        """Read a block whose first line has this number, or return None where it is not plain.

        `header` is given while the header is still to come; it must then be the first line.
        """
        ends = self._plain_ends(block)
        if ends is None or not self._delimiter.isascii():
            return None
        start, skipped = 0, 0
        if header is not None:
            line = block[: ends[0]].decode("utf-8", "replace").rstrip("\r\n")
            if self._cells(line) != header or len(ends) == 1:
                return None
            start, skipped = int(ends[0]) + 1, 1
        if block.startswith(_MARK, start):
            return None  # Arrow would strip what the careful reader keeps
        invalid: list[tuple[int, str]] = []
        columns = self._read_columns(block, start, invalid)
        lines = len(ends) - skipped
        if columns is None or any(len(column) + len(invalid) != lines for column in columns):
            return None
        odd = np.array([number - 1 for number, _ in invalid], dtype=np.int64)
        numbers = np.delete(np.arange(first + skipped, first + skipped + lines, dtype=np.int64), odd)
        named = [(first + skipped + number - 1, text) for number, text in invalid]
        if any(self._may_be_sound(text) for _, text in named):
            return None
        return FastBlock(columns, numbers, named, len(ends), first, block, ends)

    def _may_be_sound(self, text: str) -> bool:
        """Tell whether a line is only too long by empty cells, which the careful reader takes."""
        cells = self._cells(text)
        return len(cells) > len(self._names) and not any(cells[len(self._names) :])

    def _cells(self, line: str) -> list[str]:
        return next(csv.reader([line], delimiter=self._delimiter), [])

    def _plain_ends(self, block: bytes) -> NDArray[np.int64] | None:
        """Return where each line ends, or None where the block is not plain."""
        if not _is_utf8(block):
            return None
        characters = np.frombuffer(block, dtype=np.uint8)
        ends = np.flatnonzero(characters == ord("\n"))
        # Ten times as fast as `count`, which stops at each of them (measured).
        returns = np.count_nonzero(characters == ord("\r")) if b"\r" in block else 0
        if returns != np.count_nonzero(characters[ends[ends > 0] - 1] == ord("\r")):
            return None
        if not block.endswith(b"\n"):
            ends = np.append(ends, len(block))
        lengths = np.diff(ends, prepend=-1)
        # A line without content is not a row, and Arrow would not count it.
        if len(ends) == 0 or lengths.min() <= (2 if returns else 1) or lengths.max() > LONGEST_ROW:
            return None
        return ends if b'"' not in block or self._quotes_whole_cells(block, ends) else None

    def _quotes_whole_cells(self, block: bytes, ends: NDArray[np.int64]) -> bool:
        """Tell whether every pair of marks stands around one cell, within one line.

        Each mark in turn opens and closes; a doubled mark inside a cell, a mark beside other
        text or one that does not close breaks the turn, and is for the careful reader.
        """
        characters = np.frombuffer(block, dtype=np.uint8)
        marks = np.flatnonzero(characters == ord('"'))
        opens, closes = marks[0::2], marks[1::2]
        if len(opens) != len(closes) or (np.searchsorted(ends, opens) != np.searchsorted(ends, closes)).any():
            return False
        around = np.array([ord(self._delimiter), ord("\n"), ord("\r")], dtype=np.uint8)
        before = characters[opens[opens > 0] - 1]
        after = characters[closes[closes < len(characters) - 1] + 1]
        return bool(np.isin(before, around[:2]).all() and np.isin(after, around).all())

    def _read_columns(self, block: bytes, start: int, invalid: list[tuple[int, str]]) -> list[pa.Array] | None:
        """Read the wanted columns: as numbers those that are nothing else, the others as texts."""
        if self._numbers:
            columns = self._parse(block, start, invalid, self._numbers)
            if columns is not None and all(map(_are_results, columns)):
                return columns
            invalid.clear()
        columns = self._parse(block, start, invalid, ())
        if columns is not None:
            there = dict(zip(self._wanted, columns, strict=True))
            self._numbers = {name for name in self._numbers if _are_numbers(there[name])}
        return columns

    def _parse(
        self, block: bytes, start: int, invalid: list[tuple[int, str]], numbers: Container[str]
    ) -> list[pa.Array] | None:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        def keep_invalid(row: arrow_csv.InvalidRow) -> str:
            invalid.append((row.number, row.text))
            return "skip"

        coded = pa.dictionary(pa.int32(), pa.string())
        types = {name: pa.string() if name in self._plain else coded for name in self._wanted}
        types |= {name: pa.float64() for name in self._wanted if name in numbers}
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(memoryview(block)[start:]),
                read_options=arrow_csv.ReadOptions(
                    column_names=self._names, use_threads=False, block_size=max(len(block) - start + 1, 1024)
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._delimiter,
                    quote_char='"' if b'"' in block else False,
                    invalid_row_handler=keep_invalid,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=types,
                    null_values=[""],
                    # No name would mean every column.
                    include_columns=self._wanted or self._names[:1],
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowException:
            return None
        if any(number is None for number, _ in invalid):
            return None
        return [column.combine_chunks() for column in table.columns[: len(self._wanted)]]


def _are_numbers(column: pa.DictionaryArray) -> bool:
    """Tell whether the coded texts of a column are numbers, or empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.dictionary
    try:
        return _are_results(texts.filter(pc.not_equal(texts, "")).cast(pa.float64()))
    except pa.ArrowException:
        return False


def _are_results(column: pa.Array) -> bool:
    """Tell whether a column that was read as numbers has none that results are not: infinite, negative, no number."""
    import pyarrow.types as types

    if not types.is_floating(column.type):
        return True
    values, there = to_numpy(column)
    own = values if there is None else values[there]
    return bool((np.isfinite(own) & (own >= 0)).all())


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
