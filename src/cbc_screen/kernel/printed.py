"""A program as byte code: what is kept of one between processes, and made a function again."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import copysign, inf, nan
from typing import cast

Scalar = Callable[[Mapping[str, float], Sequence[float]], tuple[float | int | bool, ...]]


def divide(a: float, b: float) -> float:
    """Divide as IEEE 754 does, where Python would raise."""
    if b == 0:
        return nan if a == 0 or a != a else copysign(inf, a) * copysign(1.0, b)
    return a / b


@dataclass(frozen=True, slots=True)
class Printed:
    """A program as byte code, the names of its inputs in their order, and of its outputs."""

    code: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def function(self) -> Scalar:
        """Return the function; it takes the inputs by name and the person's row of limits."""
        scope: dict[str, object] = {"divide": divide, "nan": nan, "inf": inf}
        scope.update({f"i{number}": name for number, name in enumerate(self.inputs)})
        exec(marshal.loads(self.code), scope)
        return cast(Scalar, scope["screen_one"])
