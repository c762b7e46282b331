"""Change one thing in the code at a time and see whether a test fails: how far the tests hold what the code says.

Usage: python tools/mutants.py [--mutants N] [--seed N] [--within MINUTES] [--state FILE]

A mutant is one comparison, number, boolean operator or return of `kernel`, `normalize`, `collect` or `knowledge` that says
something else. They are drawn with a seed, one module after the other, so that small modules count as large ones do. Each
is put into a copy of the repository, never into this tree, and the tests of its room run until the first that fails;
what does not end counts as found. Prints the share that was found with its lower Wilson limit, and lists the survivors:
each is a test that is missing, or a change that changes nothing. With --state a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.agreement import wilson  # noqa: E402

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
        "tests/knowledge/test_unit_spellings.py", "tests/knowledge/test_false_friends.py", "tests/test_own_rules.py", "tests/test_kept.py",
        "tests/knowledge/test_word_faults.py", "tests/knowledge/test_rule_faults.py", "tests/knowledge/test_range_faults.py",
        "tests/knowledge/test_files.py",
    ),
}  # fmt: skip
_PARTS = (
    "src",
    "reference_ranges",
    "tests",
    "tools",
    "docs",
    "pyproject.toml",
    "CHANGELOG.md",
    "README.md",
    "CONTRIBUTING.md",
)
_LONGEST = 300  # seconds of tests
_Z = 1.96  # of the interval of 95 %
_OTHER: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: where, what it was, what it is."""

    file: str
    line: int
    before: str
    after: str
    text: str = ""  # of the whole module


