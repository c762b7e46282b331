"""Plan how a lowered program is run over columns: numbers in small parts, logic in large ones.

A step on numbers costs its memory, so its rows must stay in the cache; a step on packed bits
costs its dispatch, so it is made once for many small parts. Comparisons of one column are
made in one call, and packed many at a time. A step reads and writes slots: a slot is a node,
or a block of rows that one call serves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.bits import Bit, Lowered, Node, Table
from cbc_screen.kernel.program import Op

PACKED_TOGETHER = 16  # truths wait to be packed, that many predicates at a time
CALL, TAKE, SELECT, PACK = range(4)
Rows = int | slice
# The last quantity that a node needs, and how many choices between numbers come before it:
# what one call makes has one home, so it never waits for a choice that waits for it.
Home = tuple[int, int]
Unit = tuple[object, ...]


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
TRAITS_TOGETHER = 8
LIMITS_TOGETHER = 4
_ALL_ONES = np.array(255, dtype=np.uint8)
_LOGIC = frozenset({Bit.AND, Bit.OR, Bit.XOR, Bit.NOT})
_FROM_OUTSIDE = frozenset({Bit.FLAG, Bit.PLANE})


class Tables(Table, Protocol):
    """The limits of every key."""

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one limit for every key."""
        ...

    def trait(self, name: str) -> NDArray[np.uint8]:
        """Return a property of every key."""
        ...


@dataclass
class Plan:
    """The steps in order, and what each slot is bound to.

    A small step is (kind, function, slot, slot, slot of the result); a large one has no
    kind, for all are calls on bits. A `take` names its rows of `limits` or of `traits`.
    """

    small: list[tuple[int, Any, Any, int, int]] = field(default_factory=list)
    large: list[tuple[Callable[..., object], int, int, int]] = field(default_factory=list)
    slots: int = 0
    constants: dict[int, NDArray[np.generic]] = field(default_factory=dict)
    inputs: dict[int, str] = field(default_factory=dict)
    outside: dict[int, Node] = field(default_factory=dict)  # bits of columns that come in
    limits: list[NDArray[np.float64]] = field(default_factory=list)
    traits: list[NDArray[np.uint8]] = field(default_factory=list)
    numbers: dict[int, Rows] = field(default_factory=dict)
    truths: dict[int, Rows] = field(default_factory=dict)
    bytes: dict[int, Rows] = field(default_factory=dict)  # the same rows, as numbers
    masks: set[int] = field(default_factory=set)  # traits by row, eight to a byte
    taken: dict[int, int] = field(default_factory=dict)  # slots of numbers or masks, for two rows at a time
    bits: dict[int, Rows] = field(default_factory=dict)
    small_bits: set[int] = field(default_factory=set)  # the slots of bits that small steps name
    planes: dict[int, int] = field(default_factory=dict)  # slots that are rows of the answers
    number_rows: int = 0
    bit_rows: int = 0

    def slot(self) -> int:
        """Return a new slot."""
        self.slots += 1
        return self.slots - 1

    def constant(self, value: NDArray[np.generic]) -> int:
        """Return a new slot bound to an array."""
        slot = self.slot()
        self.constants[slot] = value
        return slot


def make_plan(lowered: Lowered, tables: Tables, rows_of_planes: Mapping[int, int]) -> Plan:
    """Plan a program whose output bits belong in given rows of the answers."""
    return _Planner(lowered, tables, rows_of_planes).plan


