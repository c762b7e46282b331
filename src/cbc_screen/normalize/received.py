"""A row of a table as it was received, kept beside its flags so that they can be explained and redone.

It is written as one JSON object of the cells that are read, under the names that
`screen_frame` reads ("hemoglobin", "hemoglobin_unit", "age", ...), and read back as a record.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.arrow import distinct, is_number
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.people import presence_of
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.value import LONGEST_CELL, NumberFormat, fold, unusable
from cbc_screen.record import CBCRecord
from cbc_screen.vocabulary import Presence, Reason, ReticulocyteMethod

if TYPE_CHECKING:
    import pyarrow as pa

RECEIVED = "received"
PERSON = "person"
SOURCE_FILE = "source_file"
_LONGEST_TEXT = 10_000  # of a record
_NUMBER = "number"  # one that JSON has no word for
_POSSIBLE = " possible "  # a column that may hold the analyte, with its number and why it cannot be used
_DATE = "date"  # a cell that was a date and no text: a declared format is not for it


def received_rows(columns: Mapping[str, pa.Array], plan: Plan) -> list[str]:
    """Write every row of a batch as JSON; cells without content are left out."""
    named = dict(_named(plan))
    if PERSON in columns and PERSON not in plan.columns:
        named[PERSON] = PERSON
    cells = {name: _cells(columns[column]) for name, column in named.items()}
    names = list(cells)
    return [
        json.dumps({n: c for n, c in zip(names, row, strict=True) if c is not None}, ensure_ascii=False)
        for row in zip(*cells.values(), strict=True)
    ]


def _named(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what each column that is read is called here."""
    yield from plan.people.items()
    for analyte, entry in plan.analytes.items():
        yield analyte, entry.column
        beside = {
            "unit": entry.unit_column,
            "lower": entry.lower_column,
            "upper": entry.upper_column,
            "status": entry.status_column,
            "flag": entry.flag_column,
        }
        yield from ((f"{analyte}_{part}", column) for part, column in beside.items() if column is not None)
    yield from plan.findings.items()
    for analyte, possible in plan.possible.items():
        for number, one in enumerate(possible):
            yield f"{analyte}{_POSSIBLE}{number}:{one.reason}", one.column


def _cells(column: pa.Array) -> list[Any]:
    """Return what JSON can hold of a column: numbers, texts and dates; None where a cell is empty."""
    if is_number(column):
        return [_number(value) for value in column.to_pylist()]
    values, places = distinct(column)
    plain = [*map(_plain, values), None]
    return [plain[place] for place in places.tolist()]


def _number(value: float | None) -> Any:
    if value is None or value != value:
        return None
    return value if isfinite(value) else {_NUMBER: str(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime | datetime.date):
        return {_DATE: value.isoformat()} if value == value else None
    text = str(value)
    if not text.strip():
        return None
    if len(text) <= LONGEST_CELL or len(text.strip()) > LONGEST_CELL:
        return text[: LONGEST_CELL + 1]  # a cell that is too long to be read stays too long, and no longer
    return text if len(text) <= _LONGEST_TEXT else text.strip()


def declared_of(plan: Plan) -> dict[str, Any]:
    """Write how the texts of a table are read: what was declared, with the units that its columns state."""
    stated = {analyte: entry.unit for analyte, entry in plan.analytes.items() if entry.unit is not None}
    declared = replace(
        plan.declared, units={**plan.declared.units, **stated}, age_unit=plan.age_unit or plan.declared.age_unit
    )
    return {**asdict(declared), "settings": sorted(declared.settings)}


def declared_again(written: Mapping[str, Any]) -> Declared:
    """Read back what `declared_of` wrote."""
    parts = dict(written)
    parts["number_format"] = NumberFormat(**parts["number_format"])
    parts["settings"] = frozenset(parts["settings"])
    parts["sex_doubt"] = tuple(parts["sex_doubt"])
    return Declared(**parts)


def record_of(text: str, knowledge: Knowledge) -> tuple[CBCRecord, str]:
    """Read a received row back as a record, and whose it is ("" where nothing says so)."""
    row = json.loads(text)
    record: dict[str, Any] = {}
    for name in ("age", "age_unit", "sex", "pregnancy"):
        if name in row:
            is_number_of_units = name == "age" and isinstance(row[name], int | float)
            record[name] = row[name] if is_number_of_units else _text(row[name])
    for name in ("birth_date", "collected_at"):
        if name in row:
            given = _date(row[name])
            is_time = name == "birth_date" and isinstance(given, datetime.datetime)
            record[name] = given.date() if is_time else given
    if "wbc_uncorrected" in row:
        record["wbc_uncorrected"] = presence_of(row["wbc_uncorrected"], knowledge.words) is Presence.PRESENT
    method = str(row.get("reticulocyte_method", "")).strip().lower()
    if method in tuple(ReticulocyteMethod):
        record["reticulocyte_method"] = method
    for analyte in knowledge.analytes:
        if analyte in row:
            record[analyte] = _measurement(row, analyte)
    for name, cell in row.items():
        analyte, possible, why = name.partition(_POSSIBLE)
        value = fold(_text(_value(cell))).upper()
        if possible and value not in knowledge.words.missing and _is_absent(record.get(analyte), knowledge):
            record[analyte] = {"value": unusable(Reason(why.partition(":")[2]))}
    for group, names in knowledge.finding_groups.items():
        stated = {name: presence_of(row[name], knowledge.words) for name in names if name in row}
        if stated:
            record[group] = stated
    return CBCRecord.model_validate(record), str(row.get(PERSON, ""))


def _is_absent(measurement: dict[str, Any] | None, knowledge: Knowledge) -> bool:
    return measurement is None or fold(str(measurement["value"])).upper() in knowledge.words.missing


def _measurement(row: Mapping[str, Any], analyte: str) -> dict[str, Any]:
    measurement: dict[str, Any] = {"value": _value(row[analyte])}
    for part in ("unit", "status", "flag"):
        if f"{analyte}_{part}" in row:
            measurement[part] = _text(row[f"{analyte}_{part}"])
    limits = {side: _value(row[f"{analyte}_{side}"]) for side in ("lower", "upper") if f"{analyte}_{side}" in row}
    return {**measurement, "range": limits} if limits else measurement


def _text(value: Any) -> str:
    return str(value.get(_DATE, value.get(_NUMBER, "")) if isinstance(value, dict) else value)


def _value(value: Any) -> Any:
    """Return a number as a number, also one that JSON has no word for, and all else as text."""
    if not isinstance(value, dict):
        return value
    return float(value[_NUMBER]) if _NUMBER in value else _text(value)


def _date(value: Any) -> Any:
    if not isinstance(value, dict) or _DATE not in value:
        return _text(value)
    text = str(value[_DATE])
    return datetime.datetime.fromisoformat(text) if "T" in text else datetime.date.fromisoformat(text)
