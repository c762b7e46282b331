"""Try mutants in processes that have the tests at hand: the half of tools/mutants.py that runs them.

One process collects all tests once, and forks for each mutant: the child puts the changed code into the functions of the module, and
runs the tests that reach the line. That is the same as a changed file only where the line has not run before the fork. One that
has (an import, the tables) is tried in a child of a process that has imported nothing of the package: there the changed text
takes the place of the module's own, and tests are collected anew. Nothing is written into the tree. What is kept of the tables and
of the lowered screen is kept apart for each child, which begins without any: a mutant cannot be hidden by what was made without it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
MARKS = "not outside and not parts"
OPTIONS = ("-p", "no:xdist", "-p", "no:cacheprovider", "-o", "addopts=", "-q", "--no-header", "--no-summary", "-s")
TIME = "does not end"
IMPORT = "import"  # in place of a test
_REWRITTEN = "ignore::pytest.PytestAssertRewriteWarning"  # of what was imported before
_OTHERS = ("numpy", "pandas", "pyarrow.parquet", "polars", "pydantic", "yaml", "click.testing", "rich.console", "jinja2", "hypothesis.strategies", "openpyxl")  # fmt: skip
_LEAST, _TIMES, _WALL = 30, 20, 600  # seconds of a test; as many times what it took; seconds of the clock of one trial
_MEMORY = 6 << 30  # bytes beyond which a test has failed


@dataclass(frozen=True)
class Trial:
    """A mutant with the tests that may find it, in their order; no file: nothing is changed."""

    file: str
    text: str
    tests: tuple[str, ...]
    seconds: tuple[float, ...] = ()
    before: bool = False  # the line runs before the first test
    number: int = 0
    whole: bool = True  # all the tests that may find it


@dataclass
class Outcome:
    """What came of a trial: the test that failed, or "" where all passed."""

    found: str = ""
    again: bool = False  # to be tried from the beginning: the code cannot be put in place
    tried: int = 0
    seconds: float = 0.0


Following = Callable[[], Trial | None]
Told = Callable[[Trial, Outcome], None]


def module_of(file: str) -> str:
    """Return the name of a module."""
    return ".".join(Path(file).with_suffix("").parts[1:])


# How a child gets the changed module ---------------------------------------------------


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Serves one module with a text of its own."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self.name, self.path, self.text = name, path, text

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_source(self, fullname: str) -> str:
        return self.text

    def get_code(self, fullname: str) -> types.CodeType:
        return compile(self.text, str(self.path), "exec", dont_inherit=True)


def serve(file: str, text: str, root: Path) -> None:
    """Let the module be imported with another text."""
    assert module_of(file) not in sys.modules
    sys.meta_path.insert(0, _Changed(module_of(file), root / file, text))


def codes(one: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a code with all that are defined in it."""
    yield one
    for constant in one.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def alike(one: types.CodeType, two: types.CodeType) -> bool:
    """Tell whether two codes do the same, wherever their lines are."""
    parts = [[c for c in code.co_consts if not isinstance(c, types.CodeType)] for code in (one, two)]
    names = [(code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars) for code in (one, two)]
    return names[0] == names[1] and repr(parts[0]) == repr(parts[1])


def replaced(path: Path, text: str) -> dict[types.CodeType, types.CodeType]:
    """Return each code of the module as it is, with what takes its place."""
    pairs = [
        list(codes(compile(source, str(path), "exec", dont_inherit=True)))
        for source in (path.read_text(encoding="utf-8"), text)
    ]
    if len(pairs[0]) != len(pairs[1]):
        raise ValueError("other functions")
    found = dict(zip(*pairs, strict=True))
    return {
        old: new
        for old, new in found.items()
        if any(not alike(*both) for both in zip(codes(old), codes(new), strict=True))
    }


