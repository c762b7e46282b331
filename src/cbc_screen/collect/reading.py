"""The results of a table in columns: each different combination of words is judged once.

What is no part of a count is counted and let go. All other rows are kept with what groups
them; those of which anything is doubtful are marked, and their groups go the careful way.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, to_bools
from cbc_screen.collect.besides import Besides, BesideValue
from cbc_screen.collect.combine import Combined, combine
from cbc_screen.collect.digits import whole_numbers, without_numbers
from cbc_screen.collect.errors import NotInColumnsError
from cbc_screen.collect.moments import NO_MOMENT, MomentNumbers
from cbc_screen.collect.values import BatchValues, Kind, ValueReader
from cbc_screen.ingest.long import LongSource, ResultColumns
from cbc_screen.ingest.long_cells import is_of_numbers
from cbc_screen.ingest.results import MADE_UP
from cbc_screen.ingest.texts import Texts, bytes_of
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.collect import Collection
from cbc_screen.normalize.collected_texts import KINDS, own_key
from cbc_screen.normalize.identify import Identifier
from cbc_screen.normalize.judging import Judgement, label_of, limits_of
from cbc_screen.normalize.moment import MomentReader
from cbc_screen.normalize.range_text import of_sex
from cbc_screen.normalize.standing import StandingRule
from cbc_screen.vocabulary import Presence, ResultStatus, Sex

if TYPE_CHECKING:
    import pyarrow as pa

_BIRTH = ("gestation_at_birth", "born_preterm")  # true of every count of a person
# Fields of a row that say nothing of what kind of result it is, or are looked at by themselves.
_NOT_ASKED = frozenset((
    "person", "encounter", "specimen_key", "collected_at", "value", "number", "operator", "lower", "upper", "range",
    "flag", "note", "birth_date", "sex", "age", "age_unit", "pregnancy", *_BIRTH,
))  # fmt: skip
_VALUE = ("value", "number", "operator")
_BESIDE = ("lower", "upper", "range", "flag")
_REMEMBERED = 50_000
_KEY_SIGNS = ("\x1e", "\x1f")  # part the keys of groups


class Outcome(NamedTuple):
    """What a combination of words is: simple, left out, or neither of them."""

    simple: bool
    left_out: bool
    remark: bool  # stands in the place of the value: each of its results is looked at by itself
    analyte: int  # its number, or -1
    unit: str
    label: str


class TableReading:
    """Reads the batches of one table."""

    def __init__(
        self,
        source: LongSource,
        knowledge: Knowledge,
        collection: Collection,
        identifier: Identifier,
        units: Mapping[str, str],
    ) -> None:
        self._source, self._collection = source, collection
        self._identifier, self._units = identifier, units
        self.analytes = list(knowledge.analytes)
        self._numbers = {analyte: number for number, analyte in enumerate(self.analytes)}
        self._values = ValueReader(source, StandingRule(knowledge), collection.judge.says_more)
        self._moments = MomentNumbers(MomentReader(knowledge.moments), source.counted)
        self._outcomes: dict[tuple[object, ...], Outcome] = {}
        self._besides_known: dict[tuple[str, ...], tuple[int, bool]] = {}
        self.besides = Besides()

    def read(self, batch: ResultColumns) -> pa.RecordBatch:
        """Return what is kept of a batch."""
        rows, fields = len(batch.lines), batch.fields
        self._tell_births(fields)
        self._values.begin()
        values = self._values.read(fields, rows)
        asked = self._asked(fields, values, rows)
        outcomes = self._judge(fields, values, asked)
        each = asked.codes
        odd = self._odd_words(batch) | np.array([one.remark for one in outcomes], dtype=np.bool_)[each]
        doubtful = ~np.array([one.simple for one in outcomes], dtype=np.bool_)[each] | odd
        dropped = np.array([one.left_out for one in outcomes], dtype=np.bool_)[each] & ~odd
        analytes = np.array([one.analyte for one in outcomes], dtype=np.int16)[each]
        self._mention(batch, outcomes, asked, odd, analytes)
        self._count_left_out(outcomes, np.bincount(each[dropped], minlength=len(outcomes)))
        persons, times = fields["person"], fields["collected_at"]
        moments, forms = self._moments.of(times)
        doubtful |= _no_plain_keys(persons)[persons.codes] | (moments == NO_MOMENT)[times.codes]
        numbers = whole_numbers(persons.values)
        kept = np.flatnonzero(~dropped)
        besides, sexed = self._beside(fields, outcomes, each, kept)
        doubtful[kept] |= sexed
        texts = {
            "text": Texts(without_numbers(persons.values, numbers), persons.codes),
            "at": Texts(without_numbers(times.values, np.abs(forms).astype(np.int64) - 1), times.codes),
            "value": values.told,
        }
        own: dict[str, NDArray[Any]] = {
            "line": batch.lines[kept],
            "number": numbers[persons.codes[kept]],
            "moment": moments[times.codes[kept]],
            "form": forms[times.codes[kept]],
            "analyte": analytes[kept],
            "beside": besides,
            "doubtful": doubtful[kept].astype(np.int8),
        }
        return batch_of(
            {
                **{name: from_numpy(column) for name, column in own.items()},
                **{name: column.of(kept) for name, column in texts.items()},
            }
        )

    def _asked(self, fields: dict[str, Texts], values: BatchValues, rows: int) -> Combined:
        """Return the combinations of what decides how a result is judged."""
        own = [texts for field, texts in fields.items() if self._is_asked(field)]
        columns = [(texts.codes, len(texts.values)) for texts in own]
        from_number = values.from_number.astype(np.int32)
        return combine(rows, [*columns, (from_number, 2), (values.kinds, values.many_kinds)])

    @staticmethod
    def _is_asked(field: str) -> bool:
        return field not in _NOT_ASKED and not is_of_numbers(field)

    def _judge(self, fields: dict[str, Texts], values: BatchValues, asked: Combined) -> list[Outcome]:
        """Judge each combination."""
        texts = {field: own.list() for field, own in fields.items() if self._is_asked(field)}
        outcomes = []
        for row in asked.first.tolist():
            cells = {field: own[fields[field].codes[row]] for field, own in texts.items()}
            kind = self._values.kinds[values.kinds[row]]
            key = (*cells.values(), bool(values.from_number[row]), kind)
            found = self._outcomes.get(key)
            if found is None:
                if len(self._outcomes) >= _REMEMBERED:
                    self._outcomes.clear()
                cells |= {field: _text(fields[field], row) for field in _VALUE if field in fields}
                found = self._outcomes[key] = self._outcome(cells, kind)
            outcomes.append(found)
        return outcomes

    def _outcome(self, cells: dict[str, str], kind: Kind) -> Outcome:
        """Judge one combination, with the value of one of its rows."""
        result = self._source.result_of(cells)
        judged = self._collection.judge.of(result, self._identifier, self._units)
        number = self._numbers[judged.analyte] if judged.analyte is not None else -1
        simple = number >= 0 and is_simple(judged, result.value) and result.status is ResultStatus.FINAL
        return Outcome(simple, judged.is_left_out, kind.remark, number, judged.unit, label_of(result))

    def _mention(
        self,
        batch: ResultColumns,
        outcomes: list[Outcome],
        asked: Combined,
        odd: NDArray[np.bool_],
        analytes: NDArray[np.int16],
    ) -> None:
        """Give every name that will be counted its place among the names: that of the first row that counts it."""
        found = [(int(row), one) for row, one in zip(asked.first, outcomes, strict=True) if one.analyte >= 0]
        plain = np.flatnonzero(~odd)
        first = np.full(len(outcomes), -1, dtype=np.int64)
        first[asked.codes[plain[::-1]]] = plain[::-1]
        found += [(int(row), one) for row, one in zip(first, outcomes, strict=True) if one.left_out and row >= 0]
        others = np.flatnonzero(odd & (analytes < 0))
        for row, result in zip(others.tolist(), self._source.results_of(batch, others), strict=True):
            judged = self._collection.judge.of(result, self._identifier, self._units)
            if judged.is_left_out:
                found.append((row, Outcome(False, True, True, -1, "", label_of(result))))
        for _, outcome in sorted(found, key=itemgetter(0)):
            analyte = self.analytes[outcome.analyte] if outcome.analyte >= 0 else None
            names, name = self._collection.left_out, outcome.label
            if analyte is not None:
                self._collection.analytes[analyte] += 0
                names, name = self._collection.units[analyte], outcome.unit
            names[name] += 0
            if len(names) >= KINDS:
                raise NotInColumnsError

    def _count_left_out(self, outcomes: list[Outcome], times: NDArray[np.int64]) -> None:
        counts = self._collection.counts
        for place in np.flatnonzero(times).tolist():
            many = int(times[place])
            counts.read += many
            counts.not_count += many
            self._collection.left_out[outcomes[place].label] += many

    def _odd_words(self, batch: ResultColumns) -> NDArray[np.bool_]:
        """Tell which rows say something beside their result: of clumps, that it is taken back, or what kind of specimen it is."""
        found = np.zeros(len(batch.lines), dtype=np.bool_)
        for field in {"note", "flag"} & batch.fields.keys():
            remarks = batch.fields[field]
            found |= remarks.ask(self._collection.judge.says_more)[remarks.codes]
        if "pregnancy" in batch.fields:  # true of its own moment
            stated = batch.fields["pregnancy"]
            found |= ~stated.empty()[stated.codes]
        for field in batch.number_fields():
            numbers = batch.fields[field]
            found |= self._source.tell_numbers(numbers.values)[numbers.codes]
        return found

    def _tell_births(self, fields: dict[str, Texts]) -> None:
        """Hand on what columns say of the births of persons: each different saying once, and no row is in doubt for it."""
        told = [fields.get(field) for field in _BIRTH]
        own = [texts for texts in told if texts is not None]
        if not own:
            return
        persons = fields["person"]
        columns = [(texts.codes, len(texts.values)) for texts in (persons, *own)]
        for row in combine(len(persons.codes), columns).first.tolist():
            gestation, preterm = ("" if texts is None else _text(texts, row) for texts in told)
            person = own_key(_text(persons, row), 0)
            self._collection.births.take_stated(person, gestation, preterm, self._units)

    def _beside(
        self, fields: dict[str, Texts], outcomes: list[Outcome], each: NDArray[np.int64], kept: NDArray[np.intp]
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return the number of what stands beside each value, and whether its limits depend on the sex."""
        own = {field: fields[field] for field in _BESIDE if field in fields}
        columns = [(texts.codes[kept], len(texts.values)) for texts in own.values()]
        asked = combine(len(kept), [(each[kept], len(outcomes)), *columns])
        texts = {field: one.list() for field, one in own.items()}
        numbers, sexed = np.zeros(len(asked.first), dtype=np.int32), np.zeros(len(asked.first), dtype=np.bool_)
        for place, first in enumerate(asked.first.tolist()):
            row = kept[first]
            cells = {field: one[own[field].codes[row]] for field, one in texts.items()}
            key = (outcomes[each[row]].unit, *cells.values())
            found = self._besides_known.get(key)
            if found is None:
                if len(self._besides_known) >= _REMEMBERED:
                    self._besides_known.clear()
                found = self._besides_known[key] = self._number_beside(key[0], cells)
            numbers[place], sexed[place] = found
        return numbers[asked.codes], sexed[asked.codes]

    def _number_beside(self, unit: str, cells: dict[str, str]) -> tuple[int, bool]:
        result = self._source.result_of(cells)
        lower, upper = limits_of(result, unit)
        sexed = any(of_sex(limit, Sex.UNKNOWN) != limit for limit in (lower, upper) if limit)
        return self.besides.number(BesideValue(unit, lower, upper, result.flag)), sexed


def is_simple(judged: Judgement, value: str) -> bool:
    """Tell whether nothing is said of a result but its value."""
    return judged.reason is None and judged.clumps == Presence.UNKNOWN.value and judged.value == value


def is_plain_key(person: str) -> bool:
    """Tell whether the key of a person is there, is none that readers make up, and can be read in one way only."""
    return bool(person) and not person.startswith(MADE_UP) and not any(sign in person for sign in _KEY_SIGNS)


def _text(texts: Texts, row: int) -> str:
    text: str = texts.values[texts.codes[row]].as_py()
    return text


def _no_plain_keys(persons: Texts) -> NDArray[np.bool_]:
    """Tell which keys of persons are missing, are like those that readers make up, or could be read as two."""
    import pyarrow.compute as pc

    found = persons.empty()
    for start in MADE_UP:
        found |= to_bools(pc.starts_with(persons.values, start))
    if np.isin(bytes_of(persons.values)[1], [ord(sign) for sign in _KEY_SIGNS]).any():
        found |= persons.ask(lambda person: any(sign in person for sign in _KEY_SIGNS))
    return found


def batch_of(columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """Return columns as a batch."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
