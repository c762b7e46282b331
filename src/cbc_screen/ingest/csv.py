"""CSV and TSV: every cell as text, every bad line kept with its number and content."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np

from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import ReadOptions, RejectedRow, SourceBatch, check_headers
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 50_000
LONGEST_ROW = 65_536
DELIMITERS = (",", ";", "\t", "|")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class _OversizeError(Exception):
    """A record grew past `LONGEST_ROW`: most likely a quotation mark that never closes."""


class _Tape:
    """Feeds lines to the csv module and remembers those of the current record."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._waiting = lines, deque[tuple[int, str]]()
        self._number = 0
        self.record: list[tuple[int, str]] = []

    def __iter__(self) -> _Tape:
        return self

    def __next__(self) -> str:
        if self._waiting:
            entry = self._waiting.popleft()
        else:
            entry = (self._number + 1, next(self._lines))
            self._number += 1
        self.record.append(entry)
        if len(self.record) > 1 and sum(len(text) for _, text in self.record) > LONGEST_ROW:
            raise _OversizeError
        return entry[1]

    def begin(self) -> None:
        """Begin a record."""
        self.record = []

    def keep_first_line_only(self) -> None:
        """Give the lines after the first one back, to be read again as rows of their own."""
        self._waiting.extendleft(reversed(self.record[1:]))
        self.record = self.record[:1]

    @property
    def line(self) -> int:
        """The number of the record's first line."""
        return self.record[0][0]

    @property
    def content(self) -> str:
        """The record as received."""
        return "".join(text for _, text in self.record).rstrip("\r\n")


class CSVSource:
    """A delimited text file, plain or gzip."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._encoding = options.encoding or self._detect_encoding()
        try:
            with self._open() as (text, _):
                first = next((line for line in text if line.strip()), None)
        except (LookupError, ValueError):
            raise UsageError(
                f"the source cannot be read as {self._encoding} text; name its encoding (--encoding)"
            ) from None
        except (OSError, EOFError, zlib.error):
            raise UsageError("the source is named .gz and is not a gzip file, or it is cut short") from None
        if first is None:
            raise UsageError("the source has no header line")
        if "\x00" in first:
            raise UsageError(
                "the source is not a text file (it holds NUL bytes); name its encoding if it is (--encoding)"
            )
        self._delimiter = options.delimiter or _delimiter(first)
        if len(self._delimiter) != 1:
            raise UsageError("delimiter must be one character")
        cells = next(csv.reader([first], delimiter=self._delimiter), [])
        self.headers = [_clean(cell).replace("\ufeff", "").strip() for cell in cells]

    def _detect_encoding(self) -> str:
        with self._raw() as file:
            try:
                start = file.read(4)
            except (OSError, EOFError, zlib.error):
                raise UsageError("the source is named .gz and is not a gzip file, or it is cut short") from None
        return next((encoding for mark, encoding in _BOMS if start.startswith(mark)), "utf-8")

    def _raw(self) -> io.BufferedIOBase:
        if self._path.suffix.lower() == ".gz":
            return gzip.GzipFile(self._path, "rb")
        return self._path.open("rb")

    def _open(self) -> _Opened:
        return _Opened(self._path, self._encoding)

    def batches(self, columns: Sequence[str]) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches; see `SourceBatch`."""
        check_headers(self.headers, columns)
        places = [self.headers.index(name) for name in columns]
        with self._open() as (text, share):
            rows: list[list[str]] = []
            lines: list[int] = []
            contents: list[str] = []
            rejected: list[RejectedRow] = []
            for line, content, cells, reason in self._records(text):
                if cells is None:
                    rejected.append(RejectedRow(line, reason, _clean(content)))
                else:
                    rows.append(cells)
                    lines.append(line)
                    contents.append(content)
                if len(rows) + len(rejected) >= BATCH_ROWS:
                    yield _batch(columns, places, rows, lines, contents, rejected, share())
                    rows, lines, contents, rejected = [], [], [], []
            yield _batch(columns, places, rows, lines, contents, rejected, 1.0)

    def _records(self, text: Iterator[str]) -> Iterator[tuple[int, str, list[str] | None, Reason]]:
        """Yield line, content, and the cells or the reason why the line is rejected."""
        tape, width = _Tape(text), len(self.headers)
        reader = csv.reader(tape, delimiter=self._delimiter)
        header_seen = False
        while True:
            tape.begin()
            reason = Reason.ROW_RAGGED
            try:
                cells = next(reader)
            except StopIteration:
                return
            except _OversizeError:
                cells, reason = None, Reason.OVERSIZE
            except csv.Error:
                cells, reason = None, Reason.OVERSIZE
            except (OSError, EOFError, zlib.error):
                raise UsageError(
                    f"the source is cut short or damaged after line {tape.line if tape.record else 0}"
                ) from None
            if cells is not None and not any(cells) and not tape.content.strip():
                continue
            if cells is not None and not header_seen:
                header_seen = True
                continue
            if cells is not None and len(cells) > width and not any(cells[width:]):
                cells = cells[:width]
            if cells is None or len(cells) != width:
                # A stray quotation mark can swallow the lines after it: only the first
                # line is rejected, the others are read again.
                tape.keep_first_line_only()
                reader = csv.reader(tape, delimiter=self._delimiter)
                cells = None
            yield tape.line, tape.content, cells, reason


class _Opened:
    """An open text file with its share read so far."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._path, self._encoding = path, encoding

    def __enter__(self) -> tuple[IO[str], _Share]:
        self._file = self._path.open("rb")
        zipped = self._path.suffix.lower() == ".gz"
        raw: IO[bytes] = cast(IO[bytes], gzip.GzipFile(fileobj=self._file)) if zipped else self._file
        # Undecodable bytes cost the cell they are in, not the file.
        errors = "strict" if self._encoding.startswith("utf-16") else "surrogateescape"
        self._text = io.TextIOWrapper(raw, encoding=self._encoding, errors=errors, newline="")
        return self._text, _Share(self._file, self._path.stat().st_size)

    def __exit__(self, *_: object) -> None:
        self._text.close()
        self._file.close()


class _Share:
    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size = file, size

    def __call__(self) -> float:
        return self._file.tell() / self._size if self._size else 1.0


def _delimiter(header: str) -> str:
    """Return the delimiter that parts the header into the most cells; ties go to the first."""
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))


def _clean(text: str) -> str:
    """Replace undecodable bytes, which Arrow and UTF-8 files cannot hold."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _batch(
    columns: Sequence[str],
    places: Sequence[int],
    rows: list[list[str]],
    lines: list[int],
    contents: list[str],
    rejected: list[RejectedRow],
    share: float,
) -> SourceBatch:
    import pyarrow as pa

    arrays: dict[str, pa.Array] = {}
    for name, place in zip(columns, places, strict=True):
        cells = [row[place] for row in rows]
        if any(not cell.isascii() for cell in cells):
            cells = [_clean(cell) for cell in cells]
        arrays[name] = pa.array(cells, type=pa.string())
    return SourceBatch(arrays, np.array(lines, dtype=np.int64), lambda i: _clean(contents[i]), rejected, share)
