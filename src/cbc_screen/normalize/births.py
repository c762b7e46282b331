"""What results say of the gestation at which a person was born: it is true of every count of that person."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from itertools import groupby
from math import inf
from operator import itemgetter
from types import MappingProxyType

from cbc_screen.ingest.results import LabResult
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.person_codes import GESTATION, PRETERM
from cbc_screen.normalize.judging import Judgement
from cbc_screen.normalize.people import presence_of
from cbc_screen.normalize.standing import CONFLICTING, Cell, Received, StandingRule
from cbc_screen.normalize.value import Reading, ResultReader
from cbc_screen.vocabulary import Presence, ResultStatus

NOT_TOLD = Cell("", "", "", "", "")
_SUPERSEDE = (ResultStatus.CORRECTED.value, ResultStatus.AMENDED.value)


class ToldBirths:
    """Keeps the results that tell of a birth, and says what they come to."""

    def __init__(self, base: sqlite3.Connection, standing: StandingRule, knowledge: Knowledge) -> None:
        self._base, self._standing = base, standing
        self.analyte = knowledge.words.gestation
        own = knowledge.analytes[self.analyte]
        self._words, self._unit, self._term = knowledge.words, own.unit, knowledge.words.term_from
        self._reader = ResultReader(own, knowledge.words)
        self.told = False  # whether some result tells of a birth

    def takes(self, result: LabResult, person: str, feed: int, judged: Judgement) -> bool:
        """Keep what a result tells of a birth; tell whether it tells of one."""
        field, said = judged.about or ("", "")
        if field not in (GESTATION, PRETERM):
            return False
        told = (judged.value, judged.unit) if field == GESTATION else self._of_word(is_preterm=said == Presence.PRESENT)
        group = result.group or result.encounter
        self._add(person, Received(*told, "", "", result.status.value, "", feed, group, "", result.line))
        return True

    def take_stated(
        self, person: str, gestation: str, preterm: str, units: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Keep what stands of a birth beside a person or a result: weeks, and whether the person was born preterm."""
        told = [(gestation, units.get(self.analyte, ""))] if gestation else []
        if preterm and (seen := presence_of(preterm, self._words)) is not Presence.UNKNOWN:
            told.append(self._of_word(is_preterm=seen is Presence.PRESENT))
        for value, unit in told:
            self._add(person, Received(value, unit, "", "", ResultStatus.FINAL.value, "", -1, "", "", 0))

    def _of_word(self, *, is_preterm: bool) -> tuple[str, str]:
        """Return the value and unit that say no more than whether a birth was at term."""
        return f"{'<' if is_preterm else '>='}{self._term:g}", self._unit

    def _add(self, person: str, result: Received) -> None:
        if person:  # what is told of nobody tells nothing
            self.told = True
            self._base.execute("INSERT INTO birth VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (person, *result))

    def of(self, persons: Sequence[str | None]) -> list[Cell]:
        """Return what was told of each person, an empty cell where nothing was."""
        found = self._base.execute(
            "SELECT * FROM birth WHERE person IN (SELECT value FROM json_each(?)) ORDER BY person, rowid",
            (json.dumps(list(filter(None, dict.fromkeys(persons)))),),
        ).fetchall()
        told = {
            person: self._of_one([Received._make(row[1:]) for row in rows])
            for person, rows in groupby(found, key=itemgetter(0))
        }
        return [told.get(person, NOT_TOLD) for person in persons]

    def _of_one(self, results: Sequence[Received]) -> Cell:
        """Return what several results come to: all that they leave open, where all are of term or none is; else a conflict."""
        cell, _ = self._standing.of(self.analyte, results)
        pool = [one for one in results if one.status in _SUPERSEDE] or list(results)
        if len(pool) < 2 or not {one.status for one in results} <= {*_SUPERSEDE, ResultStatus.FINAL.value}:
            return cell
        readings = [self._reader.read_text(self._standing.told(one.value), one.unit) for one in pool]
        if not all(map(_is_interval, readings)):
            return CONFLICTING  # a word beside a number is no remark on it here: "preterm"
        low, high = min(own.low for own in readings), max(own.high for own in readings)
        if low < self._term <= high and any(own.low >= self._term or own.high < self._term for own in readings):
            return CONFLICTING
        return Cell(_as_text(low, high), self._unit, "", "", "")


def _is_interval(reading: Reading) -> bool:
    return reading.factor is not None and reading.low == reading.low


def _as_text(low: float, high: float) -> str:
    """Write an interval as a result."""
    if low == high:
        return repr(low)
    if high == inf:
        return f">={low!r}"
    return f"{low!r}-{high!r}" if low else f"<={high!r}"
