"""One configuration, many doors: immutable, picklable, thread-safe, and typed."""

from __future__ import annotations

import json
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cbc_screen as cbc
from cbc_screen.kernel import columns as kernel_columns
from cbc_screen.vocabulary import NOTICE, Presence

SICK = {
    "age": "54 y",
    "sex": "F",
    "hemoglobin": "9.1 g/dL",
    "wbc": "2.3 10^9/L",
    "neutrophils": {"value": 0.9, "unit": "10^9/L"},
    "platelets": "<10 10^9/L",
}


def frame(rows: int = 500) -> pd.DataFrame:
    chance = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "age": chance.integers(0, 95, rows).astype(str),
            "sex": chance.choice(["F", "M", "", "?"], rows),
            "HGB (g/dL)": np.round(chance.normal(12.5, 3, rows).clip(2.5), 1),
            "WBC (10^9/L)": np.round(chance.normal(6, 3, rows).clip(0), 1),
            "NEUT%": np.round(chance.uniform(5, 95, rows), 1),
            "PLT (10*3/uL)": chance.integers(0, 500, rows).astype(str),
        }
    )


def test_the_example_of_the_contract() -> None:
    result = cbc.screen(SICK)
    assert result.pattern == "pancytopenia"
    assert (result.lines_low_min, result.lines_low_max) == (3, 3)
    assert result.notice == NOTICE
    # Five fit at most; without reticulocytes and a film nothing is decided.
    fits = [entry.id for entry in result.checklist if entry.group == "fits"]
    assert "aplastic_anemia" in fits
    assert len(fits) == 5
    assert {entry.support.value for entry in result.checklist} <= {"consider", "cannot_assess", "less_likely"}


def test_a_compact_answer_has_the_same_flags_and_no_texts() -> None:
    full, compact = cbc.screen(SICK), cbc.screen(SICK, compact=True)
    assert compact.flags() == full.flags()
    assert [c.id for c in compact.checklist] == [c.id for c in full.checklist]
    assert compact.checklist[0].summary == "" != full.checklist[0].summary


def test_results_and_records_have_json_schemas_and_round_trip() -> None:
    result = cbc.screen(SICK)
    assert cbc.ScreeningResult.model_validate_json(result.model_dump_json()) == result
    assert json.loads(json.dumps(result.to_dict()))["pattern"] == "pancytopenia"
    for model in (cbc.CBCRecord, cbc.Measurement, cbc.ScreeningResult):
        assert model.model_json_schema()["type"] == "object"


def test_a_screener_is_immutable_and_survives_pickling() -> None:
    screener = cbc.Screener(definition="clinical", units={"system": "us", "platelets": "/uL"})
    with pytest.raises(AttributeError):
        screener.definition = "mds"  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(screener))
    assert copy == screener
    record = {"age": "60 y", "sex": "M", "hemoglobin": 12.0, "platelets": 90_000, "wbc": 3.0}
    assert copy.screen(record).flags() == screener.screen(record).flags()
    assert screener.screen(record).pattern == "pancytopenia"


def test_one_screener_serves_many_threads_with_equal_answers() -> None:
    screener, data = cbc.Screener(definition="clinical"), frame()
    expected = screener.screen_frame(data, age_unit="y")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: screener.screen_frame(data, age_unit="y"), range(16)))
        singles = list(pool.map(lambda _: screener.screen(SICK).flags(), range(64)))
    for answer in answers:
        pd.testing.assert_frame_equal(answer, expected)
    assert all(flags == singles[0] for flags in singles)


def test_the_same_kind_of_frame_comes_out_with_its_index_and_order() -> None:
    data = frame(50).set_index(pd.Index([f"p{i}" for i in range(50)][::-1]))
    answer = cbc.screen_frame(data, age_unit="y")
    assert isinstance(answer, pd.DataFrame)
    assert answer.index.equals(data.index)
    arrow = cbc.screen_frame(pa.Table.from_pandas(data, preserve_index=False), age_unit="y")
    assert isinstance(arrow, pa.Table)
    polars = cbc.screen_frame(pl.from_pandas(data), age_unit="y")
    assert isinstance(polars, pl.DataFrame)
    assert (
        arrow.column("checklist").to_pylist()
        == polars["checklist"].to_list()
        == answer["checklist"].astype(str).tolist()
    )


