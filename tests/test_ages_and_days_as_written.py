"""Ages in parts, weeks of gestation, days with a time, and moments in words: what each is read as."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.ages import AgeSpan
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.age import parse_age
from cbc_screen.normalize.dates import DateSpan, is_placeholder, parse_date
from cbc_screen.normalize.gestation import in_weeks
from cbc_screen.normalize.moment import MomentReader, Placing
from cbc_screen.vocabulary import Reason

OLDEST = 130  # years
KNOWLEDGE = load_knowledge()
READER = MomentReader(KNOWLEDGE.moments)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2 w 3 d", (17, 17)),
        ("1 w 6 d", (13, 13)),
        ("1 w 30 h", (8, 8)),
    ],
)
def test_a_week_of_an_age_has_seven_days(text: str, days: tuple[int, int]) -> None:
    assert parse_age(text, None, OLDEST) == (AgeSpan(*days, 0, 0), None)


def test_the_parts_of_an_age_go_from_long_to_short_and_none_comes_twice() -> None:
    assert parse_age("3 d 4 d", None, OLDEST) == (None, Reason.AGE_UNREADABLE)
    assert parse_age("3 d 2 w", None, OLDEST) == (None, Reason.AGE_UNREADABLE)


@pytest.mark.parametrize(
    ("text", "weeks"),
    [("27+3", "27.43 wk"), ("28w6d", "28.86 wk"), ("30 1/7", "30.14 wk"), ("30+0", "30.00 wk")],
)
def test_a_day_of_gestation_is_a_seventh_of_a_week(text: str, weeks: str) -> None:
    assert in_weeks(text) == weeks


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-01-02T10:30", 2),
        ("2024-01-02T10:00", 2),
        ("2024-01-02T00:00:00", 2),
        ("2024-01-02T24:00:00", 3),  # midnight, and so the next day
    ],
)
def test_only_hour_24_belongs_to_the_next_day(text: str, day: int) -> None:
    own = datetime.date(2024, 1, day)
    assert parse_date(text) == (DateSpan(own, own), None)


@pytest.mark.parametrize("text", ["2024-01-02T24:01", "2024-01-02T25:00"])
def test_no_time_is_later_than_midnight(text: str) -> None:
    assert parse_date(text) == (None, Reason.DATE_UNREADABLE)


def test_the_first_and_the_last_year_of_the_calendar_hold_no_date() -> None:
    assert is_placeholder(datetime.date(1, 6, 1))
    assert is_placeholder(datetime.date(9999, 12, 31))
    assert not is_placeholder(datetime.date(9998, 12, 31))
    assert parse_date("9999-12-31") == (None, Reason.DATE_UNREADABLE)


@pytest.mark.parametrize(
    ("text", "placing"),
    [
        ("Visit 2024", Placing.PERIOD),  # some visit of that year
        ("Visit 2399", Placing.PERIOD),
        ("Visit 2400", Placing.RELATIVE),  # no year of this calendar: a count of visits
        ("Visit 3 2024", Placing.RELATIVE),
        ("Mar-24", Placing.PERIOD),
        ("Tue 12/03/2024", Placing.MOMENT),  # a word beside three numbers: one day, whichever number is which
        ("on visit 12/03/2024", Placing.RELATIVE),
    ],
)
def test_what_words_and_numbers_say_of_a_moment(text: str, placing: Placing) -> None:
    assert READER.read(text).placing is placing


# Ages as a letter or a message writes them ------------------------------------------------------


@pytest.mark.parametrize(
    ("months", "texts"),
    [
        ((648, 659), ["54-year-old", "54 year old", "54-yr-old", "54 years-old", "54 y/o", "54 Y/O", "54 y.o.", "54yo", "P54Y"]),
        ((6, 6), ["6-month-old", "6-mo-old", "P6M", "P0Y6M"]),
        ((18, 18), ["P1Y6M", "1 y 6 mo"]),
        ((648, 648), ["P54Y0M0D"]),
    ],
)  # fmt: skip
def test_an_age_in_words_or_as_a_duration(months: tuple[int, int], texts: list[str]) -> None:
    for text in texts:
        span, reason = parse_age(text, None, OLDEST)
        assert span is not None, text
        assert ((span.months_low, span.months_high), reason) == (months, None), text


@pytest.mark.parametrize(
    ("text", "days"),
    [("P3W", (21, 27)), ("3-week-old", (21, 27)), ("P10D", (10, 10)), ("10-day-old", (10, 10)), ("P0D", (0, 0)), ("PT36H", (1, 1)), ("P1W2D", (9, 9))],
)  # fmt: skip
def test_an_age_in_days_as_a_duration(text: str, days: tuple[int, int]) -> None:
    assert parse_age(text, None, OLDEST) == (AgeSpan(*days, 0, 0), None)


@pytest.mark.parametrize(
    "text", ["P", "PT", "P54", "PT30M", "54Y P", "12-Oct", "54-old", "54-m", "54 y/d", "54 m/o", "P3X"]
)
def test_what_is_no_age_is_not_read(text: str) -> None:
    assert parse_age(text, "y", OLDEST) == (None, Reason.AGE_UNREADABLE)


@pytest.mark.parametrize("header", ["Age_UOM", "AgeUOM", "Age unit of measure", "Units of age", "age_unit"])
def test_a_column_of_units_of_the_age(header: str) -> None:
    rows = {"Age": [54, 3, 10], header: ["Y", "wk", "D"], "sex": ["F"] * 3, "HGB (g/L)": [120] * 3}
    found = cbc.screen_frame(pd.DataFrame(rows))["reasons"]
    assert not any("age:" in reasons for reasons in found)
    bare = cbc.screen_frame(pd.DataFrame({**rows, header: ["zz"] * 3}))["reasons"]
    assert all("age:AGE_UNIT_MISSING" in reasons for reasons in bare)


@pytest.mark.parametrize(
    ("written", "worth"),
    [
        ("20240115", Placing.NONE),  # a day, in a form that was not read
        ("99990115", Placing.RELATIVE),  # no year of anybody: a number of something
        ("2024", Placing.NONE), ("9999", Placing.RELATIVE),
        ("--", Placing.NONE), ("/ /", Placing.NONE),  # neither a word nor a number
        ("baseline", Placing.RELATIVE), ("day 3", Placing.RELATIVE),
    ],
)  # fmt: skip
def test_what_words_in_place_of_a_moment_are_worth(written: str, worth: Placing) -> None:
    assert READER._worth(written) is worth
