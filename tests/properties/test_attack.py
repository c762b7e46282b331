"""The attack stays: garbled rows through every door, against an oracle that reads only the data files.

An answer may be definite only where every possibility agrees. 2,000 rows here; any number with
tools/attack.py, which goes on from where it was.
"""

from __future__ import annotations

import pytest

from oracle.doors import attack
from oracle.law import Count
from oracle.rows import RowMaker
from oracle.tables import read_tables

# Three definitions and schemes here, all of them in tools/attack.py: each is compiled once.
FRAMES = [
    ("arrow", "reference", "clinical", "beside", 400),
    ("csv", "reference", "clinical", "header", 400),
    ("pandas", "mds", "ctcae_v5", "numbers", 300),
    ("arrow", "clinical", "daids_v2_1", "declared", 250),
    ("pandas", "reference", "clinical", "comma", 250),
]
OTHERS = [
    ("record", "reference", "clinical", "beside", 100),
    ("long", "reference", "clinical", "beside", 100),
    ("hl7", "reference", "clinical", "beside", 100),
    ("fhir", "reference", "clinical", "beside", 100),
]
WITHHELD_AT_MOST = 0.06


def told(count: Count) -> str:
    """Say what broke the law, most frequent kinds first."""
    return "\n".join(f"{many} {kind}" for kind, many in count.violations.most_common(20))


@pytest.mark.parametrize(("door", "definition", "scheme", "layout", "many"), FRAMES + OTHERS)
def test_no_answer_is_definite_where_possibilities_differ(
    door: str, definition: str, scheme: str, layout: str, many: int
) -> None:
    seed = 1 + (FRAMES + OTHERS).index((door, definition, scheme, layout, many))
    count = attack(RowMaker(read_tables(), seed), many, definition, scheme, door, layout)
    assert count.rows == many
    assert not count.violations, told(count)
    # Nor is much withheld on which all possibilities agree.
    assert sum(count.withheld.values()) <= WITHHELD_AT_MOST * count.possible, count.withheld.most_common(10)


def test_there_are_two_thousand_rows() -> None:
    assert sum(many for *_, many in FRAMES + OTHERS) == 2_000
