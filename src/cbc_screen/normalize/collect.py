"""Single results to blood counts: one row for each person and collection.

Results wait in a temporary database that lies on disk as soon as it is large, so that
memory is bounded and the order of the source does not matter: a corrected result replaces
the one before it however late it comes, partial results complete each other, and a second
final result that says otherwise is a conflict and not a choice.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from cbc_screen.ingest.results import Code, Item, LabResult, NotResults, Person, has_day
from cbc_screen.ingest.source import LONGEST_CONTENT, RejectedRow
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.identify import Identifier, unit_in
from cbc_screen.normalize.range_text import limits_of_text
from cbc_screen.normalize.remarks import clumps_as_result, mentions_clumps, platelet_clumps
from cbc_screen.normalize.standing import Cell, Received, Standing
from cbc_screen.normalize.value import unusable
from cbc_screen.vocabulary import Presence, Reason, ResultStatus

CLUMPS_FINDING = "platelet_clumps"
_CACHE_KIB = 65_536
_AT_ONCE = 5_000
_LONGEST_LABEL = 80
_KINDS = 10_000  # as many different names and units are counted, and not more
_SCHEMA = """
CREATE TABLE person (key TEXT PRIMARY KEY, birth_date TEXT, sex TEXT, age TEXT);
CREATE TABLE collection (id INTEGER PRIMARY KEY, key TEXT UNIQUE, source INTEGER, line INTEGER, person TEXT,
    collected_at TEXT);
CREATE TABLE aside (source INTEGER, line INTEGER, reason TEXT, content TEXT, whole INTEGER);
CREATE TABLE result (id INTEGER PRIMARY KEY, collection INTEGER, analyte TEXT, value TEXT, unit TEXT, lower TEXT,
    upper TEXT, status TEXT, clumps TEXT, content TEXT, feed INTEGER, grp TEXT);
CREATE TABLE possible (collection INTEGER, analyte TEXT, reason TEXT);
"""


@dataclass
class ResultCounts:
    """What became of every result: `read == used + superseded + not_count + sum(rejected)`."""

    read: int = 0
    used: int = 0
    superseded: int = 0
    not_count: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0  # of those superseded, the ones that repeat what stands
    without_results: Counter[str] = field(default_factory=Counter)  # messages by kind

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for the summary."""
        return {**vars(self), "rejected": dict(self.rejected), "without_results": dict(self.without_results)}

    def balanced(self) -> bool:
        """Tell whether every result is accounted for."""
        return self.read == self.used + self.superseded + self.not_count + self.rejected.total()


@dataclass(frozen=True, slots=True)
class Count:
    """One blood count: a person, a collection, and the result that stands for each analyte."""

    source: int
    line: int
    person: Person
    collected_at: str
    cells: dict[str, Cell]
    clumps: Presence
    content: str


