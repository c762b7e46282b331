"""Dates: one reader for records, frames, tables, tables of persons, HL7 and FHIR.

A text is a date where all of it is one: "2024-01-15 to 2030-01-01" begins with a date and is
none. Only a time of day, with or without its zone, may stand behind a day.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from cbc_screen.ages import MONTHS_IN_YEAR
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.knowledge.world_words import without_point
from cbc_screen.normalize.person import CONTRADICTED
from cbc_screen.normalize.value import LONGEST_CELL, fold
from cbc_screen.vocabulary import Reason

_NOTHING = frozenset(("", "-", "na", "n/a", "nan", "nat", "none", "null", "<na>", "\\n"))
_ZONE_NAMES = "UTC|GMT|UT|EST|EDT|CST|CDT|MST|MDT|PST|PDT|CET|CEST|WET|WEST|EET|EEST|MSK|IST|JST|KST|AEST|AEDT|BST|SAST"
_ZONE = rf"(?:\s*(?:Z|(?:{_ZONE_NAMES}))?(?:([+-])(\d{{1,2}}):?(\d{{2}})?)?(?:\s?\[[\w/+-]{{1,40}}\])?)"
_EXTENDED = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2})(.*))?", re.ASCII | re.DOTALL)
_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})(.*)", re.ASCII | re.DOTALL)
# The year first, with slashes, points or the words of East Asia: nobody writes the day before the month there.
_YEAR_FIRST = re.compile(
    r"(\d{4})(?:\s?([/.])\s?(\d{1,2})\s?\2\s?(\d{1,2})\.?|\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日号號일])(.*)",
    re.ASCII | re.DOTALL,
)
# A month by its name, in any language of names/: "04-Jan-1941", "4 de enero de 1941", "Jan 4, 1941", "1941-Jan-04".
_OF = r"(?:\s+(?:de|del|di)\s+|[-/.,\s]*)"
_DAY_NAMED = re.compile(rf"(\d{{1,2}}){_OF}([^\W\d_]+)\.?{_OF}(\d{{4}})(?:\s?г\.?)?(.*)", re.DOTALL)
_NAMED_DAY = re.compile(r"([^\W\d_]+)\.?[-/.,\s]*(\d{1,2}),?[-/.,\s]+(\d{4})(.*)", re.DOTALL)
_YEAR_NAMED = re.compile(r"(\d{4})[-/.,\s]*([^\W\d_]+)\.?[-/.,\s]*(\d{1,2})(.*)", re.DOTALL)
_WEEKDAY = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?\s+", re.ASCII | re.IGNORECASE)
_YEAR = re.compile(r"(\d{4})(?:\.0+)?", re.ASCII)
_FRACTION = re.compile(r"(\d{8})\.0+", re.ASCII)  # what a column of floats makes of 20240115
_TIME = r"[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(?:\s?([AP])\.?M\.?)?"
_CLOCK = re.compile(rf"{_TIME}{_ZONE}", re.ASCII | re.IGNORECASE)
_TIME_ALONE = re.compile(_TIME, re.ASCII | re.IGNORECASE)
_FRACTION_OF_SECOND = re.compile(r":\d{2}:\d{2}[.,](\d+)", re.ASCII)
_UTC_AND_SHIFT = re.compile(r"(?:UTC|GMT|UT|Z)?(?:([+-])(\d{1,2}):?(\d{2}))?", re.ASCII | re.IGNORECASE)
_HALF_OF_DAY = re.compile(r"[\d ][AP]\.?M\.?$", re.ASCII | re.IGNORECASE)
_BEHIND = re.compile(_CLOCK.pattern + r"$", re.ASCII | re.IGNORECASE)
_HOUR = re.compile(rf"T(\d{{2}})()()(){_ZONE}", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(rf"[T ]?(\d{{2}})(?:(\d{{2}})(?:(\d{{2}})(?:\.\d+)?)?)?(){_ZONE}", re.ASCII | re.IGNORECASE)
_DAY_AND_ZONE = re.compile(r"Z|[+-]\d{2}:\d{2}", re.ASCII | re.IGNORECASE)
_SHORT_YEARS, _WHOLE_YEARS = frozenset("yxD"), frozenset("YGcF")  # of the format of a date
_HOURS, _NOON, _MINUTES = 24, 12, 59
_UNMARKED_YEARS = range(1700, 2400)  # others without a mark are seconds of a clock, or a number of something else
# What systems write where they have no date: the first and last days of their calendars.
_PLACEHOLDER_YEARS = (1, 9999)
_PLACEHOLDERS = frozenset(
    datetime.date.fromisoformat(day) for day in ("1753-01-01", "1800-01-01", "1899-12-30", "1899-12-31", "1900-01-01")
)


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A date that may be known only to the month or the year, or without its century."""

    first: datetime.date
    last: datetime.date
    short_year: bool = False  # written with two digits of its year; the century here is a guess

    def in_each_century(self) -> list[DateSpan]:
        """Return the days that a date may be: one that no other century has (29 February) is left out."""
        if not self.short_year:
            return [self]
        ways = ((_in_century(self.first, shift), _in_century(self.last, shift)) for shift in (-100, 0, 100))
        return [DateSpan(first, last) for first, last in ways if first is not None and last is not None]


