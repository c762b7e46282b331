"""What a process keeps for the next one: the same answers, and never those of other tables or other code."""

from __future__ import annotations

import ast
import json
import marshal
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from cbc_screen.engines.kept_kernel import record_kernel
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.printed import ProgramPart
from cbc_screen.kernel_inputs import InputScope
from cbc_screen.knowledge import Measures, load_knowledge, load_measures
from cbc_screen.knowledge.files import reference_ranges_root
from cbc_screen.knowledge.load import build_knowledge

ROOT = Path(__file__).resolve().parents[1]
CANARY = "9.173"
RECORD = {"age": "54 y", "sex": "F", "hemoglobin": f"{CANARY} g/dL", "neutrophils": "<0.5 10^9/L"}
SCREEN = (
    "import json, sys, cbc_screen as cbc\n"
    f"result = cbc.screen({RECORD!r})\n"
    "loaded = sorted({'numpy', 'yaml', 'cbc_screen.knowledge.load'} & set(sys.modules))\n"
    "print(json.dumps([loaded, result.to_dict()]))"
)


def checkout(folder: Path) -> Path:
    """Copy the package and its tables as a checkout, to change them."""
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "reference_ranges", folder / "reference_ranges")
    return folder


def run(home: Path, cache: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(home / "src"), "PYTHONPYCACHEPREFIX": str(cache)}
    return subprocess.run([sys.executable, *flags, "-c", SCREEN], env=environment, capture_output=True, text=True)


def answer(home: Path, cache: Path, *flags: str) -> tuple[list[str], dict[str, object]]:
    done = run(home, cache, *flags)
    assert done.returncode == 0, done.stderr
    loaded, result = json.loads(done.stdout)
    return loaded, result


