"""A block of whole persons, screened: every count in order of time, and the moments that they make.

Counts of one person that cannot be put in order make one moment: what they agree in is known there, and what they
differ in is anything between. So two feeds of one count are one, and nothing is chosen among counts that contradict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.engines.frames import refused_rows
from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import PREGNANCIES
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.knowledge.serial_rules import Suppression
from cbc_screen.normalize.codes import NO_REASON
from cbc_screen.normalize.people import read_presence
from cbc_screen.serial.one_person import persons_apart, read_births
from cbc_screen.serial.person_frame import PersonFrame, taken
from cbc_screen.serial.segments import (
    Bools,
    Codes,
    Floats,
    Ints,
    Places,
    all_of,
    any_of,
    begins,
    chosen,
    is_one_of,
    largest,
    last_known,
    put,
    sizes,
    smallest,
)
from cbc_screen.serial.timed_rows import TimedRows, timed
from cbc_screen.serial.times import DAY, Times, widened
from cbc_screen.vocabulary import Line, LineState

if TYPE_CHECKING:
    from cbc_screen.normalize.columns import Normalized

# A line of a count: the kernel's codes, and one that nothing was sent for.
NOT_LOW, LOW, UNKNOWN, ABSENT = (*(list(LineState).index(s) for s in LineState), len(LineState))
_CLAIMED = [place for place, stage in enumerate(PREGNANCIES) if stage.claimed]
_BITS = 40  # of a second within a key of person and second
_OF_LINE = {Line.RED: ("hemoglobin",), Line.WHITE: ("neutrophils", "wbc"), Line.PLATELET: ("platelets",)}


@dataclass(frozen=True)
class AnalyteValues:
    """What an analyte can be, of each row or moment; NaN where it was not sent."""

    low: Floats
    high: Floats

    @cached_property
    def there(self) -> Bools:
        """Which have a result, usable or not."""
        return ~np.isnan(self.low)

    @property
    def exact(self) -> bool:
        """Whether every result is one number: both ends are then one array, and what is worked out of them is so too."""
        return self.high is self.low

    def of(self, work: Callable[[Floats], Floats]) -> AnalyteValues:
        """Return both ends with some work done on each."""
        low = work(self.low)
        return AnalyteValues(low, low if self.exact else work(self.high))

    def take(self, rows: Places) -> AnalyteValues:
        """Return some rows."""
        return self.of(lambda side: side.take(rows))


@dataclass(frozen=True)
class CountBlock:
    """A block of rows in the order of person and time.

    `person` counts from 0 within the block, of `people`; `moment` is -1 where a row takes no part: it is no patient's
    blood, has no time, or its person is in conflict. `starts` has the first row of each moment among `used`.
    """

    rows: Places
    person: Ints
    people: int
    times: Times
    normalized: Normalized
    kernel: Kernel
    refused: Bools
    conflict: Bools  # by person
    nobody: bool  # no person is named for these rows
    mixed: Bools  # by person
    used: Places
    starts: Places
    moment: Ints

    @property
    def batch(self) -> Batch:
        """The rows as the kernel takes them."""
        return self.normalized.batch

    @property
    def moments(self) -> int:
        """How many moments there are."""
        return len(self.starts)

    @cached_property
    def first_row(self) -> Places:
        """The first row of each moment."""
        return self.used[self.starts]

    @cached_property
    def singly(self) -> bool:
        """Whether each moment is of one row."""
        return len(self.starts) == len(self.used)

    @cached_property
    def owner(self) -> Ints:
        """The person of each moment."""
        return self.of_used(self.person) if self.singly else self.person.take(self.first_row)

    @cached_property
    def every(self) -> TimedRows:
        """Every moment, those of each person together."""
        return timed(self.owner, self.time)

    def among(self, truths: Bools) -> TimedRows:
        """Return the moments that are true, those of each person together."""
        return self.every.where(truths)

    def rows_at(self, places: Places) -> TimedRows:
        """Return some moments by their places, in order."""
        return TimedRows(places, self.owner.take(places), time=self.time)

    def last_known(self, known: Bools) -> Places:
        """Return of each moment the nearest one before it of the same person that is known, or -1."""
        return last_known(known, self.every.starts)

    def of_used(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values of the rows that are used; where these are all rows in their order nothing is copied."""
        return values if self._all_used else values.take(self.used)

    @cached_property
    def _all_used(self) -> bool:
        return len(self.used) == len(self.rows) and bool((self.used[1:] > self.used[:-1]).all())

    @cached_property
    def day_first(self) -> Ints:
        """The first day that a moment can be of."""
        return smallest(self.of_used(self.times.day), self.starts)

    @cached_property
    def day_last(self) -> Ints:
        """The last day that a moment can be of."""
        return self.day_first if self.singly else largest(self.of_used(self.times.day), self.starts)

    @cached_property
    def to_the_day(self) -> bool:
        """Whether the day of every moment is known."""
        return self.singly or bool((self.day_first == self.day_last).all())

    @cached_property
    def time(self) -> Floats:
        """The middle of each moment, in days."""
        first = smallest(self.of_used(self.times.first), self.starts)
        last = largest(self.of_used(self.times.last), self.starts)
        middle: Floats = (first + last) / (2 * DAY)
        return middle

    @cached_property
    def untimed(self) -> Bools:
        """Which rows are of a person and of blood, and have no time."""
        untimed = ~self.times.known & ~self.refused & (not self.nobody)
        return untimed & ~self.conflict[self.person] if untimed.any() else untimed

    @cached_property
    def answers(self) -> Answers:
        """What the screen says of each row."""
        return self.kernel.screen(self.batch)

    @cached_property
    def values(self) -> Mapping[str, AnalyteValues]:
        """The values used of each analyte, derived and corrected ones too, of each row."""
        used = self.kernel.numbers_derived(self.batch)
        found = {}
        for name in {*self.batch.low, *(own.removesuffix(".low") for own in used if own.endswith(".low"))}:
            low, high = used.get(f"{name}.low"), used.get(f"{name}.high")
            if low is None or high is None:
                low, high = self.batch.low[name], self.batch.high[name]
            least, most = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
            one = low is high or bool((least.view(np.int64) == most.view(np.int64)).all())
            found[name] = AnalyteValues(least, least if one else most)
        return found

    def of_moments(self, analyte: str) -> AnalyteValues:
        """Return what an analyte can be at each moment; several counts there may be any of them."""
        if analyte not in self.values:
            none = np.full(self.moments, np.nan)
            return AnalyteValues(none, none)
        own = self.values[analyte]
        low = smallest(self.of_used(own.low), self.starts)
        if self.singly and own.exact:
            return AnalyteValues(low, low)
        high = largest(self.of_used(own.high), self.starts)
        return AnalyteValues(low, np.where(np.isnan(low), np.nan, high))

    def undated(self, analyte: str) -> Bools:
        """Tell of each person whether there is a result of an analyte without a time."""
        found = np.zeros(self.people, dtype=np.bool_)
        if analyte in self.values and self.untimed.any():
            found[self.person[self.untimed & self.values[analyte].there]] = True
        return found

    def line(self, line: Line, answers: Answers, *, judged_on_wbc: bool) -> Codes:
        """Return the state of a line in each row, under the definition of the screen that answered.

        Without neutrophils the white cells may make the white line low, and never make it unknown, where the
        definition does not judge it on them (`judged_on_wbc`).
        """
        states: Codes = answers[f"line.{line}"].astype(np.int8, copy=False)
        sent = np.zeros(len(self.rows), dtype=np.bool_)
        for name in _OF_LINE[line] if judged_on_wbc else _OF_LINE[line][:1]:
            if name in self.values:
                sent |= self.values[name].there
        sent |= states == LOW
        return chosen(sent, states, ABSENT)

    def at_moments(self, states: Codes) -> Codes:
        """Return the state at each moment: what all its counts that have the line agree in."""
        own = self.of_used(states)
        if self.singly:
            return own
        there = any_of(own != ABSENT, self.starts)
        found = np.full(self.moments, UNKNOWN, dtype=np.int8)
        for state in (NOT_LOW, LOW):
            put(found, all_of((own == state) | (own == ABSENT), self.starts), state)
        return chosen(there, found, ABSENT)


