"""The logic of a plan for few rows: the bits of all of them are one integer, not an array.

Where rows are few a step costs what its call costs, and a call on arrays costs ten times one on integers (measured: ten
times for one row, four for 1,024, twice for 4,096).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.step_plan import StepPlan

FEW = 4_096  # rows
_ON_INTEGERS: Mapping[Callable[..., object], Callable[[int, int], int]] = {
    np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor,
}
_ALL = 0xFF  # of the eight rows of a byte


class LogicOfFew:
    """The large steps of a plan, over integers."""

    def __init__(self, plan: StepPlan) -> None:
        self._steps = [(_ON_INTEGERS[call], a, b, out) for call, a, b, out in plan.large]
        made: set[int] = set()
        given: dict[int, None] = {}
        for _, a, b, out in plan.large:
            given |= dict.fromkeys(slot for slot in (a, b) if slot not in made)
            made.add(out)
        self._all = {slot: int(plan.constants[slot]) == _ALL for slot in given if slot in plan.constants}
        self._rows = {slot: plan.bits[slot] for slot in given if slot in plan.bits}
        self._outside = [slot for slot in given if slot in plan.outside]
        self._slots, self._planes = plan.slots, plan.planes

    def run(self, bits: NDArray[np.uint8], outside: Mapping[int, NDArray[np.uint8]], planes: NDArray[np.uint8]) -> None:
        """Work out the rows of `planes` from the bits that the small steps packed, and those that came in."""
        width = planes.shape[1]
        held = [0] * self._slots
        for slot, every in self._all.items():
            held[slot] = (1 << 8 * width) - 1 if every else 0
        for slot, row in self._rows.items():
            held[slot] = int.from_bytes(bits[row, :width].tobytes(), "little")
        for slot in self._outside:
            held[slot] = int.from_bytes(outside[slot].tobytes(), "little")
        for call, a, b, out in self._steps:
            held[out] = call(held[a], held[b])
        found = b"".join([held[slot].to_bytes(width, "little") for slot in self._planes])
        planes[list(self._planes.values())] = np.frombuffer(found, dtype=np.uint8).reshape(-1, width)
