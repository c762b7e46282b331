"""The units of texts and pages: a reader's own, SI or US; results keep the canonical unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cbc_screen.errors import UsageError
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.normalize.value import convert

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
SHORT = 10  # digits that a number is written with


def number(value: float) -> str:
    """Write a number as short as it can be read back."""
    return f"{value:.{SHORT}g}"


@dataclass(frozen=True)
class TextUnits:
    """The unit that each analyte is written in, and the factor to it from the canonical one."""

    system: str
    units: Mapping[str, tuple[str, Factor]]

    def unit(self, analyte: str) -> str:
        """Return the unit that an analyte is written in."""
        return self.units[analyte][0]

    def value(self, analyte: str, value: float) -> float:
        """Convert a canonical number to what is written."""
        return convert(value, self.units[analyte][1])

    def number(self, analyte: str, value: float) -> str:
        """Write a canonical number, without its unit."""
        return number(self.value(analyte, value))


def readable(unit: str) -> str:
    """Write a unit as people do: ×10⁹/L, not 10^9/L."""
    raised = re.sub(r"^10\^(\d+)", lambda found: f"×10{found[1].translate(_RAISED)}", unit)
    return re.sub(r"\bu(?=[Lg]\b)", "µ", raised)


_SYSTEMS = ("si", "us")  # in which texts are written; sources have more


@lru_cache(maxsize=8)
def text_units(system: str) -> TextUnits:
    """Return the units of a system, "si" or "us"; what the system does not name stays canonical."""
    knowledge = load_measures()
    if system not in _SYSTEMS:
        raise UsageError(f"text_units must be one of {', '.join(_SYSTEMS)}")
    named = knowledge.unit_systems[system]
    units: dict[str, tuple[str, Factor]] = {}
    for name, analyte in knowledge.analytes.items():
        unit = analyte.named_unit or named.get(analyte.units.dimension, analyte.unit)
        found = analyte.units.find(unit)
        assert isinstance(found, Factor)  # the tables are checked when they are loaded
        units[name] = readable(unit), Factor(found.denominator, found.numerator)
    return TextUnits(system, units)
