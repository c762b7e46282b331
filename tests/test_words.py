"""Every sentence that a user may read: its abbreviations are written out in the glossary, its words are those of this project."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import cbc_screen as cbc
from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.glossary import load_glossary
from cbc_screen.knowledge.parse import parse_yaml

ROOT = Path(__file__).resolve().parents[1]
RANGES, SOURCE = ROOT / "reference_ranges", ROOT / "src" / "cbc_screen"
GLOSSARY = load_knowledge().glossary
# Keys of YAML files whose texts are sentences and names that are shown.
SHOWN = frozenset({"text", "name", "about", "note", "settles", "summary", "label", "question", "title"})
# Words of files that are read, and titles of what was published, are as they are.
AS_THEY_ARE = (
    "names/",
    "profiles/",
    "false_friends.yaml",
    "intervals/sets.yaml",
    "agreeing_names.yaml",
    "glossary.yaml",
)
ABBREVIATION = re.compile(r"\b[A-Z][A-Za-z0-9]*[A-Z0-9][A-Za-z0-9]*\b")
NAMES = re.compile(r"HL7|\b(?:US|UK|HEFT|RMH|VMNIS)\b")  # of formats, countries and those who published a list


def _texts(node: Any, key: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(value, str(name))
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, key)
    elif isinstance(node, str) and key in SHOWN:
        yield node


def _data_sentences() -> Iterator[tuple[str, str]]:
    for path in sorted(RANGES.rglob("*.yaml")):
        name = path.relative_to(RANGES).as_posix()
        if not name.startswith(AS_THEY_ARE):
            yield from ((name, text) for text in _texts(yaml.safe_load(path.read_text(encoding="utf-8"))))


def _code_sentences() -> Iterator[tuple[str, str]]:
    """Yield the texts of the code that are sentences, without the docstrings, which are no user's."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path.parent.name == "normalize":
            continue  # it holds the words of those whose files are read
        tree = ast.parse(path.read_text(encoding="utf-8"))
        described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, described) and node.body and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            own = node.value if isinstance(node, ast.Constant) and id(node) not in docstrings else None
            if isinstance(own, str) and own.count(" ") > 1:
                yield path.relative_to(SOURCE).as_posix(), own


def _pages() -> Iterator[tuple[str, str]]:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(SOURCE / "report" / "templates").glob("*.j2")]
    for path in sorted(pages):
        if path.name not in (
            "glossary.md",
            "reference.md",
            "open_questions.md",
            "api.md",
        ):  # these show titles as published
            lines = path.read_text(encoding="utf-8").splitlines()
            yield from ((path.name, line) for line in lines if not re.match(r"- `\w+`: ", line))  # a citation


DATA, CODE, PAGES = (list(own()) for own in (_data_sentences, _code_sentences, _pages))


def test_there_are_sentences_to_read() -> None:
    assert len(DATA) > 1_000
    assert len(CODE) > 500
    assert len(PAGES) > 2_000


def test_abbreviations_in_sentences_are_written_out() -> None:
    unknown = {
        (word, name)
        for name, text in DATA
        for word in ABBREVIATION.findall(NAMES.sub("", text))
        if word not in GLOSSARY.written_out
    }
    assert unknown == set()


def test_every_abbreviation_of_the_glossary_stands_in_a_sentence() -> None:
    used = {word for _, text in DATA for word in ABBREVIATION.findall(text)}
    assert set(GLOSSARY.written_out) - used == set()


@pytest.mark.parametrize("word", sorted(GLOSSARY.not_used))
def test_a_word_that_is_not_used_stands_nowhere(word: str) -> None:
    pattern = re.compile(rf"\b{re.escape(word)}", re.IGNORECASE)
    quoted = re.compile(r"`[^`]*`|\"[^\"]*\"|\(`?https?://[^)]*\)")  # what a file says, and what one types
    assert [(name, text) for name, text in (*DATA, *CODE, *PAGES) if pattern.search(quoted.sub("", text))] == []


def test_the_page_is_the_table() -> None:
    """Stale? Run python tools/write_glossary.py."""
    names = runpy.run_path(str(ROOT / "tools/write_glossary.py"), run_name="tools")
    assert (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8") == names["page"](load_knowledge())


def test_a_term_that_is_not_to_be_used_is_refused() -> None:
    text = "written_out: {}\nterms: {film: stained}\nnot_used: {film: smear}\n"
    with pytest.raises(KnowledgeError, match=r"glossary\.yaml:3: film: is a term"):
        load_glossary(parse_yaml(text, "glossary.yaml"))


# Of a person of unknown age more ranges are tried than anybody reads


@pytest.mark.parametrize(
    ("platelets", "told"),
    [
        ("90 10^9/L", "below every limit tried, 141 to 248 ×10⁹/L"),
        ("300 10^9/L", "not below any limit tried, 141 to 248 ×10⁹/L"),
        ("180 10^9/L", "against limits of 141 to 248 ×10⁹/L"),
    ],
)
def test_of_many_limits_the_ends_are_told(platelets: str, told: str) -> None:
    text = " ".join(str(cbc.screen({"hemoglobin": "119 g/L", "platelets": platelets}).explain()).split())
    assert told in text
    assert "lower limits 141 to 248, upper limits 342 to 658 (14 ranges were tried; default_v1)" in text
    assert " or 144 " not in text


def test_of_a_known_age_each_of_two_limits_is_told() -> None:
    """Hemoglobin of a woman and of a man, where the sex is not stated."""
    text = " ".join(str(cbc.screen({"age": "40 y", "hemoglobin": "125 g/L"}).explain()).split())
    assert "against 117 or 132 g/L" in text
    assert (
        "132 to 171 (default_v1, M 18 y and over; nhanes) or 117 to 153 (default_v1, F 18 y and over; nhanes)" in text
    )
