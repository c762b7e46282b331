"""Commands about grading schemes and sets of reference ranges."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from cbc_screen.commands.options import source_of, source_options
from cbc_screen.errors import KnowledgeError, SeveralFaults, UsageError
from cbc_screen.printable import clean, clean_line
from cbc_screen.report.progress import ProgressBar
from cbc_screen.vocabulary import NOTICE, ExitCode, ResultsOf


@click.command(epilog='Example: cbc-screen grade platelets 24 "10^9/L" --scheme ctcae_v5 --lower-limit 150')
@click.argument("analyte")
@click.argument("value")
@click.argument("unit", required=False)
@click.option("--scheme", default="clinical", show_default=True)
@click.option("--lower-limit", type=float, help="The laboratory's lower limit, in the unit of the value.")
@click.option("--age")
@click.option("--sex")
@click.option("--pregnancy")
@click.option("--elevation", help='Adjust hemoglobin for it: "2600 m".')
@click.option("--cigarettes-per-day", help="Adjust hemoglobin for smoking.")
@click.option("--smoker", type=click.Choice(["present", "absent", "unknown"]), help="As --cigarettes-per-day.")
def grade(analyte: str, value: str, unit: str | None, scheme: str, lower_limit: float | None, **person: Any) -> None:
    """Grade one result under a named scheme."""
    from cbc_screen.grading import grade as grade_value

    stated = {name: given for name, given in person.items() if given is not None}
    found = grade_value(analyte, value, unit, scheme=scheme, lower_limit=lower_limit, **stated)
    told = f"grade {found.grade}" if found.grade is not None else f"cannot tell ({found.reason})"
    click.echo(f"{analyte}: {told}; {found.severity.replace('_', ' ')}; {found.scheme} {found.version}")
    if any(stated.get(name) for name in ("elevation", "cigarettes_per_day", "smoker")):
        click.echo(f"unadjusted: {'cannot tell' if found.unadjusted is None else f'grade {found.unadjusted}'}")
    click.echo(f"source: {found.source}" if found.source else "this scheme has no table for this analyte")
    click.echo(NOTICE)


@click.group()
def ranges() -> None:
    """List, show, check and verify sets of reference ranges."""


@ranges.command("list", epilog="Example: cbc-screen ranges list")
def ranges_list() -> None:
    """List the sets with their coverage."""
    from cbc_screen.report.ranges import set_table
    from cbc_screen.report.terminal import make_console

    console = make_console()
    console.print(set_table())
    console.print(NOTICE)


@ranges.command("show", epilog="Example: cbc-screen ranges show hemoglobin --sex F")
@click.argument("analyte")
@click.option("--sex", type=click.Choice(["F", "M"]), help="Only one sex.")
@click.option("--ranges", "name", default="default", show_default=True)
def ranges_show(analyte: str, sex: str | None, name: str) -> None:
    """Print the bands of one analyte by age."""
    from cbc_screen.report.ranges import band_table
    from cbc_screen.report.terminal import make_console

    console = make_console()
    console.print(band_table(analyte, name, sex))
    console.print(NOTICE)


@ranges.command("new", epilog="Example: cbc-screen ranges new -o my_lab.csv")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where to write it (.csv); else it is printed.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
def ranges_new(out: Path | None, force: bool) -> None:
    """Write a set of your own to fill in: one row a result and sex, with lower and upper left empty."""
    from cbc_screen.private_files import Lock
    from cbc_screen.report.ranges import template
    from cbc_screen.report.writers import AtomicFile, check_output

    if out is None:
        click.echo(template(), nl=False)
        return
    if out.suffix.lower() != ".csv":
        raise UsageError("a set of ranges is a .csv file")
    check_output(out, force=force)
    with Lock(out), closing(AtomicFile(out, force=force)) as file:
        file.write_text(template())
        file.finish()
        file.commit()
    click.echo(
        f"fill in lower and upper, drop rows that you do not have, then: cbc-screen ranges check {clean_line(out.name)}"
    )


@ranges.command("check", epilog="Example: cbc-screen ranges check my_lab.csv")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def ranges_check(file: Path) -> None:
    """Check your own set of ranges (.csv; all faults at once), your own rules, or a condition (.yaml)."""
    from cbc_screen.report.ranges import check_rules, check_set

    if file.suffix.lower() in (".yaml", ".yml"):
        click.echo(clean(f"{file.name}: {check_rules(file)}"))
        return
    faults: tuple[KnowledgeError, ...] = ()
    try:
        rows, remarks = check_set(file)
    except SeveralFaults as problem:
        faults = problem.faults
    if faults:
        for fault in faults:
            click.echo(f"cbc-screen: {clean_line(str(fault))}", err=True)
        sys.exit(ExitCode.USAGE)
    click.echo(clean_line(f"{file.name}: {rows} rows, format, units, limits, bands and sources are sound"))
    for remark in remarks:
        click.echo(clean_line(f"  look again: {remark}"))


@ranges.command(
    "verify", epilog="Example: cbc-screen ranges verify results.csv --set nhanes_dxh800 --report verified.html"
)
@click.argument("source", nargs=-1, required=True)
@click.option("--set", "name", default="default", show_default=True, help="A named set, or your own CSV.")
@click.option(
    "--results-of",
    type=click.Choice([kind.value for kind in ResultsOf]),
    default=ResultsOf.ROUTINE.value,
    show_default=True,
    help="Patients of every day, or people chosen for their health.",
)
@click.option("--analyte", "analytes", multiple=True, help="Only this one; may be repeated.")
@click.option(
    "--person", metavar="COLUMN", help="Whose each row is; found by its name. Of one person the earliest count is used."
)
@click.option(
    "--stated-people",
    type=click.IntRange(1),
    help="Of how many people the ranges were made, where the set does not say.",
)
@click.option(
    "--stated-percentiles",
    metavar="LOW-HIGH",
    help="Which percentiles the limits are, where the set does not say: 2.5-97.5.",
)
@click.option(
    "-o",
    "--out",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The limits (.csv), or everything (.json); may be repeated.",
)
@click.option("--report", type=click.Path(path_type=Path), help="The page to sign, .html.")
@click.option("--text-units", default="si", show_default=True, type=click.Choice(["si", "us"]), help="Units of texts.")
@click.option("--force", is_flag=True, help="Overwrite existing outputs.")
@source_options
def ranges_verify(source: tuple[str, ...], **options: Any) -> None:
    """Hold a set against local results: adopt, investigate or cannot tell, limit by limit. Files are read in memory."""
    from cbc_screen.local_ranges import verify_ranges
    from cbc_screen.report.terminal import make_console
    from cbc_screen.report.verified import print_verification
    from cbc_screen.report.writers import check_output

    outputs = [*options["out"], *([options["report"]] if options["report"] is not None else [])]
    for path in outputs:
        check_output(path, force=options["force"])
    with ProgressBar("analytes") as progress:
        found = verify_ranges(
            source_of(source, options),
            options["name"],
            results_of=options["results_of"],
            analytes=options["analytes"],
            person=options["person"],
            stated_people=options["stated_people"],
            stated_percentiles=_percentiles(options["stated_percentiles"]),
            text_units=options["text_units"],
            progress=progress,
        )
    print_verification(make_console(), found)
    for path in outputs:
        found.write(path, force=options["force"])


def _percentiles(text: str | None) -> tuple[float, float] | None:
    """Read two percentiles: 2.5-97.5."""
    if text is None:
        return None
    low, _, high = text.partition("-")
    try:
        return float(low), float(high)
    except ValueError:
        raise click.UsageError("--stated-percentiles takes LOW-HIGH, such as 2.5-97.5") from None
