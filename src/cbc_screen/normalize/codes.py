"""Reasons as small numbers, one a cell."""

from __future__ import annotations

from cbc_screen.vocabulary import Reason

REASONS = tuple(Reason)
CODE = {reason: number for number, reason in enumerate(REASONS)}
NO_REASON = -1
# A reason about the reported range of an analyte stands beside the one about its result.
RANGE_FIELD = ".range"
