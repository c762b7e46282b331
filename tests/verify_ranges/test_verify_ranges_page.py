"""The page of the documentation shows what happens."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import cbc_screen as cbc
from cbc_screen.knowledge.verification import load_verification

PAGE = Path(__file__).resolve().parents[2] / "docs" / "verify_ranges.md"


def test_what_the_page_shows_is_what_happens() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    lines, shown = code.splitlines(), 0
    for statement in ast.parse(code).body:
        text = ast.unparse(statement)
        if not isinstance(statement, ast.Expr):
            exec(text, names)  # noqa: S102 - our own page
            continue
        _, _, said = lines[(statement.end_lineno or 1) - 1].partition("  # ")
        assert repr(eval(text, names)) == said, text
        shown += 1
    assert shown == 4


def test_the_numbers_of_the_page_are_those_of_the_tables() -> None:
    text, rules = " ".join(PAGE.read_text(encoding="utf-8").split()), load_verification()
    assert f"for bands of {rules.indirect.results:,} results and more" in text
    assert f"for bands of {rules.rule.samples} people and more" in text
    assert f"Where fewer than {100 * rules.indirect.healthy_beside:.0f} of 100 are healthy" in text
    assert f"Below {100 * rules.indirect.healthy_at_all:.0f} of 100 neither is told" in text
    assert f"From {rules.direct_people} people on their own percentile" in text
    assert cbc.NOTICE in text
