"""Figures for a notebook, with matplotlib where it is installed; the notice is on each."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cbc_screen.errors import UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.edges import approximate_days
from cbc_screen.knowledge.nearest import no_analyte
from cbc_screen.report.bars import HEIGHTS, WIDTH, Bar, bar_of
from cbc_screen.report.cohort import summarize
from cbc_screen.report.inks import inks_of
from cbc_screen.report.units import text_units as units_named
from cbc_screen.report.wording import SEXES, units_of, words
from cbc_screen.vocabulary import NOTICE, LineState, Pregnancy, Severity, TextUnitSystem

if TYPE_CHECKING:
    from cbc_screen.result import ScreeningResult

BANDS = {
    Severity.MILD: "#d99a2b",
    Severity.MODERATE: "#c8552b",
    Severity.SEVERE: "#a3132a",
    Severity.VERY_SEVERE: "#6d0b3c",
}
_MOST_REASONS = 8


def pyplot() -> Any:
    """Return matplotlib's pyplot, where it is installed."""
    try:
        return import_module("matplotlib.pyplot")
    except ImportError:
        pass
    raise UsageError("figures need matplotlib: pip install 'cbc-screen[plots]'")


def shown_once(figure: Any) -> Any:
    """Return a figure that a notebook shows because it is returned, and not a second time because it was made."""
    if "inline" in str(import_module("matplotlib").get_backend()):
        pyplot().close(figure)
    return figure


def plot_result(result: ScreeningResult, axes: Any = None) -> Any:
    """Draw each result against its range and severity bands; see `ScreeningResult.plot`."""
    units = units_of(result)
    lines = {line.graded_on: line for line in result.lines}
    drawn = [bar_of(analyte, lines.get(analyte.analyte), units) for analyte in result.analytes]
    bars = [bar for bar in drawn if bar is not None]
    axes = axes_of(axes, 9.0, 0.62 * max(len(bars), 1) + 1.2)
    for place, bar in enumerate(reversed(bars)):
        _draw_bar(axes, bar, place)
    axes.set_xlim(0, WIDTH * 1.02)
    axes.set_ylim(-0.7, len(bars) - 0.3)
    axes.set_yticks(range(len(bars)), [bar.text.replace(": ", "\n") for bar in reversed(bars)])
    axes.set_xticks([])
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    titled(axes, result.pattern_text)
    return axes


def _draw_bar(axes: Any, bar: Bar, place: int) -> None:
    for band in bar.bands:
        axes.barh(
            place + 0.02, band.end - band.start, left=band.start, height=HEIGHTS[band.severity] / 100, align="edge",
            color=BANDS[band.severity],
        )  # fmt: skip
    axes.hlines(place, 0, WIDTH, color=inks_of(axes).soft, linewidth=0.8)
    for start, end in bar.ranges:
        axes.barh(
            place - 0.22,
            end - start,
            left=start,
            height=0.19,
            align="edge",
            color="none",
            edgecolor=inks_of(axes).good,
            linewidth=1.4,
        )
    for tick in bar.ticks:
        axes.text(tick.place, place - 0.27, tick.text, ha="center", va="top", fontsize=7, color=inks_of(axes).soft)
    if bar.start is None or bar.end is None:
        axes.text(WIDTH / 2, place + 0.08, "not known", ha="center", fontsize=8, color=inks_of(axes).soft)
    elif bar.beyond and bar.start == WIDTH:
        pass  # the arrow says it
    elif bar.start == bar.end:
        axes.plot(
            [bar.start],
            [place],
            marker="d",
            color=inks_of(axes).ink,
            markersize=9,
            markeredgecolor=axes.get_facecolor(),
            clip_on=False,
        )
    else:
        axes.barh(
            place - 0.12,
            bar.end - bar.start,
            left=bar.start,
            height=0.16,
            color=inks_of(axes).ink,
            edgecolor=axes.get_facecolor(),
        )
    if bar.beyond:
        axes.plot([WIDTH], [place], marker=">", color=inks_of(axes).ink, markersize=9, clip_on=False)


