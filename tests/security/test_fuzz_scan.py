"""Damaged exports: an answer or one clear error, and every row accounted for.

A long run: CBC_SCREEN_FUZZ=100000 python -m pytest tests/security
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import cbc_screen as cbc
from cbc_screen.demo import write_demo

PIECES = [
    b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"<", b">=", b"1e999", b"-",
    b"9" * 400, b"NaN", b"inf", b"\xf0\x9f\x92\x89", b"\xed\xa0\x80", b"=cmd", b"'", b";", b"\t", b"\xc2\xb2",
    b"\xd9\xa3", b" ", b"0x1f", b"1_000", b"+", b"10^9/L",
]  # fmt: skip
RUNS = int(os.environ.get("CBC_SCREEN_FUZZ", "100"))


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Cut, insert, change and repeat pieces of a file."""
    result = bytearray(content[: chance.randrange(50, len(content))])
    for _ in range(chance.randrange(1, 30)):
        place, kind = chance.randrange(len(result)), chance.random()
        if kind < 0.5:
            result[place:place] = chance.choice(PIECES)
        elif kind < 0.7 and len(result) > 100:
            del result[place : place + chance.randrange(1, 20)]
        elif kind < 0.9:
            result[place] = chance.randrange(256)
        else:
            start = chance.randrange(len(result))
            result[place:place] = result[start : start + chance.randrange(1, 200)]
    return bytes(result)


def test_a_damaged_export_never_ends_in_an_uncaught_exception(tmp_path: Path) -> None:
    whole = tmp_path / "whole.csv"
    write_demo(whole, ordinary=20)
    chance = random.Random(20261123)
    messages: list[str] = []
    for _ in range(RUNS):
        source = tmp_path / "damaged.csv"
        source.write_bytes(damaged(whole.read_bytes(), chance))
        out = tmp_path / f"flags.{chance.choice(['csv', 'parquet', 'ndjson'])}"
        try:
            summary = cbc.scan(source, out, tmp_path / "rejects.csv", force=True)
        except cbc.UsageError as problem:
            messages.append(str(problem))
            continue
        assert summary.rows_in == summary.screened + summary.rejected
    assert len(messages) < RUNS // 2
    assert not [message for message in messages if "\n" in message]
