"""What a low line can bring, to ask a person about; said beside a line that is low, and counted nowhere."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.vocabulary import Line

if TYPE_CHECKING:
    from cbc_screen.knowledge.edges import AgeEdge
    from cbc_screen.knowledge.strict import YamlNode


@dataclass(frozen=True)
class Symptoms:
    """What to ask about for each line: of everybody, and of the small, whose age is below `small_below`."""

    lines: Mapping[Line, str]
    small: Mapping[Line, str]
    small_below: AgeEdge


def load_symptoms(node: YamlNode, sources: Container[str]) -> Symptoms:
    """Load symptoms.yaml: every line once, in both parts."""
    from cbc_screen.knowledge.edges import read_edge

    node.check_keys(["small_below", "lines", "small"])
    node.node("small_below").check_keys(["age", "unit"])
    parts: dict[str, dict[Line, str]] = {}
    for part in ("lines", "small"):
        found = parts[part] = {}
        for entry in node.nodes(part):
            entry.check_keys(["line", "ask", "source"])
            line = entry.choice("line", Line)
            if line in found:
                raise entry.error("line", "is given twice")
            if entry.text("source") not in sources:
                raise entry.error("source", "is not in sources.csv")
            found[line] = entry.text("ask")
        if len(found) != len(Line):
            raise node.error(part, f"must name {', '.join(Line)}")
    return Symptoms(parts["lines"], parts["small"], read_edge(node.node("small_below"), "age"))
