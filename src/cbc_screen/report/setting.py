"""The stated setting of a count, and what it moved in the list, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cbc_screen.report.checklist import SEPARATOR
from cbc_screen.report.summing import short_name
from cbc_screen.report.words import joined
from cbc_screen.result import ConditionResult, SettingResult
from cbc_screen.vocabulary import Setting

if TYPE_CHECKING:
    from cbc_screen.kernel.rules import MovedTiers
    from cbc_screen.knowledge.settings import Settings

_NOTHING = "it moves nothing before the fold"


def setting_words(settings: Settings, stated: Sequence[Setting] | str) -> str:
    """Say the settings that are stated, or that a file of flags names; nothing where none is."""
    if isinstance(stated, str):
        stated = [name for name in Setting if name in stated.split(SEPARATOR)]
    return joined([settings[name].text for name in stated]) if stated else ""


def setting_result(said: str, moved: MovedTiers, checklist: Sequence[ConditionResult], shown: int) -> SettingResult:
    """Return what a setting, said in words, moved in a list."""
    raised, lowered = ([entry for entry in checklist if moved.shifts.get(entry.id, 0) * sign > 0] for sign in (1, -1))
    front = {entry.id for entry in checklist[:shown]}
    named = (("starts higher before the fold", [e for e in raised if e.id in front]), ("starts lower", lowered))
    parts = [f"{word}: {joined([short_name(entry) for entry in own])}" for word, own in named if own]
    return SettingResult(
        stated=moved.setting,
        text="; ".join([f"setting as stated: {said}", *(parts or [_NOTHING])]),
        raised=tuple(entry.id for entry in raised),
        lowered=tuple(entry.id for entry in lowered),
    )
