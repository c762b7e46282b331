"""What a sender claims of its results, held against what else it says: flags, ranges, units.

Every comparison is of what is sure: a value or a limit that may lie on both sides contradicts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.quantities import Analyte, Factor, UnitTable
from cbc_screen.vocabulary import SenderFlag

Numbers = NDArray[np.float64]
Truths = NDArray[np.bool_]
_NEAR = 1e-9  # ratios of two units are equal to this share


class Finding(StrEnum):
    """What an audit can find of a result; reference_ranges/audit.yaml has the words."""

    FLAG_LOW_NOT_LOW = "flag_low_not_low"
    FLAG_HIGH_NOT_HIGH = "flag_high_not_high"
    FLAG_NORMAL_OUTSIDE = "flag_normal_outside"
    FLAG_MISSING_OUTSIDE = "flag_missing_outside"
    FLAG_CRITICAL_WITHIN = "flag_critical_within"
    RANGE_REVERSED = "range_reversed"
    RANGE_UNREADABLE = "range_unreadable"
    RANGE_FAR_OFF = "range_far_off"
    RANGE_IN_ANOTHER_UNIT = "range_in_another_unit"
    VALUE_IN_ANOTHER_UNIT = "value_in_another_unit"


@dataclass(frozen=True)
class Claims:
    """What is said of the results of one analyte, a row each; numbers in the canonical unit, NaN where there is none.

    `low` and `high` are the ends of the value, `lower` and `upper` the limits that came with it, `own_lower` and
    `own_upper` those of the shipped set for this person. `flags` are what the sender's flags mean, None where one is
    missing or says neither low nor high; `flagged` tells whether there is any. `units` are the factors of the stated units.
    """

    analyte: Analyte
    low: Numbers
    high: Numbers
    lower: Numbers
    upper: Numbers
    unreadable: Truths
    own_lower: Numbers
    own_upper: Numbers
    flags: Sequence[SenderFlag | None]
    flagged: Truths
    units: Sequence[Factor | None]


@dataclass(frozen=True)
class FoundClaims:
    """The rows of each finding, and the unit that would explain it, by row."""

    rows: dict[Finding, Truths]
    explained: dict[int, str]


def contradictions(claims: Claims, far: float) -> FoundClaims:
    """Hold the claims against each other; a limit is far off beyond the factor `far`."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        rows = {**_of_flags(claims), **_of_ranges(claims, far)}
        return _with_units(claims, rows, far)


def _of_flags(claims: Claims) -> dict[Finding, Truths]:
    low, high, lower, upper = claims.low, claims.high, claims.lower, claims.upper
    sane = ~(upper <= lower)

    def said(*meanings: SenderFlag) -> Truths:
        return np.array([flag in meanings for flag in claims.flags], dtype=np.bool_)

    outside = sane & ((high < lower) | (low > upper))
    silent = ~claims.flagged
    critical_low, critical_high = said(SenderFlag.CRITICAL_LOW), said(SenderFlag.CRITICAL_HIGH)
    return {
        Finding.FLAG_LOW_NOT_LOW: sane & said(SenderFlag.LOW, SenderFlag.CRITICAL_LOW) & (low >= lower),
        Finding.FLAG_HIGH_NOT_HIGH: sane & said(SenderFlag.HIGH, SenderFlag.CRITICAL_HIGH) & (high <= upper),
        Finding.FLAG_NORMAL_OUTSIDE: outside & said(SenderFlag.NORMAL),
        Finding.FLAG_MISSING_OUTSIDE: outside & silent,
        Finding.FLAG_CRITICAL_WITHIN: (critical_low | critical_high)
        & (low >= claims.own_lower)
        & (high <= claims.own_upper),
    }


def _of_ranges(claims: Claims, far: float) -> dict[Finding, Truths]:
    reversed_ = claims.lower >= claims.upper
    return {
        Finding.RANGE_REVERSED: reversed_,
        Finding.RANGE_UNREADABLE: claims.unreadable,
        Finding.RANGE_FAR_OFF: ~reversed_
        & (_is_far(claims.lower, claims.own_lower, far) | _is_far(claims.upper, claims.own_upper, far)),
    }


def _is_far(theirs: Numbers, ours: Numbers, far: float) -> Truths:
    """Tell where a limit is more than so many times another one; a limit of 0 is far from none."""
    comparable = (theirs > 0) & (ours > 0)
    return comparable & ((theirs > ours * far) | (theirs * far < ours))


def _with_units(claims: Claims, rows: dict[Finding, Truths], far: float) -> FoundClaims:
    """Say which other unit, if exactly one, explains a range that is far off, or a value that is far from its range."""
    count = len(claims.low)
    rows[Finding.RANGE_IN_ANOTHER_UNIT] = np.zeros(count, dtype=np.bool_)
    rows[Finding.VALUE_IN_ANOTHER_UNIT] = np.zeros(count, dtype=np.bool_)
    explained: dict[int, str] = {}
    low, high = claims.low, claims.high
    unremarked = np.array([flag in (None, SenderFlag.NORMAL) for flag in claims.flags], dtype=np.bool_)
    strange = unremarked & (claims.lower > 0) & (claims.upper > claims.lower)
    strange &= (high * far < claims.lower) | (low > claims.upper * far)
    for row in np.flatnonzero(rows[Finding.RANGE_FAR_OFF] | strange).tolist():
        unit = claims.units[row]
        if unit is None:
            continue
        units = _other_units(claims.analyte.units, unit)
        if rows[Finding.RANGE_FAR_OFF][row]:
            finding, name = Finding.RANGE_IN_ANOTHER_UNIT, _best_for_range(claims, row, far, units)
        else:
            finding, name = Finding.VALUE_IN_ANOTHER_UNIT, _only_for_value(claims, row, units)
        if name:
            rows[finding][row], explained[row] = True, name
    return FoundClaims(rows, explained)


def _best_for_range(claims: Claims, row: int, far: float, units: Sequence[tuple[float, str]]) -> str:
    """Return the unit in which the range of a row lies nearest to the shipped one, and not far from it."""
    own = float(claims.own_lower[row]), float(claims.own_upper[row])
    theirs = float(claims.lower[row]), float(claims.upper[row])
    pairs = [(limit, ours) for limit, ours in zip(theirs, own, strict=True) if limit > 0 and ours > 0]
    distances = [(max(abs(math.log(limit * ratio / ours)) for limit, ours in pairs), name) for ratio, name in units]
    nearest, name = min(distances, default=(math.inf, ""))
    return name if nearest <= math.log(far) else ""


def _only_for_value(claims: Claims, row: int, units: Sequence[tuple[float, str]]) -> str:
    """Return the only unit in which the value of a row lies within its range."""
    low, high, lower, upper = (float(part[row]) for part in (claims.low, claims.high, claims.lower, claims.upper))
    found = [name for ratio, name in units if low == high and lower <= low * ratio <= upper]
    return found[0] if len(found) == 1 else ""


def _other_units(units: UnitTable, stated: Factor) -> list[tuple[float, str]]:
    """Return every other unit by how many times as much it makes of a number, with its first spelling."""
    found: list[tuple[float, str]] = []
    own = stated.numerator / stated.denominator
    tables = [units.accepted, *units.declared.values()]
    for spelling, factor in ((s, f) for table in tables for s, f in table.items()):
        ratio = factor.numerator / factor.denominator / own
        if abs(ratio - 1) > _NEAR and all(abs(ratio / known - 1) > _NEAR for known, _ in found):
            found.append((ratio, units.canonical if factor == Factor(1, 1) else spelling))
    return found
