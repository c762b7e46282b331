"""CSV and TSV: every cell as text, every bad line kept with its number and content.

This is the careful reader, and the choice between it and the fast lane for each block.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from cbc_screen.errors import UsageError
from cbc_screen.ingest.compressed import not_packed, unpacked
from cbc_screen.ingest.csv_lines import OpenedText, OversizeError, ShareRead, Tape, TextLines, split_lines
from cbc_screen.ingest.encodings import FEW, bad_lines, refusal
from cbc_screen.ingest.encodings import LOOKED_AT as LOOKED_AT_BYTES
from cbc_screen.ingest.fastlane import FastBlock, FastLane
from cbc_screen.ingest.lines import KEPT, CutLine, bounded_lines
from cbc_screen.ingest.preamble import LOOKED_AT, preamble_lines
from cbc_screen.ingest.source import LONGEST_ROW, ReadOptions, RejectedRow, SourceBatch, check_headers
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_LIKE = 3  # columns from which a line inside a cell may be a row
BATCH_ROWS = 50_000
BLOCK_BYTES = 1 << 22
DELIMITERS = (",", ";", "\t", "|")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


_Line = tuple[int, str, list[str]]  # line number, content as received, cells


class CSVSource:
    """A delimited text file, plain or gzip."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._encoding = options.encoding or self._detect_encoding()
        try:
            with self._open() as (opened, _):
                text = bounded_lines(opened)
                start = list(islice(text, LOOKED_AT))
                self._preamble = self._find_header(start, options)
                rest = chain(start[self._preamble :], text)
                first = next((line for line in rest if line.strip()), None)
                self._header = self._read_header(first, rest, options) if first is not None else []
                self.first_cells = self._read_first_cells(rest) if first is not None else []
        except csv.Error:
            raise UsageError("the header line is too long, or a quotation mark in it never closes") from None
        except (LookupError, ValueError):
            raise UsageError(
                f"the source cannot be read as {self._encoding} text; name its encoding (--encoding)"
            ) from None
        except (OSError, EOFError, zlib.error):
            raise UsageError(not_packed(self._path)) from None
        if first is None:
            raise UsageError("the source has no header line")
        if options.encoding is None and self._encoding == "utf-8":
            self._require_utf8()
        self.headers = [_clean(cell).replace("\ufeff", "").strip() for cell in self._header]

    def _require_utf8(self) -> None:
        """Refuse a text in another encoding: its names would be lost. A few bad bytes cost the cells they are in."""
        content = bytearray()
        with self._open_raw() as (raw, _), suppress(OSError, EOFError, zlib.error):  # damage is met again
            while len(content) < LOOKED_AT_BYTES and (part := raw.read(LOOKED_AT_BYTES >> 4)):
                content += part
        lines = [] if content.isascii() else bad_lines(content)
        if lines and (len(lines) >= FEW or any(_SURROGATE.search(cell) for cell in self._header)):
            raise UsageError(refusal(bytes(content), lines))

    def _find_header(self, start: list[str], options: ReadOptions) -> int:
        """Return how many lines stand above the header: as declared, else as they look."""
        if options.skip_lines is not None:
            return options.skip_lines
        most = max(DELIMITERS, key=lambda mark: sum(line.count(mark) for line in start))
        delimiter = options.delimiter or most
        return preamble_lines(start, delimiter) if len(delimiter) == 1 else 0

    def _read_header(self, first: str, text: Iterator[str], options: ReadOptions) -> list[str]:
        """Part the header record, which may go over several lines, and choose the delimiter."""
        if type(first) is CutLine:
            raise UsageError("the header line is too long; is the source a table of text?")
        if "\x00" in first:
            raise UsageError(
                "the source is not a text file (it holds NUL bytes); name its encoding if it is (--encoding)"
            )
        self._delimiter = options.delimiter or _delimiter(first)
        if len(self._delimiter) != 1:
            raise UsageError("delimiter must be one character")
        return next(csv.reader(chain([first], text), delimiter=self._delimiter), [])

    def _read_first_cells(self, rest: Iterator[str]) -> list[str]:
        """Return the cells under the header, which may be units."""
        line = next((line for line in rest if line.strip()), "")
        return (
            next(csv.reader([line], delimiter=self._delimiter), [])
            if '"' not in line and len(line) < LONGEST_ROW
            else []
        )

    def _detect_encoding(self) -> str:
        with self._path.open("rb") as file:
            try:
                start = unpacked(file, self._path).read(4)
            except (OSError, EOFError, zlib.error):
                raise UsageError(not_packed(self._path)) from None
        return next((encoding for mark, encoding in _BOMS if start.startswith(mark)), "utf-8")

    def _open(self) -> OpenedText:
        return OpenedText(self._path, self._encoding)

    @contextmanager
    def _open_raw(self) -> Iterator[tuple[IO[bytes], ShareRead]]:
        with OpenedText(self._path, None) as (raw, share):
            if self._encoding == "utf-8-sig":
                raw.read(3)  # the byte order mark
            yield raw, share

    def batches(
        self, columns: Sequence[str], plain: Container[str] = (), numbers: Container[str] = ()
    ) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches; see `SourceBatch`.

        A block of plain lines goes to Arrow, any other to the careful reader; both give the
        same cells (tests hold them equal), and no line is read by both.
        """
        check_headers(self.headers, columns)
        if self._encoding not in ("utf-8", "utf-8-sig"):
            yield from self._careful_batches(columns)
            return
        places = [self.headers.index(name) for name in columns]
        as_texts = {place for place, name in zip(places, columns, strict=True) if name in plain}
        as_numbers = {place for place, name in zip(places, columns, strict=True) if name in numbers} - as_texts
        fast = FastLane(len(self.headers), self._delimiter, places, as_texts, as_numbers)
        number, header = self._preamble, True
        with self._open_raw() as (raw, share):
            lines = TextLines(raw)
            for _ in islice(lines, self._preamble):
                pass
            while block := lines.read_block(number, BLOCK_BYTES):
                found = None
                if isinstance(block, bytes):
                    found = fast.read(block, number + 1, self._header if header else None)
                    if found is None:
                        block = split_lines(block)
                if found is not None:
                    number, header = number + found.lines_read, False
                    yield self._fast_batch(columns, found, share())
                    continue
                assert isinstance(block, list)
                batch, extra, header = self._careful_batch(columns, block, number, lines, share, header)
                number += len(block) + extra
                yield batch

    def _fast_batch(self, columns: Sequence[str], found: FastBlock, share: float) -> SourceBatch:
        rejected = []
        for line, content in found.invalid:
            _, refused = self._sort([content], [next(csv.reader([content], delimiter=self._delimiter))], line - 1)
            rejected += refused
        arrays = dict(zip(columns, found.columns, strict=True))
        return SourceBatch(arrays, found.numbers, found.content, rejected, share)

    def _careful_batches(self, columns: Sequence[str]) -> Iterator[SourceBatch]:
        number, header = self._preamble, True
        with self._open() as (opened, share):
            text = bounded_lines(opened)
            for _ in islice(text, self._preamble):
                pass
            while block := self._read(text, number):
                batch, extra, header = self._careful_batch(columns, block, number, text, share, header)
                number += len(block) + extra
                yield batch

    def _careful_batch(
        self,
        columns: Sequence[str],
        block: list[str],
        number: int,
        text: Iterator[str],
        share: Callable[[], float],
        header: bool,
    ) -> tuple[SourceBatch, int, bool]:
        """Read a block cell by cell; also say how many lines beyond it were read, and if the header is still to come."""
        places = [self.headers.index(name) for name in columns]
        ascii_only = all(map(str.isascii, block))
        rows, rejected, extra = self._parse(block, number, text)
        if header and (rows or rejected):
            header = False
            # Only the header itself is taken off: the first row that is sound would be
            # a patient's if the header were rejected.
            if not rows or rows[0][2] != self._header:
                raise UsageError("the header line cannot be read as a row of the file")
            rows = rows[1:]
        batch = _batch(columns, places, rows, rejected, share(), ascii_only=ascii_only and not extra)
        return batch, extra, header

    def _read(self, text: Iterator[str], number: int) -> list[str]:
        try:
            return list(islice(text, BATCH_ROWS))
        except (OSError, EOFError, zlib.error, UnicodeDecodeError):
            message = f"the source is cut short or damaged after line {number}"
        # Outside the except block: a decoding error quotes the bytes.
        raise UsageError(message)

    def _parse(self, block: list[str], number: int, text: Iterator[str]) -> tuple[list[_Line], list[RejectedRow], int]:
        """Part a block of lines into cells; `number` is the line before it.

        Also returns how many lines beyond the block a quoted record took.
        """
        if not any('"' in line for line in block):
            try:
                rows = list(csv.reader(block, delimiter=self._delimiter))
            except csv.Error:
                rows = []
            if len(rows) == len(block):
                return (*self._sort(block, rows, number), 0)
        return self._parse_quoted(block, number, text)

    def _sort(self, block: list[str], rows: list[list[str]], number: int) -> tuple[list[_Line], list[RejectedRow]]:
        width, good, rejected = len(self.headers), [], []
        for line, (content, cells) in enumerate(zip(block, rows, strict=True), start=number + 1):
            if type(content) is CutLine:
                rejected.append(RejectedRow(line, Reason.OVERSIZE, _clean(content)))
            elif len(cells) == width:
                good.append((line, content, cells))
            elif len(cells) > width and not any(cells[width:]):
                good.append((line, content, cells[:width]))
            elif content.strip():
                rejected.append(RejectedRow(line, Reason.ROW_RAGGED, _clean(content.rstrip("\r\n"))))
        return good, rejected

    def _parse_quoted(
        self, block: list[str], number: int, text: Iterator[str]
    ) -> tuple[list[_Line], list[RejectedRow], int]:
        """Part lines with quotation marks, record by record."""
        tape, width = Tape(block, number, text), len(self.headers)
        reader = self._reader(tape)
        good: list[_Line] = []
        rejected: list[RejectedRow] = []
        while tape.pending:
            tape.begin()
            reason, cells = Reason.ROW_RAGGED, None
            try:
                cells = next(reader)
            except OversizeError:
                reason = Reason.OVERSIZE
            except csv.Error as problem:
                reason = Reason.OVERSIZE if "larger than field limit" in str(problem) else Reason.ROW_RAGGED
            except StopIteration:
                break
            if cells is not None and self._swallows_rows(tape):
                cells = None
            if cells is not None and len(cells) > width and not any(cells[width:]):
                cells = cells[:width]
            if cells is not None and len(cells) == width:
                good.append((tape.line, tape.content, cells))
                continue
            # A stray quotation mark can swallow the lines after it: only the first line is
            # at stake, the others are read again.
            tape.keep_first_line_only()
            reader = self._reader(tape)
            alone = self._read_alone(tape.record[0][1]) if reason is Reason.ROW_RAGGED else None
            if alone is not None:
                good.append((tape.line, tape.content, alone))
            elif tape.content.strip():
                content = tape.content if reason is not Reason.OVERSIZE else tape.content[:KEPT]
                rejected.append(RejectedRow(tape.line, reason, _clean(content)))
        return good, rejected, tape.extra

    def _reader(self, lines: Iterable[str]) -> Any:
        # Strict: a mark that closes before other text, or never, is an error and no end of a cell.
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _read_alone(self, line: str) -> list[str] | None:
        """Read a line with an odd mark by itself, or return None where its marks do not close."""
        try:
            cells = next(csv.reader([line], delimiter=self._delimiter))
        except (csv.Error, StopIteration):
            return None
        closed = not any("\n" in cell or "\r" in cell for cell in cells) and line.endswith(("\n", "\r"))
        return cells if closed and len(cells) == len(self.headers) else None

    def _swallows_rows(self, tape: Tape) -> bool:
        """Tell whether a record of several lines holds a line that is a row by itself.

        Two stray marks look like a cell of several lines. No line is given up as part of a
        cell that could be somebody's results.
        """
        width = len(self.headers)
        return width >= _ROW_LIKE and any(
            line.count(self._delimiter) == width - 1 for _, line in tape.record[1:] if '"' not in line
        )


def _delimiter(header: str) -> str:
    """Return the delimiter that parts the header into the most cells; ties go to the first."""
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))


def _clean(text: str) -> str:
    """Replace undecodable bytes, which Arrow and UTF-8 files cannot hold."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _batch(
    columns: Sequence[str],
    places: Sequence[int],
    rows: list[_Line],
    rejected: list[RejectedRow],
    share: float,
    *,
    ascii_only: bool,
) -> SourceBatch:
    import pyarrow as pa

    arrays: dict[str, pa.Array] = {}
    for name, place in zip(columns, places, strict=True):
        cells = [cells[place] for _, _, cells in rows]
        arrays[name] = pa.array(cells if ascii_only else [_clean(cell) for cell in cells], type=pa.string())
    lines = np.fromiter((line for line, _, _ in rows), dtype=np.int64, count=len(rows))
    return SourceBatch(arrays, lines, lambda row: _clean(rows[row][1].rstrip("\r\n")), rejected, share)
