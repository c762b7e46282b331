"""A timeline as a figure: results over time with reference band, severity bands, own range and events."""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import Any

from cbc_screen.errors import UsageError
from cbc_screen.report.inks import Inks, inks_of
from cbc_screen.report.plots import BANDS, axes_of, titled
from cbc_screen.report.units import TextUnits, readable
from cbc_screen.report.units import text_units as units_named
from cbc_screen.report.wording import words
from cbc_screen.time_course import Timeline, TimePoint

_ROOM = 1.12  # of the axis above the highest number
_BEFORE = 0.04  # of the span, on either side
_LEAST_DAYS = 14.0


def plot_timeline(timeline: Timeline, axes: Any = None, *, text_units: str = "si") -> Any:
    """Draw a timeline; see `Timeline.plot`."""
    if not timeline.points:
        raise UsageError("there is no result with a time to draw")
    units = units_named(text_units)
    axes = axes_of(axes, 9.0, 4.4)
    inks = inks_of(axes)
    begin, end = _span(timeline)
    top = _top(timeline, units)
    axes.set_xlim(begin, end)
    axes.set_ylim(0, top)
    _draw_bands(axes, timeline, units, end, inks)
    _draw_ranges(axes, timeline, units, (begin, end), inks)
    _draw_own(axes, timeline, units, begin, inks)
    _draw_points(axes, timeline, units, top, inks)
    for at in dict.fromkeys(event.at for event in timeline.events):
        text = ", ".join(words(event.text) for event in timeline.events if event.at == at)
        axes.axvline(at, color=inks.soft, linewidth=0.9, linestyle=":")
        axes.text(at, top, f"{text} ", rotation=90, va="top", ha="right", fontsize=7, color=inks.soft)
    axes.set_ylabel(f"{timeline.label}, {readable(units.unit(timeline.analyte))}")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    undated = f"; {timeline.undated} without a time, not drawn" if timeline.undated else ""
    titled(axes, f"{timeline.label} over time: {timeline.verdict}{undated}")
    return axes


def _span(timeline: Timeline) -> tuple[datetime.datetime, datetime.datetime]:
    first, last = timeline.points[0].at, timeline.points[-1].at
    days = max((last - first) / datetime.timedelta(days=1), _LEAST_DAYS)
    room = datetime.timedelta(days=_BEFORE * days)
    return first - room, last + 3 * room


def _top(timeline: Timeline, units: TextUnits) -> float:
    numbers = [end for point in timeline.points for end in (point.low, point.high, point.lower_limit) if end]
    numbers += [band.upper for band in timeline.bands if band.upper]
    limits = [point.upper_limit for point in timeline.points if point.upper_limit]
    highest = max(numbers, default=1.0)
    # The upper limit of a range is drawn where results come near it.
    near = [limit for limit in limits if limit < 2 * highest]
    return _ROOM * units.value(timeline.analyte, max([highest, *near]))


def _draw_bands(axes: Any, timeline: Timeline, units: TextUnits, end: datetime.datetime, inks: Inks) -> None:
    for band in timeline.bands:
        low = units.value(timeline.analyte, band.lower or 0.0)
        high = units.value(timeline.analyte, band.upper) if band.upper is not None else axes.get_ylim()[1]
        axes.axhspan(low, high, color=BANDS[band.severity], alpha=0.16, linewidth=0)
        axes.text(
            end,
            (low + high) / 2,
            f"{words(band.severity)} ",
            ha="right",
            va="center",
            fontsize=7,
            color=inks.soft,
        )


def _draw_ranges(
    axes: Any, timeline: Timeline, units: TextUnits, span: tuple[datetime.datetime, datetime.datetime], inks: Inks
) -> None:
    """Draw the range of each moment as steps: it holds from its moment to the next."""
    points = timeline.points
    edges = [span[0], *(point.at for point in points[1:]), span[1]]
    for number, point in enumerate(points):
        begin, end = edges[number], edges[number + 1]
        limits = [limit for limit in (point.lower_limit, point.upper_limit) if limit is not None]
        for limit in limits:
            axes.hlines(units.value(timeline.analyte, limit), begin, end, color=inks.good, linewidth=1.3)
        if point.lower_limit is not None:
            low = units.value(timeline.analyte, point.lower_limit)
            high = axes.get_ylim()[1]
            if point.upper_limit is not None:
                high = min(high, units.value(timeline.analyte, point.upper_limit))
            axes.fill_between([begin, end], low, high, color=inks.good, alpha=0.10, linewidth=0)
    if points[0].lower_limit is not None:
        place = units.value(timeline.analyte, points[0].lower_limit)
        axes.text(span[0], place, " reference range", va="bottom", fontsize=7, color=inks.good)


def _draw_own(axes: Any, timeline: Timeline, units: TextUnits, begin: datetime.datetime, inks: Inks) -> None:
    if timeline.own is None:
        return
    last = timeline.points[-1].at
    own = [units.value(timeline.analyte, end) for end in timeline.own]
    for end in own:
        axes.hlines(end, begin, last, color=inks.key, linewidth=1.1, linestyle="--")
    axes.text(last, own[1], "range of the earlier results ", ha="right", va="bottom", fontsize=7, color=inks.key)


def _draw_points(axes: Any, timeline: Timeline, units: TextUnits, top: float, inks: Inks) -> None:
    def value(number: float | None) -> float:
        return 0.0 if number is None else units.value(timeline.analyte, number)

    def sure(point: TimePoint) -> bool:
        return point.low is not None and point.low == point.high

    # No line leads over a result that is not known.
    for one, other in pairwise(timeline.points):
        if sure(one) and sure(other):
            axes.plot([one.at, other.at], [value(one.low), value(other.low)], color=inks.ink, linewidth=1.0, zorder=4)
    for point in timeline.points:
        if sure(point):
            axes.plot(
                [point.at], [value(point.low)], color=inks.ink, marker="d", markersize=7,
                markeredgecolor=axes.get_facecolor(), zorder=5,
            )  # fmt: skip
            continue
        if point.low is None and point.high is None:
            axes.text(point.at, 0.02 * top, "?", ha="center", fontsize=11, color=inks.ink, zorder=4)
            continue
        _draw_bound(axes, point, value, top, inks)


def _draw_bound(axes: Any, point: TimePoint, value: Any, top: float, inks: Inks) -> None:
    """Draw every number that a result may be as a bar; an arrow where it goes on."""
    low, high = value(point.low), top if point.high is None else value(point.high)
    axes.vlines(point.at, low, high, color=inks.ink, linewidth=4, alpha=0.75, zorder=4)
    if point.high is None:
        axes.plot([point.at], [top * 0.98], marker="^", color=inks.ink, markersize=8, zorder=4)
