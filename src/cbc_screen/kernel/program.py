"""A linear list of elementary steps over one record, with common steps shared.

The definition of the screen (`definition.py`) is written once against `Builder`. The
resulting `Program` is run over columns by `columns.py` and printed as a plain Python
function over floats by `scalar.py`; neither knows what a step means clinically.

NaN is an absent number: every comparison with it is false, in numpy and in Python
alike, so a predicate is a pair of booleans, surely true and surely false (`Truth`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Value = float | int | bool | str | tuple[int, ...] | None


class Op(StrEnum):
    """The elementary operations. Arguments are earlier steps."""

    INPUT = "input"  # a float of the record, by name
    FLAG = "flag"  # a boolean of the record, by name
    LIMIT = "limit"  # a float of the person's row of the limit table, by name
    TRAIT = "trait"  # a boolean of the person's row of the limit table, by name
    CONST = "const"
    LESS = "less"
    AT_MOST = "at_most"
    ADD = "add"
    SUBTRACT = "subtract"
    MULTIPLY = "multiply"
    DIVIDE = "divide"
    SMALLER = "smaller"
    LARGER = "larger"
    PRESENT = "present"
    SELECT = "select"
    AND = "and"
    OR = "or"
    NOT = "not"
    CODE_CONST = "code_const"
    CODE_INPUT = "code_input"
    SUM = "sum"  # how many of several booleans are true
    WEIGHTED = "weighted"  # what several booleans weigh together; `value` is their weights
    CODE_ADD = "code_add"
    CODE_PACK = "code_pack"  # several numbers side by side in one; `value` is the bit at which each begins
    CODE_SUBTRACT = "code_subtract"
    CODE_SELECT = "code_select"
    CODE_LARGER = "code_larger"
    CODE_AT_LEAST = "code_at_least"
    CODE_EQUAL = "code_equal"


# What is worked out of two constants at once; a quotient is left to the program, which knows what a division by 0 is.
OF_CONSTANTS: Mapping[Op, Callable[[float, float], float]] = {
    Op.ADD: operator.add,
    Op.SUBTRACT: operator.sub,
    Op.MULTIPLY: operator.mul,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on earlier steps; `value` is a constant or the name of an input."""

    op: Op
    arguments: tuple[int, ...] = ()
    value: Value = None


@dataclass(frozen=True, slots=True)
class Truth:
    """A predicate in three-valued logic: surely true, surely false, else unknown."""

    yes: int
    no: int


@dataclass(frozen=True, slots=True)
class Interval:
    """A quantity known to lie in [low, high]; NaN in both when it is absent."""

    low: int
    high: int


@dataclass(frozen=True)
class Program:
    """The steps that are needed for the outputs, in order."""

    steps: tuple[Step, ...]
    outputs: Mapping[str, int]


