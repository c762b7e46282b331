"""What changed between two files of flags, on a terminal: words and counts, examples by row number alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cbc_screen.comparison import NO_ROW, Comparison, Example, FlagsVersion, Seriousness, Transition
from cbc_screen.printable import clean_line
from cbc_screen.report.terminal import print_hanging
from cbc_screen.report.wording import words

_MOST_COLUMNS = 60
_MOST_TRANSITIONS = 40
_MOST_REASONS = 12
_HEADS = ("column", "old", "new", "rows")
_TITLES = {
    Seriousness.LOST: "no longer low, no longer pancytopenia, or less urgent",
    Seriousness.LESS: "less is flagged, or unknown now",
    Seriousness.CLEARED: "unknown before, not flagged now",
    Seriousness.MORE: "more is flagged",
    Seriousness.OTHER: "changed otherwise",
}
_NOTHING_MATCHED = (
    "No row of one file is in the other: see that both are scans of the same source, under the same file names, "
    "or match rows by a kept column (--key)."
)
_STYLES = {Seriousness.LOST: "bold red", Seriousness.LESS: "red", Seriousness.CLEARED: "magenta"}


def print_comparison(console: Console, found: Comparison) -> None:
    """Print what changed, the most serious first."""
    console.print(Text(found.notice, style="bold"))
    if not found.matched and found.old.rows and found.new.rows:
        console.print(Text(_NOTHING_MATCHED, style="bold red"))
    _versions(console, found)
    for name, version, only in (("old", found.old, found.only_old), ("new", found.new, found.only_new)):
        total = sum(only.values())
        console.print(f"{version.rows:,} rows of {name} = {found.matched:,} matched + {total:,} only in {name}")
    console.print(Text(f"matched by {clean_line(found.key)}; {found.changed:,} of them changed"))
    if found.in_order:
        console.print(Text(f"{found.in_order:,} rows share their key and were taken in their order", style="red"))
    _listing(console, "only in old", found.only_old)
    _listing(console, "only in new", found.only_new)
    if found.columns_only_old:
        console.print(Text(f"columns only in old: {clean_line(', '.join(found.columns_only_old))}", style="red"))
    if found.columns_only_new:
        console.print(Text(f"columns only in new: {clean_line(', '.join(found.columns_only_new))}", style="red"))
    if found.columns_in_neither:
        console.print(Text(f"columns in neither: {', '.join(found.columns_in_neither)}", style="red"))
    if found.same:
        console.print("No flag changed.")
        return
    _transitions(console, found)
    _listing(console, "rows changed, by column", found.columns, _MOST_COLUMNS)
    _listing(console, "reasons that came", found.came)
    _listing(console, "reasons that went", found.went)


def _versions(console: Console, found: Comparison) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("", "file", "cbc-screen", "data", "ranges", "definition", "grading"):
        table.add_column(name, overflow="fold")
    for name, version in (("old", found.old), ("new", found.new)):
        table.add_row(name, *(Text(clean_line(cell) or "not said") for cell in _said(version)))
    console.print(table)


def _said(version: FlagsVersion) -> tuple[str, ...]:
    return version.file, version.code, version.data, version.ranges, version.definition, version.scheme


def _transitions(console: Console, found: Comparison) -> None:
    if found.old.scheme != found.new.scheme:
        console.print("The grading schemes differ: a grade of one is not that of the other.")
    shown = found.transitions[:_MOST_TRANSITIONS]
    for kind in Seriousness:
        own = [one for one in shown if one.seriousness is kind]
        if not own:
            continue
        console.print(Text(_TITLES[kind], style=_STYLES.get(kind, "bold")))
        lines = [(words(one.column), _word(one.old), _word(one.new), f"{one.rows:,}") for one in own]
        wide = [max(len(line[place]) for line in (_HEADS, *lines)) for place in range(len(_HEADS))]
        _line(console, _HEADS, wide, "dim")
        for one, line in zip(own, lines, strict=True):
            _line(console, line, wide)
            for title, text in (("reasons", _reasons(one)), ("rows such as", _rows(one.examples))):
                if text:
                    print_hanging(console, f"    {title} ", clean_line(text), "dim")
    if len(found.transitions) > len(shown):
        more = len(found.transitions) - len(shown)
        console.print(Text(f"and {more:,} more kinds of change (--json has all)", style="dim"))


def _line(console: Console, cells: Sequence[str], wide: Sequence[int], style: str = "") -> None:
    """Print one line of columns; words are folded where a terminal is narrow, and never the number."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for place, width in enumerate(wide):
        last = place == len(wide) - 1
        table.add_column(
            min_width=width if last else None,
            max_width=width,
            no_wrap=last,
            overflow="fold",
            justify="right" if last else "left",
        )
    table.add_row(
        *(
            Text(f"{clean_line(cell):<{width}}" if cell is not cells[-1] else cell, style=style)
            for cell, width in zip(cells, wide, strict=True)
        )
    )
    console.print(table)


def _word(word: str) -> str:
    return words(word) if word else "nothing"


def _reasons(one: Transition) -> str:
    if NO_ROW in (one.old, one.new):
        return ""
    signs = [f"+{name} {rows:,}" for name, rows in one.came.items()]
    return ", ".join([*signs, *(f"-{name} {rows:,}" for name, rows in one.went.items())])


def _rows(examples: tuple[Example, ...]) -> str:
    # Of a row that moved both numbers are said.
    return ", ".join(" > ".join(dict.fromkeys(filter(None, (one.old, one.new)))) for one in examples)


def _listing(console: Console, title: str, counts: Mapping[str, int], most: int = _MOST_REASONS) -> None:
    if not counts:
        return
    console.print(Text(title, style="bold"))
    for place, (name, count) in enumerate(counts.items()):
        if place == most:
            console.print(Text(f"  and {len(counts) - most} more kinds (--json has all)", style="dim"))
            break
        console.print(Text(f"  {clean_line(name):<40}{count:>10,}"))