def put_in_place(file: str, text: str, root: Path, functions: dict[types.CodeType, list[types.FunctionType]]) -> bool:
    """Put the changed code into the functions of a module that is imported; False where that cannot be done."""
    if module_of(file) not in sys.modules:
        serve(file, text, root)
        return True
    try:
        changed = replaced(root / file, text)
        held = [(function, new) for old, new in changed.items() for function in functions.get(old, ())]
        for function, new in held:
            function.__code__ = new
    except ValueError:
        return False
    return bool(held)


def functions_of(root: Path) -> dict[types.CodeType, list[types.FunctionType]]:
    """Return all functions of the package that there are, by their code."""
    gc.unfreeze()
    found: dict[types.CodeType, list[types.FunctionType]] = {}
    own = str(root / "src")
    for one in gc.get_objects():
        if type(one) is types.FunctionType and one.__code__.co_filename.startswith(own):
            found.setdefault(one.__code__, []).append(one)
    gc.freeze()
    return found


def keep_apart(folder: Path) -> None:
    """Let this process keep what it works out of the tables in a folder of its own."""
    from cbc_screen.knowledge import kept

    usual, own = importlib.util.cache_from_source, sys.pycache_prefix

    def path(of: str) -> str:
        if sys.pycache_prefix != own:  # a test that keeps it elsewhere
            return usual(of)
        return str(folder / Path(of).with_suffix(".pyc").name)

    kept.importlib = types.SimpleNamespace(util=types.SimpleNamespace(cache_from_source=path))  # type: ignore[attr-defined, assignment]


# What a child does ---------------------------------------------------------------------


class _Watch:
    """Writes down which test begins and which fails, and limits the time of each."""

    def __init__(self, folder: Path, trial: Trial) -> None:
        self.said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.seconds = dict(zip(trial.tests, trial.seconds, strict=False))
        self.failed = self.current = ""

    def say(self, kind: str, text: str = "") -> None:
        os.write(self.said, (json.dumps([kind, text]) + "\n").encode())

    def begin(self, name: str) -> None:
        self.current = name
        self.say("begun", name)
        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        limit = int(used + max(_LEAST, _TIMES * self.seconds.get(name, 1.0))) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = f"{report.nodeid} (collected)"


