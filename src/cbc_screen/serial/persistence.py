"""How long a line is low: spells of results below the same limit, at both ends of what is unknown.

An unknown result may be low or not. Each verdict is worked out with all of them low and with none of them low: it goes one
way with every one of them, so what both agree in holds for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.serial_rules import Duration, Elapsed
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN, CountBlock
from cbc_screen.serial.segments import Bools, Codes, Ints, Places, any_of, begins, chosen, ends, largest, put, spread
from cbc_screen.vocabulary import Answer, Persistence

_CODE = {word: place for place, word in enumerate(Persistence)}
_NO, _YES, _CANNOT_TELL, _NOT_ASSESSED = range(len(Answer))
_GONE = -1


@dataclass(frozen=True)
class Spell:
    """Of each person: the spell that goes on at the last result, and the longest that is over.

    `first` and `last` are its moments (-1: the last result is not low), `days` lie between them, `results` are in it.
    `over` is the days of the longest spell that ended, -1 where there is none. `measured` tells who has a result.
    """

    first: Ints
    last: Ints
    days: Ints
    results: Ints
    over: Ints
    measured: Bools


def spells(counts: CountBlock, states: Codes, *, unknown_is_low: bool) -> Spell:
    """Find the spells of low results, with every unknown one low or with none; the days are the most or the fewest."""
    rows = counts.among(states != ABSENT)
    own, people = rows.take(states), counts.people
    low = own == LOW
    if unknown_is_low:
        low |= own == UNKNOWN
    # Most results are not low: runs are looked for among those that are.
    at = np.flatnonzero(low)
    owner = rows.owner.take(at)
    begun = begins(owner, at - np.arange(len(at)))
    first, last = at.take(begun), at.take(ends(begun, len(at)))
    if rows.every:
        days = _days(counts, first, last, most=unknown_is_low)
    else:
        days = _days(counts, rows.places.take(first), rows.places.take(last), most=unknown_is_low)
    of, many = owner.take(begun), last - first + 1
    goes_on = ~rows.earlier.take(last)
    now, gone = np.flatnonzero(goes_on), np.flatnonzero(~goes_on)

    def of_now(values: NDArray[np.int64], otherwise: int) -> Ints:
        return spread(people, of.take(now), values.take(now).astype(np.int64), otherwise)

    over = np.full(people, _GONE, dtype=np.int64)
    whose = of.take(gone)
    persons = begins(whose)
    over[whose.take(persons)] = np.maximum(largest(days.take(gone), persons), _GONE)
    measured = np.zeros(people, dtype=np.bool_)
    measured[rows.whose] = True
    return Spell(
        first=of_now(rows.places.take(first), _GONE),
        last=of_now(rows.places.take(last), _GONE),
        days=of_now(days, 0),
        results=of_now(many, 0),
        over=over,
        measured=measured,
    )


def _days(counts: CountBlock, first: Places, last: Places, *, most: bool) -> Ints:
    """Return the most or the fewest days between moments."""
    if most:
        days: Ints = counts.day_last.take(last) - counts.day_first.take(first)
    else:
        days = np.maximum(counts.day_first.take(last) - counts.day_last.take(first), 0)
    return days


@dataclass(frozen=True)
class Untimed:
    """Whether the counts without a time of each person are all low, or all not low."""

    always: Bools
    never: Bools


@dataclass(frozen=True)
class Bounds:
    """A line of each person at both ends of what is unknown: its states in every row and at every moment, and its spells.

    `open` tells who has counts of the line without a time, and `untimed` what these are.
    """

    rows: Codes
    states: Codes
    fewest: Spell
    most: Spell
    open: Bools
    untimed: Untimed


def bounds_of(counts: CountBlock, rows: Codes) -> Bounds:
    """Find the spells of a line from its states in every row."""
    states = counts.at_moments(rows)
    fewest = spells(counts, states, unknown_is_low=False)
    exact = counts.to_the_day and not (states == UNKNOWN).any()
    most = fewest if exact else spells(counts, states, unknown_is_low=True)
    if not counts.untimed.any():
        none = np.zeros(counts.people, dtype=np.bool_)
        return Bounds(rows, states, fewest, most, none, Untimed(~none, ~none))
    whose = begins(counts.person)
    open_ = counts.untimed & (rows != ABSENT)
    low = Untimed(~any_of(open_ & (rows != LOW), whose), ~any_of(open_ & (rows != NOT_LOW), whose))
    return Bounds(rows, states, fewest, most, any_of(open_, whose), low)


def lasting(found: Bounds, durations: Sequence[Duration]) -> NDArray[np.int8]:
    """Tell how long a line is low, as a code of `Persistence` of each person."""
    code, cannot_tell = _worded(found.fewest, durations), _CODE[Persistence.CANNOT_TELL]
    if found.most is not found.fewest:
        put(code, code != _worded(found.most, durations), cannot_tell)
    # A count without a time may lie anywhere: after the last one, or between two.
    longest = _CODE[durations[-1].id]
    never_low = (code == _CODE[Persistence.NOT_LOW]) & found.untimed.never
    stands = never_low | ((code == longest) & found.untimed.always)
    return chosen(found.open & ~stands, cannot_tell, code)


def days_of(found: Bounds) -> tuple[Ints, Ints]:
    """Return the fewest and the most days of the spell that goes on; -1 where the most are not known."""
    fewest = np.where(found.open & ~found.untimed.always, 0, found.fewest.days)
    unknown = (found.most.first < 0) | (found.open & ~found.untimed.never)
    return fewest, np.where(unknown, _GONE, found.most.days)


def _worded(spell: Spell, durations: Sequence[Duration]) -> Codes:
    """Return the code of each person's spell."""
    words = np.array([_CODE[Persistence.NOT_YET], *(_CODE[own.id] for own in durations)], dtype=np.int8)
    code = np.full(len(spell.measured), _CODE[Persistence.NOT_LOW], dtype=np.int8)
    put(code, spell.over >= 0, _CODE[Persistence.TRANSIENT])
    put(code, spell.over >= durations[0].days, _CODE[Persistence.RECOVERED])
    now = np.flatnonzero(spell.first >= 0)
    reached = np.searchsorted([own.days for own in durations], spell.days.take(now), side="right")
    code[now] = chosen(spell.results.take(now) == 1, _CODE[Persistence.SINGLE], words.take(reached))
    put(code, ~spell.measured, _CODE[Persistence.NOT_ASSESSED])
    return code


