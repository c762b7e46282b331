"""The programs of one set of inputs, compiled when they are first run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cbc_screen.kernel.columns import ColumnProgram, LimitTable
from cbc_screen.kernel.definition import Programs
from cbc_screen.kernel.scalar import Scalar, compile_scalar


@dataclass
class Compiled:
    """What is compiled for one set of inputs."""

    programs: Programs
    table: LimitTable
    blank: Mapping[str, float]
    _columns: dict[str, ColumnProgram] = field(default_factory=dict)
    _scalars: dict[str, tuple[Scalar, Mapping[str, int]]] = field(default_factory=dict)

    def columns(self, part: str) -> ColumnProgram:
        """Return the runner of a program over columns."""
        if part not in self._columns:
            self._columns[part] = ColumnProgram(getattr(self.programs, part), self.table)
        return self._columns[part]

    def scalar(self, part: str) -> tuple[Scalar, Mapping[str, int]]:
        """Return the function of a program, and the place of each of its outputs."""
        if part not in self._scalars:
            function, names = compile_scalar(getattr(self.programs, part), self.table.columns)
            self._scalars[part] = function, {name: place for place, name in enumerate(names)}
        return self._scalars[part]
