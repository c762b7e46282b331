"""Whether a whole column looks as if it were in another unit; said, and never converted.

What is looked at are rows of one source, in canonical units and as they were before anything
was set aside. The rule and its numbers are in analytes.yaml (`unit_suspect`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cbc_screen.engines.unit_values import PERCENTAGES, by_values
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.unit_suspect import Ratio, Span, Sums, UnitSuspect
from cbc_screen.normalize.columns import Normalized

Numbers = NDArray[np.float64]
Columns = Mapping[str, Numbers]
_LARGE_PARTS = ("lymphocytes", "monocytes")
FRACTIONS, COUNTS = "fractions of 1", "absolute counts"


class Doubt(StrEnum):
    """Why the unit of a column is doubted."""

    IMPLAUSIBLE = "implausible"
    REPORTED = "reported"
    MIDDLE = "middle"
    RELATION = "relation"
    SUM = "sum"
    PARTS = "parts"
    VALUES = "values"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a column is doubted, in how many of how many rows, and how many times too large its values look.

    `off` is None where that is not known; `beside` names what the values were compared with,
    or what they look like instead.
    """

    doubt: Doubt
    many: int
    rows: int
    off: float | None = None
    beside: str = ""


@dataclass(frozen=True)
class Rows:
    """Rows of a source: numbers, which of them are implausible, and the middles of printed ranges."""

    values: Columns
    implausible: Mapping[str, NDArray[np.bool_]]
    reported: Columns

    def __len__(self) -> int:
        return max((len(own) for own in self.values.values()), default=0)

    def ordered(self, order: NDArray[np.intp]) -> Rows:
        """Return the rows in an order."""
        return Rows(
            {name: own[order] for name, own in self.values.items()},
            {name: own[order] for name, own in self.implausible.items()},
            {name: own[order] for name, own in self.reported.items()},
        )


def rows_of(normalized: Normalized, knowledge: Knowledge) -> Rows:
    """Return the numbers of a batch as they are before anything is set aside."""
    batch = normalized.batch
    values, implausible = {}, {}
    for analyte, low in batch.low.items():
        if not knowledge.analytes[analyte].counted:
            continue
        point = np.where(low == batch.high[analyte], low, np.nan)
        doubted = normalized.doubted.get(analyte)
        values[analyte] = point if doubted is None else np.where(doubted == doubted, doubted, point)
        implausible[analyte] = np.zeros(len(low), dtype=np.bool_) if doubted is None else doubted == doubted
    reported = {analyte: (lower + upper) / 2 for analyte, (lower, upper) in batch.reported.items()}
    return Rows(values, implausible, reported)


def together(parts: list[Rows]) -> Rows:
    """Put the rows of several sources together; what one of them does not have is missing there."""

    def joined(columns: list[Columns], lengths: list[int]) -> dict[str, Numbers]:
        names = dict.fromkeys(name for own in columns for name in own)
        return {
            name: np.concatenate(
                [own.get(name, np.full(many, np.nan)) for own, many in zip(columns, lengths, strict=True)]
            )
            for name in names
        }

    lengths = [len(part) for part in parts]
    marks = joined(
        [{name: own.astype(np.float64) for name, own in part.implausible.items()} for part in parts], lengths
    )
    return Rows(
        joined([part.values for part in parts], lengths),
        {name: own == 1 for name, own in marks.items()},
        joined([part.reported for part in parts], lengths),
    )


def suspicions(knowledge: Knowledge, rows: Rows) -> dict[str, Suspicion]:
    """Return the analytes whose unit is doubted, in the order of analytes.yaml."""
    rule, middles = knowledge.unit_suspect, usual_middles(knowledge)
    doubted, confirmed = _by_printed_ranges(rule, rows, middles)
    by_sums, whole = _by_sums(rule.sums, rows.values)
    confirmed |= whole
    found = {**_by_middles(rule, rows.values, middles), **by_sums, **doubted, **_implausible(rule, rows, middles)}
    percents = {analyte.id: analyte.percent for analyte in knowledge.analytes.values() if analyte.percent is not None}
    offs = {analyte: one.off for analyte, one in found.items()}
    for analyte, weighed in by_values(rule.values, rows.values, offs, percents).items():
        if analyte not in confirmed:
            found[analyte] = Suspicion(Doubt.VALUES, weighed.many, weighed.rows, weighed.off, weighed.beside)
    sure = {analyte for analyte in confirmed if analyte in whole or _lies_near(rule, rows, analyte)}
    found = {**_by_relations(rule, rows.values, found, sure), **found}
    found = {**_by_parts(rows, found), **found}
    return {analyte: found[analyte] for analyte in knowledge.analytes if analyte in found}


