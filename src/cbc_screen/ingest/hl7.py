"""HL7 v2 result messages (ORU, 2.1 to 2.5.1): one message at a time, its results in order.

The file is parted into lines, the lines into messages, and each message is read by the
encoding characters and the character set that its own header names.
"""

from __future__ import annotations

import codecs
import datetime
import re
import string
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from cbc_screen.errors import UsageError
from cbc_screen.ingest.compressed import PACKINGS, not_packed, unpacked
from cbc_screen.ingest.results import Code, Item, LabResult, NotResults, Person, ResultStatus
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.vocabulary import Reason

LONGEST_MESSAGE = 1 << 20
LONGEST_CONTENT = 4096
LONGEST_NOTE = 4096
MOST_NOTES = 20
SEARCHED_BYTES = 1 << 20  # in which the first message must begin
BLOCK_BYTES = 1 << 18
_CACHED_LENGTH = 256  # fields up to here are read once for the file
_CACHED_FIELDS = 8192
_DAMAGE = (OSError, EOFError, zlib.error, UnicodeError)

_LEADING = b" \t\x00\x0b\x1c\xef\xbb\xbf"  # indentation, framing and byte order marks before a segment
_FRAMING = re.compile(rb"[\x0b\x1c]")
_BATCH = re.compile(rb"(?:FHS|BHS|BTS|FTS)(?:[^A-Za-z0-9\s]|\Z)")
_ORPHAN = re.compile(rb"OBX[^A-Za-z0-9\s]")
_COMMENTS = (b"#", b"//")
_ENVELOPE = frozenset((b"MSH", b"FHS", b"BHS", b"BTS", b"FTS"))
_OPEN_FIELDS = 5  # an OBX with no more separators than these ends in the text of its value
_SURROGATE = re.compile("[\ud800-\udfff]")

_LEGAL = frozenset(string.punctuation)
_DEFAULTS = r"^~\&"
_PROSE = b"-.,:;()/'\"_+"  # after "MSH" in a text that names a gene, too

_UTF8 = "utf-8"
_MARKED = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"M\x00S\x00H\x00", "utf-16-le"),
    (b"\x00M\x00S\x00H", "utf-16-be"),
)
_UNMARKED = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}  # their decoders ask for a byte order mark
_PLAIN = "MSH|^~\\&#\r\n"  # as bytes the same in every encoding whose lines can be seen undecoded
_NOT_FOR_FILES = frozenset(("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"))
_CHARSETS = {  # MSH-18 by its letters and digits; what is a superset of ASCII and unnamed is UTF-8
    **{f"{prefix}8859{part}": f"iso8859-{part}" for prefix in ("", "ISO") for part in range(1, 17) if part != 12},
    "ISOIR14": "iso2022_jp_ext",
    "ISOIR87": "iso2022_jp_ext",
    "ISOIR159": "iso2022_jp_ext",
    "KSX1001": "cp949",
    "GB180302000": "gb18030",
    "GB18030": "gb18030",
    "BIG5": "big5",
}
_PLAIN_CHARSETS = frozenset(("", "ASCII", "USASCII", "ISOIR6"))

_TRIGGERS = frozenset(("R01", "R30", "R31", "R32", "R40", ""))
_KIND = re.compile("[A-Z0-9]{1,4}")
_CODED = frozenset(("CE", "CWE", "CF", "CNE"))
_COMPARATORS = frozenset(("", "<", "<=", ">", ">=", "=", "<>"))
_BLANKS = frozenset((".br", ".sp", ".ce", ".sk", ".in", ".ti"))  # formatting that parts words
_NULL = '""'
_POWER_BASE = re.compile("[x×*]? ?10", re.IGNORECASE)
_POWER_REST = re.compile(r"[0-9]{1,2} ?/.*", re.DOTALL)
_TIME = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(\.\d+)?)?)?)?)?)?([+-]\d{3,4})?", re.ASCII
)  # fmt: skip

