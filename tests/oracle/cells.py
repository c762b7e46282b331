"""Results as exports write them, garbled in every way that was seen, each with what it can mean (one file: one subject, whose cases share what they build).

A cell means exactly a value, an interval, anything at all (sent and not usable), or it was not
sent. Where two readings are possible the truth holds both.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from oracle.tables import Tables
from oracle.truth import ANYTHING, ONE, Interval, above, below, point


class Quantity(NamedTuple):
    """How an analyte is written: units with the power of ten they stand for, and what is refused."""

    units: Sequence[tuple[str, int]]  # canonical = printed x 10^power; the first is canonical
    confusable: Sequence[str]
    places: int  # decimals of the canonical number that the limits have
    usual: tuple[float, float]
    low: tuple[float, float]
    beyond: Sequence[str]  # canonical numbers that nobody's blood has


_CELLS: Sequence[tuple[str, int]] = (
    *(("10^9/L", 0), ("10*9/L", 0), ("x10^9/L", 0), ("G/L", 0), ("K/uL", 0), ("10*3/uL", 0), ("x10E3/uL", 0)),
    *(("10^3/µL", 0), ("K/mm3", 0), ("/uL", -3), ("cells/uL", -3), ("/mm3", -3), ("10*6/L", -3)),
)  # fmt: skip
_NOT_CELLS = ("%", "K", "thousand", "M/uL", "10^12/L", "g/dL", "mm3", "10^9/mL", "10^3", "fL")
_PERCENT: Sequence[tuple[str, int]] = (("%", 0), ("percent", 0))


def _share(usual: tuple[float, float]) -> Quantity:
    return Quantity(_PERCENT, ("10^9/L", "/uL", "ratio"), 1, usual, (0, usual[0]), ("101", "250", "1e30"))


def _cells(places: int, usual: tuple[float, float], low: float, *beyond: str) -> Quantity:
    return Quantity(_CELLS, _NOT_CELLS, places, usual, (0, low), beyond)


QUANTITIES: Mapping[str, Quantity] = {
    "hemoglobin": Quantity(
        (("g/L", 0), ("g/dL", 1), ("G/DL", 1), ("gm/dL", 1), ("g/100mL", 1), ("mg/mL", 0), ("gm%", 1)),
        ("mmol/L", "mg/dL", "%", "10^9/L", "g", "L/L"),
        1,
        (105, 175),
        (30, 110),
        ("1", "9", "19", "19.9", "251", "300", "1400", "1e30"),
    ),
    "wbc": _cells(2, (3, 13), 4.5, "1900", "5000", "1e30"),
    "neutrophils": _cells(3, (1.2, 8), 2, "300", "1800", "1e30"),
    "platelets": _cells(1, (120, 450), 170, "9000", "15000", "1e30"),
    "hematocrit": Quantity(
        (("L/L", 0), ("%", -2)), ("g/dL", "ratio", "fL"), 4, (0.3, 0.55), (0.1, 0.35), ("1.2", "45")
    ),
    "rbc": Quantity(
        (("10^12/L", 0), ("10*6/uL", 0), ("x10E12/L", 0), ("T/L", 0), ("million/uL", 0)),
        ("10^9/L", "M", "%", "fL"),
        3,
        (3.2, 6),
        (1.5, 4),
        ("25", "450"),
    ),
    "mcv": Quantity((("fL", 0), ("fl", 0), ("um3", 0)), ("pg", "%"), 2, (65, 115), (51, 80), ("900", "8")),
    "mch": Quantity((("pg", 0), ("PG", 0)), ("g", "fL"), 2, (22, 36), (15, 27), ("290", "3000")),
    "mchc": Quantity((("g/L", 0), ("g/dL", 1), ("%", 1)), ("mmol/L", "pg"), 1, (290, 375), (240, 320), ()),
    "rdw_cv": Quantity((("%", 0),), ("fL", "10^9/L"), 2, (11.5, 20), (9, 13), ("140",)),
    "mpv": Quantity((("fL", 0),), ("pg", "%"), 2, (6, 12), (4, 7), ()),
    "lymphocytes": _cells(3, (0.8, 5), 1.2),
    "monocytes": _cells(3, (0.2, 1.2), 0.3),
    "eosinophils": _cells(3, (0.02, 1), 0.05),
    "basophils": _cells(4, (0.01, 0.15), 0.02),
    "reticulocytes": Quantity(
        (("10^9/L", 0), ("10*9/L", 0), ("K/uL", 0), ("10^12/L", 3), ("/uL", -3)),
        ("%", "K", "10^3"),
        2,
        (20, 120),
        (0, 65),
        (),
    ),
    "neutrophils_percent": _share((10, 90)),
    "lymphocytes_percent": _share((5, 70)),
    "bands_percent": _share((0, 20)),
    "reticulocytes_percent": Quantity(_PERCENT, ("10^9/L", "/uL", "ratio"), 3, (0.3, 3.5), (0, 0.7), ("101", "1e30")),
    "nrbc": Quantity((("/100 WBC", 0), ("/100WBC", 0)), ("10^9/L", "/uL"), 1, (0, 120), (0, 5), ()),
}
UNKNOWN_UNITS = ("zz", "AU", "furlongs", "mmHg", "units", "x", "g/foo", "/lpf", "U/L", "cells", "???", "µ")

# Beside a number: it still means the number.
HARMLESS = ("{0} L", "{0} H", "{0} LL", "{0} HH", "{0}*", "{0} *", "{0} (L)", "{0} (H)", "{0} A", "L {0}", "{0} L*")
HARMLESS += ("{0} see note", "{0} low", " {0} ", "\u00a0{0}", "+{0}", "00{0}", "{0} N", "= {0}", "{0} HIGH")
# Beside a number: nobody can tell what is true.
VOIDING = (
    *("{0} do not use", "{0} wrong sample", "{0} (previous)", "{0} not valid", "{0} fibrin", "{0} clotted", "{0}?"),
    *("{0} hemolyzed", "{0} diluted", "{0} contaminated", "{0} ?", "~{0}", "ca. {0}", "approx {0}", "{0} approx"),
    *("{0} est.", "{0}<", "{0}>", "{0}-", "{0} repeat", "{0} repeat pending", "{0} err", "{0} error", "{0} invalid"),
    *("{0} old", "{0} CLUMPED", "{0} clumps seen", "not {0}", "{0} cancelled", "{0} xyz", "{0} wrong patient"),
    *("{0} after transfusion", "{0} unreliable", "{0} no usar", "{0} nicht verwerten", "{0} 不可用", "{0} verworfen"),
    *("({0})", "{0}/{1}", "{0};{1}", "{0} ({1})", "{0} ± 1", "{0} {1}", "{0} to be confirmed", "{0} delta check"),
    *("{0} drip arm", "{0} x10^3", "{0} mil", "{0}²", "{0}①", "{0}\u2075", "{0}\ufffd", "{0} below detection"),
    *("{0} expected", "{0} target", "{0} not measured", "{0} unless clumped", "{0} smear estimate", "{0} / pending"),
    *("estimated {0}", "{0} Lakhs lakhs", "{0}e", "{0}..", "..{0}", "--{0}", "{0}--{1}", "0x{0}", "{0}_000"),
)
WORDS = ("CLUMPED", "QNS", "see note", "TNTC", "?", "pending", "hemolyzed", "abc", "normal", "adequate", "clotted")
WORDS += (
    "#VALUE!",
    "error",
    "not done",
    "cancelled",
    "see below",
    "low",
    "very low",
    "....",
    "%",
    "<",
    ">",
    "<=",
    ">=",
)
WORDS += (
    "unable to report",
    "do not use",
    "sin dato",
    "未检",
    "inf",
    "-inf",
    "Infinity",
    "1e400",
    "1.2.3",
    "1,2,3",
    "()",
)
DATES = (
    "{d}-Oct",
    "{d}-Jan",
    "Oct-{d}",
    "{d}. Mai",
    "{d}-okt",
    "{d}-Dez",
    "2024-10-{d:02}",
    "{d}/10/2024",
    "{d}/10",
    "janv-{d}",
)
DATES += (
    "{d}-Oct-24",
    "{d} de enero",
    "{d}-Мар",
    "{d}月{d}日",
    "10/{d}",
    "{d}.10.2024",
    "2024/10/{d:02}",
    "Sep {d}",
    "{d}-Ago",
)
MISSING = ("", "", "", "N/A", "NA", "-", ".", "NULL", "nan", "--", "None")
BELOW = ("<{0}", "< {0}", "less than {0}", "under {0}", "&lt;{0}", "&lt; {0}", "&#60;{0}", "<{0} L", "＜{0}", "LT {0}")
AT_MOST = ("<={0}", "≤{0}", "<= {0}", "up to {0}", "{0} or less", "{0} at most", "at most {0}", "=<{0}", "{0} or below")
ABOVE = (">{0}", "> {0}", "more than {0}", "over {0}", "&gt;{0}", "＞{0}", "GT {0}")
AT_LEAST = (">={0}", "≥{0}", "{0}+", "{0} or more", "at least {0}", "=>{0}", "{0} and above")
UNFINISHED = (
    "P",
    "I",
    "X",
    "D",
    "O",
    "preliminary",
    "pending",
    "cancelled",
    "registered",
    "R",
    "entered-in-error",
    "blah",
)
OBJECTS = ("object Decimal", "object float32", "object bool", "object date", "object Timestamp", "object infinity")
OBJECTS += ("object bytes", "object list", "object negative")
FINISHED = ("F", "C", "A", "final", "corrected", "amended", "", None)
_WIDE = str.maketrans("0123456789.", "０１２３４５６７８９．")
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


class Cell(NamedTuple):
    """One result: what is written, its unit beside it, what it can mean (None: not sent), and the kind."""

    text: str | None
    unit: str | None
    truth: Interval | None
    kind: str
    power: int | None = None  # of ten, of the unit; None where the unit is not known
    status: str | None = None


NOTHING = Cell(None, None, None, "nothing")


def written(value: int, power: int, places: int) -> str:
    """Write a number of billionths in a unit, with so many decimals of its canonical form or as many as it has."""
    while value % 10 ** (9 - places):
        places += 1
    decimals = places + power
    digits = value // 10 ** (9 - places)
    if decimals <= 0:
        return str(digits * 10**-decimals)
    text = str(digits).rjust(decimals + 1, "0")
    return f"{text[:-decimals]}.{text[-decimals:]}"


class Cells:
    """A seeded source of cells. `unit_of` fixes the unit of an analyte where it is not written."""

    def __init__(self, tables: Tables, pick: random.Random, *, decimal: str = ".", objects: bool = False) -> None:
        self.pick, self.decimal = pick, decimal
        self.critical = {a: [int(n) for n in numbers] for a, numbers in tables.critical.items()}
        self._garblers: list[Callable[[_Draft], Cell]] = []
        weights: list[int] = []
        for weight, garbler in (
            (10, self._harmless),
            (16, self._censored),
            (6, self._between),
            (14, self._voiding),
            (10, self._word),
            (6, self._date),
            (6, self._scale),
            (6, self._marks),
            (10, self._units),
            (6, self._beyond),
            (3, self._odd_digits),
            (4, self._negative),
            (6, self._status),
            (2, self._too_long),
            (12 if objects else 0, self._object),
        ):
            self._garblers.append(garbler)
            weights.append(weight)
        self._weights = weights

    # Values ----------------------------------------------------------------------------------

    def value(self, analyte: str) -> int:
        """Draw a true value: near a limit, usual, or low."""
        pick, quantity = self.pick, QUANTITIES[analyte]
        chance = pick.random()
        step = 10 ** (9 - quantity.places)
        limits = self.critical.get(analyte)
        if limits and chance < 0.5:
            value = pick.choice(limits) + pick.choice((-20, -3, -1, -1, 0, 0, 0, 1, 1, 3, 20)) * step
        else:
            low, high = quantity.usual if chance < 0.8 else quantity.low
            value = int((low + (high - low) * pick.random()) * ONE)
        value = max(value, 0) // step * step
        if analyte == "hemoglobin":
            value = min(max(value, 21 * ONE), 249 * ONE)
        if analyte == "mcv":
            value = max(value, 51 * ONE)
        if analyte in ("neutrophils_percent", "bands_percent", "lymphocytes_percent"):
            value = min(value, 100 * ONE)
        return value

    # Cells -----------------------------------------------------------------------------------

    def cell(self, analyte: str, value: int, garbled: float, unit: tuple[str, int] | None = None) -> Cell:
        """Write a value, garbled with a chance; `unit` is that of the whole column, else it is beside the cell."""
        pick, quantity = self.pick, QUANTITIES[analyte]
        name, power = unit or pick.choice(quantity.units)
        number = written(value, power, quantity.places)
        draft = _Draft(analyte, quantity, value, name, power, number, unit is not None)
        if pick.random() < garbled:
            return pick.choices(self._garblers, self._weights)[0](draft)
        if power == -3 and re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", number):
            # "250.000" of a unit of single cells is 250, or a quarter of a million: a number that can be read in two
            # ways says nothing, neither what it is nor that the others are wrong.
            return self._in_unit(draft, number, ANYTHING, "three decimals")
        return self._in_unit(draft, number, point(value), "plain")

    def number(self, analyte: str, value: int, garbled: float, unit: tuple[str, int]) -> Cell:
        """Write a cell of a column that holds numbers alone."""
        quantity = QUANTITIES[analyte]
        draft = _Draft(analyte, quantity, value, *unit, written(value, unit[1], quantity.places), True)
        if self.pick.random() < garbled / 3:
            odd = self.pick.choice(("beyond belief", "object infinity", "object negative", "nothing"))
            if odd == "beyond belief" and quantity.beyond:
                return self._beyond(draft)
            return (
                NOTHING if odd in ("beyond belief", "nothing") else Cell(draft.number, None, ANYTHING, odd, draft.power)
            )
        return Cell(draft.number, None, point(value), "plain", draft.power)

    def missing(self) -> Cell:
        text = self.pick.choice((None, None, *MISSING))
        return Cell(text, None, None, "missing")

    def _in_unit(self, draft: _Draft, text: str, truth: Interval | None, kind: str) -> Cell:
        """Put the unit beside a text, or behind it."""
        if self.decimal != ".":
            text = text.replace(".", self.decimal)
        if draft.declared:
            attached = kind == "plain" and self.pick.random() < 0.1
            return Cell(f"{text} {draft.unit}" if attached else text, None, truth, kind, draft.power)
        if kind == "plain" and self.pick.random() < 0.2:
            blank = " " if draft.unit[0].isdigit() else self.pick.choice((" ", ""))
            return Cell(f"{text}{blank}{draft.unit}", None, truth, kind, draft.power)
        return Cell(text, draft.unit, truth, kind, draft.power)

    def _harmless(self, draft: _Draft) -> Cell:
        form = self.pick.choice(HARMLESS)
        return self._in_unit(draft, form.format(draft.number), point(draft.value), f"harmless {form}")

    def _censored(self, draft: _Draft) -> Cell:
        """Write a bound that the true value keeps, a step away from it or more."""
        pick, value = self.pick, draft.value
        away = pick.choice((1, 1, 3, 20)) * 10 ** (9 - draft.quantity.places)
        forms = pick.choice((BELOW, BELOW, AT_MOST, ABOVE, AT_LEAST))
        if forms is ABOVE and value < away:
            forms = AT_LEAST
        bound = value + away if forms in (BELOW, AT_MOST) else max(value - away, 0)
        truth = {
            BELOW: below(bound),
            AT_MOST: below(bound, inclusive=True),
            ABOVE: above(bound),
            AT_LEAST: above(bound, inclusive=True),
        }[forms]
        form = pick.choice(forms)
        text = form.format(written(bound, draft.power, draft.quantity.places))
        return self._in_unit(draft, text, truth, f"bound {form}")

    def _between(self, draft: _Draft) -> Cell:
        pick, step = self.pick, 10 ** (9 - draft.quantity.places)
        other = draft.value + pick.choice((1, 2, 5, 20, 100)) * step
        form = pick.choice(("{0}-{1}", "{0} - {1}", "{0}–{1}", "{1}-{0}", "{0} to {1}"))
        text = form.format(draft.number, written(other, draft.power, draft.quantity.places))
        truth = ANYTHING if form == "{1}-{0}" else Interval(draft.value, other)
        return self._in_unit(draft, text, truth, f"between {form}")

    def _voiding(self, draft: _Draft) -> Cell:
        form = self.pick.choice(VOIDING)
        if form == "{0} x10^3" and draft.power == -3:
            form = "{0} drip arm"  # joined with "/uL" behind it, as some messages have it, it is a unit
        other = written(self.value(draft.analyte), draft.power, draft.quantity.places)
        return self._in_unit(draft, form.format(draft.number, other), ANYTHING, f"voided {form}")

    def _word(self, draft: _Draft) -> Cell:
        word = self.pick.choice(WORDS)
        return self._in_unit(draft, word, ANYTHING, f"word {word}")

    def _date(self, draft: _Draft) -> Cell:
        form = self.pick.choice(DATES)
        return self._in_unit(draft, form.format(d=self.pick.randrange(1, 29)), ANYTHING, f"date {form}")

    def _scale(self, draft: _Draft) -> Cell:
        """Write a count for a microliter in thousands or lakhs, or a scale that nobody asked for."""
        pick = self.pick
        if draft.power == -3 and draft.quantity.units is _CELLS:
            form, power = pick.choice((("{0} thou", 0), ("{0} thousand", 0), ("{0} Lakhs", 2), ("{0} lakh", 2)))
            number = written(draft.value, power, draft.quantity.places)
            return self._in_unit(draft, form.format(number), point(draft.value), f"scale {form}")
        form = pick.choice(("{0} thou", "{0} million", "{0} Lakhs", "{0} mil", "{0} hundred", "{0} M", "{0}k"))
        return self._in_unit(draft, form.format(draft.number), ANYTHING, f"scale too many {form}")

    def _marks(self, draft: _Draft) -> Cell:
        """Write a mark that is a decimal mark for one and a thousands mark for the other."""
        mark = "," if self.decimal == "." else "."
        if "." in draft.number:
            text, truth = draft.number.replace(".", mark), Interval(draft.value, draft.value * 10**9)
        else:
            thousands, rest = divmod(int(draft.number), 1_000)
            if not thousands:
                return self._word(draft)
            text = f"{thousands}{self.pick.choice((mark, ' ', chr(39)))}{rest:03}"
            truth = Interval(draft.value // 1_000, draft.value)
        return (
            self._in_unit(draft, text, truth, "marks")
            if self.decimal == "."
            else Cell(text, None if draft.declared else draft.unit, truth, "marks", draft.power)
        )

    def _units(self, draft: _Draft) -> Cell:
        pick = self.pick
        number = draft.number.replace(".", self.decimal)
        kind = pick.choice(("missing", "unknown", "confusable", "two"))
        if kind == "missing" and not draft.declared:
            # The name of a percentage says its unit.
            truth = point(draft.value) if draft.quantity.units is _PERCENT else ANYTHING
            return Cell(number, pick.choice((None, "", " ")), truth, "unit missing")
        kind = "unknown" if kind == "missing" else kind
        if kind == "two":
            others = [(unit, power) for unit, power in draft.quantity.units if power != draft.power]
            if others and draft.declared:  # the cell's own unit stands, whatever the column's is
                unit, power = pick.choice(others)
                own = written(draft.value, power, draft.quantity.places).replace(".", self.decimal)
                return Cell(f"{own} {unit}", None, point(draft.value), "unit of its own")
            if others:
                return Cell(f"{number} {pick.choice(others)[0]}", draft.unit, ANYTHING, "two units")
            kind = "confusable"
        unit = pick.choice(UNKNOWN_UNITS if kind != "confusable" else draft.quantity.confusable)
        if draft.declared or pick.random() < 0.4:
            return Cell(f"{number} {unit}", None, ANYTHING, f"unit {kind} attached")
        return Cell(number, unit, ANYTHING, f"unit {kind}")

    def _beyond(self, draft: _Draft) -> Cell:
        if not draft.quantity.beyond:
            return self._word(draft)
        text = self.pick.choice(draft.quantity.beyond)
        if text != "1e30":
            text = written(int(float(text) * ONE), draft.power, draft.quantity.places)
        return self._in_unit(draft, text, ANYTHING, "beyond belief")

    def _odd_digits(self, draft: _Draft) -> Cell:
        text = draft.number.translate(self.pick.choice((_WIDE, _ARABIC)))
        return self._in_unit(draft, text, point(draft.value), "digits of another script")

    def _negative(self, draft: _Draft) -> Cell:
        text = self.pick.choice(("-{0}", "−{0}", "- {0}")).format(draft.number)
        zero = not draft.value
        return self._in_unit(draft, text, point(0) if zero else ANYTHING, "negative")

    def _status(self, draft: _Draft) -> Cell:
        cell = self._in_unit(draft, draft.number, ANYTHING, "not final")
        return cell._replace(status=self.pick.choice(UNFINISHED))

    def _too_long(self, draft: _Draft) -> Cell:
        return self._in_unit(draft, draft.number + " " * 3 + "x" * 300, ANYTHING, "too long")

    def _object(self, draft: _Draft) -> Cell:
        """Write what a column of objects may hold: the door puts the object in place of its text."""
        kind = self.pick.choice(OBJECTS)
        truth = point(draft.value) if kind in ("object Decimal", "object float32") else ANYTHING
        return self._in_unit(draft, draft.number, truth, kind)


class _Draft(NamedTuple):
    """A value on its way to a cell."""

    analyte: str
    quantity: Quantity
    value: int
    unit: str
    power: int
    number: str
    declared: bool
