"""The kernel for one record, without numpy: printed functions, and the limits of a person's keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from cbc_screen.kernel.keys import KeyedLimits
from cbc_screen.kernel.one import One, join_of
from cbc_screen.kernel.printed import Function, Part, Printed
from cbc_screen.kernel_inputs import Person, Scope

Print = Callable[[Scope, bool, Part], Printed]
_REMEMBERED = 2048  # persons


class RecordKernel:
    """The screen of one record under one configuration. Thread-safe: it only caches.

    `printed` gives a program for records with no inputs outside a scope (first argument),
    and with ranges that came with results (second).
    """

    def __init__(self, limits: KeyedLimits, printed: Print) -> None:
        self.limits, self.printed = limits, printed
        self._function = lru_cache(maxsize=None)(self._make)
        self._keys = lru_cache(maxsize=_REMEMBERED)(limits.keys)
        self.joins = lru_cache(maxsize=None)(self._make_joins)

    def _make(self, scope: Scope, reported: bool, part: Part) -> Function:
        return self.printed(scope, reported, part).function()

    def _make_joins(self, scope: Scope, reported: bool, part: Part) -> tuple[Callable[[tuple[float, ...]], float], ...]:
        return tuple(join_of(name) for name in self.function(scope, reported, part).places)

    def screen_one(self, record: Mapping[str, float], person: Person, scope: Scope, reported: bool) -> One:
        """Screen one record: its inputs by name (absent ones may be left out)."""
        return One(self, record, self._keys(person), scope, reported)

    def function(self, scope: Scope, reported: bool, part: Part) -> Function:
        """Return a program as a function, made when it is first asked for."""
        return self._function(scope, reported, part)
