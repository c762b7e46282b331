"""Where the tables are found, and when something that was worked out of them may be kept for the next process."""

from __future__ import annotations

import zipfile
from dataclasses import fields
from pathlib import Path

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import files, kept, loaded


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as it is installed: beside no checkout."""
    package = folder / "site-packages" / "cbc_screen"
    package.mkdir(parents=True)
    monkeypatch.setattr(files, "_package", lambda: package)
    return package


def test_the_tables_of_an_installed_package_lie_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = installed(tmp_path, monkeypatch)
    (package / "_reference_ranges").mkdir()
    assert files.reference_ranges_root() == package / "_reference_ranges"


def test_a_package_without_tables_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch)
    with pytest.raises(KnowledgeError, match=r"^reference_ranges: root: not found beside the package; reinstall cbc-s"):
        files.reference_ranges_root()


def test_the_tables_of_a_zip_on_the_path_are_found_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("cbc_screen/_reference_ranges/units.yaml", "")
    package = zipfile.Path(tmp_path / "own.zip", "cbc_screen/")
    monkeypatch.setattr(files, "_package", lambda: package)
    assert [entry.name for entry in files.reference_ranges_root().iterdir()] == ["units.yaml"]


def test_a_package_that_is_no_folder_is_asked_of_its_importer(monkeypatch: pytest.MonkeyPatch) -> None:
    own = files._package()
    monkeypatch.setattr(files, "__file__", "/own.zip/cbc_screen/knowledge/files.py")
    assert [entry.name for entry in files._package().iterdir() if entry.name == "knowledge"] == ["knowledge"]
    assert str(files._package()) == str(own)


def test_what_a_file_manager_leaves_is_no_table(tmp_path: Path) -> None:
    for name in (".DS_Store", "units.yaml"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert [name for name, _ in files.walk(tmp_path)] == ["units.yaml"]
    assert [name for name, _ in kept._files(tmp_path)] == ["units.yaml"]


# What is kept ----------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own in place of that of Python's bytecode."""
    monkeypatch.setattr("sys.pycache_prefix", str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    return tmp_path


def test_what_is_kept_is_given_again(home: Path) -> None:
    assert kept.load("entry") is None
    kept.save("entry", {"a": 1})
    assert kept.load("entry") == {"a": 1}
    assert [path.suffix for path in home.rglob("entry*")] == [".kept"]


def test_tables_that_were_kept_are_the_tables(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = loaded.load_knowledge()
    measures = loaded.Measures(**{field.name: getattr(whole, field.name) for field in fields(loaded.Measures)})
    monkeypatch.setattr(kept, "load", {"knowledge": whole, "measures": measures}.get)
    assert loaded.load_knowledge.__wrapped__() is whole
    assert loaded.load_measures.__wrapped__() is measures


def test_where_nothing_can_be_kept_nothing_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip has no files of which it could be told whether they changed."""
    kept.save("entry", {"a": 1})
    monkeypatch.setattr(kept, "_state", lambda: None)
    assert kept.load("entry") is None
    kept.save("other", {"a": 1})
    assert not list(home.rglob("other*"))


def test_a_damaged_entry_is_as_good_as_none(home: Path) -> None:
    kept.save("entry", {"a": 1})
    (path,) = home.rglob("entry*")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert kept.load("entry") is None


def test_tables_and_code_that_cannot_be_seen_have_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept._state_now(kept._code()) is not None
    assert kept._state_now(None) is None
    monkeypatch.setattr(kept, "reference_ranges_root", lambda: tmp_path / "nowhere")
    assert kept._state_now(kept._code()) is None
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "nowhere" / "knowledge" / "kept.py"))
    assert kept._code() is None


def test_a_hidden_file_is_no_code(tmp_path: Path) -> None:
    """What an editor leaves beside the code changes nothing."""
    for folder in ("room", "__pycache__"):
        (tmp_path / folder).mkdir()
    for name in ("a.py", ".a.py.swp", "room/b.py", "room/.hidden.py", "__pycache__/a.pyc"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert sorted(name for name, _ in kept._files(tmp_path)) == ["a.py", "room/b.py"]
