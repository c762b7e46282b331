"""tools/mutants.py: what it changes, that it changes nothing in the tree, and how it counts."""

from __future__ import annotations

import ast
import random
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import mutants  # noqa: E402


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = a < b", {"a <= b"}),
        ("x = a >= b", {"a > b"}),
        ("x = a is b", {"a is not b"}),
        ("x = a in b", {"a not in b"}),
        ("x = a and b", {"a or b"}),
        ("x = not a", {"not not a"}),
        ("x = 1.5", {"2.5"}),
        ("x = True", {"False"}),
        ("def f():\n    return a", {"return None"}),
        ("def f(a: int = 3) -> bool:\n    '''Text.'''", {"4"}),
        ("def f():\n    return None", set()),
        ("x: Literal[1] = y", set()),
        ("'text'", set()),
    ],
)
def test_what_is_changed(tmp_path: Path, code: str, expected: set[str]) -> None:
    (tmp_path / "module.py").write_text(code, encoding="utf-8")
    drawn = [mutants.mutant(Path("module.py"), random.Random(seed), tmp_path) for seed in range(20)]
    assert {one.after for one in drawn if one is not None} == expected
    for one in drawn:
        assert one is None or ast.unparse(ast.parse(one.text)) != ast.unparse(ast.parse(code))


def test_every_room_and_every_module_has_its_turn() -> None:
    names = {path.as_posix() for path in mutants.modules()}
    drawn = [one.file for one in islice(mutants.draws(7), len(names))]
    assert {mutants.room_of(file) for file in drawn} == set(mutants.ROOMS)
    assert max(Counter(drawn).values()) <= 2
    assert (
        drawn
        == [one.file for one in islice(mutants.draws(7), len(names))]
        != [one.file for one in islice(mutants.draws(8), len(names))]
    )


def test_the_tests_of_a_room_are_there() -> None:
    assert all((ROOT / test).is_file() for tests in mutants.ROOMS.values() for test in tests)


def test_a_mutant_never_goes_into_the_tree() -> None:
    one = next(mutants.draws(1))
    before = (ROOT / one.file).read_bytes()
    with pytest.raises(AssertionError, match="never goes into the tree"):
        mutants.found_by(ROOT, one)
    assert (ROOT / one.file).read_bytes() == before


def test_a_mutant_is_tried_and_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    module = home / "src" / "cbc_screen" / "kernel" / "small.py"
    module.parent.mkdir(parents=True)
    module.write_text("def low(a, b):\n    return a < b\n", encoding="utf-8")
    (home / "test_small.py").write_text(
        "import sys\nsys.path.insert(0, 'src/cbc_screen/kernel')\nfrom small import low\n\n\ndef test_low():\n    assert low(1, 2)\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(mutants, "ROOMS", {"kernel": ("test_small.py",)})
    name, sound = "src/cbc_screen/kernel/small.py", module.read_text(encoding="utf-8")
    gone = mutants.Mutant(name, 2, "", "", "def low(a, b):\n    return None\n")
    boundary = mutants.Mutant(name, 2, "", "", "def low(a, b):\n    return a <= b\n")
    assert mutants.tried(home, "kernel") == ""
    assert mutants.found_by(home, gone) == "test_small.py::test_low"
    assert mutants.found_by(home, boundary) == "", "the boundary itself is not tested there, and that is seen"
    assert module.read_text(encoding="utf-8") == sound


def test_the_table_has_the_share_its_lower_limit_and_the_survivors() -> None:
    """9 of 10: the lower limit of Wilson is 59.6 %."""
    told = [
        {
            "file": "src/cbc_screen/kernel/a.py",
            "line": 3,
            "before": "a < b",
            "after": "a <= b",
            "found": "t" if n else "",
        }
        for n in range(10)
    ]
    lines = mutants.table(told).splitlines()
    assert lines[1].split() == ["kernel", "10", "9", "90.0%", "59.6%"]
    assert lines[2].split()[0] == "all"
    assert lines[3] == "survived: src/cbc_screen/kernel/a.py:3: a < b  ->  a <= b"
