"""The Python of the first look and of the guides runs, and gives what stands behind it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = [DOCS / "index.md", *sorted((DOCS / "guides").glob("*.md"))]


def blocks(page: Path) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_guide_shows_is_what_happens(page: Path) -> None:
    code, names, shown = blocks(page), {}, 0
    lines = code.splitlines()
    for statement in ast.parse(code).body:
        text = ast.unparse(statement)
        own: dict[str, Any] = names
        if not isinstance(statement, ast.Expr):
            exec(text, own)  # noqa: S102
            continue
        value = eval(text, own)
        _, sign, said = lines[statement.end_lineno - 1].partition("  # ")
        if sign and re.match(r"[\[('\d]", said):
            assert repr(value) in (said, f"np.int64({said})"), text
            shown += 1
    assert shown or "python" not in page.read_text(encoding="utf-8") or page.name == "index.md"