class _Planner:
    def __init__(self, lowered: Lowered, tables: Tables, rows_of_planes: Mapping[int, int]) -> None:
        self.nodes, self.tables = lowered.nodes, tables
        self.plan = Plan(slots=len(self.nodes))
        self._kept = frozenset(lowered.floats.values())
        self._outputs = rows_of_planes.keys()
        self._taken, self._traits = self._fold_by_key()
        self._ones = self.plan.constant(_ALL_ONES)
        self._done: set[int] = set()
        self._waiting: list[int] = []  # truths not packed yet, in their order
        self._block = 0
        self._homes = self._find_homes()
        self._unit_of = self._group()
        self._units: dict[Unit, list[int]] = {}
        for number, unit in self._unit_of.items():
            self._units.setdefault(unit, []).append(number)
        self.plan.outside = {n: node for n, node in enumerate(self.nodes) if node.op in _FROM_OUTSIDE}
        for members in sorted(self._units.values(), key=lambda members: self._homes[members[0]]):
            self._predicate(members[0])
        for number in self._kept:
            self._number(number)
        self._pack()
        self._assign_numbers()
        self._plan_logic(rows_of_planes)

    # What depends on the key alone ------------------------------------------------

    def _fold_by_key(self) -> tuple[dict[int, NDArray[np.float64]], dict[int, NDArray[np.uint8]]]:
        """Find the numbers that one `take` gives, and the bits that a key decides.

        A choice between limits is a limit. A sum is not folded: adding costs less than taking.
        """
        taken: dict[int, NDArray[np.float64]] = {}
        traits: dict[int, NDArray[np.uint8]] = {}
        known: dict[int, NDArray[Any]] = {}
        for number, node in enumerate(self.nodes):
            of = [known[a] for a in node.arguments if a in known]
            if node.op is Op.CONST:
                known[number] = np.array(node.value)
            elif node.op is Op.LIMIT:
                known[number] = taken[number] = self.tables.column(str(node.value))
            elif node.op is Bit.TRAIT:
                traits[number] = self.tables.trait(str(node.value))
                known[number] = traits[number].astype(np.bool_)
            elif not of or len(of) < len(node.arguments):
                continue
            elif node.op is Op.SELECT:
                known[number] = taken[number] = np.where(*of)
            elif node.op is Bit.NOT:
                known[number] = ~of[0]
            elif node.op is Bit.PRESENT or (node.op is Bit.LESS and any(column.ndim for column in of)):
                known[number] = of[0] == of[0] if node.op is Bit.PRESENT else of[0] < of[1]
                traits[number] = known[number].astype(np.uint8)
        return taken, traits

    # Predicates in groups -----------------------------------------------------------

    def _group(self) -> dict[int, Unit]:
        """Give each predicate the unit that one call makes: of one column, one kind."""
        sharing = self._limits_of_one_home()
        units: dict[int, Unit] = {}
        counted: Counter[Unit] = Counter()
        used = self._used()
        for number, node in enumerate(self.nodes):
            together = PACKED_TOGETHER
            unit: Unit
            if number in self._traits:
                if number not in used:
                    continue
                unit, together = ("traits",), TRAITS_TOGETHER
            elif node.op is Bit.LESS:
                a, b = node.arguments
                unit = self._unit_of_less(number, a, b, sharing)
            elif node.op is Bit.PRESENT:
                unit = ("alone", number)
            else:
                continue
            units[number] = unit if unit[0] == "limits" else (*unit, counted[unit] // together)
            counted[unit] += 1
        return units

    def _find_homes(self) -> list[Home]:
        """Give each node its home: what needs a quantity is made while that is near."""
        quantities: dict[str, int] = {}  # the ends of an interval are columns of one quantity
        homes: list[Home] = []
        for node in self.nodes:
            own = [homes[a] for a in node.arguments]
            quantity, choices = max((h[0] for h in own), default=0), max((h[1] for h in own), default=0)
            if node.op is Op.INPUT:
                quantity = quantities.setdefault(str(node.value).partition(".")[0], len(quantities) + 1)
            homes.append((quantity, choices + (node.op is Op.SELECT)))
        return homes

    def _used(self) -> set[int]:
        """Find the nodes that are outputs, or arguments of what no key decides."""
        folded = self._taken.keys() | self._traits.keys()
        return {a for n, node in enumerate(self.nodes) if n not in folded for a in node.arguments} | self._outputs

    def _unit_of_less(self, number: int, a: int, b: int, sharing: Mapping[int, Unit]) -> Unit:
        constant = [self.nodes[n].op is Op.CONST for n in (a, b)]
        if constant == [True, False]:
            return "above", b
        if constant == [False, True]:
            return "below", a
        return sharing.get(a) or sharing.get(b) or ("alone", number)

    def _limits_of_one_home(self) -> dict[int, Unit]:
        """Find the limits that are compared with columns of one home and used for nothing else: their units."""
        homes: dict[int, set[Home | None]] = {}
        for number, node in enumerate(self.nodes):
            if number in self._taken or number in self._traits:
                continue
            for place, argument in enumerate(node.arguments):
                if argument in self._taken:
                    other = node.arguments[1 - place] if node.op is Bit.LESS else argument
                    column = other not in self._taken and self.nodes[other].op is not Op.CONST
                    homes.setdefault(argument, set()).add(self._homes[other] if column else None)
        counted: Counter[Home] = Counter()
        found: dict[int, Unit] = {}
        for limit, (home, *more) in homes.items():
            if home is not None and not more and limit not in self._kept:
                found[limit] = ("limits", home, counted[home] // LIMITS_TOGETHER)
                counted[home] += 1
        return found

    def _predicate(self, node: int) -> None:
        """Make a predicate, and with it all of its unit."""
        if node in self._done:
            return
        unit = self._unit_of[node]
        members = self._units[unit]
        self._done.update(members)
        if unit[0] == "traits":
            self._make_traits(members)
        elif unit[0] == "limits":
            self._make_below_and_above_limits(members)
        elif unit[0] == "alone":
            for argument in self.nodes[node].arguments:
                self._number(argument)
            less = self.nodes[node].op is Bit.LESS
            a, b = self.nodes[node].arguments[0], self.nodes[node].arguments[-1]
            self._wait(np.less if less else np.equal, a, b, members)
        else:
            self._make_below_or_above(members, above=unit[0] == "above")

    def _make_below_or_above(self, members: Sequence[int], above: bool) -> None:
        pairs = [self.nodes[member].arguments for member in members]
        column = pairs[0][above]
        self._number(column)
        constants = np.array([[self.nodes[pair[not above]].value] for pair in pairs], dtype=np.float64)
        limits = self.plan.constant(constants)
        self._wait(np.less, *((limits, column) if above else (column, limits)), members)

    def _make_below_and_above_limits(self, members: Sequence[int]) -> None:
        sides: dict[tuple[int, bool], dict[int, int]] = {}
        for member in members:
            a, b = self.nodes[member].arguments
            above = a in self._taken
            column, limit = (b, a) if above else (a, b)
            self._number(column)
            sides.setdefault((column, above), {})[limit] = member
        # Limits from below, those compared both ways, limits from above: each side is a run of rows.
        below = {limit for (_, above), side in sides.items() if not above for limit in side}
        beyond = {limit for (_, above), side in sides.items() if above for limit in side}
        ordered = sorted(below | beyond, key=lambda limit: (limit in beyond) - (limit in below))
        rows = {limit: row for row, limit in enumerate(ordered)}
        self._block = max(self._block, len(rows))
        self._take([self._taken[limit] for limit in rows], self._block_slot(0, len(rows)))
        for (column, above), side in sides.items():
            for first, run in _runs({rows[limit]: member for limit, member in side.items()}):
                limits = self._block_slot(first, len(run))
                self._wait(np.less, *((limits, column) if above else (column, limits)), run)

    def _block_slot(self, first: int, many: int) -> int:
        slot = self.plan.slot()
        self.plan.numbers[slot] = slice(first, first + many)
        return slot

    def _make_traits(self, members: Sequence[int]) -> None:
        masks = np.zeros_like(self._traits[members[0]])
        for place, member in enumerate(members):
            masks |= self._traits[member] << np.uint8(place)
        taken = self.plan.slot()
        self.plan.masks.add(taken)
        self._take([masks], taken)
        bits = self.plan.constant(np.array([[1 << place] for place in range(len(members))], dtype=np.uint8))
        self._wait(np.bitwise_and, taken, bits, members)

    def _take(self, columns: Sequence[NDArray[Any]], out: int) -> None:
        """Take some columns of limits, or one of traits, by the key of each row."""
        plan = self.plan
        table: list[NDArray[Any]] = plan.traits if out in plan.masks else plan.limits
        rows = slice(len(table), len(table) + len(columns))
        table += columns
        plan.taken[out] = plan.slot()
        plan.small.append((TAKE, None, rows if out in plan.numbers else rows.start, out, plan.taken[out]))

    # Truths, packed many at a time ----------------------------------------------------

    def _wait(self, function: Callable[..., object], a: int, b: int, members: Sequence[int]) -> None:
        """Make truths (or bytes that are not 0) in the next rows that wait to be packed."""
        if len(self._waiting) + len(members) > PACKED_TOGETHER:
            self._pack()
        first = len(self._waiting)
        self._waiting += members
        out = self.plan.slot()
        (self.plan.bytes if function is np.bitwise_and else self.plan.truths)[out] = slice(first, first + len(members))
        self.plan.small.append((CALL, function, a, b, out))

    def _pack(self) -> None:
        if not self._waiting:
            return
        first, many = self.plan.bit_rows, len(self._waiting)
        truths, bits = self.plan.slot(), self.plan.slot()
        self.plan.bytes[truths] = slice(0, many)
        self.plan.bits[bits] = slice(first, first + many)
        self.plan.small_bits.add(bits)
        self.plan.small.append((PACK, None, truths, 0, bits))
        self.plan.bits |= {node: first + place for place, node in enumerate(self._waiting)}
        self.plan.bit_rows += many
        self._waiting = []

    # Numbers ------------------------------------------------------------------------

    def _number(self, number: int) -> None:
        """Make a number, and what it needs before it."""
        if number in self._done:
            return
        self._done.add(number)
        node, plan = self.nodes[number], self.plan
        if node.op is Op.CONST:
            plan.constants[number] = np.array(node.value, dtype=np.float64)
        elif node.op is Op.INPUT:
            plan.inputs[number] = str(node.value)
        elif number in self._taken:
            self._take([self._taken[number]], number)
        elif node.op is Op.SELECT:
            condition, a, b = node.arguments
            self._number(a)
            self._number(b)
            self._bit(condition)
            plan.small.append((SELECT, condition, a, b, number))
        else:
            a, b = node.arguments
            self._number(a)
            self._number(b)
            plan.small.append((CALL, _FLOAT_UFUNCS[node.op], a, b, number))

    def _bit(self, number: int) -> None:
        """Make a bit that a number depends on: packed, part by part."""
        self.plan.small_bits.add(number)
        node = self.nodes[number]
        if number in self._unit_of:
            self._predicate(number)
            if number in self._waiting:
                self._pack()
        elif number not in self._done and node.op not in _FROM_OUTSIDE:
            self._done.add(number)
            for argument in node.arguments:
                self._bit(argument)
            self.plan.small.append((CALL, *self._logic(number), number))
            self.plan.bits[number] = self.plan.bit_rows
            self.plan.bit_rows += 1

    def _logic(self, number: int) -> tuple[Callable[..., object], int, int]:
        node = self.nodes[number]
        if node.op is Bit.NOT:
            return np.bitwise_xor, node.arguments[0], self._ones
        a, b = node.arguments
        return _BIT_UFUNCS[node.op], a, b

    def _assign_numbers(self) -> None:
        """Give each number a row that is free by then."""
        plan = self.plan
        uses = [(a, b) if kind in (CALL, SELECT) else () for kind, _, a, b, _ in plan.small]
        last = {slot: position for position, slots in enumerate(uses) for slot in slots}
        registers = _Registers(self._block)
        held: dict[int, int] = {}
        floating = {n for n in self._done if n not in self._unit_of and not isinstance(self.nodes[n].op, Bit)}
        for position, (kind, _, _, b, out) in enumerate(plan.small):
            out = b if kind == TAKE else out
            if out in floating:
                plan.numbers[out] = held[out] = registers.claim()
            # Freed only after the step took its own row: SELECT takes two passes.
            for slot in set(uses[position]):
                if last[slot] == position and slot in held and slot not in self._kept:
                    registers.free(held[slot])
        plan.number_rows = registers.many

    # Logic ------------------------------------------------------------------------

    def _plan_logic(self, rows_of_planes: Mapping[int, int]) -> None:
        """Plan the bits that no number depends on, and copy to the answers what is made elsewhere."""
        plan, nodes = self.plan, self.nodes
        for number, row in rows_of_planes.items():
            made = number in plan.bits or number in plan.outside
            slot = plan.slot() if made else number
            plan.planes[slot] = row
            if made:
                plan.large.append((np.bitwise_or, number, number, slot))
        late = [n for n, node in enumerate(nodes) if node.op in _LOGIC and n not in plan.bits]
        plan.large += [(*self._logic(number), number) for number in late]
        last = {slot: position for position, (_, a, b, _) in enumerate(plan.large) for slot in (a, b)}
        registers = _Registers(plan.bit_rows)
        early = {node: row for node, row in plan.bits.items() if isinstance(row, int)}
        held = dict(early)
        for bit in early.keys() - last.keys():
            registers.free(held.pop(bit))
        for position, (_, a, b, out) in enumerate(plan.large):
            for slot in {a, b}:
                if last[slot] == position and slot in held:
                    registers.free(held.pop(slot))
            if out not in plan.planes:
                plan.bits[out] = held[out] = registers.claim()
        plan.bit_rows = registers.many


def _runs(by_row: Mapping[int, int]) -> Iterator[tuple[int, list[int]]]:
    """Yield the first row and the members of each run of rows without a gap."""
    run: list[int] = []
    for row in sorted(by_row):
        run.append(by_row[row])
        if row + 1 not in by_row:
            yield row + 1 - len(run), run
            run = []


class _Registers:
    """Rows that are free and rows that are taken; the one freed last is in the cache."""

    def __init__(self, taken: int) -> None:
        self.many = taken
        self._free: list[int] = []

    def claim(self) -> int:
        if self._free:
            return self._free.pop()
        self.many += 1
        return self.many - 1

    def free(self, row: int) -> None:
        self._free.append(row)
