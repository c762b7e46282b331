"""Damaged HL7 messages: items of the right kind or one clear error, and nothing that grows.

A long run: CBC_SCREEN_FUZZ=100000 python -m pytest tests/security
"""

from __future__ import annotations

import os
import random
from dataclasses import fields
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cbc_screen.errors import UsageError
from cbc_screen.ingest.hl7 import HL7Source
from cbc_screen.ingest.hl7_messages import LONGEST_NOTE, MOST_NOTES
from cbc_screen.ingest.results import Item, LabResult, NotResults, ResultCode, StatedPerson
from cbc_screen.ingest.source import LONGEST_CONTENT, RejectedRow
from cbc_screen.vocabulary import Reason, ResultStatus

RUNS = int(os.environ.get("CBC_SCREEN_FUZZ", "1500"))
PIECES = [
    b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"\r\n", b"\x0b", b"\x1c\r", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe",
    b"\xed\xa0\x80", b"\x1b$B", b"\x81\x30", b'""', b"\\.br\\", b"\\XFF\\", b"\\X0D\\", b"\\E\\", b"\\H\\", b"MSH",
    b"MSH|", b"MSH|^~\\&|", b"MSH*!~\\&*", b"\rMSH|^~\\$|A||||||ORU^R01\r", b"\rPID|", b"\rOBR|1||F", b"\rOBX|",
    b"\rNTE|1|L|", b"\rSPM|1|||", b"\rORC|RE\r", b"\rFHS|^~\\&\r", b"\rBTS|1\r", b"\r# remark\r", b"|SN|", b"|CE|",
    b"^^^", b"~~~", b"9" * 300, b"OBX|1|NM|A||1\r" * 40, b"ISO IR87", b"8859/1", b"GB 18030-2000", b"ORU", b"R01",
    b"20260230", b"2026010509-500", b"\xf0\x9f\x92\x89", b" ", b"\t", b"10^9/L", b"<^5^-^", b"\x85", b"\xe2\x80\xa8",
]  # fmt: skip
ENCODINGS = [None, None, None, None, "latin-1", "utf-16", "shift_jis", "iso2022_jp", "utf-7", "cp500", "gb18030"]
SYNTHETIC = [
    rb"MSH|^~\&|L|S|||20260105||ORU^R01|1|P|2.5||||||8859/1" + b"\rPID|1||7^^^S&1.2&ISO||D||19800229|F\rOBR|1|P|F|1^CBC"
    b"\rNTE|1|L|clumps\rOBX|1|SN|1^PLT^L||<^5|10\\S\\9/L|150-400|L|||P\rNTE|1|L|a~b\rSPM|1|||BLD^Blood\r",
    rb"MSH|^~\&|L|S|||20260105||ORU^R01|1|P|2.5||||||~ISO IR87" + b"\rOBR|1|P||1^CBC|||202601050915+0900"
    b"\rOBX|1|TX|1^\x1b$B7l>.HD\x1b(B^L||\x1b$B6E=8\x1b(B||||||C\rOBX|2|CWE|2^A^L~3||LA1^Few^LN~LA2^Many^LN||||||\r",
    b"FHS|^~\\&\rMSH!*%@#!L!S!!!!!ORU*R01\rPID!1!5!!!!!1995!M\rOBX!1!NM!A*B!!7%8!g!1-2\rMSH|^~\\&|L||||||ORM^O01\rFTS|1\r",
]


