"""What kind a specimen is: a patient's blood, or a control, a blank, another fluid, an animal ...

Every door asks here, and each field says only what stands in it: "Q" is a control as the
role of a specimen, and nothing in a column of remarks. The words and codes are data
(reference_ranges/specimens.yaml). A text that is not known says nothing, so that no
patient is lost to a word that somebody happened to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.specimens import ANY, SpecimenField, Specimens
from cbc_screen.vocabulary import SpecimenKind

SPECIMEN_FIELD = "specimen"  # what a reason about the whole specimen is about
LONGEST = 256  # of a text that is looked at
_MOST_WORDS = 24
_LONGEST_PHRASE = 8  # words
_WORD = re.compile(r"[^\W\d_]{3,}")  # of letters
_WHOLE_NUMBER = re.compile(r"(\d+)\.0+")
_KINDS = tuple(SpecimenKind)
_SPECIES = ("species", "animal")
_REMEMBERED = 8_192


class SpecimenReader:
    """Reads what fields say of a specimen; equal texts are worked out once."""

    def __init__(self, specimens: Specimens) -> None:
        self._specimens = specimens
        self.kind = lru_cache(maxsize=_REMEMBERED)(self._kind)
        self.of = lru_cache(maxsize=_REMEMBERED)(self._of)

    def _kind(self, field: str, text: str) -> SpecimenKind | None:
        """Return what one field says, or None where it says nothing that is known."""
        known = self._specimens.fields.get(field)
        if known is None or not text or len(text) > LONGEST:
            return None
        if field == ANY:
            return self._any(text)
        return self._of_field(known, text)

    def _of(self, stated: tuple[tuple[str, str], ...]) -> SpecimenKind | None:
        """Return what several fields say together.

        Any of them may tell another kind; where one specimen is called blood and another
        fluid at once, that says neither.
        """
        return combined([(field, found) for field, text in stated if (found := self.kind(field, text)) is not None])

    def _any(self, text: str) -> SpecimenKind | None:
        """Read a text that may say any of it: the name of a kind, a specimen, a species, a role."""
        folded = plain_name(text)
        own = next((kind for kind in SpecimenKind if plain_name(kind) == folded), None)
        return own or self._of_field(self._specimens.fields[ANY], text)

    def _of_field(self, known: SpecimenField, text: str) -> SpecimenKind | None:
        folded = _WHOLE_NUMBER.sub(r"\1", text) if text.endswith("0") else text
        folded = plain_name(folded)
        if folded in known.codes:
            return known.codes[folded]
        if folded in self._specimens.nothing:
            return None
        for pattern, kind in known.patterns:
            if pattern.fullmatch(text.strip()):
                return kind
        found = self._by_words(known, folded.split())
        if found is None and known.fluids:
            found = self._by_fluid(folded)
        if found is None and known.otherwise is not None and _WORD.search(folded):
            return known.otherwise
        return found

    def _by_words(self, known: SpecimenField, words: list[str]) -> SpecimenKind | None:
        """Find a known phrase among words, with nothing but words that may stand beside it."""
        if not known.words or len(words) > _MOST_WORDS:
            return None
        found = {
            known.words[phrase]
            for phrase, rest in _phrases(words, known.words)
            if known.anywhere or all(self._may_stand_beside(word, known) for word in rest)
        }
        # Whoever is called human is no animal, whatever else stands there.
        return next((kind for kind in _KINDS if kind in found), None)

    def _may_stand_beside(self, word: str, known: SpecimenField) -> bool:
        return (
            word in self._specimens.beside
            or (known.fluids and self._specimens.blood.stands_in(word))
            or (known.numbers and word.isdecimal())
        )

    def _by_fluid(self, folded: str) -> SpecimenKind | None:
        other = any(group.stands_in(folded) for group in self._specimens.fluids)
        blood = self._specimens.blood.stands_in(folded)
        if other == blood:
            return None
        return SpecimenKind.BODY_FLUID if other else SpecimenKind.BLOOD


def combined(found: Iterable[tuple[str, SpecimenKind]]) -> SpecimenKind | None:
    """Return the kind that the fields of one specimen say together; as `SpecimenReader.of` reads them."""
    said: dict[SpecimenKind, set[str]] = {}
    for field, kind in found:
        said.setdefault(kind, set()).add(field)
    blood, fluid = said.get(SpecimenKind.BLOOD, set()), said.get(SpecimenKind.BODY_FLUID, set())
    if blood & fluid:
        said[SpecimenKind.BODY_FLUID] = fluid - blood
    if not blood.isdisjoint(_SPECIES):  # "mixed" as the breed of a human is no animal
        said.get(SpecimenKind.ANIMAL, set()).discard("breed")
    others = [kind for kind in _KINDS if kind is not SpecimenKind.BLOOD and said.get(kind)]
    if others:
        return others[0]
    return SpecimenKind.BLOOD if blood and not fluid else None


def _phrases(words: list[str], known: Mapping[str, SpecimenKind]) -> Iterator[tuple[str, list[str]]]:
    """Yield the known phrases in a list of words, each with the words around it."""
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _LONGEST_PHRASE) + 1):
            phrase = " ".join(words[start:end])
            if phrase in known:
                yield phrase, words[:start] + words[end:]
