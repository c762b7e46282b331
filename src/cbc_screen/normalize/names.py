"""Header texts to analytes and to the person's fields, by exact synonym, never by prefix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import LOST, parts_of, plain_name
from cbc_screen.knowledge.quantities import AMBIGUOUS, Factor
from cbc_screen.normalize.age import parse_age_unit
from cbc_screen.normalize.compound import agreed
from cbc_screen.normalize.remarks import CLUMPS_SUSPECTED, suspects_clumps
from cbc_screen.vocabulary import Line, Reason

# Brackets and marks of the full-width forms; the unit between them is folded where units are.
_PUNCTUATION = str.maketrans("（）［］｛｝【】，；：、", "()[]{}[],;:,")
_UNIT_SHAPE = re.compile(
    r"[/%^*‰]|\b[xX]?10\s*[eE(]?\d|\bper\b|[µμ]|\b(?:cmm|cumm|mm3|[munfpdc]l|g|mg|pg|fl)\b", re.IGNORECASE
)
_LONGEST_UNIT = 24
_MARKS = "/M"  # behind a name: the column of an analyzer's marks ("PLT/M")
_LONG = 5
_CONTESTED = "it means different things in different languages"
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")  # between the words of a name in a program
_LOINC = re.compile(r"\d{1,7}-\d")
_UNIT_WITHIN = re.compile(r"(?P<base>[^()\[\]]+?)\s*[(\[](?P<unit>[^()\[\]]+)[)\]]\s*(?P<rest>[^()\[\]]*)")
_NUMBERED = re.compile(r"(.*[)\]}])[._](\d{1,2})")
_PER = "per"
_LONGEST_TAIL = 5  # "thou"; longer words beside a name are other tests more often than units


class Role(StrEnum):
    """What a column is for."""

    ANALYTE = "analyte"
    UNIT = "unit"
    LOWER = "lower"
    UPPER = "upper"
    STATUS = "status"
    FLAG = "flag"
    COMPARATOR = "comparator"
    RANGE = "range"
    NOTE = "note"
    PERSON = "person"
    FINDING = "finding"
    POSSIBLE = "possible"  # it may be an analyte, and is not known to be: never the same as not sent
    AGAIN = "again"  # a further result of an analyte: possible where there is no other, else the two must agree
    REFUSED = "refused"
    OTHER = "other"


# A word before the name of an analyte is one of these more often than a part of another name.
_BEFORE = (Role.COMPARATOR, Role.NOTE, Role.RANGE)
_SAID = (Role.FLAG, Role.NOTE)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a header text means; `why` is given when it is refused, and `reason` when it is only possible."""

    role: Role
    name: str = ""
    unit: str | None = None
    why: str = ""
    reason: Reason | None = None


@lru_cache(maxsize=2)
def name_reader(knowledge: Knowledge) -> NameReader:
    """Return the reader of names of some knowledge, made once."""
    return NameReader(knowledge)


