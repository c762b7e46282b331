"""HL7 v2 result messages (ORU, 2.1 to 2.5.1): one message at a time, its results in order.

The file is parted into lines, the lines into messages, and each message is read by the
encoding characters and the character set that its own header names.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from cbc_screen.errors import UsageError
from cbc_screen.ingest.compressed import PACKINGS, not_packed, unpacked
from cbc_screen.ingest.hl7_frames import (
    DAMAGE,
    LEADING,
    UTF8,
    Line,
    Marks,
    begins_message,
    checked,
    frames,
    numbered,
    transcoded,
)
from cbc_screen.ingest.hl7_grammar import Grammar
from cbc_screen.ingest.hl7_messages import read
from cbc_screen.ingest.hl7_reports import Kinds
from cbc_screen.ingest.results import Item, PlainResult

SEARCHED_BYTES = 1 << 20  # in which the first message must begin
BLOCK_BYTES = 1 << 18
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


class HL7Source:
    """A file of HL7 v2 messages, plain or packed."""

    ordered = True

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self._path, self._share = path, 0.0
        self._encoding = None if encoding is None else checked(encoding)
        try:
            found = self._find_message()
        except (UsageError, *DAMAGE):
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
        for item in self._read(None):
            assert not isinstance(item, PlainResult)
            yield item

    def in_brief(self) -> Iterator[Item | PlainResult]:
        """Yield the same, plain results in brief; see `BriefSource`."""
        return self._read(Kinds())

    def _read(self, kinds: Kinds | None) -> Iterator[Item | PlainResult]:
        grammars: dict[tuple[Marks, str], Grammar] = {}
        with closing(self._lines()) as lines:
            for frame in frames(lines, self._charset):
                yield from read(frame, grammars, kinds)
        self._share = 1.0

    def _find_message(self) -> bool:
        """Say whether a message begins in the first bytes, and learn how to read lines."""
        self._size = self._path.stat().st_size
        self._wide = self._find_wide_encoding()
        with closing(self._lines(SEARCHED_BYTES)) as lines:
            found = any(begins_message(line.lstrip(LEADING)) for _, line in lines)
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
            return UTF8
        return self._encoding or _CHARSETS.get(named, UTF8)

    def _lines(self, most: int | None = None) -> Generator[Line, None, None]:
        """Yield the lines of the file, or of its first bytes, with their numbers."""
        with closing(self._blocks(most)) as blocks:
            yield from numbered(blocks if self._wide is None else transcoded(blocks, self._wide))

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
