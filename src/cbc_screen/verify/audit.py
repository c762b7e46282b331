"""The audit of what came along with results: a sender's flags, ranges and units, held against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbc_screen.errors import UsageError
from cbc_screen.vocabulary import NOTICE

if TYPE_CHECKING:
    from cbc_screen.engines.audit import Audited

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
        from cbc_screen.report.audit import audit_html

        return audit_html(self)

    def write(self, path: str | Path, *, force: bool = False) -> None:
        """Write the findings (.csv), or the page with all tables (.html).

        Raises
        ------
        UsageError
            If the file exists or has another ending.
        """
        from cbc_screen.report.audit import write_audit

        write_audit(self, Path(path), force=force)


def tables_of(found: Audited) -> Audit:
    """Return what was found as tables."""
    import pandas as pd

    from cbc_screen._version import __version__
    from cbc_screen.knowledge import load_knowledge

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
