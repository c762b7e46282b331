"""When counts were collected: to the second where the source says it, else to the day; never guessed.

Order needs seconds, durations need days of the calendar where the sample was taken: a time has both.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import beyond_years, from_numpy, to_numpy
from cbc_screen.engines.notation import CellCount
from cbc_screen.normalize.arrow import distinct
from cbc_screen.normalize.dates import is_placeholder, parse_date
from cbc_screen.normalize.moment import instant
from cbc_screen.normalize.value import fold
from cbc_screen.serial.segments import Bools, Ints
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa

DAY = 86_400
# A clock on the wall is ahead of UTC by no more than 14 hours and behind it by no more than 12.
AHEAD, BEHIND = 14 * 3_600, 12 * 3_600
EPOCH = datetime.date(1970, 1, 1).toordinal()  # of the day from which days count
_CLOCK = re.compile(r"[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s?(?:([AP])\.?M\.?)?$", re.ASCII | re.IGNORECASE)
_DAY_ALONE = re.compile(r"\d{4}-?\d{2}-?\d{2}(?:\.0+)?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_OF_A_DAY = ("%H", "%I", "%M", "%S", "%p", "%X", "%c", "%T", "%f")
_MANY_DAYS = 1 << 22
_NOON, _HOURS, _MINUTES = 12, 24, 60


@dataclass(frozen=True)
class Times:
    """Of each row: first and last possible second (UTC where a zone is stated), the day, and what is known."""

    first: Ints
    last: Ints
    day: Ints
    known: Bools
    zoned: Bools
    to_the_day: Bools

    def take(self, rows: NDArray[np.intp]) -> Times:
        """Return some rows."""
        return Times(
            self.first.take(rows),
            self.last.take(rows),
            self.day.take(rows),
            self.known.take(rows),
            self.zoned.take(rows),
            self.to_the_day.take(rows),
        )


@dataclass(frozen=True, slots=True)
class _Time:
    second: int
    day: int
    zoned: bool
    to_the_day: bool


def no_times(rows: int) -> Times:
    """Return the times of rows of which none has one."""
    none, no = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.bool_)
    return Times(none, none, none, no, no, no)


def widened(times: Times, these: Bools) -> Times:
    """Return times of which these, told by a clock of no stated zone, are of any zone."""
    first, last = np.where(these, times.first - AHEAD, times.first), np.where(these, times.last + BEHIND, times.last)
    return replace(times, first=first, last=last)


def surely_after(times: Times, row: int) -> Bools:
    """Tell which times surely lie after that of a row; a clock without a zone beside one that has it may be hours away."""
    wide = widened(times, ~times.zoned)
    plain, mixed = times.first > times.last[row], wide.first > wide.last[row]
    alike = times.zoned == times.zoned[row]
    after: Bools = times.known & times.known[row] & ((alike & plain) | (~alike & mixed))
    return after


def read_times(column: pa.Array, date_format: str | None) -> Times:
    """Read a column of collection times."""
    found = read_clocks(column, date_format)
    return as_days(found) if all_at_midnight(found) else found


def dates_in(column: pa.Array, times: Times, date_format: str | None) -> CellCount:
    """Count the dates of a column of which the times were read: those that were sent, and those that cannot be read."""
    known = int(times.known.sum())
    others = column.filter(from_numpy(~times.known))
    values, places = distinct(others)
    many = np.bincount(places[places >= 0], minlength=len(values)).tolist()
    found = [(many[place], *parse_date(value, date_format)) for place, value in enumerate(values)]
    sent = sum(own for own, span, reason in found if span is not None or reason is not None)
    unreadable = sum(own for own, _, reason in found if reason is Reason.DATE_UNREADABLE)
    return CellCount(known + sent, 0, {Reason.DATE_UNREADABLE.value: unreadable})


def all_at_midnight(times: Times) -> bool:
    """Tell whether no time has a clock: days that a program wrote with a midnight behind them."""
    if times.zoned.any():
        return False
    clock = (
        times.first - times.day * DAY
    )  # in place of a remainder, which takes ten times as long; 24:00 is midnight too
    return bool(((clock == 0) | (clock == DAY)).all())


def as_days(times: Times) -> Times:
    """Return times that are days."""
    return replace(times, last=times.first + np.where(times.known, DAY - 1, 0), to_the_day=times.known)


def read_clocks(column: pa.Array, date_format: str | None) -> Times:
    """Read a part of a column of collection times; whether midnights are clocks is seen on all of it."""
    import pyarrow.types as types

    if types.is_timestamp(column.type) or types.is_date(column.type):
        return _of_clock(column)
    values, places = distinct(column)
    found = [_read(value, date_format) for value in values]
    table = np.zeros((len(found) + 1, 2), dtype=np.int64)
    marks = np.zeros((len(found) + 1, 3), dtype=np.bool_)
    for place, time in enumerate(found):
        if time is not None:
            table[place] = time.second, time.day
            marks[place] = True, time.zoned, time.to_the_day
    second, day = table[places].T
    known, zoned, to_the_day = (part.copy() for part in marks[places].T)
    return Times(second.copy(), second + np.where(to_the_day, DAY - 1, 0), day.copy(), known, zoned, to_the_day)


def _of_clock(column: pa.Array) -> Times:
    """Read a column that has times as such."""
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_date32(column.type) and not beyond_years(pa.chunked_array([column])):
        days, valid = to_numpy(column.cast(pa.int32()))
        return _of_days((days if valid is None else np.where(valid, days, 0)).astype(np.int64), valid)
    zone = column.type.tz if types.is_timestamp(column.type) else None
    plain = column.cast(pa.timestamp("us", tz=zone), safe=False)
    microseconds, valid = to_numpy(plain.cast(pa.int64()))
    known = np.ones(len(column), dtype=np.bool_) if valid is None else valid.copy()
    seconds = np.floor_divide(microseconds.astype(np.int64), 1_000_000)
    local = seconds
    if zone is not None:
        import pyarrow.compute as pc

        wall, _ = to_numpy(pc.local_timestamp(plain).cast(pa.int64()))
        local = np.floor_divide(wall.astype(np.int64), 1_000_000)
    day = np.floor_divide(local, DAY)
    known &= ~_is_placeholder(day)
    seconds, day = np.where(known, seconds, 0), np.where(known, day, 0)
    return Times(seconds, seconds, day, known, known & (zone is not None), np.zeros(len(known), dtype=np.bool_))


def _of_days(day: Ints, valid: Bools | None) -> Times:
    known = ~_is_placeholder(day)
    if valid is not None:
        known &= valid
    day = np.where(known, day, 0)
    seconds, no = day * DAY, np.zeros(len(day), dtype=np.bool_)
    return Times(seconds, seconds, day, known, no, no)


def _is_placeholder(day: Ints) -> Bools:
    """Tell which days systems write where they have none."""
    if not len(day):
        return np.zeros(0, dtype=np.bool_)
    first = int(day.min())
    span = int(day.max()) - first + 1
    if span > _MANY_DAYS:
        odd = [own for own in np.unique(day).tolist() if _no_day(own)]
        return np.isin(day, odd)
    # Days are few beside rows: each is marked at its place, and looked up there.
    places = day - first
    marked = np.zeros(span, dtype=np.bool_)
    marked[places] = True
    days = np.flatnonzero(marked)
    marked[days] = [_no_day(own) for own in (days + first).tolist()]
    found: Bools = marked.take(places)
    return found


def _no_day(day: int) -> bool:
    try:
        return is_placeholder(datetime.date.fromordinal(day + EPOCH))
    except (ValueError, OverflowError):
        return True


def _read(value: object, date_format: str | None) -> _Time | None:
    """Read one time; None where no single day can be told."""
    if isinstance(value, datetime.datetime):
        return _of_moment(value) if parse_date(value)[0] is not None else None
    span, _ = parse_date(value, date_format)
    if span is None or span.first != span.last:
        return None
    day = span.first.toordinal() - EPOCH
    text = fold(str(value))
    if isinstance(value, datetime.date) or _DAY_ALONE.fullmatch(text):
        return _Time(day * DAY, day, zoned=False, to_the_day=True)
    if date_format is not None and any(part in date_format for part in _OF_A_DAY):
        try:
            return _of_moment(datetime.datetime.strptime(text, date_format))
        except ValueError:
            pass
    if date_format is None and (moment := _iso(text)) is not None:
        return _of_moment(moment[0], day) if moment[1] else _of_moment(moment[0])
    seconds = _clock(text)
    if seconds is None:
        return _Time(day * DAY, day, zoned=False, to_the_day=True)
    return _Time(day * DAY + seconds, day, zoned=False, to_the_day=False)


def _iso(text: str) -> tuple[datetime.datetime, bool] | None:
    """Read a time in ISO or HL7 form, and say whether it is of a zone."""
    try:
        plain = instant(text)
        moment = datetime.datetime.fromisoformat(plain)
    except (ValueError, OverflowError):
        return None
    return moment, moment.tzinfo is not None


def _of_moment(moment: datetime.datetime, day: int | None = None) -> _Time:
    """Return a time to the second; `day` is the day at the place, where the moment is told in UTC."""
    zoned = moment.tzinfo is not None
    own = moment.toordinal() - EPOCH if day is None else day
    plain = moment.astimezone(datetime.UTC) if zoned else moment
    second = (plain.toordinal() - EPOCH) * DAY + plain.hour * 3_600 + plain.minute * 60 + plain.second
    return _Time(second, own, zoned, to_the_day=False)


def _clock(text: str) -> int | None:
    """Return the second of the day of a clock that stands behind a day, without a zone."""
    found = _CLOCK.search(text)
    if found is None:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[4]:
        hour = hour % _NOON + (_NOON if found[4].upper() == "P" else 0)
    if hour >= _HOURS or minute >= _MINUTES or second > _MINUTES:
        return None
    return hour * 3_600 + minute * 60 + second
