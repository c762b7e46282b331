"""Which counts of a patient the cards of a hook are about: the last ones, and what those leave untold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cbc_screen.engines.each_count import ScreenedCount
from cbc_screen.result import ScreeningResult
from cbc_screen.vocabulary import Line, LineState

_DAY = len("2024-06-20")
# An hour without a zone is of some place on earth: it is so much earlier or later than the same hour in UTC.
_EAST, _WEST = timedelta(hours=14), timedelta(hours=12)


@dataclass(frozen=True)
class ShownCount:
    """A count that a card is about; `lines` are those that it is the last to tell, where it is not the last count."""

    count: ScreenedCount
    lines: tuple[Line, ...] = ()


def shown_counts(counts: Sequence[ScreenedCount]) -> list[ShownCount]:
    """Return the last counts, and of each line the last that tells it, where it is low.

    A count of hemoglobin alone says nothing of the platelets of the day before, and neither does one of which nobody knows
    when it was taken.
    """
    told = [_told(count) for count in counts]
    last = _latest(counts, range(len(counts)))
    lines_of: dict[int, tuple[Line, ...]] = {}
    for line in Line:
        for place in _latest(counts, [place for place, own in enumerate(told) if line in own]):
            if place not in last and told[place][line] is LineState.LOW:
                lines_of[place] = (*lines_of.get(place, ()), line)
    return [
        *(ShownCount(counts[place]) for place in last),
        *(ShownCount(counts[place], lines_of[place]) for place in sorted(lines_of)),
    ]


def _told(count: ScreenedCount) -> dict[Line, LineState]:
    return {own.line: own.state for own in count.result.lines if own.state is not LineState.CANNOT_TELL}


def _latest(counts: Sequence[ScreenedCount], places: Sequence[int]) -> list[int]:
    """Return which of some counts are the last by time of collection: several where nobody knows which of them it is.

    Those of one moment, those without a known time, those of the last day of which the hour is not told, and those of an
    hour without a zone beside one with it, where either may be the later. A day that is not yet is no known time: a slip in
    the year would hide every other count.
    """
    taken = {place: _Taken.of(counts[place].result) for place in places}
    last = _Last.of(list(taken.values()))
    return [place for place, own in taken.items() if last.may_be(own)]


@dataclass(frozen=True)
class _Taken:
    """When a count was taken: its day as it is written, and its hour where that is told, in UTC or without a zone."""

    day: date | None = None
    moment: datetime | None = None
    hour: datetime | None = None  # without a zone

    @classmethod
    def of(cls, result: ScreeningResult) -> _Taken:
        text = result.person.collected_at or ""
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return cls()
        zoned = found.tzinfo is not None
        if (found if zoned else found.replace(tzinfo=UTC)) > datetime.now(UTC) + timedelta(days=1):
            return cls()
        if len(text) <= _DAY:
            return cls(found.date())
        return cls(found.date(), moment=found) if zoned else cls(found.date(), hour=found)


@dataclass(frozen=True)
class _Last:
    """The last of all counts, by each way in which a time is told, and the last day of those with an hour and without."""

    moment: datetime
    hour: datetime
    day_of_hours: date
    day: date

    @classmethod
    def of(cls, taken: Sequence[_Taken]) -> _Last:
        days = [own.day for own in taken if own.day and not (own.moment or own.hour)]
        moments = [(own.moment, own.day) for own in taken if own.day and own.moment]
        hours = [(own.hour, own.day) for own in taken if own.day and own.hour]
        moment, its_day = max(moments, default=(datetime.min.replace(tzinfo=UTC), date.min))
        hour, day_of_hour = max(hours, default=(datetime.min, date.min))
        return cls(moment, hour, max(its_day, day_of_hour), max(days, default=date.min))

    def may_be(self, own: _Taken) -> bool:
        """Tell whether no other count was surely taken later."""
        if own.day is None:
            return True
        if own.moment is not None:
            surely_later = own.moment + _EAST < self._utc(self.hour)
            return own.moment == self.moment and not surely_later and self.day <= own.day
        if own.hour is not None:
            surely_later = self.moment > self._utc(own.hour) + _WEST
            return own.hour == self.hour and not surely_later and self.day <= own.day
        return own.day == self.day and self.day >= self.day_of_hours

    @staticmethod
    def _utc(hour: datetime) -> datetime:
        return hour.replace(tzinfo=UTC)
