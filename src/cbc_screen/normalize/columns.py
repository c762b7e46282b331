"""Columns of a table -> a batch for the kernel, and a reason code for every cell.

Cells go through the same readers as a record: distinct texts are read once each, and
plain numbers take the same arithmetic on arrays (tests hold the two equal).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel_batch import Batch
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import CIGARETTES, SMOKER_FINDING, Factor
from cbc_screen.knowledge.statuses import Statuses
from cbc_screen.normalize.agreement import confirmed, partners
from cbc_screen.normalize.arrow import as_text, distinct, floats, is_number, plain_numbers, thousands_shaped
from cbc_screen.normalize.beside_cells import differ, remarks_of, with_signs
from cbc_screen.normalize.codes import CODE, NO_REASON, RANGE_FIELD
from cbc_screen.normalize.people import read_ages, read_method, read_presence, read_sex_and_pregnancy
from cbc_screen.normalize.plan import AnalyteColumn, Plan, PossibleColumn
from cbc_screen.normalize.remarks import CLUMPS, CLUMPS_SUSPECTED
from cbc_screen.normalize.sender_flags import finding_of, flag_beside
from cbc_screen.normalize.specimen import SPECIMEN_FIELD
from cbc_screen.normalize.specimen_columns import read_specimens
from cbc_screen.normalize.standing import Standing
from cbc_screen.normalize.suspect import tells_something
from cbc_screen.normalize.value import (
    LONGEST_CELL,
    ROUNDINGS,
    SHORT,
    SNAP,
    NumberFormat,
    Reading,
    ResultReader,
    fold,
    opened_by,
    plain_number,
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


@dataclass(frozen=True)
class _Cells:
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    reasons: NDArray[np.int8] | None
    findings: Mapping[str, NDArray[np.bool_]]
    factors: list[Factor]
    factor_places: NDArray[np.int16]  # the factor of each cell, -1 where nothing was converted
    doubted: _Cells | None = None  # implausible numbers as if they were believed; every other cell absent


def normalize_table(
    columns: Mapping[str, pa.Array], rows: int, plan: Plan, knowledge: Knowledge, *, use_reported: bool
) -> Normalized:
    """Normalize the columns of a table under a plan."""
    low: dict[str, NDArray[np.float64]] = {}
    high: dict[str, NDArray[np.float64]] = {}
    reasons: dict[str, NDArray[np.int8]] = {}
    found: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
    reported: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for finding, column in plan.findings.items():
        found[finding] = read_presence(columns[column], knowledge.words, counted=finding in knowledge.film.counted)
    every = _with_confirmed({name: _read(columns, plan, knowledge, name) for name in plan.analytes}, knowledge)
    for analyte, entry in plan.analytes.items():
        cells = every[analyte]
        low[analyte], high[analyte] = cells.low, cells.high
        if cells.reasons is not None:
            reasons[analyte] = cells.reasons
        for finding, present in cells.findings.items():
            none = np.zeros(rows, dtype=np.bool_)
            stated = found.get(finding, (none, none))
            found[finding] = stated[0] | present, stated[1] & ~present
        ranged = np.zeros(rows, dtype=np.bool_)
        if use_reported and (entry.lower_column or entry.upper_column):
            limits = _reported(entry, columns, cells, plan.declared.number_format)
            reported[analyte] = limits.lower, limits.upper
            ranged = (limits.lower == limits.lower) | (limits.upper == limits.upper)
            if limits.unreadable.any():
                codes = np.where(limits.unreadable, CODE[Reason.RANGE_UNREADABLE], NO_REASON)
                reasons[f"{analyte}{RANGE_FIELD}"] = codes.astype(np.int8)
        if entry.flag_column is not None:
            _add_sender_flags(found, analyte, distinct(as_text(columns[entry.flag_column])), ranged, knowledge)
        if cells.reasons is not None and (cells.reasons == CODE[Reason.TEXT_ATTACHED]).any():
            texts, places = distinct(as_text(columns[entry.column]))
            beside = [flag_beside(text, knowledge.words) or "" for text in texts]
            places = np.where(cells.reasons == CODE[Reason.TEXT_ATTACHED], places, -1)
            _add_sender_flags(found, analyte, (beside, places), ranged, knowledge)
    _read_remarks(columns, rows, plan, knowledge, low, high, reasons, found)
    for analyte, possible in plan.possible.items():
        for one in possible:
            _void_where_sent(analyte, columns[one.column], one.reason, rows, low, high, reasons, knowledge)
            if one.again and analyte in plan.analytes:
                conflict = _conflicts(columns, plan, knowledge, analyte, one)
                _void(analyte, conflict, Reason.RESULT_CONFLICT, low, high, reasons)
    for setting in plan.declared.settings:
        missing = _setting_missing(setting, low, found, rows)
        if missing.any():
            codes = np.where(missing, CODE[Reason.SETTING_MISSING], reasons.get(setting, NO_REASON))
            reasons[setting] = codes.astype(np.int8)
    result = [low[a] == low[a] for a in low if knowledge.analytes[a].counted]
    nothing = ~np.logical_or.reduce(result) if result else np.ones(rows, dtype=np.bool_)
    if nothing.any():
        reasons["record"] = np.where(nothing, CODE[Reason.NO_RESULT], NO_REASON).astype(np.int8)
    specimens = read_specimens(columns, rows, plan, knowledge)
    if specimens is not None:
        _void_rows(specimens, low, high, reasons, found, reported)
    age = read_ages(columns, rows, plan, knowledge, reasons)
    sex, stage, letters = read_sex_and_pregnancy(columns, rows, plan, knowledge, reasons)
    batch = Batch(
        rows=rows,
        low=low,
        high=high,
        findings=found,
        reported=reported,
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
    return Normalized(batch, reasons, letters, doubted, specimens)


def _void_rows(
    specimens: NDArray[np.int8],
    low: dict[str, NDArray[np.float64]],
    high: dict[str, NDArray[np.float64]],
    reasons: dict[str, NDArray[np.int8]],
    found: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    reported: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> None:
    """Make every result of a row unknown that is no patient's blood, and what is stated beside it unsaid."""
    other = specimens != NO_REASON
    for analyte in low:
        void = other & (low[analyte] == low[analyte])
        if not void.any():
            continue
        codes = reasons.get(analyte, NO_REASON)
        low[analyte], high[analyte] = np.where(void, 0.0, low[analyte]), np.where(void, np.inf, high[analyte])
        reasons[analyte] = np.where(void, specimens, codes).astype(np.int8)
        limits = f"{analyte}{RANGE_FIELD}"
        if limits in reasons:
            reasons[limits] = np.where(other, NO_REASON, reasons[limits]).astype(np.int8)
    for finding, (present, absent) in found.items():
        found[finding] = present & ~other, absent & ~other
    for analyte, limits_of in reported.items():
        lower, upper = (np.where(other, np.nan, side) for side in limits_of)
        reported[analyte] = lower, upper
    reasons[SPECIMEN_FIELD] = specimens


