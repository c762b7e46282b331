"""What the tests of several parts share."""

from __future__ import annotations

import tempfile
from typing import Any, NoReturn

import pytest
from no_files import FileWantedError


@pytest.fixture
def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no temporary file be made."""

    def refused(**_: Any) -> NoReturn:
        raise FileWantedError

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
