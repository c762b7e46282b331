"""How tables of one result a row call their columns, in every language: the columns of each part of a result."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.world_words import MEMORY, SEEN, name_files

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

PARTS = (
    "person", "encounter", "specimen_key", "code", "name", "value", "operator", "unit", "lower", "upper", "range", "flag", "status",
    "note", "specimen", "collected_at",
)  # fmt: skip
_WORLD = ("person", "name", "value", "unit", "range", "flag", "specimen")
_SECTION = "table"
_EVERY = frozenset(("value", "note", "status"))  # of these all columns are read


@dataclass(frozen=True, eq=False)
class ResultTables:
    """The names of columns by the part of a result that they hold, the best first."""

    names: Mapping[str, tuple[str, ...]]

    def find(self, headers: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the columns of each part that are there; a column is of one part, the first that claims it.

        Of a value, of remarks and of statuses there may be several, of all else one.

        >>> from cbc_screen.knowledge import load_knowledge
        >>> load_knowledge().result_tables.find(["PatientID", "Test", "Result", "Result Text", "Units"])
        {'person': ('PatientID',), 'name': ('Test',), 'value': ('Result', 'Result Text'), 'unit': ('Units',)}
        """
        by_name: dict[str, str] = {}
        for header in headers:
            by_name.setdefault(plain_name(header), header)
        found: dict[str, tuple[str, ...]] = {}
        taken: set[str] = set()
        for part, names in self.names.items():
            free = [by_name[name] for name in names if name in by_name and by_name[name] not in taken]
            if free:
                found[part] = tuple(free) if part in _EVERY else (free[0],)
                taken.update(found[part])
        return found


def load_result_tables(node: YamlNode, root: Traversable, remarks: Collection[str]) -> ResultTables:
    """Load result_tables.yaml, and what names/ adds in other languages where only one part is meant.

    `remarks` are further columns of remarks.
    """
    node.check_keys(list(PARTS))
    own = {part: list(dict.fromkeys(map(plain_name, node.texts(part)))) for part in PARTS}
    own["note"] += sorted(set(remarks) - set(own["note"]))
    known = {name for names in own.values() for name in names}
    meant: dict[str, set[str]] = {}
    for file in name_files(root):
        if _SECTION not in file:
            continue
        section = file.node(_SECTION)
        section.check_keys([], list(_WORLD))
        for part in section:
            words = section.node(part)
            words.check_keys([], [SEEN, MEMORY])
            for way in words:
                for name in map(plain_name, words.texts(way)):
                    if name not in known:
                        meant.setdefault(name, set()).add(part)
    for name, parts in meant.items():
        if len(parts) == 1:
            own[parts.pop()].append(name)
    return ResultTables({part: tuple(names) for part, names in own.items()})
