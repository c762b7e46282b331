"""The figures of a worklist's summary, as names and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cbc_screen.report.wording import SEXES, words
from cbc_screen.result import ScreeningResult
from cbc_screen.vocabulary import Severity

AGES = (1, 18, 40, 65)  # completed years at which the groups of the figure begin
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Figure:
    """A title, what is counted, and the counts of each name."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def most(self) -> int:
        """The longest bar."""
        return max((count for _, counts in self.rows for count in counts), default=0) or 1


def counted(title: str, counts: Mapping[str, int], order: Iterable[str]) -> Figure:
    """Return a figure of one count a name."""
    return Figure(title, ("rows",), tuple((_name(word), (counts.get(str(word), 0),)) for word in order))


def _name(word: str) -> str:
    """Write a code as words, and a reason as its field and its code."""
    field, colon, reason = word.partition(":")
    if word.isupper():
        return word  # a reason code is told as it is
    return f"{words(field)}: {reason}" if colon else words(word)


def by_line(title: str, counts: Mapping[str, Counter[str]]) -> Figure:
    """Return severity by line."""
    levels = reversed(Severity)
    rows = tuple((words(level), tuple(own[level] for own in counts.values())) for level in levels)
    return Figure(title, tuple(counts), rows)


def by_age_and_sex(title: str, counts: Mapping[tuple[str, str], int]) -> Figure:
    """Return age groups by sex."""
    sexes = (*SEXES.values(), UNKNOWN)
    rows = tuple((group, tuple(counts.get((group, sex), 0) for sex in sexes)) for group in (*age_groups(AGES), UNKNOWN))
    return Figure(title, sexes, rows)


def age_groups(ages: Sequence[int]) -> list[str]:
    """Name the groups that begin at these completed years, after those who are younger."""
    starts = [f"{low} y" if low == high - 1 else f"{low} to {high - 1} y" for low, high in pairwise(ages)]
    return [f"under {ages[0]} y", *starts, f"{ages[-1]} y and over"]


def age_group(result: ScreeningResult) -> str:
    """Return the age group of a person, where the age as used lies in one."""
    years = result.person.years
    if years is None:
        return UNKNOWN
    places = {sum(end >= start for start in AGES) for end in years}
    return age_groups(AGES)[places.pop()] if len(places) == 1 else UNKNOWN