def _add_sender_flags(
    found: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    analyte: str,
    flags: tuple[list[str], NDArray[np.int64]],
    ranged: NDArray[np.bool_],
    knowledge: Knowledge,
) -> None:
    """Add what the sender's flags state: different ones, and the place of each row's."""
    words, places = flags
    for with_range in (False, True):
        findings = [finding_of(analyte, word, knowledge.words, ranged=with_range) for word in words]
        for finding in {*findings} - {None}:
            stated = np.array([own == finding for own in findings] + [False])[places] & (ranged == with_range)
            before = found.get(str(finding), (np.zeros(len(stated), dtype=np.bool_),) * 2)
            found[str(finding)] = before[0] | stated, before[1]


def _read_remarks(
    columns: Mapping[str, pa.Array],
    rows: int,
    plan: Plan,
    knowledge: Knowledge,
    low: dict[str, NDArray[np.float64]],
    high: dict[str, NDArray[np.float64]],
    reasons: dict[str, NDArray[np.int8]],
    found: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]],
) -> None:
    """Read the remarks beside results and on whole rows: what is taken back is unknown; they may tell of clumps."""
    own = [(column, (analyte,)) for analyte, entry in plan.analytes.items() for column in entry.note_columns]
    for column, analytes in [*own, *((column, tuple(plan.analytes)) for column in plan.notes)]:
        told = remarks_of(columns[column], knowledge.words, about_platelets=analytes == ("platelets",))
        if told.taken_back.any():
            for analyte in analytes:
                _void(analyte, told.taken_back, Reason.SPECIMEN_SUSPECT, low, high, reasons)
        none = np.zeros(rows, dtype=np.bool_)
        for finding, present, absent in (
            (CLUMPS, told.clumps, told.no_clumps),
            (CLUMPS_SUSPECTED, told.suspected, none),
        ):
            if present.any() or absent.any():
                before = found.get(finding, (none, none))
                there = before[0] | present
                found[finding] = there, (before[1] | absent) & ~there


