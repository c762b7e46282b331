"""The command cbc-screen."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, cast, get_args

import click

from cbc_screen._version import __version__
from cbc_screen.errors import CBCScreenError, FileError, KnowledgeError, SeveralFaults, UsageError, one_line_errors
from cbc_screen.printable import clean, clean_line, json_text
from cbc_screen.private_files import remove_unfinished, why
from cbc_screen.regular import read_regular
from cbc_screen.report.progress import ProgressBar, waiting
from cbc_screen.service.command import serve_command
from cbc_screen.source import Files, SexWord, Source
from cbc_screen.stopping import Stopped, keep_standard_streams, let_go_of_standard_output, stopping_on_signals
from cbc_screen.vocabulary import AUTO, NOTICE, STANDARD_STREAM, DefinitionId, ExitCode, Format, Pattern, SchemeId

_JOURNAL = "cbc_screen.journal"
_LARGEST_RECORD = 1 << 24  # bytes
_LONGEST_NUMBER = 300  # digits
_EPILOG = {
    "profile": "Example: cbc-screen profile export.csv -o export.yaml",
    "scan": "Example: cbc-screen scan export.csv --units us --age-unit y -o flags.parquet --rejects rejects.csv",
    "follow": "Example: cbc-screen follow export.csv --units us --age-unit y -o persons.csv",
    "audit": "Example: cbc-screen audit export.csv --report audit.html",
    "one": 'Example: cbc-screen one --age "54 y" --sex F hemoglobin="9.1 g/dL" platelets="<10 10^9/L"',
    "grade": 'Example: cbc-screen grade platelets 24 "10^9/L" --scheme ctcae_v5 --lower-limit 150',
    "list": "Example: cbc-screen ranges list",
    "show": "Example: cbc-screen ranges show hemoglobin --sex F",
    "check": "Example: cbc-screen ranges check my_lab.csv",
    "new": "Example: cbc-screen ranges new -o my_lab.csv",
    "report": "Example: cbc-screen report flags.parquet -o worklist.html",
    "explain": "Example: cbc-screen explain flags.parquet --row 17",
    "validate": "Example: cbc-screen validate answers.csv",
    "demo": "Example: cbc-screen demo",
    "version": "Example: cbc-screen version",
}


class _Group(click.Group):
    """Turns this package's errors, and what the system says, into one clear line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        keep_standard_streams()
        message, code = "", int(ExitCode.USAGE)
        with stopping_on_signals():
            try:
                return self._invoke(ctx)
            except FileError as problem:
                message = str(problem)
                let_go_of_standard_output()
            except CBCScreenError as problem:
                message = str(problem)
            except Stopped as stop:
                message, code = f"stopped by {stop.name}{_how_to_go_on(ctx)}", stop.exit_code
            # Outside the except blocks: nothing of an earlier error is printed.
            remove_unfinished()
            with suppress(OSError):
                click.echo(f"cbc-screen: {clean_line(message)}", err=True)
            return ctx.exit(code)

    @one_line_errors("the command")
    def _invoke(self, ctx: click.Context) -> Any:
        result = super().invoke(ctx)
        _flush()
        return result


def _flush() -> None:
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _how_to_go_on(ctx: click.Context) -> str:
    """Name --resume where a journal of the scan is left."""
    journal = ctx.meta.get(_JOURNAL)
    left = journal is not None and os.path.lexists(journal)
    return "; what was done is kept: the same command with --resume goes on from there" if left else ""


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.invoke(version)
        ctx.exit()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the versions."
)
def main() -> None:
    """Screen complete blood counts for cytopenias. For clinician review. Not a diagnosis."""


Command = Callable[..., Any]


