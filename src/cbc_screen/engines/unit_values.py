"""Which unit the values of a column fit best: usual values, those of a clinic, or usual ones in another unit.

Only rows whose other results look healthy are weighed: low counts of the sick say nothing
about the unit. Three explanations of their values are compared, each by its likelihood:

- they are usual in the unit they are read in, with some scattered ones among them;
- they are of a clinic of one disease: anywhere, and scattered by more than a healthy group is;
- they are usual in another unit, with some scattered ones, or usual ones in this unit, among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log10, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from cbc_screen.knowledge.unit_suspect import Usual, ValueWeighing

Numbers = NDArray[np.float64]
Columns = Mapping[str, Numbers]
_NOTHING = 1e-4  # the density where no value is
_TINY = 1e-300  # no logarithm of 0
PERCENTAGES = "percentages"
_RED = "red"


@dataclass(frozen=True, slots=True)
class Weighed:
    """That values fit another unit: in how many of how many rows, how many times too large they look."""

    many: int
    rows: int
    off: float | None
    beside: str


@dataclass(frozen=True, slots=True)
class _Other:
    """Another unit: how many times too large a value looks in ours, and what is usual then."""

    usual: Usual
    off: float | None

    def shift(self) -> float:
        return 0.0 if self.off is None else log10(self.off)


def by_values(
    rule: ValueWeighing, values: Columns, offs: Mapping[str, float | None], percents: Mapping[str, str]
) -> dict[str, Weighed]:
    """Return the analytes whose values fit another unit better.

    `offs` are analytes that are doubted already, with how many times too large they look.
    White cells and platelets are judged by red cells first, and then by each other too: one of
    them in another unit must not make the other look sick.
    """
    odd = [analyte for analyte in rule.usual if analyte in values and analyte not in offs]
    odd = [analyte for analyte in odd if not _mostly_usual(rule, rule.usual[analyte], values[analyte])]
    if not odd:
        return {}
    first = _round(rule, odd, values, offs, percents, groups=(_RED,))
    known = {**{analyte: weighed.off for analyte, weighed in first.items()}, **offs}
    return _round(rule, odd, values, known, percents, groups=None)


def _mostly_usual(rule: ValueWeighing, usual: Usual, values: Numbers) -> bool:
    """Tell whether nearly all values are usual in the unit they are read in, as they are in most sources."""
    own = values[values > 0]
    return bool(np.count_nonzero(_is_usual(rule, usual, np.log10(own))) >= rule.clear * len(own))


def _round(
    rule: ValueWeighing,
    odd: list[str],
    values: Columns,
    offs: Mapping[str, float | None],
    percents: Mapping[str, str],
    groups: tuple[str, ...] | None,
) -> dict[str, Weighed]:
    found = {}
    for analyte in odd:
        usual = rule.usual[analyte]
        there = values[analyte] > 0
        healthy, others = _healthy_otherwise(rule, values, offs, usual.group, groups)
        chosen = values[analyte][there & healthy]
        family = _in_family(rule, analyte, offs)
        if family is None and (len(chosen) < rule.rows or len(chosen) < rule.share * np.count_nonzero(there)):
            continue
        if len(chosen):
            partner = rule.usual.get(percents.get(analyte, ""))
            weighed = _weigh(rule, usual, chosen, partner, family, others=others)
            if weighed is not None:
                found[analyte] = weighed
    return found


def _in_family(rule: ValueWeighing, analyte: str, offs: Mapping[str, float | None]) -> float | None:
    """Return how many times too large an analyte would look in the units of another that is off."""
    for family in rule.families:
        for other, off in offs.items():
            if other != analyte and off is not None and analyte in family and _same(family.get(other), off):
                return family[analyte]
    return None


def _same(one: float | None, other: float) -> bool:
    return one is not None and abs(log10(one / other)) < _NOTHING


def _healthy_otherwise(
    rule: ValueWeighing, values: Columns, offs: Mapping[str, float | None], group: str, groups: tuple[str, ...] | None
) -> tuple[NDArray[np.bool_], bool]:
    """Tell in which rows the other groups of results look healthy, and whether there are any."""
    rows = max(map(len, values.values()))
    good, bad = np.zeros(rows, dtype=np.bool_), np.zeros(rows, dtype=np.bool_)
    told: dict[str, NDArray[np.bool_]] = {}
    for healthy in rule.healthy:
        off = offs.get(healthy.analyte, 1.0)
        if healthy.analyte not in values or healthy.group == group or off is None:
            continue
        if groups is not None and healthy.group not in groups:
            continue
        own = values[healthy.analyte] / off
        fresh = (own == own) & ~told.get(healthy.group, np.zeros(rows, dtype=np.bool_))
        inside = (own >= healthy.span[0]) & (own <= healthy.span[1])
        good |= fresh & inside
        bad |= fresh & ~inside
        told[healthy.group] = told.get(healthy.group, fresh) | fresh
    if not (good | bad).any():
        return np.ones(rows, dtype=np.bool_), False
    return good & ~bad, True


def _weigh(
    rule: ValueWeighing, usual: Usual, values: Numbers, partner: Usual | None, family: float | None, *, others: bool
) -> Weighed | None:
    """Compare the explanations of some values; return the other unit, if it is by far the best."""
    powers = np.log10(values)
    stated = _density(usual, powers)
    if 2 * np.count_nonzero(_is_usual(rule, usual, powers)) >= len(values):
        return None
    candidates = [_Other(usual, off) for off in ((family,) if family is not None else rule.scales)]
    if partner is not None and family is None:
        candidates.append(_Other(partner, None))
    prior = rule.beside_another if family is not None else rule.other_unit / len(candidates)
    odds = rule.odds_beside_another if family is not None else rule.odds if others else rule.odds_without_others
    in_stated = max(_mixed(stated, _scattered(usual, powers), share) for share in rule.scattered_as_stated)
    best = max(in_stated, _clinic(rule, usual, powers))
    likeliest, chosen = max(
        ((_in_other(rule, other, powers, stated), other) for other in candidates), key=lambda pair: pair[0]
    )
    if likeliest + log(prior) - best <= log(odds):
        return None
    many = int(np.count_nonzero(_is_usual(rule, chosen.usual, powers - chosen.shift())))
    return Weighed(many, len(values), chosen.off, "" if chosen.off is not None else PERCENTAGES)


def _density(usual: Usual, powers: Numbers) -> Numbers:
    found: Numbers = _normal(powers, log10(usual.middle), usual.spread)
    return found


def _normal(powers: Numbers, middle: float, spread: float) -> Numbers:
    found: Numbers = np.exp(-(((powers - middle) / spread) ** 2) / 2) / (spread * sqrt(2 * pi))
    return found


def _is_usual(rule: ValueWeighing, usual: Usual, powers: Numbers) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.abs(powers - log10(usual.middle)) <= rule.within * usual.spread
    return found


def _scattered(usual: Usual, powers: Numbers) -> Numbers:
    """Return the density of values that may be anything there is."""
    low, high = map(log10, usual.all)
    return np.where((powers >= low) & (powers <= high), 1 / (high - low), _NOTHING)


def _mixed(density: Numbers, scattered: Numbers, share: float) -> float:
    return float(np.log((1 - share) * density + share * scattered).sum())


def _clinic(rule: ValueWeighing, usual: Usual, powers: Numbers) -> float:
    """Weigh a clinic: its middle may lie anywhere among clinics, which costs what is not known of it."""
    middle, spread = float(powers.mean()), max(float(powers.std()), rule.scatter)
    low, high = map(log10, usual.clinics)
    if not low <= middle <= high:
        return -np.inf
    own = np.log(_normal(powers, middle, spread) + _TINY).sum()
    unknown = (high - low) / (spread * sqrt(2 * pi / len(powers)))
    return float(own) + log(rule.clinic) - log(max(unknown, 1.0))


def _in_other(rule: ValueWeighing, other: _Other, powers: Numbers, stated: Numbers) -> float:
    moved = powers - other.shift()
    density, scattered = _density(other.usual, moved), _scattered(other.usual, moved)
    return max(
        _mixed(same * stated + (1 - same) * density, scattered, share)
        for share in rule.scattered
        for same in rule.as_stated
    )
