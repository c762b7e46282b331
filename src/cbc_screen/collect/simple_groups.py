"""Simple groups in the order of the source: kept by stretches of lines, and given back as columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import dictionary, from_numpy, from_texts, to_numpy
from cbc_screen.collect.besides import BesideValue
from cbc_screen.collect.grouping import SimpleGroups
from cbc_screen.collect.spill import Spill

if TYPE_CHECKING:
    import pyarrow as pa

SEGMENT_RESULTS = 1 << 18
GROUPS, RESULTS = "groups", "results"
_FEW_TIMES = 2  # a dictionary of more than one text for so many rows saves nothing


class Segments:
    """Simple groups of all parts, by stretches of lines."""

    def __init__(self, lines: int, results: int, spill: Spill | None = None) -> None:
        self._spill = spill or Spill()
        self._width = max(1, lines * SEGMENT_RESULTS // max(results, 1))
        self._last = -1

    def add(self, part: SimpleGroups) -> None:
        """Keep the groups of one part."""
        stretches = to_numpy(part.groups.column("line"))[0] // self._width
        if not len(stretches):
            return
        begins = np.flatnonzero(np.append(True, stretches[1:] != stretches[:-1]))
        for start, end in zip(begins.tolist(), [*begins[1:].tolist(), len(stretches)], strict=True):
            stretch = int(stretches[start])
            first, last = int(part.starts[start]), int(part.starts[end])
            sizes = np.diff(part.starts[start : end + 1]).astype(np.int32)
            groups = part.groups.slice(start, end - start).append_column("size", from_numpy(sizes))
            self._spill.add((GROUPS, stretch), groups)
            self._spill.add((RESULTS, stretch), part.results.slice(first, last - first))
            self._last = max(self._last, stretch)

    def each(self, besides: list[BesideValue]) -> Iterator[Segment]:
        """Yield the groups in the order of their first lines."""
        import pyarrow as pa

        for stretch in range(self._last + 1):
            groups = self._spill.batches((GROUPS, stretch))
            if groups:
                results = pa.Table.from_batches(self._spill.batches((RESULTS, stretch))).combine_chunks()
                yield Segment.of(pa.Table.from_batches(groups).combine_chunks(), results, besides)

    def close(self) -> None:
        """Let go of all."""
        self._spill.close()


@dataclass(frozen=True)
class Segment:
    """The groups of one stretch, in order, and their results."""

    groups: pa.Table
    results: pa.Table
    lines: NDArray[np.int64]
    place: NDArray[np.int64]  # of each result's group
    besides: list[BesideValue]
    _columns: dict[tuple[int, str], pa.Array] = field(default_factory=dict)
    _besides: dict[int, tuple[list[int], NDArray[np.int32]]] = field(default_factory=dict)

    @classmethod
    def of(cls, groups: pa.Table, results: pa.Table, besides: list[BesideValue]) -> Segment:
        """Put the groups of several parts in order."""
        lines = to_numpy(groups["line"].combine_chunks())[0]
        sizes = to_numpy(groups["size"].combine_chunks())[0]
        order = np.argsort(lines, kind="stable")
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return cls(groups.take(from_numpy(order)), results, lines[order], np.repeat(rank, sizes), besides)

    def person(self, name: str) -> pa.Array:
        """Return a column about the persons, or when the results were taken."""
        return self.groups[name].combine_chunks()

    @cached_property
    def _rows(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return the results analyte by analyte, and where the results of each number begin and end."""
        analytes = to_numpy(self.results["analyte"].combine_chunks())[0]
        order = np.argsort(analytes, kind="stable")
        return order, np.searchsorted(analytes[order], np.arange(int(analytes.max(initial=0)) + 2))

    def rows_of(self, analyte: int) -> NDArray[np.int64]:
        """Return the results of an analyte."""
        order, starts = self._rows
        return order[starts[analyte] : starts[analyte + 1]] if analyte + 1 < len(starts) else order[:0]

    def column(self, analyte: int, part: str) -> pa.Array:
        """Return a column of an analyte; each is made once."""
        found = self._columns.get((analyte, part))
        if found is None:
            if part == "status":
                found = empty(len(self.lines))
            else:
                found = self._values(analyte) if part == "value" else self._beside(analyte, part)
            self._columns[analyte, part] = found
        return found

    def _values(self, analyte: int) -> pa.Array:
        """Return the values of an analyte; empty where a group has none."""
        import pyarrow as pa

        rows = self.rows_of(analyte)
        coded = self.results["value"].combine_chunks().take(from_numpy(rows)).dictionary_encode()
        codes = np.zeros(len(self.lines), dtype=np.int32)
        codes[self.place[rows]] = to_numpy(coded.indices)[0] + 1
        words = pa.concat_arrays([from_texts([""]), coded.dictionary])
        if len(words) * _FEW_TIMES > len(rows) and len(words) > 1:
            return words.take(from_numpy(codes))
        return pa.DictionaryArray.from_arrays(from_numpy(codes), words)

    def _beside(self, analyte: int, part: str) -> pa.Array:
        """Return what stands beside the values of an analyte: the unit, a limit or the flag."""
        found = self._besides.get(analyte)
        if found is None:
            found = self._besides[analyte] = self._beside_each(analyte)
        used, places = found
        texts = ["", *(getattr(self.besides[one], part) for one in used)]
        words = {word: code for code, word in enumerate(dict.fromkeys(texts))}
        return dictionary(np.array([words[text] for text in texts], dtype=np.int32)[places], list(words))

    def _beside_each(self, analyte: int) -> tuple[list[int], NDArray[np.int32]]:
        """Return what stands beside the values of an analyte, and for each group which of it; 0 for nothing."""
        rows = self.rows_of(analyte)
        coded = from_numpy(to_numpy(self.results["beside"].combine_chunks())[0][rows]).dictionary_encode()
        places = np.zeros(len(self.lines), dtype=np.int32)
        places[self.place[rows]] = to_numpy(coded.indices)[0] + 1
        return coded.dictionary.to_pylist(), places

    def lines_of(self, place: int) -> list[int]:
        """Return the lines of the results of a group."""
        lines = to_numpy(self.results["line"].combine_chunks())[0]
        return sorted(lines[self.place == place].tolist())


def empty(rows: int) -> pa.Array:
    """Return a column in which nothing stands."""
    return dictionary(np.zeros(rows, dtype=np.int32), [""])


def as_texts(column: pa.Array) -> pa.StringArray:
    """Write a column without its dictionary."""
    import pyarrow as pa

    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
