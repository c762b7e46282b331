"""A block of persons followed: every analyte as a series, with what breaks it and what keeps it from being compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cbc_screen.knowledge.quantities import Factor
from cbc_screen.knowledge.serial_rules import SerialRules
from cbc_screen.normalize.arrow import as_text, distinct
from cbc_screen.normalize.value import fold
from cbc_screen.serial.change import Changes, delta_check, differs_from_before
from cbc_screen.serial.counts import CountBlock, suppressed
from cbc_screen.serial.course import Series, changes_of
from cbc_screen.serial.person_frame import PersonFrame, taken
from cbc_screen.serial.segments import Bools, Codes, Floats, Ints, any_of

_DIGITS = 6  # of a printed limit in canonical units, beyond which two are the same


@dataclass(frozen=True)
class Followed:
    """A block of persons: counts, series by analyte, and what was found between counts, by moment."""

    counts: CountBlock
    codes: Ints  # of the persons of the block, in the frame
    series: Mapping[str, Series]
    changes: Mapping[str, Changes]
    checks: Mapping[str, Codes]
    quiet: Mapping[str, Bools]  # by rule, of each row
    laboratory: Bools
    units: Mapping[str, Bools]
    ranges: Mapping[str, Bools]

    @cached_property
    def ordered(self) -> Bools:
        """Which rows were given before a row of the same person that is of an earlier time."""
        counts = self.counts
        rows, person = counts.rows[counts.used], counts.person[counts.used]
        back = np.zeros(len(counts.rows), dtype=np.bool_)
        back[counts.used[1:][(rows[1:] < rows[:-1]) & (person[1:] == person[:-1])]] = True
        same = counts.moment[counts.used]
        tied = np.zeros(len(counts.rows), dtype=np.bool_)
        tied[counts.used[1:][same[1:] == same[:-1]]] = True
        return back & ~tied


def follow_block(
    counts: CountBlock, source: PersonFrame, rules: SerialRules, analytes: Sequence[str], codes: Ints
) -> Followed:
    """Put the results of a block in order, and compare each with the one before."""
    quiet = suppressed(counts, source, rules.suppressions)
    laboratory = _changed(counts, _laboratories(counts, source))
    units = {name: _changed(counts, _units(counts, source, name)) for name in analytes}
    return follow_counts(counts, rules, analytes, codes, quiet, laboratory, units)


def follow_counts(
    counts: CountBlock,
    rules: SerialRules,
    analytes: Sequence[str],
    codes: Ints,
    quiet: Mapping[str, Bools],
    laboratory: Bools,
    units: Mapping[str, Bools],
) -> Followed:
    """Compare each result with the one before; `laboratory` and `units` are the moments from which on they are others."""
    rows_quiet = np.zeros(len(counts.rows), dtype=np.bool_)
    for own in quiet.values():
        rows_quiet |= own
    still = any_of(rows_quiet[counts.used], counts.starts)
    ranges = {name: _changed(counts, _ranges(counts, name)) for name in analytes}
    series = {
        name: Series(name, counts.of_moments(name), still, laboratory | ranges[name], counts.undated(name))
        for name in analytes
    }
    found = changes_of(counts, series, rules)
    values = {name: own.values for name, own in series.items()}
    checks = {
        rule.id: delta_check(counts, rule, values, found, still)
        for rule in rules.delta_checks
        if rule.analyte in values
    }
    return Followed(counts, codes, series, found, checks, quiet, laboratory, units, ranges)


def _changed(counts: CountBlock, marks: Ints | None) -> Bools:
    if marks is None:
        return np.zeros(counts.moments, dtype=np.bool_)
    return differs_from_before(counts, marks[counts.first_row])


def _laboratories(counts: CountBlock, source: PersonFrame) -> Ints | None:
    if source.laboratory is None:
        return None
    words, places = distinct(as_text(taken({"": source.laboratory}, counts.rows)[""]))
    folded = [fold(str(word)).casefold() for word in words]
    return _marks([word or None for word in folded])[places]


def _units(counts: CountBlock, source: PersonFrame, analyte: str) -> Ints | None:
    """Return which unit stands beside each result, by what it is worth; -1 where none does or it is not known."""
    ready = source.ready
    entry = ready.plan.analytes.get(analyte)
    if entry is None or entry.unit_column is None:
        return None
    column = taken({"": ready.arrays[entry.unit_column]}, counts.rows)[""]
    words, places = distinct(as_text(column))
    table, convention = ready.engine.knowledge.analytes[analyte].units, ready.plan.declared.convention
    found = [table.find(str(word), convention) for word in words]
    worth = [str(one.numerator / one.denominator) if isinstance(one, Factor) else None for one in found]
    return _marks(worth)[places]


def _marks(words: Sequence[str | None]) -> Ints:
    """Return a number for each word, equal ones alike; what is not said, and the place of a null, is -1."""
    numbers: dict[str | None, int] = {None: -1}
    marks = [numbers.setdefault(word, len(numbers)) for word in words]
    return np.array([*marks, -1], dtype=np.int64)


def _ranges(counts: CountBlock, analyte: str) -> Ints | None:
    """Return which printed range stands beside each result, -1 where none does."""
    if analyte not in counts.batch.reported:
        return None
    lower, upper = (_rounded(side) for side in counts.batch.reported[analyte])
    none = np.isnan(lower) & np.isnan(upper)
    pairs = np.stack([np.nan_to_num(lower, nan=-1.0), np.nan_to_num(upper, nan=-1.0)], axis=1)
    _, marks = np.unique(pairs, axis=0, return_inverse=True)
    found: Ints = np.where(none, -1, marks.ravel())
    return found


def _rounded(limits: Floats) -> Floats:
    return np.round(limits, _DIGITS)
