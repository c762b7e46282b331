"""Results of messages, collected in columns; those in which something is doubtful, and their groups, go the careful way.

Everything is read once, in its order. What a reader gives in brief is judged once for each kind of
result, and waits in columns; all else goes the careful way at once, and leaves a mark there. Groups of
which nothing is in doubt are counts; the others are handed to the careful way, in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, to_numpy
from cbc_screen.collect.besides import Besides, BesideValue
from cbc_screen.collect.errors import NotInColumnsError
from cbc_screen.collect.found_groups import GroupsInColumns
from cbc_screen.collect.grouping import MOST_ANALYTES, Marked, group, mark, marked
from cbc_screen.collect.partitions import FACTS
from cbc_screen.collect.persons import known_persons
from cbc_screen.collect.plain_rows import BESIDE, CHUNK, KnownKind, PlainRows, WholeRow
from cbc_screen.collect.reading import is_plain_key, is_simple
from cbc_screen.collect.simple_groups import Segment, Segments
from cbc_screen.ingest.results import Item, LabResult, PlainResult, ResultKind
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.collect import Collection
from cbc_screen.normalize.collected_texts import KINDS, count_name
from cbc_screen.normalize.identify import Identifier
from cbc_screen.normalize.judging import Judgement, label_of, limits_of
from cbc_screen.normalize.placing import PlainRow
from cbc_screen.normalize.range_text import of_sex
from cbc_screen.normalize.standing import StandingRule
from cbc_screen.vocabulary import ResultStatus, Sex

_REMEMBERED = 50_000
_VALUES = 200_000


@dataclass(slots=True)
class _Outcome:
    """Whether the results of a kind are simple, or judged one by one; `left_out` has the values that are not part of a count."""

    simple: bool
    known: int = 0
    analyte: str = ""
    unit: str = ""
    label: str = ""
    named: bool = False  # whether its unit is one of those that are counted
    times: int = 0
    left_out: set[str] = field(default_factory=set)


class MessagesInColumns(GroupsInColumns):
    """The simple groups of all sources; `collection` has the others, and counts what became of all results."""

    def __init__(self, knowledge: Knowledge, collection: Collection) -> None:
        if len(knowledge.analytes) > MOST_ANALYTES:
            raise NotInColumnsError
        super().__init__(collection)
        self._analytes = list(knowledge.analytes)
        self._numbers = {analyte: number for number, analyte in enumerate(self._analytes)}
        self._told = lru_cache(_VALUES)(StandingRule(knowledge).told)
        self._besides = Besides()
        self._rows = PlainRows(collection.moments)
        self._undo.callback(self._rows.close)
        nothing = self._besides.number(BesideValue("", "", "", ""))
        self._in_doubt = {
            analyte: self._rows.number(KnownKind(number, nothing, True), bytes.decode)
            for analyte, number in {"": -1, **self._numbers}.items()
        }
        self._feeds: list[int] = []
        self._outcomes: dict[tuple[int, tuple[tuple[str, str], ...]], dict[ResultKind, _Outcome]] = {}
        self._segments: Segments | None = None
        self._source = 0
        collection.noted = self._note

    def read(
        self,
        items: Iterable[Item | PlainResult],
        identifier: Identifier,
        source: int,
        units: Mapping[str, str],
        share: Callable[[], float],
        *,
        ordered: bool,
    ) -> None:
        """Take everything a reader gives; see `Collection.add`. `share` says how much of all sources was read."""
        collection, counts, waiting = self._collection, self._collection.counts, self._rows.waiting
        feed, self._source = source if ordered else -1, source
        self._feeds.append(feed)
        outcomes = self._outcomes.setdefault((id(identifier), tuple(sorted(units.items()))), {})
        person, is_plain = "", False
        for item in items:
            if isinstance(item, PlainResult):
                kind, own, value = item.kind, item.person, item.value
                counts.read += 1
                if own != person:
                    person, is_plain = own, is_plain_key(own)
                outcome = outcomes.get(kind)
                if outcome is None:
                    if len(outcomes) >= _REMEMBERED:
                        self._count(outcomes)
                        outcomes.clear()
                    outcome = outcomes[kind] = self._outcome(item, identifier, units)
                if outcome.simple and is_plain and self._told(value) == value:
                    outcome.times += 1
                    waiting.append(
                        (
                            counts.read, item.line, own, item.collected_at, value, item.group, item.content, outcome.known, source,
                        )
                    )  # fmt: skip
                elif value in outcome.left_out:
                    counts.not_count += 1
                    count_name(collection.left_out, outcome.label)
                else:
                    result = item.whole()
                    judged = collection.judge.of(result, identifier, units)
                    self._remember(outcome, value, judged)
                    collection.add_judged(result, judged, source, feed)
            elif isinstance(item, LabResult):
                counts.read += 1
                collection.add_result(item, source, feed, identifier, units)
            else:
                collection.add_other(item, source)
            if len(waiting) >= CHUNK:
                self._rows.flush(share())
        self._count(outcomes)

    @staticmethod
    def _remember(outcome: _Outcome, value: str, judged: Judgement) -> None:
        """Remember a value that is no part of a count, so that it is judged once for its kind of result."""
        if judged.is_left_out and len(outcome.left_out) < _REMEMBERED:
            outcome.left_out.add(value)

    def _outcome(self, item: PlainResult, identifier: Identifier, units: Mapping[str, str]) -> _Outcome:
        """Judge a kind of result by one of them."""
        collection, result = self._collection, item.whole()
        judged = collection.judge.of(result, identifier, units)
        label = label_of(result)
        if judged.analyte is None or not is_simple(judged, result.value) or result.status is not ResultStatus.FINAL:
            return _Outcome(False, label=label)
        lower, upper = limits_of(result, judged.unit)
        if any(of_sex(limit, Sex.UNKNOWN) != limit for limit in (lower, upper) if limit):
            return _Outcome(False, label=label)
        beside = self._besides.number(BesideValue(judged.unit, lower, upper, result.flag))
        known = self._rows.number(KnownKind(self._numbers[judged.analyte], beside, False), item.kind.shown)
        # Every name has its place among those that are counted from the first result that counts it.
        collection.analytes[judged.analyte] += 0
        names = collection.units[judged.analyte]
        named = judged.unit in names or len(names) < KINDS
        if named:
            names[judged.unit] += 0
        return _Outcome(True, known, judged.analyte, judged.unit, label, named)

    def _count(self, outcomes: Mapping[ResultKind, _Outcome]) -> None:
        """Count the results of simple kinds by their analytes and units."""
        for outcome in outcomes.values():
            if outcome.times:
                self._collection.analytes[outcome.analyte] += outcome.times
                if outcome.named:
                    self._collection.units[outcome.analyte][outcome.unit] += outcome.times
                outcome.times = 0

    def _note(self, result: LabResult, person: str, analyte: str) -> None:
        """Leave a mark for a result that goes the careful way."""
        is_placed = not result.until and not result.counted and is_plain_key(person)
        known = self._in_doubt.get(analyte, self._in_doubt[""])
        self._rows.waiting.append(
            (
                self._collection.counts.read, 0, person, result.collected_at if is_placed else "", "",
                result.group or result.encounter, b"", known, self._source,
            )
        )  # fmt: skip

    def finish(self) -> None:
        """Part all rows into groups, and hand those in doubt to the careful way."""
        collection, rows = self._collection, self._rows
        rows.flush(1.0)
        collection.noted = None
        for facts in known_persons(collection):
            rows.partitions.add(FACTS, facts, 1.0)
        last = collection.counts.read
        marks, careful = self._of_samples(last), np.zeros(last // 8 + 1, dtype=np.uint8)
        self._segments = Segments(last + 1, rows.partitions.rows)
        self._undo.callback(self._segments.close)
        for table, facts in rows.partitions.each():
            if table is not None and len(table):
                part, others = group(table, facts, self._found, BESIDE, marks)
                self._segments.add(part)
                mark(careful, others.lines)
        if careful.any():
            collection.take_plain(self._chosen(careful))

    def _of_samples(self, last: int) -> Marked | None:
        """Mark the results of specimens that are of another kind, or suspect."""
        if not self._collection.has_samples:
            return None
        samples = dict(self._collection.samples())
        marks = Marked(np.zeros(last // 8 + 1, dtype=np.uint8), np.zeros(last // 8 + 1, dtype=np.uint8))
        for chunk in self._rows.chunks():
            places, groups = to_numpy(chunk.column("place"))[0], chunk.column("group").to_pylist()
            for way, all_of in ((marks.doubtful, True), (marks.gone, False)):
                own = [place for place, key in enumerate(groups) if key in samples and (all_of or samples[key])]
                mark(way, places[own])
        return marks

    def _chosen(self, careful: NDArray[np.uint8]) -> Iterator[PlainRow]:
        """Yield the marked rows, in their order."""
        known, besides = self._rows.known, self._besides.all
        for chunk in self._rows.chunks():
            places = to_numpy(chunk.column("place"))[0]
            chosen = np.flatnonzero(marked(careful, places))
            for one in (
                (WholeRow._make(row.values()) for row in chunk.take(from_numpy(chosen)).to_pylist())
                if len(chosen)
                else ()
            ):
                of = known[one.known]
                if not of.doubtful:
                    beside = besides[of.beside]
                    yield PlainRow(
                        one.place, one.source, one.line, one.person, one.collected_at, self._analytes[of.analyte], one.value,
                        beside.unit, beside.lower, beside.upper, self._rows.shown[one.known](one.content),
                        self._feeds[one.source], one.group, beside.flag,
                    )  # fmt: skip

    def segments(self) -> Iterator[Segment]:
        """Yield the simple groups, in the order of their first results."""
        assert self._segments is not None
        return self._segments.each(self._besides.all)

    def contents(self, places: Sequence[int]) -> list[str]:
        """Return some results as they were received, by their numbers."""
        found = self._rows.contents(set(places))
        return [found[place] for place in places]
