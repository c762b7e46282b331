"""One service for all tests of a process that change nothing of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from served import Served, serving


@pytest.fixture(scope="session")
def service() -> Iterator[Served]:
    """A running service."""
    with serving("--log-seconds", "0.5") as served:
        yield served


@pytest.fixture(scope="session")
def client(service: Served) -> Iterator[httpx.Client]:
    """A client of it."""
    with httpx.Client(base_url=service.url, timeout=60) as made:
        yield made
