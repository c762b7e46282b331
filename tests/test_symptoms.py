"""What to ask about beside a low line, and what is published of a condition, which stands beside nobody."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

import cbc_screen as cbc
from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.load import build_knowledge
from cbc_screen.report.html import person_parts
from strategies import KNOWLEDGE

TABLES = Path(__file__).resolve().parents[1] / "reference_ranges"
WOMAN = {"age": "34 y", "sex": "F", "hemoglobin": "72 g/L", "neutrophils": "0.3 10^9/L", "platelets": "12 10^9/L"}


def asked(**record: str) -> dict[str, str]:
    return {str(line.line): line.ask for line in cbc.screen(record).lines}


def test_each_low_line_says_what_to_ask_about() -> None:
    found = asked(**WOMAN)
    assert "breathlessness" in found["red"]
    assert "infections" in found["white"]
    assert "bleeding gums" in found["platelet"]


def test_a_line_that_is_not_surely_low_says_nothing() -> None:
    found = asked(age="34 y", sex="F", hemoglobin="140 g/L", platelets="<200 10^9/L")
    assert found == {"red": "", "white": "", "platelet": ""}


@pytest.mark.parametrize(
    ("age", "word"), [("3 d", "poor feeding"), ("23 mo", "poor feeding"), ("2 y", "fatigue"), ("1 to 3 y", "fatigue")]
)
def test_the_small_are_asked_of_what_others_see(age: str, word: str) -> None:
    assert word in asked(age=age, sex="F", hemoglobin="60 g/L")["red"]


def test_it_stands_in_every_form_of_a_result() -> None:
    result = cbc.screen(WOMAN)
    wanted = "breathlessness on effort"
    assert wanted in result.explain()
    assert wanted in "".join(person_parts(result))
    assert wanted in result.model_dump_json()


def test_it_changes_no_flag_and_no_place() -> None:
    """A symptom of the low line itself tells no cause from another: no finding is made of it."""
    texts = [*KNOWLEDGE.symptoms.lines.values(), *KNOWLEDGE.symptoms.small.values()]
    assert len(texts) == 6
    assert not set(texts) & set(KNOWLEDGE.findings.values())


def test_no_published_figure_of_a_condition_stands_beside_a_person() -> None:
    facts = [fact.text for condition in load_knowledge().conditions for fact in condition.facts]
    assert len(facts) >= 10
    result = cbc.screen({**WOMAN, "mcv": "98 fL"})
    listed = {entry.id for entry in result.checklist}
    assert {"aplastic_anemia", "mds", "pnh", "metastatic_carcinoma"} <= listed
    said = result.explain() + "".join(person_parts(result)) + result.model_dump_json()
    for text in facts:
        assert text not in said
    assert "per million" not in said
    assert "per 100,000" not in said


def test_they_stand_on_the_page_of_the_condition() -> None:
    page = (TABLES.parent / "docs/conditions/aplastic_anemia.md").read_text(encoding="utf-8")
    assert "2.35 per million" in page
    assert "benzene 3.5" in page


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda table: table["lines"].pop(), "lines"),
        (lambda table: table["small"].append(dict(table["small"][0])), "line"),
        (lambda table: table["lines"][0].update(source="nobody"), "source"),
        (lambda table: table["small_below"].update(unit="w"), "unit"),
        (lambda table: table.update(more=1), "more"),
    ],
    ids=["a line less", "a line twice", "no source", "no unit", "an unknown key"],
)
def test_a_fault_of_the_table_is_named(change: object, key: str, tmp_path: Path) -> None:
    root = shutil.copytree(TABLES, tmp_path / "reference_ranges")
    path = root / "symptoms.yaml"
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(table)  # type: ignore[operator]
    path.write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        build_knowledge(root, check_hashes=False)
    assert caught.value.file == "symptoms.yaml"
    assert caught.value.key == key
