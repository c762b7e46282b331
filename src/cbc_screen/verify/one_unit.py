"""Results of one analyte are of one source only where they are stated in units of one size."""

from __future__ import annotations

import re
from fractions import Fraction

from cbc_screen.arrays import is_text
from cbc_screen.engines.frames import Prepared
from cbc_screen.errors import UsageError
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import Factor, normalize_unit
from cbc_screen.normalize.arrow import as_text, distinct

# A number with a unit of its own behind it.
_WITH_UNIT = re.compile(r"^\s*[<>≤≥]?=?\s*[\d.,]+\s*([^\d\s.,<>].*)$")


def require_one_unit(ready: Prepared, analyte: str) -> None:
    """Refuse results of one analyte that are stated in units of different size: they are of several methods or laboratories."""
    column, knowledge = ready.plan.analytes[analyte], ready.engine.knowledge
    texts: set[str] = set()
    if column.unit_column is not None:
        texts |= {*distinct(as_text(ready.arrays[column.unit_column]))[0]}
    elif (one := column.unit or ready.plan.declared.unit(knowledge, analyte)) is not None:
        texts.add(one)
    if is_text(ready.arrays[column.column]):
        for cell in distinct(ready.arrays[column.column])[0]:
            if isinstance(cell, str) and (own := _WITH_UNIT.match(cell)) is not None:
                texts.add(own[1].strip())
    units = _known_units(knowledge, analyte, texts, ready.plan.declared.convention)
    if len(units) > 1:
        raise UsageError(
            f"{analyte}: results are stated in several units ({', '.join(sorted(units.values()))}), so they are of several "
            "sources; a range is verified with the results of one, each by itself"
        )


def _known_units(knowledge: Knowledge, analyte: str, texts: set[str], convention: str | None) -> dict[Fraction, str]:
    """Return the units that are known, by their size; another spelling of the same size is the same unit."""
    table, found = knowledge.analytes[analyte].units, dict[Fraction, str]()
    for text in sorted(text for text in texts if text and text.strip()):
        factor = table.find(text, convention)
        if isinstance(factor, Factor):
            found.setdefault(Fraction(factor.numerator, factor.denominator), normalize_unit(text))
    return found