class _Some:
    """Runs some tests of those that were collected, in an order, until the first that fails."""

    def __init__(self, watch: _Watch, order: Sequence[str]) -> None:
        self.watch, self.order = watch, {name: place for place, name in enumerate(order)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [one for one in items if one.nodeid in self.order]
        items[:] = sorted(chosen, key=lambda one: self.order[one.nodeid])

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not session.testsfailed and not self.watch.failed:
            run(session.items, self.watch)
        return True


def run(items: Sequence[pytest.Item], watch: _Watch) -> None:
    """Run tests until the first that fails."""
    for place, item in enumerate(items):
        watch.begin(item.nodeid)
        following = items[place + 1] if place + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if watch.failed:
            return


def from_the_beginning(trial: Trial, watch: _Watch, root: Path, folder: Path) -> None:
    """Import the package with the changed module, collect and run: few files first, then more at a time."""
    if trial.file:
        serve(trial.file, trial.text, root)
    files = list(dict.fromkeys(name.split("::")[0] for name in trial.tests))
    watch.begin(IMPORT)
    try:
        keep_apart(folder)
    except Exception:
        watch.failed = IMPORT
    size = 1
    while files and not watch.failed:
        now, files, size = files[:size], files[size:], size * 2
        watch.begin(f"{now[0]} (collected)")
        own = [name for name in trial.tests if name.split("::")[0] in now]
        code = pytest.main(
            [*OPTIONS, "-W", _REWRITTEN, "--rootdir", str(root), "-m", MARKS, *now], plugins=[watch, _Some(watch, own)]
        )
        if code not in (0, 1, 5) and not watch.failed:
            watch.failed = f"{now[0]} (collected)"


# What the process does that forks ------------------------------------------------------


@dataclass
class Forks:
    """Children that try mutants, a few at a time."""

    work: Callable[[Trial, _Watch, Path], bool]
    workers: int = 1
    running: dict[int, tuple[Trial, Path, float]] = field(default_factory=dict)

    def begin(self, trial: Trial) -> None:
        folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        sys.stdout.flush()
        child = os.fork()
        if not child:
            self._child(trial, folder)
        self.running[child] = (trial, folder, time.monotonic())

    def _child(self, trial: Trial, folder: Path) -> None:
        try:
            os.setsid()
            silent = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(silent, number)
            os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = str(folder)
            resource.setrlimit(resource.RLIMIT_AS, (_memory() + _MEMORY, resource.RLIM_INFINITY))
            watch = _Watch(folder, trial)
            done = self.work(trial, watch, folder)
            watch.say("again" if not done else "failed" if watch.failed else "passed", watch.failed)
        except BaseException:
            watch.say("failed", watch.current)
        finally:
            os._exit(0)

    def finished(self) -> Iterator[tuple[Trial, Outcome]]:
        """Yield what has ended, and end what has run too long."""
        for child, (trial, folder, began) in list(self.running.items()):
            ended, _ = os.waitpid(child, os.WNOHANG)
            late = time.monotonic() - began > _WALL
            if not ended and late:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            if ended or late:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child, signal.SIGKILL)  # what its tests have left running
                del self.running[child]
                yield trial, outcome(folder, time.monotonic() - began)
                shutil.rmtree(folder, ignore_errors=True)

    def run(self, following: Callable[[], Trial | None], told: Callable[[Trial, Outcome], None]) -> None:
        """Try what there is to try, which what has come may add to; tell each as it ends."""
        while True:
            while len(self.running) < self.workers and (trial := following()) is not None:
                self.begin(trial)
            if not self.running:
                return
            for trial, came in self.finished():
                told(trial, came)
            time.sleep(0.01)


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def outcome(folder: Path, seconds: float) -> Outcome:
    """Read what a child has said; a test that began and did not end has ended its process, by its time or its memory."""
    with contextlib.suppress(OSError):
        said = [json.loads(line) for line in (folder / "said").read_text().splitlines()]
        begun = sum(kind == "begun" for kind, _ in said)
        kind, text = said[-1]
        if kind == "begun":
            return Outcome(f"{text}: {TIME}", tried=begun, seconds=seconds)
        return Outcome(text, kind == "again", begun, seconds)
    return Outcome("the process did not begin", seconds=seconds)


class Collected:
    """A plugin that tries mutants in place of running the tests that pytest has collected."""

    def __init__(self, following: Following, told: Told, workers: int, root: Path) -> None:
        self.following, self.told, self.workers, self.root = following, told, workers, root

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        functions = functions_of(self.root)

        def work(trial: Trial, watch: _Watch, folder: Path) -> bool:
            session.config.pluginmanager.register(watch)
            keep_apart(folder)
            if trial.file and not put_in_place(trial.file, trial.text, self.root, functions):
                return False
            run([items[name] for name in trial.tests if name in items], watch)
            return True

        Forks(work, self.workers).run(self.following, self.told)
        return True


def try_collected(following: Following, told: Told, workers: int, files: Sequence[str], root: Path = ROOT) -> int:
    """Collect the tests of some files, and try mutants of lines that have not run by then."""
    plugin = Collected(following, told, workers, root)
    return int(pytest.main([*OPTIONS, "--rootdir", str(root), "-m", MARKS, *files], plugins=[plugin]))


def try_from_the_beginning(following: Following, told: Told, workers: int, root: Path = ROOT) -> None:
    """Try mutants of lines that run as the package is imported or tests are collected."""
    for name in _OTHERS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)

    def work(trial: Trial, watch: _Watch, folder: Path) -> bool:
        from_the_beginning(trial, watch, root, folder)
        return True

    Forks(work, workers).run(following, told)
