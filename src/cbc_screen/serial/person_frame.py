"""Whose each row is and when it was taken: columns of a frame, read once; then blocks of whole persons, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, to_numpy
from cbc_screen.engines.frames import Engine, Prepared
from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.ingest.frames import to_arrow
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.knowledge.serial_rules import SerialRules
from cbc_screen.normalize.arrow import as_text
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.value import fold
from cbc_screen.serial.segments import Ints, Places, begins, sizes
from cbc_screen.serial.times import Times, no_times, read_times

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 131_072  # rows that are worked out at once; persons are whole
NOBODY = -1


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
                f"{did_you_mean(person, headers)}"
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
    import pyarrow as pa

    texts = as_text(column)
    # Two places of one dictionary may hold the same word: encoded once more they are one person.
    plain = texts.cast(texts.type.value_type) if pa.types.is_dictionary(texts.type) else texts
    encoded = plain.dictionary_encode()
    indices, valid = to_numpy(encoded.indices)
    codes = indices.astype(np.int64) if valid is None else np.where(valid, indices, NOBODY).astype(np.int64)
    words = encoded.dictionary
    is_person = load_measures().words.is_person
    blank = [place for place, word in enumerate(words.to_pylist()) if word is None or not is_person(fold(word))]
    if blank:
        codes = np.where(np.isin(codes, blank), NOBODY, codes)
    used, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    there = used != NOBODY
    order = np.argsort(np.where(there, first, len(codes)), kind="stable")[: int(there.sum())]
    place = np.full(len(used), NOBODY, dtype=np.int64)
    place[order] = np.arange(len(order))
    return column.take(from_numpy(first[order])), place[inverse.ravel()]


def times_of(ready: Prepared) -> Times:
    """Return when each row was taken."""
    name = ready.plan.people.get("collected_at")
    if name is None:
        return no_times(ready.rows)
    return read_times(ready.arrays[name], ready.plan.declared.date_format_of("collected_at"))


def blocks(source: PersonFrame) -> Iterator[tuple[Places, Ints]]:
    """Yield rows in the order of person and time, whole persons at once, and the person of each."""
    times = source.times
    unknown = np.where(times.known, times.first, np.iinfo(np.int64).max)
    order = np.lexsort((times.last, unknown, source.person))
    order = order[int((source.person == NOBODY).sum()) :]
    person = source.person[order]
    starts = begins(person)
    if not len(starts):
        return
    many = sizes(starts, len(order))
    # A block ends where the next person would not fit any more; a person of more rows is a block alone.
    first = 0
    until = np.cumsum(many)
    while first < len(starts):
        begin = int(starts[first])
        last = max(int(np.searchsorted(until, begin + BLOCK, side="right")), first + 1)
        part = slice(begin, int(until[last - 1]))
        yield order[part], person[part]
        first = last


def taken(arrays: Mapping[str, pa.Array], rows: NDArray[np.intp]) -> dict[str, pa.Array]:
    """Return some rows of some columns."""
    places = from_numpy(rows.astype(np.int64))
    return {name: array.take(places) for name, array in arrays.items()}
