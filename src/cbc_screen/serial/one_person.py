"""Whether rows under one key can be of one person: sex, day of birth, and ages that a day of birth explains."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import SEXES
from cbc_screen.normalize.arrow import distinct
from cbc_screen.normalize.dates import parse_date
from cbc_screen.serial.segments import Bools, Ints, Places, any_of, largest, sizes, smallest
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


def persons_apart(batch: Batch, births: Births | None, times: Times, refused: Bools, starts: Places) -> Bools:
    """Tell of which persons the rows cannot be of one: no sex, or no day of birth, is that of every row.

    An age says when a person was born by as much as the unit that it is stated in, and may be off by one of these, a year at
    most: ages are cut, rounded, or of the day of admission. An age that all rows of a person state alike may be of any of their days:
    tables of persons have the age of one day beside every count.
    """
    if births is None:
        none = np.zeros(batch.rows, dtype=np.int64)
        births = Births(none + _EVER, none + _NEVER, none > 0)
    first, last = _of_ages(batch, times, batch.age_known & times.known & ~births.known & ~refused, starts)
    first, last = np.maximum(first, births.first), np.minimum(last, births.last)
    earliest = largest(np.where(refused, _EVER, first), starts)
    apart: Bools = earliest > smallest(np.where(refused, _NEVER, last), starts)
    return apart | _sexes_apart(batch, refused, starts)


def _sexes_apart(batch: Batch, refused: Bools, starts: Places) -> Bools:
    female, male = (any_of((batch.sex == SEXES.index(sex)) & ~refused, starts) for sex in (Sex.FEMALE, Sex.MALE))
    return female & male


def _of_ages(batch: Batch, times: Times, asked: Bools, starts: Places) -> tuple[Ints, Ints]:
    """Return the first and the last day of birth that the age of each row allows; any day where none is asked."""
    many, far = sizes(starts, batch.rows), np.iinfo(np.int64).max

    def of_person(values: Ints) -> tuple[Ints, Ints]:
        least = smallest(np.where(asked, values, far), starts)
        most = largest(np.where(asked, values, -far), starts)
        return np.repeat(least, many), np.repeat(most, many)

    (low, most_low), (least_high, high) = of_person(batch.days_low), of_person(batch.days_high)
    alike = (low == most_low) & (least_high == high)
    day = times.day + EPOCH
    first_day, last_day = of_person(day)
    off = np.minimum(batch.days_high - batch.days_low + 1, _YEAR)
    first = np.where(alike, first_day, day) - batch.days_high - off
    last = np.where(alike, last_day, day) - batch.days_low + off
    return np.where(asked, first, _EVER), np.where(asked, last, _NEVER)
