"""Keys, times and values at the edges of what a source may send."""

from __future__ import annotations

import datetime
import logging

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cbc_screen as cbc

FRAME = pd.DataFrame(
    {
        "person": ["a", "b", "a"],
        "age": "40 y",
        "sex": "F",
        "collected_at": ["2024-01-01", "2024-01-01", "2024-06-01"],
        "platelets (10^9/L)": [90, 200, 80],
    }
)


@pytest.mark.parametrize(
    "keys", [pd.Categorical(["a", "b", "a"]), [1, 2, 1], [1.5, 2.5, 1.5], ["", "b", ""], [" x", "x", " x"]]
)
def test_keys_come_back_as_they_were(keys: list[object]) -> None:
    found = cbc.follow(FRAME.assign(person=keys))
    first, second = list(keys)[:2]
    blank = first == ""
    assert found["person"].dropna().tolist() == (["b"] if blank else [first, second])
    assert found["counts"].tolist() == ([1, 2] if blank else [2, 1])


def test_a_dictionary_that_holds_a_key_twice_is_one_person() -> None:
    keys = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", "b", "a"]))
    table = pa.Table.from_pandas(FRAME.drop(columns="person"), preserve_index=False).append_column("person", keys)
    assert cbc.follow(table)["counts"].to_pylist() == [2, 1]


def test_controls_take_no_part() -> None:
    frame = pd.concat([FRAME, FRAME.assign(**{"specimen type": "QC"})])
    found = cbc.follow(frame)
    assert found["counts"].tolist() == [4, 2]
    assert found["counts_used"].tolist() == [2, 1]
    assert found["reasons"].tolist() == ["count:NOT_BLOOD", "count:NOT_BLOOD;count:ONE_COUNT"]
    assert set(cbc.follow(frame, each_count=True)["platelets_change"].iloc[3:]) == {"not_assessed"}


def test_without_a_column_of_times_nothing_is_told() -> None:
    for frame in (FRAME.drop(columns="collected_at"), FRAME.assign(collected_at=pd.NaT)):
        found = cbc.follow(frame)
        assert set(found["platelet_line"]) == {"cannot_tell"}
        assert set(found["reasons"]) == {"time:TIME_MISSING"}


def test_rows_of_nobody_are_in_one_row() -> None:
    found = cbc.follow(FRAME.assign(person=[None, "b", None]))
    assert found["person"].tolist()[0] == "b"
    assert pd.isna(found["person"].iloc[1])
    assert found["counts"].tolist() == [1, 2]
    assert found["platelet_line"].tolist() == ["not_low", "not_assessed"]
    assert found["reasons"].tolist()[1] == "person:PERSON_MISSING"


def test_a_printed_zero_is_below_what_is_printed() -> None:
    frame = pd.concat([FRAME.iloc[:1]] * 4, ignore_index=True).drop(columns="platelets (10^9/L)")
    frame = frame.assign(
        collected_at=[f"2024-0{month}-01" for month in (1, 2, 3, 4)],
        **{"neutrophils (10^9/L)": ["2.0", "0.0", "0.0", "1.5"]},
    )
    changes = cbc.follow(frame, each_count=True)["neutrophils_change"].tolist()
    assert changes == ["not_assessed", "down", "cannot_tell", "cannot_tell"]


@pytest.mark.parametrize(
    ("definition", "red"), [("mds", "persistent_6_months"), ("strict", "single"), ("aplastic", "single")]
)
def test_the_definition_of_the_screen_is_that_of_the_lines(definition: str, red: str) -> None:
    """Hemoglobin 101 and then 98 g/L: below 130 both times, below 100 once."""
    frame = FRAME.iloc[[0, 2]].assign(
        sex="M", collected_at=["2024-01-01", "2024-08-01"], **{"hemoglobin (g/L)": [101, 98]}
    )
    assert cbc.follow(frame, definition=definition)["red_persistence"].tolist() == [red]


def test_neutrophils_of_a_differential_are_followed() -> None:
    frame = FRAME.iloc[[0, 2]].assign(**{"wbc (10^9/L)": [6.0, 4.0], "neutrophils percent": [60, 20]})
    rows = cbc.follow(frame, each_count=True)
    assert rows["neutrophils_change"].tolist() == ["not_assessed", "down"]
    assert cbc.follow(frame)["white_line"].tolist() == ["low"]


def test_thousands_of_counts_of_one_person() -> None:
    days = [str(datetime.date(2000, 1, 1) + datetime.timedelta(days=day)) for day in range(3_000)]
    values = np.random.default_rng(1).normal(250, 15, 3_000).round()
    frame = pd.DataFrame({"person": "a", "age": "40 y", "sex": "F", "collected_at": days, "platelets (10^9/L)": values})
    person = cbc.follow(frame).iloc[0]
    assert (person["platelet_trend"], person["platelet_robust_trend"]) == ("none", "none")
    assert person["counts_used"] == 3_000


def test_a_lazy_frame_is_followed_and_a_series_is_refused() -> None:
    frame = pl.from_pandas(FRAME)
    assert cbc.follow(frame.lazy()).collect().equals(cbc.follow(frame))
    with pytest.raises(cbc.UsageError, match="series"):
        cbc.follow(FRAME["person"])


def test_nothing_of_a_person_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    frame = FRAME.assign(person=["SECRET-17", "SECRET-18", "SECRET-17"], collected_at=["2024-01-01", "SECRET-19", "?"])
    with caplog.at_level(logging.DEBUG):
        cbc.follow(frame)
        cbc.follow(frame, each_count=True)
    assert "SECRET" not in caplog.text
    for arguments in ({"person": "nope"}, {"laboratory": "nope"}):
        with pytest.raises(cbc.UsageError) as caught:
            cbc.follow(frame, **arguments)
        assert "SECRET" not in str(caught.value)
