"""The course of one analyte of each person: change, trend, fast fall, nadir and own range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import FastFall, SerialRules
from cbc_screen.serial import baseline as own_range
from cbc_screen.serial import trend as trends
from cbc_screen.serial.change import (
    CANNOT_TELL,
    DOWN,
    NOT_ASSESSED,
    Changes,
    changes,
    compare,
    pairs_within,
    since_last,
)
from cbc_screen.serial.counts import AnalyteValues, CountBlock
from cbc_screen.serial.formulas import reference_change
from cbc_screen.serial.segments import Bools, Floats, Ints, begins, chosen, counted, put, smallest, spread
from cbc_screen.serial.timed_rows import TimedRows
from cbc_screen.vocabulary import Answer, Change, Standing, Trend

_UNSURE, _NOT_ASKED = list(Answer).index(Answer.CANNOT_TELL), list(Answer).index(Answer.NOT_ASSESSED)
_NAN = float("nan")


@dataclass(frozen=True)
class Series:
    """One analyte at every moment, and where changes are not assessed (`quiet`) or another method begins (`breaks`).

    `undated` are the persons who have a result of it without a time: it may lie between any two, before or after.
    """

    analyte: str
    values: AnalyteValues
    quiet: Bools
    breaks: Bools
    undated: Bools


@dataclass(frozen=True)
class PersonCourse:
    """Of each person: codes of `Change`, `Trend`, `Answer` and `Standing`, and the numbers that go with them."""

    results: Ints
    change: NDArray[np.int8]
    trend: NDArray[np.int8]
    slope: Floats
    robust: NDArray[np.int8]
    robust_slope: Floats
    lately: NDArray[np.int8]  # the trend of the last counts
    fall: NDArray[np.int8]
    standing: NDArray[np.int8]
    own_low: Floats
    own_high: Floats
    nadir: Floats
    nadir_moment: Ints
    from_nadir: NDArray[np.int8]
    unsteady: Bools

    def where(self, these: Bools, other: PersonCourse) -> PersonCourse:
        """Return this course for some persons, and another for the others."""
        if not these.any():
            return other
        parts = {name: np.where(these, getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__}
        return PersonCourse(**parts)


class _Analyte:
    """One analyte while its course is worked out: its results in a steady state, what breaks them, and what is made of them."""

    def __init__(self, counts: CountBlock, series: Series, rules: SerialRules) -> None:
        self.counts, self.series, self.rules = counts, series, rules
        self.variation = rules.variation[series.analyte]
        self.limits = reference_change(self.variation.within, self.variation.measurement, rules.change_z)
        self.broken = bool(series.breaks.any())
        self.logs = trends.logarithms(series.values)
        there = series.values.there
        steady = there if not series.quiet.any() else there & since_last(counts, series.quiet) & ~series.quiet
        self.there = counts.among(there)
        # Where nothing is in the way they are the same rows, and what their times say is worked out once.
        self.steady = self.there if steady is there else counts.among(steady)
        self.own_method = self.steady
        if self.broken:
            self.own_method = counts.among(steady & since_last(counts, series.breaks))

    @cached_property
    def slopes(self) -> trends.Slopes:
        """The slopes of all results in a steady state."""
        return self.slopes_of(self.steady)

    def slopes_of(self, rows: TimedRows) -> trends.Slopes:
        """Return the slopes of some results."""
        return trends.fitted(rows, self.logs.of(rows.take), self.variation.sigma)

    def verdicts(self, found: trends.Slopes) -> NDArray[np.int8]:
        """Return the verdict on slopes, of each person."""
        codes: NDArray[np.int8] = spread(
            self.counts.people, found.owner, trends.verdicts(found, self.rules.trend), trends.NOT_ASSESSED
        )
        return codes

    def persons(self, moments: Bools) -> Bools:
        """Tell which persons have any of some moments."""
        found = np.zeros(self.counts.people, dtype=np.bool_)
        found[self.counts.owner[moments]] = True
        return found


def changes_of(counts: CountBlock, series: Mapping[str, Series], rules: SerialRules) -> dict[str, Changes]:
    """Compare each result with the one before, for every analyte whose variation is known."""
    found = {
        name: changes(counts, own.values, rules.variation[name], rules.change_z, own.quiet, own.breaks)
        for name, own in series.items()
        if name in rules.variation
    }
    for name, own in found.items():
        if (undated := series[name].undated).any():
            put(own.code, undated[counts.owner] & (own.code != NOT_ASSESSED), CANNOT_TELL)
    return found


def course_of(counts: CountBlock, series: Series, found: Changes, rules: SerialRules) -> PersonCourse:
    """Work out the course of one analyte."""
    people, own = counts.people, _Analyte(counts, series, rules)
    there = own.there
    trend, slope = _trend(own)
    robust, robust_slope = _robust(own)
    results = spread(people, there.whose, there.sizes, 0)
    change = spread(people, there.whose, found.code.take(there.last), NOT_ASSESSED)
    standing, own_low, own_high = _standing(own)
    nadir, nadir_moment, from_nadir = _nadir(own)
    lately = _lately(own)
    fall = _fall(own, rules.fast_fall)
    for code, cannot_tell in ((trend, trends.CANNOT_TELL), (robust, trends.CANNOT_TELL), (lately, trends.CANNOT_TELL)):
        _untold(code, series.undated, cannot_tell)
    _untold(fall, series.undated, _UNSURE)
    _untold(standing, series.undated, own_range.CANNOT_TELL)
    _untold(from_nadir, series.undated, CANNOT_TELL)
    for numbers in (slope, robust_slope, own_low, own_high, nadir):
        numbers[series.undated] = _NAN
    nadir_moment[series.undated] = -1
    return PersonCourse(
        results=results,
        change=change,
        trend=trend,
        slope=slope,
        robust=robust,
        robust_slope=robust_slope,
        lately=lately,
        fall=fall,
        standing=standing,
        own_low=own_low,
        own_high=own_high,
        nadir=nadir,
        nadir_moment=nadir_moment,
        from_nadir=from_nadir,
        unsteady=_unsteady(own),
    )


def _untold(code: NDArray[np.int8], undated: Bools, cannot_tell: int) -> None:
    """Take back what was told of persons who have an undated result; the last code of each list of words stays."""
    not_assessed = cannot_tell + 1
    put(code, undated & (code != not_assessed), cannot_tell)


def _trend(own: _Analyte) -> tuple[NDArray[np.int8], Floats]:
    """Return the verdict and the slope; across a change of method both sides of it must agree."""
    code = own.verdicts(own.slopes)
    slope = spread(own.counts.people, own.slopes.owner, trends.shown(own.slopes), _NAN)
    if own.broken:
        after = own.verdicts(own.slopes_of(own.own_method))
        code[own.persons(own.series.breaks) & (after != code)] = trends.CANNOT_TELL
    return code, slope


def _unsteady(own: _Analyte) -> Bools:
    rows, found = own.steady, own.slopes
    wide = trends.scattered(rows, own.logs.of(rows.take), found, own.variation.sigma, own.rules.trend)
    told: Bools = spread(own.counts.people, found.owner, wide, False)
    return told


def _lately(own: _Analyte) -> NDArray[np.int8]:
    """Return the verdict on the last counts alone; across a change of method it cannot be told."""
    rows = own.steady.final(own.rules.fast_fall.counts)
    code = own.verdicts(own.slopes_of(rows))
    if own.broken:
        before = np.zeros(own.counts.moments, dtype=np.bool_)
        before[rows.places] = True
        before &= ~since_last(own.counts, own.series.breaks)
        code[own.persons(before) & (code != trends.NOT_ASSESSED)] = trends.CANNOT_TELL
    return code


def _robust(own: _Analyte) -> tuple[NDArray[np.int8], Floats]:
    """Return what the median slope says, of series of numbers alone."""
    people, counts, values, rule = own.counts.people, own.counts, own.series.values, own.rules.trend
    steady = own.own_method
    low = steady.take(values.low)
    exact = low > 0
    if not values.exact:
        exact &= low == steady.take(values.high)
    loose = np.zeros(people, dtype=np.bool_)
    rows = steady
    if not exact.all():
        loose[steady.owner[~exact]] = True
        rows = counts.rows_at(steady.places[exact])
    found = trends.robust(rows, rows.take(own.logs.low), rule.robust_counts)
    code = chosen(found.p >= rule.robust_p, trends.NONE, chosen(found.slope < 0, trends.FALLING, trends.RISING))
    every = spread(people, found.owner, code, trends.NOT_ASSESSED)
    with np.errstate(over="ignore"):
        slope = spread(people, found.owner, np.round(100 * np.expm1(trends.DAYS * found.slope), 1), _NAN)
    many = spread(people, steady.whose, steady.sizes, 0)
    put(every, loose & (many >= rule.robust_counts), trends.CANNOT_TELL)
    slope[loose] = _NAN
    return every, slope


def _fall(own: _Analyte, rule: FastFall) -> NDArray[np.int8]:
    """Ask whether the last result lies under one of the days before it by more than the share and the change value."""
    rows, series = own.there, own.series
    last = rows.repeat(rows.last)
    limits = (np.inf, min(-rule.share, own.limits[1]))
    now = series.values.take(rows.last).of(rows.repeat)
    code = compare(now, series.values.of(rows.take), limits)
    if own.broken:
        method = counted(series.breaks)
        put(code, method[last] != rows.take(method), CANNOT_TELL)
    asked = ~series.quiet[last] & ~rows.take(series.quiet) if series.quiet.any() else None
    found = pairs_within(own.counts, rows, last, rule.days, asked).ask(code == DOWN, code == CANNOT_TELL)
    answers: NDArray[np.int8] = spread(own.counts.people, rows.whose, found, _NOT_ASKED)
    return answers


def _standing(own: _Analyte) -> tuple[NDArray[np.int8], Floats, Floats]:
    """Hold the last result against the earlier ones of the same method."""
    rows, people = own.own_method, own.counts.people
    found = own_range.baselines(rows, own.series.values.of(rows.take), own.variation, own.rules.baseline)
    code = spread(people, found.owner, found.code, list(Standing).index(Standing.NOT_ASSESSED))
    return code, spread(people, found.owner, found.low, _NAN), spread(people, found.owner, found.high, _NAN)


def _nadir(own: _Analyte) -> tuple[Floats, Ints, NDArray[np.int8]]:
    """Return the lowest result, when it was, and the last one against it; nothing where a bound may lie below it."""
    people, rows, series = own.counts.people, own.there, own.series
    values = series.values.of(rows.take)
    lowest = smallest(values.high, rows.starts)
    sure = rows.sizes > 1
    if not values.exact:
        sure &= lowest <= smallest(values.low, rows.starts)
    equal = np.flatnonzero((values.high == rows.repeat(lowest)) & rows.repeat(sure))
    moment, last = rows.places.take(equal.take(begins(rows.owner.take(equal)))), rows.last[sure]
    code = compare(series.values.take(last), series.values.take(moment), own.limits)
    put(code, series.quiet[last] | series.quiet[moment], NOT_ASSESSED)
    whose = rows.whose[sure]
    return (
        spread(people, whose, lowest[sure], _NAN),
        spread(people, whose, moment.astype(np.int64), -1),
        spread(people, whose, code, list(Change).index(Change.NOT_ASSESSED)),
    )


def nothing(people: int) -> PersonCourse:
    """Return the course of an analyte that no person has."""

    def of(words: type[Change] | type[Trend] | type[Answer] | type[Standing]) -> NDArray[np.int8]:
        return np.full(people, len(words) - 1, dtype=np.int8)

    nan, none = np.full(people, _NAN), np.zeros(people, dtype=np.int64)
    return PersonCourse(
        none, of(Change), of(Trend), nan, of(Trend), nan, of(Trend), of(Answer), of(Standing), nan, nan, nan, none - 1,
        of(Change), np.zeros(people, dtype=np.bool_),
    )  # fmt: skip