def read_counts(source: PersonFrame, rows: Places, person: Ints, kernel: Kernel, *, nobody: bool = False) -> CountBlock:
    """Normalize a block of rows and put its counts in order; nothing is told across the rows of `nobody`."""
    ready = source.ready
    normalized = ready.engine.normalize(taken(ready.arrays, rows), len(rows), ready.plan)
    codes = refused_rows(normalized)
    refused = np.zeros(len(rows), dtype=np.bool_) if codes is None else codes != NO_REASON
    starts = begins(person)
    person = np.repeat(np.arange(len(starts), dtype=np.int64), sizes(starts, len(rows)))
    times = source.times.take(rows)
    conflict = _conflict(source, rows, normalized.batch, times, refused, starts) & (not nobody)
    return put_in_order(rows, person, starts, times, normalized, kernel, refused, conflict, nobody=nobody)


def put_in_order(
    rows: Places,
    person: Ints,
    starts: Places,
    times: Times,
    normalized: Normalized,
    kernel: Kernel,
    refused: Bools,
    conflict: Bools,
    *,
    nobody: bool = False,
) -> CountBlock:
    """Put the counts of persons in order; `person` counts from 0, and `starts` has the first row of each."""
    times, mixed = _in_order(times, person, starts)
    takes_part = times.known & ~refused & (not nobody)
    if conflict.any():
        takes_part &= ~conflict[person]
    used = np.flatnonzero(takes_part)
    if not _are_in_order(times, person, used):
        used = used[np.lexsort((times.last[used], times.first[used], person[used]))]
    first = _moments(times, person, used)
    moment = np.full(len(rows), -1, dtype=np.int64)
    moment[used] = np.repeat(np.arange(len(first)), sizes(first, len(used)))
    return CountBlock(
        rows, person, len(starts), times, normalized, kernel, refused, conflict, nobody, mixed, used, first, moment
    )