def test_the_size_of_a_chunk_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    data = frame(300)
    expected = cbc.screen_frame(data, age_unit="y", detail=True)
    for size in (1, 7, 299, 100_000):
        monkeypatch.setattr(kernel_columns, "CHUNK", size)
        pd.testing.assert_frame_equal(cbc.screen_frame(data, age_unit="y", detail=True), expected)


def test_an_empty_frame_gives_an_empty_frame_with_the_same_columns() -> None:
    data = frame(5)
    empty = cbc.screen_frame(data.iloc[:0], age_unit="y")
    assert len(empty) == 0
    assert list(empty.columns) == list(cbc.screen_frame(data, age_unit="y").columns)


def test_detail_shows_the_limits_used_and_their_set() -> None:
    data = pd.DataFrame(
        {"age": ["54 y"], "sex": ["F"], "HGB (g/dL)": [9.1], "hemoglobin_lower_limit": [12.0], "PLT (10^9/L)": [90]}
    )
    answer = cbc.screen_frame(data, detail=True).iloc[0]
    assert (answer["hemoglobin_low"], answer["hemoglobin_lower_limit"], answer["hemoglobin_range_set"]) == (
        91.0,
        120.0,
        "reported",
    )
    assert (answer["platelets_lower_limit"], answer["platelets_range_set"]) == (157.0, "default_v1")


def test_detail_shows_the_limits_behind_the_line_where_a_phenotype_is_stated() -> None:
    data = pd.DataFrame(
        {
            "age": ["40 y"] * 3,
            "sex": ["F"] * 3,
            "neutrophils (10^9/L)": [1.4] * 3,
            "duffy_null_phenotype": ["present", "absent", None],
        }
    )
    screener = cbc.Screener(ranges="duffy_null_uk")
    answers = screener.screen_frame(data, detail=True)
    assert list(answers["white_line"]) == ["not_low", "low", "low"]
    for place, stated in enumerate(("present", "absent", "unknown")):
        record = {
            "age": "40 y",
            "sex": "F",
            "neutrophils": "1.4 10^9/L",
            "context": {"duffy_null_phenotype": stated},
        }
        white = screener.screen(record).lines[1]
        assert white.limits == (answers["neutrophils_lower_limit"][place],)
    assert list(answers["neutrophils_range_set"]) == ["duffy_null_uk", "default_v1", "default_v1"]


def test_detail_shows_a_derived_count_and_a_limit_only_where_every_range_shares_it() -> None:
    data = pd.DataFrame(
        {"age": ["40 y"], "sex": [""], "WBC (10^9/L)": [3.0], "neutrophils_percent": [20], "mcv (fL)": [80]}
    )
    answer = cbc.screen_frame(data, detail=True).iloc[0]
    assert answer["neutrophils_low"] == 0.6  # 3.0 x 20 / 100
    # White cells: 3.9 for a woman and for a man. MCV: 79.9 and 80.3.
    assert answer["wbc_lower_limit"] == 3.9
    assert pd.isna(answer["mcv_lower_limit"])


def test_a_reported_range_is_used_if_sane_and_refused_if_not() -> None:
    def red(lower: float, upper: float, **options: object) -> cbc.ScreeningResult:
        record = {"age": "54 y", "sex": "F", "hemoglobin": {"value": 11.9, "unit": "g/dL", "range": [lower, upper]}}
        return cbc.Screener(**options).screen(record)

    assert red(12.0, 15.5).lines[0].state == "low"  # the set says 117 g/L: not low
    assert red(11.0, 15.5).lines[0].state == "not_low"
    assert red(12.0, 15.5, prefer_reported_ranges=False).lines[0].state == "not_low"
    insane = red(120.0, 155.0)  # g/L written as g/dL: ten times the set's limit
    assert insane.lines[0].state == "not_low"
    assert ("hemoglobin", "RANGE_INSANE") in insane.reasons
    assert ("hemoglobin", "RANGE_INSANE") in red(15.5, 12.0).reasons


def test_a_bare_number_is_refused_unless_units_declares_it() -> None:
    record = {"age": "54 y", "sex": "F", "hemoglobin": 9.1}
    assert cbc.screen(record).lines[0].state == "cannot_tell"
    assert ("hemoglobin", "UNIT_MISSING") in cbc.screen(record).reasons
    assert cbc.Screener(units="us").screen(record).lines[0].state == "low"
    assert cbc.Screener(units={"hemoglobin": "g/dL"}).screen(record).lines[0].state == "low"


