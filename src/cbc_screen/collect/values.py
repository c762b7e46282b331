"""The values of results in columns, and what of a value decides how its result is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_texts
from cbc_screen.collect.combine import combine
from cbc_screen.ingest.long import LongSource
from cbc_screen.ingest.texts import Texts, constant, of_both
from cbc_screen.normalize.identify import unit_in
from cbc_screen.normalize.standing import StandingRule

_REMEMBERED = 200_000
_MANY_KINDS = 4_096
_SOME = "0"  # number


class Kind(NamedTuple):
    """What of a value decides how its result is judged: the unit in it, whether it is empty, a remark in its place."""

    empty: bool
    unit: str
    remark: bool  # of clumps, or that results are taken back


@dataclass(frozen=True, slots=True)
class BatchValues:
    """The values of a batch: `texts` as received, `told` as they stand in a count; `kinds` are numbered."""

    texts: Texts
    told: Texts
    from_number: NDArray[np.bool_]  # of each row: it goes with the coded unit
    kinds: NDArray[np.int32]  # of each row
    many_kinds: int


class ValueReader:
    """Reads values; what is said of a text is worked out once."""

    def __init__(self, source: LongSource, standing: StandingRule, says_more: Callable[[str], bool]) -> None:
        self._source, self._standing, self._says_more = source, standing, says_more
        self._known: dict[str, tuple[int, str]] = {}
        self._kinds: dict[Kind, int] = {}
        self.kinds: list[Kind] = []

    def read(self, fields: dict[str, Texts], rows: int) -> BatchValues:
        """Read the values of a batch."""
        texts, from_number = self._chosen(fields, rows)
        received, remembered = texts.list(), self._known
        known = [remembered.get(text) or self._look_at(text) for text in received]
        kinds = np.array([kind for kind, _ in known], dtype=np.int32)
        told = [text for _, text in known]
        same = told == received  # nearly always
        stands = texts if same else Texts(from_texts(told), texts.codes)
        return BatchValues(texts, stands, from_number, kinds[texts.codes], len(self.kinds))

    def _look_at(self, text: str) -> tuple[int, str]:
        """Return the number of a value's kind, and the value as it stands in a count."""
        kind = Kind(not text, unit_in(text), any(map(str.isalpha, text)) and self._says_more(text))
        number = self._kinds.get(kind)
        if number is None:
            number = self._kinds[kind] = len(self.kinds)
            self.kinds.append(kind)
        found = self._known[text] = number, self._standing.told(text)
        return found

    def begin(self) -> None:
        """Begin a batch: forget what is remembered where there is much of it."""
        if len(self._known) > _REMEMBERED or len(self.kinds) > _MANY_KINDS:
            self._known.clear()
            self._kinds.clear()
            self.kinds.clear()

    def _chosen(self, fields: dict[str, Texts], rows: int) -> tuple[Texts, NDArray[np.bool_]]:
        """Return the value of each row; a number is taken where the text beside it says no more."""
        number, text, operator = fields.get("number"), fields.get("value") or constant("", rows), fields.get("operator")
        told = text
        if operator is not None and not operator.empty().all():
            told = of_both(text, operator, self._source.signed_text)
        if number is None:
            return told, np.zeros(rows, dtype=np.bool_)
        there = ~number.empty()[number.codes]
        from_number = there & text.ask(self._source.is_only_a_number)[text.codes]
        as_text = text.empty()[text.codes]
        if self._source.compares_numbers and not as_text.all():
            number = of_both(number, text, self._source.agreeing)
        signed = self._signed(number, operator)
        if (from_number | as_text).all() and signed is number:
            return number, from_number
        parts = [told.list(), number.list(), signed.list()]
        after_text, after_number = len(parts[0]), len(parts[0]) + len(parts[1])
        codes = np.where(as_text, number.codes + after_text, told.codes)
        codes = np.where(from_number, signed.codes + after_number, codes).astype(np.int32)
        return _compact([one for part in parts for one in part], codes), from_number

    def _signed(self, number: Texts, operator: Texts | None) -> Texts:
        """Return numbers with their signs."""
        operators = operator.list() if operator is not None else [""]
        if all(self._source.number_text(_SOME, one) == _SOME for one in operators):
            return number  # nearly always: no operator, or that of equality
        assert operator is not None
        rows = len(number.codes)
        pairs = combine(rows, [(number.codes, len(number.values)), (operator.codes, len(operator.values))])
        numbers, first = number.list(), pairs.first.tolist()
        texts = [self._source.number_text(numbers[number.codes[row]], operators[operator.codes[row]]) for row in first]
        return Texts(from_texts(texts), pairs.codes.astype(np.int32))


def _compact(texts: list[str], codes: NDArray[np.int32]) -> Texts:
    """Leave out what no row has, and make equal texts one."""
    used = np.flatnonzero(np.bincount(codes, minlength=len(texts)))
    numbers: dict[str, int] = {}
    places = np.zeros(len(texts), dtype=np.int32)
    for place in used.tolist():
        places[place] = numbers.setdefault(texts[place], len(numbers))
    return Texts(from_texts(list(numbers)), places[codes])
