"""What data shows itself with (`cbc_screen/views.py`); each text, page and figure is loaded when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbc_screen.result import ReferenceRange, ScreeningResult
    from cbc_screen.shares import Prevalence
    from cbc_screen.summary import FlagSummary, ScanSummary
    from cbc_screen.time_course import Timeline
    from cbc_screen.verification import RangeVerification


def result_text(result: ScreeningResult) -> str:
    """Return the chain from received text to flag, as plain text."""
    from cbc_screen.report.text import explain

    return explain(result)


def result_html(result: ScreeningResult) -> str:
    """Return a result as HTML."""
    from cbc_screen.report import html

    return html.result_html(result)


def result_figure(result: ScreeningResult, axes: Any) -> Any:
    """Draw a result, and return the axes."""
    from cbc_screen.report.plots import plot_result

    return plot_result(result, axes)


def range_html(found: ReferenceRange) -> str:
    """Return a reference range as HTML."""
    from cbc_screen.report import html

    return html.range_html(found)


def scan_html(summary: ScanSummary) -> str:
    """Return the account of a scan as HTML."""
    from cbc_screen.report.html import summary_html

    return summary_html(summary)


def flags_html(summary: FlagSummary) -> str:
    """Return the summary of a frame of flags as HTML."""
    from cbc_screen.report.html import cohort_html

    return cohort_html(summary)


def prevalence_html(found: Prevalence, *, styled: bool) -> str:
    """Return shares of low lines as HTML."""
    from cbc_screen.report.prevalence import table_html

    if not styled:
        return table_html(found)
    from cbc_screen.report.html import styled_html

    return styled_html(table_html(found))


def prevalence_markdown(found: Prevalence) -> str:
    """Return shares of low lines as Markdown."""
    from cbc_screen.report import prevalence

    return prevalence.prevalence_markdown(found)


def prevalence_table(found: Prevalence) -> Any:
    """Return shares of low lines as a table of great_tables."""
    from cbc_screen.report.prevalence import great_table

    return great_table(found)


def prevalence_figure(found: Prevalence, axes: Any) -> Any:
    """Draw shares of low lines, and return the figure."""
    from cbc_screen.report.prevalence_figure import plot_prevalence

    return plot_prevalence(found, axes)


def verification_html(found: RangeVerification) -> str:
    """Return a verification of ranges as HTML."""
    from cbc_screen.report.verified_page import verification_html as drawn

    return drawn(found)


def verification_rows(found: RangeVerification) -> list[dict[str, Any]]:
    """Return one row a limit of a verification of ranges."""
    from cbc_screen.report.verified import limit_rows

    return limit_rows(found)


def write_verification(found: RangeVerification, path: Path, *, force: bool) -> None:
    """Write a verification of ranges: limits, everything, or the page."""
    from cbc_screen.report.verified_page import write_verification as write

    write(found, path, force=force)


def timeline_figure(timeline: Timeline, axes: Any, *, text_units: str) -> Any:
    """Draw one analyte of one person over time, and return the axes."""
    from cbc_screen.report.timelines import plot_timeline

    return plot_timeline(timeline, axes, text_units=text_units)
