"""Rows of one set that are laid over others between two ages: which they are, what is left of each, how its age reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.knowledge.intervals import COLUMNS, IntervalRow
from cbc_screen.knowledge.sets import load_sets, outside

# Made-up ages and limits: (pregnancy, from, its unit, to, its unit).
ROWS = [
    ("none", "0", "d", "2", "y"),
    ("none", "2", "y", "18", "y"),
    ("none", "18", "y", "", ""),
    ("T1", "18", "y", "", ""),
]


def closer(folder: Path, start: str, end: str, analyte: str = "platelets") -> tuple[IntervalRow, ...]:
    """Return the rows that a list of sets lays closer, out of the made-up set."""
    (folder / "intervals").mkdir()
    (folder / "intervals" / "sets.yaml").write_text(
        "default: [made_up]\n"
        f"closer:\n  - {{analyte: {analyte}, set: made_up, from: {{{start}}}, to: {{{end}}}}}\n"
        "differing: []\nduffy_null_finding: made_up_finding\n"
        "sets: [{id: made_up, kind: general, title: made up, gaps: true}]\n",
        encoding="utf-8",
    )
    lines = [",".join(COLUMNS)]
    for pregnancy, low, low_unit, high, high_unit in ROWS:
        cells = dict.fromkeys(COLUMNS, "") | {
            "set": "made_up", "analyte": "platelets", "sex": "any" if pregnancy == "none" else "F", "pregnancy": pregnancy,
            "age_low": low, "age_low_unit": low_unit, "age_high": high, "age_high_unit": high_unit, "lower": "1",
            "upper": "2", "unit": "10^9/L", "percentile_basis": "made up", "source": "made_up", "locator": "made up",
            "verification": "C",
        }  # fmt: skip
        lines.append(",".join(cells[name] for name in COLUMNS))
    (folder / "intervals" / "made_up.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_sets(folder, load_knowledge().analytes, ["made_up"], ["made_up_finding"])[1].closer


def test_a_row_is_clipped_to_the_ages_asked_for(tmp_path: Path) -> None:
    found = closer(tmp_path, "value: 1, unit: y", "value: 5, unit: y")
    assert [(row.age_low, row.age_high) for row in found] == [
        (AgeEdge("mo", 12), AgeEdge("mo", 24)),
        (AgeEdge("mo", 24), AgeEdge("mo", 60)),
    ]
    assert [row.age_text for row in found] == ["12 mo to under 24 mo", "24 mo to under 60 mo"]


def test_a_row_within_the_ages_stays_as_it_is(tmp_path: Path) -> None:
    [row] = closer(tmp_path, "value: 2, unit: y", "value: 18, unit: y")
    assert (row.age_low, row.age_high, row.age_text) == (AgeEdge("mo", 24), AgeEdge("mo", 216), "2 y to under 18 y")


def test_rows_of_a_pregnancy_are_not_laid_closer(tmp_path: Path) -> None:
    found = closer(tmp_path, "value: 20, unit: y", "value: 30, unit: y")
    assert [(row.pregnancy, row.age_text) for row in found] == [("none", "240 mo to under 360 mo")]


def test_a_set_without_a_row_between_the_ages_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"^intervals/sets\.yaml:3: set: has no row of this analyte between these"):
        closer(tmp_path, "value: 1, unit: y", "value: 5, unit: y", analyte="hemoglobin")


def test_what_comes_before_and_after_is_left_with_its_ages_in_words() -> None:
    row = replace(
        load_knowledge().intervals("default")[0], age_low=AgeEdge("mo", 0), age_high=None, age_text="0 mo and over"
    )
    laid = replace(row, age_low=AgeEdge("mo", 24), age_high=AgeEdge("mo", 60))
    before, after = outside([row], [laid])
    assert (before.age_low, before.age_high) == (AgeEdge("mo", 0), AgeEdge("mo", 24))
    assert before.age_text == "0 mo to under 24 mo"
    assert (after.age_low, after.age_high) == (AgeEdge("mo", 60), None)
    assert after.age_text == "60 mo and over"
