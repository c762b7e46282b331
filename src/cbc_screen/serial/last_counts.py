"""The last count of each person, screened with what earlier counts show of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy
from cbc_screen.engines.frames import Engine
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.knowledge.library import Knowledge
from cbc_screen.normalize.columns import Normalized
from cbc_screen.serial.counts import CountBlock
from cbc_screen.serial.courses import Asked, Histories
from cbc_screen.serial.onset import as_if
from cbc_screen.serial.persistence import rows_of
from cbc_screen.serial.reasons import bits_of, words_of
from cbc_screen.serial.segments import Bools, Ints, Places, all_of, any_of, largest, sizes, smallest
from cbc_screen.vocabulary import Answer, Pregnancy

if TYPE_CHECKING:
    import pyarrow as pa

_YES, _NO, _UNSURE = (list(Answer).index(own) for own in (Answer.YES, Answer.NO, Answer.CANNOT_TELL))
_NOT_STATED = PREGNANCIES.index(Pregnancy.NOT_STATED)
PREFIX = "last_"
# The words of the last count that are told of a person; the others are those of a scan.
_WORDS = ("pattern", "severity", "urgency")
_NUMBER = "checklist_shown"
_LISTS = ("urgency_reasons", "checklist", "checklist_groups", "checklist_shown", "next_tests")


def courses_of(histories: Histories, knowledge: Knowledge) -> dict[str, Asked]:
    """Ask every course, and every finding that earlier counts show, of each person; codes of `Answer`."""
    every = {**knowledge.courses, **knowledge.shown_findings}
    return {name: histories.tell(own.rule) for name, own in every.items()}


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
    """Return what is told of the last count of each person; null, or cannot_tell, where it is not known which it is."""
    counts, knowledge = histories.followed.counts, engine.knowledge
    people, told = histories.of, courses_of(histories, knowledge)
    sure = ~counts.conflict[people]
    people, last = people[sure], histories.last[sure]
    batch, rows = last_batch(counts, last), counts.first_row[last]
    timed = histories.several[people]
    tables, order = [], []
    for has_history in (True, False):
        these = np.flatnonzero(timed == has_history)
        if len(these):
            own = as_if(batch, these, these)
            if has_history:
                own = with_courses(own, {name: code[people[these]] for name, code in told.items()}, knowledge)
            screen = replace(engine, kernel=with_history) if has_history else engine
            tables.append(_flags(screen, counts.normalized, own, rows[these]))
            order.append(people[these])
    moment = np.full(counts.people, -1, dtype=np.int64)
    moment[people] = last
    row = rows_of(counts, moment)
    columns = {f"{PREFIX}row": from_numpy(row.astype(np.int64), row < 0)}
    columns |= _of_people(counts.people, tables, order)
    found = [*knowledge.courses, *knowledge.shown_findings]
    for name, code in (("course", _YES), ("course_cannot_tell", _UNSURE)):
        truths = {own: told[own] == code for own in found}
        columns[name] = words_of(found, bits_of(found, truths, counts.people))
    return columns


def _flags(engine: Engine, normalized: Normalized, batch: Batch, rows: Places) -> pa.Table:
    reasons = {name: own[rows] for name, own in normalized.reasons.items()}
    answers = engine.kernel.screen(batch)
    return engine.table(Normalized(batch, reasons), answers, detail=False).select([*_WORDS, *_LISTS])


def _of_people(people: int, tables: list[pa.Table], order: list[Ints]) -> dict[str, pa.Array]:
    """Put flags in the order of the persons; of whom there are none, no answer is told."""
    import pyarrow as pa

    place = np.full(people, -1, dtype=np.int64)
    columns: dict[str, pa.Array] = {}
    if tables:
        place[np.concatenate(order)] = np.arange(sum(map(len, tables)))
    for name in (*_WORDS, *_LISTS):
        kind = pa.int64() if name == _NUMBER else pa.string()
        parts = [part.cast(kind) for table in tables for part in table[name].chunks]
        whole = pa.concat_arrays([*parts, pa.nulls(1, kind)])  # the last place: nothing is told
        column = whole.take(from_numpy(np.where(place < 0, len(whole) - 1, place)))
        if name in _WORDS:
            column = column.fill_null(Answer.CANNOT_TELL.value)
        columns[f"{PREFIX}{name}"] = column if name == _NUMBER else column.dictionary_encode()
    return columns
