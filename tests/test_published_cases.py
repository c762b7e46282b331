"""Published cases: the pattern read from the counts, under the clinical definition.

`expected_pattern` and `expected_pattern_anc_only` were read by others with the limits of
the data set's README. They part where WBC is below 4.0 and neutrophils are normal; the
design judges the white line on neutrophils where they are known, so the second is the one
to meet. These are development cases: agreement here is no measure of accuracy.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cbc_screen as cbc

RESULTS = {
    "hb_g_L": ("hemoglobin", "g/L"),
    "wbc_10e9_L": ("wbc", "10^9/L"),
    "anc_10e9_L": ("neutrophils", "10^9/L"),
    "plt_10e9_L": ("platelets", "10^9/L"),
    "mcv_fL": ("mcv", "fL"),
}
PATTERNS = {
    "none": "none",
    "single_rbc": "single_line",
    "single_wbc": "single_line",
    "single_plt": "single_line",
    "bi": "bicytopenia",
    "pan": "pancytopenia",
}
LOW_LINE = {"single_rbc": "red_line", "single_wbc": "white_line", "single_plt": "platelet_line"}
LOW_COUNT = {"none": 0, "single_rbc": 1, "single_wbc": 1, "single_plt": 1, "bi": 2, "pan": 3}
LINES = ("red_line", "white_line", "platelet_line")
# Complete cases in which the design departs from `expected_pattern`, by case id, with the
# argument. There is none: in every complete case the two readings of the white line agree.
ARGUED: dict[str, str] = {}


def read_cases(shared: Path) -> list[dict[str, Any]]:
    text = (shared / "data" / "published_cases" / "cases.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def record_of(case: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {RESULTS[k][0]: f"{v} {RESULTS[k][1]}" for k, v in case["si"].items() if k in RESULTS}
    if case["age"] is not None:
        record |= {"age": case["age"], "age_unit": case["age_unit"]}
    if case["sex"] is not None:
        record["sex"] = case["sex"]
    if case["pregnant"]:
        record["pregnancy"] = "trimester_unknown"
    return record


def expected(case: dict[str, Any]) -> str:
    """The reading by neutrophils, where it was made; without neutrophils the two are one."""
    return str(case["expected_pattern_anc_only"] or case["expected_pattern"])


def screen(case: dict[str, Any]) -> dict[str, Any]:
    return cbc.Screener(definition="clinical").screen(record_of(case)).flags()


def test_complete_cases_have_the_published_pattern(shared: Path) -> None:
    complete = [case for case in read_cases(shared) if case["pattern_complete"]]
    assert len(complete) == 26
    for case in complete:
        flags, reading = screen(case), expected(case)
        assert flags["pattern"] == PATTERNS[reading], case["id"]
        low = [line for line in LINES if flags[line] == "low"]
        assert len(low) == LOW_COUNT[reading], case["id"]
        if reading in LOW_LINE:
            assert low == [LOW_LINE[reading]], case["id"]
    assert sum(expected(case) in LOW_LINE for case in complete) >= 6


def test_differences_from_the_plain_reading_are_argued(shared: Path) -> None:
    """A case that leaves `expected_pattern` must be named above, and no name may be stale."""
    differ = set()
    for case in read_cases(shared):
        if case["pattern_complete"] and screen(case)["pattern"] != PATTERNS[case["expected_pattern"]]:
            differ.add(case["id"])
    assert differ == set(ARGUED)


def test_white_line_follows_neutrophils_where_they_are_known(shared: Path) -> None:
    """Over all cases, complete or not: low exactly below 1.5, or by WBC below 4.0 without neutrophils."""
    by_neutrophils = by_wbc = 0
    for case in read_cases(shared):
        flags = screen(case)
        counts = case["si"]
        if "anc_10e9_L" in counts:
            by_neutrophils += 1
            assert flags["white_line"] == ("low" if counts["anc_10e9_L"] < 1.5 else "not_low"), case["id"]
        elif "wbc_10e9_L" in counts:
            by_wbc += 1
            assert flags["white_line_basis"] == "wbc", case["id"]
            assert flags["white_line"] == ("low" if counts["wbc_10e9_L"] < 4.0 else "not_low"), case["id"]
        else:
            assert flags["white_line"] == "cannot_tell", case["id"]
    assert by_neutrophils >= 8
    assert by_wbc >= 15


def test_incomplete_cases_leave_the_published_pattern_open(shared: Path) -> None:
    """A missing count never closes the answer: the published number of lines stays possible."""
    incomplete = [case for case in read_cases(shared) if not case["pattern_complete"]]
    assert len(incomplete) == 12
    outside = {}
    for case in incomplete:
        reading = expected(case)
        if reading not in LOW_COUNT:
            continue
        flags = screen(case)
        if not flags["lines_low_min"] <= LOW_COUNT[reading] <= flags["lines_low_max"]:
            outside[case["id"]] = (reading, flags["lines_low_min"], flags["lines_low_max"])
    assert outside == {}


@pytest.mark.parametrize("missing", ["hemoglobin", "neutrophils and WBC", "platelets"])
def test_a_published_case_without_one_line(shared: Path, missing: str) -> None:
    """Taking a line away leaves the published number of low lines among the possible ones, and never a pattern."""
    gone = {"hemoglobin": {"hemoglobin"}, "neutrophils and WBC": {"neutrophils", "wbc"}, "platelets": {"platelets"}}[
        missing
    ]
    screener = cbc.Screener(definition="clinical")
    for case in read_cases(shared):
        if not case["pattern_complete"]:
            continue
        record = {key: value for key, value in record_of(case).items() if key not in gone}
        flags = screener.screen(record).flags()
        assert flags["pattern"] == "cannot_tell", case["id"]
        assert flags["lines_low_max"] - flags["lines_low_min"] == 1
        assert flags["lines_low_min"] <= LOW_COUNT[expected(case)] <= flags["lines_low_max"]


def test_frame_gives_the_same_flags(shared: Path) -> None:
    """All cases as one table: the other door, the same words."""
    import pandas as pd

    cases = read_cases(shared)
    records = [record_of(case) for case in cases]
    frame = pd.DataFrame(
        [{key: None if value is None else str(value) for key, value in record.items()} for record in records]
    )
    screener = cbc.Screener(definition="clinical")
    flags = screener.screen_frame(frame)
    for place, record in enumerate(records):
        row = {name: None if pd.isna(value) else value for name, value in flags.iloc[place].to_dict().items()}
        assert row == screener.screen(record).flags(), cases[place]["id"]
