"""Groups of results of one person and moment: which are simple, and whose rows go the careful way.

A group is simple where each analyte has one result, and nothing is doubtful in any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, from_texts, to_numpy
from cbc_screen.collect.digits import as_written
from cbc_screen.collect.moments import written
from cbc_screen.collect.persons import FACTS, join, persons_of
from cbc_screen.ingest.texts import taken
from cbc_screen.normalize.gathered import PeopleBeside

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ANALYTES = 62  # as many fit in the bits of a number


@dataclass
class FoundGroups:
    """What the parts of a table hold together."""

    people: PeopleBeside = field(default_factory=PeopleBeside)
    groups: int = 0
    of_one: int = 0  # groups of a single result
    several: bool = False  # some person has results of several analytes
    results: dict[tuple[int, int], int] = field(default_factory=dict)  # of simple groups, by analyte and what is beside


@dataclass(frozen=True, slots=True)
class SimpleGroups:
    """The simple groups of a part, in the order of their first rows, and their results, group by group."""

    groups: pa.RecordBatch
    results: pa.RecordBatch
    starts: NDArray[np.int64]  # of each group among the results, and the end


@dataclass(frozen=True, slots=True)
class Careful:
    """The rows that go the careful way, and what is known of their persons."""

    lines: NDArray[np.int64]
    persons: list[tuple[str, str, str, str]]


@dataclass(frozen=True, slots=True)
class Marked:
    """Rows of which something is known that was said apart from them, by their lines; a bit for each line.

    `doubtful` go the careful way; `gone` are no results of a count.
    """

    doubtful: NDArray[np.uint8]
    gone: NDArray[np.uint8]


def marked(marks: NDArray[np.uint8], lines: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which lines are marked."""
    found: NDArray[np.bool_] = (marks[lines >> 3] >> (lines & 7).astype(np.uint8) & 1).astype(np.bool_)
    return found


def mark(marks: NDArray[np.uint8], lines: NDArray[np.int64]) -> None:
    """Mark lines."""
    np.bitwise_or.at(marks, lines >> 3, np.left_shift(1, lines & 7).astype(np.uint8))


def group(
    table: pa.Table,
    facts: list[pa.RecordBatch],
    found: FoundGroups,
    beside: Sequence[str] = (),
    marks: Marked | None = None,
) -> tuple[SimpleGroups, Careful]:
    """Part the rows of some persons into simple groups and those that go the careful way.

    `beside` are columns of numbers of which a group has that of its first row.
    """
    table = table.combine_chunks()
    columns = {name: _numbers(table, name) for name in ("line", "moment", "form", "analyte", "doubtful")}
    gone = np.zeros(len(table), dtype=np.bool_)
    if marks is not None:
        columns["doubtful"] = columns["doubtful"] | marked(marks.doubtful, columns["line"])
        gone = marked(marks.gone, columns["line"])
    persons, names = _persons(table)
    known, odd = join(names, facts)
    order, starts = _in_groups(persons, columns["moment"])
    sizes = np.diff(np.append(starts, len(order)))
    of_group = persons[order][starts]
    careful = np.logical_or.reduceat(columns["doubtful"][order] != 0, starts)
    careful |= _repeats(columns["analyte"][order], starts, sizes) | odd[of_group]
    counted = np.flatnonzero((columns["analyte"] >= 0) & ~odd[persons] & ~gone)
    found.several = found.several or _several(persons[counted], columns["analyte"][counted], len(names))
    rows_careful = order[np.repeat(careful, sizes)]
    _count_people(found.people, of_group, careful, known, names)
    told = Careful(columns["line"][rows_careful], _told(np.unique(of_group[careful]), names, known))
    simple = np.flatnonzero(~careful)
    found.groups += len(simple)
    found.of_one += int((sizes[simple] == 1).sum())
    first = order[starts[simple]]
    own = {
        "line": from_numpy(columns["line"][first]),
        "at": written(
            columns["moment"][first], columns["form"][first], table["at"].combine_chunks().take(from_numpy(first))
        ),
        **{name: texts.take(from_numpy(persons[first])) for name, texts in {"person": names, **known}.items()},
        **{name: from_numpy(_numbers(table, name)[first]) for name in beside},
    }
    part = _part(own, table, order, starts[simple], sizes[simple])
    _count_results(found, part.results)
    return part, told


def _numbers(table: pa.Table, name: str) -> NDArray[Any]:
    return to_numpy(table[name].combine_chunks())[0]


