"""Summaries on a terminal: aligned, coloured where it is one, plain where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cbc_screen.printable import clean_line
from cbc_screen.report.text import WIDTH
from cbc_screen.report.wording import words
from cbc_screen.summary import Inspection, ScanSummary
from cbc_screen.vocabulary import NOTICE, Pattern, Severity, Urgency

_COLOURS: dict[str, str] = {
    Pattern.PANCYTOPENIA: "bold red",
    Pattern.BICYTOPENIA: "red",
    Pattern.SINGLE_LINE: "yellow",
    Pattern.CANNOT_TELL: "magenta",
    Urgency.IMMEDIATE: "bold red",
    Urgency.PROMPT: "red",
}


PLAIN_WIDTH = 120
_MOST_NAMED = 20
_NAME = 24  # characters: the name of a field in a line of an inspection


def make_console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal, or of a fixed width where there is none."""
    console = Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH, stderr=stderr)


def text_width() -> int:
    """Return how wide a text may be: the terminal's width, up to that of a page."""
    return min(WIDTH, make_console().width)


def print_hanging(console: Console, lead: str, text: str | Text, style: str = "") -> None:
    """Print a text whose further lines begin below its first word, behind what leads it."""
    table = Table.grid(padding=0)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text(lead, style=style), text if isinstance(text, Text) else Text(text, style=style))
    console.print(table)


def print_summary(console: Console, summary: ScanSummary) -> None:
    """Print what a scan found and what became of every row."""
    console.print(Text(NOTICE, style="bold"))
    console.print(
        f"{summary.rows_in:,} rows in = {summary.screened:,} screened + {summary.rejected:,} rejected"
        f"   ({summary.seconds:.1f} s)"
    )
    counted = summary.results
    console.print(
        f"{counted['read']:,} results in = {counted['used']:,} used + {counted['unusable']:,} unusable + "
        f"{counted['superseded']:,} superseded + {counted['not_count']:,} no part of a count + "
        f"{sum(counted['rejected'].values()):,} rejected"
    )
    _grouping(console, summary)
    _counts(console, "pattern", ((p, summary.patterns.get(p, 0)) for p in Pattern), summary.screened)
    _counts(console, "severity", ((s, summary.severities.get(s, 0)) for s in Severity), summary.screened)
    _counts(console, "urgency", ((u, summary.urgencies.get(u, 0)) for u in reversed(Urgency)), summary.screened)
    _analytes(console, summary)
    for analyte, what in summary.vanished.items():
        console.print(Text(f"missing  {analyte}: {what}", style="bold red"))
    for analyte, what in summary.unit_suspect.items():
        console.print(Text(f"UNIT_SUSPECT  {analyte}: {what}", style="bold red"))
    for name, what in summary.undeclared.items():
        console.print(Text(f"to declare  {name}: {what}", style="bold red"))
    for analyte, what in summary.unit_accepted.items():
        console.print(Text(f"unit accepted  {analyte}: {what}", style="yellow"))
    _listing(console, "why something is unknown", summary.reasons, 12)
    _listing(console, "not a patient's blood, not screened", summary.specimens, 12)
    _listing(console, "rejected rows", summary.rejects, 12)
    _listing(console, "rejected results", summary.results.get("rejected", {}), 12)
    _listing(console, "results set aside, unknown where nothing else tells them", summary.set_aside, 12)
    _listing(console, "results of other tests", summary.left_out, 12)
    _listing(console, "messages without results", summary.results.get("without_results", {}), 12)
    if summary.refused_columns:
        console.print(Text("columns refused", style="bold"))
        for name, why in summary.refused_columns.items():
            console.print(Text(f"  {clean_line(name)}: {clean_line(why)}"))
    if summary.ignored_columns:
        console.print(Text(f"columns not read: {_named(summary.ignored_columns)}", style="dim"))
    if summary.languages:
        console.print(Text(f"language of the columns: {', '.join(summary.languages)}", style="dim"))
    if summary.unread_sheets:
        console.print(Text(f"sheets not read (--sheet): {_named(summary.unread_sheets)}", style="dim"))
    console.print(
        Text(
            f"{summary.chosen_words}, data {summary.data_version}, cbc-screen {summary.code_version}",
            style="dim",
        )
    )


