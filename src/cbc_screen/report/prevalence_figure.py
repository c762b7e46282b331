"""Shares of low lines by age and sex as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cbc_screen.report.inks import inks_of
from cbc_screen.report.plots import pyplot, shown_once
from cbc_screen.report.prevalence import ALL, title_of
from cbc_screen.shares import LineShare, Prevalence
from cbc_screen.vocabulary import NOTICE, Line

# Marks that are told apart without their colors, which stand on light and on dark.
_SEXES_DRAWN = {
    "female": ("o", "#c25b9a"),
    "male": ("s", "#3f86cf"),
    "unknown": ("^", "#8a939c"),
    "all": ("o", "#3f86cf"),
}


def plot_prevalence(found: Prevalence, axes: Sequence[Any] | None = None) -> Any:
    """Draw shares of low lines by age and sex; see `Prevalence.plot`."""
    groups = [row.age for row in found.rows if row.age != ALL] or [ALL]
    groups = list(dict.fromkeys(groups))
    figure = None
    if axes is None:
        figure, axes = pyplot().subplots(
            1, len(Line), figsize=(11, 0.55 * len(groups) + 2.6), sharey=True, layout="constrained"
        )
    assert axes is not None
    for own_axes, line in zip(axes, Line, strict=True):
        rows = [row for row in found.rows if row.line is line and row.age in groups]
        if any((row.age, row.sex) != (ALL, ALL) for row in rows):
            rows = [row for row in rows if (row.age, row.sex) != (ALL, ALL)]
        _draw_shares(own_axes, rows, groups)
        own_axes.set_title(f"{line} line", loc="left", fontsize=10)
        own_axes.set_xlabel("low, % of all; open: with unknown")
    own_figure = axes[0].figure
    axes[-1].legend(*_legend(axes), loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=8)
    how = "shares weighted, no interval" if found.weighted else f"bars: {100 * found.confidence:g} % Wilson limits"
    own_figure.suptitle(f"{title_of(found)} ({how}). {NOTICE}", fontsize=11)
    return own_figure if figure is None else shown_once(own_figure)


def _draw_shares(axes: Any, rows: Sequence[LineShare], groups: Sequence[str]) -> None:
    """Draw the share of each group with its interval, and up to where unknown lines may bring it."""
    sexes = list(dict.fromkeys(row.sex for row in rows))
    for row in rows:
        place = len(groups) - 1 - groups.index(row.age) + 0.18 * ((len(sexes) - 1) / 2 - sexes.index(row.sex))
        marker, color = _SEXES_DRAWN[row.sex]
        if row.share is None or row.unknown_share is None:
            said = "suppressed" if row.suppressed else "nobody"
            axes.text(0, place, f" {row.sex}: {said}", va="center", fontsize=7, color=inks_of(axes).soft)
            continue
        if row.interval is not None:
            axes.hlines(place, *(100 * end for end in row.interval), color=color, linewidth=1.6)
        axes.plot(
            [100 * row.share], [place], marker=marker, color=color, linestyle="none", clip_on=False, label=row.sex
        )
        if row.unknown_share:
            most = 100 * (row.share + row.unknown_share)
            axes.plot([most], [place], marker=marker, color=color, markerfacecolor="none", linestyle="none")
    axes.set_yticks(range(len(groups) - 1, -1, -1), groups)
    axes.set_ylim(-0.6, len(groups) - 0.4)
    axes.set_xlim(left=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _legend(axes: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Return each sex that is drawn in some panel once."""
    found: dict[str, Any] = {}
    for own in axes:
        found |= {text: handle for handle, text in zip(*own.get_legend_handles_labels(), strict=True)}
    return list(found.values()), list(found)
