"""Marks of thousands: what they group, what nobody groups so, and a mark that stands twice."""

from __future__ import annotations

from math import inf
from typing import Any

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.value import NumberFormat, ResultReader, plain_number
from cbc_screen.vocabulary import Reason

KNOWLEDGE = load_knowledge()


def read(text: str, thousands: str = "", decimal: str = ".", unit: str = "/uL") -> tuple[float, float, Reason | None]:
    """Read platelets per microliter."""
    mark = NumberFormat(decimal, thousands)
    found = ResultReader(KNOWLEDGE.analytes["platelets"], KNOWLEDGE.words, unit, mark).read_text(text)
    return found.low, found.high, found.reason


@pytest.mark.parametrize(
    ("text", "thousands", "decimal", "expected"),
    [
        ("2,50,000", ",", ".", 250.0), ("12,50,000", ",", ".", 1250.0), ("2,50,000 /cumm", ",", ".", 250.0), ("1,00,000.0", ",", ".", 100.0),
        ("1,250,000", ",", ".", 1250.0), ("250,000", ",", ".", 250.0), ("1,250.5", ",", ".", 1.2505),
        ("250’000", "'", ".", 250.0), ("1’250’000", "'", ".", 1250.0), ("250'000", "'", ".", 250.0), ("250\u02bc000", "'", ".", 250.0),
        ("250 000", " ", ".", 250.0), ("250\u202f000", " ", ".", 250.0), ("250 10^3/uL", " ", ".", 250.0), ("1.250,5", ".", ",", 1.2505),
        # A mark that stands twice parts no decimals, whatever is declared.
        ("1,250,000", "", ".", 1250.0), ("1.250.000", "", ".", 1250.0), ("1'250'000", "", ".", 1250.0), ("1.250.000", "", ",", 1250.0),
    ],
)  # fmt: skip
def test_a_grouped_number_is_one_number(text: str, thousands: str, decimal: str, expected: float) -> None:
    assert read(text, thousands, decimal) == (expected, expected, None)


@pytest.mark.parametrize(
    ("text", "thousands", "decimal", "least"),
    [
        # Nobody groups so: a number of decimals, as its sender writes elsewhere too.
        ("0,250", ",", ".", 0.00025), ("00,250", ",", ".", 0.00025), ("1234,567", ",", ".", 1.234567), ("0.250", ".", ",", 0.00025),
        ("0.250,000", ",", ".", 0.00025), ("1,2,500", ",", ".", 0.0), ("0 250", " ", ".", 0.0), ("0’250", "'", ".", 0.0), ("2'50'000", "'", ".", 0.0),
        # One mark, undeclared; two of which one is declared for decimals; two different ones; a list.
        ("250,000", "", ".", 0.25), ("250’000", "", ".", 0.25), ("1,250,000", "", ",", 0.00125), ("1,250,000", ".", ",", 0.00125),
        ("1.250,000", "", ".", 0.00125), ("1 250 000", "", ".", 0.0), ("2,50,000", "", ".", 0.0), ("0,250,000", "", ".", 0.00025),
    ],
)  # fmt: skip
def test_what_nobody_groups_so_is_not_read_as_grouped(text: str, thousands: str, decimal: str, least: float) -> None:
    assert read(text, thousands, decimal) == (least, inf, Reason.NUMBER_AMBIGUOUS)


def test_three_counts_side_by_side_are_no_number() -> None:
    assert read("120,118,122") == (0.0, inf, Reason.NUMBER_IMPLAUSIBLE)


def test_both_ends_of_a_range_and_a_bound_are_grouped() -> None:
    assert read("1,00,000-2,50,000", ",") == (100.0, 250.0, Reason.NUMBER_RANGE)
    assert read("1,250,000-2,500,000") == (1250.0, 2500.0, Reason.NUMBER_RANGE)
    assert read(">1,000,000")[0] == pytest.approx(1000.0)


def test_a_limit_is_read_as_a_result_is() -> None:
    comma = NumberFormat(thousands=",")
    assert [plain_number(text, comma) for text in ("1,50,000", "150,000", "0,150")] == [150000.0, 150000.0, None]
    assert plain_number("150’000", NumberFormat(thousands="'")) == 150000.0


@pytest.mark.parametrize(
    ("cell", "declared", "line"),
    [
        ("2,50,000", {"thousands": ","}, "not_low"), ("9,000", {"thousands": ","}, "low"), ("0,250", {"thousands": ","}, "cannot_tell"),
        ("1,250,000", {}, "not_low"), ("250’000", {"thousands": "'"}, "not_low"),
    ],
)  # fmt: skip
def test_a_column_and_a_record_say_the_same(cell: str, declared: dict[str, Any], line: str) -> None:
    frame = pd.DataFrame({"age": ["40 y"] * 2, "sex": ["F"] * 2, "PLT (/uL)": [cell, "8000"]})
    assert list(cbc.screen_frame(frame, **declared)["platelet_line"]) == [line, "low"]
    assert cbc.explain(frame, 0, **declared).flags()["platelet_line"] == line
