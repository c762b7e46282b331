"""`cbc-screen score`: a published score for one count."""

from __future__ import annotations

from typing import Any

import click

from cbc_screen.commands.options import mapping
from cbc_screen.printable import json_text
from cbc_screen.vocabulary import NOTICE


@click.command(epilog='Example: cbc-screen score hscore hemoglobin="89 g/L" wbc="4.0 10^9/L" temperature=39.1')
@click.argument("name")
@click.argument("facts", nargs=-1, metavar="[FIELD=VALUE]...")
@click.option("--as-json", is_flag=True, help="Print the score as JSON.")
def score(name: str, facts: tuple[str, ...], as_json: bool) -> None:
    """Return a published score (hscore, hlh_2004, plasmic) in its own points; what is not given is unknown."""
    from cbc_screen.record import CBCRecord
    from cbc_screen.scores import score as score_of

    given = mapping("score", facts)
    record: dict[str, Any] = {name: value for name, value in given.items() if name in CBCRecord.model_fields}
    found = score_of(name, record, {field: value for field, value in given.items() if field not in record})
    if as_json:
        click.echo(json_text(found.to_dict(), indent=2))
        return
    click.echo(NOTICE)
    points = f"{found.low}" if found.low == found.high else f"{found.low} to {found.high}"
    click.echo(f"{found.name}: {points} points. {found.about}")
    for item in found.items:
        own = f"{item.low}" if item.low == item.high else f"{item.low} to {item.high}"
        click.echo(f"  {own:>9}  {item.text}")
    for cutoff in found.cutoffs:
        click.echo(f"{cutoff.points}, {cutoff.text}: {cutoff.reached.value.replace('_', ' ')}")
    if found.would_decide:
        click.echo(f"would decide: {'; '.join(found.would_decide)}")
    click.echo(f"source: {found.source}")
