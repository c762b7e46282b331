"""Words by which sources say when a result was taken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.world_words import without_point

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_DATES = ("date", "dt", "year", "month", "yyyy", "birth")


@dataclass(frozen=True, eq=False)
class MomentWords:
    """Words for no moment, for one without a number, for parts of a year, and for columns of offsets."""

    nothing: frozenset[str]
    named: frozenset[str]
    periods: frozenset[str]
    months: frozenset[str]
    month_numbers: Mapping[str, int]  # of months whose name means one in every language
    offset_columns: tuple[tuple[str, ...], ...]

    def counts_from_a_beginning(self, column: str) -> bool:
        """Tell whether the numbers of a column are offsets, or numbers of visits, and no dates.

        >>> from cbc_screen.knowledge.loaded import load_measures
        >>> words = load_measures().moments
        >>> [words.counts_from_a_beginning(name) for name in ("labresultoffset", "VISITNUM", "DayOfStudy", "draw date")]
        [True, True, True, False]
        """
        words = _parted(column)
        if any(word.startswith(_DATES) for word in words):
            return False
        for wanted in self.offset_columns:
            places = range(len(words) - len(wanted) + 1)
            if any(tuple(words[place : place + len(wanted)]) == wanted for place in places):
                return True
        return bool(words) and words[-1].endswith("offset")


def _parted(name: str) -> list[str]:
    """Part a name where its letters and signs say so: "DaysSinceAdmission"."""
    return [word.casefold() for word in _PARTS.findall(unicodedata.normalize("NFKC", name))]


def load_moments(node: YamlNode, missing: Iterable[str], numbers: Mapping[str, int]) -> MomentWords:
    """Load moments.yaml; `missing` are the words for nothing in any column, `numbers` the months by their names."""
    node.check_keys(["nothing", "named", "periods", "months", "month_numbers", "months_that_differ", "offset_columns"])
    lists = {key: frozenset(map(fold_word, node.texts(key))) for key in node if key != "month_numbers"}
    own = node.node("month_numbers")
    own.check_keys([str(month) for month in range(1, 13)])
    numbers = {**numbers, **{without_point(word): int(key) for key in own for word in own.texts(key)}}
    numbers = {name: month for name, month in numbers.items() if name not in lists["months_that_differ"]}
    for one, other in (("nothing", "named"), ("periods", "months")):
        if both := lists[one] & lists[other]:
            raise node.error(other, f"{min(both)!r} is also listed under {one}")
    offsets = tuple(tuple(_parted(word)) for word in sorted(lists["offset_columns"]))
    nothing = lists["nothing"] | frozenset(map(fold_word, missing))
    months = lists["months"] | frozenset(month for month in numbers if month not in lists["periods"])
    return MomentWords(nothing, lists["named"], lists["periods"], months, numbers, offsets)
