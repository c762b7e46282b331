"""Marks above and below letters that writers leave out as they please: the first and the last of each block fold away."""

from __future__ import annotations

import pytest

from cbc_screen.knowledge.fold import fold_word

FIRST = (
    "\u0300\u0483\u0591\u05bf\u05c1\u05c4\u05c7\u0610\u064b\u0670\u06d6\u06df\u06e7\u06ea\u08d3\u08e3\u1ab0\u1dc0\ufe20"
)
LAST = "\u036f\u0487\u05bd\u05c2\u05c5\u061a\u065f\u06dc\u06e4\u06e8\u06ed\u08e1\u08ff\u1dff\ufe2f"


@pytest.mark.parametrize("mark", FIRST + LAST, ids=lambda mark: f"U+{ord(mark):04X}")
def test_a_mark_of_a_block_folds_away(mark: str) -> None:
    assert fold_word(f"a{mark}b") == "ab"


@pytest.mark.parametrize(
    ("word", "folded"),
    [("Numéro à côté", "numero a cote"), ("Ñandú", "nandu"), ("Číslo", "cislo"), ("Größe", "grosse")],
)
def test_words_with_accents(word: str, folded: str) -> None:
    assert fold_word(word) == folded


@pytest.mark.parametrize(
    ("letter", "folded"),
    [("\u0915\u093f", "\u0915\u093f"), ("\u0e01\u0e34", "\u0e01\u0e34"), ("\u30ab\u3099", "\u30ac")],
)
def test_marks_that_are_part_of_the_letter_stay(letter: str, folded: str) -> None:
    """Devanagari, Thai, and the voicing of Japanese."""
    assert fold_word(letter) == folded
