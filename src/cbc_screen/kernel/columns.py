"""Run a program over columns, in chunks that stay in the cache; their logic many chunks at once.

Measured reasons (docs/performance.md): chunks stay in the cache; buffers are assigned like
registers and reused; predicates are packed to bits as soon as they are compared, and the
steps on bits, which cost their dispatch, are made for many chunks together (`schedule.py`);
every limit is one `take` from a small table, two rows at a time where few keys occur.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.bits import CODE_INPUT_PLANES, Bit
from cbc_screen.kernel.few_rows import FEW, LogicOfFew
from cbc_screen.kernel.passes import compile_columns
from cbc_screen.kernel.predicate_groups import PACKED_TOGETHER
from cbc_screen.kernel.program import Program
from cbc_screen.kernel.step_plan import CALL, PACK, TAKE, Choice, StepPlan

CHUNK = 32_768  # a multiple of 8: chunks begin on a byte of bits
CHUNKS_TOGETHER = 8  # their logic is worked out at once
# Tables by pairs of keys pay for keys that fit a byte, and are small beside the rows.
_KEYS_PAIRED = 128
_ROWS_A_PAIR = 16
_EVERY_ROW = b"\xff"  # eight rows of which each has a bit


@dataclass(frozen=True, slots=True)
class PackedFlags:
    """A flag of every row, eight rows to a byte."""

    bits: NDArray[np.uint8]


Inputs = Mapping[str, NDArray[np.generic]]
JoinedInputs = Mapping[str, NDArray[np.generic] | PackedFlags]


@dataclass(frozen=True)
class LimitTable:
    """One row per demographic key, one column per limit or trait."""

    columns: Mapping[str, int]
    values: NDArray[np.float64]  # shape (limits, keys): each limit is contiguous

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one limit for every key."""
        column: NDArray[np.float64] = self.values[self.columns[name]]
        return column

    def presence(self, name: str) -> str | None:
        """Return the name of the trait that tells who has a limit, or None where everybody has."""
        return self._presence[name]

    def only(self, name: str) -> float | None:
        """Return the one number a limit has wherever it is present, or None where it varies."""
        return self._only[name]

    @cached_property
    def _presence(self) -> dict[str, str | None]:
        # Limits that the same persons have share one trait.
        first: dict[bytes, str | None] = {}
        there = np.logical_not(np.isnan(self.values))
        full = np.logical_and.reduce(there, axis=1)
        return {
            name: first.setdefault(there[place].tobytes(), None if full[place] else name)
            for name, place in self.columns.items()
        }

    @cached_property
    def _only(self) -> dict[str, float | None]:
        low, high = np.fmin.reduce(self.values, axis=1), np.fmax.reduce(self.values, axis=1)
        return {name: float(low[place]) if low[place] == high[place] else None for name, place in self.columns.items()}

    def trait(self, name: str) -> NDArray[np.uint8]:
        """Return a property by key: of a limit, whether it is there; of a trait, itself."""
        column = self.column(name)
        return (~np.isnan(column) if np.isnan(column).any() else column != 0).astype(np.uint8)


