"""The tables of an audit, made of what was found and counted."""

from __future__ import annotations

from cbc_screen._version import __version__
from cbc_screen.errors import UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.report.audit import Audit
from cbc_screen.verify.audited import Audited

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