def kept(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.kept"))


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A cache that a first process has filled, and that process's answer."""
    cache = tmp_path_factory.mktemp("cache")
    loaded, result = answer(ROOT, cache)
    assert "cbc_screen.knowledge.load" in loaded
    return cache, result


def test_the_next_process_gives_the_same_answer_and_reads_no_table(warm: tuple[Path, dict[str, object]]) -> None:
    cache, first = warm
    loaded, second = answer(ROOT, cache)
    assert second == first
    assert "cbc_screen.knowledge.load" not in loaded


def test_a_first_answer_needs_neither_numpy_nor_yaml(warm: tuple[Path, dict[str, object]]) -> None:
    cache, _ = warm
    code = SCREEN.replace(", result.to_dict()]", "]")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONPYCACHEPREFIX": str(cache)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[]]


def test_python_told_to_write_no_bytecode_keeps_nothing_and_answers_the_same(
    warm: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    _, first = warm
    _, result = answer(ROOT, tmp_path, "-B")
    assert result == first
    assert kept(tmp_path) == []


def test_nothing_of_a_record_is_kept(warm: tuple[Path, dict[str, object]]) -> None:
    cache, _ = warm
    assert {path.name.split(".")[0].split("-")[0] for path in kept(cache)} == {"knowledge", "measures", "record"}
    assert not any(CANARY.encode() in path.read_bytes() for path in kept(cache))


@pytest.mark.parametrize("damage", ["a byte changed", "cut short", "empty", "another file's content"])
def test_a_damaged_entry_is_not_used(warm: tuple[Path, dict[str, object]], tmp_path: Path, damage: str) -> None:
    cache, first = warm
    own = tmp_path / "cache"
    shutil.copytree(cache, own)
    for path in kept(own):
        content = path.read_bytes()
        match damage:
            case "a byte changed":
                path.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])
            case "cut short":
                path.write_bytes(content[: len(content) // 2])
            case "empty":
                path.write_bytes(b"")
            case _:
                path.write_bytes(b"\x80\x05K\x01." * 100)
    loaded, result = answer(ROOT, own)
    assert result == first
    assert "cbc_screen.knowledge.load" in loaded
    loaded, _ = answer(ROOT, own)
    assert "cbc_screen.knowledge.load" not in loaded  # made again


def test_a_changed_table_is_refused_though_the_released_one_was_kept(tmp_path: Path) -> None:
    home, cache = checkout(tmp_path / "home"), tmp_path / "cache"
    answer(home, cache)
    table = home / "reference_ranges" / "definitions.yaml"
    known = table.stat()
    content = table.read_bytes()
    digit = content.index(b"1", content.index(b"definitions"))
    table.write_bytes(content[:digit] + b"2" + content[digit + 1 :])
    os.utime(table, ns=(known.st_atime_ns, known.st_mtime_ns))  # as large and as old as before
    done = run(home, cache)
    assert done.returncode != 0
    assert "definitions.yaml: manifest: differs from its released hash" in done.stderr


def test_what_other_code_kept_is_made_again(tmp_path: Path) -> None:
    home, cache = checkout(tmp_path / "home"), tmp_path / "cache"
    _, first = answer(home, cache)
    before = {path.name: path.read_bytes() for path in kept(cache)}
    module = home / "src" / "cbc_screen" / "kernel" / "facts.py"
    module.write_text(module.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    loaded, second = answer(home, cache)
    assert "cbc_screen.knowledge.load" in loaded
    assert second == first
    after = {path.name: path.read_bytes() for path in kept(cache)}
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in before)


def test_a_process_keeps_nothing_once_its_code_has_changed_on_disk(tmp_path: Path) -> None:
    """It runs the old code, and the files are of the new: what it works out belongs to neither."""
    home, cache = checkout(tmp_path / "home"), tmp_path / "cache"
    module = home / "src" / "cbc_screen" / "kernel" / "facts.py"
    changed = f"open({str(module)!r}, 'a').write('# changed\\n')"
    code = f"import cbc_screen as cbc, cbc_screen.kernel.configure\n{changed}\n{SCREEN}"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(home / "src"), "PYTHONPYCACHEPREFIX": str(cache)}
    subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert kept(cache) == []
    answer(home, cache)
    assert kept(cache) != []


def test_what_is_noted_of_the_code_is_noted_before_any_of_it_is_loaded() -> None:
    code = "import sys, cbc_screen\nprint([name for name in sys.modules if name.startswith('cbc_screen.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = [name.removeprefix("cbc_screen.") for name in ast.literal_eval(done.stdout)]
    drawing = loaded.index("report")  # who draws is told after it
    assert set(loaded[:drawing]) == {"_version", "errors", "knowledge", "knowledge.files", "knowledge.kept"}
    assert set(loaded[drawing:]) == {"report", "report.views", "views"}


def test_a_zip_on_the_path_answers_the_same_and_keeps_nothing(
    warm: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    _, first = warm
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "src" / "cbc_screen", tree / "cbc_screen", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "reference_ranges", tree / "cbc_screen" / "_reference_ranges")
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tree))
    environment = {**os.environ, "PYTHONPATH": str(archive), "PYTHONPYCACHEPREFIX": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", SCREEN], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[1] == first
    assert kept(tmp_path / "cache") == []


@pytest.mark.parametrize(
    "chosen",
    [
        Configuration(),
        Configuration(definition="clinical", grading="who_2024"),
    ],
    ids=str,
)
def test_what_is_kept_is_what_is_built(chosen: Configuration) -> None:
    ready, built = record_kernel(chosen), build_kernel(load_knowledge(), chosen).record
    assert ready.limits.columns == built.limits.columns
    assert repr(ready.limits.by_key) == repr(built.limits.by_key)  # NaN too
    assert ready.limits.pregnancy_ages == built.limits.pregnancy_ages
    assert vars(ready.limits.grid) == vars(built.limits.grid)
    for scope in InputScope:
        for reported in (False, True):
            for part in ProgramPart:
                one, other = ready.printed(scope, reported, part), built.printed(scope, reported, part)
                assert (one.inputs, one.outputs, repr(one.absent)) == (other.inputs, other.outputs, repr(other.absent))
                assert marshal.loads(one.code) == marshal.loads(other.code)


def test_the_tables_for_reading_are_those_of_all_tables() -> None:
    measures, knowledge = load_measures(), build_knowledge(reference_ranges_root(), every_set=False)
    for name in Measures.__dataclass_fields__:
        assert _plain(getattr(measures, name)) == _plain(getattr(knowledge, name)), name


def _plain(value: object) -> object:
    """Take tables apart: some are equal by identity alone, and those that were kept are other objects."""
    if is_dataclass(value):
        return type(value).__name__, *(_plain(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value
