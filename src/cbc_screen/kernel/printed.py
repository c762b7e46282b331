"""A program as byte code: what is kept of one between processes, and made a function again."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import copysign, inf, nan
from typing import cast

Scalar = Callable[[Mapping[str, float], Sequence[float]], tuple[float | int | bool, ...]]


class ProgramPart(StrEnum):
    """A program: the screen in one piece, its two halves, and what explains it."""

    FUSED = "fused"
    FACTS = "facts"
    CONCLUSIONS = "conclusions"
    LISTS = "lists"
    UNLISTED = "unlisted"
    LIST_FACTS = "list_facts"
    LIST_CONCLUSIONS = "list_conclusions"
    VALUES = "values"
    LIMITS = "limits"


def divide(a: float, zero: float) -> float:
    """Divide by zero as IEEE 754 does, where Python would raise."""
    return nan if a == 0 or a != a else copysign(inf, a) * copysign(1.0, zero)


@dataclass(frozen=True, slots=True)
class Printed:
    """A program as byte code, its inputs and outputs in their order, and what an absent input is."""

    code: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    absent: Mapping[str, float]

    def function(self) -> Function:
        """Return the function."""
        scope: dict[str, object] = {"divide": divide, "nan": nan, "inf": inf}
        scope.update({f"i{number}": name for number, name in enumerate(self.inputs)})
        exec(marshal.loads(self.code), scope)
        places = {name: place for place, name in enumerate(self.outputs)}
        return Function(cast(Scalar, scope["screen_one"]), places, self.absent)


@dataclass(frozen=True, slots=True)
class Function:
    """A printed program that can be called, and the place of each of its outputs."""

    call: Scalar
    places: Mapping[str, int]
    absent: Mapping[str, float]

    def values(self, record: Mapping[str, float], limits: Sequence[float]) -> tuple[float | int | bool, ...]:
        """Return the outputs for the inputs by name (absent ones may be left out) and a row of limits."""
        return self.call({**self.absent, **record} if self.absent else record, limits)

    def answers(self, record: Mapping[str, float], limits: Sequence[float]) -> dict[str, float]:
        """Return the outputs by name."""
        return dict(zip(self.places, self.values(record, limits), strict=True))
