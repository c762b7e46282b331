"""Where things stand on the bar of one result: the value, the range, the severity bands.

Positions are thousandths of the bar, which is linear from 0 to a little above the upper
limit. Pages, notebooks and figures all draw these.
"""

from __future__ import annotations

from dataclasses import dataclass

from cbc_screen.report.units import TextUnits
from cbc_screen.report.wording import used_words, words
from cbc_screen.result import AnalyteResult, LineResult
from cbc_screen.vocabulary import Reason, Severity, State

WIDTH = 1000
# How high a severity band stands, in hundredths: the bands are told apart without their colors.
HEIGHTS = {Severity.MILD: 10, Severity.MODERATE: 20, Severity.SEVERE: 30, Severity.VERY_SEVERE: 40}
_BEYOND = 1.25  # times the highest limit: room for values above it


@dataclass(frozen=True)
class Band:
    """A severity band of the grade."""

    start: int
    end: int
    severity: Severity


@dataclass(frozen=True)
class Tick:
    """A limit, with its number."""

    place: int
    text: str


@dataclass(frozen=True)
class Bar:
    """A drawn result; `start` and `end` are None where the value is not known at all."""

    start: int | None
    end: int | None
    beyond: bool  # the value goes on past the end of the bar
    state: State
    ranges: tuple[tuple[int, int], ...]
    bands: tuple[Band, ...]
    ticks: tuple[Tick, ...]
    text: str  # the same in words


def bar_of(analyte: AnalyteResult, line: LineResult | None, units: TextUnits) -> Bar | None:
    """Lay out the bar of a result; None where there is neither a range nor a band to set it against.

    `line` is the line that is graded on this analyte, if it is one.
    """
    limits = [(used.lower, used.upper) for used in analyte.ranges]
    if analyte.reported_range is not None and Reason.RANGE_INSANE not in analyte.reasons:
        limits.insert(0, analyte.reported_range)
    # Of adjusted hemoglobin the mark is not what was graded: no bands beside it.
    graded = line is not None and line.adjusted is None
    bands = [band for band in line.bands if not band.relative] if line is not None and graded else []
    ends = [end for pair in limits for end in pair if end] + [
        end for band in bands for end in (band.lower, band.upper) if end
    ]
    if not ends:
        return None
    top = _BEYOND * max(ends)

    def place(value: float | None, otherwise: int) -> int:
        return otherwise if value is None else max(0, min(WIDTH, round(WIDTH * value / top)))

    known = analyte.low is not None and (analyte.low > 0 or analyte.high is not None)
    texts = {
        place(end, 0): units.number(analyte.analyte, end) for end in sorted({e for pair in limits for e in pair if e})
    }
    return Bar(
        start=place(analyte.low, 0) if known else None,
        end=place(analyte.high, WIDTH) if known else None,
        beyond=known and (analyte.high is None or analyte.high > top),
        state=analyte.state,
        ranges=tuple(dict.fromkeys((place(lower, 0), place(upper, WIDTH)) for lower, upper in limits)),
        bands=tuple(
            Band(place(band.lower, 0), place(band.upper, WIDTH), band.severity)
            for band in bands
            if band.severity is not Severity.NONE
        ),
        ticks=tuple(Tick(at, text) for at, text in texts.items()),
        text=f"{analyte.label}: {used_words(analyte, units)}, {words(analyte.state)}",
    )
