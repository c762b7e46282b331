"""Persons as exports write them, each with who it can be."""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from oracle.tables import OLDEST, Ages, Tables, completed_months
from oracle.truth import Person

FIELDS = ("age", "age_unit", "birth_date", "collected_at", "sex", "pregnancy")
AGES_THAT_SAY_NOTHING = (
    *("old", "adult", "-3 y", "200 y", "5 moons", "abc", "54;55", "?", "4/5", "1e3 y", "0x20 y", "nan y", "fifty"),
    *("54", "7", "0", "151 y", "999 y", "--", "15 January"),
)
SEX_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("F", "f", "female", "Female", "FEMALE", " F ", "woman"), "F"),
    **dict.fromkeys(("M", "m", "male", "Male", "MALE", "man"), "M"),
}
SEX_THAT_SAYS_NOTHING = ("", "U", "unknown", "1", "2", "0", "9", "?", "X", "n/a", "F/M", "yes", "FM", "mf", "Q", "1.0")
STAGE_WORDS: Mapping[str, str] = {
    "T1": "T1", "T2": "T2", "T3": "T3", "pregnant": "trimester_unknown", "yes": "trimester_unknown",
    "none": "none", "no": "none", "postpartum": "postpartum", "unknown": "unknown", "?": "unknown",
    "maybe": "unknown", "33 weeks or so": "unknown", "not pregnant": "none", "trimester 2": "T2", "1": "unknown",
}  # fmt: skip
SLASHED = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y")  # nobody can tell day from month


class Written(NamedTuple):
    """What is written of a person, who it can be, and what kind of writing it is."""

    fields: dict[str, str | None]
    person: Person
    kind: str


