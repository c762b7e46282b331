"""What the scripts about the order of the checklist read of an answer, from version 0.4.1 on.

Version 0.4.1 has one long list without groups: every entry of it stands before the fold.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cbc_screen as cbc

LINES = ("red_line", "white_line", "platelet_line")
FIRST = 5


@dataclass(frozen=True)
class Answer:
    """The checklist of one count, and what stands beside it."""

    listed: tuple[str, ...]
    shown: int
    groups: Mapping[str, str]
    flags: Mapping[str, Any]

    @property
    def before_fold(self) -> tuple[str, ...]:
        return self.listed[: self.shown]

    def place(self, conditions: Sequence[str] | set[str]) -> int | None:
        """Return the place of the first of some conditions, from 1."""
        return next((place for place, name in enumerate(self.listed, start=1) if name in conditions), None)


def answer_of(flags: Mapping[str, Any]) -> Answer:
    """Read an answer from the columns of one count."""
    listed = _parts(flags.get("checklist"))
    shown = flags.get("checklist_shown")
    groups = _parts(flags.get("checklist_groups"))
    if groups and len(groups) != len(listed):
        raise SystemExit("answers.py: checklist_groups is not one word for each entry of checklist")
    shown = len(listed) if shown is None else int(shown)
    return Answer(listed, shown, dict(zip(listed, groups, strict=False)), flags)


def screen(screener: cbc.Screener, record: Mapping[str, Any]) -> Answer:
    """Screen one record."""
    return answer_of(screener.screen(record).flags())


def screen_table(screener: cbc.Screener, table: Any, **declared: Any) -> list[Answer]:
    """Screen a table of pyarrow."""
    return [answer_of(row) for row in screener.screen_frame(table, **declared).to_pylist()]


def any_low(answer: Answer) -> bool:
    """Tell whether a line is low."""
    return any(answer.flags[line] == "low" for line in LINES)


def percent(part: int, whole: int) -> str:
    """Return a share in words."""
    return f"{part:>5} of {whole}  {100 * part / whole if whole else 0:5.1f} %"


def heading(title: str) -> None:
    """Print what is measured, and by which version."""
    print(f"{title} (version {cbc.__version__}, Python {sys.version_info.major}.{sys.version_info.minor})")


def _parts(text: Any) -> tuple[str, ...]:
    if text is None:
        return ()
    return tuple(filter(None, text.split(";"))) if isinstance(text, str) else tuple(text)
