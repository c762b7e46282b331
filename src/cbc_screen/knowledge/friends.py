"""Names that look like a quantity of the blood count and are another thing, and the words that make them so."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import parts_of, plain_name
from cbc_screen.knowledge.quantities import Analyte, FalseFriend

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

# Scripts that are written without blanks, or with endings attached: a word is looked for anywhere.
_WITHOUT_BLANKS = ("CJK ", "HIRAGANA ", "KATAKANA", "HANGUL ", "THAI ", "LAO ", "KHMER ", "MYANMAR ")
_COUNT_AND_PERCENT = 2


@dataclass(frozen=True, slots=True)
class WordGroup:
    """Words of many languages that say one thing of a name; `of` are the analytes they make another thing."""

    id: str
    why: str
    of: frozenset[str]
    whole: frozenset[str]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    anywhere: tuple[str, ...]
    but: tuple[str, ...]

    def stands_in(self, folded: str) -> bool:
        """Tell whether a folded text holds a word of the group."""
        for harmless in self.but:
            folded = folded.replace(harmless, " ")
        words = parts_of(folded)
        parted = f" {' '.join(words)} "
        return (
            not self.whole.isdisjoint(words)
            or any(word.startswith(self.starts) or word.endswith(self.ends) for word in words)
            or any(part in parted for part in self.anywhere)
        )


@dataclass(frozen=True, slots=True)
class Friends:
    """All of them, for the questions that reading a name asks."""

    specimens: tuple[WordGroup, ...]
    qualifiers: tuple[WordGroup, ...]
    names: Mapping[str, FalseFriend]
    words: Mapping[str, frozenset[str]]  # a word that stands for analytes in a longer name
    agreeing: Mapping[str, frozenset[str]]  # words that name none, and agree with a name beside them
    may_be: frozenset[str]  # words under which neutrophils may have been sent
    begins: tuple[str, ...]  # such words, cut short or misspelled, begin so
    begins_not: tuple[str, ...]  # what does, and is something else

    def not_blood(self, *texts: str) -> bool:
        """Tell whether what names a specimen, or what was ordered, says that it is not blood."""
        folded = plain_name(" ".join(texts))
        return bool(folded) and any(group.stands_in(folded) for group in self.specimens)

    def why_not(self, name: str, analyte: str) -> str | None:
        """Say why a name is not that of an analyte which another text beside it names; None where it may be."""
        folded = plain_name(name)
        friend = self.names.get(folded)
        if friend is not None and friend.count is None:
            return friend.why if analyte not in friend.agrees else None
        return self._qualified(folded, {analyte}) if folded else None

    def refuses(self, name: str) -> str | None:
        """Say why a name that holds an analyte's word is another thing; None where no word says so."""
        folded = plain_name(name)
        return self._qualified(folded, self._named_in(folded))

    def _qualified(self, folded: str, analytes: Collection[str]) -> str | None:
        for group in (*self.specimens, *self.qualifiers):
            if not group.of.isdisjoint(analytes) and group.stands_in(folded):
                return group.why
        return None

    def _named_in(self, folded: str) -> set[str]:
        """Return the analytes whose word stands in a name, also where letters of another script touch it."""
        found = {analyte for word in parts_of(folded) for analyte in self.words.get(word, ())}
        for word, analytes in self.words.items():
            if not word.isascii() and word in folded:
                found |= analytes
        return found


def load_friends(
    specimens: YamlNode,
    friends: YamlNode,
    agreeing: YamlNode,
    analytes: Mapping[str, Analyte],
    ambiguous: Mapping[str, FalseFriend],
) -> Friends:
    """Load specimens.yaml, false_friends.yaml and agreeing_names.yaml; `ambiguous` names join the false ones."""
    friends.check_keys(["specimens", "qualifiers", "names"])
    counted = frozenset(analyte.id for analyte in analytes.values() if analyte.counted)
    others = word_group("not_blood", "of a specimen that is not blood", counted, specimens.texts("not_blood"), ())
    groups = [*(_group(entry, counted, analytes) for entry in friends.nodes("specimens")), others]
    qualifiers = [_group(entry, counted, analytes) for entry in friends.nodes("qualifiers")]
    for name, times in Counter(group.id for group in (*groups, *qualifiers)).items():
        if times > 1:
            raise friends.error("qualifiers", f"{name} is the id of two groups")
    agree = _agreeing(agreeing, counted)
    words = {name: found for name, found in agree.items() if len(found) <= _COUNT_AND_PERCENT}
    for analyte in analytes.values():
        for name in analyte.names if analyte.counted else ():
            if " " not in name:
                words[name] = words.get(name, frozenset()) | {analyte.id}
    return Friends(
        tuple(groups),
        tuple(qualifiers),
        {**ambiguous, **_names(friends, analytes, ambiguous)},
        words,
        agree,
        frozenset(_words(agreeing.node("may_be_neutrophils"), "words")),
        *(tuple(_words(agreeing.node("may_be_neutrophils"), key)) for key in ("begins", "but")),
    )


