"""A program as definitions of CQL: those steps that several others read get a name, the rest is written where it is used.

CQL has decimals with eight places in place of floats, no infinity, and truths that may be null; here a comparison with
null is false, as in the kernel, and what is more than any count stands for infinity.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from math import inf

from cbc_screen.exported.asked import CONSTANTS, INPUTS
from cbc_screen.kernel.program import Op, Program, Step

DECIMALS = 8
_GRAIN = Decimal(1).scaleb(-DECIMALS)
INFINITE = "1000000000000.0"
_TEXTS: Mapping[Op, str] = {
    Op.SELECT: "(if {0} then {1} else {2})",
    Op.AND: "({0} and {1})",
    Op.OR: "({0} or {1})",
    Op.NOT: "(not {0})",
    Op.PRESENT: "({0} is not null)",
    Op.LESS: "Coalesce({0} < {1}, false)",
    Op.AT_MOST: "Coalesce({0} <= {1}, false)",
    Op.ADD: "({0} + {1})",
    Op.SUBTRACT: "({0} - {1})",
    Op.MULTIPLY: "({0} * {1})",
    Op.DIVIDE: "(if Coalesce({1} = 0.0, false) then (if Coalesce({0} > 0.0, false) then {infinite} else null) else ({0} / {1}))",
    Op.SMALLER: "(if Coalesce({0} < {1}, false) then {0} else (if {0} is null then null else {1}))",
    Op.LARGER: "(if Coalesce({0} > {1}, false) then {0} else (if {0} is null then null else {1}))",
    Op.CODE_ADD: "({0} + {1})",
    Op.CODE_SUBTRACT: "({0} - {1})",
    Op.CODE_SELECT: "(if {0} then {1} else {2})",
    Op.CODE_LARGER: "(if {0} > {1} then {0} else {1})",
    Op.CODE_EQUAL: "({0} = {1})",
}
_TWICE = frozenset({Op.DIVIDE, Op.SMALLER, Op.LARGER, Op.CODE_LARGER})


_ESCAPES = str.maketrans({"'": r"\'", "\\": r"\\"})


def in_quotes(value: str) -> str:
    r"""Write a text.

    >>> print(in_quotes("ward's"))
    'ward\'s'
    """
    return f"'{value.translate(_ESCAPES)}'"


def decimal(value: float) -> str:
    """Write a number as a decimal of eight places.

    A limit just above a number of few places, which includes it, is the next decimal: no count lies between.
    """
    if value in (inf, -inf):
        return INFINITE if value > 0 else f"(-{INFINITE})"
    exact = Decimal(value)
    nearest = exact.quantize(_GRAIN, ROUND_HALF_EVEN)
    told = nearest if float(nearest) == value else exact.quantize(_GRAIN, ROUND_CEILING)
    text = f"{told.normalize():f}"
    text = text if "." in text else f"{text}.0"
    return text if told >= 0 else f"({text})"


class Definitions:
    """Writes a program. `names` is how each input and limit is read; with a prefix, shared steps become definitions."""

    def __init__(self, program: Program, names: Mapping[str, str], prefix: str | None) -> None:
        self._program, self._names, self._prefix = program, names, prefix
        self._uses = [0] * len(program.steps)
        for step in program.steps:
            for argument in step.arguments:
                self._uses[argument] += 2 if step.op in _TWICE else 1
        self.made: list[tuple[str, str]] = []
        self._texts: list[str] = []
        for number, step in enumerate(program.steps):
            self._texts.append(self._written(number, step))

    def __getitem__(self, output: str) -> str:
        return self._texts[self._program.outputs[output]]

    def _written(self, number: int, step: Step) -> str:
        text = self._text(step, [self._texts[argument] for argument in step.arguments])
        plain = step.op in INPUTS or step.op in CONSTANTS or step.op in (Op.LIMIT, Op.TRAIT)
        if self._prefix is None or plain or self._uses[number] < 2:
            return text
        name = f'"{self._prefix} {number}"'
        self.made.append((name, text))
        return name

    def _text(self, step: Step, arguments: list[str]) -> str:
        match step.op:
            case Op.INPUT | Op.FLAG | Op.CODE_INPUT | Op.LIMIT | Op.TRAIT:
                return self._names[str(step.value)]
            case Op.CONST | Op.CODE_CONST:
                return _constant(step.value)
            case Op.SUM:
                counted = [f"(if {own} then 1 else 0)" for own in arguments]
                return f"({' + '.join([*counted, str(step.value)] if step.value else counted)})"
            case Op.WEIGHTED if isinstance(step.value, tuple):
                pairs = zip(arguments, step.value, strict=True)
                return f"({' + '.join(f'(if {own} then {weight} else 0)' for own, weight in pairs)})"
            case Op.CODE_AT_LEAST:
                return f"({arguments[0]} >= {step.value})"
        return _TEXTS[step.op].format(*arguments, infinite=INFINITE)


def _constant(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return decimal(value) if value == value else "null"
    return str(value) if isinstance(value, int) and value >= 0 else f"(-{abs(int(str(value)))})"
