"""Run a program over columns, one cache-sized chunk at a time.

Measured reasons (docs/performance.md): chunks of 32k rows stay in the cache; buffers
are assigned like registers and reused; zero-dimensional array constants and bound
ufuncs cut the dispatch; every limit is one `take` from a small table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
    Op.CODE_EQUAL: np.equal,
}
_BINARY, _UNARY, _TAKE, _SELECT, _SPECIAL = range(5)
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
        # Thresholds of codes lie behind the steps.
        self._thresholds: dict[object, int] = {}
        for step in program.steps:
            if step.op is Op.CODE_AT_LEAST and step.value not in self._thresholds:
                place = self._thresholds[step.value] = len(program.steps) + len(self._thresholds)
                self._constants[place] = np.array(step.value, dtype=np.int8)
        self._targets: dict[int, str] = {}
        for name, node in program.outputs.items():
            if program.steps[node].op not in _NO_REGISTER:
                self._targets.setdefault(node, name)
        self._copies = [(name, node) for name, node in program.outputs.items() if self._targets.get(node) != name]
        self._registers, self._pool = self._assign_registers()
        self._inputs = [
            (number, str(step.value))
            for number, step in enumerate(program.steps)
            if step.op in (Op.INPUT, Op.FLAG, Op.CODE_INPUT)
        ]
        self._plan = self._make_plan()

    @staticmethod
    def _table(op: Op, column: NDArray[np.float64]) -> NDArray[np.generic]:
        return column.astype(np.bool_) if op is Op.TRAIT else column

    def _assign_registers(self) -> tuple[dict[int, int], list[Kind]]:
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
        values: list[Any] = []
        with np.errstate(all="ignore"):
            for first in range(0, rows, CHUNK):
                stop = min(first + CHUNK, rows)
                if first == 0 or stop - first < CHUNK:
                    values = self._values(buffers, stop - first)
                for node, name in self._inputs:
                    values[node] = inputs[name][first:stop]
                part = slice(start + first, start + stop)
                for node, name in self._targets.items():
                    values[node] = outputs[name][part]
                self._execute(values, keys[first:stop])
                for name, node in self._copies:
                    outputs[name][part] = values[node]

    def _values(self, buffers: list[NDArray[np.generic]], size: int) -> list[Any]:
        """Lay constants and registers out by step; inputs and outputs are filled in by chunk."""
        values: list[Any] = [None] * (len(self._program.steps) + len(self._thresholds))
        for number, constant in self._constants.items():
            values[number] = constant
        for number, register in self._registers.items():
            values[number] = buffers[register][:size]
        return values

    def _execute(self, values: list[Any], keys: NDArray[np.intp]) -> None:
        # One flat loop: at 32k rows a logical step takes a microsecond, as long as
        # deciding what to do with it would.
        for kind, call, a, b, out, extra in self._plan:
            if kind == _BINARY:
                call(values[a], values[b], values[out])
            elif kind == _UNARY:
                call(values[a], values[out])
            elif kind == _TAKE:
                call(keys, 0, values[out], "clip")
            elif kind == _SELECT:
                _select_code(values[a], values[b], values[extra], values[out])
            else:
                _special(extra[0], [values[i] for i in extra[1]], values[out], extra[2])

    def _make_plan(self) -> list[tuple[int, Any, int, int, int, Any]]:
        plan: list[tuple[int, Any, int, int, int, Any]] = []
        for number, step in enumerate(self._program.steps):
            ufunc = _UFUNCS.get(step.op)
            if step.op in _NO_REGISTER:
                continue
            if step.op is Op.PRESENT:
                plan.append((_BINARY, np.equal, step.arguments[0], step.arguments[0], number, None))
            elif step.op is Op.CODE_AT_LEAST:
                plan.append((_BINARY, np.greater_equal, step.arguments[0], self._thresholds[step.value], number, None))
            elif ufunc is not None and len(step.arguments) == 2:
                plan.append((_BINARY, ufunc, *step.arguments, number, None))
            elif ufunc is not None:
                plan.append((_UNARY, ufunc, step.arguments[0], 0, number, None))
            elif step.op is Op.CODE_SELECT:
                condition, a, b = step.arguments
                plan.append((_SELECT, None, condition, a, number, b))
            elif step.op in (Op.LIMIT, Op.TRAIT):
                plan.append((_TAKE, self._tables[number].take, 0, 0, number, None))
            else:
                plan.append((_SPECIAL, None, 0, 0, number, (step.op, step.arguments, step.value)))
        return plan


def _select_code(condition: NDArray[Any], a: NDArray[Any], b: NDArray[Any], out: NDArray[Any]) -> None:
    # b ^ ((a ^ b) & mask): a masked copy of bytes is 6 times slower (measured).
    np.negative(condition.view(np.int8), out)
    np.bitwise_and(out, np.bitwise_xor(a, b), out)
    np.bitwise_xor(out, b, out)


def _special(
    op: Op,
    a: list[NDArray[np.generic]],
    out: NDArray[np.generic],
    value: object,
) -> None:
    if op is Op.SELECT:
        np.copyto(out, a[2])
        np.copyto(out, a[1], where=a[0])
    elif op is Op.SMALLER:
        np.minimum(a[0], a[1], out=out)
    elif op in (Op.LARGER, Op.CODE_LARGER):
        np.maximum(a[0], a[1], out=out)
    elif op is Op.SUM:
        np.copyto(out, np.array(value, dtype=np.int8))
        for term in a:
            np.add(out, term.view(np.int8), out=out)
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
