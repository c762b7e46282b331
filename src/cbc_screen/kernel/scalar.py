"""Print a program as a plain Python function over the numbers of one record.

The function is generated because an interpreter over the step list costs about 29
times more for one record (measured; benchmarks/kernel.py). The source is made of step
numbers and operators only: no text of a record or of a data file reaches it.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from math import inf, nan

from cbc_screen.kernel.printed import Printed, Scalar
from cbc_screen.kernel.program import Op, Program, Step

_TEMPLATES: Mapping[Op, str] = {
    Op.LESS: "{0} < {1}",
    Op.AT_MOST: "{0} <= {1}",
    Op.ADD: "{0} + {1}",
    Op.SUBTRACT: "{0} - {1}",
    Op.MULTIPLY: "{0} * {1}",
    Op.DIVIDE: "{0} / {1} if {1} else divide({0}, {1})",
    # An absent number stays absent, as in numpy.
    Op.SMALLER: "{0} if {0} < {1} or {0} != {0} else {1}",
    Op.LARGER: "{0} if {0} > {1} or {0} != {0} else {1}",
    Op.PRESENT: "{0} == {0}",
    Op.SELECT: "{1} if {0} else {2}",
    Op.AND: "{0} and {1}",
    Op.OR: "{0} or {1}",
    Op.NOT: "not {0}",
    Op.CODE_ADD: "{0} + {1}",
    Op.CODE_SUBTRACT: "{0} - {1}",
    Op.CODE_SELECT: "{1} if {0} else {2}",
    Op.CODE_LARGER: "{0} if {0} > {1} else {1}",
    Op.CODE_EQUAL: "{0} == {1}",
}
_REPEATED = frozenset(
    {Op.DIVIDE, Op.SMALLER, Op.LARGER, Op.PRESENT, Op.CODE_LARGER}
)  # write an argument more than once
_INPUTS = frozenset({Op.INPUT, Op.FLAG, Op.CODE_INPUT})
_ABSENT: Mapping[Op, float] = {Op.INPUT: nan, Op.FLAG: False}  # a code of joined facts always is there
_CONSTANTS = frozenset({Op.CONST, Op.CODE_CONST})
_DEEPEST = 40  # brackets within brackets; Python's parser gives up at 200


def print_scalar(program: Program, columns: Mapping[str, int]) -> Printed:
    """Print a program; `columns` gives the place of each limit in a person's row of limits."""
    printer = _Printer(program, columns)
    code = compile(printer.source(), "<cbc_screen scalar kernel>", "exec")
    absent = {str(step.value): _ABSENT[step.op] for step in program.steps if step.op in _ABSENT}
    return Printed(marshal.dumps(code), *printer.names(), absent)


def scalar_source(program: Program, columns: Mapping[str, int]) -> str:
    """Return the text of the function of a program, for a reader."""
    return _Printer(program, columns).source()


def compile_scalar(program: Program, columns: Mapping[str, int]) -> tuple[Scalar, tuple[str, ...]]:
    """Return the function of a program and the names of its outputs."""
    printed = print_scalar(program, columns)
    return printed.function().call, printed.outputs


class _Printer:
    """Writes a step that is used once where it is used: half the time of a name for every step (measured).

    Steps have no effects, so that one behind an `and` may also be left out.
    """

    def __init__(self, program: Program, columns: Mapping[str, int]) -> None:
        self._program, self._columns = program, columns
        self._inputs: dict[str, str] = {}
        self._uses = [0] * len(program.steps)
        for step in program.steps:
            for argument in step.arguments:
                self._uses[argument] += 2 if step.op in _REPEATED else 1
        for place in program.outputs.values():
            self._uses[place] += 2

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of the inputs that are read, and of the outputs."""
        return tuple(self._inputs), tuple(self._program.outputs)

    def source(self) -> str:
        """Return the source of the function."""
        texts: list[str] = []
        depths: list[int] = []
        lines: list[str] = []
        for number, step in enumerate(self._program.steps):
            text = self._text(step, [texts[argument] for argument in step.arguments])
            depth = 1 + max((depths[argument] for argument in step.arguments), default=0)
            if step.op in _CONSTANTS:
                texts.append(text)
                depths.append(0)
            elif self._uses[number] == 1 and depth < _DEEPEST:
                texts.append(f"({text})")
                depths.append(depth)
            else:
                lines.append(f"    s{number} = {text}")
                texts.append(f"s{number}")
                depths.append(0)
        result = ", ".join(texts[place] for place in self._program.outputs.values())
        return "\n".join(["def screen_one(record, limits):", *lines, f"    return ({result},)"])

    def _text(self, step: Step, arguments: Sequence[str]) -> str:
        if step.op in _INPUTS:
            return f"record[{self._inputs.setdefault(str(step.value), f'i{len(self._inputs)}')}]"
        if step.op in (Op.LIMIT, Op.TRAIT):
            return f"limits[{self._columns[str(step.value)]}]"
        if step.op in _CONSTANTS:
            return _constant(step.value)
        if step.op is Op.SUM:
            # Of one boolean too: the sum is a number.
            return " + ".join([*arguments, str(step.value)] if step.value or len(arguments) == 1 else arguments)
        if step.op is Op.WEIGHTED and isinstance(step.value, tuple):
            return " + ".join(f"({weight} if {a} else 0)" for a, weight in zip(arguments, step.value, strict=True))
        if step.op is Op.CODE_PACK and isinstance(step.value, tuple):
            return " + ".join(f"({a} << {at})" for a, at in zip(arguments, step.value, strict=True))
        if step.op is Op.CODE_AT_LEAST:
            return f"{arguments[0]} >= {step.value}"
        template = _TEMPLATES[step.op]
        if step.op is Op.DIVIDE and self._number(step.arguments[1]):
            template = "{0} / {1}"
        if step.op in (Op.SMALLER, Op.LARGER) and self._number(step.arguments[0]) is not None:
            template = template.replace(" or {0} != {0}", "")
        return template.format(*arguments)

    def _number(self, place: int) -> float | None:
        """Return a constant that is a number, or None."""
        value = self._program.steps[place].value
        constant = self._program.steps[place].op is Op.CONST and isinstance(value, float) and value == value
        return float(value) if constant and isinstance(value, float) else None


def _constant(value: object) -> str:
    if isinstance(value, float) and value != value:
        return "nan"
    if value in (inf, -inf):
        return "inf" if value == inf else "(-inf)"
    return (
        repr(value) if isinstance(value, bool) or not isinstance(value, int | float) or value >= 0 else f"({value!r})"
    )
