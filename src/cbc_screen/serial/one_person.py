"""Whether rows under one key can be of one person: sex, day of birth, and ages that a day of birth explains."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import SEXES
from cbc_screen.normalize.arrow import distinct
from cbc_screen.normalize.dates import parse_date
from cbc_screen.serial.segments import Bools, Ints, Places, any_of, begins, largest, sizes, smallest
from cbc_screen.serial.times import EPOCH, Times
from cbc_screen.vocabulary import Sex

if TYPE_CHECKING:
    import pyarrow as pa

_YEAR = 366  # the most days of a year: no age is stated in a longer unit
_EVER, _NEVER = 0, datetime.date.max.toordinal()  # days that no day of birth lies outside of


@dataclass(frozen=True)
class Births:
    """Of each row: the first and the last day that a day of birth can be, as ordinals, and whether one is stated."""

    first: Ints
    last: Ints
    known: Bools


def read_births(column: pa.Array, date_format: str | None) -> Births:
    """Read a column of days of birth; one that is not known may be any."""
    values, places = distinct(column)
    spans = [parse_date(value, date_format)[0] for value in values]
    first = np.array([*(own.first.toordinal() if own else _EVER for own in spans), _EVER], dtype=np.int64)
    last = np.array([*(own.last.toordinal() if own else _NEVER for own in spans), _NEVER], dtype=np.int64)
    known = np.array([*(own is not None for own in spans), False], dtype=np.bool_)
    return Births(first[places], last[places], known[places])


@dataclass(frozen=True)
class _Stated:
    """What rows state of their person; `asked` are those whose age says when the person was born."""

    days_low: Ints
    days_high: Ints
    sex: NDArray[np.int8]
    day: Ints
    refused: Bools
    asked: Bools


def persons_apart(batch: Batch, births: Births | None, times: Times, refused: Bools, starts: Places) -> Bools:
    """Tell of which persons the rows cannot be of one: no sex, or no day of birth, is that of every row.

    An age says when a person was born by as much as the unit that it is stated in, and may be off by one of these, a year at
    most: ages are cut, rounded, or of the day of admission. An age that all rows of a person state alike may be of any of their days:
    tables of persons have the age of one day beside every count. Not so of an infant, whose ranges are others a few weeks later.
    """
    stated = [batch.days_low, batch.days_high, batch.age_known, batch.sex]
    if births is None:
        none = np.zeros(batch.rows, dtype=np.int64)
        births = Births(none + _EVER, none + _NEVER, none > 0)
    else:
        stated += [births.first, births.last, births.known]
    # Of whom every row states the same, the rows are of one, unless it is an infant; nearly all persons of most tables.
    apart = _differ(stated, starts) | any_of(batch.age_known & (batch.days_low < _YEAR), starts)
    these = np.flatnonzero(apart)
    if len(these):
        many = sizes(starts, batch.rows)
        rows = np.flatnonzero(np.repeat(apart, many))
        apart[these] = _apart(batch, births, times, refused, rows, begins(np.repeat(these, many.take(these))))
    return apart


def _differ(stated: Sequence[NDArray[np.generic]], starts: Places) -> Bools:
    """Tell of which persons any two rows in a row differ in what they state."""
    new = np.zeros(len(stated[0]), dtype=np.bool_)
    for own in stated:
        new[1:] |= own[1:] != own[:-1]
    new[starts] = False
    return any_of(new, starts)


def _apart(batch: Batch, births: Births, times: Times, refused: Bools, rows: Places, starts: Places) -> Bools:
    own = _Stated(
        days_low=batch.days_low.take(rows),
        days_high=batch.days_high.take(rows),
        sex=batch.sex.take(rows),
        day=times.day.take(rows),
        refused=refused.take(rows),
        asked=(batch.age_known & times.known & ~births.known & ~refused).take(rows),
    )
    first, last = _of_ages(own, starts)
    first, last = np.maximum(first, births.first.take(rows)), np.minimum(last, births.last.take(rows))
    earliest = largest(np.where(own.refused, _EVER, first), starts)
    apart: Bools = earliest > smallest(np.where(own.refused, _NEVER, last), starts)
    return apart | _sexes_apart(own, starts)


def _sexes_apart(own: _Stated, starts: Places) -> Bools:
    female, male = (any_of((own.sex == SEXES.index(sex)) & ~own.refused, starts) for sex in (Sex.FEMALE, Sex.MALE))
    return female & male


def _of_ages(own: _Stated, starts: Places) -> tuple[Ints, Ints]:
    """Return the first and the last day of birth that the age of each row allows; any day where none is asked."""
    asked, day, far = own.asked, own.day + EPOCH, np.iinfo(np.int64).max
    many = sizes(starts, len(day))

    def of_person(values: Ints) -> tuple[Ints, Ints]:
        least = smallest(np.where(asked, values, far), starts)
        most = largest(np.where(asked, values, -far), starts)
        return np.repeat(least, many), np.repeat(most, many)

    (low, most_low), (least_high, high) = of_person(own.days_low), of_person(own.days_high)
    alike = (low == most_low) & (least_high == high) & (low >= _YEAR)
    first_day, last_day = of_person(day)
    off = np.minimum(own.days_high - own.days_low + 1, _YEAR)
    first = np.where(alike, first_day, day) - own.days_high - off
    last = np.where(alike, last_day, day) - own.days_low + off
    return np.where(asked, first, _EVER), np.where(asked, last, _NEVER)