@dataclass
class Builder:
    """Builds a program; equal steps are made once, and constants fold."""

    steps: list[Step] = field(default_factory=list)
    _index: dict[tuple[Op, tuple[int, ...], str, object], int] = field(default_factory=dict)

    def step(self, op: Op, *arguments: int, value: Value = None) -> int:
        """Add a step, or return the equal one that exists."""
        # The type name keeps 1, 1.0 and True apart, which compare equal.
        key = (op, arguments, type(value).__name__, value)
        found = self._index.get(key)
        if found is None:
            self.steps.append(Step(op, arguments, value))
            found = self._index[key] = len(self.steps) - 1
        return found

    # Booleans ------------------------------------------------------------------

    def boolean(self, value: bool) -> int:
        """Return a constant boolean."""
        return self.step(Op.CONST, value=value)

    def _constant(self, node: int) -> bool | None:
        step = self.steps[node]
        return step.value if step.op is Op.CONST and isinstance(step.value, bool) else None

    def both(self, a: int, b: int) -> int:
        """Return a and b."""
        for x, y in ((a, b), (b, a)):
            known = self._constant(x)
            if known is not None:
                return y if known else x
        return a if a == b else self.step(Op.AND, *sorted((a, b)))

    def either(self, a: int, b: int) -> int:
        """Return a or b."""
        for x, y in ((a, b), (b, a)):
            known = self._constant(x)
            if known is not None:
                return x if known else y
        return a if a == b else self.step(Op.OR, *sorted((a, b)))

    def negate(self, a: int) -> int:
        """Return not a."""
        known = self._constant(a)
        if known is not None:
            return self.boolean(not known)
        step = self.steps[a]
        return step.arguments[0] if step.op is Op.NOT else self.step(Op.NOT, a)

    def all(self, nodes: Iterable[int]) -> int:
        """Return whether all are true."""
        result = self.boolean(True)
        for node in nodes:
            result = self.both(result, node)
        return result

    def any(self, nodes: Iterable[int]) -> int:
        """Return whether any is true."""
        result = self.boolean(False)
        for node in nodes:
            result = self.either(result, node)
        return result

    def choice(self, condition: int, a: int, b: int) -> int:
        """Return boolean a where the condition holds, else boolean b."""
        return self.either(self.both(condition, a), self.both(self.negate(condition), b))

    # Floats --------------------------------------------------------------------

    def number(self, value: float) -> int:
        """Return a constant number."""
        return self.step(Op.CONST, value=float(value))

    def absent(self, node: int) -> bool:
        """Tell whether a step is the constant NaN: an input this program does not have."""
        value = self.steps[node].value
        return self.steps[node].op is Op.CONST and isinstance(value, float) and value != value

    def arithmetic(self, op: Op, a: int, b: int) -> int:
        """Return a op b; absent when either is absent."""
        if self.absent(a) or self.absent(b):
            return self.nan()
        x, y = self.steps[a], self.steps[b]
        if (
            x.op is y.op is Op.CONST
            and isinstance(x.value, float)
            and isinstance(y.value, float)
            and op in OF_CONSTANTS
        ):
            return self.number(OF_CONSTANTS[op](x.value, y.value))
        return self.step(op, a, b)

    def nan(self) -> int:
        """Return the absent number."""
        # One object, so that it is found again: NaN is not equal to itself.
        return self.step(Op.CONST, value=_NAN)

    def less(self, a: int, b: int) -> int:
        """Return a < b (false when either is absent)."""
        return self.boolean(False) if self.absent(a) or self.absent(b) else self.step(Op.LESS, a, b)

    def at_most(self, a: int, b: int) -> int:
        """Return a <= b (false when either is absent)."""
        return self.boolean(False) if self.absent(a) or self.absent(b) else self.step(Op.AT_MOST, a, b)

    def present(self, a: int) -> int:
        """Return whether a number is there."""
        if self.steps[a].op is Op.CONST:
            return self.boolean(not self.absent(a))
        return self.step(Op.PRESENT, a)

    def select(self, condition: int, a: int, b: int) -> int:
        """Return a where the condition holds, else b."""
        known = self._constant(condition)
        if known is not None:
            return a if known else b
        if self.absent(b) and self.steps[condition] == Step(Op.PRESENT, (a,)):
            return a
        return a if a == b else self.step(Op.SELECT, condition, a, b)

    # Codes (small whole numbers) -------------------------------------------------

    def code(self, value: int) -> int:
        """Return a constant code."""
        return self.step(Op.CODE_CONST, value=int(value))

    def _code_constant(self, node: int) -> int | None:
        step = self.steps[node]
        return step.value if step.op is Op.CODE_CONST and isinstance(step.value, int) else None

    def sum(self, nodes: Sequence[int]) -> int:
        """Count how many booleans are true."""
        fixed = sum(1 for node in nodes if self._constant(node) is True)
        rest = [node for node in nodes if self._constant(node) is None]
        if not rest:
            return self.code(fixed)
        return self.step(Op.SUM, *rest, value=fixed)

    def weighted(self, pairs: Sequence[tuple[int, int]]) -> int:
        """Add the weights of the booleans that are true."""
        rest = [(node, weight) for node, weight in pairs if weight and self._constant(node) is None]
        fixed = sum(weight for node, weight in pairs if self._constant(node))
        if not rest:
            return self.code(fixed)
        found = self.step(Op.WEIGHTED, *(node for node, _ in rest), value=tuple(weight for _, weight in rest))
        return self.code_add(found, self.code(fixed))

    def code_add(self, a: int, b: int) -> int:
        """Return a + b."""
        left, right = self._code_constant(a), self._code_constant(b)
        if left is not None and right is not None:
            return self.code(left + right)
        if left == 0 or right == 0:
            return b if left == 0 else a
        return self.step(Op.CODE_ADD, a, b)

    def flag_code(self, node: int) -> int:
        """Return a boolean as a code of 1 or 0."""
        return self.weighted([(node, 1)])

    def code_pack(self, parts: Sequence[tuple[int, int]]) -> int:
        """Put codes side by side: each begins at a bit, and does not reach the next."""
        return self.step(Op.CODE_PACK, *(node for node, _ in parts), value=tuple(at for _, at in parts))

    def code_subtract(self, a: int, b: int) -> int:
        """Return a - b."""
        left, right = self._code_constant(a), self._code_constant(b)
        if left is not None and right is not None:
            return self.code(left - right)
        return a if right == 0 else self.step(Op.CODE_SUBTRACT, a, b)

    def code_select(self, condition: int, a: int, b: int) -> int:
        """Return code a where the condition holds, else code b."""
        known = self._constant(condition)
        if known is not None:
            return a if known else b
        other = self.steps[b]
        if other.op is Op.CODE_SELECT and other.arguments[0] == condition:
            b = other.arguments[2]  # the condition does not hold there
        return a if a == b else self.step(Op.CODE_SELECT, condition, a, b)

    def code_larger(self, a: int, b: int) -> int:
        """Return the larger code."""
        return a if a == b else self.step(Op.CODE_LARGER, a, b)

    def code_at_least(self, a: int, threshold: int) -> int:
        """Return whether a code is at least a number."""
        known = self._code_constant(a)
        if known is not None:
            return self.boolean(known >= threshold)
        step = self.steps[a]
        if step.op is Op.SUM:
            least = step.value if isinstance(step.value, int) else 0
            if threshold <= least or threshold > least + len(step.arguments):
                return self.boolean(threshold <= least)
            if threshold == least + 1:
                return self.any(step.arguments)
            if threshold == least + len(step.arguments):
                return self.all(step.arguments)
        return self.step(Op.CODE_AT_LEAST, a, value=int(threshold))

    def code_equal(self, a: int, b: int) -> int:
        """Return whether two codes are equal."""
        left, right = self._code_constant(a), self._code_constant(b)
        if left is not None and right is not None:
            return self.boolean(left == right)
        return self.step(Op.CODE_EQUAL, a, b)

    def choose(self, cases: Sequence[tuple[int, int]], otherwise: int) -> int:
        """Return the code of the first case that holds."""
        result = self.code(otherwise)
        for condition, code in reversed(cases):
            result = self.code_select(condition, self.code(code), result)
        return result

    # Three-valued logic ----------------------------------------------------------

    def unknown(self) -> Truth:
        """Return a predicate of which nothing is known."""
        return Truth(self.boolean(False), self.boolean(False))

    def known(self, node: int) -> Truth:
        """Return a predicate that is always known."""
        return Truth(node, self.negate(node))

    def decided(self, truth: Truth) -> int:
        """Return whether something surely holds or surely does not."""
        return self.either(truth.yes, truth.no)

    def opposite(self, truth: Truth) -> Truth:
        """Return not."""
        return Truth(truth.no, truth.yes)

    def truth_all(self, truths: Sequence[Truth]) -> Truth:
        """Return and, in Kleene logic."""
        return Truth(self.all(t.yes for t in truths), self.any(t.no for t in truths))

    def truth_any(self, truths: Sequence[Truth]) -> Truth:
        """Return or, in Kleene logic."""
        return Truth(self.any(t.yes for t in truths), self.all(t.no for t in truths))

    def truth_count(self, at_least: int, truths: Sequence[Truth]) -> Truth:
        """Return whether at least so many hold, in Kleene logic."""
        if at_least == len(truths):
            return self.truth_all(truths)
        if at_least == 1:
            return self.truth_any(truths)
        yes = self.code_at_least(self.sum([t.yes for t in truths]), at_least)
        no = self.code_at_least(self.sum([t.no for t in truths]), len(truths) - at_least + 1)
        return Truth(yes, no)

    def below(self, interval: Interval, limit: int) -> Truth:
        """Compare an interval with a limit: x < limit."""
        return Truth(self.less(interval.high, limit), self.at_most(limit, interval.low))

    def above(self, interval: Interval, limit: int) -> Truth:
        """Compare an interval with a limit: x > limit."""
        return Truth(self.less(limit, interval.low), self.at_most(interval.high, limit))

    # ---------------------------------------------------------------------------

    def program(self, outputs: Mapping[str, int]) -> Program:
        """Keep the steps that the outputs need, each as late as possible.

        Steps are ordered output by output, so that few results wait at a time and the
        registers of a chunk stay in the cache.
        """
        order = needed(outputs.values(), lambda node: self.steps[node].arguments)
        place = {node: position for position, node in enumerate(order)}
        steps = tuple(
            Step(self.steps[n].op, tuple(place[a] for a in self.steps[n].arguments), self.steps[n].value) for n in order
        )
        return Program(steps, {name: place[node] for name, node in outputs.items()})


def needed(roots: Iterable[int], arguments: Callable[[int], Sequence[int]]) -> list[int]:
    """Return the nodes that the roots need, arguments first, each as late as possible."""
    order: list[int] = []
    done: set[int] = set()
    stack = [(node, False) for node in reversed(list(roots))]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in done:
            done.add(node)
            stack.append((node, True))
            stack.extend((argument, False) for argument in reversed(arguments(node)))
    return order


_NAN = float("nan")
