"""Damaged tables of every kind: their rows, or one clear error, and nothing else.

A long run: CBC_SCREEN_FUZZ=1000000 python -m pytest tests/security/test_fuzz_tables.py
"""

from __future__ import annotations

import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cbc_screen import UsageError
from cbc_screen.ingest.detect import detect
from cbc_screen.ingest.long import LongSource
from cbc_screen.ingest.open import MESSAGES, open_table
from cbc_screen.ingest.results import LabResult, NotResults, StatedPerson
from cbc_screen.ingest.source import ReadOptions, RejectedRow
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.profiles import load_profiles
from cbc_screen.vocabulary import Format

RUNS = int(os.environ.get("CBC_SCREEN_FUZZ", "150"))
KNOWLEDGE = load_knowledge()
PIECES = [
    b'"', b'""', b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"<", b"1e999",
    b"9" * 400, b"NaN", b"\xed\xa0\x80", b"{", b"}", b"[", b"]", b":", b"null", b"#", b" ", b'"a": 1,', b"{" * 80,
    b"\x80", b"\xc2\xb2", b"HEADER RECORD*******", b"PK\x03\x04", b"MSH|^~\\&|", b"<xml>", b'{"resourceType": "',
]  # fmt: skip
WIDE = b'age,sex,HGB (g/dL),"remark"\n54 y,F,9.1,"two\nlines"\n30 y,M,15,a\n41 y,F,<10,"b ""c"""\n' * 2
LINES = b'{"age": "54 y", "HGB (g/dL)": 9.1}\n{"age": null, "HGB (g/dL)": "<10"}\n' * 3
LONG = (
    b"USUBJID,LBTESTCD,LBORRES,LBORRESU,LBDTC,LBSTAT\n"
    b"1,HGB,9.1,g/dL,2024-01-02,\n1,PLAT,<10,10^9/L,2024-01-02T08:00,NOT DONE\n2,WBC,,,,\n"
)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Cut, insert, change and repeat pieces of a file."""
    result = bytearray(content[: chance.randrange(1, len(content) + 1)])
    for _ in range(chance.randrange(1, 12)):
        place, kind = chance.randrange(len(result) + 1), chance.random()
        if kind < 0.5:
            result[place:place] = chance.choice(PIECES)
        elif kind < 0.7:
            del result[place : place + chance.randrange(1, 20)]
        elif kind < 0.9 and place < len(result):
            result[place] = chance.randrange(256)
        else:
            start = chance.randrange(len(result) + 1)
            result[place:place] = result[start : start + chance.randrange(1, 100)]
    return bytes(result)


def read_table(path: Path) -> int:
    """Read every row of a table; return how many there were."""
    kind = detect(path)
    if kind in MESSAGES:
        return 0
    source = open_table(path, kind, ReadOptions())
    columns = list(dict.fromkeys(header for header in source.headers if header))
    rows = 0
    for batch in source.batches(columns):
        assert all(len(array) == len(batch.lines) for array in batch.columns.values())
        assert all(isinstance(row, RejectedRow) for row in batch.rejected)
        for row in range(len(batch.lines)):
            assert isinstance(batch.content(row), str)
        rows += len(batch.lines) + len(batch.rejected)
    return rows


def read_long(path: Path) -> int:
    """Read every result of a long table; return how many items there were."""
    kind = detect(path)
    if kind in MESSAGES:
        return 0
    source = LongSource(open_table(path, kind, ReadOptions()), load_profiles(KNOWLEDGE)["cdisc_lb"], KNOWLEDGE)
    items = list(source.items())
    assert all(isinstance(item, LabResult | StatedPerson | NotResults | RejectedRow) for item in items)
    return len(items)


@pytest.mark.parametrize(
    ("name", "whole", "read"),
    [("table.csv", WIDE, read_table), ("table.ndjson", LINES, read_table), ("long.csv", LONG, read_long)],
)
def test_a_damaged_table_is_read_or_refused(
    tmp_path: Path, name: str, whole: bytes, read: Callable[[Path], int]
) -> None:
    chance, path = random.Random(20261123), tmp_path / name
    rows, lines_of_text = 0, 0
    for _ in range(RUNS):
        path.write_bytes(damaged(whole, chance))
        try:
            rows += read(path)
        except UsageError as problem:
            lines_of_text = max(lines_of_text, str(problem).count("\n") + 1)
    assert lines_of_text == 1
    assert rows > RUNS / 4


@pytest.mark.parametrize("kind", [Format.XLSX, Format.XPT, Format.PARQUET])
def test_a_damaged_binary_table_is_read_or_refused(tmp_path: Path, kind: Format) -> None:
    whole = binary(kind, tmp_path)
    chance, path = random.Random(20261123), tmp_path / f"damaged.{kind.value}"
    lines_of_text = 0
    for _ in range(RUNS // 10 + 1):
        path.write_bytes(damaged(whole, chance))
        try:
            read_table(path)
        except UsageError as problem:
            lines_of_text = max(lines_of_text, str(problem).count("\n") + 1)
    assert lines_of_text == 1


def binary(kind: Format, tmp_path: Path) -> bytes:
    """Return a small file of a binary format."""
    path = tmp_path / f"whole.{kind.value}"
    if kind is Format.PARQUET:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"age": ["54 y", None], "HGB (g/dL)": [9.1, None]}), path)
    elif kind is Format.XLSX:
        import openpyxl

        book = openpyxl.Workbook()
        book.active.append(["age", "HGB (g/dL)"])
        book.active.append(["54 y", 9.1])
        book.save(path)
        assert zipfile.is_zipfile(path)
    else:
        from test_read import transport

        path.write_bytes(transport([("SEX", 2, 8), ("LBXHGB", 1, 8)], [("F", 14.5), ("M", 9.0)]))
    return path.read_bytes()
