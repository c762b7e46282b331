"""How answers are named where they go out as FHIR."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.vocabulary import WhiteBasis

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode


@dataclass(frozen=True, slots=True)
class PublishedTerm:
    """A term of a published vocabulary for a word of an answer; on the white line, only as it was judged."""

    code: str
    word: str
    system: str
    term: str
    basis: frozenset[str]


@dataclass(frozen=True, eq=False)
class FHIRNames:
    """The texts of codes of answers, what else a word is called, and units in UCUM."""

    module: str
    texts: Mapping[str, str]
    also: tuple[PublishedTerm, ...]
    ucum: Mapping[str, str]

    def terms(self, code: str, word: str, basis: str) -> list[PublishedTerm]:
        """Return the published terms of a word."""
        own = [one for one in self.also if (one.code, one.word) == (code, word)]
        return [one for one in own if not one.basis or basis in one.basis]


def load_fhir_names(node: YamlNode, sources: Container[str]) -> FHIRNames:
    """Load fhir.yaml."""
    node.check_keys(["module", "texts", "also", "ucum"])
    texts = node.node("texts")
    terms = []
    for entry in node.nodes("also"):
        entry.check_keys(["code", "word", "system", "term", "source"], ["basis"])
        if entry.text("code") not in texts:
            raise entry.error("code", "is not among the texts")
        if entry.text("source") not in sources:
            raise entry.error("source", "is not in sources.csv")
        basis = frozenset(entry.texts("basis"))
        if not basis <= set(WhiteBasis):
            raise entry.error("basis", f"must be of {', '.join(WhiteBasis)}")
        terms.append(
            PublishedTerm(entry.text("code"), entry.text("word"), entry.text("system"), entry.text("term"), basis)
        )
    units = node.node("ucum")
    return FHIRNames(
        node.text("module"),
        {code: texts.text(code) for code in texts},
        tuple(terms),
        {unit: units.text(unit) for unit in units},
    )
