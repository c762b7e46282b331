"""An audit of what came along with results: its tables, on a terminal, as a page, and as a file of findings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cbc_screen.errors import UsageError
from cbc_screen.printable import clean_line, json_text
from cbc_screen.private_files import Lock
from cbc_screen.report.html import environment, style
from cbc_screen.report.terminal import print_hanging
from cbc_screen.report.wording import words
from cbc_screen.report.writers import AtomicFile, check_output
from cbc_screen.spreadsheet import csv_line
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION

_SHOWN = 12
_ON_PAGE = 200
_WIDE = 100  # columns of a terminal
_TABLES = ("findings", "results", "ranges", "limits")


@dataclass(frozen=True, eq=False)
class Audit:
    """What an audit found; every table is a pandas DataFrame.

    Attributes
    ----------
    rows : int
        Rows that were read.
    findings : DataFrame
        One row a finding: file, row, analyte, the finding with its text, the value and the limits in the canonical
        unit, and the unit that would explain it. At most 100,000 are listed; all are counted in `results`.
    results : DataFrame
        By file and analyte: results, those with a range and with a flag, findings about flags, ranges and units, and
        the share of results that have one.
    ranges : DataFrame
        The different ranges that came along, by file, analyte and sex, the most frequent first.
    limits : DataFrame
        Where the sender flags: the highest value flagged low and the lowest that is not. The sender's own lower limit
        lies between them; where they cross (`agrees` is False), the flags follow no single limit.
    listed : int
        How many findings there are in all.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> counts = pd.DataFrame({"age": ["54 y"], "sex": ["F"], "PLT (10^9/L)": [250], "platelets_flag": ["L"],
    ...     "platelets_lower": [150], "platelets_upper": [400]})
    >>> found = cbc.audit(counts)
    >>> found.rows, found.listed, list(found.results["results"])
    (1, 1, [1])
    """

    rows: int
    findings: Any
    results: Any
    ranges: Any
    limits: Any
    listed: int
    data_version: str
    code_version: str
    notice: str = field(default=NOTICE)
    schema_version: str = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON: each table as a list of its rows, nothing where a cell is empty."""
        own = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: _plain(value) if name in _TABLES else value for name, value in own.items()}

    def _repr_html_(self) -> str:
        return audit_html(self)

    def write(self, path: str | Path, *, force: bool = False) -> None:
        """Write the findings (.csv), everything (.json), or the page with all tables (.html).

        Raises
        ------
        UsageError
            If the file exists or has another ending.
        """
        write_audit(self, Path(path), force=force)


def print_audit(console: Console, audit: Audit) -> None:
    """Print the counts by analyte, and the most frequent findings."""
    console.print(Text(audit.notice, style="bold"))
    console.print(f"{audit.rows:,} rows read, {audit.listed:,} findings")
    table = Table(box=None, padding=(0, 2 if console.width >= _WIDE else 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("analyte", overflow="fold")
    for name in ("results", "with a\nrange", "with a\nflag", "about\nflags", "about\nranges", "about\nunits", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in _rows(audit.results):
        counts = [
            f"{row[name]:,}"
            for name in ("results", "with_range", "with_flag", "about_flags", "about_ranges", "about_units")
        ]
        name = f"{row['file']}: {row['analyte']}" if audit.results["file"].nunique() > 1 else row["analyte"]
        table.add_row(Text(clean_line(words(name))), *counts, _share(row["share"]))
    console.print(table)
    if audit.listed:
        console.print(Text("most frequent findings", style="bold"))
        for (text, analyte), many in list(_counted(audit).items())[:_SHOWN]:
            print_hanging(console, f"  {many:>8,}  ", f"{words(analyte)}: {text}")
    for row in _rows(audit.limits):
        if not row["agrees"]:
            # Without the two values: each is one person's.
            text = f"{words(row['analyte'])}, sex {row['sex']}: the sender's low flags follow no single limit (limits)"
            console.print(Text(text, style="yellow"))
    console.print(Text(f"data {audit.data_version}, cbc-screen {audit.code_version}", style="dim"))


def audit_document(audit: Audit) -> dict[str, Any]:
    """Return what is printed of an audit, ready for JSON: counts; the findings with their values are a file (-o)."""
    return {
        "rows": audit.rows,
        "findings": audit.listed,
        "results": list(_rows(audit.results)),
        "kinds": [{"analyte": name, "text": text, "findings": many} for (text, name), many in _counted(audit).items()],
        "no_single_limit": [
            {"analyte": row["analyte"], "sex": row["sex"]} for row in _rows(audit.limits) if not row["agrees"]
        ],
        "data_version": audit.data_version,
        "code_version": audit.code_version,
    }


def audit_html(audit: Audit) -> str:
    """Return an audit as HTML with its style, for a notebook."""
    body = (
        environment()
        .get_template("audit.html.j2")
        .render(
            audit=audit,
            results=list(_rows(audit.results)),
            counted=[(analyte, text, many) for (text, analyte), many in _counted(audit).items()],
            ranges=list(_rows(audit.ranges.head(_ON_PAGE))),
            limits=list(_rows(audit.limits)),
            findings=list(_rows(audit.findings.head(_ON_PAGE))),
            several=audit.results["file"].nunique() > 1,
            share=_share,
        )
    )
    return f'<div class="cbc-screen"><style>{style()}</style>{body}</div>'


def write_audit(audit: Audit, path: Path, *, force: bool) -> None:
    """Write the findings as CSV, everything as JSON, or the page."""
    kind = path.suffix.lower()
    if kind not in _KINDS:
        raise UsageError("an audit is written to .csv (its findings), .json (everything) or .html (its page)")
    text = _KINDS[kind](audit)
    check_output(path, force=force)
    with Lock(path), closing(AtomicFile(path, force=force)) as file:
        file.write_text(text)
        file.finish()
        file.commit()


def _page(audit: Audit) -> str:
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        "<title>Audit of flags, ranges and units</title>"
        "<style>:root{color-scheme:light dark}body{margin:0 auto;max-width:70rem;padding:1rem}body .cbc-screen{color-scheme:inherit}</style></head><body><main>"
    )
    return f"{head}{audit_html(audit)}</main></body></html>\n"


def _lines(audit: Audit) -> Iterator[str]:
    names = [*audit.findings.columns, "notice"]
    yield csv_line(names)
    for row in _rows(audit.findings):
        yield csv_line(
            ["" if row[name] is None or row[name] != row[name] else str(row[name]) for name in names[:-1]] + [NOTICE]
        )


def _counted(audit: Audit) -> dict[tuple[str, str], int]:
    pairs = audit.findings.groupby(["text", "analyte"]).size().sort_values(ascending=False)
    return {(str(text), str(analyte)): int(many) for (text, analyte), many in pairs.items()}


def _rows(frame: Any) -> Iterable[dict[str, Any]]:
    found: list[dict[str, Any]] = frame.to_dict("records")
    return found


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"


def _plain(table: Any) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON has them: an empty cell is null."""
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return found


_KINDS: dict[str, Callable[[Audit], str]] = {
    ".csv": lambda audit: "".join(_lines(audit)),
    ".json": lambda audit: json_text(audit.to_dict(), indent=2) + "\n",
    ".html": _page,
}
