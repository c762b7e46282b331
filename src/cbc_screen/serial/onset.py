"""How a spell of low results began: by a value, or by another limit for the same value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel_batch import Batch
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN, CountBlock
from cbc_screen.serial.persistence import Bounds
from cbc_screen.serial.segments import Codes, Places, is_one_of, put
from cbc_screen.vocabulary import Line, Onset

_CODE = {word: place for place, word in enumerate(Onset)}


def onsets(counts: CountBlock, line: Line, found: Bounds, last: Codes) -> NDArray[np.int8]:
    """Return a code of `Onset` for each person; `last` is the state of the line at the last result."""
    states = found.states
    code = np.full(counts.people, _CODE[Onset.NOT_ASSESSED], dtype=np.int8)
    put(code, last == NOT_LOW, _CODE[Onset.NOT_LOW])
    put(code, last == UNKNOWN, _CODE[Onset.CANNOT_TELL])
    begun = np.flatnonzero((found.fewest.first >= 0) & (last == LOW))
    if not len(begun):
        return code
    first = found.fewest.first[begun]
    known = counts.last_known((states == LOW) | (states == NOT_LOW)).take(first)
    anything = counts.last_known(states != ABSENT).take(first)
    code[begun] = np.where(anything < 0, _CODE[Onset.AT_FIRST], _CODE[Onset.CANNOT_TELL])
    after = np.flatnonzero((known >= 0) & (states[known] == NOT_LOW))
    if len(after):
        code[begun[after]] = _by_value(counts, line, first[after], known[after])
    begins_here = is_one_of(code, _CODE[Onset.NEW], _CODE[Onset.AT_FIRST])
    put(code, found.open & begins_here & ~found.untimed.always, _CODE[Onset.CANNOT_TELL])
    return code


def _by_value(counts: CountBlock, line: Line, moments: NDArray[np.int64], before: Places) -> NDArray[np.int8]:
    """Screen the first low results once more, as if they had been taken when the line was last not low."""
    low, person = counts.first_row[moments], counts.first_row[before]
    state = counts.kernel.screen(as_if(counts.batch, low, person))[f"line.{line}"]
    words = np.zeros(3, dtype=np.int8)
    words[NOT_LOW], words[LOW] = _CODE[Onset.LIMIT_CHANGED], _CODE[Onset.NEW]
    words[UNKNOWN] = _CODE[Onset.CANNOT_TELL]
    return words[state.astype(np.intp)]


def as_if(batch: Batch, results: Places, person: Places) -> Batch:
    """Return the results of some rows at the age, in the state and with the ranges of others."""
    low = {name: own.take(results) for name, own in batch.low.items()}
    # The same column stays the same: the kernel then knows that all of its numbers are exact.
    high = {name: low[name] if batch.high[name] is batch.low[name] else batch.high[name].take(results) for name in low}
    return replace(
        batch,
        rows=len(results),
        low=low,
        high=high,
        findings={
            name: (there.take(person), not_there.take(person)) for name, (there, not_there) in batch.findings.items()
        },
        reported={name: (lower.take(person), upper.take(person)) for name, (lower, upper) in batch.reported.items()},
        method=None if batch.method is None else (batch.method[0].take(person), batch.method[1].take(person)),
        uncorrected=None if batch.uncorrected is None else batch.uncorrected.take(results),
        days_low=batch.days_low.take(person),
        days_high=batch.days_high.take(person),
        months_low=batch.months_low.take(person),
        months_high=batch.months_high.take(person),
        age_known=batch.age_known.take(person),
        sex=batch.sex.take(person),
        pregnancy=batch.pregnancy.take(person),
    )
