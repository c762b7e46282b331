"""One analyte of one person over time, as data: what a figure or a page draws."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from cbc_screen.views import views
from cbc_screen.vocabulary import NOTICE, Severity


@dataclass(frozen=True)
class TimePoint:
    """One moment: what the value can be (None: not known on that side), the range that held, in canonical units."""

    at: datetime.datetime
    low: float | None
    high: float | None
    lower_limit: float | None
    upper_limit: float | None


@dataclass(frozen=True)
class TimeEvent:
    """Something that keeps results from being compared, or breaks a series."""

    at: datetime.datetime
    text: str


@dataclass(frozen=True)
class SeverityBand:
    """A band of the grade at the last moment, in canonical units."""

    severity: Severity
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Timeline:
    """One analyte of one person.

    Attributes
    ----------
    analyte, label, unit : str
        Id, words and canonical unit.
    points, events, bands : tuples of TimePoint, TimeEvent and SeverityBand
    own : pair of float, or None
        The range that earlier results of the person make for the last one.
    verdict : str
        What is told of the line in words: state, persistence and trend.
    undated : int
        Counts that have no time and are not drawn.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> counts = pd.DataFrame({"person": ["a", "a"], "age": ["54 y"] * 2, "sex": ["F"] * 2,
    ...     "collected_at": ["2024-01-05", "2024-06-20"], "PLT (10^9/L)": [250, 90]})
    >>> line = cbc.timeline(counts, "a", "platelets")
    >>> line.label, line.unit, len(line.points), line.undated
    ('Platelets', '10^9/L', 2, 0)
    """

    analyte: str
    label: str
    unit: str
    points: tuple[TimePoint, ...]
    events: tuple[TimeEvent, ...]
    bands: tuple[SeverityBand, ...]
    own: tuple[float, float] | None
    verdict: str
    undated: int
    notice: str = NOTICE

    def plot(self, axes: Any = None, *, text_units: str = "si") -> Any:
        """Draw it with matplotlib (`plots` extra); returns the axes."""
        return views().timeline_figure(self, axes, text_units=text_units)
