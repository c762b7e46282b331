"""The white cells other than neutrophils: neutrophils that were not sent cannot be more than these leave of the white cells."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

_PERCENT = 100.0


@dataclass(frozen=True)
class WhiteParts:
    """The other cells, and the share of the white cells by which their sum may be off."""

    others: tuple[str, ...]
    allowance: float


def load_white_parts(node: YamlNode, analytes: Container[str]) -> WhiteParts:
    """Load `white_parts` of analytes.yaml."""
    node.check_keys(["others", "allowance", "unit", "source"])
    others, share = tuple(node.texts("others")), node.number("allowance")
    if any(name not in analytes for name in others):
        raise node.error("others", "must be analytes")
    if node.text("unit") != "%" or not 0 <= share < _PERCENT:
        raise node.error("allowance", "must be a percentage of the white cells, with unit %")
    return WhiteParts(others, share / _PERCENT)
