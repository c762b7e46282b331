"""Marks that writers leave out are folded away, to the first and the last of each range, and signs part words."""

from __future__ import annotations

import pytest

from cbc_screen.knowledge.fold import fold_word, plain_name


@pytest.mark.parametrize(
    "mark",
    [
        "\u0300", "\u036f",  # Latin and Greek
        "\u0483", "\u0487",  # Cyrillic
        "\u0591", "\u05bd", "\u05bf", "\u05c1", "\u05c2", "\u05c4", "\u05c5", "\u05c7",  # Hebrew
        "\u0610", "\u061a", "\u064b", "\u065f", "\u0670", "\u06d6", "\u06dc", "\u06df", "\u06e4",  # Arabic
        "\u06e7", "\u06e8", "\u06ea", "\u06ed", "\u08d3", "\u08e1", "\u08e3", "\u08ff",
        "\u1ab0", "\u1ac0", "\u1dc0", "\u1dff",  # further ones of Latin
        "\ufe00", "\ufe0f",  # variants of a sign
        "\ufe20", "\ufe2f",  # halves of marks
    ],
    ids=ascii,
)  # fmt: skip
def test_a_mark_that_writers_leave_out_is_folded_away(mark: str) -> None:
    assert fold_word(f"z{mark}k") == "zk"
    assert fold_word(f"{mark}zk") == "zk"


@pytest.mark.parametrize("mark", ["\u0e31", "\u093f", "\u3099", "\ua67c"], ids=ascii)
def test_a_mark_of_another_script_stays(mark: str) -> None:
    assert fold_word(f"z{mark}k") == f"z{mark}k"


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Größe–Zahl", "grosse zahl"),
        ("白细胞（计数）", "白细胞 计数"),
        ("Größe+Zahl", "grosse zahl"),
        ("白细胞\u2192计数", "白细胞 计数"),
        ("白细胞\u0001计数", "白细胞 计数"),  # a control character
    ],
)
def test_a_sign_between_words_of_any_script_parts_them(name: str, folded: str) -> None:
    assert plain_name(name) == folded


@pytest.mark.parametrize(
    ("name", "folded"), [("√wbc", "√wbc"), ("∑ rbc", "∑ rbc"), ("∂Größe", "∂grosse"), ("\ufffdwbc", "\ufffdwbc")]
)
def test_a_sign_that_makes_another_thing_of_a_name_stays(name: str, folded: str) -> None:
    assert plain_name(name) == folded