def _agreeing(node: YamlNode, counted: frozenset[str]) -> dict[str, frozenset[str]]:
    node.check_keys(["agreeing", "blood", "may_be_neutrophils"])
    node.node("may_be_neutrophils").check_keys(["source", "words", "begins", "but"])
    node.node("blood").check_keys(["source", "words"])
    found = dict.fromkeys(_words(node.node("blood"), "words"), counted)
    for entry in node.nodes("agreeing"):
        entry.check_keys(["analytes", "source", "words"])
        analytes = frozenset(entry.texts("analytes"))
        if not analytes or not analytes <= counted:
            raise entry.error("analytes", "names no analyte of the blood count")
        for word in _words(entry, "words"):
            if found.setdefault(word, analytes) != analytes:
                raise entry.error("words", f"{word!r} agrees with other analytes too")
    return found


def _words(entry: YamlNode, key: str) -> list[str]:
    """Return the folded words of every language."""
    written = entry.node(key)
    words = [plain_name(word) for language in written for word in written.texts(language)]
    if not all(words):
        raise entry.error(key, "a word has no letter")
    return words


def _group(entry: YamlNode, counted: frozenset[str], analytes: Mapping[str, Analyte]) -> WordGroup:
    entry.check_keys(["id", "why", "source", "words"], ["of", "but"])
    of = frozenset(entry.texts("of")) or counted
    if not of <= counted:
        raise entry.error("of", "names no analyte of the blood count")
    written = entry.node("words")
    words = {word for language in written for word in written.texts(language)}
    if not all(map(plain_name, words)):
        raise entry.error("words", "a word has no letter")
    group = word_group(entry.text("id"), entry.text("why"), of, words, entry.texts("but"))
    for name in (name for analyte in of for name in analytes[analyte].names):
        if group.stands_in(name):
            raise entry.error("words", f"they would refuse {name!r}, which names an analyte")
    return group


def word_group(name: str, why: str, of: frozenset[str], words: Iterable[str], but: Iterable[str]) -> WordGroup:
    """Make a group of words as they are written in the tables: word, word~, ~word, or several words."""
    whole, starts, ends, anywhere = set(), set(), set(), set()
    for word in words:
        folded = plain_name(word)
        if word.startswith("~"):
            ends.add(folded)
        elif word.endswith("~"):
            starts.add(folded)
        elif " " in folded:
            anywhere.add(f" {folded} ")
        elif any(unicodedata.name(letter, "").startswith(_WITHOUT_BLANKS) for letter in folded):
            anywhere.add(folded)
        else:
            whole.add(folded)
    places = [tuple(sorted(found)) for found in (starts, ends, anywhere)]
    return WordGroup(
        name, why, of, frozenset(whole), places[0], places[1], places[2], tuple(sorted(map(plain_name, but)))
    )


def _names(
    node: YamlNode, analytes: Mapping[str, Analyte], ambiguous: Mapping[str, FalseFriend]
) -> dict[str, FalseFriend]:
    owner = {name: analyte.id for analyte in analytes.values() for name in analyte.names}
    found: dict[str, FalseFriend] = {}
    for entry in node.nodes("names"):
        entry.check_keys(["why", "source", "names"], ["agrees_with", "may_be"])
        agrees = frozenset(entry.texts("agrees_with"))
        may_be = entry.text("may_be") if "may_be" in entry else None
        for key, named in (("agrees_with", agrees), ("may_be", {may_be} - {None})):
            if not named <= analytes.keys():
                raise entry.error(key, "names no analyte")
        written = entry.node("names")
        for name in (name for language in written for name in written.texts(language)):
            folded = plain_name(name)
            if not folded or folded in owner or folded in ambiguous:
                raise entry.error("names", f"{name!r} also names {owner.get(folded, 'a count or a percentage')}")
            found[folded] = FalseFriend(entry.text("why"), agrees=agrees, may_be=may_be)
    return found
