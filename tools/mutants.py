"""Change one thing in the code at a time and see whether a test fails: how far the tests hold what the code says.

    python tools/reached_lines.py --state /tmp/mutants                    # first: which tests reach which line
    python tools/mutants.py --state /tmp/mutants --mutants 1000           # again: goes on from where it was
    python tools/mutants.py --state /tmp/mutants --mutants 1000 --again   # those that survived by every test

A mutant is one comparison, number, boolean operator or return of `kernel`, `normalize`, `collect` or `knowledge` that says
something else. They are drawn with a seed and none twice, one module after the other, so that small modules count as large ones
do. The tests that reach the changed line run, one of each function first, until the first that fails; where the line runs once a
process, or before the tests, those that reach its module and those of its room as well. A mutant survives where all of them pass.
A test that has found one is run without a change as well: one that fails then finds nothing. And one trial in fifty changes nothing.

A survivor is tried by each new test, and by each file of tests that has changed, when the tool runs again (note first which lines
they reach). Printed are the share that was found with its lower Wilson limit, and the survivors: each is a test that is missing, or a change that
nothing can tell. Those of which a person has said why are in tests/equivalent_mutants.yaml; the share is told with and without them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tools")]

from mutant_draws import ROOMS, Mutant, draws, room_of  # noqa: E402
from mutant_trials import IMPORT, Outcome, Trial, try_collected, try_from_the_beginning  # noqa: E402
from reached_lines import Notes, load, name_of, short, test_files  # noqa: E402

EQUIVALENT = ROOT / "tests" / "equivalent_mutants.yaml"
_FEW = 30  # tests: a line that runs once a process may be reached by more than were seen to
_QUICK = 15.0  # seconds, as noted, of the tests that come first, before any mutant is tried by all
_TINY = 0.005  # seconds of a test that is run whatever else is: of a case in each row there are many
_MORE = 120.0  # seconds, as noted, of the tests beside those that reach the line
# What looks at many answers at once is tried early, though it is not quick: as if it had found so many.
_STRONG = (
    "tests/test_cases.py::test_cases_as_one_frame", "tests/test_red_list.py::test_every_record_by_itself",
    "tests/test_red_list.py::test_every_count_in_a_table", "tests/test_red_list.py::test_every_count_in_a_feed",
    "tests/properties/test_doors_agree.py::test_many_rows_through_both_doors", "tests/test_exports.py::test_the_answers_are_those_worked_out_by_hand",
    "tests/test_collect_in_columns.py::test_the_careful_way_alone_gives_the_same", "tests/properties/test_received_again.py::test_messy_rows_of_a_csv_file",
    "tests/properties/test_doors_agree.py::test_other_configurations_through_both_doors",
)  # fmt: skip
_FOUND = 40
_NEW = 20  # as if a test that was never tried had found so many: else a survivor's tests are those that it has passed
_UNCHANGED = 50  # one trial in so many changes nothing
_Z = 1.96  # of the interval of 95 %


def by_turns(tests: Iterable[int], notes: Notes, finders: Mapping[str, int]) -> list[int]:
    """Order tests: one of each function first, then another of each; first those that have found most in their time, then the quickest."""
    functions: dict[str, list[int]] = {}
    for test in sorted(tests, key=lambda one: (notes.seconds[one], one)):
        functions.setdefault(notes.names[test].split("[")[0], []).append(test)
    # One that was never tried may find something too: a quick new test comes before a slow one that has found much.
    order = sorted(
        functions, key=lambda name: -(0.5 + finders.get(name, 0)) / (0.1 + notes.seconds[functions[name][0]])
    )
    return [test for turn in zip_longest(*(functions[name] for name in order)) for test in turn if test is not None]


def trial_of(one: Mutant, number: int, notes: Notes, finders: Mapping[str, int] = MappingProxyType({})) -> Trial:
    """Return a mutant with the tests that may find it."""
    file, lines = notes.files.get(one.file), range(one.line, one.last + 1)
    if file is None:
        return Trial(one.file, one.text, (), number=number)
    mask = 0
    for line in lines:
        mask |= file.tests.get(line, 0)
    chosen = by_turns(notes.tests(mask), notes, finders)
    before = one.kept or bool(file.before.intersection(lines))
    if before or not chosen or (file.once.intersection(lines) and len(chosen) < _FEW):
        chosen += _beside(one, set(chosen), notes, finders)
    names = {notes.names[test]: notes.seconds[test] for test in chosen}
    return Trial(one.file, one.text, tuple(names), tuple(names.values()), before, number)


def _beside(one: Mutant, chosen: set[int], notes: Notes, finders: Mapping[str, int]) -> list[int]:
    mask = 0
    for reached in notes.files[one.file].tests.values():
        mask |= reached
    own = set(ROOMS[room_of(one.file)])
    room = {place for place, name in enumerate(notes.names) if name.split("::")[0] in own}
    found, left = [], _MORE
    for test in by_turns((room | set(notes.tests(mask))) - chosen, notes, finders):
        left -= notes.seconds[test]
        if left > 0 or notes.seconds[test] <= _TINY:
            found.append(test)
    return found


# A run that goes on --------------------------------------------------------------------


@dataclass
class Told:
    """What has come of earlier trials: a file with one line each, to which each is added as it ends."""

    path: Path
    mutants: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    tests: dict[str, bool] = field(default_factory=dict)  # whether a test passes without a change
    unchanged: dict[int, str] = field(default_factory=dict)
    passed: dict[tuple[str, ...], set[str]] = field(default_factory=dict)  # by mutant: tests as they were

    @classmethod
    def read(cls, path: Path) -> Told:
        told = cls(path)
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            told.take(json.loads(line))
        return told

    def take(self, entry: dict[str, Any]) -> None:
        if entry["kind"] == "mutant":
            self.mutants[tuple(entry["key"])] = entry
        elif entry["kind"] == "passed":
            names = {f"{name} {text}" for text, names in entry["tests"].items() for name in names}
            self.passed.setdefault((*entry["key"], entry["text"]), set()).update(names)
        elif entry["kind"] == "forget":
            self.mutants.pop(tuple(entry["key"]), None)
            for key in [key for key in self.passed if key[:-1] == tuple(entry["key"])]:
                del self.passed[key]
        elif entry["kind"] == "test":
            self.tests[entry["name"]] = entry["passes"]
        else:
            self.unchanged[entry["number"]] = entry["found"]

    def add(self, **entry: Any) -> None:
        self.take(entry)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(file, (json.dumps(entry) + "\n").encode())  # whole, where several runs write
        os.close(file)

    def forget(self, keys: Iterable[tuple[str, ...]]) -> None:
        """Let mutants be tried by every test again."""
        for key in keys:
            self.add(kind="forget", key=key)

    def found(self, one: Mutant) -> str | None:
        """Return the test that finds a mutant, "" of a survivor, None where that is not known."""
        entry = self.mutants.get(one.key)
        if entry is None or not entry["found"]:
            return None if entry is None else ""
        return entry["found"] if self.tests.get(marked(finder(entry["found"]))) else None


@lru_cache(maxsize=4096)
def marked(test: str) -> str:
    """Return a test with the content of its file: another content is another test."""
    path = ROOT / test.split("::")[0]
    return f"{test} {short(path.read_bytes()) if path.is_file() else 'none'}"


def finder(found: str) -> str:
    """Return the test of an outcome alone."""
    return found.split(": does not end")[0].removesuffix(" (collected)")


class Queue:
    """What is to be tried, which what comes of it adds to: every mutant by few tests, then those that are left by all."""

    def __init__(self, mutants: Iterable[tuple[int, Mutant]], notes: Notes, told: Told, until: float) -> None:
        self.mutants, self.notes, self.told, self.until = dict(mutants), notes, told, until
        tried = {key[:-1] for key in told.passed}
        self.begun = {number for number, one in self.mutants.items() if one.key in tried}
        self.tests, self.later, self.seen = deque[str](), list[int](), set[str]()
        passed = {name.rsplit(" ", 1)[0].split("[")[0] for names in told.passed.values() for name in names}
        new = {name.split("[")[0] for name in notes.names} - passed
        self.finders = {room: Counter[str](dict.fromkeys(new, _NEW) | dict.fromkeys(_STRONG, _FOUND)) for room in ROOMS}
        for entry in told.mutants.values():
            self._finds(entry["key"][0], entry["found"])
        # What has not been tried comes first; then what has least to pass.
        left = {number: sum(self.trial(number).seconds) for number in self.begun}
        self.waiting = deque(
            sorted(self.mutants, key=lambda number: (number in self.begun, left.get(number, 0), number))
        )

    def following(self) -> Trial | None:
        """Return what is tried next; None where nothing is left, or no time."""
        if self.tests:
            test = self.tests.popleft()
            of = [name for name in self.notes.names if test in (name, name.split("::")[0], IMPORT)]
            return Trial("", test, tuple(of[:1]), number=-1)
        if not self.waiting or time.monotonic() > self.until:
            return None
        number = self.waiting.popleft()
        trial = self.trial(number)
        if not trial.tests and self.told.found(self.mutants[number]) == "":
            return self.following()  # it has passed all
        if number % _UNCHANGED == 0 and number not in self.told.unchanged:
            self.told.unchanged[number] = ""
            self.waiting.appendleft(number)
            return replace(trial, file="", text="")
        return trial

    def trial(self, number: int) -> Trial:
        """Return a mutant with the tests that it has not passed: a few at first."""
        one = self.mutants[number]
        whole = trial_of(one, number, self.notes, self.finders[room_of(one.file)])
        passed = self.told.passed.get((*one.key, short(one.text.encode())), set())
        left, some = _QUICK if number not in self.begun else float("inf"), {}
        for name, seconds in zip(whole.tests, whole.seconds, strict=True):
            if self.told.tests.get(marked(name)) is False or marked(name) in passed:
                continue
            left -= seconds
            if left < 0 and some:
                return replace(whole, tests=tuple(some), seconds=tuple(some.values()), whole=False)
            some[name] = seconds
        return replace(whole, tests=tuple(some), seconds=tuple(some.values()))

    def came(self, trial: Trial, outcome: Outcome) -> None:
        """Note what has come of a trial."""
        if not trial.file:
            self._unchanged(trial, outcome)
            return
        one = self.mutants[trial.number]
        if outcome.again:
            self.later.append(trial.number)
            return
        if not outcome.found:
            self._passed(one, trial.tests)
            if not trial.whole:
                self.begun.add(trial.number)
                self.waiting.append(trial.number)
                return
        self.told.add(
            kind="mutant", key=one.key, line=one.line, found=outcome.found, number=trial.number,
            tests=len(trial.tests), tried=outcome.tried, seconds=round(outcome.seconds, 2),
        )  # fmt: skip
        print(
            f"{trial.number}: {one.file}:{one.line} {one.function}: {one.after[:70]}: {outcome.found or 'SURVIVED'} ({outcome.seconds:.1f} s)",
            flush=True,
        )
        self._finds(one.file, outcome.found)
        test = finder(outcome.found)
        if test and marked(test) not in self.told.tests and test not in self.seen:
            self.seen.add(test)
            self.tests.append(test)

    def _finds(self, file: str, found: str) -> None:
        if found:
            self.finders[room_of(file)][finder(found).split("[")[0]] += 1

    def _passed(self, one: Mutant, tests: Iterable[str]) -> None:
        by_text: dict[str, list[str]] = {}
        for name in tests:
            by_text.setdefault(marked(name).rsplit(" ", 1)[1], []).append(name)
        self.told.add(kind="passed", key=one.key, text=short(one.text.encode()), tests=by_text)

    def _unchanged(self, trial: Trial, outcome: Outcome) -> None:
        if trial.number >= 0:
            self.told.add(kind="unchanged", number=trial.number, found=outcome.found)
        else:
            self.told.add(kind="test", name=marked(trial.text), passes=bool(trial.tests) and not outcome.found)
        if outcome.found:
            print(f"without a change: {outcome.found} fails", flush=True)


def reasons() -> dict[tuple[str, ...], str]:
    """Return the changes that nothing can tell, as a person has found, with why."""
    import yaml

    entries = yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")) if EQUIVALENT.exists() else None
    return {
        (f"src/cbc_screen/{one['module']}", one["function"], one["before"], one["after"]): one["reason"]
        for one in entries or ()
    }


def table(told: list[tuple[Mutant, str]], known: dict[tuple[str, ...], str]) -> str:
    """Say how many were found, by room, with and without those that nothing can tell, and list the survivors."""
    from cbc_screen.agreement import wilson

    lines = [
        f"{'room':<11}{'mutants':>8}{'found':>7}{'share':>8}{'at least':>10}{'alike':>7}{'share without':>15}{'at least':>10}"
    ]
    for room in [*ROOMS, "all"]:
        own = [(one, found) for one, found in told if room in ("all", room_of(one.file))]
        killed = sum(bool(found) for _, found in own)
        alike = sum(not found and one.key in known for one, found in own)
        if own:
            shares = [
                f"{100 * killed / n:>{w}.1f}%{100 * wilson(killed, n, _Z)[0]:>9.1f}%"
                for n, w in ((len(own), 7), (max(1, len(own) - alike), 14))
            ]
            lines.append(f"{room:<11}{len(own):>8}{killed:>7}{shares[0]}{alike:>7}{shares[1]}")
    left = [one for one, found in told if not found]
    for one in sorted(left, key=lambda one: (one.key in known, one.key)):
        why = f": {known[one.key]}" if one.key in known else ""
        lines.append(
            f"{'alike' if why else 'survived'}: {one.file}:{one.line} {one.function}: {one.before}  ->  {one.after}{why}"
        )
    return "\n".join(lines)


def _in_a_child(work: Callable[[], object]) -> None:
    # The package must not be imported here: the other children begin without it.
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.waitpid(child, 0)


def main() -> int:
    """Draw mutants and try them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20_261_127)
    parser.add_argument("--rooms", default=",".join(ROOMS))
    parser.add_argument("--within", type=float, default=600, help="minutes")
    parser.add_argument(
        "--collected", type=float, default=0.6, help="share of them for lines that have not run before the tests"
    )
    parser.add_argument("--workers", type=int, default=1, help="mutants at a time")
    parser.add_argument(
        "--state", type=Path, default=Path("/tmp/cbc-screen-mutants"), help="a folder from which a later run goes on"
    )
    parser.add_argument("--again", action="store_true", help="try those that survived by every test again")
    parser.add_argument("--only-tell", action="store_true", help="try none")
    given = parser.parse_args()
    state, until = given.state.resolve(), time.monotonic() + 60 * given.within
    drawn = [one for _, one in zip(range(given.mutants), draws(given.seed, given.rooms.split(",")), strict=False)]
    path = state / f"told.{given.seed}.jsonl"
    files = [test for test in test_files() if name_of(test, state).exists()]
    if not files:
        print("first: python tools/reached_lines.py")
        return 2
    told, known = Told.read(path), reasons()
    if given.again:
        told.forget([one.key for one in drawn if told.found(one) == ""])
    wanted = [(number, one) for number, one in enumerate(drawn) if not told.found(one) and one.key not in known]
    if wanted and not given.only_tell:
        os.chdir(ROOT)
        os.environ["CBC_SCREEN_EXAMPLES"] = "20"
        some = time.monotonic() + 60 * given.within * given.collected
        _in_a_child(lambda: _collected(wanted, state, path, some, given.workers, files))
        _in_a_child(lambda: _from_the_beginning(wanted, state, path, until, given.workers))
    told = Told.read(path)
    # What a person has found that nothing can tell counts as a survivor, however many tests it has passed.
    came = ((one, told.found(one)) for one in drawn)
    tried = [(one, found or "") for one, found in came if found is not None or one.key in known]
    print(table(tried, known))
    failed = [found for found in told.unchanged.values() if found]
    print(
        f"{len(drawn) - len(tried)} not tried; nothing changed: {len(told.unchanged)} tried, {len(failed)} found {failed or ''}"
    )
    return 0


def _left(wanted: list[tuple[int, Mutant]], state: Path, path: Path, until: float, before: bool) -> Queue:
    notes, told = load(state), Told.read(path)
    return Queue([(n, one) for n, one in wanted if trial_of(one, n, notes).before is before], notes, told, until)


def _collected(
    wanted: list[tuple[int, Mutant]], state: Path, path: Path, until: float, workers: int, files: list[str]
) -> None:
    queue = _left(wanted, state, path, until, before=False)
    if queue.waiting:
        try_collected(queue.following, queue.came, workers, files)
        (state / "later.json").write_text(json.dumps(queue.later))


def _from_the_beginning(wanted: list[tuple[int, Mutant]], state: Path, path: Path, until: float, workers: int) -> None:
    later = state / "later.json"
    numbers = set(json.loads(later.read_text())) if later.exists() else set()
    queue = _left(wanted, state, path, until, before=True)
    queue.mutants |= {n: one for n, one in wanted if n in numbers}
    queue.waiting += sorted(numbers & set(queue.mutants))
    if queue.waiting:
        try_from_the_beginning(queue.following, queue.came, workers)


if __name__ == "__main__":
    sys.exit(main())
