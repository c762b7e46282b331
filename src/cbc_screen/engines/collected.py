"""Results collected to counts, as a table the rest of the program reads like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import dictionary, from_texts, to_numpy
from cbc_screen.collect.errors import NotInColumnsError
from cbc_screen.collect.in_columns import InColumns
from cbc_screen.collect.messages import MessagesInColumns
from cbc_screen.collect.mixed import Mixed, Piece, mixed
from cbc_screen.collect.simple_groups import as_texts, empty
from cbc_screen.errors import CBCScreenError
from cbc_screen.ingest.long import LongSource
from cbc_screen.ingest.results import BriefSource, Item, PlainResult, ResultSource
from cbc_screen.ingest.source import RejectedRow, SourceBatch
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.person_codes import PREGNANCY
from cbc_screen.normalize.collect import Collection
from cbc_screen.normalize.collected_texts import content_of
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.gathered import CollectedCount, ResultCounts
from cbc_screen.normalize.identify import Identifier
from cbc_screen.normalize.people import with_letters
from cbc_screen.normalize.person import parse_sex, sex_letters
from cbc_screen.normalize.placing import GroupKind
from cbc_screen.normalize.range_text import of_sex
from cbc_screen.normalize.received import PERSON, SOURCE_FILE
from cbc_screen.normalize.remarks import CLUMPS, CLUMPS_SUSPECTED
from cbc_screen.normalize.standing import Cell
from cbc_screen.vocabulary import Presence, Sex

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_COUNTS = 8_192
IN_COLUMNS = True  # else every result goes the careful way; both give the same (tests hold them equal)
COLLECTING = 0.6  # of the work, as a progress bar has it
_NOTICED = 20_000
_PEOPLE = (PERSON, "birth_date", "sex", "age", "collected_at", SOURCE_FILE)
_LIMITS = ("lower", "upper")
_Given = TypeVar("_Given", Item, Item | PlainResult)
_BESIDE = ("", " unit", " lower", " upper", " status", " flag")


@dataclass(frozen=True)
class Feed:
    """A source of results, with what its profile declares for it and for no other."""

    name: str
    source: ResultSource
    codes: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    other_codes: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    listed_only: bool = True  # whether its codes are all there are; messages have those of others too


class CollectedSource:
    """One blood count a row, collected from every result of one or more sources."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        knowledge: Knowledge,
        notice: Callable[[float], None] | None,
        declared: Declared,
        languages: Sequence[str],
    ) -> None:
        self._knowledge, self._said, self._languages = knowledge, declared, languages
        self.names = [feed.name for feed in feeds]
        self.births = knowledge.words.gestation
        self.table_names = [feed.name for feed in feeds if isinstance(feed.source, LongSource)]
        self.tables = [feed.source for feed in feeds if isinstance(feed.source, LongSource)]
        self._collection, self._columns, self.given = _collected(feeds, knowledge, notice)
        self._is_table = isinstance(self._columns, InColumns)
        self._analytes = [analyte for analyte in knowledge.analytes if self._is_told(analyte)]
        self._analyte_numbers = {analyte: number for number, analyte in enumerate(knowledge.analytes)}
        self.headers = [
            *_PEOPLE,
            *(f"{analyte}{part}" for analyte in self._analytes for part in self._beside(analyte)),
            CLUMPS,
            CLUMPS_SUSPECTED,
            *([PREGNANCY] if self._collection.pregnancies else []),
            *sorted(self._collection.film - {CLUMPS, CLUMPS_SUSPECTED}),
        ]

    def _beside(self, analyte: str) -> tuple[str, ...]:
        """Return what stands beside an analyte; no limits and no flag come with what is told of a birth."""
        return _BESIDE if analyte != self.births else ("", " unit", " status")

    def _is_told(self, analyte: str) -> bool:
        """Tell whether some source has, or may have, results of an analyte, or tells of births."""
        own = self._collection
        return bool(own.analytes[analyte]) or analyte in own.possible or (analyte == self.births and own.births.told)

    @property
    def result_counts(self) -> ResultCounts:
        """What became of every result; complete when the last batch was given."""
        return self._collection.counts

    @property
    def analyte_counts(self) -> Counter[str]:
        """How many results there are of each analyte."""
        return self._collection.analytes

    @property
    def units_seen(self) -> Mapping[str, Counter[str]]:
        """How often each unit stands beside an analyte."""
        return self._collection.units

    @property
    def left_out(self) -> Counter[str]:
        """What was measured besides, by its code and name."""
        return self._collection.left_out

    @property
    def possible(self) -> Counter[str]:
        """Results that may be of a count and could not be placed, by name and reason."""
        return self._collection.set_aside

    @property
    def sexes(self) -> frozenset[str]:
        """The different sexes of all persons, as received."""
        return frozenset(self._collection.people.sexes)

    @property
    def grouping(self) -> dict[str, int]:
        """How results came together; complete when the last batch was given.

        Counts of a single result are named where some person has results of several analytes.
        """
        grouping = self._collection.grouping
        found = {
            "counts": grouping.counts.total(),
            "by_words": grouping.counts[GroupKind.WORDS],
            "by_period": grouping.counts[GroupKind.PERIOD],
            "results": self._collection.counts.used,
            "not_placed": grouping.alone,
        }
        several = self._collection.has_several_analytes()
        several = several or (self._columns is not None and self._columns.has_several_analytes)
        return {**found, "of_one_result": grouping.of_one} if several else found

    @property
    def people(self) -> dict[str, int]:
        """How many persons have results, and of how many anything is known."""
        found, every = self._columns.people_found() if self._columns is not None else self._collection.people.found()
        return {"in_results": every, "found": found}

    def set_aside(self, *, whole: bool = False) -> Iterator[RejectedRow]:
        """Yield the single results that could not be placed, or whole messages that could not be read."""
        for source, row in self._collection.aside(whole=whole):
            yield replace(row, file=self.names[source])

    def close(self) -> None:
        """Let go of what was collected."""
        self._collection.close()
        if self._columns is not None:
            self._columns.close()

    def batches(
        self, columns: Sequence[str], plain: Container[str] = (), numbers: Container[str] = ()
    ) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches; see `SourceBatch`."""
        refused, done = self.set_aside(whole=True), 0
        size = max(self._collection.size + (self._columns.groups if self._columns is not None else 0), 1)
        for part in self._parts():
            done += len(part)
            rejected = list(islice(refused, BATCH_COUNTS))
            share = COLLECTING + (1 - COLLECTING) * min(done / size, 1.0)
            yield self._batch(part, columns, plain, rejected, share)
        while rejected := list(islice(refused, BATCH_COUNTS)):
            yield self._batch(Mixed(None, []), columns, plain, rejected, 1.0)
        if not self._collection.counts.balanced():
            raise CBCScreenError("results read are not results used, superseded, left out and rejected")

    def _parts(self) -> Iterator[Mixed]:
        """Yield the counts in order, some at once, and at least one part, which may be empty."""
        if self._columns is None:
            yield from mixed(iter(()), self._collection.placed(), BATCH_COUNTS)
            return
        yield from mixed(self._columns.segments(), self._collection.placed(), BATCH_COUNTS)
        self._columns.count_groups()

    def _batch(
        self,
        part: Mixed,
        columns: Sequence[str],
        plain: Container[str],
        rejected: list[RejectedRow],
        share: float,
    ) -> SourceBatch:
        arrays = {
            name: part.together(partial(self._column, name=name), partial(self._simple, name=name)) for name in columns
        }
        arrays = {name: as_texts(array) if name in plain else array for name, array in arrays.items()}
        return SourceBatch(arrays, self._lines(part), lambda row: self._content(part, row), rejected, share)

    def _content(self, part: Mixed, row: int) -> str:
        """Return what a count was made of, as received."""
        own = part.which(row)
        if isinstance(own, CollectedCount):
            return own.content
        assert self._columns is not None
        return content_of(self._columns.contents(own))

    def _sources(self, piece: Piece) -> NDArray[np.int64]:
        """Return the source of each count that was collected in columns."""
        return np.zeros(len(piece.lines), dtype=np.int64) if self._is_table else to_numpy(piece.person("source"))[0]

    def _lines(self, part: Mixed) -> NDArray[np.int64]:
        """Return the line of each count."""
        return part.lines() if self._is_table else part.lines(lambda piece: to_numpy(piece.person("own_line"))[0])

    def _simple(self, piece: Piece, name: str) -> pa.Array:
        """Return a column of the counts that were collected in columns."""
        if name in (CLUMPS, CLUMPS_SUSPECTED, PREGNANCY) or name in self._collection.film:
            return empty(len(piece.lines))
        if name == SOURCE_FILE:
            return dictionary(self._sources(piece).astype(np.int32), self.names)
        if name in _PEOPLE:
            return piece.person("at" if name == "collected_at" else name)
        analyte, _, part = name.partition(" ")
        if analyte == self.births:
            return self._of_births(piece.person(PERSON).to_pylist(), part)
        return piece.of_analyte(self._analyte_numbers[analyte], part or "value")

    def _column(self, counts: list[CollectedCount], name: str) -> pa.Array:
        if name == CLUMPS:
            cells = [_clumps_of(count) for count in counts]
        elif name == CLUMPS_SUSPECTED:
            cells = [Presence.PRESENT.value if count.clumps_suspected else "" for count in counts]
        elif name == PREGNANCY:
            cells = [count.pregnancy for count in counts]
        elif name in self._collection.film:
            cells = [count.film[name].value if name in count.film else "" for count in counts]
        elif name in _PEOPLE:
            cells = [self._of_person(count, name) for count in counts]
        else:
            analyte, _, part = name.partition(" ")
            if analyte == self.births:
                return self._of_births([count.key for count in counts], part)
            place = Cell._fields.index(part or "value")
            found = [count.cells.get(analyte) for count in counts]
            cells = ["" if cell is None else cell[place] for cell in found]
            if part in _LIMITS:
                pairs = zip(cells, counts, strict=True)
                cells = [of_sex(cell, self._sex(count)) if cell else cell for cell, count in pairs]
        return from_texts(cells)

    def _of_births(self, persons: Sequence[str], part: str) -> pa.Array:
        """Return a part of what results say of each person's birth."""
        place = Cell._fields.index(part or "value")
        return from_texts([cell[place] for cell in self._collection.births.of(persons)])

    def _sex(self, count: CollectedCount) -> Sex:
        """Return the sex of a person as the counts are read: with the declared codes, and no letter that is in doubt."""
        declared = self._declared
        return parse_sex(count.person.sex, self._knowledge.words, declared.sexes, declared.sex_doubt)[0]

    @cached_property
    def _declared(self) -> Declared:
        """What is declared, with what the letters for sex of all persons mean."""
        letters = sex_letters(self.sexes, self._knowledge.words)
        return with_letters(self._said, letters, self._languages, self._knowledge)

    def _of_person(self, count: CollectedCount, name: str) -> str:
        if name == SOURCE_FILE:
            return self.names[count.source]
        if name == "collected_at":
            return count.collected_at
        return count.person.key if name == PERSON else str(getattr(count.person, name))


