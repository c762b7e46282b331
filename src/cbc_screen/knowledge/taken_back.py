"""Remarks beside a result by which its sender takes it back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import plain_name

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

_SENTENCE = re.compile(r"[.;!\n]+")
_CLAUSE = re.compile(r"[.,;!\n。，、；！]+")
_PRESENT = re.compile(r"[(（]\s*[+＋]+\s*[)）]\s*$")  # "凝固(+)"
_SIGN = re.compile(r"[(（]|[-−－–]\s*$")
_BREAK = re.compile(r"[:–—]|\s-+\s")  # between what was found and what was done: "QNS - no result"
_UNUSABLE = ("clotted", "insufficient")  # of a whole sample, whatever number stands beside it
_NEAR = 4  # words before one in which a denial counts
_LISTS = ("words", "subjects", "found", "denied", "between", "turning", "joining", "samples")


@dataclass(frozen=True)
class TakenBack:
    """Phrases that take a result back, and words that do where a clause hardly says anything else, or speaks of a sample."""

    phrases: tuple[str, ...]
    of_an_earlier_one: tuple[str, ...]  # phrases that say it of a result before
    words: frozenset[str]
    subjects: frozenset[str]  # samples, and what clots are said of
    found: frozenset[str]
    denied: frozenset[str]
    between: frozenset[str]  # a word and its denial: "clots were not seen"
    turning: frozenset[str]  # after which a denial no longer counts: "no clots but fibrin"
    joining: frozenset[str]  # by which a denial goes on behind a comma: "no clots, fibrin or clumps"
    samples: frozenset[str]  # of which clotted is said of all that was measured
    asked: tuple[str, ...]
    most_words: int
    whole: frozenset[str]  # remarks that say it by themselves: codes of HL7 table 0493
    clauses: frozenset[str]  # what a clause says by itself in any language: clotted, too little
    clotted: frozenset[str]  # those that say clotted
    of_all: tuple[str, ...]  # phrases that take back whatever was measured in the sample

    def says(self, remark: str) -> bool:
        """Tell whether a remark takes back the result beside which it stands.

        >>> from cbc_screen.knowledge.loaded import load_measures
        >>> back = load_measures().words.taken_back
        >>> back.says("Small clot in tube."), back.says("Rejected, no label"), back.says("Please check for clots")
        (True, True, False)
        """
        plain = plain_name(remark)
        if plain in self.whole:
            return True
        for phrase in self.of_an_earlier_one:
            plain = plain.replace(phrase, " ")
        if any(phrase in plain for phrase in self.phrases):
            return True
        if any(self._is_said_alone(clause) for clause in _CLAUSE.split(remark)):
            return True
        return any(self._in_sentence(sentence) for sentence in _SENTENCE.split(remark))

    def says_of_all(self, remark: str) -> bool:
        """Tell whether a remark takes back all that was measured in its sample, not only the result beside it.

        >>> from cbc_screen.knowledge.loaded import load_measures
        >>> back = load_measures().words.taken_back
        >>> back.says_of_all("Wrong blood in tube"), back.says_of_all("Clotted")
        (True, False)
        """
        plain = plain_name(remark)
        said = (plain[: plain.index(phrase)].split() for phrase in self.of_all if phrase in plain)
        # "Earlier sample mislabeled" is said of another one.
        if any(self.denied.isdisjoint(before[-_NEAR:]) for before in said):
            return True
        return any(map(self._is_clotted_sample, _CLAUSE.split(remark)))

    def spoils(self, specimen: str) -> bool:
        """Tell whether a text in the place of a specimen says that it is clotted or too little, and nothing else.

        "EDTA blood and clotted blood" are two tubes, and "clotted blood" is one for serum.
        """
        return plain_name(specimen) in self.whole or self._is_said_alone(specimen)

    def _is_clotted_sample(self, clause: str) -> bool:
        """Tell whether a clause says that the sample is clotted, and nothing else."""
        plain = plain_name(clause)
        words = set(plain.split())
        clots = {word for word in words if word in self.clotted or word.removesuffix("s") in self.clotted}
        if clots and words & self.samples:  # "Small clots in sample"
            return words <= clots | self.samples | self.found | self.between
        if _SIGN.search(clause) or not self._is_said_alone(clause):
            return False
        if plain in self.clotted:
            return not self.samples.isdisjoint(plain.split())
        subject = next((own for own in self.samples if plain.startswith(own)), "")
        return bool(subject) and plain.removeprefix(subject).strip() in self.clotted

    def _is_said_alone(self, clause: str) -> bool:
        """Tell whether a clause says that a sample is clotted or too little and nothing else: "凝固", "hyytynyt", "标本有凝块"."""
        bare = _PRESENT.sub("", clause)
        if _SIGN.search(bare):
            return False  # "凝固(-)": a sign says what is no part of the words
        plain = plain_name(bare)
        if plain in self.clauses:
            return True
        subject = next((own for own in self.subjects if plain.startswith(own)), "")
        return bool(subject) and plain.removeprefix(subject).strip() in self.clauses

    def _in_sentence(self, sentence: str) -> bool:
        about = bool(set(plain_name(sentence).split()) & (self.subjects | self.found))
        denied = False
        for clause in sentence.split(","):
            words, parts = self._parted(clause)
            places = [place for place, word in enumerate(words) if word in self.words]
            goes_on = denied and bool(self.joining & set(words))
            said = [] if goes_on else [place for place in places if not self._is_denied(words, parts, place)]
            denied = goes_on or (bool(places) and not said)
            if said and (about or any(parts.count(parts[place]) <= self.most_words for place in said)):
                return True
        return False

    def _parted(self, clause: str) -> tuple[list[str], list[int]]:
        """Return the words of a clause, and in which part of it each stands: it turns at "but" and breaks at a colon."""
        words, parts, part = [], [], 0
        for piece in _BREAK.split(clause):
            for word in plain_name(piece).split():
                part += word in self.turning
                words.append(word)
                parts.append(part)
            part += 1
        return words, parts

    def _is_denied(self, words: list[str], parts: list[int], place: int) -> bool:
        """Tell whether a word is denied, or only asked for: by what is near before it, or right behind it."""
        before = [word for word, part in zip(words[:place], parts, strict=False) if part == parts[place]]
        if any(f" {phrase} " in f" {' '.join(before)} " for phrase in self.asked):
            return True
        if self.denied & set(before[-_NEAR:]):
            return True
        behind = [word for word in words[place + 1 :] if word not in self.between and word not in self.subjects]
        return bool(behind) and behind[0] in self.denied and (len(behind) == 1 or behind[1] in self.found)


def load_taken_back(node: YamlNode, meanings: Mapping[str, str]) -> TakenBack:
    """Load the phrases and words; `meanings` are those of texts in place of a number, in any language."""
    node.check_keys(["phrases", "of_an_earlier_one", *_LISTS, "asked", "most_words", "whole", "of_all"])
    words = {key: frozenset(map(plain_name, node.texts(key))) for key in _LISTS}
    clauses = frozenset(plain_name(text) for text, meaning in meanings.items() if meaning in _UNUSABLE)
    return TakenBack(
        phrases=tuple(map(plain_name, (*node.texts("phrases"), *node.texts("of_all")))),
        of_an_earlier_one=tuple(map(plain_name, node.texts("of_an_earlier_one"))),
        **words,
        asked=tuple(map(plain_name, node.texts("asked"))),
        most_words=node.whole("most_words"),
        whole=frozenset(map(plain_name, node.texts("whole"))),
        clauses=clauses,
        clotted=frozenset(plain_name(text) for text, meaning in meanings.items() if meaning == _UNUSABLE[0]),
        of_all=tuple(map(plain_name, node.texts("of_all"))),
    )
