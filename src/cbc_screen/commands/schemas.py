"""`cbc-screen schema`: the JSON schemas of what goes in and out."""

from __future__ import annotations

import click

from cbc_screen.printable import json_text


@click.command("schema", epilog="Example: cbc-screen schema result")
@click.argument("name", required=False)
def schema_command(name: str | None) -> None:
    """Print the JSON schema of what goes in or out, or the names of all."""
    from cbc_screen.schemas import schema, schema_names

    click.echo("\n".join(schema_names()) if name is None else json_text(schema(name), indent=2))