def test_hemoglobin_in_millimoles_needs_its_convention() -> None:
    record = {"age": "54 y", "sex": "F", "hemoglobin": "7.5 mmol/L"}
    assert ("hemoglobin", "UNIT_CONFUSABLE") in cbc.screen(record).reasons
    monomer = cbc.Screener(units={"hemoglobin_mmol": "monomer"}).screen(record)
    assert monomer.analytes[0].low == pytest.approx(120.85875)  # 7.5 x 16.1145
    tetramer = cbc.Screener(units={"hemoglobin_mmol": "tetramer"}).screen({**record, "hemoglobin": "1.9 mmol/L"})
    assert tetramer.analytes[0].low == pytest.approx(122.4702)  # 1.9 x 64.458


@pytest.mark.parametrize(
    "options",
    [
        {"ranges": "mine"},
        {"definition": "x"},
        {"grading": "x"},
        {"units": "metric"},
        {"units": {"hemoglobin": "mg/dL"}},
        {"units": {"blood": "g/L"}},
    ],
)
def test_an_unknown_word_in_the_configuration_is_a_usage_error(options: dict[str, object]) -> None:
    with pytest.raises(cbc.UsageError):
        cbc.Screener(**options)


def test_explain_holds_every_input_limit_source_and_version() -> None:
    text = cbc.screen(SICK).explain()
    for part in (
        "9.1 g/dL",
        "91 g/L",
        "below 117 g/L",
        "2.3 10^9/L",
        "0.9 10^9/L",
        "<10 10^9/L",
        "default_v1",
        "nhanes",
        "who2024",
        "data 20",
        NOTICE,
    ):
        assert part in text, part


def test_explain_strips_what_a_terminal_would_act_on() -> None:
    text = cbc.screen({"hemoglobin": "9\x1b[31m\u202e g/dL"}).explain()
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_flag_can_be_recomputed_from_its_own_explanation() -> None:
    """Promise 4: limit, set and value shown are enough to redo each line by hand."""
    for record in (SICK, {**SICK, "sex": "M"}, {**SICK, "age": "9 mo"}, {**SICK, "platelets": "200 10^9/L"}):
        result = cbc.screen(record)
        values = {analyte.analyte: analyte for analyte in result.analytes}
        for line in result.lines:
            used = values[line.analyte]
            assert used.low is not None
            assert used.high is not None
            low, not_low = used.high < min(line.limits), used.low >= max(line.limits)
            assert line.state == ("low" if low else "not_low" if not_low else "cannot_tell")
            assert {row.lower for row in used.ranges} == set(line.limits)
            assert {row.source for row in used.ranges} <= {source.id for source in result.sources}


def test_reference_range_of_the_contract() -> None:
    found = cbc.reference_range("hemoglobin", age="54 y", sex="F")
    assert (found.lower, found.upper, found.unit, found.set) == (117.0, 153.0, "g/L", "default_v1")
    assert found.lower_ci90 == (116.0, 119.0)
    assert cbc.reference_range("hemoglobin", age="54 y", sex="M").lower == 132.0
    assert cbc.reference_range("hemoglobin", age="9 y").lower == 115.0
    assert cbc.reference_range("hemoglobin", age="30 y", sex="F", pregnancy="T2").lower == 106.0
    with pytest.raises(cbc.RangeNotFound):
        cbc.reference_range("hemoglobin", age="54 y")
    with pytest.raises(cbc.RangeNotFound):
        cbc.reference_range("rdw_cv", age="30 y", sex="F", pregnancy="T2")
    with pytest.raises(cbc.UsageError):
        cbc.reference_range("hemoglobin", age="old", sex="F")


def test_the_reason_of_a_missing_grade_is_the_one_that_would_help() -> None:
    assert cbc.grade("neutrophils", 0.05, "10^9/L", age="3 mo").reason == "RANGE_ABSENT"  # no band under a year
    assert cbc.grade("hemoglobin", 12.5, "g/dL", age="30 y").reason == "SEX_MISSING"  # 0 for F, 1 for M
    assert cbc.grade("hemoglobin", 12.5, "g/dL", sex="F").reason == "AGE_MISSING"
    assert cbc.grade("hemoglobin", "<13", "g/dL", age="30 y", sex="F").reason == "CENSORED_LOW"
    assert cbc.grade("hemoglobin", 12.5, age="30 y", sex="F").reason == "UNIT_MISSING"
    assert cbc.grade("mcv", 60, "fL", scheme="ctcae_v5").reason == "RANGE_ABSENT"


