"""Signs of bounds, and flags and remarks that stand behind a number."""

from __future__ import annotations

import pytest

from cbc_screen.knowledge import load_measures
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.words import _signs
from cbc_screen.vocabulary import Comparator


def test_the_longest_sign_is_tried_first() -> None:
    node = parse_yaml("below: ['<', 'less than']\nat_least: ['>=']\nequal: ['=']\n", "text_results.yaml")
    assert _signs(node) == (
        ("less than", Comparator.BELOW),
        (">=", Comparator.AT_LEAST),
        ("<", Comparator.BELOW),
        ("=", Comparator.EQUAL),
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("g/L H", "g/L"),
        ("H g/L", "g/L"),
        ("g/L (H)", "g/L"),
        ("g/L(H)", "g/L"),
        ("g/L [h]", "g/L"),
        ("g/L, H", "g/L"),
        ("H", ""),
    ],
)
def test_a_flag_is_taken_off(text: str, left: str) -> None:
    assert load_measures().words.without_remark(text) == (left, None)


def test_a_letter_at_the_end_of_a_word_is_no_flag() -> None:
    assert load_measures().words.without_remark("g/LH") == (None, None)
