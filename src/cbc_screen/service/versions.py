"""What stands in every answer: the notice, and the versions of the schema and of the data."""

from __future__ import annotations

from functools import lru_cache

from cbc_screen.knowledge import load_knowledge
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION


@lru_cache(maxsize=1)
def data_version() -> str:
    """Return the version of the data."""
    return load_knowledge().data_version


def about() -> dict[str, str]:
    """Return what stands in every answer.

    >>> about()["notice"]
    'For clinician review. Not a diagnosis.'
    """
    return {"notice": NOTICE, "schema_version": SCHEMA_VERSION, "data_version": data_version()}