class People:
    """A seeded source of persons."""

    def __init__(
        self, tables: Tables, pick: random.Random, *, dated: bool = False, strange_letters: bool = False
    ) -> None:
        self.ages: Ages = tables.ages
        self.pick, self.dated = pick, dated
        self.strange_letters = strange_letters  # M and H, where M may be a woman
        self.between_days = lru_cache(maxsize=100_000)(self.ages.between_days)
        self.between_months = lru_cache(maxsize=100_000)(self.ages.between_months)
        self.anybody = self.ages.any()

    def person(self) -> Written:
        pick, fields = self.pick, dict.fromkeys(FIELDS)
        kind, ages = self._dates(fields) if self.dated or pick.random() < 0.3 else self._age(fields)
        sexes = self._sex(fields)
        kind = "letters of a sex" if self.strange_letters else kind
        stage = self._stage(fields, sexes)
        return Written(fields, Person(ages, sexes, stage), kind)

    def _sex(self, fields: dict[str, str | None]) -> str:
        if self.strange_letters:
            fields["sex"] = self.pick.choice(("M", "H"))
            return "FM"
        if self.pick.random() < 0.85:
            fields["sex"] = self.pick.choice(list(SEX_WORDS))
            return SEX_WORDS[fields["sex"]]
        fields["sex"] = self.pick.choice((None, *SEX_THAT_SAYS_NOTHING))
        return "FM"

    def _stage(self, fields: dict[str, str | None], sexes: str) -> str:
        if self.dated or self.pick.random() > (0.15 if "F" in sexes else 0.02):
            return "not_stated"
        fields["pregnancy"] = self.pick.choice(list(STAGE_WORDS))
        return STAGE_WORDS[fields["pregnancy"]]

    def _age(self, fields: dict[str, str | None]) -> tuple[str, frozenset[int]]:
        pick, chance = self.pick, self.pick.random()
        if chance < 0.06:
            fields["age"] = pick.choice((None, None, "", *AGES_THAT_SAY_NOTHING))
            return "age that says nothing", self.anybody
        if chance < 0.16:
            return self._rough(fields)
        unit, most = pick.choice((("y", 95), ("y", 95), ("y", 20), ("mo", 30), ("d", 100), ("wk", 20), ("h", 90)))
        count = pick.randrange(most + 1)
        words = {
            "y": ("y", "yr", "years", "Y", "year"),
            "mo": ("mo", "months", "mos"),
            "d": ("d", "days", "D"),
            "wk": ("wk", "weeks"),
            "h": ("h", "hours"),
        }
        word = pick.choice(words[unit])
        if pick.random() < 0.3:
            fields["age"], fields["age_unit"] = str(count), word
        else:
            fields["age"] = f"{count}{pick.choice((' ', ' ', ''))}{word}"
        return "age", self.of(count, unit)

    def of(self, count: int, unit: str) -> frozenset[int]:
        """Return the classes of an age in completed units."""
        if unit == "y":
            return self.between_months(12 * count, 12 * count + 11)
        if unit == "mo":
            return self.between_months(count, count)
        first = {"d": count, "wk": 7 * count, "h": count // 24}[unit]
        return self.between_days(first, first + (6 if unit == "wk" else 0))

    def _rough(self, fields: dict[str, str | None]) -> tuple[str, frozenset[int]]:
        """Write an age that is a span."""
        pick = self.pick
        kind = pick.choice(("over", "under", "between", "fraction", "two units", "small fraction"))
        count = pick.choice((1, 2, 5, 12, 15, 18, 40, 65, 89, 90))
        if kind == "over":
            fields["age"] = pick.choice(("> {0} y", ">{0} y", ">= {0} years", "{0}+ y", "{0} y and over")).format(count)
            return kind, self.between_months(12 * count, OLDEST - 1)
        if kind == "under":
            fields["age"] = pick.choice(("< {0} y", "<{0} years")).format(count)
            return kind, self.between_months(0, 12 * count - 1)
        if kind == "between":
            last = count + pick.choice((1, 2, 4, 9))
            fields["age"] = pick.choice(("{0}-{1} y", "{0}-{1} years", "{0} to {1} y")).format(count, last)
            return kind, self.between_months(12 * count, 12 * last + 11)
        if kind == "fraction":
            tenth = pick.randrange(10)
            fields["age"] = f"{count}.{tenth} y"
            if not tenth:
                return kind, self.of(count, "y")  # completed years that a column of numbers made 54.0
            hundredths = 100 * count + 10 * tenth
            return kind, self.between_months(12 * (hundredths - 5) // 100, 12 * (hundredths + 5) // 100)
        if kind == "small fraction":
            thousandths = pick.choice((5, 19, 38, 57, 76, 85, 160, 250, 420, 500, 750))
            fields["age"] = f"{thousandths / 1000:.3f} y"
            first, last = (2 * thousandths - 1) * 365 // 2_000, (2 * thousandths + 1) * 366 // 2_000
            return kind, self.between_days(first, last)
        months = pick.randrange(12)
        fields["age"] = pick.choice(("{0} y {1} mo", "{0}y {1}m", "{0} years {1} months")).format(count, months)
        return kind, self.between_months(12 * count + months, 12 * count + months)

    # Dates ---------------------------------------------------------------------------------

    def _dates(self, fields: dict[str, str | None]) -> tuple[str, frozenset[int]]:
        pick = self.pick
        day = datetime.date(2015, 1, 1) + datetime.timedelta(days=pick.randrange(3_600))
        if pick.random() < 0.5:
            born = day - datetime.timedelta(days=pick.randrange(33_000))
        elif pick.random() < 0.5:
            born = day - datetime.timedelta(days=pick.choice((*self.ages.days, *range(0, 100, 7))))
        else:
            born = _years_before(day, pick.choice((1, 2, 5, 6, 12, 13, 15, 18, 60, 65, 66, 90)))
            born += datetime.timedelta(days=pick.choice((-1, 0, 1)))
        fields["collected_at"] = day.isoformat() + pick.choice(("", "T07:30:00"))
        chance = pick.random()
        if chance < 0.8:
            fields["birth_date"] = born.isoformat()
            if born > day:
                return "born after collection", self.anybody
            return "dates", frozenset((self.class_of(born, day),))
        if chance < 0.88:
            fields["birth_date"] = f"{born.year}"
            return "year of birth", self._any_of(_days(born.year, 1, 12), day)
        if chance < 0.94:
            fields["birth_date"] = f"{born.year}-{born.month:02}"
            return "month of birth", self._any_of(_days(born.year, born.month, born.month), day)
        if chance < 0.97 and not self.dated:
            fields["birth_date"] = born.strftime(pick.choice(SLASHED))
            return "date that nobody can read", self.anybody
        fields["birth_date"], fields["collected_at"] = born.isoformat(), None
        if self.dated:
            fields["birth_date"], fields["collected_at"] = None, day.isoformat()
        return "one of two dates", self.anybody

    def class_of(self, born: datetime.date, day: datetime.date) -> int:
        """Return the class of an age by the calendar."""
        return self.ages.class_of(min((day - born).days, self.ages.last_day), completed_months(born, day))

    def _any_of(self, births: list[datetime.date], day: datetime.date) -> frozenset[int]:
        return frozenset(self.class_of(born, day) for born in births if born <= day) or self.anybody


def _days(year: int, first: int, last: int) -> list[datetime.date]:
    start = datetime.date(year, first, 1)
    return [d for n in range(366) if (d := start + datetime.timedelta(days=n)).year == year and d.month <= last]


def _years_before(day: datetime.date, years: int) -> datetime.date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return datetime.date(day.year - years, 3, 1)
