"""The sets of reference ranges that intervals/sets.yaml lists, each read when it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib.resources.abc import Traversable

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.files import read_text, walk
from cbc_screen.knowledge.intervals import SETS, IntervalSet, SetKind, load_interval_set
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.knowledge.strict import Node


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


def load_sets(
    root: Traversable, analytes: Mapping[str, Analyte], sources: Iterable[str], findings: Iterable[str]
) -> tuple[IntervalSets, tuple[str, ...], str]:
    """Return the sets listed, the names of the default, and the finding of the Duffy-null phenotype."""
    node = parse_yaml(read_text(root, SETS), SETS)
    node.check_keys(["default", "duffy_null_finding", "sets"])
    if node.text("duffy_null_finding") not in findings:
        raise node.error("duffy_null_finding", "is not in findings.yaml")
    known = frozenset(sources)
    files = {name for name, _ in walk(root) if name.startswith("intervals/") and name.endswith(".csv")}
    loaders: dict[str, Callable[[], IntervalSet]] = {}
    for entry in node.nodes("sets"):
        entry.check_keys(["id", "kind", "title"], ["gaps"])
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
    return IntervalSets(loaders), tuple(node.texts("default")), node.text("duffy_null_finding")


def _load_set(root: Traversable, entry: Node, analytes: Mapping[str, Analyte], sources: frozenset[str]) -> IntervalSet:
    name, gaps = entry.text("id"), entry.flag("gaps")
    file = f"intervals/{name}.csv"
    rows = load_interval_set(read_text(root, file), file, analytes, sources, complete=not gaps)
    if rows[0].set != name:
        raise KnowledgeError(file, rows[0].line, "set", "must be the file's name")
    return IntervalSet(name, entry.choice("kind", SetKind), entry.text("title"), gaps, rows)
