"""Who may import whom: the whole table, counting imports that are lazy or for types alone.

A room is a package of `src/cbc_screen`, or one of its modules. A room imports only rooms that stand before it here, so that
nothing runs back: the words and small values, then the knowledge beside the flow, then ingest, normalize, kernel and
report, then what joins them, then the names a user knows. `docs/architecture.md` shows the same table.
"""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "cbc_screen"
PAGE = ROOT / "docs" / "architecture.md"


@dataclass(frozen=True)
class Room:
    """What a room holds, in one line, and the rooms that it imports."""

    holds: str
    imports: frozenset[str]


def room(holds: str, imports: str = "") -> Room:
    return Room(holds, frozenset(imports.split()))


# Part of the house -> its rooms. A new arrow is a decision: it belongs here, and on the page.
HOUSE: dict[str, dict[str, Room]] = {
    "Words and small values": {
        "_version": room("the version of the code"),
        "vocabulary": room("the closed words of answers and options"),
        "ages": room("how many days an age can be"),
        "arrays": room("Arrow arrays from numbers, and back"),
        "printable": room("texts of an input on their way to a screen"),
        "spreadsheet": room("cells of CSV files that a spreadsheet would run"),
        "regular": room("files of the user's, opened only if they are files"),
        "demo": room("a synthetic export with traps"),
        "views": room("who draws and describes what goes out"),
        "field_texts": room("what each field of a record and of a result is, in words"),
        "plain_values": room("values of NumPy, pandas and databases as Python has them"),
        "record_errors": room("what is wrong with a record, by the names of its fields"),
        "errors": room("what a user is told, and where the fault is", "printable"),
        "logs": room("what is said on the way: a log of counts, and warnings", "errors"),
        "schemas": room("JSON schemas of what goes in and out, as they lie beside the code", "errors"),
        "private_files": room("files that a run makes, readable by their owner alone", "errors"),
        "stopping": room("the command when it is interrupted", "private_files"),
        "option_types": room("what type of value each option takes", "errors"),
        "source": room("the description of a source: columns, units, codes, formats", "errors option_types"),
        "labels": room("a reviewer's answers", "vocabulary"),
        "databases": room("rows out of PostgreSQL and DuckDB, and flags into a new table", "errors"),
    },
    "What goes in, and what comes out": {
        "kernel_inputs": room("what the kernel takes of a person", "ages vocabulary"),
        "kernel_batch": room("what the kernel takes of many rows"),
        "result_part": room("what every part of a result is", "views"),
        "earlier_counts": room("what was used of a person's earlier counts", "result_part vocabulary"),
        "result": room(
            "the answers for one count, and the range of a person", "earlier_counts result_part views vocabulary"
        ),
        "summary": room("what a scan and a frame of flags counted", "views vocabulary"),
        "comparison": room("what changed between two files of flags", "vocabulary"),
        "shares": room("how common low lines are in a cohort", "views vocabulary"),
        "time_course": room("one analyte of one person over time", "views vocabulary"),
        "verification": room("what local results say of a set of ranges", "views vocabulary"),
    },
    "Beside the flow": {
        "knowledge": room("`reference_ranges/`, checked and frozen", "_version errors regular vocabulary"),
    },
    "The flow": {
        "record": room(
            "one count as it comes in, checked", "errors knowledge plain_values record_errors views vocabulary"
        ),
        "ingest": room(
            "files, messages and frames to columns of texts",
            "arrays errors knowledge labels private_files regular spreadsheet vocabulary",
        ),
        "normalize": room(
            "texts to intervals in canonical units, persons, columns by name",
            "ages arrays errors ingest kernel_batch kernel_inputs knowledge record vocabulary",
        ),
        "collect": room("single results to counts", "arrays ingest knowledge normalize vocabulary"),
        "kernel": room(
            "limits, lines, grades and checklist: one definition, as columns and as a function",
            "ages errors kernel_batch kernel_inputs knowledge vocabulary",
        ),
        "agreement": room(
            "how far reviewers agree with the flags", "_version errors ingest knowledge labels vocabulary"
        ),
        "report": room(
            "codes to results and flags; their texts, pages, figures and files",
            "_version ages agreement arrays comparison databases earlier_counts errors ingest kernel kernel_batch knowledge labels normalize printable "
            "private_files record regular result shares spreadsheet summary time_course verification vocabulary",
        ),
    },
    "The flow, put together": {
        "engines": room(
            "tables, files and streams through the whole flow",
            "_version arrays collect comparison databases errors ingest kernel kernel_inputs knowledge labels logs normalize printable private_files "
            "record regular report result source spreadsheet summary vocabulary",
        ),
        "serial": room(
            "several counts of one person",
            "arrays collect engines errors ingest kernel kernel_batch kernel_inputs knowledge normalize time_course "
            "vocabulary",
        ),
        "verify": room(
            "an audit of a sender's flags, ranges and units; a set of ranges held against local results",
            "_version agreement arrays engines errors ingest kernel kernel_batch kernel_inputs knowledge normalize report serial verification "
            "vocabulary",
        ),
    },
    "The names a user knows": {
        "ranges": room("`reference_range`", "ages errors kernel kernel_inputs knowledge normalize result vocabulary"),
        "grading": room("`grade`", "errors kernel kernel_batch knowledge normalize report vocabulary"),
        "with_history": room(
            "one record with the earlier counts of its person",
            "earlier_counts kernel kernel_inputs knowledge normalize record report result serial vocabulary",
        ),
        "screener_options": room("the options of a screener, of a call and of a scan", "source vocabulary"),
        "screener": room(
            "`Screener`",
            "databases engines errors kernel knowledge normalize option_types record report result screener_options serial source summary time_course verify vocabulary with_history",
        ),
        "screening": room(
            "each question in one call: `screen`, `scan`, `read`, `follow`, `audit`",
            "engines knowledge record report result screener screener_options source summary time_course",
        ),
        "scores": room("`score`, `small_cell_indices`", "errors knowledge record result screening vocabulary"),
        "local_ranges": room("`verify_ranges`", "engines errors screener source verification verify vocabulary"),
        "review": room("`worklist`, `screen_again`, `compare`", "comparison engines result screener vocabulary"),
        "model_schema": room(
            "JSON schemas with a text and an example of every field", "field_texts knowledge screener"
        ),
        "service": room(
            "the service over HTTP",
            "_version engines errors knowledge labels model_schema private_files record report result schemas screener spreadsheet stopping "
            "vocabulary",
        ),
        "exported": room(
            "the definition as SQL and CQL, printed from the kernel's own steps; grading schemes as criteria of admiral",
            "_version ages errors kernel kernel_inputs knowledge normalize printable report screener vocabulary",
        ),
        "spark": room(
            "frames of Spark: the driver, and a worker with its partition",
            "_version arrays engines errors ingest knowledge logs normalize report screener serial source vocabulary",
        ),
        "polars": room(
            "files as a source of polars, and `frame.cbc`",
            "engines errors ingest normalize screener screener_options screening source vocabulary",
        ),
        "__init__": room(
            "every public name",
            "_version agreement comparison demo errors exported grading knowledge local_ranges model_schema ranges record report result review schemas scores screener screening shares source "
            "summary time_course verification views vocabulary",
        ),
        "commands": room(
            "what each command takes, does and prints",
            "agreement databases demo engines errors exported grading knowledge local_ranges printable private_files record regular report review schemas scores screener "
            "source stopping summary vocabulary",
        ),
        "cli": room("the command: every command by its name", "_version commands knowledge service vocabulary"),
        "__main__": room("`python -m cbc_screen`", "cli"),
    },
}
TABLE: dict[str, Room] = {name: entry for part in HOUSE.values() for name, entry in part.items()}


