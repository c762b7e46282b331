"""Every number of grading, decision limits and scores says where in its source it stands, or that this was not read."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.load import build_knowledge
from cbc_screen.knowledge.locators import Area, Locator

ROOT = Path(__file__).resolve().parents[2]
FILE = "locators.yaml"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "reference_ranges", tmp_path / "tables"))


def place(area: str, group: str, item: str) -> Locator:
    [found] = [
        own
        for own in load_knowledge().locators
        if (own.number.area, own.number.group, own.number.item) == (area, group, item)
    ]
    return found


@pytest.mark.parametrize(
    ("area", "group", "item", "expected"),
    [
        ("grading", "ctcae_v5", "hemoglobin", "term Anemia, grades 1 to 3"),
        ("grading", "neutropenia_bands", "neutrophils", None),
        ("definitions", "mds", "white", "chapter Myelodysplastic neoplasms: Introduction"),
        ("definitions", "clinical", "platelet", None),
        ("blood_criteria", "severe", "reticulocytes_manual", None),
        ("adjustments", "who_2024", "smoking", "table of adjustments for smoking, the row of each amount"),
        ("scores", "hscore", "ferritin", "PMC7589537, Table 4, row of ferritin"),
        ("indices", "of_small_red_cells", "mentzer", None),
    ],
)
def test_a_number_and_its_place(area: str, group: str, item: str, expected: str | None) -> None:
    assert place(area, group, item).place == expected


def test_how_many_are_open() -> None:
    found = load_knowledge().locators
    assert (len(found), sum(own.place is None for own in found)) == (90, 38)
    assert {own.number.area for own in found} == set(Area)


def test_what_is_this_projects_own_stands_nowhere() -> None:
    # The bands of platelets are a judgment of this project, and say so.
    groups = {own.number.group for own in load_knowledge().locators if own.number.area is Area.GRADING}
    assert "thrombocytopenia_bands" not in groups
    assert {row.verification for row in load_knowledge().scheme("clinical").tables["platelets"]} == {"project"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    wbc: term White blood cell decreased, grades 1 to 4\n    lymphocytes", "    lymphocytes", "ctcae_v4, wbc: has no place"),
        ("  hlh_2004: {cutoffs:", "  hlh_2005: {cutoffs:", "hlh_2004, cutoffs: has no place|cutoffs: has no number"),
        ("{white: not_known, without_neutrophils: not_known, ", "{white: not_known, ", "clinical, without_neutrophils: has no place"),
        ("    inr: not_known\n", "", "plasmic, inr: has no place"),
        ("    inr: not_known\n", "    inr: ''\n", "inr: "),
        ("    inr: not_known\n", "    inr: not_known\n    inr_again: page 3\n", "inr_again: has no number"),
        ("  islh_2005: {every: not_known}\n", "", "islh_2005, every: has no place"),
        ("indices: {", "numbers: {", "indices"),
    ],
)  # fmt: skip
def test_a_number_without_a_place_and_a_place_without_a_number_are_faults(
    tables: Path, old: str, new: str, told: str
) -> None:
    path = tables / FILE
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(cbc.KnowledgeError, match=told) as caught:
        build_knowledge(tables, check_hashes=False, every_set=False)
    assert str(caught.value).startswith(FILE)


def test_a_new_number_needs_a_place(tables: Path) -> None:
    path = tables / "published_cutoffs.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("source: bethesda_handbook", "source: duffy_merz_2023", 1), encoding="utf-8")
    sources = tables / "sources.csv"
    sources.write_text(
        sources.read_text(encoding="utf-8") + "duffy_merz_2023,Somebody 2023,,,secondary,\n", encoding="utf-8"
    )
    with pytest.raises(cbc.KnowledgeError, match="every: has no number"):
        build_knowledge(tables, check_hashes=False, every_set=False)


def test_a_row_of_a_shipped_set_needs_a_place(tables: Path) -> None:
    path = tables / "intervals" / "norip_adult.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",abstract,", ",,", 1), encoding="utf-8")
    with pytest.raises(cbc.KnowledgeError, match=r"norip_adult.csv:2: locator: must say where"):
        build_knowledge(tables, check_hashes=False)


def test_the_page_of_open_questions_is_what_the_data_say() -> None:
    """Stale? Run python tools/write_open_questions.py."""
    names = runpy.run_path(str(ROOT / "tools/write_open_questions.py"), run_name="tools")
    page = (ROOT / "docs/open_questions.md").read_text(encoding="utf-8")
    assert names["page"](load_knowledge()) == page
    assert (
        "| `neutropenia_bands`, neutrophils | grade 1 below 1.5, grade 2 below 1, grade 3 below 0.5, grade 4 below 0.1 10^9/L |"
        in page
    )
    opened = page.partition("## Sets of reference ranges")[0].count("\n| `")
    assert opened == 38
