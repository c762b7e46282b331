"""Feedback to cards as the worklist's answers: agree, disagree, and what it is instead.

The id of a card holds which pattern it told, so that nothing has to be kept between card and feedback.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cbc_screen.errors import FileError, UsageError
from cbc_screen.labels import Labels, RawLine, ReviewerAnswer, sort_labels
from cbc_screen.private_files import why
from cbc_screen.service.cds_models import Feedback
from cbc_screen.spreadsheet import csv_line
from cbc_screen.vocabulary import Pattern

SYSTEM = "urn:cbc-screen:answer"
AGREE, DISAGREE, INSTEAD = ReviewerAnswer.AGREE.value, ReviewerAnswer.DISAGREE.value, "instead-"
COLUMNS = ("file", "row", "rule", "flag", "answer", "instead", "comment", "reviewer")
RULE = "pattern:pattern"
_MARK = 0xCBC5  # the first two bytes of the id of a card
_PATTERNS = tuple(Pattern)
_VERSION = 8  # of RFC 9562: what an id holds is its maker's


def card_id(pattern: Pattern, random: uuid.UUID) -> uuid.UUID:
    """Return an id that holds a pattern, and is different for each card.

    >>> pattern_of(str(card_id(Pattern.BICYTOPENIA, uuid.uuid4()))).value
    'bicytopenia'
    """
    whole = (_MARK << 112) | (_PATTERNS.index(pattern) << 104) | (random.int & ((1 << 104) - 1))
    whole = whole & ~(0xF << 76) | (_VERSION << 76)
    return uuid.UUID(int=whole & ~(0x3 << 62) | (0x2 << 62))


def pattern_of(card: str) -> Pattern | None:
    """Return the pattern that a card told; None where the id is of no card of ours."""
    try:
        number = uuid.UUID(card).int
    except ValueError:
        return None
    code = number >> 104 & 0xFF
    ours = number >> 112 == _MARK and number >> 76 & 0xF == _VERSION and code < len(_PATTERNS)
    return _PATTERNS[code] if ours else None


@dataclass(frozen=True)
class Answered:
    """Feedback as lines of the worklist, and what the worklist makes of them."""

    lines: tuple[dict[str, str], ...]
    labels: Labels


def answered(feedback: Sequence[Feedback]) -> Answered:
    """Return feedback as the worklist's answers.

    Parameters
    ----------
    feedback : sequence of Feedback

    Returns
    -------
    Answered
        `labels` has the account: which are used, unanswered, repeated or rejected, by number from 1.
    """
    lines = tuple(_line(each) for each in feedback)
    return Answered(lines, sort_labels(RawLine(number, line) for number, line in enumerate(lines, start=1)))


def _line(each: Feedback) -> dict[str, str]:
    pattern, reason = pattern_of(each.card), each.overrideReason
    said = None if reason is None else reason.reason
    code = said.code or "" if said is not None and said.system in (None, SYSTEM) else ""
    answer, instead = _said(each.outcome, code)
    return {
        "file": "",
        # One card is one row, however its id is written; nothing is known of a card that is not ours.
        "row": str(uuid.UUID(each.card)) if pattern is not None else "",
        "rule": RULE,
        "flag": pattern.value if pattern is not None else "",
        "answer": answer,
        "instead": instead,
        "comment": "" if reason is None else reason.userComment or "",
        "reviewer": "",
    }


def _said(outcome: str, code: str) -> tuple[str, str]:
    """Return answer and word instead; a card overridden without one of our reasons is unanswered."""
    if outcome == "accepted" or code == AGREE:
        return AGREE, ""
    if code.startswith(INSTEAD):
        return DISAGREE, code.removeprefix(INSTEAD)
    return (DISAGREE, "") if code == DISAGREE else ("", "")


class AnswersFile:
    """A file to which answers are added, as `cbc-screen validate` reads it; its owner's only.

    Raises
    ------
    UsageError
        If it cannot be written, or is a link or no file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._append("" if self._has_header() else csv_line(COLUMNS))

    def add(self, lines: Sequence[dict[str, Any]]) -> None:
        """Add answers."""
        self._append("".join(csv_line(line[name] for name in COLUMNS) for line in lines))

    def _has_header(self) -> bool:
        return self._path.is_file() and self._path.stat().st_size > 0

    def _append(self, text: str) -> None:
        message = ""
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self._path, flags, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(text.encode())
        except OSError as refused:
            message = f"the answers cannot be written ({why(refused)})"
        # Outside the except block: nothing of the first error is attached.
        if message:
            raise FileError(message)


def answers_file(path: Path | None) -> AnswersFile | None:
    """Return the file for answers, where one is named."""
    if path is not None and path.suffix.lower() != ".csv":
        raise UsageError("--answers is a .csv file")
    return AnswersFile(path) if path is not None else None