def _with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return what adds options to a command."""

    def add(command: Command) -> Command:
        for option in options:
            command = option(command)
        return command

    return add


_unit_options = _with_options(
    click.option(
        "--units",
        multiple=True,
        metavar="us|si|per_ul|ANALYTE=UNIT",
        help="What bare numbers are in; may be repeated.",
    ),
    click.option(
        "--unit-spelling",
        multiple=True,
        metavar="SPELLING=UNIT",
        help="How the source writes a unit that is in no table; may be repeated.",
    ),
)
_screening_options = _with_options(
    click.option(
        "--definition",
        default="reference",
        show_default=True,
        metavar="|".join(get_args(DefinitionId)),
        help="When a line is low.",
    ),
    click.option(
        "--grading",
        default="clinical",
        show_default=True,
        metavar="|".join(get_args(SchemeId)),
        help="Grading scheme.",
    ),
    click.option("--ranges", default="default", show_default=True, help="Set of reference ranges, or a CSV file."),
    click.option("--rules", default="default", show_default=True, help="Your own checks, as a YAML file."),
    click.option(
        "--adjust-hemoglobin",
        multiple=True,
        type=click.Choice(["elevation", "smoking"]),
        help="Adjust for what each record states, before a WHO cut-off; may be repeated.",
    ),
    click.option(
        "--text-units", default="si", show_default=True, type=click.Choice(["si", "us"]), help="Units of texts."
    ),
    click.option("--no-reported-ranges", is_flag=True, help="Do not use ranges that came with results."),
)
# What describes a source; every command that reads files takes the same.
_source_options = _with_options(
    _unit_options,
    click.option(
        "--columns",
        multiple=True,
        metavar="FIELD=COLUMN",
        help="For a column whose name is not known; may be repeated.",
    ),
    click.option("--age-unit", help="What a bare age is in: y, mo, wk, d, h."),
    click.option(
        "--sex-codes", multiple=True, metavar="CODE=F|M|unknown", help="What a sex code means; may be repeated."
    ),
    click.option(
        "--pregnancy-codes",
        multiple=True,
        metavar="CODE=WORD",
        help="What a pregnancy code means; may be repeated.",
    ),
    click.option("--decimal", default=".", show_default=True, help="The decimal mark."),
    click.option("--thousands", default="", help="The thousands mark, if there is one."),
    click.option(
        "--date-format",
        multiple=True,
        metavar="[FIELD=]FORMAT",
        help="strptime format of dates such as 03/04/2024: %d/%m/%Y; birth_date=... and collected_at=... apart.",
    ),
    click.option("--encoding", help="Text encoding; UTF-8 and byte order marks are found."),
    click.option("--delimiter", help="CSV delimiter; comma, semicolon, tab and bar are found."),
    click.option(
        "--format",
        "format_",
        default=AUTO,
        show_default=True,
        type=click.Choice([AUTO, *(kind.value for kind in Format)]),
        help="What the files are; found by what they hold.",
    ),
    click.option("--profile", help="What columns and codes mean: a shipped name, or a .yaml file."),
    click.option(
        "--persons", type=click.Path(path_type=Path), help="Birth date and sex, for a table of single results."
    ),
    click.option("--skip-lines", type=click.IntRange(0), help="Lines above the header; found by their shape."),
    click.option("--sheet", help="Sheet of a workbook; the first one by default."),
    click.option("--language", help="Of names and letters for sex (de, es, tr, ...); told from the names of columns."),
    click.option(
        "--accept-units",
        multiple=True,
        metavar="ANALYTE",
        help="Use results though their unit looks like another one (UNIT_SUSPECT); may be repeated.",
    ),
)


_PLAIN = (
    *("age_unit", "decimal", "thousands", "encoding", "delimiter", "profile", "persons", "skip_lines", "sheet"),
    *("language", "accept_units"),
)


def _source(files: Files, options: Mapping[str, Any]) -> Source:
    """Return what the options say of a source."""
    return Source(
        files,
        **{name: options[name] for name in _PLAIN},
        format=options["format_"],
        units=_units(options["units"]),
        unit_spellings=_mapping("--unit-spelling", options["unit_spelling"]) or None,
        columns=_mapping("--columns", options["columns"]),
        date_format=_date_format(options["date_format"]),
        sex_codes=cast(dict[str, SexWord], _mapping("--sex-codes", options["sex_codes"])) or None,
        pregnancy_codes=_mapping("--pregnancy-codes", options["pregnancy_codes"]) or None,
    )


def _date_format(given: Iterable[str]) -> str | dict[str, str] | None:
    """Return one format for all dates, or one for each field."""
    formats = list(given)
    named = {}
    for text in formats:
        field, sign, own = text.partition("=")
        if sign and field.isidentifier():
            named[field] = own
    if (named and len(named) < len(formats)) or (not named and len(formats) > 1):
        raise click.UsageError(
            "--date-format: give one format, or one for each field (birth_date=..., collected_at=...)"
        )
    return named or (formats[0] if formats else None)


def _screener(options: Mapping[str, Any]) -> Any:
    from cbc_screen.screener import Screener

    return Screener(
        ranges=options["ranges"],
        definition=options["definition"],
        grading=options["grading"],
        prefer_reported_ranges=not options["no_reported_ranges"],
        units=_units(options["units"]),
        rules=options["rules"],
        adjust_hemoglobin=tuple(options["adjust_hemoglobin"]),
        text_units=options["text_units"],
        unit_spellings=_mapping("--unit-spelling", options["unit_spelling"]) or None,
    )


def _units(given: Iterable[str]) -> dict[str, str] | None:
    units: dict[str, str] = {}
    for text in given:
        for part in text.split(","):
            name, sign, unit = part.partition("=")
            units["system" if not sign else name.strip()] = (unit if sign else name).strip()
    return units or None


def _mapping(name: str, given: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        left, sign, right = text.partition("=")
        if not sign:
            raise click.UsageError(f"{name} takes NAME=VALUE")
        pairs[left.strip()] = right
    return pairs


@main.command(epilog=_EPILOG["scan"])
@click.argument("source", nargs=-1, required=True)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Flags: .parquet, .csv, .ndjson (also .gz, .zst), or -."
)
@click.option("--out-format", type=click.Choice(["csv", "ndjson"]), help="Of standard output (-o -).")
@click.option("--packed", is_flag=True, help="Leave the flags as bits; cbc_screen.read_flags words them.")
@click.option("--received", is_flag=True, help="Carry the cells of each row as received; explain and report use them.")
@click.option("--report", type=click.Path(path_type=Path), help="Also write the worklist (.html); implies --received.")
@click.option("--resume", is_flag=True, help="Go on with a scan to the same output that was broken off.")
@click.option("--rejects", type=click.Path(path_type=Path), help="Rejected rows, as CSV.")
@click.option("--summary", "summary_file", type=click.Path(path_type=Path), help="The summary, as JSON.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Carry a column into the output; may be repeated.")
@click.option(
    "--previous",
    type=click.Path(path_type=Path, exists=True),
    help="Manifest of an earlier scan: exit with 3 where an analyte is gone or has fallen by half.",
)
@click.option("--detail", is_flag=True, help="Also write values, limits and sets used.")
@click.option("--workers", type=int, help="Threads that screen; one or two, as the machine has cores.")
@click.option("--force", is_flag=True, help="Overwrite existing outputs.")
@click.option("--max-rejects", type=click.FloatRange(0, 1), help="Exit with 4 above this share of rejected rows.")
@click.option(
    "--max-cannot-tell",
    type=click.FloatRange(0, 1),
    help="Exit with 3 above this share of rows whose pattern is unknown.",
)
@_source_options
@_screening_options
def scan(source: tuple[str, ...], **options: Any) -> None:
    """Screen files of blood counts: tables (CSV, NDJSON, Parquet, .xlsx, .xpt), HL7 v2, ASTM, FHIR; - is standard input."""
    # Before pyarrow is loaded: its allocator takes memory as it is used, 45 MB less and no slower (measured).
    os.environ.setdefault("MIMALLOC_ARENA_EAGER_COMMIT", "0")
    from cbc_screen.engines.journal import JOURNAL
    from cbc_screen.report.terminal import make_console, print_summary

    if options["out"] is not None and options["out"].name:
        click.get_current_context().meta[_JOURNAL] = options["out"].with_name(options["out"].name + JOURNAL)
    screener = _screener(options)
    with ProgressBar() as progress:
        summary = screener.scan(
            _source(source, options),
            options["out"],
            options["rejects"],
            summary=options["summary_file"],
            force=options["force"],
            resume=options["resume"],
            packed=options["packed"],
            received=options["received"],
            report=options["report"],
            out_format=options["out_format"],
            workers=options["workers"],
            keep=list(options["keep"]),
            detail=options["detail"],
            progress=progress,
            previous=options["previous"],
        )
    # What goes to standard output are the flags alone.
    print_summary(make_console(stderr=str(options["out"]) == STANDARD_STREAM), summary)
    share = summary.rejected / summary.rows_in if summary.rows_in else 0.0
    if options["max_rejects"] is not None and share > options["max_rejects"]:
        click.echo(f"cbc-screen: {summary.rejected} of {summary.rows_in} rows were rejected", err=True)
        sys.exit(ExitCode.TOO_MANY_REJECTS)
    unknown = summary.patterns.get(Pattern.CANNOT_TELL.value, 0)
    too_many = options["max_cannot_tell"] is not None and unknown > options["max_cannot_tell"] * summary.screened
    if too_many:
        why = next(iter(summary.reasons), "")
        click.echo(
            f"cbc-screen: pattern unknown in {unknown} of {summary.screened} rows"
            f"{f', most often because of {why}' if why else ''}",
            err=True,
        )
    for alarm in summary.alarms:
        click.echo(f"cbc-screen: {alarm}", err=True)
    if summary.vanished:
        click.echo(f"cbc-screen: expected and missing: {', '.join(summary.vanished)}", err=True)
    if summary.unit_suspect:
        click.echo(f"cbc-screen: not used, for their unit is doubted: {', '.join(summary.unit_suspect)}", err=True)
    if summary.vanished or summary.alarms or summary.unit_suspect or too_many:
        sys.exit(ExitCode.ANALYTE_VANISHED)


@main.command(epilog=_EPILOG["profile"])
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write a draft profile (.yaml) to edit.")
@click.option("--force", is_flag=True, help="Overwrite the draft.")
@_source_options
def profile(source: Path, out: Path | None, **options: Any) -> None:
    """Inspect an unknown file: what is recognized, what is refused and why; no value is printed."""
    from cbc_screen.engines.inspection import inspect
    from cbc_screen.engines.opening import opening_of
    from cbc_screen.knowledge import load_knowledge
    from cbc_screen.private_files import Lock
    from cbc_screen.report.terminal import make_console, print_inspection
    from cbc_screen.report.writers import AtomicFile, check_output

    if out is not None:
        check_output(out, force=options["force"])
    opening = opening_of(_source(source, options), load_knowledge())
    with waiting("reading the file"):
        found = inspect(source, opening)
    print_inspection(make_console(), found)
    if out is not None:
        if not found.draft:
            raise click.UsageError("there is no draft for this kind of file: it is read as it is")
        with Lock(out), closing(AtomicFile(out, force=options["force"])) as file:
            file.write_text(found.draft)
            file.finish()
            file.commit()


@main.command(epilog=_EPILOG["follow"])
@click.argument("source", nargs=-1, required=True)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="The rows: .parquet, .csv, .ndjson (also .gz, .zst)."
)
@click.option("--each-count", is_flag=True, help="One row a count in place of one row a person.")
@click.option("--person", metavar="COLUMN", help="Whose each row is; found by its name.")
@click.option("--laboratory", metavar="COLUMN", help="Which laboratory each row is of; found by its name.")
@click.option("--force", is_flag=True, help="Overwrite an existing output.")
@_source_options
@_screening_options
def follow(source: tuple[str, ...], **options: Any) -> None:
    """Follow the counts of each person: what lasts, what changed, where it goes. Files are read in memory."""
    from cbc_screen.report.followed import print_followed, write_followed
    from cbc_screen.report.terminal import make_console
    from cbc_screen.report.writers import check_output

    if options["out"] is not None:
        check_output(options["out"], force=options["force"])
    asked = {name: options[name] for name in ("person", "laboratory", "each_count")}
    with waiting("reading the files"):
        found = _screener(options).follow(_source(source, options), **asked)
    print_followed(make_console(), found, each_count=options["each_count"])
    if options["out"] is not None:
        write_followed(found, options["out"], force=options["force"])


@main.command(epilog=_EPILOG["audit"])
@click.argument("source", nargs=-1, required=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The findings as CSV, one a row.")
@click.option("--report", type=click.Path(path_type=Path), help="The page, .html.")
@click.option(
    "--ranges", default="default", show_default=True, help="What ranges and critical flags are compared with."
)
@click.option("--force", is_flag=True, help="Overwrite existing outputs.")
@_source_options
def audit(source: tuple[str, ...], **options: Any) -> None:
    """Hold a sender's flags, ranges and units against its values and against each other."""
    from cbc_screen.report.audit import print_audit
    from cbc_screen.report.terminal import make_console
    from cbc_screen.report.writers import check_output
    from cbc_screen.screener import Screener

    outputs = [path for path in (options["out"], options["report"]) if path is not None]
    for path in outputs:
        check_output(path, force=options["force"])
    screener = Screener(ranges=options["ranges"])
    with waiting("reading the files"):
        found = screener.audit(_source(source, options))
    print_audit(make_console(), found)
    for path in outputs:
        found.write(path, force=options["force"])


