"""ASTM E1381 / LIS1-A framing: bytes to records, with or without frames, checksums held.

A log of the line between an analyzer and a laboratory system has frames (STX, a number, the text, ETX or ETB, two
digits that the bytes add up to); a file that a program wrote has the records alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_STX, _ETB = b"\x02", b"\x17"
_CONVERSATION = re.compile(rb"[\x04\x05\x06\x15]")  # EOT, ENQ, ACK, NAK
_END = re.compile(rb"[\x03\x17]")
_CHECKSUM = re.compile(rb"[0-9A-Fa-f]{2}")
_LINE_ENDS = (13, 10, 23)  # CR; LF, or CR and LF, where a program wrote the log anew
LONGEST_FRAME = 1 << 20


class Record(NamedTuple):
    """One record, where it begins, and whether a frame that it came in is damaged."""

    line: int
    text: bytes
    damaged: bool = False


class _Frame(NamedTuple):
    """The text of a frame; of a line without one `number` is empty."""

    line: int
    number: bytes
    text: bytes
    goes_on: bool  # the next frame goes on with its last record
    damaged: bool


def records(lines: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
    """Yield the records of numbered lines."""
    pending, begun, damaged = b"", 0, False
    for frame in _heard(_frames(lines)):
        begun, damaged = (begun, damaged or frame.damaged) if pending else (frame.line, frame.damaged)
        *whole, last = (pending + frame.text).split(b"\r")
        for place, text in enumerate([*whole, *([] if frame.goes_on else [last])]):
            if text.strip():
                yield Record(frame.line + place if place else begun, text, damaged)
        pending = last[:LONGEST_FRAME] if frame.goes_on else b""
    if pending.strip():
        yield Record(begun, pending, True)  # what goes on and ends


def _heard(frames: Iterable[_Frame]) -> Iterator[_Frame]:
    """Yield frames without those that were sent again because the first was not heard, or not whole."""
    before: _Frame | None = None
    for frame in frames:
        if before is not None:
            again = frame.number and frame.number == before.number and (before.damaged or frame.text == before.text)
            if not again:
                yield before
        before = frame
    if before is not None:
        yield before


def _frames(lines: Iterable[tuple[int, bytes]]) -> Iterator[_Frame]:
    """Yield the frames of numbered lines, and each line that stands in none."""
    number, begun = b"", 0
    parts: list[bytes] | None = None  # the lines of the frame that is open
    for line_number, received in lines:
        line = _CONVERSATION.sub(b"", received)
        while True:
            if parts is None:
                before, stx, line = line.partition(_STX)
                if before.strip():
                    yield _Frame(line_number, b"", before, False, False)
                if not stx:
                    break
                number, line, begun, parts = line[:1], line[1:], line_number, []
            end = _END.search(line)
            if end is None:
                if sum(map(len, parts)) < LONGEST_FRAME:
                    parts.append(line)
                break
            parts.append(line[: end.start()])
            stated = line[end.end() : end.end() + 2]
            damaged = not _adds_up(number, parts, end[0], stated)
            yield _Frame(begun, number, b"\r".join(parts), end[0] == _ETB, damaged)
            parts, line = None, line[end.end() + (2 if _CHECKSUM.fullmatch(stated) else 0) :]
    if parts is not None:
        yield _Frame(begun, number, b"\r".join(parts), False, True)


def _adds_up(number: bytes, parts: list[bytes], end: bytes, stated: bytes) -> bool:
    """Tell whether the bytes add up to what the frame states, however its lines end now; true where it states nothing."""
    if not _CHECKSUM.fullmatch(stated):
        return True
    own = sum(number) + sum(map(sum, parts)) + end[0]
    return any((own + each * (len(parts) - 1)) % 256 == int(stated, 16) for each in _LINE_ENDS)
