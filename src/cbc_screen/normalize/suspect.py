"""Results in a unit that is not believed: what is set aside, by one rule for records and columns."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

from cbc_screen.errors import UsageError
from cbc_screen.knowledge.measures import Measures
from cbc_screen.knowledge.nearest import no_analyte
from cbc_screen.normalize.value import Reading
from cbc_screen.vocabulary import Reason


def tells_something(low: Any, high: Any) -> Any:
    """Tell whether an interval says anything; takes numbers or arrays. What says nothing keeps its own reason."""
    return (low == low) & ((low != 0) | (high != inf))


def without_unit(reading: Reading) -> Reading:
    """Return what a reading says where its unit is not believed: nothing."""
    if not tells_something(reading.low, reading.high):
        return reading
    return reading._replace(low=0.0, high=inf, reason=Reason.UNIT_SUSPECT)


def parse_accepted(measures: Measures, given: str | Iterable[str] | None) -> frozenset[str]:
    """Check the names of analytes whose unit is accepted as it is read."""
    texts = (given,) if isinstance(given, str) else tuple(given or ())
    names = [name.strip() for text in texts for name in str(text).split(",")]
    for name in names:
        if name not in measures.analytes:
            raise UsageError(f"accept_units: {no_analyte(name, measures.analytes)}")
    return frozenset(names)
