"""What changed between two files of flags, counted as their rows are brought together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, to_numpy
from cbc_screen.comparison import NO_ROW, Comparison, Example, FlagsVersion, Transition, Unmatched
from cbc_screen.engines.batch import ROW
from cbc_screen.engines.matching import Matched, OutOfOrderError, can_merge, merged, parted, require_same_places
from cbc_screen.engines.reject_reasons import RejectReasons
from cbc_screen.engines.seriousness import FIRST_CONDITION, WORDS, drop, seriousness
from cbc_screen.engines.written_flags import WrittenFlags
from cbc_screen.errors import CBCScreenError, UsageError, one_line_errors
from cbc_screen.report.checklist import SEPARATOR

if TYPE_CHECKING:
    import pyarrow as pa

Codes = NDArray[np.int64]
_MOST_REASONS = 5  # of a transition
# A row that one file alone has loses, or brings, these answers with it.
_WHOLE_ROW = ("red_line", "white_line", "platelet_line", "pattern", "urgency")
_REASONS = "reasons"


@dataclass
class _Found:
    """One transition as it is counted."""

    rows: int = 0
    came: Counter[str] = field(default_factory=Counter)
    went: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)


@dataclass
class _Tally:
    """What was counted so far."""

    examples: int
    places: list[str]
    columns: list[str]
    matched: int = 0
    in_order: int = 0
    changed: int = 0
    by_column: Counter[str] = field(default_factory=Counter)
    came: Counter[str] = field(default_factory=Counter)
    went: Counter[str] = field(default_factory=Counter)
    only_old: Counter[str] = field(default_factory=Counter)
    only_new: Counter[str] = field(default_factory=Counter)
    transitions: dict[tuple[str, str, str], _Found] = field(default_factory=dict)

    def add(self, found: Matched, rejected: tuple[RejectReasons, RejectReasons]) -> None:
        """Count some rows."""
        self.in_order += found.in_order
        if found.old.num_rows:
            self._pairs(found.old, found.new)
        for why, table in found.only_old.items():
            self._alone(table, why, rejected[1], self.only_old, old=True)
        for why, table in found.only_new.items():
            self._alone(table, why, rejected[0], self.only_new, old=False)

    def _pairs(self, old: pa.Table, new: pa.Table) -> None:
        self.matched += old.num_rows
        differs = {}
        for name in self.columns:
            codes = _codes(old.column(name), new.column(name))
            different = codes[0] != codes[1]
            if different.any():
                differs[name] = np.flatnonzero(different)
                self.by_column[name] += len(differs[name])
        if not differs:
            return
        some = np.unique(np.concatenate(list(differs.values())))
        self.changed += len(some)
        old, new = (table.take(from_numpy(some)) for table in (old, new))
        reasons = _ReasonChanges(old, new)
        reasons.count(np.arange(len(some)), self.came, self.went)
        for name in WORDS:
            cells = [_words(table, name) for table in (old, new)]
            if None not in cells:
                self._transitions(name, cells[0] or [], cells[1] or [], old, new, reasons)

    def _transitions(
        self, name: str, before: list[str], after: list[str], old: pa.Table, new: pa.Table, reasons: _ReasonChanges
    ) -> None:
        rows: dict[tuple[str, str], list[int]] = {}
        for row, pair in enumerate(zip(before, after, strict=True)):
            if pair[0] != pair[1]:
                rows.setdefault(pair, []).append(row)
        if name == FIRST_CONDITION and rows:
            self.by_column[name] += sum(map(len, rows.values()))
        for (one, other), own in rows.items():
            found = self.transitions.setdefault((name, one, other), _Found())
            found.rows += len(own)
            reasons.count(np.array(own), found.came, found.went)
            for row in own[: max(0, self.examples - len(found.examples))]:
                found.examples.append(Example(self._place(old, row), self._place(new, row)))

    def _alone(
        self, table: pa.Table, why: Unmatched, rejected: RejectReasons, counts: Counter[str], *, old: bool
    ) -> None:
        """Count rows without a partner, by why, and the flags that go or come with them."""
        named = [table.column(name).to_pylist() for name in (*self.places, ROW) if name in table.column_names]
        places = [":".join(filter(None, cells)) for cells in zip(*named, strict=True)]
        for place in places:
            counts[(rejected.of(place) if why is Unmatched.NOT_THERE else None) or why.value] += 1
        for name in _WHOLE_ROW:
            for row, word in enumerate(_words(table, name) or []):
                if not drop(name, word, NO_ROW):
                    continue
                found = self.transitions.setdefault((name, word, NO_ROW) if old else (name, NO_ROW, word), _Found())
                found.rows += 1
                if len(found.examples) < self.examples:
                    found.examples.append(Example(*((places[row], None) if old else (None, places[row]))))

    def _place(self, table: pa.Table, row: int) -> str:
        names = [name for name in self.places if name in table.column_names]
        return ":".join(filter(None, (table.column(name)[row].as_py() for name in (*names, ROW))))

    def listed(self) -> tuple[Transition, ...]:
        """Return the transitions, the most serious first."""
        found = [
            Transition(
                name, old, new, seriousness(name, old, new), own.rows,
                dict(own.came.most_common(_MOST_REASONS)), dict(own.went.most_common(_MOST_REASONS)),
                tuple(own.examples),
            )
            for (name, old, new), own in self.transitions.items()
        ]  # fmt: skip
        ranks, columns = list(type(found[0].seriousness)) if found else [], list(WORDS)

        def place(one: Transition) -> tuple[Any, ...]:
            column = columns.index(one.column)
            return (
                ranks.index(one.seriousness),
                column,
                -drop(one.column, one.old, one.new),
                -one.rows,
                one.old,
                one.new,
            )

        return tuple(sorted(found, key=place))


class _ReasonChanges:
    """The reasons that came and went, of rows that changed; none where a file does not have the column."""

    def __init__(self, old: pa.Table, new: pa.Table) -> None:
        cells = [table.column(_REASONS).to_pylist() for table in (old, new) if _REASONS in table.column_names]
        pairs = list(zip(*cells, strict=True)) if len(cells) == 2 else [("", "")] * old.num_rows
        known = {pair: code for code, pair in enumerate(dict.fromkeys(pairs))}
        self._codes = np.array([known[pair] for pair in pairs], dtype=np.int64)
        self._changes = [_reasons_changed(*pair) for pair in known]

    def count(self, rows: NDArray[Any], came: Counter[str], went: Counter[str]) -> None:
        """Add the reasons of some rows."""
        codes, many = np.unique(self._codes[rows], return_counts=True)
        for code, rows_of_it in zip(codes.tolist(), many.tolist(), strict=True):
            for counter, reasons in zip((came, went), self._changes[code], strict=True):
                for reason in reasons:
                    counter[reason] += rows_of_it


@lru_cache(maxsize=4_096)
def _reasons_changed(old: str, new: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    before, after = (dict.fromkeys(filter(None, text.split(SEPARATOR))) for text in (old, new))
    return tuple(name for name in after if name not in before), tuple(name for name in before if name not in after)


def _codes(old: pa.ChunkedArray, new: pa.ChunkedArray) -> tuple[Codes, Codes]:
    """Return equal numbers for equal texts."""
    import pyarrow as pa

    together = pa.chunked_array([*old.chunks, *new.chunks], type=pa.string()).combine_chunks()
    codes, _ = to_numpy(together.dictionary_encode().indices)
    return codes[: len(old)].astype(np.int64), codes[len(old) :].astype(np.int64)


def _words(table: pa.Table, name: str) -> list[str] | None:
    """Return the words of a column; the first condition is that of the list. None where there is no such column."""
    column = "checklist" if name == FIRST_CONDITION else name
    if column not in table.column_names:
        return None
    cells: list[str] = table.column(column).to_pylist()
    return [cell.split(SEPARATOR, 1)[0] for cell in cells] if name == FIRST_CONDITION else cells


@one_line_errors("the comparison")
def compare_flags(
    old: Path,
    new: Path,
    *,
    key: str | None = None,
    examples: int = 5,
    rejects: tuple[Path | None, Path | None] = (None, None),
) -> Comparison:
    """Compare two files of flags; see `cbc_screen.compare`."""
    if examples < 0:
        raise UsageError("examples: give 0 or more")
    files = WrittenFlags(old, key), WrittenFlags(new, key)
    if key is None:
        require_same_places(*files)
    rejected = RejectReasons(rejects[0]), RejectReasons(rejects[1])
    try:
        tally = _counted(files, key, rejected, examples, merge=can_merge(*files, key))
    except OutOfOrderError:
        tally = _counted(files, key, rejected, examples, merge=False)
    for file, only in zip(files, (tally.only_old, tally.only_new), strict=True):
        if file.rows != tally.matched + only.total():
            raise CBCScreenError("rows read are not rows matched plus rows without a partner; please report this")
    return _comparison(files, key, tally)


def _counted(
    files: tuple[WrittenFlags, WrittenFlags],
    key: str | None,
    rejected: tuple[RejectReasons, RejectReasons],
    examples: int,
    *,
    merge: bool,
) -> _Tally:
    old, new = files
    both = [name for name in old.flags if name in new.flags]
    tally = _Tally(examples, list(dict.fromkeys([*old.places, *new.places])), both)
    rows: Iterable[Matched] = merged(old, new) if merge else parted(old, new, key)
    for found in rows:
        tally.add(found, rejected)
    return tally


def _comparison(files: tuple[WrittenFlags, WrittenFlags], key: str | None, tally: _Tally) -> Comparison:
    old, new = files
    known = bool(old.flags and new.flags)  # an empty NDJSON file names no column
    versions = [FlagsVersion(file=file.path.name, rows=file.rows, **file.described) for file in files]
    order = [*tally.columns, FIRST_CONDITION]
    return Comparison(
        old=versions[0],
        new=versions[1],
        key=key if key is not None else ", ".join([*tally.places, ROW]),
        matched=tally.matched,
        in_order=tally.in_order,
        changed=tally.changed,
        only_old=dict(tally.only_old.most_common()),
        only_new=dict(tally.only_new.most_common()),
        columns=_in_order(tally.by_column, order),
        came=dict(tally.came.most_common()),
        went=dict(tally.went.most_common()),
        transitions=tally.listed(),
        columns_only_old=tuple(name for name in old.flags if known and name not in new.flags),
        columns_only_new=tuple(name for name in new.flags if known and name not in old.flags),
        columns_in_neither=tuple(
            name for name in (*_WHOLE_ROW, _REASONS) if known and name not in {*old.flags, *new.flags}
        ),
    )


def _in_order(counts: Mapping[str, int], order: list[str]) -> dict[str, int]:
    return {name: counts[name] for name in order if counts.get(name)}