Found = tuple[DateSpan | None, Reason | None]
_UNREADABLE: Found = (None, Reason.DATE_UNREADABLE)


def parse_date(value: object, date_format: str | None = None) -> Found:
    """Read a date: ISO and HL7 forms (also partial), the year first, a month by its name, or the declared format.

    Any other is refused: in 03/04/2024 nobody can tell the day from the month. A time may stand behind a day.

    A day that systems write where they have none (1900-01-01, the years 1 and 9999) is no
    date. Years of two digits, six digits without a mark and day numbers of a spreadsheet are
    refused: what they mean depends on who wrote them.
    """
    if value is None:
        return None, None
    if isinstance(value, datetime.datetime):
        # pandas NaT is a datetime whose year is NaN.
        return (None, None) if value != value else _of_day(value.date())
    if isinstance(value, datetime.date):
        return _of_day(value)
    text = fold(str(value))
    if text.lower() in _NOTHING:
        return None, None
    if text == CONTRADICTED:
        return None, Reason.PERSON_CONFLICT
    if len(text) > LONGEST_CELL:
        return _UNREADABLE
    try:
        if date_format is not None:
            span, reason = _of_day(_declared(text, date_format))
            if span is not None and _has_short_year(date_format):
                span = DateSpan(span.first, span.last, short_year=True)
            return span, reason
        span = _of_text(text) or _of_words(text)
    except (ValueError, OverflowError):
        return _UNREADABLE
    return _UNREADABLE if span is None or is_placeholder(span.first) else (span, None)


def _in_century(day: datetime.date, shift: int) -> datetime.date | None:
    try:
        return day.replace(year=day.year + shift)
    except ValueError:
        return None


def _has_short_year(date_format: str) -> bool:
    """Tell whether a format has years of two digits, alone or in the date of a region ("%x")."""
    directives = set(re.findall(r"%(.)", date_format))
    return not directives.isdisjoint(_SHORT_YEARS) and directives.isdisjoint(_WHOLE_YEARS)


def _declared(text: str, date_format: str) -> datetime.date:
    """Read a date in the declared format; a time of day may stand behind it."""
    try:
        return datetime.datetime.strptime(text, date_format).date()
    except ValueError:
        if (clock := _BEHIND.search(text)) is None:
            raise
    return datetime.datetime.strptime(text[: clock.start()], date_format).date()


def _of_words(text: str) -> DateSpan | None:
    """Read a date that is no ISO form and in which the order of day and month can be told.

    Its year must be one of this calendar's last or next centuries: 2567 is a year in Thailand, 1402 one in Iran.
    """
    found = _day_in_words(text)
    return None if found is None else _with_clock(*found)


