"""The answers for one record, each worked out when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.kernel.record import Functions

Row = Callable[[int], Sequence[float]]


class Named(Mapping[str, int]):
    """Numbers by name, without a dictionary of them: most are never asked for."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: tuple[float | int | bool, ...]) -> None:
        self._places, self._values = places, values

    def __getitem__(self, name: str) -> int:
        return int(self._values[self._places[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def all(self) -> dict[str, int]:
        """Return a dictionary of them, for a reader of most."""
        return dict(zip(self._places, map(int, self._values), strict=True))


class One:
    """The answers for one record, worked out when they are asked for.

    `conclusions` are the flags; `facts` the (joined) facts behind them; `values` the
    numbers derived or corrected on the way; `limits` those used under each key tried.
    """

    def __init__(self, functions: Functions, inputs: Mapping[str, float], keys: tuple[int, ...], row: Row) -> None:
        self._functions, self._inputs, self.keys, self._row = functions, inputs, keys, row

    @cached_property
    def codes(self) -> dict[str, int]:
        """The conclusions as a dictionary."""
        return self.conclusions.all()

    @cached_property
    def conclusions(self) -> Named:
        """The codes that become flags."""
        if len(self.keys) > 1:
            conclude, places = self._functions.scalar("conclusions")
            return Named(places, conclude(self.facts, ()))
        fused, places = self._functions.scalar("fused")
        return Named(places, fused(self._inputs, self._row(self.keys[0])))

    @cached_property
    def facts(self) -> Mapping[str, float]:
        """The facts, joined over the keys."""
        answers = list(self._under_each_key("facts"))
        if len(answers) == 1:
            return answers[0]
        return {name: _join(name, tuple(answer[name] for answer in answers)) for name in answers[0]}

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Numbers that were derived or corrected."""
        numbers, places = self._functions.scalar("values")
        return dict(zip(places, numbers(self._inputs, ()), strict=True))

    @cached_property
    def limits(self) -> tuple[Mapping[str, float], ...]:
        """The limits used under each key."""
        return tuple(self._under_each_key("limits"))

    def _under_each_key(self, part: str) -> Iterator[dict[str, float]]:
        function, places = self._functions.scalar(part)
        for key in self.keys:
            yield dict(zip(places, function(self._inputs, self._row(key)), strict=True))


def _join(name: str, values: tuple[float | int | bool, ...]) -> int:
    if name.endswith(".min"):
        return int(min(values))
    if name.endswith((".max", ".any")):
        return int(max(values))
    return int(all(values))
