"""The tables once a process: as they were kept, or else read from reference_ranges/, checked and frozen."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING

from cbc_screen.knowledge import kept
from cbc_screen.knowledge.measures import Measures

if TYPE_CHECKING:
    from cbc_screen.knowledge.library import Knowledge

_ALL, _MEASURES = "knowledge", "measures"


@lru_cache(maxsize=1)
def load_knowledge() -> Knowledge:
    """Return all tables as they were kept, or else load, check and freeze them (once a process)."""
    from cbc_screen.knowledge.library import Knowledge

    found = kept.load(_ALL)
    if isinstance(found, Knowledge):
        return found
    from cbc_screen.knowledge.files import reference_ranges_root
    from cbc_screen.knowledge.load import build_knowledge
    from cbc_screen.knowledge.parse import parse_table

    knowledge = build_knowledge(reference_ranges_root(), every_set=False)
    parse_table.cache_clear()  # what the tables were made from is not needed any more: some 20 MB
    kept.save(_ALL, knowledge)
    return knowledge


@lru_cache(maxsize=1)
def load_measures() -> Measures:
    """Return the tables by which results are read as they were kept, or else from all of them (once a process)."""
    found = kept.load(_MEASURES)
    if isinstance(found, Measures):
        return found
    knowledge = load_knowledge()
    kept.save(_MEASURES, Measures(**{field.name: getattr(knowledge, field.name) for field in fields(Measures)}))
    return knowledge
