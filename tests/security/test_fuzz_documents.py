"""Broken ASTM messages and XML documents: a scan ends with an account of every result, or with one line, and never otherwise.

A long run: CBC_SCREEN_FUZZ=1000000 python -m pytest tests/security/test_fuzz_documents.py
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

import cbc_screen as cbc
from cbc_screen.errors import UsageError
from effort import share
from ingest.test_astm import RECORDS, framed, plain
from ingest.test_xml import RESULTS, as_xml, bundle, ccda, observation, quantity

SEEDS = range(int(os.environ.get("CBC_SCREEN_FUZZ", share(200))))
INNER = "".join(as_xml(name, value) for name, value in bundle().items() if name != "resourceType")
DOCUMENTS = {
    "plain.astm": plain(RECORDS),
    "framed.astm": framed(RECORDS),
    "ccda.xml": ccda(*(observation(code, quantity(value, unit)) for code, value, unit in RESULTS)).encode(),
    "fhir.xml": f'<Bundle xmlns="http://hl7.org/fhir">{INNER}</Bundle>'.encode(),
}


def broken(content: bytes, chance: random.Random) -> bytes:
    """Change, drop, repeat or insert some bytes."""
    found = bytearray(content)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(found))
        size = chance.choice((1, 1, 2, 8, 64))
        match chance.randrange(5):
            case 0:
                found[place] = chance.randrange(256)
            case 1:
                del found[place : place + size]
            case 2:
                found[place:place] = found[place : place + size]
            case 3:
                found[place:place] = bytes(chance.randrange(256) for _ in range(size))
            case _:
                found[place:place] = chance.choice(
                    (b"|", b"^", b"\r", b"\x02", b"\x03", b"<", b">", b'"', b"&amp;", b"\x00", b"\xff\xfe")
                )
        if not found:
            found = bytearray(b"H")
    return bytes(found)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_broken_document(name: str, tmp_path: Path) -> None:
    chance = random.Random(name)
    path = tmp_path / name
    whole = 0
    for _ in SEEDS:
        path.write_bytes(broken(DOCUMENTS[name], chance))
        try:
            summary = cbc.scan(path, tmp_path / "flags.csv", tmp_path / "rejects.csv", force=True)
        except UsageError as problem:
            said = str(problem)
        else:
            said = ""
            whole += 1
            counted = summary.results
            assert summary.rows_in == summary.screened + summary.rejected
            left = counted["used"] + counted["unusable"] + counted["superseded"] + counted["not_count"]
            assert counted["read"] == left + sum(counted["rejected"].values())
        assert "\n" not in said
    assert whole  # some are read all the same
