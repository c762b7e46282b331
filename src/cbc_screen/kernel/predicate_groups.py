"""Which nodes of a lowered program are worked out together: what a key decides, and predicates that one call makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.bits import Bit, BitNode
from cbc_screen.kernel.program import Op
from cbc_screen.kernel.step_plan import COLUMN_UFUNCS, Tables

PACKED_TOGETHER = 16  # truths wait to be packed, that many predicates at a time
TRAITS_TOGETHER = 8
LIMITS_TOGETHER = 4
# The last quantity that a node needs, and how many choices between numbers come before it: what one call makes has
# one home, so that it can be made before any choice that depends on it.
Home = tuple[int, int]
Unit = tuple[object, ...]


@dataclass(frozen=True)
class Folded:
    """What the key alone decides: numbers that one `take` gives, and bits, each by its node."""

    numbers: Mapping[int, NDArray[np.float64]]
    bits: Mapping[int, NDArray[np.uint8]]


def fold_by_key(nodes: Sequence[BitNode], tables: Tables) -> Folded:
    """Find the numbers that one `take` gives, and the bits that a key decides.

    A choice between limits is a limit, and so is what several steps make of one. A single step is not folded: adding
    costs less than taking.
    """
    taken: dict[int, NDArray[np.float64]] = {}
    steps: set[int] = set()
    traits: dict[int, NDArray[np.uint8]] = {}
    known: dict[int, NDArray[Any]] = {}
    for number, node in enumerate(nodes):
        of = [known[a] for a in node.arguments if a in known]
        if node.op is Op.CONST:
            known[number] = np.array(node.value)
        elif node.op is Op.LIMIT:
            known[number] = taken[number] = tables.column(str(node.value))
        elif node.op is Bit.TRAIT:
            traits[number] = tables.trait(str(node.value))
            known[number] = traits[number].astype(np.bool_)
        elif not of or len(of) < len(node.arguments):
            continue
        elif node.op is Op.SELECT:
            known[number] = taken[number] = np.where(*of)
        elif node.op in COLUMN_UFUNCS and any(column.ndim for column in of):
            with np.errstate(all="ignore"):
                known[number] = COLUMN_UFUNCS[node.op](*of)
            if not steps.isdisjoint(node.arguments):
                taken[number] = known[number]
            steps.add(number)
        elif node.op is Bit.NOT:
            known[number] = ~of[0]
        elif node.op is Bit.PRESENT or (node.op is Bit.LESS and any(column.ndim for column in of)):
            known[number] = of[0] == of[0] if node.op is Bit.PRESENT else of[0] < of[1]
            traits[number] = known[number].astype(np.uint8)
    return Folded(taken, traits)


def find_homes(nodes: Sequence[BitNode]) -> list[Home]:
    """Give each node its home: what needs a quantity is made while that is near."""
    quantities: dict[str, int] = {}  # the ends of an interval are columns of one quantity
    homes: list[Home] = []
    for node in nodes:
        own = [homes[a] for a in node.arguments]
        quantity, choices = max((h[0] for h in own), default=0), max((h[1] for h in own), default=0)
        if node.op is Op.INPUT:
            quantity = quantities.setdefault(str(node.value).partition(".")[0], len(quantities) + 1)
        homes.append((quantity, choices + (node.op is Op.SELECT)))
    return homes


def group_predicates(
    nodes: Sequence[BitNode], folded: Folded, homes: Sequence[Home], kept: Collection[int], outputs: Collection[int]
) -> dict[int, Unit]:
    """Give each predicate the unit that one call makes: of one column, one kind."""
    sharing = _limits_of_one_home(nodes, folded, homes, kept)
    units: dict[int, Unit] = {}
    counted: Counter[Unit] = Counter()
    used = _used(nodes, folded, outputs)
    for number, node in enumerate(nodes):
        together = PACKED_TOGETHER
        unit: Unit
        if number in folded.bits:
            if number not in used:
                continue
            unit, together = ("traits",), TRAITS_TOGETHER
        elif node.op is Bit.LESS:
            a, b = node.arguments
            unit = _unit_of_less(nodes, number, a, b, sharing)
        elif node.op is Bit.PRESENT:
            unit = ("alone", number)
        else:
            continue
        units[number] = unit if unit[0] == "limits" else (*unit, counted[unit] // together)
        counted[unit] += 1
    return units


def _used(nodes: Sequence[BitNode], folded: Folded, outputs: Collection[int]) -> set[int]:
    """Find the nodes that are outputs, or arguments of what no key decides."""
    decided = folded.numbers.keys() | folded.bits.keys()
    return {a for n, node in enumerate(nodes) if n not in decided for a in node.arguments} | set(outputs)


def _unit_of_less(nodes: Sequence[BitNode], number: int, a: int, b: int, sharing: Mapping[int, Unit]) -> Unit:
    """Return the unit of a comparison: with constants from one side, with limits of one home, or alone."""
    constant = [nodes[n].op is Op.CONST for n in (a, b)]
    if constant == [True, False]:
        return "above", b
    if constant == [False, True]:
        return "below", a
    return sharing.get(a) or sharing.get(b) or ("alone", number)


def _limits_of_one_home(
    nodes: Sequence[BitNode], folded: Folded, homes: Sequence[Home], kept: Collection[int]
) -> dict[int, Unit]:
    """Find the limits that are compared with columns of one home and used for nothing else: their units."""
    compared: dict[int, set[Home | None]] = {}
    for number, node in enumerate(nodes):
        if number in folded.numbers or number in folded.bits:
            continue
        for place, argument in enumerate(node.arguments):
            if argument in folded.numbers:
                other = node.arguments[1 - place] if node.op is Bit.LESS else argument
                column = other not in folded.numbers and nodes[other].op is not Op.CONST
                compared.setdefault(argument, set()).add(homes[other] if column else None)
    counted: Counter[Home] = Counter()
    found: dict[int, Unit] = {}
    for limit, (home, *more) in compared.items():
        if home is not None and not more and limit not in kept:
            found[limit] = ("limits", home, counted[home] // LIMITS_TOGETHER)
            counted[home] += 1
    return found
