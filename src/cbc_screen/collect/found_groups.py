"""Simple groups as they are handed on, from a table or from messages."""

from __future__ import annotations

from contextlib import ExitStack

from cbc_screen.collect.grouping import FoundGroups
from cbc_screen.normalize.collect import Collection
from cbc_screen.normalize.placing import GroupKind


class GroupsInColumns:
    """The simple groups beside a collection, which has all others."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._found = FoundGroups()
        self._undo = ExitStack()

    def count_groups(self) -> None:
        """Count the simple groups and their results among all; the collection counts its own each time anew."""
        found, collection = self._found, self._collection
        collection.counts.used += sum(found.results.values())
        collection.grouping.counts[GroupKind.MOMENT] += found.groups
        collection.grouping.of_one += found.of_one
        collection.grouping.of_several += found.groups - found.of_one

    @property
    def groups(self) -> int:
        """How many simple groups there are."""
        return self._found.groups

    @property
    def has_several_analytes(self) -> bool:
        """Whether some person has results of several analytes."""
        return self._found.several

    def people_found(self) -> tuple[int, int]:
        """Return of how many persons anything is known, and how many have results."""
        return self._collection.people.found(self._found.people)

    def close(self) -> None:
        """Let go of what was kept."""
        self._undo.close()
