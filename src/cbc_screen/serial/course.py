"""The course of one analyte of each person: change, trend, fast fall, nadir and own range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
from cbc_screen.serial.segments import Bools, Floats, Ints, begins, ends, rank_from_end, sizes, smallest, spread
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
        parts = {name: np.where(these, getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__}
        return PersonCourse(**parts)


def changes_of(counts: CountBlock, series: Mapping[str, Series], rules: SerialRules) -> dict[str, Changes]:
    """Compare each result with the one before, for every analyte whose variation is known."""
    found = {
        name: changes(counts, own.values, rules.variation[name], rules.change_z, own.quiet, own.breaks)
        for name, own in series.items()
        if name in rules.variation
    }
    for name, own in found.items():
        own.code[series[name].undated[counts.owner] & (own.code != NOT_ASSESSED)] = CANNOT_TELL
    return found


def course_of(counts: CountBlock, series: Series, found: Changes, rules: SerialRules) -> PersonCourse:
    """Work out the course of one analyte."""
    people, values = counts.people, series.values
    there = np.flatnonzero(values.there)
    owner = counts.owner[there]
    steady = values.there & since_last(counts, series.quiet) & ~series.quiet
    trend, slope = _trend(counts, series, steady, rules)
    robust, robust_slope = _robust(counts, series, steady, rules)
    starts = begins(owner)
    results = spread(people, owner[starts], sizes(starts, len(there)), 0)
    last = there[ends(starts, len(there))]
    change = spread(people, owner[starts], found.code[last], NOT_ASSESSED)
    standing, own_low, own_high = _standing(counts, series, steady, rules)
    nadir, nadir_moment, from_nadir = _nadir(counts, series, rules)
    lately = _lately(counts, series, steady, rules)
    fall = _fall(counts, series, rules.fast_fall, rules)
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
        unsteady=_unsteady(counts, series, steady, rules),
    )


def _untold(code: NDArray[np.int8], undated: Bools, cannot_tell: int) -> None:
    """Take back what was told of persons who have an undated result; the last code of each list of words stays."""
    not_assessed = cannot_tell + 1
    code[undated & (code != not_assessed)] = cannot_tell


def _slopes(counts: CountBlock, series: Series, which: Bools, rules: SerialRules) -> trends.Slopes:
    rows = np.flatnonzero(which)
    sigma = rules.variation[series.analyte].sigma
    return trends.slopes(counts.owner[rows], counts.time[rows], series.values.take(rows), sigma)


def _codes(counts: CountBlock, found: trends.Slopes, rules: SerialRules) -> NDArray[np.int8]:
    codes: NDArray[np.int8] = spread(
        counts.people, found.owner, trends.verdicts(found, rules.trend), trends.NOT_ASSESSED
    )
    return codes


def _trend(counts: CountBlock, series: Series, steady: Bools, rules: SerialRules) -> tuple[NDArray[np.int8], Floats]:
    """Return the verdict and the slope; across a change of method both sides of it must agree."""
    found = _slopes(counts, series, steady, rules)
    code = _codes(counts, found, rules)
    slope = spread(counts.people, found.owner, trends.shown(found), _NAN)
    if series.breaks.any():
        after = _codes(counts, _slopes(counts, series, steady & since_last(counts, series.breaks), rules), rules)
        broken = spread(counts.people, counts.owner[series.breaks], np.ones(series.breaks.sum(), dtype=np.bool_), False)
        code[broken & (after != code)] = trends.CANNOT_TELL
    return code, slope


def _unsteady(counts: CountBlock, series: Series, steady: Bools, rules: SerialRules) -> Bools:
    rows = np.flatnonzero(steady)
    sigma = rules.variation[series.analyte].sigma
    owner, wide = trends.unsteady(counts.owner[rows], counts.time[rows], series.values.take(rows), sigma, rules.trend)
    found: Bools = spread(counts.people, owner, wide, False)
    return found


def _lately(counts: CountBlock, series: Series, steady: Bools, rules: SerialRules) -> NDArray[np.int8]:
    """Return the verdict on the last counts alone; across a change of method it cannot be told."""
    rows = np.flatnonzero(steady)
    starts = begins(counts.owner[rows])
    rows = rows[rank_from_end(starts, len(rows)) < rules.fast_fall.counts]
    which = np.zeros(counts.moments, dtype=np.bool_)
    which[rows] = True
    code = _codes(counts, _slopes(counts, series, which, rules), rules)
    whole = np.zeros(counts.moments, dtype=np.bool_)
    whole[:] = since_last(counts, series.breaks)
    crossed = spread(
        counts.people, counts.owner[which & ~whole], np.ones((which & ~whole).sum(), dtype=np.bool_), False
    )
    code[crossed & (code != trends.NOT_ASSESSED)] = trends.CANNOT_TELL
    return code


def _robust(counts: CountBlock, series: Series, steady: Bools, rules: SerialRules) -> tuple[NDArray[np.int8], Floats]:
    """Return what the median slope says, of series of numbers alone."""
    people, values = counts.people, series.values
    exact = (values.low == values.high) & (values.low > 0)
    steady = steady & since_last(counts, series.breaks)
    loose = np.zeros(people, dtype=np.bool_)
    loose[counts.owner[steady & ~exact]] = True
    rows = np.flatnonzero(steady & exact)
    found = trends.robust_slopes(
        counts.owner[rows], counts.time[rows], np.log(values.low[rows]), rules.trend.robust_counts
    )
    code = np.where(
        found.p >= rules.trend.robust_p, trends.NONE, np.where(found.slope < 0, trends.FALLING, trends.RISING)
    )
    every = spread(people, found.owner, code.astype(np.int8), trends.NOT_ASSESSED)
    with np.errstate(over="ignore"):
        slope = spread(people, found.owner, np.round(100 * np.expm1(trends.DAYS * found.slope), 1), _NAN)
    many = np.bincount(counts.owner[steady], minlength=people)
    every[loose & (many >= rules.trend.robust_counts)] = trends.CANNOT_TELL
    return every, np.where(loose, _NAN, slope)


def _fall(counts: CountBlock, series: Series, rule: FastFall, rules: SerialRules) -> NDArray[np.int8]:
    """Ask whether the last result lies under one of the days before it by more than the share and the change value."""
    there = np.flatnonzero(series.values.there)
    owner = counts.owner[there]
    starts = begins(owner)
    final = ends(starts, len(there))
    many = sizes(starts, len(there))
    last = np.repeat(there[final], many)
    variation = rules.variation[series.analyte]
    _, down = reference_change(variation.within, variation.measurement, rules.change_z)
    limits = (np.inf, min(-rule.share, down))
    code = compare(series.values.take(last), series.values.take(there), limits)
    series_of = np.cumsum(series.breaks)
    code[(series_of[last] != series_of[there])] = CANNOT_TELL
    pairs = pairs_within(counts, there, last, rule.days, ~series.quiet[last] & ~series.quiet[there])
    found = pairs.ask(code == DOWN, code == CANNOT_TELL)
    answers: NDArray[np.int8] = spread(counts.people, owner[starts], found, _NOT_ASKED)
    return answers


def _standing(
    counts: CountBlock, series: Series, steady: Bools, rules: SerialRules
) -> tuple[NDArray[np.int8], Floats, Floats]:
    """Hold the last result against the earlier ones of the same method."""
    rows = np.flatnonzero(steady & since_last(counts, series.breaks))
    found = own_range.baselines(
        counts.owner[rows], series.values.take(rows), rules.variation[series.analyte], rules.baseline
    )
    code = spread(counts.people, found.owner, found.code, list(Standing).index(Standing.NOT_ASSESSED))
    return (
        code,
        spread(counts.people, found.owner, found.low, _NAN),
        spread(counts.people, found.owner, found.high, _NAN),
    )


def _nadir(counts: CountBlock, series: Series, rules: SerialRules) -> tuple[Floats, Ints, NDArray[np.int8]]:
    """Return the lowest result, when it was, and the last one against it; nothing where a bound may lie below it."""
    people = counts.people
    there = np.flatnonzero(series.values.there)
    owner, own = counts.owner[there], series.values.take(there)
    starts = begins(owner)
    many = sizes(starts, len(there))
    lowest = smallest(own.high, starts)
    sure = (lowest <= smallest(own.low, starts)) & (many > 1)
    place = np.where(own.high == np.repeat(lowest, many), np.arange(len(there)), len(there))
    first = smallest(place, starts)[sure]
    moment = there[first]
    last = there[ends(starts, len(there))][sure]
    variation = rules.variation[series.analyte]
    limits = reference_change(variation.within, variation.measurement, rules.change_z)
    code = compare(series.values.take(last), series.values.take(moment), limits)
    code[series.quiet[last] | series.quiet[moment]] = NOT_ASSESSED
    whose = owner[starts][sure]
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