@pytest.mark.parametrize(
    ("header", "analyte", "value"),
    [
        ("Reticulocytes % (\u2030)", "reticulocytes_percent", 1.2),
        ("RDW-CV (%)", "rdw_cv", 12.0),
        ("rdw_cv (%)", "rdw_cv", 12.0),
        ("Reticulocytes percent", "reticulocytes_percent", 12.0),
    ],
)
def test_a_header_that_is_a_name_as_it_stands_keeps_its_unit(header: str, analyte: str, value: float) -> None:
    found = cbc.screen_frame(pd.DataFrame({"age": ["40 y"], "sex": ["F"], header: [12.0]}), detail=True)
    assert found[f"{analyte}_low"][0] == value
    assert analyte not in found["reasons"][0]


def test_a_result_without_what_is_empty_says_the_same_and_is_shorter() -> None:
    record = {"age": "54 y", "sex": "F", "hemoglobin": "0.0 g/dL", "wbc": "1.1 10^9/L", "platelets": "<10 10^9/L"}

    def filled(value: object) -> bool:
        return value is not None and value not in ("", [], {}) if not isinstance(value, bool | int | float) else True

    def same(short: object, whole: object) -> None:
        """What is there is equal; what is not there is null, empty, or holds nothing but such."""
        if isinstance(whole, dict):
            for name, own in whole.items():
                same((short or {}).get(name), own)
        elif isinstance(whole, list):
            assert len(short or []) == len(whole)
            for one, own in zip(short or [], whole, strict=True):
                same(one, own)
        elif filled(whole):
            assert (short, type(short)) == (whole, type(whole))
        else:
            assert short is None

    for compact in (False, True):
        result = cbc.screen(record, compact=compact)
        short, whole = result.to_dict(empty=False), result.to_dict()
        same(short, whole)
        assert {name for name in whole if name not in short} == {
            name for name, value in whole.items() if not filled(value)
        }
    (hemoglobin,) = [entry for entry in short["analytes"] if entry["analyte"] == "hemoglobin"]
    assert hemoglobin["low"] == 0.0  # a number, not nothing
    assert short["borderline"] is False
    # Of every text of the checklist a compact result has its name alone.
    assert 3 * len(json.dumps(short)) < len(json.dumps(cbc.screen(record).to_dict()))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"units": {"hemoglobin": "g/dL", "hemoglobin_mmol": "dimer"}}, "units: hemoglobin_mmol must be one of monomer, tetramer"),
        ({"adjust_hemoglobin": ["weight"]}, "adjust_hemoglobin must be some of elevation, smoking"),
        ({"unit_spellings": {"g/dL": "10^9/L"}}, "unit_spellings: 'g/dL' is known already"),
    ],
)  # fmt: skip
def test_what_cannot_be_declared_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(cbc.UsageError, match=re.escape(says)):
        cbc.Screener(**options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"columns": {"hemoglobins": "HGB (g/dL)"}}, "columns: 'hemoglobins' is not an analyte, a field of the person or a finding; did you"),
        ({"columns": {"hemoglobin": "HGB"}}, "columns: hemoglobin=HGB: there is no such column"),
        ({"columns": {"hemoglobin": "HGB (g/dl"}}, "there is no such column; did you mean HGB (g/dL)?"),
        ({"units": {"hemoglobin": "g/L"}}, "column 'HGB (g/dL)' states its unit, and units= declares another for hemoglobin"),
    ],
)  # fmt: skip
def test_what_contradicts_the_columns_of_a_frame_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(cbc.UsageError, match=re.escape(says)):
        cbc.screen_frame(pd.DataFrame({"age": ["40 y"], "sex": ["F"], "HGB (g/dL)": [9.1]}), **options)


@pytest.mark.parametrize(
    "record",
    [
        {"age": "40 y", "sex": "F", "context": {"jane_roe": "present"}},
        # A copy of a record with other parts is not validated by pydantic.
        cbc.CBCRecord(sex="F").model_copy(update={"context": {"jane_roe": Presence.PRESENT}}),
    ],
)
def test_a_finding_that_is_none_is_refused_without_its_name(record: Any) -> None:
    """What stands in place of a finding may be anything of a person."""
    said = r"^CBCRecord: context: one key is not a finding; see reference_ranges/findings.yaml$"
    with pytest.raises(cbc.RecordError, match=said) as caught:
        cbc.screen(record)
    assert "jane_roe" not in str(caught.value)
