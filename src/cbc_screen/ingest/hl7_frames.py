"""HL7 v2: bytes to messages, by lines, separators and character sets."""

from __future__ import annotations

import codecs
import re
import string
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import LONGEST_CONTENT
from cbc_screen.vocabulary import Reason

LONGEST_MESSAGE = 1 << 20
# What a file that is cut short or damaged ends in.
DAMAGE = (OSError, EOFError, zlib.error, UnicodeError)
_REMEMBERED = 1_024  # starts of lines
_TOGETHER = 32  # segments that are added to a message at once
LEADING = b" \t\x00\x0b\x1c\xef\xbb\xbf"  # indentation, framing and byte order marks before a segment
_FRAMING = re.compile(rb"[\x0b\x1c]")
_BATCH = re.compile(rb"(?:FHS|BHS|BTS|FTS)(?:[^A-Za-z0-9\s]|\Z)")
_ORPHAN = re.compile(rb"OBX[^A-Za-z0-9\s]")
_COMMENTS = (b"#", b"//")
_ENVELOPE = frozenset((b"MSH", b"FHS", b"BHS", b"BTS", b"FTS"))
_OPEN_FIELDS = 5  # an OBX with no more separators than these ends in the text of its value
_SURROGATE = re.compile("[\ud800-\udfff]")
_LEGAL = frozenset(string.punctuation)
DEFAULTS = r"^~\&"
_PROSE = b"-.,:;()/'\"_+"  # after "MSH" in a text that names a gene, too
UTF8 = "utf-8"
_NOT_FOR_FILES = frozenset(("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"))
_PLAIN_CHARSETS = frozenset(("", "ASCII", "USASCII", "ISOIR6"))
Line = tuple[int, bytes]


def transcoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Decode blocks whose bytes are not those of ASCII, and give them as UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for block in blocks:
        yield _clean(decoder.decode(block)).encode()
    yield _clean(decoder.decode(b"", True)).encode()


def numbered(blocks: Iterable[bytes]) -> Iterator[Line]:
    """Part blocks into numbered lines; CR, LF and CRLF end one, and framing bytes part it.

    A line longer than a message may be is cut: it is refused whatever it holds. Where the blocks end in damage, the error says
    after which line.
    """
    number, rest, after_return, received = 0, b"", False, iter(blocks)
    while (block := _next(received, number)) is not None:
        block = block[1:] if after_return and block[:1] == b"\n" else block
        after_return = block.endswith(b"\r")
        block = rest[: LONGEST_MESSAGE + 1] + block
        lines = block.splitlines()
        rest = lines.pop() if lines and not block.endswith((b"\r", b"\n")) else b""
        framed = b"\x0b" in block or b"\x1c" in block
        for line in lines:
            number += 1
            if framed:
                for part in _FRAMING.split(line):
                    yield number, part
            else:
                yield number, line
    for part in _FRAMING.split(rest) if rest else ():
        yield number + 1, part


class DamagedError(UsageError):
    """A file ends in damage; `line` is the last line before it."""

    def __init__(self, line: int) -> None:
        super().__init__(f"the source is cut short or damaged after line {line}")
        self.line = line


def _next(blocks: Iterator[bytes], line: int) -> bytes | None:
    try:
        return next(blocks, None)
    except DAMAGE:
        pass
    # Outside the except block: nothing of the first error is attached.
    raise DamagedError(line)


