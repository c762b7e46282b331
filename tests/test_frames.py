"""The frame door: profiles, units that nobody states, columns that stand twice, and what is no frame."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cbc_screen as cbc
from cbc_screen.errors import UsageError
from cbc_screen.vocabulary import SCHEMA_VERSION

COUNT = {"age": ["40 y"], "sex": ["F"], "HGB (g/L)": [79], "ANC (10^9/L)": [0.3], "PLT (10^9/L)": [9]}


def test_a_known_table_is_recognized_as_a_file_is(shared: Path, tmp_path: Path) -> None:
    source = shared / "data/nhanes_cbc/nhanes_cbc_demo_2015-2016.csv.gz"
    frame = pd.read_csv(source, nrows=400)
    frame.to_csv(tmp_path / "nhanes.csv", index=False)
    cbc.scan(tmp_path / "nhanes.csv", tmp_path / "flags.csv")
    rows = pd.read_csv(tmp_path / "flags.csv", keep_default_na=False).set_index("row")["pattern"]
    flags = cbc.screen_frame(frame)["pattern"].astype(str)
    screened = [flags.iloc[line - 2] for line in rows.index]
    assert screened == list(rows)
    assert flags.value_counts()["none"] > 200


def test_a_profile_may_be_named(tmp_path: Path) -> None:
    frame = pd.DataFrame({"how old": ["40 y"], "pigment": [79]})
    profile = tmp_path / "own.yaml"
    profile.write_text(
        "id: own\ntitle: own\nshape: wide\nsource: synthetic\ncolumns: {age: how old, hemoglobin: pigment}\nunits: {hemoglobin: g/L}\n",
        encoding="utf-8",
    )
    assert list(cbc.screen_frame(frame, profile=str(profile))["red_line"]) == ["low"]


def test_a_frame_of_single_results_says_what_to_do() -> None:
    frame = pd.DataFrame({"itemid": ["51222"], "charttime": ["2024-03-01"], "value": ["79"], "valueuom": ["g/L"]})
    with pytest.raises(UsageError, match="one result a row"):
        cbc.screen_frame(frame)


def test_one_warning_where_no_column_states_a_unit() -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "hemoglobin": [79], "platelets": [9]})
    partly = pd.DataFrame({"age": ["40 y"], "hemoglobin": ["7.9 g/dL"], "platelets": ["9"]})
    for own in (frame, partly):
        with pytest.warns(cbc.CBCScreenWarning) as warned:
            cbc.screen_frame(own)
        assert [str(one.message).split(":")[0] for one in warned] == ["no column states a unit"]
        assert warned[0].filename == __file__  # at the line of the user, and not at one of the package
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cbc.screen_frame(frame, units="si")
        cbc.screen_frame(pd.DataFrame({"age": ["40 y"], "hemoglobin": ["7.9 g/dL"], "platelets": ["<9 10^9/L"]}))
        cbc.screen_frame(pd.DataFrame(COUNT))


def test_only_what_is_read_must_be_unique() -> None:
    frame = pd.concat([pd.DataFrame(COUNT), pd.DataFrame({"ward": ["a"]}), pd.DataFrame({"ward": ["b"]})], axis=1)
    assert list(cbc.screen_frame(frame)["pattern"]) == ["pancytopenia"]
    twice = pd.concat([pd.DataFrame(COUNT), pd.DataFrame({"HGB (g/L)": [140]})], axis=1)
    with pytest.raises(UsageError, match="two columns of the frame are named"):
        cbc.screen_frame(twice)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (pd.Series(COUNT), "a series is one column"),
        (pa.chunked_array([COUNT["HGB (g/L)"]]), "an array is one column"),
        ([COUNT], "takes a frame of pandas or polars"),
    ],
)
def test_what_is_no_frame_says_what_to_give(given: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cbc.screen_frame(given)


def test_severities_and_urgencies_have_an_order() -> None:
    many = pd.DataFrame(
        {
            "age": ["40 y"] * 3,
            "sex": ["F"] * 3,
            "HGB (g/L)": ["79", "140", "CLOTTED"],
            "ANC (10^9/L)": ["0.3", "4", "CLOTTED"],
            "PLT (10^9/L)": ["9", "250", "CLOTTED"],
        }
    )
    flags = cbc.screen_frame(many)
    # What cannot be told is kept by "at least": unknown is never none.
    assert (flags["severity"] >= "moderate").tolist() == [True, False, True]
    assert (flags["urgency"] >= "prompt").tolist() == [True, False, False]
    assert flags.sort_values("urgency")["urgency"].tolist() == ["none", "cannot_tell", "immediate"]
    own = cbc.screen_frame(pl.from_pandas(many))
    assert own.filter(pl.col("severity") >= "moderate").height == 2
    assert own.sort("urgency")["urgency"].to_list() == ["none", "cannot_tell", "immediate"]


def test_a_frame_of_flags_says_which_form_it_has_and_that_it_is_no_diagnosis() -> None:
    frame = cbc.screen_frame(cbc.sample())
    assert frame.attrs == {"notice": cbc.NOTICE, "schema_version": SCHEMA_VERSION}
    table = cbc.screen_frame(pa.Table.from_pandas(cbc.sample()))
    assert (table.schema.metadata[b"notice"], table.schema.metadata[b"schema_version"]) == (
        cbc.NOTICE.encode(),
        SCHEMA_VERSION.encode(),
    )


@pytest.mark.parametrize("packed", [False, True], ids=["in words", "packed"])
def test_words_of_a_file_of_flags_are_compared_as_those_of_a_frame(packed: bool, tmp_path: Path) -> None:
    cbc.sample().to_csv(tmp_path / "counts.csv", index=False)
    cbc.scan(tmp_path / "counts.csv", tmp_path / "flags.parquet", packed=packed)
    read = cbc.read_flags(tmp_path / "flags.parquet")
    screened = cbc.screen_frame(cbc.sample()).iloc[
        read["row"] - 2
    ]  # line 1 is the header; a row without a result is rejected
    for column, word in (("severity", "moderate"), ("pattern", "bicytopenia"), ("urgency", "prompt")):
        assert list(read[column] >= word) == list(screened[column] >= word)
    assert list(read["severity"].cat.categories) == list(screened["severity"].cat.categories)
    polars = cbc.read_flags(tmp_path / "flags.parquet", kind="polars")
    assert isinstance(polars, pl.DataFrame)
    assert polars["pattern"].to_list() == read["pattern"].tolist()


@pytest.mark.parametrize(
    "cells",
    [
        pd.cut([5, 25, 45], [0, 10, 30, 60]),  # categories of intervals
        pd.arrays.IntervalArray.from_tuples([(0, 10), (10, 30), (30, 60)]),
        pd.period_range("2024-01", periods=3, freq="M").array,
    ],
)
def test_a_type_of_pandas_alone_is_text_that_is_no_number(cells: object) -> None:
    frame = pd.DataFrame({"age": ["40 y"] * 3, "sex": ["F"] * 3, "hemoglobin (g/L)": [90.0, 130.0, 130.0]})
    flags = cbc.screen_frame(frame.assign(**{"platelets (10^9/L)": cells, "ward": cells}))
    assert flags["red_line"].tolist() == ["low", "not_low", "not_low"]
    assert flags["platelet_line"].tolist() == ["cannot_tell"] * 3
    assert not flags["reasons"].astype(str).str.contains("platelets:NO_RESULT").any()
    by_age = cbc.screen_frame(frame.assign(age=cells), age_unit="y")
    assert by_age["reasons"].astype(str).str.contains("age:").all()
