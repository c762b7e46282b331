"""The whole chain of one result on the screen."""

from __future__ import annotations

import sys
from typing import Any

import click


def print_explanation(result: Any) -> None:
    """Print the chain from what was received to each flag."""
    from cbc_screen.report.terminal import text_width
    from cbc_screen.report.text import explain

    click.echo(_coloured(explain(result, width=text_width())))


def _coloured(text: str) -> str:
    if sys.stdout is None or not sys.stdout.isatty():
        return text
    lines = text.split("\n")
    lines[0] = click.style(lines[0], bold=True)
    lines[2] = click.style(lines[2], bold=True, fg="yellow")
    return "\n".join(click.style(line, fg="cyan") if line[:2].isupper() else line for line in lines)
