"""The commands that write the definition in other languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cbc_screen.commands.group import command
from cbc_screen.commands.options import adjust_option, definition_options, mapping, with_options
from cbc_screen.commands.printing import json_option, quiet_option, show
from cbc_screen.errors import UsageError
from cbc_screen.printable import clean_line
from cbc_screen.private_files import Lock, why
from cbc_screen.vocabulary import NOTICE

_output = with_options(
    click.option("-o", "--out", type=click.Path(path_type=Path), help="Where to write it; else it is printed."),
    click.option("--force", is_flag=True, help="Overwrite the file."),
    json_option,
    quiet_option,
)


@command(
    "sql",
    short_help="Write the definition as one SQL statement.",
    epilog="Example: cbc-screen sql --table lab.counts --keep count_id --dialect postgresql",
)
@click.option("--table", default="counts", show_default=True, help="The table or view of counts, one a row.")
@click.option("--dialect", default="duckdb", show_default=True, metavar="duckdb|postgresql|spark", help="The database.")
@click.option(
    "--columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="What the table has, all of it; may be repeated. By default age, sex, pregnancy, hemoglobin, wbc, neutrophils "
    "and platelets under these names.",
)
@click.option("--keep", multiple=True, metavar="COLUMN", help="A column to hand on, such as a key; may be repeated.")
@click.option("--age-unit", default="y", show_default=True, metavar="y|mo|wk|d|h", help="What the ages are in.")
@click.option("--sex-codes", multiple=True, metavar="CODE=F|M|unknown", help="What a sex code means; may be repeated.")
@click.option("--view", help="Write CREATE OR REPLACE VIEW of this name.")
@adjust_option
@definition_options
@_output
def sql_command(out: Path | None, force: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Write the definition as one SQL statement over a table of counts, for a database that runs no Python."""
    from cbc_screen.exported.statement import sql

    columns = mapping("--columns", options.pop("columns"))
    codes = mapping("--sex-codes", options.pop("sex_codes"))
    text = sql(columns=columns or None, sex_codes=codes or None, **options)
    if out is None:
        show(lambda: {"sql": text}, lambda _: click.echo(text, nl=False), as_json=as_json)
        return
    _write(text, out, force=force)
    _written([out], as_json=as_json, quiet=quiet)


@command(
    "cql",
    short_help="Write the definition as a library of CQL.",
    epilog="Example: cbc-screen cql --definition clinical -o cql",
)
@definition_options
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="A folder for the library and its FHIR resources; else it is printed.",
)
@click.option("--force", is_flag=True, help="Overwrite the files.")
@json_option
@quiet_option
def cql_command(out: Path | None, force: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Write the definition as a library of CQL, with the FHIR Library and PlanDefinition that carry it."""
    from cbc_screen.exported.library import NAME, PLAN, cql
    from cbc_screen.printable import json_text

    made = cql(**options)
    if out is None:
        show(
            lambda: {"cql": made.text, "library": made.library, "plan_definition": made.plan_definition},
            lambda _: click.echo(made.text, nl=False),
            as_json=as_json,
        )
        return
    try:
        out.mkdir(exist_ok=True)
    except OSError as problem:
        raise UsageError(f"-o: the folder cannot be made ({why(problem)})") from None
    files = {
        out / f"{NAME}.cql": made.text,
        out / f"Library-{NAME}.json": json_text(made.library, indent=2) + "\n",
        out / f"PlanDefinition-{PLAN}.json": json_text(made.plan_definition, indent=2) + "\n",
    }
    for path, text in files.items():
        _write(text, path, force=force)
    _written(list(files), as_json=as_json, quiet=quiet)


@command(
    "admiral",
    short_help="Write a grading scheme as criteria of admiral (R).",
    epilog="Example: cbc-screen admiral ctcae_v5 -o criteria.json",
)
@click.argument("scheme")
@click.option("--pregnancy-column", "pregnancy", metavar="COLUMN", help="The column that holds the stage of pregnancy.")
@_output
def admiral_command(
    scheme: str, pregnancy: str | None, out: Path | None, force: bool, as_json: bool, quiet: bool
) -> None:
    """Write a grading scheme as criteria of admiral (R), one row a term, as JSON."""
    from cbc_screen.exported.admiral import admiral_criteria
    from cbc_screen.printable import json_text

    criteria = admiral_criteria(scheme, pregnancy=pregnancy)  # type: ignore[arg-type]
    text = json_text(criteria, indent=2) + "\n"
    if out is None:
        show(lambda: {"criteria": criteria}, lambda _: click.echo(text, nl=False), as_json=as_json)
        return
    _write(text, out, force=force)
    _written([out], as_json=as_json, quiet=quiet)


def _write(text: str, out: Path, *, force: bool) -> None:
    """Write a text to a file of its owner."""
    from contextlib import closing

    from cbc_screen.report.writers import AtomicFile, check_output

    check_output(out, force=force)
    with Lock(out), closing(AtomicFile(out, force=force)) as file:
        file.write_text(text)
        file.finish()
        file.commit()


def _written(files: list[Path], *, as_json: bool, quiet: bool) -> None:
    """Say which files were written."""
    said = "\n".join(f"{clean_line(file.name)}: written. {NOTICE}" for file in files)
    show(lambda: {"files": [file.name for file in files]}, lambda _: click.echo(said), as_json=as_json, quiet=quiet)
