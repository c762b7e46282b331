"""One result as text or number -> a value interval in the canonical unit, or a reason (one file: the only reader of results).

This is the only reader of results: a record, a column of text and a column of numbers
all come through here. Nothing is decided from the size of a number except that it is
refused (`plausible` in analytes.yaml).
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from math import inf, nan
from typing import NamedTuple

from cbc_screen.knowledge.fold import of_page
from cbc_screen.knowledge.quantities import Analyte, Factor, normalize_unit, raise_digits
from cbc_screen.knowledge.words import Words
from cbc_screen.normalize.gestation import WEEKS, in_weeks
from cbc_screen.normalize.thousands import straight, without_marks
from cbc_screen.vocabulary import Comparator, Presence, Reason

LONGEST_CELL = 256
_REMEMBERED = 2048
_NUMBER = r"\d+(?:\.\d*)?(?:[eE][+-]?\d{1,4})?|\.\d+(?:[eE][+-]?\d{1,4})?"
HALF = 0.5  # of the last place of a number that is printed without decimals
_PLAIN = re.compile(rf"([+-]?)({_NUMBER})(.*)", re.ASCII | re.DOTALL)
_RANGE = re.compile(rf"({_NUMBER})\s*(?:-|(?<=\s)to(?=\s))\s*({_NUMBER})(.*)", re.ASCII | re.DOTALL | re.IGNORECASE)
# "250.000" counts in a unit of which a sample holds thousands: 250, or 250 thousand?
# One mark, or groups of three: other numbers with marks between them are dates, lists, or who knows.
_MARKED = re.compile(r"(\d+)([.,]\d+|(?:[.,' ]\d{3})+)(?![\d.,'])\s*(\S.*)?", re.ASCII)
_MAYBE_THOUSANDS = re.compile(r"\d{1,3}\.\d{3}", re.ASCII)
# "12-Oct", "2-janv.", "Oct-12", "2024-10-12": what a spreadsheet makes of 10-12, in any language.
_DATE_BEHIND = re.compile(r"[-/.]\s*[^\W\d_].*", re.DOTALL)
_DATE = re.compile(r"[^\W\d_]{3,}\.?[-/ ](?:\d{1,2}|\d{4})|\d{4}-\d{1,2}-\d{1,2}(?:\D.*)?|\d{1,2}[月월].*", re.DOTALL)
_TAGGED = re.compile(r"<([A-Za-z][\w.:-]*)>(.*)</\1>")
_UNDECODABLE = re.compile("[\ud800-\udfff\ufffd]")  # what a decoder leaves of a bad byte
SNAP, SHORT = 1e6, 1e9
_THOUSAND = 1000
CHECKED = ("hemoglobin", "wbc", "neutrophils", "platelets")  # whose flags and marks are held against the value
_PER_MICROLITER = Factor(1, 1000)  # of a count
_LAKH = "L"  # "1.5L" may be written for 1.5 lakh
ROUNDINGS = 1e-15  # of two operations and of the number itself, relative


class Reading(NamedTuple):  # made a third as fast as a frozen dataclass (measured), one for every cell
    """What a cell says: an interval in canonical units, and why not more.

    Absent is NaN in both ends; unreadable is [0, inf] with a reason. `doubted` is what an
    implausible number would say if the other indices of its count confirmed it.
    """

    low: float
    high: float
    reason: Reason | None = None
    finding: str | None = None
    comparator: Comparator | None = None
    factor: Factor | None = None
    doubted: Reading | None = None

    @property
    def absent(self) -> bool:
        """Whether there was no result at all."""
        return self.low != self.low


ABSENT = Reading(nan, nan)
_NONE_SEEN = Reading(0.0, 0.0)  # none is none in any unit
_UNUSABLE = "NOT USABLE: "
_BETWEEN = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?) (\S+)", re.ASCII)


class Beside(NamedTuple):
    """What stands beside a number: the unit it is in, a bound, and a remark that changes nothing."""

    unit: str | None
    comparator: Comparator | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers are written in a source. Nothing but a point is assumed."""

    decimal: str = "."
    thousands: str = ""