class Collection:
    """Collects results of one or more sources; `each` gives them back as blood counts."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._standing = Standing(knowledge)
        self.counts = ResultCounts()
        self.analytes: Counter[str] = Counter()
        self.units: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.left_out: Counter[str] = Counter()  # what was measured and is no part of a count, by name
        self.set_aside: Counter[str] = Counter()  # results that may be of a count, by name and reason
        self.possible: set[str] = set()  # analytes of which a result was set aside
        # "" is a private temporary database: it has no name to find it by, and goes when it is closed.
        self._base = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._base.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("PRAGMA synchronous = OFF")
        self._base.executescript(_SCHEMA)
        self._base.execute("BEGIN")
        self._waiting: list[tuple[object, ...]] = []
        self._last: tuple[str, int] = ("", 0)
        self._last_person: tuple[int, Person] = (-1, Person(""))

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
                self._add_result(item, source, feed, identifier, units)
            elif isinstance(item, Person):
                self._add_person(item, source)
            elif isinstance(item, NotResults):
                self.counts.without_results[item.kind] += 1
            else:
                self._put_aside(item, source, whole=True)

    def _add_person(self, person: Person, source: int) -> None:
        """Keep what is known of a person; two sources that differ leave it unknown."""
        if self._last_person == (source, person):
            return  # said again with every message
        self._last_person = source, person
        found = self._base.execute(
            "SELECT birth_date, sex, age FROM person WHERE key = ?", (_own(person.key, source),)
        ).fetchone()
        new = (person.birth_date, person.sex, person.age)
        if found is not None:
            new = (_agreed(found[0], new[0]), _agreed(found[1], new[1]), _agreed(found[2], new[2]))
        self._base.execute("INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?)", (_own(person.key, source), *new))

    def _add_result(
        self, result: LabResult, source: int, feed: int, identifier: Identifier, units: Mapping[str, str]
    ) -> None:
        self.counts.read += 1
        analyte, reason, possible = identifier.identify(result)
        if reason is not None:
            self.counts.rejected[reason.value] += 1
            self._put_aside(RejectedRow(result.line, reason, result.content), source, whole=False)
            self._add_possible(result, source, reason, possible)
            return
        clumps = self._clumps(result, analyte)
        if analyte is None and clumps is Presence.UNKNOWN:
            self.counts.not_count += 1
            self._leave_out(result)
            return
        unit = result.unit
        if analyte is None:
            self.counts.not_count += 1  # a remark about the specimen, and no result
        else:
            if not unit and not unit_in(result.value):
                unit = units.get(analyte, "")
            self.analytes[analyte] += 1
            seen = self.units[analyte]
            if unit in seen or len(seen) < _KINDS:
                seen[unit] += 1
        lower, upper = result.lower, result.upper
        if not lower and not upper and result.range_text:
            lower, upper = limits_of_text(result.range_text, unit)
        self._waiting.append(
            (
                self._collection_of(result, source), analyte or "", result.value, unit, lower, upper,
                result.status.value, clumps.value, result.content[:LONGEST_CONTENT], feed, result.group,
            )
        )  # fmt: skip
        if len(self._waiting) >= _AT_ONCE:
            self._flush()

    def _add_possible(self, result: LabResult, source: int, reason: Reason, possible: Sequence[str]) -> None:
        """Keep that a result of a count may be of an analyte: its line is unknown, where nothing else tells it."""
        if not possible or result.status is ResultStatus.DELETED:
            return
        self.possible.update(possible)
        _count(self.set_aside, f"{_label(result)}: {reason} (possibly {' or '.join(possible)})")
        collection = self._collection_of(result, source)
        self._base.executemany(
            "INSERT INTO possible VALUES (?, ?, ?)", [(collection, analyte, reason.value) for analyte in possible]
        )

    def _leave_out(self, result: LabResult) -> None:
        _count(self.left_out, _label(result))

    def _put_aside(self, row: RejectedRow, source: int, *, whole: bool) -> None:
        self._base.execute(
            "INSERT INTO aside VALUES (?, ?, ?, ?, ?)",
            (source, row.line, row.reason.value, row.content[:LONGEST_CONTENT], whole),
        )

    def aside(self, *, whole: bool) -> Iterator[tuple[int, RejectedRow]]:
        """Yield what was set aside: whole messages that could not be read, or single results."""
        found = self._base.execute("SELECT source, line, reason, content FROM aside WHERE whole = ?", (whole,))
        for source, line, reason, content in found:
            yield source, RejectedRow(line, Reason(reason), content)

    def _clumps(self, result: LabResult, analyte: str | None) -> Presence:
        """Say what a result and its remarks tell of platelet clumps."""
        if analyte is not None and not result.notes and not mentions_clumps(result.value):
            return Presence.UNKNOWN  # nearly every one
        about = analyte == "platelets"
        if analyte is None and any(mentions_clumps(code.name) for code in result.codes):
            return clumps_as_result(result.value)
        remarks = [*result.notes, result.value]
        said = [platelet_clumps(remark, about_platelets=about) for remark in remarks if remark]
        if Presence.PRESENT in said:
            return Presence.PRESENT
        return Presence.ABSENT if Presence.ABSENT in said else Presence.UNKNOWN

    def _flush(self) -> None:
        self._base.executemany(
            "INSERT INTO result (collection, analyte, value, unit, lower, upper, status, clumps, content, feed, grp) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._waiting,
        )
        self._waiting.clear()

    def _collection_of(self, result: LabResult, source: int) -> int:
        """Return the number of the collection a result belongs to."""
        person = _own(result.person, source)
        moment = instant(result.collected_at)
        if result.person and moment:
            key = f"{person}\x1f{moment}"
        elif result.group:
            key = f"{person}\x1f\x1f{source}\x1f{result.group}\x1f{moment or result.collected_at}"
        else:
            key = f"\x1f{source}\x1f{result.line}"
        if self._last[0] == key:
            return self._last[1]
        self._base.execute(
            "INSERT OR IGNORE INTO collection (key, source, line, person, collected_at) VALUES (?, ?, ?, ?, ?)",
            (key, source, result.line, person, result.collected_at),
        )
        number = int(self._base.execute("SELECT id FROM collection WHERE key = ?", (key,)).fetchone()[0])
        self._last = key, number
        return number

    def each(self) -> Iterator[Count]:
        """Yield the counts in the order their first result came, after the last `add`; each call counts anew."""
        self._flush()
        self.counts.used = self.counts.superseded = self.counts.duplicates = 0
        self._base.execute("CREATE INDEX IF NOT EXISTS by_collection ON result (collection)")
        self._base.execute("CREATE INDEX IF NOT EXISTS possible_by_collection ON possible (collection)")
        rows = self._base.execute(
            "SELECT c.id, c.source, c.line, c.person, c.collected_at, p.birth_date, p.sex, p.age, r.analyte, r.value, "
            "r.unit, r.lower, r.upper, r.status, r.clumps, r.content, r.feed, r.grp FROM collection c JOIN result r "
            "ON r.collection = c.id LEFT JOIN person p ON p.key = c.person ORDER BY c.id, r.id"
        )
        for _, group in groupby(rows, key=itemgetter(0)):
            count = self._count(list(group))
            if count is not None:
                yield count

    def _count(self, rows: Sequence[tuple[object, ...]]) -> Count | None:
        _, source, line, person, collected_at, birth_date, sex, age = rows[0][:8]
        by_analyte: dict[str, list[Received]] = {}
        clumps = Presence.UNKNOWN
        for row in rows:
            analyte, said = str(row[8]), row[14]
            if said != Presence.UNKNOWN.value and clumps is not Presence.PRESENT:
                clumps = Presence(str(said))
            if analyte:
                by_analyte.setdefault(analyte, []).append(Received._make((*row[9:14], *row[15:18])))
        if not by_analyte:
            return None  # only a remark, and no result of a count
        cells = self._cells(by_analyte)
        if self.possible:
            self._fill_possible(int(str(rows[0][0])), cells)
        contents = [own[-1].content for own in by_analyte.values()]
        return Count(
            source=int(str(source)),
            line=int(str(line)),
            person=Person(
                "" if "\x1e" in str(person) else str(person), str(birth_date or ""), str(sex or ""), str(age or "")
            ),
            collected_at=str(collected_at),
            cells=cells,
            clumps=clumps,
            content=json.dumps(contents, ensure_ascii=False)[:LONGEST_CONTENT],
        )

    def _cells(self, by_analyte: dict[str, list[Received]]) -> dict[str, Cell]:
        """Return the result that stands for each analyte, and count what became of the others."""
        cells: dict[str, Cell] = {}
        for analyte, own in by_analyte.items():
            cell, duplicates = self._standing.of(analyte, own)
            if cell is not None:
                cells[analyte] = cell
            self.counts.used += cell is not None
            self.counts.superseded += len(own) - (cell is not None)
            self.counts.duplicates += duplicates
        return cells

    def _fill_possible(self, collection: int, cells: dict[str, Cell]) -> None:
        """Make unknown what has no result here and of which one was set aside."""
        found = self._base.execute("SELECT analyte, reason FROM possible WHERE collection = ?", (collection,))
        for analyte, reason in found:
            cells.setdefault(analyte, Cell(unusable(Reason(reason)), "", "", "", ""))

    @property
    def size(self) -> int:
        """How many collections there are."""
        return int(self._base.execute("SELECT count(*) FROM collection").fetchone()[0])

    def close(self) -> None:
        """Let go of the temporary database."""
        self._base.close()


def _label(result: LabResult) -> str:
    """Return what a source calls a result: its first code and name."""
    first = result.codes[0] if result.codes else Code("", "", "")
    return f"{first.code} {first.name}".strip()[:_LONGEST_LABEL]


def _count(names: Counter[str], name: str) -> None:
    if name in names or len(names) < _KINDS:
        names[name] += 1


def _own(person: str, source: int) -> str:
    """Mark the key of a person that a message made up for itself, so that sources do not share it."""
    return f"{source}\x1e{person}" if person.startswith(("message ", "line ")) else person


def _agreed(before: object, now: str) -> str:
    """Return what two sources say of a person: unknown where they differ."""
    if not before or before == now:
        return now
    return str(before) if not now else "?"


@lru_cache(maxsize=4_096)
def instant(text: str) -> str:
    """Return a time so that the same moment in two zones is the same text; "" where it is less than a day.

    >>> instant("2014-11-13T09:14:00-05:00") == instant("2014-11-13T14:14:00Z")
    True
    """
    if not has_day(text):
        return ""
    try:
        when = datetime.datetime.fromisoformat(text)
        return (when.astimezone(datetime.UTC) if when.tzinfo is not None else when).isoformat()
    except (ValueError, OverflowError):
        return text
