"""One folding of names and words: what only looks different is one, and no letter of any script is lost."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.fold import fold_code, fold_word, parts_of, plain_name

EVERY_LETTER = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith("L")]
APOSTROPHE = "\u02bc"  # a letter to Unicode
TEXTS = st.text(max_size=30)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hémoglobine", "HEMOGLOBINE"),
        ("He\u0301moglobine", "H\u00e9moglobine"),  # composed or not
        ("Hæmoglobin", "haemoglobin"),
        ("Groß", "GROSS"),
        ("KADIN", "kadın"), ("İDRAR", "idrar"),  # Turkish i with and without its dot
        ("Żeńska", "zenska"), ("Błony", "BLONY"), ("Đỏ", "do"), ("SØVN", "sovn"),
        ("Αιμοσφαιρίνη", "ΑΙΜΟΣΦΑΙΡΙΝΗ"), ("Λευκός", "ΛΕΥΚΟΣ"),
        ("Лейкоциты всё", "ЛЕЙКОЦИТЫ ВСЕ"),
        ("ﾍﾓｸﾞﾛﾋﾞﾝ", "ヘモグロビン"),  # half-width kana
        ("ＷＢＣ（１０）", "wbc(10)"), ("血小板％", "血小板%"),  # full-width forms
        ("هيموجلوبيـــن", "هيموجلوبين"), ("هِيموجلوبين", "هيموجلوبين"), ("أنثى", "انثي"), ("مذکر", "مذكر"),
        ("گلبول‌های", "گلبول های"), ("٪١٢", "%12"), ("۱۲", "12"), ("१२", "12"),
        ("הֵמוֹגלובין", "המוגלובין"),
        ("WBC\u200e", "WBC"), ("Thrombo\u00adzyten", "Thrombozyten"), ("\ufeffHb", "Hb"),
    ],
)  # fmt: skip
def test_what_only_looks_different_is_one(one: str, other: str) -> None:
    assert one != other
    assert plain_name(one) == plain_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("尿WBC", "WBC"), ("WBC 尿沈渣", "WBC"), ("PLT (輸血)", "PLT"), ("RBC в моче", "RBC"), ("糖化Hb", "Hb"),
        ("Μέση Πυκνότης HGB", "HGB"), ("요WBC", "WBC"), ("Hb ปัสสาวะ", "Hb"), ("WBC בשתן", "WBC"), ("WBC मूत्र", "WBC"),
        ("НВ", "HB"), ("Нb", "Hb"), ("ΗΒ", "HB"), ("МСН", "MCH"),  # Cyrillic and Greek letters that look Latin
        ("ＨＢН", "HB"),
        ("∆Hb", "Hb"), ("ΔHb", "Hb"), ("√WBC", "WBC"), ("∑RBC", "RBC"),  # the change or the sum of a thing
        ("?WBC", "WBC"), ("\ufffd\ufffdWBC", "WBC"), ("¿¿WBC", "WBC"), ("WBC □", "WBC"),  # letters that were lost
        ("हीमोग्लोबिन", "हमगलबन"), ("ビ", "ヒ"), ("น้ำ", "นำ"),  # marks that are part of the letter
        ("WBC\u3164", "WBC"),  # a letter that is not seen
        ("WBC2", "WBC"), ("WBC②", "WBC"), ("WBCⅡ", "WBC"),
    ],
)  # fmt: skip
def test_what_is_another_name_stays_another(one: str, other: str) -> None:
    assert plain_name(one) != plain_name(other)


@given(TEXTS)
def test_folding_twice_is_folding_once(text: str) -> None:
    for fold in (plain_name, fold_word, fold_code):
        assert fold(fold(text)) == fold(text)


@given(TEXTS)
def test_case_and_width_change_nothing(text: str) -> None:
    assert fold_word(unicodedata.normalize("NFKC", text)) == fold_word(text)
    assert plain_name(text.casefold()) == plain_name(text)


@given(TEXTS, st.sampled_from(EVERY_LETTER), TEXTS)
def test_a_name_with_a_letter_more_is_another_name(before: str, letter: str, after: str) -> None:
    if letter == APOSTROPHE or _is_arabic_sign(letter):
        return
    assert len(plain_name(before + letter + after)) >= 1
    assert plain_name(f"{before} {letter} {after}") != plain_name(f"{before} {after}")


def test_no_letter_of_unicode_is_lost_beside_a_name() -> None:
    lost = {
        letter
        for letter in EVERY_LETTER
        if "wbc" in {plain_name(f"{letter}wbc"), plain_name(f"wbc{letter}"), plain_name(f"wbc {letter}")}
    }
    assert {letter for letter in lost if not _is_arabic_sign(letter)} == {APOSTROPHE}


def _is_arabic_sign(letter: str) -> bool:
    """Tell whether a letter of Unicode is an Arabic vowel sign by itself, or what stretches a letter."""
    forms = unicodedata.normalize("NFKD", letter)
    return "ARABIC" in unicodedata.name(letter, "") and all(
        unicodedata.category(sign) == "Mn" or sign in " \u0640" for sign in forms
    )


def test_codes_that_differ_by_an_accent_are_two_codes() -> None:
    assert fold_code("É1") != fold_code("E1")
    assert fold_code("ＨＧＢ") == fold_code("hgb ") == "hgb"


def test_letters_of_another_script_are_a_word_of_their_own() -> None:
    assert parts_of(plain_name("血小板数/PLT")) == ["血小板数", "plt"]
    assert parts_of(plain_name("ヘモグロビンA1c")) == ["ヘモグロビン", "a1c"]


def test_every_name_of_the_tables_is_folded_and_none_is_empty() -> None:
    knowledge = load_knowledge()
    names = [name for analyte in knowledge.analytes.values() for name in analyte.names]
    names += [name for columns in knowledge.words.columns.values() for name in columns]
    names += [*knowledge.friends.names, *knowledge.friends.agreeing]
    assert all(name and plain_name(name) == name for name in names)
    assert all(word and fold_word(word) == word for word in knowledge.words.sex if word)
