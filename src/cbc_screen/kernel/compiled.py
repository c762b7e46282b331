"""The programs of one set of inputs, compiled when they are first run."""

from __future__ import annotations

from dataclasses import dataclass, field

from cbc_screen.kernel.columns import ColumnProgram, LimitTable
from cbc_screen.kernel.definition import Programs


@dataclass
class Compiled:
    """What is compiled for one set of inputs."""

    programs: Programs
    table: LimitTable
    _columns: dict[str, ColumnProgram] = field(default_factory=dict)

    def columns(self, part: str) -> ColumnProgram:
        """Return the runner of a program over columns."""
        if part not in self._columns:
            self._columns[part] = ColumnProgram(getattr(self.programs, part), self.table)
        return self._columns[part]
