"""Results as plain text."""

from __future__ import annotations

from cbc_screen.result import ScreeningResult


def explain(result: ScreeningResult) -> str:
    """placeholder"""
    return ""
