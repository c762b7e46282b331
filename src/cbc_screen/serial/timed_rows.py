"""Moments of persons as a line is laid through them: what depends on the times alone, worked out once for all analytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cbc_screen.serial.segments import Bools, Floats, Ints, PersonRows, Places, summed


@dataclass(frozen=True, eq=False)
class TimedRows(PersonRows):
    """Some of all moments, those of each person together, with the days of all moments (`time`)."""

    time: Floats = field(kw_only=True)

    @cached_property
    def away(self) -> Floats:
        """The days of each row from the middle of those of its person."""
        time: Floats = self.take(self.time)
        away: Floats = time - self.repeat(summed(time, self.starts) / self.sizes)
        return away

    @cached_property
    def square(self) -> Floats:
        """The sum of the squares of these days, of each person."""
        return summed(self.away**2, self.starts)

    @cached_property
    def weight(self) -> Floats:
        """What each row counts for in the slope of its person."""
        with np.errstate(divide="ignore", invalid="ignore"):
            weight: Floats = self.away / self.repeat(self.square)
        return weight

    @cached_property
    def middles(self) -> Places:
        """The rows in the middle of a series, which say nothing of its slope."""
        return np.flatnonzero(self.weight == 0)

    @cached_property
    def earlier(self) -> Bools:
        """Which rows are not the last of their person."""
        found = np.ones(len(self.owner), dtype=np.bool_)
        found[self.ends] = False
        return found

    def where(self, truths: Bools) -> TimedRows:
        """Return those of all moments that are true, if these rows are all moments."""
        if truths.all():
            return self
        places = np.flatnonzero(truths)
        return TimedRows(places, self.owner.take(places), time=self.time)

    @cached_property
    def _lasts(self) -> dict[int, TimedRows]:
        return {}

    def final(self, many: int) -> TimedRows:
        """Return the last rows of each person, so many of each or all that there are."""
        if many not in self._lasts:
            from_end = self.repeat(self.ends) - np.arange(len(self.owner), dtype=np.int64)
            own = np.flatnonzero(from_end < many)
            self._lasts[many] = TimedRows(self.places.take(own), self.owner.take(own), time=self.time)
        return self._lasts[many]

    @cached_property
    def lengths(self) -> list[tuple[int, Places]]:
        """Each number of rows that persons have, and the persons (in the order of `whose`) who have it."""
        return [(int(own), np.flatnonzero(self.sizes == own)) for own in np.unique(self.sizes)]


def timed(owner: Ints, time: Floats) -> TimedRows:
    """Return the rows of persons, sorted, with their days."""
    places = np.arange(len(owner), dtype=np.intp)
    return TimedRows(places, owner, every=True, time=time)
