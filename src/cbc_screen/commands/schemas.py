"""`cbc-screen schema`: the JSON schemas of what goes in and out."""

from __future__ import annotations

import click

from cbc_screen.commands.group import command
from cbc_screen.commands.printing import json_option, show
from cbc_screen.printable import json_text


@command(
    "schema",
    short_help="Print the JSON schema of what goes in or out.",
    epilog="Example: cbc-screen schema result",
)
@click.argument("name", required=False)
@json_option
def schema_command(name: str | None, as_json: bool) -> None:
    """Print the JSON schema of what goes in or out, or the names of all."""
    from cbc_screen.schemas import schema, schema_names

    if name is None:
        names = list(schema_names())
        show(lambda: {"schemas": names}, lambda _: click.echo("\n".join(names)), as_json=as_json)
        return
    found = schema(name)
    show(lambda: {"schema": found}, lambda _: click.echo(json_text(found, indent=2)), as_json=as_json)
