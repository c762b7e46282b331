"""What other languages call clumps of platelets, and how they say that there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode


@dataclass(frozen=True)
class ClumpWords:
    """How words for clumps of platelets begin, what denies them before and behind, and how words begin that leave it open."""

    of_platelets: tuple[str, ...]
    denied_before: tuple[str, ...]
    denied_behind: tuple[str, ...]
    unsure: tuple[str, ...]


def load_clump_words(node: YamlNode) -> ClumpWords:
    """Load the words."""
    keys = ["of_platelets", "denied_before", "denied_behind", "unsure"]
    node.check_keys(keys)
    return ClumpWords(*(tuple(node.texts(key)) for key in keys))
