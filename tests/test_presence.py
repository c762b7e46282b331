"""Findings of the film and the history: what word says that one is there, or is not; any other leaves it unknown."""

from __future__ import annotations

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.people import presence_of
from cbc_screen.vocabulary import Presence

WORDS = load_knowledge().words


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("present", "present"), ("YES", "present"), (True, "present"), (1, "present"), (1.0, "present"), ("++", "present"),
        ("ja", "present"), ("Sí", "present"), ("да", "present"), ("有", "present"), ("陽性", "present"),
        ("absent", "absent"), ("No", "absent"), (False, "absent"), (0, "absent"), (0.0, "absent"), ("nein", "absent"),
        ("não", "absent"), ("нет", "absent"), ("なし", "absent"), ("None seen", "absent"),
        ("", "unknown"), (None, "unknown"), (float("nan"), "unknown"), ("?", "unknown"), ("-", "unknown"), ("unknown", "unknown"),
        (2, "unknown"), ("not reviewed", "unknown"), ("maybe", "unknown"), ("x" * 5_000, "unknown"),
    ],
)  # fmt: skip
def test_a_cell_of_a_finding(cell: object, expected: str) -> None:
    assert presence_of(cell, WORDS) is Presence(expected)


def test_a_column_of_zeros_and_ones_with_a_gap_is_read() -> None:
    """pandas makes numbers with a point of it."""
    frame = pd.DataFrame(
        {
            "age": ["54 y"] * 3, "sex": ["F"] * 3, "HGB (g/L)": [79] * 3, "WBC (10^9/L)": [2] * 3, "PLT (10^9/L)": [20] * 3,
            "blasts on film": [1, 0, None],
        }
    )  # fmt: skip
    assert frame["blasts on film"].dtype == "float64"
    flags = cbc.screen_frame(frame)
    firsts = [text.split(";")[0] for text in flags["checklist"].astype(str)]
    # There, not there, not known: only where a film without blasts is known does leukemia leave the front of such a count.
    assert firsts == ["acute_leukemia", "drug_toxin", "acute_leukemia"]
    assert firsts[1] != "acute_leukemia"
