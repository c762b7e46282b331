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
from cbc_screen.normalize.beside_cells import remark_of, said_under, sign_before
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.people import presence_of
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.remarks import CLUMPS, CLUMPS_SUSPECTED
from cbc_screen.normalize.standing import StandingRule, stand_ins
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
_AGAIN = " again "  # one of a further result of the analyte, with its number, that reason and its unit
_NOTE = " note "  # one of remarks on the analyte, or on the whole row, with its number and its header
_ROW = "row"
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
            "range": entry.range_column,
            "status": entry.status_column,
            "row_status": entry.row_status_column,
            "flag": entry.flag_column,
            "comparator": entry.comparator_column,
        }
        yield from ((f"{analyte}_{part}", column) for part, column in beside.items() if column is not None)
        yield from ((f"{analyte}{_NOTE}{number}:{column}", column) for number, column in enumerate(entry.note_columns))
    yield from ((f"{_ROW}{_NOTE}{number}:{column}", column) for number, column in enumerate(plan.notes))
    yield from plan.findings.items()
    for analyte, possible in plan.possible.items():
        for number, one in enumerate(possible):
            if one.again and analyte in plan.analytes:
                own = plan.analytes[analyte].unit or ""
                yield f"{analyte}{_AGAIN}{number}:{one.reason}:{own}:{one.unit or own}", one.column
            else:
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
            record[analyte] = _measurement(row, analyte, knowledge)
    clumps = _read_remarks(row, record, knowledge)
    _read_possible(row, record, knowledge)
    for group, names in knowledge.finding_groups.items():
        counted = knowledge.film.counted
        stated = {
            name: presence_of(row[name], knowledge.words, counted=name in counted) for name in names if name in row
        }
        stated |= {
            name: told for name, told in clumps.items() if name in names and stated.get(name) is not Presence.PRESENT
        }
        if stated:
            record[group] = stated
    return CBCRecord.model_validate(record), str(row.get(PERSON, ""))


def _read_remarks(row: Mapping[str, Any], record: dict[str, Any], knowledge: Knowledge) -> dict[str, Presence]:
    """Make unknown what a remark takes back; return what remarks tell of platelet clumps."""
    clumps: dict[str, Presence] = {}
    for name, cell in row.items():
        about, note, rest = name.partition(_NOTE)
        if not note:
            continue
        said = said_under(rest.partition(":")[2], _text(cell), knowledge)
        told = remark_of(said, knowledge.words, about_platelets=about == "platelets")
        if told.takes_back:
            is_of_all = about == _ROW or (told.of_all and knowledge.analytes[about].counted)
            for analyte in knowledge.analytes if is_of_all else (about,):
                if not _is_absent(record.get(analyte), knowledge):
                    record[analyte] = {"value": unusable(Reason.SPECIMEN_SUSPECT)}
        if told.clumps is not Presence.UNKNOWN and clumps.get(CLUMPS) is not Presence.PRESENT:
            clumps[CLUMPS] = told.clumps
        if told.suspected:
            clumps[CLUMPS_SUSPECTED] = Presence.PRESENT
    return clumps


def _read_possible(row: Mapping[str, Any], record: dict[str, Any], knowledge: Knowledge) -> None:
    """Make unknown what may be in a column that cannot be used, and what a further result contradicts."""
    standing = StandingRule(knowledge)
    for name, cell in row.items():
        again = _AGAIN in name
        analyte, possible, rest = name.partition(_AGAIN if again else _POSSIBLE)
        text = _text(_value(cell))
        if not possible or fold(text).upper() in knowledge.words.missing:
            continue
        _, reason, *units = rest.split(":")
        if _is_absent(record.get(analyte), knowledge):
            record[analyte] = {"value": unusable(Reason(reason))}
        elif again:
            own = (_text(_value(row[analyte])), units[0])
            if standing.contradict(analyte, own, (text, units[1])):
                record[analyte] = {"value": unusable(Reason.RESULT_CONFLICT)}
                for other in stand_ins(knowledge, analyte):
                    if not _is_absent(record.get(other), knowledge):
                        record[other] = {"value": unusable(Reason.RESULT_CONTRADICTED)}


def _is_absent(measurement: dict[str, Any] | None, knowledge: Knowledge) -> bool:
    return measurement is None or fold(str(measurement["value"])).upper() in knowledge.words.missing


def _measurement(row: Mapping[str, Any], analyte: str, knowledge: Knowledge) -> dict[str, Any]:
    value, sign = _value(row[analyte]), _text(row.get(f"{analyte}_comparator", ""))
    if sign:
        plain = _number_text(value) if isinstance(value, float) else str(value)
        signed = sign_before(plain, sign, knowledge.words)
        value = value if signed == plain else signed
    measurement: dict[str, Any] = {"value": value}
    for part in ("unit", "status", "flag"):
        if f"{analyte}_{part}" in row:
            measurement[part] = _text(row[f"{analyte}_{part}"])
    if (of_row := f"{analyte}_row_status") in row:
        measurement["status"] = knowledge.statuses.less_final(measurement.get("status", ""), _text(row[of_row]))
    limits = {side: _value(row[f"{analyte}_{side}"]) for side in ("lower", "upper") if f"{analyte}_{side}" in row}
    if any(_text(limit).strip() for limit in limits.values()):
        return {**measurement, "range": limits}
    if (told := row.get(f"{analyte}_range")) is not None:
        return {**measurement, "range": {"text": _text(_value(told))}}
    return {**measurement, "range": limits} if limits else measurement


def _number_text(value: float) -> str:
    return repr(value).removesuffix(".0")


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
