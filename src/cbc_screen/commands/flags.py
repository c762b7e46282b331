"""Commands that go on from the flags of a scan: report, explain, validate, compare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from cbc_screen.commands.explanation import print_explanation
from cbc_screen.commands.group import command
from cbc_screen.commands.options import own_files
from cbc_screen.commands.printing import json_option, quiet_option, show
from cbc_screen.printable import clean_line
from cbc_screen.report.progress import ProgressBar, waiting
from cbc_screen.vocabulary import NOTICE, ExitCode


@command(
    short_help="Write the worklist of a scan, most urgent first.",
    epilog="Example: cbc-screen report flags.parquet -o worklist.html",
)
@click.argument("flags", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The page, .html.")
@click.option("--person", metavar="COLUMN", help="A kept column that says whose count it is.")
@click.option("--most", type=click.IntRange(1), help="How many counts are listed; 100,000 unless told.")
@click.option("--force", is_flag=True, help="Overwrite the page.")
@json_option
@quiet_option
@own_files
def report(flags: Path, out: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Write the worklist of a scan: what to review, most urgent first, with a page for each person."""
    from cbc_screen.review import worklist

    with ProgressBar("counts", shown=not quiet) as progress:
        flagged = worklist(flags, out, progress=progress, **options)
    said = f"{flagged:,} counts to review, most urgent first, in {clean_line(out.name)}\n{NOTICE}"
    show(lambda: {"to_review": flagged, "page": out.name}, lambda _: click.echo(said), as_json=as_json, quiet=quiet)


@command(
    "explain",
    short_help="Explain one row of a scan, from received text to flag.",
    epilog="Example: cbc-screen explain flags.parquet --row 17",
)
@click.argument("flags", type=click.Path(path_type=Path))
@click.option("--row", required=True, metavar="KEY", help="A row number, FILE:ROW, or COLUMN=VALUE of a kept column.")
@json_option
@own_files
def explain_row(flags: Path, row: str, as_json: bool, **options: Any) -> None:
    """Explain one row of a scan: the chain from received text to flag, enough to redo it by hand."""
    from cbc_screen.review import screen_again

    with waiting("looking for the row"):
        result = screen_again(flags, row, **options)
    show(result.to_dict, lambda _: print_explanation(result), as_json=as_json)


@command(
    "validate",
    short_help="Compare a reviewer's answers with the flags.",
    epilog="Example: cbc-screen validate answers.csv",
)
@click.argument("labelled", type=click.Path(path_type=Path))
@json_option
def validate_answers(labelled: Path, as_json: bool) -> None:
    """Compare a reviewer's answers (CSV or JSON) with the flags, rule by rule, and say how many are still needed."""
    from cbc_screen.agreement import validate
    from cbc_screen.report.agreement import print_agreement

    with waiting("reading the answers"):
        found = validate(labelled)
    show(found.to_dict, lambda console: print_agreement(console, found), as_json=as_json)


@command(
    "compare",
    short_help="Compare the flags of two scans: what changed.",
    epilog="Example: cbc-screen compare flags_old.parquet flags_new.parquet",
)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--key", metavar="COLUMN", help="A kept column that rows are matched by, in place of their number.")
@click.option(
    "--old-rejects", type=click.Path(path_type=Path), help="Rejects of the old scan: why a row is only in new."
)
@click.option(
    "--new-rejects", type=click.Path(path_type=Path), help="Rejects of the new scan: why a row is only in old."
)
@click.option("--examples", type=click.IntRange(0), default=5, show_default=True, help="Rows named of each change.")
@json_option
@quiet_option
def compare_flags(old: Path, new: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Compare the flags of two scans: what changed, the most serious first. Exit: 0 no change, 3 changes, 2 an error."""
    from cbc_screen.report.comparison import print_comparison
    from cbc_screen.review import compare

    with waiting("comparing the rows", shown=not quiet):
        found = compare(old, new, **options)
    show(found.to_dict, lambda console: print_comparison(console, found), as_json=as_json, quiet=quiet)
    sys.exit(ExitCode.DONE if found.same else ExitCode.FLAGS_CHANGED)