POINT = NumberFormat()


def void(reason: Reason, finding: str | None = None) -> Reading:
    """Return the reading of a cell that says nothing about the number."""
    return Reading(0.0, inf, reason, finding)


def convert(value: float, factor: Factor) -> float:
    """Convert to the canonical unit so that a decimal text lands on its decimal result.

    39.3 % is 0.393 and not the float below it: two roundings of a number of up to nine
    decimals leave it within a few units of its last place, and six decimals are what limits
    have. A number that is no such decimal, such as the float just below 39.3, is only
    multiplied and divided, and stays below. `convert_column` does the same on arrays
    (tools/exactness.py).
    """
    if factor.numerator == factor.denominator:
        return value + 0.0  # no negative zero
    raw = value * factor.numerator / factor.denominator + 0.0
    if not math.isfinite(value * SHORT) or not math.isfinite(raw * SNAP):
        return raw
    short = round(value * SHORT) / SHORT == value or value == round(value)
    snapped = round(raw * SNAP) / SNAP
    return snapped if short and abs(raw - snapped) <= ROUNDINGS * raw else raw


def unusable(reason: Reason, between: str = "") -> str:
    """Write a result that was sent and cannot be used as a text, for a table; `read_text` reads it back.

    `between` are two numbers, with a unit, where the result is one of them or lies between.
    """
    return f"{_UNUSABLE}{reason} {between}".rstrip()


def fold(text: str) -> str:
    """Fold Unicode forms, digits of every script and blanks of a cell, without touching its words."""
    if text.isascii():
        return " ".join(text.split())
    signs = (
        raise_digits(text).replace("≤", "<=").replace("≥", ">=").replace("−", "-").replace("–", "-").replace("٫", ".")
    )
    plain = unicodedata.normalize("NFKC", signs)
    if not plain.isascii():
        plain = "".join(str(unicodedata.decimal(c, c)) for c in plain)
    return " ".join(plain.split())


def plain_number(text: str, mark: NumberFormat = POINT) -> float | None:
    """Read a number without unit or comparator; NaN for an empty text, None if unreadable."""
    plain = straight(fold(text))
    if not plain:
        return nan
    plain = without_marks(plain, mark.thousands, mark.decimal)
    if mark.decimal != ".":
        plain = "?" if "." in plain else plain.replace(mark.decimal, ".", 1)
    return (
        float(plain) if len(plain) <= LONGEST_CELL and re.fullmatch(rf"[+-]?(?:{_NUMBER})", plain, re.ASCII) else None
    )


