"""Words of names/ in several languages: which are read, and what two languages or two parts make of one word."""

from __future__ import annotations

from pathlib import Path

from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.result_tables import PARTS, load_result_tables
from cbc_screen.knowledge.world_words import WorldWords, load_world_words


def write(folder: Path, **languages: str) -> None:
    (folder / "names").mkdir()
    for language, text in languages.items():
        (folder / "names" / f"{language}.yaml").write_text(text, encoding="utf-8")


def words(folder: Path, **languages: str) -> WorldWords:
    write(folder, **languages)
    return load_world_words(folder, str.lower)


def test_a_word_of_three_letters_that_a_memory_knows_is_read(tmp_path: Path) -> None:
    found = words(tmp_path, xa="result_words: {pending: {memory: [wai, longer]}}")
    assert found.results == {"WAI": "pending", "LONGER": "pending"}


def test_a_shorter_word_is_read_only_where_it_was_seen(tmp_path: Path) -> None:
    found = words(tmp_path, xa="result_words: {pending: {memory: [wa]}, not_done: {seen: [nd]}}")
    assert found.results == {"ND": "not_done"}


def test_a_short_word_of_other_letters_is_read_from_memory(tmp_path: Path) -> None:
    found = words(tmp_path, xa="result_words: {pending: {memory: [待]}}")
    assert found.results == {"待": "pending"}


def test_a_word_without_a_letter_is_not_read(tmp_path: Path) -> None:
    assert words(tmp_path, xa="months: {'3': {seen: ['...', maa]}}").months == {"maa": 3}


def test_a_word_that_two_languages_read_differently_is_read_in_neither(tmp_path: Path) -> None:
    found = words(
        tmp_path,
        xa="months: {'3': {seen: [mar, both]}, '6': {seen: [six]}}",
        xb="months: {'3': {seen: [both]}, '5': {seen: [mar]}}",
    )
    assert found.months == {"both": 3, "six": 6}


def test_a_word_that_was_seen_decides_over_memory(tmp_path: Path) -> None:
    found = words(tmp_path, xa="months: {'3': {memory: [maart]}}", xb="months: {'5': {seen: [maart]}}")
    assert found.months == {"maart": 5}


def test_a_column_of_another_language_holds_the_part_that_it_alone_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        xa="table: {unit: {seen: [Enhet]}, name: {memory: [Analys, Sak]}}",
        xb="table: {value: {seen: [Sak]}}",
        xc="language: xc",  # says nothing of tables
    )
    own = parse_yaml("\n".join(f"{part}: [own {part.replace('_', ' ')}]" for part in PARTS), "result_tables.yaml")
    tables = load_result_tables(own, tmp_path, ["remarks"])
    assert tables.names["unit"] == ("own unit", "enhet")
    assert tables.names["name"] == ("own name", "analys")  # "sak" may be the value too
    assert tables.names["value"] == ("own value",)
    assert tables.names["note"] == ("own note", "remarks")
    assert tables.find(["Analys", "Sak", "Enhet", "Own value"]) == {
        "name": ("Analys",),
        "value": ("Own value",),
        "unit": ("Enhet",),
    }
