"""Columns of numbers and names are searched for the first letters of controls and statistics: what one cell says alone, it says in a column."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.normalize.specimen import SpecimenReader
from strategies import KNOWLEDGE

SPECIMENS = KNOWLEDGE.specimens
READER = SpecimenReader(SPECIMENS)
SEARCHED = {name: field for name, field in SPECIMENS.fields.items() if field.starts is not None}
BESIDE = sorted(word for word in SPECIMENS.beside if word.isascii())
MARKS = (" ", "-", "_", ".", ". ", "/", "", "\t", " : ", "&nbsp;")


def in_a_column(field: str, text: str) -> bool:
    """Tell whether a text of a column is looked at."""
    return bool(pc.match_substring_regex(pa.array([text]), SEARCHED[field].starts)[0].as_py())


@st.composite
def named(draw: st.DrawFn) -> tuple[str, str]:
    """Write a word of a kind with any mark between its parts, and words that may stand beside it on either side."""
    field = draw(st.sampled_from(sorted(SEARCHED)))
    words = draw(st.sampled_from([*SEARCHED[field].codes, *SEARCHED[field].words])).split()
    before, after = (draw(st.lists(st.sampled_from(BESIDE), max_size=2)) for _ in range(2))
    text = draw(st.sampled_from(MARKS)).join([*before, *words, *after])
    for word, sign in (("percent", "%"), ("count", "#")):
        text = text.replace(word, draw(st.sampled_from((word, sign))))
    return field, draw(st.sampled_from((text, text.upper(), f"*{text}*", f" {text}")))


@given(named())
def test_what_says_a_kind_alone_is_looked_at_in_a_column(one: tuple[str, str]) -> None:
    field, text = one
    assert READER.kind(field, text) is None or in_a_column(field, text)


@pytest.mark.parametrize(
    "text",
    ["St. Dev.", "St-Dev", "ST_DEV", "P-value", "95% CI", "CV%", "SE-mean", "1-SD", "N-total", "QC.Level 1", "Level 2 QC"],
)  # fmt: skip
def test_a_row_of_a_statistic_or_a_control_is_no_patient(text: str) -> None:
    frame = pd.DataFrame(
        {"patient id": [text, "1000234"], "hemoglobin": ["90 g/L", "90 g/L"], "age": "40 y", "sex": "F"}
    )
    flags = cbc.screen_frame(frame)
    assert list(flags["red_line"]) == ["cannot_tell", "low"]
    assert "specimen:SPECIMEN_" in flags["reasons"][0]
    assert "SPECIMEN" not in flags["reasons"][1]


def test_numbers_of_patients_are_not_looked_at() -> None:
    assert not any(in_a_column("patient", text) for text in ("1000234", "H-20241", "0042", "MRN 77120", "A.1.22"))
