"""A program as levels of SQL: each level is a SELECT whose columns are expressions of the columns before it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf

from cbc_screen.exported.asked import CONSTANTS, INPUTS
from cbc_screen.exported.dialects import DialectWords
from cbc_screen.kernel.program import Op, Program, Step

_CODES: Mapping[Op, str] = {
    Op.SELECT: "CASE WHEN {0} THEN {1} ELSE {2} END",
    Op.AND: "({0} AND {1})",
    Op.OR: "({0} OR {1})",
    Op.NOT: "(NOT {0})",
    Op.PRESENT: "({0} IS NOT NULL)",
    # An absent number is NULL; a comparison with it is false, never unknown.
    Op.LESS: "(({0} < {1}) IS TRUE)",
    Op.AT_MOST: "(({0} <= {1}) IS TRUE)",
    Op.ADD: "({0} + {1})",
    Op.SUBTRACT: "({0} - {1})",
    Op.MULTIPLY: "({0} * {1})",
    Op.SMALLER: "CASE WHEN {0} < {1} THEN {0} WHEN {0} IS NOT NULL THEN {1} END",
    Op.LARGER: "CASE WHEN {0} > {1} THEN {0} WHEN {0} IS NOT NULL THEN {1} END",
    Op.CODE_ADD: "({0} + {1})",
    Op.CODE_SUBTRACT: "({0} - {1})",
    Op.CODE_SELECT: "CASE WHEN {0} THEN {1} ELSE {2} END",
    Op.CODE_LARGER: "CASE WHEN {0} > {1} THEN {0} ELSE {1} END",
    Op.CODE_EQUAL: "({0} = {1})",
}
_TWICE = frozenset({Op.SMALLER, Op.LARGER, Op.CODE_LARGER, Op.DIVIDE})
_ARITHMETIC = frozenset({Op.ADD, Op.SUBTRACT, Op.MULTIPLY})
_LONGEST = 1_500  # characters of an expression that is written where it is used
_DEEPEST = 24  # within one another
Select = list[tuple[str, str]]  # name and expression
Cell = tuple[str, str]  # a column, and an expression of it


@dataclass
class _Texts:
    """Each step as it is written where it is used: its text, the level that has what it reads, and its depth."""

    text: list[str] = field(default_factory=list)
    level: list[int] = field(default_factory=list)
    reads: list[frozenset[str]] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)


class Levels:
    """Prints a program. `names` gives, for each input and limit, the column that it stands in and how it is read."""

    def __init__(self, program: Program, words: DialectWords, names: Mapping[str, Cell], prefix: str) -> None:
        self._program, self._words, self._names, self._prefix = program, words, names, prefix
        self._uses = [0] * len(program.steps)
        for step in program.steps:
            for argument in step.arguments:
                self._uses[argument] += 2 if step.op in _TWICE else 1
        self._texts = _Texts()
        self._columns: dict[str, tuple[int, str, frozenset[str]]] = {}
        for number in range(len(program.steps)):
            self._write(number)

    def _write(self, number: int) -> None:
        step, own = self._program.steps[number], self._texts
        text = self._text(step, [own.text[argument] for argument in step.arguments])
        level = max((own.level[argument] for argument in step.arguments), default=0)
        depth = 1 + max((own.depth[argument] for argument in step.arguments), default=0)
        reads = frozenset().union(*(own.reads[argument] for argument in step.arguments))
        if step.op in INPUTS or step.op in (Op.LIMIT, Op.TRAIT):
            reads, depth = frozenset({self._names[str(step.value)][0]}), 0
        elif step.op not in CONSTANTS and (self._uses[number] > 1 or len(text) > _LONGEST or depth > _DEEPEST):
            name = f"{self._prefix}{number}"
            self._columns[name] = level, text, reads
            text, level, reads, depth = name, level + 1, frozenset({name}), 0
        own.text.append(text)
        own.level.append(level)
        own.reads.append(reads)
        own.depth.append(depth)

    def selects(self, outputs: Mapping[str, str], carried: Collection[str]) -> list[Select]:
        """Return the levels: the last one has the outputs, by the name of each, and every column that is carried."""
        places = {name: self._program.outputs[name] for name in outputs}
        last = max([self._texts.level[place] for place in places.values()], default=0)
        final = [(outputs[name], self._texts.text[place]) for name, place in places.items()]
        wanted: dict[str, int] = {}  # column: the last level that reads it
        self._want(wanted, frozenset().union(*(self._texts.reads[p] for p in places.values())), last)
        found: list[Select] = []
        for level in range(last):
            made = [(name, own[1]) for name, own in self._columns.items() if own[0] == level and name in wanted]
            kept = [
                (name, name)
                for name, until in wanted.items()
                if until > level and (self._columns[name][0] < level if name in self._columns else True)
            ]
            found.append([*((name, name) for name in carried), *kept, *made])
        return [*found, [*((name, name) for name in carried), *final]]

    def _want(self, wanted: dict[str, int], reads: Iterable[str], level: int) -> None:
        for name in sorted(reads):
            if wanted.get(name, -1) >= level:
                continue
            new = name not in wanted
            wanted[name] = level
            if new and name in self._columns:
                made, _, own = self._columns[name]
                self._want(wanted, own, made)

    def _text(self, step: Step, arguments: list[str]) -> str:
        match step.op:
            case Op.INPUT | Op.FLAG | Op.CODE_INPUT | Op.LIMIT | Op.TRAIT:
                return self._names[str(step.value)][1]
            case Op.CONST | Op.CODE_CONST:
                return self._constant(step.value)
            case Op.SUM:
                counted = [f"CASE WHEN {own} THEN 1 ELSE 0 END" for own in arguments]
                return f"({' + '.join([*counted, str(step.value)] if step.value else counted)})"
            case Op.WEIGHTED if isinstance(step.value, tuple):
                pairs = zip(arguments, step.value, strict=True)
                return f"({' + '.join(f'CASE WHEN {own} THEN {weight} ELSE 0 END' for own, weight in pairs)})"
            case Op.CODE_AT_LEAST:
                return f"({arguments[0]} >= {step.value})"
            case Op.DIVIDE:
                return self._divided(step, arguments)
        text = _CODES[step.op].format(*arguments)
        return self._checked(text) if step.op in _ARITHMETIC and not self._is_plain(step) else text

    def _constant(self, value: object) -> str:
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, float):
            return self._words.literal(value) if value == value else self._words.absent
        return str(value)

    def _checked(self, text: str) -> str:
        """Make NULL of what is no number: infinity less infinity, or none times infinity."""
        return f"NULLIF({text}, CAST('NaN' AS {self._words.number_type}))"

    def _is_plain(self, step: Step) -> bool:
        """Tell whether one of two numbers is a constant with which nothing comes out that is no number."""
        return any(self._finite(argument) for argument in step.arguments)

    def _finite(self, place: int) -> bool:
        value = self._program.steps[place].value
        constant = self._program.steps[place].op is Op.CONST and isinstance(value, float)
        return constant and isinstance(value, float) and 0 < abs(value) < inf

    def _divided(self, step: Step, arguments: list[str]) -> str:
        """Divide as IEEE 754 does, where a database would stop or say NULL."""
        over, under = arguments
        if self._finite(step.arguments[1]):
            return f"({over} / {under})"
        infinite, less = self._words.literal(inf), self._words.literal(-inf)
        by_none = f"CASE WHEN {over} > 0 THEN {infinite} WHEN {over} < 0 THEN {less} END"
        return f"CASE WHEN {under} = 0 THEN {by_none} ELSE {self._checked(f'{over} / {under}')} END"