class ResultReader:
    """Reads results of one analyte under one declaration of unit and number format."""

    def __init__(
        self,
        analyte: Analyte,
        words: Words,
        declared_unit: str | None = None,
        number_format: NumberFormat = POINT,
        convention: str | None = None,
    ) -> None:
        self.analyte, self._words = analyte, words
        self._declared, self._format, self._convention = declared_unit, number_format, convention
        self._marked = marked(analyte.id) if analyte.id in CHECKED else None
        self._signs = _by_first_character(words.operators)
        self._without_remark = lru_cache(maxsize=_REMEMBERED)(words.without_remark)  # few stand behind many numbers

    @property
    def plain_point(self) -> bool:
        """Whether numbers are written with a point and nothing else, as Arrow reads them."""
        return self._format == POINT

    def counts_singly(self, unit: str | None) -> bool:
        """Tell whether results are single cells: in such a unit "250.000" may be 250 thousand."""
        factor = self.factor(unit)
        return isinstance(factor, Factor) and _is_single(factor) and not self._format.thousands

    def read_text(self, text: str, unit: str | None = None) -> Reading:
        """Read a result as text; `unit` is the unit beside it, if the source has one."""
        reading = self._read_text(text, unit)
        if self.analyte.finding is not None and reading.reason is not None and reading.factor is None:
            return self._only_seen(reading, fold(text), self.analyte.finding)
        if reading.reason is Reason.TEXT_ATTACHED and self._marked is not None and _doubted(self._words).search(text):
            return reading._replace(finding=self._marked)
        return reading

    def _read_text(self, text: str, unit: str | None) -> Reading:
        if len(text) > LONGEST_CELL:
            return void(Reason.OVERSIZE)
        text = of_page(text)
        if not text.isascii():
            if _UNDECODABLE.search(text):
                return void(Reason.ENCODING)
            if any(unicodedata.category(c) == "No" for c in raise_digits(text) if not c.isascii()):
                # A circled or lowered digit is a footnote, or who knows: "15①" is not 151.
                return void(Reason.NUMBER_AMBIGUOUS)
        plain = fold(text)
        if plain[:1] == "<":
            plain = unescaped(plain)
        if self.analyte.units.dimension == WEEKS:
            plain = in_weeks(plain)
        upper = plain.upper()
        if upper in self._words.missing:
            return ABSENT
        word = self._words.texts.get(upper)
        if word is not None:
            return void(word.reason, word.finding)
        if upper.startswith(_UNUSABLE):
            return self._not_usable(plain)
        plain, flagged = self._without_flag(plain)
        comparator, rest = self._operator(plain)
        rest = without_marks(straight(rest), self._format.thousands, self._format.decimal)
        if self._format.decimal != ".":
            first = rest.split(" ", 1)[0]
            if "." in first and any(c.isdigit() for c in first):  # "s. Bem." has no number
                return self._at_least(rest, unit, comparator)
            rest = self._with_points(rest)
        if ("-" in rest or " to " in rest.lower()) and comparator is None:
            if _DATE.fullmatch(rest):
                return void(Reason.DATE_IN_RESULT)
            interval = _RANGE.fullmatch(rest)
            if interval is not None:
                return self._between(interval, unit)
        match = _PLAIN.fullmatch(rest)
        if match is None:
            return void(self._why_unreadable(rest))
        if match[3][:1] in (",", ".", "'") and match[3][1:2].isdigit():
            return self._at_least(rest, unit, comparator)
        value = float(match[2])
        if not math.isfinite(value):
            return void(Reason.NUMBER_NOT_FINITE)
        if match[1] == "-" and value != 0:
            return void(Reason.NUMBER_NEGATIVE)
        behind = match[3]
        if comparator is None and behind.startswith("+"):
            comparator, behind = Comparator.AT_LEAST, behind[1:]
        why = Reason.TEXT_ATTACHED if flagged else None
        if _MAYBE_THOUSANDS.fullmatch(match[2]) and not self._format.thousands:
            why = Reason.NUMBER_AMBIGUOUS
        return self._finish(value, value, comparator, behind, unit, why, _half_of_last_place(match[2]))

    def _with_points(self, rest: str) -> str:
        """Write the numbers of a result with a point: both ends where it is a range, "4,1-5,2"."""
        ends = rest.replace(self._format.decimal, ".")
        return ends if _RANGE.fullmatch(ends) else rest.replace(self._format.decimal, ".", 1)

    def _between(self, interval: re.Match[str], unit: str | None) -> Reading:
        """Read "4.1-5.2 g/dL"."""
        ends = interval[1], interval[2]
        reading = self._finish(float(ends[0]), float(ends[1]), None, interval[3], unit, Reason.NUMBER_RANGE)
        doubtful = not self._format.thousands and any(_MAYBE_THOUSANDS.fullmatch(end) for end in ends)
        single = reading.factor is not None and _is_single(reading.factor)
        return void(Reason.NUMBER_AMBIGUOUS) if doubtful and single else reading

    def _only_seen(self, reading: Reading, plain: str, finding: str) -> Reading:
        """Say of a result without a usable number whether any was seen: "present", "2+", "20" in no unit."""
        seen = self._words.presence.get(plain.casefold(), Presence.UNKNOWN)
        number = plain_number(plain.removesuffix("%").rstrip())
        if number == 0:
            return _NONE_SEEN
        if seen is Presence.UNKNOWN and number is not None:
            seen = Presence.PRESENT if number > 0 else Presence.UNKNOWN
        if seen is Presence.ABSENT:
            return ABSENT
        return reading._replace(finding=finding) if seen is Presence.PRESENT else reading

    def read_number(self, value: float, unit: str | None = None) -> Reading:
        """Read a bare number; NaN is an absent result."""
        if value != value:
            return ABSENT
        if not math.isfinite(value):
            return void(Reason.NUMBER_NOT_FINITE)
        if value < 0:
            return void(Reason.NUMBER_NEGATIVE)
        reading = self._finish(value, value, None, "", unit)
        if self.analyte.finding is None or reading.factor is not None:
            return reading
        return reading._replace(finding=self.analyte.finding) if value > 0 else _NONE_SEEN

    def read_parts(self, value: float | str | None, unit: str | None, comparator: Comparator | None) -> Reading:
        """Read a result whose comparator is given apart from its number."""
        if value is None:
            return ABSENT
        if comparator in (None, Comparator.EQUAL):
            return self.read_text(value, unit) if isinstance(value, str) else self.read_number(float(value), unit)
        text = value if isinstance(value, str) else repr(float(value))
        return self.read_text(f"{comparator} {text}", unit)

    def factor(self, unit: str | None) -> Factor | tuple[Reason, str]:
        """Return the factor for the unit beside a result, or for the declared one."""
        chosen = unit if unit is not None and unit.strip() else self._declared
        return self.analyte.units.find(chosen, self._convention)

    def zero_below(self, factor: Factor, rounding: float = HALF) -> float | None:
        """Return what a printed zero is less than, where limits are finer: half of its last place, in canonical units."""
        least = self.analyte.zero_below
        return None if least is None else min(least, convert(rounding, factor))

    def _operator(self, plain: str) -> tuple[Comparator | None, str]:
        if plain[:1].isdigit() and plain.isascii():
            return None, plain  # no sign begins with a digit, and only signs that are not ASCII stand behind
        upper = plain.upper()
        # Only a sign that is not ASCII may stand behind the number.
        signs = self._signs.get(upper[:1], ()) if plain.isascii() else self._words.operators
        for sign, comparator in signs:
            symbol = not sign[0].isalpha() or not sign.isascii()
            found = upper.startswith(sign) and (symbol or upper[len(sign) : len(sign) + 1] in (" ", *"0123456789."))
            if found:
                rest = plain[len(sign) :].strip()
                return (None if comparator is Comparator.EQUAL else comparator), rest
            if not sign.isascii() and upper.endswith(sign):
                return comparator, plain[: -len(sign)].strip()
        return None, plain

    def _not_usable(self, text: str) -> Reading:
        """Read what `unusable` wrote: a reason, and perhaps what the result lies between, however numbers are written here."""
        name, _, between = text[len(_UNUSABLE) :].strip().partition(" ")
        reason, found = _reason_of(name.upper()), _BETWEEN.fullmatch(between)
        factor = self.factor(found[3]) if found is not None else None
        if found is None or not isinstance(factor, Factor):
            return void(reason)
        return Reading(convert(float(found[1]), factor), convert(float(found[2]), factor), reason, factor=factor)

    def _without_flag(self, plain: str) -> tuple[str, bool]:
        """Take off a flag that stands before a number: "L 0.4"."""
        first, blank, rest = plain.partition(" ")
        if blank and first.upper() in self._words.flags and rest[:1] in "0123456789.<>":
            return rest, True
        return plain, False

    def _why_unreadable(self, rest: str) -> Reason:
        if _DATE.fullmatch(rest):
            return Reason.DATE_IN_RESULT
        if rest.upper() in ("INF", "+INF", "-INF", "INFINITY"):
            return Reason.NUMBER_NOT_FINITE
        return Reason.TEXT_RESULT if any(c.isalpha() for c in rest) else Reason.NUMBER_UNREADABLE

    def _finish(
        self,
        low: float,
        high: float,
        comparator: Comparator | None,
        rest: str,
        unit: str | None,
        reason: Reason | None = None,
        rounding: float = HALF,
    ) -> Reading:
        attached = rest.strip()
        if attached:
            beside = self._attached(attached, unit)
            if isinstance(beside, Reading):
                return beside
            if comparator is not None and beside.comparator is not None:
                return void(Reason.NUMBER_AMBIGUOUS)
            unit, comparator, reason = beside.unit, comparator or beside.comparator, reason or beside.reason
        factor = self.factor(unit)
        if not isinstance(factor, Factor):
            return void(factor[0])
        if reason is Reason.NUMBER_AMBIGUOUS:
            if _is_single(factor):
                return void(reason)
            reason = None
        if low > high:
            return void(Reason.NUMBER_UNREADABLE)
        one = high == low
        low = convert(low, factor)
        high = low if one else convert(high, factor)
        if not math.isfinite(low) or not math.isfinite(high):
            return void(Reason.NUMBER_NOT_FINITE)
        low, high, censored = opened_by(comparator, low, high)
        if high == 0 and censored is None and (below := self.zero_below(factor, rounding)) is not None:
            low, high, _ = opened_by(Comparator.BELOW, below, below)
        if high < 0:
            return void(Reason.NUMBER_NEGATIVE)
        reading = Reading(low, high, reason or censored, None, comparator, factor)
        limits = self.analyte.plausible
        # "<2" may be any number below it, believable ones too: only a number itself can be too low.
        if (high < limits[0] and censored is not Reason.CENSORED_LOW) or low > limits[1]:
            return Reading(0.0, inf, Reason.NUMBER_IMPLAUSIBLE, doubted=reading if low == high else None)
        return reading

    def _at_least(self, text: str, unit: str | None, comparator: Comparator | None) -> Reading:
        """Read a number whose mark may part decimals or thousands: no less than with decimals ("0,275", "1,200")."""
        found = _MARKED.fullmatch(text)
        own = unit if unit is not None and unit.strip() else None
        if found is None or comparator is not None or (found[3] and own):
            return void(Reason.NUMBER_AMBIGUOUS)
        factor = self.factor(found[3] or own)
        if not isinstance(factor, Factor):
            return void(Reason.NUMBER_AMBIGUOUS)
        whole, rest = found[1], re.sub(r"\D", "", found[2])
        # Behind a blank or an apostrophe there are thousands, or another number.
        low = convert(float(f"{whole}.{rest}" if found[2][0] in ".," else whole), factor)
        believed = math.isfinite(low) and low <= self.analyte.plausible[1]
        return Reading(low, inf, Reason.NUMBER_AMBIGUOUS, factor=factor) if believed else void(Reason.NUMBER_AMBIGUOUS)

    def _attached(self, attached: str, unit: str | None) -> Beside | Reading:
        """Say what the text behind a number is: a unit, a flag, a bound, or a remark that is known to be harmless.

        Anything else makes the result unknown: "250 do not use" is not 250.
        """
        word = self._words.texts.get(attached.upper())
        if word is not None and not word.kept and attached.upper() not in self._words.flags:
            return void(word.reason, word.finding)
        own = unit if unit is not None and unit.strip() else None
        left, comparator, remarked = attached, None, False
        while left and not self._is_unit(left):
            shorter, bound = self._without_remark(left)
            if shorter is None:
                break
            if comparator is not None and bound is not None:
                return void(Reason.NUMBER_AMBIGUOUS)
            left, comparator, remarked = shorter, comparator or bound, True
        if not left:
            return self._remarked(attached, own, comparator)
        found = self._unit_behind(left, own)
        if isinstance(found, Reading):
            return found
        return Beside(found, comparator, Reason.TEXT_ATTACHED if remarked and comparator is None else None)

    def _remarked(self, attached: str, own: str | None, comparator: Comparator | None) -> Beside | Reading:
        """Keep a number with nothing but a flag, a bound or a harmless remark behind it."""
        declared = own or self._declared
        if not declared:
            return void(Reason.UNIT_UNKNOWN if comparator is None else Reason.UNIT_MISSING)
        if attached.upper() == _LAKH and self.analyte.units.find(declared, self._convention) == _PER_MICROLITER:
            return void(Reason.NUMBER_AMBIGUOUS)  # "1.5L": low, or lakh
        return Beside(own, comparator, None if comparator is not None else Reason.TEXT_ATTACHED)

    def _is_unit(self, text: str) -> bool:
        return isinstance(self.analyte.units.find(text, self._convention), Factor)

    def _unit_behind(self, text: str, own: str | None) -> str | Reading:
        """Return the unit that a text behind a number names, or why it is none."""
        units = self.analyte.units
        known = units.find(text, self._convention)
        if isinstance(known, Factor):
            other = units.find(own, self._convention) if own else known
            return text if other == known else void(Reason.UNIT_CONFUSABLE)
        if text.upper() in self._words.scales:
            return void(Reason.UNIT_CONFUSABLE)  # "250 thou" beside "/uL": one of the two is wrong
        if known[0] is Reason.UNIT_CONFUSABLE:
            return void(Reason.UNIT_CONFUSABLE)
        if normalize_unit(text) in units.foreign:
            return void(Reason.UNIT_UNKNOWN)  # "8 /HPF" is no day of a month
        if _DATE_BEHIND.fullmatch(text):
            return void(Reason.DATE_IN_RESULT)
        if any(character.isdigit() for character in text):
            return void(Reason.NUMBER_AMBIGUOUS)  # "1 200", "55.0 % 4.40": two numbers
        if not (own or self._declared) or any(character in normalize_unit(text) for character in "/%^*"):
            return void(Reason.UNIT_UNKNOWN)
        for word, meaning in self._words.texts.items():
            if not meaning.kept and len(word) > 3 and word in text.upper():
                return void(meaning.reason, meaning.finding)
        return void(Reason.TEXT_ATTACHED)