def _conflicts(
    columns: Mapping[str, pa.Array], plan: Plan, knowledge: Knowledge, analyte: str, other: PossibleColumn
) -> NDArray[np.bool_]:
    """Tell in which rows a further result of an analyte is another one."""
    entry, standing = plan.analytes[analyte], Standing(knowledge)
    units = (entry.unit or "", other.unit or entry.unit or "")

    def same(one: str, two: str) -> bool:
        return standing.says_the_same(analyte, (one, units[0]), (two, units[1]))

    return differ(columns[entry.column], columns[other.column], same, knowledge.words.missing)


def _void(
    analyte: str,
    rows: NDArray[np.bool_],
    reason: Reason,
    low: dict[str, NDArray[np.float64]],
    high: dict[str, NDArray[np.float64]],
    reasons: dict[str, NDArray[np.int8]],
) -> None:
    """Make the results of some rows unknown; what was not sent stays absent."""
    there = rows & (low[analyte] == low[analyte])
    if there.any():
        low[analyte], high[analyte] = np.where(there, 0.0, low[analyte]), np.where(there, np.inf, high[analyte])
        codes = reasons.get(analyte, np.full(len(there), NO_REASON, dtype=np.int8))
        reasons[analyte] = np.where(there, CODE[reason], codes).astype(np.int8)


def _read(columns: Mapping[str, pa.Array], plan: Plan, knowledge: Knowledge, analyte: str) -> _Cells:
    entry = plan.analytes[analyte]
    units = columns[entry.unit_column] if entry.unit_column else None
    column = columns[entry.column]
    if entry.comparator_column is not None:
        column = with_signs(column, columns[entry.comparator_column], knowledge.words)
    cells = read_cells(column, units, plan.reader(knowledge, analyte))
    if entry.flag_column is not None:
        cells = _opened(cells, columns[entry.flag_column], knowledge)
    return (
        cells if entry.status_column is None else _final_only(cells, columns[entry.status_column], knowledge.statuses)
    )


def _opened(cells: _Cells, flags: pa.Array, knowledge: Knowledge) -> _Cells:
    """Open one end of the numbers that a flag calls beyond what the instrument measures."""
    words, places = distinct(as_text(flags))
    bounds = [knowledge.words.flag_bounds.get(fold(word)) if len(word) <= LONGEST_CELL else None for word in words]
    for bound in {*bounds} - {None}:
        rows = np.array([own is bound for own in bounds] + [False])[places]
        rows &= (cells.low == cells.high) & (cells.factor_places >= 0)
        if not rows.any():
            continue
        low, high = cells.low.copy(), cells.high.copy()
        codes = cells.reasons.copy() if cells.reasons is not None else np.full(len(low), NO_REASON, dtype=np.int8)
        for row in np.flatnonzero(rows).tolist():  # few: what an instrument cannot measure
            low[row], high[row], censored = opened_by(bound, float(low[row]), float(high[row]))
            if codes[row] == NO_REASON and censored is not None:
                codes[row] = CODE[censored]
        cells = replace(cells, low=low, high=high, reasons=codes)
    return cells


