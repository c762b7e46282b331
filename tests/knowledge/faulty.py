"""A fault in a copy of reference_ranges/, and what the error that refuses it must name."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.load import build_knowledge

TABLES = Path(__file__).resolve().parents[2] / "reference_ranges"


@dataclass(frozen=True)
class Fault:
    """A change to one file, and what the error must name.

    `at` is a text of the line that the error must name (in the changed file), counted
    from the `nth` one; an empty text means that the fault has no line of its own.
    """

    name: str
    file: str
    old: str
    new: str
    key: str
    at: str
    nth: int = 1
    says: str = ""
    times: int = 1  # how many places are changed; -1 is all of them


APLASTIC = "checklist/aplastic_anemia.yaml"
INTERVALS = "intervals/default_v1.csv"
TRIPLE = "    when: {analyte: platelets, at_least: 100, unit: 10^9/L}"


def copy_tables(target: Path) -> Path:
    shutil.copytree(TABLES, target / "reference_ranges")
    return target / "reference_ranges"


def assert_named(fault: Fault, folder: Path) -> None:
    """Make the fault in a copy of the tables, and look at the error: file, line, key and what is wrong."""
    root = copy_tables(folder)
    path = root / fault.file
    before = path.read_text(encoding="utf-8")
    assert fault.old in before, "the fault would change nothing"
    after = before.replace(fault.old, fault.new, fault.times)
    path.write_text(after, encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        build_knowledge(root, check_hashes=False)
    error, text = caught.value, str(caught.value)
    assert text.startswith(fault.file)
    assert error.key == fault.key
    assert f" {fault.key}: " in text
    assert fault.says in text
    if fault.at:
        places = [m.start() for m in re.finditer(re.escape(fault.at), after)]
        assert error.line == after.count("\n", 0, places[fault.nth - 1]) + 1
        assert text.startswith(f"{fault.file}:{error.line}: ")
