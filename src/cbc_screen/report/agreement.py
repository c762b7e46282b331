"""The agreement with a reviewer on a terminal."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cbc_screen.agreement import Agreement, RuleAgreement, Share
from cbc_screen.printable import clean

LONGEST_RULE = 80
_LINES_SHOWN = 12
# Below this width only the first columns are shown: a number that is cut reads as another number.
WIDE = 112
_HEADERS = (
    "reviewed",
    "missed",
    "cannot\ntell",
    "word not\nsaid",
    "agreement",
    "missed of\npresent",
    "still\nneeded",
    "missed of\nreviewed",
    "flagged of\nabsent",
)
_NARROW = 7


def print_agreement(console: Console, found: Agreement) -> None:
    """Print the agreement by rule, and what became of every line."""
    console.print(Text(found.notice, style="bold"))
    console.print(Text(found.measure, style="bold"))
    console.print(
        f"{found.lines:,} lines in = {found.used:,} used + {found.unanswered:,} unanswered + "
        f"{found.repeated:,} repeated + {found.rejected:,} rejected"
    )
    if found.rules:
        console.print(agreement_table(found, wide=console.width >= WIDE))
        console.print(Text(_legend(found), style="dim"))
        if console.width < WIDE:
            console.print(Text(f"A terminal of {WIDE} columns shows all of the table.", style="dim"))
    _rejected(console, found)
    console.print(Text(f"data {found.data_version}, cbc-screen {found.code_version}", style="dim"))


def agreement_table(found: Agreement, *, wide: bool = True) -> Table:
    """Lay out the rules under their kinds, each with its shares above their intervals."""
    shown = len(_HEADERS) if wide else _NARROW
    table = Table(box=None, padding=(0, 2 if wide else 1, 0, 0), header_style="dim")
    table.add_column("rule", overflow="fold", min_width=12)
    for name in _HEADERS[:shown]:
        table.add_column(name, justify="right", overflow="fold")
    for kind, rules in groupby(found.rules, key=lambda rule: rule.kind):
        table.add_row(Text(kind, style="bold"))
        for rule in rules:
            name = clean(rule.rule.removeprefix(f"{kind}:")).replace("\n", " ")
            table.add_row(Text(name[:LONGEST_RULE]), *_cells(rule)[:shown])
    return table


def _cells(rule: RuleAgreement) -> tuple[Text, ...]:
    """Write the cells in the order of the headers."""
    return (
        Text(f"{rule.reviewed:,}"),
        Text(f"{rule.false_negative:,}", style="red" if rule.false_negative else ""),
        Text(f"{rule.cannot_tell:,}"),
        Text(f"{rule.unknown:,}"),
        Text(_share(rule.agreement)),
        Text(_share(rule.missed_of_present)),
        Text(f"{rule.still_needed:,}\n{rule.still_needed_reviewed:,}", style="yellow" if rule.still_needed else ""),
        Text(_share(rule.missed_of_reviewed)),
        Text(_share(rule.flagged_of_absent)),
    )


def _share(found: Share) -> str:
    if found.share is None or found.low is None or found.high is None:
        return "none"
    return f"{100 * found.share:.1f}\n{100 * found.low:.1f}-{100 * found.high:.1f}"


def _legend(found: Agreement) -> str:
    sure, present, reviewed = (
        f"{100 * share:g} %" for share in (found.confidence, found.target_present, found.target_reviewed)
    )
    return (
        f"Shares in percent above their {sure} Wilson intervals; present and absent as the reviewers hold. Still "
        f"needed: further counts, none of them missed, until the upper limit of the missed is below the target: "
        f"above, counts with the finding, for {present} of present; below, any, for {reviewed} of reviewed."
    )


def _rejected(console: Console, found: Agreement) -> None:
    if not found.rejected_lines:
        return
    console.print(Text("rejected lines", style="bold"))
    for reason, lines in found.rejects.items():
        console.print(Text(f"  {reason:<68}{lines:>10,}"))
    for fault in found.rejected_lines[:_LINES_SHOWN]:
        place = f"line {fault.line:,}" + (f", {fault.column}" if fault.column else "")
        console.print(Text(f"  {place}: {fault.reason}"))
    if found.rejected > _LINES_SHOWN:
        console.print(Text(f"  and {found.rejected - _LINES_SHOWN:,} more lines", style="dim"))
