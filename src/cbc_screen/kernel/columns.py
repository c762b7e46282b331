"""Run a program over columns, one cache-sized chunk at a time.

Measured reasons (docs/performance.md): chunks of 32k rows stay in the cache; buffers
are assigned like registers and reused; zero-dimensional array constants and bound
ufuncs cut the dispatch; every limit is one `take` from a small table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.program import KIND, Kind, Op, Program

CHUNK = 32_768
_DTYPES: Mapping[Kind, type] = {Kind.FLOAT: np.float64, Kind.BOOL: np.bool_, Kind.CODE: np.int8}
_UFUNCS: Mapping[Op, Callable[..., object]] = {
    Op.LESS: np.less,
    Op.AT_MOST: np.less_equal,
    Op.ADD: np.add,
    Op.SUBTRACT: np.subtract,
    Op.MULTIPLY: np.multiply,
    Op.DIVIDE: np.divide,
    Op.AND: np.logical_and,
    Op.OR: np.logical_or,
    Op.NOT: np.logical_not,
    Op.CODE_SUBTRACT: np.subtract,
    Op.CODE_LARGER: np.maximum,
    Op.CODE_EQUAL: np.equal,
}
_NO_REGISTER = frozenset({Op.CONST, Op.CODE_CONST, Op.INPUT, Op.FLAG, Op.CODE_INPUT})
Inputs = Mapping[str, NDArray[np.generic]]
Outputs = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class LimitTable:
    """One row per demographic key, one column per limit or trait."""

    columns: Mapping[str, int]
    values: NDArray[np.float64]  # shape (limits, keys): each limit is contiguous

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one limit for every key."""
        column: NDArray[np.float64] = self.values[self.columns[name]]
        return column


class ColumnProgram:
    """A program bound to a limit table, with its registers planned once."""

    def __init__(self, program: Program, table: LimitTable) -> None:
        self._program = program
        self._tables = {
            number: self._table(step.op, table.column(str(step.value)))
            for number, step in enumerate(program.steps)
            if step.op in (Op.LIMIT, Op.TRAIT)
        }
        self._constants: dict[int, NDArray[np.generic]] = {}
        for number, step in enumerate(program.steps):
            if step.op is Op.CODE_CONST:
                self._constants[number] = np.array(step.value, dtype=np.int8)
            elif step.op is Op.CONST:
                self._constants[number] = np.array(step.value)
        self._targets: dict[int, str] = {}
        for name, node in program.outputs.items():
            if program.steps[node].op not in _NO_REGISTER:
                self._targets.setdefault(node, name)
        self._copies = [(name, node) for name, node in program.outputs.items() if self._targets.get(node) != name]
        self._registers, self._pool = self._plan()

    @staticmethod
    def _table(op: Op, column: NDArray[np.float64]) -> NDArray[np.generic]:
        return column.astype(np.bool_) if op is Op.TRAIT else column

    def _plan(self) -> tuple[dict[int, int], list[Kind]]:
        """Give each step a register that is free by then; an output is its own register."""
        last: dict[int, int] = {}
        for number, step in enumerate(self._program.steps):
            for argument in step.arguments:
                last[argument] = number
        free: dict[Kind, list[int]] = {kind: [] for kind in Kind}
        registers: dict[int, int] = {}
        pool: list[Kind] = []
        for number, step in enumerate(self._program.steps):
            if step.op in _NO_REGISTER or number in self._targets:
                self._free(step.arguments, number, last, registers, pool, free)
                continue
            kind = KIND[step.op]
            if free[kind]:
                registers[number] = free[kind].pop()
            else:
                registers[number] = len(pool)
                pool.append(kind)
            # Freed only after this step took its own register: a ufunc with out= an
            # argument would be safe, SELECT and SUM (several passes) would not.
            self._free(step.arguments, number, last, registers, pool, free)
        return registers, pool

    @staticmethod
    def _free(
        arguments: tuple[int, ...],
        number: int,
        last: dict[int, int],
        registers: dict[int, int],
        pool: list[Kind],
        free: dict[Kind, list[int]],
    ) -> None:
        for argument in set(arguments):
            if last[argument] == number and argument in registers:
                free[pool[registers[argument]]].append(registers[argument])

    def run(self, inputs: Inputs, keys: NDArray[np.intp], outputs: Outputs, start: int = 0) -> None:
        """Run over all rows of `inputs`, writing into `outputs` from row `start` on."""
        rows = len(keys)
        buffers: list[NDArray[np.generic]] = [np.empty(min(CHUNK, rows), dtype=_DTYPES[kind]) for kind in self._pool]
        with np.errstate(all="ignore"):
            for first in range(0, rows, CHUNK):
                stop = min(first + CHUNK, rows)
                part = slice(start + first, start + stop)
                targets = {node: outputs[name][part] for node, name in self._targets.items()}
                values = self._chunk(inputs, keys[first:stop], buffers, targets, first, stop)
                for name, node in self._copies:
                    outputs[name][part] = values[node]

    def _chunk(
        self,
        inputs: Inputs,
        keys: NDArray[np.intp],
        buffers: list[NDArray[np.generic]],
        targets: dict[int, NDArray[np.generic]],
        first: int,
        stop: int,
    ) -> list[NDArray[np.generic]]:
        size = stop - first
        values: list[NDArray[np.generic]] = []
        append, registers, constants, tables = values.append, self._registers, self._constants, self._tables
        for number, step in enumerate(self._program.steps):
            op = step.op
            if op in (Op.CONST, Op.CODE_CONST):
                append(constants[number])
                continue
            if op in (Op.INPUT, Op.FLAG, Op.CODE_INPUT):
                append(inputs[str(step.value)][first:stop])
                continue
            out = targets[number] if number in targets else buffers[registers[number]][:size]
            ufunc = _UFUNCS.get(op)
            if ufunc is not None:
                ufunc(*[values[a] for a in step.arguments], out=out)
            elif op in (Op.LIMIT, Op.TRAIT):
                tables[number].take(keys, out=out, mode="clip")
            else:
                _special(op, [values[a] for a in step.arguments], out, step.value)
            append(out)
        return values


