"""Who draws what goes out: the texts, pages and figures of results, ranges and accounts.

What goes out is plain data and stands below the pages that are made of it. A reader still asks the data itself:
`result.explain()`, or a notebook that shows what a cell returns. So `cbc_screen/__init__.py` says once who draws
(`report/views.py`): no data imports a page, and a page that nobody asks for is not loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

# Takes a model of pydantic, its core schema and the handler; returns the schema with a text for every field.
Describer = Callable[[type, Any, Any], dict[str, Any]]


class Views(Protocol):
    """The drawings; each takes the data that is shown."""

    def result_text(self, result: Any) -> str:
        """Return the chain from received text to flag, as plain text."""

    def result_html(self, result: Any) -> str:
        """Return a result as HTML."""

    def result_figure(self, result: Any, axes: Any) -> Any:
        """Draw a result, and return the axes."""

    def range_html(self, found: Any) -> str:
        """Return a reference range as HTML."""

    def scan_html(self, summary: Any) -> str:
        """Return the account of a scan as HTML."""

    def flags_html(self, summary: Any) -> str:
        """Return the summary of a frame of flags as HTML."""

    def prevalence_html(self, found: Any, *, styled: bool) -> str:
        """Return shares of low lines as HTML, with the style of a notebook or without."""

    def prevalence_markdown(self, found: Any) -> str:
        """Return shares of low lines as Markdown."""

    def prevalence_table(self, found: Any) -> Any:
        """Return shares of low lines as a table of great_tables."""

    def prevalence_figure(self, found: Any, axes: Any) -> Any:
        """Draw shares of low lines, and return the figure."""

    def verification_html(self, found: Any) -> str:
        """Return a verification of ranges as HTML."""

    def verification_rows(self, found: Any) -> list[dict[str, Any]]:
        """Return one row a limit of a verification of ranges."""

    def write_verification(self, found: Any, path: Path, *, force: bool) -> None:
        """Write a verification of ranges: limits, everything, or the page."""

    def timeline_figure(self, timeline: Any, axes: Any, *, text_units: str) -> Any:
        """Draw one analyte of one person over time, and return the axes."""


_drawing: list[Views] = []
_describing: list[Describer] = []


def draw_with(views: Views) -> None:
    """Say who draws, in place of who did before."""
    _drawing[:] = [views]


def views() -> Views:
    """Return who draws."""
    return _drawing[0]


def describe_with(describer: Describer) -> None:
    """Say who describes the fields of records and results, in place of who did before."""
    _describing[:] = [describer]


def described(model: type, core_schema: Any, handler: Any) -> dict[str, Any]:
    """Return the JSON schema of a model with a description and an example of every field."""
    return _describing[0](model, core_schema, handler)