@main.command(epilog=_EPILOG["one"])
@click.argument("results", nargs=-1, metavar="[FIELD=VALUE]...")
@click.option("--age", help='"54 y", "7 mo", "3 d".')
@click.option("--birth-date", help="ISO date; the age is worked out with --collected-at.")
@click.option("--collected-at", help="ISO date or time.")
@click.option("--sex", help="F, M or unknown.")
@click.option("--pregnancy", help="none, T1, T2, T3, trimester_unknown, postpartum, unknown.")
@click.option(
    "--json", "json_source", metavar="FILE", help="Read a record as JSON from a file, or - for standard input."
)
@click.option("--full", is_flag=True, help="Print the whole chain from what was received to each flag.")
@click.option("--as-json", is_flag=True, help="Print the result as JSON.")
@_unit_options
@_screening_options
def one(results: tuple[str, ...], json_source: str | None, full: bool, as_json: bool, **options: Any) -> None:
    """Screen one record given as FIELD=VALUE, such as hemoglobin="9.1 g/dL"."""
    from cbc_screen.knowledge import load_knowledge
    from cbc_screen.report.brief import print_brief
    from cbc_screen.report.terminal import make_console

    record = _record_of(json_source) if json_source is not None else {}
    findings = load_knowledge().finding_groups
    for name, value in _mapping("one", results).items():
        group = next((group for group, names in findings.items() if name in names), None)
        if group is not None:
            record.setdefault(group, {})[name] = value
        else:
            record[name] = value
    for name in ("age", "birth_date", "collected_at", "sex", "pregnancy"):
        if options[name] is not None:
            record[name] = options[name]
    result = _screener(options).screen(record)
    if as_json:
        click.echo(json_text(result.to_dict(), indent=2))
    elif full:
        _print_explanation(result)
    else:
        print_brief(make_console(), result)


