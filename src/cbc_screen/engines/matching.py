"""Rows of two files of flags, brought together in bounded memory.

Row numbers that only rise are merged as they come. Anything else (a kept column as the key, several source files) is
parted by a digest of the key, and each part is brought together by itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy
from cbc_screen.collect.spill import Spill
from cbc_screen.comparison import Unmatched
from cbc_screen.engines.batch import ROW
from cbc_screen.engines.written_flags import WrittenFlags
from cbc_screen.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_PARTS = 64
_LONGEST_ROW = 18  # digits of a number that 64 bits hold
_BETWEEN = "\x1f"
Places = NDArray[np.intp]
_NONE: Places = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True)
class Matched:
    """Rows of both files that belong together, in the same order, and those that have no partner, by why.

    `in_order` of those together share their key with others: which of them are the same nothing but their order says.
    """

    old: pa.Table
    new: pa.Table
    only_old: dict[Unmatched, pa.Table]
    only_new: dict[Unmatched, pa.Table]
    in_order: int = 0


class OutOfOrderError(Exception):
    """Row numbers do not only rise: the rows are to be `parted`."""


def require_same_places(old: WrittenFlags, new: WrittenFlags) -> None:
    """Refuse to match by row number where one file alone says which source file a row is of: none would match."""
    if old.flags and new.flags and old.places != new.places:
        several, single = (old, new) if len(old.places) > len(new.places) else (new, old)
        raise UsageError(
            f"{several.path.name} says which source file each row is of and {single.path.name} does not, "
            "so that no row number of the one is the same as of the other: scan the same files with both, "
            "or keep a column that tells rows apart and give it as key= (--key)"
        )


def can_merge(old: WrittenFlags, new: WrittenFlags, key: str | None) -> bool:
    """Tell whether rows have one number each, as far as is known before they are read."""
    return key is None and not old.places and not new.places


def _numbers(table: pa.Table, file: WrittenFlags) -> NDArray[np.int64]:
    cells = table.column(ROW).to_pylist()
    if not all(cell.isdecimal() and len(cell) <= _LONGEST_ROW for cell in cells):
        raise UsageError(f"{file.path.name}: some rows have no number in the column {ROW!r}; compare what scan wrote")
    return np.array([int(cell) for cell in cells], dtype=np.int64)


class _Side:
    """One file, of which the rows up to a number are taken."""

    def __init__(self, file: WrittenFlags) -> None:
        self._file, self._batches = file, file.batches()
        self.table: pa.Table | None = None
        self.numbers = np.zeros(0, dtype=np.int64)
        self.ended = False
        self.more()

    def more(self) -> None:
        """Read on."""
        import pyarrow as pa

        found = next(self._batches, None)
        if found is None:
            self.ended = True
            return
        self.table = found if self.table is None else pa.concat_tables([self.table, found])
        self.numbers = np.concatenate([self.numbers, _numbers(found, self._file)])
        if (np.diff(self.numbers) < 0).any():
            raise OutOfOrderError

    def take(self, below: int | None) -> tuple[pa.Table | None, NDArray[np.int64]]:
        """Return the rows below a number (all of them for None), and let go of them."""
        count = len(self.numbers) if below is None else int(np.searchsorted(self.numbers, below))
        if self.table is None:
            return None, self.numbers
        table, numbers = self.table.slice(0, count), self.numbers[:count]
        self.table, self.numbers = self.table.slice(count), self.numbers[count:]
        return table, numbers


def merged(old: WrittenFlags, new: WrittenFlags) -> Iterator[Matched]:
    """Yield the rows of both files, each once, by their numbers; `OutOfOrderError` where these do not rise."""
    sides = _Side(old), _Side(new)
    while True:
        # Of the highest number that was read there may be more rows to come.
        open_ends = [int(side.numbers[-1]) if len(side.numbers) else -1 for side in sides if not side.ended]
        below = min(open_ends, default=None)
        (one, ones), (other, others) = (side.take(below) for side in sides)
        yield _together(one, ones, other, others)
        if below is None:
            return
        for side in sides:
            if not side.ended and (not len(side.numbers) or int(side.numbers[-1]) <= below):
                side.more()


def parted(old: WrittenFlags, new: WrittenFlags, key: str | None) -> Iterator[Matched]:
    """Yield the rows of both files, each once, by a kept column, or by source file and number."""
    with closing(Spill()) as spill:
        for side, file in enumerate((old, new)):
            for table in file.batches():
                keys = _keys(table, file, key)
                parts = np.array([zlib.crc32(text.encode()) % _PARTS for text in keys], dtype=np.int64)
                for part in np.unique(parts).tolist():
                    chosen = table.take(from_numpy(np.flatnonzero(parts == part)))
                    for batch in chosen.combine_chunks().to_batches():
                        spill.add((side, part), batch)
        for part in range(_PARTS):
            tables = [_whole(spill.take((side, part))) for side in (0, 1)]
            if key is not None:
                tables = [_by_place(table, file) for table, file in zip(tables, (old, new), strict=True)]
            keys_of = [
                np.array([] if table is None else _keys(table, file, key), dtype=object)
                for table, file in zip(tables, (old, new), strict=True)
            ]
            yield _together(tables[0], keys_of[0], tables[1], keys_of[1])


def _whole(batches: list[pa.RecordBatch]) -> pa.Table | None:
    import pyarrow as pa

    return pa.Table.from_batches(batches) if batches else None


def _by_place(table: pa.Table | None, file: WrittenFlags) -> pa.Table | None:
    """Put rows in the order of their source, in which those that share a key are taken."""
    if table is None:
        return None
    names = [np.array(table.column(name).to_pylist(), dtype=object) for name in reversed(file.places)]
    codes = [np.unique(cells, return_inverse=True)[1] for cells in names]
    order = np.lexsort([_numbers(table, file), *codes])
    return table.take(from_numpy(order)) if (np.diff(order) != 1).any() else table


def _keys(table: pa.Table, file: WrittenFlags, key: str | None) -> list[str]:
    if key is not None:
        return [str(cell) for cell in table.column(key).to_pylist()]
    _numbers(table, file)
    names = [*file.places, ROW]
    return [_BETWEEN.join(cells) for cells in zip(*(table.column(name).to_pylist() for name in names), strict=True)]


def _together(one: Any, ones: NDArray[Any], other: Any, others: NDArray[Any]) -> Matched:
    """Match rows by key; those of a key that both have equally often are taken in their order."""
    if len(ones) and ones.dtype == np.int64 and np.array_equal(ones, others) and (np.diff(ones) > 0).all():
        return Matched(one, other, {}, {})  # as nearly always; looking for each took half of the time (measured)
    first, second = _by_key(ones), _by_key(others)
    pairs: tuple[list[Places], list[Places]] = ([], [])
    left: tuple[dict[Unmatched, list[Places]], dict[Unmatched, list[Places]]] = ({}, {})
    in_order = 0
    for own, rows in first.items():
        partners = second.get(own, _NONE)
        if own != "" and len(rows) == len(partners):
            pairs[0].append(rows)
            pairs[1].append(partners)
            in_order += len(rows) if len(rows) > 1 else 0
            continue
        left[0].setdefault(_why(own, partners), []).append(rows)
    for own, rows in second.items():
        partners = first.get(own, _NONE)
        if own == "" or len(rows) != len(partners):
            left[1].setdefault(_why(own, partners), []).append(rows)
    return Matched(
        _taken(one, pairs[0]),
        _taken(other, pairs[1]),
        {why: _taken(one, rows) for why, rows in left[0].items()},
        {why: _taken(other, rows) for why, rows in left[1].items()},
        in_order,
    )


def _why(key: Any, partners: Places) -> Unmatched:
    if key == "":
        return Unmatched.NO_KEY
    return Unmatched.REPEATED if len(partners) else Unmatched.NOT_THERE


def _by_key(keys: NDArray[Any]) -> dict[Any, Places]:
    """Return the places of each key, in the order of the rows."""
    if not len(keys):
        return {}
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return dict(zip(ordered[starts].tolist(), np.split(order, starts[1:]), strict=True))


def _taken(table: Any, rows: list[Places]) -> Any:
    import pyarrow as pa

    if table is None:
        return pa.table({})
    return table.take(from_numpy(np.concatenate(rows) if rows else _NONE))
