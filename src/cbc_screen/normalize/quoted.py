"""Which names of columns may be quoted: a file without a header has a person's row in their place.

What looks like data is called by its place ("column 3"), in every message, summary and profile. A name that is known, with or
without its unit, may be quoted. Any other is data where it has a digit that is no part of a known name or unit, or where it is as
long as a sentence; and where such a thing stands among them, the line may be a row, and no unknown name of it is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.normalize.age import parse_age, parse_age_unit
from cbc_screen.normalize.dates import parse_date
from cbc_screen.normalize.names import Role, name_reader

_LONGEST, _MOST_WORDS = 80, 10  # characters and words of a name of a column
_LONGEST_PART = 5  # words of a name or unit among others: "per c mm" has three
_PARTS = re.compile(r"[\s,;:|_]+")
_BRACKETS = "()[]{}"
_NUMBER = re.compile(r"[<>=~+-]*\d+(?:[.,]\d+)*%?")
_READ_BY_NAME = frozenset(Role) - {Role.POSSIBLE, Role.AGAIN, Role.REFUSED, Role.OTHER}


class QuotedNames:
    """The names of the columns of one table, as they may be quoted."""

    def __init__(self, knowledge: Knowledge, headers: Sequence[str]) -> None:
        self._headers, self._told = headers, _telling(knowledge)
        self._places = {header: place for place, header in reversed(list(enumerate(headers, start=1)))}
        given = [header for header in headers if header]
        self._is_row = any(map(self._told.is_value, given)) or (
            any(map(self._told.is_data, given)) and not any(map(self._told.is_analyte, given))
        )

    def name(self, header: str) -> str:
        """Return the name of a column, or its place where the name may tell of a person."""
        if not (self._told.is_data(header) or (self._is_row and not self._told.is_known(header))):
            return header
        return f"column {self._places[header]}" if header in self._places else "a column"

    def both(self, headers: Iterable[str]) -> str:
        """Return several names in quotation marks, as a message has them."""
        return " and ".join(repr(self.name(header)) for header in headers)

    def by_name(self, said: Mapping[str, str]) -> dict[str, str]:
        """Return what is said of columns, by what they may be called."""
        return {self.name(header): why for header, why in said.items()}

    def told(self) -> list[str]:
        """Return the names that may be quoted."""
        return [header for header in self._headers if header and self.name(header) == header]


@lru_cache(maxsize=2)
def _telling(knowledge: Knowledge) -> _Telling:
    return _Telling(knowledge)


class _Telling:
    """Tells names of columns from data; the same headers come with every small frame of a caller."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge, self._reader = knowledge, name_reader(knowledge)
        self.is_data = lru_cache(maxsize=4_096)(self._is_data)
        self.is_value = lru_cache(maxsize=4_096)(self._is_value)

    def is_analyte(self, header: str) -> bool:
        """Tell whether a header is the name of an analyte."""
        return self._reader.of_header(header).role is Role.ANALYTE

    def is_known(self, header: str) -> bool:
        """Tell whether all of a header is a name that is known, or a name of a profile."""
        meaning = self._reader.of_header(header)
        return meaning.role in _READ_BY_NAME or self._names(plain_name(header))

    def _is_data(self, header: str) -> bool:
        if len(header) > _LONGEST or len(header.split()) > _MOST_WORDS:
            return not self.is_known(header)
        if not any(map(str.isdigit, header)) or self.is_known(header):
            return False
        words = _PARTS.split(header)
        return any(any(map(str.isdigit, word)) for word in self._unknown(words))

    def _unknown(self, words: list[str]) -> Iterable[str]:
        """Yield the words that are in no known name and no known unit, the longest of them first."""
        place = 0
        while place < len(words):
            ends = range(min(len(words), place + _LONGEST_PART), place, -1)
            end = next((end for end in ends if self._is_part(" ".join(words[place:end]))), None)
            if end is None:
                yield words[place]
            place = end or place + 1

    def _is_part(self, text: str) -> bool:
        text = text.strip(_BRACKETS)
        if not text or text.isdecimal():
            return False
        units = self._knowledge.units.values()
        return any(isinstance(table.find(text), Factor) for table in units) or self._names(plain_name(text))

    def _names(self, name: str) -> bool:
        friends = self._knowledge.friends
        return name in friends.names or name in self._knowledge.beside.again_names or self._reader.names(name)

    def _is_value(self, header: str) -> bool:
        """Tell whether a header is a number, a date or an age, and so no name of a column."""
        text = header.strip()
        if not any(map(str.isdigit, text)) or self.is_known(header):
            return False
        if _NUMBER.fullmatch(text) or parse_date(text)[0] is not None:
            return True
        return (
            parse_age_unit(text) is None and parse_age(text, None, self._knowledge.age_implausible_from)[0] is not None
        )
