"""An audit of what came along with results: its tables, on a terminal, as a page, and as a file of findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cbc_screen._version import __version__
from cbc_screen.errors import UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.printable import clean_line
from cbc_screen.private_files import Lock
from cbc_screen.report.html import environment, style
from cbc_screen.report.wording import words
from cbc_screen.report.writers import AtomicFile, check_output
from cbc_screen.spreadsheet import csv_line
from cbc_screen.verify.audited import Audited
from cbc_screen.vocabulary import NOTICE

_SHOWN = 12
_ON_PAGE = 200
_COLUMNS = (
    "file", "row", "analyte", "finding", "text", "value_low", "value_high", "flag", "lower", "upper", "shipped_lower",
    "shipped_upper", "unit", "other_unit",
)  # fmt: skip
_RESULTS = (
    "file",
    "analyte",
    "results",
    "with_range",
    "with_flag",
    "about_flags",
    "about_ranges",
    "about_units",
    "share",
)
_RANGES = ("file", "analyte", "sex", "lower", "upper", "unit", "rows")
_LIMITS = ("file", "analyte", "sex", "flagged_low_up_to", "not_flagged_low_from", "unit", "agrees")


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

    def _repr_html_(self) -> str:
        return audit_html(self)

    def write(self, path: str | Path, *, force: bool = False) -> None:
        """Write the findings (.csv), or the page with all tables (.html).

        Raises
        ------
        UsageError
            If the file exists or has another ending.
        """
        write_audit(self, Path(path), force=force)


def tables_of(found: Audited) -> Audit:
    """Return what was found as tables."""
    import pandas as pd

    if not sum(found.ranged.values()) and not sum(found.flagged.values()):
        raise UsageError("no result has a flag or a range that came with it: there is nothing to hold it against")
    knowledge = load_knowledge()
    texts = knowledge.audit
    listed = [
        {**one, "finding": one["finding"].value, "text": texts[one["finding"].value].text} for one in found.findings
    ]
    results = []
    for (file, analyte), many in sorted(found.results.items()):
        about = dict.fromkeys(("flag", "range", "unit"), 0)
        for finding, text in texts.items():
            about[text.about] += found.found[file, analyte, finding]  # type: ignore[index]
        if found.ranged[file, analyte] or found.flagged[file, analyte] or sum(about.values()):
            share = found.contradicted[file, analyte] / many if many else 0.0
            counted = (found.ranged[file, analyte], found.flagged[file, analyte], *about.values())
            results.append((file, analyte, many, *counted, round(share, 4)))
    units = {name: analyte.unit for name, analyte in knowledge.analytes.items()}
    ranges = [
        (file, analyte, sex, lower, upper, units[analyte], many)
        for (file, analyte, sex, lower, upper), many in found.ranges.most_common()
    ]
    limits = [
        (*key, found.highest[key], found.lowest[key], units[key[1]], found.highest[key] < found.lowest[key])
        for key in sorted(found.highest.keys() & found.lowest.keys())
    ]
    return Audit(
        rows=found.rows,
        findings=pd.DataFrame(listed, columns=list(_COLUMNS)),
        results=pd.DataFrame(results, columns=list(_RESULTS)),
        ranges=pd.DataFrame(ranges, columns=list(_RANGES)),
        limits=pd.DataFrame(limits, columns=list(_LIMITS)),
        listed=sum(found.found.values()),
        data_version=knowledge.data_version,
        code_version=__version__,
    )


def print_audit(console: Console, audit: Audit) -> None:
    """Print the counts by analyte, and the most frequent findings."""
    console.print(Text(audit.notice, style="bold"))
    console.print(f"{audit.rows:,} rows read, {audit.listed:,} findings")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("analyte")
    for name in ("results", "with a range", "with a flag", "flags", "ranges", "units", "share"):
        table.add_column(name, justify="right")
    for row in _rows(audit.results):
        counts = [
            f"{row[name]:,}"
            for name in ("results", "with_range", "with_flag", "about_flags", "about_ranges", "about_units")
        ]
        name = f"{row['file']}: {row['analyte']}" if audit.results["file"].nunique() > 1 else row["analyte"]
        table.add_row(Text(clean_line(name)), *counts, _share(row["share"]))
    console.print(table)
    if audit.listed:
        console.print(Text("most frequent findings", style="bold"))
        for (text, analyte), many in list(_counted(audit).items())[:_SHOWN]:
            console.print(Text(f"  {many:>8,}  {words(analyte)}: {text}"), soft_wrap=True)
    for row in _rows(audit.limits):
        if not row["agrees"]:
            # Without the two values: each is one person's.
            text = f"{words(row['analyte'])}, sex {row['sex']}: the sender's low flags follow no single limit (limits)"
            console.print(Text(text, style="yellow"), soft_wrap=True)
    console.print(Text(f"data {audit.data_version}, cbc-screen {audit.code_version}", style="dim"))


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
    """Write the findings as CSV, or the page."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".html"):
        raise UsageError("an audit is written to .csv (its findings) or .html (its page)")
    text = _page(audit) if kind == ".html" else "".join(_lines(audit))
    check_output(path, force=force)
    with Lock(path), closing(AtomicFile(path, force=force)) as file:
        file.write_text(text)
        file.finish()
        file.commit()


def _page(audit: Audit) -> str:
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        "<title>Audit of flags, ranges and units</title>"
        "<style>:root{color-scheme:light dark}body{margin:0 auto;max-width:70rem;padding:1rem}</style></head><body><main>"
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