def _collected(
    feeds: Sequence[Feed], knowledge: Knowledge, notice: Callable[[float], None] | None
) -> tuple[Collection, InColumns | MessagesInColumns | None, dict[str, Counter[str]]]:
    """Collect results in columns: one table, or messages, where that gives the same, and all else row by row; also count those of each file."""
    identifiers = _identifiers(feeds, knowledge)
    only = feeds[0].source if len(feeds) == 1 else None
    if IN_COLUMNS and isinstance(only, LongSource) and only.can_be_columns:
        collection = Collection(knowledge, by_line=True)
        told = None if notice is None else lambda share: notice(COLLECTING * share)
        with suppress(NotInColumnsError):
            in_columns = InColumns(only, knowledge, collection, identifiers[0], feeds[0].units, told)
            return collection, in_columns, {feeds[0].name: collection.analytes}
        collection.close()
    if IN_COLUMNS and any(isinstance(feed.source, BriefSource) for feed in feeds):
        collection = Collection(knowledge)
        with suppress(NotInColumnsError):
            columns = MessagesInColumns(knowledge, collection)
            try:
                given = _read(feeds, identifiers, collection, columns, notice)
                columns.finish()
            except BaseException:
                columns.close()
                raise
            return collection, columns, given
        collection.close()
    collection = Collection(knowledge)
    return collection, None, _read(feeds, identifiers, collection, None, notice)


