"""Limits that came with the results of a column: in columns of their own, or as one text ("10.5-15.0"), of each sex perhaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel_inputs import SEXES
from cbc_screen.normalize.arrow import as_text, distinct, floats, is_number
from cbc_screen.normalize.cells import Cells, convert_column
from cbc_screen.normalize.plan import AnalyteColumn
from cbc_screen.normalize.range_text import limits_of_text, of_sex
from cbc_screen.normalize.value import NumberFormat, plain_number
from cbc_screen.vocabulary import Sex

if TYPE_CHECKING:
    import pyarrow as pa

Side = tuple[
    NDArray[np.float64], NDArray[np.bool_]
]  # the numbers of a side, NaN for none, and where they cannot be read


@dataclass(frozen=True)
class ReportedLimits:
    """The limits that came with results, in canonical units, and where they could not be read."""

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    unreadable: NDArray[np.bool_]


def reported_limits(
    entry: AnalyteColumn,
    columns: Mapping[str, pa.Array],
    cells: Cells,
    mark: NumberFormat,
    unit: str,
    sexes: Callable[[], NDArray[np.int8]],
) -> ReportedLimits:
    """Read reported limits; their unit is that of the result they came with.

    A limit of its own column stands before one of a text. `unit` may be repeated in a text, and `sexes` are asked for
    (places in `SEXES`) where the limits of a text depend on them.
    """
    rows = len(cells.low)
    sides = [
        _plain_numbers(columns[name], mark) if name else _no_limits(rows)
        for name in (entry.lower_column, entry.upper_column)
    ]
    if entry.range_column is not None:
        units = columns[entry.unit_column] if entry.unit_column else None
        own = _of_texts(columns[entry.range_column], units, unit, mark, sexes)
        silent = np.logical_and.reduce([np.isnan(values) & ~bad for values, bad in sides])
        sides = [
            (np.where(silent, text, values), np.where(silent, text_bad, bad))
            for (values, bad), (text, text_bad) in zip(sides, own, strict=True)
        ]
    unreadable = (sides[0][1] | sides[1][1]) & (cells.factor_places >= 0)
    lower, upper = (_converted(values, cells, unreadable) for values, _ in sides)
    return ReportedLimits(lower, upper, unreadable)


def _converted(values: NDArray[np.float64], cells: Cells, unreadable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return limits in the canonical unit; none where one of the two cannot be read."""
    limits = np.full(len(values), np.nan)
    for place, factor in enumerate(cells.factors):
        rows = cells.factor_places == place
        with np.errstate(all="ignore"):  # a limit may be infinite, and is then not sane
            limits[rows] = convert_column(values[rows], factor)
    limits[unreadable] = np.nan
    return limits


def _no_limits(rows: int) -> Side:
    return np.full(rows, np.nan), np.zeros(rows, dtype=np.bool_)


def _plain_numbers(column: pa.Array, mark: NumberFormat) -> Side:
    """Read a column of limits: a number, nothing, or unreadable."""
    if is_number(column):
        values = floats(column)
        return values, np.zeros(len(values), dtype=np.bool_)
    texts, places = distinct(as_text(column))
    return _numbers(texts, places, mark)


def _numbers(texts: list[str], places: NDArray[np.int64], mark: NumberFormat) -> Side:
    numbers = [plain_number(text, mark) for text in texts]
    bad = np.array([number is None for number in numbers] + [False])
    known = np.array([np.nan if number is None else number for number in numbers] + [np.nan])
    return known[places], bad[places]


def _of_texts(
    column: pa.Array, units: pa.Array | None, unit: str, mark: NumberFormat, sexes: Callable[[], NDArray[np.int8]]
) -> tuple[Side, Side]:
    """Read a column of ranges as texts: the lower and the upper limits."""
    texts, places = distinct(as_text(column))
    stated, of_units = ([], np.full(len(places), -1)) if units is None else distinct(as_text(units))
    pairs, each = np.unique((places + 1) * (len(stated) + 1) + of_units + 1, return_inverse=True)
    limits = []
    for text, own in zip(*(part.tolist() for part in divmod(pairs, len(stated) + 1)), strict=True):
        told = (stated[own - 1] if own else "") or unit
        limits.append(limits_of_text(texts[text - 1], told) if text else ("", ""))
    lower, upper = ([one[side] for one in limits] for side in range(2))
    return _side(lower, each, mark, sexes), _side(upper, each, mark, sexes)


def _side(
    limits: list[str], each: NDArray[np.int64], mark: NumberFormat, sexes: Callable[[], NDArray[np.int8]]
) -> Side:
    """Return one side; of limits that depend on the sex, that of each person."""
    if all(of_sex(limit, Sex.UNKNOWN) == limit for limit in limits):
        return _of_limits(limits, each, mark)
    of_each = [_of_limits([of_sex(limit, sex) for limit in limits], each, mark) for sex in SEXES]
    own, rows = sexes(), np.arange(len(each))
    return np.stack([values for values, _ in of_each])[own, rows], np.stack([bad for _, bad in of_each])[own, rows]


def _of_limits(limits: list[str], each: NDArray[np.int64], mark: NumberFormat) -> Side:
    # A side that is empty is open.
    told = [limit for limit in limits if limit]
    number_of = {limit: place for place, limit in enumerate(dict.fromkeys(told))}
    places = np.array([number_of.get(limit, -1) for limit in limits] or [-1], dtype=np.int64)
    return _numbers(list(number_of), places[each], mark)
