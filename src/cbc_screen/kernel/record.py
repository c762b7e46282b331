"""The kernel for one record, without numpy: printed functions, and the limits of a person's keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from cbc_screen.kernel.keys import KeyedLimits
from cbc_screen.kernel.one import One, join_of
from cbc_screen.kernel.printed import Function, Part, Printed
from cbc_screen.kernel_inputs import Person

Print = Callable[[bool, bool, Part], Printed]


class RecordKernel:
    """The screen of one record under one configuration. Thread-safe: it only caches.

    `printed` gives a program for records with inputs outside the plain count (first
    argument), and with ranges that came with results (second).
    """

    def __init__(self, limits: KeyedLimits, printed: Print) -> None:
        self.limits, self.printed = limits, printed
        self._function = lru_cache(maxsize=None)(self._make)
        self.joins = lru_cache(maxsize=None)(self._make_joins)

    def _make(self, extended: bool, reported: bool, part: Part) -> Function:
        return self.printed(extended, reported, part).function()

    def _make_joins(self, extended: bool, reported: bool) -> tuple[Callable[[tuple[float, ...]], float], ...]:
        return tuple(join_of(name) for name in self.function(extended, reported, Part.FACTS).places)

    def screen_one(self, record: Mapping[str, float], person: Person, extended: bool, reported: bool) -> One:
        """Screen one record: its inputs by name (absent ones may be left out)."""
        return One(self, record, self.limits.keys(person), extended, reported)

    def function(self, extended: bool, reported: bool, part: Part) -> Function:
        """Return a program as a function, made when it is first asked for."""
        return self._function(extended, reported, part)
