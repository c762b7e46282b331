"""The page of the Python interface: every public name is on it, and has an example (`test_readme.py` runs those of docstrings)."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import cbc_screen as cbc

PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.md"
CONSTANTS = {"NOTICE", "__data_version__", "__version__"}
NAMES = sorted(set(cbc.__all__) - CONSTANTS)
# A schema shows the whole docstring of a list of words to those who never see Python: their examples stand on the page.
SHOWN_ON_THE_PAGE = {"RangeVerdict", "Reason"}


def entries(text: str) -> dict[str, str]:
    """Return what the page shows by its full name, each with what stands below it there."""
    found: dict[str, str] = {}
    for entry in re.split(r"^::: ", text, flags=re.MULTILINE)[1:]:
        path, _, below = entry.partition("\n")
        members = re.search(r"^ +members: \[(.*)\]$", below, re.MULTILINE)
        shown = [f"{path}.{name}" for name in members[1].split(", ")] if members else [path]
        assert not found.keys() & set(shown), f"{path} is there twice"
        found |= dict.fromkeys(shown, below.partition("\n## ")[0])
    return found


ON_THE_PAGE = entries(PAGE.read_text(encoding="utf-8"))


def is_error(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_on_the_page(name: str) -> None:
    assert f"{getattr(cbc, name).__module__}.{name}" in ON_THE_PAGE


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_a_constant_is_named_on_the_page(name: str) -> None:
    assert name in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in NAMES if not is_error(getattr(cbc, name))])
def test_every_public_name_that_is_no_error_has_an_example(name: str) -> None:
    value = getattr(cbc, name)
    if name in SHOWN_ON_THE_PAGE:
        assert re.search(rf"^>>> .*\b{name}\b", ON_THE_PAGE[f"{value.__module__}.{name}"], re.MULTILINE)
    else:
        assert "\nExamples\n--------\n>>> " in (inspect.getdoc(value) or "")


def test_the_examples_of_the_page_run() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    done = doctest.DocTestRunner().run(test)
    assert (done.failed, done.attempted) == (0, 2 * len(SHOWN_ON_THE_PAGE))
