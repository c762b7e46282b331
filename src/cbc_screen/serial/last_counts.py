"""The last count of each person, screened with what earlier counts show of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, from_texts
from cbc_screen.engines.frames import Engine
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.knowledge.library import Knowledge
from cbc_screen.normalize.columns import Normalized
from cbc_screen.serial.counts import CountBlock
from cbc_screen.serial.courses import tell
from cbc_screen.serial.histories import Asked, Histories
from cbc_screen.serial.onset import as_if
from cbc_screen.serial.persistence import rows_of
from cbc_screen.serial.reasons import bits_of, words_of
from cbc_screen.serial.segments import Bools, Ints, Places, all_of, any_of, chosen, is_one_of, largest, sizes, smallest
from cbc_screen.vocabulary import Answer, Pregnancy

if TYPE_CHECKING:
    import pyarrow as pa

_YES, _NO, _UNSURE = (list(Answer).index(own) for own in (Answer.YES, Answer.NO, Answer.CANNOT_TELL))
_NOT_STATED = PREGNANCIES.index(Pregnancy.NOT_STATED)
PREFIX = "last_"
# The words of the last count that are told of a person; the others are those of a scan.
_WORDS = ("pattern", "severity", "urgency")
_NUMBER = "checklist_shown"
_ONE_LIST = ("checklist", "checklist_groups", "checklist_shown")
_LISTS = ("urgency_reasons", "checklist", "checklist_groups", "checklist_shown", "next_tests")


def courses_of(histories: Histories, knowledge: Knowledge) -> dict[str, Asked]:
    """Ask every course, and every finding that earlier counts show, of each person; codes of `Answer`."""
    every = {**knowledge.courses, **knowledge.shown_findings}
    return {name: tell(histories, own.rule) for name, own in every.items()}


def with_courses(batch: Batch, told: Mapping[str, Asked], knowledge: Knowledge) -> Batch:
    """Return a batch with what earlier counts show of each row; what is stated and contradicted by it is unknown."""
    none = np.zeros(batch.rows, dtype=np.bool_)
    findings = dict(batch.findings)
    for name, code in told.items():
        present, absent = findings.get(name, (none, none)) if name in knowledge.shown_findings else (none, none)
        yes, no = present | (code == _YES), absent | (code == _NO)
        findings[name] = yes & ~no, no & ~yes
    return replace(batch, findings=findings)


# The counts -------------------------------------------------------------------------------


def last_batch(counts: CountBlock, last: Places) -> Batch:
    """Return the last counts of persons, by their last moments; rows that meet at one moment are one count.

    What they differ in is anything between, and unknown where nothing lies between.
    """
    rows = counts.first_row[last]
    batch = as_if(counts.batch, rows, rows)
    met = np.flatnonzero(sizes(counts.starts, len(counts.used))[last] > 1)
    return batch if not len(met) else _merged(counts, batch, last, met)


def _merged(counts: CountBlock, batch: Batch, last: Places, met: Places) -> Batch:
    at, every, starts = counts.used, counts.batch, counts.starts
    moments = last[met]

    def of(values: NDArray[Any], join: Callable[[NDArray[Any], Places], NDArray[Any]]) -> NDArray[Any]:
        return join(values[at], starts)[moments]

    def put(own: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
        found = own.copy()
        found[met] = values
        return found

    def same(values: NDArray[Any]) -> Bools:
        plain = np.nan_to_num(values.astype(np.float64), nan=-1.0)
        agree: Bools = of(plain, largest) == of(plain, smallest)
        return agree

    low = {name: put(own, of(every.low[name], smallest)) for name, own in batch.low.items()}
    high = {name: put(own, of(every.high[name], largest)) for name, own in batch.high.items()}
    doubted = {name: ~(same(a) & same(b)) for name, (a, b) in every.reported.items()}
    if every.uncorrected is not None and "wbc" in low:
        doubted["wbc"] = doubted.get("wbc", False) | ~same(every.uncorrected)
    for name, differ in doubted.items():
        these = met[differ & ~np.isnan(low[name][met])] if name in low else met[:0]
        low[name][these], high[name][these] = 0.0, np.inf
    findings = {}
    for name, (present, absent) in every.findings.items():
        yes, no = of(present, any_of), of(absent, any_of)
        findings[name] = put(batch.findings[name][0], yes & ~no), put(batch.findings[name][1], no & ~yes)
    sex = np.where(every.sex == SEXES.index(SEXES[-1]), len(SEXES), every.sex)
    known = of(sex, smallest)
    return replace(
        batch,
        low=low,
        high=high,
        findings=findings,
        method=None if every.method is None or batch.method is None else _method(every.method, batch.method, of, put),
        days_low=put(batch.days_low, of(every.days_low, smallest)),
        days_high=put(batch.days_high, of(every.days_high, largest)),
        months_low=put(batch.months_low, of(every.months_low, smallest)),
        months_high=put(batch.months_high, of(every.months_high, largest)),
        age_known=put(batch.age_known, of(every.age_known, all_of)),
        sex=put(batch.sex, np.minimum(known, len(SEXES) - 1).astype(batch.sex.dtype)),
        pregnancy=put(batch.pregnancy, np.where(same(every.pregnancy), batch.pregnancy[met], _NOT_STATED)),
    )


def _method(
    every: tuple[Bools, Bools], own: tuple[Bools, Bools], of: Callable[..., Bools], put: Callable[..., Bools]
) -> tuple[Bools, Bools]:
    automated, manual = (of(side, any_of) for side in every)
    return put(own[0], automated & ~manual), put(own[1], manual & ~automated)


# The columns ------------------------------------------------------------------------------


def last_columns(histories: Histories, engine: Engine, with_history: Kernel) -> dict[str, pa.Array]:
    """Return what is told of the last count of each person; null, or cannot_tell, where it is not known which it is.

    A count without a time may be the last one: what is told then is what each count that may be the last one says, and the
    urgency where it is the same whatever earlier counts show.
    """
    counts, knowledge = histories.followed.counts, engine.knowledge
    sure = ~counts.conflict[histories.of]
    people, last = histories.of[sure], histories.last[sure]
    place = np.full(counts.people, -1, dtype=np.int64)
    place[people] = np.arange(len(people))
    untimed = np.flatnonzero(counts.untimed & (place[counts.person] >= 0))
    whose = counts.person[untimed]
    doubted = np.zeros(counts.people, dtype=np.bool_)
    doubted[whose] = True
    told = {name: _doubted(code, doubted) for name, code in courses_of(histories, knowledge).items()}
    screens = _Screens(histories, engine, with_history, told, doubted)
    flags = screens.flags(last_batch(counts, last), counts.first_row[last], people)
    others = screens.flags(as_if(counts.batch, untimed, untimed), untimed, whose)
    these = doubted[people]
    most = screens.with_every_course()
    high = most.flags(last_batch(counts, last[these]), counts.first_row[last[these]], people[these])
    higher = most.flags(as_if(counts.batch, untimed, untimed), untimed, whose)
    columns = _of_people(place, flags, _Others(others, whose), [_Others(high, people[these]), _Others(higher, whose)])
    moment = np.full(counts.people, -1, dtype=np.int64)
    moment[people] = last
    row = rows_of(counts, np.where(doubted, -1, moment))
    columns = {f"{PREFIX}row": from_numpy(row.astype(np.int64), row < 0), **columns}
    found = [*knowledge.courses, *knowledge.shown_findings]
    for name, code in (("course", _YES), ("course_cannot_tell", _UNSURE)):
        truths = {own: told[own] == code for own in found}
        columns[name] = words_of(found, bits_of(found, truths, counts.people))
    return columns


def _doubted(code: Asked, these: Bools) -> Asked:
    """Take back what earlier counts show of the last one of some persons: it is not known which count is the last."""
    return chosen(these & is_one_of(code, _YES, _NO), _UNSURE, code)


@dataclass(frozen=True)
class _Screens:
    """Screens counts of persons: those who have earlier counts with what these show.

    `doubted` persons have counts of which one, it is not known which, is the last.
    """

    histories: Histories
    engine: Engine
    with_history: Kernel
    told: Mapping[str, Asked]
    doubted: Bools

    def with_every_course(self) -> _Screens:
        """Return what screens counts as if earlier ones showed everything that a rule may ask for."""
        return replace(self, told={name: np.full_like(code, _YES) for name, code in self.told.items()})

    def flags(self, batch: Batch, rows: Places, people: Ints) -> pa.Table:
        """Return the flags of each count of a batch; `rows` are its rows in the block, and `people` whose they are."""
        import pyarrow as pa

        several = (self.histories.several | self.doubted)[people]
        tables, order = [], []
        for has_history in (True, False):
            these = np.flatnonzero(several == has_history)
            if len(these):
                tables.append(self._flags(as_if(batch, these, these), rows[these], people[these], has_history))
                order.append(these)
        if not tables:
            return pa.table({name: pa.nulls(0, _kind(name)) for name in (*_WORDS, *_LISTS)})
        if len(tables) == 1:
            return tables[0]
        # Texts stay codes of one dictionary: lists are long, and nearly every person has another one.
        return pa.concat_tables(tables).unify_dictionaries().take(from_numpy(np.argsort(np.concatenate(order))))

    def _flags(self, batch: Batch, rows: Places, people: Ints, has_history: bool) -> pa.Table:
        import pyarrow as pa

        engine, normalized = self.engine, self.histories.followed.counts.normalized
        if has_history:
            batch = with_courses(batch, {name: code[people] for name, code in self.told.items()}, engine.knowledge)
            engine = replace(engine, kernel=self.with_history)
        reasons = {name: own[rows] for name, own in normalized.reasons.items()}
        found = engine.table(Normalized(batch, reasons), engine.kernel.screen(batch), detail=False)
        return pa.table({name: found[name].cast(_kind(name)) for name in (*_WORDS, *_LISTS)})


def _kind(name: str) -> pa.DataType:
    import pyarrow as pa

    return pa.int64() if name == _NUMBER else pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class _Others:
    """Flags of further counts, and whose they are."""

    flags: pa.Table
    whose: Ints


def _of_people(place: Ints, flags: pa.Table, others: _Others, urgent: Sequence[_Others]) -> dict[str, pa.Array]:
    """Put flags in the order of the persons; nothing is told where those of every count that may be the last one differ.

    `place` has the flags of each person's last count in order, -1 where there is none: no answer is told. `urgent` are further
    flags with which the urgency must agree; its reasons are told where it is.
    """
    told = {name: _and_nothing(flags[name], name) for name in (*_WORDS, *_LISTS)}
    differ = {name: _who_differ(place, own, others, name) for name, own in told.items()}
    for further in urgent:
        differ["urgency"] |= _who_differ(place, told["urgency"], further, "urgency")
    differ["urgency_reasons"] |= differ["urgency"]
    for name in _ONE_LIST:  # entries, their groups and how many are shown say nothing without each other
        differ[name] = np.logical_or.reduce([differ[own] for own in _ONE_LIST])
    columns: dict[str, pa.Array] = {}
    for name, own in told.items():
        column = own.take(from_numpy(np.where((place < 0) | differ[name], len(own) - 1, place)))
        if name != _NUMBER:
            column = _as_they_come(column, Answer.CANNOT_TELL.value if name in _WORDS else None)
        columns[f"{PREFIX}{name}"] = column
    return columns


def _as_they_come(column: pa.DictionaryArray, in_place_of_null: str | None) -> pa.DictionaryArray:
    """Return coded words with those alone that are there, in the order in which they come, each once."""
    import pyarrow as pa

    codes, words = column.indices, column.dictionary
    if in_place_of_null is not None:
        codes = codes.fill_null(len(words))
        words = pa.concat_arrays([words, from_texts([in_place_of_null])])
    there = codes.dictionary_encode()
    own = words.take(there.dictionary).dictionary_encode()
    return pa.DictionaryArray.from_arrays(own.indices.take(there.indices), own.dictionary)


def _and_nothing(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Return a column with a null behind it."""
    import pyarrow as pa

    if name == _NUMBER:
        return pa.concat_arrays([*column.chunks, pa.nulls(1, column.type)])
    chunks = column.unify_dictionaries().chunks  # of one dictionary each
    words = chunks[0].dictionary if chunks else pa.nulls(0, pa.string())
    codes = pa.concat_arrays([*(chunk.indices for chunk in chunks), pa.nulls(1, pa.int32())])
    return pa.DictionaryArray.from_arrays(codes, words)


def _who_differ(place: Ints, own: pa.Array, others: _Others, name: str) -> Bools:
    """Tell of which persons a further count has another flag than their last one."""
    found = np.zeros(len(place), dtype=np.bool_)
    if len(others.whose):
        found[others.whose[_differ(own.take(from_numpy(place[others.whose])), others.flags[name])]] = True
    return found


def _differ(one: pa.Array, other: pa.ChunkedArray) -> NDArray[np.bool_]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, nothing = (one.type, -1) if pa.types.is_integer(one.type) else (pa.string(), "")
    differ: NDArray[np.bool_] = pc.not_equal(
        pa.chunked_array([one.cast(kind).fill_null(nothing)]), other.cast(kind).fill_null(nothing)
    ).to_numpy()
    return differ
