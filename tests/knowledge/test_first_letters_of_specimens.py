"""With what a text must begin to be looked at, in a field where nearly every text is a sample number."""

from __future__ import annotations

import re

import pytest

from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.specimens import SpecimenField, load_specimens

TABLE = """
not_blood: []
still_blood: []
blood: [blood]
counts: [cbc]
beside: [lot]
nothing: [none]
fields:
  number: {columns: [sample number], many: true}
  type: {columns: [sample type]}
kinds:
  - {fields: [number], kind: control, source: made_up, codes: [calibrator], words: [kontroll], patterns: [QC-9+]}
"""


def field(name: str) -> SpecimenField:
    return load_specimens(parse_yaml(TABLE, "specimens.yaml"), ["made_up"], ()).fields[name]


@pytest.mark.parametrize("text", ["Calibrator", "KONTROLL", "qc-17", "(QC-17)", "Ñ17"])
def test_a_text_that_may_tell_a_kind_is_looked_at(text: str) -> None:
    starts = field("number").starts
    assert starts is not None
    assert re.search(starts, text)


@pytest.mark.parametrize("text", ["4055", "Q4055", "C4055", "S-17-Q"])
def test_a_sample_number_is_not(text: str) -> None:
    starts = field("number").starts
    assert starts is not None
    assert not re.search(starts, text)


def test_where_texts_are_few_all_are_looked_at() -> None:
    assert field("type").starts is None
