"""A verification of ranges as a page to read, to print and to sign."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from cbc_screen.errors import UsageError
from cbc_screen.printable import json_text
from cbc_screen.private_files import Lock
from cbc_screen.report.html import environment, source
from cbc_screen.report.units import TextUnits
from cbc_screen.report.verified import (
    aside_words,
    assumed_text,
    counted_verdicts,
    interval_text,
    limit_rows,
    limit_words,
    not_verified_lines,
    of_whom,
    percent,
    reason_words,
    rule_sentence,
    share_text,
    sides,
    units_of,
    untold,
    verdict_words,
    whose,
)
from cbc_screen.report.writers import AtomicFile, check_output
from cbc_screen.spreadsheet import csv_line
from cbc_screen.verification import BandCheck, RangeVerification, SampleRule
from cbc_screen.vocabulary import RangeReason, RangeVerdict, ResultsOf

WIDTH, TALL, BASE, AXIS = 360.0, 150.0, 104.0, 118.0  # of a figure
_MARGIN = 0.06  # of the span beside what is drawn
_NEAR = 34.0  # two labels closer than this would run into each other


@dataclass(frozen=True)
class HistogramBar:
    """A bar of the histogram."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class LimitMark:
    """A limit of the set with its tolerance, and the estimate with its interval, where there are any."""

    limit: float
    text: str
    anchor: str
    tolerance: tuple[float, float] | None
    estimate: float | None
    interval: tuple[float, float] | None
    verdict: str


@dataclass(frozen=True)
class Drawing:
    """The figure of a band; places are in its own units."""

    bars: tuple[HistogramBar, ...]
    span: tuple[float, float]  # of the set's range
    marks: tuple[LimitMark, ...]
    text: str


def drawing_of(band: BandCheck, units: TextUnits) -> Drawing | None:
    """Lay out the figure of a band; None where it has no limit to draw."""
    edges, counts = band.histogram
    limits = [check for _, check in sides(band) if check.limit is not None]
    ends = [end for check in limits for pair in (check.tolerance, check.interval) if pair for end in pair]
    ends += [value for check in limits for value in (check.limit, check.estimate) if value is not None] + list(edges)
    if not limits or min(ends) == max(ends):
        return None
    margin = _MARGIN * (max(ends) - min(ends))
    low, high = max(min(ends) - margin, 0.0), max(ends) + margin

    def x(value: float) -> float:
        return round(WIDTH * (min(max(value, low), high) - low) / (high - low), 2)

    def pair(given: tuple[float, float] | None) -> tuple[float, float] | None:
        return None if given is None else (x(given[0]), x(given[1]))

    most = max(counts, default=0) or 1
    bars = tuple(
        HistogramBar(
            x(start), round(BASE - 92 * count / most, 2), round(x(end) - x(start), 2), round(92 * count / most, 2)
        )
        for start, end, count in zip(edges, edges[1:], counts, strict=False)
        if count
    )
    marks = []
    for check in limits:
        assert check.limit is not None
        place = x(check.limit)
        anchor = "start" if place < _NEAR else "end" if place > WIDTH - _NEAR else "middle"
        estimate = None if check.estimate is None else x(check.estimate)
        text = limit_words(band, check, units).limit
        marks.append(
            LimitMark(place, text, anchor, pair(check.tolerance), estimate, pair(check.interval), check.verdict.value)
        )
    span = (
        (x(band.lower.limit) if band.lower.limit is not None else 0.0),
        (x(band.upper.limit) if band.upper.limit is not None else WIDTH),
    )
    return Drawing(bars, span, tuple(marks), _in_words(band, units))


def _in_words(band: BandCheck, units: TextUnits) -> str:
    parts = []
    for side, check in sides(band):
        own = limit_words(band, check, units)
        if own.limit:
            estimate = f", estimated {own.estimate} ({own.interval})" if own.estimate else ", not estimated"
            parts.append(f"{side} limit {own.limit}{estimate}: {verdict_words(check.verdict)}")
    return f"{band.label}, {whose(band)}: {'; '.join(parts)}"


def rule_tables(found: RangeVerification) -> list[SampleRule]:
    """Return the rule as published; by reference individuals that for the fewest and for the most of them."""
    if found.results_of is ResultsOf.ROUTINE:
        return [found.rule]
    rules = sorted((band.rule for band in found.bands if band.rule is not None), key=lambda rule: rule.people)
    return [rules[0], rules[-1]] if len({rule.people for rule in rules}) > 1 else rules[:1]


def _body(found: RangeVerification) -> str:
    units = units_of(found)
    reasons = dict.fromkeys(why for band in found.bands for _, check in sides(band) for why in check.reasons)
    grouped = [(name, list(own)) for name, own in groupby(found.bands, key=lambda band: band.analyte)]
    return (
        environment()
        .get_template("verified.html.j2")
        .render(
            found=found,
            units=units,
            untold=untold,
            left=sum(map(untold, found.bands)),
            grouped=grouped,
            counts=counted_verdicts(found),
            verdicts=tuple(RangeVerdict),
            reasons=[why for why in RangeReason if why in reasons],
            rules=rule_tables(found),
            whom=of_whom(found),
            whose=whose,
            assumed=assumed_text,
            not_verified=not_verified_lines(found),
            aside=aside_words,
            drawing=drawing_of,
            interval=interval_text,
            limit=limit_words,
            percent=percent,
            reason=reason_words,
            rule=rule_sentence,
            share=share_text,
            sides=sides,
            verdict=verdict_words,
            size=(WIDTH, TALL, BASE, AXIS),
        )
    )


def verification_html(found: RangeVerification) -> str:
    """Return a verification as HTML with its style, for a notebook."""
    return f'<div class="cbc-screen verified"><style>{_style()}</style>{_body(found)}</div>'


def write_verification(found: RangeVerification, path: Path, *, force: bool) -> None:
    """Write the limits (.csv), everything (.json), or the page (.html)."""
    makers = {".csv": _csv, ".json": _json, ".html": _page}
    make = makers.get(path.suffix.lower())
    if make is None:
        raise UsageError("a verification is written to .csv (its limits), .json (everything) or .html (its page)")
    text = make(found)
    check_output(path, force=force)
    with Lock(path), closing(AtomicFile(path, force=force)) as file:
        file.write_text(text)
        file.finish()
        file.commit()


def _style() -> str:
    return source("person.css") + source("verified.css")


def _page(found: RangeVerification) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<title>Local verification of reference ranges</title><style>body{margin:0}</style></head>"
        f'<body class="verified-page"><main>{verification_html(found)}</main></body></html>\n'
    )


def _json(found: RangeVerification) -> str:
    return json_text(found.to_dict(), indent=1) + "\n"


def _csv(found: RangeVerification) -> str:
    rows = limit_rows(found)
    names = list(rows[0]) if rows else ["notice"]
    lines = [csv_line(["" if row[name] is None else str(row[name]) for name in names]) for row in rows]
    return "".join([csv_line(names), *lines])
