"""Remarks that say that a sample has clots, in whatever words: what was counted in it is not to be believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import plain_name

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

_SENTENCE = re.compile(r"[.;!\n]+")
_NEAR = 4  # words before or behind in which a denial counts


@dataclass(frozen=True)
class ClotWords:
    """Words for clots, of samples, of finding, denying and asking; and how many words say it without those."""

    words: frozenset[str]
    of: frozenset[str]
    found: frozenset[str]
    denied: frozenset[str]
    asked: tuple[str, ...]
    most_words: int

    def says(self, remark: str) -> bool:
        """Tell whether a remark says that the sample has clots.

        >>> from cbc_screen.knowledge.loaded import load_measures
        >>> clots = load_measures().words.clots
        >>> clots.says("Small clot in tube."), clots.says("No clots seen"), clots.says("Please check for clots")
        (True, False, False)
        """
        return any(self._says(plain_name(sentence)) for sentence in _SENTENCE.split(remark))

    def _says(self, sentence: str) -> bool:
        words = sentence.split()
        places = [place for place, word in enumerate(words) if word in self.words]
        if not places or any(f" {phrase} " in f" {sentence} " for phrase in self.asked):
            return False
        near = {word for place in places for word in words[max(0, place - _NEAR) : place + _NEAR + 1]}
        if near & self.denied:
            return False
        return len(words) <= self.most_words or bool(set(words) & (self.of | self.found))


def load_clot_words(node: YamlNode) -> ClotWords:
    """Load the words."""
    node.check_keys(["words", "of", "found", "denied", "asked", "most_words"])
    one = {key: frozenset(map(plain_name, node.texts(key))) for key in ("words", "of", "found", "denied")}
    return ClotWords(**one, asked=tuple(map(plain_name, node.texts("asked"))), most_words=node.whole("most_words"))