def _by_parts(rows: Rows, found: Mapping[str, Suspicion]) -> dict[str, Suspicion]:
    """Doubt the neutrophils where a large part of the same differential is in doubt: few percent pass for counts."""
    own = rows.values.get("neutrophils")
    parts = [name for name in _LARGE_PARTS if name in found]
    if own is None or not parts or not (many := int((own == own).sum())):
        return {}
    return {"neutrophils": Suspicion(Doubt.PARTS, many, len(own), None, parts[0])}


@lru_cache(maxsize=4)
def usual_middles(knowledge: Knowledge) -> dict[str, float]:
    """Return the middle of the middles of the default ranges, by analyte."""
    found: dict[str, list[float]] = {}
    for row in knowledge.intervals("default"):
        if row.lower is not None and row.upper is not None:
            found.setdefault(row.analyte, []).append((row.lower + row.upper) / 2)
    return {analyte: float(np.median(own)) for analyte, own in found.items()}


def _share(mask: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(mask)) / len(mask) if len(mask) else 0.0


def _inside(values: Numbers, span: Span) -> NDArray[np.bool_]:
    return (values >= span[0]) & (values <= span[1])


def _implausible(rule: UnitSuspect, rows: Rows, middles: Mapping[str, float]) -> dict[str, Suspicion]:
    """Doubt what mostly cannot be believed in the unit it is read in."""
    found = {}
    for analyte, values in rows.values.items():
        there = values == values
        many, given = int(np.count_nonzero(rows.implausible[analyte])), int(np.count_nonzero(there))
        if given >= rule.implausible_rows and many > rule.implausible_share * given:
            off = _off(values[there], middles.get(analyte))
            found[analyte] = Suspicion(Doubt.IMPLAUSIBLE, many, given, off)
    return found


def _off(values: Numbers, middle: float | None) -> float | None:
    """Return by which power of ten the middle value is nearest to a usual one; None where that is no power."""
    if middle is None:
        return None
    power = round(float(np.log10(np.median(values) / middle)))
    return 10.0**power if power else None


def _by_printed_ranges(
    rule: UnitSuspect, rows: Rows, middles: Mapping[str, float]
) -> tuple[dict[str, Suspicion], set[str]]:
    """Doubt what came with ranges of another size; return also what came with ranges of the same size."""
    found, confirmed = {}, set()
    for analyte, printed in rows.reported.items():
        there = printed[printed > 0]
        if len(there) < rule.reported_rows or analyte not in middles or analyte not in rows.values:
            continue
        if 2 * len(there) < np.count_nonzero(rows.values[analyte] == rows.values[analyte]):
            continue
        own, usual = float(np.median(there)), middles[analyte]
        values = rows.values[analyte][rows.values[analyte] > 0]
        near = len(values) > 0 and _times(float(np.median(values)), own) < rule.reported_factor
        if _times(own, usual) >= rule.reported_factor and near:  # else only the ranges are of another unit
            found[analyte] = Suspicion(Doubt.REPORTED, len(there), len(there), _off(there, middles[analyte]))
        elif _times(own, usual) < rule.reported_factor:
            confirmed.add(analyte)
    return found, confirmed


def _lies_near(rule: UnitSuspect, rows: Rows, analyte: str) -> bool:
    """Tell whether results lie near the middle of the ranges that came with them."""
    with np.errstate(all="ignore"):
        ratios = rows.values[analyte] / rows.reported[analyte]
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    return len(ratios) > 0 and _times(float(np.median(ratios)), 1.0) <= rule.reported_near


def _times(one: float, other: float) -> float:
    return max(one / other, other / one)


