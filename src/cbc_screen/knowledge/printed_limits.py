"""How far a limit that came with a result may be from the set's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.knowledge.quantities import Analyte
    from cbc_screen.knowledge.strict import YamlNode


@dataclass(frozen=True, slots=True)
class PrintedLimits:
    """By which factor a limit that came with a result may differ from the set's own; of few cells it may be 0 too."""

    factor: float
    few: frozenset[str]
    factor_of_few: float

    def of(self, analyte: str) -> float:
        """Return the factor of an analyte."""
        return self.factor_of_few if analyte in self.few else self.factor


def load_printed_limits(node: YamlNode, analytes: Mapping[str, Analyte]) -> PrintedLimits:
    """Load the factors, and of which analytes there are few cells: none that a line is judged on."""
    node.check_keys(["factor", "few", "factor_of_few", "source"])
    few = node.texts("few")
    for name in few:
        if name not in analytes or analytes[name].line is not None:
            raise node.error("few", f"{name} must be an analyte, and none that a line is judged on")
    for key in ("factor", "factor_of_few"):
        if node.number(key) <= 1:
            raise node.error(key, "must be more than 1")
    return PrintedLimits(node.number("factor"), frozenset(few), node.number("factor_of_few"))