def _record_of(source: str) -> dict[str, Any]:
    """Read a record as JSON; a number too long to be one stays a text."""
    found: Any = None
    with suppress(ValueError, RecursionError):
        found = json.loads(_record_text(source), parse_int=_whole, object_pairs_hook=_once)
    if not isinstance(found, dict) or not found:
        raise UsageError("--json must hold one object with the fields of a record, each once")
    return found


def _record_text(source: str) -> bytes:
    message = "--json: standard input is closed"
    try:
        if source != STANDARD_STREAM:
            return read_regular(Path(source), _LARGEST_RECORD)
        if sys.stdin is not None:
            content = sys.stdin.buffer.read(_LARGEST_RECORD + 1)
            if len(content) <= _LARGEST_RECORD:
                return content
            message = "--json: too large for a record"
    except OSError as problem:
        message = f"--json: the file cannot be read ({why(problem)})"
    raise UsageError(message)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError
    return record


def _print_explanation(result: Any) -> None:
    from cbc_screen.report.terminal import text_width
    from cbc_screen.report.text import explain

    click.echo(_coloured(explain(result, width=text_width())))


def _coloured(text: str) -> str:
    if sys.stdout is None or not sys.stdout.isatty():
        return text
    lines = text.split("\n")
    lines[0] = click.style(lines[0], bold=True)
    lines[2] = click.style(lines[2], bold=True, fg="yellow")
    return "\n".join(click.style(line, fg="cyan") if line[:2].isupper() else line for line in lines)


