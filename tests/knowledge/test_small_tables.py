"""What the loaders of the smaller tables return, and what they refuse."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from small_tables import analytes, table

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.agreement import Way, load_ways
from cbc_screen.knowledge.audit_texts import AuditText, load_audit
from cbc_screen.knowledge.fhir_names import PublishedTerm, load_fhir_names
from cbc_screen.knowledge.files import walk
from cbc_screen.knowledge.film_names import load_film_names
from cbc_screen.knowledge.glossary import Glossary, load_glossary
from cbc_screen.knowledge.library import CitedSource
from cbc_screen.knowledge.likelihoods import COLUMNS, _likelihood
from cbc_screen.knowledge.load import _load_sources
from cbc_screen.knowledge.locators import Area, Number, _place
from cbc_screen.knowledge.strict import Row
from cbc_screen.vocabulary import Verification, WhiteBasis

FINDINGS = ("blue_cells", "green_cells")


def test_the_words_of_an_audit_by_finding() -> None:
    node = table("source: own\nfindings:\n  other_flag: {about: flag, text: The flag differs.}\n")
    assert load_audit(node, {"own"}) == {"other_flag": AuditText(about="flag", text="The flag differs.")}


def test_the_glossary_holds_its_three_parts() -> None:
    node = table("written_out: {ABC: a blue cell}\nterms: {line: a kind of cells}\nnot_used: {row: line}\n")
    assert load_glossary(node) == Glossary({"ABC": "a blue cell"}, {"line": "a kind of cells"}, {"row": "line"})


def test_a_published_term_may_hold_for_every_basis_of_the_white_line() -> None:
    every = [basis.value for basis in WhiteBasis]
    found = load_fhir_names(
        table(
            "module: made.up\ntexts: {white_line: the white line}\nucum: {g/L: g/L}\nalso:\n"
            "  - {code: white_line, word: low, system: 'urn:made-up', term: 'T1', source: own, "
            f"basis: [{', '.join(every)}]}}\n"
        ),
        {"own"},
    )
    term = PublishedTerm("white_line", "low", "urn:made-up", "T1", frozenset(every))
    assert (found.module, found.also) == ("made.up", (term,))
    assert found.terms("white_line", "low", "wbc_less_others") == [term]


def film(codes: str = "{}", counted: str = "[]") -> str:
    return f"source: own\nnames:\n  blue_cells: [Blue ones]\ncodes: {codes}\ncounted: {counted}\n"


def test_findings_of_the_film_by_name_and_by_code() -> None:
    found = load_film_names(table(film('{"718-7": blue_cells}', "[blue_cells, green_cells]")), FINDINGS)
    assert found.names == {"blue cells": "blue_cells", "green cells": "green_cells", "blue ones": "blue_cells"}
    assert found.codes == {"718-7": "blue_cells"}
    assert found.counted == {"blue_cells", "green_cells"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (film('{"718-8": blue_cells}'), "718-8"),  # its check digit is 7
        (film('{"718-7": red_cells}'), "718-7"),
        (film(counted="[red_cells]"), "counted"),
    ],
)
def test_what_the_table_of_the_film_may_not_say(text: str, key: str) -> None:
    with pytest.raises(KnowledgeError) as told:
        load_film_names(table(text), FINDINGS)
    assert told.value.key == key


def way(within: str, over: str = "hematocrit") -> str:
    return (
        f"source: own\nways:\n  - {{analyte: mchc, factor: 1, times: [hemoglobin], over: [{over}], within: {within}}}\n"
    )


def test_a_way_to_a_quantity_as_it_is_written() -> None:
    assert load_ways(table(way("0.25")), analytes()) == {"mchc": (Way(1.0, ("hemoglobin",), ("hematocrit",), 0.25),)}


@pytest.mark.parametrize("within", ["0", "-0.25", "1", "1.5"])
def test_values_agree_within_a_share_between_0_and_1(within: str) -> None:
    with pytest.raises(KnowledgeError, match="within: must be a share between 0 and 1"):
        load_ways(table(way(within)), analytes())


def test_nothing_is_divided_by_a_quantity_that_may_be_0() -> None:
    known = {**analytes(), "hematocrit": replace(analytes()["hematocrit"], plausible=(0.0, 9.0))}
    with pytest.raises(KnowledgeError, match="over: hematocrit may be 0"):
        load_ways(table(way("0.25")), known)


PLACES = "grading:\n  made_up: {hemoglobin: page 3, platelets: not_known}\n"


@pytest.mark.parametrize(("item", "place"), [("hemoglobin", "page 3"), ("platelets", None)])
def test_the_place_of_a_number_in_its_source(item: str, place: str | None) -> None:
    assert _place(table(PLACES), Number(Area.GRADING, "made_up", item, "own")) == place


@pytest.mark.parametrize(("group", "item"), [("made_up", "wbc"), ("another", "hemoglobin")])
def test_a_number_without_a_place_is_named(group: str, item: str) -> None:
    with pytest.raises(KnowledgeError, match=f"grading: {group}, {item}: has no place in its source"):
        _place(table(PLACES), Number(Area.GRADING, group, item, "own"))


def test_cited_sources_by_id(tmp_path: Path) -> None:
    (tmp_path / "sources.csv").write_text(
        "id,citation,url,licence,verification,notes\nown,A Book 1999,,facts only,secondary,read twice\n",
        encoding="utf-8",
    )
    assert _load_sources(tmp_path) == {
        "own": CitedSource("own", "A Book 1999", "", "facts only", Verification.SECONDARY, "read twice")
    }


def test_files_are_listed_by_their_paths_as_texts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/c.csv", "a-b.csv", "a.csv", ".hidden"):
        (tmp_path / name).write_text("", encoding="utf-8")
    # A hyphen and a point come before a slash.
    assert [name for name, _ in walk(tmp_path)] == ["a-b.csv", "a.csv", "a/c.csv"]


def test_files_of_a_zip_are_listed_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        for name in ("b.csv", "a/c.csv", "a.csv"):
            packed.writestr(name, "")
    assert [name for name, _ in walk(zipfile.Path(tmp_path / "packed.zip"))] == ["a.csv", "a/c.csv", "b.csv"]


def frequencies(**cells: str) -> Row:
    """A row of likelihoods of which only shares are known."""
    given = {"ratio": "2", "percent_with": "50", "percent_without": "25", "source": "own"}
    return Row("likelihoods.csv", 2, {**dict.fromkeys(COLUMNS, ""), **given, **cells})


def test_a_ratio_of_two_shares() -> None:
    found = _likelihood(frequencies(), ("made_up", "blue_cells"), ["own"])
    assert (found.ratio, found.percents, found.interval, found.points) == (2.0, (50.0, 25.0), None, 1)


@pytest.mark.parametrize("cells", [{"low": "1"}, {"high": "3"}, {"low": "1", "high": "3"}])
def test_an_interval_needs_counts(cells: dict[str, str]) -> None:
    with pytest.raises(KnowledgeError, match="low: needs counts"):
        _likelihood(frequencies(**cells), ("made_up", "blue_cells"), ["own"])