def _with_confirmed(every: dict[str, _Cells], knowledge: Knowledge) -> dict[str, _Cells]:
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
            found[analyte] = _restored(cells, cells.doubted, rows)
    return found


def _points(cells: _Cells | None, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the numbers of some rows; NaN where there is none, or an interval."""
    if cells is None:
        return np.full(len(rows), np.nan)
    low = cells.low[rows]
    return np.where(low == cells.high[rows], low, np.nan)


def _restored(cells: _Cells, doubted: _Cells, rows: NDArray[np.intp]) -> _Cells:
    """Believe the doubted numbers of some rows."""
    left = doubted.low.copy()
    left[rows] = np.nan
    parts = [(np.arange(len(left)), replace(cells, doubted=None)), (rows, _taken(doubted, rows))]
    still = replace(doubted, low=left, high=left) if (left == left).any() else None
    return replace(_merged(parts, len(left)), doubted=still)


def _taken(cells: _Cells, rows: NDArray[np.intp]) -> _Cells:
    reasons = None if cells.reasons is None else cells.reasons[rows]
    return replace(
        cells,
        low=cells.low[rows],
        high=cells.high[rows],
        reasons=reasons if reasons is not None else np.full(len(rows), NO_REASON, dtype=np.int8),
        findings={},
        factor_places=cells.factor_places[rows],
    )


def _void_where_sent(
    analyte: str,
    column: pa.Array,
    reason: Reason,
    rows: int,
    low: dict[str, NDArray[np.float64]],
    high: dict[str, NDArray[np.float64]],
    reasons: dict[str, NDArray[np.int8]],
    knowledge: Knowledge,
) -> None:
    """Make an analyte unknown where it has no result and a column that may hold one is filled."""
    there = filled(column, knowledge.words.missing)
    if analyte in low:
        there &= low[analyte] != low[analyte]
    absent = np.full(rows, np.nan)
    if not there.any():
        high.setdefault(analyte, low.setdefault(analyte, absent))
        return
    low[analyte], high[analyte] = (
        np.where(there, end, own.get(analyte, absent)) for end, own in ((0.0, low), (np.inf, high))
    )
    codes = reasons.get(analyte, np.full(rows, NO_REASON, dtype=np.int8))
    reasons[analyte] = np.where(there, CODE[reason], codes).astype(np.int8)


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


def _setting_missing(
    setting: str,
    low: Mapping[str, NDArray[np.float64]],
    found: Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    rows: int,
) -> NDArray[np.bool_]:
    """Say in which rows a setting that is asked for is not stated in any form."""
    missing = low[setting] != low[setting] if setting in low else np.ones(rows, dtype=np.bool_)
    if setting == CIGARETTES and SMOKER_FINDING in found:
        present, absent = found[SMOKER_FINDING]
        missing = missing & ~(present | absent)
    return missing


# Results -------------------------------------------------------------------------------


def read_cells(column: pa.Array, units: pa.Array | None, reader: ResultReader) -> _Cells:
    """Read one analyte's column, with the unit beside each cell where there is one.

    Cells that are plain numbers take the arithmetic on arrays, also where they came as
    texts; only the others are read one by one.
    """
    if is_number(column):
        return _read_column(floats(column), units, reader)
    column = as_text(column)
    if not reader.plain_point:
        return _read_texts(column, units, reader)
    values, plain = plain_cells(column, units, reader)
    if plain.all():
        return _read_column(values, units, reader)
    if not plain.any():
        return _read_texts(column, units, reader)
    numbers, others = np.flatnonzero(plain), np.flatnonzero(~plain)
    beside = (None, None) if units is None else (units.take(numbers), units.take(others))
    parts = [
        (numbers, _read_column(values[numbers], beside[0], reader)),
        (others, _read_texts(column.take(others), beside[1], reader)),
    ]
    return _merged(parts, len(values))


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


def plain_cells(
    column: pa.Array, units: pa.Array | None, reader: ResultReader
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read the texts of a column that say nothing but a number, or nothing; the mask tells which they are."""
    values, plain = plain_numbers(column)
    if reader.analyte.zero_below is not None:
        plain &= values != 0  # how many places a zero has is seen in its text alone
    if _may_hold_thousands(units, reader):
        plain &= ~thousands_shaped(column)
    return values, plain


def _may_hold_thousands(units: pa.Array | None, reader: ResultReader) -> bool:
    """Tell whether a point of three decimals may group thousands: in a unit of which a sample holds thousands."""
    texts = [None] if units is None else [*distinct(as_text(units))[0], None]
    return any(reader.counts_singly(text) for text in texts)


def _final_only(cells: _Cells, column: pa.Array, statuses: Statuses) -> _Cells:
    """Make unknown what is not final, also where it has no value: it was ordered. An empty status is final."""
    words, places = distinct(as_text(column))
    void = ~np.array([statuses.is_used(word) for word in words] + [True])[places]
    if not void.any():
        return cells
    codes = cells.reasons if cells.reasons is not None else np.full(len(void), NO_REASON, dtype=np.int8)
    return _cells(
        np.where(void, 0.0, cells.low),
        np.where(void, np.inf, cells.high),
        np.where(void, CODE[Reason.STATUS_NOT_FINAL], codes).astype(np.int8),
        {name: flags & ~void for name, flags in cells.findings.items()},
        cells.factors,
        np.where(void, -1, cells.factor_places).astype(np.int16),
        None if cells.doubted is None else _without(cells.doubted, void),
    )


def _without(doubted: _Cells, void: NDArray[np.bool_]) -> _Cells | None:
    left = np.where(void, np.nan, doubted.low)
    return replace(doubted, low=left, high=left) if (left == left).any() else None


def _read_column(values: NDArray[np.float64], units: pa.Array | None, reader: ResultReader) -> _Cells:
    if units is None:
        return _read_numbers(values, reader.factor(None), reader)
    parts: list[tuple[NDArray[np.intp], _Cells]] = []
    texts, places = distinct(as_text(units))
    for place, text in enumerate([*texts, None]):
        rows = np.flatnonzero(places == (place if text is not None else -1))
        if len(rows):
            parts.append((rows, _read_numbers(values[rows], reader.factor(text), reader)))
    return _merged(parts, len(values))


def _merged(parts: list[tuple[NDArray[np.intp], _Cells]], many: int) -> _Cells:
    """Put parts of a column together."""
    low, high = np.full(many, np.nan), np.full(many, np.nan)
    codes = np.full(many, NO_REASON, dtype=np.int8)
    findings: dict[str, NDArray[np.bool_]] = {}
    factors: list[Factor] = []
    used = np.full(many, -1, dtype=np.int16)
    for rows, part in parts:
        low[rows], high[rows] = part.low, part.high
        if part.reasons is not None:
            codes[rows] = part.reasons
        for name, flags in part.findings.items():
            findings.setdefault(name, np.zeros(many, dtype=np.bool_))[rows] = flags
        used[rows] = np.where(part.factor_places >= 0, part.factor_places + len(factors), -1)
        factors += part.factors
    doubted = [(rows, part.doubted) for rows, part in parts if part.doubted is not None]
    return _cells(low, high, codes, findings, factors, used, _merged(doubted, many) if doubted else None)


def _cells(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    codes: NDArray[np.int8],
    findings: Mapping[str, NDArray[np.bool_]],
    factors: list[Factor],
    factor_places: NDArray[np.int16],
    doubted: _Cells | None = None,
) -> _Cells:
    inexact = ((low != high) & (low == low)).any()
    # One array for both ends tells the kernel that every value is a point.
    reasons = codes if (codes != NO_REASON).any() else None
    return _Cells(low, high if inexact else low, reasons, findings, factors, factor_places, doubted)


def _read_numbers(values: NDArray[np.float64], factor: Factor | tuple[Reason, str], reader: ResultReader) -> _Cells:
    """Read numbers as `ResultReader.read_number` does, on arrays."""
    cells = _read_exact(values, factor, reader)
    below = reader.zero_below(factor) if isinstance(factor, Factor) else None
    if below is None or not (zero := cells.high == 0).any():
        return cells
    return replace(cells, high=np.where(zero, np.nextafter(below, -np.inf), cells.high))


def _read_exact(values: NDArray[np.float64], factor: Factor | tuple[Reason, str], reader: ResultReader) -> _Cells:
    present = values == values
    if isinstance(factor, Factor):
        # A column without a fault, the usual case, needs none of the masks below.
        with np.errstate(all="ignore"):
            canonical = convert_column(values, factor)
        lowest, highest = reader.analyte.plausible
        sound = np.fmin.reduce(values, initial=0.0) >= 0 and np.fmin.reduce(canonical, initial=np.inf) >= lowest
        if sound and np.fmax.reduce(canonical, initial=0.0) <= highest:
            return _Cells(canonical, canonical, None, {}, [factor], present.astype(np.int16) - np.int16(1))
    codes = np.full(len(values), NO_REASON, dtype=np.int8)
    if isinstance(factor, Factor):
        codes[present & ((canonical < lowest) | (canonical > highest))] = CODE[Reason.NUMBER_IMPLAUSIBLE]
    else:
        canonical = values
        codes[present] = CODE[factor[0]]
        if reader.analyte.finding is not None:
            codes[values == 0] = NO_REASON  # none is none in any unit
    codes[values < 0] = CODE[Reason.NUMBER_NEGATIVE]
    codes[present & ~np.isfinite(canonical)] = CODE[Reason.NUMBER_NOT_FINITE]
    void = codes != NO_REASON
    factors = [factor] if isinstance(factor, Factor) else []
    factor_places = np.where(present & ~void, 0, -1).astype(np.int16) if factors else np.full(len(values), -1, np.int16)
    low, high = np.where(void, 0.0, canonical), np.where(void, np.inf, canonical)
    implausible = codes == CODE[Reason.NUMBER_IMPLAUSIBLE]
    doubted = _doubted(canonical, implausible, factors) if implausible.any() else None
    finding = reader.analyte.finding
    seen = void & (values > 0) & np.isfinite(values)
    findings = {finding: seen} if finding is not None and seen.any() else {}
    return _cells(low, high, codes, findings, factors, factor_places, doubted)


def _doubted(canonical: NDArray[np.float64], implausible: NDArray[np.bool_], factors: list[Factor]) -> _Cells:
    """Keep implausible numbers as they would be if they were believed."""
    numbers = np.where(implausible, canonical, np.nan)
    return _Cells(numbers, numbers, None, {}, factors, np.where(implausible, 0, -1).astype(np.int16))


def convert_column(values: NDArray[np.float64], factor: Factor) -> NDArray[np.float64]:
    """Convert an array exactly as `value.convert` converts a number."""
    if factor.numerator == factor.denominator:
        return values + 0.0  # no negative zero
    raw = values * float(factor.numerator) / float(factor.denominator) + 0.0
    short = (np.rint(values * SHORT) / SHORT == values) | (np.rint(values) == values)
    snapped = np.rint(raw * SNAP) / SNAP
    near = np.abs(raw - snapped) <= ROUNDINGS * raw
    finite = np.isfinite(values * SHORT) & np.isfinite(raw * SNAP)
    converted: NDArray[np.float64] = np.where(short & near & finite, snapped, raw)
    return converted


def _read_texts(column: pa.Array, units: pa.Array | None, reader: ResultReader) -> _Cells:
    texts, places = distinct(column)
    if units is None:
        readings: list[Reading | None] = [reader.read_text(text) for text in texts]
    else:
        unit_texts, unit_places = distinct(as_text(units))
        pairs = places * np.int64(len(unit_texts) + 1) + unit_places + 1
        pairs[places < 0] = -1
        pairs_found, inverse = np.unique(pairs, return_inverse=True)
        readings = []
        for pair in pairs_found.tolist():
            if pair < 0:
                readings.append(None)
                continue
            text, unit = divmod(pair, len(unit_texts) + 1)
            readings.append(reader.read_text(texts[text], unit_texts[unit - 1] if unit else None))
        places = inverse.ravel()
    return _take(readings, places)


def _take(readings: list[Reading | None], places: NDArray[np.int64]) -> _Cells:
    """Spread distinct readings over their rows; a place of -1 is an absent cell."""
    count = len(readings)
    low, high = np.full(count + 1, np.nan), np.full(count + 1, np.nan)
    codes = np.full(count + 1, NO_REASON, dtype=np.int8)
    findings: dict[str, NDArray[np.bool_]] = {}
    factors: dict[Factor, int] = {}
    used = np.full(count + 1, -1, dtype=np.int16)
    for place, reading in enumerate(readings):
        if reading is None:
            continue
        low[place], high[place] = reading.low, reading.high
        if reading.reason is not None:
            codes[place] = CODE[reading.reason]
        if reading.finding is not None:
            findings.setdefault(reading.finding, np.zeros(count + 1, dtype=np.bool_))[place] = True
        if reading.factor is not None:
            used[place] = factors.setdefault(reading.factor, len(factors))
    # Row `count` is the absent cell, which place -1 reaches.
    spread = {name: flags[places] for name, flags in findings.items()}
    doubts = [None if reading is None else reading.doubted for reading in readings]
    doubted = _take(doubts, places) if any(doubts) else None
    return _cells(low[places], high[places], codes[places], spread, list(factors), used[places], doubted)


def _reported(entry: AnalyteColumn, columns: Mapping[str, pa.Array], cells: _Cells, mark: NumberFormat) -> _Range:
    """Read reported limits; their unit is that of the result they came with."""
    sides = []
    unreadable = np.zeros(len(cells.low), dtype=np.bool_)
    for name in (entry.lower_column, entry.upper_column):
        values = np.full(len(cells.low), np.nan)
        if name is not None:
            values, bad = _plain_numbers(columns[name], mark)
            unreadable |= bad & (cells.factor_places >= 0)
        limits = np.full(len(values), np.nan)
        for place, factor in enumerate(cells.factors):
            rows = cells.factor_places == place
            with np.errstate(all="ignore"):  # a limit may be infinite, and is then not sane
                limits[rows] = convert_column(values[rows], factor)
        sides.append(limits)
    for limits in sides:
        limits[unreadable] = np.nan
    return _Range(sides[0], sides[1], unreadable)


def _plain_numbers(column: pa.Array, mark: NumberFormat) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read a column of limits: a number, nothing, or unreadable."""
    if is_number(column):
        values = floats(column)
        return values, np.zeros(len(values), dtype=np.bool_)
    texts, places = distinct(as_text(column))
    numbers = [plain_number(text, mark) for text in texts]
    bad = np.array([number is None for number in numbers] + [False])
    known = np.array([np.nan if number is None else number for number in numbers] + [np.nan])
    return known[places], bad[places]


@dataclass(frozen=True)
class _Range:
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    unreadable: NDArray[np.bool_]
