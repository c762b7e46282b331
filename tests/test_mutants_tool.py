"""tools/mutants.py and what it stands on: what it changes, which tests try it, that nothing hides a change, and how it counts."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import count, islice, takewhile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import mutant_draws  # noqa: E402
import mutants  # noqa: E402
import reached_lines  # noqa: E402
from mutant_draws import Mutant  # noqa: E402
from mutant_trials import Outcome, Trial  # noqa: E402

SMALL = """LIMIT = 4


def low(number):
    return number < LIMIT


def down(number):
    while number > 0:
        number = number - 1
    return number


def adder(more):
    def add(number):
        return number + more
    return add


two_more = adder(2)
"""
TESTS = """from tiny.small import adder, down, low, two_more


def test_low():
    assert low(3)
    assert not low(5)


def test_down():
    assert down(3) == 0


def test_adder():
    assert adder(1)(1) == 2
    assert two_more(1) == 3
"""
SCRIPT = """import json, sys
sys.path[:0] = {paths!r}
import mutant_trials as trials
trials._LEAST, trials._TIMES, rest, came = 1, 1, {given!r}, []
waiting = [trials.Trial("src/tiny/small.py", text, tuple("tests/test_small.py::" + name for name in names)) for text, names in rest]
following = lambda: waiting.pop(0) if waiting else None
told = lambda trial, outcome: came.append([outcome.found, outcome.again, outcome.tried])
root = trials.Path({root!r})
if {collected}:
    trials.try_collected(following, told, 1, ["tests/test_small.py"], root)
else:
    trials.try_from_the_beginning(following, told, 1, root)
print()
print(json.dumps(came))
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a >= b", {"x = a > b"}),
        ("x = a is b", {"x = a is not b"}),
        ("x = a in b", {"x = a not in b"}),
        ("x = a and b", {"x = a or b"}),
        ("x = not a", {"x = not not a"}),
        ("x = 1.5", {"x = 2.5"}),
        ("x = True", {"x = False"}),
        ("if a < b:\n    x = y", {"if a <= b:"}),
        ("def f():\n    return a", {"return None"}),
        ("def f(a: int = 3) -> bool:\n    '''Text.'''", {"def f(a: int=4) -> bool:"}),
        ("def f():\n    return None", set()),
        ("x: Literal[1] = y", set()),
        ("'text'", set()),
    ],
)
def test_what_is_changed(tmp_path: Path, code: str, expected: set[str]) -> None:
    (tmp_path / "module.py").write_text(code, encoding="utf-8")
    drawn = [mutant_draws.mutant(Path("module.py"), place, 7, tmp_path) for place in range(3)]
    assert {one.after for one in drawn if one is not None} == expected
    for one in drawn:
        assert one is None or ast.unparse(ast.parse(one.text)) != ast.unparse(ast.parse(code))


@pytest.mark.parametrize(
    ("decorator", "expected"),
    [("@lru_cache(maxsize=1)\n", True), ("@cached_property\n", True), ("@property\n", False), ("", False)],
)
def test_what_is_kept_of_a_function_is_made_anew_for_its_changes(
    tmp_path: Path, decorator: str, expected: bool
) -> None:
    """Its lines may have run in the process that collects the tests: the child would look at what they left."""
    (tmp_path / "module.py").write_text(f"{decorator}def f():\n    return 1\n", encoding="utf-8")
    drawn = mutant_draws.mutant(Path("module.py"), 0, 7, tmp_path)
    assert drawn is not None
    assert drawn.kept is expected


def test_a_change_says_where_it_is(tmp_path: Path) -> None:
    code = f"class A:\n    def f(self):\n        x = {'a + ' * 40}1\n        if (x <\n                2):\n            return\n"
    (tmp_path / "module.py").write_text(code, encoding="utf-8")
    drawn = [mutant_draws.mutant(Path("module.py"), place, 7, tmp_path) for place in range(3)]
    told = {(one.function, one.line, one.last, one.before[-9:], one.after[-9:]) for one in drawn if one}
    assert told == {
        ("A.f", 3, 3, "a + a + 1", "a + a + 2"),
        ("A.f", 4, 5, "if x < 2:", "f x <= 2:"),
        ("A.f", 4, 5, "if x < 2:", "if x < 3:"),
    }
    assert all(len(one.before) < 100 for one in drawn if one)


def test_every_room_and_every_module_has_its_turn_and_no_change_comes_twice() -> None:
    names = {path.as_posix() for path in mutant_draws.modules()}
    drawn = list(islice(mutant_draws.draws(7), 2 * len(names)))
    files = [one.file for one in drawn]
    assert {mutant_draws.room_of(file) for file in files} == set(mutant_draws.ROOMS)
    assert max(Counter(files).values()) <= 3
    assert len({(one.file, one.text) for one in drawn}) == len(drawn)
    assert files == [one.file for one in islice(mutant_draws.draws(7), len(files))]
    assert files != [one.file for one in islice(mutant_draws.draws(8), len(files))]