@dataclass(frozen=True)
class Arrow:
    """One import of another of our modules."""

    file: str
    line: int
    module: str  # that imports
    target: str


def module_name(path: Path, source: Path) -> str:
    """Return the dotted name of a file; a package is named without `__init__`."""
    parts = path.relative_to(source.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """Return the room of a module: the package or module under `cbc_screen`."""
    return [*module.split("."), "__init__"][1]


def arrows(source: Path) -> Iterator[Arrow]:
    """Yield every import between our modules, wherever it stands in a file."""
    files = {module_name(path, source): path for path in sorted(source.rglob("*.py"))}
    for module, path in files.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in targets(node, package):
                own = target if target in files else target.rpartition(".")[0]
                if own in files and own != module:
                    yield Arrow(path.relative_to(source).as_posix(), node.lineno, module, own)  # type: ignore[attr-defined]


def targets(node: ast.AST, package: str) -> list[str]:
    """Return what a node imports, each with the name that is taken from it; relative imports are made whole."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        return [".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names]
    if isinstance(node, ast.Call) and "import" in ast.unparse(node.func).rpartition(".")[2]:
        return [cell.value for cell in node.args if isinstance(cell, ast.Constant) and isinstance(cell.value, str)]
    return []


def faults(source: Path, table: Mapping[str, Room]) -> list[str]:
    """Say what of the code the table does not allow, and what of the table the code does not use."""
    found, used = [], set()
    rooms = {room_of(module_name(path, source)) for path in source.rglob("*.py")}
    found += [f"{name} is no room of the table: say what it holds and imports" for name in sorted(rooms - table.keys())]
    found += [f"the table has a room {name}, and there is none" for name in sorted(table.keys() - rooms)]
    for arrow in arrows(source):
        here, there = room_of(arrow.module), room_of(arrow.target)
        used.add((here, there))
        if here != there and here in table and there not in table[here].imports:
            allowed = ", ".join(sorted(table[here].imports)) or "no other room"
            found.append(f"{arrow.file}:{arrow.line}: {here} imports {there}; {here} may import {allowed}")
    for here, entry in table.items():
        for there in sorted(entry.imports):
            if (here, there) not in used:
                found.append(f"the table lets {here} import {there}, and no file of {here} does")
    return found


def test_every_import_is_in_the_table_and_the_table_has_no_other() -> None:
    assert not (found := faults(SOURCE, TABLE)), "\n".join(found)


@pytest.mark.parametrize("name", TABLE)
def test_a_room_imports_only_rooms_that_stand_before_it(name: str) -> None:
    before = list(TABLE)[: list(TABLE).index(name)]
    assert TABLE[name].imports <= set(before), f"{name}: {sorted(TABLE[name].imports - set(before))} stand after it"


def circle(source: Path) -> list[str] | None:
    """Return files that import each other in a circle, if there are any."""
    graph: dict[str, set[str]] = {}
    for arrow in arrows(source):
        graph.setdefault(arrow.module, set()).add(arrow.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circle(SOURCE) is None


def test_no_module_of_ours_is_imported_by_a_name_made_up_at_run_time() -> None:
    """Such an arrow would stand in no table; the lazy names of two packages stand under `TYPE_CHECKING` too."""
    for path in SOURCE.rglob("*.py"):
        if path.parent in (SOURCE, SOURCE / "knowledge") and path.name == "__init__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
                assert isinstance(node.args[0], ast.Constant | ast.Name), f"{path.name}:{node.lineno}"
                assert "cbc_screen" not in ast.unparse(node), f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("package", ["cbc_screen", "cbc_screen.knowledge"])
def test_lazy_names_are_those_imported_for_types(package: str) -> None:
    path = SOURCE.parent.joinpath(*package.split("."), "__init__.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typed = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME"
    )
    assert {name: f"{package}.{home}" for name, home in homes.items()} == typed


def test_the_page_has_the_table_and_the_walk_as_they_are() -> None:
    """Stale? Run python tools/write_architecture.py."""
    text = PAGE.read_text(encoding="utf-8")
    assert runpy.run_path(str(ROOT / "tools" / "write_architecture.py"), run_name="tools")["page"](text) == text


def test_anyone_can_take_the_walk(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "walk.py")], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in PAGE.read_text(encoding="utf-8")


# The rules above, on a small tree made up for them.

SMALL = {
    "ground": room("words"),
    "flow": room("what uses them", "ground"),
    "door": room("the name a user knows", "flow"),
    "__init__": room("the package"),
}


def tree(folder: Path, **files: str) -> Path:
    """Write a package of three rooms that keeps to the table, and then what is given in place of it."""
    texts = {
        "__init__": "",
        "ground": "WORD = 1\n",
        "flow/__init__": "",
        "flow/step": "from cbc_screen.ground import WORD\n",
        "door": "from cbc_screen.flow import step\n",
    }
    for name, text in {**texts, **{name.replace("__of__", "/"): text for name, text in files.items()}}.items():
        path = folder / "cbc_screen" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "cbc_screen"


def test_a_tree_that_keeps_to_the_table_has_no_fault(tmp_path: Path) -> None:
    assert faults(tree(tmp_path), SMALL) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from cbc_screen.door import step\n", 1),
        ("import cbc_screen.door\n", 1),
        ("from cbc_screen import door\n", 1),
        ("from . import door\n", 1),
        ("from .door import step\n", 1),
        ("def later():\n    from cbc_screen.door import step\n", 2),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cbc_screen.door import step\n", 3),
        ("from importlib import import_module\nstep = import_module('cbc_screen.door')\n", 2),
    ],
)
def test_an_arrow_that_is_not_in_the_table_is_named_with_file_line_and_what_is_allowed(
    tmp_path: Path, text: str, line: int
) -> None:
    found = faults(tree(tmp_path, ground=text), SMALL)
    assert found == [f"ground.py:{line}: ground imports door; ground may import no other room"]


def test_from_a_package_too(tmp_path: Path) -> None:
    found = faults(
        tree(tmp_path, flow__of__step="from cbc_screen.ground import WORD\nfrom ..door import step\n"), SMALL
    )
    assert found == ["flow/step.py:2: flow imports door; flow may import ground"]


def test_an_arrow_of_the_table_that_nothing_uses_is_named(tmp_path: Path) -> None:
    assert faults(tree(tmp_path, flow__of__step=""), SMALL) == [
        "the table lets flow import ground, and no file of flow does"
    ]


def test_a_room_without_an_entry_and_an_entry_without_a_room_are_named(tmp_path: Path) -> None:
    assert faults(tree(tmp_path, cellar="WORD = 2\n"), SMALL) == [
        "cellar is no room of the table: say what it holds and imports"
    ]
    assert faults(tree(tmp_path / "other"), {**SMALL, "attic": room("nothing")}) == [
        "the table has a room attic, and there is none"
    ]


def test_a_circle_of_two_files_in_one_room_is_found(tmp_path: Path) -> None:
    source = tree(tmp_path, flow__of__step="import cbc_screen.flow.other\n", flow__of__other="from .step import *\n")
    assert set(circle(source) or ()) == {"cbc_screen.flow.step", "cbc_screen.flow.other"}