def _day_in_words(text: str) -> tuple[datetime.date, str] | None:
    """Return the day that such a text begins with, and what stands behind it."""
    text = _WEEKDAY.sub("", text, count=1)
    if (found := _YEAR_FIRST.fullmatch(text)) is not None:
        month, day = found[3] or found[5], found[4] or found[6]
        return _day(found[1], int(month), day), found[7]
    for pattern, year, name, day_of in ((_DAY_NAMED, 3, 2, 1), (_NAMED_DAY, 3, 1, 2), (_YEAR_NAMED, 1, 2, 3)):
        found = pattern.fullmatch(text)
        if found is not None and (named := _month(found[name])) is not None:
            return _day(found[year], named, found[day_of]), found[4]
    return None


def in_iso(text: str) -> str | None:
    """Return a folded date with a month by its name, or the year first, in ISO form; None for any other text.

    A time of day goes along where it has no zone: what is the same moment has the same text.

    >>> in_iso("01-Mar-2024"), in_iso("2024/03/01 9:05 PM"), in_iso("03/04/2024")
    ('2024-03-01', '2024-03-01T21:05:00', None)
    """
    try:
        found = _day_in_words(text)
        if found is None or _with_clock(*found) is None or is_placeholder(found[0]):
            return None
    except (ValueError, OverflowError):
        return None
    day, behind = found[0], found[1].rstrip().lstrip(",")
    if not behind:
        return day.isoformat()
    time = _CLOCK.fullmatch(behind if behind[:1] in ("T", " ") else f" {behind}")
    if time is None or time[5]:
        return None
    # Letters behind are those of a zone, but for the M of a half of the day.
    if not _HALF_OF_DAY.search(behind) if time[4] else behind[-1].isalpha():
        return None
    hour = _hour(time)
    return f"{day.isoformat()}T{hour:02}:{time[2]}:{time[3] or '00'}" if hour < _HOURS else None


def iso_clock(text: str) -> str | None:
    """Return a folded day in ISO or HL7 form with a clock of twelve hours, or of one digit, in ISO form; None for any other.

    A zone goes along as it is told.

    >>> iso_clock("2024-01-01 8:05 AM"), iso_clock("20240101 12:05:30.5 am"), iso_clock("2024-01-01 8:05 PM GMT+1:00")
    ('2024-01-01T08:05:00', '2024-01-01T00:05:30.5', '2024-01-01T20:05:00+01:00')
    """
    found = _EXTENDED.fullmatch(text) or _BASIC.fullmatch(text)
    time = _CLOCK.fullmatch(found[4]) if found is not None and found[3] is not None else None
    if found is None or time is None:
        return None
    try:
        day = datetime.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
    clock = _one_clock(time) if _of_time(day, time) is not None else None
    return None if clock is None else f"{day.isoformat()}T{clock}"


def with_one_clock(text: str) -> str:
    """Write the time of a day that stands behind any other words as ISO does; a text without one as it is.

    >>> with_one_clock("03/04/2024 8:05 pm"), with_one_clock("03/04/2024 20:05"), with_one_clock("day 3")
    ('03/04/2024 20:05:00', '03/04/2024 20:05:00', 'day 3')
    """
    time = _BEHIND.search(text)
    clock = _one_clock(time) if time is not None and (not time[4] or 1 <= int(time[1]) <= _NOON) else None
    return text if time is None or clock is None else f"{text[: time.start()]} {clock}"


def _one_clock(time: re.Match[str]) -> str | None:
    """Return a time of day as ISO writes it, with its zone; None for hour 24, a leap second, and what is no time."""
    try:
        clock = datetime.time(_hour(time), int(time[2]), int(time[3] or 0))
    except ValueError:
        return None
    fraction = _FRACTION_OF_SECOND.search(time[0])
    exact = f".{fraction[1]}" if fraction is not None else ""
    return f"{clock.isoformat()}{exact}{_iso_zone(_TIME_ALONE.sub('', time[0], count=1).strip())}"


def _hour(time: re.Match[str]) -> int:
    """Return the hour of a day on a clock of 24 hours; AM and PM are read."""
    return int(time[1]) % _NOON + (_NOON if time[4].upper() == "P" else 0) if time[4] else int(time[1])


