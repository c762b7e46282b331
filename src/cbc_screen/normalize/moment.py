"""When a result was taken, from the words of its source: what makes results one count.

A moment is told to the day or finer, or counted from a beginning ("Day 14", minutes since
admission). A month, or words that may be said of several draws, is a period: it makes a
count only where nothing in it contradicts. A year, and a word for nothing, tell no moment.
"""

from __future__ import annotations

import datetime
import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from cbc_screen.ingest.hl7_grammar import iso_time
from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.moments import MomentWords
from cbc_screen.normalize.dates import in_iso, is_placeholder, iso_clock, iso_span, with_one_clock
from cbc_screen.normalize.value import LONGEST_CELL, fold

_TOKENS = re.compile(r"\d+|[^\W\d_]+")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)
_WHOLE = re.compile(r"(?<![\d.])(\d+)\.0+(?![\d.])", re.ASCII)
_UTC = re.compile(r"\s?(?:UTC|GMT)$", re.IGNORECASE)
_YEARS = range(1700, 2400)
_YEAR_DIGITS, _DAY_DIGITS, _MONTH_DIGITS, _SHORT = 4, 8, 6, 2
_PARTS_OF_A_DAY = 3
_LAST_MONTH = 12


class Placing(Enum):
    """What the words for a moment are worth."""

    MOMENT = "moment"  # a day of the calendar, or finer
    RELATIVE = "relative"  # counted from a beginning that another encounter does not share
    PERIOD = "period"  # a month, or words that may be said of several draws
    NONE = "none"


class Moment(NamedTuple):
    """What groups results ("" for nothing), and what it is worth."""

    key: str
    placing: Placing


NO_MOMENT = Moment("", Placing.NONE)


class MomentReader:
    """Reads when results were taken; equal texts are read once."""

    def __init__(self, words: MomentWords) -> None:
        self._words = words
        self.read = lru_cache(maxsize=4_096)(self._read)

    def _read(self, text: str, counted: bool = False) -> Moment:
        """Say what a text tells of a moment; `counted` where its column counts from a beginning."""
        if len(text) > LONGEST_CELL:
            return Moment(text, Placing.PERIOD)
        plain = _WHOLE.sub(r"\1", fold_word(text))
        if plain in self._words.nothing:
            return NO_MOMENT
        if counted and _NUMBER.fullmatch(plain):
            return Moment(plain, Placing.RELATIVE)
        span = iso_span(fold(text))
        if span is not None:
            if is_placeholder(span.first):
                return NO_MOMENT
            if span.first == span.last:
                return Moment(instant(text), Placing.MOMENT)
            return NO_MOMENT if span.first.month != span.last.month else Moment(plain, Placing.PERIOD)
        if (worded := in_iso(fold(text))) is not None:
            return Moment(instant(worded), Placing.MOMENT)  # "01-Mar-2024" and "2024/03/01" are 2024-03-01
        plain = with_one_clock(plain)
        worth = self._worth(plain)
        return NO_MOMENT if worth is Placing.NONE else Moment(plain, worth)

    def _worth(self, plain: str) -> Placing:
        """Say how exactly a text that is no ISO or HL7 date tells a moment."""
        tokens = _TOKENS.findall(plain)
        numbers = [token for token in tokens if token.isdecimal()]
        words = [token for token in tokens if not token.isdecimal()]
        if not numbers:
            if not words:
                return Placing.NONE
            return Placing.RELATIVE if plain in self._words.named else Placing.PERIOD
        if _NUMBER.fullmatch(plain) and len(numbers) == len(tokens):
            return _worth_of_a_number(plain)
        if _is_placeholder(numbers):
            return Placing.NONE
        return self._worth_of_parts(numbers, words)

    def _worth_of_parts(self, numbers: list[str], words: list[str]) -> Placing:
        years = [number for number in numbers if _is_year(number)]
        others = [number for number in numbers if not _is_year(number)]
        months = [word for word in words if word in self._words.months]
        if len(years) > 1 or (not words and len(numbers) < _PARTS_OF_A_DAY):
            return Placing.PERIOD  # from one day to another, a month of a year, a time of a day
        if len(numbers) + len(months[:1]) >= _PARTS_OF_A_DAY and len(words) <= len(months) + 1:
            return Placing.MOMENT  # a day: which number is which need not be known to tell it from another
        if years and not months and len(others) == 1 and not set(words) <= self._words.periods:
            return Placing.RELATIVE
        if years and (not others or set(words) <= self._words.periods):
            return Placing.PERIOD
        if months and len(words) == 1 and len(numbers) == 1 and len(numbers[0]) <= _SHORT:
            return Placing.PERIOD  # "Mar-24": a month of a year, or a day of a month
        return Placing.RELATIVE


def _worth_of_a_number(plain: str) -> Placing:
    """Say what a bare number is worth: a year, a month, or a count from a beginning."""
    if plain.isdecimal() and len(plain) == _MONTH_DIGITS and _is_year(plain[:4]) and 1 <= int(plain[4:]) <= _LAST_MONTH:
        return Placing.PERIOD
    return Placing.NONE if _is_year(plain) else Placing.RELATIVE


def _is_year(number: str) -> bool:
    if len(number) == _DAY_DIGITS:
        return number[:4].isascii() and int(number[:4]) in _YEARS  # 20240115, beside another
    return len(number) == _YEAR_DIGITS and int(number) in _YEARS


def _is_placeholder(numbers: list[str]) -> bool:
    """Tell whether three numbers are a day that systems write where they have none, in any order."""
    if len(numbers) < _PARTS_OF_A_DAY or any(len(number) > _YEAR_DIGITS for number in numbers[:3]):
        return False
    first, second, third = numbers[:3]
    for year, month, day in ((first, second, third), (third, second, first), (third, first, second)):
        try:
            if len(year) == _YEAR_DIGITS and is_placeholder(datetime.date(int(year), int(month), int(day))):
                return True
        except ValueError:
            continue
    return False


def instant(text: str) -> str:
    """Return a time in ISO or HL7 form so that the same moment in two zones, or by two clocks, is the same text.

    >>> instant("2014-11-13T09:14:00-05:00") == instant("2014-11-13T14:14:00Z") == instant("2014-11-13 2:14 PM GMT")
    True
    """
    plain = iso_time(_UTC.sub("Z", " ".join(text.split())))
    if (own := _in_utc(plain)) is not None:
        return own
    clock = iso_clock(fold(text)) or plain  # "8:00 AM", "8:00"
    return _in_utc(clock) or fold_word(clock)


def _in_utc(text: str) -> str | None:
    """Return a time in ISO form, in UTC where it has a zone; None for any other text."""
    try:
        when = datetime.datetime.fromisoformat(text)
        return (when.astimezone(datetime.UTC) if when.tzinfo is not None else when).isoformat()
    except (ValueError, OverflowError):
        return None
