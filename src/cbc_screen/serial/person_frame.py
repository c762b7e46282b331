"""Whose each row is and when it was taken: columns of a frame, read once; then blocks of whole persons, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, to_bools, to_numpy
from cbc_screen.engines.frames import Engine, Prepared
from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.ingest.frames import to_arrow
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.knowledge.serial_rules import SerialRules
from cbc_screen.normalize.arrow import as_text
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.quoted import QuotedNames
from cbc_screen.normalize.value import fold
from cbc_screen.serial.order import in_order
from cbc_screen.serial.segments import Ints, Places, begins, counted, sizes
from cbc_screen.serial.times import Times, no_times, read_times

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 131_072  # rows that are worked out at once; persons are whole
AT_ONCE = 2  # blocks, by as many threads: numpy and the kernel leave the other one half of the time
_WORTH_PARTING = 65_536  # rows: a block alone costs as much as ten thousand of them
NOBODY = -1
_WITH_A_DIGIT = r"^[\x00-\x7f]*[0-9][\x00-\x7f]*$"


@dataclass(frozen=True)
class PersonFrame:
    """A frame understood: the person of each row (`NOBODY`: not said), its time, and what serial counts read besides."""

    ready: Prepared
    person: Ints
    names: pa.Array  # of the persons, in the order in which they come
    times: Times
    beside: Mapping[str, pa.Array]  # columns of suppressions, by their id
    laboratory: pa.Array | None


def read_source(
    ready: Prepared, frame: Any, rules: SerialRules, headers: Sequence[str], person: str | None, laboratory: str | None
) -> PersonFrame:
    """Read whose each row is, when it was taken, and the columns of laboratory and suppressions."""
    besides = columns_besides(ready.engine, ready.plan, headers, rules, person, laboratory)
    column, laboratory, stated = besides
    wanted = [column, *([laboratory] if laboratory else []), *stated.values()]
    arrays = to_arrow(frame, list(dict.fromkeys(wanted)))
    beside = {own: arrays[name] for own, name in stated.items()}
    return person_frame(ready, arrays[column], times_of(ready), beside, arrays[laboratory] if laboratory else None)


def columns_besides(
    engine: Engine,
    plan: Plan,
    headers: Sequence[str],
    rules: SerialRules,
    person: str | None,
    laboratory: str | None,
) -> tuple[str, str | None, dict[str, str]]:
    """Return the columns of the person and of the laboratory, and those of suppressions by their id."""
    column = person_column(engine, plan, headers, person)
    if column is None:
        raise UsageError("no column says whose each row is; name it with person= (--person COLUMN)")
    laboratory = laboratory or _named(headers, rules.laboratory_columns)
    if laboratory is not None and laboratory not in headers:
        raise UsageError(
            f"laboratory={laboratory!r}: there is no such column beside those that are read of the count and of the age and sex"
        )
    stated = {own.id: _named(headers, own.columns) for own in rules.suppressions if own.columns}
    return column, laboratory, {own: name for own, name in stated.items() if name}


def person_frame(
    ready: Prepared, persons: pa.Array, times: Times, beside: Mapping[str, pa.Array], laboratory: pa.Array | None
) -> PersonFrame:
    """Return a frame understood, from its columns."""
    names, codes = persons_in(persons)
    return PersonFrame(ready=ready, person=codes, names=names, times=times, beside=beside, laboratory=laboratory)


def person_column(engine: Engine, plan: Plan, headers: Sequence[str], person: str | None) -> str | None:
    """Return the column that says whose each row is, if there is one: the caller's, or one that is known by its name."""
    if person is not None:
        if person not in headers:
            raise UsageError(
                f"person={person!r}: there is no such column beside those that are read of the count and of the age and sex"
                f"{did_you_mean(person, QuotedNames(engine.knowledge, headers).told())}"
            )
        return person
    # A person's number is looked at for controls too.
    taken = set(plan.columns) - {column for _, column in plan.specimens}
    free = [name for name in headers if name not in taken]
    return next(iter(engine.knowledge.result_tables.find(free).get("person", ())), None)