def _iso_zone(text: str) -> str:
    """Write what stands behind a clock as a zone in ISO form; a name is left as it is, behind a blank."""
    found = _UTC_AND_SHIFT.fullmatch(text)
    if not text or found is None:
        return f" {text}".rstrip()
    return f"{found[1]}{int(found[2]):02}:{found[3]}" if found[1] else "Z"


def _day(year: str, month: int, day: str) -> datetime.date:
    if int(year) not in _UNMARKED_YEARS:
        raise ValueError("a year of another calendar")
    return datetime.date(int(year), month, int(day))


def _month(name: str) -> int | None:
    """Return the number of a month by its name; None for one that means two in different languages."""
    return load_measures().moments.month_numbers.get(without_point(name))


def _with_clock(day: datetime.date, behind: str) -> DateSpan | None:
    """Return a day with what stands behind it: nothing, or a time of day."""
    behind = behind.rstrip().lstrip(",")
    if not behind or _DAY_AND_ZONE.fullmatch(behind):
        return DateSpan(day, day)
    time = _CLOCK.fullmatch(behind if behind[:1] in ("T", " ") else f" {behind}")
    return _of_time(day, time) if time is not None else None


def iso_span(text: str) -> DateSpan | None:
    """Return the days of a folded text in ISO or HL7 form, placeholders too; None for any other text."""
    try:
        return _of_text(text)
    except (ValueError, OverflowError):
        return None


def is_placeholder(day: datetime.date) -> bool:
    """Tell whether a day is one that systems write where they have none."""
    return day.year in _PLACEHOLDER_YEARS or day in _PLACEHOLDERS


def _of_day(day: datetime.date) -> Found:
    return _UNREADABLE if is_placeholder(day) else (DateSpan(day, day), None)


def _of_text(text: str) -> DateSpan | None:
    if (year := _YEAR.fullmatch(text)) is not None:
        return _of_months(int(year[1]), 1, MONTHS_IN_YEAR)
    if (whole := _FRACTION.fullmatch(text)) is not None:
        text = whole[1]
    found, clocks = _EXTENDED.fullmatch(text), (_CLOCK, _HOUR)
    if found is None:
        found, clocks = _BASIC.fullmatch(text), (_CLOCK, _DIGITS)
    if found is None or ("-" not in text[:5] and int(found[1]) not in _UNMARKED_YEARS):
        return None
    year_of, month = int(found[1]), int(found[2])
    if found[3] is None:
        return _of_months(year_of, month, month)
    day, behind = datetime.date(year_of, month, int(found[3])), found[4]
    if not behind or _DAY_AND_ZONE.fullmatch(behind):
        return DateSpan(day, day)
    times = (time for clock in clocks if (time := clock.fullmatch(behind)) is not None)
    return next((span for time in times if (span := _of_time(day, time)) is not None), None)


def _of_months(year: int, first: int, last: int) -> DateSpan:
    """Return the span of some months of a year."""
    begins = datetime.date(year, first, 1)
    if (year, last) == (datetime.MAXYEAR, MONTHS_IN_YEAR):
        return DateSpan(begins, datetime.date.max)
    after = datetime.date(year + last // MONTHS_IN_YEAR, last % MONTHS_IN_YEAR + 1, 1)
    return DateSpan(begins, after - datetime.timedelta(days=1))


def _of_time(day: datetime.date, time: re.Match[str]) -> DateSpan | None:
    """Return the day of a time, where it is one of day and zone; hour 24 is the next midnight."""
    hour, minute, second = int(time[1]), int(time[2] or 0), int(time[3] or 0)
    half, shift_hours, shift_minutes = time[4], int(time[6] or 0), int(time[7] or 0)
    if half and not 1 <= hour <= _NOON:
        return None
    midnight = hour == _HOURS and not minute and not second and not half
    if not midnight and (hour >= _HOURS or minute > _MINUTES or second > _MINUTES + 1):  # a leap second
        return None
    if shift_hours >= _HOURS or shift_minutes > _MINUTES:
        return None
    own = day + datetime.timedelta(days=1) if midnight else day
    return DateSpan(own, own)
