"""What a grading table's guideline subtracts from hemoglobin for elevation and smoking."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.quantities import CIGARETTES
from cbc_screen.knowledge.strict import Row, parse_csv
from cbc_screen.vocabulary import Adjust, Verification

COLUMNS = (
    "table", "quantity", "lower", "upper", "unit", "subtract", "subtract_unit", "source", "verification", "notes",
)  # fmt: skip
ELEVATION, SMOKER, NON_SMOKER = "elevation", "smoker", "non_smoker"
_UNITS = {ELEVATION: "m", CIGARETTES: "1/d", SMOKER: "", NON_SMOKER: ""}


@dataclass(frozen=True, slots=True)
class AdjustmentStep:
    """From `lower` on, so much is subtracted; None where the guideline has no number."""

    lower: float
    subtract: float | None
    verification: Verification


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The steps of one grading table, in ascending order; amounts never fall.

    `cigarettes` may be empty: then only `smoker` is known. `non_smoker` is what a
    person who does not smoke has subtracted.
    """

    table: str
    elevation: tuple[AdjustmentStep, ...]
    cigarettes: tuple[AdjustmentStep, ...]
    smoker: AdjustmentStep
    non_smoker: AdjustmentStep
    source: str

    def marks(self, asked: Iterable[Adjust]) -> set[Verification]:
        """Return how the rows of the adjustments asked for were read."""
        smoking = (*self.cigarettes, self.smoker, self.non_smoker)
        steps = {Adjust.ELEVATION: self.elevation, Adjust.SMOKING: smoking}
        return {step.verification for kind in asked for step in steps[kind]}


def load_adjustment(text: str, file: str, sources: Iterable[str], tables: Iterable[str]) -> Adjustment:
    """Load one file of adjustments/."""
    known, rows = set(sources), list(parse_csv(text, file, COLUMNS))
    by_quantity: dict[str, list[tuple[Row, AdjustmentStep]]] = {name: [] for name in _UNITS}
    for row in rows:
        if row.text("table") not in tables or file != f"adjustments/{row.text('table')}.csv":
            raise row.error("table", "must be the file's name, and the name of a grading table")
        quantity = row.choice("quantity", list(_UNITS))
        row.choice("unit", [_UNITS[quantity]])
        row.choice("subtract_unit", ["g/L"])
        if row.text("source") not in known:
            raise row.error("source", "is not in sources.csv")
        if row.text("source") != rows[0].text("source"):
            raise row.error("source", "must be the same in the whole file")
        mark = Verification(row.choice("verification", [v.value for v in Verification]))
        by_quantity[quantity].append((row, AdjustmentStep(row.number("lower") or 0.0, row.number("subtract"), mark)))
    for quantity, found in by_quantity.items():
        if _UNITS[quantity]:
            _check_steps(found)
        else:
            _check_word(file, quantity, found)
    if not by_quantity[ELEVATION]:
        raise KnowledgeError(file, None, "quantity", "needs rows for elevation")
    steps = {name: tuple(step for _, step in found) for name, found in by_quantity.items()}
    return Adjustment(
        table=rows[0].text("table"),
        elevation=steps[ELEVATION],
        cigarettes=steps[CIGARETTES],
        smoker=steps[SMOKER][0],
        non_smoker=steps[NON_SMOKER][0],
        source=rows[0].text("source"),
    )


def _check_word(file: str, quantity: str, found: list[tuple[Row, AdjustmentStep]]) -> None:
    """Refuse anything but one row with an amount: none for a non-smoker, whom the cut-offs are for."""
    if len(found) != 1 or found[0][1].subtract is None:
        raise KnowledgeError(file, None, "quantity", f"needs one row for {quantity}, with an amount")
    row, step = found[0]
    row.choice("lower", [""]), row.choice("upper", [""])
    if (step.subtract or 0.0) < 0 or (quantity == NON_SMOKER and step.subtract != 0):
        raise row.error("subtract", "must be 0 for a non-smoker, and not negative")


def _check_steps(found: list[tuple[Row, AdjustmentStep]]) -> None:
    """Refuse a hole, an overlap, or an amount that falls: the kernel relies on none of them."""
    for (before, low), (after, high) in itertools.pairwise(found):
        if before.number("upper") is None or before.number("upper") != high.lower or high.lower <= low.lower:
            raise after.error("lower", f"must equal the upper end of line {before.line}")
        if low.subtract is None or (high.subtract is not None and high.subtract < low.subtract):
            raise after.error("subtract", f"must not be less than on line {before.line}")
    if found and found[0][0].number("lower") != 0:
        raise found[0][0].error("lower", "the first row must start at 0")
    if found and found[-1][0].number("upper") is not None:
        raise found[-1][0].error("upper", "the last row must have no upper end")
    if found and (found[0][1].subtract is None or found[0][1].subtract < 0):
        raise found[0][0].error("subtract", "must be a number, 0 or more")
