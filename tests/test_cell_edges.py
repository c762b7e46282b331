"""One cell at its edges: numbers too large, bounds and dates where a number should be, kinds of columns that are rare."""

from __future__ import annotations

from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.normalize.arrow import as_text, distinct, floats
from cbc_screen.normalize.columns import normalize_table, set_aside
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.people import presence_of
from cbc_screen.normalize.plan import make_plan
from cbc_screen.normalize.suspect import without_unit
from cbc_screen.normalize.value import ABSENT, NumberFormat, ResultReader, convert, plain_number
from cbc_screen.vocabulary import Presence, Reason
from strategies import answers

KNOWLEDGE = load_knowledge()
WOMAN = {"age": "40 y", "sex": "F"}


def reader(analyte: str, unit: str | None = None) -> ResultReader:
    return ResultReader(KNOWLEDGE.analytes[analyte], KNOWLEDGE.words, unit)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Mar 24", Reason.DATE_IN_RESULT), ("12-Jan-2024", Reason.DATE_IN_RESULT), ("01/15/2024", Reason.NUMBER_AMBIGUOUS),
        ("1 234 567", Reason.NUMBER_AMBIGUOUS), ("+1,2,3", Reason.NUMBER_AMBIGUOUS), ("1e309", Reason.NUMBER_NOT_FINITE),
        ("<0", Reason.NUMBER_NEGATIVE), ("-0.5 or less", Reason.NUMBER_NEGATIVE), ("5 or less or more", Reason.NUMBER_AMBIGUOUS),
        ("< 5 or more", Reason.NUMBER_AMBIGUOUS), ("5 or more or less", Reason.NUMBER_AMBIGUOUS),
    ],
)  # fmt: skip
def test_a_text_that_is_no_number_says_why(text: str, reason: Reason) -> None:
    found = reader("platelets", "10^9/L").read_text(text)
    assert (found.low, found.high, found.reason) == (0.0, inf, reason)


@pytest.mark.parametrize("text", ["1e308", "<1e308", "9e307"])
def test_a_number_that_is_none_in_the_canonical_unit(text: str) -> None:
    """In g/dL it is a number, in g/L, ten times of it, none."""
    assert reader("hemoglobin", "g/dL").read_text(text).reason is Reason.NUMBER_NOT_FINITE


def test_a_remark_behind_a_number_states_no_unit() -> None:
    assert reader("platelets").read_text("250 H").reason is Reason.UNIT_UNKNOWN
    assert reader("platelets").read_text("5 or less").reason is Reason.UNIT_MISSING


def test_a_bare_number_that_is_none() -> None:
    own = reader("platelets", "10^9/L")
    assert own.read_number(nan) == ABSENT
    assert own.read_parts(None, None, None) == ABSENT
    assert own.read_number(inf).reason is Reason.NUMBER_NOT_FINITE
    assert own.read_number(-1.0).reason is Reason.NUMBER_NEGATIVE


def test_any_blasts_were_seen_in_whatever_unit() -> None:
    some, none = reader("blasts").read_number(3.0), reader("blasts").read_number(0.0)
    assert (some.finding, some.reason) == ("blasts_on_film", Reason.UNIT_MISSING)
    assert (none.finding, none.low, none.high) == (None, 0.0, 0.0)


def test_a_number_too_large_to_be_rounded_is_divided_as_it_is() -> None:
    assert convert(1e300, Factor(1, 1000)) == 1e300 / 1000


def test_marks_of_thousands_are_taken_off_where_they_are_declared() -> None:
    assert plain_number("1,200", NumberFormat(thousands=",")) == 1200.0
    assert plain_number("1,200") is None
    nothing = plain_number("")
    assert nothing is not None
    assert isnan(nothing)


@pytest.mark.parametrize(
    ("cell", "presence"),
    [("3", Presence.PRESENT), ("0 %", Presence.ABSENT), ("", Presence.UNKNOWN), ("many?", Presence.UNKNOWN)],
)
def test_a_number_of_cells_that_are_counted_says_whether_they_were_seen(cell: str, presence: Presence) -> None:
    assert presence_of(cell, KNOWLEDGE.words, counted=True) is presence
    assert presence_of("3", KNOWLEDGE.words) is Presence.UNKNOWN


def test_a_reading_that_says_nothing_keeps_its_own_reason() -> None:
    void = reader("platelets", "10^9/L").read_text("clotted")
    assert without_unit(void) == void
    assert without_unit(reader("platelets", "10^9/L").read_text("250")).reason is Reason.UNIT_SUSPECT


# Kinds of columns ------------------------------------------------------------------------


class Wrapped(pa.ExtensionType):
    """A column with a meaning of its own, as some writers of Parquet make them."""

    def __init__(self) -> None:
        super().__init__(pa.string(), "cbc_screen.tests.wrapped")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""


def test_a_wrapped_column_is_read_as_what_it_holds() -> None:
    column = pa.ExtensionArray.from_storage(Wrapped(), pa.array(["9.1", None]))
    assert as_text(column).to_pylist() == ["9.1", None]