def samples(shared: Path) -> list[bytes]:
    folder = shared / "data" / "hl7v2_oru"
    real = (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".csv")
    return [content[:6000] for content in real] + SYNTHETIC * 4


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Cut, insert, change and repeat pieces of a message."""
    start = chance.choice([0, 0, 0, chance.randrange(len(content))])
    result = bytearray(content[start : start + chance.randrange(20, 3000)]) or bytearray(b"MSH|")
    for _ in range(chance.randrange(0, 12)):
        place, kind = chance.randrange(len(result) + 1), chance.random()
        if kind < 0.5:
            result[place:place] = chance.choice(PIECES)
        elif kind < 0.7:
            del result[place : place + chance.randrange(1, 40)]
        elif kind < 0.9:
            result[place : place + 1] = bytes([chance.randrange(256)])
        else:
            result[place:place] = result[place : place + chance.randrange(1, 200)]
    return bytes(result)


def check(items: list[Item]) -> None:
    """Every item is what its type says, and no more text is kept than may be."""
    known: set[str] = set()
    last = 1
    for item in items:
        assert type(item) in (LabResult, StatedPerson, NotResults, RejectedRow)
        line = getattr(item, "line", last)
        assert line >= last
        last = line
        if isinstance(item, StatedPerson):
            known.add(item.key)
            assert item.key
        elif isinstance(item, RejectedRow):
            assert item.reason in (Reason.MESSAGE_UNREADABLE, Reason.OVERSIZE)
            assert len(item.content) <= LONGEST_CONTENT
        elif isinstance(item, LabResult):
            check_result(item)
            assert item.person in known
        for cell in texts_of(item):
            cell.encode("utf-8")  # no lone surrogate


def check_result(result: LabResult) -> None:
    assert type(result.status) is ResultStatus
    assert result.codes or result.value or result.status is ResultStatus.DELETED
    assert result.group
    assert all(type(code) is ResultCode and (code.code or code.name) for code in result.codes)
    assert len(result.codes) <= 2
    assert result.value == result.value.strip(" \t")
    assert result.value != '""'
    assert len(result.notes) <= MOST_NOTES
    assert all(0 < len(note) <= LONGEST_NOTE for note in result.notes)
    assert len(result.content) <= LONGEST_CONTENT
    assert result.content.startswith("OBX")


def texts_of(item: object) -> list[str]:
    found: list[str] = []
    for place in fields(item):  # type: ignore[arg-type]
        value = getattr(item, place.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, ResultCode):
                found += [part.code, part.name, part.system]
            elif place.name == "stated":
                found += part
            elif place.name not in ("line", "status", "reason", "counted", "fault"):
                assert type(part) is str, place.name
                found.append(part)
    return found


def read(path: Path, content: bytes, encoding: str | None = None) -> list[Item] | None:
    """Return the items of a file, or None where it is refused in one clear line."""
    path.write_bytes(content)
    try:
        items = list(HL7Source(path, encoding).items())
    except UsageError as error:
        problem = error
    else:
        check(items)
        return items
    assert "\n" not in str(problem)
    assert problem.__context__ is None
    return None


def test_damaged_messages_never_end_in_an_uncaught_exception(shared: Path, tmp_path: Path) -> None:
    whole, chance = samples(shared), random.Random(20261123)
    refused, kinds = 0, set()
    for _ in range(RUNS):
        content = damaged(chance.choice(whole), chance)
        if chance.random() < 0.3:
            content += b"\r" + damaged(chance.choice(whole), chance)
        items = read(tmp_path / "damaged.hl7", content, chance.choice(ENCODINGS))
        refused += items is None
        kinds |= {type(item) for item in items or ()}
    assert refused < RUNS // 2
    assert kinds == {LabResult, StatedPerson, NotResults, RejectedRow}


def test_packed_messages_that_are_damaged_do_not_either(shared: Path, tmp_path: Path) -> None:
    import gzip

    import pyarrow as pa

    whole, chance = samples(shared), random.Random(20261124)
    for _ in range(RUNS // 10):
        content = chance.choice(whole)
        gz = chance.random() < 0.5
        packed = bytearray(gzip.compress(content) if gz else pa.compress(content, codec="zstd", asbytes=True))
        for _ in range(chance.randrange(3)):
            packed[chance.randrange(len(packed))] = chance.randrange(256)
        cut = chance.choice([len(packed), chance.randrange(1, len(packed))])
        path = tmp_path / ("damaged.hl7.gz" if gz else "damaged.hl7.zst")
        read(path, bytes(packed[:cut]))


@given(
    st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=40),
    st.sampled_from(SYNTHETIC),
    st.sampled_from(ENCODINGS),
)
def test_any_bytes_after_a_message_are_items(tmp_path_factory, pieces: list[bytes], first: bytes, encoding) -> None:  # type: ignore[no-untyped-def]
    read(tmp_path_factory.getbasetemp() / "any.hl7", first + b"".join(pieces), encoding)


def test_however_the_blocks_fall_the_items_are_the_same(shared: Path, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    whole, chance = samples(shared), random.Random(20261125)
    for _ in range(max(40, RUNS // 100)):
        content = damaged(chance.choice(whole), chance)
        monkeypatch.undo()
        once = read(tmp_path / "m.hl7", content)
        monkeypatch.setattr("cbc_screen.ingest.hl7.BLOCK_BYTES", chance.randrange(1, 9))
        assert read(tmp_path / "m.hl7", content) == once
