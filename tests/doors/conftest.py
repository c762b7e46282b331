"""Databases for the tests of this folder: one of each for a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import local_spark
import postgres

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with local_spark.session() as session:
        yield session


@pytest.fixture
def ranges_of_own(tmp_path: Path) -> Path:
    """A set of one range, in a file with a name that could end a text."""
    path = tmp_path / "it's \\ own '; --.csv"
    path.write_text(
        "analyte,sex,age_low,age_high,lower,upper,unit\nplatelets,any,18 y,,171.5,402,10^9/L\n", encoding="utf-8"
    )
    return path
