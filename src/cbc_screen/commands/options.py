"""Options that several commands take, and what they say of a source and of a screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import click

from cbc_screen.databases.address import address_of
from cbc_screen.source import Files, SexWord, Source
from cbc_screen.vocabulary import AUTO, DefinitionId, Format, SchemeId, SettingWord

if TYPE_CHECKING:
    from cbc_screen.screener import Screener

Command = Callable[..., Any]


def output(name: str) -> str | Path:
    """Return where flags go: a file, or the address of a database, which a path would spoil."""
    return name if address_of(name) is not None else Path(name)


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return what adds options to a command; its help shows them in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _one_of(words: Any) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return what completes a word of a closed list on the command line."""
    return lambda _, __, begun: [word for word in get_args(words) if word.startswith(begun)]


unit_options = with_options(
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
# What decides when a line is low and how deep; every command that judges counts takes the same.
definition_options = with_options(
    click.option(
        "--definition",
        default="reference",
        show_default=True,
        metavar="|".join(get_args(DefinitionId)),
        shell_complete=_one_of(DefinitionId),
        help="When a line is low.",
    ),
    click.option(
        "--grading",
        default="clinical",
        show_default=True,
        metavar="|".join(get_args(SchemeId)),
        shell_complete=_one_of(SchemeId),
        help="Grading scheme.",
    ),
    click.option("--ranges", default="default", show_default=True, help="Set of reference ranges, or a CSV file."),
    click.option("--rules", default="default", show_default=True, help="Your own checks, as a YAML file."),
)
adjust_option = click.option(
    "--adjust-hemoglobin",
    multiple=True,
    type=click.Choice(["elevation", "smoking"]),
    help="Adjust for what each record states, before a WHO cut-off; may be repeated.",
)
setting_option = click.option(
    "--setting",
    multiple=True,
    type=click.Choice(list(get_args(SettingWord))),
    help="Where the counts come from: moves starting tiers of the checklist by one; may be repeated with endemic_area.",
)
screening_options = with_options(
    definition_options,
    adjust_option,
    setting_option,
    click.option(
        "--text-units", default="si", show_default=True, type=click.Choice(["si", "us"]), help="Units of texts."
    ),
    click.option("--no-reported-ranges", is_flag=True, help="Do not use ranges that came with results."),
    click.option("--published-sets", is_flag=True, help="Also say in how many published sets each line is low."),
)
# What describes a source; every command that reads files takes the same.
source_options = with_options(
    unit_options,
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
        "--persons", metavar="FILE", help="Birth date and sex, for a table of single results; DATABASE?table=NAME."
    ),
    click.option("--query", metavar="SELECT", help="What is read of a database."),
    click.option("--table", metavar="NAME", help="The table or view that is read of a database: NAME or SCHEMA.NAME."),
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

own_files = with_options(
    click.option("--ranges", help="Where your own ranges lie now, if the scan used some."),
    click.option("--rules", help="Where your own rules lie now, if the scan used some."),
    click.option(
        "--text-units", default="si", show_default=True, type=click.Choice(["si", "us"]), help="Of the texts."
    ),
)

_PLAIN = (
    *("age_unit", "decimal", "thousands", "encoding", "delimiter", "profile", "persons", "skip_lines", "sheet"),
    *("language", "accept_units", "query", "table"),
)


def source_of(files: Files, options: Mapping[str, Any]) -> Source:
    """Return what the options say of a source."""
    return Source(
        files,
        **{name: options[name] for name in _PLAIN},
        format=options["format_"],
        units=units_of(options["units"]),
        unit_spellings=mapping("--unit-spelling", options["unit_spelling"]) or None,
        columns=mapping("--columns", options["columns"]),
        date_format=_date_format(options["date_format"]),
        sex_codes=cast(dict[str, SexWord], mapping("--sex-codes", options["sex_codes"])) or None,
        pregnancy_codes=mapping("--pregnancy-codes", options["pregnancy_codes"]) or None,
    )


def _date_format(given: Iterable[str]) -> str | dict[str, str] | None:
    """Return one format for all dates, or one for each field."""
    formats = list(given)
    named: dict[str, str] = {}
    for text in formats:
        field, sign, own = text.partition("=")
        if sign and field.isidentifier():
            put_once(named, field, own, "--date-format")
    if (named and len(named) < len(formats)) or (not named and len(formats) > 1):
        raise click.UsageError(
            "--date-format: give one format, or one for each field (birth_date=..., collected_at=...)"
        )
    return named or (formats[0] if formats else None)


def screener_of(options: Mapping[str, Any]) -> Screener:
    """Return the screener that the options describe."""
    from cbc_screen.screener import Screener

    return Screener(
        ranges=options["ranges"],
        definition=options["definition"],
        grading=options["grading"],
        prefer_reported_ranges=not options["no_reported_ranges"],
        units=units_of(options["units"]),
        rules=options["rules"],
        adjust_hemoglobin=tuple(options["adjust_hemoglobin"]),
        text_units=options["text_units"],
        unit_spellings=mapping("--unit-spelling", options["unit_spelling"]) or None,
        published_sets=options["published_sets"],
        setting=tuple(options["setting"]),
    )


def units_of(given: Iterable[str]) -> dict[str, str] | None:
    """Return declared units: of a system, of an analyte."""
    units: dict[str, str] = {}
    for text in given:
        for part in text.split(","):
            name, sign, unit = part.partition("=")
            put_once(units, "system" if not sign else name.strip(), (unit if sign else name).strip(), "--units")
    return units or None


def mapping(name: str, given: Iterable[str]) -> dict[str, str]:
    """Return pairs given as NAME=VALUE to an option."""
    pairs: dict[str, str] = {}
    for text in given:
        left, sign, right = text.partition("=")
        if not sign:
            raise click.UsageError(f"{name} takes NAME=VALUE")
        put_once(pairs, left.strip(), right, name)
    return pairs


def put_once(pairs: dict[str, Any], name: str, value: Any, option: str) -> None:
    """Put a value under a name that has no other: which of two is meant, nobody knows."""
    if name in pairs and pairs[name] != value:
        raise click.UsageError(f"{option}: {name} is given twice, with two values; leave one of them out")
    pairs[name] = value