_own_files = _with_options(
    click.option("--ranges", help="Where your own ranges lie now, if the scan used some."),
    click.option("--rules", help="Where your own rules lie now, if the scan used some."),
    click.option(
        "--text-units", default="si", show_default=True, type=click.Choice(["si", "us"]), help="Of the texts."
    ),
)


@main.command(epilog=_EPILOG["report"])
@click.argument("flags", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The page, .html.")
@click.option("--person", metavar="COLUMN", help="A kept column that says whose count it is.")
@click.option("--most", type=click.IntRange(1), help="How many counts are listed; 100,000 unless told.")
@click.option("--force", is_flag=True, help="Overwrite the page.")
@_own_files
def report(flags: Path, out: Path, **options: Any) -> None:
    """Write the worklist of a scan: what to review, most urgent first, with a page for each person."""
    from cbc_screen.review import worklist

    with ProgressBar("counts") as progress:
        flagged = worklist(flags, out, progress=progress, **options)
    click.echo(f"{flagged:,} counts to review, most urgent first, in {clean_line(out.name)}")
    click.echo(NOTICE)


@main.command("explain", epilog=_EPILOG["explain"])
@click.argument("flags", type=click.Path(path_type=Path))
@click.option("--row", required=True, metavar="KEY", help="A row number, FILE:ROW, or COLUMN=VALUE of a kept column.")
@click.option("--as-json", is_flag=True, help="Print the result as JSON.")
@_own_files
def explain_row(flags: Path, row: str, as_json: bool, **options: Any) -> None:
    """Explain one row of a scan: the chain from received text to flag, enough to redo it by hand."""
    from cbc_screen.review import screen_again

    with waiting("looking for the row"):
        result = screen_again(flags, row, **options)
    if as_json:
        click.echo(json_text(result.to_dict(), indent=2))
    else:
        _print_explanation(result)


@main.command("validate", epilog=_EPILOG["validate"])
@click.argument("labelled", type=click.Path(path_type=Path))
@click.option("--as-json", is_flag=True, help="Print the agreement as JSON.")
def validate_answers(labelled: Path, as_json: bool) -> None:
    """Compare a reviewer's answers (CSV or JSON) with the flags, rule by rule, and say how many are still needed."""
    from cbc_screen.agreement import validate
    from cbc_screen.report.agreement import print_agreement
    from cbc_screen.report.terminal import make_console

    with waiting("reading the answers"):
        found = validate(labelled)
    if as_json:
        click.echo(json_text(found.to_dict(), indent=2))
    else:
        print_agreement(make_console(), found)


@main.command(epilog=_EPILOG["grade"])
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


@main.group()
def ranges() -> None:
    """List, show and check sets of reference ranges."""


@ranges.command("list", epilog=_EPILOG["list"])
def ranges_list() -> None:
    """List the sets with their coverage."""
    from cbc_screen.report.ranges import set_table
    from cbc_screen.report.terminal import make_console

    console = make_console()
    console.print(set_table())
    console.print(NOTICE)


@ranges.command("show", epilog=_EPILOG["show"])
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


@ranges.command("new", epilog=_EPILOG["new"])
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


@ranges.command("check", epilog=_EPILOG["check"])
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def ranges_check(file: Path) -> None:
    """Check your own set of ranges (.csv; all faults at once), or your own rules (.yaml)."""
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


@main.command(epilog=_EPILOG["demo"])
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Keep the files here.")
def demo(folder: Path | None) -> None:
    """Make a messy synthetic export, screen it, and explain one row."""
    import tempfile

    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _run_demo(folder)
        return
    with tempfile.TemporaryDirectory(prefix="cbc-screen-demo-") as name:
        _run_demo(Path(name))


def _run_demo(folder: Path) -> None:
    from rich.text import Text

    from cbc_screen.demo import TRAPS, write_demo
    from cbc_screen.report.brief import print_brief
    from cbc_screen.report.demo import trap_table
    from cbc_screen.report.terminal import make_console, print_summary
    from cbc_screen.review import screen_again
    from cbc_screen.screener import Screener

    console = make_console()
    source, out, rejects = folder / "export.csv", folder / "flags.parquet", folder / "rejects.csv"
    write_demo(source)
    console.print(Text("A synthetic laboratory export of 502 rows and one ragged line, none of it of a person.\n"))
    command = "$ cbc-screen scan export.csv -o flags.parquet --rejects rejects.csv --keep Sample --report worklist.html"
    console.print(Text(f"{command}\n", style="cyan"), soft_wrap=True)
    summary = Screener().scan(source, out, rejects, keep=["Sample"], report=folder / "worklist.html", force=True)
    print_summary(console, summary)
    console.print(Text("\nWhat became of each trap", style="bold"))
    console.print(trap_table(out, rejects, TRAPS))
    console.print(Text("\nOne row in short (T20: platelets missing)\n", style="bold"))
    print_brief(console, screen_again(out, "Sample=T20"))
    console.print(Text("\n$ cbc-screen explain flags.parquet --row Sample=T20     # the whole chain", style="cyan"))
    console.print(
        Text("cbc-screen demo --folder DIR keeps these files and the worklist, a page to review.", style="dim")
    )


main.add_command(serve_command(_with_options(_screening_options, _unit_options), _screener))


@main.command(epilog=_EPILOG["version"])
def version() -> None:
    """Print the versions of the code and of the data."""
    from cbc_screen.knowledge import load_knowledge

    click.echo(f"cbc-screen {__version__}, data {load_knowledge().data_version}")
    click.echo(NOTICE)


if __name__ == "__main__":
    main()
