"""The results of one group before it is said which stand, the count they become, and what became of every result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cbc_screen.ingest.results import StatedPerson
from cbc_screen.normalize.judging import OF_ALL, SPECIMEN, SUSPECTED
from cbc_screen.normalize.person import CONTRADICTED
from cbc_screen.normalize.placing import GroupKind
from cbc_screen.normalize.standing import Cell, Received
from cbc_screen.vocabulary import Presence

ABOUT = "@"  # before a field of the person, in place of an analyte
FILM = "@film "  # before a finding of the film
_LINE = 20  # where the line of a result stands in its row
_TOLD = ("birth_date", "sex", "age", "pregnancy", SPECIMEN)


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
class CollectedCount:
    """One blood count: a person, a collection, and the result that stands for each analyte."""

    source: int
    line: int
    person: StatedPerson
    collected_at: str
    cells: dict[str, Cell]
    clumps: Presence
    clumps_suspected: bool
    content: str
    pregnancy: str = ""
    film: Mapping[str, Presence] = field(default_factory=dict)
    key: str = ""  # of the person over all sources, also where a reader made it up


@dataclass
class PeopleBeside:
    """Persons with counts that were collected elsewhere; `maybe_here` are those of them that may have others here."""

    every: int = 0
    known: int = 0
    maybe_here: list[str] = field(default_factory=list)


@dataclass
class Grouping:
    """How results came together: counts by how surely their results are of one draw, and results that stand alone."""

    counts: Counter[GroupKind] = field(default_factory=Counter)
    of_one: int = 0  # counts of a single result
    of_several: int = 0
    alone: int = 0  # results that could not be placed

    def add(self, group: GroupKind, results: int) -> None:
        """Count a count of so many results."""
        self.counts[group] += 1
        self.of_one += results == 1
        self.of_several += results > 1
        if group >= GroupKind.ALONE:
            self.alone += results


@dataclass(frozen=True, slots=True)
class Gathered:
    """The results of one group as they came, before it is said which stand."""

    number: int
    source: int
    line: int
    key: str  # of the person
    person: StatedPerson
    collected_at: str
    group: GroupKind
    by_analyte: dict[str, list[Received]]
    clumps: Presence
    clumps_suspected: bool
    pregnancy: str
    film: dict[str, Presence]
    suspect: bool  # a remark takes back all that was measured
    sex_told: str  # by a result, whatever the person's own record says

    @classmethod
    def of(cls, rows: Sequence[tuple[object, ...]]) -> Gathered:
        """Gather the rows of one group."""
        number, source, line, key, collected_at, birth_date, sex, age, placed = rows[0][:9]
        by_analyte: dict[str, list[Received]] = {}
        about: dict[str, str] = {}
        film: dict[str, Presence] = {}
        clumps, suspected = Presence.UNKNOWN, False
        for row in rows:
            analyte, said = str(row[9]), row[15]
            if said == SUSPECTED:
                suspected = True
            elif said != Presence.UNKNOWN.value and clumps is not Presence.PRESENT:
                clumps = Presence(str(said))
            if analyte.startswith(FILM):
                finding = analyte.removeprefix(FILM)
                if film.get(finding) is not Presence.PRESENT:  # seen once is seen
                    film[finding] = Presence(str(row[10]))
            elif analyte.startswith(ABOUT):
                about[analyte] = agreed(about.get(analyte), str(row[10]))
            elif analyte:
                by_analyte.setdefault(analyte, []).append(Received._make((*row[10:15], *row[16:21])))
        if str(rows[0][9]).startswith(ABOUT):  # the count begins with its first result
            line = next((row[_LINE] for row in rows if not str(row[9]).startswith(ABOUT)), line)
        told = {name: about.get(f"{ABOUT}{name}", "") for name in _TOLD}
        # What the person's own record says stands; a result fills in where it is silent.
        person = StatedPerson(
            "" if "\x1e" in str(key) else str(key),
            str(birth_date or told["birth_date"]),
            str(sex or told["sex"]),
            str(age or told["age"]),
        )
        return cls(
            int(str(number)), int(str(source)), int(str(line)), str(key), person, str(collected_at),
            GroupKind(int(str(placed))), by_analyte, clumps, suspected, told["pregnancy"], film,
            bool(told[SPECIMEN]) or any(_stands_alone(name, by_analyte) for name in about), told["sex"],
        )  # fmt: skip


def _stands_alone(name: str, by_analyte: Mapping[str, Sequence[Received]]) -> bool:
    """Tell whether a remark on the whole sample is beside the only result of its analyte: a second one is a correction, or another tube."""
    analyte = name.removeprefix(f"{ABOUT}{OF_ALL}")
    return analyte != name and len(by_analyte.get(analyte, ())) == 1


def agreed(before: object, now: str) -> str:
    """Return what two sources say of a person: unknown where they differ."""
    if not before or before == now:
        return now
    return str(before) if not now else CONTRADICTED
