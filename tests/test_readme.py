"""What the README and the docstrings show is what happens."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
import runpy
from pathlib import Path

import pytest

import cbc_screen
from cbc_screen.vocabulary import CheckGroup, Criteria, LineState, Pattern, Severity, State, Urgency, WhiteBasis

ROOT = Path(__file__).resolve().parents[1]


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


def shown(source: str) -> list[tuple[str, object]]:
    """Return each expression of a block with the value its comment shows."""
    found = []
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Expr):
            continue
        last = lines[node.end_lineno - 1]
        comment = last.partition("  # ")[2].strip()
        following = lines[node.end_lineno] if node.end_lineno < len(lines) else ""
        text = comment or (following.removeprefix("# ") if following.startswith("# ") else "")
        value = text.partition(",")[0].strip() if text.startswith("None") else text
        try:
            found.append((ast.unparse(node), ast.literal_eval(value)))
        except (SyntaxError, ValueError):
            continue
    return found


def test_every_value_in_the_readme_is_true() -> None:
    names: dict[str, object] = {}
    checked = 0
    for block in blocks():
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own README
        for expression, value in shown(block):
            assert eval(expression, names) == value, expression
            checked += 1
    assert checked >= 10


def test_the_two_commands_are_the_ones_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"```sh\n(python3 -m venv.*?)\n```", readme)
    assert len(commands) == 2
    assert commands[0].endswith("cbc-screen demo")
    assert commands[1] in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()


def test_links_in_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize(
    "name", [m.name for m in pkgutil.walk_packages(cbc_screen.__path__, "cbc_screen.") if not m.name.endswith("cli")]
)
def test_docstring_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_examples_run(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(script))
    assert capsys.readouterr().out


def test_the_reference_page_is_what_the_data_say() -> None:
    """Stale? Run python tools/write_reference.py."""
    names = runpy.run_path(str(ROOT / "tools/write_reference.py"), run_name="tools")
    assert names["page"](names["load_knowledge"]()) == (ROOT / "docs/reference.md").read_text(encoding="utf-8")


def test_the_pages_of_the_conditions_are_what_the_data_say() -> None:
    """Stale? Run python tools/write_conditions.py."""
    names = runpy.run_path(str(ROOT / "tools/write_conditions.py"), run_name="tools")
    made = names["pages"](names["load_knowledge"]())
    assert made == {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs/conditions").glob("*.md")}
    assert len(made) == len(names["load_knowledge"]().conditions) + 1


def test_the_page_of_columns_is_what_frames_have() -> None:
    """Every column under every setting has a line, and every word of a column a meaning."""
    names = runpy.run_path(str(ROOT / "tools/write_columns.py"), run_name="tools")
    assert names["page"]().rstrip() + "\n" == (ROOT / "docs/columns.md").read_text(encoding="utf-8")
    assert set(names["columns"]()) <= set(names["COLUMNS"])
    words = {
        "pattern": Pattern, "lines": LineState, "states": State, "severity": Severity, "urgency": Urgency,
        "white_line_basis": WhiteBasis, "blood_criteria": Criteria, "checklist_groups": CheckGroup,
    }  # fmt: skip
    assert {name: set(meanings) for name, meanings in names["WORDS"].items()} == {
        name: {word.value for word in own} for name, own in words.items()
    }
