"""Single results to blood counts: one row for each person and collection.

Results wait in a temporary database that lies on disk as soon as it is large, so that
memory is bounded and the order of the source does not matter: a corrected result replaces
the one before it however late it comes, partial results complete each other, and a second
final result that says otherwise is a conflict and not a choice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

from cbc_screen.ingest.results import Item, LabResult, NotResults, StatedPerson, StatedSpecimen
from cbc_screen.ingest.source import LONGEST_CONTENT, RejectedRow
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.person_codes import PREGNANCY, SEX
from cbc_screen.normalize.births import ToldBirths
from cbc_screen.normalize.collected_texts import content_of, count_name, own_key
from cbc_screen.normalize.doubts import Doubts
from cbc_screen.normalize.gathered import (
    ABOUT,
    FILM,
    CollectedCount,
    Gathered,
    Grouping,
    ResultCounts,
)
from cbc_screen.normalize.identify import Identifier
from cbc_screen.normalize.judging import OF_ALL, SUSPECTED, Judge, Judgement, label_of, limits_of
from cbc_screen.normalize.kept_persons import KeptPersons
from cbc_screen.normalize.moment import MomentReader
from cbc_screen.normalize.person import CONTRADICTED, parse_sex
from cbc_screen.normalize.placing import GroupKind, GroupPlace, PlainRow, apart, contradicts, place_of
from cbc_screen.normalize.result_base import open_base
from cbc_screen.normalize.standing import Cell, DoubtfulResult, Received, StandingRule
from cbc_screen.vocabulary import Presence, Reason, Sex, SpecimenKind

_AT_ONCE = 5_000
Noted = Callable[[LabResult, str, str], None]  # a result that is kept, the key of its person, its analyte or ""


class Collection:
    """Collects results of one or more sources; `each` gives them back as blood counts."""

    def __init__(self, knowledge: Knowledge, *, by_line: bool = False) -> None:
        """`by_line` says that the lines of one source tell the order of counts; else the numbers of their first results do."""
        self._by_line, self._order = by_line, "c.id, r.id"
        self._words, self.moments = knowledge.words, MomentReader(knowledge.moments)
        self._standing, self.judge = StandingRule(knowledge), Judge(knowledge)
        self.counts = ResultCounts()
        self.grouping = Grouping()
        self.analytes: Counter[str] = Counter()
        self.units: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.left_out: Counter[str] = Counter()  # what was measured and is no part of a count, by name
        self.set_aside: Counter[str] = Counter()  # results that may be of a count, by name and reason
        self.possible: set[str] = set()  # analytes of which a result was set aside
        self.film: set[str] = set()  # findings of the film that some result tells
        self.pregnancies = False  # whether some result tells of a pregnancy
        self._base = open_base()
        self._waiting: list[tuple[object, ...]] = []
        self._last: tuple[str, int] = ("", 0)
        self.people = KeptPersons(self._base, self.judge.specimens)
        self.births = ToldBirths(self._base, self._standing, knowledge)
        self.has_samples = False  # some specimen is no patient's blood, or suspect
        self.noted: Noted | None = None
        self._doubts = Doubts(self._base, self._standing, knowledge)

    def add(
        self,
        items: Iterable[Item],
        identifier: Identifier,
        source: int = 0,
        *,
        ordered: bool = True,
        units: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take everything a reader gives.

        `ordered` is as in `ResultSource`; `units` are declared for this source, by analyte.
        """
        feed = source if ordered else -1
        for item in items:
            if isinstance(item, LabResult):
                self.counts.read += 1
                self.add_result(item, source, feed, identifier, units)
            else:
                self.add_other(item, source)

    def add_other(self, item: StatedPerson | StatedSpecimen | NotResults | RejectedRow, source: int) -> None:
        """Take what is no result."""
        if isinstance(item, StatedPerson):
            self.people.add(item, source)
            self.births.take_stated(own_key(item.key, source), item.gestation, item.preterm)
        elif isinstance(item, StatedSpecimen):
            self._add_sample(item)
        elif isinstance(item, NotResults):
            self.counts.without_results[item.kind] += 1
        else:
            self.put_aside(item, source, whole=True)

    def _add_sample(self, sample: StatedSpecimen) -> None:
        """Keep what is known of a specimen that is of another kind or suspect; a patient's sound blood needs no word."""
        kind, suspect = self.judge.specimens.of(sample.stated), self.judge.suspects(sample)
        other = kind is not None and kind.reason is not None
        if other or suspect:
            self.has_samples = True
            self._base.execute(
                "INSERT OR REPLACE INTO sample VALUES (?, ?, ?)", (sample.key, kind if other else None, suspect)
            )

    def add_result(
        self, result: LabResult, source: int, feed: int, identifier: Identifier, units: Mapping[str, str]
    ) -> None:
        """Take a result that was counted among those read."""
        self.births.take_stated(own_key(result.person, source), result.gestation, result.preterm, units)
        self.add_judged(result, self.judge.of(result, identifier, units), source, feed)

    def add_judged(self, result: LabResult, judged: Judgement, source: int, feed: int) -> None:
        """Take a result that was judged."""
        analyte, reason = judged.analyte, judged.reason
        if reason is not None:
            self.counts.rejected[reason.value] += 1
            self.put_aside(RejectedRow(result.line, reason, result.content), source, whole=False)
            self._add_possible(result, source, reason, judged)
            return
        if analyte is None:
            self.counts.not_count += 1  # no part of a count, or a remark about the specimen
        if judged.is_left_out:
            count_name(self.left_out, label_of(result))
            return
        if judged.about is not None and not self.births.takes(result, own_key(result.person, source), feed, judged):
            self._add_about(result, source, feed, judged.about)
        if judged.about is not None:
            if judged.clumps != Presence.UNKNOWN.value:
                self._wait(result, source, feed, "", ("", "", "", ""), judged.clumps)
            return
        if judged.film is not None:
            finding, presence = judged.film
            self.film.add(finding)
            self._wait(result, source, feed, f"{FILM}{finding}", (presence.value, "", "", ""), judged.clumps)
            return
        if analyte is not None:
            self.analytes[analyte] += 1
            count_name(self.units[analyte], judged.unit)
        if result.pregnancy:
            self._add_about(result, source, feed, (PREGNANCY, result.pregnancy))
        cell = (judged.value, judged.unit, *limits_of(result, judged.unit))
        self._wait(result, source, feed, analyte or "", cell, judged.clumps)
        if judged.of_all:
            self._add_about(result, source, feed, (f"{OF_ALL}{analyte}", SUSPECTED))

    def _add_about(self, result: LabResult, source: int, feed: int, about: tuple[str, str]) -> None:
        """Keep what a result tells of the person."""
        field, text = about
        self.pregnancies = self.pregnancies or field == PREGNANCY
        if field == SEX:
            self.people.note_sex(text)
        self._wait(result, source, feed, f"{ABOUT}{field}", (text, "", "", ""), Presence.UNKNOWN.value)

    def _wait(
        self,
        result: LabResult,
        source: int,
        feed: int,
        analyte: str,
        cell: tuple[str, str, str, str],
        clumps: str,
    ) -> None:
        self._waiting.append(
            (
                self._collection_of(result, source, analyte), analyte, *cell, result.status.value, clumps,
                result.content[:LONGEST_CONTENT], feed, result.group or result.encounter, result.flag, result.line,
                self.counts.read,
            )
        )  # fmt: skip
        if len(self._waiting) >= _AT_ONCE:
            self._flush()

    def _add_possible(self, result: LabResult, source: int, reason: Reason, judged: Judgement) -> None:
        """Keep that a result of a count may be of an analyte: its line is unknown, where nothing else tells it.

        A further result of an analyte keeps its value: nothing else may say otherwise.
        """
        possible = judged.possible
        if not possible:
            return
        self.possible.update(possible)
        count_name(self.set_aside, f"{label_of(result)}: {reason} (possibly {' or '.join(possible)})")
        told = DoubtfulResult(judged.value, judged.unit, *limits_of(result, judged.unit))
        self._doubts.note_possible(self._collection_of(result, source), possible, reason, told, again=judged.again)

    def put_aside(self, row: RejectedRow, source: int, *, whole: bool) -> None:
        """Keep what could not be used: a whole row or message, or a single result."""
        self._base.execute(
            "INSERT INTO aside VALUES (?, ?, ?, ?, ?)",
            (source, row.line, row.reason.value, row.content[:LONGEST_CONTENT], whole),
        )

    def aside(self, *, whole: bool) -> Iterator[tuple[int, RejectedRow]]:
        """Yield what was set aside: whole messages that could not be read, or single results."""
        found = self._base.execute("SELECT source, line, reason, content FROM aside WHERE whole = ?", (whole,))
        for source, line, reason, content in found:
            yield source, RejectedRow(line, Reason(reason), content)

    def _flush(self) -> None:
        self._base.executemany(
            "INSERT INTO result (collection, analyte, value, unit, lower, upper, status, clumps, content, feed, grp, "
            "flag, line, place) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._waiting,
        )
        self._waiting.clear()

    def _collection_of(self, result: LabResult, source: int, analyte: str = "") -> int:
        """Return the number of the collection a result belongs to."""
        person = own_key(result.person, source)
        key, group = place_of(result, person, source, self.counts.read, self.moments)
        if self.noted is not None and person:
            self.noted(result, person, analyte)
        if self._last[0] == key:
            return self._last[1]
        self._base.execute(
            "INSERT OR IGNORE INTO collection (key, source, line, person, collected_at, placed, place) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, source, result.line, person, result.collected_at, int(group), self.counts.read),
        )
        number = int(self._base.execute("SELECT id FROM collection WHERE key = ?", (key,)).fetchone()[0])
        self._last = key, number
        return number

    def each(self) -> Iterator[CollectedCount]:
        """Yield the counts in the order their first result came, after the last `add`; each call counts anew."""
        return (count for _, count in self.placed())

    def take_plain(self, plain: Iterable[PlainRow]) -> None:
        """Take results that were judged and counted elsewhere, of which nothing was in doubt by itself."""
        self._flush()
        collections: dict[str, int] = {}
        for row in plain:
            place = place_of(row, row.person, row.source, row.place, self.moments)
            if place.key not in collections:
                if len(collections) >= _AT_ONCE:
                    collections.clear()
                collections[place.key] = self._place_earlier(place, row)
            self._waiting.append((collections[place.key], *row.kept()))
            if len(self._waiting) >= _AT_ONCE:
                self._flush()
        self._flush()
        self._order = "c.place, c.id, r.place, r.id"

    def _place_earlier(self, place: GroupPlace, row: PlainRow) -> int:
        """Return the number of a collection; the first of its results decides its place and how its moment is written."""
        self._base.execute(
            "INSERT INTO collection (key, source, line, person, collected_at, placed, place) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET source = excluded.source, line = excluded.line, "
            "collected_at = excluded.collected_at, place = excluded.place WHERE excluded.place < place",
            (place.key, row.source, row.line, row.person, row.collected_at, int(place.group), row.place),
        )
        return int(self._base.execute("SELECT id FROM collection WHERE key = ?", (place.key,)).fetchone()[0])

    def samples(self) -> Iterator[tuple[str, bool]]:
        """Yield the keys of specimens of another kind, or suspect, and whether their results are none of a count."""
        for key, kind in self._base.execute("SELECT key, kind FROM sample"):
            yield str(key), kind is not None

    def placed(self) -> Iterator[tuple[int, CollectedCount]]:
        """Yield the counts as `each` does, each with what decides its place among them: a line, or the number of a result."""
        self._flush()
        self.people.write()
        self.counts.used = self.counts.superseded = self.counts.duplicates = 0
        self.grouping = Grouping()
        self._base.execute("CREATE INDEX IF NOT EXISTS by_collection ON result (collection)")
        self._base.execute("CREATE INDEX IF NOT EXISTS possible_by_collection ON possible (collection)")
        alone = f"placed >= {int(GroupKind.ALONE)}"
        self._base.execute(f"CREATE INDEX IF NOT EXISTS alone ON collection (person, source) WHERE {alone}")
        self._reject_others()
        rows = self._base.execute(
            "SELECT c.id, c.source, c.line, c.person, c.collected_at, p.birth_date, p.sex, p.age, c.placed, r.analyte, "
            "r.value, r.unit, r.lower, r.upper, r.status, r.clumps, r.content, r.feed, r.grp, r.flag, r.line, "
            f"{'c.line' if self._by_line else 'c.place'} "
            "FROM collection c JOIN result r ON r.collection = c.id LEFT JOIN person p ON p.key = c.person "
            f"ORDER BY {self._order}"
        )
        for (_, place), group in groupby(rows, key=itemgetter(0, -1)):
            yield from ((int(place), count) for count in self._counts_of(Gathered.of(list(group))))

    def _reject_others(self) -> None:
        """Set aside the results of who is no patient, and of a specimen that turned out to be another."""
        if not self.has_samples and not self.people.has_others:
            return
        others = (
            "FROM result r JOIN collection c ON c.id = r.collection LEFT JOIN sample s ON s.key = r.grp LEFT JOIN "
            f"person p ON p.key = c.person AND p.kind NOT IN ('', '{SpecimenKind.BLOOD.value}') "
            "WHERE coalesce(p.kind, s.kind) IS NOT NULL"
        )
        found = self._base.execute(
            f"SELECT c.source, r.line, r.content, r.analyte, coalesce(p.kind, s.kind) {others} ORDER BY r.place, r.id"
        )
        for source, line, content, analyte, kind in found:
            reason = SpecimenKind(kind).reason
            if reason is not None and analyte and not analyte.startswith(ABOUT):
                self.counts.rejected[reason.value] += 1
                self.put_aside(RejectedRow(line, reason, content), source, whole=False)
        self._base.execute(f"DELETE FROM result WHERE id IN (SELECT r.id {others})")
        self._doubts.void_suspect()

    def _counts_of(self, gathered: Gathered) -> Iterator[CollectedCount]:
        """Yield the count of a group of results, or several where they cannot all be of one draw."""
        if not gathered.by_analyte:
            return  # only a remark, and no result of a count
        stand = self._stand(gathered.by_analyte)
        cells = {analyte: cell for analyte, (cell, _) in stand.items() if cell is not None}
        if gathered.group is GroupKind.PERIOD and contradicts(cells):
            for analyte, results in apart(gathered.by_analyte, self._standing):
                yield self._finished(gathered, {analyte: results}, self._stand({analyte: results}), GroupKind.ALONE)
            return
        yield self._finished(gathered, gathered.by_analyte, stand, gathered.group)

    def _finished(
        self,
        gathered: Gathered,
        by_analyte: Mapping[str, Sequence[Received]],
        stand: Mapping[str, tuple[Cell, int]],
        group: GroupKind,
    ) -> CollectedCount:
        """Return one count, with what is unknown in it, and count what became of its results."""
        cells = self._account(by_analyte, stand)
        self.grouping.add(group, len(cells))
        if self.possible:
            self._doubts.fill_possible(gathered.number, cells)
        self._doubts.fill_conflicts(by_analyte, cells)
        if group >= GroupKind.ALONE:
            self._doubts.fill_neighbors(gathered, group, cells)
        cells = self._doubts.suspect(cells) if gathered.suspect else cells
        contents = [own[-1].content for own in by_analyte.values()]
        whole = group is gathered.group
        return CollectedCount(
            source=gathered.source,
            line=gathered.line if whole else min(one.line for own in by_analyte.values() for one in own),
            person=self._without_conflict(gathered),
            key=gathered.key,
            collected_at=gathered.collected_at,
            cells=cells,
            clumps=gathered.clumps,
            clumps_suspected=gathered.clumps_suspected and gathered.clumps is not Presence.PRESENT,
            content=content_of(contents),
            pregnancy=gathered.pregnancy,
            film=gathered.film,
        )

    def _without_conflict(self, gathered: Gathered) -> StatedPerson:
        """Return the person; the sex is in conflict where a result tells another than the person's record."""
        sexes = {parse_sex(text, self._words)[0] for text in (gathered.person.sex, gathered.sex_told) if text}
        both = sexes >= {Sex.FEMALE, Sex.MALE}
        return replace(gathered.person, sex=CONTRADICTED) if both else gathered.person

    def _stand(self, by_analyte: Mapping[str, Sequence[Received]]) -> dict[str, tuple[Cell, int]]:
        """Return what stands for each analyte, and how many repeat it."""
        return {analyte: self._standing.of(analyte, own) for analyte, own in by_analyte.items()}

    def _account(
        self, by_analyte: Mapping[str, Sequence[Received]], stand: Mapping[str, tuple[Cell, int]]
    ) -> dict[str, Cell]:
        """Return what stands for each analyte, and count what became of the others."""
        for analyte, (_, duplicates) in stand.items():
            self.counts.used += 1
            self.counts.superseded += len(by_analyte[analyte]) - 1
            self.counts.duplicates += duplicates
        return {analyte: cell for analyte, (cell, _) in stand.items()}

    def forget_zeros(self) -> None:
        """Let go of the names that were given a place and of which nothing came."""
        for names in (self.analytes, self.left_out, *self.units.values()):
            for name in [name for name, many in names.items() if not many]:
                del names[name]
        for analyte in [analyte for analyte, units in self.units.items() if not units]:
            del self.units[analyte]

    def has_several_analytes(self) -> bool:
        """Tell whether some person has results of several analytes: a count of one result may then have lost others."""
        if self.grouping.of_several:
            return True
        found = self._base.execute(
            "SELECT 1 FROM collection c JOIN result r ON r.collection = c.id WHERE r.analyte NOT LIKE '@%' "
            "AND r.analyte <> '' GROUP BY c.person HAVING count(DISTINCT r.analyte) > 1 LIMIT 1"
        )
        return found.fetchone() is not None

    @property
    def size(self) -> int:
        """How many collections there are."""
        return int(self._base.execute("SELECT count(*) FROM collection").fetchone()[0])

    def close(self) -> None:
        """Let go of the temporary database."""
        self._base.close()
