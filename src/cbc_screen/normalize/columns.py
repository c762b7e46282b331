"""Columns of a table -> a batch for the kernel, and a reason code for every cell.

Cells go through the same readers as a record: distinct texts are read once each, and
plain numbers take the same arithmetic on arrays (tests hold the two equal).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.ages import MONTHS_IN_YEAR, AgeSpan
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES, Batch
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.normalize.person import DateSpan, parse_age, parse_date, parse_pregnancy, parse_sex
from cbc_screen.normalize.plan import AnalyteColumn, Plan
from cbc_screen.normalize.record import CONFLICTING, missing_age
from cbc_screen.normalize.value import NumberFormat, Reading, ResultReader, plain_number
from cbc_screen.vocabulary import Pregnancy, Presence, Reason, ReticulocyteMethod, Sex

if TYPE_CHECKING:
    import pyarrow as pa

REASONS = tuple(Reason)
_CODE = {reason: number for number, reason in enumerate(REASONS)}
NO_REASON = -1
# A reason about the reported range of an analyte stands beside the one about its result.
RANGE_FIELD = ".range"
_SNAP = 1e6
_PRESENCE = {
    **dict.fromkeys(("present", "yes", "y", "true", "positive", "1"), Presence.PRESENT),
    **dict.fromkeys(("absent", "no", "n", "false", "negative", "0"), Presence.ABSENT),
}


@dataclass(frozen=True)
class Normalized:
    """A batch, with the reason code of each cell by field (`NO_REASON` where there is none)."""

    batch: Batch
    reasons: Mapping[str, NDArray[np.int8]]


@dataclass(frozen=True)
class _Cells:
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    reasons: NDArray[np.int8] | None
    findings: Mapping[str, NDArray[np.bool_]]
    factors: list[Factor]
    factor_places: NDArray[np.int16]  # the factor of each cell, -1 where nothing was converted


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
        found[finding] = _presence(columns[column])
    for analyte, entry in plan.analytes.items():
        reader = plan.reader(knowledge, analyte)
        units = columns[entry.unit_column] if entry.unit_column else None
        cells = read_cells(columns[entry.column], units, reader)
        low[analyte], high[analyte] = cells.low, cells.high
        if cells.reasons is not None:
            reasons[analyte] = cells.reasons
        for finding, present in cells.findings.items():
            none = np.zeros(rows, dtype=np.bool_)
            stated = found.get(finding, (none, none))
            found[finding] = stated[0] | present, stated[1] & ~present
        if use_reported and (entry.lower_column or entry.upper_column):
            limits = _reported(entry, columns, cells, plan.declared.number_format)
            reported[analyte] = limits.lower, limits.upper
            if limits.unreadable.any():
                codes = np.where(limits.unreadable, _CODE[Reason.RANGE_UNREADABLE], NO_REASON)
                reasons[f"{analyte}{RANGE_FIELD}"] = codes.astype(np.int8)
    result = [low[a] == low[a] for a in low if not knowledge.analytes[a].chemistry]
    nothing = ~np.logical_or.reduce(result) if result else np.ones(rows, dtype=np.bool_)
    if nothing.any():
        reasons["record"] = np.where(nothing, _CODE[Reason.NO_RESULT], NO_REASON).astype(np.int8)
    age = _ages(columns, rows, plan, knowledge, reasons)
    sex, stage = _sex_and_pregnancy(columns, rows, plan, knowledge, reasons)
    batch = Batch(
        rows=rows,
        low=low,
        high=high,
        findings=found,
        reported=reported,
        method=_method(columns, plan),
        uncorrected=_presence(columns[plan.people["wbc_uncorrected"]])[0] if "wbc_uncorrected" in plan.people else None,
        days_low=age.days_low,
        days_high=age.days_high,
        months_low=age.months_low,
        months_high=age.months_high,
        age_known=age.known,
        sex=sex,
        pregnancy=stage,
    )
    return Normalized(batch, reasons)


# Results -------------------------------------------------------------------------------


def read_cells(column: pa.Array, units: pa.Array | None, reader: ResultReader) -> _Cells:
    """Read one analyte's column, with the unit beside each cell where there is one."""
    if not _is_number(column):
        return _read_texts(_as_text(column), units, reader)
    values = _floats(column)
    if units is None:
        return _read_numbers(values, reader.factor(None), reader)
    parts: list[tuple[NDArray[np.intp], _Cells]] = []
    texts, places = _distinct(units)
    for place, text in enumerate([*texts, None]):
        rows = np.flatnonzero(places == (place if text is not None else -1))
        if len(rows):
            parts.append((rows, _read_numbers(values[rows], reader.factor(text), reader)))
    low, high = np.full(len(values), np.nan), np.full(len(values), np.nan)
    codes = np.full(len(values), NO_REASON, dtype=np.int8)
    factors: list[Factor] = []
    used = np.full(len(values), -1, dtype=np.int16)
    for rows, part in parts:
        low[rows], high[rows] = part.low, part.high
        if part.reasons is not None:
            codes[rows] = part.reasons
        used[rows] = np.where(part.factor_places >= 0, part.factor_places + len(factors), -1)
        factors += part.factors
    return _cells(low, high, codes, {}, factors, used)


