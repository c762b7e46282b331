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
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN, Codes, CountBlock
from cbc_screen.serial.segments import Bools, Ints, Places, any_of, begins, ends, largest, sizes, spread
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
    there = np.flatnonzero(states != ABSENT)
    own, owner = states[there], counts.owner[there]
    low = (own == LOW) | (own == UNKNOWN) if unknown_is_low else own == LOW
    runs = begins(owner, low)
    lasts = ends(runs, len(there))
    first, last = there[runs], there[lasts]
    if unknown_is_low:
        days = counts.day_last[last] - counts.day_first[first]
    else:
        days = np.maximum(counts.day_first[last] - counts.day_last[first], 0)
    is_low, of = low[runs], owner[runs]
    people = begins(of)
    final = ends(people, len(runs))
    now = np.zeros(len(runs), dtype=np.bool_)
    now[final] = is_low[final]
    over = largest(np.where(is_low & ~now, days, _GONE), people)
    whose, goes_on = of[people], is_low[final]

    def of_all(values: NDArray[np.int64], otherwise: int) -> Ints:
        return spread(counts.people, whose, np.where(goes_on, values, otherwise).astype(np.int64), otherwise)

    measured = np.zeros(counts.people, dtype=np.bool_)
    measured[whose] = True
    return Spell(
        first=of_all(first[final], _GONE),
        last=of_all(last[final], _GONE),
        days=of_all(days[final], 0),
        results=of_all(sizes(runs, len(there))[final], 0),
        over=spread(counts.people, whose, over.astype(np.int64), _GONE),
        measured=measured,
    )


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
    whose = begins(counts.person)
    open_ = counts.untimed & (rows != ABSENT)
    low = Untimed(~any_of(open_ & (rows != LOW), whose), ~any_of(open_ & (rows != NOT_LOW), whose))
    return Bounds(rows, states, fewest, most, any_of(open_, whose), low)


def lasting(found: Bounds, durations: Sequence[Duration]) -> NDArray[np.int8]:
    """Tell how long a line is low, as a code of `Persistence` of each person."""
    code, other = _worded(found.fewest, durations), _worded(found.most, durations)
    cannot_tell = _CODE[Persistence.CANNOT_TELL]
    code = np.where(code == other, code, cannot_tell)
    # A count without a time may lie anywhere: after the last one, or between two.
    longest = _CODE[durations[-1].id]
    never_low = (code == _CODE[Persistence.NOT_LOW]) & found.untimed.never
    stands = never_low | ((code == longest) & found.untimed.always)
    return np.where(found.open & ~stands, cannot_tell, code).astype(np.int8)


def days_of(found: Bounds) -> tuple[Ints, Ints]:
    """Return the fewest and the most days of the spell that goes on; -1 where the most are not known."""
    fewest = np.where(found.open & ~found.untimed.always, 0, found.fewest.days)
    unknown = (found.most.first < 0) | (found.open & ~found.untimed.never)
    return fewest, np.where(unknown, _GONE, found.most.days)


def _worded(spell: Spell, durations: Sequence[Duration]) -> Ints:
    """Return the code of each person's spell."""
    reached = np.searchsorted([own.days for own in durations], spell.days, side="right")
    words = np.array([_CODE[Persistence.NOT_YET], *(_CODE[own.id] for own in durations)])
    now = np.where(spell.results == 1, _CODE[Persistence.SINGLE], words[reached])
    past = np.where(
        spell.over >= durations[0].days,
        _CODE[Persistence.RECOVERED],
        np.where(spell.over >= 0, _CODE[Persistence.TRANSIENT], _CODE[Persistence.NOT_LOW]),
    )
    code: Ints = np.where(spell.first >= 0, now, past)
    return np.where(spell.measured, code, _CODE[Persistence.NOT_ASSESSED])


def lasts(found: Bounds, days: int) -> NDArray[np.int8]:
    """Tell of each person, as codes of `Answer`, whether the spell that goes on has two results so many days apart."""
    fewest, most = found.fewest, found.most
    surely = (fewest.results > 1) & (fewest.days >= days) & (~found.open | found.untimed.always)
    possibly = ((most.results > 1) & (most.days >= days)) | (found.open & ~found.untimed.never)
    code = np.where(surely, _YES, np.where(possibly, _CANNOT_TELL, _NO))
    return np.where(fewest.measured | found.open, code, _NOT_ASSESSED).astype(np.int8)


def any_answer(answers: Sequence[NDArray[np.int8]]) -> NDArray[np.int8]:
    """Join answers: yes where any is, else cannot tell where any cannot, else no where any is assessed."""
    found = np.full(len(answers[0]), _NOT_ASSESSED, dtype=np.int8)
    for code in (_NO, _CANNOT_TELL, _YES):
        found[np.logical_or.reduce([own == code for own in answers])] = code
    return found


def elapsed(found: Bounds, rule: Elapsed) -> NDArray[np.int16]:
    """Return the place of the name of the days since a line was first below a limit.

    The names are those of `elapsed_names`.
    """
    limits = [days for _, days in rule.up_to]
    spells_of = (found.fewest, found.most)
    places = [np.where(s.first >= 0, 1 + np.searchsorted(limits, s.days, side="left"), 0) for s in spells_of]
    unsure = (places[0] != places[1]) | (found.open & ~((places[0] == 0) & found.untimed.never))
    code = np.where(unsure, len(limits) + 2, places[0])
    return np.where(found.fewest.measured | found.open, code, len(limits) + 3).astype(np.int16)


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
