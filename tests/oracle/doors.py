"""The doors of the product: each takes a slice and gives its answers, row by row."""

from __future__ import annotations

import csv
import datetime
import json
import math
import random
import tempfile
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import cbc_screen as cbc
from oracle.cells import NOTHING, OBJECTS, QUANTITIES, Cell
from oracle.feeds import write_fhir, write_hl7, write_long
from oracle.judge import Judge
from oracle.law import WORDS, Count, compare
from oracle.results import counts_of
from oracle.rows import LAYOUTS, Row, RowMaker, Slice, columns_of, header
from oracle.tables import read_tables

NEEDED = ("lines_low_min", "lines_low_max", "severity_min", "white_line_basis", "urgency", "reasons")


@cache
def judge_of(definition: str, scheme: str) -> Judge:
    return Judge(read_tables(), definition, scheme)


@cache
def screener_of(definition: str, scheme: str, units: tuple[tuple[str, str], ...] = ()) -> cbc.Screener:
    return cbc.Screener(definition=definition, grading=scheme, units=dict(units) or None)


def options_of(made: Slice) -> dict[str, Any]:
    """Return what is declared of a slice. Units of whole columns are accepted: what is tried are cells."""
    options: dict[str, Any] = {"accept_units": list(QUANTITIES)}
    return options | {"decimal": ","} if made.decimal == "," else options


def declared_of(made: Slice) -> tuple[tuple[str, str], ...]:
    """Return the units that are declared for the whole slice, where headers do not have them."""
    if made.layout in ("declared", "comma"):
        return tuple((a, unit) for a, (unit, _) in made.units.items())
    return ()


def plain(table: pa.Table) -> list[dict[str, Any]]:
    """Return the columns that the law looks at, row by row."""
    names = [n for n in table.column_names if n in (*WORDS, *NEEDED) or n.endswith("_state")]
    columns = [table.column(n).to_pylist() for n in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def by_arrow(screener: cbc.Screener, made: Slice) -> list[dict[str, Any]]:
    columns = columns_of(made)
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return plain(screener.screen_frame(table, **options_of(made)))


def by_pandas(screener: cbc.Screener, made: Slice) -> list[dict[str, Any]]:
    """Screen as pandas has it: numbers as numbers where the layout says so, mixed with other objects."""
    frame = pd.DataFrame(columns_of(made), dtype=object)
    if made.layout == "numbers":
        for analyte in QUANTITIES:
            name = header(analyte, made)
            if name in frame:
                cells = [_object(row.cells[analyte]) for row in made.rows]
                frame[name] = pd.Series(cells, dtype=_dtype(cells))
    return plain(pa.Table.from_pandas(screener.screen_frame(frame, **options_of(made)), preserve_index=False))


def _object(cell: Cell) -> Any:
    """Return the object that a cell is in a frame that holds more than texts."""
    text = cell.text
    if text is None or (cell.kind not in ("plain", "beyond belief") and cell.kind not in OBJECTS):
        return text
    if cell.kind in ("plain", "beyond belief"):
        return float(text) if _is_number(text) else text
    number = float(text)
    if cell.kind == "object infinity":
        return math.inf
    if cell.kind == "object negative":
        return -number - 1
    made: dict[str, Any] = {
        "object Decimal": Decimal(text),
        "object float32": np.float32(text) if len(text.replace(".", "").lstrip("0")) <= 6 else number,
        "object bool": number > 1,
        "object date": datetime.date(2024, 10, 12),
        "object Timestamp": pd.Timestamp("2024-10-12"),
        "object bytes": text.encode(),
        "object list": [number],
    }
    return made[cell.kind]


def _dtype(cells: list[Any]) -> Any:
    """Make a column of floats narrow where every number of it goes into so few digits."""
    if not all(cell is None or type(cell) is float for cell in cells):
        return object
    numbers = [cell for cell in cells if cell is not None and math.isfinite(cell)]
    digits = max((len(repr(number).replace(".", "").strip("0")) for number in numbers), default=0)
    return "float32" if digits <= 6 and "e" not in repr(numbers) else "float64"


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return str(text).isascii()


# One record --------------------------------------------------------------------------------


def by_record(screener: cbc.Screener, made: Slice) -> list[dict[str, Any]]:
    """Screen row by row."""
    return [screener.screen(record_of(row), compact=True).flags() for row in made.rows]


def record_of(row: Row) -> dict[str, Any]:
    """Write a row as a record: fields of a closed list of words take only those."""
    record: dict[str, Any] = dict(row.written.fields)
    for analyte, cell in row.cells.items():
        if cell is not NOTHING:
            lower, upper = row.ranges.get(analyte, (None, None))
            record[analyte] = {"value": cell.text, "unit": cell.unit, "status": cell.status}
            if analyte in row.ranges:
                record[analyte]["range"] = {"lower": lower, "upper": upper}
    others = dict(row.others)
    record["wbc_uncorrected"] = others.pop("wbc_uncorrected") in ("true", "yes")
    method = others.pop("reticulocyte_method")
    record["reticulocyte_method"] = method if method in ("automated", "manual") else "unknown"
    words = {"present": "present", "yes": "present", "absent": "absent", "no": "absent"}
    found = {name: words.get(str(word), "unknown") for name, word in others.items()}
    groups = read_tables().finding_groups
    for group in ("film", "context"):
        record[group] = {name: word for name, word in found.items() if name in groups[group]}
    return record


# Files -------------------------------------------------------------------------------------


def by_polars(screener: cbc.Screener, made: Slice) -> list[dict[str, Any]]:
    columns = columns_of(made)
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return plain(screener.screen_frame(frame, **options_of(made)).to_arrow())


def by_csv(screener: cbc.Screener, made: Slice) -> list[dict[str, Any]]:
    """Scan the slice as a CSV file."""
    columns = columns_of(made)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.csv"
        with source.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for cells in zip(*columns.values(), strict=True):
                writer.writerow(["" if cell is None else cell for cell in cells])
        return _scanned(screener, source, made)


def by_ndjson(screener: cbc.Screener, made: Slice) -> list[dict[str, Any]]:
    """Scan the slice as one JSON object a line; what is missing is null, or not there."""
    columns = columns_of(made)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.ndjson"
        with source.open("w", encoding="utf-8") as file:
            for number, cells in enumerate(zip(*columns.values(), strict=True)):
                row = dict(zip(columns, cells, strict=True))
                if number % 5 == 0 and made.decimal == ".":
                    row |= _as_numbers(made.rows[number], made)
                if number % 2:
                    row = {name: cell for name, cell in row.items() if cell is not None}
                file.write(json.dumps(row, ensure_ascii=bool(number % 3)) + "\n")
        return _scanned(screener, source, made)


def _as_numbers(row: Row, made: Slice) -> dict[str, float]:
    """Return the cells of a row that are numbers, as numbers."""
    plain_cells = {header(a, made): c.text for a, c in row.cells.items() if c.kind == "plain"}
    return {name: float(text) for name, text in plain_cells.items() if text and _is_number(text)}


def by_parquet(screener: cbc.Screener, made: Slice) -> list[dict[str, Any]]:
    """Scan the slice as a Parquet file of texts."""
    columns = columns_of(made)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.parquet"
        pq.write_table(pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()}), source)
        return _scanned(screener, source, made)


