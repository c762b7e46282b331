"""A set for newborns before term has a table for each of its spans of gestation, with the ranges of that span and no others."""

from __future__ import annotations

import pytest

from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.limits import at_gestation, spans_of
from cbc_screen.kernel.published import _set
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.intervals import SetKind

KNOWLEDGE = load_knowledge()
PRETERM = [name for name, own in KNOWLEDGE.interval_sets.items() if own.kind is SetKind.PRETERM]


def test_there_is_one() -> None:
    assert PRETERM


@pytest.mark.parametrize("name", PRETERM)
def test_each_table_has_the_rows_of_its_span(name: str) -> None:
    own = KNOWLEDGE.interval_sets[name]
    tables = _set(own, build_kernel(KNOWLEDGE, Configuration()).rules, KNOWLEDGE).tables
    spans = spans_of(tuple(row for row in own.rows if row.analyte in {"hemoglobin", "wbc", "neutrophils", "platelets"}))
    for place in range(len(tables)):
        found = {(row.analyte, row.gestation) for row in tables[at_gestation("", place)]}
        assert found == {(analyte, at[place]) for analyte, at in spans.items() if place < len(at)}
