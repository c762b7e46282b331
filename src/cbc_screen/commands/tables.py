"""Commands about grading schemes and sets of reference ranges."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cbc_screen.commands.group import Group, command
from cbc_screen.commands.options import source_of, source_options
from cbc_screen.commands.printing import json_option, quiet_option, show
from cbc_screen.errors import KnowledgeError, SeveralFaults, UsageError
from cbc_screen.printable import clean, clean_line
from cbc_screen.report.progress import ProgressBar
from cbc_screen.vocabulary import NOTICE, ExitCode, ResultsOf

if TYPE_CHECKING:
    from rich.console import Console

    from cbc_screen.grading import Grade


@command(epilog='Example: cbc-screen grade platelets 24 "10^9/L" --scheme ctcae_v5 --lower-limit 150')
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
@json_option
def grade(
    analyte: str, value: str, unit: str | None, scheme: str, lower_limit: float | None, as_json: bool, **person: Any
) -> None:
    """Grade one result under a named scheme."""
    from cbc_screen.grading import grade as grade_value
    from cbc_screen.knowledge import load_knowledge

    stated = {name: given for name, given in person.items() if given is not None}
    found = grade_value(analyte, value, unit, scheme=scheme, lower_limit=lower_limit, **stated)
    adjusted = any(stated.get(name) for name in ("elevation", "cigarettes_per_day", "smoker"))
    show(
        lambda: {"analyte": analyte, **asdict(found), "data_version": load_knowledge().data_version},
        lambda console: _print_grade(console, analyte, found, adjusted=adjusted),
        as_json=as_json,
    )


def _print_grade(console: Console, analyte: str, found: Grade, *, adjusted: bool) -> None:
    """Print one grade with its scheme and source."""
    told = f"grade {found.grade}" if found.grade is not None else f"cannot tell ({found.reason})"
    lines = [f"{analyte}: {told}; {found.severity.replace('_', ' ')}; {found.scheme} {found.version}"]
    if adjusted:
        lines.append(f"unadjusted: {'cannot tell' if found.unadjusted is None else f'grade {found.unadjusted}'}")
    lines += [f"source: {found.source}" if found.source else "this scheme has no table for this analyte", NOTICE]
    for line in lines:
        console.print(line, markup=False)


@click.group(cls=Group)
def ranges() -> None:
    """List, show, check and verify sets of reference ranges."""


@ranges.command("list", epilog="Example: cbc-screen ranges list")
@json_option
def ranges_list(as_json: bool) -> None:
    """List the sets with their coverage."""
    from cbc_screen.report.range_tables import print_sets, sets_document

    show(sets_document, print_sets, as_json=as_json)


@ranges.command("show", epilog="Example: cbc-screen ranges show hemoglobin --sex F")
@click.argument("analyte")
@click.option("--sex", type=click.Choice(["F", "M"]), help="Only one sex.")
@click.option("--ranges", "name", default="default", show_default=True)
@json_option
def ranges_show(analyte: str, sex: str | None, name: str, as_json: bool) -> None:
    """Print the bands of one analyte by age."""
    from cbc_screen.report.range_tables import bands_document, bands_of, print_bands

    bands = bands_of(analyte, name, sex)
    show(lambda: bands_document(bands), lambda console: print_bands(console, bands), as_json=as_json)


@ranges.command(
    "new", short_help="Write a set of your own to fill in.", epilog="Example: cbc-screen ranges new -o my_lab.csv"
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where to write it (.csv); else it is printed.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
@json_option
@quiet_option
def ranges_new(out: Path | None, force: bool, as_json: bool, quiet: bool) -> None:
    """Write a set of your own to fill in: one row a result and sex, with lower and upper left empty."""
    from cbc_screen.private_files import Lock
    from cbc_screen.report.ranges import template
    from cbc_screen.report.writers import AtomicFile, check_output

    if out is None:
        text = template()
        show(lambda: {"template": text}, lambda _: click.echo(text, nl=False), as_json=as_json)
        return
    if out.suffix.lower() != ".csv":
        raise UsageError("a set of ranges is a .csv file")
    check_output(out, force=force)
    with Lock(out), closing(AtomicFile(out, force=force)) as file:
        file.write_text(template())
        file.finish()
        file.commit()
    next_step = f"cbc-screen ranges check {clean_line(out.name)}"
    said = f"fill in lower and upper, drop rows that you do not have, then:\n{next_step}"
    show(lambda: {"file": out.name, "next": next_step}, lambda _: click.echo(said), as_json=as_json, quiet=quiet)


@ranges.command(
    "check",
    short_help="Check your own ranges, rules or condition.",
    epilog="Example: cbc-screen ranges check my_lab.csv",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@quiet_option
def ranges_check(file: Path, as_json: bool, quiet: bool) -> None:
    """Check your own set of ranges (.csv; all faults at once), your own rules, or a condition (.yaml)."""
    from cbc_screen.report.ranges import check_rules, check_set

    faults: tuple[KnowledgeError, ...] = ()
    said: list[str] = []
    try:
        if file.suffix.lower() in (".yaml", ".yml"):
            said = check_rules(file).split("\n")
        else:
            rows, remarks = check_set(file)
            said = [f"{rows} rows, format, units, limits, bands and sources are sound"]
            said += [f"  look again: {remark}" for remark in remarks]
    except SeveralFaults as problem:
        faults = problem.faults
    for fault in faults:
        click.echo(f"cbc-screen: {clean_line(str(fault))}", err=True)
    show(
        lambda: {
            "file": file.name,
            "sound": not faults,
            "said": [line.strip() for line in said],
            "faults": [{"line": own.line, "key": own.key, "problem": own.problem} for own in faults],
        },
        lambda _: click.echo(clean("\n".join(_named(file.name, said))), nl=bool(said)),
        as_json=as_json,
        quiet=quiet,
    )
    if faults:
        sys.exit(ExitCode.USAGE)


def _named(name: str, said: list[str]) -> list[str]:
    return [f"{name}: {said[0]}", *said[1:]] if said else []


@ranges.command(
    "verify",
    short_help="Hold a set against local results, limit by limit.",
    epilog="Example: cbc-screen ranges verify results.csv --set nhanes_dxh800 --report verified.html",
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
@json_option
@quiet_option
@source_options
def ranges_verify(source: tuple[str, ...], as_json: bool, quiet: bool, **options: Any) -> None:
    """Hold a set against local results: adopt, investigate or cannot tell, limit by limit. Files are read in memory."""
    from cbc_screen.local_ranges import verify_ranges
    from cbc_screen.report.verified import print_verification
    from cbc_screen.report.writers import check_output

    outputs = [*options["out"], *([options["report"]] if options["report"] is not None else [])]
    for path in outputs:
        check_output(path, force=options["force"])
    with ProgressBar("analytes", shown=not quiet) as progress:
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
    show(found.to_dict, lambda console: print_verification(console, found), as_json=as_json, quiet=quiet)
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
