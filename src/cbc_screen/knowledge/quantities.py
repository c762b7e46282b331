"""Analytes and units: the quantities of an export."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import of_page, plain_name
from cbc_screen.knowledge.unit_forms import UnitForms, load_forms
from cbc_screen.vocabulary import AnalyteGroup, Line, Reason

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

COUNT_OR_PERCENT = "count_or_percent"  # of a system of units: in which it reads such a name as a count
AMBIGUOUS = "may be a count or a percentage"  # what is said of a name that only its unit tells apart
# What adjustments of hemoglobin ask for by name: a setting, and a finding.
CIGARETTES, SMOKER_FINDING = "cigarettes_per_day", "smoker"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_LETTERS = re.compile(r"[^\W\d_a-zA-Z]+")  # of another script
_IN_BRACES = re.compile(r"\{[^{}]*\}")


def raise_digits(text: str) -> str:
    """Write raised digits as ^digits: Unicode folding alone would make 15¹ of 151.

    >>> raise_digits("10⁹")
    '10^9'
    """
    return _RAISED.sub(lambda digits: "^" + digits[0].translate(_SUPERSCRIPTS), text)


def normalize_unit(text: str) -> str:
    """Fold the Unicode variants of a unit spelling; case is kept, for it counts.

    >>> normalize_unit("×10⁹ / L")
    'x10^9/L'
    """
    text = of_page(text)
    if text.isascii():
        return "".join(text.split())
    plain = unicodedata.normalize("NFKC", raise_digits(text))
    plain = plain.replace("×", "x").replace("µ", "u").replace("μ", "u").replace("∕", "/").replace("−", "-")
    return "".join(plain.split())


@dataclass(frozen=True, slots=True)
class Factor:
    """canonical value = value x numerator / denominator."""

    numerator: int
    denominator: int


@dataclass(frozen=True)
class Spellings:
    """How else units are written: spellings of other languages, letters of other scripts, remarks in braces."""

    known: Mapping[str, str]  # a spelling, and the one of the tables
    letters: Mapping[str, str]  # a word of another script, and its Latin letters
    forms: UnitForms

    def others(self, unit: str, spelling: str) -> Iterator[str]:
        """Yield the ways to write a unit whose spelling is in no table."""
        if (known := self.known.get(spelling)) is not None:
            yield normalize_unit(known)
            return
        if (parted := self.forms.spelling(raise_digits(of_page(unit)))) is not None:
            yield parted
        if not spelling.isascii():
            latin = _LETTERS.sub(lambda word: self.letters.get(word[0].casefold(), word[0]), spelling)
            if latin != spelling:
                yield latin
                yield self.forms.spelling(latin) or latin
                spelling = latin
        bare = _IN_BRACES.sub("", spelling)
        if bare not in ("", spelling):
            yield bare  # "10*3{cells}/uL": what is in braces is a remark


@dataclass(frozen=True)
class AnyCase:
    """Spellings in lower case, where no other case of them means anything else."""

    accepted: Mapping[str, Factor]
    refused: Mapping[str, str]
    declared: Mapping[str, Mapping[str, Factor]]

    @classmethod
    def of(
        cls, accepted: Mapping[str, Factor], refused: Mapping[str, str], declared: Mapping[str, Mapping[str, Factor]]
    ) -> AnyCase:
        """Fold the spellings of a table."""
        meant: dict[str, set[object]] = {}
        for spelling, factor in accepted.items():
            meant.setdefault(spelling.casefold(), set()).add(factor)
        for spelling in refused:
            meant.setdefault(spelling.casefold(), set()).add("refused")
        return cls(
            {s.casefold(): factor for s, factor in accepted.items() if len(meant[s.casefold()]) == 1},
            {s.casefold(): why for s, why in refused.items() if meant[s.casefold()] == {"refused"}},
            {name: {s.casefold(): factor for s, factor in own.items()} for name, own in declared.items()},
        )


@dataclass(frozen=True, slots=True)
class UnitTable:
    """The closed unit table of one dimension."""

    dimension: str
    canonical: str
    accepted: Mapping[str, Factor]
    refused: Mapping[str, str]
    declared: Mapping[str, Mapping[str, Factor]]
    kind: str  # dimensions of one kind are mistaken for each other; another kind is another quantity
    foreign: frozenset[str]  # units of quantities that are no part of a blood count
    spellings: Spellings
    any_case: AnyCase

    def find(self, unit: str | None, convention: str | None = None) -> Factor | tuple[Reason, str]:
        """Return the factor of a unit spelling, or the reason why it is refused."""
        if unit is None:
            return Reason.UNIT_MISSING, "no unit is given"
        if (known := self.accepted.get(unit)) is not None:
            return known  # most are written as the table has them
        if not unit.strip():
            return Reason.UNIT_MISSING, "no unit is given"
        spelling = normalize_unit(unit)
        if spelling in self.accepted:
            return self.accepted[spelling]
        if (found := self._find(spelling, convention)) is not None:
            return found
        if any(self._is_scale(own, convention) for own in _IN_BRACES.findall(spelling)):
            return Reason.UNIT_CONFUSABLE, "in braces stands a scale, beside a unit that has another"
        for other in self.spellings.others(unit, spelling):
            if (found := self._find(other, convention)) is not None:
                return found
        return Reason.UNIT_UNKNOWN, "the unit is not in the closed table of this analyte"

    def _is_scale(self, remark: str, convention: str | None) -> bool:
        """Tell whether what stands in braces is no remark: a number, or a word that would be the scale of a count."""
        inside = remark.strip("{}")
        one, scaled = self._find("/uL", convention), self._find(f"{inside}/uL", convention)
        contradicts = isinstance(one, Factor) and isinstance(scaled, Factor) and one != scaled
        return contradicts or any(map(str.isnumeric, inside)) or self.spellings.forms.is_scale(inside)

    def _find(self, spelling: str, convention: str | None) -> Factor | tuple[Reason, str] | None:
        """Look one spelling up as it is written, then in another case where that can mean nothing else."""
        if spelling in self.accepted:
            return self.accepted[spelling]
        if convention is not None and (known := self.declared.get(convention, {}).get(spelling)) is not None:
            return known
        if spelling in self.refused:
            return Reason.UNIT_CONFUSABLE, self.refused[spelling]
        folded = spelling.casefold()
        if convention is not None and (known := self.any_case.declared.get(convention, {}).get(folded)) is not None:
            return known
        if folded in self.any_case.accepted:
            return self.any_case.accepted[folded]
        if folded in self.any_case.refused:
            return Reason.UNIT_CONFUSABLE, self.any_case.refused[folded]
        return None

    def is_of_another(self, unit: str, tables: Mapping[str, UnitTable]) -> bool:
        """Tell whether a unit belongs to another kind of quantity, and not to this one."""
        if not unit.strip() or any(isinstance(self.find(unit, own), Factor) for own in (None, *self.declared)):
            return False
        spelling = normalize_unit(unit)
        return spelling in self.foreign or any(
            table.kind != self.kind and spelling in table.accepted for table in tables.values()
        )


@dataclass(frozen=True, slots=True)
class Analyte:
    """One quantity of a blood count (or one chemistry value the checklist asks for)."""

    id: str
    label: str
    units: UnitTable
    names: tuple[str, ...]
    line: Line | None
    percent: str | None
    group: AnalyteGroup
    loinc: tuple[str, ...]
    plausible: tuple[float, float]
    zero_below: float | None = None  # a printed zero is a number rounded, of which limits are finer: less than this
    finding: str | None = None  # what any of it says, whatever its unit

    @property
    def unit(self) -> str:
        """The canonical unit."""
        return self.units.canonical

    @property
    def named_unit(self) -> str | None:
        """The unit that the name itself states: `neutrophils_percent` is in percent."""
        return self.units.canonical if self.id.endswith(("_percent", "_per_day")) else None

    @property
    def counted(self) -> bool:
        """Whether it is part of a blood count."""
        return self.group is AnalyteGroup.COUNT


@dataclass(frozen=True, slots=True)
class FalseFriend:
    """A name that looks like an analyte and is another thing, or that only its unit tells apart.

    A code of an analyte that it `agrees` with is not contradicted by it. Where it holds the
    analyte that it `may_be` among others, that counts as sent and not usable.
    """

    why: str
    count: str | None = None
    percent: str | None = None
    agrees: frozenset[str] = frozenset()
    may_be: str | None = None


def load_units(node: YamlNode, written: Mapping[str, str]) -> tuple[dict[str, UnitTable], dict[str, dict[str, str]]]:
    """Load units.yaml: the tables by dimension and what each unit system declares.

    `written` are spellings of other languages, each with the one that the tables have.
    """
    node.check_keys(["dimensions", "systems", "other_quantities", "letters", "forms"])
    letters = node.node("letters")
    latin = {word.casefold(): letters.text(word) for word in letters}
    spellings = Spellings(written, latin, load_forms(node.node("forms")))
    foreign = frozenset(normalize_unit(spelling) for spelling in node.texts("other_quantities"))
    tables: dict[str, UnitTable] = {}
    for dimension in node.node("dimensions"):
        entry = node.node("dimensions").node(dimension)
        entry.check_keys(["canonical", "accepted"], ["refused", "declared", "kind"])
        accepted: dict[str, Factor] = {}
        for group in entry.nodes("accepted"):
            group.check_keys(["factor", "spellings"], ["before", "behind"])
            _add_spellings(group, accepted)
        declared: dict[str, dict[str, Factor]] = {}
        for group in entry.nodes("declared"):
            group.check_keys(["factor", "spellings", "convention"])
            _add_spellings(group, declared.setdefault(group.text("convention"), {}))
        refused: dict[str, str] = {}
        for group in entry.nodes("refused"):
            group.check_keys(["spellings", "why"])
            for spelling in group.texts("spellings"):
                key = normalize_unit(spelling)
                if key in accepted:
                    raise group.error("spellings", f"{spelling!r} is accepted and refused at once")
                refused[key] = group.text("why")
        canonical = entry.text("canonical")
        if accepted.get(normalize_unit(canonical)) != Factor(1, 1):
            raise entry.error("canonical", "must be an accepted spelling with factor [1, 1]")
        kind = entry.text("kind") if "kind" in entry else dimension
        if both := foreign & accepted.keys():
            raise entry.error("accepted", f"{min(both)!r} is also listed under other_quantities")
        tables[dimension] = UnitTable(
            dimension, canonical, accepted, refused, declared, kind, foreign, spellings,
            AnyCase.of(accepted, refused, declared),
        )  # fmt: skip
    systems: dict[str, dict[str, str]] = {}
    for system in node.node("systems"):
        choices = node.node("systems").node(system)
        for name in choices:
            dimension = "cells" if name == COUNT_OR_PERCENT else name
            if dimension not in tables or not isinstance(tables[dimension].find(choices.text(name)), Factor):
                raise choices.error(name, "is not an accepted unit of a known dimension")
        systems[system] = {dimension: choices.text(dimension) for dimension in choices}
    return tables, systems


def _add_spellings(group: YamlNode, into: dict[str, Factor]) -> None:
    factor = group.get("factor")
    if not (isinstance(factor, list) and len(factor) == 2 and all(type(f) is int and f > 0 for f in factor)):
        raise group.error("factor", "must be [numerator, denominator], two positive whole numbers")
    products = (f"{one} {other}" for one in group.texts("before") for other in group.texts("behind"))
    for spelling in (*group.texts("spellings"), *products):
        key = normalize_unit(spelling)
        if into.get(key, Factor(*factor)) != Factor(*factor):
            raise group.error("spellings", f"{spelling!r} has two factors")
        into[key] = Factor(*factor)


def load_analytes(
    node: YamlNode, units: Mapping[str, UnitTable]
) -> tuple[dict[str, Analyte], dict[str, FalseFriend], int]:
    """Load analytes.yaml: analytes, names that may be a count or a percentage, and the age cap."""
    node.check_keys(
        ["analytes", "ambiguous", "not_results", "agreement", "age", "reported_range", "unit_suspect", "white_parts"]
    )
    analytes: dict[str, Analyte] = {}
    owner: dict[str, str] = {}
    codes: dict[str, str] = {}
    for entry in node.nodes("analytes"):
        entry.check_keys(
            ["id", "label", "dimension", "names", "plausible"],
            ["line", "percent_of_wbc", "group", "loinc", "zero_below", "finding"],
        )
        name = entry.text("id")
        if name in analytes:
            raise entry.error("id", "is given twice")
        if entry.text("dimension") not in units:
            raise entry.error("dimension", "is not in units.yaml")
        names = tuple(dict.fromkeys(map(plain_name, [name, *entry.texts("names")])))
        for synonym in names:
            if not synonym or owner.setdefault(synonym, name) != name:
                raise entry.error("names", f"{synonym!r} already names {owner.get(synonym, 'nothing')}")
        analytes[name] = Analyte(
            id=name,
            label=entry.text("label"),
            units=units[entry.text("dimension")],
            names=names,
            line=entry.choice("line", Line) if "line" in entry else None,
            percent=entry.text("percent_of_wbc") if "percent_of_wbc" in entry else None,
            group=entry.choice("group", AnalyteGroup) if "group" in entry else AnalyteGroup.COUNT,
            loinc=_loinc(entry, codes),
            plausible=_plausible(entry, units[entry.text("dimension")]),
            zero_below=_zero_below(entry, units[entry.text("dimension")]),
            finding=entry.text("finding") if "finding" in entry else None,
        )
    for analyte in analytes.values():
        if analyte.percent is not None and analyte.percent not in analytes:
            raise node.error("analytes", f"{analyte.id}: percent_of_wbc names no analyte")
    friends = _ambiguous(node, analytes, owner)
    age = node.node("age").node("implausible_from")
    age.check_keys(["value", "unit", "source"])
    if age.text("unit") != "y" or age.whole("value") < 1:
        raise age.error("value", "must be a whole number of years, 1 or more, with unit y")
    return analytes, friends, int(age.number("value"))


def _loinc(entry: YamlNode, codes: dict[str, str]) -> tuple[str, ...]:
    """Return the codes of an analyte; a wrong check digit or a code used twice is an error."""
    if len(set(entry.texts("loinc"))) != len(entry.texts("loinc")):
        raise entry.error("loinc", "a code is given twice")
    for code in entry.texts("loinc"):
        if not has_check_digit(code):
            raise entry.error("loinc", f"{code} has a wrong check digit")
        if codes.setdefault(code, entry.text("id")) != entry.text("id"):
            raise entry.error("loinc", f"{code} already means {codes[code]}")
    return tuple(entry.texts("loinc"))


def has_check_digit(code: str) -> bool:
    """Tell whether a LOINC code ends in its mod-10 check digit.

    >>> has_check_digit("718-7"), has_check_digit("718-8")
    (True, False)
    """
    number, dash, check = code.partition("-")
    if not (dash and number.isdecimal() and len(check) == 1 and check.isdecimal()):
        return False
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in number[::-1][0::2]]
    return (sum(doubled) + sum(map(int, number[::-1][1::2])) + int(check)) % 10 == 0


def _plausible(entry: YamlNode, units: UnitTable) -> tuple[float, float]:
    limits = entry.node("plausible")
    limits.check_keys(["lower", "upper", "unit", "source"])
    if limits.text("unit") != units.canonical:
        raise limits.error("unit", f"must be the canonical unit {units.canonical}")
    if not 0 <= limits.number("lower") < limits.number("upper"):
        raise limits.error("lower", "must be 0 or more, and less than upper")
    return limits.number("lower"), limits.number("upper")


def _zero_below(entry: YamlNode, units: UnitTable) -> float | None:
    if "zero_below" not in entry:
        return None
    limit = entry.node("zero_below")
    limit.check_keys(["value", "unit", "source"])
    if limit.text("unit") != units.canonical:
        raise limit.error("unit", f"must be the canonical unit {units.canonical}")
    if limit.number("value") <= 0:
        raise limit.error("value", "must be more than 0")
    return limit.number("value")


def _ambiguous(node: YamlNode, analytes: Mapping[str, Analyte], owner: Mapping[str, str]) -> dict[str, FalseFriend]:
    """Load the names that only a unit tells apart."""
    friends: dict[str, FalseFriend] = {}
    for entry in node.nodes("ambiguous"):
        entry.check_keys(["names", "count", "percent"])
        for name in map(plain_name, entry.texts("names")):
            if name in owner:
                raise entry.error("names", f"{name!r} also names {owner[name]}")
            friends[name] = FalseFriend(AMBIGUOUS, entry.text("count"), entry.text("percent"))
            for key in ("count", "percent"):
                if entry.text(key) not in analytes:
                    raise entry.error(key, "names no analyte")
    return friends
