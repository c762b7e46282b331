"""The order of the checklist under a file of one's own: how many lines stand before the fold, which settings move what."""

from __future__ import annotations

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.own_order import Order, own_order
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.vocabulary import Setting


def ordered(text: str) -> Order:
    knowledge = load_knowledge()
    return own_order(parse_yaml(text, "ours.yaml"), Order(knowledge.conditions, knowledge.ordering, knowledge.settings))


def test_eight_lines_may_stand_before_the_fold() -> None:
    found = ordered("groups: {fits: {most: 6}, not_to_miss: {most: 2}}").ordering
    assert (found.fits_most, found.not_to_miss_most) == (6, 2)


def test_nine_lines_may_not() -> None:
    with pytest.raises(KnowledgeError, match=r"^ours\.yaml:1: groups: more than 8 lines would stand before the fold$"):
        ordered("groups: {fits: {most: 6}, not_to_miss: {most: 3}}")


def test_a_setting_moves_a_condition_that_starts_somewhere() -> None:
    shift = ordered("settings: {primary_care: {infection: 1}}").settings[Setting.PRIMARY_CARE].shifts["infection"]
    assert (shift.condition, shift.by, shift.source) == ("infection", 1, "local")


def test_what_is_time_critical_may_be_left_where_it_starts() -> None:
    assert "apl" in load_knowledge().settings[Setting.MARROW_CLINIC].shifts
    assert "apl" not in ordered("settings: {marrow_clinic: {apl: 0}}").settings[Setting.MARROW_CLINIC].shifts


def test_what_is_time_critical_is_not_lowered() -> None:
    with pytest.raises(
        KnowledgeError, match=r"^ours\.yaml:1: apl: must not be below 0: the condition is time-critical$"
    ):
        ordered("settings: {marrow_clinic: {apl: -1}}")
