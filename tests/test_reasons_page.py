"""Every reason has its words on a page: an unexplained flag is the second worst."""

from __future__ import annotations

import re
from pathlib import Path

from cbc_screen.vocabulary import Reason

PAGE = Path(__file__).resolve().parents[1] / "docs/reasons.md"


def test_every_reason_is_said_once_and_no_other() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    told = [name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)]
    assert sorted(told) == sorted(Reason)
