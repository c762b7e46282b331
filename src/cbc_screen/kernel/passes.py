"""How a program becomes steps over columns: the passes, in order, each a function that can be run and tested alone.

A pass reads what the ones before it made of the program and adds its own; `tools/walk.py` prints what each of them
makes of one fact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cbc_screen.kernel.answers import AnswerPlace
from cbc_screen.kernel.bits import FALSE, TRUE, Lowered, lower
from cbc_screen.kernel.predicate_groups import Folded, Home, Unit, find_homes, fold_by_key, group_predicates
from cbc_screen.kernel.program import Program
from cbc_screen.kernel.schedule import Scheduler
from cbc_screen.kernel.step_plan import StepPlan, Tables


@dataclass
class Compilation:
    """A program on its way: what goes in, and what each pass makes of it."""

    program: Program
    tables: Tables
    lowered: Lowered = field(init=False)
    rows_of_planes: dict[int, int] = field(init=False)
    places: dict[str, AnswerPlace] = field(init=False)
    folded: Folded = field(init=False)
    homes: Sequence[Home] = field(init=False)
    units: Mapping[int, Unit] = field(init=False)
    scheduler: Scheduler = field(init=False)

    @property
    def plan(self) -> StepPlan:
        """The steps in order, as far as they are made."""
        return self.scheduler.plan


@dataclass(frozen=True)
class CompilerPass:
    """A pass: its name, what it makes, and the function that makes it."""

    name: str
    makes: str
    run: Callable[[Compilation], None]


def _lower(c: Compilation) -> None:
    c.lowered = lower(c.program, c.tables)


def _place_answers(c: Compilation) -> None:
    rows: dict[int, int] = {}

    def row(node: int) -> int:
        return node if node in (FALSE, TRUE) else rows.setdefault(node, len(rows))

    c.places = {name: AnswerPlace(None, (row(node),)) for name, node in c.lowered.flags.items()}
    for name, code in c.lowered.codes.items():
        c.places[name] = AnswerPlace(code.base, tuple(row(plane) for plane in code.planes))
    c.rows_of_planes = rows


def _fold_by_key(c: Compilation) -> None:
    c.folded = fold_by_key(c.lowered.nodes, c.tables)


def _find_homes(c: Compilation) -> None:
    c.homes = find_homes(c.lowered.nodes)


def _group_predicates(c: Compilation) -> None:
    kept = frozenset(c.lowered.floats.values())
    c.units = group_predicates(c.lowered.nodes, c.folded, c.homes, kept, c.rows_of_planes.keys())


def _order_steps(c: Compilation) -> None:
    c.scheduler = Scheduler(c.lowered, c.folded, c.homes, c.units)
    c.scheduler.order_steps()


def _assign_numbers(c: Compilation) -> None:
    c.scheduler.assign_numbers()


def _plan_logic(c: Compilation) -> None:
    c.scheduler.plan_logic(c.rows_of_planes)


PASSES = (
    CompilerPass("lower", "nodes on single bits: codes become planes, comparisons with constants are shared", _lower),
    CompilerPass("place answers", "a row of the answers for each distinct bit that goes out", _place_answers),
    CompilerPass("fold by key", "the numbers and bits that age, sex and pregnancy alone decide", _fold_by_key),
    CompilerPass(
        "find homes", "the quantity that each node needs last: what uses it is made while it is near", _find_homes
    ),
    CompilerPass("group predicates", "the comparisons that one call makes together", _group_predicates),
    CompilerPass("order steps", "the steps on numbers, in order, and where their truths are packed", _order_steps),
    CompilerPass("assign numbers", "a row of memory for each number, used again when it is free", _assign_numbers),
    CompilerPass("plan logic", "the steps on packed bits, and their rows of memory", _plan_logic),
)


def compile_columns(program: Program, tables: Tables) -> Compilation:
    """Run every pass over a program, for the limits of all keys."""
    compilation = Compilation(program, tables)
    for compiler_pass in PASSES:
        compiler_pass.run(compilation)
    return compilation
