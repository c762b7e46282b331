"""What sources say of persons, kept beside single results until these are counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from cbc_screen.ingest.results import StatedPerson
from cbc_screen.normalize.collected_texts import KINDS, key_as_said, own_key
from cbc_screen.normalize.gathered import PeopleBeside, agreed
from cbc_screen.normalize.specimen import SpecimenReader
from cbc_screen.vocabulary import SpecimenKind

_AT_ONCE = 5_000
Facts = tuple[str, str, str]  # birth date, sex, age


class KeptPersons:
    """What is known of persons; two sources that differ leave it unknown."""

    def __init__(self, base: sqlite3.Connection, specimens: SpecimenReader) -> None:
        self._base, self._specimens = base, specimens
        self._last: tuple[int, StatedPerson] = (-1, StatedPerson(""))
        self._waiting: dict[str, tuple[Facts, str]] = {}
        base.create_function("agreed", 2, agreed, deterministic=True)
        base.create_function("kind_said", 2, _kind_said, deterministic=True)
        self.sexes: set[str] = set()  # as received, of all persons
        self.has_others = False  # somebody is no patient

    def add(self, person: StatedPerson, source: int) -> None:
        """Keep what is said of a person."""
        if self._last == (source, person):
            return  # said again with every message
        self._last = source, person
        self.note_sex(person.sex)
        kind = self._specimens.of(person.stated)
        self.has_others |= kind is not None and kind.reason is not None
        now = (person.birth_date, person.sex, person.age), "" if kind is None else kind.value
        for key in dict.fromkeys((person.key, *person.aliases)):
            own = own_key(key, source)
            before = self._waiting.get(own)
            self._waiting[own] = now if before is None or before == now else _together(before, now)
        if len(self._waiting) >= _AT_ONCE:
            self.write()

    def note_sex(self, sex: str) -> None:
        """Note a sex as received."""
        if len(self.sexes) < KINDS:
            self.sexes.add(sex)

    def write(self) -> None:
        """Put what waits beside what was said before."""
        self._base.executemany(
            "INSERT INTO person VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "birth_date = agreed(birth_date, excluded.birth_date), sex = agreed(sex, excluded.sex), "
            "age = agreed(age, excluded.age), kind = kind_said(kind, excluded.kind)",
            ((key, *facts, kind) for key, (facts, kind) in self._waiting.items()),
        )
        self._waiting.clear()

    def each(self, at_once: int) -> Iterator[list[tuple[object, ...]]]:
        """Yield what is known of persons, in batches: key, birth date, sex, age, and whether they are not patients."""
        self.write()
        found = self._base.execute(
            f"SELECT key, birth_date, sex, age, kind NOT IN ('', '{SpecimenKind.BLOOD.value}') FROM person"
        )
        while rows := found.fetchmany(at_once):
            yield [(key_as_said(str(key)), *rest) for key, *rest in rows]

    def tell(self, persons: Iterable[tuple[str, str, str, str]], source: int = 0) -> None:
        """Keep what all rows of a source together say of persons: key, birth date, sex, age."""
        self.write()
        self._base.executemany(
            "INSERT INTO person VALUES (?, ?, ?, ?, '') ON CONFLICT (key) DO UPDATE SET birth_date = excluded.birth_date, "
            "sex = excluded.sex, age = excluded.age",
            ((own_key(key, source), *told) for key, *told in persons if key),
        )

    def found(self, beside: PeopleBeside | None = None) -> tuple[int, int]:
        """Return of how many persons anything is known, and how many have results, with those that are not here."""
        self.write()
        beside = beside or PeopleBeside()
        self._base.execute("CREATE TEMP TABLE IF NOT EXISTS beside (key TEXT PRIMARY KEY)")
        self._base.execute("DELETE FROM beside")
        self._base.executemany("INSERT OR IGNORE INTO beside VALUES (?)", ((key,) for key in beside.maybe_here))
        found = self._base.execute(
            "SELECT coalesce(sum(known), 0), count(*) FROM (SELECT max(coalesce(p.birth_date, '') <> '' OR "
            "coalesce(p.sex, '') <> '' OR coalesce(p.age, '') <> '') AS known FROM collection c LEFT JOIN person p "
            "ON p.key = c.person WHERE c.person <> '' AND c.person NOT IN (SELECT key FROM beside) GROUP BY c.person)"
        )
        known, every = found.fetchone()
        return int(known) + beside.known, int(every) + beside.every


def _together(before: tuple[Facts, str], now: tuple[Facts, str]) -> tuple[Facts, str]:
    """Return what two sources say together; in which order they and others are put together makes no difference."""
    birth_date, sex, age = map(agreed, before[0], now[0])
    return (birth_date, sex, age), _kind_said(before[1], now[1])


def _kind_said(before: str, now: str) -> str:
    """Return the kind that two sources say: whom one calls human is no animal, else what was said last."""
    blood = SpecimenKind.BLOOD.value
    return blood if blood in (before, now) else now or before
