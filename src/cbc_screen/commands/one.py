"""The command for one record."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from cbc_screen.commands.explanation import print_explanation
from cbc_screen.commands.group import command
from cbc_screen.commands.options import mapping, put_once, screener_of, screening_options, unit_options
from cbc_screen.commands.printing import json_option, show
from cbc_screen.errors import UsageError
from cbc_screen.private_files import why
from cbc_screen.regular import read_regular
from cbc_screen.vocabulary import STANDARD_STREAM

_LARGEST_RECORD = 1 << 24  # bytes
_LONGEST_NUMBER = 300  # digits


@command(
    short_help="Screen one record given as FIELD=VALUE.",
    epilog='Example: cbc-screen one --age "54 y" --sex F hemoglobin="9.1 g/dL" platelets="<10 10^9/L"',
)
@click.argument("results", nargs=-1, metavar="[FIELD=VALUE]...")
@click.option("--age", help='"54 y", "7 mo", "3 d".')
@click.option("--birth-date", help="ISO date; the age is worked out with --collected-at.")
@click.option("--collected-at", help="ISO date or time.")
@click.option("--sex", help="F, M or unknown.")
@click.option("--pregnancy", help="none, T1, T2, T3, trimester_unknown, postpartum, unknown.")
@click.option("--record", "source", metavar="FILE", help="Read a record as JSON from a file, or - for standard input.")
@click.option(
    "--history",
    metavar="FILE",
    help="Earlier counts of the person: a JSON list of records, each with its collected_at.",
)
@click.option("--full", is_flag=True, help="Print the whole chain from what was received to each flag.")
@json_option
@unit_options
@screening_options
def one(
    results: tuple[str, ...], source: str | None, history: str | None, full: bool, as_json: bool, **options: Any
) -> None:
    """Screen one record given as FIELD=VALUE, such as hemoglobin="9.1 g/dL"."""
    from cbc_screen.knowledge import load_knowledge
    from cbc_screen.report.brief import print_brief

    if any("=" not in text for text in results):
        raise click.UsageError(
            'one takes FIELD=VALUE, such as hemoglobin="9.1 g/dL"; a record in a file: --record FILE'
        )
    record = _record_of(source) if source is not None else {}
    findings = load_knowledge().finding_groups
    for name, value in mapping("one", results).items():
        group = next((group for group, names in findings.items() if name in names), None)
        place = record if group is None else record.setdefault(group, {})
        if not isinstance(place, dict):
            raise UsageError(f"--record: {group} must hold an object")
        put_once(place, name, value, "one")
    for name in ("age", "birth_date", "collected_at", "sex", "pregnancy"):
        if options[name] is not None:
            put_once(record, name, options[name], "one")
    if source is not None and source == history:
        raise UsageError("--record and --history are two files: the count to screen, and those before it")
    earlier = _records_of(history) if history is not None else []
    result = screener_of(options).screen(record, history=earlier)
    show(
        result.to_dict,
        lambda console: print_explanation(result) if full else print_brief(console, result),
        as_json=as_json,
    )


def _record_of(source: str) -> dict[str, Any]:
    """Read a record as JSON; a number too long to be one stays a text."""
    found = _json_of("--record", source)
    if not isinstance(found, dict) or not found:
        raise UsageError("--record must hold one object with the fields of a record, each once")
    return found


def _records_of(source: str) -> list[dict[str, Any]]:
    """Read earlier counts as JSON."""
    found = _json_of("--history", source)
    if not isinstance(found, list) or not all(isinstance(record, dict) and record for record in found):
        raise UsageError("--history must hold a list of objects, each with the fields of a record, each once")
    return found


def _json_of(option: str, source: str) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(_text_of(option, source), parse_int=_whole, object_pairs_hook=_once)
    return None


def _text_of(option: str, source: str) -> bytes:
    message = f"{option}: standard input is closed"
    try:
        if source != STANDARD_STREAM:
            return read_regular(Path(source), _LARGEST_RECORD)
        if sys.stdin is not None:
            content = sys.stdin.buffer.read(_LARGEST_RECORD + 1)
            if len(content) <= _LARGEST_RECORD:
                return content
            message = f"{option}: too large for a record"
    except OSError as problem:
        message = f"{option}: the file cannot be read ({why(problem)})"
    raise UsageError(message)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError
    return record
