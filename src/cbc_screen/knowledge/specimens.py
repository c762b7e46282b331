"""Which words and codes say what kind a specimen is, by the field they stand in."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import SIGN_OF, plain_name
from cbc_screen.knowledge.friends import WordGroup, word_group
from cbc_screen.vocabulary import SpecimenKind

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

_FIRST_LETTERS = 3
_SIGNS_BETWEEN = "[^0-9a-z]*"
ANY = "specimen"  # a field that may hold any of the words: a record's own, or a column that the caller names
PATIENT = "patient"  # whose a specimen is: looked at for controls, statistics and test patients alone


@dataclass(frozen=True, slots=True)
class SpecimenField:
    """What one field may say of a specimen.

    Attributes
    ----------
    codes : whole texts, folded
    words : words that count where nothing but words of `Specimens.beside` stands with them
    anywhere : whether words count beside any other, as "canine" does in a column of species
    patterns : what a whole text, as received, may match
    numbers : whether any number may stand beside a word ("QC lot 4055")
    fluids : whether the words for blood and for other fluids count
    otherwise : what any other text means, if it means anything
    starts : a regular expression that every text of a kind matches; set where nearly every
        text is another one, as sample numbers are, so that most need not be looked at
    """

    codes: Mapping[str, SpecimenKind]
    words: Mapping[str, SpecimenKind]
    anywhere: bool
    patterns: tuple[tuple[re.Pattern[str], SpecimenKind], ...]
    numbers: bool
    fluids: bool
    otherwise: SpecimenKind | None
    starts: str | None


@dataclass(frozen=True, eq=False)
class Specimens:
    """Everything that is known of kinds of specimens.

    `columns` has the field of each header, folded and without blanks. `fluids` and `blood` are
    words that tell another specimen from blood, `beside` are those that may stand with a word
    of a kind, and `nothing` says that a field is silent.
    """

    fields: Mapping[str, SpecimenField]
    columns: Mapping[str, str]
    fluids: tuple[WordGroup, ...]
    blood: WordGroup
    counts: WordGroup  # words for a count of it
    beside: frozenset[str]
    nothing: frozenset[str]

    def is_of_what_was_taken(self, field: str) -> bool:
        """Tell whether a field says what was taken; what takes a result back may stand there too ("clotted")."""
        return field in self.fields and self.fields[field].fluids

    def names_blood(self, text: str) -> bool:
        """Tell whether a text has a word for blood, or for a count of it."""
        folded = plain_name(text)
        return self.blood.stands_in(folded) or self.counts.stands_in(folded)

    def field_of(self, header: str) -> str | None:
        """Return which field a column is, by its exact header."""
        return self.columns.get(plain_name(header).replace(" ", ""))


def load_specimens(node: YamlNode, sources: Container[str], fluids: Sequence[WordGroup]) -> Specimens:
    """Load specimens.yaml; `fluids` are the words of specimens that make a name another thing."""
    node.check_keys(["not_blood", "still_blood", "blood", "counts", "beside", "nothing", "fields", "kinds"])
    unknown = set(node.texts("still_blood")) - {group.id for group in fluids}
    if unknown:
        raise node.error("still_blood", f"{min(unknown)} is no group of specimens in false_friends.yaml")
    fields = node.node("fields")
    made: dict[str, dict[str, dict[str, SpecimenKind]]] = {name: {} for name in fields}
    patterns: dict[str, list[tuple[re.Pattern[str], SpecimenKind]]] = {name: [] for name in fields}
    for entry in node.nodes("kinds"):
        _read_kind(entry, made, patterns, sources)
    columns: dict[str, str] = {}
    for name in fields:
        fields.node(name).check_keys([], ["columns", "anywhere", "numbers", "fluids", "otherwise", "many"])
        for header in fields.node(name).texts("columns"):
            if columns.setdefault(_folded(fields.node(name), "columns", header).replace(" ", ""), name) != name:
                raise fields.node(name).error("columns", f"{header!r} is a column of two fields")
    return Specimens(
        fields={
            name: SpecimenField(
                codes=made[name].get("codes", {}),
                words=made[name].get("words", {}),
                anywhere=fields.node(name).flag("anywhere"),
                patterns=tuple(patterns[name]),
                numbers=fields.node(name).flag("numbers"),
                fluids=fields.node(name).flag("fluids"),
                otherwise=_otherwise(fields.node(name)),
                starts=_starts(made[name], patterns[name]) if fields.node(name).flag("many") else None,
            )
            for name in fields
        },
        columns=columns,
        fluids=tuple(group for group in fluids if group.id not in node.texts("still_blood")),
        blood=word_group("blood", "of blood", frozenset(), node.texts("blood"), ()),
        counts=word_group("counts", "of a count of blood", frozenset(), node.texts("counts"), ()),
        beside=_word_list(node, "beside"),
        nothing=_word_list(node, "nothing") | {""},
    )


def _read_kind(
    entry: YamlNode,
    made: dict[str, dict[str, dict[str, SpecimenKind]]],
    patterns: dict[str, list[tuple[re.Pattern[str], SpecimenKind]]],
    sources: Container[str],
) -> None:
    """Add the words of one entry to each of its fields; a word of two kinds in one field is an error."""
    entry.check_keys(["fields", "kind", "source"], ["codes", "words", "patterns"])
    kind = entry.choice("kind", SpecimenKind)
    if entry.text("source") not in sources:
        raise entry.error("source", "is not in sources.csv")
    for name in entry.texts("fields"):
        if name not in made:
            raise entry.error("fields", f"{name!r} is not a field of this file")
        for way in ("codes", "words"):
            known = made[name].setdefault(way, {})
            for text in entry.texts(way):
                if known.setdefault(_folded(entry, way, text), kind) is not kind:
                    raise entry.error(way, f"{text!r} has two meanings in {name}")
        patterns[name] += [(_pattern(entry, text), kind) for text in entry.texts("patterns")]


def _pattern(entry: YamlNode, text: str) -> re.Pattern[str]:
    """Read a pattern: letters stand for themselves, "9" for a digit, and "+" after it for more of them."""
    found = re.fullmatch(r"([A-Za-z -]+)(9+)(\+?)", text)
    if found is None:
        raise entry.error("patterns", "must be letters, blanks or hyphens, then 9 for each digit and + for more")
    start, digits, more = found.groups()
    return re.compile(f"{re.escape(start)}[0-9]{{{len(digits)}{',' if more else ''}}}", re.IGNORECASE)


def _starts(known: Mapping[str, Mapping[str, SpecimenKind]], patterns: Sequence[tuple[re.Pattern[str], object]]) -> str:
    """Return what a text of a kind must hold, as it is received: the first letters of a word or code, with any signs between them.

    Words that may stand beside a word of a kind may also stand before it. In the syntax of Arrow's own expressions.
    """
    texts = [text for way in known.values() for text in way if text.isascii()]
    texts += [pattern.pattern.partition("[")[0].casefold() for pattern, _ in patterns]
    first = {start for text in texts for start in _first_letters(text)}
    # What is not plain Latin, or was escaped by a page, is looked at as a whole.
    return rf"(?i)(?:^|[^0-9a-z])(?:{'|'.join(sorted(first))})|[^\x00-\x7F]|&"


def _first_letters(text: str) -> list[str]:
    """Return the first letters and digits of a folded text, as far as each of them was one before; a sign and its word where it begins with one."""
    words = re.findall("[0-9a-z]+", text) or [""]
    if words[0] in SIGN_OF:
        return [_SIGNS_BETWEEN.join(words[0][:_FIRST_LETTERS]), re.escape(SIGN_OF[words[0]])]
    letters = "".join(itertools.takewhile(lambda word: word not in SIGN_OF, words))
    return [_SIGNS_BETWEEN.join(letters[:_FIRST_LETTERS])]


def _otherwise(node: YamlNode) -> SpecimenKind | None:
    return node.choice("otherwise", SpecimenKind) if "otherwise" in node else None


def _word_list(node: YamlNode, key: str) -> frozenset[str]:
    return frozenset(_folded(node, key, text) for text in node.texts(key))


def _folded(node: YamlNode, key: str, text: str) -> str:
    folded = plain_name(text)
    if not folded:
        raise node.error(key, f"{text!r} holds no word")
    return folded
