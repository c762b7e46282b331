"""Words found in results and in columns about the person."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.clump_words import ClumpWords, load_clump_words
from cbc_screen.knowledge.edges import AgeEdge, read_edge
from cbc_screen.knowledge.fold import fold_word, plain_name
from cbc_screen.knowledge.letters import SexLetters, load_letters
from cbc_screen.knowledge.taken_back import TakenBack, load_taken_back
from cbc_screen.knowledge.world_words import AGE_UNITS, RESULT_WORDS, WorldWords
from cbc_screen.vocabulary import Comparator, Pregnancy, Presence, Reason, SenderFlag, Sex

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode


@dataclass(frozen=True, slots=True)
class TextWord:
    """What a word in place of a number means."""

    reason: Reason
    finding: str | None
    kept: bool  # beside a number, the number stands


@dataclass(frozen=True, slots=True)
class Words:
    """Words for results, sex, pregnancy and the person's columns."""

    operators: tuple[tuple[str, Comparator], ...]
    bounds: tuple[tuple[str, Comparator], ...]  # behind a number: "or less"
    flags: frozenset[str]
    harmless: tuple[str, ...]  # remarks behind a number that leave it as it is, flags too; longest first
    sender_flags: Mapping[str, SenderFlag]
    flag_bounds: Mapping[str, Comparator]  # flags that open one end of the number beside them
    doubt_marks: frozenset[str]  # by which analyzers mark a result to be checked
    scales: frozenset[str]  # words for a thousand, a lakh, a million
    missing: frozenset[str]
    texts: Mapping[str, TextWord]
    taken_back: TakenBack
    clumps: ClumpWords
    calls: tuple[str, ...]  # words of a remark that a result was told to somebody
    sex: Mapping[str, str]
    sex_letters: SexLetters
    presence: Mapping[str, Presence]  # words for a finding that is there, or is not
    pregnancy: Mapping[str, str]
    pregnancy_ages: tuple[int, int]
    short_years_below: int  # years of age in which a birth with two digits of its year is tried
    unchanged_in_pregnancy: frozenset[str]
    preterm_finding: str
    preterm_below: AgeEdge
    gestation: str  # the quantity that states the gestation at birth
    term_from: float  # its weeks from which a birth is at term
    columns: Mapping[str, tuple[str, ...]]
    age_units: Mapping[str, str]
    no_persons: frozenset[str]  # in place of a person's key

    def is_person(self, key: str) -> bool:
        """Tell whether a key names a person: "UNKNOWN" and "N/A" are nobody, and two of them not one person."""
        return " ".join(key.split()).upper() not in self.no_persons

    def takes_back(self, remark: str) -> bool:
        """Tell whether a remark beside a result takes it back."""
        return self.taken_back.says(remark)

    def takes_back_all(self, remark: str) -> bool:
        """Tell whether a remark beside a result takes back all that was measured in the same sample."""
        return self.taken_back.says_of_all(remark)

    def spoils(self, specimen: str) -> bool:
        """Tell whether what stands in the place of a specimen, or of a flag of a row, says that it gives no results."""
        return self.taken_back.spoils(specimen)

    def without_remark(self, text: str) -> tuple[str | None, Comparator | None]:
        """Take one bound, flag or harmless remark off a text behind a number; None where there is none."""
        upper = text.upper()
        for word, comparator in self.bounds:
            if (left := _without(upper, text, word)) is not None:
                return left, comparator
        for word in self.harmless:
            if (left := _without(upper, text, word)) is not None:
                return left, None
        return None, None


def _without(upper: str, text: str, word: str) -> str | None:
    """Return what is left of a text without a word at its end or beginning, or None."""
    for shape in (word, f"({word})", f"[{word}]"):
        if upper == shape:
            return ""
        parted = not shape[0].isalnum() or not shape[0].isascii()
        if upper.endswith(f" {shape}") or (parted and upper.endswith(shape)):
            return text[: -len(shape)].rstrip(" ,;:")
        if upper.startswith(f"{shape} "):
            return text[len(shape) :].lstrip(" ,;:")
    return None


_SIGNS = {
    "below": Comparator.BELOW,
    "at_most": Comparator.AT_MOST,
    "above": Comparator.ABOVE,
    "at_least": Comparator.AT_LEAST,
    "equal": Comparator.EQUAL,
}
_RESULT_KEYS = [
    "operators", "behind_a_number", "flags", "sender_flags", "flag_bounds", "doubt_marks", "scales", "missing", "texts",
    "taken_back", "clumps", "calls", "in_other_languages",
]  # fmt: skip
_PERSON_KEYS = [
    "sex", "sex_letters", "presence", "pregnancy", "pregnancy_ages", "short_years", "unchanged_in_pregnancy", "preterm", "term", "age_units", "columns",
    "nobody",
]  # fmt: skip


def _short_years(node: YamlNode) -> int:
    node.check_keys(["below", "unit", "source"])
    if node.text("unit") != "y" or node.whole("below") < 1:
        raise node.error("below", "must be a whole number of years, 1 or more, with unit y")
    return node.whole("below")


