"""Put the steps of a lowered program in order: numbers in small parts, logic in large ones.

A step on numbers costs its memory, so its rows must stay in the cache; a step on packed bits
costs its dispatch, so it is made once for many small parts. Comparisons of one column are
made in one call, and packed many at a time. A step reads and writes slots: a slot is a node,
or a block of rows that one call serves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.bits import Bit, Lowered
from cbc_screen.kernel.predicate_groups import PACKED_TOGETHER, Folded, Home, Unit
from cbc_screen.kernel.program import Op
from cbc_screen.kernel.step_plan import CALL, COLUMN_UFUNCS, PACK, SELECT, TAKE, Choice, SmallStep, StepPlan


def _smaller(a: Any, b: Any, out: Any) -> None:
    np.minimum(a, b, out=out)  # a third place is deprecated for these two


def _larger(a: Any, b: Any, out: Any) -> None:
    np.maximum(a, b, out=out)


_FLOAT_UFUNCS: Mapping[object, Callable[..., object]] = {
    **COLUMN_UFUNCS,
    Op.SMALLER: _smaller,
    Op.LARGER: _larger,
}
_BIT_UFUNCS: Mapping[Op | Bit, Callable[..., object]] = {
    Bit.AND: np.bitwise_and,
    Bit.OR: np.bitwise_or,
    Bit.XOR: np.bitwise_xor,
}
_ALL_ONES = np.array(255, dtype=np.uint8)
_LOGIC = frozenset({Bit.AND, Bit.OR, Bit.XOR, Bit.NOT})
_FROM_OUTSIDE = frozenset({Bit.FLAG, Bit.PLANE})


class Scheduler:
    """Makes the plan of a program from what the passes before found; its steps in order, then the rows of its slots."""

    def __init__(self, lowered: Lowered, folded: Folded, homes: Sequence[Home], unit_of: Mapping[int, Unit]) -> None:
        self.nodes = lowered.nodes
        self.plan = StepPlan(slots=len(self.nodes))
        self._kept = frozenset(lowered.floats.values())
        self._taken, self._traits = folded.numbers, folded.bits
        self._ones = self.plan.constant(_ALL_ONES)
        self._done: set[int] = set()
        self._users: dict[int, list[int]] = {}
        for number, node in enumerate(self.nodes):
            for argument in node.arguments:
                self._users.setdefault(argument, []).append(number)
        self._waiting: list[int] = []  # truths not packed yet, in their order
        self._block = 0
        self._homes, self._unit_of = homes, unit_of
        self._units: dict[Unit, list[int]] = {}
        for number, unit in self._unit_of.items():
            self._units.setdefault(unit, []).append(number)

    def order_steps(self) -> None:
        """Put the steps on numbers in order, and with them the bits that a number depends on."""
        self.plan.outside = {n: node for n, node in enumerate(self.nodes) if node.op in _FROM_OUTSIDE}
        for members in sorted(self._units.values(), key=lambda members: self._homes[members[0]]):
            self._predicate(members[0])
        for number in self._kept:
            self._number(number)
        self._pack()

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
            self._choose(number)
        else:
            a, b = node.arguments
            self._number(a)
            self._number(b)
            plan.small.append((CALL, _FLOAT_UFUNCS[node.op], a, b, number))

    def _choose(self, number: int) -> None:
        """Make a choice between two numbers; what one of them alone needs is left for where it is chosen."""
        condition, a, b = self.nodes[number].arguments
        own = [self._needed_alone(side, number) if a != b else [] for side in (a, b)]
        for node in (*own[0], *own[1]):
            for argument in self.nodes[node].arguments:
                if argument not in own[0] and argument not in own[1]:
                    self._number(argument)
        for side, alone in ((a, own[0]), (b, own[1])):
            if side not in alone:
                self._number(side)
        self._bit(condition)
        steps = [self._apart(alone) for alone in own]
        self.plan.small.append((SELECT, Choice(condition, *steps), a, b, number))

    def _needed_alone(self, side: int, choice: int) -> list[int]:
        """Return the arithmetic, in order, that a choice needs for one of its sides and nothing else needs."""
        found: dict[int, None] = {}
        waiting = [side]
        while waiting:
            node = waiting.pop()
            users = self._users[node]
            # What stands on one side may be needed for the other too.
            alone = users == [choice] if node == side else all(user in found for user in users)
            if node in found or not alone or node in self._kept or node in self._done or node in self._taken:
                continue
            if self.nodes[node].op in _FLOAT_UFUNCS:
                found[node] = None
                waiting += self.nodes[node].arguments
        return sorted(found)

    def _apart(self, numbers: Sequence[int]) -> list[SmallStep]:
        """Make the steps of some numbers, their arguments done, in a list of their own."""
        steps: list[SmallStep] = []
        for number in numbers:
            self._done.add(number)
            a, b = self.nodes[number].arguments
            steps.append((CALL, _FLOAT_UFUNCS[self.nodes[number].op], a, b, number))
        return steps

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

    def assign_numbers(self) -> None:
        """Give each number a row that is free by then."""
        plan = self.plan
        steps = list(plan.every_small())
        uses = [(a, b) if kind in (CALL, SELECT) else () for kind, _, a, b, _ in steps]
        last = {slot: position for position, slots in enumerate(uses) for slot in slots}
        forever = set(self._kept)
        for kind, _, a, b, out in reversed(steps):
            if kind == SELECT:  # what was chosen may be the number that it was chosen from
                forever |= {a, b} if out in forever else set()
                last |= {slot: max(last[slot], last.get(out, 0)) for slot in (a, b)}
        registers = _Registers(self._block)
        held: dict[int, int] = {}
        floating = {n for n in self._done if n not in self._unit_of and not isinstance(self.nodes[n].op, Bit)}
        until: dict[int, list[int]] = {}
        for slot, position in last.items():
            until.setdefault(position, []).append(slot)
        for position, (kind, _, _, b, out) in enumerate(steps):
            out = b if kind == TAKE else out
            if out in floating:
                plan.numbers[out] = held[out] = registers.claim()
            # Freed only after the step took its own row: SELECT takes two passes.
            for slot in until.get(position, ()):
                if slot in held and slot not in forever:
                    registers.free(held[slot])
        plan.number_rows = registers.many

    # Logic ------------------------------------------------------------------------

    def plan_logic(self, rows_of_planes: Mapping[int, int]) -> None:
        """StepPlan the bits that no number depends on, and copy to the answers what is made elsewhere."""
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
