"""Plain results of messages, kept twice: what groups them as columns, and all of each for those that go the careful way.

Results that go the careful way stand among the columns too, as rows in doubt: the others of their groups go with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cbc_screen.arrays import from_bytes, from_numpy, from_texts, to_numpy
from cbc_screen.collect.digits import whole_numbers, without_numbers
from cbc_screen.collect.moments import NO_MOMENT, MomentNumbers
from cbc_screen.collect.partitions import ROWS, Partitions
from cbc_screen.collect.spill import Spill
from cbc_screen.ingest.texts import Texts
from cbc_screen.normalize.moment import MomentReader

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 8_192
BESIDE = ("own_line", "source")  # of a group, beside the number of its first result
PART_ROWS = 300_000  # their keys are longer than those of tables
_IN_HAND = 4 << 20  # bytes of whole rows that are not written to a file: they are seldom read again
_TEXTS = ("person", "collected_at", "value", "group")


class WholeRow(NamedTuple):
    """A row: its number among all results, where it stands, what is said in it, and what it is, by a number."""

    place: int
    line: int
    person: str
    collected_at: str
    value: str
    group: str
    content: bytes
    known: int
    source: int


class KnownKind(NamedTuple):
    """What a row is: the number of its analyte or -1, that of what stands beside its value, and whether it is in doubt."""

    analyte: int
    beside: int
    doubtful: bool


class PlainRows:
    """Takes rows one by one, and keeps them in columns."""

    def __init__(self, reader: MomentReader) -> None:
        self.partitions = Partitions(part_rows=PART_ROWS)
        self._whole = Spill(_IN_HAND)
        self._starts: list[int] = []  # the first place of each chunk
        self._moments = MomentNumbers(reader, counted=False)
        self.known: list[KnownKind] = []
        self.shown: list[Callable[[bytes], str]] = []  # what makes the content of each of its kept bytes
        self._numbers: dict[tuple[KnownKind, Callable[[bytes], str]], int] = {}
        self._known = np.zeros((0, len(KnownKind._fields)), dtype=np.int64)
        self.waiting: list[
            tuple[int, int, str, str, str, str, bytes, int, int]
        ] = []  # as `WholeRow`, made in a third of the time

    def number(self, known: KnownKind, shown: Callable[[bytes], str]) -> int:
        """Return the number of what rows are."""
        found = self._numbers.get((known, shown))
        if found is None:
            found = self._numbers[known, shown] = len(self.known)
            self.known.append(known)
            self.shown.append(shown)
        return found

    def flush(self, share: float) -> None:
        """Put the rows that wait into columns; `share` says how much of all sources was read."""
        import pyarrow as pa

        if not self.waiting:
            return
        columns = dict(zip(WholeRow._fields, zip(*self.waiting, strict=True), strict=True))
        self.waiting.clear()
        arrays = {name: _as_array(name, column) for name, column in columns.items()}
        self._whole.add(len(self._starts), pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays)))
        self._starts.append(columns["place"][0])
        self.partitions.add(ROWS, self._grouped(arrays), share)

    def _grouped(self, arrays: dict[str, pa.Array]) -> pa.RecordBatch:
        """Return what groups rows, and what is needed of those of simple groups."""
        import pyarrow as pa

        persons, times = _coded(arrays["person"]), _coded(arrays["collected_at"])
        moments, forms = self._moments.of(times)
        numbers = whole_numbers(persons.values)
        texts = Texts(without_numbers(persons.values, numbers), persons.codes)
        at = Texts(without_numbers(times.values, np.abs(forms).astype(np.int64) - 1), times.codes)
        rows = np.arange(len(persons.codes))
        if len(self._known) < len(self.known):
            self._known = np.array(self.known, dtype=np.int64)
        known = self._known[to_numpy(arrays["known"])[0]]
        doubtful = (known[:, 2] != 0) | (moments == NO_MOMENT)[times.codes]
        own = {
            "line": arrays["place"],
            "number": from_numpy(numbers[persons.codes]),
            "moment": from_numpy(moments[times.codes]),
            "form": from_numpy(forms[times.codes]),
            "analyte": from_numpy(known[:, 0].astype(np.int16)),
            "beside": from_numpy(known[:, 1].astype(np.int32)),
            "doubtful": from_numpy(doubtful.astype(np.int8)),
            "text": texts.of(rows),
            "at": at.of(rows),
            "value": arrays["value"],
            "own_line": arrays["line"],
            "source": arrays["source"],
        }
        return pa.RecordBatch.from_arrays(list(own.values()), names=list(own))

    def chunks(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows again, whole."""
        for number in range(len(self._starts)):
            yield from self._whole.batches(number)

    def contents(self, places: set[int]) -> dict[int, str]:
        """Return the contents of some rows, by their places."""
        wanted = np.array(sorted(places), dtype=np.int64)
        found = {}
        for chunk in np.unique(np.searchsorted(self._starts, wanted, side="right") - 1).tolist():
            for batch in self._whole.batches(chunk):
                for row in np.flatnonzero(np.isin(to_numpy(batch.column("place"))[0], wanted)).tolist():
                    place, known, content = (batch.column(name)[row].as_py() for name in ("place", "known", "content"))
                    found[place] = self.shown[known](content)
        return found

    def close(self) -> None:
        """Let go of all."""
        self._whole.close()
        self.partitions.spill.close()


def _as_array(name: str, column: Any) -> pa.Array:
    if name in _TEXTS:
        return from_texts(column)
    if name == "content":
        return from_bytes(column)
    return from_numpy(np.fromiter(column, dtype=np.int64, count=len(column)))


def _coded(texts: pa.StringArray) -> Texts:
    coded = texts.dictionary_encode()
    return Texts(coded.dictionary, to_numpy(coded.indices)[0])
