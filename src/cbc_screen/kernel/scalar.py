"""Print a program as a plain Python function over the numbers of one record.

The function is generated because an interpreter over the step list costs about 29
times more for one record (measured; benchmarks/kernel.py). The source is made of step
numbers and operators only: no text of a record or of a data file reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import copysign, inf, nan
from typing import cast

from cbc_screen.kernel.program import Op, Program

Scalar = Callable[[Mapping[str, float], Sequence[float]], tuple[float | int | bool, ...]]


def divide(a: float, b: float) -> float:
    """Divide as IEEE 754 does, where Python would raise."""
    if b == 0:
        return nan if a == 0 or a != a else copysign(inf, a) * copysign(1.0, b)
    return a / b


_TEMPLATES: Mapping[Op, str] = {
    Op.LESS: "{0} < {1}",
    Op.AT_MOST: "{0} <= {1}",
    Op.ADD: "{0} + {1}",
    Op.SUBTRACT: "{0} - {1}",
    Op.MULTIPLY: "{0} * {1}",
    Op.DIVIDE: "divide({0}, {1})",
    # An absent number stays absent, as in numpy.
    Op.SMALLER: "{0} if {0} < {1} or {0} != {0} else {1}",
    Op.LARGER: "{0} if {0} > {1} or {0} != {0} else {1}",
    Op.PRESENT: "{0} == {0}",
    Op.SELECT: "{1} if {0} else {2}",
    Op.AND: "{0} and {1}",
    Op.OR: "{0} or {1}",
    Op.NOT: "not {0}",
    Op.CODE_SUBTRACT: "{0} - {1}",
    Op.CODE_SELECT: "{1} if {0} else {2}",
    Op.CODE_LARGER: "{0} if {0} > {1} else {1}",
    Op.CODE_EQUAL: "{0} == {1}",
}


def compile_scalar(program: Program, columns: Mapping[str, int]) -> tuple[Scalar, tuple[str, ...]]:
    """Return the function and the names of its outputs.

    The function takes the record's inputs by name and the person's row of the limit
    table; `columns` gives the place of each limit in that row.
    """
    inputs: dict[str, str] = {}
    lines: list[str] = []
    for number, step in enumerate(program.steps):
        names = [f"s{a}" for a in step.arguments]
        if step.op in (Op.INPUT, Op.FLAG, Op.CODE_INPUT):
            inputs.setdefault(str(step.value), f"i{len(inputs)}")
            text = f"record[{inputs[str(step.value)]}]"
        elif step.op in (Op.LIMIT, Op.TRAIT):
            text = f"limits[{columns[str(step.value)]}]"
        elif step.op in (Op.CONST, Op.CODE_CONST):
            text = _constant(step.value)
        elif step.op is Op.SUM:
            text = " + ".join([*names, str(step.value)])
        elif step.op is Op.CODE_AT_LEAST:
            text = f"{names[0]} >= {step.value}"
        else:
            text = _TEMPLATES[step.op].format(*names)
        lines.append(f"    s{number} = {text}")
    outputs = tuple(program.outputs)
    result = ", ".join(f"s{program.outputs[name]}" for name in outputs)
    source = "\n".join(["def screen_one(record, limits):", *lines, f"    return ({result},)"])
    names_in_scope: dict[str, object] = {"divide": divide, "nan": nan, "inf": inf}
    names_in_scope.update({variable: name for name, variable in inputs.items()})
    exec(compile(source, "<cbc_screen scalar kernel>", "exec"), names_in_scope)
    return cast(Scalar, names_in_scope["screen_one"]), outputs


def _constant(value: object) -> str:
    if isinstance(value, float) and value != value:
        return "nan"
    if value in (inf, -inf):
        return "inf" if value == inf else "-inf"
    return repr(value)