def _in_groups(persons: NDArray[np.int64], moments: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows group by group, in the order in which groups and rows came, and where each group begins."""
    coded = from_numpy(moments).dictionary_encode()
    key = persons * len(coded.dictionary) + to_numpy(coded.indices)[0]
    groups = to_numpy(from_numpy(key).dictionary_encode().indices)[0]  # numbered as they first come
    order = _sorted(groups)
    own = groups[order]
    starts = np.flatnonzero(np.append(True, own[1:] != own[:-1]))
    return order, starts


def _sorted(numbers: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the order of numbers that are not negative, equal ones as they came.

    By halves: numpy sorts numbers of 16 bits by their digits, five times as fast.
    """
    order = np.argsort((numbers & 0xFFFF).astype(np.uint16), kind="stable")
    if int(numbers.max(initial=0)) >> 16:
        order = order[np.argsort((numbers[order] >> 16).astype(np.uint16), kind="stable")]
    return order


def _repeats(analytes: NDArray[np.int16], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which groups have an analyte more than once, or a row of none."""
    bits = np.left_shift(np.int64(1), np.maximum(analytes, 0).astype(np.int64))
    same = np.add.reduceat(bits, starts) == np.bitwise_or.reduceat(bits, starts)
    # More results than analytes could overflow the sum.
    found: NDArray[np.bool_] = ~same | (sizes > MOST_ANALYTES) | np.logical_or.reduceat(analytes < 0, starts)
    return found


def _several(persons: NDArray[np.int64], analytes: NDArray[np.int16], many: int) -> bool:
    """Tell whether some person has results of several analytes."""
    some = np.zeros(many, dtype=np.int16)
    some[persons] = analytes
    return bool((some[persons] != analytes).any())


def _count_people(
    people: PeopleBeside,
    of_group: NDArray[np.int64],
    careful: NDArray[np.bool_],
    known: dict[str, pa.StringArray],
    names: pa.StringArray,
) -> None:
    """Count the persons of simple groups, and note those that have other groups too."""
    import pyarrow.compute as pc

    own = np.unique(of_group[~careful])
    people.every += len(own)
    tells = np.zeros(len(names), dtype=np.bool_)
    for texts in known.values():
        tells |= to_numpy(pc.binary_length(texts))[0] > 0
    people.known += int(tells[own].sum())
    both = own[np.isin(own, of_group[careful])]
    people.maybe_here += names.take(from_numpy(both)).to_pylist()


def _told(
    persons: NDArray[np.int64], names: pa.StringArray, known: dict[str, pa.StringArray]
) -> list[tuple[str, str, str, str]]:
    places = from_numpy(persons)
    told = [texts.take(places).to_pylist() for texts in (names, *(known[name] for name in FACTS))]
    return list(zip(*told, strict=True))


def _persons(table: pa.Table) -> tuple[NDArray[np.int64], pa.StringArray]:
    """Return the number of each row's person among those of the table, and their keys."""
    import pyarrow.compute as pc

    if pc.max(pc.binary_length(table["text"])).as_py():
        coded = persons_of(table).dictionary_encode()
        return to_numpy(coded.indices)[0].astype(np.int64), coded.dictionary
    coded = table["number"].combine_chunks().dictionary_encode()
    keys = as_written(coded.dictionary, from_texts([""] * len(coded.dictionary)))
    return to_numpy(coded.indices)[0].astype(np.int64), keys


def _part(
    groups: dict[str, pa.Array],
    table: pa.Table,
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> SimpleGroups:
    import pyarrow as pa

    ends = np.append(0, np.cumsum(sizes))
    inside = np.arange(ends[-1]) - np.repeat(ends[:-1], sizes)
    rows = order[np.repeat(starts, sizes) + inside]
    results = {
        "value": taken(table["value"].combine_chunks(), rows),
        **{name: from_numpy(_numbers(table, name)[rows]) for name in ("line", "analyte", "beside")},
    }
    return SimpleGroups(
        pa.RecordBatch.from_arrays(list(groups.values()), names=list(groups)),
        pa.RecordBatch.from_arrays(list(results.values()), names=list(results)),
        ends,
    )


def _count_results(found: FoundGroups, results: pa.RecordBatch) -> None:
    """Count the results of simple groups by analyte and what stands beside them."""
    key = to_numpy(results.column("analyte"))[0].astype(np.int64) << 32 | to_numpy(results.column("beside"))[0]
    coded = from_numpy(key).dictionary_encode()
    times = np.bincount(to_numpy(coded.indices)[0], minlength=len(coded.dictionary))
    for one, many in zip(coded.dictionary.to_pylist(), times.tolist(), strict=True):
        which = (one >> 32, one & 0xFFFFFFFF)
        found.results[which] = found.results.get(which, 0) + many