def _grouping(console: Console, summary: ScanSummary) -> None:
    """Print how single results came together to counts, and whose they are."""
    grouping = summary.grouping
    parts = (
        ("of a single result", grouping.get("of_one_result", 0)),
        ("by the same words for a moment", grouping.get("by_words", 0)),
        ("by a month or an encounter alone", grouping.get("by_period", 0)),
        ("results not placed", grouping.get("not_placed", 0)),
    )
    said = [f"{many:,} {what}" for what, many in parts if many]
    if said:
        console.print(f"{grouping['counts']:,} counts collected: {', '.join(said)}")
    if summary.persons:
        console.print(f"{summary.persons['found']:,} of {summary.persons['in_results']:,} persons found")


def print_inspection(console: Console, found: Inspection) -> None:
    """Print what an unknown file holds."""
    console.print(Text(NOTICE, style="bold"))
    known = f", profile {found.profile}" if found.profile else ""
    language = f", columns in {found.language}" if found.language else ""
    console.print(Text(f"format {found.format}, {found.shape}{clean_line(known)}{language}"))
    for title, lines in (
        ("recognized", found.recognized),
        ("refused", found.refused),
        ("not read", found.not_read),
    ):
        if lines:
            console.print(Text(title, style="bold"))
        for line in lines:
            name, rest = (line[:_NAME], line[_NAME:]) if line[_NAME - 1 : _NAME] == " " else ("", line)
            print_hanging(console, f"  {clean_line(name)}", clean_line(rest).rstrip())
    for what in found.suspect:
        print_hanging(console, "UNIT_SUSPECT  ", clean_line(what), "bold red")
    for what in found.to_declare:
        print_hanging(console, "TO DECLARE  ", clean_line(what), "bold red")
    if found.draft:
        console.print(Text("draft of a profile", style="bold"))
        for line in found.draft.splitlines():
            console.print(Text(clean_line(line)), soft_wrap=True)


def _counts(console: Console, title: str, counts: Iterable[tuple[str, int]], total: int) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(width=26)
    table.add_column(justify="right", width=12)
    table.add_column(justify="right", width=8)
    for word, count in counts:
        share = f"{100 * count / total:.1f} %" if total else ""
        table.add_row(Text(words(word), style=_COLOURS.get(str(word), "")), f"{count:,}", share)
    console.print(Text(title, style="bold"))
    console.print(table)


def _analytes(console: Console, summary: ScanSummary) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("analyte", "column", "unit"):
        table.add_column(name, overflow="fold")
    for name in ("results", "used", "not used"):
        table.add_column(name, justify="right", no_wrap=True)
    for analyte, count in summary.analytes.items():
        cells = [
            words(analyte),
            clean_line(count.column),
            clean_line(count.unit),
            f"{count.results:,}",
            f"{count.used:,}",
            f"{count.not_used:,}",
        ]
        table.add_row(*[Text(cell) for cell in cells])
    console.print(Text("results read", style="bold"))
    console.print(table)


def _named(names: Sequence[str]) -> str:
    """Name the first of many, and say how many there are besides."""
    more = len(names) - _MOST_NAMED
    return clean_line(", ".join(names[:_MOST_NAMED])) + (f" and {more:,} more" if more > 0 else "")


def _listing(console: Console, title: str, counts: Mapping[str, int], most: int) -> None:
    if not counts:
        return
    console.print(Text(title, style="bold"))
    for place, (name, count) in enumerate(counts.items()):
        if place == most:
            console.print(Text(f"  and {len(counts) - most} more kinds", style="dim"))
            break
        console.print(Text(f"  {clean_line(name):<40}{count:>10,}"))
