"""Made-up tables of counts in canonical units, for the doors that take numbers: SQL, CQL.

A row holds fields as `cbc_screen.sql` names them; `record_of` writes it as the record it stands for.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from math import inf, nan
from typing import Any

import pyarrow as pa

from strategies import AGE_EDGES, KNOWLEDGE, numbers_beside

Row = dict[str, Any]
LINES = ("hemoglobin", "wbc", "neutrophils", "platelets")
SIGNS = (*[None] * 12, "<", "<=", ">", ">=", "=")
UNREADABLE = "?"
STAGES = (*[None] * 14, "none", "none", "T1", "T2", "T3", "trimester_unknown", "postpartum", "unknown", "perhaps")
SEXES = (*("F", "M") * 12, None, "unknown", "9")  # a code that nobody declared
# Beside the results of the lines: what the white line and the belief in a hemoglobin rest on.
OTHERS = (
    *("neutrophils_percent", "lymphocytes", "monocytes", "eosinophils", "basophils", "blasts", "bands_percent"),
    *("segmented", "bands", "nrbc", "rbc", "mcv", "mch", "mchc", "hematocrit"),
)
# What leaves less room for neutrophils that were not sent.
OTHER_WHITE = (
    *("lymphocytes", "monocytes", "eosinophils", "basophils", "blasts"),
    *("lymphocytes_percent", "monocytes_percent", "basophils_percent", "blasts_percent"),
)
MONTHS = sorted({0, 1, *(count for unit, count in AGE_EDGES if unit == "mo")})
DAYS = sorted({0, *(count for unit, count in AGE_EDGES if unit == "d")})


class Tables:
    """A seeded source of rows whose numbers and ages stand on limits and beside them."""

    def __init__(self, seed: int, age_unit: str = "y", *, others: Sequence[str] = (), signed: Sequence[str] = LINES):
        self.pick, self.age_unit = random.Random(seed), age_unit
        self.others, self.signed = tuple(others), tuple(signed)
        self.numbers = {name: [float(n) for n in numbers_beside(name)] for name in (*LINES, *others)}

    def rows(self, many: int) -> list[Row]:
        return [self.row() for _ in range(many)]

    def row(self) -> Row:
        pick = self.pick
        row: Row = {"age": self.age(), "sex": pick.choice(SEXES), "pregnancy": pick.choice(STAGES)}
        for name in (*LINES, *self.others):
            absent = 0.12 if name in LINES else 0.6
            row[name] = None if pick.random() < absent else self.number(name)
            if name in self.signed:
                row[f"{name}_comparator"] = (
                    pick.choice(SIGNS) if row[name] == row[name] and row[name] is not None else None
                )
        return row

    def number(self, name: str) -> float:
        pick, kind = self.pick, self.pick.random()
        own = pick.choice(self.numbers[name])
        if kind < 0.80:
            return own
        if kind < 0.90:  # anything that two places can say
            return round(pick.uniform(0, 1.2) * own, 2)
        return pick.choice((0.0, -own, own * 10, own * 1000, own / 100, inf, nan, own + 1e-9, 1e-300, 1e200))

    def age(self) -> float | None:
        pick, kind = self.pick, self.pick.random()
        if kind < 0.05:
            return pick.choice((None, nan, -1.0, 149.0, 150.0, 151.0, 1e7, 0.00001))
        if self.age_unit == "y":
            if kind < 0.45:
                return float(pick.choice((0, 1, 2, *(month // 12 for month in MONTHS), pick.randrange(100))))
            if kind < 0.85:
                return pick.choice((*MONTHS, pick.randrange(1200))) / 12
            return round(pick.uniform(0, 100), pick.choice((1, 2, 3)))
        if self.age_unit == "mo":
            return float(pick.choice((*MONTHS, pick.randrange(1900))) + pick.choice((-1, 0, 0, 1, 0.5)))
        scale = {"wk": 1 / 7, "d": 1.0, "h": 24.0}[self.age_unit]
        days = pick.choice((*DAYS, *(month * 30.436875 for month in MONTHS), pick.randrange(40_000)))
        return float(max(0, int(days * scale) + pick.choice((-1, 0, 0, 1))))


class WhiteTables(Tables):
    """Rows that have no neutrophils, or few have: other white cells leave, of the white cells, a limit or a number beside it."""

    def __init__(self, seed: int, age_unit: str = "y") -> None:
        super().__init__(seed, age_unit, others=OTHER_WHITE, signed=(*LINES, *OTHER_WHITE))

    def row(self) -> Row:
        pick, row = self.pick, super().row()
        if pick.random() < 0.8:
            row["neutrophils"] = row["neutrophils_comparator"] = None
        if pick.random() < 0.2:
            return row
        for name in OTHER_WHITE:
            row[name] = row[f"{name}_comparator"] = None
        white = row["wbc"] = round(pick.uniform(0.5, 14.0), pick.choice((0, 1, 2))) or 1.0
        row["wbc_comparator"] = pick.choice(SIGNS)
        kinds = pick.sample(OTHER_WHITE, pick.choice((1, 1, 2, 3)))
        taken = white * 1.02 - pick.choice(self.numbers["neutrophils"]) + pick.choice((-0.001, 0.0, 0.0, 0.001))
        for place, name in enumerate(kinds):
            own = taken if place == len(kinds) - 1 else round(taken * pick.random(), 2)
            taken -= own
            own = own * 100 / white if name.endswith("_percent") else own
            row[name] = max(0.0, round(own, pick.choice((1, 2, 3, 4))))
            row[f"{name}_comparator"] = pick.choice((*SIGNS, UNREADABLE))
        return row


def record_of(row: Mapping[str, Any], age_unit: str) -> dict[str, Any]:
    """Write a row as a record; its results are in canonical units."""
    record: dict[str, Any] = {"age_unit": age_unit, "context": {}}
    for name in ("age", "sex", "pregnancy", "wbc_uncorrected"):
        record[name] = row.get(name)
    for name, value in row.items():
        if name in KNOWLEDGE.analytes and value is not None:
            sign, unit = row.get(f"{name}_comparator"), KNOWLEDGE.analytes[name].units.canonical
            told = {"value": f"?{value}"} if sign == UNREADABLE else {"value": value, "comparator": sign}
            record[name] = {**told, "unit": unit}
            sides = {side: row[f"{name}_{side}"] for side in ("lower", "upper") if f"{name}_{side}" in row}
            if sides:
                record[name]["range"] = sides
        elif name in KNOWLEDGE.findings and value is not None:
            record["context"][name] = "present" if value else "absent"
    return record


def arrow(rows: Sequence[Row]) -> pa.Table:
    """Return rows as a table with a number for each, `id`."""
    columns: dict[str, pa.Array] = {"id": pa.array(range(len(rows)), type=pa.int64())}
    for name in dict.fromkeys(name for row in rows for name in row):
        cells = [row.get(name) for row in rows]
        truths = name in KNOWLEDGE.findings or name == "wbc_uncorrected"
        texts = name in ("sex", "pregnancy") or name.endswith("_comparator")
        columns[name] = pa.array(cells, type=pa.bool_() if truths else pa.string() if texts else pa.float64())
    return pa.table(columns)


def differing(
    rows: Sequence[Row], wanted: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Say where answers differ: each row of `found` has the number of its row as `id`."""
    assert sorted(own["id"] for own in found) == list(range(len(rows)))
    unequal = []
    for own in found:
        expected = wanted[own["id"]]
        names = [name for name in own if name in expected and own[name] != expected[name]]
        if names:
            told = {name: (expected[name], own[name]) for name in names}
            given = {name: value for name, value in rows[own["id"]].items() if value is not None}
            unequal.append(f"(kernel, here) {told}\n    of {given}")
    return unequal
