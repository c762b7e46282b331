"""Each recipe of CONTRIBUTING.md, followed step by step in a copy of the data."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cbc_screen.cli import main
from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.library import Knowledge
from cbc_screen.knowledge.load import build_knowledge

ROOT = Path(__file__).resolve().parents[1]
RECIPES = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.M | re.S))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "reference_ranges", tmp_path / "reference_ranges"))


def block(recipe: str, kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", RECIPES[recipe], flags=re.S)
    return found


def line(recipe: str, starts: str) -> str:
    """Return the text in backticks that begins so."""
    (found,) = (text for text in re.findall(r"`([^`\n]+)`", RECIPES[recipe]) if text.startswith(starts))
    return found


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + f"\n{text}\n", encoding="utf-8")


def header(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0]


def built(data: Path) -> Knowledge:
    return build_knowledge(data, check_hashes=False)


def test_a_set_of_reference_ranges(data: Path) -> None:
    recipe = "A set of reference ranges"
    append(data / "sources.csv", line(recipe, "my_paper,"))
    append(data / "intervals/sets.yaml", f"  {line(recipe, '- {id: my_set')}")
    text = f"{header(data / 'intervals/ummc.csv')}\n{block(recipe, 'csv')}"
    (data / "intervals/my_set.csv").write_text(text, encoding="utf-8")
    assert [(row.sex, row.lower, row.upper) for row in built(data).interval_sets["my_set"].rows] == [
        ("F", 118, 152),
        ("M", 133, 168),
    ]


def test_a_condition(data: Path) -> None:
    recipe = "A condition of the checklist"
    (data / "checklist/my_condition.yaml").write_text(block(recipe, "yaml"), encoding="utf-8")
    append(data / "starting_tiers.csv", line(recipe, "my_condition,"))
    assert "my_condition" in {condition.id for condition in built(data).conditions}


def test_the_check_of_one_condition(tmp_path: Path) -> None:
    text = block("A condition of the checklist", "yaml")
    own = tmp_path / "my_condition.yaml"
    own.write_text(text, encoding="utf-8")
    found = CliRunner().invoke(main, ["ranges", "check", str(own)])
    assert (found.exit_code, "known_for_months +2" in found.output, "starting_tiers.csv" in found.output) == (
        0,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("finding: cytopenia_under_4_weeks", "finding: cytopenia_for_a_while", "my_condition.yaml:17: finding"),
        ("rank: 999", "rank: 10", "my_condition.yaml:5: rank"),
        ("source: project}\nnext", "source: nowhere}\nnext", "my_condition.yaml:24: source"),
        ("points: 2", "points: 2.5", "my_condition.yaml:10: points"),
    ],
)
def test_a_fault_of_one_condition_has_its_line_and_key(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    text = block("A condition of the checklist", "yaml")
    assert right in text
    (tmp_path / "my_condition.yaml").write_text(text.replace(right, wrong, 1), encoding="utf-8")
    found = CliRunner().invoke(main, ["ranges", "check", str(tmp_path / "my_condition.yaml")])
    assert (found.exit_code, said in found.output) == (2, True), found.output


def test_a_scheme(data: Path) -> None:
    recipe = "A grading scheme"
    text = f"{header(data / 'grading/daids_v2_1.csv')}\n{block(recipe, 'csv')}"
    (data / "grading/my_scheme.csv").write_text(text, encoding="utf-8")
    append(data / "grading/schemes.yaml", f"  {line(recipe, '- {id: my_scheme')}")
    assert built(data).scheme("my_scheme").version == "1"


def test_a_language(data: Path) -> None:
    recipe = "A language"
    (data / "names/xx.yaml").write_text(block(recipe, "yaml"), encoding="utf-8")
    with pytest.raises(KnowledgeError, match="languages: are not those of names/: xx"):
        built(data)
    append(data / "languages.yaml", f"  {line(recipe, 'xx: {')}")
    knowledge = built(data)
    assert knowledge.languages.of(["Sekso XX", "Hemoglobinu XX"]) == ("xx",)
    assert knowledge.names.analytes["hemoglobinu xx"] == {"hemoglobin"}


def test_every_file_that_a_recipe_names_is_there() -> None:
    named = re.findall(
        r"`((?:src|tests|tools|docs|ingest|intervals|grading|names|checklist)/[\w./*]+)`", "".join(RECIPES.values())
    )
    made = {"intervals/my_set.csv", "checklist/my_condition.yaml", "grading/my_scheme.csv", "names/xx.yaml"}
    for name in set(named) - made:
        assert any((root / name).exists() for root in (ROOT, ROOT / "src/cbc_screen", ROOT / "reference_ranges")), name
    assert yaml.safe_load(block("A language", "yaml"))["language"] == "xx"