def test_narrow_floats_are_the_decimals_that_were_written() -> None:
    """1.8 of 32 bits is 1.8, and not a little less: it is not below a limit of 1.8."""
    np.testing.assert_array_equal(floats(pa.array([1.8, None, 2.7], pa.float32())), [1.8, nan, 2.7])
    np.testing.assert_array_equal(floats(pa.array([1.5, None], pa.float16())), [1.5, nan])


def flags_of(rows: list[dict[str, Any]], **declared: Any) -> list[dict[str, Any]]:
    return answers(cbc.screen_frame(pd.DataFrame([{**WOMAN, **row} for row in rows]), **declared))


def test_an_empty_cell_beside_a_column_of_units_is_no_result() -> None:
    rows = [
        {"PLT": "9", "PLT unit": "10^9/L"},
        {"PLT": None, "PLT unit": "10^9/L"},
        {"PLT": "250 K/uL", "PLT unit": None},
    ]
    assert [row["platelet_line"] for row in flags_of(rows)] == ["low", "cannot_tell", "not_low"]
    rows[0]["PLT"] = "9,5"
    assert [row["platelet_line"] for row in flags_of(rows, decimal=",")] == ["low", "cannot_tell", "not_low"]


def test_a_flag_opens_only_a_number_that_is_one() -> None:
    """A bound stays the bound that it is, and a text stays unknown; a number flagged "<" is one below it."""
    rows = [
        {"PLT (10^9/L)": "<5", "PLT flag": "<"},
        {"PLT (10^9/L)": "clotted", "PLT flag": ">"},
        {"PLT (10^9/L)": "200", "PLT flag": None},
    ]
    found = flags_of(rows)
    assert [row["platelet_line"] for row in found] == ["low", "cannot_tell", "not_low"]
    assert "platelets:CENSORED_LOW" in found[0]["reasons"]
    flagged = flags_of([{"PLT (10^9/L)": "200", "PLT flag": "<"}, {"PLT (10^9/L)": "5 H", "PLT flag": "<"}])
    assert [row["platelet_line"] for row in flagged] == ["cannot_tell", "low"]


def test_a_remark_that_suspects_clumps_is_shown() -> None:
    (found,) = flags_of([{"PLT (10^9/L)": 90, "PLT comment": "platelet clumps suspected"}])
    assert "platelet_clumps_suspected" in found["guards"]
    flagged = {**WOMAN, "platelets": {"value": 90, "unit": "10^9/L", "flag": "Platelet clumps suspected"}}
    assert "platelet_clumps_suspected" in str(cbc.screen(flagged).flags()["guards"])


def test_what_is_no_patients_blood_has_no_range_either() -> None:
    rows = [
        {"PLT (10^9/L)": 9, "PLT lower": "odd", "Specimen": "Control"},
        {"PLT (10^9/L)": 9, "PLT lower": "odd", "Specimen": "Blood"},
    ]
    control, blood = flags_of(rows)
    assert "RANGE_UNREADABLE" not in control["reasons"]
    assert "platelets:RANGE_UNREADABLE" in blood["reasons"]


def test_a_column_of_sample_numbers_without_any_says_nothing() -> None:
    (found,) = flags_of([{"PLT (10^9/L)": 9, "Sample ID": None}])
    assert found["platelet_line"] == "low"


def test_what_stood_beside_a_result_is_read_again_with_it(tmp_path: Path) -> None:
    """Remarks on clumps, and a sign apart from its number."""
    table = pa.table(
        {
            "age": ["40 y"] * 3, "sex": ["F"] * 3, "PLT (10^9/L)": [90.0, 90.0, 90.0], "PLT comparator": [None, None, "<"],
            "PLT comment": ["Platelet clumps seen", "platelet clumps suspected", None],
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "in.parquet")
    cbc.scan(tmp_path / "in.parquet", tmp_path / "flags.parquet", received=True)
    flags = cbc.read_flags(tmp_path / "flags.parquet")
    assert ["platelet_clumps" in str(text) for text in flags["guards"]] == [True, True, False]
    for row, written in enumerate(flags.to_dict("records"), start=1):
        again = cbc.screen_again(tmp_path / "flags.parquet", row).flags()
        assert (again["guards"] or "", again["platelet_line"]) == (written["guards"] or "", written["platelet_line"])


def test_an_analyte_in_doubt_that_a_table_does_not_have_is_left_out() -> None:
    """Of several files one may have it: the units of all are looked at together."""
    plan = make_plan(KNOWLEDGE, ["PLT (10^9/L)"], Declared())
    found = normalize_table({"PLT (10^9/L)": pa.array([9.0])}, 1, plan, KNOWLEDGE, use_reported=False)
    aside = set_aside(found, {"mcv": None, "platelets": None})
    assert (found.batch.high["platelets"].tolist(), aside.batch.high["platelets"].tolist()) == ([9.0], [inf])
    assert "mcv" not in aside.batch.low


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a", None], (["a", ""], [0, -1, -1, 0])),  # a null among the texts themselves is a null as well
        (["a", "b"], (["a", "b"], [0, 1, -1, 0])),
    ],
)
def test_the_texts_of_a_coded_column_and_its_nulls(
    texts: list[str | None], expected: tuple[list[str], list[int]]
) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0], pa.int32()), pa.array(texts, pa.string()))
    found, places = distinct(column)
    assert (found, places.tolist()) == expected
