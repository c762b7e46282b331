"""Words of the world's exports besides names: spellings of units, months, words in place of a result.

They stand in names/<language>.yaml. A word that two languages read differently is read in neither.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from cbc_screen.knowledge.files import read_text, walk
from cbc_screen.knowledge.fold import fold_word, plain_name

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from cbc_screen.knowledge.strict import YamlNode

FOLDER = "names/"
SEEN, MEMORY = "seen", "memory"
RESULT_WORDS = ("clotted", "clumped", "hemolyzed", "insufficient", "not_done", "pending", "see_comment")
_MONTHS = {str(month): month for month in range(1, 13)}
AGE_UNITS = ("y", "mo", "wk", "d")
_SHORTEST = {"age_units": 3, "months": 3, "result_words": 3}
Meaning = TypeVar("Meaning")


@dataclass(frozen=True)
class WorldWords:
    """What spellings and folded words mean, in whatever language."""

    units: Mapping[str, str]  # a spelling, and the one by which the unit tables know it
    months: Mapping[str, int]
    age_units: Mapping[str, str]  # y, mo, wk, d
    results: Mapping[str, str]  # upper case, as in a cell; one of RESULT_WORDS


def name_files(root: Traversable) -> list[YamlNode]:
    """Return the files of names, one a language."""
    from cbc_screen.knowledge.parse import parse_table  # YAML is only read where the tables are not kept

    files = sorted(name for name, _ in walk(root) if name.startswith(FOLDER) and name.endswith(".yaml"))
    return [parse_table(read_text(root, file), file) for file in files]


def load_world_words(root: Traversable, spelled: Callable[[str], str]) -> WorldWords:
    """Load the words of every language; `spelled` folds the spelling of a unit."""
    files = name_files(root)
    return WorldWords(
        units=_agreed(files, "units", None, spelled, str),
        months=_agreed(files, "months", _MONTHS, without_point, _MONTHS.__getitem__),
        age_units=_agreed(files, "age_units", AGE_UNITS, plain_name, str),
        results=_agreed(files, "result_words", RESULT_WORDS, lambda word: " ".join(word.upper().split()), str),
    )


def without_point(word: str) -> str:
    """Fold a word that may be short for another: "Sept." is "sept"."""
    return fold_word(word).rstrip(".")


def _agreed(
    files: list[YamlNode],
    section: str,
    known: Container[str] | None,
    fold: Callable[[str], str],
    meaning: Callable[[str], Meaning],
) -> dict[str, Meaning]:
    """Return what each word of a section means where all languages agree; a word that was seen decides over memory."""
    found: dict[str, dict[str, set[Meaning]]] = {SEEN: {}, MEMORY: {}}
    for node in files:
        if section not in node:
            continue
        for key in (own := node.node(section)):
            if known is not None and key not in known:
                raise own.error(key, "is none that a word can mean")
            words = own.node(key)
            words.check_keys([], [SEEN, MEMORY])
            for way in words:
                for word in words.texts(way):
                    folded = fold(word)
                    # Shorter words that only a memory knows stand for too much else ("th").
                    if not folded or (way == MEMORY and folded.isascii() and len(folded) < _SHORTEST.get(section, 0)):
                        continue
                    found[way].setdefault(folded, set()).add(meaning(key))
    every = {**found[MEMORY], **found[SEEN]}
    return {word: next(iter(ways)) for word, ways in every.items() if len(ways) == 1}
