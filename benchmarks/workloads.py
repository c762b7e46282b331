"""What is screened when speed is measured: synthetic counts and records, made without the library.

Nothing here imports `cbc_screen`, so that two versions of it can be given the very same work.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

# Mean and spread of synthetic counts: numbers to fall on both sides of limits.
SHAPES = {
    "hemoglobin": (130, 25), "hematocrit": (0.4, 0.08), "rbc": (4.5, 0.8), "mcv": (90, 9), "mch": (30, 3),
    "mchc": (335, 12), "rdw_cv": (14, 1.5), "wbc": (7, 3), "neutrophils": (4, 2), "lymphocytes": (2, 0.8),
    "monocytes": (0.5, 0.2), "eosinophils": (0.2, 0.1), "basophils": (0.05, 0.02), "platelets": (240, 90), "mpv": (9, 1),
}  # fmt: skip
SLICE = 262_144
# Of the counts with the whole spread three in five have a low line, as in a marrow clinic; with the narrow one
# one in five, as in a hospital.
NARROW = 0.35
BAD_CELLS, RAGGED_LINES = 1_000, 10_000  # one in so many
BAD_TEXTS = ("abc", "(7)", "1,2", "-5")  # cells that are no number
ROWS_AT_ONCE = 65_536
Columns = dict[str, NDArray[np.float64]]


def coherent(columns: Columns) -> Columns:
    """Let a count agree with itself: white cells are the sum of their kinds, red cells fit their indices.

    Numbers drawn one by one contradict one another in most rows, as real counts do not.
    """
    white = [columns[kind] for kind in ("neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils")]
    hematocrit = (columns["rbc"] * columns["mcv"] / 1000).round(4)
    hemoglobin = (columns["rbc"] * columns["mch"]).round(1)
    mchc = (hemoglobin / np.maximum(hematocrit, 0.001)).round(1)
    whole = {"wbc": np.sum(white, axis=0).round(2), "hematocrit": hematocrit, "hemoglobin": hemoglobin, "mchc": mchc}
    return {name: whole.get(name, column) for name, column in columns.items()}


def numbers(
    rows: int, unsure_cells: float = 0.0, *, agree: bool = True, spread: float = 1.0
) -> tuple[Columns, Columns]:
    """Make the lower and upper ends of full counts; of the unsure cells half are "<x" and half are missing."""
    chance = np.random.default_rng(1)
    low = {name: np.abs(chance.normal(mean, spread * own, rows)).round(2) for name, (mean, own) in SHAPES.items()}
    low = coherent(low) if agree else low
    high = dict(low)
    if unsure_cells:
        for name, values in low.items():
            lot = chance.random(rows)
            missing, censored = lot < unsure_cells / 2, lot < unsure_cells
            high[name] = np.where(missing, np.nan, values)
            low[name] = np.where(missing, np.nan, np.where(censored, 0.0, values))
    return low, high


def people(rows: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Make ages in months, and 1 for a man and 0 for a woman."""
    chance = np.random.default_rng(2)
    return chance.integers(12, 12 * 90, rows), chance.integers(0, 2, rows).astype(np.int8)


def records(count: int) -> list[dict[str, Any]]:
    """Make different records of five results, from the same seed each time."""
    chance = random.Random(1)

    def count_of(low: float, high: float, digits: int, unit: str) -> object:
        value = round(chance.uniform(low, high), digits)
        if chance.random() < 0.1:
            return f"<{value} {unit}"
        return f"{value} {unit}" if chance.random() < 0.7 else {"value": value, "unit": unit}

    return [
        {
            "age": f"{chance.randrange(1, 95)} y",
            "sex": chance.choice("FM"),
            "hemoglobin": count_of(5, 18, 1, "g/dL"),
            "mcv": count_of(70, 115, 0, "fL"),
            "wbc": count_of(0.5, 15, 1, "10^9/L"),
            "neutrophils": count_of(0.1, 9, 1, "10^9/L"),
            "platelets": count_of(5, 450, 0, "10^9/L"),
        }
        for _ in range(count)
    ]


def export(rows: int, spread: float = 1.0) -> pa.Table:
    """Make what an export holds: age in months, sex as a letter, results in canonical units."""
    months, male = people(rows)
    return pa.table({"Age": months, "Sex": np.where(male == 1, "M", "F"), **numbers(rows, spread=spread)[0]})


def write_files(folder: Path, table: pa.Table) -> None:
    """Write an export as Parquet, as a clean CSV, and as a CSV with bad cells and ragged lines."""
    pq.write_table(table, folder / "1.parquet", compression="zstd")
    with (
        (folder / "clean.csv").open("w", encoding="utf-8", newline="") as clean,
        (folder / "bad.csv").open("w", encoding="utf-8", newline="") as bad,
    ):
        writers = csv.writer(clean), csv.writer(bad)
        for writer in writers:
            writer.writerow(table.column_names)
        for row, spoiled in _lines(table):
            writers[0].writerow(row)
            writers[1].writerow(spoiled)


def _lines(table: pa.Table) -> Iterator[tuple[list[Any], list[Any]]]:
    """Yield each row, and the same row with what goes wrong in it."""
    chance, first = random.Random(1), table.num_columns - len(SHAPES)
    for batch in table.to_batches(ROWS_AT_ONCE):
        for row in map(list, zip(*(column.to_pylist() for column in batch.columns), strict=True)):
            spoiled = list(row)
            for place in range(first, len(row)):
                if chance.randrange(BAD_CELLS) == 0:
                    spoiled[place] = chance.choice(BAD_TEXTS)
            if chance.randrange(RAGGED_LINES) == 0:
                spoiled = spoiled[:-1] if chance.randrange(2) else [*spoiled, "more"]
            yield row, spoiled
