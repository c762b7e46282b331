"""The words of this project: glossary.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode


@dataclass(frozen=True, slots=True)
class Glossary:
    """What abbreviations stand for, what terms mean, and which words stand for those that are not used."""

    written_out: Mapping[str, str]
    terms: Mapping[str, str]
    not_used: Mapping[str, str]


def load_glossary(node: YamlNode) -> Glossary:
    """Load glossary.yaml; a word that is not used is none of those that are."""
    node.check_keys(["written_out", "terms", "not_used"])
    parts = [node.node(name) for name in ("written_out", "terms", "not_used")]
    written_out, terms, not_used = ({name: part.text(name) for name in part} for part in parts)
    for name in not_used:
        if name in terms:
            raise parts[2].error(name, "is a term of this glossary")
    return Glossary(written_out, terms, not_used)
