"""Where a count comes from, as its user states it, and how that moves starting tiers: by one at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from cbc_screen.errors import UsageError
from cbc_screen.knowledge.ordering import MOST_TIER, Ordering, StartingTier
from cbc_screen.vocabulary import Setting, Threshold, Tier

if TYPE_CHECKING:
    from collections.abc import Container

    from cbc_screen.knowledge.rules import Condition
    from cbc_screen.knowledge.strict import YamlNode

MOST_SHIFT = 1


class SettingKind(StrEnum):
    """What a setting says: of one kind only one may be stated."""

    PLACE = "place"
    AREA = "area"


@dataclass(frozen=True, slots=True)
class TierShift:
    """By how much a setting moves the starting tiers of a condition, and what that rests on."""

    condition: str
    by: int
    threshold: Threshold
    source: str


@dataclass(frozen=True, slots=True)
class SettingShifts:
    """A setting in words, why it moves what it moves, and its shifts by condition."""

    id: Setting
    kind: SettingKind
    text: str
    why: str
    shifts: Mapping[str, TierShift]


Settings = Mapping[Setting, SettingShifts]


def load_settings(
    node: YamlNode, ordering: Ordering, conditions: Sequence[Condition], sources: Container[str]
) -> dict[Setting, SettingShifts]:
    """Load settings.yaml: every setting of the vocabulary, each with shifts that do something."""
    node.check_keys(["settings"])
    found: dict[Setting, SettingShifts] = {}
    for entry in node.nodes("settings"):
        entry.check_keys(["id", "kind", "text", "why", "shifts"])
        own = SettingShifts(
            entry.choice("id", Setting),
            entry.choice("kind", SettingKind),
            entry.text("text"),
            entry.text("why"),
            _load_shifts(entry, ordering, conditions, sources),
        )
        if own.id in found:
            raise entry.error("id", "is given twice")
        found[own.id] = own
    if len(found) != len(Setting):
        raise node.error("settings", f"must be {', '.join(Setting)}")
    return found


def _load_shifts(
    entry: YamlNode, ordering: Ordering, conditions: Sequence[Condition], sources: Container[str]
) -> dict[str, TierShift]:
    shifts: dict[str, TierShift] = {}
    for row in entry.nodes("shifts"):
        row.check_keys(["condition", "shift", "threshold", "source"])
        name = row.text("condition")
        if name in shifts:
            raise row.error("condition", "is given twice")
        check_shift(row, "shift", name, ordering, conditions, key_of_name="condition")
        if row.whole("shift") == 0:
            raise row.error("shift", "is 0: leave the condition out")
        if row.text("source") not in sources:
            raise row.error("source", "is not in sources.csv")
        shifts[name] = TierShift(name, row.whole("shift"), row.choice("threshold", Threshold), row.text("source"))
    return shifts


def check_shift(
    node: YamlNode, key: str, name: str, ordering: Ordering, conditions: Sequence[Condition], *, key_of_name: str
) -> None:
    """Refuse a shift of what is no condition or starts nowhere, of more than one, and of what is time-critical below 0."""
    tiers = {condition.id: condition.tier for condition in conditions}
    if name not in tiers:
        raise node.error(key_of_name, "is not a condition of the checklist")
    if not any(row.tiers for row in ordering.tiers[name].values()):
        raise node.error(key_of_name, "has no starting tier that could be moved")
    if abs(node.whole(key)) > MOST_SHIFT:
        raise node.error(key, f"must lie between -{MOST_SHIFT} and {MOST_SHIFT}")
    if node.whole(key) < 0 and tiers[name] is Tier.TIME_CRITICAL:
        raise node.error(key, "must not be below 0: the condition is time-critical")


def check_stated(settings: Settings, stated: Sequence[Setting]) -> None:
    """Refuse two settings of one kind: a count comes from one place."""
    for kind in SettingKind:
        same = [name for name in stated if settings[name].kind is kind]
        if len(same) > 1:
            raise UsageError(f"setting: {' and '.join(same)} exclude each other; state one of them")


def shifts_of(settings: Settings, stated: Iterable[Setting]) -> dict[str, int]:
    """Return by how much each condition moves: together by one at most."""
    total: dict[str, int] = {}
    for name in stated:
        for shift in settings[name].shifts.values():
            total[shift.condition] = total.get(shift.condition, 0) + shift.by
    return {name: max(-MOST_SHIFT, min(MOST_SHIFT, by)) for name, by in total.items() if by}


def shifted(ordering: Ordering, shifts: Mapping[str, int]) -> Ordering:
    """Return an order whose starting tiers are moved; one that is not there stays away."""

    def moved(row: StartingTier, by: int) -> StartingTier:
        tiers = {name: max(0, min(MOST_TIER, tier + by)) for name, tier in row.tiers.items()}
        return replace(row, tiers=tiers)

    tiers = {
        name: {ages: moved(row, shifts.get(name, 0)) for ages, row in rows.items()}
        for name, rows in ordering.tiers.items()
    }
    return replace(ordering, tiers=tiers)
