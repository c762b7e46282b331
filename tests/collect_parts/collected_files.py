"""Files that are collected to counts, and what was collected of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.inputs import open_inputs
from cbc_screen.engines.opening import Opening
from cbc_screen.ingest.source import ReadOptions
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.declared import Declared

KNOWLEDGE = load_knowledge()
HEADER = "person,collected_at,code,value,unit"


def table(path: Path, *rows: str, header: str = HEADER) -> Path:
    """Write a table of results whose columns have the names of the fields."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@contextmanager
def collected(path: Path, notice: Callable[[float], None] | None = None) -> Iterator[CollectedSource]:
    """Collect a file; the columns of a table are the fields that its header names."""
    columns: Mapping[str, str] = {}
    if path.suffix == ".csv":
        columns = {field: field for field in path.read_text(encoding="utf-8").splitlines()[0].split(",")}
    with ExitStack() as undo:
        opening = Opening(KNOWLEDGE, Declared(), ReadOptions(), columns)
        (entry,) = open_inputs([str(path)], None, undo, opening, notice=notice)
        assert isinstance(entry.source, CollectedSource)
        yield entry.source


def in_columns(source: CollectedSource) -> int | None:
    """Return how many counts were collected in columns; None where all went the careful way."""
    return source._columns.groups if source._columns is not None else None


def cells_of(source: CollectedSource, *names: str) -> list[tuple[str, ...]]:
    """Return some columns of every count."""
    found: list[tuple[str, ...]] = []
    for batch in source.batches(names):
        found += zip(*(batch.columns[name].to_pylist() for name in names), strict=True)
    return found
