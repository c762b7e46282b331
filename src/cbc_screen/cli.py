"""The command cbc-screen."""

from __future__ import annotations

import click

from cbc_screen._version import __version__
from cbc_screen.commands.demo import demo
from cbc_screen.commands.exported import admiral_command, cql_command, sql_command
from cbc_screen.commands.files import audit, follow, profile, scan
from cbc_screen.commands.flags import compare_flags, explain_row, report, validate_answers
from cbc_screen.commands.group import Command, CommandGroup
from cbc_screen.commands.one import one
from cbc_screen.commands.options import screener_of, screening_options, unit_options, with_options
from cbc_screen.commands.printing import json_option, show
from cbc_screen.commands.schemas import schema_command
from cbc_screen.commands.score import score
from cbc_screen.commands.tables import grade, ranges
from cbc_screen.service.command import serve_command
from cbc_screen.vocabulary import NOTICE


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.invoke(version, as_json=False)
        ctx.exit()


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the versions."
)
def main() -> None:
    """Screen complete blood counts for cytopenias. For clinician review. Not a diagnosis."""


@click.command(cls=Command, epilog="Example: cbc-screen version")
@json_option
def version(as_json: bool) -> None:
    """Print the versions of the code and of the data."""
    from cbc_screen.knowledge import load_knowledge

    data = load_knowledge().data_version
    show(
        lambda: {"code_version": __version__, "data_version": data},
        lambda _: click.echo(f"cbc-screen {__version__}, data {data}\n{NOTICE}"),
        as_json=as_json,
    )


for command in (
    scan,
    profile,
    follow,
    audit,
    one,
    report,
    explain_row,
    validate_answers,
    compare_flags,
    grade,
    score,
    ranges,
    sql_command,
    cql_command,
    admiral_command,
    schema_command,
    demo,
    version,
):
    main.add_command(command)
main.add_command(serve_command(with_options(screening_options, unit_options), screener_of, Command))


if __name__ == "__main__":
    main()