def sites(tree: ast.Module) -> Iterator[tuple[ast.AST, Callable[[], None]]]:
    """Yield each node that can say something else, with what makes it so; types, decorators and docstrings are left alone."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        for name, child in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            waiting += [one for one in (child if isinstance(child, list) else [child]) if isinstance(one, ast.AST)]
        yield from _changes(node)


def _changes(node: ast.AST) -> Iterator[tuple[ast.AST, Callable[[], None]]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHER:
        yield node, lambda: node.ops.__setitem__(0, _OTHER[type(node.ops[0])]())
    elif isinstance(node, ast.BoolOp):
        yield node, lambda: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, lambda: _drop_not(node)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield node, lambda: setattr(node, "value", node.value + 1)  # type: ignore[operator]
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, lambda: setattr(node, "value", not node.value)
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield node, lambda: setattr(node, "value", ast.Constant(None))


def _drop_not(node: ast.UnaryOp) -> None:
    # `not x` becomes `not not x`, which is x as a truth.
    node.operand = ast.UnaryOp(ast.Not(), node.operand)


def mutant(path: Path, chance: random.Random, root: Path = ROOT) -> Mutant | None:
    """Draw one change of a module; None where there is nothing to change."""
    tree = ast.parse((root / path).read_text(encoding="utf-8"))
    found = list(sites(tree))
    if not found:
        return None
    node, change = chance.choice(found)
    line, before = getattr(node, "lineno", 0), ast.unparse(node)
    change()
    ast.fix_missing_locations(tree)
    return Mutant(path.as_posix(), line, before, ast.unparse(node), ast.unparse(tree))


def modules(root: Path = ROOT) -> list[Path]:
    """Return the modules that are changed."""
    found = [path for room in ROOMS for path in (root / SOURCE / room).rglob("*.py") if path.name != "__init__.py"]
    return [path.relative_to(root) for path in sorted(found)]


def draws(seed: int, rooms: Iterable[str] = tuple(ROOMS)) -> Iterator[Mutant]:
    """Yield mutants without end: every module once in an order of its own, then every module again."""
    for turn in range(1_000_000):
        names = [path for path in modules() if room_of(path.as_posix()) in rooms]
        random.Random(f"{seed} {turn}").shuffle(names)
        for path in names:
            found = mutant(path, random.Random(f"{seed} {turn} {path.as_posix()}"))
            if found is not None:
                yield found


def copy_of(folder: Path) -> Path:
    """Copy what the tests need."""
    for part in _PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    return folder


def found_by(home: Path, one: Mutant) -> str:
    """Return the test that fails with a mutant, "time" where the tests do not end, "" where it survives."""
    assert home.resolve() != ROOT, "a mutant never goes into the tree itself"
    path = home / one.file
    sound = path.read_text(encoding="utf-8")
    path.write_text(one.text, encoding="utf-8")
    try:
        return tried(home, room_of(one.file))
    finally:
        path.write_text(sound, encoding="utf-8")


def room_of(file: str) -> str:
    """Return the room of a module."""
    return Path(file).parts[2]


def tried(home: Path, room: str) -> str:
    """Run the tests of a room until the first that fails, and return it; "time" where they do not end, "" where all pass."""
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "-o", "addopts=", "-q", "-x"]
    environment = {**os.environ, "PYTHONPATH": str(home / "src"), "CBC_SCREEN_EXAMPLES": "20"}
    try:
        done = subprocess.run(
            [*command, "--no-header", "-m", "not outside and not parts", *ROOMS[room]],
            cwd=home, env=environment, capture_output=True, text=True, timeout=_LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "time"
    if done.returncode == 0:
        return ""
    failed = [
        line.split(" ", 1)[1].split(" - ")[0]
        for line in done.stdout.splitlines()
        if line.startswith(("FAILED", "ERROR"))
    ]
    return failed[0] if failed else "the tests could not begin"


def table(told: list[dict[str, object]]) -> str:
    """Say how many were found, by room, and list the survivors."""
    lines = [f"{'room':<12}{'mutants':>9}{'found':>7}{'share':>8}{'at least':>10}"]
    for room in [*ROOMS, "all"]:
        own = [one for one in told if room in ("all", room_of(str(one["file"])))]
        killed = sum(bool(one["found"]) for one in own)
        if own:
            low, _ = wilson(killed, len(own), _Z)
            lines.append(f"{room:<12}{len(own):>9}{killed:>7}{100 * killed / len(own):>7.1f}%{100 * low:>9.1f}%")
    lines += [
        f"survived: {one['file']}:{one['line']}: {one['before']}  ->  {one['after']}"
        for one in told
        if not one["found"]
    ]
    return "\n".join(lines)


def main() -> int:
    """Draw mutants and try them."""
    parser = argparse.ArgumentParser(description="Change one thing at a time and see whether a test fails.")
    parser.add_argument("--mutants", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20_261_127)
    parser.add_argument("--rooms", default=",".join(ROOMS))
    parser.add_argument("--within", type=float, default=600, help="minutes")
    parser.add_argument("--state", type=Path, help="a file from which a later run goes on")
    given = parser.parse_args()
    told: list[dict[str, object]] = []
    if given.state is not None and given.state.exists():
        told = json.loads(given.state.read_text(encoding="utf-8"))
    until, drawn = time.monotonic() + 60 * given.within, draws(given.seed, given.rooms.split(","))
    with tempfile.TemporaryDirectory() as folder:
        home, sound = copy_of(Path(folder)), set[str]()
        for place, one in zip(range(given.mutants), drawn, strict=False):
            if place < len(told):
                continue
            if time.monotonic() > until:
                break
            room = room_of(one.file)
            # A test that fails without a change would find every mutant.
            if room not in sound and (why := tried(home, room)):
                print(f"{room}: its tests do not pass without a change: {why}")
                return 2
            sound.add(room)
            told.append({**asdict(one), "text": "", "found": found_by(home, one)})
            if given.state is not None:
                given.state.write_text(json.dumps(told, indent=1), encoding="utf-8")
            print(f"{one.file}:{one.line}: {one.before[:60]}: {told[-1]['found'] or 'SURVIVED'}", flush=True)
    print(table(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