def _scanned(screener: cbc.Screener, source: Path, made: Slice) -> list[dict[str, Any]]:
    """Scan a slice as a file; a row of which nothing was sent is rejected, and says nothing."""
    out = source.with_name("flags.parquet")
    summary = screener.scan(source, out, **options_of(made))
    flags = cbc.read_flags(out, kind="pyarrow")
    own = dict(zip(flags.column("row").to_pylist(), plain(flags), strict=True))
    first = 2 if source.suffix == ".csv" else 1  # a row of a CSV file is named by its line
    numbers = range(first, first + len(made.rows))
    assert len(own) + summary.rejected == len(made.rows), "rows in are rows screened and rows rejected"
    assert own.keys() <= set(numbers)
    return [own.get(number, {}) for number in numbers]


def by_feed(screener: cbc.Screener, made: Slice, door: str) -> list[dict[str, Any]]:
    """Scan the slice as single results; the rows of the answer are put in the order of the slice."""
    pick = random.Random(len(made.rows))
    counts = counts_of(made, len(made.rows), coded=door in ("hl7", "fhir"))
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name), Path(name) / "flags.parquet"
        options: dict[str, Any] = {"keep": ["person"], **options_of(made)}
        if door == "long":
            source, options["persons"] = write_long(counts, folder)
        elif door == "hl7":
            source = write_hl7(counts, folder, pick)
        else:
            source = write_fhir(counts, folder, pick)
        screener.scan(source, out, **options)
        table = cbc.read_flags(out, kind="pyarrow")
    people = table.column("person").to_pylist()
    found = {person.split("/")[-1].split("^")[0]: row for person, row in zip(people, plain(table), strict=True)}
    if len(found) != len(people):
        raise AssertionError("one count became several rows")
    return [found.get(count.number, {}) for count in counts]


DOORS: dict[str, Any] = {
    "arrow": by_arrow,
    "pandas": by_pandas,
    "record": by_record,
    "polars": by_polars,
    "csv": by_csv,
    "ndjson": by_ndjson,
    "parquet": by_parquet,
    "long": lambda screener, made: by_feed(screener, made, "long"),
    "hl7": lambda screener, made: by_feed(screener, made, "hl7"),
    "fhir": lambda screener, made: by_feed(screener, made, "fhir"),
}
FEEDS = ("long", "hl7", "fhir")
# Only pandas has columns of objects, a record has no header, and a feed writes the unit beside each result.
LAYOUTS_OF = {"pandas": LAYOUTS, "record": ("beside", "declared"), **dict.fromkeys(FEEDS, ("beside",))}


def attack(maker: RowMaker, many: int, definition: str, scheme: str, door: str, layout: str | None = None) -> Count:
    """Make rows, screen them through a door, and hold the answers against what is possible."""
    if layout is None:
        layout = maker.pick.choice(LAYOUTS_OF.get(door, LAYOUTS[:-1]))
    made = maker.slice(many, layout, dated=door in FEEDS, alone=door == "record")
    found = DOORS[door](
        screener_of(definition, scheme, declared_of(made)), made
    )  # a feed sets the truth to what it sent
    judge = judge_of(definition, scheme)
    return compare(made.rows, [judge.answers(row.truth) for row in made.rows], found)
