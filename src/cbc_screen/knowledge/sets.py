"""The sets of reference ranges that intervals/sets.yaml lists, each read when it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources.abc import Traversable

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.edges import AgeEdge, approximate_days, read_edge
from cbc_screen.knowledge.files import read_text, walk
from cbc_screen.knowledge.intervals import SETS, IntervalRow, IntervalSet, SetKind, load_interval_set
from cbc_screen.knowledge.parse import parse_table
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.knowledge.strict import YamlNode


class IntervalSets(Mapping[str, IntervalSet]):
    """Sets by name. One is read and checked when it is first asked for: most screens use two of them."""

    def __init__(self, loaders: Mapping[str, Callable[[], IntervalSet]]) -> None:
        self._loaders = loaders
        self._loaded: dict[str, IntervalSet] = {}

    def __getitem__(self, name: str) -> IntervalSet:
        if name not in self._loaded:
            self._loaded[name] = self._loaders[name]()
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._loaders

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)


@dataclass(frozen=True, slots=True)
class DefaultRanges:
    """What ranges="default" stands for: rows laid over sets, and rows of equal grade that are tried beside them."""

    sets: tuple[str, ...]
    closer: tuple[IntervalRow, ...]
    differing: tuple[IntervalRow, ...]


def load_sets(
    root: Traversable, analytes: Mapping[str, Analyte], sources: Iterable[str], findings: Iterable[str]
) -> tuple[IntervalSets, DefaultRanges, str]:
    """Return the sets listed, the default, and the finding of the Duffy-null phenotype."""
    node = parse_table(read_text(root, SETS), SETS)
    node.check_keys(["default", "closer", "differing", "duffy_null_finding", "sets"])
    if node.text("duffy_null_finding") not in findings:
        raise node.error("duffy_null_finding", "is not in findings.yaml")
    known = frozenset(sources)
    files = {name for name, _ in walk(root) if name.startswith("intervals/") and name.endswith(".csv")}
    loaders: dict[str, Callable[[], IntervalSet]] = {}
    for entry in node.nodes("sets"):
        entry.check_keys(["id", "kind", "title"], ["gaps", "not_compared"])
        name = entry.text("id")
        if name in loaders:
            raise entry.error("id", "is given twice")
        if f"intervals/{name}.csv" not in files:
            raise entry.error("id", f"intervals/{name}.csv does not exist")
        entry.choice("kind", SetKind), entry.text("title"), entry.flag("gaps")
        loaders[name] = partial(_load_set, root, entry, analytes, known)
    for name in sorted(files - {f"intervals/{name}.csv" for name in loaders}):
        raise node.error("sets", f"{name} is not listed")
    for name in node.texts("default"):
        if name not in loaders:
            raise node.error("default", f"{name} is not one of the sets")
    sets = IntervalSets(loaders)
    laid = [tuple(row for entry in node.nodes(key) for row in _between(entry, sets)) for key in ("closer", "differing")]
    return sets, DefaultRanges(tuple(node.texts("default")), *laid), node.text("duffy_null_finding")


def _between(entry: YamlNode, sets: IntervalSets) -> list[IntervalRow]:
    """Return the rows of one analyte of a set between two ages."""
    entry.check_keys(["analyte", "set", "from", "to"])
    if entry.text("set") not in sets:
        raise entry.error("set", "is not one of the sets")
    start, end = read_edge(entry.node("from"), "value"), read_edge(entry.node("to"), "value")
    rows = [row for row in sets[entry.text("set")].rows if row.analyte == entry.text("analyte")]
    found = [part for row in rows if row.pregnancy == "none" and (part := _clipped(row, start, end)) is not None]
    if not found:
        raise entry.error("set", "has no row of this analyte between these ages")
    return found


def _clipped(row: IntervalRow, start: AgeEdge, end: AgeEdge | None) -> IntervalRow | None:
    low = max(row.age_low, start, key=approximate_days)
    ends = [edge for edge in (row.age_high, end) if edge is not None]
    high = min(ends, key=approximate_days) if ends else None
    if (low, high) == (row.age_low, row.age_high):
        return row
    if high is not None and approximate_days(low) >= approximate_days(high):
        return None
    text = (
        f"{low.count} {low.unit} and over"
        if high is None
        else f"{low.count} {low.unit} to under {high.count} {high.unit}"
    )
    return replace(row, age_low=low, age_high=high, age_text=text)


def outside(rows: Iterable[IntervalRow], closer: Sequence[IntervalRow]) -> tuple[IntervalRow, ...]:
    """Return rows without the ages at which closer rows are laid over them."""
    left = list(rows)
    for laid in closer:
        left = [part for row in left for part in _without(row, laid)]
    return tuple(left)


def _without(row: IntervalRow, laid: IntervalRow) -> list[IntervalRow]:
    """Return what comes before and what comes after another row."""
    if (row.analyte, row.pregnancy) != (laid.analyte, laid.pregnancy):
        return [row]
    after = None if laid.age_high is None else _clipped(row, laid.age_high, None)
    return [part for part in (_clipped(row, row.age_low, laid.age_low), after) if part is not None]


def _load_set(
    root: Traversable, entry: YamlNode, analytes: Mapping[str, Analyte], sources: frozenset[str]
) -> IntervalSet:
    name, gaps = entry.text("id"), entry.flag("gaps")
    file = f"intervals/{name}.csv"
    rows = load_interval_set(read_text(root, file), file, analytes, sources, complete=not gaps)
    if rows[0].set != name:
        raise KnowledgeError(file, rows[0].line, "set", "must be the file's name")
    for row in rows:
        if not row.locator.strip():
            raise KnowledgeError(file, row.line, "locator", "must say where in the source the row was read")
    if (entry.choice("kind", SetKind) is SetKind.PRETERM) != (rows[0].gestation is not None):
        raise entry.error("kind", "preterm is for a set with weeks of gestation, and only for such")
    compared = "not_compared" not in entry or not entry.text("not_compared")
    return IntervalSet(name, entry.choice("kind", SetKind), entry.text("title"), gaps, rows, compared)