def marked(analyte: str) -> str:
    """Return the finding that a result is marked as one to be checked."""
    return f"{analyte}_marked"


def _doubted(words: Words) -> re.Pattern[str]:
    """Return what finds an analyzer's mark of doubt ("44*"), and not the sign of a power ("10*9/L")."""
    return _of_marks(words.doubt_marks)


@lru_cache(maxsize=4)
def _of_marks(marks: frozenset[str]) -> re.Pattern[str]:
    each = "|".join(re.escape(mark) for mark in sorted(marks))
    return re.compile(rf"(?<!\d)(?:{each})|(?:{each})(?!\d)")


def _is_single(factor: Factor) -> bool:
    return factor.denominator >= _THOUSAND * factor.numerator


def unescaped(text: str) -> str:
    """Take off what a page made of a sign, and the tag that an interface left around a value.

    >>> unescaped("&lt;0.1"), unescaped("&#60;0.1"), unescaped("<OBX.5.1>&lt;10</OBX.5.1>")
    ('<0.1', '<0.1', '<10')
    """
    if "&" in text:
        text = fold(of_page(text))
    tagged = _TAGGED.fullmatch(text)
    return tagged[2].strip() if tagged is not None else text


def _reason_of(name: str) -> Reason:
    """Return the reason that `unusable` wrote."""
    return Reason(name) if name in tuple(Reason) else Reason.TEXT_RESULT


def _half_of_last_place(number: str) -> float:
    """Return what a printed number may be off by rounding."""
    digits = number.lower().partition("e")[0].partition(".")[2]
    return HALF * 10.0 ** -len(digits)


@lru_cache(maxsize=4)
def _by_first_character(
    operators: tuple[tuple[str, Comparator], ...],
) -> dict[str, tuple[tuple[str, Comparator], ...]]:
    return {sign[0]: tuple(pair for pair in operators if pair[0][0] == sign[0]) for sign, _ in operators}


def opened_by(comparator: Comparator | None, low: float, high: float) -> tuple[float, float, Reason | None]:
    """Open one end: "<10" is every number from 0 to just under 10."""
    match comparator:
        case Comparator.BELOW:
            return 0.0, math.nextafter(low, -inf), Reason.CENSORED_LOW
        case Comparator.AT_MOST:
            return 0.0, high, Reason.CENSORED_LOW
        case Comparator.ABOVE:
            return math.nextafter(high, inf), inf, Reason.CENSORED_HIGH
        case Comparator.AT_LEAST:
            return low, inf, Reason.CENSORED_HIGH
        case _:
            return low, high, None
