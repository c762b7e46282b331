"""What every command prints: tables for people, one JSON document for programs, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from cbc_screen.commands.group import OPTIONS_FILE_KEY
from cbc_screen.printable import json_text
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION

if TYPE_CHECKING:
    from rich.console import Console

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document in place of a text.")
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Print nothing but errors and alarms, these on standard error."
)


def show(
    document: Callable[[], Mapping[str, Any]],
    text: Callable[[Console], None],
    *,
    as_json: bool,
    quiet: bool = False,
    stderr: bool = False,
) -> None:
    """Print what a command found.

    Parameters
    ----------
    document : function without arguments
        Makes plain Python types, ready for JSON; the notice stands before them.
    text : function of a console
        Prints the same for people.
    as_json : bool
        Print the document, also where `quiet` was asked for.
    quiet : bool
        Print nothing for people.
    stderr : bool
        Print for people on standard error: standard output is taken.
    """
    if as_json:
        click.echo(json_text({"notice": NOTICE, "schema_version": SCHEMA_VERSION, **document()}, indent=2))
    elif not quiet:
        from cbc_screen.report.terminal import make_console

        text(make_console(stderr=stderr))


def options_file() -> str | None:
    """Return the configuration file that options of this command came from."""
    found = click.get_current_context().meta.get(OPTIONS_FILE_KEY)
    return None if found is None else str(found)
