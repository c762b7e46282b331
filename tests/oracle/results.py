"""Rows as single results, which tables of results and messages carry: sent twice, corrected, or without a value."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

from oracle.cells import QUANTITIES, Cell, written
from oracle.rows import Row, Slice
from oracle.truth import ANYTHING, Interval, point

LOINC = {
    "hemoglobin": "718-7", "hematocrit": "4544-3", "rbc": "789-8", "mcv": "787-2", "mch": "785-6", "mchc": "786-4",
    "rdw_cv": "788-0", "wbc": "6690-2", "neutrophils": "751-8", "lymphocytes": "731-0", "monocytes": "742-7",
    "eosinophils": "711-2", "basophils": "704-7", "platelets": "777-3", "mpv": "32623-1", "reticulocytes": "60474-4",
    "neutrophils_percent": "770-8", "lymphocytes_percent": "736-9", "reticulocytes_percent": "17849-1",
}  # fmt: skip


class Result(NamedTuple):
    """One result of one analyte; `final` is false where its status says that it is not to be used."""

    analyte: str
    text: str
    unit: str
    status: str
    range: tuple[str, str] | None = None
    plain: bool = False
    identity: tuple[str, str, str] | None = None  # code, name, coding system, where they are not the usual ones


@dataclass
class Count:
    """The results of one person, with the row that says what is true of them."""

    number: str
    row: Row
    results: list[Result]


def counts_of(made: Slice, seed: int, *, coded: bool) -> list[Count]:
    """Turn a slice into results, some of them sent more than once, and set the truth to what was sent.

    `coded` is for doors where a result has a code and a name, which can contradict.
    """
    pick = random.Random(seed)
    return [Count(f"P{place:06}", row, _results(row, pick, coded)) for place, row in enumerate(made.rows)]


def _results(row: Row, pick: random.Random, coded: bool) -> list[Result]:
    found: list[Result] = []
    for analyte, cell in row.cells.items():
        if analyte not in LOINC:
            row.truth.values.pop(analyte, None)
            continue
        if cell.text is None:
            continue
        if cell.truth is None:
            if cell.text and pick.random() < 0.7:
                continue
            # In a message an empty result was sent, and is not usable.
            _set(row, analyte, cell._replace(kind="sent without a value"), ANYTHING)
        limits = row.ranges.get(analyte)
        told = limits is not None and None not in limits and analyte in row.truth.reported
        usable = told and cell.kind == "plain" and bool(cell.unit)
        if limits is not None and not usable:
            row.truth.reported = {a: r for a, r in row.truth.reported.items() if a != analyte}
            limits = None
        one = Result(analyte, cell.text, cell.unit or "", cell.status or "F", limits, cell.kind == "plain")  # type: ignore[arg-type]
        if analyte == "neutrophils" and cell.kind == "plain" and coded and pick.random() < 0.06:
            found.append(_misnamed(row, one, pick))
            continue
        found += _repeated(row, one, pick) if cell.kind == "plain" and pick.random() < 0.06 else [one]
    return found


MISNAMED = {
    "local name": ("X77", "Neutrophils manual", "L"),
    "another local name": ("N9", "ABS NEUTROPHILS AUTO X", "L"),
    "code of another analyte": ("704-7", "Neutrophils", "LN"),
    "name of another analyte": ("751-8", "Lymphocytes", "LN"),
    "code not known": ("30449-3", "Neutrophils", "LN"),
}


def _misnamed(row: Row, one: Result, pick: random.Random) -> Result:
    """Send the neutrophils under a code or name that may mean them, and is not known to."""
    kind = pick.choice(list(MISNAMED))
    _set(row, "neutrophils", row.cells["neutrophils"]._replace(kind=kind), ANYTHING)
    if kind == "code of another analyte":  # which may then be meant, and sent twice
        _set(row, "basophils", row.cells["basophils"]._replace(kind=kind), ANYTHING)
    if "wbc" in row.truth.values and "neutrophils_percent" in row.truth.values:
        row.contradicted = kind  # the percentage stands in, and what is set aside says nothing of it
    return one._replace(identity=MISNAMED[kind])


def _set(row: Row, analyte: str, cell: Cell, truth: Interval) -> None:
    row.cells[analyte] = cell._replace(truth=truth)
    row.truth.values[analyte] = truth


def _repeated(row: Row, one: Result, pick: random.Random) -> list[Result]:
    """Send a result twice, in one of the ways that happen."""
    cell = row.cells[one.analyte]
    if cell.power is None or not one.unit or row.contradicted:
        return [one]
    value = cell.truth.low  # type: ignore[union-attr]
    other = int(value) * 2 + 10**9 if pick.random() < 0.5 else int(value) // 2 // 10**6 * 10**6
    if one.analyte == "hemoglobin":
        other = max(other, 30 * 10**9)
    if one.analyte.endswith("percent"):
        other = min(other, 100 * 10**9)
    second = one._replace(text=written(other, cell.power, QUANTITIES[one.analyte].places))
    kind = pick.choice(("the same twice", "two that differ", "preliminary and final", "corrected"))
    _set(row, one.analyte, cell._replace(kind=kind), point(value))
    if kind == "the same twice":
        return [one, one]
    if kind == "preliminary and final":
        return [second._replace(status="P"), one]
    if kind == "corrected":
        return [second, one._replace(status="C")]
    _set(row, one.analyte, cell._replace(kind=kind), Interval(min(value, other), max(value, other)))
    if one.analyte in ("wbc", "neutrophils", "neutrophils_percent"):
        # What was consistent with one of the two may not be with the other.
        for analyte in ("wbc", "neutrophils", "neutrophils_percent"):
            if analyte != one.analyte and row.truth.values.get(analyte) is not None:
                row.contradicted = kind
    return [one, second]
