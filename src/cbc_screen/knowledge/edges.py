"""Ages at which bands begin and end: completed days, or completed months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import Row, YamlNode


@dataclass(frozen=True, slots=True, order=True)
class AgeEdge:
    """An age in completed units: days, or months (a year is 12 months)."""

    unit: str
    count: int


def edge(value: float, unit: str) -> AgeEdge:
    """Make an age edge; years become months, for both turn on the same day."""
    return AgeEdge("mo", int(value) * 12) if unit == "y" else AgeEdge(unit, int(value))


def read_edge(node: YamlNode, key: str) -> AgeEdge:
    """Read an age of a rule: a whole number under `key`, and a unit beside it."""
    if node.text("unit") not in ("d", "mo", "y"):
        raise node.error("unit", "must be d, mo or y")
    if node.whole(key) < 0:
        raise node.error(key, "must be 0 or more")
    return edge(node.whole(key), node.text("unit"))


def approximate_days(age: AgeEdge) -> float:
    """Place an edge on one axis, to compare bands of one analyte with each other."""
    return age.count * (30.4375 if age.unit == "mo" else 1.0)


def read_age(row: Row) -> tuple[AgeEdge, AgeEdge | None, str]:
    """Read the four age columns of a row; an empty upper age is no limit."""
    low, low_unit = row.number("age_low"), row.choice("age_low_unit", ("d", "mo", "y"))
    high, high_unit = row.number("age_high"), row.choice("age_high_unit", ("d", "mo", "y", ""))
    if low is None or low < 0 or low != int(low):
        raise row.error("age_low", "must be a whole number, 0 or more")
    if high is not None and high != int(high):
        raise row.error("age_high", "must be a whole number")
    if (high is None) != (high_unit == ""):
        raise row.error("age_high_unit", "must be given with age_high, and only then")
    start = edge(low, low_unit)
    end = edge(high, high_unit) if high is not None else None
    if end is not None and approximate_days(end) <= approximate_days(start):
        raise row.error("age_high", "must be more than age_low")
    text = (
        f"{int(low)} {low_unit} and over" if high is None else f"{int(low)} {low_unit} to under {int(high)} {high_unit}"
    )
    return start, end, text
