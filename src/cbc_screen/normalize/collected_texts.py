"""Texts that go into the temporary database of results and come out of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from cbc_screen.ingest.results import MADE_UP
from cbc_screen.ingest.source import LONGEST_CONTENT

KINDS = 10_000  # as many different names and units are counted, and not more


def count_name(names: Counter[str], name: str) -> None:
    """Count a name, as long as there are not too many different ones."""
    if name in names or len(names) < KINDS:
        names[name] += 1


def own_key(person: str, source: int) -> str:
    """Mark the key of a person that a reader made up, so that sources do not share it."""
    return f"{source}\x1e{person}" if person.startswith(MADE_UP) else person


def content_of(contents: Sequence[str]) -> str:
    """Return what a count was made of, as received."""
    return json.dumps(contents, ensure_ascii=False)[:LONGEST_CONTENT]


def key_as_said(key: str) -> str:
    """Return the key of a person as its source has it."""
    said = key.partition("\x1e")[2]
    return said if said.startswith(MADE_UP) else key
