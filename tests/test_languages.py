"""The language of a file: told by its columns or declared, said, and asked where letters for sex differ."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.engines.inspection import inspect
from cbc_screen.engines.opening import opening_of
from cbc_screen.knowledge import load_knowledge

LANGUAGES = load_knowledge().languages
UNKNOWN = load_knowledge().words.sex_letters.unknown


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Sexo", "Edad", "HGB (g/dL)"], ("es",)),
        (["Sexo", "Idade", "Leucócitos"], ("pt",)),
        (["Sexo", "HGB"], ("es", "pt")),
        (["Geschlecht", "Alter", "Leukozyten (G/l)"], ("de",)),
        (["Cinsiyet", "Yaş", "HGB (g/dL)"], ("tr",)),
        (["Пол", "Возраст", "Гемоглобин"], ("ru",)),
        (["性別", "年齢"], ("ja",)),
        (["sex", "age", "HGB (g/dL)", "WBC"], ()),
        (["HGB", "PLT", "LYM", "RBC"], ()),
        ([], ()),
    ],
)
def test_the_names_of_columns_tell_the_language(headers: list[str], expected: tuple[str, ...]) -> None:
    assert LANGUAGES.of(headers) == expected


@pytest.mark.parametrize(
    ("letters", "languages", "expected"),
    [
        ("kE", ["tr"], {"k": "F", "e": "M"}),
        ("k", ["tr"], {"k": "F"}),
        ("km", ["da", "nb"], {"k": "F", "m": "M"}),
        ("lp", ["id"], {"l": "M", "p": "F"}),
        ("p", ["id"], {}),  # perempuan, or pria
        ("fh", ["fr"], {"f": "F", "h": "M"}),
        ("m", ["fr"], {"m": "M"}),
        ("mv", ["nl"], {"m": "M", "v": "F"}),
        ("mv", ["es"], {"m": "F", "v": "M"}),
        ("mh", ["es"], {}),  # mujer and hombre, or macho and hembra
        ("m", ["es"], {}),  # masculino, or mujer
        ("fm", ["es", "pt"], {"f": "F", "m": "M"}),
        ("fn", ["hu"], {"f": "M", "n": "F"}),  # férfi and nő
        ("f", ["hu"], {}),
        ("nm", ["fi"], {"n": "F", "m": "M"}),
        ("du", ["it"], {"d": "F", "u": "M"}),
        ("u", ["it"], {}),  # uomo, or unknown
        ("wmd", ["de"], {"w": "F", "m": "M", "d": "unknown"}),
        ("mv", ["nl", "es"], {}),
        ("kx", ["ja"], None),
        ("ab", ["es"], None),
    ],
)
def test_letters_for_sex_are_read_where_every_set_of_the_language_agrees(
    letters: str, languages: list[str], expected: dict[str, str] | None
) -> None:
    assert LANGUAGES.sexes(frozenset(letters.lower()), languages, UNKNOWN) == expected


def export(folder: Path, headers: str, *sexes: str) -> Path:
    path = folder / "export.csv"
    # 125 g/L is low for a man and not for a woman.
    rows = "".join(f"40,{sex},125,4,250\n" for sex in sexes)
    path.write_text(f"{headers},HGB (g/L),ANC (10^9/L),PLT (10^9/L)\n{rows}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("headers", "sexes", "lines", "said"),
    [
        ("Yaş,Cinsiyet", "EK", ["low", "not_low"], ("tr",)),
        ("Leeftijd,Geslacht", "MV", ["low", "not_low"], ("nl",)),
        ("Edad,Sexo", "VM", ["low", "not_low"], ("es",)),
        ("Edad,Sexo", "FM", ["not_low", "low"], ("es",)),
        ("Edad,Sexo", "MM", ["cannot_tell", "cannot_tell"], ("es",)),
        ("Alter,Geschlecht", "MM", ["low", "low"], ("de",)),
        ("age,sex", "MM", ["low", "low"], ()),
    ],
)
def test_a_file_is_read_in_its_language(
    tmp_path: Path, headers: str, sexes: str, lines: list[str], said: tuple[str, ...]
) -> None:
    path, flags = export(tmp_path, headers, *sexes), tmp_path / "flags.parquet"
    summary = cbc.scan(path, flags, age_unit="y", received=True)
    found = cbc.read_flags(flags)
    assert (list(found["red_line"]), summary.languages) == (lines, said)
    assert list(cbc.screen_frame(cbc.read(path, age_unit="y"))["red_line"]) == lines
    assert list(cbc.screen_frame(pd.read_csv(path), age_unit="y")["red_line"]) == lines
    assert [cbc.screen_again(flags, int(row)).flags()["red_line"] for row in found["row"]] == lines


def test_a_letter_that_may_be_either_is_named_with_what_to_declare(tmp_path: Path) -> None:
    path = export(tmp_path, "Edad,Sexo", "M", "M")
    summary = cbc.scan(path, age_unit="y")
    assert summary.undeclared["sex"].startswith("M alone may mean either sex in the language of the file")
    declared = cbc.scan(path, tmp_path / "flags.csv", age_unit="y", sex_codes={"M": "M"})
    assert (declared.undeclared, declared.severities["mild"]) == ({}, 2)


def test_a_language_may_be_declared(tmp_path: Path) -> None:
    path, flags = export(tmp_path, "age,sex", "K", "E"), tmp_path / "flags.csv"
    assert cbc.scan(path, age_unit="y").languages == ()
    summary = cbc.scan(path, flags, age_unit="y", language="tr")
    assert (summary.languages, summary.undeclared) == (("tr",), {})
    assert list(pd.read_csv(flags)["red_line"]) == ["not_low", "low"]
    with pytest.raises(cbc.UsageError, match="it must be one of ar, cs"):
        cbc.scan(path, language="turkish")


def test_a_table_of_results_is_read_in_its_language(tmp_path: Path) -> None:
    path, flags = tmp_path / "results.csv", tmp_path / "flags.parquet"
    path.write_text(
        "Hasta No,Cinsiyet,Yaş,Test Adı,Sonuç,Birim\n"
        + "".join(f"{n},{sex},40 y,{test},{value},{unit}\n" for n, sex in enumerate("KE") for test, value, unit in
                  (("HGB", 125, "g/L"), ("PLT", 250, "10^9/L"))),
        encoding="utf-8",
    )  # fmt: skip
    summary = cbc.scan(path, flags)
    assert (list(cbc.read_flags(flags)["red_line"]), summary.languages) == (["not_low", "low"], ("tr",))


def test_the_draft_of_a_profile_states_the_language(tmp_path: Path) -> None:
    path = export(tmp_path, "Yaş,Cinsiyet", "K", "E")
    found = inspect(path, opening_of(cbc.Source(age_unit="y"), load_knowledge()))
    assert (found.language, re.findall("language: (.*)", found.draft)) == ("tr", ["tr"])


def test_every_letter_of_a_language_is_one_that_a_column_is_looked_through_for() -> None:
    used = load_knowledge().words.sex_letters.used
    assert all(letter in used for sets in LANGUAGES.letters.values() for one in sets for letter in one)


@pytest.mark.parametrize(
    "headers",
    [
        ["patient_id", "Sex", "Age", "HGB (g/dL)"],
        ["Patient ID", "Test", "Result", "Unit"],
        ["pid", "test", "result", "unit", "date"],
        ["Specimen", "Parameter", "Material", "Status"],
    ],
)
def test_words_that_english_has_too_tell_no_language(headers: list[str]) -> None:
    assert LANGUAGES.of(headers) == ()
