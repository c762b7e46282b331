"""A database of a test's own, of each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

CANARY = "CANARY_NAME_7Q"


@dataclass(frozen=True)
class Door:
    """A database with a table `counts`: its address, and its own way in."""

    address: str
    put: Callable[[str, pa.Table], None]
    run: Callable[..., None]
    rows: Callable[[str], list[dict[str, Any]]]

    def table(self, name: str) -> str:
        return f"{self.address}{'&' if '?' in self.address else '?'}table={name}"
