"""Draw changes of the code, for tools/mutants.py: what is changed, and in which order."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path("src") / "cbc_screen"
ROOMS: dict[str, tuple[str, ...]] = {
    "kernel": (
        "tests/test_cases.py", "tests/test_grade_boundaries.py", "tests/properties/test_oracle.py",
        "tests/properties/test_metamorphic.py", "tests/properties/test_doors_agree.py", "tests/test_ranges.py", "tests/test_own_rules.py",
    ),
    "normalize": (
        "tests/test_cases.py", "tests/test_collect.py", "tests/test_dates.py", "tests/test_range_text.py",
        "tests/test_ceilings.py", "tests/test_specimen_kinds.py", "tests/test_profiles.py", "tests/properties/test_doors_agree.py",
    ),
    "collect": (
        "tests/test_collect.py", "tests/test_grouping.py", "tests/test_collect_in_columns.py", "tests/test_long_tables.py",
        "tests/test_persons_found.py",
    ),
    "knowledge": (
        "tests/knowledge/test_loader_faults.py", "tests/test_cases.py", "tests/test_ranges.py", "tests/knowledge/test_names.py",
        "tests/knowledge/test_unit_spellings.py", "tests/knowledge/test_false_friends.py", "tests/test_own_rules.py",
        "tests/knowledge/test_word_faults.py", "tests/knowledge/test_rule_faults.py", "tests/knowledge/test_range_faults.py",
        "tests/knowledge/test_files.py",
    ),
}  # fmt: skip
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SHOWN = 45  # characters on each side of a change
_OTHER: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: where, what it was, what it is."""

    file: str
    function: str
    line: int
    last: int  # line of the statement
    before: str
    after: str
    text: str = ""  # of the whole module
    kept: bool = False  # what its function returns is kept: it may have run before, whatever was seen

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What says which change it is, wherever its line has moved."""
        return self.file, self.function, self.before, self.after


class Change(NamedTuple):
    """A node that can say something else: what holds its part, where, and the other part."""

    node: ast.AST
    holder: ast.AST | list[Any]
    place: str | int
    other: object

    @contextmanager
    def made(self) -> Iterator[None]:
        """Say the other thing for a while."""
        before = self._part()
        self._put(self.other)
        try:
            yield
        finally:
            self._put(before)

    def _part(self) -> object:
        return self.holder[self.place] if isinstance(self.place, int) else getattr(self.holder, self.place)  # type: ignore[index]

    def _put(self, part: object) -> None:
        if isinstance(self.place, int):
            self.holder[self.place] = part  # type: ignore[index]
        else:
            setattr(self.holder, self.place, part)


def changes(tree: ast.Module) -> Iterator[Change]:
    """Yield each node that can say something else; types, decorators and docstrings are left alone."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        for name, child in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            waiting += [one for one in (child if isinstance(child, list) else [child]) if isinstance(one, ast.AST)]
        yield from _changes(node)


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHER:
        yield Change(node, node.ops, 0, _OTHER[type(node.ops[0])]())
    elif isinstance(node, ast.BoolOp):
        yield Change(node, node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        # `not x` becomes `not not x`, which is x as a truth.
        yield Change(node, node, "operand", ast.UnaryOp(ast.Not(), node.operand))
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield Change(node, node, "value", node.value + 1)  # type: ignore[operator]
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield Change(node, node, "value", not node.value)
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield Change(node, node, "value", ast.Constant(None))


class Module:
    """The changes of one module, which is read once; each is made, shown and taken back."""

    def __init__(self, path: Path, root: Path = ROOT) -> None:
        self._path = path
        self._tree = ast.parse((root / path).read_text(encoding="utf-8"))
        self._changes = list(changes(self._tree))
        self._above = {child: parent for parent in ast.walk(self._tree) for child in ast.iter_child_nodes(parent)}
        self._head = lru_cache(maxsize=None)(_head)

    def mutant(self, place: int, seed: object) -> Mutant | None:
        """Return one of the changes, in the order of a seed; None where there are no more."""
        order = list(range(len(self._changes)))
        random.Random(f"{seed} {self._path.as_posix()}").shuffle(order)
        if place >= len(order):
            return None
        change = self._changes[order[place]]
        owner = change.node
        while not isinstance(owner, (ast.stmt, ast.match_case, ast.ExceptHandler)):
            owner = self._above[owner]
        within = [one for one in _upwards(owner, self._above) if isinstance(one, _NAMED)]
        name = ".".join(one.name for one in reversed(within))
        before = self._head(owner)
        # The same words again in one function are told apart by their number.
        around = ast.walk(within[0] if within else self._tree)
        same = [one for one in around if type(one) is type(owner) and self._head(one) == before]
        number = sorted(getattr(one, "lineno", 0) for one in same).index(getattr(owner, "lineno", 0)) + 1
        with change.made():
            shown, text = _cut(before, _head(owner)), ast.unparse(self._tree)
        function = f"{name} ({number})" if number > 1 else name
        kept = any("cache" in ast.unparse(one) for each in within for one in each.decorator_list)
        return Mutant(self._path.as_posix(), function, *_lines(owner, change.node), *shown, text, kept)


def mutant(path: Path, place: int, seed: object, root: Path = ROOT) -> Mutant | None:
    """Return one of the changes of a module, in the order of a seed; None where there are no more."""
    return Module(path, root).mutant(place, seed)


def _upwards(node: ast.AST, above: Mapping[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    found: ast.AST | None = node
    while found is not None:
        yield found
        found = above.get(found)


def _lines(owner: ast.AST, node: ast.AST) -> tuple[int, int]:
    # Of a statement that holds others, its head alone.
    body = getattr(owner, "body", None)
    first = getattr(owner, "lineno", getattr(node, "lineno", 0))
    last = body[0].lineno - 1 if isinstance(body, list) and body else getattr(owner, "end_lineno", first)
    return first, max(first, last)


def _head(owner: ast.AST) -> str:
    alone = copy.copy(owner)
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        if isinstance(getattr(alone, name, None), list):
            setattr(alone, name, [])
    return " ".join(ast.unparse(alone).split())


def _cut(before: str, after: str) -> tuple[str, str]:
    # What differs, with what stands around it.
    least = min(len(before), len(after))
    start = next((place for place in range(least) if before[place] != after[place]), least)
    end = next((place for place in range(least - start) if before[-1 - place] != after[-1 - place]), least - start)
    from_, until = max(0, start - _SHOWN), max(0, end - _SHOWN)
    return before[from_ : len(before) - until], after[from_ : len(after) - until]


def modules(root: Path = ROOT) -> list[Path]:
    """Return the modules that are changed."""
    found = [path for room in ROOMS for path in (root / SOURCE / room).rglob("*.py") if path.name != "__init__.py"]
    return [path.relative_to(root) for path in sorted(found)]


def draws(seed: int, rooms: Iterable[str] = tuple(ROOMS)) -> Iterator[Mutant]:
    """Yield mutants: one of every module in an order of its own, then another of every module that has more."""
    names, turn = [path for path in modules() if room_of(path.as_posix()) in rooms], 0
    while names:
        random.Random(f"{seed} {turn}").shuffle(names)
        for path in list(names):
            found = mutant(path, turn, seed)
            if found is None:
                names.remove(path)
            else:
                yield found
        turn += 1


def room_of(file: str) -> str:
    """Return the room of a module."""
    return Path(file).parts[2]