def _named(headers: Sequence[str], names: frozenset[str]) -> str | None:
    return next((header for header in headers if plain_name(header) in names), None)


def persons_in(column: pa.Array) -> tuple[pa.Array, Ints]:
    """Return the persons in the order in which they come, and which of them each row is of; blank is nobody."""
    encoded = _encoded(column)
    indices, valid = to_numpy(encoded.indices)
    there = np.append(_is_person(encoded.dictionary), False)  # the last place is that of a null
    codes = indices if valid is None else np.where(valid, indices, -1)
    place = np.where(there, counted(there).astype(np.int64) - 1, NOBODY).take(codes)
    if encoded.dictionary.type == column.type:
        return encoded.dictionary.filter(from_numpy(there[:-1])), place
    # Persons are numbered as they come: a row is the first of its person where the number is larger than any before.
    first = np.flatnonzero(np.diff(np.maximum.accumulate(place), prepend=NOBODY) > 0)
    return column.take(from_numpy(first)), place


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    """Return a column by its distinct values, in the order in which they come."""
    import pyarrow as pa

    if pa.types.is_integer(column.type):
        return column.dictionary_encode()  # two whole numbers are two texts
    texts = as_text(column)
    # Two places of one dictionary may hold the same word: encoded once more they are one person.
    plain = texts.cast(texts.type.value_type) if pa.types.is_dictionary(texts.type) else texts
    return plain.dictionary_encode()


def _is_person(keys: pa.Array) -> NDArray[np.bool_]:
    """Tell which keys name a person.

    Where no word for nobody has a digit, whole numbers and words with a plain digit do: nearly all, told at once.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    own = load_measures().words
    found = np.zeros(len(keys), dtype=np.bool_)
    digits = any(letter.isdigit() for word in own.no_persons for letter in word)
    if not digits and pa.types.is_integer(keys.type):
        return ~found
    words = as_text(keys)
    if not digits:
        found = to_bools(pc.fill_null(pc.match_substring_regex(words, _WITH_A_DIGIT), False))
    others = np.flatnonzero(~found)
    texts = words.take(from_numpy(others)).to_pylist()
    found[others] = [word is not None and own.is_person(fold(word)) for word in texts]
    return found


def times_of(ready: Prepared) -> Times:
    """Return when each row was taken."""
    name = ready.plan.people.get("collected_at")
    if name is None:
        return no_times(ready.rows)
    return read_times(ready.arrays[name], ready.plan.declared.date_format_of("collected_at"))


def blocks(source: PersonFrame) -> Iterator[tuple[Places, Ints]]:
    """Yield rows in the order of person and time, whole persons at once, and the person of each."""
    order = in_order(source.person, source.times)
    order = order[int((source.person == NOBODY).sum()) :]
    person = source.person.take(order)
    starts = begins(person)
    if not len(starts):
        return
    many = sizes(starts, len(order))
    # A block ends where the next person would not fit any more; a person of more rows is a block alone.
    first, block = 0, _block_of(len(order))
    until = np.cumsum(many)
    while first < len(starts):
        begin = int(starts[first])
        last = max(int(np.searchsorted(until, begin + block, side="right")), first + 1)
        part = slice(begin, int(until[last - 1]))
        yield order[part], person[part]
        first = last


def _block_of(rows: int) -> int:
    """Return how many rows a block has at the most: as many for each thread, with room for whole persons, none waits long."""
    if rows <= _WORTH_PARTING:
        return BLOCK
    parts = -(-rows // (BLOCK * AT_ONCE)) * AT_ONCE
    return min(BLOCK, rows // parts + rows // parts // 64 + 1)


def taken(arrays: Mapping[str, pa.Array], rows: NDArray[np.intp]) -> dict[str, pa.Array]:
    """Return some rows of some columns."""
    places = from_numpy(rows.astype(np.int64))
    return {name: array.take(places) for name, array in arrays.items()}
