"""Simple groups are kept by stretches of lines, and come back in the order of their first lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from cbc_screen.arrays import from_numpy, from_texts
from cbc_screen.collect import simple_groups
from cbc_screen.collect.besides import BesideValue
from cbc_screen.collect.grouping import SimpleGroups
from cbc_screen.collect.mixed import Mixed, Piece, mixed
from cbc_screen.collect.simple_groups import Segment, Segments, as_texts
from cbc_screen.ingest.results import StatedPerson
from cbc_screen.normalize.gathered import CollectedCount
from cbc_screen.vocabulary import Presence

BESIDES = [BesideValue("g/dL", "", "", "")]


def part_of(groups: Sequence[tuple[int, Sequence[str]]]) -> SimpleGroups:
    """Make groups of first lines and values: the results of a group follow each other, and their analytes are 0, 1, ..."""
    lines = np.array([line for line, _ in groups], dtype=np.int64)
    each = [(line + n, n, value) for line, values in groups for n, value in enumerate(values)]
    results = {
        "value": from_texts([value for _, _, value in each]),
        "line": from_numpy(np.array([line for line, _, _ in each], dtype=np.int64)),
        "analyte": from_numpy(np.array([analyte for _, analyte, _ in each], dtype=np.int16)),
        "beside": from_numpy(np.zeros(len(each), dtype=np.int32)),
    }
    starts = np.append(0, np.cumsum([len(values) for _, values in groups])).astype(np.int64)
    return SimpleGroups(
        pa.RecordBatch.from_arrays([from_numpy(lines)], names=["line"]),
        pa.RecordBatch.from_arrays(list(results.values()), names=list(results)),
        starts,
    )


def segments_of(monkeypatch: pytest.MonkeyPatch, *parts: Sequence[tuple[int, Sequence[str]]]) -> list[Segment]:
    """Keep parts in stretches of five lines: 10 lines, 20 results, of which a stretch has 10."""
    monkeypatch.setattr(simple_groups, "SEGMENT_RESULTS", 10)
    segments = Segments(10, 20)
    for part in parts:
        segments.add(part_of(part))
    return list(segments.each(BESIDES))


def count_of(line: int) -> CollectedCount:
    return CollectedCount(0, line, StatedPerson("", "", "", ""), "", {}, Presence.UNKNOWN, False, "")


def test_a_part_is_kept_by_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    found = segments_of(monkeypatch, [(1, ["9"]), (3, ["8", "250"]), (6, ["7"]), (16, ["6", "251"])])
    assert [segment.lines.tolist() for segment in found] == [[1, 3], [6], [16]]
    assert [segment.results["value"].to_pylist() for segment in found] == [["9", "8", "250"], ["7"], ["6", "251"]]


def test_several_parts_of_a_stretch_are_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = segments_of(monkeypatch, [(2, ["8", "250"]), (4, ["6"])], [(1, ["9"])])
    assert found.lines.tolist() == [1, 2, 4]
    assert as_texts(found.column(0, "value")).to_pylist() == ["9", "8", "6"]
    assert as_texts(found.column(1, "value")).to_pylist() == ["", "250", ""]


def test_no_groups_are_no_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert segments_of(monkeypatch, []) == []


def test_one_value_of_many_groups_is_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simple_groups, "SEGMENT_RESULTS", 1 << 18)
    segments = Segments(10, 10)
    segments.add(part_of([(line, ["9.1"]) for line in range(1, 7)]))
    (found,) = segments.each(BESIDES)
    column = found.column(0, "value")
    assert isinstance(column, pa.DictionaryArray)
    assert column.dictionary.to_pylist() == ["", "9.1"]
    assert column.to_pylist() == ["9.1"] * 6


def test_different_values_are_kept_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = segments_of(monkeypatch, [(1, ["9.1"]), (2, ["9.2"])])
    column = found.column(0, "value")
    assert isinstance(column, pa.StringArray)
    assert column.to_pylist() == ["9.1", "9.2"]


def test_a_count_in_columns_is_told_by_the_lines_of_its_results(monkeypatch: pytest.MonkeyPatch) -> None:
    (segment,) = segments_of(monkeypatch, [(1, ["9", "250"]), (3, ["8"])])
    alone = Mixed(Piece(segment, 0, 2), [])
    assert [alone.which(0), alone.which(1)] == [[1, 2], [3]]


def test_counts_of_both_ways_stand_in_the_order_of_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    (segment,) = segments_of(monkeypatch, [(1, ["9"]), (3, ["8"])])
    other = count_of(2)
    both = Mixed(Piece(segment, 0, 2), [(2, other)])
    assert [both.which(row) for row in range(3)] == [[1], other, [3]]
    assert both.lines().tolist() == [1, 2, 3]


def test_nothing_is_one_part_without_counts() -> None:
    assert list(mixed(iter(()), iter(()), 5)) == [Mixed(None, [])]


def test_something_is_given_without_an_empty_part(monkeypatch: pytest.MonkeyPatch) -> None:
    segments = segments_of(monkeypatch, [(1, ["9"]), (3, ["8"])])
    other = count_of(9)
    assert [len(part) for part in mixed(iter(segments), iter(()), 5)] == [2]
    assert list(mixed(iter(()), iter([(9, other)]), 5)) == [Mixed(None, [(9, other)])]
