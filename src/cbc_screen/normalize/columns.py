"""Columns of a table -> a batch for the kernel, and a reason code for every cell.

Cells go through the same readers as a record: distinct texts are read once each, and
plain numbers take the same arithmetic on arrays (tests hold the two equal).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel_batch import Batch
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import CIGARETTES, SMOKER_FINDING
from cbc_screen.normalize.agreement import confirmed, partners
from cbc_screen.normalize.arrow import as_text, distinct, floats, is_number
from cbc_screen.normalize.beside_cells import differ, remarks_of, said_under, with_signs
from cbc_screen.normalize.cells import (
    Cells,
    final_only,
    opened_by_flags,
    read_cells,
    restored,
    status_of,
    without_results,
)
from cbc_screen.normalize.codes import CODE, NO_REASON, RANGE_FIELD
from cbc_screen.normalize.people import read_ages, read_method, read_presence, read_sex_and_pregnancy
from cbc_screen.normalize.plan import Plan, PossibleColumn
from cbc_screen.normalize.remarks import CLUMPS, CLUMPS_SUSPECTED
from cbc_screen.normalize.reported_limits import reported_limits
from cbc_screen.normalize.sender_flags import finding_of, flag_beside
from cbc_screen.normalize.specimen import SPECIMEN_FIELD
from cbc_screen.normalize.specimen_columns import read_specimens
from cbc_screen.normalize.standing import StandingRule, stand_ins
from cbc_screen.normalize.suspect import tells_something
from cbc_screen.normalize.value import (
    fold,
)
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Normalized:
    """A batch, with the reason code of each cell by field (`NO_REASON` where there is none).

    `sex_letters` are the letters for sex that the rows have: those of all rows say what each means.
    `doubted` has the implausible numbers that nothing confirmed, in canonical units, NaN elsewhere.
    `specimens` has the reason of each row that is no patient's blood, if there is any.
    """

    batch: Batch
    reasons: Mapping[str, NDArray[np.int8]]
    sex_letters: frozenset[str] = frozenset()
    doubted: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    specimens: NDArray[np.int8] | None = None


def normalize_table(
    columns: Mapping[str, pa.Array], rows: int, plan: Plan, knowledge: Knowledge, *, use_reported: bool
) -> Normalized:
    """Normalize the columns of a table under a plan."""
    table = _Table(columns, rows, plan, knowledge)
    every = _with_confirmed({name: table.cells(name) for name in plan.analytes}, knowledge)
    for analyte, cells in every.items():
        table.add(analyte, cells, use_reported=use_reported)
    table.read_remarks()
    table.read_possible()
    table.note_settings()
    table.note_nothing_sent()
    specimens = read_specimens(columns, rows, plan, knowledge)
    if specimens is not None:
        table.void_rows(specimens)
    age = read_ages(columns, rows, plan, knowledge, table.reasons)
    sex, stage, letters = read_sex_and_pregnancy(columns, rows, plan, knowledge, table.reasons)
    batch = Batch(
        rows=rows,
        low=table.low,
        high=table.high,
        findings=table.found,
        reported=table.reported,
        method=read_method(columns, plan),
        uncorrected=read_presence(columns[plan.people["wbc_uncorrected"]], knowledge.words)[0]
        if "wbc_uncorrected" in plan.people
        else None,
        days_low=age.days_low,
        days_high=age.days_high,
        months_low=age.months_low,
        months_high=age.months_high,
        age_known=age.known,
        sex=sex,
        pregnancy=stage,
    )
    doubted = {name: cells.doubted.low for name, cells in every.items() if cells.doubted is not None}
    if specimens is not None:
        doubted = {name: np.where(specimens != NO_REASON, np.nan, own) for name, own in doubted.items()}
    return Normalized(batch, table.reasons, letters, doubted, specimens)


class _Table:
    """The columns of a table on their way: values, reasons and findings as far as they are known."""

    def __init__(self, columns: Mapping[str, pa.Array], rows: int, plan: Plan, knowledge: Knowledge) -> None:
        self._columns, self._rows, self._plan, self._knowledge = columns, rows, plan, knowledge
        self.low: dict[str, NDArray[np.float64]] = {}
        self.high: dict[str, NDArray[np.float64]] = {}
        self.reasons: dict[str, NDArray[np.int8]] = {}
        self.reported: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        counted, words = knowledge.film.counted, knowledge.words
        self.found = {
            finding: read_presence(columns[column], words, counted=finding in counted)
            for finding, column in plan.findings.items()
        }

    def cells(self, analyte: str) -> Cells:
        """Read one analyte's column, with what stands beside it."""
        entry, knowledge = self._plan.analytes[analyte], self._knowledge
        units = self._columns[entry.unit_column] if entry.unit_column else None
        column = self._columns[entry.column]
        if entry.comparator_column is not None:
            column = with_signs(column, self._columns[entry.comparator_column], knowledge.words)
        cells = read_cells(column, units, self._plan.reader(knowledge, analyte))
        if entry.flag_column is not None:
            cells = opened_by_flags(cells, self._columns[entry.flag_column], knowledge)
        cells = self._of_ordered(analyte, cells)
        status = status_of(entry, self._columns, knowledge.statuses)
        if status is None:
            return cells
        return final_only(cells, status, knowledge.statuses)

    def _of_ordered(self, analyte: str, cells: Cells) -> Cells:
        """Leave out a zero of a channel that was not ordered: an analyzer writes one where it counted nothing."""
        ordered = self._knowledge.beside.ordered
        if self._plan.channels is None or analyte not in ordered.needed:
            return cells
        texts, places = distinct(as_text(self._columns[self._plan.channels]))
        left_out = np.array([*(ordered.is_left_out(analyte, text) for text in texts), False])[places]
        return without_results(cells, left_out & (cells.low == 0) & np.isfinite(cells.high))

    def add(self, analyte: str, cells: Cells, *, use_reported: bool) -> None:
        """Take what a column says."""
        self.low[analyte], self.high[analyte] = cells.low, cells.high
        if cells.reasons is not None:
            self.reasons[analyte] = cells.reasons
        for finding, present in cells.findings.items():
            self._state(finding, present)
        self._add_flags(analyte, cells, self._ranged(analyte, cells) if use_reported else self._no_rows())

    def _ranged(self, analyte: str, cells: Cells) -> NDArray[np.bool_]:
        """Take the limits that came with results; tell where there are some."""
        entry = self._plan.analytes[analyte]
        if not entry.has_limits:
            return self._no_rows()
        unit = entry.unit or self._plan.declared.unit(self._knowledge, analyte) or ""
        mark = self._plan.declared.number_format
        limits = reported_limits(entry, self._columns, cells, mark, unit, self._sexes)
        self.reported[analyte] = limits.lower, limits.upper
        if limits.unreadable.any():
            codes = np.where(limits.unreadable, CODE[Reason.RANGE_UNREADABLE], NO_REASON)
            self.reasons[f"{analyte}{RANGE_FIELD}"] = codes.astype(np.int8)
        ranged: NDArray[np.bool_] = (limits.lower == limits.lower) | (limits.upper == limits.upper)
        return ranged

    def _sexes(self) -> NDArray[np.int8]:
        """Return the sex of each row, as it is read for the ranges too."""
        return read_sex_and_pregnancy(self._columns, self._rows, self._plan, self._knowledge, {})[0]

    def _add_flags(self, analyte: str, cells: Cells, ranged: NDArray[np.bool_]) -> None:
        """Add what the sender's flags state: of a column of their own, and beside numbers."""
        entry, words = self._plan.analytes[analyte], self._knowledge.words
        if entry.flag_column is not None:
            self._add_stated(analyte, *distinct(as_text(self._columns[entry.flag_column])), ranged)
        if cells.reasons is None:
            return
        attached = cells.reasons == CODE[Reason.TEXT_ATTACHED]
        if attached.any():
            texts, places = distinct(as_text(self._columns[entry.column]))
            beside = [flag_beside(text, words) or "" for text in texts]
            self._add_stated(analyte, beside, np.where(attached, places, -1), ranged)

    def _add_stated(self, analyte: str, flags: list[str], places: NDArray[np.int64], ranged: NDArray[np.bool_]) -> None:
        """Add what flags state: the different ones, and the place of each row's."""
        for with_range in (False, True):
            findings = [finding_of(analyte, flag, self._knowledge.words, ranged=with_range) for flag in flags]
            for finding in filter(None, dict.fromkeys(findings)):
                stated = np.array([own == finding for own in findings] + [False])[places] & (ranged == with_range)
                before = self.found.get(finding, (self._no_rows(),) * 2)
                self.found[finding] = before[0] | stated, before[1]

    def _state(self, finding: str, present: NDArray[np.bool_], absent: NDArray[np.bool_] | None = None) -> None:
        """Add that a finding is present in some rows, and absent in others; seen once is seen."""
        before = self.found.get(finding, (self._no_rows(),) * 2)
        there = before[0] | present
        not_there = before[1] if absent is None else before[1] | absent
        self.found[finding] = there, not_there & ~there

    def _no_rows(self) -> NDArray[np.bool_]:
        return np.zeros(self._rows, dtype=np.bool_)

    def read_remarks(self) -> None:
        """Read the remarks beside results and on whole rows: what is taken back is unknown; they may tell of clumps."""
        plan = self._plan
        own = [(column, (analyte,)) for analyte, entry in plan.analytes.items() for column in entry.remark_columns]
        for column, analytes in [*own, *((column, tuple(plan.analytes)) for column in plan.notes)]:
            about = analytes == ("platelets",)
            said = partial(said_under, column, knowledge=self._knowledge)
            told = remarks_of(self._columns[column], self._knowledge.words, said, about_platelets=about)
            for analyte in analytes if told.taken_back.any() else ():
                self._void(analyte, told.taken_back, Reason.SPECIMEN_SUSPECT)
            of_count = any(self._knowledge.analytes[analyte].counted for analyte in analytes)
            for analyte in plan.analytes if of_count and told.of_all.any() else ():
                self._void(analyte, told.of_all, Reason.SPECIMEN_SUSPECT)
            if told.clumps.any() or told.no_clumps.any():
                self._state(CLUMPS, told.clumps, told.no_clumps)
            if told.suspected.any():
                self._state(CLUMPS_SUSPECTED, told.suspected)

    def read_possible(self) -> None:
        """Make unknown what may be in a column that cannot be used, and what a further result contradicts."""
        for analyte, possible in self._plan.possible.items():
            for one in possible:
                self._void_where_sent(analyte, one)
                if one.again and analyte in self._plan.analytes:
                    self._void_conflicts(analyte, self._conflicts(analyte, one))

    def _void_conflicts(self, analyte: str, rows: NDArray[np.bool_]) -> None:
        """Make an analyte unknown in some rows, and its percentage and parts, which would else stand in for two results."""
        self._void(analyte, rows, Reason.RESULT_CONFLICT)
        for name in stand_ins(self._knowledge, analyte):
            if name in self.low:
                self._void(name, rows, Reason.RESULT_CONTRADICTED)

    def _void_where_sent(self, analyte: str, other: PossibleColumn) -> None:
        """Make an analyte unknown where it has no result and a column that may hold one is filled."""
        there = filled(self._columns[other.column], self._knowledge.words.missing)
        absent = np.full(self._rows, np.nan)
        low, high = self.low.get(analyte, absent), self.high.get(analyte, absent)
        there &= low != low
        if not there.any():
            self.high.setdefault(analyte, self.low.setdefault(analyte, absent))
            return
        self.low[analyte], self.high[analyte] = np.where(there, 0.0, low), np.where(there, np.inf, high)
        self._say(analyte, there, other.reason)

    def _conflicts(self, analyte: str, other: PossibleColumn) -> NDArray[np.bool_]:
        """Tell in which rows a further result of an analyte is another one."""
        entry, standing = self._plan.analytes[analyte], StandingRule(self._knowledge)
        units = (entry.unit or "", other.unit or entry.unit or "")

        def same(one: str, two: str) -> bool:
            return not standing.contradict(analyte, (one, units[0]), (two, units[1]))

        columns = self._columns[entry.column], self._columns[other.column]
        return differ(*columns, same, self._knowledge.words.missing)

    def _void(self, analyte: str, rows: NDArray[np.bool_], reason: Reason) -> None:
        """Make the results of some rows unknown; what was not sent stays absent."""
        there = rows & (self.low[analyte] == self.low[analyte])
        if there.any():
            self.low[analyte] = np.where(there, 0.0, self.low[analyte])
            self.high[analyte] = np.where(there, np.inf, self.high[analyte])
            self._say(analyte, there, reason)

    def _say(self, field: str, rows: NDArray[np.bool_], reason: Reason) -> None:
        """Give some rows of a field a reason."""
        codes = self.reasons.get(field, NO_REASON)
        self.reasons[field] = np.where(rows, CODE[reason], codes).astype(np.int8)

    def note_settings(self) -> None:
        """Say where a setting that is asked for is not stated in any form."""
        for setting in self._plan.declared.settings:
            missing = self.low[setting] != self.low[setting] if setting in self.low else ~self._no_rows()
            if setting == CIGARETTES and SMOKER_FINDING in self.found:
                present, absent = self.found[SMOKER_FINDING]
                missing = missing & ~(present | absent)
            if missing.any():
                self._say(setting, missing, Reason.SETTING_MISSING)

    def note_nothing_sent(self) -> None:
        """Say which rows have no result of a count."""
        analytes = self._knowledge.analytes
        there = [low == low for analyte, low in self.low.items() if analytes[analyte].counted]
        nothing = ~np.logical_or.reduce(there) if there else ~self._no_rows()
        if nothing.any():
            self._say("record", nothing, Reason.NO_RESULT)

    def void_rows(self, specimens: NDArray[np.int8]) -> None:
        """Make every result of a row unknown that is no patient's blood, and what is stated beside it unsaid."""
        other = specimens != NO_REASON
        for analyte, low in self.low.items():
            void = other & (low == low)
            if not void.any():
                continue
            self.low[analyte], self.high[analyte] = np.where(void, 0.0, low), np.where(void, np.inf, self.high[analyte])
            self.reasons[analyte] = np.where(void, specimens, self.reasons.get(analyte, NO_REASON)).astype(np.int8)
            limits = f"{analyte}{RANGE_FIELD}"
            if limits in self.reasons:
                self.reasons[limits] = np.where(other, NO_REASON, self.reasons[limits]).astype(np.int8)
        for finding, (present, absent) in self.found.items():
            self.found[finding] = present & ~other, absent & ~other
        for analyte, limits_of in self.reported.items():
            lower, upper = (np.where(other, np.nan, side) for side in limits_of)
            self.reported[analyte] = lower, upper
        self.reasons[SPECIMEN_FIELD] = specimens


