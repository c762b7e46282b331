"""The counts of the red list for the doors of this folder, and what the scalar oracle says of each: `cbc_screen.screen`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

import cbc_screen as cbc
from oracle.results import LOINC
from red_list import Count, by_screener, record_counts, table
from strategies import answers

# What is tried are cells: the units of whole columns are accepted.
OPTIONS: dict[str, Any] = {"accept_units": list(LOINC)}
PERSON = ("age", "sex")


@cache
def counts() -> tuple[Count, ...]:
    """Counts of the shipped configuration that a row of a table can hold."""
    return tuple(by_screener(count for count in record_counts() if count.in_table)["{}"])


@cache
def rows() -> pa.Table:
    """Return the counts as a table of texts, with a key."""
    names, own = table(counts())
    columns = {name: pa.array([row.get(name) for row in own], pa.string()) for name in names}
    return pa.table({"sample_id": [f"S{place}" for place in range(len(own))], **columns})


@cache
def said() -> tuple[Mapping[str, Any], ...]:
    """Return the flags of each count, one record at a time."""
    return tuple(cbc.screen(count.record).flags() for count in counts())


def differences(found: Any, wanted: Sequence[Mapping[str, Any]] | None = None) -> list[str]:
    """Say where flags, a frame of any kind or plain rows, are not those of the oracle, row by row."""
    told = found if isinstance(found, list) else answers(found)
    wanted = said() if wanted is None else wanted
    if len(told) != len(wanted):
        return [f"{len(told)} rows and not {len(wanted)}"]
    return [
        f"row {place}: {name} is {row[name]!r} and must be {flag!r}"
        for place, (row, own) in enumerate(zip(told, wanted, strict=True))
        for name, flag in own.items()
        if row[name] != flag
    ]
