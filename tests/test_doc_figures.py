"""The diagrams of docs/ are as they are drawn, and what they say is what the library answers."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import cbc_screen as cbc

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs/figures"
_SPEC = importlib.util.spec_from_file_location("write_figures", ROOT / "tools/write_figures.py")
assert _SPEC is not None
assert _SPEC.loader is not None
write_figures = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(write_figures)


@pytest.mark.parametrize("name", write_figures.DIAGRAMS)
def test_a_diagram_is_what_the_tool_draws(name: str) -> None:
    assert (FIGURES / f"{name}.svg").read_text(encoding="utf-8") == write_figures.DIAGRAMS[name]()


def test_every_figure_stands_on_a_page_and_says_what_it_shows() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    shown = dict.fromkeys(re.findall(r"!\[[^\]]{20,}\]\(figures/([\w.]+)\)", pages))
    assert sorted(shown) == sorted(path.name for path in FIGURES.iterdir())


@pytest.mark.parametrize(
    ("hemoglobin", "line"),
    [("91 g/L", "low"), ("<100 g/L", "low"), (">100 g/L", "cannot_tell"), ("91 g/L clotted", "cannot_tell"), ("135 g/L", "not_low")],
)  # fmt: skip
def test_the_five_hemoglobins_of_the_picture(hemoglobin: str, line: str) -> None:
    result = cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": hemoglobin})
    assert result.flags()["red_line"] == line
    assert cbc.reference_range("hemoglobin", age="54 y", sex="F").lower == 117