class NameReader:
    """Reads header texts against the names of the knowledge tables."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge, self._friends = knowledge, knowledge.friends
        self._named = {
            name: frozenset({analyte.id}) for analyte in knowledge.analytes.values() for name in analyte.names
        }
        self._named |= {
            name: frozenset(filter(None, (friend.count, friend.percent)))
            for name, friend in self._friends.names.items()
            if friend.count is not None
        }
        self._named = {**knowledge.names.analytes, **self._named}
        self._by_loinc = {code: analyte.id for analyte in knowledge.analytes.values() for code in analyte.loinc}
        own = {name: field for field, names in knowledge.words.columns.items() for name in names}
        self._people = {**knowledge.names.people, **own}
        self._findings = {**knowledge.film.names, **{plain_name(name): name for name in knowledge.findings}}
        self._judged = frozenset(a.id for a in knowledge.analytes.values() if a.line is not None)
        white = [a for a in knowledge.analytes.values() if a.line is Line.WHITE and a.percent is not None]
        # Where these are not sent, the white line is judged on WBC: what may be one of them counts as sent.
        self.fallible = frozenset(name for a in white for name in (a.id, a.percent) if name is not None)
        # Of other languages only longer names: "ne" stands in many a text.
        first = {name for analyte in knowledge.analytes.values() for name in analyte.names if len(name) > 2}
        apart = {name for name in knowledge.names.analytes if name.isascii() and len(name) < _LONG} - first
        self._fallible = {
            name: min(own) for name, own in self._named.items() if own <= self.fallible and name not in apart
        }
        self._fallible |= {name: min(own) for name, own in self._friends.agreeing.items() if own <= self.fallible}
        self._fallible |= dict.fromkeys(self._friends.may_be, min(self.fallible))
        # The same headers come with every small frame of a caller: reading them was a fifth of its time (measured).
        self.of_header = lru_cache(maxsize=1_024)(self.read)

    def read(self, header: str) -> Meaning:
        """Say what a header text means."""
        text = " ".join(header.replace("\ufeff", "").translate(_PUNCTUATION).split())
        found = self._read(text)
        if found.role in (Role.OTHER, Role.POSSIBLE) and (parted := _HUMP.sub(" ", text)) != text:
            again = self._read(parted)  # "AbsoluteNeutrophilCount"
            return again if found.role is Role.OTHER or again.role is Role.ANALYTE else found
        return found

    def _read(self, text: str) -> Meaning:
        whole = self._whole(text)
        ways = [*_splits(text), *self._over_volume(text)]
        parts = (self._with_unit(plain_name(base), unit.strip()) for base, unit in ways)
        parted = next((meaning for meaning in parts if meaning is not None), None)
        if whole is None:
            return parted or self._again(text) or self._refused(plain_name(text)) or self._possible(text)
        # "RDW-CV (%)" is a name as it stands, and states a unit all the same.
        same = parted is not None and (parted.role, parted.name) == (whole.role, whole.name)
        return parted if parted is not None and same else whole

    def _over_volume(self, text: str) -> list[tuple[str, str]]:
        """Part "ANC/µL" into a name and a unit, where what stands from the slash on is a unit of what the name may mean."""
        base, slash, volume = text.partition("/")
        unit = f"{slash}{volume}"
        may_be = self._candidates(self._analytes(plain_name(base))) if volume else []
        known = any(isinstance(self._knowledge.analytes[one].units.find(unit), Factor) for one in may_be)
        return [(base, unit)] if known else []

    def is_first_name(self, header: str, meaning: Meaning) -> bool:
        """Tell whether a header is a name of the first tables, alone or with its unit: no longer one, of no other language."""
        if meaning.role is Role.ANALYTE:
            names = self._knowledge.analytes[meaning.name].names
        else:
            names = self._knowledge.words.columns[meaning.name]
        text = " ".join(header.translate(_PUNCTUATION).split())
        bases = [text, *(base for base, unit in _splits(text) if meaning.unit and unit.strip() == meaning.unit)]
        return any(plain_name(base) in names for base in bases)

    def unit_in_name(self, header: str, analyte: str) -> str | None:
        """Return the unit that the name of a column states, whatever else it says: of a column that the caller names."""
        text = " ".join(header.translate(_PUNCTUATION).split())
        units = self._knowledge.analytes[analyte].units
        stated = [unit.strip() for _, unit in _splits(text) if _looks_like_unit(unit)]
        known = (unit for unit in stated if isinstance(units.find(unit), Factor))
        in_brackets = (unit.strip() for _, unit in _bracketed(text) if _looks_like_unit(unit))
        return next(known, None) or next(in_brackets, None)

    def names(self, name: str) -> bool:
        """Tell whether a folded name is one that is known: of an analyte, of the person or of a finding."""
        return bool(self._analytes(name)) or name in self._people or name in self._findings

    def _analytes(self, name: str) -> frozenset[str]:
        """Return what a folded name names: one analyte, a count and its percentage, or nothing that is known."""
        return self._named.get(name) or agreed(name, self._named, self._friends.agreeing)

    def _whole(self, text: str) -> Meaning | None:
        name = plain_name(text)
        asked = name.rstrip(f" {LOST}")  # "Pregnant?"
        if asked in self._people:
            return Meaning(Role.PERSON, self._people[asked])
        if text.endswith("?") and suspects_clumps(text):
            return Meaning(Role.FINDING, CLUMPS_SUSPECTED)  # an analyzer's "PLT Clumps?"
        if asked in self._findings:
            return Meaning(Role.FINDING, self._findings[asked])
        if text.endswith(_MARKS) and len(found := self._analytes(plain_name(text.removesuffix(_MARKS)))) == 1:
            return Meaning(Role.FLAG, min(found))
        if (friend := self._friend(name)) is not None:
            return friend
        if _LOINC.fullmatch(text) and text in self._by_loinc:
            return Meaning(Role.ANALYTE, self._by_loinc[text])
        if (contested := self._contested(name)) is not None:
            return contested
        found = self._analytes(name)
        if len(found) == 1:
            return Meaning(Role.ANALYTE, min(found))
        if found:
            return Meaning(Role.POSSIBLE, self._candidates(found)[0], why=AMBIGUOUS, reason=Reason.UNIT_MISSING)
        return self._beside(name) or self._beside_unit(text) or self._age(name)

    def _beside_unit(self, text: str) -> Meaning | None:
        """Read the name of a column beside those of an analyte with a unit in it: "HGB (g/dL) reference range"."""
        if (parted := _UNIT_WITHIN.fullmatch(text)) is None:
            return None
        found = self._beside(plain_name(f"{parted['base']} {parted['rest']}"))
        unit = None if found is None else self._knowledge.analytes[found.name].units.find(parted["unit"])
        return Meaning(found.role, found.name, parted["unit"]) if found and isinstance(unit, Factor) else None

    def _beside(self, name: str) -> Meaning | None:
        """Say whether a name is of a column beside those of an analyte: its unit, its limits, remarks on it."""
        for column, words in self._knowledge.beside.columns.items():
            role = Role(column)
            for word in words:
                bases = [name.removesuffix(f" {word}")]
                if role in _BEFORE:
                    bases += [
                        name.removeprefix(f"{word} "),
                        name.removeprefix(f"{word} on "),
                        name.removeprefix(f"{word} of "),
                        name.removeprefix(f"{word} for "),
                    ]
                for base in bases:
                    found = self._analytes(base) if base != name else frozenset[str]()
                    if len(found) == 1 or (role in _SAID and self._are_twins(found)):
                        return Meaning(role, min(found))
        return None

    def _are_twins(self, found: frozenset[str]) -> bool:
        """Tell whether a name is of a count or of its percentage: what is said of one is said of the other."""
        return any({name, self._knowledge.analytes[name].percent} == found for name in found)

    def _again(self, text: str) -> Meaning | None:
        """Say whether a name is of a further result of an analyte, and in which unit."""
        numbered = _NUMBERED.fullmatch(text)  # "PLT (10^9/L).1": a header that stands twice in a frame
        inner = f"{numbered[1]} {numbered[2]}" if numbered is not None else text
        ways = [(inner, ""), *((base, unit.strip()) for base, unit in _splits(text))]
        if numbered is not None:
            ways += [(f"{base} {numbered[2]}", unit.strip()) for base, unit in _splits(numbered[1])]
        for base, unit in ways:
            name = plain_name(base)
            whole = self._knowledge.beside.again_names.get(name)
            found = [whole] if whole is not None else []
            channel = False
            for rest, word in self._knowledge.beside.without_again(name):
                own = self._analytes(rest)
                if len(own) == 1:
                    channel = channel or self._knowledge.beside.is_channel(min(own), word)
                    found += [min(own)] if channel or self._knowledge.beside.says_again(min(own), word) else []
            for analyte in found:
                if not unit or isinstance(self._knowledge.analytes[analyte].units.find(unit), Factor):
                    why = f"a further result of {analyte}, or by another method"
                    role = Role.POSSIBLE if channel else Role.AGAIN
                    return Meaning(role, analyte, unit or None, why=why, reason=Reason.CODE_UNKNOWN)
        return None

    def _possible(self, text: str) -> Meaning:
        """Say what a name may mean that is not known: an analyte with a unit in no list, or with other words.

        "Absolute Neutrophil Count (cells/cu.mm)" is neutrophils in an unknown unit, "Platelets (zz)" and
        "HGB gpl" are what they say in what can only be one, and "Neutrophils manual" may be neutrophils.
        """
        for base, unit in [*_splits(text), *_short_tail(text)]:
            if (contested := self._contested(plain_name(base))) is not None:
                return contested
            own = self._analytes(plain_name(base))
            if own and (why := self._friends.why_not(text, min(own))) is not None:
                return Meaning(Role.REFUSED, plain_name(text), why=why)
            if len(own) == 1 and (_looks_like_unit(unit) or self._stands_for_unit(text, base, unit)):
                why = "the unit in its name is not known"
                return Meaning(Role.POSSIBLE, min(own), why=why, reason=Reason.UNIT_UNKNOWN)
        if (placed := self.named_within(text)) is not None:
            return placed
        words = parts_of(plain_name(text))
        if self._knowledge.not_results.isdisjoint(words):
            for first in range(len(words)):
                for last in range(len(words), first, -1):
                    name = self._fallible.get(" ".join(words[first:last])) or self._begun(words[first:last])
                    if name is not None:
                        why = f"it may be {name}, under a name that is not known"
                        return Meaning(Role.POSSIBLE, name, why=why, reason=Reason.CODE_UNKNOWN)
        return Meaning(Role.OTHER)

    def _begun(self, words: Sequence[str]) -> str | None:
        """Return neutrophils where a word is theirs, cut short or misspelled: "Neutrop", "Nuetrophils"."""
        (word, *others), friends = words, self._friends
        if others or not word.startswith(friends.begins) or word.startswith(friends.begins_not):
            return None
        return min(self.fallible)

    def named_within(self, text: str) -> Meaning | None:
        """Find the name of a count that a line is judged on among other words, in front of a unit of it.

        "baseline_plt (10^9/L)" is a number of platelets, of whatever moment: it was sent, and is not known to be the result.
        """
        for base, unit in _splits(text):
            words = parts_of(plain_name(base))
            for first in range(len(words)):
                for last in range(len(words), first, -1):
                    own = self._analytes(" ".join(words[first:last]))
                    if len(own) != 1 or min(own) not in self._judged:
                        continue
                    rest = [*words[:first], *words[last:]]
                    units = self._knowledge.analytes[min(own)].units
                    if isinstance(units.find(unit), Factor) and self._knowledge.not_results.isdisjoint(rest):
                        why = f"it may be {min(own)}, under a name that is not known"
                        return Meaning(Role.POSSIBLE, min(own), why=why, reason=Reason.CODE_UNKNOWN)
        return None

    def _stands_for_unit(self, text: str, base: str, unit: str) -> bool:
        """Tell whether a text stands where a unit does, in brackets or short and last, and is no word for something else."""
        other = self._knowledge.not_results
        there = (base, unit) in [*_bracketed(text), *_short_tail(text)]
        # Limits in brackets are printed behind the name of what they are of: "Neutrophils (normal 2-7)".
        limits = any(sign.isdigit() for sign in unit)
        return there and (limits or other.isdisjoint(parts_of(plain_name(unit))))

    def _age(self, name: str) -> Meaning | None:
        for known, field in self._people.items():
            rest = name.removeprefix(f"{known} ").removeprefix("in ")
            if field == "age" and name != known and name.startswith(f"{known} ") and (unit := self._age_unit(rest)):
                return Meaning(Role.PERSON, "age", unit)
        return None

    def _age_unit(self, text: str) -> str | None:
        """Return the unit of an age that a word is, in whatever language."""
        return parse_age_unit(text)

    def _with_unit(self, name: str, unit: str) -> Meaning | None:
        if unit.isdigit():
            return None  # "ANC_1": the first of several, and no share of one
        if name in self._people:
            chosen = self._age_unit(unit)
            return Meaning(Role.PERSON, "age", chosen) if self._people[name] == "age" and chosen else None
        if (friend := self._friend(name)) is not None:
            return friend
        candidates = self._candidates(self._analytes(name))
        if not candidates:
            return None
        found = [self._knowledge.analytes[c].units.find(unit) for c in candidates]
        for candidate, outcome in zip(candidates, found, strict=True):
            if isinstance(outcome, Factor):
                return Meaning(Role.ANALYTE, candidate, unit)
        refusal = found[0]
        if not isinstance(refusal, Factor) and refusal[0] is Reason.UNIT_CONFUSABLE:
            return Meaning(Role.ANALYTE, candidates[0], unit)
        # "WBC (urine)": a word that is no unit.
        return None if self._analytes(plain_name(f"{name} {unit}")) else self._refused(plain_name(f"{name} {unit}"))

    def _contested(self, name: str) -> Meaning | None:
        ways = self._knowledge.names.contested.get(name)
        if ways is None:
            return None
        return Meaning(Role.POSSIBLE, self._candidates(ways)[0], why=_CONTESTED, reason=Reason.CODE_UNKNOWN)

    def _candidates(self, found: frozenset[str]) -> list[str]:
        """Return the analytes that a name may mean, a count first: a unit tells it from its percentage."""
        known = self._knowledge.analytes
        may_be = found | {percent for name in found if (percent := known[name].percent) is not None}
        return [name for name in known if name in may_be] if len(may_be) > 1 else list(found)

    def _friend(self, name: str) -> Meaning | None:
        """Say what a whole name means that is known to be of another thing."""
        friend = self._friends.names.get(name)
        if friend is None or friend.count is not None:
            return None
        if friend.may_be is not None:
            return Meaning(Role.POSSIBLE, friend.may_be, why=friend.why, reason=Reason.CODE_UNKNOWN)
        return Meaning(Role.REFUSED, name, why=friend.why)

    def _refused(self, name: str) -> Meaning | None:
        why = self._friends.refuses(name)
        return Meaning(Role.REFUSED, name, why=why) if why else None


def _looks_like_unit(text: str) -> bool:
    """Tell whether a text is written like a unit: with a sign that units have, or a power of ten."""
    return _UNIT_SHAPE.search(text) is not None and len(text) <= _LONGEST_UNIT


def _bracketed(text: str) -> list[tuple[str, str]]:
    """Return the ways to part a header into a name and what stands behind it in brackets."""
    ways: list[tuple[str, str]] = []
    for opening, closing in (("(", ")"), ("[", "]"), ("{", "}")):
        if text.endswith(closing) and opening in text:
            places = dict.fromkeys((text.index(opening), text.rindex(opening)))
            ways += [(text[:start], text[start + 1 : -1]) for start in places]
    return ways


def _short_tail(text: str) -> list[tuple[str, str]]:
    """Return a name and its last part, however they are parted, where that is as short as a unit."""
    *base, last = plain_name(text).split() or [""]
    return [(" ".join(base), last)] if base and len(last) <= _LONGEST_TAIL else []


def _splits(text: str) -> list[tuple[str, str]]:
    """Return the ways to part a header into a name and a unit."""
    ways = _bracketed(text)
    words = re.split(r"[\s,;:]+", text)
    ways += [(" ".join(words[:place]), " ".join(words[place:])) for place in range(1, len(words))]
    # "hemoglobin_g_dl", "hgb_gdl": names of columns in programs have no slash.
    parts = text.split("_") if " " not in text else []
    for place in range(1, len(parts)):
        unit = parts[place:]
        ways.append(("_".join(parts[:place]), "/".join(unit)))
        if _PER in map(str.casefold, unit):
            ways.append(("_".join(parts[:place]), " ".join(unit)))  # "neutrophils_k_per_ul"
        if len(unit) == 1 and unit[0].isalpha():
            ways += [("_".join(parts[:place]), f"{unit[0][:cut]}/{unit[0][cut:]}") for cut in range(1, len(unit[0]))]
    return [(base, unit) for base, unit in ways if base.strip() and unit.strip()]
