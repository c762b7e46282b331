"""What a program becomes: its steps in order, and what each slot of a step is bound to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.bits import BitNode, Table
from cbc_screen.kernel.program import Op

CALL, TAKE, SELECT, PACK = range(4)  # the kinds of small steps
COLUMN_UFUNCS: Mapping[object, Callable[..., Any]] = {
    Op.ADD: np.add,
    Op.SUBTRACT: np.subtract,
    Op.MULTIPLY: np.multiply,
    Op.DIVIDE: np.divide,
    Op.SMALLER: np.minimum,
    Op.LARGER: np.maximum,
}
Rows = int | slice
SmallStep = tuple[int, Any, Any, int, int]


class Tables(Table, Protocol):
    """The limits of every key."""

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one limit for every key."""
        ...

    def trait(self, name: str) -> NDArray[np.uint8]:
        """Return a property of every key."""
        ...


@dataclass(frozen=True)
class Choice:
    """What a choice between two numbers needs: its condition, and the steps that only the one or the other needs."""

    condition: int
    for_first: list[SmallStep]
    for_second: list[SmallStep]


@dataclass
class StepPlan:
    """The steps in order, and what each slot is bound to.

    A small step is (kind, function, slot, slot, slot of the result); a large one has no
    kind, for all are calls on bits. A `take` names its rows of `limits` or of `traits`; a
    choice has a `Choice` for its function, and what one side alone needs is made where that side is chosen.
    """

    small: list[SmallStep] = field(default_factory=list)
    large: list[tuple[Callable[..., object], int, int, int]] = field(default_factory=list)
    slots: int = 0
    constants: dict[int, NDArray[np.generic]] = field(default_factory=dict)
    inputs: dict[int, str] = field(default_factory=dict)
    outside: dict[int, BitNode] = field(default_factory=dict)  # bits of columns that come in
    limits: list[NDArray[np.float64]] = field(default_factory=list)
    traits: list[NDArray[np.uint8]] = field(default_factory=list)
    numbers: dict[int, Rows] = field(default_factory=dict)
    truths: dict[int, Rows] = field(default_factory=dict)
    bytes: dict[int, Rows] = field(default_factory=dict)  # the same rows, as numbers
    masks: set[int] = field(default_factory=set)  # traits by row, eight to a byte
    taken: dict[int, int] = field(default_factory=dict)  # slots of numbers or masks, for two rows at a time
    bits: dict[int, Rows] = field(default_factory=dict)
    small_bits: set[int] = field(default_factory=set)  # the slots of bits that small steps name
    planes: dict[int, int] = field(default_factory=dict)  # slots that are rows of the answers
    number_rows: int = 0
    bit_rows: int = 0

    def slot(self) -> int:
        """Return a new slot."""
        self.slots += 1
        return self.slots - 1

    def every_small(self) -> Iterator[SmallStep]:
        """Yield the small steps in order, those of both sides of a choice before it."""
        return _every(self.small)

    def constant(self, value: NDArray[np.generic]) -> int:
        """Return a new slot bound to an array."""
        slot = self.slot()
        self.constants[slot] = value
        return slot


def _every(steps: Sequence[SmallStep]) -> Iterator[SmallStep]:
    for step in steps:
        if step[0] == SELECT:
            yield from _every(step[1].for_first)
            yield from _every(step[1].for_second)
        yield step
