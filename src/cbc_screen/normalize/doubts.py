"""What is in doubt in a count that was put together: what was set aside, what conflicts, what may be of another draw."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.gathered import Gathered
from cbc_screen.normalize.placing import NEIGHBORS, GroupKind, why_alone
from cbc_screen.normalize.standing import CONFLICTING, Cell, DoubtfulResult, Received, StandingRule, segmented_of
from cbc_screen.normalize.value import unusable
from cbc_screen.vocabulary import Reason

_REMEMBERED = 5_000  # persons of whom it is known what stands alone


class Doubts:
    """Makes unknown, in the cells of a count, what is in doubt."""

    def __init__(self, base: sqlite3.Connection, standing: StandingRule, knowledge: Knowledge) -> None:
        self._base, self._standing = base, standing
        self._counted = frozenset(name for name, one in knowledge.analytes.items() if one.counted)
        self._neighbors: dict[tuple[str, int], list[str]] = {}

    def note_possible(
        self, collection: int, analytes: Sequence[str], reason: Reason, told: DoubtfulResult, *, again: bool
    ) -> None:
        """Keep that a result that was set aside may be of some analytes."""
        value, unit, lower, upper = told
        self._base.executemany(
            "INSERT INTO possible VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(collection, analyte, reason.value, value, unit, again, lower, upper) for analyte in analytes],
        )

    def void_suspect(self) -> None:
        """Make unknown every result of a specimen that is not to be believed."""
        self._base.execute(
            "UPDATE result SET value = ?, unit = '' WHERE analyte <> '' AND analyte NOT LIKE '@%' "
            "AND grp IN (SELECT key FROM sample WHERE suspect)",
            (unusable(Reason.SPECIMEN_SUSPECT),),
        )

    def suspect(self, cells: Mapping[str, Cell]) -> dict[str, Cell]:
        """Return the results of a count that was measured in a specimen not to be believed."""
        unknown = Cell(unusable(Reason.SPECIMEN_SUSPECT), "", "", "", "")
        return {name: unknown if name in self._counted else cell for name, cell in cells.items()}

    def fill_possible(self, collection: int, cells: dict[str, Cell]) -> None:
        """Make unknown what has no result here and of which one was set aside, or a further one that differs."""
        found = self._base.execute(
            "SELECT analyte, reason, value, unit, again, lower, upper FROM possible WHERE collection = ?", (collection,)
        )
        for analyte, reason, value, unit, again, lower, upper in found:
            own = cells.get(analyte)
            if own is None:
                self._doubt(analyte, [DoubtfulResult(value, unit, lower, upper)], Reason(reason), cells)
            elif again and value and self._standing.contradict(analyte, own[:2], (value, unit or own.unit)):
                cells[analyte] = CONFLICTING

    def fill_conflicts(self, by_analyte: Mapping[str, Sequence[Received]], cells: dict[str, Cell]) -> None:
        """Keep what conflicting results say where a percentage would stand in for them."""
        for analyte, results in by_analyte.items():
            if cells.get(analyte) == CONFLICTING:
                told = [DoubtfulResult(own.value, own.unit, own.lower, own.upper) for own in results]
                self._doubt(analyte, told, Reason.RESULT_CONFLICT, cells)

    def _doubt(self, analyte: str, told: Sequence[DoubtfulResult], reason: Reason, cells: dict[str, Cell]) -> None:
        """Make an analyte unknown whose results are in doubt; what would stand in for them does not decide alone."""
        between = self._standing.between(analyte, told, cells)
        if between or analyte not in cells:
            cells[analyte] = Cell(unusable(reason, between), "", "", "", "")
        if self._standing.are_numbers(analyte, told):
            for part in segmented_of(analyte):
                if part in cells:
                    cells[part] = Cell(unusable(Reason.RESULT_CONTRADICTED), "", "", "", "")

    def fill_neighbors(self, gathered: Gathered, group: GroupKind, cells: dict[str, Cell]) -> None:
        """Make unknown what a person has other results of, where it is unknown which belong together."""
        others = gathered.by_analyte if gathered.group is GroupKind.PERIOD else self._alone_beside(gathered)
        for analyte in NEIGHBORS:
            if analyte in others:
                cells.setdefault(analyte, Cell(unusable(why_alone(group)), "", "", "", ""))

    def _alone_beside(self, gathered: Gathered) -> list[str]:
        """Return the analytes of which results of the same person, or of nobody in the same source, stand alone."""
        key = (gathered.key, -1 if gathered.key else gathered.source)
        if key not in self._neighbors:
            if len(self._neighbors) >= _REMEMBERED:
                self._neighbors.clear()
            of = f"FROM collection c JOIN {{}} r ON r.collection = c.id WHERE c.placed >= {int(GroupKind.ALONE)} AND c.person = ?1"
            one = " AND (?2 < 0 OR c.source = ?2)"
            found = self._base.execute(
                f"SELECT DISTINCT r.analyte {of.format('result')}{one} UNION SELECT r.analyte {of.format('possible')}{one}",
                key,
            )
            self._neighbors[key] = [str(analyte) for (analyte,) in found]
        return self._neighbors[key]
