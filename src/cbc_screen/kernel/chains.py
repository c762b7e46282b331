"""Comparisons of a number that grows with another, as comparisons of that other.

A percentage that is rounded to nine decimals and held against 10 takes six steps on a column; that it is below 10 is
known from where, in doubles, the steps reach 10. Each step rounds, and rounding never turns an order round, so there is one
such place, found by halving: the answer is the same for every double, and the steps are not made at all.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cbc_screen.kernel.program import Op

Grow = Callable[[float], float]


class Node(Protocol):
    """An operation on earlier nodes."""

    @property
    def op(self) -> object:
        """What is done."""
        ...

    @property
    def arguments(self) -> tuple[int, ...]:
        """What it is done to."""
        ...

    @property
    def value(self) -> object:
        """The number of a constant."""
        ...


_WITH_A_CONSTANT: Mapping[object, Callable[[float, float], float]] = {
    Op.ADD: operator.add,
    Op.SUBTRACT: operator.sub,
    Op.MULTIPLY: operator.mul,
    Op.DIVIDE: operator.truediv,
    Op.SMALLER: min,
    Op.LARGER: max,
}
_EITHER_WAY = frozenset({Op.ADD, Op.MULTIPLY, Op.SMALLER, Op.LARGER})
_BY_WHAT_IS_POSITIVE = frozenset({Op.MULTIPLY, Op.DIVIDE})


def origin(nodes: Sequence[Node], number: int) -> tuple[int, list[Grow]]:
    """Follow a number back through the steps with constants that it grows by.

    Returns
    -------
    The number at the beginning, which is absent where the last is, and the steps from there, in order.
    """
    steps: list[Grow] = []
    while (found := _step_back(nodes, number)) is not None:
        number, grow = found
        steps.append(grow)
    return number, steps[::-1]


def _step_back(nodes: Sequence[Node], number: int) -> tuple[int, Grow] | None:
    node = nodes[number]
    apply = _WITH_A_CONSTANT.get(node.op)
    if apply is None:
        return None
    one, other = node.arguments
    if nodes[one].op is Op.CONST and node.op in _EITHER_WAY:
        one, other = other, one
    constant = nodes[other].value
    if nodes[other].op is not Op.CONST or not isinstance(constant, float) or not math.isfinite(constant):
        return None
    if node.op in _BY_WHAT_IS_POSITIVE and not constant > 0:
        return None
    return one, lambda x: apply(x, constant)


def first_that(steps: Sequence[Grow], reaches: Callable[[float], bool]) -> float | None:
    """Find the least double, infinities among them, from which on the steps lead to something that reaches; or None."""

    def holds(place: int) -> bool:
        value = _double(place)
        for step in steps:
            value = step(value)
        return reaches(value)

    low, high = _place(-math.inf), _place(math.inf)
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return _double(high)


def _place(value: float) -> int:
    """Return the place of a double among all of them in order; the two zeros share one."""
    found: int = struct.unpack("<q", struct.pack("<d", abs(value)))[0]
    return found if value >= 0 else -found


def _double(place: int) -> float:
    value: float = struct.unpack("<d", struct.pack("<q", abs(place)))[0]
    return value if place >= 0 else -value