def _in_order(times: Times, person: Ints, starts: Places) -> tuple[Times, Bools]:
    """Widen times without a zone where others of the person have one; also tell whose times are mixed."""
    if not times.zoned.any():
        return times, np.zeros(len(starts), dtype=np.bool_)
    zoned = any_of(times.zoned, starts)
    plain = any_of(times.known & ~times.zoned, starts)
    both = (zoned & plain)[person] & times.known & ~times.zoned
    return widened(times, both), zoned & any_of(times.known & ~times.zoned & ~times.to_the_day, starts)


def _are_in_order(times: Times, person: Ints, used: Places) -> bool:
    """Tell whether rows are in the order of person and time already, as those of a frame: sorting takes a hundred times as long."""
    first, last, whose = times.first.take(used), times.last.take(used), person.take(used)
    later = first[1:] > first[:-1]
    later |= (first[1:] == first[:-1]) & (last[1:] >= last[:-1])
    later |= whose[1:] > whose[:-1]
    return bool((later & (whose[1:] >= whose[:-1])).all())


def _moments(times: Times, person: Ints, used: Places) -> Places:
    """Return where among the rows that are used a moment begins: after everything before it is surely over."""
    if not len(used):
        return np.zeros(0, dtype=np.intp)
    base = person.take(used) << _BITS
    base += 1 << (_BITS - 1)
    first, last = base + times.first.take(used), base + times.last.take(used)
    new = np.ones(len(used), dtype=np.bool_)
    # Where no row outlasts the one behind it, what was reached is the row before.
    reached = last if (last[1:] >= last[:-1]).all() else np.maximum.accumulate(last)
    np.greater(first[1:], reached[:-1], out=new[1:])
    return np.flatnonzero(new)


def _conflict(source: PersonFrame, rows: Places, batch: Batch, times: Times, refused: Bools, starts: Places) -> Bools:
    """Tell of which keys the rows cannot be of one person."""
    ready = source.ready
    name = ready.plan.people.get("birth_date")
    births = None
    if name is not None:
        column = taken({name: ready.arrays[name]}, rows)[name]
        births = read_births(column, ready.plan.declared.date_format_of("birth_date"))
    return persons_apart(batch, births, times, refused, starts)


# What changes are not assessed under ----------------------------------------------------


def suppressed(counts: CountBlock, source: PersonFrame | None, rules: tuple[Suppression, ...]) -> dict[str, Bools]:
    """Tell of each row which rules say that changes are not assessed there; what is not stated suppresses nothing.

    Without a frame there are no columns beside the counts.
    """
    batch = counts.batch
    found = {}
    for rule in rules:
        if rule.below_age is not None:
            found[rule.id] = batch.age_known & _may_be_below(batch, rule.below_age)
        elif rule.pregnancy:
            found[rule.id] = is_one_of(batch.pregnancy, *_CLAIMED)
        else:
            found[rule.id] = _stated(counts, source, rule)
    return {name: own for name, own in found.items() if own.any()}


def _stated(counts: CountBlock, source: PersonFrame | None, rule: Suppression) -> Bools:
    """Tell of which rows a finding, or a column beside the counts, states a rule."""
    stated = np.zeros(len(counts.rows), dtype=np.bool_)
    if rule.finding is not None and rule.finding in counts.batch.findings:
        stated |= counts.batch.findings[rule.finding][0]
    if source is not None and rule.id in source.beside:
        column = taken({rule.id: source.beside[rule.id]}, counts.rows)[rule.id]
        stated |= read_presence(column, source.ready.engine.knowledge.words)[0]
    return stated


def _may_be_below(batch: Batch, age: AgeEdge) -> Bools:
    return (batch.months_low if age.unit == "mo" else batch.days_low) < age.count


def surely_from(batch: Batch, age: AgeEdge) -> tuple[Bools, Bools]:
    """Tell which rows are surely of an age or above it, and which surely below."""
    low, high = (batch.months_low, batch.months_high) if age.unit == "mo" else (batch.days_low, batch.days_high)
    return batch.age_known & (low >= age.count), batch.age_known & (high < age.count)
