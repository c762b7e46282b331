"""Every file of YAML that a user may give is bounded: what stands for more than is written is refused."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import table

from cbc_screen.cli import main
from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.parse import LARGEST, parse_yaml

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
)
REFERENCE = "anchor"
REFUSED = [
    ("bomb", BOMB, 1, REFERENCE),
    ("anchor of a text", "id: &x 1\n", 1, REFERENCE),
    ("anchor of a mapping", "id: 1\nb: &x\n  c: 1\n", 2, REFERENCE),
    ("anchor of a key", "&k id: 1\n", 1, REFERENCE),
    ("alias", "a: 1\nb: *a\n", 2, "alias"),
    ("alias of itself", "&a [*a]\n", 1, REFERENCE),
    ("alias as a key", "a: 1\n*a : 2\n", 2, "alias"),
    ("merge", "a:\n  <<: {b: 1}\n", 2, "merge key"),
    ("merge of a list", "<<: [{a: 1}]\n", 1, "merge key"),
    ("depth in brackets", "a: " + "[" * 70 + "]" * 70, 1, "deep"),
    ("great depth in brackets", "[" * 100_000, 1, "nesting depth"),
    ("depth in braces", "a: " + "{b: " * 70 + "1" + "}" * 70, 1, "deep"),
    ("depth by dashes", "- " * 100_000 + "x", 1, "deep"),
    ("depth by blanks", "".join(" " * i + "a:\n" for i in range(3_000)), 65, "deep"),
    ("parts", "- a\n" * 300_000, 199_999, "parts"),
    ("long key", "? " + "k" * 100_000 + "\n: 1\n", 1, "key of more than"),
    ("key that is a list", "? [a, b]\n: 1\n", 1, "not a text"),
    ("key that is a mapping", "{{a: 1}: 2}", 1, "not a text"),
    ("number of 100,000 digits", "a: " + "9" * 100_000 + "\n", 1, "cannot be read"),
    ("fraction of 100,000 digits", "b: 1\na: 0." + "9" * 100_000 + "\n", 2, "cannot be read"),
    ("number to the base of 60", "a: " + ":".join(["59"] * 100_000) + "\n", 1, "cannot be read"),
    ("hexadecimal", "a: 0x" + "f" * 100_000 + "\n", 1, "cannot be read"),
    ("date that is none", "a: 2024-13-45\n", 1, "cannot be read"),
    ("object of Python", "a: !!python/object/apply:os.system ['id']\n", 1, "tag"),
    ("set", "a: !!set {b}\n", 1, "tag"),
    ("two documents", "a: 1\n---\nb: 2\n", 2, "document"),
    ("control character", "a: \x1b[31m\n", None, ""),
]


@pytest.mark.parametrize(("text", "line", "says"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_refused_names_file_and_line_and_takes_no_time(text: str, line: int | None, says: str) -> None:
    began = time.monotonic()
    with pytest.raises(KnowledgeError) as caught:
        parse_yaml(text, "own.yaml")
    assert time.monotonic() - began < 5
    assert (caught.value.file, caught.value.line) == ("own.yaml", line)
    assert says in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_what_is_read() -> None:
    """Signs that begin a reference are no reference in a text."""
    found = parse_yaml('a: "*x"\nb: "&x"\nc: x & y * z\nd: {e: [1, 2.5, true, null]}\n"<<": 1\n', "own.yaml")
    assert found == {"a": "*x", "b": "&x", "c": "x & y * z", "d": {"e": [1, 2.5, True, None]}, "<<": 1}
    assert found.lines["d"] == 4


DOORS = {
    "scan --rules": lambda source, own: ["scan", source, "--rules", own],
    "scan --profile": lambda source, own: ["scan", source, "--profile", own],
    "profile --profile": lambda source, own: ["profile", source, "--profile", own],
    "one --rules": lambda source, own: ["one", "hemoglobin=9 g/dL", "--rules", own],
    "ranges check": lambda source, own: ["ranges", "check", own],
    "validate": lambda source, own: ["validate", own],
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ["bomb", "depth", "large", "folder", "pipe", "control characters"])
def test_every_door_refuses_it_in_one_line(tmp_path: Path, door: str, kind: str) -> None:
    source, own = table(tmp_path / "export.csv"), tmp_path / "own.yaml"
    if kind == "folder":
        own.mkdir()
    elif kind == "pipe":
        os.mkfifo(own)
    else:
        text = {"bomb": BOMB, "depth": "[" * 100_000, "large": "# x\n" * (LARGEST // 4 + 1)}
        own.write_text(text.get(kind, '"\\e[2J\\u202e": 1\n'), encoding="utf-8")
    began = time.monotonic()
    done = CliRunner().invoke(main, DOORS[door](str(source), str(own)))
    assert time.monotonic() - began < 5
    if (door, kind) == ("ranges check", "folder"):
        return  # click says so, with the usage
    assert (done.exit_code, done.stderr.count("\n"), type(done.exception)) == (2, 1, SystemExit), done.stderr
    assert done.stderr.rstrip("\n").isprintable()


def test_a_set_of_ranges_is_bounded_too(tmp_path: Path) -> None:
    source, own = table(tmp_path / "export.csv"), tmp_path / "own.csv"
    os.mkfifo(own)
    done = CliRunner().invoke(main, ["scan", str(source), "--ranges", str(own)])
    assert (done.exit_code, done.stderr) == (2, "cbc-screen: own.csv: file: is a pipe or a device; name a file\n")
    own.unlink()
    own.write_text("x" * (LARGEST + 1), encoding="utf-8")
    done = CliRunner().invoke(main, ["scan", str(source), "--ranges", str(own)])
    assert (done.exit_code, done.stderr) == (2, "cbc-screen: own.csv: file: is larger than 4 MB\n")
