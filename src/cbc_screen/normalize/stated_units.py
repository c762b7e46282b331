"""The units that stand beside one result: a code and a text, or two codes. They may contradict.

One rule for every source: a FHIR Quantity (`unit` and `code`), HL7 OBX-6 (its components), a
table with a coded unit and one of its own.
"""

from __future__ import annotations

from functools import lru_cache

from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import Factor, UnitTable, normalize_unit


class StatedUnits:
    """Settles which unit a result has; equal questions are worked out once."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self.settled = lru_cache(maxsize=4_096)(self._settled)

    def _settled(self, analyte: str, units: tuple[str, ...]) -> str | None:
        """Return the unit of a result, or None where what is stated contradicts itself.

        Two units that the analyte's table knows must be the same size. One that only tables of
        other analytes know is of another quantity. What no table knows ("cells") is a remark.
        """
        table = self._knowledge.analytes[analyte].units
        known = {unit: meanings for unit in units if (meanings := _meanings(table, unit))}
        foreign = [unit for unit in units if unit not in known and self._is_of_another(unit)]
        if known and foreign:
            return None
        if len({frozenset(meanings) for meanings in known.values()}) > 1:
            return None
        return next(iter(known), units[0])

    def _is_of_another(self, unit: str) -> bool:
        return any(_meanings(table, unit) for table in self._knowledge.units.values())


def _meanings(table: UnitTable, unit: str) -> set[Factor]:
    """Return what a unit may be in a table: one factor, several by convention, or none."""
    found = [table.find(unit), *(table.find(unit, convention) for convention in table.declared)]
    return {factor for factor in found if isinstance(factor, Factor)}


def differing(units: tuple[str, ...]) -> tuple[str, ...]:
    """Return units that are not spelled alike, each once.

    >>> differing(("10^9/L", "10⁹/L", "", "K/uL"))
    ('10^9/L', 'K/uL')
    """
    found: dict[str, str] = {}
    for unit in units:
        if unit.strip():
            found.setdefault(normalize_unit(unit), unit)
    return tuple(found.values())