def _cells(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    codes: NDArray[np.int8],
    findings: Mapping[str, NDArray[np.bool_]],
    factors: list[Factor],
    factor_places: NDArray[np.int16],
) -> _Cells:
    inexact = ((low != high) & (low == low)).any()
    # One array for both ends tells the kernel that every value is a point.
    reasons = codes if (codes != NO_REASON).any() else None
    return _Cells(low, high if inexact else low, reasons, findings, factors, factor_places)


def _read_numbers(values: NDArray[np.float64], factor: Factor | tuple[Reason, str], reader: ResultReader) -> _Cells:
    """Read numbers as `ResultReader.read_number` does, on arrays."""
    present = values == values
    codes = np.full(len(values), NO_REASON, dtype=np.int8)
    if isinstance(factor, Factor):
        with np.errstate(all="ignore"):
            canonical = convert_column(values, factor)
        limits = reader.analyte.plausible
        if limits is not None:
            codes[present & ((canonical < limits[0]) | (canonical > limits[1]))] = _CODE[Reason.NUMBER_IMPLAUSIBLE]
    else:
        canonical = values
        codes[present] = _CODE[factor[0]]
    codes[values < 0] = _CODE[Reason.NUMBER_NEGATIVE]
    codes[present & ~np.isfinite(canonical)] = _CODE[Reason.NUMBER_NOT_FINITE]
    void = codes != NO_REASON
    factors = [factor] if isinstance(factor, Factor) else []
    factor_places = np.where(present & ~void, 0, -1).astype(np.int16) if factors else np.full(len(values), -1, np.int16)
    return _cells(np.where(void, 0.0, canonical), np.where(void, np.inf, canonical), codes, {}, factors, factor_places)


def convert_column(values: NDArray[np.float64], factor: Factor) -> NDArray[np.float64]:
    """Convert an array exactly as `value.convert` converts a number."""
    raw = values * float(factor.numerator) / float(factor.denominator) + 0.0  # no negative zero
    if factor.numerator == factor.denominator:
        return raw
    snapped = np.rint(raw * _SNAP) / _SNAP
    back = snapped * float(factor.denominator) / float(factor.numerator)
    converted: NDArray[np.float64] = np.where(back == values, snapped, raw)
    return converted


