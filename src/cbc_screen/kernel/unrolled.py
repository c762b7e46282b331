"""A program of facts for persons of several keys at once.

It is written out for every key, with the key's limits and traits as constants. Steps that are equal under several keys are
made once, whatever depends on no key among them, and constants fold: for the 68 keys of a woman of unknown age a program of
2,170 steps becomes one of 15,300 and not of 147,000, and a row takes a thirtieth of the time (measured).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cbc_screen.kernel.fact_table import Join, join_of
from cbc_screen.kernel.program import Builder, Op, Program, Step
from cbc_screen.kernel.step_plan import Tables

_ARITHMETIC = frozenset((Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE, Op.SMALLER, Op.LARGER))
_MADE: Mapping[Op, Callable[..., int]] = {
    Op.AND: Builder.both,
    Op.OR: Builder.either,
    Op.NOT: Builder.negate,
    Op.LESS: Builder.less,
    Op.AT_MOST: Builder.at_most,
    Op.PRESENT: Builder.present,
    Op.SELECT: Builder.select,
    Op.CODE_ADD: Builder.code_add,
    Op.CODE_SUBTRACT: Builder.code_subtract,
    Op.CODE_SELECT: Builder.code_select,
    Op.CODE_LARGER: Builder.code_larger,
    Op.CODE_EQUAL: Builder.code_equal,
}


@dataclass(frozen=True)
class Unrolled:
    """A program that asks for no key.

    `flags` are joined by it. A code comes as the different ones that it is under the keys: `codes` names them.
    """

    program: Program
    flags: tuple[str, ...]
    codes: Mapping[str, tuple[str, ...]]


def unroll(program: Program, table: Tables, keys: Sequence[int]) -> Unrolled:
    """Write a program of facts out for persons who may have any of these keys, and join its flags."""
    builder, keyed = Builder(), _keyed(program)
    found: dict[str, dict[int, None]] = {name: {} for name in program.outputs}
    made = [-1] * len(program.steps)
    for number, key in enumerate(keys):
        _under(builder, program, table, key, made, keyed if number else range(len(made)))
        for name, node in program.outputs.items():
            found[name][made[node]] = None
    outputs, codes = dict[str, int](), dict[str, tuple[str, ...]]()
    for name, nodes in found.items():
        join = join_of(name)
        if join.is_of_codes:
            codes[name] = tuple(f"{name} {number}" for number in range(len(nodes)))
            outputs |= zip(codes[name], nodes, strict=True)
        else:
            outputs[name] = builder.all(nodes) if join is Join.EVERY else builder.any(nodes)
    return Unrolled(builder.program(outputs), tuple(outputs.keys() & program.outputs.keys()), codes)


def _keyed(program: Program) -> list[int]:
    """Return the steps that depend on the key."""
    found = set[int]()
    for place, step in enumerate(program.steps):
        if step.op in (Op.LIMIT, Op.TRAIT) or not found.isdisjoint(step.arguments):
            found.add(place)
    return sorted(found)


def _under(builder: Builder, program: Program, table: Tables, key: int, made: list[int], places: Sequence[int]) -> None:
    """Write some steps of a program out for one key: their nodes go into `made`."""
    for place in places:
        step = program.steps[place]
        if step.op is Op.LIMIT:
            limit = float(table.column(str(step.value))[key])
            made[place] = builder.nan() if limit != limit else builder.number(limit)
        elif step.op is Op.TRAIT:
            made[place] = builder.boolean(bool(table.trait(str(step.value))[key]))
        else:
            made[place] = _again(builder, step, [made[node] for node in step.arguments])


def _again(builder: Builder, step: Step, arguments: list[int]) -> int:
    """Make a step of other arguments, of which some may be constants now."""
    value = step.value
    if step.op in _MADE:
        return _MADE[step.op](builder, *arguments)
    if step.op in _ARITHMETIC:
        return builder.arithmetic(step.op, *arguments)
    if step.op is Op.CODE_AT_LEAST and isinstance(value, int):
        return builder.code_at_least(arguments[0], value)
    if step.op is Op.SUM:
        surely = value if isinstance(value, int) else 0
        return builder.sum([*arguments, *[builder.boolean(True)] * surely])
    if step.op is Op.WEIGHTED and isinstance(value, tuple):
        return builder.weighted(list(zip(arguments, value, strict=True)))
    if isinstance(value, float) and value != value:
        return builder.nan()
    return builder.step(step.op, *arguments, value=value)
