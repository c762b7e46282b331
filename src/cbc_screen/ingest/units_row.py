"""A row of units under the header: what some exports have in place of units in the names."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from cbc_screen.ingest.repeated_header import WithoutRepeatedHeaders
from cbc_screen.ingest.source import SourceBatch, TableSource
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.loaded import load_knowledge, load_measures
from cbc_screen.knowledge.quantities import Factor

_FEWEST = 2  # cells that are units
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"), ("\uff08", "\uff09"), ("\uff3b", "\uff3d"), ("\u3010", "\u3011"))
_NOTHING = frozenset(("", "-", "--", "n/a", "na", "."))


def with_units(source: WithoutRepeatedHeaders) -> TableSource:
    """Return the table with its units in the names of its columns, where the row under the header holds units."""
    headers = _with_units(source.headers, source.first_cells)
    return source if headers is None else _UnitsRow(source, headers)


def _with_units(headers: Sequence[str], cells: Sequence[str]) -> list[str] | None:
    """Return names with units, or None where the cells are results.

    Every cell that holds anything must be a unit, in brackets or not, or the word that calls the row so ("Units").
    """
    found = [_bare(cell.strip()) for cell in cells]
    if len(found) != len(headers):
        return None
    known = [_is_unit(cell) for cell in found]
    others = [cell for cell, is_unit in zip(found, known, strict=True) if not is_unit]
    if sum(known) < _FEWEST:
        return None
    titles = [cell for cell in others if cell.casefold() not in _NOTHING and not _is_age_unit(cell)]
    if len(titles) > 1 or not all(map(_calls_units, titles)):
        return None
    silent = {*_NOTHING, *(title.casefold() for title in titles)}
    return [
        f"{header} ({cell})" if header and cell.casefold() not in silent and f"({cell})" not in header else header
        for header, cell in zip(headers, found, strict=True)
    ]


def _bare(text: str) -> str:
    """Return a cell without the brackets around all of it.

    >>> _bare("[g/dL]"), _bare("10*3{cells}/uL"), _bare("\uff0810^9/L\uff09")
    ('g/dL', '10*3{cells}/uL', '10^9/L')
    """
    inside = any(text.startswith(first) and text.endswith(last) for first, last in _BRACKETS)
    return text[1:-1].strip() if inside and len(text) > 1 and not _is_unit(text) else text


def _calls_units(text: str) -> bool:
    return plain_name(text) in load_knowledge().result_tables.names["unit"]


def _is_unit(text: str) -> bool:
    if not text or text.isdecimal():
        return False
    return any(isinstance(table.find(text), Factor) for table in load_measures().units.values())


def _is_age_unit(text: str) -> bool:
    return plain_name(text) in load_measures().words.age_units


class _UnitsRow:
    """A table without its row of units."""

    def __init__(self, source: TableSource, headers: list[str]) -> None:
        self._source, self.headers = source, headers
        self.unread = getattr(source, "unread", ())  # further sheets of a workbook
        self.alike = getattr(source, "alike", ())  # those with the same header

    def batches(
        self, columns: Sequence[str], plain: Container[str] = (), numbers: Container[str] = ()
    ) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches; see `SourceBatch`."""
        names = {own: self._source.headers[self.headers.index(own)] for own in columns}
        first = True
        # The row of units is no row of numbers, so that nothing is said of those.
        for batch in self._source.batches(list(names.values()), _Renamed(plain, names)):
            arrays = {own: batch.columns[name] for own, name in names.items()}
            if first and len(batch.lines):
                first = False
                arrays = {own: array.slice(1) for own, array in arrays.items()}
                yield SourceBatch(arrays, batch.lines[1:], _one_later(batch), batch.rejected, batch.share)
            else:
                yield SourceBatch(arrays, batch.lines, batch.content, batch.rejected, batch.share)


class _Renamed:
    """The names of the table for those of its columns with units."""

    def __init__(self, plain: Container[str], names: dict[str, str]) -> None:
        self._known = {name for own, name in names.items() if own in plain}

    def __contains__(self, name: object) -> bool:
        return name in self._known


def _one_later(batch: SourceBatch) -> Callable[[int], str]:
    return lambda row: batch.content(row + 1)
