"""What stands beside values: each different combination of unit, limits and flag has a number."""

from __future__ import annotations

from typing import NamedTuple

from cbc_screen.collect.errors import NotInColumnsError

_MOST = 500_000


class Beside(NamedTuple):
    """What stands beside a value."""

    unit: str
    lower: str
    upper: str
    flag: str


class Besides:
    """The different ones of a table."""

    def __init__(self) -> None:
        self.all: list[Beside] = []
        self._numbers: dict[Beside, int] = {}

    def number(self, beside: Beside) -> int:
        """Return the number of a combination."""
        found = self._numbers.get(beside)
        if found is None:
            if len(self.all) >= _MOST:
                raise NotInColumnsError
            found = self._numbers[beside] = len(self.all)
            self.all.append(beside)
        return found