def _read_texts(column: pa.Array, units: pa.Array | None, reader: ResultReader) -> _Cells:
    texts, places = _distinct(column)
    if units is None:
        readings: list[Reading | None] = [reader.read_text(text) for text in texts]
    else:
        unit_texts, unit_places = _distinct(units)
        pairs = places * np.int64(len(unit_texts) + 1) + unit_places + 1
        pairs[places < 0] = -1
        distinct, inverse = np.unique(pairs, return_inverse=True)
        readings = []
        for pair in distinct.tolist():
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
            codes[place] = _CODE[reading.reason]
        if reading.finding is not None:
            findings.setdefault(reading.finding, np.zeros(count + 1, dtype=np.bool_))[place] = True
        if reading.factor is not None:
            used[place] = factors.setdefault(reading.factor, len(factors))
    # Row `count` is the absent cell, which place -1 reaches.
    spread = {name: flags[places] for name, flags in findings.items()}
    return _cells(low[places], high[places], codes[places], spread, list(factors), used[places])


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
            limits[rows] = convert_column(values[rows], factor)
        sides.append(limits)
    for limits in sides:
        limits[unreadable] = np.nan
    return _Range(sides[0], sides[1], unreadable)


def _plain_numbers(column: pa.Array, mark: NumberFormat) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read a column of limits: a number, nothing, or unreadable."""
    if _is_number(column):
        values = _floats(column)
        return values, np.zeros(len(values), dtype=np.bool_)
    texts, places = _distinct(_as_text(column))
    numbers = [plain_number(text, mark) for text in texts]
    bad = np.array([number is None for number in numbers] + [False])
    known = np.array([np.nan if number is None else number for number in numbers] + [np.nan])
    return known[places], bad[places]


@dataclass(frozen=True)
class _Range:
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    unreadable: NDArray[np.bool_]


# The person ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ages:
    days_low: NDArray[np.int64]
    days_high: NDArray[np.int64]
    months_low: NDArray[np.int64]
    months_high: NDArray[np.int64]
    known: NDArray[np.bool_]
    reasons: NDArray[np.int8]


def _ages(
    columns: Mapping[str, pa.Array], rows: int, plan: Plan, knowledge: Knowledge, reasons: dict[str, NDArray[np.int8]]
) -> _Ages:
    oldest = knowledge.age_implausible_from
    stated = _stated_ages(columns, rows, plan, oldest)
    if "birth_date" in plan.people:
        born, birth_codes = _dates(columns[plan.people["birth_date"]], plan)
        if "collected_at" in plan.people:
            taken, taken_codes = _dates(columns[plan.people["collected_at"]], plan)
        else:
            taken, taken_codes = np.full((rows, 8), -1, dtype=np.int64), np.full(rows, NO_REASON, dtype=np.int8)
        stated = _dated_ages(born, taken, birth_codes, taken_codes, stated, oldest)
    missing = ~stated.known & (stated.reasons == NO_REASON)
    codes = np.where(missing, _CODE[Reason.AGE_MISSING], stated.reasons).astype(np.int8)
    if (codes != NO_REASON).any():
        reasons["age"] = codes
    return stated


def _stated_ages(columns: Mapping[str, pa.Array], rows: int, plan: Plan, oldest: int) -> _Ages:
    if "age" not in plan.people:
        zero = np.zeros(rows, dtype=np.int64)
        return _Ages(zero, zero, zero, zero, np.zeros(rows, dtype=np.bool_), np.full(rows, NO_REASON, dtype=np.int8))
    column = columns[plan.people["age"]]
    texts, places = _distinct(column)
    if "age_unit" in plan.people:
        units, unit_places = _distinct(columns[plan.people["age_unit"]])
        pairs, inverse = np.unique(places * np.int64(len(units) + 1) + unit_places + 1, return_inverse=True)
        spans = []
        for pair in pairs.tolist():
            text, unit = divmod(pair, len(units) + 1)
            own = units[unit - 1] if unit else plan.age_unit
            spans.append(parse_age(texts[text] if text >= 0 else None, own, oldest))
        places = inverse.ravel()
    else:
        spans = [parse_age(text, plan.age_unit, oldest) for text in texts]
    table = np.zeros((len(spans) + 1, 4), dtype=np.int64)
    known = np.zeros(len(spans) + 1, dtype=np.bool_)
    codes = np.full(len(spans) + 1, NO_REASON, dtype=np.int8)
    for place, (span, reason) in enumerate(spans):
        if span is not None:
            table[place], known[place] = _span_row(span), True
        if reason is not None:
            codes[place] = _CODE[reason]
    spread = table[places]
    return _Ages(spread[:, 0], spread[:, 1], spread[:, 2], spread[:, 3], known[places], codes[places])


def _span_row(span: AgeSpan) -> tuple[int, int, int, int]:
    return span.days_low, span.days_high, span.months_low, span.months_high


def _dates(column: pa.Array, plan: Plan) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Return ordinal, year, month, day of the first and last possible date (-1: none)."""
    values, places = _distinct(column)
    table = np.full((len(values) + 1, 8), -1, dtype=np.int64)
    codes = np.full(len(values) + 1, NO_REASON, dtype=np.int8)
    for place, value in enumerate(values):
        span, reason = parse_date(value, plan.declared.date_format)
        if span is not None:
            table[place] = _date_row(span)
        if reason is not None:
            codes[place] = _CODE[reason]
    return table[places], codes[places]


