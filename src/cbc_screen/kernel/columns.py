"""Run a program over columns, one cache-sized chunk at a time.

Measured reasons (docs/performance.md): chunks stay in the cache; buffers are assigned like
registers and reused; predicates are packed to bits as soon as they are compared;
zero-dimensional array constants and bound ufuncs cut the dispatch; every limit is one
`take` from a small table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.answers import Answers, Place
from cbc_screen.kernel.bits import CODE_INPUT_PLANES, FALSE, TRUE, Bit, Lowered, Node, lower
from cbc_screen.kernel.program import Op, Program

CHUNK = 32_768  # a multiple of 8: chunks begin on a byte of bits


def _smaller(a: Any, b: Any, out: Any) -> None:
    np.minimum(a, b, out=out)  # a third place is deprecated for these two


def _larger(a: Any, b: Any, out: Any) -> None:
    np.maximum(a, b, out=out)


_FLOAT_UFUNCS: Mapping[Op | Bit, Callable[..., object]] = {
    Op.ADD: np.add,
    Op.SUBTRACT: np.subtract,
    Op.MULTIPLY: np.multiply,
    Op.DIVIDE: np.divide,
    Op.SMALLER: _smaller,
    Op.LARGER: _larger,
}
_BIT_UFUNCS: Mapping[Op | Bit, Callable[..., object]] = {
    Bit.AND: np.bitwise_and,
    Bit.OR: np.bitwise_or,
    Bit.XOR: np.bitwise_xor,
}
_TRAITS_TOGETHER = 8
_BINARY, _NOT, _COMPARE, _TAKE, _SELECT, _FLAG, _MASKED = range(7)
_NO_REGISTER: frozenset[Op | Bit] = frozenset({Op.CONST, Op.INPUT})


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
    """A program bound to a limit table, with its registers planned once."""

    def __init__(self, program: Program, table: LimitTable) -> None:
        self._table = table
        self._lowered: Lowered = lower(program, table)
        self._nodes = self._lowered.nodes
        self._rows_of_planes, self._places = self._lay_out()
        self._float_outputs = frozenset(self._lowered.floats.values())
        self._registers, self._floats, self._bits = self._assign_registers()
        self._traits = self._trait_masks()
        self._plan = [step for number, node in enumerate(self._nodes) for step in self._steps(number, node)]
        self._inputs = [(number, str(node.value)) for number, node in enumerate(self._nodes) if node.op is Op.INPUT]
        self._flags = [(number, str(node.value)) for number, node in enumerate(self._nodes) if node.op is Bit.FLAG]
        self._code_inputs = [(n, node.value) for n, node in enumerate(self._nodes) if node.op is Bit.PLANE]

    def _lay_out(self) -> tuple[dict[int, int], dict[str, Place]]:
        """Give each distinct bit that is an output a row, and say where each answer lies."""
        rows: dict[int, int] = {}

        def row(node: int) -> int:
            return node if node in (FALSE, TRUE) else rows.setdefault(node, len(rows))

        places = {name: Place(None, (row(node),)) for name, node in self._lowered.flags.items()}
        for name, code in self._lowered.codes.items():
            places[name] = Place(code.base, tuple(row(plane) for plane in code.planes))
        return rows, places

    def _assign_registers(self) -> tuple[dict[int, int], int, int]:
        """Give each node a register that is free by then, floats and bits apart.

        Bits that are outputs are written where they belong.
        """
        last = {argument: number for number, node in enumerate(self._nodes) for argument in node.arguments}
        free: tuple[list[int], list[int]] = ([], [])
        used = [0, 0]
        registers: dict[int, int] = {}
        for number, node in enumerate(self._nodes):
            if node.op not in _NO_REGISTER and number not in self._rows_of_planes:
                kind = int(isinstance(node.op, Bit))
                if free[kind]:
                    registers[number] = free[kind].pop()
                else:
                    registers[number] = used[kind]
                    used[kind] += 1
            # Freed only after the node took its own register: SELECT takes two passes.
            for argument in set(node.arguments):
                if last[argument] == number and argument in registers and argument not in self._float_outputs:
                    free[int(isinstance(self._nodes[argument].op, Bit))].append(registers[argument])
        return registers, used[0], used[1]

    def _trait_masks(self) -> list[NDArray[np.uint8]]:
        """Pack the traits asked for into bytes by key: one `take` serves eight of them."""
        names = list(dict.fromkeys(str(node.value) for node in self._nodes if node.op is Bit.TRAIT))
        self._trait_place = {name: divmod(place, _TRAITS_TOGETHER) for place, name in enumerate(names)}
        masks = [np.zeros(self._table.values.shape[1], dtype=np.uint8) for _ in names[::_TRAITS_TOGETHER]]
        for name, (mask, place) in self._trait_place.items():
            masks[mask] |= self._table.trait(name) << np.uint8(place)
        return masks

    def _steps(self, number: int, node: Node) -> list[tuple[int, Any, Any, Any, int]]:
        a = node.arguments
        if node.op in _NO_REGISTER:
            return []
        if node.op in _BIT_UFUNCS:
            return [(_BINARY, _BIT_UFUNCS[node.op], a[0], a[1], number)]
        if node.op in _FLOAT_UFUNCS:
            return [(_BINARY, _FLOAT_UFUNCS[node.op], a[0], a[1], number)]
        match node.op:
            case Bit.NOT:
                return [(_NOT, None, a[0], 0, number)]
            case Bit.LESS:
                return [(_COMPARE, np.less, a[0], a[1], number)]
            case Bit.PRESENT:
                return [(_COMPARE, np.equal, a[0], a[0], number)]
            case Op.LIMIT:
                return [(_TAKE, self._table.column(str(node.value)).take, 0, 0, number)]
            case Op.SELECT:
                return [(_SELECT, a[0], a[1], a[2], number)]
            case Bit.TRAIT:
                mask, place = self._trait_place[str(node.value)]
                return [(_MASKED, None, -1 - mask, np.uint8(1 << place), number)]
            case Bit.PLANE:
                return [(_MASKED, None, number, np.uint8(1 << _plane(node.value)[1]), number)]
            case Bit.FLAG:
                return [(_FLAG, None, number, 0, number)]
            case _:
                raise AssertionError(node.op)

    def run(self, inputs: JoinedInputs, keys: NDArray[np.intp]) -> Answers:
        """Run over all rows of `inputs`."""
        rows = len(keys)
        planes = np.empty((len(self._rows_of_planes), (rows + 7) // 8), dtype=np.uint8)
        floats = {name: np.empty(rows, dtype=np.float64) for name in self._lowered.floats}
        for _, value in self._code_inputs:
            if _array(inputs, _plane(value)[0]).max(initial=0) >= 1 << CODE_INPUT_PLANES:
                raise AssertionError("a joined code does not fit its planes")
        size = min(-(-CHUNK // 8) * 8, rows)
        chunk = _Chunk(self._floats, self._bits, len(self._traits), size)
        with np.errstate(all="ignore"):
            for first in range(0, rows, size or 1):
                part = slice(first, min(first + size, rows))
                if part.stop - first != chunk.size or first == 0:
                    self._bind(chunk, part.stop - first)
                self._run_chunk(chunk, inputs, keys[part], part, planes, floats)
        return Answers(rows, self._places, planes, floats)

    def _bind(self, chunk: _Chunk, size: int) -> None:
        """Lay constants and registers out by node, for chunks of one size."""
        chunk.size = size
        chunk.values = [None] * len(self._nodes)
        for number, node in enumerate(self._nodes):
            if node.op is Op.CONST:
                chunk.values[number] = np.array(node.value)
            elif number in self._registers:
                register = self._registers[number]
                bits = isinstance(node.op, Bit)
                chunk.values[number] = (
                    chunk.bits[register][: (size + 7) // 8] if bits else chunk.floats[register][:size]
                )

    def _run_chunk(
        self,
        chunk: _Chunk,
        inputs: JoinedInputs,
        keys: NDArray[np.intp],
        part: slice,
        planes: NDArray[np.uint8],
        floats: dict[str, NDArray[np.float64]],
    ) -> None:
        size, values = chunk.size, chunk.values
        for number, name in self._inputs:
            values[number] = _array(inputs, name)[part]
        of_bytes = slice(part.start // 8, (part.stop + 7) // 8)
        for number, row in self._rows_of_planes.items():
            values[number] = planes[row, of_bytes]
        masked: dict[int, NDArray[np.uint8]] = {}
        for place, mask in enumerate(self._traits):
            mask.take(keys, 0, chunk.masks[place][:size], "clip")
            masked[-1 - place] = chunk.masks[place][:size]
        for number, name in self._flags:
            column = inputs[name]
            if isinstance(column, PackedFlags):
                masked[number] = column.bits[of_bytes]
            else:
                masked[number] = np.packbits(column[part].view(np.uint8))
        for number, value in self._code_inputs:
            masked[number] = _array(inputs, _plane(value)[0])[part].view(np.uint8)
        self._execute(values, masked, keys, chunk.truths[:size], chunk.bytes[:size])
        for name, number in self._lowered.floats.items():
            floats[name][part] = values[number]

    def _execute(
        self,
        values: list[Any],
        masked: Mapping[int, NDArray[np.uint8]],
        keys: NDArray[np.intp],
        truths: NDArray[np.bool_],
        scratch: NDArray[np.uint8],
    ) -> None:
        # One flat loop: a logical step on packed bits takes half a microsecond, as long
        # as deciding what to do with it would.
        for kind, call, a, b, out in self._plan:
            if kind == _BINARY:
                call(values[a], values[b], values[out])
            elif kind == _COMPARE:
                call(values[a], values[b], truths)
                values[out][:] = np.packbits(truths)
            elif kind == _NOT:
                np.bitwise_not(values[a], values[out])
            elif kind == _TAKE:
                call(keys, 0, values[out], "clip")
            elif kind == _SELECT:
                np.copyto(values[out], values[b])
                condition = np.unpackbits(values[call], count=len(keys)).view(np.bool_)
                np.copyto(values[out], values[a], where=condition)
            elif kind == _MASKED:
                np.bitwise_and(masked[a], b, scratch)
                values[out][:] = np.packbits(scratch)
            else:
                values[out][:] = masked[a]


class _Chunk:
    """The buffers of one chunk."""

    def __init__(self, floats: int, bits: int, masks: int, size: int) -> None:
        self.size = size
        self.values: list[Any] = []
        self.floats = [np.empty(size, dtype=np.float64) for _ in range(floats)]
        self.bits = [np.empty((size + 7) // 8, dtype=np.uint8) for _ in range(bits)]
        self.masks = [np.empty(size, dtype=np.uint8) for _ in range(masks)]
        self.truths = np.empty(size, dtype=np.bool_)
        self.bytes = np.empty(size, dtype=np.uint8)


def _array(inputs: JoinedInputs, name: str) -> NDArray[Any]:
    """Return a column that is not packed."""
    column = inputs[name]
    assert not isinstance(column, PackedFlags)
    return column


def _plane(value: object) -> tuple[str, int]:
    """Return the name and the place of a bit of a code that comes in."""
    assert isinstance(value, tuple)
    return str(value[0]), int(value[1])
