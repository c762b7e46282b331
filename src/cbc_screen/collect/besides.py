"""What stands beside values: each different combination of unit, limits and flag has a number."""

from __future__ import annotations

from typing import NamedTuple

from cbc_screen.collect.errors import NotInColumnsError

_MOST = 500_000


class BesideValue(NamedTuple):
    """What stands beside a value."""

    unit: str
    lower: str
    upper: str
    flag: str


class Besides:
    """The different ones of a table."""

    def __init__(self) -> None:
        self.all: list[BesideValue] = []
        self._numbers: dict[BesideValue, int] = {}

    def number(self, beside: BesideValue) -> int:
        """Return the number of a combination."""
        found = self._numbers.get(beside)
        if found is None:
            if len(self.all) >= _MOST:
                raise NotInColumnsError
            found = self._numbers[beside] = len(self.all)
            self.all.append(beside)
        return found
