"""The kernel for one record, without numpy: printed functions, the limits of a person's keys, and the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache

from cbc_screen.kernel.fact_table import Join, join_of
from cbc_screen.kernel.keys import KeyedLimits
from cbc_screen.kernel.printed import Function, Printed, ProgramPart
from cbc_screen.kernel_inputs import InputScope, Person

Print = Callable[[InputScope, bool, ProgramPart], Printed]
_JOINED: Mapping[Join, Callable[[tuple[float, ...]], float]] = {
    Join.EVERY: all,
    Join.SOME: any,
    Join.LEAST: min,
    Join.MOST: max,
}
_REMEMBERED = 2048  # persons


class Named:
    """Numbers by name, without a dictionary of them: most are never asked for."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: tuple[float | int | bool, ...]) -> None:
        self._places, self._values = places, values

    def some(self, names: Sequence[str]) -> list[int]:
        """Return the numbers of some names."""
        places, values = self._places, self._values
        return [int(values[places[name]]) for name in names]

    def all(self) -> dict[str, int]:
        """Return a dictionary of them, for a reader of most."""
        return dict(zip(self._places, map(int, self._values), strict=True))


class One:
    """The answers for one record; all but the conclusions are worked out when they are asked for.

    `conclusions` are the codes that become flags; `facts` the (joined) facts behind them; `values` the
    numbers derived or corrected on the way; `limits` those used under each key tried. `lists` is what the
    checklist is made from, and `findings` the facts behind it.
    """

    def __init__(
        self,
        kernel: RecordKernel,
        inputs: Mapping[str, float],
        keys: tuple[int, ...],
        scope: InputScope,
        reported: bool,
    ) -> None:
        self._kernel, self._inputs, self.keys = kernel, inputs, keys
        self._scope, self._reported = scope, reported
        self.conclusions = self._conclusions()

    def _function(self, part: ProgramPart) -> Function:
        return self._kernel.function(self._scope, self._reported, part)

    @cached_property
    def codes(self) -> dict[str, int]:
        """The conclusions as a dictionary."""
        return self.conclusions.all()

    def _conclusions(self) -> Named:
        if len(self.keys) > 1:
            return self._of_facts(ProgramPart.CONCLUSIONS, {**self.facts, **self._kernel.limits.left_open(self.keys)})
        return self._fused(ProgramPart.FUSED)

    @cached_property
    def lists(self) -> Named:
        """What the checklist is made from."""
        if len(self.keys) > 1:
            return self._of_facts(ProgramPart.LIST_CONCLUSIONS, self.findings)
        return self._fused(ProgramPart.LISTS)

    @cached_property
    def unlisted(self) -> Named:
        """What flags have of the lists without the checklist: a tenth of the work, where the person has one key (measured)."""
        if len(self.keys) > 1 or "lists" in self.__dict__:
            return self.lists
        return self._fused(ProgramPart.UNLISTED)

    @cached_property
    def list_codes(self) -> dict[str, int]:
        """What the checklist is made from, as a dictionary."""
        return self.lists.all()

    def _fused(self, part: ProgramPart) -> Named:
        fused = self._function(part)
        return Named(fused.places, fused.values(self._inputs, self._kernel.limits.row(self.keys[0])))

    def _of_facts(self, part: ProgramPart, facts: Mapping[str, float]) -> Named:
        conclude = self._function(part)
        return Named(conclude.places, conclude.values(facts, ()))

    @cached_property
    def facts(self) -> Mapping[str, float]:
        """The facts, joined over the keys."""
        return self._joined(ProgramPart.FACTS)

    @cached_property
    def findings(self) -> Mapping[str, float]:
        """The facts that the checklist needs, joined over the keys."""
        return self._joined(ProgramPart.LIST_FACTS)

    def _joined(self, part: ProgramPart) -> Mapping[str, float]:
        function = self._function(part)
        answers = [function.values(self._inputs, self._kernel.limits.row(key)) for key in self.keys]
        if len(answers) == 1:
            return dict(zip(function.places, answers[0], strict=True))
        joins = self._kernel.joins(self._scope, self._reported, part)
        columns = zip(function.places, joins, zip(*answers, strict=True), strict=True)
        return {name: int(join(column)) for name, join, column in columns}

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Numbers that were derived or corrected."""
        return self._function(ProgramPart.VALUES).answers(self._inputs, ())

    @cached_property
    def limits(self) -> Sequence[Mapping[str, float]]:
        """The limits used under each key."""
        return self._under_each_key(ProgramPart.LIMITS)

    def _under_each_key(self, part: ProgramPart) -> list[dict[str, float]]:
        function = self._function(part)
        return [function.answers(self._inputs, self._kernel.limits.row(key)) for key in self.keys]


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

    def _make(self, scope: InputScope, reported: bool, part: ProgramPart) -> Function:
        return self.printed(scope, reported, part).function()

    def _make_joins(
        self, scope: InputScope, reported: bool, part: ProgramPart
    ) -> tuple[Callable[[tuple[float, ...]], float], ...]:
        return tuple(_JOINED[join_of(name)] for name in self.function(scope, reported, part).places)

    def screen_one(self, record: Mapping[str, float], person: Person, scope: InputScope, reported: bool) -> One:
        """Screen one record: its inputs by name (absent ones may be left out)."""
        return One(self, record, self._keys(person), scope, reported)

    def function(self, scope: InputScope, reported: bool, part: ProgramPart) -> Function:
        """Return a program as a function, made when it is first asked for."""
        return self._function(scope, reported, part)
