"""Which count a result belongs to: by person and moment, else by what it came in, else by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from cbc_screen.ingest.results import MADE_UP, LabResult
from cbc_screen.normalize.moment import Moment, MomentReader, Placing
from cbc_screen.normalize.standing import CONFLICT, Cell, Received, StandingRule
from cbc_screen.vocabulary import Presence, Reason, ResultStatus

# The lines are judged on these. Where some results of a person cannot be placed, the others
# of them were sent, and which belong together is unknown.
NEIGHBORS = ("hemoglobin", "wbc", "neutrophils", "neutrophils_percent", "platelets")


class GroupKind(IntEnum):
    """How surely the results of a group are of one draw; the numbers are kept with it."""

    MOMENT = 0  # of one person and moment, or of one specimen or report
    WORDS = 1  # of one person and the same words ("Visit 1")
    PERIOD = 2  # of one person and month, or of one encounter: only where nothing contradicts
    ALONE = 3  # nobody says when it was taken
    NOBODY = 4  # nobody says whose it is


class PlainRow(NamedTuple):
    """A final result of which nothing was in doubt by itself, on its way to the others of its count.

    `place` is its number among all results, which tells their order.
    """

    place: int
    source: int
    line: int
    person: str
    collected_at: str
    analyte: str
    value: str
    unit: str
    lower: str
    upper: str
    content: str
    feed: int
    group: str
    flag: str
    encounter: str = ""
    counted: bool = False
    until: str = ""

    def kept(self) -> tuple[object, ...]:
        """Return it as it is kept beside its collection."""
        return (
            self.analyte, self.value, self.unit, self.lower, self.upper, ResultStatus.FINAL.value, Presence.UNKNOWN.value,
            self.content, self.feed, self.group, self.flag, self.line, self.place,
        )  # fmt: skip


class GroupPlace(NamedTuple):
    """The key of the group that a result belongs to, and how sure the group is."""

    key: str
    group: GroupKind


def place_of(result: LabResult | PlainRow, person: str, source: int, number: int, moments: MomentReader) -> GroupPlace:
    """Return where a result belongs; `person` is its key over all sources, and `number` that of no other result."""
    if result.until:
        moment = Moment(f"{result.collected_at}/{result.until}", Placing.PERIOD)
    else:
        moment = moments.read(result.collected_at, result.counted)
    told = moment.key or result.collected_at
    if result.person and moment.placing is Placing.MOMENT:
        return GroupPlace(f"{person}\x1f{moment.key}", GroupKind.MOMENT)
    if result.person and moment.placing is Placing.RELATIVE:
        # "Day 2" of another stay is another day.
        return GroupPlace(f"{person}\x1f{result.encounter}\x1f{moment.key}\x1fwords", GroupKind.WORDS)
    if result.group:
        # A specimen of one person is the same in every file; what a reader made up is of its own.
        own = str(source) if result.group.startswith(MADE_UP) or not result.person else ""
        return GroupPlace(f"{person}\x1f\x1f{own}\x1f{result.group}\x1f{told}", GroupKind.MOMENT)
    if result.encounter:
        exact = moment.placing in (Placing.MOMENT, Placing.RELATIVE)
        key = f"{person}\x1f\x1f{source}\x1f{result.encounter}\x1f{told}\x1fencounter"
        return GroupPlace(key, GroupKind.MOMENT if exact else GroupKind.PERIOD)
    if result.person and moment.placing is Placing.PERIOD:
        return GroupPlace(f"{person}\x1f{moment.key}\x1fperiod", GroupKind.PERIOD)
    # A line is no key: a whole document may stand in one.
    return GroupPlace(f"\x1f{source}\x1f{number}", GroupKind.ALONE if result.person else GroupKind.NOBODY)


def contradicts(cells: Mapping[str, Cell]) -> bool:
    """Tell whether results of one period cannot all be of one draw."""
    return any(cell.value == CONFLICT for cell in cells.values())


def apart(by_analyte: Mapping[str, Sequence[Received]], standing: StandingRule) -> Iterator[tuple[str, list[Received]]]:
    """Yield the results of a period that holds several draws, so that no two draws come together.

    Each value of an analyte stands by itself, with what repeats it; results of which some are
    no plain final ones are left together, since one of them may replace another.
    """
    for analyte, results in by_analyte.items():
        if all(result.status == ResultStatus.FINAL.value for result in results):
            yield from ((analyte, same) for same in standing.alike(analyte, results))
        else:
            yield analyte, list(results)


def why_alone(group: GroupKind) -> Reason:
    """Say why the neighbors of a result are unknown."""
    return Reason.KEY_MISSING if group is GroupKind.NOBODY else Reason.MOMENT_UNKNOWN
