"""How a number of a table is read: the interval that it allows and why it is not used, as steps of a program.

`normalize.value` reads the cells of files; here the same is said of a number in its canonical unit with a sign
beside it, for languages in which no cell has a unit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, nextafter

from cbc_screen.kernel.program import Builder, Op, Program
from cbc_screen.knowledge.agreement import Way
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.normalize.agreement import confirmed
from cbc_screen.normalize.value import HALF
from cbc_screen.vocabulary import Comparator, Reason

SIGNS = (Comparator.BELOW, Comparator.AT_MOST, Comparator.AT_LEAST, Comparator.ABOVE)
# No count is so small or so large; between them no product leaves the numbers that every database has.
_SMALLEST, _LARGEST, _LARGEST_DECIMAL = 1e-100, 1e100, 1e11
# Times this the number just below comes out, and over it the one just above.
JUST_BELOW = nextafter(1.0, 0.0)
READ_REASONS = (
    Reason.VALUE_MISSING,
    Reason.NUMBER_UNREADABLE,
    Reason.NUMBER_NOT_FINITE,
    Reason.NUMBER_NEGATIVE,
    Reason.NUMBER_IMPLAUSIBLE,
    Reason.CENSORED_LOW,
    Reason.CENSORED_HIGH,
)
NOTHING = "record.nothing"  # no result of the blood count at all


@dataclass(frozen=True)
class Columns:
    """What a table has: results, signs beside them, ranges that came with them."""

    analytes: Mapping[str, Analyte]
    signed: frozenset[str]
    reported: Mapping[str, frozenset[str]]  # analyte to "lower" and "upper"
    decimals: int | None = None  # of the numbers, where they are decimals and no floats


@dataclass(frozen=True)
class _Cell:
    """One result, before the others of its count have confirmed it."""

    low: int
    high: int
    number: int  # as it stands
    point: int  # the number, where it is one and believed
    there: int
    unsigned: int
    implausible: int
    faults: Mapping[Reason, int]  # that leave nothing of the number
    censored: Mapping[Reason, int]


class _Number:
    """A number of a program with the signs of arithmetic, so that `confirmed` can be asked."""

    def __init__(self, builder: Builder, node: int) -> None:
        self.b, self.node = builder, node

    def _with(self, op: Op, left: object, right: object) -> _Number:
        nodes = [own.node if isinstance(own, _Number) else self.b.number(float(str(own))) for own in (left, right)]
        return _Number(self.b, self.b.arithmetic(op, *nodes))

    def __mul__(self, other: object) -> _Number:
        return self._with(Op.MULTIPLY, self, other)

    def __rmul__(self, other: object) -> _Number:
        return self._with(Op.MULTIPLY, other, self)

    def __truediv__(self, other: object) -> _Number:
        return self._with(Op.DIVIDE, self, other)

    def __sub__(self, other: object) -> _Number:
        return self._with(Op.SUBTRACT, self, other)

    def __abs__(self) -> _Number:
        return self._with(Op.LARGER, self, self._with(Op.SUBTRACT, 0.0, self))

    def __le__(self, other: _Number) -> _Flag:
        return _Flag(self.b, self.b.at_most(self.node, other.node))

    def __gt__(self, other: _Number) -> _Flag:
        return _Flag(self.b, self.b.less(other.node, self.node))


class _Flag:
    """A truth of a program with the signs of logic."""

    def __init__(self, builder: Builder, node: int) -> None:
        self.b, self.node = builder, node

    def __ror__(self, other: object) -> _Flag:
        return _Flag(self.b, self.b.either(self.b.boolean(bool(other)), self.node))

    def __or__(self, other: _Flag) -> _Flag:
        return _Flag(self.b, self.b.either(self.node, other.node))

    def __and__(self, other: _Flag) -> _Flag:
        return _Flag(self.b, self.b.both(self.node, other.node))

    def __xor__(self, other: object) -> _Flag:
        return _Flag(self.b, self.b.negate(self.node) if other else self.node)


def read_cells(columns: Columns, ways: Mapping[str, tuple[Way, ...]]) -> Program:
    """Return the program that reads the cells of a row.

    It takes `analyte.value`, `analyte.sign:<` and so on, and `analyte.stated_lower`; it gives what the kernel takes,
    `analyte.because:REASON` for each reason, and `NOTHING`.
    """
    b = Builder()
    cells = {name: _cell(b, analyte, columns) for name, analyte in columns.analytes.items()}
    points = {name: _Number(b, cell.point) for name, cell in cells.items()}
    outputs: dict[str, int] = {}
    for name, cell in cells.items():
        believed = _believed(b, cell, ways.get(name, ()), points)
        doubt = b.both(cell.implausible, b.negate(believed))
        void = b.any([*cell.faults.values(), doubt])
        outputs[f"{name}.low"] = b.select(void, b.number(0.0), b.select(cell.there, cell.low, b.nan()))
        outputs[f"{name}.high"] = b.select(void, b.number(inf), b.select(cell.there, cell.high, b.nan()))
        outputs |= _reasons(b, name, cell, doubt)
        usable = b.both(cell.there, b.negate(void))
        for side in sorted(columns.reported.get(name, ())):
            stated = b.step(Op.INPUT, value=f"{name}.stated_{side}")
            outputs[f"{name}.reported_{side}"] = b.select(usable, stated, b.nan())
        for side in sorted({"lower", "upper"} - columns.reported.get(name, frozenset({"lower", "upper"}))):
            outputs[f"{name}.reported_{side}"] = b.nan()
    there = [cell.there for name, cell in cells.items() if columns.analytes[name].counted]
    outputs[NOTHING] = b.negate(b.any(there))
    return b.program(outputs)


def _cell(b: Builder, analyte: Analyte, columns: Columns) -> _Cell:
    name, nothing = analyte.id, b.number(0.0)
    value = b.step(Op.INPUT, value=f"{name}.value")
    signed = {sign: _sign(b, name, sign, columns) for sign in SIGNS}
    odd = b.step(Op.FLAG, value=f"{name}.sign:?") if name in columns.signed else b.boolean(False)
    below, above = (b.either(signed[one], signed[other]) for one, other in (SIGNS[:2], SIGNS[2:]))
    unsigned = b.negate(b.any([below, above, odd]))
    missing = b.both(b.negate(b.present(value)), b.negate(unsigned))
    infinite = b.either(b.at_most(b.number(inf), value), b.at_most(value, b.number(-inf)))
    none = b.both(signed[Comparator.BELOW], b.at_most(value, nothing))  # nothing is less than none
    negative = b.both(b.negate(infinite), b.either(b.less(value, nothing), none))
    positive = b.less(nothing, value)
    largest = _LARGEST if columns.decimals is None else _LARGEST_DECIMAL
    held = b.step(Op.SMALLER, b.step(Op.LARGER, value, b.number(_SMALLEST)), b.number(largest))
    number = b.select(positive, held, nothing)
    low, high = _opened(b, number, signed, columns.decimals)
    zero = b.boolean(False)
    if analyte.zero_below is not None:
        zero = b.both(unsigned, b.negate(positive))
        most = _before(min(analyte.zero_below, HALF), columns.decimals)
        high = b.select(zero, b.number(most), high)
    least, most = (b.number(limit) for limit in analyte.plausible)
    known = b.both(b.present(value), b.negate(b.any([odd, infinite, negative])))
    too_low = b.both(b.less(high, least), b.negate(below))
    implausible = b.both(known, b.either(too_low, b.less(most, low)))
    exact = b.all([known, unsigned, b.negate(zero), b.negate(implausible)])
    return _Cell(
        low=low,
        high=high,
        number=number,
        point=b.select(exact, number, b.nan()),
        there=b.either(b.present(value), missing),
        unsigned=unsigned,
        implausible=implausible,
        faults={
            Reason.VALUE_MISSING: missing,
            Reason.NUMBER_UNREADABLE: b.both(odd, b.negate(missing)),
            Reason.NUMBER_NOT_FINITE: b.both(infinite, b.negate(odd)),
            Reason.NUMBER_NEGATIVE: b.both(negative, b.negate(odd)),
        },
        censored={Reason.CENSORED_LOW: b.both(known, below), Reason.CENSORED_HIGH: b.both(known, above)},
    )


def _sign(b: Builder, name: str, sign: Comparator, columns: Columns) -> int:
    return b.step(Op.FLAG, value=f"{name}.sign:{sign}") if name in columns.signed else b.boolean(False)


def _opened(b: Builder, number: int, signed: Mapping[Comparator, int], decimals: int | None) -> tuple[int, int]:
    """Open one end: "<10" is every number from 0 to just under 10 (`value.opened_by` for a program)."""
    positive = b.less(b.number(0.0), number)
    if decimals is None:
        under = b.step(Op.MULTIPLY, number, b.number(JUST_BELOW))
        over = b.select(positive, b.step(Op.DIVIDE, number, b.number(JUST_BELOW)), b.number(_SMALLEST))
    else:
        least = b.number(10.0**-decimals)
        under, over = b.step(Op.SUBTRACT, number, least), b.step(Op.ADD, number, least)
    below, at_most, at_least, above = (signed[sign] for sign in SIGNS)
    low = b.select(b.either(below, at_most), b.number(0.0), b.select(above, over, number))
    high = b.select(below, under, b.select(b.either(at_least, above), b.number(inf), number))
    return low, high


def _before(number: float, decimals: int | None) -> float:
    """Return the number just below another."""
    return nextafter(number, -inf) if decimals is None else round(number - 10.0**-decimals, decimals)


def _believed(b: Builder, cell: _Cell, ways: tuple[Way, ...], points: Mapping[str, _Number]) -> int:
    """Return whether the other indices of the count confirm a number that is hard to believe."""
    if not ways:
        return b.boolean(False)
    others = defaultdict(lambda: _Number(b, b.nan()), points)
    found = confirmed(ways, _Number(b, cell.number), others)
    return b.both(cell.unsigned, found.node)


def _reasons(b: Builder, name: str, cell: _Cell, doubt: int) -> dict[str, int]:
    told = {**cell.faults, Reason.NUMBER_IMPLAUSIBLE: doubt}
    told |= {reason: b.both(node, b.negate(doubt)) for reason, node in cell.censored.items()}
    return {f"{name}.because:{reason}": told[reason] for reason in READ_REASONS}
