"""Tables are kept whole or not at all, for the files and the code that they were made with, and read when asked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cbc_screen.knowledge import kept, load_knowledge, sets
from cbc_screen.knowledge.files import read_text


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what Python and this library keep."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("made_up*"))


def test_what_was_kept_is_found_again(cache: Path) -> None:
    kept.save("made_up", {"one": 1})
    assert kept.load("made_up") == {"one": 1}
    assert names(cache) == [f"made_up.{sys.implementation.cache_tag}.kept"]


def test_nothing_is_kept_where_python_is_told_to_write_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    kept.save("made_up", {"one": 1})
    assert names(cache) == []


def test_nothing_is_kept_once_the_code_is_another(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.save("made_up", {"one": 1})
    monkeypatch.setattr(kept, "_code", lambda: b"other code")
    kept.save("made_up", {"one": 2})
    assert kept.load("made_up") == {"one": 1}


def test_nothing_is_kept_where_the_code_cannot_be_seen(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept._state_now(None) is None
    monkeypatch.setattr(kept, "_code", lambda: None)
    kept.save("made_up", {"one": 1})
    assert names(cache) == []


def test_an_interrupt_while_something_is_kept_is_passed_on(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def interrupted(part: Path, path: Path) -> None:
        replace(part, path)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kept.save("made_up", {"one": 1})
    assert kept.load("made_up") == {"one": 1}


def test_every_file_is_looked_at_but_bytecode_and_hidden_ones(tmp_path: Path) -> None:
    for folder in ("inner", "inner/deeper", "inner/__pycache__"):
        (tmp_path / folder).mkdir()
    for name in ("a.csv", ".hidden", "inner/b.py", "inner/deeper/c.csv", "inner/__pycache__/b.pyc"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert sorted(name for name, _ in kept._files(tmp_path)) == ["a.csv", "inner/b.py", "inner/deeper/c.csv"]


def test_a_set_of_ranges_that_the_default_does_not_need_is_read_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def noted(root: Path, name: str) -> str:
        read.append(name)
        return read_text(root, name)

    monkeypatch.setattr(sets, "read_text", noted)
    monkeypatch.setattr(kept, "load", lambda entry: None)
    monkeypatch.setattr(kept, "save", lambda entry, value: None)
    knowledge = load_knowledge.__wrapped__()
    default = knowledge.default_ranges
    needed = {*default.sets, *(row.set for row in (*default.closer, *default.differing))}
    assert {name for name in read if name.endswith(".csv")} == {f"intervals/{name}.csv" for name in needed}
    other = min(set(knowledge.interval_sets) - needed)
    assert knowledge.interval_sets[other].id == other
    assert read[-1] == f"intervals/{other}.csv"
