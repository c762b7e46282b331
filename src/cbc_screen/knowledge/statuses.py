"""How far a result has come, by the words of its source: one table for every door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import fold_word
from cbc_screen.vocabulary import ResultStatus

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

USED = frozenset((ResultStatus.FINAL, ResultStatus.CORRECTED, ResultStatus.AMENDED))
_LONGEST = 80
_NOT_A_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, eq=False)
class Statuses:
    """The statuses of results by letter and word, and the words for no status at all."""

    words: Mapping[str, ResultStatus]
    silent: frozenset[str]

    @lru_cache(maxsize=1_024)  # noqa: B019  # tables are few, and a source says one status with nearly every result
    def of(self, text: str) -> ResultStatus:
        """Return what a status means: final where the source is silent, `OTHER` where it is not known.

        "F - Final" and "C (corrected)" are a letter and its word; where the two differ, it is not known.
        """
        found = self.words.get(text)
        if found is not None:
            return found
        if self.is_silent(text):
            return ResultStatus.FINAL
        plain = plain_status(text)
        return self.words.get(plain) or self._of_pair(plain)

    def is_used(self, text: str) -> bool:
        """Tell whether a result of this status may be used."""
        return self.of(text) in USED

    def less_final(self, own: str, of_row: str) -> str:
        """Return the status that holds of a result with one of its own in a row that has one."""
        return own if self.is_used(of_row) else of_row

    def is_silent(self, text: str) -> bool:
        """Tell whether a text says nothing of a status."""
        return " ".join(text.split()).upper() in self.silent

    def _of_pair(self, plain: str) -> ResultStatus:
        first, _, rest = plain.partition(" ")
        ahead, _, last = plain.rpartition(" ")
        for letter, word in ((first, rest), (last, ahead)):
            meaning = self.words.get(word)
            if len(letter) == 1 and meaning is not None and self.words.get(letter) is meaning:
                return meaning
        return ResultStatus.OTHER


def plain_status(text: str) -> str:
    """Fold a word and its punctuation; a text too long to be a status is none."""
    if len(text) > _LONGEST:
        return ""
    return _NOT_A_WORD.sub(" ", fold_word(text)).strip()


def load_statuses(node: YamlNode, silent: frozenset[str]) -> Statuses:
    """Load result_status.yaml; `silent` are the words for nothing."""
    node.check_keys([status for status in ResultStatus if status is not ResultStatus.OTHER])
    words: dict[str, ResultStatus] = {}
    for letter in node:
        for word in node.texts(letter):
            if plain_status(word) in words:
                raise node.error(letter, f"{word!r} is given twice")
            words[plain_status(word)] = ResultStatus(letter)
    for letter in node:
        if words.get(letter.casefold()) is not ResultStatus(letter):
            raise node.error(letter, f"the letter {letter} itself must be one of its words")
    return Statuses(words, silent)
