"""Header texts to analytes and to the person's fields, by exact synonym, never by prefix."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.normalize.person import parse_age_unit
from cbc_screen.vocabulary import Line, Reason

_UNIT_WORDS = ("unit", "units")
_LOWER_WORDS = ("lower limit", "lower", "lln", "ref low", "range low", "reference low")
_STATUS_WORDS = ("status", "result status")
_UPPER_WORDS = ("upper limit", "upper", "uln", "ref high", "range high", "reference high")


_UNIT_SHAPE = re.compile(
    r"[/%^*‰]|\b[xX]?10\s*[eE(]?\d|\bper\b|[µμ]|\b(?:cmm|cumm|mm3|[munfpdc]l|g|mg|pg|fl)\b", re.IGNORECASE
)
_LONGEST_UNIT = 24


class Role(StrEnum):
    """What a column is for."""

    ANALYTE = "analyte"
    UNIT = "unit"
    LOWER = "lower"
    UPPER = "upper"
    STATUS = "status"
    PERSON = "person"
    FINDING = "finding"
    POSSIBLE = "possible"  # it may be an analyte, and is not known to be: never the same as not sent
    REFUSED = "refused"
    OTHER = "other"


_BESIDE = (
    (_UNIT_WORDS, Role.UNIT),
    (_LOWER_WORDS, Role.LOWER),
    (_UPPER_WORDS, Role.UPPER),
    (_STATUS_WORDS, Role.STATUS),
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a header text means; `why` is given when it is refused, and `reason` when it is only possible."""

    role: Role
    name: str = ""
    unit: str | None = None
    why: str = ""
    reason: Reason | None = None


def plain_name(text: str) -> str:
    """Fold a name: lower case, % to percent, # to count, everything else to blanks.

    >>> plain_name("NEUT#"), plain_name("Red_Blood-Cells")
    ('neut count', 'red blood cells')
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    for mark, word in (("%", " percent "), ("\u2030", " permille "), ("#", " count ")):
        folded = folded.replace(mark, word)
    return " ".join(re.sub(r"[^0-9a-zà-ÿ]+", " ", folded).split())


class NameReader:
    """Reads header texts against the names of the knowledge tables."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._analytes = {name: analyte.id for analyte in knowledge.analytes.values() for name in analyte.names}
        self._people = {name: field for field, names in knowledge.words.columns.items() for name in names}
        self._findings = {name.replace("_", " "): name for name in knowledge.findings}
        white = [a for a in knowledge.analytes.values() if a.line is Line.WHITE and a.percent is not None]
        # Where these are not sent, the white line is judged on WBC: what may be one of them counts as sent.
        self.fallible = frozenset(name for a in white for name in (a.id, a.percent))
        self._fallible = {name: own for name, own in self._analytes.items() if own in self.fallible}
        self._not_results = {plain_name(word) for word in knowledge.not_results} | knowledge.not_blood

    def read(self, header: str) -> Meaning:
        """Say what a header text means."""
        text = " ".join(header.replace("\ufeff", "").split())
        whole = self._whole(text)
        parts = (self._with_unit(plain_name(base), unit.strip()) for base, unit in _splits(text))
        parted = next((meaning for meaning in parts if meaning is not None), None)
        if whole is None:
            return parted or self._possible(text)
        # "RDW-CV (%)" is a name as it stands, and states a unit all the same.
        same = parted is not None and (parted.role, parted.name) == (whole.role, whole.name)
        return parted if parted is not None and same else whole

    def _whole(self, text: str) -> Meaning | None:
        name = plain_name(text)
        if name in self._analytes:
            return Meaning(Role.ANALYTE, self._analytes[name])
        if name in self._people:
            return Meaning(Role.PERSON, self._people[name])
        if name in self._findings:
            return Meaning(Role.FINDING, self._findings[name])
        friend = self._knowledge.false_friends.get(name)
        if friend is not None and friend.count is not None:
            return Meaning(Role.POSSIBLE, friend.count, why=friend.why, reason=Reason.UNIT_MISSING)
        if friend is not None:
            return Meaning(Role.REFUSED, name, why=friend.why)
        for words, role in _BESIDE:
            for word in words:
                base = name.removesuffix(f" {word}")
                if base != name and base in self._analytes:
                    return Meaning(role, self._analytes[base])
        return self._age(name)

    def _possible(self, text: str) -> Meaning:
        """Say what a name may mean that is not known: an analyte with a unit in no list, or with other words.

        "Absolute Neutrophil Count (cells/cu.mm)" is neutrophils in an unknown unit, and
        "Neutrophils manual" may be neutrophils.
        """
        for base, unit in _splits(text):
            name = plain_name(base)
            if name in self._analytes and _looks_like_unit(unit):
                why = "the unit in its name is not known"
                return Meaning(Role.POSSIBLE, self._analytes[name], why=why, reason=Reason.UNIT_UNKNOWN)
        words = plain_name(text).split()
        if self._not_results.isdisjoint(words):
            for first in range(len(words)):
                for last in range(len(words), first, -1):
                    own = self._fallible.get(" ".join(words[first:last]))
                    if own is not None:
                        why = f"it may be {own}, under a name that is not known"
                        return Meaning(Role.POSSIBLE, own, why=why, reason=Reason.CODE_UNKNOWN)
        return Meaning(Role.OTHER)

    def _age(self, name: str) -> Meaning | None:
        for known, field in self._people.items():
            rest = name.removeprefix(f"{known} ").removeprefix("in ")
            if field == "age" and name != known and name.startswith(f"{known} ") and parse_age_unit(rest):
                return Meaning(Role.PERSON, "age", parse_age_unit(rest))
        return None

    def _with_unit(self, name: str, unit: str) -> Meaning | None:
        if name in self._people:
            chosen = parse_age_unit(unit)
            return Meaning(Role.PERSON, "age", chosen) if self._people[name] == "age" and chosen else None
        friend = self._knowledge.false_friends.get(name)
        if friend is not None and friend.count is None:
            return Meaning(Role.REFUSED, name, why=friend.why)
        if friend is not None and friend.count is not None and friend.percent is not None:
            candidates = [friend.count, friend.percent]
        elif name in self._analytes:
            own = self._knowledge.analytes[self._analytes[name]]
            candidates = [own.id, own.percent] if own.percent is not None else [own.id]
        else:
            return None
        found = [self._knowledge.analytes[c].units.find(unit) for c in candidates]
        for candidate, outcome in zip(candidates, found, strict=True):
            if isinstance(outcome, Factor):
                return Meaning(Role.ANALYTE, candidate, unit)
        refusal = found[0]
        if not isinstance(refusal, Factor) and refusal[0] is Reason.UNIT_CONFUSABLE:
            return Meaning(Role.ANALYTE, candidates[0], unit)
        return None


def _looks_like_unit(text: str) -> bool:
    """Tell whether a text is written like a unit: with a sign that units have, or a power of ten."""
    return _UNIT_SHAPE.search(text) is not None and len(text) <= _LONGEST_UNIT


def _splits(text: str) -> list[tuple[str, str]]:
    """Return the ways to part a header into a name and a unit."""
    ways: list[tuple[str, str]] = []
    for opening, closing in (("(", ")"), ("[", "]"), ("{", "}")):
        if text.endswith(closing) and opening in text:
            start = text.index(opening)
            ways.append((text[:start], text[start + 1 : -1]))
    words = re.split(r"[\s,;:]+", text)
    ways += [(" ".join(words[:place]), " ".join(words[place:])) for place in range(1, len(words))]
    return [(base, unit) for base, unit in ways if base.strip() and unit.strip()]
