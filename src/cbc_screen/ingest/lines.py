"""Lines of text files, none longer than can be held: of a longer one only the start is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

LONGEST_LINE = 1 << 24  # bytes or characters; a table of 100,000 columns has lines of a tenth of it
KEPT = 4_096  # of a longer one, for the file of rejects
_STEP = 1 << 20


class CutLine(str):
    """The start of a line that is too long for any row; it stands for the whole line."""

    __slots__ = ()


def bounded_lines(text: IO[str]) -> Iterator[str]:
    """Yield the lines of a text whose ends of lines are as received."""
    while line := text.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE or line.endswith(("\n", "\r")):
            yield line
            continue
        while (part := text.readline(_STEP)) and not part.endswith(("\n", "\r")):
            pass
        yield CutLine(line[:KEPT])


class ByteLines:
    """The lines of a stream of bytes, in blocks of whole ones; LF ends a line, and so do CR and CRLF."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._left = b""

    def block(self, size: int) -> bytes | CutLine:
        """Return some whole lines, at least `size` bytes where there are as many, or one line that is too long."""
        found, self._left = self._left + self._raw.read(size), b""
        return found if found.endswith(b"\n") else self._to_the_end(found)

    def line(self) -> bytes | CutLine:
        """Return a line, with those after it where CR ends them."""
        found, self._left = self._left, b""
        return self._to_the_end(found)

    def _to_the_end(self, found: bytes) -> bytes | CutLine:
        rest = self._raw.readline(LONGEST_LINE)
        found += rest
        if len(rest) < LONGEST_LINE or rest.endswith(b"\n"):
            return found
        end = found.rfind(b"\n") + 1 or found.rfind(b"\r") + 1
        if end:
            self._left = found[end:]
            return found[:end]
        self._pass_over()
        return CutLine(found[:KEPT].decode("utf-8", "replace"))

    def _pass_over(self) -> None:
        """Read to the end of a line."""
        while (part := self._raw.readline(_STEP)) and not part.endswith(b"\n"):
            _, mark, after = part.partition(b"\r")
            if mark and after:
                self._left = after
                return
