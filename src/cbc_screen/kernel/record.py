"""The kernel for one record, without numpy: printed functions, and the limits of a person's keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cbc_screen.kernel.keys import KeyedLimits
from cbc_screen.kernel.one import One
from cbc_screen.kernel.printed import Printed, Scalar
from cbc_screen.kernel_inputs import Person

PARTS = ("fused", "facts", "conclusions", "values", "limits")


@dataclass(frozen=True)
class Variant:
    """The printed programs of one set of inputs, and every input absent."""

    blank: Mapping[str, float]
    parts: Mapping[str, Printed]


class Functions:
    """The functions of a variant, each made when it is first called."""

    def __init__(self, variant: Variant) -> None:
        self._parts, self.blank = variant.parts, variant.blank
        self._made: dict[str, tuple[Scalar, Mapping[str, int]]] = {}

    def scalar(self, part: str) -> tuple[Scalar, Mapping[str, int]]:
        """Return the function of a program, and the place of each of its outputs."""
        made = self._made.get(part)
        if made is None:
            printed = self._parts[part]
            places = {name: place for place, name in enumerate(printed.outputs)}
            made = self._made[part] = printed.function(), places
        return made


class RecordKernel:
    """The screen of one record under one configuration. Thread-safe: it only caches.

    `variant` makes the programs for records with inputs outside the plain count
    (`extended`), and with ranges that came with results (`reported`).
    """

    def __init__(self, limits: KeyedLimits, variant: Callable[[bool, bool], Variant]) -> None:
        self.limits, self.variant = limits, variant
        self._functions = lru_cache(maxsize=4)(lambda extended, reported: Functions(variant(extended, reported)))

    def screen_one(self, record: Mapping[str, float], person: Person, extended: bool, reported: bool) -> One:
        """Screen one record: its inputs by name (absent ones may be left out)."""
        functions = self._functions(extended, reported)
        return One(functions, {**functions.blank, **record}, self.limits.keys(person), self.limits.row)
