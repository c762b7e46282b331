"""Tables of one result a row, read as their profile says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cbc_screen.errors import UsageError
from cbc_screen.ingest.parquet import ParquetSource
from cbc_screen.ingest.results import Code, Item, LabResult, Person, ResultStatus
from cbc_screen.ingest.source import SourceBatch, TableSource
from cbc_screen.knowledge.profiles import Profile

if TYPE_CHECKING:
    import pyarrow as pa

_WHOLE = re.compile(r"(-?\d+)\.0+")
_SIGN = re.compile(r"\s*(<=|>=|<|>)\s*(.*)", re.DOTALL)
_STATUS_WORDS = {
    "FINAL": "F", "CORRECTED": "C", "AMENDED": "A", "PRELIMINARY": "P", "REGISTERED": "I", "PENDING": "I",
    "CANCELLED": "X", "CANCELED": "X", "ENTERED-IN-ERROR": "D", "DELETED": "D",
}  # fmt: skip
Cells = dict[str, list[str]]


class LongSource:
    """A table of results, and a table of persons beside it."""

    def __init__(self, table: TableSource, profile: Profile, persons: TableSource | None = None) -> None:
        self._table, self._profile, self._persons = table, profile, persons
        self._columns = _find(profile.columns, table.headers)
        self._person_columns = _find(profile.persons, persons.headers) if persons is not None else {}
        self.share = 0.0

    def items(self) -> Iterator[Item]:
        """Yield the persons, then the results; see `ResultSource`."""
        if self._persons is not None:
            for batch in self._persons.batches(_names(self._person_columns)):
                yield from batch.rejected
                yield from self._people(_cells(batch, self._person_columns))
        for batch in self._table.batches(_names(self._columns)):
            yield from batch.rejected
            yield from self._results(batch)
            self.share = batch.share

    def _people(self, cells: Cells) -> Iterator[Item]:
        for row in _rows(cells):
            key = _key(row.get("person", ""))
            if key:
                yield Person(key, _birth_date(row, self._profile.top_coded_age), row.get("sex", ""), _age(row))

    def _results(self, batch: SourceBatch) -> Iterator[Item]:
        cells = _cells(batch, self._columns)
        raw = not isinstance(self._table, ParquetSource)
        codes, lines = self._profile.codes, batch.lines.tolist()
        own_person = bool({"birth_date", "sex", "age"} & cells.keys())
        for place, row in enumerate(_rows(cells)):
            code = _key(row.get("code", ""))
            person = _key(row.get("person", ""))
            if own_person and person:
                yield Person(person, row.get("birth_date", ""), row.get("sex", ""), _age(row))
            listed = not codes or code in codes
            content = (batch.content(place) if raw else json.dumps(row, ensure_ascii=False)) if listed else ""
            yield self._result(lines[place], person, code, row, content)

    def _result(self, line: int, person: str, code: str, row: Mapping[str, str], content: str) -> LabResult:
        value, unit = self._value(row)
        return LabResult(
            line=line,
            person=person,
            group=row.get("specimen_key") or row.get("encounter", ""),
            collected_at=row.get("collected_at", ""),
            codes=(Code(code, row.get("name", ""), ""),),
            value=value,
            unit=unit,
            specimen=row.get("specimen", ""),
            panel=row.get("panel", ""),
            lower=row.get("lower", ""),
            upper=row.get("upper", ""),
            range_text=row.get("range", ""),
            status=self._status(row.get("status", "")),
            notes=(row["note"],) if row.get("note") else (),
            content=content,
        )

    def _value(self, row: Mapping[str, str]) -> tuple[str, str]:
        """Return the value and its unit.

        Where a number and the source's own text stand side by side, the number goes with
        the coded unit; a sign that only the text has ("<5" beside 5) is kept.
        """
        text, number = row.get("value", ""), row.get("number", "")
        coded = self._profile.unit_codes.get(_key(row.get("unit_code", "")), "")
        unit = coded if number and coded else row.get("unit", "") or coded
        if not number:
            return text, unit
        sign = self._profile.operators.get(_key(row.get("operator", "")), "")
        if row.get("operator") and _key(row["operator"]) not in self._profile.operators:
            return f"? {number}", unit  # an operator nobody knows
        own = _SIGN.fullmatch(text)
        if own is not None and sign in ("", "="):
            sign = own[1]
        return (f"{sign}{number}" if sign not in ("", "=") else number), unit

    def _status(self, text: str) -> ResultStatus:
        word = text.strip().upper()
        if not word:
            return ResultStatus.FINAL
        letter = self._profile.statuses.get(word) or _STATUS_WORDS.get(word, word)
        return ResultStatus(letter) if letter in tuple(ResultStatus) else ResultStatus.OTHER


def _find(wanted: Mapping[str, tuple[str, ...]], headers: Sequence[str]) -> dict[str, list[str]]:
    """Find the columns of each field, without case; a field with one name must be there."""
    by_name = {header.strip().casefold(): header for header in headers}
    found = {}
    for field, names in wanted.items():
        own = [by_name[name.casefold()] for name in names if name.casefold() in by_name]
        if own:
            found[field] = own
    missing = [names[0] for field, names in wanted.items() if field not in found and field in ("code", "collected_at")]
    if missing:
        raise UsageError(f"the table has no column {' or '.join(missing)}; is it of another profile?")
    return found


def _names(columns: Mapping[str, list[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in columns.values() for name in names))


def _cells(batch: SourceBatch, columns: Mapping[str, list[str]]) -> Cells:
    """Return each field's texts: of several columns the first that is not empty."""
    texts = {name: _texts(batch.columns[name]) for name in _names(columns)}
    cells: Cells = {}
    for field, names in columns.items():
        if field in ("birth_parts", "birth_year_parts"):
            cells |= {f"{field} {place}": texts[name] for place, name in enumerate(names)}
            continue
        first = texts[names[0]]
        for name in names[1:]:
            first = [own or other for own, other in zip(first, texts[name], strict=True)]
        cells[field] = first
    return cells


def _texts(column: pa.Array) -> list[str]:
    import pyarrow as pa

    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    return [cell.strip() if cell is not None else "" for cell in column.to_pylist()]


def _rows(cells: Cells) -> Iterator[dict[str, str]]:
    fields = list(cells)
    for row in zip(*cells.values(), strict=True):
        yield dict(zip(fields, row, strict=True))


def _key(text: str) -> str:
    """Return a number without a fraction that only some tool's column type added: 10120.0 is 10120."""
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _age(row: Mapping[str, str]) -> str:
    return f"{row['age']} {row.get('age_unit', '')}".strip() if row.get("age") else ""


def _birth_date(row: Mapping[str, str], top_coded_age: int | None) -> str:
    """Return a birth date, as exact as the source has it; an age told as "this or more" gives none."""
    if row.get("birth_date"):
        return row["birth_date"]
    year, month, day = (_key(row.get(f"birth_parts {place}", "")) for place in range(3))
    if year.isdigit():
        parts = [year, *([month.zfill(2)] if month.isdigit() else []), *([day.zfill(2)] if day.isdigit() else [])]
        return "-".join(parts[: 3 if month.isdigit() else 1])
    anchor, age = (_key(row.get(f"birth_year_parts {place}", "")) for place in range(2))
    if anchor.isdigit() and age.isdigit() and (top_coded_age is None or int(age) < top_coded_age):
        return str(int(anchor) - int(age))
    return ""
