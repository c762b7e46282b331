"""One row of a frame with its whole result, and records under the names that columns have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import polars as pl
import pytest

import cbc_screen as cbc
from cbc_screen.errors import RecordError, UsageError
from test_unit_suspicion import HEALTHY

ROW = {"Age": "54 y", "Sex": "F", "HGB (g/dL)": 9.1, "PLT (10*3/uL)": "<10", "ANC (10^9/L)": 0.9}
RECORD = {
    "age": "54 y",
    "sex": "F",
    "hemoglobin": "9.1 g/dL",
    "platelets": "<10 10^9/L",
    "neutrophils": "0.9 10^9/L",
}


def test_every_row_of_the_sample_is_what_it_is_among_the_others() -> None:
    """Every trap of the demo: `explain` itself refuses a row whose flags differ."""
    frame = cbc.sample()
    flags = cbc.screen_frame(frame)
    for place in range(0, len(frame), 9):
        assert cbc.explain(frame, place).pattern.value == flags["pattern"].iloc[place]


def test_the_chain_begins_with_what_was_received() -> None:
    frame = pd.DataFrame([ROW, {**ROW, "HGB (g/dL)": 15.0}], index=["x", "y"])
    text = cbc.explain(frame, 0).explain()
    assert "9.1" in text
    assert "For clinician review. Not a diagnosis." in text
    assert cbc.explain(frame, -1).lines[0].state.value == "not_low"
    assert cbc.explain(pl.from_pandas(frame), 0).pattern.value == "pancytopenia"


def test_a_letter_for_sex_means_what_the_whole_frame_says() -> None:
    frame = pd.DataFrame({"age": ["54 y"] * 3, "sex": ["M", "V", "M"], "Hb": ["125 g/L"] * 3})
    assert cbc.explain(frame, 0).lines[0].state.value == "cannot_tell"
    assert cbc.explain(frame[["age", "Hb"]].assign(sex="F"), 0).lines[0].state.value == "not_low"


def test_a_unit_that_is_doubted_in_the_frame_is_doubted_in_its_rows() -> None:
    columns = ["Hb (g/dL)", "WBC (10^9/L)", "neutrophils (10^9/L)", "PLT (10^9/L)"]
    frame = pd.DataFrame([(hb, wbc, own, plt / 10) for hb, wbc, own, plt in HEALTHY], columns=columns)
    frame = frame.assign(age="40 y", sex="F")
    assert ("platelets", "UNIT_SUSPECT") in [(name, why.value) for name, why in cbc.explain(frame, 0).reasons]
    accepted = cbc.explain(frame, 0, accept_units=["platelets"])
    assert accepted.lines[2].state.value == "low"


@pytest.mark.parametrize("row", [2, -3])
def test_a_row_that_is_not_there_is_said(row: int) -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        cbc.explain(pd.DataFrame([ROW, ROW]), row)


def test_a_record_may_have_the_names_that_columns_have() -> None:
    named, plain = cbc.screen(ROW), cbc.screen(RECORD)
    assert named.flags() == plain.flags()
    assert (named.analytes[0].received, named.analytes[0].unit_declared) == ("9.1", "g/dL")
    assert cbc.screen({"edad": "54 y", "sexo": "F", "Hemoglobina (g/dL)": 9.1}).lines[0].state.value == "low"


@pytest.mark.parametrize(
    "record",
    [
        {"hemoglobn": "9.173 g/dL", "age": "5 y"},
        {"HGB (g/dL)": 9.173, "color": "red"},
        {"Hb (zz)": 9.173},
        {"Age": "54 y"},
        {"HGB (g/dL)": 9.173, "Hb (g/L)": 91},
        {"HGB (g/dL)": {"value": 9.173}},
        {"HGB (g/dL)": True, "PLT (10^9/L)": 9.173},
        {1: 9.173},
    ],
    ids=str,
)
def test_a_name_that_is_not_read_is_an_error_and_shows_nothing(record: Mapping[Any, Any]) -> None:
    with pytest.raises(RecordError) as caught:
        cbc.screen(record)
    assert "9.173" not in str(caught.value)


def test_the_sample_needs_no_file() -> None:
    frame = cbc.sample()
    assert frame.equals(cbc.sample())
    assert set(cbc.screen_frame(frame)["pattern"]) == {
        "none",
        "single_line",
        "bicytopenia",
        "pancytopenia",
        "cannot_tell",
    }


# With the other counts of the person --------------------------------------------------------

SERIES = pd.DataFrame(
    {
        "patient_id": ["a", "b", "a", "a", ""],
        "age": ["54 y"] * 5,
        "sex": ["F"] * 5,
        "collected_at": ["2026-05-01", "2026-05-02", "2026-11-01", "2026-10-28", "2026-11-01"],
        "hemoglobin (g/dL)": [12.9, 14.0, 9.1, 11.8, 9.1],
        "platelets (10^9/L)": [210, 250, 60, 130, 60],
    }
)


def test_the_last_count_of_a_person_is_what_following_the_frame_says_of_it() -> None:
    """Hemoglobin 118 g/L, and 91 four days later: a fall by 20 g/L in a week."""
    result = cbc.explain(SERIES, 2, history=True)
    followed = cbc.follow(SERIES).set_index("person").loc["a"]
    assert result.history is not None
    assert [(count.collected_at, count.used) for count in result.history.counts if not count.screened] == [
        ("2026-05-01", True),
        ("2026-10-28", True),
    ]
    assert result.urgency.value == followed["last_urgency"] == "prompt"
    assert [entry.id for entry in result.checklist] == followed["last_checklist"].split(";")


def test_a_later_count_takes_no_part_and_one_of_nobody_stands_alone() -> None:
    earlier = cbc.explain(SERIES, 3, history=True).history
    assert earlier is not None
    assert {count.why for count in earlier.counts if not count.used} == {"LATER_COUNT"}
    nobody = cbc.explain(SERIES, -1, history=True)
    assert nobody.history is not None
    assert nobody.history.used is False
    assert nobody.flags() == cbc.explain(SERIES, -1).flags()


def test_history_needs_a_column_that_says_whose_each_row_is() -> None:
    with pytest.raises(cbc.UsageError, match="person="):
        cbc.explain(SERIES.drop(columns="patient_id"), 2, history=True)
    named = SERIES.rename(columns={"patient_id": "Whose"})
    found = cbc.explain(named, 2, history=True, person="Whose")
    assert found.flags() == cbc.explain(SERIES, 2, history=True).flags()