class Marks(NamedTuple):
    """The separators of a message; "" where it has none."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


def _marks(header: bytes) -> Marks | None:
    """Return the separators that MSH-1 and MSH-2 declare; None if they are not valid."""
    return _marks_of(header[3 : 4 + 16])


@lru_cache(maxsize=256)
def _marks_of(start: bytes) -> Marks | None:
    separator = start[:1]
    if not separator:
        return None
    received = start[1:].split(separator, 1)[0].decode("latin-1").strip()
    every = separator.decode("latin-1") + (received or DEFAULTS)
    if len(every) > 6 or len(set(every)) < len(every) or not _LEGAL.issuperset(every):
        return None
    return Marks(*every[:5], *[""] * (5 - len(every)))


def begins_message(line: bytes) -> bool:
    """Tell a message header from text that goes on with "MSH", as the name of a gene does."""
    if not line.startswith(b"MSH"):
        return False
    follower = line[3:4]
    if follower and follower in _PROSE:
        return _marks(line) is not None
    return not (follower.isalnum() or follower in (b" ", b"\t"))


class Frame:
    """The lines of one message, or of what is refused in its place."""

    __slots__ = ("_closed", "_limit", "_size", "_tail", "begins", "charset", "goes_on", "line", "marks", "numbers", "reason",
                 "segments")  # fmt: skip

    def __init__(self, line: int, first: bytes, marks: Marks | None, charset: str) -> None:
        self.line, self.marks, self.charset = line, marks, charset
        self.numbers, self.segments = [line], [first]
        self.reason: Reason | None = None if marks else Reason.MESSAGE_UNREADABLE
        self.begins: Callable[[bytes], object] = _STARTS[marks.field] if marks else _nothing_begins
        self.goes_on: Callable[[bytes], object] = _SEGMENTS[marks.field].__getitem__ if marks else _nothing_begins
        self._tail: list[bytes] = []
        self._size, self._closed = len(first) + 1, False
        # Of a message that is refused only the start is kept.
        self._limit = LONGEST_MESSAGE if marks else 4 * LONGEST_CONTENT
        self._measure()

    def add(self, numbers: list[int], lines: list[bytes]) -> None:
        """Add segments."""
        if self._closed or not lines:
            return
        if self._tail:
            self._join()
        self.numbers += numbers
        self.segments += lines
        self._size += sum(map(len, lines)) + len(lines)
        if self._size > self._limit:
            self._measure()

    def extend(self, line: bytes) -> None:
        """Add a line that continues the last segment."""
        if self._closed:
            return
        if line.strip():
            self._tail.append(line)
        self._size += len(line) + 1
        if self._size > self._limit:
            self._measure()

    def _measure(self) -> None:
        """Close the frame, and keep no more than its start, where it is too long."""
        if self._size <= self._limit:
            return
        self._closed = True
        self.reason = self.reason or Reason.OVERSIZE
        self._join()
        start = b"\n".join(segment[: 4 * LONGEST_CONTENT] for segment in self.segments[:LONGEST_CONTENT])
        self.numbers, self.segments = [self.line], [start[: 4 * LONGEST_CONTENT]]

    def _join(self) -> None:
        if self._tail:
            mark = b" " if self.marks else b"\n"
            self.segments[-1] = mark.join((self.segments[-1], *self._tail))
            self._tail = []

    def close(self) -> None:
        """End the message; a remark between it and the next is none of its text."""
        if self.marks is not None and self._tail:
            self._drop_remarks(self.marks.field.encode())
        self._join()

    def _drop_remarks(self, separator: bytes) -> None:
        last = self.segments[-1]
        places = [place for place, line in enumerate(self._tail, 1) if separator in line and not _is_remark(line)]
        inside = places[-1] if places else 0  # up to here the lines bring fields of the segment
        separators = last.count(separator) + sum(line.count(separator) for line in self._tail[:inside])
        keep = inside
        if last.startswith(b"NTE") or (last.startswith(b"OBX") and separators <= _OPEN_FIELDS):
            after = (place for place in range(inside, len(self._tail)) if _is_remark(self._tail[place]))
            keep = next(after, len(self._tail))
        del self._tail[keep:]

    def texts(self) -> list[str]:
        """Return the segments as text."""
        if self.charset == UTF8:  # no byte of a character can be taken for the end of a line
            return b"\r".join(self.segments).decode(UTF8, "replace").split("\r")
        return [decoded(segment, self.charset) for segment in self.segments]


class _Segments(dict[bytes, bool]):
    """Tells from the first four bytes of a line whether it is a segment of the message before it; equal ones are looked at once."""

    def __init__(self, separator: str) -> None:
        super().__init__()
        self._starts = _STARTS[separator]

    def __missing__(self, start: bytes) -> bool:
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[start] = start[:3] not in _ENVELOPE and self._starts(start) is not None
        return found


def _is_remark(line: bytes) -> bool:
    return line.lstrip().startswith(_COMMENTS)


def _nothing_begins(_: bytes) -> None:
    return None


_STARTS: dict[str, Callable[[bytes], object]] = {
    mark: re.compile(rb"[A-Z][A-Z0-9]{2}(?:" + re.escape(mark.encode()) + rb"|\Z)").match for mark in _LEGAL
}
_SEGMENTS = {mark: _Segments(mark) for mark in _LEGAL}


def frames(lines: Iterable[Line], charset: Callable[[str], str]) -> Iterator[Frame]:
    """Gather lines into messages; batch headers, and what stands between messages, are left out."""
    frame: Frame | None = None
    goes_on: Callable[[bytes], object] = _nothing_begins
    numbers, segments = list[int](), list[bytes]()  # of the frame, and not yet in it
    for number, line in lines:
        if is_next := goes_on(line[:4]):
            numbers.append(number)
            segments.append(line)
            if len(segments) < _TOGETHER:
                continue
        if frame is not None and segments:
            frame.add(numbers, segments)
            numbers.clear()
            segments.clear()
        if is_next:
            continue
        start = line.lstrip(LEADING)
        header = begins_message(start)
        if header or _BATCH.match(start):
            if frame is not None:
                frame.close()
                yield frame
            marks = _marks(start) if header else None
            frame = Frame(number, start, marks, charset(_named_charset(start, marks))) if header else None
            goes_on = _nothing_begins if frame is None else frame.goes_on
        elif frame is None:
            # Results outside a message are nobody's; they are refused and not passed over.
            frame = Frame(number, start, None, charset("")) if _ORPHAN.match(start) else None
            goes_on = _nothing_begins if frame is None else frame.goes_on
        elif frame.begins(start):
            frame.add([number], [start])
        else:
            frame.extend(line)
    if frame is not None:
        frame.add(numbers, segments)
        frame.close()
        yield frame


def _named_charset(header: bytes, marks: Marks | None) -> str:
    """Return MSH-18 by its letters and digits: its first repetition that says more than ASCII."""
    if marks is None:
        return ""
    fields = header.split(marks.field.encode(), 18)
    if len(fields) < 18 or not fields[17]:
        return ""
    received = fields[17].decode("ascii", "replace").upper()
    for name in received.split(marks.repetition) if marks.repetition else (received,):
        key = "".join(filter(str.isalnum, name))
        if key not in _PLAIN_CHARSETS:
            return key
    return ""


def checked(encoding: str) -> str:
    """Return the name of an encoding that files can have."""
    try:
        name = codecs.lookup(encoding).name
        fit = name.replace("-", "_") not in _NOT_FOR_FILES and "MSH|".encode(name).decode(name) == "MSH|"
    except (LookupError, ValueError):
        fit = False
    if not fit:
        raise UsageError("the encoding is not known; name one such as utf-8 or iso-8859-1")
    return name


def decoded(content: bytes, charset: str) -> str:
    """Return bytes as text; what cannot be decoded costs its character."""
    return _clean(content.decode(charset, "replace"))


def _clean(text: str) -> str:
    """Replace lone surrogates, which no output can hold."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
