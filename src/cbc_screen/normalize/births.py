"""What results say of the gestation at which a person was born: it is true of every count of that person."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from cbc_screen.normalize.standing import Cell, Received, StandingRule

NOT_TOLD = Cell("", "", "", "", "")


class ToldBirths:
    """Keeps the results that tell of a birth, and says which of them stands."""

    def __init__(self, base: sqlite3.Connection, standing: StandingRule, analyte: str) -> None:
        self._base, self._standing = base, standing
        self.analyte = analyte
        self.told = False  # whether some result tells of a birth

    def add(self, person: str, result: Received) -> None:
        """Keep a result of a person; one of nobody tells nothing."""
        if person:
            self.told = True
            self._base.execute("INSERT INTO birth VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (person, *result))

    def of(self, persons: Sequence[str | None]) -> list[Cell]:
        """Return what stands for each person, an empty cell where nothing was told; what conflicts is unknown."""
        found = self._base.execute(
            "SELECT * FROM birth WHERE person IN (SELECT value FROM json_each(?)) ORDER BY person, rowid",
            (json.dumps(list(filter(None, dict.fromkeys(persons)))),),
        ).fetchall()
        stands = {
            person: self._standing.of(self.analyte, [Received._make(row[1:]) for row in rows])[0]
            for person, rows in groupby(found, key=itemgetter(0))
        }
        return [stands.get(person, NOT_TOLD) for person in persons]