def lasts(found: Bounds, days: int) -> NDArray[np.int8]:
    """Tell of each person, as codes of `Answer`, whether the spell that goes on has two results so many days apart."""
    fewest, most = found.fewest, found.most
    surely = (fewest.results > 1) & (fewest.days >= days)
    possibly = surely if most is fewest else (most.results > 1) & (most.days >= days)
    surely = surely & (~found.open | found.untimed.always)
    possibly = possibly | (found.open & ~found.untimed.never)
    code = chosen(surely, _YES, chosen(possibly, _CANNOT_TELL, _NO))
    return chosen(fewest.measured | found.open, code, _NOT_ASSESSED)


def any_answer(answers: Sequence[NDArray[np.int8]]) -> NDArray[np.int8]:
    """Join answers: yes where any is, else cannot tell where any cannot, else no where any is assessed."""
    found = np.full(len(answers[0]), _NOT_ASSESSED, dtype=np.int8)
    for code in (_NO, _CANNOT_TELL, _YES):
        put(found, np.logical_or.reduce([own == code for own in answers]), code)
    return found


def elapsed(found: Bounds, rule: Elapsed) -> Codes:
    """Return the place of the name of the days since a line was first below a limit.

    The names are those of `elapsed_names`.
    """
    limits = [days for _, days in rule.up_to]

    def place_of(spell: Spell) -> Codes:
        return chosen(spell.first >= 0, 1 + np.searchsorted(limits, spell.days, side="left").astype(np.int8), 0)

    place = place_of(found.fewest)
    other = place if found.most is found.fewest else place_of(found.most)
    unsure = (place != other) | (found.open & ~((place == 0) & found.untimed.never))
    code = chosen(unsure, len(limits) + 2, place)
    return chosen(found.fewest.measured | found.open, code, len(limits) + 3)


def elapsed_names(rule: Elapsed) -> list[str]:
    """Return the words of `elapsed` in the order of their codes."""
    names = [name for name, _ in rule.up_to]
    return [Persistence.NOT_LOW.value, *names, rule.beyond, Answer.CANNOT_TELL.value, Answer.NOT_ASSESSED.value]


def rows_of(counts: CountBlock, moments: Ints) -> Places:
    """Return the row of the frame of each moment, -1 where there is none."""
    if not counts.moments:
        return np.full(len(moments), _GONE, dtype=np.intp)
    found: Places = np.where(moments >= 0, counts.rows[counts.first_row[np.maximum(moments, 0)]], _GONE)
    return found
