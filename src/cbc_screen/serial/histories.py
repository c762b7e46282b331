"""The persons of a block, followed up to their last counts: what courses are told from, each thing worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cbc_screen.serial.context import ScreenedBlock
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN
from cbc_screen.serial.lines import ANALYTE, LineCourse
from cbc_screen.serial.persistence import Bounds, lasts
from cbc_screen.serial.segments import (
    Bools,
    Codes,
    Ints,
    Places,
    chosen,
    spread,
)
from cbc_screen.serial.series import Followed
from cbc_screen.serial.timed_rows import TimedRows
from cbc_screen.vocabulary import Answer, Line, Onset

_NO, _YES, _UNSURE, _NOT_ASKED = range(len(Answer))
_NEW = list(Onset).index(Onset.NEW)
Asked = NDArray[np.int8]


@dataclass(frozen=True)
class Histories:
    """The persons of a block, followed: what the courses of their last counts are told from."""

    followed: Followed
    screened: ScreenedBlock
    lines: Mapping[Line, LineCourse]
    _lasting: dict[tuple[Line, int], Asked] = field(default_factory=dict)
    _since: dict[int, Ints] = field(default_factory=dict)
    _pairs: dict[str, tuple[TimedRows, Places] | None] = field(default_factory=dict)

    @cached_property
    def last(self) -> Places:
        """The last moment of each person who has one."""
        return self.followed.counts.every.last

    @cached_property
    def of(self) -> Ints:
        """The persons who have a moment."""
        return self.followed.counts.every.whose

    @cached_property
    def several(self) -> Bools:
        """Which persons have an earlier count, and are one person."""
        counts = self.followed.counts
        many: Ints = spread(counts.people, self.of, counts.every.sizes, 0)
        return (many > 1) & ~counts.conflict

    def asked_of_nobody(self) -> Asked:
        """Return that nobody is asked, to be filled in with the answers of those who are."""
        return np.full(self.followed.counts.people, _NOT_ASKED, dtype=np.int8)

    # States of lines at the last count ----------------------------------------------------

    @cached_property
    def now(self) -> Mapping[Line, Codes]:
        """The state of each line in the last count of each person."""
        return {line: self._now(line) for line in self.lines}

    @cached_property
    def within(self) -> Mapping[Line, Ints]:
        """Within how many days a line that is low now surely became so; a large number where it is not known."""
        return {line: self._days_since(own.spells) for line, own in self.lines.items()}

    def lasting(self, line: Line, days: int) -> Asked:
        """Ask whether a line lasts so long. Each is worked out once."""
        if (line, days) not in self._lasting:
            self._lasting[line, days] = self.spell_lasts(self.lines[line].spells, days)
        return self._lasting[line, days]

    def spell_lasts(self, found: Bounds, days: int) -> Asked:
        """Ask whether the spell at the last count lasts so long; no where it is over, or surely began later.

        The first count that is known is no beginning: before it the line may have been low.
        """
        code = lasts(found, days)
        over = (code == _NO) & (self.states_now(found) == NOT_LOW)
        later = over | (self._days_since(found) <= days)
        return chosen(code == _YES, _YES, chosen(later, _NO, _UNSURE))

    def under(self, line: Line, limit: float) -> Bounds:
        """Return the spells of a line below a limit of its own."""
        return self.screened.under(ANALYTE[line], limit)

    def _now(self, line: Line) -> Codes:
        spells = self.lines[line].spells
        found = self.states_now(spells)
        return chosen(spells.open & (found != ABSENT), UNKNOWN, found)

    def states_now(self, found: Bounds) -> Codes:
        """Return the state of each person's last count in spells."""
        states: Codes = spread(self.followed.counts.people, self.of, found.states.take(self.last), ABSENT)
        return states

    def _days_since(self, found: Bounds) -> Ints:
        """Return the most days since the last count that was surely not low; a large number where none was."""
        if id(found) not in self._since:  # spells are kept as long as the block is
            self._since[id(found)] = self._most_days_since(found)
        return self._since[id(found)]

    def _most_days_since(self, found: Bounds) -> Ints:
        counts, never = self.followed.counts, np.iinfo(np.int64).max
        since = np.full(counts.people, never)
        before = counts.last_known(found.states == NOT_LOW).take(self.last)
        these = np.flatnonzero(before >= 0)
        days = counts.day_last.take(self.last.take(these)) - counts.day_first.take(before.take(these))
        since[self.of.take(these)] = days
        since[found.open] = never
        return since

    @cached_property
    def _states(self) -> tuple[Bools, Bools, Bools]:
        """Which lines (one after another) are low in whom, which may be, and which say nothing."""
        now = np.stack([self.now[line] for line in self.lines])
        low, open_ = now == LOW, now == UNKNOWN
        return low, open_, ~(low | open_)

    def pairs(self, analyte: str) -> tuple[TimedRows, Places] | None:
        """Return the moments of an analyte and, of each, the last of its person.

        Persons whose last count lacks the analyte are left out.
        """
        if analyte not in self._pairs:
            self._pairs[analyte] = self._pairs_of(analyte)
        return self._pairs[analyte]

    def _pairs_of(self, analyte: str) -> tuple[TimedRows, Places] | None:
        series, counts = self.followed.series.get(analyte), self.followed.counts
        if series is None:
            return None
        truths = series.values.there
        if not truths.all():
            has_last = np.zeros(counts.people, dtype=np.bool_)
            has_last[self.of] = truths.take(self.last)
            truths = truths & has_last.take(counts.owner)
        rows = counts.among(truths)
        # The last of these is the last of all, which is there.
        return rows, rows.repeat(rows.last)

    def of_low(self, tell: Callable[[Line], Asked], *, every: bool) -> Asked:
        """Join what is told of each low line: of every one, or of any."""
        low, open_, silent = self._states
        codes = np.stack([tell(line) for line in self.lines])
        if every:
            surely = ((low & (codes == _YES)) | silent).all(axis=0) & low.any(axis=0)
            surely_not = (low & (codes == _NO)).any(axis=0)
        else:
            surely = (low & (codes == _YES)).any(axis=0)
            surely_not = (((low | open_) & (codes == _NO)) | silent).all(axis=0)
        code = chosen(surely, _YES, chosen(surely_not, _NO, _UNSURE))
        return chosen(np.logical_and.reduce(silent), _NOT_ASKED, code)
