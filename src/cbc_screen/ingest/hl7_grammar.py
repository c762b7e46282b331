"""HL7 v2: fields to texts, codes, values and times, by a message's own separators."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import TypeVar

from cbc_screen.ingest.hl7_frames import DEFAULTS, Marks, decoded
from cbc_screen.ingest.hl7_words import ObservationWords, OrderWords, PatientWords
from cbc_screen.ingest.results import ResultCode

_CACHED_LENGTH = 256  # fields up to here are read once for the file
CACHED_FIELDS = 8192
CACHED_PERSONS = 256
_CODED = frozenset(("CE", "CWE", "CF", "CNE"))
_COMPARATORS = frozenset(("", "<", "<=", ">", ">=", "=", "<>"))
_BLANKS = frozenset((".br", ".sp", ".ce", ".sk", ".in", ".ti"))  # formatting that parts words
NULL = '""'
_UNITS = (0, 1, 3, 4)  # the components of OBX-6 that are units; the others name their systems
_POWER_BASE = re.compile("[x×*]? ?10", re.IGNORECASE)
_POWER_REST = re.compile(r"[0-9]{1,2} ?/.*", re.DOTALL)
_TIME = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(\.\d+)?)?)?)?)?)?([+-]\d{3,4})?", re.ASCII
)  # fmt: skip
USUAL = Marks("|", *DEFAULTS)
_Found = TypeVar("_Found")


class Grammar:
    """How the fields of a message are parted and read, by its separators and character set."""

    def __init__(self, marks: Marks, charset: str) -> None:
        self.marks, self._charset = marks, charset
        escape = re.escape(marks.escape)
        self._sequences = re.compile(f"{escape}([^{escape}\\s]*){escape}") if marks.escape else None
        component, repetition, escaped, subcomponent = (
            received or default for received, default in zip(marks[1:], DEFAULTS, strict=True)
        )
        self._meanings = {
            "F": marks.field, "S": component, "R": repetition, "E": escaped, "T": subcomponent, "H": "", "N": "",
        }  # fmt: skip
        self._codes: dict[str, tuple[ResultCode, ...]] = {}
        self._units: dict[str, str] = {}
        self._other_units: dict[str, tuple[str, ...]] = {}
        # With these separators a number in digits is what it looks like in a field of any type.
        self.is_usual = marks == USUAL
        self.triggers: dict[str, tuple[str, str]] = {}  # kinds of messages, by MSH-9
        self.orders: dict[tuple[str, ...], OrderWords] = {}
        self.persons: dict[str, PatientWords] = {}  # by the text of their segments
        self.words: dict[tuple[str, ...], ObservationWords | None] = {}  # of fields beside a number in digits

    def text(self, received: str) -> str:
        """Replace the escape sequences of a text."""
        if self._sequences is None or self.marks.escape not in received:
            return received
        return self._sequences.sub(self._meaning, received)

    def _meaning(self, sequence: re.Match[str]) -> str:
        code = sequence[1]
        if code in self._meanings:
            return self._meanings[code]
        if code[:1] == "X":
            try:
                text = decoded(bytes.fromhex(code[1:]), self._charset)
            except ValueError:
                return ""
            return text.replace("\r\n", " ").replace("\r", " ").replace("\n", " ")
        return " " if code[:3].lower() in _BLANKS else ""

    def repetitions(self, received: str) -> list[str]:
        """Part a field into its repetitions."""
        return received.split(self.marks.repetition) if self.marks.repetition else [received]

    def components(self, received: str) -> list[str]:
        """Part a field without repetitions into texts; deleted ones are ""."""
        parts = received.split(self.marks.component) if self.marks.component else [received]
        return ["" if part == NULL else self.text(part) for part in parts]

    def first(self, received: str) -> str:
        """Return the first component of a field."""
        if received.isalnum():
            return received  # a letter, a time: nearly every one
        return self.components(self.repetitions(received)[0])[0].strip()

    def subcomponents(self, received: str) -> list[str]:
        """Part a component that is not unescaped yet into texts."""
        parts = received.split(self.marks.subcomponent) if self.marks.subcomponent else [received]
        return ["" if part == NULL else self.text(part) for part in parts]

    def identifier(self, received: str) -> str:
        """Return an identifier with who assigned it: "id^authority", "id", or ""."""
        parts = received.split(self.marks.component) if self.marks.component else [received]
        name = "" if parts[0] == NULL else self.text(parts[0]).strip()
        # A universal id stands in for a name that is not given: the same number at two
        # authorities is two persons.
        authority = next(filter(None, self.subcomponents(parts[3])[:2]), "") if len(parts) > 3 else ""
        return f"{name}^{authority}" if name and authority else name

    def order(self, received: str) -> str:
        """Return an order number with the system it comes from, or ""."""
        parts = self.components(self.repetitions(received)[0])
        number, system = parts[0].strip(), parts[1].strip() if len(parts) > 1 else ""
        return f"{number}^{system}" if number and system else number

    def coded_parts(self, received: str) -> list[str]:
        """Return the codes and texts of a coded field, of each of its repetitions, without their systems."""
        found = [self.components(part) for part in self.repetitions(received)] if received else []
        return list(dict.fromkeys(text for parts in found for place in (0, 1, 3, 4, 8) if (text := _at(parts, place))))

    def source_parts(self, received: str) -> list[str]:
        """Return what names a specimen source (OBR-15): its code and text; what follows is where it was taken.

        Many write the text as a second component, where the standard has the additive.
        """
        parts = received.split(self.marks.component)[:2] if self.marks.component else [received]
        texts = [text.strip() for part in parts for text in self.subcomponents(part)[:2]]
        return list(dict.fromkeys(filter(None, texts)))

    def with_system(self, received: str) -> list[str]:
        """Return the code and the name of a coded field, each with its system; nothing where it has none."""
        code, name, system = (*self.components(self.repetitions(received)[0]), "", "", "")[:3]
        return [f"{system} {text}" for text in (code.strip(), name.strip()) if text] if system.strip() else []

    def identifiers(self, received: str) -> list[str]:
        """Return the numbers of an entity that its placer and its filler gave."""
        parts = received.split(self.marks.component)[:2] if self.marks.component else [received]
        return [text for part in parts if (text := self.subcomponents(part)[0].strip())]

    def coded_texts(self, received: str, *places: int) -> str:
        """Return the texts of a coded field, or its code where it has none."""
        parts = self.components(self.repetitions(received)[0])
        return joined(_at(parts, place) for place in places) or _at(parts, 0) or _at(parts, 3)

    def all_texts(self, received: str) -> str:
        """Return all the texts of a field."""
        parts = received.split(self.marks.component) if self.marks.component else [received]
        return joined(text.strip() for part in parts for text in self.subcomponents(part))

    def codes(self, received: str) -> tuple[ResultCode, ...]:
        """Return the codes of OBX-3."""
        found = self._codes.get(received)
        if found is None:
            found = _codes(self.components(received))
            remember(self._codes, received, found)
        return found

    def unit(self, received: str) -> str:
        """Return the unit of OBX-6."""
        found = self._units.get(received)
        if found is None:
            found = self._unit(self.components(self.repetitions(received)[0]))
            remember(self._units, received, found)
        return found

    def _unit(self, parts: list[str]) -> str:
        if self._is_power(parts):
            return f"{parts[0]}^{parts[1]}"
        return next((parts[place] for place in _UNITS if _at(parts, place)), "")

    def _is_power(self, parts: list[str]) -> bool:
        """Tell "10^9/L" whose caret was not escaped, which is one unit and not the unit "10"."""
        return (
            self.marks.component == "^"
            and len(parts) > 1
            and bool(_POWER_BASE.fullmatch(parts[0].strip()) and _POWER_REST.fullmatch(parts[1]))
        )

    def other_units(self, received: str) -> tuple[str, ...]:
        """Return every further unit of OBX-6: its text, its alternate, and those of its repetitions."""
        if not self._has_several(received):
            return ()
        found = self._other_units.get(received)
        if found is None:
            repeated = [self.components(part) for part in self.repetitions(received)]
            # A power whose caret was not escaped is one unit.
            texts = [self._unit(parts) for parts in repeated]
            texts += [
                text for parts in repeated if not self._is_power(parts) for at in _UNITS if (text := _at(parts, at))
            ]
            found = tuple(dict.fromkeys(filter(None, texts)))
            remember(self._other_units, received, found)
        return found

    def _has_several(self, received: str) -> bool:
        marks = self.marks
        return bool(
            (marks.component and marks.component in received) or (marks.repetition and marks.repetition in received)
        )

    def value(self, kind: str, received: str) -> str:
        """Return the value of OBX-5 by the type of OBX-2."""
        if not self.marks.repetition or self.marks.repetition not in received:
            return self._one_value(kind, received)
        values = (self._one_value(kind, part) for part in received.split(self.marks.repetition))
        return " ~ ".join(dict.fromkeys(filter(None, values)))

    def _one_value(self, kind: str, received: str) -> str:
        if received == NULL:
            return received
        if kind == "SN":
            return _structured_number([part.strip() for part in self.components(received)])
        if kind in _CODED:
            parts = self.components(received)
            return next(filter(None, (_at(parts, place) for place in (1, 8, 0, 4, 3))), "")
        return self.text(received).strip(" \t")


def remember(cache: dict[str, _Found], received: str, found: _Found) -> None:
    """Keep what a field says, where it is not too long, among not too many."""
    if len(received) <= _CACHED_LENGTH:
        if len(cache) >= CACHED_FIELDS:
            cache.clear()
        cache[received] = found


def _at(parts: list[str], place: int) -> str:
    return parts[place].strip(" \t") if place < len(parts) else ""


def joined(texts: Iterable[str]) -> str:
    """Join texts, each once."""
    return " / ".join(dict.fromkeys(filter(None, texts)))


def _codes(parts: list[str]) -> tuple[ResultCode, ...]:
    parts += [""] * (9 - len(parts))
    found = tuple(
        ResultCode(parts[place], parts[place + 1], parts[place + 2])
        for place in (0, 3)
        if parts[place].strip() or parts[place + 1].strip()
    )
    # A name that stands only as original text is still a name.
    return found or ((ResultCode("", parts[8], ""),) if parts[8].strip() else ())


def _structured_number(parts: list[str]) -> str:
    """Write a comparator, a number, a separator and a number as one text."""
    comparator, first, separator, second = (*parts, "", "", "", "")[:4]
    if first and comparator in _COMPARATORS and not separator and not second:
        return comparator + first
    if first and second and separator == "-" and not comparator:
        return f"{first}-{second}"
    return " ".join(filter(None, parts))


def iso_date(received: str) -> str:
    """Write an HL7 date as ISO, its time cut off; what is none is passed on as it is."""
    found = _TIME.fullmatch(received)
    return (_calendar_date(found) if found else None) or received


def iso_time(received: str) -> str:
    """Write an HL7 time as ISO, as exact as it is; what is none is passed on as it is."""
    found = _TIME.fullmatch(received)
    date = _calendar_date(found) if found else None
    if found is None or date is None:
        return received
    hour, minute, second, fraction, zone = found.group(4, 5, 6, 7, 8)
    if hour is None:
        return date
    minute, second, shift = minute or "00", second or "00", _zone(zone)
    if hour > "23" or minute > "59" or second > "59" or shift is None:
        return received
    return f"{date}T{hour}:{minute}:{second}{fraction or ''}{shift}"


def _calendar_date(found: re.Match[str]) -> str | None:
    year, month, day = found.group(1, 2, 3)
    try:
        datetime.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join(filter(None, (year, month, day)))


def _zone(received: str | None) -> str | None:
    """Write a zone as ISO; some systems leave out the first digit of the hours."""
    if received is None:
        return ""
    digits = received[1:].zfill(4)
    return f"{received[0]}{digits[:2]}:{digits[2:]}" if digits[:2] <= "23" and digits[2:] <= "59" else None
