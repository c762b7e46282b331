"""Moments as numbers: equal where `MomentReader` gives equal keys.

Times in ISO form are taken apart in columns; whether a day is one (and no placeholder) is
asked of `MomentReader` once for each day, and all other texts are asked of it one by one.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, from_texts, to_numpy
from cbc_screen.collect.digits import are_digits, number, signs_by_length
from cbc_screen.collect.errors import NotInColumnsError
from cbc_screen.ingest.texts import Texts, bytes_of
from cbc_screen.normalize.moment import MomentReader, Placing

if TYPE_CHECKING:
    import pyarrow as pa

NO_MOMENT = np.int64(np.iinfo(np.int64).min)
_WORDS = -(1 << 62)  # moments that are no time of a clock are numbered from here
_MOST_WORDS, _REMEMBERED = 1_000_000, 200_000
_EPOCH = datetime.datetime(1970, 1, 1)
_MICROSECOND = datetime.timedelta(microseconds=1)
_DAY = 86_400_000_000
_TWICE_A_MINUTE = 2 * 60_000_000
_SEPARATORS = {4: "-", 7: "-", 10: " T", 13: ":", 16: ":", 19: "."}
_LENGTHS = (10, 16, 19, *range(21, 30))  # a day, with minutes, with seconds, with one to nine digits of a second
_OFFSET = len("+01:00")
_ZONES = (0, len("Z"), _OFFSET)
_WITH_ZONES = sorted({length + zone for length in _LENGTHS for zone in _ZONES if not zone or length > _LENGTHS[0]})
_CLOCK = ((11, 13, 24, 3_600_000_000), (14, 16, 60, 60_000_000), (17, 19, 60, 1_000_000))
_DAY_END, _SECONDS_END, _DIGITS_KEPT = 10, 20, 26


class MomentNumbers:
    """Gives moments numbers: `NO_MOMENT` where there is none, or it is not known to the day."""

    def __init__(self, reader: MomentReader, counted: bool) -> None:
        self._reader, self._counted = reader, counted
        self._days: dict[int, int | None] = {}
        self._texts: dict[str, int] = {}
        self._words: dict[str, int] = {}

    def of(self, texts: Texts) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Return the number of each of the texts, and the form in which it is written (see `written`)."""
        many = len(texts.values)
        found, forms = np.full(many, NO_MOMENT), np.zeros(many, dtype=np.int8)
        open_ones = np.ones(many, dtype=np.bool_)
        for places, signs in signs_by_length(texts.values, _WITH_ZONES):
            for own, length, ahead in _by_zone(signs):
                numbers, are_times = self._times(signs[:length, own])
                at = places[own][are_times]
                found[at], open_ones[at] = (numbers if ahead is None else numbers - ahead + 1)[are_times], False
                if ahead is None and length <= _DIGITS_KEPT:
                    blank = length > _DAY_END and signs[_DAY_END, own] == ord(" ")
                    forms[at] = np.where(blank, length, -length)[are_times] if length > _DAY_END else -_DAY_END
        for place in np.flatnonzero(open_ones).tolist():
            found[place] = self._by_itself(texts.values[place].as_py())
        return found, forms

    def _times(self, signs: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Read texts of one length; the second array says which are times on a day of the calendar."""
        length, many = signs.shape
        good = np.ones(many, dtype=np.bool_)
        for place in range(length):
            own = signs[place]
            if place not in _SEPARATORS:
                good &= are_digits(own)
            else:
                good &= np.logical_or.reduce([own == ord(sign) for sign in _SEPARATORS[place]])
        days = number(signs, (0, 1, 2, 3, 5, 6, 8, 9))
        days[~good] = 0
        numbers, known = self._of_days(days)
        good &= known
        micro = np.zeros(many, dtype=np.int64)
        for start, end, below, unit in _CLOCK:
            if end <= length:
                part = number(signs, range(start, end))
                good &= part < below
                micro += part * unit
        if length >= _SECONDS_END:
            kept = range(_SECONDS_END, min(length, _DIGITS_KEPT))
            micro += number(signs, kept) * 10 ** (_DIGITS_KEPT - _SECONDS_END - len(kept))
        return (numbers * _DAY + micro) * 2, good

    def _of_days(self, days: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return days (20240131) as days since 1970, and which are told to the day and no placeholder."""
        coded = from_numpy(days).dictionary_encode()
        distinct, places = to_numpy(coded.dictionary)[0], to_numpy(coded.indices)[0]
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


def _by_zone(signs: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.intp] | slice, int, NDArray[np.int64] | None]]:
    """Part times of one length by how their zone is written: which they are, how long each is without it, and how far it is ahead.

    What it is ahead is in the measure of moments, twice a microsecond; None where there is no zone.
    """
    length, many = signs.shape
    is_utc = signs[-1] == ord("Z")
    is_shifted = np.zeros(many, dtype=np.bool_)
    if length - _OFFSET in _LENGTHS[1:]:
        sign, digits = signs[-_OFFSET], signs[[-5, -4, -2, -1]]
        is_shifted = ((sign == ord("+")) | (sign == ord("-"))) & (signs[-3] == ord(":"))
        is_shifted &= np.logical_and.reduce(are_digits(digits))
        hours, minutes = number(digits, (0, 1)), number(digits, (2, 3))
        is_shifted &= (hours < 24) & (minutes < 60)
        own = np.flatnonzero(is_shifted)
        if len(own):
            ahead = (hours * 60 + minutes) * np.where(sign == ord("-"), -1, 1) * _TWICE_A_MINUTE
            yield own, length - _OFFSET, ahead[own]
    if length - 1 in _LENGTHS[1:] and is_utc.any():
        yield np.flatnonzero(is_utc), length - 1, np.zeros(np.count_nonzero(is_utc), dtype=np.int64)
    if length in _LENGTHS:
        has_zone = is_utc | is_shifted
        yield (np.flatnonzero(~has_zone) if has_zone.any() else slice(None)), length, None


def written(numbers: NDArray[np.int64], forms: NDArray[np.int8], texts: pa.StringArray) -> pa.StringArray:
    """Write moments as they were; `texts` are those that are in no form that their number tells.

    A form is the length of a text in ISO form: with a blank before the time of the day, or, negative, with a "T".
    """
    import pyarrow as pa

    found = np.unique(forms).tolist()
    parts, places = [], []
    for form in found:
        own = np.flatnonzero(forms == form)
        places.append(own)
        parts.append(texts.take(from_numpy(own)) if form == 0 else _in_form(numbers[own] // 2, form))
    if len(parts) == 1:
        return parts[0]
    order = np.empty(len(forms), dtype=np.int64)
    order[np.concatenate([*places, np.zeros(0, dtype=np.int64)]).astype(np.int64)] = np.arange(len(forms))
    return pa.concat_arrays([*parts, from_texts([])]).take(from_numpy(order))


def _in_form(micro: NDArray[np.int64], form: int) -> pa.StringArray:
    import pyarrow as pa

    length = abs(form)
    _, data = bytes_of(from_numpy(micro).cast(pa.timestamp("us")).cast(pa.string()))
    signs = data.reshape(len(micro), _DIGITS_KEPT)[:, :length].copy()
    if length > _DAY_END:
        signs[:, _DAY_END] = ord(" " if form > 0 else "T")
    ends = np.arange(len(micro) + 1, dtype=np.int32) * np.int32(length)
    return pa.StringArray.from_buffers(len(micro), pa.py_buffer(ends), pa.py_buffer(signs.tobytes()))