def load_words(texts: YamlNode, people: YamlNode, world: WorldWords) -> Words:
    """Load text_results.yaml and demographics.yaml, beside the words of other languages."""
    texts.check_keys(_RESULT_KEYS)
    _check_people(people)
    texts.node("behind_a_number").check_keys(["below", "at_most", "above", "at_least"])
    texts.node("operators").check_keys(list(_SIGNS))
    texts.node("flag_bounds").check_keys(["below", "above"])
    operators, words = _signs(texts.node("operators")), _text_words(texts, world.results)
    if len({word for word, _ in operators}) != len(operators):
        raise texts.error("operators", "a sign is given twice")
    ages = people.node("pregnancy_ages")
    kept = [*texts.texts("flags"), *(word for word, meaning in words.items() if meaning.kept)]
    return Words(
        operators=operators,
        bounds=_signs(texts.node("behind_a_number")),
        flags=frozenset(texts.texts("flags")),
        harmless=tuple(sorted(dict.fromkeys(kept), key=lambda word: -len(word))),
        sender_flags=_sender_flags(texts.node("sender_flags")),
        flag_bounds=dict(_signs(texts.node("flag_bounds"))),
        doubt_marks=frozenset(texts.texts("doubt_marks")),
        scales=frozenset(texts.texts("scales")),
        missing=frozenset(texts.texts("missing")),
        texts=words,
        taken_back=load_taken_back(texts.node("taken_back"), world.results),
        clumps=load_clump_words(texts.node("clumps")),
        calls=tuple(texts.texts("calls")),
        sex=_invert(people.node("sex")),
        sex_letters=load_letters(people.node("sex_letters"), people.node("sex")),
        presence={word: Presence(found) for word, found in _invert(people.node("presence")).items()},
        pregnancy=_invert(people.node("pregnancy")),
        pregnancy_ages=(ages.whole("lower"), ages.whole("upper")),
        short_years_below=_short_years(people.node("short_years")),
        unchanged_in_pregnancy=frozenset(people.node("unchanged_in_pregnancy").texts("analytes")),
        preterm_finding=people.node("preterm").text("finding"),
        preterm_below=read_edge(people.node("preterm"), "below"),
        gestation=people.node("term").text("analyte"),
        term_from=people.node("term").number("from"),
        columns={key: tuple(map(plain_name, people.node("columns").texts(key))) for key in people.node("columns")},
        age_units={**world.age_units, **_age_units(people.node("age_units"))},
        no_persons=frozenset(texts.texts("missing")) | frozenset(people.texts("nobody")),
    )


def _check_people(people: YamlNode) -> None:
    people.check_keys(_PERSON_KEYS)
    people.node("sex").check_keys(list(Sex))
    people.node("presence").check_keys([Presence.PRESENT, Presence.ABSENT])
    people.node("pregnancy").check_keys(list(Pregnancy))
    ages = people.node("pregnancy_ages")
    ages.check_keys(["lower", "upper", "unit", "source"])
    if ages.text("unit") != "y" or not 0 <= ages.whole("lower") < ages.whole("upper"):
        raise ages.error("lower", "must be whole years, less than upper, with unit y")
    people.node("unchanged_in_pregnancy").check_keys(["analytes", "source"])
    people.node("preterm").check_keys(["finding", "below", "unit", "source"])
    people.node("term").check_keys(["analyte", "from", "unit", "source"])


def _signs(node: YamlNode) -> tuple[tuple[str, Comparator], ...]:
    """Return words by the bound that they are, the longest first."""
    node.check_keys([], list(_SIGNS))
    found = [(word, sign) for key, sign in _SIGNS.items() if key in node for word in node.texts(key)]
    return tuple(sorted(found, key=lambda pair: -len(pair[0])))


def _text_words(texts: YamlNode, world: Mapping[str, str]) -> dict[str, TextWord]:
    """Return what stands in place of a number, in every language."""
    words: dict[str, TextWord] = {}
    for entry in texts.nodes("texts"):
        entry.check_keys(["reason", "words"], ["finding", "beside_a_number"])
        if entry.get("beside_a_number", "kept") != "kept":
            raise entry.error("beside_a_number", "must be kept")
        for word in entry.texts("words"):
            if word in words:
                raise entry.error("words", f"{word!r} is given twice")
            words[word] = TextWord(entry.choice("reason", Reason), entry.get("finding"), "beside_a_number" in entry)
    known = {*texts.texts("missing"), *texts.texts("flags")}
    _add_world_words(texts.node("in_other_languages"), world, words, known)
    return words


def _add_world_words(
    node: YamlNode, world: Mapping[str, str], words: dict[str, TextWord], known: Container[str]
) -> None:
    """Add what words of other languages say; a word that the first tables have stays as it is there."""
    node.check_keys(list(RESULT_WORDS))
    meanings = {}
    for kind in RESULT_WORDS:
        entry = node.node(kind)
        entry.check_keys(["reason"], ["finding", "beside_a_number"])
        meanings[kind] = TextWord(entry.choice("reason", Reason), entry.get("finding"), "beside_a_number" in entry)
    for word, kind in world.items():
        if word not in words and word not in known:
            words[word] = meanings[kind]


def _age_units(node: YamlNode) -> dict[str, str]:
    node.check_keys([*AGE_UNITS, "h"])
    return {plain_name(word): unit for unit in node for word in node.texts(unit)}


def _sender_flags(node: YamlNode) -> dict[str, SenderFlag]:
    node.check_keys(list(SenderFlag))
    return {word: SenderFlag(kind) for word, kind in _invert(node).items()}


def _invert(node: YamlNode) -> dict[str, str]:
    result: dict[str, str] = {}
    for key in node:
        for word in node.texts(key):
            if result.setdefault(fold_word(word), key) != key:
                raise KnowledgeError(node.file, node.line(key), key, f"{word!r} has two meanings")
    return result