def _date_row(span: DateSpan) -> list[int]:
    def parts(date: datetime.date) -> list[int]:
        return [date.toordinal(), date.year, date.month, date.day]

    return parts(span.first) + parts(span.last)


def _dated_ages(
    born: NDArray[np.int64],
    taken: NDArray[np.int64],
    birth_codes: NDArray[np.int8],
    taken_codes: NDArray[np.int8],
    stated: _Ages,
    oldest: int,
) -> _Ages:
    """Work out ages by the calendar as `person.age_at` does; the stated age fills in."""
    both = (born[:, 0] >= 0) & (taken[:, 0] >= 0)
    first_born, last_born = born[:, :4], born[:, 4:]
    first_taken, last_taken = taken[:, :4], taken[:, 4:]
    days_low = np.maximum(first_taken[:, 0] - last_born[:, 0], 0)
    days_high = last_taken[:, 0] - first_born[:, 0]
    months_low = np.maximum(_months(last_born, first_taken), 0)
    months_high = _months(first_born, last_taken)
    negative = both & (days_high < 0)
    implausible = both & ~negative & (months_low >= oldest * MONTHS_IN_YEAR)
    dated = both & ~negative & ~implausible
    codes = np.where(both, NO_REASON, stated.reasons).astype(np.int8)
    codes[negative] = _CODE[Reason.AGE_NEGATIVE]
    codes[implausible] = _CODE[Reason.AGE_IMPLAUSIBLE]
    without = ~both & ~stated.known & (stated.reasons == NO_REASON)
    cases = np.stack([born[without, 0] >= 0, birth_codes[without], taken_codes[without]], axis=1)
    distinct, inverse = np.unique(cases, axis=0, return_inverse=True)
    why = [missing_age(bool(has), _reason(birth), _reason(collected)) for has, birth, collected in distinct.tolist()]
    codes[without] = np.array([_CODE[reason] for reason in why], dtype=np.int8)[inverse.ravel()]
    return _Ages(
        np.where(dated, days_low, stated.days_low),
        np.where(dated, days_high, stated.days_high),
        np.where(dated, months_low, stated.months_low),
        np.where(dated, months_high, stated.months_high),
        np.where(both, dated, stated.known),
        codes,
    )


def _reason(code: int) -> Reason | None:
    return None if code == NO_REASON else REASONS[code]


