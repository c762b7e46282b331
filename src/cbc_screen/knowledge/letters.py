"""Letters for sex: what one letter means depends on the language, so that a whole column of them is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import fold_word

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

_PAIR = 2


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Letters that, side by side, may mean the other sex; not where one of `without` stands with them."""

    letters: frozenset[str]
    without: frozenset[str]


@dataclass(frozen=True, slots=True)
class SexLetters:
    """Which letters mean a sex wherever they stand together.

    `known` are sets that mean one thing in every language that uses them; `used` is every
    letter that stands for a sex, or for none, in some language.
    """

    known: tuple[frozenset[str], ...]
    doubtful: tuple[Doubtful, ...]
    unknown: frozenset[str]
    used: frozenset[str]

    def seen(self, words: Iterable[str]) -> frozenset[str]:
        """Return the letters among the folded cells of a column."""
        return self.used.intersection(words)

    def in_doubt(self, seen: frozenset[str]) -> frozenset[str]:
        """Return the letters of a column that are not to be read, given all that it has.

        A known set is read. So is a known pair beside letters of other languages, except where
        one of them makes a letter of the pair doubtful; the others have no meaning by themselves.
        """
        told = seen - self.unknown
        turned = any(one.letters <= seen and one.without.isdisjoint(seen) for one in self.doubtful)
        readable = any(told <= one or (len(one) == _PAIR and one <= told) for one in self.known)
        return frozenset() if readable and not turned else seen


def load_letters(node: YamlNode, sexes: YamlNode) -> SexLetters:
    """Load the letters of demographics.yaml; each that is known must have its meaning in `sex`."""
    node.check_keys(["known", "doubtful", "elsewhere", "source"])
    meaning = {fold_word(word): sex for sex in sexes for word in sexes.texts(sex)}
    known = tuple(frozenset(map(fold_word, one)) for one in _lists(node, "known"))
    for letter in frozenset().union(*known):
        if meaning.get(letter) not in ("F", "M"):
            raise node.error("known", f"{letter!r} has no sex in sex")
    doubtful = []
    for entry in node.nodes("doubtful"):
        entry.check_keys(["letters", "why"], ["without"])
        letters, without = (frozenset(map(fold_word, entry.texts(key))) for key in ("letters", "without"))
        doubtful.append(Doubtful(letters, without))
    unknown = frozenset(word for word, sex in meaning.items() if len(word) == 1 and word.isalpha() and sex == "unknown")
    elsewhere = node.node("elsewhere")
    others = frozenset(fold_word(letter) for language in elsewhere for letter in elsewhere.texts(language))
    used = others.union(unknown, *known, *(one.letters for one in doubtful))
    if any(len(letter) != 1 for letter in used):
        raise node.error("elsewhere", "holds a text that is not one letter")
    return SexLetters(known, tuple(doubtful), unknown, used)


def _lists(node: YamlNode, key: str) -> list[list[str]]:
    found = node.get(key)
    if not isinstance(found, list) or not all(
        isinstance(one, list) and all(isinstance(letter, str) for letter in one) for one in found
    ):
        raise node.error(key, "must be a list of lists of texts")
    return found
