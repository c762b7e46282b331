"""A line in place of a header holds values: a number, a date or an age is no name of a column, and is quoted nowhere."""

from __future__ import annotations

import pytest

from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.dates import iso_clock, parse_date
from cbc_screen.normalize.quoted import QuotedNames, _telling


@pytest.mark.parametrize(
    ("header", "is_value"),
    [
        ("12.5", True), ("1,250", True), ("2024-01-15", True), ("45 y", True), ("P54Y", True),
        ("Hemoglobin", False), ("718-7", False), ("ward 7", False), ("CD4", False), ("hemoglobin (g/L)", False), ("10^9/L", False),
    ],
)  # fmt: skip
def test_what_is_a_value(header: str, is_value: bool) -> None:
    assert _telling(load_knowledge()).is_value(header) is is_value


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("2024-02-29 8:05 AM", "2024-02-29T08:05:00"),
        ("2023-02-29 8:05 AM", None),  # no such day
        ("20241301 12:05:30 am", None),
        ("2024-02-28 25:05", None),
        ("2024-02", None),
    ],
)
def test_a_clock_of_a_day_that_is_none_tells_nothing(text: str, clock: str | None) -> None:
    assert iso_clock(text) == clock


@pytest.mark.parametrize(
    ("header", "is_analyte"),
    [("Hemoglobin", True), ("PLT (10^9/L)", True), ("ward", False), ("age", False), ("12.5", False)],
)
def test_what_is_the_name_of_an_analyte(header: str, is_analyte: bool) -> None:
    assert _telling(load_knowledge()).is_analyte(header) is is_analyte


@pytest.mark.parametrize(
    ("header", "is_data"),
    [
        ("Doe 1", True),
        ("Doe 12", True),
        ("Doe", False),
        ("Hemoglobin 10^9/L", False),
        ("PLT (10^3/uL)", False),
        ("a b c d e f g h i j", False),
        ("a b c d e f g h i j k", True),
        ("x" * 80, False),
        ("x" * 81, True),  # as long as a sentence
    ],
)
def test_a_number_beside_an_unknown_word_is_data_though_1_is_a_unit_of_the_hematocrit(
    header: str, is_data: bool
) -> None:
    assert _telling(load_knowledge()).is_data(header) is is_data


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (["Hemoglobin (g/dL)", "Doe 1"], "column 2"),  # beside a known name too
        (["Hemoglobin (g/dL)", "ward"], "ward"),
        (["9.1", "Doe"], "column 2"),  # among values an unknown word is one
        (["9.1", "sex"], "sex"),
    ],
)
def test_how_a_column_is_called_in_a_message(headers: list[str], told: str) -> None:
    assert QuotedNames(load_knowledge(), headers).name(headers[1]) == told


def test_a_minute_may_have_a_leap_second_and_no_more() -> None:
    assert parse_date("2024-01-01T10:00:60")[0] is not None
    assert parse_date("2024-01-01T10:00:61")[0] is None