class ColumnProgram:
    """A program bound to a limit table, with its steps and registers planned once."""

    def __init__(self, program: Program, table: LimitTable) -> None:
        compiled = compile_columns(program, table)
        self._floats = compiled.lowered.floats
        self._planes, self._places, self._plan = compiled.rows_of_planes, compiled.places, compiled.plan
        keys = table.values.shape[1]
        self._limits = np.array(self._plan.limits, dtype=np.float64).reshape(-1, keys)
        self._traits = np.array(self._plan.traits, dtype=np.uint8).reshape(-1, keys)

    def distinct(self, keys: NDArray[np.intp]) -> list[int]:
        """Return one of the keys that are the same to this program: many differ in what it does not ask."""
        return sorted(set(self._alike[keys].tolist()))

    @cached_property
    def _of_few(self) -> LogicOfFew:
        return LogicOfFew(self._plan)

    @cached_property
    def _alike(self) -> NDArray[np.intp]:
        """The first key with the limits and the traits of each key."""
        first, place = _distinct(np.concatenate([self._limits, self._traits.astype(np.float64)]))
        return first[place]

    def run(self, inputs: JoinedInputs, keys: NDArray[np.intp]) -> Answers:
        """Run over all rows of `inputs`."""
        rows = len(keys)
        planes = np.empty((len(self._planes), (rows + 7) // 8), dtype=np.uint8)
        floats = {name: np.empty(rows, dtype=np.float64) for name in self._floats}
        size = -(-CHUNK // 8) * 8
        many = size * CHUNKS_TOGETHER
        tables = _Tables(self._limits, self._traits, keys)
        registers = _Registers(self._plan, min(size, rows), min(many, rows), tables)
        with np.errstate(all="ignore"):
            for first in range(0, rows, many):
                part = slice(first, min(first + many, rows))
                outside = self._pack_outside(inputs, part)
                for start in range(first, part.stop, size):
                    chunk = slice(start, min(start + size, part.stop))
                    values = self._run_numbers(registers, inputs, keys[chunk], chunk, first, outside)
                    for name, number in self._floats.items():
                        floats[name][chunk] = values[number]
                self._run_logic(registers, planes, part, outside)
        return Answers(rows, self._places, planes, floats)

    def _pack_outside(self, inputs: JoinedInputs, part: slice) -> dict[int, NDArray[np.uint8]]:
        """Pack the bits of columns that come in."""
        of_bytes = slice(part.start // 8, (part.stop + 7) // 8)
        packed: dict[int, NDArray[np.uint8]] = {}
        for number, node in self._plan.outside.items():
            if node.op is Bit.PLANE:
                name, place = _plane(node.value)
                column = _array(inputs, name)[part].view(np.uint8)
                if place == 0 and column.max(initial=0) >= 1 << CODE_INPUT_PLANES:
                    raise AssertionError("a joined code does not fit its planes")
                packed[number] = np.packbits(column & np.uint8(1 << place))
                continue
            flags = inputs[str(node.value)]
            if isinstance(flags, PackedFlags):
                packed[number] = flags.bits[of_bytes]
            else:
                packed[number] = np.packbits(flags[part].view(np.uint8))
        return packed

    def _run_numbers(
        self,
        registers: _Registers,
        inputs: JoinedInputs,
        keys: NDArray[np.intp],
        chunk: slice,
        first: int,
        outside: Mapping[int, NDArray[np.uint8]],
    ) -> list[Any]:
        """Run the steps on numbers over a chunk, and pack its predicates; return what the slots hold."""
        values = registers.bind(len(keys))
        tables = registers.tables
        of_limits, of_traits = tables.index(keys, registers)
        for slot, name in self._plan.inputs.items():
            values[slot] = _array(inputs, name)[chunk]
        of_bytes = slice((chunk.start - first) // 8, (chunk.stop - first + 7) // 8)
        for slot in self._plan.small_bits:
            values[slot] = (
                outside[slot][of_bytes] if slot in outside else registers.bits[self._plan.bits[slot], of_bytes]
            )
        for kind, call, a, b, out in self._plan.small:
            if kind == CALL:
                call(values[a], values[b], values[out])
            elif kind == TAKE:
                if b in self._plan.masks:
                    tables.traits[a].take(of_traits, -1, values[out], "clip")
                else:
                    tables.limits[a].take(of_limits, -1, values[out], "clip")
            elif kind == PACK:
                values[out][...] = np.packbits(values[a], axis=-1)
            else:
                _choose(call, a, b, out, values, registers)
        return values

    def _run_logic(
        self,
        registers: _Registers,
        planes: NDArray[np.uint8],
        part: slice,
        outside: Mapping[int, NDArray[np.uint8]],
    ) -> None:
        """Run the steps on packed bits over many chunks at once."""
        plan = self._plan
        if part.start == 0 and planes.shape[1] * 8 <= FEW:
            self._of_few.run(registers.bits, outside, planes)
            return
        values: list[Any] = [None] * plan.slots
        of_bytes = slice(part.start // 8, (part.stop + 7) // 8)
        for slot, row in plan.bits.items():
            values[slot] = registers.bits[row, : of_bytes.stop - of_bytes.start]
        for slot, row in plan.planes.items():
            values[slot] = planes[row, of_bytes]
        for slot, constant in plan.constants.items():
            values[slot] = constant
        for slot, column in outside.items():
            values[slot] = column
        for call, a, b, out in plan.large:
            call(values[a], values[b], values[out])


def _choose(choice: Choice, a: int, b: int, out: int, values: list[Any], registers: _Registers) -> None:
    """Choose between two numbers; in most chunks every row has the same one, and that is the result itself."""
    condition = values[choice.condition]
    told = condition.tobytes()  # compared as bytes: a tenth of what asking for the least and the most takes (measured)
    some = told != bytes(len(told))
    all_ = some and told == _EVERY_ROW * len(told)
    for steps, needed in ((choice.for_first, some), (choice.for_second, not all_)):
        if needed:
            for _, call, x, y, made in steps:
                call(values[x], values[y], values[made])
    if all_ or not some:
        values[out] = values[a if all_ else b]
        return
    values[out] = registers.own(out)
    rows = values[out].shape[-1]
    np.copyto(values[out], values[b])
    np.copyto(values[out], values[a], where=np.unpackbits(condition, count=rows).view(np.bool_))


class _Tables:
    """The limits and traits of each key; of each pair of keys where the rows have few.

    A `take` costs the number of places it looks up: two rows at a time, half of them. Many keys differ in their
    traits alone (ages that some rule asks for): of limits each distinct column is kept once, or the pairs of them
    would not fit the nearest cache, which made each take half as slow again (measured).
    """

    def __init__(self, limits: NDArray[np.float64], traits: NDArray[np.uint8], keys: NDArray[np.intp]) -> None:
        self.limits: NDArray[Any] = limits
        self.traits: NDArray[Any] = traits
        self.paired = False
        if not len(limits) and not len(traits):
            return
        present = np.flatnonzero(np.bincount(keys, minlength=limits.shape[1]))
        self._many = len(present)
        self.paired = 0 < self._many <= _KEYS_PAIRED and self._many**2 * _ROWS_A_PAIR <= len(keys)
        if self.paired:
            own = limits[:, present]
            first, place = _distinct(own)
            self._few = len(first)
            self._of_traits = np.zeros(limits.shape[1], dtype=np.uint8)
            self._of_limits = np.zeros(limits.shape[1], dtype=np.uint8)
            self._of_traits[present], self._of_limits[present] = np.arange(self._many), place
            self.limits = _pairs(own[:, first]).view(np.complex128)
            self.traits = _pairs(traits[:, present]).view(np.uint16)

    def index(self, keys: NDArray[np.intp], registers: _Registers) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the places to look up, of limits and of traits: the keys, or the pairs that they make."""
        if not self.paired:
            return keys, keys
        of_limits = _paired(keys, self._of_limits, self._few, registers.places, registers.pairs)
        if not len(self.traits):
            return of_limits, of_limits
        return of_limits, _paired(keys, self._of_traits, self._many, registers.places, registers.trait_pairs)


def _distinct(limits: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the place of the first of each distinct column, and which of those each is."""
    rows = np.ascontiguousarray(limits.T)
    if not rows.shape[1]:
        return np.zeros(1, dtype=np.intp), np.zeros(len(rows), dtype=np.intp)
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    return first, place.ravel()


def _paired(
    keys: NDArray[np.intp],
    place: NDArray[np.uint8],
    many: int,
    places: NDArray[np.uint8],
    pairs: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Write the pairs that keys make, each key by its place among `many`."""
    pairs = pairs[: (len(keys) + 1) // 2]
    places[len(keys) // 2 * 2 :][:2] = 0  # an odd row makes a pair with any other
    place.take(keys, -1, places[: len(keys)], "clip")
    both = places.view("<u2")[: len(pairs)]
    seconds = np.right_shift(both, 8)
    seconds *= np.uint16(256 - many)  # the second has the upper byte: of `many` pairs, not of 256
    np.copyto(pairs, np.subtract(both, seconds, out=seconds))
    return pairs


def _pairs(table: NDArray[Any]) -> NDArray[Any]:
    """Lay out each row of a table for every pair of keys, the second of them slower."""
    pairs = np.empty((*table.shape, table.shape[1], 2), dtype=table.dtype)
    pairs[..., 0], pairs[..., 1] = table[:, None, :], table[:, :, None]
    return pairs.reshape(len(table), 2 * table.shape[1] ** 2)


class _Registers:
    """The buffers of one run."""

    def __init__(self, plan: StepPlan, size: int, many: int, tables: _Tables) -> None:
        self._plan, self.tables = plan, tables
        self._size = -1
        self._values: list[Any] = []
        even = size + size % 2
        self.numbers = np.empty((plan.number_rows, even), dtype=np.float64)
        self.truths = np.empty((PACKED_TOGETHER, size), dtype=np.bool_)
        self.mask = np.empty(even, dtype=np.uint8)
        self.places = np.empty(even, dtype=np.uint8)
        self.pairs, self.trait_pairs = np.empty((2, even // 2), dtype=np.intp)
        self.bits = np.empty((plan.bit_rows, (many + 7) // 8), dtype=np.uint8)

    def bind(self, size: int) -> list[Any]:
        """Return what each slot holds, for chunks of one size."""
        if size == self._size:
            return self._values
        plan, self._size = self._plan, size
        values: list[Any] = [None] * plan.slots
        for slot, constant in plan.constants.items():
            values[slot] = constant
        for slot, rows in plan.numbers.items():
            values[slot] = self.numbers[rows, :size]
        for slot, rows in plan.truths.items():
            values[slot] = self.truths[rows, :size]
        for slot, rows in plan.bytes.items():
            values[slot] = self.truths.view(np.uint8)[rows, :size]
        for slot in plan.masks:
            values[slot] = self.mask[:size]
        for slot, taken in plan.taken.items():
            values[taken] = self._for_pairs(slot, size + size % 2) if self.tables.paired else values[slot]
        self._values = values
        return values

    def own(self, slot: int) -> NDArray[Any]:
        """Return the memory of a number's own, whatever it is bound to."""
        return self.numbers[self._plan.numbers[slot], : self._size]

    def _for_pairs(self, slot: int, size: int) -> NDArray[Any]:
        if slot in self._plan.masks:
            return self.mask[:size].view(np.uint16)
        return self.numbers[self._plan.numbers[slot], :size].view(np.complex128)


def _array(inputs: JoinedInputs, name: str) -> NDArray[Any]:
    """Return a column that is not packed."""
    column = inputs[name]
    assert not isinstance(column, PackedFlags)
    return column


def _plane(value: object) -> tuple[str, int]:
    """Return the name and the place of a bit of a code that comes in."""
    assert isinstance(value, tuple)
    return str(value[0]), int(value[1])