def _identifiers(feeds: Sequence[Feed], knowledge: Knowledge) -> list[Identifier]:
    """Return what says of each source what its results are; sources for which the same is declared share what was worked out."""
    found: dict[tuple[object, ...], Identifier] = {}
    own = []
    for feed in feeds:
        key = (tuple(feed.codes.items()), feed.other_codes, tuple(feed.names.items()), feed.listed_only)
        if key not in found:
            found[key] = Identifier(
                knowledge, feed.codes, feed.other_codes, names=feed.names, listed_only=feed.listed_only
            )
        own.append(found[key])
    return own


def _read(
    feeds: Sequence[Feed],
    identifiers: Sequence[Identifier],
    collection: Collection,
    columns: MessagesInColumns | None,
    notice: Callable[[float], None] | None,
) -> dict[str, Counter[str]]:
    """Read all sources; return how many results of each analyte came from each file."""
    given: dict[str, Counter[str]] = {}
    for number, (feed, identifier) in enumerate(zip(feeds, identifiers, strict=True)):
        before, source = Counter(collection.analytes), feed.source
        share = partial(_share, source, number, len(feeds))
        if columns is not None:
            items = source.in_brief() if isinstance(source, BriefSource) else source.items()
            own = _noticed(items, share, notice)
            columns.read(own, identifier, number, feed.units, share, ordered=source.ordered)
        else:
            all_items = _noticed(source.items(), share, notice)
            collection.add(all_items, identifier, number, ordered=source.ordered, units=feed.units)
        given.setdefault(feed.name, Counter()).update(collection.analytes - before)
    return given


def _share(source: ResultSource, number: int, many: int) -> float:
    """Return how much of all sources was read, 0 to 1."""
    return (number + source.share) / many


def _noticed(
    items: Iterator[_Given], share: Callable[[], float], notice: Callable[[float], None] | None
) -> Iterator[_Given]:
    """Return items, and say now and then how much has been read."""
    return items if notice is None else _telling(items, share, notice)


def _telling(items: Iterator[_Given], share: Callable[[], float], notice: Callable[[float], None]) -> Iterator[_Given]:
    for place, item in enumerate(items, start=1):
        yield item
        if place % _NOTICED == 0:
            notice(COLLECTING * share())


def _clumps_of(count: CollectedCount) -> str:
    """Return what a film and the remarks together tell of clumps: seen by either is seen."""
    told = (count.film.get(CLUMPS, Presence.UNKNOWN), count.clumps)
    return next((seen.value for seen in (Presence.PRESENT, Presence.ABSENT) if seen in told), "")
