"""Lower a program to floats and single bits, eight rows to a byte (one file: every operation on bits).

A comparison of 32k rows yields 4 kB of bits, so a logical step costs its dispatch and
little more (measured; docs/performance.md). Codes become bit planes: a code is a base
plus an unsigned number in binary, a sum is a row of adders, a choice a few logical steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest
from math import inf, nextafter
from typing import Protocol

from cbc_screen.kernel.chains import first_that, origin
from cbc_screen.kernel.program import Op, Program, Step, needed


class Bit(StrEnum):
    """The operations that yield bits. Arguments are earlier nodes, of floats or of bits."""

    LESS = "less"
    PRESENT = "present"
    FLAG = "flag"
    TRAIT = "trait"
    PLANE = "plane"  # one bit of a code that comes in, by (name, place)
    AND = "and"
    OR = "or"
    XOR = "xor"
    NOT = "not"


FALSE, TRUE = -1, -2
LOW, HIGH = ".low", ".high"  # the inputs that are the ends of an interval
# Codes that come in (joined facts) lie below this; checked where they are packed.
CODE_INPUT_PLANES = 4


@dataclass(frozen=True, slots=True)
class BitNode:
    """One operation; a float operation of the program, or a bit operation."""

    op: Op | Bit
    arguments: tuple[int, ...] = ()
    value: object = None


@dataclass(frozen=True, slots=True)
class BitCode:
    """A small number in bits: `base` plus the planes in binary, lowest first."""

    base: int
    planes: tuple[int, ...] = ()

    @property
    def most(self) -> int:
        """The largest number the planes can hold."""
        return self.base + (1 << len(self.planes)) - 1


@dataclass(frozen=True)
class Lowered:
    """The nodes that are needed, in order, and the bits (or the float) of each output.

    A place of FALSE or TRUE is a constant bit.
    """

    nodes: tuple[BitNode, ...]
    flags: Mapping[str, int]
    codes: Mapping[str, BitCode]
    floats: Mapping[str, int]


class Table(Protocol):
    """What is known of the limits of all persons before any row is seen."""

    def presence(self, name: str) -> str | None:
        """Return the name of the trait that tells who has a limit, or None where everybody has."""
        ...

    def only(self, name: str) -> float | None:
        """Return the one number a limit has wherever it is present, or None where it varies."""
        ...


@dataclass
class _Lowering:
    table: Table
    nodes: list[BitNode] = field(default_factory=list)
    _index: dict[tuple[object, ...], int] = field(default_factory=dict)

    def node(self, op: Op | Bit, *arguments: int, value: object = None) -> int:
        key = (op, arguments, type(value).__name__, value)
        found = self._index.get(key)
        if found is None:
            self.nodes.append(BitNode(op, arguments, value))
            found = self._index[key] = len(self.nodes) - 1
        return found

    # Bits ------------------------------------------------------------------------

    def both(self, a: int, b: int) -> int:
        if FALSE in (a, b) or self._opposite(a, b):
            return FALSE
        if a in (TRUE, b):
            return b
        return a if b == TRUE else self.node(Bit.AND, *sorted((a, b)))

    def either(self, a: int, b: int) -> int:
        if TRUE in (a, b) or self._opposite(a, b):
            return TRUE
        if a in (FALSE, b):
            return b
        return a if b == FALSE else self.node(Bit.OR, *sorted((a, b)))

    def differ(self, a: int, b: int) -> int:
        for x, y in ((a, b), (b, a)):
            if x == FALSE:
                return y
            if x == TRUE:
                return self.negate(y)
        if a == b:
            return FALSE
        return TRUE if self._opposite(a, b) else self.node(Bit.XOR, *sorted((a, b)))

    def negate(self, a: int) -> int:
        if a in (FALSE, TRUE):
            return TRUE if a == FALSE else FALSE
        node = self.nodes[a]
        return node.arguments[0] if node.op is Bit.NOT else self.node(Bit.NOT, a)

    def _opposite(self, a: int, b: int) -> bool:
        if a < 0 or b < 0:
            return {a, b} == {FALSE, TRUE}
        return (self.nodes[a].op is Bit.NOT and self.nodes[a].arguments[0] == b) or (
            self.nodes[b].op is Bit.NOT and self.nodes[b].arguments[0] == a
        )

    def choose(self, condition: int, a: int, b: int) -> int:
        """Return a where the condition holds, else b."""
        if condition in (FALSE, TRUE) or a == b:
            return a if condition == TRUE or a == b else b
        if TRUE in (a, b) or FALSE in (a, b):
            return self.either(self.both(condition, a), self.both(self.negate(condition), b))
        return self.differ(b, self.both(condition, self.differ(a, b)))

    def present(self, number: int) -> int:
        """Tell whether a float is there; a constant and a full limit table always are."""
        node = self.nodes[number]
        if node.op is Op.CONST:
            return TRUE if node.value == node.value else FALSE
        if node.op is Op.LIMIT:
            trait = self.table.presence(str(node.value))
            return TRUE if trait is None else self.node(Bit.TRAIT, value=trait)
        if node.op is Op.INPUT and str(node.value).endswith(HIGH):
            # Both ends of an interval are there, or none (`Interval`).
            number = self.node(Op.INPUT, value=str(node.value).removesuffix(HIGH) + LOW)
        first, _ = origin(self.nodes, number)
        return self.node(Bit.PRESENT, number) if first == number else self.present(first)

    def less(self, a: int, b: int) -> int:
        """Compare two floats; a limit that is one number wherever it is present is that constant."""
        if self.nodes[a].op is Op.CONST and self.nodes[b].op is Op.LARGER:
            parts = self._parts_beyond(a, b)
            if parts is not None:
                return parts
        there = TRUE
        operands = []
        for number in (a, b):
            node = self.nodes[number]
            only = self.table.only(str(node.value)) if node.op is Op.LIMIT else None
            if only is not None:
                there = self.both(there, self.present(number))
                number = self.node(Op.CONST, value=only)
            operands.append(number)
        return self.both(there, self._less_at_origin(*operands))

    def _less_at_origin(self, a: int, b: int) -> int:
        """Compare two numbers; one that grows with another is compared with a constant where that begins."""
        constant, grown = (a, b) if self.nodes[a].op is Op.CONST else (b, a)
        first, steps = origin(self.nodes, grown)
        limit = self.nodes[constant].value
        if not steps or self.nodes[constant].op is not Op.CONST or not isinstance(limit, float) or limit != limit:
            return self.node(Bit.LESS, a, b)
        above = constant == a
        reached = first_that(steps, (lambda x: x > limit) if above else (lambda x: x >= limit))
        if reached is None:
            return FALSE if above else self.present(first)
        if reached == -inf:
            return self.present(first) if above else FALSE
        if above:  # what it begins with may be the larger of two numbers
            return self.less(self.node(Op.CONST, value=nextafter(reached, -inf)), first)
        return self.less(first, self.node(Op.CONST, value=reached))

    def _parts_beyond(self, constant: int, larger: int) -> int | None:
        """Tell whether a constant is below the larger of two numbers, from the numbers themselves.

        Only where that is the same for absent numbers too: beside a constant, which is never
        absent, and for the two differences of a pair, which are absent together.
        """
        a, b = self.nodes[larger].arguments
        value = self.nodes[constant].value
        assert isinstance(value, float)
        for x, y in ((a, b), (b, a)):
            least = self.nodes[y].value
            if self.nodes[y].op is Op.CONST and isinstance(least, float) and least <= value:
                return self.less(constant, x)
        one, other = self.nodes[a], self.nodes[b]
        if one.op is other.op is Op.SUBTRACT and one.arguments == other.arguments[::-1]:
            # x - y is exactly the negative of y - x.
            return self.either(self.less(constant, a), self.less(a, self.node(Op.CONST, value=-value)))
        return None

    def at_most(self, a: int, b: int) -> int:
        # Of two numbers that are there, one is at most the other unless it is above it:
        # the comparison is shared with the opposite predicate. What is above is there, so
        # one step takes it away.
        there = self.both(self.present(a), self.present(b))
        return self.differ(there, self.less(b, a))

    # Codes -----------------------------------------------------------------------

    def add(self, a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
        """Add two numbers in binary."""
        result: list[int] = []
        carry = FALSE
        for x, y in zip_longest(a, b, fillvalue=FALSE):
            half = self.differ(x, y)
            result.append(self.differ(half, carry))
            carry = self.either(self.both(x, y), self.both(half, carry))
        return (*result, carry) if carry != FALSE else tuple(result)

    def count(self, bits: Sequence[int], base: int) -> BitCode:
        """Count the bits that are set."""
        free = [bit for bit in bits if bit not in (FALSE, TRUE)]
        return self.adders([free], base + sum(bit == TRUE for bit in bits))

    def weighted(self, bits: Sequence[int], weights: Sequence[int]) -> BitCode:
        """Add the weights of the bits that are set; a weight below 0 counts where its bit is not set."""
        base = sum(weight for weight in weights if weight < 0)
        columns: list[list[int]] = []
        for bit, weight in zip(bits, weights, strict=True):
            own = bit if weight > 0 else self.negate(bit)
            if own in (FALSE, TRUE):
                base += abs(weight) if own == TRUE else 0
                continue
            for place in range(abs(weight).bit_length()):
                while len(columns) <= place:
                    columns.append([])
                if abs(weight) >> place & 1:
                    columns[place].append(own)
        return self.adders(columns or [[]], base)

    def adders(self, columns: list[list[int]], base: int) -> BitCode:
        """Add bits of the weights 1, 2, 4 and so on: adders of three bits of equal weight."""
        place = 0
        while place < len(columns):
            column = columns[place]
            while len(column) > 1:
                if place + 1 == len(columns):
                    columns.append([])
                a, b = column.pop(0), column.pop(0)
                c = column.pop(0) if column else FALSE
                half = self.differ(a, b)
                column.append(self.differ(half, c))
                carry = self.either(self.both(a, b), self.both(half, c))
                if carry != FALSE:
                    columns[place + 1].append(carry)
            place += 1
        planes = tuple(column[0] if column else FALSE for column in columns)
        return self.code(base, planes)

    @staticmethod
    def code(base: int, planes: Sequence[int]) -> BitCode:
        """Make a code without empty planes at the top."""
        kept = list(planes)
        while kept and kept[-1] == FALSE:
            kept.pop()
        return BitCode(base, tuple(kept))

    def from_base(self, code: BitCode, base: int) -> tuple[int, ...]:
        """Return the planes of a code counted from a base that is not above its own."""
        more = code.base - base
        constant = [TRUE if more >> place & 1 else FALSE for place in range(more.bit_length())]
        return self.add(code.planes, constant)

    def plus(self, a: BitCode, b: BitCode) -> BitCode:
        return self.code(a.base + b.base, self.add(a.planes, b.planes))

    def pack(self, codes: Sequence[BitCode], starts: Sequence[int]) -> BitCode:
        """Put numbers side by side; their bases are added to what comes out."""
        base, planes = 0, list[int]()
        for code, start in zip(codes, starts, strict=True):
            assert len(planes) <= start, "a number reaches the next"
            planes += [FALSE] * (start - len(planes)) + list(code.planes)
            base += code.base << start
        return self.code(base, planes)

    def subtract(self, a: BitCode, b: BitCode) -> BitCode:
        # a - b = a + not b - (2^k - 1), k planes of b
        inverted = [self.negate(bit) for bit in b.planes]
        return self.code(a.base - b.base - (1 << len(b.planes)) + 1, self.add(a.planes, inverted))

    def select(self, condition: int, a: BitCode, b: BitCode) -> BitCode:
        base = min(a.base, b.base)
        pairs = zip_longest(self.from_base(a, base), self.from_base(b, base), fillvalue=FALSE)
        return self.code(base, [self.choose(condition, x, y) for x, y in pairs])

    def at_least(self, code: BitCode, threshold: int) -> int:
        least = threshold - code.base
        if least <= 0:
            return TRUE
        if threshold > code.most:
            return FALSE
        result = TRUE
        for place, bit in enumerate(code.planes):
            result = self.both(bit, result) if least >> place & 1 else self.either(bit, result)
        return result

    def reaches(self, a: BitCode, b: BitCode) -> int:
        """Tell whether a is at least b."""
        base = min(a.base, b.base)
        result = TRUE
        for x, y in zip_longest(self.from_base(a, base), self.from_base(b, base), fillvalue=FALSE):
            above = self.both(x, self.negate(y))
            result = self.either(above, self.both(self.negate(self.differ(x, y)), result))
        return result

    def equal(self, a: BitCode, b: BitCode) -> int:
        base = min(a.base, b.base)
        result = TRUE
        for x, y in zip_longest(self.from_base(a, base), self.from_base(b, base), fillvalue=FALSE):
            result = self.both(result, self.negate(self.differ(x, y)))
        return result


def lower(program: Program, table: Table) -> Lowered:
    """Lower a program against the limits it will be run with."""
    build = _Lowering(table)
    values: list[int | BitCode] = []
    for step in program.steps:
        values.append(_lower_step(build, step, [values[a] for a in step.arguments]))
    flags: dict[str, int] = {}
    codes: dict[str, BitCode] = {}
    floats: dict[str, int] = {}
    for name, place in program.outputs.items():
        value = values[place]
        if isinstance(value, BitCode):
            codes[name] = value
        elif value < 0 or isinstance(build.nodes[value].op, Bit):
            flags[name] = value
        else:
            floats[name] = value
    return _needed(build.nodes, flags, codes, floats)


def _lower_step(build: _Lowering, step: Step, arguments: list[int | BitCode]) -> int | BitCode:
    bits = [a for a in arguments if isinstance(a, int)]
    codes = [a for a in arguments if isinstance(a, BitCode)]
    match step.op:
        case Op.CONST if isinstance(step.value, bool):
            return TRUE if step.value else FALSE
        case Op.LESS:
            return build.less(*bits)
        case Op.AT_MOST:
            return build.at_most(*bits)
        case Op.PRESENT:
            return build.present(*bits)
        case Op.FLAG:
            return build.node(Bit.FLAG, value=step.value)
        case Op.TRAIT:
            return build.node(Bit.TRAIT, value=step.value)
        case Op.AND:
            return build.both(*bits)
        case Op.OR:
            return build.either(*bits)
        case Op.NOT:
            return build.negate(*bits)
        case Op.SUM:
            return build.count(bits, _whole(step.value))
        case Op.WEIGHTED:
            assert isinstance(step.value, tuple)
            return build.weighted(bits, step.value)
        case Op.CODE_ADD:
            return build.plus(*codes)
        case Op.CODE_PACK:
            assert isinstance(step.value, tuple)
            return build.pack(codes, step.value)
        case Op.CODE_CONST:
            return BitCode(_whole(step.value))
        case Op.CODE_INPUT:
            planes = range(CODE_INPUT_PLANES)
            return BitCode(0, tuple(build.node(Bit.PLANE, value=(step.value, place)) for place in planes))
        case Op.CODE_SUBTRACT:
            return build.subtract(*codes)
        case Op.CODE_SELECT:
            return build.select(bits[0], *codes)
        case Op.CODE_LARGER:
            return build.select(build.reaches(*codes), *codes)
        case Op.CODE_AT_LEAST:
            return build.at_least(codes[0], _whole(step.value))
        case Op.CODE_EQUAL:
            return build.equal(*codes)
        case Op.SELECT if bits[0] in (FALSE, TRUE):
            return bits[1] if bits[0] == TRUE else bits[2]
        case _:
            return build.node(step.op, *bits, value=step.value)


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


def _needed(
    nodes: Sequence[BitNode], flags: Mapping[str, int], codes: Mapping[str, BitCode], floats: Mapping[str, int]
) -> Lowered:
    """Keep what the outputs need, each as late as possible: few registers are live at a time."""
    roots = [*flags.values(), *(plane for code in codes.values() for plane in code.planes), *floats.values()]
    order = needed((root for root in roots if root >= 0), lambda node: nodes[node].arguments)
    place = {FALSE: FALSE, TRUE: TRUE, **{node: position for position, node in enumerate(order)}}
    kept = tuple(BitNode(nodes[n].op, tuple(place[a] for a in nodes[n].arguments), nodes[n].value) for n in order)
    return Lowered(
        kept,
        {name: place[node] for name, node in flags.items()},
        {name: BitCode(code.base, tuple(place[p] for p in code.planes)) for name, code in codes.items()},
        {name: place[node] for name, node in floats.items()},
    )
