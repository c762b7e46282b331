"""`cbc-screen score`: a published score for one count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cbc_screen.commands.group import command
from cbc_screen.commands.options import mapping
from cbc_screen.commands.printing import json_option, show
from cbc_screen.vocabulary import NOTICE

if TYPE_CHECKING:
    from rich.console import Console

    from cbc_screen.scores import Score, ScoreItem


@command(
    short_help="Return a published score in its own points.",
    epilog='Example: cbc-screen score hscore hemoglobin="89 g/L" wbc="4.0 10^9/L" temperature=39.1',
)
@click.argument("name")
@click.argument("facts", nargs=-1, metavar="[FIELD=VALUE]...")
@json_option
def score(name: str, facts: tuple[str, ...], as_json: bool) -> None:
    """Return a published score (hscore, hlh_2004, plasmic) in its own points; what is not given is unknown."""
    from cbc_screen.record import CBCRecord
    from cbc_screen.scores import score as score_of

    given = mapping("score", facts)
    record: dict[str, Any] = {name: value for name, value in given.items() if name in CBCRecord.model_fields}
    found = score_of(name, record, {field: value for field, value in given.items() if field not in record})
    show(found.to_dict, lambda console: _print_score(console, found), as_json=as_json)


def _print_score(console: Console, found: Score) -> None:
    """Print the points, item by item."""
    from rich.text import Text

    from cbc_screen.report.terminal import print_hanging

    console.print(Text(NOTICE))
    console.print(Text(f"{found.name}: {_points(found)} points. {found.about}"))
    for item in found.items:
        print_hanging(console, f"  {_points(item):>9}  ", item.text)
    for cutoff in found.cutoffs:
        console.print(Text(f"{cutoff.points}, {cutoff.text}: {cutoff.reached.value.replace('_', ' ')}"))
    if found.would_decide:
        console.print(Text(f"would decide: {'; '.join(found.would_decide)}"))
    console.print(Text(f"source: {found.source}"))


def _points(of: Score | ScoreItem) -> str:
    return f"{of.low}" if of.low == of.high else f"{of.low} to {of.high}"
