"""The language of a file: told by the names of its columns, and what letters for sex mean in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import fold_word, plain_name
from cbc_screen.knowledge.world_words import MEMORY, SEEN, name_files

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from cbc_screen.knowledge.strict import YamlNode
    from cbc_screen.knowledge.words import Words

ENGLISH = "en"
_NAMES = ("analytes", "count_or_percent", "people", "table")
_ABOUT = ("people", "table")  # a column of the person or of the table is called in words of the language
_STRONG, _WEAK, _ENOUGH = 2, 1, 2  # one such name is enough; of short names of analytes, that travel, two
_MOST = 3  # languages that may be meant; more tell nothing
_SEXES = ("F", "M", "unknown")


@dataclass(frozen=True, slots=True)
class Languages:
    """By which names each language is told, and its letters for sex.

    `names` are the languages of a folded name, with what one such name is worth; `letters` the sets of letters that
    stand for a sex in a language, each from the letter to the sex.
    """

    names: Mapping[str, tuple[frozenset[str], int]]
    letters: Mapping[str, tuple[Mapping[str, str], ...]]

    @property
    def known(self) -> tuple[str, ...]:
        """The languages, by their codes."""
        return tuple(self.letters)

    def of(self, headers: Iterable[str]) -> tuple[str, ...]:
        """Return the languages that the names of columns may be in: none where nothing tells."""
        votes: Counter[str] = Counter()
        for header in headers:
            languages, worth = self._of_one(header)
            votes.update(dict.fromkeys(languages, worth))
        most = max(votes.values(), default=0)
        found = tuple(sorted(language for language, many in votes.items() if many == most))
        return found if most >= _ENOUGH and len(found) <= _MOST else ()

    def _of_one(self, header: str) -> tuple[frozenset[str], int]:
        words = plain_name(header).split()
        shorter = (" ".join(words[:last]) for last in range(len(words), 0, -1))  # without a unit behind it
        return next((self.names[name] for name in shorter if name in self.names), (frozenset(), 0))

    def sexes(self, seen: frozenset[str], languages: Iterable[str], unknown: frozenset[str]) -> dict[str, str] | None:
        """Return what the letters of a column mean in a language that is one of these; None where none of them says.

        `unknown` are letters that stand for no sex elsewhere. A letter on which the languages, or the sets of letters
        of one, differ is left out.
        """
        chosen = [one for language in languages for one in self._sets(language, seen, unknown)]
        if not chosen:
            return None
        ways = {letter: {one.get(letter, "unknown") for one in chosen} for letter in seen}
        return {letter: next(iter(own)) for letter, own in ways.items() if len(own) == 1}

    def _sets(self, language: str, seen: frozenset[str], unknown: frozenset[str]) -> list[Mapping[str, str]]:
        """Return the sets that hold every letter which stands for a sex, those with most of the letters.

        One letter that stands for no sex elsewhere (u, n) tells nothing alone.
        """
        holding = [one for one in self.letters.get(language, ()) if seen - unknown <= one.keys()]
        if seen <= unknown:
            return holding if len(seen) > 1 else [*holding, {}]
        most = max((len(seen & one.keys()) for one in holding), default=0)
        return [one for one in holding if len(seen & one.keys()) == most]


def load_languages(node: YamlNode, root: Traversable, words: Words) -> Languages:
    """Load languages.yaml; columns and letters that it names must be those of demographics.yaml."""
    node.check_keys(["source", "english", "languages"])
    english = {plain_name(word) for word in node.texts("english")}
    own = node.node("languages")
    names: dict[str, tuple[set[str], int]] = {}
    files = {file.text("language"): file for file in name_files(root)}
    if own.keys() != files.keys():
        raise node.error("languages", f"are not those of names/: {', '.join(sorted(own.keys() ^ files.keys()))}")
    known = {name for own_names in words.columns.values() for name in own_names}
    letters = {}
    for language in own:
        entry = own.node(language)
        entry.check_keys([], ["columns", "sex"])
        people = [plain_name(name) for name in entry.texts("columns")]
        for name in people:
            if name not in known:
                raise entry.error("columns", f"{name!r} is no column of demographics.yaml")
        for name, worth in [*((name, _STRONG) for name in people), *_names_of(files[language])]:
            of, before = names.setdefault(name, (set(), worth))
            of.add(language)
            names[name] = of, max(before, worth)
        letters[language] = tuple(_letters(one) for one in entry.nodes("sex"))
        for letter in (letter for one in letters[language] for letter in one):
            if letter not in words.sex_letters.used:
                raise entry.error("sex", f"{letter!r} is none of sex_letters in demographics.yaml")
    told = {name: (frozenset(of), worth) for name, (of, worth) in names.items() if name and ENGLISH not in of}
    return Languages({name: own for name, own in told.items() if not english.issuperset(name.split())}, letters)


def _names_of(file: YamlNode) -> list[tuple[str, int]]:
    found = []
    for section in (section for section in _NAMES if section in file):
        for key in (own := file.node(section)):
            for way in (SEEN, MEMORY):
                for name in map(plain_name, own.node(key).texts(way)):
                    strong = section in _ABOUT or not name.isascii()
                    found.append((name, _STRONG if strong else _WEAK))
    return found


def _letters(node: YamlNode) -> dict[str, str]:
    node.check_keys([], _SEXES)
    found: dict[str, str] = {}
    for sex in node:
        for letter in map(fold_word, node.texts(sex)):
            if len(letter) != 1 or found.setdefault(letter, sex) != sex:
                raise node.error(sex, f"{letter!r} is not one letter of one sex")
    return found
