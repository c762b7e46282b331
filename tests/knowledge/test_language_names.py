"""Names, letters for sex and words that make another thing of a name, in made-up languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_tables import analytes, table

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.friends import Friends, load_friends
from cbc_screen.knowledge.languages import Languages, _names_of
from cbc_screen.knowledge.letters import SexLetters, load_letters
from cbc_screen.knowledge.names import WorldNames, load_names
from cbc_screen.knowledge.quantities import Analyte

WHITE = replace(analytes()["wbc"], names=("wbc",))
RED = replace(analytes()["rbc"], names=("rbc",))
NEUTROPHILS = replace(analytes()["neutrophils"], names=("neutrophils",))
PERCENT = replace(analytes()["neutrophils_percent"], names=("neutrophils percent",))
KNOWN = {one.id: one for one in (WHITE, RED, NEUTROPHILS, PERCENT)}
AGREEING = "agreeing: []\nblood: {source: own, words: {xx: [blood]}}\nmay_be_neutrophils: {source: own, words: {xx: [polys]}, begins: {xx: [neutro]}, but: {xx: [neutropeni]}}\n"


def friends(known: dict[str, Analyte], groups: str = "specimens: []\nqualifiers: []") -> Friends:
    return load_friends(
        table("not_blood: [urine]\n"), table(f"{groups}\nnames: []\n"), table(AGREEING), known, ambiguous={}
    )


def world(folder: Path, known: dict[str, Analyte], **languages: str) -> WorldNames:
    (folder / "names").mkdir()
    for language, text in languages.items():
        (folder / "names" / f"{language}.yaml").write_text(
            f"language: {language}\nsource: own\n{text}", encoding="utf-8"
        )
    return load_names(folder, known, friends(known), {"sex": ("sex",), "age": ("age",)}, {"own"})


def test_a_name_that_was_seen_is_read_and_one_from_memory_where_no_word_refuses_it(tmp_path: Path) -> None:
    text = "analytes:\n  wbc: {seen: [Urine WBC of Xland], memory: [Urine WBC, Xwhite, Xw]}\n"
    found = world(tmp_path, KNOWN, xx=text)
    white = frozenset({"wbc"})
    assert found.analytes == {"urine wbc of xland": white, "xwhite": white, "xw": white}
    assert (found.people, found.contested) == ({}, {})


def test_a_name_of_the_only_analyte_is_no_field_of_the_person(tmp_path: Path) -> None:
    found = world(tmp_path, {"wbc": WHITE}, xx="analytes:\n  wbc: {seen: [Xwhite]}\n")
    # "Blood" agrees with all analytes, which here are one.
    assert found.analytes == {"xwhite": frozenset({"wbc"}), "blood": frozenset({"wbc"})}
    assert found.people == {}


def test_a_name_of_the_person_from_memory_has_five_latin_letters_or_more(tmp_path: Path) -> None:
    text = "people:\n  sex: {seen: [Xse], memory: [Four, Xfive, 性别]}\n  age: {memory: [Xxsix6]}\n"
    found = world(tmp_path, KNOWN, xx=text)
    assert found.people == {"xse": "sex", "xfive": "sex", "性别": "sex", "xxsix6": "age"}
    assert found.analytes == {}


def test_a_name_on_which_languages_differ_is_contested_unless_it_is_a_count_and_its_percentage(tmp_path: Path) -> None:
    found = world(
        tmp_path,
        KNOWN,
        xx="analytes:\n  wbc: {seen: [Either, Whites]}\n  neutrophils: {seen: [Neuts]}\n",
        yy="analytes:\n  rbc: {seen: [Either]}\n  neutrophils_percent: {seen: [Neuts]}\n",
    )
    assert found.analytes == {"whites": frozenset({"wbc"}), "neuts": frozenset({"neutrophils", "neutrophils_percent"})}
    assert found.contested == {"either": frozenset({"wbc", "rbc"})}


# Words that make another thing of a name ---------------------------------------------------

GROUPS = (
    "specimens:\n  - {id: broth, why: of a broth, source: own, words: {xx: [broth]}}\n"
    "qualifiers:\n  - {id: large, why: of large ones, source: own, of: [rbc], words: {xx: [large]}}"
)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Urine WBC", "of a specimen that is not blood"),
        ("Broth WBC", "of a broth"),
        ("Large RBC", "of large ones"),
        ("Large WBC", None),  # says nothing of white cells
        ("WBC", None),
        ("Urine", None),  # names no analyte
    ],
)
def test_a_word_makes_another_thing_of_the_analytes_it_is_for(name: str, why: str | None) -> None:
    assert friends(KNOWN, GROUPS).refuses(name) == why


def test_two_groups_of_words_have_two_ids() -> None:
    with pytest.raises(KnowledgeError, match="qualifiers: broth is the id of two groups"):
        friends(KNOWN, GROUPS.replace("id: large", "id: broth"))


# Languages and letters ---------------------------------------------------------------------


def test_names_of_the_person_and_of_other_scripts_tell_more_of_a_language_than_short_ones() -> None:
    found = _names_of(
        table(
            "analytes:\n  wbc: {seen: [Xwhite], memory: [白细胞]}\n"
            "people:\n  sex: {seen: [Xsex]}\ntable:\n  unit: {memory: [Xunit]}\n"
        )
    )
    assert found == [("xwhite", 1), ("白细胞", 2), ("xsex", 2), ("xunit", 2)]


@pytest.mark.parametrize(
    ("seen", "languages", "expected"),
    [
        ("ke", ["xx"], {"k": "F", "e": "M"}),
        ("k", ["xx"], {"k": "F"}),
        ("ke", ["xx", "yy"], {"e": "M"}),  # on k they differ
        ("ke", ["zz"], None),
    ],
)
def test_what_letters_mean_in_a_language(seen: str, languages: list[str], expected: dict[str, str] | None) -> None:
    known = Languages({}, {"xx": ({"k": "F", "e": "M"},), "yy": ({"k": "unknown", "e": "M"},)})
    assert known.sexes(frozenset(seen), languages, frozenset("u")) == expected


@pytest.mark.parametrize(
    ("seen", "doubtful"),
    [
        ("", ""), ("fm", ""), ("f", ""), ("fmu", ""),
        ("fmk", ""),  # a known pair, and a letter of another language
        ("mk", "mk"), ("k", "k"),
        ("abc", ""), ("ab", ""),
        ("abck", "abck"),  # three letters are no pair
    ],
)  # fmt: skip
def test_letters_that_are_in_doubt_beside_the_known_ones(seen: str, doubtful: str) -> None:
    letters = SexLetters((frozenset("fm"), frozenset("abc")), (), frozenset("u"), frozenset("fmabcuk"))
    assert letters.in_doubt(frozenset(seen)) == frozenset(doubtful)


@pytest.mark.parametrize("known", ["[fm]", "[[f, m], fm]", "[[f, 1]]", "fm"])
def test_known_letters_are_lists_of_lists(known: str) -> None:
    node = table(f"source: own\nknown: {known}\ndoubtful: []\nelsewhere: {{}}\n")
    with pytest.raises(KnowledgeError, match="known: must be a list of lists of texts"):
        load_letters(node, table("F: [f]\nM: [m]\n"))