_RESULT_STATUS = {
    **{status.value: status for status in ResultStatus if status is not ResultStatus.OTHER},
    "W": ResultStatus.DELETED,
    "R": ResultStatus.PRELIMINARY,
    "S": ResultStatus.PRELIMINARY,
}
_ORDER_STATUS = {
    "": ResultStatus.FINAL,
    "F": ResultStatus.FINAL,
    "C": ResultStatus.CORRECTED,
    "P": ResultStatus.PRELIMINARY,
    "A": ResultStatus.PRELIMINARY,
    **dict.fromkeys("ISRO", ResultStatus.PENDING),
    "X": ResultStatus.CANCELLED,
}

_Line = tuple[int, bytes]
_Found = TypeVar("_Found")


class HL7Source:
    """A file of HL7 v2 messages, plain or packed."""

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self._path, self._share = path, 0.0
        self._encoding = None if encoding is None else _checked(encoding)
        try:
            found = self._find_message()
        except (UsageError, *_DAMAGE):
            found = None
        if found is None:
            packed = path.suffix.lower() in PACKINGS
            raise UsageError(not_packed(path) if packed else "the source cannot be opened")
        if not found:
            raise UsageError("the source has no HL7 message: no MSH segment in its first MiB")

    @property
    def share(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return self._share

    def items(self) -> Iterator[Item]:
        """Yield results, persons, messages without results, and rejected messages, in order."""
        grammars: dict[tuple[_Marks, str], _Grammar] = {}
        with closing(self._lines()) as lines:
            for frame in _frames(lines, self._charset):
                yield from _read(frame, grammars)
        self._share = 1.0

    def _find_message(self) -> bool:
        """Say whether a message begins in the first bytes, and learn how to read lines."""
        self._size = self._path.stat().st_size
        self._wide = self._find_wide_encoding()
        with closing(self._lines(SEARCHED_BYTES)) as lines:
            found = any(_begins_message(line.lstrip(_LEADING)) for _, line in lines)
        self._share = 0.0
        return found

    def _find_wide_encoding(self) -> str | None:
        """Return the encoding of a file that must be decoded before its lines can be seen."""
        with self._path.open("rb") as file:
            start = unpacked(file, self._path).read(8)
        wide = next((encoding for mark, encoding in _MARKED if start.startswith(mark)), None)
        if wide is None and self._encoding is not None and _PLAIN.encode(self._encoding, "replace") != _PLAIN.encode():
            return _UNMARKED.get(self._encoding, self._encoding)
        return wide

    def _charset(self, named: str) -> str:
        """Return the character set of a message by what its MSH-18 names."""
        if self._wide is not None:
            return _UTF8
        return self._encoding or _CHARSETS.get(named, _UTF8)

    def _lines(self, most: int | None = None) -> Generator[_Line, None, None]:
        """Yield the lines of the file, or of its first bytes, with their numbers."""
        number = 0
        try:
            with closing(self._blocks(most)) as blocks:
                for number, line in _numbered(blocks if self._wide is None else _transcoded(blocks, self._wide)):
                    yield number, line
            return
        except _DAMAGE:
            message = f"the source is cut short or damaged after line {number}"
        # Outside the except block: nothing of the first error is attached.
        raise UsageError(message)

    def _blocks(self, most: int | None) -> Generator[bytes, None, None]:
        with self._path.open("rb") as file:
            raw, left = unpacked(file, self._path), most
            while block := raw.read(BLOCK_BYTES):
                self._share = min(1.0, file.tell() / self._size) if self._size else 1.0
                yield block
                if left is not None:
                    left -= len(block)
                    if left <= 0:
                        return


# --- bytes to lines, lines to messages


def _transcoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Decode blocks whose bytes are not those of ASCII, and give them as UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for block in blocks:
        yield _clean(decoder.decode(block)).encode()
    yield _clean(decoder.decode(b"", True)).encode()


def _numbered(blocks: Iterable[bytes]) -> Iterator[_Line]:
    """Part blocks into numbered lines; CR, LF and CRLF end one, and framing bytes part it.

    A line longer than a message may be is cut: it is refused whatever it holds.
    """
    number, rest, after_return = 0, b"", False
    for received in blocks:
        block = received[1:] if after_return and received[:1] == b"\n" else received
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


class _Marks(NamedTuple):
    """The separators of a message; "" where it has none."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


def _marks(header: bytes) -> _Marks | None:
    """Read MSH-1 and MSH-2, or return None where they are no encoding characters."""
    separator = header[3:4]
    if not separator:
        return None
    received = header[4 : 4 + 16].split(separator, 1)[0].decode("latin-1").strip()
    every = separator.decode("latin-1") + (received or _DEFAULTS)
    if len(every) > 6 or len(set(every)) < len(every) or not _LEGAL.issuperset(every):
        return None
    return _Marks(*every[:5], *[""] * (5 - len(every)))


def _begins_message(line: bytes) -> bool:
    """Tell a message header from text that goes on with "MSH", as the name of a gene does."""
    if not line.startswith(b"MSH"):
        return False
    follower = line[3:4]
    if follower and follower in _PROSE:
        return _marks(line) is not None
    return not (follower.isalnum() or follower in (b" ", b"\t"))


class _Frame:
    """The lines of one message, or of what is refused in its place."""

    __slots__ = ("_closed", "_limit", "_size", "_tail", "begins", "charset", "line", "marks", "numbers", "reason",
                 "segments")  # fmt: skip

    def __init__(self, line: int, first: bytes, marks: _Marks | None, charset: str) -> None:
        self.line, self.marks, self.charset = line, marks, charset
        self.numbers, self.segments = [line], [first]
        self.reason: Reason | None = None if marks else Reason.MESSAGE_UNREADABLE
        self.begins: Callable[[bytes], object] = _STARTS[marks.field] if marks else _nothing_begins
        self._tail: list[bytes] = []
        self._size, self._closed = len(first) + 1, False
        # Of a message that is refused only the start is kept.
        self._limit = LONGEST_MESSAGE if marks else 4 * LONGEST_CONTENT
        self._measure()

    def add(self, number: int, line: bytes) -> None:
        """Add a segment."""
        if self._closed:
            return
        if self._tail:
            self._join()
        self.numbers.append(number)
        self.segments.append(line)
        self._size += len(line) + 1
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
        if self.charset == _UTF8:  # no byte of a character can be taken for the end of a line
            return b"\r".join(self.segments).decode(_UTF8, "replace").split("\r")
        return [_decoded(segment, self.charset) for segment in self.segments]


def _is_remark(line: bytes) -> bool:
    return line.lstrip().startswith(_COMMENTS)


def _nothing_begins(_: bytes) -> None:
    return None


_STARTS: dict[str, Callable[[bytes], object]] = {
    mark: re.compile(rb"[A-Z][A-Z0-9]{2}(?:" + re.escape(mark.encode()) + rb"|\Z)").match for mark in _LEGAL
}


def _frames(lines: Iterable[_Line], charset: Callable[[str], str]) -> Iterator[_Frame]:
    """Gather lines into messages; batch headers, and what stands between messages, are left out."""
    frame: _Frame | None = None
    for number, line in lines:
        if frame is not None and line[:3] not in _ENVELOPE and frame.begins(line):
            frame.add(number, line)
            continue
        start = line.lstrip(_LEADING)
        header = _begins_message(start)
        if header or _BATCH.match(start):
            if frame is not None:
                frame.close()
                yield frame
            marks = _marks(start) if header else None
            frame = _Frame(number, start, marks, charset(_named_charset(start, marks))) if header else None
        elif frame is None:
            # Results outside a message are nobody's; they are refused and not passed over.
            frame = _Frame(number, start, None, charset("")) if _ORPHAN.match(start) else None
        elif frame.begins(start):
            frame.add(number, start)
        else:
            frame.extend(line)
    if frame is not None:
        frame.close()
        yield frame


def _named_charset(header: bytes, marks: _Marks | None) -> str:
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


def _checked(encoding: str) -> str:
    """Return the name of an encoding that files can have."""
    try:
        name = codecs.lookup(encoding).name
        fit = name.replace("-", "_") not in _NOT_FOR_FILES and "MSH|".encode(name).decode(name) == "MSH|"
    except (LookupError, ValueError):
        fit = False
    if not fit:
        raise UsageError("the encoding is not known; name one such as utf-8 or iso-8859-1")
    return name


def _decoded(content: bytes, charset: str) -> str:
    return _clean(content.decode(charset, "replace"))


def _clean(text: str) -> str:
    """Replace lone surrogates, which no output can hold."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


# --- fields and their parts


class _Grammar:
    """How the fields of a message are parted and read, by its separators and character set."""

    def __init__(self, marks: _Marks, charset: str) -> None:
        self.marks, self._charset = marks, charset
        escape = re.escape(marks.escape)
        self._sequences = re.compile(f"{escape}([^{escape}\\s]*){escape}") if marks.escape else None
        component, repetition, escaped, subcomponent = (
            received or default for received, default in zip(marks[1:], _DEFAULTS, strict=True)
        )
        self._meanings = {
            "F": marks.field, "S": component, "R": repetition, "E": escaped, "T": subcomponent, "H": "", "N": "",
        }  # fmt: skip
        self._codes: dict[str, tuple[Code, ...]] = {}
        self._units: dict[str, str] = {}

    def text(self, received: str) -> str:
        """Replace the escape sequences of a text."""
        if self._sequences is None or self.marks.escape not in received:
            return received
        return self._sequences.sub(self._meaning, received)

    def _meaning(self, sequence: re.Match[str]) -> str:
        code = sequence[1]
        if code in self._meanings:
            return self._meanings[code]
        if code[:1] == "X":
            try:
                text = _decoded(bytes.fromhex(code[1:]), self._charset)
            except ValueError:
                return ""
            return text.replace("\r\n", " ").replace("\r", " ").replace("\n", " ")
        return " " if code[:3].lower() in _BLANKS else ""

    def repetitions(self, received: str) -> list[str]:
        """Part a field into its repetitions."""
        return received.split(self.marks.repetition) if self.marks.repetition else [received]

    def components(self, received: str) -> list[str]:
        """Part a field without repetitions into texts; deleted ones are ""."""
        parts = received.split(self.marks.component) if self.marks.component else [received]
        return ["" if part == _NULL else self.text(part) for part in parts]

    def first(self, received: str) -> str:
        """Return the first component of a field."""
        return self.components(self.repetitions(received)[0])[0].strip()

    def subcomponents(self, received: str) -> list[str]:
        """Part a component that is not unescaped yet into texts."""
        parts = received.split(self.marks.subcomponent) if self.marks.subcomponent else [received]
        return ["" if part == _NULL else self.text(part) for part in parts]

    def identifier(self, received: str) -> str:
        """Return an identifier with who assigned it: "id^authority", "id", or ""."""
        parts = received.split(self.marks.component) if self.marks.component else [received]
        name = "" if parts[0] == _NULL else self.text(parts[0]).strip()
        # A universal id stands in for a name that is not given: the same number at two
        # authorities is two persons.
        authority = next(filter(None, self.subcomponents(parts[3])[:2]), "") if len(parts) > 3 else ""
        return f"{name}^{authority}" if name and authority else name

    def order(self, received: str) -> str:
        """Return an order number with the system it comes from, or ""."""
        parts = self.components(self.repetitions(received)[0])
        number, system = parts[0].strip(), parts[1].strip() if len(parts) > 1 else ""
        return f"{number}^{system}" if number and system else number

    def coded_texts(self, received: str, *places: int) -> str:
        """Return the texts of a coded field, or its code where it has none."""
        parts = self.components(self.repetitions(received)[0])
        return _joined(_at(parts, place) for place in places) or _at(parts, 0) or _at(parts, 3)

    def all_texts(self, received: str) -> str:
        """Return all the texts of a field."""
        parts = received.split(self.marks.component) if self.marks.component else [received]
        return _joined(text.strip() for part in parts for text in self.subcomponents(part))

    def codes(self, received: str) -> tuple[Code, ...]:
        """Return the codes of OBX-3."""
        found = self._codes.get(received)
        if found is None:
            found = _codes(self.components(received))
            _remember(self._codes, received, found)
        return found

    def unit(self, received: str) -> str:
        """Return the unit of OBX-6."""
        found = self._units.get(received)
        if found is None:
            found = self._unit(self.components(self.repetitions(received)[0]))
            _remember(self._units, received, found)
        return found

    def _unit(self, parts: list[str]) -> str:
        # "10^9/L" whose caret was not escaped is one unit and not the unit "10".
        powers = self.marks.component == "^" and len(parts) > 1
        if powers and _POWER_BASE.fullmatch(parts[0].strip()) and _POWER_REST.fullmatch(parts[1]):
            return f"{parts[0]}^{parts[1]}"
        return next((parts[place] for place in (0, 1, 3, 4) if _at(parts, place)), "")

    def value(self, kind: str, received: str) -> str:
        """Return the value of OBX-5 by the type of OBX-2."""
        if not self.marks.repetition or self.marks.repetition not in received:
            return self._one_value(kind, received)
        values = (self._one_value(kind, part) for part in received.split(self.marks.repetition))
        return " ~ ".join(dict.fromkeys(filter(None, values)))

    def _one_value(self, kind: str, received: str) -> str:
        if received == _NULL:
            return received
        if kind == "SN":
            return _structured_number([part.strip() for part in self.components(received)])
        if kind in _CODED:
            parts = self.components(received)
            return next(filter(None, (_at(parts, place) for place in (1, 8, 0, 4, 3))), "")
        return self.text(received).strip(" \t")


def _remember(cache: dict[str, _Found], received: str, found: _Found) -> None:
    if len(received) <= _CACHED_LENGTH:
        if len(cache) >= _CACHED_FIELDS:
            cache.clear()
        cache[received] = found


def _at(parts: list[str], place: int) -> str:
    return parts[place].strip(" \t") if place < len(parts) else ""


def _joined(texts: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(filter(None, texts)))


def _codes(parts: list[str]) -> tuple[Code, ...]:
    parts += [""] * (9 - len(parts))
    found = tuple(
        Code(parts[place], parts[place + 1], parts[place + 2])
        for place in (0, 3)
        if parts[place].strip() or parts[place + 1].strip()
    )
    # A name that stands only as original text is still a name.
    return found or ((Code("", parts[8], ""),) if parts[8].strip() else ())


def _structured_number(parts: list[str]) -> str:
    """Write a comparator, a number, a separator and a number as one text."""
    comparator, first, separator, second = (*parts, "", "", "", "")[:4]
    if first and comparator in _COMPARATORS and not separator and not second:
        return comparator + first
    if first and second and separator == "-" and not comparator:
        return f"{first}-{second}"
    return " ".join(filter(None, parts))


# --- dates and times


def _iso_date(received: str) -> str:
    """Write an HL7 date as ISO, its time cut off; what is none is passed on as it is."""
    found = _TIME.fullmatch(received)
    return (_calendar_date(found) if found else None) or received


def _iso_time(received: str) -> str:
    """Write an HL7 time as ISO, as exact as it is; what is none is passed on as it is."""
    found = _TIME.fullmatch(received)
    date = _calendar_date(found) if found else None
    if found is None or date is None:
        return received
    hour, minute, second, fraction, zone = found.group(4, 5, 6, 7, 8)
    if hour is None:
        return date
    minute, second, shift = minute or "00", second or "00", _zone(zone)
    if hour > "23" or minute > "59" or second > "59" or shift is None:
        return received
    return f"{date}T{hour}:{minute}:{second}{fraction or ''}{shift}"


def _calendar_date(found: re.Match[str]) -> str | None:
    year, month, day = found.group(1, 2, 3)
    try:
        datetime.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join(filter(None, (year, month, day)))


def _zone(received: str | None) -> str | None:
    """Write a zone as ISO; some systems leave out the first digit of the hours."""
    if received is None:
        return ""
    digits = received[1:].zfill(4)
    return f"{received[0]}{digits[:2]}:{digits[2:]}" if digits[:2] <= "23" and digits[2:] <= "59" else None


# --- a message


@dataclass(slots=True)
class _Observation:
    """An OBX that waits for what the segments after it say of its specimen."""

    line: int
    codes: tuple[Code, ...]
    value: str
    unit: str
    range_text: str
    status: ResultStatus
    observed_at: str
    content: str
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Report:
    """An OBR with its results."""

    person: str
    group: str
    panel: str = ""
    specimen: str = ""
    collected_at: str = ""
    status: ResultStatus = ResultStatus.FINAL
    notes: list[str] = field(default_factory=list)
    specimens: list[str] = field(default_factory=list)
    sampled_at: str = ""
    observations: list[_Observation] = field(default_factory=list)

    def results(self) -> Iterator[LabResult]:
        """Yield the results, in order."""
        specimen = _joined(self.specimens) or self.specimen
        collected_at = self.collected_at or self.sampled_at
        for one in self.observations:
            yield LabResult(
                line=one.line,
                person=self.person,
                group=self.group,
                collected_at=collected_at or _iso_time(one.observed_at),
                codes=one.codes,
                value=one.value,
                unit=one.unit,
                specimen=specimen,
                panel=self.panel,
                range_text=one.range_text,
                status=one.status,
                notes=tuple((one.notes + self.notes)[:MOST_NOTES]),
                content=one.content,
            )


def _read(frame: _Frame, grammars: dict[tuple[_Marks, str], _Grammar]) -> Iterator[Item]:
    """Read a message."""
    texts = frame.texts()
    if frame.marks is None or frame.reason is not None:
        reason = frame.reason or Reason.MESSAGE_UNREADABLE
        yield RejectedRow(frame.line, reason, "\n".join(texts)[:LONGEST_CONTENT])
        return
    grammar = grammars.get((frame.marks, frame.charset))
    if grammar is None:
        if len(grammars) >= 16:  # a file has one or two
            grammars.clear()
        grammar = grammars[frame.marks, frame.charset] = _Grammar(frame.marks, frame.charset)
    kind = _other_kind(grammar, texts[0])
    if kind is not None:
        yield NotResults(frame.line, kind)
        return
    yield from _Message(frame.line, grammar).items(zip(frame.numbers, texts, strict=True))


def _other_kind(grammar: _Grammar, header: str) -> str | None:
    """Return what kind of message it is if it is not one of results."""
    fields = header.split(grammar.marks.field, 9)
    parts = [part.strip() for part in grammar.components(fields[8])[:2]] if len(fields) > 8 else []
    name, trigger = (*parts, "", "")[:2]
    if name == "ORU" and trigger in _TRIGGERS:
        return None
    if _KIND.fullmatch(name) and (not trigger or _KIND.fullmatch(trigger)):
        return f"{name}^{trigger}" if trigger else name
    return "unknown"


class _Message:
    """Reads the segments of one message of results."""

    def __init__(self, line: int, grammar: _Grammar) -> None:
        self._line, self._grammar = line, grammar
        self._person: str | None = None
        self._nameless = self._orders = 0
        self._report: _Report | None = None
        self._notes: list[str] | None = None  # of what the next NTE speaks
        self._done: list[Item] = []

    def items(self, segments: Iterable[tuple[int, str]]) -> list[Item]:
        """Return what the message holds, in order."""
        separator = self._grammar.marks.field
        for line, text in segments:
            name = text[:3]
            if name == "OBX":
                self._read_observation(line, text)
            elif name == "NTE":
                self._read_note(text.split(separator))
            elif name == "OBR":
                self._read_order(text.split(separator))
            elif name == "SPM":
                self._read_specimen(text.split(separator))
            elif name == "PID":
                self._read_person(text.split(separator))
            elif name == "ORC":
                self._end_report()
        self._end_report()
        if self._person is None:
            self._begin_person("", "", "")
        return self._done

    def _begin_person(self, key: str, birth_date: str, sex: str) -> None:
        if not key:
            # Nobody that another message could speak of; and not the same as a second one here.
            self._nameless += 1
            key = f"message {self._line}" + (f" person {self._nameless}" if self._nameless > 1 else "")
        self._person = key
        self._done.append(Person(key, birth_date, sex))

    def _begin_report(self, group: str) -> _Report:
        self._orders += 1
        if self._person is None:
            self._begin_person("", "", "")
        self._report = _Report(self._person or "", group or f"message {self._line} order {self._orders}")
        return self._report

    def _end_report(self) -> None:
        if self._report is not None:
            self._done.extend(self._report.results())
        self._report = self._notes = None

    def _read_person(self, fields: list[str]) -> None:
        self._end_report()
        grammar = self._grammar
        fields += [""] * (9 - len(fields))
        identifiers = (grammar.identifier(part) for place in (3, 2) for part in grammar.repetitions(fields[place]))
        key = next(filter(None, identifiers), "")
        self._begin_person(key, _iso_date(grammar.first(fields[7])), grammar.first(fields[8]))

    def _read_order(self, fields: list[str]) -> None:
        self._end_report()
        grammar = self._grammar
        fields += [""] * (26 - len(fields))
        placer = grammar.order(fields[2])
        report = self._begin_report(grammar.order(fields[3]) or (f"placer {placer}" if placer else ""))
        report.panel = grammar.coded_texts(fields[4], 1, 4)
        report.specimen = grammar.all_texts(fields[15])
        report.collected_at = _iso_time(grammar.first(fields[7]))
        report.status = _ORDER_STATUS.get(grammar.first(fields[25]).upper(), ResultStatus.OTHER)
        self._notes = report.notes

    def _read_specimen(self, fields: list[str]) -> None:
        report = self._report
        if report is None:
            return
        fields += [""] * (18 - len(fields))
        report.specimens.append(self._grammar.coded_texts(fields[4], 1, 4, 8))
        report.sampled_at = report.sampled_at or _iso_time(self._grammar.first(fields[17]))
        self._notes = report.notes

    def _read_observation(self, line: int, text: str) -> None:
        grammar = self._grammar
        fields = text.split(grammar.marks.field)
        if len(fields) < 15:
            fields += [""] * (15 - len(fields))
        codes = grammar.codes(fields[3])
        if not codes:
            self._notes = None
            return
        report = self._report or self._begin_report("")
        value = grammar.value(fields[2].strip(), fields[5])
        status = self._status(fields[11], report)
        if value == _NULL:
            value, status = "", ResultStatus.DELETED
        # Read only where nothing says when the specimen was taken: it is the slower way to know.
        observed_at = fields[14] if not report.collected_at else ""
        observation = _Observation(
            line,
            codes,
            value,
            grammar.unit(fields[6]),
            "" if fields[7] == _NULL else grammar.text(fields[7]),
            status,
            grammar.first(observed_at) if observed_at else "",
            text[:LONGEST_CONTENT],
        )
        report.observations.append(observation)
        self._notes = observation.notes

    def _status(self, received: str, report: _Report) -> ResultStatus:
        if received in _RESULT_STATUS:
            return _RESULT_STATUS[received]
        letter = self._grammar.first(received).upper()
        return _RESULT_STATUS.get(letter, ResultStatus.OTHER) if letter else report.status

    def _read_note(self, fields: list[str]) -> None:
        if self._notes is None or len(self._notes) >= MOST_NOTES or len(fields) < 4:
            return
        grammar = self._grammar
        parts = (grammar.text(part).strip(" \t") for part in grammar.repetitions(fields[3]) if part != _NULL)
        note = " ".join(filter(None, parts))
        if note:
            self._notes.append(note[:LONGEST_NOTE])
