"""Tables of one result a row, read as their profile says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import to_bools
from cbc_screen.errors import UsageError
from cbc_screen.ingest.code_forms import parts_of_code, told_of_person
from cbc_screen.ingest.long_cells import (
    NUMBERED,
    STATED,
    Cells,
    age_of,
    birth_date_of,
    birth_of,
    cells_of,
    find_columns,
    first_told,
    is_of_numbers,
    names_of,
    rows_of,
    stated_columns,
    texts_of_column,
    unit_beside,
    whole_keys,
)
from cbc_screen.ingest.parquet import ParquetSource
from cbc_screen.ingest.results import Item, LabResult, NotResults, ResultCode, Stated, StatedPerson
from cbc_screen.ingest.source import RejectedRow, SourceBatch, TableSource
from cbc_screen.ingest.texts import Texts, first_of, keys, no_text, of_both, of_rows, without
from cbc_screen.ingest.value_cells import both_remarks, number_of, same_value, signed
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import fold_code, fold_word
from cbc_screen.knowledge.profiles import Profile
from cbc_screen.knowledge.statuses import USED
from cbc_screen.vocabulary import ResultStatus

if TYPE_CHECKING:
    import pyarrow as pa

_EVENT = re.compile(r"[A-Za-z_]{2,24}")  # the kind of an event, before the first sign
_NUMBER = re.compile(r"\s*[0-9]+(?:\.[0-9]*)?\s*", re.ASCII)
_TOOLS_NOTHING = frozenset(("<NA>", "NAT", "\\N"))  # what tools write where there is nothing
_AS_RECEIVED = ("value", "name", "note")
_MOMENTS = ("collected_at", "specimen_key", "encounter")
_SAMPLES = ("specimen_key", "encounter")
_OF_PERSON = ("birth_date", "sex", "age")
_MOST_ONCE = 200_000  # tests of one person
# Of a table without a column of persons: its one person, or the persons that its samples have.
ONE_PERSON, PERSON_OF_SAMPLE, WHOLE_TABLE = "table of one person", "table sample", "the table"
_KEYS = ("person", "encounter", "specimen_key", "code", "unit_code", "operator", "sex")


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """Some rows of a table of results: the texts of each field, and what `SourceBatch` says of them."""

    fields: dict[str, Texts]
    lines: NDArray[np.int64]
    rejected: Sequence[RejectedRow]
    content: Callable[[int], str]
    share: float

    def number_fields(self) -> list[str]:
        """Return the fields that hold numbers of samples and patients, which may tell what kind a specimen is."""
        return [field for field in self.fields if is_of_numbers(field)]


class LongSource:
    """A table of results, and a table of persons beside it."""

    ordered = False  # the rows of a table say nothing of which came first

    def __init__(
        self, table: TableSource, profile: Profile, knowledge: Knowledge, persons: TableSource | None = None
    ) -> None:
        self._table, self._profile, self._persons = table, profile, persons
        self._statuses = knowledge.statuses
        self._nothing = knowledge.words.missing | _TOOLS_NOTHING
        self._no_persons = self._nothing | knowledge.words.no_persons
        self._signs = frozenset(sign for sign, _ in knowledge.words.operators)
        self._remark_in = knowledge.beside.remark_in
        # What several columns say together: of two statuses the less final holds.
        self._said: dict[str, Callable[[str, str], str]] = {"note": both_remarks, "status": self._less_final}
        if profile.same_value:
            self._said["value"] = lambda one, other: same_value(one, other, self._nothing)
        self._sexes = profile.sex_codes
        self._columns = find_columns(profile.columns, table.headers, ("code", "collected_at"))
        self._columns |= stated_columns(table.headers, self._columns, knowledge.specimens)
        self._person_columns = (
            find_columns(profile.persons, persons.headers, ("person",)) if persons is not None else {}
        )
        if persons is not None:
            self._person_columns |= stated_columns(persons.headers, self._person_columns, knowledge.specimens)
        starts = [own for name in NUMBERED if (own := knowledge.specimens.fields[name].starts) is not None]
        self._may_be_told = re.compile("|".join(starts).replace("(?i)", ""), re.IGNORECASE) if starts else None
        times = self._columns.get("collected_at", [])
        # Whether the numbers of its moments count from a beginning.
        self.counted = len(times) == 1 and knowledge.moments.counts_from_a_beginning(times[0])
        self._of_persons = "person" in profile.columns
        self._samples = [field for field in _SAMPLES if field in self._columns]
        self._of_one = not self._of_persons and not self._samples
        self._of_moments = not profile.columns.keys().isdisjoint(_MOMENTS)
        self._once: dict[tuple[str, ...], str] = {}
        self.share = 0.0

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        """The columns of the results that are read, by field."""
        return self._columns

    @property
    def headers(self) -> Sequence[str]:
        """The names of the columns of the results."""
        return self._table.headers

    @property
    def unread(self) -> list[str]:
        """The columns of the results that are not read."""
        read = set(names_of(self._columns))
        return [header for header in self._table.headers if header and header not in read]

    @property
    def person_columns(self) -> Mapping[str, Sequence[str]]:
        """The columns of the table of persons that are read, by field."""
        return self._person_columns

    def items(self) -> Iterator[Item]:
        """Yield the persons, then the results; see `ResultSource`."""
        yield from self.people()
        for batch in self._table.batches(names_of(self._columns)):
            yield from batch.rejected
            cells = self._cells(batch, self._columns, self._profile.header_age_unit)
            yield from self._results(cells, batch.lines.tolist(), batch.content)
            self.share = batch.share

    def people(self) -> Iterator[Item]:
        """Yield the persons of the table beside the results."""
        if self._persons is not None:
            for batch in self._persons.batches(names_of(self._person_columns)):
                yield from batch.rejected
                yield from self._people(self._cells(batch, self._person_columns, self._profile.persons_age_unit))

    @property
    def can_be_columns(self) -> bool:
        """Whether each row is a result, of a person and a moment that two columns tell."""
        return {"person", "collected_at"} <= self._columns.keys() and not self._profile.code_forms

    def in_columns(self) -> Iterator[ResultColumns]:
        """Yield the rows in columns: the same texts that `items` reads row by row."""
        for batch in self._table.batches(names_of(self._columns)):
            read = lru_cache(maxsize=None)(partial(texts_of_column, batch))
            fields = {field: self._field(field, names, read) for field, names in self._columns.items()}
            if self._profile.header_age_unit is not None and "age" in fields:
                beside = partial(unit_beside, unit=self._profile.header_age_unit)
                fields.setdefault("age_unit", fields["age"].each(beside))
            self.share = batch.share
            yield ResultColumns(fields, batch.lines, batch.rejected, batch.content, batch.share)

    def _field(self, field: str, names: Sequence[str], read: Callable[[str], Texts]) -> Texts:
        """Return the texts of a field; a further column is read only where those before leave a row empty."""
        first, said = None, self._said.get(field)
        for name in names:
            nothing = self._no_persons if field == "person" else self._nothing
            own = read(name) if field in _AS_RECEIVED else without(read(name), nothing)
            if field == "note":
                own = own.each(partial(self._remark_in, name))
            if first is None:
                first = own
            elif said is not None:
                first = of_both(first, own, said)
            else:
                first = first_of([first, own])
            if said is None and not first.empty().any():
                break
        assert first is not None
        return keys(first) if field in _KEYS else first

    def results_of(self, batch: ResultColumns, rows: NDArray[np.intp]) -> Iterator[LabResult]:
        """Yield some rows of a batch as results."""
        cells, places = of_rows(batch.fields, rows), rows.tolist()
        found = self._results(cells, batch.lines[rows].tolist(), lambda place: batch.content(places[place]))
        return (item for item in found if isinstance(item, LabResult))

    def _people(self, cells: Cells) -> Iterator[Item]:
        for row in rows_of(cells):
            key = row.get("person", "")
            if key:
                dated = birth_date_of(row, self._profile.top_coded_age)
                birth = birth_of(row, self._profile.units)
                yield StatedPerson(key, dated, self._sex(row), age_of(row), (), self._stated(row), *birth)

    def _results(self, cells: Cells, lines: list[int], content_of: Callable[[int], str]) -> Iterator[Item]:
        raw = not isinstance(self._table, ParquetSource)
        codes = self._profile.codes
        own_person = not cells.keys().isdisjoint(_OF_PERSON)
        for place, row in enumerate(rows_of(cells)):
            code, person = row.get("code", ""), self._person(row)
            if self._profile.code_forms:
                coded = parts_of_code(code, self._profile.code_forms)
                if coded is None:
                    yield self._event(lines[place], person, code, row)
                    continue
                code = coded.code
                row = {**row, "name": row.get("name", "") or code, "unit": row.get("unit", "") or coded.unit}
            if self._of_one:
                self._require_once(row)
            if own_person and person:
                yield StatedPerson(person, row.get("birth_date", ""), self._sex(row), age_of(row))
            listed = not codes or fold_code(code) in codes or code in ("", "0")
            kept = listed or bool(row.get("name"))  # a name may be that of a count
            content = (content_of(place) if raw else json.dumps(row, ensure_ascii=False)) if kept else ""
            yield self._result(lines[place], person, code, row, content)

    def _event(self, line: int, person: str, code: str, row: Mapping[str, str]) -> Item:
        """Return what an event tells of the person; it is no result."""
        told = told_of_person(code, row.get("collected_at", ""), self._profile.events)
        if told and person:
            return StatedPerson(person, told.get("birth_date", ""), self._sex(told), "")
        kind = _EVENT.match(code)
        return NotResults(line, f"event {kind[0]}" if kind is not None else "event")

    def _person(self, row: Mapping[str, str]) -> str:
        """Return whose a result is; where no column says it, one sample is of one person."""
        if self._of_persons:
            return row.get("person", "")
        if self._of_one:
            return ONE_PERSON
        sample = next((row[field] for field in self._samples if row[field]), "")
        return f"{PERSON_OF_SAMPLE} {sample}" if sample else ""

    def _require_once(self, row: Mapping[str, str]) -> None:
        """Refuse a table that is not of one person, or says of two results of one test not when they were taken."""
        key = tuple(row.get(field, "") for field in (*_MOMENTS, "code", "name"))
        said = {key: row.get("value", "") or row.get("number", "")}
        # A person grows older from one sample to the next.
        said |= {
            (field, row.get("collected_at", "") if field == "age" else ""): row.get(field, "") for field in _OF_PERSON
        }
        differs = any(text and self._once.setdefault(about, text) != text for about, text in said.items())
        if differs or len(self._once) > _MOST_ONCE:
            raise UsageError(
                "birth dates, sexes or ages differ, or a test stands more than once, and no column says whose the results "
                "are; name the column of the person (columns: person=..., --columns person=...)"
            )

    def _cells(self, batch: SourceBatch, columns: Mapping[str, list[str]], age_unit: str | None) -> Cells:
        """Return each field's texts: of several columns the first that is not empty, or what they say together.

        `age_unit` is what the header of the ages states.
        """
        texts = {name: cells_of(batch.columns[name]) for name in names_of(columns)}
        cells: Cells = {}
        for field, names in columns.items():
            own = [texts[name] for name in names]
            if field == "note":
                own = [
                    [self._remark_in(name, text) for text in column] for name, column in zip(names, own, strict=True)
                ]
            if field not in _AS_RECEIVED:
                nothing = self._no_persons if field == "person" else self._nothing
                own = [["" if text.upper() in nothing else text for text in column] for column in own]
            if field in ("birth_parts", "birth_year_parts"):
                cells |= {f"{field} {place}": whole_keys(part) for place, part in enumerate(own)}
                continue
            first, said = own[0], self._said.get(field, first_told)
            for other in own[1:]:
                first = list(map(said, first, other))
            cells[field] = whole_keys(first) if field in _KEYS else first
        if age_unit is not None and "age" in cells:
            cells.setdefault("age_unit", [unit_beside(age, age_unit) for age in cells["age"]])
        return cells

    def _result(self, line: int, person: str, code: str, row: Mapping[str, str], content: str) -> LabResult:
        value, unit = self._value(row)
        units = (self._profile.unit_codes.get(row.get("unit_code", ""), ""), row.get("unit", ""))
        collected_at, source_code = row.get("collected_at", ""), row.get("source_code", "")
        return LabResult(
            line=line,
            person=person,
            group=row.get("specimen_key", "") or (WHOLE_TABLE if self._of_one else ""),
            collected_at=collected_at,
            codes=(
                ResultCode(code, row.get("name", ""), ""),
                *([ResultCode(source_code, "", "")] if source_code else []),
            ),
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
            flag=row.get("flag", ""),
            # Where nothing says when, the results of a person are one count if nothing in them contradicts.
            encounter=row.get("encounter", "") or ("" if self._of_moments else person),
            counted=self.counted,
            stated=self._stated(row),
            other_units=units if all(units) else (),
            pregnancy=row.get("pregnancy", ""),
            gestation=row.get("gestation_at_birth", ""),
            preterm=row.get("born_preterm", ""),
        )

    def _stated(self, row: Mapping[str, str]) -> Stated:
        """Return what the columns of a row say of the kind of specimen."""
        found = [("type", row["specimen"])] if row.get("specimen") else []
        for name, text in row.items():
            if not text or not name.startswith(STATED):
                continue
            field = name.split(" ")[1]
            # Nearly every number is another one, and says nothing.
            if field not in NUMBERED or self.tells_number(text):
                found.append((field, text))
        return tuple(found)

    def _value(self, row: Mapping[str, str]) -> tuple[str, str]:
        """Return the value and its unit.

        Where a number and the source's own text stand side by side, the text decides if it is
        more than a number ("<5", "LT 5", "CLUMPED"); else the number goes with the coded unit.
        """
        text, number, operator = row.get("value", ""), row.get("number", ""), row.get("operator", "")
        coded, own = self._profile.unit_codes.get(row.get("unit_code", ""), ""), row.get("unit", "")
        if not number or not self.is_only_a_number(text):
            return (self.signed_text(text, operator) if text else number), own or coded
        return self.number_text(self.agreeing(number, text), operator), coded or own

    def agreeing(self, number: str, text: str) -> str:
        """Return a number, or both where the text beside it is another one in the same unit.

        A number that has a coded unit may have been converted, and the text not.
        """
        own = number_of(text) if self.compares_numbers else None
        return number if own is None or own == number_of(number) else same_value(number, text, self._nothing)

    @property
    def compares_numbers(self) -> bool:
        """Whether a number is held against the text beside it."""
        return not self._profile.unit_codes

    def signed_text(self, text: str, operator: str) -> str:
        """Return a text with the sign beside it; one that a profile explains belongs to its number."""
        return text if self._profile.operators else signed(text, operator, self._signs)

    def is_only_a_number(self, text: str) -> bool:
        """Tell whether the source's own text says no more than the number beside it."""
        return text.upper() in self._nothing or _NUMBER.fullmatch(text) is not None

    def number_text(self, number: str, operator: str) -> str:
        """Return a number with its sign; that of an operator nobody knows cannot be read."""
        if not self._profile.operators:
            return signed(number, operator, self._signs)
        if operator and operator not in self._profile.operators:
            return f"? {number}"
        sign = self._profile.operators.get(operator, "")
        return f"{sign}{number}" if sign not in ("", "=") else number

    def _sex(self, row: Mapping[str, str]) -> str:
        return self.sex_word(row.get("sex", ""))

    def sex_word(self, sex: str) -> str:
        """Return the sex as a word: the codes of one source mean nothing in another."""
        return self._sexes.get(fold_word(sex), sex)

    def tells_number(self, text: str) -> bool:
        """Tell whether the number of a sample or a patient says what kind it is; nearly none does."""
        return bool(text) and (self._may_be_told is None or self._may_be_told.search(text) is not None)

    def tell_numbers(self, values: pa.StringArray) -> NDArray[np.bool_]:
        """Ask `tells_number` of a column: it has nearly as many texts as rows."""
        import pyarrow.compute as pc

        if self._may_be_told is None:
            return ~to_bools(pc.equal(values, no_text()))
        return to_bools(pc.match_substring_regex(values, f"(?i){self._may_be_told.pattern}"))

    def result_of(self, row: Mapping[str, str]) -> LabResult:
        """Return a row as a result of nobody, to judge what it is of."""
        return self._result(0, "", row.get("code", ""), row, "")

    def _less_final(self, one: str, other: str) -> str:
        return one if self._status(other) in USED else other

    def _status(self, text: str) -> ResultStatus:
        own = self._profile.statuses.get(text.strip().upper())
        return ResultStatus(own) if own is not None else self._statuses.of(text)
