"""Of several results of one analyte and moment, the one that stands.

It is decided over all of them, since they may come from several files in any order. Where
what is said cannot be settled, the conflict stands: unknown, and never a choice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import inf, nan
from typing import NamedTuple

from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.value import Reading, ResultReader, fold, plain_number, unusable
from cbc_screen.vocabulary import Reason, ResultStatus

CONFLICT = "CONFLICTING RESULTS"
NOT_FINAL = "NOT FINAL"
_WHOLE = 100.0  # percent
_FINAL = ResultStatus.FINAL.value
_CORRECTED = (ResultStatus.CORRECTED.value, ResultStatus.AMENDED.value)
_DELETED = ResultStatus.DELETED.value


class Received(NamedTuple):
    """A result as it was kept; `feed` is the ordered source it came from, or -1."""

    value: str
    unit: str
    lower: str
    upper: str
    status: str
    content: str
    feed: int
    group: str
    flag: str
    line: int


class DoubtfulResult(NamedTuple):
    """A result that may be of an analyte, or of several that differ, and the limits that came with it."""

    value: str
    unit: str
    lower: str
    upper: str


class Cell(NamedTuple):
    """The result that stands for one analyte of a count; `status` is "" where it is final."""

    value: str
    unit: str
    lower: str
    upper: str
    status: str
    flag: str = ""


_LONGEST_MISSING = 16
# What a remark counts that is no result: dates, times and how often ("called 3/1/2024 10:20", "repeated x2").
_WHEN = re.compile(
    r"\b(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[-/][A-Z]{3}[-/]\d{2,4}|\d{1,2}[:H]\d{2}(?::\d{2})?|[X×]\s?\d|\d\s?X)\b"
)
_TIME_OF_CALL = re.compile(r"\b(?:[01]\d|2[0-3])[0-5]\d\b|\b\d{1,2}[-/]\d{1,2}\b")  # where a remark tells of a call
CONFLICTING = Cell(CONFLICT, "", "", "", "")
# A result that was taken back was there, and nothing took its place: unknown, and not absent.
_DELETED_CELL = Cell(NOT_FINAL, "", "", "", _DELETED)


def segmented_of(analyte: str) -> tuple[str, ...]:
    """Return the results of segmented cells, which stand in for neutrophils; none for another analyte."""
    return ("segmented", "segmented_percent") if analyte == "neutrophils" else ()


def stand_ins(knowledge: Knowledge, analyte: str) -> tuple[str, ...]:
    """Return the results that stand in for an analyte that says nothing: its percentage, and segmented cells."""
    percent = knowledge.analytes[analyte].percent
    return (*((percent,) if percent is not None else ()), *segmented_of(analyte))


class StandingRule:
    """Decides which result stands."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._words = knowledge.words
        self._percents = {name: own.percent for name, own in knowledge.analytes.items() if own.percent is not None}
        self._readers = {name: ResultReader(own, knowledge.words) for name, own in knowledge.analytes.items()}

    def of(self, analyte: str, results: Sequence[Received]) -> tuple[Cell, int]:
        """Return the result that stands, or what is unknown in its place, and how many repeat it."""
        if len(results) == 1 and results[0].status == _FINAL:  # nearly every one
            return self._cell(results[0]), 0
        ordered = results[0].feed >= 0 and len({result.feed for result in results}) == 1
        corrected = [result for result in results if result.status in _CORRECTED]
        pool = corrected or [result for result in results if result.status == _FINAL]
        if not pool:
            return _unfinished(results), 0
        pool, unclear = _without_deleted(pool, results, ordered=ordered)
        if unclear:
            return CONFLICTING, 0
        if not pool:
            return _DELETED_CELL, 0
        different = self._different(analyte, pool)
        if corrected and ordered:
            different = different[-1:]  # corrected twice: what was said last
        standing = different[-1]
        taken_back = not corrected and self._taken_back(analyte, standing, results, ordered=ordered)
        if len(different) > 1 or taken_back:
            return CONFLICTING, 0
        repeats = sum(self._same(analyte, standing, result) for result in pool) - 1
        return self._cell(standing), repeats

    def _cell(self, result: Received) -> Cell:
        """Return a final result as a cell."""
        return Cell(self.told(result.value), result.unit, result.lower, result.upper, "", result.flag)

    def told(self, value: str) -> str:
        """Return what a final value says; one without a value was sent all the same, and is unknown."""
        if not value or (len(value) <= _LONGEST_MISSING and fold(value).upper() in self._words.missing):
            return unusable(Reason.VALUE_MISSING)
        return value

    def _different(self, analyte: str, pool: Sequence[Received]) -> list[Received]:
        """Return the results that say different things; a remark beside a number says nothing else."""
        telling = [result for result in pool if not self._only_a_remark(result.value)] or list(pool)
        different: list[Received] = []
        for result in telling:
            different = [one for one in different if not self._same(analyte, one, result)]
            different.append(result)
        return different

    def alike(self, analyte: str, results: Sequence[Received]) -> list[list[Received]]:
        """Part results into those that say the same."""
        parts: list[list[Received]] = []
        for result in results:
            own = next((part for part in parts if self._same(analyte, part[0], result)), None)
            if own is None:
                parts.append([result])
            else:
                own.append(result)
        return parts

    def _taken_back(self, analyte: str, standing: Received, results: Sequence[Received], *, ordered: bool) -> bool:
        """Tell whether a cancelled result of the same order, or one of an unknown status, contradicts."""
        place = next(number for number, result in enumerate(results) if result is standing)
        for number, result in enumerate(results):
            if result.status == ResultStatus.CANCELLED.value:
                same_order = not result.group or result.group == standing.group
                if same_order and not (ordered and number < place):
                    return True
            elif result.status == ResultStatus.OTHER.value and not self._same(analyte, standing, result):
                return True
        return False

    def _same(self, analyte: str, one: Received, other: Received) -> bool:
        return self.says_the_same(analyte, (one.value, one.unit), (other.value, other.unit))

    def says_the_same(self, analyte: str, one: tuple[str, str], other: tuple[str, str]) -> bool:
        """Tell whether two results, each a value and its unit, say the same: "9 10*3/uL" and "9.0 K/uL" do."""
        if (fold(one[0]).upper(), one[1]) == (fold(other[0]).upper(), other[1]):
            return True
        if one[1] == other[1] and plain_number(one[0]) == plain_number(other[0]) is not None:
            return True
        reader = self._readers[analyte]
        first, second = reader.read_text(*one), reader.read_text(*other)
        return first.factor is not None and (first.low, first.high) == (second.low, second.high)

    def contradict(self, analyte: str, one: tuple[str, str], other: tuple[str, str]) -> bool:
        """Tell whether a further result says something else; a text that is no result says nothing."""
        return not self._only_a_remark(other[0]) and not self.says_the_same(analyte, one, other)

    def are_numbers(self, analyte: str, told: Sequence[DoubtfulResult]) -> bool:
        """Tell whether results in doubt say something of an analyte."""
        return all(one.reason is None and one.factor is not None for one in self._read(analyte, told))

    def _read(self, analyte: str, told: Sequence[DoubtfulResult]) -> list[Reading]:
        return [self._readers[analyte].read_text(one.value, one.unit) for one in told]

    def between(self, analyte: str, told: Sequence[DoubtfulResult], cells: Mapping[str, Cell]) -> str:
        """Return what an analyte lies between that has results in doubt, and a percentage.

        The percentage would stand in for it: it is one of them all, and none is sure. Empty where nothing can
        stand in, or a result cannot be read. Limits that came with a result in doubt are in doubt with it: where
        what they say and what other limits say may differ, the analyte lies between more.
        """
        percent = self._percents.get(analyte)
        if percent is None or percent not in cells or "wbc" not in cells:
            return ""
        names = ["wbc", percent]
        if analyte == "neutrophils" and "bands_percent" in cells:
            names.append("bands_percent")
        if any(cells[name].status for name in names):
            return ""  # what is not final cannot stand in either
        parts = [(name, cells[name][:2]) for name in names]
        own = self._read(analyte, told)
        wbc, *shares = (self._readers[name].read_text(*one) for name, one in parts)
        if any(one.reason is not None or one.factor is None or one.high == inf for one in (*own, wbc, *shares)):
            return ""
        low, high = wbc.low * shares[0].low / _WHOLE, wbc.high * sum(share.high for share in shares) / _WHOLE
        unit = self._readers[analyte].analyte.unit
        least, most = min(low, *(one.low for one in own)), max(high, *(one.high for one in own))
        for lower, upper in (self._limits(analyte, one) for one in told):
            # Where it lies on one side of them, other limits may say so too; that it lies on the other is not said.
            if most < lower:
                least = 0.0
            elif least >= lower and (most <= upper or least > upper):
                most = max(most, wbc.high)
            else:
                least, most = 0.0, max(most, wbc.high)
        return f"{_plain(least)}-{_plain(most)} {unit}"

    def _limits(self, analyte: str, told: DoubtfulResult) -> tuple[float, float]:
        """Return the limits that came with a result, 0 and no end where there is none; NaN for one that cannot be read."""
        read = self._readers[analyte].read_text
        found = [read(text, told.unit) if text.strip() else None for text in (told.lower, told.upper)]
        ends = [one if one is None else one.low if one.reason is None and one.low == one.high else nan for one in found]
        return 0.0 if ends[0] is None else ends[0], inf if ends[1] is None else ends[1]

    def _only_a_remark(self, value: str) -> bool:
        """Tell whether a second text under the same code leaves the number beside it as it is."""
        plain = fold(value).upper()
        word = self._words.texts.get(plain)
        if word is not None:
            return word.kept
        if plain in self._words.missing:
            return True
        left = _WHEN.sub(" ", plain)
        if any(f" {word} " in f" {plain} " for word in self._words.calls):
            left = _TIME_OF_CALL.sub(" ", left)
        return not any(character.isdigit() for character in left) and any(map(str.isalpha, left))


def _plain(number: float) -> str:
    """Write a number with six decimals at most, as many as limits have."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def _unfinished(results: Sequence[Received]) -> Cell:
    """Return what there is where nothing is final: unknown, as it is where all was deleted."""
    left = [result for result in results if result.status != _DELETED]
    if not left:
        return _DELETED_CELL
    value, unit, lower, upper, status = left[-1][:5]
    return Cell(value or NOT_FINAL, unit, lower, upper, status)


def _without_deleted(
    pool: list[Received], results: Sequence[Received], *, ordered: bool
) -> tuple[list[Received], bool]:
    """Take off what was deleted; also say where that cannot be told."""
    deleted = [place for place, result in enumerate(results) if result.status == _DELETED]
    if not deleted:
        return pool, False
    if ordered:
        after = results[deleted[-1] + 1 :]
        return [result for result in pool if any(result is one for one in after)], False
    gone = {fold(results[place].value).upper() for place in deleted}
    left = [result for result in pool if fold(result.value).upper() not in gone]
    # Which one a deletion without a value means is not said.
    return left, bool(left) and "" in gone