def plot_ranges(
    analyte: str,
    *,
    ranges: str = "default",
    sex: str | None = None,
    text_units: TextUnitSystem = "si",
    axes: Any = None,
) -> Any:
    """Draw the reference ranges of an analyte by age, sex and stage of pregnancy.

    Parameters
    ----------
    analyte : str
        For example "hemoglobin".
    ranges : str
        A named set, or the path of your own.
    sex : "F" or "M", optional
        Only one sex.
    text_units : "si" or "us"
        The unit of the axis.
    axes : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    UsageError
        If matplotlib is not installed, or a name is not known.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> cbc.plot_ranges("hemoglobin", sex="F").get_xlabel()
    'Hemoglobin, g/L (hatched: low confidence; an arrow: no limit)'
    """
    knowledge, units = load_knowledge(), units_named(text_units)
    if analyte not in knowledge.analytes:
        raise UsageError(f"plot_ranges: {no_analyte(analyte, knowledge.analytes)}")
    rows = [row for row in knowledge.intervals(ranges) if row.analyte == analyte and sex in (None, row.sex, "any")]
    rows = [row for row in rows if row.sex in ("any", sex or row.sex)]
    if not rows:
        raise UsageError(f"plot_ranges: {ranges} has no row for {analyte}")
    rows.sort(
        key=lambda row: (tuple(Pregnancy).index(Pregnancy(row.pregnancy)), approximate_days(row.age_low), row.sex)
    )
    axes = axes_of(axes, 9.0, 0.3 * len(rows) + 1.6)
    highest = max(end for row in rows for end in (row.lower, row.upper) if end is not None)
    for place, row in enumerate(reversed(rows)):
        start = units.value(analyte, row.lower or 0.0)
        end = units.value(analyte, row.upper if row.upper is not None else 1.1 * highest)
        low_confidence = row.confidence == "low"
        axes.barh(
            place, end - start, left=start, height=0.6, color="none" if low_confidence else inks_of(axes).key,
            edgecolor=inks_of(axes).key if low_confidence else "none", hatch="///" if low_confidence else "", linewidth=0,
        )  # fmt: skip
        for side, at, open_side in (("<", start, row.lower is None), (">", end, row.upper is None)):
            if open_side:  # it goes on: no edge, and a mark that points on
                axes.plot([at], [place], marker=side, color=inks_of(axes).key, markersize=9, clip_on=False)
            else:
                axes.vlines(at, place - 0.3, place + 0.3, color=inks_of(axes).ink, linewidth=1.4)
    who = {"any": "any sex", **SEXES}
    labels = [
        f"{row.age_text}, {who[row.sex]}{'' if row.pregnancy == 'none' else ', ' + words(row.pregnancy)}"
        for row in reversed(rows)
    ]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(left=0)
    axes.set_xlabel(
        f"{knowledge.analytes[analyte].label}, {units.unit(analyte)} (hatched: low confidence; an arrow: no limit)"
    )
    titled(axes, f"Reference ranges, set {ranges}, data {knowledge.data_version}")
    return axes


def plot_cohort(flags: Any) -> Any:
    """Draw patterns, lines, severity and the reasons of what could not be told, over a frame of flags.

    Parameters
    ----------
    flags : a frame as `screen_frame` gives it
        What `screen_frame` or `read_flags` returned.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    UsageError
        If matplotlib is not installed, or the frame does not hold flags.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> frame = pd.DataFrame({"age": ["54 y", "30 y"], "sex": ["F", "M"], "HGB (g/dL)": [9.1, 15.0]})
    >>> len(cbc.plot_cohort(cbc.screen_frame(frame)).axes)
    4
    """
    summary = summarize(flags)
    figure, axes = pyplot().subplots(2, 2, figsize=(11, 7), layout="constrained")
    _bars(axes[0, 0], "Pattern", [words(name) for name in summary.patterns], list(summary.patterns.values()))
    _bars(axes[0, 1], "Severity", [words(name) for name in summary.severities], list(summary.severities.values()))
    lines = {
        f"{line}: {words(state)}": states[state]
        for line, states in summary.lines.items()
        for state in (LineState.LOW, LineState.CANNOT_TELL)
    }
    _bars(axes[1, 0], "Lines", list(lines), list(lines.values()))
    common = dict(list(summary.reasons.items())[:_MOST_REASONS])
    _bars(axes[1, 1], "Why something is unknown", list(common), list(common.values()))
    figure.suptitle(f"{summary.rows:,} counts screened. {NOTICE}", fontsize=11)
    return shown_once(figure)


def _bars(axes: Any, title: str, names: Sequence[str], counts: Sequence[int]) -> None:
    places = range(len(names) - 1, -1, -1)
    axes.barh(list(places), counts, color=inks_of(axes).key)
    axes.set_yticks(list(places), names)
    for place, count in zip(places, counts, strict=True):
        axes.text(count, place, f" {count:,}", va="center", fontsize=8)
    axes.margins(x=0.15)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(title, loc="left", fontsize=10)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def axes_of(axes: Any, width: float, height: float) -> Any:
    """Return the axes that are given, or those of a new figure."""
    if axes is not None:
        return axes
    return pyplot().subplots(figsize=(width, height), layout="constrained")[1]


def titled(axes: Any, text: str) -> None:
    """Write a title, with the notice under it."""
    axes.set_title(f"{text}\n{NOTICE}", loc="left", fontsize=10)
