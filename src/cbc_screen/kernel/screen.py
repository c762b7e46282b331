"""The kernel: batches of columns, or one record, to facts and conclusions.

Both doors run programs lowered from the same definition. A person who allows several
keys (approximate age, unknown sex, unknown trimester) is worked out for every key, the
facts are joined (a fact is known where all keys agree), and conclusions are drawn once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.columns import Inputs
from cbc_screen.kernel.compiled import Compiled
from cbc_screen.kernel.definition import Programs, build_programs
from cbc_screen.kernel.joining import Unsure, join_expanded
from cbc_screen.kernel.keys import SITUATIONS, UNSTATED
from cbc_screen.kernel.limits import KernelLimits
from cbc_screen.kernel.one_record import RecordKernel
from cbc_screen.kernel.printed import Printed, ProgramPart
from cbc_screen.kernel.rules import Given, Rules
from cbc_screen.kernel.scalar import print_scalar
from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES, InputScope, scope_of
from cbc_screen.vocabulary import Pregnancy, Sex

# The situation of a key where sex and pregnancy leave one choice, by [sex, pregnancy] code.
_ONE_SITUATION = np.full((len(SEXES), len(PREGNANCIES)), -1, dtype=np.int64)
for _stage in (Pregnancy.NONE, Pregnancy.NOT_STATED):
    _ONE_SITUATION[SEXES.index(Sex.MALE), PREGNANCIES.index(_stage)] = SITUATIONS.index(("M", ("none",)))
_ONE_SITUATION[SEXES.index(Sex.FEMALE), PREGNANCIES.index(Pregnancy.NONE)] = SITUATIONS.index(("F", ("none",)))
_ONE_SITUATION[SEXES.index(Sex.FEMALE), PREGNANCIES.index(Pregnancy.NOT_STATED)] = UNSTATED
for _stage in (Pregnancy.T1, Pregnancy.T2, Pregnancy.T3):
    _ONE_SITUATION[SEXES.index(Sex.FEMALE), PREGNANCIES.index(_stage)] = SITUATIONS.index(("F", (_stage.value,)))
_EXPANDED_AT_ONCE = 65_536
_ALIKE, _MANY_KEYS = 1_024, 32  # rows of the same keys: fewer of either are faster laid out together (measured)
_KEYS_AT_ONCE = 16_384  # that stay in the cache
# Rows, each row once for each of its keys, those keys, and where each row begins.
Expansion = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]


def given_inputs(batch: Batch) -> Given:
    """Say which inputs a batch has.

    One inexact cell makes all analytes inexact: batches of one file then need two programs,
    and not one for every set of analytes in which a cell happens to be censored.
    """
    analytes = frozenset(batch.low)
    return Given(
        analytes=analytes,
        inexact=frozenset() if all(batch.high[a] is batch.low[a] for a in analytes) else analytes,
        findings=frozenset(batch.findings),
        reported=frozenset(batch.reported),
        method=batch.method is not None,
        uncorrected=batch.uncorrected is not None,
        unsent=_neutrophils_unsent(batch),
    )


def _neutrophils_unsent(batch: Batch) -> bool:
    """Tell whether some row may have no count of neutrophils: what else is told of its white cells then bounds them.

    Beside segmented cells it bounds them too: their bands may not have been sent.
    """
    own = batch.low.get("neutrophils")
    return own is None or bool(np.isnan(own).any()) or any(name.startswith("segmented") for name in batch.low)


class Kernel:
    """The compiled screen of one configuration. Thread-safe: it only caches."""

    def __init__(self, rules: Rules, limits: KernelLimits) -> None:
        self.rules, self.limits = rules, limits
        self._made = lru_cache(maxsize=64)(self._compile)
        self._lock = Lock()

    def _compile(self, given: Given) -> Compiled:
        return Compiled(build_programs(self.rules, given), self.limits.table)

    def _compiled(self, given: Given) -> Compiled:
        with self._lock:  # two threads would make the same programs twice
            return self._made(given)

    def programs(self, given: Given) -> Programs:
        """Return the definition lowered for one set of inputs, to be printed in another language."""
        return self._compiled(given).programs

    # Columns -----------------------------------------------------------------------

    def screen(self, batch: Batch) -> Answers:
        """Screen a batch; the answers are codes and flags by name (see conclusions.py)."""
        compiled = self._compiled(given_inputs(batch))
        keys, unsure = self.keys(batch)
        inputs = batch.inputs()
        answers = compiled.columns("fused").run(inputs, keys)
        for group in self._groups(batch, unsure):
            joined = compiled.joiner("facts").join(inputs, group)
            joined |= group.told_of_each(self.limits.grid_columns.left_open(group.keys))
            concluded = compiled.columns("conclusions").run(joined, np.zeros(len(group.rows), dtype=np.intp))
            answers.others.append((group.rows, concluded))
        answers.later = lambda rows: self._lists(batch, inputs, keys, unsure, rows)
        return answers

    def _lists(
        self,
        batch: Batch,
        inputs: Inputs,
        keys: NDArray[np.intp],
        unsure: NDArray[np.intp],
        rows: NDArray[np.intp],
    ) -> Answers:
        """Work out what the checklists of some rows are made from."""
        compiled = self._compiled(given_inputs(batch))
        # An interval's ends are one column where no value is inexact, and stay one.
        taken = {id(column): column[rows] for column in inputs.values()}
        answers = compiled.columns("list_cells").run({n: taken[id(c)] for n, c in inputs.items()}, keys[rows])
        own = np.intersect1d(unsure, rows, assume_unique=True)
        for group in self._groups(batch, own):
            joined = compiled.joiner("list_facts").join(inputs, group)
            concluded = compiled.columns("list_conclusions").run(joined, np.zeros(len(group.rows), dtype=np.intp))
            answers.others.append((np.searchsorted(rows, group.rows), concluded))
        return answers

    def _groups(self, batch: Batch, unsure: NDArray[np.intp]) -> Iterator[Unsure]:
        """Yield rows that have the same keys where they are many, else rows that have equally many, so many at a time."""
        found, place = self._situations(batch, unsure)
        alike = np.bincount(place, minlength=len(found)) >= _ALIKE
        alike &= np.array([len(keys) for keys in found]) >= _MANY_KEYS
        for number in np.flatnonzero(alike).tolist():
            rows, keys = unsure[place == number], np.array([found[number]], dtype=np.intp)
            for start in range(0, len(rows), _EXPANDED_AT_ONCE):
                yield Unsure(rows[start : start + _EXPANDED_AT_ONCE], keys)
        others = np.flatnonzero(~alike[place])
        counts = np.array([len(keys) for keys in found], dtype=np.intp)[place[others]]
        for count in np.unique(counts):
            own = others[counts == count]
            step = max(8, _EXPANDED_AT_ONCE // int(count))
            for start in range(0, len(own), step):
                part = own[start : start + step]
                yield Unsure(unsure[part], np.array([found[number] for number in place[part]], dtype=np.intp))

    def keys(self, batch: Batch) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the key of each row, and the rows that have several."""
        keys, one = np.empty(batch.rows, dtype=np.intp), np.empty(batch.rows, dtype=np.bool_)
        for start in range(0, batch.rows, _KEYS_AT_ONCE):
            part = slice(start, start + _KEYS_AT_ONCE)
            self._keys_of(batch, part, keys[part], one[part])
        unsure = np.flatnonzero(~one)
        if not len(unsure):
            return keys, unsure
        # Where the possible situations come to one key, the row is as sure as any other.
        choices = self._choices(batch, unsure)
        several = np.array([len(own) > 1 for own in choices], dtype=np.bool_)
        keys[unsure[~several]] = [own[0] for own in choices if len(own) == 1]
        return keys, unsure[several]

    def _keys_of(self, batch: Batch, part: slice, keys: NDArray[np.intp], one: NDArray[np.bool_]) -> None:
        """Write the keys of some rows, 0 for those that have several, and which have one."""
        grid = self.limits.grid_columns
        number = grid.class_at(batch.days_low[part], batch.months_low[part])
        situation = _ONE_SITUATION.ravel().take(
            batch.sex[part] * np.int8(len(PREGNANCIES)) + batch.pregnancy[part], mode="clip"
        )
        np.logical_and(number >= 0, situation >= 0, out=one)
        one &= batch.age_known[part]
        if self.limits.grid.beside:
            one &= grid.alone.take(number, mode="clip")
        by_months = batch.months_high is batch.months_low and grid.past_days(batch.days_low[part])
        if not by_months and (batch.days_high is not batch.days_low or batch.months_high is not batch.months_low):
            # Places that are possible have a class each: an equal class is an equal place.
            one &= number == grid.class_at(batch.days_high[part], batch.months_high[part])
        number *= len(SITUATIONS)
        np.add(number, situation, out=keys)
        if not one.all():
            keys[~one] = 0

    def expand(self, batch: Batch, rows: NDArray[np.intp]) -> Iterator[Expansion]:
        """Repeat each row for every key it can have, so many rows at a time."""
        choices = self._choices(batch, rows)
        counts = np.array([len(keys) for keys in choices], dtype=np.intp)
        ends = np.cumsum(counts)
        start = 0
        while start < len(rows):
            base = ends[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, base + _EXPANDED_AT_ONCE, side="right")))
            expanded = np.repeat(rows[start:stop], counts[start:stop])
            keys = np.fromiter((key for own in choices[start:stop] for key in own), dtype=np.intp, count=len(expanded))
            firsts = np.concatenate([[0], np.cumsum(counts[start:stop])[:-1]]).astype(np.intp)
            yield rows[start:stop], expanded, keys, firsts
            start = stop

    def _choices(self, batch: Batch, unsure: NDArray[np.intp]) -> list[tuple[int, ...]]:
        """Return every key of each unsure row."""
        found, place = self._situations(batch, unsure)
        return [found[number] for number in place.tolist()]

    def _situations(self, batch: Batch, unsure: NDArray[np.intp]) -> tuple[list[tuple[int, ...]], NDArray[np.intp]]:
        """Return the keys of every situation of unsure rows, each worked out once, and the situation of each row."""
        grid, columns = self.limits.grid, self.limits.grid_columns
        known = batch.age_known[unsure]
        days, months = len(grid.day_edges), len(grid.month_edges)
        parts = (
            (np.where(known, columns.day_place(batch.days_low[unsure]), 0), days + 1),
            (np.where(known, columns.day_place(batch.days_high[unsure]), days), days + 1),
            (np.where(known, columns.month_place(batch.months_low[unsure]), 0), months + 1),
            (np.where(known, columns.month_place(batch.months_high[unsure]), months), months + 1),
            (batch.sex[unsure], len(SEXES)),
            (batch.pregnancy[unsure], len(PREGNANCIES)),
        )
        # One number for a situation: rows of a matrix are sorted twenty times as slowly (measured).
        sizes = tuple(size for _, size in parts)
        situations = np.ravel_multi_index(tuple(part.astype(np.intp) for part, _ in parts), sizes)
        unique, inverse = np.unique(situations, return_inverse=True)
        found = [
            self.limits.keys_of((a, b, c, d), SEXES[sex], PREGNANCIES[stage])
            for a, b, c, d, sex, stage in zip(*(part.tolist() for part in np.unravel_index(unique, sizes)), strict=True)
        ]
        return found, inverse.ravel().astype(np.intp)

    def numbers_derived(self, batch: Batch) -> dict[str, NDArray[np.generic]]:
        """Return the derived and corrected numbers of a batch alone; they are the same for every key of a row."""
        compiled = self._compiled(given_inputs(batch))
        return dict(compiled.columns("values").run(batch.inputs(), self.keys(batch)[0]))

    def numbers_used(self, batch: Batch) -> dict[str, NDArray[np.generic]]:
        """Return the derived and corrected numbers of a batch, and the limits behind its answers.

        A limit is joined over the keys of a row: its `min` is its `max` where all agree.
        """
        compiled = self._compiled(given_inputs(batch))
        inputs, (keys, unsure) = batch.inputs(), self.keys(batch)
        found = {**compiled.columns("values").run(inputs, keys), **compiled.columns("limits").run(inputs, keys)}
        for rows, expanded, own, firsts in self.expand(batch, unsure):
            joined = join_expanded(compiled.columns("limits"), inputs, expanded, own, firsts)
            for name, column in joined.items():
                found[name][rows] = column
        return found

    # One record ----------------------------------------------------------------------

    @cached_property
    def record(self) -> RecordKernel:
        """The same screen for one record."""
        return RecordKernel(self.limits, self.printed)

    def printed(self, scope: InputScope, reported: bool, part: ProgramPart) -> Printed:
        """Print a program for one record with no inputs outside a scope."""
        analytes = frozenset(a for a, analyte in self.rules.analytes.items() if scope_of(a, analyte.counted) <= scope)
        beyond = scope is InputScope.ALL
        findings = self.rules.findings if beyond else frozenset()
        ranged = self.rules.ranged & analytes if reported else frozenset()
        given = Given(analytes, analytes, findings, ranged, beyond, beyond, unsent=True)
        return print_scalar(getattr(self._compiled(given).programs, part), self.limits.columns)
