"""reference_ranges/ as checked, frozen tables. Nothing else reads those files.

The names are loaded when first used: what reads one record needs few of the tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbc_screen.knowledge.library import Knowledge
    from cbc_screen.knowledge.loaded import load_knowledge, load_measures
    from cbc_screen.knowledge.measures import Measures

__all__ = ["Knowledge", "Measures", "load_knowledge", "load_measures"]


_HOME = {"Knowledge": "library", "Measures": "measures", "load_knowledge": "loaded", "load_measures": "loaded"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'cbc_screen.knowledge' has no attribute {name!r}")
    return getattr(import_module(f"cbc_screen.knowledge.{_HOME[name]}"), name)
