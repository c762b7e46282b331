"""The cells of one analyte's column -> intervals in its canonical unit, with a reason for each that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.knowledge.statuses import Statuses
from cbc_screen.normalize.arrow import as_text, distinct, floats, is_number, plain_numbers, thousands_shaped
from cbc_screen.normalize.codes import CODE, NO_REASON
from cbc_screen.normalize.plan import AnalyteColumn
from cbc_screen.normalize.value import (
    LONGEST_CELL,
    ROUNDINGS,
    SHORT,
    SNAP,
    Reading,
    ResultReader,
    fold,
    opened_by,
)
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Cells:
    """What a column says: the ends of each interval, reasons, findings, and by which factor each was converted."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    reasons: NDArray[np.int8] | None
    findings: Mapping[str, NDArray[np.bool_]]
    factors: list[Factor]
    factor_places: NDArray[np.int16]  # the factor of each cell, -1 where nothing was converted
    doubted: Cells | None = None  # implausible numbers as if they were believed; every other cell absent


def read_cells(column: pa.Array, units: pa.Array | None, reader: ResultReader) -> Cells:
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
    beside = (None, None) if units is None else (units.take(from_numpy(numbers)), units.take(from_numpy(others)))
    parts = [
        (numbers, _read_column(values[numbers], beside[0], reader)),
        (others, _read_texts(column.take(from_numpy(others)), beside[1], reader)),
    ]
    return _merged(parts, len(values))


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


def final_only(cells: Cells, column: pa.Array, statuses: Statuses) -> Cells:
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


def without_results(cells: Cells, rows: NDArray[np.bool_]) -> Cells:
    """Return what a column says without the results of some rows, which were not measured."""
    if not rows.any():
        return cells
    codes = None if cells.reasons is None else np.where(rows, NO_REASON, cells.reasons).astype(np.int8)
    low, high = np.where(rows, np.nan, cells.low), np.where(rows, np.nan, cells.high)
    places = np.where(rows, -1, cells.factor_places).astype(np.int16)
    found = {name: flags & ~rows for name, flags in cells.findings.items()}
    return _cells(
        low,
        high,
        codes if codes is not None else np.full(len(rows), NO_REASON, np.int8),
        found,
        cells.factors,
        places,
        cells.doubted,
    )


def status_of(entry: AnalyteColumn, columns: Mapping[str, pa.Array], statuses: Statuses) -> pa.Array | None:
    """Return the status that holds of each result: of its own and that of the whole row, the less final."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if entry.status_column is None:
        return None
    own = columns[entry.status_column]
    if entry.row_status_column is None:
        return own
    of_row = as_text(columns[entry.row_status_column])
    words, places = distinct(of_row)
    used = np.array([statuses.is_used(word) for word in words] + [True])[places]
    return pc.if_else(from_numpy(used), as_text(own).cast(pa.string()), of_row.cast(pa.string()))


def _without(doubted: Cells, void: NDArray[np.bool_]) -> Cells | None:
    left = np.where(void, np.nan, doubted.low)
    return replace(doubted, low=left, high=left) if (left == left).any() else None


def _read_column(values: NDArray[np.float64], units: pa.Array | None, reader: ResultReader) -> Cells:
    if units is None:
        return _read_numbers(values, reader.factor(None), reader)
    parts: list[tuple[NDArray[np.intp], Cells]] = []
    texts, places = distinct(as_text(units))
    for place, text in enumerate([*texts, None]):
        rows = np.flatnonzero(places == (place if text is not None else -1))
        if len(rows):
            parts.append((rows, _read_numbers(values[rows], reader.factor(text), reader)))
    return _merged(parts, len(values))


def _merged(parts: list[tuple[NDArray[np.intp], Cells]], many: int) -> Cells:
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
    doubted: Cells | None = None,
) -> Cells:
    inexact = ((low != high) & (low == low)).any()
    # One array for both ends tells the kernel that every value is a point.
    reasons = codes if (codes != NO_REASON).any() else None
    return Cells(low, high if inexact else low, reasons, findings, factors, factor_places, doubted)


def _read_numbers(values: NDArray[np.float64], factor: Factor | tuple[Reason, str], reader: ResultReader) -> Cells:
    """Read numbers as `ResultReader.read_number` does, on arrays."""
    cells = _read_exact(values, factor, reader)
    below = reader.zero_below(factor) if isinstance(factor, Factor) else None
    if below is None or not (zero := cells.high == 0).any():
        return cells
    return replace(cells, high=np.where(zero, np.nextafter(below, -np.inf), cells.high))


def _read_exact(values: NDArray[np.float64], factor: Factor | tuple[Reason, str], reader: ResultReader) -> Cells:
    present = values == values
    if isinstance(factor, Factor):
        # A column without a fault, the usual case, needs none of the masks below.
        with np.errstate(all="ignore"):
            canonical = convert_column(values, factor)
        lowest, highest = reader.analyte.plausible
        sound = np.fmin.reduce(values, initial=0.0) >= 0 and np.fmin.reduce(canonical, initial=np.inf) >= lowest
        if sound and np.fmax.reduce(canonical, initial=0.0) <= highest:
            return Cells(canonical, canonical, None, {}, [factor], present.astype(np.int16) - np.int16(1))
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


def _doubted(canonical: NDArray[np.float64], implausible: NDArray[np.bool_], factors: list[Factor]) -> Cells:
    """Keep implausible numbers as they would be if they were believed."""
    numbers = np.where(implausible, canonical, np.nan)
    return Cells(numbers, numbers, None, {}, factors, np.where(implausible, 0, -1).astype(np.int16))


def convert_column(values: NDArray[np.float64], factor: Factor) -> NDArray[np.float64]:
    """Convert an array exactly as `value.convert` converts a number."""
    if factor.numerator == factor.denominator:
        # No negative zero. Most columns have none and are taken as they are: a copy costs more than all else here (measured).
        return values + 0.0 if np.signbit(values).any() else values
    raw = values * float(factor.numerator) / float(factor.denominator) + 0.0
    short = (np.rint(values * SHORT) / SHORT == values) | (np.rint(values) == values)
    snapped = np.rint(raw * SNAP) / SNAP
    near = np.abs(raw - snapped) <= ROUNDINGS * raw
    finite = np.isfinite(values * SHORT) & np.isfinite(raw * SNAP)
    converted: NDArray[np.float64] = np.where(short & near & finite, snapped, raw)
    return converted


def _read_texts(column: pa.Array, units: pa.Array | None, reader: ResultReader) -> Cells:
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


def _take(readings: list[Reading | None], places: NDArray[np.int64]) -> Cells:
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


def opened_by_flags(cells: Cells, flags: pa.Array, knowledge: Knowledge) -> Cells:
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


def restored(cells: Cells, doubted: Cells, rows: NDArray[np.intp]) -> Cells:
    """Believe the doubted numbers of some rows."""
    # Written into copies: the rows are few, and the others stay as they are.
    left, low, high, places = doubted.low.copy(), cells.low.copy(), cells.high.copy(), cells.factor_places.copy()
    left[rows] = np.nan
    low[rows], high[rows] = doubted.low[rows], doubted.high[rows]
    places[rows] = doubted.factor_places[rows] + len(cells.factors)
    codes = np.full(len(left), NO_REASON, dtype=np.int8) if cells.reasons is None else cells.reasons.copy()
    codes[rows] = NO_REASON
    still = replace(doubted, low=left, high=left) if np.count_nonzero(left == left) else None
    return _cells(low, high, codes, cells.findings, [*cells.factors, *doubted.factors], places, still)
