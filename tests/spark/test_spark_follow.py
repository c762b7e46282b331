"""Spark follows persons as `follow` does, however their rows are divided."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import cbc_screen as cbc
import cbc_screen.spark as cbc_spark
from cbc_screen.errors import UsageError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "serial"))

from test_history import persons

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of PySpark's own sockets
]
OF_PLACES = ("evidence_first_row", "evidence_last_row", "nadir_row", "last_row")


def export() -> pd.DataFrame:
    rng = random.Random(5)
    rows = persons(rng, 120)
    for place, row in enumerate(rows):
        row["person"] = None if place % 61 == 0 else f"p{row['person']}"
        if place % 40 == 0:
            row["PLT (10^9/L)"] = "clumped"
        if place % 53 == 0:
            row["collected_at"] = None
    rng.shuffle(rows)
    return pd.DataFrame(rows).astype("object").where(lambda cells: cells.notna(), None)


def plain(rows: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Return rows by person; what says of places and order left out, and what is missing alike."""
    found = {}
    for row in rows:
        kept = {name: cell for name, cell in row.items() if not name.endswith(OF_PLACES)}
        kept["reasons"] = ";".join(own for own in kept["reasons"].split(";") if own != "time:OUT_OF_ORDER")
        found[row["person"]] = {name: None if pd.isna(cell) else str(cell) for name, cell in kept.items()}
    return found


def test_persons_are_followed_as_in_a_frame_however_they_are_divided(spark: SparkSession) -> None:
    counts = export()
    wanted = plain(cbc.Screener().follow(pa_of(counts)).to_pylist())
    frame = spark.createDataFrame(
        [tuple(row) for row in counts.itertuples(index=False)], ", ".join(f"`{name}` string" for name in counts)
    )
    for partitions in (None, 7):
        found = [row.asDict() for row in cbc_spark.follow(frame.repartition(4), partitions=partitions).collect()]
        assert sum(row["counts"] for row in found) == len(counts)
        assert plain(found) == wanted
    assert any(row["course"] for row in found)


def pa_of(counts: pd.DataFrame) -> Any:
    import pyarrow as pa

    return pa.table({name: pa.array(list(counts[name]), pa.string()) for name in counts})


def test_a_frame_without_persons_is_refused(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("50 y", "F", "120")], "age string, sex string, `HGB (g/L)` string")
    with pytest.raises(UsageError, match="no column says whose"):
        cbc_spark.follow(frame)