def test_the_tests_that_are_named_are_there_and_are_noted() -> None:
    named = {test for tests in mutant_draws.ROOMS.values() for test in tests}
    for test in mutants._STRONG:
        file, _, function = test.partition("::")
        assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8")
        named.add(file)
    assert all((ROOT / test).is_file() for test in named)
    assert named <= set(reached_lines.test_files())


# Which tests try a change --------------------------------------------------------------


def noted(**files: reached_lines.File) -> reached_lines.Notes:
    names = [
        "tests/test_a.py::test_one[1]",
        "tests/test_a.py::test_one[2]",
        "tests/test_b.py::test_two",
        "tests/test_cases.py::test_case",
    ]
    return reached_lines.Notes(
        names, [3.0, 1.0, 2.0, 5.0], {f"src/cbc_screen/kernel/{name}.py": file for name, file in files.items()}
    )


def change(line: int, last: int) -> Mutant:
    return Mutant("src/cbc_screen/kernel/a.py", "f", line, last, "a < b", "a <= b", "text")


def test_one_of_each_function_comes_first_and_the_quickest_of_them() -> None:
    trial = mutants.trial_of(change(4, 5), 0, noted(a=reached_lines.File({4: 0b0011, 5: 0b0111, 9: 0b1000})))
    assert trial.tests == ("tests/test_a.py::test_one[2]", "tests/test_b.py::test_two", "tests/test_a.py::test_one[1]")
    assert trial.seconds == (1.0, 2.0, 3.0)
    assert not trial.before


def test_a_line_that_runs_once_is_tried_by_the_tests_of_its_room_too() -> None:
    lines = {4: 0b0001, 9: 0b0100}
    once = mutants.trial_of(change(4, 4), 0, noted(a=reached_lines.File(lines, once={4})))
    assert once.tests == ("tests/test_a.py::test_one[1]", "tests/test_b.py::test_two", "tests/test_cases.py::test_case")
    assert not once.before
    before = mutants.trial_of(change(4, 4), 0, noted(a=reached_lines.File(lines, before={4})))
    assert before.tests == once.tests
    assert before.before


def test_a_line_that_has_moved_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reached_lines, "ROOT", tmp_path)
    (tmp_path / "texts").mkdir()
    text = "a = 1\nb = 2\nc = 3\n"
    (tmp_path / "texts" / reached_lines.short(text.encode())).write_text(text, encoding="utf-8")
    (tmp_path / "module.py").write_text("a = 1\nnew = 0\nc = 3\n", encoding="utf-8")
    moved = reached_lines._moved("module.py", reached_lines.short(text.encode()), tmp_path)
    assert [moved(line) for line in (1, 2, 3)] == [1, None, 3]


# How a change is tried -----------------------------------------------------------------


