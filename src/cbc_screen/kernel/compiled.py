"""The programs of one set of inputs, compiled when they are first run."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from cbc_screen.kernel.columns import ColumnProgram, LimitTable
from cbc_screen.kernel.definition import Programs
from cbc_screen.kernel.joining import Joiner


@dataclass
class Compiled:
    """What is compiled for one set of inputs; once, whichever thread asks first."""

    programs: Programs
    table: LimitTable
    _columns: dict[str, ColumnProgram] = field(default_factory=dict)
    _joiners: dict[str, Joiner] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def columns(self, part: str) -> ColumnProgram:
        """Return the runner of a program over columns."""
        with self._lock:
            if part not in self._columns:
                self._columns[part] = ColumnProgram(getattr(self.programs, part), self.table)
            return self._columns[part]

    def joiner(self, part: str) -> Joiner:
        """Return the runner of a program of facts for persons of several keys."""
        runner = self.columns(part)
        with self._lock:
            if part not in self._joiners:
                self._joiners[part] = Joiner(getattr(self.programs, part), self.table, runner)
            return self._joiners[part]
