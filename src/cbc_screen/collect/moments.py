"""Moments as numbers: equal where `MomentReader` gives equal keys.

Times in ISO form are taken apart in columns; whether a day is one (and no placeholder) is
asked of `MomentReader` once for each day, and all other texts are asked of it one by one.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cbc_screen.collect.errors import NotInColumnsError
from cbc_screen.ingest.texts import Texts, bytes_of
from cbc_screen.normalize.moment import MomentReader, Placing

NO_MOMENT = np.int64(np.iinfo(np.int64).min)
_WORDS = -(1 << 62)  # moments that are no time of a clock are numbered from here
_MOST_WORDS, _REMEMBERED = 1_000_000, 200_000
_EPOCH = datetime.datetime(1970, 1, 1)
_MICROSECOND = datetime.timedelta(microseconds=1)
_DAY = 86_400_000_000
_SEPARATORS = {4: "-", 7: "-", 10: " T", 13: ":", 16: ":", 19: "."}
_LENGTHS = (10, 16, 19, *range(21, 30))  # a day, with minutes, with seconds, with one to nine digits of a second
_CLOCK = ((11, 13, 24, 3_600_000_000), (14, 16, 60, 60_000_000), (17, 19, 60, 1_000_000))
_SECONDS_END, _DIGITS_KEPT = 20, 26


class MomentNumbers:
    """Numbers moments: `NO_MOMENT` for what is none, or not told to the day."""

    def __init__(self, reader: MomentReader, counted: bool) -> None:
        self._reader, self._counted = reader, counted
        self._days: dict[int, int | None] = {}
        self._texts: dict[str, int] = {}
        self._words: dict[str, int] = {}

    def of(self, texts: Texts) -> NDArray[np.int64]:
        """Return the number of each of the texts."""
        starts, data = bytes_of(texts.values)
        lengths = np.diff(starts)
        found = np.full(len(lengths), NO_MOMENT)
        open_ones = np.ones(len(lengths), dtype=np.bool_)
        for length in _LENGTHS:
            places = np.flatnonzero(lengths == length)
            if len(places):
                signs = data[starts[places][:, np.newaxis] + np.arange(length)]
                numbers, are_times = self._times(signs)
                found[places[are_times]] = numbers[are_times]
                open_ones[places[are_times]] = False
        for place in np.flatnonzero(open_ones).tolist():
            found[place] = self._by_itself(texts.values[place].as_py())
        return found

    def _times(self, signs: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Read texts of one length; the second array says which are times on a day of the calendar."""
        length = signs.shape[1]
        good = np.ones(len(signs), dtype=np.bool_)
        for place, allowed in _SEPARATORS.items():
            if place < length:
                good &= np.isin(signs[:, place], [ord(sign) for sign in allowed])
        digits = [place for place in range(length) if place not in _SEPARATORS]
        good &= ((signs[:, digits] >= ord("0")) & (signs[:, digits] <= ord("9"))).all(axis=1)
        days = _number(signs, (0, 1, 2, 3, 5, 6, 8, 9))
        days[~good] = 0
        numbers, known = self._of_days(days)
        good &= known
        micro = np.zeros(len(signs), dtype=np.int64)
        for start, end, below, unit in _CLOCK:
            if end <= length:
                part = _number(signs, range(start, end))
                good &= part < below
                micro += part * unit
        if length >= _SECONDS_END:
            kept = range(_SECONDS_END, min(length, _DIGITS_KEPT))
            micro += _number(signs, kept) * 10 ** (_DIGITS_KEPT - _SECONDS_END - len(kept))
        return (numbers * _DAY + micro) * 2, good

    def _of_days(self, days: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return days (20240131) as days since 1970, and which are told to the day and no placeholder."""
        distinct, places = np.unique(days, return_inverse=True)
        for day in distinct.tolist():
            if day not in self._days:
                self._days[day] = self._day(f"{day:08}")
        numbers = [self._days[day] for day in distinct.tolist()]
        known = np.array([number is not None for number in numbers], dtype=np.bool_)
        return np.array([number or 0 for number in numbers], dtype=np.int64)[places], known[places]

    def _day(self, digits: str) -> int | None:
        text = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
        try:
            day = datetime.datetime.fromisoformat(text)
        except ValueError:
            return None  # no day of the calendar: looked at by itself
        return (day - _EPOCH).days if self._reader.read(text, self._counted).placing is Placing.MOMENT else None

    def _by_itself(self, text: str) -> int:
        found = self._texts.get(text)
        if found is None:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            moment = self._reader.read(text, self._counted)
            found = self._of_key(moment.key) if moment.placing is Placing.MOMENT else int(NO_MOMENT)
            self._texts[text] = found
        return found

    def _of_key(self, key: str) -> int:
        """Return the number of a key: the time that it is, apart for times with and without a zone."""
        try:
            when = datetime.datetime.fromisoformat(key)
        except ValueError:
            when = None
        if when is not None and when.isoformat() == key and not when.utcoffset():
            return (when.replace(tzinfo=None) - _EPOCH) // _MICROSECOND * 2 + (when.tzinfo is not None)
        if len(self._words) >= _MOST_WORDS:
            raise NotInColumnsError
        return self._words.setdefault(key, _WORDS + len(self._words))


def _number(signs: NDArray[np.uint8], places: Sequence[int]) -> NDArray[np.int64]:
    """Return the number that some digits are."""
    number = np.zeros(len(signs), dtype=np.int64)
    for place in places:
        number = number * 10 + (signs[:, place].astype(np.int64) - ord("0"))
    return number
