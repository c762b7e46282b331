"""Other ways to the same quantity: by them a value that is hard to believe is believed or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.knowledge.quantities import Analyte
    from cbc_screen.knowledge.strict import YamlNode


@dataclass(frozen=True, slots=True)
class Way:
    """A quantity as `factor` x the product of `times` over the product of `over`, in canonical units.

    Two values agree where they differ by no more than `within` of the one worked out.
    """

    factor: float
    times: tuple[str, ...]
    over: tuple[str, ...]
    within: float


def load_ways(node: YamlNode, analytes: Mapping[str, Analyte]) -> dict[str, tuple[Way, ...]]:
    """Load the ways to each analyte that has some."""
    node.check_keys(["source", "ways"])
    found: dict[str, tuple[Way, ...]] = {}
    for entry in node.nodes("ways"):
        entry.check_keys(["analyte", "factor", "times", "within"], ["over"])
        name, times, over = entry.text("analyte"), tuple(entry.texts("times")), tuple(entry.texts("over"))
        if name not in analytes:
            raise entry.error("analyte", "is not an analyte")
        for key, parts in (("times", times), ("over", over)):
            if unknown := [part for part in parts if part not in analytes or part == name]:
                raise entry.error(key, f"{unknown[0]!r} is not another analyte")
        if zero := [part for part in over if analytes[part].plausible[0] <= 0]:
            raise entry.error("over", f"{zero[0]} may be 0: its lowest plausible value must be more")
        if not times or entry.number("factor") <= 0:
            raise entry.error("factor" if times else "times", "must be more than nothing")
        if not 0 < entry.number("within") < 1:
            raise entry.error("within", "must be a share between 0 and 1")
        found[name] = (*found.get(name, ()), Way(entry.number("factor"), times, over, entry.number("within")))
    return found
