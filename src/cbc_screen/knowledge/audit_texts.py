"""What an audit says: audit.yaml."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

ABOUT = ("flag", "range", "unit")


@dataclass(frozen=True, slots=True)
class AuditText:
    """The words of a finding, and what it speaks of."""

    about: str
    text: str


def load_audit(node: YamlNode, sources: Container[str]) -> Mapping[str, AuditText]:
    """Load audit.yaml."""
    node.check_keys(["source", "findings"])
    if node.text("source") not in sources:
        raise node.error("source", "is not in sources.csv")
    found = {}
    own = node.node("findings")
    for name in own:
        entry = own.node(name)
        entry.check_keys(["about", "text"])
        if entry.text("about") not in ABOUT:
            raise entry.error("about", f"must be one of {', '.join(ABOUT)}")
        found[name] = AuditText(entry.text("about"), entry.text("text"))
    return found
