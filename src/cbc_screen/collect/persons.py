"""What rows of results say of their persons, in columns; what differs is unknown, as everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, from_texts, to_numpy
from cbc_screen.collect.combine import combine
from cbc_screen.collect.digits import as_written, whole_numbers, without_numbers
from cbc_screen.ingest.long import LongSource, ResultColumns
from cbc_screen.ingest.long_cells import age_text
from cbc_screen.ingest.texts import Texts, constant, empties
from cbc_screen.normalize.collect import Collection
from cbc_screen.normalize.gathered import agreed

if TYPE_CHECKING:
    import pyarrow as pa

FACTS = ("birth_date", "sex", "age")
_AT_ONCE = 100_000


def facts_of(batch: ResultColumns, source: LongSource, collection: Collection) -> pa.RecordBatch | None:
    """Return what a batch says of persons, each thing once; None where no column does."""
    fields, rows = batch.fields, len(batch.lines)
    if fields.keys().isdisjoint(FACTS):
        return None
    persons = fields["person"]
    named = ~persons.empty()[persons.codes]
    sex = fields.get("sex") or constant("", rows)
    sex = Texts(from_texts([source.sex_word(text) for text in sex.list()]), sex.codes)
    _note_sexes(sex, named, collection)
    said = [fields.get("birth_date") or constant("", rows), sex, _ages(fields, rows)]
    tells = np.zeros(rows, dtype=np.bool_)
    for texts in said:
        tells |= ~texts.empty()[texts.codes]
    asked = combine(rows, [(texts.codes, len(texts.values)) for texts in (persons, *said)])
    first = np.sort(asked.first)
    first = first[(tells & named)[first]]
    columns = [texts.of(first) for texts in (persons, *said)]
    return _batch(columns, np.zeros(len(first), dtype=np.int8))


def _batch(columns: list[pa.StringArray], odd: NDArray[np.int8]) -> pa.RecordBatch:
    """Return facts of persons: the key, as a number or a text, then what is said."""
    import pyarrow as pa

    numbers = whole_numbers(columns[0])
    own = [from_numpy(numbers), without_numbers(columns[0], numbers), *columns[1:], from_numpy(odd)]
    return pa.RecordBatch.from_arrays(own, names=["number", "text", *FACTS, "odd"])


def _ages(fields: dict[str, Texts], rows: int) -> Texts:
    ages, units = fields.get("age") or constant("", rows), fields.get("age_unit") or constant("", rows)
    pairs = combine(rows, [(ages.codes, len(ages.values)), (units.codes, len(units.values))])
    age, unit = ages.list(), units.list()
    texts = [age_text(age[ages.codes[row]], unit[units.codes[row]]) for row in pairs.first.tolist()]
    return Texts(from_texts(texts), pairs.codes.astype(np.int32))


def _note_sexes(sex: Texts, named: NDArray[np.bool_], collection: Collection) -> None:
    words = sex.list()
    for place in np.unique(sex.codes[named]).tolist():
        collection.people.note_sex(words[place])


def known_persons(collection: Collection) -> list[pa.RecordBatch]:
    """Return what a table of persons said; `odd` marks those whose results are not a patient's."""
    found = []
    for rows in collection.people.each(_AT_ONCE):
        columns = list(zip(*rows, strict=True))
        texts = [from_texts([str(text or "") for text in column]) for column in columns[:4]]
        found.append(_batch(texts, np.array(columns[4], dtype=np.int8)))
    return found


def persons_of(table: pa.Table) -> pa.StringArray:
    """Return the keys of persons of a table."""
    return as_written(table["number"].combine_chunks(), table["text"].combine_chunks())


def join(persons: pa.StringArray, facts: list[pa.RecordBatch]) -> tuple[dict[str, pa.StringArray], NDArray[np.bool_]]:
    """Return what is known of each of different persons, and which of them are odd."""
    import pyarrow as pa
    import pyarrow.compute as pc

    odd = np.zeros(len(persons), dtype=np.bool_)
    if not facts:
        return dict.fromkeys(FACTS, empties(len(persons))), odd
    table = pa.Table.from_batches(facts).combine_chunks()
    places = pc.index_in(persons_of(table), value_set=persons)
    own, there = to_numpy(places)
    rows = np.flatnonzero(there) if there is not None else np.arange(len(own))
    own = own[rows].astype(np.int64)
    odd[own[to_numpy(table["odd"].combine_chunks())[0][rows] != 0]] = True
    return {
        name: _agreed(table[name].combine_chunks().take(from_numpy(rows)), own, len(persons)) for name in FACTS
    }, odd


def _agreed(said: pa.StringArray, persons: NDArray[np.int64], many: int) -> pa.StringArray:
    """Return what is said of each person; several different things are settled by the rule for two sources."""
    import pyarrow as pa

    coded = said.dictionary_encode()
    codes = to_numpy(coded.indices)[0].astype(np.int64)
    texts = coded.dictionary.to_pylist()
    empty = np.array([not text for text in texts], dtype=np.bool_)[codes] if texts else np.zeros(0, dtype=np.bool_)
    codes, persons = codes[~empty], persons[~empty]
    chosen = np.full(many, len(texts), dtype=np.int64)
    chosen[persons] = codes
    differs = np.unique(persons[chosen[persons] != codes])
    unknown = len(texts) + 1
    chosen[differs] = unknown
    words = pa.concat_arrays([coded.dictionary, from_texts(["", agreed("one", "another")])])
    return words.take(from_numpy(chosen))