def _months(birth: NDArray[np.int64], collected: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return completed months as `person.months_between` does."""
    months = (collected[:, 1] - birth[:, 1]) * MONTHS_IN_YEAR + collected[:, 2] - birth[:, 2]
    result: NDArray[np.int64] = months - (collected[:, 3] < birth[:, 3])
    return result


def _sex_and_pregnancy(
    columns: Mapping[str, pa.Array], rows: int, plan: Plan, knowledge: Knowledge, reasons: dict[str, NDArray[np.int8]]
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    words, declared = knowledge.words, plan.declared
    sex_codes, stage_codes = dict(declared.sex_codes or {}) or None, dict(declared.pregnancy_codes or {}) or None
    sex = _coded(columns, plan, "sex", rows, lambda v: parse_sex(v, words, sex_codes), SEXES.index, reasons)
    stage = _coded(
        columns, plan, "pregnancy", rows, lambda v: parse_pregnancy(v, words, stage_codes), PREGNANCIES.index, reasons
    )
    conflict = (sex == SEXES.index(Sex.MALE)) & np.isin(stage, [PREGNANCIES.index(s) for s in CONFLICTING])
    if conflict.any():
        codes = reasons.setdefault("pregnancy", np.full(rows, NO_REASON, dtype=np.int8))
        codes[conflict] = _CODE[Reason.PREGNANCY_CONFLICT]
    return sex, stage


def _coded(
    columns: Mapping[str, pa.Array],
    plan: Plan,
    name: str,
    rows: int,
    parse: Callable[[Any], tuple[Any, Reason | None]],
    place_of: Callable[[Any], int],
    reasons: dict[str, NDArray[np.int8]],
) -> NDArray[np.int8]:
    if name in plan.people:
        values, places = _distinct(columns[plan.people[name]])
    else:
        values, places = [], np.full(rows, -1, dtype=np.int64)
    parsed = [parse(value) for value in [*values, None]]
    codes = np.array([_CODE[reason] if reason else NO_REASON for _, reason in parsed], dtype=np.int8)[places]
    if (codes != NO_REASON).any():
        reasons[name] = codes
    result: NDArray[np.int8] = np.array([place_of(word) for word, _ in parsed], dtype=np.int8)[places]
    return result


def _method(columns: Mapping[str, pa.Array], plan: Plan) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    if "reticulocyte_method" not in plan.people:
        return None
    values, places = _distinct(columns[plan.people["reticulocyte_method"]])
    words = [str(value).strip().lower() for value in [*values, None]]
    automated = np.array([word == ReticulocyteMethod.AUTOMATED for word in words])[places]
    manual = np.array([word == ReticulocyteMethod.MANUAL for word in words])[places]
    return automated, manual


def _presence(column: pa.Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    values, places = _distinct(column)
    words = [_PRESENCE.get(str(value).strip().lower(), Presence.UNKNOWN) for value in [*values, None]]
    present = np.array([word is Presence.PRESENT for word in words])[places]
    absent = np.array([word is Presence.ABSENT for word in words])[places]
    return present, absent


# Arrow --------------------------------------------------------------------------------


def _is_number(column: pa.Array) -> bool:
    import pyarrow.types as types

    return bool(types.is_floating(column.type) or types.is_integer(column.type))


def _as_text(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.types as types

    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if types.is_string(column.type) or types.is_large_string(column.type):
        return column
    return column.cast(pa.string())


def _floats(column: pa.Array) -> NDArray[np.float64]:
    import pyarrow as pa

    values: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(values, dtype=np.float64)


def _distinct(column: pa.Array) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the distinct values of a column and the place of each row's (-1: null).

    Numbers that came as text stay text; a float is written as Python writes it.
    """
    import pyarrow as pa
    import pyarrow.types as types

    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if types.is_null(column.type):
        return [], np.full(len(column), -1, dtype=np.int64)
    if types.is_decimal(column.type):
        column = column.cast(pa.string())
    encoded = column.dictionary_encode()
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary.to_pylist(), places


__all__ = ["NO_REASON", "REASONS", "Normalized", "Pregnancy", "convert_column", "normalize_table", "read_cells"]