def _by_sums(rule: Sums, values: Columns) -> tuple[dict[str, Suspicion], set[str]]:
    """Doubt the parts of a differential by what they add up to; return also percentages that add up to 100."""
    found: dict[str, Suspicion] = {}
    confirmed: set[str] = set()
    cells = values.get("wbc")
    for names, what, off in (
        *((rule.absolute, total, None) for total in rule.totals),
        (rule.percent, 100.0, 1.0),
        (rule.percent, 1.0, 0.01),
        (rule.percent, cells, None),
    ):
        parts = [name for name in names if name in values and (values[name] == values[name]).any()]
        if len(parts) < rule.fewest or what is None:
            continue
        every = np.array([values[name] for name in parts])
        total, whole = np.nansum(every, axis=0), np.broadcast_to(what, every.shape[1:])
        enough = (np.count_nonzero(every == every, axis=0) >= rule.fewest) & (whole == whole)
        near = enough & (np.abs(total - whole) <= rule.tolerance * whole)
        if cells is not None and off is None:  # white cells of as many say nothing
            as_many = 100.0 if names is rule.percent else what
            near &= ~(np.abs(cells - as_many) <= 2 * rule.tolerance * cells)
        many, given = int(np.count_nonzero(near)), int(np.count_nonzero(enough))
        if given < rule.rows or many < rule.fits * given:
            continue
        if off == 1.0:
            confirmed |= set(parts)
            break
        beside = PERCENTAGES if names is rule.absolute else FRACTIONS if off is not None else COUNTS
        found |= {name: Suspicion(Doubt.SUM, many, given, off, beside) for name in parts}
    return found, confirmed


def _by_middles(rule: UnitSuspect, values: Columns, middles: Mapping[str, float]) -> dict[str, Suspicion]:
    """Doubt a column whose middle value no group of patients has."""
    found = {}
    for middle in rule.middles:
        own = values.get(middle.analyte, np.zeros(0))
        own = own[own > 0]
        if len(own) >= middle.rows and not middle.span[0] <= np.median(own) <= middle.span[1]:
            outside = int(np.count_nonzero(~_inside(own, middle.span)))
            found[middle.analyte] = Suspicion(Doubt.MIDDLE, outside, len(own), _off(own, middles.get(middle.analyte)))
    return found


# Relations -----------------------------------------------------------------------------


def _by_relations(
    rule: UnitSuspect, values: Columns, known: Mapping[str, Suspicion], confirmed: set[str]
) -> dict[str, Suspicion]:
    """Doubt what fits another result of the same rows only if it is some times larger or smaller."""
    found: dict[str, Suspicion] = {}
    ratios = {ratio: own for ratio in rule.relations.ratios if len(own := _ratio(ratio, values)) >= rule.relations.rows}
    for ratio, own in ratios.items():
        if known.keys() & set(ratio.analytes) or _share(_inside(own, ratio.span)) > rule.relations.left:
            continue  # what is doubted already explains it
        shares = {factor: _share(_inside(own / factor, ratio.fit)) for factor in _both_ways(rule.relations.factors)}
        off = max(shares, key=shares.__getitem__)
        if shares[off] < rule.relations.fits:
            continue
        for analyte in ratio.analytes:
            own_off = off if analyte in ratio.times else 1 / off
            others = {other: their for other, their in ratios.items() if other is not ratio}
            if analyte in confirmed or any(_clears(rule, *other, analyte, own_off) for other in others.items()):
                continue
            many = int(np.count_nonzero(~_inside(own, ratio.span)))
            found.setdefault(analyte, Suspicion(Doubt.RELATION, many, len(own), own_off, ratio.name))
    return found


def _ratio(ratio: Ratio, values: Columns) -> Numbers:
    """Return a ratio of the rows that have all of it."""
    if not set(ratio.analytes) <= set(values):
        return np.zeros(0)
    found: Numbers = values[ratio.times[0]]
    with np.errstate(all="ignore"):
        for name in ratio.times[1:]:
            found = found * values[name]
        for name in ratio.over:
            found = found / values[name]
    return found[np.isfinite(found) & (found > 0)]


def _both_ways(factors: tuple[float, ...]) -> tuple[float, ...]:
    return (*factors, *(1 / factor for factor in factors))


def _clears(rule: UnitSuspect, ratio: Ratio, own: Numbers, analyte: str, off: float) -> bool:
    """Tell whether an analyte fits a third result as it is, and would not if it were corrected."""
    if analyte not in ratio.analytes or _share(_inside(own, ratio.span)) < rule.relations.fits:
        return False
    corrected = own / off if analyte in ratio.times else own * off
    return _share(_inside(corrected, ratio.span)) <= rule.relations.left
