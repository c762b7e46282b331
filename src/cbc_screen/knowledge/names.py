"""Names of analytes and of columns about the person in the languages of the world: names/<language>.yaml.

A name that stood in a public file is read, unless it means different things in different languages; one that is known
from memory only is read where nothing contradicts it: no name that was seen, none of another language, no false friend.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.friends import Friends
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.knowledge.world_words import FOLDER, MEMORY, SEEN, name_files

_SECTIONS = ("analytes", "count_or_percent", "people")
_WORDS = ("age_units", "units", "months", "result_words", "table")  # read apart: world_words.py, result_tables.py
_NOT_ALONE = "not_alone"
# Shorter words that only a memory knows stand for too much else ("ur").
_SHORTEST = 5
Meant = frozenset[str]  # one analyte, a count and its percentage, or a field of the person


@dataclass(frozen=True, slots=True)
class WorldNames:
    """What folded names mean in whatever language; `contested` are those on which languages differ."""

    analytes: Mapping[str, Meant]
    people: Mapping[str, str]
    contested: Mapping[str, Meant]


def load_names(
    root: Traversable,
    analytes: Mapping[str, Analyte],
    friends: Friends,
    columns: Mapping[str, tuple[str, ...]],
    sources: Container[str],
) -> WorldNames:
    """Load the names of every language; what the other tables know already stays as it is there."""
    seen: dict[str, set[Meant]] = {}
    memory: dict[str, set[Meant]] = {}
    for name, meant, was_seen in _names(root, analytes, columns, sources):
        (seen if was_seen else memory).setdefault(name, set()).add(meant)
    pairs = {frozenset({analyte.id, analyte.percent}) for analyte in analytes.values() if analyte.percent is not None}
    for word, meant in friends.agreeing.items():
        if len(word) > 1 and (len(meant) == 1 or meant in pairs):
            memory.setdefault(word, set()).add(meant)
    known = {name for analyte in analytes.values() for name in analyte.names} | friends.names.keys()
    known |= {name for names in columns.values() for name in names}
    agreed: dict[str, Meant] = {}
    # What is also the name of another thing may be of the analyte where nothing else is.
    not_alone = {plain_name(name) for node in name_files(root) for name in node.texts(_NOT_ALONE)} - known
    contested = {
        name: widest
        for name in sorted(not_alone)
        if (widest := frozenset[str]().union(*seen.get(name, ()), *memory.get(name, ()))) and widest <= analytes.keys()
    }
    known |= not_alone
    for ways, read in ((seen, seen.keys() - known), (memory, memory.keys() - known - seen.keys())):
        for name in sorted(read):
            if ways is seen or friends.refuses(name) is None:
                widest = frozenset[str]().union(*ways[name])
                # A count and its percentage under one name are told apart by the unit.
                (agreed if widest in ways[name] or widest in pairs else contested)[name] = widest
    return WorldNames(
        analytes={name: meant for name, meant in agreed.items() if meant <= analytes.keys()},
        people={name: min(meant) for name, meant in agreed.items() if not meant <= analytes.keys()},
        contested=contested,
    )


def _names(
    root: Traversable, analytes: Mapping[str, Analyte], columns: Mapping[str, tuple[str, ...]], sources: Container[str]
) -> Iterator[tuple[str, Meant, bool]]:
    for node in name_files(root):
        node.check_keys(["language", "source"], [*_SECTIONS, *_WORDS, _NOT_ALONE])
        if node.file != f"{FOLDER}{node.text('language')}.yaml":
            raise node.error("language", "must be the file's name")
        if node.text("source") not in sources:
            raise node.error("source", "is not in sources.csv")
        for section in _SECTIONS:
            if section in node:
                yield from _section(node.node(section), section, analytes, columns)


def _section(
    node: YamlNode, section: str, analytes: Mapping[str, Analyte], columns: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, Meant, bool]]:
    for key in node:
        meant = frozenset({key})
        known: Container[str] = columns if section == "people" else analytes
        if key not in known:
            raise node.error(key, "is none that a name can be of")
        if section == "count_or_percent":
            percent = analytes[key].percent
            if percent is None:
                raise node.error(key, "has no percentage")
            meant |= {percent}
        own = node.node(key)
        own.check_keys([], [SEEN, MEMORY])
        for way in (SEEN, MEMORY):
            for text in own.texts(way):
                name = plain_name(text)
                if way == MEMORY and section == "people" and name.isascii() and len(name) < _SHORTEST:
                    continue
                if len(name) < 2:
                    raise own.error(way, f"{text!r} has fewer than two letters")
                yield name, meant, way == SEEN
