"""Sets of reference ranges for people and programs: the list of sets, and the bands of one analyte by age."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cbc_screen.errors import UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.edges import approximate_days
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.knowledge.nearest import no_analyte
from cbc_screen.report.terminal import print_hanging
from cbc_screen.report.units import number
from cbc_screen.vocabulary import NOTICE

_GRADES = "ABC"
_WIDEST_BAR, _NARROWEST_BAR = 24, 8
_LEGEND = "A/B/C: rows computed from primary data, seen on the publisher's own page, seen in a transcription."


def sets_document() -> dict[str, Any]:
    """Return every set with kind, analytes, ages and verification, ready for JSON."""
    knowledge = load_knowledge()
    return {
        "data_version": knowledge.data_version,
        "sets": [
            {
                "set": name,
                "kind": chosen.kind.value,
                "rows": len(chosen.rows),
                "analytes": sorted({row.analyte for row in chosen.rows}),
                "ages": _ages(chosen.rows),
                "stages": sorted({row.pregnancy for row in chosen.rows} - {"none"}),
                "verification": dict(sorted(Counter(row.verification for row in chosen.rows).items())),
                "title": chosen.title,
            }
            for name, chosen in knowledge.interval_sets.items()
        ],
    }


def print_sets(console: Console) -> None:
    """Print every set: what it has, and below it what it is."""
    sets = sets_document()["sets"]
    wide = max(len(own["set"]) for own in sets)
    lead = f"{'set':<{wide}}  {'kind':<9}  {'rows':>4}  {'analytes':>8}  {'A/B/C':>9}  ages"
    console.print(Text(lead, style="dim"))
    for own in sets:
        grades = "/".join(str(own["verification"].get(grade, 0)) for grade in _GRADES)
        cells = f"{own['set']:<{wide}}  {own['kind']:<9}  {own['rows']:>4}  {len(own['analytes']):>8}  {grades:>9}  "
        print_hanging(console, cells, own["ages"])
        stages = f" ({', '.join(own['stages'])})" if own["stages"] else ""
        print_hanging(console, "  ", f"{own['title']}{stages}", "dim")
    console.print(Text(_LEGEND, style="dim"))
    console.print(NOTICE)


def _ages(rows: Sequence[IntervalRow]) -> str:
    """Say from which age to which age a set has rows."""
    youngest = min(rows, key=lambda row: approximate_days(row.age_low))
    start = youngest.age_text.split(" to ")[0].removesuffix(" and over")
    if any(row.age_high is None for row in rows):
        return f"{start} and over"
    oldest = max(rows, key=lambda row: approximate_days(row.age_high or row.age_low))
    return f"{start} to {oldest.age_text.split('under ')[-1]}"


@dataclass(frozen=True)
class Bands:
    """The bands of one analyte under a set, the youngest first; `beside` are rows of sources that say otherwise."""

    analyte: str
    label: str
    ranges: str
    rows: tuple[IntervalRow, ...]
    beside: frozenset[int]  # places in `rows`


def bands_of(analyte: str, name: str, sex: str | None) -> Bands:
    """Return the bands of one analyte by age.

    Raises
    ------
    UsageError
        If there is no such analyte or set, or the set has no row of it.
    """
    knowledge = load_knowledge()
    if analyte not in knowledge.analytes:
        raise UsageError(f"ranges show: {no_analyte(analyte, knowledge.analytes)}")
    beside = knowledge.differing_intervals(name)
    every = (*knowledge.preterm_intervals(name), *knowledge.stated_intervals(name), *knowledge.intervals(name), *beside)
    rows = [r for r in every if r.analyte == analyte and (sex is None or r.sex in ("any", sex))]
    rows.sort(key=lambda row: (row.gestation is None, row.pregnancy != "none", approximate_days(row.age_low)))
    if not rows:
        raise UsageError(
            f"ranges show: {name} has no row for {analyte}; cbc-screen ranges list shows what each set has"
        )
    places = frozenset(place for place, row in enumerate(rows) if row in beside)
    return Bands(analyte, knowledge.analytes[analyte].label, name, tuple(rows), places)


def bands_document(bands: Bands) -> dict[str, Any]:
    """Return the bands, ready for JSON."""
    return {
        "analyte": bands.analyte,
        "ranges": bands.ranges,
        "data_version": load_knowledge().data_version,
        "rows": [
            {
                "age": row.age_text,
                "sex": row.sex,
                "pregnancy": row.pregnancy,
                "gestation": None if row.gestation is None else row.gestation.text,
                "lower": row.lower,
                "upper": row.upper,
                "unit": row.unit,
                "confidence": row.confidence,
                "set": row.set,
                "source": row.source,
                "beside": place in bands.beside,
            }
            for place, row in enumerate(bands.rows)
        ],
    }


def print_bands(console: Console, bands: Bands) -> None:
    """Print the bands with a bar that shows the limits; where each is from stands below, by number."""
    rows = bands.rows
    origins: dict[str, int] = {}
    for place, row in enumerate(rows):
        origins.setdefault(_origin(row, beside=place in bands.beside), len(origins) + 1)
    heads = ["age", "sex", "stage", "lower", "upper", "confidence", "from"]
    lines = [
        [
            row.age_text,
            row.sex,
            ("" if row.pregnancy == "none" else row.pregnancy) if row.gestation is None else row.gestation.text,
            "" if row.lower is None else number(row.lower),
            "" if row.upper is None else number(row.upper),
            row.confidence,
            str(origins[_origin(row, beside=place in bands.beside)]),
        ]
        for place, row in enumerate(rows)
    ]
    if not any(line[2] for line in lines):
        for line in (heads, *lines):
            del line[2]
    used = sum(max(len(line[place]) for line in (heads, *lines)) + 2 for place in range(len(heads)))
    bar = min(_WIDEST_BAR, console.width - used)
    top = max(row.upper or row.lower or 0.0 for row in rows)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for head in heads:
        table.add_column(head, justify="right" if head in ("lower", "upper", "from") else "left", no_wrap=True)
    if bar >= _NARROWEST_BAR:
        table.add_column("", no_wrap=True)
    for row, line in zip(rows, lines, strict=True):
        drawn = [Text(_bar(row, top, bar), style="green")] if bar >= _NARROWEST_BAR else []
        table.add_row(*map(Text, line), *drawn)
    console.print(Text(f"{bands.label}, {rows[0].unit}", style="bold"))
    console.print(table)
    for origin, place in origins.items():
        print_hanging(console, f"  {place}  ", origin, "dim")
    console.print(NOTICE)


def _origin(row: IntervalRow, *, beside: bool) -> str:
    return f"{row.set}, source {row.source}" + (
        ": says otherwise for this age; where both differ, cannot tell" if beside else ""
    )


def _bar(row: IntervalRow, top: float, width: int) -> str:
    start = round(width * (row.lower or 0.0) / top)
    end = max(start + 1, round(width * (row.upper if row.upper is not None else top) / top))
    return " " * start + "=" * (end - start)