def _special(
    op: Op,
    a: list[NDArray[np.generic]],
    out: NDArray[np.generic],
    value: object,
) -> None:
    if op is Op.PRESENT:
        np.equal(a[0], a[0], out=out)
    elif op is Op.CODE_SELECT:
        # b ^ ((a ^ b) & mask): a masked copy of bytes is 6 times slower (measured).
        np.negative(a[0].view(np.int8), out=out)
        np.bitwise_and(out, np.bitwise_xor(a[1], a[2]), out=out)
        np.bitwise_xor(out, a[2], out=out)
    elif op is Op.SELECT:
        np.copyto(out, a[2])
        np.copyto(out, a[1], where=a[0])
    elif op is Op.SMALLER:
        # Not np.fmin: NaN must behave as in the scalar printer, where `a < NaN` is false.
        np.copyto(out, a[1])
        np.copyto(out, a[0], where=np.less(a[0], a[1]))
    elif op is Op.LARGER:
        np.copyto(out, a[1])
        np.copyto(out, a[0], where=np.greater(a[0], a[1]))
    elif op is Op.SUM:
        np.copyto(out, np.array(value, dtype=np.int8))
        for term in a:
            np.add(out, term.view(np.int8), out=out)
    elif op is Op.CODE_AT_LEAST:
        np.greater_equal(a[0], np.array(value, dtype=np.int8), out=out)
    else:
        raise AssertionError(op)


def allocate(program: Program, rows: int) -> Outputs:
    """Make empty output columns for so many rows."""
    return {name: np.empty(rows, dtype=_DTYPES[kind_of(program, node)]) for name, node in program.outputs.items()}


def kind_of(program: Program, node: int) -> Kind:
    """Return what a step of a program yields."""
    step = program.steps[node]
    if step.op is Op.CONST:
        return Kind.BOOL if isinstance(step.value, bool) else Kind.FLOAT
    return KIND[step.op]
