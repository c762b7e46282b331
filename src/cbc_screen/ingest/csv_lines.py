"""The lines of a text file: in blocks, one by one, and as the csv module asks for them."""

from __future__ import annotations

import io
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from cbc_screen.errors import UsageError
from cbc_screen.ingest.compressed import unpacked
from cbc_screen.ingest.lines import ByteLines, CutLine
from cbc_screen.ingest.source import LONGEST_ROW


class OversizeError(Exception):
    """A record grew past `LONGEST_ROW`: most likely a quotation mark that never closes."""


class Tape:
    """Feeds lines to the csv module and remembers those of the current record.

    When the block ends inside a record the tape goes on with the file.
    """

    def __init__(self, block: list[str], number: int, text: Iterator[str]) -> None:
        self._waiting = deque(enumerate(block, start=number + 1))
        self._text, self._next = text, number + len(block) + 1
        self.record: list[tuple[int, str]] = []
        self.extra = self._length = 0

    def __iter__(self) -> Tape:
        return self

    def __next__(self) -> str:
        if self._waiting:
            entry = self._waiting.popleft()
        elif self.record:
            entry = (self._next, next(self._text))
            self._next += 1
            self.extra += 1
        else:
            raise StopIteration
        self.record.append(entry)
        self._length += len(entry[1])
        if type(entry[1]) is CutLine or (len(self.record) > 1 and self._length > LONGEST_ROW):
            raise OversizeError
        return entry[1]

    @property
    def pending(self) -> bool:
        """Whether lines of the block wait to be read."""
        return bool(self._waiting)

    def begin(self) -> None:
        """Begin a record."""
        self.record, self._length = [], 0

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


class TextLines:
    """The lines of a UTF-8 file, in blocks that end with a line, or one by one beyond a block."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = ByteLines(raw)
        self._waiting: deque[str] = deque()
        self._number = 0

    def read_block(self, number: int, size: int) -> bytes | list[str]:
        """Return the next block: bytes, or the lines left of one that was read one by one."""
        if self._waiting:
            left = list(self._waiting)
            self._waiting.clear()
            return left
        found = self._read(lambda: self._raw.block(size), number)
        return [found] if isinstance(found, CutLine) else found

    def __iter__(self) -> TextLines:
        return self

    def __next__(self) -> str:
        if not self._waiting:
            found = self._read(self._raw.line, self._number)
            self._waiting.extend([found] if isinstance(found, CutLine) else split_lines(found))
        if not self._waiting:
            raise StopIteration
        return self._waiting.popleft()

    def _read(self, read: Callable[[], bytes | CutLine], number: int) -> bytes | CutLine:
        self._number = number
        try:
            return read()
        except (OSError, EOFError, zlib.error):
            message = f"the source is cut short or damaged after line {number}"
        # Outside the except block: nothing of the first error is attached.
        raise UsageError(message)


def split_lines(block: bytes) -> list[str]:
    """Decode a block and part its lines; undecodable bytes cost the cell they are in."""
    return list(io.StringIO(block.decode("utf-8", "surrogateescape"), newline=""))


class OpenedText:
    """An open text file with its share read so far."""

    def __init__(self, path: Path, encoding: str | None) -> None:
        self._path, self._encoding = path, encoding

    def __enter__(self) -> tuple[Any, ShareRead]:
        with ExitStack() as undo:  # an encoding that Python does not know leaves no file open
            self._file = undo.enter_context(self._path.open("rb"))
            raw = unpacked(self._file, self._path)
            share = ShareRead(self._file, self._path.stat().st_size)
            self._opened: IO[Any] = raw
            if self._encoding is not None:
                # Undecodable bytes cost the cell they are in, not the file.
                errors = "strict" if self._encoding.startswith("utf-16") else "surrogateescape"
                self._opened = io.TextIOWrapper(raw, encoding=self._encoding, errors=errors, newline="")
            undo.pop_all()
        return self._opened, share

    def __exit__(self, *_: object) -> None:
        self._opened.close()
        self._file.close()


class ShareRead:
    """How much of a file was read so far."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size = file, size

    def __call__(self) -> float:
        """Return the share read, from 0 to 1."""
        return self._file.tell() / self._size if self._size else 1.0
