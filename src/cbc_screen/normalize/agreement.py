"""Whether the other indices of a count confirm a value that is hard to believe: one rule for records and columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cbc_screen.knowledge.agreement import Way


def confirmed(ways: Iterable[Way], value: Any, others: Mapping[str, Any]) -> Any:
    """Tell whether a way to the same quantity gives this value too, and no way gives another.

    Takes numbers or arrays, by the same arithmetic. `others` has the values of every analyte
    of the ways; NaN stands for one that is missing, no single number, or implausible itself.
    """
    agrees = contradicts = False
    for way in ways:
        expected: Any = way.factor
        for name in way.times:
            expected = expected * others[name]
        for name in way.over:
            expected = expected / others[name]
        distance, tolerance = abs(value - expected), way.within * expected
        # NaN is neither near nor far.
        agrees = agrees | (distance <= tolerance)
        contradicts = contradicts | (distance > tolerance)
    return agrees & (contradicts ^ True)


def partners(ways: Iterable[Way]) -> tuple[str, ...]:
    """Return the analytes that some ways ask for."""
    return tuple(dict.fromkeys(name for way in ways for name in (*way.times, *way.over)))
