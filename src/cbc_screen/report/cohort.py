"""The summary of a frame of flags: what a notebook shows, and what figures draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from cbc_screen.errors import UsageError
from cbc_screen.ingest.frames import headers, plain_frame
from cbc_screen.report.checklist import SEPARATOR
from cbc_screen.summary import FlagSummary
from cbc_screen.vocabulary import Line, LineState, Pattern, Severity, Urgency

_WORDS = {"pattern": Pattern, "severity": Severity, "urgency": Urgency}


def summarize(flags: Any) -> FlagSummary:
    """Count the patterns, severities, lines and reasons of a frame of flags.

    Parameters
    ----------
    flags : a frame as `screen_frame` gives it
        What `screen_frame` or `read_flags` returned.

    Returns
    -------
    FlagSummary, which shows itself in a notebook.

    Raises
    ------
    UsageError
        If the frame does not hold flags.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> frame = pd.DataFrame({"age": ["54 y", "30 y"], "sex": ["F", "M"], "HGB (g/dL)": [9.1, 15.0]})
    >>> cbc.summarize(cbc.screen_frame(frame)).lines["red"]["low"]
    1
    """
    flags = plain_frame(flags)
    needed = [*_WORDS, "reasons", *(f"{line}_line" for line in Line)]
    if not set(needed) <= set(headers(flags)):
        raise UsageError("these are no flags: give what screen_frame or read_flags returned")
    columns = {name: [str(cell) for cell in _cells(flags[name])] for name in needed}
    counted = {name: _every(choices, columns[name]) for name, choices in _WORDS.items()}
    return FlagSummary(
        rows=len(columns["pattern"]),
        patterns=counted["pattern"],
        severities=counted["severity"],
        urgencies=counted["urgency"],
        lines={str(line): _every(LineState, columns[f"{line}_line"]) for line in Line},
        reasons=dict(count_reasons(columns["reasons"]).most_common()),
    )


def count_reasons(cells: Iterable[str]) -> Counter[str]:
    """Count the rows of each reason in a column of reasons; a row counts once for each of its own."""
    found: Counter[str] = Counter()
    for text, rows in Counter(cells).items():
        for reason in filter(None, dict.fromkeys(text.split(SEPARATOR))):
            found[reason] += rows
    return found


def _every(choices: Any, cells: Sequence[str]) -> dict[str, int]:
    found = Counter(cells)
    return {str(choice): found[str(choice)] for choice in choices}


def _cells(column: Any) -> Sequence[Any]:
    cells: Sequence[Any] = column.to_pylist() if hasattr(column, "to_pylist") else column.to_list()
    return cells