def _with_confirmed(every: dict[str, Cells], knowledge: Knowledge) -> dict[str, Cells]:
    """Put implausible numbers back that the other indices of their counts confirm."""
    found = dict(every)
    for analyte, cells in every.items():
        ways = knowledge.agreement.get(analyte)
        if cells.doubted is None or ways is None:
            continue
        rows = np.flatnonzero(cells.doubted.low == cells.doubted.low)
        with np.errstate(invalid="ignore"):
            points = {name: _points(every.get(name), rows) for name in partners(ways)}
            rows = rows[confirmed(ways, cells.doubted.low[rows], points)]
        if len(rows):
            found[analyte] = restored(cells, cells.doubted, rows)
    return found


def _points(cells: Cells | None, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the numbers of some rows; NaN where there is none, an interval, or a "<=0", by which nothing is divided."""
    if cells is None:
        return np.full(len(rows), np.nan)
    low = cells.low[rows]
    return np.where((low == cells.high[rows]) & (low > 0), low, np.nan)


def filled(column: pa.Array, missing: Container[str]) -> NDArray[np.bool_]:
    """Tell which cells hold anything."""
    if is_number(column):
        there: NDArray[np.bool_] = ~np.isnan(floats(column))
        return there
    texts, places = distinct(as_text(column))
    return np.array([fold(text).upper() not in missing for text in texts] + [False])[places]


def set_aside(normalized: Normalized, suspect: Mapping[str, NDArray[np.bool_] | None]) -> Normalized:
    """Make the results of analytes in a unit that is not believed unknown: in the rows of a mask, or in all."""
    batch = normalized.batch
    low, high, reasons = dict(batch.low), dict(batch.high), dict(normalized.reasons)
    for analyte, rows in suspect.items():
        if analyte not in low:
            continue
        void = tells_something(low[analyte], high[analyte])
        void = void if rows is None else void & rows
        codes = reasons.get(analyte, np.full(batch.rows, NO_REASON, dtype=np.int8))
        low[analyte], high[analyte] = np.where(void, 0.0, low[analyte]), np.where(void, np.inf, high[analyte])
        reasons[analyte] = np.where(void, CODE[Reason.UNIT_SUSPECT], codes).astype(np.int8)
    return replace(normalized, batch=replace(batch, low=low, high=high), reasons=reasons)


def number_columns(plan: Plan, knowledge: Knowledge) -> frozenset[str]:
    """Return the columns of results whose texts say nothing but their numbers, where all of them are plain numbers.

    Not those of which zeros have places that count, nor of units in which "250.000" may be 250 thousand.
    """
    found = set()
    for analyte, own in plan.analytes.items():
        reader = plan.reader(knowledge, analyte)
        alone = own.unit_column is None and own.comparator_column is None
        told = alone and not reader.counts_singly(None)
        if reader.plain_point and reader.analyte.zero_below is None and told:
            found.add(own.column)
    beside = [column for column in plan.columns if column not in found]
    return frozenset(found - set(beside) - set(plan.people.values()) - set(plan.findings.values()))
