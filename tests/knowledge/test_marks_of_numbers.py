"""The marks of a profile: what parts the whole from its decimals, and thousands from each other."""

from __future__ import annotations

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.profiles import Profile, read_profile


def profile(more: str) -> Profile:
    text = f"id: ours\ntitle: ours\nshape: wide\nsource: made up\n{more}"
    return read_profile(parse_yaml(text, "ours.yaml"), load_knowledge())


def test_the_marks_are_those_of_the_profile() -> None:
    found = profile("decimal: ','\nthousands: '.'\n")
    assert (found.decimal, found.thousands) == (",", ".")


def test_a_profile_may_leave_the_marks_out() -> None:
    assert (profile("").decimal, profile("").thousands) == (None, None)


def test_another_mark_is_refused() -> None:
    with pytest.raises(KnowledgeError, match=r"^ours\.yaml:5: decimal: must be one of '\.' ','$"):
        profile("decimal: ';'\n")