def tried(folder: Path, changes: list[tuple[str, str, list[str]]], collected: bool) -> list[list[Any]]:
    for name, text in (
        ("src/tiny/__init__.py", ""),
        ("src/tiny/small.py", SMALL),
        ("tests/test_small.py", TESTS),
        ("pytest.ini", "[pytest]\nmarkers = outside\n  parts\n"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    given = [(SMALL.replace(old, new) if old else "", names) for old, new, names in changes]
    paths = [str(folder / "src"), str(ROOT / "src"), str(ROOT / "tools")]
    script = SCRIPT.format(paths=paths, given=given, root=str(folder), collected=collected)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert not done.returncode, done.stderr
    assert (folder / "src/tiny/small.py").read_text(encoding="utf-8") == SMALL, "nothing is written into the tree"
    came: list[list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return came


@pytest.mark.parametrize("collected", [True, False])
def test_a_change_is_found_by_the_first_test_that_fails(tmp_path: Path, collected: bool) -> None:
    name, both = "tests/test_small.py::test_low", ["test_down", "test_low", "test_adder"]
    came = tried(
        tmp_path,
        [
            ("return number < LIMIT", "return None", both),
            ("number < LIMIT", "number <= LIMIT", both),
            ("number + more", "number - more", both),
            ("return add\n", "return None\n", ["test_adder"]),
            ("number = number - 1", "number = number + 1", both),
        ],
        collected,
    )
    assert [found for found, _, _ in came] == [
        name,
        "",  # the boundary itself is not tested there, and that is seen
        "tests/test_small.py::test_adder",
        "tests/test_small.py::test_adder",
        "tests/test_small.py::test_down: does not end",
    ]
    assert [number for _, _, number in came[:2]] == ([2, 3] if collected else [4, 5])


def test_what_has_run_before_is_tried_from_the_beginning(tmp_path: Path) -> None:
    """A limit that is read on import is 2: in functions that are there already it changes nothing, and that is no answer."""
    changes = [("LIMIT = 4", "LIMIT = 2", ["test_low"]), ("return number + more", "return None", ["test_adder"])]
    assert [again for _, again, _ in tried(tmp_path, changes, collected=True)] == [True, True]
    assert [found for found, _, _ in tried(tmp_path, changes, collected=False)] == [
        "tests/test_small.py::test_low",
        "tests/test_small.py::test_adder",
    ]


def test_what_was_kept_of_the_tables_hides_no_change(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; import cbc_screen; from cbc_screen.knowledge import kept, load_knowledge;"
        "import mutant_trials; kept.save('one', 1); assert kept.load('one') == 1;"
        f"mutant_trials.keep_apart(Path({str(tmp_path / 'own')!r})); assert kept.load('one') is None;"
        "kept.save('two', 2); assert kept.load('two') == 2"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tools'}",
        "PYTHONPYCACHEPREFIX": str(tmp_path / "usual"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=300)
    assert [path.name.split(".")[0] for path in (tmp_path / "own").glob("*.kept")] == ["two"]


# A run that goes on, and what it says --------------------------------------------------


def queue_of(tmp_path: Path, *ones: Mutant) -> mutants.Queue:
    notes = noted(a=reached_lines.File({4: 0b1111}))
    notes.seconds[:] = [10.0, 10.0, 10.0, 10.0]
    return mutants.Queue(enumerate(ones, 1), notes, mutants.Told.read(tmp_path / "told"), float("inf"))


def test_few_tests_come_first_and_a_survivor_has_passed_all(tmp_path: Path) -> None:
    one = change(4, 4)
    queue = queue_of(tmp_path, one)
    first = queue.following()
    assert first is not None
    assert (len(first.tests), first.whole) == (1, False)
    queue.came(first, Outcome(""))
    assert queue.told.found(one) is None
    rest = queue_of(tmp_path, one)
    rest.begun.add(1)
    second = rest.following()
    assert second is not None
    assert (len(second.tests), second.whole) == (3, True), "a later run does not begin anew"
    rest.came(second, Outcome(""))
    assert mutants.Told.read(tmp_path / "told").found(one) == ""


def test_a_test_that_was_never_tried_comes_before_those_that_another_change_has_passed(tmp_path: Path) -> None:
    other = change(4, 4)
    queue = queue_of(tmp_path, other)
    queue.came(
        replace(queue.trial(1), tests=("tests/test_a.py::test_one[1]", "tests/test_b.py::test_two")), Outcome("")
    )
    later = queue_of(tmp_path, Mutant("src/cbc_screen/kernel/a.py", "g", 4, 4, "c < d", "c <= d", "other"))
    assert later.trial(1).tests == ("tests/test_cases.py::test_case",)


def test_a_test_that_fails_without_a_change_finds_nothing(tmp_path: Path) -> None:
    one = change(4, 4)
    queue = queue_of(tmp_path, one)
    queue.came(queue.following() or Trial("", "", ()), Outcome("tests/test_cases.py::test_case"))
    assert queue.told.found(one) is None, "not before the test has passed without it"
    check = queue.following()
    assert check == Trial("", "tests/test_cases.py::test_case", ("tests/test_cases.py::test_case",), number=-1)
    queue.came(check, Outcome(""))
    assert queue.told.found(one) == "tests/test_cases.py::test_case"
    queue.came(check, Outcome("tests/test_cases.py::test_case"))
    assert queue.told.found(one) is None
    assert "tests/test_cases.py::test_case" not in queue.trial(1).tests


def test_the_table_has_the_share_its_lower_limit_and_the_survivors() -> None:
    """9 of 10: the lower limit of Wilson is 59.6 %; 9 of 9 without the one that nothing can tell: 70.1 %."""
    told = [
        (Mutant("src/cbc_screen/kernel/a.py", "f", 3, 3, f"{n} < b", f"{n} <= b"), "t" if n else "") for n in range(10)
    ]
    lines = mutants.table(told, {}).splitlines()
    assert lines[1].split() == ["kernel", "10", "9", "90.0%", "59.6%", "0", "90.0%", "59.6%"]
    assert lines[2].split()[0] == "all"
    assert lines[3] == "survived: src/cbc_screen/kernel/a.py:3 f: 0 < b  ->  0 <= b"
    known = {told[0][0].key: "b is never 0"}
    lines = mutants.table(told, known).splitlines()
    assert lines[1].split() == ["kernel", "10", "9", "90.0%", "59.6%", "1", "100.0%", "70.1%"]
    assert lines[3] == "alike: src/cbc_screen/kernel/a.py:3 f: 0 < b  ->  0 <= b: b is never 0"


def test_every_reason_is_of_a_change_that_there_is() -> None:
    """A reason that has outlived its line would excuse nothing, and mislead."""
    places: dict[str, set[tuple[str, str, str, str]]] = {}
    for key, reason in mutants.reasons().items():
        if key[0] not in places:
            module = mutant_draws.Module(Path(key[0]))
            drawn = (module.mutant(place, 0) for place in count())
            places[key[0]] = {one.key for one in takewhile(lambda one: one is not None, drawn) if one is not None}
        assert key in places[key[0]], key
        assert len(reason.split()) > 4
